/**
 * Users as the subjects of tokens: what applications may be told about somebody, read in as few statements as possible,
 * because every userinfo request asks. Which of it they are told is oidc/claims.ts.
 */
import { sql } from 'kysely'
import { prepared, type Executor } from '../database/database.ts'

export interface Subject {
  /** Of the user; the `sub` of every token. */
  readonly id: string
  readonly organizationId: string
  readonly username: string
  readonly displayName: string
  readonly email: string | null
  readonly emailVerified: boolean
  readonly emailSource: string | null
  readonly phone: string | null
  readonly avatarUrl: string | null
  readonly locale: string | null
  /** Each once, the main one first; empty when they were not asked for. */
  readonly departments: readonly SubjectDepartment[]
  /** Who they are in WeCom, the oldest link first. */
  readonly members: readonly SubjectMember[]
}

export interface SubjectDepartment {
  readonly id: string
  readonly name: string
  readonly isMain: boolean
  /** From the root, or the highest that we can see, down to the department itself. */
  readonly path: readonly { readonly id: string; readonly name: string }[]
}

export interface SubjectMember {
  readonly linkId: string
  readonly connectionId: string
  readonly corpId: string
  readonly userid: string
}

/** Far above what WeCom allows. Moves are checked for circles, and a reader must end in any case. */
const DEEPEST = 64

/** @returns undefined for whoever is not an active user: applications are told nothing about them */
export async function findSubject(
  on: Executor,
  userId: string,
  { withDepartments }: { withDepartments: boolean },
): Promise<Subject | undefined> {
  const { rows } = await userWithLinks(on, { userId })
  const [user] = rows
  if (user === undefined) return undefined
  return {
    id: user.id,
    organizationId: user.organization_id,
    username: user.username,
    displayName: user.display_name,
    email: user.email,
    emailVerified: user.email_verified === 1,
    emailSource: user.email_source,
    phone: user.phone,
    avatarUrl: user.avatar_url,
    locale: user.locale,
    departments: withDepartments ? await departmentsOf(on, userId) : [],
    members: rows.flatMap(({ link_id, connection_id, corp_id, userid }) =>
      link_id === null || connection_id === null || corp_id === null || userid === null
        ? []
        : [{ linkId: link_id, connectionId: connection_id, corpId: corp_id, userid }],
    ),
  }
}

const userWithLinks = prepared((on, given: { userId: string }) =>
  on.kysely
    .selectFrom('users')
    .leftJoin('links', 'links.user_id', 'users.id')
    .select([
      'users.id',
      'users.organization_id',
      'users.username',
      'users.display_name',
      'users.email',
      'users.email_verified',
      'users.email_source',
      'users.phone',
      'users.avatar_url',
      'users.locale',
      'links.id as link_id',
      'links.connection_id',
      'links.corp_id',
      'links.userid',
    ])
    .where('users.id', '=', given.userId)
    .where('users.status', '=', sql.lit('active')) // a parameter would have SQLite plan the query each time, to see if an index fits
    .orderBy('links.id'),
)

/** What decides whether somebody could sign in, as far as it is written down here. */
export interface Access {
  readonly organizationId: string
  readonly status: 'active' | 'disabled' | 'deleted'
  readonly disabledBy: 'administrator' | 'source' | null
  readonly hasPassword: boolean
  /** Of the connections through which they are linked. */
  readonly connectionIds: readonly string[]
}

/** @returns undefined when there is nobody of that id */
export async function findAccess(on: Executor, userId: string): Promise<Access | undefined> {
  const rows = await on.kysely
    .selectFrom('users')
    .leftJoin('links', 'links.user_id', 'users.id')
    .select([
      'users.organization_id',
      'users.status',
      'users.disabled_by',
      'users.password_hash',
      'links.connection_id',
    ])
    .where('users.id', '=', userId)
    .execute()
  const [user] = rows
  if (user === undefined) return undefined
  return {
    organizationId: user.organization_id,
    // Columns with a closed set of values are texts to the compiler; only our own code writes them.
    status: user.status as Access['status'],
    disabledBy: user.disabled_by as Access['disabledBy'],
    hasPassword: user.password_hash !== null,
    connectionIds: rows.flatMap(({ connection_id }) => connection_id ?? []),
  }
}

/** One statement: the departments of the user, and everything above them. */
async function departmentsOf(on: Executor, userId: string): Promise<SubjectDepartment[]> {
  const { rows } = await sql<{ own: string; is_main: number; id: string; name: string; height: number }>`
    with recursive above (own, is_main, id, parent_id, name, height) as (
      select departments.id, own.is_main, departments.id, departments.parent_id, departments.name, 0
      from (
        select department_id, max(is_main) as is_main from memberships where user_id = ${userId} group by department_id
      ) own join departments on departments.id = own.department_id
      union all
      select above.own, above.is_main, parents.id, parents.parent_id, parents.name, above.height + 1
      from above join departments parents on parents.id = above.parent_id
      where above.height < ${sql.lit(DEEPEST)}
    )
    select own, is_main, id, name, height from above order by is_main desc, own, height desc
  `.execute(on.kysely)
  return Array.from(
    Map.groupBy(rows, ({ own }) => own),
    ([id, path]) => {
      const own = path.at(-1)! // the last of them has the height 0
      return { id, name: own.name, isMain: own.is_main === 1, path: path.map(({ id, name }) => ({ id, name })) }
    },
  )
}
