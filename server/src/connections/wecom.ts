/**
 * The WeCom client of this process, on tokens and a budget of calls that all processes share through the database. Owns
 * `wecom_tokens`. SQLite has one process, which keeps its budget in memory.
 */
import {
  createBudget,
  createWecom,
  type CallReport,
  type Principal,
  type Priority,
  type Provider,
  type StoredToken,
  type Suite,
  type TokenStore,
} from '@muster/wecom'
import type { Database } from '../database/database.ts'
import { AppError, unreachable } from '../errors.ts'
import { Secret } from '../secret.ts'
import { VaultError, type Vault } from '../vault.ts'
import type { Connection, ConnectionForSignIn, Connections } from './connections.ts'
import { findCorpRow } from './suites/corp-records.ts'
import { createSharedBudget } from './shared-budget.ts'
import { createSuiteTickets } from './suites/tickets.ts'

export interface WecomSettings {
  readonly apiUrl: string
  readonly backoffMs: number
  readonly callTimeoutMs: number
  /** Per company and interface, of all processes together. */
  readonly callsPerMinute: number
}

export interface DirectoryAccess {
  readonly principal: Principal
  readonly corpId: string
  /** Of the company; of a self-built connection, which is told no such name, its own. */
  readonly corpName: string
  readonly agentId: number | null
  /** Whether this credential sees only the visible range of an app. */
  readonly hasVisibleRange: boolean
  /** That of the contacts assistant, which from a new address may read nothing but ids; null when there is none. */
  readonly contacts: Principal | null
}

export interface CallerOptions {
  /** `interactive` for somebody who waits. */
  readonly priority?: Priority
  /** Told about every request that is sent. */
  readonly onReport?: (report: CallReport) => void
}

export type WecomAccess = ReturnType<typeof createWecomAccess>

export function createWecomAccess({
  database,
  vault,
  connections,
  settings,
  owner,
  now,
  onCall,
  onBudgetError,
  onDoubtedCorp = () => {},
}: {
  database: Database
  vault: Vault
  connections: Connections
  settings: WecomSettings
  /** Names this process, newly for every start. */
  owner: string
  now: () => number
  /** Told about every request sent to WeCom, by closed names only. */
  onCall: (api: string, outcome: string) => void
  /** Told when the shared budget could not be read or written. */
  onBudgetError: (error: unknown) => void
  /** Told when what WeCom answers for a company sounds as if it had taken its authorisation back. */
  onDoubtedCorp?: (connectionId: string, corpId: string) => void
}) {
  const { apiUrl, backoffMs, callTimeoutMs, callsPerMinute } = settings
  const tokens = tokenStore(database, vault)
  const tickets = createSuiteTickets({ database, vault, now })
  const shared =
    database.dialect === 'sqlite'
      ? undefined
      : createSharedBudget({
          database,
          name: owner,
          callsPerMinute,
          callTimeoutMs,
          now,
          monotonic: () => performance.now(),
          random: Math.random,
          onError: onBudgetError,
        })
  const wecom = createWecom({
    apiUrl,
    backoffMs,
    callTimeoutMs,
    tokens,
    budget: shared?.budget ?? createBudget({ callsPerMinute, now }),
    now,
  })

  /** While a connection is remembered as it is, its secret is opened once and not for each person. */
  const signingIn = new WeakMap<ConnectionForSignIn, Principal>()

  return {
    /**
     * The credentials that read the address book of one company. Of a self-built connection the app's, else the contacts
     * assistant's, and the latter's beside it; of a delegated one the permanent code, which is the secret of the app.
     * @param corpId which of the companies of a delegated connection; null for a self-built one, which has its own
     * @param count called for every request that is sent
     * @throws AppError `connections/not-found`, `connections/incomplete`, `connections/corp-not-authorized`,
     * `connections/kind-without-sync`
     */
    async forDirectory(connectionId: string, corpId: string | null, count: () => void): Promise<DirectoryAccess> {
      const connection = await connections.get(connectionId)
      const counted = ({ api, outcome }: CallReport) => {
        count()
        onCall(api, outcome)
      }
      switch (connection.kind) {
        case 'self_built':
          return ownDirectory(connection, counted)
        case 'delegated':
          if (corpId === null) throw new AppError('connections/corp-not-authorized')
          return delegatedDirectory(connection, corpId, counted)
        case 'service_provider':
          throw new AppError('connections/kind-without-sync')
        default:
          return unreachable(connection.kind)
      }
    },

    /**
     * The app of a self-built connection, or of one company of a delegated one, for somebody who is signing in. People of
     * a provider are asked for by `suiteOf`.
     * @throws AppError `connections/incomplete`
     */
    forSignIn(found: ConnectionForSignIn): Principal {
      const known = signingIn.get(found)
      if (known !== undefined) return known
      const { connection, corp, openSecret } = found
      const secret = openSecret()
      if (corp === null || secret === undefined) throw new AppError('connections/incomplete')
      const principal = wecom.principal({
        corpId: corp.corpId,
        secret: secret.reveal(),
        priority: 'interactive',
        onCall(report) {
          onCall(report.api, report.outcome)
          if (connection.kind === 'delegated') doubtAfter(report, connection.id, corp.corpId)
        },
      })
      signingIn.set(found, principal)
      return principal
    },

    /**
     * The suite of a delegated or provider connection.
     * @throws AppError `connections/incomplete`
     */
    suiteOf,

    /**
     * The provider of a delegated or provider connection.
     * @throws AppError `connections/incomplete`
     */
    async providerOf(connection: Connection, options: CallerOptions = {}): Promise<Provider> {
      const secret = await connections.revealSecret(connection.id, 'providerSecret')
      if (connection.providerCorpId === null || secret === undefined) throw new AppError('connections/incomplete')
      return wecom.provider({ corpId: connection.providerCorpId, secret: secret.reveal(), ...reporting(options) })
    },

    /**
     * One credential of a connection, for somebody who waits for the answer. Without agentId, because the doctor names it.
     * @param onReport told about every request that is sent
     * @returns undefined when the connection lacks it
     */
    async forDiagnosis(
      connection: Connection,
      name: 'secret' | 'contactsSecret',
      onReport: (report: CallReport) => void,
    ): Promise<Principal | undefined> {
      const secret = await connections.revealSecret(connection.id, name)
      if (connection.corpId === null || secret === undefined) return undefined
      return wecom.principal({
        corpId: connection.corpId,
        secret: secret.reveal(),
        priority: 'interactive',
        onCall(report) {
          onReport(report)
          onCall(report.api, report.outcome)
        },
      })
    },

    /** As `forDiagnosis`, with the permanent code of a company of a delegated connection. */
    async forDiagnosisOfCorp(
      { id }: Connection,
      corpId: string,
      onReport: (report: CallReport) => void,
    ): Promise<Principal | undefined> {
      const secret = await connections.revealPermanentCode(id, corpId)
      if (secret === undefined) return undefined
      const { priority, onCall: counted } = reporting({ priority: 'interactive', onReport })
      return wecom.principal({ corpId, secret: secret.reveal(), priority, onCall: watching(counted, id, corpId) })
    },

    async close() {
      await wecom.close()
      await shared?.close()
    },
  }

  async function suiteOf({ id, suiteId }: Connection, options: CallerOptions = {}): Promise<Suite> {
    const secret = await connections.revealSecret(id, 'suiteSecret')
    if (suiteId === null || secret === undefined) throw new AppError('connections/incomplete')
    return wecom.suite({
      suiteId,
      suiteSecret: secret.reveal(),
      ticket: () => tickets.current(id),
      ...reporting(options),
    })
  }

  function reporting({ priority = 'bulk', onReport }: CallerOptions) {
    return {
      priority,
      onCall(report: CallReport) {
        onReport?.(report)
        onCall(report.api, report.outcome)
      },
    }
  }

  function watching(onReport: (report: CallReport) => void, connectionId: string, corpId: string) {
    return (report: CallReport) => {
      onReport(report)
      doubtAfter(report, connectionId, corpId)
    }
  }

  function doubtAfter({ errcode }: CallReport, connectionId: string, corpId: string): void {
    if (errcode !== undefined && SAY_GONE.has(errcode)) onDoubtedCorp(connectionId, corpId)
  }

  async function ownDirectory(
    { id, corpId, agentId, displayName }: Connection,
    counted: (report: CallReport) => void,
  ): Promise<DirectoryAccess> {
    const secret = await connections.revealSecret(id, 'secret')
    const contactsSecret = await connections.revealSecret(id, 'contactsSecret')
    if (corpId === null) throw new AppError('connections/incomplete')
    const principalWith = (clear: Secret) => wecom.principal({ corpId, secret: clear.reveal(), onCall: counted })
    const contacts = contactsSecret === undefined ? null : principalWith(contactsSecret)
    const principal = secret === undefined ? contacts : principalWith(secret)
    if (principal === null) throw new AppError('connections/incomplete')
    return { principal, corpId, corpName: displayName, agentId, hasVisibleRange: secret !== undefined, contacts }
  }

  async function delegatedDirectory(
    { id }: Connection,
    corpId: string,
    counted: (report: CallReport) => void,
  ): Promise<DirectoryAccess> {
    const row = await findCorpRow(database, id, corpId)
    const secret = await connections.revealPermanentCode(id, corpId)
    if (row === undefined || secret === undefined) throw new AppError('connections/corp-not-authorized')
    const onReport = watching(counted, id, corpId)
    const principal = wecom.principal({ corpId, secret: secret.reveal(), onCall: onReport })
    return { principal, corpId, corpName: row.name, agentId: row.agent_id, hasVisibleRange: true, contacts: null }
  }
}

/**
 * Of the app of a company (wecom-api.md §1.3, §3.4): the authorisation is void, the company has none, and its permanent code
 * is not valid, as such or as the secret that it is. The last two are also said of a code that was reset.
 */
const SAY_GONE: ReadonlySet<number> = new Set([48004, 84005, 40084, 40001])

/** A token that cannot be opened any more is as good as none: WeCom gives another. */
function tokenStore(database: Database, vault: Vault): TokenStore {
  return {
    async read(key) {
      const row = await database.kysely
        .selectFrom('wecom_tokens')
        .select('sealed')
        .where('token_key', '=', key)
        .executeTakeFirst()
      if (row === undefined) return undefined
      try {
        return JSON.parse(vault.open(recordOf(key), row.sealed).reveal()) as StoredToken
      } catch (error) {
        if (error instanceof VaultError) return undefined
        throw error
      }
    },
    async write(key, token) {
      const columns = {
        sealed: vault.seal(recordOf(key), new Secret(JSON.stringify(token))),
        expires_at: token.expiresAt,
      }
      await database.kysely
        .insertInto('wecom_tokens')
        .values({ token_key: key, ...columns })
        .onConflict((conflict) => conflict.column('token_key').doUpdateSet(columns))
        .execute()
    },
    exclusively: (key, work) => database.exclusively(recordOf(key), work),
  }
}

function recordOf(key: string): string {
  return `wecom-token/${key}`
}
