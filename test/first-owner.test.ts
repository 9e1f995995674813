/** How an installation gets its first owner, and how nobody else does (threats.md SI-29), and back in with commands. */
import assert from 'node:assert/strict'
import { getUser, listAdministrators, listAudit } from '@muster/contracts'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import { createClient } from './client.ts'
import { BOOTSTRAP_TOKEN, runCommand, settingsFor, spawnServer, temporaryFolder, type ServerProcess } from './server.ts'

onEitherDatabase(({ dialect, testWithBareUrl }) => {
  testWithBareUrl('one of twenty who race with the printed token is the first owner, and nobody after', async (url) => {
    const folder = temporaryFolder()
    const settings = settingsFor({ databaseUrl: url, dataDir: folder.path, wecomUrl: 'http://127.0.0.1:1' })
    const servers = [await spawnServer(settings)]
    if (dialect === 'postgres') {
      const other = temporaryFolder()
      servers.push(await spawnServer({ ...settings, MUSTER_DATA_DIR: other.path }))
    }
    try {
      const tokens = servers.map(tokenOf)
      const body = (token: string, more = {}) => ({
        token,
        username: 'admin',
        displayName: 'Administrator',
        password: 'correct horse battery',
        ...more,
      })

      const wrong = await setUp(servers[0]!, body('not-the-token'))
      const weak = await setUp(servers[0]!, body(tokens[0]!, { password: 'password123' }))
      const strange = await setUp(servers[0]!, body(tokens[0]!, { role: 'owner' }))
      const race = await Promise.all(
        Array.from({ length: 20 }, (_, index) => {
          const which = index % servers.length
          return setUp(servers[which]!, body(tokens[which]!, { username: `admin${index}` }))
        }),
      )

      assert.deepEqual([wrong.status, wrong.json['code']], [403, 'setup/wrong-token'])
      assert.deepEqual([weak.status, weak.json['code']], [400, 'passwords/weak'])
      assert.deepEqual([strange.status, strange.json['code']], [400, 'http/validation'])
      assert.deepEqual(race.map(({ status }) => status).sort(), [201, ...Array.from({ length: 19 }, () => 410)])
      const winner = race.find(({ status }) => status === 201)!.json
      const owner = createClient(servers[0]!.origin, BOOTSTRAP_TOKEN)
      const { items } = await owner.ask(listAdministrators, {})
      assert.deepEqual(
        items.map(({ userId, role }) => [userId, role]),
        [[winner['id'], 'owner']],
      )
      const { items: audit } = await owner.ask(listAudit, { query: { q: 'user.create' } })
      assert.deepEqual([audit[0]!.actor.name, audit[0]!.address], ['set-up', '127.0.0.1'])
      for (const token of tokens) {
        assert.ok(
          !servers.some((server) =>
            server
              .log()
              .replace(/^Set-up: .*$/gm, '')
              .includes(token),
          ),
        )
      }

      await servers[0]!.terminate()
      servers[0] = await spawnServer(settings)
      assert.doesNotMatch(servers[0].log(), /Set-up:/)
      const afterwards = await setUp(servers[0], body(tokens[0]!, { username: 'late' }))
      assert.deepEqual([afterwards.status, afterwards.json['code']], [410, 'setup/closed'])
    } finally {
      for (const server of servers) await server.stop()
      folder.remove()
    }
  })

  // Commands reach the server the same way whatever database it has.
  if (dialect === 'sqlite') {
    testWithBareUrl('an owner made by command closes the set-up, and gets a new password by command', async (url) => {
      const folder = temporaryFolder()
      const settings = settingsFor({ databaseUrl: url, dataDir: folder.path, wecomUrl: 'http://127.0.0.1:1' })
      const server = await spawnServer(settings)
      try {
        const token = tokenOf(server)
        const made = await runCommand(['admin', 'create', 'breakglass', '--json'], settings)
        const { userId, password } = JSON.parse(made.stdout) as { userId: string; password: string }
        const client = createClient(server.origin, BOOTSTRAP_TOKEN)
        const before = await client.ask(getUser, { params: { id: userId } })

        const reset = await runCommand(['admin', 'reset-password', 'BreakGlass', '--json'], settings)
        const unknown = await runCommand(['admin', 'reset-password', 'nobody'], settings)
        const late = await setUp(server, { token, username: 'x', displayName: 'x', password: 'correct horse battery' })

        assert.deepEqual([before.role, before.hasPassword, before.mustChangePassword], ['owner', true, true])
        const outcome = JSON.parse(reset.stdout) as { userId: string; password: string }
        assert.equal(outcome.userId, userId)
        assert.match(outcome.password, /^[\w-]{24}$/)
        assert.notEqual(outcome.password, password)
        assert.equal((await client.ask(getUser, { params: { id: userId } })).mustChangePassword, true)
        assert.notEqual(unknown.code, 0)
        assert.match(unknown.stderr, /nobody/)
        assert.equal(late.status, 410)
        for (const secret of [password, outcome.password]) assert.ok(!server.log().includes(secret))
      } finally {
        await server.stop()
        folder.remove()
      }
    })
  }
})

function tokenOf(server: ServerProcess): string {
  const [, token] = /^Set-up: http:\/\/localhost:8080\/console\/setup#token=([\w-]{43})$/m.exec(server.log()) ?? []
  assert.ok(token, 'the server prints where to set up')
  return token
}

function setUp(server: ServerProcess, body: object) {
  return createClient(server.origin, null).send('/api/v1/setup', {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  })
}
