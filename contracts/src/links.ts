/** Links: the binding of one member of WeCom (connection, corp, userid ignoring case) to one user. */
import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import { answer, byId, ConnectionId, ConnectionReference, LinkId, nothing, Timestamp, UserId } from './formats.ts'
import { listOf, listQuery, organizationFilter } from './list.ts'

export const Link = answer({
  id: LinkId,
  connectionId: ConnectionId,
  corpId: z.string(),
  userid: z.string().meta({ description: 'As WeCom writes it; compared ignoring case.' }),
  openUserid: z.string().nullable().optional(),
  userId: UserId,
  createdBy: z.enum(['sync', 'signin', 'bind', 'admin']),
  createdAt: Timestamp,
  lastSignInAt: Timestamp.nullable(),
}).meta({
  id: 'Link',
  title: 'Link',
  description: 'One member bound to one user.',
  examples: [
    {
      id: 'lnk_01jd3v0w6k9m2q4r8t0x5y7z1a',
      connectionId: 'con_01jd3v0w6k9m2q4r8t0x5y7z1b',
      corpId: 'ww0123456789abcdef',
      userid: 'ZhangSan',
      userId: 'usr_01jd3v0w6k9m2q4r8t0x5y7z1c',
      createdBy: 'sync',
      createdAt: '2026-11-20T03:00:00.000Z',
      lastSignInAt: null,
    },
  ],
})

export type Link = z.output<typeof Link>

export const NewLink = z
  .strictObject({
    connectionId: ConnectionReference,
    corpId: z
      .string()
      .min(1)
      .max(64)
      .optional()
      .meta({ description: 'Needed only where the connection has several companies.' }),
    userid: z
      .string()
      .regex(/^[^\s\p{C}]{1,64}$/u, 'At most 64 characters without spaces')
      .meta({ description: 'Of the member in WeCom.' }),
  })
  .meta({ title: 'New link', examples: [{ connectionId: 'hq', userid: 'zhangsan' }] })

export type NewLink = z.output<typeof NewLink>

// ---- Endpoints ------------------------------------------------------------------------------------------------------

const tag = 'Links'

export const listLinks = endpoint({
  operationId: 'listLinks',
  method: 'GET',
  path: '/links',
  summary: 'List links',
  tag,
  role: 'auditor',
  query: listQuery({
    ...organizationFilter,
    connection: ConnectionReference.optional().meta({ description: 'Only of this connection.' }),
    userId: UserId.optional().meta({ description: 'Only of this user.' }),
  }),
  responses: { 200: listOf(Link) },
})

export const createLink = endpoint({
  operationId: 'createLink',
  method: 'POST',
  path: '/users/:id/links',
  summary: 'Link a user to a member',
  description:
    'Refused with links/taken when either has a link on this connection. Only an owner may link an administrator.',
  tag,
  role: 'operator',
  params: byId,
  body: NewLink,
  responses: { 201: Link },
})

export const deleteLink = endpoint({
  operationId: 'deleteLink',
  method: 'DELETE',
  path: '/links/:id',
  summary: 'Remove a link',
  description: 'The user stays. If it was the only way in, sessions end at once.',
  tag,
  role: 'operator',
  params: byId,
  responses: { 204: nothing },
})
