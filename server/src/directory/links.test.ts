import assert from 'node:assert/strict'
import { onEachDatabase } from '../../test-support/databases.ts'
import { ACTOR, OWNER, CORP, createDirectory, outcomes, requester } from '../../test-support/directory.ts'
import type { Database } from '../database/database.ts'

const owner = requester('owner')
const operator = requester('operator')

onEachDatabase(({ test }) => {
  test('a link made by hand waits for the next run to compare the person', async (database) => {
    const { links, hq, make, actions } = await createSite(database)
    const li = await make('li')

    const link = await links.create(operator, li, { connectionId: hq, userid: 'LiSi' })

    const { userid, userid_key, corp_id, created_by, source_hash, leader_keys } = link
    assert.deepEqual(
      [userid, userid_key, corp_id, created_by, source_hash, leader_keys],
      ['LiSi', 'lisi', CORP, 'admin', null, '[]'],
    )
    assert.equal((await actions()).at(-1), 'link.create')
  })

  test('a member has one user and a user one member, also when several ask at once', async (database) => {
    const { links, hq, make, addConnection } = await createSite(database)
    const [li, wang] = [await make('li'), await make('wang')]
    const other = await addConnection('other')

    const member = await outcomes(
      [li, wang].map((user, index) =>
        links.create(operator, user, { connectionId: hq, userid: ['ZHAO', 'zhao'][index]! }),
      ),
    )
    const user = await outcomes(['a', 'b'].map((userid) => links.create(operator, li, { connectionId: other, userid })))

    const once = { done: 1, codes: ['links/taken'] }
    assert.deepEqual([member, user], [once, once])
  })

  test('who or what does not fit together is not linked', async (database) => {
    const { links, hq, make, users, organizations, addConnection } = await createSite(database)
    const branch = await organizations.create(ACTOR, { slug: 'branch', name: '分', builtInUsersAllowed: true })
    const elsewhere = await addConnection('branch', branch.id)
    const [li, gone] = [await make('li'), await make('gone')]
    await users.remove(operator, gone)

    const attempts = await outcomes([
      links.create(operator, gone, { connectionId: hq, userid: 'x' }),
      links.create(operator, 'usr_nobody', { connectionId: hq, userid: 'x' }),
      links.create(operator, li, { connectionId: elsewhere, userid: 'x' }),
      links.create(operator, li, { connectionId: hq, corpId: 'wwother', userid: 'x' }),
    ])
    await database.kysely.updateTable('connections').set({ corp_id: null }).where('id', '=', hq).execute()
    const draft = await outcomes([links.create(operator, li, { connectionId: hq, userid: 'x' })])

    assert.deepEqual(
      [...attempts.codes, ...draft.codes],
      ['users/deleted', 'users/not-found', 'connections/not-found', 'http/validation', 'connections/incomplete'],
    )
    assert.equal((await database.kysely.selectFrom('links').selectAll().execute()).length, 0)
  })

  test('only an owner links an administrator or removes such a link', async (database) => {
    const { links, hq, make, access } = await createSite(database)
    const admin = await make('admin')
    await access.addAdministrator(owner, { userId: admin, role: 'auditor' })

    await assert.rejects(links.create(operator, admin, { connectionId: hq, userid: 'x' }), { code: 'auth/forbidden' })
    const link = await links.create(owner, admin, { connectionId: hq, userid: 'x' })
    await assert.rejects(links.remove(operator, link.id), { code: 'auth/forbidden' })
    await links.remove(owner, link.id)

    await assert.rejects(links.remove(owner, link.id), { code: 'links/not-found' })
  })

  test('the last owner keeps a way in', async (database) => {
    const { links, hq, make, access, users } = await createSite(database)
    const boss = await make('boss')
    await access.addAdministrator(owner, { userId: boss, role: 'owner' })
    const link = await links.create(owner, boss, { connectionId: hq, userid: 'boss' })

    await assert.rejects(links.remove(owner, link.id), { code: 'users/last-owner' })
    await users.update(owner, boss, { password: 'correct horse' })
    await links.remove(owner, link.id)

    assert.deepEqual((await users.get(boss)).links, [])
  })

  test('filters and searches find what they name', async (database) => {
    const { links, hq, make, addConnection, organization } = await createSite(database)
    const [li, wang] = [await make('li'), await make('wang')]
    const other = await addConnection('other')
    const a = await links.create(operator, li, { connectionId: hq, userid: 'L_1' })
    const b = await links.create(operator, wang, { connectionId: hq, userid: 'LX1' })
    const c = await links.create(operator, li, { connectionId: other, userid: 'third' })
    const everything = {
      organizationId: organization.id,
      connectionId: null,
      userId: null,
      q: null,
      limit: 2,
      cursor: null as string | null,
    }
    const found = async (filter: Partial<typeof everything> | { connectionId?: string; userId?: string; q?: string }) =>
      (await links.list({ ...everything, ...filter })).items.map(({ id }) => id)

    assert.deepEqual(await found({}), [a.id, b.id])
    assert.deepEqual(await found({ cursor: b.id }), [c.id])
    assert.deepEqual(await found({ connectionId: other }), [c.id])
    assert.deepEqual(await found({ userId: li }), [a.id, c.id])
    assert.deepEqual(await found({ q: 'l_1' }), [a.id])
    assert.deepEqual(await found({ q: 'WANG' }), [b.id])
    assert.deepEqual(await found({ organizationId: 'org_other' }), [])
  })
})

async function createSite(database: Database) {
  const directory = await createDirectory(database)
  return {
    ...directory,
    hq: await directory.addConnection('hq'),
    make: async (name: string): Promise<string> => {
      const { user } = await directory.users.create(OWNER, directory.organization.id, {
        username: name,
        displayName: name,
      })
      return user.id
    },
  }
}
