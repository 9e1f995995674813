/**
 * Queries that are built once for each kind of database and from then on only given their values. Building one with
 * Kysely takes longer than SQLite takes to answer it; of some fifty in a sign-in that was an eighth of the whole. For
 * queries that people wait for, many times a second; all others are built where they are asked.
 */
import type { CompiledQuery, QueryResult } from 'kysely'
import { Parameter, runStatement, type Executor } from './bulk.ts'

/**
 * @param build what the query is. Called once for each dialect, with places in `given` where the values will be: it can
 * hand them on, to Kysely or to `isOneOf`, but not look at them
 */
export function prepared<P extends object, R>(
  build: (on: Executor, given: P) => Buildable<R>,
): (on: Executor, values: P) => Promise<QueryResult<R>> {
  const compiled = new Map<Executor['dialect'], CompiledQuery<R>>()
  return (on, values) => {
    let query = compiled.get(on.dialect)
    if (query === undefined) {
      query = build(on, PLACES as P).compile(on.kysely)
      compiled.set(on.dialect, query)
    }
    const parameters = query.parameters.map((one) => (one instanceof Parameter ? one.valueIn(on, values) : one))
    return runStatement<R>(on, query.sql, parameters)
  }
}

/** What Kysely's builders have, and its `sql`. */
interface Buildable<R> {
  compile(kysely: Executor['kysely']): CompiledQuery<R>
}

/** Of any name. A lie to the types of values, told nowhere else: what Kysely takes for one is only ever handed back above. */
const PLACES: object = new Proxy({}, { get: (_target, name) => new Parameter(String(name)) })
