/**
 * Runs database tests on SQLite and on PostgreSQL. PostgreSQL comes from MUSTER_TEST_POSTGRES_URL, which `./muster test`
 * sets; without it those tests are reported as skipped.
 */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import pg from 'pg'
import { openDatabase, type Database } from '../src/database/database.ts'

export type Dialect = 'sqlite' | 'postgres'

export interface DatabaseTest {
  dialect: Dialect
  /** Registers a test that gets an empty, migrated database of its own. */
  test: (name: string, body: (database: Database, t: TestContext) => Promise<void>) => void
  /** Registers a test that gets the address of an empty database of its own, for tests that start processes. */
  testWithUrl: (name: string, body: (url: string, t: TestContext) => Promise<void>) => void
}

/** Calls `define` once for each kind of database. */
export function onEachDatabase(define: (kind: DatabaseTest) => void): void {
  for (const dialect of ['sqlite', 'postgres'] as const) {
    const postgresUrl = process.env.MUSTER_TEST_POSTGRES_URL
    const skip = dialect === 'postgres' && !postgresUrl ? 'needs PostgreSQL: run ./muster test' : false
    const testWithUrl: DatabaseTest['testWithUrl'] = (name, body) => {
      void test(`${name} (${dialect})`, { skip }, async (t) => {
        const fresh = dialect === 'sqlite' ? freshFile() : await freshSchema(postgresUrl!)
        try {
          await body(fresh.url, t)
        } finally {
          await fresh.remove()
        }
      })
    }
    define({
      dialect,
      testWithUrl,
      test(name, body) {
        testWithUrl(name, async (url, t) => {
          const database = await openDatabase(url)
          try {
            await body(database, t)
          } finally {
            await database.close()
          }
        })
      },
    })
  }
}

function freshFile() {
  const directory = mkdtempSync(join(tmpdir(), 'muster-test-'))
  return {
    url: `sqlite:${join(directory, 'muster.db')}`,
    remove: async () => rmSync(directory, { recursive: true, force: true }),
  }
}

/** A schema is made in milliseconds, a database is not. */
async function freshSchema(postgresUrl: string) {
  const schema = `test_${randomBytes(8).toString('hex')}`
  const run = async (statement: string) => {
    const client = new pg.Client({ connectionString: postgresUrl })
    await client.connect()
    try {
      await client.query(statement)
    } finally {
      await client.end()
    }
  }
  await run(`create schema ${schema}`)
  const url = new URL(postgresUrl)
  url.searchParams.set('options', `-c search_path=${schema}`)
  return { url: url.href, remove: () => run(`drop schema ${schema} cascade`) }
}
