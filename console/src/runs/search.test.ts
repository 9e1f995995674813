import assert from 'node:assert/strict'
import { test } from 'node:test'
import { reviewsSearch } from '../reviews/search.ts'
import { changesSearch, runsSearch } from './search.ts'

test('an address keeps what is known and drops the rest', () => {
  assert.deepEqual(runsSearch({ state: 'held', trigger: 'magic', connection: 'hq', other: 1 }), {
    state: 'held',
    connection: 'hq',
  })
  assert.deepEqual(changesSearch({ entity: 'user', action: 'explode', q: '' }), { entity: 'user' })
})

test('digits alone are still a text to search for', () => {
  assert.deepEqual(changesSearch({ q: 1001 }), { q: '1001' })
})

test('a text longer than the API takes is no filter', () => {
  assert.deepEqual(reviewsSearch({ q: 'x'.repeat(201), state: 'all' }), { state: 'all' })
})
