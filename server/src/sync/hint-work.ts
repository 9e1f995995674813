/**
 * Works off hints about one company in one small run: whatever they name is read again, by name, and goes through the plan,
 * guard and apply of every run. Nothing is concluded about anybody else, and nobody is removed whom WeCom did not both say
 * was deleted and call unknown when asked. What it says is hearing.ts. Called by sync.ts.
 */
import type { Transaction } from '../database/database.ts'
import * as comparison from '../directory/comparison.ts'
import { foldName } from '../directory/names.ts'
import { noteAliases, noteAskedMembers } from '../directory/writes.ts'
import { AppError, type Problem } from '../errors.ts'
import { countsOf } from './apply.ts'
import {
  isNamed,
  named,
  problemOf,
  scopeOf,
  type CarryOutParts,
  type SyncCompany,
  type SyncSource,
} from './carrying-out.ts'
import { inTurn } from './claims.ts'
import { compile } from './compiled-mapping.ts'
import { hear, type Heard } from './hearing.ts'
import * as heldRuns from './held-runs.ts'
import type { RecordedChange } from './history.ts'
import type { Hint, HintOutcome, HintVerdict } from './hints.ts'
import type { Hinted } from './judgement.ts'
import { describeHeld, reasonsTogether, type HeldRemovals } from './plan/held-removals.ts'
import { AGAIN_MS, outcomeOf } from './plan/hint-outcomes.ts'
import { removalKeyOf } from './plan/removals.ts'
import type { Snapshot, Unread } from './read/snapshot.ts'
import { reconcile } from './reconcile.ts'
import { RunLost, type CompanyResult, type Run, type RunCounts, type RunUpdate, type Warning } from './runs.ts'
import { LETTING_GO, startBeating, type UnderWay } from './under-way.ts'

export type HintWork = ReturnType<typeof createHintWork>

export function createHintWork(parts: CarryOutParts) {
  const { database, runs, history, now, log } = parts

  return {
    /** Never rejects: whatever happens is in the outcomes, one for each hint. */
    async workOff(
      run: Run,
      company: SyncCompany,
      hints: readonly Hint[],
      abort: AbortController,
    ): Promise<HintOutcome[]> {
      const underWay = startBeating(parts, run, abort)
      try {
        return await readAndApply(underWay, company, hints)
      } catch (error) {
        const cause: unknown = underWay.signal.aborted ? underWay.signal.reason : error
        await closeBroken(run, problemOf(cause)).catch((closing: unknown) => {
          // Then whoever finds it abandoned does it.
          if (!(closing instanceof RunLost))
            log.warn({ err: closing, runId: run.id }, 'could not close a run of events')
        })
        return hints.map(({ key }) => ({ key, ...verdictOnBroken(cause, run) }))
      } finally {
        underWay.stopBeating()
      }
    },

    /** Ends a run of events that is ours and broke off: its events are worked off again. */
    closeBroken,
  }

  function verdictOnBroken(cause: unknown, run: Run): HintVerdict {
    // Whoever ended it decides nothing about its events.
    const isEnded = cause instanceof AppError && cause.code === 'sync/cancelled'
    if (isEnded || cause instanceof RunLost || cause === LETTING_GO) return { kind: 'later', afterMs: AGAIN_MS }
    const problem = problemOf(cause)
    if (problem.code === 'sync/disabled') return { kind: 'ignored', note: 'sync-off' }
    if (problem.code === 'connections/corp-not-authorized') return { kind: 'ignored', note: 'out-of-scope' }
    if (problem.code === 'sync/failed') log.error({ err: cause, runId: run.id }, 'events could not be applied')
    return { kind: 'failed', problem, runId: null }
  }

  /** What it applied stays on record; what it only wanted is decided again. */
  async function closeBroken(run: Pick<Run, 'id'>, problem: Problem): Promise<void> {
    await database.inTransaction(async (tx) => {
      const { state } = await runs.load(run.id, tx)
      if (state === 'running') await runs.update(tx, run.id, {})
      const applied = await history.keepApplied(tx, run.id)
      if (applied.length === 0) await runs.remove(tx, run.id)
      else if (state === 'running') {
        await runs.finish(tx, run.id, 'failed', now(), { error: problem, counts: countsOf(applied) })
      }
    })
  }

  async function readAndApply(
    underWay: UnderWay,
    company: SyncCompany,
    hints: readonly Hint[],
  ): Promise<HintOutcome[]> {
    const { run, signal, counts, progress } = underWay
    const source = await parts.sourceOf(run.connectionId, company.corpId, () => underWay.apiCalls++)
    const mapping = await compile(source.settings.mapping)
    // Before anything is asked: a run that begins later reads what is said then, or something newer.
    const isRunActive = (await runs.activeRunId(run.connectionId)) !== undefined
    const askedAt = now()
    const heard = await hear(database, source, mapping, hints, { askedAt, isRunActive }, { signal })
    const leftOut = new Set<string>()
    const hinted: Hinted = { ...heard, askedAt, onLeftOut: (key) => leftOut.add(key) }
    const { snapshot } = heard

    Object.assign(progress, { phase: 'apply', done: 0, total: hints.length })
    await noteBeforehand(run, source, heard, hinted)
    const waiting = await heldRuns.heldByEvents(database, run.connectionId)
    const scope = scopeOf(run.connectionId, company)
    const waitingKeys = new Set(
      waiting === undefined ? [] : (await history.heldWithin(waiting, scope)).map(removalKeyOf),
    )
    const fence = (tx: Transaction, update: RunUpdate) => runs.update(tx, run.id, update)
    const { held, unread, warnings } = await reconcile(
      { ...parts, now },
      snapshot,
      {
        runId: run.id,
        organizationId: source.organizationId,
        connectionId: source.connectionId,
        corpId: source.corpId,
        isPreview: false,
        isComplete: true,
        isAbsenceKnown: true,
        hinted,
        policy: { ...source.settings, emails: mapping.emails },
        approved: null,
        inTurn: inTurn(parts, { run, corpId: scope.corpId, waiting: waitingKeys, fence }),
        confirmGone: (userids) =>
          Promise.resolve({ gone: new Set(userids.filter((userid) => heard.isGone(foldName(userid)))), unread: [] }),
        links: heard.links,
        earlier: { nextPosition: 0, users: new Set(), departments: new Set() },
        signal,
        fence,
        onProgress: (done) => Object.assign(progress, { done }),
      },
      counts,
    )
    const changes: RecordedChange[] = []
    for await (const change of history.all(run.id, {})) changes.push(change)
    underWay.stopBeating()
    const ended = await end(underWay, company, { snapshot, held, waitingKeys, changes, warnings, unread })
    return hints.map((hint) => outcomeOf(hint, heard, { leftOut, changes, ...ended }))
  }

  // ---- What is written besides ------------------------------------------------------------------------------------

  /** Who is as they were last applied was asked for as well; and under which name somebody may be called next. */
  async function noteBeforehand(run: Run, source: SyncSource, heard: Heard, { askedAt, onLeftOut }: Hinted) {
    const { links, snapshot, nextNames } = heard
    const asApplied = [...links.keys()].filter(snapshot.isAsApplied)
    if (asApplied.length === 0 && nextNames.length === 0) return
    await database.inTransaction(async (tx) => {
      await runs.update(tx, run.id, {})
      const rows = await comparison.linksOf(tx, source, asApplied)
      const hashes = new Map(rows.map(({ userid_key, source_hash }) => [userid_key, source_hash]))
      const isStill = (key: string) => hashes.get(key) === links.get(key)!.hash
      await noteAskedMembers(tx, source, asApplied.filter(isStill), askedAt)
      for (const key of asApplied) if (!isStill(key)) onLeftOut(key)
      await noteAliases(
        tx,
        nextNames.map((alias) => ({ ...alias, at: askedAt })),
      )
    })
  }

  /** What is held is added to what waits already; a run that changed, held and failed nothing leaves no trace. */
  async function end(
    underWay: UnderWay,
    company: SyncCompany,
    { snapshot, held: added, waitingKeys, changes, warnings, unread }: Result,
  ): Promise<{ runId: string | null; heldRunId: string | null }> {
    const { run, counts, progress } = underWay
    const isOnRecord = changes.some(({ state }) => state === 'applied' || state === 'failed')
    const isClean = counts.users.failed + counts.departments.failed === 0
    const held = added && { keys: added.keys, reasons: added.reasons.map(named(company)) }
    const result = {
      corpId: company.corpId,
      name: company.name ?? '',
      complete: true,
      membersRead: snapshot.membersRead,
      departmentsRead: counts.departmentsRead,
      error: null,
    }
    const ended = await database.inTransaction(async (tx) => {
      await runs.update(tx, run.id, {})
      const collected =
        held === null ? null : await collectHeld(tx, run, company, held, waitingKeys, { ...result, isHeld: true })
      const isHeldHere = held !== null && collected === null
      if (!isOnRecord && !isHeldHere) {
        await runs.remove(tx, run.id)
        return { runId: null, heldRunId: collected }
      }
      await runs.finish(tx, run.id, isHeldHere ? 'held' : isClean ? 'succeeded' : 'partially_succeeded', now(), {
        progress,
        apiCalls: underWay.apiCalls,
        counts: collected === null ? counts : withoutHeld(counts),
        complete: true,
        unread,
        warnings,
        corps: company.name === null ? [] : [{ ...result, isHeld: isHeldHere }],
        held: isHeldHere ? describeHeld(held) : null,
      })
      return { runId: run.id, heldRunId: collected ?? (isHeldHere ? run.id : null) }
    })
    if (ended.runId !== null) log.info({ runId: run.id, counts, apiCalls: underWay.apiCalls }, 'events were applied')
    return ended
  }

  /**
   * @param waitingKeys what waits of this company already
   * @returns the run that holds them, or null when there is none that waits
   */
  async function collectHeld(
    tx: Transaction,
    run: Run,
    company: SyncCompany,
    added: HeldRemovals,
    waitingKeys: ReadonlySet<string>,
    result: CompanyResult,
  ): Promise<string | null> {
    const id = await heldRuns.heldByEvents(tx, run.connectionId)
    if (id === undefined || !(await heldRuns.lockHeld(tx, id))) return null
    // What somebody is approving just now stays what they have seen.
    if (await heldRuns.isBeingApproved(tx, id)) return null
    const waiting = await runs.load(id, tx)
    const all = await history.moveHeld(tx, run.id, id)
    const reasons = waiting.held?.reasons ?? []
    const ours = reasonsTogether([...waitingKeys, ...added.keys], added, reasons.filter(isNamed(company)))
    const others = reasons.filter((reason) => !isNamed(company)(reason))
    const before = waiting.corps.map((one) => (one.corpId === company.corpId ? { ...one, isHeld: true } : one))
    const isNew = company.name !== null && before.every(({ corpId }) => corpId !== company.corpId)
    const departments = all.filter(({ entity }) => entity === 'department').length
    await heldRuns.holdMore(tx, id, now(), {
      held: describeHeld({ keys: all.map(removalKeyOf), reasons: [...others, ...ours] }),
      corps: isNew ? [...before, result] : before,
      counts: {
        ...waiting.counts,
        users: { ...waiting.counts.users, held: all.length - departments },
        departments: { ...waiting.counts.departments, held: departments },
      },
    })
    return id
  }
}

interface Result {
  readonly snapshot: Snapshot
  readonly held: HeldRemovals | null
  /** What waited of this company before. */
  readonly waitingKeys: ReadonlySet<string>
  readonly changes: readonly RecordedChange[]
  readonly warnings: readonly Warning[]
  readonly unread: readonly Unread[]
}

function withoutHeld(counts: RunCounts): RunCounts {
  return {
    ...counts,
    users: { ...counts.users, held: 0 },
    departments: { ...counts.departments, held: 0 },
  }
}
