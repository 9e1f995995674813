/** A clock that only moves when a test says so, and a way to wait for conditions. */

import { setImmediate } from 'node:timers/promises'

import type { Wait } from '../src/waiting.ts'

export type Clock = {
  now: () => number
  wait: Wait
  /** Milliseconds that were asked for, oldest first, ended waits included. */
  waits: number[]
  waiting: () => number
  advance: (ms: number) => void
}

export function createClock(start = 1_800_000_000_000): Clock {
  let time = start
  const sleepers = new Set<{ at: number; wake: () => void }>()
  const waits: number[] = []
  return {
    now: () => time,
    waits,
    waiting: () => sleepers.size,
    wait: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason as Error)
        waits.push(ms)
        const sleeper = { at: time + ms, wake: resolve }
        sleepers.add(sleeper)
        signal?.addEventListener('abort', () => {
          if (sleepers.delete(sleeper)) reject(signal.reason as Error)
        })
      }),
    advance(ms) {
      time += ms
      for (const sleeper of sleepers) {
        if (sleeper.at > time) continue
        sleepers.delete(sleeper)
        sleeper.wake()
      }
    },
  }
}

/** A clock whose waits end at once, as if the time had passed; it remembers how long they would have been. */
export function createHurriedClock(start = 1_800_000_000_000): Pick<Clock, 'now' | 'wait' | 'waits'> {
  let time = start
  const waits: number[] = []
  return {
    now: () => time,
    waits,
    wait: async (ms, signal) => {
      signal?.throwIfAborted()
      waits.push(ms)
      await setImmediate()
      signal?.throwIfAborted()
      time += ms
    },
  }
}

/** Lets everything else run until the condition holds; fails after five seconds. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 5000
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`never happened: ${what}`)
    await setImmediate()
  }
}
