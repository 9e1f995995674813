/**
 * What a source may write into the directory, and the only code that writes it. A `UserWrite` is one person as a whole:
 * the user, the link and the memberships go in together or not at all. Called by sync only, inside its transactions.
 */
import { insertRows, isOneOf, updateRows, type Row, type Transaction } from '../database/database.ts'
import { signOutEverywhere, signOutWithoutDoor } from './sign-out.ts'

export { signOutOfMembers, type EndedSession } from './sign-out.ts'

/** The columns of a user that belong to its source. Everything else on a user is ours and never touched here. */
export const SOURCE_COLUMNS = [
  'display_name',
  'email',
  'email_key',
  'email_verified',
  'email_source',
  'phone',
  'avatar_url',
  'title',
  'gender',
  'attributes',
  'status',
  'disabled_by',
  'deleted_by',
  'deleted_at',
  'updated_at',
] as const satisfies readonly (keyof Row<'users'>)[]

/** The source-owned part of an existing user, after the change. */
export type SourceFields = Pick<Row<'users'>, 'id' | (typeof SOURCE_COLUMNS)[number]>

const LINK_COLUMNS = ['user_id', 'userid', 'open_userid', 'source_hash', 'leader_keys'] as const

/** What sync may change on an existing link. */
export type LinkFields = Pick<Row<'links'>, 'id' | (typeof LINK_COLUMNS)[number]>

/** A link that goes, with the user who had it. */
export interface LinkRemoval {
  readonly id: string
  readonly userId: string
  readonly at: number
}

export interface UserWrite {
  userId: string
  user:
    | { create: Row<'users'> }
    /** With a username where somebody has taken the old one meanwhile. */
    | { update: SourceFields; username?: Pick<Row<'users'>, 'username' | 'username_key'> | undefined }
    | null
  /** `move` binds the same user to another userid of the company. */
  link:
    | { create: Row<'links'> }
    | { update: LinkFields }
    | { move: LinkFields & { userid_key: string } }
    | { delete: LinkRemoval }
    /** Somebody else takes it over in the same transaction, at this moment. */
    | { leave: number }
    | null
  /** All memberships that this connection gives the user; null leaves them as they are. */
  memberships: Row<'memberships'>[] | null
}

export type DepartmentWrite =
  /** `members` come back with a department that was deleted. */
  | { create: Row<'departments'>; members?: readonly Row<'memberships'>[] }
  | { update: Pick<Row<'departments'>, 'id' | (typeof DEPARTMENT_COLUMNS)[number]> }
  /** With the memberships that WeCom gave; the caller has made sure that nothing of ours is in it. */
  | { delete: string }

const DEPARTMENT_COLUMNS = ['parent_id', 'name', 'name_en', 'position', 'leaders', 'updated_at'] as const

/**
 * Writes people. Addresses are vacated before they are taken, so that two people of one call may swap theirs.
 * Fails as a whole when one row is refused; the caller then tries the people one by one.
 */
export async function writeUsers(tx: Transaction, connectionId: string, writes: readonly UserWrite[]): Promise<void> {
  const created: Row<'users'>[] = []
  const updated: SourceFields[] = []
  const newLinks: Row<'links'>[] = []
  const links: LinkFields[] = []
  const memberships: Row<'memberships'>[] = []
  const unlinked: LinkRemoval[] = []
  const shutOut = new Map<number, string[]>()
  const rehoused: string[] = []
  const renamed: Pick<Row<'users'>, 'id' | 'username' | 'username_key'>[] = []
  const moved: (LinkFields & { userid_key: string })[] = []
  const movedAt = new Map<string, number>()
  for (const { userId, user, link, memberships: wanted } of writes) {
    if (user !== null && 'create' in user) created.push(user.create)
    if (user !== null && 'update' in user) updated.push(user.update)
    if (link !== null && 'create' in link) newLinks.push(link.create)
    if (user !== null && 'update' in user && user.username !== undefined) renamed.push({ id: userId, ...user.username })
    if (link !== null && 'update' in link) links.push(link.update)
    if (link !== null && 'delete' in link) unlinked.push(link.delete)
    if (link !== null && 'leave' in link) shutOut.set(link.leave, [...(shutOut.get(link.leave) ?? []), userId])
    if (link !== null && 'move' in link) {
      moved.push(link.move)
      if (user !== null && 'update' in user) movedAt.set(link.move.id, user.update.updated_at)
    }
    if (wanted === null) continue
    memberships.push(...wanted)
    if (user === null || 'update' in user) rehoused.push(userId)
  }

  const closed = await whoseAccessCloses(tx, updated)
  await vacateAddresses(tx, updated)
  // Before the rest of a restored user: the old username is free only while the user is not alive.
  await updateRows(tx, 'users', ['id'], ['username', 'username_key'], renamed) // the next one clears what search looks at
  await updateRows(tx, 'users', ['id'], [...SOURCE_COLUMNS, 'search_text'], updated.map(unsearched))
  await insertRows(tx, 'users', created)
  await insertRows(tx, 'links', newLinks)
  await updateRows(tx, 'links', ['id'], LINK_COLUMNS, links)
  await keepFormerNames(tx, moved, movedAt)
  await updateRows(tx, 'links', ['id'], [...LINK_COLUMNS, 'userid_key'], moved)
  if (unlinked.length > 0) {
    await tx.kysely
      .deleteFrom('links')
      .where(
        isOneOf(
          tx,
          'id',
          unlinked.map(({ id }) => id),
        ),
      )
      .execute()
  }
  if (rehoused.length > 0) {
    await tx.kysely
      .deleteFrom('memberships')
      .where(isOneOf(tx, 'user_id', rehoused))
      .where('connection_id', '=', connectionId)
      .execute()
  }
  await insertRows(tx, 'memberships', memberships)
  for (const [at, ids] of closed) await signOutEverywhere(tx, ids, at)
  if (unlinked.length > 0) {
    const owners = unlinked.map(({ userId }) => userId)
    await signOutWithoutDoor(tx, owners, unlinked[0]!.at)
  }
  for (const [at, ids] of shutOut) await signOutWithoutDoor(tx, ids, at)
}

/** Under which userid somebody was known before they were renamed: what WeCom says late may still call them so. */
async function keepFormerNames(
  tx: Transaction,
  moved: readonly Pick<Row<'links'>, 'id' | 'userid_key'>[],
  movedAt: ReadonlyMap<string, number>,
): Promise<void> {
  if (moved.length === 0) return
  const links = await tx.kysely
    .selectFrom('links')
    .selectAll()
    .where(
      isOneOf(
        tx,
        'id',
        moved.map(({ id }) => id),
      ),
    )
    .execute()
  const keys = new Map(moved.map(({ id, userid_key }) => [id, userid_key]))
  const renamed = links.filter(({ id, userid_key }) => keys.get(id) !== userid_key)
  await noteAliases(
    tx,
    renamed.map((link) => ({ link, key: link.userid_key, at: movedAt.get(link.id) ?? link.created_at })),
  )
}

/** Notes that a member is or was called so, too; whoever had the name before has it no more. */
export async function noteAliases(
  tx: Transaction,
  aliases: readonly { readonly link: Row<'links'>; readonly key: string; readonly at: number }[],
): Promise<void> {
  for (const { link, key, at } of aliases) {
    const alias = { connection_id: link.connection_id, corp_id: link.corp_id, alias_key: key }
    await tx.kysely
      .insertInto('link_aliases')
      .values({ ...alias, kind: 'userid', link_id: link.id, created_at: at })
      .onConflict((conflict) =>
        conflict.columns(['connection_id', 'corp_id', 'alias_key']).doUpdateSet({ link_id: link.id, created_at: at }),
      )
      .execute()
  }
}

/** Notes when WeCom was asked about these members by name, in the transaction that writes what it said. */
export async function noteAskedMembers(
  tx: Transaction,
  { connectionId, corpId }: { readonly connectionId: string; readonly corpId: string },
  keys: readonly string[],
  at: number,
): Promise<void> {
  if (keys.length === 0) return
  await tx.kysely
    .updateTable('links')
    .set({ asked_at: at })
    .where('connection_id', '=', connectionId)
    .where('corp_id', '=', corpId)
    .where(isOneOf(tx, 'userid_key', keys))
    .execute()
}

/** As `noteAskedMembers`, by our ids. */
export async function noteAskedDepartments(tx: Transaction, ids: readonly string[], at: number): Promise<void> {
  if (ids.length === 0) return
  await tx.kysely
    .updateTable('departments')
    .set({ asked_at: at })
    .where(isOneOf(tx, 'id', ids))
    .execute()
}

/** With the text that searching looks at to be made again; see search-texts.ts. */
function unsearched<T extends object>(row: T): T & { search_text: null } {
  return { ...row, search_text: null }
}

/** Of these, those who can sign in now and cannot afterwards, by the moment of the change. */
async function whoseAccessCloses(
  tx: Transaction,
  updated: readonly SourceFields[],
): Promise<ReadonlyMap<number, string[]>> {
  const closing = new Map(
    updated.flatMap(({ id, status, updated_at }) => (status === 'active' ? [] : [[id, updated_at]])),
  )
  if (closing.size === 0) return new Map()
  const active = await tx.kysely
    .selectFrom('users')
    .select('id')
    .where(isOneOf(tx, 'id', [...closing.keys()]))
    .where('status', '=', 'active')
    .execute()
  return Map.groupBy(
    active.map(({ id }) => id),
    (id) => closing.get(id)!,
  )
}

/** Frees the old addresses of everybody whose address changes: uniqueness is checked row by row, not at the end. */
async function vacateAddresses(tx: Transaction, updated: readonly SourceFields[]): Promise<void> {
  if (updated.length < 2) return
  const ids = updated.map(({ id }) => id)
  const current = await tx.kysely
    .selectFrom('users')
    .select(['id', 'email_key'])
    .where(isOneOf(tx, 'id', ids))
    .where('email_key', 'is not', null)
    .execute()
  const before = new Map(current.map(({ id, email_key }) => [id, email_key]))
  const movers = updated.filter(({ id, email_key }) => before.has(id) && before.get(id) !== email_key)
  await updateRows(
    tx,
    'users',
    ['id'],
    ['email_key'],
    movers.map(({ id }) => ({ id, email_key: null })),
  )
}

/** Writes departments in the given order: parents come before their children, and go after them. */
export async function writeDepartments(tx: Transaction, writes: readonly DepartmentWrite[]): Promise<void> {
  await insertRows(
    tx,
    'departments',
    writes.flatMap((write) => ('create' in write ? [write.create] : [])),
  )
  await updateRows(
    tx,
    'departments',
    ['id'],
    [...DEPARTMENT_COLUMNS, 'search_text'],
    writes.flatMap((write) => ('update' in write ? [unsearched(write.update)] : [])),
  )
  await returnMembers(
    tx,
    writes.flatMap((write) => ('create' in write ? (write.members ?? []) : [])),
  )
  const gone = writes.flatMap((write) => ('delete' in write ? [write.delete] : []))
  if (gone.length === 0) return
  // Should the department return, its people must be looked at again, although nothing about them has changed.
  await tx.kysely
    .updateTable('links')
    .set({ source_hash: null })
    .where('user_id', 'in', (eb) =>
      eb
        .selectFrom('memberships')
        .select('user_id')
        .where(isOneOf(tx, 'department_id', gone)),
    )
    .execute()
  // A tombstone that somebody put here by hand is no reason to keep it; a living person makes the database refuse.
  await tx.kysely
    .deleteFrom('memberships')
    .where(isOneOf(tx, 'department_id', gone))
    .where(({ eb, or, selectFrom }) =>
      or([
        eb('origin', '=', 'wecom'),
        eb('user_id', 'in', selectFrom('users').select('id').where('status', '=', 'deleted')),
      ]),
    )
    .execute()
  for (const id of gone) await tx.kysely.deleteFrom('departments').where('id', '=', id).execute()
}

/** Of whoever is still here; a main department that somebody has by now stays the main one. */
async function returnMembers(tx: Transaction, memberships: readonly Row<'memberships'>[]): Promise<void> {
  if (memberships.length === 0) return
  const ids = [...new Set(memberships.map(({ user_id }) => user_id))]
  const users = await tx.kysely
    .selectFrom('users')
    .select('id')
    .where(isOneOf(tx, 'id', ids))
    .execute()
  const mains = await tx.kysely
    .selectFrom('memberships')
    .select('user_id')
    .where(isOneOf(tx, 'user_id', ids))
    .where('origin', '=', 'wecom')
    .where('is_main', '=', 1)
    .execute()
  const here = new Set(users.map(({ id }) => id))
  const housed = new Set(mains.map(({ user_id }) => user_id))
  await insertRows(
    tx,
    'memberships',
    memberships
      .filter(({ user_id }) => here.has(user_id))
      .map((row) => (housed.has(row.user_id) ? { ...row, is_main: 0 } : row)),
  )
  await tx.kysely
    .updateTable('links')
    .set({ source_hash: null })
    .where(isOneOf(tx, 'user_id', ids))
    .execute()
}

/** Notes since when WeCom does not show a department any more; null for those that it shows again. */
export async function noteMissingDepartments(
  tx: Transaction,
  changed: readonly Pick<Row<'departments'>, 'id' | 'missing_since'>[],
): Promise<void> {
  await updateRows(tx, 'departments', ['id'], ['missing_since'], changed)
}

/** Takes a userid away from its user. */
export async function removeLink(tx: Transaction, id: string): Promise<void> {
  await tx.kysely.deleteFrom('links').where('id', '=', id).execute()
}

/** Notes since when members are missing from complete readings; null for those that are shown again. */
export async function noteMissingMembers(
  tx: Transaction,
  changed: readonly Pick<Row<'links'>, 'id' | 'missing_since'>[],
): Promise<void> {
  await updateRows(tx, 'links', ['id'], ['missing_since'], changed)
}

/** Notes that these members are as they should be, so that the next run need not look at them again; null: that it must. */
export async function settleLinks(
  tx: Transaction,
  settled: readonly Pick<Row<'links'>, 'id' | 'source_hash'>[],
): Promise<void> {
  await updateRows(tx, 'links', ['id'], ['source_hash'], settled)
}
