/**
 * Where a copy of a whole database comes from and goes to: a SQLite file that no server has, or a PostgreSQL database that
 * no server uses. A target takes what a draft holds in one step, by a rename or a commit. Called by backup.ts.
 */
import { chownSync, existsSync, mkdirSync, realpathSync, rmSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import { AppError, type Text } from '../errors.ts'
import type { Executor } from './bulk.ts'
import { ofSource, openDraft, type Work } from './copies.ts'
import { connectDatabase, migrateDatabase, type Database, type Transaction } from './database.ts'
import { put } from './drafts.ts'
import { COUNT_SERVER_CONNECTIONS } from './postgres.ts'
import {
  allowLongStatements,
  countRows,
  firstDifference,
  migrationsOf,
  readTables,
  tablesOf,
  totalOf,
  writeRows,
} from './rows.ts'
import { isUnreadable } from './sqlite.ts'

export async function openSource(url: string): Promise<Database> {
  const file = fileOf(url)
  if (file !== undefined && !existsSync(file)) {
    throw new AppError('backup/no-database', { detail: { en: `There is no ${file}.`, zh: `${file} 不存在。` } })
  }
  return connectDatabase(url).catch((error: unknown) => {
    throw ofSource(error)
  })
}

export interface Target {
  /** Of a SQLite database. */
  readonly file: string | undefined
  /** Takes what the draft holds, at once. */
  fill(draft: string, work: Work): Promise<void>
  close(): Promise<void>
}

/** Beside the file that it will become, else in the folder that is given. */
export function draftFor(target: Target, { workFolder }: { workFolder: string }, name: string): string {
  if (target.file !== undefined) return target.file
  mkdirSync(workFolder, { recursive: true, mode: 0o700 })
  return join(workFolder, name)
}

/** @throws AppError `database/in-use`, `backup/not-empty` */
export async function openTarget(url: string, replaces: boolean): Promise<Target> {
  const file = fileOf(url)
  return file === undefined ? openPostgresTarget(url, replaces) : openFileTarget(file, replaces)
}

/** The old file stays locked until the new one has its name, so that no server can start in between. */
async function openFileTarget(file: string, replaces: boolean): Promise<Target> {
  const isNew = !existsSync(file)
  let old: Database | undefined
  try {
    old = await connectDatabase(`sqlite:${file}`)
    if (!replaces) await refuseRows(old)
  } catch (error) {
    await old?.close()
    old = undefined
    if (!isUnreadable(error)) throw error
    // Replacing a database that cannot be read any more is what backups are for.
    if (!replaces) throw notEmpty({ en: `${file} cannot be read.`, zh: `${file} 无法读取。` }, error)
  }
  let filled = false
  return {
    file,
    async fill(draft) {
      // What is left in a log would be taken for changes of the new file.
      if (old === undefined) for (const end of ['-wal', '-shm', '-journal']) rmSync(`${file}${end}`, { force: true })
      else await sql`pragma journal_mode = delete`.execute(old.kysely)
      giveTo(draft, statSync(isNew ? dirname(file) : file))
      put(draft, file, true)
      filled = true
    },
    async close() {
      if (isNew && !filled) for (const end of ['', '-wal']) rmSync(`${file}${end}`, { force: true })
      await old?.close()
    },
  }
}

/** Root may restore for a server that runs as somebody else, who has to be able to open the file. */
function giveTo(draft: string, { uid, gid }: { uid: number; gid: number }): void {
  if (process.getuid?.() === 0) chownSync(draft, uid, gid)
}

async function openPostgresTarget(url: string, replaces: boolean): Promise<Target> {
  const database = await connectDatabase(url)
  try {
    await refuseServers(database, 'target')
    await migrationsOf(database)
    if (!replaces) await refuseRows(database)
  } catch (error) {
    await database.close()
    throw error
  }
  return {
    file: undefined,
    async fill(draft, work) {
      await migrateDatabase(database)
      await openDraft(draft, (copy) => database.inTransaction((tx) => load(tx, copy, replaces, work)))
    },
    close: () => database.close(),
  }
}

async function load(tx: Transaction, copy: Database, replaces: boolean, { signal, onProgress }: Work): Promise<void> {
  const run = (statement: string) => sql.raw(statement).execute(tx.kysely)
  const tables = await tablesOf(copy)
  const names = tables.map(({ name }) => name).join(', ')
  await allowLongStatements(tx.kysely)
  await run(`lock table ${names} in access exclusive mode`)
  // Asked again now that nobody can write: whoever connects from here on waits, and finds the new rows.
  await refuseServers(tx, 'target', 1)
  if (!replaces) await refuseRows(tx)
  await run(`truncate ${names}`)

  // Rows come table by table, and some belong to rows that come later. Adding a constraint checks every row.
  const { rows: constraints } = await sql<{ on_table: string; name: string; definition: string }>`
    select conrelid::regclass::text as on_table, quote_ident(conname) as name, pg_get_constraintdef(oid) as definition
    from pg_constraint where contype = 'f' and connamespace = current_schema()::regnamespace`.execute(tx.kysely)
  for (const { on_table, name } of constraints) await run(`alter table ${on_table} drop constraint ${name}`)
  const total = totalOf(await countRows(copy))
  let done = 0
  const given = await copy.inTransaction((from) =>
    readTables(from, tables, 'all', async (table, rows) => {
      signal.throwIfAborted()
      await writeRows(tx, table, rows)
      onProgress('write', (done += rows.length), total)
    }),
  )
  for (const { on_table, name, definition } of constraints) {
    await run(`alter table ${on_table} add constraint ${name} ${definition}`)
  }

  const found = await readTables(tx, tables, 'all', () => signal.throwIfAborted())
  const table = firstDifference(given, found)
  if (table !== undefined) {
    const counts = [given[table]?.rows ?? 0, found[table]?.rows ?? 0] as const
    throw new AppError('backup/copy-differs', {
      detail: {
        en: `${table}: ${counts[0]} rows, ${counts[1]} copied.`,
        zh: `${table}：${counts[0]} 行，已复制 ${counts[1]} 行。`,
      },
    })
  }
}

/** PostgreSQL lists a connection for a moment longer than its process lives. */
const LOOKS = 10
const LOOK_AGAIN_MS = 100

/** On SQLite the lock of the file has refused already. */
export async function refuseServers(on: Executor, which: 'source' | 'target', looks = LOOKS): Promise<void> {
  if (on.dialect === 'sqlite') return
  const { rows } = await sql.raw<{ count: number }>(COUNT_SERVER_CONNECTIONS).execute(on.kysely)
  const { count } = rows[0]!
  if (count === 0) return
  if (looks > 1) {
    await delay(LOOK_AGAIN_MS)
    return refuseServers(on, which, looks - 1)
  }
  throw new AppError('database/in-use', {
    detail:
      which === 'source'
        ? {
            en: `Servers use the database to be copied (${count} connections). What they write after the copy would be missing in it.`,
            zh: `有服务正在使用要复制的数据库（${count} 个连接）。复制之后写入的内容将会缺失。`,
          }
        : {
            en: `Servers use the database to be filled (${count} connections).`,
            zh: `有服务正在使用要写入的数据库（${count} 个连接）。`,
          },
    remedy: { en: 'Stop every Muster that uses it.', zh: '请停止所有使用它的 Muster。' },
  })
}

async function refuseRows(on: Executor): Promise<void> {
  const counts = Object.entries(await countRows(on))
  if (counts.length === 0) return
  const text = counts.map(([name, rows]) => `${name} ${rows}`).join(', ')
  throw notEmpty({ en: `The database to be filled has rows: ${text}.`, zh: `要写入的数据库已有数据：${text}。` })
}

function notEmpty(detail: Text, cause?: unknown): AppError {
  return new AppError('backup/not-empty', { detail, cause })
}

/** Where a link leads to: the file takes part in renames. */
function fileOf(url: string): string | undefined {
  if (!url.startsWith('sqlite:')) return undefined
  const file = resolve(url.slice('sqlite:'.length))
  return existsSync(file) ? realpathSync(file) : file
}
