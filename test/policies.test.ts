/**
 * Every combination of the difference policies (product.md §4.3), through the API: what happens to people and departments
 * that are only here or only in WeCom, and that no policy touches what is not WeCom's.
 */
import assert from 'node:assert/strict'
import {
  createAdministrator,
  createDepartment,
  createUser,
  getUser,
  updateConnection,
  type Run,
  type User,
} from '@muster/contracts'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import { fold } from './directory.ts'
import { inTurns, startFleet, type Fleet, type FleetCompany } from './fleet.ts'

const POLICIES = (['ignore', 'disable', 'delete'] as const).flatMap((usersOnlyHere) =>
  (['create', 'ignore'] as const).flatMap((usersOnlyWecom) =>
    (['ignore', 'delete'] as const).flatMap((departmentsOnlyHere) =>
      (['create', 'ignore'] as const).map((departmentsOnlyWecom) => ({
        usersOnlyHere,
        usersOnlyWecom,
        departmentsOnlyHere,
        departmentsOnlyWecom,
      })),
    ),
  ),
)

type Policy = (typeof POLICIES)[number]

const AT_ONCE = 6

onEitherDatabase(({ testWithUrl }) => {
  testWithUrl(`each of the ${POLICIES.length} policies does what it says, and the next run nothing`, async (url) => {
    await using fleet = await startFleet(url, {
      seeds: POLICIES.map((policy) => Object.values(policy).join(' ')),
      people: 24,
      departments: 8,
    })
    const cases = fleet.companies.map((company, place) => ({ company, policy: POLICIES[place]! }))

    await inTurns(cases, AT_ONCE, async ({ company, policy }) => {
      const { usersOnlyHere, usersOnlyWecom, departmentsOnlyHere, departmentsOnlyWecom } = policy
      assert.equal((await company.syncOnce()).state, 'succeeded', company.seed)
      const ours = await makeOurs(company)
      const differences = await makeDifferences(fleet, company, ours)
      const sync = {
        users: { onlyHere: usersOnlyHere, onlyWecom: usersOnlyWecom },
        departments: { onlyHere: departmentsOnlyHere, onlyWecom: departmentsOnlyWecom },
      }
      await company.ask(updateConnection, { params: { id: company.connection }, body: { sync } })

      const run = await company.syncOnce()

      await assertOutcome(company, policy, ours, differences, run)
      const again = await company.syncOnce()
      assert.deepEqual(changesOf(again), [], `${company.seed}: the second run`)
    })
  })
})

interface Ours {
  readonly builtIn: User
  readonly manualDepartmentId: string
  /** A member whom an administrator put into the manual department as well. */
  readonly placedByHand: User
  /** A member who is an administrator here. */
  readonly administrator: User
}

async function makeOurs(company: FleetCompany): Promise<Ours> {
  const { ask, organizationId } = company
  const department = await ask(createDepartment, { body: { organizationId, name: '项目组' } })
  const departments = [{ departmentId: department.id }]
  const builtIn = await ask(createUser, {
    body: { organizationId, username: 'breakglass', displayName: 'Emergency access', departments, breakGlass: true },
  })
  const { users } = await company.directory()
  const [placed, administrator] = users.filter(({ status, links }) => status === 'active' && links.length > 0)
  assert.ok(placed && administrator)
  await ask(createAdministrator, { body: { userId: administrator.id, role: 'operator' } })
  return { builtIn, manualDepartmentId: department.id, placedByHand: placed, administrator }
}

interface Differences {
  /** Active here, and gone from WeCom. */
  readonly leaver: User
  readonly joiner: string
  /** WeCom ids. */
  readonly goneDepartment: number
  readonly newDepartment: number
}

/** The administrator and the one placed by hand leave, too. */
async function makeDifferences({ control }: Fleet, company: FleetCompany, ours: Ours): Promise<Differences> {
  const { corpId } = company
  const { users } = await company.directory()
  const taken = new Set([ours.placedByHand.id, ours.administrator.id])
  const leaver = users.find(({ id, status, links }) => status === 'active' && links.length > 0 && !taken.has(id))!
  const userids = [leaver, ours.administrator].map(({ links }) => links[0]!.userid)
  control.removeMembers({ corpId, userids })

  const { departments } = control.truth(company)
  const parents = new Set(departments.map(({ parentid }) => parentid))
  const gone = departments.find(({ id, parentid }) => parentid !== 0 && !parents.has(id))!
  control.removeDepartment({ corpId, id: gone.id, unchecked: true })
  // Whoever was in it is where WeCom would have moved them before it let the department go.
  for (const { userid, department } of control.truth(company).members) {
    if (!department.includes(gone.id)) continue
    const patch = { department: [1], order: [0], is_leader_in_dept: [0], main_department: 1 }
    control.patchMember({ corpId, userid, patch })
  }
  const added = control.addDepartment({ corpId, department: { name: '新部门', parentid: 1 } })
  const joiner = 'joiner'
  const member = { userid: joiner, name: '新人', department: [added.id], order: [0], is_leader_in_dept: [0] }
  control.addMember({ corpId, member: { ...member, main_department: added.id, mobile: '13900000000' } })
  return { leaver, joiner, goneDepartment: gone.id, newDepartment: added.id }
}

async function assertOutcome(
  company: FleetCompany,
  policy: Policy,
  ours: Ours,
  { leaver, joiner, goneDepartment, newDepartment }: Differences,
  run: Run,
): Promise<void> {
  const { users, departments } = await company.directory()
  const byUserid = new Map(users.flatMap((user) => user.links.map(({ userid }) => [fold(userid), user] as const)))
  const isHere = (wecomId: number) => departments.some(({ externalId }) => externalId === String(wecomId))

  const left = { ignore: 'active', disable: 'disabled', delete: 'deleted' }[policy.usersOnlyHere]
  const { status, disabledBy } = await company.ask(getUser, { params: { id: leaver.id } })
  assert.deepEqual([status, disabledBy], [left, left === 'disabled' ? 'source' : null], `${company.seed}: the leaver`)

  // Created disabled: who has just been added has not signed in to WeCom yet.
  const joined = policy.usersOnlyWecom === 'create' ? 'disabled' : undefined
  assert.equal(byUserid.get(joiner)?.status, joined, `${company.seed}: the joiner`)
  assert.equal(isHere(goneDepartment), policy.departmentsOnlyHere === 'ignore', `${company.seed}: the gone department`)
  assert.equal(isHere(newDepartment), policy.departmentsOnlyWecom === 'create', `${company.seed}: the new department`)

  const administrator = users.find(({ id }) => id === ours.administrator.id)
  assert.deepEqual(
    [administrator?.status, administrator?.role],
    ['active', 'operator'],
    `${company.seed}: administrator`,
  )
  assert.deepEqual(
    users.find(({ id }) => id === ours.builtIn.id),
    ours.builtIn,
    `${company.seed}: the built-in user`,
  )
  assert.ok(
    departments.some(({ id }) => id === ours.manualDepartmentId),
    `${company.seed}: the manual department`,
  )

  const { users: counts } = run.counts
  const removed = policy.usersOnlyHere === 'ignore' ? 0 : 1
  assert.deepEqual([counts.disabled + counts.deleted, counts.held, counts.failed], [removed, 0, 0], company.seed)
  assert.equal(run.state, 'succeeded', company.seed)
}

/** What a run says it did, other than finding things as they are. */
function changesOf({ counts }: Run): string[] {
  return Object.entries(counts).flatMap(([entity, group]) =>
    typeof group === 'number'
      ? []
      : Object.entries(group)
          .filter(([name, count]) => count !== 0 && name !== 'unchanged' && name !== 'skipped')
          .map(([name, count]) => `${entity}.${name}: ${count}`),
  )
}
