/**
 * Composition: createWecom builds the shared parts; principal(), suite() and provider() the calls of one credential.
 * Decides nothing itself.
 */

import { Agent as HttpAgent } from 'undici'
import type { Dispatcher } from 'undici'

import { createAddresses } from './addresses.ts'
import { createAgent } from './agent.ts'
import type { Agent } from './agent.ts'
import { createBudget } from './budget.ts'
import type { Budget, Priority } from './budget.ts'
import { createDepartments } from './departments.ts'
import type { Departments } from './departments.ts'
import { invalidArgument } from './errors.ts'
import { createExports } from './exports.ts'
import type { Exports } from './exports.ts'
import { createIds } from './ids.ts'
import type { Ids } from './ids.ts'
import { createMembers } from './members.ts'
import type { Members } from './members.ts'
import { createProvider } from './provider.ts'
import type { Provider, ProviderOptions } from './provider.ts'
import { createCallers } from './request.ts'
import type { CallOptions, CallReport } from './request.ts'
import { createSignIn } from './sign-in.ts'
import type { SignIn } from './sign-in.ts'
import { createSuite } from './suite.ts'
import type { Suite, SuiteOptions } from './suite.ts'
import { createTags } from './tags.ts'
import type { Tags } from './tags.ts'
import { appToken, authorizedCorpToken, providerToken, suiteToken } from './token-sources.ts'
import { createMemoryTokenStore, createTokens } from './tokens.ts'
import type { TokenStore } from './tokens.ts'
import { waitOnTimer } from './waiting.ts'
import type { Wait } from './waiting.ts'

export type WecomOptions = {
  /** Default `https://qyapi.weixin.qq.com`; without `/cgi-bin`. */
  apiUrl?: string
  /** Default: in memory. */
  tokens?: TokenStore
  /** Default: 8,000 calls a minute per corp and interface, 10 in flight per corp, in this process. */
  budget?: Budget
  /** One HTTP request from the look-up of the name to the last byte; default 15,000. */
  callTimeoutMs?: number
  /** One file of an export; default 120,000. */
  downloadTimeoutMs?: number
  /** First wait after "too many calls"; default 60,000, WeCom's own penalty. Later waits grow to ten times this. */
  backoffMs?: number
  /** Rounds of such waits per call, default 10: with the default backoff that outlasts WeCom's penalty of one hour. */
  maxPauses?: number
  /** Of one answer; default 128 MiB. Files of an export may have four times this. */
  maxResponseBytes?: number
  /** Milliseconds since 1970. */
  now?: () => number
  /** From 0 to below 1; for jitter only, never for keys. */
  random?: () => number
  /** Replaces the timer behind retries, pauses and polling. */
  wait?: Wait
  /** Default: an own undici Agent, closed by close(). Pass one to use a proxy or a private certificate authority. */
  dispatcher?: Dispatcher
}

export type PrincipalOptions = {
  corpId: string
  /** Secret of an app, of contacts synchronization, or the permanent code of a delegated app. */
  secret: string
  agentId?: number | string
  /** Called after every HTTP request of this principal. Must not throw. */
  onCall?: (report: CallReport) => void
  /** Default `bulk`. */
  priority?: Priority
}

/** One credential of one company. Cheap to create; principals of one Wecom share tokens, budget, pauses and connections. */
export interface Principal {
  readonly corpId: string
  readonly departments: Departments
  readonly members: Members
  readonly agent: Agent
  readonly tags: Tags
  readonly ids: Ids
  readonly exports: Exports
  readonly auth: SignIn
  /** The current access token, for calls this package does not know. Secret. */
  token(options?: CallOptions): Promise<string>
  /** Addresses of the API, for outgoing firewall rules (page 92520). May contain patterns such as `101.226.103.*`. */
  apiDomainAddresses(options?: CallOptions): Promise<readonly string[]>
  /** Addresses that callbacks come from, for incoming firewall rules (page 92521). */
  callbackAddresses(options?: CallOptions): Promise<readonly string[]>
}

export interface Wecom {
  principal(options: PrincipalOptions): Principal
  /** A third-party app, a login suite, or a template of delegated apps. */
  suite(options: SuiteOptions): Suite
  provider(options: ProviderOptions): Provider
  /** Ends idle connections once calls under way are finished. */
  close(): Promise<void>
}

const DEFAULT_API_URL = 'https://qyapi.weixin.qq.com'
const MAX_CONNECTIONS = 32

export function createWecom(options: WecomOptions = {}): Wecom {
  const { callTimeoutMs = 15_000, now = Date.now, random = Math.random, wait = waitOnTimer } = options
  const apiUrl = checkedApiUrl(options.apiUrl ?? DEFAULT_API_URL)
  const ownDispatcher =
    options.dispatcher === undefined
      ? new HttpAgent({ connections: MAX_CONNECTIONS, connect: { timeout: callTimeoutMs } })
      : undefined
  const maxResponseBytes = options.maxResponseBytes ?? 128 * 1024 * 1024
  const exportSettings = {
    apiUrl,
    timeoutMs: options.downloadTimeoutMs ?? 120_000,
    maxBytes: 4 * maxResponseBytes,
    now,
  }
  const callerFor = createCallers({
    apiUrl,
    dispatcher: options.dispatcher ?? (ownDispatcher as HttpAgent), // one of the two is there
    tokens: createTokens({ apiUrl, store: options.tokens ?? createMemoryTokenStore(), now, random }),
    budget: options.budget ?? createBudget({ now, wait }),
    callTimeoutMs,
    backoffMs: options.backoffMs ?? 60_000,
    maxPauses: options.maxPauses ?? 10,
    maxResponseBytes,
    now,
    random,
    wait,
  })

  return {
    principal({ corpId, secret, agentId, onCall, priority = 'bulk' }) {
      if (corpId === '' || secret === '') throw invalidArgument('gettoken', 'corpId or secret is empty')
      const caller = callerFor({ source: appToken({ corpId, secret }), onCall, priority })
      const addresses = createAddresses(caller)
      return {
        corpId,
        departments: createDepartments(caller),
        members: createMembers(caller),
        agent: createAgent(caller, agentId),
        tags: createTags(caller),
        ids: createIds(caller),
        exports: createExports(caller, exportSettings),
        auth: createSignIn(caller),
        token: (callOptions) => caller.token(callOptions),
        apiDomainAddresses: addresses.apiDomain,
        callbackAddresses: addresses.callback,
      }
    },

    suite({ suiteId, suiteSecret, ticket, onCall, priority = 'bulk' }) {
      if (suiteId === '' || suiteSecret === '') {
        throw invalidArgument('service/get_suite_token', 'suiteId or suiteSecret is empty')
      }
      const caller = callerFor({ source: suiteToken({ suiteId, suiteSecret, ticket }), onCall, priority })
      return createSuite(caller, suiteId, async (authorization, callOptions) => {
        const source = authorizedCorpToken(caller, authorization)
        return await callerFor({ source, onCall, priority }).token(callOptions)
      })
    },

    provider({ corpId, secret, onCall, priority = 'bulk' }) {
      if (corpId === '' || secret === '') {
        throw invalidArgument('service/get_provider_token', 'corpId or secret is empty')
      }
      return createProvider(callerFor({ source: providerToken({ corpId, secret }), onCall, priority }), corpId)
    },

    async close() {
      await ownDispatcher?.close()
    },
  }
}

function checkedApiUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username || url.password || url.search || url.hash) {
    throw invalidArgument('createWecom', 'apiUrl must be an http(s) address without user, query and fragment')
  }
  return url.href.replace(/\/+$/, '')
}
