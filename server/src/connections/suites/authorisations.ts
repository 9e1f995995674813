/**
 * How companies come to authorise a delegated or a provider connection, what they change, and how they end it. WeCom tells
 * by events of the suite, or sends an administrator back to us; either is a hint, and what was authorised is read again.
 * The permanent code of a company is sealed the moment that WeCom gives it, because it gives each once. Writes `corps`.
 */
import { hash } from 'node:crypto'
import type { EventNote } from '@muster/contracts'
import { WecomError, type AuthInfo, type PermanentCode, type Suite, type SuiteEvent } from '@muster/wecom'
import { SYSTEM, type Audit } from '../../audit/audit.ts'
import type { Database, Row, Transaction } from '../../database/database.ts'
import { storable } from '../../directory/names.ts'
import { signOutOfCorp } from '../../directory/sign-out.ts'
import { AppError, unreachable, type Problem } from '../../errors.ts'
import type { Vault } from '../../vault.ts'
import {
  connectionEntry,
  findRow,
  fromRow,
  rowOf,
  type Connection,
  type ConnectionKind,
} from '../connection-records.ts'
import {
  detailsOf,
  findCorpRow,
  lockCorpRow,
  openPermanentCode,
  sealPermanentCode,
  type CorpDetails,
} from './corp-records.ts'
import { useInvitation } from './invitations.ts'
import { wecomProblem } from '../wecom-problem.ts'
import type { WecomAccess } from '../wecom.ts'

/** What became of an event of a suite. */
export type SuiteEventOutcome =
  /** `corpId` is the company that it was about. */
  | { readonly kind: 'applied'; readonly corpId: string }
  | { readonly kind: 'ignored'; readonly note: EventNote }
  | { readonly kind: 'later'; readonly afterMs: number }
  /** `isFinal`: another attempt cannot do better, because the one-time code is spent. */
  | { readonly kind: 'failed'; readonly problem: Problem; readonly isFinal?: boolean }

export type Authorisations = ReturnType<typeof createAuthorisations>

/** A one-time code is good for ten minutes. */
const CODE_GOOD_FOR_MS = 10 * 60_000
/** How soon to look again for the ticket of a suite. */
const TICKET_WAIT_MS = 10_000
/** Where WeCom did not date an authorisation, our clock did, which may be another. */
const CLOCKS_DIFFER_MS = 5 * 60_000
/** WeCom may need a moment until it believes itself. */
const SECOND_LOOK_MS = 30_000
/** Editions are bought and end without an event, and events get lost. */
const READ_AGAIN_MS = 24 * 60 * 60_000
const FIRST_RETRY_MS = 60_000
/** What goes on being refused for another reason is not asked about with each refusal. */
const ASK_AGAIN_MS = 60_000
const LONGEST_RETRY_MS = 6 * 60 * 60_000
/** Stopping waits for a round, and a round for WeCom. */
const READ_IN_A_ROUND = 10
const READ_TIMEOUT_MS = 10_000

export function createAuthorisations({
  database,
  vault,
  audit,
  wecom,
  now,
}: {
  database: Database
  vault: Vault
  audit: Audit
  wecom: Pick<WecomAccess, 'suiteOf'>
  now: () => number
}) {
  /** Companies of whom WeCom has said something that sounds as if they had ended it, by connection and company. */
  const doubted = new Map<string, { readonly connectionId: string; readonly corpId: string }>()
  /** When they were last asked about for that, in this process. */
  const askedAbout = new Map<string, number>()
  let wake = () => {}

  return {
    /**
     * Notes that WeCom has refused something of a company in a way that may mean that it has ended its authorisation: an
     * event of that may be lost. It is read again at once, and only what that says counts.
     */
    doubt(connectionId: string, corpId: string): void {
      const key = `${connectionId} ${corpId}`
      if (now() - (askedAbout.get(key) ?? -Infinity) < ASK_AGAIN_MS) return
      doubted.set(key, { connectionId, corpId })
      wake()
    },

    /** @param given cuts the pause before the next `readDue` short */
    wokenBy(given: () => void): void {
      wake = given
    },

    /**
     * Works one event of a suite off; those of one connection one after the other, the oldest first.
     * @param attempt counted from 1
     * @throws AppError and WecomError for what another attempt may do better
     */
    async apply({
      connectionId,
      event,
      attempt,
      signal,
    }: {
      connectionId: string
      event: SuiteEvent
      attempt: number
      signal: AbortSignal
    }): Promise<SuiteEventOutcome> {
      const row = await findRow(database, connectionId)
      if (row === undefined) throw new AppError('connections/not-found')
      const connection = fromRow(row)
      // Kept while another suite was set here: a company may have authorised both.
      if (event.suiteId !== connection.suiteId) return { kind: 'ignored', note: 'outdated' }
      const happenedAt = event.happenedAt ?? null
      // Others of the same connection wait behind it.
      const within = AbortSignal.any([signal, AbortSignal.timeout(READ_TIMEOUT_MS)])
      switch (event.type) {
        case 'create_auth':
        case 'reset_permanent_code': {
          const isReset = event.type === 'reset_permanent_code'
          const state = event.type === 'create_auth' ? (event.state ?? null) : null
          const { authCode } = event
          return redeemEvent(connection, {
            authCode,
            isReset,
            state,
            invitedBy: null,
            happenedAt,
            signal: within,
          })
        }
        case 'change_auth':
          return applyChange(connection, event.corpId, within)
        case 'cancel_auth':
          return applyCancellation(connection, event.corpId, { happenedAt, attempt, signal: within })
        case 'suite_ticket':
          // Kept where it arrives; nothing is left to do.
          return { kind: 'ignored', note: 'unknown-type' }
        default:
          return unreachable(event)
      }
    },

    /**
     * Redeems the code of an authorisation, once.
     * @returns the corpId @throws AppError `suites/no-ticket`, `suites/code-spent`, `connections/incomplete`, WecomError
     */
    redeem,

    /**
     * Reads again what companies have authorised that are doubted, were not read for a day, or could not be. To be called
     * from time to time; does a few at a time.
     */
    async readDue(signal: AbortSignal): Promise<void> {
      for (const [key, { connectionId, corpId }] of doubted) {
        if (signal.aborted) return
        doubted.delete(key)
        askedAbout.set(key, now())
        const row = await findCorpRow(database, connectionId, corpId)
        if (row?.state === 'authorized') await readOne(row, signal)
      }
      for (const row of await dueRows()) {
        if (signal.aborted) return
        await readOne(row, signal)
      }
    },
  }

  // ---- A company authorises, or its code is another ------------------------------------------------------------------

  async function redeemEvent(connection: Connection, redemption: Redemption): Promise<SuiteEventOutcome> {
    const { happenedAt } = redemption
    const isTooOld = happenedAt !== null && now() - happenedAt > CODE_GOOD_FOR_MS
    try {
      return { kind: 'applied', corpId: await redeem(connection, redemption) }
    } catch (error) {
      // Cancelled before we came to it, whichever of both events was first.
      if (isWithdrawn(error)) return { kind: 'ignored', note: 'outdated' }
      if (!(error instanceof AppError)) throw error
      const { code, detail, remedy } = error
      if (code === 'suites/no-ticket' && !isTooOld) return { kind: 'later', afterMs: TICKET_WAIT_MS }
      if (code === 'suites/code-spent') return { kind: 'failed', problem: { code, detail, remedy }, isFinal: true }
      throw error
    }
  }

  async function redeem(connection: Connection, redemption: Redemption): Promise<string> {
    const codeDigest = hash('sha256', redemption.authCode, 'base64url')
    const before = await corpOfCode(connection.id, codeDigest)
    if (before !== undefined) return before
    const suite = await wecom.suiteOf(connection, { priority: 'interactive' })
    // Not to be cut short by stopping: the code may be used up by then, and what WeCom gave for it lost.
    const given = await suite.permanentCode(redemption.authCode).catch(throwInOurWords)
    await database.inTransaction((tx) => keepCode(tx, connection, given, { ...redemption, codeDigest }))
    const { corpId } = given.corp
    await read(suite, connection.id, corpId, redemption.signal).catch(async (error: unknown) => {
      // What cannot be read now, `readDue` reads later.
      if (!(error instanceof WecomError)) throw error
      const row = isWithdrawn(error) ? await findCorpRow(database, connection.id, corpId) : undefined
      if (row !== undefined) await end(connection.id, row, 'reading')
    })
    return corpId
  }

  /** Whether the process ended after it had kept what the same code gave, and before it could say so. */
  async function corpOfCode(connectionId: string, codeDigest: string): Promise<string | undefined> {
    const rows = await database.kysely
      .selectFrom('corps')
      .select(['corp_id', 'details'])
      .where('connection_id', '=', connectionId)
      .execute()
    return rows.find(({ details }) => detailsOf(details).codeDigest === codeDigest)?.corp_id
  }

  async function keepCode(
    tx: Transaction,
    { id: connectionId, suiteId }: Connection,
    { corp, permanentCode, agents, state: echoed }: PermanentCode,
    { codeDigest, isReset, happenedAt, ...given }: Redemption & { codeDigest: string },
  ): Promise<void> {
    const at = now()
    const connection = await rowOf(tx, connectionId, { lock: true })
    // Somebody set another one while WeCom was asked: what it gave opens nothing of that.
    if (connection.suite_id !== suiteId) throw new AppError('suites/code-spent')
    const { corpId } = corp
    const before = await lockCorpRow(tx, connectionId, corpId)
    const isNew = !isReset || before?.state !== 'authorized'
    const details: CorpDetails = {
      ...detailsOf(isNew ? '{}' : before.details),
      doubtfulUntil: isNew ? (happenedAt ?? at + CLOCKS_DIFFER_MS) : detailsOf(before.details).doubtfulUntil,
      codeDigest,
      askAt: at,
      failures: 0,
    }
    const columns = {
      ...seen(fromRow(connection).kind, { corp, agents }, { name: before?.name ?? corpId, agentId: null, details }),
      state: 'authorized',
      permanent_code_sealed: sealPermanentCode(vault, connectionId, corpId, permanentCode),
      authorized_at: isNew ? at : before.authorized_at,
      cancelled_at: null,
      updated_at: at,
    }
    if (!isNew && agents === undefined) columns.agent_id = before.agent_id
    await tx.kysely
      .insertInto('corps')
      .values({ connection_id: connectionId, corp_id: corpId, ...columns })
      .onConflict((conflict) => conflict.columns(['connection_id', 'corp_id']).doUpdateSet(columns))
      .execute()
    const state = given.state ?? echoed ?? null
    const invitation = state === null ? undefined : await useInvitation(tx, { connectionId, state, at })
    const invitedBy = given.invitedBy ?? invitation?.invitedBy ?? null
    await audit.record(tx, SYSTEM, [
      connectionEntry(isNew ? 'corp.authorize' : 'corp.renew-code', connection, { corpId, invitedBy }),
    ])
  }

  // ---- What is authorised --------------------------------------------------------------------------------------------

  async function applyChange(connection: Connection, corpId: string, signal: AbortSignal): Promise<SuiteEventOutcome> {
    const row = await findCorpRow(database, connection.id, corpId)
    if (row?.state !== 'authorized') return { kind: 'ignored', note: 'corp-unknown' }
    const suite = await wecom.suiteOf(connection)
    try {
      await read(suite, connection.id, corpId, signal)
    } catch (error) {
      // A wrong code may be one that was reset a moment ago: only what says that nothing is authorised ends it.
      if (!isWithdrawn(error)) throw error
      await end(connection.id, row, 'reading')
    }
    return { kind: 'applied', corpId }
  }

  /** Asks what is authorised and keeps it, unless the company has another code by then. */
  async function read(suite: Suite, connectionId: string, corpId: string, signal: AbortSignal): Promise<void> {
    const row = await findCorpRow(database, connectionId, corpId)
    const code = row === undefined ? undefined : openPermanentCode(vault, row)
    if (row === undefined || code === undefined) return
    const info = await suite.authInfo(corpId, code.reveal(), { signal })
    await database.inTransaction(async (tx) => {
      const before = await lockCorpRow(tx, connectionId, corpId)
      if (before === undefined || before.permanent_code_sealed !== row.permanent_code_sealed) return
      const at = now()
      const connection = await rowOf(tx, connectionId)
      const details = { ...detailsOf(before.details), readAt: at, askAt: at + READ_AGAIN_MS, failures: 0 }
      const columns = seen(fromRow(connection).kind, info, { name: before.name, agentId: before.agent_id, details })
      await tx.kysely
        .updateTable('corps')
        .set({ ...columns, updated_at: at })
        .where('connection_id', '=', connectionId)
        .where('corp_id', '=', corpId)
        .execute()
      const fields = differing(before, columns)
      // The first reading is part of the authorisation.
      if (fields.length === 0 || detailsOf(before.details).readAt === null) return
      await audit.record(tx, SYSTEM, [connectionEntry('corp.change', connection, { corpId, fields })])
    })
  }

  async function dueRows(): Promise<Row<'corps'>[]> {
    const at = now()
    const rows = await database.kysely
      .selectFrom('corps')
      .selectAll()
      .where('state', '=', 'authorized')
      .where((eb) => eb.or([eb('agent_id', 'is', null), eb('updated_at', '<=', at - READ_AGAIN_MS)]))
      .orderBy('updated_at')
      .limit(MOST_LOOKED_AT)
      .execute()
    return rows.filter(({ details }) => detailsOf(details).askAt <= at).slice(0, READ_IN_A_ROUND)
  }

  async function readOne(row: Row<'corps'>, stopping: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([stopping, AbortSignal.timeout(READ_TIMEOUT_MS)])
    const { connection_id: connectionId, corp_id: corpId } = row
    const details = detailsOf(row.details)
    const failures = details.failures + 1
    // Set before asking: another process that looks now leaves it alone, and one that ends here tries again later.
    const askAt = now() + Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LONGEST_RETRY_MS)
    const { numUpdatedRows } = await database.kysely
      .updateTable('corps')
      .set({ details: JSON.stringify({ ...details, askAt, failures }) })
      .where('connection_id', '=', connectionId)
      .where('corp_id', '=', corpId)
      .where('details', '=', row.details)
      .executeTakeFirst()
    if (numUpdatedRows === 0n) return
    try {
      const connection = fromRow(await rowOf(database, connectionId))
      await read(await wecom.suiteOf(connection), connectionId, corpId, signal)
    } catch (error) {
      if (isWithdrawn(error)) await end(connectionId, row, 'reading')
      // Anything else is on the row as a failure, and the doctor asks and says why.
      else if (!(error instanceof WecomError || error instanceof AppError)) throw error
    }
  }

  // ---- A company ends it ---------------------------------------------------------------------------------------------

  async function applyCancellation(
    connection: Connection,
    corpId: string,
    { happenedAt, attempt, signal }: { happenedAt: number | null; attempt: number; signal: AbortSignal },
  ): Promise<SuiteEventOutcome> {
    const row = await findCorpRow(database, connection.id, corpId)
    if (row === undefined) return { kind: 'ignored', note: 'corp-unknown' }
    if (row.state !== 'authorized') return { kind: 'applied', corpId }
    const isNewer = happenedAt !== null && happenedAt > detailsOf(row.details).doubtfulUntil
    // Of an authorisation before this one, when it was overtaken on the way or sent once more.
    if (!isNewer && (await isStillAuthorized(connection, row, signal))) {
      const isSettled = attempt > 1 || (happenedAt !== null && now() - happenedAt > SECOND_LOOK_MS)
      return isSettled ? { kind: 'ignored', note: 'outdated' } : { kind: 'later', afterMs: SECOND_LOOK_MS }
    }
    return (await end(connection.id, row, 'event'))
      ? { kind: 'applied', corpId }
      : { kind: 'later', afterMs: TICKET_WAIT_MS }
  }

  async function isStillAuthorized(connection: Connection, row: Row<'corps'>, signal: AbortSignal): Promise<boolean> {
    const code = openPermanentCode(vault, row)
    if (code === undefined) return false
    const suite = await wecom.suiteOf(connection)
    try {
      await suite.authInfo(row.corp_id, code.reveal(), { signal })
      return true
    } catch (error) {
      if (error instanceof WecomError && error.code === 'WECOM_AUTHORIZATION_GONE') return false
      throw error
    }
  }

  /**
   * The company is refused from here on: its code is erased, and whoever came in from it is signed out. Users and links
   * stay, for the day when it authorises again. @returns false when it has authorised anew since `row` was read
   */
  function end(connectionId: string, row: Row<'corps'>, by: 'event' | 'reading'): Promise<boolean> {
    return database.inTransaction(async (tx) => {
      const { corp_id: corpId } = row
      const current = await lockCorpRow(tx, connectionId, corpId)
      if (current?.state !== 'authorized') return true
      if (current.permanent_code_sealed !== row.permanent_code_sealed) return false
      const at = now()
      await tx.kysely
        .updateTable('corps')
        .set({ state: 'cancelled', cancelled_at: at, permanent_code_sealed: null, updated_at: at })
        .where('connection_id', '=', connectionId)
        .where('corp_id', '=', corpId)
        .execute()
      await signOutOfCorp(tx, connectionId, corpId)
      await audit.record(tx, SYSTEM, [connectionEntry('corp.cancel', await rowOf(tx, connectionId), { corpId, by })])
      return true
    })
  }
}

/** A one-time code, and what is known of how it came to be. */
interface Redemption {
  readonly authCode: string
  /** Of the same authorisation as before, whose code was another. */
  readonly isReset: boolean
  /** What WeCom hands back of an invitation. */
  readonly state: string | null
  /** Who invited the company, where the invitation is used up already. */
  readonly invitedBy: string | null
  /** By WeCom's clock; null when it did not say. */
  readonly happenedAt: number | null
  readonly signal: AbortSignal
}

/** Rows that are looked at for one round. */
const MOST_LOOKED_AT = 1_000

interface Kept {
  readonly name: string
  readonly agentId: number | null
  readonly details: CorpDetails
}

/** What WeCom says of a company, as columns; what it does not say stays. */
function seen(kind: ConnectionKind, { corp, agents }: Pick<AuthInfo, 'corp' | 'agents'>, kept: Kept) {
  const name = storable(corp.name ?? '').trim()
  const agent = agents === undefined ? undefined : ourAgent(kind, agents)
  const { maxUsers, expiresAt = null } = agent?.edition ?? {}
  const edition = agents === undefined ? {} : { seats: isSeats(maxUsers) ? maxUsers : null, expiresAt }
  return {
    name: name === '' ? kept.name : name,
    agent_id: agents === undefined ? kept.agentId : (agent?.agentId ?? null),
    details: JSON.stringify({ ...kept.details, ...edition }),
  }
}

/** A template is one app. Suites of long ago had several; the first stands for them. */
function ourAgent(kind: ConnectionKind, agents: NonNullable<AuthInfo['agents']>) {
  const own = kind === 'delegated' ? agents.find(({ isCustomizedApp }) => isCustomizedApp === true) : undefined
  return own ?? agents[0]
}

/** 0 and the largest number there is mean that the edition does not count. */
function isSeats(seats: number | undefined): seats is number {
  return seats !== undefined && seats > 0 && seats < 4_294_967_295
}

function differing(before: Row<'corps'>, after: ReturnType<typeof seen>): string[] {
  const [one, other] = [detailsOf(before.details), detailsOf(after.details)]
  return [
    ...(before.name === after.name ? [] : ['name']),
    ...(before.agent_id === after.agent_id ? [] : ['agentId']),
    ...(one.seats === other.seats ? [] : ['seats']),
    ...(one.expiresAt === other.expiresAt ? [] : ['expiresAt']),
  ]
}

/** That the code is wrong (40084) is not enough: it may have been reset. */
function isWithdrawn(error: unknown): boolean {
  return error instanceof WecomError && error.code === 'WECOM_AUTHORIZATION_GONE' && error.errcode !== 40084
}

function throwInOurWords(error: unknown): never {
  const problem = wecomProblem(error)
  if (problem?.code === 'suites/no-ticket') throw new AppError('suites/no-ticket', { cause: error })
  if (error instanceof WecomError && error.code === 'WECOM_CODE_REJECTED') {
    throw new AppError('suites/code-spent', { detail: problem?.detail, cause: error })
  }
  throw error
}
