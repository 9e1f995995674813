/** Signing in where an account exists already: passwords, and the page that asks whose a member is. */
import assert from 'node:assert/strict'
import { createUser, deleteLink, listLinks, listSignIns, listUsers, updateUser } from '@muster/contracts'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import { extent } from '../server/test-support/extent.ts'
import { PUBLIC_URL, formOf } from './sign-in-browser.ts'
import { addPerson, open, startSignInStack } from './sign-in-stack.ts'

const PASSWORD = 'correct horse battery 7'
/** How often single use is raced. */
const ROUNDS = extent('rounds', { everyday: 2, thorough: 200 }, process.env.MUSTER_TEST_ROUNDS)

onEitherDatabase(({ testWithUrl }) => {
  testWithUrl('who is asked proves an account, or makes a new one; nothing else binds', async (url) => {
    await using stack = await startSignInStack(url, {
      connection: { signIn: { enabled: true, association: 'ask' } },
    })
    for (const userid of ['LiSi', 'WangWu', 'ZhaoLiu']) addPerson(stack, userid, userid)
    const keeper = await stack.ask(createUser, {
      body: { username: 'keeper', displayName: 'Keeper', password: PASSWORD },
    })
    const victim = await stack.ask(createUser, {
      body: { username: 'victim', displayName: 'Victim', password: PASSWORD },
    })
    const nobodyIsIn = async () =>
      assert.deepEqual((await stack.ask(listLinks, { query: {} })).items, [], 'nothing is bound')

    const browser = open(stack)
    const page = await browser.signIn('LiSi')
    assert.equal(page.answer!.status, 200)
    assert.equal(browser.session(), undefined)

    // Without proof, from elsewhere, by another browser, and with an identity of their own.
    assert.equal((await browser.submit(page, 'bind', { username: 'keeper', password: '' })).answer!.status, 403)
    assert.equal((await browser.submit(page, 'bind', { username: 'nobody', password: PASSWORD })).answer!.status, 403)
    const { action, token } = formOf(page.answer, 'bind')
    const fields = { username: 'keeper', password: PASSWORD, token }
    const foreign: Record<string, string>[] = [
      { origin: 'https://evil.example' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { origin: PUBLIC_URL, 'sec-fetch-site': 'none' },
    ]
    for (const headers of foreign) {
      const { status } = await browser.send(action, { method: 'POST', body: new URLSearchParams(fields), headers })
      assert.equal(status, 403, JSON.stringify(headers))
    }
    for (const body of [
      new URLSearchParams({ ...fields, token: 'x' }),
      new URLSearchParams({ ...fields, token: formOf(page.answer, 'create').token }),
    ]) {
      assert.equal((await browser.send(action, { method: 'POST', body })).status, 403)
    }
    const asText = await browser.send(action, {
      method: 'POST',
      body: JSON.stringify(fields),
      headers: { 'content-type': 'text/plain' },
    })
    assert.ok(asText.status >= 400 && asText.status < 500)
    assert.notEqual((await browser.send(`${action}?${new URLSearchParams(fields).toString()}`)).status, 200)
    const stranger = open(stack)
    assert.equal((await stranger.send(action, { method: 'POST', body: new URLSearchParams(fields) })).status, 404)
    await nobodyIsIn()

    const done = await browser.submit(page, 'bind', {
      username: 'KEEPER',
      password: PASSWORD,
      userId: victim.id,
      externalId: 'WangWu',
      connection: 'other',
    })
    assert.equal(done.address, '/account')
    assert.ok(browser.session())
    const [link, ...others] = (await stack.ask(listLinks, { query: {} })).items
    assert.deepEqual([link!.userId, link!.userid, link!.createdBy, others.length], [keeper.id, 'LiSi', 'bind', 0])

    // The ticket is used up, the account is one member's, and the next time nobody is asked.
    assert.notEqual((await browser.send(action, { method: 'POST', body: new URLSearchParams(fields) })).status, 200)
    const second = open(stack)
    const asked = await second.signIn('WangWu')
    const refused = await second.submit(asked, 'bind', { username: 'keeper', password: PASSWORD })
    assert.equal(refused.answer!.status, 403)
    assert.equal(second.session(), undefined)
    assert.equal((await open(stack).signIn('LiSi')).address, '/account')

    const third = open(stack)
    assert.equal((await third.submit(await third.signIn('ZhaoLiu'), 'create')).address, '/account')
    assert.deepEqual(
      (await stack.ask(listUsers, { query: {} })).items.map(({ username, origin }) => [username, origin]),
      [
        ['keeper', 'built_in'],
        ['victim', 'built_in'],
        ['ZhaoLiu', 'wecom'],
      ],
    )

    // Somebody without another way in is signed out when their link goes.
    const own = (await stack.ask(listLinks, { query: {} })).items.find(({ userid }) => userid === 'ZhaoLiu')!
    await stack.ask(deleteLink, { params: { id: own.id } })
    assert.equal((await third.start()).answer!.status, 200)
  })

  testWithUrl('of many answers to the question whose a member is, one counts', async (url) => {
    await using stack = await startSignInStack(url, {
      connection: { signIn: { enabled: true, association: 'ask' } },
    })
    for (let round = 0; round < ROUNDS; round++) {
      const userid = addPerson(stack, `Newcomer${round}`, `新人 ${round}`)
      const { id } = await stack.ask(createUser, {
        body: { username: `keeper${round}`, displayName: 'Keeper', password: PASSWORD },
      })
      const before = await totals()
      const browser = open(stack)
      const page = await browser.signIn(userid)
      const [bind, create] = [formOf(page.answer, 'bind'), formOf(page.answer, 'create')]
      const proof = { username: `keeper${round}`, password: PASSWORD, token: bind.token }

      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          index % 4 === 0
            ? browser.send(bind.action, { method: 'POST', body: new URLSearchParams(proof) })
            : browser.send(create.action, { method: 'POST', body: new URLSearchParams({ token: create.token }) }),
        ),
      )

      assert.ok(answers.every(({ status }) => status < 500))
      const begun = answers.filter(({ headers }) =>
        headers.getSetCookie().some((line) => line.startsWith('muster_session=')),
      )
      assert.equal(begun.length, 1, 'one session')
      const [link, ...others] = (await stack.ask(listLinks, { query: { q: userid } })).items
      assert.equal(others.length, 0)
      const { links, users, admitted } = await totals()
      const isBound = link!.userId === id
      assert.deepEqual(
        [links - before.links, users - before.users, admitted - before.admitted],
        [1, isBound ? 0 : 1, 1],
        isBound ? 'bound' : 'created',
      )
    }

    async function totals() {
      const { total: links } = await stack.ask(listLinks, { query: {} })
      const { total: users } = await stack.ask(listUsers, { query: {} })
      const { total: admitted } = await stack.ask(listSignIns, { query: { outcome: 'succeeded' } })
      return { links, users, admitted }
    }
  })

  testWithUrl('a password opens our pages, and guesses on the binding page count like any others', async (url) => {
    await using stack = await startSignInStack(url, {
      connection: { signIn: { enabled: true, association: 'ask' } },
    })
    addPerson(stack, 'LiSi', '李四')
    const { id } = await stack.ask(createUser, {
      body: { username: 'keeper', displayName: 'Keeper', password: PASSWORD },
    })
    const browser = open(stack)
    const page = await browser.start('/console')

    const wrong = await browser.submit(page, 'password', { username: 'keeper', password: 'wrong' })
    assert.equal(wrong.answer!.status, 403)
    assert.equal(
      (await browser.submit(wrong, 'password', { username: 'keeper', password: PASSWORD })).address,
      '/console',
    )
    assert.ok(browser.session())

    const setByAdmin = 'given out by somebody 1'
    await stack.ask(updateUser, { params: { id }, body: { password: setByAdmin, mustChangePassword: true } })
    const other = open(stack)
    const change = await other.submit(await other.start(), 'password', { username: 'keeper', password: setByAdmin })
    assert.equal(other.session(), undefined)
    const fields = { username: 'keeper', current: setByAdmin }
    const differs = await other.submit(change, 'new-password', {
      ...fields,
      password: 'a whole new one',
      repeated: 'b',
    })
    const weak = await other.submit(differs, 'new-password', { ...fields, password: '12345678', repeated: '12345678' })
    assert.equal(weak.answer!.status, 403)
    const changed = { ...fields, password: 'a whole new one', repeated: 'a whole new one' }
    assert.equal((await other.submit(weak, 'new-password', changed)).address, '/account')
    assert.ok(other.session())

    const guesser = open(stack)
    const binding = await guesser.signIn('LiSi')
    const statuses: number[] = []
    for (let guess = 0; guess < 11; guess++) {
      const { answer } = await guesser.submit(binding, 'bind', { username: 'keeper', password: `guess ${guess}` })
      statuses.push(answer!.status)
    }
    assert.deepEqual([statuses.filter((status) => status === 403).length, statuses.at(-1)], [10, 429])
    const elsewhere = open(stack)
    const locked = await elsewhere.submit(await elsewhere.start(), 'password', {
      username: 'keeper',
      password: 'a whole new one',
    })
    assert.equal(locked.answer!.status, 429)
    assert.ok(Number(locked.answer!.headers.get('retry-after')) > 0)
    const { items } = await stack.ask(listSignIns, { query: { limit: 100 } })
    assert.deepEqual(
      items.filter(({ door }) => door === 'password').map(({ outcome, userId }) => [outcome, userId === id]),
      [
        ['succeeded', true],
        ['succeeded', true],
        ['refused', false],
      ],
    )
  })
})
