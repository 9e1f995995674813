/** The inbox and its worker on both databases; what is done with an event is said by the test. */
import assert from 'node:assert/strict'
import type { CallbackEvent, ContactChange, SuiteChange } from '@muster/wecom'
import { createAudit, SYSTEM } from '../audit/audit.ts'
import type { SuiteEventOutcome } from '../connections/suites/authorisations.ts'
import type { Connection } from '../connections/connections.ts'
import { insertRows, type Database } from '../database/database.ts'
import { AppError } from '../errors.ts'
import { createIds } from '../ids.ts'
import { createLog } from '../log.ts'
import { Secret } from '../secret.ts'
import type { Hint, HintOutcome } from '../sync/sync.ts'
import { createVault } from '../vault.ts'
import { onEachDatabase } from '../../test-support/databases.ts'
import { createEventLog } from './event-log.ts'
import { createInbox } from './inbox.ts'
import { readArrival } from './meaning.ts'
import { createWorker, type ApplySuiteEvent } from './worker.ts'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

onEachDatabase(({ test, dialect }) => {
  test('CB-11: of parallel deliveries one is kept, and it is worked off once', async (database) => {
    const site = await createSite(database)

    const kept = await Promise.all(Array.from({ length: 10 }, () => site.keep(update('zhangsan'), 'same')))
    await site.settle()
    await site.settle()

    assert.deepEqual(kept.toSorted(), [...Array.from({ length: 9 }, () => 'duplicate'), 'kept'])
    assert.deepEqual(site.asked, [['user:zhangsan']])
    assert.deepEqual(await site.states(), ['applied 1'])
  })

  test('what is due of a connection is asked together, about each object once, and another connection by itself', async (database) => {
    const site = await createSite(database)
    const other = await site.another()
    for (const userid of ['a', 'b', 'A', 'c', 'a']) await site.keep(update(userid))
    await other.keep(update('a'))

    await site.settle()

    assert.deepEqual(site.asked.toSorted(), [['user:a'], ['user:a', 'user:b', 'user:c']])
    assert.deepEqual(await site.states(), ['applied 1', 'applied 1', 'applied 1', 'applied 1', 'applied 1'])
    assert.deepEqual(await other.states(), ['applied 1'])
  })

  test('CB-15: of a backlog, whatever is due about an object is answered with one question', async (database) => {
    const site = await createSite(database)
    const userids = Array.from({ length: 1_050 }, (_, index) => `person${index}`)
    for (let round = 1; round <= 3; round++) {
      await Promise.all(userids.map((userid) => site.keep(update(userid))))
    }

    await site.settle()
    await site.settle()

    assert.deepEqual(
      site.asked.map((keys) => keys.length),
      [1_000, 50],
    )
    assert.deepEqual(new Set(site.asked.flat()).size, userids.length)
    assert.deepEqual(new Set(await site.states()), new Set(['applied 1']))
  })

  test('what fails is tried again after ever longer waits, eight times, and then waits for a person', async (database) => {
    const site = await createSite(database)
    const problem = { code: 'wecom/busy' } as const
    site.answer = (hint) =>
      hint.key === 'user:poison' ? { key: hint.key, kind: 'failed', problem, runId: null } : applied(hint)
    await site.keep(update('poison'))
    await site.keep(update('healthy'))

    const waits: number[] = []
    for (let attempt = 1; attempt <= 8; attempt++) {
      await site.settle()
      const poison = await site.event('user poison')
      assert.deepEqual([poison.attempts, poison.error?.code], [attempt, 'wecom/busy'])
      if (poison.dueAt === null) break
      waits.push(poison.dueAt - site.now())
      site.moveBy(poison.dueAt - site.now())
    }

    assert.deepEqual(
      waits.map((wait) => wait / 1000),
      [5, 15, 60, 300, 900, 3600, 7200],
    )
    assert.equal((await site.event('user poison')).state, 'parked')
    assert.equal((await site.event('user healthy')).state, 'applied')
    const parked = await site.eventLog.parkedOf([site.connectionId])
    assert.equal(parked.get(site.connectionId)?.count, 1)
    assert.deepEqual(await site.eventLog.count(), { waiting: 0, failed: 0, parked: 1 })

    // A person has it done again, and by now it goes well.
    site.answer = applied
    const { id } = await site.event('user poison')
    assert.equal((await site.eventLog.replay(SYSTEM, id)).state, 'pending')
    await site.settle()
    assert.deepEqual(await site.states(), ['applied 1', 'applied 1'])
    assert.deepEqual(
      (await database.kysely.selectFrom('audit').selectAll().execute()).map(({ action, target_id }) => [
        action,
        target_id,
      ]),
      [['event.replay', id]],
    )
  })

  test('CB-16: one that breaks everything is found, and the others go on', async (database) => {
    const site = await createSite(database)
    site.answer = (hint) => {
      if (hint.key === 'user:bug7') throw new TypeError('undefined is not a function')
      return applied(hint)
    }
    for (let index = 0; index < 20; index++) await site.keep(update(`bug${index}`))

    await site.settle()

    const bug = await site.event('user bug7')
    assert.deepEqual([bug.state, bug.error?.code], ['failed', 'events/failed'])
    assert.equal((await site.states()).filter((state) => state === 'applied 1').length, 19)
    assert.ok(site.asked.length < 12, 'halves, not each by itself')
  })

  test('CB-16: the same when sync says itself that it failed, and nothing of why', async (database) => {
    const site = await createSite(database)
    site.answerAll = (hints) =>
      hints.some(({ key }) => key === 'user:bug7')
        ? hints.map(({ key }) => ({ key, kind: 'failed', problem: { code: 'sync/failed' }, runId: null }))
        : hints.map(applied)
    for (let index = 0; index < 20; index++) await site.keep(update(`bug${index}`))

    await site.settle()

    const bug = await site.event('user bug7')
    assert.deepEqual([bug.state, bug.error?.code], ['failed', 'sync/failed'])
    assert.equal((await site.states()).filter((state) => state === 'applied 1').length, 19)
  })

  test('an event that waits for another one is given again then, and is no failure', async (database) => {
    const site = await createSite(database)
    site.answer = (hint) => (hint.attempt === 1 ? { key: hint.key, kind: 'later', afterMs: 5_000 } : applied(hint))
    await site.keep({ type: 'update_user', userid: 'a', newUserid: 'b', openUserid: undefined, departments: undefined })

    await site.settle()
    assert.deepEqual(await site.states(), ['pending 1'])
    await site.settle()
    assert.equal(site.asked.length, 1)
    site.moveBy(5_000)
    await site.settle()

    assert.deepEqual(await site.states(), ['applied 2'])
  })

  test('while sync is switched off, or a company is gone, events are ignored and say so', async (database) => {
    const site = await createSite(database)
    site.answer = ({ key }) => ({ key, kind: 'ignored', note: 'sync-off' })
    await site.keep(update('a'))
    await site.settle()
    site.isKnown = false
    await site.keep(update('b'))
    await site.settle()

    assert.deepEqual(
      [(await site.event('user a')).note, (await site.event('user b')).note],
      ['sync-off', 'corp-unknown'],
    )
    assert.equal(site.asked.length, 1)
  })

  test('events of a suite are worked off one after the other, with their code, which is gone afterwards', async (database) => {
    const site = await createSite(database, 'delegated')
    const outcomes: SuiteEventOutcome[] = [
      { kind: 'later', afterMs: 1_000 },
      { kind: 'applied', corpId: 'wwnew' },
      { kind: 'failed', problem: { code: 'wecom/refused' }, isFinal: true },
      { kind: 'ignored', note: 'outdated' },
    ]
    site.answerSuite = () => outcomes.shift()!
    await site.keepSuite({ type: 'create_auth', authCode: 'code-1', state: undefined })
    await site.settle()
    const [created] = await database.kysely.selectFrom('events').selectAll().execute()
    assert.equal(created!.payload_sealed!.includes('code-1'), false)
    site.moveBy(1_000)
    await site.settle()
    await site.keepSuite({ type: 'reset_permanent_code', authCode: 'code-2' })
    await site.keepSuite({ type: 'cancel_auth', corpId: 'wwold', state: undefined })
    await site.settle()

    assert.deepEqual(
      site.suiteEvents.map(({ event, attempt }) => [event.type, 'authCode' in event ? event.authCode : null, attempt]),
      [
        ['create_auth', 'code-1', 1],
        ['create_auth', 'code-1', 2],
        ['reset_permanent_code', 'code-2', 1],
        ['cancel_auth', null, 1],
      ],
    )
    const rows = await database.kysely.selectFrom('events').selectAll().orderBy('id').execute()
    assert.deepEqual(
      rows.map(({ type, state, corp_id, note, payload_sealed }) => [type, state, corp_id, note, payload_sealed]),
      [
        ['create_auth', 'applied', 'wwnew', null, null],
        ['reset_permanent_code', 'parked', null, null, null],
        ['cancel_auth', 'ignored', 'wwold', 'outdated', null],
      ],
    )
    for (const { id, type } of rows) {
      const replayed = site.eventLog.replay(SYSTEM, id)
      if (type === 'cancel_auth') assert.equal((await replayed).state, 'pending')
      else await assert.rejects(replayed, isCode('events/secret-gone'))
    }
    await assert.rejects(site.eventLog.replay(SYSTEM, 'evt_none'), isCode('events/not-found'))
  })

  test('CB-16: a code that cannot be opened any more is parked, and stops nobody else', async (database) => {
    const site = await createSite(database, 'delegated')
    await site.keepSuite({ type: 'create_auth', authCode: 'code-1', state: undefined })
    const { id } = await site.newest()
    // As after a restore under another master key.
    await database.kysely.updateTable('events').set({ payload_sealed: 'v1.broken' }).execute()
    await site.keep(update('a'))
    const other = await site.another()
    await other.keep(update('b'))

    await site.settle()

    assert.deepEqual([...(await site.states()), ...(await other.states())].toSorted(), [
      'applied 1',
      'applied 1',
      'parked 1',
    ])
    assert.equal(site.suiteEvents.length, 0)
    await assert.rejects(site.eventLog.replay(SYSTEM, id), isCode('events/secret-gone'))
  })

  test('whoever was put off for long has all attempts before them when something fails', async (database) => {
    const site = await createSite(database)
    site.answer = ({ key }) => ({ key, kind: 'later', afterMs: 15_000 })
    await site.keep(update('a'))
    for (let times = 0; times < 20; times++) {
      await site.settle()
      site.moveBy(15_000)
    }

    site.answer = ({ key }) => ({ key, kind: 'failed', problem: { code: 'wecom/busy' }, runId: null })
    const waits: number[] = []
    for (let times = 0; times < 8; times++) {
      await site.settle()
      const { dueAt } = await site.event('user a')
      if (dueAt === null) break
      waits.push((dueAt - site.now()) / 1_000)
      site.moveBy(dueAt - site.now())
    }

    assert.deepEqual(waits, [5, 15, 60, 300, 900, 3600, 7200])
  })

  test('a company that cancels does not wait behind a storm about people', async (database) => {
    const site = await createSite(database, 'delegated')
    for (let index = 0; index < 1_001; index++) await site.keep(update(`person${index}`))
    await site.keepSuite({ type: 'cancel_auth', corpId: 'ww1', state: undefined })

    await site.settle()

    assert.equal(site.suiteEvents.length, 1)
  })

  test('a code that is too old is not tried once more by anybody', async (database) => {
    const site = await createSite(database, 'delegated')
    await site.keepSuite({ type: 'create_auth', authCode: 'code-1', state: undefined })
    const { id } = await site.newest()

    site.moveBy(10 * MINUTE_MS + 1)

    await assert.rejects(site.eventLog.replay(SYSTEM, id), isCode('events/secret-gone'))
  })

  test('what a process that died has begun is done by the next one', async (database) => {
    const site = await createSite(database)
    for (let index = 0; index < 30; index++) await site.keep(update(`person${index}`))
    const dead = site.processOf('dead')
    assert.equal((await dead.claim([]))[0]?.length, 30)

    await site.settle()
    // On SQLite there is one process: whoever held them before is dead. Elsewhere they are held for a while.
    assert.equal(site.asked.length, dialect === 'sqlite' ? 1 : 0)
    if (dialect === 'postgres') {
      await site.keep(update('later'))
      await site.settle()
      assert.equal(site.asked.length, 0, 'one process for each connection')
      await database.kysely.updateTable('events').set({ claimed_until: 1 }).execute()
      await site.settle()
    }

    assert.equal(site.asked.flat().length, dialect === 'sqlite' ? 30 : 31)
    assert.deepEqual(new Set(await site.states()), new Set(['applied 1']))
  })

  test('a process that was taken for dead settles nothing any more, and neither does one that somebody overruled', async (database) => {
    const site = await createSite(database)
    await site.keep(update('a'))
    const [[event]] = (await site.processOf('slow').claim([])) as [[Awaited<ReturnType<typeof site.inbox.claim>>[0][0]]]
    const slow = site.processOf('slow')
    await site.eventLog.replay(SYSTEM, event.id)

    await slow.settle([
      {
        event,
        state: 'parked',
        note: null,
        isAttempt: true,
        attempts: 1,
        error: null,
        runId: null,
        corpId: null,
        dueAt: null,
      },
    ])
    assert.deepEqual(await site.states(), ['pending 0'])
    await site.settle()

    assert.deepEqual(await site.states(), ['applied 1'])
  })

  test('what was done with a month ago goes, what was given up after three, and what waits never', async (database) => {
    const site = await createSite(database)
    site.answer = (hint) => {
      if (hint.key === 'user:parked')
        return { key: hint.key, kind: 'failed', problem: { code: 'wecom/busy' }, runId: null }
      return applied(hint)
    }
    await site.keep(update('parked'))
    for (let attempt = 0; attempt < 8; attempt++) {
      await site.settle()
      site.moveBy(7_200_000)
    }
    await site.keep(update('done'))
    await site.settle()
    await site.keep(update('waiting'))
    const left = async () => (await site.all()).map(({ object }) => object).toSorted()
    const signal = new AbortController().signal

    site.moveBy(29 * DAY_MS)
    assert.equal(await site.eventLog.removeOld(signal), 0)
    site.moveBy(2 * DAY_MS)
    assert.equal(await site.eventLog.removeOld(signal), 1)
    assert.deepEqual(await left(), ['user parked', 'user waiting'])
    site.moveBy(60 * DAY_MS)
    assert.equal(await site.eventLog.removeOld(signal), 1)
    assert.deepEqual(await left(), ['user waiting'])
  })

  test('of people who are forgotten nothing waits for somebody to look at', async (database) => {
    const site = await createSite(database)
    site.answer = ({ key }) => ({ key, kind: 'failed', problem: { code: 'wecom/busy' }, runId: null })
    for (const userid of ['Gone', 'goner']) await site.keep(update(userid))
    for (let attempt = 0; attempt < 8; attempt++) {
      await site.settle()
      site.moveBy(7_200_000)
    }

    await site.eventLog.forget(site.connectionId, ['gone', 'other'])

    assert.deepEqual(
      (await site.all()).map(({ object, state }) => [object, state]),
      [['user goner', 'parked']],
    )
  })

  test('D-07: what came about people shortly before they are forgotten goes with them, whatever became of it', async (database) => {
    const site = await createSite(database)
    for (const userid of ['gone', 'other']) await site.keep(update(userid))
    await site.settle()
    site.answer = ({ key }) => ({ key, kind: 'ignored', note: 'out-of-scope' })
    await site.keep(update('GONE'))
    await site.settle()

    await site.eventLog.forget(site.connectionId, ['gone'])

    assert.deepEqual(
      (await site.all()).map(({ object }) => object),
      ['user other'],
    )
  })

  test('events go with their connection, and one that comes at that moment finds none', async (database) => {
    const site = await createSite(database)
    await site.keep(update('a'))

    await database.kysely.deleteFrom('connections').where('id', '=', site.connectionId).execute()

    assert.deepEqual(await site.all(), [])
    assert.equal(await site.keep(update('b')), 'no-connection')
  })
})

function update(userid: string): ContactChange {
  return { type: 'update_user', userid, newUserid: undefined, openUserid: undefined, departments: undefined }
}

function applied({ key }: Hint): HintOutcome {
  return { key, kind: 'applied', runId: null }
}

function isCode(code: string) {
  return (error: unknown) => error instanceof AppError && error.code === code
}

async function createSite(database: Database, kind: Connection['kind'] = 'self_built') {
  let at = 1_700_000_000_000
  let deliveries = 0
  const now = () => at
  const makeId = createIds({ now, random: (bytes) => crypto.getRandomValues(bytes) })
  // What comes later has a later id, to the millisecond.
  const newId: typeof makeId = (idKind) => {
    at++
    return makeId(idKind)
  }
  const audit = createAudit({ database, newId, now })
  const vault = createVault({ key: new Secret(Buffer.alloc(32, 7).toString('base64')) })
  const log = createLog({ level: 'error', destination: { write: () => {} } })
  const organizationId = newId('org')
  const connectionId = newId('con')
  const connection = { kind, sync: { enabled: true, realTime: true } } as Connection // nothing else is looked at

  await insertRows(database, 'organizations', [
    { id: organizationId, slug: 'site', name: '公司', built_in_users_allowed: 1, created_at: 0, updated_at: 0 },
  ])
  await addConnection(connectionId)

  const processOf = (owner: string) => createInbox({ database, vault, newId, now, owner })
  const inbox = processOf('this')
  const eventLog = createEventLog({ database, audit, now })
  /** The keys of the hints of every call. */
  const asked: string[][] = []
  const suiteEvents: Parameters<ApplySuiteEvent>[0][] = []
  const site = {
    inbox,
    eventLog,
    processOf,
    connectionId,
    asked,
    suiteEvents,
    now,
    isKnown: true,
    answer: applied,
    answerAll: undefined as ((hints: readonly Hint[]) => HintOutcome[]) | undefined,
    answerSuite: (() => ({ kind: 'applied', corpId: 'ww1' })) as () => SuiteEventOutcome,

    moveBy(ms: number) {
      at += ms
    },

    keep: (change: ContactChange, digest?: string) => keep(connectionId, change, digest),

    keepSuite(change: SuiteChange) {
      return keepEvent(connectionId, { kind: 'suite', suiteId: 'dk1', happenedAt: at, ...change })
    },

    /** Works off whatever is due, to its end. */
    async settle() {
      await worker.look()
      await worker.settled()
    },

    all: () => allOf(connectionId),

    states: async () => (await allOf(connectionId)).map(({ state, attempts }) => `${state} ${attempts}`),

    async event(object: string) {
      return (await allOf(connectionId)).find((event) => event.object === object)!
    },

    newest: async () => (await allOf(connectionId))[0]!,

    async another() {
      const id = newId('con')
      await addConnection(id)
      return {
        keep: (change: ContactChange) => keep(id, change),
        states: async () => (await allOf(id)).map(({ state, attempts }) => `${state} ${attempts}`),
      }
    },
  }
  const worker = createWorker({
    inbox,
    async applyHints(_connectionId, _corpId, hints) {
      asked.push(hints.map(({ key }) => key).toSorted())
      return site.answerAll?.(hints) ?? hints.map((hint) => site.answer(hint))
    },
    async applySuiteEvent(given) {
      suiteEvents.push(given)
      return site.answerSuite()
    },
    isKnownCompany: async () => site.isKnown,
    now,
    log,
    onEnded: () => {},
    restMs: () => 0,
  })
  return site

  async function addConnection(id: string): Promise<void> {
    await database.kysely
      .insertInto('connections')
      .values({
        id,
        organization_id: organizationId,
        identifier: id,
        kind,
        display_name: '企业微信',
        mobile: '{}',
        sign_in_enabled: 0,
        sign_in: '{}',
        sync_enabled: 0,
        sync: '{}',
        managed_by_environment: 0,
        created_at: 0,
        updated_at: 0,
      })
      .execute()
  }

  function keep(id: string, change: ContactChange, digest?: string) {
    return keepEvent(id, { kind: 'contact', corpId: 'ww1', suiteId: undefined, happenedAt: at, ...change }, digest)
  }

  function keepEvent(id: string, event: CallbackEvent, digest = `digest${++deliveries}`) {
    return inbox.keep({ connectionId: id, organizationId, channel: 'contacts' }, readArrival(event, connection, true), {
      digest,
      sentAt: at,
    })
  }

  async function allOf(id: string) {
    const filter = { organizationId, connectionId: id, state: null, type: null, from: null, to: null, q: null }
    return (await eventLog.list(filter, { limit: 500, cursor: null })).items
  }
}
