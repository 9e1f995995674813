/**
 * Questions about members that a person has to decide: which are open, which are new, and which were answered before.
 * Pure. The record of them is reviews.ts.
 */
import type { WantedUser } from './mapping.ts'
import type { Candidate, ReviewReason } from './matching.ts'

export interface Question {
  /** The member as WeCom shows them now. */
  readonly wanted: WantedUser
  readonly reason: ReviewReason
  readonly candidates: readonly Candidate[]
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
