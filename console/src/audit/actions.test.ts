import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { actionWords } from './actions.ts'

const SERVER = join(import.meta.dirname, '../../../server/src')
/** What is recorded is written down as one text, such as 'user.disable'. */
const KEY =
  /'((?:administrator|api-token|application|connection|corp|database|department|event|installation|link|membership|organization|review|run|session|sign-in|signing-key|user)\.[a-z-]+(?:\.[a-z-]+)?)'/g

test('every action that the server records has words in both languages', () => {
  const files = globSync('**/*.ts', { cwd: SERVER, exclude: ['**/*.test.ts'] })
  const keys = new Set(
    files.flatMap((file) =>
      [...readFileSync(join(SERVER, file), 'utf8').matchAll(KEY)]
        .map(([, key]) => key!)
        .filter((key) => !key.endsWith('.js')),
    ),
  )
  assert.ok(keys.size > 30, `${keys.size} actions found`)
  const without = [...keys].filter((key) => [actionWords(key, 'en'), actionWords(key, 'zh-CN')].includes(undefined))
  assert.deepEqual(without, [])
  assert.match(actionWords('user.disable', 'zh-CN')!, /停用/)
})

test('what has no words is shown by its key alone', () => {
  assert.equal(actionWords('user.levitate', 'en'), undefined)
  assert.equal(actionWords('toString', 'en'), undefined)
})
