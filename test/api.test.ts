/** The admin API as a stranger meets it: refusals, languages, pages, exports, the document, and what never comes back. */
import assert from 'node:assert/strict'
import {
  createApiToken,
  deleteConnection,
  endpoints,
  getConnection,
  listConnections,
  listLinks,
  listUsers,
  updateConnection,
} from '@muster/contracts'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import { createClient, type RawAnswer } from './client.ts'
import { startStack } from './stack.ts'

onEitherDatabase(({ testWithUrl }) => {
  testWithUrl('refusals are problem documents that name the fields and the way out', async (url) => {
    await using stack = await startStack(url)
    const post = (body: unknown) =>
      stack.send('/api/v1/connections', {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      })

    const invalid = await post({ identifier: 'NOT VALID', colour: 'red' })
    const tooMany = await stack.send('/api/v1/users?limit=501')
    const incomplete = await post({ identifier: 'draft', sync: { enabled: true } })
    const taken = await post({ identifier: 'hq' })

    assertProblem(invalid, 400, 'http/validation')
    const paths = (invalid.json['fields'] as { path: string }[]).map(({ path }) => path)
    assert.deepEqual(paths.sort(), ['colour', 'identifier'])
    assertProblem(tooMany, 400, 'http/validation')
    assertProblem(incomplete, 409, 'connections/incomplete')
    assertProblem(taken, 409, 'connections/identifier-taken')
  })

  testWithUrl('who may not, learns nothing; who may only read, changes nothing', async (url) => {
    await using stack = await startStack(url)
    const { token } = await stack.ask(createApiToken, { body: { name: 'reader', role: 'auditor' } })
    const reader = createClient(stack.server.origin, token)
    const stranger = createClient(stack.server.origin, null)
    const guesser = createClient(stack.server.origin, 'muster_not-a-token-of-this-server')

    for (const { path, method, role } of endpoints) {
      if (role === null) continue
      const address = `/api/v1${path.replace(':id', 'con_x')}`
      assertProblem(await stranger.send(address, { method }), 401, 'auth/required')
      assertProblem(await guesser.send(address, { method }), 401, 'auth/required')
    }
    assert.equal((await reader.send('/api/v1/users')).status, 200)
    assertProblem(await reader.send('/api/v1/connections/hq/runs', { method: 'POST' }), 403, 'auth/forbidden')
    assertProblem(await reader.send('/api/v1/connections/none'), 404, 'connections/not-found')
    assertProblem(await reader.send('/api/v1/users/usr_none'), 404, 'users/not-found')
    assertProblem(await reader.send('/api/v1/no-such-thing'), 404, 'http/no-route')
  })

  testWithUrl('problems are in Chinese for those who ask for it', async (url) => {
    await using stack = await startStack(url)
    const chinese = createClient(stack.server.origin, null, 'zh-CN,zh;q=0.9,en;q=0.5')

    const answer = await chinese.send('/api/v1/users')

    assertProblem(answer, 401, 'auth/required')
    for (const member of ['title', 'detail', 'remedy']) assert.match(String(answer.json[member]), /\p{Script=Han}/u)
  })

  testWithUrl('pages of any size hold everybody once', async (url) => {
    await using stack = await startStack(url, { people: 53 })
    await stack.syncOnce()
    const whole = await stack.ask(listUsers, { query: { limit: 500 } })

    const paged: string[] = []
    let cursor: string | null | undefined
    do {
      const page = await stack.ask(listUsers, { query: { limit: 7, cursor: cursor ?? undefined } })
      assert.equal(page.total, 53)
      paged.push(...page.items.map(({ id }) => id))
      cursor = page.nextCursor
    } while (cursor !== null)

    assert.deepEqual(
      paged,
      whole.items.map(({ id }) => id),
    )
    assert.equal(new Set(paged).size, 53)
    assertProblem(await stack.send('/api/v1/users?cursor=made-up'), 400, 'http/validation')
  })

  testWithUrl('an export of changes runs nothing in a spreadsheet', async (url) => {
    await using stack = await startStack(url, { people: 12 })
    const formulas = ['=HYPERLINK("http://x.example","y")', '+1+1', '-1', '@SUM(A1)', '＝1']
    const { members } = stack.control.truth(stack)
    for (const [index, name] of formulas.entries()) {
      const { userid } = members[index]!
      stack.control.patchMember({ corpId: stack.corpId, userid, patch: { name }, unchecked: true })
    }
    const run = await stack.syncOnce()

    const csv = await stack.send(`/api/v1/runs/${run.id}/changes?format=csv&limit=1`)

    assert.match(csv.headers.get('content-type') ?? '', /^text\/csv/)
    const { departments, users } = run.counts
    assert.equal(csv.text.trimEnd().split('\r\n').length, 1 + departments.created + users.created)
    for (const name of formulas) assert.ok(csv.text.includes(`'${name.replaceAll('"', '""')}`), name)
    assert.doesNotMatch(csv.text, /(?:^|,)"?[=+\-@＝]/mu)
  })

  testWithUrl('the OpenAPI document lists what is answered, and refers to nothing that is missing', async (url) => {
    await using stack = await startStack(url)

    const { json } = await createClient(stack.server.origin, null).send('/api/v1/openapi.json')

    assert.match(String(json['openapi']), /^3\.1\./)
    const operations = Object.values(json['paths'] as Record<string, Record<string, { operationId?: string }>>).flatMap(
      (path) => Object.values(path).map(({ operationId }) => operationId),
    )
    assert.deepEqual(operations.sort(), endpoints.map(({ operationId }) => operationId).sort())
    const text = JSON.stringify(json)
    const references = [...new Set(Array.from(text.matchAll(/"\$ref":"([^"]+)"/g), ([, target]) => target!))]
    assert.ok(references.length > 0)
    assert.deepEqual(
      references.filter((reference) => resolve(json, reference) === undefined),
      [],
    )
  })

  testWithUrl('health, readiness and metrics are there without a credential', async (url) => {
    await using stack = await startStack(url)
    await stack.syncOnce()
    const stranger = createClient(stack.server.origin, null)

    const [health, ready, metrics] = await Promise.all(
      ['/healthz', '/readyz', '/metrics'].map((path) => stranger.send(path)),
    )

    assert.deepEqual([health?.status, ready?.status, metrics?.status], [200, 200, 200])
    assert.match(metrics!.text, /muster_sync_runs_total\{[^}]*state="succeeded"[^}]*\} 1/)
    assert.match(metrics!.text, /muster_wecom_calls_total\{/)
  })

  testWithUrl('secrets never come back, and another company needs its own', async (url) => {
    await using stack = await startStack(url)
    const aesKey = 'k'.repeat(43)
    const patch = { contactsSecret: 'contacts-secret-of-hq', callback: { token: 'callbacktokenofhq', aesKey } }

    const updated = await stack.ask(updateConnection, { params: { id: 'hq' }, body: patch })
    const read = await stack.ask(getConnection, { params: { id: 'hq' } })
    const listed = await stack.ask(listConnections, {})

    const spoken = JSON.stringify([updated, read, listed])
    for (const secret of [stack.app.secret, 'contacts-secret-of-hq', 'callbacktokenofhq', aesKey]) {
      assert.ok(!spoken.includes(secret), secret)
    }
    assert.deepEqual([read.hasSecret, read.hasContactsSecret, read.callback.hasAesKey], [true, true, true])
    await assert.rejects(
      stack.ask(updateConnection, { params: { id: 'hq' }, body: { corpId: 'wwffffffffffffffff' } }),
      { code: 'connections/secret-required' },
    )
    assert.equal((await stack.ask(getConnection, { params: { id: 'hq' } })).corpId, stack.corpId)
  })

  testWithUrl('removing a connection takes its links and leaves users and departments', async (url) => {
    await using stack = await startStack(url)
    await stack.syncOnce()
    const before = await stack.directory()

    await assert.rejects(stack.ask(deleteConnection, { params: { id: 'hq' } }), { code: 'connections/confirm' })
    await stack.ask(deleteConnection, { params: { id: 'hq' }, query: { confirm: 'hq' } })

    const after = await stack.directory()
    assert.deepEqual(
      after.users.map(({ id }) => id),
      before.users.map(({ id }) => id),
    )
    assert.deepEqual(
      after.users.map(({ departments }) => departments.length),
      before.users.map(({ departments }) => departments.length),
    )
    assert.equal(after.departments.length, before.departments.length)
    assert.equal((await stack.ask(listLinks, {})).total, 0)
    assertProblem(await stack.send('/api/v1/connections/hq'), 404, 'connections/not-found')
  })
})

function assertProblem(answer: RawAnswer, status: number, code: string): void {
  assert.deepEqual([answer.status, answer.json?.['code']], [status, code])
  assert.match(answer.headers.get('content-type') ?? '', /^application\/problem\+json/)
  for (const member of ['type', 'title', 'detail', 'remedy', 'requestId']) {
    assert.ok(answer.json[member], `${code} has no ${member}`)
  }
  assert.equal(answer.json['status'], status)
}

/** The target of a local reference, or undefined. */
function resolve(document: unknown, reference: string): unknown {
  if (!reference.startsWith('#/')) return undefined
  return reference
    .slice(2)
    .split('/')
    .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[decodeURIComponent(key)], document)
}
