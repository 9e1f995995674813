/**
 * Between oidc-provider and signing in: what the provider wants to know about a browser becomes a request that signin/
 * understands, and who was signed in becomes an answer that the provider understands. Our session is the one that counts;
 * the provider's own only mirrors it.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type Provider from 'oidc-provider'
import {
  errors,
  interactionPolicy,
  type AdapterPayload,
  type Interaction,
  type InteractionResults,
  type KoaContextWithOIDC,
} from 'oidc-provider'
import type { Application } from '../applications/applications.ts'
import { isEnough, type Session } from '../sessions/sessions.ts'
import type { SignInRequest, SignInRequests } from '../signin/signin.ts'
import type { Store } from './store.ts'

/** What of a request under way the policy needs to know. */
export interface RequestFacts {
  /** Our session of the browser, if it counts. */
  session(): Promise<Session | undefined>
  /** The application that asks. */
  application(clientId: string): Promise<Application | undefined>
  readonly now: () => number
}

export function createSignInRequests({
  provider,
  issuer,
  store,
  findApplication,
}: {
  provider: Provider
  issuer: string
  store: Store
  findApplication: (clientId: string) => Promise<Application | undefined>
}): SignInRequests {
  const wayOn = async (uid: string) => `${issuer}/auth/${uid}`
  /** What was loaded for a request is what it completes. */
  const loaded = new WeakMap<FastifyRequest, SignInRequest>()

  async function load(request: FastifyRequest, reply: FastifyReply, uid: string): Promise<SignInRequest | undefined> {
    const known = loaded.get(request)
    if (known?.uid === uid) return known
    const interaction = await interactionOf(request, reply, uid)
    const asked = interaction === undefined ? undefined : await describeStored(interaction)
    if (asked !== undefined) loaded.set(request, asked)
    return asked
  }

  return {
    load,
    wayOn,

    // Who was signed in is not written down for it: see answerOf.
    complete: (_request, _reply, uid) => wayOn(uid),

    refuse: (request, reply) =>
      provider.interactionResult(
        request.raw,
        reply.raw,
        { error: 'access_denied', error_description: 'nobody was signed in' },
        { mergeWithLastSubmission: false },
      ),
  }

  async function interactionOf(
    request: FastifyRequest,
    reply: FastifyReply,
    uid: string,
  ): Promise<Interaction | undefined> {
    try {
      const interaction = await provider.interactionDetails(request.raw, reply.raw)
      return interaction.uid === uid ? interaction : undefined
    } catch (error) {
      if (error instanceof errors.SessionNotFound) return undefined
      throw error
    }
  }

  async function describeStored(interaction: Interaction): Promise<SignInRequest | undefined> {
    const { params, uid } = interaction
    const application = await findApplication(text(params.client_id) ?? '')
    const since = await store.createdAt('Interaction', uid)
    return application === undefined || since === undefined ? undefined : describe(uid, params, application, since)
  }
}

/**
 * What our session says to a request that comes back from signing in. The provider would have it written down before the
 * browser returns; asked when it does, it costs no write and is never older than the session.
 * @param interaction what was written when the person was asked
 * @param since when that was
 * @returns undefined when there is no session that is enough: then the provider asks again
 */
export async function answerOf(
  { params = {} }: AdapterPayload,
  since: number,
  facts: RequestFacts,
): Promise<InteractionResults | undefined> {
  const session = await facts.session()
  const application = await facts.application(text(params['client_id']) ?? '')
  if (session === undefined || application === undefined) return undefined
  if (!isEnough(session, { ...accepted(application, params), authenticatedSince: authenticatedSince(params, since) })) {
    return undefined
  }
  return {
    login: { accountId: session.userId, ts: Math.floor(session.authenticatedAt / 1_000) },
    // Nobody is asked: that an administrator has set the application up is the consent.
    consent: {},
    select_account: {},
  }
}

/** @param since when the person was asked */
export function describe(
  uid: string,
  params: Readonly<Record<string, unknown>>,
  application: Application,
  since: number,
): SignInRequest {
  return {
    uid,
    application: { id: application.id, name: application.name, logoUrl: application.logoUrl },
    ...accepted(application, params),
    skipSignInPage: application.skipSignInPage,
    locales: text(params['ui_locales'])?.split(' ').filter(Boolean) ?? [],
    loginHint: text(params['login_hint']),
    authenticatedSince: authenticatedSince(params, since),
  }
}

/** With the id of a connection that the application has, whatever it calls it. */
function wishIn({ connections }: Application, params: Readonly<Record<string, unknown>>): SignInRequest['wish'] {
  const named = text(params['connection'])
  const known = connections.find(({ id, identifier }) => id === named || identifier === named)
  const wish = { connection: known?.id ?? named, corp: text(params['corp']) }
  return wish.connection === null && wish.corp === null ? null : wish
}

/** The provider's questions before it issues a code. Whoever answers is signin/, for every one of them. */
export function createPolicy(facts: RequestFacts): interactionPolicy.DefaultPolicy {
  const { base, Check, Prompt } = interactionPolicy
  const policy = base()
  const login = policy.get('login')!
  login.checks.remove('max_age') // part of the next
  login.checks.add(
    new Check('our_session', 'End-User authentication is required', 'login_required', async (ctx) => {
      const session = await facts.session()
      if (session === undefined || session.userId !== ctx.oidc.session?.accountId) return Check.REQUEST_PROMPT
      return !(await isEnoughFor(ctx, session, facts))
    }),
  )
  login.checks.add(
    new Check('hinted_user', 'another user than the hinted one is signed in', 'login_required', (ctx) => {
      const { oidc } = ctx
      // On the way back nobody compares any more, and a second sign-in would only go round in circles.
      const hint = text(oidc.params?.['id_token_hint'])
      if (oidc.result?.login === undefined || hint === null) return Check.NO_NEED_TO_PROMPT
      if (subjectOf(hint) === oidc.session?.accountId) return Check.NO_NEED_TO_PROMPT
      throw new errors.LoginRequired('another user than the hinted one signed in')
    }),
  )
  policy.remove('consent')
  policy.add(new Prompt({ name: 'select_account', requestable: true }))
  policy.add(new Prompt({ name: 'consent', requestable: true }))
  return policy
}

/**
 * Makes the provider's session say what ours says: nothing where ours will not do, so that whoever signs in next begins
 * anew, and never somebody else. Called for each authorization request, before the provider looks.
 */
export async function mirrorSession(ctx: KoaContextWithOIDC, facts: RequestFacts): Promise<void> {
  const { session } = ctx.oidc
  if (session === undefined) return
  const ours = await facts.session()
  const willDo = ours !== undefined && !mustSignIn(ctx) && (await isEnoughFor(ctx, ours, facts))
  if (session.accountId !== undefined && !(willDo && session.accountId === ours.userId)) {
    delete session.accountId
    delete session.loginTs
    delete session.authorizations
    session.uid = crypto.randomUUID()
    session.resetIdentifier()
  }
  if (!willDo) return
  const loginTs = Math.floor(ours.authenticatedAt / 1_000)
  if (session.accountId === ours.userId && session.loginTs === loginTs) return
  session.loginAccount({ accountId: ours.userId, loginTs })
}

/** Whether the browser's session will do for the request under way. */
export async function isEnoughFor(ctx: KoaContextWithOIDC, session: Session, facts: RequestFacts): Promise<boolean> {
  const { oidc } = ctx
  const application = await facts.application(oidc.client?.clientId ?? '')
  if (application === undefined) return false
  // Whoever has just signed in was compared when they came back: see answerOf.
  const isFresh = oidc.result?.login !== undefined
  const maxAge = oidc.params?.['max_age']
  return isEnough(session, {
    ...accepted(application, oidc.params ?? {}),
    authenticatedSince: isFresh || maxAge === undefined ? null : facts.now() - Number(maxAge) * 1_000,
  })
}

function mustSignIn(ctx: KoaContextWithOIDC): boolean {
  return ctx.oidc.prompts.has('login') || ctx.oidc.prompts.has('select_account')
}

function accepted(application: Application, params: Readonly<Record<string, unknown>>) {
  const wish = wishIn(application, params)
  return {
    organizationId: application.organizationId,
    connections: application.connections.map(({ id }) => id),
    wish,
    // Whoever asks for people of one company gets nobody else, and a password is of none.
    passwordSignIn: application.passwordSignIn && (wish === null || wish.corp === null),
  }
}

/** @param since when the person was asked */
function authenticatedSince(params: Readonly<Record<string, unknown>>, since: number): number | null {
  const prompts = text(params.prompt)?.split(' ') ?? []
  if (prompts.includes('login') || prompts.includes('select_account')) return since
  const maxAge = params.max_age
  return maxAge === undefined ? null : since - Number(maxAge) * 1_000
}

/** Of an ID token that the provider has checked already. */
function subjectOf(idToken: string): unknown {
  return (JSON.parse(Buffer.from(idToken.split('.')[1] ?? '', 'base64url').toString()) as { sub?: unknown }).sub
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}
