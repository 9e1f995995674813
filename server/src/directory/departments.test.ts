import assert from 'node:assert/strict'
import type { DepartmentPatch, NewDepartment } from '@muster/contracts'
import { onEachDatabase } from '../../test-support/databases.ts'
import { ACTOR, OWNER, createDirectory, outcomes, requester } from '../../test-support/directory.ts'
import type { DepartmentFilter } from './departments.ts'

const operator = requester('operator')

onEachDatabase(({ test }) => {
  test('a manual department is made, changed and deleted', async (database) => {
    const { make, departments, actions } = await createTree(database)
    const root = await make('公司')

    const child = await make('组', { parentId: root, nameEn: 'Group', order: 5 })
    const { department } = await departments.update(ACTOR, child, patch({ parentId: null, nameEn: null, order: 6 }))
    await departments.remove(ACTOR, child)

    assert.deepEqual(
      [department.parent_id, department.name, department.name_en, department.position, department.origin],
      [null, '组', null, 6, 'manual'],
    )
    await assert.rejects(departments.get(child), { code: 'departments/not-found' })
    assert.deepEqual((await actions()).slice(-3), ['department.create', 'department.update', 'department.delete'])
  })

  test('a department is never below itself', async (database) => {
    const { make, departments } = await createTree(database)
    const top = await make('上')
    const middle = await make('中', { parentId: top })
    const bottom = await make('下', { parentId: middle })

    for (const parentId of [top, middle, bottom]) {
      await assert.rejects(departments.update(ACTOR, top, patch({ parentId })), { code: 'departments/cycle' })
    }
    await departments.update(ACTOR, bottom, patch({ parentId: top }))

    assert.equal((await departments.get(bottom)).department.parent_id, top)
  })

  test('two moves at once do not make a circle together', async (database) => {
    const { make, departments } = await createTree(database)
    const [a, b] = [await make('甲'), await make('乙')]

    for (let round = 0; round < 5; round++) {
      const moved = await outcomes([
        departments.update(ACTOR, a, patch({ parentId: b })),
        departments.update(ACTOR, b, patch({ parentId: a })),
      ])
      assert.deepEqual(moved, { done: 1, codes: ['departments/cycle'] })
      for (const id of [a, b]) await departments.update(ACTOR, id, patch({ parentId: null }))
    }
  })

  test('a parent and leaders have to be of the same organization', async (database) => {
    const { make, departments, organizations, users, organization } = await createTree(database)
    const branch = await organizations.create(ACTOR, { slug: 'branch', name: '分', builtInUsersAllowed: true })
    const elsewhere = await departments.create(ACTOR, branch.id, { name: '组', order: 0, leaderUserIds: [] })
    const stranger = await users.create(OWNER, branch.id, { username: 'li', displayName: '李' })
    const own = await make('组')

    const parent = { parentId: elsewhere.department.id }
    await assert.rejects(make('组', parent), { code: 'departments/not-found' })
    await assert.rejects(departments.update(ACTOR, own, patch(parent)), { code: 'departments/not-found' })
    await assert.rejects(departments.update(ACTOR, own, patch({ leaderUserIds: [stranger.user.id] })), {
      code: 'users/not-found',
      fields: [{ path: 'leaderUserIds.0', message: 'No such user in this organization.' }],
    })
    assert.equal((await departments.list(everything(organization.id))).total, 1)
  })

  test('what a connection owns is refused, unless it is sent back as it is', async (database) => {
    const directory = await createTree(database)
    const { departments, users, organization } = directory
    const hq = await directory.addConnection('hq')
    const boss = await users.create(OWNER, organization.id, { username: 'boss', displayName: '老板' })
    await directory.addLink(hq, boss.user.id, 'Boss')
    const id = await directory.addWecomDepartment(hq, '1', { leaders: ['boss', 'nobody'] })
    const { department } = await departments.get(id)

    for (const change of [
      { name: 'x' },
      { parentId: await directory.make('上') },
      { order: 9 },
      { leaderUserIds: [] },
    ]) {
      await assert.rejects(departments.update(ACTOR, id, patch(change)), { code: 'directory/source-owned' })
    }
    await assert.rejects(departments.remove(ACTOR, id), { code: 'directory/source-owned' })
    const asItIs = { name: department.name, parentId: null, order: 0, leaderUserIds: [boss.user.id] }

    const same = await departments.update(ACTOR, id, patch(asItIs))

    assert.deepEqual(same.department, department)
    assert.ok(await directory.make('下', { parentId: id }), 'a manual department may stand below')
  })

  test('a department with people or sub-departments is not deleted, deleted users do not keep it', async (database) => {
    const { make, departments, users, organization } = await createTree(database)
    const parent = await make('上')
    const child = await make('下', { parentId: parent })
    const { user } = await users.create(OWNER, organization.id, {
      username: 'li',
      displayName: '李',
      departments: [{ departmentId: child as never, isMain: true }],
    })

    await assert.rejects(departments.remove(ACTOR, parent), { code: 'departments/not-empty' })
    await assert.rejects(departments.remove(ACTOR, child), { code: 'departments/not-empty' })
    await users.remove(operator, user.id)
    await departments.remove(ACTOR, child)
    await departments.remove(ACTOR, parent)

    assert.equal((await departments.list(everything(organization.id))).total, 0)
    assert.deepEqual((await users.restore(operator, user.id)).memberships, [])
  })

  test('a deletion and a new child at once leave no orphan', async (database) => {
    const { make, departments } = await createTree(database)

    for (let round = 0; round < 5; round++) {
      const parent = await make('上')
      const raced = await outcomes([departments.remove(ACTOR, parent), make('下', { parentId: parent })])
      assert.equal(raced.done, 1)
      assert.match(raced.codes[0]!, /^departments\/(?:not-empty|not-found)$/)
    }
  })

  test('people are counted once, leaders are living users', async (database) => {
    const directory = await createTree(database)
    const { departments, users, organization } = directory
    const hq = await directory.addConnection('hq')
    const id = await directory.addWecomDepartment(hq, '1', { leaders: ['li', 'wang'] })
    const make = async (username: string) => {
      const membership = [{ departmentId: id as never, isMain: false }]
      const input = { username, displayName: username, departments: membership }
      const { user } = await users.create(OWNER, organization.id, input)
      await directory.addLink(hq, user.id, username)
      await directory.addWecomMembership(hq, user.id, id)
      return user.id
    }
    const [li, wang, zhao] = [await make('li'), await make('wang'), await make('zhao')]
    const manual = await directory.make('组', { leaderUserIds: [zhao, li, zhao] })

    const before = await departments.get(id)
    await users.remove(operator, li)
    const after = await departments.list(everything(organization.id))

    assert.deepEqual([before.userCount, before.leaderUserIds], [3, [li, wang]])
    assert.deepEqual(
      after.items.map(({ department, userCount, leaderUserIds }) => [department.id, userCount, leaderUserIds]),
      [
        [id, 2, [wang]],
        [manual, 0, [zhao]],
      ],
    )
  })

  test('filters and searches find what they name', async (database) => {
    const directory = await createTree(database)
    const { organization, departments, make } = directory
    const hq = await directory.addConnection('hq')
    const wecom = await directory.addWecomDepartment(hq, '1')
    const sales = await make('销售', { nameEn: 'Sales 50%' })
    const child = await make('华东', { parentId: sales })
    const found = async (filter: Partial<DepartmentFilter>) =>
      (await departments.list({ ...everything(organization.id), ...filter })).items.map(
        ({ department }) => department.id,
      )

    assert.deepEqual(await found({ parentId: 'none' }), [wecom, sales])
    assert.deepEqual(await found({ parentId: sales }), [child])
    assert.deepEqual(await found({ connectionId: hq }), [wecom])
    assert.deepEqual(await found({ q: 'sales' }), [sales])
    assert.deepEqual(await found({ q: '%' }), [sales])
    assert.deepEqual(await found({ q: '华' }), [child])
  })
})

async function createTree(database: Parameters<typeof createDirectory>[0]) {
  const directory = await createDirectory(database)
  return {
    ...directory,
    make: async (name: string, input: Loose<NewDepartment> = {}): Promise<string> => {
      const whole = { name, order: 0, leaderUserIds: [], ...input } as Omit<NewDepartment, 'organizationId'>
      const { department } = await directory.departments.create(ACTOR, directory.organization.id, whole)
      return department.id
    },
  }
}

/** Ids are branded for clients; here they come from the stores as plain texts. */
type Loose<T> = { [K in keyof T]?: T[K] | string | string[] | null }

function patch(given: Loose<DepartmentPatch>): DepartmentPatch {
  return given as DepartmentPatch
}

function everything(organizationId: string): DepartmentFilter {
  return { organizationId, parentId: null, connectionId: null, q: null, limit: 50, cursor: null }
}
