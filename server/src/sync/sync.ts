/**
 * Directory sync (product.md §4): begins runs, because somebody asks or a schedule is due, goes on with those whose process
 * is gone, and ends them when somebody says so. What happens in a run is in carrying-out.ts.
 */
import { SYSTEM, type Actor } from '../audit/audit.ts'
import type { DueRun } from '../connections/due-runs.ts'
import { isUniqueViolation, type Transaction } from '../database/database.ts'
import { AppError, type Problem } from '../errors.ts'
import { countsOf } from './apply.ts'
import { createCarryOut, type CarryOutParts, type SyncCompany } from './carrying-out.ts'
import { isMoreCautious } from './plan/caution.ts'
import * as heldRuns from './held-runs.ts'
import { createHintWork } from './hint-work.ts'
import type { Hint, HintOutcome, HintVerdict } from './hints.ts'
import type { Run, RunMode, RunTrigger, Warning } from './runs.ts'
import { LETTING_GO } from './under-way.ts'

export type { SyncCompany, SyncSettings, SyncSource } from './carrying-out.ts'
export type { ApplyHints, Hint, HintOutcome } from './hints.ts'

/** Who asks for a run, and why. */
export interface RunRequest {
  readonly mode: RunMode
  readonly trigger: RunTrigger
  readonly actor: Actor
}

export interface SyncParts extends CarryOutParts {
  readonly schedules: {
    readonly dueRuns: (at: number) => Promise<DueRun[]>
    /** @returns false when the due time was used up already */
    readonly useDueTime: (tx: Transaction, due: DueRun, at: number) => Promise<boolean>
  }
  /** A process that lives for one command goes on with nobody's run, and leaves none behind. */
  readonly isLasting: boolean
}

export type Sync = ReturnType<typeof createSync>

/** While somebody else works on events of the same connection. */
const HINTS_AGAIN_MS = 500

const HOUR_MS = 60 * 60 * 1_000

/** Runs of this process beyond which it begins none by itself; what is due stays due, for others too. */
const MOST_AT_ONCE = 8

/** A run that was left behind by this many processes is likely to be what killed them. */
const MOST_TAKEOVERS = 3

export function createSync(parts: SyncParts) {
  const { database, runs, now, log } = parts
  const carryOut = createCarryOut(parts)
  const hintWork = createHintWork(parts)
  const active = new Map<string, { abort: AbortController; done: Promise<void> }>()
  /** Runs of events. */
  const hinted = new Map<string, { abort: AbortController; done: Promise<unknown> }>()
  /** Of each connection the end of the last call about events. */
  const queues = new Map<string, Promise<unknown>>()
  /** Starts that are under way; their runs are not among the active ones yet. */
  const starting = new Set<Promise<unknown>>()
  let isStopping = false

  return {
    /**
     * Starts a run and returns at once.
     * @throws AppError `sync/disabled`, `sync/run-active`, `connections/not-found`, `connections/incomplete`
     */
    async start(connectionId: string, request: RunRequest): Promise<Run> {
      const { organizationId } = await readable(connectionId)
      return begin({ ...request, connectionId, organizationId, originRunId: null })
    },

    /**
     * Carries out the removals that a run holds, in a new run: WeCom is read again, and of what it says then only removals
     * that were shown are applied.
     * @throws AppError `runs/not-found`, `connections/corp-not-authorized`, `sync/plan-outdated`, `sync/run-not-held`, `sync/plan-changed`, and as `start`
     */
    async approve(runId: string, planHash: string, actor: Actor): Promise<Run> {
      const held = await heldRun(runId)
      if (held.held?.planHash !== planHash) throw new AppError('sync/plan-changed')
      const { connectionId } = held
      const { organizationId, companies } = await readable(connectionId)
      // Of the others, the new run says that they have cancelled.
      const waiting = held.corps.filter(({ isHeld }) => isHeld)
      const isReadable = ({ corpId }: { readonly corpId: string }) => companies.some((one) => one.corpId === corpId)
      if (waiting.length > 0 && !waiting.some(isReadable)) throw new AppError('connections/corp-not-authorized')
      return begin(
        { mode: 'apply', trigger: 'approval', actor, connectionId, organizationId, originRunId: runId },
        async (tx) => {
          if (!(await heldRuns.lockHeld(tx, runId))) throw new AppError('sync/run-not-held')
          // Events may have added to it since it was looked at.
          const { held: now } = await runs.load(runId, tx)
          if (now?.planHash !== planHash) throw new AppError('sync/plan-changed')
        },
      )
    },

    /** Nobody is removed; the next run will ask again. @throws AppError as `approve` */
    async reject(runId: string, actor: Actor): Promise<Run> {
      const held = await heldRun(runId)
      await database.inTransaction(async (tx) => {
        if (!(await heldRuns.closeHeld(tx, runId, 'rejected'))) throw new AppError('sync/run-not-held')
        // Locked above: an approval either began before, and is seen here, or finds the run rejected.
        if (await heldRuns.isBeingApproved(tx, runId)) throw new AppError('sync/run-active')
        await parts.history.rejectHeld(tx, runId)
        const { users, departments } = held.counts
        await heldRuns.setCounts(tx, runId, {
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
      const ours = active.get(runId) ?? hinted.get(runId)
      ours?.abort.abort(new AppError('sync/cancelled'))
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
      const cancelled = await runs.cancelOf(tx, after.id, now(), { code })
      // Nobody began a run of events, and its events wait for whatever is set by then.
      const begun = cancelled.filter(({ trigger }) => trigger !== 'event')
      const entries = begun.map(({ id }) => runEntry('run.cancel', after.organizationId, id))
      if (entries.length > 0) await parts.audit.record(tx, actor, entries)
    },

    /** Begins the runs that schedules want now. To be called from time to time. */
    async beginDue(): Promise<void> {
      for (const due of await parts.schedules.dueRuns(now())) {
        if (active.size >= MOST_AT_ONCE) return
        await beginOneDue(due)
      }
    },

    /** See hints.ts. */
    applyHints,

    /** Goes on with runs that nobody works on. To be called from time to time. */
    async takeOverAbandoned(): Promise<void> {
      for (const { id, trigger, owner, takeovers } of await runs.abandoned(activeIds())) {
        if (trigger === 'event') await closeAbandonedEvents(id)
        else if (owner !== null && takeovers >= MOST_TAKEOVERS) await giveUp(id)
        else if (active.size < MOST_AT_ONCE) await takeOver(id, owner !== null)
      }
    },

    /** Lets go of the runs of this process, or closes them when nobody comes after it, and waits for that. */
    async stop(): Promise<void> {
      isStopping = true
      await Promise.allSettled(starting)
      const ending = [...active.values(), ...hinted.values()]
      for (const { abort } of ending) abort.abort(parts.isLasting ? LETTING_GO : new AppError('sync/interrupted'))
      await Promise.all(ending.map(({ done }) => done))
    },
  }

  /** Whose credentials are there, so far as that is known without asking WeCom. */
  async function readable(connectionId: string) {
    const { organizationId, companies } = await parts.companiesOf(connectionId)
    const [company] = companies
    if (company === undefined) throw new AppError('connections/corp-not-authorized')
    if (company.name === null) await parts.sourceOf(connectionId, company.corpId, () => {})
    return { organizationId, companies }
  }

  /** One call after the other for each connection, because one run of events is under way for it at a time. */
  async function applyHints(connectionId: string, corpId: string, hints: readonly Hint[]): Promise<HintOutcome[]> {
    const before = queues.get(connectionId)
    const done = (async () => {
      await before
      return applyHintsNow(connectionId, corpId, hints)
    })()
    const settled = Promise.allSettled([done])
    queues.set(connectionId, settled)
    try {
      return await done
    } finally {
      if (queues.get(connectionId) === settled) queues.delete(connectionId)
    }
  }

  async function applyHintsNow(connectionId: string, corpId: string, hints: readonly Hint[]): Promise<HintOutcome[]> {
    const all = (outcome: HintVerdict): HintOutcome[] => hints.map(({ key }) => ({ key, ...outcome }))
    if (hints.length === 0) return []
    if (isStopping) return all({ kind: 'later', afterMs: HINTS_AGAIN_MS })
    try {
      const { isEnabled, isRealTime } = await parts.settingsOf(connectionId)
      if (!isEnabled) return all({ kind: 'ignored', note: 'sync-off' })
      if (!isRealTime) return all({ kind: 'ignored', note: 'real-time-off' })
      const { organizationId, companies } = await parts.companiesOf(connectionId)
      const company = companies.find((one) => one.corpId === corpId)
      if (company === undefined) return all({ kind: 'ignored', note: 'out-of-scope' })
      const work = await beginHinted({ connectionId, organizationId }, company, hints)
      return work === null ? all({ kind: 'later', afterMs: HINTS_AGAIN_MS }) : await work.done
    } catch (error) {
      if (error instanceof AppError && error.code === 'sync/disabled') return all({ kind: 'ignored', note: 'sync-off' })
      if (error instanceof AppError) return all({ kind: 'failed', problem: error.problem, runId: null })
      throw error
    }
  }

  /** @returns null while another process works on events of this connection */
  async function beginHinted(
    connection: { readonly connectionId: string; readonly organizationId: string },
    company: SyncCompany,
    hints: readonly Hint[],
  ): Promise<{ done: Promise<HintOutcome[]> } | null> {
    const wanted = { ...connection, requestedBy: null, originRunId: null, startedAt: now(), warnings: [] }
    const begun = (async () => {
      const id = await database.inTransaction((tx) => runs.begin(tx, { ...wanted, mode: 'apply', trigger: 'event' }))
      const run = await runs.load(id)
      const abort = new AbortController()
      const done = hintWork.workOff(run, company, hints, abort).finally(() => hinted.delete(id))
      hinted.set(id, { abort, done })
      return { done }
    })()
    const settled = begun.catch(() => {})
    starting.add(settled)
    try {
      return await begun
    } catch (error) {
      if (isUniqueViolation(error)) return null
      throw error
    } finally {
      starting.delete(settled)
    }
  }

  /** Its events wait and are worked off again, by whoever claims them. */
  async function closeAbandonedEvents(id: string): Promise<void> {
    const isOurs = await database.inTransaction((tx) => runs.takeOver(tx, id, activeIds()))
    if (!isOurs) return
    await hintWork.closeBroken({ id }, { code: 'sync/interrupted' })
    log.warn({ runId: id }, 'closed a run of events whose process is gone')
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
    return starting.size > 0 ? null : [...active.keys(), ...hinted.keys()]
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
}

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

const mayHappenAgain: Warning = {
  code: 'may-happen-again',
  detail: {
    en: 'Unless something changes in WeCom or in the settings first, the next run may do the same again.',
    zh: '若企业微信或设置未先作调整，下次同步可能会再次作出相同更改。',
  },
}
