/** After "too many calls" everybody waits, one asks, and the run goes on. */

import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { after, test } from 'node:test'

import { createClock, createHurriedClock, until } from '../test/clock.ts'
import type { Clock } from '../test/clock.ts'
import { startServer } from '../test/local-server.ts'
import type { Answerer } from '../test/local-server.ts'
import { errorFromErrcode } from './errors.ts'
import { createWecom } from './index.ts'
import type { PrincipalOptions, WecomError, WecomOptions } from './index.ts'
import { createBudget } from './budget.ts'
import { createGate } from './pauses.ts'
import type { KnownPause, PauseOptions, SharedPauses } from './pauses.ts'

const cleanUps: (() => Promise<void>)[] = []
after(() => Promise.all(cleanUps.map((cleanUp) => cleanUp())))

async function startStack(answer: Answerer, options: WecomOptions, principalOptions: Partial<PrincipalOptions> = {}) {
  const server = await startServer(answer)
  const wecom = createWecom({ apiUrl: server.url, random: () => 0, ...options })
  cleanUps.push(() => wecom.close(), server.close)
  return { server, wecom, principal: wecom.principal({ corpId: 'ww1', secret: 's', ...principalOptions }) }
}

const refusal = errorFromErrcode(45009, { api: 'user/list', errmsg: undefined, sensitive: [] })

function gateOptions({ now, wait }: Clock): PauseOptions {
  return { corpId: 'ww1', api: 'user/list', backoffMs: 60_000, random: () => 0, now, wait }
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

/** What another process has told, and what it says when it is asked whether we may ask. */
function createOthers(verdicts: (('ask' | KnownPause | undefined) | Promise<'ask' | KnownPause | undefined>)[] = []) {
  const told: string[] = []
  let known: KnownPause | undefined
  const shared: SharedPauses = {
    known: () => known,
    begin: (corpId, api, { round, errcode }) => void told.push(`begin ${corpId} ${api} ${round} ${errcode}`),
    mayAsk: () => Promise.resolve(verdicts.shift()),
    end: (corpId, api) => void told.push(`end ${corpId} ${api}`),
  }
  return { shared, told, tell: (pause: KnownPause | undefined) => (known = pause) }
}

test('a pause that another process met is waited out, and asked about when it is our turn', async () => {
  const clock = createClock()
  const others = createOthers(['ask'])
  const budget = { ...createBudget(clock), pauses: others.shared }
  const { server, principal } = await startStack(
    ({ api }) => (api === 'user/list' ? { errcode: 0, userlist: [] } : undefined),
    { ...clock, budget },
  )
  await principal.token()
  others.tell({ round: 3, waitMs: 40_000, endsAt: clock.now() + 40_000, errcode: 45009 })

  const reads = Promise.all([principal.members.list(1), principal.members.list(2)])
  await until(() => clock.waiting() > 0, 'the callers wait')
  assert.equal(server.count('user/list'), 0)
  clock.advance(40_000)
  await reads

  assert.deepEqual(clock.waits, [40_000, 40_000])
  assert.deepEqual(others.told, ['end ww1 user/list'])
})

test('what another process found out at the end of the pause holds here, without asking', async () => {
  const clock = createClock()
  const next = { round: 2, waitMs: 120_000, endsAt: clock.now() + 180_000, errcode: 45009 }
  const others = createOthers([next, undefined])
  const gate = createGate({ ...gateOptions(clock), shared: others.shared })
  const limits = { maxRounds: 10, patienceMs: Infinity }
  const [first] = [await gate.enter(undefined, limits)]
  first.settle(refusal)
  assert.deepEqual(others.told, ['begin ww1 user/list 1 45009'])

  const entered = gate.enter(undefined, limits)
  clock.advance(60_000)
  await until(() => clock.waiting() > 0, 'the next pause is waited out as well')
  clock.advance(120_000)

  assert.equal((await entered).rounds, 2)
  assert.deepEqual(others.told, ['begin ww1 user/list 1 45009'])
})

test('a pause that began elsewhere while a caller waited for its place makes its pass stale', async () => {
  const clock = createClock()
  const others = createOthers()
  const gate = createGate({ ...gateOptions(clock), shared: others.shared })
  const pass = await gate.enter(undefined, { maxRounds: 10, patienceMs: Infinity })
  assert.equal(pass.isStale(), false)

  others.tell({ round: 1, waitMs: 60_000, endsAt: clock.now() + 60_000, errcode: 45033 })

  assert.equal(pass.isStale(), true)
  await assert.rejects(gate.enter(undefined, { maxRounds: 10, patienceMs: 15_000 }), { errcode: 45033 })
})

test('a caller who gives up while others are asked leaves the question to the next', async () => {
  const clock = createClock()
  const giveUp = new AbortController()
  const asking = Promise.withResolvers<'ask'>()
  const others = createOthers([asking.promise, 'ask'])
  const gate = createGate({ ...gateOptions(clock), shared: others.shared })
  const limits = { maxRounds: 10, patienceMs: Infinity }
  ;(await gate.enter(undefined, limits)).settle(refusal)
  const first = gate.enter(giveUp.signal, limits)
  clock.advance(60_000)
  await setImmediate()

  giveUp.abort()
  asking.reject(new Error('aborted'))
  await assert.rejects(first, /aborted/)

  const second = await gate.enter(undefined, limits)
  second.settle('answered')
  assert.equal(others.told.at(-1), 'end ww1 user/list')
})

test('an answer to a request from before the pause neither prolongs nor ends it', async () => {
  const clock = createClock()
  const gate = createGate(gateOptions(clock))
  const limits = { maxRounds: 10, patienceMs: Infinity }
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
