/** Organizations in the admin API (http-api.md §4.1). */
import {
  createOrganization,
  deleteOrganization,
  getOrganization,
  listOrganizations,
  updateOrganization,
} from '@muster/contracts'
import type { Organization, Organizations } from '../directory/organizations.ts'
import { page, readCursor, readSearch } from './pages.ts'
import { route, type Route } from './routes.ts'

export function organizationRoutes({ organizations }: { organizations: Organizations }): Route[] {
  return [
    route(listOrganizations, async ({ query }) => {
      const { items, hasMore, total } = await organizations.list({
        limit: query.limit,
        cursor: readCursor(query.cursor),
        q: readSearch(query.q),
      })
      return page(items.map(shown), hasMore, total, ({ id }) => id)
    }),
    route(createOrganization, async ({ actor, body }) => shown(await organizations.create(actor, body))),
    route(getOrganization, async ({ params }) => shown(await organizations.get(params.id))),
    route(updateOrganization, async ({ actor, params, body }) =>
      shown(await organizations.update(actor, params.id, body)),
    ),
    route(deleteOrganization, async ({ actor, params }) => {
      await organizations.remove(actor, params.id)
      return undefined
    }),
  ]
}

function shown(organization: Organization) {
  return {
    ...organization,
    createdAt: new Date(organization.createdAt).toISOString(),
    updatedAt: new Date(organization.updatedAt).toISOString(),
  }
}
