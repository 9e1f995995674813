import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mergePatch } from './merge-patch.ts'

// RFC 7396, appendix A: target, patch, result.
const table: [unknown, unknown, unknown][] = [
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [
    ['a', 'b'],
    ['c', 'd'],
    ['c', 'd'],
  ],
  [{ a: 'b' }, ['c'], ['c']],
  [{ a: 'foo' }, null, null],
  [{ a: 'foo' }, 'bar', 'bar'],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: 'b', c: null }, { a: 'b' }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
]

for (const [target, patch, result] of table) {
  test(`${JSON.stringify(patch)} makes ${JSON.stringify(target)} into ${JSON.stringify(result)}`, () => {
    assert.deepEqual(mergePatch(target, patch), result)
  })
}

test('a member that is undefined counts as absent', () => {
  assert.deepEqual(mergePatch({ a: 1 }, { a: undefined, b: 2 }), { a: 1, b: 2 })
})

test('neither the target nor the patch is changed', () => {
  const target = { a: { b: 1 }, c: 1 }
  const patch = { a: { b: 2 }, c: null }

  mergePatch(target, patch)

  assert.deepEqual(target, { a: { b: 1 }, c: 1 })
  assert.deepEqual(patch, { a: { b: 2 }, c: null })
})

test('a member called __proto__ stays a member and reaches no prototype', () => {
  const patch: unknown = JSON.parse('{"__proto__":{"isOwner":true}}')

  const result = mergePatch({}, patch) as object

  assert.equal(Object.getPrototypeOf(result), Object.prototype)
  assert.deepEqual(Object.keys(result), ['__proto__'])
  assert.equal('isOwner' in {}, false)
})
