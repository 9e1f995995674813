/**
 * The calls of a service provider as a whole, beyond its single suites (pages 91200, 91120, 97164). They carry the token of
 * the provider.
 */

import { invalidArgument } from './errors.ts'
import type { Priority } from './budget.ts'
import { readProviderIdentity } from './provider-identity.ts'
import type { ProviderIdentity } from './provider-identity.ts'
import type { Caller, CallOptions, CallReport } from './request.ts'
import { isObject, requireText, toFlag, toInteger, toText } from './wire.ts'
import type { WireObject } from './wire.ts'

export type ProviderOptions = {
  /** Of the service provider itself. */
  corpId: string
  /** ProviderSecret of the provider console. */
  secret: string
  /** Called after every HTTP request of this provider. Must not throw. */
  onCall?: (report: CallReport) => void
  /** Default `bulk`. */
  priority?: Priority
}

/** What a person is in the company they signed in for. External administrators belong to the provider's side. */
export type LoginRole = 'creator' | 'internal-administrator' | 'external-administrator' | 'sub-administrator' | 'member'

export type LoginInfo = {
  /** An `outsider` is an administrator who is not in the address book of the company. */
  readonly identity: ProviderIdentity
  readonly role?: LoginRole
  /** The userid again, for providers since mid-2020. */
  readonly name?: string
  readonly avatar?: string
  /** Of administrators only: the apps of the provider they may use or manage. */
  readonly agents?: readonly { readonly agentId: number; readonly canManage?: boolean }[]
}

/** A page on which an administrator authorises templates of delegated apps. */
export type CustomizedAuthUrl = { readonly url: string; readonly expiresInSeconds: number }

/** One service provider. Cheap to create; shares tokens, budget, pauses and connections with everything of its Wecom. */
export interface Provider {
  readonly corpId: string
  /**
   * Redeems the `auth_code` of the older sign-in page and of WeCom's admin console, once. WECOM_CODE_REJECTED means: start
   * again. Not repeated after a timeout, because the code may be used up.
   */
  loginInfo(authCode: string, options?: CallOptions): Promise<LoginInfo>
  /** `state` comes back with the authorisation. */
  customizedAuthUrl(
    request: { state: string; templateIds: readonly string[] },
    options?: CallOptions,
  ): Promise<CustomizedAuthUrl>
  /** The id of a company as this provider sees it. */
  openCorpId(corpId: string, options?: CallOptions): Promise<string>
  /** The current provider token, for calls this package does not know. Secret. */
  token(options?: CallOptions): Promise<string>
}

export function createProvider(caller: Caller, corpId: string): Provider {
  const { call } = caller
  return {
    corpId,

    async loginInfo(authCode, options) {
      const api = 'service/get_login_info'
      if (authCode === '') throw invalidArgument(api, 'the authorisation code is empty')
      const body = { auth_code: authCode }
      const tokenParameter = 'access_token' // the only call that wants the provider's token under this name
      return await call(
        { api, method: 'POST', body, tokenParameter, repeat: 'unless-used-up', read: readLoginInfo },
        options,
      )
    },

    async customizedAuthUrl({ state, templateIds }, options) {
      const api = 'service/get_customized_auth_url'
      if (templateIds.length === 0) throw invalidArgument(api, 'there is no template')
      const body = { state, templateid_list: templateIds }
      return await call({ api, method: 'POST', body, repeat: 'always', read: readAuthUrl }, options)
    },

    async openCorpId(plainCorpId, options) {
      const api = 'service/corpid_to_opencorpid'
      if (plainCorpId === '') throw invalidArgument(api, 'the corp id is empty')
      const read = (answer: WireObject) => requireText(answer, 'open_corpid')
      return await call({ api, method: 'POST', body: { corpid: plainCorpId }, repeat: 'always', read }, options)
    },

    token: (options) => caller.token(options),
  }
}

const ROLES: Readonly<Record<number, LoginRole>> = {
  1: 'creator',
  2: 'internal-administrator',
  3: 'external-administrator',
  4: 'sub-administrator',
  5: 'member',
}

/** Here the ids are in two objects; who is in no address book has no `user_info`, or one without userid. */
function readLoginInfo(answer: WireObject): LoginInfo {
  const user = isObject(answer['user_info']) ? answer['user_info'] : {}
  const corp = isObject(answer['corp_info']) ? answer['corp_info'] : {}
  const role = ROLES[toInteger(answer['usertype']) ?? 0]
  const isInAddressBook = toText(user['userid']) !== undefined && user['userid'] !== ''
  const corpId = requireText(corp, 'corpid')
  const agents = answer['agent']
  return {
    identity: isInAddressBook ? readProviderIdentity({ ...user, corpid: corpId }) : { kind: 'outsider' },
    role,
    name: toText(user['name']),
    avatar: toText(user['avatar']),
    ...(Array.isArray(agents) ? { agents: agents.flatMap(readAgent) } : {}),
  }
}

function readAgent(row: unknown): { agentId: number; canManage?: boolean }[] {
  const agentId = isObject(row) ? toInteger(row['agentid']) : undefined
  if (!isObject(row) || agentId === undefined) return []
  return [{ agentId, canManage: toFlag(row['auth_type']) }]
}

function readAuthUrl(answer: WireObject): CustomizedAuthUrl {
  return {
    url: requireText(answer, 'qrcode_url'),
    // Ten days by the documentation; a server that omits it is given that.
    expiresInSeconds: toInteger(answer['expires_in']) ?? 10 * 24 * 3600,
  }
}
