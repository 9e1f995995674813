import assert from 'node:assert/strict'
import { test } from 'node:test'
import { differencesOf, valueOf } from './fields.ts'

test('fields stand in the order in which people ask for them, unknown ones last', () => {
  const change = { before: { phone: null, zodiac: 'rat' }, after: { displayName: '张三', phone: '+8613800000000' } }

  assert.deepEqual(
    differencesOf(change).map(({ field }) => field),
    ['displayName', 'phone', 'zodiac'],
  )
})

test('phone and e-mail are personal, a title is not', () => {
  assert.deepEqual(valueOf('phone', '+8613800000000'), { kind: 'text', text: '+8613800000000', isPersonal: true })
  assert.deepEqual(valueOf('title', '工程师'), { kind: 'text', text: '工程师', isPersonal: false })
})

test('nothing, an empty text and an empty list are all empty', () => {
  for (const value of [null, undefined, '', [], {}]) assert.deepEqual(valueOf('attributes', value), { kind: 'empty' })
})

test('memberships are departments with their place', () => {
  assert.deepEqual(valueOf('departments', [{ departmentId: 'dep_1', isMain: true, order: 0, isLeader: false }]), {
    kind: 'departments',
    departments: [{ departmentId: 'dep_1', isMain: true, isLeader: false }],
  })
})

test('attributes are pairs, and a web attribute says title and address as text', () => {
  assert.deepEqual(valueOf('attributes', { 工号: 'E1', 主页: { title: 'x', url: 'javascript:alert(1)' } }), {
    kind: 'pairs',
    pairs: [
      ['工号', 'E1'],
      ['主页', 'x (javascript:alert(1))'],
    ],
  })
})

test('whatever a later version records is shown as it is', () => {
  assert.deepEqual(valueOf('level', 7), { kind: 'text', text: '7', isPersonal: false })
  assert.deepEqual(valueOf('tags', [1, 'a']), { kind: 'list', texts: ['1', 'a'] })
})
