/** What one test leaves in its schema, the next one never sees. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CompiledQuery } from 'kysely'
import { insertRows, openDatabase } from '../src/database/database.ts'
import { createSchemas } from './schemas.ts'

const postgresUrl = process.env.MUSTER_TEST_POSTGRES_URL
const skip = !postgresUrl && 'needs PostgreSQL: run ./muster test'

void test('a schema comes back empty, with the same tables', { skip }, async () => {
  const schemas = createSchemas(postgresUrl!, { mayShare: false })
  const first = await schemas.migrated()
  await leave(first.url, async (database) => {
    const organization = { id: 'org_1', slug: 'left', name: 'left', built_in_users_allowed: 1 }
    const many = Array.from({ length: 5_000 }, (_, n) => ({ name: `name ${n}`, value: 'x'.repeat(200) }))
    await insertRows(database, 'organizations', [{ ...organization, created_at: 0, updated_at: 0 }])
    await insertRows(database, 'installation', many)
  })
  await first.remove()

  const second = await schemas.migrated()

  assert.equal(second.url, first.url)
  await leave(second.url, async ({ kysely }) => {
    assert.deepEqual(await kysely.selectFrom('organizations').selectAll().execute(), [])
    assert.deepEqual(await kysely.selectFrom('installation').selectAll().execute(), [])
  })
  await second.remove()
})

const CHANGES = [
  'create table left_over (id text)',
  'alter table organizations add column left_over text',
  'alter table users alter column username drop not null',
  'drop index organizations_slug',
  'create function left_over() returns int language sql as $$ select 1 $$',
  "insert into kysely_migration (name, timestamp) values ('9999-from-the-future', '2030')",
]

for (const change of CHANGES) {
  void test(`a schema is not used again after: ${change}`, { skip }, async () => {
    const schemas = createSchemas(postgresUrl!, { mayShare: false })
    const first = await schemas.migrated()
    await leave(first.url, ({ kysely }) => kysely.executeQuery(CompiledQuery.raw(change)))
    await first.remove()

    const second = await schemas.migrated()

    assert.notEqual(second.url, first.url)
    await second.remove()
  })
}

void test('a schema is not used again while a server is connected to it', { skip }, async () => {
  const schemas = createSchemas(postgresUrl!, { mayShare: false })
  const first = await schemas.migrated()
  const forgotten = await openDatabase(first.url)
  await first.remove()

  const second = await schemas.migrated()

  assert.notEqual(second.url, first.url)
  await second.remove()
  await forgotten.close()
})

async function leave(url: string, work: (database: Awaited<ReturnType<typeof openDatabase>>) => Promise<unknown>) {
  const database = await openDatabase(url)
  try {
    await work(database)
  } finally {
    await database.close()
  }
}
