/** Callback crypto against the official vectors, and against the official package as a second opinion. */

import assert from 'node:assert/strict'
import { createCipheriv } from 'node:crypto'
import { test } from 'node:test'

import * as oracle from '@wecom/crypto'
import * as fc from 'fast-check'

import { createCallbackCrypto, decodeAesKey, decryptPadded, encryptPadded, signCallback } from './callback-crypto.ts'
import type { SignedCiphertext } from './callback-crypto.ts'

const official = {
  token: 'QDG6eK',
  encodingAesKey: 'jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C',
  receiveIds: ['wx5823bf96d3bd56c7'],
}

const echo: SignedCiphertext = {
  timestamp: '1409659589',
  nonce: '263014780',
  signature: '5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3',
  ciphertext: 'P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ==',
}

const message: SignedCiphertext = {
  timestamp: '1409659813',
  nonce: '1372623149',
  signature: '477715d11cdb4164915debcba66cb864d751f3e6',
  ciphertext:
    'RypEvHKD8QQKFhvQ6QleEB4J58tiPdvo+rtK1I9qca6aM/wvqnLSV5zEPeusUiX5L5X/0lWfrf0QADHHhGd3QczcdCUpj911L3vg3W/sYYvuJTs3TUUkSUXxaccAS0qhxchrRYt66wiSpGLYL42aM6A8dTT+6k4aSknmPj48kzJs8qLjvd4Xgpue06DOdnLxAUHzM6+kDZ+HMZfJYuR+LtwGc2hgf5gsijff0ekUNXZiqATP7PF5mZxZ3Izoun1s4zG4LUMnvw2r+KqCKIw+3IQH03v+BCA9nMELNqbSf6tiWSrXJB3LAVGUcallcrw8V2t9EL4EhzJWrQUax5wLVMNS0+rUPA3k22Ncx4XXZS9o0MBH27Bo6BpNelZpS+/uh9KsNlY6bHCmJU9p8g7m3fVKn28H3KDYA5Pl/T8Z1ptDAVe0lXdQ2YoyyH2uyPIGHBZZIs2pDBS8R07+qN+E7Q==',
}

const suite = {
  token: 'tok123',
  encodingAesKey: 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG',
  receiveIds: ['ww0000000000000001'],
}

const ticket: SignedCiphertext = {
  timestamp: '1700000000',
  nonce: 'nonce1',
  signature: '5efbffa12445d3f5e48a74650e8b998449f17f83',
  ciphertext:
    'f6cZ+BbKh9OoBpd9WPcZwhoL47sxciM1H01gmUHkS1axWdYYSQAlIGzWqZi6aVCuk4I8wzDbsPQVICqHyvjRIN9ONW6PbMazI4GBqqKQSw2kGqAsPYIzlHeHpsPRJEakBKQNF7iyt48ldtlXZEH1/0I8IXA0FhVPRb9qhYHsNJypDReetWabq0p3qLKGCqZj4Qi40vP0eH+GcFfYpuFEI8hlJpcYDc/g8gWG/fY/WcVMTGy5VM16/gwdNLiJisbqX0lexEidz6+QrO5+IUt4Q1TOgd6QnkLvkrimvYU8HB4=',
}

test('vector 1: the echo of the official sample', () => {
  const { message, receiveId } = createCallbackCrypto(official).open(echo)

  assert.equal(message, '1616140317555161061')
  assert.equal(receiveId, 'wx5823bf96d3bd56c7')
})

test('vector 1 is also what we would have sent', () => {
  const random = Buffer.from('c41b64491c2468d0')

  const sealed = createCallbackCrypto(official).seal('1616140317555161061', { ...echo, random })

  assert.deepEqual(sealed, echo)
})

test('vector 2: a message with 30 bytes of padding', () => {
  const opened = createCallbackCrypto(official).open(message)

  assert.equal(Buffer.byteLength(opened.message), 284)
  assert.match(opened.message, /<Content><!\[CDATA\[hello\]\]><\/Content>/)
})

test('vector 3: a suite ticket', () => {
  const opened = createCallbackCrypto(suite).open(ticket)

  assert.equal(Buffer.byteLength(opened.message), 178)
  assert.match(opened.message, /suite_ticket/)
  const random = Buffer.from('00112233445566778899aabbccddeeff', 'hex')
  assert.deepEqual(createCallbackCrypto(suite).seal(opened.message, { ...ticket, random }), ticket)
})

test('vector 4: the one of go-workwx', () => {
  const settings = {
    token: 't',
    encodingAesKey: '4Ma3YBrSBbX2aez8MJpXGBne5LSDwgGqHbhM9WPYIws',
    receiveIds: ['ww6a112864f8022910'],
  }
  const unsigned = {
    timestamp: '1',
    nonce: 'n',
    ciphertext: '6KmUQuPVu7UhjyVqRdbo5SfcRqaHvbUlKSHFvBV2ZuR6TIlKsygcfeSd1GDplg1C5KSKr6UPHCaC/nIX3ZNt9w==',
  }

  const { message } = createCallbackCrypto(settings).open({ ...unsigned, signature: signCallback('t', unsigned) })

  assert.equal(message, '94966531020182955848408')
})

test('all 32 paddings are opened, by us and by the official package', () => {
  const crypto = createCallbackCrypto(official)
  const paddings = new Set<number>()
  for (let length = 0; length < 32; length++) {
    const text = 'x'.repeat(length)

    const sealed = crypto.seal(text, { timestamp: '1', nonce: 'n' })

    assert.equal(crypto.open(sealed).message, text)
    assert.deepEqual(pick(oracle.decrypt(official.encodingAesKey, sealed.ciphertext)), {
      message: text,
      id: official.receiveIds[0],
    })
    paddings.add(32 - ((16 + 4 + length + 18) % 32))
  }
  assert.equal(paddings.size, 32)
})

test('what the official package encrypts and signs, we open; and the other way round', () => {
  const crypto = createCallbackCrypto(official)
  const text = fc.string({ unit: 'grapheme', maxLength: 300 }).filter((value) => value.isWellFormed())
  const stamp = fc.stringMatching(/^[A-Za-z0-9]{1,20}$/)

  fc.assert(
    fc.property(text, stamp, stamp, (text, timestamp, nonce) => {
      const ciphertext = oracle.encrypt(official.encodingAesKey, text, 'wx5823bf96d3bd56c7')
      const signature = oracle.getSignature(official.token, timestamp, nonce, ciphertext)
      assert.equal(crypto.open({ signature, timestamp, nonce, ciphertext }).message, text)

      const sealed = crypto.seal(text, { timestamp, nonce })
      assert.equal(oracle.decrypt(official.encodingAesKey, sealed.ciphertext).message, text)
      assert.equal(oracle.getSignature(official.token, timestamp, nonce, sealed.ciphertext), sealed.signature)
    }),
    { numRuns: 300 },
  )
})

test('a "+" that a form decoder turned into a space is understood', () => {
  const broken = { ...echo, ciphertext: echo.ciphertext.replaceAll('+', ' ') }

  assert.equal(createCallbackCrypto(official).open(broken).message, '1616140317555161061')
})

for (const [what, change] of [
  ['an empty signature', { signature: '' }],
  ['a signature in capitals', { signature: echo.signature.toUpperCase() }],
  ['a shorter signature', { signature: echo.signature.slice(0, -1) }],
  ['a longer signature', { signature: `${echo.signature}0` }],
  ['a signature in other letters', { signature: 'é'.repeat(20) }],
  ['a repeated parameter', { signature: [echo.signature] }],
  ['an undefined parameter', { nonce: undefined }],
  ['another time', { timestamp: '1409659590' }],
  ['another nonce', { nonce: '263014781' }],
  ['another ciphertext', { ciphertext: message.ciphertext }],
] as [string, Record<string, unknown>][]) {
  test(`${what} is not signed`, () => {
    const crypto = createCallbackCrypto(official)
    const request: SignedCiphertext = { ...echo, ...change }

    assert.equal(crypto.isSigned(request), false)
    assert.throws(() => crypto.open(request), { code: 'WECOM_CALLBACK_REJECTED' })
  })
}

test('a request without a parameter is not signed', () => {
  const { nonce: _missing, ...rest } = echo

  assert.equal(createCallbackCrypto(official).isSigned(rest as SignedCiphertext), false)
})

test('a message for another receiver is refused', () => {
  const crypto = createCallbackCrypto({ ...official, receiveIds: ['wx0000000000000000', ''] })

  assert.throws(() => crypto.open(echo), { code: 'WECOM_CALLBACK_REJECTED' })
})

/** Signed by us, so that only what is inside is wrong. */
function signed(ciphertext: string): SignedCiphertext {
  const stamp = { timestamp: '1', nonce: 'n', ciphertext }
  return { ...stamp, signature: signCallback(official.token, stamp) }
}

const key = decodeAesKey(official.encodingAesKey)
const sixteen = Buffer.alloc(16)

for (const [what, ciphertext] of [
  ['no base64', '%%%%'],
  ['nothing', ''],
  ['half a block', Buffer.alloc(24).toString('base64')],
  ['another key', Buffer.alloc(64, 7).toString('base64')],
  [
    'a length beyond its end',
    encryptPadded(Buffer.concat([sixteen, Buffer.from([0, 0, 1, 0]), Buffer.from('abc')]), key).toString('base64'),
  ],
  ['no length', encryptPadded(sixteen, key).toString('base64')],
  [
    'bytes that are not UTF-8',
    encryptPadded(Buffer.concat([sixteen, Buffer.from([0, 0, 0, 1, 0xff])]), key).toString('base64'),
  ],
] as [string, string][]) {
  test(`a signed message with ${what} is refused`, () => {
    assert.throws(() => createCallbackCrypto(official).open(signed(ciphertext)), { code: 'WECOM_CALLBACK_REJECTED' })
  })
}

test('padding is checked byte by byte', () => {
  const good = encryptPadded(Buffer.from('x'.repeat(30)), key)
  assert.equal(decryptPadded(good, key)?.length, 30)

  good[good.length - 18] = (good[good.length - 18] ?? 0) ^ 1 // in CBC this flips a bit of the first padding byte

  assert.equal(decryptPadded(good, key), undefined)
})

test('settings that cannot protect anything are refused at once', () => {
  assert.throws(() => createCallbackCrypto({ ...official, token: '' }), { code: 'WECOM_ARGUMENT_INVALID' })
  assert.throws(() => createCallbackCrypto({ ...official, receiveIds: [] }), { code: 'WECOM_ARGUMENT_INVALID' })
  assert.throws(() => createCallbackCrypto({ ...official, encodingAesKey: 'short' }), {
    code: 'WECOM_ARGUMENT_INVALID',
  })
})

test('a key whose last letter carries loose bits is accepted', () => {
  assert.deepEqual(decodeAesKey('A'.repeat(42) + 'B'), decodeAesKey('A'.repeat(43)))
})

test('a question about the receiver takes the place of the list, and can seal nothing', () => {
  const sealed = createCallbackCrypto(official).seal('hello', { timestamp: '1700000000', nonce: 'n' })
  const asking = (isOurs: boolean) => createCallbackCrypto({ ...official, receiveIds: () => isOurs })

  assert.equal(asking(true).open(sealed).message, 'hello')
  assert.throws(() => asking(false).open(sealed), { code: 'WECOM_CALLBACK_REJECTED' })
  assert.throws(() => asking(true).seal('x', { timestamp: '1', nonce: 'n' }), { code: 'WECOM_ARGUMENT_INVALID' })
})

function pick({ message, id }: { message: string; id: string }) {
  return { message, id }
}

/** A plain text with a padding of its own making, encrypted by the book and signed. */
function padded(plain: Buffer, padding: Buffer): SignedCiphertext {
  const cipher = createCipheriv('aes-256-cbc', key, key.subarray(0, 16)).setAutoPadding(false)
  return signed(Buffer.concat([cipher.update(Buffer.concat([plain, padding])), cipher.final()]).toString('base64'))
}

/** 16 random bytes, a length that may lie, the text and the receiver. */
function framed(text: string, length = Buffer.byteLength(text), receiver = official.receiveIds[0] ?? ''): Buffer {
  const size = Buffer.alloc(4)
  size.writeUInt32BE(length >>> 0)
  return Buffer.concat([sixteen, size, Buffer.from(text), Buffer.from(receiver)])
}

for (let count = 1; count <= 32; count++) {
  test(`a message with ${count} bytes of padding is opened, and refused when one of them differs`, () => {
    const crypto = createCallbackCrypto(official)
    const text = 'x'.repeat((((32 - count - (16 + 4 + 18)) % 32) + 32) % 32)

    assert.equal(crypto.open(padded(framed(text), Buffer.alloc(count, count))).message, text)

    for (let position = 0; position < count; position++) {
      const padding = Buffer.alloc(count, count)
      padding[position] = count + 1
      if (count === 32 && position === count - 1) padding[position] = 0
      assert.throws(() => crypto.open(padded(framed(text), padding)), refusal)
    }
  })
}

const refusal = { code: 'WECOM_CALLBACK_REJECTED' }
const aligned = 'x'.repeat(26) // with its frame two blocks of 32
const paddings: [string, Buffer][] = [
  ['no padding at all', Buffer.alloc(0)],
  ['a padding of zeros', Buffer.alloc(32)],
  ['a last byte of zero', Buffer.from([...Buffer.alloc(31, 32), 0])],
  ['48 bytes of padding', Buffer.alloc(48, 48)],
  ['64 bytes of padding', Buffer.alloc(64, 64)],
  ['255 bytes in the last byte', Buffer.from([...Buffer.alloc(31, 32), 255])],
  ['33 bytes in the last byte', Buffer.alloc(32, 33)],
  ['a padding that counts down', Buffer.from(Array.from({ length: 32 }, (_, index) => 32 - index))],
  ['random padding as of ISO 10126', Buffer.from([...Buffer.alloc(31, 7), 32])],
  ['a padding of ANSI X.923', Buffer.from([...Buffer.alloc(31, 0), 32])],
  ['a padding of ISO 7816', Buffer.from([0x80, ...Buffer.alloc(31, 0)])],
]
for (const [what, padding] of paddings) {
  test(`a message with ${what} is refused`, () => {
    assert.throws(() => createCallbackCrypto(official).open(padded(framed(aligned), padding)), refusal)
  })
}

for (const [what, length] of [
  ['one byte less than it has', 25],
  ['one byte more than it has', 27],
  ['nothing', 0],
  ['half of a character', 1],
  ['all of the receiver too', 44],
  ['more than there is', 45],
  ['a length below zero', -1],
  ['2 to the 31st', 2 ** 31],
  ['2 to the 31st less one', 2 ** 31 - 1],
  ['2 to the 32nd less one', 2 ** 32 - 1],
  ['a length in the other byte order', 0x1a000000],
] as const) {
  test(`a message that claims to have ${what} is refused`, () => {
    const text = length === 1 ? '汉'.repeat(8) + 'xx' : aligned
    assert.throws(
      () => createCallbackCrypto(official).open(padded(framed(text, length), Buffer.alloc(32, 32))),
      refusal,
    )
  })
}

test('a message without any text is opened', () => {
  const crypto = createCallbackCrypto(official)

  assert.equal(crypto.open(crypto.seal('', { timestamp: '1', nonce: 'n' })).message, '')
})

for (const [what, change] of [
  ['a letter less', (text: string) => text.slice(1)],
  ['an "=" too many', (text: string) => `${text}=`],
  ['an "=" in front', (text: string) => `=${text}`],
  ['a line break', (text: string) => `${text.slice(0, 64)}\n${text.slice(64)}`],
  ['the alphabet of URLs', (text: string) => text.replaceAll('+', '-').replaceAll('/', '_')],
  ['a letter that is none', (text: string) => text.replace(/.$/, 'é')],
] as const) {
  test(`base64 with ${what} is refused, although it is signed`, () => {
    assert.throws(() => createCallbackCrypto(official).open(signed(change(message.ciphertext))), refusal)
  })
}
