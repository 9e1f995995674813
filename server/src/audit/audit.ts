/**
 * The append-only record of who did what. Entries are written inside the transaction of the deed and never changed; only
 * the names of people who were purged are taken out of them.
 */
import type { RawBuilder } from 'kysely'
import { insertRows, isOneOf, type Database, type Executor, type Row, type Transaction } from '../database/database.ts'
import { lowestId, type NewId } from '../ids.ts'

/** Who did something. `system` is Muster itself: a schedule, a run, a retention job. */
export interface Actor {
  readonly kind: 'user' | 'token' | 'bootstrap' | 'local' | 'system'
  readonly id: string | null
  readonly name: string | null
  /** Where the request came from. */
  readonly address: string | null
  readonly requestId: string | null
}

export const SYSTEM: Actor = { kind: 'system', id: null, name: null, address: null, requestId: null }

export interface AuditEntry {
  /** What was done, as `noun.verb`: `connection.create`, `user.disable`. */
  readonly action: string
  readonly organizationId: string | null
  readonly target: { readonly kind: string; readonly id: string; readonly name: string | null } | null
  /** Facts for whoever reads it later. No secrets, and no personal data beyond names of fields. */
  readonly details?: Readonly<Record<string, unknown>>
}

export type Audit = ReturnType<typeof createAudit>

export function createAudit({ database, newId, now }: { database: Database; newId: NewId; now: () => number }) {
  return {
    async record(tx: Transaction, actor: Actor, entries: readonly AuditEntry[]): Promise<void> {
      const at = now()
      await insertRows(
        tx,
        'audit',
        entries.map((entry): Row<'audit'> => ({
          id: newId('aud'),
          at,
          organization_id: entry.organizationId,
          actor_kind: actor.kind,
          actor_id: actor.id,
          actor_name: actor.name,
          action: entry.action,
          target_kind: entry.target?.kind ?? null,
          target_id: entry.target?.id ?? null,
          target_name: entry.target?.name ?? null,
          details: JSON.stringify(entry.details ?? {}),
          address: actor.address,
          request_id: actor.requestId,
        })),
      )
    },

    /** Of people who are purged, and of what was theirs, the record keeps the ids alone (threats.md D-07). */
    async forgetNames(tx: Transaction, ids: readonly string[]): Promise<void> {
      await tx.kysely
        .updateTable('audit')
        .set({ target_name: null })
        .where(isOneOf(tx, 'target_id', ids))
        .where('target_name', 'is not', null)
        .execute()
      await tx.kysely
        .updateTable('audit')
        .set({ actor_name: null })
        .where('actor_kind', '=', 'user')
        .where(isOneOf(tx, 'actor_id', ids))
        .execute()
    },

    /** What was done to each of these, of certain kinds, newest first. */
    async decisionsAbout(
      on: Executor,
      targetIds: readonly string[],
      actions: readonly string[],
    ): Promise<Map<string, Row<'audit'>[]>> {
      if (targetIds.length === 0) return new Map()
      const rows = await on.kysely
        .selectFrom('audit')
        .selectAll()
        .where(isOneOf(on, 'target_id', targetIds))
        .where(isOneOf(on, 'action', actions))
        .orderBy('id', 'desc')
        .execute()
      return Map.groupBy(rows, ({ target_id }) => target_id!)
    },

    /** Newest first. `cursor` is the id of the last entry of the page before. */
    async list({ limit, cursor, ...filter }: AuditFilter & { limit: number; cursor: string | null }) {
      const { total } = await matching(filter)
        .select((eb) => eb.fn.countAll<number>().as('total'))
        .executeTakeFirstOrThrow()
      const rows = await pageOf(filter, limit + 1, cursor)
      return { items: rows.slice(0, limit), hasMore: rows.length > limit, total }
    },

    /** All of them, newest first, a page at a time. */
    async *all(filter: AuditFilter): AsyncGenerator<Row<'audit'>> {
      let cursor: string | null = null
      for (;;) {
        const rows: Row<'audit'>[] = await pageOf(filter, EXPORTED_AT_ONCE, cursor)
        yield* rows
        if (rows.length < EXPORTED_AT_ONCE) return
        cursor = rows.at(-1)!.id
        await database.breathe()
      }
    },
  }

  function pageOf(filter: AuditFilter, limit: number, cursor: string | null): Promise<Row<'audit'>[]> {
    let page = matching(filter).selectAll().orderBy('id', 'desc').limit(limit)
    if (cursor !== null) page = page.where('id', '<', cursor)
    return page.execute()
  }

  function matching(filter: AuditFilter) {
    let all = database.kysely.selectFrom('audit')
    if (filter.organizationId !== undefined) all = all.where('organization_id', '=', filter.organizationId)
    if (filter.action !== undefined) all = all.where('action', '=', filter.action)
    if (filter.actorId !== undefined) all = all.where('actor_id', '=', filter.actorId)
    if (filter.targetId !== undefined) all = all.where('target_id', '=', filter.targetId)
    // The ids, which have an index, say the time too, but not to the millisecond the same.
    const { from, to } = filter
    if (from !== undefined) all = all.where('at', '>=', from).where('id', '>=', lowestId('aud', from - ID_SLACK_MS))
    if (to !== undefined) all = all.where('at', '<', to).where('id', '<', lowestId('aud', to + ID_SLACK_MS))
    return filter.matches === undefined ? all : all.where(filter.matches)
  }
}

const EXPORTED_AT_ONCE = 500
const ID_SLACK_MS = 60_000

export interface AuditFilter {
  readonly organizationId?: string | undefined
  readonly action?: string | undefined
  readonly actorId?: string | undefined
  readonly targetId?: string | undefined
  /** Milliseconds since 1970: then or later, and before then. */
  readonly from?: number | undefined
  readonly to?: number | undefined
  /** A further condition on the columns of `audit`. */
  readonly matches?: RawBuilder<boolean> | undefined
}
