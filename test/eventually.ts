/** Waiting for something to become true, with a deadline and no fixed pauses. */

const DEADLINE_MS = 40_000
const POLL_MS = 10

/**
 * Asks again and again until the answer is neither undefined nor false.
 * @param what completes the sentence "waited in vain until …"
 * @throws when that has not happened within 40 seconds, which is longer than anything the product promises
 */
export async function eventually<T>(what: string, look: () => Promise<T> | T): Promise<Exclude<T, undefined | false>> {
  const deadline = performance.now() + DEADLINE_MS
  for (;;) {
    const seen = await look()
    if (seen !== undefined && seen !== false) return seen as Exclude<T, undefined | false>
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}
