/**
 * How several processes share the limits of one company: who may have how many places in flight, how many calls of the
 * minute, and when a pause is over. Pure: what is written down and what one process claims go in, what is to be written
 * down and what the process is granted come out. All times are the database's. Called by shared-budget.ts only.
 */
import { BULK_IN_FLIGHT_SHARE, BULK_MINUTE_SHARE, type Places, type Priority } from '@muster/wecom'

/** What is written down about one company. */
export interface Ledger {
  /** By the name of the process. */
  readonly holders: Readonly<Record<string, Holder>>
  /** By interface: the second since 1970, and how many calls were given out in it. */
  readonly calls: Readonly<Record<string, readonly Slot[]>>
  /** By interface. */
  readonly pauses: Readonly<Record<string, Pause>>
}

interface Holder {
  /** Places that nobody else may fill until the lease is over. */
  readonly all: number
  /** Of these, those that bulk calls may fill. */
  readonly bulk: number
  /** Bulk calls that it has under way or waiting. */
  readonly wantsBulk: number
  readonly until: number
}

type Slot = readonly [second: number, calls: number]

export interface Pause {
  readonly round: number
  readonly waitMs: number
  readonly endsAt: number
  readonly errcode: number
  /** Who asks WeCom on behalf of all, when the pause is over. */
  readonly asker?: { readonly name: string; readonly until: number }
}

/** What one process has, gives back and wants. */
export interface Claim {
  readonly name: string
  /** It ends: everything of its is free. */
  readonly isLeaving: boolean
  readonly inFlight: Readonly<Record<Priority, number>>
  readonly waiting: Readonly<Record<Priority, number>>
  /** As many places as it may fill before it has read the answer. */
  readonly keeps: { readonly all: number; readonly bulk: number }
  readonly calls: readonly CallClaim[]
  readonly begun: Readonly<Record<string, Omit<Pause, 'endsAt' | 'asker'> & { readonly remainingMs: number }>>
  /** Interfaces on which it has asked on behalf of all and was let through. */
  readonly ended: readonly string[]
  /** Interfaces on which it would ask. */
  readonly asks: readonly string[]
}

export interface CallClaim {
  readonly api: string
  readonly priority: Priority
  readonly wanted: number
  /** What is left of an earlier grant. */
  readonly unused: { readonly second: number; readonly count: number } | undefined
}

export interface Grant {
  readonly now: number
  /** What it may fill from now on; less than what is held for it when it has to give places back. */
  readonly places: Places
  readonly held: { readonly all: number; readonly bulk: number }
  readonly calls: readonly {
    readonly api: string
    readonly priority: Priority
    readonly second: number
    readonly count: number
  }[]
  readonly pauses: Readonly<Record<string, Pause>>
  /** Interfaces on which it is the one to ask. */
  readonly asking: readonly string[]
}

export interface SharedLimits {
  readonly callsPerMinute: number
  /** After this long without news of who asks, somebody else may. */
  readonly askMs: number
}

/** Places that nobody renewed are free after this. A process renews them ten times as often. */
export const LEASE_MS = 5_000

/** A call of the minute has to be made so soon after it was granted, else it is lost. */
export const BLOCK_MS = 2_000

/** Calls in flight to one company, over all processes (wecom-api.md §5, 45033: WeCom publishes no number). */
const MAX_IN_FLIGHT = 10
const BULK_PLACES = Math.floor(MAX_IN_FLIGHT * BULK_IN_FLIGHT_SHARE)

/** So long after a process has been seen, bulk work of others keeps the last places free for it. */
const PRESENCE_MS = 120_000

/** Places that a process without bulk work gets beyond its need, so that not every sign-in has to ask for one. */
const SPARE_PLACES = 2

const MINUTE_MS = 60_000

/** A pause that nobody asked about for so long after its end is forgotten. */
const PAUSE_MEMORY_MS = 10 * 60_000

export const EMPTY_LEDGER: Ledger = { holders: {}, calls: {}, pauses: {} }

export function settle(
  ledger: Ledger,
  claim: Claim,
  limits: SharedLimits,
  now: number,
): { ledger: Ledger; grant: Grant } {
  const others = Object.fromEntries(
    Object.entries(ledger.holders).filter(([name, holder]) => name !== claim.name && isPresent(holder, now)),
  )
  const places = claim.isLeaving ? NO_PLACES : placesFor(claim, Object.values(others), now)
  const held = {
    all: Math.max(places.all, claim.keeps.all),
    bulk: Math.max(places.bulk + places.loan, claim.keeps.bulk),
  }
  const isIdle = held.all === 0 && claim.waiting.bulk + claim.waiting.interactive === 0
  const mine: Holder = { ...held, wantsBulk: claim.inFlight.bulk + claim.waiting.bulk, until: now + LEASE_MS }
  const { calls, granted } = settleCalls(ledger.calls, claim.calls, limits.callsPerMinute, now)
  const { pauses, asking } = settlePauses(ledger.pauses, claim, limits.askMs, now)
  return {
    ledger: {
      // Who is idle is not waited for, but remembered.
      holders: claim.isLeaving ? others : { ...others, [claim.name]: isIdle ? { ...mine, until: now } : mine },
      calls,
      pauses,
    },
    grant: { now, places, held, calls: granted, pauses, asking },
  }
}

// ---- Places ---------------------------------------------------------------------------------------------------------

const NO_PLACES: Places = { all: 0, bulk: 0, loan: 0 }

/**
 * Who is alone may lend the last places to bulk work: it can call them back itself. With others about, they stay free, so
 * that whoever has somebody waiting at a screen finds one without asking anybody.
 */
function placesFor({ inFlight, waiting }: Claim, others: readonly Holder[], now: number): Places {
  const interactive = inFlight.interactive + waiting.interactive
  const bulk = inFlight.bulk + waiting.bulk
  const active = others.filter((holder) => isAlive(holder, now))
  const free = Math.max(0, MAX_IN_FLIGHT - sum(active, ({ all }) => all))
  if (others.length === 0) {
    if (bulk > 0) return { all: MAX_IN_FLIGHT, bulk: BULK_PLACES, loan: MAX_IN_FLIGHT - BULK_PLACES }
    return { all: interactive === 0 ? 0 : Math.min(free, interactive + SPARE_PLACES), bulk: 0, loan: 0 }
  }
  const interactivePlaces = Math.min(interactive, free)
  const rivals = active.filter(({ wantsBulk }) => wantsBulk > 0)
  const evenShare = Math.max(1, Math.floor(BULK_PLACES / (rivals.length + 1)))
  const share = Math.max(evenShare, BULK_PLACES - sum(rivals, ({ wantsBulk }) => wantsBulk))
  const bulkFree = Math.max(0, BULK_PLACES - sum(active, (holder) => holder.bulk))
  const bulkPlaces = Math.min(bulk, share, bulkFree, free - interactivePlaces)
  return { all: interactivePlaces + bulkPlaces, bulk: bulkPlaces, loan: 0 }
}

/** A lease that ends later than any can was written before the clock was set back: it says nothing. */
function isAlive({ until }: Holder, now: number): boolean {
  return until > now && until <= now + LEASE_MS
}

function isPresent({ until }: Holder, now: number): boolean {
  return until + PRESENCE_MS > now && until <= now + LEASE_MS
}

function sum(holders: readonly Holder[], of: (holder: Holder) => number): number {
  return holders.reduce((total, holder) => total + of(holder), 0)
}

// ---- Calls of the minute --------------------------------------------------------------------------------------------

function settleCalls(
  before: Ledger['calls'],
  claims: readonly CallClaim[],
  limit: number,
  now: number,
): { calls: Ledger['calls']; granted: Grant['calls'] } {
  const calls = new Map<string, Slot[]>()
  for (const [api, slots] of Object.entries(before)) {
    const counted = slots.filter(([second]) => isCounted(second, now))
    if (counted.length > 0) calls.set(api, counted)
  }
  for (const { api, unused } of claims) {
    if (unused !== undefined) addCalls(calls, api, unused.second, -unused.count)
  }
  const second = Math.floor(now / 1000)
  const granted = claims.map(({ api, priority, wanted }) => {
    const most = priority === 'interactive' ? limit : Math.max(1, Math.floor(limit * BULK_MINUTE_SHARE))
    const used = (calls.get(api) ?? []).reduce((total, [, count]) => total + count, 0)
    // Half of what is left: another process may come for the other half.
    const count = Math.min(wanted, Math.ceil(Math.max(0, most - used) / 2))
    addCalls(calls, api, second, count)
    return { api, priority, second, count }
  })
  return { calls: Object.fromEntries(calls), granted }
}

/**
 * Calls that were granted in this second may still have been made in the 60 seconds before now. A second that has not
 * come yet was written before the clock was set back: it counts for a minute like others, but not for ever.
 */
function isCounted(second: number, now: number): boolean {
  const startedAt = second * 1000
  return startedAt + 1000 + BLOCK_MS + MINUTE_MS > now && startedAt <= now + MINUTE_MS
}

function addCalls(calls: Map<string, Slot[]>, api: string, second: number, count: number): void {
  const slots = calls.get(api) ?? []
  const known = slots.find(([start]) => start === second)
  // What comes back after its second was forgotten is forgotten, too.
  if (known === undefined && count <= 0) return
  const total = Math.max(0, (known?.[1] ?? 0) + count)
  const rest = slots.filter((slot) => slot !== known)
  calls.set(api, total === 0 ? rest : [...rest, [second, total]])
}

// ---- Pauses ---------------------------------------------------------------------------------------------------------

function settlePauses(
  before: Ledger['pauses'],
  { name, isLeaving, begun, ended, asks }: Claim,
  askMs: number,
  now: number,
): { pauses: Ledger['pauses']; asking: string[] } {
  const pauses = new Map<string, Pause>()
  for (const [api, pause] of Object.entries(before)) {
    const isOurs = pause.asker?.name === name
    if (ended.includes(api) && isOurs) continue
    const kept = isOurs && isLeaving ? withoutAsker(pause) : pause
    if (isRemembered(kept, now)) pauses.set(api, kept)
  }
  for (const [api, { remainingMs, ...pause }] of Object.entries(begun)) {
    const known = pauses.get(api)
    // A refusal of a request from before the pause must not prolong it.
    const isNews = known === undefined || known.asker?.name === name || pause.round > known.round
    if (isNews) pauses.set(api, { ...pause, endsAt: now + Math.min(remainingMs, pause.waitMs) })
  }
  const asking: string[] = []
  for (const api of asks) {
    const pause = pauses.get(api)
    if (pause === undefined || pause.endsAt > now) continue
    if (isAsking(pause, now) && pause.asker?.name !== name) continue
    pauses.set(api, { ...pause, asker: { name, until: now + askMs } })
    asking.push(api)
  }
  return { pauses: Object.fromEntries(pauses), asking }
}

function isAsking({ asker }: Pause, now: number): boolean {
  return asker !== undefined && asker.until > now
}

/** Of a pause that ends later than any can, the clock was set back since: nothing is known then, and WeCom says it again. */
function isRemembered(pause: Pause, now: number): boolean {
  return pause.endsAt <= now + pause.waitMs && (pause.endsAt + PAUSE_MEMORY_MS > now || isAsking(pause, now))
}

function withoutAsker({ round, waitMs, endsAt, errcode }: Pause): Pause {
  return { round, waitMs, endsAt, errcode }
}
