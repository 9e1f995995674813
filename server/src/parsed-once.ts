/**
 * Texts of rows that say the same again and again, such as settings: parsed when they are new. It is the text that is
 * asked for, so what is remembered cannot be out of date, whichever process has changed the row.
 */

/** Far more than there are connections and applications in a company; the oldest goes first. */
const MOST_REMEMBERED = 500

/** @param parse pure; what it returns is shared, so nobody may change it */
export function parsedOnce<T>(parse: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>()
  return (text) => {
    const before = known.get(text)
    if (before !== undefined) return before
    const parsed = parse(text)
    if (known.size >= MOST_REMEMBERED) known.delete(known.keys().next().value!)
    known.set(text, parsed)
    return parsed
  }
}
