/**
 * When a schedule is due next. Pure: the moment comes in, the moment goes out; croner knows calendars and time zones.
 *
 * Clocks that are put forward skip some times of day. A run at such a time happens at the first minute after them, on
 * the same day: 02:30 is 03:00 on the last Sunday of March in Berlin. A time that a day has twice counts once, the first
 * time. So each day, week and month has exactly one run. An interval is time that has passed and knows no clocks.
 */
import type { SyncSettings } from '@muster/contracts'
import { Cron } from 'croner'

export type Timing = Pick<SyncSettings, 'schedule' | 'timeZone'>

/**
 * The first time after a moment at which a run is due; all in milliseconds since 1970.
 * @param used the due time that was used up last; intervals go on counting from there, so that they do not wander
 * @returns null when nothing is scheduled
 */
export function nextRunAfter({ schedule, timeZone }: Timing, after: number, used = after): number | null {
  if (schedule.kind === 'manual') return null
  if (schedule.kind === 'interval') {
    const step = schedule.minutes * MINUTE_MS
    return used + step * Math.max(1, Math.floor((after - used) / step) + 1)
  }
  return Math.min(...patternsOf(schedule).map((pattern) => nextMatch(pattern, timeZone, after)))
}

/** The first times after a moment, as `nextRunAfter` gives them one by one; none when nothing is scheduled. */
export function nextRunsAfter(timing: Timing, after: number, count: number): number[] {
  const times: number[] = []
  for (let at = nextRunAfter(timing, after); at !== null && times.length < count; at = nextRunAfter(timing, at)) {
    times.push(at)
  }
  return times
}

/**
 * No schedule waits longer than this. A due time further away was computed by a clock that was wrong, and is to be
 * computed anew.
 */
export const LONGEST_WAIT_MS = 32 * 24 * 60 * 60_000

const MINUTE_MS = 60_000

/** Cron patterns that together match the times of a schedule. */
function patternsOf(schedule: Exclude<Timing['schedule'], { kind: 'manual' | 'interval' }>): string[] {
  const [hour, minute] = schedule.at.split(':')
  const time = `${Number(minute)} ${Number(hour)}`
  if (schedule.kind === 'daily') return [`${time} * * *`]
  if (schedule.kind === 'weekly') return [`${time} * * ${schedule.day.slice(0, 3)}`]
  // A month that has no such day runs on its last one; L is the last day of a month.
  if (schedule.day === 31) return [`${time} L * *`]
  if (schedule.day <= 28) return [`${time} ${schedule.day} * *`]
  return [`${time} ${schedule.day} 1,3-12 *`, `${time} L 2 *`]
}

function nextMatch(pattern: string, timeZone: string, after: number): number {
  const next = new Cron(pattern, { timezone: timeZone }).nextRun(new Date(after))
  if (next === null) throw new Error(`nothing after ${after} matches ${pattern} in ${timeZone}`)
  return next.getTime()
}
