/**
 * Many rows in one statement, on either database. SQLite runs one prepared statement per row, which is its fastest way
 * and costs no round trip; PostgreSQL gets all rows as one JSON parameter, which is its.
 */
import { CompiledQuery, sql, type Kysely, type QueryResult, type RawBuilder } from 'kysely'
import { tables, type Row, type Schema, type TableName } from './schema.ts'

/** A Kysely handle together with the dialect behind it: a database, or a transaction on it. */
export interface Executor {
  readonly kysely: Kysely<Schema>
  readonly dialect: 'sqlite' | 'postgres'
  /**
   * Answers a statement past Kysely, which takes longer for one than SQLite. On SQLite only: in a transaction, where the
   * connection is ours alone, and outside for reading while nobody has one open.
   * @returns undefined when the statement has to wait for its turn
   * @throws what SQLite says, and when the transaction is over
   */
  readonly direct?: ((sql: string, parameters: readonly unknown[]) => DirectResult | undefined) | undefined
}

export interface DirectResult {
  readonly rows: unknown[]
  readonly numAffectedRows?: bigint
}

/** A statement that is not built any more, on the shortest way there is. */
export async function runStatement<R>(
  on: Executor,
  sql: string,
  parameters: readonly unknown[],
): Promise<QueryResult<R>> {
  const answer = on.direct?.(sql, parameters)
  if (answer !== undefined) return answer as QueryResult<R>
  return on.kysely.executeQuery<R>(CompiledQuery.raw(sql, [...parameters]))
}

/** Parameters for one statement that SQLite runs once per row. Understood by the adapter in sqlite.ts only. */
export class RowBatch {
  readonly #rows: readonly Readonly<Record<string, unknown>>[]
  readonly #columns: readonly string[]

  constructor(rows: readonly object[], columns: readonly string[]) {
    this.#rows = rows as readonly Readonly<Record<string, unknown>>[]
    this.#columns = columns
  }

  /** The values of each row, always in the same array: whoever wants to keep them copies it. */
  *values(): Generator<readonly unknown[], void, undefined> {
    const columns = this.#columns
    const values: unknown[] = columns.map(() => null)
    for (const row of this.#rows) {
      for (let place = 0; place < columns.length; place++) values[place] = row[columns[place]!]
      yield values
    }
  }
}

/** Stands in a query for a value that it is given when it runs; see prepared.ts. */
export class Parameter {
  readonly name: string
  constructor(name: string) {
    this.name = name
  }

  valueIn(on: Executor, values: object): unknown {
    const value = (values as Readonly<Record<string, unknown>>)[this.name]
    return Array.isArray(value) ? listFor(on, value) : value
  }
}

/** Inserts rows that all have the same columns. */
export async function insertRows<T extends TableName>(on: Executor, table: T, rows: readonly Row<T>[]): Promise<void> {
  if (rows.length === 0) return
  let insertion = insertions.get(table)
  if (insertion === undefined) insertions.set(table, (insertion = insertionInto(table, declared(table))))
  await insert(on, insertion, rows)
}

/** By name. */
export type Columns = Readonly<Record<string, { readonly type: 'text' | 'integer' }>>

/** `insertRows` for a table that is known only when the program runs, as when a whole database is copied. */
export async function insertInto(
  on: Executor,
  table: string,
  types: Columns,
  rows: readonly Readonly<Record<string, unknown>>[],
): Promise<void> {
  if (rows.length === 0) return
  await insert(on, insertionInto(table, types), rows)
}

interface Insertion {
  readonly columns: readonly string[]
  readonly text: Readonly<Record<Executor['dialect'], string>>
}

function insertionInto(table: string, types: Columns): Insertion {
  const columns = Object.keys(types)
  const names = columns.join(', ')
  return {
    columns,
    text: {
      sqlite: `insert into ${table} (${names}) values (${columns.map(() => '?').join(', ')})`,
      postgres: `insert into ${table} (${names}) select ${names} from ${recordset(types, columns)}`,
    },
  }
}

/** Of the tables of this version: they are written to, a row at a time, while somebody waits. */
const insertions = new Map<TableName, Insertion>()

async function insert(on: Executor, { columns, text }: Insertion, rows: readonly object[]): Promise<void> {
  if (on.dialect === 'sqlite') await runEach(on, text.sqlite, rows, columns)
  else await runAll(on, text.postgres, rows)
}

/** Sets the given columns of existing rows, found by their key columns. Returns how many rows there were. */
export async function updateRows<T extends TableName>(
  on: Executor,
  table: T,
  key: readonly (keyof Row<T> & string)[],
  columns: readonly (keyof Row<T> & string)[],
  rows: readonly Partial<Row<T>>[],
): Promise<number> {
  if (rows.length === 0) return 0
  if (on.dialect === 'sqlite') {
    const assignments = columns.map((column) => `${column} = ?`).join(', ')
    const condition = key.map((column) => `${column} = ?`).join(' and ')
    return runEach(on, `update ${table} set ${assignments} where ${condition}`, rows, [...columns, ...key])
  }
  const assignments = columns.map((column) => `${column} = given.${column}`).join(', ')
  const condition = key.map((column) => `${table}.${column} = given.${column}`).join(' and ')
  const given = recordset(declared(table), [...new Set<string>([...key, ...columns])])
  return runAll(on, `update ${table} set ${assignments} from ${given} where ${condition}`, rows)
}

/** Rows of one reading of whole columns, so many at a time. */
const COLUMNS_PAGE = 5_000

/**
 * Whole columns of all rows that have these values, some thousand rows at a time and in no particular order. A column is
 * a JSON array, so that one nobody looks at costs one string; rows as objects take three times as long and leave the
 * garbage collector 400,000 strings of 100,000 people.
 * @param table one whose key is `id`
 * @param having values of text columns
 */
export async function* readColumns<T extends TableName, C extends keyof Row<T> & string>(
  on: Executor,
  table: T,
  having: Partial<Row<T>>,
  columns: readonly C[],
): AsyncGenerator<Readonly<Record<C, string>>, void, undefined> {
  const values = Object.values(having)
  const names = columns.join(', ')
  if (on.dialect === 'postgres') {
    const arrays = columns.map((column) => `json_agg(${column})::text as ${column}`)
    const condition = Object.keys(having).map((column, place) => `${column} = $${place + 1}`)
    const rows = `select ${names}, (row_number() over () - 1) / ${COLUMNS_PAGE} as page from ${table} where ${condition.join(' and ')}`
    const all = `select ${arrays.join(', ')} from (${rows}) as numbered group by page`
    yield* (await on.kysely.executeQuery<Record<C, string>>(CompiledQuery.raw(all, values))).rows
    return
  }
  const arrays = columns.map((column) => `json_group_array(${column}) as ${column}`)
  // Page after page through the primary key. Were these plain columns, SQLite might take an index of theirs instead and
  // sort all of it again for every page: 2.6 s instead of 0.1 s for 100,000 people.
  const condition = ['id > ?', ...Object.keys(having).map((column) => `${column} || '' = ?`)].join(' and ')
  const rows = `select id as last, ${names} from ${table} where ${condition} order by id limit ${COLUMNS_PAGE}`
  const page = `select ${arrays.join(', ')}, count(*) as size, max(last) as last from (${rows})`
  for (let after = ''; ;) {
    const { rows: read } = await on.kysely.executeQuery<Record<C, string> & { size: number; last: string }>(
      CompiledQuery.raw(page, [after, ...values]),
    )
    const { size, last, ...arraysRead } = read[0]!
    if (size > 0) yield arraysRead as unknown as Record<C, string>
    if (size < COLUMNS_PAGE) return
    after = last
  }
}

/** `column in (values)` with one parameter however many values there are. */
export function isOneOf(on: Executor, column: string, values: readonly string[]): RawBuilder<boolean> {
  const list = values instanceof Parameter ? values : listFor(on, values)
  if (on.dialect === 'sqlite') return sql`${sql.ref(column)} in (select value from json_each(${list}))`
  return sql`${sql.ref(column)} = any(${list})`
}

function listFor(on: Executor, values: readonly unknown[]): unknown {
  return on.dialect === 'sqlite' ? JSON.stringify(values) : values
}

/** The time by the clock of the database, in milliseconds: what leases of several processes are measured by. */
export function databaseTime(on: Executor): RawBuilder<number> {
  return on.dialect === 'sqlite'
    ? sql<number>`cast(unixepoch('subsec') * 1000 as integer)`
    : sql<number>`(extract(epoch from clock_timestamp()) * 1000)::bigint`
}

async function runEach(
  on: Executor,
  statement: string,
  rows: readonly object[],
  columns: readonly string[],
): Promise<number> {
  const batch = new RowBatch(rows, columns)
  const result = await runStatement(on, statement, [batch])
  return Number(result.numAffectedRows ?? 0)
}

async function runAll(on: Executor, statement: string, rows: readonly object[]): Promise<number> {
  const result = await on.kysely.executeQuery(CompiledQuery.raw(statement, [JSON.stringify(rows)]))
  return Number(result.numAffectedRows ?? 0)
}

function declared(table: TableName): Columns {
  return tables[table]
}

function recordset(types: Columns, columns: readonly string[]): string {
  const typed = columns.map((column) => `${column} ${types[column]!.type === 'text' ? 'text' : 'bigint'}`)
  return `json_to_recordset($1::json) as given(${typed.join(', ')})`
}
