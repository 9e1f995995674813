/** Organizations: directory boundaries, each with its own departments, users and connections. Most installs have one. */
import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import { answer, byId, Identifier, line, nothing, OrganizationId, Timestamp } from './formats.ts'
import { listOf, listQuery } from './list.ts'

export const Organization = answer({
  id: OrganizationId,
  slug: Identifier,
  name: z.string(),
  builtInUsersAllowed: z.boolean().meta({ description: 'Administrators may create users outside the sync scope.' }),
  createdAt: Timestamp,
  updatedAt: Timestamp,
}).meta({
  id: 'Organization',
  title: 'Organization',
  description: 'A directory boundary. A fresh install has one, `default`.',
  examples: [
    {
      id: 'org_01jd3v0w6k9m2q4r8t0x5y7z1a',
      slug: 'default',
      name: 'Example Ltd',
      builtInUsersAllowed: true,
      createdAt: '2026-11-01T08:00:00.000Z',
      updatedAt: '2026-11-01T08:00:00.000Z',
    },
  ],
})

export type Organization = z.output<typeof Organization>

export const NewOrganization = z
  .strictObject({
    slug: Identifier,
    name: line(128),
    builtInUsersAllowed: z.boolean().default(true),
  })
  .meta({ title: 'New organization', examples: [{ slug: 'branch', name: 'Branch office' }] })

export const OrganizationPatch = z
  .strictObject({
    slug: Identifier.optional(),
    name: line(128).optional(),
    builtInUsersAllowed: z.boolean().optional(),
  })
  .meta({
    title: 'Organization patch',
    description: 'Merge patch (RFC 7396): absent keeps.',
    examples: [{ builtInUsersAllowed: false }],
  })

// ---- Endpoints ------------------------------------------------------------------------------------------------------

const tag = 'Organizations'

export const listOrganizations = endpoint({
  operationId: 'listOrganizations',
  method: 'GET',
  path: '/organizations',
  summary: 'List organizations',
  tag,
  role: 'auditor',
  query: listQuery({}),
  responses: { 200: listOf(Organization) },
})

export const createOrganization = endpoint({
  operationId: 'createOrganization',
  method: 'POST',
  path: '/organizations',
  summary: 'Create an organization',
  description: 'Refused with organizations/slug-taken.',
  tag,
  role: 'owner',
  body: NewOrganization,
  responses: { 201: Organization },
})

export const getOrganization = endpoint({
  operationId: 'getOrganization',
  method: 'GET',
  path: '/organizations/:id',
  summary: 'Read an organization',
  tag,
  role: 'auditor',
  params: byId,
  responses: { 200: Organization },
})

export const updateOrganization = endpoint({
  operationId: 'updateOrganization',
  method: 'PATCH',
  path: '/organizations/:id',
  summary: 'Change an organization',
  description: 'Refused with organizations/slug-taken.',
  tag,
  role: 'owner',
  params: byId,
  body: OrganizationPatch,
  responses: { 200: Organization },
})

export const deleteOrganization = endpoint({
  operationId: 'deleteOrganization',
  method: 'DELETE',
  path: '/organizations/:id',
  summary: 'Delete an empty organization',
  description: 'Refused with organizations/not-empty while it has connections, users, departments or applications.',
  tag,
  role: 'owner',
  confirm: true,
  params: byId,
  responses: { 204: nothing },
})
