/**
 * What people see of the events, and what time does to them: listing, reading, replaying, counting, removing. The inbox
 * takes them in and has them worked off.
 */
import type { EventNote, EventState } from '@muster/contracts'
import type { Actor, Audit } from '../audit/audit.ts'
import { isOneOf, type Database, type Row } from '../database/database.ts'
import { contains } from '../directory/search.ts'
import { AppError, type Problem } from '../errors.ts'
import { lowestId } from '../ids.ts'
import type { Channel } from './reception.ts'

/** Times are milliseconds since 1970. */
export interface StoredEvent {
  readonly id: string
  readonly organizationId: string
  readonly connectionId: string
  readonly corpId: string | null
  readonly channel: Channel
  readonly type: string
  readonly object: string | null
  readonly state: EventState
  readonly note: EventNote | null
  readonly attempts: number
  readonly error: Problem | null
  readonly runId: string | null
  readonly happenedAt: number
  readonly receivedAt: number
  readonly dueAt: number | null
  readonly finishedAt: number | null
}

export interface EventFilter {
  readonly organizationId: string
  readonly connectionId: string | null
  readonly state: string | null
  readonly type: string | null
  /** Received then or later, and before then; milliseconds since 1970. */
  readonly from: number | null
  readonly to: number | null
  readonly q: string | null
}

const DAY_MS = 24 * 60 * 60 * 1_000
const KEPT_FOR_MS = 30 * DAY_MS
const PARKED_KEPT_FOR_MS = 90 * DAY_MS
const REMOVED_AT_ONCE = 500
/** WeCom's own limit for a code. */
const CODE_GOOD_FOR_MS = 10 * 60 * 1_000
const ID_SLACK_MS = 60_000

export type EventLog = ReturnType<typeof createEventLog>

export function createEventLog({ database, audit, now }: { database: Database; audit: Audit; now: () => number }) {
  return {
    /** Newest first. `cursor` is the id of the last one of the page before. */
    async list(filter: EventFilter, { limit, cursor }: { limit: number; cursor: string | null }) {
      const { total } = await matching(filter)
        .select((eb) => eb.fn.countAll<number>().as('total'))
        .executeTakeFirstOrThrow()
      let page = matching(filter)
        .selectAll()
        .orderBy('id', 'desc')
        .limit(limit + 1)
      if (cursor !== null) page = page.where('id', '<', cursor)
      const rows = await page.execute()
      return { items: rows.slice(0, limit).map(fromRow), hasMore: rows.length > limit, total }
    },

    /** @throws AppError `events/not-found` */
    async get(id: string): Promise<StoredEvent> {
      const row = await database.kysely.selectFrom('events').selectAll().where('id', '=', id).executeTakeFirst()
      if (row === undefined) throw new AppError('events/not-found')
      return fromRow(row)
    },

    /**
     * Has an event worked off again, whatever became of it.
     * @throws AppError `events/not-found`, `events/secret-gone`
     */
    async replay(actor: Actor, id: string): Promise<StoredEvent> {
      return database.inTransaction(async (tx) => {
        const found = tx.kysely.selectFrom('events').selectAll().where('id', '=', id)
        const row = await (tx.dialect === 'postgres' ? found.forUpdate() : found).executeTakeFirst()
        if (row === undefined) throw new AppError('events/not-found')
        if (isSpent(row)) throw new AppError('events/secret-gone')
        const again = {
          state: 'pending',
          note: null,
          attempts: 0,
          error: null,
          run_id: null,
          due_at: now(),
          // Whoever is at work on it now began before the wish, and settles nothing any more.
          claimed_by: null,
          claimed_until: null,
          finished_at: null,
        }
        await tx.kysely.updateTable('events').set(again).where('id', '=', id).execute()
        await audit.record(tx, actor, [
          {
            action: 'event.replay',
            organizationId: row.organization_id,
            target: { kind: 'event', id, name: null },
            details: { connectionId: row.connection_id, type: row.type, state: row.state },
          },
        ])
        return fromRow({ ...row, ...again })
      })
    },

    /** Events that were given up and wait for a person, by connection; `since` is when the oldest arrived. */
    async parkedOf(connectionIds: readonly string[]): Promise<Map<string, { count: number; since: number }>> {
      const rows = await database.kysely
        .selectFrom('events')
        .where('state', '=', 'parked')
        .where(isOneOf(database, 'connection_id', connectionIds))
        .groupBy('connection_id')
        .select(({ fn }) => [
          'connection_id',
          fn.countAll<number>().as('count'),
          fn.min<number>('received_at').as('since'),
        ])
        .execute()
      return new Map(rows.map(({ connection_id: id, ...parked }) => [id, parked]))
    },

    /** How many are not worked off: for the first time, after an attempt that failed, and given up. */
    async count(): Promise<{ waiting: number; failed: number; parked: number }> {
      const due = await database.kysely
        .selectFrom('events')
        .where('due_at', 'is not', null)
        .groupBy('state')
        .select(({ fn }) => ['state', fn.countAll<number>().as('count')])
        .execute()
      const { parked } = await database.kysely
        .selectFrom('events')
        .where('state', '=', 'parked')
        .select(({ fn }) => fn.countAll<number>().as('parked'))
        .executeTakeFirstOrThrow()
      const countOf = (state: EventState) => due.find((one) => one.state === state)?.count ?? 0
      return { waiting: countOf('pending'), failed: countOf('failed'), parked }
    },

    /** What is done with, or given up, and is about people who are forgotten. What waits is about whoever is called so now. */
    async forget(connectionId: string, useridKeys: readonly string[]): Promise<void> {
      await database.kysely
        .deleteFrom('events')
        .where('connection_id', '=', connectionId)
        .where('due_at', 'is', null)
        .where(
          isOneOf(
            database,
            'object_key',
            useridKeys.map((key) => `user:${key}`),
          ),
        )
        .execute()
    },

    /** Removes what was done with a month ago, and what was given up three months ago. @returns how many */
    async removeOld(signal: AbortSignal): Promise<number> {
      const at = now()
      const old = database.kysely
        .selectFrom('events')
        .select('id')
        .where('due_at', 'is', null)
        // The id says when it arrived, and has an index.
        .where('id', '<', lowestId('evt', at - KEPT_FOR_MS))
        .where(({ eb, or }) =>
          or([
            eb('state', '<>', 'parked').and('finished_at', '<', at - KEPT_FOR_MS),
            eb('finished_at', '<', at - PARKED_KEPT_FOR_MS),
          ]),
        )
        .limit(REMOVED_AT_ONCE)
      for (let removed = 0; ;) {
        if (signal.aborted) return removed
        const { numDeletedRows } = await database.inTransaction((tx) =>
          tx.kysely.deleteFrom('events').where('id', 'in', old).executeTakeFirstOrThrow(),
        )
        removed += Number(numDeletedRows)
        if (numDeletedRows < REMOVED_AT_ONCE) return removed
      }
    },
  }

  function isSpent({ type, payload_sealed: sealed, happened_at: happenedAt }: Row<'events'>): boolean {
    // A ticket is kept in its own place, and only the newest counts.
    if (type === 'suite_ticket') return true
    if (!WITH_CODE.has(type)) return false
    return sealed === null || now() - happenedAt > CODE_GOOD_FOR_MS
  }

  function matching({ organizationId, connectionId, state, type, from, to, q }: EventFilter) {
    let all = database.kysely.selectFrom('events').where('organization_id', '=', organizationId)
    if (connectionId !== null) all = all.where('connection_id', '=', connectionId)
    if (state !== null) all = all.where('state', '=', state)
    if (type !== null) all = all.where('type', '=', type)
    // The ids, which have an index, say the time too, but not to the millisecond the same.
    if (from !== null) all = all.where('received_at', '>=', from).where('id', '>=', lowestId('evt', from - ID_SLACK_MS))
    if (to !== null) all = all.where('received_at', '<', to).where('id', '<', lowestId('evt', to + ID_SLACK_MS))
    if (q === null) return all
    return all.where(({ or }) => or([contains('object', q), contains('type', q)]))
  }
}

/** Types whose message has a code that works once. */
export const WITH_CODE: ReadonlySet<string> = new Set(['create_auth', 'reset_permanent_code'])

/** Rows hold only words of the contracts. */
export function fromRow(row: Row<'events'>): StoredEvent {
  return {
    id: row.id,
    organizationId: row.organization_id,
    connectionId: row.connection_id,
    corpId: row.corp_id,
    channel: row.channel as Channel,
    type: row.type,
    object: row.object,
    state: row.state as EventState,
    note: row.note as EventNote | null,
    attempts: row.attempts,
    error: row.error === null ? null : (JSON.parse(row.error) as Problem),
    runId: row.run_id,
    happenedAt: row.happened_at,
    receivedAt: row.received_at,
    dueAt: row.due_at,
    finishedAt: row.finished_at,
  }
}
