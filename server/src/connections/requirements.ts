/**
 * What a connection has to be before it is saved: settings that agree with each other, what a service needs before it is
 * switched on, secrets that belong to the company, what the environment owns. Pure; each rule refuses in its own words.
 * Called by connections.ts; `refuseMapping` also where a mapping is tried before it is saved.
 */
import { readMapping, SyncSettings, type ConnectionPatch, type MappingEntry } from '@muster/contracts'
import type { Row } from '../database/database.ts'
import { AppError, type FieldProblem, type Text } from '../errors.ts'
import { SECRET_COLUMNS } from './connection-records.ts'

/** Two settings that are each valid may be none together, such as a weekly schedule without its day. */
export function parseSync(value: unknown): SyncSettings {
  const result = SyncSettings.safeParse(value)
  if (result.success) return result.data
  const fields = result.error.issues.map(({ path, message }) => ({ path: ['sync', ...path].join('.'), message }))
  throw new AppError('http/validation', { fields })
}

/** Any secret opens any corp's door only in its own corp: a changed corpId must not send the old secret to a new company. */
export function refuseStaleSecrets(current: Row<'connections'>, patch: ConnectionPatch): void {
  if (patch.corpId === undefined || patch.corpId === current.corp_id) return
  const stale = (['secret', 'contactsSecret'] as const).filter(
    (name) => current[SECRET_COLUMNS[name]] !== null && patch[name] === undefined,
  )
  if (stale.length === 0) return
  throw new AppError('connections/secret-required', {
    fields: stale.map((path) => ({ path, message: 'Send it again, or null to clear it.' })),
  })
}

export function refuseEnvironmentFields(patch: ConnectionPatch): void {
  const fixed = (['corpId', 'agentId', 'secret'] as const).filter((name) => patch[name] !== undefined)
  if (fixed.length === 0 && patch.signIn?.allowedDomains === undefined) return
  throw new AppError('connections/managed-by-environment', {
    fields: fixed.map((path) => ({ path, message: 'Set by an environment variable.' })),
  })
}

/** http-api.md §5, "Required to enable". */
export function missingForSignIn({ corp_id, agent_id, secret_sealed }: Row<'connections'>): FieldProblem[] {
  const needed = { corpId: corp_id, agentId: agent_id, secret: secret_sealed }
  return Object.entries(needed).flatMap(([path, value]) =>
    value === null ? [{ path, message: 'Needed for signing in.' }] : [],
  )
}

/** As `missingForSignIn`. */
export function missingForSync(row: Row<'connections'>): FieldProblem[] {
  const missing: FieldProblem[] = []
  if (row.corp_id === null) missing.push({ path: 'corpId', message: 'Needed for directory sync.' })
  if (row.secret_sealed === null && row.contacts_secret_sealed === null) {
    missing.push({ path: 'secret', message: 'Directory sync needs secret or contactsSecret.' })
  }
  return missing
}

export function refuseIncomplete(fields: FieldProblem[]): void {
  if (fields.length > 0) throw new AppError('connections/incomplete', { fields })
}

/** What the contract names and this version does not do yet is refused, not ignored. */
export function refuseUnavailable(row: Row<'connections'>, sync: SyncSettings): void {
  if (row.kind !== 'self_built') throw new AppError('connections/kind-not-available')
  if (!sync.realTime) return
  throw new AppError('connections/setting-not-available', {
    fields: [{ path: 'sync.realTime', message: 'Not available in this version.' }],
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

export function ownedBy({ display_name, identifier }: { display_name: string; identifier: string }): AppError {
  const detail: Text = {
    en: `Directory sync of this organization belongs to the connection ${display_name} (${identifier}).`,
    zh: `该组织的通讯录同步由连接 ${display_name}（${identifier}）负责。`,
  }
  return new AppError('sync/owned-by-other', { detail, extra: { owner: { identifier, displayName: display_name } } })
}
