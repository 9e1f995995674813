/** Invitations to authorise: of an emulated provider, from the address to what the administrator comes back with. */
import assert from 'node:assert/strict'
import type { Actor } from '../../audit/audit.ts'
import { SYSTEM } from '../../audit/audit.ts'
import type { Database } from '../../database/database.ts'
import { onEachDatabase } from '../../../test-support/databases.ts'
import { createSuiteWorld, SUITE_CALLBACK } from '../../../test-support/suite-world.ts'

const OPERATOR: Actor = { kind: 'user', id: 'usr_1', name: 'olga', address: null, requestId: null }
const MINUTE = 60_000

onEachDatabase(({ test }) => {
  test('a company authorises a provider on the install page and comes back with a code, once', async (database) => {
    await using world = await createSuiteWorld(database, { kind: 'service_provider' })

    const { url, expiresAt } = await world.installations.start(OPERATOR, 'partners')
    const installed = world.control.completeInstall({ url, corpId: world.companies[0] })
    const back = new URL(installed.redirectUrl!)
    const given = { authCode: back.searchParams.get('auth_code'), state: back.searchParams.get('state') }
    await world.installations.complete('partners', given)

    assert.equal(expiresAt - world.now() <= 20 * MINUTE && expiresAt > world.now(), true)
    assert.equal(back.origin + back.pathname, 'https://muster.corp.example/auth/wecom/partners/installed')
    const [corp] = await world.corps.authorized(world.connection.id)
    assert.equal(corp?.name, world.control.companies()[0]!.name)
    assert.notEqual(corp.agentId, null)
    await assert.rejects(world.installations.complete('partners', given), { code: 'suites/invitation-unknown' })
    assert.deepEqual(await authorisers(database), ['usr_1'])
    const kept = JSON.stringify(await database.kysely.selectFrom('installations').selectAll().execute())
    assert.ok(!kept.includes(given.state!))
  })

  test('without the state of an invitation of this connection, in time, WeCom is not asked', async (database) => {
    await using world = await createSuiteWorld(database, { kind: 'service_provider' })
    const { installations, control, connections, suite } = world
    await connections.create(SYSTEM, world.organizationId, {
      identifier: 'others',
      kind: 'service_provider',
      suiteId: suite.suiteId,
      suiteSecret: suite.secret,
      callback: SUITE_CALLBACK,
    })
    const { url } = await installations.start(OPERATOR, 'partners')
    const state = new URL(url).searchParams.get('state')!
    const authCode = 'an-auth-code'
    const asked = control.calls({ endpoint: 'service/v2/get_permanent_code' }).length

    for (const [reference, given] of [
      ['partners', { authCode, state: undefined }],
      ['partners', { authCode, state: [state] }],
      ['partners', { authCode, state: `${state}0` }],
      ['partners', { authCode, state: 'f'.repeat(32) }],
      ['partners', { authCode: [authCode], state }],
      ['partners', { authCode: 'two words', state }],
      ['others', { authCode, state }],
      ['nobody', { authCode, state }],
    ] as const) {
      await assert.rejects(installations.complete(reference, given), { code: 'suites/invitation-unknown' })
    }
    world.pass(31 * MINUTE)
    await assert.rejects(installations.complete('partners', { authCode, state }), {
      code: 'suites/invitation-unknown',
    })
    assert.equal(control.calls({ endpoint: 'service/v2/get_permanent_code' }).length, asked)
    await installations.clear()
    assert.deepEqual(await database.kysely.selectFrom('installations').selectAll().execute(), [])
  })

  test('a code that WeCom does not take uses the invitation up and authorises nobody', async (database) => {
    await using world = await createSuiteWorld(database, { kind: 'service_provider' })
    const { url } = await world.installations.start(OPERATOR, 'partners')
    const given = { authCode: 'not-a-code', state: new URL(url).searchParams.get('state') }

    await assert.rejects(world.installations.complete('partners', given), { code: 'suites/code-spent' })
    await assert.rejects(world.installations.complete('partners', given), { code: 'suites/invitation-unknown' })

    assert.deepEqual(await world.corps.authorized(world.connection.id), [])
  })

  test('with the secret of the provider a template invites by its customised address, and an event answers', async (database) => {
    await using world = await createSuiteWorld(database, { hasProviderSecret: true })
    const { control, suite } = world
    control.changeSettings({ readings: { preAuthOfTemplates: 'refused' } })
    // An address that nobody listens at: what is sent there is read from the emulator's record.
    const callback = { token: 'token', encodingAesKey: SUITE_CALLBACK.aesKey, commandUrl: 'http://127.0.0.1:9/' }
    await control.setSuiteCallback({ suiteId: suite.suiteId, ...callback, firstTicket: false, unchecked: true })

    const { url, expiresAt } = await world.installations.start(OPERATOR, 'partners')
    const installed = world.control.completeInstall({ url, corpId: world.companies[0] })
    const [told] = control.deliveries().map(({ message }) => message)
    const outcome = await world.handOver({
      type: 'create_auth',
      authCode: elementOf(told, 'AuthCode'),
      state: elementOf(told, 'State'),
    })

    assert.equal(installed.redirectUrl, undefined)
    assert.ok(expiresAt > world.now() + 24 * 60 * MINUTE)
    assert.equal(outcome.kind, 'applied')
    assert.deepEqual(await authorisers(database), ['usr_1'])
    assert.deepEqual(await database.kysely.selectFrom('installations').selectAll().execute(), [])
  })

  test('without it a template invites by the install page, and where WeCom refuses that, it says so', async (database) => {
    await using world = await createSuiteWorld(database)

    const { url } = await world.installations.start(OPERATOR, 'partners')
    world.control.changeSettings({ readings: { preAuthOfTemplates: 'refused' } })

    assert.match(url, /\/3rdapp\/install\?suite_id=dk/)
    await assert.rejects(world.installations.start(OPERATOR, 'partners'), { code: 'wecom/permission' })
  })

  test('nobody is invited by a self-built connection, without what the suite needs, or without a ticket', async (database) => {
    await using world = await createSuiteWorld(database, { hasTicket: false })
    const { connections, organizationId, installations } = world
    await connections.create(SYSTEM, organizationId, { identifier: 'own', kind: 'self_built' })
    await connections.create(SYSTEM, organizationId, { identifier: 'draft', kind: 'delegated', suiteId: 'dk1' })

    await assert.rejects(installations.start(OPERATOR, 'own'), { code: 'connections/kind-without-corps' })
    await assert.rejects(
      installations.start(OPERATOR, 'draft'),
      ({ code, fields }: { code: string; fields: { path: string }[] }) =>
        code === 'connections/incomplete' &&
        fields.map(({ path }) => path).join() === 'suiteSecret,callback.token,callback.aesKey',
    )
    await assert.rejects(installations.start(OPERATOR, 'partners'), { code: 'suites/no-ticket' })
    await assert.rejects(installations.start(OPERATOR, 'nobody'), { code: 'connections/not-found' })
  })
})

function elementOf(message: string | undefined, name: string): string {
  const [, text] = new RegExp(`<${name}><!\\[CDATA\\[(.*?)\\]\\]></${name}>`).exec(message ?? '') ?? []
  assert.ok(text !== undefined, `${name} in ${message}`)
  return text
}

/** Whose id is in the record for each company that authorised. */
async function authorisers(database: Database): Promise<(string | null)[]> {
  const rows = await database.kysely
    .selectFrom('audit')
    .select('details')
    .where('action', '=', 'corp.authorize')
    .orderBy('id')
    .execute()
  return rows.map(({ details }) => (JSON.parse(details) as { invitedBy: string | null }).invitedBy)
}
