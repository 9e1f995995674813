/** Undoing through the API: a run or one person of it, shown first, and never against what came later. */
import assert from 'node:assert/strict'
import { listAudit, listChanges, revertRun, updateConnection, updateUser, type Run, type Sent } from '@muster/contracts'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import { startStack, type Stack } from './stack.ts'

onEitherDatabase(({ testWithUrl }) => {
  testWithUrl(
    'a first import is shown, undone with sync switched off, and comes back with the same users',
    async (url) => {
      await using stack = await startStack(url)
      const first = await stack.syncOnce()
      const { users } = await stack.directory()
      await stack.ask(updateConnection, { params: { id: 'hq' }, body: { sync: { enabled: false } } })

      const preview = await revert(stack, first.id, { mode: 'preview' })
      assert.deepEqual([preview.state, preview.trigger, preview.originRunId], ['previewed', 'revert', first.id])
      assert.equal((await stack.directory()).users.length, users.length)

      const undone = await revert(stack, first.id)
      assert.deepEqual([undone.state, undone.apiCalls, undone.counts], ['succeeded', 0, preview.counts])
      assert.deepEqual(
        [undone.counts.users.deleted, undone.counts.departments.deleted],
        [first.counts.users.created, first.counts.departments.created],
      )
      assert.ok(undone.warnings.some(({ code }) => code === 'may-happen-again'))
      const empty = await stack.directory()
      assert.deepEqual([empty.users, empty.departments], [[], []])

      await stack.ask(updateConnection, { params: { id: 'hq' }, body: { sync: { enabled: true } } })
      const back = await stack.syncOnce()
      assert.equal(back.counts.users.restored, users.length)
      assert.deepEqual(await stack.mistakes(), [])
      const ids = (of: typeof users) => of.map(({ id }) => id).sort()
      assert.deepEqual(ids((await stack.directory()).users), ids(users))
    },
  )

  testWithUrl('one person of a run is undone, and not against an administrator', async (url) => {
    await using stack = await startStack(url)
    await stack.syncOnce()
    const [li, wang] = stack.control.truth(stack).members.filter(({ status }) => status === 1)
    for (const { userid } of [li!, wang!]) {
      stack.control.patchMember({ corpId: stack.corpId, userid, patch: { status: 2 }, unchecked: true })
    }
    const run = await stack.syncOnce()
    assert.equal(run.counts.users.disabled, 2)
    const [liId, wangId] = [await userIdOf(stack, li!.userid), await userIdOf(stack, wang!.userid)]
    await stack.ask(updateUser, { params: { id: wangId }, body: { status: 'disabled' } })

    const one = await revert(stack, run.id, { userId: liId })
    assert.deepEqual([one.onlyUserId, one.counts.users.enabled, one.counts.users.skipped], [liId, 1, 0])
    const all = await revert(stack, run.id)

    assert.deepEqual([all.state, all.counts.users.enabled, all.counts.users.skipped], ['succeeded', 0, 2])
    const { items } = await stack.ask(listChanges, { params: { id: all.id }, query: { state: 'skipped' } })
    assert.deepEqual(
      items.map(({ reason, userId }) => [reason, userId]).sort(),
      [liId, wangId].sort().map((id) => ['changed-since', id]),
    )
    const { users } = await stack.directory()
    const statusOf = (wanted: string) => users.find(({ id }) => id === wanted)!.status
    assert.deepEqual([statusOf(liId), statusOf(wangId)], ['active', 'disabled'])
    const audit = await stack.ask(listAudit, { query: { targetId: one.id } })
    assert.deepEqual(
      audit.items.map(({ action }) => action),
      ['run.revert'],
    )
    // As the warning says: WeCom still shows this person as disabled, so the next run does it again.
    assert.equal((await stack.syncOnce()).counts.users.disabled, 1)
  })

  testWithUrl('what cannot be undone is refused', async (url) => {
    await using stack = await startStack(url)
    const preview = await stack.syncOnce('preview')
    const first = await stack.syncOnce()
    const second = await stack.syncOnce()
    const nobody = `usr_${'0'.repeat(26)}`

    for (const [id, body] of [
      [preview.id, {}],
      [second.id, {}],
      [first.id, { userId: nobody }],
    ] as const) {
      await assert.rejects(revert(stack, id, body), { status: 409, code: 'sync/nothing-to-revert' })
    }
    await assert.rejects(revert(stack, nobody.replace('usr_', 'run_')), { status: 404, code: 'runs/not-found' })

    stack.control.changeSettings({ latencyMs: 100 })
    const active = await stack.startRun()
    await assert.rejects(revert(stack, first.id), { status: 409, code: 'sync/run-active' })
    stack.control.changeSettings({ latencyMs: 0 })
    await stack.finished(active.id)
  })
})

async function revert(stack: Stack, id: string, body?: Sent<typeof revertRun>['body']): Promise<Run> {
  const { id: revertId } = await stack.ask(revertRun, { params: { id }, ...(body === undefined ? {} : { body }) })
  return stack.finished(revertId)
}

async function userIdOf(stack: Stack, userid: string): Promise<string> {
  const { users } = await stack.directory()
  return users.find(({ username }) => username.toLowerCase() === userid.toLowerCase())!.id
}
