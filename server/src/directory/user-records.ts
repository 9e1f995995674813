/**
 * Reads users as wholes: the row, its memberships, its links and who leads it. A page of any size takes the same number
 * of statements. Columns keep their names here; rendering them for the API is admin/users.ts.
 */
import { isOneOf, type Executor, type Row } from '../database/database.ts'
import { AppError } from '../errors.ts'
import { contains } from './search.ts'

export interface UserRecord {
  readonly user: Row<'users'>
  readonly memberships: readonly Row<'memberships'>[]
  readonly links: readonly Row<'links'>[]
  /** The living user behind the first of the leaders that WeCom names, if there is one here. */
  readonly directLeaderUserId: string | null
}

export interface UserFilter {
  readonly organizationId: string
  readonly departmentId: string | null
  /** null: everybody who is not deleted. */
  readonly status: 'active' | 'disabled' | 'deleted' | null
  readonly origin: 'built_in' | 'wecom' | null
  readonly connectionId: string | null
  readonly q: string | null
  readonly limit: number
  /** Id of the last user of the page before. */
  readonly cursor: string | null
}

/** @throws AppError `users/not-found` */
export async function loadUser(on: Executor, id: string): Promise<UserRecord> {
  const user = await on.kysely.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirst()
  if (user === undefined) throw new AppError('users/not-found')
  const [record] = await complete(on, [user])
  return record!
}

/** In the order of their creation. */
export async function listUsers(on: Executor, filter: UserFilter) {
  const all = matching(on, filter)
  const { total } = await all.select((eb) => eb.fn.countAll<number>().as('total')).executeTakeFirstOrThrow()
  let page = all
    .selectAll()
    .orderBy('id')
    .limit(filter.limit + 1)
  if (filter.cursor !== null) page = page.where('id', '>', filter.cursor)
  const users = await page.execute()
  return { items: await complete(on, users.slice(0, filter.limit)), hasMore: users.length > filter.limit, total }
}

function matching(on: Executor, { organizationId, departmentId, status, origin, connectionId, q }: UserFilter) {
  let users = on.kysely.selectFrom('users').where('organization_id', '=', organizationId)
  users = status === null ? users.where('status', '<>', 'deleted') : users.where('status', '=', status)
  if (origin !== null) users = users.where('origin', '=', origin)
  if (departmentId !== null) {
    users = users.where('id', 'in', (eb) =>
      eb.selectFrom('memberships').select('user_id').where('department_id', '=', departmentId),
    )
  }
  if (connectionId !== null) {
    users = users.where('id', 'in', (eb) =>
      eb.selectFrom('links').select('user_id').where('connection_id', '=', connectionId),
    )
  }
  if (q !== null) {
    // Numbers are stored without the spaces and hyphens that people write them with.
    const digits = q.replace(/[\s\-()]/g, '')
    users = users.where((eb) =>
      eb.or([
        contains('username', q),
        contains('display_name', q),
        contains('email', q),
        ...(/^\+?\d+$/.test(digits) ? [contains('phone', digits)] : []),
      ]),
    )
  }
  return users
}

async function complete(on: Executor, users: readonly Row<'users'>[]): Promise<UserRecord[]> {
  if (users.length === 0) return []
  const ids = users.map(({ id }) => id)
  const memberships = await on.kysely
    .selectFrom('memberships')
    .selectAll()
    .where(isOneOf(on, 'user_id', ids))
    .orderBy('is_main', 'desc')
    .orderBy('department_id')
    .orderBy('origin')
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
