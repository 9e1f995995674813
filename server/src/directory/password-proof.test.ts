/** Proving an account by its password: exact limits, one answer for everybody, one form for every spelling (threats.md SI-23 to SI-28). */
import assert from 'node:assert/strict'
import { onEachDatabase } from '../../test-support/databases.ts'
import { OWNER, createDirectory, requester } from '../../test-support/directory.ts'
import type { Database, Transaction } from '../database/database.ts'
import type { PasswordClaim } from './password-proof.ts'

const owner = requester('owner')
const PASSWORD = 'correct horse battery'

onEachDatabase(({ test }) => {
  test('the right password proves the account, every other one is wrong', async (database) => {
    const { prove, user } = await createScene(database)

    assert.deepEqual(await prove(), { kind: 'proved', value: user.id })
    for (const password of ['', PASSWORD.slice(0, -1), `${PASSWORD} `, ` ${PASSWORD}`, PASSWORD.toUpperCase()]) {
      assert.deepEqual(await prove({ password }), { kind: 'wrong' }, password)
    }
  })

  test('of 1,000 guesses in fifty threads ten are looked at, and the right one is refused with the rest', async (database) => {
    const { prove, guessing, clock } = await createScene(database)
    const kinds: string[] = []
    const thread = async (which: number) => {
      for (let round = 0; round < 20; round++) {
        // The right one among those that come when all are used up.
        const password = round === 19 ? PASSWORD : `wrong ${which} ${round}`
        kinds.push((await prove({ password })).kind)
      }
    }

    await Promise.all(Array.from({ length: 50 }, (_, which) => thread(which)))

    assert.equal(kinds.filter((kind) => kind === 'wrong').length, 10)
    assert.equal(kinds.filter((kind) => kind === 'locked').length, 990)
    assert.deepEqual(await guessing(), [10, 10, 10])
    const locked = await prove()
    assert.equal(locked.kind, 'locked')
    clock.at += (locked as { retryAfterSeconds: number }).retryAfterSeconds * 1000
    assert.equal((await prove()).kind, 'proved')
  })

  test('right passwords are no guesses, however many', async (database) => {
    const { prove } = await createScene(database)

    const proofs = await Promise.all(Array.from({ length: 9 }, () => prove()))
    for (let more = 0; more < 3; more++) proofs.push(await prove())

    assert.ok(proofs.every(({ kind }) => kind === 'proved'))
  })

  test('an administrator who gives out a new password lifts the lock', async (database) => {
    const { prove, guesses, claim, users, user } = await createScene(database)
    for (let guess = 0; guess < 10; guess++) await guesses.reserve(claim)
    assert.equal((await prove()).kind, 'locked')

    await users.update(owner, user.id, { password: 'given out by hand' })

    assert.deepEqual(await prove({ password: 'given out by hand' }), { kind: 'must-change' })
  })

  test('unknown, disabled, deleted and password-less accounts answer as one with another password does', async (database) => {
    const { prove, guesses, claim, users, organization } = await createScene(database)
    const make = async (username: string, password?: string) =>
      (await users.create(OWNER, organization.id, { username, displayName: username, password })).user.id
    await users.update(owner, await make('disabled', PASSWORD), { status: 'disabled' })
    await users.remove(owner, await make('deleted', PASSWORD))
    await make('wecom-only')

    for (const username of ['li', 'unknown', 'disabled', 'deleted', 'wecom-only']) {
      const password = username === 'li' ? 'wrong' : PASSWORD
      const guess = { username, password, address: username }

      assert.deepEqual(await prove(guess), { kind: 'wrong' }, username)
      for (let more = 1; more < 10; more++) await guesses.reserve({ ...claim, ...guess })
      assert.deepEqual(await prove(guess), { kind: 'locked', retryAfterSeconds: 900 }, username)
    }
  })

  test('what people type for a name opens its account, what only looks like it opens none', async (database) => {
    const { prove, user } = await createScene(database, 'admin')

    for (const username of ['ADMIN', ' admin\n', '\uff21dmin']) {
      assert.deepEqual(await prove({ username }), { kind: 'proved', value: user.id }, JSON.stringify(username))
    }
    for (const username of ['adm\u0131n', 'admin\u200b', '\u0430dmin', 'admin\0', 'admin\ud800', 'x'.repeat(100_000)]) {
      assert.deepEqual(await prove({ username }), { kind: 'wrong' }, JSON.stringify(username.slice(0, 20)))
    }
  })

  test('an address is no name, also when a userid looks like one', async (database) => {
    const { prove, users, organization } = await createScene(database)
    const { user: boss } = await users.create(OWNER, organization.id, {
      username: 'boss',
      displayName: '老板',
      email: 'ceo@corp.example',
      password: 'password of the boss',
    })
    const { user: other } = await users.create(OWNER, organization.id, {
      username: 'CEO@corp.example',
      displayName: '另一位',
      password: 'password of another',
    })

    assert.deepEqual(await prove({ username: 'ceo@corp.example', password: 'password of the boss' }), { kind: 'wrong' })
    assert.deepEqual(await prove({ username: 'ceo@corp.example', password: 'password of another' }), {
      kind: 'proved',
      value: other.id,
    })
    assert.notEqual(other.id, boss.id)
  })

  test('a password counts to its last character', async (database) => {
    const { prove, users, user } = await createScene(database)
    const long = [
      'x1'.repeat(36) + 'tail',
      '0123456789abcdef'.repeat(4),
      `${'长密码'.repeat(66)}尾!`,
      ' leading and trailing ',
      '🔑🔒🗝️🔐🚪🏠🪟🧱',
    ]
    for (const password of long) {
      await users.update(owner, user.id, { password, mustChangePassword: false })

      assert.equal((await prove({ password })).kind, 'proved', password)
      assert.equal((await prove({ password: `${password.slice(0, -1)}?` })).kind, 'wrong', password)
    }
    // NFD, as macOS composes it.
    await users.update(owner, user.id, { password: 'café au lait', mustChangePassword: false })
    assert.equal((await prove({ password: 'café au lait' })).kind, 'proved')
  })

  test('what cannot be a password is wrong, and costs no more than one', async (database) => {
    const { prove } = await createScene(database)

    for (const password of ['x'.repeat(1_000_000), `${PASSWORD}\0`, `${PASSWORD}\ud800`]) {
      assert.deepEqual(await prove({ password }), { kind: 'wrong' })
    }
  })

  test('a password that an administrator set has to be changed, in the same step and to a new one', async (database) => {
    const { prove, users, user, actions } = await createScene(database)
    await users.update(owner, user.id, { password: 'given out by hand' })
    const claim = { password: 'given out by hand' }

    assert.deepEqual(await prove(claim), { kind: 'must-change' })
    await assert.rejects(prove({ ...claim, newPassword: 'given out by hand' }), { code: 'passwords/weak' })
    await assert.rejects(prove({ ...claim, newPassword: 'password1234' }), { code: 'passwords/weak' })
    assert.deepEqual(await prove({ ...claim, newPassword: 'chosen by myself' }), { kind: 'proved', value: user.id })

    assert.deepEqual(await prove(claim), { kind: 'wrong' })
    assert.deepEqual(await prove({ password: 'chosen by myself' }), { kind: 'proved', value: user.id })
    assert.ok((await actions()).includes('user.change-password'))
  })

  test('changing a password ends all sessions but the one in which it is done', async (database) => {
    const { prove, sessions, begin } = await createScene(database)
    const [mine, other] = [await begin(), await begin()]

    await prove({ newPassword: 'chosen by myself', keepSessionId: mine.session.id })

    assert.ok(await sessions.find(mine.cookie))
    assert.equal(await sessions.find(other.cookie), undefined)
  })

  test('a password hashed at an older cost is hashed again when it is known', async (database) => {
    const { prove, user } = await createScene(database)
    // From test.c of the reference implementation: t=2, m=2^16, p=1, "password", "somesalt".
    const old = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'
    await database.kysely.updateTable('users').set({ password_hash: old }).execute()

    assert.equal((await prove({ password: 'password' })).kind, 'proved')

    const { password_hash } = await database.kysely
      .selectFrom('users')
      .select('password_hash')
      .where('id', '=', user.id)
      .executeTakeFirstOrThrow()
    assert.match(password_hash!, /\$m=19456,t=2,p=1\$/)
    assert.equal((await prove({ password: 'password' })).kind, 'proved')
  })

  test('what fails after the proof undoes it, and the guess counts', async (database) => {
    const { passwordProof, claim, guessing } = await createScene(database)

    await assert.rejects(
      passwordProof.prove(claim, async (tx) => {
        await tx.kysely.updateTable('users').set({ title: 'never' }).execute()
        throw new Error('the rest failed')
      }),
      /the rest failed/,
    )

    const { title } = await database.kysely.selectFrom('users').select('title').executeTakeFirstOrThrow()
    assert.equal(title, null)
    assert.deepEqual(await guessing(), [1, 1, 1])
  })
})

async function createScene(database: Database, username = 'li') {
  const directory = await createDirectory(database)
  const { users, organization, passwordProof, sessions } = directory
  const { user } = await users.create(OWNER, organization.id, { username, displayName: '李', password: PASSWORD })
  const claim: PasswordClaim = {
    organizationId: organization.id,
    username,
    password: PASSWORD,
    address: '192.0.2.1',
    requestId: null,
  }
  return {
    ...directory,
    user,
    claim,
    prove: (given: Partial<PasswordClaim> = {}) =>
      passwordProof.prove({ ...claim, ...given }, async (_: Transaction, { id }) => id),
    begin: () =>
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
        }),
      ),
    /** How many wrong guesses each counter has that has any. */
    guessing: async () => {
      const rows = await database.kysely.selectFrom('password_guesses').select('times').execute()
      return rows.map(({ times }) => (JSON.parse(times) as number[]).length).filter((count) => count > 0)
    },
  }
}
