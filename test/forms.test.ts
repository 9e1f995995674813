/** What a form asks before it is saved, and the list of all runs. */
import assert from 'node:assert/strict'
import {
  checkIdentifier,
  createConnection,
  createOrganization,
  listAllRuns,
  previewSchedule,
  type Result,
} from '@muster/contracts'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import { createClient } from './client.ts'
import { BOOTSTRAP_TOKEN } from './server.ts'
import { startStack } from './stack.ts'

onEitherDatabase(({ testWithUrl }) => {
  testWithUrl('a schedule can be tried before it is saved', async (url) => {
    await using stack = await startStack(url)
    const hourIn = (time: string, timeZone: string) =>
      new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit' }).format(new Date(time))

    const daily = await stack.ask(previewSchedule, { body: { schedule: { kind: 'daily', at: '03:00' } } })
    const abroad = await stack.ask(previewSchedule, {
      body: { schedule: { kind: 'weekly', day: 'monday', at: '07:30' }, timeZone: 'America/New_York' },
    })
    const often = await stack.ask(previewSchedule, { body: { schedule: { kind: 'interval', minutes: 20 } } })
    const never = await stack.ask(previewSchedule, { body: { schedule: { kind: 'manual' } } })
    const wrong = await stack.send('/api/v1/schedule-previews', {
      method: 'POST',
      body: JSON.stringify({ schedule: { kind: 'weekly', at: '03:00' }, timeZone: 'Mars/Olympus' }),
      headers: { 'content-type': 'application/json' },
    })

    assert.deepEqual(
      daily.next.map((time) => hourIn(time, 'Asia/Shanghai')),
      ['03:00', '03:00', '03:00'],
    )
    assert.deepEqual(steps(daily), [86_400_000, 86_400_000])
    assert.equal(daily.timeZone, 'Asia/Shanghai')
    assert.deepEqual(
      abroad.next.map((time) => hourIn(time, 'America/New_York')),
      ['07:30', '07:30', '07:30'],
    )
    assert.deepEqual(steps(often), [1_200_000, 1_200_000])
    assert.deepEqual(never.next, [])
    assert.equal(wrong.status, 400)
  })

  testWithUrl('an identifier is free, taken or none, and why is said in the language of the request', async (url) => {
    await using stack = await startStack(url)
    const chinese = createClient(stack.server.origin, BOOTSTRAP_TOKEN, 'zh-CN')
    const check = (identifier: string) => stack.ask(checkIdentifier, { params: { identifier } })

    assert.deepEqual(await check('branch'), { identifier: 'branch', state: 'free', reason: null })
    const taken = await check('hq')
    const invalid = await check('Not valid/四')

    assert.equal(taken.state, 'taken')
    assert.equal(invalid.state, 'invalid')
    assert.match(taken.reason!, /^Another connection/)
    const told = await chinese.ask(checkIdentifier, { params: { identifier: 'hq' } })
    assert.match(told.reason!, /\p{Script=Han}/u)
  })

  testWithUrl('the runs of all connections are one list', async (url) => {
    await using stack = await startStack(url)
    const { ask } = stack
    const applied = await stack.syncOnce()
    const previewed = await stack.syncOnce('preview')
    await ask(createConnection, { body: { identifier: 'idle' } })
    const elsewhere = await ask(createOrganization, { body: { slug: 'branch', name: '分公司' } })
    const idsOf = async (query: Parameters<typeof ask<typeof listAllRuns>>[1]['query']) =>
      (await ask(listAllRuns, { query })).items.map(({ id }) => id)

    assert.deepEqual(await idsOf({}), [previewed.id, applied.id])
    assert.deepEqual(await idsOf({ connection: 'hq' }), [previewed.id, applied.id])
    assert.deepEqual(await idsOf({ connection: 'idle' }), [])
    assert.deepEqual(await idsOf({ state: 'previewed' }), [previewed.id])
    assert.deepEqual(await idsOf({ mode: 'apply', trigger: 'manual' }), [applied.id])
    assert.deepEqual(await idsOf({ trigger: 'schedule' }), [])
    assert.deepEqual(await idsOf({ organizationId: elsewhere.id }), [])
    const first = await ask(listAllRuns, { query: { limit: 1 } })
    assert.deepEqual([first.total, first.items.length], [2, 1])
    assert.deepEqual(await idsOf({ limit: 1, cursor: first.nextCursor! }), [applied.id])
  })
})

function steps({ next }: Result<typeof previewSchedule>): number[] {
  const times = next.map((time) => Date.parse(time))
  return times.slice(1).map((time, index) => time - times[index]!)
}
