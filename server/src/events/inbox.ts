/**
 * Takes in what WeCom sends and gives it out to be worked off. Owns `events`. An event is acknowledged once it is here; from
 * then on it is worked off, by whichever process, until that is done or given up. A process that works on events holds them
 * for a while; one that dies leaves them due. What people see of it is event-log.ts.
 */
import { sql } from 'kysely'
import type { EventNote, EventState } from '@muster/contracts'
import {
  databaseTime,
  isForeignKeyViolation,
  isOneOf,
  prepared,
  updateRows,
  type Database,
  type Row,
  type Transaction,
} from '../database/database.ts'
import type { Problem } from '../errors.ts'
import type { NewId } from '../ids.ts'
import { Secret } from '../secret.ts'
import { VaultError, type Vault } from '../vault.ts'
import { fromRow, WITH_CODE, type StoredEvent } from './event-log.ts'
import type { Arrival, KeptEvent } from './meaning.ts'
import type { Channel } from './reception.ts'

/** An event that this process works on. */
export interface ClaimedEvent extends StoredEvent {
  readonly payload: KeptEvent
  /** The code that came with it, while it may still be used and can be opened. */
  readonly secret: Secret | null
}

/** What became of a claimed event. */
export interface Settlement {
  readonly event: ClaimedEvent
  readonly state: EventState
  readonly note: EventNote | null
  /** Whether that was an attempt; not when nothing was tried. */
  readonly isAttempt: boolean
  /** How often it was tried by now. */
  readonly attempts: number
  readonly error: Problem | null
  readonly runId: string | null
  /** As far as WeCom said only now which company it is. */
  readonly corpId: string | null
  /** When it is to be worked off again; null for never. */
  readonly dueAt: number | null
}

/** A process that works on events says so again within a third of it. */
export const HELD_FOR_MS = 15_000
const MOST_WAITING = 200_000
const MEASURED_EVERY_MS = 10_000
/** So many are worked off together; those about the same object cost one question. */
const BATCH = 1_000
const MOST_BESIDE = 10_000

export type Inbox = ReturnType<typeof createInbox>

export function createInbox({
  database,
  vault,
  newId,
  now,
  owner,
}: {
  database: Database
  vault: Vault
  newId: NewId
  now: () => number
  /** Names this process, newly for every start. */
  owner: string
}) {
  let waiting = 0
  let measuredAt = Number.NEGATIVE_INFINITY

  return {
    /** Counts from time to time what waits, so that there is an end to it; see `isFull`. */
    async measure(): Promise<void> {
      if (now() - measuredAt < MEASURED_EVERY_MS) return
      measuredAt = now()
      const { count } = await database.kysely
        .selectFrom('events')
        .where('due_at', 'is not', null)
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .executeTakeFirstOrThrow()
      waiting = count
    },

    /** More wait than can be meant: whatever comes now is better sent again by WeCom, or found by the next run. */
    isFull: () => waiting >= MOST_WAITING,

    /**
     * Keeps what has arrived, once. It is on the disk when this returns.
     * @param also is done in the same transaction, when it was not here yet
     */
    async keep(
      to: { readonly connectionId: string; readonly organizationId: string; readonly channel: Channel },
      arrival: Arrival,
      { digest, sentAt }: { readonly digest: string; readonly sentAt: number },
      also?: (tx: Transaction) => Promise<void>,
    ): Promise<'kept' | 'duplicate' | 'no-connection'> {
      const { connectionId, organizationId, channel } = to
      const { secret, verdict } = arrival
      const id = newId('evt')
      const at = now()
      const row: Row<'events'> = {
        id,
        organization_id: organizationId,
        connection_id: connectionId,
        corp_id: arrival.corpId,
        channel,
        type: arrival.type,
        object: arrival.object,
        object_key: arrival.objectKey,
        payload: JSON.stringify(arrival.payload),
        payload_sealed: secret === null ? null : vault.seal(recordOf(id), new Secret(secret)),
        digest,
        state: verdict?.state ?? 'pending',
        note: verdict?.note ?? null,
        attempts: 0,
        error: null,
        run_id: null,
        happened_at: arrival.payload.happenedAt ?? sentAt,
        received_at: at,
        due_at: verdict === null ? at : null,
        claimed_by: null,
        claimed_until: null,
        finished_at: verdict === null ? null : at,
      }
      try {
        // One statement commits itself, in one way to PostgreSQL and back instead of three.
        if (also === undefined && database.dialect === 'postgres') return outcomeOf(await insertOnce(database, row))
        return await database.inSharedTransaction(async (tx) => {
          const outcome = outcomeOf(await insertOnce(tx, row))
          if (outcome === 'kept') await also?.(tx)
          return outcome
        })
      } catch (error) {
        if (isForeignKeyViolation(error)) return 'no-connection'
        throw error
      }
    },

    /**
     * Takes what is due, a connection at a time, so that no other process does.
     * @param busy connections that this process works for already
     */
    async claim(busy: readonly string[]): Promise<ClaimedEvent[][]> {
      const at = now()
      const due = await database.kysely
        .selectFrom('events')
        .select('connection_id')
        .where('due_at', '<=', at)
        .where(({ not }) => not(isOneOf(database, 'connection_id', busy)))
        .groupBy('connection_id')
        // One process for each connection: another one's questions would be asked twice.
        .having(sql<boolean>`max(${isHeld()}) = 0`)
        .orderBy(({ fn }) => fn.min('due_at'))
        .execute()
      const batches: ClaimedEvent[][] = []
      for (const { connection_id: connectionId } of due) {
        const rows = await claimOf(connectionId, at)
        if (rows.length > 0) batches.push(rows.map((row) => claimedFrom(row)))
      }
      return batches
    },

    /** Says that this process is still at work on them. */
    async renew(ids: readonly string[]): Promise<void> {
      await database.kysely
        .updateTable('events')
        .set({ claimed_until: sql`${databaseTime(database)} + ${HELD_FOR_MS}` })
        .where(isOneOf(database, 'id', ids))
        .where('claimed_by', '=', owner)
        .where('claimed_until', 'is not', null)
        .execute()
    },

    /** Notes what became of events, unless another process has them by now or somebody wants them worked off again. */
    async settle(settlements: readonly Settlement[]): Promise<void> {
      const at = now()
      const rows = settlements.map(({ event, ...settled }): Partial<Row<'events'>> => ({
        id: event.id,
        claimed_by: owner,
        claimed_until: null,
        state: settled.state,
        note: settled.note,
        attempts: settled.attempts,
        error: settled.error === null ? null : JSON.stringify(settled.error),
        run_id: settled.runId,
        corp_id: settled.corpId ?? event.corpId,
        due_at: settled.dueAt,
        finished_at: settled.dueAt === null ? at : null,
      }))
      // A power cut may take it back: then they are worked off once more, which changes nothing.
      await database.inTransactionOfMany(async (tx) => {
        await updateRows(tx, 'events', ['id', 'claimed_by'], SETTLED_COLUMNS, rows)
        const spent = settlements.flatMap(({ event, dueAt }) =>
          dueAt === null && WITH_CODE.has(event.type) ? [event.id] : [],
        )
        if (spent.length === 0) return
        await tx.kysely
          .updateTable('events')
          .set({ payload_sealed: null })
          .where(isOneOf(tx, 'id', spent))
          .execute()
      })
    },
  }

  /** 1 while another process is at work on an event. SQLite has one process: whoever held it there is dead. */
  function isHeld() {
    return database.dialect === 'sqlite'
      ? sql<number>`0`
      : sql<number>`case when claimed_by <> ${owner} and claimed_until > ${databaseTime(database)} then 1 else 0 end`
  }

  /** The oldest, and then whatever else is due about the same objects: one question answers all of them. */
  function claimOf(connectionId: string, at: number): Promise<Row<'events'>[]> {
    // A power cut may take it back, and does no harm by it: then they are due again.
    return database.inTransactionOfMany(async (tx) => {
      const due = tx.kysely
        .selectFrom('events')
        .select('id')
        .where('connection_id', '=', connectionId)
        .where('due_at', '<=', at)
        .where(sql<boolean>`${isHeld()} = 0`)
        // Those of a suite first: a company that cancels does not wait behind a storm about people.
        .orderBy(sql`object_key is not null`)
        .orderBy('due_at')
        .orderBy('id')
        .$if(tx.dialect === 'postgres', (query) => query.forUpdate().skipLocked())
      // As an array, PostgreSQL looks for them once. With `in` it may look again for each event, and skip those it has locked:
      // then more are claimed than the limit says.
      const claimed = (ids: typeof due) =>
        tx.kysely
          .updateTable('events')
          .set({ claimed_by: owner, claimed_until: sql`${databaseTime(tx)} + ${HELD_FOR_MS}` })
          .where(({ eb }) => (tx.dialect === 'postgres' ? sql<boolean>`id = any(array(${ids}))` : eb('id', 'in', ids)))
          .returningAll()
          .execute()
      const oldest = await claimed(due.limit(BATCH))
      if (oldest.length < BATCH) return oldest
      const objects = [...new Set(oldest.flatMap(({ object_key: key }) => (key === null ? [] : [key])))]
      const taken = oldest.map(({ id }) => id)
      const more = due.where(isOneOf(tx, 'object_key', objects)).where(({ not }) => not(isOneOf(tx, 'id', taken)))
      return [...oldest, ...(await claimed(more.limit(MOST_BESIDE)))]
    })
  }

  function claimedFrom(row: Row<'events'>): ClaimedEvent {
    const { id, payload, payload_sealed: sealed } = row
    return {
      ...fromRow(row),
      payload: JSON.parse(payload) as KeptEvent, // written by `keep`
      secret: sealed === null ? null : secretOf(id, sealed),
    }
  }

  /** One that cannot be opened any more is as good as none: it must not keep what is due beside it from being worked off. */
  function secretOf(id: string, sealed: string): Secret | null {
    try {
      return vault.open(recordOf(id), sealed)
    } catch (error) {
      if (error instanceof VaultError) return null
      throw error
    }
  }
}

const SETTLED_COLUMNS = [
  'claimed_until',
  'state',
  'note',
  'attempts',
  'error',
  'run_id',
  'corp_id',
  'due_at',
  'finished_at',
] as const

const insertOnce = prepared((on, row: Row<'events'>) =>
  on.kysely
    .insertInto('events')
    .values({
      id: row.id,
      organization_id: row.organization_id,
      connection_id: row.connection_id,
      corp_id: row.corp_id,
      channel: row.channel,
      type: row.type,
      object: row.object,
      object_key: row.object_key,
      payload: row.payload,
      payload_sealed: row.payload_sealed,
      digest: row.digest,
      state: row.state,
      note: row.note,
      attempts: row.attempts,
      error: row.error,
      run_id: row.run_id,
      happened_at: row.happened_at,
      received_at: row.received_at,
      due_at: row.due_at,
      claimed_by: row.claimed_by,
      claimed_until: row.claimed_until,
      finished_at: row.finished_at,
    })
    .onConflict((conflict) => conflict.columns(['connection_id', 'digest']).doNothing()),
)

function outcomeOf({ numAffectedRows }: { numAffectedRows?: bigint }): 'kept' | 'duplicate' {
  return numAffectedRows === 1n ? 'kept' : 'duplicate'
}

function recordOf(id: string): string {
  return `event/${id}`
}
