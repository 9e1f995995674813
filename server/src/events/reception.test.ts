import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCallbackCrypto, signCallback } from '@muster/wecom'
import type { Connection } from '../connections/connections.ts'
import { Secret } from '../secret.ts'
import { createRandom } from '../../test-support/random.ts'
import { readMessage, readVerification, type Callee, type CallbackRequest } from './reception.ts'

const NOW = 1_700_000_000_000
const TOKEN = 'tok123'
const AES_KEY = 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG'
const CORP = 'ww0000000000000001'
const MESSAGE = `<xml><ToUserName><![CDATA[${CORP}]]></ToUserName><CreateTime>1700000000</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[change_contact]]></Event><ChangeType>delete_user</ChangeType><UserID><![CDATA[zhangsan]]></UserID></xml>`

test("the verification of WeCom's own documentation is answered, years later", () => {
  const callee = calleeWith('QDG6eK', 'jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C', 'wx5823bf96d3bd56c7')
  const query = {
    msg_signature: '5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3',
    timestamp: '1409659589',
    nonce: '263014780',
    echostr: 'P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ==',
  }

  assert.deepEqual(readVerification({ query }, callee, 'contacts'), { kind: 'verified', text: '1616140317555161061' })
})

test('a message is read with any pair of token and key that is good, each pair for itself', () => {
  const callee = { ...ours, keys: [...calleeWith('other', AES_KEY.toLowerCase(), CORP).keys, ...ours.keys] }

  assert.equal(readMessage(delivery(), callee, 'contacts', NOW).kind, 'message')
  assert.equal(readMessage(delivery(), { ...ours, keys: [] }, 'contacts', NOW).kind, 'refused')
  const mixed = calleeWith(TOKEN, AES_KEY.toLowerCase(), CORP)
  assert.equal(readMessage(delivery(), mixed, 'contacts', NOW).kind, 'refused')
})

test('the digest is that of what was encrypted, so that another signature around it is the same delivery', () => {
  const first = delivery()
  const { timestamp, nonce } = first.query
  const swapped = { ...first, query: { ...first.query, timestamp: nonce, nonce: timestamp } }
  const resigned = {
    ...first,
    query: {
      msg_signature: signCallback(TOKEN, { timestamp, nonce: 'z', ciphertext: first.ciphertext }),
      timestamp,
      nonce: 'z',
    },
  }

  const digests = [first, resigned].map((request) => {
    const message = readMessage(request, ours, 'contacts', NOW)
    return message.kind === 'message' && message.digest
  })
  assert.equal(digests[0], digests[1])
  // The nonce has other digits than ten, so the two cannot take each other's place, though the signature agrees.
  assert.equal(readMessage(swapped, ours, 'contacts', NOW).kind, 'refused')
})

test('a day is the oldest, ten minutes ahead the newest, and both count in seconds', () => {
  const kindAt = (seconds: number) => readMessage(delivery(MESSAGE, seconds), ours, 'contacts', NOW).kind
  const now = NOW / 1_000

  assert.deepEqual(
    [-86_401, -86_400, 0, 600, 601].map((offset) => kindAt(now + offset)),
    ['stale', 'message', 'message', 'message', 'stale'],
  )
})

test('20,000 mutated requests are refused, or are what they were', () => {
  const random = createRandom(20)
  const original = delivery()
  const good = readMessage(original, ours, 'contacts', NOW)

  for (let round = 0; round < 20_000; round++) {
    const mutated = mutate(original, random)
    const read = readMessage(mutated, ours, 'contacts', NOW)
    if (read.kind === 'message') assert.deepEqual(read, good)
    else assert.equal(read.kind, 'refused')
  }
})

const ours = calleeWith(TOKEN, AES_KEY, CORP)

function calleeWith(token: string, aesKey: string, corpId: string): Callee {
  // Nothing else of a connection is looked at.
  const connection = { kind: 'self_built', corpId, suiteId: null, providerCorpId: null } as Connection
  return { connection, keys: [{ token: new Secret(token), aesKey: new Secret(aesKey), until: null }] }
}

interface Sealed extends CallbackRequest {
  readonly query: Record<'msg_signature' | 'timestamp' | 'nonce', string>
  readonly body: Buffer
  readonly ciphertext: string
}

function delivery(message = MESSAGE, seconds = NOW / 1_000): Sealed {
  const crypto = createCallbackCrypto({ token: TOKEN, encodingAesKey: AES_KEY, receiveIds: [CORP] })
  const { signature, timestamp, nonce, ciphertext } = crypto.seal(message, {
    timestamp: String(seconds),
    nonce: '263014780',
    random: Buffer.alloc(16, 7),
  })
  return {
    query: { msg_signature: signature, timestamp, nonce },
    body: Buffer.from(
      `<xml><ToUserName><![CDATA[${CORP}]]></ToUserName><Encrypt><![CDATA[${ciphertext}]]></Encrypt></xml>`,
    ),
    contentType: 'text/xml',
    ciphertext,
  }
}

/** One or two bytes somewhere are another, are more or are gone. */
function mutate({ query, body, contentType }: Sealed, random: () => number): CallbackRequest {
  const pick = (count: number) => Math.floor(random() * count)
  const changed = (bytes: Buffer) => {
    const place = pick(bytes.length)
    const byte = Buffer.from([pick(256)])
    const kinds = [
      () => Buffer.concat([bytes.subarray(0, place), byte, bytes.subarray(place + 1)]),
      () => Buffer.concat([bytes.subarray(0, place), byte, bytes.subarray(place)]),
      () => Buffer.concat([bytes.subarray(0, place), bytes.subarray(place + 1)]),
      () => bytes.subarray(0, place),
    ]
    return kinds[pick(kinds.length)]!()
  }
  const text = (value: string) => changed(Buffer.from(value)).toString('utf8')
  const names = ['msg_signature', 'timestamp', 'nonce'] as const
  const name = names[pick(names.length)]!
  if (random() < 0.3) return { query: { ...query, [name]: text(query[name]) }, body, contentType }
  return { query, body: random() < 0.2 ? changed(changed(body)) : changed(body), contentType }
}
