/** Administrators: users with a role in Muster itself. An administrator is named by the id of the user. */
import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import { answer, byId, nothing, OrganizationId, Role, UserId } from './formats.ts'
import { listOf, listQuery } from './list.ts'

export const Administrator = answer({
  userId: UserId,
  organizationId: OrganizationId,
  username: z.string(),
  displayName: z.string(),
  role: Role,
}).meta({
  id: 'Administrator',
  title: 'Administrator',
  description: 'A user with a role in Muster itself.',
  examples: [
    {
      userId: 'usr_01jd3v0w6k9m2q4r8t0x5y7z1a',
      organizationId: 'org_01jd3v0w6k9m2q4r8t0x5y7z1b',
      username: 'admin',
      displayName: 'Administrator',
      role: 'owner',
    },
  ],
})

export type Administrator = z.output<typeof Administrator>

export const NewAdministrator = z
  .strictObject({ userId: UserId, role: Role })
  .meta({ title: 'New administrator', examples: [{ userId: 'usr_01jd3v0w6k9m2q4r8t0x5y7z1a', role: 'operator' }] })

export const AdministratorPatch = z
  .strictObject({ role: Role.optional() })
  .meta({ title: 'Administrator patch', description: 'Merge patch (RFC 7396).', examples: [{ role: 'auditor' }] })

// ---- Endpoints ------------------------------------------------------------------------------------------------------

const tag = 'Administrators'

export const listAdministrators = endpoint({
  operationId: 'listAdministrators',
  method: 'GET',
  path: '/administrators',
  summary: 'List administrators',
  tag,
  role: 'auditor',
  query: listQuery({}),
  responses: { 200: listOf(Administrator) },
})

export const createAdministrator = endpoint({
  operationId: 'createAdministrator',
  method: 'POST',
  path: '/administrators',
  summary: 'Give a user a role',
  tag,
  role: 'owner',
  confirm: true,
  body: NewAdministrator,
  responses: { 201: Administrator },
})

export const updateAdministrator = endpoint({
  operationId: 'updateAdministrator',
  method: 'PATCH',
  path: '/administrators/:id',
  summary: 'Change the role of an administrator',
  description: 'Refused with users/last-owner when nobody would be an owner any more.',
  tag,
  role: 'owner',
  confirm: true,
  params: byId,
  body: AdministratorPatch,
  responses: { 200: Administrator },
})

export const deleteAdministrator = endpoint({
  operationId: 'deleteAdministrator',
  method: 'DELETE',
  path: '/administrators/:id',
  summary: 'Take the role of an administrator away',
  description: 'The user stays. Refused with users/last-owner when nobody would be an owner any more.',
  tag,
  role: 'owner',
  confirm: true,
  params: byId,
  responses: { 204: nothing },
})
