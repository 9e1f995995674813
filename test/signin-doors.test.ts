/** The doors of signing in: which one a browser is shown, what WeCom is asked for, and what happens when time passes. */
import assert from 'node:assert/strict'
import { getConnection, listSignIns, updateConnection } from '@muster/contracts'
import { startEmulator } from '@muster/emulator'
import { test } from 'node:test'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import { createClient } from './client.ts'
import { eventually } from './eventually.ts'
import { BOOTSTRAP_TOKEN, movableClock, serveHere, settingsFor, temporaryFolder } from './server.ts'
import { openBrowser } from './sign-in-browser.ts'
import { addPerson, connect, open, pageOf, redemptions, startSignInStack, userOf } from './sign-in-stack.ts'

onEitherDatabase(({ testWithUrl, dialect }) => {
  testWithUrl('each browser is shown the door that fits it', async (url) => {
    await using stack = await startSignInStack(url)
    addPerson(stack, 'LiSi', '李四')

    const inside = open(stack, { agent: 'wecom' })
    const oauth = await inside.start()
    assert.equal(oauth.answer, undefined, 'inside the client there is no page')
    const asked = new URL(oauth.address)
    assert.deepEqual(
      [asked.pathname, asked.searchParams.get('scope'), asked.hash],
      ['/connect/oauth2/authorize', 'snsapi_base', '#wechat_redirect'],
    )
    assert.equal((await inside.follow(inside.scan(oauth.address, 'LiSi'))).address, '/account')

    const phone = open(stack, { agent: 'phone' })
    assert.equal(new URL(await phone.goToWecom()).pathname, '/wwlogin/sso/login')

    const wechat = open(stack, { agent: 'wechat' })
    const page = await wechat.start()
    const link = /value="([^"]*connect\/oauth2\/authorize[^"]*)"/.exec(page.answer!.text)![1]!.replaceAll('&amp;', '&')
    const carrier = open(stack, { agent: 'wecom' })
    const question = await carrier.follow(carrier.scan(link, 'LiSi'))
    assert.equal(question.address, '/signin/number', 'a copied link lets in nobody but the browser that shows it')

    const chooser = open(stack)
    await connect(stack, 'second')
    assert.doesNotMatch((await chooser.start()).answer!.text, /\/go\?/, 'with two connections there is a choice first')
    const second = await pageOf(chooser, 'second')
    assert.match(chooser.wecomLink(second), /connection=second$/)
    assert.equal((await pageOf(chooser, 'nobody')).answer!.status, 403)

    const { items } = await stack.ask(listSignIns, { query: { outcome: 'succeeded' } })
    assert.deepEqual(
      items.map(({ door }) => door),
      ['in-wecom'],
    )
  })

  testWithUrl('the button of a connection has its picture, which is nothing but a picture', async (url) => {
    await using stack = await startSignInStack(url)
    await connect(stack, 'second')
    const png = Buffer.from(PIXEL, 'base64')
    const icon = `data:image/png;base64,${PIXEL}`
    const put = (body: unknown) =>
      stack.send('/api/v1/connections/second', {
        method: 'PATCH',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      })

    const stored = await stack.ask(updateConnection, { params: { id: 'second' }, body: { icon } })
    assert.equal(stored.icon, icon)
    const page = (await open(stack).start()).answer!
    const [, href] = /<img src="(\/signin\/icons\/[^"]+)"/.exec(page.text)!
    assert.match(page.headers.get('content-security-policy')!, /img-src 'self'/)

    // oxlint-disable-next-line no-restricted-globals -- the client of the tests reads texts only
    const response = await fetch(`${stack.server.origin}${href}`)
    assert.deepEqual(Buffer.from(await response.arrayBuffer()), png)
    const header = (name: string) => response.headers.get(name)
    assert.equal(header('content-type'), 'image/png')
    assert.equal(header('x-content-type-options'), 'nosniff')
    assert.match(header('cache-control')!, /immutable/)
    assert.match(header('content-security-policy')!, /sandbox/)
    const stale = await stack.send(href!.replace(/v=.*/, 'v=0'))
    assert.doesNotMatch(stale.headers.get('cache-control')!, /immutable/)

    for (const refused of [
      'data:image/svg+xml;base64,PHN2Zy8+',
      'data:text/html;base64,PGI+',
      `data:image/jpeg;base64,${PIXEL}`,
      'data:image/png;base64,PHN2Zy8+',
      `data:image/png;base64,${Buffer.concat([png, Buffer.alloc(16 * 1024)]).toString('base64')}`,
      'https://cdn.example.com/icon.png',
      '',
    ]) {
      assert.equal((await put({ icon: refused })).status, 400, refused.slice(0, 40))
    }
    assert.equal((await put({ icon: null })).json['icon'], null)
    assert.equal((await stack.send(href!)).status, 404)
    assert.equal((await stack.send('/signin/icons/none')).status, 404)
    assert.doesNotMatch((await open(stack).start()).answer!.text, /<img/)
  })

  testWithUrl(
    'private fields come with consent, inside the client only, and without it people come in all the same',
    async (url) => {
      await using stack = await startSignInStack(url, {
        kind: 'self-built',
        connection: { signIn: { enabled: true, requestPrivateFields: true } },
      })
      const { control, corpId, app } = stack
      control.patchApp({
        corpId,
        agentId: app.agentId,
        patch: { grantedFields: ['mobile', 'email', 'gender', 'avatar', 'biz_mail'] },
      })
      control.addMember({
        corpId,
        member: { userid: 'LiSi', name: '李四', department: [1], mobile: '13900000001', email: 'lisi@people.example' },
      })
      control.patchMember({ corpId, userid: 'LiSi', patch: { status: 1 }, unchecked: true })
      const signIn = async (consent: 'all' | 'refuses' | string[]) => {
        const browser = open(stack, { agent: 'wecom' })
        const { address } = await browser.start()
        assert.equal(new URL(address).searchParams.get('scope'), 'snsapi_privateinfo')
        const { redirectUrl } = control.completeLogin({ url: address, who: { userid: 'LiSi' }, consent })
        const { pathname, search } = new URL(redirectUrl)
        return browser.follow(pathname + search)
      }

      assert.equal((await signIn([])).address, '/account')
      assert.equal((await userOf(stack, 'LiSi')).phone, null)
      assert.equal((await signIn('all')).address, '/account')
      const user = await userOf(stack, 'LiSi')
      assert.deepEqual([user.phone, user.email], ['+8613900000001', 'lisi@people.example'])
      assert.equal((await signIn('refuses')).answer!.status, 403)
      const [last] = (await stack.ask(listSignIns, { query: {} })).items
      assert.equal(last!.reason, 'declined')
    },
  )

  testWithUrl('a code that somebody else has used starts over once, and a dead token is renewed', async (url) => {
    await using stack = await startSignInStack(url)
    addPerson(stack, 'LiSi', '李四')
    const browser = open(stack)
    const first = await browser.goToWecom()
    const state = new URL(first).searchParams.get('state')

    const again = await browser.follow(`/auth/wecom/hq/callback?code=used-up&state=${state}`)
    assert.equal(again.answer, undefined)
    assert.notEqual(new URL(again.address).searchParams.get('state'), state)
    const twice = await browser.follow(
      `/auth/wecom/hq/callback?code=used-up&state=${new URL(again.address).searchParams.get('state')}`,
    )
    assert.equal(twice.answer!.status, 403)
    const [entry] = (await stack.ask(listSignIns, { query: {} })).items
    assert.deepEqual([entry!.reason, entry!.outcome], ['code-rejected', 'failed'])

    for (const as of [40014, 42001] as const) {
      stack.control.revokeTokens({ as })
      const other = open(stack)
      assert.equal((await other.signIn('LiSi')).address, '/account')
    }
  })

  testWithUrl('after ten minutes an attempt is worth nothing', async (url) => {
    const folder = temporaryFolder()
    const clock = movableClock(folder.path)
    try {
      await using stack = await startSignInStack(url, { settings: clock.settings })
      addPerson(stack, 'LiSi', '李四')
      const browser = open(stack)
      const page = await browser.start()
      const callback = browser.scan(await browser.goToWecom(page), 'LiSi')
      stack.control.clearCalls()

      clock.moveTo(clock.now() + 11 * 60_000)
      await eventually('the server sees that time has passed', async () => {
        await open(stack).send('/auth/wecom/hq/callback')
        const [entry] = (await stack.ask(listSignIns, { query: { limit: 1 } })).items
        return Date.parse(entry!.at) >= clock.now() - 60_000
      })

      assert.equal((await browser.follow(callback)).answer!.status, 403)
      assert.equal(redemptions(stack), 0)
      assert.equal(browser.session(), undefined)
      assert.equal((await browser.follow(page.address)).answer!.status, 200, 'and may be begun again')
    } finally {
      folder.remove()
    }
  })

  if (dialect === 'sqlite') {
    test('the variables of the environment alone are enough to sign in', async () => {
      const folder = temporaryFolder()
      const emulator = await startEmulator({ companies: [{ people: 12, seed: 'environment' }] })
      const [company] = emulator.control.companies()
      const app = company!.apps.find(({ kind }) => kind === 'self-built-before-2022')!
      const server = await serveHere({
        ...settingsFor({
          databaseUrl: `sqlite:${folder.path}/muster.db`,
          dataDir: folder.path,
          wecomUrl: emulator.apiUrl,
        }),
        MUSTER_WECOM_LOGIN_URL: emulator.loginUrl,
        MUSTER_WECOM_OAUTH_URL: emulator.oauthUrl,
        WECOM_CORP_ID: company!.corpId,
        WECOM_CORP_SECRET: app.secret,
        WECOM_AGENT_ID: String(app.agentId),
        WECOM_REDIRECT_URL: 'http://localhost:8080/auth/wecom/callback',
        ALLOWED_DOMAINS: 'corp.example',
      })
      try {
        const api = createClient(server.origin, BOOTSTRAP_TOKEN)
        const person = {
          userid: 'LiSi',
          name: '李四',
          department: [1],
          mobile: '13900000001',
          email: 'lisi@corp.example',
        }
        emulator.control.addMember({ corpId: company!.corpId, member: person })
        emulator.control.patchMember({ corpId: company!.corpId, userid: 'LiSi', patch: { status: 1 }, unchecked: true })
        const browser = openBrowser({ origin: server.origin, emulator })

        const address = await browser.goToWecom()
        assert.equal(new URL(address).searchParams.get('redirect_uri'), 'http://localhost:8080/auth/wecom/callback')
        assert.equal((await browser.follow(browser.scan(address, 'LiSi'))).address, '/account')

        assert.equal((await api.ask(getConnection, { params: { id: 'wecom' } })).signIn.enabled, true)
        await api.ask(updateConnection, { params: { id: 'wecom' }, body: { signIn: { enabled: false } } })
        const refused = await browser.start()
        assert.equal(refused.answer!.status, 200)
        assert.doesNotMatch(refused.answer!.text, /\/go\?/)
      } finally {
        await server.stop()
        await emulator.close()
        folder.remove()
      }
    })
  }
})

/** A PNG of one pixel. */
const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=='
