/**
 * How a company authorises a suite: on the install page that the provider sends an administrator to, or by the link of an
 * invitation (`get_customized_auth_url`). Knows neither HTTP nor HTML; the pages and the control functions both come here.
 */

import { trusts } from '../company/apps.ts'
import { PageError, pageErrors, readRedirectUri, untrusted, withParameters } from '../sign-in/authorization.ts'
import type { Company } from '../company/company.ts'
import { lifetimes } from './providers.ts'
import type { NewAuthorization, Suite } from './providers.ts'
import { announceAuthorization, subscribeToContacts } from './suite-events.ts'
import type { World } from '../world.ts'

export const installPath = '/3rdapp/install'
export const invitationPath = '/3rdapp/invitation'

/** Who clicks on "install", in the address: the company, or the word below. */
export const installParameter = 'install_as'

export interface InstallRequest {
  readonly suites: readonly Suite[]
  readonly state: string
  readonly isTest: boolean
  /** The install page: used up by installing, and where the administrator goes next. Absent for an invitation. */
  readonly returns?: { readonly preAuthCode: string; readonly redirectUri: URL } | undefined
}

export interface Installed {
  /** Where the administrator is sent. Absent for an invitation, of which the provider hears by `create_auth`. */
  redirectUrl?: string
  authCode?: string
  expiresIn?: number
  state?: string
}

/** Throws a PageError for an address that WeCom would not serve. */
export function readInstall(world: World, path: string, query: URLSearchParams): InstallRequest {
  return path === invitationPath ? readInvitation(world, query) : readInstallPage(world, query)
}

/** What follows when an administrator of the company agrees. One that has authorised already gets a new code for the same. */
export function install(
  world: World,
  { suites, state, isTest, returns }: InstallRequest,
  company: Company,
  given: Omit<NewAuthorization, 'state' | 'isTest'> = {},
): Installed {
  if (!company.isAvailable) throw new PageError(403, 0, '企业不可用', 'the company is not available')
  let authCode = ''
  for (const suite of suites) {
    const { authorize, authCodes } = world.providers
    const authorization =
      suite.authorizations.get(company) ??
      authorize(suite, company, { ...given, isTest, state: state === '' ? null : state })
    subscribeToContacts(world, authorization)
    if (returns) authCode = authCodes.mint(authorization, lifetimes.redirectedAuthCodeMs)
    else announceAuthorization(world, authorization, 'create_auth')
  }
  if (!returns) return state === '' ? {} : { state }

  world.providers.preAuthCodes.take(returns.preAuthCode)
  const expiresIn = lifetimes.redirectedAuthCodeMs / 1000
  const answer: [string, string][] = [
    ['auth_code', authCode],
    ['expires_in', String(expiresIn)],
  ]
  if (state !== '') answer.push(['state', state])
  return {
    redirectUrl: withParameters(returns.redirectUri, answer),
    authCode,
    expiresIn,
    ...(state === '' ? {} : { state }),
  }
}

function readInstallPage(world: World, query: URLSearchParams): InstallRequest {
  const suite = world.providers.suite(query.get('suite_id') ?? '')
  if (!suite) throw new PageError(400, 40083, 'suite_id 参数错误：没有这个应用', 'bad suite_id: there is no such suite')
  const preAuthCode = query.get('pre_auth_code') ?? ''
  const { preAuthCodes } = world.providers
  const preAuthorization = preAuthCodes.peek(preAuthCode)
  if (preAuthorization?.suite !== suite || preAuthCodes.stateOf(preAuthCode) === 'used') {
    throw new PageError(400, 40077, 'pre_auth_code 无效', 'bad pre_auth_code')
  }
  if (preAuthCodes.stateOf(preAuthCode) === 'expired') {
    throw new PageError(400, 42007, 'pre_auth_code 已过期', 'the pre_auth_code has expired')
  }
  const redirectUri = readRedirectUri(query)
  if (!trusts(suite, redirectUri.host, 'web')) throw untrusted(pageErrors.badTrustedDomain)
  const state = query.get('state') ?? ''
  if (!/^[a-zA-Z0-9]{0,128}$/.test(state)) {
    throw new PageError(
      400,
      84025,
      'state 参数错误：只能包含字母和数字，最多 128 个字节',
      'bad state: letters and digits only, at most 128',
    )
  }
  const { isTest } = preAuthorization
  checkOnline(suite, isTest)
  return { suites: [suite], state, isTest, returns: { preAuthCode, redirectUri } }
}

function readInvitation(world: World, query: URLSearchParams): InstallRequest {
  const invitation = world.providers.invitations.get(query.get('id') ?? '')
  if (!invitation || world.now() >= invitation.expiresAtMs) {
    throw new PageError(400, 0, '授权链接无效或已过期', 'this invitation is unknown or has expired')
  }
  for (const suite of invitation.suites) checkOnline(suite, false)
  return { suites: invitation.suites, state: invitation.state, isTest: false }
}

function checkOnline({ isOnline }: Suite, isTest: boolean): void {
  if (isOnline || isTest) return
  throw new PageError(403, 0, '应用未上线', 'the app is not online yet: only a test installation can have it')
}
