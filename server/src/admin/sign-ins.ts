/** The log of sign-ins in the admin API (http-api.md §4.1). Read only. */
import { listSignIns, type SignIn as SignInAnswer } from '@muster/contracts'
import type { z } from 'zod'
import type { Connections } from '../connections/connections.ts'
import type { Row } from '../database/database.ts'
import type { Organizations } from '../directory/organizations.ts'
import type { SignIns } from '../signin/sign-ins.ts'
import { sendCsv } from './csv-export.ts'
import { page, readCursor, readSearch } from './pages.ts'
import { route, type Route } from './routes.ts'

export function signInRoutes({
  signIns,
  connections,
  organizations,
}: {
  signIns: SignIns
  connections: Connections
  organizations: Organizations
}): Route[] {
  return [
    route(listSignIns, async ({ query, reply }) => {
      const organization = await organizations.resolve(query.organizationId)
      const connection = query.connection === undefined ? null : await connections.get(query.connection)
      const filter = {
        organizationId: organization.id,
        connectionId: connection?.id ?? null,
        userId: query.userId ?? null,
        applicationId: query.applicationId ?? null,
        outcome: query.outcome ?? null,
        reason: query.reason ?? null,
        referenceId: query.referenceId ?? null,
        from: query.from === undefined ? null : Date.parse(query.from),
        to: query.to === undefined ? null : Date.parse(query.to),
        q: readSearch(query.q),
      }
      if (query.format === 'csv') return sendCsv(reply, 'sign-ins', COLUMNS, csvRows(signIns.all(filter)))
      const { items, hasMore, total } = await signIns.list(filter, {
        limit: query.limit,
        cursor: readCursor(query.cursor),
      })
      return page(items.map(render), hasMore, total, ({ id }) => id)
    }),
  ]
}

type Answer = z.input<typeof SignInAnswer>

/** Rows hold only words of the contracts. */
function render(row: Row<'sign_ins'>): Answer {
  return {
    id: row.id,
    at: new Date(row.at).toISOString(),
    organizationId: row.organization_id,
    connectionId: row.connection_id,
    corpId: row.corp_id,
    userid: row.userid,
    userId: row.user_id,
    applicationId: row.application_id,
    door: row.door as Answer['door'],
    outcome: row.outcome as Answer['outcome'],
    reason: row.reason as Answer['reason'],
    problem: row.problem,
    referenceId: row.reference_id,
    address: row.address,
  }
}

const COLUMNS = [
  'id',
  'at',
  'outcome',
  'reason',
  'problem',
  'door',
  'connectionId',
  'corpId',
  'userid',
  'userId',
  'applicationId',
  'referenceId',
  'address',
] as const satisfies readonly (keyof Answer)[]

async function* csvRows(rows: AsyncIterable<Row<'sign_ins'>>): AsyncGenerator<unknown[]> {
  for await (const row of rows) {
    const answer = render(row)
    yield COLUMNS.map((column) => answer[column])
  }
}
