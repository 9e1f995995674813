/**
 * Makes the directory agree with one snapshot: plan, then apply, in slices. The decisions are in matching.ts and
 * plan-*.ts; this file asks the directory what they need to know and carries out what they say. Called by sync.ts.
 */
import type { Audit } from '../audit/audit.ts'
import type { Database, Transaction } from '../database/database.ts'
import * as comparison from '../directory/comparison.ts'
import { settleLinks, writeDepartments, writeUsers, type UserWrite } from '../directory/writes.ts'
import { foldName, storable } from '../directory/names.ts'
import type { NewId } from '../ids.ts'
import { applyBatch, batchOf, SLICE, type ApplyOptions, type Batch } from './apply.ts'
import { change, type Step } from './changes.ts'
import type { WantedUser } from './mapping.ts'
import {
  matchPeople,
  numberedAddresses,
  settleAddresses,
  usernameCandidates,
  wishedAddresses,
  type Address,
  type AddressVerdict,
  type Identity,
  type KnownLink,
} from './matching.ts'
import { planDepartments, type DepartmentPlan } from './plan-departments.ts'
import { planPerson, type PeopleContext, type Person } from './plan-people.ts'
import type { RunCounts, RunUpdate, Warning } from './runs.ts'
import type { Snapshot } from './snapshot.ts'

export interface ReconcileOptions {
  readonly runId: string
  readonly organizationId: string
  readonly connectionId: string
  readonly corpId: string
  readonly isPreview: boolean
  /** Whether the snapshot covers everything the credential may see. */
  readonly isComplete: boolean
  readonly policy: {
    readonly bindByUsername: boolean
    readonly onlyWecomUsers: 'create' | 'ignore'
    readonly onlyWecomDepartments: 'create' | 'ignore'
    readonly syntheticEmailDomain: string
  }
  readonly links: ReadonlyMap<string, KnownLink>
  readonly signal: AbortSignal
  readonly fence: (tx: Transaction, update: RunUpdate) => Promise<void>
  readonly onProgress: (done: number, total: number) => void
}

export interface ReconcileResult {
  readonly counts: RunCounts
  readonly warnings: readonly Warning[]
}

export async function reconcile(
  parts: { database: Database; audit: Audit; newId: NewId; now: () => number },
  snapshot: Snapshot,
  options: ReconcileOptions,
  counts: RunCounts,
): Promise<ReconcileResult> {
  const warnings: Warning[] = []
  const apply: ApplyOptions = { ...options, counts, position: 0 }
  counts.membersRead = snapshot.membersRead
  counts.departmentsRead = snapshot.departments.length
  counts.users.unchanged += snapshot.unchanged

  const departments = await reconcileDepartments(parts, snapshot, options, apply, warnings)
  await applyBatch(parts, batchOf(rejectedRows(snapshot, options), writeNothing), apply)
  await reconcilePeople(parts, snapshot, departments, options, apply, warnings)
  return { counts, warnings }
}

async function reconcileDepartments(
  { database, audit, newId, now }: { database: Database; audit: Audit; newId: NewId; now: () => number },
  snapshot: Snapshot,
  options: ReconcileOptions,
  apply: ApplyOptions,
  warnings: Warning[],
): Promise<DepartmentPlan> {
  const known = await comparison.sourceDepartments(database, options.connectionId, options.corpId)
  const plan = planDepartments(known, snapshot.departments, {
    organizationId: options.organizationId,
    connectionId: options.connectionId,
    corpId: options.corpId,
    onlyWecom: options.policy.onlyWecomDepartments,
    now: now(),
    newId,
  })
  apply.counts.departments.unchanged += plan.unchanged
  apply.counts.departments.skipped += plan.skipped
  if (plan.inCircles.length > 0) warnings.push(circles(plan.inCircles))
  // One transaction for all of them: a tree that is half moved would show people in the wrong place.
  if (plan.steps.length > 0) await applyBatch({ database, audit }, batchOf(plan.steps, writeDepartments), apply)
  return plan
}

async function reconcilePeople(
  parts: { database: Database; audit: Audit; newId: NewId; now: () => number },
  snapshot: Snapshot,
  departments: DepartmentPlan,
  options: ReconcileOptions,
  apply: ApplyOptions,
  warnings: Warning[],
): Promise<void> {
  const { database, audit, newId, now } = parts
  const people = snapshot.changed
  const identities = await identify(database, people, options, newId)
  const { verdicts, movers } = await addresses(database, people, identities, options)
  const numbered = identities.filter(
    (identity, index) => identity.kind === 'new' && identity.username !== people[index]!.userid,
  ).length
  if (numbered > 0) warnings.push(numberedUsernames(numbered))

  const visible = new Set(snapshot.departments.map(({ id }) => id))
  const context: PeopleContext = {
    organizationId: options.organizationId,
    connectionId: options.connectionId,
    corpId: options.corpId,
    idOf: departments.idOf,
    isExpectedDepartment: (id) => visible.has(id) && options.policy.onlyWecomDepartments === 'create',
    mayRemove: options.isComplete,
    now: now(),
    newId,
  }

  const everybody = people.map((wanted, index) => ({
    wanted,
    identity: identities[index]!,
    address: verdicts[index]!,
  }))
  let done = 0
  for (const slice of slices(everybody, movers)) {
    await applyBatch({ database, audit }, peopleBatch(slice, context, options), apply)
    done += slice.length
    options.onProgress(done, people.length)
  }
}

type Candidate = Pick<Person, 'wanted' | 'identity' | 'address'>

/** Some people, looked at and written in one transaction. */
function peopleBatch(
  people: readonly Candidate[],
  context: PeopleContext,
  options: ReconcileOptions,
): Batch<UserWrite> {
  let settled: { id: string; source_hash: string }[] = []
  return {
    async decide(tx) {
      const ids = people.flatMap(({ identity }) => existingUserId(identity) ?? [])
      const known = await comparison.knownUsers(tx, options, ids)
      const steps: Step<UserWrite>[] = []
      let unchanged = 0
      let leftOut = 0
      settled = []
      for (const person of people) {
        const plan = planPerson({ ...person, known: known.get(existingUserId(person.identity) ?? '') }, context)
        if (plan.kind === 'step') steps.push(plan.step)
        else if (plan.kind === 'left-out') leftOut++
        else unchanged++
        if (plan.kind === 'unchanged' && plan.settled !== null) settled.push(plan.settled)
      }
      return { steps, unchanged, leftOut }
    },
    async write(tx, writes) {
      await writeUsers(tx, options.connectionId, writes)
      await settleLinks(tx, settled)
    },
    parts: () => (people.length < 2 ? [] : people.map((person) => peopleBatch([person], context, options))),
  }
}

/** Rows that cannot be used are only put on record. */
const writeNothing = () => Promise.resolve()

/** Those who exchange addresses go first and together; the rest follows in slices. */
function* slices<T>(all: readonly T[], movers: readonly number[]): Generator<T[]> {
  if (movers.length > 0) yield movers.map((index) => all[index]!)
  const moved = new Set(movers)
  let slice: T[] = []
  for (const [index, item] of all.entries()) {
    if (moved.has(index)) continue
    slice.push(item)
    if (slice.length === SLICE) {
      yield slice
      slice = []
    }
  }
  if (slice.length > 0) yield slice
}

async function identify(
  database: Database,
  people: readonly WantedUser[],
  options: ReconcileOptions,
  newId: NewId,
): Promise<Identity[]> {
  const unlinked = people.filter(({ key }) => !options.links.has(key))
  const namesakes = await comparison.namesakes(
    database,
    options,
    unlinked.map(({ key }) => key),
  )
  const candidates = unlinked
    .filter(({ key }) => namesakes.has(key))
    .flatMap(({ userid }) => usernameCandidates(userid).map(foldName))
  return matchPeople(people, {
    links: options.links,
    namesakes,
    takenUsernames: await comparison.takenUsernames(database, options.organizationId, candidates),
    bindByUsername: options.policy.bindByUsername,
    onlyWecom: options.policy.onlyWecomUsers,
    newId,
  })
}

async function addresses(
  database: Database,
  people: readonly WantedUser[],
  identities: readonly Identity[],
  options: ReconcileOptions,
): Promise<{ verdicts: AddressVerdict[]; movers: number[] }> {
  const { organizationId, policy } = options
  const known = await comparison.addressesOf(
    database,
    identities.flatMap((identity) => existingUserId(identity) ?? []),
  )
  const context = { known, syntheticDomain: policy.syntheticEmailDomain }
  const wishes = wishedAddresses(people, identities, context)
  const owners = await comparison.addressOwners(
    database,
    organizationId,
    wishes.flatMap((wish) => wish?.key ?? []),
  )
  const numbered = contestedSynthetics(wishes, owners).flatMap(numberedAddresses)
  for (const [key, owner] of await comparison.addressOwners(database, organizationId, numbered)) owners.set(key, owner)
  return settleAddresses(people, identities, wishes, { ...context, owners })
}

function contestedSynthetics(wishes: readonly (Address | undefined)[], owners: ReadonlyMap<string, string>): string[] {
  const once = new Set<string>()
  const contested = new Set<string>()
  for (const wish of wishes) {
    if (wish === undefined) continue
    if (wish.source === 'synthetic' && (owners.has(wish.key) || once.has(wish.key))) contested.add(wish.key)
    once.add(wish.key)
  }
  return [...contested]
}

function existingUserId(identity: Identity): string | undefined {
  return identity.kind === 'linked' || identity.kind === 'matched' ? identity.userId : undefined
}

/** People and departments whose row could not be understood: named, and left as they are. */
function rejectedRows(snapshot: Snapshot, options: ReconcileOptions): Step<never>[] {
  return snapshot.rejected
    .filter(({ userid }) => userid !== undefined)
    .map(({ userid, reason }) => {
      const link = options.links.get(foldName(userid!))
      return {
        changes: [
          change({
            entity: 'user',
            action: link === undefined ? 'create' : 'update',
            state: 'failed',
            externalId: storable(userid!),
            targetId: link?.userId ?? null,
            name: storable(userid!),
            problem: { code: 'sync/unusable-row', detail: { en: `${reason}.`, zh: `${reason}。` } },
          }),
        ],
        write: null,
      }
    })
}

function circles(ids: readonly number[]): Warning {
  const list = ids.join(', ')
  return {
    code: 'department-circle',
    detail: {
      en: `WeCom says that some departments are inside themselves; these were made roots: ${list}.`,
      zh: `企业微信中存在互为上级的部门，以下部门已作为根部门处理：${list}。`,
    },
  }
}

function numberedUsernames(count: number): Warning {
  return {
    code: 'usernames-numbered',
    detail: {
      en: `${count} new people got a number after their username, because somebody else has it.`,
      zh: `${count} 位新成员的用户名已被占用，因此添加了数字后缀。`,
    },
  }
}
