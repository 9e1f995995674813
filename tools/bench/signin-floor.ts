/**
 * The floor of the sign-in benchmark: oidc-provider on its in-memory adapter, and the barest way through WeCom beside it.
 * The same redirects, the same two calls to WeCom, the same key; nobody is looked up, nothing is written, nothing refused.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Provider } from 'oidc-provider'
import { Pool } from 'undici'

export type SignInFloorOrder = {
  readonly port: number
  readonly apiUrl: string
  readonly oauthUrl: string
  readonly corpId: string
  readonly agentId: number
  readonly secret: string
  readonly clientId: string
  readonly clientSecret: string
  readonly redirectUri: string
}

export async function serveFloor(order: SignInFloorOrder): Promise<void> {
  const origin = `http://localhost:${order.port}`
  const people = new Map<string, { name: string; email: string }>()
  /** State to interaction, and interaction to person. */
  const attempts = new Map<string, string>()
  const outcomes = new Map<string, string>()
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })

  const provider = new Provider(`${origin}/oidc`, {
    clients: [{ client_id: order.clientId, client_secret: order.clientSecret, redirect_uris: [order.redirectUri] }],
    cookies: { keys: [randomBytes(32).toString('hex')] },
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: 'floor' }] },
    features: { devInteractions: { enabled: false } },
    claims: { openid: ['sub'], profile: ['name', 'preferred_username'], email: ['email', 'email_verified'] },
    interactions: { url: (_context, { uid }) => `/signin/${uid}` },
    ttl: { Interaction: 600, Grant: 3600, Session: 3600, AccessToken: 600, AuthorizationCode: 60, IdToken: 600 },
    findAccount: (_context, id) => ({
      accountId: id,
      claims: async () => ({ sub: id, preferred_username: id, email_verified: false, ...people.get(id) }),
    }),
    async loadExistingGrant({ oidc }) {
      const grant = new oidc.provider.Grant({
        accountId: oidc.session!.accountId!,
        clientId: oidc.client!.clientId,
      })
      grant.addOIDCScope('openid profile email')
      await grant.save()
      return grant
    },
  })
  const protocol = provider.callback()

  const wecom = new Pool(order.apiUrl, { connections: 10 })
  const { access_token: token } = await ask('gettoken', { corpid: order.corpId, corpsecret: order.secret })

  async function ask(path: string, query: Record<string, string>): Promise<Record<string, string>> {
    const { body } = await wecom.request({ method: 'GET', path: `/cgi-bin/${path}`, query })
    const answer = (await body.json()) as Record<string, string> & { errcode: number }
    if (answer.errcode !== 0) throw new Error(`${path} answered ${answer.errcode}`)
    return answer
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', origin)
    if (url.pathname.startsWith('/oidc/')) {
      Object.assign(request, { originalUrl: request.url, url: request.url!.slice('/oidc'.length) })
      await protocol(request, response)
      return
    }
    if (url.pathname === '/auth/wecom/bench/callback') {
      const uid = attempts.get(url.searchParams.get('state') ?? '')!
      attempts.delete(url.searchParams.get('state')!)
      const { userid } = await ask('auth/getuserinfo', { access_token: token!, code: url.searchParams.get('code')! })
      const member = await ask('user/get', { access_token: token!, userid: userid! })
      people.set(userid!, { name: member['name']!, email: member['biz_mail'] || `${userid}@wecom.local` })
      outcomes.set(uid, userid!)
      return redirect(response, `/signin/${uid}`)
    }
    const uid = url.pathname.slice('/signin/'.length)
    const userid = outcomes.get(uid)
    if (userid === undefined) {
      await provider.interactionDetails(request, response)
      const state = randomBytes(16).toString('hex')
      attempts.set(state, uid)
      return redirect(response, authorizeUrl(order, `${origin}/auth/wecom/bench/callback`, state))
    }
    outcomes.delete(uid)
    return redirect(response, await provider.interactionResult(request, response, { login: { accountId: userid } }))
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      response.writeHead(500, { 'content-type': 'text/plain' }).end(String(error))
    })
  })
  server.listen(order.port, '127.0.0.1')
  await once(server, 'listening')
  process.send?.((server.address() as AddressInfo).port)
}

function authorizeUrl({ oauthUrl, corpId, agentId }: SignInFloorOrder, redirectUri: string, state: string): string {
  const query = new URLSearchParams({
    appid: corpId,
    redirect_uri: redirectUri,
    response_type: 'code',
    scope: 'snsapi_base',
    state,
    agentid: String(agentId),
  })
  return `${oauthUrl}/connect/oauth2/authorize?${query.toString()}#wechat_redirect`
}

function redirect(response: ServerResponse, location: string): void {
  response.writeHead(303, { location, 'cache-control': 'no-store' }).end()
}

process.once('message', (order: SignInFloorOrder) => void serveFloor(order))
process.once('disconnect', () => process.exit()) // whoever measures is gone
