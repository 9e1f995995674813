/**
 * The connection that the environment describes (product.md §2.1): made, followed and let go of at each start. What
 * somebody made by hand is never taken over unless it is of the same company. Called by connections.ts.
 */
import { mergePatch, SignInSettings, SyncSettings } from '@muster/contracts'
import type { Actor, Audit } from '../audit/audit.ts'
import { insertRows, isUniqueViolation, type Database, type Row, type Transaction } from '../database/database.ts'
import { signOutOfConnection } from '../directory/sign-out.ts'
import { AppError, type Text } from '../errors.ts'
import type { NewId } from '../ids.ts'
import type { Secret } from '../secret.ts'
import type { Vault } from '../vault.ts'
import { connectionEntry, credentialColumns, findRow, noCredentials, openSecret } from './connection-records.ts'

/** The connection that the environment describes. */
export interface EnvironmentConnection {
  readonly corpId: string
  readonly secret: Secret
  readonly agentId: number
  readonly allowedDomains: readonly string[]
}

export const ENVIRONMENT_IDENTIFIER = 'wecom'

interface EnvironmentParts {
  readonly database: Database
  readonly vault: Vault
  readonly audit: Audit
  readonly newId: NewId
  readonly now: () => number
}

/** Brings the connection `wecom` in line with the environment; without one, it becomes an ordinary connection. */
export async function followEnvironment(
  { database, vault, audit, newId, now }: EnvironmentParts,
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
      await audit.record(tx, actor, [connectionEntry('connection.release', current, {})])
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
        sign_in_enabled: 1,
        sync_enabled: 0,
        sync: JSON.stringify(SyncSettings.parse({})),
        created_at: at,
        next_run_at: null,
        icon: null,
      }),
      id,
      ...credentialColumns(vault, id, {
        corpId: wanted.corpId,
        agentId: wanted.agentId,
        secret: wanted.secret.reveal(),
      }),
      sign_in: JSON.stringify(
        SignInSettings.parse(
          mergePatch(JSON.parse(current?.sign_in ?? NEW), { allowedDomains: [...wanted.allowedDomains] }),
        ),
      ),
      managed_by_environment: 1,
      updated_at: at,
    }
    if (current === undefined) {
      await insertRows(tx, 'connections', [next])
      await audit.record(tx, actor, [connectionEntry('connection.create', next, { by: 'environment' })])
    } else if (differs(vault, current, wanted)) {
      // A secret of another company opens nothing here, and must not be tried on this one.
      const stale = current.corp_id === wanted.corpId ? {} : { contacts_secret_sealed: null }
      await tx.kysely
        .updateTable('connections')
        .set({ ...next, ...stale })
        .where('id', '=', id)
        .execute()
      if (closes(current, next)) await signOutOfConnection(tx, id)
      await audit.record(tx, actor, [connectionEntry('connection.update', next, { by: 'environment' })])
    }
  }
  try {
    await database.inTransaction(follow)
  } catch (error) {
    // Two processes that start together both find nothing; the second one then finds the connection of the first.
    if (!isUniqueViolation(error)) throw error
    await database.inTransaction(follow)
  }
}

/** Whoever configures by environment has nowhere else to switch sign-in on; they can switch it off in the console. */
const NEW = JSON.stringify({ enabled: true })

/** Whether people who came in through the connection could not do so any more, or would be others. */
export function closes(before: Row<'connections'>, after: Row<'connections'>): boolean {
  return after.sign_in_enabled !== 1 || after.corp_id !== before.corp_id || isOtherApp(before, after)
}

/** Whether what companies authorised was another app: WeCom gives each provider names of its own for them. */
export function isOtherApp(before: Row<'connections'>, after: Row<'connections'>): boolean {
  const isOther = (column: 'suite_id' | 'provider_corp_id') =>
    before[column] !== null && after[column] !== before[column]
  // A delegated connection knows its provider only to make invitations with.
  return isOther('suite_id') || (before.kind === 'service_provider' && isOther('provider_corp_id'))
}

/** A connection that the environment once owned, or that is of the same company, may be its again. */
function mayFollow(current: Row<'connections'>, wanted: EnvironmentConnection): boolean {
  if (current.managed_by_environment === 1) return true
  return current.kind === 'self_built' && (current.corp_id === null || current.corp_id === wanted.corpId)
}

function differs(vault: Vault, current: Row<'connections'>, wanted: EnvironmentConnection): boolean {
  const secret = openSecret(vault, current, 'secret')?.reveal()
  const { allowedDomains } = SignInSettings.parse(JSON.parse(current.sign_in))
  return (
    current.managed_by_environment !== 1 ||
    current.corp_id !== wanted.corpId ||
    current.agent_id !== wanted.agentId ||
    secret !== wanted.secret.reveal() ||
    allowedDomains.join() !== wanted.allowedDomains.join()
  )
}

const environmentConflict: Text = {
  en: 'WECOM_CORP_ID is set, but a connection with the identifier wecom exists already and was made by hand.',
  zh: '已设置 WECOM_CORP_ID，但已存在手动创建的标识为 wecom 的连接。',
}
