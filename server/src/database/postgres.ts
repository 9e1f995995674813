/** PostgreSQL through `pg`: any number of processes, all state in the database. */
import pg from 'pg'
import { CompiledQuery, PostgresDialect, type Dialect } from 'kysely'

const CONNECTIONS = 10
const CONNECT_TIMEOUT_MS = 10_000
/** A query that takes longer than this is broken; without a bound it would hold its connection for ever. */
const STATEMENT_TIMEOUT_MS = 60_000
/**
 * Our transactions never wait for anything but the database. One that asks nothing for so long belongs to a process that
 * is frozen, and what it has locked must be free about when its lease is.
 */
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 15_000
const INT8 = 20

/** What our connections are called. Those of servers name their schema too, because installations may share a database. */
const NAME = 'muster'
const NAME_OF_SERVER = `left('${NAME} ' || coalesce(current_schema(), ''), 63)`

/**
 * How many connections servers have to this database and schema. A server asks for abandoned runs more often than an idle
 * connection is closed, so one that runs always has one.
 */
export const COUNT_SERVER_CONNECTIONS = `select count(*) as count from pg_stat_activity
  where datname = current_database() and application_name = ${NAME_OF_SERVER}`

/**
 * @param onIdleError told when an idle connection dies; without a listener `pg` would end the process
 * @param isServer false for a command that copies, which does not count as a user of the database
 */
export function postgresDialect(url: string, onIdleError: (error: Error) => void, isServer: boolean): Dialect {
  const pool = new pg.Pool({
    connectionString: url,
    max: CONNECTIONS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    // For a connection that died without a word: the server cannot time out what it never got.
    query_timeout: STATEMENT_TIMEOUT_MS + CONNECT_TIMEOUT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
    application_name: NAME,
    // Our integers are times and counts, far below 2^53; as texts, which is the default, they would compare wrongly.
    types: {
      getTypeParser: (oid: number, format?: 'text' | 'binary') =>
        oid === INT8 ? Number : pg.types.getTypeParser(oid, format),
    },
  })
  pool.on('error', onIdleError)
  // The pool listens to idle connections only. One that dies in use, between two queries, makes the next query fail; that
  // is enough, and without a listener `pg` would end the process.
  pool.on('connect', (client) => void client.on('error', () => {}))
  return new PostgresDialect({
    pool,
    async onCreateConnection(connection) {
      if (!isServer) return
      await connection.executeQuery(
        CompiledQuery.raw(`select set_config('application_name', ${NAME_OF_SERVER}, false)`),
      )
    },
  })
}
