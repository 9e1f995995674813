/**
 * Every row of every table, out of one database and into another, a page at a time. Which tables there are is asked of
 * the database, so that no migration can add one that a copy forgets. Owns what a copy does not carry.
 */
import { createHash } from 'node:crypto'
import { sql, type Kysely } from 'kysely'
import { AppError } from '../errors.ts'
import { insertInto, type Columns, type Executor } from './bulk.ts'
import type { Database } from './database.ts'
import { migrationNames } from './migrations.ts'
import type { Schema, TableName } from './schema.ts'

export interface Table {
  readonly name: string
  readonly columns: Columns
}

/** What was in the tables: by name, how many rows, and a digest of them that does not depend on their order. */
export type Tally = Readonly<Record<string, { readonly rows: number; readonly digest: string }>>

type CopiedRow = Record<string, string | number | null>

/**
 * Tables whose rows mean nothing to another database, or would do harm there: they are copied without their rows. What
 * lets somebody in for a while belongs here too, so that restoring an old copy opens no session again.
 */
export const NOT_CARRIED: ReadonlySet<TableName> = new Set([
  // Good for two hours at most, and whoever restores an older copy would use tokens that WeCom has replaced since.
  'wecom_tokens',
  // Says what the processes of one installation may do in the next seconds, by the clock of its database.
  'wecom_budgets',
  // Half-way to a session of one browser, for ten minutes.
  'sign_in_attempts',
  // Restoring an older copy must not open again what was closed since.
  'sessions',
  'password_guesses',
  'oidc_records',
  'logout_deliveries',
])

/** Columns by which a process keeps something for itself. In a copy no process holds anything: the time is long over. */
const LEASES: ReadonlySet<string> = new Set(['lease_until'])

const PAGE_ROWS = 1_000
/** Tables that are not the product's: Kysely's own, SQLite's own, and what copies.ts writes about a copy. */
const FOREIGN = /^(?:kysely_|sqlite_|backup_)/

/** @param on SQLite only: it is what every copy is made in, and has the same tables as a PostgreSQL of its version */
export async function tablesOf(on: Executor): Promise<Table[]> {
  const { rows } = await sql<{ table_name: string; column_name: string; type: string }>`
    select tables.name as table_name, columns.name as column_name, columns.type as type
    from sqlite_schema tables join pragma_table_info(tables.name) columns
    where tables.type = 'table' order by tables.name, columns.cid`.execute(on.kysely)
  const tables = Map.groupBy(
    rows.filter(({ table_name }) => !FOREIGN.test(table_name)),
    ({ table_name }) => table_name,
  )
  return Array.from(tables, ([name, columns]) => ({
    name,
    columns: Object.fromEntries(
      columns.map(({ column_name, type }) => [
        column_name,
        { type: type.toLowerCase() === 'text' ? 'text' : 'integer' } as const,
      ]),
    ),
  }))
}

/**
 * The migrations that a database has run; none when it is not a database of Muster yet.
 * @throws AppError `database/too-new` when there is one that this program does not know
 */
export async function migrationsOf(on: Executor): Promise<string[]> {
  if (!(await tableNamesOf(on)).includes('kysely_migration')) return []
  const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(on.kysely)
  const known = migrationNames()
  if (rows.some(({ name }, index) => name !== known[index])) throw new AppError('database/too-new')
  return rows.map(({ name }) => name)
}

/** How many rows each table of ours has, for those that have any. */
export async function countRows(on: Executor): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const name of await tableNamesOf(on)) {
    if (FOREIGN.test(name)) continue
    const { rows } = await sql<{ count: number }>`select count(*) as count from ${sql.table(name)}`.execute(on.kysely)
    if (rows[0]!.count > 0) counts[name] = rows[0]!.count
  }
  return counts
}

export function totalOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0)
}

/** Runs `work` on what the database holds at one moment, whoever writes meanwhile. */
export function atOneMoment<T>({ kysely, dialect }: Database, work: (on: Executor) => Promise<T>): Promise<T> {
  const run = async (transaction: Kysely<Schema>) => {
    // The rows of a large table take their time, and so does whoever takes them.
    if (dialect === 'postgres') await allowLongStatements(transaction)
    return work({ kysely: transaction, dialect })
  }
  if (dialect === 'sqlite') return kysely.transaction().execute(run)
  return kysely.transaction().setIsolationLevel('repeatable read').execute(run)
}

/** Until the end of the transaction, as long as one statement about a whole table may take. */
export async function allowLongStatements(transaction: Kysely<Schema>): Promise<void> {
  await sql`select set_config('statement_timeout', '600000', true)`.execute(transaction)
}

/**
 * Reads every row of the tables, hands them out in pages, and counts what it has seen.
 * @param on inside a transaction
 * @param which all, or only what a copy carries and as it carries it
 */
export async function readTables(
  on: Executor,
  tables: readonly Table[],
  which: 'all' | 'carried',
  take: (table: Table, rows: readonly CopiedRow[]) => Promise<void> | void,
): Promise<Tally> {
  const tally: Record<string, { rows: number; digest: string }> = {}
  for (const table of tables) {
    const digest = createDigest()
    let count = 0
    const isEmpty = which === 'carried' && NOT_CARRIED.has(table.name as TableName)
    for await (const page of isEmpty ? [] : readPages(on, table)) {
      const rows = which === 'carried' ? page.map(withoutLease) : page
      for (const row of rows) digest.add(JSON.stringify(Object.keys(table.columns).map((column) => row[column])))
      count += rows.length
      await take(table, rows)
    }
    tally[table.name] = { rows: count, digest: digest.text() }
  }
  return tally
}

export function writeRows(on: Executor, { name, columns }: Table, rows: readonly CopiedRow[]): Promise<void> {
  return insertInto(on, name, columns, rows)
}

/** Names a table in which two tallies differ. */
export function firstDifference(one: Tally, other: Tally): string | undefined {
  const names = new Set([...Object.keys(one), ...Object.keys(other)])
  return [...names].find((name) => one[name]?.rows !== other[name]?.rows || one[name]?.digest !== other[name]?.digest)
}

async function tableNamesOf(on: Executor): Promise<string[]> {
  const { rows } =
    on.dialect === 'sqlite'
      ? await sql<{ name: string }>`select name from sqlite_schema where type = 'table'`.execute(on.kysely)
      : await sql<{ name: string }>`
          select tablename as name from pg_catalog.pg_tables where schemaname = current_schema()`.execute(on.kysely)
  return rows.map(({ name }) => name)
}

async function* readPages(on: Executor, { name, columns }: Table): AsyncGenerator<CopiedRow[]> {
  const select = `select ${Object.keys(columns).join(', ')} from ${name}`
  if (on.dialect === 'postgres') {
    // A cursor reads the table once and keeps nothing; pages by key would sort it again and again.
    await sql.raw(`declare copied no scroll cursor for ${select}`).execute(on.kysely)
    for (;;) {
      const { rows } = await sql.raw<CopiedRow>(`fetch forward ${PAGE_ROWS} from copied`).execute(on.kysely)
      if (rows.length === 0) break
      yield rows
    }
    await sql.raw('close copied').execute(on.kysely)
    return
  }
  const tables = on.kysely as unknown as Kysely<Record<string, CopiedRow>>
  let page: CopiedRow[] = []
  for await (const row of tables.selectFrom(name).select(Object.keys(columns)).stream()) {
    page.push(row)
    if (page.length < PAGE_ROWS) continue
    yield page
    page = []
  }
  if (page.length > 0) yield page
}

function withoutLease(row: CopiedRow): CopiedRow {
  const held = Object.keys(row).filter((column) => LEASES.has(column) && row[column] !== null)
  return held.length === 0 ? row : { ...row, ...Object.fromEntries(held.map((column) => [column, 0])) }
}

const DIGEST_BYTES = 32

/** Of a set of rows: the exclusive or of their SHA-256, so that two databases may give them in different orders. */
function createDigest() {
  const sum = new Uint8Array(DIGEST_BYTES)
  return {
    add(text: string): void {
      const one = createHash('sha256').update(text).digest()
      for (let index = 0; index < DIGEST_BYTES; index++) sum[index]! ^= one[index]!
    },
    text: () => Buffer.from(sum).toString('hex'),
  }
}
