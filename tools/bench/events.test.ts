import assert from 'node:assert/strict'
import { test } from 'node:test'

import { describeEventsBenchmark } from './events-report.ts'
import type { Spread } from './events-scene.ts'
import { benchEvents, EVENTS_PARTS, type EventsPart } from './events.ts'

const DEADLINE_MS = 120_000
const PEOPLE = 60
/** In a third of a second. */
const EVENTS = 50
/** A change of each kind. */
const SAMPLES = { changes: 4, deliveries: 8, signIns: 2 }

test('the events benchmark measures every part on a small company, and its numbers add up', async () => {
  const result = await bench(EVENTS_PARTS)

  assert.deepEqual(withoutTime(result.problems), [])
  const [measured] = result.results
  const { people, lags, acknowledgements, signIns, fullSyncs, burst, hostile } = measured!
  assert.equal(people, PEOPLE)
  assert.deepEqual(countsOf(lags), { idle: 4, 'during full syncs': atLeast(4, lags[1]?.spread) })
  assert.deepEqual(
    acknowledgements.map(({ when, floor }) => [when, floor.count]),
    acknowledgements.map(({ when, server }) => [when, server.count]),
    'floor and server were called in turns',
  )
  const beside = acknowledgements.at(-1)!.server.count
  assert.deepEqual(countsOf(acknowledgements.map(({ when, server: spread }) => ({ when, spread }))), {
    idle: 8,
    'during full syncs': atLeast(8, acknowledgements[1]?.server),
    'during the burst': beside,
  })
  assert.deepEqual(countsOf(signIns), { idle: 2, 'during the burst': atLeast(1, signIns[1]?.spread) })
  for (const spread of [...lags, ...signIns].map((one) => one.spread)) assertInOrder(spread)
  for (const { server, floor, disk, slow } of acknowledgements) {
    ;[server, floor, disk].forEach(assertInOrder)
    assert.ok(slow.ofDisk <= slow.count && slow.count <= server.count)
  }
  assert.ok(fullSyncs.length >= 2)

  const { changes, delivered, kept, applied, wrong } = burst!
  assert.deepEqual([changes, delivered, kept, applied, wrong], [EVENTS, EVENTS, EVENTS, EVENTS, 0])
  assert.equal(burst!.events, EVENTS + beside, 'every event is one of the burst or one that was measured beside')
  assert.equal(burst!.lag.count, EVENTS)
  assert.ok(burst!.objects <= burst!.questions && burst!.questions <= burst!.events, 'nobody is asked for needlessly')
  assert.equal(
    Object.values(hostile!.byStatus).reduce((sum, count) => sum + count, 0),
    hostile!.sent,
  )
  const rows = describeEventsBenchmark(result)
    .split('\n')
    .filter((line) => line.startsWith('|'))
  assert.equal(new Set(rows.map((row) => row.split('|').length)).size, 1, 'every row has every column')
  assert.ok(rows.some((row) => row.startsWith('| acknowledgement, during the burst |')))
})

test('a part of the events benchmark is measured by itself', async () => {
  const result = await bench(['damaged'])

  assert.deepEqual(withoutTime(result.problems), [])
  const [{ burst, hostile, fullSyncs, lags, acknowledgements, signIns } = never()] = result.results
  assert.deepEqual([burst, fullSyncs, lags, acknowledgements, signIns], [undefined, [], [], [], []])
  assert.equal(hostile?.sent, EVENTS)
  assert.doesNotMatch(describeEventsBenchmark(result), /burst|acknowledgements? (?:over|,)|NaN|Infinity/i)
})

function bench(parts: readonly EventsPart[]) {
  return benchEvents({
    people: PEOPLE,
    events: EVENTS,
    parts,
    samples: SAMPLES,
    databases: ['sqlite'],
    profileDirectory: undefined,
    searchPath: '',
    signal: AbortSignal.timeout(DEADLINE_MS),
    onProgress: () => {},
  })
}

/** How long it stood still depends on whoever else is on the machine. */
function withoutTime(problems: readonly string[]): readonly string[] {
  return problems.filter((problem) => !problem.includes('stood still'))
}

function countsOf(measured: readonly { readonly when: string; readonly spread: Spread }[]): Record<string, number> {
  return Object.fromEntries(measured.map(({ when, spread }) => [when, spread.count]))
}

/** However many it were, when it goes on until something else is over. */
function atLeast(fewest: number, spread: Spread | undefined): number {
  return Math.max(fewest, spread?.count ?? 0)
}

function assertInOrder({ p50, p95, p99, slowest }: Spread): void {
  assert.ok(0 < p50 && p50 <= p95 && p95 <= p99 && p99 <= slowest, `${p50}, ${p95}, ${p99}, ${slowest}`)
}

function never(): never {
  throw new Error('nothing was measured')
}
