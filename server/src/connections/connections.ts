/**
 * Our links to WeCom: settings, sealed secrets, who owns sync. Secrets go in and come out only as a WeCom client.
 * Shapes are those of http-api.md §4.2; rendering them for the API is admin/connections.ts.
 */
import { createHash } from 'node:crypto'
import {
  mergePatch,
  readMapping,
  SignInSettings,
  SyncSettings,
  type ConnectionPatch,
  type MappingEntry,
  type NewConnection,
} from '@muster/contracts'
import type { Actor, Audit } from '../audit/audit.ts'
import {
  insertRows,
  isUniqueViolation,
  type Database,
  type Executor,
  type Row,
  type Transaction,
} from '../database/database.ts'
import { contains } from '../directory/search.ts'
import { signOutWithoutDoor } from '../directory/sign-out.ts'
import { AppError, type FieldProblem, type Text } from '../errors.ts'
import type { NewId } from '../ids.ts'
import { Secret } from '../secret.ts'
import type { Vault } from '../vault.ts'
import { dueAfterSaving } from './due-runs.ts'

export type ConnectionKind = 'self_built' | 'delegated' | 'service_provider'

export interface Mobile {
  readonly schema: string | null
  readonly iosBundleId: string | null
  readonly androidPackage: string | null
  readonly androidSignature: string | null
}

/** A connection without its secrets. Times are milliseconds since 1970. */
export interface Connection {
  readonly id: string
  readonly organizationId: string
  readonly identifier: string
  readonly kind: ConnectionKind
  readonly displayName: string
  readonly corpId: string | null
  readonly agentId: number | null
  readonly suiteId: string | null
  readonly providerCorpId: string | null
  readonly has: Readonly<Record<SecretName, boolean>>
  readonly mobile: Mobile
  readonly signIn: SignInSettings
  readonly sync: SyncSettings
  /** When the schedule is due; null when nothing is scheduled or sync is disabled. */
  readonly nextRunAt: number | null
  readonly managedByEnvironment: boolean
  readonly createdAt: number
  readonly updatedAt: number
}

/** The secrets of a connection and the columns they are sealed in. */
const SECRET_COLUMNS = {
  secret: 'secret_sealed',
  contactsSecret: 'contacts_secret_sealed',
  suiteSecret: 'suite_secret_sealed',
  providerSecret: 'provider_secret_sealed',
  callbackToken: 'callback_token_sealed',
  callbackAesKey: 'callback_aes_key_sealed',
} as const satisfies Record<string, keyof Row<'connections'>>

export type SecretName = keyof typeof SECRET_COLUMNS

/** The connection that the environment describes (product.md §2.1). */
export interface EnvironmentConnection {
  readonly corpId: string
  readonly secret: Secret
  readonly agentId: number
  readonly allowedDomains: readonly string[]
}

export const ENVIRONMENT_IDENTIFIER = 'wecom'

export type Connections = ReturnType<typeof createConnections>

export interface ConnectionsParts {
  readonly database: Database
  readonly vault: Vault
  readonly audit: Audit
  readonly newId: NewId
  readonly now: () => number
  /** Told inside the transaction that changes a connection, so that a run under way cannot miss it. */
  readonly onUpdate?: (tx: Transaction, actor: Actor, before: Connection, after: Connection) => Promise<void>
}

export function createConnections({ database, vault, audit, newId, now, onUpdate }: ConnectionsParts) {
  return {
    /** @param reference id or identifier @throws AppError `connections/not-found` */
    async get(reference: string, on: Executor = database): Promise<Connection> {
      return fromRow(await rowOf(on, reference))
    },

    /** As `get`, and nobody can change it before the transaction ends. @throws AppError `connections/not-found` */
    async hold(tx: Transaction, reference: string): Promise<Connection> {
      return fromRow(await rowOf(tx, reference, { lock: true }))
    },

    /** In the order of their creation. */
    async list(filter: { organizationId: string; q: string | null; limit: number; cursor: string | null }) {
      let all = database.kysely.selectFrom('connections').where('organization_id', '=', filter.organizationId)
      if (filter.q !== null) {
        const { q } = filter
        all = all.where(({ or }) => or([contains('identifier', q), contains('display_name', q)]))
      }
      const { total } = await all.select((eb) => eb.fn.countAll<number>().as('total')).executeTakeFirstOrThrow()
      let page = all
        .selectAll()
        .orderBy('id')
        .limit(filter.limit + 1)
      if (filter.cursor !== null) page = page.where('id', '>', filter.cursor)
      const rows = await page.execute()
      return { items: rows.slice(0, filter.limit).map(fromRow), hasMore: rows.length > filter.limit, total }
    },

    /** Everybody who is linked through a connection, counted. */
    async linkedUsers(connectionId: string): Promise<number> {
      const { count } = await database.kysely
        .selectFrom('links')
        .where('connection_id', '=', connectionId)
        .select((eb) => eb.fn.countAll<number>().as('count'))
        .executeTakeFirstOrThrow()
      return count
    },

    /**
     * Never calls WeCom.
     * @throws AppError `connections/identifier-taken`, `connections/incomplete`, `sync/owned-by-other`,
     * `connections/kind-not-available`, `connections/setting-not-available`
     */
    async create(
      actor: Actor,
      organizationId: string,
      input: Omit<NewConnection, 'organizationId'>,
    ): Promise<Connection> {
      const id = newId('con')
      const at = now()
      const row: Row<'connections'> = {
        id,
        organization_id: organizationId,
        identifier: input.identifier,
        kind: input.kind,
        display_name: input.displayName ?? input.identifier,
        ...noCredentials(),
        mobile: JSON.stringify(input.mobile ?? {}),
        sign_in: JSON.stringify(SignInSettings.parse(mergePatch({}, input.signIn ?? {}))),
        sync: JSON.stringify(SyncSettings.parse(mergePatch({}, input.sync ?? {}))),
        sign_in_enabled: 0,
        sync_enabled: 0,
        managed_by_environment: 0,
        created_at: at,
        updated_at: at,
        next_run_at: null,
        ...credentialColumns(id, input),
      }
      return write(
        () => lostCreate(row),
        async (tx) => {
          const created = await checked(tx, row)
          created.next_run_at = dueAfterSaving(created, undefined, at)
          await insertRows(tx, 'connections', [created])
          await audit.record(tx, actor, [entry('connection.create', created, { fields: Object.keys(input) })])
          return fromRow(created)
        },
      )
    },

    /**
     * A merge patch (RFC 7396).
     * @throws AppError as `create`, and `connections/not-found`, `connections/identifier-fixed`,
     * `connections/secret-required`, `connections/managed-by-environment`
     */
    async update(actor: Actor, reference: string, patch: ConnectionPatch): Promise<Connection> {
      // Only the ownership of sync is unique among the things that can be changed.
      return write(
        () => lostOwnership(reference),
        async (tx) => {
          const current = await rowOf(tx, reference, { lock: true })
          if (patch.identifier !== undefined && patch.identifier !== current.identifier) {
            throw new AppError('connections/identifier-fixed')
          }
          if (current.managed_by_environment === 1) refuseEnvironmentFields(patch)
          refuseStaleSecrets(current, patch)
          const at = now()
          const next = await checked(tx, {
            ...current,
            ...(patch.displayName === undefined ? {} : { display_name: patch.displayName }),
            ...credentialColumns(current.id, patch),
            mobile: merged(current.mobile, patch.mobile),
            sign_in: JSON.stringify(SignInSettings.parse(patched(current.sign_in, patch.signIn))),
            sync: JSON.stringify(parseSync(patched(current.sync, patch.sync))),
            updated_at: at,
          })
          next.next_run_at = dueAfterSaving(next, current, at)
          await tx.kysely.updateTable('connections').set(next).where('id', '=', current.id).execute()
          await audit.record(tx, actor, [entry('connection.update', next, { fields: Object.keys(patch) })])
          await onUpdate?.(tx, actor, fromRow(current), fromRow(next))
          return fromRow(next)
        },
      )
    },

    /**
     * Every link and review of it goes; users, departments and memberships stay and are nobody's from then on.
     * @throws AppError `connections/not-found`, `connections/confirm`, `connections/managed-by-environment`
     */
    async remove(actor: Actor, reference: string, confirm: string | undefined): Promise<void> {
      await database.inTransaction(async (tx) => {
        const row = await rowOf(tx, reference)
        if (confirm !== row.identifier) throw new AppError('connections/confirm')
        if (row.managed_by_environment === 1) throw new AppError('connections/managed-by-environment')
        // First the runs: this waits for a slice that is being written and fences off the next one.
        await tx.kysely.deleteFrom('runs').where('connection_id', '=', row.id).execute()
        await tx.kysely.deleteFrom('source_pages').where('connection_id', '=', row.id).execute()
        await tx.kysely.deleteFrom('reviews').where('connection_id', '=', row.id).execute()
        const linked = await tx.kysely
          .selectFrom('links')
          .select('user_id')
          .where('connection_id', '=', row.id)
          .execute()
        await tx.kysely.deleteFrom('links').where('connection_id', '=', row.id).execute()
        await signOutWithoutDoor(
          tx,
          linked.map(({ user_id }) => user_id),
          now(),
        )
        await tx.kysely
          .updateTable('memberships')
          .set({ connection_id: null, origin: 'manual' })
          .where('connection_id', '=', row.id)
          .where(({ eb, exists, not, selectFrom }) =>
            not(
              exists(
                selectFrom('memberships as own')
                  .select(eb.lit(1).as('one'))
                  .whereRef('own.user_id', '=', 'memberships.user_id')
                  .whereRef('own.department_id', '=', 'memberships.department_id')
                  .where('own.origin', '=', 'manual'),
              ),
            ),
          )
          .execute()
        // What is left stands beside a membership that somebody made by hand.
        await tx.kysely.deleteFrom('memberships').where('connection_id', '=', row.id).execute()
        await tx.kysely
          .updateTable('departments')
          .set({ connection_id: null, corp_id: null, external_id: null, origin: 'manual', leaders: '[]' })
          .where('connection_id', '=', row.id)
          .execute()
        await tx.kysely.deleteFrom('connections').where('id', '=', row.id).execute()
        await audit.record(tx, actor, [entry('connection.delete', row, {})])
      })
    },

    /** @returns the secret in the clear, for a WeCom client; undefined when there is none */
    async revealSecret(connectionId: string, name: SecretName): Promise<Secret | undefined> {
      const row = await rowOf(database, connectionId)
      const sealed = row[SECRET_COLUMNS[name]]
      return sealed === null ? undefined : vault.open(recordOf(row.id, name), sealed)
    },

    /**
     * Another text whenever the secret is saved, be it the same one again; says nothing about the secret itself.
     * Undefined when there is none.
     */
    async secretVersion(connectionId: string, name: SecretName): Promise<string | undefined> {
      const sealed = (await rowOf(database, connectionId))[SECRET_COLUMNS[name]]
      return sealed === null ? undefined : createHash('sha256').update(sealed).digest('base64url')
    },

    /** The connection of an organization that has directory sync switched on; there is at most one. */
    async ownerOfSync(organizationId: string): Promise<Connection | undefined> {
      const row = await database.kysely
        .selectFrom('connections')
        .selectAll()
        .where('organization_id', '=', organizationId)
        .where('sync_enabled', '=', 1)
        .executeTakeFirst()
      return row === undefined ? undefined : fromRow(row)
    },

    /** Brings the connection `wecom` in line with the environment; without one, it becomes an ordinary connection. */
    async followEnvironment(
      actor: Actor,
      organizationId: string,
      wanted: EnvironmentConnection | undefined,
    ): Promise<void> {
      const follow = async (tx: Transaction) => {
        const current = await findRow(tx, ENVIRONMENT_IDENTIFIER, { lock: true })
        if (wanted === undefined) {
          if (current?.managed_by_environment !== 1) return
          await tx.kysely
            .updateTable('connections')
            .set({ managed_by_environment: 0 })
            .where('id', '=', current.id)
            .execute()
          await audit.record(tx, actor, [entry('connection.release', current, {})])
          return
        }
        if (current !== undefined && !mayFollow(current, wanted)) {
          throw new AppError('connections/identifier-taken', { detail: environmentConflict })
        }
        const id = current?.id ?? newId('con')
        const at = now()
        const next: Row<'connections'> = {
          ...(current ?? {
            organization_id: organizationId,
            identifier: ENVIRONMENT_IDENTIFIER,
            kind: 'self_built',
            display_name: '企业微信',
            ...noCredentials(),
            mobile: '{}',
            sign_in_enabled: 0,
            sync_enabled: 0,
            sync: JSON.stringify(SyncSettings.parse({})),
            created_at: at,
            next_run_at: null,
          }),
          id,
          ...credentialColumns(id, { corpId: wanted.corpId, agentId: wanted.agentId, secret: wanted.secret.reveal() }),
          sign_in: JSON.stringify(
            SignInSettings.parse(
              mergePatch(JSON.parse(current?.sign_in ?? '{}'), { allowedDomains: [...wanted.allowedDomains] }),
            ),
          ),
          managed_by_environment: 1,
          updated_at: at,
        }
        if (current === undefined) {
          await insertRows(tx, 'connections', [next])
          await audit.record(tx, actor, [entry('connection.create', next, { by: 'environment' })])
        } else if (differs(current, wanted)) {
          // A secret of another company opens nothing here, and must not be tried on this one.
          const stale = current.corp_id === wanted.corpId ? {} : { contacts_secret_sealed: null }
          await tx.kysely
            .updateTable('connections')
            .set({ ...next, ...stale })
            .where('id', '=', id)
            .execute()
          await audit.record(tx, actor, [entry('connection.update', next, { by: 'environment' })])
        }
      }
      try {
        await database.inTransaction(follow)
      } catch (error) {
        // Two processes that start together both find nothing; the second one then finds the connection of the first.
        if (!isUniqueViolation(error)) throw error
        await database.inTransaction(follow)
      }
    },
  }

  async function rowOf(on: Executor, reference: string, options: { lock?: boolean } = {}): Promise<Row<'connections'>> {
    const row = await findRow(on, reference, options)
    if (row === undefined) throw new AppError('connections/not-found')
    return row
  }

  /** @param lock for reading before writing the whole row: what somebody else writes meanwhile must not be lost */
  function findRow(on: Executor, reference: string, { lock = false } = {}): Promise<Row<'connections'> | undefined> {
    const query = on.kysely
      .selectFrom('connections')
      .selectAll()
      .where((eb) => eb.or([eb('id', '=', reference), eb('identifier', '=', reference)]))
    const isLocked = lock && on.dialect === 'postgres'
    return (isLocked ? query.forNoKeyUpdate() : query).executeTakeFirst()
  }

  /** The indexes have the last word about identifiers and ownership; a lost race is the same refusal. */
  async function write<T>(refusal: () => Promise<AppError>, work: (tx: Transaction) => Promise<T>): Promise<T> {
    try {
      return await database.inTransaction(work)
    } catch (error) {
      throw isUniqueViolation(error) ? await refusal() : error
    }
  }

  async function lostCreate(row: Row<'connections'>): Promise<AppError> {
    const taken = await database.kysely
      .selectFrom('connections')
      .select('id')
      .where('identifier', '=', row.identifier)
      .executeTakeFirst()
    return taken === undefined ? lostOwnershipIn(row.organization_id) : new AppError('connections/identifier-taken')
  }

  async function lostOwnership(reference: string): Promise<AppError> {
    const { organization_id } = await rowOf(database, reference)
    return lostOwnershipIn(organization_id)
  }

  async function lostOwnershipIn(organizationId: string): Promise<AppError> {
    const owner = await database.kysely
      .selectFrom('connections')
      .select(['display_name', 'identifier'])
      .where('organization_id', '=', organizationId)
      .where('sync_enabled', '=', 1)
      .executeTakeFirst()
    return owner === undefined ? new AppError('sync/owned-by-other') : ownedBy(owner)
  }

  function differs(current: Row<'connections'>, wanted: EnvironmentConnection): boolean {
    const sealed = current.secret_sealed
    const secret = sealed === null ? undefined : vault.open(recordOf(current.id, 'secret'), sealed).reveal()
    const { allowedDomains } = SignInSettings.parse(JSON.parse(current.sign_in))
    return (
      current.managed_by_environment !== 1 ||
      current.corp_id !== wanted.corpId ||
      current.agent_id !== wanted.agentId ||
      secret !== wanted.secret.reveal() ||
      allowedDomains.join() !== wanted.allowedDomains.join()
    )
  }

  /** @returns the row with its services switched as its settings say, when that is possible */
  async function checked(tx: Transaction, row: Row<'connections'>): Promise<Row<'connections'>> {
    const sync = parseSync(JSON.parse(row.sync))
    const signIn = SignInSettings.parse(JSON.parse(row.sign_in))
    refuseUnavailable(row, sync, signIn)
    refuseMapping(sync.mapping)
    if (sync.enabled) {
      refuseIncomplete(missingForSync(row))
      const owner = await tx.kysely
        .selectFrom('connections')
        .select(['display_name', 'identifier'])
        .where('organization_id', '=', row.organization_id)
        .where('sync_enabled', '=', 1)
        .where('id', '<>', row.id)
        .executeTakeFirst()
      if (owner !== undefined) throw ownedBy(owner)
    }
    return { ...row, sync_enabled: sync.enabled ? 1 : 0, sign_in_enabled: signIn.enabled ? 1 : 0 }
  }

  /** Credentials that a request mentions, as columns: null clears, absent keeps. */
  function credentialColumns(id: string, input: Partial<ConnectionPatch>): Partial<Row<'connections'>> {
    const columns: Partial<Row<'connections'>> = {}
    if (input.corpId !== undefined) columns.corp_id = input.corpId
    if (input.agentId !== undefined) columns.agent_id = input.agentId
    if (input.suiteId !== undefined) columns.suite_id = input.suiteId
    if (input.providerCorpId !== undefined) columns.provider_corp_id = input.providerCorpId
    const callback = input.callback === null ? { token: null, aesKey: null } : input.callback
    const secrets: Record<SecretName, string | null | undefined> = {
      secret: input.secret,
      contactsSecret: input.contactsSecret,
      suiteSecret: input.suiteSecret,
      providerSecret: input.providerSecret,
      callbackToken: callback?.token,
      callbackAesKey: callback?.aesKey,
    }
    for (const [name, text] of Object.entries(secrets) as [SecretName, string | null | undefined][]) {
      if (text === undefined) continue
      columns[SECRET_COLUMNS[name]] = text === null ? null : vault.seal(recordOf(id, name), new Secret(text))
    }
    return columns
  }
}

/** A connection that the environment once owned, or that is of the same company, may be its again. */
function mayFollow(current: Row<'connections'>, wanted: EnvironmentConnection): boolean {
  if (current.managed_by_environment === 1) return true
  return current.kind === 'self_built' && (current.corp_id === null || current.corp_id === wanted.corpId)
}

function recordOf(id: string, name: SecretName): string {
  return `connection/${id}/${name}`
}

function noCredentials() {
  return {
    corp_id: null,
    agent_id: null,
    secret_sealed: null,
    contacts_secret_sealed: null,
    suite_id: null,
    suite_secret_sealed: null,
    provider_corp_id: null,
    provider_secret_sealed: null,
    callback_token_sealed: null,
    callback_aes_key_sealed: null,
  }
}

function fromRow(row: Row<'connections'>): Connection {
  const has = Object.fromEntries(
    Object.entries(SECRET_COLUMNS).map(([name, column]) => [name, row[column] !== null]),
  ) as Record<SecretName, boolean>
  return {
    id: row.id,
    organizationId: row.organization_id,
    identifier: row.identifier,
    kind: row.kind as ConnectionKind,
    displayName: row.display_name,
    corpId: row.corp_id,
    agentId: row.agent_id,
    suiteId: row.suite_id,
    providerCorpId: row.provider_corp_id,
    has,
    mobile: {
      schema: null,
      iosBundleId: null,
      androidPackage: null,
      androidSignature: null,
      ...(JSON.parse(row.mobile) as object),
    },
    signIn: SignInSettings.parse(JSON.parse(row.sign_in)),
    sync: SyncSettings.parse(JSON.parse(row.sync)),
    nextRunAt: row.next_run_at,
    managedByEnvironment: row.managed_by_environment === 1,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}

function patched(stored: string, patch: unknown): unknown {
  return patch === null ? {} : mergePatch(JSON.parse(stored), patch ?? {})
}

function merged(stored: string, patch: unknown): string {
  return JSON.stringify(patched(stored, patch))
}

/** Two settings that are each valid may be none together, such as a weekly schedule without its day. */
function parseSync(value: unknown): SyncSettings {
  const result = SyncSettings.safeParse(value)
  if (result.success) return result.data
  const fields = result.error.issues.map(({ path, message }) => ({ path: ['sync', ...path].join('.'), message }))
  throw new AppError('http/validation', { fields })
}

/** Any secret opens any corp's door only in its own corp: a changed corpId must not send the old secret to a new company. */
function refuseStaleSecrets(current: Row<'connections'>, patch: ConnectionPatch): void {
  if (patch.corpId === undefined || patch.corpId === current.corp_id) return
  const stale = (['secret', 'contactsSecret'] as const).filter(
    (name) => current[SECRET_COLUMNS[name]] !== null && patch[name] === undefined,
  )
  if (stale.length === 0) return
  throw new AppError('connections/secret-required', {
    fields: stale.map((path) => ({ path, message: 'Send it again, or null to clear it.' })),
  })
}

function refuseEnvironmentFields(patch: ConnectionPatch): void {
  const fixed = (['corpId', 'agentId', 'secret'] as const).filter((name) => patch[name] !== undefined)
  if (fixed.length === 0 && patch.signIn?.allowedDomains === undefined) return
  throw new AppError('connections/managed-by-environment', {
    fields: fixed.map((path) => ({ path, message: 'Set by an environment variable.' })),
  })
}

/** http-api.md §5, "Required to enable". */
function missingForSync(row: Row<'connections'>): FieldProblem[] {
  const missing: FieldProblem[] = []
  if (row.corp_id === null) missing.push({ path: 'corpId', message: 'Needed for directory sync.' })
  if (row.secret_sealed === null && row.contacts_secret_sealed === null) {
    missing.push({ path: 'secret', message: 'Directory sync needs secret or contactsSecret.' })
  }
  return missing
}

function refuseIncomplete(fields: FieldProblem[]): void {
  if (fields.length > 0) throw new AppError('connections/incomplete', { fields })
}

/** What the contract names and this version does not do yet is refused, not ignored. */
function refuseUnavailable(row: Row<'connections'>, sync: SyncSettings, signIn: SignInSettings): void {
  if (row.kind !== 'self_built') throw new AppError('connections/kind-not-available')
  const fields = [...(signIn.enabled ? ['signIn.enabled'] : []), ...(sync.realTime ? ['sync.realTime'] : [])]
  if (fields.length === 0) return
  throw new AppError('connections/setting-not-available', {
    fields: fields.map((path) => ({ path, message: 'Not available in this version.' })),
  })
}

/** Names every rule that cannot be used, and why, in both languages. */
export function refuseMapping(mapping: readonly MappingEntry[], path = 'sync.mapping'): void {
  const { problems } = readMapping(mapping)
  if (problems.length === 0) return
  const where = (index: number | null) =>
    index === null ? { en: '', zh: '' } : { en: `Rule ${index + 1}: `, zh: `第 ${index + 1} 条规则：` }
  throw new AppError('connections/mapping', {
    detail: {
      en: problems.map(({ index, en }) => `${where(index).en}${en}`).join('. '),
      zh: problems.map(({ index, zh }) => `${where(index).zh}${zh}`).join('；'),
    },
    fields: problems.map(({ index, en }) => ({ path: index === null ? path : `${path}.${index}`, message: en })),
  })
}

function ownedBy({ display_name, identifier }: { display_name: string; identifier: string }): AppError {
  const detail: Text = {
    en: `Directory sync of this organization belongs to the connection ${display_name} (${identifier}).`,
    zh: `该组织的通讯录同步由连接 ${display_name}（${identifier}）负责。`,
  }
  return new AppError('sync/owned-by-other', { detail, extra: { owner: { identifier, displayName: display_name } } })
}

const environmentConflict: Text = {
  en: 'WECOM_CORP_ID is set, but a connection with the identifier wecom exists already and was made by hand.',
  zh: '已设置 WECOM_CORP_ID，但已存在手动创建的标识为 wecom 的连接。',
}

function entry(action: string, row: Row<'connections'>, details: Record<string, unknown>) {
  return {
    action,
    organizationId: row.organization_id,
    target: { kind: 'connection', id: row.id, name: row.identifier },
    details,
  }
}
