/** Chapters 2.3 and 2.6: finding members by other keys than userid, lists of ids, conversion of ids. */

import { createHmac } from 'node:crypto'

import { foldUserid } from '../../company/company.ts'
import type { Company, Member } from '../../company/company.ts'
import { ApiError } from '../../errors.ts'
import { bodyOf, textField, textList } from '../route.ts'
import type { Call, Reply, Route } from '../route.ts'
import { allButContactsApps, everyApp, providerApps, selfBuiltApps } from './kinds.ts'

const pageMax = 10_000
/** By secondary sources (§11.13). */
const conversionMax = 1_000

export const idRoutes: readonly Route[] = [
  {
    path: 'user/list_id',
    needsToken: true,
    // An app secret is refused here, which surprises everybody (§8.2). Third parties need the right to edit contacts.
    kinds: ['contacts-sync', 'third-party', 'third-party-contacts'],
    lists: ['dept_user'],
    handle: listIds,
  },
  { path: 'user/getuserid', needsToken: true, kinds: allButContactsApps, handle: byMobile },
  { path: 'user/get_userid_by_email', needsToken: true, kinds: allButContactsApps, handle: byEmail },
  {
    path: 'batch/openuserid_to_userid',
    needsToken: true,
    kinds: selfBuiltApps,
    lists: ['userid_list', 'invalid_open_userid_list'],
    handle: fromOpenUserids,
  },
  {
    path: 'batch/userid_to_openuserid',
    needsToken: true,
    kinds: providerApps,
    lists: ['open_userid_list', 'invalid_userid_list'],
    handle: toOpenUserids,
  },
  { path: 'user/convert_to_openid', needsToken: true, kinds: everyApp, handle: toOpenid },
  { path: 'user/convert_to_userid', needsToken: true, kinds: everyApp, handle: fromOpenid },
]

/** One row per member and department. The cursor is opaque to callers; here it is the place in the walk, checked (50100). */
function listIds(call: Call): Reply {
  const { app, company, lens, world } = call
  if (app.kind === 'third-party' && !app.canEditContacts) throw new ApiError(48002)
  const { cursor, limit = world.settings.readings.listIdDefaultLimit } = bodyOf(call)
  if (typeof limit !== 'number' || !Number.isInteger(limit) || limit < 1 || limit > pageMax) throw new ApiError(40058)
  let skip = positionOf(cursor)
  const idKey = app.kind === 'contacts-sync' ? 'userid' : 'open_userid'

  const dept_user: Record<string, unknown>[] = []
  for (const member of company.members.values()) {
    if (!lens.seesMember(member) || !Array.isArray(member.department)) continue
    if (skip >= member.department.length) {
      skip -= member.department.length
      continue
    }
    const userid = app.kind === 'contacts-sync' ? spellingOf(company, member) : lens.openIdOf(member.userid)
    for (const department of member.department.slice(skip)) {
      if (dept_user.length === limit) return { next_cursor: cursorOf(positionOf(cursor) + limit), dept_user }
      dept_user.push({ [idKey]: userid, department })
    }
    skip = 0
  }
  return { next_cursor: '', dept_user }
}

/** For some members not as it is stored (§8.12). */
function spellingOf(company: Company, member: Member): string {
  return company.spellings.get(foldUserid(member.userid)) ?? member.userid
}

function cursorOf(position: number): string {
  return Buffer.from(`rows:${position}`).toString('base64url')
}

function positionOf(cursor: unknown): number {
  if (cursor === undefined || cursor === '') return 0
  const decoded = typeof cursor === 'string' ? Buffer.from(cursor, 'base64url').toString() : ''
  const digits = /^rows:(\d{1,9})$/.exec(decoded)?.[1]
  if (digits === undefined) throw new ApiError(50100)
  return Number(digits)
}

function byMobile(call: Call): Reply {
  const mobile = textField(bodyOf(call), 'mobile')
  if (mobile.length < 5 || mobile.length > 32) throw new ApiError(40058)
  return found(call, 'user/getuserid', () => call.company.findByMobile(mobile))
}

function byEmail(call: Call): Reply {
  const body = bodyOf(call)
  const address = textField(body, 'email')
  const { email_type: type = 1 } = body
  if (type !== 1 && type !== 2) throw new ApiError(40058)
  return found(call, 'user/get_userid_by_email', () =>
    call.company.findByEmail(type === 1 ? 'biz_mail' : 'email', address),
  )
}

/** Nobody and nobody visible are the same answer, and both count towards the block (45009). */
function found({ world, company, lens }: Call, path: string, find: () => Member | undefined): Reply {
  world.meters.checkLookups(company.corpId, path)
  const member = find()
  if (member && lens.seesMember(member)) return { userid: lens.idOf(member.userid) }
  world.meters.countFailedLookup({ corpId: company.corpId, members: company.members.size }, path)
  throw new ApiError(46004)
}

/** A self-built app translates the ids that another app of the company, made by a provider, sees. */
function fromOpenUserids(call: Call): Reply {
  const { company, lens, world } = call
  const body = bodyOf(call)
  const openUserids = textList(body, 'open_userid_list', { max: conversionMax, bad: 40063, long: 40032 })
  const source = company.apps.find(
    ({ agentId, kind }) => agentId === body['source_agentid'] && providerApps.includes(kind),
  )
  if (!source) throw new ApiError(40056)
  const sourceLens = world.lensOf(company, source)

  const userid_list: unknown[] = []
  const invalid_open_userid_list: string[] = []
  for (const open_userid of openUserids) {
    const member = sourceLens.memberOf(open_userid)
    if (member && lens.seesMember(member)) userid_list.push({ userid: member.userid, open_userid })
    else invalid_open_userid_list.push(open_userid)
  }
  return { userid_list, invalid_open_userid_list }
}

function toOpenUserids(call: Call): Reply {
  const { company, lens } = call
  const userids = textList(bodyOf(call), 'userid_list', { max: conversionMax, bad: 40031, long: 40032 })
  const open_userid_list: unknown[] = []
  const invalid_userid_list: string[] = []
  for (const userid of userids) {
    const member = company.findMember(userid)
    if (member && lens.seesMember(member)) open_userid_list.push({ userid, open_userid: lens.openIdOf(member.userid) })
    else invalid_userid_list.push(userid)
  }
  return { open_userid_list, invalid_userid_list }
}

function toOpenid(call: Call): Reply {
  const member = call.lens.memberOf(textField(bodyOf(call), 'userid', 41009))
  if (!member) throw new ApiError(60111)
  if (!call.lens.seesMember(member)) throw new ApiError(60011)
  // Somebody who never opened WeCom has no WeChat account bound to it.
  if (member.status === 4) throw new ApiError(43004)
  return { openid: openidOf(call.company, member) }
}

function fromOpenid(call: Call): Reply {
  const openid = textField(bodyOf(call), 'openid')
  for (const member of call.company.members.values()) {
    if (openidOf(call.company, member) !== openid) continue
    if (member.status === 4 || !call.lens.seesMember(member)) break
    return { userid: call.lens.idOf(member.userid) }
  }
  throw new ApiError(40073)
}

function openidOf(company: Company, member: Member): string {
  return `o${createHmac('sha256', 'openid')
    .update(`${company.corpId}/${foldUserid(member.userid)}`)
    .digest('base64url')
    .slice(0, 27)}`
}
