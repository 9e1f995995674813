/**
 * How fast one address may begin to sign in: each address has a store of beginnings that fills up again. Large enough for
 * an office of thousands behind one address at nine in the morning, and small enough that nobody fills the database from
 * one machine. In the memory of each process, because losing it costs nothing and a write for each would be the very harm.
 */
import { networkOf } from '../directory/guesses.ts'

export interface Pace {
  /** @returns undefined when somebody may go on, else how many seconds to wait */
  take(address: string | null): number | undefined
}

/** So many at once, and so many a second from then on. */
const STORE = 600
const PER_SECOND = 10
/** Beyond this many addresses the ones that were not seen for longest are forgotten. */
const MOST_ADDRESSES = 10_000

export function createPace({
  now,
  store = STORE,
  perSecond = PER_SECOND,
}: {
  now: () => number
  store?: number
  perSecond?: number
}): Pace {
  const seen = new Map<string, { left: number; at: number }>()

  return {
    take(address) {
      const key = networkOf(address)
      const at = now()
      const before = seen.get(key)
      // A clock that was set back gives nothing and takes nothing.
      const gained = before === undefined ? 0 : (Math.max(0, at - before.at) / 1_000) * perSecond
      const left = before === undefined ? store : Math.min(store, before.left + gained)
      seen.delete(key)
      seen.set(key, { left: left < 1 ? left : left - 1, at })
      if (seen.size > MOST_ADDRESSES) seen.delete(seen.keys().next().value!)
      return left < 1 ? Math.max(1, Math.ceil((1 - left) / perSecond)) : undefined
    },
  }
}
