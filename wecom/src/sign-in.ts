/** Exchanging what a browser brings back from WeCom's login pages (pages 98177, 96442, 95833). */

import { invalidArgument } from './errors.ts'
import { toGender } from './members.ts'
import type { Member } from './members.ts'
import type { Caller, CallOptions } from './request.ts'
import { IncompleteAnswer, requireText, toInteger, toNonEmptyText, toText } from './wire.ts'
import type { WireObject } from './wire.ts'

/**
 * Who authenticated. Says nothing about permission: WeCom confirms members outside the visible range too, so read the
 * member afterwards and check the status.
 */
export type SignInIdentity =
  | {
      readonly kind: 'member'
      readonly userid: string
      /** For `userDetail`, 30 minutes; only from inside WeCom with scope snsapi_privateinfo. Secret. */
      readonly userTicket?: string
      readonly userTicketExpiresInSeconds?: number
    }
  /** A member of a connected company. Never one of ours, whatever the userid. */
  | { readonly kind: 'partner-member'; readonly corpId: string; readonly userid: string }
  /** Not a member of this company. */
  | { readonly kind: 'outsider'; readonly openid?: string; readonly externalUserid?: string }

/** Only what the administrator ticked and the member consented to. */
export type SignInDetail = Pick<Member, 'name' | 'gender' | 'avatar' | 'mobile' | 'email' | 'bizMail' | 'address'> & {
  readonly userid: string
  /** URL of an image. */
  readonly qrCode?: string
}

export interface SignIn {
  /**
   * Redeems a sign-in code, which works once and for 5 minutes. WECOM_CODE_REJECTED means: start again. Not repeated after
   * a timeout, because the code may be used up. `legacy` uses `user/getuserinfo`, for old private deployments.
   */
  userInfo(code: string, options?: CallOptions & { legacy?: boolean }): Promise<SignInIdentity>
  userDetail(userTicket: string, options?: CallOptions): Promise<SignInDetail>
}

export function createSignIn({ call }: Caller): SignIn {
  return {
    async userInfo(code, options) {
      const api = options?.legacy ? 'user/getuserinfo' : 'auth/getuserinfo'
      if (code === '') throw invalidArgument(api, 'the code is empty')
      const request = { api, method: 'GET', query: { code }, repeat: 'unless-used-up', read: readIdentity } as const
      return await call(request, options)
    },

    async userDetail(userTicket, options) {
      if (userTicket === '') throw invalidArgument('auth/getuserdetail', 'the user ticket is empty')
      const body = { user_ticket: userTicket }
      return await call(
        { api: 'auth/getuserdetail', method: 'POST', body, repeat: 'always', read: readDetail },
        options,
      )
    },
  }
}

/** Both spellings, because the legacy path capitalises its keys. */
function readIdentity(answer: WireObject): SignInIdentity {
  const userid = toNonEmptyText(answer['userid']) ?? toNonEmptyText(answer['UserId'])
  const openid = toNonEmptyText(answer['openid']) ?? toNonEmptyText(answer['OpenId'])
  const externalUserid = toNonEmptyText(answer['external_userid'])
  if (userid === undefined) {
    if (openid === undefined && externalUserid === undefined)
      throw new IncompleteAnswer('neither "userid" nor "openid"')
    return { kind: 'outsider', openid, externalUserid }
  }
  // Members of connected companies come as CorpId/userid; a slash cannot occur in a userid.
  const slash = userid.indexOf('/')
  if (slash >= 0) return { kind: 'partner-member', corpId: userid.slice(0, slash), userid: userid.slice(slash + 1) }
  return {
    kind: 'member',
    userid,
    userTicket: toNonEmptyText(answer['user_ticket']),
    userTicketExpiresInSeconds: toInteger(answer['expires_in']),
  }
}

function readDetail(answer: WireObject): SignInDetail {
  return {
    userid: requireText(answer, 'userid'),
    name: toText(answer['name']),
    gender: toGender(answer['gender']),
    avatar: toText(answer['avatar']),
    qrCode: toText(answer['qr_code']),
    mobile: toText(answer['mobile']),
    email: toText(answer['email']),
    bizMail: toText(answer['biz_mail']),
    address: toText(answer['address']),
  }
}
