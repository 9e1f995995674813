/** Several processes on one PostgreSQL keep to one budget. Each is a budget with a database handle of its own. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { Place, PlaceRequest, Priority } from '@muster/wecom'
import { onEachDatabase } from '../../test-support/databases.ts'
import { openDatabase, type Database } from '../database/database.ts'
import { BLOCK_MS, LEASE_MS, type Ledger } from './budget-ledger.ts'
import { ageAt, createSharedBudget, wantedCalls } from './shared-budget.ts'

const CORP = 'ww1'

function request(priority: Priority, api = 'user/list'): PlaceRequest {
  return { corpId: CORP, api, priority, isRecallable: true }
}

/** One process, as far as its budget goes. */
async function startProcess(url: string, name: string, { callsPerMinute = 100_000 } = {}) {
  const database = await openDatabase(url)
  const errors: unknown[] = []
  const { budget, close } = createSharedBudget({
    database,
    name,
    callsPerMinute,
    callTimeoutMs: 15_000,
    now: Date.now,
    monotonic: () => performance.now(),
    random: Math.random,
    onError: (error) => errors.push(error),
  })
  return {
    database,
    budget,
    pauses: budget.pauses!,
    errors,
    acquire: (priority: Priority, api?: string, signal?: AbortSignal) => budget.acquire(request(priority, api), signal),
    async stop() {
      await close()
      await database.close()
    },
    /** What the others see of `kill -9`: it is never heard of again. */
    async kill() {
      await database.close()
      await close()
    },
  }
}

async function readLedger({ kysely }: Database): Promise<{ version: number; ledger: Ledger }> {
  const row = await kysely.selectFrom('wecom_budgets').selectAll().where('corp_id', '=', CORP).executeTakeFirstOrThrow()
  return { version: row.version, ledger: JSON.parse(row.state) as Ledger }
}

onEachDatabase(({ dialect, testWithUrl }) => {
  if (dialect === 'sqlite') return // one process, whose budget is in its memory

  testWithUrl('two thousand calls ask the database a few times', async (url) => {
    const one = await startProcess(url, 'one')

    for (let call = 0; call < 2_000; call++) (await one.acquire('bulk')).release()

    const { version } = await readLedger(one.database)
    assert.ok(version < 60, `written ${version} times`)
    await one.stop()
    assert.deepEqual(one.errors, [])
  })

  testWithUrl('what was not used is given back, and who stops leaves nothing but the calls it made', async (url) => {
    const one = await startProcess(url, 'one')
    for (let call = 0; call < 3; call++) (await one.acquire('bulk')).release()

    const { database } = await startProcess(url, 'other')
    await one.stop()

    const { ledger } = await readLedger(database)
    const made = Object.values(ledger.calls)
      .flat()
      .reduce((sum, [, count]) => sum + count, 0)
    assert.deepEqual([ledger.holders, made], [{}, 3])
    await database.close()
  })

  testWithUrl(
    'two processes together never have more than ten in flight, and a sign-in gets its place',
    async (url) => {
      const [bulk, other] = [await startProcess(url, 'bulk'), await startProcess(url, 'other')]
      const stopping = new AbortController()
      let inFlight = 0
      let most = 0
      const hold = async (place: Place, ms: number) => {
        most = Math.max(most, ++inFlight)
        await delay(ms)
        inFlight--
        place.release()
      }
      const worker = async () => {
        while (!stopping.signal.aborted) await hold(await bulk.acquire('bulk'), 5)
      }
      const workers = Array.from({ length: 10 }, worker)
      await eventually('the sync has all ten places', () => most === 10)

      for (let signIn = 0; signIn < 5; signIn++) await hold(await other.acquire('interactive'), 1)
      stopping.abort()
      await Promise.all(workers)

      assert.equal(most, 10)
      await Promise.all([bulk.stop(), other.stop()])
      assert.deepEqual([...bulk.errors, ...other.errors], [])
    },
  )

  testWithUrl('two processes together make as many calls a minute as one may', async (url) => {
    const limits = { callsPerMinute: 40 }
    const processes = [await startProcess(url, 'one', limits), await startProcess(url, 'two', limits)]
    const stopping = new AbortController()
    const made = { bulk: 0, interactive: 0 }
    const work = async (one: (typeof processes)[number], priority: Priority) => {
      for (;;) {
        const place = await one.acquire(priority, 'user/list', stopping.signal)
        made[priority]++
        place.release()
      }
    }
    const works = processes.map((one) => work(one, 'bulk'))
    await eventually('bulk has made its nine tenths', () => made.bulk >= 36)
    works.push(...processes.map((one) => work(one, 'interactive')))
    await eventually('the rest was left for people', () => made.interactive >= 4)
    const { version } = await readLedger(processes[0]!.database)
    await eventually('both have asked for more, in vain', async () => {
      return (await readLedger(processes[0]!.database)).version > version + 4
    })

    stopping.abort(new Error('enough'))
    await Promise.allSettled(works)
    assert.deepEqual(made, { bulk: 36, interactive: 4 })
    await Promise.all(processes.map((one) => one.stop()))
  })

  testWithUrl('what a killed process held is free again when its lease has run out', async (url) => {
    const [dead, alive] = [await startProcess(url, 'dead'), await startProcess(url, 'alive')]
    for (let call = 0; call < 10; call++) void (await dead.acquire('bulk'))
    await dead.kill()
    const waiting = alive.acquire('interactive')
    await eventually('the place was refused', async () => {
      return (await readLedger(alive.database)).ledger.holders['alive']?.all === 0
    })

    await passTime(alive.database, LEASE_MS)

    ;(await waiting).release()
    await alive.stop()
  })

  testWithUrl('a row that was lost with a crash of PostgreSQL is begun anew', async (url) => {
    const one = await startProcess(url, 'one')
    ;(await one.acquire('bulk')).release()
    await one.database.kysely.deleteFrom('wecom_budgets').execute()

    ;(await one.acquire('bulk', 'department/list')).release()

    assert.ok((await readLedger(one.database)).ledger.calls['department/list'])
    await one.stop()
    assert.deepEqual(one.errors, [])
  })

  testWithUrl('a pause that one process began holds for another; then one asks, and both go on', async (url) => {
    const [one, two] = [await startProcess(url, 'one'), await startProcess(url, 'two')]
    ;(await one.acquire('bulk')).release()
    const pause = { round: 1, waitMs: 200, endsAt: Date.now() + 200, errcode: 45009 }

    one.pauses.begin(CORP, 'user/list', pause)
    assert.equal(one.pauses.known(CORP, 'user/list'), pause)
    await eventually('the other has heard of it', async () => {
      ;(await two.acquire('bulk', 'department/list')).release()
      return two.pauses.known(CORP, 'user/list')
    })
    const asked = [one, two].map(async ({ pauses }) => {
      for (;;) {
        const verdict = await pauses.mayAsk(CORP, 'user/list', undefined)
        if (typeof verdict !== 'object') return verdict
      }
    })
    assert.equal(await Promise.race(asked), 'ask')
    const { ledger } = await readLedger(one.database)
    const asker = ledger.pauses['user/list']?.asker?.name === 'one' ? one : two
    asker.pauses.end(CORP, 'user/list')

    assert.deepEqual(new Set(await Promise.all(asked)), new Set(['ask', undefined]))
    await eventually('both know that it is over', () => [one, two].every((p) => !p.pauses.known(CORP, 'user/list')))
    await Promise.all([one.stop(), two.stop()])
  })

  testWithUrl('callers hear of a database that stays away', async (url) => {
    const one = await startProcess(url, 'one')
    await one.database.close()

    await assert.rejects(one.acquire('bulk'))
    await one.kill()

    assert.equal(one.errors.length, 1)
  })
})

void test('a lease is over when one of the two clocks says so', () => {
  const since = { wall: 1_000_000, monotonic: 500 }

  assert.equal(ageAt(since, { wall: 1_002_000, monotonic: 2_500 }), 2_000)
  assert.equal(ageAt(since, { wall: 0, monotonic: 5_500 }), 5_000, 'the wall clock was set back')
  assert.equal(ageAt(since, { wall: 1_060_000, monotonic: 510 }), 60_000, 'the machine slept')
})

void test('a block is as large as its predecessor was quick', () => {
  assert.equal(wantedCalls({ priority: 'interactive', used: 1 }, BLOCK_MS), 4)
  assert.equal(wantedCalls({ priority: 'bulk', used: 300 }, BLOCK_MS / 2), 600)
  assert.equal(
    wantedCalls({ priority: 'bulk', used: 50 }, 1),
    1000,
    'what was used at once is not taken for an eternity',
  )
})

/** As if so much time had passed since the row was written. */
async function passTime({ kysely }: Database, ms: number): Promise<void> {
  await eventually('nobody wrote in between', async () => {
    const row = await kysely
      .selectFrom('wecom_budgets')
      .selectAll()
      .where('corp_id', '=', CORP)
      .executeTakeFirstOrThrow()
    const ledger = JSON.parse(row.state) as Ledger
    const holders = Object.entries(ledger.holders).map(([name, holder]) => [
      name,
      { ...holder, until: holder.until - ms },
    ])
    const { numUpdatedRows } = await kysely
      .updateTable('wecom_budgets')
      .set({
        version: row.version + 1,
        state: JSON.stringify({ ...ledger, holders: Object.fromEntries(holders) as Ledger['holders'] }),
      })
      .where('corp_id', '=', CORP)
      .where('version', '=', row.version)
      .executeTakeFirst()
    return numUpdatedRows === 1n
  })
}

/** @throws when it has not happened within 30 seconds */
async function eventually(what: string, look: () => unknown): Promise<void> {
  for (const startedAt = performance.now(); !(await look()); await delay(5)) {
    if (performance.now() - startedAt > 30_000) throw new Error(`waited in vain until ${what}`)
  }
}
