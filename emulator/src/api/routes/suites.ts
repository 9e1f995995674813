/** Chapter 1.2: tokens of providers and suites, installation, permanent codes and what a suite may know of a company. */

import type { Company } from '../../company/company.ts'
import { findCompany } from '../../company/corp-ids.ts'
import { ApiError } from '../../errors.ts'
import { checkAddress } from '../gate.ts'
import { lifetimes, suiteKinds } from '../../providers/providers.ts'
import type { Authorization, Suite, SuiteKind } from '../../providers/providers.ts'
import { bodyOf, idField, textField, textList } from '../route.ts'
import type { OpenCall, ProviderCall, Reply, Route, SuiteCall } from '../route.ts'
import type { World } from '../../world.ts'

const apps: readonly SuiteKind[] = ['third-party', 'third-party-contacts']

export const suiteRoutes: readonly Route[] = [
  { path: 'service/get_provider_token', needsToken: false, mayOmitErrcode: true, handle: getProviderToken },
  { path: 'service/get_suite_token', needsToken: false, mayOmitErrcode: true, handle: getSuiteToken },
  { path: 'service/get_pre_auth_code', needsToken: 'suite', kinds: suiteKinds, handle: getPreAuthCode },
  { path: 'service/set_session_info', needsToken: 'suite', kinds: suiteKinds, handle: setSessionInfo },
  { path: 'service/get_permanent_code', needsToken: 'suite', kinds: suiteKinds, handle: getPermanentCode },
  {
    path: 'service/v2/get_permanent_code',
    needsToken: 'suite',
    kinds: suiteKinds,
    isThere: hasServiceV2,
    handle: getPermanentCodeV2,
  },
  { path: 'service/get_auth_info', needsToken: 'suite', kinds: suiteKinds, handle: getAuthInfo },
  {
    path: 'service/v2/get_auth_info',
    needsToken: 'suite',
    kinds: suiteKinds,
    isThere: hasServiceV2,
    handle: getAuthInfo,
  },
  // A template gets its tokens from gettoken (48002, remark 9).
  { path: 'service/get_corp_token', needsToken: 'suite', kinds: apps, mayOmitErrcode: true, handle: getCorpToken },
  { path: 'service/get_admin_list', needsToken: 'suite', kinds: suiteKinds, lists: ['admin'], handle: getAdminList },
  {
    path: 'service/get_customized_auth_url',
    needsToken: 'provider',
    parameter: 'provider_access_token',
    handle: getCustomizedAuthUrl,
  },
  {
    path: 'service/corpid_to_opencorpid',
    needsToken: 'provider',
    parameter: 'provider_access_token',
    handle: toOpenCorpId,
  },
]

function hasServiceV2(world: World): boolean {
  return world.settings.readings.hasServiceV2
}

function getProviderToken(call: OpenCall): Reply {
  const { world, address } = call
  const body = bodyOf(call)
  const corpId = textField(body, 'corpid', 41002)
  const secret = textField(body, 'provider_secret', 41004)
  if (world.meters.isBanned(address)) throw new ApiError(45009)
  const provider = world.providers.all.get(corpId)
  if (!provider) throw new ApiError(40013)
  if (provider.secret !== secret) {
    world.meters.countWrongSecret(address)
    throw new ApiError(40001)
  }
  checkAddress(provider, address)
  const token = world.providers.providerTokens.issue(provider, { rotate: rotates(world) })
  return { provider_access_token: token.value, expires_in: secondsUntil(world, token.expiresAtMs) }
}

function getSuiteToken(call: OpenCall): Reply {
  const { world, address } = call
  const body = bodyOf(call)
  const suiteId = textField(body, 'suite_id', 41021)
  const secret = textField(body, 'suite_secret', 41024)
  const ticket = textField(body, 'suite_ticket', 41023)
  if (world.meters.isBanned(address)) throw new ApiError(45009)
  const suite = world.providers.suite(suiteId)
  if (!suite) throw new ApiError(40083)
  if (suite.secret !== secret) {
    world.meters.countWrongSecret(address)
    throw new ApiError(40080)
  }
  if (!world.providers.isGoodTicket(suite, ticket)) throw new ApiError(40085)
  checkAddress(suite.provider, address)
  const token = world.providers.suiteTokens.issue(suite, { rotate: rotates(world) })
  return { suite_access_token: token.value, expires_in: secondsUntil(world, token.expiresAtMs) }
}

function getPreAuthCode({ world, suite }: SuiteCall): Reply {
  if (suite.kind === 'delegated' && world.settings.readings.preAuthOfTemplates === 'refused') throw new ApiError(48002)
  const code = world.providers.preAuthCodes.mint({ suite, isTest: false }, lifetimes.preAuthCodeMs)
  return { pre_auth_code: code, expires_in: lifetimes.preAuthCodeMs / 1000 }
}

function setSessionInfo(call: SuiteCall): Reply {
  const { world, suite } = call
  const body = bodyOf(call)
  const code = textField(body, 'pre_auth_code', 40077)
  const session = body['session_info']
  if (typeof session !== 'object' || session === null) throw new ApiError(40058)
  const { auth_type: type = 0, appid = [] } = session as Record<string, unknown>
  if (type !== 0 && type !== 1) throw new ApiError(40058)
  if (!Array.isArray(appid) || !appid.every((id) => Number.isInteger(id))) throw new ApiError(40086)
  const { preAuthCodes } = world.providers
  const preAuthorization = preAuthCodes.peek(code)
  if (preAuthorization?.suite !== suite || preAuthCodes.stateOf(code) === 'used') throw new ApiError(40077)
  if (preAuthCodes.stateOf(code) === 'expired') throw new ApiError(42007)
  preAuthorization.isTest = type === 1
  return {}
}

function getPermanentCode(call: SuiteCall): Reply {
  const { world, suite } = call
  const authorization = exchange(call)
  const { company, app } = authorization
  // Of a template the permanent code is the secret for gettoken; everything else gets its first token along with it.
  const token = suite.kind === 'delegated' ? undefined : world.tokens.issue(company, app, { rotate: rotates(world) })
  return {
    ...(token && { access_token: token.value, expires_in: secondsUntil(world, token.expiresAtMs) }),
    permanent_code: app.secret,
    auth_corp_info: corpInfo(world, authorization),
    auth_info: authInfo(world, authorization),
    auth_user_info: userInfo(world, authorization),
    ...editionOf(world, authorization),
    ...(authorization.state === null ? {} : { state: authorization.state }),
  }
}

function getPermanentCodeV2(call: SuiteCall): Reply {
  const { world } = call
  const authorization = exchange(call)
  const { corpid, corp_name } = corpInfo(world, authorization)
  return {
    permanent_code: authorization.app.secret,
    auth_corp_info: { corpid, corp_name },
    auth_user_info: userInfo(world, authorization),
    ...(authorization.state === null ? {} : { state: authorization.state }),
  }
}

/** Uses up the authorisation code of the body. */
function exchange(call: SuiteCall): Authorization {
  const { world, suite } = call
  const { authCodes, isCurrent, settleSecret } = world.providers
  const code = textField(bodyOf(call), 'auth_code', 40078)
  const authorization = authCodes.peek(code)
  if (authorization && authorization.suite !== suite) throw new ApiError(48003)
  if (!authorization || !authCodes.take(code)) throw new ApiError(40078)
  if (!isCurrent(authorization)) throw new ApiError(48004)
  settleSecret(authorization)
  return authorization
}

function getAuthInfo(call: SuiteCall): Reply {
  const { world } = call
  const authorization = authorizationIn(call, bodyOf(call))
  return {
    auth_corp_info: corpInfo(world, authorization),
    auth_info: authInfo(world, authorization),
    ...editionOf(world, authorization),
  }
}

function getCorpToken(call: SuiteCall): Reply {
  const { world } = call
  const { company, app } = authorizationIn(call, bodyOf(call))
  if (!company.isAvailable) throw new ApiError(301007)
  if (!app.isEnabled) throw new ApiError(50003)
  const token = world.tokens.issue(company, app, { rotate: rotates(world) })
  return { access_token: token.value, expires_in: secondsUntil(world, token.expiresAtMs) }
}

function getAdminList(call: SuiteCall): Reply {
  const { world, suite } = call
  const body = bodyOf(call)
  const company = companyIn(call, body)
  const agentId = idField(body, 'agentid', 40056)
  const authorization = suite.authorizations.get(company)
  if (!authorization) throw new ApiError(48004)
  if (authorization.app.agentId !== agentId) throw new ApiError(40056)
  const lens = world.lensOf(company, authorization.app)
  return {
    admin: authorization.admins.map(({ userid, canManage }) => ({
      userid: lens.idOf(userid),
      open_userid: lens.openIdOf(userid),
      auth_type: canManage ? 1 : 0,
    })),
  }
}

/** By secondary sources a state has at most 32 letters and digits. */
function getCustomizedAuthUrl(call: ProviderCall): Reply {
  const { world, provider } = call
  const body = bodyOf(call)
  const state = body['state'] === undefined || body['state'] === '' ? '' : textField(body, 'state')
  if (!/^[a-zA-Z0-9]{0,32}$/.test(state)) throw new ApiError(84025)
  const ids = textList(body, 'templateid_list', { max: 10, bad: 40058, long: 40058 })
  const suites = ids.map((id) => provider.suites.find(({ suiteId, kind }) => suiteId === id && kind === 'delegated'))
  if (!suites.every((suite) => suite !== undefined)) throw new ApiError(40083)
  const id = world.random.hex(32)
  const expiresAtMs = world.now() + lifetimes.invitationMs
  world.providers.invitations.set(id, { suites, state, expiresAtMs })
  return {
    qrcode_url: `${world.providers.pagesUrl}/3rdapp/invitation?id=${id}`,
    expires_in: lifetimes.invitationMs / 1000,
  }
}

function toOpenCorpId(call: ProviderCall): Reply {
  const { world, provider } = call
  const company = world.companies.get(textField(bodyOf(call), 'corpid', 41002))
  if (!company) throw new ApiError(40013)
  if (!provider.suites.some(({ authorizations }) => authorizations.has(company))) throw new ApiError(48001)
  return { open_corpid: world.providers.openCorpId(provider, company) }
}

/** The company that the body names by the id this provider sees. */
function companyIn({ world, suite }: SuiteCall, body: Record<string, unknown>): Company {
  const found = findCompany(world, textField(body, 'auth_corpid', 41002))
  const isPlain = world.settings.readings.corpIdsForProviders === 'plain'
  if (!found || (isPlain ? found.provider : found.provider !== suite.provider)) throw new ApiError(40013)
  return found.company
}

/** The authorisation that company and permanent code belong to. */
function authorizationIn(call: SuiteCall, body: Record<string, unknown>): Authorization {
  const { world, suite } = call
  const company = companyIn(call, body)
  const secret = textField(body, 'permanent_code', 41025)
  const authorization = suite.authorizations.get(company)
  if (authorization?.app.secret === secret) return authorization
  if (company.apps.some((app) => app.suiteId !== undefined && app.secret === secret)) throw new ApiError(48003)
  if (authorization || !world.providers.isFormerSecret(suite, secret)) throw new ApiError(40084)
  throw new ApiError(world.settings.readings.cancelledAuthorization)
}

function corpInfo(world: World, { suite, company }: Authorization): Record<string, unknown> {
  return {
    corpid: world.providers.openCorpId(suite.provider, company),
    corp_name: company.name,
    corp_type: 'verified',
    corp_square_logo_url: 'https://wework.qpic.example/logo/corp/0',
    corp_user_max: Math.max(200, company.members.size * 2),
    corp_full_name: company.name,
    verified_end_time: Math.floor(world.now() / 1000) + 365 * 86_400,
    subject_type: 1,
    corp_wxqrcode: 'https://wework.qpic.example/qrcode/corp/0',
    corp_scale: scaleOf(company.members.size),
    corp_industry: 'IT服务',
    corp_sub_industry: '计算机软件/硬件/信息服务',
  }
}

function scaleOf(people: number): string {
  if (people <= 50) return '1-50人'
  if (people <= 100) return '51-100人'
  if (people <= 200) return '101-200人'
  if (people <= 500) return '201-500人'
  return people <= 1_000 ? '501-1000人' : '1001人以上'
}

function authInfo(world: World, { suite, company, app }: Authorization): Record<string, unknown> {
  const lens = world.lensOf(company, app)
  return {
    agent: [
      {
        agentid: app.agentId,
        name: app.name,
        round_logo_url: `https://wework.qpic.example/logo/${app.agentId}/round`,
        square_logo_url: `https://wework.qpic.example/logo/${app.agentId}/0`,
        appid: 1,
        // By an administrator, not by single members.
        auth_mode: 0,
        is_customized_app: suite.kind === 'delegated',
        auth_from_thirdapp: false,
        privilege: {
          level: levelOf(suite),
          allow_party: app.range.departments,
          allow_user: app.range.members.map((userid) => lens.idOf(userid)),
          allow_tag: app.range.tags,
          extra_party: [],
          extra_user: [],
          extra_tag: [],
        },
      },
    ],
  }
}

/** 1 basic information read only, 3 everything of the contacts may be written. */
function levelOf({ kind }: Suite): number {
  return kind === 'third-party-contacts' ? 3 : 1
}

function userInfo(world: World, { company, app, authorizedBy }: Authorization): Record<string, unknown> {
  const lens = world.lensOf(company, app)
  const member = company.findMember(authorizedBy)
  return {
    userid: lens.idOf(authorizedBy),
    open_userid: lens.openIdOf(authorizedBy),
    name: (member && lens.simpleMember(member)['name']) ?? lens.idOf(authorizedBy),
    avatar: 'https://wework.qpic.example/default/0',
  }
}

function editionOf(world: World, { app, edition }: Authorization): Record<string, unknown> {
  if (!edition) return {}
  return {
    edition_info: {
      agent: [
        {
          agentid: app.agentId,
          edition_id: 'RLS65535',
          edition_name: '协作版',
          // 3 bought, 4 expired.
          app_status: world.now() < edition.expiresAtMs ? 3 : 4,
          user_limit: edition.seats,
          expired_time: Math.floor(edition.expiresAtMs / 1000),
          is_virtual_version: false,
        },
      ],
    },
  }
}

function rotates(world: World): boolean {
  return world.settings.readings.repeatedGettoken === 'rotate'
}

function secondsUntil(world: World, atMs: number): number {
  return Math.ceil((atMs - world.now()) / 1000)
}
