/**
 * Departments as administrators change them, and as everybody reads them. What a connection owns is changed by sync
 * only; a manual department may stand below one of those, never above.
 */
import type { DepartmentPatch, NewDepartment } from '@muster/contracts'
import { sql } from 'kysely'
import type { Actor, Audit } from '../audit/audit.ts'
import {
  insertRows,
  isOneOf,
  isRowFault,
  type Database,
  type Executor,
  type Row,
  type Transaction,
} from '../database/database.ts'
import { AppError } from '../errors.ts'
import type { NewId } from '../ids.ts'
import { holdOrganization } from './organizations.ts'
import { pageOfRanked, searchFor, type Search } from './search.ts'
import { usersOfMembers, type Found, type MemberKey } from './user-records.ts'

export interface DepartmentRecord {
  readonly department: Row<'departments'>
  /** Direct members who are not deleted, each counted once. */
  readonly userCount: number
  /** Departments directly below it. */
  readonly childCount: number
  /** Living users; a leader in WeCom who is nobody here is left out. */
  readonly leaderUserIds: readonly string[]
}

export interface DepartmentFilter {
  readonly organizationId: string
  /** `none` for the roots. */
  readonly parentId: string | null
  readonly connectionId: string | null
  readonly q: string | null
  readonly limit: number
  /** Of the page before. */
  readonly cursor: string | null
}

export type Departments = ReturnType<typeof createDepartments>

export function createDepartments({
  database,
  audit,
  newId,
  now,
}: {
  database: Database
  audit: Audit
  newId: NewId
  now: () => number
}) {
  return {
    /** @throws AppError `departments/not-found` */
    async get(id: string): Promise<DepartmentRecord & { path: readonly { id: string; name: string }[] }> {
      return { ...(await load(database, id)), path: await pathAbove(database, id) }
    },

    /** In the order of their creation; the children of one, and the roots, as in WeCom; with a search, what fits best first. */
    async list(filter: DepartmentFilter): Promise<Found<DepartmentRecord>> {
      const all = matching(database, filter)
      const order = orderOf(database, filter)
      if (order !== null) {
        const ranked = await pageOfRanked(
          database,
          all.where(order.isFound).select(['id', order.rank.as('rank')]),
          filter,
        )
        const rows = await database.kysely
          .selectFrom('departments')
          .selectAll()
          .where(
            isOneOf(
              database,
              'id',
              ranked.shown.map(({ id }) => id),
            ),
          )
          .execute()
        const byId = new Map(rows.map((row) => [row.id, row]))
        const shown = ranked.shown.flatMap(({ id }) => byId.get(id) ?? [])
        return { ...ranked, items: await complete(database, shown) }
      }
      const { total } = await all.select((eb) => eb.fn.countAll<number>().as('total')).executeTakeFirstOrThrow()
      let page = all
        .selectAll()
        .orderBy('id')
        .limit(filter.limit + 1)
      if (filter.cursor !== null) page = page.where('id', '>', filter.cursor)
      const rows = await page.execute()
      const shown = rows.slice(0, filter.limit)
      return {
        items: await complete(database, shown),
        hasMore: rows.length > filter.limit,
        total,
        place: shown.at(-1)?.id ?? '',
      }
    },

    /**
     * Makes a manual department.
     * @throws AppError `organizations/not-found`, `departments/not-found` (the parent), `users/not-found` (a leader)
     */
    async create(
      actor: Actor,
      organizationId: string,
      input: Omit<NewDepartment, 'organizationId'>,
    ): Promise<DepartmentRecord> {
      const at = now()
      const row: Row<'departments'> = {
        id: newId('dep'),
        organization_id: organizationId,
        parent_id: input.parentId ?? null,
        name: input.name,
        name_en: input.nameEn ?? null,
        position: input.order,
        leaders: JSON.stringify(unique(input.leaderUserIds)),
        origin: 'manual',
        connection_id: null,
        corp_id: null,
        external_id: null,
        missing_since: null,
        created_at: at,
        updated_at: at,
        search_text: null,
        asked_at: null,
      }
      return database.inTransaction(async (tx) => {
        await holdOrganization(tx, organizationId)
        await refuseMissingParent(tx, row)
        await refuseMissingLeaders(tx, row)
        await insertRows(tx, 'departments', [row])
        await audit.record(tx, actor, [entry('department.create', row, { fields: Object.keys(input) })])
        return load(tx, row.id)
      })
    },

    /**
     * A merge patch (RFC 7396).
     * @throws AppError as `create`, and `directory/source-owned`, `departments/cycle`
     */
    async update(actor: Actor, id: string, patch: DepartmentPatch): Promise<DepartmentRecord> {
      return database.inTransaction(async (tx) => {
        if (patch.parentId != null) await lockTreeOf(tx, id)
        const current = await lockDepartment(tx, id)
        const next: Row<'departments'> = {
          ...current,
          ...(patch.parentId === undefined ? {} : { parent_id: patch.parentId }),
          ...(patch.name === undefined ? {} : { name: patch.name }),
          ...(patch.nameEn === undefined ? {} : { name_en: patch.nameEn }),
          ...(patch.order === undefined ? {} : { position: patch.order }),
          ...leadersPatch(await leadersOf(tx, current), patch.leaderUserIds),
        }
        const fields = Object.entries(COLUMNS).flatMap(([field, column]) =>
          next[column] === current[column] ? [] : [field],
        )
        if (fields.length === 0) return load(tx, id)
        refuseSourceOwned(current, fields)
        if (next.parent_id !== current.parent_id) {
          await refuseMissingParent(tx, next)
          await refuseCycle(tx, next)
        }
        if (next.leaders !== current.leaders) await refuseMissingLeaders(tx, next)

        await tx.kysely
          .updateTable('departments')
          .set({ ...next, updated_at: now(), search_text: null })
          .where('id', '=', id)
          .execute()
        await audit.record(tx, actor, [entry('department.update', next, { fields })])
        return load(tx, id)
      })
    },

    /**
     * Deleted users lose their membership of it with it, also when they are restored: they are no reason to keep it.
     * @throws AppError `departments/not-found`, `departments/not-empty`, `directory/source-owned`
     */
    async remove(actor: Actor, id: string): Promise<void> {
      try {
        await database.inTransaction(async (tx) => {
          const row = await lockDepartment(tx, id)
          refuseSourceOwned(row, ['deletion'])
          await refuseWhenNotEmpty(tx, id)
          await tx.kysely.deleteFrom('memberships').where('department_id', '=', id).execute()
          await tx.kysely.deleteFrom('departments').where('id', '=', id).execute()
          await audit.record(tx, actor, [entry('department.delete', row, {})])
        })
      } catch (error) {
        // Somebody put something in between the question and the deletion; the foreign keys have the last word.
        if (isRowFault(error)) throw new AppError('departments/not-empty', { cause: error })
        throw error
      }
    },
  }
}

/** How a list is ordered when not by creation: by how well a search fits, or as WeCom orders siblings. */
function orderOf(on: Executor, { q, parentId }: DepartmentFilter): Search | null {
  if (q !== null) return searchFor(on, q, { keyColumn: null, columns: ['name', 'name_en'] })
  // Ascending like the ranks of a search: in WeCom the larger comes first, and all of them fit into 32 bits.
  if (parentId !== null) return { isFound: sql`1 = 1`, rank: sql`(${sql.lit(HIGHEST)} - position)` }
  return null
}

/** No `order` is larger. */
const HIGHEST = 2 ** 32

const COLUMNS = {
  parentId: 'parent_id',
  name: 'name',
  nameEn: 'name_en',
  order: 'position',
  leaderUserIds: 'leaders',
} as const satisfies Record<keyof DepartmentPatch, keyof Row<'departments'>>

// ---- Reading --------------------------------------------------------------------------------------------------------

function matching(on: Executor, { organizationId, parentId, connectionId }: DepartmentFilter) {
  let departments = on.kysely.selectFrom('departments').where('organization_id', '=', organizationId)
  if (parentId === 'none') departments = departments.where('parent_id', 'is', null)
  else if (parentId !== null) departments = departments.where('parent_id', '=', parentId)
  if (connectionId !== null) departments = departments.where('connection_id', '=', connectionId)
  return departments
}

async function load(on: Executor, id: string): Promise<DepartmentRecord> {
  const row = await on.kysely.selectFrom('departments').selectAll().where('id', '=', id).executeTakeFirst()
  if (row === undefined) throw new AppError('departments/not-found')
  const [record] = await complete(on, [row])
  return record!
}

/** What stands above a department, the root first. Moves are checked for circles, and a reader must end in any case. */
async function pathAbove(on: Executor, id: string): Promise<{ id: string; name: string }[]> {
  const { rows } = await sql<{ id: string; name: string }>`
    with recursive above (id, parent_id, name, height) as (
      select parents.id, parents.parent_id, parents.name, 1
      from departments own join departments parents on parents.id = own.parent_id where own.id = ${id}
      union all
      select parents.id, parents.parent_id, parents.name, above.height + 1
      from above join departments parents on parents.id = above.parent_id
      where above.height < ${sql.lit(DEEPEST)}
    )
    select id, name from above order by height desc
  `.execute(on.kysely)
  return rows
}

/** Far above what WeCom allows. */
const DEEPEST = 64

/** Counts and leaders of a page at once. */
async function complete(on: Executor, departments: readonly Row<'departments'>[]): Promise<DepartmentRecord[]> {
  if (departments.length === 0) return []
  const counts = await on.kysely
    .selectFrom('memberships')
    .innerJoin('users', 'users.id', 'memberships.user_id')
    .select((eb) => ['memberships.department_id', eb.fn.count<number>('users.id').distinct().as('count')])
    .where(
      isOneOf(
        on,
        'memberships.department_id',
        departments.map(({ id }) => id),
      ),
    )
    .where('users.status', '<>', 'deleted')
    .groupBy('memberships.department_id')
    .execute()
  const countOf = new Map(counts.map(({ department_id, count }) => [department_id, count]))
  const children = await on.kysely
    .selectFrom('departments')
    .select((eb) => ['parent_id', eb.fn.countAll<number>().as('count')])
    .where(
      isOneOf(
        on,
        'parent_id',
        departments.map(({ id }) => id),
      ),
    )
    .groupBy('parent_id')
    .execute()
  const childCountOf = new Map(children.map(({ parent_id, count }) => [parent_id, count]))
  const userOf = await usersOfMembers(on, departments.flatMap(memberLeaders))
  const living = await livingUsers(on, departments.flatMap(manualLeaders))
  return departments.map((department) => ({
    department,
    userCount: countOf.get(department.id) ?? 0,
    childCount: childCountOf.get(department.id) ?? 0,
    leaderUserIds: unique([
      ...memberLeaders(department).flatMap((member) => userOf(member) ?? []),
      ...manualLeaders(department).filter((id) => living.has(id)),
    ]),
  }))
}

/** The leaders of a department of WeCom are members, who may come and go without it. */
function memberLeaders({ connection_id, corp_id, leaders }: Row<'departments'>): MemberKey[] {
  if (connection_id === null || corp_id === null) return []
  const keys = JSON.parse(leaders) as string[]
  return keys.map((useridKey) => ({ connectionId: connection_id, corpId: corp_id, useridKey }))
}

function manualLeaders({ connection_id, leaders }: Row<'departments'>): string[] {
  return connection_id === null ? (JSON.parse(leaders) as string[]) : []
}

async function livingUsers(on: Executor, ids: readonly string[], organizationId?: string): Promise<Set<string>> {
  if (ids.length === 0) return new Set()
  let users = on.kysely
    .selectFrom('users')
    .select('id')
    .where('status', '<>', 'deleted')
    .where(isOneOf(on, 'id', ids))
  if (organizationId !== undefined) users = users.where('organization_id', '=', organizationId)
  return new Set((await users.execute()).map(({ id }) => id))
}

// ---- Refusals -------------------------------------------------------------------------------------------------------

function refuseSourceOwned(row: Row<'departments'>, fields: readonly string[]): void {
  if (row.connection_id === null) return
  throw new AppError('directory/source-owned', { fields: fields.map((path) => ({ path, message: 'Owned by WeCom.' })) })
}

async function refuseMissingParent(
  tx: Transaction,
  { organization_id, parent_id }: Pick<Row<'departments'>, 'organization_id' | 'parent_id'>,
): Promise<void> {
  if (parent_id === null) return
  const parent = await tx.kysely
    .selectFrom('departments')
    .select('id')
    .where('id', '=', parent_id)
    .where('organization_id', '=', organization_id)
    // A parent that is being deleted must not get a child.
    .$if(tx.dialect === 'postgres', (query) => query.forKeyShare())
    .executeTakeFirst()
  if (parent !== undefined) return
  throw new AppError('departments/not-found', {
    fields: [{ path: 'parentId', message: 'No such department in this organization.' }],
  })
}

async function refuseMissingLeaders(
  tx: Transaction,
  { organization_id, leaders }: Pick<Row<'departments'>, 'organization_id' | 'leaders'>,
): Promise<void> {
  const ids = JSON.parse(leaders) as string[]
  const living = await livingUsers(tx, ids, organization_id)
  const fields = ids.flatMap((id, index) =>
    living.has(id) ? [] : [{ path: `leaderUserIds.${index}`, message: 'No such user in this organization.' }],
  )
  if (fields.length > 0) throw new AppError('users/not-found', { fields })
}

/** Whether the department is among its own ancestors. `union` and not `union all`, so that it ends in any case. */
async function refuseCycle(tx: Transaction, { id, parent_id }: Row<'departments'>): Promise<void> {
  const { rows } = await sql<{ id: string }>`
    with recursive ancestors (id, parent_id) as (
      select id, parent_id from departments where id = ${parent_id}
      union
      select departments.id, departments.parent_id
      from departments join ancestors on departments.id = ancestors.parent_id
    )
    select id from ancestors where id = ${id}
  `.execute(tx.kysely)
  if (rows.length > 0) throw new AppError('departments/cycle', { fields: [{ path: 'parentId', message: 'Below it.' }] })
}

async function refuseWhenNotEmpty(tx: Transaction, id: string): Promise<void> {
  const child = await tx.kysely.selectFrom('departments').select('id').where('parent_id', '=', id).executeTakeFirst()
  const member = await tx.kysely
    .selectFrom('memberships')
    .innerJoin('users', 'users.id', 'memberships.user_id')
    .select('users.id')
    .where('memberships.department_id', '=', id)
    .where('users.status', '<>', 'deleted')
    .executeTakeFirst()
  if (child !== undefined || member !== undefined) throw new AppError('departments/not-empty')
}

// ---- Writing --------------------------------------------------------------------------------------------------------

async function lockDepartment(tx: Transaction, id: string): Promise<Row<'departments'>> {
  const row = await tx.kysely
    .selectFrom('departments')
    .selectAll()
    .where('id', '=', id)
    .$if(tx.dialect === 'postgres', (query) => query.forNoKeyUpdate())
    .executeTakeFirst()
  if (row === undefined) throw new AppError('departments/not-found')
  return row
}

/**
 * One move at a time in an organization: two that are fine by themselves, A below B and B below A, are a circle
 * together. Sync does not wait for this; its departments are never below manual ones.
 */
async function lockTreeOf(tx: Transaction, departmentId: string): Promise<void> {
  await tx.kysely
    .selectFrom('organizations')
    .select('id')
    .where('id', '=', (eb) => eb.selectFrom('departments').select('organization_id').where('id', '=', departmentId))
    .$if(tx.dialect === 'postgres', (query) => query.forNoKeyUpdate())
    .execute()
}

/** Who leads the department for whoever reads it: what a patch that sends it back unchanged would hold. */
async function leadersOf(tx: Transaction, row: Row<'departments'>): Promise<readonly string[]> {
  const [record] = await complete(tx, [row])
  return record!.leaderUserIds
}

function leadersPatch(current: readonly string[], wanted: readonly string[] | undefined) {
  if (wanted === undefined || JSON.stringify(unique(wanted)) === JSON.stringify(current)) return {}
  return { leaders: JSON.stringify(unique(wanted)) }
}

function unique(ids: readonly string[]): string[] {
  return [...new Set(ids)]
}

function entry(action: string, row: Row<'departments'>, details: Record<string, unknown>) {
  return {
    action,
    organizationId: row.organization_id,
    target: { kind: 'department', id: row.id, name: row.name },
    details,
  }
}
