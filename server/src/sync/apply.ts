/**
 * Carries out steps in short transactions and keeps the record of each. A slice that the database refuses because of what
 * a row holds is tried again one step at a time, so that one bad row fails alone. Called by sync.ts only.
 */
import { SYSTEM, type Audit } from '../audit/audit.ts'
import { insertRows, isRowFault, type Database, type Row, type Transaction } from '../database/database.ts'
import type { Problem } from '../errors.ts'
import type { Change, ChangeAction, Step } from './changes.ts'
import type { RunCounts, RunUpdate } from './runs.ts'

export interface ApplyOptions {
  readonly runId: string
  readonly organizationId: string
  /** A preview only keeps the record. */
  readonly isPreview: boolean
  readonly counts: RunCounts
  readonly signal: AbortSignal
  /** Called inside every transaction, first: throws when the run is no longer ours. */
  readonly fence: (tx: Transaction, update: RunUpdate) => Promise<void>
  /** How many changes the run has recorded; the next one gets this position. */
  position: number
}

/** People in one transaction: a few tens of milliseconds, in which nobody else can write. */
export const SLICE = 1_000

/** @param write writes what the steps ask for; all of them or none */
export async function applySteps<W>(
  { database, audit }: { database: Database; audit: Audit },
  steps: readonly Step<W>[],
  write: (tx: Transaction, writes: readonly W[]) => Promise<void>,
  options: ApplyOptions,
): Promise<void> {
  options.signal.throwIfAborted()
  try {
    await applyTogether({ database, audit }, steps, write, options)
  } catch (error) {
    if (!isRowFault(error)) throw error
    if (steps.length === 1) return applyTogether({ database, audit }, [refused(steps[0]!)], write, options)
    for (const step of steps) await applySteps({ database, audit }, [step], write, options)
  }
}

async function applyTogether<W>(
  { database, audit }: { database: Database; audit: Audit },
  steps: readonly Step<W>[],
  write: (tx: Transaction, writes: readonly W[]) => Promise<void>,
  options: ApplyOptions,
): Promise<void> {
  const changes = steps.flatMap((step) => step.changes.map((change) => settled(change, options.isPreview)))
  const counts = structuredClone(options.counts)
  for (const change of changes) count(counts, change)
  await database.inTransaction(async (tx) => {
    await options.fence(tx, { counts })
    if (!options.isPreview) {
      await write(
        tx,
        steps.flatMap((step) => (step.write === null ? [] : [step.write])),
      )
    }
    await insertRows(
      tx,
      'changes',
      changes.map((change, index) => toRow(change, options.runId, options.position + index)),
    )
    if (!options.isPreview) await audit.record(tx, SYSTEM, accessChanges(changes, options))
  })
  Object.assign(options.counts, counts)
  options.position += changes.length
}

function settled(change: Change, isPreview: boolean): Change {
  return change.state === 'planned' && !isPreview ? { ...change, state: 'applied' } : change
}

function refused<W>(step: Step<W>): Step<W> {
  const problem: Problem = { code: 'sync/write-failed' }
  return { changes: step.changes.map((change) => ({ ...change, state: 'failed', problem })), write: null }
}

const ACCESS_ACTIONS: ReadonlySet<ChangeAction> = new Set(['disable', 'enable', 'delete', 'restore', 'unlink', 'link'])

/** Every change of access that a run makes is on record for itself (invariant 7). */
function accessChanges(changes: readonly Change[], { runId, organizationId }: ApplyOptions) {
  return changes
    .filter(({ state, action, targetId }) => state === 'applied' && ACCESS_ACTIONS.has(action) && targetId !== null)
    .map(({ entity, action, targetId, name, reason }) => ({
      action: `${entity}.${action}`,
      organizationId,
      // A person's name stays out of the record, which outlives the person (threats.md D-07).
      target: { kind: entity, id: targetId!, name: entity === 'department' ? name : null },
      details: { runId, ...(reason === null ? {} : { reason }) },
    }))
}

const COUNTED_AS = {
  create: 'created',
  update: 'updated',
  disable: 'disabled',
  enable: 'enabled',
  delete: 'deleted',
  restore: 'restored',
  link: 'linked',
  unlink: 'unlinked',
} as const satisfies Record<ChangeAction, keyof RunCounts['users']>

function count(counts: RunCounts, { entity, action, state }: Change): void {
  const name =
    state === 'planned' || state === 'applied' ? COUNTED_AS[action] : state === 'rejected' ? 'skipped' : state
  const group: Record<string, number> = entity === 'department' ? counts.departments : counts.users
  group[name] = (group[name] ?? 0) + 1
}

function toRow(change: Change, runId: string, position: number): Row<'changes'> {
  return {
    run_id: runId,
    position,
    entity: change.entity,
    action: change.action,
    state: change.state,
    external_id: change.externalId,
    target_id: change.targetId,
    name: change.name,
    before_fields: change.before === null ? null : JSON.stringify(change.before),
    after_fields: change.after === null ? null : JSON.stringify(change.after),
    reason: change.reason,
    error: change.problem === null ? null : JSON.stringify(change.problem),
  }
}
