/**
 * Applications: who may ask Muster who somebody is. Their secrets are random, so a plain digest keeps them; they are shown
 * once. What an application was given is not kept here; disabling or deleting one ends it in the same transaction.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import {
  ApplicationClaims,
  isAppScheme,
  mergePatch,
  type ApplicationPatch,
  type NewApplication,
} from '@muster/contracts'
import type { Actor, Audit, AuditEntry } from '../audit/audit.ts'
import {
  insertRows,
  isOneOf,
  prepared,
  rememberingSettings,
  type Database,
  type Executor,
  type Row,
  type Transaction,
} from '../database/database.ts'
import { holdOrganization } from '../directory/organizations.ts'
import { contains } from '../directory/search.ts'
import { endApplicationAccess } from '../directory/sign-out.ts'
import { AppError, type FieldProblem } from '../errors.ts'
import type { NewId } from '../ids.ts'
import { parsedOnce } from '../parsed-once.ts'

/** Times are milliseconds since 1970. */
export interface Application {
  readonly id: string
  readonly organizationId: string
  readonly name: string
  readonly clientId: string
  readonly public: boolean
  readonly redirectUris: readonly string[]
  readonly postLogoutRedirectUris: readonly string[]
  readonly backchannelLogoutUri: string | null
  /** In the order in which they are offered. */
  readonly connections: readonly { readonly id: string; readonly identifier: string }[]
  readonly skipSignInPage: boolean
  readonly passwordSignIn: boolean
  readonly mobile: boolean
  readonly pkceRequired: boolean
  readonly claims: ApplicationClaims
  readonly logoUrl: string | null
  readonly enabled: boolean
  readonly createdAt: number
  readonly updatedAt: number
}

export interface ApplicationSecret {
  readonly id: string
  readonly createdAt: number
  readonly lastUsedAt: number | null
}

export type Applications = ReturnType<typeof createApplications>

const SECRET_BYTES = 32
/** One that is in use and one that takes its place. */
const MOST_SECRETS = 2
/** How exact `lastUsedAt` is; without it every token request would be one more write. */
const LAST_USE_PRECISION_MS = 60 * 60_000

export function createApplications({
  database,
  audit,
  newId,
  now,
  random = (bytes) => crypto.getRandomValues(bytes),
}: {
  database: Database
  audit: Audit
  newId: NewId
  now: () => number
  /** Fills the array with unpredictable bytes. */
  random?: (bytes: Uint8Array) => void
}) {
  const byClientId = rememberingSettings(database, async (clientId) => {
    const { rows } = await rowsByClientId(database, { clientId })
    const [row] = rows
    if (row === undefined) return undefined
    const connections = rows.flatMap(({ connection_id, identifier }) =>
      connection_id === null || identifier === null ? [] : [{ id: connection_id, identifier }],
    )
    return fromRow(row, connections)
  })
  const secretsById = rememberingSettings(database, async (id) => {
    const rows = await secretRows(database, id)
    return rows.length === 0 ? undefined : rows
  })

  return {
    /** @throws AppError `applications/not-found` */
    async get(id: string): Promise<Application> {
      return withConnections(database, await rowOf(database, id))
    },

    /**
     * As it is at this moment, enabled or not; undefined when no application has this client id. One statement at most,
     * because every request of the provider asks.
     */
    findByClientId: (clientId: string): Promise<Application | undefined> => byClientId(clientId),

    /** In the order of their creation. */
    async list(filter: { organizationId: string; q: string | null; limit: number; cursor: string | null }) {
      let all = database.kysely.selectFrom('applications').where('organization_id', '=', filter.organizationId)
      if (filter.q !== null) {
        const { q } = filter
        all = all.where(({ or }) => or([contains('name', q), contains('client_id', q)]))
      }
      const { total } = await all.select((eb) => eb.fn.countAll<number>().as('total')).executeTakeFirstOrThrow()
      let page = all
        .selectAll()
        .orderBy('id')
        .limit(filter.limit + 1)
      if (filter.cursor !== null) page = page.where('id', '>', filter.cursor)
      const rows = await page.execute()
      const items = await allWithConnections(database, rows.slice(0, filter.limit))
      return { items, hasMore: rows.length > filter.limit, total }
    },

    /**
     * @returns the application, and its secret in the clear, which is nowhere else; null for a public one
     * @throws AppError `organizations/not-found`, `connections/not-found`, `departments/not-found`, `http/validation`
     */
    async create(
      actor: Actor,
      organizationId: string,
      input: Omit<NewApplication, 'organizationId'>,
    ): Promise<{ application: Application; clientSecret: string | null }> {
      const at = now()
      const row: Row<'applications'> = {
        id: newId('app'),
        organization_id: organizationId,
        name: input.name,
        client_id: clientIdFor(input.name),
        is_public: flag(input.public),
        redirect_uris: JSON.stringify(input.redirectUris),
        post_logout_redirect_uris: JSON.stringify(input.postLogoutRedirectUris),
        backchannel_logout_uri: input.backchannelLogoutUri ?? null,
        skip_sign_in_page: flag(input.skipSignInPage),
        password_sign_in: flag(input.passwordSignIn),
        mobile: flag(input.mobile),
        pkce_required: flag(input.public || input.pkceRequired === true),
        claims: patchedClaims('{}', input.claims ?? {}),
        logo_url: input.logoUrl ?? null,
        enabled: flag(input.enabled),
        created_at: at,
        updated_at: at,
      }
      refuseContradictions(row, { pkceRequired: input.pkceRequired })
      const secret = input.public ? null : newSecret(row.id)
      return database.inTransaction(async (tx) => {
        await holdOrganization(tx, organizationId)
        await refuseMissingDepartments(tx, row, undefined)
        await insertRows(tx, 'applications', [row])
        await connect(tx, row, input.connections)
        if (secret !== null) await insertRows(tx, 'application_secrets', [secret.row])
        await audit.record(tx, actor, [entry('application.create', row, { public: input.public })])
        return { application: await withConnections(tx, row), clientSecret: secret?.clear ?? null }
      })
    },

    /**
     * A merge patch (RFC 7396).
     * @throws AppError `applications/not-found`, `connections/not-found`, `departments/not-found`, `http/validation`
     */
    update(actor: Actor, id: string, patch: ApplicationPatch): Promise<Application> {
      return database.inTransaction(async (tx) => {
        const current = await rowOf(tx, id, { lock: true })
        const next: Row<'applications'> = {
          ...current,
          name: patch.name ?? current.name,
          redirect_uris: patch.redirectUris ? JSON.stringify(patch.redirectUris) : current.redirect_uris,
          post_logout_redirect_uris: patch.postLogoutRedirectUris
            ? JSON.stringify(patch.postLogoutRedirectUris)
            : current.post_logout_redirect_uris,
          backchannel_logout_uri: cleared(patch.backchannelLogoutUri, current.backchannel_logout_uri),
          skip_sign_in_page: flagOr(patch.skipSignInPage, current.skip_sign_in_page),
          password_sign_in: flagOr(patch.passwordSignIn, current.password_sign_in),
          mobile: flagOr(patch.mobile, current.mobile),
          pkce_required: flagOr(patch.pkceRequired, current.pkce_required),
          claims: patchedClaims(current.claims, patch.claims),
          logo_url: cleared(patch.logoUrl, current.logo_url),
          enabled: flagOr(patch.enabled, current.enabled),
          updated_at: now(),
        }
        refuseContradictions(next, { pkceRequired: patch.pkceRequired })
        await refuseMissingDepartments(tx, next, current)
        await tx.kysely.updateTable('applications').set(next).where('id', '=', id).execute()
        if (patch.connections !== undefined) await connect(tx, next, patch.connections)
        if (current.enabled === 1 && next.enabled === 0) await endApplicationAccess(tx, id)
        await audit.record(tx, actor, [entry('application.update', next, { fields: Object.keys(patch) })])
        return withConnections(tx, next)
      })
    },

    /** @throws AppError `applications/not-found` */
    async remove(actor: Actor, id: string): Promise<void> {
      await database.inTransaction(async (tx) => {
        const row = await rowOf(tx, id, { lock: true })
        await endApplicationAccess(tx, id)
        await tx.kysely.deleteFrom('applications').where('id', '=', id).execute()
        await audit.record(tx, actor, [entry('application.delete', row, {})])
      })
    },

    /** The older one first. @throws AppError `applications/not-found` */
    async secretsOf(id: string): Promise<ApplicationSecret[]> {
      await rowOf(database, id)
      return (await secretRows(database, id)).map(secretFromRow)
    },

    /** @throws AppError `applications/not-found`, `applications/public`, `applications/too-many-secrets` */
    addSecret(actor: Actor, id: string): Promise<ApplicationSecret & { clientSecret: string }> {
      return database.inTransaction(async (tx) => {
        const row = await rowOf(tx, id, { lock: true })
        if (row.is_public === 1) throw new AppError('applications/public')
        if ((await secretRows(tx, id)).length >= MOST_SECRETS) throw new AppError('applications/too-many-secrets')
        const secret = newSecret(id)
        await insertRows(tx, 'application_secrets', [secret.row])
        await audit.record(tx, actor, [entry('application.secret-create', row, { secretId: secret.row.id })])
        return { ...secretFromRow(secret.row), clientSecret: secret.clear }
      })
    },

    /** @throws AppError `applications/not-found`, `applications/secret-not-found`, `applications/last-secret` */
    async removeSecret(actor: Actor, id: string, secretId: string): Promise<void> {
      await database.inTransaction(async (tx) => {
        const row = await rowOf(tx, id, { lock: true })
        const secrets = await secretRows(tx, id)
        if (!secrets.some((secret) => secret.id === secretId)) throw new AppError('applications/secret-not-found')
        if (secrets.length === 1) throw new AppError('applications/last-secret')
        await tx.kysely.deleteFrom('application_secrets').where('id', '=', secretId).execute()
        await audit.record(tx, actor, [entry('application.secret-delete', row, { secretId })])
      })
    },

    /** Whether this is one of the secrets of the application. Takes as long whichever it is. */
    async isSecret(id: string, given: string): Promise<boolean> {
      const wanted = digest(given)
      let found: Row<'application_secrets'> | undefined
      for (const secret of (await secretsById(id)) ?? []) {
        if (timingSafeEqual(Buffer.from(secret.secret_hash, 'hex'), wanted)) found = secret
      }
      if (found === undefined) return false
      const at = now()
      if (found.last_used_at === null || at - found.last_used_at >= LAST_USE_PRECISION_MS) {
        await database.kysely
          .updateTable('application_secrets')
          .set({ last_used_at: at })
          .where('id', '=', found.id)
          .execute()
      }
      return true
    },
  }

  function newSecret(applicationId: string): { clear: string; row: Row<'application_secrets'> } {
    const clear = `mas_${unguessable()}`
    const row = {
      id: newId('sec'),
      application_id: applicationId,
      secret_hash: digest(clear).toString('hex'),
      created_at: now(),
      last_used_at: null,
    }
    return { clear, row }
  }

  /** Public, but unique for ever and telling in a log: the name as far as it fits an address, and chance. */
  function clientIdFor(name: string): string {
    const readable = name
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-+|-+$/g, '')
      .slice(0, 24)
    return `${readable === '' ? 'app' : readable}-${unguessable()
      .slice(0, 16)
      .toLowerCase()
      .replace(/[^a-z0-9]/g, '0')}`
  }

  function unguessable(): string {
    const bytes = new Uint8Array(SECRET_BYTES)
    random(bytes)
    return Buffer.from(bytes).toString('base64url')
  }
}

/**
 * Puts these connections in the place of those that the application had.
 * @throws AppError `connections/not-found`; connections of other organizations do not exist for it
 */
async function connect(
  tx: Transaction,
  application: Row<'applications'>,
  references: readonly string[],
): Promise<void> {
  const found = await tx.kysely
    .selectFrom('connections')
    .select(['id', 'identifier'])
    .where('organization_id', '=', application.organization_id)
    .where(({ or }) => or([isOneOf(tx, 'id', references), isOneOf(tx, 'identifier', references)]))
    // A connection that is being removed must not get an application.
    .$if(tx.dialect === 'postgres', (query) => query.forKeyShare())
    .execute()
  const wanted = references.map((reference) =>
    found.find(({ id, identifier }) => id === reference || identifier === reference),
  )
  const fields = wanted.flatMap((connection, index) =>
    connection === undefined
      ? [{ path: `connections.${index}`, message: 'No such connection in this organization.' }]
      : [],
  )
  if (fields.length > 0) throw new AppError('connections/not-found', { fields })
  await tx.kysely.deleteFrom('application_connections').where('application_id', '=', application.id).execute()
  const ids = new Set(wanted.flatMap((connection) => connection?.id ?? []))
  await insertRows(
    tx,
    'application_connections',
    Array.from(ids, (connection_id, position) => ({ application_id: application.id, connection_id, position })),
  )
}

/** What each value alone allows and together they do not. */
function refuseContradictions(row: Row<'applications'>, asked: { pkceRequired: boolean | undefined }): void {
  const fields: FieldProblem[] = []
  if (row.is_public === 1 && asked.pkceRequired === false) {
    fields.push({ path: 'pkceRequired', message: 'A public application cannot do without PKCE.' })
  }
  if (row.is_public === 0 && row.mobile === 0) {
    for (const [field, column] of ADDRESSES) {
      for (const [index, address] of (JSON.parse(row[column]) as string[]).entries()) {
        if (!isAppScheme(address)) continue
        fields.push({
          path: `${field}.${index}`,
          message: 'Schemes of native apps are for public applications, or for those with mobile: true.',
        })
      }
    }
  }
  if (fields.length > 0) throw new AppError('http/validation', { fields })
}

const ADDRESSES = [
  ['redirectUris', 'redirect_uris'],
  ['postLogoutRedirectUris', 'post_logout_redirect_uris'],
] as const

/** A filter that names nothing shows nobody's groups, so a slip of the pen is refused; what went since may stay. */
async function refuseMissingDepartments(
  tx: Transaction,
  next: Row<'applications'>,
  current: Row<'applications'> | undefined,
): Promise<void> {
  const filterOf = ({ claims }: Row<'applications'>) => ApplicationClaims.parse(JSON.parse(claims)).groups.include
  const before = new Set(current === undefined ? [] : filterOf(current))
  const added = filterOf(next).filter((id) => !before.has(id))
  if (added.length === 0) return
  const rows = await tx.kysely
    .selectFrom('departments')
    .select('id')
    .where('organization_id', '=', next.organization_id)
    .where(isOneOf(tx, 'id', added))
    .execute()
  const found = new Set(rows.map(({ id }) => id))
  const fields = filterOf(next).flatMap((id, index) =>
    before.has(id) || found.has(id)
      ? []
      : [{ path: `claims.groups.include.${index}`, message: 'No such department in this organization.' }],
  )
  if (fields.length > 0) throw new AppError('departments/not-found', { fields })
}

const rowsByClientId = prepared((on, given: { clientId: string }) =>
  on.kysely
    .selectFrom('applications')
    .leftJoin('application_connections', 'application_connections.application_id', 'applications.id')
    .leftJoin('connections', 'connections.id', 'application_connections.connection_id')
    .selectAll('applications')
    .select(['connections.id as connection_id', 'connections.identifier'])
    .where('client_id', '=', given.clientId)
    .orderBy('application_connections.position'),
)

async function rowOf(on: Executor, id: string, { lock = false } = {}): Promise<Row<'applications'>> {
  const row = await on.kysely
    .selectFrom('applications')
    .selectAll()
    .where('id', '=', id)
    .$if(lock && on.dialect === 'postgres', (query) => query.forUpdate())
    .executeTakeFirst()
  if (row === undefined) throw new AppError('applications/not-found')
  return row
}

async function secretRows(on: Executor, applicationId: string): Promise<Row<'application_secrets'>[]> {
  return (await secretsOfApplication(on, { applicationId })).rows
}

const secretsOfApplication = prepared((on, given: { applicationId: string }) =>
  on.kysely
    .selectFrom('application_secrets')
    .selectAll()
    .where('application_id', '=', given.applicationId)
    .orderBy('id'),
)

async function withConnections(on: Executor, row: Row<'applications'>): Promise<Application> {
  return (await allWithConnections(on, [row]))[0]!
}

async function allWithConnections(on: Executor, rows: readonly Row<'applications'>[]): Promise<Application[]> {
  if (rows.length === 0) return []
  const connections = await on.kysely
    .selectFrom('application_connections')
    .innerJoin('connections', 'connections.id', 'application_connections.connection_id')
    .select(['application_id', 'connections.id', 'connections.identifier'])
    .where(
      isOneOf(
        on,
        'application_id',
        rows.map(({ id }) => id),
      ),
    )
    .orderBy('position')
    .execute()
  const byApplication = Map.groupBy(connections, ({ application_id }) => application_id)
  return rows.map((row) => fromRow(row, byApplication.get(row.id) ?? []))
}

function fromRow(row: Row<'applications'>, connections: readonly { id: string; identifier: string }[]): Application {
  return {
    id: row.id,
    organizationId: row.organization_id,
    name: row.name,
    clientId: row.client_id,
    public: row.is_public === 1,
    redirectUris: JSON.parse(row.redirect_uris) as string[],
    postLogoutRedirectUris: JSON.parse(row.post_logout_redirect_uris) as string[],
    backchannelLogoutUri: row.backchannel_logout_uri,
    connections: connections.map(({ id, identifier }) => ({ id, identifier })),
    skipSignInPage: row.skip_sign_in_page === 1,
    passwordSignIn: row.password_sign_in === 1,
    mobile: row.mobile === 1,
    pkceRequired: row.pkce_required === 1,
    claims: claimsFrom(row.claims),
    logoUrl: row.logo_url,
    enabled: row.enabled === 1,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}

const claimsFrom = parsedOnce((text) => ApplicationClaims.parse(JSON.parse(text)))

function secretFromRow(row: Row<'application_secrets'>): ApplicationSecret {
  return { id: row.id, createdAt: row.created_at, lastUsedAt: row.last_used_at }
}

/** @param patch null puts every setting back to its default */
function patchedClaims(stored: string, patch: NewApplication['claims']): string {
  const claims = patch === null ? {} : mergePatch(JSON.parse(stored), patch ?? {})
  return JSON.stringify(ApplicationClaims.parse(claims))
}

function digest(secret: string): Buffer {
  return createHash('sha256').update(secret, 'utf8').digest()
}

function flag(value: boolean): 0 | 1 {
  return value ? 1 : 0
}

function flagOr(value: boolean | undefined, current: number): number {
  return value === undefined ? current : flag(value)
}

function cleared(value: string | null | undefined, current: string | null): string | null {
  return value === undefined ? current : value
}

function entry(action: string, row: Row<'applications'>, details: Record<string, unknown>): AuditEntry {
  return {
    action,
    organizationId: row.organization_id,
    target: { kind: 'application', id: row.id, name: row.name },
    details,
  }
}
