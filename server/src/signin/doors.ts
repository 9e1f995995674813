/**
 * Which door of WeCom fits the browser, and the address behind it (product.md §5, wecom-api.md §3.1, §3.2 and §3.4). Pure. WeCom
 * sends people back to one address per connection, which is what its administrator registered.
 */
import type { Door } from '@muster/contracts'
import type { ConnectionForSignIn } from '../connections/connections.ts'
import { unreachable } from '../errors.ts'

/** The doors that lead to WeCom's pages. */
export type WecomDoor = Exclude<Door, 'password' | 'mobile-sdk'>

/** Where a browser runs, as far as it says so. */
export type Client = 'computer' | 'wecom' | 'wechat' | 'phone'

export function clientOf(userAgent: string | undefined): Client {
  const agent = (userAgent ?? '').slice(0, MOST_OF_AN_AGENT)
  // WeCom's own browser says MicroMessenger, too; WeChat's says nothing of wxwork.
  if (/wxwork/i.test(agent)) return 'wecom'
  if (/MicroMessenger/i.test(agent)) return 'wechat'
  return /Android|iPhone|iPod|HarmonyOS|OpenHarmony|Mobile/i.test(agent) && !/iPad/i.test(agent) ? 'phone' : 'computer'
}

const MOST_OF_AN_AGENT = 1_000

/** Whom WeCom is told that people sign in to: the app of one company, or a suite, which people of any company come through. */
export type DoorApp =
  | { readonly kind: 'app'; readonly corpId: string; readonly agentId: number }
  | { readonly kind: 'suite'; readonly suiteId: string }

/** A connection, as far as its doors are concerned. */
export interface DoorConnection {
  readonly app: DoorApp
  readonly redirectUrl: string
  readonly requestPrivateFields: boolean
}

export interface WecomHosts {
  readonly loginUrl: string
  readonly oauthUrl: string
}

/**
 * What a browser is shown for one connection.
 *
 * - `go`: straight to WeCom. Inside its client there is nothing to show, and an application may ask to skip the page.
 * - `panel`: our page with the login panel, and a plain link beside it.
 * - `open-in-wecom`: WeChat cannot sign in here; a link to be opened in WeCom.
 * - `open-app`: a button that opens WeCom's page, which on phones opens the app.
 */
export type Way =
  | { readonly kind: 'go'; readonly door: WecomDoor }
  | { readonly kind: 'panel' }
  | { readonly kind: 'open-in-wecom' }
  | { readonly kind: 'open-app' }

export function wayFor(client: Client, { skipSignInPage }: { readonly skipSignInPage: boolean }): Way {
  switch (client) {
    case 'wecom':
      return { kind: 'go', door: 'in-wecom' }
    case 'wechat':
      return { kind: 'open-in-wecom' }
    case 'phone':
      return skipSignInPage ? { kind: 'go', door: 'phone' } : { kind: 'open-app' }
    case 'computer':
      return skipSignInPage ? { kind: 'go', door: 'qr' } : { kind: 'panel' }
    default:
      return unreachable(client)
  }
}

/** undefined: the connection, or what is known of its company, is not complete. */
export function doorAppOf({ connection, corp }: Pick<ConnectionForSignIn, 'connection' | 'corp'>): DoorApp | undefined {
  if (connection.kind === 'service_provider') {
    return connection.suiteId === null ? undefined : { kind: 'suite', suiteId: connection.suiteId }
  }
  if (corp === null || corp.agentId === null) return undefined
  return { kind: 'app', corpId: corp.corpId, agentId: corp.agentId }
}

/** The door that a plain link on our page leads to. */
export function doorOfLink(client: Client): WecomDoor {
  return client === 'wecom' ? 'in-wecom' : client === 'computer' ? 'qr' : 'phone'
}

/** @param language of the person; WeCom's pages know Chinese and English */
export function wecomAddress(
  door: WecomDoor,
  client: Client,
  connection: DoorConnection,
  state: string,
  hosts: WecomHosts,
  language: 'zh' | 'en',
): string {
  // What WeChat is given is for the WeCom client, where it is copied to.
  const isInside = door === 'in-wecom' || client === 'wechat'
  return isInside ? insideAddress(connection, state, hosts) : loginAddress(connection, state, hosts, language)
}

/** Old clients read the parameters by their place, so they stand as WeCom documents them. */
function insideAddress(
  { app, redirectUrl, requestPrivateFields }: DoorConnection,
  state: string,
  { oauthUrl }: WecomHosts,
) {
  const query = queryOf([
    ['appid', app.kind === 'suite' ? app.suiteId : app.corpId],
    ['redirect_uri', redirectUrl],
    ['response_type', 'code'],
    ['scope', requestPrivateFields ? 'snsapi_privateinfo' : 'snsapi_base'],
    ['state', state],
    ...agentOf(app),
  ])
  return `${oauthUrl}/connect/oauth2/authorize?${query}#wechat_redirect`
}

function loginAddress(
  { app, redirectUrl }: DoorConnection,
  state: string,
  { loginUrl }: WecomHosts,
  language: 'zh' | 'en',
) {
  const query = queryOf([
    ['login_type', app.kind === 'suite' ? 'ServiceApp' : 'CorpApp'],
    ['appid', app.kind === 'suite' ? app.suiteId : app.corpId],
    ...agentOf(app),
    ['redirect_uri', redirectUrl],
    ['state', state],
    ['lang', language],
  ])
  return `${loginUrl}/wwlogin/sso/login?${query}`
}

/** A suite has another one in each company, so WeCom is told none. */
function agentOf(app: DoorApp): [string, string][] {
  return app.kind === 'suite' ? [] : [['agentid', String(app.agentId)]]
}

/** WeCom decodes what encodeURIComponent writes; a plus for a space it may take for a plus. */
function queryOf(parameters: readonly (readonly [string, string])[]): string {
  return parameters.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&')
}

/** Where WeCom sends people back: for the connection of the environment exactly what the environment says. */
export function redirectUrlOf(
  { identifier, managedByEnvironment }: { readonly identifier: string; readonly managedByEnvironment: boolean },
  {
    publicUrl,
    environmentRedirectUrl,
  }: { readonly publicUrl: string; readonly environmentRedirectUrl: string | undefined },
): string {
  if (managedByEnvironment && environmentRedirectUrl !== undefined) return environmentRedirectUrl
  return `${publicUrl}/auth/wecom/${managedByEnvironment ? '' : `${identifier}/`}callback`
}
