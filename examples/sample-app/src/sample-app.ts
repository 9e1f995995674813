/**
 * A web application that signs people in with OpenID Connect: authorization code with PKCE, state and nonce, who they are
 * from the userinfo endpoint, signing out at both ends, and ending a session when the provider says so.
 */
import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createRemoteJWKSet, jwtVerify, type JWTVerifyGetKey } from 'jose'
import * as client from 'openid-client'
import { failedPage, homePage, type Person } from './pages.ts'

export interface SampleAppOptions {
  readonly issuer: URL
  readonly clientId: string
  /** Without one it is a public client. */
  readonly clientSecret?: string | undefined
}

/** What a browser was sent away with; it counts only for the browser that has the cookie. */
interface Attempt {
  readonly state: string
  readonly nonce: string
  readonly codeVerifier: string
}

interface Session {
  readonly person: Person
  readonly idToken: string
  readonly subject: string
  /** Of the session at the provider, when it tells. */
  readonly providerSession: string | undefined
}

const SESSION = 'sample_session'
const ATTEMPT = 'sample_attempt'
const MOST_REMEMBERED = 1_000
const MOST_BODY_BYTES = 64 * 1024
const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout'
const SCOPE = 'openid profile email phone groups'

export function createSampleApp({ issuer, clientId, clientSecret }: SampleAppOptions) {
  const sessions = new Map<string, Session>()
  const attempts = new Map<string, Attempt>()
  let provider: Promise<{ config: client.Configuration; keys: JWTVerifyGetKey }> | undefined
  let origin = ''

  const routes: Record<string, (request: IncomingMessage, response: ServerResponse) => Promise<void>> = {
    'GET /': home,
    'GET /login': login,
    'GET /callback': callback,
    'POST /logout': logout,
    'POST /backchannel-logout': backchannelLogout,
  }

  return {
    async listen(port: number): Promise<{ url: string; close(): Promise<void> }> {
      const server = createServer((request, response) => void answer(request, response))
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
      origin = `http://localhost:${(server.address() as AddressInfo).port}`
      return {
        url: origin,
        async close() {
          server.close()
          server.closeAllConnections()
          await once(server, 'close')
        },
      }
    },
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', origin)
    const route = routes[`${request.method} ${pathname}`]
    try {
      if (route === undefined) return show(response, 404, failedPage(languageOf(request), 'There is no such page.'))
      await route(request, response)
    } catch (error) {
      const reason = error instanceof Error ? describe(error) : 'Something went wrong.'
      show(response, 400, failedPage(languageOf(request), reason))
    }
  }

  async function home(request: IncomingMessage, response: ServerResponse): Promise<void> {
    show(response, 200, homePage(languageOf(request), sessionOf(request)?.person))
  }

  async function login(_request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { config } = await discovered()
    const attempt = {
      state: client.randomState(),
      nonce: client.randomNonce(),
      codeVerifier: client.randomPKCECodeVerifier(),
    }
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: `${origin}/callback`,
      scope: SCOPE,
      state: attempt.state,
      nonce: attempt.nonce,
      code_challenge: await client.calculatePKCECodeChallenge(attempt.codeVerifier),
      code_challenge_method: 'S256',
    })
    response.setHeader('set-cookie', cookie(ATTEMPT, remember(attempts, attempt)))
    redirect(response, url.href)
  }

  async function callback(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { config } = await discovered()
    const id = cookieOf(request, ATTEMPT)
    const attempt = attempts.get(id)
    if (attempt === undefined) throw new Error('This browser has not begun to sign in here.')
    attempts.delete(id)
    // Somebody who came back without signing in knows that; there is nothing to explain.
    const { searchParams } = new URL(request.url ?? '/', origin)
    if (searchParams.get('error') === 'access_denied') return redirect(response, '/')
    const tokens = await client.authorizationCodeGrant(config, new URL(request.url ?? '/', origin), {
      pkceCodeVerifier: attempt.codeVerifier,
      expectedState: attempt.state,
      expectedNonce: attempt.nonce,
      idTokenExpected: true,
    })
    const claims = tokens.claims()!
    const person = (await client.fetchUserInfo(config, tokens.access_token, claims.sub)) as Person
    const session: Session = {
      person,
      idToken: tokens.id_token!,
      subject: claims.sub,
      providerSession: typeof claims['sid'] === 'string' ? claims['sid'] : undefined,
    }
    response.setHeader('set-cookie', [cookie(SESSION, remember(sessions, session)), cookie(ATTEMPT, '')])
    redirect(response, '/')
  }

  async function logout(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const session = sessionOf(request)
    sessions.delete(cookieOf(request, SESSION))
    response.setHeader('set-cookie', cookie(SESSION, ''))
    if (session === undefined) return redirect(response, '/')
    const { config } = await discovered()
    const end = client.buildEndSessionUrl(config, {
      id_token_hint: session.idToken,
      post_logout_redirect_uri: `${origin}/`,
    })
    redirect(response, end.href)
  }

  /** OpenID Connect Back-Channel Logout 1.0, section 2.6. */
  async function backchannelLogout(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { keys } = await discovered()
    const token = new URLSearchParams(await bodyOf(request)).get('logout_token') ?? ''
    const { payload } = await jwtVerify(token, keys, {
      issuer: issuer.href,
      audience: clientId,
      typ: 'logout+jwt',
      requiredClaims: ['iat', 'exp', 'jti'],
    })
    const events = payload['events'] as Record<string, unknown> | undefined
    if (events?.[LOGOUT_EVENT] === undefined || 'nonce' in payload) throw new Error('This is not a logout token.')
    for (const [id, { subject, providerSession }] of sessions) {
      const isMeant = payload['sid'] === undefined ? subject === payload.sub : providerSession === payload['sid']
      if (isMeant) sessions.delete(id)
    }
    response.writeHead(200, { 'cache-control': 'no-store' }).end()
  }

  /** At the first request, so that application and provider may start in any order. */
  function discovered() {
    provider ??= discover().catch((error: unknown) => {
      provider = undefined
      throw error
    })
    return provider
  }

  async function discover() {
    const authentication = clientSecret === undefined ? client.None() : client.ClientSecretBasic(clientSecret)
    const isPlain = issuer.protocol === 'http:'
    const config = await client.discovery(issuer, clientId, undefined, authentication, {
      execute: isPlain ? [client.allowInsecureRequests] : [],
    })
    return { config, keys: createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri!)) }
  }

  function sessionOf(request: IncomingMessage): Session | undefined {
    return sessions.get(cookieOf(request, SESSION))
  }
}

/** Under a new id that nobody can guess; the oldest goes when there are too many. */
function remember<T>(map: Map<string, T>, value: T): string {
  if (map.size >= MOST_REMEMBERED) map.delete(map.keys().next().value!)
  const id = randomBytes(24).toString('base64url')
  map.set(id, value)
  return id
}

function cookie(name: string, value: string): string {
  return `${name}=${value}; Path=/; HttpOnly; SameSite=Lax${value === '' ? '; Max-Age=0' : ''}`
}

function cookieOf({ headers }: IncomingMessage, name: string): string {
  const pairs = (headers.cookie ?? '').split(';').map((pair) => pair.trim().split('='))
  return pairs.find(([given]) => given === name)?.[1] ?? ''
}

function languageOf({ headers }: IncomingMessage): 'zh' | 'en' {
  return /^\s*zh\b/i.test(headers['accept-language'] ?? '') ? 'zh' : 'en'
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const chunk of request.setEncoding('utf8')) {
    body += String(chunk)
    if (body.length > MOST_BODY_BYTES) throw new Error('The request is too large.')
  }
  return body
}

function describe(error: Error): string {
  const reason = 'error_description' in error && typeof error.error_description === 'string' ? error : undefined
  return reason === undefined ? error.message : `${error.message}: ${String(reason.error_description)}`
}

function redirect(response: ServerResponse, location: string): void {
  response.writeHead(303, { location, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' }).end()
}

function show(response: ServerResponse, status: number, page: string): void {
  response
    .writeHead(status, {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; form-action *; frame-ancestors 'none'",
      'cache-control': 'no-store',
    })
    .end(page)
}
