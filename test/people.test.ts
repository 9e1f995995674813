import assert from 'node:assert/strict'
import { onEachDatabase } from '../server/test-support/databases.ts'
import { startStack } from './stack.ts'

onEachDatabase(({ testWithUrl }) => {
  testWithUrl('a member in five departments is one user with five memberships', async (url) => {
    await using stack = await startStack(url, { people: 60, company: { departments: 12 } })
    const departments = stack.control
      .truth(stack)
      .departments.slice(1, 6)
      .map(({ id }) => id)
    const [person] = stack.control.truth(stack).members
    stack.control.patchMember({
      corpId: stack.corpId,
      userid: person!.userid,
      patch: { department: departments, order: [5, 4, 3, 2, 1], is_leader_in_dept: [1, 0, 0, 0, 1] },
    })

    const run = await stack.syncOnce()

    assert.equal(run.state, 'succeeded')
    assert.deepEqual(run.counts.users.created, 60)
    assert.deepEqual(await stack.mistakes(), [])
    const { users } = await stack.directory()
    const [user, ...doubles] = users.filter(({ links }) => links.some(({ userid }) => userid === person!.userid))
    assert.equal(user?.departments.length, 5)
    assert.deepEqual(doubles, [])
  })
})
