/**
 * Clears what sync still says about people who were purged: the names and values in the recorded changes, the questions
 * about them, the lists of members that were remembered with them on it, and their userids among the leaders of others.
 * That a change happened, and to which id, stays, and so does what a change of somebody else says about a leader: finding
 * that would read every change there is. Interrupted, it begins again: the list of those to be forgotten is emptied last.
 */
import { sql } from 'kysely'
import { isOneOf, updateRows, type Database, type Transaction } from '../database/database.ts'
import { foldName } from '../directory/names.ts'
import type { Trace } from '../directory/purge.ts'
import type { Candidate } from './plan/matching.ts'

const PEOPLE = 500
const RUNS = 100
const REVIEWS = 500
const LINKS = 5_000

/**
 * @param forgetElsewhere told whom others have to forget, by connection
 * @returns how many people were forgotten
 */
export async function forgetPurged(
  database: Database,
  signal: AbortSignal,
  forgetElsewhere: (connectionId: string, useridKeys: readonly string[]) => Promise<void> = async () => {},
): Promise<number> {
  const people = await database.kysely.selectFrom('purged_users').selectAll().orderBy('user_id').limit(PEOPLE).execute()
  if (people.length === 0) return 0
  const ids = people.map(({ user_id }) => user_id)
  const traces = people.flatMap((person) => JSON.parse(person.traces) as Trace[])
  const useridsOf = new Map(
    [...Map.groupBy(traces, ({ connectionId }) => connectionId)].map(([connectionId, of]) => [
      connectionId,
      new Set(of.map(({ useridKey }) => useridKey)),
    ]),
  )
  for (const [connectionId, userids] of useridsOf) {
    await forgetLists(database, connectionId, userids)
    await forgetElsewhere(connectionId, [...userids])
    if (!(await forgetLeaders(database, connectionId, userids, signal))) return 0
  }
  if (!(await forgetQuestions(database, new Set(ids), useridsOf, signal))) return 0

  let after = ''
  for (;;) {
    const runs = await database.kysely
      .selectFrom('runs')
      .select(['id', 'connection_id'])
      .where('id', '>', after)
      .orderBy('id')
      .limit(RUNS)
      .execute()
    for (const { id, connection_id } of runs) {
      if (signal.aborted) return 0
      await forgetInRun(database, id, ids, useridsOf.get(connection_id) ?? new Set())
    }
    if (runs.length < RUNS) break
    after = runs.at(-1)!.id
  }
  await database.kysely
    .deleteFrom('purged_users')
    .where(isOneOf(database, 'user_id', ids))
    .execute()
  return ids.length
}

/**
 * Questions about these users go, unless the member is somebody else by now; where they were only candidates, they are not
 * any more. Who still is in WeCom is asked about again by the next run. @returns false when it was interrupted
 */
async function forgetQuestions(
  database: Database,
  ids: ReadonlySet<string>,
  useridsOf: ReadonlyMap<string, ReadonlySet<string>>,
  signal: AbortSignal,
): Promise<boolean> {
  for (let after: string | undefined = ''; after !== undefined;) {
    if (signal.aborted) return false
    const from: string = after
    after = await database.inTransaction(async (tx) => {
      const rows = await tx.kysely
        .selectFrom('reviews')
        .select(['id', 'connection_id', 'userid_key', 'user_id', 'candidates'])
        .where('id', '>', from)
        .orderBy('id')
        .limit(REVIEWS)
        .$if(tx.dialect === 'postgres', (query) => query.forUpdate())
        .execute()
      const isTheirs = ({ connection_id, userid_key, user_id }: (typeof rows)[number]) =>
        user_id === null ? useridsOf.get(connection_id)?.has(userid_key) === true : ids.has(user_id)
      const theirs = rows.filter(isTheirs).map(({ id }) => id)
      const stripped = rows.flatMap((row) => {
        const candidates = JSON.parse(row.candidates) as Candidate[]
        const others = candidates.filter(({ userId }) => !ids.has(userId))
        if (isTheirs(row) || others.length === candidates.length) return []
        return [{ id: row.id, candidates: JSON.stringify(others) }]
      })
      await tx.kysely
        .deleteFrom('reviews')
        .where(isOneOf(tx, 'id', theirs))
        .execute()
      await updateRows(tx, 'reviews', ['id'], ['candidates'], stripped)
      return rows.length < REVIEWS ? undefined : rows.at(-1)!.id
    })
  }
  return true
}

/** Changes of these users, and changes of their userids that never came to a user. */
async function forgetInRun(
  database: Database,
  runId: string,
  ids: readonly string[],
  userids: ReadonlySet<string>,
): Promise<void> {
  await database.inTransaction(async (tx) => {
    const rows = await tx.kysely
      .selectFrom('changes')
      .select(['position', 'target_id', 'external_id'])
      .where('run_id', '=', runId)
      .where('entity', '<>', 'department')
      .where(({ or, eb }) => or([eb('target_id', 'is', null), isOneOf(tx, 'target_id', ids)]))
      .execute()
    const theirs = rows.filter(
      ({ target_id, external_id }) => target_id !== null || userids.has(foldName(external_id ?? '')),
    )
    await updateRows(
      tx,
      'changes',
      ['run_id', 'position'],
      ['name', 'external_id', 'before_fields', 'after_fields', 'inverse', 'error'],
      theirs.map(({ position }) => ({
        run_id: runId,
        position,
        name: null,
        external_id: null,
        before_fields: null,
        after_fields: null,
        inverse: null,
        error: null,
      })),
    )
  })
}

/** A list that is forgotten is only read and compared once more. */
async function forgetLists(database: Database, connectionId: string, userids: ReadonlySet<string>): Promise<void> {
  const lists = await database.kysely
    .selectFrom('source_pages')
    .select(['page', 'userids'])
    .where('connection_id', '=', connectionId)
    .execute()
  const theirs = lists.filter((list) => (JSON.parse(list.userids) as string[]).some((key) => userids.has(key)))
  if (theirs.length === 0) return
  await database.kysely
    .deleteFrom('source_pages')
    .where('connection_id', '=', connectionId)
    .where(
      isOneOf(
        database,
        'page',
        theirs.map(({ page }) => page),
      ),
    )
    .execute()
}

/**
 * One pass over the links of the connection for all people of a batch, because leaders are named in no index. Whoever
 * has one of the userids by now keeps it. The people whose leader is cleared are compared again, so that a leader whom
 * WeCom does still name is put back by the next run. @returns false when it was interrupted
 */
async function forgetLeaders(
  database: Database,
  connectionId: string,
  userids: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<boolean> {
  const successors = await database.kysely
    .selectFrom('links')
    .select('userid_key')
    .where('connection_id', '=', connectionId)
    .where(isOneOf(database, 'userid_key', [...userids]))
    .execute()
  const taken = new Set(successors.map(({ userid_key }) => userid_key))
  const gone = new Set([...userids].filter((key) => !taken.has(key)))
  if (gone.size === 0) return true

  for (let after: string | undefined = ''; after !== undefined;) {
    if (signal.aborted) return false
    const page: { id: string; leader_keys: string }[] = await database.kysely
      .selectFrom('links')
      .select(['id', 'leader_keys'])
      .where('id', '>', after)
      // Page after page through the primary key, as in `linkIndex` of directory/comparison.ts.
      .where(sql<string>`connection_id || ''`, '=', connectionId)
      .orderBy('id')
      .limit(LINKS)
      .execute()
    const led = page.filter(({ leader_keys }) => names(leader_keys, gone)).map(({ id }) => id)
    if (led.length > 0) await database.inTransaction((tx) => clearLeaders(tx, led, gone))
    await database.breathe()
    after = page.length < LINKS ? undefined : page.at(-1)!.id
  }
  await database.inTransaction((tx) => clearHeads(tx, connectionId, gone))
  return true
}

async function clearLeaders(tx: Transaction, ids: readonly string[], gone: ReadonlySet<string>): Promise<void> {
  // Read again: a run may have written others meanwhile.
  const rows = await tx.kysely
    .selectFrom('links')
    .select(['id', 'leader_keys'])
    .where(isOneOf(tx, 'id', ids))
    .orderBy('id')
    .$if(tx.dialect === 'postgres', (query) => query.forNoKeyUpdate())
    .execute()
  await updateRows(
    tx,
    'links',
    ['id'],
    ['leader_keys', 'source_hash'],
    rows.map(({ id, leader_keys }) => ({ id, leader_keys: without(leader_keys, gone), source_hash: null })),
  )
}

/** Who leads a department; every run compares those anyway. */
async function clearHeads(tx: Transaction, connectionId: string, gone: ReadonlySet<string>): Promise<void> {
  const rows = await tx.kysely
    .selectFrom('departments')
    .select(['id', 'leaders'])
    .where('connection_id', '=', connectionId)
    .where('leaders', '<>', '[]')
    .orderBy('id')
    .$if(tx.dialect === 'postgres', (query) => query.forNoKeyUpdate())
    .execute()
  await updateRows(
    tx,
    'departments',
    ['id'],
    ['leaders'],
    rows
      .filter(({ leaders }) => names(leaders, gone))
      .map(({ id, leaders }) => ({ id, leaders: without(leaders, gone) })),
  )
}

function names(leaders: string, gone: ReadonlySet<string>): boolean {
  return leaders !== '[]' && (JSON.parse(leaders) as string[]).some((key) => gone.has(key))
}

function without(leaders: string, gone: ReadonlySet<string>): string {
  return JSON.stringify((JSON.parse(leaders) as string[]).filter((key) => !gone.has(key)))
}
