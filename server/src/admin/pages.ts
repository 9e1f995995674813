/** The pages of every list of the admin API: an opaque cursor that is the id of the last item of the page before. */
import { AppError } from '../errors.ts'

const PRINTABLE = /^[\x21-\x7e]{1,200}$/

/** @returns the id to go on after, or null for the first page @throws AppError `http/validation` */
export function readCursor(text: string | undefined): string | null {
  if (text === undefined) return null
  const id = Buffer.from(text, 'base64url').toString('utf8')
  // Decoding skips what it does not know; only what writing it again gives back was made by us.
  if (PRINTABLE.test(id) && writeCursor(id) === text) return id
  throw new AppError('http/validation', {
    fields: [{ path: 'cursor', message: 'Not a cursor of this list: send the nextCursor of the page before.' }],
  })
}

/** One page as http-api.md §4 has it. `total` is how many there are on all pages. */
export function page<Item>(items: Item[], hasMore: boolean, total: number, idOf: (item: Item) => string) {
  const last = items.at(-1)
  return { items, nextCursor: hasMore && last !== undefined ? writeCursor(idOf(last)) : null, total }
}

/** `q` as the stores want it: an empty search box searches for nothing. */
export function readSearch(text: string | undefined): string | null {
  const trimmed = text?.trim() ?? ''
  return trimmed === '' ? null : trimmed
}

function writeCursor(id: string): string {
  return Buffer.from(id, 'utf8').toString('base64url')
}
