/** The limits of guessing, without the hashing: exact at once and over time, per account and per network (threats.md SI-23, SI-24). */
import assert from 'node:assert/strict'
import { test as plain } from 'node:test'
import { onEachDatabase } from '../../test-support/databases.ts'
import type { Database } from '../database/database.ts'
import { createGuesses, networkOf, type Guess } from './guesses.ts'

const MINUTE = 60_000

onEachDatabase(({ test }) => {
  test('of guesses that arrive at once exactly ten are let through', async (database) => {
    const { guess, counts } = createScene(database)
    const other = createScene(database) // another process, or this one after it was started again

    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => (index % 2 === 0 ? guess() : other.guess())),
    )

    assert.equal(answers.filter((wait) => wait === 0).length, 10)
    assert.deepEqual(await counts(), [10, 10, 10])
  })

  test('wrong guesses are forgotten one by one, fifteen minutes after each', async (database) => {
    const { guess, clock } = createScene(database)
    const start = clock.at
    for (let minute = 0; minute < 10; minute++) {
      clock.at = start + minute * MINUTE
      assert.equal(await guess(), 0)
    }

    clock.at = start + 10 * MINUTE
    assert.equal(await guess(), 5 * MINUTE)
    clock.at = start + 15 * MINUTE
    assert.equal(await guess(), 0)
    assert.equal(await guess(), MINUTE)
    clock.at = start + 16 * MINUTE
    assert.equal(await guess(), 0)
  })

  test('one network has a hundred guesses over all accounts, and then none for anybody', async (database) => {
    const { guess } = createScene(database)

    const answers = await Promise.all(Array.from({ length: 130 }, (_, index) => guess({ username: `u${index}` })))

    assert.equal(answers.filter((wait) => wait === 0).length, 100)
    assert.notEqual(await guess({ username: 'li' }), 0)
    assert.equal(await guess({ username: 'li', address: '192.0.2.2' }), 0)
  })

  test('who guesses from one address locks the owner out of none; from many, only where the owner is not known', async (database) => {
    const { guesses, guess, claim, counts } = createScene(database)
    const home = { ...claim, address: '198.51.100.7' }
    const reservation = await guesses.reserve(home)
    assert.ok('counters' in reservation)
    await database.inTransaction((tx) => guesses.confirm(tx, home, reservation))
    for (let more = 0; more < 11; more++) await guess()
    assert.notEqual(await guess(), 0)
    assert.equal(await guess({ address: '203.0.113.9' }), 0)

    for (let address = 0; address < 12; address++) {
      await Promise.all(Array.from({ length: 10 }, () => guess({ address: `2001:db8:0:${address}::1` })))
    }

    assert.equal(Math.max(...(await counts())), 100)
    assert.notEqual(await guess({ address: '203.0.113.10' }), 0)
    assert.equal(await guess({ address: '198.51.100.7' }), 0)
    assert.equal(await guess({ username: 'wang', address: '203.0.113.10' }), 0)
  })

  test('every spelling of a name counts against the same lock', async (database) => {
    const { guess } = createScene(database)
    const spellings = ['li', 'LI', ' li ', '\uff2c\uff29', 'l\u0131', 'l\u200bi', 'l\u0456', 'L\u0130', 'l i', 'li\0']

    for (const username of spellings) assert.equal(await guess({ username }), 0, JSON.stringify(username))

    assert.notEqual(await guess(), 0)
  })

  test('what was right is taken back, and what is too long ago is removed', async (database) => {
    const { guesses, claim, counts, clock } = createScene(database)
    const right = await guesses.reserve(claim)
    await guesses.reserve(claim)
    assert.ok('counters' in right)

    await database.inTransaction((tx) => guesses.takeBack(tx, right))

    assert.deepEqual(await counts(), [1, 1, 1])
    clock.at += 15 * MINUTE
    assert.equal(await guesses.removeOld(), 3)
  })
})

void plain('one network is one source, whoever writes its address and how', () => {
  const same = [
    '2001:db8:1:2::1',
    '2001:DB8:1:2:ffff:ffff:ffff:ffff',
    '2001:0db8:0001:0002::',
    '2001:db8:1:2:0:0:0:9',
    '2001:db8:1:2::9%eth0',
  ]

  assert.equal(new Set(same.map(networkOf)).size, 1)
  assert.notEqual(networkOf('2001:db8:1:3::1'), networkOf(same[0]!))
  assert.equal(networkOf('::ffff:192.0.2.1'), networkOf('192.0.2.1'))
  assert.notEqual(networkOf('192.0.2.1'), networkOf('192.0.2.2'))
  assert.notEqual(networkOf('::1'), networkOf('127.0.0.1'))
  assert.equal(networkOf('fe80::1'), 'fe80:0:0:0::/64')
  assert.equal(networkOf(null), 'local')
})

function createScene(database: Database) {
  const clock = { at: Date.UTC(2026, 0, 1) }
  const guesses = createGuesses({ database, now: () => clock.at })
  const claim: Guess = { organizationId: 'org_test', username: 'li', address: '192.0.2.1' }
  return {
    clock,
    guesses,
    claim,
    /** A guess that stays wrong. @returns how long to wait, 0 when it was let through */
    guess: async (given: Partial<Guess> = {}) => {
      const answer = await guesses.reserve({ ...claim, ...given })
      return 'retryAfterMs' in answer ? answer.retryAfterMs : 0
    },
    /** How many wrong guesses each counter has that has any. */
    counts: async () => {
      const rows = await database.kysely.selectFrom('password_guesses').select('times').execute()
      return rows.map(({ times }) => (JSON.parse(times) as number[]).length).filter((count) => count > 0)
    },
  }
}
