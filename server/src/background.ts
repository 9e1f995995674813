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

async function repeat({ name, pauseMs, work }: Job, stopping: AbortSignal, log: Logger): Promise<void> {
  while (!stopping.aborted) {
    try {
      await work()
    } catch (error) {
      // A database that is away for a moment must not end a job for ever; readiness reports it.
      log.warn({ err: error, job: name }, 'a background job failed and is tried again')
    }
    // Cut short by stopping, which the loop sees. Not referenced: a pause keeps no process alive.
    await pause(pauseMs, undefined, { signal: stopping, ref: false }).catch(() => {})
  }
}
