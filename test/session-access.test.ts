/** The admin API with the cookie of a session: whose it is, and from which page (threats.md C-03, C-04, C-21, L-08). */
import assert from 'node:assert/strict'
import {
  createUser,
  endpoints,
  listAudit,
  listUserSessions,
  updateAdministrator,
  updateUser,
  type Role,
} from '@muster/contracts'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import type { RawAnswer } from './client.ts'
import { OURS, PUBLIC_URL, startSignedIn } from './signed-in.ts'

const RANK = { auditor: 1, operator: 2, owner: 3 }

onEitherDatabase(({ testWithUrl }) => {
  testWithUrl('a session may what the role of its user may, and without a role nothing', async (url) => {
    await using scene = await startSignedIn(url)

    for (const { path, method, role: needed } of endpoints) {
      if (needed === null || needed === 'any') continue
      const address = `/api/v1${path.replace(':id', 'none').replace(':sessionId', 'none')}`
      for (const role of ['owner', 'operator', 'auditor', null] as const) {
        // Whether it gets past the door is asked with a body that no door needs to read.
        const answer = await scene.send(role, address, { method, headers: OURS })
        const may: boolean = role !== null && RANK[role] >= RANK[needed]
        assert.equal(answer.json?.['code'] === 'auth/forbidden', !may, `${method} ${path} as ${role}`)
      }
    }
  })

  testWithUrl('no other page makes a browser change or read anything', async (url) => {
    await using scene = await startSignedIn(url)
    const foreign: Record<string, string>[] = [
      { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
      { 'sec-fetch-site': 'cross-site', origin: 'null' },
      { 'sec-fetch-site': 'same-site', origin: 'https://wiki.corp.example' },
      { 'sec-fetch-site': 'cross-site' },
      { origin: 'https://evil.example' },
      { origin: 'http://id.corp.example' },
      { origin: `${PUBLIC_URL}.evil.example` },
      { 'sec-fetch-site': 'same-origin', origin: 'https://evil.example' },
    ]
    const blind: Record<string, string>[] = [{}, { origin: 'null' }, { 'sec-fetch-site': 'none' }]

    const type = { 'content-type': 'application/json' }
    for (const method of ['GET', 'POST']) {
      for (const headers of method === 'GET' ? foreign : [...foreign, ...blind]) {
        const body = bodyOf(method)
        const answer = await scene.send('owner', '/api/v1/users', { method, headers: { ...headers, ...type }, body })
        assertProblem(answer, 403, 'auth/other-origin', `${method} from ${JSON.stringify(headers)}`)
      }
    }
    for (const { path, method, role } of endpoints) {
      if (role === null) continue
      const address = `/api/v1${path.replace(':id', 'none').replace(':sessionId', 'none')}`
      const headers = { ...foreign[0], ...type }
      const answer = await scene.send('owner', address, { method, headers, body: bodyOf(method) })
      assertProblem(answer, 403, 'auth/other-origin', `${method} ${path}`)
    }
    for (const other of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
      const answer = await scene.send('owner', '/api/v1/users', {
        method: 'POST',
        headers: { 'content-type': other, 'sec-fetch-site': 'cross-site' },
        body: '{"username":"evil","displayName":"x"}',
      })
      assertProblem(answer, 403, 'auth/other-origin', other)
    }
    const overridden = await scene.send('owner', `/api/v1/users/${scene.userOf('auditor')}?_method=DELETE`, {
      headers: { 'x-http-method-override': 'DELETE', 'sec-fetch-site': 'none' },
    })
    assert.equal(overridden.status, 200)
    assert.equal(overridden.json['status'], 'active')
  })

  testWithUrl('a page of ours reads and writes, and the record says who did it', async (url) => {
    await using scene = await startSignedIn(url)

    const made = await scene.send('operator', '/api/v1/users', {
      method: 'POST',
      headers: { ...OURS, 'content-type': 'application/json' },
      body: JSON.stringify({ username: 'new', displayName: '新' }),
    })

    assert.equal(made.status, 201)
    const reading: Record<string, string>[] = [OURS, { 'sec-fetch-site': 'none' }, { origin: PUBLIC_URL }, {}]
    for (const headers of reading) {
      assert.equal((await scene.send('auditor', '/api/v1/users', { headers })).status, 200)
    }
    const { items } = await scene.owner.ask(listAudit, { query: { q: 'user.create' } })
    const { actor } = items[0]!
    assert.deepEqual([actor.kind, actor.id, actor.name], ['user', scene.userOf('operator'), 'operator'])
  })

  testWithUrl('a session ends with its role, its user, or by hand; a made-up cookie is nobody', async (url) => {
    await using scene = await startSignedIn(url)
    const status = async (role: Role) => (await scene.send(role, '/api/v1/users', { headers: OURS })).status
    const { items } = await scene.owner.ask(listUserSessions, { params: { id: scene.userOf('auditor') } })

    await scene.owner.ask(updateAdministrator, { params: { id: scene.userOf('operator') }, body: { role: 'auditor' } })
    const write = await scene.send('operator', '/api/v1/users', { method: 'POST', headers: OURS })
    assertProblem(write, 403, 'auth/forbidden')
    await scene.owner.ask(updateUser, { params: { id: scene.userOf('operator') }, body: { status: 'disabled' } })
    assert.equal(await status('operator'), 401)
    assert.equal(items.length, 1)
    const ended = await scene.send('owner', `/api/v1/users/${scene.userOf('auditor')}/sessions/${items[0]!.id}`, {
      method: 'DELETE',
      headers: OURS,
    })
    assert.equal(ended.status, 204)
    assert.equal(await status('auditor'), 401)
    const signedOut = await scene.owner.send(`/api/v1/users/${scene.userOf('owner')}/sign-out`, { method: 'POST' })
    assert.equal(signedOut.status, 204)
    assert.equal(await status('owner'), 401)
    for (const cookie of ['', 'x', 'a'.repeat(43), '%00', items[0]!.id]) {
      const headers = { ...OURS, cookie: `__Host-muster_session=${cookie}` }
      assertProblem(await scene.stranger.send('/api/v1/users', { headers }), 401, 'auth/required')
    }
  })

  testWithUrl(
    'common passwords and names that look like others are refused, and what is given out has to be changed',
    async (url) => {
      await using scene = await startSignedIn(url)
      const { owner } = scene
      const named = (username: string, password?: string) => ({ body: { username, displayName: 'x', password } })

      for (const password of ['password123', 'P@ssw0rd123', '88888888', 'abcabcabc', 'zhangsan', 'ZhangSan2026!']) {
        await assert.rejects(owner.ask(createUser, named('zhangsan', password)), { code: 'passwords/weak' }, password)
      }
      for (const username of ['\u0430dmin', 'ＡＤＭＩＮ', 'adm\u0131n']) {
        await assert.rejects(owner.ask(createUser, named(username)), { code: 'directory/username-deceptive' })
      }
      for (const password of ['short', 'x'.repeat(257), 'with\0nul in it', 'x'.repeat(900_000)]) {
        await assert.rejects(owner.ask(createUser, named('zhangsan', password)), { code: 'http/validation' })
      }
      const made = await owner.ask(createUser, named('zhangsan', ' 一个很长的密码 '))
      const given = await owner.ask(updateUser, { params: made, body: { password: 'given out by hand' } })
      const own = await owner.ask(updateUser, { params: made, body: { mustChangePassword: false } })

      assert.deepEqual(
        [made.mustChangePassword, given.mustChangePassword, own.mustChangePassword],
        [false, true, false],
      )
    },
  )
})

function bodyOf(method: string): string | null {
  return method === 'GET' || method === 'DELETE' ? null : '{}'
}

function assertProblem(answer: RawAnswer, status: number, code: string, which?: string): void {
  assert.deepEqual([answer.status, answer.json?.['code']], [status, code], which)
}
