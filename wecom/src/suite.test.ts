/** Suites: their token hangs on a ticket, and what companies authorised is read in all its forms. */

import assert from 'node:assert/strict'
import { after, test } from 'node:test'

import { createClock, createHurriedClock, until } from '../test/clock.ts'
import { startServer } from '../test/local-server.ts'
import type { Answerer, Asked } from '../test/local-server.ts'
import { createMemoryTokenStore, createWecom } from './index.ts'
import type { CallReport, Suite, TokenStore, WecomOptions } from './index.ts'

const cleanUps: (() => Promise<void>)[] = []
after(() => Promise.all(cleanUps.map((cleanUp) => cleanUp())))

type Stack = {
  suite: Suite
  /** What WeCom sent last. */
  tickets: { newest: string | undefined }
  reports: CallReport[]
  server: Awaited<ReturnType<typeof startServer>>
}

/** get_suite_token answers S1, S2 …, without errcode as it has been seen, unless `answer` returns something for it. */
async function startStack(answer: Answerer, options: WecomOptions = {}): Promise<Stack> {
  const server = await startServer(
    (asked, response) =>
      answer(asked, response) ??
      (asked.api === 'service/get_suite_token'
        ? { suite_access_token: `S${asked.earlier + 1}`, expires_in: 7200 }
        : undefined),
  )
  const wecom = createWecom({ apiUrl: server.url, ...createHurriedClock(), random: () => 0.5, ...options })
  cleanUps.push(() => wecom.close(), server.close)
  const tickets: Stack['tickets'] = { newest: 'ticket-1' }
  const reports: CallReport[] = []
  const suite = wecom.suite({
    suiteId: 'ww-suite',
    suiteSecret: 'suite-secret',
    ticket: () => Promise.resolve(tickets.newest),
    onCall: (report) => void reports.push(report),
  })
  return { suite, tickets, reports, server }
}

const preAuthCode = { errcode: 0, errmsg: 'ok', pre_auth_code: 'PRE', expires_in: 1200 }

/** Gives pre-authorisation codes to tokens that are good. */
function accepting(isGood: (token: string | null) => boolean, errcode = 40082): Answerer {
  return ({ api, query }) => {
    if (api !== 'service/get_pre_auth_code') return undefined
    return isGood(query.get('suite_access_token')) ? preAuthCode : { errcode, errmsg: 'invalid suite token' }
  }
}

function refusing(isGood: (ticket: unknown) => boolean): Answerer {
  return (asked) => {
    if (asked.api === 'service/get_suite_token' && !isGood(asked.body?.['suite_ticket'])) {
      return { errcode: 40085, errmsg: 'invalid suite ticket' }
    }
    return accepting(() => true)(asked, undefined as never)
  }
}

// ---- Tokens and tickets ---------------------------------------------------------------------------------------------

test('a call carries the token that the newest ticket was given for', async () => {
  const { suite, tickets, server } = await startStack(accepting((token) => token === 'S1'))
  tickets.newest = 'ticket-2'

  assert.deepEqual(await suite.preAuthCode(), { code: 'PRE', expiresInSeconds: 1200 })

  const [asked, call] = server.asked
  assert.deepEqual(asked?.body, { suite_id: 'ww-suite', suite_secret: 'suite-secret', suite_ticket: 'ticket-2' })
  assert.equal(asked?.query.size, 0)
  assert.equal(call?.query.get('access_token'), null)
})

test('fifty callers at once fetch one suite token', async () => {
  const { suite, server } = await startStack(accepting(() => true))

  await Promise.all(Array.from({ length: 50 }, () => suite.preAuthCode()))

  assert.equal(server.count('service/get_suite_token'), 1)
})

for (const none of [undefined, '']) {
  test(`without a ticket (${JSON.stringify(none)}) WeCom is not asked`, async () => {
    const { suite, tickets, server, reports } = await startStack(accepting(() => true))
    tickets.newest = none

    await assert.rejects(suite.preAuthCode(), { code: 'WECOM_NO_TICKET', kind: 'credential', isUnsent: true })

    assert.deepEqual(server.asked, [])
    assert.deepEqual(reports, [])
  })
}

test('the first call after the ticket came goes through', async () => {
  const { suite, tickets } = await startStack(accepting(() => true))
  tickets.newest = undefined
  await assert.rejects(suite.preAuthCode(), { code: 'WECOM_NO_TICKET' })

  tickets.newest = 'ticket-1'

  assert.equal((await suite.preAuthCode()).code, 'PRE')
})

test('a ticket that is missing when the token is renewed early leaves the old token in use', async () => {
  const clock = createClock()
  const { suite, tickets, server } = await startStack(
    accepting((token) => token === 'S1'),
    clock,
  )
  await suite.preAuthCode()
  tickets.newest = undefined

  clock.advance(7_000_000) // of 7,200 seconds
  await suite.preAuthCode()
  assert.equal(server.count('service/get_suite_token'), 1)

  clock.advance(300_000)
  await assert.rejects(suite.preAuthCode(), { code: 'WECOM_NO_TICKET' })
})

test('a ticket that is refused when the token is renewed early leaves the old token in use', async () => {
  const clock = createClock()
  const { suite, server } = await startStack((asked) => {
    if (asked.api === 'service/get_suite_token' && asked.earlier > 0) return { errcode: 40085 }
    return accepting((token) => token === 'S1')(asked, undefined as never)
  }, clock)
  await suite.preAuthCode()

  clock.advance(7_000_000)
  await suite.preAuthCode()

  assert.equal(server.count('service/get_suite_token'), 2)
})

test('a ticket that was replaced while it was on its way is replaced in the same call', async () => {
  const stack = await startStack((asked) => {
    if (asked.body?.['suite_ticket'] === 'ticket-1') stack.tickets.newest = 'ticket-2'
    return refusing((ticket) => ticket === 'ticket-2')(asked, undefined as never)
  })

  assert.equal((await stack.suite.preAuthCode()).code, 'PRE')

  assert.equal(stack.server.count('service/get_suite_token'), 2)
})

test('a refused ticket is not tried again and again, but the next one is', async () => {
  const clock = createClock()
  const { suite, tickets, server } = await startStack(
    refusing((ticket) => ticket === 'ticket-2'),
    clock,
  )

  for (let call = 0; call < 5; call++) {
    await assert.rejects(suite.preAuthCode(), { code: 'WECOM_SUITE_TICKET_REJECTED', retryable: true })
  }
  assert.equal(server.count('service/get_suite_token'), 1)

  tickets.newest = 'ticket-2'
  clock.advance(2_000)

  assert.equal((await suite.preAuthCode()).code, 'PRE')
})

test('a wrong suite secret is asked once and not again for a while', async () => {
  const clock = createClock()
  const { suite, server } = await startStack(
    ({ api }) => (api === 'service/get_suite_token' ? { errcode: 40080, errmsg: 'invalid suite secret' } : undefined),
    clock,
  )

  await Promise.allSettled(Array.from({ length: 50 }, () => suite.preAuthCode()))
  clock.advance(20_000)
  await assert.rejects(suite.preAuthCode(), { code: 'WECOM_PROVIDER_CREDENTIAL_REJECTED' })

  assert.equal(server.count('service/get_suite_token'), 1)
})

for (const errcode of [40082, 42009, 40014, 42001]) {
  test(`a suite token that dies early (${errcode}) is replaced once for all fifty callers`, async () => {
    let dead = ''
    const { suite, server } = await startStack(accepting((token) => token !== dead, errcode))
    await suite.preAuthCode()
    dead = 'S1'

    await Promise.all(Array.from({ length: 50 }, () => suite.preAuthCode()))

    assert.equal(server.count('service/get_suite_token'), 2)
  })
}

test('a suite whose every token is rejected is not asked for tokens in a loop', async () => {
  const { suite, server } = await startStack(accepting(() => false))

  await Promise.allSettled(Array.from({ length: 30 }, () => suite.preAuthCode()))
  await assert.rejects(suite.preAuthCode(), { code: 'WECOM_TOKEN_REJECTED', api: 'service/get_suite_token' })

  assert.ok(server.count('service/get_suite_token') <= 2)
})

test('processes that share a store share the token of a suite', async () => {
  const store = createMemoryTokenStore()
  const first = await startStack(
    accepting(() => true),
    { tokens: store },
  )
  await first.suite.preAuthCode()
  const wecom = createWecom({ apiUrl: first.server.url, ...createHurriedClock(), tokens: store })
  cleanUps.push(() => wecom.close())

  const other = wecom.suite({
    suiteId: 'ww-suite',
    suiteSecret: 'suite-secret',
    ticket: () => assert.fail('no ticket is needed'),
  })

  assert.equal(await other.token(), 'S1')
})

test('a suite, a provider and an app with the same id and secret have tokens of their own', async () => {
  const keys: string[] = []
  const memory = createMemoryTokenStore()
  const store: TokenStore = { ...memory, write: (key, token) => (keys.push(key), memory.write(key, token)) }
  const server = await startServer(({ api }) => {
    if (api === 'service/get_suite_token') return { suite_access_token: 'S', expires_in: 7200 }
    if (api === 'service/get_provider_token') return { provider_access_token: 'P', expires_in: 7200 }
    return undefined
  })
  const wecom = createWecom({ apiUrl: server.url, ...createHurriedClock(), tokens: store })
  cleanUps.push(() => wecom.close(), server.close)

  const suite = wecom.suite({ suiteId: 'id', suiteSecret: 'x', ticket: () => Promise.resolve('t') })
  const provider = wecom.provider({ corpId: 'id', secret: 'x' })
  const app = wecom.principal({ corpId: 'id', secret: 'x' })

  assert.deepEqual([await suite.token(), await provider.token(), await app.token()], ['S', 'P', 'T1'])
  assert.equal(new Set(keys).size, 3)
  assert.ok(keys.every((key) => key.startsWith('id:') && key.length <= 128))
})

test('a caller who gives up while the ticket is looked up is let go', async () => {
  const server = await startServer(() => undefined)
  const wecom = createWecom({ apiUrl: server.url, ...createHurriedClock() })
  cleanUps.push(() => wecom.close(), server.close)
  let asked = false
  const ticket = (): Promise<string> => ((asked = true), new Promise(() => {}))
  const suite = wecom.suite({ suiteId: 'a', suiteSecret: 'b', ticket })
  const giveUp = new AbortController()

  const call = suite.preAuthCode({ signal: giveUp.signal })
  await until(() => asked, 'the ticket is looked up')
  giveUp.abort()

  await assert.rejects(call, { code: 'WECOM_ABORTED' })
})

test('every request of a suite is reported', async () => {
  const { suite, reports } = await startStack(accepting(() => true))

  await suite.preAuthCode()

  assert.deepEqual(
    reports.map(({ api, outcome, attempt }) => [api, outcome, attempt]),
    [
      ['service/get_suite_token', 'ok', 1],
      ['service/get_pre_auth_code', 'ok', 1],
    ],
  )
})

// ---- Authorisations -------------------------------------------------------------------------------------------------

async function suiteThatAnswers(answers: Record<string, unknown>): Promise<Stack> {
  return await startStack(({ api }, response) => {
    if (api === 'service/get_suite_token') return undefined
    return api in answers ? answers[api] : void response.writeHead(404).end('<html>404 page not found</html>')
  })
}

const corp = {
  corpid: 'wpk1',
  corp_name: '上海示例',
  corp_type: 'verified',
  corp_square_logo_url: 'https://p.qlogo.cn/x',
  corp_user_max: 50,
  corp_full_name: '上海示例科技有限公司',
  verified_end_time: 1431775834,
  subject_type: 1,
}
const readCorp = {
  corpId: 'wpk1',
  name: '上海示例',
  fullName: '上海示例科技有限公司',
  squareLogoUrl: 'https://p.qlogo.cn/x',
  maxMembers: 50,
  verifiedUntil: 1_431_775_834_000,
}

test('the options of a session are sent as WeCom numbers them', async () => {
  const { suite, server } = await suiteThatAnswers({ 'service/set_session_info': { errcode: 0, errmsg: 'ok' } })

  await suite.setSession('PRE', { appIds: [1, 2], authType: 'test' })
  await suite.setSession('PRE', { authType: 'formal' })

  assert.deepEqual(bodies(server, 'service/set_session_info'), [
    { pre_auth_code: 'PRE', session_info: { appid: [1, 2], auth_type: 1 } },
    { pre_auth_code: 'PRE', session_info: { auth_type: 0 } },
  ])
})

test('an answer that is none does not set the options of a session', async () => {
  const { suite } = await suiteThatAnswers({ 'service/set_session_info': {} })

  await assert.rejects(suite.setSession('PRE', { authType: 'formal' }), { code: 'WECOM_ANSWER_INCOMPLETE' })
})

test('a permanent code comes with the company and who authorised', async () => {
  const { suite, server } = await suiteThatAnswers({
    'service/v2/get_permanent_code': {
      errcode: 0,
      permanent_code: 'PERM',
      auth_corp_info: { corpid: 'wpk1', corp_name: '上海示例' },
      auth_user_info: { userid: 'woAdmin', open_userid: 'woOpen', name: 'woAdmin', avatar: '' },
      state: 'abc',
    },
  })

  const code = await suite.permanentCode('AUTH')

  assert.equal(code.permanentCode, 'PERM')
  assert.equal(code.corp.corpId, 'wpk1')
  assert.deepEqual(code.admin, { userid: 'woAdmin', openUserid: 'woOpen', name: 'woAdmin' })
  assert.equal(code.state, 'abc')
  assert.equal(code.agents, undefined)
  assert.deepEqual(bodies(server, 'service/v2/get_permanent_code'), [{ auth_code: 'AUTH' }])
})

test('a server that knows only the older path is asked there, with the same code', async () => {
  const { suite, server } = await suiteThatAnswers({
    'service/get_permanent_code': {
      access_token: 'CORP',
      expires_in: 7200,
      permanent_code: 'PERM',
      auth_corp_info: corp,
      auth_info: { agent: [{ agentid: 1, name: 'App', is_customized_app: true }] },
      register_code_info: { register_code: '1', template_id: 'tpl', state: 'registered' },
    },
  })

  const code = await suite.permanentCode('AUTH')

  assert.equal(code.permanentCode, 'PERM')
  assert.deepEqual(code.corp, readCorp)
  assert.equal(code.agents?.[0]?.isCustomizedApp, true)
  assert.equal(code.state, 'registered')
  assert.deepEqual(bodies(server, 'service/get_permanent_code'), [{ auth_code: 'AUTH' }])
})

test('a code that may be used up is sent to no second path and not a second time', async () => {
  for (const answer of [
    { errcode: 40078, errmsg: 'invalid auth_code' },
    { errcode: 40082, errmsg: 'invalid suite_access_token' },
  ]) {
    const { suite, server } = await suiteThatAnswers({
      'service/v2/get_permanent_code': answer,
      'service/get_permanent_code': { permanent_code: 'PERM', auth_corp_info: corp },
    })

    await assert.rejects(suite.permanentCode('AUTH'))

    assert.equal(server.count('service/get_permanent_code'), 0)
  }
  const { suite, server } = await startStack(({ api }, response) =>
    api === 'service/get_suite_token' ? undefined : void response.socket?.destroy(),
  )
  await assert.rejects(suite.permanentCode('AUTH'), { code: 'WECOM_CONNECTION_FAILED' })
  assert.equal(server.count('service/v2/get_permanent_code'), 1)
})

for (const [what, answer] of [
  ['no permanent code', { errcode: 0, auth_corp_info: corp }],
  ['no company', { errcode: 0, permanent_code: 'PERM' }],
  ['a company without id', { errcode: 0, permanent_code: 'PERM', auth_corp_info: { corp_name: 'x' } }],
] as [string, unknown][]) {
  test(`an authorisation with ${what} is a failed call`, async () => {
    const { suite } = await suiteThatAnswers({ 'service/v2/get_permanent_code': answer })

    await assert.rejects(suite.permanentCode('AUTH'), { code: 'WECOM_ANSWER_INCOMPLETE' })
  })
}

const authInfo = {
  errcode: 0,
  auth_corp_info: corp,
  auth_info: {
    agent: [
      {
        agentid: 1000021,
        name: 'Directory',
        square_logo_url: 'https://x',
        appid: 1,
        auth_mode: 0,
        is_customized_app: true,
        privilege: { level: 1, allow_party: [1, 2], allow_user: ['a'], allow_tag: [], extra_party: [4] },
      },
      { agentid: '2' },
    ],
  },
  edition_info: {
    agent: [
      {
        agentid: 1000021,
        edition_id: 'RLS1',
        edition_name: '协同版',
        app_status: 3,
        user_limit: 200,
        expired_time: 1541990791,
      },
      { agentid: 2, user_limit: 0, expired_time: 4294967295 },
    ],
  },
}

test('what a company authorised, with seats and end', async () => {
  const { suite, server } = await suiteThatAnswers({ 'service/v2/get_auth_info': authInfo })

  const { corp: read, agents } = await suite.authInfo('wpk1', 'PERM')

  assert.deepEqual(read, readCorp)
  assert.deepEqual(agents?.[0], {
    agentId: 1000021,
    name: 'Directory',
    squareLogoUrl: 'https://x',
    isCustomizedApp: true,
    authMode: 0,
    allowedDepartmentIds: [1, 2],
    allowedUserids: ['a'],
    allowedTagIds: [],
    edition: { id: 'RLS1', name: '协同版', appStatus: 3, maxUsers: 200, expiresAt: 1_541_990_791_000 },
  })
  assert.equal(agents[1]?.agentId, 2)
  assert.equal(agents[1].allowedDepartmentIds, undefined)
  assert.equal(agents[1].edition?.expiresAt, undefined)
  assert.deepEqual(bodies(server, 'service/v2/get_auth_info'), [{ auth_corpid: 'wpk1', permanent_code: 'PERM' }])
})

test('the older path is asked where the newer one is unknown', async () => {
  const { suite } = await suiteThatAnswers({ 'service/get_auth_info': authInfo })

  assert.equal((await suite.authInfo('wpk1', 'PERM')).agents?.length, 2)
})

test('no apps and no word about apps are not the same', async () => {
  const without = await suiteThatAnswers({ 'service/v2/get_auth_info': { auth_corp_info: corp } })
  const empty = await suiteThatAnswers({
    'service/v2/get_auth_info': { auth_corp_info: corp, auth_info: { agent: [] } },
  })

  assert.equal((await without.suite.authInfo('wpk1', 'PERM')).agents, undefined)
  assert.deepEqual((await empty.suite.authInfo('wpk1', 'PERM')).agents, [])
})

for (const agent of ['all', [{ name: 'no id' }], [null]]) {
  test(`apps that are ${JSON.stringify(agent)} are a failed call`, async () => {
    const { suite } = await suiteThatAnswers({
      'service/v2/get_auth_info': { auth_corp_info: corp, auth_info: { agent } },
    })

    await assert.rejects(suite.authInfo('wpk1', 'PERM'), { code: 'WECOM_ANSWER_INCOMPLETE' })
  })
}

for (const errcode of [40084, 48004, 84005]) {
  test(`a company that cancelled (${errcode}) is told from a suite that is wrong`, async () => {
    const { suite } = await suiteThatAnswers({ 'service/v2/get_auth_info': { errcode, errmsg: 'no' } })

    await assert.rejects(suite.authInfo('wpk1', 'PERM'), { code: 'WECOM_AUTHORIZATION_GONE', errcode })
  })
}

test('the token of a company is fetched once, and one for each company', async () => {
  const { suite, server } = await startStack((asked) =>
    asked.api === 'service/get_corp_token'
      ? { access_token: `token of ${String(asked.body?.['auth_corpid'])}`, expires_in: 7200 }
      : undefined,
  )

  const tokens = await Promise.all(
    ['wpk1', 'wpk2', 'wpk1', 'wpk1'].map((corpId) => suite.corpToken(corpId, `PERM of ${corpId}`)),
  )

  assert.deepEqual(tokens, ['token of wpk1', 'token of wpk2', 'token of wpk1', 'token of wpk1'])
  assert.deepEqual(bodies(server, 'service/get_corp_token'), [
    { auth_corpid: 'wpk1', permanent_code: 'PERM of wpk1' },
    { auth_corpid: 'wpk2', permanent_code: 'PERM of wpk2' },
  ])
})

test('a suite token that dies while the token of a company is fetched is replaced', async () => {
  const { suite, server } = await startStack(({ api, query }) => {
    if (api !== 'service/get_corp_token') return undefined
    return query.get('suite_access_token') === 'S1' ? { errcode: 42009 } : { access_token: 'CORP', expires_in: 7200 }
  })

  assert.equal(await suite.corpToken('wpk1', 'PERM'), 'CORP')

  assert.equal(server.count('service/get_suite_token'), 2)
})

test('the administrators of an app', async () => {
  const { suite } = await suiteThatAnswers({
    'service/get_admin_list': {
      errcode: 0,
      admin: [
        { userid: 'a', open_userid: 'o', auth_type: 1 },
        { userid: 'b', auth_type: 0 },
      ],
    },
  })

  assert.deepEqual(await suite.adminList('wpk1', 1), [
    { userid: 'a', openUserid: 'o', canManage: true },
    { userid: 'b', openUserid: undefined, canManage: false },
  ])
})

// ---- Sign-in --------------------------------------------------------------------------------------------------------

test('who signed in at a provider', async () => {
  const { suite, server } = await suiteThatAnswers({
    'service/auth/getuserinfo3rd': {
      errcode: 0,
      corpid: 'wpk1',
      userid: 'zhangsan',
      open_userid: 'wo1',
      user_ticket: 'TICKET',
      expires_in: 1800,
    },
  })

  assert.deepEqual(await suite.userInfo('CODE'), {
    kind: 'member',
    corpId: 'wpk1',
    userid: 'zhangsan',
    openUserid: 'wo1',
    userTicket: 'TICKET',
    userTicketExpiresInSeconds: 1800,
  })
  const asked = server.asked.at(-1) as Asked
  assert.equal(asked.query.get('suite_access_token'), 'S1')
  assert.equal(asked.query.get('code'), 'CODE')
})

test('the older exchange capitalises its keys and wants the token under another name', async () => {
  const { suite, server } = await suiteThatAnswers({
    'service/getuserinfo3rd': { errcode: 0, CorpId: 'wpk1', UserId: 'zhangsan', DeviceId: 'd' },
  })

  const identity = await suite.userInfo('CODE', { legacy: true })

  assert.equal(identity.kind === 'member' && identity.corpId, 'wpk1')
  const asked = server.asked.at(-1) as Asked
  assert.equal(asked.query.get('access_token'), 'S1')
  assert.equal(asked.query.get('suite_access_token'), null)
})

for (const [what, answer, kind] of [
  ['somebody in no company', { errcode: 0, openid: 'o1' }, 'outsider'],
  ['somebody in no company, in the older spelling', { OpenId: 'o1', DeviceId: 'd' }, 'outsider'],
  ['a member of a connected company', { errcode: 0, corpid: 'wpk1', userid: 'wpk2/a' }, 'partner-member'],
] as [string, unknown, string][]) {
  test(`${what} is no member`, async () => {
    const { suite } = await suiteThatAnswers({ 'service/auth/getuserinfo3rd': answer })

    assert.equal((await suite.userInfo('CODE')).kind, kind)
  })
}

for (const [what, answer] of [
  ['a userid without a company', { errcode: 0, userid: 'zhangsan' }],
  ['a userid of an empty company', { errcode: 0, corpid: '', userid: 'zhangsan' }],
  ['a company without a userid', { errcode: 0, corpid: 'wpk1' }],
  ['an empty userid', { errcode: 0, corpid: 'wpk1', userid: '' }],
  ['nobody', { errcode: 0 }],
] as [string, unknown][]) {
  test(`an identity of ${what} is a failed call, and nobody is let in on it`, async () => {
    const { suite } = await suiteThatAnswers({ 'service/auth/getuserinfo3rd': answer })

    await assert.rejects(suite.userInfo('CODE'), { code: 'WECOM_ANSWER_INCOMPLETE' })
  })
}

for (const errcode of [40029, 42003, 42022]) {
  test(`a code that cannot be used (${errcode}) means to start again`, async () => {
    const { suite, server } = await suiteThatAnswers({
      'service/auth/getuserinfo3rd': { errcode, errmsg: 'invalid code' },
    })

    await assert.rejects(suite.userInfo('CODE'), { code: 'WECOM_CODE_REJECTED' })

    assert.equal(server.count('service/auth/getuserinfo3rd'), 1)
  })
}

test('what a ticket shows of a person', async () => {
  const { suite, server } = await suiteThatAnswers({
    'service/auth/getuserdetail3rd': {
      errcode: 0,
      corpid: 'wpk1',
      userid: 'a',
      name: 'a',
      gender: '1',
      avatar: '',
      qr_code: 'q',
    },
  })

  assert.deepEqual(await suite.userDetail('TICKET'), {
    corpId: 'wpk1',
    userid: 'a',
    name: 'a',
    gender: 'male',
    avatar: '',
    qrCode: 'q',
  })
  assert.deepEqual(bodies(server, 'service/auth/getuserdetail3rd'), [{ user_ticket: 'TICKET' }])
})

test('empty arguments are refused and nothing is sent', async () => {
  const { suite, server } = await suiteThatAnswers({})

  for (const call of [
    () => suite.setSession('', {}),
    () => suite.permanentCode(''),
    () => suite.authInfo('', 'PERM'),
    () => suite.authInfo('wpk1', ''),
    () => suite.corpToken('wpk1', ''),
    () => suite.adminList('', 1),
    () => suite.userInfo(''),
    () => suite.userDetail(''),
  ]) {
    await assert.rejects(call, { code: 'WECOM_ARGUMENT_INVALID' })
  }
  assert.deepEqual(server.asked, [])
  const wecom = createWecom({ apiUrl: server.url })
  cleanUps.push(() => wecom.close())
  const ticket = () => Promise.resolve('t')
  assert.throws(() => wecom.suite({ suiteId: '', suiteSecret: 'x', ticket }), { code: 'WECOM_ARGUMENT_INVALID' })
  assert.throws(() => wecom.suite({ suiteId: 'x', suiteSecret: '', ticket }), { code: 'WECOM_ARGUMENT_INVALID' })
})

function bodies(server: Stack['server'], api: string): unknown[] {
  return server.asked.filter((one) => one.api === api).map(({ body }) => body)
}
