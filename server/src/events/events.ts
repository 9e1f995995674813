/**
 * What WeCom tells us by itself: its callbacks are verified, kept and acknowledged, and then worked off. Called by app.ts;
 * the admin API shows what became of each.
 */
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import type { Audit } from '../audit/audit.ts'
import type { Connections } from '../connections/connections.ts'
import type { Database, Transaction } from '../database/database.ts'
import type { NewId } from '../ids.ts'
import type { Metrics } from '../metrics.ts'
import type { ApplyHints } from '../sync/sync.ts'
import type { Vault } from '../vault.ts'
import { createEventLog } from './event-log.ts'
import { createInbox } from './inbox.ts'
import { mountCallbacks } from './routes.ts'
import { createWorker, type ApplySuiteEvent } from './worker.ts'

export type { EventFilter, StoredEvent } from './event-log.ts'

export type Events = ReturnType<typeof createEvents>

export function createEvents({
  database,
  vault,
  audit,
  connections,
  corpState,
  saveTicket,
  applyHints,
  applySuiteEvent,
  metrics,
  newId,
  owner,
  now,
  log,
}: {
  database: Database
  vault: Vault
  audit: Audit
  connections: Connections
  /** Whether a company has authorised the suite of a connection: now, once, or never. */
  corpState: (connectionId: string, corpId: string) => Promise<'authorized' | 'cancelled' | undefined>
  saveTicket: (tx: Transaction, connectionId: string, ticket: { ticket: string; sentAt: number }) => Promise<void>
  applyHints: ApplyHints
  applySuiteEvent: ApplySuiteEvent
  metrics: Pick<Metrics, 'callback' | 'eventEnded' | 'countEventsBy'>
  newId: NewId
  /** Names this process, newly for every start. */
  owner: string
  now: () => number
  log: Logger
}) {
  const inbox = createInbox({ database, vault, newId, now, owner })
  const eventLog = createEventLog({ database, audit, now })
  const worker = createWorker({
    inbox,
    applyHints,
    applySuiteEvent,
    async isKnownCompany(connectionId, corpId) {
      const connection = await connections.get(connectionId)
      if (connection.kind === 'self_built') return connection.corpId === corpId
      return (await corpState(connectionId, corpId)) === 'authorized'
    },
    now,
    log,
    onEnded: metrics.eventEnded,
  })
  metrics.countEventsBy(eventLog.count)

  return {
    list: eventLog.list,
    get: eventLog.get,
    /** @throws AppError `events/not-found`, `events/secret-gone` */
    replay: async (...given: Parameters<typeof eventLog.replay>) => {
      const event = await eventLog.replay(...given)
      worker.notice(event.connectionId)
      return event
    },
    parkedOf: eventLog.parkedOf,
    forget: eventLog.forget,
    removeOld: eventLog.removeOld,

    mount(scope: FastifyInstance): void {
      mountCallbacks(scope, {
        connections,
        inbox,
        corpState,
        saveTicket,
        onKept: worker.notice,
        onAnswered: metrics.callback,
        now,
      })
    },

    /** As a background job. */
    workOff: worker.look,
    wokenBy: worker.wokenBy,
    stop: worker.stop,
  }
}
