/** Days of a calendar, in a time zone: where each begins. Pure. */

export interface Days {
  /** As `2026-11-20`, oldest first. */
  readonly names: string[]
  /** Where each of them begins, in milliseconds since 1970, and where the last one ends. */
  readonly bounds: number[]
}

const QUARTER_MS = 15 * 60_000
const DAY_MS = 86_400_000
/** No zone is further from UTC than fourteen hours. */
const FURTHEST_MS = 16 * 3_600_000

/** The last so many days, with the one of `now`. */
export function lastDays(now: number, timeZone: string, count: number): Days {
  const calendar = new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' })
  const today = Date.parse(`${calendar.format(now)}T00:00:00Z`)
  const names = Array.from({ length: count + 1 }, (_, index) => nameOf(today + (index + 1 - count) * DAY_MS))
  return { names: names.slice(0, count), bounds: names.map((name) => startOf(name, calendar)) }
}

/**
 * The first quarter of an hour of a day; midnight, except where summer time begins at midnight. Every offset from UTC that
 * is in use has whole quarters.
 */
function startOf(name: string, calendar: Intl.DateTimeFormat): number {
  const atUtc = Date.parse(`${name}T00:00:00Z`)
  let [before, reached] = [(atUtc - FURTHEST_MS) / QUARTER_MS, (atUtc + FURTHEST_MS) / QUARTER_MS]
  while (reached - before > 1) {
    const middle = Math.floor((before + reached) / 2)
    if (calendar.format(middle * QUARTER_MS) >= name) reached = middle
    else before = middle
  }
  return reached * QUARTER_MS
}

function nameOf(midnight: number): string {
  return new Date(midnight).toISOString().slice(0, 10)
}
