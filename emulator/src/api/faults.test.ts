import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { FaultEffect } from './faults.ts'
import { fetchRaw, fetchText, parse, stage, until } from '../test-client.ts'

test('faults strike by endpoint, query, call number and count', async (t) => {
  const { control, as } = await stage(t)
  const app = as('self-built')
  const effect: FaultEffect = { kind: 'errcode', errcode: -1 }
  control.addFault({ endpoint: 'user/list', query: { department_id: '1' }, from: 2, to: 4, count: 2, effect })
  control.addFault({ endpoint: 'agent/*', count: 1, effect })

  const lists: unknown[] = []
  for (let call = 0; call < 5; call++) lists.push((await app.get('user/list', { department_id: 1 }))['errcode'])
  const agents = [(await app.get('agent/list'))['errcode'], (await app.get('agent/list'))['errcode']]

  assert.deepEqual(lists, [0, -1, -1, 0, 0])
  assert.deepEqual(agents, [-1, 0])
  assert.deepEqual(
    control.faults().map(({ seen, struck }) => [seen, struck]),
    [
      [5, 2],
      [2, 1],
    ],
  )
  assert.equal(control.calls({ endpoint: 'agent/list' })[0]?.faults[0], 'fault-2')
})

test('the same seed strikes the same calls', async (t) => {
  const play = async () => {
    const { control, as } = await stage(t)
    control.addFault({ probability: 0.5, seed: 'dice', effect: { kind: 'errcode', errcode: -1 } })
    const codes: unknown[] = []
    for (let call = 0; call < 30; call++) codes.push((await as('self-built').get('agent/list'))['errcode'])
    return codes
  }

  const [first, second] = [await play(), await play()]

  assert.deepEqual(first, second)
  assert.ok(first.includes(0) && first.includes(-1))
})

test('a fault concerns one principal when it says so', async (t) => {
  const { control, corpId, agentId, as } = await stage(t)
  control.addFault({ corpId, agentId: agentId('system'), effect: { kind: 'errcode', errcode: 45033 } })

  assert.equal((await as('system').get('agent/list'))['errcode'], 45033)
  assert.equal((await as('self-built').get('agent/list'))['errcode'], 0)
})

/** What a caller sees of one struck call. */
async function struck(t: Parameters<typeof stage>[0], effect: FaultEffect) {
  const { control, corpId, agentId, emulator } = await stage(t)
  const { accessToken } = control.mintToken({ corpId, agentId: agentId('self-built') })
  control.addFault({ effect })
  return { control, url: `${emulator.apiUrl}/cgi-bin/department/list?access_token=${accessToken}` }
}

const answers: [FaultEffect, number, RegExp][] = [
  [{ kind: 'status', status: 502, body: 'bad gateway' }, 502, /^bad gateway$/],
  [{ kind: 'html' }, 200, /^<!doctype html>/],
  [{ kind: 'empty' }, 200, /^$/],
  [{ kind: 'json', value: {} }, 200, /^\{\}$/],
  [{ kind: 'redirect', location: 'http://elsewhere.example/' }, 302, /^$/],
  [{ kind: 'missing', key: 'department' }, 200, /^\{"errcode":0,"errmsg":"ok"\}$/],
  [
    { kind: 'errcode', errcode: 45009, errmsg: 'mine' },
    200,
    /^\{"errcode":45009,"errmsg":"mine, .*"department":\[\]\}$/,
  ],
  [{ kind: 'token-death', as: 42001 }, 200, /"errcode":42001/],
]

for (const [effect, expectedStatus, expectedBody] of answers) {
  test(`the fault ${effect.kind} is answered as asked`, async (t) => {
    const { url } = await struck(t, effect)

    const { status, body } = await fetchText(url)

    assert.equal(status, expectedStatus)
    assert.match(body, expectedBody)
  })
}

test('a cut answer promises its full length and breaks off', async (t) => {
  const { url } = await struck(t, { kind: 'cut', bytes: 20 })

  const response = await fetchRaw(url)

  assert.ok(Number(response.headers.get('content-length')) > 20)
  await assert.rejects(response.text(), /terminated/)
})

test('a reset connection gives no answer', async (t) => {
  const { url } = await struck(t, { kind: 'reset' })

  await assert.rejects(fetchText(url), /fetch failed/)
})

for (const effect of [{ kind: 'hang' }, { kind: 'drip', bytesPerSecond: 1 }] as const) {
  test(`a caller can give up on ${effect.kind}, and the call is closed in the record`, async (t) => {
    const { control, url } = await struck(t, effect)
    const impatience = new AbortController()
    const call = fetchText(url, { signal: impatience.signal })
    await until(() => control.countCalls().inFlight === 1)

    impatience.abort()
    await assert.rejects(call, /abort/i)
    await until(() => control.countCalls().inFlight === 0)

    assert.equal(control.countCalls().count, 1)
  })
}

test('a hanging call does not keep the emulator from closing', async (t) => {
  const { emulator, control } = await stage(t)
  control.addFault({ effect: { kind: 'hang' } })
  const call = fetchText(`${emulator.apiUrl}/cgi-bin/gettoken`)
  await until(() => control.countCalls().inFlight === 1)

  await Promise.all([assert.rejects(call), emulator.close()])
})

test('charset, byte order mark and size are distorted on the wire', async (t) => {
  const broken = await struck(t, { kind: 'charset' })
  const marked = await struck(t, { kind: 'bom' })
  const huge = await struck(t, { kind: 'huge', bytes: 3_000_000 })

  const brokenBytes = Buffer.from(await (await fetchRaw(broken.url)).arrayBuffer())
  const markedBytes = Buffer.from(await (await fetchRaw(marked.url)).arrayBuffer())
  const hugeBody = (await fetchText(huge.url)).body

  assert.throws(() => new TextDecoder('utf-8', { fatal: true }).decode(brokenBytes))
  assert.deepEqual([...markedBytes.subarray(0, 3)], [0xef, 0xbb, 0xbf])
  assert.ok(hugeBody.length >= 3_000_000)
  assert.equal(parse(hugeBody)['errcode'], 0)
})

test('faults add up without breaking the emulator', async (t) => {
  const { control, corpId, agentId, emulator } = await stage(t)
  const { accessToken } = control.mintToken({ corpId, agentId: agentId('contacts-sync') })
  for (const effect of [{ kind: 'empty' }, { kind: 'missing', key: 'dept_user' }, { kind: 'repeat-cursor' }] as const) {
    control.addFault({ effect })
  }

  const url = `${emulator.apiUrl}/cgi-bin/user/list_id?access_token=${accessToken}`
  const { status, body } = await fetchText(url, { method: 'POST', body: 'not json' })

  assert.deepEqual([status, body], [200, ''])
})

test('a repeated cursor never ends', async (t) => {
  const { control, as } = await stage(t, { people: 100 })
  const first = await as('contacts-sync').post('user/list_id', { limit: 5 })
  control.addFault({ endpoint: 'user/list_id', effect: { kind: 'repeat-cursor' } })

  const second = await as('contacts-sync').post('user/list_id', { limit: 5, cursor: first['next_cursor'] })

  assert.equal(second['next_cursor'], first['next_cursor'])
})

test('a delayed refusal is overtaken by a call that is not delayed', async (t) => {
  const { control, as } = await stage(t)
  control.addFault({ endpoint: 'agent/get', effect: { kind: 'latency', ms: 200 } })
  const finished: string[] = []

  await Promise.all([
    as('self-built')
      .get('agent/get', { agentid: 1 })
      .then(({ errcode }) => finished.push(`refused ${String(errcode)}`)),
    as('self-built')
      .get('agent/list')
      .then(() => finished.push('listed')),
  ])

  assert.deepEqual(finished, ['listed', 'refused 301002'])
})
