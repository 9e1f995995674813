import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isUnderWay, outcomeOf, tookMs } from './outcome.ts'

test('an applied event says whether anything differed', () => {
  const event = { type: 'update_user', runId: null }

  assert.equal(outcomeOf({ ...event, state: 'applied' }), 'nothing')
  assert.equal(outcomeOf({ ...event, state: 'applied', runId: 'run_1' as never }), 'run')
  assert.equal(outcomeOf({ ...event, state: 'applied', type: 'cancel_auth' }), 'cancel_auth')
  assert.equal(outcomeOf({ ...event, state: 'failed', type: 'cancel_auth' }), 'again')
})

test('how long it took is unknown until it is done, and where the clocks disagree', () => {
  const happenedAt = '2026-11-20T03:00:00.000Z'

  assert.equal(tookMs({ happenedAt, finishedAt: null }), undefined)
  assert.equal(tookMs({ happenedAt, finishedAt: '2026-11-20T03:00:01.020Z' }), 1020)
  assert.equal(tookMs({ happenedAt, finishedAt: '2026-11-20T02:59:59.000Z' }), undefined)
})

test('what waits or is tried again is still under way', () => {
  assert.deepEqual(
    (['pending', 'applied', 'ignored', 'failed', 'parked'] as const).map((state) => isUnderWay({ state })),
    [true, false, false, true, false],
  )
})
