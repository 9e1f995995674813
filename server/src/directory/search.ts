/** How lists are searched by a text that a person typed, on either database. Reads every row of the list; no index helps. */
import { sql, type RawBuilder } from 'kysely'
import { foldName, storable } from './names.ts'

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
