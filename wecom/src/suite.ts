/**
 * The calls of a suite: a third-party app, a login suite or a template of delegated apps (chapter 1.2 and pages 97162,
 * 100776, 98179). They carry the token of the suite, which needs the ticket that WeCom sends to its command callback.
 */

import { WecomError, invalidArgument } from './errors.ts'
import { toGender } from './members.ts'
import { readProviderIdentity } from './provider-identity.ts'
import type { ProviderIdentity } from './provider-identity.ts'
import type { Priority } from './budget.ts'
import type { ApiRequest, Caller, CallOptions, CallReport } from './request.ts'
import type { SignInDetail } from './sign-in.ts'
import {
  IncompleteAnswer,
  isObject,
  requireList,
  requireText,
  toFlag,
  toInteger,
  toIntegerList,
  toNonEmptyText,
  toText,
  toTextList,
} from './wire.ts'
import type { WireObject } from './wire.ts'

export type SuiteOptions = {
  suiteId: string
  suiteSecret: string
  /**
   * The newest ticket, asked for whenever a token is needed; undefined when there is none or it is older than 30 minutes,
   * and then calls fail with WECOM_NO_TICKET without asking WeCom.
   */
  ticket: () => Promise<string | undefined>
  /** Called after every HTTP request of this suite. Must not throw. */
  onCall?: (report: CallReport) => void
  /** Default `bulk`. */
  priority?: Priority
}

/** For the install page, for `expiresInSeconds`. */
export type PreAuthCode = { readonly code: string; readonly expiresInSeconds: number }

export type SessionOptions = {
  /** Only these apps of an old suite with several. */
  appIds?: readonly number[]
  /** `test` while the suite is not published. */
  authType?: 'formal' | 'test'
}

/** A company, as the provider sees it: WeCom encrypts its id for each provider. */
export type AuthorizedCorp = {
  readonly corpId: string
  readonly name?: string
  readonly fullName?: string
  readonly squareLogoUrl?: string
  /** How many members the company may have, whatever it bought from the provider. */
  readonly maxMembers?: number
  /** Milliseconds since 1970. */
  readonly verifiedUntil?: number
}

/** What a company bought. */
export type Edition = {
  readonly id?: string
  readonly name?: string
  /** 1 trial, 2 trial ended, 3 bought, 4 expired, 5 unlimited. */
  readonly appStatus?: number
  /** 0 for the whole company. */
  readonly maxUsers?: number
  /** Milliseconds since 1970. */
  readonly expiresAt?: number
}

/** Our app in a company. */
export type AuthorizedAgent = {
  readonly agentId: number
  readonly name?: string
  readonly squareLogoUrl?: string
  /** A delegated app: its permanent code is its secret. */
  readonly isCustomizedApp?: boolean
  /** 0 by an administrator, 1 by members. */
  readonly authMode?: number
  /** The visible range; undefined when WeCom does not say, which is not "sees nobody". */
  readonly allowedDepartmentIds?: readonly number[]
  readonly allowedUserids?: readonly string[]
  readonly allowedTagIds?: readonly number[]
  readonly edition?: Edition
}

export type PermanentCode = {
  /** Secret. Of a delegated app, the secret for `principal`. */
  readonly permanentCode: string
  readonly corp: AuthorizedCorp
  /** Who authorised. */
  readonly admin?: { readonly userid?: string; readonly openUserid?: string; readonly name?: string }
  /** Ours, when the authorisation began at our side. */
  readonly state?: string
  /** Only of the older answer; ask `authInfo`. */
  readonly agents?: readonly AuthorizedAgent[]
}

export type AuthInfo = {
  readonly corp: AuthorizedCorp
  /** Undefined when WeCom does not say, `[]` when the company has no app of the suite. */
  readonly agents?: readonly AuthorizedAgent[]
}

export type CorpAdmin = {
  readonly userid?: string
  readonly openUserid?: string
  /** May manage the app, not only use its messages. */
  readonly canManage?: boolean
}

/** Never with mobile number, mail addresses and address; the name is the userid. */
export type ProviderSignInDetail = Pick<SignInDetail, 'userid' | 'name' | 'gender' | 'avatar' | 'qrCode'> & {
  readonly corpId: string
}

/** One suite. Cheap to create; suites of one Wecom share tokens, budget, pauses and connections. */
export interface Suite {
  readonly suiteId: string
  /** Begins an authorisation at our side. */
  preAuthCode(options?: CallOptions): Promise<PreAuthCode>
  setSession(preAuthCode: string, session: SessionOptions, options?: CallOptions): Promise<void>
  /**
   * Redeems the code of an authorisation or of a reset, which works once and for ten minutes: WECOM_CODE_REJECTED means
   * that it must be authorised again. Not repeated after a timeout, because the code may be used up.
   */
  permanentCode(authCode: string, options?: CallOptions): Promise<PermanentCode>
  /** WECOM_AUTHORIZATION_GONE when the company has cancelled, or the permanent code was reset. */
  authInfo(corpId: string, permanentCode: string, options?: CallOptions): Promise<AuthInfo>
  /** The access token of an ordinary third-party app. Delegated apps use `principal`. Secret. */
  corpToken(corpId: string, permanentCode: string, options?: CallOptions): Promise<string>
  adminList(corpId: string, agentId: number, options?: CallOptions): Promise<readonly CorpAdmin[]>
  /**
   * Redeems a sign-in code, which works once and for five minutes. `legacy` uses `service/getuserinfo3rd`. Says nothing
   * about permission, and the company may be any: it need not have authorised the suite.
   */
  userInfo(code: string, options?: CallOptions & { legacy?: boolean }): Promise<ProviderIdentity>
  userDetail(userTicket: string, options?: CallOptions): Promise<ProviderSignInDetail>
  /** The current suite token, for calls this package does not know. Secret. */
  token(options?: CallOptions): Promise<string>
}

/** @param corpTokenOf how a caller is made for one company; its only use is the token */
export function createSuite(
  caller: Caller,
  suiteId: string,
  corpTokenOf: (credential: { corpId: string; permanentCode: string }, options?: CallOptions) => Promise<string>,
): Suite {
  const { call } = caller

  /** The newer path; the older one where a server does not know it. Nothing was redeemed then. */
  async function callEither<T>(request: ApiRequest<T>, older: string, options: CallOptions | undefined): Promise<T> {
    try {
      return await call(request, options)
    } catch (error) {
      if (!(error instanceof WecomError) || error.httpStatus !== 404) throw error
      return await call({ ...request, api: older }, options)
    }
  }

  return {
    suiteId,

    async preAuthCode(options) {
      const api = 'service/get_pre_auth_code'
      return await call({ api, method: 'GET', repeat: 'always', read: readPreAuthCode }, options)
    },

    async setSession(preAuthCode, { appIds, authType }, options) {
      const api = 'service/set_session_info'
      requireArgument(api, 'pre-authorisation code', preAuthCode)
      const session = {
        ...(appIds === undefined ? {} : { appid: appIds }),
        ...(authType === undefined ? {} : { auth_type: authType === 'test' ? 1 : 0 }),
      }
      const body = { pre_auth_code: preAuthCode, session_info: session }
      await call({ api, method: 'POST', body, repeat: 'always', read: requireErrcode }, options)
    },

    async permanentCode(authCode, options) {
      const api = 'service/v2/get_permanent_code'
      requireArgument(api, 'authorisation code', authCode)
      const body = { auth_code: authCode }
      const request = { api, method: 'POST', body, repeat: 'unless-used-up', read: readPermanentCode } as const
      return await callEither(request, 'service/get_permanent_code', options)
    },

    async authInfo(corpId, permanentCode, options) {
      const api = 'service/v2/get_auth_info'
      requireArgument(api, 'corp id', corpId)
      requireArgument(api, 'permanent code', permanentCode)
      const body = { auth_corpid: corpId, permanent_code: permanentCode }
      const request = { api, method: 'POST', body, repeat: 'always', read: readAuthInfo } as const
      return await callEither(request, 'service/get_auth_info', options)
    },

    async corpToken(corpId, permanentCode, options) {
      requireArgument('service/get_corp_token', 'corp id', corpId)
      requireArgument('service/get_corp_token', 'permanent code', permanentCode)
      return await corpTokenOf({ corpId, permanentCode }, options)
    },

    async adminList(corpId, agentId, options) {
      const api = 'service/get_admin_list'
      requireArgument(api, 'corp id', corpId)
      const body = { auth_corpid: corpId, agentid: agentId }
      return await call({ api, method: 'POST', body, repeat: 'always', read: readAdmins }, options)
    },

    async userInfo(code, options) {
      const isLegacy = options?.legacy === true
      const api = isLegacy ? 'service/getuserinfo3rd' : 'service/auth/getuserinfo3rd'
      requireArgument(api, 'code', code)
      const request: ApiRequest<ProviderIdentity> = {
        api,
        method: 'GET',
        query: { code },
        repeat: 'unless-used-up',
        read: readProviderIdentity,
        ...(isLegacy ? { tokenParameter: 'access_token' } : {}),
      }
      return await call(request, options)
    },

    async userDetail(userTicket, options) {
      const api = 'service/auth/getuserdetail3rd'
      requireArgument(api, 'user ticket', userTicket)
      const body = { user_ticket: userTicket }
      return await call({ api, method: 'POST', body, repeat: 'always', read: readDetail }, options)
    },

    token: (options) => caller.token(options),
  }
}

function requireArgument(api: string, name: string, value: string): void {
  if (value === '') throw invalidArgument(api, `the ${name} is empty`)
}

/** Where the answer is nothing else, one without it is no answer. That it is 0 was seen before. */
function requireErrcode(answer: WireObject): void {
  if (answer['errcode'] === undefined) throw new IncompleteAnswer('"errcode" is missing')
}

function readPreAuthCode(answer: WireObject): PreAuthCode {
  return {
    code: requireText(answer, 'pre_auth_code'),
    // 1200 in all samples; a server that omits it is given that.
    expiresInSeconds: toInteger(answer['expires_in']) ?? 1200,
  }
}

function readPermanentCode(answer: WireObject): PermanentCode {
  const admin = answer['auth_user_info']
  const registration = answer['register_code_info']
  return {
    permanentCode: requireText(answer, 'permanent_code'),
    corp: readCorp(answer),
    ...(isObject(admin)
      ? {
          admin: {
            userid: toNonEmptyText(admin['userid']),
            openUserid: toNonEmptyText(admin['open_userid']),
            name: toText(admin['name']),
          },
        }
      : {}),
    state:
      toNonEmptyText(answer['state']) ?? (isObject(registration) ? toNonEmptyText(registration['state']) : undefined),
    agents: readAgents(answer),
  }
}

function readAuthInfo(answer: WireObject): AuthInfo {
  return { corp: readCorp(answer), agents: readAgents(answer) }
}

function readCorp(answer: WireObject): AuthorizedCorp {
  const corp = answer['auth_corp_info']
  if (!isObject(corp)) throw new IncompleteAnswer('"auth_corp_info" is missing')
  return {
    corpId: requireText(corp, 'corpid'),
    name: toText(corp['corp_name']),
    fullName: toText(corp['corp_full_name']),
    squareLogoUrl: toText(corp['corp_square_logo_url']),
    maxMembers: toInteger(corp['corp_user_max']),
    verifiedUntil: toMoment(corp['verified_end_time']),
  }
}

/** Undefined when the answer is not about apps. One that is, but cannot be read, is a failed call. */
function readAgents(answer: WireObject): AuthorizedAgent[] | undefined {
  const info = answer['auth_info']
  if (!isObject(info) || info['agent'] === undefined || info['agent'] === null) return undefined
  const editions = readEditions(answer)
  return requireList(info, 'agent').map((row) => {
    const agentId = isObject(row) ? toInteger(row['agentid']) : undefined
    if (!isObject(row) || agentId === undefined) throw new IncompleteAnswer('an app lacks its "agentid"')
    const privilege = isObject(row['privilege']) ? row['privilege'] : {}
    return {
      agentId,
      name: toText(row['name']),
      squareLogoUrl: toText(row['square_logo_url']),
      isCustomizedApp: toFlag(row['is_customized_app']),
      authMode: toInteger(row['auth_mode']),
      allowedDepartmentIds: toIntegerList(privilege['allow_party']),
      allowedUserids: toTextList(privilege['allow_user']),
      allowedTagIds: toIntegerList(privilege['allow_tag']),
      edition: editions.get(agentId),
    }
  })
}

function readEditions(answer: WireObject): Map<number, Edition> {
  const info = answer['edition_info']
  const rows: unknown = isObject(info) ? info['agent'] : undefined
  const editions = new Map<number, Edition>()
  for (const row of Array.isArray(rows) ? rows : []) {
    if (!isObject(row)) continue
    const agentId = toInteger(row['agentid'])
    if (agentId === undefined) continue
    editions.set(agentId, {
      id: toNonEmptyText(row['edition_id']),
      name: toNonEmptyText(row['edition_name']),
      appStatus: toInteger(row['app_status']),
      maxUsers: toInteger(row['user_limit']),
      expiresAt: toMoment(row['expired_time']),
    })
  }
  return editions
}

function readAdmins(answer: WireObject): CorpAdmin[] {
  return requireList(answer, 'admin').map((row) => {
    const admin = isObject(row) ? row : {}
    const userid = toNonEmptyText(admin['userid'])
    const openUserid = toNonEmptyText(admin['open_userid'])
    if (userid === undefined && openUserid === undefined) throw new IncompleteAnswer('an administrator has no id')
    return { userid, openUserid, canManage: toFlag(admin['auth_type']) }
  })
}

function readDetail(answer: WireObject): ProviderSignInDetail {
  return {
    corpId: requireText(answer, 'corpid'),
    userid: requireText(answer, 'userid'),
    name: toText(answer['name']),
    gender: toGender(answer['gender']),
    avatar: toText(answer['avatar']),
    qrCode: toText(answer['qr_code']),
  }
}

/** Seconds since 1970; WeCom writes 0, and 2^32-1 for "never", where there is no end. */
function toMoment(value: unknown): number | undefined {
  const seconds = toInteger(value)
  return seconds === undefined || seconds <= 0 || seconds >= 4_294_967_295 ? undefined : seconds * 1000
}
