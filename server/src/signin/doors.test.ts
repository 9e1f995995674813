import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ConnectionForSignIn } from '../connections/connections.ts'
import { clientOf, doorAppOf, redirectUrlOf, wayFor, wecomAddress, type DoorConnection } from './doors.ts'

const AGENTS = {
  computer:
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
  wecomDesktop:
    'Mozilla/5.0 (Windows NT 10.0; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/108.0.5359.95 Safari/537.36 wxwork/4.1.22 (MicroMessenger/6.2) WindowsWechat MailPlugin_Electron WeMail embeddisk wwmver/3.26.22.624',
  wecomPhone:
    'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 wxwork/4.1.22 MicroMessenger/7.0.1 Language/zh ColorScheme/Light',
  wechat:
    'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 MicroMessenger/8.0.49 NetType/WIFI Language/zh_CN',
  wechatDesktop:
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/107.0.0.0 Safari/537.36 NetType/WIFI MicroMessenger/7.0.20.1781(0x6700143B) WindowsWechat',
  android:
    'Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36',
  harmony:
    'Mozilla/5.0 (Phone; OpenHarmony 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/114.0.0.0 Safari/537.36 ArkWeb/4.1',
  iPad: 'Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1',
}

test('a browser is what it says it is', () => {
  const clients = Object.fromEntries(Object.entries(AGENTS).map(([name, agent]) => [name, clientOf(agent)]))

  assert.deepEqual(clients, {
    computer: 'computer',
    wecomDesktop: 'wecom',
    wecomPhone: 'wecom',
    wechat: 'wechat',
    wechatDesktop: 'wechat',
    android: 'phone',
    harmony: 'phone',
    iPad: 'computer',
  })
  assert.equal(clientOf(undefined), 'computer')
  assert.equal(clientOf(`${'x'.repeat(2_000)}wxwork`), 'computer', 'only the beginning is looked at')
})

test('inside the client there is no page, on a computer the panel, elsewhere a way into the client', () => {
  const kinds = (['wecom', 'computer', 'phone', 'wechat'] as const).map((client) =>
    [false, true].map((skipSignInPage) => wayFor(client, { skipSignInPage })),
  )

  assert.deepEqual(kinds, [
    [
      { kind: 'go', door: 'in-wecom' },
      { kind: 'go', door: 'in-wecom' },
    ],
    [{ kind: 'panel' }, { kind: 'go', door: 'qr' }],
    [{ kind: 'open-app' }, { kind: 'go', door: 'phone' }],
    [{ kind: 'open-in-wecom' }, { kind: 'open-in-wecom' }],
  ])
})

const HOSTS = { loginUrl: 'https://login.work.weixin.qq.com', oauthUrl: 'https://open.weixin.qq.com' }
const CONNECTION: DoorConnection = {
  app: { kind: 'app', corpId: 'ww0123456789abcdef', agentId: 1000002 },
  redirectUrl: 'https://muster.example.com/auth/wecom/hq/callback',
  requestPrivateFields: false,
}

test('the addresses of WeCom are as it documents them, letter by letter', () => {
  assert.equal(
    wecomAddress('in-wecom', 'wecom', CONNECTION, 'abc123', HOSTS, 'zh'),
    'https://open.weixin.qq.com/connect/oauth2/authorize?appid=ww0123456789abcdef' +
      '&redirect_uri=https%3A%2F%2Fmuster.example.com%2Fauth%2Fwecom%2Fhq%2Fcallback' +
      '&response_type=code&scope=snsapi_base&state=abc123&agentid=1000002#wechat_redirect',
  )
  assert.match(
    wecomAddress('in-wecom', 'wecom', { ...CONNECTION, requestPrivateFields: true }, 'abc123', HOSTS, 'zh'),
    /&scope=snsapi_privateinfo&state=abc123&agentid=1000002#wechat_redirect$/,
  )
  assert.equal(
    wecomAddress('qr', 'computer', { ...CONNECTION, requestPrivateFields: true }, 'abc123', HOSTS, 'en'),
    'https://login.work.weixin.qq.com/wwlogin/sso/login?login_type=CorpApp&appid=ww0123456789abcdef' +
      '&agentid=1000002&redirect_uri=https%3A%2F%2Fmuster.example.com%2Fauth%2Fwecom%2Fhq%2Fcallback' +
      '&state=abc123&lang=en',
  )
  assert.match(
    wecomAddress('phone', 'wechat', CONNECTION, 'abc123', HOSTS, 'en'),
    /^https:\/\/open\.weixin\.qq\.com\/connect\/oauth2\/authorize\?/,
    'what WeChat shows is copied into WeCom',
  )
})

test('a suite is named instead of a company, and its people choose their company themselves', () => {
  const suite: DoorConnection = { ...CONNECTION, app: { kind: 'suite', suiteId: 'ww0suite' } }

  assert.equal(
    wecomAddress('in-wecom', 'wecom', suite, 'abc123', HOSTS, 'zh'),
    'https://open.weixin.qq.com/connect/oauth2/authorize?appid=ww0suite' +
      '&redirect_uri=https%3A%2F%2Fmuster.example.com%2Fauth%2Fwecom%2Fhq%2Fcallback' +
      '&response_type=code&scope=snsapi_base&state=abc123#wechat_redirect',
  )
  assert.equal(
    wecomAddress('qr', 'computer', suite, 'abc123', HOSTS, 'en'),
    'https://login.work.weixin.qq.com/wwlogin/sso/login?login_type=ServiceApp&appid=ww0suite' +
      '&redirect_uri=https%3A%2F%2Fmuster.example.com%2Fauth%2Fwecom%2Fhq%2Fcallback&state=abc123&lang=en',
  )
})

test('who is asked for is the company of the door, or the suite of a provider; without either there is no door', () => {
  const appOf = (
    connection: { kind: 'self_built' | 'delegated' | 'service_provider'; suiteId: string | null },
    corp: { corpId: string; agentId: number | null; name: string } | null,
  ) => doorAppOf({ connection: connection as ConnectionForSignIn['connection'], corp })
  const company = { corpId: 'wpk0company', agentId: 1000021, name: '示例' }

  assert.deepEqual(appOf({ kind: 'delegated', suiteId: 'dk0' }, company), {
    kind: 'app',
    corpId: 'wpk0company',
    agentId: 1000021,
  })
  assert.deepEqual(appOf({ kind: 'service_provider', suiteId: 'ww0' }, null), { kind: 'suite', suiteId: 'ww0' })
  assert.deepEqual(appOf({ kind: 'service_provider', suiteId: 'ww0' }, company), { kind: 'suite', suiteId: 'ww0' })
  assert.equal(appOf({ kind: 'service_provider', suiteId: null }, null), undefined)
  assert.equal(appOf({ kind: 'delegated', suiteId: 'dk0' }, null), undefined, 'no company')
  assert.equal(appOf({ kind: 'delegated', suiteId: 'dk0' }, { ...company, agentId: null }), undefined, 'no app in it')
  assert.equal(appOf({ kind: 'self_built', suiteId: null }, { ...company, agentId: null }), undefined)
})

test('WeCom sends people back to one address per connection, and for the environment exactly to the one it names', () => {
  const publicUrl = 'https://muster.example.com'
  const at = (identifier: string, managedByEnvironment: boolean, environmentRedirectUrl?: string) =>
    redirectUrlOf({ identifier, managedByEnvironment }, { publicUrl, environmentRedirectUrl })

  assert.equal(at('hq', false), 'https://muster.example.com/auth/wecom/hq/callback')
  assert.equal(at('wecom', true), 'https://muster.example.com/auth/wecom/callback')
  assert.equal(at('wecom', true, 'https://other.example/back'), 'https://other.example/back')
  assert.equal(at('hq', false, 'https://other.example/back'), 'https://muster.example.com/auth/wecom/hq/callback')
})
