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
import { applyBatch, batchOf, type ApplyOptions, type Batch } from './apply.ts'
import { change, type Step } from './changes.ts'
import type { WantedUser } from './mapping.ts'
import {
  claimAddress,
  contestedSynthetics,
  matchPeople,
  numberedAddresses,
  settleAddresses,
  usernameCandidates,
  type AddressClaim,
  type AddressVerdict,
  type Identity,
  type KnownLink,
} from './matching.ts'
import { planDepartments, type DepartmentPlan } from './plan-departments.ts'
import { planPerson, type PeopleContext, type Person } from './plan-people.ts'
import type { RunCounts, RunUpdate, Warning } from './runs.ts'
import type { PackedPeople, Snapshot } from './snapshot.ts'

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
  const { identities, claims, numbered } = await identify(database, snapshot, options, newId)
  const { verdicts, movers } = await addresses(database, claims, options)
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

  let done = 0
  for (const slice of slices(snapshot.changed, movers)) {
    const people = slice.map(({ wanted, index }): Candidate => ({
      wanted,
      identity: identities[index]!,
      address: verdicts[index]!,
    }))
    await applyBatch({ database, audit }, peopleBatch(people, context, options), apply)
    done += people.length
    options.onProgress(done, snapshot.changed.size)
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

interface Placed {
  readonly wanted: WantedUser
  readonly index: number
}

/** Those who exchange addresses go first and together; the rest follows as it was packed. */
function* slices(people: PackedPeople, movers: readonly number[]): Generator<Placed[], void, undefined> {
  const moving = new Set(movers)
  if (moving.size > 0) yield [...placed(people)].flat().filter(({ index }) => moving.has(index))
  for (const slice of placed(people)) yield slice.filter(({ index }) => !moving.has(index))
}

function* placed(people: PackedPeople): Generator<Placed[], void, undefined> {
  let start = 0
  for (const slice of people.slices()) {
    const from = start
    yield slice.map((wanted, offset) => ({ wanted, index: from + offset }))
    start += slice.length
  }
}

/** Who everybody is and which address they would like. Of each person only that is kept. */
async function identify(
  database: Database,
  snapshot: Snapshot,
  options: ReconcileOptions,
  newId: NewId,
): Promise<{ identities: Identity[]; claims: AddressClaim[]; numbered: number }> {
  const { policy, links } = options
  const identities: Identity[] = []
  const claims: AddressClaim[] = []
  const given = new Set<string>()
  for (const people of snapshot.changed.slices()) {
    const unlinked = people.filter(({ key }) => !links.has(key))
    const namesakes = await comparison.namesakes(
      database,
      options,
      unlinked.map(({ key }) => key),
    )
    const candidates = unlinked
      .filter(({ key }) => namesakes.has(key))
      .flatMap(({ userid }) => usernameCandidates(userid).map(foldName))
    const matched = matchPeople(
      people,
      {
        links,
        namesakes,
        takenUsernames: await comparison.takenUsernames(database, options.organizationId, candidates),
        isUserid: snapshot.wasSeen,
        bindByUsername: policy.bindByUsername,
        onlyWecom: policy.onlyWecomUsers,
        newId,
      },
      given,
    )
    const known = await comparison.addressesOf(
      database,
      matched.flatMap((identity) => existingUserId(identity) ?? []),
    )
    for (const [index, identity] of matched.entries()) {
      identities.push(identity)
      claims.push(claimAddress(people[index]!, identity, known, policy.syntheticEmailDomain))
    }
    await database.breathe()
  }
  return { identities, claims, numbered: given.size }
}

const ADDRESSES_PAGE = 5_000

async function addresses(
  database: Database,
  claims: readonly AddressClaim[],
  { organizationId }: ReconcileOptions,
): Promise<{ verdicts: AddressVerdict[]; movers: number[] }> {
  const owners = new Map<string, string>()
  const addOwners = async (keys: readonly string[]) => {
    for (const [key, owner] of await comparison.addressOwners(database, organizationId, keys)) owners.set(key, owner)
    await database.breathe()
  }
  for (let start = 0; start < claims.length; start += ADDRESSES_PAGE) {
    await addOwners(claims.slice(start, start + ADDRESSES_PAGE).flatMap(({ wish }) => wish?.key ?? []))
  }
  await addOwners(contestedSynthetics(claims, owners).flatMap(numberedAddresses))
  return settleAddresses(claims, owners)
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
