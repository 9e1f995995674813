import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expiryState, isOverSeats, minutesSince, ticketState } from './suite-state.ts'

const now = Date.parse('2026-11-20T03:30:00.000Z')

test('a ticket is good for half an hour', () => {
  const at = (ticketAt: string | null) => ticketState({ ticketAt, authorizedCorps: 0 }, now)

  assert.equal(at(null), 'never')
  assert.equal(at('2026-11-20T03:00:01.000Z'), 'fresh')
  assert.equal(at('2026-11-20T03:00:00.000Z'), 'old')
})

test('minutes are whole and never negative', () => {
  assert.equal(minutesSince('2026-11-20T03:27:01.000Z', now), 2)
  assert.equal(minutesSince('2026-11-20T03:30:05.000Z', now), 0)
})

test('an edition ends soon in its last thirty days', () => {
  assert.equal(expiryState(null, now), 'unknown')
  assert.equal(expiryState('2027-11-20T03:30:00.000Z', now), 'fine')
  assert.equal(expiryState('2026-12-01T00:00:00.000Z', now), 'soon')
  assert.equal(expiryState('2026-11-20T03:30:00.000Z', now), 'over')
})

test('seats are exceeded only where WeCom names them', () => {
  assert.equal(isOverSeats({ seats: null, linkedUsers: 9 }), false)
  assert.equal(isOverSeats({ seats: 9, linkedUsers: 9 }), false)
  assert.equal(isOverSeats({ seats: 9, linkedUsers: 10 }), true)
})
