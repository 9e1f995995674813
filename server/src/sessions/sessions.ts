/**
 * Browsers that are signed in: one session of ours, whoever asked for it, known by a cookie of which only the digest is
 * stored. Whether it still counts is asked of the directory every time; what ends one is directory/sign-out.ts.
 */
import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import type { Door } from '@muster/contracts'
import {
  insertRows,
  isOneOf,
  prepared,
  type Database,
  type Executor,
  type Row,
  type Transaction,
} from '../database/database.ts'
import { endSessions } from '../directory/sign-out.ts'
import { AppError } from '../errors.ts'
import type { NewId } from '../ids.ts'

export type { Door } from '@muster/contracts'

/** Times are milliseconds since 1970. */
export interface Session {
  readonly id: string
  readonly userId: string
  readonly organizationId: string
  /** How the person came in. */
  readonly door: Door
  /** Through what; null with a password. */
  readonly connectionId: string | null
  /** Of which company the person is a member; null with a password. */
  readonly corpId: string | null
  readonly linkId: string | null
  /** Which application asked for it first; null for a page of ours. */
  readonly applicationId: string | null
  readonly authenticatedAt: number
  readonly createdAt: number
  /** To five minutes. */
  readonly lastSeenAt: number
  readonly expiresAt: number
  readonly address: string | null
  readonly userAgent: string | null
  /** When the person proved again who they are; null when they only signed in. */
  readonly confirmedAt: number | null
}

export interface NewSession {
  readonly userId: string
  readonly door: Door
  readonly connectionId: string | null
  readonly corpId: string | null
  readonly linkId: string | null
  readonly applicationId: string | null
  readonly address: string | null
  readonly userAgent: string | null
}

/** When the person has last proved who they are, and until when that is enough for a dangerous act: null, not any more. */
export interface Confirmation {
  readonly at: number
  readonly until: number | null
}

/** What of a request and a reply is needed: @fastify/cookie gives both. */
export interface CookieRequest {
  readonly cookies: { readonly [name: string]: string | undefined }
}
export interface CookieReply {
  setCookie(name: string, value: string, options: CookieOptions): unknown
  clearCookie(name: string, options: CookieOptions): unknown
}
export interface PageRequest {
  readonly method: string
  readonly headers: {
    readonly origin?: string | undefined
    readonly 'sec-fetch-site'?: string | string[] | undefined
  }
}
interface CookieOptions {
  readonly path: '/'
  readonly httpOnly: true
  readonly sameSite: 'lax'
  readonly secure: boolean
}

/** Whether a session will do for whoever asks, so that nobody has to sign in again. */
export function isEnough(
  session: Session,
  asked: {
    readonly organizationId: string
    /** Ids of the connections that may be used. */
    readonly connections: readonly string[]
    /** What was asked for in particular; null: nothing. */
    readonly wish: {
      /** Id of a connection; null: any of those. */
      readonly connection: string | null
      /** Of which company the person is to be; null: of any. */
      readonly corp: string | null
    } | null
    readonly passwordSignIn: boolean
    /** Milliseconds; null: whenever. */
    readonly authenticatedSince: number | null
  },
): boolean {
  if (session.organizationId !== asked.organizationId) return false
  if (asked.authenticatedSince !== null && session.authenticatedAt < asked.authenticatedSince) return false
  // A password is of no company. Of no connection either, and the page of a connection takes it where it counts at all.
  const { connection = null, corp = null } = asked.wish ?? {}
  if (corp !== null && session.corpId !== corp) return false
  if (connection !== null && session.connectionId !== null && session.connectionId !== connection) return false
  return session.connectionId === null ? asked.passwordSignIn : asked.connections.includes(session.connectionId)
}

export type Sessions = ReturnType<typeof createSessions>

/** A working day with its breaks: nobody signs in twice on one, and no session lives into the next. */
const LIFETIME_MS = 12 * 3_600_000
const IDLE_MS = 8 * 3_600_000
/** How exact `lastSeenAt` is; without it every request would be a write. */
const SEEN_PRECISION_MS = 5 * 60_000
/** How long somebody who has just proved who they are is taken to be the one who sits there still. */
const CONFIRMED_MS = 10 * 60_000
const TOKEN_BYTES = 32
const TOKEN = /^[\w-]{43}$/
const LONGEST_USER_AGENT = 256

/** @param random fills the array with unpredictable bytes */
export function createSessions({
  database,
  newId,
  now,
  random = (bytes) => crypto.getRandomValues(bytes),
  publicUrl,
}: {
  database: Database
  newId: NewId
  now: () => number
  random?: (bytes: Uint8Array) => void
  publicUrl: string
}) {
  const isSecure = publicUrl.startsWith('https:')
  // The prefix makes browsers refuse the cookie from anywhere but this very origin, subdomains included.
  const cookieName = isSecure ? '__Host-muster_session' : 'muster_session'
  // Not the browser's to keep longer than itself, and ours to end sooner: no age. Lax, because WeCom sends people back here.
  const cookieOptions: CookieOptions = { path: '/', httpOnly: true, sameSite: 'lax', secure: isSecure }

  return {
    /**
     * A session with a new secret, whatever the browser brought along: a planted one is worth nothing afterwards.
     * Holds the user, so that nobody is signed in whose access is being taken at the same moment.
     * @returns the session, and what goes into the cookie, which is stored nowhere
     * @throws AppError `sessions/refused` when the user or the way in is not open
     */
    async begin(tx: Transaction, given: NewSession): Promise<{ session: Session; cookie: string }> {
      const [user] = (await heldUser(tx, { id: given.userId })).rows
      if (user?.status !== 'active' || !(await isWayOpen(tx, given))) throw new AppError('sessions/refused')
      const bytes = new Uint8Array(TOKEN_BYTES)
      random(bytes)
      const cookie = Buffer.from(bytes).toString('base64url')
      // Not at the very moment of an end: what began before it is void.
      const at = Math.max(now(), (user.signed_out_at ?? 0) + 1)
      const row: Row<'sessions'> = {
        id: newId('ses'),
        token_hash: digest(cookie),
        user_id: given.userId,
        organization_id: user.organization_id,
        door: given.door,
        connection_id: given.connectionId,
        link_id: given.linkId,
        application_id: given.applicationId,
        authenticated_at: at,
        created_at: at,
        last_seen_at: at,
        expires_at: at + LIFETIME_MS,
        address: given.address,
        user_agent: given.userAgent === null ? null : storableAgent(given.userAgent),
        confirmed_at: null,
        corp_id: given.corpId,
      }
      await insertRows(tx, 'sessions', [row])
      return { session: fromRow(row), cookie }
    },

    /**
     * The session of a cookie, if it counts: not over, not idle too long, the user active and not signed out since, and
     * the link and the connection it came through still there and open, and the company still one of those that
     * authorised it.
     */
    async find(cookie: string | undefined): Promise<Session | undefined> {
      if (cookie === undefined || !TOKEN.test(cookie)) return undefined
      const at = now()
      const [row] = (await countingOfToken(database, { at, idleSince: at - IDLE_MS, hash: digest(cookie) })).rows
      if (row === undefined) return undefined
      if (at - row.last_seen_at >= SEEN_PRECISION_MS) {
        await database.kysely
          .updateTable('sessions')
          .set({ last_seen_at: at })
          .where('id', '=', row.id)
          .where('last_seen_at', '<', at)
          .execute()
      }
      return fromRow(row)
    },

    /** Those of a user that count, newest first. */
    async listOf(userId: string, on: Executor = database): Promise<Session[]> {
      const at = now()
      const rows = await counting(on, { at, idleSince: at - IDLE_MS })
        .where('sessions.user_id', '=', userId)
        .orderBy('sessions.id', 'desc')
        .execute()
      return rows.map(fromRow)
    },

    /** Whether it is the person themselves who sits in front of the browser, and not only their browser. */
    confirmationOf({ authenticatedAt, confirmedAt }: Session): Confirmation {
      const at = Math.max(authenticatedAt, confirmedAt ?? 0)
      const until = at + CONFIRMED_MS
      return { at, until: now() < until ? until : null }
    },

    /** The person has proved again who they are. @returns the session; undefined when it has ended meanwhile */
    async confirm(tx: Transaction, id: string): Promise<Session | undefined> {
      const row = await tx.kysely
        .updateTable('sessions')
        .set({ confirmed_at: now() })
        .where('id', '=', id)
        .returningAll()
        .executeTakeFirst()
      return row === undefined ? undefined : fromRow(row)
    },

    async end(tx: Transaction, id: string): Promise<void> {
      await endSessions(tx, [{ id }])
    },

    /** @param exceptId null: all of them. @returns how many ended */
    async endOthers(tx: Transaction, userId: string, exceptId: string | null): Promise<number> {
      let others = tx.kysely.selectFrom('sessions').select('id').where('user_id', '=', userId)
      if (exceptId !== null) others = others.where('id', '<>', exceptId)
      const rows = await others.execute()
      await endSessions(tx, rows)
      return rows.length
    },

    /** Removes what is over. They count no more already; this only takes their rows. @returns how many */
    async removeExpired(signal: AbortSignal): Promise<number> {
      let removed = 0
      while (!signal.aborted) {
        const count = await database.inTransaction(async (tx) => {
          const at = now()
          const rows = await tx.kysely
            .selectFrom('sessions')
            .select('id')
            .where((eb) => eb.or([eb('expires_at', '<=', at), eb('last_seen_at', '<=', at - IDLE_MS)]))
            .limit(REMOVED_AT_ONCE)
            .execute()
          // What was issued under one goes with it by the keys. Applications are told of ends, and not of this.
          await tx.kysely
            .deleteFrom('sessions')
            .where(
              isOneOf(
                tx,
                'id',
                rows.map(({ id }) => id),
              ),
            )
            .execute()
          return rows.length
        })
        removed += count
        if (count < REMOVED_AT_ONCE) break
      }
      return removed
    },

    /** To be called after the commit: a browser must not hold what was never stored. */
    setCookie(reply: CookieReply, cookie: string): void {
      reply.setCookie(cookieName, cookie, cookieOptions)
    },

    clearCookie(reply: CookieReply): void {
      reply.clearCookie(cookieName, cookieOptions)
    },

    cookieName,

    cookieOf(request: CookieRequest): string | undefined {
      return request.cookies[cookieName]
    },

    /** Whether the browser was made to send the request by a page of ours, or by the person themselves. */
    isOurPage({ method, headers }: PageRequest): boolean {
      const isReading = method === 'GET' || method === 'HEAD'
      const { origin, 'sec-fetch-site': site } = headers
      // Ours say no-referrer, and then a form sends `null`, which says nothing.
      if (origin !== undefined && origin !== 'null' && origin !== publicUrl) return false
      if (site !== undefined) return site === 'same-origin' || (site === 'none' && isReading)
      return isReading || origin === publicUrl
    },

    /** What a form of ours carries, so that no other page can send one: known only to who has the cookie. */
    formToken(cookie: string): string {
      return createHash('sha256').update(`form ${cookie}`, 'latin1').digest('base64url')
    },
  }
}

const REMOVED_AT_ONCE = 500

const heldUser = prepared((on, given: { id: string }) =>
  on.kysely
    .selectFrom('users')
    .select(['organization_id', 'status', 'signed_out_at'])
    .where('id', '=', given.id)
    .$if(on.dialect === 'postgres', (query) => query.forNoKeyUpdate()),
)

const countingOfToken = prepared((on, given: { at: number; idleSince: number; hash: string }) =>
  counting(on, given).where('sessions.token_hash', '=', given.hash),
)

/** Sessions that count at a moment, wherever they are looked for. */
function counting(on: Executor, { at, idleSince }: { at: number; idleSince: number }) {
  return (
    on.kysely
      .selectFrom('sessions')
      .innerJoin('users', 'users.id', 'sessions.user_id')
      .leftJoin('connections', 'connections.id', 'sessions.connection_id')
      .leftJoin('links', (join) =>
        join.onRef('links.id', '=', 'sessions.link_id').onRef('links.user_id', '=', 'sessions.user_id'),
      )
      .leftJoin('corps', (join) =>
        join
          .onRef('corps.connection_id', '=', 'sessions.connection_id')
          .onRef('corps.corp_id', '=', 'sessions.corp_id'),
      )
      .selectAll('sessions')
      .where('sessions.expires_at', '>', at)
      .where('sessions.last_seen_at', '>', idleSince)
      .where('users.status', '=', sql.lit('active')) // a parameter would have SQLite plan the query each time, to see if an index fits
      .where((eb) =>
        eb.or([eb('users.signed_out_at', 'is', null), eb('users.signed_out_at', '<', eb.ref('sessions.created_at'))]),
      )
      .where((eb) => eb.or([eb('sessions.connection_id', 'is', null), eb('connections.sign_in_enabled', '=', 1)]))
      .where((eb) => eb.or([eb('sessions.link_id', 'is', null), eb('links.id', 'is not', null)]))
      // Only companies of suites have a row.
      .where((eb) => eb.or([eb('corps.state', 'is', null), eb('corps.state', '=', sql.lit('authorized'))]))
  )
}

/** Held, so that whoever takes the link or switches sign-in off waits for this transaction and ends what it began. */
async function isWayOpen(tx: Transaction, { userId, connectionId, linkId }: NewSession): Promise<boolean> {
  if (linkId !== null) {
    const [link] = (await heldLink(tx, { id: linkId })).rows
    if (link?.user_id !== userId || link.connection_id !== connectionId) return false
  }
  if (connectionId === null) return true
  const [connection] = (await heldConnection(tx, { id: connectionId })).rows
  return connection?.sign_in_enabled === 1
}

const heldLink = prepared((on, given: { id: string }) =>
  on.kysely
    .selectFrom('links')
    .select(['user_id', 'connection_id'])
    .where('id', '=', given.id)
    .$if(on.dialect === 'postgres', (query) => query.forShare()),
)

const heldConnection = prepared((on, given: { id: string }) =>
  on.kysely
    .selectFrom('connections')
    .select('sign_in_enabled')
    .where('id', '=', given.id)
    .$if(on.dialect === 'postgres', (query) => query.forShare()),
)

function digest(cookie: string): string {
  return createHash('sha256').update(cookie, 'latin1').digest('hex')
}

/** Shown to the person in their list of sessions; whatever a browser says, it is one short line. */
function storableAgent(text: string): string {
  return text.replace(/[\p{Cc}\p{Cs}]/gu, '').slice(0, LONGEST_USER_AGENT)
}

function fromRow(row: Row<'sessions'>): Session {
  return {
    id: row.id,
    userId: row.user_id,
    organizationId: row.organization_id,
    door: row.door as Door,
    connectionId: row.connection_id,
    corpId: row.corp_id,
    linkId: row.link_id,
    applicationId: row.application_id,
    authenticatedAt: row.authenticated_at,
    createdAt: row.created_at,
    lastSeenAt: row.last_seen_at,
    expiresAt: row.expires_at,
    address: row.address,
    userAgent: row.user_agent,
    confirmedAt: row.confirmed_at,
  }
}
