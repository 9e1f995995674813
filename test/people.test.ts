/** Who is in the directory after a run: the odd people and trees that real companies have, and a large company. */
import assert from 'node:assert/strict'
import { listAudit } from '@muster/contracts'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import { extent } from '../server/test-support/extent.ts'
import { fold } from './directory.ts'
import { startStack, type Stack } from './stack.ts'

const MANY = extent('people of a large company', { everyday: 2_500, thorough: 14_000 })

onEitherDatabase(({ testWithUrl }) => {
  testWithUrl('a member in five departments is one user with five memberships', async (url) => {
    await using stack = await startStack(url, { company: { departments: 12 } })
    const { departments, members } = stack.control.truth(stack)
    const { userid } = members[0]!
    const five = departments.slice(1, 6).map(({ id }) => id)
    stack.control.patchMember({
      corpId: stack.corpId,
      userid,
      patch: { department: five, order: [5, 4, 3, 2, 1], is_leader_in_dept: [1, 0, 0, 0, 1], main_department: five[0] },
    })

    const run = await stack.syncOnce()

    assert.equal(run.state, 'succeeded')
    assert.equal(run.counts.users.created, members.length)
    assert.deepEqual(await stack.mistakes(), [])
    const { users } = await stack.directory()
    const found = users.filter(({ links }) => links.some((link) => link.userid === userid))
    assert.deepEqual(
      found.map((user) => user.departments.length),
      [5],
    )
  })

  testWithUrl('ZhangSan and zhangsan are one user, whichever endpoint spells the name', async (url) => {
    await using stack = await startStack(url)
    const { corpId, control } = stack
    const member = { userid: 'ZhangSan', name: '张三', department: [2], mobile: '13800000001' }
    control.addMember({ corpId, member })
    // agent/get names people one by one, user/list finds the same person in a department.
    control.patchApp({ ...stack.app, corpId, patch: { range: { departments: [2], members: ['zhangsan'], tags: [] } } })

    await stack.syncOnce()
    const [first] = (await stack.directory()).users.filter(({ username }) => fold(username) === 'zhangsan')
    control.renameMember({ corpId, userid: 'ZhangSan', newUserid: 'zhangsan' })
    const run = await stack.syncOnce()

    assert.equal(run.state, 'succeeded')
    assert.equal(run.counts.users.created, 0)
    const namesakes = (await stack.directory()).users.filter(({ username }) => /^zhangsan/i.test(username))
    assert.deepEqual(
      namesakes.map(({ id }) => id),
      [first!.id],
    )
  })

  testWithUrl('two departments of one name under different parents are two', async (url) => {
    await using stack = await startStack(url, { company: { departments: 8 } })
    const { corpId, control } = stack
    const parents = control.truth(stack).departments.slice(1, 3)
    for (const { id } of parents) control.addDepartment({ corpId, department: { name: '综合组', parentid: id } })

    await stack.syncOnce()

    assert.deepEqual(await stack.mistakes(), [])
    const { departments } = await stack.directory()
    const namesakes = departments.filter(({ name }) => name === '综合组')
    assert.equal(new Set(namesakes.map(({ parentId }) => parentId)).size, 2)
  })

  testWithUrl('a visible range of two departments gives two roots', async (url) => {
    await using stack = await startStack(url, { company: { departments: 12 } })
    const range = stack.control.truth(stack).departments.slice(1, 3)
    stack.control.patchApp({
      ...stack.app,
      corpId: stack.corpId,
      patch: { range: { departments: range.map(({ id }) => id), members: [], tags: [] } },
    })

    const run = await stack.syncOnce()

    assert.equal(run.state, 'succeeded')
    assert.deepEqual(await stack.mistakes(), [])
    const { departments, users } = await stack.directory()
    const roots = departments.filter(({ parentId }) => parentId === null)
    assert.deepEqual(roots.map(({ externalId }) => externalId).sort(), range.map(({ id }) => String(id)).sort())
    assert.ok(users.length > 0)
  })

  testWithUrl('people who are visible one by one are users without a department', async (url) => {
    await using stack = await startStack(url)
    const members = stack.control
      .truth(stack)
      .members.slice(0, 3)
      .map(({ userid }) => userid)
    stack.control.patchApp({
      ...stack.app,
      corpId: stack.corpId,
      patch: { range: { departments: [], members, tags: [] } },
    })

    const run = await stack.syncOnce()

    assert.deepEqual([run.state, run.strategy], ['succeeded', 'individuals'])
    assert.deepEqual(await stack.mistakes(), [])
    const { users, departments } = await stack.directory()
    assert.deepEqual([users.length, departments.length], [3, 0])
  })

  testWithUrl(`of ${MANY} people only those with a fault of their own are left out, and are named`, async (url) => {
    await using stack = await startStack(url, { people: MANY })
    const { corpId, control } = stack
    const { departments, members } = control.truth(stack)
    const dark = departments.at(-1)!.id
    const readable = members.filter(({ department }) => !department.includes(dark))
    const [unstorable, original, copy] = [readable[0]!, readable[1]!, readable[2]!]
    const address = 'the.same@company.example'
    const plant = (userid: string, patch: Record<string, unknown>) =>
      control.patchMember({ corpId, userid, patch, unchecked: true })
    plant(unstorable.userid, { name: '\0' })
    plant(original.userid, { biz_mail: address })
    plant(copy.userid, { biz_mail: address.toUpperCase() })
    control.addFault({
      endpoint: 'user/list',
      query: { department_id: String(dark) },
      effect: { kind: 'errcode', errcode: 60123 },
    })

    const run = await stack.syncOnce()

    assert.equal(run.state, 'partially_succeeded')
    assert.equal(run.complete, false)
    assert.deepEqual(
      run.unread.map(({ what, code }) => [what, code]),
      [[`department ${dark}`, 60123]],
    )
    const failures = await stack.failures(run.id)
    const loser = [original, copy].map(({ userid }) => fold(userid)).sort()[1]!
    const named = failures.map(({ externalId, error }) => `${fold(externalId ?? '')} ${error?.code}`)
    assert.deepEqual(
      named.sort(),
      [`${fold(unstorable.userid)} sync/name-unusable`, `${loser} directory/email-taken`].sort(),
    )
    const unseen = members.filter(({ department }) => department.every((id) => id === dark))
    assert.ok(unseen.length > 0)
    const leftOut = new Set([...unseen.map(({ userid }) => fold(userid)), fold(unstorable.userid), loser])
    assert.deepEqual(await stack.mistakes((userid) => !leftOut.has(userid)), [])

    const before = await stack.directory()
    const recorded = await auditOfPeople(stack)
    const again = await stack.syncOnce()

    assert.deepEqual(
      [again.state, again.counts.users.created, again.counts.users.updated],
      ['partially_succeeded', 0, 0],
    )
    assert.equal(again.counts.users.unchanged, MANY - leftOut.size)
    assert.deepEqual(await stack.directory(), before)
    assert.deepEqual(await auditOfPeople(stack), recorded)
  })
})

/** What is on record about anything but runs: that a run was asked for is on record, too, and rightly so. */
async function auditOfPeople(stack: Stack): Promise<string[]> {
  const { items } = await stack.ask(listAudit, { query: { limit: 500 } })
  return items.filter(({ action }) => !action.startsWith('run.')).map(({ id, action }) => `${id} ${action}`)
}
