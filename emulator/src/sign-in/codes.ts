/**
 * Sign-in codes: made by the pages or by the control API, used up by `auth/getuserinfo` (wecom-api.md §3). Each works once,
 * within five minutes, for the company, the app and the domain it was made for.
 */

import { trusts } from '../company/apps.ts'
import type { App } from '../company/apps.ts'
import type { Company } from '../company/company.ts'
import { ApiError } from '../errors.ts'
import type { Random } from '../random.ts'
import type { Readings } from '../settings.ts'

/** Who scanned. A member, a member of a linked company (`CorpId/userid`), or somebody outside. */
export type SigninIdentity = { userid: string } | { openid: string; externalUserid?: string }

/** A page for any browser (§3.1), a page inside the WeCom client (§3.2), or the SDK in a mobile app (§3.3). */
export type CodeSource = 'web' | 'client' | 'mobile'

export interface CodeGrant {
  readonly company: Company
  /** Absent when the page was opened without an agentid: then any app will do that trusts the domain. */
  readonly app?: App | undefined
  readonly identity: SigninIdentity
  readonly source: CodeSource
  /** Host and port of the redirect_uri. Absent for mobile apps, and when the control API did not say. */
  readonly domain?: string | undefined
  /** The private fields that the member agreed to show; present means that the exchange gives a `user_ticket`. */
  readonly privateFields?: readonly string[] | undefined
}

export interface Redeemer {
  readonly company: Company
  readonly app: App
  /** True for `user/getuserinfo`. */
  readonly isOlderPath: boolean
}

export interface Codes {
  mint(grant: CodeGrant): string
  /** True when `redeem` would succeed: such calls are exempt from the limits. */
  isGood(value: string, by: Redeemer): boolean
  /** Throws 40029, or 50001, or what the readings say instead. */
  redeem(value: string, by: Redeemer): CodeGrant
}

const lifetimeMs = 5 * 60_000
const codesMax = 100_000

export function createCodes(random: Random, readings: () => Readings, now: () => number): Codes {
  const codes = new Map<string, { grant: CodeGrant; expiresAtMs: number; isUsed: boolean }>()

  return {
    mint(grant) {
      const value = random.hex(43)
      codes.set(value, { grant, expiresAtMs: now() + lifetimeMs, isUsed: false })
      for (const oldest of codes.keys()) {
        if (codes.size <= codesMax) break
        codes.delete(oldest)
      }
      return value
    },
    isGood: (value, by) => refusalOf(value, by) === undefined,
    redeem(value, by) {
      const code = codes.get(value)
      const refusal = refusalOf(value, by)
      // Not used up by a refusal: whether a failed exchange with a foreign token burns the code is unknown.
      if (!code || refusal !== undefined) throw new ApiError(refusal ?? 40029)
      code.isUsed = true
      return code.grant
    },
  }

  function refusalOf(value: string, { company, app, isOlderPath }: Redeemer): number | undefined {
    const code = codes.get(value)
    if (!code || code.grant.company !== company) return 40029
    const { spentCode, codeOfOtherApp, mobileCodes } = readings()
    if (code.isUsed) return spentCode === 'by-reason' ? 42022 : 40029
    if (now() >= code.expiresAtMs) return spentCode === 'by-reason' ? 42003 : 40029
    const { grant } = code
    if (grant.app && grant.app !== app) return codeOfOtherApp
    if (grant.domain !== undefined && !trusts(app, grant.domain, grant.source)) return 50001
    if (grant.source === 'mobile' && mobileCodes === 'older-path' && !isOlderPath) return 40029
    return undefined
  }
}
