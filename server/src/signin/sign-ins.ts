/**
 * The log of sign-ins: one row for each attempt that came to an end, in the transaction that ends it, and its entry in the
 * audit record. The reference id is what the page shows and the help desk is told. Owns `sign_ins`.
 */
import type { Door, SignInReason } from '@muster/contracts'
import type { Actor, Audit } from '../audit/audit.ts'
import type { Connection } from '../connections/connections.ts'
import { insertRows, type Database, type Row, type Transaction } from '../database/database.ts'
import { contains } from '../directory/search.ts'
import { lowestId, type NewId } from '../ids.ts'

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
  readonly reason: string | null
  readonly referenceId: string | null
  /** Milliseconds since 1970: then or later, and before then. */
  readonly from: number | null
  readonly to: number | null
  readonly q: string | null
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
        readonly connection: Pick<Connection, 'id' | 'organizationId'> | null
        /** null: not known which, or of none. */
        readonly corpId: string | null
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
        corpId: about.corpId,
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

    /** Newest first. `cursor` is the id of the last one of the page before. */
    async list(filter: SignInFilter, { limit, cursor }: { limit: number; cursor: string | null }) {
      const { total } = await matching(filter)
        .select((eb) => eb.fn.countAll<number>().as('total'))
        .executeTakeFirstOrThrow()
      const rows = await pageOf(filter, limit + 1, cursor)
      return { items: rows.slice(0, limit), hasMore: rows.length > limit, total }
    },

    /** All of them, newest first, a page at a time. */
    async *all(filter: SignInFilter): AsyncGenerator<Row<'sign_ins'>> {
      let cursor: string | null = null
      for (;;) {
        const rows: Row<'sign_ins'>[] = await pageOf(filter, EXPORTED_AT_ONCE, cursor)
        yield* rows
        if (rows.length < EXPORTED_AT_ONCE) return
        cursor = rows.at(-1)!.id
        await database.breathe()
      }
    },
  }

  function pageOf(filter: SignInFilter, limit: number, cursor: string | null): Promise<Row<'sign_ins'>[]> {
    let page = matching(filter).selectAll().orderBy('id', 'desc').limit(limit)
    if (cursor !== null) page = page.where('id', '<', cursor)
    return page.execute()
  }

  function matching(filter: SignInFilter) {
    let all = database.kysely.selectFrom('sign_ins').where('organization_id', '=', filter.organizationId)
    if (filter.connectionId !== null) all = all.where('connection_id', '=', filter.connectionId)
    if (filter.userId !== null) all = all.where('user_id', '=', filter.userId)
    if (filter.applicationId !== null) all = all.where('application_id', '=', filter.applicationId)
    if (filter.outcome !== null) all = all.where('outcome', '=', filter.outcome)
    if (filter.reason !== null) all = all.where('reason', '=', filter.reason)
    if (filter.referenceId !== null) all = all.where('reference_id', '=', filter.referenceId.trim().toUpperCase())
    // The ids, which have an index, say the time too, but not to the millisecond the same.
    const { from, to, q } = filter
    if (from !== null) all = all.where('at', '>=', from).where('id', '>=', lowestId('sig', from - ID_SLACK_MS))
    if (to !== null) all = all.where('at', '<', to).where('id', '<', lowestId('sig', to + ID_SLACK_MS))
    if (q === null) return all
    return all.where(({ or }) => or([contains('userid', q), contains('reason', q), contains('reference_id', q)]))
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

const EXPORTED_AT_ONCE = 500
const ID_SLACK_MS = 60_000

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
