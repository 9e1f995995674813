/** The recorded changes of runs, as somebody reads them later: filtered, page by page, or all of them for an export. */
import { expressionBuilder, type Expression, type SqlBool } from 'kysely'
import {
  insertRows,
  type Database,
  type Executor,
  type Row,
  type Schema,
  type Transaction,
} from '../database/database.ts'
import { foldName } from '../directory/names.ts'
import { contains } from '../directory/search.ts'
import type { Problem } from '../errors.ts'
import type { Change, ChangeAction, ChangeEntity, ChangeState, Fields } from './plan/changes.ts'

/** A change with its place in the run. */
export interface RecordedChange extends Change {
  readonly runId: string
  readonly position: number
}

export interface ChangeFilter {
  readonly state?: ChangeState | undefined
  readonly action?: ChangeAction | undefined
  readonly entity?: ChangeEntity | undefined
  /** Part of a name or of a WeCom id, ignoring case. */
  readonly q?: string | undefined
}

/** What a run has done before it was taken over: it stays on record and is not counted again. */
export interface Earlier {
  /** The place of the next change. */
  readonly nextPosition: number
  /** People it changed, by their folded userid. */
  readonly users: ReadonlySet<string>
  /** Departments it changed, by their WeCom id. */
  readonly departments: ReadonlySet<string>
}

export type History = ReturnType<typeof createHistory>

const EXPORT_PAGE = 1_000

export function createHistory({ database }: { database: Database }) {
  function matching(runId: string, filter: ChangeFilter) {
    let query = database.kysely.selectFrom('changes').where('run_id', '=', runId)
    if (filter.state !== undefined) query = query.where('state', '=', filter.state)
    if (filter.action !== undefined) query = query.where('action', '=', filter.action)
    if (filter.entity !== undefined) query = query.where('entity', '=', filter.entity)
    const { q } = filter
    if (q !== undefined) query = query.where(({ or }) => or([contains('name', q), contains('external_id', q)]))
    return query
  }

  async function page(runId: string, filter: ChangeFilter, after: number, limit: number) {
    return matching(runId, filter).selectAll().where('position', '>', after).orderBy('position').limit(limit).execute()
  }

  return {
    /** In the order of the plan. `after` is the position of the last change of the page before, or -1. */
    async list(runId: string, filter: ChangeFilter, { after, limit }: { after: number; limit: number }) {
      const { total } = await matching(runId, filter)
        .select((eb) => eb.fn.countAll<number>().as('total'))
        .executeTakeFirstOrThrow()
      const rows = await page(runId, filter, after, limit + 1)
      return { items: rows.slice(0, limit).map(fromRow), hasMore: rows.length > limit, total }
    },

    /**
     * How much a connection, or one of its companies, lost since a moment, in milliseconds since 1970. What an administrator
     * approved is not counted: somebody has looked at it.
     */
    async removalsSince(
      { connectionId, corpId }: { readonly connectionId: string; readonly corpId: string | null },
      since: number,
      on: Executor,
    ): Promise<{ users: number; departments: number }> {
      let query = on.kysely
        .selectFrom('changes')
        .innerJoin('runs', 'runs.id', 'changes.run_id')
        .where('runs.connection_id', '=', connectionId)
        .where('runs.started_at', '>=', since)
        .where('runs.trigger_kind', 'not in', ['approval', 'revert'])
        .where('changes.state', '=', 'applied')
        .where('changes.action', 'in', ['disable', 'delete', 'unlink'])
      if (corpId !== null) {
        // Whoever is removed keeps the link; a department that is gone has left its company with the record.
        query = query.where(({ eb, or }) =>
          or([
            isAboutMember(connectionId, corpId),
            eb('changes.inverse', 'like', `%"corpId":${JSON.stringify(corpId)}%`),
          ]),
        )
      }
      const rows = await query
        .select(['changes.entity', (eb) => eb.fn.countAll<number>().as('count')])
        .groupBy('changes.entity')
        .execute()
      const sum = (of: (entity: string) => boolean) =>
        rows.filter(({ entity }) => of(entity)).reduce((total, { count }) => total + count, 0)
      return {
        users: sum((entity) => entity !== 'department'),
        departments: sum((entity) => entity === 'department'),
      }
    },

    /**
     * Clears the record of a run that will be carried out again, of all that it did not do: it is planned, tried and held
     * anew. @returns what it did
     */
    async keepApplied(
      tx: Transaction,
      runId: string,
    ): Promise<Pick<Change, 'entity' | 'action' | 'state' | 'targetId'>[]> {
      await tx.kysely.deleteFrom('changes').where('run_id', '=', runId).where('state', '<>', 'applied').execute()
      const rows = await tx.kysely
        .selectFrom('changes')
        .select(['entity', 'action', 'target_id'])
        .where('run_id', '=', runId)
        .execute()
      return rows.map(({ entity, action, target_id }) => ({
        targetId: target_id,
        entity: entity as ChangeEntity,
        action: action as ChangeAction,
        state: 'applied',
      }))
    },

    /** Nothing, unless the run was taken over. */
    async earlier(runId: string): Promise<Earlier> {
      const rows = await database.kysely
        .selectFrom('changes')
        .select(['position', 'entity', 'external_id'])
        .where('run_id', '=', runId)
        .orderBy('position')
        .execute()
      const idsOf = (isWanted: (entity: string) => boolean) =>
        rows.flatMap(({ entity, external_id }) => (isWanted(entity) && external_id !== null ? [external_id] : []))
      return {
        nextPosition: (rows.at(-1)?.position ?? -1) + 1,
        users: new Set(idsOf((entity) => entity !== 'department').map(foldName)),
        departments: new Set(idsOf((entity) => entity === 'department')),
      }
    },

    /**
     * Adds what one run holds to what another holds already, each removal once.
     * @returns what the other one holds then
     */
    async moveHeld(tx: Transaction, fromId: string, toId: string): Promise<RecordedChange[]> {
      const held = (runId: string) =>
        tx.kysely
          .selectFrom('changes')
          .selectAll()
          .where('run_id', '=', runId)
          .where('state', '=', 'held')
          .orderBy('position')
          .execute()
      const before = await held(toId)
      const known = new Set(before.map(sameRemoval))
      const added = (await held(fromId)).filter((row) => !known.has(sameRemoval(row)))
      const last = await tx.kysely
        .selectFrom('changes')
        .select((eb) => eb.fn.max<number | null>('position').as('position'))
        .where('run_id', '=', toId)
        .executeTakeFirstOrThrow()
      await tx.kysely.deleteFrom('changes').where('run_id', '=', fromId).where('state', '=', 'held').execute()
      const next = (last.position ?? -1) + 1
      const moved = added.map((row, index) => ({ ...row, run_id: toId, position: next + index }))
      await insertRows(tx, 'changes', moved)
      return [...before, ...moved].map(fromRow)
    },

    /** The removals of a run that wait for approval. */
    async heldOf(runId: string, on: Executor = database): Promise<RecordedChange[]> {
      const rows = await on.kysely
        .selectFrom('changes')
        .selectAll()
        .where('run_id', '=', runId)
        .where('state', '=', 'held')
        .orderBy('position')
        .execute()
      return rows.map(fromRow)
    },

    /** Those of them that are about one company; `corpId` is null for all. */
    async heldWithin(
      runId: string,
      { connectionId, corpId }: { readonly connectionId: string; readonly corpId: string | null },
    ): Promise<RecordedChange[]> {
      let query = database.kysely
        .selectFrom('changes')
        .selectAll()
        .where('run_id', '=', runId)
        .where('state', '=', 'held')
      if (corpId !== null) {
        query = query.where(({ exists, or, selectFrom }) =>
          or([
            isAboutMember(connectionId, corpId),
            exists(
              selectFrom('departments')
                .select('departments.id')
                .whereRef('departments.id', '=', 'changes.target_id')
                .where('departments.connection_id', '=', connectionId)
                .where('departments.corp_id', '=', corpId),
            ),
          ]),
        )
      }
      return (await query.orderBy('position').execute()).map(fromRow)
    },

    /** Notes that an administrator does not want what a run holds. */
    async rejectHeld(tx: Transaction, runId: string): Promise<void> {
      await tx.kysely
        .updateTable('changes')
        .set({ state: 'rejected' })
        .where('run_id', '=', runId)
        .where('state', '=', 'held')
        .execute()
    },

    /** What a run has recorded so far: the position of the next change, and whom its changes are about. */
    async recordedBy(runId: string): Promise<{ next: number; targets: ReadonlySet<string> }> {
      const targets = new Set<string>()
      let after = -1
      for (;;) {
        const rows = await page(runId, {}, after, EXPORT_PAGE)
        for (const { target_id } of rows) if (target_id !== null) targets.add(target_id)
        after = rows.at(-1)?.position ?? after
        if (rows.length < EXPORT_PAGE) return { next: after + 1, targets }
      }
    },

    async countApplied(runId: string, userId: string | null): Promise<number> {
      let query = database.kysely.selectFrom('changes').where('run_id', '=', runId).where('state', '=', 'applied')
      if (userId !== null) query = query.where('target_id', '=', userId)
      const { total } = await query.select((eb) => eb.fn.countAll<number>().as('total')).executeTakeFirstOrThrow()
      return total
    },

    /** The changes that a run applied, the last first, a page at a time. */
    async *appliedBackwards(
      runId: string,
      { isDepartment, userId }: { isDepartment: boolean; userId?: string | undefined },
    ): AsyncGenerator<RecordedChange> {
      let before = Number.MAX_SAFE_INTEGER
      for (;;) {
        let query = database.kysely
          .selectFrom('changes')
          .selectAll()
          .where('run_id', '=', runId)
          .where('position', '<', before)
          .where('state', '=', 'applied')
          .where('entity', isDepartment ? '=' : '<>', 'department')
          .where('target_id', 'is not', null)
        if (userId !== undefined) query = query.where('target_id', '=', userId)
        const rows = await query.orderBy('position', 'desc').limit(EXPORT_PAGE).execute()
        yield* rows.map(fromRow)
        if (rows.length < EXPORT_PAGE) return
        before = rows.at(-1)!.position
        await database.breathe()
      }
    },

    /** All that match, a page at a time. */
    async *all(runId: string, filter: ChangeFilter): AsyncGenerator<RecordedChange> {
      let after = -1
      for (;;) {
        const rows = await page(runId, filter, after, EXPORT_PAGE)
        yield* rows.map(fromRow)
        if (rows.length < EXPORT_PAGE) return
        after = rows.at(-1)!.position
      }
    },
  }
}

/** Whether a change is about somebody who is, or was, a member of this company. */
function isAboutMember(connectionId: string, corpId: string): Expression<SqlBool> {
  const { exists, selectFrom } = expressionBuilder<Schema, 'changes'>()
  return exists(
    selectFrom('links')
      .select('links.id')
      .whereRef('links.user_id', '=', 'changes.target_id')
      .where('links.connection_id', '=', connectionId)
      .where('links.corp_id', '=', corpId),
  )
}

function sameRemoval({ entity, action, target_id }: Row<'changes'>): string {
  return `${entity} ${action} ${target_id}`
}

/** A recorded change as it was decided. */
export function fromRow(row: Row<'changes'>): RecordedChange {
  return {
    runId: row.run_id,
    position: row.position,
    entity: row.entity as ChangeEntity,
    action: row.action as ChangeAction,
    state: row.state as ChangeState,
    externalId: row.external_id,
    targetId: row.target_id,
    name: row.name,
    before: parse(row.before_fields) as Fields | null,
    after: parse(row.after_fields) as Fields | null,
    inverse: parse(row.inverse) as Fields | null,
    reason: row.reason,
    problem: parse(row.error) as Problem | null,
    reviewId: row.review_id,
  }
}

/** JSON of our own; the type is that of what was written. */
function parse(text: string | null) {
  return text === null ? null : JSON.parse(text)
}
