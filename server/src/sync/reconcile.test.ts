import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import fc from 'fast-check'
import type { Member } from '@muster/wecom'
import { onEachDatabase } from '../../test-support/databases.ts'
import { extent } from '../../test-support/extent.ts'
import { createWorld, type Company, type Policy, type Shown } from '../../test-support/sync-world.ts'
import { foldName } from '../directory/names.ts'
import { describeHeld } from './plan/held-removals.ts'
import type { RunCounts } from './runs.ts'

/** Every case is three companies and six runs; on PostgreSQL, which the same cases only make slower, there are fewer. */
const CASES = {
  sqlite: extent('cases on SQLite', { everyday: 60, thorough: 500 }),
  postgres: extent('cases on PostgreSQL', { everyday: 20, thorough: 200 }),
}
const REVERTS = {
  sqlite: extent('cases taken back on SQLite', { everyday: 15, thorough: 60 }),
  postgres: extent('cases taken back on PostgreSQL', { everyday: 6, thorough: 25 }),
}
const SEED = Number(process.env.MUSTER_TEST_SEED ?? randomInt(2 ** 31))

onEachDatabase(({ dialect, test }) => {
  test(`what was applied equals the source and leaves nothing to do, ${CASES[dialect]} cases`, async (database, t) => {
    t.diagnostic(`seed ${SEED} (repeat with MUSTER_TEST_SEED=${SEED})`)
    const world = await createWorld(database)

    await fc.assert(
      fc.asyncProperty(twoStates(), policies(), async ({ before, after }, policy) => {
        const site = await world.newSite(policy)
        let shown: Shown = { departments: {}, users: {} }

        // There, on, and back again: leavers leave and return, addresses change hands twice.
        for (const company of [before, after, before]) {
          await site.run(company, { approved: EVERYTHING })
          shown = expected(company, shown, policy)
          assert.deepEqual(await site.directory(), shown)

          const again = await site.run(company, { approved: EVERYTHING })
          assert.deepEqual(writes(again), {})
          assert.deepEqual(await site.directory(), shown)
        }
      }),
      { numRuns: CASES[dialect], seed: SEED },
    )
  })

  test('two people who swap their addresses both get them', async (database) => {
    const site = await (await createWorld(database)).newSite()
    const people = (first: string, second: string) =>
      company([member('li', { bizMail: first }), member('wang', { bizMail: second })])
    await site.run(people('a@corp.example', 'b@corp.example'))

    const counts = await site.run(people('b@corp.example', 'a@corp.example'))

    assert.equal(counts.users.updated, 2)
    assert.equal(counts.users.failed, 0)
    assert.deepEqual(await site.emails(), { li: 'b@corp.example', wang: 'a@corp.example' })
  })

  test('an address that somebody else keeps fails alone, and is tried again', async (database) => {
    const site = await (await createWorld(database)).newSite()
    await site.run(company([member('li', { bizMail: 'a@corp.example' })]))
    const both = company([
      member('li', { bizMail: 'a@corp.example' }),
      member('wang', { bizMail: 'A@corp.example' }),
      member('zhao'),
    ])

    const first = await site.run(both)
    const second = await site.run(both)

    assert.deepEqual([first.users.created, first.users.failed], [1, 1])
    assert.deepEqual([second.users.created, second.users.failed, second.users.unchanged], [0, 1, 2])
    assert.deepEqual(await site.emails(), { li: 'a@corp.example', zhao: 'zhao@wecom.local' })
  })

  test('whoever counted on the address of somebody who fails fails too, and nobody is half written', async (database) => {
    const site = await (await createWorld(database)).newSite()
    await site.run(
      company([
        member('a', { bizMail: '1@corp.example' }),
        member('b', { bizMail: '2@corp.example' }),
        member('c', { bizMail: '3@corp.example' }),
      ]),
    )

    // a takes b's, b takes c's, c stays: so b keeps its own, and a keeps its own. b's new title is not written either.
    const counts = await site.run(
      company([
        member('a', { bizMail: '2@corp.example' }),
        member('b', { bizMail: '3@corp.example', position: '经理' }),
        member('c', { bizMail: '3@corp.example' }),
      ]),
    )

    assert.deepEqual([counts.users.failed, counts.users.updated], [2, 0])
    assert.deepEqual(await site.emails(), { a: '1@corp.example', b: '2@corp.example', c: '3@corp.example' })
    assert.equal((await site.user('b')).title, null)
  })

  test('what WeCom withholds keeps what we have, what is empty clears it', async (database) => {
    const site = await (await createWorld(database)).newSite()
    const full = {
      bizMail: 'li@corp.example',
      mobile: '13800000000',
      position: '工程师',
      gender: 'female' as const,
      avatar: 'https://a.example/0',
    }
    await site.run(company([member('li', full)]))

    const withheld = await site.run(company([member('li')]))
    const user = await site.user('li')
    assert.equal(withheld.users.updated, 0)
    assert.deepEqual(
      [user.email, user.phone, user.title, user.gender],
      ['li@corp.example', '+8613800000000', '工程师', 'female'],
    )

    await site.run(company([member('li', { bizMail: '', email: '', mobile: '', position: '' })]))
    const cleared = await site.user('li')
    assert.deepEqual(
      [cleared.email, cleared.phone, cleared.title, cleared.gender],
      ['li@wecom.local', null, null, 'female'],
    )
  })

  test('a preview says of departments what the run then does, also when a child moves out in the same plan', async (database) => {
    const site = await (await createWorld(database)).newSite({ onlyHereDepartments: 'delete' })
    const tree = (...departments: [id: number, parentId: number][]): Company => ({
      departments: departments.map(([id, parentId]) => ({ id, name: `部门 ${id}`, parentId })),
      members: [member('li')],
    })
    await site.run(tree([1, 0], [2, 1], [3, 2], [4, 1], [5, 1], [6, 1], [7, 1]))
    const after = tree([1, 0], [3, 1], [4, 1], [5, 1], [6, 1], [7, 1])

    const preview = await site.run(after, { isPreview: true })
    const run = await site.run(after)

    assert.deepEqual(preview.departments, run.departments)
    assert.deepEqual([run.departments.updated, run.departments.deleted, run.departments.skipped], [1, 1, 0])
  })

  test('the same person in another spelling is the same user', async (database) => {
    const site = await (await createWorld(database)).newSite()
    await site.run(company([member('ZhangSan')]))

    const counts = await site.run(company([member('zhangsan')]))

    assert.equal(counts.users.created, 0)
    assert.equal((await site.user('zhangsan')).username, 'ZhangSan')
  })

  test('a user with the same login name is linked, an administrator is not', async (database) => {
    const site = await (await createWorld(database)).newSite()
    const li = await site.addBuiltIn('Li', null)
    await site.addBuiltIn('admin', 'owner')

    const counts = await site.run(company([member('li', { name: '李四' }), member('Admin')]))

    assert.deepEqual(
      [counts.users.linked, counts.users.updated, counts.users.created, counts.users.skipped],
      [1, 1, 0, 1],
    )
    assert.equal((await site.user('li')).id, li)
    assert.equal((await site.user('li')).display_name, '李四')
  })

  test('a taken name gets a number when binding by name is off', async (database) => {
    const site = await (await createWorld(database)).newSite({ bindByUsername: false })
    await site.addBuiltIn('li', null)

    await site.run(company([member('Li'), member('Li-2')]))

    assert.deepEqual(await site.usernames(), ['Li-2', 'Li-3', 'li'])
  })

  test('people follow their status, but nobody loses access on an incomplete reading or against an administrator', async (database) => {
    const site = await (await createWorld(database)).newSite()
    await site.run(company([member('a'), member('b'), member('new', { status: 4 })]))
    assert.deepEqual(await site.statuses(), { a: 'active', b: 'active', new: 'disabled' })
    await site.disable('b')

    const incomplete = await site.run(company([member('a', { status: 2 })]), { isComplete: false })
    assert.deepEqual([incomplete.users.disabled, incomplete.users.skipped], [0, 1])

    const complete = await site.run(company([member('a', { status: 2 }), member('b'), member('new')]))
    assert.deepEqual([complete.users.disabled, complete.users.enabled], [1, 1])
    assert.deepEqual(await site.statuses(), { a: 'disabled', b: 'disabled', new: 'active' })

    await site.run(company([member('a'), member('b'), member('new')]))
    assert.deepEqual(await site.statuses(), { a: 'active', b: 'disabled', new: 'active' })
  })

  test('departments in a circle become roots with a warning, and everybody in them is placed', async (database) => {
    const site = await (await createWorld(database)).newSite()
    const departments = [
      { id: 5, name: '五', parentId: 7 },
      { id: 7, name: '七', parentId: 6 },
      { id: 6, name: '六', parentId: 5 },
      { id: 9, name: '九', parentId: 9 },
      { id: 8, name: '八', parentId: 999 },
    ]

    const counts = await site.run({ departments, members: [member('li', { departments: [{ id: 6 }] })] })

    assert.equal(counts.departments.created, 5)
    const { departments: found, users } = await site.directory()
    assert.deepEqual(found, { 5: ['五', null], 6: ['六', '5'], 7: ['七', '6'], 8: ['八', null], 9: ['九', null] })
    assert.deepEqual(users.li!.departments, [[6, 0, false, false]])
  })

  test('somebody who kept still while their department was away is in it again when it returns', async (database) => {
    // Found by the generated cases: the digest of the member had not changed, so nobody looked.
    const site = await (await createWorld(database)).newSite({ onlyHereDepartments: 'delete' })
    const whole = {
      departments: [
        { id: 1, name: '公司' },
        { id: 2, name: '二部', parentId: 1 },
      ],
      members: [member('li', { departments: [{ id: 2 }] })],
    }
    await site.run(whole, { approved: EVERYTHING })
    await site.run({ departments: [{ id: 1, name: '公司' }], members: [member('wang')] }, { approved: EVERYTHING })

    await site.run(whole, { approved: EVERYTHING })

    assert.deepEqual((await site.directory()).users.li!.departments, [[2, 0, false, false]])
  })

  test('removals that look like an accident are held, the rest is applied, and approval removes what was shown', async (database) => {
    const site = await (await createWorld(database)).newSite({ onlyHereUsers: 'disable' })
    const everybody = Array.from({ length: 20 }, (_, index) => member(`p${index}`))
    await site.run(company(everybody))

    const after = company([...everybody.slice(0, 8), member('new', { name: '新人' })])
    const held = await site.runWhole(after)
    assert.deepEqual([held.counts.users.held, held.counts.users.disabled, held.counts.users.created], [12, 0, 1])
    assert.deepEqual(describeHeld(held.held!).counts, { 'user.disable': 12 })
    assert.match(held.held?.reasons[0]?.detail.en ?? '', /12 of 20 people would be removed \(60 %\)/)
    assert.equal(Object.values(await site.statuses()).filter((status) => status === 'active').length, 21)

    // Between the two readings p9 came back and p0 left: p9 stays, and nobody has approved p0.
    const shown = new Set(held.heldKeys)
    const later = company([...everybody.slice(1, 8), everybody[9]!, member('new', { name: '新人' })])
    const approved = await site.runWhole(later, { approved: shown })
    assert.deepEqual([approved.counts.users.disabled, approved.counts.users.skipped], [11, 1])
    const statuses = await site.statuses()
    assert.deepEqual([statuses.p0, statuses.p9, statuses.p10], ['active', 'active', 'disabled'])
  })

  test('whoever still answers when asked by name is not removed', async (database) => {
    const site = await (await createWorld(database)).newSite({ onlyHereUsers: 'delete' })
    const everybody = Array.from({ length: 12 }, (_, index) => member(`p${index}`))
    await site.run(company(everybody))

    const counts = await site.run(company(everybody.slice(2)), { stillThere: ['p1'] })

    assert.deepEqual([counts.users.deleted, counts.users.skipped], [1, 1])
    assert.deepEqual([(await site.statuses()).p0, (await site.statuses()).p1], ['deleted', 'active'])
  })

  test('nobody of ours and no administrator is removed by any policy', async (database) => {
    const site = await (await createWorld(database)).newSite({ onlyHereUsers: 'delete' })
    await site.addBuiltIn('local', null)
    await site.run(company([member('li'), member('boss'), member('wang')]))
    await site.promote('boss')

    await site.run(company([member('wang')]), { approved: EVERYTHING })

    assert.deepEqual(await site.statuses(), { local: 'active', li: 'deleted', boss: 'active', wang: 'active' })
  })

  test('a userid that comes back with somebody else is somebody new, and the same person is restored', async (database) => {
    const site = await (await createWorld(database)).newSite({ onlyHereUsers: 'delete' })
    await site.run(company([member('li', { name: '李四', mobile: '13800000001' }), member('w')]))
    const first = await site.user('li')
    await site.run(company([member('w')]), { approved: EVERYTHING })

    await site.run(company([member('li', { name: '李雷', mobile: '13800000002' }), member('w')]))
    const second = (await site.all()).filter(({ username_key }) => username_key === 'li')
    assert.deepEqual(second.map(({ id, status }) => [id === first.id, status]).sort(), [
      [false, 'active'],
      [true, 'deleted'],
    ])

    await site.run(company([member('w')]), { approved: EVERYTHING })
    const counts = await site.run(company([member('li', { name: '李磊', mobile: '13800000002' }), member('w')]))
    assert.equal(counts.users.restored, 1)
  })

  test('what an administrator disabled is still disabled after the source deleted and returned the person', async (database) => {
    const site = await (await createWorld(database)).newSite({ onlyHereUsers: 'delete' })
    await site.run(company([member('li'), member('w')]))
    await site.disable('li')
    await site.run(company([member('w')]), { approved: EVERYTHING })

    const counts = await site.run(company([member('li'), member('w')]))

    assert.equal(counts.users.restored, 1)
    const user = await site.user('li')
    assert.deepEqual([user.status, user.disabled_by], ['disabled', 'administrator'])
  })

  test('somebody who returns with nothing visible is neither restored nor made anew', async (database) => {
    const site = await (await createWorld(database)).newSite({ onlyHereUsers: 'delete' })
    await site.run(company([member('li', { mobile: '13800000001' }), member('w')]))
    await site.run(company([member('w')]), { approved: EVERYTHING })

    const counts = await site.run(company([member('li', { name: undefined }), member('w')]))

    assert.deepEqual([counts.users.skipped, counts.users.restored, counts.users.created], [1, 0, 0])
  })

  test('an address that is taken does not keep an account open that WeCom has closed', async (database) => {
    const site = await (await createWorld(database)).newSite()
    const owner = member('li', { bizMail: 'a@corp.example' })
    await site.run(company([owner, member('zs'), member('w')]))

    const counts = await site.run(company([owner, member('zs', { status: 5, bizMail: 'a@corp.example' }), member('w')]))

    assert.deepEqual([counts.users.disabled, counts.users.failed], [1, 1])
    assert.equal((await site.statuses()).zs, 'disabled')
  })

  test('an unlinked, relinked or promoted person is not removed for what was read before', async (database) => {
    const site = await (await createWorld(database)).newSite({ onlyHereUsers: 'delete' })
    await site.run(company([member('a'), member('b'), member('w')]))

    const counts = await site.run(company([member('w')]), {
      approved: EVERYTHING,
      beforeWriting: async () => {
        await site.promote('a')
        await site.relink('b', 'somebody-else')
      },
    })

    assert.equal(counts.users.deleted, 0)
    assert.deepEqual(await site.statuses(), { a: 'active', b: 'active', w: 'active' })
  })

  test('who signed in for the first time while the run was reading is not in their own way', async (database) => {
    const site = await (await createWorld(database)).newSite()
    await site.run(company([member('gone'), member('w')]))
    const newcomers = [member('zs', { bizMail: 'zs@corp.example' }), member('li', { bizMail: 'li@corp.example' })]

    const counts = await site.run(company([member('w'), ...newcomers]), {
      approved: EVERYTHING,
      async beforeWriting() {
        const userId = await site.addBuiltIn('zs', null, { email: 'zs@corp.example' })
        const [link] = await database.kysely.selectFrom('links').selectAll().execute()
        const own = { id: 'lnk_zs', user_id: userId, userid: 'zs', userid_key: 'zs', source_hash: null }
        await database.kysely
          .insertInto('links')
          .values({ ...link!, ...own, created_by: 'signin' })
          .execute()
      },
    })

    assert.deepEqual([counts.users.created, counts.users.failed, counts.users.skipped], [1, 0, 1])
  })

  test('a namesake who becomes an administrator before the writing is not linked', async (database) => {
    const site = await (await createWorld(database)).newSite()
    await site.addBuiltIn('boss', null)

    const counts = await site.run(company([member('boss', { name: '老板' }), member('gone')]), {
      beforeWriting: () => site.promote('boss'),
    })

    assert.equal(counts.users.linked, 0)
    assert.equal((await site.user('boss')).display_name, 'boss')
  })

  test('a lost root is held once, and not again after somebody has agreed', async (database) => {
    const site = await (await createWorld(database)).newSite({ onlyHereUsers: 'disable' })
    const roots = [
      { id: 1, name: '公司' },
      { id: 2, name: '分公司' },
    ]
    const everybody = Array.from({ length: 20 }, (_, index) => member(`p${index}`))
    await site.run({ departments: roots, members: everybody })
    const after = (members: Member[]) => ({ departments: [roots[0]!], members })

    const held = await site.runWhole(after(everybody.slice(1)))
    assert.deepEqual(
      held.held?.reasons.map(({ code }) => code),
      ['lost-root'],
    )
    await site.run(after(everybody.slice(1)), { approved: new Set(held.heldKeys) })

    const next = await site.runWhole(after(everybody.slice(2)))
    assert.deepEqual([next.held, next.counts.users.disabled], [null, 1])
  })

  test('a userid that no database stores fails alone', async (database) => {
    const site = await (await createWorld(database)).newSite()

    const counts = await site.run(company([member('odd\0'), member('li')]))

    assert.deepEqual([counts.users.created, counts.users.failed], [1, 1])
  })

  test('a department with members of ours, or with a child that stays, stays and says so', async (database) => {
    const site = await (await createWorld(database)).newSite({ onlyHereDepartments: 'delete' })
    const tree = [
      { id: 1, name: '公司' },
      { id: 2, name: '二部', parentId: 1 },
      { id: 3, name: '三组', parentId: 2 },
      { id: 4, name: '四部', parentId: 1 },
    ]
    await site.run({ departments: tree, members: [member('li', { departments: [{ id: 4 }] })] })
    await site.joinByHand(await site.addBuiltIn('local', null), 3)

    const counts = await site.run({ departments: [tree[0]!], members: [member('li')] }, { approved: EVERYTHING })

    assert.deepEqual([counts.departments.deleted, counts.departments.skipped], [1, 2])
    assert.deepEqual(Object.keys((await site.directory()).departments), ['1', '2', '3'])
  })

  test('a preview records the same changes and writes none of them', async (database) => {
    const site = await (await createWorld(database)).newSite()
    const target = company([member('li'), member('wang', { departments: [{ id: 1 }] })])

    const preview = await site.run(target, { isPreview: true })
    assert.deepEqual(await site.directory(), { departments: {}, users: {} })

    const applied = await site.run(target)
    assert.deepEqual(preview, applied)
  })

  test(`a run that is taken back leaves what was before, ${REVERTS[dialect]} cases`, async (database, t) => {
    t.diagnostic(`seed ${SEED} (repeat with MUSTER_TEST_SEED=${SEED})`)
    const world = await createWorld(database)

    await fc.assert(
      fc.asyncProperty(twoStates(), policies(), fc.nat({ max: 4 }), async ({ before, after }, policy, dieAfter) => {
        const site = await world.newSite(policy)
        await site.run(before, { approved: EVERYTHING })
        const was = await site.directory()
        const run = await site.runWhole(after, { approved: EVERYTHING })
        const became = await site.directory()

        const preview = await site.revert(run.id, { isPreview: true })
        const undone = await site.revert(run.id, { dieAfter }).catch(async () => {
          const [unfinished] = await site.running()
          return site.carryOn(unfinished!)
        })
        assert.deepEqual(await site.directory(), was)
        assert.deepEqual(undone.counts, preview.counts)
        assert.deepEqual([undone.counts.users.failed, undone.counts.users.skipped], [0, 0])

        const redone = await site.revert(undone.id)
        assert.deepEqual(await site.directory(), became)
        assert.deepEqual([redone.counts.users.failed, redone.counts.users.skipped], [0, 0])

        // Sync looks at everybody again, and finds nothing that is not so.
        await site.revert(redone.id)
        assert.deepEqual(writes(await site.run(before, { approved: EVERYTHING })), {})
        assert.deepEqual(await site.directory(), was)
      }),
      { numRuns: REVERTS[dialect], seed: SEED },
    )
  })
})

function company(members: Member[]): Company {
  return { departments: [{ id: 1, name: '公司', parentId: 0 }], members }
}

function member(userid: string, fields: Partial<Member> = {}): Member {
  return { userid, name: userid, departments: [], status: 1, ...fields }
}

/** Two states of one company: people stay, change, exchange addresses and join; leavers stay here by default policy. */
function twoStates(): fc.Arbitrary<{ before: Company; after: Company }> {
  const people = fc.integer({ min: 0, max: 12 })
  return fc.record({ staying: people, leaving: people, joining: people }).chain(({ staying, leaving, joining }) => {
    const stay = names('stay', staying)
    return fc
      .record({
        before: state([...stay, ...names('leave', leaving)]),
        after: state([...stay.map((name) => name.toUpperCase()), ...names('join', joining)]),
        rotation: fc.integer({ min: 0, max: 5 }),
      })
      .map(({ before, after, rotation }) => ({ before, after: rotateAddresses(after, staying, rotation) }))
  })
}

function names(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index}`)
}

function state(userids: string[]): fc.Arbitrary<Company> {
  return fc
    .array(
      fc.record({
        name: fc.constantFrom('研发中心', '销售部', '财务部'),
        parent: fc.nat(9),
        order: fc.nat(2 ** 32 - 1),
      }),
      { maxLength: 8 },
    )
    .chain((drafts) => {
      const ids = drafts.map((_, index) => index + 2)
      const departments = drafts.map(({ name, parent, order }, index) => ({
        id: ids[index]!,
        name,
        // Any earlier department, or one that nobody can see.
        parentId: parent < index ? ids[parent]! : 1_000 + parent,
        order,
      }))
      return fc.record({
        departments: fc.constant(departments),
        members: fc.tuple(...userids.map((userid) => memberArbitrary(userid, ids))),
      })
    })
}

function memberArbitrary(userid: string, departments: number[]): fc.Arbitrary<Member> {
  return fc.record({
    userid: fc.constant(userid),
    // One name each: a person who changes name and mobile at once is somebody else until an administrator has looked.
    name: fc.constant(`张${userid.toLowerCase()}\u{1F600}`),
    departments: fc.uniqueArray(
      fc.record({ id: fc.constantFrom(...departments, 777), order: fc.nat(2 ** 32 - 1), isLeader: fc.boolean() }),
      {
        maxLength: 4,
        selector: ({ id }) => id,
      },
    ),
    mainDepartment: fc.constantFrom(...departments, 777, undefined),
    bizMail: fc.boolean().map((has) => (has ? `${userid.toLowerCase()}@corp.example` : '')),
    // People who stay share some; a number that only a leaver and a joiner have would make them one person.
    mobile: /^stay/i.test(userid) ? fc.constantFrom('', '13800000000', '+85261234567') : fc.constant(''),
    position: fc.constantFrom('', '工程师', '经理'),
    gender: fc.constantFrom('male', 'female'),
    status: fc.constantFrom(1, 1, 1, 2, 4, 5),
    directLeaders: fc.subarray(['stay0', 'stay1', 'stay2'], { maxLength: 1 }),
  }) as fc.Arbitrary<Member>
}

/** The people who stay hand their addresses around. */
function rotateAddresses({ departments, members }: Company, staying: number, by: number): Company {
  const handed = members.slice(0, staying).map(({ bizMail }) => bizMail)
  return {
    departments,
    members: members.map((person, index) =>
      index < staying ? { ...person, bizMail: handed[(index + by) % staying]! } : person,
    ),
  }
}

/** What the directory must show after a company when it showed something else before. */
function expected({ departments, members }: Company, before: Shown, policy: Required<Policy>): Shown {
  const visible = new Set(departments.map(({ id }) => id))
  const shownDepartments: Shown['departments'] = Object.fromEntries(
    departments.map(({ id, name, parentId }) => [id, [name!, visible.has(parentId!) ? String(parentId) : null]]),
  )
  const present: Shown['users'] = Object.fromEntries(
    members.map((person) => [
      foldName(person.userid),
      {
        name: person.name,
        email: person.bizMail || `${person.userid.toLowerCase()}@wecom.local`,
        phone: person.mobile === '' ? null : person.mobile === '13800000000' ? '+8613800000000' : person.mobile,
        title: person.position || null,
        gender: person.gender,
        isActive: person.status === 1,
        leaders: person.directLeaders,
        departments: (person.departments ?? [])
          .filter(({ id }) => visible.has(id))
          .map(({ id, order, isLeader }) => [id, order, id === person.mainDepartment, isLeader])
          .sort(([a], [b]) => Number(a) - Number(b)),
      },
    ]),
  )
  const keepsDepartments = policy.onlyHereDepartments === 'ignore'
  const absent = Object.entries(before.users)
    .filter(([userid]) => present[userid] === undefined && policy.onlyHereUsers !== 'delete')
    .map(([userid, user]) => [
      userid,
      {
        ...user,
        isActive: user.isActive && policy.onlyHereUsers === 'ignore',
        departments: (user.departments as [number][]).filter(([id]) => keepsDepartments || visible.has(id)),
      },
    ])
  return {
    departments: keepsDepartments ? { ...before.departments, ...shownDepartments } : shownDepartments,
    users: { ...Object.fromEntries(absent), ...present },
  }
}

function policies(): fc.Arbitrary<Required<Policy>> {
  return fc.record({
    bindByUsername: fc.boolean(),
    matchFields: fc.subarray(['email', 'phone']),
    onlyHereUsers: fc.constantFrom('ignore', 'disable', 'delete'),
    onlyHereDepartments: fc.constantFrom('ignore', 'delete'),
  })
}

/** An approval of whatever the plan removes; what the guard says to it has its own tests. */
const EVERYTHING = { has: () => true } as unknown as ReadonlySet<string>

/** The counts that say that something was written. */
function writes(counts: RunCounts): Record<string, number> {
  const quiet = new Set(['unchanged', 'skipped'])
  return Object.fromEntries(
    [...Object.entries(counts.users), ...Object.entries(counts.departments)].filter(
      ([name, count]) => count > 0 && !quiet.has(name),
    ),
  )
}
