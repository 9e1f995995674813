/** What processes are granted, case by case, and that no mixture of them ever exceeds the limits. */
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { test } from 'node:test'
import { createRandom } from '../../test-support/random.ts'
import {
  BLOCK_MS,
  EMPTY_LEDGER,
  LEASE_MS,
  settle,
  type CallClaim,
  type Claim,
  type Grant,
  type Ledger,
} from './budget-ledger.ts'

const T = 1_800_000_000_000
const LIMITS = { callsPerMinute: 100, askMs: 20_000 }

/** A process that has nothing and wants nothing, unless the test says so. */
function claimOf(name: string, claim: Partial<Claim> = {}): Claim {
  return {
    name,
    isLeaving: false,
    inFlight: { interactive: 0, bulk: 0 },
    waiting: { interactive: 0, bulk: 0 },
    keeps: { all: 0, bulk: 0 },
    calls: [],
    begun: {},
    ended: [],
    asks: [],
    ...claim,
  }
}

function wants(bulk: number, interactive = 0): Pick<Claim, 'waiting'> {
  return { waiting: { bulk, interactive } }
}

/** Several claims one after the other on one row. */
function createRow(ledger: Ledger = EMPTY_LEDGER) {
  return {
    get ledger() {
      return ledger
    },
    claim(name: string, at: number, claim: Partial<Claim> = {}): Grant {
      const settled = settle(ledger, claimOf(name, claim), LIMITS, at)
      // As it is stored.
      ledger = JSON.parse(JSON.stringify(settled.ledger)) as Ledger
      return settled.grant
    },
  }
}

void test('who is alone has ten places for bulk, two of them on loan', () => {
  const row = createRow()

  assert.deepEqual(row.claim('a', T, wants(10)).places, { all: 10, bulk: 8, loan: 2 })
})

void test('with another process about, bulk of all together leaves two places free', () => {
  const row = createRow()
  row.claim('b', T)

  const a = row.claim('a', T + 1, wants(10))
  const b = row.claim('b', T + 2, wants(0, 3))

  assert.deepEqual(a.places, { all: 8, bulk: 8, loan: 0 })
  assert.deepEqual(b.places, { all: 2, bulk: 0, loan: 0 })
})

void test('who had all places gives two back before another fills them', () => {
  const row = createRow()
  row.claim('a', T, wants(10))
  const inFlight = { interactive: 0, bulk: 10 }

  assert.equal(row.claim('b', T + 1, wants(0, 1)).places.all, 0)
  const told = row.claim('a', T + 2, { inFlight, keeps: { all: 10, bulk: 10 } })
  assert.deepEqual(
    [told.places, told.held],
    [
      { all: 8, bulk: 8, loan: 0 },
      { all: 10, bulk: 10 },
    ],
  )
  assert.equal(row.claim('b', T + 3, wants(0, 1)).places.all, 0, 'its ten calls may still be under way')
  row.claim('a', T + 4, { inFlight: { interactive: 0, bulk: 8 }, keeps: { all: 8, bulk: 8 } })

  assert.equal(row.claim('b', T + 5, wants(0, 1)).places.all, 1)
})

void test('two processes with bulk work share its places', () => {
  const row = createRow()
  row.claim('a', T, wants(10))
  row.claim('b', T + 1, wants(10))

  const a = row.claim('a', T + 2, { inFlight: { interactive: 0, bulk: 4 }, ...wants(6), keeps: { all: 4, bulk: 4 } })
  const b = row.claim('b', T + 3, wants(10))

  assert.deepEqual([a.places.bulk, b.places.bulk], [4, 4])
})

void test('places of a process that was killed are free when its lease is over, and its memory two minutes later', () => {
  const row = createRow()
  row.claim('dead', T, wants(10))

  assert.equal(row.claim('a', T + LEASE_MS - 1, wants(10)).places.all, 0)
  assert.deepEqual(row.claim('a', T + LEASE_MS, wants(10)).places, { all: 8, bulk: 8, loan: 0 })
  assert.deepEqual(row.claim('a', T + LEASE_MS + 120_000, wants(10)).places, { all: 10, bulk: 8, loan: 2 })
})

void test('who leaves is free at once and forgotten', () => {
  const row = createRow()
  row.claim('a', T, { ...wants(10), calls: [{ api: 'user/list', priority: 'bulk', wanted: 20, unused: undefined }] })
  row.claim('a', T + 1, {
    isLeaving: true,
    calls: [{ api: 'user/list', priority: 'bulk', wanted: 0, unused: { second: T / 1000, count: 20 } }],
  })

  assert.deepEqual(row.ledger.holders, {})
  assert.deepEqual(row.ledger.calls, { 'user/list': [] })
})

void test('bulk takes nine tenths of a minute and interactive the rest; what is given back is there again', () => {
  const row = createRow()
  const take = (priority: CallClaim['priority'], wanted: number, unused?: { second: number; count: number }) =>
    row.claim('a', T, { calls: [{ api: 'user/list', priority, wanted, unused }] }).calls[0]!.count

  const bulk = [take('bulk', 1000), take('bulk', 1000)]
  assert.deepEqual(bulk, [45, 23], 'half of what is left, because another may come')
  for (let round = 0; round < 10; round++) bulk.push(take('bulk', 1000))
  assert.equal(sum(bulk), 90)

  assert.equal(take('bulk', 1), 0)
  assert.equal(take('interactive', 3), 3)
  assert.equal(take('bulk', 5, { second: T / 1000, count: 40 }), 5)
})

void test('calls count until the last of them is a minute old', () => {
  const row = createRow()
  const take = (at: number) =>
    row.claim('a', at, { calls: [{ api: 'user/list', priority: 'interactive', wanted: 100, unused: undefined }] })
      .calls[0]!.count
  while (take(T) > 0);

  assert.equal(take(T + 60_000 + BLOCK_MS), 0)
  assert.equal(take(T + 60_000 + BLOCK_MS + 1000), 50)
})

void test('a clock that was set back by an hour neither frees leases for ever nor holds calls back for an hour', () => {
  const row = createRow()
  const calls: CallClaim[] = [{ api: 'user/list', priority: 'bulk', wanted: 100, unused: undefined }]
  row.claim('gone', T + 3_600_000, { ...wants(10), calls })

  const grant = row.claim('a', T, { ...wants(10), calls })

  assert.deepEqual([grant.places.all, grant.calls[0]?.count], [10, 45])
})

void test('a pause that one began holds for all, one asks at its end, and its answer is everybody’s', () => {
  const row = createRow()
  const begun = { 'user/list': { round: 1, waitMs: 60_000, errcode: 45009, remainingMs: 60_000 } }
  const asks = ['user/list']
  row.claim('a', T, { begun })
  // Both had sent before they knew.
  row.claim('b', T + 500, { begun })

  assert.deepEqual(row.claim('b', T + 59_999, { asks }).asking, [])
  const [b, a] = [row.claim('b', T + 60_000, { asks }), row.claim('a', T + 60_001, { asks })]
  assert.deepEqual([b.asking, a.asking], [['user/list'], []])

  const again = { 'user/list': { round: 2, waitMs: 120_000, errcode: 45009, remainingMs: 120_000 } }
  row.claim('b', T + 61_000, { begun: again })
  assert.equal(row.claim('a', T + 61_001, { asks }).pauses['user/list']?.endsAt, T + 181_000)

  row.claim('a', T + 181_000, { asks })
  row.claim('b', T + 181_500, { ended: ['user/list'] })
  assert.ok(row.ledger.pauses['user/list'], 'only who asked can say that it is over')
  row.claim('a', T + 182_000, { ended: ['user/list'] })
  assert.deepEqual(row.ledger.pauses, {})
})

void test('who was to ask and died is replaced', () => {
  const row = createRow()
  row.claim('dead', T, { begun: { 'user/list': { round: 1, waitMs: 1000, errcode: 45009, remainingMs: 1000 } } })
  row.claim('dead', T + 1000, { asks: ['user/list'] })

  assert.deepEqual(row.claim('a', T + 20_999, { asks: ['user/list'] }).asking, [])
  assert.deepEqual(row.claim('a', T + 21_000, { asks: ['user/list'] }).asking, ['user/list'])
})

void test('a row that PostgreSQL has emptied after a crash of its own is begun anew', () => {
  const lost = createRow()

  const grant = lost.claim('a', T, { inFlight: { interactive: 0, bulk: 6 }, keeps: { all: 10, bulk: 10 } })

  assert.deepEqual(grant.held, { all: 10, bulk: 10 })
})

/**
 * Processes that come, work, freeze, are killed and go, each with its own clock and slow answers from the database; and
 * a WeCom that answers in up to 400 ms. A frozen process has its answers, as far as WeCom is concerned.
 */
for (const [what, callsPerMinute, busy] of [
  ['ten places in flight', 1_000_000, 10],
  ['the calls of any minute', LIMITS.callsPerMinute, 1],
] as const) {
  void test(`no mixture of processes exceeds ${what}`, () => {
    const seed = Number(process.env.MUSTER_TEST_SEED ?? randomInt(2 ** 31))
    const random = createRandom(seed)
    let ledger = EMPTY_LEDGER
    const madeAt: number[] = []
    const inFlight: { owner: Actor; endsAt: number }[] = []
    let actors: Actor[] = []
    let busiest = 0
    let names = 0

    for (let now = T; now < T + 1_200_000; now += 50) {
      if (actors.length < 4 && random() < 0.05) actors.push(createActor(`p${names++}`, random() < 0.6))
      for (const call of inFlight.filter(({ endsAt }) => endsAt <= now)) {
        inFlight.splice(inFlight.indexOf(call), 1)
      }
      for (const actor of actors) step(actor, now)
      actors = actors.filter((actor) => !actor.isGone)
      busiest = Math.max(busiest, inFlight.length)
      assert.ok(inFlight.length <= 10, `seed ${seed}: ${inFlight.length} in flight`)
    }

    let oldest = 0
    for (const [index, at] of madeAt.entries()) {
      while (madeAt[oldest]! <= at - 60_000) oldest++
      assert.ok(index - oldest < callsPerMinute, `seed ${seed}: ${index - oldest + 1} calls in a minute`)
    }
    assert.ok(busiest >= busy && madeAt.length > 400, `seed ${seed}: ${busiest} at once, ${madeAt.length} calls`)

    interface Actor {
      name: string
      isBulk: boolean
      isGone: boolean
      frozenUntil: number
      nextClaimAt: number
      places: Grant['places']
      leasedAt: number
      block: { second: number; left: number; takenAt: number } | undefined
      /** An answer of the database that is still on its way. */
      answer: { grant: Grant; sentAt: number; arrivesAt: number } | undefined
    }

    function createActor(name: string, isBulk: boolean): Actor {
      const places = { all: 0, bulk: 0, loan: 0 }
      const [isGone, frozenUntil, nextClaimAt, leasedAt] = [false, 0, 0, 0] as const
      return { name, isBulk, isGone, frozenUntil, nextClaimAt, places, leasedAt, block: undefined, answer: undefined }
    }

    function mine(actor: Actor): number {
      return inFlight.filter(({ owner }) => owner === actor).length
    }

    function step(actor: Actor, now: number): void {
      if (now < actor.frozenUntil) return
      const chance = random()
      if (chance < 0.002) return void (actor.frozenUntil = now + random() * 30_000)
      if (chance < 0.005) {
        // Killed: the kernel closes what it had open.
        for (const call of inFlight) if (call.owner === actor) call.endsAt = now
        return void (actor.isGone = true)
      }
      const { answer } = actor
      if (answer !== undefined && answer.arrivesAt <= now) {
        actor.places = answer.grant.places
        actor.leasedAt = answer.sentAt
        const [got] = answer.grant.calls
        if (got) actor.block = { second: got.second, left: got.count, takenAt: answer.sentAt }
        actor.answer = undefined
      }
      const places = now - actor.leasedAt < LEASE_MS ? actor.places : { all: 0, bulk: 0, loan: 0 }
      const room = (actor.isBulk ? Math.min(places.all, places.bulk + places.loan) : places.all) - mine(actor)
      for (let free = room; free > 0 && random() < 0.9; free--) {
        const { block } = actor
        if (block === undefined || block.left === 0 || now - block.takenAt >= BLOCK_MS) break
        block.left--
        madeAt.push(now)
        inFlight.push({ owner: actor, endsAt: now + random() * 400 })
      }
      if (actor.answer !== undefined || now < actor.nextClaimAt) return
      const priority = actor.isBulk ? 'bulk' : 'interactive'
      const keepsBlock = actor.block !== undefined && actor.block.left > 0 && random() < 0.5
      const unused = actor.block && { second: actor.block.second, count: actor.block.left }
      if (!keepsBlock) actor.block = undefined
      const kept = Math.max(mine(actor), places.all)
      const claim = claimOf(actor.name, {
        inFlight: { interactive: 0, bulk: 0, [priority]: mine(actor) },
        waiting: { interactive: 0, bulk: 0, [priority]: actor.isBulk ? 10 : Math.round(random() * 3) },
        keeps: { all: kept, bulk: actor.isBulk ? kept : 0 },
        calls: keepsBlock ? [] : [{ api: 'user/list', priority, wanted: Math.ceil(random() * 60), unused }],
      })
      const settled = settle(ledger, claim, { ...LIMITS, callsPerMinute }, now)
      ledger = JSON.parse(JSON.stringify(settled.ledger)) as Ledger
      const travelMs = random() < 0.3 ? random() * 6_000 : random() * 100
      actor.answer = { grant: settled.grant, sentAt: now, arrivesAt: now + travelMs }
      actor.nextClaimAt = now + 300 + random() * 400
    }
  })
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
