/**
 * One whole sign-in as a browser and an application make it, over HTTP and with nothing kept from the one before:
 * authorization request, WeCom, callback, code, tokens, userinfo. It knows the addresses of no provider: it follows where
 * it is sent, in more steps or in fewer.
 */
import { createHash, randomBytes } from 'node:crypto'
import type { Agent } from 'undici'
import { createCookieJar } from '../cookie-jar.ts'

export type Relying = {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  readonly redirectUri: string
}

/** Where an emulated person says who they are, instead of choosing on a page. */
const SCAN = 'scan_as'
const MOST_STEPS = 15
/** Inside WeCom there is no page: every step is a redirect. */
const USER_AGENT = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 wxwork/4.1.36 MicroMessenger/7.0.1'
const SCOPE = 'openid profile email'

/**
 * @param userid who signs in
 * @param address where they are, as a proxy in front says: one address may only begin so many sign-ins
 * @returns the subject
 * @throws Error that names the step when anything is not as it should be
 */
export async function signInOnce(agent: Agent, relying: Relying, userid: string, address: string): Promise<string> {
  const verifier = randomBytes(32).toString('base64url')
  const state = randomBytes(16).toString('hex')
  const query = new URLSearchParams({
    client_id: relying.clientId,
    redirect_uri: relying.redirectUri,
    response_type: 'code',
    scope: SCOPE,
    state,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  })
  const arrived = await follow(
    agent,
    new URL(`${relying.issuer}/auth?${query.toString()}`),
    relying.redirectUri,
    userid,
    address,
  )
  const code = arrived.searchParams.get('code')
  if (code === null || arrived.searchParams.get('state') !== state)
    throw new Error(`no code came back: ${arrived.href}`)

  const tokens = await read(agent, `${relying.issuer}/token`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${relying.clientId}:${relying.clientSecret}`).toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code,
      redirect_uri: relying.redirectUri,
      code_verifier: verifier,
    }).toString(),
  })
  const person = await read(agent, `${relying.issuer}/me`, {
    method: 'GET',
    headers: { authorization: `Bearer ${String(tokens['access_token'])}` },
  })
  if (typeof person['sub'] !== 'string') throw new Error('userinfo names nobody')
  return person['sub']
}

async function follow(agent: Agent, start: URL, end: string, userid: string, address: string): Promise<URL> {
  const jar = createCookieJar()
  let url = start
  for (let step = 0; step < MOST_STEPS; step++) {
    if (url.href.startsWith(end)) return url
    const response = await agent.request({
      origin: url.origin,
      path: url.pathname + url.search,
      method: 'GET',
      headers: { 'user-agent': USER_AGENT, accept: 'text/html', 'x-forwarded-for': address, ...jar.headers(url) },
    })
    jar.keep(url, response.headers['set-cookie'])
    const { location } = response.headers
    const text = await response.body.text()
    if (typeof location !== 'string') {
      throw new Error(`${url.pathname} answered ${response.statusCode} and no way on: ${text.slice(0, 300)}`)
    }
    url = new URL(location, url)
    if (url.pathname === '/connect/oauth2/authorize') url.searchParams.set(SCAN, userid)
  }
  throw new Error(`still on the way after ${MOST_STEPS} steps, at ${url.href}`)
}

async function read(
  agent: Agent,
  address: string,
  request: { method: 'GET' | 'POST'; headers: Record<string, string>; body?: string },
): Promise<Record<string, unknown>> {
  const url = new URL(address)
  const { statusCode, body } = await agent.request({ origin: url.origin, path: url.pathname, ...request })
  const text = await body.text()
  if (statusCode !== 200) throw new Error(`${url.pathname} answered ${statusCode}: ${text.slice(0, 300)}`)
  return JSON.parse(text) as Record<string, unknown>
}
