import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startJobs } from './background.ts'
import { createLog } from './log.ts'

const silent = createLog({ level: 'error', destination: { write: () => {} } })

test('a job starts right away, and again only after it has ended', async () => {
  const turns = Array.from({ length: 3 }, () => Promise.withResolvers<void>())
  const begun = Array.from({ length: 3 }, () => Promise.withResolvers<void>())
  let count = 0
  let atOnce = 0
  let most = 0
  const background = startJobs(
    [
      {
        name: 'turns',
        pauseMs: 0,
        async work() {
          most = Math.max(most, ++atOnce)
          const turn = count++
          begun[turn]?.resolve()
          await turns[turn]?.promise
          atOnce--
        },
      },
    ],
    silent,
  )

  for (const [turn, { promise }] of begun.entries()) {
    await promise
    turns[turn]!.resolve()
  }
  await background.stop()

  assert.equal(most, 1)
})

test('a job that fails is logged by its name and goes on; the others do not notice', async () => {
  let logged = ''
  const log = createLog({ level: 'info', destination: { write: (text) => (logged += text) } })
  const again = Promise.withResolvers<void>()
  let times = 0

  const background = startJobs(
    [
      {
        name: 'fragile',
        pauseMs: 1,
        work() {
          times++
          if (times === 3) again.resolve()
          return times < 3 ? Promise.reject(new Error('the database is away')) : Promise.resolve()
        },
      },
    ],
    log,
  )
  await again.promise
  await background.stop()

  assert.equal(logged.match(/"job":"fragile"/g)?.length, 2)
})

test('stopping waits for the work under way, cuts a pause short and starts nothing more', async () => {
  const work = Promise.withResolvers<void>()
  let started = 0
  let isDone = false
  const background = startJobs(
    [
      { name: 'pausing', pauseMs: 3_600_000, work: async () => void started++ },
      {
        name: 'working',
        pauseMs: 0,
        async work() {
          started++
          await work.promise
          isDone = true
        },
      },
    ],
    silent,
  )

  const stopped = background.stop()
  work.resolve()
  await stopped

  assert.equal(isDone, true)
  assert.equal(started, 2)
})

test('a pause is cut short by whoever waits for the work, also when they call while it is done', async () => {
  const turns = Array.from({ length: 3 }, () => Promise.withResolvers<void>())
  let count = 0
  let wake = () => {}
  const background = startJobs(
    [
      {
        name: 'sleeper',
        pauseMs: 3_600_000,
        async work() {
          const turn = count++
          turns[turn]?.resolve()
          if (turn === 1) wake()
        },
        wokenBy: (call) => (wake = call),
      },
    ],
    silent,
  )

  await turns[0]!.promise
  wake()
  await turns[1]!.promise
  await turns[2]!.promise
  await background.stop()

  assert.equal(count, 3)
})
