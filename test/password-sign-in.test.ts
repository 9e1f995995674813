/** Signing in with a password, as a browser meets it (threats.md SI-08, SI-23 to SI-26, SI-28). */
import assert from 'node:assert/strict'
import { createUser, listUserSessions, updateUser } from '@muster/contracts'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import { openBrowser, type Place, type SignInBrowser } from './sign-in-browser.ts'
import { startStack, type Stack, type StackOptions } from './stack.ts'

const PASSWORD = 'correct horse battery'
const WRONG = { username: 'breakglass', password: 'wrong' }
const RIGHT = { username: 'breakglass', password: PASSWORD }

onEitherDatabase(({ testWithUrl }) => {
  testWithUrl(
    'a password opens a session of its own; unknown, closed and password-less accounts look alike',
    async (url) => {
      await using stack = await startPasswordStack(url)
      const user = await addUser(stack, 'breakglass', PASSWORD)
      await addUser(stack, 'without')
      const disabled = await addUser(stack, 'disabled', PASSWORD)
      await stack.ask(updateUser, { params: disabled, body: { status: 'disabled' } })
      const browser = open(stack)
      const planted = 'A'.repeat(43)
      browser.jar.set('muster_session', { value: planted, path: '/' })

      const account = await signIn(browser, { username: ' BreakGlass', password: PASSWORD })
      const refusals: Place[] = []
      for (const fields of [WRONG, ...['unknown', 'disabled', 'without'].map((username) => ({ ...RIGHT, username }))]) {
        refusals.push(await signIn(open(stack), fields))
      }

      assert.equal(account.address, '/account')
      assert.notEqual(browser.session(), planted)
      const { items } = await stack.ask(listUserSessions, { params: user })
      assert.deepEqual(
        items.map(({ door, connectionId, address }) => [door, connectionId, address]),
        [['password', null, '127.0.0.1']],
      )
      const [first, ...others] = refusals.map(({ answer }) => [answer!.status, plain(answer!.text)])
      for (const other of others) assert.deepEqual(other, first)
      assert.ok(!stack.server.log().includes(PASSWORD))
    },
  )

  testWithUrl(
    'ten wrong passwords lock the account, whatever the headers say; not for another address',
    async (url) => {
      await using stack = await startPasswordStack(url, { settings: { MUSTER_TRUSTED_PROXIES: '127.0.0.9' } })
      await addUser(stack, 'breakglass', PASSWORD)
      const browser = open(stack)
      const page = await browser.start()
      const spoofed = ['x-forwarded-for', 'x-real-ip', 'forwarded', 'x-client-ip', 'true-client-ip', 'cf-connecting-ip']

      const statuses: number[] = []
      for (let guess = 0; guess < 12; guess++) {
        const headers = Object.fromEntries(
          spoofed.map((name) => [name, name === 'forwarded' ? `for=192.0.2.${guess}` : `192.0.2.${guess}`]),
        )
        const fields = guess === 11 ? RIGHT : WRONG
        statuses.push((await browser.submit(page, 'password', fields, { headers })).answer!.status)
      }

      assert.ok(statuses.slice(0, 10).every((status) => status !== 429))
      assert.deepEqual(statuses.slice(10), [429, 429])
      const locked = await browser.submit(page, 'password', RIGHT)
      assert.match(locked.answer!.headers.get('retry-after') ?? '', /^\d{1,3}$/)
      assert.equal(browser.session(), undefined)
    },
  )

  testWithUrl('behind a proxy that is trusted, one address locks itself out and no other', async (url) => {
    await using stack = await startPasswordStack(url, { settings: { MUSTER_TRUSTED_PROXIES: '127.0.0.1' } })
    await addUser(stack, 'breakglass', PASSWORD)
    const attacker = open(stack, '192.0.2.66')
    const page = await attacker.start()
    for (let guess = 0; guess < 10; guess++) await attacker.submit(page, 'password', WRONG)

    assert.equal((await attacker.submit(page, 'password', RIGHT)).answer!.status, 429)
    assert.equal((await signIn(open(stack, '192.0.2.7'), RIGHT)).address, '/account')
  })

  testWithUrl('a password that was given out opens nothing until another one is chosen', async (url) => {
    await using stack = await startPasswordStack(url)
    const user = await addUser(stack, 'breakglass', PASSWORD)
    await stack.ask(updateUser, { params: user, body: { password: 'given out by hand' } })
    const browser = open(stack)
    const given = { ...RIGHT, password: 'given out by hand' }

    const asked = await signIn(browser, given)
    assert.equal(browser.session(), undefined)
    const change = (place: Place, password: string) =>
      browser.submit(place, 'new-password', { ...given, current: given.password, password, repeated: password })
    const weak = await change(asked, 'password123')
    assert.equal(browser.session(), undefined)
    const chosen = await change(weak, 'chosen by myself')

    assert.equal(weak.answer!.status, 403)
    assert.equal(chosen.address, '/account')
    assert.ok(browser.session())
  })
})

function startPasswordStack(url: string, options: StackOptions = {}): Promise<Stack> {
  return startStack(url, { people: 1, ...options, connection: { sync: { enabled: false } } })
}

function open(stack: Stack, address?: string): SignInBrowser {
  const { server, emulator } = stack
  return openBrowser({ origin: server.origin, emulator, ...(address === undefined ? {} : { address }) })
}

function addUser(stack: Stack, username: string, password?: string) {
  return stack.ask(createUser, { body: { username, displayName: username, password } })
}

async function signIn(browser: SignInBrowser, fields: Record<string, string>): Promise<Place> {
  // As Chromium sends a form of a page that says no-referrer.
  return browser.submit(await browser.start(), 'password', fields, { headers: { origin: 'null' } })
}

/** Without what is of one request: tokens, ids, and the name that was typed. */
function plain(text: string): string {
  return text.replaceAll(/(?:nonce|value)="[^"]*"/g, '').replaceAll(/page-[0-9a-f]{32}/g, '')
}
