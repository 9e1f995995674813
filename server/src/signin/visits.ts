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

    /** In the order of the application, with the companies of each by name, and only those that people may use now. */
    async offeredTo({ organizationId, connections: ids }: SignInRequest): Promise<ConnectionForSignIn[]> {
      const open = Map.groupBy(await connections.doorsOf(organizationId), ({ connection }) => connection.id)
      return ids.flatMap((id) => open.get(id) ?? [])
    },

    doorsFor,

    /**
     * What of the offered ones is still to choose from: what the request asks for, and within that what the person has
     * picked on our page. One: there is no choice left. None: nothing fits.
     */
    async choiceOf(
      { wish: asked }: SignInRequest,
      offered: readonly ConnectionForSignIn[],
      picked: Wish | null,
    ): Promise<readonly ConnectionForSignIn[]> {
      const fitting = asked === null ? offered : await doorsFor(offered, asked)
      return picked === null || (asked !== null && fitting.length <= 1) ? fitting : doorsFor(fitting, picked)
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

  /** The offered ones that fit a wish. A provider's takes people of one company only, if that has authorised it. */
  async function doorsFor(
    offered: readonly ConnectionForSignIn[],
    { connection, corp }: Wish,
  ): Promise<ConnectionForSignIn[]> {
    const doors: ConnectionForSignIn[] = []
    for (const door of offered.filter((one) => isNamed(one, connection))) {
      if (corp === null || door.corp?.corpId === corp) doors.push(door)
      else if (door.connection.kind === 'service_provider' && isCorpId(corp)) {
        const narrowed = await connections.forSignIn(door.connection.id, corp)
        if (narrowed !== undefined && narrowed.corp !== null) doors.push(narrowed)
      }
    }
    return doors
  }

  function sessionOf(request: FastifyRequest): Promise<Session | undefined> {
    return sessions.find(sessions.cookieOf(request))
  }
}

/** What an application or an address asks for: a connection, and one company of those that have authorised it. */
export interface Wish {
  /** Id or identifier; null: any. */
  readonly connection: string | null
  readonly corp: string | null
}

/** What the address of a page of ours names. null: nothing */
export function wishOf({ query }: FastifyRequest): Wish | null {
  const given = query as Record<string, unknown>
  const wish = { connection: named(given['connection']), corp: named(given['corp']) }
  return wish.connection === null && wish.corp === null ? null : wish
}

function named(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

/** Whether this can be the id of a company at all; there is no company of any other to look for. */
export function isCorpId(text: string): boolean {
  return /^[\x21-\x7e]{1,128}$/.test(text)
}

/** The wish that leads to just this door, as a query. */
export function queryOf({ connection: { identifier, kind }, corp }: ConnectionForSignIn): string {
  const query = new URLSearchParams({ connection: identifier })
  if (kind !== 'self_built' && corp !== null) query.set('corp', corp.corpId)
  return query.toString()
}

function isNamed({ connection: { id, identifier } }: ConnectionForSignIn, wish: string | null): boolean {
  return wish === null || wish === id || wish === identifier
}
