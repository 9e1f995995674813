import assert from 'node:assert/strict'
import { test } from 'node:test'

import { endpoints, plannedEndpoints, type Endpoint } from '../contracts/src/index.ts'
import { errorTable } from '../server/src/errors.ts'
import { settings } from '../server/src/settings.ts'
import { findOutdatedPages, pages } from './generate-reference.ts'

test('the reference pages say what the code says', () => {
  assert.deepEqual(findOutdatedPages(), [], 'run: node tools/generate-reference.ts')
})

test('the configuration page names every setting', () => {
  const page = print('configuration.md')

  for (const { name } of Object.values(settings)) assert.match(page, new RegExp(`^### \`${name}\`$`, 'm'))
})

test('the errors page names every code with both texts', () => {
  const page = print('errors.md')

  for (const [code, { title, remedy }] of Object.entries(errorTable)) {
    const row = page.split('\n').find((line) => line.startsWith(`| \`${code}\` |`)) ?? ''
    for (const text of [title.en, title.zh, remedy.en, remedy.zh]) assert.ok(row.includes(text), `${code}: ${text}`)
  }
})

test('the API page names every endpoint that is answered, and none that is only planned', () => {
  const page = print('admin-api.md')

  for (const { method, path, role, confirm } of endpoints as readonly Endpoint[]) {
    const who = role === null ? 'anybody' : role === 'any' ? 'whoever is signed in' : role
    assert.ok(page.includes(`\`${method} ${path}\` · ${who}${confirm ? ', confirmed' : ''} ·`), path)
  }
  for (const { method, path } of plannedEndpoints) assert.ok(!page.includes(`\`${method} ${path}\``), path)
})

test('what a request has to contain stands out', () => {
  const page = print('admin-api.md')

  assert.match(page, /^\| \*\*`identifier`\*\* \| string \|/m)
  assert.match(page, /^\| `sync\.users\.onlyHere` \| `ignore`, `disable`, `delete` or null \|/m)
})

function print(name: string): string {
  const page = pages.find(({ path }) => path.endsWith(`/${name}`))
  assert.ok(page, name)
  return page.print()
}
