import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ApplicationClaims } from '@muster/contracts'
import type { Subject, SubjectDepartment } from '../directory/subjects.ts'
import { claimsByScope, claimsOf, claimTable, needsDepartments, type ClaimsAudience } from './claims.ts'

const root = { id: 'dep_root', name: '总部' }
const research = { id: 'dep_research', name: '研发中心' }

function department(isMain: boolean, ...path: { id: string; name: string }[]): SubjectDepartment {
  return { ...path.at(-1)!, isMain, path }
}

const subject: Subject = {
  id: 'usr_1',
  organizationId: 'org_1',
  username: 'ZhangSan',
  displayName: '张三',
  email: 'zhangsan@corp.example',
  emailVerified: false,
  emailSource: 'biz_mail',
  phone: '+8613800000000',
  avatarUrl: 'https://wework.qpic.cn/a.png',
  locale: 'zh-CN',
  departments: [department(true, root, research), department(false, root, { id: 'dep_sales', name: '销售' })],
  members: [
    { linkId: 'lnk_1', connectionId: 'con_other', corpId: 'wwother', userid: 'zs' },
    { linkId: 'lnk_2', connectionId: 'con_hq', corpId: 'wwhq', userid: 'ZhangSan' },
    { linkId: 'lnk_3', connectionId: 'con_hq', corpId: 'wwhq2', userid: 'ZhangSan2' },
  ],
}

const application = audience({})
const everything = new Set(['openid', 'profile', 'email', 'phone', 'groups', 'wecom', 'offline_access'])

test('each scope releases its claims and no others', () => {
  const released = (...scopes: string[]) =>
    Object.keys(claimsOf(subject, application, { scopes: new Set(['openid', ...scopes]), linkId: null })).sort()

  assert.deepEqual(released(), ['sub'])
  assert.deepEqual(released('profile'), [
    'locale',
    'name',
    'picture',
    'preferred_username',
    'sub',
    'wecom_corp_id',
    'wecom_userid',
  ])
  assert.deepEqual(released('email'), ['email', 'email_verified', 'sub'])
  assert.deepEqual(released('phone'), ['phone_number', 'sub'])
  assert.deepEqual(released('groups'), ['departments', 'groups', 'sub'])
  assert.deepEqual(released('wecom'), ['sub', 'wecom_corp_id', 'wecom_userid'])
  assert.deepEqual(released('address', 'offline_access', 'constructor'), ['sub'])
})

test('an application with every scope is told all of it', () => {
  const claims = tell(subject)

  assert.deepEqual(claims, {
    sub: 'usr_1',
    name: '张三',
    preferred_username: 'ZhangSan',
    picture: 'https://wework.qpic.cn/a.png',
    locale: 'zh-CN',
    email: 'zhangsan@corp.example',
    email_verified: false,
    phone_number: '+8613800000000',
    groups: ['研发中心', '销售'],
    departments: [
      { id: 'dep_research', name: '研发中心', path: '/总部/研发中心', is_main: true },
      { id: 'dep_sales', name: '销售', path: '/总部/销售', is_main: false },
    ],
    wecom_userid: 'ZhangSan',
    wecom_corp_id: 'wwhq',
  })
  assert.deepEqual(Object.keys(claims).sort(), Object.keys(claimTable).sort())
})

test('what an application is not allowed it is not told, whatever it asks for', () => {
  const scopes = ['profile', 'email', 'phone', 'groups', 'wecom'] as const
  for (const forbidden of scopes) {
    const allowed = scopes.filter((scope) => scope !== forbidden)

    const claims = tell(subject, audience({ scopes: allowed }))

    for (const name of claimsByScope[forbidden]) {
      // Identifiers of WeCom still come with their own scope where only `profile` is not allowed.
      if (forbidden === 'profile' && name.startsWith('wecom_')) continue
      assert.ok(!(name in claims), `${name} without ${forbidden}`)
    }
  }
  assert.deepEqual(tell(subject, audience({ scopes: [] })), { sub: 'usr_1' })
})

test('a made-up or mapped address is given and never verified, whatever the row says', () => {
  for (const [emailSource, emailVerified, said] of [
    ['synthetic', true, false],
    ['mapped', true, false],
    ['biz_mail', false, false],
    ['biz_mail', true, true],
    ['manual', true, true],
    ['manual', false, false],
  ] as const) {
    const claims = tell({ ...subject, email: 'zhangsan@wecom.local', emailSource, emailVerified })

    assert.deepEqual([claims.email, claims.email_verified], ['zhangsan@wecom.local', said], emailSource)
  }
})

test('what is not known is left out, and nothing is said about it', () => {
  const unknown = { ...subject, email: null, phone: null, avatarUrl: null, locale: null, departments: [], members: [] }

  const claims = tell(unknown)

  assert.deepEqual(claims, { sub: 'usr_1', name: '张三', preferred_username: 'ZhangSan', groups: [], departments: [] })
})

test('nobody said that a number is verified', () => {
  assert.ok(!('phone_number_verified' in tell(subject)))
})

test('a picture is an address of the web', () => {
  for (const avatarUrl of ['javascript:alert(1)', 'data:image/png;base64,AA==', '/a.png', 'https://', 'x']) {
    assert.equal(tell({ ...subject, avatarUrl }).picture, undefined, avatarUrl)
  }
})

const groups: [name: string, groups: object, expected: string[]][] = [
  ['names', { form: 'name' }, ['研发中心', '销售']],
  ['ids', { form: 'id' }, ['dep_research', 'dep_sales']],
  ['paths', { form: 'path' }, ['/总部/研发中心', '/总部/销售']],
  ['names with a prefix', { prefix: 'wecom:' }, ['wecom:研发中心', 'wecom:销售']],
  ['a filter', { include: ['dep_research'] }, ['研发中心']],
  ['a filter by what is above', { include: ['dep_root'], form: 'path' }, ['/总部/研发中心', '/总部/销售']],
  ['a filter of departments that are gone', { include: ['dep_gone'] }, []],
]

for (const [name, settings, expected] of groups) {
  test(`groups as ${name}`, () => {
    const claims = tell(subject, audience({ groups: settings }))

    assert.deepEqual(claims.groups, expected)
    assert.equal(claims.departments!.length, expected.length)
  })
}

test('departments of one name are one group, and two by their path', () => {
  const a = department(true, root, { id: 'dep_a', name: '综合组' })
  const b = department(false, research, { id: 'dep_b', name: '综合组' })
  const twice = { ...subject, departments: [a, b] }

  assert.deepEqual(tell(twice).groups, ['综合组'])
  assert.deepEqual(tell(twice, audience({ groups: { form: 'path' } })).groups, ['/总部/综合组', '/研发中心/综合组'])
})

test('a slash inside a name does not pass for a path', () => {
  const forged = [
    department(true, { id: 'dep_a', name: '总部/运维' }),
    department(false, { id: 'dep_b', name: '\\/x' }),
  ]

  const claims = tell({ ...subject, departments: forged }, audience({ groups: { form: 'path' } }))

  assert.deepEqual(claims.groups, ['/总部\\/运维', '/\\\\\\/x'])
})

test("who somebody is in WeCom goes by the application's connections and by this sign-in", () => {
  const both = audience({}, ['con_hq', 'con_other'])

  assert.equal(tell(subject, both).wecom_userid, 'ZhangSan')
  assert.equal(tell(subject, both, 'lnk_1').wecom_userid, 'zs')
  assert.equal(tell(subject, application, 'lnk_3').wecom_corp_id, 'wwhq2')
  assert.equal(tell(subject, application, 'lnk_1').wecom_userid, 'ZhangSan')
  assert.equal(tell(subject, audience({}, [])).wecom_userid, undefined)
})

test('departments are asked for only when they are told', () => {
  const asked = new Set(['openid', 'groups'])

  assert.equal(needsDepartments(asked, application.claims), true)
  assert.equal(needsDepartments(new Set(['openid', 'profile']), application.claims), false)
  assert.equal(needsDepartments(asked, audience({ scopes: ['profile'] }).claims), false)
})

function audience(claims: object, connections = ['con_hq']): ClaimsAudience {
  return { connections: connections.map((id) => ({ id })), claims: ApplicationClaims.parse(claims) }
}

function tell(person: Subject, to: ClaimsAudience = application, linkId: string | null = null) {
  return claimsOf(person, to, { scopes: everything, linkId })
}
