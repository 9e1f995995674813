import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hashPassword, verifyPassword } from './passwords.ts'

void test('a password is what it was set to and nothing else', async () => {
  const stored = await hashPassword('correct horse 电池')

  assert.match(stored, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
  assert.equal(await verifyPassword('correct horse 电池', stored), true)
  assert.equal(await verifyPassword('correct horse 电', stored), false)
  assert.equal(await verifyPassword('Correct horse 电池', stored), false)
})

void test('the same password is stored differently each time', async () => {
  assert.notEqual(await hashPassword('same password'), await hashPassword('same password'))
})

void test('a hash of the reference implementation with other costs is understood', async () => {
  // From test.c of the reference implementation, version 0x13: t=2, m=2^16, p=1, "password", "somesalt".
  const stored = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'

  assert.equal(await verifyPassword('password', stored), true)
  assert.equal(await verifyPassword('Password', stored), false)
})

void test('a character is the same however the keyboard composes it', async () => {
  const stored = await hashPassword('caf\u00e9 au lait')

  assert.equal(await verifyPassword('cafe\u0301 au lait', stored), true)
})

void test('a stored text that is no hash is a fault and not a wrong password', async () => {
  for (const stored of [
    '',
    'plain',
    '$2b$10$abcdefghijklmnopqrstuv',
    '$argon2id$v=19$m=99999999,t=2,p=1$c29tZXNhbHQ$x',
  ]) {
    await assert.rejects(verifyPassword('password', stored), /not an Argon2id PHC string/)
  }
})
