/** What the numbers of a suite and of its companies mean. Pure; the words are elsewhere. */
import type { Connection, Corp } from '@muster/contracts'

/** WeCom sends a ticket every ten minutes, and each is good for thirty (wecom-api.md §1.2). */
const GOOD_MS = 30 * 60_000
const SOON_MS = 30 * 24 * 3_600_000

export type TicketState = 'never' | 'fresh' | 'old'

export function ticketState(suite: Connection['suite'], now: number): TicketState {
  const at = suite?.ticketAt ?? null
  if (at === null) return 'never'
  return now - Date.parse(at) < GOOD_MS ? 'fresh' : 'old'
}

/** Whole minutes; a clock that is a little behind makes no negative ones. */
export function minutesSince(at: string, now: number): number {
  return Math.max(0, Math.floor((now - Date.parse(at)) / 60_000))
}

export type ExpiryState = 'unknown' | 'fine' | 'soon' | 'over'

/** Of the edition that a company has. */
export function expiryState(expiresAt: Corp['expiresAt'], now: number): ExpiryState {
  if (expiresAt === null) return 'unknown'
  const left = Date.parse(expiresAt) - now
  return left <= 0 ? 'over' : left < SOON_MS ? 'soon' : 'fine'
}

/** More people are linked than the edition allows. */
export function isOverSeats({ seats, linkedUsers }: Pick<Corp, 'seats' | 'linkedUsers'>): boolean {
  return seats !== null && linkedUsers > seats
}
