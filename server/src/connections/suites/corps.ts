/**
 * Which companies authorised a delegated or a provider connection (http-api.md §4.1): finding and listing them. How they
 * come to be there, change and go is authorisations.ts.
 */
import { sql } from 'kysely'
import { isOneOf, type Database, type Executor } from '../../database/database.ts'
import { contains } from '../../directory/search.ts'
import { rowOf } from '../connection-records.ts'
import { authorizedCorpRows, findCorpRow, fromCorpRow, type Corp, type CorpState } from './corp-records.ts'

export type { Corp, CorpState } from './corp-records.ts'

export type Corps = ReturnType<typeof createCorps>

export interface CorpFilter {
  /** Id or identifier of the connection. */
  readonly connection: string
  readonly state: CorpState | null
  readonly q: string | null
  readonly limit: number
  /** The corpId that the page before ended with. */
  readonly cursor: string | null
}

export function createCorps({ database }: { database: Database }) {
  return {
    /** By name. @throws AppError `connections/not-found` */
    async list({ connection, state, q, limit, cursor }: CorpFilter) {
      const { id } = await rowOf(database, connection)
      let all = database.kysely.selectFrom('corps').where('connection_id', '=', id)
      if (state !== null) all = all.where('state', '=', state)
      if (q !== null) all = all.where(({ or }) => or([contains('name', q), contains('corp_id', q)]))
      const { total } = await all.select((eb) => eb.fn.countAll<number>().as('total')).executeTakeFirstOrThrow()
      let page = all
        .selectAll()
        .orderBy('name')
        .orderBy('corp_id')
        .limit(limit + 1)
      const last = cursor === null ? undefined : await findCorpRow(database, id, cursor)
      if (last !== undefined) page = page.where(sql<boolean>`(name, corp_id) > (${last.name}, ${last.corp_id})`)
      const rows = await page.execute()
      const shown = rows.slice(0, limit).map(fromCorpRow)
      const linked = await linkedUsersOf(id, shown)
      return {
        items: shown.map((corp) => ({ ...corp, linkedUsers: linked.get(corp.corpId) ?? 0 })),
        hasMore: rows.length > limit,
        total,
      }
    },

    /** @param connectionId an id, not an identifier */
    async find(connectionId: string, corpId: string, on: Executor = database): Promise<Corp | undefined> {
      const row = await findCorpRow(on, connectionId, corpId)
      return row === undefined ? undefined : fromCorpRow(row)
    },

    /** Those of a connection that are authorised now, by name. */
    async authorized(connectionId: string, on: Executor = database): Promise<Corp[]> {
      return (await authorizedCorpRows(on, connectionId)).map(fromCorpRow)
    },

    async countAuthorized(connectionId: string): Promise<number> {
      const { count } = await database.kysely
        .selectFrom('corps')
        .where('connection_id', '=', connectionId)
        .where('state', '=', 'authorized')
        .select((eb) => eb.fn.countAll<number>().as('count'))
        .executeTakeFirstOrThrow()
      return count
    },
  }

  async function linkedUsersOf(connectionId: string, corps: readonly Corp[]): Promise<Map<string, number>> {
    if (corps.length === 0) return new Map()
    const rows = await database.kysely
      .selectFrom('links')
      .where('connection_id', '=', connectionId)
      .where(
        isOneOf(
          database,
          'corp_id',
          corps.map(({ corpId }) => corpId),
        ),
      )
      .groupBy('corp_id')
      .select((eb) => ['corp_id', eb.fn.countAll<number>().as('count')])
      .execute()
    return new Map(rows.map(({ corp_id, count }) => [corp_id, count]))
  }
}
