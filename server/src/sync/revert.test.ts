import assert from 'node:assert/strict'
import type { Member } from '@muster/wecom'
import { onEachDatabase } from '../../test-support/databases.ts'
import { requester } from '../../test-support/directory.ts'
import { createWorld, type Company } from '../../test-support/sync-world.ts'

onEachDatabase(({ test }) => {
  test('what somebody changed since is left, and each row says so', async (database) => {
    const world = await createWorld(database)
    const site = await world.newSite()
    await site.run(company([member('li', { position: '工程师' }), member('wang'), member('zhao')]))
    const run = await site.runWhole(
      company([member('li', { name: '李四', position: '主管' }), member('wang', { status: 2 }), member('qian')]),
    )
    await site.run(
      company([member('li', { name: '李四', position: '总监' }), member('wang', { status: 2 }), member('qian')]),
    )
    await site.disable('wang') // an administrator means it, too
    await site.promote('qian')

    const { id, counts } = await site.revert(run.id)

    const [li, wang, qian] = [await site.user('li'), await site.user('wang'), await site.user('qian')]
    assert.deepEqual([li.display_name, li.title], ['li', '总监'])
    assert.deepEqual([wang.status, wang.disabled_by], ['disabled', 'administrator'])
    assert.equal(qian.status, 'active')
    assert.deepEqual([counts.users.updated, counts.users.skipped, counts.users.failed], [1, 3, 0])
    const rows = await site.changes(id)
    const skipped = rows.filter(({ state }) => state === 'skipped')
    assert.deepEqual(skipped.map(({ externalId, reason }) => [externalId, reason]).sort(), [
      ['li', 'changed-since'],
      ['qian', 'administrator'],
      ['wang', 'changed-since'],
    ])
    assert.deepEqual(skipped.find(({ externalId }) => externalId === 'li')?.before, { title: '总监' })
  })

  test('a status that was decided anew counts as changed, although it looks the same', async (database) => {
    const world = await createWorld(database)
    const site = await world.newSite()
    const [active, inactive] = [company([member('li')]), company([member('li', { status: 2 })])]
    await site.run(inactive)
    const enabled = await site.runWhole(active)
    const { id } = await site.user('li')
    for (const status of ['disabled', 'active'] as const) await world.users.update(requester('owner'), id, { status })

    await site.revert(enabled.id)
    assert.equal((await site.user('li')).status, 'active')

    const disabled = await site.runWhole(inactive)
    const again = await site.runWhole(active)
    await site.run(inactive)
    await site.revert(disabled.id)
    assert.equal((await site.user('li')).status, 'disabled')

    // Taken back one after the other, the newest first, each is the last word again.
    const third = (await site.runsDone()).find((id) => id > again.id)!
    await site.revert(third)
    await site.revert(again.id)
    await site.revert(disabled.id)
    assert.equal((await site.user('li')).status, 'active')
  })

  test('a name or an address that is taken by now fails alone, with the reason', async (database) => {
    const site = await (await createWorld(database)).newSite({ onlyHereUsers: 'delete' })
    const people = [member('li', { bizMail: 'li@corp.example' }), member('wang'), member('zhao'), member('qian')]
    await site.run(company(people))
    const run = await site.runWhole(company([member('qian')]), { approved: EVERYTHING })
    await site.run(company([member('qian'), member('sun', { bizMail: 'li@corp.example' })]), { approved: EVERYTHING })
    await site.addBuiltIn('wang', null)

    const { id, counts } = await site.revert(run.id)

    assert.deepEqual([counts.users.restored, counts.users.failed], [1, 2])
    const failed = (await site.changes(id)).filter(({ state }) => state === 'failed')
    assert.deepEqual(failed.map(({ externalId, problem }) => [externalId, problem?.code]).sort(), [
      ['li', 'directory/email-taken'],
      ['wang', 'directory/username-taken'],
    ])
    assert.equal((await site.user('zhao')).status, 'active')
  })

  test('two who swapped addresses swap back, also when they are looked at far from each other', async (database) => {
    const site = await (await createWorld(database)).newSite()
    const crowd = Array.from({ length: 1_100 }, (_, index) => member(`p${index}`))
    const before = [member('li', { bizMail: 'a@corp.example' }), ...crowd, member('wang')]
    const after = [
      member('li', { bizMail: '', email: '' }),
      ...crowd.map((person) => ({ ...person, position: '工程师' })),
    ]
    await site.run(company(before))
    const run = await site.runWhole(company([...after, member('wang', { bizMail: 'a@corp.example' })]))

    const { counts } = await site.revert(run.id)

    assert.deepEqual([counts.users.failed, counts.users.updated], [0, 1_102])
    const { li, wang } = (await site.emails()) as { li: string; wang: string }
    assert.deepEqual([li, wang], ['a@corp.example', 'wang@wecom.local'])
  })

  test('a userid that came back with somebody else is its old owner again, and the new one is gone', async (database) => {
    const site = await (await createWorld(database)).newSite({ onlyHereUsers: 'delete' })
    await site.run(company([member('li', { name: '李一' }), member('wang')]))
    const { id: old } = await site.user('li')
    await site.run(company([member('wang')]), { approved: EVERYTHING })
    const run = await site.runWhole(company([member('li', { name: '李二' }), member('wang')]))

    const undone = await site.revert(run.id)
    assert.equal(await site.ownerOf('li'), old)
    assert.deepEqual(
      (await site.all()).filter(({ username_key }) => username_key === 'li').map(({ status }) => status),
      ['deleted', 'deleted'],
    )

    await site.revert(undone.id)
    assert.notEqual(await site.ownerOf('li'), old)
    assert.deepEqual((await site.directory()).users['li']?.name, '李二')
  })

  test('a userid that went to somebody new while its owner was missing goes back', async (database) => {
    const site = await (await createWorld(database)).newSite()
    await site.run(company([member('li', { name: '李一', mobile: '13800000001' }), member('wang')]))
    const { id: old } = await site.user('li')
    await site.run(company([member('wang')]))
    const run = await site.runWhole(company([member('li', { name: '李二', mobile: '13800000002' }), member('wang')]))
    assert.notEqual(await site.ownerOf('li'), old)

    const undone = await site.revert(run.id)

    assert.equal(await site.ownerOf('li'), old)
    const changes = await site.changes(undone.id)
    assert.deepEqual(changes.map(({ action, state, reason }) => `${action} ${state} ${reason}`).sort(), [
      'delete applied reverted',
      'link skipped userid-reused',
    ])
    assert.deepEqual((await site.all()).map(({ status }) => status).sort(), ['active', 'active', 'deleted'])
  })

  test('a match by login name is undone by unlinking, and what was ours stays', async (database) => {
    const site = await (await createWorld(database)).newSite()
    await site.addBuiltIn('li', null)
    const run = await site.runWhole(company([member('li', { name: '李四' })]))

    const undone = await site.revert(run.id)

    const li = await site.user('li')
    assert.deepEqual([li.status, li.display_name, undone.counts.users.unlinked], ['active', 'li', 1])
    assert.equal(await site.ownerOf('li'), undefined)
  })

  test('one person of a run is taken back and nobody else', async (database) => {
    const site = await (await createWorld(database)).newSite()
    const run = await site.runWhole(company([member('li'), member('wang')]))
    const { id: userId } = await site.user('li')

    const { counts } = await site.revert(run.id, { userId })

    assert.deepEqual([counts.users.deleted, counts.departments.deleted], [1, 0])
    assert.deepEqual(await site.statuses(), { li: 'deleted', wang: 'active' })
    const back = await site.run(company([member('li'), member('wang')]))
    assert.deepEqual([back.users.restored, (await site.user('li')).id], [1, userId])
  })
})

function company(members: Member[]): Company {
  return { departments: [{ id: 1, name: '公司', parentId: 0 }], members }
}

function member(userid: string, fields: Partial<Member> = {}): Member {
  return { userid, name: userid, departments: [{ id: 1, order: 0, isLeader: false }], status: 1, ...fields }
}

/** What an administrator approves who approves whatever there is. */
const EVERYTHING = { has: () => true } as unknown as ReadonlySet<string>
