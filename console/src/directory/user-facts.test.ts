import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Connection, User } from '@muster/contracts'
import { explainable, mayChange, restorableUntil, sourceOf } from './user-facts.ts'

const LINK = { connectionId: 'con_1', userid: 'ZhangSan' }

function user(given: Partial<Record<keyof User, unknown>>): User {
  return {
    organizationId: 'org_1',
    username: 'zhangsan',
    title: '工程师',
    email: null,
    emailSource: null,
    locale: 'zh-CN',
    origin: 'wecom',
    role: null,
    breakGlass: false,
    links: [LINK],
    ...given,
  } as unknown as User
}

test('a field of a linked person comes from WeCom, and once the link is gone it came from there', () => {
  assert.equal(sourceOf(user({}), 'title'), 'wecom')
  assert.equal(sourceOf(user({ links: [] }), 'title'), 'once-wecom')
  assert.equal(sourceOf(user({ links: [], origin: 'built_in' }), 'title'), 'here')
  assert.equal(sourceOf(user({ origin: 'built_in' }), 'title'), 'wecom')
})

test('the login name was taken over once, the language is set here, nothing has no source', () => {
  assert.equal(sourceOf(user({}), 'username'), 'at-creation')
  assert.equal(sourceOf(user({ origin: 'built_in' }), 'username'), 'here')
  assert.equal(sourceOf(user({}), 'locale'), 'here')
  assert.equal(sourceOf(user({ title: null }), 'title'), null)
})

test('an address has the source that the directory keeps for it', () => {
  const email = { email: 'a@wecom.local', emailSource: 'synthetic' }
  assert.equal(sourceOf(user(email), 'email'), 'synthetic')
})

test('only an owner changes whoever has a role or is kept for emergencies', () => {
  assert.equal(mayChange(user({}), 'operator'), true)
  assert.equal(mayChange(user({}), 'auditor'), false)
  for (const marked of [user({ role: 'auditor' }), user({ breakGlass: true })]) {
    assert.deepEqual([mayChange(marked, 'operator'), mayChange(marked, 'owner')], [false, true])
  }
})

test('a deleted person can be brought back for thirty days', () => {
  assert.equal(restorableUntil({ deletedAt: '2026-11-20T03:00:00.000Z' }), '2026-12-20T03:00:00.000Z')
  assert.equal(restorableUntil({ deletedAt: null }), null)
})

test('explaining asks by link, and without one by login name on the connections of the organization', () => {
  const connections = [
    { id: 'con_1', kind: 'self_built', organizationId: 'org_1' },
    { id: 'con_2', kind: 'service_provider', organizationId: 'org_1' },
    { id: 'con_3', kind: 'self_built', organizationId: 'org_2' },
  ] as unknown as Connection[]
  assert.deepEqual(explainable(user({}), connections), [LINK])
  assert.deepEqual(explainable(user({ links: [] }), connections), [{ connectionId: 'con_1', userid: 'zhangsan' }])
})
