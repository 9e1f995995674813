/** What a run does when WeCom does not answer as it should: how often it asks, what it says, what it leaves alone. */
import assert from 'node:assert/strict'
import { ApiProblem, cancelRun, listRuns, startRun, updateConnection } from '@muster/contracts'
import type { FaultEffect } from '@muster/emulator'
import { onEachDatabase } from '../server/test-support/databases.ts'
import { eventually } from './eventually.ts'
import { startStack, type Stack } from './stack.ts'

onEachDatabase(({ testWithUrl }) => {
  testWithUrl('a wrong secret is asked about once, and the run says what to do', async (url) => {
    await using stack = await startStack(url, { connection: { secret: 'not-the-secret' } })

    const run = await stack.syncOnce()

    assert.deepEqual([run.state, run.error?.code], ['failed', 'wecom/credential'])
    assert.ok(run.error?.remedy)
    assert.deepEqual(
      stack.control.calls().map(({ endpoint }) => endpoint),
      ['gettoken'],
    )
  })

  testWithUrl('an address that WeCom does not trust is shown, so that it can be entered there', async (url) => {
    await using stack = await startStack(url)
    stack.control.changeSettings({ callerAddress: '203.0.113.7' })
    stack.control.patchApp({ ...stack.app, corpId: stack.corpId, patch: { trustedAddresses: ['198.51.100.1'] } })

    const run = await stack.syncOnce()

    assert.deepEqual([run.state, run.error?.code], ['failed', 'wecom/address'])
    assert.match(run.error?.detail ?? '', /203\.0\.113\.7/)
    assert.ok(stack.control.countCalls().count <= 2)
  })

  testWithUrl('a token that dies under ten calls is fetched once more', async (url) => {
    await using stack = await startStack(url, { company: { departments: 40 } })
    stack.control.changeSettings({ latencyMs: 20 })
    stack.control.addFault({ endpoint: 'user/list', from: 15, count: 1, effect: { kind: 'token-death', as: 42001 } })

    const run = await stack.syncOnce()

    assert.equal(run.state, 'succeeded')
    assert.deepEqual(await stack.mistakes(), [])
    assert.ok(stack.control.countCalls({ endpoint: 'user/list', errcode: 42001 }).count > 0)
    assert.equal(stack.control.countCalls({ endpoint: 'gettoken' }).count, 2)
  })

  testWithUrl('too many calls in the middle are waited for, without hammering', async (url) => {
    await using stack = await startStack(url, { company: { departments: 40 } })
    stack.control.addFault({ endpoint: 'user/list', from: 15, count: 12, effect: { kind: 'errcode', errcode: 45009 } })

    const run = await stack.syncOnce()

    assert.equal(run.state, 'succeeded')
    assert.deepEqual(await stack.mistakes(), [])
    assert.equal(stack.control.countCalls({ endpoint: 'user/list', errcode: 45009 }).count, 12)
  })

  const unreadable: readonly [string, FaultEffect][] = [
    ['always fails', { kind: 'errcode', errcode: 60123 }],
    ['answers without its list', { kind: 'missing', key: 'userlist' }],
    ['answers an error with an empty list', { kind: 'json', value: { errcode: 50001, errmsg: 'x', userlist: [] } }],
  ]
  for (const [what, effect] of unreadable) {
    testWithUrl(`when one department ${what}, nobody is removed or changed wrongly`, async (url) => {
      await using stack = await startStack(url, { company: { departments: 12 } })
      await stack.syncOnce()
      const before = await stack.directory()
      const [, , dark] = stack.control.truth(stack).departments
      stack.control.addFault({ endpoint: 'user/list', query: { department_id: String(dark!.id) }, effect })

      const run = await stack.syncOnce()

      assert.deepEqual([run.state, run.complete], ['partially_succeeded', false])
      assert.deepEqual(
        run.unread.map((unread) => unread.what),
        [`department ${dark!.id}`],
      )
      assert.deepEqual(await stack.directory(), before)
    })
  }

  for (const endpoint of ['department/list', 'user/list', '*']) {
    testWithUrl(`when every call of ${endpoint} fails, the run fails and nothing is changed`, async (url) => {
      await using stack = await startStack(url, { company: { departments: 6 } })
      await stack.syncOnce()
      const before = await stack.directory()
      stack.control.churn({ corpId: stack.corpId, percent: 30, seed: 'while broken' })
      stack.control.addFault({ endpoint, effect: { kind: 'errcode', errcode: 48002 } })

      const run = await stack.syncOnce()

      assert.equal(run.state, 'failed')
      assert.ok(run.error?.remedy)
      assert.deepEqual(await stack.directory(), before)
    })
  }

  testWithUrl('of two runs at once one runs, and the other is told which', async (url) => {
    await using stack = await startStack(url)
    stack.control.changeSettings({ latencyMs: 30 })

    const asked = await Promise.allSettled([stack.startRun(), stack.startRun()])

    const [started, refused] = [asked.find(isFulfilled), asked.find(isRejected)]
    assert.ok(started && refused?.reason instanceof ApiProblem)
    assert.deepEqual([refused.reason.status, refused.reason.code], [409, 'sync/run-active'])
    assert.equal(refused.reason.problem.runId, started.value.id)
    assert.equal((await stack.finished(started.value.id)).state, 'succeeded')
    assert.equal((await stack.ask(listRuns, { params: { id: 'hq' } })).total, 1)
  })

  testWithUrl('a run that is cancelled stops asking, and the next one converges', async (url) => {
    await using stack = await startStack(url)
    const run = await startSlowRun(stack)

    await stack.ask(cancelRun, { params: { id: run.id } })

    assert.deepEqual([(await stack.finished(run.id)).state], ['cancelled'])
    await eventually('WeCom was left alone', () => stack.control.countCalls().inFlight === 0)
    stack.control.clearFaults()
    assert.equal((await stack.syncOnce()).state, 'succeeded')
    assert.deepEqual(await stack.mistakes(), [])
  })

  testWithUrl('switching sync off cancels the run under way, and no other starts', async (url) => {
    await using stack = await startStack(url)
    const run = await startSlowRun(stack)

    await stack.ask(updateConnection, { params: { id: 'hq' }, body: { sync: { enabled: false } } })

    assert.equal((await stack.finished(run.id)).state, 'cancelled')
    await assert.rejects(stack.ask(startRun, { params: { id: 'hq' }, body: { mode: 'apply' } }), {
      code: 'sync/disabled',
    })
  })
})

/** A run that has begun to read people and does not get on with it. */
async function startSlowRun(stack: Stack) {
  stack.control.addFault({ endpoint: 'user/list', effect: { kind: 'latency', ms: 60_000 } })
  const run = await stack.startRun()
  await eventually('the run reads people', () => stack.control.calls({ endpoint: 'user/list' }).length > 0)
  return run
}

function isFulfilled<T>(result: PromiseSettledResult<T>): result is PromiseFulfilledResult<T> {
  return result.status === 'fulfilled'
}

function isRejected(result: PromiseSettledResult<unknown>): result is PromiseRejectedResult {
  return result.status === 'rejected'
}
