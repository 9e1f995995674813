/** Applications: the downstream apps that trust Muster, each an OpenID Connect client (http-api.md §4.6). */
import { z } from 'zod'
import { httpsAddressProblem, redirectUriProblem, webAddressProblem } from './addresses.ts'
import { endpoint } from './endpoint.ts'
import {
  answer,
  ApplicationId,
  byId,
  clearable,
  ConnectionReference,
  DepartmentId,
  line,
  nothing,
  OrganizationId,
  Timestamp,
  UserId,
} from './formats.ts'
import { listOf, listQuery, organizationFilter } from './list.ts'

const LONGEST_URI = 2_000
const MOST_URIS = 50
const MOST_CONNECTIONS = 50

// ---- Addresses ------------------------------------------------------------------------------------------------------

const redirectUri = address(redirectUriProblem).meta({
  description:
    'Redirect URI, compared character by character: https, http for this machine only, or the scheme of a native app, ' +
    'which needs a public application or one with `mobile`. No fragment, no user name, no wildcard.',
  examples: ['https://gitlab.example.com/users/auth/openid_connect/callback'],
})

const logoutUri = address(webAddressProblem).meta({
  description: 'Told when somebody signs out or loses access (OpenID Connect Back-Channel Logout 1.0).',
  examples: ['https://gitlab.example.com/backchannel-logout'],
})

const logoUrl = address(httpsAddressProblem).meta({
  description: 'Address of a square picture, https. Browsers load it, Muster does not.',
  examples: ['https://gitlab.example.com/logo.png'],
})

/** @param problemOf why a text is none, or null */
function address(problemOf: (text: string) => string | null) {
  return z
    .string()
    .max(LONGEST_URI)
    .superRefine((text, context) => {
      const message = problemOf(text)
      if (message !== null) context.addIssue({ code: 'custom', message })
    })
}

// ---- Claims ---------------------------------------------------------------------------------------------------------

const groupForm = z.enum(['name', 'id', 'path']).meta({
  description:
    'How a department is written: its name, its id here, or its names from the root, as /Group/Team, where a slash inside a name is \\/.',
})
const groupPrefix = z
  .string()
  .max(64)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'Without control characters')
  .meta({ description: 'Put before each group.' })
const groupFilter = z.array(DepartmentId).max(500).meta({
  description: 'Only these departments and what is below them; empty means all.',
})

/** What an application may ask for besides who somebody is. Stored with it, so that a scope that comes later is not given to those that exist. */
const claimScope = z.enum(['profile', 'email', 'phone', 'groups', 'wecom'])
const claimScopes = z
  .array(claimScope)
  .max(claimScope.options.length)
  .meta({ description: 'Scopes that the application may use besides openid; it is told nothing of the others.' })

export const ApplicationClaims = answer({
  scopes: claimScopes.default(() => [...claimScope.options]),
  groups: answer({
    form: groupForm.default('name'),
    prefix: groupPrefix.default(''),
    include: z.array(z.string()).default([]),
  }).prefault({}),
})

export type ApplicationClaims = z.output<typeof ApplicationClaims>

const ClaimsInput = z.strictObject({
  scopes: clearable(claimScopes),
  groups: clearable(
    z.strictObject({ form: clearable(groupForm), prefix: clearable(groupPrefix), include: clearable(groupFilter) }),
  ),
})

// ---- Application ----------------------------------------------------------------------------------------------------

const applicationFields = {
  id: ApplicationId,
  organizationId: OrganizationId,
  name: z.string(),
  clientId: z.string(),
  public: z.boolean().meta({ description: 'Has no secret: a browser app or a native one. Fixed when it is created.' }),
  redirectUris: z.array(z.string()),
  postLogoutRedirectUris: z.array(z.string()),
  backchannelLogoutUri: z.string().nullable(),
  connections: z
    .array(z.string())
    .meta({ description: 'Identifiers of the connections its people may use, in order.' }),
  skipSignInPage: z.boolean().meta({ description: 'Goes straight to the only connection.' }),
  passwordSignIn: z.boolean().meta({ description: 'Built-in users may sign in with their password.' }),
  mobile: z.boolean().meta({ description: 'May exchange codes of the mobile SDK at the token endpoint.' }),
  pkceRequired: z.boolean().meta({ description: 'Always true for public applications.' }),
  claims: ApplicationClaims,
  logoUrl: z.string().nullable(),
  enabled: z.boolean(),
  createdAt: Timestamp,
  updatedAt: Timestamp,
}

export const Application = answer(applicationFields).meta({
  id: 'Application',
  title: 'Application',
  description: 'A downstream app that trusts Muster.',
  examples: [
    {
      id: 'app_01jd3v0w6k9m2q4r8t0x5y7z1a',
      organizationId: 'org_01jd3v0w6k9m2q4r8t0x5y7z1b',
      name: 'GitLab',
      clientId: 'gitlab-3k9m2q4r8t0x5y7z',
      public: false,
      redirectUris: ['https://gitlab.example.com/users/auth/openid_connect/callback'],
      postLogoutRedirectUris: [],
      backchannelLogoutUri: null,
      connections: ['hq'],
      skipSignInPage: false,
      passwordSignIn: true,
      mobile: false,
      pkceRequired: false,
      claims: ApplicationClaims.parse({}),
      logoUrl: null,
      enabled: true,
      createdAt: '2026-11-01T08:00:00.000Z',
      updatedAt: '2026-11-01T08:00:00.000Z',
    },
  ],
})

export type Application = z.output<typeof Application>

const redirectUris = z.array(redirectUri).max(MOST_URIS)
const postLogoutRedirectUris = z.array(redirectUri).max(MOST_URIS)
const connections = z
  .array(ConnectionReference)
  .max(MOST_CONNECTIONS)
  .meta({ description: 'Identifiers or ids of connections of the same organization, in the order of the buttons.' })
const pkceRequired = z
  .boolean()
  .meta({ description: 'A public application always needs it; a challenge that was sent is enforced in any case.' })

export const NewApplication = z
  .strictObject({
    organizationId: OrganizationId.optional().meta({ description: 'Without it, the organization `default`.' }),
    name: line(128),
    public: z.boolean().default(false),
    redirectUris: redirectUris.default([]),
    postLogoutRedirectUris: postLogoutRedirectUris.default([]),
    backchannelLogoutUri: clearable(logoutUri),
    connections: connections.default([]),
    skipSignInPage: z.boolean().default(false),
    passwordSignIn: z.boolean().default(true),
    mobile: z.boolean().default(false),
    pkceRequired: pkceRequired.optional(),
    claims: clearable(ClaimsInput),
    logoUrl: clearable(logoUrl),
    enabled: z.boolean().default(true),
  })
  .meta({
    title: 'New application',
    examples: [{ name: 'GitLab', redirectUris: ['https://gitlab.example.com/callback'], connections: ['hq'] }],
  })

export type NewApplication = z.output<typeof NewApplication>

export const ApplicationPatch = z
  .strictObject({
    name: line(128).optional(),
    redirectUris: redirectUris.optional(),
    postLogoutRedirectUris: postLogoutRedirectUris.optional(),
    backchannelLogoutUri: clearable(logoutUri),
    connections: connections.optional(),
    skipSignInPage: z.boolean().optional(),
    passwordSignIn: z.boolean().optional(),
    mobile: z.boolean().optional(),
    pkceRequired: pkceRequired.optional(),
    claims: clearable(ClaimsInput),
    logoUrl: clearable(logoUrl),
    enabled: z.boolean().optional(),
  })
  .meta({
    title: 'Application patch',
    description: 'Merge patch (RFC 7396): absent keeps, null clears. `public` is fixed.',
    examples: [{ enabled: false }],
  })

export type ApplicationPatch = z.output<typeof ApplicationPatch>

export const ApplicationWithSecret = answer({
  ...applicationFields,
  clientSecret: z.string().nullable().meta({ description: 'Shown once. Null for a public application.' }),
}).meta({ id: 'ApplicationWithSecret', title: 'Application with its secret' })

export const ApplicationSecret = answer({
  id: z.string(),
  createdAt: Timestamp,
  lastUsedAt: Timestamp.nullable(),
}).meta({ id: 'ApplicationSecret', title: 'Application secret', description: 'Without the secret itself.' })

export const NewApplicationSecret = answer({
  id: z.string(),
  clientSecret: z.string().meta({ description: 'Shown once.' }),
  createdAt: Timestamp,
}).meta({ id: 'NewApplicationSecret', title: 'New application secret' })

// ---- Endpoints ------------------------------------------------------------------------------------------------------

const tag = 'Applications'

export const listApplications = endpoint({
  operationId: 'listApplications',
  method: 'GET',
  path: '/applications',
  summary: 'List applications',
  tag,
  role: 'auditor',
  query: listQuery({ ...organizationFilter }),
  responses: { 200: listOf(Application) },
})

export const createApplication = endpoint({
  operationId: 'createApplication',
  method: 'POST',
  path: '/applications',
  summary: 'Create an application',
  description:
    'The answer is the only place where its secret is shown. Refused with connections/not-found and ' +
    'departments/not-found when it names one that the organization does not have.',
  tag,
  role: 'owner',
  body: NewApplication,
  responses: { 201: ApplicationWithSecret },
})

export const getApplication = endpoint({
  operationId: 'getApplication',
  method: 'GET',
  path: '/applications/:id',
  summary: 'Read an application',
  tag,
  role: 'auditor',
  params: byId,
  responses: { 200: Application },
})

export const updateApplication = endpoint({
  operationId: 'updateApplication',
  method: 'PATCH',
  path: '/applications/:id',
  summary: 'Change an application',
  description:
    'Disabling it ends what was issued to it, at once. Refused with connections/not-found and departments/not-found.',
  tag,
  role: 'owner',
  params: byId,
  body: ApplicationPatch,
  responses: { 200: Application },
})

export const deleteApplication = endpoint({
  operationId: 'deleteApplication',
  method: 'DELETE',
  path: '/applications/:id',
  summary: 'Delete an application',
  description: 'What was issued to it ends at once.',
  tag,
  role: 'owner',
  confirm: true,
  params: byId,
  responses: { 204: nothing },
})

export const listApplicationSecrets = endpoint({
  operationId: 'listApplicationSecrets',
  method: 'GET',
  path: '/applications/:id/secrets',
  summary: 'List the secrets of an application',
  tag,
  role: 'auditor',
  params: byId,
  query: listQuery({}).pick({ limit: true, cursor: true }),
  responses: { 200: listOf(ApplicationSecret) },
})

export const createApplicationSecret = endpoint({
  operationId: 'createApplicationSecret',
  method: 'POST',
  path: '/applications/:id/secrets',
  summary: 'Add a secret to an application',
  description:
    'Both are good until the old one is deleted. Refused with applications/too-many-secrets when there are two, and with ' +
    'applications/public for a public application.',
  tag,
  role: 'owner',
  confirm: true,
  params: byId,
  responses: { 201: NewApplicationSecret },
})

export const deleteApplicationSecret = endpoint({
  operationId: 'deleteApplicationSecret',
  method: 'DELETE',
  path: '/applications/:id/secrets/:secretId',
  summary: 'Delete a secret of an application',
  description: 'It stops working at once. Refused with applications/last-secret.',
  tag,
  role: 'owner',
  params: byId.extend({ secretId: z.string().min(1).max(64) }),
  responses: { 204: nothing },
})

// ---- Claim preview --------------------------------------------------------------------------------------------------

export const ClaimPreview = answer({
  scopes: z
    .array(z.string())
    .meta({ description: 'What would be granted: what was asked for, as far as it is allowed.' }),
  idToken: z
    .record(z.string(), z.unknown())
    .nullable()
    .meta({
      description:
        'Who issues it, for whom, and what it says about the person; times, `nonce` and the like come with a real one. ' +
        'null when applications are told nothing about this person.',
    }),
  userinfo: z
    .record(z.string(), z.unknown())
    .nullable()
    .meta({ description: 'Answer of the userinfo endpoint; null like the ID token.' }),
  admitted: z
    .boolean()
    .meta({ description: 'Whether the person could sign in to it as far as Muster knows; WeCom may still say no.' }),
  refusal: answer({
    code: z.string().meta({ description: 'Does not change.' }),
    title: z.string(),
    detail: z.string(),
  })
    .nullable()
    .meta({ description: 'Why they could not, in the language of the request.' }),
}).meta({
  id: 'ClaimPreview',
  title: 'Claim preview',
  description: 'What an application would be told about a person.',
  examples: [
    {
      scopes: ['openid', 'profile'],
      idToken: {
        iss: 'https://muster.example.com/oidc',
        aud: 'gitlab-3k9m2q4r8t0x5y7z',
        sub: 'usr_01jd3v0w6k9m2q4r8t0x5y7z1a',
        name: '张三',
        preferred_username: 'zhangsan',
      },
      userinfo: { sub: 'usr_01jd3v0w6k9m2q4r8t0x5y7z1a', name: '张三', preferred_username: 'zhangsan' },
      admitted: true,
      refusal: null,
    },
  ],
})

export type ClaimPreview = z.output<typeof ClaimPreview>

export const previewClaims = endpoint({
  operationId: 'previewClaims',
  method: 'POST',
  path: '/applications/:id/claim-previews',
  summary: 'Say what an application would be told about a person',
  description:
    'By the same rules as a real sign-in, with the settings as they are saved. Issues no code and no token. Refused with ' +
    'users/not-found for people of another organization.',
  tag,
  role: 'auditor',
  params: byId,
  body: z
    .strictObject({
      userId: UserId,
      scope: z
        .string()
        .max(500)
        .regex(/^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/, 'Scopes, with one space between them')
        .optional()
        .meta({
          description: 'As an application sends it; `openid` is added. Without it, everything that it may ask for.',
          examples: ['openid profile email'],
        }),
    })
    .meta({ title: 'Claims to preview', examples: [{ userId: 'usr_01jd3v0w6k9m2q4r8t0x5y7z1a' }] }),
  responses: { 200: ClaimPreview },
})
