/** What a route is, and how handlers read their parameters. The tables themselves are in routes/, one file per chapter. */

import type { App, PrincipalKind } from '../company/apps.ts'
import type { Company } from '../company/company.ts'
import { ApiError } from '../errors.ts'
import type { Lens } from '../company/lens.ts'
import type { Provider, Suite, SuiteKind } from '../providers/providers.ts'
import type { World } from '../world.ts'

/** A call to an endpoint that needs no token. */
export interface OpenCall {
  readonly world: World
  readonly query: URLSearchParams
  readonly body: Buffer
  /** Where the call comes from, as WeCom would see it. */
  readonly address: string
  /** `http://host:port` as the caller wrote it, for links in replies. */
  readonly origin: string
}

/** A call whose token, app, address and limits have been found in order. */
export interface Call extends OpenCall {
  readonly company: Company
  readonly app: App
  readonly lens: Lens
}

/** A call with a `suite_access_token`. */
export interface SuiteCall extends OpenCall {
  readonly suite: Suite
}

/** A call with a `provider_access_token`. */
export interface ProviderCall extends OpenCall {
  readonly provider: Provider
}

/** An object is sent behind `errcode` 0 and `errmsg`; bytes are sent as they are and must contain both. */
export type Reply = Record<string, unknown> | Buffer

interface RouteBase {
  /** Below `/cgi-bin/`. */
  readonly path: string
  /** List fields that even a failing reply carries, as `[]` (§0.2). */
  readonly lists?: readonly string[]
  /** One of the older calls that say `errcode` only when they fail, by the reading `serviceErrcode`. */
  readonly mayOmitErrcode?: boolean
  /** False while the path is unknown here, by a reading. */
  isThere?(world: World): boolean
}

export interface OpenRoute extends RouteBase {
  readonly needsToken: false
  handle(call: OpenCall): Reply
}

export interface TokenRoute extends RouteBase {
  readonly needsToken: true
  /** Kinds that may call it; the others get 48002. */
  readonly kinds: readonly PrincipalKind[]
  /** True when the contacts-sync assistant gets 48009 from a new address (§2.1). */
  readonly isBlockedFromNewAddress?: boolean
  /** True for a write: the assistant must be set to edit. */
  readonly isWrite?: boolean
  /** Calls that do not count against the limits. */
  isExempt?(call: OpenCall): boolean
  handle(call: Call): Reply
}

export interface SuiteRoute extends RouteBase {
  readonly needsToken: 'suite'
  /** Kinds of suites that may call it; the others get 48002. */
  readonly kinds: readonly SuiteKind[]
  /** The token may stand in `access_token`, too. */
  readonly takesAccessToken?: boolean
  isExempt?(call: OpenCall, suite: Suite): boolean
  handle(call: SuiteCall): Reply
}

export interface ProviderRoute extends RouteBase {
  readonly needsToken: 'provider'
  readonly parameter: 'provider_access_token' | 'access_token'
  handle(call: ProviderCall): Reply
}

export type Route = OpenRoute | TokenRoute | SuiteRoute | ProviderRoute

/**
 * The JSON body as an object. An empty body is an empty object: a POST endpoint called by GET answers that its
 * parameters are missing, not 405 (§0.2).
 */
export function bodyOf(call: OpenCall): Record<string, unknown> {
  if (call.body.length === 0) return {}
  let parsed: unknown
  try {
    parsed = JSON.parse(call.body.toString('utf8'))
  } catch {
    throw new ApiError(40058)
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw new ApiError(40058)
  return parsed as Record<string, unknown>
}

/** A query parameter that must be there and not empty. */
export function required(query: URLSearchParams, name: string, missing: number): string {
  const value = query.get(name)
  if (!value) throw new ApiError(missing)
  return value
}

/** A whole number written in decimal digits, or `otherwise` as an error. */
export function wholeNumber(text: string, otherwise: number): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isSafeInteger(value)) throw new ApiError(otherwise)
  return value
}

export function textField(body: Record<string, unknown>, name: string, missing = 40063): string {
  const value = body[name]
  if (value === undefined || value === null || value === '') throw new ApiError(missing)
  if (typeof value !== 'string') throw new ApiError(40058)
  return value
}

export function textList(
  body: Record<string, unknown>,
  name: string,
  limits: { max: number; bad: number; long: number },
): string[] {
  const value = body[name]
  if (!Array.isArray(value) || value.length === 0) throw new ApiError(limits.bad)
  if (value.length > limits.max) throw new ApiError(limits.long)
  if (!value.every((item) => typeof item === 'string')) throw new ApiError(limits.bad)
  return value
}

/** An id in a body, as a number or as digits: WeCom takes both. */
export function idField(body: Record<string, unknown>, name: string, bad: number): number {
  const value = body[name]
  if (typeof value !== 'number' && typeof value !== 'string') throw new ApiError(bad)
  return wholeNumber(String(value), bad)
}
