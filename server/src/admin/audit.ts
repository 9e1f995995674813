/** The audit record in the admin API (http-api.md §4.1). Read only. */
import { listAudit, type AuditEntry as AuditEntryAnswer } from '@muster/contracts'
import { sql, type RawBuilder } from 'kysely'
import type { z } from 'zod'
import type { Audit } from '../audit/audit.ts'
import type { Row } from '../database/database.ts'
import { contains } from '../directory/search.ts'
import type { Users } from '../directory/users.ts'
import { sendCsv } from './csv-export.ts'
import { page, readCursor, readSearch } from './pages.ts'
import { route, type Route } from './routes.ts'

export function auditRoutes({ audit, users }: { audit: Audit; users: Users }): Route[] {
  return [
    route(listAudit, async ({ query, reply }) => {
      const { organizationId, action, actorId, targetId, from, to } = query
      const search = readSearch(query.q)
      const filter = {
        organizationId,
        action,
        actorId,
        targetId,
        from: from === undefined ? undefined : Date.parse(from),
        to: to === undefined ? undefined : Date.parse(to),
        matches: search === null ? undefined : anywhere(search),
      }
      if (query.format === 'csv') return sendCsv(reply, 'audit', COLUMNS, csvRows(audit.all(filter)))
      const { items, hasMore, total } = await audit.list({
        ...filter,
        limit: query.limit,
        cursor: readCursor(query.cursor),
      })
      const names = await users.usernames([...new Set(items.flatMap(namelessUsers))])
      return page(
        items.map((row) => render(row, names)),
        hasMore,
        total,
        ({ id }) => id,
      )
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

/** Of people who sign in the record keeps no name (threats.md D-07); whoever reads it wants to know who they are. */
function namelessUsers(row: Row<'audit'>): string[] {
  return [
    ...(row.actor_kind === 'user' && row.actor_name === null && row.actor_id !== null ? [row.actor_id] : []),
    ...(row.target_kind === 'user' && row.target_name === null && row.target_id !== null ? [row.target_id] : []),
  ]
}

function render(row: Row<'audit'>, names: ReadonlyMap<string, string>): Answer {
  const { target_kind: kind, target_id: id } = row
  const nameOf = (recorded: string | null, who: string | null) => recorded ?? names.get(who ?? '') ?? null
  const name = nameOf(row.target_name, id)
  return {
    id: row.id,
    at: new Date(row.at).toISOString(),
    actor: {
      kind: row.actor_kind as Answer['actor']['kind'],
      id: row.actor_id,
      name: nameOf(row.actor_name, row.actor_id),
    },
    action: row.action,
    target: kind === null || id === null ? null : { kind, id, name },
    organizationId: row.organization_id,
    details: JSON.parse(row.details) as Answer['details'],
    address: row.address,
    requestId: row.request_id,
  }
}

const COLUMNS = [
  'id',
  'at',
  'action',
  'actorKind',
  'actorId',
  'actorName',
  'targetKind',
  'targetId',
  'targetName',
  'organizationId',
  'details',
  'address',
  'requestId',
] as const

async function* csvRows(rows: AsyncIterable<Row<'audit'>>): AsyncGenerator<unknown[]> {
  for await (const row of rows) {
    yield [
      row.id,
      new Date(row.at).toISOString(),
      row.action,
      row.actor_kind,
      row.actor_id,
      row.actor_name,
      row.target_kind,
      row.target_id,
      row.target_name,
      row.organization_id,
      row.details,
      row.address,
      row.request_id,
    ]
  }
}
