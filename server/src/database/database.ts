/**
 * Opens the one database, brings its schema up to date and hands out transactions. Everything that differs between
 * SQLite and PostgreSQL is inside this folder.
 */
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Kysely, sql } from 'kysely'
import { Migrator } from 'kysely/migration'
import { AppError } from '../errors.ts'
import type { Executor } from './bulk.ts'
import { migrationNames, migrationsFor } from './migrations.ts'
import { postgresDialect } from './postgres.ts'
import type { Schema } from './schema.ts'
import { createSharedCommit, type SavepointTransaction } from './shared-commit.ts'
import { openSqliteFile, type SqliteFile } from './sqlite.ts'

export { databaseTime, insertRows, isOneOf, readColumns, updateRows, type Executor } from './bulk.ts'
export { prepared } from './prepared.ts'
export { rememberingSettings } from './settings-memory.ts'
export type { Row, Schema, TableName } from './schema.ts'

/** A handle inside a transaction. Functions that must not run outside one ask for this type. */
export interface Transaction extends Executor {
  readonly isTransaction: true
}

export interface Database extends Executor {
  /**
   * Runs `work` in one transaction and commits when it returns. Inside, only `tx` may be used, and nothing may wait for
   * the network: on SQLite everybody else waits for it. On PostgreSQL `work` is run again, at most three times, after a
   * serialisation failure or a deadlock.
   */
  inTransaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>
  /**
   * As `inTransaction`, for a few statements that nothing else has to wait for: what is waiting at the same moment shares
   * one commit. Each still fails alone, and is told only after the commit. When one fails, `work` of the others is run again.
   */
  inSharedTransaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>
  /**
   * As `inTransaction`, for one of many that follow each other, when nobody is told of them before an ordinary one has
   * ended them all. On SQLite it returns before it is on the disk, so that the next one need not wait: a power cut, which
   * ends this process too, may take back the last two. They are on the disk once anything that was committed later is. The
   * death of this process alone takes nothing back. On PostgreSQL it is an ordinary one: that may lose commits which did
   * not wait for the disk while we live on and count them.
   */
  inTransactionOfMany<T>(work: (tx: Transaction) => Promise<T>): Promise<T>
  /**
   * Runs `work` while no other process does so for the same name. No transaction is open meanwhile, so `work` may use the
   * network; it must end by itself. On PostgreSQL a connection is held until then.
   */
  exclusively<T>(name: string, work: () => Promise<T>): Promise<T>
  /**
   * Lets everything else that is waiting have its turn. SQLite answers at once, so a loop over it would keep the process
   * from all other work until it is done. To be awaited between two pages of a long read; transactions do it themselves.
   */
  breathe(): Promise<void>
  /**
   * Whether people wait for small writes these seconds, so that whoever writes much should do so in small transactions.
   * Never on PostgreSQL, where they do not wait for each other.
   */
  isWaitedFor(): boolean
  /**
   * Another number whenever settings may have been written, also by a transaction that is not committed yet. undefined on
   * PostgreSQL, where other processes write, too. For settings-memory.ts.
   */
  settingsVersion(): number | undefined
  /**
   * Copies the file of the database as it is at one moment. Everything else waits meanwhile, about two seconds for each
   * gigabyte. @returns false on PostgreSQL, which has no file and where a reader needs none
   */
  copyFileTo(file: string): Promise<boolean>
  /** Resolves when the database answers. @throws AppError `database/unavailable` */
  ping(): Promise<void>
  close(): Promise<void>
}

/**
 * @param url `sqlite:<file>` or `postgres://…`
 * @param onConnectionError told about connections that die while idle (PostgreSQL only)
 * @throws AppError `database/in-use`, `database/unavailable`, `database/too-new`
 */
export async function openDatabase(
  url: string,
  { onConnectionError }: { onConnectionError?: (error: Error) => void } = {},
): Promise<Database> {
  const database = await connectDatabase(url, { onConnectionError, isServer: true })
  try {
    await migrateDatabase(database)
  } catch (error) {
    await database.close()
    throw error
  }
  return database
}

/**
 * Opens a database and leaves its schema as it is. For whoever copies whole databases; everybody else needs the schema of
 * this version.
 * @param isServer whether copying has to keep away from this database as long as we have it open
 * @throws AppError `database/in-use`, `database/unavailable`
 */
export async function connectDatabase(
  url: string,
  {
    onConnectionError = () => {},
    isServer = false,
  }: { onConnectionError?: ((error: Error) => void) | undefined; isServer?: boolean } = {},
): Promise<Database> {
  const dialect = url.startsWith('sqlite:') ? 'sqlite' : 'postgres'
  const file = dialect === 'sqlite' ? openFile(url.slice('sqlite:'.length)) : undefined
  const kysely = new Kysely<Schema>({ dialect: file?.dialect ?? postgresDialect(url, onConnectionError, isServer) })
  const withAdvisoryLock = createAdvisoryLocks(kysely)
  const shared = createSharedCommit(
    async (work) => {
      await kysely
        .connection()
        .execute((alone) =>
          file!.withoutFlush(() =>
            alone.transaction().execute((tx) => whileOpen(file!, (direct) => work(withSavepoint(tx, file!, direct)))),
          ),
        )
      await file!.flush()
    },
    () => nextTurn(),
    () => performance.now(),
  )
  /** Of the last one of many. */
  let flushing = Promise.resolve()
  const database: Database = {
    kysely,
    dialect,
    direct: file?.read,
    async inTransaction(work) {
      const result = await retrying(() => transaction(kysely, file, work))
      await database.breathe()
      return result
    },
    inSharedTransaction: (work) =>
      dialect === 'sqlite' ? shared.share(work) : retrying(() => transaction(kysely, file, work)),
    async inTransactionOfMany(work) {
      if (file === undefined) return database.inTransaction(work)
      const result = await kysely
        .connection()
        .execute((alone) => file.withoutFlush(() => transaction(alone, file, work)))
      await flushing // at most one is behind
      flushing = file.flush()
      flushing.catch(() => {}) // told to the next one; whoever comes before it brings everything to the disk (sqlite.ts)
      await database.breathe()
      return result
    },
    async breathe() {
      if (dialect !== 'sqlite') return
      const begun = performance.now()
      // Somebody is waiting at a screen for a small write, and would else wait for a whole slice of a sync.
      do await nextTurn()
      while (shared.isBusy() && performance.now() - begun < LONGEST_BREATH_MS)
    },
    settingsVersion: () => file?.settingsVersion(),
    isWaitedFor: () => dialect === 'sqlite' && shared.wasBusy(),
    async copyFileTo(copy) {
      if (file === undefined) return false
      // SQLite has one connection: whoever has it is alone, and no transaction is open.
      await kysely.connection().execute(() => file.copyTo(copy))
      return true
    },
    exclusively: (name, work) => (dialect === 'sqlite' ? work() : withAdvisoryLock(name, work)),
    async ping() {
      try {
        await sql`select 1`.execute(kysely)
      } catch (error) {
        throw new AppError('database/unavailable', { cause: error })
      }
    },
    close: () => kysely.destroy(),
  }
  try {
    await database.ping()
  } catch (error) {
    await kysely.destroy()
    throw error
  }
  return database
}

function openFile(file: string) {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  return openSqliteFile(file)
}

/**
 * Runs the migrations that a database does not have yet.
 * @param last the name of the one to stop after; by default the newest
 * @throws AppError `database/too-new`
 */
export async function migrateDatabase({ kysely, dialect }: Executor, last?: string): Promise<void> {
  if (last === undefined && (await isUpToDate(kysely, dialect))) return
  const migrator = new Migrator({
    db: kysely,
    provider: migrationsFor(dialect),
    // Without a name Kysely takes the tables of any schema for its own, and two installations may share a database.
    ...(dialect === 'postgres' ? { migrationTableSchema: await currentSchema(kysely) } : {}),
  })
  const error = await migrateTo(migrator, last)
  if (error === undefined) return
  // Kysely has no code for it: the database has run migrations that this program does not know.
  if (error instanceof Error && error.message.startsWith('corrupted migrations')) {
    throw new AppError('database/too-new', { cause: error })
  }
  throw error instanceof Error ? error : new Error('a migration failed', { cause: error })
}

/** Two queries, where Kysely reads every table of every schema before it finds that there is nothing to do. */
async function isUpToDate(kysely: Kysely<Schema>, dialect: Executor['dialect']): Promise<boolean> {
  const { rows: found } = await (
    dialect === 'sqlite'
      ? sql`select 1 from sqlite_master where type = 'table' and name = 'kysely_migration'`
      : sql`select 1 from pg_tables where schemaname = current_schema() and tablename = 'kysely_migration'`
  ).execute(kysely)
  if (found.length === 0) return false
  const { rows } = await sql<{ name: string }>`select name from kysely_migration`.execute(kysely)
  const done = new Set(rows.map(({ name }) => name))
  const known = migrationNames()
  return done.size === known.length && known.every((name) => done.has(name))
}

/** invalid_schema_name, undefined_column, undefined_table, and "cache lookup failed". */
const VANISHED = new Set(['3F000', '42703', '42P01', 'XX000'])

/**
 * Kysely looks at the tables of every schema of a PostgreSQL database before it migrates, and fails when another one is
 * dropped just then. That has nothing to do with ours, so it looks again.
 */
async function migrateTo(migrator: Migrator, last: string | undefined): Promise<unknown> {
  for (let attempt = 1; ; attempt++) {
    const { error } = await (last === undefined ? migrator.migrateToLatest() : migrator.migrateTo(last))
    if (attempt === LOOKS || !VANISHED.has(sqlState(error))) return error
  }
}

const LOOKS = 5

async function currentSchema(kysely: Kysely<Schema>): Promise<string> {
  const { rows } = await sql<{ name: string }>`select current_schema() as name`.execute(kysely)
  return rows[0]!.name
}

function transaction<T>(
  kysely: Kysely<Schema>,
  file: SqliteFile | undefined,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  return kysely.transaction().execute((tx) => {
    if (file === undefined) return work({ kysely: tx, dialect: 'postgres', isTransaction: true })
    return whileOpen(file, (direct) => work({ kysely: tx, dialect: 'sqlite', direct, isTransaction: true }))
  })
}

/** Kysely refuses statements of a transaction that is over, so whoever goes past it is refused, too. */
async function whileOpen<T>({ run }: SqliteFile, work: (direct: SqliteFile['run']) => Promise<T>): Promise<T> {
  let isOver = false
  try {
    return await work((sql, parameters) => {
      if (isOver) throw new Error('a statement came after the end of its transaction')
      return run(sql, parameters)
    })
  } finally {
    isOver = true
  }
}

/** SQLite only: the savepoints of pieces that share a transaction. They follow one another, so one name will do. */
function withSavepoint(kysely: Kysely<Schema>, { run }: SqliteFile, direct: SqliteFile['run']): SavepointTransaction {
  return {
    kysely,
    dialect: 'sqlite',
    direct,
    isTransaction: true,
    savepoint: () => void run('savepoint piece'),
    release: () => void run('release piece'),
    rollbackToSavepoint: () => void run('rollback to piece'),
  }
}

/**
 * Waits until no other transaction is open that has taken this name, and keeps it until this one ends. To be taken before
 * anything else is locked. SQLite has one transaction at a time anyway.
 */
export async function takeTurn(tx: Transaction, name: string): Promise<void> {
  if (tx.dialect === 'sqlite') return
  await sql`select pg_advisory_xact_lock(hashtextextended(${name}, 0))`.execute(tx.kysely)
}

/** However many small writes there are, a sync goes on. */
const LONGEST_BREATH_MS = 50

/**
 * A holder keeps a connection and needs another one for its work. Were all connections of the pool with holders, none of
 * them could go on, so they are far fewer than the pool has; the rest of the process keeps the others.
 */
const MOST_LOCKS = 4

function createAdvisoryLocks(kysely: Kysely<Schema>) {
  let holders = 0
  const waiting: (() => void)[] = []

  return async function withAdvisoryLock<T>(name: string, work: () => Promise<T>): Promise<T> {
    if (holders === MOST_LOCKS) await new Promise<void>((resolve) => waiting.push(resolve))
    else holders++
    try {
      return await kysely.connection().execute(async (connection) => {
        const key = sql`hashtextextended(${name}, 0)`
        await sql`select pg_advisory_lock(${key})`.execute(connection)
        try {
          return await work()
        } finally {
          await sql`select pg_advisory_unlock(${key})`.execute(connection)
        }
      })
    } finally {
      const next = waiting.shift()
      if (next === undefined) holders--
      else next() // takes over the place
    }
  }
}

const ATTEMPTS = 3
/** PostgreSQL: serialization_failure and deadlock_detected. The transaction is gone, running it again is safe. */
const AGAIN = new Set(['40001', '40P01'])

async function retrying<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (attempt === ATTEMPTS || !AGAIN.has(sqlState(error))) throw error
    }
  }
}

function sqlState(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

const SQLITE_CONSTRAINT_UNIQUE = 2067
const SQLITE_CONSTRAINT_PRIMARYKEY = 1555

/** Whether a statement failed because a row with the same unique key exists. */
export function isUniqueViolation(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (sqlState(error) === '23505') return true
  return (
    'errcode' in error && (error.errcode === SQLITE_CONSTRAINT_UNIQUE || error.errcode === SQLITE_CONSTRAINT_PRIMARYKEY)
  )
}

const SQLITE_CONSTRAINT_FOREIGNKEY = 787

/** Whether a statement failed because the row that it belongs to is not there (any more). */
export function isForeignKeyViolation(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return sqlState(error) === '23503' || ('errcode' in error && error.errcode === SQLITE_CONSTRAINT_FOREIGNKEY)
}

/** Whether a statement failed because of what a row holds, so that other rows may still succeed. */
export function isRowFault(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  // PostgreSQL: class 22 data exception, class 23 integrity constraint violation. SQLite: 18 too big, 19 constraint, 20 mismatch.
  if (/^2[23]/.test(sqlState(error))) return true
  return 'errcode' in error && typeof error.errcode === 'number' && [18, 19, 20].includes(error.errcode & 0xff)
}

/** connection exceptions, insufficient resources, operator intervention (shutdown, start-up), and I/O errors */
const OUTAGES = /^(?:08|53|57P|58)/
const NETWORK = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH'])
/** `pg` has no codes for these: a connection that ended under a query, and a pool that got none in time. */
const ENDED = /^(?:Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection)/i
/** busy, locked, no memory, read-only, I/O error, full, cannot open */
const SQLITE_OUTAGES = new Set([5, 6, 7, 8, 10, 13, 14])

/** Whether a statement failed because the database cannot work just now, whatever was asked of it. */
export function isOutage(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (error instanceof AggregateError) return error.errors.some(isOutage)
  const code = sqlState(error)
  if (NETWORK.has(code) || ('severity' in error && OUTAGES.test(code)) || ENDED.test(error.message)) return true
  return 'errcode' in error && typeof error.errcode === 'number' && SQLITE_OUTAGES.has(error.errcode & 0xff)
}
