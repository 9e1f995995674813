/**
 * Runs database tests on SQLite and on PostgreSQL. PostgreSQL comes from MUSTER_TEST_POSTGRES_URL, which `./muster test`
 * sets; without it those tests are reported as skipped.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { openDatabase, type Database } from '../src/database/database.ts'
import { isThorough } from './extent.ts'
import { createSchemas, type Fresh, type Schemas } from './schemas.ts'

export type Dialect = 'sqlite' | 'postgres'

export interface DatabaseTest {
  dialect: Dialect
  /** Registers a test that gets an empty, migrated database of its own. */
  test: (name: string, body: (database: Database, t: TestContext) => Promise<void>) => void
  /** Registers a test that gets the address of an empty, migrated database of its own, such as to start processes. */
  testWithUrl: (name: string, body: (url: string, t: TestContext) => Promise<void>) => void
  /** As `testWithUrl`, of a database without tables: for tests of first starts and of migrations. */
  testWithBareUrl: (name: string, body: (url: string, t: TestContext) => Promise<void>) => void
}

/** Calls `define` once for each kind of database. */
export function onEachDatabase(define: (kind: DatabaseTest) => void): void {
  for (const { register } of collect(define)) register()
}

/**
 * As `onEachDatabase`, for tests of whole flows, where the database seldom makes the difference: on an everyday run those that
 * are there for both kinds go on one, in turn, and are reported as skipped on the other.
 */
export function onEitherDatabase(define: (kind: DatabaseTest) => void): void {
  if (isThorough(process.env) || !process.env.MUSTER_TEST_POSTGRES_URL) return onEachDatabase(define)
  const tests = collect(define)
  const ofBoth = new Set<string>()
  for (const { name, dialect } of tests) {
    if (tests.some((other) => other.name === name && other.dialect !== dialect)) ofBoth.add(name)
  }
  const turns = [...ofBoth]
  for (const { name, dialect, register } of tests) {
    const turn = turns.indexOf(name)
    const isElsewhere = turn >= 0 && DIALECTS[turn % DIALECTS.length] !== dialect
    register(isElsewhere ? ELSEWHERE : undefined)
  }
}

const DIALECTS = ['sqlite', 'postgres'] as const

const ELSEWHERE = 'tested on the other kind of database only; ./muster test --thorough tests on both'

interface Collected {
  readonly name: string
  readonly dialect: Dialect
  /** @param skip why it is not run */
  readonly register: (skip?: string) => void
}

/** What `define` asks for, in its order. */
function collect(define: (kind: DatabaseTest) => void): readonly Collected[] {
  const tests: Collected[] = []
  for (const dialect of DIALECTS) {
    const postgresUrl = process.env.MUSTER_TEST_POSTGRES_URL
    const skip = dialect === 'postgres' && !postgresUrl ? 'needs PostgreSQL: run ./muster test' : false
    const databases = dialect === 'sqlite' ? files : skip === false ? schemasOf(postgresUrl!) : undefined
    const testWith =
      (kind: keyof Schemas): DatabaseTest['testWithUrl'] =>
      (name, body) => {
        const register = (elsewhere?: string) =>
          void test(`${name} (${dialect})`, { skip: elsewhere ?? skip }, async (t) => {
            const fresh = await databases![kind]()
            try {
              await body(fresh.url, t)
            } finally {
              await fresh.remove()
            }
          })
        tests.push({ name, dialect, register })
      }
    const testWithUrl = testWith('migrated')
    define({
      dialect,
      testWithUrl,
      testWithBareUrl: testWith('bare'),
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
  return tests
}

let schemas: Schemas | undefined
const schemasOf = (postgresUrl: string) => (schemas ??= createSchemas(postgresUrl))

let migratedFile: Promise<Buffer> | undefined

/** A file that was just migrated and closed, to copy: migrating takes ten times as long. */
async function makeMigratedFile(): Promise<Buffer> {
  const { file, url, remove } = freshFolder()
  await (await openDatabase(url)).close()
  const bytes = readFileSync(file)
  await remove()
  return bytes
}

const files: Schemas = {
  bare: () => Promise.resolve(freshFolder()),
  async migrated() {
    const bytes = await (migratedFile ??= makeMigratedFile())
    const fresh = freshFolder()
    writeFileSync(fresh.file, bytes, { mode: 0o600 })
    return fresh
  },
}

function freshFolder(): Fresh & { readonly file: string } {
  const directory = mkdtempSync(join(tmpdir(), 'muster-test-'))
  const file = join(directory, 'muster.db')
  return { file, url: `sqlite:${file}`, remove: async () => rmSync(directory, { recursive: true, force: true }) }
}
