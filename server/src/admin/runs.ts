/** Sync runs and their changes in the admin API (http-api.md §4.3, §4.4). */
import {
  approveRun,
  cancelRun,
  getRun,
  listAllRuns,
  listChanges,
  listRuns,
  rejectRun,
  revertRun,
  startRun,
  type Change as ChangeAnswer,
  type ForeseenChange,
  type Run as RunAnswer,
} from '@muster/contracts'
import type { z } from 'zod'
import type { Connections } from '../connections/connections.ts'
import type { Organizations } from '../directory/organizations.ts'
import { errorTable, type Language, type Problem } from '../errors.ts'
import type { History, RecordedChange } from '../sync/history.ts'
import type { Run, Runs } from '../sync/runs.ts'
import type { Sync } from '../sync/sync.ts'
import { sendCsv } from './csv-export.ts'
import { page, readCursor, readSearch } from './pages.ts'
import { route, type Route } from './routes.ts'

export function runRoutes({
  connections,
  organizations,
  runs,
  history,
  sync,
}: {
  connections: Connections
  organizations: Organizations
  runs: Runs
  history: History
  sync: Sync
}): Route[] {
  return [
    route(startRun, async ({ params, body, actor, language }) => {
      const connection = await connections.get(params.id)
      return renderRun(await sync.start(connection.id, { mode: body.mode, trigger: 'manual', actor }), language)
    }),

    route(listRuns, async ({ params, query, language }) => {
      const connection = await connections.get(params.id)
      const found = await runs.list({
        organizationId: connection.organizationId,
        connectionId: connection.id,
        limit: query.limit,
        cursor: readCursor(query.cursor),
        state: query.state,
      })
      return page(
        found.items.map((run) => renderRun(run, language)),
        found.hasMore,
        found.total,
        ({ id }) => id,
      )
    }),

    route(listAllRuns, async ({ query, language }) => {
      const organization = await organizations.resolve(query.organizationId)
      const connection = query.connection === undefined ? null : await connections.get(query.connection)
      const found = await runs.list({
        ...query,
        organizationId: organization.id,
        connectionId: connection?.id ?? null,
        cursor: readCursor(query.cursor),
      })
      return page(
        found.items.map((run) => renderRun(run, language)),
        found.hasMore,
        found.total,
        ({ id }) => id,
      )
    }),

    route(getRun, async ({ params, language }) => renderRun(await runs.load(params.id), language)),

    route(listChanges, async ({ params, query, language, reply }) => {
      const run = await runs.load(params.id)
      const filter = { ...query, q: readSearch(query.q) ?? undefined }
      if (query.format === 'csv') {
        return sendCsv(reply, run.id, COLUMNS, csvRows(history.all(run.id, filter), language))
      }
      const after = Number(readCursor(query.cursor) ?? -1)
      const found = await history.list(run.id, filter, {
        after: Number.isSafeInteger(after) ? after : -1,
        limit: query.limit,
      })
      return page(
        found.items.map((change) => renderChange(change, language)),
        found.hasMore,
        found.total,
        ({ id }) => id.slice(id.lastIndexOf('_') + 1),
      )
    }),

    route(approveRun, async ({ params, body, actor, language }) =>
      renderRun(await sync.approve(params.id, body.planHash, actor), language),
    ),

    route(rejectRun, async ({ params, actor, language }) => renderRun(await sync.reject(params.id, actor), language)),

    route(revertRun, async ({ params, body, actor, language }) => {
      const { mode = 'apply', userId = null } = body ?? {}
      return renderRun(await sync.revert(params.id, { mode, userId, actor }), language)
    }),

    route(cancelRun, async ({ params, actor, language }) => renderRun(await sync.cancel(params.id, actor), language)),
  ]
}

function renderRun(run: Run, language: Language): z.input<typeof RunAnswer> {
  return {
    id: run.id,
    organizationId: run.organizationId,
    connectionId: run.connectionId,
    mode: run.mode,
    trigger: run.trigger,
    requestedBy: run.requestedBy,
    state: run.state,
    originRunId: run.originRunId,
    onlyUserId: run.onlyUserId,
    startedAt: new Date(run.startedAt).toISOString(),
    finishedAt: run.finishedAt === null ? null : new Date(run.finishedAt).toISOString(),
    progress: run.progress,
    strategy: run.strategy,
    reading:
      run.reading === null
        ? null
        : { ...run.reading, reason: { ...run.reading.reason, detail: run.reading.reason.detail[language] } },
    complete: run.complete,
    corps: run.corps.map(({ error, ...corp }) => ({
      ...corp,
      error: error === null ? null : renderProblem(error, language),
    })),
    counts: run.counts,
    apiCalls: run.apiCalls,
    unread: run.unread.map(({ what, code, problem }) => ({
      what,
      code,
      detail: (problem.detail ?? errorTable[problem.code].title)[language],
    })),
    held:
      run.held === null
        ? null
        : { ...run.held, reasons: run.held.reasons.map(({ code, detail }) => ({ code, detail: detail[language] })) },
    error: run.error === null ? null : renderProblem(run.error, language),
    warnings: run.warnings.map(({ code, detail }) => ({ code, detail: detail[language] })),
  }
}

function renderChange(change: RecordedChange, language: Language): z.input<typeof ChangeAnswer> {
  return {
    id: `chg_${change.runId.slice('run_'.length)}_${change.position}`,
    runId: change.runId,
    ...renderForeseen(change, language),
  }
}

/** A change that no run may have recorded. */
export function renderForeseen(
  change: Omit<RecordedChange, 'runId' | 'position'>,
  language: Language,
): z.input<typeof ForeseenChange> {
  const target = change.entity === 'department' ? { departmentId: change.targetId } : { userId: change.targetId }
  return {
    entity: change.entity,
    action: change.action,
    state: change.state,
    externalId: change.externalId,
    ...target,
    name: change.name,
    before: change.before,
    after: change.after,
    reason: change.reason,
    error: change.problem === null ? null : renderProblem(change.problem, language),
    reviewId: change.reviewId,
  }
}

/** What is stored in both languages. */
export function renderProblem({ code, detail, remedy }: Problem, language: Language) {
  const known = errorTable[code]
  return {
    code,
    title: known.title[language],
    detail: detail?.[language] ?? null,
    remedy: (remedy ?? known.remedy)[language],
  }
}

const COLUMNS = [
  'position',
  'entity',
  'action',
  'state',
  'externalId',
  'id',
  'name',
  'before',
  'after',
  'reason',
  'error',
  'reviewId',
] as const

async function* csvRows(changes: AsyncIterable<RecordedChange>, language: Language): AsyncGenerator<unknown[]> {
  for await (const change of changes) {
    const { problem } = change
    const error =
      problem === null ? '' : `${problem.code}: ${(problem.detail ?? errorTable[problem.code].title)[language]}`
    yield [
      change.position,
      change.entity,
      change.action,
      change.state,
      change.externalId,
      change.targetId,
      change.name,
      change.before,
      change.after,
      change.reason,
      error,
      change.reviewId,
    ]
  }
}
