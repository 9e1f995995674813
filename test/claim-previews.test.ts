/** What an application would be told about a person is what it is told when that person signs in. */
import assert from 'node:assert/strict'
import {
  createApplication,
  createOrganization,
  createUser,
  deleteUser,
  listOrganizations,
  listUsers,
  previewClaims,
  updateApplication,
  updateConnection,
  updateOrganization,
  updateUser,
} from '@muster/contracts'
import * as client from 'openid-client'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import { createClient } from './client.ts'
import { startProviderStack } from './provider-stack.ts'
import { BOOTSTRAP_TOKEN } from './server.ts'
import { createVisitor } from './visitor.ts'

const REDIRECT = 'https://app.example.com/callback'
/** What belongs to one token and not to a person. */
const OF_ONE_TOKEN = ['exp', 'iat', 'nonce', 'auth_time', 'sid', 'at_hash', 'jti']

onEitherDatabase(({ testWithUrl }) => {
  for (const scope of ['openid profile email phone groups wecom', 'openid email', 'openid profile payroll']) {
    testWithUrl(`the preview of “${scope}” is what a sign-in tells`, async (url) => {
      await using stack = await startProviderStack(url)
      await stack.syncOnce()
      const member = stack.someone()
      const user = (await stack.ask(listUsers, { query: { q: member.userid } })).items[0]!
      const { id, clientId, clientSecret } = await stack.ask(createApplication, {
        body: {
          name: 'App',
          redirectUris: [REDIRECT],
          connections: ['hq'],
          claims: { scopes: ['profile', 'email', 'groups', 'wecom'], groups: { form: 'path', prefix: 'w:' } },
        },
      })

      const preview = await stack.ask(previewClaims, { params: { id }, body: { userId: user.id, scope } })

      const config = await client.discovery(new URL(stack.issuer), clientId, clientSecret!, undefined, {
        execute: [client.allowInsecureRequests],
      })
      await using visitor = createVisitor({ onAddress: stack.scansAs(member.userid) })
      const codeVerifier = client.randomPKCECodeVerifier()
      const address = client.buildAuthorizationUrl(config, {
        redirect_uri: REDIRECT,
        scope,
        connection: 'hq',
        code_challenge: await client.calculatePKCECodeChallenge(codeVerifier),
        code_challenge_method: 'S256',
      })
      const page = await visitor.follow(address)
      const back = await visitor.follow(stack.hrefIn(page, '/go?connection=hq'), REDIRECT)
      const tokens = await client.authorizationCodeGrant(config, back.location!, { pkceCodeVerifier: codeVerifier })
      const idToken = Object.fromEntries(
        Object.entries(tokens.claims()!).filter(([name]) => !OF_ONE_TOKEN.includes(name)),
      )
      assert.deepEqual(preview.idToken, idToken)
      assert.deepEqual(preview.userinfo, { ...(await client.fetchUserInfo(config, tokens.access_token, user.id)) })
      assert.deepEqual(preview.scopes.toSorted(), tokens.scope!.split(' ').toSorted())
      assert.deepEqual([preview.admitted, preview.refusal], [true, null])
    })
  }

  testWithUrl('whoever could not sign in is refused with the reason, and told about only while active', async (url) => {
    await using stack = await startProviderStack(url)
    await stack.syncOnce()
    const chinese = createClient(stack.server.origin, BOOTSTRAP_TOKEN, 'zh-CN')
    const member = stack.someone()
    const user = (await stack.ask(listUsers, { query: { q: member.userid } })).items[0]!
    const [organization] = (await stack.ask(listOrganizations, {})).items
    await stack.ask(updateOrganization, { params: organization!, body: { builtInUsersAllowed: true } })
    const create = (username: string, password: string | null) =>
      stack.ask(createUser, { body: { username, displayName: username, password } })
    const withPassword = await create('with-password', 'correct horse battery')
    const withNothing = await create('with-nothing', null)
    const { id } = await stack.ask(createApplication, {
      body: { name: 'App', redirectUris: [REDIRECT], connections: ['hq'] },
    })
    const preview = ({ id: userId }: { id: typeof user.id }) =>
      stack.ask(previewClaims, { params: { id }, body: { userId } })
    const why = async (one: { id: typeof user.id }) => (await preview(one)).refusal?.code ?? null

    assert.deepEqual(await Promise.all([user, withPassword, withNothing].map(why)), [null, null, 'not-linked'])
    assert.equal((await preview(withNothing)).userinfo!['preferred_username'], 'with-nothing')

    await stack.ask(updateApplication, { params: { id }, body: { passwordSignIn: false } })
    assert.equal(await why(withPassword), 'not-linked')
    await stack.ask(updateConnection, { params: { id: 'hq' }, body: { signIn: { enabled: false } } })
    assert.equal(await why(user), 'sign-in-off')
    await stack.ask(updateConnection, { params: { id: 'hq' }, body: { signIn: { enabled: true } } })

    await stack.ask(updateUser, { params: user, body: { status: 'disabled' } })
    const disabled = await preview(user)
    assert.deepEqual(
      [disabled.admitted, disabled.refusal?.code, disabled.idToken, disabled.userinfo],
      [false, 'disabled', null, null],
    )
    const told = await chinese.ask(previewClaims, { params: { id }, body: { userId: user.id } })
    assert.match(told.refusal!.title + told.refusal!.detail, /\p{Script=Han}/u)
    await stack.ask(deleteUser, { params: user })
    assert.equal(await why(user), 'deleted')
    await stack.ask(updateApplication, { params: { id }, body: { enabled: false } })
    assert.equal(await why(withPassword), 'application-disabled')

    const elsewhere = await stack.ask(createOrganization, {
      body: { slug: 'branch', name: '分公司', builtInUsersAllowed: true },
    })
    const stranger = await stack.ask(createUser, {
      body: { organizationId: elsewhere.id, username: 'stranger', displayName: '外人' },
    })
    await assert.rejects(preview(stranger), { code: 'users/not-found' })
  })
})
