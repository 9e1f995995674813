/**
 * What a browser that comes to `/signin/{uid}` is here with: the request behind the address, the connections that one
 * offers, the attempt and the session of this browser. Finds and hands out; what comes next is dispatcher.ts.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ConnectionForSignIn, Connections } from '../connections/connections.ts'
import type { Database } from '../database/database.ts'
import type { Session, Sessions } from '../sessions/sessions.ts'
import type { Claim } from './admitting.ts'
import type { Attempt, Attempts } from './attempts.ts'
import type { Browsers } from './browser.ts'
import type { OwnRequests } from './own-requests.ts'
import type { SignInRequest, SignInRequests } from './signin.ts'

export interface VisitParts {
  readonly database: Database
  readonly connections: Connections
  readonly sessions: Sessions
  readonly attempts: Attempts
  readonly browsers: Browsers
  readonly own: OwnRequests
}

export type Visits = ReturnType<typeof createVisits>

export function createVisits({ database, connections, sessions, attempts, browsers, own }: VisitParts) {
  let others: SignInRequests | undefined

  return {
    /** Requests that are not of our own pages. Given later, because oidc/ needs signing in, too. */
    serve(requests: SignInRequests): void {
      others = requests
    },

    requestsOf,

    /** Where a browser goes that was just let in. */
    wayOn: async (uid: string): Promise<string> => requestsOf(uid)?.wayOn(uid) ?? `/signin/${uid}`,

    async loadRequest(request: FastifyRequest, reply: FastifyReply): Promise<SignInRequest | undefined> {
      const { uid } = request.params as { uid: string }
      return requestsOf(uid)?.load(request, reply, uid)
    },

    /** In the order of the application, and only those that people may use now. */
    async offeredTo({ organizationId, connections: ids }: SignInRequest): Promise<ConnectionForSignIn[]> {
      const open = new Map((await connections.doorsOf(organizationId)).map((one) => [one.connection.id, one]))
      return ids.flatMap((id) => open.get(id) ?? [])
    },

    async attemptOf(request: FastifyRequest, { uid }: SignInRequest): Promise<Attempt | undefined> {
      const hash = browsers.hashOf(request)
      return hash === undefined ? undefined : attempts.current(uid, hash)
    },

    sessionOf,

    /** For binding, the session has to be the one that began it. */
    async claimOf(request: FastifyRequest, { bindUserId }: Attempt): Promise<Claim | null> {
      if (bindUserId === null) return null
      const session = await sessionOf(request)
      // Nobody's, where the session is another: then there is no proof, and no account of that name.
      return { kind: 'account', by: 'session', userId: session?.userId === bindUserId ? bindUserId : '' }
    },

    /** Somebody else's session of this browser ends; their own goes on for the applications that came in through it. */
    async enter(
      request: FastifyRequest,
      reply: FastifyReply,
      { session, cookie }: { session: Session; cookie: string },
    ): Promise<void> {
      const before = await sessionOf(request)
      if (before !== undefined && before.userId !== session.userId) {
        await database.inTransaction((tx) => sessions.end(tx, before.id))
      }
      sessions.setCookie(reply, cookie)
    },
  }

  function requestsOf(uid: string): SignInRequests | undefined {
    return own.isOwn(uid) ? own : others
  }

  function sessionOf(request: FastifyRequest): Promise<Session | undefined> {
    return sessions.find(sessions.cookieOf(request))
  }
}

/** The connection that the address of a page of ours names. */
export function wishOf({ query }: FastifyRequest): string | null {
  const { connection } = query as Record<string, unknown>
  return typeof connection === 'string' && connection.length <= 64 ? connection : null
}

export function wishedOf(
  offered: readonly ConnectionForSignIn[],
  wish: string | null,
): ConnectionForSignIn | undefined {
  return offered.find(({ connection: { id, identifier } }) => wish === id || wish === identifier)
}
