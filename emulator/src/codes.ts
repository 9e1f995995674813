/** Sign-in codes: made by the control API until the login pages exist, used up by `auth/getuserinfo` (wecom-api.md §3). */

import type { App } from './apps.ts'
import type { Company } from './company.ts'
import { ApiError } from './errors.ts'
import type { Random } from './random.ts'

/** Who scanned. A member, a member of a linked company (`CorpId/userid`), or somebody outside. */
export type SigninIdentity = { userid: string } | { openid: string; externalUserid?: string }

export interface Codes {
  mint(company: Company, app: App, identity: SigninIdentity): string
  /** True when `redeem` would succeed: such calls are exempt from the limits. */
  isGood(value: string, app: App): boolean
  /** Works once, within five minutes, for the app it was made for. */
  redeem(value: string, company: Company, app: App, codeOfOtherApp: number): SigninIdentity
}

const lifetimeMs = 5 * 60_000
const codesMax = 100_000

export function createCodes(random: Random, now: () => number): Codes {
  const codes = new Map<string, { company: Company; app: App; identity: SigninIdentity; expiresAtMs: number }>()

  return {
    mint(company, app, identity) {
      const value = random.hex(43)
      codes.set(value, { company, app, identity, expiresAtMs: now() + lifetimeMs })
      for (const oldest of codes.keys()) {
        if (codes.size <= codesMax) break
        codes.delete(oldest)
      }
      return value
    },
    isGood(value, app) {
      const code = codes.get(value)
      return code !== undefined && code.app === app && now() < code.expiresAtMs
    },
    redeem(value, company, app, codeOfOtherApp) {
      const code = codes.get(value)
      if (!code || code.company !== company || now() >= code.expiresAtMs) throw new ApiError(40029)
      // Not used up: whether a failed exchange with a foreign token burns the code is unknown.
      if (code.app !== app) throw new ApiError(codeOfOtherApp)
      codes.delete(value)
      return code.identity
    },
  }
}
