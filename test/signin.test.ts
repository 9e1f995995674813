/** Signing in through WeCom, as browsers and the emulator see it: who gets in, who does not, and what is on record. */
import assert from 'node:assert/strict'
import { listAudit, listSignIns, listUserSessions, listUsers, updateConnection } from '@muster/contracts'
import type { FaultEffect } from '@muster/emulator'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import { extent } from '../server/test-support/extent.ts'
import { PUBLIC_URL } from './sign-in-browser.ts'
import { addPerson, connect, open, pageOf, redemptions, startSignInStack, userOf } from './sign-in-stack.ts'

/** How often single use is raced. */
const ROUNDS = extent('rounds', { everyday: 3, thorough: 200 }, process.env.MUSTER_TEST_ROUNDS)

onEitherDatabase(({ testWithUrl }) => {
  testWithUrl('whoever scans is in, as the user that WeCom shows, and it is on record', async (url) => {
    await using stack = await startSignInStack(url)
    addPerson(stack, 'LiSi', '李四')
    const browser = open(stack)

    const page = await browser.start('/console?x=1')
    assert.equal(page.answer!.status, 200)
    const wecom = new URL(await browser.goToWecom(page))
    assert.equal(wecom.pathname, '/wwlogin/sso/login')
    assert.equal(wecom.searchParams.get('redirect_uri'), `${PUBLIC_URL}/auth/wecom/hq/callback`)
    assert.match(wecom.searchParams.get('state')!, /^[a-zA-Z0-9]{32,128}$/)

    const callback = browser.scan(wecom.href, 'LiSi')
    const answer = await browser.send(callback)
    assert.deepEqual([answer.status, answer.text], [303, ''])
    assert.match(answer.headers.get('location')!, /^\/signin\/page-[0-9a-f]{32}$/)
    assert.deepEqual(
      [answer.headers.get('referrer-policy'), answer.headers.get('cache-control')],
      ['no-referrer', 'no-store'],
    )
    const cookies = answer.headers.getSetCookie().filter((line) => line.startsWith('muster_session='))
    assert.match(cookies[0]!, /; Path=\/; HttpOnly; SameSite=Lax$/)
    assert.equal((await browser.follow(answer.headers.get('location')!)).address, '/console?x=1')

    const user = await userOf(stack, 'LiSi')
    assert.deepEqual(
      [user.displayName, user.origin, user.links.map(({ createdBy }) => createdBy)],
      ['李四', 'wecom', ['signin']],
    )
    assert.ok(user.lastSignInAt !== null && user.links[0]!.lastSignInAt !== null)
    const [entry] = (await stack.ask(listSignIns, { query: { userId: user.id } })).items
    assert.deepEqual([entry!.outcome, entry!.door, entry!.userid, entry!.reason], ['succeeded', 'qr', 'LiSi', null])
    const audit = await stack.ask(listAudit, { query: { targetId: user.id, limit: 10 } })
    assert.ok(audit.items.some(({ action, actor }) => action === 'sign-in.succeed' && actor.id === user.id))
    const { text } = await stack.send(`/api/v1/users/${user.id}/timeline`)
    const kinds = (JSON.parse(text) as { items: { kind: string }[] }).items.map(({ kind }) => kind)
    assert.equal(kinds.filter((kind) => kind === 'sign_in').length, 1)

    // The same address once more, here and elsewhere.
    const first = browser.session()
    assert.notEqual((await browser.follow(callback)).answer!.status, 500)
    assert.equal(browser.session(), first)
    const thief = open(stack)
    assert.equal((await thief.follow(callback)).answer!.status, 403)
    assert.equal(thief.session(), undefined)
    assert.equal(redemptions(stack), 1)

    // Somebody who comes back is the same user, in a session of its own; with one, nobody is asked again.
    assert.equal((await browser.start('/console')).address, '/console')
    const again = open(stack)
    again.jar.set('muster_session', { value: 'A'.repeat(43), path: '/' })
    await again.signIn('LiSi')
    assert.notEqual(again.session(), 'A'.repeat(43))
    assert.notEqual(again.session(), first)
    assert.equal((await stack.ask(listUsers, { query: {} })).total, 1)
    const sessions = async () => (await stack.ask(listUserSessions, { params: { id: user.id }, query: {} })).total
    assert.equal(await sessions(), 2)

    // Another person in the same browser: the session of the one before is worth nothing afterwards.
    addPerson(stack, 'WangWu', '王五')
    const wangs = open(stack)
    await wangs.signIn('WangWu')
    const lis = again.session()!
    const wang = wangs.session()!
    again.jar.delete('muster_session')
    const fresh = await again.goToWecom()
    again.jar.set('muster_session', { value: wang, path: '/' })
    await again.follow(again.scan(fresh, 'LiSi'))
    assert.notEqual(again.session(), wang)
    assert.notEqual(again.session(), lis)
    assert.equal((await wangs.start()).answer!.status, 200)
    assert.doesNotMatch(stack.server.log(), /李四|LiSi|code=|state=/)
  })

  testWithUrl('a callback that nobody here has begun gets nothing, and WeCom is not asked', async (url) => {
    await using stack = await startSignInStack(url)
    addPerson(stack, 'LiSi', '李四')
    await connect(stack, 'second')
    const mint = () =>
      stack.control.mintCode({ corpId: stack.corpId, agentId: stack.app.agentId, identity: { userid: 'LiSi' } }).code
    const browser = open(stack)
    const state = new URL(await browser.goToWecom(await pageOf(browser, 'hq'))).searchParams.get('state')!
    const other = new URL(await browser.goToWecom(await pageOf(browser, 'second'))).searchParams.get('state')!
    const code = mint()
    const at = '/auth/wecom/hq/callback'
    const forged = [
      `${at}?code=${code}`,
      `${at}?code=${code}&state=`,
      `${at}?code=${code}&state=x`,
      `${at}?code=${code}&state=${state}&state=${state}`,
      `${at}?code=${code}&state[]=${state}`,
      `${at}?code=${code}&state[0]=${state}`,
      `${at}?code=${code}&State=${state}`,
      `${at}?code=${code}&state=${state.toUpperCase()}`,
      `${at}?code=${code}&state=${state.slice(0, -1)}`,
      `${at}?code=${code}&state=${state}0`,
      `${at}?code=${code}&state=%20${state}`,
      `${at}?code=${code}&state=${'0'.repeat(40)}`,
      `${at}?code=${code}&code=${code}&state=${state}`,
      `${at}?code=&state=${state}`,
      `${at}?code=${'x'.repeat(513)}&state=${state}`,
      `${at}?code=a%0Ab&state=${state}`,
      `${at}?code=a%20b&state=${state}`,
      `${at}?state=${other}&code=${code}`,
      `/auth/wecom/second/callback?code=${code}&state=${state}`,
      `/auth/wecom/nobody/callback?code=${code}&state=${state}`,
      `/auth/wecom/callback?code=${code}&state=${state}`,
      at,
    ]

    for (const path of forged) {
      const place = await browser.follow(path)
      assert.equal(place.answer!.status, 403, path)
      assert.match(place.address, /^\/signin\/refused\?reason=state-invalid&reference=[0-9A-Z-]{12}$/, path)
    }
    for (const path of [`${at}?code=a%00b&state=${state}`, `${at}?code=${'x'.repeat(20_000)}&state=${state}`]) {
      const { status } = await browser.send(path)
      assert.ok(status >= 400 && status < 500, `${status} ${path.slice(0, 60)}`)
    }
    assert.ok((await browser.send(`${at}?${'a=1&'.repeat(2_000)}code=${code}`)).status < 500)
    assert.equal(redemptions(stack), 0)
    assert.equal(browser.session(), undefined)
    const { items } = await stack.ask(listSignIns, { query: { limit: 500 } })
    const reasons = new Set(items.map(({ reason }) => reason))
    assert.deepEqual([...reasons], ['state-invalid'])

    // Nothing of it has used up the honest attempt.
    assert.equal((await browser.follow(`${at}?code=${code}&state=${state}`)).address, '/account')
    assert.ok(browser.session())
  })

  testWithUrl('of many callbacks at once, one is redeemed and one session begins', async (url) => {
    await using stack = await startSignInStack(url)
    addPerson(stack, 'LiSi', '李四')
    for (let round = 0; round < ROUNDS; round++) {
      const browser = open(stack)
      const callback = browser.scan(await browser.goToWecom(), 'LiSi')
      stack.control.clearCalls()

      const answers = await Promise.all(Array.from({ length: 20 }, () => browser.send(callback)))

      assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([303]))
      const begun = answers.flatMap(({ headers }) =>
        headers.getSetCookie().filter((line) => line.startsWith('muster_session=')),
      )
      assert.equal(begun.length, 1)
      assert.equal(redemptions(stack), 1)
    }
    const user = await userOf(stack, 'LiSi')
    assert.equal((await stack.ask(listUserSessions, { params: { id: user.id }, query: {} })).total, ROUNDS)
  })

  testWithUrl('another browser is let nowhere, and may send the first one on with the right number', async (url) => {
    await using stack = await startSignInStack(url)
    addPerson(stack, 'LiSi', '李四')

    const first = open(stack)
    const page = await first.start()
    const second = open(stack)
    const asked = await second.follow(second.scan(await first.goToWecom(page), 'LiSi'))
    assert.deepEqual([asked.address, asked.answer!.status], ['/signin/number', 200])
    assert.equal(second.session(), undefined)
    const shown = await first.follow(page.address)
    const number = />\s*(\d\d)\s*</.exec(shown.answer!.text)![1]!
    assert.equal((await first.send(`${page.address}/status`)).json['state'], 'elsewhere')
    const stranger = open(stack)
    assert.equal((await stranger.follow('/signin/number')).answer!.status, 404)
    assert.equal((await stranger.follow(page.address)).answer!.status, 404)

    const wrong = await second.submit(asked, 'number', { number: number === '10' ? '11' : '10' })
    assert.equal(wrong.answer!.status, 403)
    assert.equal((await second.submit(wrong, 'number', { number })).answer!.status, 200)

    assert.equal((await first.follow(page.address)).address, '/account')
    assert.ok(first.session())
    assert.equal(second.session(), undefined)

    // Three wrong ones end the attempt, also when they come at once.
    const third = open(stack)
    const begun = await third.start()
    const carrier = open(stack)
    const question = await carrier.follow(carrier.scan(await third.goToWecom(begun), 'LiSi'))
    const real = />\s*(\d\d)\s*</.exec((await third.follow(begun.address)).answer!.text)![1]!
    const guesses = Array.from({ length: 100 - 10 }, (_, index) => String(index + 10)).filter((one) => one !== real)
    await Promise.all(guesses.slice(0, 12).map((guess) => carrier.submit(question, 'number', { number: guess })))
    assert.equal((await carrier.submit(question, 'number', { number: real })).answer!.status, 404)
    assert.equal((await third.follow(begun.address)).answer!.status, 403)
    assert.equal(third.session(), undefined)
    const { items } = await stack.ask(listSignIns, { query: { outcome: 'refused' } })
    assert.deepEqual(
      items.map(({ reason }) => reason),
      ['number-wrong'],
    )
  })

  testWithUrl('a door that is closed in between lets nobody through', async (url) => {
    await using stack = await startSignInStack(url)
    addPerson(stack, 'LiSi', '李四')
    const change = (signIn: { enabled: boolean }, rest = {}) =>
      stack.ask(updateConnection, { params: { id: 'hq' }, body: { signIn, ...rest } })
    const begun = async () => {
      const browser = open(stack)
      const page = await browser.start()
      return { browser, page, callback: browser.scan(await browser.goToWecom(page), 'LiSi') }
    }
    const [off, replaced, inSession, button] = [await begun(), await begun(), open(stack), await begun()]
    await inSession.signIn('LiSi')
    assert.ok(inSession.session())
    stack.control.clearCalls()

    await change({ enabled: false })
    assert.equal((await off.browser.follow(off.callback)).answer!.status, 403)
    assert.equal((await button.browser.follow(button.browser.wecomLink(button.page))).answer!.status, 403)
    const afresh = await open(stack).start()
    assert.equal(afresh.answer!.status, 200, 'a password still opens our own pages')
    assert.doesNotMatch(afresh.answer!.text, /\/go\?/)
    assert.equal((await inSession.start()).answer!.status, 200, 'the session that came through it has ended')

    await change(
      { enabled: true },
      { secret: stack.control.resetSecret({ corpId: stack.corpId, agentId: stack.app.agentId }).secret },
    )
    assert.equal((await replaced.browser.follow(replaced.callback)).answer!.status, 403)
    assert.equal(redemptions(stack), 0)
    const { items } = await stack.ask(listSignIns, { query: { outcome: 'refused' } })
    assert.deepEqual(new Set(items.map(({ reason }) => reason)), new Set(['sign-in-off', 'connection-changed']))

    const removed = await begun()
    await stack.send('/api/v1/connections/hq?confirm=hq', { method: 'DELETE' })
    assert.equal((await removed.browser.follow(removed.callback)).answer!.status, 403)
    assert.equal(redemptions(stack), 0)
  })

  testWithUrl('nobody who is not a member comes in, whatever WeCom calls them', async (url) => {
    await using stack = await startSignInStack(url)
    const identities = [
      { openid: 'o-stranger' },
      { openid: 'o-customer', externalUserid: 'wm-customer' },
      { userid: 'wwother/LiSi' },
    ]
    for (const who of identities) {
      const browser = open(stack)
      const { redirectUrl } = stack.control.completeLogin({ url: await browser.goToWecom(), who })
      const { pathname, search } = new URL(redirectUrl)

      const place = await browser.follow(pathname + search)

      assert.equal(place.answer!.status, 403, JSON.stringify(who))
      assert.equal(browser.session(), undefined)
    }
    addPerson(stack, 'LiSi', '李四')
    for (const userid of [undefined, '', null, [], ['LiSi'], { userid: 'LiSi' }, true]) {
      const value = { errcode: 0, errmsg: 'ok', userid }
      const fault = stack.control.addFault({ endpoint: 'auth/getuserinfo', effect: { kind: 'json', value } })
      const browser = open(stack)
      const place = await browser.follow(browser.scan(await browser.goToWecom(), 'LiSi'))
      stack.control.removeFault({ id: fault.id })

      assert.equal(place.answer!.status, 403, JSON.stringify(value))
      assert.equal(browser.session(), undefined)
    }
    assert.equal((await stack.ask(listUsers, { query: {} })).total, 0)
  })

  testWithUrl('when WeCom fails, a page says so soon, and nobody asks it for ever', async (url) => {
    await using stack = await startSignInStack(url, { settings: { MUSTER_WECOM_CALL_TIMEOUT_MS: '400' } })
    addPerson(stack, 'LiSi', '李四')
    const warm = open(stack)
    await warm.signIn('LiSi')
    const effects: FaultEffect[] = [
      { kind: 'errcode', errcode: -1 },
      { kind: 'status', status: 502 },
      { kind: 'hang' },
      { kind: 'cut', bytes: 10 },
      { kind: 'html' },
    ]
    for (const endpoint of ['auth/getuserinfo', 'user/get']) {
      for (const effect of effects) {
        const fault = stack.control.addFault({ endpoint, effect })
        const browser = open(stack)
        const callback = browser.scan(await browser.goToWecom(), 'LiSi')
        stack.control.clearCalls()

        const place = await browser.follow(callback)

        assert.equal(place.answer!.status, 403, `${endpoint} ${JSON.stringify(effect)}`)
        assert.equal(browser.session(), undefined)
        const calls = stack.control.countCalls({ endpoint }).count
        assert.ok(calls >= 1 && calls <= 3, `${calls} calls of ${endpoint} with ${JSON.stringify(effect)}`)
        stack.control.removeFault({ id: fault.id })
        assert.equal((await browser.follow(browser.scan(await browser.goToWecom(), 'LiSi'))).address, '/account')
      }
    }
    const { items } = await stack.ask(listSignIns, { query: { outcome: 'failed', limit: 100 } })
    assert.deepEqual([items.length, new Set(items.map(({ reason }) => reason))], [10, new Set(['wecom-unavailable'])])
  })
})
