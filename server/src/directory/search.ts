/**
 * How lists are searched by a text that a person typed, on either database. Reads every row of the list; no index helps.
 * People and departments are searched by the texts of search-texts.ts, everything else by its columns.
 */
import { sql, type Expression, type RawBuilder } from 'kysely'
import type { Executor } from '../database/database.ts'
import { foldName, storable } from './names.ts'
import { foldLine } from './search-texts.ts'

/**
 * Whether a column contains the text, ignoring case. SQLite folds the case of ASCII letters only, so a text is also found
 * as it was typed: `Élodie` finds Élodie there, `élodie` does not.
 */
export function contains(column: string, text: string): RawBuilder<boolean> {
  const typed = storable(text)
  return sql<boolean>`(lower(${sql.ref(column)}) like ${anywhere(foldName(typed))} escape '\\'
    or ${sql.ref(column)} like ${anywhere(typed)} escape '\\')`
}

/** % and _ are letters here; SQLite has no escape character unless one is named. */
function anywhere(text: string): string {
  return `%${text.replace(/[\\%_]/g, '\\$&')}%`
}

export interface Search {
  /** Whether a row is found. */
  readonly isFound: RawBuilder<boolean>
  /** 0 for whatever is exactly that, then what has a line that is, then one that begins with it, then the rest. */
  readonly rank: RawBuilder<number>
}

/**
 * A search in `search_text`.
 * @param keyColumn folded; when it is the whole text, the row comes first
 * @param columns to read where the text is not made yet
 */
export function searchFor(
  on: Executor,
  q: string,
  { keyColumn, columns }: { keyColumn: string | null; columns: readonly string[] },
): Search {
  const texts = textsOf(q)
  const has = (text: string) => at(on, text)
  const isAny = (conditions: RawBuilder<boolean>[]) => sql<boolean>`(${sql.join(conditions, sql` or `)})`
  const isMade = isAny(texts.map(has))
  const isRaw = isAny(columns.flatMap((column) => [q, ...texts.slice(1)].map((text) => contains(column, text))))
  const isExact = isAny(keyColumn === null ? [sql`1 = 0`] : texts.map((text) => sql`${sql.ref(keyColumn)} = ${text}`))
  return {
    isFound: sql<boolean>`(${isMade} or (search_text is null and ${isRaw}))`,
    rank: sql<number>`(case when ${isExact} then 0
      when ${isAny(texts.map((text) => has(`\n${text}\n`)))} then 1
      when ${isAny(texts.map((text) => has(`\n${text}`)))} then 2
      else 3 end)`,
  }
}

/**
 * As it was typed; and without the spaces, hyphens and apostrophes that people put into pinyin and numbers, with ü as
 * the texts have it.
 */
function textsOf(q: string): string[] {
  const typed = foldLine(q)
  const plain = typed.replace(/[\s\-()'’·]/g, '').replaceAll('ü', 'v')
  return plain === '' ? [typed] : [...new Set([typed, plain])]
}

/** Faster than `like`, and with nothing to escape. */
function at(on: Executor, text: string): RawBuilder<boolean> {
  return on.dialect === 'sqlite'
    ? sql<boolean>`instr(search_text, ${text}) > 0`
    : sql<boolean>`strpos(search_text, ${text}) > 0`
}

interface Ranked {
  readonly id: string
  readonly rank: number
}

/**
 * One page of what a search found, in the order of the ranks, and how many there are. One statement that looks at
 * everything once: with the total asked for by itself, 100,000 people take twice as long.
 * @param all selects `id` and `rank`
 */
export async function pageOfRanked(
  on: Executor,
  all: Expression<Ranked>,
  { limit, cursor }: { readonly limit: number; readonly cursor: string | null },
) {
  const after = (cursor === null ? null : readPlace(cursor)) ?? { rank: -1, id: '' }
  const { rows } = await sql<{ id: string | null; rank: number; total: number }>`
    with found as materialized ${all},
    page as (
      select id, "rank" from found
      where "rank" > ${after.rank} or ("rank" = ${after.rank} and id > ${after.id})
      order by "rank", id limit ${limit + 1}
    )
    select counted.total, page.id, page."rank"
    from (select count(*) as total from found) as counted left join page on 1 = 1
    order by page."rank", page.id
  `.execute(on.kysely)
  // A page with nobody on it still says how many there are.
  const found = rows.flatMap(({ id, rank }) => (id === null ? [] : [{ id, rank }]))
  const shown = found.slice(0, limit)
  const last = shown.at(-1)
  return {
    shown,
    hasMore: found.length > limit,
    total: rows[0]?.total ?? 0,
    place: last === undefined ? '' : `${last.rank}:${last.id}`,
  }
}

/** @returns null for a cursor of another order: the list begins anew */
function readPlace(cursor: string): Ranked | null {
  const [, rank, id] = /^(\d+):(.+)$/.exec(cursor) ?? []
  return rank === undefined || id === undefined ? null : { rank: Number(rank), id }
}
