import assert from 'node:assert/strict'
import { test } from 'node:test'
import { credentialsPatch, isComplete, secretsToRepeat, verdictOf } from './credentials.ts'

const nothing = { corpId: null, agentId: null, hasSecret: false, hasContactsSecret: false, managedByEnvironment: false }
const stored = { ...nothing, corpId: 'ww1', agentId: 7, hasSecret: true }

test('only what was changed is saved, and an empty secret keeps the stored one', () => {
  assert.deepEqual(credentialsPatch(stored, { corpId: ' ww1 ', agentId: 8, secret: '' }), { agentId: 8 })
  assert.deepEqual(credentialsPatch(stored, { corpId: 'ww1', agentId: 7, secret: ' s ' }), { secret: 's' })
})

test('what the environment owns is never sent', () => {
  const patch = credentialsPatch(
    { ...stored, managedByEnvironment: true },
    { corpId: 'ww2', secret: 's', contactsSecret: 'c' },
  )

  assert.deepEqual(patch, { contactsSecret: 'c' })
})

test('credentials are complete with an app, or with the secret of contacts sync alone', () => {
  assert.equal(isComplete(nothing, { corpId: 'ww1', secret: 's' }), false)
  assert.equal(isComplete(nothing, { corpId: 'ww1', agentId: 7, secret: 's' }), true)
  assert.equal(isComplete(nothing, { corpId: 'ww1', contactsSecret: 'c' }), true)
  assert.equal(isComplete(stored, { corpId: 'ww1', agentId: 7 }), true)
})

test('another company needs its secrets again', () => {
  assert.deepEqual(secretsToRepeat(stored, { corpId: 'ww2', agentId: 7 }), ['secret'])
  assert.equal(isComplete(stored, { corpId: 'ww2', agentId: 7 }), false)
  assert.deepEqual(secretsToRepeat(stored, { corpId: 'ww2', agentId: 7, secret: 's' }), [])
})

test('a refusal stands beside the field that it is about', () => {
  const check = { title: '', detail: '', remedy: null }
  const wrongCorp = [{ ...check, name: 'token', result: 'fail' as const, wecomCode: 40013 }]
  const wrongSecret = [{ ...check, name: 'token', result: 'fail' as const, wecomCode: 40001 }]

  assert.equal(verdictOf('corpId', wrongCorp)?.result, 'fail')
  assert.equal(verdictOf('secret', wrongCorp), undefined)
  assert.equal(verdictOf('corpId', wrongSecret), undefined)
  assert.equal(verdictOf('secret', wrongSecret)?.result, 'fail')
})
