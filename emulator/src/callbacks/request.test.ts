import assert from 'node:assert/strict'
import { test } from 'node:test'

import { decrypt, getSignature } from '@wecom/crypto'

import { shiftNonce, writeRequest } from './request.ts'
import type { CallbackRequest, Tampering } from './request.ts'
import { decryptMessage } from '../crypto.ts'
import { createRandom } from '../random.ts'
import { element, encodingAesKey, token } from './test-receiver.ts'

const letter = {
  url: 'https://sso.example/callback',
  token,
  encodingAesKey,
  receiveId: 'ww0123456789abcdef',
  toUserName: 'ww0123456789abcdef',
  agentId: 1000002,
  message: '<xml><ChangeType>delete_user</ChangeType></xml>',
}

function write(tampering: Tampering = {}, seed = '1', change: Partial<typeof letter> = {}) {
  return writeRequest({ ...letter, ...change }, tampering, { random: createRandom(seed), seconds: 1_700_000_000 })
}

/** What a careful receiver finds: whether the signature is right, and the message or why there is none. */
function judge({ query, body }: CallbackRequest, receiveId = letter.receiveId): string {
  const pairs = new URLSearchParams(query)
  const [signature, ...more] = pairs.getAll('msg_signature')
  const encrypted = element(body, 'Encrypt') ?? ''
  const [timestamp, nonce] = [pairs.get('timestamp') ?? '', pairs.get('nonce') ?? '']
  if (more.length > 0 || signature !== getSignature(token, timestamp, nonce, encrypted)) return 'bad signature'
  if (!/^\d{10}$/.test(timestamp)) return 'bad timestamp'
  try {
    const opened = decryptMessage(encodingAesKey, encrypted)
    return opened.receiveId === receiveId ? opened.message : 'bad receiver'
  } catch (error) {
    return error instanceof Error ? error.message : 'bad'
  }
}

test('an honest request is opened by both libraries, whatever the length of its padding', () => {
  for (let length = 0; length < 64; length++) {
    const message = 'é'.repeat(Math.floor(length / 2)) + 'x'.repeat(length % 2)
    const request = write({}, String(length), { message })
    const opened = decrypt(encodingAesKey, element(request.body, 'Encrypt') ?? '')

    assert.equal(judge(request), message)
    assert.deepEqual([opened.message, opened.id], [message, letter.receiveId])
    assert.match(request.query, /^msg_signature=[0-9a-f]{40}&timestamp=1700000000&nonce=\d{9,10}$/)
  }
})

test('the same seed writes the same request, another one another', () => {
  assert.deepEqual(write({}, 'a'), write({}, 'a'))
  assert.notEqual(write({}, 'a').body, write({}, 'b').body)
})

/** What each deviation is to a careful receiver. */
const verdicts: [Tampering, string][] = [
  [{ signature: 'wrong' }, 'bad signature'],
  [{ signature: 'upper-case' }, 'bad signature'],
  [{ signature: 'missing' }, 'bad signature'],
  [{ signature: 'empty' }, 'bad signature'],
  [{ signature: 'twice' }, 'bad signature'],
  [{ token: 'somebodyElse' }, 'bad signature'],
  [{ query: 'a=b' }, 'bad signature'],
  [{ body: '<xml/>' }, 'bad signature'],
  [{ shiftDigits: 1 }, 'bad timestamp'],
  [{ timestamp: 'yesterday' }, 'bad timestamp'],
  [{ timestamp: '' }, 'bad timestamp'],
  [{ encodingAesKey: 'k'.repeat(43) }, 'bad padding'],
  [{ padByte: 0 }, 'bad padding'],
  [{ padByte: 33 }, 'bad padding'],
  [{ unevenPadding: true }, 'bad padding'],
  [{ claimedLength: 1_000 }, 'the message claims to be longer than it is'],
  [{ claimedLength: -1 }, 'the message claims to be longer than it is'],
  [{ claimedLength: 0 }, 'bad receiver'],
  [{ receiveId: 'ww00000000000000ff' }, 'bad receiver'],
  [{ receiveId: '' }, 'bad receiver'],
  [{ nonce: 'any text & more' }, letter.message],
  [{ toUserName: 'ww00000000000000ff' }, letter.message],
  [{ timestampShiftSeconds: -86_401 }, letter.message],
  [{ bodyBytes: 300_000 }, letter.message],
  [{ contentType: null }, letter.message],
]

for (const [tampering, verdict] of verdicts) {
  test(`${JSON.stringify(tampering)} makes it: ${verdict.slice(0, 30)}`, () => {
    for (const seed of ['1', '2', '3', '4', '5']) assert.equal(judge(write(tampering, seed)), verdict)
  })
}

test('deviations show where they should', () => {
  assert.match(write({ timestampShiftSeconds: -60 }).query, /timestamp=1699999940/)
  assert.equal(Buffer.byteLength(write({ bodyBytes: 300_000 }).body), 300_000)
  assert.equal(write({ bodyBytes: 3 }).body, write().body)
  assert.equal(write({ contentType: null }).contentType, null)
  assert.equal(write({ contentType: 'text/plain' }).contentType, 'text/plain')
  assert.equal(write({ bytesPerSecond: 5 }).bytesPerSecond, 5)
  assert.equal(element(write({ toUserName: 'x]]>y' }).body, 'ToUserName'), 'x]]]]><![CDATA[>y')
  assert.equal(element(write({ encrypted: 'not base64!' }).body, 'Encrypt'), 'not base64!')
  assert.notEqual(element(write({ flipBit: 3 }).body, 'Encrypt'), element(write().body, 'Encrypt'))
})

test('digits can be shifted later, with the same signature, from any request that was made for it', () => {
  for (let seed = 0; seed < 100; seed++) {
    const request = write({ shiftDigits: 0 }, String(seed))
    assert.equal(judge(request), letter.message)
    for (const digits of [1, 4]) {
      const shifted = shiftNonce(request, digits)
      assert.equal(new URLSearchParams(shifted.query).get('timestamp')?.length, 10 + digits)
      assert.equal(judge(shifted), 'bad timestamp')
    }
  }
})
