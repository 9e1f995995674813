/**
 * Signing and encryption of WeCom callbacks (pages 90968, 91144). Written on node:crypto because the official npm package
 * compares signatures in variable time, accepts any padding and leaves the receiver unchecked. No I/O, no XML.
 */

import { createCipheriv, createDecipheriv, createHash, randomBytes, timingSafeEqual } from 'node:crypto'

import { invalidArgument, rejectedCallback } from './errors.ts'

export type CallbackSettings = {
  /** The Token of the console; must not be empty. */
  token: string
  /** 43 letters and digits. */
  encodingAesKey: string
  /**
   * Who the message must be for: the corp id; the suite id on suite commands. Several where the documentation leaves it
   * open (URL check of a suite); `''` only for suites of personal developers. Or a question about the one that was found,
   * for whoever has more of them than can be listed; nothing can be sealed then.
   */
  receiveIds: readonly string[] | ((receiveId: string) => boolean)
}

/** The four values of a request, already URL-decoded. */
export type SignedCiphertext = { signature: string; timestamp: string; nonce: string; ciphertext: string }

export type CallbackCrypto = {
  /** Whether the signature was made with our Token over exactly these values. Constant time. */
  isSigned(request: SignedCiphertext): boolean
  /** Verifies, then decrypts and checks the receiver. Throws WECOM_CALLBACK_REJECTED, the same for every reason. */
  open(request: SignedCiphertext): { message: string; receiveId: string }
  /** Encrypts and signs a reply for the first receiver. `timestamp` in Unix seconds, `nonce` any text. */
  seal(message: string, stamp: { timestamp: string; nonce: string; random?: Buffer }): SignedCiphertext
}

const RANDOM_BYTES = 16
const LENGTH_BYTES = 4
const AES_BLOCK = 16

/** PKCS#7 to 32 bytes, not AES's 16: Node's own unpadder rejects every second message. */
const PADDING_BLOCK = 32

export function createCallbackCrypto({ token, encodingAesKey, receiveIds }: CallbackSettings): CallbackCrypto {
  const key = decodeAesKey(encodingAesKey)
  const isReceiver =
    typeof receiveIds === 'function' ? receiveIds : (receiveId: string) => receiveIds.includes(receiveId)
  const receiver = typeof receiveIds === 'function' ? undefined : receiveIds[0]
  if (token === '' || (typeof receiveIds !== 'function' && receiver === undefined))
    throw invalidArgument('callback', 'the Token or the receiver is not set')

  const isSigned = (request: SignedCiphertext) => {
    const { signature, timestamp, nonce, ciphertext } = request
    // Query parsers make lists of repeated parameters and nothing of missing ones, whatever the type says.
    if (![signature, timestamp, nonce, ciphertext].every((value) => typeof value === 'string')) return false
    const expected = Buffer.from(signCallback(token, request))
    const given = Buffer.from(signature)
    return given.length === expected.length && timingSafeEqual(given, expected)
  }

  return {
    isSigned,

    open(request) {
      if (!isSigned(request)) throw rejectedCallback('the signature does not match')
      const plain = decryptPadded(toCiphertext(request.ciphertext), key)
      if (plain === undefined) throw rejectedCallback('it was encrypted with another key')
      const { message, receiveId } = unframe(plain)
      if (!isReceiver(receiveId)) throw rejectedCallback('it is for another receiver')
      return { message, receiveId }
    },

    seal(message, { timestamp, nonce, random = randomBytes(RANDOM_BYTES) }) {
      if (receiver === undefined) throw invalidArgument('callback', 'there is no receiver to seal it for')
      const body = Buffer.from(message)
      const length = Buffer.alloc(LENGTH_BYTES)
      length.writeUInt32BE(body.length)
      const plain = Buffer.concat([random, length, body, Buffer.from(receiver)])
      const ciphertext = encryptPadded(plain, key).toString('base64')
      const signature = signCallback(token, { timestamp, nonce, ciphertext })
      return { signature, timestamp, nonce, ciphertext }
    },
  }
}

/** Lower-case hexadecimal SHA-1 of the four texts in byte order. A space can only be a `+` that a form decoder broke. */
export function signCallback(
  token: string,
  { timestamp, nonce, ciphertext }: { timestamp: string; nonce: string; ciphertext: string },
): string {
  const parts = [token, timestamp, nonce, restorePlus(ciphertext)].map((part) => Buffer.from(part))
  return createHash('sha1')
    .update(Buffer.concat(parts.sort((a, b) => Buffer.compare(a, b))))
    .digest('hex')
}

/** The 32 bytes behind an EncodingAESKey. Its last character may carry loose bits, which strict decoders refuse. */
export function decodeAesKey(encodingAesKey: string): Buffer {
  if (!/^[A-Za-z0-9+/]{43}$/.test(encodingAesKey)) {
    throw invalidArgument('callback', 'the EncodingAESKey is not 43 letters and digits')
  }
  return Buffer.from(`${encodingAesKey}=`, 'base64')
}

/**
 * AES-256-CBC with the start of the key as IV and 1 to 32 bytes of padding; also the form of export files (page 94850).
 * Undefined when the padding shows that key and ciphertext do not belong together.
 */
export function decryptPadded(ciphertext: Buffer, key: Buffer): Buffer | undefined {
  if (ciphertext.length === 0 || ciphertext.length % AES_BLOCK !== 0) return undefined
  const decipher = createDecipheriv('aes-256-cbc', key, key.subarray(0, AES_BLOCK)).setAutoPadding(false)
  const padded = Buffer.concat([decipher.update(ciphertext), decipher.final()])
  const count = padded.at(-1) ?? 0
  const isPadding = count >= 1 && count <= PADDING_BLOCK && count <= padded.length
  if (!isPadding || !padded.subarray(-count).every((byte) => byte === count)) return undefined
  return padded.subarray(0, -count)
}

export function encryptPadded(plain: Buffer, key: Buffer): Buffer {
  const count = PADDING_BLOCK - (plain.length % PADDING_BLOCK)
  const cipher = createCipheriv('aes-256-cbc', key, key.subarray(0, AES_BLOCK)).setAutoPadding(false)
  return Buffer.concat([cipher.update(plain), cipher.update(Buffer.alloc(count, count)), cipher.final()])
}

/** 16 random bytes, the length of the message, the message, the receiver. */
function unframe(plain: Buffer): { message: string; receiveId: string } {
  const start = RANDOM_BYTES + LENGTH_BYTES
  if (plain.length < start) throw rejectedCallback('the message is too short')
  const end = start + plain.readUInt32BE(RANDOM_BYTES)
  if (end > plain.length) throw rejectedCallback('the message is cut off')
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  try {
    return { message: utf8.decode(plain.subarray(start, end)), receiveId: utf8.decode(plain.subarray(end)) }
  } catch {
    throw rejectedCallback('the message is not UTF-8')
  }
}

function toCiphertext(base64: string): Buffer {
  const text = restorePlus(base64)
  // Node's decoder skips what it does not know; a signed text with such characters does not come from WeCom.
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text) || text.length % 4 !== 0)
    throw rejectedCallback('the ciphertext is not base64')
  return Buffer.from(text, 'base64')
}

function restorePlus(base64: string): string {
  return base64.replaceAll(' ', '+')
}
