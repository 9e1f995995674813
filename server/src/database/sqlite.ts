/**
 * SQLite through `node:sqlite`: one file, one connection, one process. WAL with full fsync, so that what was
 * acknowledged survives a power cut; the exclusive lock is SQLite's own, so the kernel frees it after a `kill -9`.
 */
import { chmodSync, closeSync, existsSync, fdatasync, fsyncSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { backup, DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { SqliteDialect, type Dialect } from 'kysely'
import { AppError } from '../errors.ts'
import { RowBatch, type DirectResult } from './bulk.ts'
import { mayWriteSettings } from './settings-memory.ts'

const CACHED_STATEMENTS = 200
/** 4 MB: a step is over in a few milliseconds, and the main thread may have to wait for one. */
const PAGES_PER_STEP = 1_000
const SQLITE_BUSY = 5
const SQLITE_CORRUPT = 11
const SQLITE_FULL = 13
const SQLITE_NOTADB = 26

export interface SqliteFile {
  readonly dialect: Dialect
  /** Another number whenever a statement may have written settings; see settings-memory.ts. */
  settingsVersion(): number
  /** Answers a statement at once, for whoever has the connection. */
  run(sql: string, parameters?: readonly unknown[]): DirectResult
  /**
   * Answers a query at once, for anybody: nothing that is not committed is there to be seen.
   * @returns undefined when somebody has a transaction open, or when it is more than a query
   */
  read(sql: string, parameters: readonly unknown[]): DirectResult | undefined
  /** Copies the file page by page, off the main thread. No transaction may be open until it is done. */
  copyTo(file: string): Promise<void>
  /** Runs a transaction that is not on the disk when it returns. The caller has the connection to itself. */
  withoutFlush<T>(transaction: () => Promise<T>): Promise<T>
  /**
   * Resolves when everything that was committed is on the disk. The wait is off the main thread and others go on meanwhile.
   * @throws AppError `database/unavailable`: whether it is there is not known
   */
  flush(): Promise<void>
}

/**
 * @param flush brings a file to the disk
 * @throws AppError `database/in-use` when another process has the file open
 */
export function openSqliteFile(
  file: string,
  flush: (descriptor: number) => Promise<void> = promisify(fdatasync),
): SqliteFile {
  const isNew = !existsSync(file)
  const database = new DatabaseSync(file)
  try {
    // The order matters: in exclusive mode before the first access, WAL keeps its index in memory instead of a shared file.
    database.exec('pragma locking_mode = exclusive')
    database.exec('pragma journal_mode = wal')
    database.exec('pragma synchronous = full')
    // A bulk write touches most pages of its indexes again and again; copying them back to the file after every few
    // hundred people, which is the default of 1,000 pages, was half the time of a first sync.
    database.exec('pragma wal_autocheckpoint = 16000')
    database.exec('pragma foreign_keys = on')
    database.exec('pragma temp_store = memory')
    database.exec('pragma cache_size = -32000')
    // A write takes the lock now and not at the first change, so that a second process is refused at its start.
    database.exec('begin exclusive; commit')
  } catch (error) {
    database.close()
    if (isBusy(error)) throw new AppError('database/in-use', { detail: inUse(file), cause: error })
    throw error
  }
  if (isNew) chmodSync(file, 0o600)
  const log = openLog(database, file, flush)
  const driver = adapter(database, log)
  return {
    dialect: new SqliteDialect({ database: driver }),
    settingsVersion: () => driver.settingsVersion(),
    run(sql, parameters = []) {
      const prepared = driver.prepare(sql)
      if (prepared.reader) return { rows: prepared.all(parameters) }
      return { rows: [], numAffectedRows: BigInt(prepared.run(parameters).changes) }
    },
    read(sql, parameters) {
      if (database.isTransaction) return undefined
      const prepared = driver.prepare(sql)
      return prepared.isQuery ? { rows: prepared.all(parameters) } : undefined
    },
    copyTo: async (copy) => void (await backup(database, copy, { rate: PAGES_PER_STEP })),
    withoutFlush: log.withoutFlush,
    flush: log.flush,
  }
}

/**
 * The write-ahead log, brought to the disk by us instead of by SQLite: `synchronous = normal` differs from `full` in
 * nothing but the fsync after a commit, and that is what we do before anybody is told. SQLite does it on the main thread.
 */
function openLog(database: DatabaseSync, file: string, flush: (descriptor: number) => Promise<void>) {
  // A file system on which SQLite could not begin one: then it flushes itself, all the time.
  if (!existsSync(`${file}-wal`)) return WITHOUT_LOG
  const descriptor = openSync(`${file}-wal`, 'r+')
  flushFolder(dirname(file))
  let isInDoubt = false
  let isClosed = false
  let flushing = 0

  return {
    async withoutFlush<T>(work: () => Promise<T>): Promise<T> {
      database.exec('pragma synchronous = normal')
      try {
        return await work()
      } finally {
        database.exec('pragma synchronous = full')
      }
    },

    async flush(): Promise<void> {
      flushing++
      try {
        await flush(descriptor)
      } catch (error) {
        isInDoubt = true
        throw new AppError('database/unavailable', { cause: error })
      } finally {
        flushing--
        closeIfOver()
      }
    },

    /**
     * After a flush that failed, the system may take the log for written though it is not, and whatever comes after such
     * a hole is lost with it. So before anything else happens the log goes into the file, which is brought to the disk.
     * @throws as long as that fails
     */
    resolveDoubt(): void {
      if (!isInDoubt || database.isTransaction) return
      const { busy, log, checkpointed } = database
        .prepare('pragma wal_checkpoint(restart)')
        .get() as unknown as Checkpoint
      if (busy !== 0 || log !== checkpointed) throw new AppError('database/unavailable')
      isInDoubt = false
    },

    /** Once SQLite has closed the database, and with it brought everything into the file. */
    close(): void {
      isClosed = true
      closeIfOver()
    },
  }

  function closeIfOver(): void {
    if (isClosed && flushing === 0) closeSync(descriptor)
  }
}

const WITHOUT_LOG = {
  withoutFlush: <T>(work: () => Promise<T>) => work(),
  flush: async () => {},
  resolveDoubt: () => {},
  close: () => {},
}

interface Checkpoint {
  readonly busy: number
  readonly log: number
  readonly checkpointed: number
}

/** So that the log itself outlasts a power cut; SQLite does it at its first own fsync. */
function flushFolder(folder: string): void {
  if (process.platform === 'win32') return // it has no such thing
  const descriptor = openSync(folder, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** Whether this says that a file is no database, or a damaged one. */
export function isUnreadable(error: unknown): boolean {
  const primary = primaryCode(error)
  return primary === SQLITE_CORRUPT || primary === SQLITE_NOTADB
}

/** Whether this says that the disk is full. */
export function isFull(error: unknown): boolean {
  return primaryCode(error) === SQLITE_FULL
}

/** Also of an error that we made of SQLite's. */
function primaryCode(error: unknown): number | undefined {
  const cause = error instanceof AppError ? error.cause : error
  return cause instanceof Error && 'errcode' in cause && typeof cause.errcode === 'number'
    ? cause.errcode & 0xff
    : undefined
}

/** What Kysely's SQLite dialect expects of a driver, on `node:sqlite`. */
function adapter(database: DatabaseSync, log: ReturnType<typeof openLog>) {
  const statements = new Map<string, ReturnType<typeof statement>>()
  let settingsVersion = 0
  return {
    settingsVersion: () => settingsVersion,
    prepare(sql: string) {
      // On a full disk SQLite has rolled back already; the complaint about it would hide what went wrong.
      if (sql === 'rollback' && !database.isTransaction) return NOTHING
      log.resolveDoubt()
      const cached = statements.get(sql)
      if (cached !== undefined) return cached
      if (statements.size >= CACHED_STATEMENTS) statements.delete(statements.keys().next().value!)
      const prepared = statement(database.prepare(sql), mayWriteSettings(sql) ? () => settingsVersion++ : () => {})
      statements.set(sql, prepared)
      return prepared
    },
    close() {
      statements.clear()
      database.close()
      log.close()
    },
  }
}

const NOTHING: ReturnType<typeof statement> = {
  reader: false,
  isQuery: false,
  all: () => [],
  iterate: () => [].values(),
  run: () => ({ changes: 0, lastInsertRowid: 0 }),
}

/** What changes nothing. A `with` may begin anything. */
const QUERY = /^\s*select\b/i

/** @param onRun told before the statement does anything */
function statement(prepared: StatementSync, onRun: () => void) {
  return {
    reader: prepared.columns().length > 0,
    isQuery: QUERY.test(prepared.sourceSQL),
    all(parameters: readonly unknown[]) {
      onRun()
      return prepared.all(...(parameters as SQLInputValue[]))
    },
    iterate(parameters: readonly unknown[]) {
      onRun()
      return prepared.iterate(...(parameters as SQLInputValue[])) as IterableIterator<unknown>
    },
    run(parameters: readonly unknown[]) {
      onRun()
      const batch = parameters[0]
      if (!(batch instanceof RowBatch)) return prepared.run(...(parameters as SQLInputValue[]))
      let changes = 0
      for (const row of batch.values()) changes += Number(prepared.run(...(row as SQLInputValue[])).changes)
      return { changes, lastInsertRowid: 0 }
    },
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY
}

function inUse(file: string) {
  return {
    en: `Another process has the database file ${file} open. SQLite serves one Muster process at a time.`,
    zh: `另一个进程正在使用数据库文件 ${file}。SQLite 同一时间只供一个 Muster 进程使用。`,
  }
}
