import assert from 'node:assert/strict'
import { test } from 'node:test'
import { factsOf } from './facts.ts'

test('facts keep their order, and what is empty is left out', () => {
  assert.deepEqual(factsOf({ door: 'qr', applicationId: null, reason: undefined, note: '', public: false, count: 0 }), [
    ['door', 'qr'],
    ['public', 'false'],
    ['count', '0'],
  ])
})

test('lists are read as lists, and what is deeper stays as it is', () => {
  assert.deepEqual(factsOf({ fields: ['kind', 'secret'], none: [], before: { role: 'owner' } }), [
    ['fields', 'kind, secret'],
    ['none', '–'],
    ['before', '{"role":"owner"}'],
  ])
})
