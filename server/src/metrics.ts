/** Numbers for Prometheus. Labels come from closed sets only: routes, states, WeCom interface names; never people. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'

export type Metrics = ReturnType<typeof createMetrics>

export function createMetrics() {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const requests = new Histogram({
    name: 'muster_http_request_duration_seconds',
    help: 'Time to answer HTTP requests',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.02, 0.1, 0.5, 2, 10],
    registers,
  })
  const wecomCalls = new Counter({
    name: 'muster_wecom_calls_total',
    help: 'HTTP requests sent to WeCom',
    labelNames: ['api', 'outcome'],
    registers,
  })
  const runs = new Counter({
    name: 'muster_sync_runs_total',
    help: 'Sync runs that ended',
    labelNames: ['state', 'trigger'],
    registers,
  })
  const runDuration = new Histogram({
    name: 'muster_sync_run_duration_seconds',
    help: 'How long sync runs took',
    buckets: [1, 5, 15, 60, 300, 1_800],
    registers,
  })
  const lastRun = new Gauge({
    name: 'muster_sync_last_run_timestamp_seconds',
    help: 'When the last sync run of this process ended',
    labelNames: ['state'],
    registers,
  })
  const changes = new Counter({
    name: 'muster_sync_changes_total',
    help: 'What runs changed; what a scheduled run finds while events come in, events have missed',
    labelNames: ['trigger', 'entity', 'change'],
    registers,
  })
  const callbacks = new Counter({
    name: 'muster_callback_requests_total',
    help: 'Requests to the callback addresses',
    labelNames: ['outcome'],
    registers,
  })
  const callbackDuration = new Histogram({
    name: 'muster_callback_duration_seconds',
    help: 'Time to acknowledge callbacks; WeCom waits a second for a verification and five for an event',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2],
    registers,
  })
  const events = new Counter({
    name: 'muster_events_total',
    help: 'Times that events were worked off, by what became of them',
    labelNames: ['outcome'],
    registers,
  })
  const eventLag = new Histogram({
    name: 'muster_event_lag_seconds',
    help: 'From the arrival of an event to the directory being in line with it',
    buckets: [0.25, 0.5, 1, 2, 5, 15, 60, 300, 3_600],
    registers,
  })
  let countWaiting: (() => Promise<{ waiting: number; failed: number; parked: number }>) | undefined
  const waitingEvents = new Gauge({
    name: 'muster_events_waiting',
    help: 'Events that are not worked off: waiting for their turn, for another attempt, or parked',
    labelNames: ['state'],
    registers: [],
    async collect() {
      // A database that is away must not take the other numbers with it; readiness reports it.
      const counts = await countWaiting?.().catch(() => undefined)
      if (counts === undefined) return this.reset()
      this.set({ state: 'pending' }, counts.waiting)
      this.set({ state: 'failed' }, counts.failed)
      this.set({ state: 'parked' }, counts.parked)
    },
  })
  registry.registerMetric(waitingEvents)

  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    httpRequest(method: string, route: string, status: number, durationMs: number) {
      requests.observe({ method, route, status: String(status) }, durationMs / 1_000)
    },
    wecomCall(api: string, outcome: string) {
      wecomCalls.inc({ api, outcome })
    },
    runEnded(run: EndedRun) {
      runs.inc({ state: run.state, trigger: run.trigger })
      for (const entity of run.mode === 'apply' ? (['users', 'departments'] as const) : []) {
        for (const [change, count] of Object.entries(run.counts[entity])) {
          if (CHANGES.has(change) && count > 0) changes.inc({ trigger: run.trigger, entity, change }, count)
        }
      }
      if (run.finishedAt === null) return
      runDuration.observe((run.finishedAt - run.startedAt) / 1_000)
      lastRun.set({ state: run.state }, run.finishedAt / 1_000)
    },
    callback(outcome: CallbackOutcome, durationMs: number) {
      callbacks.inc({ outcome })
      callbackDuration.observe(durationMs / 1_000)
    },
    /** @param lagMs since it arrived; undefined for one that was worked off again by somebody's wish */
    eventEnded(outcome: EventOutcome, lagMs?: number) {
      events.inc({ outcome })
      if (outcome === 'applied' && lagMs !== undefined) eventLag.observe(Math.max(0, lagMs) / 1_000)
    },
    /** Asked whenever the numbers are read. */
    countEventsBy(count: () => Promise<{ waiting: number; failed: number; parked: number }>) {
      countWaiting = count
    },
  }
}

interface EndedRun {
  readonly state: string
  readonly mode: string
  readonly trigger: string
  readonly startedAt: number
  readonly finishedAt: number | null
  readonly counts: Readonly<Record<'users' | 'departments', Readonly<Record<string, number>>>>
}

const CHANGES = new Set(['created', 'updated', 'disabled', 'enabled', 'deleted', 'restored', 'linked', 'unlinked'])

export type CallbackOutcome =
  /** An address was verified. */
  | 'verified'
  /** Stored, and will be worked off. */
  | 'received'
  /** Stored, with nothing to do. */
  | 'ignored'
  | 'duplicate'
  /** Too old, or from the future. */
  | 'stale'
  | 'refused'
  | 'too-large'
  | 'no-connection'
  /** Not stored: the database was too slow or away, or too many wait already. WeCom sends it again. */
  | 'unavailable'

export type EventOutcome = 'applied' | 'ignored' | 'later' | 'failed' | 'parked'
