/**
 * The floors of the sync benchmark: the barest programs that read the same pages and insert the same rows. Nothing is
 * checked, mapped, compared or kept. Of the server only the migrations run here, before the clock starts. Each floor
 * runs in a process of its own (floor-process.ts), as each measured sync does: neither has warmer code.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import type { SQLInputValue, StatementSync } from 'node:sqlite'

import { Agent } from 'undici'

import { openDatabase } from '../../server/src/database/database.ts'
import { tables } from '../../server/src/database/schema.ts'
import type { TableName } from '../../server/src/database/schema.ts'
import { readRows, withPostgres } from './databases.ts'

export type FloorOrder =
  | { readonly kind: 'download'; readonly apiUrl: string; readonly corpId: string; readonly secret: string }
  /** Two databases by address: where a first sync has left its rows, and an empty one. */
  | { readonly kind: 'insert'; readonly from: string; readonly into: string }

export type FloorResult = {
  readonly seconds: number
  /** Calls made or rows inserted. */
  readonly count: number
  readonly peakBytes: number
}

const FLOOR_TIMEOUT_MS = 10 * 60_000

/** Runs a floor in a process of its own. @throws when it fails or takes longer than ten minutes */
export async function measureFloor(order: FloorOrder, signal: AbortSignal): Promise<FloorResult> {
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(FLOOR_TIMEOUT_MS)])
  const floor = fork(new URL('floor-process.ts', import.meta.url))
  try {
    floor.send(order)
    const ended = once(floor, 'exit', { signal: bounded }).then(([code]) => {
      throw new Error(`The floor ${order.kind} ended with ${String(code)} before it answered.`)
    })
    const [result] = (await Promise.race([once(floor, 'message', { signal: bounded }), ended])) as [FloorResult]
    return result
  } finally {
    floor.kill('SIGKILL') // it has nothing to tidy up
  }
}

/** What floor-process.ts does. */
export function runFloor(order: FloorOrder): Promise<FloorResult> {
  return order.kind === 'download' ? download(order) : insert(order)
}

// ---- Download -------------------------------------------------------------------------------------------------------

/** As many as the server has. */
const CALLS_IN_FLIGHT = 10

async function download({ apiUrl, corpId, secret }: FloorOrder & { kind: 'download' }): Promise<FloorResult> {
  const agent = new Agent({ connections: CALLS_IN_FLIGHT })
  const read = async (path: string, query: Record<string, string>): Promise<Record<string, unknown>> => {
    const { body } = await agent.request({ origin: apiUrl, method: 'GET', path: `/cgi-bin/${path}`, query })
    const answer = JSON.parse(await body.text()) as Record<string, unknown>
    if (answer['errcode'] !== 0) throw new Error(`${path} answered ${String(answer['errcode'])}`)
    return answer
  }

  const startedAt = performance.now()
  const { access_token } = (await read('gettoken', { corpid: corpId, corpsecret: secret })) as { access_token: string }
  const { department } = (await read('department/list', { access_token })) as { department: { id: number }[] }
  let next = 0
  const worker = async () => {
    while (next < department.length) {
      await read('user/list', { access_token, department_id: String(department[next++]!.id) })
    }
  }
  await Promise.all(Array.from({ length: CALLS_IN_FLIGHT }, worker))
  const seconds = (performance.now() - startedAt) / 1000

  await agent.close()
  return { seconds, count: department.length + 2, peakBytes: peakBytes() }
}

// ---- Insert ---------------------------------------------------------------------------------------------------------

/** People in one transaction, as in the server. */
const SLICE = 1_000

type Rows = Record<string, unknown>[]

/** Rows of several tables that are inserted in one transaction, in this order. */
type Slice = readonly (readonly [TableName, Rows])[]

async function insert({ from, into }: FloorOrder & { kind: 'insert' }): Promise<FloorResult> {
  const empty = await openDatabase(into) // makes the schema
  await empty.close()
  const parents: Slice = [
    ['organizations', await readRows(from, 'organizations')],
    ['connections', await readRows(from, 'connections')],
  ]
  const slices = await readSlices(from)
  const count = slices.flat().reduce((sum, [, rows]) => sum + rows.length, 0)

  const seconds = into.startsWith('sqlite:')
    ? insertIntoSqlite(into.slice('sqlite:'.length), parents, slices)
    : await insertIntoPostgres(into, parents, slices)
  return { seconds, count, peakBytes: peakBytes() }
}

async function readSlices(from: string): Promise<Slice[]> {
  const slices: Slice[] = [[['departments', parentsFirst(await readRows(from, 'departments'))]]]
  const users = (await readRows(from, 'users')).filter(({ origin }) => origin === 'wecom')
  const links = Map.groupBy(await readRows(from, 'links'), (row) => row['user_id'])
  const memberships = Map.groupBy(await readRows(from, 'memberships'), (row) => row['user_id'])
  for (let start = 0; start < users.length; start += SLICE) {
    const people = users.slice(start, start + SLICE)
    slices.push([
      ['users', people],
      ['links', people.flatMap(({ id }) => links.get(id) ?? [])],
      ['memberships', people.flatMap(({ id }) => memberships.get(id) ?? [])],
    ])
  }
  return slices
}

/** SQLite checks after every row that the parent exists. */
function parentsFirst(departments: Rows): Rows {
  const children = Map.groupBy(departments, (row) => row['parent_id'])
  const ordered = children.get(null) ?? []
  for (const department of ordered) ordered.push(...(children.get(department['id']) ?? [])) // grows while it is walked
  return ordered
}

function insertIntoSqlite(file: string, parents: Slice, slices: readonly Slice[]): number {
  const database = new DatabaseSync(file)
  for (const pragma of serverPragmas()) database.exec(pragma)
  const statements = new Map<TableName, StatementSync>(
    (['organizations', 'connections', 'departments', 'users', 'links', 'memberships'] as const).map((table) => {
      const columns = Object.keys(tables[table])
      const marks = columns.map(() => '?').join(', ')
      return [table, database.prepare(`insert into ${table} (${columns.join(', ')}) values (${marks})`)]
    }),
  )
  const bind = (slice: Slice) =>
    slice.map(([table, rows]) => ({
      statement: statements.get(table)!,
      rows: rows.map((row) => Object.keys(tables[table]).map((column) => row[column] as SQLInputValue)),
    }))
  const write = (slice: ReturnType<typeof bind>) => {
    database.exec('begin immediate')
    for (const { statement, rows } of slice) for (const row of rows) statement.run(...row)
    database.exec('commit')
  }
  write(bind(parents))
  const bound = slices.map(bind)

  const startedAt = performance.now()
  for (const slice of bound) write(slice)
  const seconds = (performance.now() - startedAt) / 1000

  database.close()
  return seconds
}

/**
 * Read from the server's source: a floor with settings of its own fell behind once, when the server got a longer
 * write-ahead log, and flattered every first sync.
 */
function serverPragmas(): string[] {
  const source = readFileSync(new URL('../../server/src/database/sqlite.ts', import.meta.url), 'utf8')
  const pragmas = Array.from(source.matchAll(/database\.exec\('(pragma [^']+)'\)/g), ([, pragma]) => pragma!)
  if (pragmas.length === 0) throw new Error('The pragmas of the server are not where this benchmark looks for them.')
  return pragmas
}

function insertIntoPostgres(url: string, parents: Slice, slices: readonly Slice[]): Promise<number> {
  return withPostgres(url, async (client) => {
    const write = async (slice: Slice) => {
      await client.query('begin')
      for (const [table, rows] of slice) {
        await client.query({ name: table, text: recordInsert(table), values: [JSON.stringify(rows)] })
      }
      await client.query('commit')
    }
    await write(parents)

    const startedAt = performance.now()
    for (const slice of slices) await write(slice)
    return (performance.now() - startedAt) / 1000
  })
}

function recordInsert(table: TableName): string {
  const types: Record<string, { type: string }> = tables[table]
  const columns = Object.keys(types)
  const typed = columns.map((column) => `${column} ${types[column]!.type === 'text' ? 'text' : 'bigint'}`)
  const names = columns.join(', ')
  return `insert into ${table} (${names}) select ${names} from json_to_recordset($1::json) as given(${typed.join(', ')})`
}

function peakBytes(): number {
  return process.resourceUsage().maxRSS * 1024
}
