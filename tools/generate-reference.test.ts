import assert from 'node:assert/strict'
import { test } from 'node:test'

import { settings } from '../server/src/settings.ts'
import { findOutdatedPages, pages } from './generate-reference.ts'

test('the reference pages say what the code says', () => {
  assert.deepEqual(findOutdatedPages(), [], 'run: node tools/generate-reference.ts')
})

test('the configuration page names every setting', () => {
  const page = pages.find(({ path }) => path.endsWith('configuration.md'))?.print() ?? ''

  for (const { name } of Object.values(settings)) assert.match(page, new RegExp(`^### \`${name}\`$`, 'm'))
})
