import assert from 'node:assert/strict'
import { sql } from 'kysely'
import { onEachDatabase } from '../../test-support/databases.ts'
import { insertRows, isOneOf, prepared, type Row } from './database.ts'

function organization(slug: string): Row<'organizations'> {
  return { id: `org_${slug}`, slug, name: `公司 ${slug}`, built_in_users_allowed: 1, created_at: 1, updated_at: 1 }
}

onEachDatabase(({ test }) => {
  test('a prepared query is built once and answers with the values of each time', async (database) => {
    let built = 0
    const find = prepared((on, given: { slugs: readonly string[]; before: number }) => {
      built++
      return on.kysely
        .selectFrom('organizations')
        .select(['slug', 'name'])
        .where(isOneOf(on, 'slug', given.slugs))
        .where('created_at', '<', given.before)
        .orderBy('slug')
    })
    await insertRows(database, 'organizations', ['a', 'b', 'c'].map(organization))

    const asked = [find(database, { slugs: ['a', 'c'], before: 2 }), find(database, { slugs: ['b'], before: 2 })]
    const [both, one] = (await Promise.all(asked)).map(({ rows }) => rows.map(({ slug }) => slug))
    const none = await find(database, { slugs: ['a'], before: 1 })

    assert.deepEqual([both, one, none.rows], [['a', 'c'], ['b'], []])
    assert.equal(built, 1)
  })

  test('what a prepared query writes belongs to the transaction it is asked in', async (database) => {
    const rename = prepared(
      (_on, given: { slug: string; name: string | null }) => sql`
        update organizations set name = coalesce(${given.name}, name) where slug = ${given.slug}`,
    )
    await insertRows(database, 'organizations', [organization('a')])

    const lost = database.inTransaction(async (tx) => {
      assert.equal((await rename(tx, { slug: 'a', name: 'lost' })).numAffectedRows, 1n)
      throw new Error('undone')
    })
    await assert.rejects(lost, /undone/)
    assert.equal((await rename(database, { slug: 'a', name: null })).numAffectedRows, 1n)
    assert.equal((await rename(database, { slug: 'nobody', name: 'new' })).numAffectedRows, 0n)

    const { name } = await database.kysely.selectFrom('organizations').select('name').executeTakeFirstOrThrow()
    assert.equal(name, '公司 a')
  })

  test('a prepared query outside of transactions sees nothing of one that is open', async (database) => {
    const nameOf = prepared((on, given: { slug: string }) =>
      on.kysely.selectFrom('organizations').select('name').where('slug', '=', given.slug),
    )
    await insertRows(database, 'organizations', [organization('a')])
    const [written, answered] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]

    const undone = assert.rejects(
      database.inTransaction(async (tx) => {
        await tx.kysely.updateTable('organizations').set({ name: 'never' }).execute()
        written.resolve()
        await answered.promise
        throw new Error('undone')
      }),
      /undone/,
    )
    await written.promise
    const asked = nameOf(database, { slug: 'a' })
    answered.resolve()
    await undone

    assert.deepEqual(
      (await asked).rows.map(({ name }) => name),
      ['公司 a'],
    )
  })
})
