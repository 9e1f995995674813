/** Chapter 2.3: reading members. Writing them is in writes.ts, lists of ids and look-ups in ids.ts. */

import type { Member } from '../../company/company.ts'
import { isUserid } from '../../company/write-rules.ts'
import { renderMembers } from '../../company/bodies.ts'
import { ApiError } from '../../errors.ts'
import { required, wholeNumber } from '../route.ts'
import type { Call, Reply, Route } from '../route.ts'
import { everyKind } from './kinds.ts'

export const memberRoutes: readonly Route[] = [
  {
    path: 'user/simplelist',
    needsToken: true,
    kinds: everyKind,
    lists: ['userlist'],
    isBlockedFromNewAddress: true,
    handle: (call) => listMembers(call, 'simple'),
  },
  {
    path: 'user/list',
    needsToken: true,
    kinds: everyKind,
    lists: ['userlist'],
    isBlockedFromNewAddress: true,
    handle: (call) => listMembers(call, 'full'),
  },
  {
    path: 'user/get',
    needsToken: true,
    kinds: everyKind,
    // Recorded by a live probe with a bad token (§0.2).
    lists: ['department', 'order', 'is_leader_in_dept', 'direct_leader'],
    isBlockedFromNewAddress: true,
    handle: get,
  },
]

function listMembers(call: Call, detail: 'full' | 'simple'): Reply {
  const { world, company, lens, query } = call
  const id = wholeNumber(required(query, 'department_id', 41019), 60123)
  if (!company.departments.has(id)) {
    const reading = world.settings.readings.unknownDepartment
    throw new ApiError(reading === 'by-family' ? 60123 : reading)
  }
  if (!lens.seesDepartment(id)) throw new ApiError(60011)
  // Gone from the pages since 2022, but the hint of 45029 shows that the service still knows it.
  if (query.get('fetch_child') !== '1') return world.bodiesOf(company).memberList(lens, id, detail)
  const members = new Set<Member>()
  for (const below of company.subtreeOf(id)) for (const member of company.membersOf(below)) members.add(member)
  return renderMembers(lens, members, detail)
}

function get(call: Call): Reply {
  const { world, lens, query } = call
  const id = required(query, 'userid', 41009)
  const member = lens.memberOf(id)
  // Looked up before it is judged, so that planted members with impossible ids can be read.
  if (!member) throw new ApiError(isUserid(id) ? 60111 : 40003)
  if (!lens.seesMember(member)) throw new ApiError(world.settings.readings.memberOutOfRange)
  return lens.member(member, 'get')
}
