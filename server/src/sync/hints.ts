/**
 * What events say about the directory: hints. Whatever they name is read again, by name, and goes through the plan, guard
 * and apply of a run. Events only say where to look, so it makes no difference in which order or how often they come.
 */
import type { Problem } from '../errors.ts'

/** Somebody or something of whom WeCom said that it has changed. */
export type Hint = MemberHint | DepartmentHint

export interface MemberHint {
  /** Names what it is about; comes back with the outcome. Hints of one call have different keys. */
  readonly key: string
  readonly kind: 'user'
  readonly userid: string
  /** Under which userid the same person is known from now on. */
  readonly newUserid?: string
  /** WeCom said that the member is gone. Without these words nobody is removed. */
  readonly isDelete: boolean
  /** From 1, how often this hint was given to us. */
  readonly attempt: number
}

export interface DepartmentHint {
  readonly key: string
  readonly kind: 'department'
  readonly id: number
  readonly isDelete: boolean
  readonly attempt: number
}

/** What became of a hint. */
export type HintOutcome = { readonly key: string } & HintVerdict

export type HintVerdict =
  | {
      /** The directory is in line with WeCom; `runId` is the run that changed or holds something, null when nothing was to do. */
      readonly kind: 'applied'
      readonly runId: string | null
    }
  | { readonly kind: 'ignored'; readonly note: HintNote }
  /** To be given again then: another hint that is not here yet may say more. */
  | { readonly kind: 'later'; readonly afterMs: number }
  | { readonly kind: 'failed'; readonly problem: Problem; readonly runId: string | null }

export type HintNote = 'sync-off' | 'real-time-off' | 'out-of-scope'

/**
 * Works off the hints about one company of a connection. Never rejects for what WeCom says: that is in the outcomes, one
 * for each hint. Calls for the same company follow each other.
 */
export type ApplyHints = (connectionId: string, corpId: string, hints: readonly Hint[]) => Promise<HintOutcome[]>
