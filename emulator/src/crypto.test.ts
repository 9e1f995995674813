import assert from 'node:assert/strict'
import { test } from 'node:test'

import * as official from '@wecom/crypto'

import { decodeAesKey, decryptBytes, decryptMessage, encryptBytes, encryptMessage, sign } from './crypto.ts'

/** wecom-api.md §4.2; the first two are from WeCom's own sample code (page 90968). */
const sample = { token: 'QDG6eK', key: 'jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C' }
const vectors = [
  {
    name: 'echostr of the official sample',
    ...sample,
    timestamp: '1409659589',
    nonce: '263014780',
    encrypted: 'P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ==',
    signature: '5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3',
    message: /^1616140317555161061$/,
    receiveId: 'wx5823bf96d3bd56c7',
    bytes: 19,
  },
  {
    name: 'message of the official sample, whose padding is longer than 16',
    ...sample,
    timestamp: '1409659813',
    nonce: '1372623149',
    encrypted:
      'RypEvHKD8QQKFhvQ6QleEB4J58tiPdvo+rtK1I9qca6aM/wvqnLSV5zEPeusUiX5L5X/0lWfrf0QADHHhGd3QczcdCUpj911L3vg3W/sYYvuJTs3TUUkSUXxaccAS0qhxchrRYt66wiSpGLYL42aM6A8dTT+6k4aSknmPj48kzJs8qLjvd4Xgpue06DOdnLxAUHzM6+kDZ+HMZfJYuR+LtwGc2hgf5gsijff0ekUNXZiqATP7PF5mZxZ3Izoun1s4zG4LUMnvw2r+KqCKIw+3IQH03v+BCA9nMELNqbSf6tiWSrXJB3LAVGUcallcrw8V2t9EL4EhzJWrQUax5wLVMNS0+rUPA3k22Ncx4XXZS9o0MBH27Bo6BpNelZpS+/uh9KsNlY6bHCmJU9p8g7m3fVKn28H3KDYA5Pl/T8Z1ptDAVe0lXdQ2YoyyH2uyPIGHBZZIs2pDBS8R07+qN+E7Q==',
    signature: '477715d11cdb4164915debcba66cb864d751f3e6',
    message: /<Content><!\[CDATA\[hello\]\]><\/Content>[^]*4561255354251345929/,
    receiveId: 'wx5823bf96d3bd56c7',
    bytes: 284,
  },
  {
    name: 'suite ticket of our own',
    token: 'tok123',
    key: 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG',
    timestamp: '1700000000',
    nonce: 'nonce1',
    encrypted:
      'f6cZ+BbKh9OoBpd9WPcZwhoL47sxciM1H01gmUHkS1axWdYYSQAlIGzWqZi6aVCuk4I8wzDbsPQVICqHyvjRIN9ONW6PbMazI4GBqqKQSw2kGqAsPYIzlHeHpsPRJEakBKQNF7iyt48ldtlXZEH1/0I8IXA0FhVPRb9qhYHsNJypDReetWabq0p3qLKGCqZj4Qi40vP0eH+GcFfYpuFEI8hlJpcYDc/g8gWG/fY/WcVMTGy5VM16/gwdNLiJisbqX0lexEidz6+QrO5+IUt4Q1TOgd6QnkLvkrimvYU8HB4=',
    signature: '5efbffa12445d3f5e48a74650e8b998449f17f83',
    message: /suite_ticket/,
    receiveId: 'ww0000000000000001',
    bytes: 178,
  },
]

for (const vector of vectors) {
  test(`the ${vector.name} is verified, decrypted and made again`, () => {
    const { key, token, timestamp, nonce, encrypted } = vector

    const opened = decryptMessage(key, encrypted)

    assert.equal(sign({ token, timestamp, nonce, encrypted }), vector.signature)
    assert.match(opened.message, vector.message)
    assert.equal(Buffer.byteLength(opened.message), vector.bytes)
    assert.equal(opened.receiveId, vector.receiveId)
    assert.equal(encryptMessage(key, opened, opened.random), encrypted)
  })
}

test('the vector of go-workwx decrypts', () => {
  const key = '4Ma3YBrSBbX2aez8MJpXGBne5LSDwgGqHbhM9WPYIws'
  const encrypted = '6KmUQuPVu7UhjyVqRdbo5SfcRqaHvbUlKSHFvBV2ZuR6TIlKsygcfeSd1GDplg1C5KSKr6UPHCaC/nIX3ZNt9w=='

  const opened = decryptMessage(key, encrypted)

  assert.equal(opened.message, '94966531020182955848408')
  assert.equal(opened.receiveId, 'ww6a112864f8022910')
})

test('padding is a full block of 32 when the text fits exactly', () => {
  const key = decodeAesKey(sample.key)
  const plain = Buffer.alloc(64, 'a')

  const sealed = encryptBytes(key, plain)

  assert.equal(sealed.length, 96)
  assert.deepEqual(decryptBytes(key, sealed), plain)
})

test('bad padding, a wrong key and a lying length are refused', () => {
  const key = decodeAesKey(sample.key)
  const sealed = encryptBytes(key, Buffer.from('hello'))
  const lying = encryptBytes(key, Buffer.concat([Buffer.alloc(16), Buffer.from([0, 0, 0, 99]), Buffer.from('short')]))

  assert.throws(() => decryptBytes(decodeAesKey(vectors[2]?.key ?? ''), sealed), /bad padding/)
  assert.throws(() => decryptMessage(sample.key, lying.toString('base64')), /longer than it is/)
  assert.throws(() => decodeAesKey('too short'), /43 base64 characters/)
})

test("WeCom's own library opens what we make, we open what it makes, and both sign alike", () => {
  for (let length = 0; length <= 64; length++) {
    const message = { message: '消'.repeat(length % 7) + 'x'.repeat(length), receiveId: 'ww0123456789abcdef' }
    const random = Buffer.alloc(16, length)

    const ours = encryptMessage(sample.key, message, random)
    const theirs = official.encrypt(sample.key, message.message, message.receiveId, random)

    assert.equal(ours, theirs)
    assert.deepEqual(official.decrypt(sample.key, ours), { message: message.message, id: message.receiveId, random })
    assert.deepEqual(decryptMessage(sample.key, theirs), { ...message, random })
    const signed = { token: sample.token, timestamp: '1700000000', nonce: String(length * 7919), encrypted: ours }
    assert.equal(official.getSignature(signed.token, signed.timestamp, signed.nonce, ours), sign(signed))
  }
})
