/**
 * Waits that can end. Every pause and queue of this package waits through one of these, so that an AbortSignal always
 * gets through; HTTP exchanges have their own (exchange.ts). They reject with the bare reason;
 * request.ts turns it into a WecomError.
 */

export type Wait = (ms: number, signal?: AbortSignal) => Promise<void>

/** Who wants to hear of the end of a signal. */
const listeners = new WeakMap<AbortSignal, Set<() => void>>()

/**
 * Calls `listener` once when the signal aborts, unless the returned function was called before. All listeners of a signal
 * share one of its own, because a signal keeps its listeners in a list in which those that were removed keep later ones
 * from being collected: over a long sync that is everything its calls have held. It is taken off with the last of them,
 * because a signal that has one is kept itself.
 */
export function whenAborted(signal: AbortSignal, listener: () => void): () => void {
  let all = listeners.get(signal)
  if (all === undefined) listeners.set(signal, (all = new Set()))
  if (all.size === 0) signal.addEventListener('abort', tellAll)
  all.add(listener)
  return () => {
    if (all.delete(listener) && all.size === 0) signal.removeEventListener('abort', tellAll)
  }
}

function tellAll(this: AbortSignal): void {
  const all = listeners.get(this)
  listeners.delete(this)
  for (const listener of all ?? []) listener()
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

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('aborted', { cause: reason })
}
