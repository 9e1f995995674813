/** The calls of a service provider as a whole. */

import assert from 'node:assert/strict'
import { after, test } from 'node:test'

import { createHurriedClock } from '../test/clock.ts'
import { startServer } from '../test/local-server.ts'
import { createWecom } from './index.ts'

const cleanUps: (() => Promise<void>)[] = []
after(() => Promise.all(cleanUps.map((cleanUp) => cleanUp())))

/** get_provider_token answers P1, P2 …, without errcode as it has been seen. */
async function providerThatIsAnswered(answers: Record<string, unknown>) {
  const server = await startServer(({ api, earlier }) =>
    api === 'service/get_provider_token'
      ? { provider_access_token: `P${earlier + 1}`, expires_in: 7200 }
      : answers[api],
  )
  const wecom = createWecom({ apiUrl: server.url, ...createHurriedClock() })
  cleanUps.push(() => wecom.close(), server.close)
  return { server, provider: wecom.provider({ corpId: 'ww-provider', secret: 'provider-secret' }) }
}

test('who signed in by the older page, which wants the token under another name', async () => {
  const { server, provider } = await providerThatIsAnswered({
    'service/get_login_info': {
      usertype: 5,
      user_info: { userid: 'zhangsan', open_userid: 'wo1', name: 'zhangsan', avatar: 'https://x' },
      corp_info: { corpid: 'wpk1' },
    },
  })

  assert.deepEqual(await provider.loginInfo('AUTH'), {
    identity: {
      kind: 'member',
      corpId: 'wpk1',
      userid: 'zhangsan',
      openUserid: 'wo1',
      userTicket: undefined,
      userTicketExpiresInSeconds: undefined,
    },
    role: 'member',
    name: 'zhangsan',
    avatar: 'https://x',
  })

  const [token, call] = server.asked
  assert.deepEqual(token?.body, { corpid: 'ww-provider', provider_secret: 'provider-secret' })
  assert.deepEqual(call?.body, { auth_code: 'AUTH' })
  assert.equal(call?.query.get('access_token'), 'P1')
  assert.equal(call?.query.get('provider_access_token'), null)
})

test('an administrator who is in no address book is no member', async () => {
  for (const user_info of [undefined, {}, { userid: '' }]) {
    const { provider } = await providerThatIsAnswered({
      'service/get_login_info': {
        errcode: 0,
        usertype: 3,
        user_info,
        corp_info: { corpid: 'wpk1' },
        agent: [{ agentid: 1, auth_type: 1 }, { auth_type: 1 }],
      },
    })

    const login = await provider.loginInfo('AUTH')

    assert.deepEqual(login.identity, { kind: 'outsider' })
    assert.equal(login.role, 'external-administrator')
    assert.deepEqual(login.agents, [{ agentId: 1, canManage: true }])
  }
})

test('a login without its company is a failed call', async () => {
  const { provider } = await providerThatIsAnswered({
    'service/get_login_info': { errcode: 0, usertype: 5, user_info: { userid: 'zhangsan' } },
  })

  await assert.rejects(provider.loginInfo('AUTH'), { code: 'WECOM_ANSWER_INCOMPLETE' })
})

test('a used code means to start again, and is not sent twice', async () => {
  const { server, provider } = await providerThatIsAnswered({
    'service/get_login_info': { errcode: 40078, errmsg: 'invalid auth_code' },
  })

  await assert.rejects(provider.loginInfo('AUTH'), { code: 'WECOM_CODE_REJECTED' })

  assert.equal(server.count('service/get_login_info'), 1)
})

test('a page for delegated apps, and the id of a company for the provider', async () => {
  const { server, provider } = await providerThatIsAnswered({
    'service/get_customized_auth_url': {
      errcode: 0,
      qrcode_url: 'https://open.work.weixin.qq.com/x',
      expires_in: 864000,
    },
    'service/corpid_to_opencorpid': { errcode: 0, open_corpid: 'wpk1' },
  })

  assert.deepEqual(await provider.customizedAuthUrl({ state: 'abc', templateIds: ['dk1'] }), {
    url: 'https://open.work.weixin.qq.com/x',
    expiresInSeconds: 864_000,
  })
  assert.equal(await provider.openCorpId('ww1'), 'wpk1')

  assert.deepEqual(
    server.asked.map(({ body }) => body),
    [
      { corpid: 'ww-provider', provider_secret: 'provider-secret' },
      { state: 'abc', templateid_list: ['dk1'] },
      { corpid: 'ww1' },
    ],
  )
  assert.deepEqual(
    server.asked.map(({ query }) => query.get('provider_access_token')),
    [null, 'P1', 'P1'],
  )
})

test('a provider token that dies early is replaced', async () => {
  for (const errcode of [40014, 42001, 40082]) {
    let rejections = 1
    const answers = {
      get 'service/corpid_to_opencorpid'() {
        return rejections-- > 0 ? { errcode } : { errcode: 0, open_corpid: 'wpk1' }
      },
    }
    const { server, provider } = await providerThatIsAnswered(answers)

    assert.equal(await provider.openCorpId('ww1'), 'wpk1')

    assert.equal(server.count('service/get_provider_token'), 2)
  }
})

test('empty arguments are refused and nothing is sent', async () => {
  const { server, provider } = await providerThatIsAnswered({})

  await assert.rejects(provider.loginInfo(''), { code: 'WECOM_ARGUMENT_INVALID' })
  await assert.rejects(provider.openCorpId(''), { code: 'WECOM_ARGUMENT_INVALID' })
  await assert.rejects(provider.customizedAuthUrl({ state: 'a', templateIds: [] }), { code: 'WECOM_ARGUMENT_INVALID' })

  assert.deepEqual(server.asked, [])
  const wecom = createWecom({ apiUrl: server.url })
  cleanUps.push(() => wecom.close())
  assert.throws(() => wecom.provider({ corpId: '', secret: 'x' }), { code: 'WECOM_ARGUMENT_INVALID' })
  assert.throws(() => wecom.provider({ corpId: 'x', secret: '' }), { code: 'WECOM_ARGUMENT_INVALID' })
})
