/** The audit record in the admin API (http-api.md §4.1). Read only. */
import { listAudit, type AuditEntry as AuditEntryAnswer } from '@muster/contracts'
import { sql, type RawBuilder } from 'kysely'
import type { z } from 'zod'
import type { Audit } from '../audit/audit.ts'
import type { Row } from '../database/database.ts'
import { contains } from '../directory/search.ts'
import { page, readCursor, readSearch } from './pages.ts'
import { route, type Route } from './routes.ts'

export function auditRoutes({ audit }: { audit: Audit }): Route[] {
  return [
    route(listAudit, async ({ query }) => {
      const { limit, organizationId, action, actorId, targetId } = query
      const search = readSearch(query.q)
      const { items, hasMore, total } = await audit.list({
        limit,
        cursor: readCursor(query.cursor),
        organizationId,
        action,
        actorId,
        targetId,
        matches: search === null ? undefined : anywhere(search),
      })
      return page(items.map(render), hasMore, total, ({ id }) => id)
    }),
  ]
}

const SEARCHED = ['action', 'actor_name', 'target_name', 'details'] as const

function anywhere(text: string): RawBuilder<boolean> {
  return sql<boolean>`(${sql.join(
    SEARCHED.map((column) => contains(column, text)),
    sql` or `,
  )})`
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
