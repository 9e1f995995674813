/**
 * The one error this package throws for everything that goes wrong between a caller and WeCom. `code` is permanent and
 * says what happened, `kind` says which sort of reaction it needs, `remedy` is written for the administrator.
 * What each code means lives in error-table.ts. Redaction happens here, in the constructor, and nowhere else.
 */

import { errcodeMeanings, problems } from './error-table.ts'
import type { Remedy, WecomErrorCode, WecomErrorKind } from './error-table.ts'
import { createRedactor, redactedCause } from './redact.ts'

export type { Remedy, WecomErrorCode, WecomErrorKind } from './error-table.ts'

export type WecomErrorFacts = {
  /** What happened, in one English sentence part. Redacted before use. */
  message: string
  /** The call, such as `user/get`; never a URL. */
  api: string
  errcode?: number
  errmsg?: string
  httpStatus?: number
  /** The request surely never left this machine, so repeating it cannot do anything twice. */
  isUnsent?: boolean
  cause?: unknown
  /** Values of this call that must not appear anywhere in the error. */
  sensitive?: readonly string[]
}

const MAX_ERRMSG_LENGTH = 200

export class WecomError extends Error {
  override readonly name = 'WecomError'
  /** Permanent. Switch on this to react to one cause. */
  readonly code: WecomErrorCode
  /** Permanent. Switch on this to react to a sort of cause. */
  readonly kind: WecomErrorKind
  /** WeCom's own number, when WeCom answered with one. */
  readonly errcode: number | undefined
  /** The same call may succeed later without anybody changing anything. */
  readonly retryable: boolean
  readonly remedy: Remedy
  readonly documentation: string
  /** Our address as WeCom sees it, when WeCom says so (60020): the one to add to the trusted addresses. */
  readonly observedAddress: string | undefined
  /** WeCom's number for this answer, to be quoted to its support. */
  readonly hint: string | undefined
  readonly api: string
  readonly httpStatus: number | undefined
  readonly isUnsent: boolean

  constructor(code: WecomErrorCode, facts: WecomErrorFacts) {
    const redact = createRedactor(facts.sensitive ?? [])
    const errmsg = facts.errmsg ?? ''
    const said = errmsg === '' ? '' : `: ${redact(stemOf(errmsg)).slice(0, MAX_ERRMSG_LENGTH)}`
    const cause = redactedCause(facts.cause, redact)
    super(`${facts.api}: ${redact(facts.message)}${said}`, cause === undefined ? undefined : { cause })
    const problem = problems[code]
    this.code = code
    this.kind = problem.kind
    this.errcode = facts.errcode
    this.retryable = problem.retryable
    this.remedy = problem.remedy
    this.documentation =
      facts.errcode === undefined
        ? `https://developer.work.weixin.qq.com/document/path/${problem.page}`
        : `https://open.work.weixin.qq.com/devtool/query?e=${facts.errcode}`
    this.observedAddress = /from ip:\s*([0-9a-fA-F.:]+)/.exec(errmsg)?.[1]
    this.hint = /hint:\s*\[([0-9a-f_]{1,64})\]/.exec(errmsg)?.[1]
    this.api = facts.api
    this.httpStatus = facts.httpStatus
    this.isUnsent = facts.isUnsent ?? false
  }

  toJSON(): Record<string, unknown> {
    return {
      name: this.name,
      message: this.message,
      code: this.code,
      kind: this.kind,
      errcode: this.errcode,
      retryable: this.retryable,
      remedy: this.remedy,
      documentation: this.documentation,
      observedAddress: this.observedAddress,
      hint: this.hint,
      api: this.api,
      httpStatus: this.httpStatus,
    }
  }
}

/** The error for an answer whose errcode is not 0. Codes that are not in the table become WECOM_REFUSED. */
export function errorFromErrcode(
  errcode: number,
  facts: { api: string; errmsg: string | undefined; sensitive: readonly string[] },
): WecomError {
  const known = errcodeMeanings.get(errcode)
  return new WecomError(known?.code ?? 'WECOM_REFUSED', {
    message: `WeCom answered ${errcode}${known === undefined ? '' : ` (${known.meaning})`}`,
    errcode,
    ...facts,
  })
}

/** A caller's argument that cannot be sent. `problem` must not repeat the argument. */
export function invalidArgument(api: string, problem: string): WecomError {
  return new WecomError('WECOM_ARGUMENT_INVALID', { api, message: problem, isUnsent: true })
}

/** `why` is for our log. Tell the sender nothing but "no": a difference between the reasons would be an oracle. */
export function rejectedCallback(why: string): WecomError {
  return new WecomError('WECOM_CALLBACK_REJECTED', { api: 'callback', message: why })
}

/** errmsg without `, hint: […], from ip: …, more info at …` (wecom-api.md 0.2); hint and address are kept as fields. */
function stemOf(errmsg: string): string {
  const ends = ['hint:', 'from ip:', 'more info at'].map((mark) => errmsg.indexOf(mark)).filter((index) => index >= 0)
  return errmsg.slice(0, Math.min(...ends, errmsg.length)).replace(/[,\s]{1,3}$/, '')
}
