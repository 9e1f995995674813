/**
 * The WeCom client of this process, on tokens and a budget of calls that all processes share through the database. Owns
 * `wecom_tokens`. SQLite has one process, which keeps its budget in memory.
 */
import {
  createBudget,
  createWecom,
  type CallReport,
  type Principal,
  type StoredToken,
  type TokenStore,
} from '@muster/wecom'
import type { Database } from '../database/database.ts'
import { AppError } from '../errors.ts'
import { Secret } from '../secret.ts'
import { VaultError, type Vault } from '../vault.ts'
import type { Connection, ConnectionForSignIn, Connections } from './connections.ts'
import { createSharedBudget } from './shared-budget.ts'

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
  readonly agentId: number | null
  /** Whether this credential sees only the visible range of an app. */
  readonly hasVisibleRange: boolean
  /** That of the contacts assistant, which from a new address may read nothing but ids; null when there is none. */
  readonly contacts: Principal | null
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
}) {
  const { apiUrl, backoffMs, callTimeoutMs, callsPerMinute } = settings
  const tokens = tokenStore(database, vault)
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

  return {
    /**
     * The credentials that read the address book of a self-built connection: the app's, else the contacts assistant's,
     * and the latter's beside it.
     * @param count called for every request that is sent
     * @throws AppError `connections/not-found`, `connections/incomplete`
     */
    async forDirectory(connectionId: string, count: () => void): Promise<DirectoryAccess> {
      const { corpId, agentId } = await connections.get(connectionId)
      const secret = await connections.revealSecret(connectionId, 'secret')
      const contactsSecret = await connections.revealSecret(connectionId, 'contactsSecret')
      if (corpId === null) throw new AppError('connections/incomplete')
      const principalWith = (clear: Secret) =>
        wecom.principal({
          corpId,
          secret: clear.reveal(),
          onCall({ api, outcome }) {
            count()
            onCall(api, outcome)
          },
        })
      const contacts = contactsSecret === undefined ? null : principalWith(contactsSecret)
      const principal = secret === undefined ? contacts : principalWith(secret)
      if (principal === null) throw new AppError('connections/incomplete')
      return { principal, corpId, agentId, hasVisibleRange: secret !== undefined, contacts }
    },

    /**
     * The app of a connection, for somebody who is signing in.
     * @throws AppError `connections/incomplete`
     */
    forSignIn({ connection: { corpId }, openSecret }: ConnectionForSignIn): Principal {
      const secret = openSecret()
      if (corpId === null || secret === undefined) throw new AppError('connections/incomplete')
      return wecom.principal({
        corpId,
        secret: secret.reveal(),
        priority: 'interactive',
        onCall: ({ api, outcome }) => onCall(api, outcome),
      })
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

    async close() {
      await wecom.close()
      await shared?.close()
    },
  }
}

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
