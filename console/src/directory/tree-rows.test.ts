import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Department } from '@muster/contracts'
import { keyDeed, ROOTS, treeRows, typedRow, type Children } from './tree-rows.ts'

const department = (id: string, childCount = 0) => ({ id, name: `Name ${id}`, childCount }) as Department

function children(items: Department[], further: Partial<Children> = {}): Children {
  return { items, total: items.length, isLoading: false, error: null, ...further }
}

/** a (b (c), d), e */
const TREE = new Map([
  [ROOTS, children([department('a', 2), department('e')])],
  ['a', children([department('b', 1), department('d')])],
  ['b', children([department('c')])],
])
const shown = (open: string[], tree: ReadonlyMap<string, Children> = TREE) =>
  treeRows(tree, new Set(open)).map(({ id, level }) => `${'-'.repeat(level - 1)}${id}`)

test('what is closed hides what is below, also where that is open', () => {
  assert.deepEqual(shown([]), ['everybody', 'a', 'e'])
  assert.deepEqual(shown(['b']), ['everybody', 'a', 'e'])
  assert.deepEqual(shown(['a', 'b']), ['everybody', 'a', '-b', '--c', '-d', 'e'])
})

test('children that nobody has answered yet are said to be loading, and those that failed to have failed', () => {
  assert.deepEqual(shown(['a'], new Map([[ROOTS, TREE.get(ROOTS)!]])), ['everybody', 'a', '-loading a', 'e'])
  const failed = new Map([...TREE, ['a', children([], { error: new Error('no answer') })]])
  assert.deepEqual(shown(['a'], failed), ['everybody', 'a', '-failed a', 'e'])
  const partly = new Map([...TREE, ['a', children([department('b')], { total: 7, isLoading: true })]])
  assert.deepEqual(shown(['a'], partly), ['everybody', 'a', '-b', '-loading a', 'e'])
})

test('a department that moved between two pages is shown once, and a circle ends', () => {
  const tree = new Map([
    [ROOTS, children([department('a', 1)])],
    ['a', children([department('b', 1), department('b', 1)])],
    ['b', children([department('a', 1)])],
  ])
  assert.deepEqual(shown(['a', 'b'], tree), ['everybody', 'a', '-b'])
})

test('ten thousand levels are only many rows', () => {
  const deep = new Map<string, Children>([[ROOTS, children([department('0', 1)])]])
  for (let level = 0; level < 10_000; level += 1) deep.set(`${level}`, children([department(`${level + 1}`, 1)]))
  const rows = treeRows(deep, new Set(deep.keys()))
  assert.deepEqual([rows.length, rows.at(-1)!.level], [10_002, 10_001])
})

test('arrows walk, open and close as in any tree', () => {
  const rows = treeRows(TREE, new Set(['a', 'b'])) // everybody a b c d e
  assert.deepEqual(keyDeed(rows, 0, 'ArrowDown', 5), { go: 1 })
  assert.deepEqual(keyDeed(rows, 0, 'ArrowUp', 5), { go: 0 })
  assert.deepEqual(keyDeed(rows, 5, 'ArrowDown', 5), { go: 5 })
  assert.deepEqual(keyDeed(rows, 1, 'ArrowRight', 5), { go: 2 })
  assert.deepEqual(keyDeed(rows, 2, 'ArrowLeft', 5), { close: 'b' })
  assert.deepEqual(keyDeed(rows, 3, 'ArrowLeft', 5), { go: 2 })
  assert.deepEqual(keyDeed(rows, 4, 'ArrowLeft', 5), { go: 1 })
  assert.equal(keyDeed(rows, 5, 'ArrowRight', 5), undefined)
  assert.deepEqual(keyDeed(treeRows(TREE, new Set()), 1, 'ArrowRight', 5), { open: 'a' })
  assert.deepEqual(keyDeed(rows, 4, 'Enter', 5), { take: 'd' })
  assert.deepEqual(keyDeed(rows, 0, ' ', 5), { take: 'everybody' })
  assert.deepEqual(keyDeed(rows, 3, 'End', 5), { go: 5 })
  assert.deepEqual(keyDeed(rows, 1, 'PageDown', 3), { go: 4 })
})

test('typing goes to the next department that begins so, around the end', () => {
  const rows = treeRows(TREE, new Set(['a']))
  assert.equal(typedRow(rows, 1, 'name d'), 3)
  assert.equal(typedRow(rows, 3, 'name a'), 1)
  assert.equal(typedRow(rows, 0, 'x'), undefined)
})
