/** Users: the accounts of our directory (http-api.md §4.5), whether sync made them or an administrator. */
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
  Role,
  RunId,
  Timestamp,
  UserId,
} from './formats.ts'
import { Link } from './links.ts'
import { listOf, listQuery, organizationFilter } from './list.ts'

// ---- Values ---------------------------------------------------------------------------------------------------------

const UserStatus = z.enum(['active', 'disabled', 'deleted'])
const UserOrigin = z.enum(['built_in', 'wecom'])

const username = z
  .string()
  .regex(/^[^\s\p{C}]{1,64}$/u, 'At most 64 characters without spaces')
  .meta({ description: 'Unique in the organization, ignoring case.', examples: ['zhangsan'] })
const displayName = line(128)
const password = z
  .string()
  .min(8)
  .max(256)
  .regex(/^[^\0\p{Cs}]*$/u, 'Without NUL and unpaired surrogates')
  .meta({
    description: 'Write-only. Neither trimmed nor cut off. Common ones and names are refused with passwords/weak.',
    writeOnly: true,
  })
const mustChangePassword = z.boolean()
const email = z
  .email({ pattern: z.regexes.unicodeEmail })
  .max(254)
  .meta({ description: 'Unique in the organization, ignoring case.', examples: ['zhangsan@corp.example'] })
const phone = z
  .string()
  .regex(/^\+?\d[\d -]{4,24}$/, 'A phone number such as +8613800000000')
  .meta({ description: 'Stored as E.164; without a country code, mainland China.', examples: ['+8613800000000'] })
const locale = z
  .string()
  .regex(/^[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}$/, 'A language tag such as zh-CN')
  .meta({ description: 'BCP 47.', examples: ['zh-CN'] })
const breakGlass = z
  .boolean()
  .meta({ description: 'Marks a built-in user as kept for emergencies. Only an owner may set it.' })
const departments = z
  .array(z.strictObject({ departmentId: DepartmentId, isMain: z.boolean().default(false) }))
  .max(100)
  .meta({ description: 'All memberships that were made by hand; those from WeCom stay as they are.' })

// ---- What is read ---------------------------------------------------------------------------------------------------

const Membership = answer({
  departmentId: DepartmentId,
  name: z.string().meta({ description: 'Of the department.' }),
  isMain: z.boolean(),
  order: z.int(),
  isLeader: z.boolean(),
  origin: z.enum(['wecom', 'manual']),
})

const WebAttribute = answer({ title: z.string(), url: z.string() })

export const User = answer({
  id: UserId,
  organizationId: OrganizationId,
  username: z.string(),
  displayName: z.string(),
  email: z.string().nullable(),
  emailVerified: z.boolean(),
  emailSource: z.enum(['biz_mail', 'email', 'mapped', 'synthetic', 'manual']).nullable().meta({
    description: '`mapped`: made by a rule of the field mapping. Neither it nor `synthetic` says who somebody is.',
  }),
  phone: z.string().nullable(),
  avatarUrl: z.string().nullable(),
  title: z.string().nullable(),
  gender: z.enum(['male', 'female']).nullable(),
  locale: z.string().nullable(),
  status: UserStatus,
  disabledBy: z
    .enum(['administrator', 'source'])
    .nullable()
    .meta({ description: 'Sync enables again only whom the source disabled.' }),
  origin: UserOrigin,
  role: Role.nullable().meta({ description: 'Role in Muster itself; see administrators.' }),
  breakGlass: z.boolean().meta({
    description: 'Kept for emergencies: no run links, disables or deletes the account, and only an owner changes it.',
  }),
  departments: z.array(Membership),
  directLeaderUserId: UserId.nullable(),
  attributes: z
    .record(z.string(), z.union([z.string(), WebAttribute]))
    .meta({ description: 'Custom attributes by name; a web attribute has a title and a URL.' }),
  hasPassword: z.boolean(),
  mustChangePassword: z
    .boolean()
    .meta({ description: 'Whether the next sign-in with the password asks for another one.' }),
  links: z.array(Link),
  lastSignInAt: Timestamp.nullable(),
  createdAt: Timestamp,
  updatedAt: Timestamp,
  deletedAt: Timestamp.nullable().meta({ description: 'Restorable for 30 days from then.' }),
}).meta({
  id: 'User',
  title: 'User',
  description: 'An account. Its id never changes, is never reused and is the OIDC subject.',
  examples: [
    {
      id: 'usr_01jd3v0w6k9m2q4r8t0x5y7z1a',
      organizationId: 'org_01jd3v0w6k9m2q4r8t0x5y7z1b',
      username: 'zhangsan',
      displayName: '张三',
      email: 'zhangsan@corp.example',
      emailVerified: false,
      emailSource: 'biz_mail',
      phone: '+8613800000000',
      avatarUrl: null,
      title: '工程师',
      gender: 'male',
      locale: null,
      status: 'active',
      disabledBy: null,
      origin: 'wecom',
      role: null,
      breakGlass: false,
      departments: [
        {
          departmentId: 'dep_01jd3v0w6k9m2q4r8t0x5y7z1c',
          name: '研发中心',
          isMain: true,
          order: 0,
          isLeader: false,
          origin: 'wecom',
        },
      ],
      directLeaderUserId: null,
      attributes: { 工号: 'E0001', 主页: { title: '张三', url: 'https://corp.example/zhangsan' } },
      hasPassword: false,
      mustChangePassword: false,
      links: [],
      lastSignInAt: null,
      createdAt: '2026-11-20T03:00:00.000Z',
      updatedAt: '2026-11-20T03:00:00.000Z',
      deletedAt: null,
    },
  ],
})

export type User = z.output<typeof User>

// ---- What is written ------------------------------------------------------------------------------------------------

export const NewUser = z
  .strictObject({
    organizationId: OrganizationId.optional().meta({ description: 'Without it, the organization `default`.' }),
    username,
    displayName,
    password: clearable(password),
    mustChangePassword: mustChangePassword.optional().meta({ description: 'Without it, false.' }),
    email: clearable(email),
    phone: clearable(phone),
    title: clearable(line(128)),
    locale: clearable(locale),
    breakGlass: breakGlass.optional(),
    departments: departments.optional(),
  })
  .meta({
    title: 'New user',
    description: 'A built-in user, which sync never touches.',
    examples: [
      {
        username: 'breakglass',
        displayName: 'Emergency access',
        password: 'correct horse battery staple',
        breakGlass: true,
      },
    ],
  })

export type NewUser = z.output<typeof NewUser>

export const UserPatch = z
  .strictObject({
    username: username.optional(),
    displayName: displayName.optional(),
    password: clearable(password),
    mustChangePassword: mustChangePassword
      .optional()
      .meta({ description: 'Without it, true when `password` is sent.' }),
    email: clearable(email),
    phone: clearable(phone),
    title: clearable(line(128)),
    locale: clearable(locale),
    breakGlass: breakGlass.optional(),
    status: z.enum(['active', 'disabled']).optional().meta({ description: '`disabled` ends all sessions at once.' }),
    departments: departments.optional(),
  })
  .meta({
    title: 'User patch',
    description: 'Merge patch (RFC 7396): absent keeps, null clears.',
    examples: [{ title: null, status: 'disabled' }],
  })

export type UserPatch = z.output<typeof UserPatch>

// ---- Endpoints ------------------------------------------------------------------------------------------------------

const tag = 'Users'

export const listUsers = endpoint({
  operationId: 'listUsers',
  method: 'GET',
  path: '/users',
  summary: 'List users',
  description:
    '`q` searches usernames, names, e-mail addresses and phone numbers; names also by pinyin (`zhangsan`) and its ' +
    'initials (`zs`), which are known about two seconds after somebody was created or renamed, and after a run rather ' +
    'than during it. With `q` what fits best comes first: the username itself, then whatever begins with the text.',
  tag,
  role: 'auditor',
  query: listQuery({
    ...organizationFilter,
    departmentId: DepartmentId.optional().meta({ description: 'Direct members of this department.' }),
    nested: z
      .enum(['true', 'false'])
      .default('false')
      .meta({ description: 'With `departmentId`: also the members of every department below it.' }),
    status: UserStatus.optional().meta({ description: 'Deleted users are listed only with `deleted`.' }),
    origin: UserOrigin.optional(),
    connection: ConnectionReference.optional().meta({ description: 'People linked through this connection.' }),
  }),
  responses: { 200: listOf(User) },
})

export const createUser = endpoint({
  operationId: 'createUser',
  method: 'POST',
  path: '/users',
  summary: 'Create a built-in user',
  description:
    'Refused with directory/built-in-off unless the organization allows built-in users, with directory/username-taken ' +
    'and with directory/email-taken. Only an owner may mark a user as break-glass.',
  tag,
  role: 'operator',
  body: NewUser,
  responses: { 201: User },
})

export const getUser = endpoint({
  operationId: 'getUser',
  method: 'GET',
  path: '/users/:id',
  summary: 'Read a user',
  tag,
  role: 'auditor',
  params: byId,
  responses: { 200: User },
})

export const updateUser = endpoint({
  operationId: 'updateUser',
  method: 'PATCH',
  path: '/users/:id',
  summary: 'Change a user',
  description:
    'Fields that WeCom owns are refused with directory/source-owned; of people who only come through a provider it owns ' +
    'none. Only an owner may change an administrator or a break-glass account, and the last owner stays one that can ' +
    'sign in (users/last-owner). Only a built-in user can be break-glass (users/not-built-in). A new password ends all ' +
    'sessions, lifts the lock of wrong guesses, and has to be changed by the user at the next sign-in.',
  tag,
  role: 'operator',
  params: byId,
  body: UserPatch,
  responses: { 200: User },
})

export const deleteUser = endpoint({
  operationId: 'deleteUser',
  method: 'DELETE',
  path: '/users/:id',
  summary: 'Delete a user',
  description:
    'Restorable for 30 days. Ends all sessions at once. Only an owner may delete an administrator or a break-glass account.',
  tag,
  role: 'operator',
  params: byId,
  responses: { 204: nothing },
})

export const restoreUser = endpoint({
  operationId: 'restoreUser',
  method: 'POST',
  path: '/users/:id/restore',
  summary: 'Restore a deleted user',
  description: 'Refused with users/not-deleted, and when somebody else has the username or the address by now.',
  tag,
  role: 'operator',
  params: byId,
  responses: { 200: User },
})

export const signOutUser = endpoint({
  operationId: 'signOutUser',
  method: 'POST',
  path: '/users/:id/sign-out',
  summary: 'Sign a user out everywhere',
  description:
    'Ends sessions, codes and refresh tokens. The user may sign in again. Only an owner may do it to an administrator.',
  tag,
  role: 'operator',
  params: byId,
  responses: { 204: nothing },
})

// ---- Timeline -------------------------------------------------------------------------------------------------------

export const TimelineEntry = answer({
  id: z.string().meta({ description: 'Of the change, the audit entry or the link that tells it.' }),
  at: Timestamp.meta({ description: 'What a run did carries the time at which the run began.' }),
  kind: z.enum(['read', 'scope', 'match', 'decide', 'write', 'sign_in', 'administration']).meta({
    description:
      'read, match, decide and write are what runs did: could not read the person, bound them to a member, decided not to ' +
      'do something, or did it. administration is what somebody did through the API; sign_in that they came in, or were not let in.',
  }),
  summary: z.string().meta({ description: 'One sentence in the language of the request.' }),
  connectionId: ConnectionId.nullable(),
  runId: RunId.nullable(),
  actor: answer({ kind: z.string(), id: z.string().nullable(), name: z.string().nullable() })
    .nullable()
    .meta({ description: 'Who did it; null for what sync did.' }),
  before: z.record(z.string(), z.unknown()).nullable().meta({ description: 'Only the fields that differ.' }),
  after: z.record(z.string(), z.unknown()).nullable().meta({ description: 'Only the fields that differ.' }),
  details: z.record(z.string(), z.unknown()).meta({ description: 'Facts about this entry, by their name.' }),
}).meta({
  id: 'TimelineEntry',
  title: 'Timeline entry',
  description: 'One thing that happened to a person.',
  examples: [
    {
      id: 'chg_01jd3v0w6k9m2q4r8t0x5y7z1a_3',
      at: '2026-11-20T03:00:00.000Z',
      kind: 'write',
      summary: 'A run changed title from “工程师” to “高级工程师”.',
      connectionId: 'con_01jd3v0w6k9m2q4r8t0x5y7z1c',
      runId: 'run_01jd3v0w6k9m2q4r8t0x5y7z1a',
      actor: null,
      before: { title: '工程师' },
      after: { title: '高级工程师' },
      details: { entity: 'user', action: 'update', state: 'applied', reason: null },
    },
  ],
})

export type TimelineEntry = z.output<typeof TimelineEntry>

export const getUserTimeline = endpoint({
  operationId: 'getUserTimeline',
  method: 'GET',
  path: '/users/:id/timeline',
  summary: 'Read what happened to a user',
  description:
    'Newest first: what runs did and did not do with this person, what administrators did, and sign-ins. Previews are ' +
    'left out. `q` searches actions, reasons, actors and what was changed.',
  tag,
  role: 'auditor',
  params: byId,
  query: listQuery({}),
  responses: { 200: listOf(TimelineEntry) },
})
