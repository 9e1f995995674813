/**
 * Runs whose removals wait for a person: what is added to them, and how the waiting ends. Nobody owns them, so whoever
 * changes one holds it until the end of the transaction. Called by sync.ts, carrying-out.ts and hint-work.ts.
 */
import { sql } from 'kysely'
import type { Executor, Transaction } from '../database/database.ts'
import type { CompanyResult, Held, RunCounts } from './runs.ts'

/** The run in which removals wait that events want. */
export async function heldByEvents(on: Executor, connectionId: string): Promise<string | undefined> {
  const row = await on.kysely
    .selectFrom('runs')
    .select('id')
    .where('connection_id', '=', connectionId)
    .where('state', '=', sql.lit('held'))
    .where('trigger_kind', '=', 'event')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row?.id
}

/** What a held run holds after more was added to it, at this moment. */
export async function holdMore(
  tx: Transaction,
  id: string,
  at: number,
  {
    held,
    corps,
    counts,
  }: { readonly held: Held; readonly corps: readonly CompanyResult[]; readonly counts: RunCounts },
): Promise<void> {
  await tx.kysely
    .updateTable('runs')
    .set({
      held: JSON.stringify(held),
      corps: JSON.stringify(corps),
      counts: JSON.stringify(counts),
      finished_at: at,
    })
    .where('id', '=', id)
    .execute()
}

/** Keeps a held run as it is until the transaction ends. @returns whether it is held */
export async function lockHeld(tx: Transaction, id: string): Promise<boolean> {
  const result = await tx.kysely
    .updateTable('runs')
    .set({ state: 'held' })
    .where('id', '=', id)
    .where('state', '=', 'held')
    .executeTakeFirst()
  return result.numUpdatedRows === 1n
}

/** Whether somebody has just agreed to what this run holds. */
export async function isBeingApproved(on: Executor, id: string): Promise<boolean> {
  const row = await on.kysely
    .selectFrom('runs')
    .select('id')
    .where('origin_run_id', '=', id)
    .where('state', '=', 'running')
    .executeTakeFirst()
  return row !== undefined
}

/** Ends the waiting of a held run. @returns whether it was held */
export async function closeHeld(
  on: Executor,
  id: string,
  state: 'succeeded' | 'partially_succeeded' | 'rejected',
): Promise<boolean> {
  const result = await on.kysely
    .updateTable('runs')
    .set({ state })
    .where('id', '=', id)
    .where('state', '=', 'held')
    .executeTakeFirst()
  return result.numUpdatedRows === 1n
}

export async function setCounts(on: Executor, id: string, counts: RunCounts): Promise<void> {
  await on.kysely
    .updateTable('runs')
    .set({ counts: JSON.stringify(counts) })
    .where('id', '=', id)
    .execute()
}

/**
 * What an older run holds is out of date once a newer one has read and judged everything. Not what events have added
 * since that reading began.
 */
export async function supersedeHeld(
  on: Executor,
  connectionId: string,
  { newestId, readSince }: { readonly newestId: string; readonly readSince: number },
): Promise<void> {
  await on.kysely
    .updateTable('runs')
    .set({ state: 'superseded' })
    .where('connection_id', '=', connectionId)
    .where('state', '=', 'held')
    .where('id', '<>', newestId)
    .where(({ eb, or }) => or([eb('trigger_kind', '<>', 'event'), eb('finished_at', '<', readSince)]))
    .execute()
}
