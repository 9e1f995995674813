/**
 * Removals that wait for a person: how they are shown, and what is said when more are added to those that wait already.
 * Pure. Called by carrying-out.ts and hint-work.ts.
 */
import type { Held, Warning } from '../runs.ts'
import { planHash } from './removals.ts'

/** Removals that wait for a person, as `removalKey` names them, and why. */
export interface HeldRemovals {
  readonly keys: readonly string[]
  readonly reasons: readonly Warning[]
}

/** What is shown of them, and which name an approval has to repeat. */
export function describeHeld({ keys, reasons: all }: HeldRemovals): Held {
  const reasons = new Map(all.map((reason) => [JSON.stringify(reason), reason]))
  const counts: Record<string, number> = {}
  for (const key of keys) {
    const [entity, action] = key.split(' ')
    const name = `${entity}.${action}`
    counts[name] = (counts[name] ?? 0) + 1
  }
  return { planHash: planHash(keys), reasons: [...reasons.values()], counts }
}

/**
 * Why all of them wait. The newest reasons count what waited before, too; of people and departments only those who were
 * judged again. Of one company: where there are several, each is judged by itself.
 * @param keys of all @param added what was judged just now @param before why the others wait
 */
export function reasonsTogether(
  keys: readonly string[],
  added: HeldRemovals,
  before: readonly Warning[],
): readonly Warning[] {
  const kindsOf = (some: readonly string[]) => new Set(some.map((key) => key.slice(0, key.indexOf(' '))))
  const judged = kindsOf(added.keys)
  const isWhole = [...kindsOf(keys)].every((kind) => judged.has(kind))
  const reasons = isWhole ? added.reasons : [...before, ...added.reasons]
  return [...new Map(reasons.map((reason) => [reason.code, reason])).values()]
}
