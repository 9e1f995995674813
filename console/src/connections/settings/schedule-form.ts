/** A schedule as the fields of a form, and back. Pure; the form is schedule-editor.tsx. */
import type { Connection, Schedule } from '@muster/contracts'

export const KINDS = ['manual', 'daily', 'weekly', 'monthly', 'interval'] as const
export const WEEKDAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const

/** What WeCom's limits and common sense ask for (connection-settings.ts). */
export const LEAST_MINUTES = 15
export const MOST_MINUTES = 44_640

const MINUTES_OF_UNIT = { minutes: 1, hours: 60 } as const

/** Each kind keeps its own fields, so that looking at another kind forgets nothing. */
export interface ScheduleFields {
  readonly kind: Schedule['kind']
  readonly at: string
  readonly weekday: (typeof WEEKDAYS)[number]
  readonly dayOfMonth: number
  readonly every: number
  readonly unit: keyof typeof MINUTES_OF_UNIT
}

const USUAL: ScheduleFields = {
  kind: 'manual',
  at: '03:00',
  weekday: 'monday',
  dayOfMonth: 1,
  every: 2,
  unit: 'hours',
}

export function fieldsOf(schedule: Schedule): ScheduleFields {
  switch (schedule.kind) {
    case 'manual':
      return USUAL
    case 'daily':
      return { ...USUAL, kind: 'daily', at: schedule.at }
    case 'weekly':
      return { ...USUAL, kind: 'weekly', at: schedule.at, weekday: schedule.day }
    case 'monthly':
      return { ...USUAL, kind: 'monthly', at: schedule.at, dayOfMonth: schedule.day }
    case 'interval': {
      const isHours = schedule.minutes % MINUTES_OF_UNIT.hours === 0
      return {
        ...USUAL,
        kind: 'interval',
        every: isHours ? schedule.minutes / MINUTES_OF_UNIT.hours : schedule.minutes,
        unit: isHours ? 'hours' : 'minutes',
      }
    }
    default:
      return schedule satisfies never
  }
}

/** Whether saving moved no run: neither the schedule nor the time zone that it is read in. */
export function isSameSchedule(one: Timed, other: Timed): boolean {
  if (one.schedule.kind === 'manual' && other.schedule.kind === 'manual') return true
  return (
    one.timeZone === other.timeZone &&
    JSON.stringify(fieldsOf(one.schedule)) === JSON.stringify(fieldsOf(other.schedule))
  )
}

type Timed = Pick<Connection['sync'], 'schedule' | 'timeZone'>

/** undefined while the fields name no schedule, such as a time of day that is half typed. */
export function scheduleOf({
  kind,
  at,
  weekday,
  dayOfMonth,
  every,
  unit,
}: Partial<ScheduleFields>): Schedule | undefined {
  const hasTime = at !== undefined && /^(?:[01]\d|2[0-3]):[0-5]\d$/.test(at)
  switch (kind) {
    case undefined:
      return undefined
    case 'manual':
      return { kind }
    case 'daily':
      return hasTime ? { kind, at } : undefined
    case 'weekly':
      return hasTime && weekday !== undefined ? { kind, day: weekday, at } : undefined
    case 'monthly': {
      const isDay = Number.isInteger(dayOfMonth) && dayOfMonth! >= 1 && dayOfMonth! <= 31
      return hasTime && isDay ? { kind, day: dayOfMonth!, at } : undefined
    }
    case 'interval': {
      const minutes = (every ?? 0) * MINUTES_OF_UNIT[unit ?? 'minutes']
      const isPossible = Number.isInteger(minutes) && minutes >= LEAST_MINUTES && minutes <= MOST_MINUTES
      return isPossible ? { kind, minutes } : undefined
    }
    default:
      return kind satisfies never
  }
}
