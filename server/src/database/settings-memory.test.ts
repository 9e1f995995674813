import assert from 'node:assert/strict'
import { onEachDatabase } from '../../test-support/databases.ts'
import { insertRows, openDatabase, rememberingSettings, type Database, type Row } from './database.ts'

const ORGANIZATION: Row<'organizations'> = {
  id: 'org_a',
  slug: 'a',
  name: 'first',
  built_in_users_allowed: 1,
  created_at: 1,
  updated_at: 1,
}

function naming(database: Database) {
  let asked = 0
  const nameOf = rememberingSettings(database, async (id) => {
    asked++
    const { kysely } = database
    return (await kysely.selectFrom('organizations').select('name').where('id', '=', id).executeTakeFirst())?.name
  })
  return { nameOf, asked: () => asked }
}

const rename = (database: Database, name: string) =>
  database.kysely.updateTable('organizations').set({ name }).execute()

onEachDatabase(({ dialect, test, testWithUrl }) => {
  test('whoever reads settings after they were written reads what was written', async (database) => {
    const { nameOf, asked } = naming(database)
    assert.equal(await nameOf('org_a'), undefined)
    await insertRows(database, 'organizations', [ORGANIZATION])

    const names = [await nameOf('org_a'), await nameOf('org_a')]
    const before = asked()
    await rename(database, 'second')
    const undone = assert.rejects(
      database.inTransaction(async (tx) => {
        await tx.kysely.updateTable('organizations').set({ name: 'never' }).execute()
        throw new Error('undone')
      }),
    )
    names.push(await nameOf('org_a'))
    await undone
    names.push(await nameOf('org_a'))
    await database.kysely.deleteFrom('organizations').execute()

    assert.deepEqual(names, ['first', 'first', 'second', 'second'])
    assert.equal(await nameOf('org_a'), undefined)
    assert.equal(before, dialect === 'sqlite' ? 2 : 3, 'only where nobody else writes is anything remembered')
  })

  test('a transaction knows what was read before it, until it writes settings itself', async (database) => {
    const { nameOf } = naming(database)
    await insertRows(database, 'organizations', [ORGANIZATION])
    await nameOf('org_a')

    const known = await database.inTransaction(async (tx) => {
      const before = nameOf.known('org_a')
      await tx.kysely.updateTable('organizations').set({ name: 'second' }).execute()
      return [before, nameOf.known('org_a'), nameOf.known('org_b')]
    })

    assert.deepEqual(known, [dialect === 'sqlite' ? 'first' : undefined, undefined, undefined])
    assert.equal(nameOf.known('org_a'), undefined)
  })

  test('a reading that a write overtakes is not remembered', async (database) => {
    const { nameOf } = naming(database)
    await insertRows(database, 'organizations', [ORGANIZATION])

    await Promise.all([nameOf('org_a'), rename(database, 'second'), nameOf('org_a')])

    assert.equal(await nameOf('org_a'), 'second')
  })

  if (dialect === 'postgres') {
    testWithUrl('what another process has written is read at once', async (url) => {
      const [one, other] = [await openDatabase(url), await openDatabase(url)]
      await insertRows(one, 'organizations', [ORGANIZATION])
      const { nameOf } = naming(one)
      assert.equal(await nameOf('org_a'), 'first')

      await rename(other, 'second')

      assert.equal(await nameOf('org_a'), 'second')
      await Promise.all([one.close(), other.close()])
    })
  }
})
