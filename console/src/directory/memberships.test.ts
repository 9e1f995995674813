import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { User } from '@muster/contracts'
import { addMembership, handMade, makeMain, removeMembership } from './memberships.ts'

const A = { departmentId: 'a', isMain: true }
const B = { departmentId: 'b', isMain: false }

test('what WeCom says about departments is not among what is changed by hand', () => {
  const departments = [
    { ...A, origin: 'wecom' },
    { ...B, origin: 'manual' },
  ] as unknown as User['departments']
  assert.deepEqual(handMade({ departments }), [B])
})

test('the first department by hand is the main one unless WeCom names one', () => {
  assert.deepEqual(addMembership([], 'a', { hasMain: false }), [A])
  assert.deepEqual(addMembership([], 'b', { hasMain: true }), [B])
  assert.deepEqual(addMembership([A], 'b', { hasMain: false }), [A, B])
})

test('nobody is in a department twice, and one department is the main one', () => {
  assert.deepEqual(addMembership([A, B], 'b', { hasMain: false }), [A, B])
  assert.deepEqual(makeMain([A, B], 'b'), [
    { departmentId: 'a', isMain: false },
    { departmentId: 'b', isMain: true },
  ])
  assert.deepEqual(removeMembership([A, B], 'a'), [B])
})
