/** The append-only record of who did what. Entries are written inside the transaction of the deed, never changed. */
import { insertRows, type Database, type Row, type Transaction } from '../database/database.ts'
import type { NewId } from '../ids.ts'

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

    /** Newest first. */
    async list({
      limit,
      cursor,
      organizationId,
    }: {
      limit: number
      cursor: string | null
      organizationId: string | null
    }) {
      let all = database.kysely.selectFrom('audit')
      if (organizationId !== null) all = all.where('organization_id', '=', organizationId)
      const { total } = await all.select((eb) => eb.fn.countAll<number>().as('total')).executeTakeFirstOrThrow()
      let page = all
        .selectAll()
        .orderBy('id', 'desc')
        .limit(limit + 1)
      if (cursor !== null) page = page.where('id', '<', cursor)
      const rows = await page.execute()
      return { items: rows.slice(0, limit), hasMore: rows.length > limit, total }
    },
  }
}
