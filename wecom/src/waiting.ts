/**
 * Waits that can end. Every pause, queue and HTTP exchange of this package waits through one of these,
 * so that an AbortSignal or a deadline always gets through. They reject with the bare reason;
 * request.ts turns it into a WecomError.
 */

export type Wait = (ms: number, signal?: AbortSignal) => Promise<void>

/** Marks our own deadline, to tell it from a caller who gave up. */
export class DeadlineExceeded extends Error {
  override readonly name = 'DeadlineExceeded'
}

export const waitOnTimer: Wait = (ms, signal) =>
  new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(asError(signal.reason))
    const onAbort = () => {
      clearTimeout(timer)
      reject(asError(signal?.reason))
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    }, ms)
    signal?.addEventListener('abort', onAbort, { once: true })
  })

/** Waits for work that has its own life: giving up leaves the work running and its later outcome is ignored. */
export function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(asError(signal.reason))
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

/**
 * Runs work under a deadline and the callers' signals, and comes back when one fires even if the work does not react:
 * undici delivers an abort only once a connection exists, and a DNS look-up cannot be cancelled at all.
 */
export async function withDeadline<T>(
  timeoutMs: number,
  signals: readonly (AbortSignal | undefined)[],
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(new DeadlineExceeded(`no answer within ${timeoutMs} ms`)), timeoutMs)
  const ends = signals.flatMap((signal) => {
    if (signal === undefined) return []
    const onAbort = () => controller.abort(signal.reason)
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
    return () => signal.removeEventListener('abort', onAbort)
  })
  try {
    return await abortable(work(controller.signal), controller.signal)
  } finally {
    clearTimeout(timer)
    for (const end of ends) end()
  }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('aborted', { cause: reason })
}
