/** The budget keeps its limits and leaves room for people who wait at a screen. */

import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { test } from 'node:test'

import { createClock, until } from '../test/clock.ts'
import { createBudget } from './budget.ts'
import type { Budget, Priority } from './budget.ts'

/** Asks for places and notes the ones that were given. */
async function ask(budget: Budget, count: number, priority: Priority, api = 'user/list', corpId = 'ww1') {
  const releases: (() => void)[] = []
  for (let index = 0; index < count; index++) {
    void budget.acquire(corpId, api, undefined, priority).then((release) => releases.push(release))
  }
  await setImmediate()
  return releases
}

test('bulk takes eight of ten places and interactive the rest', async () => {
  const budget = createBudget({ now: () => 0 })

  const bulk = await ask(budget, 20, 'bulk')
  const interactive = await ask(budget, 20, 'interactive')

  assert.deepEqual([bulk.length, interactive.length], [8, 2])
})

test('a place that is given back goes to an interactive caller first', async () => {
  const budget = createBudget({ now: () => 0 })
  const running = await ask(budget, 8, 'bulk')
  const moreBulk = await ask(budget, 5, 'bulk')
  const interactive = await ask(budget, 3, 'interactive')
  assert.deepEqual([moreBulk.length, interactive.length], [0, 2])

  running[0]?.()
  await setImmediate()

  assert.deepEqual([moreBulk.length, interactive.length], [0, 3])
})

test('giving a place back twice frees it once', async () => {
  const budget = createBudget({ now: () => 0, maxInFlight: 1 })
  const [release] = await ask(budget, 1, 'bulk')
  const waiting = await ask(budget, 5, 'bulk')

  release?.()
  release?.()
  await setImmediate()

  assert.equal(waiting.length, 1)
})

test('companies do not share places, and interfaces do not share minutes', async () => {
  const budget = createBudget({ now: () => 0, callsPerMinute: 10, wait: () => new Promise(() => {}) })

  const counts = [
    (await ask(budget, 20, 'bulk', 'user/list', 'ww1')).length,
    (await ask(budget, 20, 'bulk', 'user/list', 'ww2')).length,
  ]

  assert.deepEqual(counts, [8, 8])
})

test('never more calls than the budget in any sixty seconds, and all of them in the end', async () => {
  const clock = createClock()
  const budget = createBudget({ ...clock, callsPerMinute: 100, maxInFlight: 1000 })
  const startedAt: number[] = []
  const run = async () => {
    const release = await budget.acquire('ww1', 'user/list', undefined, 'bulk')
    startedAt.push(clock.now())
    release()
  }
  for (let index = 0; index < 350; index++) {
    void run()
  }

  while (startedAt.length < 350) {
    const before = startedAt.length
    await until(() => clock.waiting() > 0 || startedAt.length > before, 'the queue waits for the clock')
    clock.advance(1000)
    await setImmediate()
  }

  for (const [index, time] of startedAt.entries()) {
    const inWindow = startedAt.slice(index).filter((other) => other < time + 60_000).length
    assert.ok(inWindow <= 90, `${inWindow} bulk calls within a minute`)
  }
})

test('interactive calls still go when bulk has used its share of the minute', async () => {
  const budget = createBudget({ now: () => 0, callsPerMinute: 10, maxInFlight: 100, wait: () => new Promise(() => {}) })
  const bulk = await ask(budget, 20, 'bulk')

  const interactive = await ask(budget, 5, 'interactive')

  assert.deepEqual([bulk.length, interactive.length], [9, 1])
})

test('a caller who gives up leaves the queue', async () => {
  const budget = createBudget({ now: () => 0, maxInFlight: 1 })
  const [release] = await ask(budget, 1, 'bulk')
  const giveUp = new AbortController()
  const waiting = budget.acquire('ww1', 'user/list', giveUp.signal, 'bulk')
  const next = await ask(budget, 1, 'bulk')

  giveUp.abort(new Error('enough'))
  await assert.rejects(waiting, /enough/)
  release?.()
  await setImmediate()

  assert.equal(next.length, 1)
})

test('a full queue refuses instead of growing', async () => {
  const budget = createBudget({ now: () => 0, maxInFlight: 1, maxWaiting: 3 })
  await ask(budget, 4, 'bulk')

  await assert.rejects(budget.acquire('ww1', 'user/list', undefined, 'bulk'), { code: 'WECOM_QUEUE_FULL' })
})
