/**
 * Carries one run out, from reading to its honest end, whoever began it: all that is needed is in its row, so that another
 * process can go on with it. Keeps its lease and its progress on record meanwhile. Called by sync.ts.
 */
import { hash as digest } from 'node:crypto'
import type { MappingEntry } from '@muster/contracts'
import type { Logger } from 'pino'
import type { Audit } from '../audit/audit.ts'
import { wecomProblem } from '../connections/wecom-problem.ts'
import { isOutage, type Database, type Transaction } from '../database/database.ts'
import { linkIndex } from '../directory/comparison.ts'
import { AppError, type Problem } from '../errors.ts'
import type { NewId } from '../ids.ts'
import type { History } from './history.ts'
import type { MappingSettings } from './plan/mapping.ts'
import { removalKey } from './plan/removals.ts'
import type { CompiledMapping } from './plan/rules.ts'
import { compile } from './compiled-mapping.ts'
import { confirmGone } from './read/confirmation.ts'
import { readingWarnings } from './read/explanations.ts'
import { createPages } from './read/pages.ts'
import { readAddressBook, type Credentials, type Reading } from './read/reader.ts'
import { createSnapshot } from './read/snapshot.ts'
import { reconcile, type ReconcileOptions } from './reconcile.ts'
import { revertRun } from './revert.ts'
import { RunLost, type Run, type Runs, type RunUpdate, type Warning } from './runs.ts'

/** What sync needs to know about a connection to read it. */
export interface SyncSource extends Credentials {
  readonly connectionId: string
  readonly organizationId: string
  readonly corpId: string
  readonly settings: SyncSettings
}

/** The settings of a connection that decide what a run does. */
export type SyncSettings = Omit<ReconcileOptions['policy'], 'emails'> & {
  readonly notActivated: 'disable' | 'active'
  readonly mapping: readonly MappingEntry[]
}

export interface CarryOutParts {
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
  /** What is set now; inside a transaction it stays so until that ends. */
  readonly settingsOf: (
    connectionId: string,
    tx?: Transaction,
  ) => Promise<{ isEnabled: boolean; corpId: string | null; settings: SyncSettings }>
  /** Told about every run that ended, for metrics. */
  readonly onFinished?: (run: Run) => void
}

const PROGRESS_MS = 1_000
const DAY_MS = 24 * 60 * 60 * 1_000

/** Why a run is stopped whose process ends: not its own end, but the end of this process's part in it. */
export const LETTING_GO = new Error('the process stops')

/** Changes when the program maps or compares differently than before, so that everybody is compared again. */
const MAPPING_GENERATION = 2

/** @returns what carries a run of ours out; it is stopped through `abort`, with the reason */
export function createCarryOut(parts: CarryOutParts) {
  const { database, runs, now, log } = parts
  const pages = createPages({ database })
  return carryOut

  /** From reading on, whoever began it. Never rejects: whatever happens ends in the state of the run. */
  async function carryOut(run: Run, abort: AbortController): Promise<void> {
    const signal = AbortSignal.any([abort.signal, timeoutSignal(parts.runTimeoutMs)])
    const counts = structuredClone(run.counts)
    const progress = { phase: 'read' as const, done: 0, total: 0 } as Mutable<Run['progress']>
    const live: RunUpdate = { progress, counts }
    let { apiCalls } = run
    let isBeating = false
    const heartbeat = setInterval(() => {
      // One at a time: on a database that is slow, a beat a second would take all of its connections.
      if (isBeating) return
      isBeating = true
      void runs
        .update(database, run.id, { progress: { ...progress }, apiCalls })
        .catch((error: unknown) => {
          if (error instanceof RunLost) abort.abort(error)
          else log.warn({ err: error, runId: run.id }, 'could not renew the lease of a run')
        })
        .finally(() => (isBeating = false))
    }, PROGRESS_MS)
    try {
      const approval = await approvalOf(run)
      const source = run.trigger === 'revert' ? null : await sourceFor(run, () => apiCalls++)
      const outcome =
        source === null
          ? await takeBack(run, signal, counts, progress)
          : await readAndReconcile(run, source, approval, signal, counts, progress)
      clearInterval(heartbeat)
      const warnings = [...(outcome.update.warnings ?? []), ...(source === null ? [] : await settingsWarnings(source))]
      await database.inTransaction(async (tx) => {
        await runs.finish(tx, run.id, outcome.state, now(), { ...live, ...outcome.update, warnings, apiCalls })
        if (run.mode === 'preview' || source === null) return
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
      await closeFailed(run, signal.aborted ? signal.reason : error, { ...live, apiCalls })
    }
    const ended = await runs.load(run.id).catch(() => undefined)
    if (ended === undefined || ended.state === 'running') return
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

  /** Settings as they are once nobody is changing them; whoever changes them from here on finds the run. */
  async function sourceFor(run: Run, onCall: () => void): Promise<SyncSource> {
    const source = await parts.sourceOf(run.connectionId, onCall)
    const current = await database.inTransaction((tx) => parts.settingsOf(run.connectionId, tx))
    if (!current.isEnabled) throw new AppError('sync/disabled')
    if (current.corpId !== source.corpId) throw new AppError('sync/settings-changed')
    return { ...source, settings: current.settings }
  }

  async function approvalOf({ trigger, originRunId }: Run): Promise<Approval | null> {
    if (trigger !== 'approval' || originRunId === null) return null
    const changes = await parts.history.heldOf(originRunId)
    const keys = changes.map(({ entity, action, targetId }) =>
      removalKey(entity === 'department' ? entity : 'user', action, targetId!),
    )
    return { origin: await runs.load(originRunId), keys: new Set(keys) }
  }

  async function readAndReconcile(
    run: Run,
    source: SyncSource,
    approval: Approval | null,
    signal: AbortSignal,
    counts: Run['counts'],
    progress: Mutable<Run['progress']>,
  ): Promise<{ state: 'succeeded' | 'partially_succeeded' | 'held' | 'previewed'; update: RunUpdate }> {
    const earlier = await parts.history.earlier(run.id)
    const links = await linkIndex(database, source.connectionId, source.corpId)
    const knownPages = await pages.load(source.connectionId, source.corpId)
    const mapping = await compile(source.settings.mapping)
    const builder = createSnapshot(links, mappingSettings(source.settings, mapping), knownPages)
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
        policy: { ...source.settings, emails: mapping.emails },
        approved: approval?.keys ?? null,
        recentRemovals: () => parts.history.removalsSince(source.connectionId, now() - DAY_MS),
        confirmGone: (userids) => confirmGone(source, reading, userids, signal),
        links,
        earlier,
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
        warnings: [...run.warnings, ...readingWarnings(reading, snapshot, mapping), ...warnings],
      },
    }
  }

  async function takeBack(
    run: Run,
    signal: AbortSignal,
    counts: Run['counts'],
    progress: Mutable<Run['progress']>,
  ): Promise<{ state: 'succeeded' | 'partially_succeeded' | 'previewed'; update: RunUpdate }> {
    const total = await parts.history.countApplied(run.originRunId!, run.onlyUserId)
    Object.assign(progress, { phase: 'apply', done: 0, total })
    const { corpId } = await parts.settingsOf(run.connectionId)
    await revertRun(
      parts,
      {
        run,
        corpId: corpId ?? '',
        signal,
        fence: (tx, update) => runs.update(tx, run.id, update),
        onProgress: (done) => Object.assign(progress, { done }),
      },
      counts,
    )
    const isClean = counts.users.failed + counts.departments.failed === 0
    return {
      state: run.mode === 'preview' ? 'previewed' : isClean ? 'succeeded' : 'partially_succeeded',
      // Nothing was left unread, because nothing had to be read.
      update: { complete: true, warnings: run.warnings },
    }
  }

  async function settingsWarnings({ connectionId, settings }: SyncSource): Promise<Warning[]> {
    const current = await parts.settingsOf(connectionId)
    if (JSON.stringify(current.settings) === JSON.stringify(settings)) return []
    return [
      {
        code: 'settings-changed',
        detail: {
          en: 'The settings were changed during the run; it went by those that it began with.',
          zh: '同步期间设置有变更；本次同步按开始时的设置执行。',
        },
      },
    ]
  }

  async function closeFailed(run: Run, error: unknown, update: RunUpdate): Promise<void> {
    if (error instanceof RunLost) return noteLost(run)
    if (error === LETTING_GO) return letGo(run, update)
    const problem = problemOf(error)
    if (problem.code === 'sync/failed') log.error({ err: error, runId: run.id }, 'the run failed')
    // Not the counts: each transaction wrote its own. What this process believes may lack the last one, when the
    // database committed and the answer was lost.
    const { counts: _, ...rest } = update
    try {
      // Disabling sync cancels what is under way, also when nobody was there to be told.
      const state = problem.code === 'sync/disabled' ? 'cancelled' : 'failed'
      await runs.finish(database, run.id, state, now(), { ...rest, error: problem })
    } catch (closing) {
      if (closing instanceof RunLost) return noteLost(run)
      // The database is away: then somebody takes it over later.
      log.error({ err: closing, runId: run.id }, 'could not close a failed run')
    }
  }

  function noteLost({ id }: Run): void {
    log.warn({ runId: id }, 'the run is not ours any more: it was cancelled or taken over')
  }

  async function letGo(run: Run, { progress, apiCalls }: RunUpdate): Promise<void> {
    try {
      await runs.release(run.id, { progress, apiCalls })
      log.info({ runId: run.id }, 'let go of a run: another process goes on with it, or the next start')
    } catch (error) {
      log.warn({ err: error, runId: run.id }, 'could not let go of a run; others notice when its lease has run out')
    }
  }
}

/** What an administrator has seen and wants done. */
interface Approval {
  readonly origin: Run
  /** As `removalKey` makes them. */
  readonly keys: ReadonlySet<string>
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** A timer of ours instead of AbortSignal.timeout, so that the reason says which limit it was. */
function timeoutSignal(ms: number): AbortSignal {
  const timeout = new AbortController()
  setTimeout(() => timeout.abort(new AppError('sync/timeout')), ms).unref()
  return timeout.signal
}

/** How members are mapped under these settings. */
export function mappingSettings(settings: SyncSettings, mapping: CompiledMapping): MappingSettings {
  const { notActivated, syntheticEmailDomain, onlyWecomDepartments } = settings
  const decisive = [MAPPING_GENERATION, notActivated, syntheticEmailDomain, onlyWecomDepartments, settings.mapping]
  const version = digest('sha256', JSON.stringify(decisive), 'base64url').slice(0, 8)
  return { notActivated, mapping, version }
}

function nothingRead({ unread }: Reading): AppError {
  const first = unread[0]!.problem
  return new AppError('sync/nothing-read', { detail: first.detail, remedy: first.remedy })
}

function problemOf(error: unknown): Problem {
  if (error instanceof AppError) return error.problem
  if (isOutage(error)) return { code: 'database/unavailable' }
  return wecomProblem(error) ?? { code: 'sync/failed' }
}
