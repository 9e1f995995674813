/** Companies that are not ours, over HTTP: an emulated provider calls back, and the API shows what became of it. */
import assert from 'node:assert/strict'
import {
  createConnection,
  diagnoseConnection,
  getConnection,
  listAudit,
  listCorps,
  listEvents,
  startInstallation,
  startRun,
  updateConnection,
  type Corp,
  type NewConnection,
} from '@muster/contracts'
import type { z } from 'zod'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import { SUITE_CALLBACK } from '../server/test-support/suite-world.ts'
import { eventually } from './eventually.ts'
import { spawnServer } from './server.ts'
import { startStack, startStackOfProcesses, type Stack } from './stack.ts'

const PARTNERS = { params: { id: 'partners' } }

onEitherDatabase(({ testWithUrl }) => {
  testWithUrl('two companies authorise a template, and one cancels, comes back and is reset', async (url) => {
    await using stack = await startStack(url, { wecomPages: true })
    const { control } = stack
    const partner = control.createCompany({ people: 6, seed: 'partner' })
    const { suite } = await connectSuite(stack, 'delegated')
    const { suiteId } = suite
    await ticketArrives(stack)

    const ours = control.authorize({ suiteId, corpId: stack.corpId, from: 'wecom', seats: 100 })
    const theirs = control.authorize({ suiteId, corpId: partner.corpId, from: 'wecom' })
    await corpsAre(stack, { [ours.openCorpId]: 'authorized', [theirs.openCorpId]: 'authorized' })
    control.cancelAuthorization({ suiteId, corpId: stack.corpId })
    const cancelled = await corpsAre(stack, { [ours.openCorpId]: 'cancelled', [theirs.openCorpId]: 'authorized' })
    assert.ok(cancelled.find(({ corpId }) => corpId === ours.openCorpId)?.cancelledAt)

    const again = control.authorize({ suiteId, corpId: stack.corpId, from: 'wecom', seats: 50 })
    assert.equal(again.openCorpId, ours.openCorpId)
    await corpsAre(stack, { [ours.openCorpId]: 'authorized', [theirs.openCorpId]: 'authorized' })
    control.changeAuthorization({ suiteId, corpId: stack.corpId, seats: 75 })
    await eventually('the seats are read again', async () => (await corpsOf(stack)).some(({ seats }) => seats === 75))

    control.resetPermanentCode({ suiteId, corpId: partner.corpId })
    await eventually('the reset is applied', async () => {
      const { items } = await stack.ask(listEvents, { query: { type: 'reset_permanent_code' } })
      return items[0]?.state === 'applied'
    })
    const { checks } = await stack.ask(diagnoseConnection, PARTNERS)
    // The public address of these tests is nobody's.
    assert.deepEqual(
      checks.filter(({ result }) => result === 'fail').map(({ name }) => name),
      ['callback'],
    )
    const done = (await stack.ask(listAudit, { query: { limit: 100 } })).items.map(({ action }) => action)
    const named = (action: string) => done.filter((one) => one === action).length
    assert.deepEqual(['corp.authorize', 'corp.cancel', 'corp.change', 'corp.renew-code'].map(named), [3, 1, 1, 1])
    const connection = await stack.ask(getConnection, PARTNERS)
    assert.equal(connection.suite?.authorizedCorps, 2)
  })

  testWithUrl(
    'a run reads every company that has authorised, and leaves the people of one that cancelled',
    async (url) => {
      await using stack = await startStack(url, {
        wecomPages: true,
        people: 20,
        connection: { sync: { enabled: false } },
      })
      const { control } = stack
      const partner = control.createCompany({ people: 6, seed: 'partner' })
      const { suite } = await connectSuite(stack, 'delegated')
      const { suiteId } = suite
      await ticketArrives(stack)
      await stack.ask(updateConnection, {
        ...PARTNERS,
        body: { sync: { enabled: true, users: { onlyHere: 'disable' }, departments: { onlyHere: 'delete' } } },
      })
      const ours = control.authorize({ suiteId, corpId: stack.corpId, from: 'wecom' })
      const theirs = control.authorize({ suiteId, corpId: partner.corpId, from: 'wecom' })
      await corpsAre(stack, { [ours.openCorpId]: 'authorized', [theirs.openCorpId]: 'authorized' })
      const runOnce = async () =>
        stack.finished((await stack.ask(startRun, { ...PARTNERS, body: { mode: 'apply' } })).id)

      const first = await runOnce()
      const before = await corpsOf(stack)
      control.cancelAuthorization({ suiteId, corpId: partner.corpId })
      await corpsAre(stack, { [ours.openCorpId]: 'authorized', [theirs.openCorpId]: 'cancelled' })
      const second = await runOnce()

      assert.equal(first.state, 'succeeded')
      assert.deepEqual(
        first.corps.map(({ corpId, complete }) => [corpId, complete]).toSorted(),
        [ours, theirs].map(({ openCorpId }) => [openCorpId, true]).toSorted(),
      )
      assert.equal(second.state, 'succeeded')
      assert.deepEqual(
        second.corps.map(({ corpId }) => corpId),
        [ours.openCorpId],
      )
      const { users, departments } = second.counts
      assert.deepEqual(
        [users.disabled, users.deleted, users.held, departments.deleted, departments.held],
        [0, 0, 0, 0, 0],
      )
      const linked = (corps: readonly Corp[]) =>
        Object.fromEntries(corps.map((corp) => [corp.corpId, corp.linkedUsers]))
      assert.deepEqual(linked(await corpsOf(stack)), linked(before))
      assert.ok(before.every(({ linkedUsers }) => linkedUsers > 0))
    },
  )

  testWithUrl('an invited company comes back to a page that says so, and has no code in its address', async (url) => {
    await using stack = await startStack(url, { wecomPages: true })
    await connectSuite(stack, 'service_provider')
    await ticketArrives(stack)

    const { url: address, expiresAt } = await stack.ask(startInstallation, PARTNERS)
    const { redirectUrl } = stack.control.completeInstall({ url: address, corpId: stack.corpId })
    const back = new URL(redirectUrl!)
    const redirect = await stack.send(`${back.pathname}${back.search}`)
    const [cookie] = (redirect.headers.get('set-cookie') ?? '').split(';')
    const page = await stack.send(redirect.headers.get('location')!, { headers: { cookie: cookie! } })
    const replayed = await stack.send(`${back.pathname}${back.search}`)
    const [other] = (replayed.headers.get('set-cookie') ?? '').split(';')
    const refused = await stack.send(back.pathname, { headers: { cookie: other!, 'accept-language': 'zh' } })

    assert.ok(Date.parse(expiresAt) > Date.now())
    assert.equal(redirect.status, 303)
    assert.equal(redirect.headers.get('location'), '/auth/wecom/partners/installed')
    assert.equal(page.status, 200)
    assert.match(page.text, /Your company has authorised the app/)
    assert.equal(refused.status, 409)
    assert.match(refused.text, /该授权并非由此处发起/)
    assert.equal((await stack.send(back.pathname)).status, 409)
    const [name] = other!.split('=')
    assert.equal((await stack.send(back.pathname, { headers: { cookie: `${name}=toString` } })).status, 409)
    const [corp] = await corpsOf(stack)
    assert.equal(corp?.state, 'authorized')
    assert.equal((await corpsOf(stack)).length, 1)
  })

  testWithUrl('a server that was killed goes on with the ticket and the codes that it had', async (url) => {
    await using stack = await startStackOfProcesses(url, { wecomPages: true })
    const { control } = stack
    const { suite } = await connectSuite(stack, 'delegated')
    const { suiteId } = suite
    const ticket = await ticketArrives(stack)
    const ours = control.authorize({ suiteId, corpId: stack.corpId, from: 'wecom' })
    await corpsAre(stack, { [ours.openCorpId]: 'authorized' })

    await stack.server.kill()
    stack.replaceServer(await spawnServer(stack.settings))

    const after = await stack.ask(getConnection, PARTNERS)
    assert.equal(after.suite?.ticketAt, ticket)
    assert.match((await stack.ask(startInstallation, PARTNERS)).url, /3rdapp\/install/)
    const { checks } = await stack.ask(diagnoseConnection, PARTNERS)
    assert.equal(checks.find(({ name }) => name === 'companies')?.result, 'pass')
    const listed = control.providers().flatMap(({ suites }) => suites)
    const secrets = [ours.permanentCode, ours.authCode, suite.secret, SUITE_CALLBACK.aesKey]
    assert.ok(listed.length > 0)
    const said = `${stack.server.log()}${JSON.stringify([after, checks, await corpsOf(stack)])}`
    for (const secret of secrets) assert.ok(!said.includes(secret))
  })

  testWithUrl('the doctor says what a suite lacks, and asks with a wrong secret once', async (url) => {
    await using stack = await startStack(url, { wecomPages: true })
    const { control } = stack
    const resultsOf = async () => {
      const { checks } = await stack.ask(diagnoseConnection, PARTNERS)
      for (const { remedy, result, name } of checks) {
        assert.equal(remedy !== null, result === 'warn' || result === 'fail', name)
      }
      return Object.fromEntries(checks.map(({ name, result }) => [name, result]))
    }
    const { suite, provider } = await connectSuite(stack, 'delegated', { hasTicket: false })

    const noTicket = await resultsOf()
    control.pushTicket({ suiteId: suite.suiteId })
    await ticketArrives(stack)
    const noCompany = await resultsOf()
    const ours = control.authorize({ suiteId: suite.suiteId, corpId: stack.corpId, from: 'wecom' })
    await corpsAre(stack, { [ours.openCorpId]: 'authorized' })
    const works = await resultsOf()
    control.patchProvider({ corpId: provider.corpId, patch: { trustedAddresses: ['203.0.113.1'] } })
    const elsewhere = await resultsOf()
    control.patchProvider({ corpId: provider.corpId, patch: { trustedAddresses: 'any' } })
    const asked = () => control.calls({ endpoint: 'service/get_suite_token' }).length
    await stack.ask(updateConnection, { ...PARTNERS, body: { suiteSecret: 'not-the-secret' } })
    const before = asked()
    const wrong = [await resultsOf(), await resultsOf()]
    const askedWrongly = asked() - before
    await stack.ask(updateConnection, { ...PARTNERS, body: { suiteSecret: suite.secret } })
    const mended = await resultsOf()
    await stack.ask(updateConnection, { ...PARTNERS, body: { suiteId: 'dk-unknown', suiteSecret: 'of-another' } })
    const drafted = await resultsOf()

    assert.deepEqual(pick(noTicket, 'settings', 'ticket', 'suite-token', 'companies', 'departments'), [
      'pass',
      'fail',
      'skipped',
      'warn',
      'skipped',
    ])
    assert.deepEqual(pick(noCompany, 'ticket', 'suite-token', 'companies'), ['pass', 'pass', 'warn'])
    assert.deepEqual(pick(works, 'ticket', 'suite-token', 'address', 'clock', 'companies', 'departments'), [
      'pass',
      'pass',
      'pass',
      'pass',
      'pass',
      'pass',
    ])
    assert.deepEqual(pick(works, 'leavers', 'organization', 'sign-in-domain'), ['skipped', 'pass', 'warn'])
    assert.equal(works['member'], 'warn')
    assert.equal(elsewhere['address'], 'fail')
    for (const results of wrong) {
      assert.deepEqual(pick(results, 'suite-token', 'companies', 'departments'), ['fail', 'skipped', 'pass'])
    }
    assert.equal(askedWrongly, 1)
    assert.equal(mended['suite-token'], 'pass')
    assert.deepEqual(pick(drafted, 'ticket', 'suite-token', 'companies'), ['fail', 'skipped', 'warn'])
  })

  testWithUrl('what a kind needs is asked for before a service of it is switched on', async (url) => {
    await using stack = await startStack(url)
    const suite = { suiteId: 'dk1', suiteSecret: 's' }
    const provider = { providerCorpId: 'ww1', providerSecret: 'p' }
    const on = { enabled: true }
    const attempts: readonly [Partial<z.input<typeof NewConnection>>, string, string[]][] = [
      [{ kind: 'delegated', signIn: on }, 'connections/incomplete', [...Object.keys(suite), ...CALLBACK_FIELDS]],
      [{ kind: 'delegated', ...suite, sync: on }, 'connections/incomplete', CALLBACK_FIELDS],
      [
        { kind: 'service_provider', ...suite, callback: SUITE_CALLBACK, signIn: on },
        'connections/incomplete',
        Object.keys(provider),
      ],
      [
        { kind: 'service_provider', ...suite, ...provider, callback: SUITE_CALLBACK, sync: on },
        'connections/kind-without-sync',
        ['sync.enabled'],
      ],
      [{ kind: 'delegated', ...suite, sync: { realTime: true } }, 'connections/incomplete', CALLBACK_FIELDS],
    ]
    for (const [body, code, fields] of attempts) {
      await assert.rejects(
        stack.ask(createConnection, { body: { identifier: 'partners', ...body } }),
        ({ problem }: { problem: { code: string; fields?: { path: string }[] } }) => {
          assert.equal(problem.code, code)
          assert.deepEqual(
            problem.fields?.map(({ path }) => path),
            fields,
          )
          return true
        },
      )
    }

    const made = await stack.ask(createConnection, {
      body: {
        identifier: 'partners',
        kind: 'service_provider',
        ...suite,
        ...provider,
        callback: SUITE_CALLBACK,
        signIn: on,
      },
    })

    assert.deepEqual(made.suite, { ticketAt: null, authorizedCorps: 0 })
    assert.equal((await stack.ask(getConnection, { params: { id: 'hq' } })).suite, null)
    assert.deepEqual((await stack.ask(listCorps, { params: { id: 'hq' }, query: {} })).items, [])
    await assert.rejects(stack.ask(startRun, { ...PARTNERS, body: { mode: 'apply' } }))
    await assert.rejects(
      stack.ask(startInstallation, { params: { id: 'hq' } }),
      isProblem('connections/kind-without-corps'),
    )
    await assert.rejects(
      stack.ask(updateConnection, { ...PARTNERS, body: { providerCorpId: 'ww2' } }),
      isProblem('connections/secret-required'),
    )
  })
})

const CALLBACK_FIELDS = ['callback.token', 'callback.aesKey']

function isProblem(code: string): (error: { problem: { code: string } }) => true {
  return ({ problem }) => {
    assert.equal(problem.code, code)
    return true
  }
}

function pick(results: Readonly<Record<string, string>>, ...names: string[]): (string | undefined)[] {
  return names.map((name) => results[name])
}

/** A provider with one suite, a connection for it, and both addresses verified by WeCom. */
async function connectSuite(
  stack: Stack,
  kind: 'delegated' | 'service_provider',
  { hasTicket = true }: { hasTicket?: boolean } = {},
) {
  const { control } = stack
  const provider = control.createProvider({ seed: 'provider' })
  const suite = control.createSuite({
    providerCorpId: provider.corpId,
    kind: kind === 'delegated' ? 'delegated' : 'third-party',
  })
  control.patchSuite({ suiteId: suite.suiteId, patch: { isOnline: true, trustedDomains: 'any' } })
  const { callback } = await stack.ask(createConnection, {
    body: {
      identifier: 'partners',
      kind,
      suiteId: suite.suiteId,
      suiteSecret: suite.secret,
      providerCorpId: provider.corpId,
      ...(kind === 'delegated' ? {} : { providerSecret: provider.secret }),
      callback: SUITE_CALLBACK,
      signIn: { enabled: true },
    },
  })
  const here = (address: string) => `${stack.server.origin}${new URL(address).pathname}`
  const verified = await control.setSuiteCallback({
    suiteId: suite.suiteId,
    token: SUITE_CALLBACK.token,
    encodingAesKey: SUITE_CALLBACK.aesKey,
    commandUrl: here(callback.commandUrl),
    dataUrl: here(callback.dataUrl),
    firstTicket: hasTicket,
  })
  assert.ok(verified.ok, JSON.stringify(verified))
  return { suite, provider }
}

/** @returns when WeCom sent it */
function ticketArrives(stack: Stack): Promise<string> {
  return eventually('a ticket arrives', async () => {
    const { suite } = await stack.ask(getConnection, PARTNERS)
    return suite?.ticketAt ?? undefined
  })
}

async function corpsOf(stack: Stack): Promise<readonly Corp[]> {
  return (await stack.ask(listCorps, { ...PARTNERS, query: {} })).items
}

function corpsAre(stack: Stack, wanted: Readonly<Record<string, Corp['state']>>): Promise<readonly Corp[]> {
  return eventually(`companies are ${JSON.stringify(wanted)}`, async () => {
    const corps = await corpsOf(stack)
    // Until its app is known, an authorisation is under way.
    if (corps.some(({ state, agentId }) => state === 'authorized' && agentId === null)) return false
    const states = Object.fromEntries(corps.map(({ corpId, state }) => [corpId, state]))
    return (
      JSON.stringify(Object.entries(states).toSorted()) === JSON.stringify(Object.entries(wanted).toSorted()) && corps
    )
  })
}
