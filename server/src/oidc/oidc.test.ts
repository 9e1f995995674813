/**
 * The provider at its doors, as applications, browsers and attackers use them: one running server, many cases. The rows of
 * threats.md (O-…) that a test answers for are in its name. CI races single use 200 times, others as often as MUSTER_TEST_ROUNDS says.
 */
import assert from 'node:assert/strict'
import { createHmac, createSign, generateKeyPairSync, randomBytes, randomInt } from 'node:crypto'
import { request } from 'node:http'
import type { TestContext } from 'node:test'
import { onEachDatabase } from '../../test-support/databases.ts'
import { ACTOR, CORP, requester } from '../../test-support/directory.ts'
import { extent } from '../../test-support/extent.ts'
import {
  authorizationRequest,
  basic,
  CALLBACK,
  createOidcWorld,
  ISSUER,
  PUBLIC_URL,
  type Arrival,
  type Browser,
  type OidcWorld,
  type RelyingParty,
} from '../../test-support/oidc-world.ts'
import { createRandom } from '../../test-support/random.ts'
import { redirectMutations } from '../../test-support/redirect-corpus.ts'
import type { Database } from '../database/database.ts'

const ROUNDS = extent('rounds', { everyday: 2, thorough: 200 }, process.env.MUSTER_TEST_ROUNDS)
const AT_ONCE = 20
const owner = requester('owner')

onEachDatabase(({ dialect, test }) => {
  /** Cases that share a running server. */
  function suite(name: string, body: (scene: Scene, t: TestContext) => Promise<void>): void {
    test(name, async (database, t) => {
      const world = await createOidcWorld(database)
      try {
        await body(await createScene(world, database), t)
      } finally {
        await world.close()
      }
    })
  }

  suite('authorization requests', async (scene, t) => {
    const { world, app, spa, browser, database } = scene

    await t.test('O-01: of five hundred variants of a redirect URI none is accepted', async () => {
      const native = await world.addApplication('Native', { public: true, redirectUris: ['com.example.app:/callback'] })
      const local = await world.addApplication('Local', { public: true, redirectUris: ['http://127.0.0.1:3000/cb'] })
      // The rule knows no database, so one of them sees every variant.
      const corpus = [app, local, native].flatMap((relying) =>
        redirectMutations(relying.redirectUri)
          .filter((_uri, index) => (relying === app && dialect === 'sqlite') || index % 8 === 0)
          .map((redirect_uri) => ({ relying, redirect_uri })),
      )
      assert.ok(redirectMutations(app.redirectUri).length >= 500, `${redirectMutations(app.redirectUri).length}`)
      const { cookie } = await world.begin(scene.li)
      const headers = { cookie: `${world.sessions.cookieName}=${cookie}`, accept: 'text/html' }

      for (const { relying, redirect_uri } of corpus) {
        const { url } = authorizationRequest(relying, { redirect_uri })
        const answer = await world.send(url, { headers })

        assert.equal(answer.headers.get('location'), null, redirect_uri)
        assert.equal(answer.status, 400, redirect_uri)
        await answer.body?.cancel()
      }
      const twice = authorizationRequest(app).url
      twice.searchParams.append('redirect_uri', 'https://evil.example/')
      const answer = await world.send(twice, { headers })
      assert.deepEqual([answer.status, answer.headers.get('location')], [400, null])
    })

    await t.test('O-02: who is not known, or disabled, gets a page and nobody is sent anywhere', async () => {
      const disabled = await world.addApplication('Disabled', { enabled: false })
      const later = await world.addApplication('Later')
      await scene.signIn(later)
      await world.applications.update(ACTOR, later.application.id, { enabled: false })

      for (const relying of [{ ...app, clientId: 'nobody' }, { ...app, clientId: '' }, disabled, later]) {
        const arrival = await browser.open(authorizationRequest(relying).url)

        assert.deepEqual([arrival.status, arrival.location], [400, null], relying.clientId)
        assert.match(arrival.headers.get('content-type') ?? '', /^text\/html/)
        assert.match(arrival.headers.get('content-security-policy') ?? '', /frame-ancestors 'none'/)
        assert.ok(!arrival.text.includes('app.corp.example'))
      }
    })

    await t.test('O-06: without PKCE, or with anything but S256, a public application gets no code', async () => {
      const strict = await world.addApplication('Strict', { pkceRequired: true })
      const withoutChallenge = { code_challenge: undefined, code_challenge_method: undefined }
      const cases: [RelyingParty, Record<string, string | undefined>][] = [
        [spa, withoutChallenge],
        [strict, withoutChallenge],
        [spa, { code_challenge_method: 'plain' }],
        [spa, { code_challenge_method: undefined }],
        [spa, { code_challenge: '' }],
        [spa, { code_challenge: 'short' }],
        [spa, { code_challenge: 'x'.repeat(129) }],
        [spa, { code_challenge_method: 's256' }],
        [spa, { code_challenge: undefined }],
        [app, { code_challenge_method: 'plain' }],
        [app, { code_challenge: 'short' }],
      ]
      for (const [relying, given] of cases) {
        const arrival = await browser.open(authorizationRequest(relying, given).url)

        assert.equal(arrival.location?.searchParams.get('code') ?? null, null, JSON.stringify(given))
        assert.equal(errorOf(arrival), 'invalid_request', JSON.stringify(given))
      }
      const confidential = await browser.open(authorizationRequest(app, withoutChallenge).url)
      assert.ok(confidential.location?.searchParams.get('code'))
    })

    await t.test('O-06: a challenge that was sent is enforced, for confidential applications too', async () => {
      for (const relying of [app, spa]) {
        for (const code_verifier of [undefined, '', 'x', randomBytes(32).toString('base64url'), 'x'.repeat(129)]) {
          const { code } = await scene.signIn(relying)
          const answer = await scene.exchange(relying, { code, code_verifier })

          assert.equal(answer.status, 400, code_verifier)
          assert.match(String(answer.json.error), /^invalid_(grant|request)$/)
        }
      }
      const { code } = await scene.signIn(app, { code_challenge: undefined, code_challenge_method: undefined })
      const invented = await scene.exchange(app, { code, code_verifier: randomBytes(32).toString('base64url') })
      assert.equal(invented.status, 400)
    })

    await t.test('O-11: prompt=none asks nobody and says what is missing', async () => {
      const fresh = world.browser()

      const arrival = await fresh.open(authorizationRequest(app, { prompt: 'none' }).url)
      assert.equal(errorOf(arrival), 'login_required')

      const signedIn = await browser.open(authorizationRequest(app, { prompt: 'none' }).url)
      assert.ok(signedIn.location?.searchParams.get('code'))
      const contradiction = await browser.open(authorizationRequest(app, { prompt: 'none login' }).url)
      assert.equal(errorOf(contradiction), 'invalid_request')
    })

    await t.test('O-11: a session of ours is enough for prompt=none, whoever it began for', async () => {
      const fresh = world.browser()
      const { cookie } = await world.begin(scene.li)
      fresh.jar.set('ours', { name: world.sessions.cookieName, value: cookie, path: '/' })

      const arrival = await fresh.open(authorizationRequest(app, { prompt: 'none' }).url)

      assert.ok(arrival.location?.searchParams.get('code'))
    })

    await t.test('O-11: prompt=login, select_account and max_age make the person sign in again', async () => {
      for (const given of [{ prompt: 'login' }, { prompt: 'select_account' }, { max_age: '0' }, { max_age: '60' }]) {
        const own = world.browser()
        await scene.signInWith(own, app)
        if (given.max_age === '60') world.clock.at += 61_000
        const before = world.asked.length

        const { code, verifier } = await scene.signInWith(own, app, given)

        assert.equal(world.asked.length, before + 1, JSON.stringify(given))
        assert.ok(world.asked.at(-1)!.authenticatedSince !== null)
        const { json } = await scene.exchange(app, { code, code_verifier: verifier })
        if (given.max_age !== undefined || given.prompt === 'login') {
          assert.equal(typeof claimsIn(json.id_token).auth_time, 'number', JSON.stringify(given))
        }
      }
      const recent = world.browser()
      await scene.signInWith(recent, app)
      const before = world.asked.length
      await scene.signInWith(recent, app, { max_age: '3600' })
      assert.equal(world.asked.length, before)
      const old = await recent.open(authorizationRequest(app, { prompt: 'none', max_age: '0' }).url)
      assert.equal(errorOf(old), 'login_required')
    })

    await t.test('O-11: nobody is taken for somebody else: hints, other users, ended sessions', async () => {
      const { li, wang } = scene
      const own = world.browser()
      const { code, verifier } = await scene.signInWith(own, app)
      const id_token = String((await scene.exchange(app, { code, code_verifier: verifier })).json.id_token)

      // The hint names li. Somebody else signs in at the page: an error, and not their code.
      const other = world.browser()
      world.signingIn.as = wang
      const hinted = await other.open(authorizationRequest(app, { id_token_hint: id_token }).url)
      assert.equal(errorOf(hinted), 'login_required')
      const silent = await other.open(authorizationRequest(app, { id_token_hint: id_token, prompt: 'none' }).url)
      assert.equal(errorOf(silent), 'login_required')
      world.signingIn.as = li
      assert.equal(
        errorOf(await own.open(authorizationRequest(app, { id_token_hint: `${id_token}x` }).url)),
        'invalid_request',
      )
      assert.ok(
        (await own.open(authorizationRequest(app, { id_token_hint: id_token }).url)).location?.searchParams.get('code'),
      )
      // A login hint changes nothing for who is signed in already.
      const login = await scene.signInWith(own, app, { login_hint: 'wang' })
      assert.equal((await scene.person(app, login)).sub, li)

      // The cookie of our session becomes somebody else's: the provider's own session must not answer.
      const { cookie } = await world.begin(wang)
      const key = `${world.sessions.cookieName} /`
      own.jar.set(key, { name: world.sessions.cookieName, value: cookie, path: '/' })
      assert.equal((await scene.person(app, await scene.signInWith(own, app))).sub, wang)
      own.jar.delete(key)
      const ended = await own.open(authorizationRequest(app, { prompt: 'none' }).url)
      assert.equal(errorOf(ended), 'login_required')
      world.signingIn.as = li
      assert.equal((await scene.person(app, await scene.signInWith(own, app))).sub, li)
    })

    await t.test('what the application wants to know of the sign-in arrives there', async () => {
      const given = { connection: 'hq', ui_locales: 'zh-CN en', login_hint: 'li' }
      await scene.signInWith(world.browser(), app, given)

      const asked = world.asked.at(-1)!
      assert.deepEqual(
        [asked.wish?.connection, asked.locales, asked.loginHint, asked.application?.name, asked.passwordSignIn],
        ['hq', ['zh-CN', 'en'], 'li', 'GitLab', true],
      )
      assert.deepEqual([asked.authenticatedSince, asked.connections], [null, []])
    })

    await t.test('a session that the application does not accept is not enough, not even for prompt=none', async () => {
      const wecomOnly = await world.addApplication('WeCom only', { passwordSignIn: false })
      const own = world.browser()
      await scene.signInWith(own, app)

      const arrival = await own.open(authorizationRequest(wecomOnly, { prompt: 'none' }).url)

      assert.equal(errorOf(arrival), 'login_required')
      assert.ok((await own.open(authorizationRequest(app, { prompt: 'none' }).url)).location?.searchParams.get('code'))
    })

    await t.test('where a connection or a company is named, a session of another one is not enough', async () => {
      const connections = ['hq', 'branch']
      const ids = await Promise.all(connections.map((identifier) => world.addConnection(identifier)))
      await database.kysely.updateTable('connections').set({ sign_in_enabled: 1 }).execute()
      await world.addLink(ids[0]!, scene.li, 'li')
      const link = await database.kysely.selectFrom('links').select('id').executeTakeFirstOrThrow()
      const named = await world.addApplication('Named', { connections })
      const through = { door: 'qr', connectionId: ids[0]!, corpId: CORP, linkId: link.id } as const
      const [byWecom, byPassword] = [await world.begin(scene.li, through), await world.begin(scene.li)]
      const answer = async ({ cookie }: { cookie: string }, wish: Record<string, string>) => {
        const own = world.browser()
        own.jar.set('ours', { name: world.sessions.cookieName, value: cookie, path: '/' })
        const arrival = await own.open(authorizationRequest(named, { prompt: 'none', ...wish }).url)
        return arrival.location?.searchParams.has('code') === true ? 'code' : errorOf(arrival)
      }
      const wishes: [Record<string, string>, string, string][] = [
        [{}, 'code', 'code'],
        [{ connection: 'hq' }, 'code', 'code'],
        [{ connection: ids[0]! }, 'code', 'code'],
        // The page of a connection has the password form, for people who have no other way in.
        [{ connection: 'branch' }, 'login_required', 'code'],
        [{ connection: 'hq', corp: CORP }, 'code', 'login_required'],
        [{ corp: CORP }, 'code', 'login_required'],
        [{ corp: 'ww-another' }, 'login_required', 'login_required'],
        [{ connection: 'hq', corp: 'ww-another' }, 'login_required', 'login_required'],
      ]

      for (const [wish, wecom, password] of wishes) {
        assert.deepEqual(
          [await answer(byWecom, wish), await answer(byPassword, wish)],
          [wecom, password],
          Object.values(wish).join(),
        )
      }
    })

    await t.test('a refusal comes back as access_denied; foreign and old requests are unknown', async () => {
      world.signingIn.as = null
      const refused = await world.browser().open(authorizationRequest(app).url)
      assert.equal(errorOf(refused), 'access_denied')
      world.signingIn.as = scene.li

      world.signingIn.isQuiet = true
      const mine = world.browser()
      const page = await mine.open(authorizationRequest(app).url)
      assert.equal(page.text, 'a page')
      const { uid } = world.asked.at(-1)!
      world.signingIn.isQuiet = false
      const foreign = await world.browser().open(`${PUBLIC_URL}/signin/${uid}`)
      assert.equal(foreign.status, 404)
      const theft = await world.browser().open(`${ISSUER}/auth/${uid}`)
      assert.deepEqual([theft.status, theft.location], [400, null])
      world.clock.at += 3_600_001
      assert.equal((await mine.open(`${PUBLIC_URL}/signin/${uid}`)).status, 404)
    })

    await t.test('O-20: only a code, in the query or a form, and never in a frame', async () => {
      for (const response_type of ['token', 'id_token', 'code id_token', 'code token', 'none', '']) {
        const arrival = await browser.open(authorizationRequest(app, { response_type, nonce: 'n' }).url)
        assert.match(errorOf(arrival) ?? '', /^(unsupported_response_type|invalid_request)$/, response_type)
        assert.doesNotMatch(String(arrival.location), /access_token|id_token=|code=/)
      }
      for (const response_mode of ['fragment', 'web_message', 'jwt', 'query.jwt', 'x']) {
        const arrival = await browser.open(authorizationRequest(app, { response_mode }).url)
        assert.doesNotMatch(String(arrival.location), /code=/, response_mode)
      }
      const form = await browser.open(authorizationRequest(app, { response_mode: 'form_post' }).url)
      assert.equal(form.status, 200)
      assert.match(form.text, new RegExp(`action="${CALLBACK}"`))
      const policy = form.headers.get('content-security-policy') ?? ''
      assert.match(policy, /script-src 'sha256-[^']+'/)
      assert.match(policy, /form-action +https:\/\/app\.corp\.example/)
      assert.match(policy, /frame-ancestors 'none'/)
    })

    await t.test('O-19: nothing is fetched that a request names', async () => {
      for (const given of [
        { request_uri: 'http://127.0.0.1:1/' },
        { request: 'eyJhbGciOiJub25lIn0.e30.' },
        { registration: '{}' },
      ]) {
        const arrival = await browser.open(authorizationRequest(app, given).url)
        assert.match(errorOf(arrival) ?? '', /not_supported$/, JSON.stringify(given))
      }
      for (const path of ['reg', 'device', 'device/auth', 'request', 'backchannel', 'interaction/x']) {
        const answer = await world.send(`${ISSUER}/${path}`, { method: 'POST' })
        assert.equal(answer.status, 404, path)
      }
    })

    await t.test('O-14: an application is told only what it is allowed, whatever it asks for', async () => {
      const narrow = await world.addApplication('Narrow', { claims: { scopes: ['profile'] } })
      const claims = JSON.stringify({ userinfo: { email: { essential: true } }, id_token: { email: null } })
      const signedIn = await scene.signIn(narrow, { scope: 'openid profile email phone groups', claims })

      const { json } = await scene.exchange(narrow, { code: signedIn.code, code_verifier: signedIn.verifier })
      const person = await scene.me(String(json.access_token))

      assert.equal(json.scope, 'openid profile')
      for (const told of [claimsIn(json.id_token), person.json]) {
        assert.equal(told.name, '人 li')
        assert.ok(!('email' in told) && !('phone_number' in told) && !('groups' in told))
      }
    })

    await t.test('O-15: an address that nobody has verified is not said to be', async () => {
      const person = await scene.person(app, await scene.signIn(app))

      assert.deepEqual([person.email, person.email_verified], ['li@corp.example', false])
    })
  })

  suite('codes and tokens', async (scene, t) => {
    const { world, app, spa, api } = scene

    await t.test('O-03: a code works once; its replay ends what the first exchange was given', async () => {
      const { code, verifier } = await scene.signIn(app, { scope: 'openid profile offline_access' })
      const first = await scene.exchange(app, { code, code_verifier: verifier })
      assert.equal((await scene.me(String(first.json.access_token))).status, 200)

      const second = await scene.exchange(app, { code, code_verifier: verifier })

      assert.deepEqual([second.status, second.json.error], [400, 'invalid_grant'])
      assert.equal((await scene.me(String(first.json.access_token))).status, 401)
      assert.equal((await scene.refresh(app, String(first.json.refresh_token))).status, 400)
    })

    await t.test('O-03: a code that is older than a minute is worth nothing', async () => {
      const { code, verifier } = await scene.signIn(app)
      world.clock.at += 60_001

      assert.equal((await scene.exchange(app, { code, code_verifier: verifier })).json.error, 'invalid_grant')
    })

    await t.test('O-04: of twenty exchanges of a code at once, one succeeds', async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const { code, verifier } = await scene.signIn(app)
        const answers = await Promise.all(
          Array.from({ length: AT_ONCE }, () => scene.exchange(app, { code, code_verifier: verifier })),
        )

        const succeeded = answers.filter(({ status }) => status === 200)
        assert.equal(succeeded.length, 1)
        assert.ok(answers.every(({ status, json }) => status === 200 || json.error === 'invalid_grant'))
        assert.equal((await scene.me(String(succeeded[0]!.json.access_token))).status, 401)
      }
    })

    await t.test(
      'O-05: what was issued to one application is worth nothing to another, or in another shape',
      async () => {
        const other = await world.addApplication('Other', {
          redirectUris: [CALLBACK, 'https://app.corp.example/other'],
        })
        const cases: ((signedIn: SignedIn) => Promise<Answer>)[] = [
          ({ code, verifier }) => scene.exchange(other, { code, code_verifier: verifier }),
          ({ code, verifier }) => scene.exchange(spa, { code, code_verifier: verifier }),
          ({ code, verifier }) => scene.exchange(app, { code, code_verifier: verifier, redirect_uri: `${CALLBACK}/` }),
          ({ code, verifier }) => scene.exchange(app, { code, code_verifier: verifier, redirect_uri: undefined }),
          ({ code, verifier }) => scene.exchange(app, { code, code_verifier: `${verifier}x` }),
          ({ code, verifier }) => scene.exchange(app, { code: `${code}x`, code_verifier: verifier }),
          ({ code, verifier }) => scene.exchange(app, { code: code.slice(0, -1), code_verifier: verifier }),
          ({ code, verifier }) => scene.exchange(app, { code: code.toLowerCase(), code_verifier: verifier }),
        ]
        for (const [index, attempt] of cases.entries()) {
          const signedIn = await scene.signIn(app)
          const answer = await attempt(signedIn)

          assert.equal(answer.status, 400, `case ${index}`)
          assert.match(String(answer.json.error), /^invalid_(grant|request)$/, `case ${index}`)
        }
      },
    )

    await t.test(
      'O-07: whatever is wrong with how an application proves itself, the answer is the same 401',
      async () => {
        const { authorization } = basic(app)
        const encoded = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`
        const cases: { headers?: Record<string, string>; body?: Record<string, string>; query?: string }[] = [
          { body: { client_id: app.clientId } },
          { body: { client_id: app.clientId, client_secret: '' } },
          { body: { client_id: app.clientId, client_secret: 'wrong' } },
          { body: { client_id: app.clientId, client_secret: `${app.clientSecret} ` } },
          { headers: { authorization: encoded(`${app.clientId}:`) } },
          { headers: { authorization: encoded(app.clientId) } },
          { headers: { authorization: encoded(`${app.clientId}:%zz`) } },
          { headers: { authorization: 'Basic !!!' } },
          { headers: { authorization: encoded(`nobody:${app.clientSecret}`) } },
          { headers: { authorization: `Bearer ${app.clientSecret}` } },
          { headers: { authorization }, body: { client_id: app.clientId, client_secret: app.clientSecret! } },
          { headers: { authorization }, body: { client_id: spa.clientId } },
          { query: `?client_id=${app.clientId}&client_secret=${app.clientSecret}` },
          { headers: { authorization: encoded(`${spa.clientId}:x`) } },
          { body: { client_id: app.clientId, client_assertion: 'x', client_assertion_type: 'x' } },
        ]
        for (const [index, { headers, body, query = '' }] of cases.entries()) {
          const { code, verifier } = await scene.signIn(app)
          const answer = await scene.post(
            `token${query}`,
            { grant_type: 'authorization_code', code, code_verifier: verifier, redirect_uri: CALLBACK, ...body },
            headers,
          )

          assert.equal(answer.status, 401, `case ${index}: ${answer.text}`)
          assert.deepEqual(answer.json, { error: 'invalid_client', error_description: 'client authentication failed' })
        }
        for (const path of ['token/introspection', 'token/revocation']) {
          assert.equal(
            (await scene.post(path, { token: 'x', client_id: app.clientId, client_secret: 'wrong' })).status,
            401,
          )
        }
      },
    )

    await t.test('O-07: a new secret works at once beside the old one, and a deleted one no more', async () => {
      const rotating = await world.addApplication('Rotating')
      const { clientSecret } = await world.applications.addSecret(ACTOR, rotating.application.id)
      const works = async (secret: string | null) => {
        const { code, verifier } = await scene.signIn(rotating)
        return (await scene.exchange({ ...rotating, clientSecret: secret }, { code, code_verifier: verifier })).status
      }
      assert.deepEqual([await works(rotating.clientSecret), await works(clientSecret)], [200, 200])

      const [old] = await world.applications.secretsOf(rotating.application.id)
      await world.applications.removeSecret(ACTOR, rotating.application.id, old!.id)

      assert.deepEqual([await works(rotating.clientSecret), await works(clientSecret)], [401, 200])
      const asked = await scene.post('token', {
        grant_type: 'refresh_token',
        refresh_token: 'x',
        client_id: rotating.clientId,
        client_secret: clientSecret,
      })
      assert.equal(asked.json.error, 'invalid_grant') // client_secret_post is as good
    })

    await t.test('O-08: refresh tokens rotate, and using one twice ends its family', async () => {
      const first = await scene.tokens(app, 'openid profile offline_access')
      const second = await scene.refresh(app, first.refresh_token)
      const third = await scene.refresh(app, String(second.json.refresh_token))
      assert.deepEqual([second.status, third.status], [200, 200])
      assert.equal(claimsIn(third.json.id_token).sub, scene.li)

      const reused = await scene.refresh(app, first.refresh_token)

      assert.deepEqual([reused.status, reused.json.error], [400, 'invalid_grant'])
      assert.equal((await scene.refresh(app, String(third.json.refresh_token))).status, 400)
      assert.equal((await scene.me(String(third.json.access_token))).status, 401)
    })

    await t.test('O-08: another application, wider scope and a late hour get nothing', async () => {
      const tokens = await scene.tokens(app, 'openid profile offline_access')
      const wider = await scene.refresh(app, tokens.refresh_token, { scope: 'openid profile email' })
      assert.equal(wider.json.error, 'invalid_scope')
      assert.equal((await scene.refresh(api, tokens.refresh_token)).json.error, 'invalid_grant')
      const narrower = await scene.refresh(app, tokens.refresh_token, { scope: 'openid' })
      assert.equal(narrower.json.scope, 'openid')

      world.clock.at += 12 * 3_600_000

      assert.equal((await scene.refresh(app, String(narrower.json.refresh_token))).json.error, 'invalid_grant')
    })

    await t.test('O-08: of twenty uses of a refresh token at once one succeeds, and the family ends', async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const tokens = await scene.tokens(app, 'openid offline_access')
        const answers = await Promise.all(
          Array.from({ length: AT_ONCE }, () => scene.refresh(app, tokens.refresh_token)),
        )

        const succeeded = answers.filter(({ status }) => status === 200)
        assert.equal(succeeded.length, 1)
        assert.equal((await scene.refresh(app, String(succeeded[0]!.json.refresh_token))).status, 400)
        assert.equal((await scene.me(String(succeeded[0]!.json.access_token))).status, 401)
      }
    })

    await t.test('without offline_access there is no refresh token', async () => {
      const { refresh_token } = await scene.tokens(app, 'openid profile')

      assert.equal(refresh_token, undefined)
    })

    await t.test('O-09: forged tokens are refused wherever a token is taken', async () => {
      const { id_token, access_token } = await scene.tokens(app, 'openid profile')
      const forged = await forgeries(scene, String(id_token), String(access_token))
      assert.ok(forged.length >= 30, `${forged.length}`)

      for (const [name, token] of forged) {
        const seen = await world.send(`${ISSUER}/me`, { headers: { authorization: headerSafe(token) } })
        assert.ok(seen.status === 401 || seen.status === 400, `${name} at userinfo: ${seen.status}`)
        await seen.body?.cancel()
        const { status, json } = await scene.post('token/introspection', { token }, basic(app))
        assert.ok(status === 400 || json.active === false, `${name} at introspection`)
        const logout = await world
          .browser()
          .open(
            `${ISSUER}/session/end?${new URLSearchParams({ id_token_hint: token, post_logout_redirect_uri: 'https://app.corp.example/bye' }).toString()}`,
          )
        if (token.split('.').length === 3) {
          assert.deepEqual([logout.status, logout.location], [400, null], `${name} at end-session`)
        } else assert.equal(logout.location, null, `${name} at end-session`)
      }
    })

    await t.test('O-10: no token passes for another kind', async () => {
      const tokens = await scene.tokens(app, 'openid profile offline_access')
      const { code, verifier } = await scene.signIn(app)
      const { cookie } = await world.begin(scene.li)
      const uid = world.asked.at(-1)!.uid
      const { access_token, refresh_token, id_token } = tokens
      const kinds = { access_token, refresh_token, id_token, code, cookie, uid, secret: app.clientSecret! }

      for (const [kind, token] of Object.entries(kinds)) {
        if (typeof token !== 'string') continue
        if (kind !== 'access_token') assert.equal((await scene.me(token)).status, 401, `${kind} as access token`)
        if (kind !== 'refresh_token')
          assert.equal((await scene.refresh(app, token)).status, 400, `${kind} as refresh token`)
        if (kind !== 'code') {
          assert.equal(
            (await scene.exchange(app, { code: token, code_verifier: verifier })).status,
            400,
            `${kind} as code`,
          )
        }
        if (kind !== 'access_token' && kind !== 'refresh_token') {
          const { status, json } = await scene.post('token/introspection', { token }, basic(app))
          assert.ok(status === 400 || json.active === false, `${kind} introspected`)
        }
        if (kind !== 'cookie') assert.equal(await world.sessions.find(token), undefined, `${kind} as session`)
      }
    })

    await t.test('introspection tells applications of the same company, and nobody else', async () => {
      const { access_token, refresh_token } = await scene.tokens(app, 'openid profile offline_access')

      for (const asking of [app, api]) {
        const { json } = await scene.post('token/introspection', { token: access_token! }, basic(asking))
        assert.deepEqual([json.active, json.sub, json.client_id], [true, scene.li, app.clientId])
      }
      assert.equal((await scene.post('token/introspection', { token: refresh_token! }, basic(app))).json.active, true)
      const open = await scene.post('token/introspection', { token: access_token!, client_id: spa.clientId })
      assert.equal(open.json.active, false)
      await world.applications.update(ACTOR, api.application.id, { enabled: false })
      assert.equal((await scene.post('token/introspection', { token: access_token! }, basic(api))).status, 401)
      await world.applications.update(ACTOR, api.application.id, { enabled: true })
    })

    await t.test('a revoked token takes its family with it, and nobody revokes what is another’s', async () => {
      for (const kind of ['access_token', 'refresh_token'] as const) {
        const tokens = await scene.tokens(app, 'openid offline_access')
        assert.equal((await scene.post('token/revocation', { token: tokens[kind]! }, basic(api))).status, 400)
        assert.equal((await scene.me(tokens.access_token!)).status, 200)

        assert.equal((await scene.post('token/revocation', { token: tokens[kind]! }, basic(app))).status, 200)

        assert.equal((await scene.me(tokens.access_token!)).status, 401)
        assert.equal((await scene.refresh(app, tokens.refresh_token)).status, 400)
      }
      assert.equal((await scene.post('token/revocation', { token: 'unknown' }, basic(app))).status, 200)
    })

    await t.test('O-22: whoever loses access loses codes and tokens at that moment', async () => {
      const ways: Record<string, (userId: string) => Promise<unknown>> = {
        disabled: (id) => world.users.update(owner, id, { status: 'disabled' }),
        deleted: (id) => world.users.remove(owner, id),
        'signed out': (id) => world.users.signOut(owner, id),
        'session ended': async () =>
          world.sessions
            .listOf(userId)
            .then(([session]) => scene.database.inTransaction((tx) => world.sessions.end(tx, session!.id))),
        'application disabled': () => world.applications.update(ACTOR, app.application.id, { enabled: false }),
      }
      let userId = ''
      for (const [way, take] of Object.entries(ways)) {
        userId = await world.addUser(`leaver-${way.replace(' ', '-')}`)
        world.signingIn.as = userId
        const own = world.browser()
        const held = await scene.signInWith(own, app, { scope: 'openid offline_access' })
        const given = (await scene.exchange(app, { code: held.code, code_verifier: held.verifier })).json
        const pending = await scene.signInWith(own, app)

        await take(userId)

        const left = await scene.database.kysely
          .selectFrom('oidc_records')
          .select('kind')
          .where('kind', '=', 'Grant')
          .where('user_id', '=', userId)
          .execute()
        assert.deepEqual(left, [], way)
        if (way === 'application disabled')
          await world.applications.update(ACTOR, app.application.id, { enabled: true })
        const me = await scene.me(String(given.access_token))
        assert.equal(me.status, 401, way)
        assert.match(me.headers.get('www-authenticate') ?? '', /error="invalid_token"/, way)
        assert.equal(
          (await scene.exchange(app, { code: pending.code, code_verifier: pending.verifier })).json.error,
          'invalid_grant',
          way,
        )
        assert.equal((await scene.refresh(app, String(given.refresh_token))).json.error, 'invalid_grant', way)
        if (way !== 'application disabled') {
          const again = await own.open(authorizationRequest(app, { prompt: 'none' }).url)
          assert.equal(errorOf(again), 'login_required', way)
        }
      }
      world.signingIn.as = scene.li
    })

    await t.test('I5: signing out beside exchanges leaves nothing that works', async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const userId = await world.addUser(`racer${round}`)
        world.signingIn.as = userId
        const codes = await Promise.all(
          Array.from({ length: 5 }, () => scene.signInWith(world.browser(), app, { scope: 'openid offline_access' })),
        )
        const [answers] = await Promise.all([
          Promise.all(codes.map(({ code, verifier }) => scene.exchange(app, { code, code_verifier: verifier }))),
          world.users.signOut(owner, userId),
        ])

        for (const { json } of answers) {
          if (typeof json.access_token !== 'string') continue
          assert.equal((await scene.me(json.access_token)).status, 401)
          assert.equal((await scene.refresh(app, String(json.refresh_token))).status, 400)
        }
      }
      world.signingIn.as = scene.li
    })

    await t.test('I13: the database holds no code, token or cookie that could be used', async () => {
      const own = world.browser()
      const { code, verifier } = await scene.signInWith(own, app, { scope: 'openid offline_access' })
      const { json } = await scene.exchange(app, { code, code_verifier: verifier })
      world.signingIn.isQuiet = true
      await world.browser().open(authorizationRequest(app).url)
      world.signingIn.isQuiet = false
      const secrets = [
        code,
        json.access_token,
        json.refresh_token,
        world.asked.at(-1)!.uid,
        ...[...own.jar.values()].map(({ value }) => value),
      ]

      const stored = JSON.stringify(await scene.database.kysely.selectFrom('oidc_records').selectAll().execute())

      for (const secret of secrets) {
        assert.ok(!stored.includes(String(secret)), 'stored in the clear')
        assert.ok(!world.log().includes(String(secret)), 'logged')
      }
      assert.ok(stored.includes(scene.li))
    })
  })

  suite('the token endpoint and its neighbours under odd requests', async (scene, t) => {
    const { world, app, spa } = scene

    await t.test('O-17: addresses come from the configuration, whatever a request says', async () => {
      const metadata = await (await world.send(`${ISSUER}/.well-known/openid-configuration`)).text()
      assert.equal((JSON.parse(metadata) as { issuer: string }).issuer, ISSUER)
      assert.ok(!metadata.includes('127.0.0.1'))

      for (const headers of [
        { 'x-forwarded-host': 'evil.example' },
        { 'x-forwarded-proto': 'http', 'x-forwarded-host': 'evil.example', 'x-forwarded-for': '1.2.3.4' },
        { forwarded: 'host=evil.example;proto=http' },
        { 'x-original-url': '/evil', 'x-rewrite-url': '/evil' },
      ] as Record<string, string>[]) {
        const told = await (await world.send(`${ISSUER}/.well-known/openid-configuration`, { headers })).text()
        assert.equal(told, metadata)
        const sent = await world.send(authorizationRequest(app).url, { headers: { ...headers, accept: 'text/html' } })
        assert.match(sent.headers.get('location') ?? '', /^\/signin\//)
      }
      assert.equal(await rawRequest(world.origin, 'evil.example', '/oidc/.well-known/openid-configuration'), metadata)
      for (const path of ['', '/', '/x', '//.well-known/openid-configuration']) {
        assert.equal((await world.send(`${ISSUER}${path}`)).status, 404, path)
      }
    })

    await t.test('O-21: other origins may read what is public, and tokens only those of the application', async () => {
      const ask = async (path: string, origin: string, init: RequestInit = {}) => {
        const answer = await world.send(`${ISSUER}/${path}`, {
          ...init,
          headers: { ...(init.headers as object), origin },
        })
        await answer.body?.cancel()
        return answer
      }
      const origins = [
        'https://evil.example',
        'null',
        'https://app.corp.example.evil.example',
        'http://app.corp.example',
        'https://APP.corp.example:8443',
        'https://corp.example',
        'file://',
        'https://app.corp.example@evil.example',
      ]
      for (const origin of [...origins, 'https://app.corp.example']) {
        for (const path of ['.well-known/openid-configuration', 'jwks']) {
          const answer = await ask(path, origin)
          assert.deepEqual([answer.status, answer.headers.get('access-control-allow-origin')], [200, origin])
          assert.equal(answer.headers.get('access-control-allow-credentials'), null)
        }
      }
      for (const origin of [...origins, 'https://app.corp.example']) {
        const isOwn = origin === 'https://app.corp.example'
        for (const relying of [app, spa]) {
          const { code, verifier } = await scene.signIn(relying)
          const fields = {
            grant_type: 'authorization_code',
            code,
            code_verifier: verifier,
            redirect_uri: CALLBACK,
            ...(relying === spa ? { client_id: spa.clientId } : {}),
          }
          const answer = await ask('token', origin, {
            method: 'POST',
            body: new URLSearchParams(fields),
            headers: relying === app ? basic(app) : {},
          })
          assert.equal(answer.headers.get('access-control-allow-origin'), isOwn ? origin : null, origin)
          assert.equal(answer.status, isOwn ? 200 : 400, origin)
          assert.equal(answer.headers.get('access-control-allow-credentials'), null)
        }
        const { access_token } = await scene.tokens(app, 'openid')
        const me = await ask('me', origin, { headers: { authorization: `Bearer ${access_token}` } })
        assert.deepEqual(
          [me.status, me.headers.get('access-control-allow-origin')],
          isOwn ? [200, origin] : [400, null],
          origin,
        )
      }
    })

    await t.test(
      'O-24: bodies that are too large, of another type, or say things twice are refused, and nothing stalls',
      async () => {
        const { headers } = { headers: basic(app) }
        const form = { ...headers, 'content-type': 'application/x-www-form-urlencoded' }
        const bodies: [string, RequestInit][] = [
          ['large', { body: `grant_type=authorization_code&code=${'x'.repeat(10 * 1024 * 1024)}`, headers: form }],
          [
            'json',
            {
              body: JSON.stringify({ grant_type: 'authorization_code' }),
              headers: { ...headers, 'content-type': 'application/json' },
            },
          ],
          ['multipart', { body: 'x', headers: { ...headers, 'content-type': 'multipart/form-data; boundary=x' } }],
          ['text', { body: 'grant_type=authorization_code', headers: { ...headers, 'content-type': 'text/plain' } }],
          ['xml', { body: '<a/>', headers: { ...headers, 'content-type': 'application/xml' } }],
          ['twice', { body: 'grant_type=authorization_code&grant_type=refresh_token', headers: form }],
          [
            'code twice',
            { body: `grant_type=authorization_code&code=a&code=b&redirect_uri=${CALLBACK}`, headers: form },
          ],
          ['empty', { body: '', headers: form }],
          ['nothing', { headers }],
          ['percent', { body: '%%%=%zz&grant_type', headers: form }],
          ['prototype', { body: '__proto__=1&constructor=2&grant_type=__proto__', headers: form }],
          ['nul', { body: 'grant_type=authorization_code&code=%00&redirect_uri=%00', headers: form }],
          ['unknown grant', { body: 'grant_type=password&username=li&password=x', headers: form }],
          ['client credentials', { body: 'grant_type=client_credentials', headers: form }],
          ['implicit', { body: 'grant_type=implicit', headers: form }],
          ['device', { body: 'grant_type=urn:ietf:params:oauth:grant-type:device_code&device_code=x', headers: form }],
          ['exchange', { body: 'grant_type=urn:ietf:params:oauth:grant-type:token-exchange', headers: form }],
          ['many', { body: `${'a=1&'.repeat(10_000)}grant_type=refresh_token`, headers: form }],
          ['nested', { body: 'grant_type[]=authorization_code&code[x]=y', headers: form }],
        ]
        for (const [name, init] of bodies) {
          const answer = await world.send(`${ISSUER}/token`, { method: 'POST', ...init })
          assert.equal(answer.status, 400, `${name}: ${answer.status}`)
          assert.equal(typeof ((await answer.json()) as { error: unknown }).error, 'string', name)
        }
        const seed = Number(process.env.MUSTER_TEST_SEED ?? randomInt(2 ** 31))
        const random = createRandom(seed)
        for (let round = 0; round < 60; round++) {
          const bytes = Buffer.from(
            Array.from({ length: Math.floor(random() * 200) }, () => Math.floor(random() * 256)),
          )
          const answer = await world.send(`${ISSUER}/token`, { method: 'POST', body: bytes, headers: form })
          assert.equal(answer.status, 400, `MUSTER_TEST_SEED=${seed} round ${round}`)
          await answer.body?.cancel()
        }
        for (const path of ['token', 'token/revocation', 'token/introspection']) {
          for (const method of ['GET', 'PUT', 'DELETE', 'PATCH', 'HEAD']) {
            assert.ok(
              [404, 405].includes((await world.send(`${ISSUER}/${path}`, { method })).status),
              `${method} ${path}`,
            )
          }
        }
        // Nothing of it is a failure of ours.
        assert.ok(
          !world.log().includes('"level":50'),
          world
            .log()
            .split('\n')
            .find((line) => line.includes('"level":50')),
        )
        assert.equal((await scene.me((await scene.tokens(app, 'openid')).access_token!)).status, 200)
      },
    )

    await t.test('access tokens are taken in the header only', async () => {
      const { access_token } = await scene.tokens(app, 'openid profile')
      assert.equal((await world.send(`${ISSUER}/me?access_token=${access_token}`)).status, 400)
      assert.equal((await world.send(`${ISSUER}/me`)).status, 401)
      assert.equal((await scene.me('unknown')).status, 401)
    })

    await t.test('a native app exchanges a code of the SDK, and every failure is invalid_grant', async () => {
      const native = await world.addApplication('Phone', { public: true, mobile: true, redirectUris: [] })
      const grant_type = 'urn:muster:params:oauth:grant-type:wecom-code'
      const ask = (fields: Record<string, string>, relying = native) =>
        scene.post('token', { grant_type, client_id: relying.clientId, ...fields })
      world.mobile.admit = async ({ code, connection }) =>
        code === 'good' && connection === 'hq'
          ? { kind: 'admitted', userId: scene.li, session: (await world.begin(scene.li)).session }
          : { kind: 'refused' }

      const given = await ask({ connection: 'hq', code: 'good', scope: 'openid profile offline_access' })
      assert.equal(given.status, 200, given.text)
      assert.equal(claimsIn(given.json.id_token).sub, scene.li)
      assert.equal(claimsIn(given.json.id_token).aud, native.clientId)
      assert.equal((await scene.me(String(given.json.access_token))).json.name, '人 li')
      const refreshed = await scene.post('token', {
        grant_type: 'refresh_token',
        client_id: native.clientId,
        refresh_token: String(given.json.refresh_token),
      })
      assert.equal(refreshed.status, 200)
      const few = await ask({ connection: 'hq', code: 'good' })
      assert.deepEqual([few.json.scope, few.json.refresh_token], ['openid', undefined])

      for (const fields of [
        { connection: 'hq', code: 'bad' },
        { connection: 'no', code: 'good' },
        { code: 'good' },
        { connection: 'hq' },
        { connection: 'hq', code: 'x'.repeat(2_000) },
      ] as Record<string, string>[]) {
        const answer = await ask(fields)
        assert.deepEqual([answer.status, answer.json.error], [400, 'invalid_grant'])
      }
      const foreign = await ask({ connection: 'hq', code: 'good' }, spa)
      assert.equal(foreign.status, 400)
      await world.users.signOut(owner, scene.li)
      assert.equal((await scene.me(String(given.json.access_token))).status, 401)
      const late = await scene.post('token', {
        grant_type: 'refresh_token',
        client_id: native.clientId,
        refresh_token: String(refreshed.json.refresh_token),
      })
      assert.equal(late.json.error, 'invalid_grant')
    })

    await t.test('what is over is removed, and what is not stays', async () => {
      const { access_token, refresh_token } = await scene.tokens(app, 'openid offline_access')
      await world.oidc.clear(new AbortController().signal)
      assert.equal((await scene.me(access_token!)).status, 200)
      assert.equal((await scene.refresh(app, refresh_token)).status, 200)

      world.clock.at += 13 * 3_600_000
      await world.oidc.clear(new AbortController().signal)

      assert.deepEqual(await scene.database.kysely.selectFrom('oidc_records').select('kind').execute(), [])
    })
  })
})

type Json = Record<string, unknown>

interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly json: Json
}

interface SignedIn {
  readonly code: string
  readonly verifier: string
}

type Scene = Awaited<ReturnType<typeof createScene>>

async function createScene(world: OidcWorld, database: Database) {
  const li = await world.addUser('li')
  const wang = await world.addUser('wang')
  const app = await world.addApplication('GitLab')
  const api = await world.addApplication('API')
  const spa = await world.addApplication('Board', { public: true })
  world.signingIn.as = li
  const browser = world.browser()

  async function signInWith(
    own: Browser,
    relying: RelyingParty,
    given: Record<string, string | undefined> = {},
  ): Promise<SignedIn> {
    const { url, verifier, state } = authorizationRequest(relying, given)
    const arrival = await own.open(url)
    const code = arrival.location?.searchParams.get('code')
    assert.ok(code, `no code: ${arrival.status} ${String(arrival.location)} ${arrival.text}`)
    assert.equal(arrival.location?.searchParams.get('state'), state)
    return { code, verifier }
  }

  async function post(
    path: string,
    fields: Record<string, string | undefined>,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const body = new URLSearchParams(
      Object.entries(fields).filter((pair): pair is [string, string] => pair[1] !== undefined),
    )
    return read(await world.send(`${ISSUER}/${path}`, { method: 'POST', body, headers }))
  }

  /** As the kind of application does it. */
  const asClient = (relying: RelyingParty) => ({
    fields: relying.clientSecret === null ? { client_id: relying.clientId } : {},
    headers: relying.clientSecret === null ? {} : basic(relying),
  })

  function exchange(relying: RelyingParty, given: Record<string, string | undefined>): Promise<Answer> {
    const { fields, headers } = asClient(relying)
    return post(
      'token',
      { grant_type: 'authorization_code', redirect_uri: relying.redirectUri, ...fields, ...given },
      headers,
    )
  }

  const me = async (token: string) =>
    read(await world.send(`${ISSUER}/me`, { headers: { authorization: `Bearer ${token}` } }))

  return {
    world,
    database,
    li,
    wang,
    app,
    api,
    spa,
    browser,
    post,
    exchange,
    me,
    signInWith,
    signIn: (relying: RelyingParty, given: Record<string, string | undefined> = {}) =>
      signInWith(browser, relying, given),
    refresh: (relying: RelyingParty, token: string | undefined, given: Record<string, string> = {}) => {
      const { fields, headers } = asClient(relying)
      return post('token', { grant_type: 'refresh_token', refresh_token: token, ...fields, ...given }, headers)
    },
    async tokens(relying: RelyingParty, scope: string) {
      const { code, verifier } = await signInWith(browser, relying, { scope })
      const { json, text } = await exchange(relying, { code, code_verifier: verifier })
      assert.ok(json.access_token, text)
      return json as { access_token?: string; refresh_token?: string; id_token?: string }
    },
    async person(relying: RelyingParty, { code, verifier }: SignedIn): Promise<Json> {
      const { json } = await exchange(relying, { code, code_verifier: verifier })
      return (await me(String(json.access_token))).json
    },
  }
}

async function read(response: Response): Promise<Answer> {
  const text = await response.text()
  const isJson = /json/.test(response.headers.get('content-type') ?? '')
  return { status: response.status, headers: response.headers, text, json: (isJson ? JSON.parse(text) : {}) as Json }
}

/** Of an answer to an authorization request, wherever it is written. */
function errorOf({ location, text }: Arrival): string | null {
  const inFragment = new URLSearchParams(location?.hash.slice(1)).get('error')
  return location?.searchParams.get('error') ?? inFragment ?? /<code>(\w+)<\/code>/.exec(text)?.[1] ?? null
}

function claimsIn(idToken: unknown): Json {
  return JSON.parse(Buffer.from(String(idToken).split('.')[1]!, 'base64url').toString()) as Json
}

/** A header may not hold everything that a token may be made of. */
function headerSafe(token: string): string {
  return `Bearer ${token.replace(/[^\x21-\x7e]/g, '')}`
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** What somebody makes who has seen tokens, and our public key, but has no private one. */
async function forgeries(
  { world, app, li, wang }: Scene,
  idToken: string,
  accessToken: string,
): Promise<[string, string][]> {
  const { keys } = (await (await world.send(`${ISSUER}/jwks`)).json()) as { keys: Json[] }
  const [head = '', body = '', signature = ''] = idToken.split('.')
  const header = JSON.parse(Buffer.from(head, 'base64url').toString()) as Json
  const claims = claimsIn(idToken)
  const own = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const jwk = own.publicKey.export({ format: 'jwk' })
  const rs256 = (top: Json, payload: Json) => {
    const signed = `${encode(top)}.${encode(payload)}`
    return `${signed}.${createSign('sha256').update(signed).sign(own.privateKey).toString('base64url')}`
  }
  const hs256 = (top: Json, key: string) => {
    const signed = `${encode({ ...top, alg: 'HS256' })}.${body}`
    return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`
  }
  const none = (alg: string) => `${encode({ ...header, alg })}.${body}.`
  return Object.entries({
    'alg none': none('none'),
    'alg None': none('None'),
    'alg NONE': none('NONE'),
    'alg empty': none(''),
    'alg absent': `${encode({ kid: header.kid })}.${body}.`,
    'none with a signature': `${encode({ ...header, alg: 'none' })}.${body}.${signature}`,
    'HS256 with the modulus': hs256(header, String(keys[0]!.n)),
    'HS256 with the JWK': hs256(header, JSON.stringify(keys[0])),
    'HS256 with the key id': hs256(header, String(header.kid)),
    'HS256 with nothing': hs256(header, ''),
    'HS256 with the secret': hs256(header, app.clientSecret!),
    'own key, our kid': rs256(header, claims),
    'own key, own kid': rs256({ ...header, kid: 'mine' }, claims),
    'own key, no kid': rs256({ alg: 'RS256' }, claims),
    'key in the header': rs256({ ...header, jwk }, claims),
    'key by address': rs256({ ...header, jku: 'https://evil.example/jwks' }, claims),
    'certificate by address': rs256({ ...header, x5u: 'https://evil.example/x' }, claims),
    'certificate in the header': rs256({ ...header, x5c: ['x'] }, claims),
    'kid as a path': rs256({ ...header, kid: '../../dev/null' }, claims),
    'critical extension': rs256({ ...header, crit: ['b64'], b64: false }, claims),
    'foreign issuer': rs256(header, { ...claims, iss: 'https://evil.example' }),
    'other audience': rs256(header, { ...claims, aud: 'other' }),
    expired: rs256(header, { ...claims, exp: 1 }),
    'other subject': `${head}.${encode({ ...claims, sub: wang })}.${signature}`,
    'other audience, our signature': `${head}.${encode({ ...claims, aud: 'other' })}.${signature}`,
    'longer life': `${head}.${encode({ ...claims, exp: 9_999_999_999 })}.${signature}`,
    'no signature': `${head}.${body}.`,
    'half a signature': `${head}.${body}.${signature.slice(0, 100)}`,
    'changed signature': `${head}.${body}.${signature.slice(0, -4)}AAAA`,
    'two parts': `${head}.${body}`,
    'five parts': `${head}.${body}.${signature}.x.y`,
    'only dots': '..',
    'access token cut': accessToken.slice(0, -1),
    'access token longer': `${accessToken}A`,
    'access token in other case': accessToken.toUpperCase(),
    'user id': li,
    nothing: '.',
  })
}

/** With a Host header that `fetch` would not send. */
async function rawRequest(origin: string, host: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    request(`${origin}${path}`, { headers: { host } }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      response.on('end', () => resolve(text))
    })
      .on('error', reject)
      .end()
  })
}
