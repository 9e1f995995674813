import assert from 'node:assert/strict'
import { onEachDatabase } from '../../test-support/databases.ts'
import { createDirectory, OWNER } from '../../test-support/directory.ts'
import type { Database } from '../database/database.ts'
import { createPopulations } from './population.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const MONDAY = Date.UTC(2026, 10, 16)
const BOUNDS = [0, 1, 2, 3, 4].map((day) => MONDAY + day * DAY_MS)

onEachDatabase(({ test }) => {
  test('people are counted by their status, and built-in ones besides', async (database) => {
    const { directory, populations, add } = await createScene(database)
    const [first, second] = [await add('a'), await add('b')]
    await add('c')
    await directory.users.update(OWNER, first, { status: 'disabled' })
    await directory.users.remove(OWNER, second)
    await database.kysely.updateTable('users').set({ origin: 'wecom' }).where('username', '=', 'c').execute()

    const count = await populations.count(directory.organization.id)

    assert.deepEqual(count, { active: 1, disabled: 1, deleted: 1, builtIn: 1, departments: 0 })
  })

  test('the past is what was noted last before the end of each day, and nothing before the first note', async (database) => {
    const { directory, populations, add } = await createScene(database)
    const noteAt = async (at: number) => {
      directory.clock.at = at
      await populations.note()
    }
    const ends = (bounds: number[]) => populations.atEndOfDays(directory.organization.id, bounds)

    await noteAt(BOUNDS[1]! + 9 * HOUR_MS)
    await add('a')
    await noteAt(BOUNDS[1]! + 9 * HOUR_MS + 60_000)
    await noteAt(BOUNDS[1]! + 23 * HOUR_MS)
    const disabled = await add('b')
    await directory.users.update(OWNER, disabled, { status: 'disabled' })
    await noteAt(BOUNDS[3]!)

    assert.deepEqual(await ends(BOUNDS), [
      null,
      { active: 1, disabled: 0 },
      { active: 1, disabled: 0 },
      { active: 1, disabled: 1 },
    ])
    assert.deepEqual(await ends(BOUNDS.slice(2)), [
      { active: 1, disabled: 0 },
      { active: 1, disabled: 1 },
    ])
    const { hours } = await database.kysely
      .selectFrom('populations')
      .select((eb) => eb.fn.countAll<number>().as('hours'))
      .executeTakeFirstOrThrow()
    assert.equal(hours, 3, 'once in an hour')
  })
})

async function createScene(database: Database) {
  const directory = await createDirectory(database)
  const populations = createPopulations({ database, now: () => directory.clock.at })
  return {
    directory,
    populations,
    async add(username: string) {
      const { user } = await directory.users.create(OWNER, directory.organization.id, {
        username,
        displayName: username,
      })
      return user.id
    },
  }
}
