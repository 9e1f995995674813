/** Companies that authorised a connection, and inviting one, in the admin API (http-api.md §4.1). */
import { listCorps, startInstallation, type Corp as CorpAnswer } from '@muster/contracts'
import type { z } from 'zod'
import type { Corp, Corps } from '../connections/suites/corps.ts'
import type { Installations } from '../connections/suites/installations.ts'
import { page, readCursor, readSearch } from './pages.ts'
import { route, type Route } from './routes.ts'

export function corpRoutes({ corps, installations }: { corps: Corps; installations: Installations }): Route[] {
  return [
    route(listCorps, async ({ params, query }) => {
      const { items, hasMore, total } = await corps.list({
        connection: params.id,
        state: query.state ?? null,
        q: readSearch(query.q),
        limit: query.limit,
        cursor: readCursor(query.cursor),
      })
      return page(items.map(render), hasMore, total, ({ corpId }) => corpId)
    }),

    route(startInstallation, async ({ params, actor }) => {
      const { url, expiresAt } = await installations.start(actor, params.id)
      return { url, expiresAt: timestamp(expiresAt) }
    }),
  ]
}

function render(corp: Corp & { linkedUsers: number }): z.input<typeof CorpAnswer> {
  return {
    corpId: corp.corpId,
    name: corp.name,
    state: corp.state,
    agentId: corp.agentId,
    authorizedAt: timestamp(corp.authorizedAt),
    cancelledAt: corp.cancelledAt === null ? null : timestamp(corp.cancelledAt),
    seats: corp.seats,
    expiresAt: corp.expiresAt === null ? null : timestamp(corp.expiresAt),
    linkedUsers: corp.linkedUsers,
  }
}

function timestamp(at: number): string {
  return new Date(at).toISOString()
}
