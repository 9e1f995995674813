/**
 * The questions a source asks before it decides: who is linked, whose name or address is taken, what somebody looks like
 * now. All of them are about many at once and take one statement each. Called by sync only.
 */
import { isOneOf, prepared, readColumns, type Database, type Executor, type Row } from '../database/database.ts'
import { isProtected } from './protection.ts'

/** One link, as a run needs it for everybody at once. */
export interface LinkEntry {
  readonly id: string
  readonly userId: string
  /** Digest of what was last applied, or null. */
  readonly hash: string | null
  /** From 0, in the order of the index. */
  readonly place: number
}

/** Everybody who is linked through one company of a connection, by folded userid. Made by `linkIndex`. */
export class LinkIndex {
  readonly #places = new Map<string, number>()
  readonly #hashes: (string | null)[] = []
  /** Parsed when one of them is asked for: in a run that finds nothing new, nobody asks. */
  readonly #pages: { readonly first: number; ids: string | string[]; userIds: string | string[] }[] = []

  /** JSON arrays of the same people in the same order. */
  add(page: Readonly<Record<'id' | 'userid_key' | 'user_id' | 'source_hash', string>>): void {
    this.#pages.push({ first: this.size, ids: page.id, userIds: page.user_id })
    for (const key of JSON.parse(page.userid_key) as string[]) this.#places.set(key, this.#places.size)
    for (const hash of JSON.parse(page.source_hash) as (string | null)[]) this.#hashes.push(hash)
  }

  get size(): number {
    return this.#places.size
  }

  keys(): Iterable<string> {
    return this.#places.keys()
  }

  has(key: string): boolean {
    return this.#places.has(key)
  }

  get(key: string): LinkEntry | undefined {
    const place = this.#places.get(key)
    return place === undefined ? undefined : new IndexedLink(this, place)
  }

  hashAt(place: number): string | null {
    return this.#hashes[place]!
  }

  idsAt(place: number): { id: string; userId: string } {
    const page = this.#pages.findLast(({ first }) => first <= place)!
    if (typeof page.ids === 'string') page.ids = JSON.parse(page.ids) as string[]
    if (typeof page.userIds === 'string') page.userIds = JSON.parse(page.userIds) as string[]
    return { id: page.ids[place - page.first]!, userId: page.userIds[place - page.first]! }
  }
}

/** Looks its values up when they are asked for. */
class IndexedLink implements LinkEntry {
  readonly #index: LinkIndex
  readonly place: number

  constructor(index: LinkIndex, place: number) {
    this.#index = index
    this.place = place
  }

  get id(): string {
    return this.#index.idsAt(this.place).id
  }

  get userId(): string {
    return this.#index.idsAt(this.place).userId
  }

  get hash(): string | null {
    return this.#index.hashAt(this.place)
  }
}

export async function linkIndex(database: Database, connectionId: string, corpId: string): Promise<LinkIndex> {
  const index = new LinkIndex()
  const company = { connection_id: connectionId, corp_id: corpId }
  const columns = ['id', 'userid_key', 'user_id', 'source_hash'] as const
  for await (const page of readColumns(database, 'links', company, columns)) {
    index.add(page)
    await database.breathe()
  }
  return index
}

/** The links of these members, by folded userid. */
export function linksOf(
  on: Executor,
  { connectionId, corpId }: { connectionId: string; corpId: string },
  keys: readonly string[],
): Promise<Row<'links'>[]> {
  return on.kysely
    .selectFrom('links')
    .selectAll()
    .where('connection_id', '=', connectionId)
    .where('corp_id', '=', corpId)
    .where(isOneOf(on, 'userid_key', keys))
    .execute()
}

/**
 * Of these folded userids, those of members whom WeCom was asked about by name at this moment or later. There is no index
 * on that moment: reading all links for it takes SQLite 0.1 s with 100,000 people.
 */
export async function askedSince(
  on: Executor,
  { connectionId, corpId }: { connectionId: string; corpId: string },
  at: number,
  keys: readonly string[],
): Promise<Set<string>> {
  const rows = await on.kysely
    .selectFrom('links')
    .select('userid_key')
    .where('connection_id', '=', connectionId)
    .where('corp_id', '=', corpId)
    .where(isOneOf(on, 'userid_key', keys))
    .where('asked_at', '>=', at)
    .execute()
  return new Set(rows.map(({ userid_key }) => userid_key))
}

/**
 * The links of members who were known under one of these folded names before, by that name.
 * @param since what was noted before that does not count: a name may have been given to somebody else by now
 */
export async function linksByAlias(
  on: Executor,
  { connectionId, corpId }: { connectionId: string; corpId: string },
  keys: readonly string[],
  since: number,
): Promise<Map<string, Row<'links'>>> {
  if (keys.length === 0) return new Map()
  const rows = await on.kysely
    .selectFrom('link_aliases')
    .innerJoin('links', 'links.id', 'link_aliases.link_id')
    .where('link_aliases.connection_id', '=', connectionId)
    .where('link_aliases.corp_id', '=', corpId)
    .where(isOneOf(on, 'link_aliases.alias_key', keys))
    .where('link_aliases.created_at', '>=', since)
    .selectAll('links')
    .select('link_aliases.alias_key')
    .execute()
  return new Map(rows.map(({ alias_key, ...link }) => [alias_key, link]))
}

/** What these departments are called, whoever owns them. */
export async function departmentNames(on: Executor, ids: readonly string[]): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map()
  const rows = await on.kysely
    .selectFrom('departments')
    .select(['id', 'name'])
    .where(isOneOf(on, 'id', ids))
    .execute()
  return new Map(rows.map(({ id, name }) => [id, name]))
}

/** The departments that this connection owns. */
export function sourceDepartments(on: Executor, connectionId: string, corpId: string): Promise<Row<'departments'>[]> {
  return on.kysely
    .selectFrom('departments')
    .selectAll()
    .where('connection_id', '=', connectionId)
    .where('corp_id', '=', corpId)
    .execute()
}

/** Those of them that have one of these ids in WeCom. */
export async function sourceDepartmentsOf(
  on: Executor,
  { connectionId, corpId }: { connectionId: string; corpId: string },
  externalIds: readonly string[],
): Promise<Pick<Row<'departments'>, 'id' | 'external_id'>[]> {
  if (externalIds.length === 0) return []
  return on.kysely
    .selectFrom('departments')
    .select(['id', 'external_id'])
    .where('connection_id', '=', connectionId)
    .where('corp_id', '=', corpId)
    .where(isOneOf(on, 'external_id', externalIds))
    .execute()
}

/**
 * The living users with one of these folded usernames, and whether they are members already: of this company, or,
 * where it uses an app of a provider, of any other. A userid is one company's word for somebody; there it never leads to a
 * user of another company.
 */
export async function namesakes(
  on: Executor,
  { organizationId, connectionId, corpId }: { organizationId: string; connectionId: string; corpId: string },
  keys: readonly string[],
): Promise<Map<string, { userId: string; isProtected: boolean; isLinked: boolean }>> {
  if (keys.length === 0) return new Map()
  const rows = await on.kysely
    .selectFrom('users')
    .leftJoin('links', (join) =>
      join
        .onRef('links.user_id', '=', 'users.id')
        .on('links.connection_id', '=', connectionId)
        .on('links.corp_id', '=', corpId),
    )
    .select(['users.id', 'users.username_key', 'users.role', 'users.break_glass', 'links.id as link_id'])
    .where('users.organization_id', '=', organizationId)
    .where('users.status', '<>', 'deleted')
    .where(isOneOf(on, 'users.username_key', keys))
    .execute()
  const strangers = await membersOfOthers(
    on,
    { connectionId, corpId },
    rows.map(({ id }) => id),
  )
  return new Map(
    rows.map((row) => [
      row.username_key,
      {
        userId: row.id,
        isProtected: isProtected(row),
        isLinked: row.link_id !== null || strangers.has(row.id),
      },
    ]),
  )
}

/**
 * Which of these users are members of another company, where this one has, or had, authorised an app of a provider: such
 * a company says itself what its people are called. A self-built connection is of our own company, to which that does not
 * apply.
 */
async function membersOfOthers(
  on: Executor,
  { connectionId, corpId }: { connectionId: string; corpId: string },
  userIds: readonly string[],
): Promise<Set<string>> {
  if (userIds.length === 0) return new Set()
  const rows = await on.kysely
    .selectFrom('links')
    .select('links.user_id')
    .where(isOneOf(on, 'links.user_id', userIds))
    .where(({ eb, or }) => or([eb('links.connection_id', '<>', connectionId), eb('links.corp_id', '<>', corpId)]))
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom('corps')
          .select('corps.corp_id')
          .where('corps.connection_id', '=', connectionId)
          .where('corps.corp_id', '=', corpId),
      ),
    )
    .execute()
  return new Set(rows.map(({ user_id }) => user_id))
}

/** Which of these folded usernames are in use. */
export async function takenUsernames(
  on: Executor,
  organizationId: string,
  keys: readonly string[],
): Promise<Set<string>> {
  if (keys.length === 0) return new Set()
  const rows = await on.kysely
    .selectFrom('users')
    .select('username_key')
    .where('organization_id', '=', organizationId)
    .where('status', '<>', 'deleted')
    .where(isOneOf(on, 'username_key', keys))
    .execute()
  return new Set(rows.map((row) => row.username_key))
}

/** The living owners of these folded addresses. */
export async function addressOwners(
  on: Executor,
  organizationId: string,
  keys: readonly string[],
): Promise<Map<string, string>> {
  if (keys.length === 0) return new Map()
  const rows = await on.kysely
    .selectFrom('users')
    .select(['id', 'email_key'])
    .where('organization_id', '=', organizationId)
    .where('status', '<>', 'deleted')
    .where(isOneOf(on, 'email_key', keys))
    .execute()
  return new Map(rows.map((row) => [row.email_key!, row.id]))
}

/**
 * The living users with one of these numbers or folded addresses, and whom of this company they are. Who comes from another
 * company of the same connection is nobody here: what one company says about its people does not lead to another's. There is no index on
 * numbers, so one call reads the organization once: for pages of many, not for one.
 */
export async function contactHolders(
  on: Executor,
  { organizationId, connectionId, corpId }: { organizationId: string; connectionId: string; corpId: string },
  contacts: { readonly phones: readonly string[]; readonly emailKeys: readonly string[] },
) {
  const holders = (column: 'users.phone' | 'users.email_key', values: readonly string[]) =>
    on.kysely
      .selectFrom('users')
      .leftJoin('links', (join) =>
        join
          .onRef('links.user_id', '=', 'users.id')
          .on('links.connection_id', '=', connectionId)
          .on('links.corp_id', '=', corpId),
      )
      .select(['users.id', 'users.username_key', 'users.role', 'users.break_glass', ...LIKENESS])
      .select(['links.id as link_id', 'links.userid', 'links.userid_key'])
      .where('users.organization_id', '=', organizationId)
      .where('users.status', '<>', 'deleted')
      .where(isOneOf(on, column, values))
      .execute()
  const rows = [
    ...(contacts.phones.length === 0 ? [] : await holders('users.phone', contacts.phones)),
    ...(contacts.emailKeys.length === 0 ? [] : await holders('users.email_key', contacts.emailKeys)),
  ]
  const unlinked = rows.flatMap(({ id, link_id }) => (link_id === null ? [id] : []))
  const strangers = await membersOfOthers(on, { connectionId, corpId }, unlinked)
  return [...new Map(rows.map((row) => [row.id, row])).values()].filter(({ id }) => !strangers.has(id))
}

/** The folded userids of members who were missing from the last complete reading. */
export async function missingMembers(on: Executor, connectionId: string, corpId: string): Promise<Set<string>> {
  const rows = await on.kysely
    .selectFrom('links')
    .select('userid_key')
    .where('connection_id', '=', connectionId)
    .where('corp_id', '=', corpId)
    .where('missing_since', 'is not', null)
    .execute()
  return new Set(rows.map(({ userid_key }) => userid_key))
}

/** The link of one member, if there is one. */
export async function memberLink(
  on: Executor,
  { connectionId, corpId }: { connectionId: string; corpId: string },
  key: string,
): Promise<Row<'links'> | undefined> {
  return (await linkOfMember(on, { connectionId, corpId, key })).rows[0]
}

const linkOfMember = prepared((on, given: { connectionId: string; corpId: string; key: string }) =>
  on.kysely
    .selectFrom('links')
    .selectAll()
    .where('connection_id', '=', given.connectionId)
    .where('corp_id', '=', given.corpId)
    .where('userid_key', '=', given.key),
)

/** Whose these members are now, by folded userid. */
export async function linkedMembers(
  on: Executor,
  { connectionId, corpId }: { connectionId: string; corpId: string },
  keys: readonly string[],
): Promise<Map<string, string>> {
  const rows = await on.kysely
    .selectFrom('links')
    .select(['userid_key', 'user_id'])
    .where('connection_id', '=', connectionId)
    .where('corp_id', '=', corpId)
    .where(isOneOf(on, 'userid_key', keys))
    .execute()
  return new Map(rows.map(({ userid_key, user_id }) => [userid_key, user_id]))
}

/** What a plan has to know about everybody who is here already. The deleted are not: their addresses are free. */
export interface Present {
  readonly email: string | null
  readonly key: string | null
  readonly source: string | null
  readonly status: string
  readonly isProtected: boolean
  readonly likeness: Pick<Row<'users'>, (typeof LIKENESS)[number]>
}

/** What tells one person from another. */
const LIKENESS = ['display_name', 'phone', 'email_key', 'email_source'] as const

export async function presentUsers(on: Executor, userIds: readonly string[]): Promise<Map<string, Present>> {
  if (userIds.length === 0) return new Map()
  const rows = await on.kysely
    .selectFrom('users')
    .select(['id', 'email', 'status', 'role', 'break_glass', ...LIKENESS])
    .where(isOneOf(on, 'id', userIds))
    .where('status', '<>', 'deleted')
    .execute()
  return new Map(
    rows.map(({ id, email, status, role, break_glass, ...likeness }) => [
      id,
      {
        email,
        key: likeness.email_key,
        source: likeness.email_source,
        status,
        isProtected: isProtected({ role, break_glass }),
        likeness,
      },
    ]),
  )
}

/**
 * How many people of this company can sign in: what there is to lose.
 * @param atMost nobody is interested in more; counting everybody is most of what judging a few removals takes
 */
export async function activeLinkedUsers(
  on: Executor,
  { organizationId, connectionId, corpId }: { organizationId: string; connectionId: string; corpId: string },
  atMost: number,
): Promise<number> {
  // From the users, so that both sides are answered by an index alone: 0.1 s for 100,000 people on SQLite, where the
  // join from the links reads every user, 0.35 s.
  const people = on.kysely
    .selectFrom('users')
    .select('users.id')
    .where('users.organization_id', '=', organizationId)
    .where('users.status', '=', 'active')
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom('links')
          .select('links.id')
          .whereRef('links.user_id', '=', 'users.id')
          .where('links.connection_id', '=', connectionId)
          .where('links.corp_id', '=', corpId),
      ),
    )
    .$if(atMost < Infinity, (query) => query.limit(atMost))
  const { count } = await on.kysely
    .selectFrom(people.as('counted'))
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return count
}

/** Which of these users are members through another connection, too. */
export async function linkedElsewhere(
  on: Executor,
  { connectionId, corpId }: { connectionId: string; corpId: string },
  userIds: readonly string[],
): Promise<Set<string>> {
  if (userIds.length === 0) return new Set()
  const rows = await on.kysely
    .selectFrom('links')
    .select('user_id')
    .where(isOneOf(on, 'user_id', userIds))
    .where(({ eb, or }) => or([eb('connection_id', '<>', connectionId), eb('corp_id', '<>', corpId)]))
    .execute()
  return new Set(rows.map(({ user_id }) => user_id))
}

/** The company of a connection where somebody is linked under this folded userid: the first, where there are several. */
export async function companyOfMember(on: Executor, connectionId: string, key: string): Promise<string | undefined> {
  const row = await on.kysely
    .selectFrom('links')
    .select('corp_id')
    .where('connection_id', '=', connectionId)
    .where('userid_key', '=', key)
    .orderBy('id')
    .limit(1)
    .executeTakeFirst()
  return row?.corp_id
}

/** In which company of a connection these users are members. */
export async function companiesOfUsers(
  on: Executor,
  connectionId: string,
  userIds: readonly string[],
): Promise<Map<string, string>> {
  if (userIds.length === 0) return new Map()
  const rows = await on.kysely
    .selectFrom('links')
    .select(['user_id', 'corp_id'])
    .where('connection_id', '=', connectionId)
    .where(isOneOf(on, 'user_id', userIds))
    .orderBy('id')
    .execute()
  return new Map(rows.map(({ user_id, corp_id }) => [user_id, corp_id]))
}

/** Which of these users somebody put into a department by hand. */
export async function placedByHand(on: Executor, userIds: readonly string[]): Promise<Set<string>> {
  if (userIds.length === 0) return new Set()
  const rows = await on.kysely
    .selectFrom('memberships')
    .select('user_id')
    .where(isOneOf(on, 'user_id', userIds))
    .where('origin', '=', 'manual')
    .execute()
  return new Set(rows.map(({ user_id }) => user_id))
}

/** Every department of an organization with its place, and which of them hold members that were put there by hand. */
export async function departmentTree(on: Executor, organizationId: string) {
  const all = await on.kysely
    .selectFrom('departments')
    .selectAll()
    .where('organization_id', '=', organizationId)
    .execute()
  const manual = await on.kysely
    .selectFrom('memberships')
    .innerJoin('departments', 'departments.id', 'memberships.department_id')
    .where('departments.organization_id', '=', organizationId)
    .innerJoin('users', 'users.id', 'memberships.user_id')
    .where('users.status', '<>', 'deleted')
    .where('memberships.origin', '=', 'manual')
    .select('departments.id')
    .distinct()
    .execute()
  return { all, withManualMembers: new Set(manual.map(({ id }) => id)) }
}

/** What sources gave people in these departments. */
export async function sourceMembershipsIn(
  on: Executor,
  departmentIds: readonly string[],
): Promise<Row<'memberships'>[]> {
  if (departmentIds.length === 0) return []
  return on.kysely
    .selectFrom('memberships')
    .selectAll()
    .where(isOneOf(on, 'department_id', departmentIds))
    .where('origin', '=', 'wecom')
    .execute()
}

/**
 * These users as they are, with what this connection gave them. Inside a transaction nobody else can change them before
 * it ends.
 */
export async function knownUsers(
  on: Executor,
  { connectionId, corpId }: { connectionId: string; corpId: string },
  userIds: readonly string[],
): Promise<Map<string, { user: Row<'users'>; link: Row<'links'> | null; memberships: Row<'memberships'>[] }>> {
  if (userIds.length === 0) return new Map()
  const { rows: users } = await lockedUsers(on, { userIds })
  const { rows: links } = await linksOfUsers(on, { connectionId, corpId, userIds })
  const { rows: memberships } = await membershipsOfUsers(on, { connectionId, userIds })
  const known = new Map(
    users.map((user) => [
      user.id,
      { user, link: null as Row<'links'> | null, memberships: [] as Row<'memberships'>[] },
    ]),
  )
  for (const link of links) known.get(link.user_id)!.link = link
  for (const membership of memberships) known.get(membership.user_id)!.memberships.push(membership)
  return known
}

/** In the order of their ids, so that two runs never wait for each other in a circle. SQLite has one writer anyway. */
const lockedUsers = prepared((on, given: { userIds: readonly string[] }) =>
  on.kysely
    .selectFrom('users')
    .selectAll()
    .where(isOneOf(on, 'id', given.userIds))
    .orderBy('id')
    .$if(on.dialect === 'postgres', (query) => query.forNoKeyUpdate()),
)

const linksOfUsers = prepared((on, given: { connectionId: string; corpId: string; userIds: readonly string[] }) =>
  on.kysely
    .selectFrom('links')
    .selectAll()
    .where('connection_id', '=', given.connectionId)
    .where('corp_id', '=', given.corpId)
    .where(isOneOf(on, 'user_id', given.userIds)),
)

const membershipsOfUsers = prepared((on, given: { connectionId: string; userIds: readonly string[] }) =>
  on.kysely
    .selectFrom('memberships')
    .selectAll()
    .where('connection_id', '=', given.connectionId)
    .where(isOneOf(on, 'user_id', given.userIds)),
)
