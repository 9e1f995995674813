/** Events in any order, some twice and some never: after one full run the directory is what the company is. */
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import fc from 'fast-check'
import type { Member } from '@muster/wecom'
import { onEachDatabase } from '../../test-support/databases.ts'
import { extent } from '../../test-support/extent.ts'
import { createHintedWorld, type Told } from '../../test-support/hinted-world.ts'
import type { Company } from '../../test-support/sync-world.ts'

const CASES = {
  sqlite: extent('cases on SQLite', { everyday: 50, thorough: 300 }),
  postgres: extent('cases on PostgreSQL', { everyday: 10, thorough: 300 }),
}
const SEED = Number(process.env.MUSTER_TEST_SEED ?? randomInt(2 ** 31))

onEachDatabase(({ dialect, test }) => {
  test(`whatever becomes of the events, a full run makes it right, ${CASES[dialect]} cases`, async (database, t) => {
    t.diagnostic(`seed ${SEED} (repeat with MUSTER_TEST_SEED=${SEED})`)
    const world = await createHintedWorld(database)
    let delivered = 0

    await fc.assert(
      fc.asyncProperty(stories(), async ({ policy, steps, deliveries, batchSizes, duringRun }) => {
        const company = startingCompany()
        const site = await world.newHintedSite({ ww1: company }, policy)
        await site.fullRun()
        const events = steps.flatMap((step, index) => happen(company, step, index))
        const told = deliver(events, deliveries)
        delivered += told.length
        const cut = Math.floor(told.length * duringRun)

        for (const batch of batches(told.slice(cut), batchSizes)) await tell(site, batch)
        // The rest while a run is reading, so that both write.
        const waiting = batches(told.slice(0, cut), batchSizes)
        site.whenAsked.push(async ({ api }) => {
          const batch = api === 'members.list' ? waiting.shift() : undefined
          if (batch !== undefined) await tell(site, batch)
        })
        await site.fullRun()
        site.whenAsked.length = 0

        const last = await site.fullRun()
        if (last.state === 'held') await site.approve(last)
        const twin = await world.newSite(policy)
        await twin.run(company)
        const shown = await site.directory()
        const wanted = await twin.directory()
        if (policy.onlyHereUsers !== 'delete') dropAbsent(shown.users, wanted.users)
        assert.deepEqual(shown, wanted)

        const again = await site.fullRun()
        assert.deepEqual([again.state, again.counts.users.unchanged], ['succeeded', company.members.length])
      }),
      { numRuns: CASES[dialect], seed: SEED },
    )
    t.diagnostic(`${delivered} events`)
  })
})

type Site = Awaited<ReturnType<Awaited<ReturnType<typeof createHintedWorld>>['newHintedSite']>>

/** As the worker does: whatever is to be given later is given again. */
async function tell(site: Site, batch: readonly Told[]): Promise<void> {
  let open = [...batch]
  for (let attempt = 1; open.length > 0 && attempt <= 3; attempt++) {
    const outcomes = await site.hint(open.map((told) => ({ ...told, attempt })))
    for (const outcome of outcomes) assert.notEqual(outcome.kind, 'failed')
    open = open.filter((_, index) => outcomes[index]!.kind === 'later')
  }
}

/** Of one object the newest says all, as events are put together; here whichever comes last. */
function batches(told: readonly Told[], sizes: readonly number[]): Told[][] {
  const all: Told[][] = []
  for (let from = 0, turn = 0; from < told.length; turn++) {
    const size = sizes[turn % sizes.length]!
    const once = new Map<string, Told>()
    for (const one of told.slice(from, from + size))
      once.set('department' in one ? `d${one.department}` : `u${one.userid}`, one)
    all.push([...once.values()])
    from += size
  }
  return all
}

// ---- What happens in the company ----------------------------------------------------------------------------------------

type Step =
  | { kind: 'join' | 'leave' | 'retitle' | 'move' | 'rename' | 'disable'; who: number; where: number }
  | { kind: 'newDepartment' | 'moveDepartment' | 'renameDepartment' | 'dropDepartment'; where: number; who: number }

function startingCompany(): Company {
  return {
    departments: [
      { id: 1, name: '总部', order: 0 },
      { id: 2, name: '研发', parentId: 1, order: 0 },
      { id: 3, name: '销售', parentId: 1, order: 0 },
    ],
    members: Array.from({ length: 6 }, (_, index) => person(`p${index}`, 1 + (index % 3))),
  }
}

/** Userids and department ids are new every time: a userid that somebody else gets is another story. */
function happen(company: Company, { kind, who, where }: Step, index: number): Told[] {
  const { members, departments } = company
  const at = members.length === 0 ? -1 : who % members.length
  const one = members[at]
  const department = departments[where % departments.length]!
  const replace = (rest: Partial<Member>) => void (members[at] = { ...one!, ...rest })
  switch (kind) {
    case 'join':
      members.push(person(`n${index}`, department.id))
      return [{ userid: `n${index}` }]
    case 'newDepartment': {
      const id = 100 + index
      departments.push({ id, name: `部门 ${id}`, parentId: department.id, order: 0 })
      return [{ department: id }]
    }
    case 'moveDepartment':
    case 'renameDepartment': {
      if (department.id === 1) return []
      const place = departments.indexOf(department)
      const parentId = kind === 'moveDepartment' ? 1 : department.parentId
      departments[place] = { ...department, name: `${department.name}'`, parentId }
      return [{ department: department.id }]
    }
    case 'dropDepartment': {
      const isUsed =
        department.id === 1 ||
        departments.some(({ parentId }) => parentId === department.id) ||
        members.some((member) => member.departments?.some(({ id }) => id === department.id))
      if (isUsed) return []
      departments.splice(departments.indexOf(department), 1)
      return [{ department: department.id, isDelete: true }]
    }
    default:
  }
  if (one === undefined) return []
  switch (kind) {
    case 'leave':
      members.splice(at, 1)
      return [{ userid: one.userid, isDelete: true }]
    case 'retitle':
      replace({ position: `职位 ${index}` })
      break
    case 'move':
      replace({ departments: [{ id: department.id, order: index, isLeader: false }], mainDepartment: department.id })
      break
    case 'disable':
      replace({ status: one.status === 1 ? 2 : 1 })
      break
    case 'rename': {
      const newUserid = `${one.userid.split('-')[0]}-${index}`
      replace({ userid: newUserid })
      return [{ userid: one.userid, newUserid }]
    }
    default:
  }
  return [{ userid: one.userid }]
}

function person(userid: string, department: number): Member {
  const number = Array.from(userid).reduce((sum, char) => sum * 31 + char.charCodeAt(0), 7) % 100_000_000
  return {
    userid,
    name: `张${userid}`,
    departments: [{ id: department, order: 0, isLeader: false }],
    mainDepartment: department,
    status: 1,
    mobile: `138${String(number).padStart(8, '0')}`,
    bizMail: `${userid}@corp.example`,
    position: '工程师',
    gender: 'male',
    directLeaders: [],
  }
}

function dropAbsent(shown: Record<string, unknown>, wanted: Record<string, unknown>): void {
  for (const key of Object.keys(shown)) if (!(key in wanted)) delete shown[key]
}

// ---- What becomes of the events -----------------------------------------------------------------------------------------

interface Delivery {
  readonly isLost: boolean
  readonly times: number
  readonly place: number
}

function deliver(events: readonly Told[], deliveries: readonly Delivery[]): Told[] {
  return events
    .flatMap((event, index) => {
      const { isLost, times, place } = deliveries[index % deliveries.length]!
      return isLost ? [] : Array.from({ length: times }, (_, copy) => ({ event, place: place + copy * 0.37 }))
    })
    .sort((a, b) => (a.place % 1) - (b.place % 1))
    .map(({ event }) => event)
}

function stories() {
  const step = fc.record({
    kind: fc.constantFrom(
      'join',
      'leave',
      'retitle',
      'move',
      'rename',
      'disable',
      'newDepartment',
      'moveDepartment',
      'renameDepartment',
      'dropDepartment',
    ),
    who: fc.nat(20),
    where: fc.nat(20),
  }) as fc.Arbitrary<Step>
  return fc.record({
    policy: fc.record({
      onlyHereUsers: fc.constantFrom('ignore', 'disable', 'delete'),
      onlyHereDepartments: fc.constant('delete' as const),
    }),
    steps: fc.array(step, { minLength: 1, maxLength: 14 }),
    deliveries: fc.array(
      fc.record({
        isLost: fc.integer({ min: 0, max: 9 }).map((chance) => chance < 3),
        times: fc.constantFrom(1, 1, 2, 3),
        place: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
      { minLength: 5, maxLength: 14 },
    ),
    batchSizes: fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 3 }),
    duringRun: fc.constantFrom(0, 0.3, 0.6),
  })
}
