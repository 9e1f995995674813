import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bandAt, heightAt, labelled, lonePlaces, pathOf, scaleOf } from './chart.ts'

const frame = { width: 140, height: 120, left: 30, right: 10, top: 10, bottom: 10 }

test('a scale ends at a round number that is no lower than the highest value', () => {
  assert.deepEqual(scaleOf(0), { top: 1, ticks: [0, 1] })
  assert.deepEqual(scaleOf(1), { top: 1, ticks: [0, 1] })
  assert.deepEqual(scaleOf(7), { top: 8, ticks: [0, 2, 4, 6, 8] })
  assert.deepEqual(scaleOf(98_765), { top: 100_000, ticks: [0, 50_000, 100_000] })
  assert.deepEqual(scaleOf(0.3, false), { top: 0.3, ticks: [0, 0.1, 0.2, 0.3] })
  for (const highest of [1, 3, 9, 11, 99, 101, 999, 12_345]) {
    const { top, ticks } = scaleOf(highest)
    assert.ok(top >= highest && ticks.length <= 6, `${highest}: ${ticks.join(' ')}`)
    assert.ok(ticks.every(Number.isInteger))
  }
})

test('values go up from the bottom, and places from left to right', () => {
  assert.equal(heightAt(0, 10, frame), 110)
  assert.equal(heightAt(10, 10, frame), 10)
  assert.deepEqual(bandAt(1, 4, frame), { x: 55, width: 25 })
})

test('labels are few, and the last place has one', () => {
  assert.deepEqual([...labelled(30, 6)], [29, 24, 19, 14, 9, 4])
  assert.deepEqual([...labelled(3, 6)], [2, 1, 0])
  assert.deepEqual([...labelled(0, 6)], [])
})

test('a line has a gap where a value is unknown', () => {
  assert.equal(pathOf([0, 10, null, 5], 10, frame), 'M42.5 110.0L67.5 10.0M117.5 60.0')
  assert.equal(pathOf([null, null], 10, frame), '')
})

test('a value that stands alone is found, because no line leads to it', () => {
  assert.deepEqual(lonePlaces([null, 3, null, 4, 5, null, 6]), [1, 6])
  assert.deepEqual(lonePlaces([1]), [0])
})
