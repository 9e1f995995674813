/**
 * The one place where somebody loses access. Every path that takes it away calls this in the transaction that does so:
 * sync and its undoing through writes.ts, administrators through users.ts and links.ts, and the removal of a connection.
 * Sessions, codes and refresh tokens end here as soon as there are any; so far it notes the moment, before which nothing
 * that was issued to the person counts.
 */
import { isOneOf, type Transaction } from '../database/database.ts'

/** Ends everything these users hold. @param at milliseconds since 1970 */
export async function signOutEverywhere(tx: Transaction, userIds: readonly string[], at: number): Promise<void> {
  if (userIds.length === 0) return
  await tx.kysely
    .updateTable('users')
    .set({ signed_out_at: at })
    .where(isOneOf(tx, 'id', userIds))
    .execute()
}

/** Of these users, signs out those who have neither a link nor a password any more. */
export async function signOutWithoutDoor(tx: Transaction, userIds: readonly string[], at: number): Promise<void> {
  if (userIds.length === 0) return
  const shutOut = await tx.kysely
    .selectFrom('users')
    .select('id')
    .where(isOneOf(tx, 'id', userIds))
    .where('password_hash', 'is', null)
    .where('id', 'not in', (eb) =>
      eb
        .selectFrom('links')
        .select('user_id')
        .where(isOneOf(tx, 'user_id', userIds)),
    )
    .execute()
  await signOutEverywhere(
    tx,
    shutOut.map(({ id }) => id),
    at,
  )
}

/** Ends everything that was issued to an application. */
export async function endApplicationAccess(_tx: Transaction, _applicationId: string): Promise<void> {
  // Nothing is issued to applications yet; the tables come with the provider.
}
