import assert from 'node:assert/strict'
import type { Member } from '@muster/wecom'
import { SYSTEM } from '../audit/audit.ts'
import { createSessions } from '../sessions/sessions.ts'
import { onEachDatabase } from '../../test-support/databases.ts'
import { insertRows, type Transaction } from '../database/database.ts'
import { inTurn } from './claims.ts'
import { createHintedWorld } from '../../test-support/hinted-world.ts'
import type { Company } from '../../test-support/sync-world.ts'

const NO_FIELDS = {
  before_fields: null,
  after_fields: null,
  inverse: null,
  reason: null,
  error: null,
  review_id: null,
}

const PEOPLE = ['li', 'wang', 'zhao', 'sun', 'zhou', 'wu', 'zheng', 'feng', 'chen', 'wei']

onEachDatabase(({ test }) => {
  test('who joins, changes and moves is as WeCom shows them, for the calls that it takes', async (database) => {
    const company = companyOf(['li', 'wang'])
    const site = await (await createHintedWorld(database)).newHintedSite({ ww1: company })
    await site.fullRun()
    site.asked.length = 0

    company.members.push(member('zhao'))
    company.members[0] = member('li', { position: '经理', departments: [{ id: 2 }] })
    const outcomes = await site.hint([{ userid: 'zhao' }, { userid: 'LI' }, { userid: 'wang' }])

    const [run] = await site.eventRuns()
    assert.deepEqual(
      outcomes.map(({ kind, ...rest }) => [kind, 'runId' in rest ? rest.runId : undefined]),
      [
        ['applied', run!.id],
        ['applied', run!.id],
        ['applied', null],
      ],
    )
    assert.deepEqual([run!.state, run!.counts.users.created, run!.counts.users.updated], ['succeeded', 1, 1])
    const { users } = await site.directory()
    assert.deepEqual(Object.keys(users).sort(), ['li', 'wang', 'zhao'])
    assert.equal(users.li!.title, '经理')
    assert.deepEqual(site.asked.map(({ api, about }) => `${api} ${about}`).sort(), [
      'members.get li',
      'members.get wang',
      'members.get zhao',
    ])
    const after = await site.fullRun()
    assert.deepEqual([after.state, after.counts.users.unchanged], ['succeeded', 3])
  })

  test('an event that changes nothing leaves no run', async (database) => {
    const site = await (await createHintedWorld(database)).newHintedSite({ ww1: companyOf(['li']) })
    await site.fullRun()

    const outcomes = await site.hint([{ userid: 'li' }, { userid: 'nobody' }, { department: 2 }])

    assert.deepEqual(
      outcomes.map((outcome) => [outcome.kind, 'note' in outcome ? outcome.note : undefined]),
      [
        ['applied', undefined],
        ['ignored', 'out-of-scope'],
        ['applied', undefined],
      ],
    )
    assert.deepEqual(await site.eventRuns(), [])
  })

  test('nobody is removed without both a delete event and an answer that they are gone', async (database) => {
    const company = companyOf(PEOPLE)
    const site = await (await createHintedWorld(database)).newHintedSite({ ww1: company }, { onlyHereUsers: 'disable' })
    await site.fullRun()
    company.members = company.members.filter(({ userid }) => userid !== 'li' && userid !== 'wang')

    const outcomes = await site.hint([
      { userid: 'li' },
      { userid: 'wang', isDelete: true },
      { userid: 'zhao', isDelete: true },
    ])

    const statuses = await site.statuses()
    assert.deepEqual([statuses.li, statuses.wang, statuses.zhao], ['active', 'disabled', 'active'])
    assert.deepEqual(
      outcomes.map(({ kind }) => kind),
      ['ignored', 'applied', 'later'],
      'WeCom may show somebody a moment longer than it says',
    )
  })

  test('a department that is new, moves or is deleted is read with the list', async (database) => {
    const company = companyOf(['li'])
    const site = await (
      await createHintedWorld(database)
    ).newHintedSite({ ww1: company }, { onlyHereDepartments: 'delete' })
    company.departments.push({ id: 4, name: '旧部门', parentId: 1 })
    await site.fullRun()

    company.departments = [
      { id: 1, name: '总部' },
      { id: 2, name: '研发中心', parentId: 3 },
      { id: 3, name: '新事业部', parentId: 1 },
    ]
    company.members[0] = member('li', { departments: [{ id: 3 }] })
    const outcomes = await site.hint([
      { userid: 'li' },
      { department: 3 },
      { department: 2 },
      { department: 4, isDelete: true },
    ])

    assert.deepEqual(
      outcomes.map(({ kind }) => kind),
      ['applied', 'applied', 'applied', 'applied'],
    )
    assert.deepEqual((await site.directory()).departments, {
      1: ['总部', null],
      2: ['研发中心', '3'],
      3: ['新事业部', '1'],
    })
    assert.deepEqual((await site.directory()).users.li!.departments, [[3, 0, false, false]])
    assert.equal(site.asked.filter(({ api }) => api === 'departments.list').length, 2)
  })

  test('somebody in a department that nobody here knows brings it along', async (database) => {
    const company = companyOf(['li'])
    const site = await (await createHintedWorld(database)).newHintedSite({ ww1: company })
    await site.fullRun()
    company.departments.push({ id: 9, name: '新部门', parentId: 2 })
    company.members[0] = member('li', { departments: [{ id: 9 }] })

    await site.hint([{ userid: 'li' }])

    assert.deepEqual((await site.directory()).departments[9], ['新部门', '2'])
    assert.deepEqual((await site.directory()).users.li!.departments, [[9, 0, false, false]])
  })

  test('a renamed userid keeps its user, in whatever order a chain of renames comes', async (database) => {
    const company = companyOf(['li', 'wang'])
    const site = await (await createHintedWorld(database)).newHintedSite({ ww1: company }, { onlyHereUsers: 'delete' })
    await site.fullRun()
    const li = await site.ownerOf('li')
    const wang = await site.ownerOf('wang')
    company.members[0] = { ...company.members[0]!, userid: 'li3', mobile: '' }
    company.members[1] = { ...company.members[1]!, userid: 'wang2', mobile: '' }

    // The second rename of li comes before the first one; WeCom shows neither number nor address to recognise them by.
    const first = await site.hint([
      { userid: 'li2', newUserid: 'li3' },
      { userid: 'wang', newUserid: 'wang2' },
    ])
    const second = await site.hint([{ userid: 'li', newUserid: 'li2' }])
    const third = await site.hint([{ userid: 'li2', newUserid: 'li3', attempt: 2 }])

    assert.deepEqual(
      first.map((outcome) => [outcome.kind, 'afterMs' in outcome && outcome.afterMs]),
      [
        ['later', 5_000],
        ['applied', false],
      ],
    )
    assert.deepEqual([second[0]!.kind, third[0]!.kind], ['ignored', 'applied'])
    assert.deepEqual([await site.ownerOf('li3'), await site.ownerOf('wang2')], [li, wang])
    assert.equal((await site.all()).length, 2)
    const aliases = await database.kysely
      .selectFrom('link_aliases')
      .select(['alias_key', 'kind'])
      .orderBy('alias_key')
      .execute()
    assert.deepEqual(
      aliases.map(({ alias_key, kind }) => `${kind} ${alias_key}`),
      ['userid li', 'userid li2', 'userid wang'],
    )
    const after = await site.fullRun()
    assert.deepEqual([after.counts.users.unchanged, after.counts.users.deleted], [2, 0])
  })

  test('a rename of somebody whom nobody here knew is a new person, the second time', async (database) => {
    const company = companyOf(['li'])
    const site = await (await createHintedWorld(database)).newHintedSite({ ww1: company })
    await site.fullRun()
    company.members.push(member('zhao2'))

    const first = await site.hint([{ userid: 'zhao', newUserid: 'zhao2' }])
    assert.deepEqual([first[0]!.kind, await site.ownerOf('zhao2')], ['later', undefined])
    const second = await site.hint([{ userid: 'zhao', newUserid: 'zhao2', attempt: 2 }])

    assert.equal(second[0]!.kind, 'applied')
    assert.notEqual(await site.ownerOf('zhao2'), undefined)
  })

  test('L-16: a userid that was deleted and is somebody else’s at once inherits nothing, however soon the events are read', async (database) => {
    const company = companyOf(['li', 'wang', 'zhao'])
    const site = await (await createHintedWorld(database)).newHintedSite({ ww1: company }, { onlyHereUsers: 'disable' })
    await site.fullRun()
    company.members[0] = member('li', { name: '王五' })
    company.members[1] = member('wang', { position: '经理' })

    // The deletion and what made the userid anew were read together.
    const outcomes = await site.hint([
      { userid: 'li', isDelete: true },
      { userid: 'wang', isDelete: true },
    ])

    const { users } = await site.directory()
    assert.equal(users.li!.name, '张li')
    assert.deepEqual(
      (await site.reviews('open')).map(({ userid, reason }) => `${userid} ${reason}`),
      ['li reused'],
    )
    assert.equal(users.wang!.title, '经理', 'who came back as who they were goes on')
    assert.deepEqual(
      outcomes.map(({ kind }) => kind),
      ['later', 'applied'],
    )
  })

  test('L-16: once WeCom shows somebody else under a userid, by an event or in a run, what came in through it is over', async (database) => {
    const company = companyOf(['li', 'wang', 'zhao'])
    company.members = company.members.map((one, index) => ({ ...one, mobile: `1380000000${index}` }))
    const world = await createHintedWorld(database)
    const site = await world.newHintedSite({ ww1: company })
    await site.fullRun()
    await database.kysely.updateTable('connections').set({ sign_in_enabled: 1, sign_in: '{"enabled":true}' }).execute()
    const sessions = createSessions({ ...world.parts, publicUrl: 'https://muster.example.com' })
    const cookies = new Map<string, string>()
    for (const userid of ['li', 'wang', 'zhao']) {
      const { id: linkId, user_id: userId } = (await site.linkOf(userid))!
      const through = { connectionId: site.connectionId, corpId: 'ww1', linkId, door: 'qr' } as const
      const nowhere = { applicationId: null, address: null, userAgent: null }
      const begun = await database.inTransaction((tx) => sessions.begin(tx, { userId, ...through, ...nowhere }))
      cookies.set(userid, begun.cookie)
    }
    const areIn = async () =>
      Promise.all([...cookies.values()].map(async (one) => (await sessions.find(one)) !== undefined))
    assert.deepEqual(await areIn(), [true, true, true])

    company.members[0] = member('li', { name: '王五', mobile: '13900000001' })
    await site.hint([{ userid: 'li' }])
    const afterEvent = await areIn()
    company.members[1] = member('wang', { name: '赵六', mobile: '13900000002' })
    await site.fullRun()

    assert.deepEqual(
      [afterEvent, await areIn()],
      [
        [false, true, true],
        [false, false, true],
      ],
    )
    assert.deepEqual((await site.reviews('open')).map(({ userid, reason }) => `${userid} ${reason}`).sort(), [
      'li reused',
      'wang reused',
    ])
  })

  test('a name that somebody had long ago leads nobody to their account', async (database) => {
    const company = companyOf(['li', 'wang'])
    const world = await createHintedWorld(database)
    const site = await world.newHintedSite({ ww1: company })
    await site.fullRun()
    const li = await site.ownerOf('li')
    company.members[0] = { ...company.members[0]!, userid: 'li2' }
    await site.hint([{ userid: 'li', newUserid: 'li2' }])
    assert.equal(await site.ownerOf('li2'), li)
    world.letDaysPass(40)

    // Li left, the policy keeps the account. A colleague was given the name, and another one before anybody here knew them.
    company.members[0] = { userid: 'newcomer', departments: [{ id: 1, order: 0 }], status: 1 }
    const told = { userid: 'li', newUserid: 'newcomer' }
    await site.hint([told])
    await site.hint([{ ...told, attempt: 2 }])

    assert.notEqual(await site.ownerOf('newcomer'), li)
    assert.equal(await site.ownerOf('li2'), li)
  })

  test('a rename does not move an administrator, nor somebody who looks like another person', async (database) => {
    const company = companyOf(['li'])
    company.members.push(member('wang', { mobile: '13900000001' }))
    const site = await (await createHintedWorld(database)).newHintedSite({ ww1: company })
    await site.fullRun()
    await site.promote('li')
    company.members[0] = { ...company.members[0]!, userid: 'li2' }
    company.members[1] = member('wang2', { name: '别人', mobile: '13900000099' })

    await site.hint([
      { userid: 'li', newUserid: 'li2' },
      { userid: 'wang', newUserid: 'wang2' },
    ])

    assert.deepEqual(Object.keys(await site.links()).sort(), ['li', 'wang'])
    assert.deepEqual((await site.reviews('open')).map(({ userid, reason }) => `${userid} ${reason}`).sort(), [
      'li2 privileged',
      'wang2 conflict',
    ])
  })

  test('mass deletion by events is held in one run, and approving it removes exactly who is still gone', async (database) => {
    const company = companyOf(Array.from({ length: 40 }, (_, index) => `p${index}`))
    const world = await createHintedWorld(database)
    const site = await world.newHintedSite(
      { ww1: company },
      { onlyHereUsers: 'disable', guard: { percent: 20, minimum: 10, absolute: 500 } },
    )
    await site.fullRun()
    const everybody = company.members
    company.members = everybody.slice(30)

    // One at a time, as an attacker would who knows that a share is allowed; then many at once; then the same once more.
    const told = (index: number) => ({ userid: `p${index}`, isDelete: true })
    for (let index = 0; index < 12; index++) await site.hint([told(index)])
    const many = await site.hint(Array.from({ length: 18 }, (_, index) => told(12 + index)))
    await site.hint(Array.from({ length: 30 }, (_, index) => told(index)))

    const held = (await site.eventRuns()).filter(({ state }) => state === 'held')
    assert.equal(held.length, 1)
    const disabled = Object.values(await site.statuses()).filter((status) => status === 'disabled').length
    assert.equal(disabled, 9)
    assert.deepEqual([held[0]!.counts.users.held, held[0]!.held!.counts], [21, { 'user.disable': 21 }])
    assert.ok(many.every((outcome) => outcome.kind === 'applied' && outcome.runId === held[0]!.id))
    assert.match(
      held[0]!.held!.reasons[0]!.detail.en,
      /^21 of 40 people would be removed, after 9 in the last 24 hours/,
    )
    assert.deepEqual((await world.runs.statusOf(site.connectionId)).isHeldByEvents, true)

    // p20 is back: nobody removes what was shown yesterday and is wrong today.
    company.members = [...company.members, everybody[20]!]
    const approval = await site.approve(held[0]!)

    assert.deepEqual([approval.counts.users.disabled, (await site.statuses()).p20], [20, 'active'])
    assert.deepEqual((await world.runs.statusOf(site.connectionId)).isHeldByEvents, false)
  })

  test('an approval names exactly what was shown, although events go on adding to it', async (database) => {
    const company = companyOf(PEOPLE)
    const site = await (
      await createHintedWorld(database)
    ).newHintedSite({ ww1: company }, { onlyHereUsers: 'disable', guard: { percent: 1, minimum: 1, absolute: 500 } })
    await site.fullRun()
    company.members = company.members.slice(2)
    await site.hint([{ userid: 'li', isDelete: true }])
    const [shown] = await site.eventRuns()
    await site.hint([{ userid: 'wang', isDelete: true }])

    await assert.rejects(site.approve(shown!), { code: 'sync/plan-changed' })
    const [now] = await site.eventRuns()
    const approval = await site.approve(now!)

    assert.equal(now!.id, shown!.id)
    assert.equal(approval.counts.users.disabled, 2)
  })

  test('a full run and events that begin removing at the same time remove no more than one of them may', async (database) => {
    const company = companyOf(Array.from({ length: 40 }, (_, index) => `p${index}`))
    const everybody = company.members
    const site = await (
      await createHintedWorld(database)
    ).newHintedSite({ ww1: company }, { onlyHereUsers: 'disable', guard: { percent: 20, minimum: 10, absolute: 500 } })
    await site.fullRun()
    // Nine are below the limit, and the events are about one of them and eight others.
    company.members = everybody.slice(9)
    let told: Awaited<ReturnType<typeof site.hint>> | undefined
    site.whenAsked.push(async ({ api }) => {
      if (api !== 'members.get' || told !== undefined) return
      told = []
      // The run has been allowed its nine, and removed none of them yet.
      company.members = everybody.slice(17)
      told = await site.hint(Array.from({ length: 9 }, (_, index) => ({ userid: `p${8 + index}`, isDelete: true })))
    })

    const run = await site.fullRun()

    const [held] = await site.eventRuns()
    const disabled = Object.values(await site.statuses()).filter((status) => status === 'disabled').length
    // Whom WeCom was asked about by name meanwhile waits with the others.
    assert.deepEqual([run.counts.users.disabled, disabled], [8, 8])
    assert.deepEqual([held!.state, held!.counts.users.held, held!.counts.users.disabled], ['held', 9, 0])
    assert.match(held!.held!.reasons[0]!.detail.en, /^17 of 40 people would be removed \(/)
    assert.ok(told!.every((outcome) => outcome.kind === 'applied' && outcome.runId === held!.id))
    assert.deepEqual(await database.kysely.selectFrom('runs').select('id').where('state', '=', 'running').execute(), [])
  })

  test('what a run of events was allowed counts for a full run as long as it is under way', async (database) => {
    const company = companyOf(Array.from({ length: 40 }, (_, index) => `p${index}`))
    const world = await createHintedWorld(database)
    const site = await world.newHintedSite(
      { ww1: company },
      { onlyHereUsers: 'disable', guard: { percent: 20, minimum: 10, absolute: 500 } },
    )
    await site.fullRun()
    const { connectionId, organizationId } = site
    const begun = { connectionId, organizationId, mode: 'apply', trigger: 'event', requestedBy: null } as const
    const id = await database.inTransaction((tx) =>
      world.runs.begin(tx, { ...begun, originRunId: null, startedAt: 0, warnings: [] }),
    )
    const fence = (tx: Transaction) => world.runs.update(tx, id, {})
    const claimant = { run: { ...begun, id }, corpId: null, fence }
    const allowed = Array.from({ length: 5 }, (_, index) => `user disable usr_${index}`)
    await inTurn(world.parts, claimant)(async () => ({ verdict: { users: [], departments: [] }, allowed }))

    company.members = company.members.slice(5)
    const during = await site.fullRun()
    await world.runs.cancel(database, id, 0)
    const after = await site.fullRun()

    assert.deepEqual([during.state, during.counts.users.held, during.counts.users.disabled], ['held', 5, 0])
    assert.deepEqual([after.state, after.counts.users.disabled], ['succeeded', 5])
    const claims = await database.kysely.selectFrom('removal_claims').select('run_id').execute()
    const runIds = claims.map(({ run_id }) => run_id)
    assert.deepEqual(runIds, [after.id], 'what is over is forgotten when somebody claims again')
  })

  test('what an event said while a full run was reading is not undone by what the run had read before', async (database) => {
    const company = companyOf(['li', 'wang', 'zhao', 'sun'])
    const site = await (await createHintedWorld(database)).newHintedSite({ ww1: company }, { onlyHereUsers: 'disable' })
    await site.fullRun()
    company.members = company.members.map((one) => ({ ...one, position: '旧' }))
    let isDone = false
    site.whenAsked.push(async ({ api }) => {
      if (api !== 'members.list' || isDone) return
      isDone = true
      // The answer of this list was made already.
      company.members = [{ ...company.members[0]!, position: '新' }, ...company.members.slice(2), member('chen')]
      const outcomes = await site.hint([{ userid: 'li' }, { userid: 'wang', isDelete: true }, { userid: 'chen' }])
      assert.deepEqual(
        outcomes.map(({ kind }) => kind),
        ['applied', 'applied', 'applied'],
      )
    })

    const run = await site.fullRun()

    assert.ok(isDone)
    const { users } = await site.directory()
    assert.deepEqual([users.li!.title, users.zhao!.title, users.wang!.isActive], ['新', '旧', false])
    assert.notEqual(users.chen, undefined)
    assert.equal(run.state, 'succeeded')
    const after = await site.fullRun()
    assert.deepEqual([after.counts.users.updated, after.counts.users.enabled], [0, 0])
    assert.equal((await site.directory()).users.li!.title, '新')
  })

  test('a newcomer who left while a full run was reading is looked at again after it', async (database) => {
    const company = companyOf(['li', 'wang'])
    const site = await (await createHintedWorld(database)).newHintedSite({ ww1: company }, { onlyHereUsers: 'disable' })
    await site.fullRun()
    company.members.push(member('zhao'))
    let during: Awaited<ReturnType<typeof site.hint>> = []
    site.whenAsked.push(async ({ api }) => {
      if (api !== 'members.list' || during.length > 0) return
      company.members.pop()
      during = await site.hint([{ userid: 'zhao', isDelete: true }])
    })

    await site.fullRun()
    const before = (await site.statuses()).zhao
    const after = await site.hint([{ userid: 'zhao', isDelete: true, attempt: 2 }])

    assert.deepEqual([during[0]!.kind, before, after[0]!.kind], ['later', 'active', 'applied'])
    assert.equal((await site.statuses()).zhao, 'disabled')
  })

  test('a department that an event made while a full run was reading survives the run', async (database) => {
    const company = companyOf(['li'])
    const site = await (
      await createHintedWorld(database)
    ).newHintedSite({ ww1: company }, { onlyHereDepartments: 'delete' })
    await site.fullRun()
    let isDone = false
    site.whenAsked.push(async ({ api }) => {
      if (api !== 'departments.list' || isDone) return
      isDone = true
      company.departments = [...company.departments, { id: 5, name: '新部门', parentId: 1 }]
      company.departments[1] = { id: 2, name: '新名称', parentId: 1 }
      await site.hint([{ department: 5 }, { department: 2 }])
    })

    await site.fullRun()

    const { departments } = await site.directory()
    assert.deepEqual(
      [departments[5], departments[2]],
      [
        ['新部门', '1'],
        ['新名称', '1'],
      ],
    )
  })

  test("events and a full run that write at the same time do not get into each other's way", async (database) => {
    const company = companyOf(Array.from({ length: 600 }, (_, index) => `p${index}`))
    const world = await createHintedWorld(database)
    const site = await world.newHintedSite(
      { ww1: company },
      { onlyHereUsers: 'disable', onlyHereDepartments: 'delete' },
    )
    await site.fullRun()
    company.members = company.members.map((one) => ({ ...one, position: '旧' }))
    company.departments.push({ id: 3, name: '第三', parentId: 1 }, { id: 4, name: '第四', parentId: 3 })
    const { id } = await site.sync.start(site.connectionId, { mode: 'apply', trigger: 'manual', actor: SYSTEM })
    const ending = site.finished(id).then(({ state }) => state)

    const kinds = new Set<string>()
    let round = 0
    for (let isOver = false; !isOver; round++) {
      const some = Array.from({ length: 30 }, (_, index) => (round * 17 + index * 7) % company.members.length)
      for (const at of some)
        company.members[at] = { ...company.members[at]!, position: `新 ${round}`, departments: [{ id: 4 }] }
      company.departments[3] = { id: 4, name: `第四 ${round}`, parentId: 1 + (round % 3) }
      const told = [...some.map((at) => ({ userid: company.members[at]!.userid })), { department: 4 }]
      for (const { kind } of await site.hint(told)) kinds.add(kind)
      isOver = round > 2 && (await world.runs.activeRunId(site.connectionId)) === undefined
    }

    assert.equal(await ending, 'succeeded')
    assert.deepEqual(
      [...kinds].filter((kind) => kind !== 'applied' && kind !== 'later'),
      [],
    )
    const last = await site.fullRun()
    const twin = await world.newSite()
    await twin.run(company)
    assert.deepEqual([last.state, await site.directory()], ['succeeded', await twin.directory()])
  })

  test('switched off, nothing is asked and nothing happens', async (database) => {
    const company = companyOf(['li'])
    const site = await (await createHintedWorld(database)).newHintedSite({ ww1: company })
    await site.fullRun()
    site.asked.length = 0

    site.current.isRealTime = false
    const [quiet] = await site.hint([{ userid: 'li' }])
    site.current.isEnabled = false
    const [off] = await site.hint([{ userid: 'li' }])

    assert.deepEqual(
      [quiet, off],
      [
        { key: 'user:li', kind: 'ignored', note: 'real-time-off' },
        { key: 'user:li', kind: 'ignored', note: 'sync-off' },
      ],
    )
    assert.deepEqual(site.asked, [])
  })

  test('whoever WeCom says nothing about waits; the others do not', async (database) => {
    const company = companyOf(['li', 'wang'])
    const site = await (await createHintedWorld(database)).newHintedSite({ ww1: company }, { onlyHereUsers: 'disable' })
    await site.fullRun()
    company.members = [member('wang', { position: '经理' })]
    site.unreadable.add('li')

    const outcomes = await site.hint([{ userid: 'wang' }, { userid: 'li', isDelete: true }])

    assert.deepEqual(
      outcomes.map((outcome) => [outcome.kind, 'problem' in outcome && outcome.problem.code]),
      [
        ['applied', false],
        ['failed', 'wecom/busy'],
      ],
    )
    assert.deepEqual([(await site.statuses()).li, (await site.directory()).users.wang!.title], ['active', '经理'])
  })

  test('whoever cancels a run of events cancels none of its events', async (database) => {
    const company = companyOf(['li', 'wang'])
    const world = await createHintedWorld(database)
    const site = await world.newHintedSite({ ww1: company })
    await site.fullRun()
    company.members[0] = member('li', { position: '经理' })
    site.whenAsked.push(async () => {
      const [running] = await site.eventRuns()
      await site.sync.cancel(running!.id, SYSTEM)
      site.whenAsked.length = 0
    })

    const [cancelled] = await site.hint([{ userid: 'li' }])
    const runs = await site.eventRuns()
    const [again] = await site.hint([{ userid: 'li' }])

    assert.deepEqual([cancelled!.kind, runs, again!.kind], ['later', [], 'applied'])
    assert.equal((await site.directory()).users.li!.title, '经理')
  })

  test('settings that become more cautious end a run of events before it writes', async (database) => {
    const company = companyOf(PEOPLE)
    const world = await createHintedWorld(database)
    const site = await world.newHintedSite({ ww1: company }, { onlyHereUsers: 'disable' })
    await site.fullRun()
    company.members.shift()
    site.whenAsked.push(async () => {
      site.current.isEnabled = false
      await database.inTransaction((tx) => world.runs.cancelOf(tx, site.connectionId, 0, { code: 'sync/disabled' }))
    })

    const [first] = await site.hint([{ userid: 'li', isDelete: true }])
    const [second] = await site.hint([{ userid: 'li', isDelete: true }])

    assert.deepEqual([first!.kind, second], ['later', { key: 'user:li', kind: 'ignored', note: 'sync-off' }])
    assert.equal((await site.statuses()).li, 'active')
  })

  test('a run of events whose process is gone is closed, and its events can be done again', async (database) => {
    const company = companyOf(['li', 'wang'])
    const world = await createHintedWorld(database)
    const site = await world.newHintedSite({ ww1: company })
    await site.fullRun()
    const { connectionId, organizationId } = site
    const begun = { connectionId, organizationId, mode: 'apply', trigger: 'event', requestedBy: null } as const
    const id = await database.inTransaction((tx) =>
      world.runs.begin(tx, { ...begun, originRunId: null, startedAt: 0, warnings: [] }),
    )
    const [busy] = await site.hint([{ userid: 'li' }])

    await site.sync.takeOverAbandoned()
    company.members[0] = member('li', { position: '经理' })
    const [again] = await site.hint([{ userid: 'li' }])

    assert.deepEqual([busy!.kind, again!.kind], ['later', 'applied'])
    assert.deepEqual(
      (await site.eventRuns()).map((run) => run.id === id),
      [false],
    )
    assert.equal((await site.directory()).users.li!.title, '经理')
  })

  test('what a run of events had applied when its process died stays on record, and nothing else of it', async (database) => {
    const world = await createHintedWorld(database)
    const site = await world.newHintedSite({ ww1: companyOf(['li']) })
    await site.fullRun()
    const { connectionId, organizationId } = site
    const begun = { connectionId, organizationId, mode: 'apply', trigger: 'event', requestedBy: null } as const
    const id = await database.inTransaction((tx) =>
      world.runs.begin(tx, { ...begun, originRunId: null, startedAt: 0, warnings: [] }),
    )
    const row = { run_id: id, entity: 'user', external_id: 'li', target_id: 'usr_1', name: '张li' }
    await database.inTransaction((tx) =>
      insertRows(tx, 'changes', [
        { ...NO_FIELDS, ...row, position: 0, action: 'update', state: 'applied' },
        { ...NO_FIELDS, ...row, position: 1, action: 'disable', state: 'held' },
      ]),
    )

    await site.sync.takeOverAbandoned()

    const [run] = await site.eventRuns()
    assert.deepEqual(
      [run!.id, run!.state, run!.error?.code, run!.counts.users.updated, run!.counts.users.held],
      [id, 'failed', 'sync/interrupted', 1, 0],
    )
    assert.deepEqual(
      (await site.changes(id)).map(({ state }) => state),
      ['applied'],
    )
    assert.equal((await world.runs.statusOf(connectionId)).last!.state, 'succeeded')
  })
})

function companyOf(userids: readonly string[]): Company {
  return {
    departments: [
      { id: 1, name: '总部' },
      { id: 2, name: '研发部', parentId: 1 },
    ],
    members: userids.map((userid) => member(userid)),
  }
}

function member(userid: string, rest: Partial<Member> = {}): Member {
  return { userid, name: `张${userid}`, departments: [{ id: 1, order: 0 }], status: 1, mobile: '', ...rest }
}
