/**
 * Organizations: directory boundaries. Most installations have one, `default`, which a request means when it names none;
 * it is made at the first start and neither renamed in URLs nor deleted.
 */
import { SYSTEM, type Actor, type Audit } from '../audit/audit.ts'
import {
  insertRows,
  isRowFault,
  isUniqueViolation,
  type Database,
  type Executor,
  type Row,
  type Transaction,
} from '../database/database.ts'
import { AppError } from '../errors.ts'
import type { NewId } from '../ids.ts'
import { contains } from './search.ts'

/** Times are milliseconds since 1970. */
export interface Organization {
  readonly id: string
  readonly slug: string
  readonly name: string
  readonly builtInUsersAllowed: boolean
  readonly createdAt: number
  readonly updatedAt: number
}

export type OrganizationInput = Pick<Organization, 'slug' | 'name' | 'builtInUsersAllowed'>

export type Organizations = ReturnType<typeof createOrganizations>

const DEFAULT_SLUG = 'default'

export function createOrganizations({
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
    /** @throws AppError `organizations/not-found` */
    async get(id: string, on: Executor = database): Promise<Organization> {
      return fromRow(await rowOf(on, id))
    },

    /** The organization that a request means: without an id, `default`. @throws AppError `organizations/not-found` */
    async resolve(id: string | undefined, on: Executor = database): Promise<Organization> {
      if (id !== undefined) return fromRow(await rowOf(on, id))
      const row = await bySlug(on, DEFAULT_SLUG)
      if (row === undefined) throw new AppError('organizations/not-found')
      return fromRow(row)
    },

    /** In the order of their creation. */
    async list({ limit, cursor, q }: { limit: number; cursor: string | null; q: string | null }) {
      let all = database.kysely.selectFrom('organizations')
      if (q !== null) all = all.where((eb) => eb.or([contains('slug', q), contains('name', q)]))
      const { total } = await all.select((eb) => eb.fn.countAll<number>().as('total')).executeTakeFirstOrThrow()
      let page = all
        .selectAll()
        .orderBy('id')
        .limit(limit + 1)
      if (cursor !== null) page = page.where('id', '>', cursor)
      const rows = await page.execute()
      return { items: rows.slice(0, limit).map(fromRow), hasMore: rows.length > limit, total }
    },

    /** @throws AppError `organizations/slug-taken` */
    create(actor: Actor, input: OrganizationInput): Promise<Organization> {
      return insert(actor, input)
    },

    /** Makes `default` when there is none; several processes may start at once. */
    async ensureDefault(): Promise<Organization> {
      const existing = await bySlug(database, DEFAULT_SLUG)
      if (existing !== undefined) return fromRow(existing)
      try {
        return await insert(SYSTEM, { slug: DEFAULT_SLUG, name: 'Default', builtInUsersAllowed: true })
      } catch (error) {
        if (!(error instanceof AppError && error.code === 'organizations/slug-taken')) throw error
        return this.resolve(undefined)
      }
    },

    /** @throws AppError `organizations/not-found`, `organizations/slug-taken`, `organizations/default-fixed` */
    async update(actor: Actor, id: string, patch: Partial<OrganizationInput>): Promise<Organization> {
      return refusingTakenSlug(() =>
        database.inTransaction(async (tx) => {
          const current = await rowOf(tx, id)
          const next: Row<'organizations'> = {
            ...current,
            slug: patch.slug ?? current.slug,
            name: patch.name ?? current.name,
            built_in_users_allowed: flag(patch.builtInUsersAllowed ?? current.built_in_users_allowed === 1),
            updated_at: now(),
          }
          if (current.slug === DEFAULT_SLUG && next.slug !== DEFAULT_SLUG) {
            throw new AppError('organizations/default-fixed', {
              fields: [{ path: 'slug', message: 'The organization default keeps its slug.' }],
            })
          }
          await tx.kysely.updateTable('organizations').set(next).where('id', '=', id).execute()
          await audit.record(tx, actor, [entry('organization.update', next, { fields: Object.keys(patch) })])
          return fromRow(next)
        }),
      )
    },

    /**
     * Deleted users count as users until they are purged: they can still be restored.
     * @throws AppError `organizations/not-found`, `organizations/not-empty`, `organizations/default-fixed`
     */
    async remove(actor: Actor, id: string): Promise<void> {
      try {
        await database.inTransaction(async (tx) => {
          const row = await rowOf(tx, id)
          if (row.slug === DEFAULT_SLUG) throw new AppError('organizations/default-fixed')
          await refuseWhenNotEmpty(tx, id)
          await tx.kysely.deleteFrom('organizations').where('id', '=', id).execute()
          await audit.record(tx, actor, [entry('organization.delete', row, {})])
        })
      } catch (error) {
        // Somebody put something in between the question and the deletion; the foreign keys have the last word.
        if (isRowFault(error)) throw new AppError('organizations/not-empty', { cause: error })
        throw error
      }
    },
  }

  function insert(actor: Actor, input: OrganizationInput): Promise<Organization> {
    const at = now()
    const row: Row<'organizations'> = {
      id: newId('org'),
      slug: input.slug,
      name: input.name,
      built_in_users_allowed: flag(input.builtInUsersAllowed),
      created_at: at,
      updated_at: at,
    }
    return refusingTakenSlug(() =>
      database.inTransaction(async (tx) => {
        await insertRows(tx, 'organizations', [row])
        await audit.record(tx, actor, [entry('organization.create', row, {})])
        return fromRow(row)
      }),
    )
  }
}

/**
 * The organization, kept from being deleted until the transaction ends: whatever is put into it then arrives somewhere.
 * @throws AppError `organizations/not-found`
 */
export async function holdOrganization(tx: Transaction, id: string): Promise<Organization> {
  const row = await tx.kysely
    .selectFrom('organizations')
    .selectAll()
    .where('id', '=', id)
    .$if(tx.dialect === 'postgres', (query) => query.forKeyShare())
    .executeTakeFirst()
  if (row === undefined) throw new AppError('organizations/not-found')
  return fromRow(row)
}

async function rowOf(on: Executor, id: string): Promise<Row<'organizations'>> {
  const row = await on.kysely.selectFrom('organizations').selectAll().where('id', '=', id).executeTakeFirst()
  if (row === undefined) throw new AppError('organizations/not-found')
  return row
}

function bySlug(on: Executor, slug: string): Promise<Row<'organizations'> | undefined> {
  return on.kysely.selectFrom('organizations').selectAll().where('slug', '=', slug).executeTakeFirst()
}

async function refuseWhenNotEmpty(tx: Transaction, id: string): Promise<void> {
  const contents: Record<string, number> = {}
  for (const table of ['connections', 'users', 'departments', 'applications'] as const) {
    const { count } = await tx.kysely
      .selectFrom(table)
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .where('organization_id', '=', id)
      .executeTakeFirstOrThrow()
    contents[table] = count
  }
  const { connections, users, departments, applications } = contents
  if (connections === 0 && users === 0 && departments === 0 && applications === 0) return
  throw new AppError('organizations/not-empty', {
    detail: {
      en: `It has ${connections} connections, ${users} users (deleted ones included), ${departments} departments and ${applications} applications.`,
      zh: `其中有 ${connections} 个连接、${users} 个用户（含已删除）、${departments} 个部门和 ${applications} 个应用。`,
    },
  })
}

async function refusingTakenSlug<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (isUniqueViolation(error)) throw new AppError('organizations/slug-taken', { cause: error })
    throw error
  }
}

function fromRow(row: Row<'organizations'>): Organization {
  return {
    id: row.id,
    slug: row.slug,
    name: row.name,
    builtInUsersAllowed: row.built_in_users_allowed === 1,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}

function flag(value: boolean): 0 | 1 {
  return value ? 1 : 0
}

function entry(action: string, row: Row<'organizations'>, details: Record<string, unknown>) {
  return {
    action,
    organizationId: row.id,
    target: { kind: 'organization', id: row.id, name: row.slug },
    details,
  }
}
