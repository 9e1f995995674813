/**
 * Companies that authorised a delegated or a provider connection, as their rows hold them. The permanent code that WeCom
 * gave for each is sealed under the connection and the company. Reading is here, for whoever in this folder needs it;
 * changing is authorisations.ts, listing is corps.ts.
 */
import { z } from 'zod'
import { prepared, type Executor, type Row, type Transaction } from '../../database/database.ts'
import { parsedOnce } from '../../parsed-once.ts'
import { Secret } from '../../secret.ts'
import type { Vault } from '../../vault.ts'

export type CorpState = 'authorized' | 'cancelled'

/** A company without its code. Times are milliseconds since 1970. */
export interface Corp {
  readonly connectionId: string
  /** As the provider sees it. */
  readonly corpId: string
  readonly name: string
  readonly state: CorpState
  /** Of our app in it; null when it has none, or WeCom has not said yet. */
  readonly agentId: number | null
  readonly authorizedAt: number
  readonly cancelledAt: number | null
  /** null: WeCom does not say. */
  readonly seats: number | null
  readonly expiresAt: number | null
}

/** What is kept of an authorisation besides the columns. */
export interface CorpDetails {
  readonly seats: number | null
  readonly expiresAt: number | null
  /** A cancellation that WeCom dates up to this moment may be that of an authorisation before this one. */
  readonly doubtfulUntil: number
  /** Of the one-time code that the permanent one was given for. */
  readonly codeDigest: string | null
  /** When WeCom was last asked what was authorised, and answered. */
  readonly readAt: number | null
  /** When to ask next. */
  readonly askAt: number
  /** How often asking has failed since it last did not. */
  readonly failures: number
}

const Details = z.object({
  seats: z.int().nullable().default(null),
  expiresAt: z.int().nullable().default(null),
  doubtfulUntil: z.int().default(0),
  codeDigest: z.string().nullable().default(null),
  readAt: z.int().nullable().default(null),
  askAt: z.int().default(0),
  failures: z.int().default(0),
})

export const detailsOf: (text: string) => CorpDetails = parsedOnce((text) => Details.parse(JSON.parse(text)))

export function fromCorpRow(row: Row<'corps'>): Corp {
  const { seats, expiresAt } = detailsOf(row.details)
  return {
    connectionId: row.connection_id,
    corpId: row.corp_id,
    name: row.name,
    state: row.state as CorpState,
    agentId: row.agent_id,
    authorizedAt: row.authorized_at,
    cancelledAt: row.cancelled_at,
    seats,
    expiresAt,
  }
}

export async function findCorpRow(
  on: Executor,
  connectionId: string,
  corpId: string,
): Promise<Row<'corps'> | undefined> {
  return (await corpRow(on, { connectionId, corpId })).rows[0]
}

const corpRow = prepared((on, given: { connectionId: string; corpId: string }) =>
  on.kysely
    .selectFrom('corps')
    .selectAll()
    .where('connection_id', '=', given.connectionId)
    .where('corp_id', '=', given.corpId),
)

/** As `findCorpRow`, and nobody else can change it before the transaction ends. */
export async function lockCorpRow(
  tx: Transaction,
  connectionId: string,
  corpId: string,
): Promise<Row<'corps'> | undefined> {
  const found = tx.kysely
    .selectFrom('corps')
    .selectAll()
    .where('connection_id', '=', connectionId)
    .where('corp_id', '=', corpId)
  return (tx.dialect === 'postgres' ? found.forUpdate() : found).executeTakeFirst()
}

/** By name, and by id where names are the same. */
export function authorizedCorpRows(on: Executor, connectionId: string): Promise<Row<'corps'>[]> {
  return on.kysely
    .selectFrom('corps')
    .selectAll()
    .where('connection_id', '=', connectionId)
    .where('state', '=', 'authorized')
    .orderBy('name')
    .orderBy('corp_id')
    .execute()
}

/** What was authorised was another app, whose codes open nothing any more, and whose ticket is of no use. */
export async function forgetAuthorisations(tx: Transaction, connectionId: string, at: number): Promise<void> {
  await tx.kysely
    .updateTable('corps')
    .set({ state: 'cancelled', cancelled_at: at, permanent_code_sealed: null, updated_at: at })
    .where('connection_id', '=', connectionId)
    .where('state', '=', 'authorized')
    .execute()
  await tx.kysely.deleteFrom('suite_tickets').where('connection_id', '=', connectionId).execute()
  await tx.kysely.deleteFrom('installations').where('connection_id', '=', connectionId).execute()
}

/** @returns the code in the clear; undefined when there is none */
export function openPermanentCode(vault: Vault, row: Row<'corps'>): Secret | undefined {
  const { permanent_code_sealed: sealed } = row
  return sealed === null ? undefined : vault.open(recordOf(row.connection_id, row.corp_id), sealed)
}

export function sealPermanentCode(vault: Vault, connectionId: string, corpId: string, code: string): string {
  return vault.seal(recordOf(connectionId, corpId), new Secret(code))
}

function recordOf(connectionId: string, corpId: string): string {
  return `corp/${connectionId}/${corpId}`
}
