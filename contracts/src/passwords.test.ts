import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isPossiblePassword, LONGEST_PASSWORD, passwordWeakness } from './passwords.ts'

const NAMES = ['zhangsan', 'Example Ltd']

test('length is what counts', () => {
  assert.equal(passwordWeakness('seven77', NAMES), 'short')
  assert.equal(passwordWeakness('lang ist gut', NAMES), undefined)
  assert.equal(passwordWeakness('一二三四五六七八', NAMES), undefined)
  assert.equal(passwordWeakness('', NAMES), 'short')
})

test('what is guessed first is refused, however its letters are written', () => {
  for (const password of ['12345678', 'PassWord1', 'Aa123456', 'xyxyxyxyxy', '88888888']) {
    assert.equal(passwordWeakness(password, NAMES), 'common', password)
  }
})

test('a name is no password, also with signs around it', () => {
  for (const password of ['ZhangSan', 'zhangsan123!', '!zhangsan88', 'example ltd', 'Example Ltd 2026']) {
    assert.equal(passwordWeakness(password, NAMES), 'name', password)
  }
  assert.equal(passwordWeakness('zhangsan likes tea', NAMES), undefined)
})

test('what no database keeps is impossible', () => {
  assert.equal(passwordWeakness('a\0aaaaaaaaaa', NAMES), 'impossible')
  assert.equal(passwordWeakness('\uD800 is half a character', NAMES), 'impossible')
  assert.equal(passwordWeakness('x1'.repeat(LONGEST_PASSWORD), NAMES), 'impossible')
  assert.equal(isPossiblePassword(''), false)
})

test('the name of the product with figures around it is a name that everybody knows', () => {
  for (const password of ['muster-42', 'Muster2026!', '8888muster'])
    assert.equal(passwordWeakness(password, []), 'name')
  assert.equal(passwordWeakness('muster keeps order', []), undefined)
})
