/**
 * What runs that are under way have been allowed to remove. A full run and a run of events may be judged at the same moment,
 * before either has removed anybody: each takes what it is allowed out of the share that is left, one after the other, and
 * whoever comes next counts it (docs/decisions/0028). Called by carrying-out.ts and hint-work.ts.
 */
import { insertRows, takeTurn, type Database, type Transaction } from '../database/database.ts'
import type { History } from './history.ts'
import type { InTurn } from './judgement.ts'
import { removalKey } from './plan/removals.ts'
import type { Run, RunUpdate } from './runs.ts'

/** How long a removal that nobody approved counts (product.md §4.4). */
const WINDOW_MS = 24 * 60 * 60 * 1_000

export interface Claimant {
  readonly run: Pick<Run, 'id' | 'connectionId' | 'mode' | 'trigger'>
  /** Where there are several companies, each has its own share to lose; else null. */
  readonly corpId: string | null
  /** What waits for a person already, as `removalKey` names it. */
  readonly waiting?: ReadonlySet<string>
  readonly fence: (tx: Transaction, update: RunUpdate) => Promise<void>
}

/** Lets the guard judge what a run would remove while no other run of the connection is judged. */
export function inTurn(
  { database, history, now }: { database: Database; history: History; now: () => number },
  { run, corpId, waiting = new Set(), fence }: Claimant,
): InTurn {
  const scope = { connectionId: run.connectionId, corpId }
  return (judge) =>
    database.inTransaction(async (tx) => {
      await takeTurn(tx, `removals/${run.connectionId}`)
      await fence(tx, {})
      const recent = await history.removalsSince(scope, now() - WINDOW_MS, tx)
      const claimed = await claimedByOthers(tx, run, corpId)
      const { verdict, allowed } = await judge(tx, { ...recent, planned: new Set([...waiting, ...claimed]) })
      // What an administrator agreed to is not taken from the share, and a preview takes nothing.
      if (run.mode === 'apply' && run.trigger !== 'approval') await claim(tx, run, corpId, allowed)
      return verdict
    })
}

/** What the others have not removed yet; what they have is among the removals of the day. */
async function claimedByOthers(
  tx: Transaction,
  { id, connectionId }: Claimant['run'],
  corpId: string | null,
): Promise<Set<string>> {
  const claims = await tx.kysely
    .selectFrom('removal_claims')
    .innerJoin('runs', 'runs.id', 'removal_claims.run_id')
    .where('runs.connection_id', '=', connectionId)
    .where('runs.state', '=', 'running')
    .where('runs.id', '<>', id)
    .where('removal_claims.corp_id', '=', corpId ?? '')
    .select(['removal_claims.run_id', 'removal_claims.removals'])
    .execute()
  const left = new Set(claims.flatMap(({ removals }) => JSON.parse(removals) as string[]))
  if (left.size === 0) return left
  const done = await tx.kysely
    .selectFrom('changes')
    .select(['entity', 'action', 'target_id'])
    .where(
      'run_id',
      'in',
      claims.map(({ run_id }) => run_id),
    )
    .where('state', '=', 'applied')
    .where('action', 'in', ['disable', 'delete'])
    .execute()
  for (const { entity, action, target_id } of done) {
    left.delete(removalKey(entity === 'department' ? entity : 'user', action, target_id!))
  }
  return left
}

/** A run that was taken over is judged again, and claims anew what it has not removed. What is over claims nothing. */
async function claim(
  tx: Transaction,
  { id, connectionId }: Claimant['run'],
  corpId: string | null,
  removals: readonly string[],
): Promise<void> {
  const running = tx.kysely.selectFrom('runs').select('id').where('connection_id', '=', connectionId)
  await tx.kysely
    .deleteFrom('removal_claims')
    .where('connection_id', '=', connectionId)
    .where(({ or, and, eb }) =>
      or([
        eb('run_id', 'not in', running.where('state', '=', 'running')),
        and([eb('run_id', '=', id), eb('corp_id', '=', corpId ?? '')]),
      ]),
    )
    .execute()
  if (removals.length === 0) return
  await insertRows(tx, 'removal_claims', [
    { run_id: id, corp_id: corpId ?? '', connection_id: connectionId, removals: JSON.stringify(removals) },
  ])
}
