/** The one clock of the process. Tests may move it through a file; nothing else reads the time. */
import { readFileSync } from 'node:fs'

export interface Clock {
  /** Milliseconds since 1970, UTC. */
  now(): number
}

const REREAD_MS = 250

/**
 * @param offsetFile with MUSTER_TEST_CLOCK_FILE: a file with an offset in milliseconds, added to the system clock.
 * A file that is missing or holds no number counts as no offset, so that a test may create it late.
 */
export function createClock({ offsetFile }: { offsetFile?: string | undefined } = {}): Clock {
  if (offsetFile === undefined) return { now: () => Date.now() }

  let offset = 0
  let readAt = Number.NEGATIVE_INFINITY
  return {
    now() {
      const monotonic = performance.now()
      if (monotonic - readAt >= REREAD_MS) {
        readAt = monotonic
        offset = readOffset(offsetFile)
      }
      return Date.now() + offset
    },
  }
}

function readOffset(file: string): number {
  try {
    const value = Number(readFileSync(file, 'utf8').trim())
    return Number.isFinite(value) ? value : 0
  } catch {
    return 0
  }
}
