/**
 * Directory sync (product.md §4): begins runs, because somebody asks or a schedule is due, carries them out in the
 * background and closes them with an honest state. All that is needed to carry a run out is in its row, so that another
 * process can go on with it. Reading is in read/, deciding in plan/, writing in apply.ts.
 */
import { hash as digest } from 'node:crypto'
import type { MappingEntry } from '@muster/contracts'
import type { Logger } from 'pino'
import { SYSTEM, type Actor, type Audit } from '../audit/audit.ts'
import type { DueRun } from '../connections/connections.ts'
import { wecomProblem } from '../connections/wecom-problem.ts'
import { isOutage, isUniqueViolation, type Database, type Transaction } from '../database/database.ts'
import { linkIndex } from '../directory/comparison.ts'
import { AppError, type Problem } from '../errors.ts'
import type { NewId } from '../ids.ts'
import { countsOf } from './apply.ts'
import type { History } from './history.ts'
import { isMoreCautious } from './plan/caution.ts'
import type { MappingSettings } from './plan/mapping.ts'
import type { CompiledMapping } from './plan/rules.ts'
import { compile } from './pinyin.ts'
import { readingWarnings } from './read/explanations.ts'
import { confirmGone } from './read/confirmation.ts'
import { readAddressBook, type Credentials, type Reading } from './read/reader.ts'
import { reconcile, type ReconcileOptions } from './reconcile.ts'
import { revertRun } from './revert.ts'
import { removalKey } from './plan/removals.ts'
import { RunLost, type Run, type RunMode, type Runs, type RunTrigger, type RunUpdate, type Warning } from './runs.ts'
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
export type SyncSettings = Omit<ReconcileOptions['policy'], 'emails'> & {
  readonly notActivated: 'disable' | 'active'
  readonly mapping: readonly MappingEntry[]
}

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
  /** What is set now; inside a transaction it stays so until that ends. */
  readonly settingsOf: (
    connectionId: string,
    tx?: Transaction,
  ) => Promise<{ isEnabled: boolean; corpId: string | null; settings: SyncSettings }>
  readonly schedules: {
    readonly dueRuns: (at: number) => Promise<DueRun[]>
    /** @returns false when the due time was used up already */
    readonly useDueTime: (tx: Transaction, due: DueRun, at: number) => Promise<boolean>
  }
  /** A process that lives for one command goes on with nobody's run, and leaves none behind. */
  readonly isLasting: boolean
  /** Told about every run that ended, for metrics. */
  readonly onFinished?: (run: Run) => void
}

export type Sync = ReturnType<typeof createSync>

const PROGRESS_MS = 1_000
const HOUR_MS = 60 * 60 * 1_000
const DAY_MS = 24 * HOUR_MS

/** Runs of this process beyond which it begins none by itself; what is due stays due, for others too. */
const MOST_AT_ONCE = 8

/** A run that was left behind by this many processes is likely to be what killed them. */
const MOST_TAKEOVERS = 3

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
     * Starts a run and returns at once.
     * @throws AppError `sync/disabled`, `sync/run-active`, `connections/not-found`, `connections/incomplete`
     */
    async start(connectionId: string, request: RunRequest): Promise<Run> {
      const { organizationId } = await parts.sourceOf(connectionId, () => {})
      return begin({ ...request, connectionId, organizationId, originRunId: null })
    },

    /**
     * Carries out the removals that a run holds, in a new run: WeCom is read again, and of what it says then only removals
     * that were shown are applied.
     * @throws AppError `runs/not-found`, `sync/plan-outdated`, `sync/run-not-held`, `sync/plan-changed`, and as `start`
     */
    async approve(runId: string, planHash: string, actor: Actor): Promise<Run> {
      const held = await heldRun(runId)
      if (held.held?.planHash !== planHash) throw new AppError('sync/plan-changed')
      const { connectionId, organizationId } = held
      await parts.sourceOf(connectionId, () => {})
      return begin(
        { mode: 'apply', trigger: 'approval', actor, connectionId, organizationId, originRunId: runId },
        async (tx) => {
          if (!(await runs.lockHeld(tx, runId))) throw new AppError('sync/run-not-held')
        },
      )
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

    /**
     * Takes back what a run applied, or what it did to one person, in a new run that does not ask WeCom and therefore needs
     * no sync that is enabled. What somebody changed since is left. A preview says what would be done.
     * @throws AppError `runs/not-found`, `sync/nothing-to-revert`, `sync/run-active`
     */
    async revert(
      runId: string,
      { mode, userId, actor }: { mode: RunMode; userId: string | null; actor: Actor },
    ): Promise<Run> {
      const origin = await runs.load(runId)
      if (origin.state === 'running') throw new AppError('sync/run-active', { extra: { runId } })
      if (origin.mode === 'preview' || (await parts.history.countApplied(runId, userId)) === 0) {
        throw new AppError('sync/nothing-to-revert')
      }
      const { connectionId, organizationId } = origin
      return begin({
        mode,
        trigger: 'revert',
        actor,
        connectionId,
        organizationId,
        originRunId: runId,
        onlyUserId: userId,
      })
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

    /**
     * Heeds settings of a connection that change while a run is under way: switched off, of another company, or more
     * cautious, they end it before it writes again. Others are for the next run. To be called in the transaction that
     * changes them.
     */
    async heedSettings(tx: Transaction, actor: Actor, before: Heeded, after: Heeded): Promise<void> {
      const code = !after.sync.enabled
        ? 'sync/disabled'
        : before.corpId !== after.corpId || isMoreCautious(before.sync, after.sync)
          ? 'sync/settings-changed'
          : null
      if (code === null) return
      const runId = await runs.cancelOf(tx, after.id, now(), { code })
      if (runId !== undefined)
        await parts.audit.record(tx, actor, [runEntry('run.cancel', after.organizationId, runId)])
    },

    /** Begins the runs that schedules want now. To be called from time to time. */
    async beginDue(): Promise<void> {
      for (const due of await parts.schedules.dueRuns(now())) {
        if (active.size >= MOST_AT_ONCE) return
        await beginOneDue(due)
      }
    },

    /** Goes on with runs that nobody works on. To be called from time to time. */
    async takeOverAbandoned(): Promise<void> {
      for (const { id, owner, takeovers } of await runs.abandoned(activeIds())) {
        if (owner !== null && takeovers >= MOST_TAKEOVERS) await giveUp(id)
        else if (active.size < MOST_AT_ONCE) await takeOver(id, owner !== null)
      }
    },

    /** Lets go of the runs of this process, or closes them when nobody comes after it, and waits for that. */
    async stop(): Promise<void> {
      isStopping = true
      await Promise.allSettled(starting)
      const ending = [...active.values()]
      for (const { abort } of ending) abort.abort(parts.isLasting ? LETTING_GO : new AppError('sync/interrupted'))
      await Promise.all(ending.map(({ done }) => done))
    },
  }

  /** @param confirm called in the transaction that begins the run; when it throws, nothing is begun */
  function begin(wanted: NewRun, confirm: (tx: Transaction) => Promise<void> = async () => {}): Promise<Run> {
    if (isStopping) return Promise.reject(new AppError('http/stopping'))
    const begun = beginNow(wanted, confirm).finally(() => starting.delete(begun))
    starting.add(begun)
    return begun
  }

  async function beginNow(wanted: NewRun, confirm: (tx: Transaction) => Promise<void>): Promise<Run> {
    const { mode, trigger, actor, connectionId, organizationId, originRunId, onlyUserId = null } = wanted
    // Nobody who could take it over may come for a long time, and whoever asks wants a run now.
    if (!parts.isLasting) {
      await closeAbandoned({ connectionId }, { code: 'sync/interrupted' })
    }
    const warnings = trigger === 'revert' ? [mayHappenAgain] : await soonAfterTheLast(connectionId)
    let id: string
    try {
      id = await database.inTransaction(async (tx) => {
        const requestedBy = actor.kind === 'system' ? null : (actor.name ?? actor.kind)
        const startedAt = now()
        const run = { mode, trigger, requestedBy, connectionId, organizationId, originRunId, startedAt, warnings }
        const runId = await runs.begin(tx, { ...run, onlyUserId })
        await confirm(tx)
        const action = trigger === 'approval' ? 'run.approve' : trigger === 'revert' ? 'run.revert' : 'run.start'
        if (actor.kind !== 'system') await parts.audit.record(tx, actor, [runEntry(action, organizationId, runId)])
        return runId
      })
    } catch (error) {
      throw isUniqueViolation(error) ? await runs.activeRunError(connectionId, error) : error
    }
    return launch(id)
  }

  /** Works on a running run of ours, in the background. */
  async function launch(id: string): Promise<Run> {
    const run = await runs.load(id)
    const abort = new AbortController()
    const done = carryOut(run, abort).finally(() => active.delete(id))
    active.set(id, { abort, done })
    return run
  }

  /** Whether it can be carried out shows in the run: a due time is used up either way, and the failure is on record. */
  async function beginOneDue(due: DueRun): Promise<void> {
    const { connectionId, organizationId, dueAt } = due
    try {
      const run = await begin(
        { mode: 'apply', trigger: 'schedule', actor: SYSTEM, connectionId, organizationId, originRunId: null },
        async (tx) => {
          // Another process was faster, and its run has even ended; or the schedule is another one now.
          if (!(await parts.schedules.useDueTime(tx, due, now()))) throw new AppError('sync/run-active')
        },
      )
      log.info({ runId: run.id, connectionId, lateMs: now() - dueAt }, 'a schedule began a run')
    } catch (error) {
      if (error instanceof AppError && error.code === 'sync/run-active') return
      // One connection must not keep the others from their runs. It stays due.
      log.error({ err: error, connectionId }, 'could not begin a scheduled run')
    }
  }

  async function takeOver(id: string, isDead: boolean): Promise<void> {
    const isOurs = await database.inTransaction(async (tx) => {
      if (!(await runs.takeOver(tx, id, activeIds()))) return false
      const { trigger, warnings } = await runs.load(id, tx)
      // What a revert has done is on its record, and it goes on where that ends.
      if (trigger === 'revert') return true
      await runs.update(tx, id, {
        progress: { phase: 'read', done: 0, total: 0 },
        counts: countsOf(await parts.history.keepApplied(tx, id)),
        warnings: [...warnings.filter(({ code }) => code !== takenOver.code), takenOver],
      })
      return true
    })
    if (!isOurs) return
    if (isDead) log.warn({ runId: id }, 'took over a run whose process is gone')
    else log.info({ runId: id }, 'goes on with a run that its process let go of')
    await launch(id)
  }

  async function giveUp(id: string): Promise<void> {
    const detail = {
      en: `${MOST_TAKEOVERS + 1} processes worked on this run, and each of them ended before it did.`,
      zh: `先后有 ${MOST_TAKEOVERS + 1} 个进程执行该次同步，均在完成前退出。`,
    }
    await closeAbandoned({ id }, { code: 'sync/interrupted', detail })
  }

  async function closeAbandoned(which: { id: string } | { connectionId: string }, problem: Problem): Promise<void> {
    for (const runId of await runs.failAbandoned(which, now(), activeIds(), problem)) {
      log.warn({ runId }, 'closed a run whose process is gone')
      parts.onFinished?.(await runs.load(runId))
    }
  }

  /** Null while a run may be ours without being among them yet. */
  function activeIds(): string[] | null {
    return starting.size > 0 ? null : [...active.keys()]
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

  /** Settings as they are once nobody is changing them; whoever changes them from here on finds the run. */
  async function sourceFor(run: Run, onCall: () => void): Promise<SyncSource> {
    const source = await parts.sourceOf(run.connectionId, onCall)
    const current = await database.inTransaction((tx) => parts.settingsOf(run.connectionId, tx))
    if (!current.isEnabled) throw new AppError('sync/disabled')
    if (current.corpId !== source.corpId) throw new AppError('sync/settings-changed')
    return { ...source, settings: current.settings }
  }

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

/** Why a run is stopped whose process ends: not its own end, but the end of this process's part in it. */
const LETTING_GO = new Error('the process stops')

const takenOver: Warning = {
  code: 'taken-over',
  detail: {
    en: 'The process that carried this run out ended. Another one read WeCom again and went on; what had been written by then is counted once.',
    zh: '执行该次同步的进程已退出，由另一进程重新读取企业微信后继续；此前已写入的内容只计一次。',
  },
}

interface NewRun extends RunRequest {
  readonly connectionId: string
  readonly organizationId: string
  readonly originRunId: string | null
  readonly onlyUserId?: string | null
}

/** What an administrator has seen and wants done. */
interface Approval {
  readonly origin: Run
  /** As `removalKey` makes them. */
  readonly keys: ReadonlySet<string>
}

/** What a change of settings is judged by. */
export interface Heeded {
  readonly id: string
  readonly organizationId: string
  readonly corpId: string | null
  readonly sync: Parameters<typeof isMoreCautious>[0]
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

const mayHappenAgain: Warning = {
  code: 'may-happen-again',
  detail: {
    en: 'Unless something changes in WeCom or in the settings first, the next run may do the same again.',
    zh: '若企业微信或设置未先作调整，下次同步可能会再次作出相同更改。',
  },
}
