/** Chapter 3.1.4: the exchange of a code, and the private fields behind a `user_ticket`. The pages are in sign-in/server.ts. */

import type { CodeGrant, Redeemer } from '../../sign-in/codes.ts'
import { foldUserid } from '../../company/company.ts'
import { ApiError } from '../../errors.ts'
import { qrCodeOf } from '../../company/lens.ts'
import { offeredFields, ticketLifetimeSeconds } from '../../company/private-fields.ts'
import type { PrivateField } from '../../company/private-fields.ts'
import { bodyOf, required, textField } from '../route.ts'
import type { Call, OpenCall, Reply, Route } from '../route.ts'
import { everyApp, selfBuiltApps } from './kinds.ts'

export const signInRoutes: readonly Route[] = [
  {
    path: 'auth/getuserinfo',
    needsToken: true,
    kinds: everyApp,
    isExempt: (call) => hasGoodCode(call, false),
    handle: (call) => identify(call, false),
  },
  {
    path: 'user/getuserinfo',
    needsToken: true,
    kinds: everyApp,
    isExempt: (call) => hasGoodCode(call, true),
    handle: (call) => identify(call, true),
  },
  { path: 'auth/getuserdetail', needsToken: true, kinds: [...selfBuiltApps, 'delegated'], handle: privateDetail },
]

function identify(call: Call, isOlderPath: boolean): Reply {
  const { world, company, app, query } = call
  const grant = world.codes.redeem(required(query, 'code', 41008), { company, app, isOlderPath })
  const { getuserinfoKeys } = world.settings.readings
  const isCapitalised = getuserinfoKeys === 'by-path' ? isOlderPath : getuserinfoKeys === 'capitalised'
  const reply = { ...nameOf(call, grant, isCapitalised), ...ticketFor(call, grant) }
  if (!isOlderPath) return reply
  // The lifetime is said on the older page only; the current one names it in its text.
  return { DeviceId: '', ...reply, ...('user_ticket' in reply ? { expires_in: ticketLifetimeSeconds } : {}) }
}

/** Answers also for members out of range. */
function nameOf(call: Call, { identity }: CodeGrant, isCapitalised: boolean): Record<string, string> {
  if ('userid' in identity) return { [isCapitalised ? 'UserId' : 'userid']: spelling(call, identity.userid) }
  const { openid, externalUserid } = identity
  return {
    [isCapitalised ? 'OpenId' : 'openid']: openid,
    ...(externalUserid === undefined ? {} : { external_userid: externalUserid }),
  }
}

function ticketFor({ world, company, app }: Call, { identity, privateFields }: CodeGrant): { user_ticket?: string } {
  if (!privateFields || !('userid' in identity)) return {}
  return { user_ticket: world.tickets.mint({ company, app, userid: identity.userid, fields: privateFields }) }
}

/** Not always in the stored spelling (§8.12). */
function spelling({ company, lens }: Call, userid: string): string {
  const stored = company.findMember(userid)?.userid
  if (stored === undefined) return userid
  return lens.idOf(company.spellings.get(foldUserid(stored)) ?? stored)
}

function hasGoodCode({ world, query }: OpenCall, isOlderPath: boolean): boolean {
  const token = world.tokens.holderOf(query.get('access_token') ?? '')
  if (!token) return false
  const by: Redeemer = { company: token.company, app: token.app, isOlderPath }
  return world.codes.isGood(query.get('code') ?? '', by)
}

/** Shown is what the administrator ticked and the member agreed to; the rest looks as §3.1.4 says. */
function privateDetail(call: Call): Reply {
  const { world, company, app, lens } = call
  const ticket = world.tickets.resolve(textField(bodyOf(call), 'user_ticket', 84090))
  if (ticket.company !== company) throw new ApiError(92002)
  if (ticket.app !== app) throw new ApiError(92003)
  const offered = offeredFields(app)
  if (offered.length === 0) throw new ApiError(92001)
  const member = company.findMember(ticket.userid)
  if (!member || !lens.seesMember(member)) throw new ApiError(92000)

  const detail: Record<string, unknown> = { userid: lens.idOf(member.userid), gender: '0', avatar: defaultAvatar }
  const values: Record<PrivateField, unknown> = {
    gender: member.gender,
    avatar: member.avatar,
    qr_code: qrCodeOf(app, company, member.userid),
    mobile: member.mobile,
    email: member.email,
    biz_mail: member.biz_mail,
    address: member.address,
  }
  for (const field of offered) if (ticket.fields.includes(field)) detail[field] = values[field]
  return detail
}

const defaultAvatar = 'https://wework.qpic.example/default/0'
