/**
 * A connection as its row holds it: the fields, the settings, and the secrets, sealed under the record they belong to.
 * Secrets go in as text and come out only as a `Secret`. Reading rows is here, changing them is connections.ts.
 */
import { createHash } from 'node:crypto'
import { SignInSettings, SyncSettings, type ConnectionPatch } from '@muster/contracts'
import type { AuditEntry } from '../audit/audit.ts'
import { prepared, type Executor, type Row } from '../database/database.ts'
import { AppError, unreachable } from '../errors.ts'
import { parsedOnce } from '../parsed-once.ts'
import { Secret } from '../secret.ts'
import type { Vault } from '../vault.ts'
import { openPermanentCode } from './suites/corp-records.ts'

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
  /** Data URL. */
  readonly icon: string | null
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

/** A company, as far as signing in needs it. */
export interface CorpForSignIn {
  readonly corpId: string
  /** Of our app in that company. */
  readonly agentId: number | null
  /** Of the company; of a self-built connection, which is told no such name, its own. */
  readonly name: string
}

/** A connection as signing in needs it. */
export interface ConnectionForSignIn {
  readonly connection: Connection
  /**
   * The company that people come from: of a self-built connection its own one, of the others the one that was asked for,
   * while it is authorised. null: nobody asked for one, as a provider's login page lets people of any company choose
   * themselves, or this one is not authorised, or the connection has no corpId yet.
   */
  readonly corp: CorpForSignIn | null
  /** Another text whenever its app or secret is, or, where they have those of their own, those of the company. */
  readonly credential: string
  /** Of the app of this company, in the clear; undefined when there is none, as for a provider, whose suite has one. */
  readonly openSecret: () => Secret | undefined
}

/** The secrets of a connection and the columns they are sealed in. */
export const SECRET_COLUMNS = {
  secret: 'secret_sealed',
  contactsSecret: 'contacts_secret_sealed',
  suiteSecret: 'suite_secret_sealed',
  providerSecret: 'provider_secret_sealed',
  callbackToken: 'callback_token_sealed',
  callbackAesKey: 'callback_aes_key_sealed',
} as const satisfies Record<string, keyof Row<'connections'>>

export type SecretName = keyof typeof SECRET_COLUMNS

/** @param reference id or identifier @throws AppError `connections/not-found` */
export async function rowOf(
  on: Executor,
  reference: string,
  options: { lock?: boolean } = {},
): Promise<Row<'connections'>> {
  const row = await findRow(on, reference, options)
  if (row === undefined) throw new AppError('connections/not-found')
  return row
}

/** @param lock for reading before writing the whole row: what somebody else writes meanwhile must not be lost */
export async function findRow(
  on: Executor,
  reference: string,
  { lock = false } = {},
): Promise<Row<'connections'> | undefined> {
  const { rows } = await (lock ? lockedRow : plainRow)(on, { reference })
  return rows[0]
}

const plainRow = prepared((on, given: { reference: string }) => byReference(on, given.reference))

const lockedRow = prepared((on, given: { reference: string }) =>
  byReference(on, given.reference).$if(on.dialect === 'postgres', (query) => query.forNoKeyUpdate()),
)

function byReference({ kysely }: Executor, reference: string) {
  return kysely
    .selectFrom('connections')
    .selectAll()
    .where((eb) => eb.or([eb('id', '=', reference), eb('identifier', '=', reference)]))
}

export function fromRow(row: Row<'connections'>): Connection {
  const has = Object.fromEntries(
    Object.entries(SECRET_COLUMNS).map(([name, column]) => [name, row[column] !== null]),
  ) as Record<SecretName, boolean>
  return {
    id: row.id,
    organizationId: row.organization_id,
    identifier: row.identifier,
    kind: row.kind as ConnectionKind,
    displayName: row.display_name,
    icon: row.icon,
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
    signIn: signInSettings(row.sign_in),
    sync: syncSettings(row.sync),
    nextRunAt: row.next_run_at,
    managedByEnvironment: row.managed_by_environment === 1,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}

const signInSettings = parsedOnce((text) => SignInSettings.parse(JSON.parse(text)))
const syncSettings = parsedOnce((text) => SyncSettings.parse(JSON.parse(text)))

/** @param corp that was asked for, of a connection that has several */
export function forSignIn(vault: Vault, row: Row<'connections'>, corp?: Row<'corps'>): ConnectionForSignIn {
  const connection = fromRow(row)
  const authorized = corp?.state === 'authorized' ? corp : undefined
  switch (connection.kind) {
    case 'self_built':
      return {
        connection,
        corp:
          row.corp_id === null ? null : { corpId: row.corp_id, agentId: row.agent_id, name: connection.displayName },
        credential: digestOf([row.corp_id, row.agent_id, row.secret_sealed]),
        openSecret: () => openSecret(vault, row, 'secret'),
      }
    case 'delegated': {
      const { corp_id = null, agent_id = null, permanent_code_sealed = null } = authorized ?? {}
      return {
        connection,
        corp: corpForSignIn(authorized),
        credential: digestOf([row.suite_id, corp_id, agent_id, permanent_code_sealed]),
        openSecret: () => (authorized === undefined ? undefined : openPermanentCode(vault, authorized)),
      }
    }
    case 'service_provider':
      return {
        connection,
        corp: corpForSignIn(authorized),
        // Of no company, because who comes in says only at the end which one is theirs.
        credential: digestOf([row.provider_corp_id, row.provider_secret_sealed, row.suite_id, row.suite_secret_sealed]),
        openSecret: () => undefined,
      }
    default:
      return unreachable(connection.kind)
  }
}

function corpForSignIn(corp: Row<'corps'> | undefined): CorpForSignIn | null {
  return corp === undefined ? null : { corpId: corp.corp_id, agentId: corp.agent_id, name: corp.name }
}

export function noCredentials() {
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
    callback_previous_sealed: null,
  }
}

/** Credentials that a request mentions, as columns: null clears, absent keeps. */
export function credentialColumns(
  vault: Vault,
  id: string,
  input: Partial<ConnectionPatch>,
): Partial<Row<'connections'>> {
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

/** @returns the secret in the clear; undefined when there is none */
export function openSecret(vault: Vault, row: Row<'connections'>, name: SecretName): Secret | undefined {
  const sealed = row[SECRET_COLUMNS[name]]
  return sealed === null ? undefined : vault.open(recordOf(row.id, name), sealed)
}

function recordOf(id: string, name: SecretName): string {
  return `connection/${id}/${name}`
}

/** What the audit record says of a change. */
export function connectionEntry(action: string, row: Row<'connections'>, details: Record<string, unknown>): AuditEntry {
  return {
    action,
    organizationId: row.organization_id,
    target: { kind: 'connection', id: row.id, name: row.identifier },
    details,
  }
}

/** Sealing the same secret again makes another text of it, so saving it once more counts as another one, too. */
function digestOf(parts: readonly (string | number | null)[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url')
}
