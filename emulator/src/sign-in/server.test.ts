import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'

import type { Control } from '../control/control.ts'
import { fetchRaw, stage } from '../test-client.ts'

const insideClient = { 'user-agent': 'Mozilla/5.0 (iPhone) wxwork/4.1.30 MicroMessenger/7.0.1' }
const redirectUri = 'https://sso.example:8443/auth/wecom/callback?door=1'

async function visiting(t: TestContext, people = 12) {
  const staged = await stage(t, { people })
  const { emulator, control, corpId, agentId } = staged
  const [first, second] = control.truth({ corpId }).members
  const agentid = String(agentId('self-built'))
  const app = { corpId, agentId: agentId('self-built') }
  const url = (path: string, parameters: Record<string, string>) =>
    `${emulator.loginUrl}${path}?${new URLSearchParams(parameters).toString()}`
  const common = { appid: corpId, redirect_uri: redirectUri, state: 'S1' }
  return {
    ...staged,
    app,
    userid: first?.userid ?? '',
    otherUserid: second?.userid ?? '',
    /** The addresses of the three doors, with what differs from the usual. */
    login: (given: Record<string, string> = {}) =>
      url('/wwlogin/sso/login', { login_type: 'CorpApp', ...common, agentid, ...given }),
    older: (given: Record<string, string> = {}) => url('/wwopen/sso/qrConnect', { ...common, agentid, ...given }),
    authorize: (given: Record<string, string> = {}) =>
      url('/connect/oauth2/authorize', { ...common, response_type: 'code', scope: 'snsapi_base', ...given }),
    privateInfo: { scope: 'snsapi_privateinfo', agentid },
  }
}

async function open(url: string, headers: Record<string, string> = {}) {
  const response = await fetchRaw(url, { headers })
  const location = response.headers.get('location')
  return {
    status: response.status,
    headers: response.headers,
    body: await response.text(),
    location,
    code: location === null ? null : new URL(location, url).searchParams.get('code'),
    cookie: response.headers.get('set-cookie')?.split(';')[0] ?? '',
  }
}

/** The number that the page shows, and the status under which it does. */
async function refusal(url: string, headers?: Record<string, string>) {
  const { status, body, location } = await open(url, headers)
  assert.equal(location, null)
  return [status, Number(/<p>(-\d+)<\/p>/.exec(body)?.[1] ?? 0)]
}

test('whoever is to scan next is redirected with code and state, and the code names them', async (t) => {
  const { control, login, userid, otherUserid, as } = await visiting(t)

  control.setScanner({ who: { userid } })
  control.setScanner({ who: { userid: otherUserid }, once: true })
  const [next, later] = [await open(login()), await open(login())]
  control.setScanner({})
  const asked = await open(login())

  assert.equal(next.status, 302)
  assert.match(
    next.location ?? '',
    /^https:\/\/sso\.example:8443\/auth\/wecom\/callback\?door=1&code=[0-9a-f]{43}&state=S1$/,
  )
  const exchange = (code: string | null) => as('self-built').get('auth/getuserinfo', { code: code ?? '' })
  assert.deepEqual(await exchange(next.code), { errcode: 0, errmsg: 'ok', userid: otherUserid })
  assert.deepEqual(await exchange(later.code), { errcode: 0, errmsg: 'ok', userid })
  assert.equal((await exchange(next.code))['errcode'], 40029)
  assert.equal(asked.status, 200)
})

test('completeLogin gives what the browser would be sent to, or says why it would not', async (t) => {
  const { control, app, login, older, authorize, userid } = await visiting(t)
  const complete = (url: string, who: Parameters<Control['completeLogin']>[0]['who'] = { userid }) =>
    control.completeLogin({ url, who })

  for (const url of [login(), older(), `${authorize()}#wechat_redirect`]) {
    const { redirectUrl, code, state } = complete(url)
    assert.deepEqual([state, redirectUrl], ['S1', `${redirectUri}&code=${code}&state=S1`])
  }
  assert.deepEqual(complete(older(), 'refuses'), { redirectUrl: `${redirectUri}&state=S1`, state: 'S1' })
  assert.throws(() => complete(authorize()), /must end in #wechat_redirect/)
  assert.throws(() => complete(login({ appid: 'wwnope' })), /the page would say: -31027 bad appid/)
  assert.throws(() => complete(login(), { userid: 'nobody' }), /there is no member nobody/)
  assert.throws(() => complete('https://login.work.weixin.qq.com/elsewhere'), /no sign-in page at \/elsewhere/)
  control.patchApp({ ...app, patch: { trustedDomains: ['sso.example'] } })
  assert.throws(() => complete(login()), /-31039 bad redirect_uri/)
})

test('a person can search, choose anybody, and refuse, in two languages and without a script', async (t) => {
  const { control, corpId, login, older, as } = await visiting(t, 60)
  const member = control.truth({ corpId }).members[41]
  const exchange = (code: string | null) => as('self-built').get('auth/getuserinfo', { code: code ?? '' })
  const linkOf = (body: string, scanAs: string) => {
    const href = new RegExp(`data-scan="${scanAs}" href="([^"]*)"`).exec(body)?.[1]?.replaceAll('&#38;', '&')
    return new URL(href ?? 'missing', login()).href
  }

  const chinese = await open(login({ lang: 'zh' }))
  const english = await open(login(), { 'accept-language': 'en-US,en;q=0.9' })
  const found = await open(login({ q: (member?.userid ?? '').toUpperCase() }))
  const chosen = await open(linkOf(found.body, member?.userid ?? ''))
  const stranger = await open(linkOf(found.body, ':stranger'))
  const customer = await open(linkOf(found.body, ':customer'))
  const refused = await open(linkOf(found.body, ':refuses'))
  const refusedOlder = await open(older({ scan_as: ':refuses' }))
  control.changeSettings({ readings: { refusalOnLogin: 'stays' } })

  assert.match(chinese.body, /<html lang="zh-CN">[^]*谁来扫码？/)
  assert.match(english.body, /<html lang="en">[^]*Who scans\?/)
  assert.equal(chinese.body.match(/data-scan="[^:]/g)?.length, 20)
  assert.equal(found.body.match(/data-scan="[^:]/g)?.length, 1)
  assert.doesNotMatch(found.body, /<script/)
  assert.equal((await exchange(chosen.code))['userid'], member?.userid)
  const [outsider, contact] = [await exchange(stranger.code), await exchange(customer.code)]
  assert.deepEqual(Object.keys(outsider), ['errcode', 'errmsg', 'openid'])
  assert.deepEqual(Object.keys(contact), ['errcode', 'errmsg', 'openid', 'external_userid'])
  assert.notEqual(outsider['openid'], contact['openid'])
  for (const { location } of [refused, refusedOlder]) assert.equal(location, `${redirectUri}&state=S1`)
  assert.deepEqual(await refusal(login({ scan_as: ':refuses' })), [403, 0])
})

test('an address that WeCom would not serve gets its number, and no redirect', async (t) => {
  const { control, app, login, older, authorize, privateInfo, agentId } = await visiting(t)
  const scans = { scan_as: ':stranger' }

  assert.deepEqual(await refusal(login({ ...scans, login_type: 'Corp' })), [400, -31040])
  assert.deepEqual(await refusal(login({ ...scans, login_type: 'ServiceApp' })), [400, -31027])
  assert.deepEqual(await refusal(login({ ...scans, appid: 'wwnope' })), [400, -31027])
  for (const agentid of ['', '1', '0', `0${app.agentId}`, String(agentId('system')), String(agentId('third-party'))]) {
    assert.deepEqual(await refusal(login({ ...scans, agentid })), [400, -31028], agentid)
    assert.deepEqual(await refusal(older({ ...scans, agentid })), [400, -31028], agentid)
  }
  for (const uri of [
    '',
    'sso.example/x',
    '//sso.example/x',
    'javascript:alert(1)',
    'data:text/html,x',
    'ftp://sso.example/',
  ]) {
    assert.deepEqual(await refusal(login({ ...scans, redirect_uri: uri })), [400, 0], uri)
  }
  for (const [name, value] of [
    ['response_type', 'token'],
    ['scope', 'all'],
    ['state', 'a-b'],
    ['state', 'a'.repeat(129)],
  ] as const) {
    assert.deepEqual(await refusal(authorize({ ...scans, [name]: value }), insideClient), [400, 0], `${name} ${value}`)
  }
  assert.deepEqual(await refusal(authorize(scans)), [403, 0], 'outside the client')
  assert.equal((await open(login({ ...scans, state: 'a-b/é&c' }))).location?.endsWith('&state=a-b%2F%C3%A9%26c'), true)
  control.patchApp({ ...app, patch: { isEnabled: false } })
  assert.deepEqual(await refusal(login(scans)), [403, -31028])
  assert.deepEqual(await refusal(authorize({ ...scans, ...privateInfo }), insideClient), [403, -31028])
  assert.equal((await fetchRaw(login(scans), { method: 'POST' })).status, 405)
})

test('only a trusted domain gets a code: the host and port, exactly', async (t) => {
  const { control, app, login, older, authorize } = await visiting(t)
  const at = async (url: (given: Record<string, string>) => string, redirect_uri: string) =>
    refusalOrNothing(
      await open(url({ redirect_uri, scan_as: ':stranger', agentid: String(app.agentId) }), insideClient),
    )
  control.patchApp({ ...app, patch: { trustedDomains: ['sso.example:8443', 'apps.example'] } })

  for (const uri of [
    redirectUri,
    'http://SSO.example:8443/other',
    'https://apps.example:443',
    'https://apps.example',
  ]) {
    assert.deepEqual(
      [await at(login, uri), await at(older, uri), await at(authorize, uri)],
      [undefined, undefined, undefined],
      uri,
    )
  }
  for (const uri of [
    'https://sso.example/',
    'https://sso.example:443/',
    'https://evil.sso.example:8443/',
    'https://example:8443/',
    'https://sso.example:8443@evil.example/',
    'https://sso.example:8443.evil.example/',
    'https://evil.example/#https://sso.example:8443/',
    'https://evil.example\\@sso.example:8443/',
    'https://apps.example./',
    'https://apps.example:8443/',
  ]) {
    const numbers = [await at(login, uri), await at(older, uri), await at(authorize, uri)]
    for (const number of numbers) assert.ok(number === -31039 || number === 0, `${uri}: ${numbers.join()}`)
  }
  control.patchApp({ ...app, patch: { callbackDomains: ['login.example'] } })
  assert.equal(await at(login, 'https://login.example/'), undefined)
  assert.equal(await at(authorize, 'https://login.example/'), -31020, 'for login pages only')
})

function refusalOrNothing({ status, body }: { status: number; body: string }): number | undefined {
  return status === 302 ? undefined : Number(/<p>(-\d+)<\/p>/.exec(body)?.[1] ?? 0)
}

test('code and state go behind a query as it is, and before a fragment', async (t) => {
  const { login } = await visiting(t)
  const at = async (redirect_uri: string) => (await open(login({ redirect_uri, scan_as: ':refuses' }))).location

  assert.equal(await at('https://sso.example'), 'https://sso.example/?state=S1')
  assert.equal(await at('https://sso.example/a?'), 'https://sso.example/a?state=S1')
  assert.equal(await at('https://sso.example/a?b=%2f+c&d'), 'https://sso.example/a?b=%2f+c&d&state=S1')
  assert.equal(await at('https://sso.example/a#/b?c'), 'https://sso.example/a?state=S1#/b?c')
  assert.equal(await at('https://sso.example/\r\nset-cookie: a=b'), 'https://sso.example/set-cookie:%20a=b?state=S1')
})

test('a member out of range is turned away where a phone would, and silently let through inside the client', async (t) => {
  const { control, app, login, older, authorize, privateInfo, userid, as } = await visiting(t)
  control.patchApp({ ...app, patch: { range: { departments: [], members: ['somebody.else'], tags: [] } } })
  const scans = { scan_as: userid }

  for (const url of [login(scans), older(scans), authorize({ ...scans, ...privateInfo })]) {
    assert.deepEqual(await refusal(url, insideClient), [403, 0])
  }
  const { code } = await open(authorize(scans), insideClient)
  assert.equal((await as('self-built').get('auth/getuserinfo', { code: code ?? '' }))['userid'], userid)
  assert.equal((await as('self-built').get('user/get', { userid }))['errcode'], 60011)
})

test('inside the client a person chooses once who they are, then no page is shown', async (t) => {
  const { emulator, control, authorize, userid, corpId, as } = await visiting(t)
  const exchange = async (code: string | null) =>
    (await as('self-built').get('auth/getuserinfo', { code: code ?? '' }))['userid']

  const asked = await open(authorize(), insideClient)
  const chosen = await open(authorize({ scan_as: userid }), insideClient)
  const silent = await open(authorize(), { ...insideClient, cookie: `a=b; ${chosen.cookie}` })
  const front = await open(`${emulator.oauthUrl}/`, { cookie: chosen.cookie })
  const forgotten = await open(`${emulator.oauthUrl}/?forget=1`, { cookie: chosen.cookie })
  const forged = await open(authorize(), { ...insideClient, cookie: 'emulated_client=%%%' })

  assert.equal(asked.status, 200)
  assert.equal(asked.body.includes('谁在企业微信客户端中？'), true)
  assert.deepEqual([await exchange(chosen.code), await exchange(silent.code)], [userid, userid])
  assert.equal(front.body.includes(`${corpId}/${userid}`), true)
  assert.equal(forgotten.cookie, 'emulated_client=')
  assert.equal(forged.status, 200)
  control.removeMembers({ corpId, userids: [userid] })
  assert.equal(
    (await open(authorize(), { ...insideClient, cookie: chosen.cookie })).status,
    200,
    'gone, so it asks again',
  )
})

test('private fields: ticked, agreed to, fetched with a ticket, remembered for 30 days', async (t) => {
  const { control, corpId, app, authorize, privateInfo, as } = await visiting(t)
  const userid = 'LiSi'
  control.addMember({ corpId, member: { userid, name: '李四', department: [1], mobile: '13800000042', gender: '2' } })
  control.patchApp({ ...app, patch: { grantedFields: ['mobile', 'gender', 'email'] } })
  const url = authorize({ ...privateInfo, scan_as: userid })
  const client = as('self-built')
  const detail = async (code: string | null) => {
    const { user_ticket, userid: named, expires_in } = await client.get('auth/getuserinfo', { code: code ?? '' })
    assert.deepEqual([named, expires_in], [userid, undefined])
    return client.post('auth/getuserdetail', { user_ticket })
  }

  const asked = await open(url, insideClient)
  const agreed = await open(`${url}&consent=agrees&field=mobile&field=address`, insideClient)
  const remembered = await open(url, insideClient)
  const declined = await open(`${url}&consent=refuses`, insideClient)

  assert.equal(asked.status, 200)
  assert.deepEqual(
    [...asked.body.matchAll(/name="field" value="(\w+)"/g)].map(([, field]) => field),
    ['gender', 'mobile', 'email'],
  )
  const shown = {
    errcode: 0,
    errmsg: 'ok',
    userid,
    gender: '0',
    avatar: 'https://wework.qpic.example/default/0',
    mobile: '13800000042',
  }
  assert.deepEqual(await detail(agreed.code), shown)
  assert.deepEqual(await detail(remembered.code), shown)
  assert.equal(declined.location, `${redirectUri}&state=S1`)
  control.advanceClock({ ms: 30 * 86_400_000 })
  assert.equal((await open(url, insideClient)).status, 200, 'asks again')
  const { code = '' } = control.completeLogin({ url: `${url}#wechat_redirect`, who: { userid }, consent: 'all' })
  const older = await client.get('user/getuserinfo', { code })
  assert.deepEqual([older['UserId'], older['expires_in']], [userid, 1800])
})

test('tickets end, belong to their app, and need a ticked field and a visible member', async (t) => {
  const { control, app, corpId, userid, as, authorize, privateInfo, agentId } = await visiting(t)
  const ticket = async () => {
    const { code } = control.mintCode({ ...app, identity: { userid }, source: 'client', privateFields: ['mobile'] })
    return String((await as('self-built').get('auth/getuserinfo', { code }))['user_ticket'])
  }
  const errcode = async (user_ticket: unknown, kind: 'self-built' | 'self-built-before-2022' = 'self-built') =>
    (await as(kind).post('auth/getuserdetail', { user_ticket }))['errcode']
  const first = await ticket()

  assert.deepEqual([await errcode(undefined), await errcode('invented'), await errcode(first)], [84090, 84015, 0])
  assert.equal(await errcode(first, 'self-built-before-2022'), 92003)
  control.patchApp({ ...app, patch: { grantedFields: [] } })
  assert.equal(await errcode(first), 92001)
  control.patchApp({ ...app, patch: { grantedFields: ['mobile'], range: { departments: [], members: [], tags: [] } } })
  assert.equal(await errcode(first), 92000)
  control.advanceClock({ ms: 1_800_000 })
  assert.equal(await errcode(first), 84014)

  const scans = { scan_as: userid, scope: 'snsapi_privateinfo' }
  const asBase = await open(authorize(scans), insideClient)
  const plain = await as('self-built').get('auth/getuserinfo', { code: asBase.code ?? '' })
  assert.deepEqual([plain['userid'], 'user_ticket' in plain], [userid, false], 'without an agentid')
  control.changeSettings({ readings: { privateinfoWithoutAgent: 'error' } })
  assert.deepEqual(await refusal(authorize(scans), insideClient), [400, -31028])
  const stranger = authorize({
    ...privateInfo,
    agentid: String(agentId('self-built-before-2022')),
    scan_as: ':stranger',
  })
  assert.deepEqual(await refusal(stranger, insideClient), [403, 0])
  assert.equal(control.truth({ corpId }).members.length, 12)
})

test('a code is bound to its domain: 50001 when the app that redeems it does not own that', async (t) => {
  const { control, app, userid, as, authorize, login, corpId, agentId } = await visiting(t)
  control.patchApp({ ...app, patch: { trustedDomains: ['sso.example:8443'] } })
  control.patchApp({ corpId, agentId: agentId('self-built-before-2022'), patch: { trustedDomains: ['other.example'] } })
  const errcode = async (kind: 'self-built' | 'self-built-before-2022', code: string | null) =>
    (await as(kind).get('auth/getuserinfo', { code: code ?? '' }))['errcode']
  const ofNoApp = await open(authorize({ scan_as: userid }), insideClient)
  const ofApp = await open(login({ scan_as: userid }))

  assert.equal(await errcode('self-built-before-2022', ofNoApp.code), 50001)
  assert.equal(await errcode('self-built', ofNoApp.code), 0)
  assert.equal(await errcode('self-built-before-2022', ofApp.code), 50001)
  control.patchApp({ ...app, patch: { trustedDomains: ['moved.example'] } })
  assert.equal(await errcode('self-built', ofApp.code), 50001)
  control.patchApp({ ...app, patch: { trustedDomains: ['sso.example:8443'] } })
  assert.equal(await errcode('self-built', ofApp.code), 0)
})

test('unconfirmed points of the exchange can be read both ways', async (t) => {
  const { control, app, userid, as } = await visiting(t)
  const client = as('self-built')
  const mint = (source: 'web' | 'mobile' = 'web') => control.mintCode({ ...app, identity: { userid }, source }).code
  const keys = async (path: string) => Object.keys(await client.get(path, { code: mint() })).slice(2)

  assert.deepEqual(
    [await keys('auth/getuserinfo'), await keys('user/getuserinfo')],
    [['userid'], ['DeviceId', 'UserId']],
  )
  control.changeSettings({ readings: { getuserinfoKeys: 'small' } })
  assert.deepEqual(await keys('user/getuserinfo'), ['DeviceId', 'userid'])
  control.changeSettings({ readings: { getuserinfoKeys: 'capitalised' } })
  assert.deepEqual(await keys('auth/getuserinfo'), ['UserId'])

  const mobile = mint('mobile')
  assert.equal((await client.get('auth/getuserinfo', { code: mint('mobile') }))['errcode'], 0)
  control.changeSettings({ readings: { mobileCodes: 'older-path', spentCode: 'by-reason' } })
  assert.equal((await client.get('auth/getuserinfo', { code: mobile }))['errcode'], 40029)
  assert.equal((await client.get('user/getuserinfo', { code: mobile }))['errcode'], 0)
  assert.equal((await client.get('user/getuserinfo', { code: mobile }))['errcode'], 42022)
  const late = mint()
  control.advanceClock({ ms: 300_000 })
  assert.equal((await client.get('auth/getuserinfo', { code: late }))['errcode'], 42003)
})

test('names and parameters cannot become markup, and nothing comes from elsewhere', async (t) => {
  const { control, corpId, app, login, authorize, privateInfo } = await visiting(t)
  const evil = '<img src=x onerror=alert(1)>"\'&'
  control.addMember({ corpId, member: { userid: evil, name: evil }, unchecked: true })
  control.patchCompany({ corpId, name: evil })
  control.patchApp({ ...app, patch: { name: evil, grantedFields: ['mobile'] } })
  const pages = [
    await open(login({ state: evil, q: 'onerror' })),
    await open(login({ version: evil, redirect_type: evil, q: evil, [evil]: evil }), { referer: evil }),
    await open(login({ scan_as: `nobody${evil}` })),
    await open(authorize({ ...privateInfo, scan_as: evil }), insideClient),
    await open(login({ redirect_uri: evil })),
  ]

  for (const { body, headers } of pages) {
    assert.doesNotMatch(body, /<img/)
    assert.doesNotMatch(body, /alert\(1\)>/)
    assert.doesNotMatch(body, /(?:src|href)="(?:https?:)?\/\//)
    assert.ok(body.length < 30_000)
    assert.match(headers.get('content-security-policy') ?? '', /^default-src 'none'/)
    assert.equal(headers.get('cache-control'), 'no-store')
  }
  assert.match(pages[0]?.body ?? '', /&#60;img src=x onerror/)
  const chosen = control.completeLogin({ url: login(), who: { userid: evil } })
  assert.equal(typeof chosen.code, 'string')
})

test('visits are in the record of calls, with company, app and number', async (t) => {
  const { control, corpId, app, login } = await visiting(t)
  await open(login())
  await open(login({ login_type: 'Corp' }))

  const visits = control.calls({ endpoint: '/wwlogin/sso/login' })

  assert.deepEqual(
    visits.map((visit) => [visit.corpId, visit.agentId, visit.status, visit.errcode]),
    [
      [corpId, app.agentId, 200, 0],
      [corpId, app.agentId, 400, -31040],
    ],
  )
})
