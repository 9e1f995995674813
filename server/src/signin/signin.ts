/**
 * Signing people in, through WeCom or with a password, for whoever asks: an application, or a page of ours. `/signin/{uid}`
 * is the dispatcher: from the request, the attempt of this browser and its session it decides what comes next, and no step
 * calls another. What is decided about people is admitting.ts; what comes back from WeCom is callback.ts.
 */
import { randomBytes } from 'node:crypto'
import type { SignInReason } from '@muster/contracts'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import { z } from 'zod'
import type { Connection, Connections } from '../connections/connections.ts'
import type { WecomAccess } from '../connections/wecom.ts'
import type { Database } from '../database/database.ts'
import type { Organizations } from '../directory/organizations.ts'
import { FEWEST_CHARACTERS } from '../directory/password-policy.ts'
import type { PasswordProof } from '../directory/password-proof.ts'
import { AppError, type Language } from '../errors.ts'
import { isEnough, type Session } from '../sessions/sessions.ts'
import { createAdmitting, type AdmittingParts, type Claim } from './admitting.ts'
import { createAttempts, type Attempt } from './attempts.ts'
import { createBrowsers } from './browser.ts'
import { callbackRoutes } from './callback.ts'
import { clientOf, doorOfLink, redirectUrlOf, wayFor, wecomAddress, type WecomDoor, type WecomHosts } from './doors.ts'
import { createOwnRequests } from './own-requests.ts'
import { createMobileDoor } from './mobile-door.ts'
import { createPace } from './pace.ts'
import { createPasswordDoor, type PasswordOutcome, type Typed } from './password-door.ts'
import { safeReturnTo } from './return-to.ts'
import { createSignIns } from './sign-ins.ts'
import { assetHref, mountAssets } from './assets.ts'
import { createPages } from './pages/pages.ts'
import { chooseLanguage } from './pages/texts.ts'
import type { Form, NewPasswordProblem, OtherView, PasswordProblem, SignInView } from './pages/views.ts'
import { mountPopUp } from './pop-up.ts'

/** What somebody who wants a person signed in asks for: an application through oidc-provider, or a page of ours. */
export interface SignInRequest {
  readonly uid: string
  /** null: a page of ours */
  readonly application: { readonly id: string; readonly name: string; readonly logoUrl: string | null } | null
  readonly organizationId: string
  /** Ids of the connections that may be used, in the application's order. */
  readonly connections: readonly string[]
  /** `connection=` of the authorization request: an identifier, not yet checked. */
  readonly wishedConnection: string | null
  readonly skipSignInPage: boolean
  readonly passwordSignIn: boolean
  /** BCP 47 tags of `ui_locales`. */
  readonly locales: readonly string[]
  readonly loginHint: string | null
  /** A session that began before this moment (ms) is not enough: prompt=login, max_age. null: any session will do. */
  readonly authenticatedSince: number | null
}

export interface SignInRequests {
  /** undefined: unknown, expired, or not of this browser. */
  load(request: FastifyRequest, reply: FastifyReply, uid: string): Promise<SignInRequest | undefined>
  /** @returns where the browser goes next */
  complete(request: FastifyRequest, reply: FastifyReply, uid: string, session: Session): Promise<string>
  /** Back to the application with `access_denied`. @returns where the browser goes next */
  refuse(request: FastifyRequest, reply: FastifyReply, uid: string): Promise<string>
}

export interface SignInParts extends Omit<AdmittingParts, 'attempts' | 'signIns'> {
  readonly database: Database
  readonly connections: Connections
  readonly organizations: Organizations
  readonly wecom: WecomAccess
  readonly hosts: WecomHosts
  readonly publicUrl: string
  readonly environmentRedirectUrl: string | undefined
  readonly passwords: PasswordProof
  readonly newId: Parameters<typeof createAttempts>[0]['newId']
  readonly log: Logger
}

export type SignIn = ReturnType<typeof createSignIn>

const Text = z.string().max(512)
const Password = z.string().max(2_000)
const PasswordBody = z.object({ username: Text, password: Password, token: Text })
const NewPasswordBody = z.object({
  username: Text,
  current: Password,
  password: Password,
  repeated: Password,
  token: Text,
})
const TokenBody = z.object({ token: Text })
const NumberBody = z.object({ number: z.string().max(16), token: Text })

/** A callback takes as long as WeCom may take; after that its process is dead. */
const TAKEN_FOR_MS = 15_000
const REFRESH_SECONDS = 2

export function createSignIn(parts: SignInParts) {
  const { database, connections, publicUrl, hosts, now, newId } = parts
  const random = (bytes: Uint8Array) => void crypto.getRandomValues(bytes)
  const attempts = createAttempts({ database, newId, now, random })
  const signIns = createSignIns({ database, audit: parts.audit, newId, now, random })
  const admitting = createAdmitting({ ...parts, attempts, signIns })
  const passwordDoor = createPasswordDoor({ ...parts, signIns })
  const browsers = createBrowsers({ publicUrl, random })
  const pace = createPace({ now })
  const own = createOwnRequests({
    publicUrl,
    random,
    connectionsOf: async (organizationId) => (await connections.openForSignIn(organizationId)).map(({ id }) => id),
  })
  const render = createPages({
    sdk: assetHref('wecom-jssdk.js'),
    signIn: assetHref('sign-in.js'),
    popUp: assetHref('pop-up.js'),
    signOut: assetHref('sign-out.js'),
  })
  let others: SignInRequests | undefined

  const requestsOf = (uid: string): SignInRequests | undefined => (own.isOwn(uid) ? own : others)
  const redirectUrl = (connection: Connection) => redirectUrlOf(connection, parts)

  return {
    /** Requests that are not of our own pages. Given later, because oidc/ needs signing in, too. */
    serve(requests: SignInRequests): void {
      others = requests
    },

    /** For oidc/, whose pages are drawn with the others. */
    render,
    languageOf: (request: FastifyRequest, locales: readonly string[]) => languageFor(request, { locales }),

    /** The log, for the admin API. */
    signIns,

    /** Takes away attempts that are over. @returns how many */
    clear: () => attempts.clear(),

    /** Mounts the pages and callbacks. The scope parses cookies and forms. */
    mount(scope: FastifyInstance): void {
      mountAssets(scope)
      mountPopUp(scope, { connections, organizations: parts.organizations, sessions: parts.sessions, render })
      scope.addHook('onSend', async (_request, reply) => {
        if (!reply.hasHeader('cache-control')) void reply.header('cache-control', 'no-store')
        void reply.header('referrer-policy', 'no-referrer')
      })
      scope.route({ method: 'GET', url: '/signin/start', handler: start })
      scope.route({ method: 'GET', url: '/signin/refused', handler: showRefused })
      scope.route({ method: 'GET', url: '/signin/number', handler: showNumberForm })
      scope.route({ method: 'POST', url: '/signin/number', handler: takeNumber })
      scope.route({ method: 'GET', url: '/signin/:uid', handler: dispatch })
      scope.route({ method: 'GET', url: '/signin/:uid/go', handler: go })
      scope.route({ method: 'GET', url: '/signin/:uid/status', handler: tellStatus })
      scope.route({ method: 'POST', url: '/signin/:uid/password', handler: takePassword })
      scope.route({ method: 'POST', url: '/signin/:uid/new-password', handler: takeNewPassword })
      scope.route({ method: 'POST', url: '/signin/:uid/bind', handler: takeBinding })
      scope.route({ method: 'POST', url: '/signin/:uid/create', handler: takeCreation })
      scope.route({ method: 'POST', url: '/signin/:uid/cancel', handler: cancel })
      callbackRoutes(scope, {
        ...parts,
        attempts,
        signIns,
        admitting,
        browsers,
        pace,
        startAgain: (request, connection, attempt, browserHash) =>
          begin(request, connection, {
            requestUid: attempt.requestUid,
            application:
              attempt.applicationId === null
                ? null
                : { id: attempt.applicationId, name: attempt.applicationName ?? '' },
            door: attempt.door === 'panel' ? 'qr' : attempt.door,
            browserHash,
            restarts: attempt.restarts + 1,
            bindUserId: attempt.bindUserId,
          }),
        claimOf,
        enter,
      })
    },

    /**
     * Begins to bind a member of a connection to somebody who is signed in. For the account page, after its own check of
     * the form. @returns where the browser goes @throws AppError `connections/not-found`, `connections/sign-in-off`
     */
    async startBinding(
      request: FastifyRequest,
      reply: FastifyReply,
      session: Session,
      { connection: reference, returnTo }: { connection: string; returnTo: string },
    ): Promise<string> {
      const found = await connections.forSignIn(reference)
      if (found === undefined || found.connection.organizationId !== session.organizationId)
        throw new AppError('connections/not-found')
      if (!found.connection.signIn.enabled) throw new AppError('connections/sign-in-off')
      const client = clientOf(request.headers['user-agent'])
      const { organizationId } = session
      const requestUid = own.begin(reply, { organizationId, returnTo: safeReturnTo(returnTo, publicUrl) })
      return begin(request, found, {
        requestUid,
        application: null,
        door: doorOfLink(client),
        browserHash: browsers.ensure(request, reply),
        restarts: 0,
        bindUserId: session.userId,
      })
    },

    /** A code of the SDK in a native app, for the grant `wecom-code`. */
    admitByCode: createMobileDoor({ ...parts, signIns, admitting, pace }),
  }

  // ---- The dispatcher --------------------------------------------------------------------------------------------------

  async function dispatch(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const asked = await loadRequest(request, reply)
    if (asked === undefined) return show(request, reply, null, { kind: 'expired' }, 404)
    const session = await sessionOf(request)
    const attempt = await attemptOf(request, asked)
    if (session !== undefined && isEnough(session, asked) && !isBinding(attempt)) {
      return redirect(reply, await requestsOf(asked.uid)!.complete(request, reply, asked.uid, session))
    }
    switch (attempt?.phase) {
      case 'taken':
        if (now() - (attempt.takenAt ?? 0) < TAKEN_FOR_MS) {
          return show(request, reply, asked, { kind: 'waiting', refreshSeconds: REFRESH_SECONDS })
        }
        return showSignIn(request, reply, asked)
      case 'carried':
        return show(request, reply, asked, {
          kind: 'number-shown',
          number: attempt.number!,
          refreshSeconds: REFRESH_SECONDS,
        })
      case 'matched':
        return settleHere(request, reply, asked, attempt, await claimOf(request, attempt))
      case 'asking':
        return showBinding(request, reply, asked, attempt, { username: '', problem: null })
      case 'refused':
        return isAgain(request) ? showSignIn(request, reply, asked) : showRefusal(request, reply, asked, attempt)
      default:
        return showSignIn(request, reply, asked)
    }
  }

  /** Somebody who is signed in and adds a way in has a session all along; what came of the attempt goes first. */
  function isBinding(attempt: Attempt | undefined): boolean {
    if (attempt === undefined || attempt.bindUserId === null) return false
    return attempt.phase !== 'admitted' && attempt.phase !== 'started' && attempt.phase !== 'restarted'
  }

  /** What the first browser does with what the second one, or the person, has added. */
  async function settleHere(
    request: FastifyRequest,
    reply: FastifyReply,
    asked: SignInRequest,
    attempt: Attempt,
    claim: Claim | null,
  ): Promise<FastifyReply> {
    if (attempt.asked === null) return showSignIn(request, reply, asked)
    const settled = await admitting.settle({ ...attempt, attempt }, attempt.asked, claim, browsers.placeOf(request))
    if (settled.kind === 'admitted') await enter(request, reply, settled)
    const path = `/signin/${asked.uid}`
    return request.method === 'POST' ? goOn(request, reply, asked, path) : redirect(reply, path)
  }

  /** For binding, the session has to be the one that began it. */
  async function claimOf(request: FastifyRequest, { bindUserId }: Attempt): Promise<Claim | null> {
    if (bindUserId === null) return null
    const session = await sessionOf(request)
    // Nobody's, where the session is another: then there is no proof, and no account of that name.
    return { kind: 'account', by: 'session', userId: session?.userId === bindUserId ? bindUserId : '' }
  }

  async function showSignIn(
    request: FastifyRequest,
    reply: FastifyReply,
    asked: SignInRequest,
    given: { username: string; problem: PasswordProblem | null } = { username: asked.loginHint ?? '', problem: null },
  ): Promise<FastifyReply> {
    const offered = await offeredTo(asked)
    const wish = asked.wishedConnection ?? wishOf(request)
    const wished = offered.find(({ id, identifier }) => wish === id || wish === identifier)
    if (wish !== null && wished === undefined) return refuseWish(request, reply, asked, wish)
    if (offered.length === 0 && !asked.passwordSignIn) {
      return refuseHere(request, reply, asked, { connection: null, reason: 'sign-in-off' })
    }
    const chosen = wished ?? (offered.length === 1 ? offered[0] : undefined)
    const client = clientOf(request.headers['user-agent'])
    const browserHash = browsers.ensure(request, reply)
    const path = `/signin/${asked.uid}`
    let way: (SignInView & { kind: 'sign-in' })['way'] = null
    if (chosen !== undefined && given.problem === null) {
      const next = wayFor(client, asked)
      if (next.kind === 'go' && !isAgain(request)) return startAt(request, reply, asked, chosen, next.door)
      const linkHref = `${path}/go?connection=${encodeURIComponent(chosen.identifier)}`
      if (next.kind === 'panel' || next.kind === 'go')
        way = await panelFor(request, asked, chosen, browserHash, linkHref)
      else if (next.kind === 'open-app') way = { kind: 'open-app', href: linkHref }
      else way = { kind: 'open-in-wecom', link: await addressFor(request, asked, chosen, 'phone', browserHash) }
      if (way === null) return slowDown(request, reply, asked)
    }
    return show(request, reply, asked, {
      kind: 'sign-in',
      connections: offered.map(({ id, identifier, displayName }) => ({
        displayName,
        href: `${path}?connection=${encodeURIComponent(identifier)}`,
        isChosen: id === chosen?.id,
      })),
      way,
      password: asked.passwordSignIn ? { ...formFor(request, asked, 'password'), ...given } : null,
      statusHref: `${path}/status`,
    })
  }

  async function panelFor(
    request: FastifyRequest,
    asked: SignInRequest,
    connection: Connection,
    browserHash: string,
    linkHref: string,
  ): Promise<(SignInView & { kind: 'sign-in' })['way']> {
    const address = await addressFor(request, asked, connection, 'panel', browserHash)
    const given = new URL(address).searchParams
    return {
      kind: 'panel',
      loginUrl: hosts.loginUrl,
      linkHref,
      parameters: {
        login_type: 'CorpApp',
        appid: given.get('appid')!,
        agentid: given.get('agentid')!,
        redirect_uri: given.get('redirect_uri')!,
        state: given.get('state')!,
        lang: languageFor(request, asked),
      },
    }
  }

  /** Begins an attempt. @returns the address of WeCom that it is for */
  async function addressFor(
    request: FastifyRequest,
    asked: SignInRequest,
    connection: Connection,
    door: WecomDoor,
    browserHash: string,
  ): Promise<string> {
    const found = await connections.forSignIn(connection.id)
    if (found === undefined) throw new AppError('connections/not-found')
    const { application, uid } = asked
    return begin(
      request,
      found,
      { requestUid: uid, application, door, browserHash, restarts: 0, bindUserId: null },
      asked,
    )
  }

  async function begin(
    request: FastifyRequest,
    { connection, credential }: { connection: Connection; credential: string },
    given: {
      requestUid: string
      application: { id: string; name: string } | null
      door: WecomDoor
      browserHash: string
      restarts: number
      bindUserId: string | null
    },
    asked?: SignInRequest,
  ): Promise<string> {
    const { corpId, agentId, signIn } = connection
    if (corpId === null || agentId === null) throw new AppError('connections/incomplete')
    const { application, ...rest } = given
    const state = await attempts.start({
      ...rest,
      organizationId: connection.organizationId,
      connectionId: connection.id,
      credential,
      applicationId: application?.id ?? null,
      applicationName: application?.name ?? null,
    })
    const { requestPrivateFields } = signIn
    const door = { corpId, agentId, requestPrivateFields, redirectUrl: redirectUrl(connection) }
    return wecomAddress(
      given.door,
      clientOf(request.headers['user-agent']),
      door,
      state,
      hosts,
      languageFor(request, asked),
    )
  }

  async function startAt(
    request: FastifyRequest,
    reply: FastifyReply,
    asked: SignInRequest,
    connection: Connection,
    door: WecomDoor,
  ): Promise<FastifyReply> {
    const seconds = pace.take(browsers.placeOf(request).address)
    if (seconds !== undefined) return slowDown(request, reply, asked, seconds)
    return redirect(reply, await addressFor(request, asked, connection, door, browsers.ensure(request, reply)))
  }

  // ---- Steps -----------------------------------------------------------------------------------------------------------

  async function start(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { return_to: returnTo, organization } = request.query as Record<string, unknown>
    const reference = typeof organization === 'string' && organization.length <= 64 ? organization : undefined
    const { id: organizationId } = await parts.organizations.resolve(reference)
    return redirect(
      reply,
      `/signin/${own.begin(reply, { organizationId, returnTo: safeReturnTo(returnTo, publicUrl) })}`,
    )
  }

  /** The plain link beside the panel, and the buttons on phones. */
  async function go(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const asked = await loadRequest(request, reply)
    if (asked === undefined) return show(request, reply, null, { kind: 'expired' }, 404)
    const wish = wishOf(request)
    const offered = await offeredTo(asked)
    const connection = offered.find(({ identifier }) => identifier === wish)
    if (connection === undefined) return refuseWish(request, reply, asked, wish ?? '')
    return startAt(request, reply, asked, connection, doorOfLink(clientOf(request.headers['user-agent'])))
  }

  async function tellStatus(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const asked = await loadRequest(request, reply)
    const attempt = asked === undefined ? undefined : await attemptOf(request, asked)
    const isHere = asked !== undefined && (attempt === undefined || attempt.phase === 'started')
    return reply.type('application/json').send(JSON.stringify({ state: isHere ? 'here' : 'elsewhere' }))
  }

  async function takePassword(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const asked = await loadRequest(request, reply)
    if (asked === undefined) return show(request, reply, null, { kind: 'expired' }, 404)
    const { username, password, token } = readBody(PasswordBody, request)
    browsers.refuseForeign(request, subjectOf(asked.uid, 'password'), token)
    return signInWith(request, reply, asked, { username, password })
  }

  async function takeBinding(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const scene = await askingScene(request, reply)
    if (scene === undefined) return reply
    const { username, password, token } = readBody(PasswordBody, request)
    browsers.refuseForeign(request, subjectOf(scene.asked.uid, 'bind'), token)
    return bindWith(request, reply, scene, { username, password })
  }

  /** A password that somebody else has set is right once: then it is to be replaced, and counts for what it was typed for. */
  async function takeNewPassword(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const asked = await loadRequest(request, reply)
    if (asked === undefined) return show(request, reply, null, { kind: 'expired' }, 404)
    const { username, current: password, password: newPassword, repeated, token } = readBody(NewPasswordBody, request)
    browsers.refuseForeign(request, subjectOf(asked.uid, 'new-password'), token)
    if (newPassword !== repeated) return showPasswordChange(request, reply, asked, username, { kind: 'differs' })
    const attempt = await attemptOf(request, asked)
    const typed = { username, password, newPassword }
    return attempt?.phase === 'asking'
      ? bindWith(request, reply, { asked, attempt }, typed)
      : signInWith(request, reply, asked, typed)
  }

  async function signInWith(
    request: FastifyRequest,
    reply: FastifyReply,
    asked: SignInRequest,
    typed: Omit<Typed, 'organizationId'>,
  ): Promise<FastifyReply> {
    if (!asked.passwordSignIn) throw new AppError('auth/forbidden')
    const { organizationId, application } = asked
    const browser = browsers.placeOf(request)
    const outcome = await passwordDoor.signIn({ ...typed, organizationId }, application?.id ?? null, browser)
    if (outcome.kind !== 'proved') {
      return showProblem(request, reply, asked, typed, outcome, (problem) =>
        showSignIn(request, reply, asked, { username: typed.username, problem }),
      )
    }
    await enter(request, reply, outcome.value)
    return goOn(request, reply, asked, `/signin/${asked.uid}`)
  }

  async function bindWith(
    request: FastifyRequest,
    reply: FastifyReply,
    { asked, attempt }: { asked: SignInRequest; attempt: Attempt },
    typed: Omit<Typed, 'organizationId'>,
  ): Promise<FastifyReply> {
    const { organizationId } = attempt
    const outcome = await passwordDoor.prove({ ...typed, organizationId }, browsers.placeOf(request))
    if (outcome.kind !== 'proved') {
      return showProblem(request, reply, asked, typed, outcome, (problem) =>
        showBinding(request, reply, asked, attempt, { username: typed.username, problem }),
      )
    }
    return settleHere(request, reply, asked, attempt, { kind: 'account', by: 'password', userId: outcome.value })
  }

  /** On the page where the password was typed, or on the one where a new one is. */
  async function showProblem(
    request: FastifyRequest,
    reply: FastifyReply,
    asked: SignInRequest,
    { username, newPassword }: Omit<Typed, 'organizationId'>,
    outcome: Exclude<PasswordOutcome<unknown>, { kind: 'proved' }>,
    showAgain: (problem: PasswordProblem) => Promise<FastifyReply>,
  ): Promise<FastifyReply> {
    if (outcome.kind === 'must-change') return showPasswordChange(request, reply, asked, username, null)
    void reply.code(outcome.kind === 'locked' ? 429 : outcome.kind === 'busy' ? 503 : 403)
    if (outcome.kind === 'locked') void reply.header('retry-after', String(outcome.retryAfterSeconds))
    if (outcome.kind === 'weak') {
      return showPasswordChange(request, reply, asked, username, { kind: 'refused', text: outcome.detail })
    }
    const { retryAfterSeconds } = { retryAfterSeconds: 0, ...outcome }
    const problem =
      outcome.kind === 'locked' ? ({ kind: 'throttled', retryAfterSeconds } as const) : { kind: outcome.kind }
    return newPassword === undefined ? showAgain(problem) : showPasswordChange(request, reply, asked, username, problem)
  }

  function showPasswordChange(
    request: FastifyRequest,
    reply: FastifyReply,
    asked: SignInRequest,
    username: string,
    problem: NewPasswordProblem | null,
  ): Promise<FastifyReply> {
    const form = formFor(request, asked, 'new-password')
    const rest = { isForced: true, asksCurrent: true, minimumLength: FEWEST_CHARACTERS } as const
    return show(request, reply, asked, { kind: 'change-password', form, username, problem, ...rest })
  }

  async function takeCreation(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const scene = await askingScene(request, reply)
    if (scene === undefined) return reply
    browsers.refuseForeign(request, subjectOf(scene.asked.uid, 'create'), readBody(TokenBody, request).token)
    return settleHere(request, reply, scene.asked, scene.attempt, { kind: 'create' })
  }

  /** undefined: answered already, because nothing is being asked. */
  async function askingScene(request: FastifyRequest, reply: FastifyReply) {
    const asked = await loadRequest(request, reply)
    if (asked === undefined) {
      await show(request, reply, null, { kind: 'expired' }, 404)
      return undefined
    }
    const attempt = await attemptOf(request, asked)
    if (attempt?.phase === 'asking') return { asked, attempt }
    await goOn(request, reply, asked, `/signin/${asked.uid}`)
    return undefined
  }

  async function cancel(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const asked = await loadRequest(request, reply)
    if (asked === undefined) return show(request, reply, null, { kind: 'expired' }, 404)
    browsers.refuseForeign(request, subjectOf(asked.uid, 'cancel'), readBody(TokenBody, request).token)
    return goOn(request, reply, asked, await requestsOf(asked.uid)!.refuse(request, reply, asked.uid))
  }

  async function showNumberForm(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const attempt = await carriedAttempt(request)
    if (attempt === undefined) return show(request, reply, null, { kind: 'expired' }, 404)
    if (attempt.phase !== 'carried') return show(request, reply, null, { kind: 'number-right' })
    return showNumberQuestion(request, reply, attempt, false)
  }

  async function takeNumber(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const attempt = await carriedAttempt(request)
    const { number, token } = readBody(NumberBody, request)
    browsers.refuseForeign(request, 'number', token)
    if (attempt === undefined) return show(request, reply, null, { kind: 'expired' }, 404)
    const outcome = await attempts.tryNumber(attempt.id, browsers.hashOf(request)!, number.trim())
    if (outcome === 'right') return redirect(reply, '/signin/number')
    if (outcome === 'wrong') return showNumberQuestion(request, reply, attempt, true)
    const settled = await admitting.refuse(attempt, 'carried', { reason: 'number-wrong' }, browsers.placeOf(request))
    if (settled.kind !== 'refused') return show(request, reply, null, { kind: 'expired' }, 404)
    return show(request, reply, null, { ...settled, againHref: null }, 403)
  }

  function showNumberQuestion(request: FastifyRequest, reply: FastifyReply, attempt: Attempt, isWrong: boolean) {
    const form = { action: '/signin/number', token: browsers.tokenFor(request, 'number') }
    const { applicationName } = attempt
    return show(request, reply, null, { kind: 'number-asked', form, applicationName, isWrong }, isWrong ? 403 : 200)
  }

  async function carriedAttempt(request: FastifyRequest): Promise<Attempt | undefined> {
    const hash = browsers.hashOf(request)
    return hash === undefined ? undefined : attempts.carriedBy(hash)
  }

  // ---- Refusals --------------------------------------------------------------------------------------------------------

  /** For browsers that no request belongs to. Says nothing but a sentence for the word, whoever wrote the address. */
  async function showRefused(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const query = z
      .object({ reason: z.enum(REASONS_WITHOUT_REQUEST), reference: z.string().regex(/^[0-9A-Z-]{10,16}$/) })
      .safeParse(request.query)
    if (!query.success) return show(request, reply, null, { kind: 'expired' }, 404)
    const { reason, reference: referenceId } = query.data
    return show(request, reply, null, { kind: 'refused', reason, referenceId, againHref: null }, 403)
  }

  function showRefusal(request: FastifyRequest, reply: FastifyReply, asked: SignInRequest, attempt: Attempt) {
    const { reason, referenceId } = attempt
    const againHref = attempt.bindUserId === null ? `/signin/${asked.uid}?again=1` : null
    return show(
      request,
      reply,
      asked,
      { kind: 'refused', reason: reason ?? 'expired', referenceId: referenceId ?? '', againHref },
      403,
    )
  }

  async function refuseWish(request: FastifyRequest, reply: FastifyReply, asked: SignInRequest, wish: string) {
    const found = await connections.forSignIn(wish)
    const isTheirs = found !== undefined && found.connection.organizationId === asked.organizationId
    const isOff = isTheirs && !found.connection.signIn.enabled
    const reason = isOff ? 'sign-in-off' : 'connection-unknown'
    return refuseHere(request, reply, asked, { connection: isTheirs ? found.connection : null, reason })
  }

  async function refuseHere(
    request: FastifyRequest,
    reply: FastifyReply,
    asked: SignInRequest,
    { connection, reason }: { connection: Connection | null; reason: SignInReason },
  ): Promise<FastifyReply> {
    const seconds = pace.take(browsers.placeOf(request).address)
    if (seconds !== undefined) return slowDown(request, reply, asked, seconds)
    const referenceId = await database.inTransaction((tx) =>
      signIns.refuse(
        tx,
        {
          connection,
          organizationId: asked.organizationId,
          applicationId: asked.application?.id ?? null,
          door: doorOfLink(clientOf(request.headers['user-agent'])),
          reason,
          problem: null,
        },
        browsers.placeOf(request),
      ),
    )
    return show(request, reply, asked, { kind: 'refused', reason, referenceId, againHref: null }, 403)
  }

  function slowDown(
    request: FastifyRequest,
    reply: FastifyReply,
    asked: SignInRequest,
    seconds = 1,
  ): Promise<FastifyReply> {
    void reply.header('retry-after', String(seconds))
    // Not on record: a record of each would be the harm that the limit is against.
    return show(
      request,
      reply,
      asked,
      { kind: 'refused', reason: 'too-many-attempts', referenceId: '', againHref: null },
      429,
    )
  }

  // ---- What all of them share ------------------------------------------------------------------------------------------

  async function loadRequest(request: FastifyRequest, reply: FastifyReply): Promise<SignInRequest | undefined> {
    const { uid } = request.params as { uid: string }
    return requestsOf(uid)?.load(request, reply, uid)
  }

  /** Somebody else's session of this browser ends; their own goes on for the applications that came in through it. */
  async function enter(
    request: FastifyRequest,
    reply: FastifyReply,
    { session, cookie }: { session: Session; cookie: string },
  ): Promise<void> {
    const before = await sessionOf(request)
    if (before !== undefined && before.userId !== session.userId) {
      await database.inTransaction((tx) => parts.sessions.end(tx, before.id))
    }
    parts.sessions.setCookie(reply, cookie)
  }

  function sessionOf(request: FastifyRequest): Promise<Session | undefined> {
    return parts.sessions.find(parts.sessions.cookieOf(request))
  }

  async function attemptOf(request: FastifyRequest, { uid }: SignInRequest): Promise<Attempt | undefined> {
    const hash = browsers.hashOf(request)
    return hash === undefined ? undefined : attempts.current(uid, hash)
  }

  /** In the order of the application, and only those that people may use now. */
  async function offeredTo({ organizationId, connections: ids }: SignInRequest): Promise<Connection[]> {
    const open = new Map((await connections.openForSignIn(organizationId)).map((one) => [one.id, one]))
    return ids.flatMap((id) => open.get(id) ?? [])
  }

  async function showBinding(
    request: FastifyRequest,
    reply: FastifyReply,
    asked: SignInRequest,
    attempt: Attempt,
    given: { username: string; problem: PasswordProblem | null },
  ): Promise<FastifyReply> {
    const found = await connections.forSignIn(attempt.connectionId)
    const member = attempt.asked?.kind === 'member' ? attempt.asked : null
    return show(request, reply, asked, {
      kind: 'bind',
      memberName: member?.member?.name ?? member?.userid ?? '',
      connectionName: found?.connection.displayName ?? '',
      form: { ...formFor(request, asked, 'bind'), ...given },
      create: attempt.mayCreate ? formFor(request, asked, 'create') : null,
    })
  }

  function formFor(request: FastifyRequest, { uid }: SignInRequest, step: string): Form {
    return { action: `/signin/${uid}/${step}`, token: browsers.tokenFor(request, subjectOf(uid, step)) }
  }

  function languageFor(request: FastifyRequest, asked?: Pick<SignInRequest, 'locales'> | null): Language {
    return chooseLanguage({
      chosen: browsers.wishedLanguage(request),
      locales: asked?.locales ?? [],
      acceptLanguage: request.headers['accept-language'],
    })
  }

  function goOn(request: FastifyRequest, reply: FastifyReply, asked: SignInRequest, href: string) {
    return show(request, reply, asked, { kind: 'going-on', href })
  }

  async function show(
    request: FastifyRequest,
    reply: FastifyReply,
    asked: SignInRequest | null,
    view: SignInView | OtherView,
    status = reply.statusCode,
  ): Promise<FastifyReply> {
    const hasCookie = asked !== null && browsers.hashOf(request) !== undefined
    const language = languageFor(request, asked)
    if ((request.query as Record<string, unknown>)['lang'] === language) browsers.rememberLanguage(reply, language)
    const { html, headers } = render(view, {
      language,
      application: asked?.application ?? null,
      cancel: asked?.application != null && hasCookie ? formFor(request, asked, 'cancel') : null,
      embedOrigins: asked === null ? [] : embedOriginsOf(await offeredTo(asked)),
      nonce: randomBytes(16).toString('base64url'),
      selfHref: request.method === 'GET' ? request.url : null,
    })
    return reply.code(status).headers(headers).send(html)
  }
}

/** What a callback that belongs to no request of this browser may say. */
const REASONS_WITHOUT_REQUEST = [
  'state-invalid',
  'declined',
  'sign-in-off',
  'connection-changed',
  'code-rejected',
  'wecom-unavailable',
  'wecom-problem',
  'not-a-member',
  'too-many-attempts',
  'expired',
] as const satisfies readonly SignInReason[]

function subjectOf(uid: string, step: string): string {
  return `${uid}/${step}`
}

function wishOf({ query }: FastifyRequest): string | null {
  const { connection } = query as Record<string, unknown>
  return typeof connection === 'string' && connection.length <= 64 ? connection : null
}

function isAgain({ query }: FastifyRequest): boolean {
  return (query as Record<string, unknown>)['again'] !== undefined
}

function embedOriginsOf(connections: readonly Connection[]): string[] {
  return [...new Set(connections.flatMap(({ signIn }) => signIn.embedOrigins))]
}

/** What a form does not have to say is ignored: who somebody is comes from the server's own record. */
function readBody<S extends z.ZodType>(schema: S, { body }: FastifyRequest): z.output<S> {
  const result = schema.safeParse(body)
  if (result.success) return result.data
  const fields = result.error.issues.map(({ path, message }) => ({ path: path.join('.'), message }))
  throw new AppError('http/validation', { fields })
}

/** Always to be fetched anew, and with GET. */
function redirect(reply: FastifyReply, address: string): FastifyReply {
  return reply.code(303).header('location', address).send()
}
