import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { User } from '@muster/contracts'
import { changedValues, isAccepted, isOwnedByWecom, startValues } from './user-values.ts'

const user = {
  username: 'li',
  displayName: '李',
  email: 'li@corp.example',
  phone: null,
  title: null,
  locale: null,
  links: [],
} as unknown as User

test('a form that nobody touched sends nothing', () => {
  assert.deepEqual(changedValues(user, startValues(user)), {})
})

test('only what changed is sent, and what was emptied is cleared', () => {
  const values = { ...startValues(user), email: '', title: '工程师' }
  assert.deepEqual(changedValues(user, values), { email: null, title: '工程师' })
})

test('fields are accepted as the server accepts them', () => {
  assert.equal(isAccepted('username', 'zhang san'), false)
  assert.equal(isAccepted('username', ''), false)
  assert.equal(isAccepted('email', ''), true)
  assert.equal(isAccepted('email', 'no address'), false)
  assert.equal(isAccepted('phone', '138 0000 0000'), true)
  assert.equal(isAccepted('phone', 'call me'), false)
})

test('WeCom owns what it shows of linked people, and never their login name', () => {
  const linked = { links: [{}] } as unknown as User
  assert.equal(isOwnedByWecom(linked, 'title'), true)
  assert.equal(isOwnedByWecom(linked, 'username'), false)
  assert.equal(isOwnedByWecom(user, 'title'), false)
})
