/**
 * Reads users as wholes: the row, its memberships, its links and who leads it. A page of any size takes the same number
 * of statements. Columns keep their names here; rendering them for the API is admin/users.ts.
 */
import { sql, type RawBuilder } from 'kysely'
import { isOneOf, type Executor, type Row } from '../database/database.ts'
import { AppError } from '../errors.ts'
import { pageOfRanked, searchFor } from './search.ts'

export type Membership = Row<'memberships'> & { readonly department_name: string }

export interface UserRecord {
  readonly user: Row<'users'>
  readonly memberships: readonly Membership[]
  readonly links: readonly Row<'links'>[]
  /** The living user behind the first of the leaders that WeCom names, if there is one here. */
  readonly directLeaderUserId: string | null
}

export interface UserFilter {
  readonly organizationId: string
  readonly departmentId: string | null
  /** With a department: the members of those below it, too. */
  readonly nested: boolean
  /** null: everybody who is not deleted. */
  readonly status: 'active' | 'disabled' | 'deleted' | null
  readonly origin: 'built_in' | 'wecom' | null
  readonly connectionId: string | null
  readonly q: string | null
  readonly limit: number
  /** Of the page before. */
  readonly cursor: string | null
}

/** A page of a list, and the cursor of the next one. */
export interface Found<Item> {
  readonly items: Item[]
  readonly hasMore: boolean
  readonly total: number
  readonly place: string
}

/** @throws AppError `users/not-found` */
export async function loadUser(on: Executor, id: string): Promise<UserRecord> {
  const user = await on.kysely.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirst()
  if (user === undefined) throw new AppError('users/not-found')
  const [record] = await complete(on, [user])
  return record!
}

/** In the order of their creation; with a search, what fits best first. */
export async function listUsers(on: Executor, filter: UserFilter): Promise<Found<UserRecord>> {
  if (filter.q !== null) return searchUsers(on, filter, filter.q)
  const all = matching(on, filter)
  const { total } = await all.select((eb) => eb.fn.countAll<number>().as('total')).executeTakeFirstOrThrow()
  let page = all
    .selectAll()
    .orderBy('id')
    .limit(filter.limit + 1)
  if (filter.cursor !== null) page = page.where('id', '>', filter.cursor)
  const users = await page.execute()
  const shown = users.slice(0, filter.limit)
  return {
    items: await complete(on, shown),
    hasMore: users.length > filter.limit,
    total,
    place: shown.at(-1)?.id ?? '',
  }
}

/** Everybody is looked at once: who fits, how well, and how many they are. */
async function searchUsers(on: Executor, filter: UserFilter, q: string): Promise<Found<UserRecord>> {
  const { isFound, rank } = searchFor(on, q, { keyColumn: 'username_key', columns: SEARCHED })
  const all = matching(on, filter)
    .where(isFound)
    .select(['id', rank.as('rank')])
  const ranked = await pageOfRanked(on, all, filter)
  const users = await on.kysely
    .selectFrom('users')
    .selectAll()
    .where(
      isOneOf(
        on,
        'id',
        ranked.shown.map(({ id }) => id),
      ),
    )
    .execute()
  const byId = new Map(users.map((user) => [user.id, user]))
  // Whoever was purged between the two statements is nobody any more.
  const shown = ranked.shown.flatMap(({ id }) => byId.get(id) ?? [])
  return { ...ranked, items: await complete(on, shown) }
}

/** What to read of a user whose search text is not made yet. */
const SEARCHED = ['username', 'display_name', 'email', 'phone']

function matching(on: Executor, { organizationId, departmentId, nested, status, origin, connectionId }: UserFilter) {
  let users = on.kysely.selectFrom('users').where('organization_id', '=', organizationId)
  users = status === null ? users.where('status', '<>', 'deleted') : users.where('status', '=', status)
  if (origin !== null) users = users.where('origin', '=', origin)
  if (departmentId !== null) users = users.where(isMemberOf(departmentId, nested))
  if (connectionId !== null) {
    users = users.where('id', 'in', (eb) =>
      eb.selectFrom('links').select('user_id').where('connection_id', '=', connectionId),
    )
  }
  return users
}

/** `union` and not `union all`, so that it ends whatever stands below what. */
function isMemberOf(departmentId: string, nested: boolean): RawBuilder<boolean> {
  if (!nested) return sql<boolean>`id in (select user_id from memberships where department_id = ${departmentId})`
  return sql<boolean>`id in (
    with recursive below (id) as (
      select ${departmentId}
      union
      select departments.id from departments join below on departments.parent_id = below.id
    )
    select user_id from memberships where department_id in (select id from below)
  )`
}

async function complete(on: Executor, users: readonly Row<'users'>[]): Promise<UserRecord[]> {
  if (users.length === 0) return []
  const ids = users.map(({ id }) => id)
  const memberships = await on.kysely
    .selectFrom('memberships')
    .innerJoin('departments', 'departments.id', 'memberships.department_id')
    .selectAll('memberships')
    .select('departments.name as department_name')
    .where(isOneOf(on, 'memberships.user_id', ids))
    .orderBy('memberships.is_main', 'desc')
    .orderBy('memberships.department_id')
    .orderBy('memberships.origin')
    .execute()
  const links = await on.kysely
    .selectFrom('links')
    .selectAll()
    .where(isOneOf(on, 'user_id', ids))
    .orderBy('id')
    .execute()

  const membershipsOf = Map.groupBy(memberships, ({ user_id }) => user_id)
  const linksOf = Map.groupBy(links, ({ user_id }) => user_id)
  const leaders = await usersOfMembers(on, links.flatMap(leaderOf))
  return users.map((user) => {
    const ownLinks = linksOf.get(user.id) ?? []
    return {
      user,
      memberships: membershipsOf.get(user.id) ?? [],
      links: ownLinks,
      directLeaderUserId: ownLinks.flatMap(leaderOf).flatMap((leader) => leaders(leader) ?? [])[0] ?? null,
    }
  })
}

/** A member by the key of its link. */
export interface MemberKey {
  readonly connectionId: string
  readonly corpId: string
  readonly useridKey: string
}

function leaderOf(link: Row<'links'>): MemberKey[] {
  const [first] = JSON.parse(link.leader_keys) as string[]
  return first === undefined ? [] : [{ connectionId: link.connection_id, corpId: link.corp_id, useridKey: first }]
}

/** Who these members are here, as a question to ask afterwards. Deleted users are nobody. */
export async function usersOfMembers(
  on: Executor,
  members: readonly MemberKey[],
): Promise<(member: MemberKey) => string | undefined> {
  if (members.length === 0) return () => undefined
  const rows = await on.kysely
    .selectFrom('links')
    .innerJoin('users', 'users.id', 'links.user_id')
    .select(['links.connection_id', 'links.corp_id', 'links.userid_key', 'links.user_id'])
    .where('users.status', '<>', 'deleted')
    .where(isOneOf(on, 'links.connection_id', [...new Set(members.map(({ connectionId }) => connectionId))]))
    .where(isOneOf(on, 'links.corp_id', [...new Set(members.map(({ corpId }) => corpId))]))
    .where(isOneOf(on, 'links.userid_key', [...new Set(members.map(({ useridKey }) => useridKey))]))
    .execute()
  const users = new Map(rows.map((row) => [memberText(row.connection_id, row.corp_id, row.userid_key), row.user_id]))
  return ({ connectionId, corpId, useridKey }) => users.get(memberText(connectionId, corpId, useridKey))
}

function memberText(connectionId: string, corpId: string, useridKey: string): string {
  return JSON.stringify([connectionId, corpId, useridKey])
}
