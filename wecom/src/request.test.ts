/** What is believed, what is asked again, and how long anything may take: against real sockets. */

import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'

import { createClock, createHurriedClock, until } from '../test/clock.ts'
import { startServer } from '../test/local-server.ts'
import type { Answerer, LocalServer } from '../test/local-server.ts'
import { WecomError, createWecom } from './index.ts'
import type { Budget, CallReport, Principal, PrincipalOptions, WecomErrorCode, WecomOptions } from './index.ts'

const cleanUps: (() => Promise<void>)[] = []
after(() => Promise.all(cleanUps.map((cleanUp) => cleanUp())))

type Stack = { server: LocalServer; principal: Principal; waits: readonly number[] }

async function startStack(
  answer: Answerer,
  options: WecomOptions = {},
  principalOptions: Partial<PrincipalOptions> = {},
): Promise<Stack> {
  const server = await startServer(answer)
  const clock = createHurriedClock()
  const wecom = createWecom({ apiUrl: server.url, ...clock, random: () => 0.5, ...options })
  cleanUps.push(() => wecom.close(), server.close)
  const principal = wecom.principal({ corpId: 'ww1', secret: 'secret-of-the-app', agentId: 7, ...principalOptions })
  return { server, principal, waits: clock.waits }
}

function failsWith(code: WecomErrorCode) {
  return (error: unknown) => {
    assert.ok(error instanceof WecomError, `not a WecomError: ${String(error)}`)
    assert.equal(error.code, code, error.message)
    return true
  }
}

const tree = { errcode: 0, errmsg: 'ok', department: [{ id: 1, parentid: 0 }] }

test('a call sends the token in the query string and reads the list', async () => {
  const { server, principal } = await startStack(({ api }) => (api === 'department/list' ? tree : undefined))

  const { departments } = await principal.departments.list(3)

  assert.deepEqual(departments[0]?.parentId, 0)
  assert.equal(server.asked[1]?.query.get('access_token'), 'T1')
  assert.equal(server.asked[1]?.query.get('id'), '3')
})

test('an answer without errcode is a success when the expected list is there', async () => {
  const { principal } = await startStack(({ api }) => (api === 'user/list' ? { userlist: [] } : undefined))

  assert.deepEqual(await principal.members.list(1), { members: [], rejected: [] })
})

test('a byte order mark before the JSON is tolerated', async () => {
  const { principal } = await startStack(({ api }) => (api === 'user/list' ? '\ufeff{"userlist":[]}' : undefined))

  assert.deepEqual((await principal.members.list(1)).members, [])
})

const unbelievable: [string, WecomErrorCode, Answerer][] = [
  ['an error with empty lists', 'WECOM_NOT_VISIBLE', () => ({ errcode: 60011, errmsg: 'no privilege', userlist: [] })],
  ['an error code in quotes', 'WECOM_NOT_VISIBLE', () => ({ errcode: '60011', userlist: [] })],
  ['an unknown error code', 'WECOM_REFUSED', () => ({ errcode: 987654, userlist: [] })],
  ['an error code that is no number', 'WECOM_ANSWER_UNREADABLE', () => ({ errcode: null, userlist: [] })],
  ['success without the list', 'WECOM_ANSWER_INCOMPLETE', () => ({ errcode: 0, errmsg: 'ok' })],
  ['an empty object', 'WECOM_ANSWER_INCOMPLETE', () => ({})],
  ['a list that is null', 'WECOM_ANSWER_INCOMPLETE', () => ({ errcode: 0, userlist: null })],
  ['a list that is an object', 'WECOM_ANSWER_INCOMPLETE', () => ({ errcode: 0, userlist: {} })],
  ['HTML', 'WECOM_ANSWER_UNREADABLE', () => '<html><body>Welcome</body></html>'],
  ['an empty body', 'WECOM_ANSWER_UNREADABLE', (_, response) => void response.end()],
  ['a JSON array', 'WECOM_ANSWER_UNREADABLE', () => '[]'],
  ['JSON text', 'WECOM_ANSWER_UNREADABLE', () => '"ok"'],
  ['JSON with NaN', 'WECOM_ANSWER_TRUNCATED', () => '{"errcode":NaN,"userlist":[]}'],
  ['truncated JSON', 'WECOM_ANSWER_TRUNCATED', () => '{"errcode":0,"userlist":[{"userid":"a"'],
  ['two JSON values', 'WECOM_ANSWER_TRUNCATED', () => '{"errcode":0,"userlist":[]}{"errcode":0}'],
  [
    'bytes that are not UTF-8',
    'WECOM_ANSWER_UNREADABLE',
    () => Buffer.from('7b22757365726c697374223a5b22d6d022 5d7d'.replace(' ', ''), 'hex'),
  ],
  [
    'another charset',
    'WECOM_ANSWER_UNREADABLE',
    (_, response) => void response.setHeader('content-type', 'application/json; charset=GBK').end('{"userlist":[]}'),
  ],
  [
    'a compressed body',
    'WECOM_ANSWER_UNREADABLE',
    (_, response) => void response.setHeader('content-encoding', 'gzip').end('{"userlist":[]}'),
  ],
  ['HTTP 204', 'WECOM_UNEXPECTED_STATUS', (_, response) => void response.writeHead(204).end()],
  [
    'HTTP 201 with a list',
    'WECOM_UNEXPECTED_STATUS',
    (_, response) => void response.writeHead(201).end('{"userlist":[]}'),
  ],
  ['HTTP 404', 'WECOM_UNEXPECTED_STATUS', (_, response) => void response.writeHead(404).end('{"userlist":[]}')],
  ['HTTP 500', 'WECOM_SERVER_FAILED', (_, response) => void response.writeHead(500).end('{"userlist":[]}')],
]

for (const [what, code, answer] of unbelievable) {
  test(`${what} is a failed call, not an empty department`, async () => {
    const { principal } = await startStack((asked, response) =>
      asked.api === 'user/list' ? answer(asked, response) : undefined,
    )

    await assert.rejects(principal.members.list(1), failsWith(code))
  })
}

test('a redirect is not followed', async () => {
  const elsewhere = await startServer(() => ({ userlist: [] }))
  cleanUps.push(elsewhere.close)
  const { principal } = await startStack(({ api }, response) =>
    api === 'user/list' ? void response.writeHead(302, { location: `${elsewhere.url}/stolen` }).end() : undefined,
  )

  await assert.rejects(principal.members.list(1), failsWith('WECOM_REDIRECTED'))

  assert.equal(elsewhere.asked.length, 0)
})

test('an answer larger than allowed is refused while it arrives', async () => {
  const { principal } = await startStack(
    ({ api }, response) => {
      if (api !== 'user/list') return undefined
      const chunk = ' '.repeat(1000)
      for (let index = 0; index < 100; index++) response.write(chunk)
      return undefined // never ends: only the bound can stop it
    },
    { maxResponseBytes: 10_000 },
  )

  await assert.rejects(principal.members.list(1), failsWith('WECOM_ANSWER_TOO_LARGE'))
})

test('a JSON value nested a million deep neither overflows nor passes for a list', async () => {
  const deep = `{"errcode":0,"userlist":${'['.repeat(1e6)}${']'.repeat(1e6)}}`
  const { principal } = await startStack(({ api }) => (api === 'user/list' ? deep : undefined))

  const page = await principal.members.list(1).catch((error: unknown) => error)

  if (page instanceof WecomError) assert.equal(page.kind, 'protocol')
  else assert.deepEqual(page, { members: [], rejected: [{ reason: 'not an object' }] })
})

for (const [what, answer] of [
  ['-1', () => ({ errcode: -1, errmsg: 'system error' })],
  ['HTTP 503', (_: unknown, response) => void response.writeHead(503).end()],
  ['a closed connection', (_: unknown, response) => void response.socket?.destroy()],
  ['a truncated answer', () => '{"errcode":0,'],
  [
    'an answer shorter than announced',
    (_: unknown, response) => {
      response.writeHead(200, { 'content-length': 100 }).write('{"errcode":0,"userlist":[]}', () => {
        response.socket?.end()
      })
    },
  ],
] as [string, Answerer][]) {
  test(`${what} is asked again with growing waits, three times at most`, async () => {
    const { server, principal, waits } = await startStack((asked, response) =>
      asked.api === 'user/list' ? answer(asked, response) : undefined,
    )

    await assert.rejects(principal.members.list(1), WecomError)

    assert.equal(server.count('user/list'), 4)
    assert.deepEqual(waits, [375, 750, 1500])
  })
}

test('no answer in time is asked again with growing waits, three times at most', async () => {
  const { server, principal, waits } = await startStack(() => undefined, { callTimeoutMs: 250 })

  await assert.rejects(principal.members.list(1), { code: 'WECOM_TIMEOUT', api: 'user/list' })

  assert.equal(server.count('user/list'), 4)
  // On a busy machine the token may have been late, too.
  assert.deepEqual(waits.slice(-3), [375, 750, 1500])
})

for (const [what, answer] of [
  ['HTML', '<html><body>Welcome</body></html>'],
  ['success without its list', { errcode: 0 }],
] as const) {
  test(`${what} is asked once: who answers so answers so again`, async () => {
    const { server, principal } = await startStack(({ api }) => (api === 'user/list' ? answer : undefined))

    await assert.rejects(principal.members.list(1), (error: WecomError) => !error.retryable)

    assert.equal(server.count('user/list'), 1)
  })
}

test('a call that fails twice and then works gives its result', async () => {
  const { principal } = await startStack(({ api, earlier }) => {
    if (api !== 'user/list') return undefined
    return earlier < 2 ? { errcode: -1, userlist: [] } : { errcode: 0, userlist: [{ userid: 'a' }] }
  })

  assert.equal((await principal.members.list(1)).members.length, 1)
})

for (const errcode of [40001, 40013, 40091, 41004, 60020, 48002, 48009, 50003, 60011, 60111]) {
  test(`${errcode} is asked once`, async () => {
    const { server, principal } = await startStack(({ api }) => (api === 'user/list' ? { errcode } : undefined))

    await assert.rejects(
      principal.members.list(1),
      (error: WecomError) => error.errcode === errcode && !error.retryable,
    )

    assert.equal(server.count('user/list'), 1)
    assert.equal(server.count('gettoken'), 1)
  })
}

test('the submission of an export is never sent twice, whatever went wrong', async () => {
  const { server, principal } = await startStack(({ api, earlier }, response) => {
    if (!api.startsWith('export/')) return undefined
    return earlier === 0 ? { errcode: -1 } : void response.socket?.destroy()
  })
  const submission = { encodingAesKey: 'a'.repeat(43) }

  await assert.rejects(principal.exports.submit('user', submission), failsWith('WECOM_BUSY'))
  await assert.rejects(principal.exports.submit('user', submission), failsWith('WECOM_CONNECTION_FAILED'))

  assert.equal(server.count('export/user'), 2)
})

test('a sign-in code is sent again after "busy" but not after a broken connection', async () => {
  const { server, principal } = await startStack(({ api, earlier }, response) => {
    if (api !== 'auth/getuserinfo') return undefined
    return earlier === 0 ? { errcode: -1 } : void response.socket?.destroy()
  })

  await assert.rejects(principal.auth.userInfo('code-1'), failsWith('WECOM_CONNECTION_FAILED'))

  assert.equal(server.count('auth/getuserinfo'), 2)
})

test('a server that sends one byte at a time does not outlast the deadline', async () => {
  const { principal } = await startStack(
    ({ api }, response) => {
      if (api !== 'user/list') return undefined
      const drip = setInterval(() => response.write(' '), 20)
      response.on('close', () => clearInterval(drip))
      return undefined
    },
    { callTimeoutMs: 200 },
  )

  await assert.rejects(principal.members.list(1), failsWith('WECOM_TIMEOUT'))
})

test('a server that accepts and stays silent, headers included, does not outlast the deadline', async () => {
  const silent = createServer((socket) => socket.on('error', () => {}))
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  const wecom = createWecom({
    apiUrl: `http://127.0.0.1:${(silent.address() as AddressInfo).port}`,
    ...createHurriedClock(),
    callTimeoutMs: 100,
  })
  cleanUps.push(async () => void silent.close())

  const call = wecom.principal({ corpId: 'ww1', secret: 's' }).departments.list()

  await assert.rejects(call, failsWith('WECOM_TIMEOUT'))
})

test('a name that does not resolve and a port that is closed are told apart, and were never sent', async () => {
  const closed = await startServer(() => undefined)
  await closed.close()
  const failure = (apiUrl: string) =>
    createWecom({ apiUrl, ...createHurriedClock() })
      .principal({ corpId: 'ww1', secret: 's' })
      .departments.list()
      .catch((error: unknown) => error as WecomError)

  const [unresolved, refused] = await Promise.all([failure('http://wecom.invalid'), failure(closed.url)])

  assert.deepEqual(
    [unresolved, refused].map((error) => error instanceof WecomError && [error.code, error.isUnsent]),
    [
      ['WECOM_DNS_FAILED', true],
      ['WECOM_CONNECTION_FAILED', true],
    ],
  )
})

test('a caller who gives up gets out of a request that hangs', async () => {
  const giveUp = new AbortController()
  const { server, principal } = await startStack(() => undefined)
  const call = principal.members.list(1, { signal: giveUp.signal })
  await until(() => server.count('user/list') === 1, 'the request arrives')

  giveUp.abort(new Error('enough'))

  await assert.rejects(call, failsWith('WECOM_ABORTED'))
})

test('a caller who gave up before the call sends nothing', async () => {
  const { server, principal } = await startStack(() => tree)

  await assert.rejects(principal.departments.list(1, { signal: AbortSignal.abort() }), failsWith('WECOM_ABORTED'))

  assert.equal(server.asked.length, 0)
})

test('every request that was sent is reported once, gettoken and repetitions included', async () => {
  const reports: CallReport[] = []
  const { server, principal } = await startStack(
    ({ api, earlier }) => {
      if (api !== 'user/list') return undefined
      return [{ errcode: 42001 }, { errcode: -1 }, { errcode: 0, userlist: [] }][earlier]
    },
    {},
    { onCall: (report) => reports.push(report) },
  )

  await principal.members.list(1)

  assert.deepEqual(
    reports.map(({ api, outcome, errcode, attempt }) => ({ api, outcome, errcode, attempt })),
    [
      { api: 'gettoken', outcome: 'ok', errcode: undefined, attempt: 1 },
      { api: 'user/list', outcome: 'credential', errcode: 42001, attempt: 1 },
      { api: 'gettoken', outcome: 'ok', errcode: undefined, attempt: 1 },
      { api: 'user/list', outcome: 'busy', errcode: -1, attempt: 2 },
      { api: 'user/list', outcome: 'ok', errcode: undefined, attempt: 3 },
    ],
  )
  assert.equal(reports.length, server.asked.length)
})

test('a report carries the time that the answer named, also of a refusal, and none that cannot be read', async () => {
  const reports: CallReport[] = []
  const dates = ['Fri, 20 Nov 2026 03:00:00 GMT', 'Fri, 20 Nov 2026 03:00:01 GMT', 'yesterday']
  const { principal } = await startStack(
    ({ api }, response) => {
      response.setHeader('date', dates[reports.length] ?? '')
      return api === 'user/list' ? { errcode: reports.length === 1 ? 42001 : 0, userlist: [] } : undefined
    },
    {},
    { onCall: (report) => reports.push(report) },
  )

  await principal.members.list(1)

  assert.deepEqual(
    reports.map(({ serverTime }) => serverTime),
    [Date.UTC(2026, 10, 20, 3), Date.UTC(2026, 10, 20, 3, 0, 1), undefined, undefined],
  )
})

test('every request takes a place of the budget and gives it back, whatever comes of it', async () => {
  const taken: string[] = []
  let free = 0
  const budget: Budget = {
    acquire: ({ corpId, api, priority }) => {
      taken.push(`${corpId} ${api} ${priority}`)
      return Promise.resolve({ release: () => free++, recalled: undefined })
    },
  }
  const { principal } = await startStack(
    ({ api, earlier }) => {
      if (api !== 'user/list') return undefined
      return [{ errcode: 45009 }, { errcode: 40014 }, { errcode: 60011 }][earlier]
    },
    { budget },
  )

  await assert.rejects(principal.members.list(1, { priority: 'interactive' }), failsWith('WECOM_FREQUENCY_LIMITED'))
  await assert.rejects(principal.members.list(1), failsWith('WECOM_NOT_VISIBLE'))

  assert.deepEqual(taken, [
    'ww1 gettoken interactive',
    'ww1 user/list interactive',
    'ww1 user/list bulk',
    'ww1 gettoken bulk',
    'ww1 user/list bulk',
  ])
  assert.equal(free, taken.length)
})

test('a sign-in gets through ten reads that hang, and the read that made room is sent once more', async () => {
  const clock = createClock()
  const outcomes: string[] = []
  const hanging: ServerResponse[] = []
  const empty = { errcode: 0, userlist: [] }
  const { server, principal } = await startStack(
    ({ api, earlier }, response) => {
      if (api === 'auth/getuserinfo') return { errcode: 0, userid: 'a' }
      if (api !== 'user/list') return undefined
      return earlier < 10 ? void hanging.push(response) : empty
    },
    clock,
    { onCall: ({ api, outcome }) => outcomes.push(`${api} ${outcome}`) },
  )
  const reads = Promise.all(Array.from({ length: 10 }, () => principal.members.list(1)))
  await until(() => hanging.length === 10, 'ten reads are under way')
  const signIn = principal.auth.userInfo('code', { priority: 'interactive' })
  await until(() => clock.waiting() > 0, 'the sign-in waits for the next answer')

  clock.advance(500)
  await signIn

  assert.deepEqual(outcomes, ['gettoken ok', 'user/list aborted', 'auth/getuserinfo ok'])
  for (const response of hanging) response.end(JSON.stringify(empty))
  assert.equal((await reads).length, 10)
  assert.equal(server.count('user/list'), 11)
})

test('arguments that cannot be meant are refused without a request', async () => {
  const { server, principal } = await startStack(() => tree)

  for (const call of [
    () => principal.departments.list(0),
    () => principal.departments.get(1.5),
    () => principal.members.list(-1),
    () => principal.members.get(''),
    () => principal.auth.userInfo(''),
    () => principal.agent.get('seven'),
  ]) {
    await assert.rejects(call(), failsWith('WECOM_ARGUMENT_INVALID'))
  }

  assert.equal(server.asked.length, 0)
})

for (const apiUrl of ['ftp://a', 'not a url', 'http://user@host', 'https://host/?a=b', 'https://host/#x']) {
  test(`${apiUrl} is not an address for the API`, () => {
    assert.throws(() => createWecom({ apiUrl }), failsWith('WECOM_ARGUMENT_INVALID'))
  })
}

test('an API address may have a path and a trailing slash', async () => {
  const { server } = await startStack(() => ({ errcode: 0, access_token: 'T1' }))
  const wecom = createWecom({ apiUrl: `${server.url}/proxy/` })
  cleanUps.push(() => wecom.close())

  const token = await wecom.principal({ corpId: 'ww1', secret: 's' }).token()

  assert.equal(token, 'T1')
  assert.equal(server.asked[0]?.api, '/proxy/cgi-bin/gettoken')
})
