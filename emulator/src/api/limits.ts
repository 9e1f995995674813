/**
 * Frequency limits and their penalties (wecom-api.md §5): calls per company and API, per address and API, at the same
 * time, wrong secrets, failed look-ups. Windows are fixed, not sliding; WeCom does not say which its own are.
 */

import { ApiError } from '../errors.ts'
import type { Limits } from '../settings.ts'

export interface Meters {
  /** Counts a call and throws 45009 when it is one too many, or while the penalty for the last excess runs. */
  countCall(call: { corpId: string; address: string; path: string; isDebug: boolean }): void
  /** Throws 45033 when the company has too many calls to this API open; otherwise returns how to close this one. */
  enter(call: { corpId: string; path: string }): () => void
  isBanned(address: string): boolean
  countWrongSecret(address: string): void
  /** Throws 45009 while look-ups of this kind are blocked for the day. */
  checkLookups(corpId: string, path: string): void
  /** Counts a look-up that found nobody. */
  countFailedLookup(company: { corpId: string; members: number }, path: string): void
  /** Forgets all counts and penalties. */
  reset(): void
}

interface Window {
  startedAtMs: number
  count: number
}

interface Meter {
  minute: Window
  hour: Window
  blockedUntilMs: number
}

const minuteMs = 60_000
const hourMs = 3_600_000
const dayMs = 86_400_000

/** `limits` is read at every call, so that a change takes effect at once. */
export function createMeters(limits: () => Limits, now: () => number): Meters {
  const meters = new Map<string, Meter>()
  const open = new Map<string, number>()
  const wrongSecrets = new Map<string, Window>()
  const banned = new Map<string, number>()
  const lookups = new Map<string, { day: number; failed: number; isBlocked: boolean }>()

  return {
    countCall({ corpId, address, path, isDebug }) {
      const { perMinute, perHour, perAddressPerMinute, perAddressPerHour, debugPerMinute } = limits()
      if (isDebug) count(`debug ${corpId} ${path}`, debugPerMinute, null)
      count(`corp ${corpId} ${path}`, perMinute, perHour)
      count(`address ${address} ${path}`, perAddressPerMinute, perAddressPerHour)
    },
    enter({ corpId, path }) {
      const key = `${corpId} ${path}`
      const others = open.get(key) ?? 0
      const { concurrency } = limits()
      if (concurrency !== null && others >= concurrency) throw new ApiError(45033)
      open.set(key, others + 1)
      return () => open.set(key, (open.get(key) ?? 1) - 1)
    },
    isBanned: (address) => now() < (banned.get(address) ?? 0),
    countWrongSecret(address) {
      const window = advance(wrongSecrets.get(address) ?? { startedAtMs: now(), count: 0 }, hourMs)
      wrongSecrets.set(address, window)
      if (window.count < limits().wrongSecretsPerHour) return
      banned.set(address, now() + hourMs)
      wrongSecrets.delete(address)
    },
    checkLookups(corpId, path) {
      const today = lookups.get(`${corpId} ${path}`)
      if (today?.isBlocked && today.day === Math.floor(now() / dayMs)) throw new ApiError(45009)
    },
    countFailedLookup({ corpId, members }, path) {
      const key = `${corpId} ${path}`
      const day = Math.floor(now() / dayMs)
      const known = lookups.get(key)
      const today = known?.day === day ? known : { day, failed: 0, isBlocked: false }
      lookups.set(key, today)
      today.failed++
      const { failedLookupsPercent, memberLimit } = limits()
      const allowed = ((memberLimit ?? Math.max(200, members * 2)) * failedLookupsPercent) / 100
      today.isBlocked ||= today.failed > allowed
    },
    reset() {
      meters.clear()
      wrongSecrets.clear()
      banned.clear()
      lookups.clear()
    },
  }

  function count(key: string, perMinute: number | null, perHour: number | null): void {
    if (perMinute === null && perHour === null) return
    let meter = meters.get(key)
    if (!meter) {
      meter = { minute: { startedAtMs: now(), count: 0 }, hour: { startedAtMs: now(), count: 0 }, blockedUntilMs: 0 }
      meters.set(key, meter)
    }
    if (now() < meter.blockedUntilMs) throw new ApiError(45009)
    advance(meter.minute, minuteMs)
    advance(meter.hour, hourMs)
    const { minutePenaltyMs, hourPenaltyMs } = limits()
    if (perHour !== null && meter.hour.count > perHour) block(meter, hourPenaltyMs)
    if (perMinute !== null && meter.minute.count > perMinute) block(meter, minutePenaltyMs)
  }

  function block(meter: Meter, penaltyMs: number): never {
    meter.blockedUntilMs = now() + penaltyMs
    // After the penalty the caller starts afresh; otherwise a short penalty would hit the same full window again.
    meter.minute = { startedAtMs: meter.blockedUntilMs, count: 0 }
    if (penaltyMs >= limits().hourPenaltyMs) meter.hour = { startedAtMs: meter.blockedUntilMs, count: 0 }
    throw new ApiError(45009)
  }

  /** Counts one event, in a new window when the old one is over. */
  function advance(window: Window, lengthMs: number): Window {
    if (now() - window.startedAtMs >= lengthMs) {
      window.startedAtMs = now()
      window.count = 0
    }
    window.count++
    return window
  }
}
