/**
 * The pause after "too many calls" (45009, 45033), shared by all callers of the same corp and interface: one of them asks
 * again when the wait is over, everybody else waits for its answer. WeCom's penalties last 60 s for the minute limit and
 * 60 min for the hour limit (page 90454), so the waits double up to ten times the first one. Called by request.ts only.
 */

import type { WecomError } from './errors.ts'
import { abortable } from './waiting.ts'
import type { Wait } from './waiting.ts'

/** Permission to send one request. Settle it exactly once. */
export type Pass = {
  /** Rounds of waiting this caller went through. */
  readonly rounds: number
  /** The pause began after this pass was given out: do not send, enter again. */
  isStale(): boolean
  /** `limited` with WeCom's refusal, `answered` for any other answer of WeCom, `unanswered` when there was none. */
  settle(result: 'answered' | 'unanswered' | WecomError): void
}

export type Gate = {
  /**
   * Waits until a request may be sent. Rejects with WeCom's last refusal after `maxRounds` rounds, or at once when the
   * wait would be longer than `patienceMs`.
   */
  enter(signal: AbortSignal | undefined, limits: { maxRounds: number; patienceMs: number }): Promise<Pass>
}

type Pause = {
  round: number
  endsAt: number
  refusal: WecomError
  /** Somebody is asking on behalf of all; resolves when the answer is in. */
  probe: { settled: Promise<void>; settle: () => void } | undefined
}

const MAX_GROWTH = 10

/** Too many at once passes within seconds, too many a minute does not. */
const CONCURRENCY_SHARE = 1 / 12

export type PauseOptions = { backoffMs: number; now: () => number; random: () => number; wait: Wait }

export function createGate({ backoffMs, now, random, wait }: PauseOptions): Gate {
  let pause: Pause | undefined

  return {
    async enter(signal, { maxRounds, patienceMs }) {
      let rounds = 0
      while (pause !== undefined) {
        const current = pause
        const remainingMs = Math.max(0, current.endsAt - now())
        if (rounds >= maxRounds || remainingMs > patienceMs) throw current.refusal
        if (current.probe === undefined && remainingMs > 0) {
          rounds++
          await wait(remainingMs, signal)
        }
        if (pause !== current) continue
        if (current.probe !== undefined) {
          await abortable(current.probe.settled, signal)
          continue
        }
        current.probe = newProbe()
        return passFor(current, rounds)
      }
      return passFor(undefined, rounds)
    },
  }

  function passFor(probed: Pause | undefined, rounds: number): Pass {
    return {
      rounds,
      isStale: () => pause !== probed,
      settle(result) {
        if (typeof result !== 'string') {
          // A straggler that was sent before the pause began must not prolong it.
          if (pause === probed) pause = nextPause(probed, result)
        } else if (probed !== undefined && pause === probed && result === 'answered') {
          pause = undefined
        }
        const probe = probed?.probe
        if (probed !== undefined) probed.probe = undefined
        probe?.settle()
      },
    }
  }

  function nextPause(previous: Pause | undefined, refusal: WecomError): Pause {
    const round = (previous?.round ?? 0) + 1
    const growth = Math.min(2 ** (round - 1), MAX_GROWTH)
    const share = refusal.errcode === 45033 ? CONCURRENCY_SHARE : 1
    // Up to a tenth early, so that several processes do not come back in the same instant.
    const waitMs = backoffMs * growth * share * (1 - random() / 10)
    return { round, endsAt: now() + waitMs, refusal, probe: undefined }
  }
}

function newProbe(): { settled: Promise<void>; settle: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { settled: promise, settle: resolve }
}
