/** Settings that change while a run is under way: it never goes on against a decision, and says what it went by. */
import assert from 'node:assert/strict'
import { getRun, listAudit, updateConnection, type ConnectionPatch, type Run } from '@muster/contracts'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import { eventually } from './eventually.ts'
import { startStack, type Stack } from './stack.ts'

onEitherDatabase(({ testWithUrl }) => {
  const stopping: readonly [string, NonNullable<ConnectionPatch['sync']>, string][] = [
    ['switching sync off', { enabled: false }, 'sync/disabled'],
    ['a policy that removes nobody any more', { users: { onlyHere: 'ignore' } }, 'sync/settings-changed'],
    ['a guard that holds sooner', { guard: { percent: 1 } }, 'sync/settings-changed'],
  ]
  for (const [what, sync, code] of stopping) {
    testWithUrl(`${what} ends a run under way, and nobody is removed after it`, async (url) => {
      await using stack = await startStack(url, { company: { departments: 12 } })
      await patch(stack, { users: { onlyHere: 'delete' } })
      await stack.syncOnce()
      dismissTwo(stack)

      const run = await duringReading(stack, () => patch(stack, sync))

      assert.deepEqual([run.state, run.error?.code, run.counts.users.deleted], ['cancelled', code, 0])
      assert.ok((await stack.directory()).users.every(({ status }) => status !== 'deleted'))
      const { items } = await stack.ask(listAudit, { query: { targetId: run.id } })
      assert.deepEqual(
        items.map(({ action }) => action),
        ['run.cancel', 'run.start'],
      )
    })
  }

  testWithUrl('a run goes by the settings it began with, and says when they changed', async (url) => {
    await using stack = await startStack(url, { company: { departments: 12 } })
    await stack.syncOnce()
    dismissTwo(stack)

    const run = await duringReading(stack, () => patch(stack, { users: { onlyHere: 'delete' } }))

    assert.deepEqual([run.state, run.counts.users.deleted], ['succeeded', 0])
    assert.ok(run.warnings.some((warning) => warning.code === 'settings-changed'))
    const next = await stack.syncOnce()
    assert.deepEqual(
      [next.counts.users.deleted, next.warnings.map((warning) => warning.code)],
      [2, ['run-within-hour']],
    )
  })
})

/** Starts a run, does something while it reads, and waits for its end. */
async function duringReading(stack: Stack, deed: () => Promise<unknown>): Promise<Run> {
  stack.control.changeSettings({ latencyMs: 100 })
  stack.control.clearCalls()
  const { id } = await stack.startRun()
  await eventually('the run reads', () => stack.control.countCalls({ endpoint: 'user/list' }).count > 0)
  await deed()
  stack.control.changeSettings({ latencyMs: 0 })
  await stack.finished(id)
  return stack.ask(getRun, { params: { id } })
}

function patch(stack: Stack, sync: NonNullable<ConnectionPatch['sync']>) {
  return stack.ask(updateConnection, { params: { id: stack.connection }, body: { sync } })
}

function dismissTwo(stack: Stack): void {
  const leavers = stack.control.truth(stack).members.filter(({ status }) => status === 1)
  stack.control.removeMembers({ corpId: stack.corpId, userids: leavers.slice(0, 2).map(({ userid }) => userid) })
}
