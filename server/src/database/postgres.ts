/** PostgreSQL through `pg`: any number of processes, all state in the database. */
import pg from 'pg'
import { PostgresDialect, type Dialect } from 'kysely'

const CONNECTIONS = 10
const CONNECT_TIMEOUT_MS = 10_000
/** A query that takes longer than this is broken; without a bound it would hold its connection for ever. */
const STATEMENT_TIMEOUT_MS = 60_000
const INT8 = 20

/** @param onIdleError told when an idle connection dies; without a listener `pg` would end the process */
export function postgresDialect(url: string, onIdleError: (error: Error) => void): Dialect {
  const pool = new pg.Pool({
    connectionString: url,
    max: CONNECTIONS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    idle_in_transaction_session_timeout: STATEMENT_TIMEOUT_MS,
    application_name: 'muster',
    // Our integers are times and counts, far below 2^53; as texts, which is the default, they would compare wrongly.
    types: {
      getTypeParser: (oid: number, format?: 'text' | 'binary') =>
        oid === INT8 ? Number : pg.types.getTypeParser(oid, format),
    },
  })
  pool.on('error', onIdleError)
  return new PostgresDialect({ pool })
}
