import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadReadings } from './pinyin.ts'
import { departmentText, userText } from './search-texts.ts'

const readings = await loadReadings()

const names: [name: string, typed: string[], not?: string[]][] = [
  ['张三', ['张三', 'zhangsan', 'zs'], ['san zhang']],
  ['吕布', ['lvbu', 'lubu', 'lyubu', 'lb']],
  ['女娲', ['nvwa', 'nw']],
  // Surnames are pronounced as surnames, and as whoever does not know them says them.
  ['单田芳', ['shantianfang', 'dantianfang', 'stf', 'dtf']],
  ['曾国藩', ['zengguofan', 'cengguofan', 'zgf']],
  ['仇英', ['qiuying', 'chouying', 'qy', 'cy']],
  ['尉迟恭', ['yuchigong', 'ycg', 'weichigong']],
  // Nobody can know which one it is.
  ['王乐', ['wangle', 'wangyue', 'wl', 'wy']],
  ['李 Jane', ['李 jane', 'lijane', 'lj']],
  ['Jane Doe', ['jane doe', 'janedoe']],
  ['Élodie', ['élodie']],
  ['𠮷田', ['𠮷田']],
  ['😀', ['😀']],
]

for (const [name, typed, not = []] of names) {
  test(`${name} is found by ${typed.join(', ')}`, () => {
    const text = userText({ username: 'user-1', display_name: name, email: null, phone: null }, readings)
    const lines = text.split('\n')

    for (const one of typed) assert.ok(lines.includes(one), `${one} is none of ${lines.join(' | ')}`)
    for (const one of not) assert.ok(!text.includes(one))
    assert.match(text, /^\nuser-1\n/)
  })
}

test('a department is found by both of its names, by pinyin and by initials', () => {
  const lines = departmentText({ name: '行政部', name_en: 'Administration' }, readings).split('\n')

  for (const typed of ['行政部', 'administration', 'xingzhengbu', 'xzb']) assert.ok(lines.includes(typed), typed)
})

test('a long name with many uncertain characters makes a short text', () => {
  const text = departmentText({ name: '长行重乐单曾'.repeat(20), name_en: null }, readings)

  assert.ok(text.length < 16_000, String(text.length))
})

test('what would break a line breaks none', () => {
  const text = userText({ username: 'user', display_name: '张\n三\u0000', email: 'A@b', phone: '+86138' }, readings)

  assert.deepEqual(text.split('\n').slice(1, 3), ['user', '张 三'])
  assert.ok(text.includes('\na@b\n+86138\n'))
})
