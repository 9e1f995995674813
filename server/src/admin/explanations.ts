/** Why this person? What a run would do with somebody, and what happened to them (http-api.md §4.1). */
import {
  explainMember,
  getUserTimeline,
  type Explanation as ExplanationAnswer,
  type TimelineEntry as TimelineEntryAnswer,
} from '@muster/contracts'
import type { z } from 'zod'
import type { Connections } from '../connections/connections.ts'
import { AppError, type Language } from '../errors.ts'
import type { Explain, Explanation } from '../sync/explain.ts'
import type { Place, Timeline, TimelineEntry } from '../sync/timeline.ts'
import { page, readCursor, readSearch } from './pages.ts'
import { route, type Route } from './routes.ts'
import { renderForeseen } from './runs.ts'

export function explanationRoutes({
  connections,
  explain,
  timeline,
}: {
  connections: Connections
  explain: Explain
  timeline: Timeline
}): Route[] {
  return [
    route(explainMember, async ({ params, body, language }) => {
      const { id } = await connections.get(params.id)
      return renderExplanation(await explain(id, body.userid), language)
    }),

    route(getUserTimeline, async ({ params, query, language }) => {
      const { items, next, total } = await timeline.list({
        userId: params.id,
        q: readSearch(query.q),
        after: placeOf(readCursor(query.cursor)),
        limit: query.limit,
      })
      return page(
        items.map((entry) => renderEntry(entry, language)),
        next !== null,
        total,
        () => `${next!.at}.${next!.source}.${next!.id}`,
      )
    }),
  ]
}

function renderExplanation(
  { steps, userId, changes, access }: Explanation,
  language: Language,
): z.input<typeof ExplanationAnswer> {
  return {
    steps: steps.map(({ step, result, detail }) => ({ step, result, detail: detail[language] })),
    userId,
    changes: changes.map((change) => renderForeseen(change, language)),
    access:
      access === null
        ? null
        : {
            // Columns with a closed set of values are texts to the compiler; only our own code writes them.
            status: access.status as 'active',
            disabledBy: access.disabledBy as 'source' | null,
            since: new Date(access.since).toISOString(),
            runId: access.runId,
            detail: access.detail[language],
          },
  }
}

function renderEntry(entry: TimelineEntry, language: Language): z.input<typeof TimelineEntryAnswer> {
  return { ...entry, at: new Date(entry.at).toISOString(), summary: entry.summary[language] }
}

/** @throws AppError `http/validation` */
function placeOf(cursor: string | null): Place | null {
  if (cursor === null) return null
  const [, at, source, id] = /^(\d{1,15})\.([0-2])\.(\S+)$/.exec(cursor) ?? []
  if (id === undefined) {
    throw new AppError('http/validation', {
      fields: [{ path: 'cursor', message: 'Not a cursor of this list: send the nextCursor of the page before.' }],
    })
  }
  return { at: Number(at), source: Number(source), id }
}
