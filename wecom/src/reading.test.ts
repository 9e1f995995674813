/** The smaller interfaces: the app, tags, ids, addresses and sign-in. */

import assert from 'node:assert/strict'
import { after, test } from 'node:test'

import { createHurriedClock } from '../test/clock.ts'
import { startServer } from '../test/local-server.ts'
import { createWecom } from './index.ts'
import type { Principal } from './index.ts'

const cleanUps: (() => Promise<void>)[] = []
after(() => Promise.all(cleanUps.map((cleanUp) => cleanUp())))

async function principalFor(answers: Record<string, unknown>) {
  const server = await startServer(({ api }) => answers[api])
  const wecom = createWecom({ apiUrl: server.url, ...createHurriedClock() })
  cleanUps.push(() => wecom.close(), server.close)
  return { server, principal: wecom.principal({ corpId: 'ww1', secret: 's', agentId: '1000002' }) }
}

test('the app tells its visible range, and what it does not use is empty', async () => {
  const { principal } = await principalFor({
    'agent/get': {
      errcode: 0,
      agentid: 1000002,
      name: 'Directory',
      allow_userinfos: { user: [{ userid: 'a' }, { userid: 7 }] },
      allow_partys: { partyid: [1, '2'] },
      close: 0,
      redirect_domain: '',
    },
  })

  const agent = await principal.agent.get()

  assert.deepEqual(agent.allowedUserids, ['a', '7'])
  assert.deepEqual(agent.allowedDepartmentIds, [1, 2])
  assert.deepEqual(agent.allowedTagIds, [])
  assert.equal(agent.isClosed, false)
  assert.equal(agent.redirectDomain, '')
})

for (const [what, answer] of [
  ['no range at all', { errcode: 0, name: 'x' }],
  ['a range that is not a list', { errcode: 0, allow_partys: { partyid: 'all' } }],
  ['an unreadable department', { errcode: 0, allow_partys: { partyid: [1, {}] } }],
] as [string, unknown][]) {
  test(`an app with ${what} is a failed call, not an app that sees nobody`, async () => {
    const { principal } = await principalFor({ 'agent/get': answer })

    await assert.rejects(principal.agent.get(), { code: 'WECOM_ANSWER_INCOMPLETE' })
  })
}

test('tags and their content', async () => {
  const { principal } = await principalFor({
    'tag/list': { errcode: 0, taglist: [{ tagid: 1, tagname: 'Staff' }] },
    'tag/get': { errcode: 0, tagname: 'Staff', userlist: [{ userid: 'a', name: 'A' }, {}], partylist: [2] },
  })

  assert.deepEqual(await principal.tags.list(), [{ id: 1, name: 'Staff' }])
  assert.deepEqual(await principal.tags.get(1), {
    name: 'Staff',
    members: [{ userid: 'a', name: 'A' }],
    departmentIds: [2],
    rejected: [{ reason: 'no usable userid' }],
  })
})

test('a tag without one of its lists is a failed call', async () => {
  const { principal } = await principalFor({ 'tag/get': { errcode: 0, userlist: [] }, 'tag/list': { errcode: 0 } })

  await assert.rejects(principal.tags.get(1), { code: 'WECOM_ANSWER_INCOMPLETE' })
  await assert.rejects(principal.tags.list(), { code: 'WECOM_ANSWER_INCOMPLETE' })
})

test('ids are translated a thousand at a time', async () => {
  const { server, principal } = await principalFor({
    'batch/userid_to_openuserid': {
      errcode: 0,
      open_userid_list: [{ userid: 'a', open_userid: 'oa' }],
      invalid_userid_list: ['x'],
    },
  })

  const { pairs, invalid } = await principal.ids.toOpenUserid(Array.from({ length: 1001 }, (_, index) => `u${index}`))

  assert.deepEqual([pairs.length, invalid.length, server.count('batch/userid_to_openuserid')], [2, 2, 2])
})

test('addresses of the API and of callbacks', async () => {
  const { principal } = await principalFor({
    get_api_domain_ip: { errcode: 0, ip_list: ['1.2.3.4'] },
    getcallbackip: { errcode: 0, ip_list: ['101.226.103.*'] },
  })

  assert.deepEqual(await principal.apiDomainAddresses(), ['1.2.3.4'])
  assert.deepEqual(await principal.callbackAddresses(), ['101.226.103.*'])
})

const member = { kind: 'member', userid: 'a', userTicket: undefined, userTicketExpiresInSeconds: undefined }

for (const [what, answer, identity] of [
  ['a member', { errcode: 0, userid: 'a' }, member],
  ['a member in the old spelling', { errcode: 0, UserId: 'a', DeviceId: 'd' }, member],
  [
    'a member with a ticket',
    { errcode: 0, userid: 'a', user_ticket: 't', expires_in: 1800 },
    { ...member, userTicket: 't', userTicketExpiresInSeconds: 1800 },
  ],
  [
    'a member of a connected company',
    { errcode: 0, userid: 'wwB/admin' },
    { kind: 'partner-member', corpId: 'wwB', userid: 'admin' },
  ],
  ['somebody else', { errcode: 0, openid: 'o' }, { kind: 'outsider', openid: 'o', externalUserid: undefined }],
  [
    'somebody else in the old spelling, with an empty userid',
    { errcode: 0, UserId: '', OpenId: 'o', external_userid: 'e' },
    { kind: 'outsider', openid: 'o', externalUserid: 'e' },
  ],
] as [string, unknown, Awaited<ReturnType<Principal['auth']['userInfo']>>][]) {
  test(`a sign-in code of ${what}`, async () => {
    const { principal } = await principalFor({ 'auth/getuserinfo': answer })

    assert.deepEqual(await principal.auth.userInfo('code'), identity)
  })
}

test('a sign-in answer that names nobody is a failed call', async () => {
  const { principal } = await principalFor({ 'auth/getuserinfo': { errcode: 0, errmsg: 'ok' } })

  await assert.rejects(principal.auth.userInfo('code'), { code: 'WECOM_ANSWER_INCOMPLETE' })
})

test('the old path is used when asked for', async () => {
  const { server, principal } = await principalFor({ 'user/getuserinfo': { UserId: 'a' } })

  await principal.auth.userInfo('code', { legacy: true })

  assert.equal(server.count('user/getuserinfo'), 1)
})

for (const errcode of [40029, 42003, 42022]) {
  test(`${errcode} means that the sign-in must start again`, async () => {
    const { server, principal } = await principalFor({ 'auth/getuserinfo': { errcode } })

    await assert.rejects(principal.auth.userInfo('code'), { code: 'WECOM_CODE_REJECTED', kind: 'sign-in' })

    assert.equal(server.count('auth/getuserinfo'), 1)
  })
}

test('details after consent', async () => {
  const { server, principal } = await principalFor({
    'auth/getuserdetail': { errcode: 0, userid: 'a', gender: '0', mobile: '13800000000', avatar: '' },
  })

  const detail = await principal.auth.userDetail('ticket')

  assert.deepEqual(
    [detail.gender, detail.mobile, detail.avatar, detail.email],
    ['unknown', '13800000000', '', undefined],
  )
  assert.deepEqual(server.asked[1]?.body, { user_ticket: 'ticket' })
})
