/**
 * The account page: what somebody who is signed in sees and changes of their own ways in, their sessions and their password.
 * Every form carries a token of the session, so that no other page can send it (threats.md L-08). Works without JavaScript.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Actor } from '../audit/audit.ts'
import type { ConnectionForSignIn, Connections } from '../connections/connections.ts'
import type { Row } from '../database/database.ts'
import type { Links } from '../directory/links.ts'
import type { PasswordProof } from '../directory/password-proof.ts'
import type { Users } from '../directory/users.ts'
import { AppError, errorTable, unreachable } from '../errors.ts'
import type { Session, Sessions } from '../sessions/sessions.ts'
import { DONE, type AccountView, type Done } from './account-view.ts'
import { renderAccount, renderGoingOn, renderSignedOut } from './pages/account.ts'
import { chooseLanguage } from './pages/texts.ts'

export interface AccountParts {
  readonly sessions: Sessions
  readonly users: Users
  readonly links: Links
  readonly connections: Connections
  readonly passwords: PasswordProof
  /** @returns where the browser goes to show a member of a connection */
  readonly startBinding: (
    request: FastifyRequest,
    reply: FastifyReply,
    session: Session,
    to: { connection: string; corp: string | null; returnTo: string },
  ) => Promise<string>
}

const PAGE = '/account'
const Id = z.string().max(64)
const TokenBody = z.object({ token: z.string().max(64) })
const LinkBody = TokenBody.extend({ link: Id })
const SessionBody = TokenBody.extend({ session: Id })
const BindBody = TokenBody.extend({ connection: Id, corp: z.string().max(128).optional() })
/** Longer ones are refused by the rules for passwords, in words. */
const Password = z.string().max(4_000)
const PasswordBody = TokenBody.extend({ password: Password, newPassword: Password, newPasswordAgain: Password })

interface Visitor {
  readonly session: Session
  readonly user: Row<'users'>
  readonly token: string
  readonly actor: Actor
}

/** Where the browser goes, or how the page tells what was done. */
type Next = { readonly done: Done } | { readonly href: string }

export function createAccount(parts: AccountParts) {
  const { sessions, users, links, connections, passwords } = parts

  return {
    /** Mounts the page. The scope parses cookies and forms. */
    mount(scope: FastifyInstance): void {
      scope.get(PAGE, async (request, reply) => {
        const visitor = await visitorOf(request)
        if (visitor === undefined) return toSignIn(reply)
        return show(request, reply, visitor, { done: doneOf(request) })
      })
      scope.get('/signed-out', async (request, reply) => send(reply, renderSignedOut(contextOf(request))))
      scope.post('/signout', post(TokenBody, signOut))
      scope.post(`${PAGE}/password`, post(PasswordBody, changePassword))
      scope.post(`${PAGE}/links/bind`, post(BindBody, bind))
      scope.post(`${PAGE}/links/unbind`, post(LinkBody, unbind))
      scope.post(`${PAGE}/sessions/end`, post(SessionBody, endSession))
      scope.post(`${PAGE}/sessions/end-others`, post(TokenBody, endOthers))
    },
  }

  // ---- What forms do ----------------------------------------------------------------------------------------------------

  async function signOut(
    { session, user, actor }: Visitor,
    _body: object,
    _request: FastifyRequest,
    reply: FastifyReply,
  ) {
    await users.endOwnSessions(actor, user.id, [session.id])
    sessions.clearCookie(reply)
    return { href: '/signed-out' }
  }

  async function changePassword(
    { session, user, actor }: Visitor,
    { password, newPassword, newPasswordAgain }: z.output<typeof PasswordBody>,
  ): Promise<Next> {
    if (newPassword !== newPasswordAgain) throw new AppError('passwords/different')
    const proof = await passwords.prove(
      {
        organizationId: user.organization_id,
        username: user.username,
        password,
        newPassword,
        keepSessionId: session.id,
        address: actor.address,
        requestId: actor.requestId,
      },
      async (_tx, proved) => {
        // Renamed in the same moment, and somebody else has the name: nobody changes another one's password.
        if (proved.id !== user.id) throw new AppError('passwords/wrong')
      },
    )
    switch (proof.kind) {
      case 'proved':
        return { done: 'password' }
      case 'wrong':
      case 'must-change':
        throw new AppError('passwords/wrong')
      case 'locked':
        throw new AppError('passwords/too-many-guesses', { extra: { retryAfterSeconds: proof.retryAfterSeconds } })
      default:
        return unreachable(proof)
    }
  }

  async function bind(
    { session }: Visitor,
    { connection, corp }: z.output<typeof BindBody>,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<Next> {
    return {
      href: await parts.startBinding(request, reply, session, { connection, corp: corp ?? null, returnTo: PAGE }),
    }
  }

  async function unbind({ user, actor }: Visitor, { link }: z.output<typeof LinkBody>): Promise<Next> {
    await links.removeOwn(actor, user.id, link)
    return { done: 'unbound' }
  }

  async function endSession({ user, actor }: Visitor, { session }: z.output<typeof SessionBody>): Promise<Next> {
    const own = await sessions.listOf(user.id)
    if (!own.some(({ id }) => id === session)) throw new AppError('sessions/not-found')
    await users.endOwnSessions(actor, user.id, [session])
    return { done: 'ended' }
  }

  async function endOthers({ session, user, actor }: Visitor): Promise<Next> {
    const own = await sessions.listOf(user.id)
    const others = own.map(({ id }) => id).filter((id) => id !== session.id)
    await users.endOwnSessions(actor, user.id, others)
    return { done: 'others-ended' }
  }

  // ---- Requests and answers ---------------------------------------------------------------------------------------------

  function post<Body extends z.ZodType<{ token: string }>>(
    body: Body,
    work: (visitor: Visitor, body: z.output<Body>, request: FastifyRequest, reply: FastifyReply) => Promise<Next>,
  ) {
    return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
      const visitor = await visitorOf(request)
      if (visitor === undefined) return toSignIn(reply)
      try {
        const given = body.safeParse(request.body)
        if (!given.success || !isOurForm(request, visitor, given.data.token)) throw new AppError('signin/foreign-form')
        return await answer(request, reply, await work(visitor, given.data, request, reply))
      } catch (error) {
        if (!(error instanceof AppError) || error.status >= 500) throw error
        const wait = error.extra?.['retryAfterSeconds']
        if (typeof wait === 'number') void reply.header('retry-after', String(wait))
        return show(request, reply.code(error.status), visitor, { problem: error })
      }
    }
  }

  async function answer(request: FastifyRequest, reply: FastifyReply, next: Next): Promise<FastifyReply> {
    if ('done' in next) return reply.redirect(`${PAGE}?done=${next.done}`, 303)
    if (next.href.startsWith('/')) return reply.redirect(next.href, 303)
    // Chromium holds a redirect after a form to the page's own `form-action`, so the answer is a page that goes on.
    return send(reply, renderGoingOn(next.href, contextOf(request)))
  }

  async function visitorOf(request: FastifyRequest): Promise<Visitor | undefined> {
    const cookie = sessions.cookieOf(request)
    const session = await sessions.find(cookie)
    if (session === undefined || cookie === undefined) return undefined
    const { user } = await users.get(session.userId)
    const address = (request.ip as string | undefined) ?? null
    const actor: Actor = { kind: 'user', id: user.id, name: user.username, address, requestId: request.id }
    return { session, user, token: sessions.formToken(cookie), actor }
  }

  /** By the token, which only pages of this session have; an old browser says nothing else about where a form came from. */
  function isOurForm(request: FastifyRequest, { token }: Visitor, given: string): boolean {
    const site = request.headers['sec-fetch-site']
    if (site !== undefined && site !== 'same-origin') return false
    const [one, other] = [Buffer.from(given), Buffer.from(token)]
    return one.length === other.length && timingSafeEqual(one, other)
  }

  async function show(
    request: FastifyRequest,
    reply: FastifyReply,
    visitor: Visitor,
    { done = null, problem = null }: { done?: Done | null; problem?: AppError | null },
  ): Promise<FastifyReply> {
    const { session, user, token } = visitor
    const own = await links.ofUser(user.id)
    const doors = await connections.doorsOf(user.organization_id)
    const view: AccountView = {
      displayName: user.display_name,
      username: user.username,
      token,
      hasPassword: user.password_hash !== null,
      done,
      problem: problem === null ? null : textsOf(problem),
      links: own.map((link) => ({
        id: link.id,
        connectionName: link.connection_name,
        company: link.company_name,
        userid: link.userid,
        lastSignInAt: link.last_sign_in_at,
      })),
      canUnbind: own.length > 1 || user.password_hash !== null,
      bindable: doors
        .filter((door) => !own.some((link) => isThrough(link, door)))
        .map(({ connection: { identifier, displayName, kind }, corp }) => ({
          identifier,
          displayName,
          company: kind === 'self_built' || corp === null ? null : { corpId: corp.corpId, name: corp.name },
        })),
      sessions: (await sessions.listOf(user.id)).map((one) => ({ ...one, isThis: one.id === session.id })),
    }
    return send(reply, renderAccount(view, contextOf(request)))
  }

  function contextOf(request: FastifyRequest) {
    const { lang } = request.query as { lang?: unknown }
    const acceptLanguage = request.headers['accept-language']
    return {
      language: chooseLanguage({ chosen: lang, locales: [], acceptLanguage }),
      nonce: randomBytes(16).toString('base64'),
    }
  }
}

/** One member of a company for each user; whom a provider's lets in next, it says only then. */
function isThrough(
  link: Pick<Row<'links'>, 'connection_id' | 'corp_id'>,
  { connection, corp }: ConnectionForSignIn,
): boolean {
  if (link.connection_id !== connection.id) return false
  return connection.kind !== 'delegated' || link.corp_id === corp?.corpId
}

function toSignIn(reply: FastifyReply): FastifyReply {
  return reply.header('cache-control', 'no-store').redirect(`/signin/start?return_to=${encodeURIComponent(PAGE)}`, 303)
}

function send(reply: FastifyReply, page: { html: string; headers: Readonly<Record<string, string>> }): FastifyReply {
  return reply.headers(page.headers).send(page.html)
}

function doneOf({ query }: FastifyRequest): Done | null {
  const { done } = query as { done?: unknown }
  return DONE.find((known) => known === done) ?? null
}

function textsOf(error: AppError): NonNullable<AccountView['problem']> {
  const { title, remedy } = errorTable[error.code]
  return { title: error.detail ?? title, remedy: error.remedy ?? remedy }
}
