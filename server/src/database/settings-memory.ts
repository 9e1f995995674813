/**
 * Remembers what was read of settings (connections, their companies, applications with their secrets) as long as nobody has written any. On SQLite that is
 * exact: one process has the database, and every statement passes through it. On PostgreSQL another process may write at
 * any moment, so there nothing is remembered and everything is asked. Read only outside of transactions, which may be undone.
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

export interface Remembering<T> {
  (key: string): Promise<T | undefined>
  /**
   * What is remembered of it, for whoever is in a transaction: nobody has written settings since, nor has the transaction.
   * undefined: that has to be read.
   */
  known(key: string): T | undefined
}

export function rememberingSettings<T>(
  database: Pick<Database, 'settingsVersion'>,
  read: (key: string) => Promise<T | undefined>,
): Remembering<T> {
  const remembered = new Map<string, { readonly version: number; readonly value: T }>()

  function known(key: string): T | undefined {
    const before = remembered.get(key)
    return before !== undefined && before.version === database.settingsVersion() ? before.value : undefined
  }

  async function find(key: string): Promise<T | undefined> {
    const before = known(key)
    if (before !== undefined) return before
    // Taken before the reading: whatever is written after this moment makes the answer one that is not remembered.
    const version = database.settingsVersion()
    const value = await read(key)
    if (version === undefined || value === undefined) return value
    if (remembered.size >= MOST_REMEMBERED) remembered.delete(remembered.keys().next().value!)
    remembered.set(key, { version, value })
    return value
  }

  return Object.assign(find, { known })
}
