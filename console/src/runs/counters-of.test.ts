import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countersOf, hasEffect, totalOf } from './counters-of.ts'
import { runWith } from './run-with.ts'

function counter(run: ReturnType<typeof runWith>, entity: string, word: string) {
  return countersOf(run)
    .find((group) => group.entity === entity)!
    .counters.find((one) => one.word === word)
}

test('a number of a run shows the changes that were done', () => {
  assert.deepEqual(counter(runWith({ users: { created: 3 } }), 'user', 'created'), {
    word: 'created',
    count: 3,
    filter: { entity: 'user', action: 'create', state: 'applied' },
  })
})

test('a number of a preview shows the changes that would be done', () => {
  const run = runWith({ mode: 'preview', state: 'previewed', users: { linked: 2 } })

  assert.deepEqual(counter(run, 'user', 'linked')!.filter, { entity: 'link', action: 'link', state: 'planned' })
})

test('what people look for is shown at 0, what is rare is not', () => {
  const run = runWith({})

  assert.equal(counter(run, 'user', 'failed')!.count, 0)
  assert.equal(counter(run, 'user', 'restored'), undefined)
})

test('unchanged people left no change that could be shown', () => {
  assert.equal(counter(runWith({ users: { unchanged: 9 } }), 'user', 'unchanged')!.filter, undefined)
})

test('rejected removals are counted apart from what was skipped for another reason', () => {
  const held = { planHash: 'x', reasons: [], counts: { 'user.disable': 4, 'department.delete': 1 } }
  const run = runWith({ state: 'rejected', held, users: { skipped: 6 }, departments: { skipped: 1 } })

  assert.deepEqual(
    ['rejected', 'skipped'].map((word) => counter(run, 'user', word)?.count),
    [4, 2],
  )
  assert.deepEqual(
    ['rejected', 'skipped'].map((word) => counter(run, 'department', word)?.count),
    [1, undefined],
  )
})

test('a run that only counted unchanged people had no effect', () => {
  assert.equal(hasEffect(runWith({ users: { unchanged: 100, skipped: 2 } })), false)
  assert.equal(hasEffect(runWith({ departments: { deleted: 1 } })), true)
})

test('people and departments are summed for a list', () => {
  const run = runWith({ users: { disabled: 2, deleted: 1 }, departments: { deleted: 3 } })

  assert.equal(totalOf(run, ['disabled', 'deleted', 'unlinked']), 6)
})
