/** Names that look alike (threats.md SI-27): forty ways to write admin. And one number in many spellings (L-15). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canonicalName, isDeceptive, normalisePhone, possibleNames } from './names.ts'

/** What a person types who means admin. */
const MEANT = [
  'admin',
  'Admin',
  'ADMIN',
  'aDmIn',
  ' admin',
  'admin ',
  '\tadmin\n',
  '\u2003admin',
  'ａｄｍｉｎ',
  'ＡＤＭＩＮ',
  'adm\u2170n',
]

const DECEPTIVE = [
  'adm\u0131n',
  'ADM\u0130N',
  'admin\u200b',
  '\u200badmin',
  'ad\u200dmin',
  'ad\u200cmin',
  'ad\u2060min',
  'admin\u00ad',
  'admin\u034f',
  'admin\u202e',
  '\u202aadmin\u202c',
  'admin\u2066',
  'admin\u180e',
  'admin\u3164',
  '\u0430dmin',
  'admi\u0578',
  'a\u0501min',
  '\u0430\u0501\u043c\u0456\u0578',
  '\u0251dmin',
  'adm\u03b9n',
  'adm\u0456n',
  'ad min',
  'ad\u3000min',
  'ad\u00a0min',
  'admin\ufe0f',
  'admin\u{e0001}',
  'admin\u0000',
  '\u0251ｄ\u043c\u0131\u0578',
  'a\u200b\u0501min',
  '\u0430d\u043cin',
  'ADM\u0399N',
]

test('every way to write a name is counted as that name', () => {
  assert.ok(MEANT.length + DECEPTIVE.length >= 40)
  for (const typed of [...MEANT, ...DECEPTIVE]) assert.equal(canonicalName(typed), 'admin', JSON.stringify(typed))
})

test('what people type means the name; what only looks like it does not', () => {
  for (const typed of MEANT) assert.ok(possibleNames(typed).includes('admin'), JSON.stringify(typed))
  for (const typed of DECEPTIVE) assert.ok(!possibleNames(typed).includes('admin'), JSON.stringify(typed))
})

test('nobody is given a name that looks like another one', () => {
  for (const name of DECEPTIVE) assert.ok(isDeceptive(name), JSON.stringify(name))
  for (const name of ['ａｄｍｉｎ', 'adm\u2170n', 'ﬁn', 'сосо', 'ivan_иван', 'ιιι']) assert.ok(isDeceptive(name), name)
})

test('names of one alphabet are names', () => {
  const names = ['admin', 'Li.Wei-2', 'ceo@corp.example', '张三', '张san', 'José', 'cafe\u0301', 'Straße', 'Łukasz']
  for (const name of [...names, 'иван', 'νίκος', 'ñandú', '김철수', 'さくら']) assert.ok(!isDeceptive(name), name)
})

/** Each pair is one number, or two. */
const NUMBERS: readonly [one: string, other: string, isOne: boolean][] = [
  ['13800000003', '+8613800000003', true],
  ['13800000003', '+86 138 0000 0003', true],
  ['13800000003', '0086 138-0000-0003', true],
  ['138 0000 0003', '+86-138-0000-0003', true],
  ['(138) 0000 0003', '+86\u00a013800000003', true],
  ['0085261234567', '+852 6123 4567', true],
  ['+1 (380) 000-0003', '0013800000003', true],
  ['13800000003', '+113800000003', false],
  ['13800000003', '+13800000003', false],
  ['13800000003', '+852 13800000003', false],
  ['61234567', '+85261234567', false],
  ['+85361234567', '+85261234567', false],
  ['+79161234567', '+8679161234567', false],
  ['13800000003', '13800000004', false],
  ['8613800000003', '+8613800000003', false], // what it is, nobody says
  ['013800000003', '13800000003', false],
]

test('a number is the same in every spelling, and another one in another country', () => {
  for (const [one, other, isOne] of NUMBERS) {
    assert.equal(normalisePhone(one) === normalisePhone(other), isOne, `${one} ${other}`)
  }
})
