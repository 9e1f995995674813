/**
 * A run of this process while it is carried out: the lease and the progress on its record every second, how many calls it
 * made, and what ends it before its time. Used by carrying-out.ts and hint-work.ts.
 */
import type { Logger } from 'pino'
import type { Database } from '../database/database.ts'
import { AppError } from '../errors.ts'
import { RunLost, type Run, type RunCounts, type Runs } from './runs.ts'

/** Why a run is stopped whose process ends: not its own end, but the end of this process's part in it. */
export const LETTING_GO = new Error('the process stops')

export interface UnderWay {
  readonly run: Run
  /** Aborted with the reason. */
  readonly signal: AbortSignal
  /** As of the last transaction. */
  readonly counts: RunCounts
  readonly progress: Mutable<Run['progress']>
  /** So far. */
  apiCalls: number
  /** Once the run is about to end, or has. */
  stopBeating(): void
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

const PROGRESS_MS = 1_000

export function startBeating(
  { database, runs, log, runTimeoutMs }: { database: Database; runs: Runs; log: Logger; runTimeoutMs: number },
  run: Run,
  abort: AbortController,
): UnderWay {
  const progress: UnderWay['progress'] = { phase: 'read', done: 0, total: 0 }
  let isBeating = false
  const heartbeat = setInterval(() => {
    // One at a time: on a database that is slow, a beat a second would take all of its connections.
    if (isBeating) return
    isBeating = true
    void runs
      .update(database, run.id, { progress: { ...progress }, apiCalls: underWay.apiCalls })
      .catch((error: unknown) => {
        if (error instanceof RunLost) abort.abort(error)
        else log.warn({ err: error, runId: run.id }, 'could not renew the lease of a run')
      })
      .finally(() => (isBeating = false))
  }, PROGRESS_MS)
  const underWay: UnderWay = {
    run,
    signal: AbortSignal.any([abort.signal, timeoutSignal(runTimeoutMs)]),
    counts: structuredClone(run.counts),
    progress,
    apiCalls: run.apiCalls,
    stopBeating: () => clearInterval(heartbeat),
  }
  return underWay
}

/** A timer of ours instead of AbortSignal.timeout, so that the reason says which limit it was. */
function timeoutSignal(ms: number): AbortSignal {
  const timeout = new AbortController()
  setTimeout(() => timeout.abort(new AppError('sync/timeout')), ms).unref()
  return timeout.signal
}
