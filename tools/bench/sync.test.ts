import assert from 'node:assert/strict'
import { test } from 'node:test'

import { extent } from '../../server/test-support/extent.ts'
import { describeSyncBenchmark } from './report.ts'
import { benchSync, PHASE_NAMES } from './sync.ts'

const ROWS = extent('rows of the table', { everyday: 2, thorough: PHASE_NAMES.length })
const DEADLINE_MS = 120_000

test('the sync benchmark measures floors and syncs of a small company, and finds nothing wrong', async () => {
  const result = await benchSync({
    people: [12],
    only: PHASE_NAMES.slice(0, ROWS),
    databases: ['sqlite'],
    profileDirectory: undefined,
    searchPath: '',
    signal: AbortSignal.timeout(DEADLINE_MS),
    onProgress: () => {},
  })

  assert.deepEqual(result.problems, [])
  const [company] = result.companies
  const rowsOf = (name: string) => company?.phases.find((phase) => phase.name === name)?.samples.at(-1)?.rows
  assert.equal(rowsOf('first')?.users?.inserted, 12)
  assert.equal(rowsOf('first')?.links?.inserted, 12)
  assert.deepEqual(rowsOf('unchanged')?.runs, { inserted: 1, updated: 0, deleted: 0 })
  assert.equal(rowsOf('unchanged')?.users, undefined)
  assert.equal(company?.floors.download[0]?.count, (company?.departments ?? 0) + 2)
  const people = rowsOf('first')!
  const inserted = ['departments', 'users', 'links', 'memberships'] as const
  assert.equal(
    company?.floors.insert[0]?.count,
    inserted.reduce((sum, table) => sum + (people[table]?.inserted ?? 0), 0),
  )
  assert.match(describeSyncBenchmark(result), /\| first sync \|/)
})
