import assert from 'node:assert/strict'
import { test } from 'node:test'
import { heldRemovals, percentOf, stagesOf } from './stages.ts'
import { runWith } from './run-with.ts'

const brief = (run: ReturnType<typeof runWith>) =>
  stagesOf(run).map(({ name, status, note }) => `${name} ${status} ${note}`)

test('a run that reads shows what is to come as waiting', () => {
  const run = runWith({ state: 'running', progress: { phase: 'read', done: 3, total: 10 } })

  assert.deepEqual(brief(run), ['read process going', 'compare wait none', 'hold wait none', 'apply wait none'])
  assert.equal(percentOf(run), 30)
})

test('a run that succeeded has every stage behind it', () => {
  assert.deepEqual(brief(runWith({ state: 'succeeded' })), [
    'read finish read',
    'compare finish none',
    'hold finish notHeld',
    'apply finish applied',
  ])
})

test('a run that could not read everything says so, and never that it read', () => {
  assert.equal(stagesOf(runWith({ state: 'partially_succeeded', complete: false }))[0]!.note, 'incomplete')
})

test('a held run stands at the check of removals, with the rest done', () => {
  const held = { planHash: 'x', reasons: [], counts: { 'user.disable': 30, 'department.delete': 2 } }
  const run = runWith({ state: 'held', held })

  assert.deepEqual(brief(run).slice(2), ['hold process held', 'apply finish appliedBesideHeld'])
  assert.equal(heldRemovals(run), 32)
})

test('a held run that was approved or rejected says which', () => {
  const held = { planHash: 'x', reasons: [], counts: { 'user.disable': 30 } }

  assert.equal(stagesOf(runWith({ state: 'succeeded', held }))[2]!.note, 'approved')
  assert.equal(stagesOf(runWith({ state: 'rejected', held }))[2]!.note, 'rejected')
})

test('a run that failed stops where it was, and what follows was never reached', () => {
  const run = runWith({ state: 'failed', progress: { phase: 'read', done: 0, total: 0 } })

  assert.deepEqual(brief(run), [
    'read error stopped',
    'compare wait neverCame',
    'hold wait neverCame',
    'apply wait neverCame',
  ])
  assert.equal(percentOf(run), undefined)
})

test('a preview writes nothing, and says what would be held', () => {
  const run = runWith({ state: 'previewed', mode: 'preview', users: { held: 12 } })

  assert.deepEqual(brief(run).slice(2), ['hold finish wouldHold', 'apply wait notWritten'])
})

test('an undo reads the record instead of WeCom and holds nothing', () => {
  assert.deepEqual(brief(runWith({ state: 'succeeded', trigger: 'revert' })), [
    'record finish none',
    'compare finish none',
    'apply finish applied',
  ])
})
