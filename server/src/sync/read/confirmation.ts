/**
 * Makes sure about people who were on no list, before anybody is removed for it: somebody may move between two lists
 * while they are read. Called through sync.ts by judgement.ts.
 */
import { WecomError, type Principal } from '@muster/wecom'
import { isFatal, wecomProblem } from '../../connections/wecom-problem.ts'
import { foldName } from '../../directory/names.ts'
import { inParallel, onceMoreIfGarbled } from './asking.ts'
import { readMemberIds } from './ids.ts'
import type { Credentials, Reading } from './reader.ts'
import type { Unread } from './snapshot.ts'

export interface Confirmation {
  /** Those of the userids that may be called gone. Everybody else stays. */
  readonly gone: ReadonlySet<string>
  /** Questions that were not answered: about these people nothing is known, and the run says so. */
  readonly unread: readonly Unread[]
}

/**
 * Only who WeCom says is unknown, or outside the visible range, is gone; with ids, only who is on the list of ids a
 * second time neither.
 * @throws WecomError when the credential is refused
 */
export async function confirmGone(
  { principal, contacts, hasVisibleRange }: Credentials,
  { choice: { strategy } }: Reading,
  userids: readonly string[],
  signal: AbortSignal,
): Promise<Confirmation> {
  if (userids.length === 0) return { gone: new Set(), unread: [] }
  if (strategy !== 'ids') return askByName(principal, userids, signal)
  const again = await readMemberIds(contacts ?? principal, signal)
  if (again.failure !== null) {
    return { gone: new Set(), unread: [unread('the list of ids, a second time', again.failure)] }
  }
  if (again.nameless.length > 0) return { gone: new Set(), unread: [] }
  const absent = userids.filter((userid) => !again.places.has(foldName(userid)))
  return hasVisibleRange ? askByName(principal, absent, signal) : { gone: new Set(absent), unread: [] }
}

async function askByName(source: Principal, userids: readonly string[], signal: AbortSignal): Promise<Confirmation> {
  const gone = new Set<string>()
  const unanswered: Unread[] = []
  await inParallel(userids, signal, async (userid) => {
    try {
      await onceMoreIfGarbled(signal, () => source.members.get(userid, { signal }))
    } catch (error) {
      signal.throwIfAborted()
      if (isFatal(error) || !(error instanceof WecomError)) throw error
      // By the exact code: an unknown agent is "not found" too, and says nothing about people.
      if (error.code === 'WECOM_MEMBER_NOT_FOUND' || error.code === 'WECOM_NOT_VISIBLE') gone.add(userid)
      else unanswered.push(unread(`member ${userid}`, error))
    }
  })
  return { gone, unread: unanswered }
}

function unread(what: string, error: WecomError): Unread {
  return { what, code: error.errcode ?? null, problem: wecomProblem(error)! }
}
