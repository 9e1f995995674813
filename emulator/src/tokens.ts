/** Access tokens: who holds which, and how each ends. One current token per app (page 91039: isolation per company and app). */

import type { App } from './apps.ts'
import type { Company } from './company.ts'
import { ApiError } from './errors.ts'
import type { Random } from './random.ts'

export interface Token {
  readonly value: string
  readonly company: Company
  readonly app: App
  expiresAtMs: number
  /** Set when it was made invalid before its time, with the error that its bearer gets. */
  death?: 40014 | 42001
}

export interface Tokens {
  /** The valid token of the app, or a new one when there is none or `rotate` is asked for. */
  issue(company: Company, app: App, options: { rotate: boolean }): Token
  /** Throws 40014 (unknown, or expired long ago) or 42001 (expired). */
  resolve(value: string): Token
  /** Whose token it is or was, dead ones included. Checks nothing. */
  holderOf(value: string): Token | undefined
  /** Ends this one token. */
  kill(value: string, as: 40014 | 42001): void
  /** Ends the tokens of one app, of one company, or all. Returns how many were alive. */
  revoke(which: { company?: Company; app?: App }, as: 40014 | 42001): number
}

const lifetimeMs = 7_200_000
/** How long an expired token is remembered as expired (42001) before it is simply unknown (40014). Our number. */
const expiredMemoryMs = 3_600_000
/** Rotation must not fill the memory: beyond this the oldest tokens are forgotten. */
const tokensMax = 100_000

export function createTokens(random: Random, now: () => number): Tokens {
  const tokens = new Map<string, Token>()
  const current = new Map<App, Token>()

  return {
    issue(company, app, { rotate }) {
      const existing = current.get(app)
      if (existing && isAlive(existing) && !rotate) return existing
      const token = { value: random.hex(128), company, app, expiresAtMs: now() + lifetimeMs }
      tokens.set(token.value, token)
      current.set(app, token)
      for (const oldest of tokens.keys()) {
        if (tokens.size <= tokensMax) break
        tokens.delete(oldest)
      }
      return token
    },
    resolve(value) {
      const token = tokens.get(value)
      if (!token || token.death === 40014) throw new ApiError(40014)
      if (token.death === 42001) throw new ApiError(42001)
      if (now() >= token.expiresAtMs + expiredMemoryMs) {
        tokens.delete(value)
        throw new ApiError(40014)
      }
      if (now() >= token.expiresAtMs) throw new ApiError(42001)
      return token
    },
    holderOf: (value) => tokens.get(value),
    kill(value, as) {
      const token = tokens.get(value)
      if (token) token.death = as
    },
    revoke(which, as) {
      let revoked = 0
      for (const token of tokens.values()) {
        if (which.company && token.company !== which.company) continue
        if (which.app && token.app !== which.app) continue
        if (!isAlive(token)) continue
        token.death = as
        revoked++
      }
      return revoked
    },
  }

  function isAlive(token: Token): boolean {
    return token.death === undefined && now() < token.expiresAtMs
  }
}
