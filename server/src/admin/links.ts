/** Links between members and users in the admin API (http-api.md §4.1). */
import { createLink, deleteLink, listLinks, type Link as LinkAnswer } from '@muster/contracts'
import type { z } from 'zod'
import type { Connections } from '../connections/connections.ts'
import type { Link, Links } from '../directory/links.ts'
import type { Organizations } from '../directory/organizations.ts'
import { page, readCursor, readSearch } from './pages.ts'
import { route, type Route } from './routes.ts'

export function linkRoutes({
  links,
  connections,
  organizations,
}: {
  links: Links
  connections: Connections
  organizations: Organizations
}): Route[] {
  return [
    route(listLinks, async ({ query }) => {
      const organization = await organizations.resolve(query.organizationId)
      const connection = query.connection === undefined ? null : await connections.get(query.connection)
      const { items, hasMore, total } = await links.list({
        organizationId: organization.id,
        connectionId: connection?.id ?? null,
        userId: query.userId ?? null,
        q: readSearch(query.q),
        limit: query.limit,
        cursor: readCursor(query.cursor),
      })
      return page(items.map(renderLink), hasMore, total, ({ id }) => id)
    }),
    route(createLink, async ({ actor, role, params, body }) => {
      const connection = await connections.get(body.connectionId)
      return renderLink(await links.create({ actor, role }, params.id, { ...body, connectionId: connection.id }))
    }),
    route(deleteLink, async ({ actor, role, params }) => {
      await links.remove({ actor, role }, params.id)
      return undefined
    }),
  ]
}

/** Also part of every user. */
export function renderLink(link: Link): z.input<typeof LinkAnswer> {
  return {
    id: link.id,
    connectionId: link.connection_id,
    corpId: link.corp_id,
    userid: link.userid,
    openUserid: link.open_userid,
    userId: link.user_id,
    createdBy: link.created_by as z.input<typeof LinkAnswer>['createdBy'],
    createdAt: new Date(link.created_at).toISOString(),
    lastSignInAt: link.last_sign_in_at === null ? null : new Date(link.last_sign_in_at).toISOString(),
  }
}
