/** The log of sign-ins: who came in, or did not, through which door and why (http-api.md §4.1). Read only. */
import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import { answer, ConnectionId, ConnectionReference, OrganizationId, SignInId, Timestamp, UserId } from './formats.ts'
import { formatFilter, listOrFileOf, listQuery, momentFilters, organizationFilter } from './list.ts'
import { Door } from './sessions.ts'

export const SignInOutcome = z.enum(['succeeded', 'refused', 'failed']).meta({
  description: 'refused: a rule says no. failed: the attempt broke, and nothing is said about the person.',
})

/** Permanent words; the page that the person saw has a sentence for each. */
export const SignInReason = z
  .enum([
    'not-a-member',
    'corp-not-authorised',
    'unreadable',
    'disabled-in-wecom',
    'left-wecom',
    'not-activated',
    'disabled',
    'deleted',
    'sign-in-off',
    'not-linked',
    'domain-not-allowed',
    'email-taken',
    'under-review',
    'cannot-create',
    'already-linked',
    'declined',
    'state-invalid',
    'expired',
    'code-rejected',
    'code-of-another-door',
    'number-wrong',
    'connection-unknown',
    'connection-changed',
    'too-many-attempts',
    'password-wrong',
    'password-throttled',
    'wecom-unavailable',
    'wecom-problem',
  ])
  .meta({ description: 'Why somebody did not get in; a word that does not change.' })

export type SignInReason = z.output<typeof SignInReason>
export type SignInOutcome = z.output<typeof SignInOutcome>

export const SignIn = answer({
  id: SignInId,
  at: Timestamp,
  organizationId: OrganizationId.nullable(),
  connectionId: ConnectionId.nullable().meta({ description: 'null for a password.' }),
  corpId: z.string().nullable().meta({
    description:
      'The company at whose door the person was. Of a native app that was refused before WeCom said anything, that of a self-built connection, else null.',
  }),
  userid: z.string().nullable().meta({ description: 'Of the member, once WeCom has said who it is.' }),
  userId: UserId.nullable().meta({ description: 'Whom it was about, where that is somebody here.' }),
  applicationId: z.string().nullable().meta({ description: 'null for a page of Muster.' }),
  door: Door.meta({ description: 'Where the person began.' }),
  outcome: SignInOutcome,
  reason: SignInReason.nullable(),
  problem: z.string().nullable().meta({ description: 'Code of the error, where WeCom or Muster had one.' }),
  referenceId: z.string().meta({ description: 'What the page showed to the person.' }),
  address: z.string().nullable().meta({ description: 'Where the browser was.' }),
}).meta({
  id: 'SignIn',
  title: 'Sign-in',
  description: 'One attempt to sign in that came to an end.',
  examples: [
    {
      id: 'sig_01jd3v0w6k9m2q4r8t0x5y7z1a',
      at: '2026-11-20T03:00:00.000Z',
      organizationId: 'org_01jd3v0w6k9m2q4r8t0x5y7z1d',
      connectionId: 'con_01jd3v0w6k9m2q4r8t0x5y7z1b',
      corpId: 'ww0123456789abcdef',
      userid: 'zhangsan',
      userId: null,
      applicationId: null,
      door: 'panel',
      outcome: 'refused',
      reason: 'not-linked',
      problem: null,
      referenceId: '4K7P-2MXQ-9R',
      address: '192.0.2.10',
    },
  ],
})

export type SignIn = z.output<typeof SignIn>

export const listSignIns = endpoint({
  operationId: 'listSignIns',
  method: 'GET',
  path: '/sign-ins',
  summary: 'List sign-ins',
  description: 'Newest first. `q` searches userids, reasons and reference ids.',
  tag: 'Sign-ins',
  role: 'auditor',
  query: listQuery({
    ...organizationFilter,
    connection: ConnectionReference.optional().meta({ description: 'Only through this connection.' }),
    userId: UserId.optional().meta({ description: 'Only of this user.' }),
    applicationId: z.string().max(64).optional().meta({ description: 'Only into this application.' }),
    outcome: SignInOutcome.optional().meta({ description: 'Only with this outcome.' }),
    reason: SignInReason.optional().meta({ description: 'Only for this reason.' }),
    referenceId: z.string().max(32).optional().meta({ description: 'The one that a page showed.' }),
    ...momentFilters,
    ...formatFilter,
  }),
  responses: { 200: listOrFileOf(SignIn) },
})
