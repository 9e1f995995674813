/**
 * Service providers 服务商, their suites 第三方应用 and templates 代开发应用模板, and which companies authorised them
 * (wecom-api.md §1.2, §3.4, §3.5). Keeps them and applies the rules that do not depend on how somebody asks: the routes,
 * the pages and the control functions are three doors to this.
 */

import { createHmac } from 'node:crypto'

import { createApp } from '../company/apps.ts'
import type { App, VisibleRange } from '../company/apps.ts'
import type { SigninIdentity } from '../sign-in/codes.ts'
import type { Company } from '../company/company.ts'
import { createRandom } from '../random.ts'
import type { Random } from '../random.ts'
import type { Readings } from '../settings.ts'
import { createSingleUseCodes } from '../sign-in/single-use-codes.ts'
import type { SingleUseCodes } from '../sign-in/single-use-codes.ts'
import { createTokenStore } from '../api/token-store.ts'
import type { TokenStore } from '../api/token-store.ts'

/**
 * | Kind | What |
 * |---|---|
 * | third-party | an app for any company 第三方应用; with web login also the login-authorisation app 登录授权 of the provider |
 * | third-party-contacts | a contacts app 通讯录应用 |
 * | delegated | a template 代开发应用模板, from which every company gets an app of its own |
 */
export const suiteKinds = ['third-party', 'third-party-contacts', 'delegated'] as const
export type SuiteKind = (typeof suiteKinds)[number]

export interface Provider {
  readonly corpId: string
  name: string
  secret: string
  /** 60020 from any other address, for the provider, its suites and the apps made by them; `any` switches the check off. */
  trustedAddresses: string[] | 'any'
  /** Hosts that the older login page (`3rd_qrConnect`) may send people back to; `any` switches the check off. */
  loginDomains: string[] | 'any'
  readonly suites: Suite[]
}

export interface Suite {
  /** `ww…`; `dk…` for a template, whose suite id is its template id. */
  readonly suiteId: string
  readonly provider: Provider
  readonly kind: SuiteKind
  name: string
  secret: string
  /** 已上线. Companies can authorise one that is not online for a test only. */
  isOnline: boolean
  /** Whether `login_type=ServiceApp` takes it. Never for a template. */
  hasWebLogin: boolean
  /** 可信域名: hosts that may receive codes, of pages inside the client and of installations. */
  trustedDomains: string[] | 'any'
  /** 授权回调域 of web login: more hosts, for the login page and for installations. */
  callbackDomains: string[]
  /** What apps made by an authorisation from now on begin with. */
  grantedFields: string[]
  seesStructure: boolean
  canEditContacts: boolean
  /** 成员敏感信息授权: without it `snsapi_privateinfo` is refused. */
  hasPrivateInfo: boolean
  callback: SuiteCallback | undefined
  /** Newest last. */
  readonly tickets: { value: string; atMs: number }[]
  readonly authorizations: Map<Company, Authorization>
}

/** One token and key for both addresses, as in the provider's console. */
export interface SuiteCallback {
  readonly token: string
  readonly encodingAesKey: string
  /** 指令回调: tickets and authorisations. */
  readonly commandUrl: string
  /** 数据回调: what happens in the authorised companies. */
  readonly dataUrl?: string | undefined
  readonly envelope: 'xml' | 'json'
  /** When it was entered: the first ticket is due ten minutes later. */
  readonly sinceMs: number
}

export interface Edition {
  /** People the edition allows. */
  seats: number
  expiresAtMs: number
}

/** One company's authorisation of one suite. */
export interface Authorization {
  readonly suite: Suite
  readonly company: Company
  /** The app that it put into the company. Its secret is the permanent code. */
  readonly app: App
  readonly authorizedAtMs: number
  /** Echoed from a link with a state; null when there was none. */
  readonly state: string | null
  readonly isTest: boolean
  /** userid of the administrator who did it. */
  readonly authorizedBy: string
  /** `get_admin_list`: who manages the app, and who may only send messages by it. */
  admins: { userid: string; canManage: boolean }[]
  edition: Edition | null
  /** After a reset: the secret that its authorisation code will bring. */
  nextSecret?: string | undefined
}

export interface PreAuthorization {
  readonly suite: Suite
  /** `set_session_info` with `auth_type` 1: also companies may install that test the suite before it is online. */
  isTest: boolean
}

/** A link or a picture for administrators (`get_customized_auth_url`). */
export interface Invitation {
  readonly suites: readonly Suite[]
  readonly state: string
  readonly expiresAtMs: number
}

/** What a sign-in code of a suite stands for. */
export interface SuiteCodeGrant {
  readonly suite: Suite
  /** Absent for somebody who belongs to no company. */
  readonly company?: Company | undefined
  readonly identity: SigninIdentity
  readonly source: 'web' | 'client'
  readonly domain?: string | undefined
  /** The private fields that the member agreed to show. */
  readonly privateFields?: readonly string[] | undefined
}

/** What an `auth_code` of the older login page stands for. */
export interface ProviderLogin {
  readonly provider: Provider
  readonly company: Company
  readonly userid: string
}

export interface NewAuthorization {
  range?: VisibleRange | undefined
  agentId?: number | undefined
  state?: string | null | undefined
  isTest?: boolean | undefined
  authorizedBy?: string | undefined
  edition?: Edition | null | undefined
}

export interface Providers {
  readonly all: Map<string, Provider>
  suite(suiteId: string): Suite | undefined
  /** Undefined when there is one of this id already. */
  createProvider(given: { seed: string } & Partial<Pick<Provider, 'corpId' | 'name' | 'secret'>>): Provider | undefined
  createSuite(
    provider: Provider,
    given: { kind: SuiteKind } & Partial<Pick<Suite, 'suiteId' | 'name' | 'secret'>>,
  ): Suite

  /** The id of a company as this provider sees it. */
  openCorpId(provider: Provider, company: Company): string
  /** The company behind an id that providers see, and which provider sees it so. Plain ids are nobody's here. */
  companyOf(openCorpId: string): { provider: Provider; company: Company } | undefined
  /** By whose authorisation this app came to be; undefined for an app of the company's own. */
  authorizationOf(company: Company, app: App): Authorization | undefined
  suiteOf(app: App): Suite | undefined

  /** Puts the app into the company. There must be no authorisation yet. */
  authorize(suite: Suite, company: Company, given: NewAuthorization): Authorization
  /** Takes the app out of the company; its secret is worth nothing from now on. */
  cancel(authorization: Authorization): void
  /** True until it is cancelled, or the company is gone. */
  isCurrent(authorization: Authorization): boolean
  /** True when this was the permanent code of an app of the suite that was cancelled or reset. */
  isFormerSecret(suite: Suite, secret: string): boolean
  /** A new permanent code, at once or when its authorisation code is exchanged, by the reading. */
  resetSecret(authorization: Authorization): void
  /** To be called when an authorisation code is exchanged: a secret that waits for this takes effect. */
  settleSecret(authorization: Authorization): void
  /** A company that was replaced or removed takes its authorisations with it. */
  forget(company: Company): void

  /** Ends the tokens of the suite and those of its provider. Returns how many were alive. */
  revokeTokens(suiteId: string, as: 40014 | 42001): number
  mintTicket(suite: Suite): string
  /** Not older than 30 minutes. */
  isGoodTicket(suite: Suite, value: string): boolean

  readonly suiteTokens: TokenStore<Suite>
  readonly providerTokens: TokenStore<Provider>
  readonly preAuthCodes: SingleUseCodes<PreAuthorization>
  readonly authCodes: SingleUseCodes<Authorization>
  readonly signInCodes: SingleUseCodes<SuiteCodeGrant>
  readonly loginCodes: SingleUseCodes<ProviderLogin>
  readonly invitations: Map<string, Invitation>
  /** Where the pages are, for links in answers. Set when their server listens. */
  pagesUrl: string
  clear(): void
}

export const lifetimes = {
  ticketMs: 30 * 60_000,
  ticketEveryMs: 10 * 60_000,
  preAuthCodeMs: 1_200_000,
  /** Of a redirect from the install page. */
  redirectedAuthCodeMs: 1_200_000,
  /** Of `create_auth` and `reset_permanent_code`. */
  pushedAuthCodeMs: 600_000,
  signInCodeMs: 300_000,
  invitationMs: 10 * 86_400_000,
} as const

/** More than fit into 30 minutes when somebody pushes by hand; older ones are dead anyway. */
const ticketsKept = 20
const formerSecretsMax = 1_000

export function createProviders(random: Random, readings: () => Readings, now: () => number): Providers {
  const all = new Map<string, Provider>()
  const invitations = new Map<string, Invitation>()
  /** By the app itself, so that nobody has to clean up. */
  const authorizations = new WeakMap<App, Authorization>()
  const formerSecrets = new Map<string, Suite>()
  /** An id that was given once is not given again, also not after a cancellation. */
  const highestAgentId = new WeakMap<Company, number>()
  const openIds = new WeakMap<Provider, WeakMap<Company, string>>()
  /** For the way back, also for companies that have cancelled. */
  const byOpenId = new Map<string, { provider: Provider; company: Company }>()

  const providers: Providers = {
    all,
    suite(suiteId) {
      for (const { suites } of all.values()) {
        const suite = suites.find((candidate) => candidate.suiteId === suiteId)
        if (suite) return suite
      }
      return undefined
    },
    createProvider({ seed, corpId, name = '示例服务商', secret }) {
      const identity = createRandom(`${seed}/provider`)
      const provider: Provider = {
        corpId: corpId ?? `ww${identity.hex(16)}`,
        name,
        secret: secret ?? identity.hex(64),
        trustedAddresses: 'any',
        loginDomains: 'any',
        suites: [],
      }
      if (all.has(provider.corpId)) return undefined
      all.set(provider.corpId, provider)
      return provider
    },
    createSuite(provider, { kind, suiteId, name, secret }) {
      // By its number, so that what traffic draws from the world's dice does not change anybody's ids.
      const identity = createRandom(`${provider.corpId}/suite ${provider.suites.length + 1}`)
      const suite: Suite = {
        suiteId: suiteId ?? `${kind === 'delegated' ? 'dk' : 'ww'}${identity.hex(16)}`,
        provider,
        kind,
        name: name ?? suiteNames[kind],
        secret: secret ?? identity.hex(43),
        isOnline: true,
        hasWebLogin: kind !== 'delegated',
        trustedDomains: 'any',
        callbackDomains: [],
        grantedFields: kind === 'delegated' ? ['name', 'position'] : ['gender', 'avatar', 'qr_code'],
        seesStructure: false,
        canEditContacts: kind === 'third-party-contacts',
        hasPrivateInfo: true,
        callback: undefined,
        tickets: [],
        authorizations: new Map(),
      }
      provider.suites.push(suite)
      return suite
    },

    openCorpId(provider, company) {
      if (readings().corpIdsForProviders === 'plain') return company.corpId
      const ofProvider = openIds.get(provider) ?? new WeakMap<Company, string>()
      openIds.set(provider, ofProvider)
      const known = ofProvider.get(company)
      if (known !== undefined) return known
      const digest = createHmac('sha256', provider.corpId).update(company.corpId).digest('base64url')
      const id = `wpk${digest.slice(0, 29)}`
      ofProvider.set(company, id)
      byOpenId.set(id, { provider, company })
      return id
    },
    companyOf: (openCorpId) => byOpenId.get(openCorpId),
    authorizationOf: (company, app) => {
      const authorization = authorizations.get(app)
      return authorization?.company === company ? authorization : undefined
    },
    suiteOf: (app) => authorizations.get(app)?.suite,

    authorize(suite, company, given) {
      if (suite.authorizations.has(company)) throw new Error('the company has authorised the suite already')
      const freeId =
        Math.max(1_000_001, highestAgentId.get(company) ?? 0, ...company.apps.map((app) => app.agentId)) + 1
      const app = createApp({
        agentId: given.agentId ?? freeId,
        kind: suite.kind,
        name: suite.name,
        secret: random.hex(64),
        range: given.range ?? { departments: [1], members: [], tags: [] },
        trustedDomains: suite.trustedDomains === 'any' ? 'any' : [...suite.trustedDomains],
        callbackDomains: [...suite.callbackDomains],
        grantedFields: [...suite.grantedFields],
        seesStructure: suite.seesStructure,
        canEditContacts: suite.canEditContacts,
        providerId: suite.provider.corpId,
        suiteId: suite.suiteId,
      })
      highestAgentId.set(company, Math.max(highestAgentId.get(company) ?? 0, app.agentId))
      const authorizedBy = given.authorizedBy ?? administratorOf(company)
      const authorization: Authorization = {
        suite,
        company,
        app,
        authorizedAtMs: now(),
        state: given.state ?? null,
        isTest: given.isTest ?? false,
        authorizedBy,
        admins: [{ userid: authorizedBy, canManage: true }],
        edition: given.edition ?? null,
      }
      company.apps.push(app)
      authorizations.set(app, authorization)
      suite.authorizations.set(company, authorization)
      // Known from now on for the way back.
      providers.openCorpId(suite.provider, company)
      return authorization
    },
    cancel(authorization) {
      const { suite, company, app } = authorization
      suite.authorizations.delete(company)
      const place = company.apps.indexOf(app)
      if (place >= 0) company.apps.splice(place, 1)
      retire(suite, app.secret)
    },
    isCurrent: ({ suite, company, app }) => suite.authorizations.get(company)?.app === app,
    isFormerSecret: (suite, secret) => formerSecrets.get(secret) === suite,
    resetSecret(authorization) {
      authorization.nextSecret = random.hex(64)
      if (readings().resetKillsSecret === 'at-once') providers.settleSecret(authorization)
    },
    settleSecret(authorization) {
      const { suite, app, nextSecret } = authorization
      if (nextSecret === undefined) return
      retire(suite, app.secret)
      app.secret = nextSecret
      app.version++
      authorization.nextSecret = undefined
    },
    forget(company) {
      for (const { suites } of all.values()) for (const suite of suites) suite.authorizations.delete(company)
      for (const [id, known] of byOpenId) if (known.company === company) byOpenId.delete(id)
    },

    revokeTokens(suiteId, as) {
      const end = as === 40014 ? 'invalid' : 'expired'
      const isItsProvider = ({ suites }: Provider) => suites.some((suite) => suite.suiteId === suiteId)
      return (
        providers.suiteTokens.revoke((suite) => suite.suiteId === suiteId, end) +
        providers.providerTokens.revoke(isItsProvider, end)
      )
    },
    mintTicket(suite) {
      const value = random.hex(64)
      suite.tickets.push({ value, atMs: now() })
      if (suite.tickets.length > ticketsKept) suite.tickets.shift()
      return value
    },
    isGoodTicket: (suite, value) =>
      suite.tickets.some((ticket) => ticket.value === value && now() < ticket.atMs + lifetimes.ticketMs),

    suiteTokens: createTokenStore<Suite>({
      random,
      now,
      errors: { invalid: 40082, expired: 42009 },
      keyOf: (suite) => suite,
    }),
    providerTokens: createTokenStore<Provider>({
      random,
      now,
      errors: { invalid: 40014, expired: 42001 },
      keyOf: (provider) => provider,
    }),
    preAuthCodes: createSingleUseCodes(random, now, 64),
    authCodes: createSingleUseCodes(random, now, 96),
    signInCodes: createSingleUseCodes(random, now, 43),
    loginCodes: createSingleUseCodes(random, now, 96),
    invitations,
    pagesUrl: 'https://open.work.weixin.qq.com',
    clear() {
      all.clear()
      invitations.clear()
      formerSecrets.clear()
      byOpenId.clear()
      providers.suiteTokens.revoke(() => true, 'invalid')
      providers.providerTokens.revoke(() => true, 'invalid')
    },
  }
  return providers

  function retire(suite: Suite, secret: string): void {
    formerSecrets.set(secret, suite)
    for (const oldest of formerSecrets.keys()) {
      if (formerSecrets.size <= formerSecretsMax) break
      formerSecrets.delete(oldest)
    }
  }
}

const suiteNames: Readonly<Record<SuiteKind, string>> = {
  'third-party': '服务商应用',
  'third-party-contacts': '服务商通讯录',
  delegated: '代开发模板',
}

/** Somebody active: whoever installs an app is there. */
function administratorOf(company: Company): string {
  for (const { userid, status } of company.members.values()) if (status === 1) return userid
  return ''
}
