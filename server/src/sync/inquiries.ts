/**
 * The questions that one run puts to a person: which of them it writes down, and which it closes at its end because nobody
 * needs to answer them any more. Called by reconcile.ts and people-batch.ts.
 */
import type { Database, Transaction } from '../database/database.ts'
import * as comparison from '../directory/comparison.ts'
import { foldName } from '../directory/names.ts'
import type { UserWrite } from '../directory/writes.ts'
import type { NewId } from '../ids.ts'
import type { Step } from './plan/changes.ts'
import type { KnownLinks } from './plan/matching.ts'
import type { Person, PersonPlan } from './plan/people.ts'
import { standingOf } from './plan/questions.ts'
import type { Snapshot } from './read/snapshot.ts'
import { closeOutdated, openReviews, recordOf, type Asked } from './reviews.ts'
import type { RunUpdate } from './runs.ts'

export interface InquiryOptions {
  readonly connectionId: string
  readonly corpId: string
  readonly isPreview: boolean
  readonly links: KnownLinks
  readonly fence: (tx: Transaction, update: RunUpdate) => Promise<void>
}

type Inquired = Pick<Person, 'wanted' | 'identity'>

/** Questions of one run. */
export interface Questions {
  /** Ids of what was open before, by folded userid. */
  readonly open: ReadonlyMap<string, string>
  /** Folded userids of those who wait for a person. */
  readonly asked: Set<string>
  /** Folded userids of those who could not be looked at. */
  readonly unsettled: Set<string>
}

export async function openQuestions(database: Database, options: InquiryOptions): Promise<Questions> {
  return { open: await openReviews(database, options), asked: new Set(), unsettled: new Set() }
}

/** Puts the questions among the plans, unless they were answered, by an earlier decision or since this run began. */
export async function inquire(
  tx: Transaction,
  people: readonly Inquired[],
  plans: readonly PersonPlan[],
  { questions, newId }: { readonly questions: Questions; readonly newId: NewId },
  options: InquiryOptions,
): Promise<{ asked: Asked[]; stepsOf: (index: number) => Step<UserWrite>[]; leftOut: number }> {
  const asked: Asked[] = []
  const steps = new Map<number, Step<UserWrite>>()
  const doubts = plans.flatMap((plan, index) => (plan.kind === 'question' ? [{ ...plan, index }] : []))
  if (questions.open.size > 0) plans.forEach((plan, index) => noteUnsettled(plan, people[index]!, questions))
  if (doubts.length === 0) return { asked, stepsOf: () => [], leftOut: 0 }

  const keys = doubts.map(({ question }) => question.wanted.key)
  const record = await recordOf(tx, options, keys)
  const linked = await comparison.linkedMembers(tx, options, keys)
  for (const { question, change: skipped, index } of doubts) {
    const { key } = question.wanted
    const standing = standingOf(question, record.get(key) ?? [])
    const isStillLinked = linked.get(key) === options.links.get(key)?.userId
    const wasAnswered = questions.open.has(key) && standing.kind === 'new'
    if (!isStillLinked || wasAnswered) continue
    if (standing.kind === 'ignored') {
      steps.set(index, { changes: [{ ...skipped, reason: 'ignored', reviewId: standing.id }], write: null })
      continue
    }
    const id = standing.kind === 'open' ? standing.id : newId('rev')
    const isNew = standing.kind === 'new'
    asked.push({ id, isNew, question })
    questions.asked.add(key)
    const reviewId = options.isPreview && isNew ? null : id
    steps.set(index, { changes: [{ ...skipped, reviewId }], write: null })
  }
  const stepsOf = (index: number) => (steps.has(index) ? [steps.get(index)!] : [])
  return { asked, stepsOf, leftOut: doubts.length - steps.size }
}

/** Whoever failed, or changed since they were looked at, may still be the same question in the next run. */
function noteUnsettled(plan: PersonPlan, { wanted, identity }: Inquired, { unsettled }: Questions): void {
  const isFailed =
    plan.kind === 'steps' && plan.steps.some(({ changes }) => changes.some(({ state }) => state === 'failed'))
  if (isFailed || (plan.kind === 'left-out' && identity.kind !== 'skipped')) unsettled.add(wanted.key)
}

/** What is not a question any more is closed: the member left, or it became clear who they are. */
export async function closeQuestions(
  { database, now }: { readonly database: Database; readonly now: () => number },
  snapshot: Snapshot,
  { open, asked, unsettled }: Questions,
  options: InquiryOptions,
): Promise<void> {
  const unusable = new Set(snapshot.rejected.flatMap(({ userid }) => (userid === undefined ? [] : [foldName(userid)])))
  const outdated = [...open].filter(([key]) => !asked.has(key) && !unsettled.has(key) && !unusable.has(key))
  if (outdated.length === 0) return
  await database.inTransaction(async (tx) => {
    await options.fence(tx, {})
    await closeOutdated(
      tx,
      outdated.map(([, id]) => id),
      now(),
    )
  })
}
