import assert from 'node:assert/strict'
import { onEachDatabase } from '../../test-support/databases.ts'
import { BROWSER, createSignInWorld } from '../../test-support/sign-in-world.ts'
import { SYSTEM } from '../audit/audit.ts'

const OWNER = { actor: SYSTEM, role: 'owner' } as const

onEachDatabase(({ test }) => {
  test('a newcomer becomes a user with a link, a session and an entry in the log, all in one', async (database) => {
    const world = await createSignInWorld(database)
    const hq = await world.connect('hq')

    const settled = await world.signIn(hq, {
      userid: 'ZhangSan',
      name: '张三',
      mobile: '13800000001',
      bizMail: 'zs@corp.example',
    })

    assert.ok(settled.kind === 'admitted')
    const [user, ...others] = await world.allUsers()
    assert.deepEqual(others, [])
    assert.deepEqual(
      [user!.username, user!.display_name, user!.email, user!.email_source, user!.phone, user!.origin, user!.status],
      ['ZhangSan', '张三', 'zs@corp.example', 'biz_mail', '+8613800000001', 'wecom', 'active'],
    )
    const [link] = await world.allLinks()
    assert.deepEqual([link!.user_id, link!.userid, link!.created_by], [user!.id, 'ZhangSan', 'signin'])
    assert.deepEqual(
      [link!.last_sign_in_at, user!.last_sign_in_at].map((at) => at !== null),
      [true, true],
    )
    const { session, cookie } = settled
    assert.deepEqual(
      [session.userId, session.linkId, session.door, session.address],
      [user!.id, link!.id, 'qr', '192.0.2.1'],
    )
    assert.equal((await world.sessions.find(cookie))?.id, session.id)
    const [entry] = await world.log()
    assert.deepEqual(
      [entry!.user_id, entry!.userid, entry!.outcome, entry!.reason],
      [user!.id, 'ZhangSan', 'succeeded', null],
    )
    assert.match(entry!.reference_id, /^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{2}$/)
    const { items } = await world.audit.list({ limit: 10, cursor: null, targetId: user!.id })
    assert.deepEqual(items.map(({ action }) => action).sort(), ['sign-in.succeed', 'user.create'])
    assert.ok(items.every(({ target_name, details }) => target_name === null && !details.includes('ZhangSan')))
  })

  test('whoever comes again is the same user in any spelling, and their profile follows', async (database) => {
    const world = await createSignInWorld(database)
    const hq = await world.connect('hq')
    await world.signIn(hq, { userid: 'ZhangSan', name: '张三', position: '工程师' })
    const [before] = await world.allUsers()

    await world.signIn(hq, { userid: 'zhangsan', name: '张三丰', position: '主管' })

    const [after, ...others] = await world.allUsers()
    assert.deepEqual(others, [])
    assert.deepEqual([after!.id, after!.display_name, after!.title], [before!.id, '张三丰', '主管'])
    assert.equal((await world.allLinks()).length, 1)
  })

  test('where profiles are not refreshed, only access follows', async (database) => {
    const world = await createSignInWorld(database)
    const hq = await world.connect('hq', { refreshProfile: false })
    await world.signIn(hq, { userid: 'lisi', name: '李四', position: '工程师' })

    await world.signIn(hq, { userid: 'lisi', name: '李小四', position: '主管' })

    const [user] = await world.allUsers()
    assert.deepEqual([user!.display_name, user!.title], ['李四', '工程师'])
  })

  test('a member who is disabled or has left is refused, and the account closes with everything it holds', async (database) => {
    const world = await createSignInWorld(database)
    for (const [status, reason] of [
      [2, 'disabled-in-wecom'],
      [5, 'left-wecom'],
    ] as const) {
      const hq = await world.connect(`hq-${status}`)
      const before = await world.signIn(hq, { userid: `lisi-${status}`, name: '李四' })
      assert.ok(before.kind === 'admitted')

      assert.equal(await world.outcome(hq, { userid: `lisi-${status}`, name: '李四', status }), reason)

      const user = await world.user(before.session.userId)
      assert.deepEqual([user.status, user.disabled_by, user.display_name], ['disabled', 'source', '李四'])
      assert.equal(await world.sessions.find(before.cookie), undefined)
      assert.equal((await world.log()).at(-1)!.user_id, user.id)

      world.letPass(1_000)
      assert.equal(await world.outcome(hq, { userid: `lisi-${status}`, name: '李四' }), 'admitted', 'active again')
      assert.equal((await world.user(user.id)).status, 'active')
    }
  })

  test('an administrator whom WeCom closed is refused and keeps the account, as in a run', async (database) => {
    const world = await createSignInWorld(database)
    const hq = await world.connect('hq')
    const before = await world.signIn(hq, { userid: 'boss' })
    assert.ok(before.kind === 'admitted')
    await world.promote(before.session.userId)

    assert.equal(await world.outcome(hq, { userid: 'boss', status: 2 }), 'disabled-in-wecom')

    assert.equal((await world.user(before.session.userId)).status, 'active')
  })

  test('somebody who cannot be read is never taken for somebody who is gone', async (database) => {
    const world = await createSignInWorld(database)
    const hq = await world.connect('hq')
    const before = await world.signIn(hq, { userid: 'lisi' })
    assert.ok(before.kind === 'admitted')

    assert.equal(await world.outcome(hq, { userid: 'lisi' }, { isHidden: true }), 'unreadable')
    assert.equal(await world.outcome(hq, { userid: 'wangwu' }, { isHidden: true }), 'unreadable')

    assert.equal((await world.user(before.session.userId)).status, 'active')
    assert.ok(await world.sessions.find(before.cookie))
    await world.connections.update(SYSTEM, hq.id, { signIn: { unreadableMembers: 'allow-linked' } })
    assert.equal(await world.outcome(hq, { userid: 'LISI' }, { isHidden: true }), 'admitted')
    assert.equal(await world.outcome(hq, { userid: 'wangwu' }, { isHidden: true }), 'unreadable')
    assert.equal((await world.allUsers()).length, 1)
  })

  test('what an administrator disabled or deleted, no sign-in brings back', async (database) => {
    const world = await createSignInWorld(database)
    const hq = await world.connect('hq')
    await world.signIn(hq, { userid: 'lisi', name: '李四' })
    const [user] = await world.allUsers()

    await world.users.update(OWNER, user!.id, { status: 'disabled' })
    assert.equal(await world.outcome(hq, { userid: 'lisi', name: '李四' }), 'disabled')
    assert.equal((await world.user(user!.id)).status, 'disabled')

    await world.users.remove(OWNER, user!.id)
    assert.equal(await world.outcome(hq, { userid: 'lisi', name: '李四' }), 'deleted')
    assert.deepEqual(
      (await world.allUsers()).map(({ status }) => status),
      ['deleted'],
    )
  })

  test('whom the source deleted comes back if it is them, and somebody else waits for a person', async (database) => {
    const world = await createSignInWorld(database)
    const hq = await world.connect('hq')
    await world.signIn(hq, { userid: 'lisi', name: '李四', mobile: '13800000002' })
    const [user] = await world.allUsers()
    const deleteBySource = () =>
      database.kysely
        .updateTable('users')
        .set({ status: 'deleted', deleted_by: 'source', deleted_at: world.now() })
        .where('id', '=', user!.id)
        .execute()
    await deleteBySource()

    assert.equal(await world.outcome(hq, { userid: 'lisi', name: '李伟', mobile: '13900000009' }), 'under-review')
    const [review] = await world.openReviews()
    assert.deepEqual([review!.reason, review!.candidates.map(({ userId }) => userId)], ['reused', [user!.id]])
    assert.equal((await world.user(user!.id)).status, 'deleted')

    assert.equal(await world.outcome(hq, { userid: 'lisi', name: '李四', mobile: '13900000009' }), 'admitted')
    assert.equal((await world.user(user!.id)).status, 'active')
    assert.equal((await world.allUsers()).length, 1)
  })

  test('whom an event removed while they came in is not brought back by what WeCom had said before', async (database) => {
    const world = await createSignInWorld(database)
    const hq = await world.connect('hq')
    const zhang = { userid: 'zhangsan', name: '张三' }
    const first = await world.signIn(hq, zhang)
    assert.ok(first.kind === 'admitted')
    const { userId } = first.session
    const link = database.kysely.updateTable('links').where('user_id', '=', userId)
    const user = database.kysely.updateTable('users').where('id', '=', userId)
    await link.set({ asked_at: 2_000, source_hash: null }).execute()
    await user.set({ status: 'disabled', disabled_by: 'source' }).execute()

    const before = await world.outcome(hq, zhang, { takenAt: 1_000 })
    const disabled = (await world.user(userId)).status
    const after = await world.outcome(hq, zhang, { takenAt: 3_000 })

    assert.notEqual(before, 'admitted')
    assert.equal(disabled, 'disabled')
    assert.equal(after, 'admitted', 'who is back is back')
  })

  test('a userid that shows another name and another number gets nobody’s account', async (database) => {
    const world = await createSignInWorld(database)
    const hq = await world.connect('hq')
    await world.signIn(hq, { userid: 'lisi', name: '李四', mobile: '13800000002' })
    const [user] = await world.allUsers()

    assert.equal(await world.outcome(hq, { userid: 'lisi', name: '李伟', mobile: '13900000009' }), 'under-review')

    assert.deepEqual(
      (await world.openReviews()).map(({ reason }) => reason),
      ['reused'],
    )
    assert.equal((await world.user(user!.id)).display_name, '李四')
    assert.equal(await world.outcome(hq, { userid: 'lisi', name: '李伟', mobile: '13900000009' }), 'under-review')
    assert.equal((await world.openReviews()).length, 1, 'one question, however often they come')
  })

  test('L-16: while it is in question who has a userid, nothing that came in through it stays, and nobody comes in', async (database) => {
    const world = await createSignInWorld(database)
    const hq = await world.connect('hq', { unreadableMembers: 'allow-linked' })
    const zhang = { userid: 'zhangsan', name: '张三', mobile: '13800000002' }
    const first = await world.signIn(hq, zhang)
    const second = await world.signIn(hq, zhang)
    assert.ok(first.kind === 'admitted' && second.kind === 'admitted')
    const { userId } = first.session
    const byPassword = await database.inTransaction((tx) =>
      world.sessions.begin(tx, { ...first.session, door: 'password', connectionId: null, corpId: null, linkId: null }),
    )

    assert.equal(await world.outcome(hq, { ...zhang, name: '张伟', mobile: '13900000009' }), 'under-review')

    const found = await Promise.all([first, second, byPassword].map(({ cookie }) => world.sessions.find(cookie)))
    assert.deepEqual(
      found.map((session) => session !== undefined),
      [false, false, true],
      'what did not come from there stays',
    )
    const { items } = await world.audit.list({ limit: 50, cursor: null, targetId: userId })
    assert.equal(items.filter(({ action }) => action === 'session.end').length, 2)
    // However little of them WeCom shows this time.
    assert.equal(await world.outcome(hq, { userid: 'zhangsan', name: '张伟' }), 'under-review')
    assert.equal(await world.outcome(hq, { userid: 'ZhangSan', name: undefined }), 'under-review')
    assert.equal(await world.outcome(hq, { userid: 'zhangsan' }, { isHidden: true }), 'under-review')
    assert.equal((await world.user(userId)).display_name, '张三')
    assert.equal(await world.outcome(hq, { userid: 'zhangsan', name: '张三' }), 'admitted', 'it is them after all')

    await world.decide((await world.openReviews())[0]!.id, { action: 'ignore' })
    assert.equal(await world.outcome(hq, { userid: 'zhangsan', name: '张伟' }), 'under-review', 'nobody said who it is')
    assert.equal(await world.outcome(hq, { userid: 'zhangsan' }, { isHidden: true }), 'under-review')
  })

  test('whoever a person has decided on comes in through the link again', async (database) => {
    const world = await createSignInWorld(database)
    const hq = await world.connect('hq', { unreadableMembers: 'allow-linked' })
    const first = await world.signIn(hq, { userid: 'zhangsan', name: '张三', mobile: '13800000002' })
    const wed = { userid: 'zhangsan', name: '张李三', mobile: '13900000009' }
    assert.equal(await world.outcome(hq, wed), 'under-review')
    assert.ok(first.kind === 'admitted')

    await world.decide((await world.openReviews())[0]!.id, { action: 'link', userId: first.session.userId })

    const again = await world.signIn(hq, wed)
    assert.deepEqual(
      [again.kind, again.kind === 'admitted' && again.session.userId],
      ['admitted', first.session.userId],
    )
    assert.equal(await world.outcome(hq, { userid: 'zhangsan' }, { isHidden: true }), 'admitted')
  })

  test('a newcomer who shows a colleague’s number may be the colleague, and waits for a person', async (database) => {
    const world = await createSignInWorld(database)
    const hq = await world.connect('hq')
    await world.signIn(hq, { userid: 'lisi', name: '李四', mobile: '13800000002' })

    assert.equal(await world.outcome(hq, { userid: 'lisi2', name: '李四', mobile: '13800000002' }), 'under-review')

    const [review] = await world.openReviews()
    assert.deepEqual(
      [review!.reason, review!.candidates.map(({ matchedOn, userid }) => [matchedOn, userid])],
      ['conflict', [['phone', 'lisi']]],
    )
    assert.equal((await world.allUsers()).length, 1)
  })

  test('only linked people sign in where only they may', async (database) => {
    const world = await createSignInWorld(database)
    const hq = await world.connect('hq', { loginOnly: true })
    const userId = await world.createUser({ username: 'lisi' })
    await world.links.create(OWNER, userId, { connectionId: hq.id, userid: 'lisi' })

    assert.equal(await world.outcome(hq, { userid: 'stranger' }), 'not-linked')
    assert.equal(await world.outcome(hq, { userid: 'LiSi' }), 'admitted')

    assert.equal((await world.allUsers()).length, 1)
    assert.equal((await world.log())[0]!.userid, 'stranger')
  })

  test('new users come from the allowed domains only, and those without an address from anywhere', async (database) => {
    const world = await createSignInWorld(database)
    const hq = await world.connect('hq', { allowedDomains: ['corp.example'] })

    assert.equal(await world.outcome(hq, { userid: 'a', bizMail: 'a@evil.example' }), 'domain-not-allowed')
    assert.equal(await world.outcome(hq, { userid: 'b', bizMail: 'b@corp.example.evil.example' }), 'domain-not-allowed')
    assert.equal(await world.outcome(hq, { userid: 'c', bizMail: 'c@CORP.example' }), 'admitted')
    assert.equal(await world.outcome(hq, { userid: 'd' }), 'admitted')

    const emails = (await world.allUsers()).map(({ email }) => email)
    assert.deepEqual(emails, ['c@CORP.example', 'd@wecom.local'])
  })

  test('an address that another user has refuses the newcomer and is put on the review list', async (database) => {
    const world = await createSignInWorld(database)
    const hq = await world.connect('hq')
    const holder = await world.createUser({ username: 'holder', email: 'shared@corp.example' })

    assert.equal(await world.outcome(hq, { userid: 'lisi', email: 'Shared@corp.example' }), 'email-taken')

    const [review] = await world.openReviews()
    assert.deepEqual(
      [review!.userid, review!.reason, review!.candidates],
      ['lisi', 'conflict', [{ userId: holder, matchedOn: 'email', userid: null }]],
    )
    assert.deepEqual(
      (await world.allUsers()).map(({ id }) => id),
      [holder],
    )
    assert.deepEqual(await world.allLinks(), [])
  })

  test('a match is made by the chosen fields, where both sides can be trusted in them', async (database) => {
    const world = await createSignInWorld(database)
    const hq = await world.connect('hq', { association: 'match', matchFields: ['username', 'email', 'phone'] })
    const byName = await world.createUser({ username: 'lisi' })
    const byMail = await world.createUser({ username: 'other', email: 'ww@corp.example' })
    const byPhone = await world.createUser({ username: 'third', phone: '+8613800000003' })

    const admitted = [
      await world.signIn(hq, { userid: 'LiSi' }),
      await world.signIn(hq, { userid: 'wangwu', bizMail: 'WW@corp.example' }),
      await world.signIn(hq, { userid: 'zhaoliu', mobile: '138 0000 0003' }),
      await world.signIn(hq, { userid: 'nobody' }),
    ].map((settled) => (settled.kind === 'admitted' ? settled.session.userId : settled.kind))

    assert.deepEqual(admitted.slice(0, 3), [byName, byMail, byPhone])
    assert.equal((await world.allUsers()).length, 4, 'who matches nobody is new')
  })

  test('what members can set themselves matches nobody', async (database) => {
    const world = await createSignInWorld(database)
    const hq = await world.connect('hq', { association: 'match', matchFields: ['username', 'email', 'phone'] })
    const victim = await world.createUser({ username: 'victim', email: 'victim@corp.example' })

    assert.equal(
      await world.outcome(hq, { userid: 'mallory', email: 'victim@corp.example', bizMail: '' }),
      'email-taken',
    )

    assert.deepEqual(await world.allLinks(), [])
    assert.deepEqual(
      (await world.openReviews()).map(({ candidates }) => candidates[0]!.userId),
      [victim],
    )
  })

  test('empty values and words for nothing match nobody', async (database) => {
    const world = await createSignInWorld(database)
    const hq = await world.connect('hq', { association: 'match', matchFields: ['email', 'phone'] })
    await world.createUser({ username: 'empty' })
    const nothings = ['', '-', '无', 'null', 'None', '0', ' ']

    const outcomes = await Promise.all(
      nothings.map((nothing, index) =>
        world.outcome(hq, { userid: `m${index}`, mobile: nothing, bizMail: nothing, email: nothing }),
      ),
    )

    assert.deepEqual(
      outcomes,
      nothings.map(() => 'admitted'),
    )
    assert.equal((await world.allUsers()).length, nothings.length + 1)
  })

  test('two who share a field are nobody’s match, and a person is asked', async (database) => {
    const world = await createSignInWorld(database)
    const hq = await world.connect('hq', { association: 'match', matchFields: ['phone'] })
    await world.createUser({ username: 'one', phone: '+8613800000003' })
    await world.createUser({ username: 'two', phone: '+8613800000003' })

    assert.equal(await world.outcome(hq, { userid: 'lisi', mobile: '13800000003' }), 'under-review')

    const [review] = await world.openReviews()
    assert.deepEqual([review!.reason, review!.candidates.length], ['ambiguous', 2])
    assert.deepEqual(await world.allLinks(), [])
  })

  test('nobody gets an administrator’s account, or one that has a password, by a name or a number', async (database) => {
    const world = await createSignInWorld(database)
    const hq = await world.connect('hq', { association: 'match', matchFields: ['username', 'email', 'phone'] })
    const admin = await world.createUser({ username: 'admin', phone: '+8613800000009' })
    await world.promote(admin)
    const builtIn = await world.createUser({ username: 'keeper', password: 'correct horse battery 7' })
    const emergency = await world.createUser({ username: 'emergency', breakGlass: true })

    for (const member of [
      { userid: 'Admin' },
      { userid: 'ADMIN', name: '管理员' },
      { userid: 'lisi', mobile: '13800000009' },
      { userid: 'Keeper' },
      { userid: 'Emergency' },
    ]) {
      assert.equal(await world.outcome(hq, member), 'under-review', JSON.stringify(member))
    }

    assert.deepEqual(await world.allLinks(), [])
    assert.deepEqual((await world.allUsers()).map(({ id }) => id).sort(), [admin, builtIn, emergency].sort())
    assert.deepEqual(new Set((await world.openReviews()).map(({ reason }) => reason)), new Set(['privileged']))
  })

  test('a local account of the same name is matched, left alone or asked about, by the policy, and never doubled', async (database) => {
    const world = await createSignInWorld(database)
    const accounts = {
      plain: {},
      password: { password: 'correct horse battery 7' },
      owner: {},
      disabled: {},
    }
    const expected = {
      create: { plain: 'another', password: 'another', owner: 'another', disabled: 'another' },
      match: { plain: 'theirs', password: 'under-review', owner: 'under-review', disabled: 'disabled' },
      ask: { plain: 'not-linked', password: 'not-linked', owner: 'not-linked', disabled: 'not-linked' },
    } as const
    const seen: Record<string, Record<string, string>> = {}
    for (const association of ['create', 'match', 'ask'] as const) {
      const connection = await world.connect(association, { association, matchFields: ['username'] })
      for (const [kind, given] of Object.entries(accounts)) {
        const username = `${association}-${kind}`
        const local = await world.createUser({ username, ...given })
        if (kind === 'owner') await world.promote(local)
        if (kind === 'disabled') await world.users.update(OWNER, local, { status: 'disabled' })
        const before = await world.allUsers()

        const settled = await world.signIn(connection, { userid: username.toUpperCase(), name: username })

        const known = settled.kind === 'refused' ? settled.reason : settled.kind
        const user = settled.kind === 'admitted' ? settled.session.userId : null
        seen[association] ??= {}
        seen[association][kind] = user === null ? known : user === local ? 'theirs' : 'another'
        assert.equal((await world.allUsers()).length - before.length, seen[association][kind] === 'another' ? 1 : 0)
        const links = (await world.allLinks()).filter(({ userid_key }) => userid_key === username)
        assert.deepEqual(
          links.map(({ user_id }) => user_id),
          user === null ? [] : [user],
        )
      }
    }
    assert.deepEqual(seen, expected)
  })

  test('a userid that reads like somebody’s address is nobody’s address', async (database) => {
    const world = await createSignInWorld(database)
    const boss = await world.createUser({ username: 'boss', email: 'ceo@corp.example' })
    const fields = { matchFields: ['username', 'email', 'phone'] } as const
    for (const [corpId, association] of [
      ['by-field', 'match'],
      ['always-new', 'create'],
    ] as const) {
      const connection = await world.connect(corpId, { association, ...fields, matchFields: [...fields.matchFields] })

      const settled = await world.signIn(connection, { userid: 'ceo@corp.example' })

      assert.ok(settled.kind === 'admitted' && settled.session.userId !== boss, association)
    }
    assert.ok((await world.allLinks()).every(({ user_id }) => user_id !== boss))
  })

  test('the number or address of somebody who was deleted matches nobody', async (database) => {
    const world = await createSignInWorld(database)
    const hq = await world.connect('hq', { association: 'match', matchFields: ['email', 'phone'] })
    const builtIn = await world.createUser({ username: 'old', phone: '+8613800000003', email: 'old@corp.example' })
    const wecoms = await world.signIn(hq, { userid: 'leaver', mobile: '13800000004' })
    assert.ok(wecoms.kind === 'admitted')
    for (const id of [builtIn, wecoms.session.userId]) await world.users.remove(OWNER, id)

    for (const member of [
      { userid: 'joiner', name: '新人', mobile: '13800000003' },
      { userid: 'heir', name: '新人', bizMail: 'old@corp.example' },
      { userid: 'other', name: '新人', mobile: '13800000004' },
    ]) {
      const settled = await world.signIn(hq, member)
      assert.ok(settled.kind === 'admitted', JSON.stringify(settled))
      assert.ok(![builtIn, wecoms.session.userId].includes(settled.session.userId), member.userid)
    }
    for (const id of [builtIn, wecoms.session.userId]) assert.equal((await world.user(id)).status, 'deleted')
  })

  test('where nobody is to be matched, the same name is another user', async (database) => {
    const world = await createSignInWorld(database)
    const hq = await world.connect('hq')
    const admin = await world.createUser({ username: 'admin' })
    await world.promote(admin)

    const settled = await world.signIn(hq, { userid: 'Admin' })

    assert.ok(settled.kind === 'admitted' && settled.session.userId !== admin)
    assert.deepEqual((await world.allUsers()).map(({ username }) => username).sort(), ['Admin-2', 'admin'])
  })

  test('the same userid of two companies is two people', async (database) => {
    const world = await createSignInWorld(database)
    const [one, two] = [await world.connect('ww1'), await world.connect('ww2')]

    const first = await world.signIn(one, { userid: 'admin', name: 'A' })
    const second = await world.signIn(two, { userid: 'admin', name: 'B' })

    assert.ok(first.kind === 'admitted' && second.kind === 'admitted')
    assert.notEqual(first.session.userId, second.session.userId)
  })

  test('of many first sign-ins at once one makes the user, and all of them are let in', async (database) => {
    const world = await createSignInWorld(database)
    const hq = await world.connect('hq')

    for (let round = 0; round < 6; round++) {
      const outcomes = await Promise.all(
        Array.from({ length: 8 }, (_, index) =>
          world.outcome(hq, {
            userid: index % 2 === 0 ? `User${round}` : `user${round}`,
            // Whoever comes second must not find the first one standing in their way with these.
            mobile: `1390000000${round}`,
            bizMail: `user${round}@corp.example`,
          }),
        ),
      )
      assert.deepEqual(new Set(outcomes), new Set(['admitted']))
    }

    assert.equal((await world.allUsers()).length, 6)
    assert.equal((await world.allLinks()).length, 6)
    assert.deepEqual(await world.openReviews(), [])
  })

  test('whoever is asked gets the account that they prove, and one member of a company is enough for it', async (database) => {
    const world = await createSignInWorld(database)
    const hq = await world.connect('hq', { association: 'ask' })
    const userId = await world.createUser({ username: 'keeper', password: 'correct horse battery 7' })
    const claim = { kind: 'account', by: 'password', userId } as const

    assert.equal(
      await world.outcome(hq, { userid: 'lisi', name: '李四' }),
      'not-linked',
      'a native app cannot be asked',
    )
    assert.equal(await world.outcome(hq, { userid: 'lisi', name: '李四' }, { claim }), 'admitted')
    assert.equal(await world.outcome(hq, { userid: 'wangwu' }, { claim }), 'already-linked')
    assert.equal(await world.outcome(hq, { userid: 'lisi', name: '李四' }), 'admitted')

    const links = await world.allLinks()
    assert.deepEqual(
      links.map(({ userid, user_id, created_by }) => [userid, user_id, created_by]),
      [['lisi', userId, 'bind']],
    )
    const user = await world.user(userId)
    assert.deepEqual([user.username, user.origin], ['keeper', 'built_in'])
  })

  test('of many bindings at once one wins', async (database) => {
    const world = await createSignInWorld(database)
    const hq = await world.connect('hq', { association: 'ask' })
    const accounts = await Promise.all(['a', 'b', 'c', 'd'].map((username) => world.createUser({ username })))

    const outcomes = await Promise.all(
      accounts.map((userId) =>
        world.outcome(hq, { userid: 'lisi' }, { claim: { kind: 'account', by: 'password', userId } }),
      ),
    )

    assert.equal((await world.allLinks()).length, 1)
    // The member is linked for whoever comes second: to whom they proved to be not to be.
    assert.deepEqual(outcomes.filter((outcome) => outcome === 'admitted').length, 1)
  })

  test('an attempt ends once, however often and wherever it is settled', async (database) => {
    const world = await createSignInWorld(database)
    const hq = await world.connect('hq')
    const { credential } = (await world.connections.forSignIn(hq.id))!
    const { state, write } = world.attempts.prepare({
      requestUid: 'page-1',
      organizationId: world.organizationId,
      connectionId: hq.id,
      corpId: 'hq',
      applicationId: null,
      applicationName: null,
      door: 'qr',
      browserHash: 'browser',
      credential,
      restarts: 0,
      bindUserId: null,
    })
    await database.inTransaction(write)
    const attempt = (await world.attempts.take(state, hq.id))!
    const asked = {
      kind: 'member',
      corpId: 'hq',
      userid: 'lisi',
      member: { userid: 'lisi', departments: [], status: 1, name: '李四' },
    } as const

    const outcomes = await Promise.all(
      Array.from({ length: 10 }, () => world.settle({ ...attempt, attempt }, asked, null, BROWSER)),
    )

    assert.deepEqual(outcomes.map(({ kind }) => kind).sort(), ['admitted', ...Array<string>(9).fill('gone')])
    assert.equal((await world.log()).length, 1)
    assert.equal((await world.sessions.listOf((await world.allUsers())[0]!.id)).length, 1)
  })

  test('what was begun for another secret, or while signing in was on, lets nobody in afterwards', async (database) => {
    const world = await createSignInWorld(database)
    const hq = await world.connect('hq')
    const { credential } = (await world.connections.forSignIn(hq.id))!
    const member = { userid: 'lisi', departments: [], status: 1 }
    const asked = { kind: 'member', corpId: 'hq', userid: 'lisi', member } as const
    const settle = () =>
      world.settle(
        {
          connectionId: hq.id,
          corpId: 'hq',
          credential,
          applicationId: null,
          door: 'qr',
          takenAt: null,
          attempt: null,
        },
        asked,
        null,
        BROWSER,
      )

    await world.connections.update(SYSTEM, hq.id, { signIn: { enabled: false } })
    const off = await settle()
    await world.connections.update(SYSTEM, hq.id, { signIn: { enabled: true }, secret: 'another-secret-of-the-app' })
    const replaced = await settle()
    await world.connections.remove(SYSTEM, hq.id, 'hq')
    const removed = await settle()

    assert.deepEqual(
      [off, replaced, removed].map((one) => (one.kind === 'refused' ? one.reason : one.kind)),
      ['sign-in-off', 'connection-changed', 'gone'],
    )
    assert.deepEqual(await world.allUsers(), [])
  })

  test('the last way in stays with whoever has no password', async (database) => {
    const world = await createSignInWorld(database)
    const [hq, branch] = [await world.connect('ww1'), await world.connect('ww2', { association: 'ask' })]
    const first = await world.signIn(hq, { userid: 'lisi', name: '李四' })
    assert.ok(first.kind === 'admitted')
    const { userId, linkId } = first.session

    await assert.rejects(world.links.removeOwn(SYSTEM, userId, linkId!), { code: 'links/last-way-in' })
    await world.signIn(branch, { userid: 'lisi', name: '李四' }, { claim: { kind: 'account', by: 'session', userId } })
    await assert.rejects(world.links.removeOwn(SYSTEM, 'usr_01jd3v0w6k9m2q4r8t0x5y7z1c', linkId!), {
      code: 'users/not-found',
    })
    await world.links.removeOwn(SYSTEM, userId, linkId!)

    assert.equal(await world.sessions.find(first.cookie), undefined, 'what came through the link has ended')
    assert.deepEqual(
      (await world.allLinks()).map(({ connection_id }) => connection_id),
      [branch.id],
    )
  })
})
