/** The field mapping through the API: refused with reasons, tried on one member, previewed, applied, put back. */
import assert from 'node:assert/strict'
import {
  createApiToken,
  getConnection,
  listAudit,
  listChanges,
  sampleMapping,
  updateConnection,
  type MappingEntry,
  type User,
} from '@muster/contracts'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import { createClient } from './client.ts'
import { fold } from './directory.ts'
import { startStack, type Stack } from './stack.ts'

onEitherDatabase(({ testWithUrl }) => {
  testWithUrl('a changed mapping is previewed and applied, and exactly its fields change', async (url) => {
    await using stack = await startStack(url, { people: 30 })
    await stack.syncOnce()
    const before = await stack.directory()
    const { mapping } = (await stack.ask(getConnection, { params: { id: 'hq' } })).sync
    const changed = [
      ...mapping.filter(({ to }) => to !== 'title' && to !== 'email'),
      { to: 'title', template: '{name}/{userid|lowerCase}' },
      { to: 'email', template: '{userid}@made.example', use: 'lowerCase' },
    ]
    await change(stack, changed)

    const preview = await stack.syncOnce('preview')
    assert.deepEqual(await stack.directory(), before)
    const run = await stack.syncOnce()

    assert.deepEqual([preview.state, run.state], ['previewed', 'succeeded'])
    assert.deepEqual(preview.counts.users, run.counts.users)
    assert.equal(run.counts.users.updated, 30)
    const { items } = await stack.ask(listChanges, { params: { id: run.id }, query: { limit: 100 } })
    for (const { after } of items) assert.deepEqual(Object.keys(after!).sort(), ['email', 'emailSource', 'title'])
    const after = await stack.directory()
    for (const [index, user] of after.users.entries()) {
      const userid = fold(user.links[0]!.userid)
      assert.equal(user.title, `${user.displayName}/${userid}`)
      assert.deepEqual([user.email, user.emailSource, user.emailVerified], [`${userid}@made.example`, 'mapped', false])
      assert.deepEqual(withoutMapped(user), withoutMapped(before.users[index]!))
    }
    assert.equal((await stack.syncOnce()).counts.users.unchanged, 30)

    await change(stack, null)
    await stack.syncOnce()
    assert.deepEqual(await stack.mistakes(), [])
  })

  testWithUrl('new people get usernames from the mapping, numbered where taken; nobody is renamed', async (url) => {
    await using stack = await startStack(url, { people: 12 })
    await stack.syncOnce()
    const names = await usernames(stack)
    const { corpId, control } = stack
    const { mapping } = (await stack.ask(getConnection, { params: { id: 'hq' } })).sync
    const named = { to: 'username', from: 'name', use: 'pinyin' }
    await change(stack, [named, ...mapping.filter(({ to }) => to !== 'username')])
    assert.equal((await stack.syncOnce()).counts.users.updated, 0)
    const join = (userid: string, name: string, last: number) =>
      control.addMember({ corpId, member: { userid, name, department: [1], mobile: `1390000000${last}` } })
    join('n1', '欧阳娜', 1)
    join('n2', '欧阳娜', 2)
    join('n3', '吕小布', 3)
    join('lvxiaobu', '别人', 4)
    join('n5', '😀😀', 5)

    const run = await stack.syncOnce()

    assert.deepEqual([run.state, run.counts.users.created], ['succeeded', 5])
    const all = await usernames(stack)
    assert.deepEqual([all['n1'], all['n2']].sort(), ['ouyangna', 'ouyangna-2'])
    assert.deepEqual([all['n3'], all['lvxiaobu'], all['n5']], ['lvxiaobu-2', 'bieren', 'n5'])
    assert.deepEqual({ ...all, ...names }, all, 'everybody else has the name they had')
    join('n6', '欧阳娜', 6)
    await stack.syncOnce()
    assert.equal((await usernames(stack))['n6'], 'ouyangna-3')
  })

  testWithUrl(
    'a mapping that cannot be used is refused, with every rule and reason, in both languages',
    async (url) => {
      await using stack = await startStack(url, { people: 4 })
      const body = JSON.stringify({
        sync: {
          mapping: [
            { to: 'displayName', from: 'name' },
            { to: 'title', template: '{name|eval}' },
            { to: 'role', from: 'name' },
          ],
        },
      })
      const send = (language: string) =>
        stack.send('/api/v1/connections/hq', {
          method: 'PATCH',
          body,
          headers: { 'content-type': 'application/json', 'accept-language': language },
        })

      const [english, chinese] = [await send('en'), await send('zh')]

      assert.deepEqual([english.status, english.json['code']], [400, 'connections/mapping'])
      assert.match(String(english.json['detail']), /Rule 2: "eval" is no function.*Rule 3: "role" is no user field/)
      assert.match(String(chinese.json['detail']), /第 2 条规则：“eval”不是函数.*第 3 条规则：“role”不是用户字段/)
      assert.deepEqual(
        (english.json['fields'] as { path: string }[]).map(({ path }) => path),
        ['sync.mapping.1', 'sync.mapping.2'],
      )
    },
  )

  testWithUrl('a mapping is shown on a real member before it is saved, and nothing is written', async (url) => {
    await using stack = await startStack(url, { people: 8, kind: 'self-built' })
    const { corpId, control } = stack
    control.addMember({
      corpId,
      member: { userid: 'LiSi', name: '李四', department: [1], mobile: '13900000007', position: '' },
    })
    const mapping: MappingEntry[] = [
      { to: 'username', from: 'name', use: 'pinyin' },
      { to: 'displayName', template: '{name} ({userid})' },
      { to: 'email', from: 'biz_mail' },
      { to: 'email', template: '{name|pinyin}@corp.example' },
      { to: 'phone', from: 'mobile' },
      { to: 'title', from: 'position' },
    ]
    const audited = await stack.ask(listAudit, { query: { limit: 100 } })

    const { member, user, problem } = await stack.ask(sampleMapping, {
      params: { id: 'hq' },
      body: { userid: 'lisi', mapping },
    })

    const fields = Object.fromEntries(member.fields.map(({ field, state, value }) => [field, [state, value]]))
    assert.deepEqual(
      [fields['name'], fields['position'], fields['mobile']],
      [
        ['present', '李四'],
        ['empty', null],
        ['withheld', null],
      ],
    )
    const becomes = Object.fromEntries(user.map(({ field, state, value }) => [field, [state, value]]))
    assert.deepEqual(
      [
        becomes['username'],
        becomes['displayName'],
        becomes['email'],
        becomes['emailSource'],
        becomes['title'],
        becomes['phone'],
        becomes['gender'],
      ],
      [
        ['set', 'lisi'],
        ['set', '李四 (LiSi)'],
        ['set', 'lisi@corp.example'],
        ['set', 'mapped'],
        ['cleared', null],
        ['kept', null],
        ['kept', null],
      ],
    )
    assert.equal(problem, null)

    const somebody = await stack.ask(sampleMapping, { params: { id: 'hq' }, body: {} })
    assert.ok(control.truth(stack).members.some(({ userid }) => userid === somebody.member.userid))
    assert.deepEqual((await stack.directory()).users, [])
    assert.deepEqual(await stack.ask(listAudit, { query: { limit: 100 } }), audited)

    await assert.rejects(stack.ask(sampleMapping, { params: { id: 'hq' }, body: { userid: 'nobody' } }), {
      code: 'wecom/not-found',
    })
    await assert.rejects(stack.ask(sampleMapping, { params: { id: 'hq' }, body: { mapping: [] } }), {
      code: 'connections/mapping',
    })
    const { token } = await stack.ask(createApiToken, { body: { name: 'auditor', role: 'auditor' } })
    const auditor = createClient(stack.server.origin, token)
    await assert.rejects(auditor.ask(sampleMapping, { params: { id: 'hq' }, body: {} }), { code: 'auth/forbidden' })
  })

  testWithUrl(
    'a made address identifies nobody, and withheld fields are named only when the mapping uses them',
    async (url) => {
      await using stack = await startStack(url, { people: 6, kind: 'self-built' })
      const { corpId, control } = stack
      await change(stack, [
        { to: 'displayName', from: 'name' },
        { to: 'email', template: '{name|pinyin}@corp.example' },
        { to: 'phone', from: 'extattr.手机' },
      ])
      await stack.ask(updateConnection, { params: { id: 'hq' }, body: { sync: { users: { onlyHere: 'delete' } } } })
      control.addMember({ corpId, member: { userid: 'desk', name: '张伟', department: [1], mobile: '13900000001' } })
      const first = await stack.syncOnce()
      assert.deepEqual(
        first.warnings.filter(({ code }) => code === 'fields-withheld'),
        [],
      )
      const old = await person(stack, 'desk')
      control.removeMembers({ corpId, userids: ['desk'] })
      await stack.syncOnce()

      // Another name, and the same made address.
      control.addMember({ corpId, member: { userid: 'desk', name: '张薇', department: [1], mobile: '13900000002' } })
      await stack.syncOnce()

      const successor = await person(stack, 'desk')
      assert.equal(successor!.email, old!.email)
      assert.notEqual(successor!.id, old!.id)
    },
  )

  testWithUrl('whoever really has an address that a rule made for a leaver does not become the leaver', async (url) => {
    await using stack = await startStack(url, { people: 6 })
    const { corpId, control } = stack
    await change(stack, [
      { to: 'displayName', from: 'name' },
      { to: 'email', template: '{name|pinyin}@corp.example' },
    ])
    const leaver = { userid: 'first', name: '张伟', department: [1], mobile: '13900000001' }
    control.addMember({ corpId, member: leaver })
    await stack.syncOnce()
    const first = await person(stack, 'first')
    control.removeMembers({ corpId, userids: ['first'] })
    const newcomer = { userid: 'second', name: '李敏', department: [1], biz_mail: 'zhangwei@corp.example' }
    control.addMember({ corpId, member: newcomer, unchecked: true })

    await stack.syncOnce()

    const second = await person(stack, 'second')
    assert.equal(second!.email, 'limin@corp.example')
    assert.notEqual(second!.id, first!.id)
  })
})

function change(stack: Stack, mapping: MappingEntry[] | null) {
  return stack.ask(updateConnection, { params: { id: 'hq' }, body: { sync: { mapping } } })
}

function withoutMapped(user: User) {
  return { ...user, title: null, email: null, emailSource: null, updatedAt: null }
}

async function usernames(stack: Stack): Promise<Record<string, string>> {
  const { users } = await stack.directory()
  return Object.fromEntries(users.map(({ username, links }) => [fold(links[0]!.userid), username]))
}

async function person(stack: Stack, userid: string): Promise<User | undefined> {
  return (await stack.directory()).users.find(({ links }) => links.some((link) => fold(link.userid) === userid))
}
