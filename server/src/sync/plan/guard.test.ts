import assert from 'node:assert/strict'
import { test } from 'node:test'
import { enoughToLose, guard, type GuardFacts, type RemovalFacts } from './guard.ts'

const settings = { percent: 20, minimum: 10, absolute: 500 }
const nothing: RemovalFacts = { planned: 0, present: 100, recent: 0, read: 100 }

function facts(users: Partial<RemovalFacts>, rest: Partial<GuardFacts> = {}): GuardFacts {
  return { users: { ...nothing, ...users }, departments: nothing, lostRoots: [], neverHadDepartments: false, ...rest }
}

// product.md §4.4: at least 10 and more than 20 %, or at least 3 and more than 50 %, or at least 500.
const edges: [planned: number, present: number, recent: number, held: string | null][] = [
  [0, 0, 0, null],
  [1, 1, 0, null],
  [2, 2, 0, null],
  [3, 3, 0, 'most'],
  [3, 6, 0, null],
  [3, 5, 0, 'most'],
  [9, 30, 0, null],
  [10, 50, 0, null],
  [10, 49, 0, 'share'],
  [11, 55, 0, null],
  [20, 100, 0, null],
  [21, 100, 0, 'share'],
  [499, 100_000, 0, null],
  [500, 100_000, 0, 'absolute'],
  [1, 91, 9, null],
  [1, 40, 9, 'share'],
  [1, 99_501, 499, 'absolute'],
  [1, 2, 2, 'most'],
]

for (const [planned, present, recent, held] of edges) {
  test(`${planned} removals of ${present} after ${recent} in a day: ${held ?? 'applied'}`, () => {
    const { users } = guard(facts({ planned, present, recent }), settings)

    assert.deepEqual(
      users.map(({ code }) => code),
      held === null ? [] : [held],
    )
  })
}

test('people and departments are judged apart', () => {
  const many = { planned: 60, present: 100, recent: 0, read: 40 }

  assert.deepEqual(guard(facts({ planned: 1 }, { departments: many }), settings).users, [])
  assert.equal(guard(facts({ planned: 1 }, { departments: many }), settings).departments.length, 1)
})

test('a source without anybody, and a root that is gone, hold even one removal', () => {
  assert.deepEqual(
    guard(facts({ planned: 1, read: 0 }), settings).users.map(({ code }) => code),
    ['empty-source'],
  )
  const lost = guard(facts({ planned: 1 }, { lostRoots: ['研发中心'] }), settings)
  assert.equal(lost.users[0]?.detail.zh, '可见范围不再包含“研发中心”。')
})

test('a visible range of single people only has no departments to miss', () => {
  const none = { ...nothing, present: 0, read: 0 }

  assert.deepEqual(guard(facts({ planned: 1 }, { departments: none, neverHadDepartments: true }), settings).users, [])
  for (const strict of [
    facts({ planned: 1 }, { departments: none }),
    facts({ planned: 1, read: 0 }, { departments: none, neverHadDepartments: true }),
  ]) {
    assert.deepEqual(
      guard(strict, settings).users.map(({ code }) => code),
      ['empty-source'],
    )
  }
})

test('where nothing is removed nothing is held', () => {
  const { users, departments } = guard(facts({ read: 0 }, { lostRoots: ['研发中心'] }), settings)

  assert.deepEqual([users, departments], [[], []])
})

test('whoever counts no further than is enough hears the same verdict, with the same numbers', () => {
  const different = [0, 1, 20, 50, 80].flatMap((percent) =>
    [0, 1, 2, 3, 9, 10, 11, 40].flatMap((planned) =>
      [0, 1, 9, 489].flatMap((recent) =>
        Array.from({ length: 400 }, (_, present) => ({ planned, recent, present }))
          .concat({ planned, recent, present: 100_000 })
          .flatMap((removals) => {
            const own = { ...settings, percent }
            const counted = Math.min(removals.present, enoughToLose(removals, own))
            const whole = guard(facts(removals), own)
            const short = guard(facts({ ...removals, present: counted }), own)
            return JSON.stringify(whole) === JSON.stringify(short) ? [] : [{ percent, ...removals, counted }]
          }),
      ),
    ),
  )

  assert.deepEqual(different, [])
})

test('of a few removals in a large company few are counted, of too many all', () => {
  assert.equal(enoughToLose({ planned: 10, recent: 0 }, settings), 51)
  assert.equal(enoughToLose({ planned: 490, recent: 10 }, settings), Infinity)
})
