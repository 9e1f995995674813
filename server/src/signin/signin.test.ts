/** The grant of native apps, against a real emulator: there is no page in it, so it needs no server. */
import assert from 'node:assert/strict'
import { startEmulator } from '@muster/emulator'
import { onEachDatabase } from '../../test-support/databases.ts'
import { BROWSER, createSignInWorld } from '../../test-support/sign-in-world.ts'
import { SYSTEM } from '../audit/audit.ts'

onEachDatabase(({ test }) => {
  test('the log of native apps has the company that WeCom confirmed, and none that was only named', async (database) => {
    const emulator = await startEmulator({ companies: [{ people: 12, seed: 'mobile' }] })
    const world = await createSignInWorld(database, emulator.apiUrl)
    try {
      const group = await world.connectSuite('delegated', ['wpA', 'wpB'])
      const hq = await world.connect('hq')
      const bring = async (connection: string, corp: string | null, code: string) => {
        const errand = { connection, corp, code, organizationId: hq.organizationId, applicationId: 'app_1' }
        await world.whole.admitByCode({ ...errand, connections: [group.id, hq.id] }, BROWSER)
        const { connection_id, corp_id, reason } = (await world.log()).at(-1)!
        return [connection_id, corp_id, reason]
      }

      assert.deepEqual(await bring('nobody', 'wpA', 'code'), [null, null, 'connection-unknown'])
      assert.deepEqual(await bring(group.id, 'wpZ', 'code'), [group.id, null, 'corp-not-authorised'])
      assert.deepEqual(await bring(group.id, 'wpB', 'a b'), [group.id, null, 'code-rejected'])
      assert.deepEqual(await bring(hq.id, 'wpB', 'code'), [hq.id, 'hq', 'corp-not-authorised'], 'it has but one')
    } finally {
      await world.close()
      await emulator.close()
    }
  })

  test('a native app brings a code of the SDK, once, for a connection of its own', async (database) => {
    const emulator = await startEmulator({ companies: [{ people: 12, seed: 'mobile' }] })
    const world = await createSignInWorld(database, emulator.apiUrl)
    try {
      const { control } = emulator
      const { corpId, apps } = control.companies()[0]!
      const [app, other] = apps.filter(({ kind }) => kind.startsWith('self-built'))
      const hq = await world.connect(corpId, {}, app)
      const elsewhere = await world.connect('ww-elsewhere')
      const { userid } = control.truth({ corpId }).members.find(({ status }) => status === 1)!
      const codeOf = (agentId: number, rest = {}) =>
        control.mintCode({ corpId, agentId, identity: { userid }, source: 'mobile', ...rest }).code
      const bring = async (code: string, connection = hq.id, connections = [hq.id], corp: string | null = null) => {
        const errand = {
          connection,
          corp,
          code,
          organizationId: hq.organizationId,
          applicationId: 'app_1',
          connections,
        }
        const settled = await world.whole.admitByCode(errand, BROWSER)
        return settled.kind === 'refused'
          ? settled.reason
          : settled.kind === 'admitted'
            ? settled.session.door
            : settled.kind
      }

      const code = codeOf(app!.agentId)
      assert.equal(await bring(code), 'mobile-sdk')
      assert.equal(await bring(code), 'code-rejected', 'a second time')
      const racing = codeOf(app!.agentId)
      const outcomes = await Promise.all(Array.from({ length: 10 }, () => bring(racing)))
      assert.deepEqual(outcomes.toSorted(), [...Array<string>(9).fill('code-rejected'), 'mobile-sdk'])

      const withTicket = codeOf(app!.agentId, { source: 'client', privateFields: ['mobile'] })
      assert.equal(await bring(withTicket), 'code-of-another-door')
      assert.equal(await bring(codeOf(other!.agentId)), 'wecom-problem', 'of another app')
      assert.equal(await bring(codeOf(app!.agentId), elsewhere.id), 'connection-unknown', 'not of the application')
      assert.equal(await bring(codeOf(app!.agentId), 'nobody'), 'connection-unknown')
      control.changeSettings({ readings: { mobileCodes: 'older-path' } })
      assert.equal(await bring(codeOf(app!.agentId)), 'mobile-sdk', 'on the path that older apps use')
      assert.equal(await bring(codeOf(app!.agentId), hq.id, [hq.id], corpId), 'mobile-sdk', 'of the company that it is')
      const theirs = (await world.log()).map(({ corp_id }) => corp_id)
      assert.ok(
        theirs.every((one) => one === corpId || one === null),
        'the connection has one company, an unknown one none',
      )
      const calls = control.countCalls({ endpoint: 'auth/getuserinfo' }).count
      for (const strange of ['ww-elsewhere', '', 'a b', 'x'.repeat(200), '\u0000']) {
        assert.equal(await bring(codeOf(app!.agentId), hq.id, [hq.id], strange), 'corp-not-authorised')
      }
      for (const odd of ['', 'a b', 'x'.repeat(513), '\u0000']) assert.equal(await bring(odd), 'code-rejected')
      await world.connections.update(SYSTEM, hq.id, { signIn: { enabled: false } })
      assert.equal(await bring(codeOf(app!.agentId)), 'sign-in-off')
      assert.equal(control.countCalls({ endpoint: 'auth/getuserinfo' }).count, calls, 'WeCom is not asked for nothing')

      // Switched on behind the back of what refuses it: without a secret nobody is asked, and nobody is let in.
      await world.connections.update(SYSTEM, hq.id, { signIn: { enabled: true } })
      await database.kysely.updateTable('connections').set({ secret_sealed: null }).where('id', '=', hq.id).execute()
      await assert.rejects(bring(codeOf(app!.agentId)), { code: 'connections/incomplete' })
      assert.equal(control.countCalls({ endpoint: 'auth/getuserinfo' }).count, calls)
      assert.equal((await world.allUsers()).length, 1)
    } finally {
      await world.close()
      await emulator.close()
    }
  })
})
