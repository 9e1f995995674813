/**
 * How often what was done, by day. The audit record of a large company grows by hundreds of thousands of entries a day and
 * is not counted again whenever somebody looks: a job counts what is new into `tallies`, by the quarter of an hour, which
 * every time zone has whole of. What the job has not reached yet is counted when it is asked for.
 */
import { sql } from 'kysely'
import type { Database, Executor, Row, Transaction } from '../database/database.ts'
import { lowestId } from '../ids.ts'

/** What is counted. Refused sign-ins are counted by their reason. */
export type Deed =
  | 'sign-in.succeed'
  | 'sign-in.fail'
  | `sign-in.refuse:${string}`
  | 'user.create'
  | 'user.restore'
  | 'user.delete'
  | 'user.disable'

export type Tallies = ReturnType<typeof createTallies>

const QUARTER_MS = 15 * 60_000
/** How old an entry has to be to be counted for good: by then the transaction that wrote it has ended, wherever it ran. */
const SETTLED_MS = 2 * 60_000
const COUNTED_AT_ONCE = 2_000
/** In the table `installation`: the id of the last entry that was counted. */
const COUNTED_UP_TO = 'tallies-counted-up-to'

const ACTIONS = [
  'sign-in.succeed',
  'sign-in.refuse',
  'sign-in.fail',
  'user.create',
  'user.restore',
  'user.delete',
  'user.disable',
]

/** Those that are counted whatever their details say; nearly all entries are. */
const PLAIN = ['sign-in.succeed', 'sign-in.fail']

export function createTallies({ database, now }: { database: Database; now: () => number }) {
  return {
    /** Counts what is new. A job of app.ts; of several processes each slice is counted by one. @returns how many entries */
    async count(signal: AbortSignal): Promise<number> {
      let counted = 0
      while (!signal.aborted) {
        const size = await database.inTransaction(countSlice)
        counted += size
        if (size < COUNTED_AT_ONCE) break
        await database.breathe()
      }
      return counted
    },

    /**
     * @param bounds where each day begins, in milliseconds since 1970, and where the last one ends
     * @returns for each deed that was done at all, how often on each day
     */
    async perDay(organizationId: string, bounds: readonly number[]): Promise<Map<Deed, number[]>> {
      const days = new Map<Deed, number[]>()
      const add = (deed: Deed, day: number, count: number) => {
        const counts = days.get(deed) ?? Array<number>(bounds.length - 1).fill(0)
        counts[day]! += count
        days.set(deed, counts)
      }
      const { mark, rows } = await settledUpTo(organizationId, bounds)
      for (const { deed, day, count } of rows) add(deed, day, count)
      for (const { at, deed, count } of await unsettled(organizationId, bounds[0]!, mark)) {
        const day = bounds.findLastIndex((bound) => bound <= at)
        if (day >= 0 && day < bounds.length - 1) add(deed, day, count)
      }
      return days
    },
  }

  async function countSlice(tx: Transaction): Promise<number> {
    const mark = await markOf(tx)
    const entries = await tx.kysely
      .selectFrom('audit')
      .select(['id', 'at', 'organization_id', 'action', 'details'])
      .where('id', '>', mark)
      .where('id', '<', lowestId('aud', now() - SETTLED_MS))
      .orderBy('id')
      .limit(COUNTED_AT_ONCE)
      .execute()
    const last = entries.at(-1)
    if (last === undefined || !(await moveMark(tx, mark, last.id))) return 0
    const rows = new Map<string, Row<'tallies'>>()
    const organizations = new Set(
      (await tx.kysely.selectFrom('organizations').select('id').execute()).map(({ id }) => id),
    )
    for (const entry of entries) {
      const deed = deedOf(entry)
      const { organization_id } = entry
      // An organization may be gone by now; nobody asks about it any more.
      if (deed === undefined || organization_id === null || !organizations.has(organization_id)) continue
      const quarter = Math.floor(entry.at / QUARTER_MS)
      const key = `${organization_id} ${quarter} ${deed}`
      const row = rows.get(key) ?? { organization_id, quarter, deed, count: 0 }
      rows.set(key, { ...row, count: row.count + 1 })
    }
    for (const row of rows.values()) {
      await tx.kysely
        .insertInto('tallies')
        .values(row)
        .onConflict((conflict) =>
          conflict
            .columns(['organization_id', 'quarter', 'deed'])
            .doUpdateSet((eb) => ({ count: eb('tallies.count', '+', eb.ref('excluded.count')) })),
        )
        .execute()
    }
    return entries.length
  }

  /** What is counted for good between two questions must be neither left out nor there twice. */
  async function settledUpTo(organizationId: string, bounds: readonly number[]) {
    for (;;) {
      const mark = await markOf(database)
      const rows = await settled(organizationId, bounds)
      // The job moves on a few times a minute at most, so the second time is the last one.
      if ((await markOf(database)) === mark) return { mark, rows }
    }
  }

  async function settled(organizationId: string, bounds: readonly number[]) {
    const days = bounds.slice(0, -1).map((from, day) => {
      const [first, end] = [from, bounds[day + 1]!].map((at) => Math.floor(at / QUARTER_MS))
      return sql`(${sql.lit(day)}, ${sql.lit(first)}, ${sql.lit(end)})`
    })
    const { rows } = await sql<{ deed: Deed; day: number | string; count: number | string }>`
      with days (day, first_quarter, end_quarter) as (values ${sql.join(days)})
      select tallies.deed, days.day, sum(tallies.count) as count
      from days
      join tallies
        on tallies.organization_id = ${organizationId}
        and tallies.quarter >= days.first_quarter and tallies.quarter < days.end_quarter
      group by tallies.deed, days.day`.execute(database.kysely)
    // PostgreSQL sums whole numbers into ones that may be larger, and gives those as text.
    return rows.map(({ deed, day, count }) => ({ deed, day: Number(day), count: Number(count) }))
  }

  async function unsettled(
    organizationId: string,
    from: number,
    mark: string,
  ): Promise<{ at: number; deed: Deed; count: number }[]> {
    const earliest = lowestId('aud', from)
    const entries = database.kysely
      .selectFrom('audit')
      .where('id', '>', mark > earliest ? mark : earliest)
      .where('organization_id', '=', organizationId)
    const quarter = sql<number>`at / ${sql.lit(QUARTER_MS)}`
    const plain = await entries
      .where('action', 'in', PLAIN)
      .select((eb) => [quarter.as('quarter'), 'action', eb.fn.countAll<number>().as('count')])
      .groupBy([quarter, 'action'])
      .execute()
    const others = await entries
      .where(
        'action',
        'in',
        ACTIONS.filter((action) => !PLAIN.includes(action)),
      )
      .select(['at', 'action', 'details'])
      .execute()
    return [
      ...plain.map(({ quarter: at, action, count }) => ({ at: at * QUARTER_MS, deed: action as Deed, count })),
      ...others.flatMap((entry) => {
        const deed = deedOf(entry)
        return deed === undefined ? [] : [{ at: entry.at, deed, count: 1 }]
      }),
    ]
  }
}

/** Empty when nothing was counted yet. */
async function markOf(on: Executor): Promise<string> {
  const row = await on.kysely
    .selectFrom('installation')
    .select('value')
    .where('name', '=', COUNTED_UP_TO)
    .executeTakeFirst()
  return row?.value ?? ''
}

/** @returns false when another process was quicker */
async function moveMark(tx: Transaction, from: string, to: string): Promise<boolean> {
  await tx.kysely
    .insertInto('installation')
    .values({ name: COUNTED_UP_TO, value: '' })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .execute()
  const { numUpdatedRows } = await tx.kysely
    .updateTable('installation')
    .set({ value: to })
    .where('name', '=', COUNTED_UP_TO)
    .where('value', '=', from)
    .executeTakeFirst()
  return numUpdatedRows === 1n
}

/** undefined for what is not counted here: what runs do is in their own record, under `counts`. */
function deedOf({ action, details }: Pick<Row<'audit'>, 'action' | 'details'>): Deed | undefined {
  if (!ACTIONS.includes(action)) return undefined
  if (PLAIN.includes(action)) return action as Deed
  const { runId, reason, by, reviewId } = JSON.parse(details) as Record<string, unknown>
  if (runId !== undefined) return undefined
  switch (action) {
    case 'sign-in.refuse':
      return `sign-in.refuse:${String(reason)}`
    // Only when a source says so, at a sign-in or in a review. What an administrator disables has not left.
    case 'user.disable':
      return by === 'sign-in' || reviewId !== undefined ? 'user.disable' : undefined
    default:
      return action as Deed // one of ACTIONS
  }
}
