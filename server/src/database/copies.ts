/**
 * One copy of a whole database: a Muster SQLite file at the schema version of its source, with a manifest: when, by what,
 * how many rows, and their digest. Owns how it is made, known by its first bytes, read to its end and turned into the
 * database of a server; where rows come from and go to is source-and-target.ts. Called by backup.ts.
 */
import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { sql } from 'kysely'
import { AppError } from '../errors.ts'
import type { Executor } from './bulk.ts'
import { connectDatabase, migrateDatabase, type Database } from './database.ts'
import { atFile, existing, unusable } from './drafts.ts'
import {
  atOneMoment,
  countRows,
  firstDifference,
  migrationsOf,
  NOT_CARRIED,
  readTables,
  tablesOf,
  totalOf,
  writeRows,
  type Tally,
} from './rows.ts'
import { isFull, isUnreadable } from './sqlite.ts'

/** What is known about a copy. */
export interface Manifest {
  /** Milliseconds since 1970. */
  readonly createdAt: number
  /** The version of Muster that made it. */
  readonly madeBy: string
  /** What it was made from. */
  readonly source: Executor['dialect']
  readonly tables: Tally
}

/** How far the work is, in rows. */
export type OnProgress = (work: 'copy' | 'check' | 'write', done: number, total: number) => void

export interface Work {
  /** The time, in milliseconds since 1970. */
  readonly now: number
  readonly signal: AbortSignal
  readonly onProgress: OnProgress
}

/** "Must" in ASCII, where SQLite files say whose they are. A database that a server uses does not have it. */
const APPLICATION_ID = 0x4d757374
const FORMAT = 1

// ---- Making and checking a copy -------------------------------------------------------------------------------------

export async function copyInto(
  draft: string,
  source: Database,
  { now, madeBy, signal, onProgress }: Work & { madeBy: string },
): Promise<Manifest> {
  return openDraft(draft, (copy) =>
    atOneMoment(source, async (moment) => {
      const version = (await migrationsOf(moment)).at(-1)
      if (version === undefined) throw new AppError('backup/no-database')
      await migrateDatabase(copy, version)
      const tables = await tablesOf(copy)
      const total = totalOf(await countRows(moment))
      let done = 0
      for (const { name } of tables) await sql`delete from ${sql.table(name)}`.execute(copy.kysely)
      const tally = await readTables(moment, tables, 'carried', async (table, rows) => {
        signal.throwIfAborted()
        await copy.inTransaction((tx) => writeRows(tx, table, rows))
        onProgress('copy', (done += rows.length), total)
      }).catch((error: unknown) => {
        throw ofSource(error)
      })
      const manifest: Manifest = { createdAt: now, madeBy, source: source.dialect, tables: tally }
      await writeManifest(copy, manifest)
      return manifest
    }),
  )
}

/** Reads a copy to its end. @throws AppError `backup/too-new`, `backup/damaged` */
export async function verifyCopy(copy: Database, { signal, onProgress }: Work): Promise<Manifest> {
  const manifest = await readManifest(copy)
  await migrationsOf(copy).catch((error: unknown) => {
    throw isTooNew(error) ? new AppError('backup/too-new', { cause: error }) : error
  })
  const { rows } = await sql<{ integrity_check: string }>`pragma integrity_check(1)`.execute(copy.kysely)
  if (rows[0]?.integrity_check !== 'ok') throw damaged(rows[0]?.integrity_check ?? 'no answer')
  const { rows: orphans } = await sql<{ table: string }>`pragma foreign_key_check`.execute(copy.kysely)
  if (orphans[0] !== undefined) throw damaged(`a row of ${orphans[0].table} belongs to a row that is not there`)
  const total = Object.values(manifest.tables).reduce((all, { rows: count }) => all + count, 0)
  let done = 0
  const tally = await copy.inTransaction(async (tx) =>
    readTables(tx, await tablesOf(tx), 'all', async (_, page) => {
      signal.throwIfAborted()
      onProgress('check', (done += page.length), total)
      await copy.breathe()
    }),
  )
  const table = firstDifference(tally, manifest.tables)
  if (table !== undefined) throw damaged(`the rows of ${table} are not the ones that were written`)
  return manifest
}

/** Turns a copy into the database of a server of this version. */
export async function makeCurrent(copy: Database): Promise<void> {
  await sql`drop table backup_manifest`.execute(copy.kysely)
  await sql`pragma application_id = 0`.execute(copy.kysely)
  await migrateDatabase(copy)
  // The version that made it may have carried what this one does not.
  for (const name of NOT_CARRIED) await sql`delete from ${sql.table(name)}`.execute(copy.kysely)
}

export async function installationOf(copy: Database): Promise<ReadonlyMap<string, string>> {
  const rows = await copy.kysely.selectFrom('installation').selectAll().execute()
  return new Map(rows.map(({ name, value }) => [name, value]))
}

async function writeManifest(copy: Database, { createdAt, madeBy, source, tables }: Manifest): Promise<void> {
  const facts = { format: FORMAT, createdAt, madeBy, source, tables }
  await sql`create table backup_manifest (name text primary key, value text not null) strict`.execute(copy.kysely)
  for (const [name, value] of Object.entries(facts)) {
    await sql`insert into backup_manifest (name, value) values (${name}, ${JSON.stringify(value)})`.execute(copy.kysely)
  }
  await sql.raw(`pragma application_id = ${APPLICATION_ID}`).execute(copy.kysely)
}

async function readManifest(copy: Database): Promise<Manifest> {
  const facts = await readFacts(copy).catch((error: unknown) => {
    throw damaged('its manifest cannot be read', error)
  })
  if (facts['format'] !== FORMAT) throw new AppError('backup/too-new')
  return facts as unknown as Manifest
}

async function readFacts(copy: Database): Promise<Record<string, unknown>> {
  const select = sql<{ name: string; value: string }>`select name, value from backup_manifest`
  const { rows } = await select.execute(copy.kysely)
  return Object.fromEntries(rows.map(({ name, value }) => [name, JSON.parse(value) as unknown]))
}

/**
 * Opens a draft for its maker alone and leaves one file on the disk. It is thrown away if anything happens to us, so
 * nothing waits for the disk before the end.
 */
export async function openDraft<T>(draft: string, work: (copy: Database) => Promise<T>): Promise<T> {
  let copy: Database | undefined
  try {
    copy = await connectDatabase(`sqlite:${draft}`).catch((error: unknown) => {
      throw ofCopy(error)
    })
    for (const pragma of ['journal_mode = off', 'synchronous = off', 'foreign_keys = off']) {
      await sql.raw(`pragma ${pragma}`).execute(copy.kysely)
    }
    return await work(copy)
  } catch (error) {
    throw isFull(error) ? unusable(draft, reasonOf(error), error) : error
  } finally {
    await copy?.close()
  }
}

// ---- The file of a backup ----------------------------------------------------------------------------------------

export function refuseExisting(file: string, replaces: boolean): void {
  const found = atFile(file, () => statSync(file, { throwIfNoEntry: false }))
  if (found === undefined) return
  if (!replaces) throw existing(file)
  // A word too many must not cost anybody the database itself, or the key.
  if (!found.isFile() || (found.size > 0 && !isBackup(file))) {
    throw new AppError('backup/exists', {
      detail: {
        en: `${file} is not a backup of Muster, and --force replaces nothing else.`,
        zh: `${file} 不是 Muster 的备份，--force 不会替换其他文件。`,
      },
      remedy: { en: 'Choose another name.', zh: '请更换文件名。' },
    })
  }
}

/** By the first bytes of the file: https://sqlite.org/fileformat.html §1.3. */
export function isBackup(file: string): boolean {
  const header = Buffer.alloc(72)
  const length = atFile(file, () => {
    const descriptor = openSync(file, 'r')
    try {
      return readSync(descriptor, header)
    } finally {
      closeSync(descriptor)
    }
  })
  return (
    length === header.length &&
    header.toString('latin1', 0, 16) === 'SQLite format 3\0' &&
    header.readUInt32BE(68) === APPLICATION_ID
  )
}

// ---- What went wrong ------------------------------------------------------------------------------------------------

/** A database that cannot be read to its end gives no copy at all. */
export function ofSource(error: unknown): unknown {
  return isUnreadable(error) ? new AppError('database/damaged', { cause: error }) : error
}

/** A copy that cannot be read is damaged. */
export function ofCopy(error: unknown): unknown {
  return isUnreadable(error) ? damaged(reasonOf(error), error) : error
}

function damaged(reason: string, cause?: unknown): AppError {
  const detail = { en: `The backup is damaged: ${reason}.`, zh: `备份已损坏：${reason}。` }
  return new AppError('backup/damaged', { detail, cause })
}

function isTooNew(error: unknown): boolean {
  return error instanceof AppError && error.code === 'database/too-new'
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
