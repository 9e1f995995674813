/**
 * When connections are due (product.md §4.5): which are, using a due time up, and what saving a schedule does to it. The
 * arithmetic is schedule.ts's. One row holds one due time, so that any number of processes make one run of it.
 */
import { SyncSettings } from '@muster/contracts'
import type { Database, Row, Transaction } from '../database/database.ts'
import { LONGEST_WAIT_MS, nextRunAfter } from './schedule.ts'

/** A schedule that is due. */
export interface DueRun {
  readonly connectionId: string
  readonly organizationId: string
  readonly dueAt: number
}

export function createDueRuns({ database }: { database: Database }) {
  return {
    /**
     * Schedules that are due, longest due first; of a connection with an active run, once that has ended. A due time that
     * no schedule can have set, because a clock was wrong, is computed anew.
     */
    async dueRuns(at: number): Promise<DueRun[]> {
      await forgetImpossibleTimes(at)
      const rows = await database.kysely
        .selectFrom('connections')
        .select(['id', 'organization_id', 'next_run_at'])
        .where('next_run_at', '<=', at)
        .where(({ not, exists, selectFrom }) =>
          not(
            exists(
              selectFrom('runs')
                .select('runs.id')
                .whereRef('runs.connection_id', '=', 'connections.id')
                .where('runs.state', '=', 'running'),
            ),
          ),
        )
        .orderBy('next_run_at')
        .execute()
      return rows.map((row) => ({
        connectionId: row.id,
        organizationId: row.organization_id,
        dueAt: row.next_run_at!,
      }))
    },

    /**
     * Uses a due time up, in the transaction that begins its run, and sets the next one. However many were missed, that is
     * one run. @returns false when somebody else was faster, or the schedule was changed
     */
    async useDueTime(tx: Transaction, { connectionId, dueAt }: DueRun, at: number): Promise<boolean> {
      const held = tx.kysely.selectFrom('connections').selectAll().where('id', '=', connectionId)
      const row = await (tx.dialect === 'postgres' ? held.forNoKeyUpdate() : held).executeTakeFirst()
      if (row?.next_run_at !== dueAt) return false
      // A process whose clock is behind must not find the same moment again.
      const next = nextRunAfter(SyncSettings.parse(JSON.parse(row.sync)), Math.max(at, dueAt), dueAt)
      const result = await tx.kysely
        .updateTable('connections')
        .set({ next_run_at: next })
        .where('id', '=', connectionId)
        .where('next_run_at', '=', dueAt)
        .executeTakeFirst()
      return result.numUpdatedRows === 1n
    },
  }

  async function forgetImpossibleTimes(at: number): Promise<void> {
    const rows = await database.kysely
      .selectFrom('connections')
      .select(['id', 'sync', 'next_run_at'])
      .where('next_run_at', '>', at + LONGEST_WAIT_MS)
      .execute()
    for (const { id, sync, next_run_at } of rows) {
      await database.kysely
        .updateTable('connections')
        .set({ next_run_at: nextRunAfter(SyncSettings.parse(JSON.parse(sync)), at) })
        .where('id', '=', id)
        .where('next_run_at', '=', next_run_at)
        .execute()
    }
  }
}

/** Another schedule, another zone or switching sync on starts anew; saving anything else moves nothing. */
export function dueAfterSaving(
  next: Row<'connections'>,
  current: Row<'connections'> | undefined,
  at: number,
): number | null {
  if (next.sync_enabled === 0) return null
  const sync = SyncSettings.parse(JSON.parse(next.sync))
  if (current?.sync_enabled === 1) {
    const { schedule, timeZone } = SyncSettings.parse(JSON.parse(current.sync))
    const isSame = JSON.stringify([schedule, timeZone]) === JSON.stringify([sync.schedule, sync.timeZone])
    if (isSame) return current.next_run_at
  }
  return nextRunAfter(sync, at)
}
