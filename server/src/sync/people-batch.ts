/**
 * Some people, looked at and written in one transaction: what happens to each is decided there, on what the directory
 * says at that moment, and whoever another run or a sign-in has written meanwhile is left alone. Called by reconcile.ts.
 */
import { SYSTEM, type Audit } from '../audit/audit.ts'
import type { Row, Transaction } from '../database/database.ts'
import * as comparison from '../directory/comparison.ts'
import { noteAskedMembers, settleLinks, writeUsers, type UserWrite } from '../directory/writes.ts'
import { foldName } from '../directory/names.ts'
import type { NewId } from '../ids.ts'
import type { Batch } from './apply.ts'
import { existingUserId } from './identification.ts'
import { inquire, type Questions } from './inquiries.ts'
import type { Step } from './plan/changes.ts'
import { chooseUsername, usernameCandidates } from './plan/matching.ts'
import { planPerson, type PeopleContext, type Person, type PersonPlan } from './plan/people.ts'
import type { ReconcileOptions } from './reconcile.ts'
import { writeQuestions, type Asked } from './reviews.ts'
import type { Snapshot } from './read/snapshot.ts'

export type Candidate = Pick<Person, 'wanted' | 'identity' | 'address'>

/** What all slices of people have in common. */
export interface Scene {
  readonly snapshot: Snapshot
  readonly questions: Questions
  /** People who got a number only when they were written. */
  readonly numberedLater: Set<string>
  readonly context: Omit<PeopleContext, 'policyForLeaver' | 'freeUsername'>
  readonly newId: NewId
  readonly audit: Audit
}

/** Some people, looked at and written in one transaction. */
export function peopleBatch(people: readonly Candidate[], scene: Scene, options: ReconcileOptions): Batch<UserWrite> {
  const { hinted } = options
  let settled: { id: string; source_hash: string | null }[] = []
  let asked: Asked[] = []
  let lookedAt: string[] = []
  return {
    async decide(tx) {
      settled = []
      asked = []
      lookedAt = []
      if (await wasLinkedMeanwhile(tx, people, options)) {
        hinted?.onLeftOut(people[0]!.wanted.key)
        return { steps: [], unchanged: 0, leftOut: 1 }
      }
      // Also of whom a question is about: nobody comes in through a link while it is being asked.
      const ids = people.flatMap(
        ({ identity, wanted }) => existingUserId(identity) ?? options.links.get(wanted.key)?.userId ?? [],
      )
      const known = await comparison.knownUsers(tx, options, ids)
      const knownOf = ({ identity }: Candidate) => known.get(existingUserId(identity) ?? '')
      const context = { ...scene.context, ...(await forReturning(tx, people, known, scene, options)) }
      const plans = people.map((person): PersonPlan => {
        const here = knownOf(person)
        return isOvertaken(person, here, options)
          ? { kind: 'left-out' }
          : planPerson({ ...person, known: here }, context)
      })
      const signedIn = await linkedMeanwhile(tx, people, options)
      const inquiry = await inquire(tx, people, plans, scene, options)
      const steps: Step<UserWrite>[] = []
      let unchanged = 0
      let leftOut = inquiry.leftOut
      asked = inquiry.asked
      for (const [index, plan] of plans.entries()) {
        const person = people[index]!
        const { key } = person.wanted
        const link = knownOf(person)?.link
        if (link && wasAskedSince(link, options) && isOvertaken(person, knownOf(person), options)) {
          // The next run compares them again.
          settled.push({ id: link.id, source_hash: null })
          unchanged++
          continue
        }
        if (signedIn.has(key) || isLeftToPerson(person, plan, scene, options)) leftOut++
        else if (plan.kind === 'steps') steps.push(...plan.steps)
        else if (plan.kind === 'left-out') leftOut++
        else if (plan.kind === 'question') steps.push(...inquiry.stepsOf(index))
        else if (!options.earlier.users.has(key)) unchanged++
        if (plan.kind === 'unchanged' && plan.settled !== null) settled.push(plan.settled)
        if (plan.kind === 'steps' || plan.kind === 'unchanged') lookedAt.push(key)
        else if (plan.kind === 'left-out' && person.identity.kind !== 'skipped') hinted?.onLeftOut(key)
      }
      return { steps, unchanged, leftOut }
    },
    async write(tx, writes) {
      await writeUsers(tx, options.connectionId, writes)
      await settleLinks(tx, settled)
      if (hinted !== undefined) await noteAskedMembers(tx, options, lookedAt, hinted.askedAt)
      await scene.audit.record(tx, SYSTEM, await writeQuestions(tx, options, asked, scene.context.now))
    },
    parts: () => (people.length < 2 ? [] : people.map((person) => peopleBatch([person], scene, options))),
  }
}

/** Whether WeCom was asked for this member by name after this reading began: then it said something newer. */
export function wasAskedSince({ asked_at }: Row<'links'>, { readSince = Infinity }: ReconcileOptions): boolean {
  return (asked_at ?? -1) >= readSince
}

/** Whether somebody wrote this member since the links were read, or may have heard more about them. */
function isOvertaken(
  { wanted, identity }: Candidate,
  known: { readonly link: Row<'links'> | null } | undefined,
  options: ReconcileOptions,
): boolean {
  const link = known?.link
  if (link == null) return false
  if (options.hinted === undefined) return wasAskedSince(link, options) && link.source_hash !== wanted.hash
  const before = options.links.get(identity.kind === 'renamed' ? foldName(identity.from) : wanted.key)
  return before === undefined || before.id !== link.id || before.hash !== link.source_hash
}

/** In a run of events, somebody without a link about whom there is a question: who looks at a few decides nothing else. */
function isLeftToPerson(
  { wanted }: Candidate,
  plan: PersonPlan,
  { questions }: Scene,
  { hinted, links }: ReconcileOptions,
): boolean {
  return hinted !== undefined && plan.kind === 'steps' && questions.open.has(wanted.key) && !links.has(wanted.key)
}

/** Whoever was refused together with others is tried alone; if somebody linked them meanwhile, the next run sees it. */
async function wasLinkedMeanwhile(
  tx: Transaction,
  [person, ...others]: readonly Candidate[],
  options: ReconcileOptions,
): Promise<boolean> {
  if (person === undefined || others.length > 0 || options.links.has(person.wanted.key)) return false
  return (await comparison.linkedMembers(tx, options, [person.wanted.key])).size > 0
}

/**
 * Of those whose address somebody has: who has it themselves by now, because they signed in for the first time while the
 * run was reading.
 */
async function linkedMeanwhile(
  tx: Transaction,
  people: readonly Candidate[],
  options: ReconcileOptions,
): Promise<ReadonlyMap<string, string>> {
  const keys = people.flatMap(({ wanted, address }) =>
    address.kind === 'taken' && !options.links.has(wanted.key) ? [wanted.key] : [],
  )
  return keys.length === 0 ? new Map() : comparison.linkedMembers(tx, options, keys)
}

type KnownUsers = Awaited<ReturnType<typeof comparison.knownUsers>>

/** What has to be known only where somebody returns whose username, or whose userid, may be somebody else's by now. */
async function forReturning(
  tx: Transaction,
  people: readonly Candidate[],
  known: KnownUsers,
  { snapshot, numberedLater }: Scene,
  { organizationId, connectionId, corpId, policy }: ReconcileOptions,
): Promise<Pick<PeopleContext, 'policyForLeaver' | 'freeUsername'>> {
  const returning = people.flatMap(({ identity, wanted }) => {
    const user = known.get(existingUserId(identity) ?? '')?.user
    return user?.status === 'deleted' ? [user.username, wanted.username ?? wanted.userid] : []
  })
  const succeeded = people.flatMap(({ identity }) => (identity.kind === 'successor' ? [identity.of] : []))
  const elsewhere = await comparison.linkedElsewhere(tx, { connectionId, corpId }, succeeded)
  const names = returning.flatMap((name) => [name, ...usernameCandidates(name)]).map(foldName)
  const taken = await comparison.takenUsernames(tx, organizationId, names)
  const given = new Set<string>()
  return {
    policyForLeaver: (userId) => (elsewhere.has(userId) ? 'ignore' : policy.onlyHereUsers),
    freeUsername(username, member) {
      const key = foldName(username)
      const isSomebodys = (name: string) => name !== member && snapshot.wasSeen(name)
      if (!taken.has(key) && !given.has(key) && !(member !== undefined && isSomebodys(key))) {
        given.add(key)
        return username
      }
      numberedLater.add(key)
      return chooseUsername(username, (name) => taken.has(name) || isSomebodys(name), given)
    },
  }
}
