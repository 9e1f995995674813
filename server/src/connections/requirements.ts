/**
 * What a connection has to be before it is saved: settings that agree with each other, what a service needs before it is
 * switched on, secrets that belong to the company, what the environment owns. Pure; each rule refuses in its own words.
 * Called by connections.ts; `refuseMapping` also where a mapping is tried before it is saved.
 */
import { readMapping, SyncSettings, type ConnectionPatch, type MappingEntry } from '@muster/contracts'
import type { Row } from '../database/database.ts'
import { AppError, unreachable, type FieldProblem, type Text } from '../errors.ts'
import { SECRET_COLUMNS, type ConnectionKind } from './connection-records.ts'

/** Two settings that are each valid may be none together, such as a weekly schedule without its day. */
export function parseSync(value: unknown): SyncSettings {
  const result = SyncSettings.safeParse(value)
  if (result.success) return result.data
  const fields = result.error.issues.map(({ path, message }) => ({ path: ['sync', ...path].join('.'), message }))
  throw new AppError('http/validation', { fields })
}

/**
 * A secret opens the door of its own company, suite or provider only: under a changed id the old one must not be sent to
 * another.
 */
export function refuseStaleSecrets(current: Row<'connections'>, patch: ConnectionPatch): void {
  const stale = OWNERS_OF_SECRETS.flatMap(({ id, column, secrets }) =>
    patch[id] === undefined || patch[id] === current[column]
      ? []
      : secrets.filter((name) => current[SECRET_COLUMNS[name]] !== null && patch[name] === undefined),
  )
  if (stale.length === 0) return
  throw new AppError('connections/secret-required', {
    fields: stale.map((path) => ({ path, message: 'Send it again, or null to clear it.' })),
  })
}

const OWNERS_OF_SECRETS = [
  { id: 'corpId', column: 'corp_id', secrets: ['secret', 'contactsSecret'] },
  { id: 'suiteId', column: 'suite_id', secrets: ['suiteSecret'] },
  { id: 'providerCorpId', column: 'provider_corp_id', secrets: ['providerSecret'] },
] as const

export function refuseEnvironmentFields(patch: ConnectionPatch): void {
  const fixed = (['corpId', 'agentId', 'secret'] as const).filter((name) => patch[name] !== undefined)
  if (fixed.length === 0 && patch.signIn?.allowedDomains === undefined) return
  throw new AppError('connections/managed-by-environment', {
    fields: fixed.map((path) => ({ path, message: 'Set by an environment variable.' })),
  })
}

/** http-api.md §5, "Required to enable". */
export function missingForSignIn(row: Row<'connections'>): FieldProblem[] {
  const why = 'Needed for signing in.'
  const kind = kindOf(row)
  switch (kind) {
    case 'self_built':
      return missing({ corpId: row.corp_id, agentId: row.agent_id, secret: row.secret_sealed }, why)
    case 'delegated':
      return missing({ ...suiteOf(row), ...callbackOf(row) }, why)
    case 'service_provider':
      return missing({ ...providerOf(row), ...suiteOf(row), ...callbackOf(row) }, why)
    default:
      return unreachable(kind)
  }
}

/** As `missingForSignIn`. @throws AppError `connections/kind-without-sync` */
export function missingForSync(row: Row<'connections'>): FieldProblem[] {
  const why = 'Needed for directory sync.'
  const kind = kindOf(row)
  switch (kind) {
    case 'self_built': {
      const either = 'Directory sync needs secret or contactsSecret.'
      return [
        ...missing({ corpId: row.corp_id }, why),
        ...missing({ secret: row.secret_sealed ?? row.contacts_secret_sealed }, either),
      ]
    }
    case 'delegated':
      return missing({ ...suiteOf(row), ...callbackOf(row) }, why)
    case 'service_provider':
      throw new AppError('connections/kind-without-sync', {
        fields: [{ path: 'sync.enabled', message: 'A service provider connection has no directory sync.' }],
      })
    default:
      return unreachable(kind)
  }
}

/** Events come through the callback, so real time needs one. */
export function missingForRealTime(row: Row<'connections'>): FieldProblem[] {
  return missing(callbackOf(row), 'Needed for real time.')
}

/** What asking WeCom as a suite takes; without it no company can be invited. */
export function missingForSuite(row: Row<'connections'>): FieldProblem[] {
  return missing({ ...suiteOf(row), ...callbackOf(row) }, 'Needed for asking WeCom as a suite.')
}

function kindOf({ kind }: Row<'connections'>): ConnectionKind {
  return kind as ConnectionKind
}

function suiteOf(row: Row<'connections'>) {
  return { suiteId: row.suite_id, suiteSecret: row.suite_secret_sealed }
}

function providerOf(row: Row<'connections'>) {
  return { providerCorpId: row.provider_corp_id, providerSecret: row.provider_secret_sealed }
}

function callbackOf(row: Row<'connections'>) {
  return { 'callback.token': row.callback_token_sealed, 'callback.aesKey': row.callback_aes_key_sealed }
}

function missing(needed: Readonly<Record<string, unknown>>, message: string): FieldProblem[] {
  return Object.entries(needed).flatMap(([path, value]) => (value === null ? [{ path, message }] : []))
}

export function refuseIncomplete(fields: FieldProblem[]): void {
  if (fields.length > 0) throw new AppError('connections/incomplete', { fields })
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

export function ownedBy({ display_name, identifier }: { display_name: string; identifier: string }): AppError {
  const detail: Text = {
    en: `Directory sync of this organization belongs to the connection ${display_name} (${identifier}).`,
    zh: `该组织的通讯录同步由连接 ${display_name}（${identifier}）负责。`,
  }
  return new AppError('sync/owned-by-other', { detail, extra: { owner: { identifier, displayName: display_name } } })
}
