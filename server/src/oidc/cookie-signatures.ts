/**
 * Signs the provider's cookies, in the place of its own signer: the same HMAC under a key that is prepared once, compared
 * without two more of them. A sign-in has some ten of these; they were a twentieth of its time.
 */
import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto'

/** What `cookies`, which the provider uses, asks of a signer. */
export interface CookieSignatures {
  sign(data: string): string
  /** The place of the key that signed it; -1 when none did. */
  index(data: string, signature: string): number
  verify(data: string, signature: string): boolean
}

export function createCookieSignatures(key: string): CookieSignatures {
  const secret = createSecretKey(key, 'utf8')
  // SHA-1 as the provider's own signer has it, so that an upgrade throws nobody out; in an HMAC it is sound.
  const sign = (data: string) => createHmac('sha1', secret).update(data).digest('base64url')

  function verify(data: string, signature: string): boolean {
    const [wanted, given] = [Buffer.from(sign(data)), Buffer.from(signature)]
    return wanted.length === given.length && timingSafeEqual(wanted, given)
  }

  return { sign, verify, index: (data, signature) => (verify(data, signature) ? 0 : -1) }
}
