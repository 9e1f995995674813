/**
 * The one place where somebody loses access. Every path that takes it away calls this in the transaction that does so:
 * sync and its undoing through writes.ts, administrators through users.ts and links.ts, what happens to a connection, and
 * people who end their own sessions. It also notes the moment, before which nothing that was issued to the person counts.
 */
import { sql, type RawBuilder } from 'kysely'
import { isOneOf, type Transaction } from '../database/database.ts'

/** Ends everything these users hold. @param at milliseconds since 1970 */
export async function signOutEverywhere(tx: Transaction, userIds: readonly string[], at: number): Promise<void> {
  if (userIds.length === 0) return
  await tx.kysely
    .updateTable('users')
    .set({ signed_out_at: at })
    .where(isOneOf(tx, 'id', userIds))
    .execute()
  const held = await tx.kysely
    .selectFrom('sessions')
    .select('id')
    .where(isOneOf(tx, 'user_id', userIds))
    .execute()
  await endSessions(tx, held)
}

/**
 * These users had a link that is gone, or is somebody else's now: what came through it ends. Whoever has neither a link
 * nor a password any more is signed out everywhere.
 */
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
  const orphaned = await tx.kysely
    .selectFrom('sessions')
    .leftJoin('links', (join) =>
      join.onRef('links.id', '=', 'sessions.link_id').onRef('links.user_id', '=', 'sessions.user_id'),
    )
    .select('sessions.id')
    .where(isOneOf(tx, 'sessions.user_id', userIds))
    .where('sessions.link_id', 'is not', null)
    .where('links.id', 'is', null)
    .execute()
  await endSessions(tx, orphaned)
}

/**
 * It is in question who these members are: what came through their links ends, and other ways in stay. Whoever calls this
 * has the users locked and writes the question down, which keeps everybody out of that way until it is answered.
 * @param keys folded userids
 */
export async function signOutOfMembers(
  tx: Transaction,
  { connectionId, corpId }: { readonly connectionId: string; readonly corpId: string },
  keys: readonly string[],
): Promise<EndedSession[]> {
  if (keys.length === 0) return []
  const held = await tx.kysely
    .selectFrom('links')
    // By the user, because there is an index for that.
    .innerJoin('sessions', (join) =>
      join.onRef('sessions.user_id', '=', 'links.user_id').onRef('sessions.link_id', '=', 'links.id'),
    )
    .select(['sessions.id', 'sessions.user_id'])
    .where('links.connection_id', '=', connectionId)
    .where('links.corp_id', '=', corpId)
    .where(isOneOf(tx, 'links.userid_key', keys))
    .execute()
  await endSessions(tx, held)
  return held.map(({ id, user_id }) => ({ id, userId: user_id }))
}

export interface EndedSession {
  readonly id: string
  readonly userId: string
}

/** What came through this connection ends: it signs nobody in any more, or belongs to another company. */
export async function signOutOfConnection(tx: Transaction, connectionId: string): Promise<void> {
  const held = await tx.kysely.selectFrom('sessions').select('id').where('connection_id', '=', connectionId).execute()
  await endSessions(tx, held)
}

/** What came through this connection from one company ends: it does not authorise the connection any more. */
export async function signOutOfCorp(tx: Transaction, connectionId: string, corpId: string): Promise<void> {
  const held = await tx.kysely
    .selectFrom('sessions')
    .leftJoin('links', 'links.id', 'sessions.link_id')
    .select('sessions.id')
    .where('sessions.connection_id', '=', connectionId)
    .where(({ eb, or }) => or([eb('sessions.corp_id', '=', corpId), eb('links.corp_id', '=', corpId)]))
    .execute()
  await endSessions(tx, held)
}

/**
 * The bottom of it all: a session goes, and with it everything that was issued under it, by the keys within the tables.
 * The applications that want to know are told; oidc/logout.ts delivers that.
 */
export async function endSessions(tx: Transaction, sessions: readonly { readonly id: string }[]): Promise<void> {
  if (sessions.length === 0) return
  const ids = sessions.map(({ id }) => id)
  await noteForApplications(tx, isOneOf(tx, 'oidc_records.session_id', ids))
  await tx.kysely
    .deleteFrom('sessions')
    .where(isOneOf(tx, 'id', ids))
    .execute()
}

/** Ends everything that was issued to an application. Its people stay signed in with us, and with the others. */
export async function endApplicationAccess(tx: Transaction, applicationId: string): Promise<void> {
  const { client_id } = await tx.kysely
    .selectFrom('applications')
    .select('client_id')
    .where('id', '=', applicationId)
    .executeTakeFirstOrThrow()
  await noteForApplications(tx, sql<boolean>`oidc_records.client_id = ${client_id}`)
  await tx.kysely.deleteFrom('oidc_records').where('client_id', '=', client_id).execute()
}

/** One note for each application and session, under the identifier of a grant, which is unique for ever. */
async function noteForApplications(tx: Transaction, which: RawBuilder<boolean>): Promise<void> {
  await tx.kysely
    .insertInto('logout_deliveries')
    .columns(['id', 'client_id', 'user_id', 'sid', 'attempts', 'due_at'])
    .expression(
      tx.kysely
        .selectFrom('oidc_records')
        .innerJoin('applications', 'applications.client_id', 'oidc_records.client_id')
        .select(({ fn }) => [
          fn.min('oidc_records.id').as('id'),
          'oidc_records.client_id',
          sql<string>`oidc_records.user_id`.as('user_id'),
          'oidc_records.sid',
          sql<number>`0`.as('attempts'),
          sql<number>`0`.as('due_at'),
        ])
        .where('oidc_records.kind', '=', 'Grant')
        .where('oidc_records.user_id', 'is not', null)
        .where('applications.backchannel_logout_uri', 'is not', null)
        .where(which)
        .groupBy(['oidc_records.client_id', 'oidc_records.user_id', 'oidc_records.session_id', 'oidc_records.sid']),
    )
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute()
}
