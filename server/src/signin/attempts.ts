/**
 * Attempts to sign in through WeCom: what binds a state to one browser, one connection, one company of it and one
 * request, once, for ten minutes. Every step is an update that only succeeds from the phase before it, so that of any number of callbacks at the
 * same time one goes on. Owns `sign_in_attempts`.
 */
import { hash } from 'node:crypto'
import { sql } from 'kysely'
import type { SignInReason } from '@muster/contracts'
import { insertRows, prepared, type Database, type Executor, type Row, type Transaction } from '../database/database.ts'
import type { NewId } from '../ids.ts'
import type { Asked } from './asking.ts'
import type { WecomDoor } from './doors.ts'

/**
 * - `started`: the person is at WeCom.
 * - `taken`: the state is used up, WeCom is being asked.
 * - `carried`: it came back in another browser, which has to show that it belongs to the first one.
 * - `matched`: it has; the first browser may go on.
 * - `asking`: the person has to say which account is theirs.
 * - `admitted`, `refused`, `restarted`: over.
 */
export type Phase = 'started' | 'taken' | 'carried' | 'matched' | 'asking' | 'admitted' | 'refused' | 'restarted'

export interface Attempt {
  readonly id: string
  readonly requestUid: string
  readonly organizationId: string
  readonly connectionId: string
  /** Whose members may come in by it; null where the connection takes those of any company that authorised it. */
  readonly corpId: string | null
  readonly applicationId: string | null
  readonly applicationName: string | null
  readonly door: WecomDoor
  readonly browserHash: string
  /** Of the connection when it began; another one now means that the attempt is for a door that is gone. */
  readonly credential: string
  readonly phase: Phase
  readonly restarts: number
  /** Two digits, shown by the first browser. */
  readonly number: string | null
  /** Somebody who is signed in and wants to be able to come in as this member from now on. */
  readonly bindUserId: string | null
  readonly asked: Asked | null
  /** Whether the person may have a new account instead of one that they prove. */
  readonly mayCreate: boolean
  readonly reason: SignInReason | null
  readonly referenceId: string | null
  readonly takenAt: number | null
  readonly expiresAt: number
}

export interface NewAttempt {
  readonly requestUid: string
  readonly organizationId: string
  readonly connectionId: string
  readonly corpId: string | null
  readonly applicationId: string | null
  readonly applicationName: string | null
  readonly door: WecomDoor
  readonly browserHash: string
  readonly credential: string
  readonly restarts: number
  readonly bindUserId: string | null
}

export type Attempts = ReturnType<typeof createAttempts>

const LIFETIME_MS = 10 * 60_000
/** 160 bits; WeCom takes letters and digits only, up to 128 of them. */
const STATE_BYTES = 20
const STATE = /^[0-9a-f]{40}$/
const NUMBER_TRIES = 3
const CLEARED_AT_ONCE = 1_000

export function createAttempts({
  database,
  newId,
  now,
  random,
}: {
  database: Database
  newId: NewId
  now: () => number
  /** Fills the array with unpredictable bytes. */
  random: (bytes: Uint8Array) => void
}) {
  return {
    /** @returns the state, of which only the digest is kept, and what keeps it; before that it means nothing */
    prepare,

    /**
     * Uses the state up. Nobody else gets it afterwards, whatever becomes of the attempt.
     * @returns undefined when it is not a state of this connection, is used up or too old
     */
    async take(state: string, connectionId: string): Promise<Attempt | undefined> {
      if (!STATE.test(state)) return undefined
      const at = now()
      const { rows } = await database.inSharedTransaction((tx) =>
        takeOne(tx, { stateHash: digestOf(state), connectionId, at }),
      )
      const [row] = rows
      return row === undefined ? undefined : fromRow(row)
    },

    /** The attempt of a state that this browser began, used up or not: so that a second click finds its page. */
    async ofBrowser(state: string, browserHash: string): Promise<Attempt | undefined> {
      if (!STATE.test(state)) return undefined
      const row = await database.kysely
        .selectFrom('sign_in_attempts')
        .selectAll()
        .where('state_hash', '=', digestOf(state))
        .where('browser_hash', '=', browserHash)
        .where('expires_at', '>', now())
        .executeTakeFirst()
      return row === undefined ? undefined : fromRow(row)
    },

    /**
     * The attempt of a request that got furthest in this browser: the newest that has come back, else the newest that
     * is at WeCom.
     */
    async current(requestUid: string, browserHash: string): Promise<Attempt | undefined> {
      const rows = await database.kysely
        .selectFrom('sign_in_attempts')
        .selectAll()
        .where('request_uid', '=', requestUid)
        .where('browser_hash', '=', browserHash)
        .where('expires_at', '>', now())
        .orderBy('created_at', 'desc')
        .limit(sql.lit(MOST_OF_A_REQUEST)) // for a parameter SQLite plans the query each time
        .execute()
      const newest =
        rows.filter(({ phase }) => phase !== 'started').sort((a, b) => b.taken_at! - a.taken_at!)[0] ?? rows[0]
      return newest === undefined ? undefined : fromRow(newest)
    },

    /** What another browser brought along. */
    async carriedBy(carrierHash: string): Promise<Attempt | undefined> {
      const row = await database.kysely
        .selectFrom('sign_in_attempts')
        .selectAll()
        .where('carrier_hash', '=', carrierHash)
        .where('expires_at', '>', now())
        .orderBy('taken_at', 'desc')
        .executeTakeFirst()
      return row === undefined ? undefined : fromRow(row)
    },

    /** @returns false when the attempt is not in the phase any more, or too old; then nothing was changed */
    async move(on: Executor, id: string, from: Phase, to: Phase, facts: Facts = {}): Promise<boolean> {
      const { numAffectedRows } = await moveOne(on, {
        id,
        from,
        to,
        at: now(),
        // What WeCom said of a person is kept no longer than it is needed.
        sighting: facts.asked === undefined ? null : JSON.stringify(facts.asked),
        mayCreate: facts.mayCreate === true ? 1 : 0,
        number: facts.number ?? null,
        carrierHash: facts.carrierHash ?? null,
        reason: facts.reason ?? null,
        referenceId: facts.referenceId ?? null,
      })
      return numAffectedRows === 1n
    },

    /**
     * Compares the number that the second browser was given. Each try counts before it is looked at, also of many at once.
     * @returns `dead` after three wrong ones
     */
    async tryNumber(id: string, carrierHash: string, number: string): Promise<'right' | 'wrong' | 'dead'> {
      const row = await database.kysely
        .updateTable('sign_in_attempts')
        .set((eb) => ({ tries: eb('tries', '+', 1) }))
        .where('id', '=', id)
        .where('carrier_hash', '=', carrierHash)
        .where('phase', '=', 'carried')
        .where('tries', '<', NUMBER_TRIES)
        .where('expires_at', '>', now())
        .returning(['number', 'tries'])
        .executeTakeFirst()
      if (row === undefined) return 'dead'
      if (row.number === number) {
        const { numUpdatedRows } = await database.kysely
          .updateTable('sign_in_attempts')
          .set({ phase: 'matched' })
          .where('id', '=', id)
          .where('phase', '=', 'carried')
          .executeTakeFirst()
        return numUpdatedRows === 1n ? 'right' : 'dead'
      }
      return row.tries < NUMBER_TRIES ? 'wrong' : 'dead'
    },

    /** What is over is of no use to anybody, and may name a person. */
    async clear(): Promise<number> {
      const old = database.kysely
        .selectFrom('sign_in_attempts')
        .select('id')
        .where('expires_at', '<=', now())
        .limit(CLEARED_AT_ONCE)
      const { numDeletedRows } = await database.kysely
        .deleteFrom('sign_in_attempts')
        .where('id', 'in', old)
        .executeTakeFirst()
      return Number(numDeletedRows)
    },
  }

  function prepare(input: NewAttempt): { state: string; write: (tx: Transaction) => Promise<void> } {
    const bytes = new Uint8Array(STATE_BYTES)
    random(bytes)
    const state = Buffer.from(bytes).toString('hex')
    const at = now()
    const row: Row<'sign_in_attempts'> = {
      id: newId('att'),
      request_uid: input.requestUid,
      organization_id: input.organizationId,
      connection_id: input.connectionId,
      application_id: input.applicationId,
      application_name: input.applicationName,
      door: input.door,
      state_hash: digestOf(state),
      browser_hash: input.browserHash,
      credential: input.credential,
      phase: 'started',
      restarts: input.restarts,
      number: null,
      tries: 0,
      carrier_hash: null,
      bind_user_id: input.bindUserId,
      sighting: null,
      may_create: 0,
      reason: null,
      reference_id: null,
      created_at: at,
      taken_at: null,
      expires_at: at + LIFETIME_MS,
      corp_id: input.corpId,
    }
    return { state, write: (tx) => insertRows(tx, 'sign_in_attempts', [row]) }
  }
}

const takeOne = prepared((on, given: { stateHash: string; connectionId: string; at: number }) =>
  on.kysely
    .updateTable('sign_in_attempts')
    .set({ phase: 'taken', taken_at: given.at })
    .where('state_hash', '=', given.stateHash)
    .where('connection_id', '=', given.connectionId)
    .where('phase', '=', 'started')
    .where('expires_at', '>', given.at)
    .returningAll(),
)

const moveOne = prepared(
  (_on, given: Move) => sql`
    update sign_in_attempts set phase = ${given.to}, sighting = ${given.sighting}, may_create = ${given.mayCreate},
      number = coalesce(${given.number}, number), carrier_hash = coalesce(${given.carrierHash}, carrier_hash),
      reason = coalesce(${given.reason}, reason), reference_id = coalesce(${given.referenceId}, reference_id)
    where id = ${given.id} and phase = ${given.from} and expires_at > ${given.at}`,
)

/** null keeps what is there, but for the sighting. */
interface Move {
  readonly id: string
  readonly from: Phase
  readonly to: Phase
  readonly at: number
  readonly sighting: string | null
  readonly mayCreate: 0 | 1
  readonly number: string | null
  readonly carrierHash: string | null
  readonly reason: string | null
  readonly referenceId: string | null
}

interface Facts {
  /** Left out, it is forgotten. */
  readonly asked?: Asked
  readonly mayCreate?: boolean
  readonly number?: string
  readonly carrierHash?: string
  readonly reason?: SignInReason
  readonly referenceId?: string
}

/** Reloading the page begins another one; nobody reloads it more often than this within ten minutes and means it. */
const MOST_OF_A_REQUEST = 100

/** The form in which secrets of browsers are stored and looked up; they are random, so they need no salt. */
export function digestOf(secret: string): string {
  return hash('sha256', secret, 'base64url')
}

function fromRow(row: Row<'sign_in_attempts'>): Attempt {
  return {
    id: row.id,
    requestUid: row.request_uid,
    organizationId: row.organization_id,
    connectionId: row.connection_id,
    corpId: row.corp_id,
    applicationId: row.application_id,
    applicationName: row.application_name,
    door: row.door as WecomDoor,
    browserHash: row.browser_hash,
    credential: row.credential,
    phase: row.phase as Phase,
    restarts: row.restarts,
    number: row.number,
    bindUserId: row.bind_user_id,
    asked: row.sighting === null ? null : (JSON.parse(row.sighting) as Asked),
    mayCreate: row.may_create === 1,
    reason: row.reason as SignInReason | null,
    referenceId: row.reference_id,
    takenAt: row.taken_at,
    expiresAt: row.expires_at,
  }
}
