/** Signing in through apps of a provider, in whole flows: people of several companies (product.md §5, threats.md SI-15). */
import assert from 'node:assert/strict'
import { createApplication, listEvents, listSignIns, listUsers, updateConnection, type Corp } from '@muster/contracts'
import * as client from 'openid-client'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import { createClient } from './client.ts'
import { eventually } from './eventually.ts'
import { startProviderStack } from './provider-stack.ts'
import { PUBLIC_URL, type Place, type SignInBrowser } from './sign-in-browser.ts'
import { addPerson, open } from './sign-in-stack.ts'
import type { Stack } from './stack.ts'
import { addSuite, startSuiteStack } from './suite-stack.ts'
import { createVisitor } from './visitor.ts'

const APP = 'https://app.corp.example/callback'

onEitherDatabase(({ testWithUrl }) => {
  testWithUrl('people of every authorised company come in through a provider, and of no other', async (url) => {
    await using stack = await startSuiteStack(url, { kind: 'service_provider' })
    const [first, second] = stack.companies
    const third = stack.control.createCompany({ people: 12, seed: 'third' }).corpId
    addPerson({ ...stack, corpId: third }, 'admin', '管理员')
    const [ofFirst, ofSecond, ofThird] = [open(stack), open(stack), open(stack)]

    const login = new URL(await ofFirst.goToWecom())
    assert.deepEqual(
      [login.pathname, ...['login_type', 'appid', 'agentid'].map((name) => login.searchParams.get(name))],
      ['/wwlogin/sso/login', 'ServiceApp', stack.suiteId, null],
    )
    assert.equal((await enter(ofFirst, 'admin', first)).address, '/account')
    assert.equal((await enter(ofSecond, 'admin', second)).address, '/account')
    const refused = await enter(ofThird, 'admin', third)

    assert.equal(refused.answer!.status, 403)
    assert.match(refused.answer!.text, /Your company does not use this service/)
    assert.equal(ofThird.session(), undefined)
    const users = await newcomers(stack)
    assert.equal(users.length, 2, 'the same userid in two companies is two people')
    const corps = await stack.corps()
    const log = (await stack.ask(listSignIns, { query: {} })).items.toReversed()
    assert.deepEqual(
      log.map(({ outcome, reason, userId }) => [outcome, reason, users.some(({ id }) => id === userId)]),
      [
        ['succeeded', null, true],
        ['succeeded', null, true],
        ['refused', 'corp-not-authorised', false],
      ],
    )
    const known = log.map(({ corpId }) => corps.find((corp) => corp.corpId === corpId)?.name)
    assert.deepEqual(known, ['甲公司', '乙公司', undefined])
    assert.ok(log[2]!.corpId !== null && log[2]!.userid !== null, 'who it was is in the log all the same')
    assert.equal((await enter(open(stack), 'admin', first)).address, '/account')
    assert.equal((await newcomers(stack)).length, 2, 'the same person the next time')
  })

  testWithUrl('inside the client there is no page, only the suite; a code is good once', async (url) => {
    await using stack = await startSuiteStack(url, { kind: 'service_provider' })
    const [first] = stack.companies
    const inside = open(stack, { agent: 'wecom' })

    const { address } = await inside.start()
    const oauth = new URL(address)
    assert.deepEqual(
      [oauth.pathname, oauth.searchParams.get('appid'), oauth.searchParams.has('agentid'), oauth.hash],
      ['/connect/oauth2/authorize', stack.suiteId, false, '#wechat_redirect'],
    )
    const back = inside.scan(address, 'admin', first)
    assert.equal((await inside.follow(back)).address, '/account')

    const thief = open(stack, { agent: 'wecom' })
    assert.equal((await thief.follow(back)).answer!.status, 403, 'the state is used up')
    const own = await thief.start()
    const stolen = new URL(own.address).searchParams.get('state')!
    const code = new URL(back, 'http://muster').searchParams.get('code')!
    const again = await thief.follow(`/auth/wecom/suite/callback?state=${stolen}&code=${code}`)
    assert.match(again.address, /connect\/oauth2\/authorize/, 'a code that is used up begins anew')
    assert.equal(thief.session(), undefined)
  })

  testWithUrl('a company that cancels loses its people’s sessions, and no other company does', async (url) => {
    await using stack = await startSuiteStack(url, { kind: 'service_provider' })
    const [first, second] = stack.companies
    const [ofFirst, ofSecond, underWay] = [open(stack), open(stack), open(stack)]
    await enter(ofFirst, 'admin', first)
    await enter(ofSecond, 'admin', second)
    const begun = await underWay.goToWecom()

    await stack.cancel(first)

    assert.match((await ofFirst.follow('/account')).address, /^\/signin\//)
    assert.equal((await ofSecond.follow('/account')).address, '/account')
    const refused = await underWay.follow(underWay.scan(begun, 'admin', first))
    assert.equal(refused.answer!.status, 403)
    assert.match(refused.answer!.text, /Your company does not use this service/)
    assert.equal((await newcomers(stack)).length, 2, 'the people stay')
    await stack.authorize(first)
    assert.equal((await enter(ofFirst, 'admin', first)).address, '/account')
    assert.equal((await newcomers(stack)).length, 2, 'who comes back is who they were')
  })

  testWithUrl(
    'what an application was given for somebody ends with their company, and for nobody else',
    async (url) => {
      await using stack = await startSuiteStack(url, { kind: 'delegated' })
      const [first] = stack.companies
      const { clientId, clientSecret } = await stack.ask(createApplication, {
        body: { name: 'GitLab', redirectUris: [APP], connections: ['suite'] },
      })
      const config = await client.discovery(new URL(`${PUBLIC_URL}/oidc`), clientId, clientSecret!, undefined, {
        execute: [client.allowInsecureRequests],
        [client.customFetch]: (address, options) =>
          // oxlint-disable-next-line no-restricted-globals -- the rule is the product's; a test needs no pool of connections
          fetch(address.replace(PUBLIC_URL, stack.server.origin), options),
      })
      const verifier = client.randomPKCECodeVerifier()
      const ask = async (browser: SignInBrowser, corpId: string, more: Record<string, string> = {}) => {
        const address = client.buildAuthorizationUrl(config, {
          redirect_uri: APP,
          scope: 'openid offline_access',
          code_challenge: await client.calculatePKCECodeChallenge(verifier),
          code_challenge_method: 'S256',
          connection: 'suite',
          corp: corpId,
          ...more,
        })
        return browser.follow(address.pathname + address.search)
      }
      const come = async (browser: SignInBrowser, corpId: string) => {
        const arrived = await browser.follow(browser.scan(await browser.goToWecom(await ask(browser, corpId)), 'admin'))
        assert.ok(arrived.address.startsWith(`${APP}?`), arrived.address)
        return new URL(arrived.address)
      }
      const redeem = (address: URL) => client.authorizationCodeGrant(config, address, { pkceCodeVerifier: verifier })
      const corps = await stack.corps()
      const corpOf = (name: string) => corps.find((corp) => corp.name === name)!.corpId
      const [ofFirst, ofSecond, late] = [open(stack), open(stack), open(stack)]
      const tokens = await redeem(await come(ofFirst, corpOf('甲公司')))
      const others = await redeem(await come(ofSecond, corpOf('乙公司')))
      const unredeemed = await come(late, corpOf('甲公司'))

      await stack.cancel(first)

      const { sub } = tokens.claims()!
      await assert.rejects(client.fetchUserInfo(config, tokens.access_token, sub), { status: 401 })
      await assert.rejects(client.refreshTokenGrant(config, tokens.refresh_token!), { error: 'invalid_grant' })
      await assert.rejects(redeem(unredeemed), { error: 'invalid_grant' })
      assert.match((await ask(ofFirst, corpOf('甲公司'), { prompt: 'none' })).address, /error=login_required/)
      assert.ok((await client.refreshTokenGrant(config, others.refresh_token!)).access_token)
    },
  )

  testWithUrl(
    'whoever is signed in from one company is nobody of the other one that an application names',
    async (url) => {
      await using stack = await startSuiteStack(url, { kind: 'delegated' })
      const { clientId } = await stack.ask(createApplication, {
        body: { name: 'CRM', redirectUris: [APP], connections: ['suite'], skipSignInPage: true },
      })
      const corps = await stack.corps()
      const corpOf = (name: string) => corps.find((corp) => corp.name === name)!.corpId
      const ask = (corp: string, more: Record<string, string> = {}) => {
        const parameters = {
          client_id: clientId,
          redirect_uri: APP,
          response_type: 'code',
          scope: 'openid',
          corp,
          ...more,
        }
        return `/oidc/auth?${new URLSearchParams(parameters).toString()}`
      }
      const browser = open(stack)
      const first = await browser.follow(browser.scan((await browser.follow(ask(corpOf('甲公司')))).address, 'admin'))
      assert.match(first.address, /[?&]code=/)
      assert.match((await browser.follow(ask(corpOf('甲公司')))).address, /[?&]code=/, 'nobody is asked twice')

      const silent = await browser.follow(ask(corpOf('乙公司'), { prompt: 'none' }))
      const shown = await browser.follow(ask(corpOf('乙公司')))

      assert.match(silent.address, /error=login_required/)
      assert.match(shown.address, /wwlogin\/sso/, 'the door of the other company')
      const second = await browser.follow(browser.scan(shown.address, 'admin'))
      assert.match(second.address, /[?&]code=/)
      assert.equal((await newcomers(stack)).length, 2)
      const back = await browser.follow(ask(corpOf('甲公司'), { prompt: 'none' }))
      assert.match(back.address, /error=login_required/, 'who is signed in now is of the other one')
    },
  )

  testWithUrl('whoever is asked for by company comes from that one, or is sent away', async (url) => {
    await using stack = await startSuiteStack(url, { kind: 'service_provider', authorized: 1 })
    const [first, second] = stack.companies
    const [corp] = await stack.corps()
    const wished = async (browser: SignInBrowser, corpId: string) => {
      const { address } = await browser.start()
      return browser.follow(`${address}?connection=suite&corp=${corpId}`)
    }

    const nobody = await wished(open(stack), 'wpk-unknown')
    assert.equal(nobody.answer!.status, 403)
    assert.match(nobody.answer!.text, /Your company does not use this service/)
    const lost = open(stack)
    await lost.follow(`${(await lost.start()).address}?connection=nowhere&corp=${corp!.corpId}`)
    const [mistyped] = (await stack.ask(listSignIns, { query: {} })).items
    assert.equal(mistyped!.reason, 'connection-unknown', 'what is missing is not the company')
    await stack.authorize(second)
    const right = open(stack)
    const page = await wished(right, corp!.corpId)
    assert.match(right.wecomLink(page), /corp=/)
    assert.equal((await right.follow(right.scan(await right.goToWecom(page), 'admin', first))).address, '/account')
    const wrong = open(stack)
    const refused = await wrong.follow(
      wrong.scan(await wrong.goToWecom(await wished(wrong, corp!.corpId)), 'admin', second),
    )
    assert.equal(refused.answer!.status, 403)
    assert.match(refused.answer!.text, /You are not a member of this company/)
  })

  for (const kind of ['service_provider', 'delegated'] as const) {
    testWithUrl(`a state of one connection is none of another: ${kind} and self-built`, async (url) => {
      await using stack = await startSuiteStack(url, { kind, authorized: 1 })
      await stack.ask(updateConnection, { params: { id: 'hq' }, body: { signIn: { enabled: true } } })
      const at = async (browser: SignInBrowser, connection: string, corpId?: string) => {
        const page = await browser.follow(`${(await browser.start()).address}?connection=${connection}`)
        const address = await browser.goToWecom(page)
        const back = new URL(browser.scan(address, 'admin', corpId), 'http://muster')
        return { state: back.searchParams.get('state')!, code: back.searchParams.get('code')! }
      }
      const callback = (connection: string, { state, code }: { state: string; code: string }) =>
        `/auth/wecom/${connection}/callback?state=${state}&code=${code}`
      const [one, other] = [open(stack), open(stack)]
      const named = kind === 'service_provider' ? stack.companies[0] : undefined
      const [ofSuite, ofHq] = [await at(one, 'suite', named), await at(other, 'hq')]

      assert.match((await one.follow(callback('hq', ofSuite))).address, /reason=state-invalid/)
      assert.match((await other.follow(callback('suite', ofHq))).address, /reason=state-invalid/)
      const mixed = await one.follow(callback('suite', { state: ofSuite.state, code: ofHq.code }))
      assert.notEqual(mixed.address, '/account', 'the code of another app')
      const reverse = await other.follow(callback('hq', { state: ofHq.state, code: ofSuite.code }))
      assert.notEqual(reverse.address, '/account')
      assert.deepEqual([one.session(), other.session()], [undefined, undefined])
      assert.deepEqual(await newcomers(stack), [])
    })
  }

  testWithUrl('what somebody agrees to show a provider is kept, and nothing that is none', async (url) => {
    await using stack = await startSuiteStack(url, {
      kind: 'service_provider',
      signIn: { requestPrivateFields: true },
      authorized: 0,
    })
    const { control, suiteId } = stack
    const [corpId] = stack.companies
    control.patchSuite({ suiteId, patch: { hasPrivateInfo: true, grantedFields: ['gender', 'avatar'] } })
    await stack.authorize(corpId)
    const avatar = 'https://pictures.example/1.png'
    control.patchMember({ corpId, userid: 'admin', patch: { gender: 2, avatar }, unchecked: true })
    const come = async (consent: 'all' | 'refuses') => {
      const inside = open(stack, { agent: 'wecom' })
      const { address } = await inside.start()
      assert.equal(new URL(address).searchParams.get('scope'), 'snsapi_privateinfo')
      const { redirectUrl } = control.completeLogin({ url: address, who: { userid: 'admin' }, corpId, consent })
      return inside.follow(new URL(redirectUrl).pathname + new URL(redirectUrl).search)
    }

    assert.equal((await come('all')).address, '/account')
    const [user] = await newcomers(stack)
    assert.deepEqual([user!.gender, user!.avatarUrl], ['female', avatar])
    assert.equal(user!.displayName, user!.username, 'the name that WeCom gives is the userid')
    await come('refuses')
    const [same, ...others] = await newcomers(stack)
    assert.deepEqual([same!.id, same!.gender, same!.avatarUrl, others.length], [user!.id, 'female', avatar, 0])
  })

  testWithUrl(
    'an answer of the older login page is redeemed by the provider, and its codes by nobody else',
    async (url) => {
      await using stack = await startSuiteStack(url, { kind: 'service_provider' })
      const [first] = stack.companies
      const browser = open(stack)
      const state = new URL(await browser.goToWecom()).searchParams.get('state')!
      const callback = 'http://localhost:8080/auth/wecom/suite/callback'
      const older = new URLSearchParams({
        appid: stack.providerCorpId,
        redirect_uri: callback,
        state,
        usertype: 'member',
      })
      const page = `https://open.work.weixin.qq.com/wwopen/sso/3rd_qrConnect?${older.toString()}`

      const back = browser.scan(page, 'admin', first)
      assert.match(back, /auth_code=/)
      assert.equal((await browser.follow(back)).address, '/account')
      const [user] = await newcomers(stack)

      assert.equal((await enter(open(stack), 'admin', first)).address, '/account')
      assert.deepEqual(
        (await newcomers(stack)).map(({ id }) => id),
        [user!.id],
        'the same person by either page',
      )
      const odd = open(stack)
      const other = new URL(await odd.goToWecom()).searchParams.get('state')!
      const long = 'x'.repeat(513)
      for (const given of [
        'code=a&auth_code=b',
        'auth_code=a&auth_code=b',
        'auth_code[]=a',
        'auth_code=',
        `auth_code=${long}`,
      ]) {
        const place = await odd.follow(`/auth/wecom/suite/callback?state=${other}&${given}`)
        const isRefused = place.answer!.status === 403 && odd.session() === undefined
        assert.ok(isRefused, `${place.answer!.status} for ${given.slice(0, 40)}`)
      }
      assert.equal(stack.control.countCalls({ endpoint: 'service/get_login_info' }).count, 1)
    },
  )

  testWithUrl('without a good ticket nobody comes in, and with the next one everybody does', async (url) => {
    await using stack = await startSuiteStack(url, { kind: 'service_provider' })
    const { control, suiteId } = stack
    const [first] = stack.companies
    const tokensOfSuite = { endpoint: 'service/get_suite_token' }
    const fault = control.addFault({ ...tokensOfSuite, effect: { kind: 'errcode', errcode: 40085 } })
    control.revokeTokens({ suiteId })

    const browser = open(stack)
    const refused = await enter(browser, 'admin', first)
    assert.equal(refused.answer!.status, 403)
    assert.match(refused.answer!.text, /try again/i)
    const [failed] = (await stack.ask(listSignIns, { query: {} })).items
    assert.deepEqual([failed!.outcome, failed!.reason], ['failed', 'wecom-unavailable'])

    control.removeFault({ id: fault.id })
    control.pushTicket({ suiteId })
    await eventually('somebody came in with the next ticket', async () => {
      return (await enter(open(stack), 'admin', first)).address === '/account'
    })
  })

  testWithUrl('the sign-in page of a delegated connection has a button for each company', async (url) => {
    await using stack = await startSuiteStack(url, { kind: 'delegated' })
    const [first, second] = stack.companies
    const browser = open(stack)

    const choice = await browser.start()
    const { text } = choice.answer!
    assert.match(text, /伙伴企业微信[^]*甲公司/)
    assert.match(text, /乙公司/)
    assert.doesNotMatch(text, /\/go\?/, 'which company is to be said first')
    const links = [...text.matchAll(/href="([^"]*[?&](?:amp;)?corp=[^"]*)"/g)].map(([, href]) =>
      href!.replaceAll('&amp;', '&'),
    )
    assert.equal(links.length, 2)

    const corps = await stack.corps()
    for (const [index, corpId] of [first, second].entries()) {
      const own = open(stack)
      const { address } = await own.start()
      const corp = corps.find(({ name }) => name === ['甲公司', '乙公司'][index])!
      const page = await own.follow(`${address}?connection=suite&corp=${corp.corpId}`)
      const login = await own.goToWecom(page)
      const { searchParams } = new URL(login)
      assert.deepEqual(
        ['login_type', 'appid', 'agentid'].map((name) => searchParams.get(name)),
        ['CorpApp', corp.corpId, String(corp.agentId)],
      )
      assert.equal((await own.follow(own.scan(login, 'admin'))).address, '/account', corpId)
    }
    const users = await newcomers(stack)
    assert.equal(users.length, 2)
    const log = (await stack.ask(listSignIns, { query: {} })).items
    assert.ok(
      log.every(({ userid }) => userid !== 'admin'),
      'userids are encrypted for the provider',
    )
    assert.equal(new Set(log.map(({ corpId }) => corpId)).size, 2)
  })

  testWithUrl('a state of one company takes no code of another, and ends with its company', async (url) => {
    await using stack = await startSuiteStack(url, { kind: 'delegated' })
    const [first, second] = await stack
      .corps()
      .then((all) => [all.find(({ name }) => name === '甲公司')!, all.find(({ name }) => name === '乙公司')!] as const)
    const begin = async (browser: SignInBrowser, corpId: string) =>
      browser.goToWecom(await browser.follow(`${(await browser.start()).address}?connection=suite&corp=${corpId}`))
    const [attacker, victim] = [open(stack), open(stack)]
    const [atFirst, atSecond] = [await begin(attacker, first.corpId), await begin(victim, second.corpId)]

    const code = new URL(victim.scan(atSecond, 'admin'), 'http://muster').searchParams.get('code')!
    const state = new URL(atFirst).searchParams.get('state')!
    const mixed = await attacker.follow(`/auth/wecom/suite/callback?state=${state}&code=${code}`)
    assert.equal(attacker.session(), undefined)
    assert.notEqual(mixed.address, '/account')

    const late = await begin(victim, second.corpId)
    const back = victim.scan(late, 'admin')
    await stack.cancel(stack.companies[1])
    const refused = await victim.follow(back)
    assert.equal(refused.answer!.status, 403)
    assert.match(refused.answer!.text, /Your company does not use this service/)
    assert.deepEqual(await newcomers(stack), [])
    const only = open(stack)
    const page = await only.start()
    assert.doesNotMatch(page.answer!.text, /乙公司/)
    assert.match(only.wecomLink(page), /corp=/, 'with one company left there is nothing to choose')
    const gone = open(stack)
    const asked = await gone.follow(`${(await gone.start()).address}?connection=suite&corp=${second.corpId}`)
    assert.match(asked.answer!.text, /Your company does not use this service/)
  })

  testWithUrl('whom a company of a delegated app has disabled is refused, and closed here', async (url) => {
    await using stack = await startSuiteStack(url, { kind: 'delegated', authorized: 1 })
    const [corpId] = stack.companies
    const enterAgain = async () => {
      const browser = open(stack)
      return browser.follow(browser.scan(await browser.goToWecom(), 'admin'))
    }
    assert.equal((await enterAgain()).address, '/account')

    stack.control.patchMember({ corpId, userid: 'admin', patch: { status: 2 }, unchecked: true })
    const refused = await enterAgain()

    assert.match(refused.answer!.text, /Your WeCom account is disabled/)
    const [user] = await newcomers(stack)
    assert.deepEqual([user!.status, user!.disabledBy], ['disabled', 'source'])
  })

  testWithUrl('inside the client of a company its own app answers, with the new secret after a reset', async (url) => {
    await using stack = await startSuiteStack(url, { kind: 'delegated', authorized: 1 })
    const [corp] = await stack.corps()
    const inside = open(stack, { agent: 'wecom' })

    const { address } = await inside.start()
    const { searchParams } = new URL(address)
    assert.deepEqual([searchParams.get('appid'), searchParams.get('agentid')], [corp!.corpId, String(corp!.agentId)])
    assert.equal((await inside.follow(inside.scan(address, 'admin'))).address, '/account')

    stack.control.resetPermanentCode({ suiteId: stack.suiteId, corpId: stack.companies[0] })
    await eventually('the new code was redeemed', async () => {
      const query = { type: 'reset_permanent_code', state: 'applied' } as const
      return (await stack.ask(listEvents, { query })).total === 1
    })

    const afterwards = open(stack, { agent: 'wecom' })
    assert.equal(
      (await afterwards.follow(afterwards.scan((await afterwards.start()).address, 'admin'))).address,
      '/account',
    )
    assert.equal((await newcomers(stack)).length, 1)
  })

  testWithUrl(
    'a native app of a company brings its code, and names the company where there are several',
    async (url) => {
      await using stack = await startSuiteStack(url, { kind: 'delegated', authorized: 1 })
      const [first, second] = stack.companies
      const { clientId } = await stack.ask(createApplication, {
        body: {
          name: 'Native',
          public: true,
          mobile: true,
          redirectUris: ['com.example.native:/callback'],
          connections: ['suite'],
        },
      })
      const exchange = async (corpId: string, corp: Corp, named: string | null) => {
        const identity = { userid: 'admin' }
        const given = { corpId, agentId: corp.agentId!, identity, source: 'mobile' } as const
        const { code } = stack.control.mintCode(given)
        const answer = await createClient(stack.server.origin, null).send('/oidc/token', {
          method: 'POST',
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
          body: new URLSearchParams({
            grant_type: 'urn:muster:params:oauth:grant-type:wecom-code',
            client_id: clientId,
            connection: 'suite',
            code,
            ...(named === null ? {} : { corp: named }),
          }).toString(),
        })
        return answer.json['error'] ?? answer.status
      }

      const [alone] = await stack.corps()
      assert.equal(await exchange(first, alone!, null), 200, 'one company need not be named')
      assert.equal(await exchange(first, alone!, 'x'.repeat(600)), 'invalid_grant', 'a company that cannot be')
      await stack.authorize(second)
      const other = (await stack.corps()).find(({ corpId }) => corpId !== alone!.corpId)!
      assert.equal(await exchange(first, alone!, null), 'invalid_grant')
      assert.equal(await exchange(first, alone!, alone!.corpId), 200)
      assert.equal(await exchange(first, alone!, other.corpId), 'invalid_grant', 'a code of another company')
      assert.equal(await exchange(second, other, other.corpId), 200)
      await stack.cancel(first)
      assert.equal(await exchange(second, other, null), 200)
      assert.equal(await exchange(second, other, alone!.corpId), 'invalid_grant')
      const log = (await stack.ask(listSignIns, { query: { outcome: 'refused' } })).items.toReversed()
      assert.deepEqual(
        log.map(({ reason, corpId }) => [reason, corpId]),
        [
          ['corp-not-authorised', null],
          ['corp-not-authorised', null],
          ['code-rejected', null],
          ['corp-not-authorised', null],
        ],
        'whoever names a company has not shown to be of it',
      )
    },
  )

  testWithUrl('an application asks for a company, and is told of which one somebody is', async (url) => {
    await using stack = await startProviderStack(url, { connection: { signIn: { enabled: false } } })
    const suite = await addSuite(stack, { kind: 'delegated' })
    const redirectUri = 'https://app.example/callback'
    const { clientId, clientSecret } = await stack.ask(createApplication, {
      body: { name: 'Portal', redirectUris: [redirectUri], connections: ['suite'], skipSignInPage: true },
    })
    const corps = await suite.corps()
    const corp = corps.find(({ name }) => name === '乙公司')!
    const request = (further: Record<string, string>) =>
      `${stack.issuer}/auth?${new URLSearchParams({
        client_id: clientId,
        redirect_uri: redirectUri,
        response_type: 'code',
        scope: 'openid wecom',
        ...further,
      }).toString()}`
    await using visitor = createVisitor({ onAddress: stack.scansAs('admin') })

    const choice = await visitor.follow(request({ connection: 'suite' }), redirectUri)
    assert.match(choice.text, /甲公司[^]*乙公司|乙公司[^]*甲公司/, 'without a company there is a choice')
    const back = await visitor.follow(request({ connection: 'suite', corp: corp.corpId }), redirectUri)
    const code = back.location!.searchParams.get('code')!
    const token = await stack.send('/oidc/token', {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`,
      },
      body: new URLSearchParams({ grant_type: 'authorization_code', code, redirect_uri: redirectUri }).toString(),
    })
    const person = await stack.send('/oidc/me', {
      headers: { authorization: `Bearer ${String(token.json['access_token'])}` },
    })
    assert.equal(person.json['wecom_corp_id'], corp.corpId)
    assert.notEqual(person.json['wecom_userid'], 'admin', 'as the provider knows them')

    await using stranger = createVisitor({ onAddress: stack.scansAs('admin') })
    const refused = await stranger.follow(request({ corp: 'wpk-of-nobody' }), redirectUri)
    assert.equal(refused.status, 403)
    assert.match(refused.text, /Your company does not use this service/)
  })

  testWithUrl('somebody who is signed in binds a member of each company', async (url) => {
    await using stack = await startSuiteStack(url, { kind: 'delegated' })
    const corps = await stack.corps()
    const browser = open(stack)
    const { address } = await browser.start()
    const page = await browser.follow(`${address}?connection=suite&corp=${corps[0]!.corpId}`)
    const account = await browser.follow(browser.scan(await browser.goToWecom(page), 'admin'))
    assert.equal(account.address, '/account')

    const { text } = account.answer!
    const offered = corps.map(({ corpId }) => text.includes(`name="corp" value="${corpId}"`))
    assert.deepEqual(offered, [false, true], 'the other company is offered')
    assert.ok(text.includes(corps[0]!.name), 'the own one is named')
    const begun = await browser.submit(account, 'links/bind', { connection: 'suite', corp: corps[1]!.corpId })
    assert.equal(begun.answer, undefined)
    const bound = await browser.follow(browser.scan(begun.address, 'admin'))

    assert.equal(bound.address, '/account')
    const [user, ...others] = await newcomers(stack)
    assert.equal(others.length, 0)
    assert.deepEqual(user!.links.map(({ corpId }) => corpId).toSorted(), corps.map(({ corpId }) => corpId).toSorted())
    const twice = await browser.submit(account, 'links/bind', { connection: 'suite', corp: 'wpk-of-nobody' })
    assert.notEqual(twice.answer?.status, 200)
  })

  testWithUrl('what the client opens in another browser is carried over with its company', async (url) => {
    await using stack = await startSuiteStack(url, { kind: 'service_provider' })
    const [, second] = stack.companies
    const [first, carrier] = [open(stack), open(stack)]
    const page = await first.start()

    const question = await carrier.follow(carrier.scan(await first.goToWecom(page), 'admin', second))
    assert.equal(question.address, '/signin/number')
    const shown = await first.follow(page.address)
    const number = /aria-label="[^"]*?(\d) (\d)"/.exec(shown.answer!.text)!.slice(1).join('')
    await carrier.submit(question, 'number', { number })

    assert.equal((await first.follow(page.address)).address, '/account')
    const [signIn] = (await stack.ask(listSignIns, { query: {} })).items
    const corp = (await stack.corps()).find(({ name }) => name === '乙公司')!
    assert.deepEqual([signIn!.outcome, signIn!.corpId], ['succeeded', corp.corpId])
  })

  testWithUrl('somebody of a company proves which account is theirs, and is asked once', async (url) => {
    await using stack = await startSuiteStack(url, { kind: 'service_provider', signIn: { association: 'ask' } })
    const [first] = stack.companies
    const browser = open(stack)

    const question = await enter(browser, 'admin', first)
    assert.match(question.answer!.text, /Which account is yours[^]*甲公司[^]* knows you as/)
    const created = await browser.submit(question, 'create')
    assert.equal(created.address, '/account')
    assert.equal((await enter(open(stack), 'admin', first)).address, '/account')
    const log = (await stack.ask(listSignIns, { query: { outcome: 'succeeded' } })).items
    assert.equal(new Set(log.map(({ userId }) => userId)).size, 1)
    assert.ok(log.every(({ corpId }) => corpId !== null))
  })
})

function enter(browser: SignInBrowser, userid: string, corpId: string): Promise<Place> {
  return browser.goToWecom().then((address) => browser.follow(browser.scan(address, userid, corpId)))
}

/** Whoever signing in has made. */
async function newcomers(stack: Pick<Stack, 'ask'>) {
  return (await stack.ask(listUsers, { query: { origin: 'wecom', limit: 500 } })).items
}
