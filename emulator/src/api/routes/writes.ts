/** Chapters 2.2 and 2.3: writing departments and members. The rules are in ../write-rules.ts. */

import { foldUserid } from '../../company/company.ts'
import { ApiError } from '../../errors.ts'
import { bodyOf, required, textField, textList, wholeNumber } from '../route.ts'
import type { Call, Reply, Route, TokenRoute } from '../route.ts'
import {
  createDepartment,
  createMember,
  deleteDepartment,
  updateDepartment,
  updateMember,
} from '../../company/write-rules.ts'
import { writers } from './kinds.ts'

const batchMax = 200

export const writeRoutes: readonly Route[] = [
  write('department/create', (call) => {
    const made = createDepartment(call.company, bodyOf(call), call.world.settings.readings)
    return { errmsg: 'created', id: made.id }
  }),
  write('department/update', (call) => {
    const body = bodyOf(call)
    if (typeof body['id'] !== 'number') throw new ApiError(60123)
    updateDepartment(call.company, body['id'], body, call.world.settings.readings)
    return { errmsg: 'updated' }
  }),
  write('department/delete', (call) => {
    deleteDepartment(call.company, wholeNumber(required(call.query, 'id', 41019), 60123))
    return { errmsg: 'deleted' }
  }),
  write('user/create', create),
  write('user/update', update),
  write('user/delete', (call) => {
    const member = call.lens.memberOf(required(call.query, 'userid', 41009))
    if (!member) throw new ApiError(60111)
    call.company.removeMembers([member.userid])
    return { errmsg: 'deleted' }
  }),
  write('user/batchdelete', batchDelete),
]

function write(path: string, handle: TokenRoute['handle']): Route {
  return { path, needsToken: true, kinds: writers, isWrite: true, handle }
}

function create(call: Call): Reply {
  const { company, app, world } = call
  const { member, createdDepartments } = createMember(company, bodyOf(call), world.settings.readings)
  company.creators.set(foldUserid(member.userid), app.agentId)
  if (createdDepartments.length === 0) return { errmsg: 'created' }
  const department_info = createdDepartments.map(({ name, id }) => ({ name, id }))
  return { errmsg: 'created', created_department_list: { department_info } }
}

function update(call: Call): Reply {
  const body = bodyOf(call)
  const member = call.lens.memberOf(textField(body, 'userid', 41009))
  if (!member) throw new ApiError(60111)
  updateMember(call.company, member, body, call.world.settings.readings)
  return { errmsg: 'updated' }
}

/** One bad id fails all. */
function batchDelete(call: Call): Reply {
  const ids = textList(bodyOf(call), 'useridlist', { max: batchMax, bad: 40031, long: 40032 })
  const members = ids.map((id) => call.lens.memberOf(id))
  if (members.includes(undefined)) throw new ApiError(60111)
  call.company.removeMembers(members.filter((member) => member !== undefined).map(({ userid }) => userid))
  return { errmsg: 'deleted' }
}
