import assert from 'node:assert/strict'
import { test } from 'node:test'

import { providerStage } from './provider-stage.ts'
import { fetchRaw, fetchText, rows } from '../test-client.ts'
import type { Json } from '../test-client.ts'

const redirectUri = 'https://sso.example/installed?a=1'

test('a suite token needs id, secret and a ticket of the last half hour', async (t) => {
  const { control, post, template, suite } = await providerStage(t)
  const { suiteId, secret } = template
  const { ticket } = control.pushTicket({ suiteId })
  const { ticket: foreign } = control.pushTicket({ suiteId: suite.suiteId })
  const ask = async (change: Json) =>
    post('service/get_suite_token', { suite_id: suiteId, suite_secret: secret, suite_ticket: ticket, ...change })
  const errcode = async (change: Json) => (await ask(change))['errcode']

  assert.match(suiteId, /^dk[0-9a-f]{16}$/)
  assert.match(suite.suiteId, /^ww[0-9a-f]{16}$/)
  assert.deepEqual(
    [await errcode({ suite_id: '' }), await errcode({ suite_secret: '' }), await errcode({ suite_ticket: '' })],
    [41021, 41024, 41023],
  )
  assert.deepEqual(
    [
      await errcode({ suite_id: 'dk0' }),
      await errcode({ suite_secret: 'x' }),
      await errcode({ suite_ticket: 'x' }),
      await errcode({ suite_ticket: foreign }),
    ],
    [40083, 40080, 40085, 40085],
  )
  const first = await ask({})
  assert.deepEqual([first['errcode'], first['expires_in']], [0, 7200])
  assert.equal((await ask({}))['suite_access_token'], first['suite_access_token'], 'the same while it is valid')
  control.advanceClock({ ms: 29 * 60_000 })
  assert.equal(await errcode({}), 0)
  control.advanceClock({ ms: 60_000 })
  assert.equal(await errcode({}), 40085)
  const { ticket: newer } = control.pushTicket({ suiteId })
  assert.equal(await errcode({ suite_ticket: newer }), 0)
})

test('the older calls say errcode only when they fail, if so wanted', async (t) => {
  const { control, post, provider, template, suite, authorized, corpId, suiteToken } = await providerStage(t)
  control.changeSettings({ readings: { serviceErrcode: 'on-failure' } })
  const { permanentCode, openCorpId } = authorized(suite, corpId)
  const { ticket } = control.pushTicket({ suiteId: template.suiteId })
  const token = await suiteToken(suite)

  const replies = [
    await post('service/get_provider_token', { corpid: provider.corpId, provider_secret: provider.secret }),
    await post('service/get_suite_token', {
      suite_id: template.suiteId,
      suite_secret: template.secret,
      suite_ticket: ticket,
    }),
    await post(
      'service/get_corp_token',
      { auth_corpid: openCorpId, permanent_code: permanentCode },
      { suite_access_token: token },
    ),
  ]
  const failed = await post('service/get_provider_token', { corpid: provider.corpId, provider_secret: 'x' })

  for (const reply of replies)
    assert.deepEqual([reply['errcode'], reply['errmsg'], reply['expires_in']], [undefined, undefined, 7200])
  assert.equal(failed['errcode'], 40001)
})

test('tokens of suites and providers end, and are no good in the place of another', async (t) => {
  const { control, get, post, template, suite, suiteToken, providerToken, emulator } = await providerStage(t)
  const token = await suiteToken(template)
  const ofProvider = await providerToken()
  const preAuth = async (query: Record<string, string>) => (await get('service/get_pre_auth_code', query))['errcode']
  const invite = async (provider_access_token: string) =>
    (await post('service/get_customized_auth_url', { templateid_list: [template.suiteId] }, { provider_access_token }))[
      'errcode'
    ]

  assert.deepEqual(
    [
      await preAuth({}),
      await preAuth({ access_token: token }),
      await preAuth({ suite_access_token: ofProvider }),
      await preAuth({ suite_access_token: token }),
    ],
    [41022, 41022, 40082, 0],
  )
  assert.deepEqual([await invite(token), await invite(''), await invite(ofProvider)], [40014, 41001, 0])
  assert.equal((await get('agent/list', { access_token: token }))['errcode'], 40014)
  assert.deepEqual(control.revokeTokens({ suiteId: template.suiteId, as: 42001 }), { revoked: 2 })
  assert.deepEqual([await preAuth({ suite_access_token: token }), await invite(ofProvider)], [42009, 42001])
  const again = await suiteToken(template)
  assert.notEqual(again, token)
  control.addFault({ suiteId: suite.suiteId, effect: { kind: 'errcode', errcode: -1 } })
  control.addFault({ suiteId: template.suiteId, count: 1, effect: { kind: 'token-death', as: 40014 } })
  assert.equal(await preAuth({ suite_access_token: again }), 40082)
  control.clearFaults()
  const expiring = await suiteToken(suite)
  control.advanceClock({ ms: 7_200_000 })
  assert.equal(await preAuth({ suite_access_token: expiring }), 42009)
  const [call] = control.calls({ suiteId: suite.suiteId })
  assert.deepEqual([call?.endpoint, call?.errcode], ['service/get_pre_auth_code', 42009])
  assert.equal(JSON.stringify(control.calls()).includes(expiring), false)
  assert.equal((await fetchText(`${emulator.apiUrl}/cgi-bin/service/get_suite_token`)).status, 200)
})

test('only trusted addresses of the provider may call, for its suites and for their apps', async (t) => {
  const { control, get, post, provider, template, authorized, corpId, suiteToken } = await providerStage(t)
  const { openCorpId, permanentCode } = authorized(template, corpId)
  const token = await suiteToken(template)
  const { access_token } = await get('gettoken', { corpid: openCorpId, corpsecret: permanentCode })
  control.patchProvider({ corpId: provider.corpId, patch: { trustedAddresses: ['203.0.113.9'] } })

  const errcodes = [
    await get('service/get_pre_auth_code', { suite_access_token: token }),
    await get('agent/list', { access_token: String(access_token) }),
    await post('service/get_provider_token', { corpid: provider.corpId, provider_secret: provider.secret }),
  ].map(({ errcode }) => errcode)
  control.changeSettings({ callerAddress: '203.0.113.9' })

  assert.deepEqual(errcodes, [60020, 60020, 60020])
  assert.equal((await get('service/get_pre_auth_code', { suite_access_token: token }))['errcode'], 0)
})

test('an administrator installs on the page, and the provider exchanges what comes back', async (t) => {
  const { emulator, control, corpId, template, as } = await providerStage(t)
  const client = as(template)
  const { pre_auth_code, expires_in } = await client.get('service/get_pre_auth_code')
  const session = await client.post('service/set_session_info', {
    pre_auth_code,
    session_info: { appid: [], auth_type: 0 },
  })
  const query = new URLSearchParams({ suite_id: template.suiteId, pre_auth_code: String(pre_auth_code) })
  query.set('redirect_uri', redirectUri)
  query.set('state', 'S1')
  const url = `${emulator.openUrl}/3rdapp/install?${query.toString()}`

  const page = await fetchRaw(url)
  const html = await page.text()
  const chosen = await fetchRaw(`${url}&install_as=${corpId}`)
  const again = await fetchRaw(url)
  const location = new URL(chosen.headers.get('location') ?? '')
  const auth_code = location.searchParams.get('auth_code')
  const reply = await client.post('service/v2/get_permanent_code', { auth_code })
  const twice = await client.post('service/v2/get_permanent_code', { auth_code })

  assert.deepEqual([expires_in, session['errcode'], page.status, chosen.status], [1200, 0, 200, 302])
  assert.equal(html.match(/data-install="/g)?.length, 2)
  assert.equal(location.href, `https://sso.example/installed?a=1&auth_code=${auth_code}&expires_in=1200&state=S1`)
  assert.equal(again.status, 400, 'a pre-authorisation code is good once')
  assert.equal(twice['errcode'], 40078)
  const [authorization] = control.providers()[0]?.suites[0]?.authorizations ?? []
  assert.deepEqual(Object.keys(reply).sort(), [
    'auth_corp_info',
    'auth_user_info',
    'errcode',
    'errmsg',
    'permanent_code',
    'state',
  ])
  assert.deepEqual(reply['auth_corp_info'], {
    corpid: authorization?.openCorpId,
    corp_name: control.companies()[0]?.name,
  })
  assert.deepEqual([reply['permanent_code'], reply['state']], [authorization?.permanentCode, 'S1'])
  assert.equal(JSON.stringify(control.calls()).includes(String(pre_auth_code)), false)
})

test('the install page refuses what WeCom would refuse', async (t) => {
  const { emulator, control, corpId, template, suite, as } = await providerStage(t)
  const preAuthCode = async () => String((await as(suite).get('service/get_pre_auth_code'))['pre_auth_code'])
  const open = async (change: Record<string, string>) => {
    const query = new URLSearchParams({ suite_id: suite.suiteId, redirect_uri: redirectUri, install_as: corpId })
    query.set('pre_auth_code', await preAuthCode())
    for (const [name, value] of Object.entries(change)) query.set(name, value)
    const response = await fetchRaw(`${emulator.openUrl}/3rdapp/install?${query.toString()}`)
    return [response.status, Number(/<p>(-?\d+)<\/p>/.exec(await response.text())?.[1] ?? 0)]
  }
  const late = await preAuthCode()

  assert.deepEqual(await open({ suite_id: 'ww0' }), [400, 40083])
  assert.deepEqual(await open({ suite_id: template.suiteId }), [400, 40077])
  assert.deepEqual(await open({ pre_auth_code: 'x' }), [400, 40077])
  assert.deepEqual(await open({ state: 'a-b' }), [400, 84025])
  assert.deepEqual(await open({ redirect_uri: 'javascript:alert(1)' }), [400, 0])
  assert.deepEqual(await open({ install_as: 'ww0' }), [403, 0])
  control.patchSuite({ suiteId: suite.suiteId, patch: { trustedDomains: ['sso.example'] } })
  assert.deepEqual(await open({ redirect_uri: 'https://evil.example/' }), [400, -31039])
  assert.equal((await open({}))[0], 302)
  control.patchSuite({ suiteId: suite.suiteId, patch: { isOnline: false } })
  assert.deepEqual(await open({}), [403, 0])
  const test = await preAuthCode()
  const session = { pre_auth_code: test, session_info: { auth_type: 1 } }
  assert.equal((await as(suite).post('service/set_session_info', session))['errcode'], 0)
  assert.equal((await open({ pre_auth_code: test }))[0], 302, 'a test installation needs no online app')
  control.advanceClock({ ms: 1_200_000 })
  assert.deepEqual(await open({ pre_auth_code: late }), [400, 42007])
  assert.equal(
    (await as(suite).post('service/set_session_info', { pre_auth_code: late, session_info: {} }))['errcode'],
    42007,
  )
})

test('an invitation to templates makes an authorisation with its state, and expires', async (t) => {
  const { control, corpId, template, provider, suite, post, providerToken, as, emulator } = await providerStage(t)
  const second = control.createSuite({ providerCorpId: provider.corpId, kind: 'delegated', name: '第二个模板' })
  const invite = async (body: Json) =>
    post('service/get_customized_auth_url', body, { provider_access_token: await providerToken() })
  const reply = await invite({ state: 'order42', templateid_list: [template.suiteId, second.suiteId] })
  const url = String(reply['qrcode_url'])

  assert.deepEqual([reply['errcode'], reply['expires_in']], [0, 864_000])
  assert.equal((await invite({ templateid_list: [suite.suiteId] }))['errcode'], 40083)
  assert.equal((await invite({ state: 'a b', templateid_list: [template.suiteId] }))['errcode'], 84025)
  assert.deepEqual(control.completeInstall({ url, corpId, seats: 50 }), { state: 'order42' })
  for (const { suiteId } of [template, second]) {
    const listed = control.providers()[0]?.suites.find((other) => other.suiteId === suiteId)?.authorizations[0]
    assert.deepEqual([listed?.corpId, listed?.state, listed?.edition?.seats], [corpId, 'order42', 50])
  }
  assert.equal((await fetchRaw(url)).status, 200)
  assert.match(url, new RegExp(`^${emulator.openUrl}/3rdapp/invitation\\?id=`))
  control.advanceClock({ ms: 10 * 86_400_000 })
  assert.equal((await fetchRaw(url)).status, 400)
  assert.throws(() => control.completeInstall({ url, corpId }), /the page would say: this invitation/)
  control.changeSettings({ readings: { preAuthOfTemplates: 'refused' } })
  assert.equal((await as(template).get('service/get_pre_auth_code'))['errcode'], 48002)
  assert.equal((await as(suite).get('service/get_pre_auth_code'))['errcode'], 0)
})

test("a template's permanent code is the secret for gettoken, under the id that the provider sees", async (t) => {
  const { control, get, post, corpId, otherCorpId, template, as, suiteToken } = await providerStage(t)
  const { authCode } = control.authorize({
    suiteId: template.suiteId,
    corpId,
    from: 'provider',
    range: { departments: [1], members: [], tags: [] },
  })
  const reply = await as(template).post('service/get_permanent_code', { auth_code: authCode })
  const corp = reply['auth_corp_info'] as Json
  const [agent = {}] = (reply['auth_info'] as { agent: Json[] }).agent
  const corpid = String(corp['corpid'])
  const token = async (id: string) => get('gettoken', { corpid: id, corpsecret: String(reply['permanent_code']) })

  assert.match(corpid, /^wpk[\w-]{29}$/)
  assert.deepEqual([reply['access_token'], agent['is_customized_app']], [undefined, true])
  assert.deepEqual((agent['privilege'] as Json)['allow_party'], [1])
  assert.equal((await token(corpid))['errcode'], 0)
  assert.equal((await token(corpId))['errcode'], 40091)
  assert.equal((await token(otherCorpId))['errcode'], 40091)
  assert.equal((await token('wpkelsewhere'))['errcode'], 40013)
  const refused = await post(
    'service/get_corp_token',
    { auth_corpid: corpid, permanent_code: reply['permanent_code'] },
    { suite_access_token: await suiteToken(template) },
  )
  assert.equal(refused['errcode'], 48002)

  const { access_token } = await token(corpid)
  const call = (endpoint: string, query: Record<string, string>) =>
    get(endpoint, { access_token: String(access_token), ...query })
  const [member = {}] = rows(await call('user/list', { department_id: '1', fetch_child: '1' }), 'userlist')
  const plain = control.truth({ corpId }).members[0]?.userid ?? ''
  assert.match(String(member['userid']), /^wo[\w-]{30}$/)
  assert.equal((await call('user/get', { userid: String(member['userid']) }))['errcode'], 0)
  assert.equal((await call('user/get', { userid: plain }))['errcode'], 60111)

  control.changeSettings({ readings: { corpIdsForProviders: 'plain', useridsForProviders: 'plain' } })
  assert.equal((await token(corpId))['errcode'], 0)
  assert.equal((await call('user/get', { userid: plain }))['userid'], plain)
})

test('everything else gets its tokens by get_corp_token, and its first with the permanent code', async (t) => {
  const { get, corpId, otherCorpId, suite, as, authorized } = await providerStage(t)
  const { authCode, openCorpId } = authorized(suite, corpId)
  const other = authorized(suite, otherCorpId)
  const client = as(suite)
  const { access_token, permanent_code } = await client.post('service/get_permanent_code', { auth_code: authCode })
  const token = async (auth_corpid: string, code: unknown) =>
    client.post('service/get_corp_token', { auth_corpid, permanent_code: code })

  assert.equal((await token(openCorpId, permanent_code))['access_token'], access_token)
  assert.equal((await get('agent/list', { access_token: String(access_token) }))['errcode'], 0)
  assert.equal((await get('gettoken', { corpid: openCorpId, corpsecret: String(permanent_code) }))['errcode'], 40091)
  const errcodes = [
    await token('', permanent_code),
    await token(openCorpId, ''),
    await token(corpId, permanent_code),
    await token(openCorpId, 'x'),
    await token(openCorpId, other.permanentCode),
  ].map(({ errcode }) => errcode)
  assert.deepEqual(errcodes, [41002, 41025, 40013, 40084, 40084])
  const simple = rows(
    await get('user/simplelist', { access_token: String(access_token), department_id: '1', fetch_child: '1' }),
    'userlist',
  )
  assert.ok(simple.every(({ userid, name, open_userid }) => userid === name && userid === open_userid))
})

test('what a suite may know of a company: who, what, until when, and its administrators', async (t) => {
  const { control, corpId, otherCorpId, suite, template, as, post, providerToken, activeMember } =
    await providerStage(t)
  const userid = activeMember(corpId)
  const expiresAtMs = Date.UTC(2030, 0, 1)
  const { openCorpId, permanentCode, agentId } = control.authorize({
    suiteId: suite.suiteId,
    corpId,
    from: 'provider',
    range: { departments: [], members: [userid], tags: [1] },
    authorizedBy: userid,
    seats: 20,
    expiresAtMs,
  })
  const info = async (path: string) => as(suite).post(path, { auth_corpid: openCorpId, permanent_code: permanentCode })
  const open = async (corpid: string) =>
    post('service/corpid_to_opencorpid', { corpid }, { provider_access_token: await providerToken() })
  const admins = async (agentid: number, given = suite) =>
    as(given).post('service/get_admin_list', { auth_corpid: openCorpId, agentid })

  const reply = await info('service/get_auth_info')
  const [agent = {}] = (reply['auth_info'] as { agent: Json[] }).agent
  const [edition = {}] = (reply['edition_info'] as { agent: Json[] }).agent
  const view = control.viewAs({ corpId, agentId }).members.map((member) => member['userid'])
  const { allow_user, allow_party, allow_tag } = agent['privilege'] as { [key: string]: unknown[] }

  assert.deepEqual([agent['agentid'], agent['is_customized_app']], [agentId, false])
  assert.deepEqual([allow_party, allow_tag, allow_user?.length], [[], [1], 1])
  assert.ok(view.includes(allow_user?.[0]), 'encrypted for the provider')
  assert.deepEqual([edition['user_limit'], edition['expired_time'], edition['app_status']], [20, expiresAtMs / 1000, 3])
  assert.deepEqual((await info('service/v2/get_auth_info'))['auth_info'], reply['auth_info'])
  assert.deepEqual(rows(await admins(agentId), 'admin'), [
    { userid: allow_user?.[0], open_userid: allow_user?.[0], auth_type: 1 },
  ])
  assert.deepEqual([(await admins(1))['errcode'], (await admins(agentId, template))['errcode']], [40056, 48004])
  assert.equal((await open(corpId))['open_corpid'], openCorpId)
  assert.deepEqual([(await open(otherCorpId))['errcode'], (await open('ww0'))['errcode']], [48001, 40013])
})

test('the newer paths can be missing, as on older deployments', async (t) => {
  const { emulator, control } = await providerStage(t)
  control.changeSettings({ readings: { hasServiceV2: false } })

  for (const [name, status] of [
    ['v2/get_permanent_code', 404],
    ['v2/get_auth_info', 404],
    ['get_permanent_code', 200],
  ] as const) {
    assert.equal((await fetchText(`${emulator.apiUrl}/cgi-bin/service/${name}`, { method: 'POST' })).status, status)
  }
})

test('a company that cancels takes its app with it, and no other company notices', async (t) => {
  const { control, get, corpId, otherCorpId, template, authorized, as, emulator } = await providerStage(t)
  const first = authorized(template, corpId)
  const other = authorized(template, otherCorpId)
  const token = ({ openCorpId, permanentCode }: typeof first) =>
    get('gettoken', { corpid: openCorpId, corpsecret: permanentCode })
  const info = async ({ openCorpId, permanentCode }: typeof first) =>
    (await as(template).post('service/get_auth_info', { auth_corpid: openCorpId, permanent_code: permanentCode }))[
      'errcode'
    ]
  const { access_token } = await token(first)
  const login = new URLSearchParams({ login_type: 'CorpApp', appid: first.openCorpId, agentid: String(first.agentId) })
  login.set('redirect_uri', 'https://sso.example/')
  login.set('scan_as', ':stranger')
  const visit = async () => (await fetchRaw(`${emulator.loginUrl}/wwlogin/sso/login?${login.toString()}`)).status

  assert.equal(await visit(), 302)
  control.cancelAuthorization({ suiteId: template.suiteId, corpId: first.openCorpId })
  assert.equal((await token(first))['errcode'], 40001)
  assert.equal((await get('agent/list', { access_token: String(access_token) }))['errcode'], 40014)
  assert.equal(await visit(), 400)
  assert.deepEqual([await info(first), (await token(other))['errcode'], await info(other)], [48004, 0, 0])
  assert.equal(
    (await as(template).post('service/v2/get_permanent_code', { auth_code: first.authCode }))['errcode'],
    48004,
  )
  control.changeSettings({ readings: { cancelledAuthorization: 40084 } })
  assert.equal(await info(first), 40084)

  const again = authorized(template, corpId)
  assert.equal(again.openCorpId, first.openCorpId)
  assert.notEqual(again.permanentCode, first.permanentCode)
  assert.notEqual(again.agentId, first.agentId)
  assert.equal((await token(again))['errcode'], 0)
  assert.equal((await token(first))['errcode'], 40001)
})

test('a reset gives a new permanent code; when the old one dies is a reading', async (t) => {
  const { control, get, corpId, template, authorized, as } = await providerStage(t)
  const { openCorpId, permanentCode } = authorized(template, corpId)
  const suiteId = template.suiteId
  const errcode = async (corpsecret: unknown) =>
    (await get('gettoken', { corpid: openCorpId, corpsecret: String(corpsecret) }))['errcode']
  const exchange = async (auth_code: string) =>
    (await as(template).post('service/v2/get_permanent_code', { auth_code }))['permanent_code']

  const first = control.resetPermanentCode({ suiteId, corpId })
  assert.equal(await errcode(permanentCode), 40001)
  const second = await exchange(first.authCode)
  assert.equal(await errcode(second), 0)

  control.changeSettings({ readings: { resetKillsSecret: 'on-exchange' } })
  const next = control.resetPermanentCode({ suiteId, corpId })
  assert.equal(await errcode(second), 0)
  const third = await exchange(next.authCode)
  assert.deepEqual([await errcode(second), await errcode(third)], [40001, 0])
  const late = control.resetPermanentCode({ suiteId, corpId })
  control.advanceClock({ ms: 600_000 })
  assert.equal(await exchange(late.authCode), undefined, 'a pushed code lives ten minutes')
})

test('another provider sees other ids, and cannot use what is not its own', async (t) => {
  const { control, corpId, suite, template, authorized, post, activeMember } = await providerStage(t)
  const stranger = control.createProvider({ name: '另一个服务商' })
  const theirs = control.createSuite({ providerCorpId: stranger.corpId, kind: 'third-party' })
  const [ours, same, foreign] = [authorized(suite, corpId), authorized(template, corpId), authorized(theirs, corpId)]
  const { ticket } = control.pushTicket({ suiteId: theirs.suiteId })
  const { suite_access_token } = await post('service/get_suite_token', {
    suite_id: theirs.suiteId,
    suite_secret: theirs.secret,
    suite_ticket: ticket,
  })
  const call = async (endpoint: string, body: Json) =>
    (await post(`service/${endpoint}`, body, { suite_access_token: String(suite_access_token) }))['errcode']
  const idIn = (agentId: number) => {
    const userid = activeMember(corpId)
    control.patchApp({ corpId, agentId, patch: { range: { departments: [], members: [userid], tags: [] } } })
    return control.viewAs({ corpId, agentId }).members[0]?.['userid']
  }

  assert.equal(ours.openCorpId, same.openCorpId)
  assert.notEqual(ours.openCorpId, foreign.openCorpId)
  assert.equal(idIn(ours.agentId), idIn(same.agentId))
  assert.notEqual(idIn(ours.agentId), idIn(foreign.agentId))
  assert.equal(await call('get_permanent_code', { auth_code: ours.authCode }), 48003)
  assert.equal(
    await call('get_corp_token', { auth_corpid: ours.openCorpId, permanent_code: ours.permanentCode }),
    40013,
  )
  assert.equal(
    await call('get_corp_token', { auth_corpid: foreign.openCorpId, permanent_code: ours.permanentCode }),
    48003,
  )
})

test('reset and removed companies take authorisations with them', async (t) => {
  const { control, corpId, otherCorpId, suite, authorized } = await providerStage(t)
  authorized(suite, corpId)
  authorized(suite, otherCorpId)

  control.removeCompany({ corpId })
  const left = control.providers()[0]?.suites.flatMap(({ authorizations }) => authorizations)
  control.reset()

  assert.deepEqual(
    left?.map((authorization) => authorization.corpId),
    [otherCorpId],
  )
  assert.deepEqual(control.providers(), [])
  assert.equal(control.createProvider().corpId, control.providers()[0]?.corpId)
})
