/**
 * Reading JSON values that WeCom sent. Written by hand instead of with a schema library because a full sync reads
 * a million of them; each function answers undefined for what it cannot use and never throws.
 */

export type WireObject = { readonly [key: string]: unknown }

/** A row that could not be used. The page it came from is still good; the person or department is known to exist. */
export type RejectedRow = { readonly userid?: string; readonly departmentId?: number; readonly reason: string }

/** The answer lacks what the endpoint must send. request.ts makes a WECOM_ANSWER_INCOMPLETE of it. */
export class IncompleteAnswer extends Error {
  override readonly name = 'IncompleteAnswer'
}

export function isObject(value: unknown): value is WireObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Text; a number becomes its digits, because gateways in front of WeCom have been seen to unquote ids and numbers. */
export function toText(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  return typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : undefined
}

export function toNonEmptyText(value: unknown): string | undefined {
  const text = toText(value)
  return text === '' ? undefined : text
}

/** A whole number up to 2^53; decimal digits in quotes count. */
export function toInteger(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : undefined
  if (typeof value !== 'string' || !/^-?\d{1,16}$/.test(value)) return undefined
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : undefined
}

/** 0 and 1 as number, text or boolean. Anything else, and absence, is not an answer. */
export function toFlag(value: unknown): boolean | undefined {
  if (value === 1 || value === '1' || value === true) return true
  if (value === 0 || value === '0' || value === false) return false
  return undefined
}

/** All entries or nothing: a list with one unreadable entry is not a shorter list. */
export function toTextList(value: unknown): string[] | undefined {
  return toList(value, toNonEmptyText)
}

export function toIntegerList(value: unknown): number[] | undefined {
  return toList(value, toInteger)
}

/** The list an answer must carry. An explicit empty one was read; a missing one is a failed call. */
export function requireList(answer: WireObject, key: string): readonly unknown[] {
  const value = answer[key]
  if (!Array.isArray(value)) throw new IncompleteAnswer(`the list "${key}" is missing`)
  return value
}

export function requireText(answer: WireObject, key: string): string {
  const value = toNonEmptyText(answer[key])
  if (value === undefined) throw new IncompleteAnswer(`"${key}" is missing`)
  return value
}

function toList<T>(value: unknown, toEntry: (entry: unknown) => T | undefined): T[] | undefined {
  if (!Array.isArray(value)) {
    const only = toEntry(value)
    return only === undefined ? undefined : [only]
  }
  const list: T[] = []
  for (const entry of value) {
    const read = toEntry(entry)
    if (read === undefined) return undefined
    list.push(read)
  }
  return list
}
