/** Applications, the real server and WeCom's pages: from the application's button to the claims, and what ends it. */
import assert from 'node:assert/strict'
import { createApplication, listAudit, listUsers, rotateSigningKeys, updateUser } from '@muster/contracts'
import * as client from 'openid-client'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import { runCommand, settingsFor, temporaryFolder } from './server.ts'
import { PUBLIC_URL } from './sign-in-browser.ts'
import { addPerson, open, startSignInStack } from './sign-in-stack.ts'

const CALLBACK = 'https://app.corp.example/callback'
const MOBILE = 'urn:muster:params:oauth:grant-type:wecom-code'

onEitherDatabase(({ dialect, testWithUrl }) => {
  testWithUrl('somebody scans at an application’s request, and the application learns who it is', async (url) => {
    await using stack = await startSignInStack(url)
    addPerson(stack, 'LiSi', '李四')
    const { clientId, clientSecret } = await stack.ask(createApplication, {
      body: { name: 'GitLab', redirectUris: [CALLBACK], connections: ['hq'], mobile: true },
    })
    const config = await client.discovery(new URL(`${PUBLIC_URL}/oidc`), clientId, clientSecret!, undefined, {
      execute: [client.allowInsecureRequests],
      [client.customFetch]: (address, options) =>
        // oxlint-disable-next-line no-restricted-globals -- the rule is the product's; a test needs no pool of connections
        fetch(address.replace(PUBLIC_URL, stack.server.origin), options),
    })
    client.enableNonRepudiationChecks(config)
    const verifier = client.randomPKCECodeVerifier()
    const ask = async (browser: ReturnType<typeof open>, more: Record<string, string> = {}) => {
      const address = client.buildAuthorizationUrl(config, {
        redirect_uri: CALLBACK,
        scope: 'openid profile email offline_access',
        state: 'state',
        code_challenge: await client.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        ...more,
      })
      return browser.follow(address.pathname + address.search)
    }
    const redeem = (address: string) =>
      client.authorizationCodeGrant(config, new URL(address), { pkceCodeVerifier: verifier, expectedState: 'state' })

    const browser = open(stack)
    const page = await ask(browser)
    assert.equal(page.answer?.status, 200)
    const arrived = await browser.follow(browser.scan(await browser.goToWecom(page), 'LiSi'))
    assert.ok(arrived.address.startsWith(`${CALLBACK}?`), arrived.address)
    const tokens = await redeem(arrived.address)
    const { sub } = tokens.claims()!
    const person = await client.fetchUserInfo(config, tokens.access_token, sub)

    const [user] = (await stack.ask(listUsers, { query: { q: 'LiSi' } })).items
    assert.deepEqual([person.sub, person.name, person.preferred_username], [user!.id, '李四', 'LiSi'])
    assert.deepEqual([person['wecom_userid'], person['wecom_corp_id']], ['LiSi', stack.corpId])

    // Back in the same browser nobody is asked again, and refreshing goes on.
    assert.ok((await ask(browser, { prompt: 'none' })).address.includes('code='))
    const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token!)
    assert.equal((await client.fetchUserInfo(config, refreshed.access_token, sub)).sub, sub)

    // Inside WeCom there is no page at all.
    const inWecom = open(stack, { agent: 'wecom' })
    const authorize = await ask(inWecom)
    assert.equal(authorize.answer, undefined)
    const silent = await inWecom.follow(inWecom.scan(authorize.address, 'LiSi'))
    assert.ok(silent.address.startsWith(`${CALLBACK}?`), silent.address)
    assert.equal((await redeem(silent.address)).claims()!.sub, sub)

    // A code that the SDK did not get is an ordinary OAuth error.
    await assert.rejects(client.genericGrantRequest(config, MOBILE, { connection: 'hq', code: 'wrong' }), {
      error: 'invalid_grant',
      status: 400,
    })

    // Another key signs; what the old one signed is still valid where somebody signs out with it.
    await assert.rejects(stack.ask(rotateSigningKeys, { body: {} }), { code: 'oidc/rotation-too-soon' })
    const { keys } = await stack.ask(rotateSigningKeys, { body: { urgent: true } })
    assert.deepEqual(
      keys.map(({ state }) => state),
      ['current', 'next', 'retired'],
    )
    const end = client.buildEndSessionUrl(config, { id_token_hint: tokens.id_token! })
    assert.equal((await browser.follow(end.pathname + end.search)).answer?.status, 200)

    // Whoever is disabled is out at once, and gets no further.
    await stack.ask(updateUser, { params: { id: sub }, body: { status: 'disabled' } })
    await assert.rejects(client.fetchUserInfo(config, refreshed.access_token, sub), { status: 401 })
    await assert.rejects(client.refreshTokenGrant(config, refreshed.refresh_token!), { error: 'invalid_grant' })
    assert.match((await ask(browser, { prompt: 'none' })).address, /error=login_required/)
    const again = open(stack)
    const refused = await again.follow(again.scan(await again.goToWecom(await ask(again)), 'LiSi'))
    assert.equal(refused.answer?.status, 403)
    assert.ok(!stack.server.log().includes('"level":50'), 'something failed')
  })

  testWithUrl('behind a proxy that is trusted, whoever signs out is on record with their own address', async (url) => {
    await using stack = await startSignInStack(url, { settings: { MUSTER_TRUSTED_PROXIES: '127.0.0.1' } })
    addPerson(stack, 'LiSi', '李四')
    const browser = open(stack, { address: '203.0.113.9' })
    await browser.signIn('LiSi')

    const { answer } = await browser.follow('/oidc/session/end')
    const xsrf = /name="xsrf" value="([^"]+)"/.exec(answer?.text ?? '')?.[1]
    await browser.send('/oidc/session/end/confirm', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ xsrf: xsrf ?? '', logout: 'yes' }).toString(),
    })

    const { items } = await stack.ask(listAudit, { query: { action: 'session.end' } })
    assert.deepEqual(
      items.map(({ address }) => address),
      ['203.0.113.9'],
    )
  })

  if (dialect === 'sqlite') {
    testWithUrl('rotate-signing-keys lets applications see the next key first, unless told not to', async (url) => {
      const folder = temporaryFolder()
      const settings = settingsFor({ databaseUrl: url, dataDir: folder.path, wecomUrl: 'http://127.0.0.1:9' })

      const early = await runCommand(['rotate-signing-keys'], settings)
      const urgent = await runCommand(['rotate-signing-keys', '--now', '--json'], settings)
      folder.remove()

      assert.equal(early.code, 1)
      assert.match(early.stderr, /oidc\/rotation-too-soon/)
      assert.equal(urgent.code, 0, urgent.stderr)
      assert.equal((JSON.parse(urgent.stdout) as { keys: unknown[] }).keys.length, 3)
    })
  }
})
