/** Administrators in the admin API (http-api.md §4.1): an administrator is named by the id of the user. */
import { createAdministrator, deleteAdministrator, listAdministrators, updateAdministrator } from '@muster/contracts'
import type { Access } from './access.ts'
import { page, readCursor, readSearch } from './pages.ts'
import { route, type Route } from './routes.ts'

export function administratorRoutes({ access }: { access: Access }): Route[] {
  return [
    route(listAdministrators, async ({ query }) => {
      const { items, hasMore, total } = await access.listAdministrators({
        limit: query.limit,
        cursor: readCursor(query.cursor),
        q: readSearch(query.q),
      })
      return page(items, hasMore, total, ({ userId }) => userId)
    }),
    route(createAdministrator, async ({ actor, role, body }) => access.addAdministrator({ actor, role }, body)),
    route(updateAdministrator, async ({ actor, role, params, body }) =>
      access.changeAdministrator({ actor, role }, params.id, body),
    ),
    route(deleteAdministrator, async ({ actor, role, params }) => {
      await access.removeAdministrator({ actor, role }, params.id)
      return undefined
    }),
  ]
}
