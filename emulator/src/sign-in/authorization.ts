/**
 * What the three browser doors of chapter 3 decide: is this address one that WeCom would serve, and what comes of it once
 * somebody has scanned. Knows neither HTTP nor HTML, so that pages and control API cannot disagree.
 */

import { trusts } from '../company/apps.ts'
import { appsBehind, findCompany } from '../company/corp-ids.ts'
import type { App, PrincipalKind } from '../company/apps.ts'
import type { SigninIdentity } from './codes.ts'
import type { Company, Member } from '../company/company.ts'
import { offeredFields } from '../company/private-fields.ts'
import type { PrivateField } from '../company/private-fields.ts'
import type { Scan } from './scanner.ts'
import type { World } from '../world.ts'

/** The current login page, the one before it, the older one of providers, and the page inside the WeCom client. */
export type Door = 'login' | 'older' | 'provider' | 'client'

export const doors: Readonly<Record<string, Door>> = {
  '/wwlogin/sso/login': 'login',
  '/wwopen/sso/qrConnect': 'older',
  '/wwopen/sso/3rd_qrConnect': 'provider',
  '/connect/oauth2/authorize': 'client',
}

export interface SignInRequest {
  readonly door: Door
  readonly company: Company
  /** Absent only for `snsapi_base` without an agentid. */
  readonly app?: App | undefined
  readonly redirectUri: URL
  readonly state: string | null
  readonly wantsPrivateInfo: boolean
}

export type Decision =
  | { kind: 'redirect'; redirectUrl: string; code?: string; authCode?: string; state?: string }
  /** The member has to be asked which fields the app may see. */
  | { kind: 'consent'; app: App; member: Member; fields: PrivateField[] }

/** What a page shows in place of going on. The number is the one the panel gets where WeCom documents one (§3.1.1), else 0. */
export class PageError extends Error {
  readonly errCode: number
  readonly status: 400 | 403
  readonly zh: string

  constructor(status: 400 | 403, errCode: number, zh: string, en: string) {
    super(en)
    this.name = 'PageError'
    this.status = status
    this.errCode = errCode
    this.zh = zh
  }
}

/** The kinds whose pages take a CorpId and an agentid. Suites sign in with their own id, in suite-authorization.ts. */
const kindsWithPages: readonly PrincipalKind[] = ['self-built', 'self-built-before-2022', 'delegated']
const scopes = ['snsapi_base', 'snsapi_privateinfo', 'snsapi_userinfo']
/** The numbers that the panel gets, too (§3.1.1). */
export const pageErrors = {
  badCallbackDomain: -31020,
  badAppid: -31027,
  badAgentid: -31028,
  badOrigin: -31033,
  badTrustedDomain: -31039,
  badLoginType: -31040,
} as const
const { badAppid, badAgentid, badOrigin, badLoginType } = pageErrors

/** Throws a PageError for an address that WeCom would not serve. */
export function readRequest(world: World, door: Door, query: URLSearchParams): SignInRequest {
  if (door === 'login') checkLoginType(query)
  const found = findCompany(world, query.get('appid') ?? '')
  if (!found?.company.isAvailable) {
    throw new PageError(400, badAppid, 'appid 参数错误：没有这个企业', 'bad appid: there is no such company')
  }
  const wantsPrivateInfo = door === 'client' && readScope(world, query)
  const apps = appsBehind(world, found)
  const app = readApp(apps, query, door === 'client' && !wantsPrivateInfo)
  const redirectUri = readRedirectUri(query)
  checkDomain(apps, app, redirectUri, door)
  return { door, company: found.company, app, redirectUri, state: readState(door, query), wantsPrivateInfo }
}

/** The page around a panel, by its Referer, which the SDK makes the browser send. */
export function checkPanelOrigin(
  world: World,
  { app, door }: { app?: DomainOwner | undefined; door: Door },
  referrer: string | undefined,
): void {
  if (!world.settings.readings.panelChecksOrigin || !app || door !== 'login') return
  const host = referrer !== undefined && URL.canParse(referrer) ? new URL(referrer).host : ''
  if (trusts(app, host, 'web')) return
  throw new PageError(
    403,
    badOrigin,
    '请求来源校验失败：嵌入页面的域名不是应用的可信域名',
    'request origin check failed: the page around the panel is not on a trusted domain of the app',
  )
}

/** What follows when this person scans. A code exists only once somebody may have it. */
export function decide(world: World, request: SignInRequest, scan: Scan): Decision {
  const { door, company, app, wantsPrivateInfo } = request
  const { who } = scan
  if (who === 'refuses') return refuse(world, request)
  const member = 'userid' in who ? memberOf(company, who.userid) : undefined
  // On the phone only. A silent code inside the client is given to everybody, and the exchange names them (§3.1.4).
  if (member && app && (door !== 'client' || wantsPrivateInfo) && !world.lensOf(company, app).seesMember(member)) {
    throw new PageError(
      403,
      0,
      '无权限：你不在该应用的可见范围内',
      'no permission: you are not in the visible range of this app',
    )
  }
  if (!wantsPrivateInfo || !app) return grant(world, request, who)
  if (!member) {
    throw new PageError(403, 0, '无权限：你不是该企业的成员', 'no permission: you are not a member of this company')
  }
  const shown = consentOf(world, { app, member, consent: scan.consent })
  if (shown === 'refuses') return refuse(world, request)
  if (!shown) return { kind: 'consent', app, member, fields: offeredFields(app) }
  return grant(world, request, { userid: member.userid }, shown)
}

function checkLoginType(query: URLSearchParams): void {
  const type = query.get('login_type')
  if (type === 'CorpApp') return
  throw new PageError(400, badLoginType, 'login_type 参数错误', 'bad login_type')
}

/** True when private fields are asked for. */
function readScope(world: World, query: URLSearchParams): boolean {
  if (!asksForPrivateInfo(query)) return false
  if (query.get('agentid')) return true
  if (world.settings.readings.privateinfoWithoutAgent === 'base') return false
  throw new PageError(400, badAgentid, '缺少 agentid 参数', 'snsapi_privateinfo needs an agentid')
}

/** Throws for what no page inside the client takes. */
export function asksForPrivateInfo(query: URLSearchParams): boolean {
  if (query.get('response_type') !== 'code') {
    throw new PageError(400, 0, 'response_type 参数错误', 'bad response_type: it must be code')
  }
  const scope = query.get('scope') ?? ''
  if (!scopes.includes(scope)) throw new PageError(400, 0, 'scope 参数错误', `bad scope: one of ${scopes.join(', ')}`)
  return scope === 'snsapi_privateinfo'
}

function readApp(apps: readonly App[], query: URLSearchParams, isOptional: boolean): App | undefined {
  const agentid = query.get('agentid') ?? ''
  if (agentid === '' && isOptional) return undefined
  const app = apps.find(({ agentId, kind }) => String(agentId) === agentid && kindsWithPages.includes(kind))
  if (!app) throw new PageError(400, badAgentid, 'agentid 参数错误：没有这个应用', 'bad agentid: there is no such app')
  if (!app.isEnabled) throw new PageError(403, badAgentid, '应用已停用', 'the app is disabled')
  return app
}

export function readRedirectUri(query: URLSearchParams): URL {
  const given = query.get('redirect_uri') ?? ''
  const parsed = URL.canParse(given) ? new URL(given) : undefined
  if (parsed?.protocol === 'https:' || parsed?.protocol === 'http:') return parsed
  throw new PageError(400, 0, 'redirect_uri 参数错误：不是网址', 'bad redirect_uri: it is not an address of the web')
}

/** An app, or a suite. */
type DomainOwner = Pick<App, 'trustedDomains' | 'callbackDomains'>

function checkDomain(apps: readonly App[], app: App | undefined, redirectUri: URL, door: Door): void {
  // Without an agentid any app of the company may own the domain; the exchange looks at the one that redeems.
  const isTrusted = apps.some((other) => trusts(other, redirectUri.host, sourceOf(door)))
  if (app) checkOwnDomain(app, redirectUri, door)
  else if (!isTrusted) throw untrusted(pageErrors.badTrustedDomain)
}

export function checkOwnDomain(owner: DomainOwner, { host }: URL, door: Door): void {
  if (trusts(owner, host, sourceOf(door))) return
  const { badCallbackDomain, badTrustedDomain } = pageErrors
  throw untrusted(owner.callbackDomains.length > 0 ? badCallbackDomain : badTrustedDomain)
}

export function untrusted(errCode: number): PageError {
  return new PageError(
    400,
    errCode,
    'redirect_uri 参数错误：域名与应用的可信域名不一致',
    'bad redirect_uri: its domain is not a trusted domain of the app',
  )
}

export function readState(door: Door, query: URLSearchParams): string | null {
  const state = query.get('state')
  if (door !== 'client' || state === null || /^[a-zA-Z0-9]{0,128}$/.test(state)) return state
  throw new PageError(
    400,
    0,
    'state 参数错误：只能包含字母和数字，最多 128 个字节',
    'bad state: letters and digits only, at most 128',
  )
}

export function memberOf(company: Company, userid: string): Member | undefined {
  // A member of a linked company comes as CorpId/userid and is none of this one.
  if (userid.includes('/')) return undefined
  const member = company.findMember(userid)
  if (member) return member
  throw new PageError(403, 0, `没有成员 ${userid}`, `there is no member ${userid}`)
}

/** What the member shows, `refuses`, or undefined when they have to be asked. */
export function consentOf(
  world: World,
  { app, member, consent }: { app: App; member: Member; consent: Scan['consent'] },
): readonly string[] | 'refuses' | undefined {
  if (consent === 'refuses') return 'refuses'
  if (consent === undefined) return world.consents.recall(app, member.userid)
  const offered = offeredFields(app)
  const chosen = consent === 'all' ? offered : offered.filter((field) => consent.includes(field))
  world.consents.remember(app, member.userid, chosen)
  return chosen
}

function grant(world: World, request: SignInRequest, identity: SigninIdentity, fields?: readonly string[]): Decision {
  const { door, company, app, redirectUri } = request
  const code = world.codes.mint({
    company,
    app,
    identity,
    source: sourceOf(door),
    domain: redirectUri.host,
    privateFields: fields,
  })
  return goBack(request, code)
}

/** Back without a code. Inside the client and on the current page this is a choice of the emulator's. */
export function refuse(world: World, request: Pick<SignInRequest, 'door' | 'redirectUri' | 'state'>): Decision {
  if (request.door === 'login' && world.settings.readings.refusalOnLogin === 'stays') {
    throw new PageError(403, 0, '已取消登录', 'the sign-in was cancelled on the phone')
  }
  return goBack(request)
}

function goBack({ redirectUri, state }: Pick<SignInRequest, 'redirectUri' | 'state'>, code?: string): Decision {
  const answer: [string, string][] = []
  if (code !== undefined) answer.push(['code', code])
  if (state !== null) answer.push(['state', state])
  return {
    kind: 'redirect',
    redirectUrl: withParameters(redirectUri, answer),
    ...Object.fromEntries(answer),
  }
}

/** Behind the query as it is, which is not written anew: its signs may mean something to whoever made it. */
export function withParameters(address: URL, parameters: readonly [string, string][]): string {
  const { href, hash } = address
  const front = hash === '' ? href : href.slice(0, -hash.length)
  const added = parameters.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&')
  if (added === '') return href
  const joint = !front.includes('?') ? '?' : front.endsWith('?') || front.endsWith('&') ? '' : '&'
  return `${front}${joint}${added}${hash}`
}

export function sourceOf(door: Door): 'web' | 'client' {
  return door === 'client' ? 'client' : 'web'
}
