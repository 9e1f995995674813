/** What flow tests of signing in share: a company with people in it, a connection that they sign in through, browsers. */
import assert from 'node:assert/strict'
import { listUsers, type User } from '@muster/contracts'
import { openBrowser, type BrowserSettings, type SignInBrowser } from './sign-in-browser.ts'
import { startStack, type Stack, type StackOptions } from './stack.ts'

export function startSignInStack(url: string, options: StackOptions = {}): Promise<Stack> {
  return startStack(url, {
    people: 12,
    ...options,
    connection: { sync: { enabled: false }, signIn: { enabled: true }, ...options.connection },
    wecomPages: true,
  })
}

export function open(stack: Stack, settings: Partial<BrowserSettings> = {}): SignInBrowser {
  return openBrowser({ origin: stack.server.origin, emulator: stack.emulator, ...settings })
}

/** The page of one connection of several. */
export function pageOf(browser: SignInBrowser, connection: string) {
  return browser.start().then(({ address }) => browser.follow(`${address}?connection=${connection}`))
}

export function addPerson({ control, corpId }: Stack, userid: string, name: string): string {
  control.addMember({ corpId, member: { userid, name, department: [1], mobile: mobileOf(userid) } })
  control.patchMember({ corpId, userid, patch: { status: 1 }, unchecked: true })
  return userid
}

/** Everybody has their own. */
function mobileOf(userid: string): string {
  const sum = Array.from(userid).reduce((total, sign) => (total * 31 + sign.codePointAt(0)!) % 100_000_000, 7)
  return `139${String(sum).padStart(8, '0')}`
}

/** One more connection to the same app. */
export async function connect(stack: Stack, identifier: string): Promise<void> {
  const { corpId, agentId, secret } = { corpId: stack.corpId, ...stack.app }
  const body = JSON.stringify({ identifier, corpId, agentId, secret, signIn: { enabled: true } })
  const headers = { 'content-type': 'application/json' }
  assert.equal((await stack.send('/api/v1/connections', { method: 'POST', headers, body })).status, 201)
}

/** How often WeCom was asked who holds a code. */
export function redemptions({ control }: Stack): number {
  return control.countCalls({ endpoint: 'auth/getuserinfo' }).count
}

export async function userOf(stack: Stack, username: string): Promise<User> {
  const { items } = await stack.ask(listUsers, { query: { q: username } })
  return items.find((user) => user.username === username)!
}
