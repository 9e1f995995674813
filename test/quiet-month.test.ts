/**
 * The guard must not cry wolf: an administrator who approves every week without looking has no guard. Thirty working days
 * of ordinary leaving hold nothing; the accident at the end is held, so that a guard that never fires does not pass.
 */
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import { extent } from '../server/test-support/extent.ts'
import { inTurns, startFleet, type Fleet, type FleetCompany } from './fleet.ts'

const SEED = Number(process.env.MUSTER_TEST_SEED ?? randomInt(2 ** 31))
const DAYS = 30
/** One person in five of those who are touched leaves: one in a hundred leaves every day. */
const TOUCHED_PERCENT = 5
const PEOPLE = 200
const COMPANIES = extent('companies on each database', { everyday: 1, thorough: 2 })
const DAY_MS = 24 * 60 * 60 * 1_000

onEitherDatabase(({ testWithUrl }) => {
  testWithUrl('thirty days on which one in a hundred leaves hold nothing, and an accident is held', async (url, t) => {
    t.diagnostic(`seed ${SEED} (repeat with MUSTER_TEST_SEED=${SEED})`)
    let offsetMs = 0
    await using fleet = await startFleet(url, {
      seeds: Array.from({ length: COMPANIES }, (_, place) => `${SEED} ${place}`),
      people: PEOPLE,
      departments: 6,
      sync: { users: { onlyHere: 'disable' }, departments: { onlyHere: 'delete' } },
      settings: { MUSTER_WECOM_CALLS_PER_MINUTE: '100000' },
      clock: { now: () => Date.now() + offsetMs },
    })
    await inTurns(fleet.companies, COMPANIES, async (company) => void (await company.syncOnce()))
    let removals = 0

    for (let day = 1; day <= DAYS; day++) {
      offsetMs += DAY_MS
      for (const { corpId } of fleet.companies) {
        fleet.control.churn({ corpId, percent: TOUCHED_PERCENT, seed: `${SEED} ${day}` })
      }
      await inTurns(fleet.companies, COMPANIES, async (company) => {
        const { state, held, counts } = await company.syncOnce()
        assert.deepEqual([state, held], ['succeeded', null], `day ${day} of ${company.seed}`)
        removals += counts.users.disabled
      })
    }
    assert.ok(removals > (DAYS * COMPANIES * PEOPLE) / 200, `only ${removals} people left in a month`)

    const [unlucky] = fleet.companies
    narrow(fleet, unlucky!)
    assert.equal((await unlucky!.syncOnce()).state, 'held')
  })
})

/** Somebody clicks away the visible range of the app, but for one department. */
function narrow({ control }: Fleet, { corpId, app }: FleetCompany): void {
  const { departments } = control.truth({ corpId })
  const range = { departments: [departments.at(-1)!.id], members: [], tags: [] }
  control.patchApp({ corpId, agentId: app.agentId, patch: { range } })
}
