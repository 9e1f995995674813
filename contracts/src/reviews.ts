/** Reviews: questions about members that sync does not decide by itself, and what a person decided. */
import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import {
  answer,
  byId,
  ConnectionId,
  ConnectionReference,
  OrganizationId,
  ReviewId,
  Timestamp,
  UserId,
} from './formats.ts'
import { listOf, listQuery, organizationFilter } from './list.ts'

export const ReviewReason = z.enum(['privileged', 'ambiguous', 'conflict', 'reused']).meta({
  description:
    'privileged: the signs point to an administrator or a break-glass account. ambiguous: they point to several users, or several members point to ' +
    'one, or somebody came back with nothing visible to be recognised by. conflict: they point to a user who belongs to ' +
    'another member. reused: the userid shows another person than the user who is linked to it.',
})

export type ReviewReason = z.output<typeof ReviewReason>

export const ReviewState = z.enum(['open', 'linked', 'created', 'ignored', 'outdated']).meta({
  description:
    'linked, created and ignored are what a person decided. outdated: a complete run found nothing to decide any more, ' +
    'because the member left or what was unclear became clear.',
})

export type ReviewState = z.output<typeof ReviewState>

const shown = z.string().nullable()

const ReviewedMember = answer({
  displayName: shown,
  bizMail: shown,
  email: shown,
  phone: shown.meta({ description: 'E.164.' }),
  title: shown,
  gender: z.enum(['male', 'female']).nullable(),
  isActive: z.boolean().nullable().meta({ description: 'Whether WeCom shows them as active, by the settings.' }),
  withheld: z
    .array(z.enum(['displayName', 'bizMail', 'email', 'phone', 'title', 'gender', 'isActive']))
    .meta({ description: 'What WeCom did not show at all; the others that are null are empty there.' }),
}).meta({ description: 'The member as WeCom showed them to the newest run that asked.' })

export const Review = answer({
  id: ReviewId,
  organizationId: OrganizationId,
  connectionId: ConnectionId,
  corpId: z.string(),
  userid: z.string().meta({ description: 'Of the member in WeCom.' }),
  memberName: z.string().meta({ description: 'As WeCom shows it; the userid where the name is withheld.' }),
  member: ReviewedMember,
  reason: ReviewReason,
  candidates: z.array(
    answer({
      userId: UserId,
      matchedOn: z.enum(['userid', 'username', 'email', 'phone']).meta({ description: 'What the two have in common.' }),
      userid: z
        .string()
        .nullable()
        .meta({ description: 'The member who the user is at present; linking takes the user away from them.' }),
    }),
  ),
  state: ReviewState,
  userId: UserId.nullable().meta({ description: 'Who the member is since the decision.' }),
  formerUserId: UserId.nullable().meta({ description: 'Who lost the userid by the decision.' }),
  resolvedBy: z.string().nullable(),
  resolvedAt: Timestamp.nullable(),
  createdAt: Timestamp,
}).meta({
  id: 'Review',
  title: 'Review',
  description: 'A member whom sync neither links nor creates before a person has decided.',
  examples: [
    {
      id: 'rev_01jd3v0w6k9m2q4r8t0x5y7z1a',
      organizationId: 'org_01jd3v0w6k9m2q4r8t0x5y7z1d',
      connectionId: 'con_01jd3v0w6k9m2q4r8t0x5y7z1b',
      corpId: 'ww0123456789abcdef',
      userid: 'zhangsan',
      memberName: '张三',
      member: {
        displayName: '张三',
        bizMail: 'zhangsan@corp.example',
        email: null,
        phone: null,
        title: '工程师',
        gender: 'male',
        isActive: true,
        withheld: ['phone'],
      },
      reason: 'privileged',
      candidates: [{ userId: 'usr_01jd3v0w6k9m2q4r8t0x5y7z1c', matchedOn: 'username', userid: null }],
      state: 'open',
      userId: null,
      formerUserId: null,
      resolvedBy: null,
      resolvedAt: null,
      createdAt: '2026-11-20T03:00:00.000Z',
    },
  ],
})

export type Review = z.output<typeof Review>

const examples = [
  { action: 'link', userId: 'usr_01jd3v0w6k9m2q4r8t0x5y7z1c' },
  { action: 'create' },
  { action: 'ignore' },
]

export const ReviewDecision = z
  .strictObject({
    action: z.enum(['link', 'create', 'ignore']),
    userId: UserId.optional().meta({ description: 'With `link`, and only there: who the member is.' }),
  })
  .refine(({ action, userId }) => (action === 'link') === (userId !== undefined), {
    path: ['userId'],
    message: 'Needed with `link`, and only there',
  })
  .meta({ title: 'Decision about a member', examples })

export type ReviewDecision = z.output<typeof ReviewDecision>

// ---- Endpoints ------------------------------------------------------------------------------------------------------

const tag = 'Reviews'

export const listReviews = endpoint({
  operationId: 'listReviews',
  method: 'GET',
  path: '/reviews',
  summary: 'List reviews',
  description: 'Newest first. `q` searches userids and names of members.',
  tag,
  role: 'auditor',
  query: listQuery({
    ...organizationFilter,
    connection: ConnectionReference.optional().meta({ description: 'Only of this connection.' }),
    state: ReviewState.optional(),
    reason: ReviewReason.optional(),
  }),
  responses: { 200: listOf(Review) },
})

export const getReview = endpoint({
  operationId: 'getReview',
  method: 'GET',
  path: '/reviews/:id',
  summary: 'Read a review',
  tag,
  role: 'auditor',
  params: byId,
  responses: { 200: Review },
})

export const resolveReview = endpoint({
  operationId: 'resolveReview',
  method: 'POST',
  path: '/reviews/:id/resolve',
  summary: 'Decide who a member is',
  description:
    '`link` binds the member to any living user of the organization without a link on this connection, or to a candidate ' +
    'in place of the member who the candidate is at present. `create` makes a new user. Both take effect at once with ' +
    'what WeCom showed to the newest run that asked; the next run compares again, and only a run disables somebody whom ' +
    'WeCom shows as disabled. Who loses the userid by it loses the link and is treated as a leaver (`users.onlyHere`). ' +
    '`ignore` leaves everything as it is, and the same question is not asked again. Only an owner may give a member an ' +
    "administrator's or a break-glass account, or take the userid from one. Refused with reviews/resolved when it was decided already, " +
    'reviews/changed, users/deleted, links/taken, and directory/email-taken when another user has the address.',
  tag,
  role: 'operator',
  params: byId,
  body: ReviewDecision,
  responses: { 200: Review },
})
