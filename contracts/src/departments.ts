/**
 * Departments: the nodes of our organization tree, made by hand or owned by a connection. There may be several roots. A
 * tree can be shown level by level: each node says how many stand below it, and a single one what stands above.
 */
import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import {
  answer,
  byId,
  clearable,
  ConnectionId,
  ConnectionReference,
  DepartmentId,
  line,
  nothing,
  OrganizationId,
  Timestamp,
  UserId,
} from './formats.ts'
import { listOf, listQuery, organizationFilter } from './list.ts'

const departmentFields = {
  id: DepartmentId,
  organizationId: OrganizationId,
  parentId: DepartmentId.nullable().meta({ description: 'null for a root, and when the parent is not visible to us.' }),
  name: z.string(),
  nameEn: z.string().nullable(),
  order: z.int().meta({ description: 'As in WeCom: among siblings the larger comes first.' }),
  leaderUserIds: z.array(UserId),
  origin: z.enum(['manual', 'wecom']),
  connectionId: ConnectionId.nullable().optional().meta({ description: 'The connection that owns it.' }),
  externalId: z.string().nullable().optional().meta({ description: 'Its id in WeCom.' }),
  userCount: z.int().min(0).meta({ description: 'Direct members, not counting deleted users.' }),
  childCount: z.int().min(0).meta({ description: 'Departments directly below it.' }),
  createdAt: Timestamp,
  updatedAt: Timestamp,
}

export const Department = answer(departmentFields).meta({
  id: 'Department',
  title: 'Department',
  description: 'A node of the organization tree.',
  examples: [
    {
      id: 'dep_01jd3v0w6k9m2q4r8t0x5y7z1a',
      organizationId: 'org_01jd3v0w6k9m2q4r8t0x5y7z1b',
      parentId: null,
      name: '研发中心',
      nameEn: 'R&D',
      order: 100000000,
      leaderUserIds: ['usr_01jd3v0w6k9m2q4r8t0x5y7z1c'],
      origin: 'wecom',
      connectionId: 'con_01jd3v0w6k9m2q4r8t0x5y7z1d',
      externalId: '17',
      userCount: 42,
      childCount: 3,
      createdAt: '2026-11-20T03:00:00.000Z',
      updatedAt: '2026-11-20T03:00:00.000Z',
    },
  ],
})

export type Department = z.output<typeof Department>

export const DepartmentWithPath = answer({
  ...departmentFields,
  path: z
    .array(answer({ id: DepartmentId, name: z.string() }))
    .meta({ description: 'What is above it, the root first; empty for a root. The department itself is not in it.' }),
}).meta({ id: 'DepartmentWithPath', title: 'Department with its path' })

export type DepartmentWithPath = z.output<typeof DepartmentWithPath>

const name = line(128)
const order = z.int().min(0).max(4_294_967_295)
const leaderUserIds = z.array(UserId).max(100)

export const NewDepartment = z
  .strictObject({
    organizationId: OrganizationId.optional().meta({ description: 'Without it, the organization `default`.' }),
    parentId: clearable(DepartmentId),
    name,
    nameEn: clearable(name),
    order: order.default(0),
    leaderUserIds: leaderUserIds.default([]),
  })
  .meta({ title: 'New department', description: 'A manual department.', examples: [{ name: '项目组' }] })

export type NewDepartment = z.output<typeof NewDepartment>

export const DepartmentPatch = z
  .strictObject({
    parentId: clearable(DepartmentId).meta({ description: 'null makes it a root.' }),
    name: name.optional(),
    nameEn: clearable(name),
    order: order.optional(),
    leaderUserIds: leaderUserIds.optional(),
  })
  .meta({
    title: 'Department patch',
    description: 'Merge patch (RFC 7396): absent keeps, null clears.',
    examples: [{ name: '新项目组', nameEn: null }],
  })

export type DepartmentPatch = z.output<typeof DepartmentPatch>

// ---- Endpoints ------------------------------------------------------------------------------------------------------

const tag = 'Departments'

export const listDepartments = endpoint({
  operationId: 'listDepartments',
  method: 'GET',
  path: '/departments',
  summary: 'List departments',
  description:
    'In the order of their creation; the children of one department, and the roots, as WeCom shows them: larger `order` ' +
    'first. `q` searches both names, also by pinyin and its initials, and then what fits best comes first.',
  tag,
  role: 'auditor',
  query: listQuery({
    ...organizationFilter,
    parentId: z
      .union([DepartmentId, z.literal('none')])
      .optional()
      .meta({ description: 'Direct children of this department; `none` for the roots.' }),
    connection: ConnectionReference.optional().meta({ description: 'Only those that this connection owns.' }),
  }),
  responses: { 200: listOf(Department) },
})

export const createDepartment = endpoint({
  operationId: 'createDepartment',
  method: 'POST',
  path: '/departments',
  summary: 'Create a manual department',
  tag,
  role: 'operator',
  body: NewDepartment,
  responses: { 201: Department },
})

export const getDepartment = endpoint({
  operationId: 'getDepartment',
  method: 'GET',
  path: '/departments/:id',
  summary: 'Read a department',
  tag,
  role: 'auditor',
  params: byId,
  responses: { 200: DepartmentWithPath },
})

export const updateDepartment = endpoint({
  operationId: 'updateDepartment',
  method: 'PATCH',
  path: '/departments/:id',
  summary: 'Change a manual department',
  description: 'Refused with directory/source-owned when WeCom owns it, and with departments/cycle.',
  tag,
  role: 'operator',
  params: byId,
  body: DepartmentPatch,
  responses: { 200: Department },
})

export const deleteDepartment = endpoint({
  operationId: 'deleteDepartment',
  method: 'DELETE',
  path: '/departments/:id',
  summary: 'Delete a manual department',
  description: 'Refused with departments/not-empty while it has people or sub-departments.',
  tag,
  role: 'operator',
  params: byId,
  responses: { 204: nothing },
})
