/**
 * Makes the directory agree with one snapshot: plan, then apply, in slices. The decisions are in plan/; this file asks
 * the directory what they need to know and carries out what they say. One slice of people is people-batch.ts. Called by
 * carrying-out.ts, hint-work.ts and explain.ts.
 */
import type { Audit } from '../audit/audit.ts'
import type { Database, Row, Transaction } from '../database/database.ts'
import * as comparison from '../directory/comparison.ts'
import {
  noteMissingDepartments,
  noteMissingMembers,
  noteAskedDepartments,
  noteAskedMembers,
  writeDepartments,
  writeUsers,
  type DepartmentWrite,
  type UserWrite,
} from '../directory/writes.ts'
import { foldName, storable } from '../directory/names.ts'
import { isProtected } from '../directory/protection.ts'
import type { NewId } from '../ids.ts'
import {
  contestedSynthetics,
  numberedAddresses,
  settleAddresses,
  type AddressClaim,
  type AddressVerdict,
} from './plan/addresses.ts'
import { applyBatch, batchOf, type ApplyOptions, type Batch } from './apply.ts'
import { change, type Step } from './plan/changes.ts'
import type { WantedUser } from './plan/mapping.ts'
import type { EmailRule } from './plan/rules.ts'
import type { Earlier } from './history.ts'
import { identify, type Absence, type Identified } from './identification.ts'
import type { MatchField } from './plan/matching.ts'
import { judgeRemovals, type Confirmed, type JudgementOptions, type Removals } from './judgement.ts'
import { asWritten, keepDepartments, planDepartments, type DepartmentPlan } from './plan/departments.ts'
import type { HeldRemovals } from './plan/held-removals.ts'
import { planDepartmentRemovals, planUserRemoval, removalOfAbsent, type UserRemoval } from './plan/removals.ts'
import { closeQuestions, openQuestions, type Questions } from './inquiries.ts'
import { peopleBatch, wasAskedSince, type Candidate, type Scene } from './people-batch.ts'
import type { RunCounts, RunUpdate, Warning } from './runs.ts'
import type { PackedPeople, Snapshot, Unread } from './read/snapshot.ts'

export interface ReconcileOptions extends JudgementOptions {
  readonly runId: string
  readonly isPreview: boolean
  readonly policy: JudgementOptions['policy'] & {
    readonly bindByUsername: boolean
    readonly matchFields: readonly MatchField[]
    readonly onlyWecomUsers: 'create' | 'ignore'
    readonly syntheticEmailDomain: string
    /** Where addresses come from; product.md's way when there is no other. */
    readonly emails?: readonly EmailRule[]
  }
  readonly earlier: Earlier
  readonly fence: (tx: Transaction, update: RunUpdate) => Promise<void>
  readonly onProgress: (done: number, total: number) => void
  /** Only asks: nothing is written, not even a record. Goes with `isPreview`. */
  readonly onDecided?: NonNullable<ApplyOptions['onDecided']>
}

export interface ReconcileResult {
  readonly counts: RunCounts
  readonly warnings: readonly Warning[]
  /** Removals that wait for a person; null when there are none. */
  readonly held: HeldRemovals | null
  /** What had to be asked while removals and renames were judged, and was not answered. */
  readonly unread: readonly Unread[]
  /** The place of the next change of the run. */
  readonly nextPosition: number
}

export async function reconcile(
  parts: Parts,
  snapshot: Snapshot,
  options: ReconcileOptions,
  counts: RunCounts,
): Promise<ReconcileResult> {
  const { database } = parts
  const warnings: Warning[] = []
  const apply: ApplyOptions = { ...options, counts, position: options.earlier.nextPosition }
  counts.membersRead += snapshot.membersRead
  counts.departmentsRead += options.hinted?.isTreeRead === false ? 0 : snapshot.departments.length
  const settled = [...options.earlier.users].filter(snapshot.isAsApplied).length
  counts.users.unchanged += snapshot.unchanged - settled

  const knownDepartments = await comparison.sourceDepartments(database, options.connectionId, options.corpId)
  const departments = await reconcileDepartments(parts, snapshot, knownDepartments, options, apply, warnings)
  await applyBatch(parts, batchOf(rejectedRows(snapshot, options), writeNothing), apply)

  const absent = absentMembers(snapshot, options)
  const wasAway = await comparison.missingMembers(database, options.connectionId, options.corpId)
  for (const key of options.hinted?.returned ?? []) wasAway.add(key)
  const absence: Absence = {
    absent,
    overtaken: await overtakenMembers(database, absent, options),
    wasAway,
  }
  const people = await identify(database, snapshot, absence, options, parts.newId)
  const candidates = { ...people, absent: absent.filter((key) => !absence.overtaken.has(key)) }
  const removals = await judgeRemovals(database, snapshot, knownDepartments, candidates, options, warnings)
  let confirmed: Confirmed
  let questions: Questions
  try {
    questions = await openQuestions(database, options)
    const changePeople = (freed: ReadonlySet<string>) =>
      reconcilePeople(parts, snapshot, departments, people, { removals, freed, questions }, options, apply, warnings)
    if (removals.mayWait) {
      await changePeople(new Set()) // while WeCom is asked about those who seem gone
      confirmed = await removals.confirmation
      await removePeople(parts, removals, confirmed, options, apply)
    } else {
      // Before the others: whoever is deleted frees an address that somebody who joins may need.
      confirmed = await removals.confirmation
      await removePeople(parts, removals, confirmed, options, apply)
      await changePeople(confirmed.freed)
    }
    await removeDepartments(parts, removals, departments, options, apply)
  } finally {
    await removals.stopAsking()
  }
  if (options.isComplete && !options.isPreview) {
    if (removals.held === null) await noteMissing(parts, snapshot, knownDepartments, options)
    await noteAbsence(parts, snapshot, absence, people, options)
    // Whoever looks at a few does not see everything that a question is about.
    if (options.hinted === undefined) await closeQuestions(parts, snapshot, questions, options)
  }
  const unread = [...people.unread, ...confirmed.unread]
  return { counts, warnings, held: removals.held, unread, nextPosition: apply.position }
}

/** Who is linked and was not seen. When everybody is as they were last applied, nobody is looked at. */
function absentMembers(snapshot: Snapshot, { links }: ReconcileOptions): string[] {
  if (snapshot.unchanged === links.size) return []
  const absent: string[] = []
  for (const key of links.keys()) if (!snapshot.wasSeen(key)) absent.push(key)
  return absent
}

/** Of those who were not seen, whom WeCom was asked for by name since this reading began: it said something newer. */
async function overtakenMembers(
  database: Database,
  absent: readonly string[],
  options: ReconcileOptions,
): Promise<ReadonlySet<string>> {
  if (absent.length === 0 || options.readSince === undefined) return new Set()
  return comparison.askedSince(database, options, options.readSince, absent)
}

interface Parts {
  readonly database: Database
  readonly audit: Audit
  readonly newId: NewId
  readonly now: () => number
}

async function reconcileDepartments(
  { database, audit, newId, now }: Parts,
  snapshot: Snapshot,
  known: readonly Row<'departments'>[],
  options: ReconcileOptions,
  apply: ApplyOptions,
  warnings: Warning[],
): Promise<DepartmentPlan> {
  const { hinted, readSince = Infinity } = options
  if (hinted?.isTreeRead === false) return keepDepartments(known)
  const planFrom = (rows: readonly Row<'departments'>[]) =>
    planDepartments(rows, snapshot.departments, {
      organizationId: options.organizationId,
      connectionId: options.connectionId,
      corpId: options.corpId,
      onlyWecom: options.policy.onlyWecomDepartments,
      // What a full run has written since WeCom was asked about a few is newer as well.
      isNewer: ({ asked_at, updated_at }) =>
        (asked_at ?? -1) >= readSince || updated_at > (hinted?.askedAt ?? Infinity),
      now: now(),
      newId,
    })
  let plan = planFrom(known)
  apply.counts.departments.unchanged += plan.unchanged - settledEarlier(plan, snapshot, options.earlier)
  apply.counts.departments.skipped += plan.skipped
  if (plan.inCircles.length > 0) warnings.push(circles(plan.inCircles))
  // One transaction for all of them: a tree that is half moved would show people in the wrong place.
  const named = known.flatMap(({ id, external_id }) => (hinted?.departments.has(external_id!) ? [id] : []))
  const together = (isLastTry: boolean): Batch<DepartmentWrite> => ({
    async decide(tx) {
      // Beside this run another one may have written some of them: a run of events, or the other way round.
      plan = planFrom(await comparison.sourceDepartments(tx, options.connectionId, options.corpId))
      return { steps: plan.steps, unchanged: 0, leftOut: 0 }
    },
    async write(tx, writes) {
      await writeDepartments(tx, writes)
      if (hinted !== undefined) await noteAskedDepartments(tx, [...named, ...writes.map(writtenId)], hinted.askedAt)
    },
    parts: () => (isLastTry ? plan.steps.map((step) => batchOf([step], writeDepartments)) : [together(true)]),
  })
  if (plan.steps.length > 0 || named.length > 0) await applyBatch({ database, audit }, together(false), apply)
  return plan
}

function writtenId(write: DepartmentWrite): string {
  return 'create' in write ? write.create.id : 'update' in write ? write.update.id : write.delete
}

/** Departments that are right because this run has changed them, before it was taken over. */
function settledEarlier({ steps }: DepartmentPlan, snapshot: Snapshot, earlier: Earlier): number {
  const stepped = new Set(steps.flatMap(({ changes }) => changes.map(({ externalId }) => externalId)))
  return snapshot.departments.filter(({ id }) => earlier.departments.has(String(id)) && !stepped.has(String(id))).length
}

async function reconcilePeople(
  parts: Parts,
  snapshot: Snapshot,
  departments: DepartmentPlan,
  { identities, claims, succeeded, numbered }: Identified,
  {
    removals,
    freed,
    questions,
  }: { readonly removals: Removals; readonly freed: ReadonlySet<string>; readonly questions: Questions },
  options: ReconcileOptions,
  apply: ApplyOptions,
  warnings: Warning[],
): Promise<void> {
  const { database, audit, newId, now } = parts
  const { verdicts, movers } = await addresses(database, claims, freed, succeeded, options)

  const visible = new Set(snapshot.departments.map(({ id }) => id))
  const scene: Scene = {
    snapshot,
    questions,
    numberedLater: new Set(),
    newId,
    audit,
    context: {
      organizationId: options.organizationId,
      connectionId: options.connectionId,
      corpId: options.corpId,
      idOf: departments.idOf,
      isExpectedDepartment: (id) => visible.has(id) && options.policy.onlyWecomDepartments === 'create',
      permissionToDisable: (userId) => removals.permissionOf('user', 'disable', userId),
      isDecided: false,
      now: now(),
      newId,
    },
  }

  let done = 0
  options.onProgress(done, snapshot.changed.size)
  for (const slice of slices(snapshot.changed, movers, database.isWaitedFor)) {
    const people = slice.map(({ wanted, index }): Candidate => ({
      wanted,
      identity: identities[index]!,
      address: verdicts[index]!,
    }))
    await applyBatch({ database, audit }, peopleBatch(people, scene, options), apply)
    done += people.length
    options.onProgress(done, snapshot.changed.size)
  }
  const count = numbered + scene.numberedLater.size
  if (count > 0) warnings.push(numberedUsernames(count))
  if (questions.asked.size > 0) warnings.push(waitForReview(questions.asked.size))
}

async function removePeople(
  { database, audit, now }: Parts,
  { absent }: Removals,
  { permissionOf }: Confirmed,
  options: ReconcileOptions,
  apply: ApplyOptions,
): Promise<void> {
  const batch = (removals: readonly UserRemoval[]): Batch<UserWrite> => ({
    async decide(tx) {
      const known = await comparison.knownUsers(
        tx,
        options,
        removals.map(({ userId }) => userId),
      )
      const steps = removals.flatMap((removal) => {
        const person = known.get(removal.userId)
        if (person?.link != null && wasAskedSince(person.link, options)) return []
        // What an administrator decided since then stands: promoted, marked, unlinked or linked to somebody else.
        const isSame = person?.link != null && foldName(person.link.userid) === foldName(removal.userid)
        const still = isSame && removalOfAbsent(person.user, removal.userid, removal.action)
        if (!still || isProtected(person.user)) return []
        return [planUserRemoval(still, person, permissionOf('user', still.action, still.userId), now())]
      })
      return { steps, unchanged: 0, leftOut: 0 }
    },
    async write(tx, writes) {
      await writeUsers(tx, options.connectionId, writes)
      if (options.hinted !== undefined) {
        const keys = removals.map(({ userid }) => foldName(userid))
        await noteAskedMembers(tx, options, keys, options.hinted.askedAt)
      }
    },
    parts: () => (removals.length < 2 ? [] : removals.map((removal) => batch([removal]))),
  })
  for (let start = 0; start < absent.length; start += REMOVALS_SLICE) {
    await applyBatch({ database, audit }, batch(absent.slice(start, start + REMOVALS_SLICE)), apply)
  }
}

const REMOVALS_SLICE = 1_000

/** Once nothing waits for a person, what is missing is known to be missing. */
async function noteMissing(
  { database, now }: Parts,
  snapshot: Snapshot,
  known: readonly Row<'departments'>[],
  options: ReconcileOptions,
): Promise<void> {
  const { hinted, readSince = Infinity } = options
  const shown = new Set(snapshot.departments.map(({ id }) => String(id)))
  const isKnownAbout = ({ external_id, asked_at }: Row<'departments'>) =>
    hinted === undefined ? (asked_at ?? -1) < readSince : hinted.isTreeRead && hinted.departments.has(external_id!)
  const changed = known.filter(isKnownAbout).flatMap(({ id, external_id, missing_since }) => {
    const isShown = shown.has(external_id!)
    if (isShown === (missing_since === null)) return []
    return [{ id, missing_since: isShown ? null : now() }]
  })
  if (changed.length === 0) return
  await database.inTransaction(async (tx) => {
    await options.fence(tx, {})
    await noteMissingDepartments(tx, changed)
  })
}

const ABSENCE_PAGE = 5_000

/**
 * Notes who is missing since when. Somebody who is missing already is not taken for a newcomer with the same number, and
 * whoever returns is looked at as a stranger. Those whom a question is about count as seen until it is answered.
 */
async function noteAbsence(
  { database, now }: Parts,
  snapshot: Snapshot,
  { absent, overtaken, wasAway }: Absence,
  { renamed, undecided }: Identified,
  options: ReconcileOptions,
): Promise<void> {
  const { links, isAbsenceKnown, hinted, readSince, fence } = options
  const left = absent.filter((key) => {
    const { userId } = links.get(key)!
    if (overtaken.has(key) || (hinted !== undefined && !hinted.deletedUsers.has(key))) return false
    return isAbsenceKnown && !wasAway.has(key) && !renamed.has(userId) && !undecided.has(userId)
  })
  const seen = [...wasAway].filter((key) => snapshot.wasSeen(key) && links.has(key))
  const asked =
    seen.length === 0 || readSince === undefined
      ? null
      : await comparison.askedSince(database, options, readSince, seen)
  const back = seen.filter((key) => asked?.has(key) !== true)
  const changed = [
    ...left.map((key) => ({ id: links.get(key)!.id, missing_since: now() })),
    ...back.map((key) => ({ id: links.get(key)!.id, missing_since: null })),
  ]
  for (let start = 0; start < changed.length; start += ABSENCE_PAGE) {
    await database.inTransaction(async (tx) => {
      await fence(tx, {})
      await noteMissingMembers(tx, changed.slice(start, start + ABSENCE_PAGE))
    })
  }
}

async function removeDepartments(
  { database, audit }: Parts,
  { departments, permissionOf }: Removals,
  { steps: written }: DepartmentPlan,
  options: ReconcileOptions,
  apply: ApplyOptions,
): Promise<void> {
  if (departments.length === 0) return
  const batch: Batch<DepartmentWrite> = {
    async decide(tx) {
      const tree = await comparison.departmentTree(tx, options.organizationId)
      const obstacles = {
        ...tree,
        // What moved out of a department in this very plan does not keep it, although a preview has not moved it.
        all: options.isPreview ? asWritten(tree.all, written) : tree.all,
        memberships: await comparison.sourceMembershipsIn(
          tx,
          departments.map(({ departmentId }) => departmentId),
        ),
      }
      const steps = planDepartmentRemovals(departments, obstacles, ({ departmentId }) =>
        permissionOf('department', 'delete', departmentId),
      )
      return { steps, unchanged: 0, leftOut: 0 }
    },
    write: writeDepartments,
    parts: () => [],
  }
  await applyBatch({ database, audit }, batch, apply)
}

/** Rows that cannot be used are only put on record. */
const writeNothing = () => Promise.resolve()

interface Placed {
  readonly wanted: WantedUser
  readonly index: number
}

/** Those who exchange addresses go first and together; the rest follows as it was packed. */
function* slices(
  people: PackedPeople,
  movers: readonly number[],
  isWaitedFor: () => boolean,
): Generator<Placed[], void, undefined> {
  const moving = new Set(movers)
  if (moving.size > 0) yield [...placed(people)].flat().filter(({ index }) => moving.has(index))
  for (const slice of placed(people)) {
    const rest = slice.filter(({ index }) => !moving.has(index))
    for (let from = 0; from < rest.length;) {
      const end = isWaitedFor() ? from + AT_ONCE : rest.length
      yield rest.slice(from, end)
      from = end
    }
  }
}

/**
 * In one transaction while people sign in: a few hundredths of a second, because they wait for it, several times. Where
 * nobody does, larger ones make a first sync faster by a quarter.
 */
const AT_ONCE = 125

function* placed(people: PackedPeople): Generator<Placed[], void, undefined> {
  let start = 0
  for (const slice of people.slices()) {
    const from = start
    yield slice.map((wanted, offset) => ({ wanted, index: from + offset }))
    start += slice.length
  }
}

const ADDRESSES_PAGE = 5_000

async function addresses(
  database: Database,
  claims: readonly AddressClaim[],
  freed: ReadonlySet<string>,
  succeeded: ReadonlySet<string>,
  { organizationId }: ReconcileOptions,
): Promise<{ verdicts: AddressVerdict[]; movers: number[] }> {
  const owners = new Map<string, string>()
  const addOwners = async (keys: readonly string[]) => {
    for (const [key, owner] of await comparison.addressOwners(database, organizationId, keys)) {
      if (!freed.has(owner) && !succeeded.has(owner)) owners.set(key, owner)
    }
    await database.breathe()
  }
  for (let start = 0; start < claims.length; start += ADDRESSES_PAGE) {
    await addOwners(claims.slice(start, start + ADDRESSES_PAGE).flatMap(({ wish }) => wish?.key ?? []))
  }
  await addOwners(contestedSynthetics(claims, owners).flatMap(numberedAddresses))
  return settleAddresses(claims, owners)
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

function waitForReview(count: number): Warning {
  return {
    code: 'reviews-open',
    detail: {
      en: `${count} people wait for a person to decide who they are; see the reviews.`,
      zh: `${count} 位成员的身份需要人工确认，请查看待处理列表。`,
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
