import assert from 'node:assert/strict'
import { onEachDatabase } from '../../test-support/databases.ts'
import { ACTOR, createDirectory, outcomes } from '../../test-support/directory.ts'

onEachDatabase(({ test }) => {
  test('the first start makes one default organization, however many processes start', async (database) => {
    const { organizations, organization } = await createDirectory(database)

    const again = await Promise.all([organizations.ensureDefault(), organizations.ensureDefault()])

    assert.deepEqual(
      again.map(({ id }) => id),
      [organization.id, organization.id],
    )
    assert.equal((await organizations.resolve(undefined)).id, organization.id)
    assert.equal((await organizations.list({ limit: 10, cursor: null, q: null })).total, 1)
  })

  test('first starts at the same moment agree', async (database) => {
    const { organizations, organization } = await createDirectory(database)
    await database.kysely.deleteFrom('organizations').where('id', '=', organization.id).execute()

    const made = await Promise.all(Array.from({ length: 5 }, () => organizations.ensureDefault()))

    assert.equal(new Set(made.map(({ id }) => id)).size, 1)
  })

  test('a short name belongs to one organization', async (database) => {
    const { organizations } = await createDirectory(database)
    const input = { slug: 'branch', name: '分公司', builtInUsersAllowed: true }

    const made = await outcomes(Array.from({ length: 4 }, () => organizations.create(ACTOR, input)))
    const other = await organizations.create(ACTOR, { ...input, slug: 'other' })

    assert.deepEqual(made, { done: 1, codes: Array(3).fill('organizations/slug-taken') })
    await assert.rejects(organizations.update(ACTOR, other.id, { slug: 'branch' }), {
      code: 'organizations/slug-taken',
    })
  })

  test('a patch changes what it names', async (database) => {
    const { organizations, actions } = await createDirectory(database)
    const made = await organizations.create(ACTOR, { slug: 'branch', name: '分公司', builtInUsersAllowed: true })

    const changed = await organizations.update(ACTOR, made.id, { builtInUsersAllowed: false })

    assert.deepEqual(changed, { ...made, builtInUsersAllowed: false, updatedAt: changed.updatedAt })
    assert.deepEqual(await organizations.get(made.id), changed)
    assert.deepEqual((await actions()).slice(-2), ['organization.create', 'organization.update'])
  })

  test('an organization is deleted when nothing is in it', async (database) => {
    const { organizations, departments } = await createDirectory(database)
    const { id } = await organizations.create(ACTOR, { slug: 'branch', name: '分公司', builtInUsersAllowed: true })
    const { department } = await departments.create(ACTOR, id, { name: '组', order: 0, leaderUserIds: [] })

    await assert.rejects(organizations.remove(ACTOR, id), {
      code: 'organizations/not-empty',
      detail: {
        en: 'It has 0 connections, 0 users (deleted ones included), 1 departments and 0 applications.',
        zh: '其中有 0 个连接、0 个用户（含已删除）、1 个部门和 0 个应用。',
      },
    })
    await departments.remove(ACTOR, department.id)
    await organizations.remove(ACTOR, id)

    await assert.rejects(organizations.get(id), { code: 'organizations/not-found' })
  })

  test('the default organization keeps its short name and stays', async (database) => {
    const { organizations, organization } = await createDirectory(database)

    await assert.rejects(organizations.update(ACTOR, organization.id, { slug: 'main' }), {
      code: 'organizations/default-fixed',
    })
    await assert.rejects(organizations.remove(ACTOR, organization.id), { code: 'organizations/default-fixed' })
    assert.equal((await organizations.update(ACTOR, organization.id, { name: '总部' })).name, '总部')
  })

  test('a search finds wildcards as the letters they are', async (database) => {
    const { organizations } = await createDirectory(database)
    await organizations.create(ACTOR, { slug: 'a', name: '100% Fresh_Food\\', builtInUsersAllowed: true })
    await organizations.create(ACTOR, { slug: 'b', name: '1000 fresh food', builtInUsersAllowed: true })
    const found = async (q: string) =>
      (await organizations.list({ limit: 10, cursor: null, q })).items.map(({ slug }) => slug)

    assert.deepEqual(await found('0%'), ['a'])
    assert.deepEqual(await found('FRESH_'), ['a'])
    assert.deepEqual(await found('food\\'), ['a'])
    assert.deepEqual(await found('fresh'), ['a', 'b'])
    assert.deepEqual(await found("' or 1=1 --\0"), [])
  })
})
