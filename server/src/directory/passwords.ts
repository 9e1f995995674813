/**
 * Passwords as PHC strings: Argon2id with 19 MiB, two passes, one lane, the least that OWASP's cheat sheet asks for.
 * Slow on purpose and off the event loop; never call it inside a transaction.
 */
import { argon2, timingSafeEqual, type Argon2Parameters } from 'node:crypto'

const MEMORY_KIB = 19 * 1024
const PASSES = 2
const LANES = 1
const SALT_BYTES = 16
const HASH_BYTES = 32

export async function hashPassword(password: string): Promise<string> {
  const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES))
  const hash = await derive({
    message: messageOf(password),
    nonce: salt,
    parallelism: LANES,
    tagLength: HASH_BYTES,
    memory: MEMORY_KIB,
    passes: PASSES,
  })
  return `$argon2id$v=19$m=${MEMORY_KIB},t=${PASSES},p=${LANES}$${unpadded(salt)}$${unpadded(hash)}`
}

const PHC = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/

/** Reads the cost from the stored text, so that it can be raised for new passwords without breaking old ones. */
export async function verifyPassword(password: string, stored: string): Promise<boolean> {
  const parts = PHC.exec(stored)
  // Not `false`: nobody could sign in and nothing would say why.
  if (parts === null) throw new Error('a stored password hash is not an Argon2id PHC string')
  const [memory, passes, parallelism] = parts.slice(1, 4).map(Number) as [number, number, number]
  const expected = Buffer.from(parts[5]!, 'base64')
  const hash = await derive({
    message: messageOf(password),
    nonce: Buffer.from(parts[4]!, 'base64'),
    parallelism,
    tagLength: expected.length,
    memory,
    passes,
  })
  return timingSafeEqual(hash, expected)
}

/** One form for one password: keyboards and systems differ in how they compose the same character (RFC 8265 §4.2). */
function messageOf(password: string): Buffer {
  return Buffer.from(password.normalize('NFC'), 'utf8')
}

function derive(parameters: Argon2Parameters): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    argon2('argon2id', parameters, (error, hash) => (error === null ? resolve(hash) : reject(error)))
  })
}

function unpadded(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replace(/=+$/, '')
}
