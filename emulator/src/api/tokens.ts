/** Access tokens: one current token per app (page 91039: isolation per company and app). */

import type { App } from '../company/apps.ts'
import type { Company } from '../company/company.ts'
import type { Random } from '../random.ts'
import { createTokenStore } from './token-store.ts'
import type { StoredToken } from './token-store.ts'

export interface TokenHolder {
  readonly company: Company
  readonly app: App
}

export interface Tokens {
  /** The valid token of the app, or a new one when there is none or `rotate` is asked for. */
  issue(company: Company, app: App, options: { rotate: boolean }): StoredToken<TokenHolder>
  /** Throws 40014 (unknown, or expired long ago) or 42001 (expired). */
  resolve(value: string): TokenHolder
  /** Whose token it is or was, dead ones included. Checks nothing. */
  holderOf(value: string): TokenHolder | undefined
  /** Ends this one token. */
  kill(value: string, as: 40014 | 42001): void
  /** Ends the tokens of one app, of one company, or all. Returns how many were alive. */
  revoke(which: { company?: Company; app?: App }, as: 40014 | 42001): number
}

export function createTokens(random: Random, now: () => number): Tokens {
  const store = createTokenStore<TokenHolder>({
    random,
    now,
    errors: { invalid: 40014, expired: 42001 },
    keyOf: ({ app }) => app,
  })

  return {
    issue: (company, app, options) => store.issue({ company, app }, options),
    resolve: (value) => store.resolve(value).holder,
    holderOf: (value) => store.holderOf(value),
    kill: (value, as) => store.kill(value, endOf(as)),
    revoke: (which, as) =>
      store.revoke(
        ({ company, app }) =>
          (which.company === undefined || which.company === company) && (which.app === undefined || which.app === app),
        endOf(as),
      ),
  }
}

function endOf(errcode: 40014 | 42001): 'invalid' | 'expired' {
  return errcode === 40014 ? 'invalid' : 'expired'
}
