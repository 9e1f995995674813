/** Applications: the downstream apps that trust Muster, each an OpenID Connect client (http-api.md §4.6). */
import { z } from 'zod'
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
} from './formats.ts'
import { listOf, listQuery, organizationFilter } from './list.ts'

const LONGEST_URI = 2_000
const MOST_URIS = 50
const MOST_CONNECTIONS = 50

// ---- Addresses ------------------------------------------------------------------------------------------------------

/**
 * Compared byte for byte when somebody signs in (RFC 9700, section 2.1), so it is stored as it was given. Plain http only
 * for this machine; schemes of native apps are reverse domain names (RFC 8252, section 7.1), which nobody owns by accident.
 */
const RedirectUri = z
  .string()
  .max(LONGEST_URI)
  .refine(
    isRedirectUri,
    'https, http only for localhost, or an app scheme such as com.example.app:/callback; no fragment',
  )
  .meta({ description: 'Redirect URI, compared exactly.', examples: ['https://gitlab.example.com/callback'] })

const WebUri = z
  .string()
  .max(LONGEST_URI)
  .refine(isWebUri, 'An https address, or http for localhost; without user name and fragment')
  .meta({ description: 'Address.', examples: ['https://gitlab.example.com/logout'] })

const LogoUrl = z
  .string()
  .max(LONGEST_URI)
  .refine((text) => isWebUri(text) && text.startsWith('https:'), 'An https address')
  .meta({ description: 'Address of a square picture, https.', examples: ['https://gitlab.example.com/logo.png'] })

// ---- Claims ---------------------------------------------------------------------------------------------------------

const groupForm = z.enum(['name', 'id', 'path']).meta({
  description: 'How a department is written: its name, its id here, or its names from the root, as /Group/Team.',
})
const groupPrefix = z
  .string()
  .max(64)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'Without control characters')
  .meta({ description: 'Put before each group.' })
const groupFilter = z.array(DepartmentId).max(500).meta({
  description: 'Only these departments and what is below them; empty means all.',
})

export const ApplicationClaims = answer({
  groups: answer({
    form: groupForm.default('name'),
    prefix: groupPrefix.default(''),
    include: z.array(z.string()).default([]),
  }).prefault({}),
})

export type ApplicationClaims = z.output<typeof ApplicationClaims>

const ClaimsInput = z.strictObject({
  groups: clearable(
    z.strictObject({ form: clearable(groupForm), prefix: clearable(groupPrefix), include: clearable(groupFilter) }),
  ),
})

// ---- Application ----------------------------------------------------------------------------------------------------

export const Application = answer({
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
}).meta({
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
      claims: { groups: { form: 'name', prefix: '', include: [] } },
      logoUrl: null,
      enabled: true,
      createdAt: '2026-11-01T08:00:00.000Z',
      updatedAt: '2026-11-01T08:00:00.000Z',
    },
  ],
})

export type Application = z.output<typeof Application>

const redirectUris = z.array(RedirectUri).max(MOST_URIS)
const postLogoutRedirectUris = z.array(RedirectUri).max(MOST_URIS)
const connections = z.array(ConnectionReference).max(MOST_CONNECTIONS)

export const NewApplication = z
  .strictObject({
    organizationId: OrganizationId.optional(),
    name: line(128),
    public: z.boolean().default(false),
    redirectUris: redirectUris.default([]),
    postLogoutRedirectUris: postLogoutRedirectUris.default([]),
    backchannelLogoutUri: clearable(WebUri),
    connections: connections.default([]),
    skipSignInPage: z.boolean().default(false),
    passwordSignIn: z.boolean().default(true),
    mobile: z.boolean().default(false),
    pkceRequired: z.boolean().optional(),
    claims: clearable(ClaimsInput),
    logoUrl: clearable(LogoUrl),
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
    backchannelLogoutUri: clearable(WebUri),
    connections: connections.optional(),
    skipSignInPage: z.boolean().optional(),
    passwordSignIn: z.boolean().optional(),
    mobile: z.boolean().optional(),
    pkceRequired: z.boolean().optional(),
    claims: clearable(ClaimsInput),
    logoUrl: clearable(LogoUrl),
    enabled: z.boolean().optional(),
  })
  .meta({
    title: 'Application patch',
    description: 'Merge patch (RFC 7396): absent keeps, null clears. `public` is fixed.',
    examples: [{ enabled: false }],
  })

export type ApplicationPatch = z.output<typeof ApplicationPatch>

export const ApplicationWithSecret = Application.extend({
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
  description: 'The answer is the only place where its secret is shown.',
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
  description: 'Disabling it ends what was issued to it, at once.',
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

// ---- Checks ---------------------------------------------------------------------------------------------------------

const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]'])
/** Anything that a parser would drop, turn round or read in two ways. */
const SUSPICIOUS = /[\s\\#*\p{Cc}\p{Cs}\p{Cf}]/u

function isWebUri(text: string): boolean {
  const url = SUSPICIOUS.test(text) ? null : URL.parse(text)
  if (url === null || url.username !== '' || url.password !== '' || /^[a-z]+:\/\/[^/?]*@/i.test(text)) return false
  // The parser mends `https:example.com` and `https:///example.com`; whoever meant that host can write it properly.
  if (!/^https?:\/\/[^/?]/i.test(text)) return false
  return url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.has(url.hostname))
}

function isRedirectUri(text: string): boolean {
  if (/^https?:/i.test(text)) return isWebUri(text)
  return !SUSPICIOUS.test(text) && /^[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+:\/[^@]*$/.test(text) && URL.canParse(text)
}

/** Whether this address belongs to a native app. */
export function isAppScheme(redirectUri: string): boolean {
  return !/^https?:/i.test(redirectUri)
}
