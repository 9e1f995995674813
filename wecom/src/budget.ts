/**
 * How fast one company may be called. WeCom allows 10,000 calls a minute per corp and interface (page 90454) and an
 * unpublished number at once (45033). The interface is small so that a server with several processes can keep the
 * counts in its database; createBudget keeps them in this process.
 */

import { WecomError } from './errors.ts'
import { waitOnTimer } from './waiting.ts'
import type { Wait } from './waiting.ts'

/** `interactive`: somebody waits at a screen. `bulk`: synchronization; never takes the last places. */
export type Priority = 'interactive' | 'bulk'

export interface Budget {
  /**
   * Waits for a place and resolves with the function that gives it back (call it exactly once, when the answer is in).
   * Must reject soon after `signal` aborts. `api` is such as `user/list`; `gettoken` counts too.
   */
  acquire(corpId: string, api: string, signal: AbortSignal | undefined, priority: Priority): Promise<() => void>
}

export type BudgetOptions = {
  /** Per corp and interface; default 8,000, 80 % of WeCom's limit. */
  callsPerMinute?: number
  /** Per corp; default 10. */
  maxInFlight?: number
  /** Callers that may wait per corp before WECOM_QUEUE_FULL; default 10,000. */
  maxWaiting?: number
  /** Milliseconds since 1970. */
  now?: () => number
  wait?: Wait
}

type Waiter = { api: string; priority: Priority; admit: () => void }
type Corp = { inFlight: Record<Priority, number>; waiting: Record<Priority, Waiter[]>; alarm: boolean }

const WINDOW_SECONDS = 60

/** Bulk callers leave a fifth of the places and a tenth of the minute to people who wait at a screen. */
const BULK_IN_FLIGHT_SHARE = 0.8
const BULK_MINUTE_SHARE = 0.9

export function createBudget(options: BudgetOptions = {}): Budget {
  const { callsPerMinute = 8000, maxInFlight = 10, maxWaiting = 10_000, now = Date.now, wait = waitOnTimer } = options
  const inFlightLimit = { interactive: maxInFlight, bulk: Math.max(1, Math.floor(maxInFlight * BULK_IN_FLIGHT_SHARE)) }
  const minuteLimit = { interactive: callsPerMinute, bulk: Math.max(1, Math.floor(callsPerMinute * BULK_MINUTE_SHARE)) }
  const corps = new Map<string, Corp>()
  const windows = new Map<string, MinuteWindow>()

  return {
    acquire(corpId, api, signal, priority) {
      const corp = corpOf(corpId)
      if (corp.waiting.bulk.length + corp.waiting.interactive.length >= maxWaiting) {
        return Promise.reject(
          new WecomError('WECOM_QUEUE_FULL', {
            api,
            message: `${maxWaiting} calls are waiting already`,
            isUnsent: true,
          }),
        )
      }
      return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(reasonOf(signal))
        const queue = corp.waiting[priority]
        const onAbort = () => {
          queue.splice(queue.indexOf(waiter), 1)
          reject(reasonOf(signal))
        }
        const waiter: Waiter = {
          api,
          priority,
          admit: () => {
            signal?.removeEventListener('abort', onAbort)
            resolve(releaseOnce(corpId, corp, priority))
          },
        }
        signal?.addEventListener('abort', onAbort, { once: true })
        queue.push(waiter)
        admitWhoFits(corpId, corp)
      })
    },
  }

  function admitWhoFits(corpId: string, corp: Corp): void {
    const fullApis = new Set<string>()
    for (const priority of ['interactive', 'bulk'] as const) {
      const queue = corp.waiting[priority]
      for (let index = 0; index < queue.length && hasPlace(corp, priority);) {
        const waiter = queue[index]
        if (waiter === undefined) break
        const window = windowOf(corpId, waiter.api)
        if (fullApis.has(waiter.api) || window.count(now()) >= minuteLimit[priority]) {
          fullApis.add(waiter.api)
          index++
          continue
        }
        queue.splice(index, 1)
        window.add(now())
        corp.inFlight[priority]++
        waiter.admit()
      }
    }
    // A release wakes those who lack a place; only those who lack a share of the minute need the clock.
    if (fullApis.size > 0) void ringNextSecond(corpId, corp)
  }

  function hasPlace(corp: Corp, priority: Priority): boolean {
    const total = corp.inFlight.interactive + corp.inFlight.bulk
    return total < maxInFlight && corp.inFlight[priority] < inFlightLimit[priority]
  }

  function releaseOnce(corpId: string, corp: Corp, priority: Priority): () => void {
    let isReleased = false
    return () => {
      if (isReleased) return
      isReleased = true
      corp.inFlight[priority]--
      admitWhoFits(corpId, corp)
    }
  }

  async function ringNextSecond(corpId: string, corp: Corp): Promise<void> {
    if (corp.alarm) return
    corp.alarm = true
    await wait(1000 - (now() % 1000))
    corp.alarm = false
    admitWhoFits(corpId, corp)
  }

  function corpOf(corpId: string): Corp {
    let corp = corps.get(corpId)
    if (corp === undefined) {
      corp = { inFlight: { interactive: 0, bulk: 0 }, waiting: { interactive: [], bulk: [] }, alarm: false }
      corps.set(corpId, corp)
    }
    return corp
  }

  function windowOf(corpId: string, api: string): MinuteWindow {
    const key = `${corpId} ${api}`
    let window = windows.get(key)
    if (window === undefined) {
      window = createMinuteWindow()
      windows.set(key, window)
    }
    return window
  }
}

type MinuteWindow = { add(now: number): void; count(now: number): number }

/**
 * Calls of the last 60 to 61 seconds, counted per second: never more than the budget in any 60 seconds, wherever WeCom's
 * own minute begins, at the price of at most one second of patience.
 */
function createMinuteWindow(): MinuteWindow {
  const slots = new Uint32Array(WINDOW_SECONDS + 1)
  let newest = 0
  let total = 0

  function advanceTo(now: number): void {
    const second = Math.floor(now / 1000)
    // A clock that was set back must not freeze the window: start again from what is known.
    if (second < newest - WINDOW_SECONDS || second > newest + WINDOW_SECONDS) {
      slots.fill(0)
      total = 0
      newest = second
    }
    while (newest < second) {
      newest++
      const slot = newest % slots.length
      total -= slots[slot] ?? 0
      slots[slot] = 0
    }
  }

  return {
    add(now) {
      advanceTo(now)
      const slot = newest % slots.length
      slots[slot] = (slots[slot] ?? 0) + 1
      total++
    },
    count(now) {
      advanceTo(now)
      return total
    },
  }
}

function reasonOf(signal: AbortSignal | undefined): Error {
  return signal?.reason instanceof Error ? signal.reason : new Error('aborted')
}
