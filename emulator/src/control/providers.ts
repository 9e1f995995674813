/**
 * The control functions for providers, suites and the companies that authorise them: one part of control.ts, which is where
 * both doors come in. No function waits for a callback to be delivered, except the one that verifies addresses.
 */

import type { VisibleRange } from '../company/apps.ts'
import type { Tampering } from '../callbacks/request.ts'
import type { DeliveryRecord, Verification } from '../callbacks/sender.ts'
import type { Company } from '../company/company.ts'
import { addressOf, byPages, ControlError } from './errors.ts'
import { findCompany } from '../company/corp-ids.ts'
import { install, installPath, invitationPath, readInstall } from '../providers/install.ts'
import type { Installed } from '../providers/install.ts'
import { lifetimes } from '../providers/providers.ts'
import type { Authorization, Edition, Provider, Suite, SuiteKind } from '../providers/providers.ts'
import {
  announceAuthorization,
  pushTicket,
  sendToSuite,
  subscribeToContacts,
  unsubscribeFromContacts,
} from '../providers/suite-events.ts'
import type { World } from '../world.ts'

export interface ProviderListing {
  corpId: string
  name: string
  secret: string
  trustedAddresses: string[] | 'any'
  loginDomains: string[] | 'any'
  suites: SuiteListing[]
}

/** What can be changed of a suite. */
export type SuiteSettings = Pick<
  Suite,
  | 'name'
  | 'secret'
  | 'isOnline'
  | 'hasWebLogin'
  | 'trustedDomains'
  | 'callbackDomains'
  | 'grantedFields'
  | 'seesStructure'
  | 'canEditContacts'
  | 'hasPrivateInfo'
>

export type SuiteListing = Pick<Suite, 'suiteId' | 'kind'> &
  SuiteSettings & {
    providerCorpId: string
    callback: { commandUrl: string; dataUrl: string | null; envelope: 'xml' | 'json' } | null
    /** When the newest ticket was made. */
    ticketAtMs: number | null
    authorizations: AuthorizationListing[]
  }

export interface AuthorizationListing {
  /** Its own id, which no provider sees. */
  corpId: string
  /** As the provider sees it. */
  openCorpId: string
  name: string
  agentId: number
  permanentCode: string
  isEnabled: boolean
  range: VisibleRange
  state: string | null
  isTest: boolean
  authorizedBy: string
  admins: { userid: string; canManage: boolean }[]
  edition: Edition | null
  authorizedAtMs: number
}

/** A suite, and a company by its own id or by the one that the provider sees. */
export interface AuthorizationRef {
  suiteId: string
  corpId: string
}

export interface AuthorizationTerms {
  /** The whole company by default. */
  range?: VisibleRange
  /** A new one by default. */
  agentId?: number
  /** The administrator; somebody active by default. */
  authorizedBy?: string
  /** People that the edition allows, and when it ends. Without them there is no edition. */
  seats?: number
  expiresAtMs?: number
}

export interface SuiteCallbackVerification {
  ok: boolean
  command: Verification
  /** Null without a data URL. */
  data: Verification | null
}

export interface SuiteShape {
  kind: SuiteKind
  name?: string
  suiteId?: string
  secret?: string
}

export interface ProviderShape {
  /** The same seed has the same id, the same secret and the same suites; `1`, `2` … by default. */
  seed?: string
  name?: string
  corpId?: string
  secret?: string
  suites?: SuiteShape[]
}

export interface ProviderControl {
  providers(): ProviderListing[]
  createProvider(shape?: ProviderShape): ProviderListing
  patchProvider(change: {
    corpId: string
    patch: Partial<Pick<Provider, 'name' | 'secret' | 'trustedAddresses' | 'loginDomains'>>
  }): ProviderListing
  createSuite(shape: SuiteShape & { providerCorpId: string }): SuiteListing
  /** Domains and rights are handed on to apps that are authorised from now on. */
  patchSuite(change: { suiteId: string; patch: Partial<SuiteSettings> }): SuiteListing

  /**
   * Verifies both addresses as the provider's console does, and enters them when both answer rightly. Then a ticket is pushed at
   * once, unless `firstTicket` is false: the next one is due ten minutes later.
   */
  setSuiteCallback(given: {
    suiteId: string
    token: string
    encodingAesKey: string
    commandUrl: string
    dataUrl?: string
    envelope?: 'xml' | 'json'
    firstTicket?: boolean
    /** Enters them without asking. */
    unchecked?: boolean
  }): Promise<SuiteCallbackVerification>
  removeSuiteCallback(which: { suiteId: string }): { removed: boolean }
  /** A ticket now, as by the button in the provider's console. Made without an address, too: then nothing is sent. */
  pushTicket(which: { suiteId: string }): { ticket: string }

  /**
   * Queues any message to an address of the suite: the whole plain text, or the elements behind SuiteId and TimeStamp, such as
   * `{"InfoType": "cancel_auth", "AuthCorpId": "…"}`. Changes nothing here. `command` by default.
   */
  sendSuiteEvent(event: {
    suiteId: string
    message: string | Record<string, unknown>
    to?: 'command' | 'data'
    tampering?: Tampering
    attempts?: number
  }): DeliveryRecord

  /**
   * An administrator agrees. From `wecom` (market, QR code of a template) the provider hears of it by `create_auth`; from the
   * `provider` its own page gets the code, and no event is sent.
   */
  authorize(
    given: AuthorizationRef & AuthorizationTerms & { from: 'wecom' | 'provider'; state?: string },
  ): AuthorizationListing & { authCode: string }
  /** `change_auth`: another range, edition, administrators; disabled and enabled again. */
  changeAuthorization(
    change: AuthorizationRef & {
      range?: VisibleRange
      isEnabled?: boolean
      admins?: { userid: string; canManage: boolean }[]
      seats?: number
      expiresAtMs?: number
    },
  ): AuthorizationListing
  /** `cancel_auth`: the app leaves the company, its tokens and its permanent code are worth nothing. */
  cancelAuthorization(which: AuthorizationRef): void
  /** `reset_permanent_code`: the provider gets a code for the new one. */
  resetPermanentCode(which: AuthorizationRef): { authCode: string }
  /** What comes of it when an administrator of the company opens this install page or invitation, and agrees. */
  completeInstall(given: { url: string; corpId: string } & AuthorizationTerms): Installed
}

export function createProviderControl(world: World): ProviderControl {
  const { providers } = world

  return {
    providers: () => [...providers.all.values()].map(listProvider),
    createProvider({ seed = String(providers.all.size + 1), suites = [], ...given } = {}) {
      const provider = providers.createProvider({ seed, ...given })
      if (!provider) throw new ControlError('there is a provider of this id already: give another seed')
      for (const shape of suites) addSuite(provider, shape)
      return listProvider(provider)
    },
    patchProvider({ corpId, patch }) {
      const provider = providerOf(corpId)
      Object.assign(provider, structuredClone(patch))
      return listProvider(provider)
    },
    createSuite: ({ providerCorpId, ...shape }) => listSuite(addSuite(providerOf(providerCorpId), shape)),
    patchSuite({ suiteId, patch }) {
      const suite = suiteOf(suiteId)
      Object.assign(suite, structuredClone(patch))
      return listSuite(suite)
    },

    async setSuiteCallback({ suiteId, commandUrl, dataUrl, firstTicket = true, unchecked = false, ...given }) {
      const suite = suiteOf(suiteId)
      const { token, encodingAesKey, envelope = 'xml' } = given
      const receiveId = world.settings.readings.suiteVerificationReceiver === 'suite' ? suiteId : suite.provider.corpId
      const verify = (url: string): Promise<Verification> =>
        unchecked
          ? Promise.resolve({ ok: true, status: 0, ms: 0 })
          : world.sender.verify({ url, token, encodingAesKey, receiveId })
      const [command, data] = await Promise.all([
        verify(commandUrl),
        dataUrl === undefined ? Promise.resolve(null) : verify(dataUrl),
      ])
      const ok = command.ok && (data?.ok ?? true)
      if (ok) {
        suite.callback = { token, encodingAesKey, commandUrl, dataUrl, envelope, sinceMs: world.now() }
        for (const authorization of suite.authorizations.values()) subscribeToContacts(world, authorization)
        if (firstTicket) pushTicket(world, suite)
      }
      return { ok, command, data }
    },
    removeSuiteCallback({ suiteId }) {
      const suite = suiteOf(suiteId)
      const removed = suite.callback !== undefined
      suite.callback = undefined
      for (const authorization of suite.authorizations.values()) unsubscribeFromContacts(world, authorization)
      return { removed }
    },
    pushTicket: ({ suiteId }) => ({ ticket: pushTicket(world, suiteOf(suiteId)) }),
    sendSuiteEvent({ suiteId, message, to = 'command', tampering, attempts }) {
      const suite = suiteOf(suiteId)
      const { callback } = suite
      if (!callback) throw new ControlError(`suite ${suiteId} has no callback address: call setSuiteCallback first`)
      const given = { message: structuredClone(message), to, tampering, attempts }
      return structuredClone(sendToSuite(world, { suite, callback }, given).record)
    },

    authorize({ suiteId, corpId, from, state, ...terms }) {
      const suite = suiteOf(suiteId)
      const company = companyOf(corpId)
      if (suite.authorizations.has(company)) {
        throw new ControlError(`${corpId} has authorised ${suiteId} already: use changeAuthorization`)
      }
      checkAgentId(company, terms.agentId)
      const authorization = providers.authorize(suite, company, { ...termsOf(terms), state })
      subscribeToContacts(world, authorization)
      const authCode =
        from === 'wecom'
          ? announceAuthorization(world, authorization, 'create_auth')
          : providers.authCodes.mint(authorization, lifetimes.redirectedAuthCodeMs)
      return { ...listAuthorization(authorization), authCode: authCode ?? '' }
    },
    changeAuthorization({ range, isEnabled, admins, seats, expiresAtMs, ...ref }) {
      const authorization = authorizationOf(ref)
      const { app } = authorization
      if (range) app.range = structuredClone(range)
      if (isEnabled !== undefined) app.isEnabled = isEnabled
      if (admins) authorization.admins = structuredClone(admins)
      authorization.edition = editionOf(authorization.edition, { seats, expiresAtMs })
      app.version++
      announceAuthorization(world, authorization, 'change_auth')
      return listAuthorization(authorization)
    },
    cancelAuthorization(ref) {
      const authorization = authorizationOf(ref)
      providers.cancel(authorization)
      world.tokens.revoke({ app: authorization.app }, 40014)
      unsubscribeFromContacts(world, authorization)
      announceAuthorization(world, authorization, 'cancel_auth')
    },
    resetPermanentCode(ref) {
      const authorization = authorizationOf(ref)
      providers.resetSecret(authorization)
      if (authorization.nextSecret === undefined) world.tokens.revoke({ app: authorization.app }, 40014)
      return { authCode: announceAuthorization(world, authorization, 'reset_permanent_code') ?? '' }
    },
    completeInstall({ url, corpId, ...terms }) {
      const company = companyOf(corpId)
      const { pathname, searchParams } = addressOf(url)
      if (pathname !== installPath && pathname !== invitationPath) {
        throw new ControlError(`no install page at ${pathname}; there are ${installPath}, ${invitationPath}`)
      }
      checkAgentId(company, terms.agentId)
      return byPages(() => install(world, readInstall(world, pathname, searchParams), company, termsOf(terms)))
    },
  }

  function addSuite(provider: Provider, shape: SuiteShape): Suite {
    if (shape.suiteId === undefined || !providers.suite(shape.suiteId)) return providers.createSuite(provider, shape)
    throw new ControlError(`there is a suite ${shape.suiteId} already`)
  }

  function providerOf(corpId: string): Provider {
    const provider = providers.all.get(corpId)
    if (provider) return provider
    throw new ControlError(`no provider ${corpId}; there are ${[...providers.all.keys()].join(', ') || 'none'}`)
  }

  function suiteOf(suiteId: string): Suite {
    const suite = providers.suite(suiteId)
    if (suite) return suite
    const ids = [...providers.all.values()].flatMap(({ suites }) => suites.map((other) => other.suiteId))
    throw new ControlError(`no suite ${suiteId}; there are ${ids.join(', ') || 'none'}`)
  }

  function companyOf(corpId: string): Company {
    const found = findCompany(world, corpId)
    if (found) return found.company
    throw new ControlError(`no company ${corpId}; there are ${[...world.companies.keys()].join(', ') || 'none'}`)
  }

  function authorizationOf({ suiteId, corpId }: AuthorizationRef): Authorization {
    const authorization = suiteOf(suiteId).authorizations.get(companyOf(corpId))
    if (authorization) return authorization
    throw new ControlError(`${corpId} has not authorised ${suiteId}`)
  }

  function listProvider({ corpId, name, secret, trustedAddresses, loginDomains, suites }: Provider): ProviderListing {
    return structuredClone({ corpId, name, secret, trustedAddresses, loginDomains, suites: suites.map(listSuite) })
  }

  function listSuite(suite: Suite): SuiteListing {
    const { callback, provider, tickets, authorizations, ...rest } = suite
    return structuredClone({
      ...rest,
      providerCorpId: provider.corpId,
      callback: callback
        ? { commandUrl: callback.commandUrl, dataUrl: callback.dataUrl ?? null, envelope: callback.envelope }
        : null,
      ticketAtMs: tickets.at(-1)?.atMs ?? null,
      authorizations: [...authorizations.values()].map(listAuthorization),
    })
  }

  function listAuthorization(authorization: Authorization): AuthorizationListing {
    const { suite, company, app, nextSecret: _, ...rest } = authorization
    return structuredClone({
      ...rest,
      corpId: company.corpId,
      openCorpId: providers.openCorpId(suite.provider, company),
      name: company.name,
      agentId: app.agentId,
      permanentCode: app.secret,
      isEnabled: app.isEnabled,
      range: app.range,
    })
  }
}

function checkAgentId(company: Company, agentId: number | undefined): void {
  if (agentId === undefined || !company.apps.some((app) => app.agentId === agentId)) return
  throw new ControlError(`there is an app ${agentId} in ${company.corpId} already`)
}

function termsOf({ range, agentId, authorizedBy, seats, expiresAtMs }: AuthorizationTerms) {
  return { range: structuredClone(range), agentId, authorizedBy, edition: editionOf(null, { seats, expiresAtMs }) }
}

/** In a hundred years, when only the seats are told. */
const endlessMs = Date.UTC(2126, 0, 1)

function editionOf(
  before: Edition | null,
  { seats, expiresAtMs }: { seats: number | undefined; expiresAtMs: number | undefined },
): Edition | null {
  if (seats === undefined && expiresAtMs === undefined) return before
  return {
    seats: seats ?? before?.seats ?? 100,
    expiresAtMs: expiresAtMs ?? before?.expiresAtMs ?? endlessMs,
  }
}
