import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { nextRunAfter, type Timing } from './schedule.ts'

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS

/** Three simulated years for each zone, in which its clocks do what they are known for. */
const zones = [
  { timeZone: 'Asia/Shanghai', years: [2026, 2028] }, // no summer time
  { timeZone: 'Europe/Berlin', years: [2026, 2028] }, // 02:00 → 03:00, 03:00 → 02:00
  { timeZone: 'America/New_York', years: [2026, 2028] }, // 02:00 → 03:00, 02:00 → 01:00
  { timeZone: 'Australia/Lord_Howe', years: [2026, 2028] }, // by half an hour
  { timeZone: 'America/Sao_Paulo', years: [2016, 2018] }, // midnight was skipped, 23:00 to 24:00 came twice
  { timeZone: 'America/Havana', years: [2026, 2028] }, // midnight is skipped, 00:00 to 01:00 comes twice
  { timeZone: 'Asia/Kathmandu', years: [2026, 2028] }, // UTC+05:45
] as const

void describe('three years', () => {
  for (const { timeZone, years } of zones) {
    const days = daysOf(years[0], years[1])
    const clock = localClock(timeZone)
    const from = Date.UTC(years[0], 0, 1) - 2 * DAY_MS
    const until = Date.UTC(years[1] + 1, 0, 1) + 2 * DAY_MS
    const runsOf = (schedule: Timing['schedule']) =>
      ticks({ schedule, timeZone }, from, until).map((at) => ({ at, local: clock(at) }))
    const within = (runs: readonly { local: string }[]) =>
      runs.map(({ local }) => local.slice(0, 10)).filter((day) => days.has(day))

    for (const at of ['00:00', '00:30', '01:45', '02:15', '02:30', '23:30']) {
      test(`every day in ${timeZone} has one run at ${at}, or right after the gap that swallowed it`, () => {
        const runs = runsOf({ kind: 'daily', at })

        assert.deepEqual(within(runs), [...days])
        const late = runs.filter(({ local }) => local.slice(11) !== at)
        for (const run of late) {
          // The minute before shows a time before the wanted one: it was skipped, and this is the first after it.
          assert.ok(clock(run.at - MINUTE_MS) < `${run.local.slice(0, 10)} ${at}`, run.local)
          assert.ok(run.local.slice(11) > at, run.local)
        }
        assert.ok(late.length <= 3, 'at most once a year')
      })
    }

    test(`every week in ${timeZone} has one run, on its day`, () => {
      const runs = within(runsOf({ kind: 'weekly', day: 'sunday', at: '02:30' }))

      assert.deepEqual(
        runs,
        [...days].filter((day) => new Date(day).getUTCDay() === 0),
      )
    })

    for (const day of [1, 28, 29, 30, 31]) {
      test(`every month in ${timeZone} has one run on day ${day}, or on its last`, () => {
        const runs = within(runsOf({ kind: 'monthly', day, at: '02:30' }))

        assert.deepEqual(
          runs,
          [...days].filter((date) => {
            const [year, month, dayOfMonth] = date.split('-').map(Number)
            return dayOfMonth === Math.min(day, new Date(Date.UTC(year!, month, 0)).getUTCDate())
          }),
        )
      })
    }
  }
})

/** From noon to noon around every change of the clocks. */
const changes = [
  { timeZone: 'Europe/Berlin', at: '02:30', noon: '2026-03-28T12:00Z' },
  { timeZone: 'Europe/Berlin', at: '02:30', noon: '2026-10-24T12:00Z' },
  { timeZone: 'America/New_York', at: '01:30', noon: '2026-10-31T16:00Z' },
  { timeZone: 'Australia/Lord_Howe', at: '02:15', noon: '2026-10-03T01:00Z' },
  { timeZone: 'Australia/Lord_Howe', at: '01:45', noon: '2026-04-04T01:00Z' },
  { timeZone: 'America/Havana', at: '00:30', noon: '2026-10-31T16:00Z' },
  { timeZone: 'America/Sao_Paulo', at: '00:00', noon: '2018-11-03T15:00Z' },
]

for (const { timeZone, at, noon } of changes) {
  test(`whenever it is asked, the run at ${at} in ${timeZone} around ${noon} is the same one`, () => {
    const from = Date.parse(noon)
    const timing: Timing = { schedule: { kind: 'daily', at }, timeZone }
    const expected = ticks(timing, from, from + 3 * DAY_MS)
    assert.equal(expected.length, 3)

    // Also in the middle of a second, and between the two times of an hour that comes twice.
    for (let after = from; after < from + 2 * DAY_MS; after += 7.77 * MINUTE_MS) {
      assert.equal(
        nextRunAfter(timing, after),
        expected.find((tick) => tick > after),
      )
    }
  })
}

test('an interval is time that passed, also when clocks change meanwhile', () => {
  const start = Date.parse('2026-03-28T23:17:00Z') // the night of the change in Berlin
  const timing: Timing = { schedule: { kind: 'interval', minutes: 45 }, timeZone: 'Europe/Berlin' }

  const found = ticks(timing, start, start + DAY_MS)

  assert.deepEqual(
    found,
    Array.from({ length: 31 }, (_, index) => start + (index + 1) * 45 * MINUTE_MS),
  )
})

test('an interval that was missed many times is due once, and keeps its pace', () => {
  const timing: Timing = { schedule: { kind: 'interval', minutes: 15 }, timeZone: 'Asia/Shanghai' }
  const due = Date.parse('2026-01-01T00:00:00Z')
  const late = due + 10 * 15 * MINUTE_MS + 1_234

  assert.equal(nextRunAfter(timing, late, due), due + 11 * 15 * MINUTE_MS)
  assert.equal(nextRunAfter(timing, due, due), due + 15 * MINUTE_MS)
  assert.equal(nextRunAfter(timing, due - 1, due), due + 15 * MINUTE_MS)
})

test('manual is never due', () => {
  assert.equal(nextRunAfter({ schedule: { kind: 'manual' }, timeZone: 'Asia/Shanghai' }, 0), null)
})

/** All due times after `from`, each found from the one before, until `until`. */
function ticks(timing: Timing, from: number, until: number): number[] {
  const found: number[] = []
  for (let at = nextRunAfter(timing, from)!; at < until; at = nextRunAfter(timing, at)!) {
    assert.ok(at > (found.at(-1) ?? from), 'time goes on')
    found.push(at)
  }
  return found
}

function daysOf(firstYear: number, lastYear: number): ReadonlySet<string> {
  const days = new Set<string>()
  for (let at = Date.UTC(firstYear, 0, 1); at < Date.UTC(lastYear + 1, 0, 1); at += DAY_MS) {
    days.add(new Date(at).toISOString().slice(0, 10))
  }
  return days
}

/** What a clock on the wall shows: `2026-03-29 03:00`. Asked of the platform, not of what is tested. */
function localClock(timeZone: string): (at: number) => string {
  const format = new Intl.DateTimeFormat('sv', { timeZone, dateStyle: 'short', timeStyle: 'short' })
  return (at) => format.format(at)
}
