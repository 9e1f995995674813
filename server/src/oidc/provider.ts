/**
 * oidc-provider, configured: which parts of the protocols we speak, for how long things live, and where it asks us. What
 * is not named here is switched off. One provider has one set of keys; oidc.ts builds a new one when they change.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { randomBytes } from 'node:crypto'
import type { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import {
  Provider,
  errors,
  type AccountClaims,
  type AdapterPayload,
  type Client,
  type ClientMetadata,
  type Configuration,
  type JWKS,
  type KoaContextWithOIDC,
} from 'oidc-provider'
import type { FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import type { Application, Applications } from '../applications/applications.ts'
import type { Audit } from '../audit/audit.ts'
import type { Database } from '../database/database.ts'
import { findSubject } from '../directory/subjects.ts'
import type { Language } from '../errors.ts'
import type { Session, Sessions } from '../sessions/sessions.ts'
import type { LeaveAtOnce, SignInRequests } from '../signin/signin.ts'
import { claimsByScope, claimsOf, needsDepartments, scopesFor } from './claims.ts'
import {
  answerOf,
  createPolicy,
  describe,
  createSignInRequests,
  isEnoughFor,
  mirrorSession,
  type RequestFacts,
} from './interaction.ts'
import { createCookieSignatures } from './cookie-signatures.ts'
import type { KeySet } from './keys.ts'
import { addMobileGrant, MOBILE_GRANT, type AdmitByCode } from './mobile-grant.ts'
import { confirmation, STRICT_CSP, type ProviderView, type RenderProviderView } from './pages.ts'
import { createStore, type Store, type Write } from './store.ts'

/** All in seconds. */
const MINUTE = 60
const HOUR = 60 * MINUTE
/** From the redirect to the exchange is one round trip; RFC 6749 allows ten minutes. */
const CODE_LIFE = MINUTE
/** Every use asks the store, which knows at once when it is worth nothing, so it need not be short. */
const ACCESS_TOKEN_LIFE = HOUR
/** For the moment of signing in; what applications make of it is their own session. */
const ID_TOKEN_LIFE = HOUR
/** Somebody opens the page, has a coffee, and signs in. */
const INTERACTION_LIFE = HOUR
/** Of a browser that has no session of ours, for the question whether to sign out. */
const EMPTY_SESSION_LIFE = HOUR
/** What applications may keep for how long without asking again; a new key is published a day before it signs. */
const METADATA_MAX_AGE = 5 * MINUTE

type Context = Parameters<typeof Provider.prototype.Session.get>[0]

const AUTHENTICATED_ROUTES = new Set(['token', 'introspection', 'revocation'])

export interface OidcParts {
  readonly database: Database
  readonly applications: Applications
  readonly audit: Audit
  readonly sessions: Sessions
  /** Origin of everything that is printed or signed; request headers have no say. */
  readonly publicUrl: string
  readonly log: Logger
  readonly now: () => number
  /** Locales are those that the application wishes, best first. */
  readonly languageOf: (request: FastifyRequest, locales: readonly string[]) => Language
  readonly render: RenderProviderView
  readonly admitByCode: AdmitByCode
  readonly leaveAtOnce: LeaveAtOnce
}

export interface RunningProvider {
  /** Answers a request whose path is below /oidc. */
  answer(request: FastifyRequest, response: ServerResponse): Promise<void>
  readonly requests: SignInRequests
  readonly store: Store
  signLogoutToken(clientId: string, userId: string, sid: string | null): Promise<string>
}

export const MOUNT = '/oidc'

export function buildProvider(
  {
    database,
    applications,
    audit,
    sessions,
    publicUrl,
    log,
    now,
    languageOf,
    render,
    admitByCode,
    leaveAtOnce,
  }: OidcParts,
  keys: KeySet,
  cookieKey: string,
): RunningProvider {
  const issuer = `${publicUrl}${MOUNT}`
  const isSecure = publicUrl.startsWith('https:')
  const underway = new AsyncLocalStorage<Underway>()
  // Never anybody's: it only says to the provider that there is a secret. See acceptOurSecrets.
  const placeholder = randomBytes(32).toString('base64url')

  const facts: RequestFacts = { session: currentSession, application: enabledApplication, now }
  const store = createStore({
    database,
    now,
    async belonging(kind, payload) {
      const session = await currentSession()
      if (session === undefined || session.userId !== payload.accountId) return undefined
      const known = Provider.ctx?.oidc.session?.authorizations?.[payload.clientId ?? '']
      return { sessionId: session.id, sid: kind === 'Grant' ? (known?.sid ?? null) : null }
    },
    pending: () => underway.getStore()?.writes,
    grants: () => underway.getStore()?.grants,
    async findClient(clientId) {
      const application = await enabledApplication(clientId)
      return application === undefined ? undefined : metadataOf(application, placeholder)
    },
    async answerOf(interaction, createdAt) {
      // While the person is still being asked, there is no answer.
      return Provider.ctx?.oidc.route === 'resume' ? answerOf(interaction, createdAt, facts) : undefined
    },
  })
  const provider = new Provider(issuer, configuration())
  // It asks for host and protocol only, and `answer` overwrites what came with the request of those.
  provider.proxy = true
  provider.on('server_error', (ctx, error) =>
    log.error({ err: error, route: ctx.oidc?.route }, 'the OpenID provider failed'),
  )
  ;(provider as EventEmitter).on('error', (error: unknown) => log.error({ err: error }, 'the OpenID provider failed'))
  overrideClients()
  addMobileGrant(provider, {
    admitByCode,
    findApplication: enabledApplication,
    caller() {
      const request = underway.getStore()?.request
      return {
        address: request?.ip ?? null,
        userAgent: request?.headers['user-agent'] ?? null,
        requestId: request?.id ?? null,
      }
    },
    holdSession(session) {
      const current = underway.getStore()
      if (current !== undefined) Object.assign(current, { session: Promise.resolve(session), known: session })
    },
    scopesFor,
    claimsFor,
  })
  provider.use((ctx, next) => guard(ctx, next))
  const callback = provider.callback()
  const { host, protocol } = new URL(publicUrl)

  return {
    requests: createSignInRequests({ provider, issuer, store, findApplication: enabledApplication }),
    store,

    async answer(request, response) {
      const { raw } = request
      const url = raw.url!
      Object.assign(raw, { originalUrl: url, url: url.slice(MOUNT.length) })
      // Where the provider would take our own address from. The browser's it asks nobody for, so that header stays as it
      // came: Fastify reads it again whenever it is asked who is behind a trusted proxy.
      raw.headers.host = host
      raw.headers['x-forwarded-host'] = host
      raw.headers['x-forwarded-proto'] = protocol.slice(0, -1)
      await underway.run({ request, applications: new Map(), grants: new Map(), writes: [] }, () =>
        callback(raw, response),
      )
    },

    async signLogoutToken(clientId, userId, sid) {
      const client = await provider.Client.find(clientId)
      if (client === undefined) throw new Error('no logout token for an application that is not there')
      const token = new provider.IdToken({ sub: userId }, { client })
      Object.assign(token, { mask: { sub: null } })
      token.set('events', { 'http://schemas.openid.net/event/backchannel-logout': {} })
      token.set('jti', randomBytes(16).toString('base64url'))
      if (sid !== null) token.set('sid', sid)
      return token.issue({ use: 'logout' })
    },
  }

  function configuration(): Configuration {
    return {
      adapter: (kind: string) => store.adapterFor(kind),
      jwks: { keys: keys.keys.map((key) => ({ ...key })) as unknown as JWKS['keys'] },
      cookies: {
        keys: createCookieSignatures(cookieKey),
        names: {
          // The prefix keeps other hosts of the same domain from setting it; it allows no other path, so only this one.
          session: isSecure ? '__Host-muster_oidc' : 'muster_oidc',
          interaction: 'muster_interaction',
          resume: 'muster_resume',
        },
        long: cookieOptions(),
        short: { httpOnly: true, sameSite: 'lax', secure: isSecure },
      },
      // Authorization code and nothing else: implicit and hybrid put tokens into addresses (RFC 9700, section 2.1.2).
      responseTypes: ['code'],
      clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'none'],
      enabledJWA: { idTokenSigningAlgValues: ['RS256'] },
      scopes: ['openid', 'offline_access'],
      claims: Object.fromEntries(Object.entries(claimsByScope).map(([scope, names]) => [scope, [...names]])),
      // Many products read the ID token only, and it goes nowhere but to the application.
      conformIdTokenClaims: false,
      allowOmittingSingleRegisteredRedirectUri: false,
      features: {
        // For the metadata and `sid`. Who is told is noted where sessions end, and logout.ts delivers it.
        backchannelLogout: { enabled: true },
        devInteractions: { enabled: false },
        dPoP: { enabled: false },
        introspection: { enabled: true, allowedPolicy: mayIntrospect },
        pushedAuthorizationRequests: { enabled: false },
        resourceIndicators: { enabled: false },
        revocation: { enabled: true, allowedPolicy: mayRevoke },
        rpInitiatedLogout: { enabled: true, logoutSource, postLogoutSuccessSource },
        userinfo: { enabled: true },
      },
      pkce: { required: (_ctx, client) => client['pkce_required'] === true },
      extraClientMetadata: { properties: ['pkce_required'] },
      extraParams: { connection: prepareAuthorization, corp: null },
      interactions: { url: (_ctx, { uid }) => `/signin/${uid}`, policy: createPolicy(facts) },
      loadExistingGrant: makeGrant,
      findAccount: (_ctx, accountId, token) => ({
        accountId,
        claims: (_use, scope) => claimsFor(accountId, scope, token?.clientId, token?.grantId),
      }),
      // Everything of a grant ends together, and what is written for that is one row.
      revokeGrantPolicy: () => true,
      rotateRefreshToken: () => true,
      issueRefreshToken: (_ctx, client, source) =>
        client.grantTypeAllowed('refresh_token') && source.scopes.has('offline_access'),
      // Grants end with our session, see store.ts; the provider's own is only its mirror.
      expiresWithSession: () => false,
      clientBasedCORS: (_ctx, origin, client) =>
        origin !== 'null' && (client.redirectUris ?? []).some((uri) => URL.parse(uri)?.origin === origin),
      renderError,
      ttl: {
        AuthorizationCode: CODE_LIFE,
        AccessToken: (ctx) => Math.min(ACCESS_TOKEN_LIFE, untilGrantEnds(ctx)),
        RefreshToken: (ctx) => untilGrantEnds(ctx),
        IdToken: ID_TOKEN_LIFE,
        Interaction: INTERACTION_LIFE,
        Grant: () => untilSessionEnds(),
        Session: () => untilSessionEnds(),
      },
    }
  }

  // ---- What we know of a request ------------------------------------------------------------------------------------

  /** Asked once for each request: it does not change under it. */
  async function currentSession(): Promise<Session | undefined> {
    const current = underway.getStore()
    if (current === undefined) return undefined
    current.session ??= sessions.find(sessions.cookieOf(current.request))
    current.known = await current.session
    return current.known
  }

  async function enabledApplication(clientId: string): Promise<Application | undefined> {
    const known = underway.getStore()?.applications
    const found = known?.get(clientId) ?? applications.findByClientId(clientId)
    known?.set(clientId, found)
    const application = await found
    return application?.enabled === true ? application : undefined
  }

  /** Grants, and the provider's session, never outlive ours. */
  function untilSessionEnds(): number {
    const session = underway.getStore()?.known
    return session === undefined ? EMPTY_SESSION_LIFE : seconds(session.expiresAt - now())
  }

  function untilGrantEnds(ctx: KoaContextWithOIDC): number {
    return Math.max(1, ctx.oidc.entities.Grant?.remainingTTL ?? 1)
  }

  // ---- Authorization ------------------------------------------------------------------------------------------------

  /** The provider's hook for parameters of ours: the last of its checks of the request, before it looks who is there. */
  async function prepareAuthorization(ctx: KoaContextWithOIDC): Promise<void> {
    const { client, params } = ctx.oidc
    // The provider drops it without prompt=consent. There is no consent to ask for: the administrator gave it.
    const wished = typeof ctx.query['scope'] === 'string' ? ctx.query['scope'].split(' ') : []
    if (wished.includes('offline_access') && client?.grantTypeAllowed('refresh_token') && params !== undefined) {
      const kept = typeof params['scope'] === 'string' ? params['scope'].split(' ') : []
      params['scope'] = [...new Set([...kept, 'offline_access'])].join(' ')
    }
    await mirrorSession(ctx, facts)
  }

  /** A grant of its own for each code: what is issued under one ends together, and nothing else does. */
  async function makeGrant(ctx: KoaContextWithOIDC) {
    const { client, session, account } = ctx.oidc
    const ours = await currentSession()
    const application = await enabledApplication(client?.clientId ?? '')
    if (client === undefined || session === undefined || application === undefined) return undefined
    if (ours === undefined || ours.userId !== account?.accountId) return undefined
    if (['login', 'select_account', 'consent'].some((prompt) => ctx.oidc.promptPending(prompt))) return undefined
    if (!(await isEnoughFor(ctx, ours, facts))) return undefined
    session.ensureClientContainer(client.clientId)
    const grant = new provider.Grant({ accountId: ours.userId, clientId: client.clientId })
    grant.addOIDCScope(scopesFor(application, ctx.oidc.requestParamScopes).join(' '))
    await grant.save()
    return grant
  }

  async function claimsFor(
    userId: string,
    scope: string,
    clientId: string | undefined,
    grantId: string | undefined,
  ): Promise<AccountClaims> {
    const scopes = new Set(scope.split(' '))
    const application = await enabledApplication(clientId ?? '')
    const subject =
      application === undefined
        ? undefined
        : await findSubject(database, userId, { withDepartments: needsDepartments(scopes, application.claims) })
    if (application === undefined || subject === undefined) throw new errors.InvalidToken('there is nobody any more')
    const linkId = subject.members.length > 1 && grantId !== undefined ? await store.linkOf(grantId) : null
    return { ...claimsOf(subject, application, { scopes, linkId }) }
  }

  // ---- Applications -------------------------------------------------------------------------------------------------

  /** Some of its questions the provider lets others answer, by its methods. */
  function overrideClients(): void {
    const { prototype } = provider.Client
    const clients = new WeakMap<Application, Client>()
    const find = provider.Client.find.bind(provider.Client)
    // It asks some five times in a sign-in, and the provider writes down and digests all about a client to know it again.
    provider.Client.find = async (clientId) => {
      const application = typeof clientId === 'string' ? await enabledApplication(clientId) : undefined
      if (application === undefined) return undefined
      const known = clients.get(application)
      if (known !== undefined) return known
      const client = await find(clientId)
      if (client !== undefined) clients.set(application, client)
      return client
    }
    // Only digests of secrets are stored, and there may be two.
    prototype.compareClientSecret = async function compareClientSecret(given) {
      const application = await enabledApplication(this.clientId)
      return application !== undefined && (await applications.isSecret(application.id, given))
    }
    // The provider allows native apps any port of this machine (RFC 8252, section 7.3). Ours are compared exactly.
    prototype.redirectUriAllowed = function redirectUriAllowed(uri) {
      return this.redirectUris?.includes(uri) === true
    }
    prototype.postLogoutRedirectUriAllowed = function postLogoutRedirectUriAllowed(uri) {
      return this.postLogoutRedirectUris?.includes(uri) === true
    }
    prototype.backchannelLogout = async () => {}
  }

  async function mayIntrospect(_ctx: KoaContextWithOIDC, client: Client, token: { clientId?: string | undefined }) {
    if (client.clientAuthMethod === 'none') return false
    if (token.clientId === client.clientId) return true
    // A program that is given tokens of another application of the same company has to be able to ask.
    const [asking, owning] = await Promise.all([
      enabledApplication(client.clientId),
      enabledApplication(token.clientId ?? ''),
    ])
    return asking !== undefined && asking.organizationId === owning?.organizationId
  }

  function mayRevoke(_ctx: KoaContextWithOIDC, client: Client, token: { clientId?: string | undefined }): boolean {
    if (token.clientId === client.clientId) return true
    throw new errors.InvalidRequest('the token belongs to another application')
  }

  // ---- Pages and answers --------------------------------------------------------------------------------------------

  async function guard(ctx: Context, next: () => Promise<void>): Promise<void> {
    ctx.set({
      'content-security-policy': `${STRICT_CSP}; script-src`,
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      // On the way of a pop-up, whose opener waits for what comes of it.
      'cross-origin-opener-policy': 'unsafe-none',
    })
    if (isOfBrowser(ctx.path)) await currentSession()
    if (ctx.path !== '/session/end' || !(await sendBackWithSession(ctx))) await next()
    await departAtOnce(ctx as KoaContextWithOIDC)
    await settle(ctx as KoaContextWithOIDC)
    const { oidc } = ctx as KoaContextWithOIDC
    if (oidc === undefined) return
    if (AUTHENTICATED_ROUTES.has(oidc.route)) makeUniform(ctx as KoaContextWithOIDC)
    if (oidc.route === 'discovery') {
      // The provider knows more ways than it is allowed to use.
      Object.assign(ctx.body as object, { response_modes_supported: RESPONSE_MODES })
    }
    if (oidc.route === 'discovery' || oidc.route === 'jwks') {
      ctx.set('cache-control', `public, max-age=${METADATA_MAX_AGE}`)
    }
    if (oidc.route === 'end_session_confirm') await endOurSession(ctx as KoaContextWithOIDC)
    allowForms(ctx as KoaContextWithOIDC)
  }

  /** Whom the provider would send to /signin/{uid} only to be sent on to WeCom. One transaction writes both steps. */
  async function departAtOnce(ctx: KoaContextWithOIDC): Promise<void> {
    const interaction = ctx.oidc?.entities.Interaction
    const current = underway.getStore()
    // Another site's form brings no cookie of ours along, and the attempts of other tabs would lose theirs.
    if (ctx.method !== 'GET' || ctx.oidc?.route !== 'authorization') return
    if (interaction === undefined || current === undefined) return
    const application = await enabledApplication(ctx.oidc.client?.clientId ?? '')
    if (application === undefined) return
    const asked = describe(interaction.uid, interaction.params, application, now())
    const departure = await leaveAtOnce(current.request, cookieReplyOf(ctx), asked)
    if (departure === undefined) return
    current.writes.push(async (tx) => {
      await departure.write(tx)
      return undefined
    })
    ctx.body = ''
    // Not `redirect`, which writes addresses anew; WeCom's are as WeCom documents them.
    ctx.set('location', departure.address)
  }

  /** Stores what the request wrote. When that shows that it must not be answered like this, it is answered otherwise. */
  async function settle(ctx: KoaContextWithOIDC): Promise<void> {
    try {
      await store.settle(underway.getStore()?.writes ?? [])
    } catch (error) {
      if (!(error instanceof errors.OIDCProviderError)) throw error
      ctx.remove('location')
      ctx.remove('set-cookie')
      ctx.status = error.statusCode
      if (isOfBrowser(ctx.path)) renderError(ctx, error)
      else ctx.body = { error: error.error, error_description: error.error_description }
    }
  }

  /** Somebody who is signed in with us, but with no application: the provider must know before it asks whether to sign out. */
  async function sendBackWithSession(ctx: Context): Promise<boolean> {
    const ours = await currentSession()
    if (ours === undefined || ctx.method !== 'GET') return false
    const known = await provider.Session.get(ctx)
    if (known.accountId === ours.userId) return false
    const session = new provider.Session()
    session.loginAccount({ accountId: ours.userId, loginTs: Math.floor(ours.authenticatedAt / 1_000) })
    await session.save(untilSessionEnds())
    ctx.cookies.set(provider.cookieName('session'), session.jti, cookieOptions())
    ctx.status = 303
    ctx.redirect(`${issuer}${ctx.url}`)
    return true
  }

  async function endOurSession(ctx: KoaContextWithOIDC): Promise<void> {
    if (ctx.status !== 303 || ctx.oidc.params?.['logout'] === undefined) return
    const ours = await currentSession()
    if (ours === undefined || ctx.oidc.session?.accountId !== ours.userId) return
    const request = underway.getStore()?.request
    await database.inTransaction(async (tx) => {
      await sessions.end(tx, ours.id)
      const actor = { kind: 'user', id: ours.userId, name: null, address: request?.ip ?? null } as const
      await audit.record(tx, { ...actor, requestId: request?.id ?? null }, [
        {
          action: 'session.end',
          organizationId: ours.organizationId,
          target: { kind: 'user', id: ours.userId, name: null },
          details: { sessionId: ours.id, application: ctx.oidc.client?.clientId ?? null },
        },
      ])
    })
    sessions.clearCookie({
      setCookie: () => {},
      clearCookie: (name, options) => ctx.cookies.set(name, null, { ...options, signed: false }),
    })
  }

  /** RFC 6749, section 5.2: whatever is wrong with how an application proves itself, it is told the same. */
  function makeUniform(ctx: KoaContextWithOIDC): void {
    const { body, oidc } = ctx
    const error = body as { error?: string; error_description?: string } | undefined
    const isAboutClient =
      error?.error === 'invalid_client' ||
      (error?.error === 'invalid_request' &&
        oidc.body !== undefined &&
        oidc.client === undefined &&
        error.error_description?.endsWith('twice') === false)
    if (!isAboutClient) return
    ctx.status = 401
    ctx.body = { error: 'invalid_client', error_description: 'client authentication failed' }
    ctx.set('www-authenticate', `Basic realm="${issuer}", error="invalid_client"`)
  }

  /** Browsers compare where a form goes with each address on its way, the application's included. */
  function allowForms(ctx: KoaContextWithOIDC): void {
    const policy = ctx.response.get('content-security-policy')
    if (ctx.type !== 'text/html' || policy.includes('form-action')) return
    const { params } = ctx.oidc
    const ownForm = ctx.oidc.route.startsWith('end_session') || ctx.oidc.route === 'resume' ? "'self'" : ''
    const goal =
      params?.['response_mode'] === 'form_post' ? params['redirect_uri'] : params?.['post_logout_redirect_uri']
    ctx.set('content-security-policy', `${policy}; form-action ${ownForm} ${sourceOf(goal) ?? ''}`)
  }

  function renderError(ctx: KoaContextWithOIDC, out: { error: string }): void {
    // Whoever reads the log finds the same reference, and what was wrong with it.
    const request = underway.getStore()?.request
    request?.log.info({ error: out.error, route: ctx.oidc?.route }, 'an OpenID request was refused')
    const isSignOut = ctx.oidc?.route?.startsWith('end_session')
    show(ctx, {
      kind: 'application-error',
      signOutHref: isSignOut ? `${publicUrl}/account` : null,
      error: out.error,
      description: null,
      requestId: request?.id ?? null,
    })
  }

  async function logoutSource(ctx: KoaContextWithOIDC, form: string): Promise<void> {
    const hint = ctx.oidc.entities.IdTokenHint?.payload as { sub?: unknown } | undefined
    const application = ctx.oidc.client === undefined ? undefined : await enabledApplication(ctx.oidc.client.clientId)
    const isAsked = hint !== undefined && hint.sub === ctx.oidc.session?.accountId
    show(ctx, confirmation(form, isAsked), application)
  }

  function postLogoutSuccessSource(ctx: KoaContextWithOIDC): void {
    show(ctx, { kind: 'signed-out', againHref: null })
  }

  function show(ctx: KoaContextWithOIDC, view: ProviderView, application?: Application): void {
    const goal = sourceOf(ctx.oidc?.params?.['post_logout_redirect_uri'])
    const { html, csp } = render(view, {
      language: languageFor(ctx),
      application: application ?? null,
      cancel: null,
      embedOrigins: [],
      nonce: randomBytes(16).toString('base64url'),
      formTargets: goal === null ? [] : [goal],
    })
    ctx.type = 'html'
    ctx.set({ 'content-security-policy': csp, 'cache-control': 'no-store' })
    ctx.body = html
  }

  function languageFor(ctx: KoaContextWithOIDC): Language {
    const wished = ctx.oidc?.params?.['ui_locales']
    const request = underway.getStore()?.request
    return request === undefined ? 'en' : languageOf(request, typeof wished === 'string' ? wished.split(' ') : [])
  }

  function cookieOptions() {
    return { httpOnly: true, sameSite: 'lax', secure: isSecure, path: '/' } as const
  }
}

/** One request, and what was asked for it already. */
interface Underway {
  readonly request: FastifyRequest
  readonly applications: Map<string, Promise<Application | undefined>>
  readonly grants: Map<string, AdapterPayload>
  /** What has to be stored before it is answered. */
  readonly writes: Write[]
  session?: Promise<Session | undefined>
  /** The same, once it is there. */
  known?: Session | undefined
}

/** Koa counts the age of a cookie in milliseconds. */
function cookieReplyOf({ cookies }: KoaContextWithOIDC): Parameters<LeaveAtOnce>[1] {
  return {
    setCookie: (name, value, { maxAge, ...options }) =>
      cookies.set(name, value, { ...options, maxAge: maxAge * 1_000, signed: false }),
  }
}

/** Not `fragment`: it is for what implicit and hybrid put into addresses. */
const RESPONSE_MODES = ['query', 'form_post']

/** What the provider calls a client. */
function metadataOf(application: Application, placeholder: string): AdapterPayload {
  const metadata: ClientMetadata = {
    client_id: application.clientId,
    client_name: application.name,
    ...(application.public
      ? { token_endpoint_auth_method: 'none' }
      : { token_endpoint_auth_method: 'client_secret_basic', client_secret: placeholder }),
    application_type: application.redirectUris.every((uri) => /^https?:/.test(uri)) ? 'web' : 'native',
    redirect_uris: [...application.redirectUris],
    post_logout_redirect_uris: [...application.postLogoutRedirectUris],
    // Without an address to come back to there is only the grant of native apps.
    response_types: application.redirectUris.length > 0 ? ['code'] : [],
    grant_types: [
      ...(application.redirectUris.length > 0 ? ['authorization_code'] : []),
      'refresh_token',
      ...(application.mobile ? [MOBILE_GRANT] : []),
    ],
    response_modes: RESPONSE_MODES,
    id_token_signed_response_alg: 'RS256',
    pkce_required: application.pkceRequired,
    ...(application.backchannelLogoutUri === null
      ? {}
      : { backchannel_logout_uri: application.backchannelLogoutUri, backchannel_logout_session_required: true }),
  }
  return metadata
}

function isOfBrowser(path: string): boolean {
  return path.startsWith('/auth') || path.startsWith('/session')
}

/** As a policy names it: apps on phones have a scheme of their own and no origin. */
function sourceOf(address: unknown): string | null {
  const url = typeof address === 'string' ? URL.parse(address) : null
  return url === null ? null : url.origin === 'null' ? url.protocol : url.origin
}

function seconds(milliseconds: number): number {
  return Math.max(1, Math.floor(milliseconds / 1_000))
}
