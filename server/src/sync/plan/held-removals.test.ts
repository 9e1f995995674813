/** What is said about removals that wait, when more are added to them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeHeld, reasonsTogether } from './held-removals.ts'

const because = (code: string, text = code) => ({ code, detail: { en: text, zh: text } })

test('the newest reason takes the place of what was said before, where all were judged again', () => {
  const added = { keys: ['user disable 2'], reasons: [because('share', '12 of 40')] }

  const reasons = reasonsTogether(['user disable 1', 'user disable 2'], added, [
    because('share', '11 of 40'),
    because('most'),
  ])

  assert.deepEqual(reasons, [because('share', '12 of 40')])
})

test('why departments wait is still said when only people were judged again', () => {
  const added = { keys: ['user disable 2'], reasons: [because('share', '12 of 40')] }

  const reasons = reasonsTogether(['department delete 1', 'user disable 2'], added, [
    because('lost-root'),
    because('share'),
  ])

  assert.deepEqual(reasons, [because('lost-root'), because('share', '12 of 40')])
})

test('removals are counted by what they are, and each reason is said once', () => {
  const keys = ['user disable 1', 'user disable 2', 'department delete 1']

  const { counts, reasons } = describeHeld({ keys, reasons: [because('share'), because('most'), because('share')] })

  assert.deepEqual(counts, { 'user.disable': 2, 'department.delete': 1 })
  assert.deepEqual(reasons, [because('share'), because('most')])
})
