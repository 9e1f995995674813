/**
 * Checks of values that come through the control door. Each check returns the value typed, or throws a sentence naming the
 * place. Written here because the package has no dependencies; it covers what control arguments need and nothing else.
 */

export class ShapeError extends Error {
  constructor(path: string, wanted: string) {
    super(`${path} must be ${wanted}`)
    this.name = 'ShapeError'
  }
}

export type Check<T> = (value: unknown, path: string) => T

export const anything: Check<unknown> = (value) => value

export const text: Check<string> = (value, path) => {
  if (typeof value !== 'string') throw new ShapeError(path, 'a string')
  return value
}

export const flag: Check<boolean> = (value, path) => {
  if (typeof value !== 'boolean') throw new ShapeError(path, 'true or false')
  return value
}

export function number(min = -Infinity, max = Infinity): Check<number> {
  return (value, path) => {
    if (typeof value === 'number' && value >= min && value <= max) return value
    throw new ShapeError(path, `a number from ${min} to ${max}`)
  }
}

export function integer(min: number, max = Number.MAX_SAFE_INTEGER): Check<number> {
  return (value, path) => {
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value
    throw new ShapeError(path, `a whole number from ${min} to ${max}`)
  }
}

export function oneOf<const T extends readonly (string | number | null)[]>(...allowed: T): Check<T[number]> {
  return (value, path) => {
    if (allowed.some((candidate) => candidate === value)) return value as T[number]
    throw new ShapeError(path, `one of ${allowed.map((candidate) => JSON.stringify(candidate)).join(', ')}`)
  }
}

export function either<A, B>(first: Check<A>, second: Check<B>): Check<A | B> {
  return (value, path) => {
    try {
      return first(value, path)
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error
      return second(value, path)
    }
  }
}

export function listOf<T>(item: Check<T>): Check<T[]> {
  return (value, path) => {
    if (!Array.isArray(value)) throw new ShapeError(path, 'a list')
    return value.map((element, index) => item(element, `${path}[${index}]`))
  }
}

/** Any keys, values of one kind. */
export function mapOf<T>(item: Check<T>): Check<Record<string, T>> {
  return (value, path) => {
    const entries = Object.entries(record(value, path))
    return Object.fromEntries(entries.map(([key, element]) => [key, item(element, `${path}.${key}`)]))
  }
}

/** Marks a key of `object` that may be left out. */
export function optional<T>(check: Check<T>): Check<T | undefined> & { isOptional: true } {
  const whenPresent: Check<T | undefined> = (value, path) => (value === undefined ? undefined : check(value, path))
  return Object.assign(whenPresent, { isOptional: true as const })
}

type Fields = Record<string, Check<unknown> & { isOptional?: true }>
type Optional<F extends Fields> = { [K in keyof F]: F[K] extends { isOptional: true } ? K : never }[keyof F]
type ObjectOf<F extends Fields> = { [K in Exclude<keyof F, Optional<F>>]: ReturnType<F[K]> } & {
  [K in Optional<F>]?: Exclude<ReturnType<F[K]>, undefined>
}

/** An unknown key is refused: a misspelt option that is silently ignored makes a test that cannot fail. */
export function object<F extends Fields>(fields: F): Check<ObjectOf<F>> {
  return (value, path) => {
    const given = record(value, path)
    for (const key of Object.keys(given)) {
      if (!Object.hasOwn(fields, key))
        throw new ShapeError(`${path}.${key}`, `left out; known are ${Object.keys(fields).join(', ')}`)
    }
    const checked: Record<string, unknown> = {}
    for (const [key, check] of Object.entries(fields)) {
      const result = check(given[key], `${path}.${key}`)
      if (result !== undefined) checked[key] = result
    }
    return checked as ObjectOf<F>
  }
}

/** For a function without an argument. */
export const nothing: Check<undefined> = (value, path) => {
  object({})(value ?? {}, path)
  return undefined
}

function record(value: unknown, path: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new ShapeError(path, 'an object')
  return value as Record<string, unknown>
}
