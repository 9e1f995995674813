import assert from 'node:assert/strict'
import type { Member } from '@muster/wecom'
import { onEachDatabase } from '../../test-support/databases.ts'
import { outcomes } from '../../test-support/directory.ts'
import { createWorld, type Company, type Policy } from '../../test-support/sync-world.ts'
import type { Database } from '../database/database.ts'

onEachDatabase(({ test }) => {
  test('linked by a decision, the user has the fields of the member at once, and the next run agrees', async (database) => {
    const { site, review, boss } = await privileged(database)

    await assert.rejects(site.resolve(review.id, { action: 'link', userId: boss }, 'operator'), {
      code: 'auth/forbidden',
    })
    const resolved = await site.resolve(review.id, { action: 'link', userId: boss })

    assert.deepEqual([resolved.state, resolved.userId, resolved.formerUserId], ['linked', boss, null])
    const user = await site.user('boss')
    assert.deepEqual([user.display_name, user.phone, user.role], ['老板', '+8613800000001', 'owner'])
    assert.deepEqual((await site.directory()).users.boss!.departments, [[1, 0, false, false]])
    const counts = await site.run(SHOWN)
    assert.deepEqual([counts.users.unchanged, counts.users.updated, counts.users.skipped], [2, 0, 0])
  })

  test('created by a decision, the member is a new user with a number after the name', async (database) => {
    const { site, review, boss } = await privileged(database)

    const { userId } = await site.resolve(review.id, { action: 'create' }, 'operator')

    assert.notEqual(userId, boss)
    assert.deepEqual(await site.usernames(), ['boss', 'boss-2', 'li'])
    assert.deepEqual((await site.directory()).users.boss!.departments, [[1, 0, false, false]])
    const counts = await site.run(SHOWN)
    assert.deepEqual([counts.users.unchanged, counts.users.created], [2, 0])
  })

  test('an ignored member is not asked about again before the question is another one', async (database) => {
    const { site, review } = await privileged(database)
    await site.resolve(review.id, { action: 'ignore' })

    const { counts, changes } = await site.runWhole(SHOWN)
    assert.deepEqual([counts.users.skipped, counts.users.created], [1, 0])
    assert.deepEqual([changes[0]!.reason, changes[0]!.reviewId], ['ignored', review.id])
    assert.deepEqual(await site.reviews('open'), [])

    await site.run(company([member('boss', { name: '另一位' }), member('li')]))
    const [again] = await site.reviews('open')
    assert.deepEqual([again!.memberName, again!.id === review.id], ['另一位', false])
  })

  test('of several who decide at once one does, and the others hear that it is decided', async (database) => {
    const { site, review, boss } = await privileged(database)

    const decisions = await outcomes([
      site.resolve(review.id, { action: 'create' }),
      site.resolve(review.id, { action: 'link', userId: boss }),
      site.resolve(review.id, { action: 'ignore' }),
    ])

    assert.deepEqual(decisions, { done: 1, codes: ['reviews/resolved', 'reviews/resolved'] })
    const [closed] = await site.reviews()
    assert.equal((await site.links()).boss, closed!.userId ?? undefined)
  })

  test('a decision while a run is writing stands, whichever it is', async (database) => {
    for (const action of ['create', 'ignore'] as const) {
      const { site, review } = await privileged(database, { onlyHereUsers: 'disable' })

      // The run has found the question before; it asks WeCom about li and only then writes.
      const { counts } = await site.runWhole(company([SHOWN.members[0]!, member('w')]), {
        approved: { has: () => true } as unknown as ReadonlySet<string>,
        beforeWriting: async () => void (await site.resolve(review.id, { action })),
      })

      assert.equal(counts.users.failed, 0)
      assert.deepEqual(
        (await site.reviews()).map(({ state }) => state),
        [{ create: 'created', ignore: 'ignored' }[action]],
      )
      assert.equal('boss' in (await site.links()), action === 'create')
    }
  })

  test('who is gone, elsewhere, or somebody else already is not linked', async (database) => {
    const world = await createWorld(database)
    const { site, review } = await privileged(database, {}, world)
    const stranger = await (await world.newSite()).addBuiltIn('stranger', null)
    const leaver = await site.addBuiltIn('leaver', null)
    await database.kysely.updateTable('users').set({ status: 'deleted' }).where('id', '=', leaver).execute()
    const link = (userId: string) => site.resolve(review.id, { action: 'link', userId })

    await assert.rejects(link(stranger), { code: 'users/not-found' })
    await assert.rejects(link(leaver), { code: 'users/deleted' })
    await assert.rejects(link((await site.user('li')).id), { code: 'links/taken' })
    await assert.rejects(site.resolve('rev_nobody', { action: 'ignore' }), { code: 'reviews/not-found' })

    assert.equal((await site.reviews('open')).length, 1)
  })

  test('an address that another user has refuses a new user and leaves the question open', async (database) => {
    const site = await (await createWorld(database)).newSite()
    await site.addBuiltIn('boss', 'owner', { email: 'boss@corp.example' })
    await site.run(company([member('boss', { bizMail: 'boss@corp.example' })]))
    const [review] = await site.reviews('open')

    await assert.rejects(site.resolve(review!.id, { action: 'create' }), { code: 'directory/email-taken' })

    assert.deepEqual([(await site.reviews('open')).length, await site.usernames()], [1, ['boss']])
  })

  test('a reused userid that is the same person after all keeps the user and lets the new name in', async (database) => {
    const { site, review, first } = await reused(database)

    await site.resolve(review.id, { action: 'link', userId: first })

    const user = await site.user('zs')
    assert.deepEqual([user.id, user.display_name, user.phone], [first, '赵四', '+8613800000002'])
    assert.equal((await site.run(SOMEBODY_ELSE)).users.unchanged, 2)
  })

  test('a reused userid that is somebody new passes on with its address, and the old user goes as policy says', async (database) => {
    for (const onlyHereUsers of ['ignore', 'disable', 'delete'] as const) {
      const { site, review, first } = await reused(database, { onlyHereUsers })

      const resolved = await site.resolve(review.id, { action: 'create' })

      assert.equal(resolved.formerUserId, first)
      assert.equal((await site.links()).zs, resolved.userId)
      const users = new Map((await site.all()).map((user) => [user.id, user]))
      const [old, fresh] = [users.get(first)!, users.get(resolved.userId!)!]
      const left = { ignore: 'active', disable: 'disabled', delete: 'deleted' }[onlyHereUsers]
      assert.deepEqual([old.status, old.display_name, old.email], [left, '张三', null])
      assert.deepEqual([fresh.display_name, fresh.email, fresh.status], ['赵四', 'zs@corp.example', 'active'])
      const counts = await site.run(SOMEBODY_ELSE)
      assert.deepEqual([counts.users.unchanged, counts.users.skipped], [2, 0])
      const entries = await database.kysely.selectFrom('audit').select(['action', 'target_id']).execute()
      assert.ok(entries.some(({ action, target_id }) => action === 'link.unlink' && target_id === first))
    }
  })

  test('taking the userid from an administrator needs an owner', async (database) => {
    const { site, review } = await reused(database)
    await site.promote('zs')

    await assert.rejects(site.resolve(review.id, { action: 'create' }, 'operator'), { code: 'auth/forbidden' })

    await site.resolve(review.id, { action: 'create' })
    assert.equal((await site.user('zs')).status, 'active')
  })
})

const SHOWN = company([member('boss', { name: '老板', mobile: '13800000001', departments: [{ id: 1 }] }), member('li')])

/** A member who has the login name of an administrator. */
async function privileged(database: Database, policy: Policy = {}, world?: Awaited<ReturnType<typeof createWorld>>) {
  const site = await (world ?? (await createWorld(database))).newSite(policy)
  const boss = await site.addBuiltIn('boss', 'owner')
  await site.run(SHOWN)
  const [review] = await site.reviews('open')
  return { site, boss, review: review! }
}

const MAIL = { bizMail: 'zs@corp.example' }
const SOMEBODY_ELSE = company([member('zs', { name: '赵四', mobile: '13800000002', ...MAIL }), member('w')])

/** A userid that shows another name and another mobile than before. */
async function reused(database: Database, policy: Policy = {}) {
  const site = await (await createWorld(database)).newSite(policy)
  await site.run(company([member('zs', { name: '张三', mobile: '13800000001', ...MAIL }), member('w')]))
  const first = (await site.user('zs')).id
  await site.run(SOMEBODY_ELSE)
  const [review] = await site.reviews('open')
  assert.equal(review!.reason, 'reused')
  return { site, first, review: review! }
}

function company(members: Member[]): Company {
  return { departments: [{ id: 1, name: '公司', parentId: 0 }], members }
}

function member(userid: string, fields: Partial<Member> = {}): Member {
  return { userid, name: userid, departments: [], status: 1, ...fields }
}
