/** Chapter 2.2: departments. */

import type { Department } from '../../company/company.ts'
import { ApiError } from '../../errors.ts'
import { required, wholeNumber } from '../route.ts'
import type { Call, Reply, Route } from '../route.ts'
import { everyKind } from './kinds.ts'

export const departmentRoutes: readonly Route[] = [
  {
    path: 'department/list',
    needsToken: true,
    kinds: everyKind,
    lists: ['department'],
    isBlockedFromNewAddress: true,
    handle: list,
  },
  { path: 'department/simplelist', needsToken: true, kinds: everyKind, lists: ['department_id'], handle: simpleList },
  { path: 'department/get', needsToken: true, kinds: everyKind, isBlockedFromNewAddress: true, handle: get },
]

function list(call: Call): Reply {
  const { world, company, lens } = call
  const id = call.query.get('id')
  if (id === null || id === '') {
    return world.bodiesOf(company).departmentList(lens, 'full', () => ({
      errcode: 0,
      errmsg: 'ok',
      department: lens.departmentsInRange().map((department) => lens.department(department)),
    }))
  }
  return { department: subtree(call, id).map((department) => lens.department(department)) }
}

function simpleList(call: Call): Reply {
  const { world, company, lens, query } = call
  const ids = ({ id, parentid, order }: Department) => ({ id, parentid, order })
  const id = query.get('id')
  if (id === null || id === '') {
    const departments = () => (lens.app.seesStructure ? [...company.departments.values()] : lens.departmentsInRange())
    return world.bodiesOf(company).departmentList(lens, 'ids', () => ({
      errcode: 0,
      errmsg: 'ok',
      department_id: departments().map(ids),
    }))
  }
  return { department_id: subtree(call, id).map(ids) }
}

function get(call: Call): Reply {
  return { department: call.lens.department(visibleDepartment(call, required(call.query, 'id', 41019))) }
}

function subtree(call: Call, id: string): Department[] {
  const top = visibleDepartment(call, id)
  return call.company.subtreeOf(top.id).map((below) => call.company.departments.get(below) ?? top)
}

/** 60123 for what is no id, 60003 for an id of nothing, 60011 for one out of range. */
function visibleDepartment({ company, lens, world }: Call, text: string): Department {
  const id = wholeNumber(text, 60123)
  const department = company.departments.get(id)
  if (!department) {
    const reading = world.settings.readings.unknownDepartment
    throw new ApiError(reading === 'by-family' ? 60003 : reading)
  }
  if (!lens.seesDepartmentId(id)) throw new ApiError(60011)
  return department
}
