/**
 * What tests of signing in share in a real Chromium: a server under the name `sso.test`, an application of another site,
 * and the emulator in the place of WeCom's own hosts, over TLS. The names exist in the browser, and for what this process
 * fetches. On SQLite only: what browsers do depends on no database.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { createApplication, updateApplication } from '@muster/contracts'
import type { BrowserContext, BrowserContextOptions } from 'playwright-core'
import { createSampleApp } from '../../examples/sample-app/src/sample-app.ts'
import { startStack, type Stack, type StackOptions } from '../stack.ts'
import { temporaryFolder } from '../server.ts'
import { startChromium } from './chromium.ts'

export const SITE = 'http://sso.test'
export const PORTAL = 'http://portal.test'
export const STRANGER = 'http://stranger.test'

export interface Stage extends AsyncDisposable {
  readonly stack: Stack
  /** The sites under the address that applications may have: http on this machine. */
  readonly localSite: string
  /** A browser of a person who was never here. */
  visit(options?: BrowserContextOptions): Promise<Visit>
}

export interface Visit extends AsyncDisposable {
  readonly context: BrowserContext
  /** What browsers complain of about pages, in any tab: policies above all. */
  readonly complaints: readonly string[]
}

export type Answer = (request: IncomingMessage, response: ServerResponse) => void

/** @param answer what the sites `portal.test` and `stranger.test` say */
export async function setStage(answer: Answer, connection: StackOptions['connection'] = {}): Promise<Stage> {
  const parts = new AsyncDisposableStack()
  try {
    const folder = temporaryFolder()
    parts.defer(() => folder.remove())
    const stack = parts.use(
      await startStack(`sqlite:${join(folder.path, 'muster.db')}`, {
        people: 6,
        tls: true,
        settings: { MUSTER_PUBLIC_URL: SITE },
        connection: { sync: { enabled: false }, signIn: { enabled: true }, ...connection },
      }),
    )
    parts.defer(knowSite(stack.server.origin))
    const sites = await serveSites(answer)
    parts.defer(sites.close)
    const wecom = Number(new URL(stack.emulator.tlsUrl!).port)
    const browser = await startChromium({
      'sso.test': Number(new URL(stack.server.origin).port),
      'portal.test': sites.port,
      'stranger.test': sites.port,
      'login.work.weixin.qq.com': wecom,
      'open.weixin.qq.com': wecom,
    })
    parts.defer(() => browser.close())
    return {
      stack,
      localSite: `http://localhost:${sites.port}`,
      async visit(options = {}) {
        const context = await browser.newContext({ ignoreHTTPSErrors: true, locale: 'en', ...options })
        const complaints: string[] = []
        context.on('console', (message) => {
          const text = message.text()
          const isPolicy = /Content.Security.Policy|Refused to|Cross-Origin-Opener-Policy/i.test(text)
          if (isPolicy) complaints.push(`${message.page()?.url()}: ${text}`)
        })
        context.on('weberror', (error) => void complaints.push(String(error.error())))
        return { context, complaints, [Symbol.asyncDispose]: () => context.close() }
      },
      [Symbol.asyncDispose]: () => parts.disposeAsync(),
    }
  } catch (error) {
    await parts.disposeAsync()
    throw error
  }
}

/** The sample application, on a site of its own. */
export async function startSampleApp({ ask }: Stack, further: { name?: string; skipSignInPage?: boolean } = {}) {
  const body = { name: 'Sample', connections: ['hq'], ...further }
  const { id, clientId, clientSecret } = await ask(createApplication, { body })
  const app = createSampleApp({ issuer: new URL(`${SITE}/oidc`), clientId, clientSecret: clientSecret! })
  const { url, close } = await app.listen(0)
  const addresses = {
    redirectUris: [`${url}/callback`],
    postLogoutRedirectUris: [`${url}/`],
    backchannelLogoutUri: `${url}/backchannel-logout`,
  }
  await ask(updateApplication, { params: { id }, body: addresses })
  return { url, id, clientId, close }
}

/** What the application fetches under our name reaches our server; no resolver of this machine knows the name. */
function knowSite(origin: string): () => void {
  const { fetch } = globalThis
  globalThis.fetch = (input, init) => {
    const address = input instanceof Request ? input.url : String(input)
    return address.startsWith(`${SITE}/`) ? fetch(origin + address.slice(SITE.length), init) : fetch(input, init)
  }
  return () => void (globalThis.fetch = fetch)
}

async function serveSites(answer: Answer) {
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as { port: number }).port,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
