/**
 * Carries out what a person decided about a member: link to a user, create one, or leave it. At once, from what WeCom
 * showed when the newest run asked, through the same plan as a run; the next run compares the member again. WeCom is not
 * called: a decision does not depend on its being reachable.
 */
import type { MappingEntry } from '@muster/contracts'
import type { Audit, AuditEntry } from '../audit/audit.ts'
import { isUniqueViolation, type Database, type Row, type Transaction } from '../database/database.ts'
import * as comparison from '../directory/comparison.ts'
import { foldName } from '../directory/names.ts'
import { refuseUnlessOwner, type Requester } from '../directory/owners.ts'
import { signOutWithoutDoor } from '../directory/sign-out.ts'
import { noteMissingMembers, removeLink, writeUsers, type UserWrite } from '../directory/writes.ts'
import { AppError } from '../errors.ts'
import type { NewId } from '../ids.ts'
import { addressOfOne, contextOfOne, toBeCompared } from './one-person.ts'
import type { AddressVerdict } from './plan/addresses.ts'
import type { Change, Step } from './plan/changes.ts'
import type { Identity } from './plan/matching.ts'
import { planPerson, type KnownUser, type PeopleContext } from './plan/people.ts'
import { planDeparture } from './plan/removals.ts'
import type { EmailRule } from './plan/rules.ts'
import { compile } from './compiled-mapping.ts'
import { closeReview, loadReview, lockOpenReview, type Review } from './reviews.ts'

export type Decision =
  | { readonly action: 'link'; readonly userId: string }
  | { readonly action: 'create' }
  | { readonly action: 'ignore' }

/** The settings of a connection that count here. */
export interface DecisionSettings {
  readonly onlyHereUsers: 'ignore' | 'disable' | 'delete'
  readonly syntheticEmailDomain: string
  readonly mapping: readonly MappingEntry[]
}

type Policy = Omit<DecisionSettings, 'mapping'> & { readonly emails: readonly EmailRule[] }

export type Decisions = ReturnType<typeof createDecisions>

export function createDecisions({
  database,
  audit,
  newId,
  now,
  settingsOf,
}: {
  database: Database
  audit: Audit
  newId: NewId
  now: () => number
  settingsOf: (connectionId: string) => Promise<DecisionSettings>
}) {
  return {
    /**
     * @throws AppError `reviews/not-found`, `reviews/resolved`, `reviews/changed`, `users/not-found`, `users/deleted`,
     * `links/taken`, `auth/forbidden`, and `directory/email-taken`, `directory/username-taken` or `sync/name-unusable`
     * when the user cannot be made as WeCom shows the member
     */
    async resolve(by: Requester, id: string, decision: Decision): Promise<Review> {
      const { connectionId } = await loadReview(database, id)
      const { mapping, ...given } = await settingsOf(connectionId)
      const settings: Policy = { ...given, emails: (await compile(mapping)).emails }
      try {
        return await database.inTransaction(async (tx) => {
          const scene = await lockScene(tx, id, decision, settings)
          const outcome = await carryOut(tx, by, scene, decision)
          await closeReview(tx, id, {
            state: STATES[decision.action],
            user_id: outcome.userId,
            former_user_id: outcome.formerUserId,
            resolved_by: by.actor.name ?? by.actor.kind,
            resolved_at: now(),
          })
          await audit.record(tx, by.actor, [
            entry(`review.${decision.action}`, scene.review, { kind: 'review', id }, outcome),
            ...outcome.changes.map(({ entity, action, targetId }) =>
              entry(`${entity}.${action}`, scene.review, { kind: entity, id: targetId! }, { reviewId: id }),
            ),
          ])
          return loadReview(tx, id)
        })
      } catch (error) {
        throw isUniqueViolation(error) ? new AppError('reviews/changed', { cause: error }) : error
      }
    },
  }

  /** Users first, then the review: runs take them in this order, too. */
  async function lockScene(tx: Transaction, id: string, decision: Decision, settings: Policy): Promise<Scene> {
    const before = await loadReview(tx, id)
    const link = await comparison.memberLink(tx, before, before.member.key)
    const ids = [link?.user_id, decision.action === 'link' ? decision.userId : undefined].filter(
      (one) => one !== undefined,
    )
    const known = await comparison.knownUsers(tx, before, ids)
    const review = await lockOpenReview(tx, id)
    const current = await comparison.memberLink(tx, review, review.member.key)
    if (current?.user_id !== link?.user_id) throw new AppError('reviews/changed')
    return { review, known, link: current ?? null, settings }
  }

  async function carryOut(tx: Transaction, by: Requester, scene: Scene, decision: Decision): Promise<Outcome> {
    const { known, link } = scene
    if (decision.action === 'ignore') return { userId: link?.user_id ?? null, formerUserId: null, changes: [] }

    const target = decision.action === 'link' ? targetOf(by, scene, decision.userId) : undefined
    const holder = link === null ? undefined : known.get(link.user_id)
    const former = holder?.user.id === target?.user.id ? undefined : holder
    if (former !== undefined) refuseUnlessOwner(by, former.user)
    const context = await contextOf(tx, scene, former)
    // First, because it frees the address; a deleted user has none to free and keeps nothing but the link.
    const departure =
      former === undefined || former.user.status === 'deleted'
        ? []
        : [planDeparture(former, context.policyForLeaver(former.user.id), context.now)]
    await writeUsers(
      tx,
      scene.review.connectionId,
      departure.flatMap(({ write }) => write ?? []),
    )
    const steps =
      target === undefined
        ? await planNew(tx, scene, context)
        : await planLink(tx, scene, target, former !== undefined, context)
    await writeUsers(
      tx,
      scene.review.connectionId,
      // What was shown may be older than the decision, so the next run looks again.
      steps.flatMap(({ write }) => (write === null ? [] : [toBeCompared(write, 'admin')])),
    )
    // Only now has the link gone to the other.
    if (former !== undefined && former.user.status !== 'deleted')
      await signOutWithoutDoor(tx, [former.user.id], context.now)
    if (target?.link != null) await noteMissingMembers(tx, [{ id: target.link.id, missing_since: null }])
    const changes = [...departure, ...steps].flatMap((step) => step.changes).filter(({ state }) => state === 'planned')
    const userId = target?.user.id ?? changes.find(({ action }) => action === 'create')!.targetId
    return { userId, formerUserId: former?.user.id ?? null, changes }
  }

  async function contextOf(
    tx: Transaction,
    { review, settings }: Scene,
    former: KnownUser | undefined,
  ): Promise<PeopleContext> {
    const elsewhere = former && (await comparison.linkedElsewhere(tx, review, [former.user.id])).size > 0
    return contextOfOne(tx, review, review.member, {
      isExpectedDepartment: () => false,
      // Losing access is for the next run, which asks the guard.
      permissionToDisable: () => ({ kind: 'skip', reason: 'left-to-the-next-run' }),
      policyForLeaver: () => (elsewhere === true ? 'ignore' : settings.onlyHereUsers),
      isDecided: true,
      now: now(),
      newId,
    })
  }

  async function planNew(tx: Transaction, { review, link, settings }: Scene, context: PeopleContext) {
    const username = context.freeUsername(review.member.username ?? review.userid, review.member.key)
    if (username === undefined) throw new AppError('directory/username-taken')
    const identity: Identity = { kind: 'new', userId: newId('usr'), username }
    const address = await addressOfOne(tx, review, review.member, identity, settings)
    const steps = stepsOf({ wanted: review.member, identity, address, known: undefined }, context)
    return link === null ? steps : steps.map((step) => handOver(step, link))
  }

  async function planLink(
    tx: Transaction,
    { review, link, settings }: Scene,
    target: KnownUser,
    isTakenFromAnother: boolean,
    context: PeopleContext,
  ) {
    const userId = target.user.id
    const isMoved = target.link !== null && target.link.id !== link?.id
    if (isMoved && link !== null) await removeLink(tx, link.id)
    const identity: Identity =
      target.link === null
        ? { kind: 'matched', userId }
        : isMoved
          ? { kind: 'renamed', userId, linkId: target.link.id, from: target.link.userid, candidates: [] }
          : { kind: 'linked', userId, linkId: target.link.id }
    const wanted = await addressOfOne(tx, review, review.member, identity, settings)
    // Somebody else's address does not stand in the way of a link; the next run says that it is taken.
    const address: AddressVerdict = wanted.kind === 'taken' ? { kind: 'keep' } : wanted
    const steps = stepsOf({ wanted: review.member, identity, address, known: target }, context)
    return isTakenFromAnother && !isMoved ? steps.map((step) => handOver(step, link!)) : steps
  }
}

const STATES = { link: 'linked', create: 'created', ignore: 'ignored' } as const

/** Everything that a decision is about, locked. */
interface Scene {
  readonly review: Review
  readonly known: ReadonlyMap<string, KnownUser>
  /** The link of the member, if there is one. */
  readonly link: Row<'links'> | null
  readonly settings: Policy
}

interface Outcome {
  readonly userId: string | null
  readonly formerUserId: string | null
  readonly changes: readonly Change[]
}

/** A deleted user only comes back as the member whose userid they had; somebody else's link only moves if it was shown. */
function targetOf(by: Requester, { review, known, link }: Scene, userId: string): KnownUser {
  const target = known.get(userId)
  if (target?.user.organization_id !== review.organizationId) throw new AppError('users/not-found')
  const { user } = target
  if (user.status === 'deleted' && (link?.user_id !== userId || user.deleted_by !== 'source')) {
    throw new AppError('users/deleted')
  }
  refuseUnlessOwner(by, user)
  const { link: other } = target
  const isShown = review.candidates.some(
    ({ userId: id, userid }) => id === userId && userid !== null && foldName(userid) === other?.userid_key,
  )
  if (other !== null && other.id !== link?.id && !isShown) throw new AppError('links/taken')
  return target
}

/** The one person's plan, or its problem as a refusal. */
function stepsOf(person: Parameters<typeof planPerson>[0], context: PeopleContext): readonly Step<UserWrite>[] {
  const plan = planPerson(person, context)
  if (plan.kind === 'unchanged') return []
  if (plan.kind !== 'steps') throw new AppError('reviews/changed')
  const problem = plan.steps.flatMap(({ changes }) => changes).find(({ state }) => state === 'failed')?.problem
  if (problem != null) throw new AppError(problem.code, problem.detail === undefined ? {} : { detail: problem.detail })
  return plan.steps
}

/** Instead of a new link, the one that the userid has goes over to the user. */
function handOver(step: Step<UserWrite>, link: Row<'links'>): Step<UserWrite> {
  const { write } = step
  if (write?.link == null || !('create' in write.link)) return step
  return { ...step, write: { ...write, link: { update: { ...write.link.create, id: link.id } } } }
}

function entry(
  action: string,
  { organizationId, connectionId }: Review,
  target: { kind: string; id: string },
  details: { readonly reviewId: string } | Outcome,
): AuditEntry {
  const facts = 'changes' in details ? { userId: details.userId, formerUserId: details.formerUserId } : details
  return { action, organizationId, target: { ...target, name: null }, details: { connectionId, ...facts } }
}
