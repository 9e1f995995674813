import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { shorterIn } from './extent.ts'

const MODULE = join(import.meta.dirname, 'extent.ts')

/** What a test file with 50 kills gets, and what it says of itself. */
function fiftyKills(env: Record<string, string>, chosen?: string): { count: number; shorter: string[] } {
  const program = `
    const { extent } = await import(${JSON.stringify(MODULE)})
    console.log('a line of its own')
    console.log('count ' + extent('kills', { everyday: 3, thorough: 50 }, ${JSON.stringify(chosen)}))`
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { env, encoding: 'utf8' })
  return { count: Number(/^count (\d+)$/m.exec(stdout)?.[1]), shorter: shorterIn(stdout) }
}

test('an everyday run tries fewer, and says so', () => {
  assert.deepEqual(fiftyKills({}), { count: 3, shorter: ['3 of 50 kills'] })
})

for (const variable of ['CI', 'MUSTER_TEST_THOROUGH']) {
  test(`with ${variable}=true everything is tried, and nothing said`, () => {
    assert.deepEqual(fiftyKills({ [variable]: 'true' }), { count: 50, shorter: [] })
  })
}

test('whoever asks for a number gets it, also in CI', () => {
  assert.deepEqual(fiftyKills({ CI: 'true' }, '20'), { count: 20, shorter: ['20 of 50 kills'] })
  assert.deepEqual(fiftyKills({}, '100'), { count: 100, shorter: [] })
})
