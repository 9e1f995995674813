import assert from 'node:assert/strict'
import { test } from 'node:test'

import { fetchText, parse, stage, until } from '../test-client.ts'

test('a call beyond the minute is 45009 until the penalty is over', async (t) => {
  const { control, as } = await stage(t)
  control.changeSettings({ limits: { perMinute: 3, minutePenaltyMs: 5_000 } })
  const code = async (endpoint = 'agent/list') => (await as('self-built').get(endpoint))['errcode']

  assert.deepEqual([await code(), await code(), await code(), await code()], [0, 0, 0, 45009])
  assert.equal(await code('department/list'), 0, 'another API has a count of its own')
  control.advanceClock({ ms: 4_000 })
  assert.equal(await code(), 45009)
  control.advanceClock({ ms: 1_001 })
  assert.equal(await code(), 0)
})

test('the hour has a limit and a longer penalty of its own', async (t) => {
  const { control, as } = await stage(t)
  control.changeSettings({ limits: { perHour: 2, hourPenaltyMs: 600_000 } })
  const code = async () => (await as('self-built').get('agent/list'))['errcode']

  assert.deepEqual([await code(), await code(), await code()], [0, 0, 45009])
  control.advanceClock({ ms: 61_000 })
  assert.equal(await code(), 45009)
  control.advanceClock({ ms: 600_000 })
  assert.equal(await code(), 0)
})

test('debug=1 is limited on its own', async (t) => {
  const { as } = await stage(t)
  const code = async (debug: number) => (await as('self-built').get('agent/list', { debug }))['errcode']

  const codes: unknown[] = []
  for (let call = 0; call < 6; call++) codes.push(await code(1))

  assert.deepEqual(codes, [0, 0, 0, 0, 0, 45009])
  assert.equal(await code(0), 0)
})

test('an address has limits across companies', async (t) => {
  const { control, as } = await stage(t)
  control.changeSettings({ limits: { perAddressPerMinute: 1 } })

  const first = await as('self-built').get('agent/list')
  const second = await as('system').get('agent/list')
  control.changeSettings({ callerAddress: '203.0.113.1' })
  const elsewhere = await as('system').get('agent/list')

  assert.deepEqual([first['errcode'], second['errcode'], elsewhere['errcode']], [0, 45009, 0])
})

test('more calls at a time than allowed are 45033', async (t) => {
  const { control, corpId, agentId, as, emulator } = await stage(t)
  const { accessToken } = control.mintToken({ corpId, agentId: agentId('self-built') })
  const url = `${emulator.apiUrl}/cgi-bin/agent/list?access_token=${accessToken}`
  control.changeSettings({ limits: { concurrency: 2 } })
  control.addFault({ count: 2, effect: { kind: 'latency', ms: 3_600_000 } })
  const impatience = new AbortController()
  const slow = [1, 2].map(() => assert.rejects(fetchText(url, { signal: impatience.signal })))
  await until(() => control.countCalls().inFlight === 2)

  const third = await as('self-built').get('agent/list')
  const elsewhere = await as('self-built').get('department/list')
  impatience.abort()
  await Promise.all(slow)
  await until(() => control.countCalls().inFlight === 0)
  const later = await as('self-built').get('agent/list')

  assert.deepEqual([third['errcode'], elsewhere['errcode'], later['errcode']], [45033, 0, 0])
  assert.equal(control.countCalls().maxInFlight, 3)
})

test('a reply that is too large is 45029, smaller ones still come', async (t) => {
  const { control, as } = await stage(t, { people: 100 })
  control.changeSettings({ limits: { replyBytesMax: 9_000 } })

  const whole = await as('self-built').get('user/list', { department_id: 1, fetch_child: 1 })
  const part = await as('self-built').get('user/list', { department_id: 1 })

  assert.deepEqual([whole['errcode'], whole['userlist']], [45029, []])
  assert.equal(part['errcode'], 0)
})

test('wrong secrets ban the address for an hour, right ones included', async (t) => {
  const { control, corpId, company, emulator, token } = await stage(t)
  control.changeSettings({ limits: { wrongSecretsPerHour: 3 } })
  const wrong = async () =>
    parse((await fetchText(`${emulator.apiUrl}/cgi-bin/gettoken?corpid=${corpId}&corpsecret=wrong`)).body)['errcode']

  assert.deepEqual([await wrong(), await wrong(), await wrong(), await wrong()], [40001, 40001, 40001, 45009])
  assert.equal((await token('self-built'))['errcode'], 45009)
  control.advanceClock({ ms: 3_600_000 })
  assert.equal((await token('self-built'))['errcode'], 0)
  assert.equal(company.people, 12)
})

test('too many failed look-ups block the API until the day ends', async (t) => {
  const { control, as } = await stage(t, { now: () => Date.UTC(2026, 0, 5, 12) })
  control.changeSettings({ limits: { memberLimit: 10 } })
  const miss = async () => (await as('self-built').post('user/getuserid', { mobile: '10000000000' }))['errcode']

  assert.deepEqual([await miss(), await miss(), await miss(), await miss()], [46004, 46004, 46004, 45009])
  assert.equal((await as('self-built').post('user/get_userid_by_email', { email: 'a@b.example' }))['errcode'], 46004)
  control.advanceClock({ ms: 12 * 3_600_000 })
  assert.equal(await miss(), 46004)
})

test('exchanging a good code is exempt', async (t) => {
  const { control, corpId, agentId, as } = await stage(t)
  control.changeSettings({ limits: { perMinute: 0 } })
  const app = { corpId, agentId: agentId('self-built') }
  const { code } = control.mintCode({ ...app, identity: { userid: 'x' } })

  const good = await as('self-built').get('auth/getuserinfo', { code })
  const bad = await as('self-built').get('auth/getuserinfo', { code })

  assert.deepEqual([good['errcode'], bad['errcode']], [0, 45009])
})
