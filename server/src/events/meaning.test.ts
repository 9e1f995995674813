import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CallbackEvent, ContactChange } from '@muster/wecom'
import { coalesce, readArrival, type Waiting } from './meaning.ts'
import type { Connection } from '../connections/connections.ts'

test('of an event about a person only ids are kept, and of an event with a code not the code', () => {
  const about = { kind: 'suite', suiteId: 'dk1', happenedAt: 1_000 } as const
  const events: CallbackEvent[] = [
    { ...about, type: 'create_auth', authCode: 'the-code', state: 'abc' },
    { ...about, type: 'reset_permanent_code', authCode: 'the-code' },
    { ...about, type: 'suite_ticket', ticket: 'the-ticket' },
  ]

  const arrivals = events.map((event) => readArrival(event, delegated, true))

  assert.equal(JSON.stringify(arrivals.map(({ payload }) => payload)).includes('the-'), false)
  assert.deepEqual(
    arrivals.map(({ type, secret, ticket, verdict }) => [type, secret, ticket, verdict?.state ?? 'pending']),
    [
      ['create_auth', 'the-code', null, 'pending'],
      ['reset_permanent_code', 'the-code', null, 'pending'],
      ['suite_ticket', null, 'the-ticket', 'applied'],
    ],
  )
})

test('what becomes of an event when it arrives depends on the services of the connection', () => {
  const event = contact({ type: 'delete_user', userid: 'a', openUserid: undefined })
  const verdict = (connection: Connection, isKnown = true) =>
    readArrival(event, connection, isKnown).verdict?.note ?? null

  assert.equal(verdict(connectionWith({ kind: 'self_built', isOn: true, realTime: true })), null)
  assert.equal(verdict(connectionWith({ kind: 'self_built', isOn: true, realTime: false })), 'real-time-off')
  assert.equal(verdict(connectionWith({ kind: 'self_built', isOn: false, realTime: true })), 'sync-off')
  assert.equal(verdict(connectionWith({ kind: 'service_provider', isOn: false, realTime: false })), 'sync-off')
  assert.equal(verdict(connectionWith({ kind: 'delegated', isOn: true, realTime: true }), false), 'corp-unknown')
})

test('CB-15: events about one object become one question, whatever the case of the userid', () => {
  const { questions, left } = coalesce([
    waiting(1, { type: 'create_user', userid: 'ZhangSan', openUserid: undefined, departments: [1] }),
    waiting(2, { type: 'update_party', departmentId: 7 }),
    waiting(
      3,
      { type: 'update_user', userid: 'zhangsan', newUserid: undefined, openUserid: undefined, departments: [] },
      2,
    ),
    waiting(4, { type: 'delete_party', departmentId: 7 }),
    waiting(5, { type: 'delete_user', userid: 'zhangsan', openUserid: undefined }),
    waiting(6, { type: 'create_user', userid: 'zhangsan', openUserid: undefined, departments: [1] }),
  ])

  assert.deepEqual(left, [])
  assert.deepEqual(
    questions.map(({ hint, events }) => [hint, events.map(({ id }) => id)]),
    [
      [
        { key: 'user:zhangsan', kind: 'user', userid: 'ZhangSan', isDelete: true, attempt: 3 },
        ['evt_1', 'evt_3', 'evt_5', 'evt_6'],
      ],
      [{ key: 'department:7', kind: 'department', id: 7, isDelete: true, attempt: 1 }, ['evt_2', 'evt_4']],
    ],
  )
})

test('a userid that goes from one person to the next is not one rename: the second waits for its turn', () => {
  const rename = (id: number, newUserid: string | undefined) =>
    waiting(id, { type: 'update_user', userid: 'a', newUserid, openUserid: undefined, departments: undefined })

  const { questions, left } = coalesce([
    rename(1, undefined),
    rename(2, 'b'),
    rename(3, 'B'),
    rename(4, 'c'),
    rename(5, undefined),
  ])

  assert.deepEqual(
    questions.map(({ hint, events }) => [hint.kind === 'user' && hint.newUserid, events.map(({ id }) => id)]),
    [['b', ['evt_1', 'evt_2', 'evt_3', 'evt_5']]],
  )
  assert.deepEqual(
    left.map(({ id }) => id),
    ['evt_4'],
  )
})

test('people can read what an event is about', () => {
  const objects = [
    { type: 'create_user', userid: 'ZhangSan', openUserid: undefined, departments: [1] },
    { type: 'update_user', userid: 'a', newUserid: 'b', openUserid: undefined, departments: undefined },
    { type: 'create_party', departmentId: 3 },
    { type: 'update_tag', tagId: 4 },
  ] as const satisfies ContactChange[]

  assert.deepEqual(
    objects.map((change) => readArrival(contact(change), delegated, true).object),
    ['user ZhangSan', 'user a → b', 'department 3', 'tag 4'],
  )
})

function contact(change: ContactChange): CallbackEvent & { kind: 'contact' } {
  return { kind: 'contact', corpId: 'ww1', suiteId: undefined, happenedAt: 1_000, ...change }
}

function waiting(id: number, change: ContactChange, attempts = 0): Waiting {
  return { id: `evt_${id}`, payload: contact(change), attempts }
}

function connectionWith({
  kind,
  isOn,
  realTime,
}: {
  kind: Connection['kind']
  isOn: boolean
  realTime: boolean
}): Connection {
  // Nothing else of a connection is looked at.
  return { kind, sync: { enabled: isOn, realTime } } as Connection
}

const delegated = connectionWith({ kind: 'delegated', isOn: true, realTime: true })
