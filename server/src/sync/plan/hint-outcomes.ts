/**
 * What becomes of a hint: done with, to be given again, or failed, from what WeCom said and what the run made of it. Pure.
 * Called by hint-work.ts.
 */
import { foldName } from '../../directory/names.ts'
import { AppError, type Problem } from '../../errors.ts'
import type { DepartmentHint, Hint, HintOutcome, MemberHint } from '../hints.ts'
import type { RecordedChange } from '../history.ts'
import type { Snapshot } from '../read/snapshot.ts'
import type { KnownLinks } from './matching.ts'

/** How long a rename waits for the one before it, which may come later. */
const RENAME_WAIT_MS = 5_000

/** How long WeCom may go on showing what it said is deleted, before the deletion counts as taken back. */
const DELETION_WAIT_MS = 5_000

/** What a run that read before the deletion might bring back is looked at again after it. */
const FULL_RUN_WAIT_MS = 15_000

export const AGAIN_MS = 1_000

/** Whoever changes every time that they are looked at is the next full run's. */
const MOST_TRIES = 6

/** What WeCom said about everything that the hints name, as far as it decides what becomes of them. */
export interface HeardOfHints {
  readonly snapshot: Pick<Snapshot, 'wasSeen' | 'departments'>
  /** By folded userid. */
  readonly links: Pick<KnownLinks, 'has'>
  /** Whether a full run is under way that may have read before. */
  readonly isRunActive: boolean
  /** Folded userids of renames that another one may explain. */
  readonly waiting: ReadonlySet<string>
  /** About whom nothing could be found out, by folded userid or `departmentKey`. */
  readonly unanswered: ReadonlyMap<string, Problem>
}

/** How the run ended that worked off the hint. */
export interface HintsEnded {
  readonly leftOut: ReadonlySet<string>
  readonly changes: readonly RecordedChange[]
  /** Null when the run left no trace. */
  readonly runId: string | null
  /** Where removals of this run wait. */
  readonly heldRunId: string | null
}

export function outcomeOf(hint: Hint, heard: HeardOfHints, ended: HintsEnded): HintOutcome {
  const isDepartment = hint.kind === 'department'
  const keys = isDepartment ? [String(hint.id)] : useridsOf(hint).map(foldName)
  const { key } = hint
  if (keys.some((one) => heard.waiting.has(one))) return { key, kind: 'later', afterMs: RENAME_WAIT_MS }
  const problem = (isDepartment ? [departmentKey(hint.id)] : keys).flatMap((one) => heard.unanswered.get(one) ?? [])[0]
  if (problem !== undefined) return { key, kind: 'failed', problem, runId: null }

  const changes = ended.changes.filter(
    ({ entity, externalId }) => (entity === 'department') === isDepartment && keys.includes(foldName(externalId ?? '')),
  )
  const failure = changes.find(({ state }) => state === 'failed')
  if (failure?.problem) return { key, kind: 'failed', problem: failure.problem, runId: ended.runId }
  if (keys.some((one) => ended.leftOut.has(one))) return tryAgain(hint)
  const held = changes.some(({ state }) => state === 'held')
  const isChanged = changes.some(({ state }) => state === 'applied')
  const applied = { key, kind: 'applied', runId: held ? ended.heldRunId : isChanged ? ended.runId : null } as const
  if (hint.isDelete && hint.attempt === 1 && applied.runId === null && isShown(hint, heard)) {
    return { key, kind: 'later', afterMs: DELETION_WAIT_MS }
  }
  return isDepartment ? outcomeOfDepartment(hint, heard, applied) : outcomeOfMember(hint, heard, applied)
}

function isShown(hint: Hint, { snapshot }: HeardOfHints): boolean {
  return hint.kind === 'department'
    ? snapshot.departments.some(({ id }) => id === hint.id)
    : useridsOf(hint).map(foldName).some(snapshot.wasSeen)
}

function outcomeOfMember(hint: MemberHint, heard: HeardOfHints, applied: HintOutcome): HintOutcome {
  const { key, isDelete, userid } = hint
  const { links, isRunActive } = heard
  if (isShown(hint, heard)) return applied
  if (!isDelete) return { key, kind: 'ignored', note: 'out-of-scope' }
  // The run under way may have seen them before they left, and is about to make them somebody here.
  if (!links.has(foldName(userid)) && isRunActive) return { key, kind: 'later', afterMs: FULL_RUN_WAIT_MS }
  return applied
}

function outcomeOfDepartment(hint: DepartmentHint, heard: HeardOfHints, applied: HintOutcome): HintOutcome {
  const { key, isDelete } = hint
  if (isShown(hint, heard)) return applied
  if (!isDelete) return { key, kind: 'ignored', note: 'out-of-scope' }
  // As above: with its list of departments it would be made again.
  return heard.isRunActive ? { key, kind: 'later', afterMs: FULL_RUN_WAIT_MS } : applied
}

function tryAgain({ key, attempt }: Hint): HintOutcome {
  if (attempt < MOST_TRIES) return { key, kind: 'later', afterMs: AGAIN_MS * attempt }
  const detail = {
    en: 'Somebody else changed it every time that it was looked at; the next full run compares it.',
    zh: '每次读取时都有其他操作同时在更改；将由下次完整同步处理。',
  }
  return { key, kind: 'failed', problem: new AppError('sync/write-failed', { detail }).problem, runId: null }
}

/** All that a hint is about. */
export function useridsOf({ userid, newUserid }: MemberHint): string[] {
  return newUserid === undefined ? [userid] : [userid, newUserid]
}

/** Beside folded userids, which have no spaces. */
export function departmentKey(id: number): string {
  return `department ${id}`
}
