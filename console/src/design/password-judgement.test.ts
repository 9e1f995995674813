import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judgePassword } from './password-judgement.ts'

const states = (password: string) => judgePassword(password, ['zhangsan']).map(({ state }) => state)

test('before anything is typed no rule is kept or broken', () => {
  assert.deepEqual(states(''), ['open', 'open', 'open'])
})

test('rules after a broken one stay open, because nobody has asked them', () => {
  assert.deepEqual(states('short'), ['broken', 'open', 'open'])
  assert.deepEqual(states('password123'), ['kept', 'broken', 'open'])
  assert.deepEqual(states('ZhangSan123!'), ['kept', 'kept', 'broken'])
})

test('a password that the server takes keeps all of them', () => {
  assert.deepEqual(states('correct horse battery'), ['kept', 'kept', 'kept'])
})
