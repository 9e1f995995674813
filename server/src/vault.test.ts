import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { inspect } from 'node:util'

import * as fc from 'fast-check'

import { Secret } from './secret.ts'
import { createVault, loadOrCreateMasterKey } from './vault.ts'

const KEY = new Secret(Buffer.alloc(32, 1).toString('base64'))
const OTHER_KEY = new Secret(Buffer.alloc(32, 2).toString('base64'))
const RECORD = 'connection/con_1/secret'

test('what was sealed opens to the same text', () => {
  const vault = createVault({ key: KEY })

  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      assert.equal(vault.open(RECORD, vault.seal(RECORD, new Secret(text))).reveal(), text)
    }),
  )
})

test('the same text is sealed differently each time', () => {
  const vault = createVault({ key: KEY })

  const sealed = new Set(Array.from({ length: 100 }, () => vault.seal(RECORD, new Secret('same'))))

  assert.equal(sealed.size, 100)
})

test('the format is stable, so that a database written today opens tomorrow', () => {
  const vault = createVault({ key: KEY, random: (size) => Buffer.alloc(size, 7) })

  const sealed = vault.seal(RECORD, new Secret('corpsecret'))

  assert.equal(sealed, 'v1.6fcf5163.BwcHBwcHBwcHBwcH.7pyY1HzL0tN87jN5dk4NkQ3GKNyuYxhcVIo')
  assert.equal(vault.open(RECORD, sealed).reveal(), 'corpsecret')
})

test('a value copied into another record does not open', () => {
  const vault = createVault({ key: KEY })
  const sealed = vault.seal(RECORD, new Secret('corpsecret'))

  assert.throws(() => vault.open('connection/con_2/secret', sealed), { code: 'vault/tampered' })
})

test('a change of any single character is noticed', () => {
  const vault = createVault({ key: KEY })
  const sealed = vault.seal(RECORD, new Secret('corpsecret'))

  for (let index = 0; index < sealed.length; index++) {
    const replacement = sealed[index] === 'A' ? 'B' : 'A'
    const changed = sealed.slice(0, index) + replacement + sealed.slice(index + 1)
    assert.throws(() => vault.open(RECORD, changed), { name: 'VaultError' }, `character ${index}`)
  }
})

test('text that was never sealed is called malformed', () => {
  const vault = createVault({ key: KEY })
  const sealed = vault.seal(RECORD, new Secret('corpsecret'))

  for (const text of [
    '',
    'corpsecret',
    'v1.',
    sealed.replace('v1', 'v2'),
    `${sealed}.x`,
    `${sealed}=`,
    sealed.slice(0, 40),
  ]) {
    assert.throws(() => vault.open(RECORD, text), { code: 'vault/malformed' }, JSON.stringify(text))
  }
})

test('a value sealed with an unknown key names both keys and the way out', () => {
  const sealed = createVault({ key: OTHER_KEY }).seal(RECORD, new Secret('corpsecret'))
  const vault = createVault({ key: KEY })

  assert.throws(
    () => vault.open(RECORD, sealed),
    (error: Error & { code?: string }) => {
      assert.equal(error.code, 'vault/wrong-key')
      assert.match(error.message, new RegExp(vault.keyId))
      assert.match(error.message, /MUSTER_MASTER_KEY/)
      return true
    },
  )
})

test('while keys rotate, the old one opens and the new one seals', () => {
  const old = createVault({ key: OTHER_KEY })
  const sealedBefore = old.seal(RECORD, new Secret('corpsecret'))

  const rotating = createVault({ key: KEY, previousKeys: [OTHER_KEY] })
  const sealedAfter = rotating.seal(RECORD, rotating.open(RECORD, sealedBefore))

  assert.equal(rotating.isOutdated(sealedBefore), true)
  assert.equal(rotating.isOutdated(sealedAfter), false)
  assert.equal(createVault({ key: KEY }).open(RECORD, sealedAfter).reveal(), 'corpsecret')
})

test('the check value tells at start that the key belongs to another database', () => {
  const check = createVault({ key: KEY }).makeCheck()

  assert.doesNotThrow(() => createVault({ key: KEY }).verifyCheck(check))
  assert.throws(() => createVault({ key: OTHER_KEY }).verifyCheck(check), { code: 'vault/wrong-key' })
})

test('a key that is not 32 bytes is refused without being shown', () => {
  const short = new Secret(Buffer.alloc(31, 9).toString('base64'))

  assert.throws(
    () => createVault({ key: short }),
    (error: Error & { code?: string }) => {
      assert.equal(error.code, 'vault/bad-key')
      assert.doesNotMatch(inspect(error), new RegExp(short.reveal().slice(0, 8)))
      return true
    },
  )
})

test('a configured key is used and no file is written', (t) => {
  const dataDir = temporaryFolder(t)

  const result = loadOrCreateMasterKey({ dataDir, configured: KEY })

  assert.equal(result.key, KEY)
  assert.equal(result.source, 'configured')
  assert.deepEqual(readdirSync(dataDir), [])
})

test('the first start generates a key that only its owner may read, the second start uses it', (t) => {
  const dataDir = join(temporaryFolder(t), 'not', 'yet', 'there')

  const first = loadOrCreateMasterKey({ dataDir, configured: undefined })
  const second = loadOrCreateMasterKey({ dataDir, configured: undefined })

  assert.equal(first.source, 'generated')
  assert.equal(second.source, 'file')
  assert.equal(second.key.reveal(), first.key.reveal())
  assert.equal(statSync(join(dataDir, 'master.key')).mode & 0o777, 0o600)
  assert.deepEqual(readdirSync(dataDir), ['master.key'])
  assert.equal(first.warning, undefined)
})

test('of two processes that start at once, the second takes the key of the first', (t) => {
  const dataDir = temporaryFolder(t)
  const rival = Buffer.alloc(32, 5).toString('base64')
  const loseTheRace = (size: number): Buffer => {
    writeFileSync(join(dataDir, 'master.key'), rival, { mode: 0o600 }) // after we looked, before we create
    return Buffer.alloc(size, 6)
  }

  const result = loadOrCreateMasterKey({ dataDir, configured: undefined, random: loseTheRace })

  assert.equal(result.key.reveal(), rival)
  assert.equal(result.source, 'file')
  assert.deepEqual(readdirSync(dataDir), ['master.key'])
})

test('a key file with other content is refused and left as it is', (t) => {
  const dataDir = temporaryFolder(t)
  const file = join(dataDir, 'master.key')

  for (const content of ['', 'not a key', Buffer.alloc(16).toString('base64')]) {
    writeFileSync(file, content)
    assert.throws(() => loadOrCreateMasterKey({ dataDir, configured: undefined }), { code: 'vault/bad-key' })
    assert.equal(readFileSync(file, 'utf8'), content)
  }
})

test('a key file that others may read is used with a warning', (t) => {
  const dataDir = temporaryFolder(t)
  loadOrCreateMasterKey({ dataDir, configured: undefined })
  chmodSync(join(dataDir, 'master.key'), 0o644)

  const result = loadOrCreateMasterKey({ dataDir, configured: undefined })

  assert.match(result.warning?.en ?? '', /chmod 600/)
})

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'muster-vault-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}
