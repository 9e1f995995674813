/** Tokens are fetched once, renewed early, replaced once, and a refused secret is left alone. */

import assert from 'node:assert/strict'
import { after, test } from 'node:test'

import { createClock, createHurriedClock, until } from '../test/clock.ts'
import { startServer } from '../test/local-server.ts'
import type { Answerer } from '../test/local-server.ts'
import { createMemoryTokenStore, createWecom } from './index.ts'
import type { TokenStore, WecomOptions, WecomError } from './index.ts'

const cleanUps: (() => Promise<void>)[] = []
after(() => Promise.all(cleanUps.map((cleanUp) => cleanUp())))

async function startStack(answer: Answerer, options: WecomOptions = {}) {
  const server = await startServer(answer)
  const wecom = createWecom({ apiUrl: server.url, ...createHurriedClock(), random: () => 0.5, ...options })
  cleanUps.push(() => wecom.close(), server.close)
  return { server, wecom, principal: wecom.principal({ corpId: 'ww1', secret: 'right' }) }
}

/** Accepts only the tokens that `isGood` names. */
function company(isGood: (token: string) => boolean, errcode = 40014): Answerer {
  return ({ api, query }) => {
    if (api === 'gettoken') return undefined
    return isGood(query.get('access_token') ?? '') ? { errcode: 0, userlist: [], department: [] } : { errcode }
  }
}

test('fifty callers at once fetch one token', async () => {
  const { server, principal } = await startStack(company(() => true))

  await Promise.all(Array.from({ length: 50 }, () => principal.members.list(1)))

  assert.equal(server.count('gettoken'), 1)
})

for (const errcode of [40014, 42001]) {
  test(`a token that dies early (${errcode}) is replaced once for all fifty callers`, async () => {
    let dead = ''
    const { server, principal } = await startStack(company((token) => token !== dead, errcode))
    await principal.members.list(1)
    dead = 'T1'

    await Promise.all(Array.from({ length: 50 }, () => principal.members.list(1)))

    assert.equal(server.count('gettoken'), 2)
  })
}

test('a company that rejects every token is not asked for tokens in a loop', async () => {
  const { server, principal } = await startStack(company(() => false))

  const outcomes = await Promise.allSettled(Array.from({ length: 30 }, () => principal.members.list(1)))
  await assert.rejects(principal.members.list(1), (error: WecomError) => error.code === 'WECOM_TOKEN_REJECTED')

  assert.ok(outcomes.every(({ status }) => status === 'rejected'))
  assert.ok(server.count('gettoken') <= 2, `${server.count('gettoken')} tokens were fetched`)
})

test('a company that gives the same token until it expires is served, and stops when that one is rejected', async () => {
  const { server, principal } = await startStack((asked) =>
    asked.api === 'gettoken'
      ? { errcode: 0, access_token: 'SAME', expires_in: 7200 }
      : company(() => false)(asked, undefined as never),
  )

  await assert.rejects(principal.members.list(1), (error: WecomError) => error.code === 'WECOM_TOKEN_REJECTED')

  assert.equal(server.count('gettoken'), 2)
})

test('callers whose token was rejected go on when WeCom hands out the same text again', async () => {
  let rejections = 20
  const { server, principal } = await startStack(({ api }) => {
    if (api === 'gettoken') return { errcode: 0, access_token: 'SAME', expires_in: 7200 }
    return rejections-- > 0 ? { errcode: 42001 } : { errcode: 0, userlist: [] }
  })

  const pages = await Promise.all(Array.from({ length: 20 }, () => principal.members.list(1)))

  assert.equal(pages.length, 20)
  assert.ok(server.count('gettoken') >= 2)
})

test('a token may die again and again as long as each one worked', async () => {
  const dead = new Set<string>()
  const { server, principal } = await startStack(company((token) => !dead.has(token)))

  for (let round = 1; round <= 5; round++) {
    await principal.members.list(1)
    dead.add(`T${round}`)
  }
  await principal.members.list(1)

  assert.equal(server.count('gettoken'), 6)
})

test('a wrong secret is asked once by fifty parallel callers and not again for a while', async () => {
  const clock = createClock()
  const { server, principal } = await startStack(
    ({ api }) => (api === 'gettoken' ? { errcode: 40001, errmsg: 'invalid credential' } : undefined),
    clock,
  )

  const outcomes = await Promise.allSettled(Array.from({ length: 50 }, () => principal.members.list(1)))
  await assert.rejects(principal.members.list(1), (error: WecomError) => error.code === 'WECOM_SECRET_REJECTED')

  assert.ok(outcomes.every(({ status }) => status === 'rejected'))
  assert.equal(server.count('gettoken'), 1)

  clock.advance(31_000)
  await assert.rejects(principal.members.list(1))

  assert.equal(server.count('gettoken'), 2)
})

test('an address that was trusted or an app that was enabled in the meantime is noticed within seconds', async () => {
  for (const errcode of [60020, 50003]) {
    let isMended = false
    const clock = createClock()
    const { server, principal } = await startStack(({ api }) => {
      if (api !== 'gettoken') return { errcode: 0, userlist: [] }
      return isMended ? undefined : { errcode }
    }, clock)
    await assert.rejects(principal.members.list(1))
    await assert.rejects(principal.members.list(1))
    assert.equal(server.count('gettoken'), 1)

    isMended = true
    clock.advance(2_001)
    await principal.members.list(1)

    assert.equal(server.count('gettoken'), 2)
  }
})

test('a changed secret is asked at once although the old one was refused', async () => {
  const { wecom, server } = await startStack(({ api, query }) => {
    if (api !== 'gettoken') return { errcode: 0, userlist: [] }
    return query.get('corpsecret') === 'right' ? undefined : { errcode: 40091 }
  })

  await assert.rejects(wecom.principal({ corpId: 'ww1', secret: 'wrong' }).members.list(1))
  await wecom.principal({ corpId: 'ww1', secret: 'right' }).members.list(1)

  assert.equal(server.count('gettoken'), 2)
})

test('two secrets of one company never use each other’s token', async () => {
  const { wecom, server } = await startStack(({ api, query }) => {
    if (api === 'gettoken') return { errcode: 0, access_token: `token-of-${query.get('corpsecret')}`, expires_in: 7200 }
    return { errcode: 0, userlist: [] }
  })

  await Promise.all(
    ['app', 'contacts'].map((secret) => wecom.principal({ corpId: 'ww1', secret }).members.list(secret.length)),
  )

  const used = server.asked
    .filter(({ api }) => api === 'user/list')
    .map(({ query }) => [query.get('department_id'), query.get('access_token')])
  assert.deepEqual(
    used.sort((a, b) => String(a).localeCompare(String(b))),
    [
      ['3', 'token-of-app'],
      ['8', 'token-of-contacts'],
    ],
  )
})

test('a token is renewed before it expires, at most ten minutes', async () => {
  const clock = createClock()
  const { server, principal } = await startStack(
    company(() => true),
    clock,
  )
  await principal.members.list(1)

  clock.advance((7200 - 601) * 1000)
  await principal.members.list(1)
  assert.equal(server.count('gettoken'), 1)

  clock.advance(301_000)
  await principal.members.list(1)
  assert.equal(server.count('gettoken'), 2)
})

test('a renewal that fails does not fail calls while the old token lives', async () => {
  const clock = createHurriedClock()
  let time = 0
  const { principal } = await startStack(
    ({ api, earlier }) => {
      if (api !== 'gettoken') return { errcode: 0, userlist: [] }
      return earlier === 0 ? undefined : { errcode: -1 }
    },
    { ...clock, now: () => clock.now() + time },
  )
  await principal.members.list(1)

  time = (7200 - 120) * 1000
  await principal.members.list(1)

  time = 7201 * 1000
  await assert.rejects(principal.members.list(1), (error: WecomError) => error.code === 'WECOM_BUSY')
})

test('a clock that was set back an hour leads to a new token, not to a token that never ages', async () => {
  let now = 1_800_000_000_000
  const { server, principal } = await startStack(
    company(() => true),
    { now: () => now },
  )
  await principal.members.list(1)

  now -= 3_600_000
  await principal.members.list(1)

  assert.equal(server.count('gettoken'), 2)
})

test('a token lives at most a day, whatever expires_in says, and two hours when it says nothing', async () => {
  const writes: number[] = []
  const memory = createMemoryTokenStore()
  const store: TokenStore = {
    ...memory,
    write: async (key, token) => {
      writes.push((token.expiresAt - token.obtainedAt) / 1000)
      await memory.write(key, token)
    },
  }
  const lifetimes = [1e12, undefined, '600']
  const { wecom } = await startStack(
    ({ api, earlier }) => (api === 'gettoken' ? { access_token: 'T', expires_in: lifetimes[earlier] } : undefined),
    { tokens: store },
  )

  for (const secret of ['a', 'b', 'c']) await wecom.principal({ corpId: 'ww1', secret }).token()

  assert.deepEqual(writes, [86_400, 7200, 600])
})

test('a token of 512 and more bytes is stored whole', async () => {
  const long = 'x'.repeat(2000)
  const { principal } = await startStack(() => ({ errcode: 0, access_token: long, expires_in: 7200 }))

  assert.equal(await principal.token(), long)
})

test('two processes that share a store share the token, and its replacement', async () => {
  const tokens = createMemoryTokenStore()
  let dead = ''
  const { server, principal } = await startStack(
    company((token) => token !== dead),
    { tokens },
  )
  const other = createWecom({ apiUrl: server.url, tokens, ...createHurriedClock() })
  cleanUps.push(() => other.close())
  const otherPrincipal = other.principal({ corpId: 'ww1', secret: 'right' })

  await principal.members.list(1)
  await otherPrincipal.members.list(1)
  assert.equal(server.count('gettoken'), 1)

  dead = 'T1'
  await principal.members.list(1)
  await otherPrincipal.members.list(1)
  assert.equal(server.count('gettoken'), 2)
})

test('processes that start together fetch one token when their store can exclude the others', async () => {
  const memory = createMemoryTokenStore()
  let last: Promise<unknown> = Promise.resolve()
  const tokens: TokenStore = {
    ...memory,
    exclusively: (_key, work) => {
      const turn = last.then(work)
      last = turn.catch(() => {})
      return turn
    },
  }
  const { server, principal } = await startStack(
    company(() => true),
    { tokens },
  )
  const others = Array.from({ length: 4 }, () => createWecom({ apiUrl: server.url, tokens, ...createHurriedClock() }))
  for (const other of others) cleanUps.push(() => other.close())

  await Promise.all([
    principal.token(),
    ...others.map((other) => other.principal({ corpId: 'ww1', secret: 'right' }).token()),
  ])

  assert.equal(server.count('gettoken'), 1)
})

test('the key of a store contains no secret', async () => {
  const keys: string[] = []
  const memory = createMemoryTokenStore()
  const { principal } = await startStack(() => undefined, {
    tokens: { ...memory, read: (key) => (keys.push(key), memory.read(key)) },
  })

  await principal.token()

  assert.ok(keys.length > 0)
  assert.ok(keys.every((key) => key.startsWith('ww1:') && !key.includes('right') && key.length <= 128))
})

test('a caller who gives up does not take the token away from the others', async () => {
  const giveUp = new AbortController()
  let answerToken = () => {}
  const { server, principal } = await startStack(({ api }, response) => {
    if (api !== 'gettoken') return { errcode: 0, userlist: [] }
    answerToken = () => response.end(JSON.stringify({ errcode: 0, access_token: 'T1', expires_in: 7200 }))
    return new Promise(() => {})
  })
  const impatient = principal.members.list(1, { signal: giveUp.signal })
  const patient = principal.members.list(1)
  await until(() => server.count('gettoken') === 1, 'the token is asked for')

  giveUp.abort()
  await assert.rejects(impatient, (error: WecomError) => error.code === 'WECOM_ABORTED')
  answerToken()

  assert.deepEqual((await patient).members, [])
  assert.equal(server.count('gettoken'), 1)
})
