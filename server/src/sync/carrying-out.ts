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
import { inTurn } from './claims.ts'
import * as heldRuns from './held-runs.ts'
import type { Earlier, History } from './history.ts'
import { describeHeld, type HeldRemovals } from './plan/held-removals.ts'
import type { MappingSettings } from './plan/mapping.ts'
import { removalKeyOf } from './plan/removals.ts'
import type { CompiledMapping } from './plan/rules.ts'
import { compile } from './compiled-mapping.ts'
import { confirmGone } from './read/confirmation.ts'
import { readingWarnings } from './read/explanations.ts'
import { createPages } from './read/pages.ts'
import { readAddressBook, type Credentials, type Reading } from './read/reader.ts'
import { createSnapshot, type Unread } from './read/snapshot.ts'
import { reconcile, type ReconcileOptions } from './reconcile.ts'
import { revertRun } from './revert.ts'
import { RunLost, type CompanyResult, type Run, type Runs, type RunUpdate, type Warning } from './runs.ts'
import { LETTING_GO, startBeating, type UnderWay } from './under-way.ts'

/** One company of a connection. */
export interface SyncCompany {
  readonly corpId: string
  /** Null for the one of a self-built connection. */
  readonly name: string | null
}

/** What sync needs to know about one company of a connection to read it. */
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
   * The companies that are to be read: one of a self-built connection, of a delegated one those that authorised it.
   * @throws AppError `connections/not-found`, `sync/disabled`, `connections/incomplete`
   */
  readonly companiesOf: (
    connectionId: string,
  ) => Promise<{ readonly organizationId: string; readonly companies: readonly SyncCompany[] }>
  /** @throws AppError as `companiesOf`, and `connections/corp-not-authorized` */
  readonly sourceOf: (connectionId: string, corpId: string, onCall: () => void) => Promise<SyncSource>
  /** What is set now; inside a transaction it stays so until that ends. */
  readonly settingsOf: (connectionId: string, tx?: Transaction) => Promise<CurrentSettings>
  /** Told about every run that ended, for metrics. */
  readonly onFinished?: (run: Run) => void
}

export interface CurrentSettings {
  readonly isEnabled: boolean
  /** Whether events are followed between runs. */
  readonly isRealTime: boolean
  /** Null for a connection of several companies. */
  readonly corpId: string | null
  readonly settings: SyncSettings
}

/** Changes when the program maps or compares differently than before, so that everybody is compared again. */
const MAPPING_GENERATION = 2

/** @returns what carries a run of ours out; it is stopped through `abort`, with the reason */
export function createCarryOut(parts: CarryOutParts) {
  const { database, runs, now, log } = parts
  const pages = createPages({ database })
  return carryOut

  /** From reading on, whoever began it. Never rejects: whatever happens ends in the state of the run. */
  async function carryOut(run: Run, abort: AbortController): Promise<void> {
    const underWay = startBeating(parts, run, abort)
    const { signal, progress, counts } = underWay
    try {
      const approval = await approvalOf(run)
      const readSince = now()
      const outcome = run.trigger === 'revert' ? await takeBack(underWay) : await readCompanies(underWay, approval)
      underWay.stopBeating()
      await database.inTransaction(async (tx) => {
        const { apiCalls } = underWay
        await runs.finish(tx, run.id, outcome.state, now(), { progress, counts, ...outcome.update, apiCalls })
        if (run.mode === 'preview' || run.trigger === 'revert') return
        // What was not read whole has not looked at everything: a decision that waits goes on waiting.
        if (outcome.update.complete !== true) return
        if (approval !== null) {
          const { users, departments } = approval.origin.counts
          const isClean = outcome.state === 'succeeded' && users.failed + departments.failed === 0
          await heldRuns.closeHeld(tx, approval.origin.id, isClean ? 'succeeded' : 'partially_succeeded')
        }
        await heldRuns.supersedeHeld(tx, run.connectionId, { newestId: run.id, readSince })
      })
    } catch (error) {
      underWay.stopBeating()
      await closeFailed(underWay, signal.aborted ? signal.reason : error)
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

  /** Every company by itself; one that cannot be read leaves the others alone. */
  async function readCompanies(underWay: UnderWay, approval: Approval | null): Promise<Ended> {
    const { run, signal } = underWay
    const { companies } = await parts.companiesOf(run.connectionId)
    const outcomes: CompanyOutcome[] = []
    let earlier = await parts.history.earlier(run.id)
    for (const company of companies) {
      try {
        const outcome = await readCompany(underWay, company, approval, earlier)
        earlier = { ...earlier, nextPosition: outcome.nextPosition }
        outcomes.push(outcome)
      } catch (error) {
        const isAlone = company.name === null
        if (isAlone || signal.aborted || error instanceof RunLost || isOutage(error)) throw error
        const problem = problemOf(error)
        // Those are about the connection, and so about every company of it.
        if (problem.code === 'sync/disabled' || problem.code === 'sync/settings-changed') throw error
        if (problem.code === 'sync/failed') log.error({ err: error, runId: run.id }, 'a company could not be read')
        outcomes.push(notRead(company, problem))
        // What was done before this process took the run over stays what it was.
        earlier = { ...earlier, nextPosition: (await parts.history.earlier(run.id)).nextPosition }
      }
    }
    outcomes.push(...cancelledMeanwhile(approval, companies))
    const first = outcomes[0]
    if (first !== undefined && outcomes.every(({ result }) => result.error !== null)) {
      const { code, ...rest } = first.result.error!
      await runs.update(database, run.id, { corps: outcomes.map(({ result }) => result) })
      throw new AppError(code, rest)
    }
    return summary(underWay, outcomes)
  }

  /** Settings as they are once nobody is changing them; whoever changes them from here on finds the run. */
  async function sourceFor(run: Run, corpId: string, onCall: () => void): Promise<SyncSource> {
    const source = await parts.sourceOf(run.connectionId, corpId, onCall)
    const current = await database.inTransaction((tx) => parts.settingsOf(run.connectionId, tx))
    if (!current.isEnabled) throw new AppError('sync/disabled')
    if (current.corpId !== null && current.corpId !== source.corpId) throw new AppError('sync/settings-changed')
    return { ...source, settings: current.settings }
  }

  async function approvalOf({ trigger, originRunId }: Run): Promise<Approval | null> {
    if (trigger !== 'approval' || originRunId === null) return null
    const changes = await parts.history.heldOf(originRunId)
    return { origin: await runs.load(originRunId), keys: new Set(changes.map(removalKeyOf)) }
  }

  async function readCompany(
    underWay: UnderWay,
    company: SyncCompany,
    approval: Approval | null,
    earlier: Earlier,
  ): Promise<CompanyOutcome> {
    const { run, signal, counts, progress } = underWay
    const source = await sourceFor(run, company.corpId, () => underWay.apiCalls++)
    const mapping = await compile(source.settings.mapping)
    Object.assign(progress, { phase: 'read', done: 0, total: 0 })
    const readSince = now()
    const prepared = prepare(source, mapping)
    const reading = await readAddressBook(
      source,
      prepared.then(({ builder }) => builder),
      {
        signal,
        onProgress: (done, total) => Object.assign(progress, { done, total }),
        onChoice: (choice) => runs.update(database, run.id, { reading: choice }),
      },
    )
    const { builder, links } = await prepared
    const snapshot = builder.finish()
    if (snapshot.membersRead === 0 && reading.unread.length > 0) throw nothingRead(reading)
    if (company.name !== null) await makeSureOf(run, company)

    Object.assign(progress, { phase: 'apply', done: 0, total: snapshot.changed.size })
    const fence: ReconcileOptions['fence'] = (tx, update) => runs.update(tx, run.id, update)
    const { warnings, held, unread, nextPosition } = await reconcile(
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
        readSince,
        policy: { ...source.settings, emails: mapping.emails },
        approved: approval?.keys ?? null,
        inTurn: inTurn(parts, { run, corpId: scopeOf(run.connectionId, company).corpId, fence }),
        confirmGone: (userids, until) => confirmGone(source, reading, userids, until),
        links,
        earlier,
        signal,
        fence,
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
    return {
      company,
      nextPosition,
      held,
      unread: [...reading.unread, ...unread],
      warnings: [...readingWarnings(reading, snapshot, mapping), ...warnings, ...(await settingsWarnings(source))],
      result: {
        corpId: company.corpId,
        name: company.name ?? '',
        complete: isComplete,
        membersRead: snapshot.membersRead,
        departmentsRead: snapshot.departments.length,
        isHeld: held !== null,
        error: null,
      },
    }
  }

  /** What is known here of a company, and a place for what WeCom shows. */
  async function prepare(source: SyncSource, mapping: CompiledMapping) {
    const { connectionId, corpId, settings } = source
    const [links, knownPages] = await Promise.all([
      linkIndex(database, connectionId, corpId),
      pages.load(connectionId, corpId),
    ])
    return { links, builder: createSnapshot(links, mappingSettings(settings, mapping), knownPages) }
  }

  /** A company that takes its authorisation back while it is read is not written any more. */
  async function makeSureOf({ connectionId }: Run, { corpId }: SyncCompany): Promise<void> {
    const { companies } = await parts.companiesOf(connectionId)
    if (!companies.some((company) => company.corpId === corpId)) throw new AppError('connections/corp-not-authorized')
  }

  async function takeBack({ run, signal, counts, progress }: UnderWay): Promise<Ended> {
    const total = await parts.history.countApplied(run.originRunId!, run.onlyUserId)
    Object.assign(progress, { phase: 'apply', done: 0, total })
    const { corpId } = await parts.settingsOf(run.connectionId)
    await revertRun(
      parts,
      {
        run,
        corpId,
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

  async function closeFailed({ run, progress, apiCalls }: UnderWay, error: unknown): Promise<void> {
    if (error instanceof RunLost) return noteLost(run)
    if (error === LETTING_GO) return letGo(run, { progress, apiCalls })
    const problem = problemOf(error)
    if (problem.code === 'sync/failed') log.error({ err: error, runId: run.id }, 'the run failed')
    try {
      // Disabling sync cancels what is under way, also when nobody was there to be told.
      const state = problem.code === 'sync/disabled' ? 'cancelled' : 'failed'
      // Not the counts: each transaction wrote its own. What this process believes may lack the last one, when the
      // database committed and the answer was lost.
      await runs.finish(database, run.id, state, now(), { progress, apiCalls, error: problem })
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

/** How a run ends, and with what. */
interface Ended {
  readonly state: 'succeeded' | 'partially_succeeded' | 'held' | 'previewed'
  readonly update: RunUpdate
}

/** How one company went. */
interface CompanyOutcome {
  readonly company: SyncCompany
  readonly nextPosition: number
  readonly held: HeldRemovals | null
  readonly unread: readonly Unread[]
  readonly warnings: readonly Warning[]
  readonly result: CompanyResult
}

/**
 * Of the companies whose removals somebody approved, those that have taken their authorisation back. Nothing of them can be
 * looked at, and so the decision about them goes on waiting.
 */
function cancelledMeanwhile(approval: Approval | null, companies: readonly SyncCompany[]): CompanyOutcome[] {
  const readable = new Set(companies.map(({ corpId }) => corpId))
  const missing = approval?.origin.corps.filter(({ corpId, isHeld }) => isHeld && !readable.has(corpId)) ?? []
  return missing.map(({ corpId, name }) => notRead({ corpId, name }, { code: 'connections/corp-not-authorized' }))
}

function notRead(company: SyncCompany, problem: Problem): CompanyOutcome {
  const { corpId, name } = company
  const nothing = { complete: false, membersRead: 0, departmentsRead: 0, isHeld: false }
  const result = { corpId, name: name ?? '', ...nothing, error: problem }
  return { company, nextPosition: 0, held: null, unread: [], warnings: [], result }
}

function summary({ run, counts }: UnderWay, outcomes: readonly CompanyOutcome[]): Ended {
  const isComplete = outcomes.every(({ result }) => result.complete)
  const isClean = isComplete && counts.users.failed === 0 && counts.departments.failed === 0
  const held = outcomes.flatMap((outcome) => (outcome.held === null ? [] : [ofCompany(outcome, outcome.held)]))
  const together = { keys: held.flatMap(({ keys }) => keys), reasons: held.flatMap(({ reasons }) => reasons) }
  return {
    state:
      run.mode === 'preview' ? 'previewed' : held.length > 0 ? 'held' : isClean ? 'succeeded' : 'partially_succeeded',
    update: {
      complete: isComplete,
      unread: outcomes.flatMap(({ company, unread }) =>
        unread.map((one) => (company.name === null ? one : { ...one, what: `${company.name}: ${one.what}` })),
      ),
      corps: outcomes.flatMap(({ company, result }) => (company.name === null ? [] : [result])),
      held: held.length === 0 ? null : describeHeld(together),
      warnings: [...run.warnings, ...outcomes.flatMap(({ company, warnings }) => warnings.map(named(company)))],
    },
  }
}

function ofCompany({ company }: CompanyOutcome, { keys, reasons }: HeldRemovals): HeldRemovals {
  return { keys, reasons: reasons.map(named(company)) }
}

/** With the name of the company before it, where there are several. */
export function named({ name }: SyncCompany): (warning: Warning) => Warning {
  return ({ code, detail }) => ({
    code,
    detail: name === null ? detail : { en: `${name}: ${detail.en}`, zh: `${name}：${detail.zh}` },
  })
}

/** Whether this was said of the company, as `named` says it; of the only one everything was. */
export function isNamed({ name }: SyncCompany): (warning: Warning) => boolean {
  return ({ detail }) => name === null || detail.en.startsWith(`${name}: `)
}

/** Where there are several companies, each has its own share to lose (http-api.md §5). */
export function scopeOf(connectionId: string, { corpId, name }: SyncCompany) {
  return { connectionId, corpId: name === null ? null : corpId }
}

/** What an administrator has seen and wants done. */
interface Approval {
  readonly origin: Run
  /** As `removalKeyOf` makes them. */
  readonly keys: ReadonlySet<string>
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

/** What to store and show about whatever ended the work of a run. */
export function problemOf(error: unknown): Problem {
  if (error instanceof AppError) return error.problem
  if (isOutage(error)) return { code: 'database/unavailable' }
  return wecomProblem(error) ?? { code: 'sync/failed' }
}
