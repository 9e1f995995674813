/** Users in the admin API (http-api.md §4.5). */
import {
  createUser,
  deleteUser,
  getUser,
  listUsers,
  restoreUser,
  signOutUser,
  updateUser,
  type User as UserAnswer,
} from '@muster/contracts'
import type { z } from 'zod'
import type { Connections } from '../connections/connections.ts'
import type { Organizations } from '../directory/organizations.ts'
import type { UserRecord, Users } from '../directory/users.ts'
import { renderLink } from './links.ts'
import { page, readCursor, readSearch } from './pages.ts'
import { route, type Route } from './routes.ts'

export function userRoutes({
  users,
  connections,
  organizations,
}: {
  users: Users
  connections: Connections
  organizations: Organizations
}): Route[] {
  return [
    route(listUsers, async ({ query }) => {
      const organization = await organizations.resolve(query.organizationId)
      const connection = query.connection === undefined ? null : await connections.get(query.connection)
      const { items, hasMore, total, place } = await users.list({
        organizationId: organization.id,
        departmentId: query.departmentId ?? null,
        nested: query.nested === 'true',
        status: query.status ?? null,
        origin: query.origin ?? null,
        connectionId: connection?.id ?? null,
        q: readSearch(query.q),
        limit: query.limit,
        cursor: readCursor(query.cursor),
      })
      return page(items.map(renderUser), hasMore, total, () => place)
    }),
    route(createUser, async ({ actor, role, body }) => {
      const { organizationId, ...input } = body
      const organization = await organizations.resolve(organizationId)
      return renderUser(await users.create({ actor, role }, organization.id, input))
    }),
    route(getUser, async ({ params }) => renderUser(await users.get(params.id))),
    route(updateUser, async ({ actor, role, params, body }) =>
      renderUser(await users.update({ actor, role }, params.id, body)),
    ),
    route(deleteUser, async ({ actor, role, params }) => {
      await users.remove({ actor, role }, params.id)
      return undefined
    }),
    route(signOutUser, async ({ actor, role, params }) => {
      await users.signOut({ actor, role }, params.id)
      return undefined
    }),
    route(restoreUser, async ({ actor, role, params }) => renderUser(await users.restore({ actor, role }, params.id))),
  ]
}

type Answer = z.input<typeof UserAnswer>

export function renderUser({ user, memberships, links, directLeaderUserId }: UserRecord): Answer {
  return {
    id: user.id,
    organizationId: user.organization_id,
    username: user.username,
    displayName: user.display_name,
    email: user.email,
    emailVerified: user.email_verified === 1,
    // Columns with a closed set of values are texts to the compiler; only our own code writes them.
    emailSource: user.email_source as Answer['emailSource'],
    phone: user.phone,
    avatarUrl: user.avatar_url,
    title: user.title,
    gender: user.gender as Answer['gender'],
    locale: user.locale,
    status: user.status as Answer['status'],
    disabledBy: user.disabled_by as Answer['disabledBy'],
    origin: user.origin as Answer['origin'],
    role: user.role as Answer['role'],
    breakGlass: user.break_glass === 1,
    departments: memberships.map((membership) => ({
      departmentId: membership.department_id,
      name: membership.department_name,
      isMain: membership.is_main === 1,
      order: membership.position,
      isLeader: membership.is_leader === 1,
      origin: membership.origin as Answer['departments'][number]['origin'],
    })),
    directLeaderUserId,
    attributes: JSON.parse(user.attributes) as Answer['attributes'],
    hasPassword: user.password_hash !== null,
    mustChangePassword: user.must_change_password === 1,
    links: links.map(renderLink),
    lastSignInAt: timeOrNull(user.last_sign_in_at),
    createdAt: new Date(user.created_at).toISOString(),
    updatedAt: new Date(user.updated_at).toISOString(),
    deletedAt: timeOrNull(user.deleted_at),
  }
}

function timeOrNull(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString()
}
