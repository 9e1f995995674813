/** What an audit entry tells besides who, what and when. Pure. */

/** Word and text of each fact that says something, in the order of the record. */
export function factsOf(details: Readonly<Record<string, unknown>>): (readonly [word: string, text: string])[] {
  return Object.entries(details)
    .filter(([, value]) => value !== null && value !== undefined && value !== '')
    .map(([word, value]) => [word, textOf(value)] as const)
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  if (Array.isArray(value) && value.every((one) => typeof one === 'string' || typeof one === 'number'))
    return value.length === 0 ? '–' : value.join(', ')
  return JSON.stringify(value)
}
