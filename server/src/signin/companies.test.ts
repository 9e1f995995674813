/** Who somebody is where several companies use one connection (threats.md SI-15): what one says leads to nobody of another. */
import assert from 'node:assert/strict'
import { onEachDatabase } from '../../test-support/databases.ts'
import { createSignInWorld } from '../../test-support/sign-in-world.ts'
import { SYSTEM } from '../audit/audit.ts'

onEachDatabase(({ test }) => {
  test('the same userid in two companies is two people', async (database) => {
    const world = await createSignInWorld(database)
    const isv = await world.connectSuite('service_provider', ['wpA', 'wpB'])
    const enter = (corpId: string, userid = 'admin') =>
      world.signIn(isv, { userid, departments: undefined, status: undefined, name: undefined }, { corpId })

    const [first, second, again] = [await enter('wpA'), await enter('wpB'), await enter('wpA', 'ADMIN')]

    assert.ok(first.kind === 'admitted' && second.kind === 'admitted' && again.kind === 'admitted')
    assert.notEqual(first.session.userId, second.session.userId)
    assert.equal(again.session.userId, first.session.userId)
    assert.deepEqual([first.session.corpId, second.session.corpId], ['wpA', 'wpB'])
    const users = await world.allUsers()
    assert.deepEqual(
      users.map(({ username, display_name, email, status }) => [username, display_name, email, status]),
      [
        ['admin', 'admin', 'admin@wecom.local', 'active'],
        ['admin-2', 'admin', 'admin-2@wecom.local', 'active'],
      ],
    )
    assert.deepEqual(
      (await world.log()).map(({ corp_id, userid, outcome }) => [corp_id, userid, outcome]),
      [
        ['wpA', 'admin', 'succeeded'],
        ['wpB', 'admin', 'succeeded'],
        ['wpA', 'ADMIN', 'succeeded'],
      ],
    )
  })

  test('a company that has not authorised the connection, or no longer, is refused, and nothing is made of it', async (database) => {
    const world = await createSignInWorld(database)
    const isv = await world.connectSuite('service_provider', ['wpA', 'wpB'])
    const enter = (corpId: string) => world.outcome(isv, { userid: 'admin' }, { corpId })
    const ofA = await world.signIn(isv, { userid: 'admin' }, { corpId: 'wpA' })
    const ofB = await world.signIn(isv, { userid: 'admin' }, { corpId: 'wpB' })
    assert.ok(ofA.kind === 'admitted' && ofB.kind === 'admitted')

    await world.setCorp(isv, 'wpA', 'cancelled')

    assert.deepEqual(
      [await enter('wpA'), await enter('wpX'), await enter('wpB')],
      ['corp-not-authorised', 'corp-not-authorised', 'admitted'],
    )
    assert.equal(await world.sessions.find(ofA.cookie), undefined, 'its sessions count no more')
    assert.ok((await world.sessions.find(ofB.cookie)) !== undefined, 'those of another go on')
    assert.deepEqual([(await world.allUsers()).length, (await world.allLinks()).length], [2, 2], 'what is there stays')
    const refused = (await world.log()).filter(({ outcome }) => outcome === 'refused')
    assert.deepEqual(
      refused.map(({ corp_id, userid, user_id, reason }) => [corp_id, userid, user_id, reason]),
      [
        ['wpA', 'admin', null, 'corp-not-authorised'],
        ['wpX', 'admin', null, 'corp-not-authorised'],
      ],
    )
    await world.setCorp(isv, 'wpA', 'authorized')
    const back = await world.signIn(isv, { userid: 'admin' }, { corpId: 'wpA' })
    assert.ok(back.kind === 'admitted' && back.session.userId === ofA.session.userId, 'authorised again, as before')
  })

  test('a company that cancels while its people come in leaves nobody in', async (database) => {
    const world = await createSignInWorld(database)
    const isv = await world.connectSuite('service_provider', ['wpA', 'wpB'])
    for (let round = 0; round < 10; round++) {
      const coming = Array.from({ length: 4 }, (_, index) =>
        world.outcome(isv, { userid: `user${index}` }, { corpId: 'wpA' }),
      )
      const [, ...outcomes] = await Promise.all([
        world.setCorp(isv, 'wpA', 'cancelled', { endsSessions: true }),
        ...coming,
        world.outcome(isv, { userid: 'other' }, { corpId: 'wpB' }),
      ])

      assert.ok(outcomes.slice(0, 4).every((outcome) => ['admitted', 'corp-not-authorised'].includes(outcome)))
      assert.equal(outcomes[4], 'admitted')
      const sessions = await database.kysely.selectFrom('sessions').select('corp_id').execute()
      assert.deepEqual(new Set(sessions.map(({ corp_id }) => corp_id)), new Set(['wpB']))
      await world.setCorp(isv, 'wpA', 'authorized')
    }
  })

  test('a name that somebody was given here stays, because a provider is shown none', async (database) => {
    const world = await createSignInWorld(database)
    const isv = await world.connectSuite('service_provider', ['wpA'])
    const shown = { userid: 'woAbc', departments: undefined, status: undefined, name: undefined } as const
    const first = await world.signIn(isv, shown, { corpId: 'wpA' })
    assert.ok(first.kind === 'admitted')
    const { userId } = first.session
    await world.users.update({ actor: SYSTEM, role: 'owner' }, userId, {
      displayName: '李四',
      title: '工程师',
      email: 'li@own.example',
      phone: '+8613900000001',
    })

    assert.equal(await world.outcome(isv, { ...shown, gender: 'female' }, { corpId: 'wpA' }), 'admitted')

    const { display_name, title, gender, email, phone } = await world.user(userId)
    assert.deepEqual(
      [display_name, title, gender, email, phone],
      ['李四', '工程师', 'female', 'li@own.example', '+8613900000001'],
    )
  })

  test('whoever asked for the people of one company gets nobody of another', async (database) => {
    const world = await createSignInWorld(database)
    const isv = await world.connectSuite('service_provider', ['wpA', 'wpB'])
    const group = await world.connectSuite('delegated', ['wpC', 'wpD'])

    const outcomes = [
      await world.outcome(isv, { userid: 'li' }, { wished: 'wpA', corpId: 'wpB' }),
      await world.outcome(isv, { userid: 'li' }, { wished: 'wpA', corpId: 'wpA' }),
      await world.outcome(group, { userid: 'li' }, { wished: 'wpC', corpId: 'wpD' }),
      await world.outcome(group, { userid: 'li' }, { wished: 'wpD', corpId: 'wpD' }),
    ]

    assert.deepEqual(outcomes, ['not-a-member', 'admitted', 'not-a-member', 'admitted'])
  })

  test('a delegated company ends what was begun for it when its code changes, and that of no other', async (database) => {
    const world = await createSignInWorld(database)
    const group = await world.connectSuite('delegated', ['wpC', 'wpD'])
    const credentialOf = async (corpId: string) => (await world.connections.forSignIn(group.id, corpId))!.credential
    const settleWith = async (corpId: string, credential: string) => {
      const errand = {
        connectionId: group.id,
        corpId,
        credential,
        applicationId: null,
        door: 'qr',
        takenAt: null,
        attempt: null,
      } as const
      const member = { userid: 'li', departments: [], status: 1 }
      const settled = await world.settle(errand, { kind: 'member', corpId, userid: 'li', member }, null, {
        address: null,
        userAgent: null,
        requestId: null,
      })
      return settled.kind === 'refused' ? settled.reason : settled.kind
    }
    const [ofC, ofD] = [await credentialOf('wpC'), await credentialOf('wpD')]

    await database.inTransaction((tx) =>
      tx.kysely.updateTable('corps').set({ permanent_code_sealed: 'another' }).where('corp_id', '=', 'wpC').execute(),
    )

    assert.deepEqual(
      [await settleWith('wpC', ofC), await settleWith('wpD', ofD), await settleWith('wpC', await credentialOf('wpC'))],
      ['connection-changed', 'admitted', 'admitted'],
    )
  })

  test('neither a userid, nor a mobile, nor an address of one company matches a user of another', async (database) => {
    const world = await createSignInWorld(database)
    const matchFields = ['username', 'phone', 'email'] as const
    const group = await world.connectSuite('delegated', ['wpA', 'wpB'], {
      association: 'match',
      matchFields: [...matchFields],
    })
    const li = { userid: 'li', name: '李四', mobile: '13900000001', bizMail: 'li@a.example' }
    const first = await world.signIn(group, li, { corpId: 'wpA', wished: 'wpA' })
    assert.ok(first.kind === 'admitted')
    const enter = (member: Partial<typeof li> & { userid: string }) =>
      world.signIn(group, { name: '李四', ...member }, { corpId: 'wpB', wished: 'wpB' })

    const byUserid = await enter({ userid: 'li' })
    const byMobile = await enter({ userid: 'wang', mobile: li.mobile })
    const byAddress = await enter({ userid: 'zhao', bizMail: li.bizMail })

    assert.ok(byUserid.kind === 'admitted' && byUserid.session.userId !== first.session.userId)
    assert.ok(byMobile.kind === 'admitted' && byMobile.session.userId !== first.session.userId)
    assert.ok(byAddress.kind === 'refused' && byAddress.reason === 'email-taken')
    assert.equal((await world.openReviews()).length, 1, 'whose address it is, a person decides')
    const free = await world.createUser({ username: 'sun' })
    const bound = await enter({ userid: 'sun' })
    assert.ok(bound.kind === 'admitted' && bound.session.userId === free, 'nobody’s user is matched as ever')
  })

  test('neither leads what a company of a provider says to a member of our own company', async (database) => {
    const world = await createSignInWorld(database)
    const own = await world.connect('hq')
    const li = { userid: 'li', name: '李四', mobile: '13900000001' }
    const ours = await world.signIn(own, li)
    assert.ok(ours.kind === 'admitted')
    const group = await world.connectSuite('delegated', ['wpA'], {
      association: 'match',
      matchFields: ['username', 'phone'],
    })

    const byUserid = await world.signIn(group, { userid: 'li', name: '李四' }, { corpId: 'wpA', wished: 'wpA' })
    const byMobile = await world.signIn(group, { ...li, userid: 'wang' }, { corpId: 'wpA', wished: 'wpA' })

    assert.ok(byUserid.kind === 'admitted' && byUserid.session.userId !== ours.session.userId)
    assert.ok(byMobile.kind !== 'admitted' || byMobile.session.userId !== ours.session.userId)
  })

  test('where any company may come in, a userid is no sign of who somebody is here', async (database) => {
    const world = await createSignInWorld(database)
    const isv = await world.connectSuite('service_provider', ['wpA'], {
      association: 'match',
      matchFields: ['username', 'email', 'phone'],
    })
    const theirs = await world.createUser({ username: 'zhangsan' })

    const settled = await world.signIn(isv, { userid: 'zhangsan' }, { corpId: 'wpA' })

    assert.ok(settled.kind === 'admitted' && settled.session.userId !== theirs)
    assert.equal((await world.user(settled.session.userId)).username, 'zhangsan-2')
  })

  test('somebody proves an account for each company, and one member of each is enough', async (database) => {
    const world = await createSignInWorld(database)
    const isv = await world.connectSuite('service_provider', ['wpA', 'wpB'], { association: 'ask' })
    const userId = await world.createUser({ username: 'li' })
    const claim = { kind: 'account', by: 'password', userId } as const
    const enter = (corpId: string, userid = 'admin') => world.outcome(isv, { userid }, { corpId, claim })

    assert.deepEqual(
      [await enter('wpA'), await enter('wpB'), await enter('wpA', 'other')],
      ['admitted', 'admitted', 'already-linked'],
    )
    assert.deepEqual(
      (await world.allLinks()).map(({ corp_id, user_id, created_by }) => [corp_id, user_id === userId, created_by]),
      [
        ['wpA', true, 'bind'],
        ['wpB', true, 'bind'],
      ],
    )
  })

  test('the id that a provider has for somebody finds them when their userid changes its form', async (database) => {
    const world = await createSignInWorld(database)
    const isv = await world.connectSuite('service_provider', ['wpA', 'wpB'])
    const enter = async (userid: string, openUserid: string, corpId = 'wpA') => {
      const settled = await world.signIn(isv, { userid, openUserid }, { corpId })
      return settled.kind === 'admitted' ? settled.session.userId : settled.kind === 'refused' ? settled.reason : null
    }

    const plain = await enter('zhangsan', 'woZhang')
    assert.equal(await enter('woZhang', 'woZhang'), plain, 'the userid is encrypted from now on')
    assert.equal(await enter('woZhang', 'woZhang'), plain)
    assert.equal(await enter('zhangsan', 'woZhang'), plain, 'and shown again')
    assert.equal(await enter('woZhang', 'woZhang'), plain)
    assert.equal(await enter('woZHANG', 'woZHANG'), 'under-review', 'such ids differ in their case')
    assert.notEqual(await enter('woZhang', 'woZhang', 'wpB'), plain, 'of another company')
    const aliases = await database.kysely.selectFrom('link_aliases').selectAll().orderBy('alias_key').execute()
    assert.deepEqual(
      aliases.map(({ alias_key, kind, corp_id }) => [alias_key, kind, corp_id]),
      [
        ['wozhang', 'open_userid', 'wpA'],
        ['zhangsan', 'plain', 'wpA'],
      ],
    )
  })

  test('a userid under which the provider knows somebody else is looked at by a person', async (database) => {
    const world = await createSignInWorld(database)
    const isv = await world.connectSuite('service_provider', ['wpA'])
    await world.signIn(isv, { userid: 'zhangsan', openUserid: 'woOne' }, { corpId: 'wpA' })

    assert.equal(
      await world.outcome(isv, { userid: 'zhangsan', openUserid: 'woTwo' }, { corpId: 'wpA' }),
      'under-review',
    )

    assert.deepEqual(
      (await world.openReviews()).map(({ reason, corpId }) => [reason, corpId]),
      [['reused', 'wpA']],
    )
    await world.connections.remove(SYSTEM, isv.id, 'isv')
    assert.deepEqual(await world.allLinks(), [])
  })
})
