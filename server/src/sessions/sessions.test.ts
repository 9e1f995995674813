/** Sessions: what their cookie is worth, for how long, and everything that ends one (threats.md SI-08, C-21, L-23, I5). */
import assert from 'node:assert/strict'
import { onEachDatabase } from '../../test-support/databases.ts'
import { ACTOR, OWNER, createDirectory, outcomes, requester } from '../../test-support/directory.ts'
import { createConnections } from '../connections/connections.ts'
import type { Database } from '../database/database.ts'
import { createIds } from '../ids.ts'
import { Secret } from '../secret.ts'
import { createVault } from '../vault.ts'
import { createSessions, type NewSession } from './sessions.ts'

const owner = requester('owner')
const HOUR = 3_600_000

onEachDatabase(({ dialect, test }) => {
  test('a session is found by its cookie, of which only a digest is stored', async (database) => {
    const { sessions, begin, user } = await createScene(database)

    const { session, cookie } = await begin({ address: '192.0.2.1', userAgent: 'Mozilla/5.0\n' })

    assert.match(cookie, /^[\w-]{43}$/)
    assert.deepEqual(await sessions.find(cookie), { ...session, userId: user.id, userAgent: 'Mozilla/5.0' })
    const [row] = await database.kysely.selectFrom('sessions').selectAll().execute()
    assert.ok(!JSON.stringify(row).includes(cookie))
    const wrong = [
      undefined,
      '',
      'x',
      cookie.slice(1),
      `${cookie}x`,
      cookie.toLowerCase(),
      row!.token_hash,
      '\0'.repeat(43),
    ]
    for (const other of wrong) assert.equal(await sessions.find(other), undefined, other)
  })

  test('signing in again makes a new secret; the browser that planted one has nothing', async (database) => {
    const { sessions, begin } = await createScene(database)
    const planted = await begin()

    const own = await begin()

    assert.notEqual(own.cookie, planted.cookie)
    assert.notEqual(own.session.id, planted.session.id)
    assert.equal((await sessions.find(own.cookie))?.id, own.session.id)
  })

  test('a session is over twelve hours after it began, or after eight without use', async (database) => {
    const { sessions, begin, clock, user } = await createScene(database)
    const used = await begin()
    const idle = await begin()
    const [usedFrom, idleFrom] = [used.session.createdAt, idle.session.createdAt]

    for (let hour = 1; hour < 12; hour++) {
      clock.at = usedFrom + hour * HOUR
      assert.ok(await sessions.find(used.cookie), `after ${hour} hours`)
    }
    clock.at = usedFrom + 12 * HOUR - 1
    assert.ok(await sessions.find(used.cookie))
    clock.at++
    assert.equal(await sessions.find(used.cookie), undefined)
    clock.at = idleFrom + 8 * HOUR - 1
    assert.ok(await sessions.find(idle.cookie))
    clock.at = idleFrom + 12 * HOUR
    assert.equal(await sessions.find(idle.cookie), undefined)

    assert.deepEqual(await sessions.listOf(user.id), [])
    assert.equal(await sessions.removeExpired(new AbortController().signal), 2)
    assert.deepEqual(await database.kysely.selectFrom('sessions').select('id').execute(), [])
  })

  test('a session that nobody used for eight hours is over', async (database) => {
    const { sessions, begin, clock } = await createScene(database)
    const { cookie, session } = await begin()

    clock.at = session.createdAt + 8 * HOUR

    assert.equal(await sessions.find(cookie), undefined)
    assert.equal(await sessions.removeExpired(new AbortController().signal), 1)
  })

  test('use keeps a session from being idle', async (database) => {
    const { sessions, begin, clock } = await createScene(database)
    const { cookie, session } = await begin()

    clock.at = session.createdAt + 7 * HOUR
    await sessions.find(cookie)
    clock.at = session.createdAt + 11 * HOUR

    assert.equal((await sessions.find(cookie))?.lastSeenAt, session.createdAt + 7 * HOUR)
  })

  test('whoever loses access has no session left, in the row as in the answer', async (database) => {
    const scene = await createScene(database)
    const { users, links, connections, user, connectionId } = scene
    let { link } = scene
    const ways: Record<string, () => Promise<unknown>> = {
      'disabled by an administrator': () => users.update(owner, user.id, { status: 'disabled' }),
      'deleted by an administrator': () => users.remove(owner, user.id),
      'signed out by an administrator': () => users.signOut(owner, user.id),
      'given a new password': () => users.update(owner, user.id, { password: 'another long password' }),
      'single sign-on disabled': () => connections.update(ACTOR, 'hq', { signIn: { enabled: false } }),
      'its link removed': () => links.remove(owner, link.id),
      'connection removed': () => connections.remove(ACTOR, connectionId, 'hq'),
    }
    for (const [way, take] of Object.entries(ways)) {
      const { cookie } = await scene.begin({ door: 'qr', connectionId, linkId: link.id })
      assert.ok(await scene.sessions.find(cookie), way)
      await take()

      assert.equal(await scene.sessions.find(cookie), undefined, way)
      assert.deepEqual(await database.kysely.selectFrom('sessions').select('id').execute(), [], way)
      await database.kysely.updateTable('users').set({ status: 'active', disabled_by: null }).execute()
      await database.kysely.updateTable('connections').set({ sign_in_enabled: 1 }).execute()
      if (way === 'its link removed') link = await links.create(owner, user.id, { connectionId, userid: 'li' })
    }
  })

  test('what came through a link or a connection ends with it, and what came with a password stays', async (database) => {
    const { users, links, connections, sessions, begin, user, connectionId, link } = await createScene(database)
    await users.update(owner, user.id, { password: 'another long password' })
    const password = await begin()
    const wecom = await begin({ door: 'panel', connectionId, linkId: link.id })
    await links.remove(owner, link.id)
    assert.equal(await sessions.find(wecom.cookie), undefined)
    assert.ok(await sessions.find(password.cookie))

    const again = await links.create(owner, user.id, { connectionId, userid: 'li' })
    const second = await begin({ door: 'panel', connectionId, linkId: again.id })
    await connections.update(ACTOR, 'hq', { corpId: 'wwffffffffffffffff' })

    assert.equal(await sessions.find(second.cookie), undefined)
    assert.ok(await sessions.find(password.cookie))
  })

  test('a link that became somebody else’s carries no session of its former owner', async (database) => {
    const { users, sessions, organization, begin, connectionId, link } = await createScene(database)
    const { cookie } = await begin({ door: 'qr', connectionId, linkId: link.id })
    const other = await users.create(OWNER, organization.id, { username: 'wang', displayName: '王' })

    await database.kysely.updateTable('links').set({ user_id: other.user.id }).execute()

    assert.equal(await sessions.find(cookie), undefined)
  })

  test('nobody is signed in who may not be: disabled, deleted, unlinked, or through a closed connection', async (database) => {
    const { users, organization, begin, connectionId, link, user } = await createScene(database)
    const { user: other } = await users.create(OWNER, organization.id, { username: 'wang', displayName: '王' })
    const through = { door: 'qr', connectionId, linkId: link.id } as const

    await assert.rejects(begin({ ...through, userId: other.id }), { code: 'sessions/refused' })
    await assert.rejects(begin({ ...through, linkId: 'lnk_none' }), { code: 'sessions/refused' })
    await assert.rejects(begin({ userId: 'usr_none' }), { code: 'sessions/refused' })
    await database.kysely.updateTable('connections').set({ sign_in_enabled: 0 }).execute()
    await assert.rejects(begin(through), { code: 'sessions/refused' })
    await users.update(owner, user.id, { status: 'disabled' })
    await assert.rejects(begin(), { code: 'sessions/refused' })
    assert.deepEqual(await database.kysely.selectFrom('sessions').select('id').execute(), [])
  })

  test('signing in and losing access at the same moment leaves nobody in', async (database) => {
    const { users, sessions, begin, user } = await createScene(database)

    for (let round = 0; round < (dialect === 'postgres' ? 10 : 3); round++) {
      const beginning = Array.from({ length: 8 }, () => begin())
      const [begun] = await Promise.all([
        Promise.allSettled(beginning),
        users.update(owner, user.id, { status: 'disabled' }),
      ])
      await users.update(owner, user.id, { status: 'active' })

      for (const result of begun) {
        if (result.status === 'fulfilled') assert.equal(await sessions.find(result.value.cookie), undefined)
        else assert.equal((result.reason as { code: string }).code, 'sessions/refused')
      }
    }
  })

  test('somebody ends one session, or all others, and an administrator any', async (database) => {
    const { users, sessions, organization, begin, user, actions } = await createScene(database)
    const [first, second, third] = [await begin(), await begin(), await begin()]
    const { user: other } = await users.create(OWNER, organization.id, { username: 'wang', displayName: '王' })

    await database.inTransaction((tx) => sessions.end(tx, first.session.id))
    const ended = await database.inTransaction((tx) => sessions.endOthers(tx, user.id, third.session.id))
    const left = await sessions.listOf(user.id)
    const foreign = await outcomes([users.endSession(owner, other.id, third.session.id)])
    await users.endSession(owner, user.id, third.session.id)

    assert.equal(ended, 1)
    assert.equal(await sessions.find(second.cookie), undefined)
    assert.deepEqual(
      left.map(({ id }) => id),
      [third.session.id],
    )
    assert.deepEqual(foreign, { done: 0, codes: ['sessions/not-found'] })
    assert.equal(await sessions.find(third.cookie), undefined)
    assert.ok((await actions()).includes('session.end'))
  })

  test('the cookie is kept from scripts, other sites and plain connections', async (database) => {
    const cookieOn = (publicUrl: string) => {
      const sessions = createSessions({ database, newId: () => '', now: Date.now, publicUrl })
      const set: unknown[] = []
      const reply = {
        setCookie: (...args: unknown[]) => set.push(args),
        clearCookie: (...args: unknown[]) => set.push(args),
      }
      sessions.setCookie(reply, 'value')
      sessions.clearCookie(reply)
      return { set, read: (name: string) => sessions.cookieOf({ cookies: { [name]: 'value' } }) }
    }

    const secure = cookieOn('https://id.corp.example')
    const local = cookieOn('http://localhost:8080')

    const options = { path: '/', httpOnly: true, sameSite: 'lax' }
    assert.deepEqual(secure.set, [
      ['__Host-muster_session', 'value', { ...options, secure: true }],
      ['__Host-muster_session', { ...options, secure: true }],
    ])
    assert.deepEqual(local.set[0], ['muster_session', 'value', { ...options, secure: false }])
    // A cookie that a plain sibling site could have set is not taken for ours.
    assert.equal(secure.read('muster_session'), undefined)
    assert.equal(secure.read('__Host-muster_session'), 'value')
  })
})

async function createScene(database: Database) {
  const directory = await createDirectory(database)
  const { users, links, sessions, organization, clock, audit, addConnection } = directory
  const { user } = await users.create(OWNER, organization.id, {
    username: 'li',
    displayName: '李',
    password: 'correct horse battery',
  })
  const connectionId = await addConnection('hq')
  await database.kysely.updateTable('connections').set({ sign_in_enabled: 1 }).execute()
  const link = await links.create(owner, user.id, { connectionId, userid: 'li' })
  const now = () => clock.at
  const connections = createConnections({
    database,
    vault: createVault({ key: new Secret(Buffer.alloc(32, 7).toString('base64')) }),
    audit,
    newId: createIds({ now, random: (bytes) => crypto.getRandomValues(bytes) }),
    now,
  })
  return {
    ...directory,
    connections,
    connectionId,
    link,
    user,
    begin: (given: Partial<NewSession> = {}) =>
      database.inTransaction((tx) =>
        sessions.begin(tx, {
          userId: user.id,
          door: 'password',
          connectionId: null,
          corpId: null,
          linkId: null,
          applicationId: null,
          address: null,
          userAgent: null,
          ...given,
        }),
      ),
  }
}
