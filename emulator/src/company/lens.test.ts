import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { PrincipalKind } from './apps.ts'
import { rows, stage } from '../test-client.ts'
import type { Json } from '../test-client.ts'

/**
 * The table of §2.3.1 in another form than lens.ts has it, so that a slip in one shows: what each kind of principal gets
 * of a member who has everything, with nothing granted beyond the defaults of a generated app (name and position for the
 * delegated one).
 */
const plain = [
  'userid name department order position is_leader_in_dept direct_leader telephone alias status enable isleader hide_mobile',
  'extattr external_position external_profile main_department',
].join(' ')
const sensitive = 'mobile gender email biz_mail avatar thumb_avatar qr_code address english_name'
const expectedKeys: Record<PrincipalKind, string> = {
  'contacts-sync': `${plain} ${sensitive}`,
  'self-built-before-2022': `${plain} ${sensitive}`,
  'self-built': plain,
  system: plain,
  delegated: 'userid name department order position is_leader_in_dept alias status main_department',
  'third-party': 'userid name department order gender status main_department open_userid',
  'third-party-contacts':
    'userid department order position is_leader_in_dept direct_leader telephone alias status extattr external_position external_profile main_department open_userid',
  upstream: 'userid name department order status main_department',
}

const everything = {
  userid: 'WangWu',
  name: '王五',
  department: [1],
  order: [7],
  is_leader_in_dept: [1],
  main_department: 1,
  position: '工程师',
  status: 1,
  enable: 1,
  alias: 'wu',
  telephone: '010-1',
  mobile: '13700000000',
  gender: '1',
  email: 'wangwu@mail.example',
  biz_mail: 'wangwu@corp.example',
  avatar: 'https://a.example/0',
  address: '人民路1号',
  english_name: 'Wu',
  external_position: '经理',
  external_profile: { external_corp_name: '公司' },
}

for (const [kind, keys] of Object.entries(expectedKeys) as [PrincipalKind, string][]) {
  test(`${kind} gets exactly the fields of its column, in user/get and user/list alike`, async (t) => {
    const { control, corpId, agentId, as } = await stage(t)
    control.addMember({ corpId, member: everything, unchecked: true })
    control.patchApp({ corpId, agentId: agentId('contacts-sync'), patch: { knownAddresses: 'any' } })
    const { members } = control.viewAs({ corpId, agentId: agentId(kind) })
    const userid = String(members.at(-1)?.['userid'])

    const one = await as(kind).get('user/get', { userid })
    const all = rows(await as(kind).get('user/list', { department_id: 1 }), 'userlist')

    const { errcode, errmsg: _, ...member } = one
    assert.equal(errcode, 0)
    assert.deepEqual(Object.keys(member).sort(), keys.split(' ').sort())
    assert.deepEqual(
      all.find((other) => other['userid'] === userid),
      member,
    )
  })
}

test('a delegated app sees granted fields, and sensitive ones only of members who consented', async (t) => {
  const { control, corpId, agentId, as } = await stage(t)
  const app = { corpId, agentId: agentId('delegated') }
  control.addMember({ corpId, member: everything, unchecked: true })
  const id = String(control.viewAs(app).members.at(-1)?.['userid'])

  control.patchApp({ ...app, patch: { grantedFields: ['name', 'mobile', 'biz_mail'] } })
  const before = await as('delegated').get('user/get', { userid: id })
  control.patchApp({ ...app, patch: { consents: ['wangwu'] } })
  const after = await as('delegated').get('user/get', { userid: id })
  const listed = rows(await as('delegated').get('user/list', { department_id: 1 }), 'userlist').at(-1)

  assert.equal('mobile' in before, false)
  assert.equal(after['mobile'], '13700000000')
  assert.equal(after['biz_mail'], 'wangwu@corp.example')
  assert.equal('biz_mail' in (listed ?? {}), false, 'the page of user/list says never')
  assert.match(id, /^wo/)
})

test('a third party reads ids where names should be', async (t) => {
  const { as } = await stage(t)

  const [department] = rows(await as('third-party').get('department/list'), 'department')
  const [member] = rows(await as('third-party').get('user/simplelist', { department_id: 1 }), 'userlist')

  assert.equal(department?.['name'], '1')
  assert.equal(member?.['name'], member?.['userid'])
  assert.equal(member?.['open_userid'], member?.['userid'])
})

test('withheld gender follows its reading', async (t) => {
  const { control, as, company } = await stage(t)
  const [member] = control.truth({ corpId: company.corpId }).members
  const userid = member?.userid ?? ''

  const absent = await as('self-built').get('user/get', { userid })
  control.changeSettings({ readings: { withheldGender: 'zero' } })
  const zero = await as('self-built').get('user/get', { userid })

  assert.equal('gender' in absent, false)
  assert.equal(zero['gender'], '0')
})

test('a reading applies at once, also to lists that were answered before', async (t) => {
  const { control, as } = await stage(t, { people: 60 })
  const shown = async () => {
    const members = rows(await as('upstream').get('user/list', { department_id: 1, fetch_child: 0 }), 'userlist')
    return members.some((member) => 'enable' in member)
  }

  const before = await shown()
  control.changeSettings({ readings: { enableForProviders: true } })

  assert.deepEqual([before, await shown()], [false, true])
})

test('a narrowed range shows its branches with their true parents, and nobody else', async (t) => {
  const { control, corpId, agentId, as } = await stage(t, { people: 200 })
  const { departments, members } = control.truth({ corpId })
  const tops = departments.filter(({ parentid }) => parentid === 1).slice(0, 2)
  const range = { departments: tops.map(({ id }) => id), members: [], tags: [] }
  control.patchApp({ corpId, agentId: agentId('self-built'), patch: { range } })

  const listed = rows(await as('self-built').get('department/list'), 'department')
  const people = new Map<unknown, Json>()
  for (const { id } of listed) {
    const reply = await as('self-built').get('user/list', { department_id: Number(id) })
    for (const member of rows(reply, 'userlist')) people.set(member['userid'], member)
  }

  const expected = new Set(tops.map(({ id }) => id))
  for (let grew = true; grew;) {
    const before = expected.size
    for (const { id, parentid } of departments) if (expected.has(parentid)) expected.add(id)
    grew = expected.size > before
  }
  const inRange = members.filter(({ department }) => department.some((id) => expected.has(id)))
  assert.deepEqual(new Set(listed.map(({ id }) => id)), expected)
  assert.ok(
    listed.some(({ parentid }) => parentid === 1),
    'the parent that is out of sight is still named',
  )
  assert.deepEqual(new Set(people.keys()), new Set(inRange.map(({ userid }) => userid)))
  for (const { userid, department, order } of inRange) {
    const seen = people.get(userid)
    assert.deepEqual(
      seen?.['department'],
      department.filter((id) => expected.has(id)),
    )
    assert.deepEqual(
      seen?.['order'],
      order.filter((_, index) => expected.has(department[index] ?? 0)),
    )
  }
})

test('a range of individual members has no departments, and its members no main department', async (t) => {
  const { control, corpId, agentId, as } = await stage(t)
  const [first, second] = control.truth({ corpId }).members
  const range = { departments: [], members: [first?.userid ?? ''], tags: [] }
  control.patchApp({ corpId, agentId: agentId('self-built'), patch: { range } })
  const app = as('self-built')

  const departments = await app.get('department/list')
  const visible = await app.get('user/get', { userid: first?.userid ?? '' })
  const hidden = await app.get('user/get', { userid: second?.userid ?? '' })
  const described = await app.get('agent/get', { agentid: agentId('self-built') })

  assert.deepEqual([departments['errcode'], departments['department']], [0, []])
  assert.deepEqual([visible['department'], visible['order'], visible['is_leader_in_dept']], [[], [], []])
  assert.equal('main_department' in visible, false)
  assert.deepEqual([hidden['errcode'], hidden['department']], [60011, []])
  assert.deepEqual(described['allow_userinfos'], { user: [{ userid: first?.userid }] })
  assert.deepEqual(described['allow_partys'], { partyid: [] })
})

test('department errors depend on the situation', async (t) => {
  const { control, corpId, agentId, as } = await stage(t, { people: 200 })
  const [, visible, hidden] = control.truth({ corpId }).departments
  control.patchApp({
    corpId,
    agentId: agentId('self-built'),
    patch: { range: { departments: [visible?.id ?? 0], members: [], tags: [] } },
  })
  const app = as('self-built')
  const code = async (endpoint: string, query: Record<string, string | number>) =>
    (await app.get(endpoint, query))['errcode']

  assert.equal(await code('department/list', { id: hidden?.id ?? 0 }), 60011)
  assert.equal(await code('department/get', { id: 1 }), 60011)
  assert.equal(await code('user/list', { department_id: hidden?.id ?? 0 }), 60011)
  assert.equal(await code('department/get', { id: 987_654 }), 60003)
  assert.equal(await code('user/list', { department_id: 987_654 }), 60123)
  assert.equal(await code('user/list', {}), 41019)
  assert.equal(await code('user/get', {}), 41009)
  assert.equal(await code('user/get', { userid: 'nobody' }), 60111)
})

test('userids are found ignoring case and answered as stored', async (t) => {
  const { control, corpId, as } = await stage(t)
  control.addMember({ corpId, member: everything, unchecked: true })

  const found = await as('self-built').get('user/get', { userid: 'wANGwU' })

  assert.equal(found['userid'], 'WangWu')
})

test('a change shows at once, also in lists that were answered before', async (t) => {
  const { control, corpId, as } = await stage(t)
  const [member] = control.truth({ corpId }).members
  const department_id = member?.main_department ?? 1
  const read = async () => rows(await as('self-built').get('user/list', { department_id }), 'userlist')
  const before = await read()

  control.patchMember({ corpId, userid: member?.userid ?? '', patch: { position: '新职位' } })
  const changed = await read()
  control.removeMembers({ corpId, userids: [member?.userid ?? ''] })
  const removed = await read()

  assert.equal(changed.find(({ userid }) => userid === member?.userid)?.['position'], '新职位')
  assert.equal(removed.length, before.length - 1)
  assert.ok(removed.every(({ direct_leader }) => !(direct_leader as string[]).includes(member?.userid ?? '')))
})
