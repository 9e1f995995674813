/**
 * Questions about members that a person has to decide: which are open, which are new, and which were answered before.
 * Pure. The record of them is reviews.ts.
 */
import { foldName } from '../../directory/names.ts'
import type { WantedUser } from './mapping.ts'
import type { Candidate, ReviewReason } from './matching.ts'

export interface Question {
  /** The member as WeCom shows them now. */
  readonly wanted: WantedUser
  readonly reason: ReviewReason
  readonly candidates: readonly Candidate[]
}

/** The member has a link here, and it is not sure that its user is who has the userid now. */
export function isAboutHolder({ wanted, candidates }: Question): boolean {
  return candidates.some(({ matchedOn, userid }) => matchedOn === 'userid' && isKey(userid, wanted.key))
}

function isKey(userid: string | null, key: string): boolean {
  return userid !== null && foldName(userid) === key
}

/**
 * Whether it stands in question that this user is who has the userid: it was asked and not answered, or a person left it
 * for just whom WeCom shows now. Only the account's own name, which would have kept it from being asked, is an answer of
 * WeCom's: a number or an address that is not seen here is no less in doubt for it.
 * @param shownName undefined when nothing is shown
 * @param record of the member, newest first
 */
export function isHolderInQuestion(
  { userId, displayName }: { readonly userId: string; readonly displayName: string },
  shownName: string | undefined,
  record: readonly AskedBefore[],
): boolean {
  if (shownName === displayName) return false
  const [last] = record
  const isOf = (asked: AskedBefore | undefined) =>
    asked?.candidates.some((candidate) => candidate.matchedOn === 'userid' && candidate.userId === userId) === true
  if (isOf(record.find(({ state }) => state === 'open'))) return true
  return last?.state === 'ignored' && isOf(last) && (shownName === undefined || shownName === last.memberName)
}

/** What is on record about a member. */
export interface AskedBefore {
  readonly id: string
  readonly state: string
  readonly reason: string
  readonly memberName: string
  readonly candidates: readonly Candidate[]
}

export type Standing =
  | { readonly kind: 'new' }
  | { readonly kind: 'open'; readonly id: string }
  /** Somebody said to leave it, and what it is about has not changed. */
  | { readonly kind: 'ignored'; readonly id: string }

/** @param record of this member, newest first */
export function standingOf(question: Question, record: readonly AskedBefore[]): Standing {
  const open = record.find(({ state }) => state === 'open')
  if (open !== undefined) return { kind: 'open', id: open.id }
  const [last] = record
  return last?.state === 'ignored' && isSameQuestion(question, last)
    ? { kind: 'ignored', id: last.id }
    : { kind: 'new' }
}

/** Other candidates, or a member of another name, are another question. */
function isSameQuestion(question: Question, before: AskedBefore): boolean {
  const text = (candidates: readonly Candidate[]) =>
    candidates
      .map(({ userId, matchedOn }) => `${userId} ${matchedOn}`)
      .sort()
      .join()
  return (
    question.reason === before.reason &&
    memberName(question) === before.memberName &&
    text(question.candidates) === text(before.candidates)
  )
}

export function memberName({ wanted }: Pick<Question, 'wanted'>): string {
  return wanted.displayName ?? wanted.userid
}
