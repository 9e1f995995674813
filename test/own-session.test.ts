/** The caller's own session through the admin API: who calls, confirming dangerous acts, signing out (threats.md C-03, SI-23). */
import assert from 'node:assert/strict'
import {
  createApiToken,
  createApplication,
  createOrganization,
  createUser,
  endpoints,
  listAudit,
  listUserSessions,
  type Endpoint,
} from '@muster/contracts'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import { createClient } from './client.ts'
import { OURS, PASSWORD, PUBLIC_URL, startSignedIn } from './signed-in.ts'
import { addPerson, open, startSignInStack } from './sign-in-stack.ts'

type Scene = Awaited<ReturnType<typeof startSignedIn>>
type Who = Parameters<Scene['send']>[0]

const all: readonly Endpoint[] = endpoints
const dangerous = all.filter(({ confirm }) => confirm)
const ELEVEN_MINUTES = { signedInMsAgo: 11 * 60_000 }
const JSON_TYPE = { 'content-type': 'application/json' }

onEitherDatabase(({ testWithUrl }) => {
  testWithUrl('a browser and a token are told who they are, and somebody without a role is not', async (url) => {
    await using scene = await startSignedIn(url)

    const session = await ask(scene, 'auditor', 'GET', '/session')
    const token = await scene.owner.send('/api/v1/session')
    const nobody = await ask(scene, null, 'GET', '/session')
    const stranger = await scene.stranger.send('/api/v1/session')

    const { session: own, now, ...rest } = session.json
    const { organizationId, version } = token.json
    assert.deepEqual(rest, {
      via: 'session',
      role: 'auditor',
      user: { id: scene.userOf('auditor'), username: 'auditor', displayName: 'auditor' },
      hasPassword: false,
      organizationId,
      version,
      publicUrl: PUBLIC_URL,
    })
    const { confirmedAt, confirmedUntil } = own as { confirmedAt: string; confirmedUntil: string }
    assert.equal(Date.parse(confirmedUntil) - Date.parse(confirmedAt), 10 * 60_000)
    assert.ok(Date.parse(String(now)) < Date.parse(confirmedUntil))
    assert.match(String(version), /^\d+\.\d+\.\d+/)
    assert.deepEqual([token.json['via'], token.json['user'], token.json['session']], ['token', null, null])
    assert.deepEqual([nobody.status, nobody.json['code']], [403, 'auth/forbidden'])
    assert.deepEqual([stranger.status, stranger.json['code']], [401, 'auth/required'])
  })

  testWithUrl('a session that was confirmed more than ten minutes ago does nothing dangerous', async (url) => {
    await using scene = await startSignedIn(url, {}, ELEVEN_MINUTES)
    const requests = await dangerousRequests(scene)
    const before = (await scene.owner.ask(listAudit, {})).total

    assert.equal(requests.length, 12)
    for (const [method, path, body] of requests) {
      const refused = await ask(scene, 'owner', method, path, body)
      const unread = await ask(scene, 'owner', method, path, { surprise: 1 })
      const lowly = await ask(scene, 'auditor', method, path, body)

      assert.deepEqual([refused.status, refused.json['code']], [403, 'auth/confirm-first'], `${method} ${path}`)
      assert.equal(unread.json['code'], 'auth/confirm-first', `${method} ${path}: before the body is looked at`)
      assert.equal(lowly.json['code'], 'auth/forbidden', `${method} ${path}: after the role`)
    }

    assert.equal((await scene.owner.ask(listAudit, {})).total, before)
    assert.equal((await ask(scene, 'owner', 'GET', '/users')).status, 200)
    const harmless = await ask(scene, 'operator', 'POST', '/users', { username: 'new', displayName: '新' })
    assert.equal(harmless.status, 201)
  })

  testWithUrl('after the password was typed once more it does them all', async (url) => {
    await using scene = await startSignedIn(url, {}, ELEVEN_MINUTES)
    const requests = await dangerousRequests(scene)

    const confirmed = await ask(scene, 'owner', 'POST', '/session/confirm', { password: PASSWORD })

    assert.equal(confirmed.status, 200)
    const { confirmedUntil } = confirmed.json['session'] as { confirmedUntil: string | null }
    assert.ok(Date.parse(confirmedUntil!) > Date.now())
    assert.deepEqual((await ask(scene, 'owner', 'GET', '/session')).json['session'], confirmed.json['session'])
    for (const [method, path, body, status] of requests) {
      const answer = await ask(scene, 'owner', method, path, body)
      assert.equal(answer.status, status, `${method} ${path}: ${answer.text}`)
    }
    const { items } = await scene.owner.ask(listAudit, { query: { action: 'session.confirm' } })
    assert.deepEqual([items.length, items[0]!.actor.id], [1, scene.userOf('owner')])
    const lowly = await ask(scene, 'auditor', 'POST', '/api-tokens', { name: 'mine', role: 'owner' })
    assert.equal(lowly.json['code'], 'auth/forbidden')
  })

  testWithUrl('another browser of the same person is not confirmed with it, and a token needs nothing', async (url) => {
    await using scene = await startSignedIn(url, {}, ELEVEN_MINUTES)
    const made = await scene.owner.ask(createApiToken, { body: { name: 'program', role: 'owner' } })
    const program = createClient(scene.server.origin, made.token)

    await ask(scene, 'owner', 'POST', '/session/confirm', { password: PASSWORD })
    const other = await ask(scene, 'operator', 'POST', '/runs/none/approve', { planHash: 'x' })
    const byProgram = await program.ask(createApiToken, { body: { name: 'another', role: 'auditor' } })
    const asked = await program.send('/api/v1/session/confirm', {
      method: 'POST',
      headers: JSON_TYPE,
      body: JSON.stringify({ password: PASSWORD }),
    })

    assert.equal(other.json['code'], 'auth/confirm-first')
    assert.equal(byProgram.role, 'auditor')
    assert.equal(asked.json['code'], 'sessions/not-found')
  })

  testWithUrl('wrong passwords are throttled, and confirm nothing', async (url) => {
    await using scene = await startSignedIn(url, {}, ELEVEN_MINUTES)
    const confirm = (password: string) => ask(scene, 'owner', 'POST', '/session/confirm', { password })

    const wrong = await confirm('wrong')
    for (let guess = 0; guess < 9; guess++) await confirm(`wrong ${guess}`)
    const locked = await confirm('wrong again')
    const right = await confirm(PASSWORD)
    const danger = await ask(scene, 'owner', 'POST', '/api-tokens', { name: 'mine', role: 'owner' })

    assert.deepEqual([wrong.status, wrong.json['code']], [403, 'passwords/wrong'])
    assert.deepEqual([locked.status, locked.json['code']], [429, 'passwords/too-many-guesses'])
    assert.match(locked.headers.get('retry-after') ?? '', /^\d{1,3}$/)
    assert.equal(right.status, 429)
    assert.equal(danger.json['code'], 'auth/confirm-first')
  })

  testWithUrl(
    'no other page confirms or signs out, and whoever has no password or no role cannot confirm',
    async (url) => {
      await using scene = await startSignedIn(url)
      const foreign = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example', ...JSON_TYPE }
      const body = JSON.stringify({ password: PASSWORD })

      const confirmed = await scene.send('owner', '/api/v1/session/confirm', { method: 'POST', headers: foreign, body })
      const signedOut = await scene.send('owner', '/api/v1/session', { method: 'DELETE', headers: foreign })
      const without = await ask(scene, 'operator', 'POST', '/session/confirm', { password: PASSWORD })
      const lowly = await ask(scene, null, 'POST', '/session/confirm', { password: PASSWORD })

      assert.deepEqual([confirmed.json['code'], signedOut.json['code']], ['auth/other-origin', 'auth/other-origin'])
      assert.equal(without.json['code'], 'auth/confirm-first')
      assert.match(String(without.json['detail']), /no password/)
      assert.equal(lowly.json['code'], 'auth/forbidden')
      assert.equal((await ask(scene, 'owner', 'GET', '/session')).status, 200)
    },
  )

  testWithUrl('anybody who is signed in signs out of their own browser, an administrator too', async (url) => {
    await using scene = await startSignedIn(url)

    for (const who of ['operator', null] as const) {
      const answer = await ask(scene, who, 'DELETE', '/session')
      const { total } = await scene.owner.ask(listUserSessions, { params: { id: scene.userOf(who) } })

      assert.deepEqual([answer.status, total], [204, 0])
      assert.match(answer.headers.get('set-cookie') ?? '', /^__Host-muster_session=;.*Expires=Thu, 01 Jan 1970/)
      assert.equal((await ask(scene, who, 'DELETE', '/session')).status, 401)
    }
    assert.equal((await scene.owner.send('/api/v1/session', { method: 'DELETE' })).status, 204)
    const { items } = await scene.owner.ask(listAudit, { query: { action: 'session.end' } })
    assert.deepEqual(
      items.map(({ target }) => target?.id),
      [scene.userOf(null), scene.userOf('operator')],
    )
  })

  testWithUrl('whoever has no password confirms by signing in through WeCom once more', async (url) => {
    await using stack = await startSignInStack(url)
    addPerson(stack, 'LiSi', '李四')
    const browser = open(stack)
    await browser.signIn('LiSi')
    const first = browser.session()

    const withSession = await browser.start('/healthz')
    const asked = await browser.follow('/signin/start?prompt=login&return_to=%2Fhealthz')
    const back = await browser.follow(browser.scan(await browser.goToWecom(asked), 'LiSi'))

    assert.equal(withSession.address, '/healthz')
    assert.match(asked.address, /^\/signin\/page-/)
    assert.equal(back.address, '/healthz')
    assert.notEqual(browser.session(), first)
    assert.equal((await browser.start('/healthz')).address, '/healthz')
  })
})

function ask(scene: Scene, who: Who, method: string, path: string, body?: object) {
  const isSent = body !== undefined && method !== 'GET'
  return scene.send(who, `/api/v1${path}`, {
    method,
    headers: { ...OURS, ...(isSent ? JSON_TYPE : {}) },
    ...(isSent ? { body: JSON.stringify(body) } : {}),
  })
}

/** One request for each dangerous act, on something that is there, and what it answers when it is allowed. */
async function dangerousRequests(
  scene: Scene,
): Promise<[method: string, path: string, body: object, status: number][]> {
  const { owner } = scene
  const application = await owner.ask(createApplication, {
    body: { name: 'wiki', redirectUris: ['https://wiki.example/'] },
  })
  const token = await owner.ask(createApiToken, { body: { name: 'old', role: 'auditor' } })
  const organization = await owner.ask(createOrganization, { body: { slug: 'branch', name: '分公司' } })
  const user = await owner.ask(createUser, { body: { username: 'deputy', displayName: '副手' } })
  const requests: Record<string, [path: string, body: object, status: number]> = {
    createApiToken: ['/api-tokens', { name: 'new', role: 'auditor' }, 201],
    deleteApiToken: [`/api-tokens/${token.id}`, {}, 204],
    createAdministrator: ['/administrators', { userId: user.id, role: 'auditor' }, 201],
    updateAdministrator: [`/administrators/${user.id}`, { role: 'operator' }, 200],
    deleteAdministrator: [`/administrators/${user.id}`, {}, 204],
    createApplicationSecret: [`/applications/${application.id}/secrets`, {}, 201],
    deleteApplication: [`/applications/${application.id}`, {}, 204],
    rotateSigningKeys: ['/signing-keys/rotations', { withdraw: true }, 200],
    deleteOrganization: [`/organizations/${organization.id}`, {}, 204],
    // Past the door, where there is no such run.
    approveRun: ['/runs/none/approve', { planHash: 'x' }, 404],
    revertRun: ['/runs/none/revert', {}, 404],
    deleteConnection: ['/connections/hq?confirm=hq', {}, 204],
  }
  assert.deepEqual(Object.keys(requests).toSorted(), dangerous.map(({ operationId }) => operationId).toSorted())
  return Object.entries(requests).map(([id, [path, body, status]]) => {
    const { method } = dangerous.find(({ operationId }) => operationId === id)!
    return [method, path, body, status]
  })
}
