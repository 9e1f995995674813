import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createIds, lowestId } from './ids.ts'

const random = (bytes: Uint8Array) => void crypto.getRandomValues(bytes)

test('an id says its kind and its time, and sorts by it', () => {
  const at = (now: number) => createIds({ now: () => now, random: (bytes) => void bytes.fill(255) })('usr')

  assert.equal(at(0), 'usr_0000000000zzzzzzzzzzzzzzzz')
  assert.equal(at(1_763_700_000_000), 'usr_01kajbch80zzzzzzzzzzzzzzzz')
  assert.ok(at(1_763_700_000_000) < at(1_763_700_000_001))
  assert.ok(at(31) < at(32))
})

test('the lowest id of a moment parts what was made before it from what was made then', () => {
  const lowest = (now: number) => createIds({ now: () => now, random: (bytes) => void bytes.fill(0) })('aud')
  const highest = (now: number) => createIds({ now: () => now, random: (bytes) => void bytes.fill(255) })('aud')

  for (const at of [1, 1_763_700_000_000]) {
    assert.equal(lowestId('aud', at), lowest(at))
    assert.ok(highest(at - 1) < lowestId('aud', at))
  }
})

test('a hundred thousand ids of one millisecond are all different', () => {
  const newId = createIds({ now: () => 1_763_700_000_000, random })

  const ids = new Set(Array.from({ length: 100_000 }, () => newId('lnk')))

  assert.equal(ids.size, 100_000)
  for (const id of ids) assert.match(id, /^lnk_01[0-9a-z]{24}$/)
})
