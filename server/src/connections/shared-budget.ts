/**
 * The budget of calls to WeCom that all processes on one PostgreSQL keep together. Each takes places as leases and calls
 * of the minute in blocks, so that a sync asks the database about twice a second and not for every call; who is killed
 * or frozen loses both by the clock of the database. What there is to give out is decided in budget-ledger.ts; here are
 * the one row per company (`wecom_budgets`), written only if nobody else has written it since it was read, so that no
 * lock outlives a statement, and the memory of this process. Called by wecom.ts only.
 */
import {
  createBudget,
  type Allot,
  type Allotment,
  type Budget,
  type KnownPause,
  type Places,
  type Priority,
  type Standing,
} from '@muster/wecom'
import { databaseTime, type Database } from '../database/database.ts'
import {
  BLOCK_MS,
  EMPTY_LEDGER,
  LEASE_MS,
  settle,
  type CallClaim,
  type Claim,
  type Grant,
  type Ledger,
  type SharedLimits,
} from './budget-ledger.ts'

export interface SharedBudget {
  readonly budget: Budget
  /** Gives everything back. */
  close(): Promise<void>
}

export interface SharedBudgetOptions {
  database: Database
  /** The name of this process: new for every start. */
  name: string
  callsPerMinute: number
  callTimeoutMs: number
  /** Milliseconds since 1970. */
  now: () => number
  /** Milliseconds since whenever, never set back. */
  monotonic: () => number
  /** From 0 to below 1. */
  random: () => number
  /** Told about the first of several failures in a row. */
  onError: (error: unknown) => void
}

/** How often leases and blocks are renewed while there is something to do. */
const TICK_MS = 500
/** How often somebody at a screen looks whether there is a place. */
const POLL_MS = 100
/** Callers hear of it when the database failed so often in a row. */
const FAILURES = 3

export function createSharedBudget(options: SharedBudgetOptions): SharedBudget {
  const { callsPerMinute, callTimeoutMs, now } = options
  const limits = { callsPerMinute, askMs: callTimeoutMs + LEASE_MS }
  const shares = new Map<string, Share>()

  const budget = createBudget({
    now,
    allot(corpId, queue) {
      const share = createShare(corpId, queue, limits, options)
      shares.set(corpId, share)
      return share.allotment
    },
    pauses: {
      known: (corpId, api) => shares.get(corpId)?.pauses.known(api),
      begin: (corpId, api, pause) => shares.get(corpId)?.pauses.begin(api, pause),
      end: (corpId, api) => shares.get(corpId)?.pauses.end(api),
      // A pause is known only for a company that was called before.
      mayAsk: (corpId, api, signal) => shares.get(corpId)?.pauses.mayAsk(api, signal) ?? Promise.resolve('ask'),
    },
  })
  return {
    budget,
    async close() {
      await Promise.all(Array.from(shares.values(), (share) => share.close()))
    },
  }
}

/** What one process has of one company. */
interface Share {
  readonly allotment: Allotment
  readonly pauses: {
    known(api: string): KnownPause | undefined
    begin(api: string, pause: KnownPause): void
    end(api: string): void
    mayAsk(api: string, signal: AbortSignal | undefined): Promise<'ask' | KnownPause | undefined>
  }
  close(): Promise<void>
}

/** Two clocks, because each has a way to stand still: one is set back, the other sleeps with its machine. */
interface Moment {
  readonly wall: number
  readonly monotonic: number
}

interface Block {
  readonly api: string
  readonly priority: Priority
  readonly second: number
  readonly takenAt: Moment
  left: number
  used: number
}

type Question = { resolve: (answer: 'ask' | KnownPause | undefined) => void; reject: (error: Error) => void }

const NO_PLACES: Places = { all: 0, bulk: 0, loan: 0 }

function createShare(
  corpId: string,
  queue: Parameters<Allot>[1],
  limits: SharedLimits,
  { database, name, now, monotonic, random, onError }: SharedBudgetOptions,
): Share {
  let standing: Standing = {
    inFlight: { interactive: 0, bulk: 0 },
    withoutPlace: { interactive: 0, bulk: 0 },
    withoutCall: new Map(),
  }
  let places = NO_PLACES
  let leasedAt: Moment = moment()
  /** What the database holds for us; more than `places` while we give some back. */
  let held = { all: 0, bulk: 0 }
  const blocks = new Map<string, Block>()
  /** What was lacking when we asked last and still is: asked for again by the clock only. */
  let denied = new Set<string>()

  const known = new Map<string, { key: string; pause: KnownPause }>()
  const begun = new Map<string, KnownPause>()
  const ended = new Set<string>()
  const questions = new Map<string, Question>()
  let hasNews = false

  let exchange: Promise<void> | undefined
  /** Exchanges that failed in a row; after one the next has to wait for the clock. */
  let failures = 0
  let isHeldUp = false
  let alarm: { timer: NodeJS.Timeout; delayMs: number } | undefined
  let isClosed = false
  let wasSeen = false

  return {
    allotment: {
      places: currentPlaces,
      takeCall(api, priority) {
        const own = takeFrom(blocks.get(keyOf(priority, api)))
        return own || (priority === 'interactive' && takeFrom(blocks.get(keyOf('bulk', api))))
      },
      note(next) {
        standing = next
        const lacking = lackingNow()
        for (const key of denied) if (!lacking.includes(key)) denied.delete(key)
        proceed()
      },
    },
    pauses: {
      known: (api) => known.get(api)?.pause,
      begin(api, pause) {
        begun.set(api, pause)
        known.set(api, { key: '', pause })
        hasNews = true
        proceed()
      },
      end(api) {
        ended.add(api)
        known.delete(api)
        hasNews = true
        proceed()
      },
      mayAsk(api, signal) {
        return new Promise((resolve, reject) => {
          if (signal?.aborted) return reject(asError(signal.reason))
          const onAbort = () => {
            questions.delete(api)
            reject(asError(signal?.reason))
          }
          const done = () => {
            questions.delete(api)
            signal?.removeEventListener('abort', onAbort)
          }
          questions.set(api, {
            resolve: (answer) => (done(), resolve(answer)),
            reject: (error) => (done(), reject(error)),
          })
          signal?.addEventListener('abort', onAbort, { once: true })
          hasNews = true
          proceed()
        })
      },
    },
    async close() {
      isClosed = true
      silence()
      queue.fail(new Error('the server is stopping'))
      await exchange
      if (!wasSeen) return
      const claim = { ...claimNow(), isLeaving: true, keeps: { all: 0, bulk: 0 } }
      await settleRow(database, corpId, (ledger, at) => settle(ledger, claim, limits, at), random).catch(onError)
    },
  }

  /** Asks the database now, or later, or not at all. */
  function proceed(): void {
    if (exchange !== undefined || isClosed) return
    const hasNewLack = lackingNow().some((key) => !denied.has(key))
    if ((hasNews || hasNewLack || isDueToGiveBack()) && !isHeldUp) {
      exchange = renew().finally(() => {
        exchange = undefined
        if (!isClosed) queue.reconsider() // which comes back to `note`
      })
      return
    }
    if (isBusy()) wakeIn(standing.withoutPlace.interactive > 0 ? POLL_MS : TICK_MS)
    else silence()
  }

  async function renew(): Promise<void> {
    silence()
    const sentAt = moment()
    const asked = lackingNow()
    const claim = claimNow()
    hasNews = false
    try {
      const grant = await settleRow(database, corpId, (ledger, at) => settle(ledger, claim, limits, at), random)
      wasSeen = true
      failures = 0
      const hadPlaces = places.all
      take(grant, claim, sentAt)
      const gotCalls = new Set(grant.calls.filter(({ count }) => count > 0).map((got) => keyOf(got.priority, got.api)))
      denied = new Set(asked.filter((key) => !gotCalls.has(key) && (!key.startsWith(PLACE) || places.all <= hadPlaces)))
    } catch (error) {
      // Begun and ended pauses are told with the next claim; calls that were given back are lost for a minute.
      hasNews = true
      failures++
      isHeldUp = true
      if (failures === 1) onError(error)
      if (failures % FAILURES !== 0) return
      queue.fail(asError(error))
      for (const question of questions.values()) question.reject(asError(error))
    }
  }

  function claimNow(): Claim {
    const { inFlight, withoutPlace, withoutCall } = standing
    const waiting = { ...withoutPlace }
    // Whoever lacks a call will need a place as well.
    for (const priority of withoutCall.values()) waiting[priority]++
    const isIdle = inFlight.bulk + inFlight.interactive + waiting.bulk + waiting.interactive === 0
    if (isIdle) places = NO_PLACES
    const current = currentPlaces()
    return {
      name,
      isLeaving: false,
      inFlight,
      waiting,
      keeps: {
        all: Math.max(current.all, inFlight.bulk + inFlight.interactive),
        bulk: Math.max(current.bulk + current.loan, inFlight.bulk),
      },
      calls: callClaims(isIdle || isClosed),
      begun: Object.fromEntries(
        Array.from(begun, ([api, { endsAt, ...pause }]) => [
          api,
          { ...pause, remainingMs: Math.max(0, endsAt - now()) },
        ]),
      ),
      ended: [...ended],
      asks: [...questions.keys()],
    }
  }

  /** Blocks that are used up or aging are exchanged for new ones, or given back. From here on nothing is taken from them. */
  function callClaims(isIdle: boolean): CallClaim[] {
    const claims = new Map<string, CallClaim>()
    for (const [key, { api, priority, second, takenAt, left, used }] of blocks) {
      const ageMs = ageOf(takenAt)
      if (!isIdle && left > 0 && ageMs < BLOCK_MS / 2) continue
      blocks.delete(key)
      const wanted = isIdle || used === 0 ? 0 : wantedCalls({ priority, used }, ageMs)
      const unused = left === 0 ? undefined : { second, count: left }
      claims.set(key, { api, priority, wanted, unused })
    }
    for (const [api, priority] of standing.withoutCall) {
      const key = keyOf(priority, api)
      const claim = claims.get(key) ?? { api, priority, wanted: 0, unused: undefined }
      claims.set(key, { ...claim, wanted: Math.max(claim.wanted, FIRST_BLOCK[priority]) })
    }
    return [...claims.values()]
  }

  function take(grant: Grant, claim: Claim, sentAt: Moment): void {
    places = grant.places
    held = grant.held
    leasedAt = sentAt
    for (const { api, priority, second, count } of grant.calls) {
      if (count === 0) continue
      blocks.set(keyOf(priority, api), { api, priority, second, takenAt: sentAt, left: count, used: 0 })
    }
    takePauses(grant, claim)
  }

  function takePauses(grant: Grant, claim: Claim): void {
    for (const api of claim.ended) ended.delete(api)
    for (const [api, told] of Object.entries(claim.begun)) {
      if (begun.get(api)?.waitMs === told.waitMs) begun.delete(api)
    }
    for (const api of known.keys()) if (grant.pauses[api] === undefined && !begun.has(api)) known.delete(api)
    for (const [api, { round, waitMs, endsAt, errcode }] of Object.entries(grant.pauses)) {
      if (begun.has(api) || ended.has(api)) continue // we know better, and say so next
      const key = `${round} ${endsAt}`
      const earlier = known.get(api)
      if (earlier?.key === key) continue
      const isOurs = earlier?.pause.round === round && earlier.pause.waitMs === waitMs
      const pause = isOurs ? earlier.pause : { round, waitMs, endsAt: now() + endsAt - grant.now, errcode }
      known.set(api, { key, pause })
    }
    for (const [api, question] of questions) {
      const pause = grant.pauses[api]
      if (!claim.asks.includes(api)) continue
      if (grant.asking.includes(api)) question.resolve('ask')
      else if (pause === undefined) question.resolve(undefined)
      else if (pause.endsAt > grant.now) question.resolve(known.get(api)?.pause)
    }
  }

  function currentPlaces(): Places {
    return ageOf(leasedAt) < LEASE_MS ? places : NO_PLACES
  }

  function takeFrom(block: Block | undefined): boolean {
    if (block === undefined || block.left === 0 || ageOf(block.takenAt) >= BLOCK_MS) return false
    block.left--
    block.used++
    return true
  }

  function lackingNow(): string[] {
    const { withoutPlace, withoutCall } = standing
    const lacking: string[] = []
    if (withoutPlace.interactive > 0) lacking.push(`${PLACE}interactive`)
    if (withoutPlace.bulk > 0) lacking.push(`${PLACE}bulk`)
    for (const [api, priority] of withoutCall) lacking.push(keyOf(priority, api))
    return lacking
  }

  /** The database holds more for us than we fill, and somebody may be waiting for it. */
  function isDueToGiveBack(): boolean {
    const { interactive, bulk } = standing.inFlight
    return held.all > Math.max(places.all, interactive + bulk) || held.bulk > Math.max(places.bulk + places.loan, bulk)
  }

  function isBusy(): boolean {
    const { inFlight, withoutPlace, withoutCall } = standing
    return (
      inFlight.bulk + inFlight.interactive + withoutPlace.bulk + withoutPlace.interactive > 0 ||
      withoutCall.size + blocks.size + questions.size > 0 ||
      held.all > 0 ||
      hasNews
    )
  }

  function wakeIn(delayMs: number): void {
    if (alarm !== undefined && alarm.delayMs <= delayMs) return
    silence()
    const timer = setTimeout(() => {
      alarm = undefined
      denied.clear()
      isHeldUp = false
      hasNews = true
      queue.reconsider()
    }, delayMs)
    alarm = { timer, delayMs }
  }

  function silence(): void {
    clearTimeout(alarm?.timer)
    alarm = undefined
  }

  function moment(): Moment {
    return { wall: now(), monotonic: monotonic() }
  }

  function ageOf(since: Moment): number {
    return ageAt(since, moment())
  }
}

const PLACE = 'place '

const FIRST_BLOCK = { interactive: 4, bulk: 50 } as const satisfies Record<Priority, number>

/** Enough for the life of a block at the pace at which the one before it went. */
export function wantedCalls({ priority, used }: { priority: Priority; used: number }, ageMs: number): number {
  return Math.max(FIRST_BLOCK[priority], Math.ceil((used * BLOCK_MS) / Math.max(ageMs, POLL_MS)))
}

/** The longer of two times: a lease that may be over is over. */
export function ageAt(since: Moment, at: Moment): number {
  return Math.max(at.wall - since.wall, at.monotonic - since.monotonic)
}

function keyOf(priority: Priority, api: string): string {
  return `${priority} ${api}`
}

const ATTEMPTS = 50
const MOST_PAUSE_MS = 10

/** Reads the row of a company, lets `change` decide, and writes unless somebody else did meanwhile; then again. */
async function settleRow(
  database: Database,
  corpId: string,
  change: (ledger: Ledger, now: number) => { ledger: Ledger; grant: Grant },
  random: () => number,
): Promise<Grant> {
  const { kysely } = database
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const row = await kysely
      .selectFrom('wecom_budgets')
      .select(['version', 'state', databaseTime(database).as('now')])
      .where('corp_id', '=', corpId)
      .executeTakeFirst()
    if (row === undefined) {
      await kysely
        .insertInto('wecom_budgets')
        .values({ corp_id: corpId, version: 0, state: JSON.stringify(EMPTY_LEDGER) })
        .onConflict((conflict) => conflict.column('corp_id').doNothing())
        .execute()
      continue
    }
    const { ledger, grant } = change(JSON.parse(row.state) as Ledger, row.now)
    const { numUpdatedRows } = await kysely
      .updateTable('wecom_budgets')
      .set({ version: row.version + 1, state: JSON.stringify(ledger) })
      .where('corp_id', '=', corpId)
      .where('version', '=', row.version)
      .executeTakeFirst()
    if (numUpdatedRows === 1n) return grant
    await new Promise((resolve) => setTimeout(resolve, random() * MOST_PAUSE_MS))
  }
  throw new Error(`the budget of a company was written by others ${ATTEMPTS} times in a row`)
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('the caller gave up', { cause: reason })
}
