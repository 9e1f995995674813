/**
 * Our links to WeCom: settings, sealed secrets, who owns sync. Secrets go in and come out only as a WeCom client.
 * Shapes are those of http-api.md §4.2; rendering them for the API is admin/connections.ts.
 */
import { createHash } from 'node:crypto'
import { mergePatch, SignInSettings, SyncSettings, type ConnectionPatch, type NewConnection } from '@muster/contracts'
import type { Actor, Audit } from '../audit/audit.ts'
import {
  insertRows,
  isUniqueViolation,
  prepared,
  rememberingSettings,
  type Database,
  type Executor,
  type Row,
  type Transaction,
} from '../database/database.ts'
import { contains } from '../directory/search.ts'
import { signOutOfConnection } from '../directory/sign-out.ts'
import { AppError } from '../errors.ts'
import type { NewId } from '../ids.ts'
import type { Secret } from '../secret.ts'
import type { Vault } from '../vault.ts'
import { callbackKeysOf, callbackPreviousUntil, previousAfter, type CallbackKey } from './callback-keys.ts'
import {
  connectionEntry,
  credentialColumns,
  findRow,
  forSignIn,
  fromRow,
  noCredentials,
  openSecret,
  rowOf,
  SECRET_COLUMNS,
  type Connection,
  type ConnectionForSignIn,
  type SecretName,
} from './connection-records.ts'
import { authorizedCorpRows, findCorpRow, forgetAuthorisations, openPermanentCode } from './suites/corp-records.ts'
import { dueAfterSaving } from './due-runs.ts'
import { closes, followEnvironment, isOtherApp, type EnvironmentConnection } from './environment.ts'
import { removeConnection } from './removal.ts'
import {
  missingForRealTime,
  missingForSignIn,
  missingForSync,
  ownedBy,
  parseSync,
  refuseEnvironmentFields,
  refuseIncomplete,
  refuseMapping,
  refuseStaleSecrets,
} from './requirements.ts'

export type {
  Connection,
  ConnectionForSignIn,
  ConnectionKind,
  CorpForSignIn,
  Mobile,
  SecretName,
} from './connection-records.ts'
export type { CallbackKey } from './callback-keys.ts'
export type { EnvironmentConnection } from './environment.ts'

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
  const byReference = rememberingSettings(database, async (reference) => {
    const row = await findRow(database, reference)
    return row === undefined ? undefined : forSignIn(vault, row)
  })
  const callbackByIdentifier = rememberingSettings(database, async (identifier) => {
    const row = await findRow(database, identifier)
    if (row === undefined || row.identifier !== identifier) return undefined
    return { connection: fromRow(row), keys: callbackKeysOf(vault, row) }
  })
  /** Remembers only where both are there, so that nobody can fill it with names of companies. */
  const byCorp = rememberingSettings(database, async (key) => {
    const [id, corpId] = key.split(' ') as [string, string]
    const corp = await findCorpRow(database, id, corpId)
    const row = corp === undefined ? undefined : await findRow(database, id)
    return row === undefined ? undefined : forSignIn(vault, row, corp)
  })
  const openOf = rememberingSettings(database, async (organizationId) => {
    const { rows } = await rowsOpenForSignIn(database, { organizationId })
    return Promise.all(rows.map(async (row) => ({ row, doors: await doorsThrough(row) })))
  })

  return {
    /** @param reference id or identifier @throws AppError `connections/not-found` */
    async get(reference: string, on: Executor = database): Promise<Connection> {
      return fromRow(await rowOf(on, reference))
    },

    /** As `get`, and nobody can change it before the transaction ends. @throws AppError `connections/not-found` */
    async hold(tx: Transaction, reference: string): Promise<Connection> {
      return fromRow(await rowOf(tx, reference, { lock: true }))
    },

    /**
     * As `hold`, for whoever only needs it to stay as it is: any number of them at once.
     * @param corpId the company, where there are several: it stays authorised, too
     * @throws AppError `connections/not-found`
     */
    async share(tx: Transaction, id: string, corpId: string | null = null): Promise<ConnectionForSignIn> {
      const known = knownForSignIn(id, corpId)
      if (known !== undefined) return known
      const [row] = (await sharedRow(tx, { id })).rows
      if (row === undefined) throw new AppError('connections/not-found')
      if (corpId === null) return forSignIn(vault, row)
      if (row.kind === 'self_built') return ofNoOther(forSignIn(vault, row), corpId)
      const [corp] = (await sharedCorp(tx, { id, corpId })).rows
      return forSignIn(vault, row, corp)
    },

    /**
     * A connection by id or identifier. undefined: there is none of that name.
     * @param corpId the company, where there are several; when it is not authorised, the answer has none
     */
    async forSignIn(reference: string, corpId: string | null = null): Promise<ConnectionForSignIn | undefined> {
      const found = await byReference(reference)
      if (found === undefined || corpId === null) return found
      if (found.connection.kind === 'self_built') return ofNoOther(found, corpId)
      return (await byCorp(`${found.connection.id} ${corpId}`)) ?? found
    },

    /** What WeCom calls, by the identifier in the address, and every pair of token and key that may be used now. */
    async forCallback(
      identifier: string,
    ): Promise<{ connection: Connection; keys: readonly CallbackKey[] } | undefined> {
      const found = await callbackByIdentifier(identifier)
      if (found === undefined) return undefined
      const at = now()
      return { ...found, keys: found.keys.filter(({ until }) => until === null || until > at) }
    },

    /** Until when the token and key before those that are set are accepted, too; null when there are none. */
    async callbackPreviousUntil(reference: string): Promise<number | null> {
      return callbackPreviousUntil(vault, await rowOf(database, reference), now())
    },

    /** Those of an organization that people may sign in through, in the order of their creation. */
    async openForSignIn(organizationId: string): Promise<Connection[]> {
      return ((await openOf(organizationId)) ?? []).map(({ row }) => fromRow(row))
    },

    /**
     * The same, with what it takes to begin: one of a self-built connection, one for each authorised company of a
     * delegated one, by name, and one without a company of a provider.
     */
    async doorsOf(organizationId: string): Promise<ConnectionForSignIn[]> {
      return ((await openOf(organizationId)) ?? []).flatMap(({ doors }) => doors)
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

    /** Over all organizations: the identifier is part of addresses that WeCom calls. */
    async isIdentifierTaken(identifier: string): Promise<boolean> {
      const taken = await database.kysely
        .selectFrom('connections')
        .select('id')
        .where('identifier', '=', identifier)
        .executeTakeFirst()
      return taken !== undefined
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
     * `connections/kind-without-sync`
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
        icon: input.icon ?? null,
        ...credentialColumns(vault, id, input),
      }
      return write(
        () => lostCreate(row),
        async (tx) => {
          const created = await checked(tx, row)
          created.next_run_at = dueAfterSaving(created, undefined, at)
          await insertRows(tx, 'connections', [created])
          await audit.record(tx, actor, [connectionEntry('connection.create', created, { fields: Object.keys(input) })])
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
            ...(patch.icon === undefined ? {} : { icon: patch.icon }),
            ...credentialColumns(vault, current.id, patch),
            mobile: merged(current.mobile, patch.mobile),
            sign_in: JSON.stringify(SignInSettings.parse(patched(current.sign_in, patch.signIn))),
            sync: JSON.stringify(parseSync(patched(current.sync, patch.sync))),
            updated_at: at,
          })
          next.next_run_at = dueAfterSaving(next, current, at)
          if (patch.callback !== undefined) next.callback_previous_sealed = previousAfter(vault, current, next, at)
          await tx.kysely.updateTable('connections').set(next).where('id', '=', current.id).execute()
          await audit.record(tx, actor, [connectionEntry('connection.update', next, { fields: Object.keys(patch) })])
          if (closes(current, next)) await signOutOfConnection(tx, current.id)
          if (isOtherApp(current, next)) await forgetAuthorisations(tx, current.id, at)
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
        await removeConnection(tx, row, now())
        await audit.record(tx, actor, [connectionEntry('connection.delete', row, {})])
      })
    },

    /** @returns the secret in the clear, for a WeCom client; undefined when there is none */
    async revealSecret(connectionId: string, name: SecretName): Promise<Secret | undefined> {
      return openSecret(vault, await rowOf(database, connectionId), name)
    },

    /** As `revealSecret`, of a company that authorised the connection. */
    async revealPermanentCode(connectionId: string, corpId: string): Promise<Secret | undefined> {
      const row = await findCorpRow(database, connectionId, corpId)
      return row?.state === 'authorized' ? openPermanentCode(vault, row) : undefined
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
    followEnvironment(actor: Actor, organizationId: string, wanted: EnvironmentConnection | undefined): Promise<void> {
      return followEnvironment({ database, vault, audit, newId, now }, actor, organizationId, wanted)
    },
  }

  function knownForSignIn(id: string, corpId: string | null): ConnectionForSignIn | undefined {
    const found = byReference.known(id)
    // Somebody may have called another connection by this id.
    if (found?.connection.id !== id) return undefined
    if (corpId === null) return found
    return found.connection.kind === 'self_built' ? ofNoOther(found, corpId) : byCorp.known(`${id} ${corpId}`)
  }

  async function doorsThrough(row: Row<'connections'>): Promise<ConnectionForSignIn[]> {
    if (row.kind !== 'delegated') return [forSignIn(vault, row)]
    const corps = await authorizedCorpRows(database, row.id)
    // Without our app's number in it there is no address to send anybody to.
    return corps.filter(({ agent_id }) => agent_id !== null).map((corp) => forSignIn(vault, row, corp))
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

  /** @returns the row with its services switched as its settings say, when that is possible */
  async function checked(tx: Transaction, row: Row<'connections'>): Promise<Row<'connections'>> {
    const sync = parseSync(JSON.parse(row.sync))
    const signIn = SignInSettings.parse(JSON.parse(row.sign_in))
    refuseMapping(sync.mapping)
    if (signIn.enabled) refuseIncomplete(missingForSignIn(row))
    if (sync.realTime) refuseIncomplete(missingForRealTime(row))
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
}

/** A self-built connection is of one company, and has nothing for people of another. */
function ofNoOther(found: ConnectionForSignIn, corpId: string): ConnectionForSignIn {
  if (found.corp === null || found.corp.corpId === corpId) return found
  const { connection, credential, openSecret } = found
  return { connection, corp: null, credential, openSecret }
}

const sharedRow = prepared((on, given: { id: string }) =>
  on.kysely
    .selectFrom('connections')
    .selectAll()
    .where('id', '=', given.id)
    .$if(on.dialect === 'postgres', (query) => query.forShare()),
)

const sharedCorp = prepared((on, given: { id: string; corpId: string }) =>
  on.kysely
    .selectFrom('corps')
    .selectAll()
    .where('connection_id', '=', given.id)
    .where('corp_id', '=', given.corpId)
    .$if(on.dialect === 'postgres', (query) => query.forShare()),
)

const rowsOpenForSignIn = prepared((on, given: { organizationId: string }) =>
  on.kysely
    .selectFrom('connections')
    .selectAll()
    .where('organization_id', '=', given.organizationId)
    .where('sign_in_enabled', '=', 1)
    .orderBy('id'),
)

function patched(stored: string, patch: unknown): unknown {
  return patch === null ? {} : mergePatch(JSON.parse(stored), patch ?? {})
}

function merged(stored: string, patch: unknown): string {
  return JSON.stringify(patched(stored, patch))
}
