/** Links that people make and remove: one member of WeCom bound to one user. Those of sync are written by writes.ts. */
import type { Actor, Audit } from '../audit/audit.ts'
import {
  insertRows,
  isUniqueViolation,
  prepared,
  type Database,
  type Row,
  type Transaction,
} from '../database/database.ts'
import { AppError } from '../errors.ts'
import type { NewId } from '../ids.ts'
import { foldName } from './names.ts'
import { lockLivingUser, lockOwners, lockUser, refuseLastOwner, refuseUnlessOwner, type Requester } from './owners.ts'
import { contains } from './search.ts'
import { signOutWithoutDoor } from './sign-out.ts'

export type Link = Row<'links'>

export type Links = ReturnType<typeof createLinks>

export function createLinks({
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
    /** In the order of their creation. `q` searches userids and the names of the users. */
    async list(filter: {
      organizationId: string
      connectionId: string | null
      userId: string | null
      q: string | null
      limit: number
      cursor: string | null
    }) {
      const { connectionId, userId, q } = filter
      let all = database.kysely
        .selectFrom('links')
        .innerJoin('users', 'users.id', 'links.user_id')
        .where('users.organization_id', '=', filter.organizationId)
      if (connectionId !== null) all = all.where('links.connection_id', '=', connectionId)
      if (userId !== null) all = all.where('links.user_id', '=', userId)
      if (q !== null) {
        all = all.where((eb) =>
          eb.or([contains('links.userid', q), contains('users.username', q), contains('users.display_name', q)]),
        )
      }
      const { total } = await all.select((eb) => eb.fn.countAll<number>().as('total')).executeTakeFirstOrThrow()
      let page = all
        .selectAll('links')
        .orderBy('links.id')
        .limit(filter.limit + 1)
      if (filter.cursor !== null) page = page.where('links.id', '>', filter.cursor)
      const rows = await page.execute()
      return { items: rows.slice(0, filter.limit), hasMore: rows.length > filter.limit, total }
    },

    /**
     * The next run of the connection compares the person and brings the rest. Without a `corpId` it is the company of
     * the connection.
     * @throws AppError `users/not-found`, `users/deleted`, `connections/not-found`, `connections/incomplete`,
     * `http/validation`, `links/taken`, `auth/forbidden`
     */
    async create(
      by: Requester,
      userId: string,
      input: { connectionId: string; corpId?: string | undefined; userid: string },
    ): Promise<Link> {
      try {
        return await database.inTransaction(async (tx) => {
          const user = await lockLivingUser(tx, userId)
          refuseUnlessOwner(by, user)
          const link: Link = {
            id: newId('lnk'),
            connection_id: input.connectionId,
            corp_id: await corpOf(tx, user.organization_id, input),
            userid: input.userid,
            userid_key: foldName(input.userid),
            open_userid: null,
            user_id: userId,
            created_by: 'admin',
            source_hash: null,
            leader_keys: '[]',
            created_at: now(),
            last_sign_in_at: null,
            missing_since: null,
            asked_at: null,
          }
          await insertRows(tx, 'links', [link])
          await audit.record(tx, by.actor, [entry('link.create', link, user)])
          return link
        })
      } catch (error) {
        if (isUniqueViolation(error)) throw new AppError('links/taken', { cause: error })
        throw error
      }
    },

    /** Those of one person, oldest first, with the names of their connections, and of the company where there are several. */
    ofUser(userId: string): Promise<(Link & { connection_name: string; company_name: string | null })[]> {
      return database.kysely
        .selectFrom('links')
        .innerJoin('connections', 'connections.id', 'links.connection_id')
        .leftJoin('corps', (join) =>
          join.onRef('corps.connection_id', '=', 'links.connection_id').onRef('corps.corp_id', '=', 'links.corp_id'),
        )
        .selectAll('links')
        .select(['connections.display_name as connection_name', 'corps.name as company_name'])
        .where('links.user_id', '=', userId)
        .orderBy('links.id')
        .execute()
    },

    /**
     * The user stays, with everything that came from WeCom so far.
     * @throws AppError `links/not-found`, `auth/forbidden`, and `users/last-owner` when it is the only way in
     */
    async remove(by: Requester, id: string): Promise<void> {
      await database.inTransaction(async (tx) => {
        const owners = await lockOwners(tx)
        const link = await tx.kysely.selectFrom('links').selectAll().where('id', '=', id).executeTakeFirst()
        if (link === undefined) throw new AppError('links/not-found')
        const user = await lockUser(tx, link.user_id)
        refuseUnlessOwner(by, user)
        if (user.password_hash === null && (await isOnlyLink(tx, link))) refuseLastOwner(owners, user.id)
        await tx.kysely.deleteFrom('links').where('id', '=', id).execute()
        await signOutWithoutDoor(tx, [user.id], now())
        await audit.record(tx, by.actor, [entry('link.delete', link, user)])
      })
    },

    /**
     * A person's own link, on the account page. The last way in stays, so that nobody locks themselves out.
     * @throws AppError `links/not-found`, `links/last-way-in`
     */
    async removeOwn(actor: Actor, userId: string, id: string): Promise<void> {
      await database.inTransaction(async (tx) => {
        const user = await lockUser(tx, userId)
        const link = await tx.kysely
          .selectFrom('links')
          .selectAll()
          .where('id', '=', id)
          .where('user_id', '=', userId)
          .executeTakeFirst()
        if (link === undefined) throw new AppError('links/not-found')
        if (user.password_hash === null && (await isOnlyLink(tx, link))) throw new AppError('links/last-way-in')
        await tx.kysely.deleteFrom('links').where('id', '=', id).execute()
        await signOutWithoutDoor(tx, [userId], now())
        await audit.record(tx, actor, [entry('link.delete', link, user)])
      })
    },
  }
}

/** Notes that somebody came in. @param linkId through which link; null with a password */
export async function noteSignIn(
  tx: Transaction,
  { userId, linkId, at }: { userId: string; linkId: string | null; at: number },
): Promise<void> {
  await noteOfUser(tx, { id: userId, at })
  if (linkId !== null) await noteOfLink(tx, { id: linkId, at })
}

const noteOfUser = prepared((on, given: { id: string; at: number }) =>
  on.kysely.updateTable('users').set({ last_sign_in_at: given.at }).where('id', '=', given.id),
)

const noteOfLink = prepared((on, given: { id: string; at: number }) =>
  on.kysely.updateTable('links').set({ last_sign_in_at: given.at }).where('id', '=', given.id),
)

/** The company that is meant, of a connection that is kept from being deleted until the transaction ends. */
async function corpOf(
  tx: Transaction,
  organizationId: string,
  { connectionId, corpId }: { connectionId: string; corpId?: string | undefined },
): Promise<string> {
  const connection = await tx.kysely
    .selectFrom('connections')
    .select(['organization_id', 'kind', 'corp_id'])
    .where('id', '=', connectionId)
    .$if(tx.dialect === 'postgres', (query) => query.forKeyShare())
    .executeTakeFirst()
  // People are linked through connections of their own organization; any other does not exist for them.
  if (connection?.organization_id !== organizationId) throw new AppError('connections/not-found')
  if (connection.kind !== 'self_built' && corpId !== undefined) return corpId
  if (connection.corp_id === null) {
    throw new AppError('connections/incomplete', { fields: [{ path: 'corpId', message: 'Not set yet.' }] })
  }
  if (corpId !== undefined && corpId !== connection.corp_id) {
    throw new AppError('http/validation', {
      fields: [{ path: 'corpId', message: `This connection belongs to ${connection.corp_id}.` }],
    })
  }
  return connection.corp_id
}

async function isOnlyLink(tx: Transaction, link: Link): Promise<boolean> {
  const other = await tx.kysely
    .selectFrom('links')
    .select('id')
    .where('user_id', '=', link.user_id)
    .where('id', '<>', link.id)
    .executeTakeFirst()
  return other === undefined
}

function entry(action: string, link: Link, user: Pick<Row<'users'>, 'organization_id'>) {
  return {
    action,
    organizationId: user.organization_id,
    // A link may be gone by the time somebody asks what happened; whom it gave access has a record of their own.
    // By id only: when the person is purged, an old link must not name them still.
    target: { kind: 'user', id: link.user_id, name: null },
    details: { linkId: link.id, connectionId: link.connection_id, corpId: link.corp_id },
  }
}
