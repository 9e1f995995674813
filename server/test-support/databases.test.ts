import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'

const MODULE = join(import.meta.dirname, 'databases.ts')

/** What becomes of two tests of both kinds and one of SQLite alone, as lines of TAP. */
function outcomes(env: Record<string, string>): string[] {
  const program = `
    const { onEitherDatabase } = await import(${JSON.stringify(MODULE)})
    onEitherDatabase(({ dialect, testWithBareUrl }) => {
      testWithBareUrl('first', async () => {})
      testWithBareUrl('second', async () => {})
      if (dialect === 'sqlite') testWithBareUrl('own', async () => {})
    })`
  const args = ['--test-reporter=tap', '--input-type=module', '-e', program]
  const { stdout } = spawnSync(process.execPath, args, { env, encoding: 'utf8' })
  return [...stdout.matchAll(/^(?:not )?ok \d+ - (.*?) \((sqlite|postgres)\)( # SKIP)?/gm)].map(
    ([, name, dialect, skip]) => `${name} ${dialect}${skip === undefined ? '' : ' skipped'}`,
  )
}

/** Nobody answers there; whether a test is tried is known without. */
const postgres = { MUSTER_TEST_POSTGRES_URL: 'postgres://nobody@127.0.0.1:1/none' }

test('on an everyday run each flow goes on one kind of database, in turn, and what is of one kind alone on that', () => {
  const expected = ['first postgres skipped', 'first sqlite', 'own sqlite', 'second postgres', 'second sqlite skipped']
  assert.deepEqual(outcomes(postgres).toSorted(), expected)
})

test('in CI every flow goes on both kinds', () => {
  const all = ['first postgres', 'first sqlite', 'own sqlite', 'second postgres', 'second sqlite']
  assert.deepEqual(outcomes({ ...postgres, CI: 'true' }).toSorted(), all)
})

test('without PostgreSQL every flow goes on SQLite', () => {
  const skipped = ['first postgres skipped', 'first sqlite', 'own sqlite', 'second postgres skipped', 'second sqlite']
  assert.deepEqual(outcomes({}).toSorted(), skipped)
})
