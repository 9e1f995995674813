/**
 * For how long the history of runs is kept. What a run did to somebody's access is in the audit record as well, which stays.
 * Called by a job of app.ts.
 */
import { isOneOf, type Database, type Transaction } from '../database/database.ts'
import { lowestId } from '../ids.ts'
import { sayingItsState } from './runs.ts'

/** Half a year: long enough for whoever asks later, and what changed about people is not kept for ever. */
const KEPT_FOR_MS = 180 * 24 * 60 * 60 * 1_000
const RUNS_AT_ONCE = 100
/** Of one run, in one transaction: a first run has as many as there are people. */
const CHANGES_AT_ONCE = 2_000

export type Retention = ReturnType<typeof createRetention>

export function createRetention({ database, now }: { database: Database; now: () => number }) {
  return {
    /**
     * Removes runs that ended half a year ago, with their changes. Not what waits for a person or is under way, not the
     * last runs of a connection, which say how it stands, and not what a younger run refers to. @returns how many
     */
    async removeOld(signal: AbortSignal): Promise<number> {
      const before = now() - KEPT_FOR_MS
      const lastOnes = await lastOfEach(before)
      let removed = 0
      for (;;) {
        const ids = await endedBefore(before, lastOnes)
        for (const id of ids) {
          if (signal.aborted) return removed
          while (await database.inTransaction((tx) => removeSome(tx, id)));
          removed++
        }
        if (ids.length < RUNS_AT_ONCE) return removed
      }
    },
  }

  async function endedBefore(before: number, lastOnes: readonly string[]): Promise<string[]> {
    const rows = await database.kysely
      .selectFrom('runs')
      .select('id')
      // The id says when it began, and has an index.
      .where('id', '<', lowestId('run', before))
      .where('state', 'not in', ['running', 'held'])
      .where('finished_at', '<', before)
      .where(({ not }) => not(isOneOf(database, 'id', lastOnes)))
      .where(({ not, exists, selectFrom }) =>
        not(exists(selectFrom('runs as later').select('later.id').whereRef('later.origin_run_id', '=', 'runs.id'))),
      )
      .orderBy('id')
      .limit(RUNS_AT_ONCE)
      .execute()
    return rows.map(({ id }) => id)
  }

  /** Of each connection that has runs so old: the newest of all, and the one that says its state, as in runs.ts. */
  async function lastOfEach(before: number): Promise<string[]> {
    const connections = await database.kysely
      .selectFrom('runs')
      .select('connection_id')
      .distinct()
      .where('id', '<', lowestId('run', before))
      .execute()
    const ids: string[] = []
    for (const { connection_id } of connections) {
      const newest = database.kysely
        .selectFrom('runs')
        .select('id')
        .where('connection_id', '=', connection_id)
        .orderBy('id', 'desc')
        .limit(1)
      for (const query of [newest, sayingItsState(newest)]) ids.push(...(await query.execute()).map(({ id }) => id))
    }
    return ids
  }
}

/** @returns whether more of it is left */
async function removeSome(tx: Transaction, id: string): Promise<boolean> {
  const changes = await tx.kysely
    .selectFrom('changes')
    .select('position')
    .where('run_id', '=', id)
    .orderBy('position')
    .limit(CHANGES_AT_ONCE)
    .execute()
  await tx.kysely
    .deleteFrom('changes')
    .where('run_id', '=', id)
    .where('position', '<=', changes.at(-1)?.position ?? -1)
    .execute()
  if (changes.length === CHANGES_AT_ONCE) return true
  await tx.kysely.deleteFrom('runs').where('id', '=', id).execute()
  return false
}
