/**
 * The panel's script in a page that is not there: `window` and `document` are stand-ins, the host answers as §3.1.2 says of
 * `@wecom/jssdk`, and the emulator is real. With the real SDK in a real browser it is tried by the product's browser tests.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { createContext, runInContext } from 'node:vm'

import { fetchRaw, stage, until } from '../test-client.ts'
import type { Json } from '../test-client.ts'

interface Sent {
  message: { type: string; args?: { type: string; name: string; payload: Json } }
  origin: string
}

/** The frame of a panel whose host page is `referrer`, opened at `path`, with what its script does recorded. */
async function openPanel(t: TestContext, given: Record<string, string>, referrer = 'https://app.example/') {
  const { emulator, control, corpId, agentId, as } = await stage(t)
  const parameters = new URLSearchParams({
    login_type: 'CorpApp',
    appid: corpId,
    agentid: String(agentId('self-built')),
    redirect_uri: 'https://app.example/callback',
    state: 'S1',
    version: '2.4.4',
    ...given,
  })
  const userid = control.truth({ corpId }).members[0]?.userid ?? ''
  const app = { corpId, agentId: agentId('self-built') }
  const address = `${emulator.loginUrl}/wwlogin/sso/login?${parameters.toString()}`
  const load = async () => {
    const response = await fetchRaw(address, { headers: referrer === '' ? {} : { referer: referrer } })
    return { ...runScript(await response.text(), address, referrer), status: response.status }
  }
  return { control, userid, app, load, as }
}

function runScript(page: string, address: string, referrer: string) {
  const [, json, script] = /id="panel">([^]*?)<\/script>\s*<script>([^]*?)<\/script>/.exec(page) ?? []
  assert.ok(json !== undefined && script !== undefined, 'a panel has its script')
  const sent: Sent[] = []
  const listeners: Record<string, (event: unknown) => void> = {}
  const top = { location: { href: 'https://app.example/login' } }
  const main = { textContent: '', dataset: { done: 'done', refused: 'refused' } }
  const parent = {
    postMessage: (text: string, origin: string) => sent.push({ message: JSON.parse(text) as Sent['message'], origin }),
  }
  const location = { href: address }
  const window = {
    parent,
    top,
    location,
    addEventListener: (type: string, f: (event: unknown) => void) => (listeners[type] = f),
  }
  const document = {
    referrer,
    querySelector: () => main,
    getElementById: (id: string) => (id === 'panel' ? { textContent: json } : null),
    addEventListener: window.addEventListener,
  }
  runInContext(script, createContext({ window, document, location, URL, fetch: fetchRaw }))
  return {
    sent,
    top,
    main,
    location,
    calls: () => sent.flatMap(({ message }) => (message.args ? [[message.args.name, message.args.payload]] : [])),
    receive: (data: unknown, source: unknown = parent, origin = 'https://app.example') =>
      listeners['message']?.({ data, source, origin }),
    choose: (scanAs: string) => {
      const link = { href: `${address}&scan_as=${encodeURIComponent(scanAs)}` }
      listeners['click']?.({ target: { closest: () => link }, preventDefault: () => undefined })
    },
  }
}

test('the frame says that it is ready, to its host only, and hands over the code', async (t) => {
  const { load, userid, as } = await openPanel(t, { redirect_type: 'callback' })
  const frame = await load()
  frame.receive('{"type":"ww-iframe-handle:init"}')
  frame.choose(userid)
  await until(() => frame.calls().length === 2)

  const [, [name, payload] = []] = frame.calls()

  assert.deepEqual(new Set(frame.sent.map(({ origin }) => origin)), new Set(['https://app.example']))
  assert.equal(frame.sent.filter(({ message }) => message.type === 'ww-iframe-handle:ready').length, 2)
  assert.deepEqual(frame.calls()[0], ['onCheckWeComLogin', { isWeComLogin: false }])
  assert.equal(name, 'onLoginSuccess')
  assert.equal(frame.top.location.href, 'https://app.example/login')
  assert.equal(frame.main.textContent, 'done')
  const { code } = payload as { code: string }
  assert.equal((await as('self-built').get('auth/getuserinfo', { code }))['userid'], userid)
})

test('without a referrer the first greeting of its host tells the frame where to send', async (t) => {
  const { load } = await openPanel(t, { redirect_type: 'callback' }, '')
  const frame = await load()
  const before = frame.sent.length
  frame.receive('{"type":"ww-iframe-handle:init"}', {}, 'https://evil.example')
  frame.receive('no JSON')
  frame.receive({ type: 'ww-iframe-handle:init' })
  const unmoved = frame.sent.length
  frame.receive('{"type":"ww-iframe-handle:init"}')
  frame.receive('{"type":"ww-iframe-handle:init"}', undefined, 'https://late.example')

  assert.deepEqual([before, unmoved], [0, 0])
  assert.deepEqual(new Set(frame.sent.map(({ origin }) => origin)), new Set(['https://app.example']))
})

test('top moves the top window, self the frame, and a refusal goes back without a code', async (t) => {
  const moved = /^https:\/\/app\.example\/callback\?code=[0-9a-f]{43}&state=S1$/
  const top = await openPanel(t, { redirect_type: 'top' })
  const self = await openPanel(t, { redirect_type: 'self' })
  const [onTop, inFrame, refused] = [await top.load(), await self.load(), await top.load()]
  onTop.choose(top.userid)
  inFrame.choose(self.userid)
  refused.choose(':refuses')
  await until(() => onTop.top.location.href !== 'https://app.example/login')
  await until(() => inFrame.location.href.startsWith('https://'))
  await until(() => refused.top.location.href !== 'https://app.example/login')

  assert.match(onTop.top.location.href, moved)
  assert.match(inFrame.location.href, moved)
  assert.equal(inFrame.top.location.href, 'https://app.example/login')
  assert.equal(refused.top.location.href, 'https://app.example/callback?state=S1')
})

test('whoever was to scan next is signed in as the panel opens', async (t) => {
  const { load, control, userid } = await openPanel(t, { redirect_type: 'callback' })
  control.setScanner({ who: { userid }, once: true })
  const frame = await load()

  assert.deepEqual(
    frame.calls().map(([name]) => name),
    ['onCheckWeComLogin', 'onLoginSuccess'],
  )
})

test('the host is told by number what is wrong, its own origin included', async (t) => {
  const { load, control, app, userid } = await openPanel(t, { redirect_type: 'callback' }, 'https://evil.example/')
  const outOfRange = await load()
  control.patchApp({ ...app, patch: { range: { departments: [], members: [], tags: [] } } })
  outOfRange.choose(userid)
  await until(() => outOfRange.main.textContent !== '')
  control.patchApp({ ...app, patch: { trustedDomains: ['app.example'] } })
  const wrongOrigin = await load()
  control.patchApp({ ...app, patch: { trustedDomains: ['other.example'] } })
  const wrongDomain = await load()

  assert.deepEqual([outOfRange.status, wrongOrigin.status, wrongDomain.status], [200, 403, 400])
  assert.equal(outOfRange.calls().length, 1, 'only the phone tells')
  assert.deepEqual(wrongOrigin.calls()[1], [
    'onLoginFail',
    { errCode: -31033, errMsg: '请求来源校验失败：嵌入页面的域名不是应用的可信域名' },
  ])
  assert.equal(wrongDomain.calls()[1]?.[0], 'onLoginFail')
  assert.match(wrongDomain.main.textContent, /\(-31039\)$/)
})
