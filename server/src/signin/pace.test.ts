import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPace } from './pace.ts'

test('an office may begin all at once, and then as fast as its store fills up', () => {
  let at = 1_700_000_000_000
  const pace = createPace({ now: () => at, store: 3, perSecond: 2 })
  const take = () => pace.take('192.0.2.1')

  assert.deepEqual([take(), take(), take()], [undefined, undefined, undefined])
  assert.equal(take(), 1)
  at += 500
  assert.equal(take(), undefined)
  assert.equal(take(), 1)
  assert.equal(pace.take('192.0.2.2'), undefined, 'another address has a store of its own')
  at -= 60_000
  assert.equal(take(), 1, 'a clock that is set back gives nothing')
})

test('one customer of IPv6 is one address', () => {
  const pace = createPace({ now: () => 0, store: 1, perSecond: 1 })

  assert.equal(pace.take('2001:db8:1:2:aaaa::1'), undefined)
  assert.equal(pace.take('2001:db8:1:2::2'), 1)
  assert.equal(pace.take('2001:db8:1:3::2'), undefined)
  assert.equal(pace.take('::ffff:192.0.2.1'), undefined)
  assert.equal(pace.take('::ffff:192.0.2.2'), undefined)
})
