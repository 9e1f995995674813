/** API tokens in the admin API (http-api.md §4.1). */
import { createApiToken, deleteApiToken, listApiTokens } from '@muster/contracts'
import type { Access, ApiToken } from './access.ts'
import { page, readCursor, readSearch } from './pages.ts'
import { route, type Route } from './routes.ts'

export function apiTokenRoutes({ access }: { access: Access }): Route[] {
  return [
    route(listApiTokens, async ({ query }) => {
      const { items, hasMore, total } = await access.listTokens({
        limit: query.limit,
        cursor: readCursor(query.cursor),
        q: readSearch(query.q),
      })
      return page(items.map(render), hasMore, total, ({ id }) => id)
    }),
    route(createApiToken, async ({ actor, body }) => {
      const { token, ...made } = await access.createToken(actor, body)
      return { ...render(made), token }
    }),
    route(deleteApiToken, async ({ actor, params }) => {
      await access.removeToken(actor, params.id)
      return undefined
    }),
  ]
}

function render({ createdAt, lastUsedAt, ...token }: ApiToken) {
  return {
    ...token,
    createdAt: new Date(createdAt).toISOString(),
    lastUsedAt: lastUsedAt === null ? null : new Date(lastUsedAt).toISOString(),
  }
}
