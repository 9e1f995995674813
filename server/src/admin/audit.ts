/** The audit record in the admin API (http-api.md §4.1). Read only. */
import { listAudit, type AuditEntry as AuditEntryAnswer } from '@muster/contracts'
import type { z } from 'zod'
import type { Audit } from '../audit/audit.ts'
import type { Row } from '../database/database.ts'
import { AppError } from '../errors.ts'
import { page, readCursor } from './pages.ts'
import { route, type Route } from './routes.ts'

export function auditRoutes({ audit }: { audit: Audit }): Route[] {
  return [
    route(listAudit, async ({ query }) => {
      refuseUnavailable(query)
      const { items, hasMore, total } = await audit.list({
        limit: query.limit,
        cursor: readCursor(query.cursor),
        organizationId: query.organizationId ?? null,
      })
      return page(items.map(render), hasMore, total, ({ id }) => id)
    }),
  ]
}

/** A filter that is ignored would be an answer to another question. */
function refuseUnavailable(query: z.output<typeof listAudit.query>): void {
  const fields = (['q', 'action', 'actorId', 'targetId'] as const).filter((name) => query[name] !== undefined)
  if (fields.length === 0) return
  throw new AppError('http/validation', {
    fields: fields.map((path) => ({ path, message: 'Not available in this version.' })),
  })
}

type Answer = z.input<typeof AuditEntryAnswer>

function render(row: Row<'audit'>): Answer {
  const { target_kind: kind, target_id: id, target_name: name } = row
  return {
    id: row.id,
    at: new Date(row.at).toISOString(),
    actor: { kind: row.actor_kind as Answer['actor']['kind'], id: row.actor_id, name: row.actor_name },
    action: row.action,
    target: kind === null || id === null ? null : { kind, id, name },
    organizationId: row.organization_id,
    details: JSON.parse(row.details) as Answer['details'],
    address: row.address,
    requestId: row.request_id,
  }
}
