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

  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    httpRequest(method: string, route: string, status: number, durationMs: number) {
      requests.observe({ method, route, status: String(status) }, durationMs / 1_000)
    },
    wecomCall(api: string, outcome: string) {
      wecomCalls.inc({ api, outcome })
    },
    runEnded(run: { state: string; trigger: string; startedAt: number; finishedAt: number | null }) {
      runs.inc({ state: run.state, trigger: run.trigger })
      if (run.finishedAt === null) return
      runDuration.observe((run.finishedAt - run.startedAt) / 1_000)
      lastRun.set({ state: run.state }, run.finishedAt / 1_000)
    },
  }
}
