/** Companies that authorise, change, reset and cancel: asked of an emulated provider, on both databases. */
import assert from 'node:assert/strict'
import { onEachDatabase } from '../../../test-support/databases.ts'
import { createSuiteWorld, type SuiteWorld } from '../../../test-support/suite-world.ts'
import { SYSTEM } from '../../audit/audit.ts'
import type { Database, Transaction } from '../../database/database.ts'
import { createUsers } from '../../directory/users.ts'
import { createSessions } from '../../sessions/sessions.ts'
import { createAuthorisations } from './authorisations.ts'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

onEachDatabase(({ test }) => {
  test('a company that authorises is there with its app, seats and end, and its code is sealed', async (database) => {
    await using world = await createSuiteWorld(database)
    const expiresAtMs = Math.floor(Date.now() / 1000) * 1000 + 30 * DAY

    const agreed = await world.authorize(world.companies[0], { seats: 200, expiresAtMs })

    const { items, total } = await list(world)
    assert.equal(total, 1)
    const [corp] = items
    assert.deepEqual(
      { ...corp, authorizedAt: 0 },
      {
        connectionId: world.connection.id,
        corpId: agreed.openCorpId,
        name: agreed.name,
        state: 'authorized',
        agentId: agreed.agentId,
        authorizedAt: 0,
        cancelledAt: null,
        seats: 200,
        expiresAt: expiresAtMs,
        linkedUsers: 0,
      },
    )
    const stored = JSON.stringify(await database.kysely.selectFrom('corps').selectAll().execute())
    assert.ok(!stored.includes(agreed.permanentCode) && !stored.includes(agreed.authCode))
    assert.deepEqual(await actions(database), ['connection.create', 'corp.authorize'])
  })

  test('each company has a door, a credential and an address book of its own', async (database) => {
    await using world = await createSuiteWorld(database)
    const { connection, connections, wecom, organizationId } = world
    const [one, other] = [await world.authorize(world.companies[0]), await world.authorize(world.companies[1])]

    const doors = await connections.doorsOf(organizationId)

    const byName = [one, other].toSorted((a, b) => (a.name < b.name ? -1 : 1))
    const named = doors.map(({ corp }) => corp?.corpId).toSorted()
    assert.deepEqual(named, byName.map(({ openCorpId }) => openCorpId).toSorted())
    assert.deepEqual(
      (await connections.openForSignIn(organizationId)).map(({ id }) => id),
      [connection.id],
    )
    const found = await connections.forSignIn('partners', one.openCorpId)
    assert.deepEqual(found?.corp, { corpId: one.openCorpId, agentId: one.agentId, name: one.name })
    assert.equal(found.openSecret()?.reveal(), one.permanentCode)
    const beside = await connections.forSignIn('partners', other.openCorpId)
    assert.notEqual(beside?.credential, found.credential)
    assert.equal((await connections.forSignIn('partners', 'ww-nobody'))?.corp, null)
    assert.equal((await connections.forSignIn('partners'))?.corp, null)
    for (const { openCorpId, agentId } of [one, other]) {
      const access = await wecom.forDirectory(connection.id, openCorpId, () => {})
      assert.equal(access.agentId, agentId)
      assert.ok((await access.principal.departments.list()).departments.length > 0)
    }
    await assert.rejects(
      wecom.forDirectory(connection.id, 'ww-nobody', () => {}),
      {
        code: 'connections/corp-not-authorized',
      },
    )
  })

  test('the same event once more finds what it did, and a code that is spent fails for good', async (database) => {
    await using world = await createSuiteWorld(database)
    const { authCode, openCorpId, permanentCode } = await world.authorize(world.companies[0])

    const again = await world.handOver({ type: 'create_auth', authCode, state: undefined })
    const spent = await world.handOver({ type: 'create_auth', authCode: `${authCode}x`, state: undefined })

    assert.deepEqual(again, { kind: 'applied', corpId: openCorpId })
    assert.equal(spent.kind === 'failed' && spent.isFinal && spent.problem.code, 'suites/code-spent')
    assert.equal(await codeOf(world, openCorpId), permanentCode)
  })

  test('an authorisation waits for the first ticket, and is given up when its code is too old', async (database) => {
    await using world = await createSuiteWorld(database, { hasTicket: false })
    const { authCode } = world.control.authorize({
      suiteId: world.suite.suiteId,
      corpId: world.companies[0],
      from: 'wecom',
    })
    const event = { type: 'create_auth', authCode, state: undefined } as const

    const early = await world.handOver(event)
    await assert.rejects(world.handOver(event, { happenedAt: world.now() - 11 * MINUTE }), { code: 'suites/no-ticket' })
    await world.sendTicket()
    const ready = await world.handOver(event)

    assert.equal(early.kind, 'later')
    assert.equal(ready.kind, 'applied')
  })

  test('a ticket counts for half an hour, and one that was overtaken does not replace a newer one', async (database) => {
    await using world = await createSuiteWorld(database, { hasTicket: false })
    const { id } = world.connection
    const save = (ticket: string, sentAt: number) =>
      database.inTransaction((tx) => world.tickets.save(tx, id, { ticket, sentAt }))

    await save('second', 2_000)
    await save('first', 1_000)

    assert.equal(await world.tickets.current(id), 'second')
    assert.equal(await world.tickets.sentAt(id), 2_000)
    world.pass(31 * MINUTE)
    assert.equal(await world.tickets.current(id), undefined)
    await save('third', 3_000)
    assert.equal(await world.tickets.current(id), 'third')
    assert.ok(
      !JSON.stringify(await database.kysely.selectFrom('suite_tickets').selectAll().execute()).includes('third'),
    )
  })

  test('a company that cancels is refused at once, its people are signed out, and nobody else is', async (database) => {
    await using world = await createSuiteWorld(database)
    const { connection, connections, control, suite } = world
    const [one, other] = [await world.authorize(world.companies[0]), await world.authorize(world.companies[1])]
    const people = createPeople(database, world)
    const leaver = await people.signedIn('zhang', one.openCorpId)
    const older = await people.signedIn('li', one.openCorpId, { notesCorp: false })
    const stayer = await people.signedIn('wang', other.openCorpId)
    await connections.forSignIn('partners', one.openCorpId)

    control.cancelAuthorization({ suiteId: suite.suiteId, corpId: world.companies[0] })
    const outcome = await world.handOver({ type: 'cancel_auth', corpId: one.openCorpId, state: undefined })

    assert.deepEqual(outcome, { kind: 'applied', corpId: one.openCorpId })
    assert.deepEqual(await people.whoIsSignedIn([leaver, older, stayer]), [stayer])
    const corp = await world.corps.find(connection.id, one.openCorpId)
    assert.equal(corp?.state, 'cancelled')
    assert.ok(corp.cancelledAt !== null)
    assert.equal(await codeOf(world, one.openCorpId), undefined)
    assert.equal((await connections.forSignIn('partners', one.openCorpId))?.corp, null)
    await database.inTransaction(async (tx) => {
      assert.equal((await connections.share(tx, connection.id, one.openCorpId)).corp, null)
      assert.equal((await connections.share(tx, connection.id, other.openCorpId)).corp?.corpId, other.openCorpId)
    })
    assert.equal(await codeOf(world, other.openCorpId), other.permanentCode)
    const { count } = await database.kysely
      .selectFrom('links')
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow()
    assert.equal(count, 3)
    assert.deepEqual(await world.handOver({ type: 'cancel_auth', corpId: one.openCorpId, state: undefined }), {
      kind: 'applied',
      corpId: one.openCorpId,
    })
    assert.equal((await actions(database)).filter((action) => action === 'corp.cancel').length, 1)
  })

  test('nobody slips in while their company cancels', async (database) => {
    await using world = await createSuiteWorld(database)
    const { connection, connections, control, suite } = world
    const { openCorpId } = await world.authorize(world.companies[0])
    const people = createPeople(database, world)
    const linked = await people.link('zhang', openCorpId)
    control.cancelAuthorization({ suiteId: suite.suiteId, corpId: world.companies[0] })
    let cancelling: Promise<unknown> | undefined

    const cookie = await database.inTransaction(async (tx) => {
      const { corp } = await connections.share(tx, connection.id, openCorpId)
      assert.equal(corp?.corpId, openCorpId)
      cancelling = world.handOver({ type: 'cancel_auth', corpId: openCorpId, state: undefined })
      return people.beginSession(tx, linked, openCorpId)
    })
    await cancelling

    assert.deepEqual(await people.whoIsSignedIn([cookie]), [])
    assert.equal((await world.corps.find(connection.id, openCorpId))?.state, 'cancelled')
  })

  test('what a company authorised while the suite became another one is not taken for an authorisation of that', async (database) => {
    await using world = await createSuiteWorld(database)
    const { connection, connections, control, wecom, vault, audit, now } = world
    const authorisations = createAuthorisations({
      database,
      vault,
      audit,
      now,
      wecom: {
        async suiteOf(...given: Parameters<typeof wecom.suiteOf>) {
          const suite = await wecom.suiteOf(...given)
          return {
            ...suite,
            async permanentCode(...asked: Parameters<typeof suite.permanentCode>) {
              const given = await suite.permanentCode(...asked)
              await connections.update(SYSTEM, connection.id, { suiteId: 'dk-another', suiteSecret: 'another' })
              return given
            },
          }
        },
      },
    })
    const { authCode } = control.authorize({
      suiteId: world.suite.suiteId,
      corpId: world.companies[0],
      from: 'wecom',
    })

    const outcome = await authorisations.apply({
      connectionId: connection.id,
      event: {
        kind: 'suite',
        suiteId: world.suite.suiteId,
        type: 'create_auth',
        authCode,
        state: undefined,
        happenedAt: now(),
      },
      attempt: 1,
      signal: AbortSignal.timeout(10_000),
    })

    assert.equal(outcome.kind === 'failed' && outcome.isFinal && outcome.problem.code, 'suites/code-spent')
    assert.equal((await list(world)).total, 0)
  })

  test('CB-19: what was said of the suite that was set before is not done to the one that is set now', async (database) => {
    await using world = await createSuiteWorld(database)
    const { openCorpId } = await world.authorize(world.companies[0])
    world.pass(1_000)

    const outcome = await world.authorisations.apply({
      connectionId: world.connection.id,
      event: {
        kind: 'suite',
        suiteId: 'dk-before',
        type: 'cancel_auth',
        corpId: openCorpId,
        state: undefined,
        happenedAt: world.now(),
      },
      attempt: 1,
      signal: AbortSignal.timeout(10_000),
    })

    assert.deepEqual(outcome, { kind: 'ignored', note: 'outdated' })
    assert.equal((await world.corps.find(world.connection.id, openCorpId))?.state, 'authorized')
  })

  test('a code that was copied to another company in the database opens nothing', async (database) => {
    await using world = await createSuiteWorld(database)
    const [one, other] = [await world.authorize(world.companies[0]), await world.authorize(world.companies[1])]
    const { permanent_code_sealed } = await database.kysely
      .selectFrom('corps')
      .select('permanent_code_sealed')
      .where('corp_id', '=', one.openCorpId)
      .executeTakeFirstOrThrow()
    await database.kysely
      .updateTable('corps')
      .set({ permanent_code_sealed })
      .where('corp_id', '=', other.openCorpId)
      .execute()

    await assert.rejects(codeOf(world, other.openCorpId), { code: 'vault/tampered' })
    assert.equal(await codeOf(world, one.openCorpId), one.permanentCode)
  })

  test('a company that authorises again comes back with its links, and an old cancellation does not touch it', async (database) => {
    await using world = await createSuiteWorld(database)
    const { control, suite, companies } = world
    const before = await world.authorize(companies[0])
    const cancelledAt = world.now()
    control.cancelAuthorization({ suiteId: suite.suiteId, corpId: companies[0] })
    const cancelled = { type: 'cancel_auth', corpId: before.openCorpId, state: undefined } as const
    await world.handOver(cancelled)
    await createPeople(database, world).link('zhang', before.openCorpId)
    world.pass(MINUTE)

    const after = await world.authorize(companies[0])
    const first = await world.handOver(cancelled, { happenedAt: cancelledAt })
    world.pass(MINUTE)
    const second = await world.handOver(cancelled, { happenedAt: cancelledAt, attempt: 2 })

    assert.equal(after.openCorpId, before.openCorpId)
    assert.notEqual(after.permanentCode, before.permanentCode)
    assert.equal(first.kind, 'ignored')
    assert.deepEqual(second, { kind: 'ignored', note: 'outdated' })
    const { items } = await list(world)
    assert.deepEqual(
      items.map(({ state, linkedUsers }) => ({ state, linkedUsers })),
      [{ state: 'authorized', linkedUsers: 1 }],
    )
  })

  test('a cancellation of the same second is looked at twice before it is believed to be an old one', async (database) => {
    await using world = await createSuiteWorld(database)
    const happenedAt = world.now()
    const { openCorpId } = await world.authorize(world.companies[0])
    const cancelled = { type: 'cancel_auth', corpId: openCorpId, state: undefined } as const

    const first = await world.handOver(cancelled, { happenedAt })
    world.control.cancelAuthorization({ suiteId: world.suite.suiteId, corpId: world.companies[0] })
    const second = await world.handOver(cancelled, { happenedAt, attempt: 2 })

    assert.equal(first.kind, 'later')
    assert.equal(second.kind, 'applied')
    assert.equal((await world.corps.find(world.connection.id, openCorpId))?.state, 'cancelled')
  })

  test('a cancellation that is newer than the authorisation counts although WeCom cannot be asked', async (database) => {
    await using world = await createSuiteWorld(database)
    const { openCorpId } = await world.authorize(world.companies[0])
    world.control.addFault({ endpoint: '*', effect: { kind: 'reset' } })
    world.pass(1_000)

    const outcome = await world.handOver({ type: 'cancel_auth', corpId: openCorpId, state: undefined })

    assert.equal(outcome.kind, 'applied')
    assert.equal((await world.corps.find(world.connection.id, openCorpId))?.state, 'cancelled')
  })

  test('an authorisation that is heard of after its cancellation leaves nobody behind', async (database) => {
    await using world = await createSuiteWorld(database)
    const { control, suite, companies } = world
    const { authCode, openCorpId } = control.authorize({ suiteId: suite.suiteId, corpId: companies[0], from: 'wecom' })
    control.cancelAuthorization({ suiteId: suite.suiteId, corpId: companies[0] })

    const cancelled = await world.handOver({ type: 'cancel_auth', corpId: openCorpId, state: undefined })
    const authorised = await world.handOver({ type: 'create_auth', authCode, state: undefined })

    assert.deepEqual(cancelled, { kind: 'ignored', note: 'corp-unknown' })
    assert.deepEqual(authorised, { kind: 'ignored', note: 'outdated' })
    assert.equal((await list(world)).total, 0)
  })

  test('what is said of companies that nobody here knows is ignored', async (database) => {
    await using world = await createSuiteWorld(database)

    for (const type of ['change_auth', 'cancel_auth'] as const) {
      const outcome = await world.handOver({ type, corpId: 'wpk-of-somebody-else', state: undefined })
      assert.deepEqual(outcome, { kind: 'ignored', note: 'corp-unknown' })
    }
    assert.equal((await list(world)).total, 0)
  })

  test('a change is read again, and one that says that all is withdrawn ends it', async (database) => {
    await using world = await createSuiteWorld(database)
    const { control, suite, companies } = world
    const agreed = await world.authorize(companies[0], { seats: 10, expiresAtMs: 1_900_000_000_000 })
    const changed = { type: 'change_auth', corpId: agreed.openCorpId, state: undefined } as const

    control.changeAuthorization({ suiteId: suite.suiteId, corpId: companies[0], seats: 50 })
    assert.equal((await world.handOver(changed)).kind, 'applied')
    assert.equal((await world.corps.find(world.connection.id, agreed.openCorpId))?.seats, 50)
    control.cancelAuthorization({ suiteId: suite.suiteId, corpId: companies[0] })
    assert.equal((await world.handOver(changed)).kind, 'applied')

    assert.equal((await world.corps.find(world.connection.id, agreed.openCorpId))?.state, 'cancelled')
    const recorded = await actions(database)
    assert.deepEqual(recorded.slice(-2), ['corp.change', 'corp.cancel'])
  })

  test('after a reset the new code counts, the old one is gone, and who is signed in stays', async (database) => {
    await using world = await createSuiteWorld(database)
    const { control, suite, companies, connection, connections, wecom } = world
    const agreed = await world.authorize(companies[0])
    const before = await world.corps.find(connection.id, agreed.openCorpId)
    const credential = (await connections.forSignIn('partners', agreed.openCorpId))?.credential
    const people = createPeople(database, world)
    const stayer = await people.signedIn('zhang', agreed.openCorpId)
    const { authCode } = control.resetPermanentCode({ suiteId: suite.suiteId, corpId: companies[0] })
    const stale = await wecom.forDirectory(connection.id, agreed.openCorpId, () => {})
    await assert.rejects(stale.principal.departments.list())

    const outcome = await world.handOver({ type: 'reset_permanent_code', authCode })

    assert.deepEqual(outcome, { kind: 'applied', corpId: agreed.openCorpId })
    const code = await codeOf(world, agreed.openCorpId)
    assert.ok(code !== undefined && code !== agreed.permanentCode)
    const access = await wecom.forDirectory(connection.id, agreed.openCorpId, () => {})
    assert.ok((await access.principal.departments.list()).departments.length > 0)
    const after = await world.corps.find(connection.id, agreed.openCorpId)
    assert.deepEqual(after, before)
    assert.notEqual((await connections.forSignIn('partners', agreed.openCorpId))?.credential, credential)
    assert.deepEqual(await people.whoIsSignedIn([stayer]), [stayer])
    assert.equal((await actions(database)).at(-1), 'corp.renew-code')
  })

  test('what could not be read when a company authorised is read later, and until then is no door', async (database) => {
    await using world = await createSuiteWorld(database)
    const { control, connections, organizationId, authorisations, connection } = world
    control.addFault({ endpoint: 'service/v2/get_auth_info', effect: { kind: 'errcode', errcode: 40058 } })
    const signal = AbortSignal.timeout(30_000)

    const agreed = await world.authorize(world.companies[0])
    const find = () => world.corps.find(connection.id, agreed.openCorpId)

    assert.equal((await find())?.agentId, null)
    assert.equal((await find())?.name, agreed.name)
    assert.deepEqual(await connections.doorsOf(organizationId), [])
    await authorisations.readDue(signal)
    control.clearFaults()
    await authorisations.readDue(signal)
    assert.equal((await find())?.agentId, null, 'not asked again at once')
    world.pass(2 * MINUTE)
    await authorisations.readDue(signal)
    assert.equal((await find())?.agentId, agreed.agentId)
    assert.equal((await connections.doorsOf(organizationId)).length, 1)
  })

  test('a cancellation that nobody told is found within a day', async (database) => {
    await using world = await createSuiteWorld(database)
    const agreed = await world.authorize(world.companies[0])
    const beside = await world.authorize(world.companies[1])
    const stateOf = async (corpId: string) => (await world.corps.find(world.connection.id, corpId))?.state
    world.control.cancelAuthorization({ suiteId: world.suite.suiteId, corpId: world.companies[0] })
    const signal = AbortSignal.timeout(30_000)

    await world.authorisations.readDue(signal)
    assert.equal(await stateOf(agreed.openCorpId), 'authorized')
    world.pass(DAY)
    await world.sendTicket()
    await world.authorisations.readDue(signal)

    assert.equal(await stateOf(agreed.openCorpId), 'cancelled')
    assert.equal(await stateOf(beside.openCorpId), 'authorized')
  })

  test('a cancellation that nobody told is noticed with the first call that is refused for it', async (database) => {
    await using world = await createSuiteWorld(database)
    const agreed = await world.authorize(world.companies[0])
    const beside = await world.authorize(world.companies[1])
    const { connection, wecom, connections, authorisations } = world
    const people = createPeople(database, world)
    const leaver = await people.signedIn('zhang', agreed.openCorpId)
    const stayer = await people.signedIn('li', beside.openCorpId)
    const found = (await connections.forSignIn('partners', agreed.openCorpId))!
    const signal = AbortSignal.timeout(30_000)
    let wakes = 0
    authorisations.wokenBy(() => wakes++)
    world.control.cancelAuthorization({ suiteId: world.suite.suiteId, corpId: world.companies[0] })

    await assert.rejects(wecom.forSignIn(found).members.get('zhang'))
    assert.equal(wakes, 1)
    await authorisations.readDue(signal)

    const states = (await list(world)).items.map(({ corpId, state }) => [corpId, state])
    assert.deepEqual(Object.fromEntries(states), {
      [agreed.openCorpId]: 'cancelled',
      [beside.openCorpId]: 'authorized',
    })
    assert.deepEqual(await people.whoIsSignedIn([leaver, stayer]), [stayer])
    assert.equal((await actions(database)).at(-1), 'corp.cancel')
    await assert.rejects(
      wecom.forDirectory(connection.id, agreed.openCorpId, () => {}),
      {
        code: 'connections/corp-not-authorized',
      },
    )
  })

  test('what only sounds like a cancellation ends nothing, and is not asked about with every refusal', async (database) => {
    await using world = await createSuiteWorld(database)
    const agreed = await world.authorize(world.companies[0])
    const signal = AbortSignal.timeout(30_000)
    let wakes = 0
    world.authorisations.wokenBy(() => wakes++)
    const access = await world.wecom.forDirectory(world.connection.id, agreed.openCorpId, () => {})
    const refusal = async (errcode: number) => {
      world.control.addFault({ endpoint: 'department/list', effect: { kind: 'errcode', errcode } })
      await assert.rejects(access.principal.departments.list())
      world.control.clearFaults()
      await world.authorisations.readDue(signal)
      return (await world.corps.find(world.connection.id, agreed.openCorpId))?.state
    }

    assert.deepEqual([await refusal(48_004), await refusal(84_005), wakes], ['authorized', 'authorized', 1])
    world.pass(2 * MINUTE)
    assert.deepEqual([await refusal(84_005), wakes], ['authorized', 2])
    world.pass(2 * MINUTE)
    assert.deepEqual([await refusal(60_011), wakes], ['authorized', 2], 'that says nothing of the kind')
  })

  test('another suite ends what was authorised to the one before, and wants its own secret', async (database) => {
    await using world = await createSuiteWorld(database)
    const { connections, connection } = world
    const agreed = await world.authorize(world.companies[0])
    const people = createPeople(database, world)
    const leaver = await people.signedIn('zhang', agreed.openCorpId)

    await assert.rejects(connections.update(SYSTEM, 'partners', { suiteId: 'dk-another' }), {
      code: 'connections/secret-required',
    })
    await connections.update(SYSTEM, 'partners', { suiteId: 'dk-another', suiteSecret: 'its-secret' })

    assert.equal((await world.corps.find(connection.id, agreed.openCorpId))?.state, 'cancelled')
    assert.equal(await codeOf(world, agreed.openCorpId), undefined)
    assert.equal(await world.tickets.current(connection.id), undefined)
    assert.deepEqual(await people.whoIsSignedIn([leaver]), [])
  })

  test('a connection that is removed takes its companies, codes, ticket and invitations with it', async (database) => {
    await using world = await createSuiteWorld(database)
    await world.authorize(world.companies[0])
    await world.installations.start(SYSTEM, 'partners')

    await world.connections.remove(SYSTEM, 'partners', 'partners')

    for (const table of ['corps', 'suite_tickets', 'installations'] as const) {
      assert.deepEqual(await database.kysely.selectFrom(table).selectAll().execute(), [], table)
    }
  })

  test('the companies are listed by name, page by page, and found by name and id', async (database) => {
    await using world = await createSuiteWorld(database)
    const [one, other] = [await world.authorize(world.companies[0]), await world.authorize(world.companies[1])]
    const all = (await list(world)).items

    const first = await list(world, { limit: 1 })
    const second = await list(world, { limit: 1, cursor: first.items[0]!.corpId })

    assert.equal(all.length, 2)
    assert.deepEqual([...first.items, ...second.items], all)
    assert.deepEqual([first.hasMore, second.hasMore, first.total], [true, false, 2])
    assert.deepEqual(
      (await list(world, { q: one.openCorpId })).items.map(({ corpId }) => corpId),
      [one.openCorpId],
    )
    assert.deepEqual(
      (await list(world, { q: other.name })).items.map(({ corpId }) => corpId),
      [other.openCorpId],
    )
    assert.equal((await list(world, { state: 'cancelled' })).total, 0)
  })
})

function list(world: SuiteWorld, filter: { limit?: number; cursor?: string; q?: string; state?: 'cancelled' } = {}) {
  const { limit = 50, cursor = null, q = null, state = null } = filter
  return world.corps.list({ connection: 'partners', state, q, limit, cursor })
}

async function codeOf({ connections, connection }: SuiteWorld, corpId: string): Promise<string | undefined> {
  return (await connections.revealPermanentCode(connection.id, corpId))?.reveal()
}

async function actions(database: Database): Promise<string[]> {
  const rows = await database.kysely.selectFrom('audit').select('action').orderBy('id').execute()
  return rows.map(({ action }) => action).filter((action) => /^(?:corp|connection)\./.test(action))
}

/** People of companies, with links as sync leaves them and sessions as signing in does. */
function createPeople(database: Database, { organizationId, connection, audit, newId, now }: SuiteWorld) {
  const users = createUsers({ database, audit, newId, now })
  const sessions = createSessions({ database, newId, now, publicUrl: 'https://muster.corp.example' })

  async function link(userid: string, corpId: string): Promise<{ userId: string; linkId: string }> {
    const owner = { actor: SYSTEM, role: 'owner' } as const
    const { user } = await users.create(owner, organizationId, { username: userid, displayName: userid })
    const linkId = newId('lnk')
    await database.kysely
      .insertInto('links')
      .values({
        id: linkId,
        connection_id: connection.id,
        corp_id: corpId,
        userid,
        userid_key: userid,
        user_id: user.id,
        created_by: 'signin',
        leader_keys: '[]',
        created_at: now(),
      })
      .execute()
    return { userId: user.id, linkId }
  }

  /** @returns the cookie */
  async function beginSession(
    tx: Transaction,
    linked: { userId: string; linkId: string },
    corpId: string | null,
  ): Promise<string> {
    const given = { ...linked, door: 'qr', connectionId: connection.id, corpId, applicationId: null } as const
    return (await sessions.begin(tx, { ...given, address: null, userAgent: null })).cookie
  }

  return {
    link,

    beginSession,

    /** @returns the cookie */
    async signedIn(userid: string, corpId: string, { notesCorp = true } = {}): Promise<string> {
      const linked = await link(userid, corpId)
      return database.inTransaction((tx) => beginSession(tx, linked, notesCorp ? corpId : null))
    },

    async whoIsSignedIn(cookies: readonly string[]): Promise<string[]> {
      const found = await Promise.all(cookies.map((cookie) => sessions.find(cookie)))
      return cookies.filter((_, place) => found[place] !== undefined)
    },
  }
}
