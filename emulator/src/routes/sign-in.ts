/** Chapter 3, as far as a connector needs it that signs people in and then reads them: the exchange of a code (§3.1.4). */

import type { SigninIdentity } from '../codes.ts'
import { foldUserid } from '../company.ts'
import { required } from '../route.ts'
import type { Call, OpenCall, Reply, Route } from '../route.ts'
import { everyApp } from './kinds.ts'

export const signInRoutes: readonly Route[] = [
  { path: 'auth/getuserinfo', needsToken: true, kinds: everyApp, isExempt: hasGoodCode, handle: current },
  { path: 'user/getuserinfo', needsToken: true, kinds: everyApp, isExempt: hasGoodCode, handle: legacy },
]

function current(call: Call): Reply {
  const identity = redeem(call)
  if ('userid' in identity) return { userid: spelling(call, identity.userid) }
  const { openid, externalUserid } = identity
  return { openid, ...(externalUserid === undefined ? {} : { external_userid: externalUserid }) }
}

/** The same facts under the capitalised keys of the older page. */
function legacy(call: Call): Reply {
  const identity = redeem(call)
  if ('userid' in identity) return { UserId: spelling(call, identity.userid), DeviceId: '' }
  const { openid, externalUserid } = identity
  return { OpenId: openid, DeviceId: '', ...(externalUserid === undefined ? {} : { external_userid: externalUserid }) }
}

function redeem(call: Call): SigninIdentity {
  const { world, company, app, query } = call
  return world.codes.redeem(required(query, 'code', 41008), company, app, world.settings.readings.codeOfOtherApp)
}

/** Answers also for members out of range (§3.1.4), and not always in the stored spelling (§8.12). */
function spelling({ company, lens }: Call, userid: string): string {
  const stored = company.findMember(userid)?.userid
  if (stored === undefined) return userid
  return lens.idOf(company.spellings.get(foldUserid(stored)) ?? stored)
}

function hasGoodCode({ world, query }: OpenCall): boolean {
  const token = world.tokens.holderOf(query.get('access_token') ?? '')
  return token !== undefined && world.codes.isGood(query.get('code') ?? '', token.app)
}
