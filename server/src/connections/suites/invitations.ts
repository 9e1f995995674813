/**
 * Invitations: authorisations that were begun at our side, until WeCom tells that the company has authorised. Each has a
 * state that WeCom hands back, which works once; kept is only its digest. Owns `installations`.
 */
import { hash } from 'node:crypto'
import { insertRows, type Database, type Transaction } from '../../database/database.ts'

export interface Invitation {
  /** Who invited, by id or kind; for the audit record. */
  readonly invitedBy: string
}

const STATE = /^[0-9a-f]{32}$/

/** @param state 32 hexadecimal digits of chance */
export async function keepInvitation(
  tx: Transaction,
  {
    connectionId,
    state,
    invitedBy,
    at,
    expiresAt,
  }: Invitation & { connectionId: string; state: string; at: number; expiresAt: number },
): Promise<void> {
  await insertRows(tx, 'installations', [
    {
      state_hash: digestOf(state),
      connection_id: connectionId,
      actor: invitedBy,
      created_at: at,
      expires_at: expiresAt,
    },
  ])
}

/** Uses the state up. @returns undefined when it is none of this connection, is used up or too old */
export async function useInvitation(
  tx: Transaction,
  { connectionId, state, at }: { connectionId: string; state: string; at: number },
): Promise<Invitation | undefined> {
  if (!STATE.test(state)) return undefined
  const row = await tx.kysely
    .deleteFrom('installations')
    .where('state_hash', '=', digestOf(state))
    .where('connection_id', '=', connectionId)
    .where('expires_at', '>', at)
    .returning('actor')
    .executeTakeFirst()
  return row === undefined ? undefined : { invitedBy: row.actor }
}

/** Whether `useInvitation` would find one. Writes nothing, so that strangers cannot make us write. */
export async function hasInvitation(
  database: Database,
  { connectionId, state, at }: { connectionId: string; state: string; at: number },
): Promise<boolean> {
  if (!STATE.test(state)) return false
  const row = await database.kysely
    .selectFrom('installations')
    .select('state_hash')
    .where('state_hash', '=', digestOf(state))
    .where('connection_id', '=', connectionId)
    .where('expires_at', '>', at)
    .executeTakeFirst()
  return row !== undefined
}

/** What is over is of no use to anybody. */
export async function clearInvitations(database: Database, at: number): Promise<void> {
  await database.kysely.deleteFrom('installations').where('expires_at', '<=', at).execute()
}

function digestOf(state: string): string {
  return hash('sha256', state, 'base64url')
}
