/** What the addresses of pages may hold. Pure. An address can be typed by hand, so whatever is not known is left out. */

export function oneOf<const Word extends string>(words: readonly Word[], given: unknown): Word | undefined {
  return words.find((word) => word === given)
}

/** The router takes digits alone in an address for a number. */
export function text(given: unknown, longest: number): string | undefined {
  const words = typeof given === 'number' ? String(given) : given
  return typeof words === 'string' && words !== '' && words.length <= longest ? words : undefined
}

type Present<T> = { [Name in keyof T]?: Exclude<T[Name], undefined> }

/** So that an address does not say `state=undefined`. */
export function withoutAbsent<T extends object>(given: T): Present<T> {
  const present = Object.entries(given).filter(([, value]) => value !== undefined)
  return Object.fromEntries(present) as Present<T> // the same members, without those that are undefined
}
