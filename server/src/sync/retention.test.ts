import assert from 'node:assert/strict'
import { onEachDatabase } from '../../test-support/databases.ts'
import { createHintedWorld } from '../../test-support/hinted-world.ts'
import type { Company } from '../../test-support/sync-world.ts'
import { createRetention } from './retention.ts'

const NEVER = new AbortController().signal

onEachDatabase(({ test }) => {
  test('runs go half a year after their end, with their changes, and what still means something stays', async (database) => {
    const world = await createHintedWorld(database)
    const company = companyOf(['li', 'wang', 'zhao', 'sun', 'zhou'])
    const site = await world.newHintedSite(
      { ww1: company },
      { onlyHereUsers: 'disable', guard: { percent: 20, minimum: 3, absolute: 500 } },
    )
    const retention = createRetention({ database, now: world.parts.now })
    const left = async () => {
      const rows = await database.kysely.selectFrom('runs').select('id').orderBy('id').execute()
      return rows.map(({ id }) => id)
    }
    const first = await site.fullRun()
    company.members[0] = { ...company.members[0]!, position: '经理' }
    await site.hint([{ userid: 'li' }])
    const [event] = await site.eventRuns()
    const takenBack = await site.fullRun()
    company.members = company.members.slice(0, 1)
    await site.hint(['wang', 'zhao', 'sun', 'zhou'].map((userid) => ({ userid, isDelete: true })))
    const [held] = await site.eventRuns()
    const { connectionId, organizationId } = site
    const begun = { connectionId, organizationId, mode: 'apply', trigger: 'manual', requestedBy: null } as const
    const underWay = await database.inTransaction((tx) =>
      world.runs.begin(tx, { ...begun, originRunId: null, startedAt: world.parts.now(), warnings: [] }),
    )
    assert.equal(held!.state, 'held')

    world.letDaysPass(179)
    assert.equal(await retention.removeOld(NEVER), 0)
    world.letDaysPass(2)
    const revertOfFirst = await database.inTransaction((tx) =>
      world.runs.begin(tx, {
        ...begun,
        trigger: 'event',
        originRunId: first.id,
        startedAt: world.parts.now(),
        warnings: [],
      }),
    )
    assert.equal(await retention.removeOld(NEVER), 1)

    assert.deepEqual(await left(), [first.id, takenBack.id, held!.id, underWay, revertOfFirst].sort())
    const changes = await database.kysely
      .selectFrom('changes')
      .select('run_id')
      .where('run_id', '=', event!.id)
      .execute()
    assert.deepEqual(changes, [])
    assert.equal((await world.runs.statusOf(connectionId)).last!.id, takenBack.id, 'how the connection stands')
    assert.notEqual((await site.changes(first.id)).length, 0)

    // What kept them is over.
    await world.runs.cancel(database, underWay, world.parts.now())
    await world.runs.cancel(database, revertOfFirst, world.parts.now())
    await database.inTransaction((tx) => world.runs.remove(tx, revertOfFirst))
    assert.equal(await retention.removeOld(NEVER), 1)
    assert.deepEqual(await left(), [takenBack.id, held!.id, underWay].sort())
  })

  test('a run with more changes than one transaction removes goes whole, and the work can be cut short', async (database) => {
    const world = await createHintedWorld(database)
    const company = companyOf(Array.from({ length: 2_100 }, (_, index) => `p${index}`))
    const site = await world.newHintedSite({ ww1: company })
    const retention = createRetention({ database, now: world.parts.now })
    const first = await site.fullRun()
    assert.ok(first.counts.users.created > 2_000)
    world.letDaysPass(200)
    await site.fullRun()

    assert.equal(await retention.removeOld(AbortSignal.abort()), 0)
    assert.equal(await retention.removeOld(NEVER), 1)

    const { count } = await database.kysely
      .selectFrom('changes')
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow()
    assert.equal(count, 0)
    assert.equal((await site.all()).length, 2_100)
  })
})

function companyOf(userids: readonly string[]): Company {
  return {
    departments: [{ id: 1, name: '总部' }],
    members: userids.map((userid) => ({ userid, name: `张${userid}`, departments: [{ id: 1, order: 0 }], status: 1 })),
  }
}
