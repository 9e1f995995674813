import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { defaultMapping, type MappingEntry } from '@muster/contracts'
import type { Member } from '@muster/wecom'
import { loadPinyin } from '../../directory/pinyin.ts'
import { mapMember } from './mapping.ts'
import { wishedAddress } from './addresses.ts'
import { compileMapping, DEFAULT_MAPPING, usesPinyin, type Pinyin } from './rules.ts'

const NAME: MappingEntry = { to: 'displayName', from: 'name' }
const whole: Member = {
  userid: 'ZhangSan',
  name: '张三',
  departments: [],
  status: 1,
  position: '工程师',
  mobile: '13800000001',
  email: 'san@mail.example',
  bizMail: 'San@Corp.example',
  attributes: [
    { name: '工号', kind: 'text', value: 'E0001' },
    { name: '空', kind: 'text', value: '' },
    { name: '主页', kind: 'web', value: { title: '三', url: 'https://corp.example/san' } },
  ],
}

function mapped(rules: readonly MappingEntry[], member: Member, pinyin: Pinyin = null) {
  return mapMember(member, () => 'visible', {
    notActivated: 'disable',
    version: '1',
    mapping: compileMapping([NAME, ...rules], pinyin),
  })
}

const table: [rule: MappingEntry, member: Partial<Member>, title: string | null | undefined][] = [
  [{ to: 'title', from: 'position' }, {}, '工程师'],
  [{ to: 'title', from: 'position' }, { position: '' }, null],
  [{ to: 'title', from: 'position' }, { position: undefined }, undefined],
  [{ to: 'title', from: 'extattr.工号' }, {}, 'E0001'],
  [{ to: 'title', from: 'extattr.主页' }, {}, 'https://corp.example/san'],
  [{ to: 'title', from: 'extattr.空' }, {}, null],
  [{ to: 'title', from: 'extattr.没有' }, {}, undefined],
  [{ to: 'title', from: 'extattr.工号' }, { attributes: undefined }, undefined],
  [{ to: 'title', from: ['position', 'extattr.工号'] }, { position: '' }, 'E0001'],
  [{ to: 'title', from: ['position', 'extattr.工号'] }, { position: undefined }, undefined],
  [{ to: 'title', from: ['extattr.空', 'position'] }, { position: '' }, null],
  [{ to: 'title', template: '{position}/{extattr.工号}' }, {}, '工程师/E0001'],
  [{ to: 'title', template: '{position}/{extattr.工号}' }, { position: undefined }, undefined],
  [{ to: 'title', template: '{position}/{extattr.工号}' }, { position: '' }, null],
  [{ to: 'title', template: '{position}/{extattr.没有}' }, { position: '' }, undefined],
  [{ to: 'title', from: 'biz_mail', use: 'emailDomain' }, {}, 'Corp.example'],
  [{ to: 'title', from: 'position', use: 'emailDomain' }, {}, null],
  [{ to: 'title', from: 'biz_mail', use: 'lowerCase' }, {}, 'san@corp.example'],
  [{ to: 'title', template: '{biz_mail|emailDomain}', use: 'lowerCase' }, {}, 'corp.example'],
  [{ to: 'title', template: '{position}!' }, { position: 'x'.repeat(1_000) }, undefined],
  [{ to: 'title', template: '{position}' }, { position: 'a\0\ud800b' }, 'ab'],
]
for (const [rule, member, title] of table) {
  test(`${JSON.stringify(rule)} of ${JSON.stringify(member)} is ${title === undefined ? 'withheld' : JSON.stringify(title)}`, () => {
    assert.equal(mapped([rule], { ...whole, ...member }).title, title)
  })
}

test('a user field without a rule stays as it is', () => {
  const person = mapped([], whole)

  const { title, phone, avatarUrl, gender, attributes, leaders } = person
  assert.deepEqual([title, phone, avatarUrl, gender, attributes, leaders], Array(6).fill(undefined))
  assert.equal(person.displayName, '张三')
})

test('an address of the mapping is WeCom’s own or mapped, and a withheld one stays', () => {
  const rules: MappingEntry[] = [
    { to: 'email', from: 'biz_mail' },
    { to: 'email', template: '{userid}@corp.example', use: 'lowerCase' },
  ]
  const { emails } = compileMapping([NAME, ...rules], null)
  const wish = (member: Partial<Member>, known?: { key: string | null; source: string | null }) => {
    const address = wishedAddress(mapped(rules, { ...whole, ...member }), known, 'wecom.local', emails)
    return address === undefined ? 'keep' : `${address.email} ${address.source}`
  }

  assert.equal(wish({}), 'San@Corp.example biz_mail')
  assert.equal(wish({ bizMail: '' }), 'zhangsan@corp.example mapped')
  assert.equal(wish({ bizMail: undefined }), 'zhangsan@corp.example mapped')
  assert.equal(wish({ bizMail: undefined }, { key: 'san@corp.example', source: 'biz_mail' }), 'keep')
  assert.equal(wish({ bizMail: '', userid: 'no spaces' }), 'no.spaces@wecom.local synthetic'.replace('.', ' '))
})

test('a phone from elsewhere than the mobile says nothing about who somebody is', () => {
  const person = mapped([{ to: 'phone', from: 'extattr.工号' }], whole)

  assert.deepEqual([person.otherPhone, person.phone], ['E0001', undefined])
  assert.deepEqual(mapped([{ to: 'phone', from: 'mobile' }], whole).phone, '+8613800000001')
})

test('names become Latin letters, and only such a mapping loads the table', async () => {
  const pinyin = await loadPinyin()
  const rules: MappingEntry[] = [
    { to: 'username', from: 'name', use: 'pinyin' },
    { to: 'title', template: '{name|pinyin}' },
  ]
  const names: [string, string | undefined][] = [
    ['张三', 'zhangsan'],
    ['吕布', 'lvbu'],
    ['尉迟恭', 'yuchigong'],
    ['单雄信', 'shanxiongxin'],
    ['李雷 (Lei)', 'lileilei'],
    ['Zoë', 'zoe'],
    ['😀', undefined],
  ]

  for (const [name, username] of names) assert.equal(mapped(rules, { ...whole, name }, pinyin).username, username)
  assert.equal(mapped(rules, { ...whole, name: '😀' }, pinyin).title, null)
  assert.deepEqual([usesPinyin(rules), usesPinyin(rules.slice(1)), usesPinyin(defaultMapping)], [true, true, false])
})

const fieldNames = ['userid', 'name', 'alias', 'position', 'biz_mail', 'address', 'extattr.甲', 'extattr.乙'] as const
const seen = fc.oneof(fc.constant(undefined), fc.constant(''), fc.string({ maxLength: 8 }))
const members: fc.Arbitrary<Member> = fc
  .record({
    name: fc.string({ minLength: 1, maxLength: 8 }),
    alias: seen,
    position: seen,
    bizMail: seen,
    address: seen,
    甲: seen,
    乙: seen,
  })
  .map(({ 甲, 乙, ...fields }) => ({
    userid: 'someone',
    departments: [],
    ...fields,
    attributes: Object.entries({ 甲, 乙 }).flatMap(([name, value]) =>
      value === undefined ? [] : [{ name, kind: 'text' as const, value }],
    ),
  }))
const field = fc.constantFrom(...fieldNames)
const functionName = fc.constantFrom('lowerCase', 'emailDomain')
const sources = fc.oneof(
  fc.record({ from: fc.array(field, { minLength: 1, maxLength: 3 }) }),
  fc
    .array(fc.tuple(field, fc.option(functionName)), { minLength: 1, maxLength: 3 })
    .map((parts) => ({ template: parts.map(([name, use]) => `-{${name}${use === null ? '' : `|${use}`}}`).join('') })),
)
const titleRules = fc
  .tuple(sources, fc.option(functionName))
  .map(([source, use]): MappingEntry[] => [{ to: 'title', ...source, ...(use === null ? {} : { use }) }])

test('whatever the rule: what is withheld never clears and never comes out as a value of its own', () => {
  fc.assert(
    fc.property(titleRules, members, (rules, member) => {
      const used = rules[0]!.template?.match(/\{[^}|]*/g)?.map((piece) => piece.slice(1)) ?? [
        ...(rules[0]!.from as string[]),
      ]
      const values = used.map((name) => valueOf(member, name))
      const { title } = mapped(rules, member)

      // With everything withheld, nothing is known; with nothing withheld, something is.
      if (values.every((value) => value === undefined)) assert.equal(title, undefined)
      if (values.every((value) => value !== undefined)) assert.notEqual(title, undefined)
      if (rules[0]!.template !== undefined && values.includes(undefined)) assert.equal(title, undefined)
      if (title === null)
        assert.ok(rules[0]!.template === undefined ? values.at(0) !== undefined : !values.includes(undefined))
    }),
    { numRuns: 500 },
  )
})

test('withholding a field never turns a value into an empty one', () => {
  fc.assert(
    fc.property(titleRules, members, field, (rules, member, hidden) => {
      const before = mapped(rules, member).title
      const after = mapped(rules, withoutField(member, hidden)).title

      if (after !== before) assert.equal(after, undefined)
    }),
    { numRuns: 500 },
  )
})

test('the default mapping, compiled, is the table of product.md', () => {
  const person = mapMember(whole, () => 'visible', { notActivated: 'disable', version: '1' })
  const compiled = mapMember(whole, () => 'visible', {
    notActivated: 'disable',
    version: '1',
    mapping: compileMapping(defaultMapping, null),
  })

  assert.deepEqual(compiled, person)
  assert.deepEqual(
    [
      person.displayName,
      person.bizMail,
      person.email,
      person.phone,
      person.title,
      person.username,
      person.madeAddresses,
    ],
    ['张三', 'San@Corp.example', 'san@mail.example', '+8613800000001', '工程师', undefined, undefined],
  )
  assert.deepEqual(DEFAULT_MAPPING.emails, ['biz_mail', 'email'])
})

function valueOf(member: Member, name: string): string | undefined {
  if (name.startsWith('extattr.')) {
    return member.attributes?.find((attribute) => `extattr.${attribute.name}` === name)?.value as string | undefined
  }
  const key = name === 'biz_mail' ? 'bizMail' : (name as 'userid' | 'name' | 'alias' | 'position' | 'address')
  return member[key]
}

function withoutField(member: Member, name: string): Member {
  if (name === 'userid' || name === 'name') return member
  if (name.startsWith('extattr.')) {
    return { ...member, attributes: member.attributes!.filter((attribute) => `extattr.${attribute.name}` !== name) }
  }
  return { ...member, [name === 'biz_mail' ? 'bizMail' : name]: undefined }
}
