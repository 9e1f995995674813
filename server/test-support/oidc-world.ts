/**
 * The OpenID provider over HTTP, with everything it needs on one database, and a step in the place of signing in: whoever
 * the test says gets a session of ours. Requests go to the public URL as everywhere, and arrive at a free port.
 */
import { createHash, randomBytes } from 'node:crypto'
import { pino } from 'pino'
import type { NewApplication } from '@muster/contracts'
import type { z } from 'zod'
import { createApplications, type Application } from '../src/applications/applications.ts'
import type { Database } from '../src/database/database.ts'
import { createHttp } from '../src/http.ts'
import { createIds } from '../src/ids.ts'
import { createMetrics } from '../src/metrics.ts'
import { createOidc, type AdmitByCode } from '../src/oidc/oidc.ts'
import { Secret } from '../src/secret.ts'
import { isEnough, type NewSession } from '../src/sessions/sessions.ts'
import type { SignInRequest } from '../src/signin/signin.ts'
import { createPages } from '../src/signin/pages/pages.ts'
import { createVault } from '../src/vault.ts'
import { ACTOR, createDirectory, requester } from './directory.ts'

export const PUBLIC_URL = 'https://id.corp.example'
export const ISSUER = `${PUBLIC_URL}/oidc`
export const CALLBACK = 'https://app.corp.example/callback'

export interface RelyingParty {
  readonly application: Application
  readonly clientId: string
  readonly clientSecret: string | null
  readonly redirectUri: string
}

/** Where a browser ended, and how. */
export interface Arrival {
  readonly status: number
  /** Where it was sent, when that is not ours; null when it ended on a page. */
  readonly location: URL | null
  readonly headers: Headers
  readonly text: string
}

export type OidcWorld = Awaited<ReturnType<typeof createOidcWorld>>

export async function createOidcWorld(database: Database) {
  const directory = await createDirectory(database)
  const { clock, audit, sessions, organization, users } = directory
  const now = () => clock.at
  const makeId = createIds({ now, random: (bytes) => crypto.getRandomValues(bytes) })
  const newId: typeof makeId = (kind) => {
    clock.at++
    return makeId(kind)
  }
  const vault = createVault({ key: new Secret(Buffer.alloc(32, 7).toString('base64')) })
  const applications = createApplications({ database, audit, newId, now })
  let logged = ''
  const log = pino({ level: 'debug' }, { write: (text: string) => (logged += text) })
  const asked: SignInRequest[] = []
  /** What the step of signing in does; null refuses. */
  const signingIn = { as: null as string | null, isQuiet: false }
  const mobile = { admit: (async () => ({ kind: 'refused' })) as AdmitByCode }
  const drawn = {
    languageOf: () => 'en' as const,
    render: createPages({ sdk: '/sdk.js', signIn: '/sign-in.js', popUp: '/pop-up.js', signOut: '/sign-out.js' }),
  }
  const parts = { database, vault, audit, applications, sessions, publicUrl: PUBLIC_URL, log, now, ...drawn }
  const servers: { close(): Promise<unknown> }[] = []
  const first = await startProcess()

  /** A process of the server; several may share a PostgreSQL. */
  async function startProcess() {
    const oidc = createOidc({
      ...parts,
      admitByCode: (given) => mobile.admit(given),
      leaveAtOnce: async () => undefined,
    })
    const http = await createHttp({
      publicUrl: PUBLIC_URL,
      trustedProxies: [],
      log,
      metrics: createMetrics(),
      checkReady: async () => {},
    })
    await http.register(async (scope) => oidc.mount(scope))
    http.get<{ Params: { uid: string } }>('/signin/:uid', async (request, reply) => {
      const { uid } = request.params
      const wanted = await oidc.requests.load(request, reply, uid)
      if (wanted === undefined) return reply.code(404).send('unknown')
      asked.push(wanted)
      const present = await sessions.find(sessions.cookieOf(request))
      if (present !== undefined && isEnough(present, wanted)) {
        return reply.redirect(await oidc.requests.complete(request, reply, uid), 303)
      }
      if (signingIn.isQuiet) return reply.send('a page')
      if (signingIn.as === null) return reply.redirect(await oidc.requests.refuse(request, reply, uid), 303)
      const { cookie } = await begin(signingIn.as)
      sessions.setCookie(reply, cookie)
      return reply.redirect(await oidc.requests.complete(request, reply, uid), 303)
    })
    const origin = await http.listen({ port: 0, host: '127.0.0.1' })
    servers.push(http)
    return { oidc, origin }
  }

  /** @param through what somebody came in by; by default a password */
  function begin(
    userId: string,
    through: Pick<NewSession, 'door' | 'connectionId' | 'corpId' | 'linkId'> = {
      door: 'password',
      connectionId: null,
      corpId: null,
      linkId: null,
    },
  ) {
    clock.at++
    return database.inSharedTransaction((tx) =>
      sessions.begin(tx, {
        userId,
        ...through,
        applicationId: null,
        address: '192.0.2.1',
        userAgent: null,
      }),
    )
  }

  /** As every program asks: for the public URL. */
  async function send(url: string | URL, init: RequestInit = {}, origin = first.origin): Promise<Response> {
    const target = String(url).replace(PUBLIC_URL, origin)
    // oxlint-disable-next-line no-restricted-globals -- the rule is the product's; a test needs no pool of connections
    return fetch(target, { redirect: 'manual', ...init })
  }

  return {
    ...directory,
    applications,
    oidc: first.oidc,
    origin: first.origin,
    asked,
    signingIn,
    mobile,
    begin,
    send,
    startProcess,
    log: () => logged,

    addUser: async (username: string) => {
      const { user } = await users.create(requester('owner'), organization.id, {
        username,
        displayName: `人 ${username}`,
        email: `${username}@corp.example`,
        password: 'correct horse battery',
      })
      return user.id
    },

    addApplication: async (
      name: string,
      given: Partial<z.input<typeof NewApplication>> = {},
    ): Promise<RelyingParty> => {
      const redirectUris = given.redirectUris ?? [CALLBACK]
      const { application, clientSecret } = await applications.create(ACTOR, organization.id, {
        name,
        public: false,
        redirectUris,
        postLogoutRedirectUris: ['https://app.corp.example/bye'],
        connections: [],
        skipSignInPage: false,
        passwordSignIn: true,
        mobile: false,
        enabled: true,
        ...given,
      } as Parameters<typeof applications.create>[2])
      return { application, clientId: application.clientId, clientSecret, redirectUri: redirectUris[0] ?? '' }
    },

    /** A browser: keeps cookies, follows redirects as long as they stay with us. */
    browser: () => createBrowser(send),

    close: async () => {
      for (const server of servers) await server.close()
    },
  }
}

export type Browser = ReturnType<typeof createBrowser>

const MOST_STEPS = 12

export function createBrowser(send: (url: string | URL, init?: RequestInit) => Promise<Response>) {
  /** By name and path. */
  const jar = new Map<string, { name: string; value: string; path: string }>()

  function cookiesFor(path: string): string {
    return [...jar.values()]
      .filter((cookie) => path.startsWith(cookie.path))
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ')
  }

  function keep(response: Response): void {
    for (const line of response.headers.getSetCookie()) {
      const [pair = '', ...attributes] = line.split(';').map((part) => part.trim())
      const name = pair.slice(0, pair.indexOf('='))
      const value = pair.slice(name.length + 1)
      const path = attributes.find((attribute) => /^path=/i.test(attribute))?.slice(5) ?? '/'
      const isOver = value === '' || attributes.some((attribute) => /^expires=Thu, 01 Jan 1970/i.test(attribute))
      if (isOver) jar.delete(`${name} ${path}`)
      else jar.set(`${name} ${path}`, { name, value, path })
    }
  }

  async function open(url: string | URL, init: RequestInit = {}): Promise<Arrival> {
    let next = new URL(url)
    let request = init
    for (let step = 0; step < MOST_STEPS; step++) {
      const headers = new Headers(request.headers)
      headers.set('cookie', cookiesFor(next.pathname))
      if (!headers.has('accept')) headers.set('accept', 'text/html')
      const response = await send(next, { ...request, headers })
      keep(response)
      const text = await response.text()
      const location = response.headers.get('location')
      const { status, headers: answered } = response
      if (location === null) return { status, location: null, headers: answered, text }
      next = new URL(location, next)
      if (next.origin !== PUBLIC_URL) return { status, location: next, headers: answered, text }
      request = {}
    }
    throw new Error(`the browser was sent around in circles, at last to ${next.pathname}`)
  }

  return {
    jar,
    open,
    /** Presses a button of the only form on a page. */
    press: (page: Arrival, fields: Record<string, string> = {}) => {
      const action = /<form [^>]*action="([^"]+)"/.exec(page.text)?.[1] ?? ''
      const hidden = [...page.text.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)]
      const body = new URLSearchParams({
        ...Object.fromEntries(hidden.map(([, name, value]) => [name, value])),
        ...fields,
      })
      return open(new URL(action, PUBLIC_URL), { method: 'POST', body })
    },
  }
}

/** An authorization request, and what is needed to redeem its code. */
export function authorizationRequest(relying: RelyingParty, given: Record<string, string | undefined> = {}) {
  const verifier = randomBytes(32).toString('base64url')
  const parameters: Record<string, string | undefined> = {
    client_id: relying.clientId,
    redirect_uri: relying.redirectUri,
    response_type: 'code',
    scope: 'openid profile email',
    state: randomBytes(8).toString('hex'),
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...given,
  }
  const sent = Object.entries(parameters).filter((pair): pair is [string, string] => pair[1] !== undefined)
  return {
    url: new URL(`${ISSUER}/auth?${new URLSearchParams(sent).toString()}`),
    verifier,
    state: parameters['state'],
  }
}

/** The header by which a confidential application proves itself. */
export function basic({ clientId, clientSecret }: RelyingParty): { authorization: string } {
  return { authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}` }
}
