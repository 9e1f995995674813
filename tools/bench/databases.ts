/**
 * Empty databases for the benchmark, and what is in one: every row by its key with a digest, so that two states can be
 * compared row by row, whatever the server says that it wrote. Looks only at databases that no server has open.
 */
import { hash, randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

import { Client } from 'pg'

import { tables } from '../../server/src/database/schema.ts'
import type { TableName } from '../../server/src/database/schema.ts'

export type DatabaseKind = 'sqlite' | 'postgres'

export type EmptyDatabase = {
  /** What MUSTER_DATABASE_URL takes. */
  readonly url: string
  remove(): Promise<void>
}

/** @param home a folder for SQLite files, or the address of a PostgreSQL server on which databases may be created */
export async function createEmptyDatabase(kind: DatabaseKind, home: string): Promise<EmptyDatabase> {
  const name = `bench_${randomBytes(6).toString('hex')}`
  if (kind === 'sqlite') {
    const file = join(home, `${name}.db`)
    return {
      url: `sqlite:${file}`,
      async remove() {
        for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true })
      },
    }
  }
  await withPostgres(home, (client) => client.query(`create database ${name}`))
  const url = new URL(home)
  url.pathname = `/${name}`
  return {
    url: url.href,
    remove: () => withPostgres(home, async (client) => void (await client.query(`drop database ${name} with (force)`))),
  }
}

/** What jobs make of other rows in the background, whenever they come to it: no run writes it. */
const MADE_IN_BACKGROUND = {
  tables: new Set<TableName>(['tallies', 'populations']),
  columns: new Set(['search_text']),
}

/** Digests of all rows that somebody or a run wrote, by table and key. */
export type Contents = ReadonlyMap<TableName, ReadonlyMap<string, string>>

export async function readContents(url: string): Promise<Contents> {
  const contents = new Map<TableName, Map<string, string>>()
  for (const table of tableNames()) {
    if (MADE_IN_BACKGROUND.tables.has(table)) continue
    const digests = new Map<string, string>()
    for (const row of await readRows(url, table)) {
      const key = keyOf(table)
        .map((column) => String(row[column]))
        .join(' ')
      const text = JSON.stringify(row, (column, value: unknown) =>
        MADE_IN_BACKGROUND.columns.has(column) ? undefined : value,
      )
      digests.set(key, hash('md5', text, 'base64')) // not for security: the fastest that does not collide
    }
    contents.set(table, digests)
  }
  return contents
}

/** How many rows of a table are new, other than before, or gone. Tables in which nothing happened are left out. */
export type RowChanges = Partial<Record<TableName, { inserted: number; updated: number; deleted: number }>>

export function compareContents(before: Contents, after: Contents): RowChanges {
  const changes: RowChanges = {}
  for (const table of tableNames()) {
    const [was, is] = [before.get(table) ?? new Map<string, string>(), after.get(table) ?? new Map<string, string>()]
    const found = { inserted: 0, updated: 0, deleted: 0 }
    for (const [key, digest] of is) {
      const previous = was.get(key)
      if (previous === undefined) found.inserted++
      else if (previous !== digest) found.updated++
    }
    for (const key of was.keys()) if (!is.has(key)) found.deleted++
    if (found.inserted + found.updated + found.deleted > 0) changes[table] = found
  }
  return changes
}

/** All rows of a table, on SQLite in the order of their insertion. */
export async function readRows(url: string, table: TableName): Promise<Record<string, unknown>[]> {
  if (!url.startsWith('sqlite:')) {
    return withPostgres(
      url,
      async (client) => (await client.query<Record<string, unknown>>(`select * from ${table}`)).rows,
    )
  }
  const database = new DatabaseSync(url.slice('sqlite:'.length))
  try {
    return database.prepare(`select * from ${table}`).all()
  } finally {
    database.close()
  }
}

export async function withPostgres<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

function tableNames(): TableName[] {
  return Object.keys(tables) as TableName[] // the keys of a constant of ours
}

/** Primary keys that are not a lone `id`. */
const KEYS: Partial<Record<TableName, readonly string[]>> = {
  installation: ['name'],
  memberships: ['user_id', 'department_id', 'origin'],
  source_pages: ['connection_id', 'corp_id', 'page'],
  wecom_tokens: ['token_key'],
  wecom_budgets: ['corp_id'],
  changes: ['run_id', 'position'],
  diagnoses: ['connection_id'],
}

function keyOf(table: TableName): readonly string[] {
  return KEYS[table] ?? ['id']
}
