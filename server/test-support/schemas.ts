/**
 * Schemas of PostgreSQL for tests, each test's alone. Migrating one and dropping it costs a fifth of a second of a
 * processor, emptying one some milliseconds: so a migrated schema is emptied when its test has ended, and given to a later
 * test, if it is as it was made and nobody is connected to it any more. Else it is dropped.
 */
import { randomBytes } from 'node:crypto'
import { after } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { openDatabase } from '../src/database/database.ts'

export interface Fresh {
  readonly url: string
  /** The test has ended. */
  remove(): Promise<void>
}

export interface Schemas {
  /** Without tables, as the first start of a server finds it. */
  bare(): Promise<Fresh>
  /** With every table, and no row. */
  migrated(): Promise<Fresh>
}

/**
 * Makes a cluster that lives no longer than the tests keep emptied schemas for whichever process asks next. Without it
 * each process keeps its own and drops them at its end.
 */
export async function shareSchemas(postgresUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: postgresUrl })
  await client.connect()
  try {
    await client.query(`create table ${SPARE} (name text primary key, structure text not null)`)
  } finally {
    await client.end()
  }
}

const SPARE = 'public.spare_schemas'

/** @param mayShare false keeps them to the caller, also in a cluster that shares them */
export function createSchemas(postgresUrl: string, { mayShare = true }: { mayShare?: boolean } = {}): Schemas {
  const pool = new pg.Pool({ connectionString: postgresUrl, max: 2, allowExitOnIdle: true })
  const isShared = mayShare
    ? pool.query<{ is: boolean }>(`select to_regclass('${SPARE}') is not null as is`).then(({ rows }) => rows[0]!.is)
    : Promise.resolve(false)
  const own: Made[] = []
  after(async () => {
    for (const { name } of own) await drop(name)
    await pool.end()
  })

  /** A schema is made in milliseconds, a database is not. */
  async function make(): Promise<string> {
    const name = `test_${randomBytes(8).toString('hex')}`
    await pool.query(`create schema ${name}`)
    return name
  }

  const drop = (name: string) => pool.query(`drop schema ${name} cascade`)

  async function makeMigrated(): Promise<Made> {
    const name = await make()
    const database = await openDatabase(urlOf(name))
    await database.close()
    return { name, structure: await structureOf(pool, name) }
  }

  function urlOf(name: string): string {
    const url = new URL(postgresUrl)
    url.searchParams.set('options', `-c search_path=${name}`)
    return url.href
  }

  async function takeSpare(): Promise<Made | undefined> {
    if (!(await isShared)) return own.pop()
    const { rows } = await pool.query<Made>(
      `delete from ${SPARE} where name = (select name from ${SPARE} limit 1 for update skip locked)
       returning name, structure`,
    )
    return rows[0]
  }

  async function takeBack(made: Made): Promise<void> {
    if (!(await isEmptied(pool, made))) await drop(made.name)
    else if (!(await isShared)) own.push(made)
    else await pool.query(`insert into ${SPARE} values ($1, $2)`, [made.name, made.structure])
  }

  return {
    async bare() {
      const name = await make()
      return { url: urlOf(name), remove: async () => void (await drop(name)) }
    },
    async migrated() {
      const made = (await takeSpare()) ?? (await makeMigrated())
      return { url: urlOf(made.name), remove: () => takeBack(made) }
    },
  }
}

interface Made {
  readonly name: string
  readonly structure: string
}

/** Every relation, column, constraint, trigger, function and index of a schema, and the migrations it has seen. */
async function structureOf(client: pg.Pool | pg.PoolClient, schema: string): Promise<string> {
  const { rows } = await client.query<{ structure: string }>(
    `select md5(concat(
       (select string_agg(concat_ws(' ', relname, relkind, relpersistence, attname, attnum, atttypid, attnotnull), ','
          order by relname, attnum)
        from pg_class join pg_attribute on attrelid = pg_class.oid where relnamespace = $1::text::regnamespace),
       (select string_agg(concat(conname, pg_get_constraintdef(oid)), ',' order by conname, conrelid)
        from pg_constraint where connamespace = $1::text::regnamespace),
       (select string_agg(concat(tgrelid, tgname), ',' order by tgrelid, tgname)
        from pg_trigger join pg_class on pg_class.oid = tgrelid
        where relnamespace = $1::text::regnamespace and not tgisinternal),
       (select string_agg(proname, ',' order by proname) from pg_proc where pronamespace = $1::text::regnamespace),
       (select string_agg(indexdef, ',' order by indexname) from pg_indexes where schemaname = $1::text),
       (select string_agg(name, ',' order by name) from ${schema}.kysely_migration),
       (select string_agg(concat(id, is_locked), ',' order by id) from ${schema}.kysely_migration_lock)
     )) as structure`,
    [schema],
  )
  return rows[0]!.structure
}

/** @returns false when it must not be used again */
async function isEmptied(pool: pg.Pool, { name, structure }: Made): Promise<boolean> {
  const client = await pool.connect()
  try {
    if (await isInUse(client, name)) return false
    if ((await structureOf(client, name)) !== structure) return false
    await client.query(await emptying(client, name))
    return true
  } catch {
    // Such as for want of the right to switch triggers off.
    await client.query('rollback')
    return false
  } finally {
    client.release()
  }
}

/**
 * Whether a server is connected still, such as one that nobody stopped; its connections have its schema in their name.
 * Those of one that has ended may take a moment to be gone.
 */
async function isInUse(client: pg.PoolClient, schema: string): Promise<boolean> {
  for (let looks = 1; ; looks++) {
    const { rows } = await client.query(
      `select 1 from pg_stat_activity where datname = current_database() and application_name like '%' || $1 limit 1`,
      [schema],
    )
    if (rows.length === 0) return false
    if (looks === MOST_LOOKS) return true
    await delay(PAUSE_MS)
  }
}

const MOST_LOOKS = 20
const PAUSE_MS = 10

/** The statements that delete every row. Tables that never had one, which are most, cost nothing. */
async function emptying(client: pg.PoolClient, schema: string): Promise<string> {
  const { rows } = await client.query<{ name: string; bytes: number }>(
    `select relname as name, pg_relation_size(oid)::int as bytes from pg_class
     where relnamespace = $1::text::regnamespace and relkind = 'r' and relname not like 'kysely%' and pg_relation_size(oid) > 0`,
    [schema],
  )
  const qualified = (large: boolean) =>
    rows.filter(({ bytes }) => bytes > LARGE_BYTES === large).map(({ name }) => `${schema}.${name}`)
  return [
    'begin',
    // Foreign keys need no looking after when every table is emptied.
    'set local session_replication_role = replica',
    ...qualified(false).map((table) => `delete from ${table}`),
    ...(qualified(true).length > 0 ? [`truncate ${qualified(true).join(', ')} cascade`] : []),
    'commit',
  ].join('; ')
}

/** What is emptied by new files for a table and its indexes, since its dead rows would be read again and again. */
const LARGE_BYTES = 500_000
