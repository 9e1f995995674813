/**
 * The OpenID provider of the company's applications, below /oidc: built when it is needed first, and again whenever its
 * signing keys change. Requests under way keep the one they began with. Who somebody is, signin/ finds out.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Actor } from '../audit/audit.ts'
import type { SignInRequests } from '../signin/signin.ts'
import type { Vault } from '../vault.ts'
import { createSigningKeys } from './keys.ts'
import { createLogoutDeliveries } from './logout.ts'
import type { OidcParts, RunningProvider } from './provider.ts'

export type { AdmitByCode } from './mobile-grant.ts'
export type { OidcParts } from './provider.ts'

export type Oidc = ReturnType<typeof createOidc>

export function createOidc(parts: OidcParts & { readonly vault: Vault }) {
  const { database, applications, log, now } = parts
  const keys = createSigningKeys(parts)
  let running: { readonly version: string; readonly provider: RunningProvider } | undefined
  let building: Promise<RunningProvider> | undefined

  const deliveries = createLogoutDeliveries({
    database,
    log,
    now,
    findApplication: (clientId) => applications.findByClientId(clientId),
    signLogoutToken: async (...about) => (await current()).signLogoutToken(...about),
  })

  const requests: SignInRequests = {
    load: async (request, reply, uid) => (await current()).requests.load(request, reply, uid),
    wayOn: async (uid) => (await current()).requests.wayOn(uid),
    complete: async (request, reply, uid) => (await current()).requests.complete(request, reply, uid),
    refuse: async (request, reply, uid) => (await current()).requests.refuse(request, reply, uid),
  }

  return {
    /** For signin/: what applications ask of it. */
    requests,

    /** Mounts the provider; the scope is its own, and its bodies nobody else's. */
    mount(scope: FastifyInstance): void {
      // The provider reads bodies itself, each endpoint the one type that it takes.
      scope.removeAllContentTypeParsers()
      scope.addContentTypeParser('*', (_request, _payload, done) => done(null))
      scope.all('/oidc/*', (request, reply) => answer(request, reply))
    },

    /** The next key signs from now on. @returns all of them @throws AppError `oidc/rotation-too-soon` */
    async rotateKeys(actor: Actor, options: { isUrgent: boolean; isWithdrawal?: boolean }) {
      await keys.load()
      await keys.rotate(actor, options)
      await followKeys()
      return keys.list()
    },

    /** All of them, the one that signs first; none before the first application asked for them. */
    listKeys: () => keys.list(),

    /** Jobs of app.ts. */
    followKeys,
    maintainKeys: () => keys.maintain(),
    deliverLogouts: (signal: AbortSignal) => deliveries.deliver(signal),
    async clear(signal: AbortSignal): Promise<void> {
      if (running !== undefined) await running.provider.store.clear(signal)
    },
  }

  async function answer(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    // Before the reply is taken over: what goes wrong here is still answered like everything else.
    const provider = await current()
    reply.hijack()
    await provider.answer(request, reply.raw)
  }

  /** Keys may be changed by another process. */
  async function followKeys(): Promise<void> {
    if (running === undefined || (await keys.version()) === running.version) return
    await build()
  }

  function current(): Promise<RunningProvider> | RunningProvider {
    return running?.provider ?? (building ??= build().finally(() => (building = undefined)))
  }

  async function build(): Promise<RunningProvider> {
    // Loaded late: commands and most servers of tests never need it.
    const { buildProvider } = await import('./provider.ts')
    const set = await keys.load()
    const cookieKey = await keys.cookieKey()
    const provider = buildProvider(parts, set, cookieKey.reveal())
    running = { version: set.version, provider }
    return provider
  }
}
