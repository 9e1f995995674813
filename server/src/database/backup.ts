/**
 * Whole databases: a backup, bringing one back, moving to another database. All three go through one format, a Muster
 * SQLite file at the schema version of its source, with a manifest: when, by what, how many rows, and their digest.
 *
 * Everything is made in a draft beside its place and takes the place in one step at the end, by a rename or a commit.
 * Whoever is killed before that has changed nothing.
 */
import {
  chownSync,
  closeSync,
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  openSync,
  readSync,
  realpathSync,
  rmSync,
  statSync,
} from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import { AppError, type Text } from '../errors.ts'
import type { Executor } from './bulk.ts'
import { connectDatabase, migrateDatabase, type Database, type Transaction } from './database.ts'
import {
  atFile,
  existing,
  fileProblem,
  newDraft,
  put,
  removeDraft,
  removeLeftovers,
  unusable,
  withDraft,
} from './drafts.ts'
import { COUNT_SERVER_CONNECTIONS } from './postgres.ts'
import {
  allowLongStatements,
  atOneMoment,
  countRows,
  firstDifference,
  migrationsOf,
  NOT_CARRIED,
  readTables,
  tablesOf,
  writeRows,
  type Tally,
} from './rows.ts'

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

/**
 * Writes everything that a database holds at one moment into a new file. Works while servers write, except that the
 * file of a running SQLite server is its own: copy what `takeSnapshot` made instead.
 * @param url what to back up, of any version that this program knows
 * @param replaces whether an older backup of the same name may be replaced; nothing else ever is
 * @throws AppError `backup/exists`, `backup/no-database`, `backup/file`, `database/…`
 */
export async function writeBackup(
  given: Work & { url: string; file: string; madeBy: string; replaces: boolean },
): Promise<Manifest> {
  const { url, file, replaces } = given
  refuseExisting(file, replaces)
  const source = await openSource(url)
  try {
    return await withDraft(file, given.now, async (draft) => {
      const manifest = await copyInto(draft, source, given)
      refuseExisting(file, replaces) // somebody may have been quicker
      put(draft, file, replaces)
      return manifest
    })
  } finally {
    await source.close()
  }
}

/**
 * Puts a backup in the place of a database, whole or not at all. An older version of the schema is brought up to date.
 * @param url the database to fill: without rows, or `replaces`
 * @param workFolder where a copy of the file may lie meanwhile, when the database is not a file itself
 * @param verify told the value that proves the master key; throws when the key is not here
 * @param note writes about the restore into the restored database
 * @returns what the file says about itself
 * @throws AppError `backup/…`, `database/…`
 */
export async function restoreBackup(
  given: Work & {
    file: string
    url: string
    workFolder: string
    replaces: boolean
    verify: (installation: ReadonlyMap<string, string>) => void
    note: (database: Database, tx: Transaction, manifest: Manifest) => Promise<void>
  },
): Promise<Manifest> {
  const { file, url } = given
  if (!isBackup(file)) {
    const detail = { en: `${file} is not a backup of Muster.`, zh: `${file} 不是 Muster 的备份。` }
    throw new AppError('backup/not-a-backup', { detail })
  }
  const target = await openTarget(url, given.replaces)
  try {
    return await withDraft(draftFor(target, given, 'restore'), given.now, async (draft) => {
      // Not by copyFile, which would give the draft the rights of the file.
      const reading = pipeline(createReadStream(file), createWriteStream(draft), { signal: given.signal })
      await reading.catch((error: unknown) => {
        throw given.signal.aborted ? error : fileProblem(file, error)
      })
      const manifest = await openDraft(draft, async (copy) => {
        const found = await verifyCopy(copy, given).catch((error: unknown) => {
          throw isUnreadable(error) ? damaged(reasonOf(error), error) : error
        })
        given.verify(await installationOf(copy))
        await makeCurrent(copy)
        await copy.inTransaction((tx) => given.note(copy, tx, found))
        return found
      })
      await target.fill(draft, given)
      return manifest
    })
  } finally {
    await target.close()
  }
}

/**
 * Copies a database that no server uses into an empty one, and compares every row of every table at the end.
 * @returns what was copied
 * @throws AppError `backup/…`, `database/…`
 */
export async function copyDatabase(
  given: Work & { from: string; to: string; workFolder: string; madeBy: string },
): Promise<Manifest> {
  const source = await openSource(given.from)
  try {
    await refuseServers(source, 'source')
    const target = await openTarget(given.to, false)
    try {
      return await withDraft(draftFor(target, given, 'copy'), given.now, async (draft) => {
        const manifest = await copyInto(draft, source, given)
        await openDraft(draft, async (copy) => {
          await verifyCopy(copy, given)
          await makeCurrent(copy)
        })
        // A server that has started since would go on writing where nobody looks any more.
        await refuseServers(source, 'source')
        await target.fill(draft, given)
        return manifest
      })
    } finally {
      await target.close()
    }
  } finally {
    await source.close()
  }
}

export interface Snapshot {
  readonly database: Executor['dialect']
  /** Name of the copy in the folder; null on PostgreSQL, where whoever makes a backup reads for themselves. */
  readonly file: string | null
}

/** Copies the file of our own SQLite database into a folder, for a command that makes a backup of it. */
export async function takeSnapshot(database: Database, folder: string, now: number): Promise<Snapshot> {
  if (database.dialect === 'postgres') return { database: 'postgres', file: null }
  removeLeftovers(join(folder, 'snapshot'), now)
  const file = newDraft(join(folder, 'snapshot'))
  try {
    await database.copyFileTo(file)
  } catch (error) {
    removeDraft(file)
    throw error
  }
  return { database: 'sqlite', file: basename(file) }
}

/** The names that `takeSnapshot` gives. */
export const SNAPSHOT_NAME = /^snapshot\.[0-9a-f]{12}\.unfinished$/

// ---- Making and checking a copy -------------------------------------------------------------------------------------

async function copyInto(
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
      const total = sum(await countRows(moment))
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
async function verifyCopy(copy: Database, { signal, onProgress }: Work): Promise<Manifest> {
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
async function makeCurrent(copy: Database): Promise<void> {
  await sql`drop table backup_manifest`.execute(copy.kysely)
  await sql`pragma application_id = 0`.execute(copy.kysely)
  await migrateDatabase(copy)
  // The version that made it may have carried what this one does not.
  for (const name of NOT_CARRIED) await sql`delete from ${sql.table(name)}`.execute(copy.kysely)
}

async function installationOf(copy: Database): Promise<ReadonlyMap<string, string>> {
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
async function openDraft<T>(draft: string, work: (copy: Database) => Promise<T>): Promise<T> {
  let copy: Database | undefined
  try {
    copy = await connectDatabase(`sqlite:${draft}`).catch((error: unknown) => {
      throw isUnreadable(error) ? damaged(reasonOf(error), error) : error
    })
    for (const pragma of ['journal_mode = off', 'synchronous = off', 'foreign_keys = off']) {
      await sql.raw(`pragma ${pragma}`).execute(copy.kysely)
    }
    return await work(copy)
  } catch (error) {
    throw sqliteCode(error) === SQLITE_FULL ? unusable(draft, reasonOf(error), error) : error
  } finally {
    await copy?.close()
  }
}

// ---- Where a copy comes from and goes to ----------------------------------------------------------------------------

async function openSource(url: string): Promise<Database> {
  const file = fileOf(url)
  if (file !== undefined && !existsSync(file)) {
    throw new AppError('backup/no-database', { detail: { en: `There is no ${file}.`, zh: `${file} 不存在。` } })
  }
  return connectDatabase(url).catch((error: unknown) => {
    throw ofSource(error)
  })
}

/** A database that cannot be read to its end gives no copy at all. */
function ofSource(error: unknown): unknown {
  return isUnreadable(error) ? new AppError('database/damaged', { cause: error }) : error
}

interface Target {
  /** Of a SQLite database. */
  readonly file: string | undefined
  /** Takes what the draft holds, at once. */
  fill(draft: string, work: Work): Promise<void>
  close(): Promise<void>
}

/** Beside the file that it will become, else in the folder that is given. */
function draftFor(target: Target, { workFolder }: { workFolder: string }, name: string): string {
  if (target.file !== undefined) return target.file
  mkdirSync(workFolder, { recursive: true, mode: 0o700 })
  return join(workFolder, name)
}

/** @throws AppError `database/in-use`, `backup/not-empty` */
async function openTarget(url: string, replaces: boolean): Promise<Target> {
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
  const total = sum(await countRows(copy))
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
async function refuseServers(on: Executor, which: 'source' | 'target', looks = LOOKS): Promise<void> {
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

// ---- The file of a backup ----------------------------------------------------------------------------------------

function refuseExisting(file: string, replaces: boolean): void {
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
function isBackup(file: string): boolean {
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

const SQLITE_FULL = 13
const SQLITE_CORRUPT = 11
const SQLITE_NOTADB = 26

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function isUnreadable(error: unknown): boolean {
  const primary = sqliteCode(error)
  return primary === SQLITE_CORRUPT || primary === SQLITE_NOTADB
}

function sqliteCode(error: unknown): number | undefined {
  const cause = error instanceof AppError ? error.cause : error
  return cause instanceof Error && 'errcode' in cause && typeof cause.errcode === 'number'
    ? cause.errcode & 0xff
    : undefined
}

function damaged(reason: string, cause?: unknown): AppError {
  const detail = { en: `The backup is damaged: ${reason}.`, zh: `备份已损坏：${reason}。` }
  return new AppError('backup/damaged', { detail, cause })
}

function isTooNew(error: unknown): boolean {
  return error instanceof AppError && error.code === 'database/too-new'
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0)
}
