/** Departments as WeCom shows them, and the calls that read them (pages 90344, 36259, 95407). */

import { invalidArgument } from './errors.ts'
import type { Caller, CallOptions } from './request.ts'
import { IncompleteAnswer, isObject, requireList, toInteger, toText, toTextList } from './wire.ts'
import type { RejectedRow, WireObject } from './wire.ts'

/** `undefined` means that WeCom did not say, `''` and `[]` that it said: empty. */
export type Department = {
  readonly id: number
  readonly name?: string
  /** Only when the company uses several languages. */
  readonly nameEn?: string
  /** 0 for the root of the company. The true parent otherwise, which may itself be invisible. */
  readonly parentId?: number
  /** 0 to 2^32 - 1, larger sorts first. */
  readonly order?: number
  /** userids; only those inside the visible range. */
  readonly leaders?: readonly string[]
}

/** What `department/simplelist` tells. */
export type DepartmentId = Pick<Department, 'id' | 'parentId' | 'order'>

export type DepartmentList = { readonly departments: readonly Department[]; readonly rejected: readonly RejectedRow[] }
export type DepartmentIdList = {
  readonly departments: readonly DepartmentId[]
  readonly rejected: readonly RejectedRow[]
}

export interface Departments {
  /** That department and all beneath it; without id the whole visible tree, which may have several roots and no id 1. */
  list(id?: number, options?: CallOptions): Promise<DepartmentList>
  /** Like `list`, without names. The only one that works for the contacts-sync secret from a new address. */
  ids(id?: number, options?: CallOptions): Promise<DepartmentIdList>
  get(id: number, options?: CallOptions): Promise<Department>
}

export function createDepartments({ call }: Caller): Departments {
  return {
    async list(id, options) {
      checkId('department/list', id)
      const read = (answer: WireObject) => readDepartments(requireList(answer, 'department'))
      return await call({ api: 'department/list', method: 'GET', query: { id }, repeat: 'always', read }, options)
    },

    async ids(id, options) {
      checkId('department/simplelist', id)
      const read = (answer: WireObject) => readDepartments(requireList(answer, 'department_id'))
      return await call({ api: 'department/simplelist', method: 'GET', query: { id }, repeat: 'always', read }, options)
    },

    async get(id, options) {
      checkId('department/get', id)
      return await call(
        {
          api: 'department/get',
          method: 'GET',
          query: { id },
          repeat: 'always',
          read: (answer) => {
            const department = readDepartment(answer['department'])
            if ('reason' in department) throw new IncompleteAnswer(`"department": ${department.reason}`)
            return department
          },
        },
        options,
      )
    },
  }
}

/** Rows of `department/list`, `department/simplelist` or an export; a row without usable id is rejected, not the list. */
export function readDepartments(rows: readonly unknown[]): DepartmentList {
  const departments: Department[] = []
  const rejected: RejectedRow[] = []
  for (const row of rows) {
    const department = readDepartment(row)
    if ('reason' in department) rejected.push(department)
    else departments.push(department)
  }
  return { departments, rejected }
}

/**
 * One wire object. Ids and orders may come as digits in quotes. An unusable parent rejects the row, because a department
 * without its place would look like a root; any other unusable field counts as not told.
 */
function readDepartment(row: unknown): Department | RejectedRow {
  if (!isObject(row)) return { reason: 'not an object' }
  const id = toInteger(row['id'])
  if (id === undefined || id <= 0) return { reason: 'no usable id' }
  const parentId = toInteger(row['parentid'])
  if (parentId === undefined && row['parentid'] !== undefined && row['parentid'] !== null) {
    return { departmentId: id, reason: 'parentid is not a number' }
  }
  return {
    id,
    name: toText(row['name']),
    nameEn: toText(row['name_en']),
    parentId,
    order: toInteger(row['order']),
    leaders: toTextList(row['department_leader']),
  }
}

function checkId(api: string, id: number | undefined): void {
  if (id !== undefined && !(Number.isSafeInteger(id) && id > 0))
    throw invalidArgument(api, 'the department id is not a positive whole number')
}
