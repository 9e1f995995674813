/**
 * Work that nobody asks for: named jobs, each done again and again for as long as the process lives. Which jobs there
 * are is app.ts's to say; what one job does belongs to the part that it calls.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Logger } from 'pino'

export interface Job {
  /** For the log. */
  readonly name: string
  /** From the end of one time to the start of the next, in milliseconds: a job never overlaps itself. */
  readonly pauseMs: number
  /** Short: stopping the process waits for it. What takes long is begun here and goes on elsewhere. */
  readonly work: () => Promise<unknown>
  /** Given once, before the first time, what cuts a pause short: for work that somebody is known to wait for. */
  readonly wokenBy?: (wake: () => void) => void
}

export interface Background {
  /** Starts nothing any more, and waits for what is under way. */
  stop(): Promise<void>
}

/** Starts every job at once, each for the first time right away. */
export function startJobs(jobs: readonly Job[], log: Logger): Background {
  const stopping = new AbortController()
  const loops = jobs.map((job) => repeat(job, stopping.signal, log))
  return {
    async stop() {
      stopping.abort()
      await Promise.all(loops)
    },
  }
}

async function repeat({ name, pauseMs, work, wokenBy }: Job, stopping: AbortSignal, log: Logger): Promise<void> {
  let rest = new AbortController()
  const wake = () => rest.abort()
  stopping.addEventListener('abort', wake)
  wokenBy?.(wake)
  while (!stopping.aborted) {
    // Before the work, so that whoever calls while it is done is not left for the whole of the next pause.
    rest = new AbortController()
    try {
      await work()
    } catch (error) {
      // A database that is away for a moment must not end a job for ever; readiness reports it.
      log.warn({ err: error, job: name }, 'a background job failed and is tried again')
    }
    // Cut short by stopping, which the loop sees. Not referenced: a pause keeps no process alive.
    await pause(pauseMs, undefined, { signal: rest.signal, ref: false }).catch(() => {})
  }
}
