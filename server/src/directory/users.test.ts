import assert from 'node:assert/strict'
import type { NewUser } from '@muster/contracts'
import { onEachDatabase } from '../../test-support/databases.ts'
import { ACTOR, OWNER, CORP, createDirectory, outcomes, requester } from '../../test-support/directory.ts'
import type { Database } from '../database/database.ts'
import { verifyPassword } from './passwords.ts'
import type { UserFilter } from './users.ts'

const owner = requester('owner')
const operator = requester('operator')

onEachDatabase(({ test }) => {
  test('a built-in user is stored as given, cleaned', async (database) => {
    const { users, organization, departments, actions } = await createDirectory(database)
    const { department } = await departments.create(ACTOR, organization.id, { name: '组', order: 0, leaderUserIds: [] })

    const { user, memberships } = await users.create(OWNER, organization.id, {
      username: 'ZhangSan',
      displayName: '张三',
      email: 'Zhang@Corp.example',
      phone: '138 0000 0000',
      password: 'correct horse',
      departments: [{ departmentId: department.id as never, isMain: true }],
    })

    assert.deepEqual(
      [user.username, user.username_key, user.email, user.email_key, user.email_source, user.email_verified],
      ['ZhangSan', 'zhangsan', 'Zhang@Corp.example', 'zhang@corp.example', 'manual', 0],
    )
    assert.deepEqual([user.phone, user.origin, user.status, user.role], ['+8613800000000', 'built_in', 'active', null])
    assert.equal(await verifyPassword('correct horse', user.password_hash!), true)
    assert.deepEqual(
      memberships.map((row) => [row.department_id, row.origin, row.is_main]),
      [[department.id, 'manual', 1]],
    )
    assert.equal((await actions()).at(-1), 'user.create')
  })

  test('built-in users are refused where the organization does not allow them', async (database) => {
    const { users, organizations, organization } = await createDirectory(database)
    await organizations.update(ACTOR, organization.id, { builtInUsersAllowed: false })

    await assert.rejects(users.create(OWNER, organization.id, named('li')), { code: 'directory/built-in-off' })
  })

  test('of several people who ask for one name or address at once, one gets it', async (database) => {
    const { users, organization } = await createDirectory(database)
    const spellings = ['Li', 'LI', 'li', 'lI']

    const names = await outcomes(spellings.map((name) => users.create(OWNER, organization.id, named(name))))
    const addresses = await outcomes(
      spellings.map((name, index) =>
        users.create(OWNER, organization.id, { ...named(`p${index}`), email: `${name}@corp.example` }),
      ),
    )

    assert.deepEqual(names, { done: 1, codes: Array(3).fill('directory/username-taken') })
    assert.deepEqual(addresses, { done: 1, codes: Array(3).fill('directory/email-taken') })
  })

  test('two people who rename themselves to one name at once do not both get it', async (database) => {
    const { users, organization } = await createDirectory(database)
    const people = await Promise.all(['a', 'b', 'c'].map((name) => users.create(OWNER, organization.id, named(name))))

    const renamed = await outcomes(people.map(({ user }) => users.update(operator, user.id, { username: 'Same' })))

    assert.deepEqual(renamed, { done: 1, codes: Array(2).fill('directory/username-taken') })
  })

  test('a name is free in another organization', async (database) => {
    const { users, organizations, organization } = await createDirectory(database)
    const branch = await organizations.create(ACTOR, { slug: 'branch', name: '分', builtInUsersAllowed: true })
    await users.create(OWNER, organization.id, named('li'))

    const { user } = await users.create(OWNER, branch.id, named('li'))

    assert.equal(user.organization_id, branch.id)
  })

  test('a patch clears with null, keeps what is absent, and notes only what changed', async (database) => {
    const { users, organization, audit } = await createDirectory(database)
    const { user } = await users.create(OWNER, organization.id, {
      ...named('li'),
      email: 'li@corp.example',
      title: '工程师',
      password: 'correct horse',
    })

    const patched = await users.update(operator, user.id, { email: null, title: '工程师', locale: 'zh-CN' })

    assert.deepEqual(
      { ...patched.user },
      {
        ...user,
        email: null,
        email_key: null,
        email_source: null,
        locale: 'zh-CN',
        updated_at: patched.user.updated_at,
      },
    )
    const [newest] = (await audit.list({ limit: 1, cursor: null })).items
    assert.deepEqual([newest!.action, newest!.details], ['user.update', '{"fields":["email","locale"]}'])
  })

  test('a patch that changes nothing is not noted', async (database) => {
    const { users, organization, actions } = await createDirectory(database)
    const { user } = await users.create(OWNER, organization.id, named('li'))
    const before = await actions()

    const same = await users.update(operator, user.id, { displayName: 'li', status: 'active' })

    assert.deepEqual(same.user, user)
    assert.deepEqual(await actions(), before)
  })

  test('what WeCom owns is refused by name, unless it is sent back as it is', async (database) => {
    const { users, addConnection, addLink, organization } = await createDirectory(database)
    const { user } = await users.create(OWNER, organization.id, { ...named('li'), phone: '13800000000' })
    await addLink(await addConnection('hq'), user.id, 'li')

    const change = users.update(operator, user.id, {
      displayName: '李',
      email: 'li@corp.example',
      phone: null,
      title: 'x',
    })
    const same = users.update(operator, user.id, {
      displayName: 'li',
      phone: '138-0000-0000',
      email: null,
      locale: 'en',
    })

    await assert.rejects(change, (error: { code: string; fields: { path: string }[] }) => {
      assert.equal(error.code, 'directory/source-owned')
      assert.deepEqual(
        error.fields.map(({ path }) => path),
        ['displayName', 'email', 'phone', 'title'],
      )
      return true
    })
    assert.equal((await same).user.locale, 'en')
  })

  test('memberships by hand are replaced, those from WeCom stay', async (database) => {
    const directory = await createDirectory(database)
    const { users, departments, organization } = directory
    const connectionId = await directory.addConnection('hq')
    const wecom = await directory.addWecomDepartment(connectionId, '1')
    const [first, second] = await Promise.all(
      ['甲', '乙'].map((name) => departments.create(ACTOR, organization.id, { name, order: 0, leaderUserIds: [] })),
    )
    const { user } = await users.create(OWNER, organization.id, { ...named('li'), departments: [within(first!, true)] })
    await directory.addWecomMembership(connectionId, user.id, wecom)

    const { memberships } = await users.update(operator, user.id, {
      departments: [within(second!), within({ department: { id: wecom } })],
    })

    assert.deepEqual(
      new Set(memberships.map((row) => `${row.department_id} ${row.origin} ${row.position}`)),
      new Set([`${wecom} wecom 7`, `${wecom} manual 0`, `${second!.department.id} manual 0`]),
    )
  })

  test('departments that are unknown, elsewhere, named twice or twice the main one are refused', async (database) => {
    const { users, departments, organizations, organization } = await createDirectory(database)
    const branch = await organizations.create(ACTOR, { slug: 'branch', name: '分', builtInUsersAllowed: true })
    const elsewhere = await departments.create(ACTOR, branch.id, { name: '组', order: 0, leaderUserIds: [] })
    const here = await departments.create(ACTOR, organization.id, { name: '组', order: 0, leaderUserIds: [] })
    const other = await departments.create(ACTOR, organization.id, { name: '组', order: 0, leaderUserIds: [] })
    const create = (list: NonNullable<NewUser['departments']>) =>
      users.create(OWNER, organization.id, { ...named('li'), departments: list })

    await assert.rejects(create([within(here), within(elsewhere)]), {
      code: 'departments/not-found',
      fields: [{ path: 'departments.1', message: 'No such department here.' }],
    })
    await assert.rejects(create([within(here), within(here)]), { code: 'http/validation' })
    await assert.rejects(create([within(here, true), within(other, true)]), { code: 'http/validation' })
    assert.equal((await users.list(everybody(organization.id))).total, 0)
  })

  test('disabling, enabling, deleting and restoring make sync look again, a new title does not', async (database) => {
    const { users, addConnection, organization, hashes, addLink, actions } = await createDirectory(database)
    const { user } = await users.create(OWNER, organization.id, named('li'))
    const connectionId = await addConnection('hq')
    const linkedAgain = async () => {
      await database.kysely.deleteFrom('links').where('user_id', '=', user.id).execute()
      await addLink(connectionId, user.id, 'li')
    }
    const deeds = [
      () => users.update(operator, user.id, { status: 'disabled' }),
      () => users.update(operator, user.id, { status: 'active' }),
      () => users.remove(operator, user.id),
      () => users.restore(operator, user.id),
    ]

    for (const deed of deeds) {
      await linkedAgain()
      await deed()
      assert.deepEqual(await hashes(user.id), [null])
    }
    await linkedAgain()
    await users.update(operator, user.id, { username: 'li2' })

    assert.deepEqual(await hashes(user.id), ['hash'])
    assert.deepEqual((await actions()).slice(-5), [
      'user.disable',
      'user.enable',
      'user.delete',
      'user.restore',
      'user.update',
    ])
  })

  test('whom the source disabled or deleted stays so for good when an administrator says so too', async (database) => {
    const { users, organization } = await createDirectory(database)
    const { user: disabled } = await users.create(OWNER, organization.id, named('li'))
    const { user: deleted } = await users.create(OWNER, organization.id, named('wang'))
    const bySource = { status: 'disabled', disabled_by: 'source' }
    await database.kysely.updateTable('users').set(bySource).where('id', '=', disabled.id).execute()
    const gone = { status: 'deleted', deleted_by: 'source', deleted_at: 5 }
    await database.kysely.updateTable('users').set(gone).where('id', '=', deleted.id).execute()

    const after = await users.update(operator, disabled.id, { status: 'disabled' })
    await users.remove(operator, deleted.id)

    assert.equal(after.user.disabled_by, 'administrator')
    const { user } = await users.get(deleted.id)
    assert.deepEqual([user.deleted_by, user.deleted_at], ['administrator', 5])
  })

  test('a deleted user keeps links and memberships, loses the role, and is changed by nothing but restoring', async (database) => {
    const directory = await createDirectory(database)
    const { users, departments, access, organization } = directory
    const group = await departments.create(ACTOR, organization.id, { name: '组', order: 0, leaderUserIds: [] })
    const { user } = await users.create(OWNER, organization.id, { ...named('li'), departments: [within(group)] })
    await directory.addLink(await directory.addConnection('hq'), user.id, 'li')
    await access.addAdministrator(owner, { userId: user.id, role: 'auditor' })

    await users.remove(owner, user.id)
    const deleted = await users.get(user.id)

    assert.deepEqual(
      [deleted.user.status, deleted.user.deleted_by, deleted.user.role],
      ['deleted', 'administrator', null],
    )
    assert.deepEqual([deleted.links.length, deleted.memberships.length], [1, 1])
    await assert.rejects(users.update(owner, user.id, { title: 'x' }), { code: 'users/deleted' })
    const { user: restored } = await users.restore(operator, user.id)
    assert.deepEqual([restored.status, restored.deleted_at, restored.role], ['active', null, null])
    await assert.rejects(users.restore(operator, user.id), { code: 'users/not-deleted' })
  })

  test('nobody is restored to a name or an address that somebody else has by now', async (database) => {
    const { users, organization } = await createDirectory(database)
    const input = { ...named('li'), email: 'li@corp.example' }
    const { user } = await users.create(OWNER, organization.id, input)
    await users.remove(operator, user.id)
    const successor = await users.create(OWNER, organization.id, { ...input, username: 'LI' })

    await assert.rejects(users.restore(operator, user.id), { code: 'directory/username-taken' })
    await users.update(operator, successor.user.id, { username: 'other' })
    await assert.rejects(users.restore(operator, user.id), { code: 'directory/email-taken' })
    await users.update(operator, successor.user.id, { email: null })
    await users.restore(operator, user.id)

    assert.equal((await users.get(user.id)).user.status, 'active')
  })

  test('the last owner cannot be disabled, deleted or locked out, also by two at once', async (database) => {
    const { users, access, organization } = await createDirectory(database)
    const [first, second] = await Promise.all(
      ['a', 'b'].map((name) => users.create(OWNER, organization.id, { ...named(name), password: 'correct horse' })),
    )
    for (const { user } of [first!, second!]) await access.addAdministrator(owner, { userId: user.id, role: 'owner' })

    for (let round = 0; round < 5; round++) {
      const disabled = await outcomes(
        [first!, second!].map(({ user }) => users.update(owner, user.id, { status: 'disabled' })),
      )
      assert.deepEqual(disabled, { done: 1, codes: ['users/last-owner'] })
      for (const { user } of [first!, second!]) await users.update(owner, user.id, { status: 'active' })
    }
    const mixed = await outcomes([
      users.remove(owner, first!.user.id),
      access.changeAdministrator(owner, second!.user.id, { role: 'operator' }),
    ])

    assert.deepEqual(mixed, { done: 1, codes: ['users/last-owner'] })
    const { items } = await access.listAdministrators({ limit: 10, cursor: null, q: null })
    const last = items.find(({ role }) => role === 'owner')!
    await assert.rejects(users.remove(owner, last.userId), { code: 'users/last-owner' })
    await assert.rejects(users.update(owner, last.userId, { password: null }), { code: 'users/last-owner' })
    await users.update(owner, last.userId, { password: 'another password' })
  })

  test('an operator changes no administrator', async (database) => {
    const { users, access, organization } = await createDirectory(database)
    const { user } = await users.create(OWNER, organization.id, named('admin'))
    await access.addAdministrator(owner, { userId: user.id, role: 'auditor' })

    await assert.rejects(users.update(operator, user.id, { password: 'mine from now on' }), { code: 'auth/forbidden' })
    await assert.rejects(users.remove(operator, user.id), { code: 'auth/forbidden' })
    assert.equal((await users.update(owner, user.id, { title: 'x' })).user.title, 'x')
  })

  test('an owner marks a built-in user as break-glass, and nobody else changes that user then', async (database) => {
    const { users, access, links, organization, actions, addConnection } = await createDirectory(database)
    const hq = await addConnection('hq')
    await assert.rejects(users.create(operator, organization.id, { ...named('ops'), breakGlass: true }), {
      code: 'auth/forbidden',
    })
    const { user } = await users.create(operator, organization.id, named('ops'))
    assert.equal(user.break_glass, 0)
    await assert.rejects(users.update(operator, user.id, { breakGlass: true }), { code: 'auth/forbidden' })

    await users.update(OWNER, user.id, { breakGlass: true })
    await users.update(OWNER, user.id, { breakGlass: true })

    for (const change of [{ password: 'mine from now on' }, { breakGlass: false }, { status: 'disabled' }] as const) {
      await assert.rejects(users.update(operator, user.id, change), { code: 'auth/forbidden' })
    }
    await assert.rejects(users.remove(operator, user.id), { code: 'auth/forbidden' })
    await assert.rejects(links.create(operator, user.id, { connectionId: hq, userid: 'ops' }), {
      code: 'auth/forbidden',
    })
    await users.remove(OWNER, user.id)
    await assert.rejects(users.restore(operator, user.id), { code: 'auth/forbidden' })
    assert.equal((await users.restore(OWNER, user.id)).user.break_glass, 1)
    await access.addAdministrator(owner, { userId: user.id, role: 'auditor' })
    assert.equal((await users.update(OWNER, user.id, { breakGlass: false })).user.break_glass, 0)
    assert.deepEqual((await actions()).slice(1), [
      'user.create',
      'user.mark-break-glass',
      'user.delete',
      'user.restore',
      'administrator.create',
      'user.unmark-break-glass',
    ])
  })

  test('somebody who came from WeCom cannot be break-glass', async (database) => {
    const { users, organization } = await createDirectory(database)
    const { user } = await users.create(OWNER, organization.id, named('li'))
    await database.kysely.updateTable('users').set({ origin: 'wecom' }).where('id', '=', user.id).execute()

    await assert.rejects(users.update(OWNER, user.id, { breakGlass: true }), { code: 'users/not-built-in' })
    await users.update(OWNER, user.id, { breakGlass: false, title: 'x' })

    const { user: after } = await users.get(user.id)
    assert.deepEqual([after.break_glass, after.title], [0, 'x'])
  })

  test('the direct leader is the living user whom the company knows by that userid', async (database) => {
    const { users, organization, addConnection, addLink } = await createDirectory(database)
    const [hq, other] = [await addConnection('hq'), await addConnection('other')]
    const make = async (name: string) => (await users.create(OWNER, organization.id, named(name))).user.id
    const [boss, impostor, worker, orphan] = [await make('boss'), await make('b2'), await make('w'), await make('o')]
    await addLink(hq, boss, 'BOSS')
    await addLink(other, impostor, 'boss')
    await addLink(hq, worker, 'w', { leaders: ['boss'] })
    await addLink(hq, orphan, 'o', { leaders: ['nobody', 'boss'] })

    const page = await users.list(everybody(organization.id))
    await users.remove(operator, boss)

    assert.deepEqual(
      page.items.map(({ user, directLeaderUserId }) => [user.username, directLeaderUserId]),
      [
        ['boss', null],
        ['b2', null],
        ['w', boss],
        ['o', null],
      ],
    )
    assert.equal((await users.get(worker)).directLeaderUserId, null)
    assert.equal((await users.get(worker)).links[0]!.corp_id, CORP)
  })

  test('pages are complete, in order, and end', async (database) => {
    const { users, organization } = await createDirectory(database)
    const names = Array.from({ length: 7 }, (_, index) => `u${index}`)
    for (const name of names) await users.create(OWNER, organization.id, named(name))

    const seen: string[] = []
    let cursor: string | null = null
    for (let more = true; more;) {
      const page = await users.list({ ...everybody(organization.id), limit: 3, cursor })
      assert.equal(page.total, 7)
      seen.push(...page.items.map(({ user }) => user.username))
      cursor = page.items.at(-1)!.user.id
      more = page.hasMore
    }

    assert.deepEqual(seen, names)
  })

  test('a page of any size takes the same number of statements', async (database) => {
    const { users, organization, addConnection, addLink } = await createDirectory(database)
    const hq = await addConnection('hq')
    for (let index = 0; index < 6; index++) {
      const { user } = await users.create(OWNER, organization.id, named(`u${index}`))
      await addLink(hq, user.id, `u${index}`, { leaders: ['u0'] })
    }
    const statements = counting(database)

    await users.list({ ...everybody(organization.id), limit: 1 })
    const forOne = statements.count
    await users.list({ ...everybody(organization.id), limit: 6 })

    assert.ok(forOne > 0)
    assert.equal(statements.count - forOne, forOne)
    statements.stop()
  })

  test('filters and searches find whom they name', async (database) => {
    const directory = await createDirectory(database)
    const { users, departments, organization } = directory
    const group = await departments.create(ACTOR, organization.id, { name: '组', order: 0, leaderUserIds: [] })
    const hq = await directory.addConnection('hq')
    const make = (input: Partial<NewUser> & { username: string }) =>
      users.create(OWNER, organization.id, { displayName: '某人', ...input })
    const { user: a } = await make({ username: 'Anna_B', displayName: '安娜 Anna', departments: [within(group)] })
    const { user: b } = await make({ username: 'annaxb', email: 'Mail%@corp.example', phone: '13812345678' })
    const { user: c } = await make({ username: 'carl' })
    const { user: d } = await make({ username: 'dora' })
    await directory.addLink(hq, b.id, 'b')
    await users.update(operator, c.id, { status: 'disabled' })
    await users.remove(operator, d.id)
    const found = async (filter: Partial<UserFilter>) => {
      const { items, total } = await users.list({ ...everybody(organization.id), ...filter })
      assert.equal(total, items.length)
      return items.map(({ user }) => user.id)
    }

    assert.deepEqual(await found({}), [a.id, b.id, c.id])
    assert.deepEqual(await found({ status: 'deleted' }), [d.id])
    assert.deepEqual(await found({ status: 'disabled' }), [c.id])
    assert.deepEqual(await found({ origin: 'wecom' }), [])
    assert.deepEqual(await found({ departmentId: group.department.id }), [a.id])
    assert.deepEqual(await found({ connectionId: hq }), [b.id])
    assert.deepEqual(await found({ q: 'ANNA_' }), [a.id])
    assert.deepEqual(await found({ q: 'mail%' }), [b.id])
    assert.deepEqual(await found({ q: '安娜' }), [a.id])
    assert.deepEqual(await found({ q: '138-1234' }), [b.id])
    assert.deepEqual(await found({ q: '%' }), [b.id])
    assert.deepEqual(await found({ q: 'dora' }), [])
  })
})

function named(name: string) {
  return { username: name, displayName: name }
}

function within({ department }: { department: { id: string } }, isMain = false) {
  // Ids are branded for clients; here they come from the stores as plain texts.
  return { departmentId: department.id, isMain } as NonNullable<NewUser['departments']>[number]
}

function everybody(organizationId: string): UserFilter {
  return {
    organizationId,
    departmentId: null,
    nested: false,
    status: null,
    origin: null,
    connectionId: null,
    q: null,
    limit: 50,
    cursor: null,
  }
}

/** Counts the statements that go through a database from now on. */
function counting(database: Database) {
  const executor = database.kysely.getExecutor()
  // oxlint-disable-next-line typescript/unbound-method -- put back as it was, and called with its own `this`
  const original = executor.executeQuery
  const counter = {
    count: 0,
    stop() {
      executor.executeQuery = original
    },
  }
  executor.executeQuery = function counted(...parameters) {
    counter.count++
    return original.apply(this, parameters) as never
  }
  return counter
}
