import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConnectionPatch } from '@muster/contracts'
import { newCallbackSecrets } from './callback-secrets.ts'

test('new secrets have the form that WeCom and the server want, and never repeat', () => {
  const made = Array.from({ length: 200 }, () => newCallbackSecrets())

  for (const callback of made) assert.equal(ConnectionPatch.safeParse({ callback }).success, true)
  assert.equal(new Set(made.map(({ token }) => token)).size, made.length)
  assert.equal(new Set(made.map(({ aesKey }) => aesKey)).size, made.length)
})

test('a key is exactly 32 bytes, for strict decoders too', () => {
  for (let count = 0; count < 200; count++) {
    const { aesKey } = newCallbackSecrets()
    const bytes = Buffer.from(`${aesKey}=`, 'base64')

    assert.equal(bytes.length, 32)
    assert.equal(bytes.toString('base64'), `${aesKey}=`)
  }
})

test('bytes that would make some characters likelier are left out', () => {
  let asked = 0
  const { token } = newCallbackSecrets((bytes) => bytes.fill(asked++ === 0 ? 255 : 61))

  assert.equal(token, '9'.repeat(32))
})
