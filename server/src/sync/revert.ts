/**
 * Takes a run back, or one person of it: first the departments that were deleted or changed, then the people, then the
 * departments that were created. The decisions are in plan/revert.ts. What is done already is known from the changes that
 * this run has recorded, so one that was interrupted goes on where it was. WeCom is not asked. Called by sync.ts.
 */
import type { Audit } from '../audit/audit.ts'
import type { Database, Row, Transaction } from '../database/database.ts'
import * as comparison from '../directory/comparison.ts'
import { writeDepartments, writeUsers, type DepartmentWrite, type UserWrite } from '../directory/writes.ts'
import type { Problem } from '../errors.ts'
import type { NewId } from '../ids.ts'
import { applyBatch, type ApplyOptions, type Batch } from './apply.ts'
import type { History, RecordedChange } from './history.ts'
import type { Step } from './plan/changes.ts'
import { asWritten } from './plan/departments.ts'
import { settleAddresses, type AddressClaim } from './plan/addresses.ts'
import { planDepartmentRemovals } from './plan/removals.ts'
import {
  isDecidedSince,
  planDepartmentsRevert,
  planPersonRevert,
  refused,
  type AccessEntry,
  type DepartmentsRevert,
  type PersonDraft,
  type PersonNow,
} from './plan/revert.ts'
import type { Run, RunCounts, RunUpdate } from './runs.ts'

export interface RevertOptions {
  readonly run: Run
  /** Null for a connection of several: then each person's link says which company it is about. */
  readonly corpId: string | null
  readonly signal: AbortSignal
  readonly fence: (tx: Transaction, update: RunUpdate) => Promise<void>
  readonly onProgress: (done: number) => void
}

const SLICE = 1_000

/** @param counts as the run has them already; they are counted on */
export async function revertRun(parts: Parts, options: RevertOptions, counts: RunCounts): Promise<void> {
  const { database, history } = parts
  const { run, signal, fence } = options
  const originId = run.originRunId!
  const recorded = await history.recordedBy(run.id)
  const apply: ApplyOptions = {
    runId: run.id,
    organizationId: run.organizationId,
    isPreview: run.mode === 'preview',
    counts,
    signal,
    fence,
    position: recorded.next,
    reverts: originId,
  }
  const isOpen = ({ targetId }: RecordedChange) => !recorded.targets.has(targetId!)

  const departments: RecordedChange[] = []
  if (run.onlyUserId === null) {
    for await (const entry of history.appliedBackwards(originId, { isDepartment: true })) departments.push(entry)
  }
  const known = (await comparison.departmentTree(database, run.organizationId)).all
  const wanted = planDepartmentsRevert(departments.filter(isOpen), known, { ...run, now: parts.now() })
  const ids = new Set(asWritten(known, wanted.steps).map(({ id }) => id))
  const plan: Plan = {
    ...options,
    originId,
    gone: new Map(),
    housed: new Map(),
    hasDepartment: (id) => ids.has(id),
    written: wanted.steps,
  }
  // One transaction for all of them, as when they were made.
  if (wanted.steps.length > 0) await applyBatch(parts, departmentsBatch(departments.filter(isOpen), parts, plan), apply)

  await revertPeople(parts, plan, isOpen, apply)
  if (wanted.removals.length > 0) await applyBatch(parts, removalsBatch(wanted.removals, plan), apply)
}

interface Parts {
  readonly database: Database
  readonly audit: Audit
  readonly history: History
  readonly newId: NewId
  readonly now: () => number
}

interface Plan extends RevertOptions {
  readonly originId: string
  /** Who has given up name and address, or an address, in this run: what a preview cannot see in the database. */
  readonly gone: Map<string, { username: boolean; emailKey: string | null }>
  /** In which departments of this connection people are after this run. */
  readonly housed: Map<string, ReadonlySet<string>>
  readonly hasDepartment: (id: string) => boolean
  /** What is written to departments before the people. */
  readonly written: readonly Step<DepartmentWrite>[]
}

function departmentsBatch(recorded: readonly RecordedChange[], { now }: Parts, { run }: Plan): Batch<DepartmentWrite> {
  const batch = (entries: readonly RecordedChange[]): Batch<DepartmentWrite> => ({
    async decide(tx) {
      const { all } = await comparison.departmentTree(tx, run.organizationId)
      const { steps } = planDepartmentsRevert(entries, all, { ...run, now: now() })
      return { steps, unchanged: 0, leftOut: 0 }
    },
    write: writeDepartments,
    parts: () => (entries.length < 2 ? [] : entries.map((entry) => batch([entry]))),
  })
  return batch(recorded.filter(({ action }) => action !== 'create'))
}

async function revertPeople(
  parts: Parts,
  plan: Plan,
  isOpen: (entry: RecordedChange) => boolean,
  apply: ApplyOptions,
): Promise<void> {
  const { run, originId, onProgress } = plan
  const filter = { isDepartment: false, userId: run.onlyUserId ?? undefined }
  const waiting = new Set<Person>()
  let slice: Person[] = []
  let done = 0
  const carryOut = async () => {
    done += slice.reduce((sum, { entries }) => sum + entries.length, 0)
    await applyBatch(parts, peopleBatch(slice, parts, plan, waiting), apply)
    slice = []
    onProgress(done)
  }
  for await (const entry of parts.history.appliedBackwards(originId, filter)) {
    if (!isOpen(entry)) continue
    const person = slice.at(-1)
    if (person?.userId === entry.targetId) person.entries.push(entry)
    else {
      if (slice.length === SLICE) await carryOut()
      slice.push({ userId: entry.targetId!, entries: [entry] })
    }
  }
  await carryOut()
  // Whose address was somebody else's just now, who may have given it up since.
  if (waiting.size > 0) await applyBatch(parts, peopleBatch([...waiting], parts, plan, null), apply)
}

interface Person {
  readonly userId: string
  /** The last first. */
  readonly entries: RecordedChange[]
}

/** @param waiting gets whoever has to wait for others; null when nobody is left to wait for */
function peopleBatch(
  people: readonly Person[],
  parts: Parts,
  plan: Plan,
  waiting: Set<Person> | null,
): Batch<UserWrite> {
  const { run, gone, housed } = plan
  return {
    async decide(tx) {
      // A transaction that is run again decides again.
      for (const person of people) waiting?.delete(person)
      const drafts = await draftsOf(tx, people, parts, plan)
      const problems = await problemsOf(tx, drafts, plan)
      const steps: Step<UserWrite>[] = []
      for (const [index, draft] of drafts.entries()) {
        const problem = problems[index]
        if (problem !== undefined && waiting !== null) {
          waiting.add(people[index]!)
          continue
        }
        steps.push(problem === undefined ? draft : refused(draft, problem))
        if (problem !== undefined || draft.write === null) continue
        const { id, status, email_key } = draft.after!
        gone.set(id, { username: status === 'deleted', emailKey: status === 'deleted' ? null : email_key })
        const { memberships } = draft.write
        if (status === 'deleted') housed.set(id, new Set())
        else if (memberships !== null) housed.set(id, new Set(memberships.map(({ department_id }) => department_id)))
      }
      return { steps, unchanged: 0, leftOut: 0 }
    },
    write: (tx, writes) => writeUsers(tx, run.connectionId, writes),
    parts: () => (people.length < 2 ? [] : people.map((person) => peopleBatch([person], parts, plan, waiting))),
  }
}

async function draftsOf(
  tx: Transaction,
  people: readonly Person[],
  { newId, now, audit }: Parts,
  { run, corpId, originId, hasDepartment }: Plan,
): Promise<PersonDraft[]> {
  const ids = people.map(({ userId }) => userId)
  const involved = people.flatMap(({ entries }) =>
    entries.flatMap(({ inverse }) => [inverse?.linkFrom, inverse?.linkTo].filter((id) => typeof id === 'string')),
  )
  const everybody = [...new Set([...ids, ...involved])]
  const known: Awaited<ReturnType<typeof comparison.knownUsers>> = new Map()
  const elsewhere = new Set<string>()
  for (const [company, members] of await byCompany(tx, run.connectionId, corpId, everybody)) {
    const scope = { connectionId: run.connectionId, corpId: company }
    for (const [id, person] of await comparison.knownUsers(tx, scope, members)) known.set(id, person)
    for (const id of await comparison.linkedElsewhere(tx, scope, members)) elsewhere.add(id)
  }
  const placedByHand = await comparison.placedByHand(tx, ids)
  const decisions = await audit.decisionsAbout(tx, ids, ACCESS)
  const context = {
    now: now(),
    newLinkId: () => newId('lnk'),
    connectionId: run.connectionId,
    hasDepartment,
    others: known,
  }
  return people.map(({ userId, entries }) => {
    const found = known.get(userId)
    const person: PersonNow | undefined = found && {
      ...found,
      isLinkedElsewhere: elsewhere.has(userId),
      hasManualMembership: placedByHand.has(userId),
      isAccessDecided: isDecidedSince((decisions.get(userId) ?? []).map(asEntry), originId),
    }
    return planPersonRevert(entries, person, context)
  })
}

/** Who is a member of which company of the connection; whoever is of none is of no matter which. */
async function byCompany(
  tx: Transaction,
  connectionId: string,
  corpId: string | null,
  userIds: readonly string[],
): Promise<Map<string, string[]>> {
  if (corpId !== null) return new Map([[corpId, [...userIds]]])
  const companies = await comparison.companiesOfUsers(tx, connectionId, userIds)
  return Map.groupBy(userIds, (id) => companies.get(id) ?? '')
}

const ACCESS = ['user.disable', 'user.enable', 'user.delete', 'user.restore']

function asEntry({ details }: Row<'audit'>): AccessEntry {
  const { runId, reverts } = JSON.parse(details) as Partial<AccessEntry>
  return { runId, reverts }
}

/** For whoever would come back under a name or an address that somebody else has by now, what to say about it. */
async function problemsOf(
  tx: Transaction,
  drafts: readonly PersonDraft[],
  { run, corpId, gone }: Plan,
): Promise<(Problem | undefined)[]> {
  const { organizationId, connectionId } = run
  const returning = drafts.map(({ write, before, after }) =>
    write !== null && after!.status !== 'deleted'
      ? { user: after!, isBack: before!.status === 'deleted', hasMoved: before!.email_key !== after!.email_key }
      : null,
  )
  const names = returning.flatMap((draft) => (draft?.isBack ? [draft.user.username_key] : []))
  const namesakes = await comparison.namesakes(tx, { organizationId, connectionId, corpId: corpId ?? '' }, names)
  const claims = returning.map((draft, index): AddressClaim => {
    const before = drafts[index]!.before
    const isClaim = draft !== null && (draft.isBack || draft.hasMoved) && draft.user.email_key !== null
    return {
      person: String(index),
      userId: before?.id,
      currentKey: before === null || before.status === 'deleted' ? null : before.email_key,
      wish: isClaim
        ? { email: draft.user.email!, key: draft.user.email_key!, source: draft.user.email_source as 'manual' }
        : undefined,
    }
  })
  const owners = await comparison.addressOwners(
    tx,
    organizationId,
    claims.flatMap(({ wish }) => wish?.key ?? []),
  )
  const going = new Set(drafts.flatMap(({ after }) => (after?.status === 'deleted' ? [after.id] : [])))
  for (const [key, owner] of owners) {
    const isFreed = gone.has(owner) && gone.get(owner)!.emailKey !== key
    if (going.has(owner) || isFreed) owners.delete(key)
  }
  const { verdicts } = settleAddresses(claims, owners)
  return returning.map((draft, index) => {
    if (draft === null) return undefined
    const namesake = draft.isBack ? namesakes.get(draft.user.username_key) : undefined
    const isNameTaken =
      namesake !== undefined && !going.has(namesake.userId) && gone.get(namesake.userId)?.username !== true
    if (isNameTaken) return { code: 'directory/username-taken' }
    return verdicts[index]!.kind === 'taken' ? { code: 'directory/email-taken' } : undefined
  })
}

/** Departments that the run made, once nobody is in them any more. */
function removalsBatch(removals: DepartmentsRevert['removals'], plan: Plan): Batch<DepartmentWrite> {
  const { run, housed, written } = plan
  const ids = removals.map(({ departmentId }) => departmentId)
  return {
    async decide(tx) {
      const tree = await comparison.departmentTree(tx, run.organizationId)
      const memberships = await comparison.sourceMembershipsIn(tx, ids)
      const living = await comparison.presentUsers(tx, [...new Set(memberships.map(({ user_id }) => user_id))])
      const cameWith = new Map(removals.map(({ departmentId, members }) => [departmentId, members]))
      const staying = memberships.filter(
        ({ user_id, department_id }) =>
          living.has(user_id) &&
          !cameWith.get(department_id)!.has(user_id) &&
          housed.get(user_id)?.has(department_id) !== false,
      )
      const inhabited = new Set(staying.map(({ department_id }) => department_id))
      const all = run.mode === 'preview' ? asWritten(tree.all, written) : tree.all
      const here = new Set(all.map(({ id }) => id))
      const obstacleOf = new Map(removals.map(({ departmentId, obstacle }) => [departmentId, obstacle]))
      const steps = planDepartmentRemovals(removals, { ...tree, all, memberships }, ({ departmentId }) => {
        const obstacle = here.has(departmentId) ? obstacleOf.get(departmentId) : 'changed-since'
        if (obstacle) return { kind: 'skip', reason: obstacle }
        return inhabited.has(departmentId) ? { kind: 'skip', reason: 'has-members' } : { kind: 'apply' }
      })
      return { steps, unchanged: 0, leftOut: 0 }
    },
    write: writeDepartments,
    parts: () => (removals.length < 2 ? [] : removals.map((removal) => removalsBatch([removal], plan))),
  }
}
