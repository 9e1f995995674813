/**
 * Requests of our own pages to have somebody signed in: where to go afterwards, in a cookie of its own that the browser
 * sends to this one request. The server keeps nothing. Whoever changes their cookie only sends themselves somewhere else
 * on this origin. Those of applications are oidc/'s.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Organizations } from '../directory/organizations.ts'
import { DEFAULT_PAGE, safeReturnTo } from './return-to.ts'
import { redirect } from './showing.ts'
import type { SignInRequest, SignInRequests } from './signin.ts'

export interface OwnErrand {
  readonly organizationId: string
  readonly returnTo: string
  /** Only somebody who signs in after this moment will do; null: whoever is signed in. */
  readonly authenticatedSince: number | null
}

export type OwnRequests = ReturnType<typeof createOwnRequests>

const PREFIX = 'page-'
const UID = /^page-[0-9a-f]{32}$/
const LIFETIME_SECONDS = 30 * 60

const Stored = z.object({ o: z.string().max(64), r: z.string().max(1_000), s: z.number().nullable() })

export function createOwnRequests({
  publicUrl,
  organizations,
  now,
  random,
  connectionsOf,
}: {
  publicUrl: string
  organizations: Pick<Organizations, 'resolve'>
  now: () => number
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
    const { o: organizationId, r: returnTo, s: authenticatedSince } = stored.data
    return { organizationId, returnTo: safeReturnTo(returnTo, publicUrl), authenticatedSince }
  }

  function begin(reply: FastifyReply, { organizationId, returnTo, authenticatedSince }: OwnErrand): string {
    const bytes = new Uint8Array(16)
    random(bytes)
    const uid = `${PREFIX}${Buffer.from(bytes).toString('hex')}`
    const value = Buffer.from(JSON.stringify({ o: organizationId, r: returnTo, s: authenticatedSince })).toString(
      'base64url',
    )
    void reply.setCookie(cookieName(uid), value, { ...optionsFor(uid), maxAge: LIFETIME_SECONDS })
    return uid
  }

  return {
    isOwn: (uid: string): boolean => uid.startsWith(PREFIX),

    /** @returns the uid; the person goes to `/signin/{uid}` */
    begin,

    /** `GET /signin/start`: any page of ours sends people here who are to come back signed in. */
    async start(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
      const { return_to: returnTo, organization, prompt, lang } = request.query as Record<string, unknown>
      const reference = typeof organization === 'string' && organization.length <= 64 ? organization : undefined
      const { id: organizationId } = await organizations.resolve(reference)
      // As applications ask for it: whoever confirms a dangerous act, and has no password, signs in once more.
      const authenticatedSince = prompt === 'login' ? now() : null
      const errand = { organizationId, returnTo: safeReturnTo(returnTo, publicUrl), authenticatedSince }
      // The page goes on in the language of the page that sends here.
      const language = lang === 'zh' || lang === 'en' ? `?lang=${lang}` : ''
      return redirect(reply, `/signin/${begin(reply, errand)}${language}`)
    },

    async load(request, _reply, uid): Promise<SignInRequest | undefined> {
      const errand = read(request, uid)
      if (errand === undefined) return undefined
      return {
        uid,
        application: null,
        organizationId: errand.organizationId,
        connections: await connectionsOf(errand.organizationId),
        wish: null,
        skipSignInPage: false,
        passwordSignIn: true,
        locales: [],
        loginHint: null,
        authenticatedSince: errand.authenticatedSince,
      }
    },

    /** What is left of it is in a cookie for this path. */
    wayOn: async (uid) => `/signin/${uid}`,

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
