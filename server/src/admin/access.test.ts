import assert from 'node:assert/strict'
import { onEachDatabase } from '../../test-support/databases.ts'
import { ACTOR, OWNER, BOOTSTRAP_TOKEN, createDirectory, outcomes, requester } from '../../test-support/directory.ts'

const owner = requester('owner')
const all = { limit: 50, cursor: null, q: null }

onEachDatabase(({ test }) => {
  test('a token is shown once, stored as a digest, and lets its bearer in', async (database) => {
    const { access } = await createDirectory(database)

    const { token, ...made } = await access.createToken(ACTOR, { name: 'backup', role: 'auditor' })

    assert.match(token, /^mt_[A-Za-z0-9_-]{43}$/)
    assert.deepEqual((await access.listTokens(all)).items, [made])
    assert.equal(made.createdBy, 'test')
    const everything = JSON.stringify([
      await database.kysely.selectFrom('api_tokens').selectAll().execute(),
      await database.kysely.selectFrom('audit').selectAll().execute(),
    ])
    assert.ok(!everything.includes(token.slice(3)))
    assert.deepEqual(await access.authenticate(token), {
      actor: { kind: 'token', id: made.id, name: 'backup', address: null, requestId: null },
      role: 'auditor',
      session: null,
    })
  })

  test('anything else lets nobody in', async (database) => {
    const { access } = await createDirectory(database)
    const { token, id } = await access.createToken(ACTOR, { name: 'backup', role: 'owner' })
    const [{ token_hash: digest } = { token_hash: '' }] = await database.kysely
      .selectFrom('api_tokens')
      .select('token_hash')
      .execute()

    const wrong = ['', 'mt_', token.slice(0, -1), `${token}x`, token.toUpperCase(), digest, '\0', "' or 1=1 --"]
    for (const text of wrong) assert.equal(await access.authenticate(text), undefined, text)
    await access.removeToken(ACTOR, id)

    assert.equal(await access.authenticate(token), undefined)
    await assert.rejects(access.removeToken(ACTOR, id), { code: 'api-tokens/not-found' })
  })

  test('the token of the environment is an owner', async (database) => {
    const { access } = await createDirectory(database)

    const caller = await access.authenticate(BOOTSTRAP_TOKEN)

    assert.deepEqual([caller?.actor.kind, caller?.role], ['bootstrap', 'owner'])
  })

  test('the last use is noted once a minute', async (database) => {
    const { access, clock } = await createDirectory(database)
    const { token } = await access.createToken(ACTOR, { name: 'backup', role: 'auditor' })
    const lastUse = async () => (await access.listTokens(all)).items[0]!.lastUsedAt

    assert.equal(await lastUse(), null)
    const first = clock.at
    await access.authenticate(token)
    clock.at = first + 59_999
    await access.authenticate(token)
    assert.equal(await lastUse(), first)
    clock.at = first + 60_000
    await access.authenticate(token)
    assert.equal(await lastUse(), first + 60_000)
  })

  test('a user is given a role, another one, and none', async (database) => {
    const { access, users, organization, actions } = await createDirectory(database)
    const { user } = await users.create(OWNER, organization.id, { username: 'li', displayName: '李' })

    const made = await access.addAdministrator(owner, { userId: user.id, role: 'auditor' })
    await assert.rejects(access.addAdministrator(owner, { userId: user.id, role: 'owner' }), {
      code: 'administrators/exists',
    })
    const changed = await access.changeAdministrator(owner, user.id, { role: 'operator' })
    const listed = await access.listAdministrators({ ...all, q: 'LI' })
    await access.removeAdministrator(owner, user.id)

    assert.deepEqual(changed, { ...made, role: 'operator' })
    assert.deepEqual([listed.items, listed.total], [[changed], 1])
    await assert.rejects(access.removeAdministrator(owner, user.id), { code: 'administrators/not-found' })
    await assert.rejects(access.changeAdministrator(owner, 'usr_nobody', {}), { code: 'administrators/not-found' })
    assert.deepEqual((await actions()).slice(-3), [
      'administrator.create',
      'administrator.update',
      'administrator.delete',
    ])
  })

  test('a deleted user is no administrator and becomes none', async (database) => {
    const { access, users, organization } = await createDirectory(database)
    const { user } = await users.create(OWNER, organization.id, { username: 'li', displayName: '李' })
    await access.addAdministrator(owner, { userId: user.id, role: 'operator' })
    await users.remove(owner, user.id)

    assert.equal((await access.listAdministrators(all)).total, 0)
    await assert.rejects(access.addAdministrator(owner, { userId: user.id, role: 'owner' }), { code: 'users/deleted' })
  })

  test('two owners who demote each other at once leave one', async (database) => {
    const { access, users, organization } = await createDirectory(database)
    const ids: string[] = []
    for (const name of ['a', 'b']) {
      const { user } = await users.create(OWNER, organization.id, { username: name, displayName: name })
      await access.addAdministrator(owner, { userId: user.id, role: 'owner' })
      ids.push(user.id)
    }

    for (let round = 0; round < 5; round++) {
      const demoted = await outcomes(ids.map((id) => access.changeAdministrator(owner, id, { role: 'auditor' })))
      assert.deepEqual(demoted, { done: 1, codes: ['users/last-owner'] })
      for (const id of ids) await access.changeAdministrator(owner, id, { role: 'owner' })
    }
    const removed = await outcomes(ids.map((id) => access.removeAdministrator(owner, id)))

    assert.deepEqual(removed, { done: 1, codes: ['users/last-owner'] })
  })
})
