/**
 * WeCom's callback cryptography (page 91144): signature, envelope, AES-256-CBC with PKCS#7 in blocks of 32. Exports use the
 * AES part alone. Deliberately shares nothing with any client, so that a mistake in one cannot hide in the other.
 */

import { createCipheriv, createDecipheriv, createHash } from 'node:crypto'

/** Not AES's 16: an ordinary unpadder rejects about half of all valid messages. */
const blockBytes = 32

/** The 32 bytes behind an EncodingAESKey of 43 characters. Lenient about non-zero trailing bits, as real keys have them. */
export function decodeAesKey(encodingAesKey: string): Buffer {
  if (!/^[A-Za-z0-9+/]{43}$/.test(encodingAesKey)) throw new Error('an EncodingAESKey has 43 base64 characters')
  return Buffer.from(`${encodingAesKey}=`, 'base64')
}

/** AES-256-CBC; the IV is the first half of the key. */
export function encryptBytes(key: Buffer, plain: Buffer): Buffer {
  return encryptPadded(key, Buffer.concat([plain, padding(plain)]))
}

/** The 1 to 32 bytes that belong behind it. */
export function padding(plain: Buffer): Buffer {
  const length = blockBytes - (plain.length % blockBytes)
  return Buffer.alloc(length, length)
}

/** For bytes that carry their padding already, right or wrong: a multiple of 16. */
export function encryptPadded(key: Buffer, padded: Buffer): Buffer {
  const cipher = createCipheriv('aes-256-cbc', key, key.subarray(0, 16)).setAutoPadding(false)
  return Buffer.concat([cipher.update(padded), cipher.final()])
}

/** Throws when the padding is not PKCS#7 of 1 to 32 equal bytes. */
export function decryptBytes(key: Buffer, sealed: Buffer): Buffer {
  const decipher = createDecipheriv('aes-256-cbc', key, key.subarray(0, 16)).setAutoPadding(false)
  const padded = Buffer.concat([decipher.update(sealed), decipher.final()])
  const padding = padded.at(-1) ?? 0
  const end = padded.length - padding
  const isSound =
    padding >= 1 && padding <= blockBytes && end >= 0 && padded.subarray(end).every((byte) => byte === padding)
  if (!isSound) throw new Error('bad padding')
  return padded.subarray(0, end)
}

export interface CallbackMessage {
  message: string
  /** CorpId or SuiteId, whoever the callback is for. */
  receiveId: string
}

/** `random` are the 16 bytes in front. Returns base64. */
export function encryptMessage(
  encodingAesKey: string,
  { message, receiveId }: CallbackMessage,
  random: Buffer,
): string {
  if (random.length !== 16) throw new Error('exactly 16 random bytes go in front')
  return encryptBytes(decodeAesKey(encodingAesKey), frame(random, Buffer.from(message), receiveId)).toString('base64')
}

export function decryptMessage(encodingAesKey: string, encrypted: string): CallbackMessage & { random: Buffer } {
  const plain = decryptBytes(decodeAesKey(encodingAesKey), Buffer.from(encrypted, 'base64'))
  if (plain.length < 20) throw new Error('too short for a callback message')
  const end = 20 + plain.readUInt32BE(16)
  if (end > plain.length) throw new Error('the message claims to be longer than it is')
  return {
    random: plain.subarray(0, 16),
    message: plain.toString('utf8', 20, end),
    receiveId: plain.toString('utf8', end),
  }
}

/** 16 random bytes, the length of the message in 4 bytes, the message, the receiver. */
export function frame(random: Buffer, message: Buffer, receiveId: string): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(message.length)
  return Buffer.concat([random, length, message, Buffer.from(receiveId)])
}

/** Lower-case hexadecimal SHA-1 of the four strings in byte order. */
export function sign(parts: { token: string; timestamp: string; nonce: string; encrypted: string }): string {
  const sorted = [parts.token, parts.timestamp, parts.nonce, parts.encrypted]
    .map((part) => Buffer.from(part))
    .sort((a, b) => Buffer.compare(a, b))
  return createHash('sha1').update(Buffer.concat(sorted)).digest('hex')
}
