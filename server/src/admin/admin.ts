/** The admin API: who calls, every group of routes, and the OpenAPI document made from the same contracts. */
import swagger from '@fastify/swagger'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod'
import type { Applications } from '../applications/applications.ts'
import type { Audit } from '../audit/audit.ts'
import type { Tallies } from '../audit/tallies.ts'
import type { Connections } from '../connections/connections.ts'
import type { Corps } from '../connections/suites/corps.ts'
import type { Installations } from '../connections/suites/installations.ts'
import type { SuiteTickets } from '../connections/suites/tickets.ts'
import type { Snapshot } from '../database/backup.ts'
import type { Doctor } from '../connections/doctor/doctor.ts'
import type { VerificationFiles } from '../connections/verification-files.ts'
import type { Departments } from '../directory/departments.ts'
import type { Links } from '../directory/links.ts'
import type { Organizations } from '../directory/organizations.ts'
import type { PasswordProof } from '../directory/password-proof.ts'
import type { Populations } from '../directory/population.ts'
import type { Users } from '../directory/users.ts'
import { AppError, type Language } from '../errors.ts'
import type { Events } from '../events/events.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { Decisions } from '../sync/decisions.ts'
import type { Explain } from '../sync/explain.ts'
import type { SignIns } from '../signin/sign-ins.ts'
import type { ClaimPreviews } from '../oidc/claim-previews.ts'
import type { History } from '../sync/history.ts'
import type { Oidc } from '../oidc/oidc.ts'
import type { Reviews } from '../sync/reviews.ts'
import type { Runs } from '../sync/runs.ts'
import type { MappingSamples } from '../sync/sample.ts'
import type { Sync } from '../sync/sync.ts'
import type { Timeline } from '../sync/timeline.ts'
import type { Access } from './access.ts'
import { administratorRoutes } from './administrators.ts'
import { apiTokenRoutes } from './api-tokens.ts'
import { applicationRoutes } from './applications.ts'
import { auditRoutes } from './audit.ts'
import { backupRoutes } from './backup.ts'
import { connectionRoutes } from './connections.ts'
import { corpRoutes } from './corps.ts'
import { departmentRoutes } from './departments.ts'
import { eventRoutes } from './events.ts'
import { explanationRoutes } from './explanations.ts'
import { linkRoutes } from './links.ts'
import { mappingRoutes } from './mapping.ts'
import { organizationRoutes } from './organizations.ts'
import { previewRoutes } from './previews.ts'
import { overviewRoutes } from './overview.ts'
import { reviewRoutes } from './reviews.ts'
import { mountRoutes, type Caller } from './routes.ts'
import { runRoutes } from './runs.ts'
import { ownSessionRoutes } from './session.ts'
import { sessionRoutes } from './sessions.ts'
import { setupRoutes, type Setup } from './setup.ts'
import { signInRoutes } from './sign-ins.ts'
import { signingKeyRoutes } from './signing-keys.ts'
import { userRoutes } from './users.ts'
import { verificationFileRoutes } from './verification-files.ts'

export interface AdminParts {
  readonly access: Access
  /** Whether a request came through the door for commands on this machine. */
  readonly isLocal: (request: FastifyRequest) => boolean
  readonly languageOf: (request: FastifyRequest) => Language
  readonly applications: Applications
  readonly audit: Audit
  readonly claimPreviews: ClaimPreviews
  readonly connections: Connections
  readonly corps: Corps
  readonly decisions: Decisions
  readonly departments: Departments
  readonly doctor: Doctor
  readonly events: Events
  readonly explain: Explain
  readonly history: History
  readonly installations: Installations
  readonly links: Links
  readonly mappingSamples: MappingSamples
  readonly oidc: Pick<Oidc, 'listKeys' | 'rotateKeys'>
  readonly organizations: Organizations
  readonly passwords: PasswordProof
  readonly populations: Populations
  readonly reviews: Reviews
  readonly runs: Runs
  readonly signIns: SignIns
  readonly sessions: Sessions
  readonly setup: Setup
  readonly suiteTickets: SuiteTickets
  readonly sync: Sync
  /** Copies the file of the database into the data directory. */
  readonly takeSnapshot: () => Promise<Snapshot>
  readonly tallies: Tallies
  readonly timeline: Timeline
  readonly users: Users
  readonly verificationFiles: VerificationFiles
  readonly now: () => number
  readonly publicUrl: string
  /** Of Muster. */
  readonly version: string
  readonly environmentRedirectUrl: string | undefined
}

export function createAdminApi(parts: AdminParts) {
  const routes = [
    ...setupRoutes(parts),
    ...overviewRoutes(parts),
    ...organizationRoutes(parts),
    ...connectionRoutes(parts),
    ...corpRoutes(parts),
    ...mappingRoutes(parts),
    ...previewRoutes(parts),
    ...verificationFileRoutes(parts),
    ...runRoutes(parts),
    ...explanationRoutes(parts),
    ...userRoutes(parts),
    ...ownSessionRoutes(parts),
    ...sessionRoutes(parts),
    ...departmentRoutes(parts),
    ...linkRoutes(parts),
    ...reviewRoutes(parts),
    ...applicationRoutes(parts),
    ...signingKeyRoutes(parts),
    ...apiTokenRoutes(parts),
    ...administratorRoutes(parts),
    ...signInRoutes(parts),
    ...eventRoutes(parts),
    ...auditRoutes(parts),
    ...backupRoutes(parts),
  ]

  return async function adminApi(api: FastifyInstance): Promise<void> {
    await api.register(swagger, {
      openapi: {
        openapi: '3.1.0',
        info: { title: 'Muster admin API', version: '1' },
        servers: [{ url: parts.publicUrl }],
        components: {
          securitySchemes: {
            token: { type: 'http', scheme: 'bearer' },
            session: { type: 'apiKey', in: 'cookie', name: parts.sessions.cookieName },
          },
        },
        security: [{ token: [] }, { session: [] }],
      },
      transform: jsonSchemaTransform,
      transformObject: jsonSchemaTransformObject,
    })
    api.get('/openapi.json', { schema: { hide: true } }, async () => api.swagger())
    mountRoutes(api, routes, {
      authenticate,
      isConfirmed: (session) => parts.sessions.confirmationOf(session).until !== null,
      languageOf: parts.languageOf,
    })
  }

  async function authenticate(request: FastifyRequest): Promise<Caller | undefined> {
    if (parts.isLocal(request)) {
      const actor = { kind: 'local', id: null, name: 'local', address: null, requestId: null } as const
      return { actor, role: 'owner', session: null }
    }
    if (request.headers.authorization !== undefined) {
      const [, token] = /^Bearer +(\S+)$/i.exec(request.headers.authorization) ?? []
      return token === undefined ? undefined : parts.access.authenticate(token)
    }
    const session = await parts.sessions.find(parts.sessions.cookieOf(request))
    if (session === undefined) return undefined
    // A browser sends the cookie with whatever any page makes it send.
    if (!parts.sessions.isOurPage(request)) throw new AppError('auth/other-origin')
    return parts.access.authenticateUser(session)
  }
}
