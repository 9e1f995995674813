import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventsSearch } from './search.ts'

test('the address of the event list holds filters that are known, and nothing else', () => {
  assert.deepEqual(
    eventsSearch({ connection: 'hq', state: 'parked', type: 'update_user', q: 7, from: '2026-11-01', event: 'evt_1' }),
    { connection: 'hq', state: 'parked', type: 'update_user', q: '7', from: '2026-11-01', event: 'evt_1' },
  )
  assert.deepEqual(eventsSearch({ state: 'gone', from: 'yesterday', to: '2026-13-01', sort: 'up', q: '' }), {})
})
