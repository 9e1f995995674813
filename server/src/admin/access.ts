/**
 * Who may use the admin API: API tokens for programs, roles of users, and the bootstrap token of the environment. Roles
 * are those of the installation, not of an organization. A token is stored as its digest; 256 random bits need no salt.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { Role } from '@muster/contracts'
import type { Actor, Audit, AuditEntry } from '../audit/audit.ts'
import { insertRows, type Database, type Row, type Transaction } from '../database/database.ts'
import {
  lockLivingUser,
  lockOwners,
  lockUser,
  refuseLastOwner,
  refuseUnlessOwner,
  type Requester,
  refuseAllButOwners,
} from '../directory/owners.ts'
import { contains } from '../directory/search.ts'
import { AppError } from '../errors.ts'
import type { NewId } from '../ids.ts'
import type { Secret } from '../secret.ts'
import type { Session } from '../sessions/sessions.ts'
import type { Caller } from './routes.ts'

/** Times are milliseconds since 1970. */
export interface ApiToken {
  readonly id: string
  readonly name: string
  readonly role: Role
  readonly createdBy: string | null
  readonly createdAt: number
  readonly lastUsedAt: number | null
}

export interface Administrator {
  readonly userId: string
  readonly organizationId: string
  readonly username: string
  readonly displayName: string
  readonly role: Role
}

interface Page {
  readonly limit: number
  /** Id of the last item of the page before. */
  readonly cursor: string | null
  readonly q: string | null
}

export type Access = ReturnType<typeof createAccess>

const TOKEN_BYTES = 32
/** How exact `lastUsedAt` is; without it every request would be a write. */
const LAST_USE_PRECISION_MS = 60_000

/**
 * @param bootstrapToken an owner's token from the environment, for installations that nobody sets up by hand
 * @param random fills the array with unpredictable bytes
 */
export function createAccess({
  database,
  audit,
  newId,
  now,
  bootstrapToken,
  random = (bytes) => crypto.getRandomValues(bytes),
}: {
  database: Database
  audit: Audit
  newId: NewId
  now: () => number
  bootstrapToken?: Secret | undefined
  random?: (bytes: Uint8Array) => void
}) {
  const bootstrapDigest = bootstrapToken === undefined ? undefined : digest(bootstrapToken.reveal())

  return {
    /**
     * Takes as long for a token that nearly exists as for any other: only digests are looked up and compared.
     * @returns undefined when the token is nobody's
     */
    async authenticate(token: string): Promise<Caller | undefined> {
      const given = digest(token)
      if (bootstrapDigest !== undefined && timingSafeEqual(given, bootstrapDigest)) {
        return {
          actor: { kind: 'bootstrap', id: null, name: 'bootstrap', address: null, requestId: null },
          role: 'owner',
          session: null,
        }
      }
      const row = await database.kysely
        .selectFrom('api_tokens')
        .select(['id', 'name', 'role', 'last_used_at'])
        .where('token_hash', '=', given.toString('hex'))
        .executeTakeFirst()
      if (row === undefined) return undefined
      const at = now()
      if (row.last_used_at === null || at - row.last_used_at >= LAST_USE_PRECISION_MS) {
        await database.kysely.updateTable('api_tokens').set({ last_used_at: at }).where('id', '=', row.id).execute()
      }
      const actor: Actor = { kind: 'token', id: row.id, name: row.name, address: null, requestId: null }
      return { actor, role: row.role as Role, session: null }
    },

    /** Somebody who is signed in at this server. @returns undefined when they are so no more */
    async authenticateUser(session: Session): Promise<Caller | undefined> {
      const user = await database.kysely
        .selectFrom('users')
        .select(['username', 'role'])
        .where('id', '=', session.userId)
        .where('status', '=', 'active')
        .executeTakeFirst()
      if (user === undefined) return undefined
      const actor: Actor = { kind: 'user', id: session.userId, name: user.username, address: null, requestId: null }
      return { actor, role: user.role as Role | null, session }
    },

    /** `token` is in the answer and nowhere else. */
    async createToken(
      actor: Actor,
      { name, role }: { name: string; role: Role },
    ): Promise<ApiToken & { token: string }> {
      const bytes = new Uint8Array(TOKEN_BYTES)
      random(bytes)
      const token = `mt_${Buffer.from(bytes).toString('base64url')}`
      const row: Row<'api_tokens'> = {
        id: newId('tok'),
        name,
        role,
        token_hash: digest(token).toString('hex'),
        created_by: actor.name,
        created_at: now(),
        last_used_at: null,
      }
      await database.inTransaction(async (tx) => {
        await insertRows(tx, 'api_tokens', [row])
        await audit.record(tx, actor, [tokenEntry('api-token.create', row)])
      })
      return { ...tokenFromRow(row), token }
    },

    /** In the order of their creation. */
    async listTokens({ limit, cursor, q }: Page) {
      let all = database.kysely.selectFrom('api_tokens')
      if (q !== null) all = all.where(contains('name', q))
      const { total } = await all.select((eb) => eb.fn.countAll<number>().as('total')).executeTakeFirstOrThrow()
      let page = all
        .selectAll()
        .orderBy('id')
        .limit(limit + 1)
      if (cursor !== null) page = page.where('id', '>', cursor)
      const rows = await page.execute()
      return { items: rows.slice(0, limit).map(tokenFromRow), hasMore: rows.length > limit, total }
    },

    /** It stops working at once. @throws AppError `api-tokens/not-found` */
    async removeToken(actor: Actor, id: string): Promise<void> {
      await database.inTransaction(async (tx) => {
        const row = await tx.kysely.selectFrom('api_tokens').selectAll().where('id', '=', id).executeTakeFirst()
        if (row === undefined) throw new AppError('api-tokens/not-found')
        await tx.kysely.deleteFrom('api_tokens').where('id', '=', id).execute()
        await audit.record(tx, actor, [tokenEntry('api-token.delete', row)])
      })
    },

    /** In the order of their creation as users, over all organizations. Deleted users have no role. */
    async listAdministrators({ limit, cursor, q }: Page) {
      let all = database.kysely.selectFrom('users').where('role', 'is not', null).where('status', '<>', 'deleted')
      if (q !== null) all = all.where((eb) => eb.or([contains('username', q), contains('display_name', q)]))
      const { total } = await all.select((eb) => eb.fn.countAll<number>().as('total')).executeTakeFirstOrThrow()
      let page = all
        .selectAll()
        .orderBy('id')
        .limit(limit + 1)
      if (cursor !== null) page = page.where('id', '>', cursor)
      const rows = await page.execute()
      const items = rows.slice(0, limit).map((row) => administratorOf(row, row.role as Role))
      return { items, hasMore: rows.length > limit, total }
    },

    /** @throws AppError `users/not-found`, `users/deleted`, `administrators/exists`, `auth/forbidden` */
    async addAdministrator(by: Requester, { userId, role }: { userId: string; role: Role }): Promise<Administrator> {
      refuseAllButOwners(by, 'administrator')
      return database.inTransaction(async (tx) => {
        const user = await lockLivingUser(tx, userId)
        if (user.role !== null) throw new AppError('administrators/exists')
        await tx.kysely.updateTable('users').set({ role, updated_at: now() }).where('id', '=', userId).execute()
        await audit.record(tx, by.actor, [administratorEntry('administrator.create', user, role)])
        return administratorOf(user, role)
      })
    },

    /** @throws AppError `administrators/not-found`, `users/last-owner`, `auth/forbidden` */
    changeAdministrator(by: Requester, userId: string, { role }: { role?: Role | undefined }): Promise<Administrator> {
      return database.inTransaction(async (tx) => {
        const owners = await lockOwners(tx)
        const user = await lockAdministrator(tx, userId)
        refuseUnlessOwner(by, user)
        if (role === undefined || role === user.role) return administratorOf(user, user.role)
        if (role !== 'owner') refuseLastOwner(owners, userId)
        await tx.kysely.updateTable('users').set({ role, updated_at: now() }).where('id', '=', userId).execute()
        await audit.record(tx, by.actor, [administratorEntry('administrator.update', user, role)])
        return administratorOf(user, role)
      })
    },

    /** The user stays. @throws AppError `administrators/not-found`, `users/last-owner`, `auth/forbidden` */
    async removeAdministrator(by: Requester, userId: string): Promise<void> {
      await database.inTransaction(async (tx) => {
        const owners = await lockOwners(tx)
        const user = await lockAdministrator(tx, userId)
        refuseUnlessOwner(by, user)
        refuseLastOwner(owners, userId)
        await tx.kysely.updateTable('users').set({ role: null, updated_at: now() }).where('id', '=', userId).execute()
        await audit.record(tx, by.actor, [administratorEntry('administrator.delete', user, null)])
      })
    },
  }
}

async function lockAdministrator(tx: Transaction, userId: string): Promise<Row<'users'> & { role: Role }> {
  const user = await lockUser(tx, userId).catch((error: unknown) => {
    throw error instanceof AppError ? new AppError('administrators/not-found', { cause: error }) : error
  })
  if (user.role === null) throw new AppError('administrators/not-found')
  return { ...user, role: user.role as Role }
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token, 'utf8').digest()
}

function tokenFromRow(row: Row<'api_tokens'>): ApiToken {
  return {
    id: row.id,
    name: row.name,
    role: row.role as Role,
    createdBy: row.created_by,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
  }
}

function administratorOf(user: Row<'users'>, role: Role): Administrator {
  return {
    userId: user.id,
    organizationId: user.organization_id,
    username: user.username,
    displayName: user.display_name,
    role,
  }
}

function tokenEntry(action: string, row: Row<'api_tokens'>): AuditEntry {
  return {
    action,
    organizationId: null,
    target: { kind: 'api-token', id: row.id, name: row.name },
    details: { role: row.role },
  }
}

function administratorEntry(action: string, user: Row<'users'>, role: Role | null): AuditEntry {
  return {
    action,
    organizationId: user.organization_id,
    target: { kind: 'user', id: user.id, name: user.username },
    details: { from: user.role, to: role },
  }
}
