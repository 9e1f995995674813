import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasSuiteCredentials, suitePatch, suiteSecretsToRepeat, suiteVerdictOf } from './suite-credentials.ts'

const nothing = {
  kind: 'delegated' as const,
  suiteId: null,
  hasSuiteSecret: false,
  providerCorpId: null,
  hasProviderSecret: false,
  suite: null,
}
const stored = { ...nothing, suiteId: 'dk1', hasSuiteSecret: true }

test('only what was changed is saved, and an empty secret keeps the stored one', () => {
  assert.deepEqual(suitePatch(stored, { suiteId: ' dk1 ', suiteSecret: '', providerCorpId: '' }), {})
  assert.deepEqual(suitePatch(stored, { suiteId: 'dk2', suiteSecret: ' s ', providerCorpId: 'ww9' }), {
    suiteId: 'dk2',
    suiteSecret: 's',
    providerCorpId: 'ww9',
  })
  assert.deepEqual(suitePatch({ ...stored, providerCorpId: 'ww9' }, { suiteId: 'dk1', providerCorpId: '' }), {
    providerCorpId: null,
  })
})

test('a template needs nothing of its provider, a login suite needs all of it', () => {
  const suite = { ...stored, kind: 'service_provider' as const }

  assert.equal(hasSuiteCredentials(nothing), false)
  assert.equal(hasSuiteCredentials(stored), true)
  assert.equal(hasSuiteCredentials(suite), false)
  assert.equal(hasSuiteCredentials({ ...suite, providerCorpId: 'ww9', hasProviderSecret: true }), true)
})

test('another suite or provider needs its secret again', () => {
  const both = { ...stored, providerCorpId: 'ww9', hasProviderSecret: true }

  assert.deepEqual(suiteSecretsToRepeat(both, { suiteId: 'dk1', providerCorpId: 'ww9' }), [])
  assert.deepEqual(suiteSecretsToRepeat(both, { suiteId: 'dk2', providerCorpId: 'ww8' }), [
    'suiteSecret',
    'providerSecret',
  ])
  assert.deepEqual(suiteSecretsToRepeat(both, { suiteId: 'dk2', suiteSecret: 's', providerCorpId: 'ww9' }), [])
  assert.deepEqual(suiteSecretsToRepeat(nothing, { suiteId: 'dk2' }), [])
})

test('a refusal stands beside the field that it is about', () => {
  const check = { name: 'suite-token', title: '', detail: '', remedy: null }
  const wrongSecret = { ...check, result: 'fail' as const, wecomCode: 40080 }
  const wrongId = { ...check, result: 'fail' as const, wecomCode: 40083 }
  const right = { ...check, result: 'pass' as const }

  assert.equal(suiteVerdictOf('suiteSecret', [wrongSecret]), wrongSecret)
  assert.equal(suiteVerdictOf('suiteId', [wrongSecret]), undefined)
  assert.equal(suiteVerdictOf('suiteSecret', [wrongId]), undefined)
  assert.equal(suiteVerdictOf('suiteId', [wrongId]), wrongId)
  assert.equal(suiteVerdictOf('suiteId', [right]), right)
  assert.equal(suiteVerdictOf('providerSecret', [wrongSecret]), undefined)
})
