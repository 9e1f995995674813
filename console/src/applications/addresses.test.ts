import assert from 'node:assert/strict'
import { test } from 'node:test'
import { linesOf, originOf } from './addresses.ts'

test('each line is an address, and empty ones are none', () => {
  assert.deepEqual(linesOf(' https://a.example/cb \n\n\thttps://b.example/cb\r\n'), [
    'https://a.example/cb',
    'https://b.example/cb',
  ])
})

test('of whatever somebody pasted, the origin is taken', () => {
  assert.equal(originOf(' https://git.example.com/users/sign_in '), 'https://git.example.com')
  assert.equal(originOf('http://localhost:3000/'), 'http://localhost:3000')
  for (const text of ['git.example.com', 'javascript:alert(1)', '', 'ftp://x']) assert.equal(originOf(text), undefined)
})
