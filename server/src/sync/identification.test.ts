import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import fc from 'fast-check'
import type { Member } from '@muster/wecom'
import { onEachDatabase } from '../../test-support/databases.ts'
import { extent } from '../../test-support/extent.ts'
import { createWorld, type Company, type Policy } from '../../test-support/sync-world.ts'
import { foldName } from '../directory/names.ts'

const CASES = {
  sqlite: extent('cases on SQLite', { everyday: 30, thorough: 60 }),
  postgres: extent('cases on PostgreSQL', { everyday: 10, thorough: 20 }),
}
const SEED = Number(process.env.MUSTER_TEST_SEED ?? randomInt(2 ** 31))

onEachDatabase(({ dialect, test }) => {
  test(`nobody gets an account that is not theirs, ${CASES[dialect]} cases`, async (database, t) => {
    t.diagnostic(`seed ${SEED} (repeat with MUSTER_TEST_SEED=${SEED})`)
    const world = await createWorld(database)

    await fc.assert(
      fc.asyncProperty(
        companies(),
        builtIns(),
        policies(),
        fc.boolean(),
        async ([before, after], accounts, policy, isApproved) => {
          const approved = isApproved ? EVERYTHING : null
          const site = await world.newSite(policy)
          const untouchable = new Set<string>()
          for (const { username, role, ...given } of accounts) {
            const id = await site.addBuiltIn(username, role, given)
            if (role !== null || given.breakGlass) untouchable.add(id)
          }
          const owners = new Map<string, Person>()

          for (const company of [before, after, before]) {
            const { changes } = await site.runWhole(asCompany(company), { approved })

            const links = await site.links()
            const open = await site.reviews('open')
            assert.equal(new Set(Object.values(links)).size, Object.keys(links).length)
            for (const [key, person] of company) {
              const userId = links[key]
              if (userId === undefined || open.some(({ userid }) => foldName(userid) === key)) continue
              assert.ok(!untouchable.has(userId), `${key} is linked to an administrator`)
              const owner = owners.get(userId)
              assert.ok(owner === undefined || !isStranger(owner, person), `${key} got the account of ${owner?.name}`)
              owners.set(userId, person)
            }

            const again = await site.runWhole(asCompany(company), { approved })
            const quiet = new Set(['skipped', 'failed', 'held'])
            assert.deepEqual(
              again.changes.filter(({ state }) => !quiet.has(state)),
              [],
            )
            assert.deepEqual(await site.links(), links)
            const explained = new Set(again.changes.map(({ externalId }) => foldName(externalId!)))
            for (const [key] of company)
              assert.ok(links[key] !== undefined || explained.has(key), `${key} is forgotten`)
            // Whoever failed is looked at again beside those who did not, and may be a question then.
            const failed = new Set(
              changes.filter(({ state }) => state === 'failed').map(({ externalId }) => externalId),
            )
            const asked = (await site.reviews('open')).filter(({ userid }) => !failed.has(userid))
            assert.deepEqual(idsOf(asked), idsOf(open.filter(({ userid }) => !failed.has(userid))))
          }
        },
      ),
      { numRuns: CASES[dialect], seed: SEED },
    )
  })

  test('a mobile or company address that only one user and one member have links the two, when it was chosen', async (database) => {
    const site = await (await createWorld(database)).newSite({ matchFields: ['email', 'phone'] })
    const byPhone = await site.addBuiltIn('old.li', null, { phone: '+8613800000001' })
    const byEmail = await site.addBuiltIn('old.wang', null, { email: 'Wang@corp.example' })
    await site.addBuiltIn('victim', null, { email: 'victim@corp.example' })

    const counts = await site.run(
      company([
        member('li', { mobile: '138 0000 0001' }),
        member('wang', { bizMail: 'wang@corp.example' }),
        // A personal address is what a member says about themselves.
        member('mallory', { bizMail: '', email: 'victim@corp.example' }),
      ]),
    )

    assert.deepEqual([counts.users.linked, counts.users.failed], [2, 1])
    assert.deepEqual(await site.links(), { li: byPhone, wang: byEmail })
  })

  test('without chosen fields a shared mobile links nobody, and what is not a number never does', async (database) => {
    const world = await createWorld(database)
    const plain = await world.newSite()
    const chosen = await world.newSite({ matchFields: ['phone'] })
    const odd = ['-', '无', 'null', '0']
    await plain.addBuiltIn('old.li', null, { phone: '+8613800000001' })
    for (const [index, phone] of odd.entries()) await chosen.addBuiltIn(`old${index}`, null, { phone })

    const unlinked = await plain.run(company([member('li', { mobile: '13800000001' })]))
    const odder = await chosen.run(company(odd.map((mobile, index) => member(`odd${index}`, { mobile }))))

    assert.deepEqual([unlinked.users.linked, unlinked.users.created], [0, 1])
    assert.deepEqual([odder.users.linked, odder.users.created], [0, 4])
  })

  test('what two share, what contradicts itself and what is protected waits for a person', async (database) => {
    const site = await (await createWorld(database)).newSite({ matchFields: ['email', 'phone'] })
    const admin = await site.addBuiltIn('boss', 'owner', { phone: '+8613800000009' })
    await site.addBuiltIn('ops', null, { breakGlass: true })
    await site.addBuiltIn('fire', null, { breakGlass: true, phone: '+8613800000005' })
    const one = await site.addBuiltIn('one', null, { phone: '+8613800000001' })
    const other = await site.addBuiltIn('other', null, { email: 'other@corp.example' })
    await site.addBuiltIn('two', null, { phone: '+8613800000002' })
    await site.addBuiltIn('twin', null, { phone: '+8613800000002' })
    const shared = await site.addBuiltIn('shared', null, { phone: '+8613800000003' })
    const people = company([
      member('admin2', { mobile: '13800000009' }),
      member('OPS', { mobile: '13800000006' }),
      member('fire2', { mobile: '13800000005' }),
      member('torn', { mobile: '13800000001', bizMail: 'other@corp.example' }),
      member('either', { mobile: '13800000002' }),
      member('first', { mobile: '13800000003' }),
      member('second', { mobile: '13800000003' }),
      member('fine', { mobile: '13800000004' }),
    ])

    const { counts, changes, warnings } = await site.runWhole(people)

    assert.deepEqual(Object.keys(await site.links()), ['fine'])
    assert.deepEqual([counts.users.skipped, counts.users.created], [7, 1])
    const reviews = new Map((await site.reviews('open')).map((review) => [review.userid, review]))
    const reasons = Object.fromEntries(Array.from(reviews, ([userid, { reason }]) => [userid, reason]))
    assert.deepEqual(reasons, {
      admin2: 'privileged',
      OPS: 'privileged',
      fire2: 'privileged',
      torn: 'ambiguous',
      either: 'ambiguous',
      first: 'ambiguous',
      second: 'ambiguous',
    })
    assert.deepEqual(reviews.get('admin2')!.candidates, [{ userId: admin, matchedOn: 'phone', userid: null }])
    assert.deepEqual(
      reviews.get('torn')!.candidates.map(({ userId, matchedOn }) => [userId, matchedOn]),
      [
        [one, 'phone'],
        [other, 'email'],
      ],
    )
    assert.equal(reviews.get('first')!.candidates[0]!.userId, shared)
    const skipped = changes.filter(({ state }) => state === 'skipped')
    assert.deepEqual(skipped.map(({ reviewId }) => reviewId).sort(), [...reviews.values()].map(({ id }) => id).sort())
    assert.ok(warnings.some(({ code }) => code === 'reviews-open'))
  })

  test('a review is asked once, follows what WeCom shows, and closes when there is nothing to decide', async (database) => {
    const site = await (await createWorld(database)).newSite()
    await site.addBuiltIn('boss', 'owner')
    const shown = company([member('boss', { name: '老板' }), member('li')])

    await site.run(shown, { isPreview: true })
    assert.deepEqual(await site.reviews(), [])
    await site.run(shown)
    const [review] = await site.reviews('open')
    await site.run(company([member('Boss', { name: '新老板' }), member('li')]), { isComplete: false })
    const [same, ...others] = await site.reviews('open')
    assert.deepEqual([same!.id, same!.memberName, others], [review!.id, '新老板', []])

    await site.run(company([member('li')]), { isComplete: false })
    assert.equal((await site.reviews('open')).length, 1)
    await site.run(company([member('li')]))
    assert.deepEqual(
      (await site.reviews()).map(({ state }) => state),
      ['outdated'],
    )
  })

  test('a renamed userid moves the link: same user, and nobody is removed', async (database) => {
    const site = await (await createWorld(database)).newSite({ onlyHereUsers: 'delete' })
    const people = (userid: string, fields: Partial<Member> = {}) =>
      company([member(userid, { name: '张三', mobile: '13800000001', ...fields }), member('w')])
    await site.run(people('zhangsan'))
    const { id } = await site.user('zhangsan')

    const { counts, changes } = await site.runWhole(people('zhang.san', { position: '经理' }))

    assert.deepEqual([counts.users.updated, counts.users.created, counts.users.deleted], [1, 0, 0])
    const [move] = changes
    assert.deepEqual(
      [move!.entity, move!.action, move!.targetId, move!.before, move!.after],
      ['link', 'update', id, { userid: 'zhangsan' }, { userid: 'zhang.san' }],
    )
    assert.equal((await site.links())['zhang.san'], id)
    const user = await site.user('zhangsan')
    assert.deepEqual([user.email, user.title, user.status], ['zhang.san@wecom.local', '经理', 'active'])

    // Another spelling is no other userid.
    const spelled = await site.runWhole(people('ZHANG.SAN', { position: '经理' }))
    assert.deepEqual(spelled.changes, [])
  })

  test('a userid that still answers when asked by name keeps its user, and a person decides', async (database) => {
    const site = await (await createWorld(database)).newSite({ onlyHereUsers: 'delete' })
    await site.run(company([member('old', { name: '张三', mobile: '13800000001' }), member('w')]))
    const { id } = await site.user('old')
    const after = company([member('new', { name: '张三', mobile: '13800000001' }), member('w')])

    const counts = await site.run(after, { stillThere: ['old'] })

    assert.deepEqual([counts.users.created, counts.users.deleted], [0, 0])
    const [review] = await site.reviews('open')
    assert.deepEqual(
      [review!.reason, review!.candidates],
      ['conflict', [{ userId: id, matchedOn: 'phone', userid: 'old' }]],
    )

    await site.run(after)
    assert.deepEqual(await site.links(), { new: id, w: (await site.links()).w })
    assert.equal((await site.reviews())[0]!.state, 'outdated')
  })

  test('two newcomers with the number of one who vanished are both asked about, and nobody is removed meanwhile', async (database) => {
    const site = await (await createWorld(database)).newSite({ onlyHereUsers: 'delete' })
    await site.run(company([member('old', { name: '张三', mobile: '13800000001' }), member('w')]))
    const { id } = await site.user('old')
    const after = company([
      member('new', { name: '张三', mobile: '13800000001' }),
      member('newer', { name: '张三', mobile: '13800000001' }),
      member('w'),
    ])

    for (const _ of [1, 2]) {
      const { counts, changes } = await site.runWhole(after)
      assert.deepEqual([counts.users.created, counts.users.deleted, counts.users.skipped], [0, 0, 3])
      assert.deepEqual(
        changes.map(({ reason }) => reason),
        ['under-review', 'ambiguous', 'ambiguous'],
      )
    }

    const review = (await site.reviews('open')).find(({ userid }) => userid === 'newer')!
    await site.resolve(review.id, { action: 'link', userId: id })
    assert.equal((await site.links()).newer, id)
    const counts = await site.run(after)
    assert.deepEqual([counts.users.created, counts.users.deleted], [1, 0])
    assert.equal((await site.statuses()).old, 'active')
  })

  test('an incomplete reading moves no link and makes no second account of somebody who may be renamed', async (database) => {
    const site = await (await createWorld(database)).newSite()
    await site.run(company([member('old', { name: '张三', mobile: '13800000001' }), member('w')]))
    const { id } = await site.user('old')
    const after = company([member('new', { name: '张三', mobile: '13800000001' }), member('w')])

    const { counts, changes } = await site.runWhole(after, { isComplete: false })
    assert.deepEqual([counts.users.created, counts.users.skipped], [0, 1])
    assert.equal(changes[0]!.reason, 'may-be-renamed')

    await site.run(after)
    assert.equal((await site.links()).new, id)
  })

  test('the number of somebody who left before is nobody, and so is that of a colleague', async (database) => {
    const site = await (await createWorld(database)).newSite({ onlyHereUsers: 'disable' })
    const desk = { mobile: '13800000002' }
    await site.run(
      company([member('old', { name: '张三', mobile: '13800000001' }), member('a', desk), member('b', desk)]),
    )
    await site.run(company([member('a', desk), member('b', desk)]), { approved: EVERYTHING })

    const counts = await site.run(
      company([member('new', { name: '李四', mobile: '13800000001' }), member('a', desk), member('c', desk)]),
      { approved: EVERYTHING },
    )

    assert.deepEqual([counts.users.created, counts.users.disabled], [2, 1])
    assert.equal((await site.statuses()).old, 'disabled')
  })

  test('a successor at the same desk is not the person who left', async (database) => {
    const site = await (await createWorld(database)).newSite({ onlyHereUsers: 'delete' })
    await site.run(
      company([member('li', { name: '李四', mobile: '13800000001', bizMail: 'sales@corp.example' }), member('w')]),
    )

    const counts = await site.run(
      company([member('wang', { name: '王五', mobile: '13800000002', bizMail: 'sales@corp.example' }), member('w')]),
      { approved: EVERYTHING },
    )

    assert.deepEqual([counts.users.created, counts.users.deleted, counts.users.failed], [1, 1, 0])
  })

  test('an administrator who seems renamed waits for an owner', async (database) => {
    const site = await (await createWorld(database)).newSite({ onlyHereUsers: 'delete' })
    await site.run(company([member('boss', { name: '张三', mobile: '13800000001' }), member('w')]))
    await site.promote('boss')
    const { id } = await site.user('boss')

    await site.run(company([member('chief', { name: '张三', mobile: '13800000001' }), member('w')]))

    const [review] = await site.reviews('open')
    assert.deepEqual([review!.reason, review!.candidates[0]!.userId], ['privileged', id])
    await assert.rejects(site.resolve(review!.id, { action: 'link', userId: id }, 'operator'), {
      code: 'auth/forbidden',
    })
    await site.resolve(review!.id, { action: 'link', userId: id })
    assert.deepEqual(await site.links(), { chief: id, w: (await site.user('w')).id })
  })

  test('a chain of renamed userids gives nobody the account of another', async (database) => {
    const site = await (await createWorld(database)).newSite({ onlyHereUsers: 'delete' })
    const anna = { name: '安娜', mobile: '13800000001' }
    const bert = { name: '贝特', mobile: '13800000002' }
    await site.run(company([member('a', anna), member('b', bert), member('w')]))
    const [ofAnna, ofBert] = [(await site.user('a')).id, (await site.user('b')).id]

    const after = company([member('b', anna), member('c', bert), member('w')])
    await site.run(after, { approved: EVERYTHING })

    const links = await site.links()
    assert.deepEqual([links.b, links.c], [ofBert, undefined])
    const reviews = new Map((await site.reviews('open')).map((review) => [review.userid, review]))
    assert.deepEqual([reviews.get('b')!.reason, reviews.get('c')!.reason], ['reused', 'conflict'])

    await site.resolve(reviews.get('c')!.id, { action: 'link', userId: ofBert })
    await site.run(after, { approved: EVERYTHING })
    const { b, c } = await site.links()
    assert.deepEqual([c, b === ofAnna, (await site.reviews('open')).length], [ofBert, false, 0])
  })

  test('a userid that was away and shows somebody else is somebody new, whatever the policy for leavers', async (database) => {
    for (const onlyHereUsers of ['ignore', 'disable', 'delete'] as const) {
      const site = await (await createWorld(database)).newSite({ onlyHereUsers })
      const email = { bizMail: 'zs@corp.example' }
      await site.run(company([member('zs', { name: '张三', mobile: '13800000001', ...email }), member('w')]))
      const first = await site.user('zs')
      await site.run(company([member('w')]), { approved: EVERYTHING })

      const after = company([member('zs', { name: '赵四', mobile: '13800000002' }), member('w')])
      if (onlyHereUsers !== 'delete') {
        const incomplete = await site.run(after, { isComplete: false })
        assert.deepEqual([incomplete.users.created, incomplete.users.skipped], [0, 1])
      }
      const counts = await site.run(after)

      assert.deepEqual([counts.users.created, counts.users.failed], [1, 0])
      const { zs } = await site.links()
      assert.notEqual(zs, first.id)
      const old = (await site.all()).find(({ id }) => id === first.id)!
      const kept = { ignore: 'active', disable: 'disabled', delete: 'deleted' }[onlyHereUsers]
      assert.deepEqual([old.status, old.display_name], [kept, '张三'])
      assert.equal(counts.users.unlinked, onlyHereUsers === 'delete' ? 0 : 1)
    }
  })

  test('somebody who was away and shows nothing but another name waits for a person', async (database) => {
    const site = await (await createWorld(database)).newSite({ onlyHereUsers: 'disable' })
    await site.run(company([member('zs', { name: '张三' }), member('w')]))
    await site.run(company([member('w')]), { approved: EVERYTHING })

    await site.run(company([member('zs', { name: '赵四' }), member('w')]))

    assert.equal((await site.reviews('open'))[0]!.reason, 'reused')
    assert.equal((await site.statuses()).zs, 'disabled')
  })

  test('somebody who returns with nothing visible waits for a person, who may know them', async (database) => {
    const site = await (await createWorld(database)).newSite({ onlyHereUsers: 'delete' })
    await site.run(company([member('li', { mobile: '13800000001' }), member('w')]))
    const { id } = await site.user('li')
    await site.run(company([member('w')]), { approved: EVERYTHING })
    const bare = company([member('li', { name: undefined }), member('w')])

    const counts = await site.run(bare)
    assert.deepEqual([counts.users.skipped, counts.users.restored, counts.users.created], [1, 0, 0])
    const [review] = await site.reviews('open')
    assert.equal(review!.reason, 'ambiguous')

    const resolved = await site.resolve(review!.id, { action: 'link', userId: id })
    assert.deepEqual([resolved.state, resolved.userId, (await site.statuses()).li], ['linked', id, 'active'])
    const again = await site.run(bare)
    assert.equal(again.users.skipped, 0)
  })

  test('whoever returns after their username was taken gets a number after it', async (database) => {
    const site = await (await createWorld(database)).newSite({ onlyHereUsers: 'delete' })
    await site.run(company([member('li', { mobile: '13800000001' }), member('w')]))
    const { id } = await site.user('li')
    await site.run(company([member('w')]), { approved: EVERYTHING })
    await site.addBuiltIn('li', null)

    const { counts, warnings } = await site.runWhole(company([member('li', { mobile: '13800000001' }), member('w')]))

    assert.deepEqual([counts.users.restored, counts.users.failed], [1, 0])
    assert.ok(warnings.some(({ code }) => code === 'usernames-numbered'))
    const user = (await site.all()).find((candidate) => candidate.id === id)!
    assert.deepEqual([user.username, user.status], ['li-2', 'active'])
  })
})

function idsOf(reviews: readonly { id: string }[]): string[] {
  return reviews.map(({ id }) => id).sort()
}

function company(members: Member[]): Company {
  return { departments: [{ id: 1, name: '公司', parentId: 0 }], members }
}

function member(userid: string, fields: Partial<Member> = {}): Member {
  return { userid, name: userid, departments: [], status: 1, ...fields }
}

/** An approval of whatever the plan removes. */
const EVERYTHING = { has: () => true } as unknown as ReadonlySet<string>

/** Somebody of flesh and blood, whichever userid they have at present. */
interface Person {
  readonly name: string
  readonly mobile: string
  readonly bizMail: string
}

/** Nothing in common: whoever has the account of a stranger has got it by accident. */
function isStranger(one: Person, other: Person): boolean {
  const sharesMail = one.bizMail !== '' && one.bizMail === other.bizMail
  return one.name !== other.name && one.mobile !== other.mobile && !sharesMail
}

const USERIDS = ['a', 'b', 'c', 'd', 'e', 'f']

/** Ten people, of whom some share a number or an address. */
const PEOPLE: readonly Person[] = Array.from({ length: 10 }, (_, index) => ({
  name: `张${index}`,
  mobile: `1380000000${index === 9 ? 8 : index}`,
  bizMail: index % 3 === 0 ? '' : `${index === 8 ? 7 : index}@corp.example`,
}))

type Assignment = ReadonlyMap<string, Person>

/** Two states of a company: people come, go, change their userid, and get the userid of somebody else. */
function companies(): fc.Arbitrary<[Assignment, Assignment]> {
  const state = fc
    .record({
      people: fc.shuffledSubarray([...PEOPLE], { maxLength: USERIDS.length }),
      userids: fc.shuffledSubarray(USERIDS, { minLength: USERIDS.length }),
    })
    .map(({ people, userids }): Assignment => new Map(people.map((person, index) => [userids[index]!, person])))
  const similar = state.chain((before) =>
    fc
      .record({ left: fc.subarray([...before.keys()]), moved: fc.subarray([...before.keys()]) })
      .map(({ left, moved }): [Assignment, Assignment] => [
        before,
        new Map(
          Array.from(before)
            .filter(([key]) => !left.includes(key))
            .map(([key, person]) => [moved.includes(key) ? `${key}.new` : key, person]),
        ),
      ]),
  )
  return fc.oneof(similar, fc.tuple(state, state))
}

function asCompany(assignment: Assignment): Company {
  return company(Array.from(assignment, ([userid, person]) => member(userid, person)))
}

function builtIns() {
  return fc
    .uniqueArray(
      fc.record({
        username: fc.constantFrom(...USERIDS, 'x', 'y', 'z'),
        role: fc.constantFrom(null, null, 'owner'),
        breakGlass: fc.constantFrom(false, false, true),
        email: fc.constantFrom(null, '1@corp.example', '2@corp.example', '7@corp.example'),
        phone: fc.constantFrom(null, '+8613800000000', '+8613800000001', '+8613800000008'),
      }),
      { maxLength: 5, selector: ({ username, email }) => email ?? username, comparator: 'IsStrictlyEqual' },
    )
    .map((accounts) => [...new Map(accounts.map((account) => [account.username, account])).values()])
}

function policies(): fc.Arbitrary<Policy> {
  return fc.record({
    bindByUsername: fc.boolean(),
    matchFields: fc.subarray<'email' | 'phone'>(['email', 'phone']),
    onlyHereUsers: fc.constantFrom('ignore', 'disable', 'delete'),
  })
}
