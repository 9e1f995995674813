import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { sql } from 'kysely'
import { onEachDatabase } from '../../test-support/databases.ts'
import {
  connectDatabase,
  type Database,
  insertRows,
  isOneOf,
  isOutage,
  isRowFault,
  isUniqueViolation,
  migrateDatabase,
  openDatabase,
  readColumns,
  updateRows,
  type Row,
} from './database.ts'
import { tables, type TableName } from './schema.ts'

function organization(slug: string): Row<'organizations'> {
  return { id: `org_${slug}`, slug, name: `公司 ${slug}`, built_in_users_allowed: 1, created_at: 1, updated_at: 1 }
}

function department(id: string, slug: string): Row<'departments'> {
  return {
    id,
    organization_id: `org_${slug}`,
    parent_id: null,
    name: id,
    name_en: null,
    position: 0,
    leaders: '[]',
    origin: 'manual',
    connection_id: null,
    corp_id: null,
    external_id: null,
    missing_since: null,
    created_at: 1,
    updated_at: 1,
    search_text: null,
    asked_at: null,
  }
}

onEachDatabase(({ dialect, test, testWithBareUrl }) => {
  if (dialect === 'postgres') {
    test('a connection that dies inside a transaction fails that transaction and nothing else', async (database) => {
      const lost = database.inTransaction(async (tx) => {
        const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(tx.kysely)
        const { pid } = rows[0]!
        await sql`select pg_terminate_backend(${pid}::int, 5000)`.execute(database.kysely)
        for (let turn = 0; turn < 100; turn++) await nextTurn() // the news arrives while nobody is asking
        await sql`select 1`.execute(tx.kysely)
      })

      await assert.rejects(lost)

      await database.ping()
    })
  }

  test('whole columns come back in pages, with nulls and awkward characters, and nobody else is among them', async (database) => {
    const awkward = ['"', ',', '\n', '\u0001', '👩‍💻', '\u202e', '[]', '\\']
    const departments = Array.from({ length: 10_001 }, (_, place) => ({
      ...department(`dep_${place}`, 'one'),
      name: `${awkward[place % awkward.length]}${place}`,
      name_en: place % 3 === 0 ? null : `${place}`,
    }))
    await insertRows(database, 'organizations', [organization('one'), organization('two')])
    await database.inTransaction((tx) =>
      insertRows(tx, 'departments', [...departments, department('dep_other', 'two')]),
    )

    const read: unknown[] = []
    for await (const page of readColumns(database, 'departments', { organization_id: 'org_one' }, [
      'id',
      'name',
      'name_en',
    ])) {
      const ids = JSON.parse(page.id) as string[]
      const names = JSON.parse(page.name) as string[]
      const english = JSON.parse(page.name_en) as (string | null)[]
      read.push(...ids.map((id, place) => [id, [names[place], english[place]]]))
    }

    assert.equal(read.length, 10_001)
    const expected = departments.map(({ id, name, name_en }) => [id, [name, name_en]])
    assert.deepEqual(Object.fromEntries(read as [string, unknown][]), Object.fromEntries(expected))
  })

  test('the migrated tables have exactly the declared columns', async (database) => {
    const found = await database.kysely.introspection.getTables()

    const declared = Object.entries(tables).map(([name, columns]) => [
      name,
      Object.entries(columns)
        .map(([column, { type, nullable }]) => `${column} ${type}${nullable ? '' : ' not null'}`)
        .sort(),
    ])
    // The introspection of PostgreSQL sees the schemas of all other tests.
    const schema = dialect === 'sqlite' ? undefined : await currentSchema(database)
    const actual = found
      .filter((table) => table.name in tables && table.schema === schema)
      .map(({ name, columns }) => [
        name,
        columns
          .map(({ name: column, dataType, isNullable }) => {
            const type = dataType.toLowerCase() === 'text' ? 'text' : 'integer'
            const isKey = dialect === 'sqlite' && isPrimaryKey(name as TableName, column)
            return `${column} ${type}${isNullable && !isKey ? '' : ' not null'}`
          })
          .sort(),
      ])
    assert.deepEqual(new Map(actual as [string, string[]][]), new Map(declared as [string, string[]][]))
  })

  testWithBareUrl(
    'runs that are under way when the rule about active ones changes go on, and stay alone',
    async (url) => {
      const before = await connectDatabase(url)
      await migrateDatabase(before, '0018-held-runs')
      const row = { organization_id: 'org_one', connection_id: 'con_one' }
      await before.kysely
        .insertInto('organizations')
        .values({ ...organization('one') })
        .execute()
      await sql`insert into connections (id, organization_id, identifier, kind, display_name, mobile, sign_in_enabled, sign_in,
      sync_enabled, sync, managed_by_environment, created_at, updated_at)
      values ('con_one', 'org_one', 'hq', 'self_built', 'HQ', '{}', 1, '{}', 1, '{}', 0, 1, 1)`.execute(before.kysely)
      const run = (id: string, trigger: string, state: string) =>
        sql`insert into runs (id, organization_id, connection_id, mode, trigger_kind, state, started_at, phase, progress_done,
        progress_total, complete, counts, api_calls, unread, warnings, takeovers)
        values (${id}, ${row.organization_id}, ${row.connection_id}, 'apply', ${trigger}, ${state}, 1, 'read', 0, 0, 0, '{}', 0,
        '[]', '[]', 0)`
      await run('run_active', 'manual', 'running').execute(before.kysely)
      await run('run_held', 'schedule', 'held').execute(before.kysely)
      await run('run_done', 'signin', 'succeeded').execute(before.kysely)
      await before.close()

      const database = await openDatabase(url)
      try {
        const isRefused = (error: unknown) => isUniqueViolation(error)
        await assert.rejects(run('run_second', 'schedule', 'running').execute(database.kysely), isRefused)
        await run('run_events', 'event', 'running').execute(database.kysely)
        await assert.rejects(run('run_more', 'event', 'running').execute(database.kysely), isRefused)
        const runs = await database.kysely.selectFrom('runs').select(['id', 'corps']).orderBy('id').execute()
        assert.deepEqual(
          runs.map(({ id, corps }) => `${id} ${corps}`),
          ['run_active []', 'run_done []', 'run_events []', 'run_held []'],
        )
      } finally {
        await database.close()
      }
    },
  )

  test('many rows go in, change and come out as they were', async (database) => {
    const rows = Array.from({ length: 2_500 }, (_, index) => organization(`s${index}`))
    await database.inTransaction(async (tx) => {
      await insertRows(tx, 'organizations', rows)

      const renamed = rows.slice(0, 2_000).map(({ id }) => ({ id, name: `改 "${id}" '\\` }))
      assert.equal(await updateRows(tx, 'organizations', ['id'], ['name'], renamed), 2_000)
    })

    const wanted = ['s0', 's1999', 's2000', 'nobody']
    const found = await database.kysely
      .selectFrom('organizations')
      .select(['slug', 'name', 'created_at'])
      .where(isOneOf(database, 'slug', wanted))
      .orderBy('slug')
      .execute()
    assert.deepEqual(plain(found), [
      { slug: 's0', name: `改 "org_s0" '\\`, created_at: 1 },
      { slug: 's1999', name: `改 "org_s1999" '\\`, created_at: 1 },
      { slug: 's2000', name: '公司 s2000', created_at: 1 },
    ])
  })

  test('a transaction that throws leaves nothing behind', async (database) => {
    await assert.rejects(
      database.inTransaction(async (tx) => {
        await insertRows(tx, 'organizations', [organization('half')])
        throw new Error('stop')
      }),
      /stop/,
    )

    assert.deepEqual(await database.kysely.selectFrom('organizations').selectAll().execute(), [])
  })

  test('a row that breaks a rule is told apart from a broken database', async (database) => {
    await database.inTransaction((tx) => insertRows(tx, 'organizations', [organization('one')]))

    const again = database.inTransaction((tx) =>
      insertRows(tx, 'organizations', [{ ...organization('one'), id: 'org_2' }]),
    )
    await assert.rejects(again, (error) => isUniqueViolation(error) && isRowFault(error))
    const nonsense = sql`select * from no_such_table`.execute(database.kysely)
    await assert.rejects(nonsense, (error) => !isUniqueViolation(error) && !isRowFault(error))
  })

  testWithBareUrl('an existing database opens again with what was in it', async (url) => {
    const first = await openDatabase(url)
    await first.inTransaction((tx) => insertRows(tx, 'organizations', [organization('kept')]))
    await first.close()

    const second = await openDatabase(url)
    const rows = await second.kysely.selectFrom('organizations').select('slug').execute()
    await second.close()
    assert.deepEqual(plain(rows), [{ slug: 'kept' }])
  })

  testWithBareUrl('a database of a newer version is refused and not touched', async (url) => {
    const first = await openDatabase(url)
    await sql`insert into kysely_migration (name, timestamp) values ('9999-from-the-future', '2030')`.execute(
      first.kysely,
    )
    await first.close()

    await assert.rejects(openDatabase(url), { code: 'database/too-new' })
  })

  if (dialect === 'sqlite') {
    test('a disk that is full is an outage, and the fault of no row', async (database) => {
      await sql`pragma max_page_count = 1`.execute(database.kysely) // SQLite takes as many as there are
      const many = Array.from({ length: 2_000 }, (_, index) => organization(`full${index}`))

      const refused: unknown = await database
        .inTransaction((tx) => insertRows(tx, 'organizations', many))
        .catch((error: unknown) => error)

      assert.deepEqual([isOutage(refused), isRowFault(refused)], [true, false])
    })

    testWithBareUrl('a second opening of the same file is refused with the way out', async (url) => {
      const first = await openDatabase(url)

      await assert.rejects(openDatabase(url), { code: 'database/in-use' })
      await first.close()
      await (await openDatabase(url)).close()
    })
  }
})

void test('a PostgreSQL that is not there is an error that says so', async () => {
  await assert.rejects(openDatabase('postgres://nobody@127.0.0.1:1/none'), { code: 'database/unavailable' })
})

/** SQLite reports the columns of a text primary key as nullable although it refuses null in a strict table's key. */
function isPrimaryKey(table: TableName, column: string): boolean {
  const keys: Partial<Record<TableName, string[]>> = {
    installation: ['name'],
    memberships: ['user_id', 'department_id', 'origin'],
    wecom_tokens: ['token_key'],
    refused_secrets: ['connection_id', 'name'],
    wecom_budgets: ['corp_id'],
    source_pages: ['connection_id', 'corp_id', 'page'],
    changes: ['run_id', 'position'],
    purged_users: ['user_id'],
    signing_keys: ['kid'],
    password_guesses: ['counter'],
  }
  return (keys[table] ?? ['id']).includes(column)
}

/** SQLite's rows have no prototype, which is nothing that anybody relies on. */
function plain(rows: readonly object[]): object[] {
  return rows.map((row) => ({ ...row }))
}

async function currentSchema({ kysely }: Database): Promise<string> {
  const { rows } = await sql<{ name: string }>`select current_schema() as name`.execute(kysely)
  return rows[0]!.name
}
