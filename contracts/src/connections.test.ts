import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { z } from 'zod'
import { SyncSettings, SignInSettings } from './connection-settings.ts'
import { Connection, ConnectionPatch, NewConnection } from './connections.ts'
import { mergePatch } from './merge-patch.ts'

/** The document of http-api.md §4.2, with one of each alternative. */
const documented = {
  identifier: 'hq',
  kind: 'self_built',
  displayName: '总部企业微信',
  corpId: 'ww0123456789abcdef',
  agentId: 1000002,
  secret: 'secret-of-the-app',
  contactsSecret: 'secret-of-the-contacts',
  suiteId: null,
  suiteSecret: null,
  providerCorpId: null,
  providerSecret: null,
  callback: { token: 'QDG6eK', aesKey: 'jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C' },
  mobile: { schema: 'wwauth0123', iosBundleId: null, androidPackage: null, androidSignature: null },
  signIn: {
    enabled: false,
    loginOnly: false,
    association: 'create',
    matchFields: ['username'],
    requestPrivateFields: false,
    refreshProfile: true,
    unreadableMembers: 'refuse',
    allowedDomains: [],
    syntheticEmailDomain: 'wecom.local',
    embedOrigins: [],
  },
  sync: {
    enabled: false,
    schedule: { kind: 'manual' },
    timeZone: 'Asia/Shanghai',
    bindByUsername: true,
    matchFields: [],
    users: { onlyHere: 'ignore', onlyWecom: 'create' },
    departments: { onlyHere: 'ignore', onlyWecom: 'create' },
    notActivated: 'disable',
    realTime: false,
    mapping: [{ from: 'name', to: 'displayName' }],
    guard: { percent: 20, minimum: 10, absolute: 500 },
  },
}

const schedules = [
  { kind: 'manual' },
  { kind: 'daily', at: '03:00' },
  { kind: 'weekly', day: 'monday', at: '03:00' },
  { kind: 'monthly', day: 31, at: '03:00' },
  { kind: 'interval', minutes: 120 },
]

test('every member that is documented may be sent, when creating and when changing', () => {
  const { identifier: _, kind: __, ...changeable } = documented

  assert.deepEqual(NewConnection.parse(documented), documented)
  assert.deepEqual(ConnectionPatch.parse(changeable), changeable)
})

test('a draft needs nothing but its identifier', () => {
  assert.deepEqual(NewConnection.parse({ identifier: 'hq' }), { identifier: 'hq', kind: 'self_built' })
})

test('the settings of a new connection are the documented defaults', () => {
  assert.deepEqual(SignInSettings.parse({}), documented.signIn)
  const { mapping, ...rest } = SyncSettings.parse({})
  const { mapping: _, ...documentedRest } = documented.sync
  assert.deepEqual(rest, documentedRest)
  assert.ok(mapping.some(({ from, to }) => from === 'name' && to === 'displayName'))
})

test('defaults are not shared between connections', () => {
  SyncSettings.parse({}).mapping.pop()
  SyncSettings.parse({}).guard.percent = 100

  assert.equal(SyncSettings.parse({}).mapping.length, 10)
  assert.equal(SyncSettings.parse({}).guard.percent, 20)
})

const identifiers = {
  accepted: ['a', '0', 'hq', 'hq-2', 'a'.repeat(31)],
  refused: ['', '-hq', 'HQ', 'h_q', 'h.q', '总部', 'hq\n', 'a'.repeat(32)],
}

for (const identifier of identifiers.accepted) {
  test(`the identifier ${JSON.stringify(identifier)} is accepted`, () => {
    assert.ok(NewConnection.safeParse({ identifier }).success)
  })
}

for (const identifier of identifiers.refused) {
  test(`the identifier ${JSON.stringify(identifier)} is refused`, () => {
    assert.deepEqual(problems(NewConnection, { identifier }), ['identifier'])
  })
}

for (const schedule of schedules) {
  test(`the schedule ${JSON.stringify(schedule)} may be sent and comes back`, () => {
    const sent = NewConnection.parse({ identifier: 'hq', sync: { schedule } }).sync

    assert.deepEqual(SyncSettings.parse(mergePatch({}, sent)).schedule, schedule)
  })
}

const refusals: [name: string, body: object, path: string][] = [
  ['an unknown member', { owner: true }, 'owner'],
  ['an unknown member called __proto__', JSON.parse('{"__proto__":{}}') as object, '__proto__'],
  ['an unknown member in depth', { sync: { users: { onlyhere: 'ignore' } } }, 'sync.users.onlyhere'],
  [
    'an unknown member of a mapping',
    { sync: { mapping: [{ from: 'name', to: 'title', eval: '1' }] } },
    'sync.mapping.0.eval',
  ],
  ['a member that only answers have', { hasSecret: true }, 'hasSecret'],
  ['an unknown policy', { sync: { users: { onlyHere: 'purge' } } }, 'sync.users.onlyHere'],
  [
    'a schedule of less than a quarter of an hour',
    { sync: { schedule: { kind: 'interval', minutes: 14 } } },
    'sync.schedule.minutes',
  ],
  ['a time that no clock shows', { sync: { schedule: { kind: 'daily', at: '24:00' } } }, 'sync.schedule.at'],
  ['a time zone that nobody lives in', { sync: { timeZone: 'Asia/Nowhere' } }, 'sync.timeZone'],
  ['an offset as a time zone', { sync: { timeZone: '+08:00' } }, 'sync.timeZone'],
  ['a share above a hundred', { sync: { guard: { percent: 101 } } }, 'sync.guard.percent'],
  ['an origin with a path', { signIn: { embedOrigins: ['https://portal.example.com/'] } }, 'signIn.embedOrigins.0'],
  ['an origin that is a script', { signIn: { embedOrigins: ['javascript:alert(1)'] } }, 'signIn.embedOrigins.0'],
  ['a domain with an at sign', { signIn: { allowedDomains: ['@corp.example'] } }, 'signIn.allowedDomains.0'],
  ['a domain that begins with a dot', { signIn: { syntheticEmailDomain: '.example' } }, 'signIn.syntheticEmailDomain'],
  ['an empty secret', { secret: '' }, 'secret'],
  ['an EncodingAESKey that is too short', { callback: { aesKey: 'short' } }, 'callback.aesKey'],
  ['a display name of two lines', { displayName: 'a\nb' }, 'displayName'],
  ['a blank display name', { displayName: ' ' }, 'displayName'],
  ['a display name with half a character', { displayName: '\ud83d' }, 'displayName'],
]

for (const [name, body, path] of refusals) {
  test(`${name} is refused by name, when creating and when changing`, () => {
    assert.deepEqual(problems(NewConnection, { identifier: 'hq', ...body }), [path])
    assert.deepEqual(problems(ConnectionPatch, body), [path])
  })
}

test('a new schedule has no members of another kind', () => {
  const sync = { schedule: { kind: 'daily', at: '03:00', day: 'monday' } }

  assert.deepEqual(problems(NewConnection, { identifier: 'hq', sync }), ['sync.schedule.day'])
})

test('a merge patch changes what it names, and null puts a setting back to its default', () => {
  const current = SyncSettings.parse({
    enabled: true,
    users: { onlyHere: 'delete', onlyWecom: 'ignore' },
    guard: { percent: 80 },
    mapping: [],
  })

  const { sync } = ConnectionPatch.parse({ sync: { users: { onlyHere: null }, guard: null, mapping: null } })
  const after = SyncSettings.parse(mergePatch(current, sync))

  assert.equal(after.enabled, true)
  assert.deepEqual(after.users, { onlyHere: 'ignore', onlyWecom: 'ignore' })
  assert.deepEqual(after.guard, { percent: 20, minimum: 10, absolute: 500 })
  assert.equal(after.mapping.length, 10)
})

test('a merge patch may name one member of the schedule only', () => {
  const current = SyncSettings.parse({ schedule: { kind: 'weekly', day: 'monday', at: '03:00' } })

  const { sync } = ConnectionPatch.parse({ sync: { schedule: { at: '04:30' } } })

  assert.deepEqual(SyncSettings.parse(mergePatch(current, sync)).schedule, {
    kind: 'weekly',
    day: 'monday',
    at: '04:30',
  })
})

test('a merge patch to another kind of schedule forgets the members of the old kind', () => {
  const current = SyncSettings.parse({ schedule: { kind: 'weekly', day: 'monday', at: '03:00' } })

  const { sync } = ConnectionPatch.parse({ sync: { schedule: { kind: 'interval', minutes: 60 } } })

  assert.deepEqual(SyncSettings.parse(mergePatch(current, sync)).schedule, { kind: 'interval', minutes: 60 })
})

test('a merge patch whose result is no schedule is refused where the result is parsed', () => {
  const current = SyncSettings.parse({ schedule: { kind: 'daily', at: '03:00' } })

  const { sync } = ConnectionPatch.parse({ sync: { schedule: { kind: 'weekly' } } })

  assert.deepEqual(problems(SyncSettings, mergePatch(current, sync)), ['schedule.day'])
})

test('a merge patch may clear every credential', () => {
  const secrets = [
    'secret',
    'contactsSecret',
    'suiteSecret',
    'providerSecret',
    'corpId',
    'agentId',
    'suiteId',
    'providerCorpId',
  ]
  const patch = Object.fromEntries(secrets.map((name) => [name, null]))

  assert.deepEqual(ConnectionPatch.parse(patch), patch)
  assert.deepEqual(ConnectionPatch.parse({ callback: { token: null, aesKey: null } }), {
    callback: { token: null, aesKey: null },
  })
})

test('an answer drops what the contract does not name, secrets above all', () => {
  const [example] = Connection.meta()!.examples as [{ callback: object }]

  const answer = Connection.parse({
    ...example,
    secret: 'leaked',
    callback: { ...example.callback, token: 'leaked' },
  })

  assert.doesNotMatch(JSON.stringify(answer), /leaked/)
})

/** Dotted paths of what is wrong, an unknown key by its own name. */
function problems(schema: z.ZodType, value: unknown): string[] {
  const issues = schema.safeParse(value).error?.issues ?? []
  return issues.flatMap((issue) => {
    const names = issue.code === 'unrecognized_keys' ? issue.keys : [undefined]
    return names.map((name) => [...issue.path, ...(name === undefined ? [] : [name])].join('.'))
  })
}
