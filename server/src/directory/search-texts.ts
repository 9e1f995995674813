/**
 * What searching looks at: for each user and each department one text with everything that somebody may type, a line each,
 * folded. Made in the background, because pronouncing a name takes longer than writing it: whoever writes a name clears
 * the text (null), and until it is made searching reads the columns themselves. search.ts asks.
 */
import { updateRows, type Database, type Executor, type Row, type Transaction } from '../database/database.ts'
import { foldName, storable } from './names.ts'
import { isChinese, loadReadings, type Readings } from './pinyin.ts'

/** Made in one transaction, in a few milliseconds. */
const SLICE = 200

const NO_READINGS: Readings = () => []

export type SearchTexts = ReturnType<typeof createSearchTexts>

export function createSearchTexts({
  database,
  isBusy,
}: {
  database: Database
  /** Whether there is something that must not be slowed down by this. */
  isBusy: () => Promise<boolean>
}) {
  let readings: Readings | undefined

  return {
    /** Makes what is missing, and stops between two slices when something else begins. @returns how many it made */
    async fill(signal: AbortSignal): Promise<number> {
      let made = 0
      for (const { table, textOf, namesOf } of TABLES) {
        while (!signal.aborted && (await isMissing(table)) && !(await isBusy())) {
          const count = await fillSlice(table, textOf, namesOf)
          made += count
          // Another process holds the rest.
          if (count === 0) break
        }
      }
      return made
    },
  }

  async function isMissing(table: Searched): Promise<boolean> {
    const row = await database.kysely
      .selectFrom(table)
      .select('id')
      .where('search_text', 'is', null)
      .limit(1)
      .executeTakeFirst()
    return row !== undefined
  }

  async function fillSlice<T extends Searched>(
    table: T,
    textOf: (row: Row<T>, readings: Readings) => string,
    namesOf: (row: Row<T>) => readonly string[],
  ): Promise<number> {
    // Loading is a wait, and there is none inside a transaction.
    if (readings === undefined && (await someMissing(database, table, SLICE)).flatMap(namesOf).some(isChinese)) {
      readings = await loadReadings()
    }
    return database.inTransaction(async (tx) => {
      const rows = await holdMissing(tx, table, SLICE)
      const known = readings ?? NO_READINGS
      // Whoever got a Chinese name since is left for the next slice.
      const ready = readings === undefined ? rows.filter((row) => !namesOf(row).some(isChinese)) : rows
      const texts = ready.map((row) => ({ id: row.id, search_text: textOf(row, known) }))
      await updateRows(tx, table, ['id'], ['search_text'], texts as Partial<Row<T>>[])
      return texts.length
    })
  }
}

type Searched = 'users' | 'departments'

interface Making<T extends Searched> {
  readonly table: T
  /** What has to be pronounced. */
  readonly namesOf: (row: Row<T>) => readonly string[]
  readonly textOf: (row: Row<T>, readings: Readings) => string
}

const users: Making<'users'> = {
  table: 'users',
  namesOf: ({ display_name }) => [display_name],
  textOf: userText,
}

const departments: Making<'departments'> = {
  table: 'departments',
  namesOf: ({ name }) => [name],
  textOf: departmentText,
}

// The pair of each is checked above; a list of both cannot keep their types.
const TABLES = [users, departments] as unknown as readonly Making<Searched>[]

/** Pure. The username first: a search for exactly that puts its user first. */
export function userText({ username, display_name, email, phone }: SearchedUser, readings: Readings): string {
  return linesOf([
    username,
    display_name,
    ...unspaced(display_name),
    email,
    phone,
    ...spoken(display_name, 'name', readings),
  ])
}

type SearchedUser = Pick<Row<'users'>, 'username' | 'display_name' | 'email' | 'phone'>

/** Pure. */
export function departmentText(
  { name, name_en }: Pick<Row<'departments'>, 'name' | 'name_en'>,
  readings: Readings,
): string {
  return linesOf([name, name_en, ...spoken(name, 'words', readings)])
}

/** Full pinyin without spaces, and the initials of its syllables. */
function spoken(text: string, as: 'name' | 'words', readings: Readings): string[] {
  const all = readings(text, as)
  return [
    ...all.map((reading) => reading.join('')),
    ...all.map((reading) => reading.map((piece) => Array.from(piece)[0] ?? '').join('')),
  ]
}

/** Jane Doe is found as janedoe, too. */
function unspaced(name: string): string[] {
  return /\s/.test(name) ? [name.replace(/\s/g, '')] : []
}

/** Each line once, between line breaks, so that the beginning and the end of a line can be searched for. */
function linesOf(parts: readonly (string | null)[]): string {
  const lines = parts.flatMap((part) => (part === null || part === '' ? [] : [foldLine(part)]))
  return `\n${[...new Set(lines)].join('\n')}\n`
}

/** A text as one line of a search text, and as a search for it. */
export function foldLine(text: string): string {
  return foldName(storable(text).replace(/\p{Cc}/gu, ' '))
}

function someMissing<T extends Searched>(on: Executor, table: T, limit: number): Promise<Row<T>[]> {
  return missing(on, table, limit).execute() as Promise<Row<T>[]>
}

/** Nobody renames them meanwhile; what another process holds is left to it. */
function holdMissing<T extends Searched>(tx: Transaction, table: T, limit: number): Promise<Row<T>[]> {
  return missing(tx, table, limit)
    .$if(tx.dialect === 'postgres', (query) => query.forNoKeyUpdate().skipLocked())
    .execute() as Promise<Row<T>[]>
}

function missing(on: Executor, table: Searched, limit: number) {
  return on.kysely.selectFrom(table).selectAll().where('search_text', 'is', null).orderBy('id').limit(limit)
}
