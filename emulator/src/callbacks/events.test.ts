import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'

import type { PrincipalKind } from '../company/apps.ts'
import { createControl } from '../control/control.ts'
import { renderXml } from './events.ts'
import { stage } from '../test-client.ts'
import type { Stage } from '../test-client.ts'
import { element, elements, encodingAesKey, startReceiver, token } from './test-receiver.ts'
import type { TestReceiver } from './test-receiver.ts'
import { createWorld } from '../world.ts'

const person = { userid: 'ZhangSan', name: '张三', department: [1], mobile: '13700000001' }

/** A company, one app of this kind that is called back, and what has come since it was last asked. */
async function told(t: TestContext, kind: PrincipalKind, form?: 'full' | 'reduced') {
  const staged = await stage(t)
  const { control, corpId } = staged
  const receiver = await startReceiver(t)
  // One after the other, so that what came first was said first.
  control.changeDeliverySettings({ parallel: 1, verificationDeadlineMs: 30_000 })
  await listen(staged, receiver, kind, form)
  return { ...staged, receiver, news: newsOf(staged, receiver), corpId }
}

async function listen(
  { control, corpId, agentId }: Stage,
  receiver: TestReceiver,
  kind: PrincipalKind,
  form?: 'full' | 'reduced',
) {
  const entry = { corpId, agentId: agentId(kind), url: receiver.url, token, encodingAesKey }
  assert.deepEqual((await control.setCallback({ ...entry, ...(form ? { form } : {}) })).ok, true)
}

function newsOf({ control }: Stage, receiver: TestReceiver): () => Promise<Record<string, string>[]> {
  return async () => {
    await control.deliveriesSettled()
    // The attributes have elements of the same names within, so they are looked at by themselves.
    return receiver.received.splice(0).map(({ message }) => elements(message.replace(/<ExtAttr>.*<\/ExtAttr>/s, '')))
  }
}

test('the assistant of an address saved today is told ids and departments only', async (t) => {
  const { control, corpId, news } = await told(t, 'contacts-sync')

  control.addMember({ corpId, member: person })
  control.patchMember({ corpId, userid: 'ZhangSan', patch: { name: '张三丰', position: '掌门' } })
  control.patchMember({ corpId, userid: 'ZhangSan', patch: { department: [23, 2] } })
  control.renameMember({ corpId, userid: 'ZhangSan', newUserid: 'SanFeng' })
  control.removeMembers({ corpId, userids: ['SanFeng'] })

  assert.deepEqual(await news(), [
    { ChangeType: 'create_user', UserID: 'ZhangSan', Department: '1' },
    { ChangeType: 'update_user', UserID: 'ZhangSan', Department: '2,23' },
    { ChangeType: 'update_user', UserID: 'ZhangSan', NewUserID: 'SanFeng' },
    { ChangeType: 'delete_user', UserID: 'SanFeng' },
  ])
})

test('the assistant of an old address is told every field, and of a change what has changed', async (t) => {
  const { control, corpId, news, receiver } = await told(t, 'contacts-sync', 'full')
  const attrs = [
    { name: '工号', value: '42', type: 0, text: { value: '42' } },
    { name: '主页', type: 1, web: { title: '我的', url: 'https://me.example/?a=1&b=2' } },
  ]

  control.addMember({ corpId, member: { ...person, gender: '1', email: 'z@mail.example', extattr: { attrs } } })
  const raw = (await control.deliveriesSettled(), receiver.received[0]?.message ?? '')
  const [created] = await news()
  control.patchMember({ corpId, userid: 'ZhangSan', patch: { name: '张三丰', enable: 0 } })
  control.patchMember({ corpId, userid: 'ZhangSan', patch: { name: '张三丰' } })
  control.patchMember({ corpId, userid: 'ZhangSan', patch: { department: [2, 23], is_leader_in_dept: [0, 1] } })
  control.patchMember({ corpId, userid: 'ZhangSan', patch: { alias: '' } })

  assert.match(
    raw,
    /^<xml><ToUserName><!\[CDATA\[ww\w+\]\]><\/ToUserName><FromUserName><!\[CDATA\[sys\]\]><\/FromUserName><CreateTime>\d{10}<\/CreateTime><MsgType><!\[CDATA\[event\]\]><\/MsgType><Event><!\[CDATA\[change_contact\]\]><\/Event><ChangeType>/,
  )
  assert.equal(
    /<ExtAttr>.*<\/ExtAttr>/.exec(raw)?.[0],
    '<ExtAttr><Item><Name><![CDATA[工号]]></Name><Type>0</Type><Text><Value><![CDATA[42]]></Value></Text></Item>' +
      '<Item><Name><![CDATA[主页]]></Name><Type>1</Type><Web><Title><![CDATA[我的]]></Title>' +
      '<Url><![CDATA[https://me.example/?a=1&b=2]]></Url></Web></Item></ExtAttr>',
  )
  assert.deepEqual(
    [created?.['Name'], created?.['Mobile'], created?.['Email'], created?.['Gender'], created?.['Status']],
    ['张三', '13700000001', 'z@mail.example', '1', '4'],
  )
  assert.deepEqual(await news(), [
    { ChangeType: 'update_user', UserID: 'ZhangSan', Name: '张三丰', Status: '2' },
    {
      ChangeType: 'update_user',
      UserID: 'ZhangSan',
      Department: '2,23',
      MainDepartment: '2',
      IsLeaderInDept: '0,1',
    },
  ])
})

test('changes of one call are one event, changes of two calls are two', async (t) => {
  const { control, corpId, news, as, agentId } = await told(t, 'delegated')
  control.patchApp({ corpId, agentId: agentId('contacts-sync'), patch: { knownAddresses: 'any' } })
  // Ids that the system made up may be renamed over the API.
  const made = control.truth({ corpId }).members.find(({ userid }) => /^[A-Z][a-z]+[A-Z]/.test(userid))
  const patch = { userid: made?.userid, new_userid: 'once', name: '一次' }

  const answer = await as('contacts-sync').post('user/update', patch)
  const together = await news()
  control.patchMember({ corpId, userid: 'once', patch: { name: '二' } })
  control.renameMember({ corpId, userid: 'once', newUserid: 'again' })
  const apart = await news()

  assert.equal(answer['errcode'], 0)
  assert.deepEqual(together.map(Object.keys), [['ChangeType', 'UserID', 'NewUserID', 'Name']])
  assert.deepEqual(apart.map(Object.keys), [
    ['ChangeType', 'UserID', 'Name'],
    ['ChangeType', 'UserID', 'NewUserID'],
  ])
})

test('departments are told, an order alone is not', async (t) => {
  const { control, corpId, news } = await told(t, 'contacts-sync')

  const { id } = control.addDepartment({ corpId, department: { name: '新部门', parentid: 1, order: 5 } })
  control.patchDepartment({ corpId, id, patch: { order: 9 } })
  control.patchDepartment({ corpId, id, patch: { name: '部门' } })
  control.patchDepartment({ corpId, id, patch: { parentid: 2 } })
  control.removeDepartment({ corpId, id })
  control.changeSettings({ readings: { namesInReducedEvents: false } })
  const nameless = control.addDepartment({ corpId, department: { name: '无名', parentid: 1 } })
  control.patchDepartment({ corpId, id: nameless.id, patch: { name: '又无名' } })

  assert.deepEqual(await news(), [
    { ChangeType: 'create_party', Id: String(id), Name: '新部门', ParentId: '1', Order: '5' },
    { ChangeType: 'update_party', Id: String(id), Name: '部门' },
    { ChangeType: 'update_party', Id: String(id), ParentId: '2' },
    { ChangeType: 'delete_party', Id: String(id) },
    { ChangeType: 'create_party', Id: String(nameless.id), ParentId: '1', Order: '100000000' },
  ])
})

test('tags are told when who is in them changes', async (t) => {
  const { control, corpId, news } = await told(t, 'contacts-sync')
  const [first, second] = control.truth({ corpId }).members.map(({ userid }) => userid)
  assert.ok(first && second)

  control.changeTag({ corpId, tagid: 900, tagname: '值班', add: { userids: [first, second], departments: [2] } })
  control.changeTag({ corpId, tagid: 900, add: { userids: [first] } })
  control.changeTag({ corpId, tagid: 900, remove: { userids: [first, first], departments: [23, 2] } })

  const empty = { AddUserItems: '', DelUserItems: '', AddPartyItems: '', DelPartyItems: '' }
  assert.deepEqual(await news(), [
    { ChangeType: 'update_tag', TagId: '900', ...empty, AddUserItems: `${first},${second}`, AddPartyItems: '2' },
    { ChangeType: 'update_tag', TagId: '900', ...empty, DelUserItems: first, DelPartyItems: '2' },
  ])
  assert.throws(() => control.changeTag({ corpId, tagid: 900, add: { userids: ['nobody'] } }), /no member nobody/)
})

test('the assistant does not hear its own voice, but that of others', async (t) => {
  const { control, corpId, news, as, agentId } = await told(t, 'contacts-sync')
  control.patchApp({ corpId, agentId: agentId('contacts-sync'), patch: { knownAddresses: 'any' } })

  await as('contacts-sync').post('user/create', person)
  await as('contacts-sync').post('department/update', { id: 2, name: '自己改的' })
  const own = await news()
  await as('third-party-contacts').post('department/update', { id: 2, name: '别人改的' })
  await as('third-party-contacts').post('user/create', { ...person, userid: 'LiSi', mobile: '13700000002' })
  const others = await news()

  assert.deepEqual(own, [])
  assert.deepEqual(others, [
    { ChangeType: 'update_party', Id: '2', Name: '别人改的' },
    { ChangeType: 'create_user', UserID: 'LiSi', Department: '1' },
  ])
  assert.equal(control.truth({ corpId }).departments.find(({ id }) => id === 2)?.name, '别人改的')
})

test('a call that is refused tells nothing', async (t) => {
  const { control, corpId, news } = await told(t, 'contacts-sync')

  assert.throws(() => control.addMember({ corpId, member: { userid: 'X' } }))
  assert.throws(() => control.removeDepartment({ corpId, id: 1 }))

  assert.deepEqual(await news(), [])
})

test('a delegated app is told with encrypted ids what it was granted', async (t) => {
  const { control, corpId, news, agentId } = await told(t, 'delegated')
  const principal = { corpId, agentId: agentId('delegated') }
  const ids = () => control.viewAs(principal).members.map(({ userid }) => String(userid))

  control.addMember({ corpId, member: person })
  const id = ids().at(-1) ?? ''
  control.patchMember({ corpId, userid: 'ZhangSan', patch: { mobile: '13700000003' } })
  control.patchMember({ corpId, userid: 'ZhangSan', patch: { name: '张三丰' } })
  control.patchApp({ ...principal, patch: { grantedFields: ['name', 'mobile'], consents: ['ZhangSan'] } })
  control.patchMember({ corpId, userid: 'ZhangSan', patch: { mobile: '13700000004' } })
  control.renameMember({ corpId, userid: 'ZhangSan', newUserid: 'SanFeng' })
  const renamed = ids().at(-1) ?? ''
  control.removeMembers({ corpId, userids: ['SanFeng'] })

  const [created, ...rest] = await news()
  assert.match(id, /^wo/)
  assert.deepEqual(
    [created?.['UserID'], created?.['Name'], created?.['Mobile'], created?.['Department']],
    [id, '张三', undefined, '1'],
  )
  assert.deepEqual(rest, [
    { ChangeType: 'update_user', UserID: id, Name: '张三丰' },
    { ChangeType: 'update_user', UserID: id, Mobile: '13700000004' },
    { ChangeType: 'update_user', UserID: id, NewUserID: renamed },
    { ChangeType: 'delete_user', UserID: renamed },
  ])
})

test('an app is told of nothing outside its range; whoever moves out of it falls silent', async (t) => {
  const { control, corpId, news, agentId } = await told(t, 'delegated')
  const inside = control.addDepartment({ corpId, department: { name: '内', parentid: 1 } }).id
  const outside = control.addDepartment({ corpId, department: { name: '外', parentid: 1 } }).id
  const range = { departments: [inside], members: [], tags: [] }
  control.patchApp({ corpId, agentId: agentId('delegated'), patch: { range } })
  await news()
  const walk = async () => {
    control.addMember({ corpId, member: { ...person, department: [outside] } })
    control.patchMember({ corpId, userid: 'ZhangSan', patch: { department: [inside] } })
    control.patchMember({ corpId, userid: 'ZhangSan', patch: { department: [outside] } })
    control.removeMembers({ corpId, userids: ['ZhangSan'] })
    return (await news()).map(({ ChangeType }) => ChangeType)
  }

  const byRange = await walk()
  control.changeSettings({ readings: { movesAcrossRange: 'create-and-delete' } })
  const asPeople = await walk()
  control.patchDepartment({ corpId, id: outside, patch: { name: '更外' } })
  const below = control.addDepartment({ corpId, department: { name: '下', parentid: inside } }).id
  control.removeDepartment({ corpId, id: below })
  control.removeDepartment({ corpId, id: outside })
  const departments = (await news()).map(({ ChangeType, Id }) => `${ChangeType} ${Id}`)

  assert.deepEqual(byRange, ['update_user'])
  assert.deepEqual(asPeople, ['create_user', 'delete_user'])
  assert.deepEqual(departments, [`create_party ${below}`, `delete_party ${below}`])
})

test('the leaving of somebody who was in range by a tag alone is told', async (t) => {
  const { control, corpId, news, agentId } = await told(t, 'delegated')
  control.addMember({ corpId, member: person })
  control.changeTag({ corpId, tagid: 900, add: { userids: ['ZhangSan'] } })
  const range = { departments: [], members: [], tags: [900] }
  control.patchApp({ corpId, agentId: agentId('delegated'), patch: { range } })
  await news()

  control.renameMember({ corpId, userid: 'ZhangSan', newUserid: 'SanFeng' })
  control.removeMembers({ corpId, userids: ['SanFeng'] })

  assert.deepEqual(
    (await news()).map(({ ChangeType }) => ChangeType),
    ['update_user', 'delete_user'],
  )
})

test('self-built apps are told nothing, unless that reading is wanted', async (t) => {
  const { control, corpId, news } = await told(t, 'self-built')

  control.addMember({ corpId, member: person })
  const byDefault = await news()
  control.changeSettings({ readings: { eventsToSelfBuilt: true } })
  control.patchMember({ corpId, userid: 'ZhangSan', patch: { mobile: '13700000005' } })
  control.patchMember({ corpId, userid: 'ZhangSan', patch: { alias: '三' } })
  const switched = await news()

  assert.deepEqual(byDefault, [])
  assert.deepEqual(switched, [{ ChangeType: 'update_user', UserID: 'ZhangSan', Alias: '三' }])
})

test('disabled apps and companies that are gone hear nothing', async (t) => {
  const { control, corpId, news } = await told(t, 'contacts-sync')

  control.patchApp({ corpId, agentId: 0, patch: { isEnabled: false } })
  control.addMember({ corpId, member: person })
  control.patchApp({ corpId, agentId: 0, patch: { isEnabled: true } })
  control.patchCompany({ corpId, isAvailable: false })
  control.removeMembers({ corpId, userids: ['ZhangSan'] })

  assert.deepEqual(await news(), [])
})

test('a working day is told person by person, and the record finds each', async (t) => {
  const { control, corpId, news } = await told(t, 'contacts-sync', 'full')

  const { joined, left, moved, retitled, renamedDepartments } = control.churn({ corpId, percent: 60, seed: 'monday' })
  const said = (await news()).map(({ ChangeType, UserID, Id }) => `${ChangeType} ${UserID ?? Id}`)

  const expected = [
    ...joined.map((userid) => `create_user ${userid}`),
    ...left.map((userid) => `delete_user ${userid}`),
    ...[...moved, ...retitled].map((userid) => `update_user ${userid}`),
    ...renamedDepartments.map((id) => `update_party ${id}`),
  ]
  assert.deepEqual(said.sort(), expected.sort())
  assert.ok(expected.length >= 7)
  const [one] = control.deliveries({ event: 'update_user', object: `user ${retitled[0]}` })
  assert.equal(one?.outcome, 'delivered')
})

test('a third-party app is told by a command to its suite', async (t) => {
  const receiver = await startReceiver(t)
  const world = createWorld({ seed: '1', now: Date.now })
  t.after(() => world.sender.close())
  const control = createControl(world, [{ people: 12, seed: '1' }])
  const [company] = control.companies()
  const corpId = company?.corpId ?? ''
  const agentId = company?.apps.find(({ kind }) => kind === 'third-party')?.agentId ?? 0
  const suiteId = 'ww00000000000000aa'
  world.callbacks.put(corpId, agentId, {
    url: receiver.url,
    token,
    encodingAesKey,
    receiveId: suiteId,
    toUserName: suiteId,
    agentId: null,
    suite: { suiteId, authCorpId: 'wpCorp' },
  })

  control.addMember({ corpId, member: person })
  await control.deliveriesSettled()

  const message = receiver.messages()[0] ?? ''
  const fields = elements(message)
  assert.equal(receiver.received[0]?.receiveId, suiteId)
  assert.deepEqual(
    ['SuiteId', 'AuthCorpId', 'InfoType', 'ChangeType'].map((name) => fields[name]),
    [suiteId, 'wpCorp', 'change_contact', 'create_user'],
  )
  assert.match(fields['UserID'] ?? '', /^wo/)
  assert.deepEqual([fields['OpenUserID'], fields['Name']], [fields['UserID'], fields['UserID']])
  assert.equal(element(message, 'ToUserName'), undefined)
  assert.equal(control.deliveries({ corpId, agentId, object: 'user ZhangSan' })[0]?.outcome, 'delivered')
})

test('what XML cannot carry is left out of it, and the rest survives', () => {
  assert.equal(
    renderXml({ A: 'a\u0000b\u001Fc\uFFFEd\ne', B: 7, C: null, D: ['x', 'y'], E: { F: true } }),
    [
      '<xml><A><![CDATA[abcd\ne]]></A><B>7</B><C></C><D><![CDATA[x]]></D><D><![CDATA[y]]></D>',
      '<E><F><![CDATA[true]]></F></E></xml>',
    ].join(''),
  )
})
