import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaultMapping, type MappingEntry } from '@muster/contracts'
import { changed, entriesOf, isUsual, movedUp, rowsOf, valueText, withRow } from './mapping-rows.ts'

test('a mapping is the same after a visit to the editor', () => {
  const mapping: MappingEntry[] = [
    ...defaultMapping,
    { to: 'phone', from: ['mobile', 'extattr.手机'] },
    { to: 'email', template: '{name|pinyin}@corp.example' },
    { to: 'username', from: 'name', use: 'pinyin' },
  ]

  assert.deepEqual(entriesOf(rowsOf(mapping)), mapping)
})

test('a row that becomes a template and back keeps its fields', () => {
  const rows = rowsOf([{ to: 'title', from: 'position' }])

  const back = changed(changed(rows, 0, { form: 'template', template: '{name}' }), 0, { form: 'fields' })

  assert.deepEqual(entriesOf(back), [{ to: 'title', from: 'position' }])
})

test('a new row has a key of its own, and rows can change places', () => {
  const rows = withRow(rowsOf(defaultMapping), 'title')

  assert.equal(new Set(rows.map(({ key }) => key)).size, rows.length)
  assert.deepEqual(
    movedUp(rowsOf(defaultMapping), 3)
      .slice(2, 4)
      .map(({ fields }) => fields),
    [['email'], ['biz_mail']],
  )
})

test('the usual rules are known as such, until one is added or moved', () => {
  const rows = rowsOf(defaultMapping)

  assert.equal(isUsual(rows), true)
  assert.equal(isUsual(withRow(rows, 'title')), false)
  assert.equal(isUsual(movedUp(rows, 3)), false)
})

test('lists and attributes are shown as people write them', () => {
  assert.equal(valueText(['lisi', 'wangwu']), 'lisi, wangwu')
  assert.equal(valueText({ 工号: 'E0001', 楼层: '3' }), '工号: E0001, 楼层: 3')
  assert.equal(
    valueText({ 主页: { title: '主页', url: 'https://a.example' } }),
    '{"主页":{"title":"主页","url":"https://a.example"}}',
  )
  assert.equal(valueText([]), '')
})
