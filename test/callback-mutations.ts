/**
 * Callbacks that are almost right: genuine ones, damaged at random. By someone who knows nothing (bytes of the request), by
 * someone who has the token (anything can be signed, nothing encrypted), and by someone who has the key as well (any
 * message, in any frame). Pure but for the randomness that is given.
 */
import { createCipheriv } from 'node:crypto'
import { signCallback } from '@muster/wecom'
import { AES_KEY, contactEvent, envelope, TOKEN } from './callback-sender.ts'

/** What whoever made it would have to know. */
export type Knowledge = 'nothing' | 'token' | 'key'

export interface Mutant {
  readonly knows: Knowledge
  /** For the report of a failure. */
  readonly what: string
  readonly method: 'GET' | 'POST'
  /** Behind the address, with the question mark. */
  readonly query: string
  readonly contentType: string | null
  readonly body: Buffer | null
}

/** As it was delivered once: whoever damages nothing that counts sends it again. */
export interface Genuine {
  readonly timestamp: string
  readonly nonce: string
  readonly ciphertext: string
}

export interface MutationParts {
  /** From 0 to 1, without 1. */
  readonly random: () => number
  readonly corpId: string
  /** Real ones, so that what gets through is about somebody. */
  readonly userids: readonly string[]
  readonly departmentIds: readonly number[]
  readonly genuine: readonly Genuine[]
  /** Milliseconds since 1970. */
  readonly now: () => number
}

const MOST_DAMAGES = 4
const FRAME_BLOCK = 32
const XML = 'text/xml'

/** @returns a function that makes the next one */
export function createMutations({
  random,
  corpId,
  userids,
  departmentIds,
  genuine,
  now,
}: MutationParts): (knows: Knowledge) => Mutant {
  const byKnowledge: Record<Knowledge, () => Mutant> = { nothing: byStranger, token: byTokenOwner, key: byKeyOwner }
  const below = (count: number) => Math.floor(random() * count)
  const pick = <T>(list: readonly T[]): T => list[below(list.length)]!
  const chance = (share: number) => random() < share
  const bytes = (count: number) => Buffer.from(Array.from({ length: count }, () => below(256)))

  return (knows) => byKnowledge[knows]()

  // ---- Knowing nothing ----------------------------------------------------------------------------------------------

  function byStranger(): Mutant {
    const { timestamp, nonce, ciphertext } = pick(genuine)
    const query = queryOf({ timestamp, nonce, ciphertext })
    const body = Buffer.from(
      chance(0.8) ? envelope(ciphertext, corpId) : JSON.stringify({ tousername: corpId, encrypt: ciphertext }),
    )
    const contentType = body[0] === 0x7b ? 'application/json' : XML
    const whole = { knows: 'nothing', method: 'POST', query, contentType, body } as const
    const place = random()
    if (place < 0.55) return { ...whole, what: 'body', body: damaged(body) }
    if (place < 0.75) return { ...whole, what: 'query', query: damagedQuery(query) }
    if (place < 0.85) return { ...whole, what: 'query and body', query: damagedQuery(query), body: damaged(body) }
    if (place < 0.93) return { ...whole, what: 'type', contentType: pick(TYPES) }
    const echo = `${query}&echostr=${encodeURIComponent(damaged(Buffer.from(ciphertext)).toString('latin1'))}`
    return {
      ...whole,
      what: 'verification',
      method: 'GET',
      query: chance(0.5) ? echo.slice(0, LONGEST_QUERY) : damagedQuery(echo),
      contentType: null,
      body: null,
    }
  }

  function damagedQuery(query: string): string {
    const text = damaged(Buffer.from(query.slice(1))).toString('latin1')
    // As far as it can be sent at all.
    return `?${text.replace(/[^\x21-\x7e]|#/g, (character) => encodeURIComponent(character)).slice(0, LONGEST_QUERY)}`
  }

  // ---- With the token -----------------------------------------------------------------------------------------------

  function byTokenOwner(): Mutant {
    const { ciphertext: whole, timestamp, nonce } = pick(genuine)
    const raw = Buffer.from(whole, 'base64')
    const cut = 16 * below(raw.length / 16)
    const forms: readonly (readonly [string, () => string])[] = [
      ['bytes of the ciphertext', () => damaged(raw).toString('base64')],
      ['one bit of the ciphertext', () => flipped(raw).toString('base64')],
      ['blocks in another order', () => Buffer.concat([raw.subarray(cut), raw.subarray(0, cut)]).toString('base64')],
      ['fewer blocks', () => raw.subarray(0, cut).toString('base64')],
      ['random blocks', () => bytes(16 * below(20)).toString('base64')],
      ['no base64', () => damaged(Buffer.from(whole)).toString('latin1')],
      ['base64 of another kind', () => raw.toString('base64url')],
      ['another timestamp', () => whole],
    ]
    const [what, make] = pick(forms)
    const ciphertext = make()
    const stamp = what === 'another timestamp' ? shortened(damaged(Buffer.from(timestamp))) : timestamp
    return {
      knows: 'token',
      what,
      method: 'POST',
      query: queryOf({
        timestamp: stamp,
        nonce: chance(0.2) ? shortened(damaged(Buffer.from(nonce))) : nonce,
        ciphertext,
      }),
      contentType: XML,
      body: Buffer.from(envelope(ciphertext, corpId)),
    }
  }

  // ---- With the key -------------------------------------------------------------------------------------------------

  function byKeyOwner(): Mutant {
    const message = messageOf()
    const forms: readonly (readonly [string, () => Buffer])[] = [
      ['bytes of the message', () => framed(damaged(Buffer.from(message)))],
      ['structure of the message', () => framed(Buffer.from(restructured(message)))],
      ['other values', () => framed(Buffer.from(revalued(message)))],
      ['nothing at all', () => framed(Buffer.from(message))],
      ['another frame', () => framed(Buffer.from(message), { length: pick(LENGTHS) })],
      ['another receiver', () => framed(Buffer.from(message), { receiver: damaged(Buffer.from(corpId)) })],
      ['another padding', () => padded(Buffer.from(message), { pad: below(256), isUneven: chance(0.5) })],
      [
        'a JSON message',
        () => framed(damaged(Buffer.from(JSON.stringify({ ToUserName: corpId, Event: 'change_contact' })))),
      ],
      ['random bytes', () => framed(bytes(below(300)))],
    ]
    const [what, make] = pick(forms)
    const ciphertext = encrypted(make())
    const timestamp = String(Math.floor(now() / 1000))
    return {
      knows: 'key',
      what,
      method: 'POST',
      query: queryOf({ timestamp, nonce: String(below(1e9)), ciphertext }),
      contentType: XML,
      body: Buffer.from(envelope(ciphertext, corpId)),
    }
  }

  function messageOf(): string {
    const seconds = Math.floor(now() / 1000)
    const id = pick(departmentIds)
    const UserID = pick(userids)
    const makers = [
      () => contactEvent(corpId, 'delete_user', { UserID }, seconds),
      () => contactEvent(corpId, 'update_user', { UserID, Department: `${id},1` }, seconds),
      () => contactEvent(corpId, 'update_user', { UserID, NewUserID: pick(userids) }, seconds),
      () => contactEvent(corpId, 'create_user', { UserID, Name: '张三' }, seconds),
      () => contactEvent(corpId, 'delete_party', { Id: id }, seconds),
      () => contactEvent(corpId, 'update_party', { Id: id, Name: '部门', ParentId: 1 }, seconds),
      () => contactEvent(corpId, 'update_tag', { TagId: 1, AddUserItems: UserID }, seconds),
    ]
    return pick(makers)()
  }

  /** Still a document as a rule, and an unusual one. */
  function restructured(message: string): string {
    const [, open = '<xml>', inside = '', close = '</xml>'] = /^(<xml>)(.*)(<\/xml>)$/s.exec(message) ?? []
    const elements = inside.match(/<(\w+)>.*?<\/\1>/gs) ?? []
    const one = pick(elements) ?? ''
    const depth = 1 + below(3_000)
    const forms: readonly (() => string)[] = [
      () => open + inside + one + close,
      () => open + elements.toReversed().join('') + close,
      () => open + inside.replace(one, '') + close,
      () => open + inside.replace(one, one.replace(/>[^]*<\//, `>${pick(VALUES)}</`)) + close,
      () => open + inside.replace(one, one.replace(/>[^]*<\//, `><![CDATA[${pick(VALUES)}]]></`)) + close,
      () => open + inside + '<a>'.repeat(depth) + '</a>'.repeat(depth) + close,
      () => open + inside + '<a>'.repeat(depth) + close,
      () => `${open}${inside}<ExtAttr>${'<Item><Name>a</Name></Item>'.repeat(depth)}</ExtAttr>${close}`,
      () => `<xml ${Array.from({ length: 1 + below(500) }, (_, index) => `a${index}="1"`).join(' ')}>${inside}${close}`,
      () =>
        `<!DOCTYPE xml [<!ENTITY a "${'b'.repeat(below(1_000))}">]>${open}${inside.replace(one, '<b>&a;</b>')}${close}`,
      () => `<?xml version="1.0" encoding="${pick(['utf-8', 'utf-16', 'gbk', 'x'])}"?>${message}`,
      () => `${open}${inside}${'&#x41;'.repeat(below(2_000))}${close}`,
      () => `${open}<!-- ${'-'.repeat(below(2_000))} -->${inside}${close}`,
      () => message + message,
      () => open.replace('xml', 'x:xml xmlns:x="urn:x"') + inside + close.replace('xml', 'x:xml'),
      () => message.replaceAll('UserID', pick(['__proto__', 'constructor', 'toString', 'userid', 'UserID '])),
    ]
    return pick(forms)()
  }

  /** Well-formed, about anything. */
  function revalued(message: string): string {
    return message.replace(
      /(<(?:UserID|NewUserID|Id|Department|CreateTime|TagId|ChangeType)>)[^]*?(<\/)/g,
      (whole, open, close) => (chance(0.4) ? `${open}<![CDATA[${pick(VALUES)}]]>${close}` : whole),
    )
  }

  // ---- Frames -------------------------------------------------------------------------------------------------------

  /** wecom-api.md §4.2: 16 random bytes, the length, the message, the receiver, and the filling. */
  function framed(
    message: Buffer,
    { length, receiver = Buffer.from(corpId) }: { length?: number; receiver?: Buffer } = {},
  ): Buffer {
    const plain = unpadded(message, receiver, length)
    const pad = FRAME_BLOCK - (plain.length % FRAME_BLOCK)
    return Buffer.concat([plain, Buffer.alloc(pad, pad)])
  }

  function padded(message: Buffer, { pad, isUneven }: { pad: number; isUneven: boolean }): Buffer {
    const plain = unpadded(message, Buffer.from(corpId))
    const count = 16 - (plain.length % 16)
    const filling = Buffer.alloc(count, pad)
    if (isUneven) filling[below(count)] = below(256)
    return Buffer.concat([plain, filling])
  }

  function unpadded(message: Buffer, receiver: Buffer, length = message.length): Buffer {
    const header = Buffer.alloc(4)
    header.writeUInt32BE(length)
    return Buffer.concat([bytes(16), header, message, receiver])
  }

  // ---- Damage -------------------------------------------------------------------------------------------------------

  function damaged(whole: Buffer): Buffer {
    let now = whole
    for (let left = 1 + below(MOST_DAMAGES); left > 0; left--) now = damagedOnce(now)
    return now
  }

  function damagedOnce(whole: Buffer): Buffer {
    const at = below(whole.length + 1)
    const length = below(Math.min(64, whole.length - at) + 1)
    const piece = whole.subarray(at, at + length)
    const replaced = (remove: number, insert: Buffer) =>
      Buffer.concat([whole.subarray(0, at), insert, whole.subarray(at + remove)])
    const damages: readonly (() => Buffer)[] = [
      () => flipped(whole),
      () => replaced(length, Buffer.alloc(0)),
      () => replaced(0, bytes(1 + below(8))),
      () => replaced(length, bytes(length)),
      () => replaced(0, piece),
      () => replaced(0, Buffer.concat(Array.from({ length: below(200) }, () => piece))),
      () => replaced(0, Buffer.from(pick(DICTIONARY))),
      () => replaced(length, Buffer.from(pick(DICTIONARY))),
      () => whole.subarray(0, at),
      () => whole.subarray(at),
    ]
    return pick(damages)()
  }

  function flipped(whole: Buffer): Buffer {
    const copy = Buffer.from(whole)
    if (copy.length > 0) copy[below(copy.length)]! ^= 1 << below(8)
    return copy
  }
}

/** What is longer ends in the parser of HTTP, which has 16 kB for all headers, and never reaches us. */
const LONGEST_QUERY = 6_000
const LONGEST_VALUE = 800

const TYPES = [
  null,
  '',
  'text/xml; charset=gbk',
  'application/json',
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/octet-stream',
  'text/xml; charset="',
  ';;;',
]

/** Of the length field of a frame. */
const LENGTHS = [0, 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 100_000, 16]

/** In place of an id, a time, a name. */
const VALUES = [
  '',
  ' ',
  '0',
  '-1',
  '1e3',
  '0x10',
  '１２',
  '9007199254740993',
  '99999999999999999999999999',
  'NaN',
  '\u0000',
  '\u202e',
  '../../etc/passwd',
  "'; drop table users; --",
  '&lt;',
  '&#0;',
  '&#x110000;',
  ']]>',
  'a'.repeat(10_000),
  '企'.repeat(3_000),
]

const DICTIONARY = [
  '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
  '&e;',
  '&#x0;',
  '&amp;'.repeat(500),
  '<![CDATA[',
  ']]>',
  '<?xml version="1.0"?>',
  '<?php ?>',
  '<!--',
  '-->',
  '<Encrypt>',
  '</Encrypt>',
  '<Encrypt><![CDATA[x]]></Encrypt>',
  '<a>'.repeat(2_000),
  '</xml>',
  '{"encrypt":',
  '[[[['.repeat(500),
  '"__proto__":',
  '\u0000',
  '\ufeff',
  '\ud800',
  '&msg_signature=',
  '&timestamp[]=1',
  '&nonce=1&nonce=2',
  '%00',
  '%zz',
  '%',
]

function queryOf({ timestamp, nonce, ciphertext }: Genuine): string {
  const signature = signCallback(TOKEN, { timestamp, nonce, ciphertext })
  return `?${new URLSearchParams({ msg_signature: signature, timestamp, nonce }).toString()}`
}

function shortened(text: Buffer): string {
  return text.toString('latin1').slice(0, LONGEST_VALUE)
}

/** Whole blocks only; the frame says what is in them. */
function encrypted(plain: Buffer): string {
  const key = Buffer.from(`${AES_KEY}=`, 'base64')
  const cipher = createCipheriv('aes-256-cbc', key, key.subarray(0, 16)).setAutoPadding(false)
  return Buffer.concat([cipher.update(plain.subarray(0, plain.length - (plain.length % 16))), cipher.final()]).toString(
    'base64',
  )
}
