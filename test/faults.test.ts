/** What a run does when WeCom does not answer as it should: how often it asks, what it says, what it leaves alone. */
import assert from 'node:assert/strict'
import {
  ApiProblem,
  cancelRun,
  createConnection,
  createOrganization,
  getRun,
  listRuns,
  startRun,
  updateConnection,
} from '@muster/contracts'
import type { FaultEffect } from '@muster/emulator'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import { createClient, type ApiClient } from './client.ts'
import { eventually } from './eventually.ts'
import { BOOTSTRAP_TOKEN, serveHere, spawnServer, temporaryFolder } from './server.ts'
import { startStack, startStackOfProcesses, type Stack } from './stack.ts'

onEitherDatabase(({ dialect, testWithUrl }) => {
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

  testWithUrl('WeCom’s own limit is met in the middle, waited out and met again, and the run finishes', async (url) => {
    await using stack = await startStack(url, {
      company: { departments: 40 },
      settings: { MUSTER_WECOM_BACKOFF_MS: '300' },
    })
    stack.control.changeSettings({ limits: { perMinute: 15, minutePenaltyMs: 200 } })

    const run = await stack.syncOnce()

    assert.deepEqual([run.state, run.complete], ['succeeded', true])
    assert.deepEqual(await stack.mistakes(), [])
    const refused = stack.control.countCalls({ endpoint: 'user/list', errcode: 45009 }).count
    // At each of the two limits those who were under way are refused, and nobody comes back before the pause is over.
    assert.ok(refused >= 2 && refused <= 20, `${refused} refusals`)
  })

  const passing: readonly [string, FaultEffect][] = [
    ['-1', { kind: 'errcode', errcode: -1 }],
    ['45033', { kind: 'errcode', errcode: 45033 }],
    ['HTTP 502', { kind: 'status', status: 502 }],
    ['a broken connection', { kind: 'reset' }],
    ['truncated JSON', { kind: 'cut', bytes: 20 }],
    ['no answer in time', { kind: 'hang' }],
  ]
  testWithUrl(`one call each that meets ${passing.map(([what]) => what).join(', ')} is asked again`, async (url) => {
    await using stack = await startStack(url, {
      company: { departments: 20 },
      settings: { MUSTER_WECOM_CALL_TIMEOUT_MS: '1000' },
    })
    const met = stack.control.truth(stack).departments.slice(2, 2 + passing.length)
    for (const [index, [, effect]] of passing.entries()) {
      const query = { department_id: String(met[index]!.id) }
      stack.control.addFault({ endpoint: 'user/list', query, count: 1, effect })
    }

    const run = await stack.syncOnce()

    assert.deepEqual([run.state, run.complete], ['succeeded', true])
    assert.deepEqual(await stack.mistakes(), [])
    const asked = stack.control.calls({ endpoint: 'user/list' }).map(({ query }) => query['department_id'])
    for (const { id } of met) assert.ok(asked.filter((one) => one === String(id)).length >= 2)
  })

  const unreadable: readonly [string, FaultEffect][] = [
    ['answers with a page of HTML', { kind: 'html' }],
    ['answers in broken UTF-8', { kind: 'charset' }],
    ['answers with a redirect', { kind: 'redirect', location: 'http://127.0.0.1:1/' }],
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

  if (dialect === 'postgres') {
    testWithUrl('two processes that read one company stay within its budget together', async (url) => {
      await using stack = await startStackOfProcesses(url, {
        company: { departments: 20 },
        settings: { MUSTER_WECOM_CALLS_PER_MINUTE: '30' },
      })
      const folder = temporaryFolder()
      const second = await spawnServer({ ...stack.settings, MUSTER_DATA_DIR: folder.path })
      try {
        const other = createClient(second.origin, BOOTSTRAP_TOKEN)
        await connectAgain(stack, other)
        const body = { mode: 'apply' } as const
        const runs = await Promise.all([
          stack.ask(startRun, { params: { id: 'hq' }, body }),
          other.ask(startRun, { params: { id: 'again' }, body }),
        ])
        // Bulk may make 27 of 30 calls; each of the two runs alone needs 20, both together 40.
        const made = () => stack.control.countCalls({ endpoint: 'user/list' }).count
        await eventually('the budget of the minute was used up', () => made() >= 27)
        let looks = 0
        await eventually('nobody made another call for a while', () => ++looks > 20)

        assert.equal(made(), 27)
        const states = await Promise.all(runs.map(({ id }) => stack.ask(getRun, { params: { id } })))
        const waiting = states.filter(({ state }) => state === 'running')
        assert.ok(waiting.length > 0, 'who has no call left waits')
        for (const { id } of waiting) await stack.ask(cancelRun, { params: { id } })
        for (const { id } of waiting) await stack.finished(id)
        assert.equal(made(), 27)
      } finally {
        await second.stop()
        folder.remove()
      }
    })

    testWithUrl('a pause that one process met holds for the other', async (url) => {
      await using stack = await startStack(url, {
        company: { departments: 40 },
        settings: { MUSTER_WECOM_BACKOFF_MS: '800' },
      })
      const folder = temporaryFolder()
      // Nothing is shared but the database: each has its own pool, owner and client.
      const second = await serveHere({ ...stack.settings, MUSTER_DATA_DIR: folder.path })
      try {
        const other = createClient(second.origin, BOOTSTRAP_TOKEN)
        await connectAgain(stack, other)
        stack.control.changeSettings({ latencyMs: 5 })
        stack.control.addFault({
          endpoint: 'user/list',
          from: 15,
          count: 1,
          effect: { kind: 'errcode', errcode: 45009 },
        })
        const body = { mode: 'apply' } as const
        const first = await stack.ask(startRun, { params: { id: 'hq' }, body })
        const isRefused = () => stack.control.countCalls({ endpoint: 'user/list', errcode: 45009 }).count === 1
        await eventually('the first was refused', isRefused)

        const later = await other.ask(startRun, { params: { id: 'again' }, body })
        await eventually('the second run knows whom to ask for', () => {
          return stack.control.countCalls({ endpoint: 'department/list' }).count === 2
        })
        const [refusal] = stack.control.calls({ endpoint: 'user/list', errcode: 45009 })
        const ends = await Promise.all([stack.finished(first.id), stack.finished(later.id)])

        assert.deepEqual(
          ends.map(({ state }) => state),
          ['succeeded', 'succeeded'],
        )
        // What the first had on its way when it was refused comes within moments, and is no answer to the pause.
        const onTheWayMs = 250
        const after = stack.control
          .calls({ endpoint: 'user/list' })
          .filter(({ atMs }) => atMs > refusal!.atMs + onTheWayMs)
        // Up to a tenth early, so that processes do not come back in the same instant.
        assert.ok(after[0]!.atMs - refusal!.atMs >= 800 * 0.9 - 50, `${after[0]!.atMs - refusal!.atMs} ms`)
        assert.ok(
          after[0]!.tookMs! + after[0]!.atMs <= after[1]!.atMs + 5,
          'one asks, and the others wait for the answer',
        )
      } finally {
        await second.stop()
        folder.remove()
      }
    })
  }
})

/** A run that has begun to read people and does not get on with it. */
async function startSlowRun(stack: Stack) {
  stack.control.addFault({ endpoint: 'user/list', effect: { kind: 'latency', ms: 60_000 } })
  const run = await stack.startRun()
  await eventually('the run reads people', () => stack.control.calls({ endpoint: 'user/list' }).length > 0)
  return run
}

/** Another organization reads the same company, so that two runs may be active at once. */
async function connectAgain(stack: Stack, { ask }: ApiClient): Promise<void> {
  const organization = await ask(createOrganization, { body: { slug: 'again', name: '又一个' } })
  await ask(createConnection, {
    body: {
      organizationId: organization.id,
      identifier: 'again',
      corpId: stack.corpId,
      agentId: stack.app.agentId,
      secret: stack.app.secret,
      sync: { enabled: true },
    },
  })
}

function isFulfilled<T>(result: PromiseSettledResult<T>): result is PromiseFulfilledResult<T> {
  return result.status === 'fulfilled'
}

function isRejected(result: PromiseSettledResult<unknown>): result is PromiseRejectedResult {
  return result.status === 'rejected'
}
