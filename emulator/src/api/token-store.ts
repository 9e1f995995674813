/**
 * Tokens of any kind: who holds which, and how each ends. One current token per holder. What an ended token is answered with
 * depends on its kind, so the numbers come from outside (tokens.ts for apps, providers.ts for suites and providers).
 */

import { ApiError } from '../errors.ts'
import type { Random } from '../random.ts'

export type TokenEnd = 'invalid' | 'expired'

export interface StoredToken<H> {
  readonly value: string
  readonly holder: H
  expiresAtMs: number
  /** Set when it was made invalid before its time: what its bearer is told. */
  death?: TokenEnd
}

export interface TokenStore<H> {
  /** The valid token of the holder, or a new one when there is none or `rotate` is asked for. */
  issue(holder: H, options: { rotate: boolean }): StoredToken<H>
  /** Throws the number for invalid (unknown, or expired long ago) or for expired. */
  resolve(value: string): StoredToken<H>
  /** Whose token it is or was, dead ones included. Checks nothing. */
  holderOf(value: string): H | undefined
  /** Ends this one token. */
  kill(value: string, as: TokenEnd): void
  /** Ends the tokens of every holder that is concerned. Returns how many were alive. */
  revoke(isConcerned: (holder: H) => boolean, as: TokenEnd): number
}

const lifetimeMs = 7_200_000
/** How long an expired token is remembered as expired before it is simply unknown. Our number. */
const expiredMemoryMs = 3_600_000
/** Rotation must not fill the memory: beyond this the oldest tokens are forgotten. */
const tokensMax = 100_000

export function createTokenStore<H>(given: {
  random: Random
  now: () => number
  errors: Readonly<Record<TokenEnd, number>>
  /** What makes two holders the same one. */
  keyOf: (holder: H) => object
}): TokenStore<H> {
  const { random, now, errors, keyOf } = given
  const tokens = new Map<string, StoredToken<H>>()
  const current = new Map<object, StoredToken<H>>()

  return {
    issue(holder, { rotate }) {
      const existing = current.get(keyOf(holder))
      if (existing && isAlive(existing) && !rotate) return existing
      const token = { value: random.hex(128), holder, expiresAtMs: now() + lifetimeMs }
      tokens.set(token.value, token)
      current.set(keyOf(holder), token)
      for (const oldest of tokens.keys()) {
        if (tokens.size <= tokensMax) break
        tokens.delete(oldest)
      }
      return token
    },
    resolve(value) {
      const token = tokens.get(value)
      if (!token || token.death === 'invalid') throw new ApiError(errors.invalid)
      if (token.death === 'expired') throw new ApiError(errors.expired)
      if (now() >= token.expiresAtMs + expiredMemoryMs) {
        tokens.delete(value)
        throw new ApiError(errors.invalid)
      }
      if (now() >= token.expiresAtMs) throw new ApiError(errors.expired)
      return token
    },
    holderOf: (value) => tokens.get(value)?.holder,
    kill(value, as) {
      const token = tokens.get(value)
      if (token) token.death = as
    },
    revoke(isConcerned, as) {
      let revoked = 0
      for (const token of tokens.values()) {
        if (!isAlive(token) || !isConcerned(token.holder)) continue
        token.death = as
        revoked++
      }
      return revoked
    },
  }

  function isAlive(token: StoredToken<H>): boolean {
    return token.death === undefined && now() < token.expiresAtMs
  }
}
