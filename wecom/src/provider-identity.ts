/** Who signed in at a service provider, as `getuserinfo3rd` and the older `get_login_info` tell it (chapter 3.4). */

import { IncompleteAnswer, toInteger, toNonEmptyText } from './wire.ts'
import type { WireObject } from './wire.ts'

/**
 * A person is the pair of company and userid: two companies may have the same userid, and both ids may be encrypted for the
 * provider. Any company of WeCom can appear here, so look up whether it is one of yours.
 */
export type ProviderIdentity =
  | {
      readonly kind: 'member'
      readonly corpId: string
      readonly userid: string
      /** The same in all apps of the provider. */
      readonly openUserid?: string
      /** For `userDetail`; only from inside WeCom with scope snsapi_privateinfo. Secret. */
      readonly userTicket?: string
      readonly userTicketExpiresInSeconds?: number
    }
  /** A member of `corpId`, met in a company that is connected with it. Never one of the company that was asked for. */
  | { readonly kind: 'partner-member'; readonly corpId: string; readonly userid: string }
  /** In the address book of no company, or of one that does not show them. */
  | { readonly kind: 'outsider'; readonly openid?: string }

/** Both spellings, because the older paths capitalise their keys. */
export function readProviderIdentity(answer: WireObject): ProviderIdentity {
  const corpId = toNonEmptyText(answer['corpid']) ?? toNonEmptyText(answer['CorpId'])
  const userid = toNonEmptyText(answer['userid']) ?? toNonEmptyText(answer['UserId'])
  const openid = toNonEmptyText(answer['openid']) ?? toNonEmptyText(answer['OpenId'])
  if (userid === undefined) {
    if (openid === undefined) throw new IncompleteAnswer('neither "userid" nor "openid"')
    return { kind: 'outsider', openid }
  }
  // Members of connected companies come as CorpId/userid; a slash cannot occur in a userid.
  const slash = userid.indexOf('/')
  if (slash >= 0) return { kind: 'partner-member', corpId: userid.slice(0, slash), userid: userid.slice(slash + 1) }
  if (corpId === undefined) throw new IncompleteAnswer('"corpid" is missing')
  return {
    kind: 'member',
    corpId,
    userid,
    openUserid: toNonEmptyText(answer['open_userid']),
    userTicket: toNonEmptyText(answer['user_ticket']),
    userTicketExpiresInSeconds: toInteger(answer['expires_in']),
  }
}
