/**
 * Passwords as PHC strings: Argon2id with 19 MiB, two passes, one lane, the least that OWASP's cheat sheet asks for.
 * Slow on purpose, off the event loop, and only so many at once; never call it inside a transaction. What may be set is
 * contracts/src/passwords.ts, who may guess how often is guesses.ts.
 */
import { argon2, timingSafeEqual, type Argon2Parameters } from 'node:crypto'
import { AppError } from '../errors.ts'

const MEMORY_KIB = 19 * 1024
const PASSES = 2
const LANES = 1
const SALT_BYTES = 16
const HASH_BYTES = 32

/** Both threads of a small machine at the most; the other threads of the pool are left to the file system. */
const MOST_AT_ONCE = 2
/** About two seconds of waiting. Whoever comes later is told to come again, instead of everybody waiting for ever. */
const MOST_WAITING = 100

/** @throws AppError `passwords/busy` */
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
  return `${CURRENT}${unpadded(salt)}$${unpadded(hash)}`
}

const CURRENT = `$argon2id$v=19$m=${MEMORY_KIB},t=${PASSES},p=${LANES}$`
const PHC = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/

/**
 * Reads the cost from the stored text, so that it can be raised for new passwords without breaking old ones.
 * @throws AppError `passwords/busy`
 */
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

/** Whether a hash was made with another cost than new ones, and should be made again when the password is known. */
export function isOutdated(stored: string): boolean {
  return !stored.startsWith(CURRENT)
}

/** What nobody's password is checked against, so that a user who is not there takes as long as one who is. */
export const NOBODYS_HASH = `${CURRENT}${unpadded(new Uint8Array(SALT_BYTES))}$${unpadded(new Uint8Array(HASH_BYTES))}`

/** One form for one password: keyboards and systems differ in how they compose the same character (RFC 8265 §4.2). */
function messageOf(password: string): Buffer {
  return Buffer.from(password.normalize('NFC'), 'utf8')
}

let running = 0
const waiting: (() => void)[] = []

/** The threads are the process's, so this bound is, too. */
async function derive(parameters: Argon2Parameters): Promise<Buffer> {
  if (running < MOST_AT_ONCE) running++
  else if (waiting.length < MOST_WAITING) await new Promise<void>((resolve) => waiting.push(resolve))
  else throw new AppError('passwords/busy')
  try {
    return await new Promise((resolve, reject) => {
      argon2('argon2id', parameters, (error, hash) => (error === null ? resolve(hash) : reject(error)))
    })
  } finally {
    const next = waiting.shift()
    if (next === undefined) running--
    else next() // takes over the place
  }
}

function unpadded(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replace(/=+$/, '')
}
