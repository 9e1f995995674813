/** Removals through the API: what looks like an accident waits for a person, and that person's word is exactly kept. */
import assert from 'node:assert/strict'
import { approveRun, getConnection, getRun, listChanges, rejectRun, updateConnection } from '@muster/contracts'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import { fold } from './directory.ts'
import { startStack, type Stack } from './stack.ts'

onEitherDatabase(({ testWithUrl }) => {
  testWithUrl(
    'a visible range narrowed to one department holds everybody else, and approval removes exactly them',
    async (url) => {
      await using stack = await startStack(url, { people: 60, company: { departments: 8 } })
      await policy(stack, 'disable')
      await stack.syncOnce()
      const active = await countActive(stack)
      narrow(stack)

      const held = await stack.syncOnce()
      assert.equal(held.state, 'held')
      assert.ok(held.held!.reasons.some(({ code }) => code === 'lost-root'))
      assert.equal(held.counts.users.disabled, 0)
      assert.equal(await countActive(stack), active)
      const rows = await stack.ask(listChanges, { params: { id: held.id }, query: { state: 'held', limit: 500 } })
      assert.equal(rows.items.filter(({ entity }) => entity === 'user').length, held.counts.users.held)
      assert.equal((await stack.ask(getConnection, { params: { id: stack.connection } })).status.sync, 'held')

      await assert.rejects(approve(stack, held.id, 'another'), { status: 409, code: 'sync/plan-changed' })

      const { planHash } = held.held!
      const approval = await stack.finished((await approve(stack, held.id, planHash)).id)
      assert.deepEqual([approval.trigger, approval.originRunId, approval.state], ['approval', held.id, 'succeeded'])
      assert.equal(approval.counts.users.disabled, held.counts.users.held)
      assert.equal((await stack.ask(getRun, { params: { id: held.id } })).state, 'succeeded')
      assert.equal(await countActive(stack), active - held.counts.users.held)

      const next = await stack.syncOnce()
      assert.deepEqual([next.state, next.counts.users.disabled, next.counts.users.held], ['succeeded', 0, 0])
    },
  )

  testWithUrl('what changes in WeCom before the approval neither widens it nor removes who is back', async (url) => {
    await using stack = await startStack(url, { people: 60, company: { departments: 8 } })
    await policy(stack, 'disable')
    await stack.syncOnce()
    const leaf = narrow(stack)
    const held = await stack.syncOnce()
    const shown = await heldUserids(stack, held.id)
    const active = await activeUserids(stack)
    const [returning] = shown
    const [leaver] = active.filter((userid) => !shown.includes(userid))
    assert.ok(returning !== undefined && leaver !== undefined)

    const place = { department: [leaf], order: [0], is_leader_in_dept: [0], main_department: leaf }
    stack.control.patchMember({ corpId: stack.corpId, userid: returning, patch: place })
    stack.control.removeMembers({ corpId: stack.corpId, userids: [leaver] })
    const approval = await stack.finished((await approve(stack, held.id, held.held!.planHash)).id)

    assert.equal(approval.counts.users.disabled, shown.length - 1)
    const gone = new Set(shown.filter((userid) => userid !== returning))
    assert.deepEqual(
      await activeUserids(stack),
      active.filter((userid) => !gone.has(userid)),
    )
    const rows = await stack.ask(listChanges, { params: { id: approval.id }, query: { state: 'skipped', limit: 500 } })
    assert.deepEqual(
      rows.items.map(({ externalId, reason }) => [fold(externalId!), reason]),
      [[leaver, 'not-approved']],
    )
  })

  testWithUrl('a rejected run removes nobody, and a newer run replaces an older question', async (url) => {
    await using stack = await startStack(url, { people: 60, company: { departments: 8 } })
    await policy(stack, 'delete')
    await stack.syncOnce()
    const active = await countActive(stack)
    narrow(stack)

    const first = await stack.syncOnce()
    const second = await stack.syncOnce()
    assert.deepEqual([first.state, second.state], ['held', 'held'])
    assert.equal((await stack.ask(getRun, { params: { id: first.id } })).state, 'superseded')
    await assert.rejects(approve(stack, first.id, first.held!.planHash), { status: 409, code: 'sync/plan-outdated' })

    const rejected = await stack.ask(rejectRun, { params: { id: second.id } })
    assert.deepEqual([rejected.state, rejected.counts.users.held], ['rejected', 0])
    assert.equal(await countActive(stack), active)
  })

  testWithUrl('a few leavers leave without asking, and come back as who they were', async (url) => {
    await using stack = await startStack(url, { people: 60, company: { departments: 8 } })
    await policy(stack, 'delete')
    await stack.syncOnce()
    const leaver = stack.control.truth(stack).members.find(({ status }) => status === 1)!
    const id = await userIdOf(stack, leaver.userid)
    stack.control.removeMembers({ corpId: stack.corpId, userids: [leaver.userid] })

    const left = await stack.syncOnce()
    assert.deepEqual([left.state, left.counts.users.deleted], ['succeeded', 1])

    stack.control.addMember({ corpId: stack.corpId, member: { ...leaver } })
    const back = await stack.syncOnce()
    assert.deepEqual([back.state, back.counts.users.restored], ['succeeded', 1])
    assert.equal(await userIdOf(stack, leaver.userid), id)
  })
})

function approve(stack: Stack, id: string, planHash: string) {
  return stack.ask(approveRun, { params: { id }, body: { planHash } })
}

async function policy(stack: Stack, onlyHere: 'disable' | 'delete'): Promise<void> {
  await stack.ask(updateConnection, { params: { id: stack.connection }, body: { sync: { users: { onlyHere } } } })
}

/** Leaves the app one leaf department to see. @returns its WeCom id */
function narrow(stack: Stack): number {
  const { departments } = stack.control.truth(stack)
  const parents = new Set(departments.map(({ parentid }) => parentid))
  const leaf = departments.find(({ id }) => !parents.has(id))!
  const range = { departments: [leaf.id], members: [], tags: [] }
  stack.control.patchApp({ ...stack.app, corpId: stack.corpId, patch: { range } })
  return leaf.id
}

/** Folded, of people only. */
async function heldUserids(stack: Stack, id: string): Promise<string[]> {
  const { items } = await stack.ask(listChanges, {
    params: { id },
    query: { state: 'held', entity: 'user', limit: 500 },
  })
  return items.map(({ externalId }) => fold(externalId!))
}

async function activeUserids(stack: Stack): Promise<string[]> {
  const { users } = await stack.directory()
  return users
    .filter(({ status }) => status === 'active')
    .flatMap(({ links }) => links.map(({ userid }) => fold(userid)))
    .sort()
}

async function countActive(stack: Stack): Promise<number> {
  return (await stack.directory()).users.filter(({ status }) => status === 'active').length
}

async function userIdOf(stack: Stack, userid: string): Promise<string> {
  const { users } = await stack.directory()
  return users.find(({ username }) => username.toLowerCase() === userid.toLowerCase())!.id
}
