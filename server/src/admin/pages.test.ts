import assert from 'node:assert/strict'
import { test } from 'node:test'
import { page, readCursor } from './pages.ts'

void test('the cursor of a page reads back as the id of its last item', () => {
  const { nextCursor, ...rest } = page([{ id: 'usr_a' }, { id: 'usr_b' }], true, 7, ({ id }) => id)

  assert.deepEqual(rest, { items: [{ id: 'usr_a' }, { id: 'usr_b' }], total: 7 })
  assert.equal(readCursor(nextCursor!), 'usr_b')
  assert.ok(!nextCursor!.includes('usr_b'))
})

void test('the last page has no cursor, the first one needs none', () => {
  assert.equal(page([{ id: 'usr_a' }], false, 1, ({ id }) => id).nextCursor, null)
  assert.equal(page([], false, 0, () => '').nextCursor, null)
  assert.equal(readCursor(undefined), null)
})

void test('a cursor that was not made here is refused', () => {
  const nul = Buffer.from('usr\0').toString('base64url')
  for (const text of ['', 'usr_a!', 'dXNyX2E=', ' dXNyX2E', nul, Buffer.from('组').toString('base64url')]) {
    assert.throws(() => readCursor(text), { code: 'http/validation' }, text)
  }
})
