/**
 * Schedules over HTTP, with a clock that the test moves: when a run is due, that each due time is one run however many
 * processes there are, and what happens to those that were missed. The arithmetic has its own table in
 * server/src/connections/schedule.test.ts.
 */
import assert from 'node:assert/strict'
import { describe } from 'node:test'
import {
  createConnection,
  createOrganization,
  getConnection,
  listRuns,
  updateConnection,
  type Run,
} from '@muster/contracts'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import { eventually } from './eventually.ts'
import { movableClock, serveHere, spawnServer, temporaryFolder, type MovableClock } from './server.ts'
import { startStack, startStackOfProcesses, type Stack } from './stack.ts'

const MINUTE_MS = 60_000
const EVERY_QUARTER = { kind: 'interval', minutes: 15 } as const

void describe('schedules', { concurrency: true }, () => {
  onEitherDatabase(({ dialect, testWithUrl }) => {
    testWithUrl('the next run is shown, and only the schedule, its zone or switching sync moves it', (url) =>
      withClock(async (clock) => {
        clock.moveTo(Date.parse('2027-03-27T18:00:00Z'))
        await using stack = await startStack(url, { people: 5, settings: clock.settings })
        const save = async (sync: object) =>
          (await stack.ask(updateConnection, { params: { id: 'hq' }, body: { sync } })).status.nextRunAt

        assert.equal(await save({ guard: { percent: 30 } }), null)
        assert.equal(await save({ schedule: { kind: 'daily', at: '03:00' } }), '2027-03-27T19:00:00.000Z')
        assert.equal(await save({ notActivated: 'active' }), '2027-03-27T19:00:00.000Z')
        assert.equal(await save({ timeZone: 'Europe/Berlin' }), '2027-03-28T01:00:00.000Z')
        assert.equal(await save({ schedule: { at: '02:30' } }), '2027-03-28T01:00:00.000Z') // the gap: 03:00 there
        assert.equal(
          await save({ schedule: { kind: 'weekly', day: 'monday', at: '02:30' } }),
          '2027-03-29T00:30:00.000Z',
        )
        assert.equal(await save({ schedule: { kind: 'monthly', day: 31, at: '02:30' } }), '2027-03-31T00:30:00.000Z')
        assert.equal(await save({ enabled: false }), null)
        assert.equal(await save({ enabled: true }), '2027-03-31T00:30:00.000Z')
        assert.equal(await save({ schedule: null }), null)
        await assert.rejects(save({ timeZone: 'Asia/Nowhere' }), {
          status: 400,
          code: 'http/validation',
          fields: [{ path: 'sync.timeZone', message: 'An IANA time zone such as Asia/Shanghai' }],
        })
        assert.equal((await runsOf(stack)).length, 0)
      }),
    )

    testWithUrl('what was missed while no process was there is caught up once', (url) =>
      withClock(async (clock) => {
        await using stack = await startStack(url, { people: 5, settings: clock.settings })
        const due = await schedule(stack, EVERY_QUARTER)
        await stack.server.stop()

        clock.moveTo(due + 10 * 15 * MINUTE_MS + 1_000)
        stack.replaceServer(await serveHere(stack.settings))

        const [run] = await ended(stack, 1)
        assert.deepEqual([run!.state, run!.trigger, run!.requestedBy], ['succeeded', 'schedule', null])
        assert.equal(await nextRunAt(stack), due + 11 * 15 * MINUTE_MS)
        assert.deepEqual(await stack.mistakes(), [])
        clock.moveTo(due + 11 * 15 * MINUTE_MS)
        assert.equal((await ended(stack, 2)).length, 2)
      }),
    )

    testWithUrl('times that come while a run is active are one run when it ends', (url) =>
      withClock(async (clock) => {
        await using stack = await startStack(url, { people: 5, settings: clock.settings })
        const due = await schedule(stack, EVERY_QUARTER)
        const fault = stack.control.addFault({ endpoint: 'user/list', effect: { kind: 'latency', ms: 3_000 } })
        const manual = await stack.startRun()
        await eventually('the run reads people', () => stack.control.countCalls({ endpoint: 'user/list' }).count > 0)

        clock.moveTo(due + 2 * 15 * MINUTE_MS)
        stack.control.removeFault(fault)

        const [scheduled, first] = await ended(stack, 2)
        assert.deepEqual([first!.id, scheduled!.trigger], [manual.id, 'schedule'])
        assert.ok(Date.parse(scheduled!.startedAt) >= Date.parse(first!.finishedAt!))
        assert.equal(await nextRunAt(stack), due + 3 * 15 * MINUTE_MS)
      }),
    )

    testWithUrl('a run that cannot succeed uses its time up, and shows why', (url) =>
      withClock(async (clock) => {
        await using stack = await startStack(url, { people: 5, settings: clock.settings })
        await stack.ask(updateConnection, { params: { id: 'hq' }, body: { secret: 'wrong' } })
        const due = await schedule(stack, EVERY_QUARTER)

        clock.moveTo(due)

        const [run] = await ended(stack, 1)
        assert.deepEqual([run!.state, run!.trigger, run!.error?.code], ['failed', 'schedule', 'wecom/credential'])
        const { status } = await stack.ask(getConnection, { params: { id: 'hq' } })
        assert.deepEqual([status.sync, status.lastRunId], ['failed', run!.id])
        assert.equal(Date.parse(status.nextRunAt!), due + 15 * MINUTE_MS)
      }),
    )

    testWithUrl('a time that a wrong clock set far away is forgotten when the clock is right', (url) =>
      withClock(async (clock) => {
        const real = clock.now()
        clock.moveTo(real + 12 * 365 * 24 * 60 * MINUTE_MS)
        await using stack = await startStack(url, { people: 5, settings: clock.settings })
        await schedule(stack, EVERY_QUARTER)

        clock.moveTo(real)

        const next = await eventually('the next run is soon again', async () => {
          const at = await nextRunAt(stack)
          return at < real + 24 * 60 * MINUTE_MS && at
        })
        clock.moveTo(next)
        assert.equal((await ended(stack, 1))[0]!.state, 'succeeded')
      }),
    )

    if (dialect === 'postgres') {
      testWithUrl('a hundred due times are a hundred runs, with two processes after them', (url) =>
        withClock(async (clock) => {
          await using stack = await startStackOfProcesses(url, { people: 3, settings: clock.settings })
          const folder = temporaryFolder()
          const second = await spawnServer({ ...stack.settings, MUSTER_DATA_DIR: folder.path })
          try {
            const connections = await manyConnections(stack, 10)
            for (let tick = 1; tick <= 10; tick++) {
              const due = await Promise.all(connections.map((connection) => nextRunAt(stack, connection)))
              clock.moveTo(Math.max(...due))
              await eventually(`tick ${tick} was used up everywhere`, async () => {
                const next = await Promise.all(connections.map((connection) => nextRunAt(stack, connection)))
                return next.every((at, index) => at > due[index]!)
              })
            }

            for (const connection of connections) {
              const runs = await ended(stack, 10, connection)
              assert.ok(runs.every(({ state, trigger }) => state === 'succeeded' && trigger === 'schedule'))
            }
            for (const { log } of [stack.server, second]) assert.match(log(), /"msg":"a schedule began a run"/)
          } finally {
            await second.stop()
            folder.remove()
          }
        }),
      )
    }
  })
})

async function withClock(body: (clock: MovableClock) => Promise<void>): Promise<void> {
  const folder = temporaryFolder()
  try {
    await body(movableClock(folder.path))
  } finally {
    folder.remove()
  }
}

/** @returns when the first run is due */
async function schedule(stack: Stack, of: typeof EVERY_QUARTER): Promise<number> {
  await stack.ask(updateConnection, { params: { id: 'hq' }, body: { sync: { schedule: of } } })
  return nextRunAt(stack)
}

async function nextRunAt(stack: Stack, id = 'hq'): Promise<number> {
  const { status } = await stack.ask(getConnection, { params: { id } })
  return Date.parse(status.nextRunAt!)
}

/** Newest first. */
async function runsOf(stack: Stack, id = 'hq'): Promise<readonly Run[]> {
  return (await stack.ask(listRuns, { params: { id }, query: { limit: 500 } })).items
}

/** Waits until so many runs have ended. @returns them, and fails when there are more */
async function ended(stack: Stack, count: number, id = 'hq'): Promise<readonly Run[]> {
  const runs = await eventually(`${count} runs of ${id} ended`, async () => {
    const found = await runsOf(stack, id)
    return found.filter(({ state }) => state !== 'running').length >= count && found
  })
  assert.equal(runs.length, count)
  return runs
}

/** One organization for each, because an organization has one connection that synchronises. @returns their identifiers */
async function manyConnections(stack: Stack, count: number): Promise<string[]> {
  const { agentId, secret } = stack.app
  const sync = { enabled: true, schedule: EVERY_QUARTER }
  const identifiers = Array.from({ length: count }, (_, index) => `branch-${index}`)
  for (const identifier of identifiers) {
    const { id } = await stack.ask(createOrganization, { body: { slug: identifier, name: identifier } })
    await stack.ask(createConnection, {
      body: { organizationId: id, identifier, corpId: stack.corpId, agentId, secret, sync },
    })
  }
  return identifiers
}
