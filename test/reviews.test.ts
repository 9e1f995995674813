/** People about whom sync is not sure, through the API: they wait, a person decides, and it takes effect at once. */
import assert from 'node:assert/strict'
import {
  createAdministrator,
  createApiToken,
  createUser,
  deleteConnection,
  explainMember,
  getConnection,
  getReview,
  getUser,
  listAudit,
  listChanges,
  listLinks,
  listReviews,
  listUsers,
  resolveReview,
  updateConnection,
  type User,
} from '@muster/contracts'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import { createClient } from './client.ts'
import { startStack, type Stack } from './stack.ts'

onEitherDatabase(({ testWithUrl }) => {
  testWithUrl('members with the names of administrators wait on the list until somebody decides', async (url) => {
    await using stack = await startStack(url, { people: 12 })
    const [first, second, third] = stack.control.truth(stack).members.map(({ userid }) => userid)
    const admins = new Map<string, string>()
    for (const username of [first!, second!, third!]) {
      const { id } = await stack.ask(createUser, { body: { username, displayName: username } })
      await stack.ask(createAdministrator, { body: { userId: id, role: 'operator' } })
      admins.set(username, id)
    }
    const { token } = await stack.ask(createApiToken, { body: { name: 'operator', role: 'operator' } })
    const operator = createClient(stack.server.origin, token)

    const run = await stack.syncOnce()
    assert.deepEqual([run.state, run.counts.users.skipped, run.counts.users.linked], ['succeeded', 3, 0])
    assert.ok(run.warnings.some(({ code }) => code === 'reviews-open'))

    const reviews = await everyReview(stack, 2)
    assert.deepEqual(reviews.map(({ userid }) => userid).sort(), [first, second, third].sort())
    assert.ok(
      reviews.every(
        ({ reason, state, candidates }) => reason === 'privileged' && state === 'open' && candidates.length === 1,
      ),
    )
    for (const { userid, member } of reviews) {
      const { name, position } = stack.control.truth(stack).members.find((one) => one.userid === userid)!
      assert.deepEqual([member.displayName, member.title], [name, position === '' ? null : position])
      assert.deepEqual(member.withheld, [])
    }
    const found = await stack.ask(listReviews, {
      query: { connection: 'hq', state: 'open', reason: 'privileged', q: first!.toUpperCase() },
    })
    assert.deepEqual(
      found.items.map(({ userid }) => userid),
      [first],
    )
    assert.equal((await stack.ask(listReviews, { query: { state: 'ignored' } })).total, 0)
    const { items: skipped } = await stack.ask(listChanges, { params: { id: run.id }, query: { state: 'skipped' } })
    assert.deepEqual(skipped.map(({ reviewId }) => reviewId).sort(), reviews.map(({ id }) => id).sort())

    const reviewOf = (userid: string) => reviews.find((review) => review.userid === userid)!
    const link = { params: { id: reviewOf(first!).id }, body: { action: 'link', userId: admins.get(first!)! } } as const
    await assert.rejects(operator.ask(resolveReview, link), { status: 403, code: 'auth/forbidden' })
    const linked = await stack.ask(resolveReview, link)
    assert.deepEqual([linked.state, linked.userId], ['linked', admins.get(first!)])
    await assert.rejects(stack.ask(resolveReview, link), { status: 409, code: 'reviews/resolved' })
    const created = await operator.ask(resolveReview, {
      params: { id: reviewOf(second!).id },
      body: { action: 'create' },
    })
    await operator.ask(resolveReview, { params: { id: reviewOf(third!).id }, body: { action: 'ignore' } })
    assert.deepEqual(await stack.ask(getReview, { params: { id: created.id } }), created)

    // At once: everybody but the one who was ignored is as WeCom shows them, before any other run.
    assert.deepEqual(await stack.mistakes((userid) => userid !== third!.toLowerCase()), [])
    assert.equal((await stack.ask(getUser, { params: { id: created.userId! } })).username, `${second}-2`)
    const { items: entries } = await stack.ask(listAudit, { query: { limit: 500 } })
    const actions = entries.map(({ action }) => action)
    for (const action of ['review.link', 'review.create', 'review.ignore']) assert.ok(actions.includes(action))

    const again = await stack.syncOnce()
    assert.deepEqual([again.counts.users.created, again.counts.users.updated, again.counts.users.skipped], [0, 0, 1])
    assert.equal((await stack.ask(listReviews, { query: { state: 'open' } })).total, 0)
    await stack.ask(deleteConnection, { params: { id: 'hq' }, query: { confirm: 'hq' } })
    assert.equal((await stack.ask(listReviews, {})).total, 0)
  })

  testWithUrl(
    'a break-glass account is linked by an owner only, and outlives its member and its connection',
    async (url) => {
      await using stack = await startStack(url, {
        people: 12,
        connection: { sync: { enabled: true, users: { onlyHere: 'delete' } } },
      })
      const { userid } = stack.control.truth(stack).members.at(-1)!
      const body = { username: userid, displayName: 'Emergency access', password: 'correct horse', breakGlass: true }
      const { id } = await stack.ask(createUser, { body })
      const { token } = await stack.ask(createApiToken, { body: { name: 'operator', role: 'operator' } })
      const operator = createClient(stack.server.origin, token)
      await stack.syncOnce()
      const { items } = await stack.ask(listReviews, {})
      const told = await stack.ask(explainMember, { params: { id: 'hq' }, body: { userid } })
      const link = { params: { id: items[0]!.id }, body: { action: 'link', userId: id } } as const

      await assert.rejects(operator.ask(resolveReview, link), { status: 403, code: 'auth/forbidden' })
      await stack.ask(resolveReview, link)
      stack.control.patchMember({ corpId: stack.corpId, userid, patch: { enable: 0, status: 2 } })
      const disabled = await stack.syncOnce()
      stack.control.removeMembers({ corpId: stack.corpId, userids: [userid] })
      const removed = await stack.syncOnce()
      const told2 = await stack.ask(explainMember, { params: { id: 'hq' }, body: { userid } })

      assert.deepEqual(
        items.map(({ userid: who, reason }) => [who, reason]),
        [[userid, 'privileged']],
      )
      assert.match(told.steps.find(({ step }) => step === 'match')!.detail, /break-glass/)
      assert.deepEqual([disabled.counts.users.disabled, disabled.counts.users.skipped], [0, 1])
      const { items: skipped } = await stack.ask(listChanges, {
        params: { id: disabled.id },
        query: { state: 'skipped' },
      })
      assert.equal(skipped[0]!.reason, 'break-glass')
      assert.deepEqual([removed.counts.users.deleted, removed.counts.users.held], [0, 0])
      assert.match(told2.steps.find(({ step }) => step === 'decide')!.detail, /break-glass/)
      await stack.ask(deleteConnection, { params: { id: 'hq' }, query: { confirm: 'hq' } })
      const after = await stack.ask(getUser, { params: { id } })
      assert.deepEqual([after.status, after.breakGlass, after.hasPassword, after.links], ['active', true, true, []])
    },
  )

  testWithUrl('a decision to create gives the username of the mapping, numbered where it is taken', async (url) => {
    await using stack = await startStack(url, { people: 4 })
    const { corpId, control } = stack
    const { mapping } = (await stack.ask(getConnection, { params: { id: 'hq' } })).sync
    const named = { to: 'username', from: 'name', use: 'pinyin' as const }
    const body = { sync: { mapping: [named, ...mapping.filter(({ to }) => to !== 'username')] } }
    await stack.ask(updateConnection, { params: { id: 'hq' }, body })
    const userids = ['n1', 'n2']
    for (const [index, userid] of userids.entries()) {
      const { id } = await stack.ask(createUser, { body: { username: userid, displayName: userid } })
      await stack.ask(createAdministrator, { body: { userId: id, role: 'operator' } })
      const member = { userid, name: '欧阳娜', department: [1], mobile: `1390000000${index}` }
      control.addMember({ corpId, member })
    }
    await stack.syncOnce()
    const { items: reviews } = await stack.ask(listReviews, { query: { state: 'open' } })

    const users: User[] = []
    for (const userid of userids) {
      const review = reviews.find((one) => one.userid === userid)!
      const { userId } = await stack.ask(resolveReview, { params: { id: review.id }, body: { action: 'create' } })
      users.push(await stack.ask(getUser, { params: { id: userId! } }))
    }

    assert.deepEqual(
      users.map(({ username, links }) => [username, links[0]?.userid]),
      [
        ['ouyangna', 'n1'],
        ['ouyangna-2', 'n2'],
      ],
    )
    assert.deepEqual(await stack.mistakes(), [])
    const next = await stack.syncOnce()
    assert.deepEqual([next.counts.users.created, next.counts.users.updated, next.counts.users.skipped], [0, 0, 0])
  })

  testWithUrl('a decision that says too little or too much is refused', async (url) => {
    await using stack = await startStack(url, { people: 12 })
    const post = (body: unknown, id = 'rev_none') =>
      stack.send(`/api/v1/reviews/${id}/resolve`, {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      })

    for (const body of [
      {},
      { action: 'link' },
      { action: 'create', userId: 'usr_01jd3v0w6k9m2q4r8t0x5y7z1c' },
      { action: 'x' },
    ]) {
      const { status, json } = await post(body)
      assert.deepEqual([status, json.code], [400, 'http/validation'])
    }
    const { status, json } = await post({ action: 'ignore' })
    assert.deepEqual([status, json.code], [404, 'reviews/not-found'])
  })

  testWithUrl('a userid that was renamed, also twice in a chain, keeps its user', async (url) => {
    await using stack = await startStack(url, { people: 12 })
    await stack.ask(updateConnection, { params: { id: 'hq' }, body: { sync: { users: { onlyHere: 'delete' } } } })
    await stack.syncOnce()
    // Nobody's leader: the people of a leader change with the leader's userid.
    const { userid } = stack.control.truth(stack).members.at(-1)!
    const before = await userIdOf(stack, userid)
    const { corpId, control } = stack

    for (const [from, to] of [
      [userid, 'renamed.once'],
      ['renamed.once', 'renamed.twice'],
    ] as const) {
      control.renameMember({ corpId, userid: from, newUserid: to })
      const run = await stack.syncOnce()
      assert.deepEqual([run.state, run.counts.users.created, run.counts.users.deleted], ['succeeded', 0, 0])
      assert.equal(run.counts.users.updated, 1)
      const { items } = await stack.ask(listChanges, { params: { id: run.id }, query: { entity: 'link' } })
      assert.deepEqual(
        items.map(({ action, before: was, after }) => [action, was, after]),
        [['update', { userid: from }, { userid: to }]],
      )
      assert.equal(await userIdOf(stack, to), before)
    }
    assert.deepEqual(await stack.mistakes(), [])
  })

  testWithUrl(
    'a userid of somebody else is reviewed, and the chosen fields link what is there already',
    async (url) => {
      await using stack = await startStack(url, { people: 12 })
      const { corpId, control } = stack
      const [reused, known] = control.truth(stack).members.slice(0, 2)
      const { id } = await stack.ask(createUser, {
        body: { username: 'here.before', displayName: 'Here before', phone: known!.mobile },
      })
      await stack.ask(updateConnection, { params: { id: 'hq' }, body: { sync: { matchFields: ['phone'] } } })
      await stack.syncOnce()
      assert.equal(await userIdOf(stack, known!.userid), id)
      const first = await userIdOf(stack, reused!.userid)

      // As the console of WeCom can, and its API cannot once somebody has signed in.
      const somebodyElse = { name: '另一位', mobile: '13900000999' }
      control.patchMember({ corpId, userid: reused!.userid, patch: somebodyElse, unchecked: true })
      await stack.syncOnce()
      const { items } = await stack.ask(listReviews, { query: { state: 'open' } })
      assert.deepEqual(
        items.map(({ reason, candidates }) => [reason, candidates]),
        [['reused', [{ userId: first, matchedOn: 'userid', userid: reused!.userid }]]],
      )
      const resolved = await stack.ask(resolveReview, { params: { id: items[0]!.id }, body: { action: 'create' } })

      assert.equal(resolved.formerUserId, first)
      assert.equal(await userIdOf(stack, reused!.userid), resolved.userId)
      const old = await stack.ask(getUser, { params: { id: first } })
      assert.deepEqual([old.links, old.displayName === '另一位'], [[], false])
      assert.equal((await stack.syncOnce()).counts.users.unchanged, 12)
      assert.equal((await stack.ask(listUsers, { query: { q: '另一位' } })).total, 1)
    },
  )
})

async function everyReview(stack: Stack, limit: number) {
  const all = []
  for (let cursor: string | undefined; ;) {
    const page = await stack.ask(listReviews, { query: { limit, cursor } })
    all.push(...page.items)
    assert.equal(page.total, 3)
    if (page.nextCursor === null) return all
    cursor = page.nextCursor
  }
}

async function userIdOf(stack: Stack, userid: string): Promise<string> {
  const { items } = await stack.ask(listLinks, { query: { connection: 'hq', limit: 500 } })
  return items.find((link) => link.userid.toLowerCase() === userid.toLowerCase())!.userId
}
