/** Signing out: who is asked, where they are sent, and which applications are told (threats.md O-12, O-13). */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from 'jose'
import { onEachDatabase } from '../../test-support/databases.ts'
import { ACTOR, requester } from '../../test-support/directory.ts'
import {
  authorizationRequest,
  basic,
  createOidcWorld,
  ISSUER,
  type Browser,
  type OidcWorld,
  type RelyingParty,
} from '../../test-support/oidc-world.ts'

const BYE = 'https://app.corp.example/bye'
const owner = requester('owner')
const running = () => new AbortController().signal

onEachDatabase(({ test }) => {
  test('O-12: nobody is signed out unasked, and nobody is sent to a foreign address', async (database) => {
    const world = await createOidcWorld(database)
    try {
      const li = await world.addUser('li')
      const app = await world.addApplication('GitLab')
      world.signingIn.as = li
      const browser = world.browser()
      const { id_token } = await signIn(world, browser, app)
      const end = (parameters: object) =>
        browser.open(`${ISSUER}/session/end?${new URLSearchParams(Object.entries(parameters)).toString()}`)
      const isSignedIn = async () => (await world.sessions.listOf(li)).length > 0

      // Without a hint, and with one that is not right, nothing happens by itself.
      for (const parameters of [
        {},
        { client_id: app.clientId },
        { client_id: app.clientId, post_logout_redirect_uri: BYE },
      ]) {
        const page = await end(parameters)
        assert.deepEqual([page.status, page.location], [200, null])
        assert.match(page.text, /name="logout" value="yes"/)
        assert.doesNotMatch(page.text, /<script/)
        assert.match(page.headers.get('content-security-policy') ?? '', /frame-ancestors 'none'/)
        assert.ok(await isSignedIn())
      }
      for (const parameters of [
        { id_token_hint: `${id_token}x` },
        { id_token_hint: 'x' },
        { id_token_hint: id_token, client_id: 'other' },
        { id_token_hint: id_token, post_logout_redirect_uri: 'https://evil.example/' },
        { id_token_hint: id_token, post_logout_redirect_uri: `${BYE}/` },
        { id_token_hint: id_token, post_logout_redirect_uri: `${BYE}?x` },
        { client_id: app.clientId, post_logout_redirect_uri: 'https://evil.example/' },
        { client_id: 'nobody' },
      ]) {
        const page = await end(parameters)
        assert.deepEqual([page.status, page.location], [400, null], JSON.stringify(parameters))
        assert.match(page.text, /This sign-out cannot go on/)
        assert.match(page.text, /href="[^"]+\/account"/)
        assert.ok(await isSignedIn())
      }
      const unknown = await browser.press(await end({ post_logout_redirect_uri: 'https://evil.example/' }))
      assert.equal(unknown.location, null)
      assert.ok(await isSignedIn())

      // A form of somebody else's does not have what ours has.
      await end({})
      for (const xsrf of ['', 'x']) {
        const forged = await browser.open(`${ISSUER}/session/end/confirm`, {
          method: 'POST',
          body: new URLSearchParams({ xsrf, logout: 'yes' }),
        })
        assert.equal(forged.status, 400)
        assert.ok(await isSignedIn())
      }

      // Staying is possible; going is told apart, and ends our session and all that was issued.
      const stay = await browser.press(await end({ client_id: app.clientId }))
      assert.equal(stay.status, 200)
      assert.ok(await isSignedIn())
      const again = await signIn(world, browser, app)
      const hinted = await end({ id_token_hint: again.id_token, post_logout_redirect_uri: BYE, state: 's' })
      assert.match(hinted.text, /<script nonce="/)
      assert.match(
        hinted.headers.get('content-security-policy') ?? '',
        /form-action 'self' [^;]*https:\/\/app\.corp\.example/,
      )
      const gone = await browser.press(hinted, { logout: 'yes' })
      assert.equal(String(gone.location), `${BYE}?state=s`)
      assert.ok(!(await isSignedIn()))
      assert.ok((await world.actions()).includes('session.end'))
      const silent = await browser.open(authorizationRequest(app, { prompt: 'none' }).url)
      assert.equal(silent.location?.searchParams.get('error'), 'login_required')
      const me = await world.send(`${ISSUER}/me`, { headers: { authorization: `Bearer ${again.access_token}` } })
      assert.equal(me.status, 401)
    } finally {
      await world.close()
    }
  })

  test('O-12: who is signed in with us alone is asked, too, and really signed out', async (database) => {
    const world = await createOidcWorld(database)
    try {
      const li = await world.addUser('li')
      const browser = world.browser()
      const { cookie } = await world.begin(li)
      browser.jar.set('ours', { name: world.sessions.cookieName, value: cookie, path: '/' })

      const page = await browser.open(`${ISSUER}/session/end`)
      assert.match(page.text, /name="logout" value="yes"/)
      const done = await browser.press(page, { logout: 'yes' })

      assert.equal(done.status, 200)
      assert.deepEqual(await world.sessions.listOf(li), [])
    } finally {
      await world.close()
    }
  })

  test('O-13: applications are told when a session ends, again and again while they are away', async (database) => {
    const world = await createOidcWorld(database)
    const told: string[] = []
    let answer = (response: ServerResponse): void => void response.writeHead(200).end()
    const sink = createServer((request: IncomingMessage, response) => {
      let body = ''
      request.setEncoding('utf8').on('data', (text: string) => (body += text))
      request.on('end', () => {
        told.push(`${request.method} ${request.url} ${body}`)
        answer(response)
      })
    })
    sink.listen(0, '127.0.0.1')
    await once(sink, 'listening')
    const address = `http://127.0.0.1:${(sink.address() as AddressInfo).port}`
    try {
      const li = await world.addUser('li')
      world.signingIn.as = li
      const app = await world.addApplication('GitLab', { backchannelLogoutUri: `${address}/logout` })
      const quiet = await world.addApplication('Quiet')
      const browser = world.browser()
      const { id_token } = await signIn(world, browser, app)
      await signIn(world, browser, app)
      await signIn(world, browser, quiet)
      const pending = async () => database.kysely.selectFrom('logout_deliveries').select(['id', 'attempts']).execute()

      // One note for the application and the session, however many grants there were; none for who did not ask for any.
      await world.users.update(owner, li, { status: 'disabled' })
      assert.equal((await pending()).length, 1)
      assert.equal(await world.oidc.deliverLogouts(running()), 1)
      assert.deepEqual(await pending(), [])

      assert.equal(told.length, 1)
      const token = /^POST \/logout logout_token=([\w.-]+)$/.exec(told[0]!)?.[1]
      const keys = (await (await world.send(`${ISSUER}/jwks`)).json()) as JSONWebKeySet
      const { payload, protectedHeader } = await jwtVerify(token!, createLocalJWKSet(keys), {
        issuer: ISSUER,
        audience: app.clientId,
      })
      assert.equal(protectedHeader.typ, 'logout+jwt')
      assert.deepEqual([payload.sub, payload.sid], [li, claimsIn(id_token).sid])
      assert.ok(payload.sid !== undefined && payload.jti !== undefined && payload.exp !== undefined)
      assert.deepEqual(payload['events'], { 'http://schemas.openid.net/event/backchannel-logout': {} })
      assert.ok(!('nonce' in payload))

      // Away, wrong, redirecting or endless: tried again later, and followed nowhere.
      await world.users.update(owner, li, { status: 'active' })
      const ways: ((response: ServerResponse) => void)[] = [
        (response) => void response.destroy(),
        (response) => void response.writeHead(500).end(),
        (response) => void response.writeHead(302, { location: `${address}/elsewhere` }).end(),
        (response) => void response.writeHead(400).end('{"error":"x"}'),
      ]
      await signIn(world, world.browser(), app)
      await world.users.signOut(owner, li)
      told.length = 0
      for (const [index, way] of ways.entries()) {
        answer = way
        assert.equal(await world.oidc.deliverLogouts(running()), 0)
        assert.equal(await world.oidc.deliverLogouts(running()), 0) // not at once
        assert.deepEqual(
          (await pending()).map(({ attempts }) => attempts),
          [index + 1],
        )
        world.clock.at += 7_200_000
      }
      assert.equal(told.length, ways.length)
      assert.ok(told.every((line) => line.startsWith('POST /logout ')))
      answer = (response) => void response.writeHead(200).write('x'.repeat(1_000_000))
      assert.equal(await world.oidc.deliverLogouts(running()), 1)
      assert.deepEqual(await pending(), [])

      // Not for ever.
      answer = (response) => void response.writeHead(503).end()
      await signIn(world, world.browser(), app)
      await world.users.signOut(owner, li)
      for (let attempt = 0; attempt < 7; attempt++) {
        await world.oidc.deliverLogouts(running())
        world.clock.at += 7_200_000
      }
      assert.deepEqual(await pending(), [])

      // Whoever is disabled or gone is told nothing more; what is only over, neither.
      await signIn(world, world.browser(), app)
      world.clock.at += 13 * 3_600_000
      await world.sessions.removeExpired(running())
      assert.deepEqual(await pending(), [])
      await signIn(world, world.browser(), app)
      await world.applications.update(ACTOR, app.application.id, { enabled: false })
      assert.equal((await pending()).length, 1)
      told.length = 0
      assert.equal(await world.oidc.deliverLogouts(running()), 0)
      assert.deepEqual([told, await pending()], [[], []])
      assert.ok(!world.log().includes('eyJ'), 'a token was logged')
    } finally {
      await world.close()
      sink.close()
      sink.closeAllConnections()
    }
  })

  test('of two processes that deliver, one tells the application', async (database) => {
    const world = await createOidcWorld(database)
    let told = 0
    const sink = createServer((_request, response) => {
      told++
      response.writeHead(204).end()
    })
    sink.listen(0, '127.0.0.1')
    await once(sink, 'listening')
    try {
      const li = await world.addUser('li')
      world.signingIn.as = li
      const address = `http://127.0.0.1:${(sink.address() as AddressInfo).port}/`
      const app = await world.addApplication('GitLab', { backchannelLogoutUri: address })
      for (let session = 0; session < 5; session++) await signIn(world, world.browser(), app)
      const second = await world.startProcess()
      await world.users.signOut(owner, li)

      const counts = await Promise.all([world.oidc.deliverLogouts(running()), second.oidc.deliverLogouts(running())])

      assert.equal(counts[0] + counts[1], 5)
      assert.equal(told, 5)
    } finally {
      await world.close()
      sink.close()
      sink.closeAllConnections()
    }
  })
})

async function signIn(world: OidcWorld, browser: Browser, app: RelyingParty) {
  const { url, verifier } = authorizationRequest(app)
  const arrival = await browser.open(url)
  const code = arrival.location?.searchParams.get('code')
  assert.ok(code, `no code: ${arrival.text}`)
  const body = new URLSearchParams({
    grant_type: 'authorization_code',
    code,
    redirect_uri: app.redirectUri,
    code_verifier: verifier,
  })
  const answer = await world.send(`${ISSUER}/token`, { method: 'POST', headers: basic(app), body })
  return (await answer.json()) as { id_token: string; access_token: string }
}

function claimsIn(idToken: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(idToken.split('.')[1]!, 'base64url').toString()) as Record<string, unknown>
}
