/** The budget keeps its limits and leaves room for people who wait at a screen. */

import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { test } from 'node:test'

import { createClock, until } from '../test/clock.ts'
import { SLOW_MS, createBudget } from './budget.ts'
import type { Budget, Place, PlaceRequest, Priority } from './budget.ts'

const bulkRequest: PlaceRequest = { corpId: 'ww1', api: 'user/list', priority: 'bulk', isRecallable: true }

/** Asks for places and notes the ones that were given. */
async function ask(budget: Budget, count: number, priority: Priority, request: Partial<PlaceRequest> = {}) {
  const places: Place[] = []
  for (let index = 0; index < count; index++) {
    const whole = { corpId: 'ww1', api: 'user/list', priority, isRecallable: true, ...request }
    void budget.acquire(whole, undefined).then((place) => places.push(place))
  }
  await setImmediate()
  return places
}

function recalledOf(places: readonly Place[]): number[] {
  return places.flatMap(({ recalled }, index) => (recalled?.aborted ? [index] : []))
}

test('bulk takes all ten places while answers come quickly', async () => {
  const budget = createBudget({ now: () => 0 })

  const bulk = await ask(budget, 20, 'bulk')

  assert.equal(bulk.length, 10)
})

test('bulk that cannot be broken off takes eight of ten places, and interactive the rest', async () => {
  const budget = createBudget({ now: () => 0 })

  const bulk = await ask(budget, 20, 'bulk', { isRecallable: false })
  const interactive = await ask(budget, 20, 'interactive')

  assert.deepEqual([bulk.length, interactive.length], [8, 2])
})

test('a place that is given back goes to an interactive caller first', async () => {
  const clock = createClock()
  const budget = createBudget(clock)
  const running = await ask(budget, 10, 'bulk')
  const moreBulk = await ask(budget, 5, 'bulk')
  const interactive = await ask(budget, 3, 'interactive')
  assert.deepEqual([moreBulk.length, interactive.length], [0, 0])

  running[0]?.release()
  await setImmediate()

  assert.deepEqual([moreBulk.length, interactive.length], [0, 1])
  assert.deepEqual(recalledOf(running), [])
})

test('while an answer is overdue, bulk leaves two places free', async () => {
  const clock = createClock()
  const budget = createBudget(clock)
  const running = await ask(budget, 10, 'bulk')
  const moreBulk = await ask(budget, 5, 'bulk')
  clock.advance(SLOW_MS)

  for (const place of running.slice(7)) place.release()
  await setImmediate()
  assert.equal(moreBulk.length, 1, 'eight in flight, seven of them slow')

  for (const place of running) place.release()
  await setImmediate()
  assert.equal(moreBulk.length, 5, 'nothing is slow any more')
})

test('when ten bulk calls hang, an interactive caller waits half a second and no longer', async () => {
  const clock = createClock()
  const budget = createBudget(clock)
  const running = await ask(budget, 10, 'bulk')
  const interactive = await ask(budget, 1, 'interactive')

  clock.advance(SLOW_MS - 1)
  await setImmediate()
  assert.deepEqual(recalledOf(running), [])

  clock.advance(1)
  await setImmediate()
  assert.deepEqual(recalledOf(running), [9], 'the youngest is called back')

  running[9]?.release()
  await setImmediate()
  assert.equal(interactive.length, 1)
})

test('when ten bulk calls have been hanging, an interactive caller does not wait at all', async () => {
  const clock = createClock()
  const budget = createBudget(clock)
  const running = await ask(budget, 10, 'bulk')
  clock.advance(SLOW_MS)

  await ask(budget, 1, 'interactive')

  assert.deepEqual(recalledOf(running), [9])
})

test('of ten bulk calls one hangs: that one is called back, and the quick ones go on', async () => {
  const clock = createClock()
  const budget = createBudget(clock)
  const [hanging] = await ask(budget, 1, 'bulk')
  clock.advance(SLOW_MS - 1)
  const quick = await ask(budget, 9, 'bulk')
  clock.advance(1)

  await ask(budget, 1, 'interactive')

  assert.ok(hanging?.recalled?.aborted)
  assert.deepEqual(recalledOf(quick), [])
})

test('bulk keeps eight places, however many people wait', async () => {
  const clock = createClock()
  const budget = createBudget(clock)
  const running = await ask(budget, 10, 'bulk')
  clock.advance(SLOW_MS)

  const interactive = await ask(budget, 7, 'interactive')
  assert.deepEqual(recalledOf(running), [8, 9])

  running[8]?.release()
  running[9]?.release()
  await setImmediate()
  assert.deepEqual([interactive.length, recalledOf(running.slice(0, 8))], [2, []])
})

test('whatever comes, never more than ten in flight, and no interactive caller waits for hanging bulk', async () => {
  const seed = Number(process.env['MUSTER_TEST_SEED'] ?? randomInt(2 ** 31))
  const random = createRandom(seed)
  const clock = createClock()
  const budget = createBudget(clock)
  const inFlight = new Map<Place, number>()
  const waitingSince = new Set<number>()

  for (let step = 0; step < 3_000; step++) {
    const priority: Priority = random() < 0.2 ? 'interactive' : 'bulk'
    const isRecallable = random() < 0.9
    const askedAt = clock.now()
    const lasts = random() < 0.1 ? 15_000 : random() * 100
    // People come one after another here: eight hanging bulk calls and two hanging of their own are everybody's limit.
    const mayCome = priority === 'bulk' || waitingSince.size === 0
    if (mayCome && inFlight.size < 30) {
      if (priority === 'interactive') waitingSince.add(askedAt)
      const request = { corpId: 'ww1', api: 'user/list', priority, isRecallable }
      void (async () => {
        const place = await budget.acquire(request, undefined)
        waitingSince.delete(askedAt)
        inFlight.set(place, clock.now() + (priority === 'interactive' ? random() * 100 : lasts))
      })()
    }
    await setImmediate()
    assert.ok(inFlight.size <= 10, `seed ${seed}: ${inFlight.size} in flight`)
    for (const since of waitingSince) {
      assert.ok(clock.now() - since <= SLOW_MS + 100, `seed ${seed}: waited ${clock.now() - since} ms`)
    }

    clock.advance(Math.ceil(random() * 50))
    await setImmediate()
    for (const [place, endsAt] of inFlight) {
      if (endsAt > clock.now() && !place.recalled?.aborted) continue
      inFlight.delete(place)
      place.release()
    }
    await setImmediate()
  }
})

test('giving a place back twice frees it once', async () => {
  const budget = createBudget({ now: () => 0, maxInFlight: 1 })
  const [place] = await ask(budget, 1, 'bulk')
  const waiting = await ask(budget, 5, 'bulk')

  place?.release()
  place?.release()
  await setImmediate()

  assert.equal(waiting.length, 1)
})

test('companies do not share places, and interfaces do not share minutes', async () => {
  const budget = createBudget({ now: () => 0, callsPerMinute: 10, wait: () => new Promise(() => {}) })

  const counts = [
    (await ask(budget, 20, 'bulk', { corpId: 'ww1' })).length,
    (await ask(budget, 20, 'bulk', { corpId: 'ww2' })).length,
    (await ask(budget, 20, 'interactive', { corpId: 'ww2', api: 'user/get' })).length,
  ]

  assert.deepEqual(counts, [9, 9, 1])
})

test('never more calls than the budget in any sixty seconds, and all of them in the end', async () => {
  const clock = createClock()
  const budget = createBudget({ ...clock, callsPerMinute: 100, maxInFlight: 1000 })
  const startedAt: number[] = []
  const run = async () => {
    const { release } = await budget.acquire(bulkRequest, undefined)
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
  const [place] = await ask(budget, 1, 'bulk')
  const giveUp = new AbortController()
  const waiting = budget.acquire(bulkRequest, giveUp.signal)
  const next = await ask(budget, 1, 'bulk')

  giveUp.abort(new Error('enough'))
  await assert.rejects(waiting, /enough/)
  place?.release()
  await setImmediate()

  assert.equal(next.length, 1)
})

test('a full queue refuses instead of growing', async () => {
  const budget = createBudget({ now: () => 0, maxInFlight: 1, maxWaiting: 3 })
  await ask(budget, 4, 'bulk')

  await assert.rejects(budget.acquire(bulkRequest, undefined), { code: 'WECOM_QUEUE_FULL' })
})

/** Mulberry32: enough to choose moments. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
