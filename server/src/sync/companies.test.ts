import assert from 'node:assert/strict'
import type { Member } from '@muster/wecom'
import { SYSTEM } from '../audit/audit.ts'
import { onEachDatabase } from '../../test-support/databases.ts'
import { createHintedWorld } from '../../test-support/hinted-world.ts'
import type { Company } from '../../test-support/sync-world.ts'

onEachDatabase(({ test }) => {
  test('each company of a connection is read and reported by itself', async (database) => {
    const companies = { wpA: companyOf('a', 3), wpB: companyOf('b', 2) }
    const site = await (await createHintedWorld(database)).newHintedSite(companies)

    const run = await site.fullRun()

    assert.equal(run.state, 'succeeded')
    assert.deepEqual(
      run.corps.map(({ corpId, complete, membersRead, departmentsRead, error }) => [
        corpId,
        complete,
        membersRead,
        departmentsRead,
        error,
      ]),
      [
        ['wpA', true, 3, 2, null],
        ['wpB', true, 2, 2, null],
      ],
    )
    assert.deepEqual([run.counts.membersRead, run.counts.users.created, run.counts.departments.created], [5, 5, 4])
    const again = await site.fullRun()
    assert.deepEqual([again.counts.users.unchanged, again.counts.departments.unchanged], [5, 4])
  })

  test('the same userid in two companies is two people, by runs and by events', async (database) => {
    const companies = { wpA: companyOf('p', 2), wpB: companyOf('p', 1) }
    const site = await (await createHintedWorld(database)).newHintedSite(companies)
    await site.fullRun()
    companies.wpB.members.push(member('p1'))
    await site.hint([{ userid: 'p1' }], 'wpB')

    const links = await database.kysely
      .selectFrom('links')
      .select(['corp_id', 'userid_key', 'user_id'])
      .where('connection_id', '=', site.connectionId)
      .execute()

    assert.equal(links.length, 4)
    assert.equal(new Set(links.map(({ user_id }) => user_id)).size, 4)
    const after = await site.fullRun()
    assert.deepEqual([after.state, after.counts.users.unchanged, after.counts.users.updated], ['succeeded', 4, 0])
  })

  test('a company that cannot be read leaves the others alone, and nobody is removed for it', async (database) => {
    const companies = { wpA: companyOf('a', 3), wpB: companyOf('b', 2) }
    const site = await (await createHintedWorld(database)).newHintedSite(companies, { onlyHereUsers: 'delete' })
    await site.fullRun()
    companies.wpB.members.push(member('b9'))
    site.unreadable.add('wpA')

    const run = await site.fullRun()

    assert.deepEqual(
      [run.state, run.complete, run.counts.users.created, run.counts.users.deleted],
      ['partially_succeeded', false, 1, 0],
    )
    assert.deepEqual(
      run.corps.map(({ corpId, error }) => [corpId, error?.code]),
      [
        ['wpA', 'wecom/busy'],
        ['wpB', undefined],
      ],
    )
    site.unreadable.add('wpB')
    const none = await site.fullRun()
    assert.deepEqual([none.state, none.error?.code, none.corps.length], ['failed', 'wecom/busy', 2])
  })

  test('the guard looks at each company alone, and one approval is for what all of them hold', async (database) => {
    const companies = { wpA: companyOf('a', 40), wpB: companyOf('b', 4) }
    const site = await (
      await createHintedWorld(database)
    ).newHintedSite(companies, {
      onlyHereUsers: 'disable',
      guard: { percent: 20, minimum: 10, absolute: 500 },
    })
    await site.fullRun()
    companies.wpA.members = companies.wpA.members.slice(1)
    companies.wpB.members = companies.wpB.members.slice(3)

    const held = await site.fullRun()

    // Three of 44 would pass; of the four in that company they would not.
    assert.deepEqual([held.state, held.counts.users.disabled, held.counts.users.held], ['held', 1, 3])
    assert.deepEqual(
      held.corps.map(({ isHeld }) => isHeld),
      [false, true],
    )
    assert.match(held.held!.reasons[0]!.detail.en, /^公司 wpB: 3 of 4 people/)
    const approval = await site.approve(held)
    assert.deepEqual([approval.state, approval.counts.users.disabled], ['succeeded', 3])
  })

  test('what was held of a company that has cancelled meanwhile is not approved by the way', async (database) => {
    const companies = { wpA: companyOf('a', 5), wpB: companyOf('b', 20) }
    const world = await createHintedWorld(database)
    const site = await world.newHintedSite(companies, {
      onlyHereUsers: 'disable',
      guard: { percent: 20, minimum: 10, absolute: 500 },
    })
    await site.fullRun()
    companies.wpA.members = companies.wpA.members.slice(0, 1)
    companies.wpB.members = companies.wpB.members.slice(0, 8)
    const held = await site.fullRun()
    assert.deepEqual([held.state, held.counts.users.held], ['held', 16])

    site.cancelled.add('wpA')
    const approval = await site.approve(held)

    assert.deepEqual(
      [approval.state, approval.complete, approval.counts.users.disabled],
      ['partially_succeeded', false, 12],
    )
    assert.deepEqual(
      approval.corps.map(({ name, error }) => [name, error?.code ?? null]),
      [
        ['公司 wpB', null],
        ['公司 wpA', 'connections/corp-not-authorized'],
      ],
    )
    const disabled = Object.entries(await site.statuses()).filter(([, status]) => status === 'disabled')
    assert.ok(disabled.length === 12 && disabled.every(([username]) => username.startsWith('b')))
    assert.equal((await world.runs.load(held.id)).state, 'held', 'what nobody could look at goes on waiting')

    site.cancelled.delete('wpA')
    const again = await site.approve(held)
    assert.deepEqual([again.state, again.counts.users.disabled], ['succeeded', 4])
    assert.equal((await world.runs.load(held.id)).state, 'succeeded')
  })

  test('where all that waits is of companies that have cancelled, approving it is refused', async (database) => {
    const companies = { wpA: companyOf('a', 5), wpB: companyOf('b', 5) }
    const world = await createHintedWorld(database)
    const site = await world.newHintedSite(companies, {
      onlyHereUsers: 'disable',
      guard: { percent: 20, minimum: 10, absolute: 500 },
    })
    await site.fullRun()
    companies.wpA.members = companies.wpA.members.slice(0, 1)
    const held = await site.fullRun()

    site.cancelled.add('wpA')

    await assert.rejects(site.approve(held), { code: 'connections/corp-not-authorized' })
    assert.equal((await world.runs.load(held.id)).state, 'held')
    assert.equal((await site.statuses()).a1, 'active')
    await site.fullRun()
    assert.equal(
      (await world.runs.load(held.id)).state,
      'superseded',
      'and a run that reads everybody else ends the waiting',
    )
  })

  test('events of one company say nothing about another', async (database) => {
    const companies = { wpA: companyOf('a', 2), wpB: companyOf('b', 2) }
    const site = await (await createHintedWorld(database)).newHintedSite(companies, { onlyHereUsers: 'disable' })
    await site.fullRun()
    companies.wpB.members = []

    const [foreign] = await site.hint([{ userid: 'b0', isDelete: true }], 'wpA')
    const [own] = await site.hint([{ userid: 'b0', isDelete: true }], 'wpB')
    const [unknown] = await site.hint([{ userid: 'b0' }], 'wpC')

    assert.deepEqual([foreign!.kind, own!.kind, unknown!.kind], ['applied', 'applied', 'ignored'])
    const statuses = await site.statuses()
    assert.deepEqual([statuses.b0, statuses.b1, statuses.a0], ['disabled', 'active', 'active'])
    const [run] = await site.eventRuns()
    assert.deepEqual(
      run!.corps.map(({ corpId }) => corpId),
      ['wpB'],
    )
  })

  test('whom one company had changed is not left out of the count of another that has the same userids', async (database) => {
    const companies = { wpA: companyOf('p', 3), wpB: companyOf('b', 2), wpC: companyOf('p', 3) }
    const site = await (await createHintedWorld(database)).newHintedSite(companies)
    await site.fullRun()
    companies.wpA.members = companies.wpA.members.map((one) => ({ ...one, position: '经理' }))
    site.unreadable.add('wpB')

    const run = await site.fullRun()

    assert.deepEqual([run.counts.users.updated, run.counts.users.unchanged], [3, 3])
  })

  test('what events of one company have to wait for holds up no other company', async (database) => {
    const companies = { wpA: companyOf('a', 40), wpB: companyOf('b', 40) }
    const site = await (
      await createHintedWorld(database)
    ).newHintedSite(companies, { onlyHereUsers: 'disable', guard: { percent: 20, minimum: 10, absolute: 500 } })
    await site.fullRun()
    companies.wpA.members = companies.wpA.members.slice(20)
    companies.wpB.members = companies.wpB.members.slice(1)

    await site.hint(
      Array.from({ length: 20 }, (_, index) => ({ userid: `a${index}`, isDelete: true })),
      'wpA',
    )
    await site.hint([{ userid: 'b0', isDelete: true }], 'wpB')

    const statuses = await site.statuses()
    assert.deepEqual([statuses.a0, statuses.b0], ['active', 'disabled'])
  })

  test('where events of two companies wait in one run, it says of each what waits and why', async (database) => {
    const companies = { wpA: companyOf('a', 4), wpB: companyOf('b', 8) }
    const site = await (
      await createHintedWorld(database)
    ).newHintedSite(companies, { onlyHereUsers: 'disable', guard: { percent: 20, minimum: 2, absolute: 500 } })
    await site.fullRun()
    companies.wpA.members = companies.wpA.members.slice(3)
    companies.wpB.members = companies.wpB.members.slice(4)
    const told = (prefix: string, from: number, to: number) =>
      Array.from({ length: to - from }, (_, index) => ({ userid: `${prefix}${from + index}`, isDelete: true }))

    await site.hint(told('a', 0, 2), 'wpA')
    await site.hint(told('b', 0, 4), 'wpB')
    await site.hint(told('a', 2, 3), 'wpA')

    const [held, ...others] = await site.eventRuns()
    assert.deepEqual([held!.state, others, held!.held!.counts], ['held', [], { 'user.disable': 7 }])
    assert.deepEqual(
      held!.corps.map(({ corpId, isHeld }) => [corpId, isHeld]),
      [
        ['wpA', true],
        ['wpB', true],
      ],
    )
    assert.deepEqual(held!.held!.reasons.map(({ detail }) => detail.en).toSorted(), [
      '公司 wpA: 3 of 4 people would be removed (75 %).',
      '公司 wpB: 4 of 8 people would be removed (50 %).',
    ])
  })

  test('a run over several companies can be taken back', async (database) => {
    const companies = { wpA: companyOf('a', 3), wpB: companyOf('b', 3) }
    const site = await (await createHintedWorld(database)).newHintedSite(companies, { onlyHereUsers: 'delete' })
    await site.fullRun()
    const before = await site.directory()
    companies.wpA.members = [member('a0', { position: '经理' }), companies.wpA.members[1]!]
    companies.wpB.members = companies.wpB.members.slice(0, 2)
    const run = await site.fullRun()
    assert.deepEqual([run.counts.users.updated, run.counts.users.deleted], [1, 2])

    const { id } = await site.sync.revert(run.id, { mode: 'apply', userId: null, actor: SYSTEM })
    const revert = await site.finished(id)

    assert.deepEqual([revert.state, revert.counts.users.restored, revert.counts.users.failed], ['succeeded', 2, 0])
    assert.deepEqual(await site.directory(), before)
  })
})

function companyOf(prefix: string, people: number): Company {
  return {
    departments: [
      { id: 1, name: `总部 ${prefix}` },
      { id: 2, name: '研发部', parentId: 1 },
    ],
    members: Array.from({ length: people }, (_, index) => member(`${prefix}${index}`)),
  }
}

function member(userid: string, rest: Partial<Member> = {}): Member {
  return { userid, name: `张${userid}`, departments: [{ id: 2, order: 0 }], status: 1, mobile: '', ...rest }
}
