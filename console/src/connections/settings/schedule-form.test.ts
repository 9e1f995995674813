import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Schedule } from '@muster/contracts'
import { fieldsOf, isSameSchedule, scheduleOf } from './schedule-form.ts'

test('every schedule is the same after a visit to the form', () => {
  const schedules: Schedule[] = [
    { kind: 'manual' },
    { kind: 'daily', at: '03:00' },
    { kind: 'weekly', day: 'sunday', at: '23:59' },
    { kind: 'monthly', day: 31, at: '00:00' },
    { kind: 'interval', minutes: 45 },
    { kind: 'interval', minutes: 120 },
  ]

  for (const schedule of schedules) assert.deepEqual(scheduleOf(fieldsOf(schedule)), schedule)
})

test('whole hours are shown as hours', () => {
  assert.deepEqual(pick(fieldsOf({ kind: 'interval', minutes: 120 })), [2, 'hours'])
  assert.deepEqual(pick(fieldsOf({ kind: 'interval', minutes: 90 })), [90, 'minutes'])
})

test('what is half typed is no schedule', () => {
  const daily = fieldsOf({ kind: 'daily', at: '03:00' })

  assert.equal(scheduleOf({ ...daily, at: '3' }), undefined)
  assert.equal(scheduleOf({ ...daily, kind: 'interval', every: 14, unit: 'minutes' }), undefined)
  assert.equal(scheduleOf({ ...daily, kind: 'interval', every: 745, unit: 'hours' }), undefined)
})

function pick({ every, unit }: ReturnType<typeof fieldsOf>) {
  return [every, unit]
}

test('a schedule is another one when its time, its kind or its time zone is', () => {
  const before = { schedule: { kind: 'daily', at: '03:00' }, timeZone: 'Asia/Shanghai' } as const

  assert.equal(isSameSchedule(before, { schedule: { at: '03:00', kind: 'daily' }, timeZone: 'Asia/Shanghai' }), true)
  assert.equal(isSameSchedule(before, { ...before, schedule: { kind: 'daily', at: '04:00' } }), false)
  assert.equal(isSameSchedule(before, { ...before, schedule: { kind: 'weekly', day: 'monday', at: '03:00' } }), false)
  assert.equal(isSameSchedule(before, { ...before, timeZone: 'Europe/Berlin' }), false)
})

test('by hand only, no time zone matters', () => {
  const byHand = { schedule: { kind: 'manual' }, timeZone: 'Asia/Shanghai' } as const

  assert.equal(isSameSchedule(byHand, { ...byHand, timeZone: 'Europe/Berlin' }), true)
})
