/** One database with any number of companies in it, each read from whatever a test says. No WeCom, no HTTP. */
import type { Department, Member } from '@muster/wecom'
import { createAudit, SYSTEM } from '../src/audit/audit.ts'
import { insertRows, type Database, type Transaction } from '../src/database/database.ts'
import { linkIndex } from '../src/directory/comparison.ts'
import { foldName } from '../src/directory/names.ts'
import { createPurge } from '../src/directory/purge.ts'
import { createUsers } from '../src/directory/users.ts'
import { createIds } from '../src/ids.ts'
import { createDecisions, type Decision } from '../src/sync/decisions.ts'
import { createHistory } from '../src/sync/history.ts'
import { reconcile } from '../src/sync/reconcile.ts'
import { removalKeyOf } from '../src/sync/plan/removals.ts'
import { revertRun } from '../src/sync/revert.ts'
import { createReviews } from '../src/sync/reviews.ts'
import { createRuns, noCounts, type RunCounts, type RunUpdate } from '../src/sync/runs.ts'
import { createSnapshot } from '../src/sync/read/snapshot.ts'
import { SYNC_SETTINGS } from './sync-settings.ts'

/** A company as a test sees it; the truth that the directory has to equal. */
export interface Company {
  departments: Department[]
  members: Member[]
}

/** The living linked people and the departments of a site. */
export interface Shown {
  departments: Record<string, [name: string, parent: string | null]>
  users: Record<string, Record<string, unknown>>
}

export interface Policy {
  bindByUsername?: boolean
  matchFields?: ('email' | 'phone')[]
  onlyHereUsers?: 'ignore' | 'disable' | 'delete'
  onlyHereDepartments?: 'ignore' | 'delete'
}

export interface RunOptions {
  isComplete?: boolean
  isPreview?: boolean
  approved?: ReadonlySet<string> | null
  /** People who are on no list and still answer when asked for by name. */
  stillThere?: string[]
  /** What somebody does after the address book was compared and before anything is written. */
  beforeWriting?: () => Promise<void>
}

export interface RevertOfATest {
  isPreview?: boolean
  userId?: string | null
  dieAfter?: number
}

export async function createWorld(database: Database) {
  let at = 1_700_000_000_000
  const now = () => at
  const makeId = createIds({ now, random: (bytes) => crypto.getRandomValues(bytes) })
  // What happens later is later: the audit record is in the order of its ids, to the millisecond.
  const newId: typeof makeId = (kind) => {
    at++
    return makeId(kind)
  }
  const audit = createAudit({ database, newId, now })
  const runs = createRuns({ database, newId, owner: 'test' })
  const history = createHistory({ database })

  return {
    /** What everything of this world is made of; its clock goes on with every id. */
    parts: { database, audit, history, newId, now },

    /** Users as administrators change them, on the same clock. */
    users: createUsers({ database, audit, newId, now }),

    audit,

    purge: createPurge({ database, audit, now }),

    letDaysPass(days: number): void {
      at += days * 24 * 60 * 60 * 1_000
    },

    async newSite({
      bindByUsername = true,
      matchFields = [],
      onlyHereUsers = 'ignore',
      onlyHereDepartments = 'ignore',
    }: Policy = {}) {
      const organizationId = newId('org')
      const connectionId = newId('con')
      await database.inTransaction(async (tx) => {
        await insertRows(tx, 'organizations', [
          {
            id: organizationId,
            slug: organizationId,
            name: '公司',
            built_in_users_allowed: 1,
            created_at: 0,
            updated_at: 0,
          },
        ])
        await tx.kysely
          .insertInto('connections')
          .values({
            id: connectionId,
            organization_id: organizationId,
            identifier: connectionId,
            kind: 'self_built',
            display_name: '企业微信',
            mobile: '{}',
            sign_in_enabled: 0,
            sign_in: '{}',
            sync_enabled: 1,
            sync: '{}',
            managed_by_environment: 0,
            created_at: 0,
            updated_at: 0,
          })
          .execute()
      })
      const users = () =>
        database.kysely.selectFrom('users').selectAll().where('organization_id', '=', organizationId).execute()

      return {
        connectionId,
        organizationId,

        async run(source: Company, options: RunOptions = {}): Promise<RunCounts> {
          return (await this.runWhole(source, options)).counts
        },

        async runWhole(
          source: Company,
          { isComplete = true, isPreview = false, approved = null, stillThere = [], beforeWriting }: RunOptions = {},
        ) {
          const links = await linkIndex(database, connectionId, 'ww1')
          const snapshot = createSnapshot(links, { notActivated: 'disable', version: '1' })
          snapshot.addDepartments(source.departments, [])
          snapshot.addMembers(source.members, [])
          const id = await database.inTransaction((tx) =>
            runs.begin(tx, {
              originRunId: null,
              organizationId,
              connectionId,
              mode: isPreview ? 'preview' : 'apply',
              trigger: 'manual',
              requestedBy: null,
              startedAt: now(),
              warnings: [],
            }),
          )
          // Once it is decided who everybody is, and before the first of them is written.
          let isDecided = false
          const watched: Database = {
            ...database,
            async inTransactionOfMany(work) {
              if (isDecided) await beforeWriting?.()
              if (isDecided) beforeWriting = undefined
              return database.inTransactionOfMany(work)
            },
          }
          const result = await reconcile(
            { database: watched, audit, newId, now },
            snapshot.finish(),
            {
              runId: id,
              organizationId,
              connectionId,
              corpId: 'ww1',
              isPreview,
              isComplete,
              isAbsenceKnown: true,
              policy: { ...SYNC_SETTINGS, bindByUsername, matchFields, onlyHereUsers, onlyHereDepartments },
              approved,
              inTurn: async (judge) =>
                (await judge(database, { users: 0, departments: 0, planned: new Set() })).verdict,
              confirmGone(userids) {
                isDecided = true
                const gone = new Set(userids.filter((userid) => !stillThere.includes(userid)))
                return Promise.resolve({ gone, unread: [] })
              },
              links,
              earlier: { nextPosition: 0, users: new Set(), departments: new Set() },
              signal: new AbortController().signal,
              fence: (tx, update) => runs.update(tx, id, update),
              onProgress: () => (isDecided = true),
            },
            noCounts(),
          )
          await runs.finish(database, id, isPreview ? 'previewed' : 'succeeded', now(), { counts: result.counts })
          const { items: changes } = await history.list(id, {}, { after: -1, limit: 500 })
          const heldKeys = (await history.heldOf(id)).map(removalKeyOf)
          return { ...result, id, heldKeys, changes }
        },

        /** Takes a run back. `dieAfter` is the number of transactions after which the process is gone; see `carryOn`. */
        async revert(
          originRunId: string,
          { isPreview = false, userId = null, dieAfter = Infinity }: RevertOfATest = {},
        ): Promise<{ id: string; counts: RunCounts }> {
          const id = await database.inTransaction((tx) =>
            runs.begin(tx, {
              originRunId,
              onlyUserId: userId,
              organizationId,
              connectionId,
              mode: isPreview ? 'preview' : 'apply',
              trigger: 'revert',
              requestedBy: null,
              startedAt: now(),
              warnings: [],
            }),
          )
          return this.carryOn(id, dieAfter)
        },

        /** What whoever takes over a revert does, knowing nothing but its row. */
        async carryOn(id: string, dieAfter = Infinity): Promise<{ id: string; counts: RunCounts }> {
          const run = await runs.load(id)
          const counts = structuredClone(run.counts)
          let transactions = 0
          const fence = async (tx: Transaction, update: RunUpdate) => {
            if (update.counts === undefined && transactions++ >= dieAfter) throw new Error('killed')
            await runs.update(tx, id, update)
          }
          const signal = new AbortController().signal
          await revertRun(
            { database, audit, history, newId, now },
            { run, corpId: 'ww1', signal, fence, onProgress: () => {} },
            counts,
          )
          const state = run.mode === 'preview' ? 'previewed' : 'succeeded'
          await runs.finish(database, id, state, now(), { counts })
          return { id, counts }
        },

        runsDone: async () =>
          (await database.kysely.selectFrom('runs').select('id').where('connection_id', '=', connectionId).execute())
            .map(({ id }) => id)
            .sort(),

        /** The user behind a userid. */
        ownerOf: async (key: string) =>
          (
            await database.kysely
              .selectFrom('links')
              .select('user_id')
              .where('connection_id', '=', connectionId)
              .where('userid_key', '=', key)
              .executeTakeFirst()
          )?.user_id,

        running: async () =>
          (
            await database.kysely
              .selectFrom('runs')
              .select('id')
              .where('connection_id', '=', connectionId)
              .where('state', '=', 'running')
              .execute()
          ).map(({ id }) => id),

        changes: async (runId: string) => (await history.list(runId, {}, { after: -1, limit: 500 })).items,

        async directory(): Promise<Shown> {
          const departments = await database.kysely
            .selectFrom('departments')
            .selectAll()
            .where('organization_id', '=', organizationId)
            .execute()
          const externalId = new Map(departments.map(({ id, external_id }) => [id, external_id]))
          const links = await database.kysely
            .selectFrom('links')
            .selectAll()
            .where('connection_id', '=', connectionId)
            .execute()
          const linkOf = new Map(links.map((link) => [link.user_id, link]))
          const memberships = await database.kysely
            .selectFrom('memberships')
            .selectAll()
            .where('connection_id', '=', connectionId)
            .execute()
          return {
            departments: Object.fromEntries(
              departments.map(({ external_id, name, parent_id }) => [
                external_id,
                [name, parent_id === null ? null : (externalId.get(parent_id) ?? null)],
              ]),
            ),
            users: Object.fromEntries(
              (await users())
                .filter(({ id, status }) => status !== 'deleted' && linkOf.has(id))
                .map((user) => [
                  linkOf.get(user.id)!.userid_key,
                  {
                    name: user.display_name,
                    email: user.email,
                    phone: user.phone,
                    title: user.title,
                    gender: user.gender,
                    isActive: user.status === 'active',
                    leaders: JSON.parse(linkOf.get(user.id)!.leader_keys) as unknown,
                    departments: memberships
                      .filter(({ user_id }) => user_id === user.id)
                      .map((row) => [
                        Number(externalId.get(row.department_id)),
                        row.position,
                        row.is_main === 1,
                        row.is_leader === 1,
                      ])
                      .sort(([a], [b]) => Number(a) - Number(b)),
                  },
                ]),
            ),
          }
        },

        async addBuiltIn(
          username: string,
          role: string | null,
          {
            email = null,
            phone = null,
            breakGlass = false,
          }: { email?: string | null; phone?: string | null; breakGlass?: boolean } = {},
        ): Promise<string> {
          const id = newId('usr')
          await database.kysely
            .insertInto('users')
            .values({
              id,
              organization_id: organizationId,
              username,
              username_key: foldName(username),
              display_name: username,
              email,
              email_key: email === null ? null : foldName(email),
              email_source: email === null ? null : 'manual',
              phone,
              email_verified: 0,
              attributes: '{}',
              status: 'active',
              origin: 'built_in',
              role,
              must_change_password: 0,
              search_text: null,
              break_glass: breakGlass ? 1 : 0,
              created_at: 0,
              updated_at: 0,
            })
            .execute()
          return id
        },

        /** Newest first. */
        async reviews(state?: 'open' | 'linked' | 'created' | 'ignored' | 'outdated') {
          const filter = { connectionId, state, reason: undefined, q: null, limit: 500, cursor: null }
          return (await createReviews({ database }).list({ ...filter, organizationId })).items
        },

        /** As an owner, with the policy of the site. */
        resolve: (reviewId: string, decision: Decision, role: 'owner' | 'operator' = 'owner') =>
          createDecisions({
            database,
            audit,
            newId,
            now,
            settingsOf: () => Promise.resolve({ ...SYNC_SETTINGS, onlyHereUsers }),
          }).resolve({ actor: SYSTEM, role }, reviewId, decision),

        /** Who every linked member is, by folded userid. */
        async links(): Promise<Record<string, string>> {
          const links = await database.kysely
            .selectFrom('links')
            .select(['userid_key', 'user_id'])
            .where('connection_id', '=', connectionId)
            .execute()
          return Object.fromEntries(links.map(({ userid_key, user_id }) => [userid_key, user_id]))
        },

        async promote(username: string): Promise<void> {
          await database.kysely
            .updateTable('users')
            .set({ role: 'owner' })
            .where('organization_id', '=', organizationId)
            .where('username_key', '=', username)
            .execute()
        },

        async relink(username: string, userid: string): Promise<void> {
          const { id } = (await users()).find(({ username_key }) => username_key === username)!
          await database.kysely
            .updateTable('links')
            .set({ userid, userid_key: foldName(userid) })
            .where('user_id', '=', id)
            .execute()
        },

        async joinByHand(userId: string, department: number): Promise<void> {
          const { id } = await database.kysely
            .selectFrom('departments')
            .select('id')
            .where('organization_id', '=', organizationId)
            .where('external_id', '=', String(department))
            .executeTakeFirstOrThrow()
          const row = { user_id: userId, department_id: id, origin: 'manual', connection_id: null }
          await database.kysely
            .insertInto('memberships')
            .values({ ...row, is_main: 0, position: 0, is_leader: 0 })
            .execute()
        },

        all: users,

        async disable(username: string): Promise<void> {
          await database.kysely
            .updateTable('users')
            .set({ status: 'disabled', disabled_by: 'administrator' })
            .where('organization_id', '=', organizationId)
            .where('username_key', '=', username)
            .execute()
        },

        async user(username: string) {
          return (await users()).find(({ username_key }) => username_key === username)!
        },
        emails: async () => Object.fromEntries((await users()).map(({ username_key, email }) => [username_key, email])),
        statuses: async () =>
          Object.fromEntries((await users()).map(({ username_key, status }) => [username_key, status])),
        usernames: async () => (await users()).map(({ username }) => username).sort(),
      }
    },
  }
}
