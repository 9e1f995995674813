/**
 * What oidc-provider keeps, in our tables. An identifier lets somebody in, so only its digest is stored. Nothing is found
 * that belongs to somebody without access: codes and tokens are looked up together with their grant and its user. What a
 * request writes waits until it is answered, and is then one transaction: see `settle`.
 */
import { hash } from 'node:crypto'
import { sql } from 'kysely'
import { errors, type Adapter, type AdapterPayload, type InteractionResults } from 'oidc-provider'
import {
  isForeignKeyViolation,
  isOneOf,
  prepared,
  type Database,
  type Row,
  type Transaction,
} from '../database/database.ts'

/** What a session or a grant of the provider belongs to; it ends with that. */
export interface Belonging {
  readonly sessionId: string
  /** What the application knows the session by. */
  readonly sid: string | null
}

/** One thing to be written. @returns what the request failed of; then what comes after it is not written */
export type Write = (tx: Transaction) => Promise<errors.OIDCProviderError | undefined>

export type Store = ReturnType<typeof createStore>

/** Kinds that belong to a grant. */
const ISSUED: ReadonlySet<string> = new Set(['AuthorizationCode', 'AccessToken', 'RefreshToken'])
const REMOVED_AT_ONCE = 500

/**
 * @param belonging of the request under way: to which session of ours belongs what it makes
 * @param findClient the provider's view of an application, if it may be used
 */
export function createStore({
  database,
  now,
  belonging,
  pending,
  grants,
  findClient,
  answerOf,
}: {
  database: Database
  now: () => number
  belonging: (kind: string, payload: AdapterPayload) => Promise<Belonging | undefined>
  /** Where the request under way keeps what it will write; undefined outside of one. */
  pending: () => Write[] | undefined
  /** What the request under way has found of grants: a token is looked up together with its own. */
  grants: () => Map<string, AdapterPayload> | undefined
  findClient: (clientId: string) => Promise<AdapterPayload | undefined>
  /** What the provider is to find as the result of an interaction that has none, written down at that time. */
  answerOf: (interaction: AdapterPayload, createdAt: number) => Promise<InteractionResults | undefined>
}) {
  return {
    /** For the provider: how one kind is kept. */
    adapterFor(kind: string): Adapter {
      if (kind === 'Client') return { ...REFUSING, find: findClient }
      return {
        upsert: (id, payload, expiresIn) => save(kind, id, payload, expiresIn),
        find: (id) => find(kind, id),
        findByUid,
        findByUserCode: REFUSING.findByUserCode,
        consume: (id) => consume(kind, id),
        destroy: (id) => (kind === 'Grant' ? revoke(id) : remove(kind, id)),
        // The provider asks this of every kind and of the grant itself, and the grant is enough: see find.
        revokeByGrantId: async () => {},
      }
    },

    /**
     * Writes what a request has left to be written, all of it or nothing. Whoever answers it waits for this, so that
     * nothing is acknowledged that is not stored, and nobody gets an answer who was not the first.
     * @throws the provider's errors
     */
    settle: (writes: readonly Write[]): Promise<void> => settle(writes),

    /** To the millisecond, which the provider's own times are not. */
    async createdAt(kind: string, id: string): Promise<number | undefined> {
      const row = await database.kysely
        .selectFrom('oidc_records')
        .select('created_at')
        .where('id', '=', recordId(kind, id))
        .executeTakeFirst()
      return row?.created_at
    },

    /** The link through which somebody came in who was given this grant. */
    async linkOf(grantId: string): Promise<string | null> {
      const row = await database.kysely
        .selectFrom('oidc_records')
        .innerJoin('sessions', 'sessions.id', 'oidc_records.session_id')
        .select('sessions.link_id')
        .where('oidc_records.id', '=', recordId('Grant', grantId))
        .executeTakeFirst()
      return row?.link_id ?? null
    },

    /** Removes what is over; it is not found any more already. @returns how many */
    async clear(signal: AbortSignal): Promise<number> {
      let removed = 0
      while (!signal.aborted) {
        const rows = await database.kysely
          .selectFrom('oidc_records')
          .select('id')
          .where('expires_at', '<=', now())
          .limit(REMOVED_AT_ONCE)
          .execute()
        const ids = rows.map(({ id }) => id)
        await database.kysely
          .deleteFrom('oidc_records')
          .where(isOneOf(database, 'id', ids))
          .execute()
        removed += rows.length
        if (rows.length < REMOVED_AT_ONCE) break
        await database.breathe()
      }
      return removed
    },
  }

  async function save(kind: string, id: string, payload: AdapterPayload, expiresIn: number | undefined): Promise<void> {
    if (expiresIn === undefined) throw new Error(`a ${kind} has to end at some time`)
    const at = now()
    const owner = kind === 'Grant' || kind === 'Session' ? await belonging(kind, payload) : undefined
    const grantId = ISSUED.has(kind) ? recordId('Grant', payload.grantId ?? '') : null
    const record = {
      id: recordId(kind, id),
      kind,
      payload: JSON.stringify(withoutId(id, payload)),
      uid: kind === 'Session' ? (payload.uid ?? null) : null,
      grant_id: grantId,
      session_id: owner?.sessionId ?? null,
      user_id: kind === 'Grant' || kind === 'Session' ? (payload.accountId ?? null) : null,
      client_id: kind === 'Grant' ? (payload.clientId ?? null) : null,
      sid: owner?.sid ?? null,
      created_at: at,
      expires_at: at + expiresIn * 1_000,
    }
    // A grant without a session would outlive whatever ends it.
    if (kind === 'Grant' && owner === undefined) throw new errors.AccessDenied(undefined, 'there is no session')
    await write(async (tx) => {
      await putRecord(tx, record)
      return undefined
    })
  }

  async function find(kind: string, id: string): Promise<AdapterPayload | undefined> {
    const known = kind === 'Grant' ? grants()?.get(id) : undefined
    if (known !== undefined) return known
    const record = recordId(kind, id)
    const { rows } = await (ISSUED.has(kind) ? issuedRecord : otherRecord)(database, { id: record, at: now() })
    if (rows[0] === undefined) return undefined
    const found = withId(id, rows[0])
    const { grant } = rows[0]
    if (grant !== null && found.grantId !== undefined) {
      grants()?.set(found.grantId, withId(found.grantId, { payload: grant, consumed_at: null }))
    }
    if (kind !== 'Interaction' || found.result !== undefined) return found
    const result = await answerOf(found, rows[0].created_at)
    return result === undefined ? found : { ...found, result }
  }

  async function findByUid(uid: string): Promise<AdapterPayload | undefined> {
    const row = await database.kysely
      .selectFrom('oidc_records')
      .select(['payload', 'consumed_at'])
      .where('uid', '=', uid)
      .where('kind', '=', 'Session')
      .where('expires_at', '>', now())
      .executeTakeFirst()
    // Only asked whether it is there and whose it is: nobody can save it, without the identifier.
    return row === undefined ? undefined : (JSON.parse(row.payload) as AdapterPayload)
  }

  /** Of any number who try at once, one succeeds. For the others it is a replay, which ends everything of the grant. */
  async function consume(kind: string, id: string): Promise<void> {
    await write(async (tx) => {
      const { numAffectedRows } = await consumeRecord(tx, { id: recordId(kind, id), at: now() })
      if (numAffectedRows === 1n) return undefined
      await sql`
        update oidc_records set consumed_at = ${now()}
        where id = (select grant_id from oidc_records where id = ${recordId(kind, id)})
          and consumed_at is null`.execute(tx.kysely)
      return new errors.InvalidGrant('it was used already')
    })
  }

  /**
   * A grant that ends leaves its row, consumed: a token that is being issued under it at this moment still finds its
   * place, and is void. The request that was first gets its answer, and it is worth nothing.
   */
  async function revoke(id: string): Promise<void> {
    grants()?.delete(id)
    await write(async (tx) => {
      await consumeRecord(tx, { id: recordId('Grant', id), at: now() })
      return undefined
    })
  }

  async function remove(kind: string, id: string): Promise<void> {
    await write(async (tx) => {
      await removeRecord(tx, { id: recordId(kind, id) })
      return undefined
    })
  }

  async function write(one: Write): Promise<void> {
    const later = pending()
    if (later === undefined) await settle([one])
    else later.push(one)
  }

  async function settle(writes: readonly Write[]): Promise<void> {
    if (writes.length === 0) return
    let problem: errors.OIDCProviderError | undefined
    try {
      problem = await database.inSharedTransaction(async (tx) => {
        for (const one of writes) {
          const failed = await one(tx)
          if (failed !== undefined) return failed
        }
        return undefined
      })
    } catch (error) {
      // What it belongs to ended while the request was under way.
      if (isForeignKeyViolation(error)) throw new errors.InvalidGrant('the session has ended')
      throw error
    }
    if (problem !== undefined) throw problem
  }
}

const putRecord = prepared(
  (_on, given: Omit<Row<'oidc_records'>, 'consumed_at'>) => sql`
    insert into oidc_records (id, kind, payload, uid, grant_id, session_id, user_id, client_id, sid,
      created_at, expires_at, consumed_at)
    values (${given.id}, ${given.kind}, ${given.payload}, ${given.uid}, ${given.grant_id}, ${given.session_id},
      ${given.user_id}, ${given.client_id}, ${given.sid}, ${given.created_at}, ${given.expires_at}, null)
    on conflict (id) do update set payload = excluded.payload, uid = excluded.uid,
      session_id = excluded.session_id, user_id = excluded.user_id, sid = excluded.sid,
      expires_at = excluded.expires_at`,
)

/** What was issued before somebody was signed out is void, whatever its row says. */
const COUNTS = sql`users.status = 'active'
  and (users.signed_out_at is null or users.signed_out_at < holder.created_at)`

const issuedRecord = prepared(
  (_on, given: { id: string; at: number }) => sql<Found>`
    select own.payload, own.consumed_at, own.created_at, holder.payload as "grant" from oidc_records own
    join oidc_records holder on holder.id = own.grant_id
    join users on users.id = holder.user_id
    where own.id = ${given.id} and own.expires_at > ${given.at}
      and holder.expires_at > ${given.at} and holder.consumed_at is null and ${COUNTS}`,
)

const otherRecord = prepared(
  (_on, given: { id: string; at: number }) => sql<Found>`
    select holder.payload, holder.consumed_at, holder.created_at, null as "grant" from oidc_records holder
    left join users on users.id = holder.user_id
    where holder.id = ${given.id} and holder.expires_at > ${given.at}
      and (holder.kind <> 'Grant' or holder.consumed_at is null)
      and (holder.user_id is null or (${COUNTS}))`,
)

const consumeRecord = prepared(
  (_on, given: { id: string; at: number }) => sql`
    update oidc_records set consumed_at = ${given.at} where id = ${given.id} and consumed_at is null`,
)

const removeRecord = prepared((_on, given: { id: string }) => sql`delete from oidc_records where id = ${given.id}`)

interface Found {
  readonly payload: string
  readonly consumed_at: number | null
  readonly created_at: number
  /** What the grant of it holds, which counts; null for what has none. */
  readonly grant: string | null
}

function recordId(kind: string, id: string): string {
  return hash('sha256', `${kind} ${id}`, 'base64url')
}

/** The identifier is in several places of what the provider hands us, and belongs into none of them. */
function withoutId(id: string, payload: AdapterPayload): AdapterPayload {
  const { jti, session, returnTo, ...rest } = payload
  if (jti !== undefined && jti !== id) throw new Error('a record has another identifier than its payload')
  if (session === undefined && returnTo === undefined) return rest
  const { cookie: _cookie, ...known } = session ?? {}
  return {
    ...rest,
    ...(session === undefined ? {} : { session: known }),
    ...(returnTo === undefined ? {} : { returnTo: returnTo.endsWith(id) ? returnTo.slice(0, -id.length) : returnTo }),
  }
}

function withId(id: string, { payload, consumed_at }: Pick<Found, 'payload' | 'consumed_at'>): AdapterPayload {
  const stored = JSON.parse(payload) as AdapterPayload
  return {
    ...stored,
    jti: id,
    ...(stored.returnTo?.endsWith('/') ? { returnTo: `${stored.returnTo}${id}` } : {}),
    ...(consumed_at === null ? {} : { consumed: Math.floor(consumed_at / 1_000) }),
  }
}

const refuse = async (): Promise<never> => {
  throw new Error('the provider asked for what is switched off')
}

const REFUSING: Adapter = {
  upsert: refuse,
  find: refuse,
  findByUid: refuse,
  findByUserCode: refuse,
  consume: refuse,
  destroy: refuse,
  revokeByGrantId: refuse,
}
