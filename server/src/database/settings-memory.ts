/**
 * Remembers what was read of settings (connections, their companies, applications with their secrets) as long as nobody has written any. On SQLite that is
 * exact: one process has the database, and every statement passes through it. On PostgreSQL another process may write at
 * any moment, so there nothing is remembered and everything is asked. Only for reading outside of transactions.
 */
import type { Database } from './database.ts'

/** Tables whose writing ends what is remembered, with those from which a removal cascades to them. */
const SETTINGS = /\b(?:organizations|connections|corps|applications|application_connections|application_secrets)\b/i
const READING = /^\s*(?:select|savepoint|release|rollback|begin|commit)\b/i

/** Whether a statement may write settings. Who merely names one of the tables counts, too: that costs one reading. */
export function mayWriteSettings(sql: string): boolean {
  return !READING.test(sql) && SETTINGS.test(sql)
}

/** Far more than there are; only what exists is remembered, so that nobody can fill it with names. */
const MOST_REMEMBERED = 500

export function rememberingSettings<T>(
  database: Pick<Database, 'settingsVersion'>,
  read: (key: string) => Promise<T | undefined>,
): (key: string) => Promise<T | undefined> {
  const known = new Map<string, { readonly version: number; readonly value: T }>()
  return async (key) => {
    // Taken before the reading: whatever is written after this moment makes the answer one that is not remembered.
    const version = database.settingsVersion()
    const before = known.get(key)
    if (before !== undefined && before.version === version) return before.value
    const value = await read(key)
    if (version === undefined || value === undefined) return value
    if (known.size >= MOST_REMEMBERED) known.delete(known.keys().next().value!)
    known.set(key, { version, value })
    return value
  }
}
