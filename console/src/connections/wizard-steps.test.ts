import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SignInSettings, SyncSettings, type Connection } from '@muster/contracts'
import { canOpen, isDraft, neighbour, resumeAt } from './wizard-steps.ts'

const status: Connection['status'] = {
  sync: 'never',
  lastRunId: null,
  lastRunAt: null,
  nextRunAt: null,
  activeRunId: null,
  linkedUsers: 0,
}
const fresh = { signIn: SignInSettings.parse({}), sync: SyncSettings.parse({}), status }

test('without a draft only the first two steps can be opened', () => {
  assert.equal(canOpen('identity', false), true)
  assert.equal(canOpen('credentials', false), false)
  assert.equal(canOpen('check', true), true)
})

test('the first step has none before it and the last none after it', () => {
  assert.equal(neighbour('kind', -1), undefined)
  assert.equal(neighbour('kind', 1), 'identity')
  assert.equal(neighbour('check', 1), undefined)
})

test('a connection is a draft until something of it was switched on', () => {
  assert.equal(isDraft(fresh), true)
  assert.equal(isDraft({ ...fresh, sync: { ...fresh.sync, enabled: true } }), false)
  assert.equal(isDraft({ ...fresh, status: { ...status, linkedUsers: 3 } }), false)
})

test('who comes back goes on where the credentials are not complete', () => {
  const none = { corpId: null, agentId: null, hasSecret: false, hasContactsSecret: false }

  assert.equal(resumeAt(none), 'credentials')
  assert.equal(resumeAt({ ...none, corpId: 'ww1', hasSecret: true }), 'credentials')
  assert.equal(resumeAt({ ...none, corpId: 'ww1', agentId: 7, hasSecret: true }), 'domain')
  assert.equal(resumeAt({ ...none, corpId: 'ww1', hasContactsSecret: true }), 'domain')
})
