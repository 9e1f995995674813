/** The ways to read a company: which one is taken, at what price, and that each shows the same people. */
import assert from 'node:assert/strict'
import { onEachDatabase } from '../server/test-support/databases.ts'
import { startStack } from './stack.ts'

onEachDatabase(({ testWithUrl }) => {
  testWithUrl(
    'a company with more departments than a minute has calls is exported, in a handful of calls',
    async (url) => {
      await using stack = await startStack(url, { people: 9_000, company: { departments: 8_200 } })

      const run = await stack.syncOnce()

      assert.deepEqual([run.state, run.strategy, run.complete], ['succeeded', 'export', true])
      assert.ok(run.apiCalls < 20, `${run.apiCalls} calls`)
      assert.deepEqual(await stack.mistakes(), [])
    },
  )

  testWithUrl('an export that WeCom refuses is replaced by the walk', async (url) => {
    await using stack = await startStack(url, {
      people: 8_300,
      company: { departments: 8_200 },
      settings: { MUSTER_WECOM_CALLS_PER_MINUTE: '100000' },
    })
    stack.control.addFault({ endpoint: 'export/*', effect: { kind: 'errcode', errcode: 48002 } })
    stack.control.changeSettings({ limits: { perMinute: null, perHour: null } })

    const run = await stack.syncOnce()

    assert.deepEqual([run.state, run.strategy, run.complete], ['succeeded', 'departments', true])
    assert.deepEqual(await stack.mistakes(), [])
  })
})
