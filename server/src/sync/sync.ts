/**
 * Directory sync (product.md §4): begins runs, because somebody asks or a schedule is due, goes on with those whose process
 * is gone, and ends them when somebody says so. What happens in a run is in carrying-out.ts.
 */
import { SYSTEM, type Actor } from '../audit/audit.ts'
import type { DueRun } from '../connections/due-runs.ts'
import { isUniqueViolation, type Transaction } from '../database/database.ts'
import { AppError, type Problem } from '../errors.ts'
import { countsOf } from './apply.ts'
import { createCarryOut, LETTING_GO, type CarryOutParts } from './carrying-out.ts'
import { isMoreCautious } from './plan/caution.ts'
import type { Run, RunMode, RunTrigger, Warning } from './runs.ts'

export type { SyncSettings, SyncSource } from './carrying-out.ts'

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

const HOUR_MS = 60 * 60 * 1_000

/** Runs of this process beyond which it begins none by itself; what is due stays due, for others too. */
const MOST_AT_ONCE = 8

/** A run that was left behind by this many processes is likely to be what killed them. */
const MOST_TAKEOVERS = 3

export function createSync(parts: SyncParts) {
  const { database, runs, now, log } = parts
  const carryOut = createCarryOut(parts)
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
