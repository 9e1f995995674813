import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'

import { rows, stage } from '../../test-client.ts'
import type { Json } from '../../test-client.ts'

async function writing(t: TestContext, people = 12) {
  const staged = await stage(t, { people })
  staged.control.patchApp({ corpId: staged.corpId, agentId: 0, patch: { knownAddresses: 'any' } })
  const writer = staged.as('contacts-sync')
  const code = async (endpoint: string, body: Json) => (await writer.post(endpoint, body))['errcode']
  return { ...staged, writer, code }
}

const zhang = { userid: 'ZhangSan', name: '张三', department: [1], mobile: '+86 13700000001' }

test('a member is created, read, changed and deleted', async (t) => {
  const { writer } = await writing(t)

  const created = await writer.post('user/create', { ...zhang, position: '工程师', order: [9] })
  const read = await writer.get('user/get', { userid: 'zhangsan' })
  const updated = await writer.post('user/update', { userid: 'zhangsan', position: '经理', enable: 0 })
  const again = await writer.get('user/get', { userid: 'zhangsan' })
  const deleted = await writer.get('user/delete', { userid: 'zhangsan' })
  const gone = await writer.get('user/get', { userid: 'zhangsan' })

  assert.deepEqual([created['errcode'], created['errmsg']], [0, 'created'])
  assert.deepEqual(
    [read['userid'], read['mobile'], read['status'], read['order']],
    ['ZhangSan', '13700000001', 4, [9]],
    'a mainland number loses its country code, a newcomer is not activated',
  )
  assert.equal(updated['errmsg'], 'updated')
  assert.deepEqual([again['position'], again['status'], again['enable']], ['经理', 2, 0])
  assert.equal(deleted['errmsg'], 'deleted')
  assert.equal(gone['errcode'], 60111)
})

test('every rule about members has its error', async (t) => {
  const { code, control, corpId } = await writing(t)
  const taken = control.truth({ corpId }).members.find(({ mobile, email, biz_mail }) => mobile && email && biz_mail)
  const cases: [Json, number][] = [
    [{ ...zhang, userid: '-bad' }, 40003],
    [{ ...zhang, userid: taken?.userid.toUpperCase() }, 60102],
    [{ ...zhang, name: '' }, 60112],
    [{ ...zhang, mobile: '' }, 60129],
    [{ ...zhang, mobile: 'abc' }, 60103],
    [{ ...zhang, mobile: taken?.mobile }, 60104],
    [{ ...zhang, email: 'no' }, 60105],
    [{ ...zhang, email: taken?.email.toUpperCase() }, 60106],
    [{ ...zhang, biz_mail: 'no' }, 60141],
    [{ ...zhang, biz_mail: taken?.biz_mail }, 60142],
    [{ ...zhang, department: [9_999] }, 60123],
    [{ ...zhang, department: [] }, 40066],
    [{ ...zhang, department: Array.from({ length: 101 }, () => 1) }, 60110],
    [{ ...zhang, is_leader_in_dept: [1, 0] }, 60132],
    [{ ...zhang, direct_leader: ['nobody'] }, 60111],
    [{ ...zhang, direct_leader: Array.from({ length: 6 }, () => 'x') }, 60257],
  ]

  for (const [member, expected] of cases) {
    assert.equal(await code('user/create', member), expected, JSON.stringify(member).slice(0, 200))
  }
  assert.equal(await code('user/create', zhang), 0, 'the member all the cases were made from is good')
})

test('a member without a department lands in one that is made for it', async (t) => {
  const { writer } = await writing(t)

  const created = await writer.post('user/create', { userid: 'a1', name: '甲', email: 'a1@mail.example' })
  const member = await writer.get('user/get', { userid: 'a1' })

  const { department_info } = created['created_department_list'] as { department_info: Json[] }
  assert.deepEqual(member['department'], [department_info[0]?.['id']])
})

test('an activated member keeps the mobile, an unknown attribute is dropped, both without a word', async (t) => {
  const { writer, control, corpId } = await writing(t)
  const active = control.truth({ corpId }).members.find(({ status, mobile }) => status === 1 && mobile)
  const userid = active?.userid ?? ''
  const attrs = [
    { type: 0, name: '工号', text: { value: '7' } },
    { type: 0, name: '星座', text: { value: '狮子' } },
  ]

  const updated = await writer.post('user/update', { userid, mobile: '13700000009', extattr: { attrs } })
  const member = await writer.get('user/get', { userid })

  assert.equal(updated['errcode'], 0)
  assert.equal(member['mobile'], active?.mobile)
  assert.deepEqual(member['extattr'], { attrs: attrs.slice(0, 1) })
})

test('only an id made by the system is renamed, once, and leaders follow', async (t) => {
  const { writer, control, corpId, code } = await writing(t, 300)
  const { members } = control.truth({ corpId })
  const leader = members.find(
    ({ userid }) =>
      /^[A-Z][a-z]+[A-Z]/.test(userid) && members.some(({ direct_leader }) => direct_leader.includes(userid)),
  )
  const userid = leader?.userid ?? ''
  const follower = members.find(({ direct_leader }) => direct_leader.includes(userid))
  const ordinary = members.find((member) => member !== follower && /^[a-z]+$/.test(member.userid))

  const renamed = await writer.post('user/update', { userid, new_userid: 'renamed.one' })
  const again = await code('user/update', { userid: 'renamed.one', new_userid: 'renamed.two' })
  const refused = await code('user/update', { userid: ordinary?.userid ?? '', new_userid: 'renamed.three' })

  assert.equal(renamed['errcode'], 0)
  assert.equal(again, 301036)
  assert.equal(refused, 301036)
  assert.deepEqual((await writer.get('user/get', { userid: follower?.userid ?? '' }))['direct_leader'], ['renamed.one'])
  assert.equal((await writer.get('user/get', { userid }))['errcode'], 60111)
})

test('one bad id fails a whole batch', async (t) => {
  const { writer, control, corpId, code } = await writing(t)
  const userids = control.truth({ corpId }).members.map(({ userid }) => userid)

  const refused = await code('user/batchdelete', { useridlist: [...userids.slice(0, 2), 'nobody'] })
  const kept = control.truth({ corpId }).members.length
  const tooMany = await code('user/batchdelete', { useridlist: Array.from({ length: 201 }, () => 'x') })
  const done = await writer.post('user/batchdelete', { useridlist: userids.slice(0, 2) })

  assert.deepEqual([refused, kept, tooMany, done['errmsg']], [60111, 12, 40032, 'deleted'])
  assert.equal(control.truth({ corpId }).members.length, 10)
})

test('departments are created, moved and deleted by the rules', async (t) => {
  const { writer, code } = await writing(t)
  const created = await writer.post('department/create', { name: '新部门', parentid: 1 })
  const id = Number(created['id'])
  const child = Number((await writer.post('department/create', { name: '子部门', parentid: id }))['id'])
  const remove = async (which: number) => (await writer.get('department/delete', { id: which }))['errcode']

  assert.equal(created['errmsg'], 'created')
  assert.equal(await code('department/create', { name: '新部门', parentid: 1 }), 60008)
  assert.equal(
    await code('department/create', { name: '新部门', parentid: id }),
    0,
    'the name is free under another parent',
  )
  assert.equal(await code('department/create', { name: '', parentid: 1 }), 60001)
  assert.equal(await code('department/create', { name: '长'.repeat(65), parentid: 1 }), 60001)
  assert.equal(await code('department/create', { name: 'a:b', parentid: 1 }), 60009)
  assert.equal(await code('department/create', { name: 'x', parentid: 9_999 }), 60004)
  assert.equal(await code('department/create', { name: 'x', parentid: 1, id: 1 }), 60123)
  assert.equal(await code('department/create', { name: 'x', parentid: 1, order: 2 ** 32 }), 40058)
  assert.equal(await code('department/update', { id, parentid: child }), 60010)
  assert.equal(await code('department/update', { id: 9_999, name: 'x' }), 60003)
  assert.equal(await remove(1), 60007)
  assert.equal(await remove(id), 60006)
  await writer.post('user/create', { ...zhang, department: [child] })
  assert.equal(await remove(child), 60005)
  await writer.get('user/delete', { userid: zhang.userid })
  assert.equal(await remove(child), 0)
})

test('a tree of 15 levels is the deepest', async (t) => {
  const { writer } = await writing(t)
  let parentid = 1
  for (let level = 2; level <= 15; level++) {
    parentid = Number((await writer.post('department/create', { name: `第${level}级`, parentid }))['id'])
  }

  const tooDeep = await writer.post('department/create', { name: '第16级', parentid })

  assert.equal(tooDeep['errcode'], 81002)
})

test('who may write is decided by kind and setting', async (t) => {
  const { control, corpId, as, code } = await writing(t)
  const member = { ...zhang, userid: 'other1', mobile: '13700000002' }

  assert.equal((await as('self-built').post('user/create', member))['errcode'], 48002)
  assert.equal((await as('third-party-contacts').post('user/create', member))['errcode'], 0)
  control.patchApp({ corpId, agentId: 0, patch: { canWrite: false } })
  assert.equal(await code('user/create', zhang), 48002)
})

test('a contacts app sees the name of a member it created, and of nobody else', async (t) => {
  const { as } = await writing(t)
  const app = as('third-party-contacts')
  await app.post('user/create', zhang)

  const members = rows(await app.get('user/list', { department_id: 1 }), 'userlist')

  assert.deepEqual(
    members.map(({ name }) => name).filter((name) => name !== undefined),
    ['张三'],
  )
})

test('tags are made, filled, read and protected', async (t) => {
  const { writer, as, control, corpId } = await writing(t)
  const [member] = control.truth({ corpId }).members
  const app = as('self-built')
  const made = await app.post('tag/create', { tagname: '班组长' })
  const tagid = Number(made['tagid'])

  const filled = await app.post('tag/addtagusers', { tagid, userlist: [member?.userid, 'nobody'], partylist: [1] })
  const read = await app.get('tag/get', { tagid })
  const foreign = await as('system').post('tag/update', { tagid, tagname: '别的' })
  const hidden = await as('third-party').get('tag/get', { tagid })
  control.changeSettings({ readings: { tagWritesByApps: 'refused' } })
  const byMatrix = await app.post('tag/update', { tagid, tagname: '班长' })
  control.changeSettings({ readings: { tagWritesByApps: 'own' } })
  const nothing = await app.post('tag/deltagusers', { tagid, userlist: ['nobody'] })
  const deleted = await writer.get('tag/delete', { tagid })

  assert.deepEqual([made['errmsg'], filled['invalidlist']], ['created', 'nobody'])
  assert.deepEqual(read['userlist'], [{ userid: member?.userid, name: member?.name }])
  assert.deepEqual(read['partylist'], [1])
  assert.deepEqual([foreign['errcode'], hidden['errcode'], nothing['errcode']], [81011, 40068, 40031])
  assert.equal(byMatrix['errcode'], 48002)
  assert.equal(deleted['errmsg'], 'deleted')
  assert.equal((await app.get('tag/get', { tagid }))['errcode'], 40068)
})
