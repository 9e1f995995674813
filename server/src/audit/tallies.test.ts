import assert from 'node:assert/strict'
import { onEachDatabase } from '../../test-support/databases.ts'
import { createDirectory } from '../../test-support/directory.ts'
import type { Database } from '../database/database.ts'
import { SYSTEM } from './audit.ts'
import { createTallies, type Deed } from './tallies.ts'

const DAY_MS = 86_400_000
const MONDAY = Date.UTC(2026, 10, 16)
const BOUNDS = [MONDAY, MONDAY + DAY_MS, MONDAY + 2 * DAY_MS]
const NEVER = new AbortController().signal

onEachDatabase(({ test }) => {
  test('each deed is counted on its day, the same before and after the job has counted it', async (database) => {
    const scene = await createScene(database)
    await scene.record(MONDAY - 1, 'sign-in.succeed')
    await scene.record(MONDAY, 'sign-in.succeed')
    await scene.record(MONDAY + DAY_MS - 1, 'sign-in.succeed')
    await scene.record(MONDAY + DAY_MS, 'sign-in.refuse', { reason: 'not-linked' })
    await scene.record(MONDAY + DAY_MS + 1, 'sign-in.refuse', { reason: 'disabled' })
    await scene.record(MONDAY + DAY_MS + 2, 'sign-in.refuse', { reason: 'not-linked' })
    await scene.record(MONDAY + 2 * DAY_MS, 'sign-in.succeed')
    const expected = {
      'sign-in.succeed': [2, 0],
      'sign-in.refuse:not-linked': [0, 2],
      'sign-in.refuse:disabled': [0, 1],
    }

    assert.deepEqual(await scene.perDay(), expected)
    scene.at(MONDAY + 3 * DAY_MS)
    assert.ok((await scene.count()) >= 7)
    assert.deepEqual(await scene.perDay(), expected)
    assert.equal(await scene.count(), 0)
    assert.deepEqual(await scene.perDay(), expected)
  })

  test('what is new is counted on, and what may not be settled yet is counted when asked', async (database) => {
    const scene = await createScene(database)
    await scene.record(MONDAY, 'sign-in.succeed')
    await scene.record(MONDAY + 3 * 60_000, 'sign-in.succeed')
    await scene.count()
    const { rows } = await scene.tallies()
    await scene.record(MONDAY + 4 * 60_000, 'sign-in.succeed')

    assert.deepEqual(rows, [{ deed: 'sign-in.succeed', count: 1 }])
    assert.deepEqual(await scene.perDay(), { 'sign-in.succeed': [3, 0] })
    scene.at(MONDAY + DAY_MS)
    await Promise.all([scene.count(), scene.count()])
    assert.deepEqual(await scene.perDay(), { 'sign-in.succeed': [3, 0] })
    assert.deepEqual((await scene.tallies()).rows, [{ deed: 'sign-in.succeed', count: 3 }])
  })

  test('people who were created, restored, deleted, or disabled by a source are counted, except by runs', async (database) => {
    const scene = await createScene(database)
    for (const action of ['user.create', 'user.restore', 'user.delete', 'user.disable', 'user.update']) {
      await scene.record(MONDAY, action)
      await scene.record(MONDAY, action, { runId: 'run_1' })
      await scene.record(MONDAY, action, { by: 'sign-in' })
      await scene.record(MONDAY, action, { reviewId: 'rev_1' })
    }

    const expected = {
      'user.create': [3, 0],
      'user.restore': [3, 0],
      'user.delete': [3, 0],
      'user.disable': [2, 0],
    }
    assert.deepEqual(await scene.perDay(), expected)
    scene.at(MONDAY + DAY_MS)
    await scene.count()
    assert.deepEqual(await scene.perDay(), expected)
  })

  test('other organizations, and those that are gone, do not matter', async (database) => {
    const scene = await createScene(database)
    const branch = await scene.directory.organizations.create(SYSTEM, {
      slug: 'branch',
      name: '分公司',
      builtInUsersAllowed: true,
    })
    await scene.record(MONDAY, 'sign-in.succeed', {}, branch.id)
    await scene.record(MONDAY, 'sign-in.succeed', {}, null)
    await scene.record(MONDAY, 'sign-in.succeed', {}, 'org_gone')
    scene.at(MONDAY + DAY_MS)

    await scene.count()

    assert.deepEqual(await scene.perDay(), {})
    assert.deepEqual(await scene.perDay(branch.id), { 'sign-in.succeed': [1, 0] })
  })
})

async function createScene(database: Database) {
  const directory = await createDirectory(database)
  const tallies = createTallies({ database, now: () => directory.clock.at })
  const at = (moment: number) => void (directory.clock.at = moment)
  return {
    directory,
    at,
    count: () => tallies.count(NEVER),
    async perDay(organizationId = directory.organization.id) {
      const days = await tallies.perDay(organizationId, BOUNDS)
      return Object.fromEntries(days) as Partial<Record<Deed, number[]>>
    },
    async record(
      moment: number,
      action: string,
      details: Record<string, unknown> = {},
      organizationId: string | null = directory.organization.id,
    ) {
      at(moment)
      await database.inTransaction((tx) =>
        directory.audit.record(tx, SYSTEM, [{ action, organizationId, target: null, details }]),
      )
    },
    tallies: async () => ({
      rows: (await database.kysely.selectFrom('tallies').select(['deed', 'count']).execute()).map((row) => ({
        ...row,
      })),
    }),
  }
}
