/**
 * The record of runs. A running run belongs to one process, by a lease in the database: whoever does not own it any
 * more cannot write for it, and a run that nobody works on can be taken over. What waits for a person has no owner and is
 * in held-runs.ts. Called by sync.ts and the admin API.
 */
import { sql, type Expression, type ExpressionBuilder, type SelectQueryBuilder, type SqlBool } from 'kysely'
import {
  databaseTime,
  isOneOf,
  type Database,
  type Executor,
  type Row,
  type Schema,
  type Transaction,
} from '../database/database.ts'
import { AppError, type Problem, type Text } from '../errors.ts'
import { lowestId, type NewId } from '../ids.ts'
import { heldByEvents } from './held-runs.ts'
import type { Unread } from './read/snapshot.ts'

export type RunMode = 'apply' | 'preview'
export type RunTrigger = 'manual' | 'schedule' | 'event' | 'signin' | 'approval' | 'revert'
export type RunState =
  | 'running'
  | 'succeeded'
  | 'partially_succeeded'
  | 'failed'
  | 'held'
  | 'rejected'
  | 'superseded'
  | 'cancelled'
  | 'previewed'
export type RunPhase = 'read' | 'plan' | 'apply'
export type Strategy = 'departments' | 'ids' | 'export' | 'individuals'

const USER_COUNTS = [
  'created',
  'updated',
  'disabled',
  'enabled',
  'deleted',
  'restored',
  'linked',
  'unlinked',
  'unchanged',
  'skipped',
  'failed',
  'held',
] as const
const DEPARTMENT_COUNTS = ['created', 'updated', 'deleted', 'unchanged', 'skipped', 'failed', 'held'] as const

export interface RunCounts {
  membersRead: number
  departmentsRead: number
  users: Record<(typeof USER_COUNTS)[number], number>
  departments: Record<(typeof DEPARTMENT_COUNTS)[number], number>
}

export interface Warning {
  readonly code: string
  readonly detail: Text
}

/** How WeCom is read, and why so. */
export interface ReadingChoice {
  readonly strategy: Strategy
  readonly reason: Warning
  /** Calls when nothing has to be asked twice, without the token. */
  readonly expectedCalls: number
}

/** Removals that wait for a person. */
export interface Held {
  /** Names exactly the removals that are shown. */
  readonly planHash: string
  readonly reasons: readonly Warning[]
  /** By what they are: `user.disable`, `department.delete`. */
  readonly counts: Readonly<Record<string, number>>
}

/** How one company of a connection with several went. */
export interface CompanyResult {
  readonly corpId: string
  readonly name: string
  /** All that is visible of it was read. */
  readonly complete: boolean
  readonly membersRead: number
  readonly departmentsRead: number
  /** Removals of it wait for a person. */
  readonly isHeld: boolean
  /** Why nothing of it could be read, or its directory not written. */
  readonly error: Problem | null
}

/** A run as the rest of the program sees it. Times are milliseconds since 1970. */
export interface Run {
  readonly id: string
  readonly organizationId: string
  readonly connectionId: string
  readonly mode: RunMode
  readonly trigger: RunTrigger
  readonly requestedBy: string | null
  readonly state: RunState
  readonly originRunId: string | null
  /** The one person that a revert is about; null for everybody. */
  readonly onlyUserId: string | null
  readonly startedAt: number
  readonly finishedAt: number | null
  readonly progress: { readonly phase: RunPhase; readonly done: number; readonly total: number }
  readonly strategy: Strategy | null
  readonly reading: ReadingChoice | null
  readonly complete: boolean
  readonly counts: RunCounts
  readonly apiCalls: number
  readonly unread: readonly Unread[]
  /** Empty for a connection of one company. */
  readonly corps: readonly CompanyResult[]
  readonly held: Held | null
  readonly error: Problem | null
  readonly warnings: readonly Warning[]
}

/** What changes about a run while it is running. */
export type RunUpdate = Partial<
  Pick<
    Run,
    'progress' | 'reading' | 'complete' | 'counts' | 'apiCalls' | 'unread' | 'corps' | 'held' | 'error' | 'warnings'
  >
>

/** The run is no longer ours: it was cancelled, or another process took it for dead. */
export class RunLost extends Error {
  override readonly name = 'RunLost'
}

/** A running run that nobody works on. */
export interface AbandonedRun {
  readonly id: string
  readonly trigger: RunTrigger
  /** Null when its owner let go of it. */
  readonly owner: string | null
  /** How often it was left behind by a process that died. */
  readonly takeovers: number
}

export interface RunFilter {
  readonly organizationId: string
  readonly connectionId: string | null
  readonly state?: RunState | undefined
  readonly trigger?: Run['trigger'] | undefined
  readonly mode?: Run['mode'] | undefined
  readonly limit: number
  /** Id of the last run of the page before. */
  readonly cursor: string | null
}

export type Runs = ReturnType<typeof createRuns>

const LEASE_MS = 15_000

/** @param owner names this process; different for every process that ever ran */
export function createRuns({ database, newId, owner }: { database: Database; newId: NewId; owner: string }) {
  return {
    /**
     * Inserts a running run of ours. Another active run of the connection makes the database refuse (a run of events and
     * one of the others do not count for each other); `activeRunError` turns that into the answer, after the transaction.
     */
    async begin(
      tx: Transaction,
      run: Pick<
        Run,
        | 'organizationId'
        | 'connectionId'
        | 'mode'
        | 'trigger'
        | 'requestedBy'
        | 'startedAt'
        | 'warnings'
        | 'originRunId'
      > & { readonly onlyUserId?: string | null },
    ): Promise<string> {
      const id = newId('run')
      await tx.kysely
        .insertInto('runs')
        .values({
          id,
          organization_id: run.organizationId,
          connection_id: run.connectionId,
          mode: run.mode,
          trigger_kind: run.trigger,
          requested_by: run.requestedBy,
          state: 'running',
          origin_run_id: run.originRunId,
          only_user_id: run.onlyUserId ?? null,
          started_at: run.startedAt,
          finished_at: null,
          phase: 'read',
          progress_done: 0,
          progress_total: 0,
          strategy: null,
          reading: null,
          complete: 0,
          counts: JSON.stringify(noCounts()),
          api_calls: 0,
          unread: '[]',
          held: null,
          error: null,
          warnings: JSON.stringify(run.warnings),
          owner,
          lease_until: sql<number>`${databaseTime(tx)} + ${LEASE_MS}`,
          takeovers: 0,
          corps: '[]',
        })
        .execute()
      return id
    },

    /** The refusal for a second run, with the id of the active one. */
    async activeRunError(connectionId: string, cause: unknown): Promise<AppError> {
      const active = await activeRunId(database, connectionId)
      return new AppError('sync/run-active', { extra: { runId: active ?? null }, cause })
    },

    /** @throws AppError `runs/not-found` */
    async load(id: string, on: Executor = database): Promise<Run> {
      const row = await on.kysely.selectFrom('runs').selectAll().where('id', '=', id).executeTakeFirst()
      if (row === undefined) throw new AppError('runs/not-found')
      return fromRow(row)
    },

    /** Newest first. `cursor` is the id of the last run of the page before. */
    async list({ organizationId, connectionId, limit, cursor, state, trigger, mode }: RunFilter) {
      let all = database.kysely.selectFrom('runs').where('organization_id', '=', organizationId)
      if (connectionId !== null) all = all.where('connection_id', '=', connectionId)
      if (state !== undefined) all = all.where('state', '=', state)
      if (trigger !== undefined) all = all.where('trigger_kind', '=', trigger)
      if (mode !== undefined) all = all.where('mode', '=', mode)
      const { total } = await all.select((eb) => eb.fn.countAll<number>().as('total')).executeTakeFirstOrThrow()
      let page = all
        .selectAll()
        .orderBy('id', 'desc')
        .limit(limit + 1)
      if (cursor !== null) page = page.where('id', '<', cursor)
      const rows = await page.execute()
      return { items: rows.slice(0, limit).map(fromRow), hasMore: rows.length > limit, total }
    },

    /** Of any connection, in any process. */
    async isAnyActive(): Promise<boolean> {
      const active = await database.kysely
        .selectFrom('runs')
        .select('id')
        .where('state', '=', sql.lit('running')) // a parameter would keep SQLite from the index of active runs
        .limit(1)
        .executeTakeFirst()
      return active !== undefined
    },

    /** The last ones of an organization, newest first, with what a chart of them shows. Those of events are too small for it. */
    async recent(organizationId: string, limit: number) {
      const rows = await database.kysely
        .selectFrom('runs')
        .select(['id', 'connection_id', 'started_at', 'finished_at', 'api_calls', 'state'])
        .where('organization_id', '=', organizationId)
        .where('trigger_kind', '<>', 'event')
        .orderBy('id', 'desc')
        .limit(limit)
        .execute()
      return rows.map((row) => ({
        id: row.id,
        connectionId: row.connection_id,
        startedAt: row.started_at,
        finishedAt: row.finished_at,
        apiCalls: row.api_calls,
        state: row.state as RunState,
      }))
    },

    /**
     * Whom runs that began at a moment or later have created, restored, disabled or deleted so far, each at its end. Most runs
     * did nothing of it: those that say so in these very words are not even read. Others are, whatever they say.
     */
    async userCountsSince(organizationId: string, at: number) {
      const rows = await database.kysely
        .selectFrom('runs')
        .select(['started_at', 'finished_at', 'counts'])
        .where('id', '>=', lowestId('run', at))
        .where('organization_id', '=', organizationId)
        .where('mode', '=', 'apply')
        .where(sql<boolean>`not (counts like ${'%"users":{"created":0,%'}
          and counts like ${'%"disabled":0,%'} and counts like ${'%"deleted":0,"restored":0,%'})`)
        .execute()
      return rows.map(({ started_at, finished_at, counts }) => ({
        at: finished_at ?? started_at,
        users: (JSON.parse(counts) as RunCounts).users,
      }))
    },

    /** Of each connection the run whose removals wait for a person. */
    async heldOf(connectionIds: readonly string[]): Promise<Map<string, Run>> {
      const rows = await database.kysely
        .selectFrom('runs')
        .selectAll()
        .where('state', '=', sql.lit('held'))
        .where(isOneOf(database, 'connection_id', connectionIds))
        .orderBy('id')
        .execute()
      return new Map(rows.map((row) => [row.connection_id, fromRow(row)]))
    },

    /**
     * The newest apply run that finished, and the one that is running, if any. Events are another matter: what they changed
     * does not say that the rest is in line. What they hold waits for a person all the same.
     */
    async statusOf(
      connectionId: string,
    ): Promise<{ last: Run | null; activeRunId: string | null; isHeldByEvents: boolean }> {
      const newest = database.kysely
        .selectFrom('runs')
        .selectAll()
        .where('connection_id', '=', connectionId)
        .orderBy('id', 'desc')
        .limit(1)
      const last = await sayingItsState(newest).executeTakeFirst()
      return {
        last: last === undefined ? null : fromRow(last),
        activeRunId: (await activeRunId(database, connectionId)) ?? null,
        isHeldByEvents: (await heldByEvents(database, connectionId)) !== undefined,
      }
    },

    /** The run other than of events that is under way for a connection: it may know less than an event by now. */
    activeRunId: (connectionId: string): Promise<string | undefined> => activeRunId(database, connectionId),

    /** Takes our running run, or one of ours that was cancelled, off the record: it came to nothing. */
    async remove(on: Executor, id: string): Promise<void> {
      await on.kysely
        .deleteFrom('runs')
        .where('id', '=', id)
        .where(({ eb, or, and }) =>
          or([and([eb('state', '=', 'running'), eb('owner', '=', owner)]), eb('state', '=', 'cancelled')]),
        )
        .execute()
    },

    /**
     * Writes progress and renews the lease. Inside a transaction this is the fence: it locks the run, so nobody can take
     * it over before the transaction ends.
     * @throws RunLost when the run is not running or not ours
     */
    async update(on: Executor | Transaction, id: string, update: RunUpdate): Promise<void> {
      const result = await on.kysely
        .updateTable('runs')
        .set({ ...columns(update), lease_until: sql<number>`${databaseTime(on)} + ${LEASE_MS}` })
        .where('id', '=', id)
        .where('state', '=', 'running')
        .where('owner', '=', owner)
        .executeTakeFirst()
      if (result.numUpdatedRows !== 1n) throw new RunLost(id)
    },

    /** Closes our run. @throws RunLost when somebody else closed it first */
    async finish(
      on: Executor,
      id: string,
      state: Exclude<RunState, 'running'>,
      at: number,
      update: RunUpdate,
    ): Promise<void> {
      const result = await on.kysely
        .updateTable('runs')
        .set({ ...columns(update), state, finished_at: at, owner: null, lease_until: null })
        .where('id', '=', id)
        .where('state', '=', 'running')
        .where('owner', '=', owner)
        .executeTakeFirst()
      if (result.numUpdatedRows !== 1n) throw new RunLost(id)
    },

    /** Lets go of our run, so that anybody may go on with it at once. @throws RunLost when it is not ours any more */
    async release(id: string, update: RunUpdate): Promise<void> {
      const result = await database.kysely
        .updateTable('runs')
        .set({ ...columns(update), owner: null, lease_until: null })
        .where('id', '=', id)
        .where('state', '=', 'running')
        .where('owner', '=', owner)
        .executeTakeFirst()
      if (result.numUpdatedRows !== 1n) throw new RunLost(id)
    },

    /** Ends somebody's running run, whoever owns it: the owner notices at its next write. */
    async cancel(on: Executor, id: string, at: number): Promise<boolean> {
      const result = await on.kysely
        .updateTable('runs')
        .set({
          state: 'cancelled',
          finished_at: at,
          owner: null,
          lease_until: null,
          error: JSON.stringify({ code: 'sync/cancelled' }),
        })
        .where('id', '=', id)
        .where('state', '=', 'running')
        .executeTakeFirst()
      return result.numUpdatedRows === 1n
    },

    /** As `cancel`, for whatever reads WeCom for the connection now. @returns the runs that were cancelled */
    async cancelOf(
      tx: Transaction,
      connectionId: string,
      at: number,
      problem: Problem,
    ): Promise<{ id: string; trigger: RunTrigger }[]> {
      const rows = await tx.kysely
        .updateTable('runs')
        .set({ state: 'cancelled', finished_at: at, owner: null, lease_until: null, error: JSON.stringify(problem) })
        .where('connection_id', '=', connectionId)
        .where('state', '=', 'running')
        .where('trigger_kind', '<>', 'revert')
        .returning(['id', 'trigger_kind'])
        .execute()
      return rows.map(({ id, trigger_kind }) => ({ id, trigger: trigger_kind as RunTrigger }))
    },

    /**
     * Running runs that nobody works on, oldest first. On SQLite there is one process, so a run that is not ours has none;
     * on PostgreSQL its lease must have run out, or its owner let go of it. Ours are abandoned when they could not be closed,
     * for example because the database was away just then.
     * @param active the runs this process works on; null while it cannot tell
     */
    async abandoned(active: readonly string[] | null): Promise<AbandonedRun[]> {
      const rows = await database.kysely
        .selectFrom('runs')
        .select(['id', 'trigger_kind', 'owner', 'takeovers'])
        .where('state', '=', 'running')
        .where(isAbandoned(active))
        .orderBy('id')
        .execute()
      return rows.map(({ trigger_kind, ...row }) => ({ ...row, trigger: trigger_kind as RunTrigger }))
    },

    /**
     * Makes an abandoned run ours. Of several processes one succeeds, and whoever owned it writes nothing more for it.
     * @param active as for `abandoned` @returns whether it is ours now
     */
    async takeOver(tx: Transaction, id: string, active: readonly string[] | null): Promise<boolean> {
      const result = await tx.kysely
        .updateTable('runs')
        .set((eb) => ({
          owner,
          lease_until: sql<number>`${databaseTime(tx)} + ${LEASE_MS}`,
          // Who let go of a run on purpose did not die of it.
          takeovers: eb
            .case()
            .when('owner', 'is', null)
            .then(eb.ref('takeovers'))
            .else(eb('takeovers', '+', 1))
            .end(),
        }))
        .where('id', '=', id)
        .where('state', '=', 'running')
        .where(isAbandoned(active))
        .executeTakeFirst()
      return result.numUpdatedRows === 1n
    },

    /**
     * Closes abandoned runs as failed.
     * @param which one run, or that of a connection @param active as for `abandoned` @returns the runs that were closed
     */
    async failAbandoned(
      which: { readonly id: string } | { readonly connectionId: string },
      at: number,
      active: readonly string[] | null,
      problem: Problem,
    ): Promise<string[]> {
      const rows = await database.kysely
        .updateTable('runs')
        .set({ state: 'failed', finished_at: at, owner: null, lease_until: null, error: JSON.stringify(problem) })
        .where('state', '=', 'running')
        .where((eb) => ('id' in which ? eb('id', '=', which.id) : eb('connection_id', '=', which.connectionId)))
        .where(isAbandoned(active))
        .returning('id')
        .execute()
      return rows.map(({ id }) => id)
    },
  }

  function isAbandoned(active: readonly string[] | null) {
    return (eb: ExpressionBuilder<Schema, 'runs'>): Expression<SqlBool> => {
      const isOthers = eb('owner', '!=', owner)
      const isDead =
        database.dialect === 'sqlite' ? isOthers : eb.and([isOthers, eb('lease_until', '<', databaseTime(database))])
      const isOurs = eb.and([eb('owner', '=', owner), eb.not(isOneOf(database, 'id', active ?? []))])
      return eb.or([eb('owner', 'is', null), isDead, ...(active === null ? [] : [isOurs])])
    }
  }
}

/** Of these runs, those that say how a connection stands. */
export function sayingItsState<O>(runs: SelectQueryBuilder<Schema, 'runs', O>): SelectQueryBuilder<Schema, 'runs', O> {
  return (
    runs
      .where('mode', '=', 'apply')
      .where('trigger_kind', '<>', 'event')
      // A cancelled run says nothing about the directory; what the one before it said still holds.
      .where('state', 'not in', ['running', 'cancelled'])
  )
}

export function noCounts(): RunCounts {
  const zeros = <K extends string>(names: readonly K[]) =>
    Object.fromEntries(names.map((name) => [name, 0])) as Record<K, number>
  return { membersRead: 0, departmentsRead: 0, users: zeros(USER_COUNTS), departments: zeros(DEPARTMENT_COUNTS) }
}

async function activeRunId(database: Database, connectionId: string): Promise<string | undefined> {
  const row = await database.kysely
    .selectFrom('runs')
    .select('id')
    .where('connection_id', '=', connectionId)
    .where('state', '=', 'running')
    .where('trigger_kind', '<>', 'event')
    .executeTakeFirst()
  return row?.id
}

function columns(update: RunUpdate): Partial<Row<'runs'>> {
  const set: Partial<Row<'runs'>> = {}
  if (update.progress !== undefined) {
    set.phase = update.progress.phase
    set.progress_done = update.progress.done
    set.progress_total = update.progress.total
  }
  if (update.reading != null) {
    set.strategy = update.reading.strategy
    set.reading = JSON.stringify(update.reading)
  }
  if (update.complete !== undefined) set.complete = update.complete ? 1 : 0
  if (update.counts !== undefined) set.counts = JSON.stringify(update.counts)
  if (update.apiCalls !== undefined) set.api_calls = update.apiCalls
  if (update.unread !== undefined) set.unread = JSON.stringify(update.unread)
  if (update.corps !== undefined) set.corps = JSON.stringify(update.corps)
  if (update.held !== undefined) set.held = update.held === null ? null : JSON.stringify(update.held)
  if (update.error !== undefined) set.error = update.error === null ? null : JSON.stringify(update.error)
  if (update.warnings !== undefined) set.warnings = JSON.stringify(update.warnings)
  return set
}

function fromRow(row: Row<'runs'>): Run {
  return {
    id: row.id,
    organizationId: row.organization_id,
    connectionId: row.connection_id,
    mode: row.mode as RunMode,
    trigger: row.trigger_kind as RunTrigger,
    requestedBy: row.requested_by,
    state: row.state as RunState,
    originRunId: row.origin_run_id,
    onlyUserId: row.only_user_id,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    progress: { phase: row.phase as RunPhase, done: row.progress_done, total: row.progress_total },
    strategy: row.strategy as Strategy | null,
    reading: row.reading === null ? null : (JSON.parse(row.reading) as ReadingChoice),
    complete: row.complete === 1,
    counts: JSON.parse(row.counts) as RunCounts,
    apiCalls: row.api_calls,
    unread: JSON.parse(row.unread) as Unread[],
    corps: JSON.parse(row.corps) as CompanyResult[],
    held: row.held === null ? null : (JSON.parse(row.held) as Held),
    error: row.error === null ? null : (JSON.parse(row.error) as Problem),
    warnings: JSON.parse(row.warnings) as Warning[],
  }
}
