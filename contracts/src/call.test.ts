import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ApiProblem, call, type Transport } from './call.ts'
import {
  Connection,
  createConnection,
  deleteConnection,
  getConnection,
  listChanges,
  listUsers,
  startRun,
  Run,
  type ConnectionId,
  type UserId,
} from './index.ts'

const [connection] = Connection.meta()!.examples as unknown[]
const [run] = Run.meta()!.examples as unknown[]

/** A transport that answers the same every time and remembers what it was asked. */
function answering(status: number, body?: unknown) {
  const requests: Parameters<Transport>[0][] = []
  const transport: Transport = (request) => {
    requests.push(request)
    return Promise.resolve({ status, body })
  }
  return { requests, transport }
}

test('a call sends method, encoded path and body, and gives the parsed answer', async () => {
  const { requests, transport } = answering(202, run)

  const started = await call(startRun, { params: { id: 'h/q?' }, body: { mode: 'preview' } }, transport)

  assert.equal(started.state, 'partially_succeeded')
  assert.deepEqual(requests, [
    { method: 'POST', path: '/connections/h%2Fq%3F/runs', query: {}, body: { mode: 'preview' } },
  ])
})

test('a query is sent as text, without what was left out', async () => {
  const { requests, transport } = answering(200, { items: [], nextCursor: null, total: 0 })

  await call(listUsers, { query: { limit: 10, status: undefined, q: '张' } }, transport)

  assert.deepEqual(requests[0]?.query, { limit: '10', q: '张' })
})

test('a path is filled literally, also with what means something to String.replace', async () => {
  const { requests, transport } = answering(200, connection)

  await call(getConnection, { params: { id: '$&' } }, transport)

  assert.equal(requests[0]?.path, '/connections/%24%26')
})

test('an answer without content is undefined', async () => {
  const { transport } = answering(204)

  assert.equal(await call(deleteConnection, { params: { id: 'hq' }, query: { confirm: 'hq' } }, transport), undefined)
})

test('a refusal becomes an ApiProblem with all that the server said', async () => {
  const problem = {
    type: 'urn:muster:error:sync:run-active',
    title: 'A run of this connection is active',
    status: 409,
    detail: 'It started a minute ago.',
    code: 'sync/run-active',
    remedy: 'Wait for it.',
    requestId: 'req-1',
    runId: 'run_1',
    somethingNewer: true,
  }
  const { transport } = answering(409, problem)

  const refused = call(startRun, { params: { id: 'hq' }, body: { mode: 'apply' } }, transport)

  await assert.rejects(refused, (error) => {
    assert.ok(error instanceof ApiProblem)
    assert.equal(error.code, 'sync/run-active')
    assert.equal(error.status, 409)
    assert.equal(error.message, 'It started a minute ago.')
    assert.equal(error.remedy, 'Wait for it.')
    assert.deepEqual(error.fields, [])
    assert.deepEqual(error.problem, problem)
    return true
  })
})

const strangeAnswers: [name: string, status: number, body: unknown][] = [
  ['the page of a proxy', 502, '<html>'],
  ['a page with a good status', 200, '<html>'],
  ['an answer of another kind', 200, run],
  ['a status that is not promised', 204, undefined],
  ['nothing at all', 500, undefined],
]

for (const [name, status, body] of strangeAnswers) {
  test(`${name} is an ApiProblem too, and never taken for an answer`, async () => {
    const { transport } = answering(status, body)

    await assert.rejects(call(getConnection, { params: { id: 'hq' } }, transport), {
      name: 'ApiProblem',
      code: 'client/unexpected-answer',
      status,
    })
  })
}

test('what the transport throws is not dressed up', async () => {
  const offline = new Error('connection refused')

  await assert.rejects(
    call(getConnection, { params: { id: 'hq' } }, () => Promise.reject(offline)),
    (error) => error === offline,
  )
})

// Compiled, never run: each `@ts-expect-error` fails the type check if the line below it ever becomes acceptable.
export async function typesOfCall(transport: Transport): Promise<void> {
  // @ts-expect-error the path needs an id
  await call(getConnection, {}, transport)
  // @ts-expect-error the body needs a mode
  await call(startRun, { params: { id: 'hq' }, body: {} }, transport)
  // @ts-expect-error there is no such mode
  await call(startRun, { params: { id: 'hq' }, body: { mode: 'maybe' } }, transport)
  // @ts-expect-error this endpoint takes no body
  await call(getConnection, { params: { id: 'hq' }, body: {} }, transport)
  // @ts-expect-error there is no such filter
  await call(listUsers, { query: { colour: 'red' } }, transport)
  // @ts-expect-error there is no such policy
  await call(createConnection, { body: { identifier: 'hq', sync: { users: { onlyHere: 'purge' } } } }, transport)

  await call(listUsers, {}, transport) // every filter may be left out
  await call(createConnection, { body: { identifier: 'hq' } }, transport) // defaults may be left out

  const one = await call(getConnection, { params: { id: 'hq' } }, transport)
  const id: ConnectionId = one.id
  const schedule: 'manual' | 'daily' | 'weekly' | 'monthly' | 'interval' = one.sync.schedule.kind
  // @ts-expect-error ids of two kinds are not confused
  const wrong: UserId = one.id
  // @ts-expect-error secrets do not come back
  const secret: unknown = one.secret

  const page = await call(listChanges, { params: { id: 'run_1' } }, transport)
  const reason: string | null | undefined = page.items[0]?.reason
  const nothing: undefined = await call(deleteConnection, { params: { id: 'hq' } }, transport)
  void [id, schedule, wrong, secret, reason, nothing]
}
