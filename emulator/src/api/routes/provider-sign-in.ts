/** Chapter 3.4: who holds a code of a suite or of a provider's login page. The pages are in sign-in/server.ts. */

import { trusts } from '../../company/apps.ts'
import type { Company } from '../../company/company.ts'
import { ApiError } from '../../errors.ts'
import { encryptedId, qrCodeOf } from '../../company/lens.ts'
import { offeredFields, ticketLifetimeSeconds } from '../../company/private-fields.ts'
import type { Provider, ProviderLogin, Suite, SuiteCodeGrant, SuiteKind } from '../../providers/providers.ts'
import { bodyOf, required, textField } from '../route.ts'
import type { OpenCall, ProviderCall, Reply, Route, SuiteCall } from '../route.ts'
import type { World } from '../../world.ts'

const apps: readonly SuiteKind[] = ['third-party', 'third-party-contacts']

export const providerSignInRoutes: readonly Route[] = [
  {
    path: 'service/auth/getuserinfo3rd',
    needsToken: 'suite',
    kinds: apps,
    isExempt: hasGoodCode,
    handle: (call) => identify(call, false),
  },
  {
    path: 'service/getuserinfo3rd',
    needsToken: 'suite',
    kinds: apps,
    takesAccessToken: true,
    isExempt: hasGoodCode,
    handle: (call) => identify(call, true),
  },
  { path: 'service/auth/getuserdetail3rd', needsToken: 'suite', kinds: apps, handle: privateDetail },
  {
    path: 'service/get_login_info',
    needsToken: 'provider',
    parameter: 'access_token',
    mayOmitErrcode: true,
    handle: getLoginInfo,
  },
]

function identify(call: SuiteCall, isOlderPath: boolean): Reply {
  const { world, suite, query } = call
  const grant = redeem(call, required(query, 'code', 41008))
  const { identity, company } = grant
  const { getuserinfoKeys } = world.settings.readings
  const isCapitalised = getuserinfoKeys === 'by-path' ? isOlderPath : getuserinfoKeys === 'capitalised'
  const device = isOlderPath ? { DeviceId: '' } : {}
  if (!company || !('userid' in identity)) {
    const openid = 'openid' in identity ? identity.openid : ''
    return { [isCapitalised ? 'OpenId' : 'openid']: openid, ...device }
  }
  return {
    [isCapitalised ? 'CorpId' : 'corpid']: world.providers.openCorpId(suite.provider, company),
    [isCapitalised ? 'UserId' : 'userid']: useridOf(world, suite.provider, company, identity.userid),
    ...device,
    ...ticketFor(world, grant, identity.userid),
    open_userid: encryptedId(suite.provider.corpId, company, identity.userid),
  }
}

/** Throws 40029 or 50001; used up only by success. */
function redeem({ world, suite }: SuiteCall, code: string): SuiteCodeGrant {
  const refusal = refusalOf(world, suite, code)
  if (refusal !== undefined) throw new ApiError(refusal)
  const { signInCodes, loginCodes } = world.providers
  const grant = signInCodes.take(code)
  if (grant) return grant
  const login = loginCodes.take(code)
  if (!login) throw new ApiError(40029)
  return { suite, company: login.company, identity: { userid: login.userid }, source: 'web' }
}

function refusalOf(world: World, suite: Suite, code: string): number | undefined {
  const { signInCodes, loginCodes } = world.providers
  const login = loginCodes.peek(code)
  // A code of the older page may be brought here once the provider has a login-authorisation app (page 98179).
  if (login) {
    const isTaken = suite.hasWebLogin && login.provider === suite.provider && loginCodes.stateOf(code) === 'good'
    return isTaken ? undefined : 40029
  }
  const grant = signInCodes.peek(code)
  if (grant?.suite !== suite) return 40029
  const byReason = world.settings.readings.spentCode === 'by-reason'
  const state = signInCodes.stateOf(code)
  if (state === 'used') return byReason ? 42022 : 40029
  if (state === 'expired') return byReason ? 42003 : 40029
  if (grant.domain !== undefined && !trusts(suite, grant.domain, grant.source)) return 50001
  return undefined
}

function hasGoodCode({ world, query }: OpenCall, suite: Suite): boolean {
  return refusalOf(world, suite, query.get('code') ?? '') === undefined
}

/** Without a relation always encrypted (page 91121). */
function useridOf(world: World, provider: Provider, company: Company, userid: string): string {
  const isAuthorized = provider.suites.some(({ authorizations }) => authorizations.has(company))
  const showsPlain = isAuthorized && world.settings.readings.useridsForProviders === 'plain'
  return showsPlain ? userid : encryptedId(provider.corpId, company, userid)
}

/** For members in the range of the app that the company authorised. */
function ticketFor(world: World, grant: SuiteCodeGrant, userid: string): Record<string, unknown> {
  const { suite, company, privateFields } = grant
  const authorization = company && suite.authorizations.get(company)
  const member = company?.findMember(userid)
  if (!authorization || !member || !privateFields) return {}
  const { app } = authorization
  if (!world.lensOf(company, app).seesMember(member)) return {}
  return {
    user_ticket: world.tickets.mint({ company, app, userid, fields: privateFields }),
    expires_in: ticketLifetimeSeconds,
  }
}

function privateDetail(call: SuiteCall): Reply {
  const { world, suite } = call
  const { company, app, userid, fields } = world.tickets.resolve(textField(bodyOf(call), 'user_ticket', 84090))
  const authorization = suite.authorizations.get(company)
  if (authorization?.app !== app) throw new ApiError(92003)
  if (!suite.hasPrivateInfo) throw new ApiError(92001)
  const member = company.findMember(userid)
  const lens = world.lensOf(company, app)
  if (!member || !lens.seesMember(member)) throw new ApiError(92000)
  const shown = offeredFields(app).filter((field) => fields.includes(field))
  const id = lens.idOf(member.userid)
  return {
    corpid: world.providers.openCorpId(suite.provider, company),
    userid: id,
    // Not the real one since 2020-06-30.
    name: id,
    gender: shown.includes('gender') ? member.gender : '0',
    avatar: shown.includes('avatar') ? member.avatar : 'https://wework.qpic.example/default/0',
    ...(shown.includes('qr_code') ? { qr_code: qrCodeOf(app, company, member.userid) } : {}),
  }
}

function getLoginInfo(call: ProviderCall): Reply {
  const { world, provider } = call
  const { loginCodes } = world.providers
  const code = textField(bodyOf(call), 'auth_code', 40078)
  const login = loginCodes.peek(code)
  if (login?.provider !== provider || !loginCodes.take(code)) throw new ApiError(40078)
  return loginInfo(world, login)
}

function loginInfo(world: World, { provider, company, userid }: ProviderLogin): Record<string, unknown> {
  const id = useridOf(world, provider, company, userid)
  const managed = provider.suites
    .map(({ authorizations }) => authorizations.get(company))
    .filter((authorization) => authorization !== undefined)
    .flatMap(({ app, admins }) =>
      admins
        .filter((admin) => admin.userid === userid)
        .map(({ canManage }) => ({ agentid: app.agentId, auth_type: canManage ? 1 : 0 })),
    )
  const isAdministrator = managed.length > 0
  return {
    // 2 an administrator of the company, 5 a member.
    usertype: isAdministrator ? 2 : 5,
    user_info: {
      userid: id,
      open_userid: encryptedId(provider.corpId, company, userid),
      name: id,
      avatar: 'https://wework.qpic.example/default/0',
    },
    corp_info: { corpid: world.providers.openCorpId(provider, company) },
    ...(isAdministrator ? { agent: managed, auth_info: { department: [{ id: 1, writable: true }] } } : {}),
  }
}
