/**
 * Requests of our own pages to have somebody signed in: where to go afterwards, in a cookie of its own that the browser
 * sends to this one request. The server keeps nothing. Whoever changes their cookie only sends themselves somewhere else
 * on this origin. Those of applications are oidc/'s.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { DEFAULT_PAGE, safeReturnTo } from './return-to.ts'
import type { SignInRequest, SignInRequests } from './signin.ts'

export interface OwnErrand {
  readonly organizationId: string
  readonly returnTo: string
}

export type OwnRequests = ReturnType<typeof createOwnRequests>

const PREFIX = 'page-'
const UID = /^page-[0-9a-f]{32}$/
const LIFETIME_SECONDS = 30 * 60

const Stored = z.object({ o: z.string().max(64), r: z.string().max(1_000) })

export function createOwnRequests({
  publicUrl,
  random,
  connectionsOf,
}: {
  publicUrl: string
  random: (bytes: Uint8Array) => void
  /** Ids of those that people of an organization may sign in through. */
  connectionsOf: (organizationId: string) => Promise<readonly string[]>
}) {
  const isSecure = publicUrl.startsWith('https:')
  const optionsFor = (uid: string) =>
    ({ path: `/signin/${uid}`, httpOnly: true, sameSite: 'lax', secure: isSecure }) as const

  function read(request: FastifyRequest, uid: string): OwnErrand | undefined {
    const text = UID.test(uid) ? request.cookies[cookieName(uid)] : undefined
    if (text === undefined) return undefined
    const stored = Stored.safeParse(parse(Buffer.from(text, 'base64url').toString('utf8')))
    if (!stored.success) return undefined
    return { organizationId: stored.data.o, returnTo: safeReturnTo(stored.data.r, publicUrl) }
  }

  return {
    isOwn: (uid: string): boolean => uid.startsWith(PREFIX),

    /** @returns the uid; the person goes to `/signin/{uid}` */
    begin(reply: FastifyReply, { organizationId, returnTo }: OwnErrand): string {
      const bytes = new Uint8Array(16)
      random(bytes)
      const uid = `${PREFIX}${Buffer.from(bytes).toString('hex')}`
      const value = Buffer.from(JSON.stringify({ o: organizationId, r: returnTo })).toString('base64url')
      void reply.setCookie(cookieName(uid), value, { ...optionsFor(uid), maxAge: LIFETIME_SECONDS })
      return uid
    },

    async load(request, _reply, uid): Promise<SignInRequest | undefined> {
      const errand = read(request, uid)
      if (errand === undefined) return undefined
      return {
        uid,
        application: null,
        organizationId: errand.organizationId,
        connections: await connectionsOf(errand.organizationId),
        wishedConnection: null,
        skipSignInPage: false,
        passwordSignIn: true,
        locales: [],
        loginHint: null,
        authenticatedSince: null,
      }
    },

    async complete(request, reply, uid) {
      const errand = read(request, uid)
      void reply.clearCookie(cookieName(uid), optionsFor(uid))
      return errand?.returnTo ?? DEFAULT_PAGE
    },

    async refuse(_request, reply, uid) {
      void reply.clearCookie(cookieName(uid), optionsFor(uid))
      return DEFAULT_PAGE
    },
  } satisfies SignInRequests & Record<string, unknown>
}

function cookieName(uid: string): string {
  return `muster_${uid}`
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
