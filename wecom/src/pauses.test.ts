/** After "too many calls" everybody waits, one asks, and the run goes on. */

import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { after, test } from 'node:test'

import { createClock, createHurriedClock, until } from '../test/clock.ts'
import { startServer } from '../test/local-server.ts'
import type { Answerer } from '../test/local-server.ts'
import { errorFromErrcode } from './errors.ts'
import { createWecom } from './index.ts'
import type { PrincipalOptions, WecomError, WecomOptions } from './index.ts'
import { createGate } from './pauses.ts'

const cleanUps: (() => Promise<void>)[] = []
after(() => Promise.all(cleanUps.map((cleanUp) => cleanUp())))

async function startStack(answer: Answerer, options: WecomOptions, principalOptions: Partial<PrincipalOptions> = {}) {
  const server = await startServer(answer)
  const wecom = createWecom({ apiUrl: server.url, random: () => 0, ...options })
  cleanUps.push(() => wecom.close(), server.close)
  return { server, wecom, principal: wecom.principal({ corpId: 'ww1', secret: 's', ...principalOptions }) }
}

test('twenty callers under 45009 wait a minute, one probes, and all of them finish', async () => {
  const clock = createClock()
  let isLimited = true
  const { server, principal } = await startStack(({ api }) => {
    if (api !== 'user/list') return undefined
    return isLimited ? { errcode: 45009, errmsg: 'api freq out of limit' } : { errcode: 0, userlist: [] }
  }, clock)
  const run = Promise.all(Array.from({ length: 20 }, () => principal.members.list(1)))
  await until(() => clock.waiting() === 20, 'all callers wait')
  const before = server.count('user/list')

  clock.advance(59_999)
  await setImmediate()
  assert.equal(server.count('user/list'), before, 'nobody asks before the minute is over')

  clock.advance(1)
  await until(() => server.count('user/list') === before + 1, 'one caller probes')
  await until(() => clock.waiting() > 0, 'the pause is extended')
  assert.equal(server.count('user/list'), before + 1, 'only one caller probes')

  isLimited = false
  clock.advance(120_000)
  assert.equal((await run).length, 20)
  assert.ok(before <= 10, `${before} calls were in flight when the limit was hit`)
})

test('another interface of the same company goes on during the pause', async () => {
  const clock = createClock()
  const { principal } = await startStack(
    ({ api }) =>
      api === 'gettoken' ? undefined : api === 'user/list' ? { errcode: 45009 } : { errcode: 0, department: [] },
    clock,
  )
  const giveUp = new AbortController()
  const waiting = principal.members.list(1, { signal: giveUp.signal })
  await until(() => clock.waiting() === 1, 'the caller waits')

  assert.deepEqual((await principal.departments.list()).departments, [])

  giveUp.abort()
  await assert.rejects(waiting, (error: WecomError) => error.code === 'WECOM_ABORTED')
})

test('the caller who probes may give up: the next one probes instead', async () => {
  const clock = createClock()
  const giveUp = new AbortController()
  const { server, principal } = await startStack(({ api, earlier }) => {
    if (api !== 'user/list') return undefined
    if (earlier === 0) return { errcode: 45009 }
    if (earlier === 1) return undefined // the probe hangs
    return { errcode: 0, userlist: [] }
  }, clock)
  const first = principal.members.list(1, { signal: giveUp.signal })
  await until(() => clock.waiting() === 1, 'the first caller waits')
  const second = principal.members.list(1)
  await until(() => clock.waiting() === 2, 'the second caller waits')
  clock.advance(60_000)
  await until(() => server.count('user/list') === 2, 'the first caller probes')

  giveUp.abort()

  await assert.rejects(first, (error: WecomError) => error.code === 'WECOM_ABORTED')
  assert.deepEqual((await second).members, [])
})

test('waits double up to ten times the first, and the number of pauses is bounded', async () => {
  const clock = createHurriedClock()
  const { server, principal } = await startStack(({ api }) => (api === 'user/list' ? { errcode: 45009 } : undefined), {
    ...clock,
    maxPauses: 6,
  })

  await assert.rejects(principal.members.list(1), (error: WecomError) => error.code === 'WECOM_FREQUENCY_LIMITED')

  assert.deepEqual(clock.waits, [60_000, 120_000, 240_000, 480_000, 600_000, 600_000])
  assert.equal(server.count('user/list'), 7)
})

test('too many at once (45033) pauses for seconds', async () => {
  const clock = createHurriedClock()
  const { principal } = await startStack(({ api, earlier }) => {
    if (api !== 'user/list') return undefined
    return earlier === 0 ? { errcode: 45033 } : { errcode: 0, userlist: [] }
  }, clock)

  await principal.members.list(1)

  assert.deepEqual(clock.waits, [5000])
})

test('a sign-in is told at once when the pause is longer than its patience', async () => {
  const clock = createClock()
  const { server, principal } = await startStack(
    ({ api }) => (api === 'auth/getuserinfo' ? { errcode: 45009 } : undefined),
    clock,
    { priority: 'interactive' },
  )

  for (let attempt = 0; attempt < 3; attempt++) {
    await assert.rejects(principal.auth.userInfo('c'), (error: WecomError) => error.code === 'WECOM_FREQUENCY_LIMITED')
  }

  assert.equal(server.count('auth/getuserinfo'), 1)
})

test('a pause after 45009 on gettoken is waited out as well', async () => {
  const clock = createHurriedClock()
  const { principal } = await startStack(({ api, earlier }) => {
    if (api === 'gettoken') return earlier === 0 ? { errcode: 45009 } : undefined
    return { errcode: 0, userlist: [] }
  }, clock)

  await principal.members.list(1)

  assert.deepEqual(clock.waits, [60_000])
})

test('an answer to a request from before the pause neither prolongs nor ends it', async () => {
  const clock = createClock()
  const gate = createGate({ ...clock, backoffMs: 60_000, random: () => 0 })
  const limits = { maxRounds: 10, patienceMs: Infinity }
  const refusal = errorFromErrcode(45009, { api: 'user/list', errmsg: undefined, sensitive: [] })
  const [first, limitedLate, answeredLate] = [
    await gate.enter(undefined, limits),
    await gate.enter(undefined, limits),
    await gate.enter(undefined, limits),
  ]
  first.settle(refusal)
  clock.advance(30_000)

  limitedLate.settle(refusal)
  answeredLate.settle('answered')

  const next = gate.enter(undefined, limits)
  assert.deepEqual(clock.waits, [30_000])
  clock.advance(30_000)
  assert.equal((await next).rounds, 1)
})
