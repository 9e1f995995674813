/** Sessions: browsers in which a user is signed in to Muster. */
import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import { answer, byId, ConnectionId, nothing, SessionId, Timestamp, UserId } from './formats.ts'
import { listOf, listQuery } from './list.ts'

/** How somebody came in. */
export const Door = z.enum(['password', 'panel', 'qr', 'in-wecom', 'phone', 'mobile-sdk'])

export type Door = z.output<typeof Door>

export const Session = answer({
  id: SessionId,
  userId: UserId,
  door: Door,
  connectionId: ConnectionId.nullable().meta({ description: 'Through which connection; null with a password.' }),
  corpId: z
    .string()
    .nullable()
    .meta({ description: 'Of which company the person is, as the connection sees it; null with a password.' }),
  applicationId: z.string().nullable().meta({ description: 'Which application asked for the sign-in.' }),
  address: z.string().nullable(),
  userAgent: z.string().nullable().meta({ description: 'What the browser says about itself.' }),
  createdAt: Timestamp,
  lastSeenAt: Timestamp.meta({ description: 'To five minutes.' }),
  expiresAt: Timestamp,
}).meta({
  id: 'Session',
  title: 'Session',
  description: 'A browser in which a user is signed in.',
  examples: [
    {
      id: 'ses_01jd3v0w6k9m2q4r8t0x5y7z1a',
      userId: 'usr_01jd3v0w6k9m2q4r8t0x5y7z1b',
      door: 'qr',
      connectionId: 'con_01jd3v0w6k9m2q4r8t0x5y7z1c',
      corpId: 'ww0123456789abcdef',
      applicationId: null,
      address: '192.0.2.7',
      userAgent: 'Mozilla/5.0',
      createdAt: '2026-11-20T03:00:00.000Z',
      lastSeenAt: '2026-11-20T04:00:00.000Z',
      expiresAt: '2026-11-20T15:00:00.000Z',
    },
  ],
})

export type Session = z.output<typeof Session>

const tag = 'Sessions'

export const listUserSessions = endpoint({
  operationId: 'listUserSessions',
  method: 'GET',
  path: '/users/:id/sessions',
  summary: 'List the sessions of a user',
  description: 'Only those that still count, newest first. `q` searches addresses and what browsers say of themselves.',
  tag,
  role: 'auditor',
  params: byId,
  query: listQuery({}),
  responses: { 200: listOf(Session) },
})

export const deleteUserSession = endpoint({
  operationId: 'deleteUserSession',
  method: 'DELETE',
  path: '/users/:id/sessions/:sessionId',
  summary: 'End one session of a user',
  description: 'With every code and token that was issued under it. Only an owner may do it to an administrator.',
  tag,
  role: 'operator',
  params: z.strictObject({
    ...byId.shape,
    sessionId: z.string().min(1).max(64).meta({ description: 'Id of the session.' }),
  }),
  responses: { 204: nothing },
})
