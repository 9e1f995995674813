/**
 * The pause after "too many calls" (45009, 45033), shared by all callers of the same corp and interface: one of them asks
 * again when the wait is over, everybody else waits for its answer. WeCom's penalties last 60 s for the minute limit and
 * 60 min for the hour limit (page 90454), so the waits double up to ten times the first one. Several processes keep to one
 * pause, with one of them asking, when their Budget has SharedPauses. Called by request.ts only.
 */

import { errorFromErrcode } from './errors.ts'
import type { WecomError } from './errors.ts'
import { abortable } from './waiting.ts'
import type { Wait } from './waiting.ts'

/** A pause as all processes know it. */
export type KnownPause = {
  /** 1 after the first refusal, then 2, 3 … */
  readonly round: number
  readonly waitMs: number
  /** By the clock that createWecom was given. */
  readonly endsAt: number
  /** What WeCom answered: 45009 or 45033. */
  readonly errcode: number
}

/** Pauses of several processes. A pause is told from another by its identity: the same one is always the same object. */
export interface SharedPauses {
  /** What is known at the moment. Asked before every call, so it answers from memory. */
  known(corpId: string, api: string): KnownPause | undefined
  /** WeCom refused us. */
  begin(corpId: string, api: string, pause: KnownPause): void
  /**
   * A pause is over by the clock. Resolves with `ask` for one process at a time, with undefined when somebody has asked
   * and was let through, or with the next pause. Must reject soon after `signal` aborts.
   */
  mayAsk(corpId: string, api: string, signal: AbortSignal | undefined): Promise<'ask' | KnownPause | undefined>
  /** We asked and were let through. */
  end(corpId: string, api: string): void
}

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
  known: KnownPause
  refusal: WecomError
  /** Somebody is asking on behalf of all; resolves when the answer is in. */
  probe: { settled: Promise<void>; settle: () => void } | undefined
}

const MAX_GROWTH = 10
const LIMIT_REACHED = 45009

/** Too many at once passes within seconds, too many a minute does not. */
const CONCURRENCY_SHARE = 1 / 12

/** Of one corp and interface. */
export type PauseOptions = {
  corpId: string
  api: string
  backoffMs: number
  now: () => number
  random: () => number
  wait: Wait
  shared?: SharedPauses | undefined
}

export function createGate({ corpId, api, backoffMs, now, random, wait, shared }: PauseOptions): Gate {
  let pause: Pause | undefined
  /** What others had told when we looked last. */
  let heard: KnownPause | undefined

  return {
    async enter(signal, { maxRounds, patienceMs }) {
      let rounds = 0
      for (;;) {
        listen()
        const current = pause
        if (current === undefined) return passFor(undefined, rounds)
        const remainingMs = Math.max(0, current.known.endsAt - now())
        if (rounds >= maxRounds || remainingMs > patienceMs) throw current.refusal
        if (current.probe === undefined && remainingMs > 0) {
          rounds++
          await wait(remainingMs, signal)
          listen()
        }
        if (pause !== current) continue
        if (current.probe !== undefined) {
          await abortable(current.probe.settled, signal)
          continue
        }
        current.probe = newProbe()
        if (await mayProbe(current, signal)) return passFor(current, rounds)
      }
    },
  }

  /** Takes over a pause that another process began, so that its refusal holds here as well. */
  function listen(): void {
    const known = shared?.known(corpId, api)
    if (known === heard) return
    heard = known
    if (known !== undefined && known !== pause?.known) adopt(known)
  }

  function adopt(known: KnownPause): void {
    if (pause !== undefined && known.endsAt <= pause.known.endsAt) return
    const refusal = errorFromErrcode(known.errcode, { api, errmsg: undefined, sensitive: [] })
    pause = { known, refusal, probe: undefined }
  }

  /** Whether we, of all processes, ask on behalf of all. Else what the others found out holds here. */
  async function mayProbe(current: Pause, signal: AbortSignal | undefined): Promise<boolean> {
    if (shared === undefined) return true
    let verdict: 'ask' | KnownPause | undefined
    try {
      verdict = await shared.mayAsk(corpId, api, signal)
      if (verdict === 'ask' && pause === current) return true
      if (verdict === undefined && pause === current) pause = undefined
      if (typeof verdict === 'object') adopt(verdict)
    } finally {
      if (verdict !== 'ask' || pause !== current) settleProbe(current)
    }
    return false
  }

  function settleProbe(probed: Pause): void {
    const probe = probed.probe
    probed.probe = undefined
    probe?.settle()
  }

  function passFor(probed: Pause | undefined, rounds: number): Pass {
    return {
      rounds,
      isStale() {
        listen()
        return pause !== probed
      },
      settle(result) {
        if (typeof result !== 'string') {
          // A straggler that was sent before the pause began must not prolong it.
          if (pause === probed) {
            pause = nextPause(probed, result)
            shared?.begin(corpId, api, pause.known)
          }
        } else if (probed !== undefined && pause === probed && result === 'answered') {
          pause = undefined
          shared?.end(corpId, api)
        }
        if (probed !== undefined) settleProbe(probed)
      },
    }
  }

  function nextPause(previous: Pause | undefined, refusal: WecomError): Pause {
    const round = (previous?.known.round ?? 0) + 1
    const growth = Math.min(2 ** (round - 1), MAX_GROWTH)
    const share = refusal.errcode === 45033 ? CONCURRENCY_SHARE : 1
    // Up to a tenth early, so that several processes do not come back in the same instant.
    const waitMs = backoffMs * growth * share * (1 - random() / 10)
    const known = { round, waitMs, endsAt: now() + waitMs, errcode: refusal.errcode ?? LIMIT_REACHED }
    return { known, refusal, probe: undefined }
  }
}

function newProbe(): { settled: Promise<void>; settle: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { settled: promise, settle: resolve }
}
