/**
 * Reads the address book of one company by the cheapest way its credentials allow, and says which way that was, why, and
 * what it could not read. It decides nothing about people; everything it sees goes into the snapshot. Called by sync.ts.
 */
import {
  WecomError,
  type Department,
  type DepartmentIdList,
  type DepartmentList,
  type Principal,
  type WecomErrorCode,
} from '@muster/wecom'
import { isFatal, wecomProblem } from '../../connections/wecom-problem.ts'
import type { ReadingChoice } from '../runs.ts'
import { inParallel, onceMoreIfGarbled } from './asking.ts'
import { choice, type Prospect, type Reason } from './explanations.ts'
import { mergeDepartments, readMemberIds, type MemberIds } from './ids.ts'
import type { SnapshotBuilder, Unread } from './snapshot.ts'

/** What a connection can be read with. */
export interface Credentials {
  /** The app's, else that of 通讯录同步. */
  readonly principal: Principal
  /** The app whose visible range counts; null when it is not known. */
  readonly agentId: number | null
  /** Whether `principal` is an app's, which sees its visible range only. */
  readonly hasVisibleRange: boolean
  /** That of 通讯录同步, when there is one. */
  readonly contacts: Principal | null
}

export interface Reading {
  readonly choice: ReadingChoice
  /** Everything that the credentials may see was read. Only then may anything be concluded from absence. */
  readonly isComplete: boolean
  readonly unread: readonly Unread[]
  /** The people who were added one by one to the visible range were not asked for, because no agentId is known. */
  readonly individualsUnknown: boolean
}

export interface ReaderOptions {
  readonly signal: AbortSignal
  readonly onProgress: (done: number, total: number) => void
  /** Told how the address book is read, before most of the calls are made, and again when that turns out not to work. */
  readonly onChoice: (choice: ReadingChoice) => Promise<void>
}

/**
 * Above this many departments the walk would need more than a minute of WeCom's budget of 10,000 calls a minute, of
 * which we use 80 %; two export jobs then say the same in a handful of calls.
 */
const WALK_LIMIT = 8_000

/**
 * @param prepared what is read goes into it. WeCom is asked the first question while it is still being made, because the
 * links of a large company take the database as long as its departments take WeCom
 * @throws WecomError when not even the list of departments could be read, or a credential is refused
 */
export async function readAddressBook(
  source: Credentials,
  prepared: SnapshotBuilder | Promise<SnapshotBuilder>,
  options: ReaderOptions,
): Promise<Reading> {
  const { principal, contacts, hasVisibleRange } = source
  const { signal } = options
  if (hasVisibleRange && contacts !== null) {
    const tree = ask(options, () => contacts.departments.ids(undefined, { signal }))
    return readIdsAndDetails(source, contacts, tree, await begin(tree, prepared, options))
  }

  const list = ask(options, () => principal.departments.list(undefined, { signal }))
  const reading = await begin(list, prepared, options)
  let departments: readonly Department[]
  try {
    departments = noteList(await list, reading)
  } catch (error) {
    if (hasVisibleRange || !isIdsOnly(error)) throw error
    return readIdsOnly(principal, reading)
  }
  const range = await readVisibleRange(source, reading)
  const chosen = await readShown(principal, departments, range, hasVisibleRange ? 'app' : 'contacts-secret', reading)
  return finish(chosen, hasVisibleRange && source.agentId === null, reading)
}

/** One reading, under way. */
interface Progress extends ReaderOptions {
  readonly snapshot: SnapshotBuilder
  readonly unread: Unread[]
}

/** Once the first answer is there, whatever it is, and what it goes into. @throws what `prepared` says */
async function begin(
  first: Promise<unknown>,
  prepared: SnapshotBuilder | Promise<SnapshotBuilder>,
  options: ReaderOptions,
): Promise<Progress> {
  await Promise.allSettled([first, prepared])
  return { ...options, snapshot: await prepared, unread: [] }
}

function finish(chosen: ReadingChoice, individualsUnknown: boolean, { unread }: Progress): Reading {
  return { choice: chosen, isComplete: unread.length === 0, unread, individualsUnknown }
}

// ---- What one credential shows --------------------------------------------------------------------------------------

function noteList({ departments, rejected }: DepartmentList, reading: Progress): readonly Department[] {
  reading.snapshot.addDepartments(departments, rejected)
  noteDepartments(rejected, reading)
  return departments
}

/** The people of these departments, and whoever is visible one by one. */
async function readShown(
  source: Principal,
  departments: readonly Department[],
  range: readonly string[] | null,
  reason: Reason,
  reading: Progress,
): Promise<ReadingChoice> {
  const ids = departments.map(({ id }) => id)
  const prospect: Prospect = {
    departments: ids.length,
    individuals: range?.length ?? 0,
    calls: range === null ? 1 : 2,
  }
  const choose = async (chosen: ReadingChoice) => {
    await reading.onChoice(chosen)
    return chosen
  }
  let chosen: ReadingChoice
  if (ids.length > WALK_LIMIT) {
    chosen = await choose(choice('export', 'many-departments', prospect))
    if (!(await readExport(source, reading))) {
      chosen = await choose(choice('departments', 'export-refused', prospect))
      await walkDepartments(source, ids, reading)
    }
  } else {
    const onlyPeople = ids.length === 0 && range !== null && range.length > 0
    chosen = await choose(
      onlyPeople ? choice('individuals', 'no-departments', prospect) : choice('departments', reason, prospect),
    )
    await walkDepartments(source, ids, reading)
  }
  await readIndividuals(source, range ?? [], reading)
  return chosen
}

// ---- Ids ------------------------------------------------------------------------------------------------------------

/** Whether this refusal means that the credential may read ids all the same: 48009, or an assistant without the right. */
function isIdsOnly(error: unknown): boolean {
  return (
    error instanceof WecomError && (error.code === 'WECOM_CONTACTS_ADDRESS_NEW' || error.code === 'WECOM_API_FORBIDDEN')
  )
}

/** @throws WecomError when nothing at all could be read */
async function readIdsOnly(contacts: Principal, reading: Progress): Promise<Reading> {
  const { snapshot, signal } = reading
  const { departments, rejected } = await ask(reading, () => contacts.departments.ids(undefined, { signal }))
  snapshot.addDepartments(departments, rejected)
  noteDepartments(rejected, reading)
  const ids = await readMemberIds(contacts, signal)
  noteIds(ids, reading)
  snapshot.addIds({ places: ids.places, isComplete: isWhole(ids), shown: new Set() })
  snapshot.addWithoutDetails(true)
  const prospect = { departments: 0, individuals: 0, calls: 2 + ids.pages }
  const chosen = choice('ids', 'contacts-secret-new-address', prospect)
  await reading.onChoice(chosen)
  return finish(chosen, false, reading)
}

/** Who there is comes from the ids; what they are like comes from the app, as far as it may see them. */
async function readIdsAndDetails(
  source: Credentials,
  contacts: Principal,
  answer: Promise<DepartmentIdList>,
  reading: Progress,
): Promise<Reading> {
  const { principal } = source
  const { snapshot, signal, unread } = reading
  const tree = await departmentIds(answer, reading)
  const ids = await readMemberIds(contacts, signal)
  noteIds(ids, reading)

  const before = unread.length
  const shown = await detailedDepartments(principal, reading)
  const range = await readVisibleRange(source, reading)
  const rejected = [...(tree?.rejected ?? []), ...shown.rejected]
  snapshot.addDepartments(mergeDepartments(tree?.departments ?? [], shown.departments), rejected)
  const visible = new Set(shown.departments.map(({ id }) => id))
  snapshot.addIds({ places: ids.places, isComplete: isWhole(ids) && tree !== undefined, shown: visible })

  const idCalls = 1 + ids.pages
  let chosen: ReadingChoice | undefined
  const onChoice = (details: ReadingChoice) => {
    chosen = choice('ids', 'ids-and-app', { departments: 0, individuals: 0, calls: idCalls + details.expectedCalls })
    return reading.onChoice(chosen)
  }
  await readShown(principal, shown.departments, range, 'app', { ...reading, onChoice })
  await readStragglers(principal, visible, reading)
  snapshot.addWithoutDetails(unread.length === before)
  return finish(chosen!, false, reading)
}

/** @returns undefined when they could not be read: then it is not known either in which departments somebody is */
async function departmentIds(
  answer: Promise<DepartmentIdList>,
  reading: Progress,
): Promise<DepartmentIdList | undefined> {
  try {
    const tree = await answer
    noteDepartments(tree.rejected, reading)
    return tree
  } catch (error) {
    if (isFatal(error)) throw error
    noteUnread(error, 'the list of department ids', reading)
    return undefined
  }
}

/** A refusal leaves everybody without details; that is said, and nobody is made of an id because of it. */
async function detailedDepartments(source: Principal, reading: Progress) {
  try {
    const list = await ask(reading, () => source.departments.list(undefined, { signal: reading.signal }))
    noteDepartments(list.rejected, reading)
    return list
  } catch (error) {
    if (isFatal(error)) throw error
    noteUnread(error, 'the departments that the app may see', reading)
    return { departments: [], rejected: [] }
  }
}

/**
 * People whom the ids put into a department that the app has listed without them: they moved or joined in between. Few,
 * or something else is the matter; then they wait for the next run.
 */
async function readStragglers(source: Principal, visible: ReadonlySet<number>, reading: Progress): Promise<void> {
  const most = Math.max(20, Math.floor(visible.size * 0.05))
  const stragglers: string[] = []
  for (const { userid, departments } of reading.snapshot.withoutDetails()) {
    if (departments?.some((id) => visible.has(id)) !== true) continue
    stragglers.push(userid)
    if (stragglers.length > most) return
  }
  await readIndividuals(source, stragglers, reading, ['WECOM_MEMBER_NOT_FOUND', 'WECOM_NOT_VISIBLE'])
}

function isWhole({ failure, nameless }: MemberIds): boolean {
  return failure === null && nameless.length === 0
}

function noteIds({ failure, nameless }: MemberIds, reading: Progress): void {
  noteNameless(nameless, 'the list of ids', reading)
  if (failure === null) return
  if (isFatal(failure)) throw failure
  noteUnread(failure, 'the rest of the list of ids', reading)
}

// ---- Single calls ---------------------------------------------------------------------------------------------------

function ask<T>({ signal }: ReaderOptions, call: () => Promise<T>): Promise<T> {
  return onceMoreIfGarbled(signal, call)
}

/** The people of every department, several departments at a time. One that fails does not stop the others. */
async function walkDepartments(source: Principal, ids: readonly number[], reading: Progress): Promise<void> {
  const { snapshot, signal, onProgress } = reading
  let done = 0
  await inParallel(ids, signal, async (id) => {
    try {
      const list = await ask(reading, () =>
        source.members.listUnlessKnown(id, (body) => snapshot.recognise(id, body), { signal }),
      )
      if (list !== 'known') {
        snapshot.addMembers(list.members, list.rejected, id)
        noteNameless(list.rejected, `department ${id}`, reading)
      }
    } catch (error) {
      if (isFatal(error)) throw error
      noteUnread(error, `department ${id}`, reading)
    }
    onProgress(++done, ids.length)
  })
}

/** @returns the userids that were added one by one or by a tag, or null when there is no way to know */
async function readVisibleRange(
  { principal, agentId, hasVisibleRange }: Credentials,
  reading: Progress,
): Promise<readonly string[] | null> {
  const { signal } = reading
  if (!hasVisibleRange || agentId === null) return null
  try {
    const { allowedUserids, allowedTagIds } = await ask(reading, () => principal.agent.get(agentId, { signal }))
    const tagged: string[] = []
    await inParallel(allowedTagIds, signal, async (id) => {
      const { members, rejected } = await ask(reading, () => principal.tags.get(id, { signal }))
      tagged.push(...members.map(({ userid }) => userid))
      noteNameless(rejected, `tag ${id}`, reading)
    })
    return [...allowedUserids, ...tagged]
  } catch (error) {
    if (isFatal(error)) throw error
    noteUnread(error, 'the people added one by one to the visible range', reading)
    return null
  }
}

/**
 * People who are visible without any of their departments are on no list; they are asked for by name.
 * @param answers refusals that are an answer, too: whoever left between two calls is not there
 */
async function readIndividuals(
  source: Principal,
  userids: readonly string[],
  reading: Progress,
  answers: readonly WecomErrorCode[] = ['WECOM_MEMBER_NOT_FOUND'],
): Promise<void> {
  const { snapshot, signal } = reading
  const missing = [...new Set(userids)].filter((userid) => !snapshot.wasSeen(userid))
  await inParallel(missing, signal, async (userid) => {
    try {
      snapshot.addMembers([await ask(reading, () => source.members.get(userid, { signal }))], [])
    } catch (error) {
      if (isFatal(error)) throw error
      if (error instanceof WecomError && answers.includes(error.code)) return
      noteUnread(error, `member ${userid}`, reading)
    }
  })
}

/** @returns false when this credential may not export, or the job failed: then the walk says why, or succeeds */
async function readExport(source: Principal, { snapshot, signal }: Progress): Promise<boolean> {
  try {
    for await (const { rows, rejected } of source.exports.run('user', { signal })) {
      if (rejected.some(({ userid }) => userid === undefined)) return false
      snapshot.addMembers(rows, rejected)
    }
    return true
  } catch (error) {
    if (isFatal(error) || signal.aborted || !(error instanceof WecomError)) throw error
    return false
  }
}

function noteUnread(error: unknown, what: string, { signal, unread }: Progress): void {
  signal.throwIfAborted()
  const problem = wecomProblem(error)
  if (problem === undefined) throw error
  unread.push({ what, code: error instanceof WecomError ? (error.errcode ?? null) : null, problem })
}

function noteDepartments(rejected: readonly { departmentId?: number; reason: string }[], { unread }: Progress): void {
  for (const { departmentId, reason } of rejected) {
    const detail = { en: `${reason}.`, zh: `${reason}。` }
    const what = departmentId === undefined ? 'a department without an id' : `department ${departmentId}`
    unread.push({ what, code: null, problem: { code: 'sync/unusable-row', detail } })
  }
}

/** A row without a usable userid is somebody we cannot name: nobody may be called absent after that. */
function noteNameless(
  rejected: readonly { userid?: string; reason: string }[],
  where: string,
  { unread }: Progress,
): void {
  for (const { userid, reason } of rejected) {
    if (userid !== undefined) continue
    const detail = { en: `${reason}.`, zh: `${reason}。` }
    unread.push({ what: `a member of ${where}`, code: null, problem: { code: 'sync/unusable-row', detail } })
  }
}
