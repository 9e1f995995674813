import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lastDays } from './days.ts'

const HOUR_MS = 3_600_000

test('days end with today, as the people of the time zone call it', () => {
  const justAfterMidnight = Date.parse('2026-11-19T16:00:00Z')

  const here = lastDays(justAfterMidnight, 'Asia/Shanghai', 2)
  const atUtc = lastDays(justAfterMidnight, 'UTC', 1)

  assert.deepEqual(here.names, ['2026-11-19', '2026-11-20'])
  assert.deepEqual(
    here.bounds.map((bound) => new Date(bound).toISOString()),
    ['2026-11-18T16:00:00.000Z', '2026-11-19T16:00:00.000Z', '2026-11-20T16:00:00.000Z'],
  )
  assert.deepEqual(atUtc.names, ['2026-11-19'])
})

const zones: [timeZone: string, date: string, hours: number][] = [
  ['Asia/Shanghai', '2026-03-08', 24],
  ['America/New_York', '2026-03-08', 23],
  ['America/New_York', '2026-11-01', 25],
  ['Asia/Kathmandu', '2026-03-08', 24],
  ['Pacific/Kiritimati', '2026-03-08', 24],
  ['Pacific/Pago_Pago', '2026-03-08', 24],
  ['Australia/Lord_Howe', '2026-04-05', 24.5],
  ['America/Santiago', '2026-09-06', 23], // at midnight, so that the day begins at one o'clock
]

for (const [timeZone, date, hours] of zones) {
  test(`${date} has ${hours} hours in ${timeZone}`, () => {
    const { names, bounds } = lastDays(Date.parse(`${date}T12:00:00Z`) + 36 * HOUR_MS, timeZone, 5)
    const day = names.indexOf(date)

    assert.ok(day >= 0)
    assert.equal((bounds[day + 1]! - bounds[day]!) / HOUR_MS, hours)
    const calendar = new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' })
    assert.deepEqual(
      bounds.slice(0, -1).map((bound) => calendar.format(bound)),
      names,
    )
    assert.equal(calendar.format(bounds[day]! - 1), names[day - 1])
  })
}

test('ninety days are in order, without a gap', () => {
  const { names, bounds } = lastDays(Date.parse('2026-12-31T23:59:59Z'), 'Europe/Berlin', 90)

  assert.equal(new Set(names).size, 90)
  assert.equal(bounds.length, 91)
  assert.deepEqual(
    bounds,
    bounds.toSorted((one, other) => one - other),
  )
})
