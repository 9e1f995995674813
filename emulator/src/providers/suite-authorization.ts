/**
 * What the browser doors decide for suites and providers (§3.4): they belong to no company, so whoever scans brings theirs.
 * The counterpart of authorization.ts, which decides for the apps of one company; like it, it knows neither HTTP nor HTML.
 */

import {
  asksForPrivateInfo,
  checkOwnDomain,
  consentOf,
  memberOf,
  pageErrors,
  PageError,
  readRedirectUri,
  readState,
  refuse,
  sourceOf,
  untrusted,
  withParameters,
} from '../sign-in/authorization.ts'
import type { Decision, Door } from '../sign-in/authorization.ts'
import type { SigninIdentity } from '../sign-in/codes.ts'
import type { Company, Member } from '../company/company.ts'
import { findCompany } from '../company/corp-ids.ts'
import { offeredFields } from '../company/private-fields.ts'
import { lifetimes } from './providers.ts'
import type { Provider, Suite } from './providers.ts'
import type { Scan } from '../sign-in/scanner.ts'
import type { World } from '../world.ts'

export interface SuiteSignInRequest {
  readonly door: Door
  readonly provider: Provider
  /** Absent on the older login page, which belongs to the provider as a whole. */
  readonly suite?: Suite | undefined
  readonly redirectUri: URL
  readonly state: string | null
  readonly wantsPrivateInfo: boolean
  /** Older login page only: `usertype=admin` lets nobody else in. */
  readonly isForAdministrators: boolean
}

/** True when the address is one of a suite or a provider, good or bad. */
export function isForSuites(world: World, door: Door, query: URLSearchParams): boolean {
  switch (door) {
    case 'provider':
      return true
    case 'login':
      return query.get('login_type') === 'ServiceApp'
    case 'client':
      return world.providers.suite(query.get('appid') ?? '') !== undefined
    case 'older':
      return false
    default:
      return unreachable(door)
  }
}

/** Throws a PageError for an address that WeCom would not serve. */
export function readSuiteRequest(world: World, door: Door, query: URLSearchParams): SuiteSignInRequest {
  const appid = query.get('appid') ?? ''
  const suite = door === 'provider' ? undefined : world.providers.suite(appid)
  const provider = door === 'provider' ? world.providers.all.get(appid) : suite?.provider
  if (!provider || !isServed(door, suite)) {
    throw new PageError(400, pageErrors.badAppid, 'appid 参数错误', 'bad appid: nothing signs in by this id here')
  }
  const wantsPrivateInfo = door === 'client' && asksForPrivateInfo(query)
  if (wantsPrivateInfo && !suite?.hasPrivateInfo) {
    throw new PageError(403, 0, '应用没有成员敏感信息授权', 'the suite may not ask for private information')
  }
  const redirectUri = readRedirectUri(query)
  if (suite) checkOwnDomain(suite, redirectUri, door)
  else if (!mayLogInTo(provider, redirectUri)) throw untrusted(pageErrors.badTrustedDomain)
  const usertype = query.get('usertype') ?? 'member'
  if (door === 'provider' && usertype !== 'member' && usertype !== 'admin') {
    throw new PageError(400, 0, 'usertype 参数错误', 'bad usertype: member or admin')
  }
  return {
    door,
    provider,
    suite,
    redirectUri,
    state: readState(door, query),
    wantsPrivateInfo,
    isForAdministrators: door === 'provider' && usertype === 'admin',
  }
}

/** What follows when this person scans. */
export function decideForSuite(world: World, request: SuiteSignInRequest, scan: Scan): Decision {
  const { who } = scan
  if (who === 'refuses') return refuse(world, request)
  if (!('userid' in who)) return grant(world, request, { identity: who })
  const { company, userid } = personOf(world, who.userid, scan.corpId)
  const member = memberOf(company, userid)
  if (!member) throw new PageError(403, 0, `没有成员 ${userid}`, `there is no member ${userid}`)
  const identity = { userid: member.userid }
  if (!request.wantsPrivateInfo) return grant(world, request, { company, identity })
  return settlePrivateInfo(world, request, { company, member, consent: scan.consent })
}

/** Members out of range, and those of a company that has not authorised the suite, are let in without a ticket. */
function settlePrivateInfo(
  world: World,
  request: SuiteSignInRequest,
  { company, member, consent }: { company: Company; member: Member; consent: Scan['consent'] },
): Decision {
  const identity = { userid: member.userid }
  const app = request.suite?.authorizations.get(company)?.app
  if (!app || !world.lensOf(company, app).seesMember(member)) return grant(world, request, { company, identity })
  const shown = consentOf(world, { app, member, consent })
  if (shown === 'refuses') return refuse(world, request)
  if (!shown) return { kind: 'consent', app, member, fields: offeredFields(app) }
  return grant(world, request, { company, identity, privateFields: shown })
}

/** A template's apps sign in as apps do, by company and agentid. */
function isServed(door: Door, suite: Suite | undefined): boolean {
  if (door === 'provider') return true
  if (!suite || suite.kind === 'delegated') return false
  return door !== 'login' || suite.hasWebLogin
}

function mayLogInTo({ loginDomains }: Provider, { host }: URL): boolean {
  return loginDomains === 'any' || loginDomains.some((domain) => domain.toLowerCase() === host)
}

/** `corpId/userid`, or a userid beside the company, which need not be named where there is only one. */
function personOf(world: World, who: string, corpId: string | undefined): { company: Company; userid: string } {
  const slash = who.indexOf('/')
  const named = corpId ?? (slash > 0 ? who.slice(0, slash) : undefined)
  const [only, ...others] = world.companies.values()
  const company = named === undefined ? (others.length === 0 ? only : undefined) : findCompany(world, named)?.company
  if (!company?.isAvailable) {
    throw named === undefined
      ? new PageError(400, 0, '未说明是哪个企业的成员', 'say whose member it is: there are several companies')
      : new PageError(403, 0, `没有企业 ${named}`, `there is no company ${named}`)
  }
  return { company, userid: corpId === undefined && slash > 0 ? who.slice(slash + 1) : who }
}

function grant(
  world: World,
  request: SuiteSignInRequest,
  granted: { company?: Company; identity: SigninIdentity; privateFields?: readonly string[] },
): Decision {
  const { door, suite, redirectUri, state } = request
  if (!suite) return grantByProvider(world, request, granted)
  const source = sourceOf(door)
  const code = world.providers.signInCodes.mint(
    { suite, source, domain: redirectUri.host, ...granted },
    lifetimes.signInCodeMs,
  )
  const answer: [string, string][] = [['code', code]]
  if (state !== null) answer.push(['state', state])
  return {
    kind: 'redirect',
    redirectUrl: withParameters(redirectUri, answer),
    code,
    ...(state === null ? {} : { state }),
  }
}

/** The older page: `auth_code` and its lifetime, and only for members. */
function grantByProvider(
  world: World,
  { provider, redirectUri, state, isForAdministrators }: SuiteSignInRequest,
  { company, identity }: { company?: Company; identity: SigninIdentity },
): Decision {
  if (!company || !('userid' in identity)) {
    throw new PageError(403, 0, '无权限：你不是企业成员', 'no permission: you are not a member of any company')
  }
  const { userid } = identity
  const isAdministrator = provider.suites.some(({ authorizations }) =>
    authorizations.get(company)?.admins.some((admin) => admin.userid === userid),
  )
  if (isForAdministrators && !isAdministrator) {
    throw new PageError(403, 0, '无权限：你不是管理员', 'no permission: you are not an administrator')
  }
  const authCode = world.providers.loginCodes.mint({ provider, company, userid }, lifetimes.signInCodeMs)
  const answer: [string, string][] = [
    ['auth_code', authCode],
    ['expires_in', String(lifetimes.signInCodeMs / 1000)],
  ]
  if (state !== null) answer.push(['state', state])
  return {
    kind: 'redirect',
    redirectUrl: withParameters(redirectUri, answer),
    authCode,
    ...(state === null ? {} : { state }),
  }
}

function unreachable(value: never): never {
  throw new Error(`unhandled case ${String(value)}`)
}
