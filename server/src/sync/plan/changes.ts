/** One step of a plan and its parts, as values: what a run decides, stores and shows. */
import type { Problem } from '../../errors.ts'

export type ChangeEntity = 'user' | 'department' | 'membership' | 'link'
export type ChangeAction = 'create' | 'update' | 'disable' | 'enable' | 'delete' | 'restore' | 'link' | 'unlink'
export type ChangeState = 'planned' | 'applied' | 'held' | 'failed' | 'skipped' | 'rejected'

/** Fields by their name in the admin API. */
export type Fields = Readonly<Record<string, unknown>>

/** One row of the history of a run (http-api.md §4.4). */
export interface Change {
  readonly entity: ChangeEntity
  readonly action: ChangeAction
  readonly state: ChangeState
  /** WeCom's id of the person or department. */
  readonly externalId: string | null
  /** Our id, when there is one. */
  readonly targetId: string | null
  readonly name: string | null
  readonly before: Fields | null
  readonly after: Fields | null
  /** What undoing it needs to know besides `before`; null for nearly everything. */
  readonly inverse: Fields | null
  /** Why, in a word that does not change: `unreadable-elsewhere`, `administrator` … */
  readonly reason: string | null
  readonly problem: Problem | null
  /** The question that a person has to decide, or has decided to leave. */
  readonly reviewId: string | null
}

/**
 * Everything that happens to one person or one department: applied together or not at all. Without a write, the changes
 * only say what was decided against.
 */
export interface Step<Write> {
  readonly changes: readonly Change[]
  readonly write: Write | null
}

/** A change with the usual rest. */
export function change(given: Pick<Change, 'entity' | 'action'> & Partial<Change>): Change {
  return {
    state: 'planned',
    externalId: null,
    targetId: null,
    name: null,
    before: null,
    after: null,
    inverse: null,
    reason: null,
    problem: null,
    reviewId: null,
    ...given,
  }
}

/** The members of `before` and `after` that differ, or null when none do. Values are compared as JSON. */
export function difference(before: Fields, after: Fields): { before: Fields; after: Fields } | null {
  const changedBefore: Record<string, unknown> = {}
  const changedAfter: Record<string, unknown> = {}
  let differs = false
  for (const field of Object.keys(after)) {
    const [was, is] = [before[field], after[field]]
    if (was === is || JSON.stringify(was) === JSON.stringify(is)) continue
    changedBefore[field] = was
    changedAfter[field] = is
    differs = true
  }
  return differs ? { before: changedBefore, after: changedAfter } : null
}
