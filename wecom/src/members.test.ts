/** What WeCom's rows become, including the ones it should never have sent. */

import assert from 'node:assert/strict'
import { after, test } from 'node:test'

import * as fc from 'fast-check'

import { createHurriedClock } from '../test/clock.ts'
import { startServer } from '../test/local-server.ts'
import type { Answerer } from '../test/local-server.ts'
import { readDepartments } from './departments.ts'
import { createWecom } from './index.ts'
import type { Member, MemberIdPage, WecomError } from './index.ts'
import { readMember, readMembers } from './members.ts'

const cleanUps: (() => Promise<void>)[] = []
after(() => Promise.all(cleanUps.map((cleanUp) => cleanUp())))

async function startPrincipal(answer: Answerer) {
  const server = await startServer(answer)
  const wecom = createWecom({ apiUrl: server.url, ...createHurriedClock() })
  cleanUps.push(() => wecom.close(), server.close)
  return { server, principal: wecom.principal({ corpId: 'ww1', secret: 's', agentId: 7 }) }
}

function memberFrom(row: Record<string, unknown>): Member {
  const member = readMember({ userid: 'lisi', ...row })
  assert.ok(!('reason' in member), 'the row was rejected')
  return member
}

test('a full row becomes a member', () => {
  const member = memberFrom({
    name: '李四',
    department: [2, 1],
    order: [100000000, 4294967295],
    is_leader_in_dept: [1, 0],
    main_department: 2,
    direct_leader: ['zhangsan'],
    position: '',
    status: 1,
    enable: 1,
    mobile: '13800000000',
    gender: '1',
    email: '',
    biz_mail: 'lisi@example.com',
    avatar: 'http://wework.qpic.cn/a/0',
    thumb_avatar: 'http://wework.qpic.cn/a/100',
    alias: 'jack',
    telephone: '020-1',
    address: 'Guangzhou',
    english_name: 'Li',
    open_userid: 'o1',
    extattr: { attrs: [{ type: 0, name: 'Badge', value: '7', text: { value: '7' } }] },
  })

  assert.deepEqual(member, {
    userid: 'lisi',
    name: '李四',
    departments: [
      { id: 2, order: 100000000, isLeader: true },
      { id: 1, order: 4294967295, isLeader: false },
    ],
    mainDepartment: 2,
    directLeaders: ['zhangsan'],
    position: '',
    status: 1,
    isEnabled: true,
    mobile: '13800000000',
    gender: 'male',
    email: '',
    bizMail: 'lisi@example.com',
    avatar: 'http://wework.qpic.cn/a/0',
    thumbAvatar: 'http://wework.qpic.cn/a/100',
    alias: 'jack',
    telephone: '020-1',
    address: 'Guangzhou',
    englishName: 'Li',
    openUserid: 'o1',
    attributes: [{ name: 'Badge', kind: 'text', value: '7' }],
  })
})

test('withheld is undefined, empty is empty', () => {
  const withheld = memberFrom({})
  const empty = memberFrom({ email: '', department: [], direct_leader: [], extattr: { attrs: [] } })

  assert.deepEqual(
    [withheld.email, withheld.departments, withheld.directLeaders, withheld.attributes],
    Array(4).fill(undefined),
  )
  assert.deepEqual([empty.email, empty.departments, empty.directLeaders, empty.attributes], ['', [], [], []])
})

test('null is the same as absent', () => {
  const nothing = Object.fromEntries(Object.keys(memberFrom({})).map((key) => [key, null]))

  assert.deepEqual(memberFrom({ ...nothing, department: null, enable: null, userid: 'lisi' }), memberFrom({}))
})

test('a missing enable is not 0', () => {
  const states = [undefined, 0, '0', false, 1, '1', true].map((enable) => memberFrom({ enable }).isEnabled)

  assert.deepEqual(states, [undefined, false, false, false, true, true, true])
})

test('gender may be text or number, and everything else is unknown', () => {
  const genders = [undefined, '0', 0, '1', 1, '2', 2, '', 'x', 3].map((gender) => memberFrom({ gender }).gender)

  assert.deepEqual(genders, [
    undefined,
    'unknown',
    'unknown',
    'male',
    'male',
    'female',
    'female',
    'unknown',
    'unknown',
    'unknown',
  ])
})

for (const [what, row, departments] of [
  ['a single number', { department: 3 }, [{ id: 3, order: undefined, isLeader: undefined }]],
  ['digits in quotes', { department: ['3'], order: ['9'] }, [{ id: 3, order: 9, isLeader: undefined }]],
  [
    'orders of another length, which cannot be assigned',
    { department: [1, 2], order: [5], is_leader_in_dept: [0, 1] },
    [
      { id: 1, order: undefined, isLeader: false },
      { id: 2, order: undefined, isLeader: true },
    ],
  ],
  [
    'a repeated department, whose first place counts',
    { department: [1, 2, 1], order: [5, 6, 7] },
    [
      { id: 1, order: 5, isLeader: undefined },
      { id: 2, order: 6, isLeader: undefined },
    ],
  ],
  ['the old flag on one department', { department: [1], isleader: 1 }, [{ id: 1, order: undefined, isLeader: true }]],
  [
    'the old flag on two departments, which is ambiguous',
    { department: [1, 2], isleader: 1 },
    [
      { id: 1, order: undefined, isLeader: undefined },
      { id: 2, order: undefined, isLeader: undefined },
    ],
  ],
] as [string, Record<string, unknown>, Member['departments']][]) {
  test(`departments as ${what}`, () => {
    assert.deepEqual(memberFrom(row).departments, departments)
  })
}

test('a userid that is a number becomes its digits', () => {
  assert.equal(memberFrom({ userid: 10086 }).userid, '10086')
})

for (const [what, row, reason] of [
  ['no object', 'lisi', 'not an object'],
  ['null', null, 'not an object'],
  ['no userid', { name: 'x' }, 'no usable userid'],
  ['an empty userid', { userid: '' }, 'no usable userid'],
  ['a userid that is an object', { userid: {} }, 'no usable userid'],
  ['a userid beyond 2^53', { userid: 2 ** 60 }, 'no usable userid'],
  ['departments that are no numbers', { userid: 'a', department: ['x'] }, 'department is not a list of numbers'],
  ['one department that is no number', { userid: 'a', department: [1, null] }, 'department is not a list of numbers'],
  ['a status that is no number', { userid: 'a', status: 'gone' }, 'status is not a number'],
  ['an enable that is neither 0 nor 1', { userid: 'a', enable: 2 }, 'enable is neither 0 nor 1'],
] as [string, unknown, string][]) {
  test(`a row with ${what} is rejected and does not fail its page`, () => {
    const { members, rejected } = readMembers([row, { userid: 'good' }])

    assert.deepEqual(
      members.map(({ userid }) => userid),
      ['good'],
    )
    assert.equal(rejected[0]?.reason, reason)
  })
}

test('an optional field of a wrong type counts as not sent', () => {
  const member = memberFrom({
    name: {},
    email: [],
    position: true,
    main_department: 'x',
    direct_leader: [{}],
    extattr: 'x',
  })

  assert.deepEqual(member, memberFrom({}))
})

test('custom fields come in both shapes, and names like __proto__ are harmless', () => {
  const extattr = JSON.parse(`{"attrs": [
    {"type": 0, "name": "__proto__", "text": {"value": "a"}},
    {"name": "constructor", "value": "b"},
    {"type": 1, "name": "Page", "web": {"url": "https://a.example", "title": "A"}},
    {"type": 2, "name": "Program", "miniprogram": {}},
    {"type": 0, "name": ""}, 7, null
  ], "__proto__": {"polluted": true}}`) as unknown

  const { attributes } = memberFrom({ extattr })

  assert.deepEqual(attributes, [
    { name: '__proto__', kind: 'text', value: 'a' },
    { name: 'constructor', kind: 'text', value: 'b' },
    { name: 'Page', kind: 'web', value: { title: 'A', url: 'https://a.example' } },
  ])
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined)
})

test('whatever the rows are, each one is read or rejected, and the shape never changes', () => {
  const keys = Object.keys(memberFrom({})).join()
  const field = fc.constantFrom(
    'userid',
    'name',
    'department',
    'order',
    'is_leader_in_dept',
    'main_department',
    'direct_leader',
    'status',
    'enable',
    'gender',
    'email',
    'extattr',
    'isleader',
    '__proto__',
  )
  const row = fc.oneof(fc.dictionary(field, fc.jsonValue()), fc.jsonValue())

  fc.assert(
    fc.property(fc.array(row), (rows) => {
      const { members, rejected } = readMembers(rows)
      assert.equal(members.length + rejected.length, rows.length)
      for (const member of members) assert.equal(Object.keys(member).join(), keys)
    }),
    { numRuns: 5000 },
  )
})

test('departments keep the root’s parent 0, and a broken row does not fail the list', () => {
  const { departments, rejected } = readDepartments([
    { id: 1, name: 'Company', name_en: 'C', parentid: 0, order: 100000000, department_leader: ['a'] },
    { id: '2', parentid: '1' },
    { id: 3, parentid: 'x' },
    { id: 0 },
    'x',
  ])

  assert.deepEqual(departments, [
    { id: 1, name: 'Company', nameEn: 'C', parentId: 0, order: 100000000, leaders: ['a'] },
    { id: 2, name: undefined, nameEn: undefined, parentId: 1, order: undefined, leaders: undefined },
  ])
  assert.deepEqual(
    rejected.map(({ departmentId, reason }) => [departmentId, reason]),
    [
      [3, 'parentid is not a number'],
      [undefined, 'no usable id'],
      [undefined, 'not an object'],
    ],
  )
})

test('one department is an object, and the list of ids has its own name', async () => {
  const { principal } = await startPrincipal(({ api }) => {
    if (api === 'department/get') return { errcode: 0, department: { id: 5, parentid: 1 } }
    return api === 'department/simplelist'
      ? { errcode: 0, department_id: [{ id: 5, parentid: 1, order: 3 }] }
      : undefined
  })

  assert.equal((await principal.departments.get(5)).parentId, 1)
  assert.equal((await principal.departments.ids()).departments[0]?.order, 3)
})

async function allPages(pages: AsyncIterable<MemberIdPage>): Promise<MemberIdPage[]> {
  const all: MemberIdPage[] = []
  for await (const page of pages) all.push(page)
  return all
}

test('ids are read page by page until the cursor is empty', async () => {
  const { server, principal } = await startPrincipal(({ api, body }) => {
    if (api !== 'user/list_id') return undefined
    return body?.['cursor'] === 'c1'
      ? { errcode: 0, next_cursor: '', dept_user: [{ open_userid: 'b', department: '2' }] }
      : { errcode: 0, next_cursor: 'c1', dept_user: [{ userid: 'a', department: 1 }, { userid: 'a' }, {}] }
  })

  const pages = await allPages(principal.members.ids())

  assert.deepEqual(
    pages.map(({ rows }) => rows),
    [[{ userid: 'a', departmentId: 1 }], [{ userid: 'b', departmentId: 2 }]],
  )
  assert.equal(pages[0]?.rejected.length, 2)
  assert.deepEqual(server.asked[1]?.body, { limit: 10_000 })
})

for (const [what, cursorOf] of [
  ['comes back', (page: number) => `c${page % 3}`],
  ['never ends', (page: number) => `c${page}`],
] as [string, (page: number) => string][]) {
  test(`a cursor that ${what} is a failure, not a complete list`, async () => {
    const { principal } = await startPrincipal(({ api, earlier }) =>
      api === 'user/list_id' ? { errcode: 0, next_cursor: cursorOf(earlier), dept_user: [] } : undefined,
    )

    await assert.rejects(
      allPages(principal.members.ids()),
      (error: WecomError) => error.code === 'WECOM_CURSOR_ENDLESS',
    )
  })
}

test('a full page without a cursor is not believed to be the last', async () => {
  const dept_user = Array.from({ length: 10_000 }, (_, index) => ({ userid: `u${index}`, department: 1 }))
  const { principal } = await startPrincipal(({ api }) =>
    api === 'user/list_id' ? { errcode: 0, dept_user } : undefined,
  )

  await assert.rejects(
    allPages(principal.members.ids()),
    (error: WecomError) => error.code === 'WECOM_ANSWER_INCOMPLETE',
  )
})

test('a member who cannot be found by mobile or e-mail is undefined, other failures stay failures', async () => {
  const { server, principal } = await startPrincipal(({ api, body }) => {
    if (api === 'user/getuserid') return body?.['mobile'] === '1' ? { errcode: 0, userid: 'a' } : { errcode: 46004 }
    return api === 'user/get_userid_by_email' ? { errcode: 48002 } : undefined
  })

  assert.equal(await principal.members.findByMobile('1'), 'a')
  assert.equal(await principal.members.findByMobile('2'), undefined)
  await assert.rejects(principal.members.findByEmail('a@example.com', { emailType: 'personal' }), { errcode: 48002 })
  assert.deepEqual(server.asked.at(-1)?.body, { email: 'a@example.com', email_type: 2 })
})
