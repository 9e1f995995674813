import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'

import { providerStage } from './provider-stage.ts'
import { fetchRaw } from '../test-client.ts'

const insideClient = { 'user-agent': 'Mozilla/5.0 (iPhone) wxwork/4.1.30 MicroMessenger/7.0.1' }
const redirectUri = 'https://sso.example:8443/auth/wecom/callback'

async function visiting(t: TestContext) {
  const staged = await providerStage(t)
  const { emulator, suite, provider, as } = staged
  const url = (path: string, parameters: Record<string, string>) =>
    `${emulator.loginUrl}${path}?${new URLSearchParams({ redirect_uri: redirectUri, state: 'S1', ...parameters }).toString()}`
  return {
    ...staged,
    login: (given: Record<string, string> = {}) =>
      url('/wwlogin/sso/login', { login_type: 'ServiceApp', appid: suite.suiteId, ...given }),
    older: (given: Record<string, string> = {}) =>
      url('/wwopen/sso/3rd_qrConnect', { appid: provider.corpId, ...given }),
    authorize: (given: Record<string, string> = {}) =>
      url('/connect/oauth2/authorize', {
        appid: suite.suiteId,
        response_type: 'code',
        scope: 'snsapi_base',
        ...given,
      }),
    exchange: (code: unknown) => as(suite).get('service/auth/getuserinfo3rd', { code: String(code) }),
  }
}

async function open(url: string, headers: Record<string, string> = {}) {
  const response = await fetchRaw(url, { headers })
  const location = response.headers.get('location')
  const answer = location === null ? undefined : new URL(location).searchParams
  return {
    status: response.status,
    body: await response.text(),
    location,
    code: answer?.get('code'),
    authCode: answer?.get('auth_code'),
    cookie: response.headers.get('set-cookie')?.split(';')[0] ?? '',
  }
}

/** The number that the page shows, and the status under which it does. */
async function refusal(url: string, headers?: Record<string, string>) {
  const { status, body, location } = await open(url, headers)
  assert.equal(location, null)
  return [status, Number(/<p>(-?\d+)<\/p>/.exec(body)?.[1] ?? 0)]
}

test('members of every company sign in on the page of the provider, each as one of theirs', async (t) => {
  const { control, corpId, otherCorpId, suite, authorized, login, exchange, activeMember } = await visiting(t)
  const { openCorpId, agentId } = authorized(suite, corpId)
  const userid = activeMember(corpId)
  const twin = control.addMember({
    corpId: otherCorpId,
    member: { userid, name: '同名', department: [1], mobile: '13800000042' },
  })

  const page = await open(login())
  const first = await open(login({ scan_as: userid, scan_corp: corpId }))
  const second = await open(login({ scan_as: twin.userid, scan_corp: otherCorpId }))
  const [ours, theirs] = [await exchange(first.code), await exchange(second.code)]

  assert.equal(page.body.match(/data-scan="[^:]/g)?.length, 25, 'the people of both companies')
  assert.equal(first.location, `${redirectUri}?code=${first.code}&state=S1`)
  const { userid: encrypted } = ours
  assert.deepEqual(ours, { errcode: 0, errmsg: 'ok', corpid: openCorpId, userid: encrypted, open_userid: encrypted })
  assert.ok(control.viewAs({ corpId, agentId }).members.some((member) => member['userid'] === encrypted))
  assert.notEqual(theirs['corpid'], ours['corpid'])
  assert.notEqual(theirs['userid'], encrypted, 'the same userid in two companies is two people')
  assert.equal((await exchange(first.code))['errcode'], 40029, 'a code is good once')
  control.changeSettings({ readings: { useridsForProviders: 'plain' } })
  const again = async (from: string) =>
    (await exchange(control.completeLogin({ url: login(), who: { userid }, corpId: from }).code))['userid']
  assert.deepEqual(
    [await again(corpId), await again(otherCorpId)],
    [userid, theirs['userid']],
    'plain where authorised',
  )
})

test('somebody of no company has an openid of the provider', async (t) => {
  const { login, exchange, as, suite } = await visiting(t)

  const { code } = await open(login({ scan_as: ':stranger' }))
  const older = await open(login({ scan_as: ':stranger' }))

  const reply = await exchange(code)
  assert.deepEqual(Object.keys(reply), ['errcode', 'errmsg', 'openid'])
  const legacy = await as(suite).get('service/getuserinfo3rd', { code: String(older.code) })
  assert.deepEqual(legacy, { errcode: 0, errmsg: 'ok', OpenId: reply['openid'], DeviceId: '' })
})

test('completeLogin needs to know whose member it is where there are several companies', async (t) => {
  const { control, corpId, otherCorpId, login, authorize, older, exchange, activeMember, suite, authorized } =
    await visiting(t)
  const who = { userid: activeMember(corpId) }
  const { openCorpId } = authorized(suite, corpId)

  assert.throws(() => control.completeLogin({ url: login(), who }), /say whose member it is/)
  assert.throws(() => control.completeLogin({ url: login(), who, corpId: 'ww0' }), /there is no company ww0/)
  assert.throws(
    () => control.completeLogin({ url: login(), who: { userid: 'nobody' }, corpId }),
    /there is no member nobody/,
  )
  const named = control.completeLogin({ url: login(), who: { userid: `${corpId}/${who.userid}` } })
  assert.equal((await exchange(named.code))['corpid'], openCorpId)
  assert.deepEqual(control.completeLogin({ url: login(), who: 'refuses' }), {
    redirectUrl: `${redirectUri}?state=S1`,
    state: 'S1',
  })
  const inClient = control.completeLogin({ url: `${authorize()}#wechat_redirect`, who, corpId: openCorpId })
  assert.equal((await exchange(inClient.code))['corpid'], openCorpId)
  assert.match(control.completeLogin({ url: older(), who, corpId }).authCode ?? '', /^[0-9a-f]{96}$/)
  control.removeCompany({ corpId: otherCorpId })
  assert.equal((await exchange(control.completeLogin({ url: login(), who }).code))['corpid'], openCorpId)
  control.setScanner({ who, corpId })
  assert.equal((await open(login())).status, 302)
})

test('an address that WeCom would not serve gets its number, and no redirect', async (t) => {
  const { control, provider, suite, template, login, authorize, older } = await visiting(t)
  const scans = { scan_as: ':stranger' }

  for (const appid of ['', 'ww0', template.suiteId, provider.corpId]) {
    assert.deepEqual(await refusal(login({ ...scans, appid })), [400, -31027], appid)
  }
  assert.deepEqual(await refusal(older({ ...scans, appid: suite.suiteId })), [400, -31027])
  assert.deepEqual(await refusal(older(scans)), [403, 0], 'members only')
  assert.deepEqual(await refusal(older({ usertype: 'owner' })), [400, 0])
  assert.deepEqual(await refusal(authorize({ ...scans, appid: template.suiteId }), insideClient), [400, -31027])
  assert.deepEqual(await refusal(authorize({ ...scans, scope: 'all' }), insideClient), [400, 0])
  assert.deepEqual(await refusal(authorize({ ...scans, state: 'a-b' }), insideClient), [400, 0])
  assert.deepEqual(await refusal(authorize(scans)), [403, 0], 'outside the client')
  control.patchSuite({ suiteId: suite.suiteId, patch: { trustedDomains: ['apps.example'] } })
  control.patchProvider({ corpId: provider.corpId, patch: { loginDomains: ['apps.example'] } })
  assert.deepEqual(await refusal(login(scans)), [400, -31039])
  assert.deepEqual(await refusal(authorize(scans), insideClient), [400, -31039])
  assert.deepEqual(await refusal(older(scans)), [400, -31039])
  control.patchSuite({ suiteId: suite.suiteId, patch: { callbackDomains: ['sso.example:8443'] } })
  assert.equal((await open(login(scans))).status, 302, 'a callback domain is for the login page')
  assert.deepEqual(await refusal(authorize(scans), insideClient), [400, -31020])
  control.patchSuite({ suiteId: suite.suiteId, patch: { hasWebLogin: false } })
  assert.deepEqual(await refusal(login(scans)), [400, -31027])
})

test('a code is bound to its suite and its domain, and lives five minutes', async (t) => {
  const { control, provider, suite, login, exchange, as, template } = await visiting(t)
  const other = control.createSuite({ providerCorpId: provider.corpId, kind: 'third-party', name: '另一个' })
  const code = async () => (await open(login({ scan_as: ':stranger' }))).code ?? ''
  const errcode = async (value: string, given = suite) =>
    (await as(given).get('service/auth/getuserinfo3rd', { code: value }))['errcode']
  const late = await code()

  assert.equal(await errcode(await code(), other), 40029)
  assert.equal(await errcode(await code(), template), 48002)
  assert.equal((await exchange(''))['errcode'], 41008)
  const moved = await code()
  control.patchSuite({ suiteId: suite.suiteId, patch: { trustedDomains: ['moved.example'] } })
  assert.equal(await errcode(moved), 50001)
  control.patchSuite({ suiteId: suite.suiteId, patch: { trustedDomains: 'any' } })
  assert.equal(await errcode(moved), 0)
  control.advanceClock({ ms: 300_000 })
  assert.equal(await errcode(late), 40029)
  control.changeSettings({ readings: { spentCode: 'by-reason' } })
  assert.deepEqual([await errcode(late), await errcode(moved)], [42003, 42022])
})

test('inside the client a suite knows who opened it, and private fields come with consent', async (t) => {
  const { control, corpId, otherCorpId, suite, authorized, authorize, as, exchange, activeMember } = await visiting(t)
  const { openCorpId, agentId } = authorized(suite, corpId)
  const userid = activeMember(corpId)
  const privateInfo = { scope: 'snsapi_privateinfo', scan_as: userid, scan_corp: corpId }
  const detail = (user_ticket: unknown) => as(suite).post('service/auth/getuserdetail3rd', { user_ticket })

  const silent = await open(authorize({ scan_as: userid, scan_corp: corpId }), insideClient)
  const remembered = await open(authorize(), { ...insideClient, cookie: silent.cookie })
  const asked = await open(authorize(privateInfo), insideClient)
  const agreed = await open(`${authorize(privateInfo)}&consent=agrees&field=gender`, insideClient)
  const declined = await open(`${authorize(privateInfo)}&consent=refuses`, insideClient)

  assert.equal((await exchange(silent.code))['corpid'], openCorpId)
  assert.equal((await exchange(remembered.code))['corpid'], openCorpId)
  assert.deepEqual(
    [...asked.body.matchAll(/name="field" value="(\w+)"/g)].map(([, field]) => field),
    ['gender', 'avatar', 'qr_code'],
  )
  assert.equal(declined.location, `${redirectUri}?state=S1`)
  const identity = await exchange(agreed.code)
  assert.equal(identity['expires_in'], 1800)
  const { gender } = control.truth({ corpId }).members.find((member) => member.userid === userid) ?? {}
  assert.deepEqual(await detail(identity['user_ticket']), {
    errcode: 0,
    errmsg: 'ok',
    corpid: openCorpId,
    userid: identity['userid'],
    name: identity['userid'],
    gender,
    avatar: 'https://wework.qpic.example/default/0',
  })
  assert.deepEqual([(await detail(''))['errcode'], (await detail('x'))['errcode']], [84090, 84015])

  const outside = { ...privateInfo, scan_as: activeMember(otherCorpId), scan_corp: otherCorpId }
  const unauthorised = await exchange((await open(authorize(outside), insideClient)).code)
  assert.deepEqual([unauthorised['errcode'], unauthorised['user_ticket']], [0, undefined])
  control.patchApp({ corpId, agentId, patch: { range: { departments: [], members: [], tags: [] } } })
  assert.equal((await detail(identity['user_ticket']))['errcode'], 92000)
  control.patchSuite({ suiteId: suite.suiteId, patch: { hasPrivateInfo: false } })
  assert.equal((await detail(identity['user_ticket']))['errcode'], 92001)
  assert.deepEqual(await refusal(authorize(privateInfo), insideClient), [403, 0])
})

test('the older page gives an auth_code, for get_login_info or for the newer exchange', async (t) => {
  const { control, corpId, suite, older, post, providerToken, activeMember, exchange } = await visiting(t)
  const admin = activeMember(corpId)
  const { openCorpId, agentId } = control.authorize({
    suiteId: suite.suiteId,
    corpId,
    from: 'provider',
    authorizedBy: admin,
  })
  const member = control.truth({ corpId }).members.find(({ userid }) => userid !== admin)?.userid ?? ''
  const scan = (scan_as: string, usertype: string) => open(older({ scan_as, scan_corp: corpId, usertype }))
  const info = async (auth_code: unknown) =>
    post('service/get_login_info', { auth_code }, { access_token: await providerToken() })
  const first = await scan(admin, 'admin')
  const second = await scan(member, 'member')

  assert.equal(first.location, `${redirectUri}?auth_code=${first.authCode}&expires_in=300&state=S1`)
  const ofAdmin = await info(first.authCode)
  assert.deepEqual([ofAdmin['usertype'], ofAdmin['corp_info']], [2, { corpid: openCorpId }])
  assert.deepEqual(ofAdmin['agent'], [{ agentid: agentId, auth_type: 1 }])
  const ofMember = await info(second.authCode)
  assert.deepEqual([ofMember['usertype'], 'agent' in ofMember], [5, false])
  assert.deepEqual([(await info(second.authCode))['errcode'], (await info('x'))['errcode']], [40078, 40078])
  assert.equal((await scan(member, 'admin')).status, 403)
  const third = await exchange((await scan(member, 'member')).authCode)
  assert.deepEqual([third['errcode'], third['corpid']], [0, openCorpId])
})

test("a template's app signs in as an app of the company, by the id that the provider sees", async (t) => {
  const { emulator, control, corpId, template, authorized, get, activeMember } = await visiting(t)
  const { openCorpId, agentId, permanentCode } = authorized(template, corpId)
  const userid = activeMember(corpId)
  const url = (appid: string) => {
    const query = new URLSearchParams({ login_type: 'CorpApp', appid, agentid: String(agentId), state: 'S1' })
    query.set('redirect_uri', redirectUri)
    return `${emulator.loginUrl}/wwlogin/sso/login?${query.toString()}`
  }

  const { code = '' } = control.completeLogin({ url: url(openCorpId), who: { userid } })
  const { access_token } = await get('gettoken', { corpid: openCorpId, corpsecret: permanentCode })
  const identity = await get('auth/getuserinfo', { access_token: String(access_token), code })

  assert.ok(control.viewAs({ corpId, agentId }).members.some((member) => member['userid'] === identity['userid']))
  assert.throws(() => control.completeLogin({ url: url(corpId), who: { userid } }), /-31028 bad agentid/)
  const [call] = control.calls({ endpoint: 'auth/getuserinfo' })
  assert.deepEqual([call?.corpId, call?.agentId], [corpId, agentId])
})

test('names cannot become markup on the pages of suites either', async (t) => {
  const { emulator, control, corpId, provider, suite, template, login, as } = await visiting(t)
  const evil = '<img src=x onerror=alert(1)>"\'&'
  control.patchCompany({ corpId, name: evil })
  control.patchProvider({ corpId: provider.corpId, patch: { name: evil } })
  control.patchSuite({ suiteId: suite.suiteId, patch: { name: evil } })
  control.patchSuite({ suiteId: template.suiteId, patch: { name: evil } })
  const code = async () => String((await as(template).get('service/get_pre_auth_code'))['pre_auth_code'])
  const install = async (given: Record<string, string> = {}) => {
    const query = { suite_id: template.suiteId, pre_auth_code: await code(), redirect_uri: redirectUri, ...given }
    return open(`${emulator.openUrl}/3rdapp/install?${new URLSearchParams(query).toString()}`)
  }

  for (const { body } of [
    await open(login({ state: evil, q: 'a' })),
    await open(login({ scan_as: evil, scan_corp: evil })),
    await install(),
    await install({ install_as: evil }),
    await install({ suite_id: evil }),
  ]) {
    assert.doesNotMatch(body, /<img/)
    assert.doesNotMatch(body, /(?:src|href)="(?:https?:)?\/\//)
  }
})

test('in the frame of the SDK the choice carries the company along', async (t) => {
  const { corpId, login } = await visiting(t)
  const asScript = { accept: 'application/json' }

  const listed = await open(login({ version: '2.4.4', q: '' }), asScript)
  const { choices } = JSON.parse(listed.body) as { choices: { scanAs: string; corpId: string; companyName: string }[] }
  const [choice] = choices
  const chosen = await open(
    login({ version: '2.4.4', scan_as: choice?.scanAs ?? '', scan_corp: choice?.corpId ?? '' }),
    asScript,
  )

  assert.equal(choice?.corpId, corpId)
  assert.equal(typeof choice?.companyName, 'string')
  assert.equal((JSON.parse(chosen.body) as { state: string }).state, 'S1')
})
