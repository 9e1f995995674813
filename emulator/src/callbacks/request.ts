/**
 * The signed and encrypted HTTP request of one callback (wecom-api.md §4.1, §4.2), and every way a test may ask for it to be
 * wrong. Pure: chance and time come in. Sent by sender.ts.
 */

import { decodeAesKey, encryptBytes, encryptPadded, frame, padding, sign } from '../crypto.ts'
import type { Random } from '../random.ts'

/** Whose callback address it is, and with which keys. */
export interface Receiver {
  url: string
  /** Letters and digits, at most 32. */
  token: string
  /** 43 characters. */
  encodingAesKey: string
  /** CorpId or SuiteId: what stands encrypted behind the message. */
  receiveId: string
}

export type Envelope = 'xml' | 'json'

export interface Letter extends Receiver {
  /** In the envelope, readable by everybody: CorpId or SuiteId. */
  toUserName: string
  /** Null leaves the element empty, as on command callbacks and for the contacts-sync assistant. */
  agentId: number | null
  /** What is encrypted: XML, whatever the envelope. */
  message: string
  /** `xml` by default. */
  envelope?: Envelope
}

/**
 * Deviations from an honest request. What comes before the signature is signed as it is then, so each case is wrong in one
 * way only; `signature`, `shiftDigits`, `query` and `body` come after it.
 */
export interface Tampering {
  /** Sign with this token, or encrypt with this key, in place of the receiver's. */
  token?: string
  encodingAesKey?: string
  receiveId?: string
  toUserName?: string
  /** Added to the time of sending. */
  timestampShiftSeconds?: number
  /** In place of the time of sending: any text. */
  timestamp?: string
  nonce?: string
  /** What the message claims its length to be: any 32 bits. */
  claimedLength?: number
  /** Every byte of the padding becomes this one. */
  padByte?: number
  /** All bytes of the padding but the last differ from it. */
  unevenPadding?: boolean
  /** The bit of the ciphertext to flip. */
  flipBit?: number
  /** In place of the ciphertext: any text. */
  encrypted?: string

  signature?: 'wrong' | 'upper-case' | 'missing' | 'empty' | 'twice'
  /**
   * So many digits move from the nonce to the timestamp, which the signature does not notice: it joins them all. Needs a token
   * that does not begin with a digit. 0 makes a request that can be replayed with digits shifted.
   */
  shiftDigits?: number
  /** In place of the query, without the question mark. */
  query?: string
  /** In place of the body. */
  body?: string
  /** White space behind the body, up to so many bytes. */
  bodyBytes?: number
  /** Null sends none. */
  contentType?: string | null
  /** How fast the body arrives; at once by default. */
  bytesPerSecond?: number
}

/** What goes over the wire. */
export interface CallbackRequest {
  query: string
  body: string
  contentType: string | null
  bytesPerSecond?: number
}

/** `seconds`: when it is sent, by the clock that the receiver believes. */
export function writeRequest(
  letter: Letter,
  tampering: Tampering,
  { random, seconds }: { random: Random; seconds: number },
): CallbackRequest {
  const token = tampering.token ?? letter.token
  const timestamp = tampering.timestamp ?? String(seconds + (tampering.timestampShiftSeconds ?? 0))
  const draft = { token, timestamp, nonce: tampering.nonce ?? nonceOf(random) }
  // Shifting digits works when the nonce follows the timestamp directly in byte order, so the nonce begins with a 9 then and
  // the ciphertext with neither.
  if (tampering.shiftDigits !== undefined) draft.nonce = `9${draft.nonce.slice(1).replace(/[01]/g, '7')}`
  let encrypted = tampering.encrypted
  while (encrypted === undefined || mustBeginWithLetter(tampering, encrypted)) {
    encrypted = encrypt(letter, tampering, random)
  }

  const signed = { ...draft, encrypted }
  const query = tampering.query ?? queryOf(signed, tampering)
  const body = tampering.body ?? envelopeOf(letter, encrypted, tampering, random)
  const missing = Math.max(0, (tampering.bodyBytes ?? 0) - Buffer.byteLength(body))
  const usual = letter.envelope === 'json' ? 'application/json; charset=utf-8' : 'text/xml; charset=utf-8'
  return {
    query,
    body: missing === 0 ? body : body + ' '.repeat(missing),
    contentType: tampering.contentType === undefined ? usual : tampering.contentType,
    ...(tampering.bytesPerSecond === undefined ? {} : { bytesPerSecond: tampering.bytesPerSecond }),
  }
}

function mustBeginWithLetter({ shiftDigits, encrypted: given }: Tampering, encrypted: string): boolean {
  return shiftDigits !== undefined && given === undefined && /^[^A-Za-z]/.test(encrypted)
}

/** The query of a URL verification, and what has to come back: a number in digits, as WeCom sends. */
export function writeVerification(
  receiver: Receiver,
  { random, seconds }: { random: Random; seconds: number },
): { query: string; echo: string } {
  let echo = String(1 + random.integer(9))
  while (echo.length < 19) echo += String(random.integer(10))
  const encrypted = encrypt({ ...receiver, message: echo }, {}, random)
  const timestamp = String(seconds)
  const nonce = nonceOf(random)
  const signature = sign({ token: receiver.token, timestamp, nonce, encrypted })
  const pairs = { msg_signature: signature, timestamp, nonce, echostr: encrypted }
  const query = Object.entries(pairs).map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
  return { query: query.join('&'), echo }
}

/** The query with so many digits moved from the nonce to the timestamp: the same signature, if the nonce follows in byte order. */
export function shiftNonce(sent: CallbackRequest, digits: number): CallbackRequest {
  const query = new URLSearchParams(sent.query)
  const [timestamp, nonce] = [query.get('timestamp') ?? '', query.get('nonce') ?? '']
  query.set('timestamp', timestamp + nonce.slice(0, digits))
  query.set('nonce', nonce.slice(digits))
  return { ...sent, query: query.toString() }
}

/** Nine or ten digits, as in the samples. */
function nonceOf(random: Random): string {
  return String(200_000_000 + random.integer(1_900_000_000))
}

function encrypt(letter: Receiver & { message: string }, tampering: Tampering, random: Random): string {
  const key = decodeAesKey(tampering.encodingAesKey ?? letter.encodingAesKey)
  const front = Buffer.from(random.hex(32), 'hex')
  const plain = frame(front, Buffer.from(letter.message), tampering.receiveId ?? letter.receiveId)
  if (tampering.claimedLength !== undefined) plain.writeUInt32BE(tampering.claimedLength >>> 0, 16)
  const sealed = encryptOddly(key, plain, tampering)
  if (tampering.flipBit !== undefined) {
    const index = Math.floor(tampering.flipBit / 8) % sealed.length
    sealed[index] = (sealed[index] ?? 0) ^ (1 << (tampering.flipBit % 8))
  }
  return sealed.toString('base64')
}

function encryptOddly(key: Buffer, plain: Buffer, { padByte, unevenPadding }: Tampering): Buffer {
  if (padByte === undefined && unevenPadding === undefined) return encryptBytes(key, plain)
  const pad = padding(plain)
  if (padByte !== undefined) pad.fill(padByte)
  if (unevenPadding) pad.fill(((pad.at(-1) ?? 0) + 1) % 256, 0, pad.length - 1)
  return encryptPadded(key, Buffer.concat([plain, pad]))
}

function queryOf(
  signed: { token: string; timestamp: string; nonce: string; encrypted: string },
  { signature, shiftDigits = 0 }: Tampering,
): string {
  const honest = sign(signed)
  const timestamp = signed.timestamp + signed.nonce.slice(0, shiftDigits)
  const nonce = signed.nonce.slice(shiftDigits)
  const rest = `timestamp=${encodeURIComponent(timestamp)}&nonce=${encodeURIComponent(nonce)}`
  switch (signature) {
    case undefined:
      return `msg_signature=${honest}&${rest}`
    case 'wrong':
      // The last digit alone, so that a comparison which stops early is found out.
      return `msg_signature=${honest.slice(0, -1)}${honest.endsWith('0') ? '1' : '0'}&${rest}`
    case 'upper-case':
      return `msg_signature=${honest.toUpperCase()}&${rest}`
    case 'missing':
      return rest
    case 'empty':
      return `msg_signature=&${rest}`
    case 'twice':
      return `msg_signature=${honest}&msg_signature=${honest}&${rest}`
    default:
      return unreachable(signature)
  }
}

/** The order of the elements varies on the wire, so it varies here. */
function envelopeOf(letter: Letter, encrypted: string, tampering: Tampering, random: Random): string {
  const toUserName = tampering.toUserName ?? letter.toUserName
  const agentId = letter.agentId === null ? '' : String(letter.agentId)
  if (letter.envelope === 'json')
    return JSON.stringify({ tousername: toUserName, encrypt: encrypted, agentid: agentId })
  const elements = [
    `<ToUserName>${cdata(toUserName)}</ToUserName>`,
    `<AgentID>${cdata(agentId)}</AgentID>`,
    `<Encrypt>${cdata(encrypted)}</Encrypt>`,
  ]
  if (random.chance(0.5)) elements.reverse()
  return `<xml>${elements.join('')}</xml>`
}

/** Any text as the content of an element. What XML 1.0 cannot carry at all is left out. */
export function cdata(text: string): string {
  // oxlint-disable-next-line no-control-regex -- these are the characters that must go
  const legal = text.replace(/[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/g, '')
  return `<![CDATA[${legal.replaceAll(']]>', ']]]]><![CDATA[>')}]]>`
}

function unreachable(value: never): never {
  throw new Error(`unhandled case ${String(value)}`)
}
