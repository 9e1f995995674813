import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'

import { controlArguments } from './arguments.ts'
import { ControlError } from './errors.ts'
import { fetchRaw, fetchText, parse, rows, stage } from '../test-client.ts'

async function steering(t: TestContext, people = 12) {
  const staged = await stage(t, { people })
  const post = async (name: string, argument?: unknown, headers: Record<string, string> = {}) => {
    const body = argument === undefined ? '' : JSON.stringify(argument)
    const response = await fetchText(`${staged.emulator.controlUrl}/${name}`, { method: 'POST', body, headers })
    return { status: response.status, result: JSON.parse(response.body) as never }
  }
  return { ...staged, post }
}

test('the HTTP door offers the same functions with the same results', async (t) => {
  const { emulator, control, corpId, post } = await steering(t)

  assert.deepEqual(Object.keys(controlArguments).sort(), Object.keys(control).sort())
  assert.deepEqual((await post('companies')).result, control.companies())
  assert.deepEqual((await post('truth', { corpId })).result, control.truth({ corpId }))
  assert.deepEqual((await post('settings')).result, control.settings())
  const listing = parse((await fetchText(`${emulator.controlUrl}/`)).body)
  assert.deepEqual(listing, { functions: Object.keys(controlArguments) })
})

test('sign-ins are steered over HTTP too, and nonsense is refused', async (t) => {
  const { corpId, control, post, agentId, emulator } = await steering(t)
  const userid = control.truth({ corpId }).members[0]?.userid ?? ''
  const query = new URLSearchParams({ appid: corpId, agentid: String(agentId('self-built')), state: 'S1' })
  query.set('redirect_uri', 'https://sso.example/callback')
  const url = `${emulator.openUrl}/wwopen/sso/qrConnect?${query.toString()}`

  const completed = await post('completeLogin', { url, who: { userid } })
  await post('setScanner', { who: 'refuses' })
  const refused = await fetchRaw(url)
  await post('setScanner', {})
  const asked = await fetchRaw(url)
  await post('setScanner', { who: { userid } })
  control.reset()

  const { redirectUrl, code } = completed.result as { redirectUrl: string; code: string }
  assert.equal(redirectUrl, `https://sso.example/callback?code=${code}&state=S1`)
  assert.equal(refused.headers.get('location'), 'https://sso.example/callback?state=S1')
  assert.deepEqual([asked.status, (await fetchRaw(url)).status], [200, 200])
  for (const nonsense of [
    { who: 'nobody' },
    { who: {} },
    { once: true },
    { consent: 'all' },
    { who: 'refuses', twice: true },
  ]) {
    assert.equal((await post('setScanner', nonsense)).status, 400, JSON.stringify(nonsense))
  }
})

test('a change over HTTP is seen over the API', async (t) => {
  const { corpId, control, post, as, agentId } = await steering(t)
  const [member] = control.truth({ corpId }).members
  const userid = member?.userid ?? ''

  await post('patchMember', { corpId, userid, patch: { position: '总经理' } })
  await post('patchApp', { corpId, agentId: agentId('system'), patch: { isEnabled: false } })
  const { result: fault } = await post('addFault', { endpoint: 'tag/list', effect: { kind: 'errcode', errcode: -1 } })

  assert.equal((await as('self-built').get('user/get', { userid }))['position'], '总经理')
  assert.equal((await as('system').get('agent/list'))['errcode'], 50003)
  assert.equal((await as('self-built').get('tag/list'))['errcode'], -1)
  assert.deepEqual((await post('removeFault', { id: (fault as { id: string }).id })).result, { removed: true })
  assert.equal((await as('self-built').get('tag/list'))['errcode'], 0)
})

test('a misspelt argument is named, not ignored', async (t) => {
  const { post, corpId, emulator } = await steering(t)
  const cases: [string, unknown, RegExp][] = [
    ['changeSettings', { limits: { perMinutes: 3 } }, /argument\.limits\.perMinutes must be left out/],
    ['addFault', { effect: { kind: 'explode' } }, /argument\.effect\.kind must be one of errcode/],
    ['addFault', { effect: { kind: 'cut', byte: 3 } }, /argument\.effect\.byte must be left out/],
    ['patchApp', { corpId, agentId: 'x', patch: {} }, /argument\.agentId must be a whole number/],
    ['companies', { corpId }, /argument\.corpId must be left out/],
    ['truth', { corpId: 'wwnope' }, /no company wwnope; there are ww/],
    ['addMember', { corpId, member: { userid: 'x', name: '' } }, /WeCom would refuse this: 60129/],
    ['createCompany', { people: 0, seed: '1' }, /argument\.people must be a whole number from 1/],
  ]

  for (const [name, argument, message] of cases) {
    const { status, result } = await post(name, argument)
    assert.equal(status, 400, name)
    assert.match((result as { error: string }).error, message)
  }
  assert.equal((await post('explode')).status, 404)
  assert.equal((await fetchText(`${emulator.controlUrl}/settings`, { method: 'POST', body: '{' })).status, 400)
})

test('a web page cannot steer the emulator', async (t) => {
  const { post } = await steering(t)

  const { status } = await post('companies', undefined, { origin: 'https://evil.example' })

  assert.equal(status, 403)
})

test('what WeCom would refuse is planted when asked for', async (t) => {
  const { control, corpId, as } = await steering(t)
  const [member, other] = control.truth({ corpId }).members
  const plant = (patch: Record<string, unknown>) =>
    control.addMember({ corpId, member: { department: [1], ...patch }, unchecked: true })

  plant({ userid: 'nul', name: 'a\u0000b' })
  plant({ userid: 'half', name: '\ud800' })
  plant({ userid: 'empty', name: '', email: other?.email })
  plant({ userid: 'wrong', name: 42, status: 'active', direct_leader: null })
  plant({ userid: member?.userid.toUpperCase(), name: '替身' })
  plant({ userid: '', name: '无' })
  const listed = rows(await as('self-built').get('user/list', { department_id: 1 }), 'userlist')
  const byId = (userid: string | undefined) => listed.find((row) => row['userid'] === userid)

  assert.equal(byId('nul')?.['name'], 'a\u0000b')
  assert.equal(byId('half')?.['name'], '\ud800')
  assert.equal(byId('empty')?.['name'], '')
  assert.deepEqual(
    [byId('wrong')?.['name'], byId('wrong')?.['status'], byId('wrong')?.['direct_leader']],
    [42, 'active', null],
  )
  assert.equal(byId(member?.userid.toUpperCase())?.['name'], '替身')
  assert.equal(byId('')?.['name'], '无')
})

test('a cycle of departments is planted, and reading it still ends', async (t) => {
  const { control, corpId, as } = await steering(t)
  const [, first, second] = control.truth({ corpId }).departments
  const [a, b] = [first?.id ?? 0, second?.id ?? 0]

  control.patchDepartment({ corpId, id: a, patch: { parentid: b }, unchecked: true })
  control.patchDepartment({ corpId, id: b, patch: { parentid: a }, unchecked: true })
  const all = rows(await as('self-built').get('department/list'), 'department')
  const below = rows(await as('self-built').get('department/simplelist', { id: a }), 'department_id')

  control.patchDepartment({ corpId, id: a, patch: { department_leader: null }, unchecked: true })
  const removed = control.removeMembers({ corpId, userids: [control.truth({ corpId }).members[0]?.userid ?? ''] })

  assert.deepEqual(removed, { removed: 1 })
  assert.equal(all.length, 4)
  assert.deepEqual(new Set(below.map(({ id }) => id)), new Set([a, b]))
  assert.throws(() => control.patchDepartment({ corpId, id: a, patch: { parentid: 999 } }), ControlError)
})

test('viewAs tells what a principal would read, member by member', async (t) => {
  const { control, corpId, agentId, as } = await steering(t, 60)
  for (const kind of ['self-built', 'self-built-before-2022', 'delegated', 'third-party', 'upstream'] as const) {
    const view = control.viewAs({ corpId, agentId: agentId(kind) })
    const read = new Map<unknown, unknown>()
    for (const { id } of rows(await as(kind).get('department/simplelist'), 'department_id')) {
      const reply = await as(kind).get('user/list', { department_id: Number(id) })
      for (const member of rows(reply, 'userlist')) read.set(member['userid'], member)
    }

    assert.deepEqual(new Set(view.members.map(({ userid }) => userid)), new Set(read.keys()), kind)
    for (const member of view.members) assert.deepEqual(read.get(member['userid']), member)
    assert.deepEqual(rows(await as(kind).get('department/list'), 'department'), view.departments)
  }
})

test('churn says exactly what it did, and does the same for the same seed', async (t) => {
  const { control, corpId } = await steering(t, 1_000)
  const before = control.truth({ corpId })

  const summary = control.churn({ corpId, percent: 10, seed: 'monday' })

  const after = control.truth({ corpId })
  const ids = (members: { userid: string }[]) => new Set(members.map(({ userid }) => userid))
  const old = new Map(before.members.map((member) => [member.userid, member]))
  const moved = after.members.filter(
    ({ userid, main_department }) => old.has(userid) && old.get(userid)?.main_department !== main_department,
  )
  const names = new Map(before.departments.map(({ id, name }) => [id, name]))
  const missing = (from: Set<string>, others: Set<string>) => new Set([...others].filter((userid) => !from.has(userid)))
  assert.deepEqual(missing(ids(before.members), ids(after.members)), new Set(summary.joined))
  assert.deepEqual(missing(ids(after.members), ids(before.members)), new Set(summary.left))
  assert.ok(moved.every(({ userid }) => summary.moved.includes(userid)))
  assert.deepEqual(
    new Set(after.departments.filter(({ id, name }) => names.get(id) !== name).map(({ id }) => id)),
    new Set(summary.renamedDepartments),
  )
  assert.equal(summary.left.length + summary.moved.length + summary.retitled.length, 100)

  control.reset()
  assert.deepEqual(control.churn({ corpId, percent: 10, seed: 'monday' }), summary)
})

test('reset brings back the start', async (t) => {
  const { control, corpId, as } = await steering(t)
  const before = control.truth({ corpId })
  await as('self-built').get('agent/list')
  control.churn({ corpId, percent: 50, seed: '1' })
  control.addFault({ effect: { kind: 'hang' } })
  control.changeSettings({ latencyMs: 5, limits: { perMinute: 1 } })
  control.createCompany({ people: 3, seed: 'more' })

  control.reset()

  assert.deepEqual(control.truth({ corpId }), before)
  assert.equal(control.companies().length, 1)
  assert.deepEqual([control.faults(), control.settings().latencyMs], [[], 0])
  assert.deepEqual(control.countCalls(), { count: 0, inFlight: 0, maxInFlight: 0 })
})

test('the record names who called, and never shows a credential', async (t) => {
  const { control, corpId, agentId, as, token, emulator } = await steering(t)
  const { access_token: value } = await token('self-built')
  const { code } = control.mintCode({ corpId, agentId: agentId('self-built'), identity: { userid: 'x' } })

  await as('self-built').get('auth/getuserinfo', { code })
  await as('self-built').get('user/list', { department_id: 99_999 })
  await fetchText(`${emulator.apiUrl}/nowhere`)
  await fetchText(`${emulator.apiUrl}/cgi-bin/gettoken?corpid=${corpId}&corpsecret=s3cr3t`)

  const calls = control.calls()
  const printed = JSON.stringify(calls)
  for (const secret of [String(value), code, 's3cr3t']) assert.equal(printed.includes(secret), false)
  const [list] = control.calls({ endpoint: 'user/list' })
  assert.deepEqual(
    [list?.corpId, list?.agentId, list?.errcode, list?.status, list?.query['department_id']],
    [corpId, agentId('self-built'), 60123, 200, '99999'],
  )
  assert.equal(control.countCalls({ corpId, errcode: 60123 }).count, 1)
  assert.equal(control.countCalls({ endpoint: 'gettoken' }).count, 2)
  assert.equal(control.calls({ last: 2 }).length, 2)
})

test('apps are added and changed', async (t) => {
  const { control, corpId, emulator } = await steering(t)
  const app = control.addApp({
    corpId,
    kind: 'self-built',
    name: '考勤',
    patch: { range: { departments: [], members: [], tags: [1] } },
  })

  const reply = await fetchText(`${emulator.apiUrl}/cgi-bin/gettoken?corpid=${corpId}&corpsecret=${app.secret}`)

  assert.equal(parse(reply.body)['errcode'], 0)
  const tagged = control.truth({ corpId }).tags.find(({ tagid }) => tagid === 1)?.userids ?? []
  assert.equal(control.viewAs({ corpId, agentId: app.agentId }).members.length, tagged.length)
  assert.throws(() => control.addApp({ corpId, kind: 'contacts-sync', name: 'x' }), ControlError)
})
