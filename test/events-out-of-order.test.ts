/**
 * Events that come in any order, twice or not at all (threats.md CB-11 to CB-13): whatever they did to the directory, one
 * full run later it is as WeCom shows it. Companies change while their events are held back, and then all of them come,
 * shuffled, a third of them twice and a third of them never. The seeds are printed; MUSTER_TEST_SEED repeats them, and
 * MUSTER_TEST_SEEDS says how many companies there are on each database. Far more seeds are tried without HTTP beside sync.
 */
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { updateConnection } from '@muster/contracts'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import { extent } from '../server/test-support/extent.ts'
import { createRandom } from '../server/test-support/random.ts'
import { inTurns, startFleet, type Fleet, type FleetCompany } from './fleet.ts'
import { LISTENING, readEvents, tellOfChanges, workedOff } from './listening.ts'

const SEED = Number(process.env.MUSTER_TEST_SEED ?? randomInt(2 ** 31))
const COMPANIES = extent('companies on each database', { everyday: 6, thorough: 12 }, process.env.MUSTER_TEST_SEEDS)
const AT_ONCE = 20
const LOST_PERCENT = 30
const DOUBLED_PERCENT = 30
const SPREAD_MS = 1_000
/** Each touches people who were touched before. */
const DAYS = 3
const TOUCHED_PERCENT = 25

onEitherDatabase(({ dialect, testWithUrl }) => {
  testWithUrl('after events out of order, doubled and lost, one full run makes the directory right', async (url, t) => {
    t.diagnostic(`seeds from ${SEED} (repeat with MUSTER_TEST_SEED=${SEED})`)
    await using fleet = await startFleet(url, {
      seeds: Array.from({ length: COMPANIES }, (_, place) => `${dialect} ${SEED + place}`),
      people: 20,
      departments: 6,
      sync: { users: { onlyHere: 'delete' }, departments: { onlyHere: 'delete' } },
      settings: { MUSTER_WECOM_CALLS_PER_MINUTE: '100000' },
    })
    const { control, companies } = fleet
    await inTurns(companies, AT_ONCE, async (company) => {
      assert.equal((await company.syncOnce()).state, 'succeeded')
      await listen(fleet, company)
    })
    control.changeDeliverySettings({
      seed: String(SEED),
      dropPercent: LOST_PERCENT,
      duplicatePercent: DOUBLED_PERCENT,
      duplicates: 'encrypted-afresh',
      reorderWindowMs: SPREAD_MS,
    })

    for (const [place, company] of companies.entries()) upset(fleet, company, createRandom(SEED + place))
    const { delivered, dropped, failed } = await control.deliveriesSettled()
    const events = (
      await Promise.all(
        companies.map(async (company) => {
          await workedOff(company)
          return readEvents(company)
        }),
      )
    ).flat()
    const ends = Object.groupBy(events, ({ state }) => state)
    t.diagnostic(
      `${delivered} delivered, ${dropped} lost; ` +
        Object.entries(ends)
          .map(([state, some]) => `${some.length} ${state}`)
          .join(', '),
    )
    assert.deepEqual([failed, events.length], [0, delivered])
    assert.ok(dropped > 0)
    // About somebody who was renamed or deleted since there is nothing to say any more.
    const ofNoUse = events.filter(({ state, note }) => state !== 'applied' && note !== 'out-of-scope')
    assert.deepEqual(ofNoUse, [])
    let surelyWrong = 0
    await inTurns(companies, AT_ONCE, async (company) => {
      if ((await company.mistakes()).length > 0) surelyWrong++
      const run = await company.syncOnce()
      assert.deepEqual([company.seed, run.state, await company.mistakes()], [company.seed, 'succeeded', []])
    })
    t.diagnostic(`${surelyWrong} of ${COMPANIES} companies were not right before the full run`)
  })
})

/** From now on its events count, and nothing is held: small companies lose much at once here. */
async function listen({ control, origin }: Fleet, { ask, connection, corpId, seed }: FleetCompany): Promise<void> {
  const sync = { realTime: true, guard: { percent: 100, absolute: 10_000 } }
  await ask(updateConnection, { params: { id: connection }, body: { callback: LISTENING.callback, sync } })
  await tellOfChanges(control, { corpId, origin, connection, form: seed.endsWith('0') ? 'reduced' : 'full' })
}

/** Days of a company at once, so that many events are about the same people. */
function upset({ control }: Fleet, { corpId, seed }: FleetCompany, random: () => number): void {
  control.pauseDeliveries()
  for (let day = 1; day <= DAYS; day++) {
    control.churn({ corpId, percent: TOUCHED_PERCENT, seed: `${seed} ${day}` })
    const { members, departments } = control.truth({ corpId })
    const one = members[Math.floor(random() * members.length)]!
    control.renameMember({ corpId, userid: one.userid, newUserid: `day${day}.${one.userid}`.slice(0, 60) })
    const parentid = departments[Math.floor(random() * departments.length)]!.id
    const { id } = control.addDepartment({ corpId, department: { name: `day ${day}`, parentid } })
    const mover = control.truth({ corpId }).members[Math.floor(random() * members.length)]!
    control.patchMember({ corpId, userid: mover.userid, patch: { department: [id] } })
    if (day > 1) {
      control.patchMember({ corpId, userid: mover.userid, patch: { department: [parentid] } })
      control.removeDepartment({ corpId, id })
    }
  }
  control.resumeDeliveries({ order: 'shuffled' })
}
