/** What WeCom told us, and what became of it, in the admin API (http-api.md §4.1). */
import { getEvent, listEvents, replayEvent, type Event as EventAnswer } from '@muster/contracts'
import type { z } from 'zod'
import type { Connections } from '../connections/connections.ts'
import type { Organizations } from '../directory/organizations.ts'
import type { Language } from '../errors.ts'
import type { Events, StoredEvent } from '../events/events.ts'
import { page, readCursor, readSearch } from './pages.ts'
import { route, type Route } from './routes.ts'
import { renderProblem } from './runs.ts'

export function eventRoutes({
  events,
  connections,
  organizations,
}: {
  events: Pick<Events, 'list' | 'get' | 'replay'>
  connections: Connections
  organizations: Organizations
}): Route[] {
  return [
    route(listEvents, async ({ query, language }) => {
      const organization = await organizations.resolve(query.organizationId)
      const connection = query.connection === undefined ? null : await connections.get(query.connection)
      const filter = {
        organizationId: organization.id,
        connectionId: connection?.id ?? null,
        state: query.state ?? null,
        type: query.type ?? null,
        from: query.from === undefined ? null : Date.parse(query.from),
        to: query.to === undefined ? null : Date.parse(query.to),
        q: readSearch(query.q),
      }
      const { items, hasMore, total } = await events.list(filter, {
        limit: query.limit,
        cursor: readCursor(query.cursor),
      })
      return page(
        items.map((event) => render(event, language)),
        hasMore,
        total,
        ({ id }) => id,
      )
    }),

    route(getEvent, async ({ params, language }) => render(await events.get(params.id), language)),

    route(replayEvent, async ({ params, actor, language }) => render(await events.replay(actor, params.id), language)),
  ]
}

function render(event: StoredEvent, language: Language): z.input<typeof EventAnswer> {
  return {
    id: event.id,
    organizationId: event.organizationId,
    connectionId: event.connectionId,
    corpId: event.corpId,
    channel: event.channel,
    type: event.type,
    object: event.object,
    state: event.state,
    note: event.note,
    attempts: event.attempts,
    error: event.error === null ? null : renderProblem(event.error, language),
    runId: event.runId,
    happenedAt: new Date(event.happenedAt).toISOString(),
    receivedAt: new Date(event.receivedAt).toISOString(),
    nextAttemptAt: event.dueAt === null ? null : new Date(event.dueAt).toISOString(),
    finishedAt: event.finishedAt === null ? null : new Date(event.finishedAt).toISOString(),
  }
}
