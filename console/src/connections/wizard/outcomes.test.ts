import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Run } from '@muster/contracts'
import { outcomes } from './outcomes.ts'

const [example] = Run.meta()!.examples as [Run]

test('what a run would not do is left out, and what has to be looked at stands first', () => {
  const counts = { ...example.counts, users: { ...example.counts.users, created: 12, linked: 12, failed: 1 } }

  assert.deepEqual(outcomes(counts), [
    {
      entity: 'people',
      actions: [
        { action: 'failed', count: 1 },
        { action: 'created', count: 12 },
        { action: 'linked', count: 12 },
      ],
    },
    { entity: 'departments', actions: [{ action: 'created', count: 4 }] },
  ])
})

test('a run that would do nothing has no outcome', () => {
  const none = <T extends object>(counts: T) => Object.fromEntries(Object.keys(counts).map((key) => [key, 0])) as T

  assert.deepEqual(outcomes({ users: none(example.counts.users), departments: none(example.counts.departments) }), [])
})
