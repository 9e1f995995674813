import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SignInSettings, SyncSettings, type Connection } from '@muster/contracts'
import { canOpen, isDraft, neighbour, resumeAt, stepsOf } from './wizard-steps.ts'

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
  assert.equal(canOpen('identity', 'self_built', false), true)
  assert.equal(canOpen('credentials', 'self_built', false), false)
  assert.equal(canOpen('check', 'self_built', true), true)
})

test('each kind has its own steps, and no step of another kind can be opened', () => {
  assert.equal(canOpen('callback', 'self_built', true), false)
  assert.equal(canOpen('mapping', 'service_provider', true), false)
  assert.equal(neighbour('identity', 'delegated', 1), 'callback')
  assert.equal(neighbour('suite', 'delegated', 1), 'corps')
  assert.equal(neighbour('suite', 'service_provider', 1), 'domain')
  for (const kind of ['self_built', 'delegated', 'service_provider'] as const) {
    assert.deepEqual([stepsOf(kind)[0], stepsOf(kind).at(-1)], ['kind', 'check'])
  }
})

test('the first step has none before it and the last none after it', () => {
  assert.equal(neighbour('kind', 'self_built', -1), undefined)
  assert.equal(neighbour('kind', 'self_built', 1), 'identity')
  assert.equal(neighbour('check', 'self_built', 1), undefined)
})

test('a connection is a draft until something of it was switched on', () => {
  assert.equal(isDraft(fresh), true)
  assert.equal(isDraft({ ...fresh, sync: { ...fresh.sync, enabled: true } }), false)
  assert.equal(isDraft({ ...fresh, status: { ...status, linkedUsers: 3 } }), false)
})

const none = {
  kind: 'self_built' as const,
  corpId: null,
  agentId: null,
  hasSecret: false,
  hasContactsSecret: false,
  callback: { url: '', commandUrl: '', dataUrl: '', hasToken: false, hasAesKey: false, previousUntil: null },
  suiteId: null,
  hasSuiteSecret: false,
  providerCorpId: null,
  hasProviderSecret: false,
  suite: null,
}

test('who comes back goes on where the credentials are not complete', () => {
  assert.equal(resumeAt(none), 'credentials')
  assert.equal(resumeAt({ ...none, corpId: 'ww1', hasSecret: true }), 'credentials')
  assert.equal(resumeAt({ ...none, corpId: 'ww1', agentId: 7, hasSecret: true }), 'domain')
  assert.equal(resumeAt({ ...none, corpId: 'ww1', hasContactsSecret: true }), 'domain')
})

test('of a suite it is the callback first, then its credentials, then a company', () => {
  const draft = { ...none, kind: 'delegated' as const, suite: { ticketAt: null, authorizedCorps: 0 } }
  const reachable = { ...draft, callback: { ...none.callback, hasToken: true, hasAesKey: true } }
  const known = { ...reachable, suiteId: 'dk1', hasSuiteSecret: true }

  assert.equal(resumeAt(draft), 'callback')
  assert.equal(resumeAt(reachable), 'suite')
  assert.equal(resumeAt(known), 'corps')
  assert.equal(resumeAt({ ...known, suite: { ticketAt: null, authorizedCorps: 1 } }), 'domain')
  assert.equal(resumeAt({ ...known, kind: 'service_provider' }), 'suite')
  assert.equal(
    resumeAt({ ...known, kind: 'service_provider', providerCorpId: 'ww9', hasProviderSecret: true }),
    'domain',
  )
})
