/** Connections in the admin API (http-api.md §4.2). */
import {
  createConnection,
  deleteConnection,
  diagnoseConnection,
  getDiagnosis,
  getConnection,
  listConnections,
  updateConnection,
  type Connection as ConnectionAnswer,
  type Diagnosis as DiagnosisAnswer,
} from '@muster/contracts'
import type { z } from 'zod'
import type { Actor } from '../audit/audit.ts'
import type { Connection, Connections } from '../connections/connections.ts'
import { ENVIRONMENT_IDENTIFIER } from '../connections/environment.ts'
import type { Check, Diagnosis, Doctor } from '../connections/doctor/doctor.ts'
import type { Corps } from '../connections/suites/corps.ts'
import type { SuiteTickets } from '../connections/suites/tickets.ts'
import type { Organizations } from '../directory/organizations.ts'
import type { Language } from '../errors.ts'
import type { Runs } from '../sync/runs.ts'
import type { Sync } from '../sync/sync.ts'
import { page, readCursor, readSearch } from './pages.ts'
import { route, type Route } from './routes.ts'

export function connectionRoutes({
  connections,
  corps,
  doctor,
  organizations,
  runs,
  suiteTickets,
  sync,
  publicUrl,
  environmentRedirectUrl,
}: {
  connections: Connections
  corps: Corps
  doctor: Doctor
  organizations: Organizations
  runs: Runs
  suiteTickets: SuiteTickets
  sync: Sync
  publicUrl: string
  environmentRedirectUrl: string | undefined
}): Route[] {
  return [
    route(listConnections, async ({ query }) => {
      const organization = await organizations.resolve(query.organizationId)
      const found = await connections.list({
        organizationId: organization.id,
        q: readSearch(query.q),
        limit: query.limit,
        cursor: readCursor(query.cursor),
      })
      return page(await Promise.all(found.items.map(render)), found.hasMore, found.total, ({ id }) => id)
    }),

    route(createConnection, async ({ body, actor }) => {
      const { organizationId, ...input } = body
      const organization = await organizations.resolve(organizationId)
      return render(await connections.create(actor, organization.id, input))
    }),

    route(getConnection, async ({ params }) => render(await connections.get(params.id))),

    route(updateConnection, async ({ params, body, actor }) => {
      const connection = await connections.update(actor, params.id, body)
      if (!connection.sync.enabled) await cancelActive(connection.id, actor)
      return render(connection)
    }),

    route(deleteConnection, async ({ params, query, actor }) => {
      await connections.remove(actor, params.id, query.confirm)
      return undefined
    }),

    route(diagnoseConnection, async ({ params, language }) =>
      renderDiagnosis(await doctor.examine(params.id), language),
    ),

    route(getDiagnosis, async ({ params, language }) => {
      const last = await doctor.last(params.id)
      if (last === null) return { diagnosis: null }
      const { ranAt, isOutdated, checks, observedAddress } = last
      return {
        diagnosis: {
          ranAt: new Date(ranAt).toISOString(),
          isOutdated,
          checks: checks.map((check) => renderCheck(check, language)),
          observedAddress,
        },
      }
    }),
  ]

  async function cancelActive(connectionId: string, actor: Actor): Promise<void> {
    const { activeRunId } = await runs.statusOf(connectionId)
    if (activeRunId !== null) await sync.cancel(activeRunId, actor).catch(ignoreFinished)
  }

  async function render(connection: Connection): Promise<z.input<typeof ConnectionAnswer>> {
    const { last, activeRunId, isHeldByEvents } = await runs.statusOf(connection.id)
    const { has } = connection
    const previousUntil = await connections.callbackPreviousUntil(connection.id)
    return {
      id: connection.id,
      organizationId: connection.organizationId,
      identifier: connection.identifier,
      kind: connection.kind,
      displayName: connection.displayName,
      icon: connection.icon,
      corpId: connection.corpId,
      agentId: connection.agentId,
      hasSecret: has.secret,
      hasContactsSecret: has.contactsSecret,
      suiteId: connection.suiteId,
      hasSuiteSecret: has.suiteSecret,
      providerCorpId: connection.providerCorpId,
      hasProviderSecret: has.providerSecret,
      callback: {
        url: `${publicUrl}/callback/wecom/${connection.identifier}`,
        hasToken: has.callbackToken,
        hasAesKey: has.callbackAesKey,
        commandUrl: `${publicUrl}/callback/wecom/${connection.identifier}/command`,
        dataUrl: `${publicUrl}/callback/wecom/${connection.identifier}/data`,
        previousUntil: previousUntil === null ? null : new Date(previousUntil).toISOString(),
      },
      suite: connection.kind === 'self_built' ? null : await suiteOf(connection.id),
      mobile: connection.mobile,
      redirectUrl: redirectUrlOf(connection),
      managedByEnvironment: connection.managedByEnvironment,
      signIn: connection.signIn,
      sync: connection.sync,
      status: {
        sync: isHeldByEvents ? 'held' : last === null ? 'never' : statusOf(last.state),
        lastRunId: last?.id ?? null,
        lastRunAt: last === null ? null : new Date(last.startedAt).toISOString(),
        nextRunAt: connection.nextRunAt === null ? null : new Date(connection.nextRunAt).toISOString(),
        activeRunId,
        linkedUsers: await connections.linkedUsers(connection.id),
        ...(activeRunId === null ? {} : { sync: 'running' as const }),
      },
      createdAt: new Date(connection.createdAt).toISOString(),
      updatedAt: new Date(connection.updatedAt).toISOString(),
    }
  }

  async function suiteOf(connectionId: string) {
    const sentAt = await suiteTickets.sentAt(connectionId)
    return {
      ticketAt: sentAt === null ? null : new Date(sentAt).toISOString(),
      authorizedCorps: await corps.countAuthorized(connectionId),
    }
  }

  function redirectUrlOf({ identifier, managedByEnvironment }: Connection): string {
    if (managedByEnvironment && environmentRedirectUrl !== undefined) return environmentRedirectUrl
    const path = identifier === ENVIRONMENT_IDENTIFIER && managedByEnvironment ? '' : `${identifier}/`
    return `${publicUrl}/auth/wecom/${path}callback`
  }
}

function renderDiagnosis(
  { checks, observedAddress, sample }: Diagnosis,
  language: Language,
): z.input<typeof DiagnosisAnswer> {
  return {
    checks: checks.map((check) => renderCheck(check, language)),
    observedAddress,
    sample,
  }
}

function renderCheck({ name, result, title, detail, remedy, wecomCode }: Check, language: Language) {
  return {
    name,
    result,
    title: title[language],
    detail: detail[language],
    remedy: remedy?.[language] ?? null,
    wecomCode,
  }
}

/** The state of the last finished apply run, in the words of the connection. */
export function statusOf(state: string): 'succeeded' | 'partially_succeeded' | 'failed' | 'held' {
  switch (state) {
    case 'succeeded':
    case 'partially_succeeded':
    case 'held':
      return state
    case 'rejected':
    case 'superseded':
      return 'held'
    default:
      return 'failed'
  }
}

function ignoreFinished(error: unknown): void {
  // It ended by itself between the two calls, which is what was wanted.
  if (!(error instanceof Error && 'code' in error && error.code === 'sync/run-not-active')) throw error
}
