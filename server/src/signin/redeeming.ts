/**
 * Redeems what WeCom's pages and its SDK hand out for somebody who has shown who they are, as whoever may: the app of the
 * company that was asked for, or the provider whose suite people of any company come through (wecom-api.md §3.1.4, §3.4).
 */
import type { ConnectionForSignIn } from '../connections/connections.ts'
import type { WecomAccess } from '../connections/wecom.ts'
import { askApp, type AskedOutcome } from './asking.ts'
import { askProvider, askSuite } from './asking-suite.ts'

/** What a browser or an app brought along. */
export interface Code {
  readonly text: string
  /** `older-page`: an `auth_code` of the login page for providers before the present one. */
  readonly from: 'browser' | 'mobile-sdk' | 'older-page'
}

export type Redeem = (found: ConnectionForSignIn, code: Code) => Promise<AskedOutcome>

export function createRedeeming(wecom: Pick<WecomAccess, 'forSignIn' | 'suiteOf' | 'providerOf'>): Redeem {
  return async (found, { text, from }) => {
    const { connection, corp } = found
    if (connection.kind === 'service_provider') {
      return from === 'older-page'
        ? askProvider(await wecom.providerOf(connection), text)
        : askSuite(await wecom.suiteOf(connection), text)
    }
    const principal = wecom.forSignIn(found)
    // Without a company there is no app of one, which was refused in the line before.
    return askApp({ principal, corpId: corp!.corpId }, text, { isMobile: from === 'mobile-sdk' })
  }
}
