/** The events benchmark as Markdown: what was reached beside the targets of product.md §10 and of the callbacks. Pure. */
import { BURST_MS, CALL_MS, STALL_LIMIT_MS, type Circumstances, type EventsBenchmark } from './events.ts'
import type { Burst, EventsResult } from './events.ts'
import { ACKNOWLEDGEMENT_LIMIT_MS, type Hostile } from './events-deliveries.ts'
import type { Spread } from './events-scene.ts'
import { describeMachine } from './surroundings.ts'

/** Milliseconds. */
const LAG_TARGETS: Partial<Record<Circumstances, number>> = { idle: 5_000, 'during full syncs': 60_000 }
const ACKNOWLEDGEMENT_TARGETS: Partial<Record<Circumstances, number>> = {
  idle: ACKNOWLEDGEMENT_LIMIT_MS,
  'during full syncs': 500,
}
/** Columns. */
const BESIDE = ['floor', 'disk'].flatMap((what) => [`${what} p50`, `${what} p99`, `${what} slowest`])
/** Of a row that has nothing beside it. */
const EMPTY = ['', ...BESIDE.map(() => '')]

export function describeEventsBenchmark({ machine, results, problems, skipped }: EventsBenchmark): string {
  const lines = [
    describeMachine(machine),
    '',
    `Changes are made in the emulator and count when the admin API shows them; a call to WeCom takes ${CALL_MS} ms.`,
    'Floor of an acknowledgement: a bare program that verifies, decrypts and answers, called in turns with the server.',
    'Disk: how long it takes to keep 8 kB, all the while beside; the server answers once a delivery is kept, the floor keeps nothing.',
    ...results.flatMap(describeResult),
  ]
  if (skipped.length > 0) lines.push('', 'Not measured:', '', ...skipped.map((reason) => `- ${reason}`))
  if (problems.length > 0) lines.push('', 'Wrong, whatever the time:', '', ...problems.map((problem) => `- ${problem}`))
  return `${lines.join('\n')}\n`
}

function describeResult(result: EventsResult): string[] {
  const { database, people, departments, fullSyncs, burst, hostile } = result
  return [
    '',
    `## ${people.toLocaleString('en')} people in ${departments.toLocaleString('en')} departments, ${database === 'sqlite' ? 'SQLite' : 'PostgreSQL'}`,
    '',
    row('milliseconds', 'times', 'p50', 'p95', 'p99', 'slowest', 'target', 'p50 to floor', ...BESIDE),
    row('---', '---:', '---:', '---:', '---:', '---:', '---', '---:', ...BESIDE.map(() => '---:')),
    ...result.lags.map(({ when, spread }) =>
      row(`change to directory, ${when}`, ...numbers(spread), target('p95', spread.p95, LAG_TARGETS[when]), ...EMPTY),
    ),
    ...(burst === undefined
      ? []
      : [row('reception to the end of the work, during the burst', ...numbers(burst.lag), '', ...EMPTY)]),
    ...result.acknowledgements.map(({ when, server, floor, disk }) =>
      row(
        `acknowledgement, ${when}`,
        ...numbers(server),
        target('p99', server.p99, ACKNOWLEDGEMENT_TARGETS[when]),
        (server.p50 / floor.p50).toFixed(1),
        ...[floor, disk].flatMap(({ p50, p99, slowest }) => [ms(p50), ms(p99), ms(slowest)]),
      ),
    ),
    ...result.signIns.map(({ when, spread }) => row(`whole sign-in, ${when}`, ...numbers(spread), '', ...EMPTY)),
    '',
    `- The address was verified in ${ms(result.verificationMs)} ms (WeCom waits for 1,000).`,
    ...result.acknowledgements.map(
      ({ when, server, slow }) =>
        `- Acknowledgements over ${ACKNOWLEDGEMENT_LIMIT_MS} ms, ${when}: ${slow.count} of ${many(server.count)}; the disk had stalled for at ` +
        `least half of ${slow.ofDisk} of them.`,
    ),
    ...(fullSyncs.length === 0
      ? []
      : [
          `- Full syncs beside: ${fullSyncs.length}, of ${Math.min(...fullSyncs).toFixed(1)} to ${Math.max(...fullSyncs).toFixed(1)} s each.`,
        ]),
    ...(burst === undefined ? [] : describeBurst(burst)),
    ...(hostile === undefined ? [] : describeHostile(hostile)),
  ]
}

function describeBurst(burst: Burst): string[] {
  return [
    `- Burst: ${many(burst.changes)} changes of ${many(burst.people)} people in ${burst.seconds.toFixed(0)} s (meant: ten ` +
      `thousand in ${BURST_MS / 1_000}); ${many(burst.delivered)} acknowledged, ${many(burst.kept)} kept, ` +
      `${many(burst.applied)} applied, ${burst.wrong} people wrong; done ` +
      `${(burst.settledAfterMs / 1_000).toFixed(1)} s after the last change; the event ` +
      `loop stood still for ${ms(burst.stall.server)} ms at most (${ms(burst.stall.floor)} that of the bare program).`,
    `- Calls: ${many(burst.questions)} of user/get for ${many(burst.events)} events about ${many(burst.objects)} people, ` +
      `those of the deliveries that were measured beside among them.`,
  ]
}

function describeHostile({ sent, byStatus, stall }: Hostile): string[] {
  const statuses = Object.entries(byStatus).map(([status, count]) => `${count} × ${status}`)
  return [
    `- ${many(sent)} damaged callbacks: ${statuses.join(', ')}; the event loop stood still for ` +
      `${ms(stall.server)} ms at most (limit ${STALL_LIMIT_MS}; ${ms(stall.floor)} that of the bare program beside).`,
  ]
}

function many(count: number): string {
  return count.toLocaleString('en')
}

function numbers({ count, p50, p95, p99, slowest }: Spread): string[] {
  return [count.toLocaleString('en'), ms(p50), ms(p95), ms(p99), ms(slowest)]
}

function target(which: string, reached: number, limit: number | undefined): string {
  if (limit === undefined) return ''
  return `${which} ${limit.toLocaleString('en')}${reached <= limit ? '' : ', missed'}`
}

function ms(value: number): string {
  return value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString('en')
}

function row(...cells: string[]): string {
  return `| ${cells.join(' | ')} |`
}
