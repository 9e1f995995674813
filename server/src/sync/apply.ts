/**
 * Carries out decisions in short transactions and keeps the record of each. What is decided is decided inside the
 * transaction that writes it, so that nothing an administrator did meanwhile is overwritten. A batch that the database
 * refuses because of what a row holds is tried again one by one, so that one bad row fails alone.
 */
import { SYSTEM, type Audit } from '../audit/audit.ts'
import { insertRows, isRowFault, type Database, type Row, type Transaction } from '../database/database.ts'
import type { Problem } from '../errors.ts'
import type { Change, ChangeAction, Step } from './plan/changes.ts'
import { noCounts, type RunCounts, type RunUpdate } from './runs.ts'

export interface ApplyOptions {
  readonly runId: string
  readonly organizationId: string
  /** A preview only keeps the record. */
  readonly isPreview: boolean
  readonly counts: RunCounts
  /** The run whose changes these take back. */
  readonly reverts?: string
  readonly signal: AbortSignal
  /** Called first inside every transaction, and again with its counts: throws when the run is no longer ours. */
  readonly fence: (tx: Transaction, update: RunUpdate) => Promise<void>
  /** How many changes the run has recorded; the next one gets this position. */
  position: number
  /**
   * Told what each batch came to, instead of the record: with it and `isPreview` nothing at all is written. For whoever
   * only asks what a run would do.
   */
  readonly onDecided?: (changes: readonly Change[]) => void
}

/** What a batch came to. */
export interface Decision<Write> {
  readonly steps: readonly Step<Write>[]
  /** How many were looked at and are right as they are. */
  readonly unchanged: number
  /** How many policy leaves out without a row for each. */
  readonly leftOut: number
}

/** Things that are decided and written together. */
export interface Batch<Write> {
  readonly decide: (tx: Transaction) => Promise<Decision<Write>>
  /** Writes all of it or throws. */
  readonly write: (tx: Transaction, writes: readonly Write[]) => Promise<void>
  /** The same things one by one, for when together they are refused; a batch of one thing has none. */
  readonly parts: () => readonly Batch<Write>[]
}

/** A batch of what was decided already. */
export function batchOf<Write>(steps: readonly Step<Write>[], write: Batch<Write>['write']): Batch<Write> {
  return {
    decide: () => Promise.resolve({ steps, unchanged: 0, leftOut: 0 }),
    write,
    parts: () => (steps.length < 2 ? [] : steps.map((step) => batchOf([step], write))),
  }
}

export async function applyBatch<Write>(
  parts: { database: Database; audit: Audit },
  batch: Batch<Write>,
  options: ApplyOptions,
): Promise<void> {
  options.signal.throwIfAborted()
  try {
    await applyTogether(parts, batch, options)
  } catch (error) {
    if (!isRowFault(error)) throw error
    const singles = batch.parts()
    for (const single of singles) await applyBatch(parts, single, options)
    if (singles.length === 0) await applyTogether(parts, refusedBatch(batch), options)
  }
}

async function applyTogether<Write>(
  { database, audit }: { database: Database; audit: Audit },
  batch: Batch<Write>,
  options: ApplyOptions,
): Promise<void> {
  const done = await database.inTransactionOfMany(async (tx) => {
    await options.fence(tx, {})
    const { steps, unchanged, leftOut } = await batch.decide(tx)
    const together = steps.map((step) => step.changes.map((change) => settled(change, options.isPreview)))
    const changes = together.flat()
    const counts = structuredClone(options.counts)
    counts.users.unchanged += unchanged
    counts.users.skipped += leftOut
    for (const ofStep of together) for (const change of toCount(ofStep)) count(counts, change)
    await options.fence(tx, { counts })
    if (!options.isPreview) {
      const writes = steps.flatMap((step) => (step.write === null ? [] : [step.write]))
      await batch.write(tx, writes)
    }
    if (options.onDecided === undefined) {
      await insertRows(
        tx,
        'changes',
        changes.map((change, index) => toRow(change, options.runId, options.position + index)),
      )
    }
    if (!options.isPreview) await audit.record(tx, SYSTEM, accessChanges(changes, options))
    return { counts, changes }
  })
  Object.assign(options.counts, done.counts)
  options.position += done.changes.length
  options.onDecided?.(done.changes)
}

function settled(change: Change, isPreview: boolean): Change {
  return change.state === 'planned' && !isPreview ? { ...change, state: 'applied' } : change
}

function refusedBatch<Write>(batch: Batch<Write>): Batch<Write> {
  const problem: Problem = { code: 'sync/write-failed' }
  return {
    ...batch,
    async decide(tx) {
      const decision = await batch.decide(tx)
      const steps = decision.steps.map(({ changes }) => ({
        changes: changes.map((change) =>
          change.state === 'planned' ? { ...change, state: 'failed' as const, problem } : change,
        ),
        write: null,
      }))
      return { ...decision, steps }
    },
  }
}

const ACCESS_ACTIONS: ReadonlySet<ChangeAction> = new Set(['disable', 'enable', 'delete', 'restore', 'unlink', 'link'])

/** Every change of access that a run makes is on record for itself (invariant 7). */
function accessChanges(changes: readonly Change[], { runId, organizationId, reverts }: ApplyOptions) {
  return (
    changes
      .filter(({ state, targetId }) => state === 'applied' && targetId !== null)
      // A link that moves to another userid gives access to another member.
      .filter(({ entity, action }) => ACCESS_ACTIONS.has(action) || (entity === 'link' && action === 'update'))
      .map(({ entity, action, targetId, name, reason }) => ({
        action: `${entity}.${action}`,
        organizationId,
        // A person's name stays out of the record, which outlives the person (threats.md D-07).
        target: { kind: entity, id: targetId!, name: entity === 'department' ? name : null },
        details: { runId, ...(reverts === undefined ? {} : { reverts }), ...(reason === null ? {} : { reason }) },
      }))
  )
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

/** What changes come to that are on record already. */
export function countsOf(changes: readonly CountedChange[]): RunCounts {
  const counts = noCounts()
  for (const together of Map.groupBy(changes, ({ targetId }) => targetId).values()) {
    for (const change of toCount(together)) count(counts, change)
  }
  return counts
}

type CountedChange = Pick<Change, 'entity' | 'action' | 'state' | 'targetId'>

/** Somebody whose link moves and whose fields change is one person who is updated. */
function toCount(together: readonly CountedChange[]): readonly CountedChange[] {
  if (together.length === 1) return together
  const isUpdated = together.some(({ entity, action }) => entity === 'user' && action === 'update')
  return together.filter(({ entity, action }) => !(isUpdated && entity === 'link' && action === 'update'))
}

function count(counts: RunCounts, { entity, action, state }: CountedChange): void {
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
    inverse: change.inverse === null ? null : JSON.stringify(change.inverse),
    reason: change.reason,
    error: change.problem === null ? null : JSON.stringify(change.problem),
    review_id: change.reviewId,
  }
}
