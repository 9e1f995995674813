/**
 * Asks WeCom who holds a code, and then what they look like (wecom-api.md §3.1.4). Somebody waits at a screen, so all of
 * it together has a deadline. Says what WeCom said; whether that is enough is decision.ts.
 */
import { WecomError, type Member, type Principal, type SignInDetail, type SignInIdentity } from '@muster/wecom'
import { wecomProblem } from '../connections/wecom-problem.ts'
import { foldName } from '../directory/names.ts'
import type { ErrorCode } from '../errors.ts'

/** As plain data: an attempt may keep it until somebody has answered a question. */
export type Asked =
  | { readonly kind: 'outsider' }
  /** `member` is null when the details are not for this app to read. */
  | { readonly kind: 'member'; readonly corpId: string; readonly userid: string; readonly member: Member | null }

export type AskedOutcome =
  | Asked
  /** Used up, expired or not of this app: to be asked for again. */
  | { readonly kind: 'code-rejected' }
  /** A code of a browser that was given to the door of native apps. */
  | { readonly kind: 'code-of-another-door' }
  | {
      readonly kind: 'failed'
      readonly reason: 'wecom-unavailable' | 'wecom-problem'
      readonly problem: ErrorCode
      readonly error: WecomError
    }

const CODE = /^[\x21-\x7e]{1,512}$/

/** Whether this can be a code of WeCom at all (wecom-api.md §3: opaque, at most 512 bytes). */
export function isCode(text: string): boolean {
  return CODE.test(text)
}

/** An error page has to come within ten seconds, whatever WeCom does. */
export const DEADLINE_MS = 8_000

/** @param isMobile whether the code is said to come from the SDK of a native app */
export async function askApp(
  { principal, corpId }: { readonly principal: Principal; readonly corpId: string },
  code: string,
  { isMobile = false, deadlineMs = DEADLINE_MS }: { isMobile?: boolean; deadlineMs?: number } = {},
): Promise<AskedOutcome> {
  const deadline = startDeadline(deadlineMs)
  const options = { priority: 'interactive', signal: deadline.signal } as const
  try {
    const identity = isMobile
      ? await redeemMobile(principal, code, options)
      : await principal.auth.userInfo(code, options)
    if (identity.kind !== 'member') return { kind: 'outsider' }
    const { userid, userTicket } = identity
    // Only the page inside the client gives tickets; what the SDK hands out never has one.
    if (isMobile && userTicket !== undefined) return { kind: 'code-of-another-door' }
    const member = await memberOf(principal, userid, options)
    if (member === null) return { kind: 'member', corpId, userid, member }
    if (foldName(member.userid) !== foldName(userid)) return { kind: 'member', corpId, userid, member: null }
    const detail = userTicket === undefined ? undefined : await detailOf(principal, userTicket, options)
    const isSame = detail !== undefined && foldName(detail.userid) === foldName(userid)
    return { kind: 'member', corpId, userid, member: isSame ? enriched(member, detail) : member }
  } catch (error) {
    return failureOf(error)
  } finally {
    deadline.clear()
  }
}

/** Cleared when the answer is there: the signal of `AbortSignal.timeout` goes off even so, with an error for nobody. */
export function startDeadline(ms: number): { readonly signal: AbortSignal; clear(): void } {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(), ms)
  return { signal: controller.signal, clear: () => clearTimeout(timer) }
}

/** @throws what did not come from WeCom */
export function failureOf(error: unknown): AskedOutcome {
  if (!(error instanceof WecomError)) throw error
  if (error.code === 'WECOM_CODE_REJECTED') return { kind: 'code-rejected' }
  const isPassing = UNAVAILABLE.has(error.kind) || UNTIL_THE_NEXT_TICKET.has(error.code)
  const reason = isPassing ? 'wecom-unavailable' : 'wecom-problem'
  return { kind: 'failed', reason, problem: wecomProblem(error)!.code, error }
}

/** No page of WeCom says on which of the two paths codes of the SDK are good (wecom-api.md §3.3); a bad one is on neither. */
async function redeemMobile(principal: Principal, code: string, options: Options): Promise<SignInIdentity> {
  try {
    return await principal.auth.userInfo(code, options)
  } catch (error) {
    if (!(error instanceof WecomError && error.code === 'WECOM_CODE_REJECTED')) throw error
    return principal.auth.userInfo(code, { ...options, legacy: true })
  }
}

type Options = { readonly priority: 'interactive'; readonly signal: AbortSignal }

/** It may work later without anybody changing anything. */
const UNAVAILABLE: ReadonlySet<string> = new Set(['busy', 'network', 'timeout', 'aborted', 'frequency', 'protocol'])

/** A suite can ask nothing without its ticket, and WeCom sends another one within ten minutes. */
const UNTIL_THE_NEXT_TICKET: ReadonlySet<string> = new Set(['WECOM_NO_TICKET', 'WECOM_SUITE_TICKET_REJECTED'])

/** Not to be seen is not to be gone: 60111 is also the answer about somebody who left the visible range. */
async function memberOf(principal: Principal, userid: string, options: Options): Promise<Member | null> {
  try {
    return await principal.members.get(userid, options)
  } catch (error) {
    const isHidden =
      error instanceof WecomError && (error.code === 'WECOM_MEMBER_NOT_FOUND' || error.code === 'WECOM_NOT_VISIBLE')
    if (isHidden) return null
    throw error
  }
}

/** More about somebody who has agreed. Without it they come in all the same. */
async function detailOf(principal: Principal, ticket: string, options: Options): Promise<SignInDetail | undefined> {
  try {
    return await principal.auth.userDetail(ticket, options)
  } catch (error) {
    if (error instanceof WecomError) return undefined
    throw error
  }
}

/**
 * What was not consented to comes as a gender of nobody and a default picture, or not at all. So a picture counts only
 * beside something that was consented to.
 */
function enriched(member: Member, detail: SignInDetail): Member {
  const texts = { mobile: detail.mobile, email: detail.email, bizMail: detail.bizMail, address: detail.address }
  const given = Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== undefined && text !== ''))
  const gender = detail.gender === undefined || detail.gender === 'unknown' ? {} : { gender: detail.gender }
  const hasConsented = Object.keys(given).length > 0 || Object.keys(gender).length > 0
  const avatar = hasConsented && detail.avatar !== undefined && detail.avatar !== '' ? { avatar: detail.avatar } : {}
  return { ...member, ...given, ...gender, ...avatar }
}
