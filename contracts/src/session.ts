/**
 * The caller's own session: who calls, proving it once more before a dangerous act, and signing out. Those of others are
 * in sessions.ts.
 */
import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import { answer, nothing, OrganizationId, Role, SessionId, Timestamp, UserId } from './formats.ts'

export const OwnSession = answer({
  via: z.enum(['session', 'token', 'local']).meta({
    description: 'A browser that is signed in, an API token, or a command on the machine of the server.',
  }),
  user: answer({ id: UserId, username: z.string(), displayName: z.string() })
    .nullable()
    .meta({ description: 'null for an API token and the local door.' }),
  role: Role.meta({ description: 'What the caller may do.' }),
  session: answer({
    id: SessionId,
    expiresAt: Timestamp.meta({ description: 'At the latest; it ends sooner when nobody uses it.' }),
    confirmedAt: Timestamp.meta({ description: 'When the person last signed in or confirmed, in this session.' }),
    confirmedUntil: Timestamp.nullable().meta({
      description: 'Until when that is enough for a dangerous act; null when it is not enough any more.',
    }),
  })
    .nullable()
    .meta({ description: 'null for an API token and the local door.' }),
  hasPassword: z.boolean().meta({
    description:
      'Whether POST /session/confirm can be used. Whoever has no password signs in again: ' +
      '/signin/start?prompt=login&return_to=…',
  }),
  organizationId: OrganizationId.meta({
    description: 'The organization `default`, which is meant where none is named.',
  }),
  version: z.string().meta({ description: 'Of Muster.', examples: ['0.1.0'] }),
  publicUrl: z.string().meta({ examples: ['https://id.corp.example'] }),
  now: Timestamp.meta({ description: 'The clock of the server.' }),
}).meta({
  id: 'OwnSession',
  title: 'Own session',
  description: 'Who calls, and until when their word is enough.',
  examples: [
    {
      via: 'session',
      user: { id: 'usr_01jd3v0w6k9m2q4r8t0x5y7z1b', username: 'zhangsan', displayName: '张三' },
      role: 'owner',
      session: {
        id: 'ses_01jd3v0w6k9m2q4r8t0x5y7z1a',
        expiresAt: '2026-11-20T15:00:00.000Z',
        confirmedAt: '2026-11-20T03:00:00.000Z',
        confirmedUntil: '2026-11-20T03:10:00.000Z',
      },
      hasPassword: true,
      organizationId: 'org_01jd3v0w6k9m2q4r8t0x5y7z1d',
      version: '0.1.0',
      publicUrl: 'https://id.corp.example',
      now: '2026-11-20T03:05:00.000Z',
    },
  ],
})

export type OwnSession = z.output<typeof OwnSession>

const tag = 'Sessions'

export const getSession = endpoint({
  operationId: 'getSession',
  method: 'GET',
  path: '/session',
  summary: 'Read who calls',
  description: 'Refused with auth/forbidden when the person has no role here.',
  tag,
  role: 'auditor',
  responses: { 200: OwnSession },
})

export const signOutSession = endpoint({
  operationId: 'signOutSession',
  method: 'DELETE',
  path: '/session',
  summary: 'Sign out of this browser',
  description:
    'With every code and token that was issued under the session; applications that want to know are told. For an API ' +
    'token and for commands it does nothing.',
  tag,
  role: 'any',
  responses: { 204: nothing },
})

export const confirmSession = endpoint({
  operationId: 'confirmSession',
  method: 'POST',
  path: '/session/confirm',
  summary: 'Confirm by password who sits in front of the browser',
  description:
    'Enough for dangerous acts of the next ten minutes, as signing in is. Refused with passwords/wrong, with ' +
    'passwords/too-many-guesses (wait for `retryAfterSeconds`), which counts together with all other guesses, and with ' +
    'auth/confirm-first for whoever has no password: sign in again at /signin/start?prompt=login&return_to=… instead. An API token has nothing to confirm: ' +
    'sessions/not-found.',
  tag,
  role: 'any',
  body: z.strictObject({ password: z.string().min(1).max(1_000).meta({ writeOnly: true }) }).meta({
    title: 'Confirmation',
    description: 'The password of the user who is signed in.',
    examples: [{ password: 'correct horse battery' }],
  }),
  responses: { 200: OwnSession },
})
