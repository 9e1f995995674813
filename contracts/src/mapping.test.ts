import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaultMapping, MappingEntry, readMapping } from './mapping.ts'

const NAME = { to: 'displayName', from: 'name' }

/** What is said about a rule beside one that is right. */
function complaints(rule: MappingEntry): string[] {
  return readMapping([NAME, rule]).problems.map(({ index, en, zh }) => {
    assert.equal(index, 1)
    assert.match(zh, /\p{Script=Han}/u)
    return en
  })
}

test('the default mapping is a mapping', () => {
  assert.deepEqual(readMapping(defaultMapping).problems, [])
  assert.equal(readMapping(defaultMapping).rules.length, defaultMapping.length)
})

const good: MappingEntry[] = [
  { to: 'title', from: 'position' },
  { to: 'title', from: ['position', 'extattr.岗位'] },
  { to: 'username', from: ['english_name', 'name'], use: 'pinyin' },
  { to: 'email', template: '{userid}@corp.example', use: 'lowerCase' },
  { to: 'email', template: '{name|pinyin}.{extattr.工号|lowerCase}@corp.example' },
  { to: 'phone', from: ['extattr.手机', 'mobile'] },
  { to: 'displayName', template: '{name} ({position})' },
  { to: 'title', from: 'biz_mail', use: 'emailDomain' },
]
for (const rule of good) {
  test(`understood: ${JSON.stringify(rule)}`, () => {
    assert.ok(MappingEntry.safeParse(rule).success)
    assert.deepEqual(complaints(rule), [])
  })
}

const bad: [MappingEntry, RegExp][] = [
  [{ to: 'role', from: 'position' }, /"role" is no user field/],
  [{ to: 'status', from: 'position' }, /"status" is no user field/],
  [{ to: '__proto__', from: 'name' }, /no user field/],
  [{ to: 'title', from: 'password' }, /"password" is no member field/],
  [{ to: 'title', from: 'constructor' }, /no member field/],
  [{ to: 'title', from: 'extattr.' }, /no custom attribute/],
  [{ to: 'title', from: [] }, /names no field/],
  [{ to: 'title' }, /either "from" or "template"/],
  [{ to: 'title', from: 'name', template: '{name}' }, /either "from" or "template"/],
  [{ to: 'title', from: 'name', use: 'eval' }, /"eval" is no function/],
  [{ to: 'title', template: '{name|eval}' }, /"eval" is no function/],
  [{ to: 'title', template: '{name|pinyin|lowerCase}' }, /more than one function/],
  [{ to: 'title', template: '{name' }, /brace/],
  [{ to: 'title', template: '{{name}}' }, /brace/],
  [{ to: 'title', template: 'the same for all' }, /no field in braces/],
  [{ to: 'title', template: '{name}\u0000' }, /control character/],
  [{ to: 'title', template: '{extattr}' }, /not a text/],
  [{ to: 'title', template: '{name}'.repeat(11) }, /more than 10 fields/],
  [{ to: 'title', from: 'direct_leader' }, /not a text/],
  [{ to: 'displayName', from: 'position' }, /names a person/],
  [{ to: 'displayName', from: ['name', 'position'] }, /names a person/],
  [{ to: 'displayName', template: '{position}' }, /names a person/],
  [{ to: 'phone', template: '+86{mobile}' }, /taken as it is/],
  [{ to: 'phone', from: 'telephone' }, /only come from mobile/],
  [{ to: 'gender', from: 'position' }, /only come from gender/],
  [{ to: 'attributes', from: 'extattr.工号' }, /only come from extattr/],
  [{ to: 'avatarUrl', from: 'avatar', use: 'lowerCase' }, /taken as it is/],
]
for (const [rule, why] of bad) {
  test(`refused: ${JSON.stringify(rule)}`, () => {
    const [en, ...more] = complaints(rule)
    assert.match(en!, why)
    assert.deepEqual(more, [])
  })
}

test('a mapping without a name for people is refused as a whole', () => {
  assert.deepEqual(
    readMapping([{ to: 'title', from: 'position' }]).problems.map(({ index }) => index),
    [null],
  )
})

test('every rule that is wrong is named at once', () => {
  const { problems } = readMapping([NAME, { to: 'x', from: 'name' }, { to: 'title', from: 'y' }])

  assert.deepEqual(
    problems.map(({ index }) => index),
    [1, 2],
  )
})
