/**
 * What a run has left: its counts, its changes, what the audit record says about it and, of a server that was killed, the
 * people themselves. Read from the database while nobody has it open, or through the API; either way it must be whole,
 * which is what `contradictions` looks for.
 */
import {
  getRun,
  listAudit,
  listChanges,
  type AuditEntry,
  type Change,
  type Endpoint,
  type Result,
  type Run,
  type Sent,
} from '@muster/contracts'
import { openDatabase, type Row, type Transaction } from '../server/src/database/database.ts'

export interface RunTrace {
  readonly state: string
  readonly counts: Run['counts']
  /** Rows that say that something was done. */
  readonly applied: readonly Applied[]
  /** `action target`, of every entry about this run. */
  readonly audited: readonly string[]
}

interface Applied {
  readonly entity: string
  readonly action: string
  readonly targetId: string
}

type Ask = <const E extends Endpoint>(endpoint: E, request: Sent<E>) => Promise<Result<E>>

const PAGE = 500

/** Through the API. */
export async function traceOf(ask: Ask, runId: string): Promise<RunTrace> {
  const { state, counts } = await ask(getRun, { params: { id: runId } })
  const changes: Change[] = []
  for (let cursor: string | undefined; ;) {
    const query = { state: 'applied' as const, limit: PAGE, cursor }
    const page = await ask(listChanges, { params: { id: runId }, query })
    changes.push(...page.items)
    if (page.nextCursor === null) break
    cursor = page.nextCursor
  }
  const applied = changes.map(({ entity, action, userId, departmentId }) => {
    return { entity, action, targetId: userId ?? departmentId ?? '' }
  })
  const audited: string[] = []
  for (const action of AUDITED) audited.push(...(await auditedAs(ask, action, runId)))
  return { state, counts, applied, audited }
}

/** Newest first, so that the entries about the last run of all are the first. */
async function auditedAs(ask: Ask, action: string, runId: string): Promise<string[]> {
  const found: string[] = []
  for (let cursor: string | undefined; ;) {
    const { items, nextCursor } = await ask(listAudit, { query: { action, limit: PAGE, cursor } })
    const ours = items.filter(({ details }) => details.runId === runId)
    found.push(...ours.map(describeEntry))
    if (ours.length < items.length || nextCursor === null) return found
    cursor = nextCursor
  }
}

function describeEntry({ action, target }: AuditEntry): string {
  return `${action} ${target?.id}`
}

/** From the database of a server that is dead, with what contradicts it in the people of the directory. */
export async function traceLeftBehind(url: string, runId: string): Promise<RunTrace & { halfApplied: string[] }> {
  const database = await openDatabase(url)
  try {
    return await database.inTransaction(async (tx) => {
      // PostgreSQL may still be committing what the dead process sent last; that holds this row until it is done.
      await tx.kysely.updateTable('runs').set({ id: runId }).where('id', '=', runId).execute()
      const run = await tx.kysely.selectFrom('runs').selectAll().where('id', '=', runId).executeTakeFirstOrThrow()
      const changes = await tx.kysely
        .selectFrom('changes')
        .selectAll()
        .where('run_id', '=', runId)
        .where('state', '=', 'applied')
        .orderBy('position')
        .execute()
      const audit = await tx.kysely
        .selectFrom('audit')
        .selectAll()
        .where('details', 'like', `%"runId":"${runId}"%`)
        .execute()
      return {
        state: run.state,
        counts: JSON.parse(run.counts) as Run['counts'],
        applied: changes.map(({ entity, action, target_id }) => ({ entity, action, targetId: target_id ?? '' })),
        audited: audit.map(({ action, target_id }) => `${action} ${target_id}`),
        halfApplied: await halfApplied(tx, run.started_at, changes),
      }
    })
  } finally {
    await database.close()
  }
}

/** Whose row is not what their changes say, or who was written without one. */
async function halfApplied(tx: Transaction, startedAt: number, changes: readonly Row<'changes'>[]): Promise<string[]> {
  const users = await tx.kysely.selectFrom('users').selectAll().execute()
  const memberships = await tx.kysely.selectFrom('memberships').selectAll().execute()
  const placesOf = Map.groupBy(memberships, ({ user_id }) => user_id)
  const changesOf = Map.groupBy(changes, ({ target_id }) => target_id)
  return users.flatMap((user) => {
    const recorded = (changesOf.get(user.id) ?? []).filter(({ entity }) => entity === 'user')
    if (recorded.length === 0) return user.updated_at > startedAt ? [`${user.id} was written without a change`] : []
    const wanted: Record<string, unknown> = {}
    for (const { after_fields } of recorded) Object.assign(wanted, JSON.parse(after_fields ?? '{}'))
    const departments = (placesOf.get(user.id) ?? []).map(({ department_id }) => department_id).sort()
    const actual: Record<string, unknown> = { status: user.status, title: user.title, departments }
    if (wanted.departments !== undefined) {
      wanted.departments = (wanted.departments as { departmentId: string }[]).map((place) => place.departmentId).sort()
    }
    return Object.keys(actual)
      .filter((field) => field in wanted && JSON.stringify(actual[field]) !== JSON.stringify(wanted[field]))
      .map((field) => `${user.id}: ${field} is ${String(actual[field])} and was recorded as ${String(wanted[field])}`)
  })
}

/** Every change of access, as product.md has it on record for itself. */
const AUDITED = [
  'user.disable',
  'user.enable',
  'user.delete',
  'user.restore',
  'department.delete',
  'link.link',
  'link.unlink',
]

const COUNTED = {
  created: 'create',
  updated: 'update',
  disabled: 'disable',
  enabled: 'enable',
  deleted: 'delete',
  restored: 'restore',
} as const

/** Rows or entries that are there twice, counts that are not the number of rows, and access without its entry. */
export function contradictions({ counts, applied, audited }: RunTrace): string[] {
  const keys = applied.map(({ entity, action, targetId }) => `${entity}.${action} ${targetId}`)
  const due = keys.filter((key) => AUDITED.includes(key.split(' ')[0]!))
  const miscounted = (['user', 'department'] as const).flatMap((entity) =>
    Object.entries(COUNTED).flatMap(([name, action]) => {
      const group: Record<string, number> = entity === 'user' ? counts.users : counts.departments
      const rows = new Set(
        applied.flatMap((change) =>
          change.action === action && countedAs(change) === entity ? [change.targetId] : [],
        ),
      ).size
      return (group[name] ?? 0) === rows ? [] : [`${entity}: ${group[name]} ${name}, and ${rows} rows`]
    }),
  )
  return [
    ...twice(keys).map((key) => `${key} is on record twice`),
    ...twice(audited).map((key) => `${key} is in the audit record twice`),
    ...due.filter(not(audited)).map((key) => `${key} is not in the audit record`),
    ...audited.filter(not(keys)).map((key) => `${key} is in the audit record and was not done`),
    ...miscounted,
  ]
}

/** Who has another userid is a person who is updated, once, whatever else has changed. */
function countedAs({ entity, action }: Applied): string {
  return entity === 'link' && action === 'update' ? 'user' : entity
}

function twice(all: readonly string[]): string[] {
  const seen = new Set<string>()
  return all.filter((one) => seen.size === seen.add(one).size)
}

function not(others: readonly string[]): (one: string) => boolean {
  const known = new Set(others)
  return (one) => !known.has(one)
}
