/** Waiting for something to become true, with a deadline. */

/** Longer than anything the product promises, on a machine that does three other things. */
const DEADLINE_MS = 90_000
/** What takes long is asked about less often: forty companies that ask every 50 ms are a load test. */
const SHORTEST_PAUSE_MS = 5
const LONGEST_PAUSE_MS = 250
const PAUSE_SHARE = 0.2

/**
 * Asks again and again until the answer is neither undefined nor false.
 * @param what completes the sentence "waited in vain until …"
 * @param options.pauseMs between two looks; by default the longer, the longer it has taken
 * @throws when that has not happened within 90 seconds
 */
export async function eventually<T>(
  what: string,
  look: () => Promise<T> | T,
  options: { pauseMs?: number } = {},
): Promise<Exclude<T, undefined | false>> {
  const startedAt = performance.now()
  for (;;) {
    const seen = await look()
    if (seen !== undefined && seen !== false) return seen as Exclude<T, undefined | false>
    const waitedMs = performance.now() - startedAt
    if (waitedMs > DEADLINE_MS) throw new Error(`waited in vain until ${what}`)
    const pauseMs = options.pauseMs ?? Math.min(LONGEST_PAUSE_MS, SHORTEST_PAUSE_MS + waitedMs * PAUSE_SHARE)
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
}
