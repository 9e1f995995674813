/**
 * Reads the address book of one company through one credential, by the cheapest way the credential allows, and says what
 * it could not read. It decides nothing about people; everything it sees goes into the snapshot. Called by sync.ts.
 */
import { WecomError, type Principal } from '@muster/wecom'
import { isFatal, wecomProblem } from '../../connections/wecom-problem.ts'
import type { Strategy } from '../runs.ts'
import type { SnapshotBuilder, Unread } from './snapshot.ts'

export interface Reading {
  readonly strategy: Strategy
  /** Everything that the credential may see was read. Only then may anything be concluded from absence. */
  readonly isComplete: boolean
  readonly unread: readonly Unread[]
  /** The people who were added one by one to the visible range were not asked for, because no agentId is known. */
  readonly individualsUnknown: boolean
}

export interface ReaderOptions {
  /** The app whose visible range counts; null for a credential that sees the whole company. */
  readonly agentId: number | null
  /** Whether the credential has a visible range at all. */
  readonly hasVisibleRange: boolean
  readonly signal: AbortSignal
  readonly onProgress: (done: number, total: number) => void
}

/** Calls in flight (wecom-api.md §8 row 30); the client bounds them again over all runs of the company. */
const PARALLEL_CALLS = 10

/**
 * Above this many departments the walk would need more than a minute of WeCom's budget of 10,000 calls a minute, of
 * which we use 80 %; two export jobs then say the same in a handful of calls.
 */
const WALK_LIMIT = 8_000

/** @throws WecomError when not even the list of departments could be read, or the credential is refused */
export async function readAddressBook(
  source: Principal,
  snapshot: SnapshotBuilder,
  options: ReaderOptions,
): Promise<Reading> {
  const { departments, rejected } = await source.departments.list(undefined, { signal: options.signal })
  snapshot.addDepartments(departments, rejected)
  const unread: Unread[] = rejected.map(({ departmentId, reason }) => ({
    what: departmentId === undefined ? 'a department without an id' : `department ${departmentId}`,
    code: null,
    problem: { code: 'sync/unusable-row', detail: { en: `${reason}.`, zh: `${reason}。` } },
  }))

  const range = await readVisibleRange(source, options, unread)
  const ids = departments.map(({ id }) => id)
  const exported = ids.length > WALK_LIMIT && (await readExport(source, snapshot, options))
  if (!exported) await walkDepartments(source, snapshot, ids, options, unread)
  await readIndividuals(source, snapshot, range ?? [], options, unread)

  const strategy = exported
    ? 'export'
    : ids.length === 0 && range !== null && range.length > 0
      ? 'individuals'
      : 'departments'
  return {
    strategy,
    isComplete: unread.length === 0,
    unread,
    individualsUnknown: options.hasVisibleRange && options.agentId === null,
  }
}

/**
 * Asks for people by name who were on no list: somebody may move between two lists while they are read. Only who WeCom
 * says is unknown, or outside the visible range, is gone; a call that fails says nothing.
 * @returns those of the userids that may be called gone
 */
export async function confirmGone(
  source: Principal,
  userids: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const gone = new Set<string>()
  await inParallel(userids, signal, async (userid) => {
    try {
      await source.members.get(userid, { signal })
    } catch (error) {
      signal.throwIfAborted()
      if (isFatal(error) || !(error instanceof WecomError)) throw error
      // By the exact code: an unknown agent is "not found" too, and says nothing about people.
      if (error.code === 'WECOM_MEMBER_NOT_FOUND' || error.code === 'WECOM_NOT_VISIBLE') gone.add(userid)
    }
  })
  return gone
}

/** The people of every department, several departments at a time. One that fails does not stop the others. */
async function walkDepartments(
  source: Principal,
  snapshot: SnapshotBuilder,
  ids: readonly number[],
  { signal, onProgress }: ReaderOptions,
  unread: Unread[],
): Promise<void> {
  let done = 0
  await inParallel(ids, signal, async (id) => {
    try {
      const list = await source.members.listUnlessKnown(id, (body) => snapshot.recognise(id, body), { signal })
      if (list !== 'known') {
        snapshot.addMembers(list.members, list.rejected, id)
        noteNameless(list.rejected, `department ${id}`, unread)
      }
    } catch (error) {
      if (isFatal(error)) throw error
      noteUnread(error, `department ${id}`, signal, unread)
    }
    onProgress(++done, ids.length)
  })
}

/** @returns the userids that were added one by one, or null when there is no way to know */
async function readVisibleRange(
  source: Principal,
  { agentId, hasVisibleRange, signal }: ReaderOptions,
  unread: Unread[],
): Promise<readonly string[] | null> {
  if (!hasVisibleRange || agentId === null) return null
  try {
    return (await source.agent.get(agentId, { signal })).allowedUserids
  } catch (error) {
    if (isFatal(error)) throw error
    noteUnread(error, 'the people added one by one to the visible range', signal, unread)
    return null
  }
}

/** People who are visible without any of their departments are on no list; they are asked for by name. */
async function readIndividuals(
  source: Principal,
  snapshot: SnapshotBuilder,
  userids: readonly string[],
  { signal }: ReaderOptions,
  unread: Unread[],
): Promise<void> {
  const missing = userids.filter((userid) => !snapshot.wasSeen(userid))
  await inParallel(missing, signal, async (userid) => {
    try {
      snapshot.addMembers([await source.members.get(userid, { signal })], [])
    } catch (error) {
      if (isFatal(error)) throw error
      // Left between the two calls: not there is an answer, too.
      if (error instanceof WecomError && error.code === 'WECOM_MEMBER_NOT_FOUND') return
      noteUnread(error, `member ${userid}`, signal, unread)
    }
  })
}

/** @returns false when this credential may not export, or the job failed: then the walk says why, or succeeds */
async function readExport(source: Principal, snapshot: SnapshotBuilder, { signal }: ReaderOptions): Promise<boolean> {
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

function noteUnread(error: unknown, what: string, signal: AbortSignal, unread: Unread[]): void {
  signal.throwIfAborted()
  const problem = wecomProblem(error)
  if (problem === undefined) throw error
  unread.push({ what, code: error instanceof WecomError ? (error.errcode ?? null) : null, problem })
}

/** A row without a usable userid is somebody we cannot name: nobody may be called absent after that. */
function noteNameless(rejected: readonly { userid?: string; reason: string }[], where: string, unread: Unread[]): void {
  for (const { userid, reason } of rejected) {
    if (userid !== undefined) continue
    const detail = { en: `${reason}.`, zh: `${reason}。` }
    unread.push({ what: `a member of ${where}`, code: null, problem: { code: 'sync/unusable-row', detail } })
  }
}

/** Works on all items with a bounded number at a time; the first error stops the rest and is thrown. */
async function inParallel<T>(
  items: readonly T[],
  signal: AbortSignal,
  work: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0
  let failed = false
  const worker = async () => {
    while (next < items.length && !failed) {
      signal.throwIfAborted()
      try {
        await work(items[next++]!)
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  const results = await Promise.allSettled(Array.from({ length: Math.min(PARALLEL_CALLS, items.length) }, worker))
  const failure = results.find((result) => result.status === 'rejected')
  if (failure !== undefined) throw failure.reason
}
