import assert from 'node:assert/strict'
import { test } from 'node:test'
import { agreementOf, memberValue, needsOwner } from './evidence.ts'

const MEMBER = {
  userid: 'ZhangSan',
  member: {
    displayName: '张三',
    bizMail: 'zhangsan@corp.example',
    email: 'zs@mail.example',
    phone: null,
    title: null,
    gender: null,
    isActive: true,
    withheld: ['phone' as const],
  },
}
const ACCOUNT = {
  username: 'zhangsan',
  displayName: '章三',
  email: 'ZS@mail.example',
  phone: '+8613800000000',
  title: null,
  gender: null,
}

test('login names agree whatever their case', () => {
  assert.equal(agreementOf(MEMBER, ACCOUNT, 'login'), 'same')
})

test('either of the two addresses of WeCom may agree', () => {
  assert.equal(agreementOf(MEMBER, ACCOUNT, 'email'), 'same')
  assert.equal(memberValue(MEMBER, 'email').text, 'zhangsan@corp.example, zs@mail.example')
})

test('what WeCom withholds neither agrees nor differs', () => {
  assert.equal(agreementOf(MEMBER, ACCOUNT, 'phone'), 'unknown')
  assert.deepEqual(memberValue(MEMBER, 'phone'), { text: null, isWithheld: true })
})

test('another name differs', () => {
  assert.equal(agreementOf(MEMBER, ACCOUNT, 'displayName'), 'different')
})

test('accounts with rights are for owners to give', () => {
  assert.equal(needsOwner({ role: 'auditor', breakGlass: false }), true)
  assert.equal(needsOwner({ role: null, breakGlass: true }), true)
  assert.equal(needsOwner({ role: null, breakGlass: false }), false)
})
