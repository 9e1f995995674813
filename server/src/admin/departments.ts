/** Departments in the admin API (http-api.md §4.1). */
import {
  createDepartment,
  deleteDepartment,
  getDepartment,
  listDepartments,
  updateDepartment,
  type Department as DepartmentAnswer,
} from '@muster/contracts'
import type { z } from 'zod'
import type { Connections } from '../connections/connections.ts'
import type { DepartmentRecord, Departments } from '../directory/departments.ts'
import type { Organizations } from '../directory/organizations.ts'
import { page, readCursor, readSearch } from './pages.ts'
import { route, type Route } from './routes.ts'

export function departmentRoutes({
  departments,
  connections,
  organizations,
}: {
  departments: Departments
  connections: Connections
  organizations: Organizations
}): Route[] {
  return [
    route(listDepartments, async ({ query }) => {
      const organization = await organizations.resolve(query.organizationId)
      const connection = query.connection === undefined ? null : await connections.get(query.connection)
      const { items, hasMore, total, place } = await departments.list({
        organizationId: organization.id,
        parentId: query.parentId ?? null,
        connectionId: connection?.id ?? null,
        q: readSearch(query.q),
        limit: query.limit,
        cursor: readCursor(query.cursor),
      })
      return page(items.map(render), hasMore, total, () => place)
    }),
    route(createDepartment, async ({ actor, body }) => {
      const { organizationId, ...input } = body
      const organization = await organizations.resolve(organizationId)
      return render(await departments.create(actor, organization.id, input))
    }),
    route(getDepartment, async ({ params }) => {
      const { path, ...record } = await departments.get(params.id)
      return { ...render(record), path: [...path] }
    }),
    route(updateDepartment, async ({ actor, params, body }) =>
      render(await departments.update(actor, params.id, body)),
    ),
    route(deleteDepartment, async ({ actor, params }) => {
      await departments.remove(actor, params.id)
      return undefined
    }),
  ]
}

type Answer = z.input<typeof DepartmentAnswer>

function render({ department, userCount, childCount, leaderUserIds }: DepartmentRecord): Answer {
  return {
    id: department.id,
    organizationId: department.organization_id,
    parentId: department.parent_id,
    name: department.name,
    nameEn: department.name_en,
    order: department.position,
    leaderUserIds: [...leaderUserIds],
    origin: department.origin as Answer['origin'],
    connectionId: department.connection_id,
    externalId: department.external_id,
    userCount,
    childCount,
    createdAt: new Date(department.created_at).toISOString(),
    updatedAt: new Date(department.updated_at).toISOString(),
  }
}
