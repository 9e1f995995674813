/**
 * The log of sign-ins: one row for each attempt that came to an end, in the transaction that ends it, and its entry in the
 * audit record. The reference id is what the page shows and the help desk is told. Owns `sign_ins`.
 */
import type { Door, SignInReason } from '@muster/contracts'
import type { Actor, Audit } from '../audit/audit.ts'
import type { Connection } from '../connections/connections.ts'
import { insertRows, type Database, type Row, type Transaction } from '../database/database.ts'
import { contains } from '../directory/search.ts'
import type { NewId } from '../ids.ts'

export interface SignInRecord {
  readonly organizationId: string | null
  readonly connectionId: string | null
  readonly corpId: string | null
  /** Of the member, once WeCom has said who it is. */
  readonly userid: string | null
  readonly userId: string | null
  readonly applicationId: string | null
  readonly door: Door
  readonly outcome: 'succeeded' | 'refused' | 'failed'
  readonly reason: SignInReason | null
  /** Code of the error, where there was one. */
  readonly problem: string | null
  readonly address: string | null
  readonly requestId: string | null
}

export interface SignInFilter {
  readonly organizationId: string
  readonly connectionId: string | null
  readonly userId: string | null
  readonly applicationId: string | null
  readonly outcome: string | null
  readonly referenceId: string | null
  readonly q: string | null
  readonly limit: number
  readonly cursor: string | null
}

export type SignIns = ReturnType<typeof createSignIns>

export function createSignIns({
  database,
  audit,
  newId,
  now,
  random,
}: {
  database: Database
  audit: Audit
  newId: NewId
  now: () => number
  /** Fills the array with unpredictable bytes. */
  random: (bytes: Uint8Array) => void
}) {
  return {
    record,

    /**
     * Somebody is refused of whom nothing is known yet.
     * @param about.organizationId where no connection says it
     * @returns the reference id
     */
    refuse(
      tx: Transaction,
      about: {
        readonly connection: Pick<Connection, 'id' | 'organizationId' | 'corpId'> | null
        readonly organizationId?: string
        readonly applicationId: string | null
        readonly door: Door
        readonly reason: SignInReason
        readonly problem: string | null
      },
      { address, requestId }: { readonly address: string | null; readonly requestId: string | null },
    ): Promise<string> {
      const { connection, applicationId, door, reason, problem } = about
      return record(tx, {
        organizationId: about.organizationId ?? connection?.organizationId ?? null,
        connectionId: connection?.id ?? null,
        corpId: connection?.corpId ?? null,
        userid: null,
        userId: null,
        applicationId,
        door,
        outcome: 'refused',
        reason,
        problem,
        address,
        requestId,
      })
    },

    /** Newest first. */
    async list(filter: SignInFilter) {
      let all = database.kysely.selectFrom('sign_ins').where('organization_id', '=', filter.organizationId)
      if (filter.connectionId !== null) all = all.where('connection_id', '=', filter.connectionId)
      if (filter.userId !== null) all = all.where('user_id', '=', filter.userId)
      if (filter.applicationId !== null) all = all.where('application_id', '=', filter.applicationId)
      if (filter.outcome !== null) all = all.where('outcome', '=', filter.outcome)
      if (filter.referenceId !== null) all = all.where('reference_id', '=', filter.referenceId.trim().toUpperCase())
      const { q } = filter
      if (q !== null) {
        all = all.where(({ or }) => or([contains('userid', q), contains('reason', q), contains('reference_id', q)]))
      }
      const { total } = await all.select((eb) => eb.fn.countAll<number>().as('total')).executeTakeFirstOrThrow()
      let page = all
        .selectAll()
        .orderBy('id', 'desc')
        .limit(filter.limit + 1)
      if (filter.cursor !== null) page = page.where('id', '<', filter.cursor)
      const rows: Row<'sign_ins'>[] = await page.execute()
      return { items: rows.slice(0, filter.limit), hasMore: rows.length > filter.limit, total }
    },
  }

  /** @returns the reference id */
  async function record(tx: Transaction, { requestId, ...facts }: SignInRecord): Promise<string> {
    const referenceId = newReference(random)
    const id = newId('sig')
    await insertRows(tx, 'sign_ins', [
      {
        id,
        at: now(),
        organization_id: facts.organizationId,
        connection_id: facts.connectionId,
        corp_id: facts.corpId,
        userid: facts.userid,
        user_id: facts.userId,
        application_id: facts.applicationId,
        door: facts.door,
        outcome: facts.outcome,
        reason: facts.reason,
        problem: facts.problem,
        reference_id: referenceId,
        address: facts.address,
      },
    ])
    const { userId, connectionId, applicationId, door, reason, outcome, address } = facts
    const isIn = outcome === 'succeeded'
    const actor: Actor = {
      kind: isIn ? 'user' : 'system',
      id: isIn ? userId : null,
      name: null,
      address,
      requestId,
    }
    await audit.record(tx, actor, [
      {
        action: VERBS[outcome],
        organizationId: facts.organizationId,
        target:
          userId !== null
            ? { kind: 'user', id: userId, name: null }
            : connectionId === null
              ? null
              : { kind: 'connection', id: connectionId, name: null },
        details: {
          signInId: id,
          referenceId,
          connectionId,
          applicationId,
          door,
          ...(reason === null ? {} : { reason }),
        },
      },
    ])
    return referenceId
  }
}

const VERBS = { succeeded: 'sign-in.succeed', refused: 'sign-in.refuse', failed: 'sign-in.fail' } as const

/** Read out over the telephone: no I, L, O or U. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** 50 random bits: nobody finds another one by trying. */
function newReference(random: (bytes: Uint8Array) => void): string {
  const bytes = new Uint8Array(10)
  random(bytes)
  const text = Array.from(bytes, (byte) => ALPHABET[byte % ALPHABET.length]).join('')
  return `${text.slice(0, 4)}-${text.slice(4, 8)}-${text.slice(8)}`
}
