/**
 * Users as administrators change them. What sync changes goes through writes.ts; the two meet in the rules here: fields
 * that WeCom owns are refused, and a decision that sync must respect makes it compare the person again.
 */
import type { NewUser, Role, UserPatch } from '@muster/contracts'
import type { Actor, Audit, AuditEntry } from '../audit/audit.ts'
import {
  insertRows,
  isOneOf,
  isUniqueViolation,
  type Database,
  type Executor,
  type Row,
  type Transaction,
} from '../database/database.ts'
import { AppError, type FieldProblem } from '../errors.ts'
import type { NewId } from '../ids.ts'
import { forgetGuesses } from './guesses.ts'
import { foldName, isDeceptive, normalisePhone } from './names.ts'
import { holdOrganization } from './organizations.ts'
import {
  lockLivingUser,
  lockOwners,
  lockUser,
  refuseAllButOwners,
  refuseLastOwner,
  refuseUnlessOwner,
  type Requester,
} from './owners.ts'
import { refuseWeakPassword } from './password-policy.ts'
import { hashPassword } from './passwords.ts'
import { endSessions, signOutEverywhere } from './sign-out.ts'
import { listUsers, loadUser, type UserFilter, type UserRecord } from './user-records.ts'

export type { Requester } from './owners.ts'
export type { UserFilter, UserRecord } from './user-records.ts'

export type Users = ReturnType<typeof createUsers>

export function createUsers({
  database,
  audit,
  newId,
  now,
}: {
  database: Database
  audit: Audit
  newId: NewId
  now: () => number
}) {
  return {
    /** Deleted users too, for as long as they can be restored. @throws AppError `users/not-found` */
    get(id: string): Promise<UserRecord> {
      return loadUser(database, id)
    },

    list(filter: UserFilter) {
      return listUsers(database, filter)
    },

    /** Usernames by id, of those who are not purged; for records that keep ids alone. */
    async usernames(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
      if (ids.length === 0) return new Map()
      const rows = await database.kysely
        .selectFrom('users')
        .select(['id', 'username'])
        .where(isOneOf(database, 'id', ids))
        .execute()
      return new Map(rows.map(({ id, username }) => [id, username]))
    },

    /**
     * Makes a built-in user.
     * @param claim comes before anything is written, and gives the user a role in the same transaction
     * @throws AppError `directory/built-in-off`, `directory/username-taken`, `directory/email-taken`,
     * `directory/username-deceptive`, `passwords/weak`, `departments/not-found`, `organizations/not-found`,
     * `auth/forbidden`
     */
    async create(
      by: Requester,
      organizationId: string,
      input: Omit<NewUser, 'organizationId'>,
      claim?: (tx: Transaction) => Promise<Role>,
    ): Promise<UserRecord> {
      if (input.breakGlass) refuseAllButOwners(by, 'break-glass')
      refuseDeceptive(input.username)
      const passwordHash = input.password == null ? null : await hashPassword(input.password)
      const at = now()
      const user: Row<'users'> = {
        id: newId('usr'),
        organization_id: organizationId,
        ...usernameColumns(input.username),
        display_name: input.displayName,
        ...emailColumns(input.email ?? null),
        phone: input.phone == null ? null : normalisePhone(input.phone),
        avatar_url: null,
        title: input.title ?? null,
        gender: null,
        locale: input.locale ?? null,
        attributes: '{}',
        status: 'active',
        disabled_by: null,
        deleted_by: null,
        origin: 'built_in',
        role: null,
        break_glass: input.breakGlass ? 1 : 0,
        password_hash: passwordHash,
        must_change_password: passwordHash !== null && input.mustChangePassword === true ? 1 : 0,
        last_sign_in_at: null,
        created_at: at,
        updated_at: at,
        deleted_at: null,
        signed_out_at: null,
        search_text: null,
      }
      return writing(user, async (tx) => {
        if (claim !== undefined) user.role = await claim(tx)
        const organization = await holdOrganization(tx, organizationId)
        if (!organization.builtInUsersAllowed) throw new AppError('directory/built-in-off')
        if (input.password != null) {
          refuseWeakPassword(input.password, { username: user.username, organizationName: organization.name })
        }
        await refuseTaken(tx, user)
        await insertRows(tx, 'users', [user])
        await replaceManualMemberships(tx, user, input.departments ?? [])
        const created = entry('user.create', user, { fields: Object.keys(input) })
        await audit.record(tx, by.actor, [created, ...(input.breakGlass ? [entry(MARKED, user, {})] : [])])
        return loadUser(tx, user.id)
      })
    },

    /**
     * A merge patch (RFC 7396).
     * @throws AppError as `create`, and `users/not-found`, `users/deleted`, `users/last-owner`, `auth/forbidden`,
     * `directory/source-owned`, `users/not-built-in`
     */
    async update(by: Requester, id: string, patch: UserPatch): Promise<UserRecord> {
      const { user: before } = await loadUser(database, id)
      if (patch.username !== undefined && patch.username !== before.username) refuseDeceptive(patch.username)
      const passwordHash = patch.password == null ? patch.password : await hashPassword(patch.password)
      const mayLoseOwner = patch.status === 'disabled' || patch.password === null
      return writing(patched(before, patch, passwordHash), async (tx) => {
        const owners = mayLoseOwner ? await lockOwners(tx) : new Set<string>()
        const user = await lockLivingUser(tx, id)
        refuseUnlessOwner(by, user)

        const next = patched(user, patch, passwordHash)
        if (next.break_glass !== user.break_glass) refuseAllButOwners(by, 'break-glass')
        if (next.break_glass === 1 && user.origin !== 'built_in') throw new AppError('users/not-built-in')
        const isLinked = await hasLink(tx, id)
        if (isLinked && (await hasSource(tx, id))) refuseSourceOwned(user, next)
        const losesLastDoor = user.password_hash !== null && next.password_hash === null && !isLinked
        if (next.status !== 'active' || losesLastDoor) refuseLastOwner(owners, id)
        await refuseTaken(tx, next)

        const done = entriesOf(user, next, patch)
        if (done.length === 0) return loadUser(tx, id)
        await tx.kysely
          .updateTable('users')
          .set({ ...next, updated_at: now(), search_text: null })
          .where('id', '=', id)
          .execute()
        if (patch.password != null) await takeNewPassword(tx, next, patch.password)
        const losesAccess = losesLastDoor || (user.status === 'active' && next.status !== 'active')
        // Whoever knew the old password may be signed in with it.
        const losesPassword = user.password_hash !== null && next.password_hash !== user.password_hash
        if (losesAccess || losesPassword) await signOutEverywhere(tx, [id], now())
        if (patch.departments !== undefined) await replaceManualMemberships(tx, user, patch.departments)
        if (next.status !== user.status || next.disabled_by !== user.disabled_by) await compareAgain(tx, id)
        await audit.record(tx, by.actor, done)
        return loadUser(tx, id)
      })
    },

    /**
     * Leaves a tombstone: links and memberships stay for a restoration, the role does not. Whom the source deleted is
     * deleted by the administrator from then on, so that sync does not bring them back.
     * @throws AppError `users/not-found`, `users/last-owner`, `auth/forbidden`
     */
    async remove(by: Requester, id: string): Promise<void> {
      await database.inTransaction(async (tx) => {
        const owners = await lockOwners(tx)
        const user = await lockUser(tx, id)
        if (user.status === 'deleted' && user.deleted_by === 'administrator') return
        refuseUnlessOwner(by, user)
        refuseLastOwner(owners, id)
        const at = now()
        await tx.kysely
          .updateTable('users')
          .set({
            status: 'deleted',
            deleted_by: 'administrator',
            deleted_at: user.deleted_at ?? at,
            disabled_by: null,
            role: null,
            updated_at: at,
          })
          .where('id', '=', id)
          .execute()
        await signOutEverywhere(tx, [id], at)
        await compareAgain(tx, id)
        await audit.record(tx, by.actor, [entry('user.delete', user, user.role === null ? {} : { role: user.role })])
      })
    },

    /**
     * @throws AppError `users/not-found`, `users/not-deleted`, and `directory/username-taken` or `directory/email-taken`
     * when somebody took the name or the address meanwhile
     */
    async restore(by: Requester, id: string): Promise<UserRecord> {
      const { user: before } = await loadUser(database, id)
      return writing(before, async (tx) => {
        const user = await lockUser(tx, id)
        if (user.status !== 'deleted') throw new AppError('users/not-deleted')
        refuseUnlessOwner(by, user)
        await refuseTaken(tx, user)
        await tx.kysely
          .updateTable('users')
          .set({ status: 'active', deleted_by: null, deleted_at: null, disabled_by: null, updated_at: now() })
          .where('id', '=', id)
          .execute()
        await compareAgain(tx, id)
        await audit.record(tx, by.actor, [entry('user.restore', user, {})])
        return loadUser(tx, id)
      })
    },

    /** Ends every session, code and token. The user may sign in again. @throws AppError `users/not-found`, `auth/forbidden` */
    async signOut(by: Requester, id: string): Promise<void> {
      await database.inTransaction(async (tx) => {
        const user = await lockUser(tx, id)
        refuseUnlessOwner(by, user)
        await signOutEverywhere(tx, [id], now())
        await audit.record(tx, by.actor, [entry('user.sign-out', user, {})])
      })
    },

    /** @throws AppError `users/not-found`, `sessions/not-found`, `auth/forbidden` */
    async endSession(by: Requester, id: string, sessionId: string): Promise<void> {
      await database.inTransaction(async (tx) => {
        const user = await lockUser(tx, id)
        refuseUnlessOwner(by, user)
        const session = await tx.kysely
          .selectFrom('sessions')
          .select('id')
          .where('id', '=', sessionId)
          .where('user_id', '=', id)
          .executeTakeFirst()
        if (session === undefined) throw new AppError('sessions/not-found')
        await endSessions(tx, [session])
        await audit.record(tx, by.actor, [entry('session.end', user, { sessionId })])
      })
    },

    /** Somebody signs out of browsers of their own, whatever their role. What is not theirs stays. */
    async endOwnSessions(actor: Actor, id: string, sessionIds: readonly string[]): Promise<void> {
      await database.inTransaction(async (tx) => {
        const user = await lockUser(tx, id)
        const own = await tx.kysely
          .selectFrom('sessions')
          .select('id')
          .where('user_id', '=', id)
          .where(isOneOf(tx, 'id', sessionIds))
          .execute()
        await endSessions(tx, own)
        await audit.record(
          tx,
          actor,
          own.map(({ id: sessionId }) => entry('session.end', user, { sessionId })),
        )
      })
    },
  }

  /** @throws AppError `passwords/weak` */
  async function takeNewPassword(tx: Transaction, user: Row<'users'>, password: string): Promise<void> {
    const { name } = await holdOrganization(tx, user.organization_id)
    refuseWeakPassword(password, { username: user.username, organizationName: name })
    await forgetGuesses(tx, { organizationId: user.organization_id, username: user.username })
  }

  /** The indexes have the last word about names and addresses; whoever loses a race gets the same refusal as latecomers. */
  async function writing<T>(candidate: Named, work: (tx: Transaction) => Promise<T>): Promise<T> {
    try {
      return await database.inTransaction(work)
    } catch (error) {
      if (isUniqueViolation(error)) await refuseTaken(database, candidate)
      throw error
    }
  }
}

/** Makes sync look at the person again although nothing changed in WeCom. */
async function compareAgain(tx: Transaction, userId: string): Promise<void> {
  await tx.kysely.updateTable('links').set({ source_hash: null }).where('user_id', '=', userId).execute()
}

/** @throws AppError `directory/username-deceptive` */
function refuseDeceptive(username: string): void {
  if (!isDeceptive(username)) return
  throw new AppError('directory/username-deceptive', {
    fields: [{ path: 'username', message: 'Could be taken for another one.' }],
  })
}

type Named = Pick<Row<'users'>, 'id' | 'organization_id' | 'username_key' | 'email_key'>

/** @throws AppError when another living user of the organization has the username or the address */
async function refuseTaken(on: Executor, user: Named): Promise<void> {
  if (await isTaken(on, user, 'username_key')) {
    throw new AppError('directory/username-taken', { fields: [{ path: 'username', message: 'Somebody has it.' }] })
  }
  if (user.email_key !== null && (await isTaken(on, user, 'email_key'))) {
    throw new AppError('directory/email-taken', { fields: [{ path: 'email', message: 'Somebody has it.' }] })
  }
}

/** One column at a time: with both in one statement SQLite uses neither index and reads the whole organization. */
async function isTaken(on: Executor, user: Named, column: 'username_key' | 'email_key'): Promise<boolean> {
  const other = await on.kysely
    .selectFrom('users')
    .select('id')
    .where('organization_id', '=', user.organization_id)
    .where('status', '<>', 'deleted')
    .where(column, '=', user[column])
    .where('id', '<>', user.id)
    .executeTakeFirst()
  return other !== undefined
}

function usernameColumns(username: string) {
  return { username, username_key: foldName(username) }
}

function emailColumns(email: string | null) {
  return {
    email,
    email_key: email === null ? null : foldName(email),
    email_source: email === null ? null : 'manual',
    email_verified: 0,
  }
}

/** @param passwordHash undefined keeps the password, null removes it */
function patched(user: Row<'users'>, patch: UserPatch, passwordHash: string | null | undefined): Row<'users'> {
  const next = { ...user }
  if (patch.username !== undefined) Object.assign(next, usernameColumns(patch.username))
  if (patch.displayName !== undefined) next.display_name = patch.displayName
  // Sent back as it is, an address keeps what is known about it.
  if (patch.email !== undefined && patch.email !== user.email) Object.assign(next, emailColumns(patch.email))
  if (patch.phone !== undefined) next.phone = patch.phone === null ? null : normalisePhone(patch.phone)
  if (patch.title !== undefined) next.title = patch.title
  if (patch.locale !== undefined) next.locale = patch.locale
  if (patch.breakGlass !== undefined) next.break_glass = patch.breakGlass ? 1 : 0
  if (passwordHash !== undefined) {
    next.password_hash = passwordHash
    // Somebody else knows it now. Of those who set it for themselves password-proof.ts is the way.
    next.must_change_password = passwordHash !== null && patch.mustChangePassword !== false ? 1 : 0
  } else if (patch.mustChangePassword !== undefined && user.password_hash !== null) {
    next.must_change_password = patch.mustChangePassword ? 1 : 0
  }
  if (patch.status === 'active') Object.assign(next, { status: 'active', disabled_by: null })
  if (patch.status === 'disabled') Object.assign(next, { status: 'disabled', disabled_by: 'administrator' })
  return next
}

const COLUMNS = {
  username: 'username',
  displayName: 'display_name',
  email: 'email',
  phone: 'phone',
  title: 'title',
  locale: 'locale',
  password: 'password_hash',
  mustChangePassword: 'must_change_password',
} as const satisfies Partial<Record<keyof UserPatch, keyof Row<'users'>>>

const SOURCE_OWNED = ['displayName', 'email', 'phone', 'title'] as const satisfies readonly (keyof typeof COLUMNS)[]

/** What sync would only put back is refused, so that nobody wonders where the change went. */
function refuseSourceOwned(user: Row<'users'>, next: Row<'users'>): void {
  const fields = SOURCE_OWNED.filter((field) => next[COLUMNS[field]] !== user[COLUMNS[field]])
  if (fields.length === 0) return
  throw new AppError('directory/source-owned', {
    detail: {
      en: `WeCom owns ${fields.join(', ')} of this user.`,
      zh: `该用户的 ${fields.join('、')} 由企业微信管理。`,
    },
    fields: fields.map((path) => ({ path, message: 'Owned by WeCom.' })),
  })
}

/** What the patch really changes, as the audit record has it; nothing when it changes nothing. */
function entriesOf(user: Row<'users'>, next: Row<'users'>, patch: UserPatch): AuditEntry[] {
  const fields = Object.entries(COLUMNS).flatMap(([field, column]) => (next[column] === user[column] ? [] : [field]))
  if (patch.departments !== undefined) fields.push('departments')
  const isSwitched = next.status !== user.status || next.disabled_by !== user.disabled_by
  return [
    ...(fields.length > 0 ? [entry('user.update', next, { fields })] : []),
    ...(next.break_glass === user.break_glass ? [] : [entry(next.break_glass === 1 ? MARKED : UNMARKED, next, {})]),
    ...(isSwitched ? [entry(next.status === 'active' ? 'user.enable' : 'user.disable', next, {})] : []),
  ]
}

/** Words of the audit record for the break-glass mark. */
const MARKED = 'user.mark-break-glass'
const UNMARKED = 'user.unmark-break-glass'

async function hasLink(tx: Transaction, userId: string): Promise<boolean> {
  const link = await tx.kysely.selectFrom('links').select('id').where('user_id', '=', userId).executeTakeFirst()
  return link !== undefined
}

/** A provider is shown nothing of its people that would put anything back; what they are called is ours to say. */
async function hasSource(tx: Transaction, userId: string): Promise<boolean> {
  const link = await tx.kysely
    .selectFrom('links')
    .innerJoin('connections', 'connections.id', 'links.connection_id')
    .select('links.id')
    .where('links.user_id', '=', userId)
    .where('connections.kind', '<>', 'service_provider')
    .executeTakeFirst()
  return link !== undefined
}

/** @throws AppError `http/validation` for what contradicts itself, `departments/not-found` */
async function replaceManualMemberships(
  tx: Transaction,
  user: Pick<Row<'users'>, 'id' | 'organization_id'>,
  wanted: NonNullable<UserPatch['departments']>,
): Promise<void> {
  refuseContradictions(wanted)
  await tx.kysely.deleteFrom('memberships').where('user_id', '=', user.id).where('origin', '=', 'manual').execute()
  if (wanted.length === 0) return

  const ids = wanted.map(({ departmentId }) => departmentId)
  const found = await tx.kysely
    .selectFrom('departments')
    .select('id')
    .where('organization_id', '=', user.organization_id)
    .where(isOneOf(tx, 'id', ids))
    // A department that is being deleted must not get a member.
    .$if(tx.dialect === 'postgres', (query) => query.forKeyShare())
    .execute()
  const known = new Set<string>(found.map(({ id }) => id))
  const missing = fieldsWhere(wanted, ({ departmentId }) => !known.has(departmentId), 'No such department here.')
  if (missing.length > 0) throw new AppError('departments/not-found', { fields: missing })

  await insertRows(
    tx,
    'memberships',
    wanted.map(({ departmentId, isMain }) => ({
      user_id: user.id,
      department_id: departmentId,
      origin: 'manual',
      connection_id: null,
      is_main: isMain ? 1 : 0,
      position: 0,
      is_leader: 0,
    })),
  )
}

function refuseContradictions(wanted: NonNullable<UserPatch['departments']>): void {
  const main = wanted.findIndex(({ isMain }) => isMain)
  const fields = [
    ...fieldsWhere(
      wanted,
      ({ departmentId }, index) => wanted.findIndex((other) => other.departmentId === departmentId) < index,
      'Named twice.',
    ),
    ...fieldsWhere(wanted, ({ isMain }, index) => isMain && index > main, 'Only one department is the main one.'),
  ]
  if (fields.length > 0) throw new AppError('http/validation', { fields })
}

function fieldsWhere<T>(items: readonly T[], isWrong: (item: T, index: number) => boolean, message: string) {
  return items.flatMap((item, index): FieldProblem[] =>
    isWrong(item, index) ? [{ path: `departments.${index}`, message }] : [],
  )
}

function entry(action: string, user: Row<'users'>, details: Record<string, unknown>): AuditEntry {
  return {
    action,
    organizationId: user.organization_id,
    target: { kind: 'user', id: user.id, name: user.username },
    details,
  }
}
