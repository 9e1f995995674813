/**
 * Directory sync (product.md §4): starts runs, carries them out in the background and closes them with an honest state.
 * Reading is in read/, deciding in plan/, writing in apply.ts.
 */
import { hash as digest } from 'node:crypto'
import type { Logger } from 'pino'
import type { Actor, Audit } from '../audit/audit.ts'
import { wecomProblem } from '../connections/wecom-problem.ts'
import { isUniqueViolation, type Database } from '../database/database.ts'
import { linkIndex } from '../directory/comparison.ts'
import { AppError, type Problem } from '../errors.ts'
import type { NewId } from '../ids.ts'
import type { History } from './history.ts'
import type { MappingSettings } from './plan/mapping.ts'
import { readingWarnings } from './read/explanations.ts'
import { confirmGone } from './read/confirmation.ts'
import { readAddressBook, type Credentials, type Reading } from './read/reader.ts'
import { reconcile, type ReconcileOptions } from './reconcile.ts'
import { removalKey } from './plan/removals.ts'
import {
  noCounts,
  RunLost,
  type Run,
  type RunMode,
  type Runs,
  type RunTrigger,
  type RunUpdate,
  type Warning,
} from './runs.ts'
import { createSnapshot } from './read/snapshot.ts'
import { createPages } from './read/pages.ts'

/** What sync needs to know about a connection to read it. */
export interface SyncSource extends Credentials {
  readonly connectionId: string
  readonly organizationId: string
  readonly corpId: string
  readonly settings: SyncSettings
}

/** The settings of a connection that decide what a run does. */
export type SyncSettings = ReconcileOptions['policy'] & { readonly notActivated: 'disable' | 'active' }

/** Who asks for a run, and why. */
export interface RunRequest {
  readonly mode: RunMode
  readonly trigger: RunTrigger
  readonly actor: Actor
}

export interface SyncParts {
  readonly database: Database
  readonly audit: Audit
  readonly runs: Runs
  readonly history: History
  readonly newId: NewId
  readonly now: () => number
  readonly log: Logger
  /** Longest time a run may take, in milliseconds. */
  readonly runTimeoutMs: number
  /**
   * @throws AppError `connections/not-found`, `sync/disabled`, `connections/incomplete`
   */
  readonly sourceOf: (connectionId: string, onCall: () => void) => Promise<SyncSource>
  /** Told about every run that ended, for metrics. */
  readonly onFinished?: (run: Run) => void
}

export type Sync = ReturnType<typeof createSync>

const PROGRESS_MS = 1_000
const HOUR_MS = 60 * 60 * 1_000
const DAY_MS = 24 * HOUR_MS

/** Changes when the program maps or compares differently than before, so that everybody is compared again. */
const MAPPING_GENERATION = 2

export function createSync(parts: SyncParts) {
  const { database, runs, now, log } = parts
  const pages = createPages({ database })
  const active = new Map<string, { abort: AbortController; done: Promise<void> }>()
  /** Starts that are under way; their runs are not among the active ones yet. */
  const starting = new Set<Promise<unknown>>()
  let isStopping = false

  return {
    /**
     * Starts a run and returns at once; `settled` waits for its end.
     * @throws AppError `sync/disabled`, `sync/run-active`, `connections/not-found`, `connections/incomplete`
     */
    start: (connectionId: string, request: RunRequest): Promise<Run> => begin(connectionId, request, null),

    /**
     * Carries out the removals that a run holds, in a new run: WeCom is read again, and of what it says then only removals
     * that were shown are applied.
     * @throws AppError `runs/not-found`, `sync/plan-outdated`, `sync/run-not-held`, `sync/plan-changed`, and as `start`
     */
    async approve(runId: string, planHash: string, actor: Actor): Promise<Run> {
      const held = await heldRun(runId)
      if (held.held?.planHash !== planHash) throw new AppError('sync/plan-changed')
      const changes = await parts.history.heldOf(runId)
      const keys = new Set(
        changes.map(({ entity, action, targetId }) =>
          removalKey(entity === 'department' ? entity : 'user', action, targetId!),
        ),
      )
      return begin(held.connectionId, { mode: 'apply', trigger: 'approval', actor }, { origin: held, keys })
    },

    /** Nobody is removed; the next run will ask again. @throws AppError as `approve` */
    async reject(runId: string, actor: Actor): Promise<Run> {
      const held = await heldRun(runId)
      await database.inTransaction(async (tx) => {
        if (!(await runs.closeHeld(tx, runId, 'rejected'))) throw new AppError('sync/run-not-held')
        // Locked above: an approval either began before, and is seen here, or finds the run rejected.
        if (await runs.isBeingApproved(tx, runId)) throw new AppError('sync/run-active')
        await parts.history.rejectHeld(tx, runId)
        const { users, departments } = held.counts
        await runs.setCounts(tx, runId, {
          ...held.counts,
          users: { ...users, held: 0, skipped: users.skipped + users.held },
          departments: { ...departments, held: 0, skipped: departments.skipped + departments.held },
        })
        await parts.audit.record(tx, actor, [runEntry('run.reject', held.organizationId, runId)])
      })
      return runs.load(runId)
    },

    /** Resolves when a run of this process has ended. */
    async settled(runId: string): Promise<Run> {
      await active.get(runId)?.done
      return runs.load(runId)
    },

    /** @throws AppError `runs/not-found`, `sync/run-not-active` */
    async cancel(runId: string, actor: Actor): Promise<Run> {
      const { organizationId } = await runs.load(runId)
      const isCancelled = await database.inTransaction(async (tx) => {
        const isOurs = await runs.cancel(tx, runId, now())
        if (isOurs) await parts.audit.record(tx, actor, [runEntry('run.cancel', organizationId, runId)])
        return isOurs
      })
      const run = await runs.load(runId)
      if (!isCancelled) throw new AppError('sync/run-not-active')
      active.get(runId)?.abort.abort(new AppError('sync/cancelled'))
      return run
    },

    /** Closes what dead processes left open. To be called from time to time. */
    async closeAbandoned(): Promise<void> {
      const failed = await runs.failAbandoned(now(), starting.size > 0 ? null : [...active.keys()])
      if (failed > 0) log.warn({ runs: failed }, 'closed runs whose process is gone')
    },

    /** Ends the runs of this process honestly and waits for them. */
    async stop(): Promise<void> {
      isStopping = true
      await Promise.allSettled(starting)
      const ending = [...active.values()]
      for (const { abort } of ending) abort.abort(new AppError('sync/interrupted'))
      await Promise.all(ending.map(({ done }) => done))
    },
  }

  function begin(connectionId: string, request: RunRequest, approval: Approval | null): Promise<Run> {
    if (isStopping) return Promise.reject(new AppError('http/stopping'))
    const begun = beginNow(connectionId, request, approval).finally(() => starting.delete(begun))
    starting.add(begun)
    return begun
  }

  async function beginNow(connectionId: string, request: RunRequest, approval: Approval | null): Promise<Run> {
    let apiCalls = 0
    const source = await parts.sourceOf(connectionId, () => apiCalls++)
    const warnings = await soonAfterTheLast(source.connectionId)
    const { mode, trigger, actor } = request
    let id: string
    try {
      id = await database.inTransaction(async (tx) => {
        if (approval !== null && !(await runs.lockHeld(tx, approval.origin.id))) throw new AppError('sync/run-not-held')
        const runId = await runs.begin(tx, {
          mode,
          trigger,
          requestedBy: actor.kind === 'system' ? null : (actor.name ?? actor.kind),
          connectionId: source.connectionId,
          organizationId: source.organizationId,
          originRunId: approval?.origin.id ?? null,
          startedAt: now(),
          warnings,
        })
        const action = approval === null ? 'run.start' : 'run.approve'
        if (actor.kind !== 'system')
          await parts.audit.record(tx, actor, [runEntry(action, source.organizationId, runId)])
        return runId
      })
    } catch (error) {
      throw isUniqueViolation(error) ? await runs.activeRunError(source.connectionId, error) : error
    }
    const run = await runs.load(id)
    const abort = new AbortController()
    const done = execute(run, source, approval, abort, () => apiCalls).finally(() => active.delete(run.id))
    active.set(run.id, { abort, done })
    return run
  }

  async function heldRun(runId: string): Promise<Run> {
    const run = await runs.load(runId)
    if (run.state === 'superseded') throw new AppError('sync/plan-outdated')
    if (run.state !== 'held') throw new AppError('sync/run-not-held')
    return run
  }

  async function soonAfterTheLast(connectionId: string): Promise<Warning[]> {
    const { last } = await runs.statusOf(connectionId)
    if (last === null || now() - last.startedAt >= HOUR_MS) return []
    return [
      {
        code: 'run-within-hour',
        detail: { en: 'The last run was less than an hour ago.', zh: '距上次同步不足一小时。' },
      },
    ]
  }

  /** Never rejects: whatever happens ends in the state of the run. */
  async function execute(
    run: Run,
    source: SyncSource,
    approval: Approval | null,
    abort: AbortController,
    apiCalls: () => number,
  ): Promise<void> {
    const signal = AbortSignal.any([abort.signal, timeoutSignal(parts.runTimeoutMs)])
    const counts = noCounts()
    const progress = { phase: 'read' as const, done: 0, total: 0 } as Mutable<Run['progress']>
    const live: RunUpdate = { progress, counts }
    let isBeating = false
    const heartbeat = setInterval(() => {
      // One at a time: on a database that is slow, a beat a second would take all of its connections.
      if (isBeating) return
      isBeating = true
      void runs
        .update(database, run.id, { progress: { ...progress }, apiCalls: apiCalls() })
        .catch((error: unknown) => {
          if (error instanceof RunLost) abort.abort(error)
          else log.warn({ err: error, runId: run.id }, 'could not renew the lease of a run')
        })
        .finally(() => (isBeating = false))
    }, PROGRESS_MS)
    try {
      const outcome = await readAndReconcile(run, source, approval, signal, counts, progress)
      clearInterval(heartbeat)
      await database.inTransaction(async (tx) => {
        await runs.finish(tx, run.id, outcome.state, now(), { ...live, ...outcome.update, apiCalls: apiCalls() })
        if (run.mode === 'preview') return
        // What was not read whole has not looked at everything: a decision that waits goes on waiting.
        if (outcome.update.complete !== true) return
        if (approval !== null) {
          const { users, departments } = approval.origin.counts
          const isClean = outcome.state === 'succeeded' && users.failed + departments.failed === 0
          await runs.closeHeld(tx, approval.origin.id, isClean ? 'succeeded' : 'partially_succeeded')
        }
        await runs.supersedeHeld(tx, run.connectionId, run.id)
      })
    } catch (error) {
      clearInterval(heartbeat)
      await closeFailed(run, signal.aborted ? signal.reason : error, { ...live, apiCalls: apiCalls() })
    }
    const ended = await runs.load(run.id).catch(() => undefined)
    if (ended === undefined) return
    log.info(
      {
        runId: run.id,
        state: ended.state,
        apiCalls: ended.apiCalls,
        counts: ended.counts,
        durationMs: now() - run.startedAt,
      },
      'run ended',
    )
    parts.onFinished?.(ended)
  }

  async function readAndReconcile(
    run: Run,
    source: SyncSource,
    approval: Approval | null,
    signal: AbortSignal,
    counts: Run['counts'],
    progress: Mutable<Run['progress']>,
  ): Promise<{ state: 'succeeded' | 'partially_succeeded' | 'held' | 'previewed'; update: RunUpdate }> {
    const links = await linkIndex(database, source.connectionId, source.corpId)
    const knownPages = await pages.load(source.connectionId, source.corpId)
    const builder = createSnapshot(links, mappingSettings(source.settings), knownPages)
    const reading = await readAddressBook(source, builder, {
      signal,
      onProgress: (done, total) => Object.assign(progress, { done, total }),
      onChoice: (choice) => runs.update(database, run.id, { reading: choice }),
    })
    const snapshot = builder.finish()
    if (snapshot.membersRead === 0 && reading.unread.length > 0) throw nothingRead(reading)

    Object.assign(progress, { phase: 'apply', done: 0, total: snapshot.changed.size })
    const { warnings, held, unread } = await reconcile(
      { ...parts, now },
      snapshot,
      {
        runId: run.id,
        organizationId: source.organizationId,
        connectionId: source.connectionId,
        corpId: source.corpId,
        isPreview: run.mode === 'preview',
        isComplete: reading.isComplete,
        isAbsenceKnown: !reading.individualsUnknown,
        policy: source.settings,
        approved: approval?.keys ?? null,
        recentRemovals: () => parts.history.removalsSince(source.connectionId, now() - DAY_MS),
        confirmGone: (userids) => confirmGone(source, reading, userids, signal),
        links,
        signal,
        fence: (tx, update) => runs.update(tx, run.id, update),
        onProgress: (done) => Object.assign(progress, { done }),
      },
      counts,
    )
    if (run.mode === 'apply' && snapshot.pages.size > 0) {
      await database.inTransaction(async (tx) => {
        await runs.update(tx, run.id, {})
        await pages.remember(tx, source.connectionId, source.corpId, snapshot.pages)
      })
    }
    const isComplete = reading.isComplete && unread.length === 0
    const isClean = isComplete && counts.users.failed === 0 && counts.departments.failed === 0
    return {
      state:
        run.mode === 'preview' ? 'previewed' : held !== null ? 'held' : isClean ? 'succeeded' : 'partially_succeeded',
      update: {
        complete: isComplete,
        unread: [...reading.unread, ...unread],
        held,
        warnings: [...run.warnings, ...readingWarnings(reading, snapshot), ...warnings],
      },
    }
  }

  async function closeFailed(run: Run, error: unknown, update: RunUpdate): Promise<void> {
    if (error instanceof RunLost) {
      log.warn({ runId: run.id }, 'the run was closed by somebody else')
      return
    }
    const problem = problemOf(error)
    if (problem.code === 'sync/failed') log.error({ err: error, runId: run.id }, 'the run failed')
    try {
      await runs.finish(database, run.id, 'failed', now(), { ...update, error: problem })
    } catch (closing) {
      // Cancelled meanwhile, or the database is away: then its lease runs out and the sweep closes it.
      if (!(closing instanceof RunLost)) log.error({ err: closing, runId: run.id }, 'could not close a failed run')
    }
  }
}

/** What an administrator has seen and wants done. */
interface Approval {
  readonly origin: Run
  /** As `removalKey` makes them. */
  readonly keys: ReadonlySet<string>
}

function runEntry(action: string, organizationId: string, runId: string) {
  return { action, organizationId, target: { kind: 'run', id: runId, name: null } }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** A timer of ours instead of AbortSignal.timeout, so that the reason says which limit it was. */
function timeoutSignal(ms: number): AbortSignal {
  const timeout = new AbortController()
  setTimeout(() => timeout.abort(new AppError('sync/timeout')), ms).unref()
  return timeout.signal
}

function mappingSettings(settings: SyncSettings): MappingSettings {
  const { notActivated, syntheticEmailDomain, onlyWecomDepartments } = settings
  const decisive = [MAPPING_GENERATION, notActivated, syntheticEmailDomain, onlyWecomDepartments]
  const version = digest('sha256', JSON.stringify(decisive), 'base64url').slice(0, 8)
  return { notActivated, version }
}

function nothingRead({ unread }: Reading): AppError {
  const first = unread[0]!.problem
  return new AppError('sync/nothing-read', { detail: first.detail, remedy: first.remedy })
}

function problemOf(error: unknown): Problem {
  if (error instanceof AppError) return error.problem
  return wecomProblem(error) ?? { code: 'sync/failed' }
}
