/** Chapter 2.5: tags. Apps see all tags, third parties only their own; contents are cut to the visible range. */

import type { Tag } from '../../company/company.ts'
import { ApiError } from '../../errors.ts'
import { bodyOf, idField, required, textField, wholeNumber } from '../route.ts'
import type { Call, Reply, Route, TokenRoute } from '../route.ts'
import { changeTag } from '../../company/write-rules.ts'
import { everyKind, writers } from './kinds.ts'

/** A change may name at most so many members and departments. */
const usersMax = 1_000
const partiesMax = 100

export const tagRoutes: readonly Route[] = [
  { path: 'tag/list', needsToken: true, kinds: everyKind, lists: ['taglist'], handle: list },
  { path: 'tag/get', needsToken: true, kinds: everyKind, lists: ['userlist', 'partylist'], handle: get },
  write('tag/create', create),
  write('tag/update', rename),
  write('tag/delete', remove),
  write('tag/addtagusers', (call) => change(call, 'add')),
  write('tag/deltagusers', (call) => change(call, 'remove')),
]

/** The matrix of §2.1 and the text of §2.5 disagree about apps; the reading decides. */
function write(path: string, handle: TokenRoute['handle']): Route {
  return {
    path,
    needsToken: true,
    kinds: everyKind,
    isWrite: true,
    handle(call) {
      const isRefused = call.world.settings.readings.tagWritesByApps === 'refused' && !writers.includes(call.app.kind)
      if (isRefused) throw new ApiError(48002)
      return handle(call)
    },
  }
}

function list(call: Call): Reply {
  const tags = [...call.company.tags.values()].filter((tag) => isInReach(call, tag))
  return { taglist: tags.map(({ tagid, tagname }) => ({ tagid, tagname })) }
}

function get(call: Call): Reply {
  const tag = tagInReach(call, wholeNumber(required(call.query, 'tagid', 41017), 40068))
  return { tagname: tag.tagname, ...tagContents(call, tag) }
}

export function tagContents({ company, lens }: Call, tag: Tag): { userlist: unknown[]; partylist: number[] } {
  const members = [...tag.userids].map((userid) => company.findMember(userid)).filter((member) => member !== undefined)
  return {
    userlist: members
      .filter((member) => lens.seesMember(member))
      .map((member) => {
        const { userid, name } = lens.simpleMember(member)
        return { userid, name }
      }),
    partylist: [...tag.departments].filter((id) => lens.seesDepartment(id)),
  }
}

export function tagInReach(call: Call, id: number): Tag {
  const tag = call.company.tags.get(id)
  if (!tag || !isInReach(call, tag)) throw new ApiError(40068)
  return tag
}

function isInReach({ app }: Call, tag: Tag): boolean {
  return !app.kind.startsWith('third-party') || tag.agentId === app.agentId
}

/** A tag may be changed by the app that made it and by the assistant (81011 otherwise). */
function ownTag(call: Call, id: number): Tag {
  const tag = tagInReach(call, id)
  if (call.app.kind !== 'contacts-sync' && tag.agentId !== call.app.agentId) throw new ApiError(81011)
  return tag
}

function create(call: Call): Reply {
  const { company, app } = call
  const body = bodyOf(call)
  const tagname = freeName(call, textField(body, 'tagname'))
  const wanted = body['tagid']
  if (wanted !== undefined && (!Number.isInteger(wanted) || Number(wanted) < 1)) throw new ApiError(40068)
  const tagid = wanted === undefined ? Math.max(0, ...company.tags.keys()) + 1 : Number(wanted)
  if (company.tags.has(tagid)) throw new ApiError(40068)
  company.tags.set(tagid, { tagid, tagname, userids: new Set(), departments: new Set(), agentId: app.agentId })
  company.tagsChanged()
  return { errmsg: 'created', tagid }
}

function rename(call: Call): Reply {
  const body = bodyOf(call)
  const tag = ownTag(call, idField(body, 'tagid', 40068))
  const tagname = textField(body, 'tagname')
  if (tagname !== tag.tagname) tag.tagname = freeName(call, tagname)
  call.company.tagsChanged()
  return { errmsg: 'updated' }
}

function remove(call: Call): Reply {
  const tag = ownTag(call, wholeNumber(required(call.query, 'tagid', 41017), 40068))
  call.company.tags.delete(tag.tagid)
  call.company.tagsChanged()
  return { errmsg: 'deleted' }
}

/** Takes what is valid and reports the rest; only when nothing is valid does the call fail (40031, 40066). */
function change(call: Call, direction: 'add' | 'remove'): Reply {
  const { company, lens } = call
  const body = bodyOf(call)
  const tag = ownTag(call, idField(body, 'tagid', 40068))
  const userids = listOf(body['userlist'], usersMax, 40031)
  const parties = listOf(body['partylist'], partiesMax, 40066)
  if (userids.length + parties.length === 0) throw new ApiError(40063)

  const invalidUsers: unknown[] = []
  const invalidParties: unknown[] = []
  const valid: { members: string[]; departments: number[] } = { members: [], departments: [] }
  for (const userid of userids) {
    const member = typeof userid === 'string' ? lens.memberOf(userid) : undefined
    if (!member || !lens.seesMember(member)) invalidUsers.push(userid)
    else valid.members.push(member.userid)
  }
  for (const id of parties) {
    if (typeof id !== 'number' || !company.departments.has(id) || !lens.seesDepartment(id)) invalidParties.push(id)
    else valid.departments.push(id)
  }
  if (invalidUsers.length + invalidParties.length === userids.length + parties.length) {
    throw new ApiError(userids.length > 0 ? 40031 : 40066)
  }
  changeTag(company, tag, { [direction]: valid })
  return {
    errmsg: direction === 'add' ? 'ok' : 'deleted',
    ...(invalidUsers.length > 0 ? { invalidlist: invalidUsers.join('|') } : {}),
    ...(invalidParties.length > 0 ? { invalidparty: invalidParties } : {}),
  }
}

function listOf(value: unknown, max: number, errcode: number): unknown[] {
  if (value === undefined) return []
  if (!Array.isArray(value)) throw new ApiError(errcode)
  if (value.length > max) throw new ApiError(errcode === 40031 ? 40032 : errcode)
  return value
}

function freeName({ company }: Call, tagname: string): string {
  if (tagname.length > 32) throw new ApiError(40058)
  if ([...company.tags.values()].some((tag) => tag.tagname === tagname)) throw new ApiError(40071)
  return tagname
}
