/** How the reader asks WeCom: several things at a time, and once more when an answer makes no sense. */
import { WecomError } from '@muster/wecom'

/** Calls in flight (wecom-api.md §8 row 30); the client bounds them again over all runs of the company. */
const PARALLEL_CALLS = 10

/** Works on all items with a bounded number at a time; the first error stops the rest and is thrown. */
export async function inParallel<T>(
  items: readonly T[],
  signal: AbortSignal,
  work: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0
  let failed = false
  const worker = async () => {
    while (next < items.length && !failed) {
      signal.throwIfAborted()
      try {
        await work(items[next++]!)
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  const results = await Promise.allSettled(Array.from({ length: Math.min(PARALLEL_CALLS, items.length) }, worker))
  const failure = results.find((result) => result.status === 'rejected')
  if (failure !== undefined) throw failure.reason
}

/**
 * The client repeats by itself what is known to pass. An answer that is not WeCom's (the page of a gateway, a body in
 * another encoding, a list that is missing) is seldom sent twice in a row, and a whole run is a high price for one of
 * them; what it is the second time, it stays.
 */
export async function onceMoreIfGarbled<T>(signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    if (signal.aborted || !(error instanceof WecomError) || error.kind !== 'protocol') throw error
    return ask()
  }
}
