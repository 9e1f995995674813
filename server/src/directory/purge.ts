/**
 * Ends what tombstones still hold, 30 days after the deletion: the user, the links and the memberships go for good, and
 * the audit record keeps the id without a name. Ids are never used again; whoever returns is somebody new. What the
 * history of runs says about the person is cleared afterwards, by sync, from the list that is left here.
 */
import { SYSTEM, type Audit } from '../audit/audit.ts'
import { insertRows, isOneOf, type Database, type Row, type Transaction } from '../database/database.ts'

/** A member that somebody was, as it may still be written somewhere. */
export interface Trace {
  readonly connectionId: string
  readonly useridKey: string
}

export type Purge = ReturnType<typeof createPurge>

const DAY_MS = 24 * 60 * 60 * 1_000
const RESTORABLE_DAYS = 30
/** Few, so that everybody else has their turn between two of them. */
const SLICE = 100

export function createPurge({ database, audit, now }: { database: Database; audit: Audit; now: () => number }) {
  return {
    /** Purges who is due, some at a time, until nobody is or `signal` aborts. @returns how many */
    async run(signal: AbortSignal): Promise<number> {
      let purged = 0
      for (;;) {
        if (signal.aborted) return purged
        const count = await database.inTransaction(purgeSlice)
        purged += count
        if (count < SLICE) return purged
      }
    },
  }

  async function purgeSlice(tx: Transaction): Promise<number> {
    const at = now()
    // Locked: a restoration either came first, and the tombstone is none any more, or finds nobody. Whom another process
    // purges just now is passed over.
    const due = await tx.kysely
      .selectFrom('users')
      .select(['id', 'organization_id'])
      .where('status', '=', 'deleted')
      .where('deleted_at', '<=', at - RESTORABLE_DAYS * DAY_MS)
      .orderBy('id')
      .limit(SLICE)
      .$if(tx.dialect === 'postgres', (query) => query.forUpdate().skipLocked())
      .execute()
    if (due.length === 0) return 0
    const ids = due.map(({ id }) => id)
    const links = await tx.kysely
      .selectFrom('links')
      .selectAll()
      .where(isOneOf(tx, 'user_id', ids))
      .execute()
    const linksOf = Map.groupBy(links, ({ user_id }) => user_id)
    await insertRows(
      tx,
      'purged_users',
      ids.map((id): Row<'purged_users'> => ({
        user_id: id,
        purged_at: at,
        traces: JSON.stringify((linksOf.get(id) ?? []).map(traceOf)),
      })),
    )
    await tx.kysely
      .deleteFrom('memberships')
      .where(isOneOf(tx, 'user_id', ids))
      .execute()
    await tx.kysely
      .deleteFrom('links')
      .where(isOneOf(tx, 'user_id', ids))
      .execute()
    await tx.kysely
      .deleteFrom('users')
      .where(isOneOf(tx, 'id', ids))
      .execute()
    await tx.kysely
      .updateTable('sign_ins')
      .set({ userid: null, address: null })
      .where(isOneOf(tx, 'user_id', ids))
      .execute()
    await audit.forgetNames(tx, [...ids, ...links.map(({ id }) => id)])
    await audit.record(
      tx,
      SYSTEM,
      due.map(({ id, organization_id }) => ({
        action: 'user.purge',
        organizationId: organization_id,
        target: { kind: 'user', id, name: null },
      })),
    )
    return due.length
  }
}

function traceOf({ connection_id, userid_key }: Row<'links'>): Trace {
  return { connectionId: connection_id, useridKey: userid_key }
}
