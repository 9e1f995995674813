/**
 * The record of questions about members that a person has to decide, and of what was decided. Runs ask them, in the
 * transaction that would have written the member; decisions.ts carries the answers out.
 */
import { sql } from 'kysely'
import type { AuditEntry } from '../audit/audit.ts'
import {
  insertRows,
  isOneOf,
  prepared,
  updateRows,
  type Database,
  type Executor,
  type Row,
  type Transaction,
} from '../database/database.ts'
import { contains } from '../directory/search.ts'
import { signOutOfMembers } from '../directory/writes.ts'
import { AppError } from '../errors.ts'
import type { WantedUser } from './plan/mapping.ts'
import type { Candidate, ReviewReason } from './plan/matching.ts'
import { isAboutHolder, memberName, type AskedBefore, type Question } from './plan/questions.ts'

/**
 * `linked`, `created` and `ignored` are what a person decided. `outdated`: a complete run found nothing to decide any more,
 * because the member left or what was unclear became clear.
 */
export type ReviewState = 'open' | 'linked' | 'created' | 'ignored' | 'outdated'

/** Times are milliseconds since 1970. */
export interface Review {
  readonly id: string
  readonly organizationId: string
  readonly connectionId: string
  readonly corpId: string
  readonly userid: string
  readonly memberName: string
  readonly reason: ReviewReason
  readonly candidates: readonly Candidate[]
  readonly state: ReviewState
  /** Who the member is since the decision. */
  readonly userId: string | null
  /** Who lost the userid by it. */
  readonly formerUserId: string | null
  readonly resolvedBy: string | null
  readonly resolvedAt: number | null
  readonly createdAt: number
  /** The member as the newest run that asked saw them. */
  readonly member: WantedUser
}

export interface Company {
  readonly connectionId: string
  readonly corpId: string
}

export type Reviews = ReturnType<typeof createReviews>

export function createReviews({ database }: { database: Database }) {
  return {
    /** How many are open, by connection, and since when the oldest is. */
    async openOf(connectionIds: readonly string[]): Promise<Map<string, { count: number; since: number }>> {
      const rows = await database.kysely
        .selectFrom('reviews')
        .where('state', '=', sql.lit('open'))
        .where(isOneOf(database, 'connection_id', connectionIds))
        .groupBy('connection_id')
        .select(({ fn }) => [
          'connection_id',
          fn.countAll<number>().as('count'),
          fn.min<number>('created_at').as('since'),
        ])
        .execute()
      return new Map(rows.map(({ connection_id: id, count, since }) => [id, { count, since }]))
    },

    /** Newest first. `q` searches userids and names of members. */
    async list(filter: {
      organizationId: string
      connectionId: string | null
      state: ReviewState | undefined
      reason: ReviewReason | undefined
      q: string | null
      limit: number
      cursor: string | null
    }) {
      const { connectionId, state, reason, q } = filter
      let all = database.kysely.selectFrom('reviews').where('organization_id', '=', filter.organizationId)
      if (connectionId !== null) all = all.where('connection_id', '=', connectionId)
      if (state !== undefined) all = all.where('state', '=', state)
      if (reason !== undefined) all = all.where('reason', '=', reason)
      if (q !== null) all = all.where(({ or }) => or([contains('userid', q), contains('member_name', q)]))
      const { total } = await all.select((eb) => eb.fn.countAll<number>().as('total')).executeTakeFirstOrThrow()
      let page = all
        .selectAll()
        .orderBy('id', 'desc')
        .limit(filter.limit + 1)
      if (filter.cursor !== null) page = page.where('id', '<', filter.cursor)
      const rows = await page.execute()
      return { items: rows.slice(0, filter.limit).map(fromRow), hasMore: rows.length > filter.limit, total }
    },

    load: (id: string): Promise<Review> => loadReview(database, id),
  }
}

/** @throws AppError `reviews/not-found` */
export async function loadReview(on: Executor, id: string): Promise<Review> {
  const row = await on.kysely.selectFrom('reviews').selectAll().where('id', '=', id).executeTakeFirst()
  if (row === undefined) throw new AppError('reviews/not-found')
  return fromRow(row)
}

/** The review, locked until the transaction ends. @throws AppError `reviews/not-found`, `reviews/resolved` */
export async function lockOpenReview(tx: Transaction, id: string): Promise<Review> {
  const row = await tx.kysely
    .selectFrom('reviews')
    .selectAll()
    .where('id', '=', id)
    .$if(tx.dialect === 'postgres', (query) => query.forUpdate())
    .executeTakeFirst()
  if (row === undefined) throw new AppError('reviews/not-found')
  if (row.state !== 'open') throw new AppError('reviews/resolved')
  return fromRow(row)
}

/** Notes what was decided. */
export async function closeReview(
  tx: Transaction,
  id: string,
  outcome: Pick<Row<'reviews'>, 'state' | 'user_id' | 'former_user_id' | 'resolved_by' | 'resolved_at'>,
): Promise<void> {
  await tx.kysely.updateTable('reviews').set(outcome).where('id', '=', id).execute()
}

/** The open questions about a company, by folded userid. */
export async function openReviews(on: Executor, { connectionId, corpId }: Company): Promise<Map<string, string>> {
  const rows = await on.kysely
    .selectFrom('reviews')
    .select(['id', 'userid_key'])
    .where('connection_id', '=', connectionId)
    .where('corp_id', '=', corpId)
    .where('state', '=', 'open')
    .execute()
  return new Map(rows.map(({ id, userid_key }) => [userid_key, id]))
}

/**
 * What was asked about these members, newest first. Inside a transaction nobody can answer an open one before it ends.
 * @param keys folded userids
 */
export async function recordOf(
  on: Executor | Transaction,
  { connectionId, corpId }: Company,
  keys: readonly string[],
): Promise<Map<string, AskedBefore[]>> {
  const rows = await on.kysely
    .selectFrom('reviews')
    .select(['userid_key', ...ASKED])
    .where('connection_id', '=', connectionId)
    .where('corp_id', '=', corpId)
    .where(isOneOf(on, 'userid_key', keys))
    .orderBy('id', 'desc')
    .$if(on.dialect === 'postgres' && 'isTransaction' in on, (query) => query.forUpdate())
    .execute()
  const asked = rows.map((row) => ({ key: row.userid_key, ...asAsked(row) }))
  return Map.groupBy(asked, ({ key }) => key)
}

/** What was asked about one member, newest first, for somebody who is signing in. */
export async function recordOfMember(
  on: Executor,
  { connectionId, corpId }: Company,
  key: string,
): Promise<AskedBefore[]> {
  return (await rowsOfMember(on, { connectionId, corpId, key })).rows.map(asAsked)
}

const rowsOfMember = prepared((on, given: { connectionId: string; corpId: string; key: string }) =>
  on.kysely
    .selectFrom('reviews')
    .select(ASKED)
    .where('connection_id', '=', given.connectionId)
    .where('corp_id', '=', given.corpId)
    .where('userid_key', '=', given.key)
    .orderBy('id', 'desc'),
)

const ASKED = ['id', 'state', 'reason', 'member_name', 'candidates'] as const

function asAsked(row: Pick<Row<'reviews'>, (typeof ASKED)[number]>): AskedBefore {
  const { id, state, reason, member_name, candidates } = row
  return { id, state, reason, memberName: member_name, candidates: JSON.parse(candidates) as Candidate[] }
}

/** A question as a run puts it: under the id of the one that is open already, or of a new one. */
export interface Asked {
  readonly id: string
  readonly isNew: boolean
  readonly question: Question
}

/**
 * Writes questions down. Where it is in question who has a userid, whoever came in through its link is out until somebody
 * decides (threats.md L-16).
 * @returns what is to be put on record about that
 */
export async function writeQuestions(
  tx: Transaction,
  { organizationId, connectionId, corpId }: Company & { readonly organizationId: string },
  asked: readonly Asked[],
  now: number,
): Promise<AuditEntry[]> {
  const columns = ({ id, question }: Asked) => ({
    id,
    userid: question.wanted.userid,
    member_name: memberName(question),
    reason: question.reason,
    candidates: JSON.stringify(question.candidates),
    member: JSON.stringify(question.wanted),
  })
  await insertRows(
    tx,
    'reviews',
    asked
      .filter(({ isNew }) => isNew)
      .map((one): Row<'reviews'> => ({
        ...columns(one),
        organization_id: organizationId,
        connection_id: connectionId,
        corp_id: corpId,
        userid_key: one.question.wanted.key,
        state: 'open',
        user_id: null,
        former_user_id: null,
        resolved_by: null,
        resolved_at: null,
        created_at: now,
      })),
  )
  await updateRows(
    tx,
    'reviews',
    ['id'],
    ['userid', 'member_name', 'reason', 'candidates', 'member'],
    asked.filter(({ isNew }) => !isNew).map(columns),
  )
  const inDoubt = asked.filter(({ question }) => isAboutHolder(question)).map(({ question }) => question.wanted.key)
  return (await signOutOfMembers(tx, { connectionId, corpId }, inDoubt)).map(({ id, userId }) => ({
    action: 'session.end',
    organizationId,
    target: { kind: 'user', id: userId, name: null },
    details: { connectionId, sessionId: id, reason: 'under-review' },
  }))
}

/** Closes questions that a complete run did not ask again, unless somebody has answered them meanwhile. */
export async function closeOutdated(tx: Transaction, ids: readonly string[], now: number): Promise<void> {
  await tx.kysely
    .updateTable('reviews')
    .set({ state: 'outdated', resolved_at: now })
    .where(isOneOf(tx, 'id', ids))
    .where('state', '=', 'open')
    .execute()
}

function fromRow(row: Row<'reviews'>): Review {
  return {
    id: row.id,
    organizationId: row.organization_id,
    connectionId: row.connection_id,
    corpId: row.corp_id,
    userid: row.userid,
    memberName: row.member_name,
    reason: row.reason as ReviewReason,
    candidates: JSON.parse(row.candidates) as Candidate[],
    state: row.state as ReviewState,
    userId: row.user_id,
    formerUserId: row.former_user_id,
    resolvedBy: row.resolved_by,
    resolvedAt: row.resolved_at,
    createdAt: row.created_at,
    member: JSON.parse(row.member) as WantedUser,
  }
}
