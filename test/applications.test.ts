/** Applications as an administrator manages them over HTTP: their life, their secrets, and what may not be registered. */
import assert from 'node:assert/strict'
import {
  createApiToken,
  createApplication,
  createApplicationSecret,
  createConnection,
  deleteApplication,
  deleteApplicationSecret,
  deleteConnection,
  getApplication,
  listApplications,
  listApplicationSecrets,
  listAudit,
  updateApplication,
} from '@muster/contracts'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import { createClient } from './client.ts'
import { startStack } from './stack.ts'

onEitherDatabase(({ testWithUrl }) => {
  testWithUrl('an application is made, read, changed and deleted, and its secrets are shown once', async (url) => {
    await using stack = await startStack(url)
    const redirectUris = ['https://gitlab.example.com/users/auth/openid_connect/callback?x=1']

    const made = await stack.ask(createApplication, { body: { name: 'GitLab', redirectUris, connections: ['hq'] } })
    const { clientSecret, ...shown } = made
    const params = { id: made.id }
    const second = await stack.ask(createApplicationSecret, { params })
    const { items: secrets } = await stack.ask(listApplicationSecrets, { params })
    const firstPage = await stack.ask(listApplicationSecrets, { params, query: { limit: 1 } })
    const lastPage = await stack.ask(listApplicationSecrets, {
      params,
      query: { limit: 1, cursor: firstPage.nextCursor! },
    })
    const third = await stack.send(`/api/v1/applications/${made.id}/secrets`, { method: 'POST' })
    await stack.ask(deleteApplicationSecret, { params: { id: made.id, secretId: secrets[0]!.id } })
    const changed = await stack.ask(updateApplication, {
      params,
      body: { name: 'Git', claims: { groups: { form: 'path' } }, enabled: false },
    })
    const read = await stack.ask(getApplication, { params })
    const listed = await stack.ask(listApplications, { query: { q: 'git' } })
    const { items: audit } = await stack.ask(listAudit, {})
    await stack.ask(deleteApplication, { params })

    assert.deepEqual(shown, {
      id: made.id,
      organizationId: made.organizationId,
      name: 'GitLab',
      clientId: made.clientId,
      public: false,
      redirectUris,
      postLogoutRedirectUris: [],
      backchannelLogoutUri: null,
      connections: ['hq'],
      skipSignInPage: false,
      passwordSignIn: true,
      mobile: false,
      pkceRequired: false,
      claims: {
        scopes: ['profile', 'email', 'phone', 'groups', 'wecom'],
        groups: { form: 'name', prefix: '', include: [] },
      },
      logoUrl: null,
      enabled: true,
      createdAt: made.createdAt,
      updatedAt: made.updatedAt,
    })
    assert.notEqual(second.clientSecret, clientSecret)
    assert.deepEqual(
      [firstPage, lastPage].map(({ items, nextCursor, total }) => [items[0]!.id, nextCursor === null, total]),
      [
        [secrets[0]!.id, false, 2],
        [second.id, true, 2],
      ],
    )
    assert.deepEqual([third.status, third.json['code']], [409, 'applications/too-many-secrets'])
    assert.deepEqual(changed, {
      ...shown,
      name: 'Git',
      claims: { ...shown.claims, groups: { form: 'path', prefix: '', include: [] } },
      enabled: false,
      updatedAt: changed.updatedAt,
    })
    assert.deepEqual([read, listed.items], [changed, [changed]])
    const spoken = JSON.stringify([read, listed, secrets, audit, third.text])
    for (const secret of [clientSecret!, second.clientSecret]) assert.ok(!spoken.includes(secret))
    assert.deepEqual(
      audit.filter(({ target }) => target?.id === made.id).map(({ action }) => action),
      ['application.update', 'application.secret-delete', 'application.secret-create', 'application.create'],
    )
    assert.equal((await stack.send(`/api/v1/applications/${made.id}`)).json['code'], 'applications/not-found')
  })

  testWithUrl('addresses that would let somebody else in are refused by the field', async (url) => {
    await using stack = await startStack(url)
    const post = (body: object) =>
      stack.send('/api/v1/applications', {
        method: 'POST',
        body: JSON.stringify({ name: 'GitLab', ...body }),
        headers: { 'content-type': 'application/json' },
      })
    const refusals: [body: object, path: string][] = [
      [{ redirectUris: ['https://gitlab.example.com/cb', 'https://*.example.com/cb'] }, 'redirectUris.1'],
      [{ redirectUris: ['javascript:alert(1)'] }, 'redirectUris.0'],
      [{ redirectUris: ['com.example.app:/callback'] }, 'redirectUris.0'],
      [{ postLogoutRedirectUris: ['http://gitlab.example.com/'] }, 'postLogoutRedirectUris.0'],
      [{ backchannelLogoutUri: 'http://169.254.169.254/latest' }, 'backchannelLogoutUri'],
      [{ logoUrl: 'data:image/svg+xml,<svg/>' }, 'logoUrl'],
      [{ redirectUri: 'https://gitlab.example.com/cb' }, 'redirectUri'],
    ]

    for (const [body, path] of refusals) {
      const answer = await post(body)

      assert.deepEqual([answer.status, answer.json['code']], [400, 'http/validation'], path)
      assert.deepEqual(
        (answer.json['fields'] as { path: string }[]).map((field) => field.path),
        [path],
      )
    }
    assert.equal((await stack.ask(listApplications, {})).total, 0)
  })

  testWithUrl('a connection that is removed leaves every application, in its order', async (url) => {
    await using stack = await startStack(url)
    await stack.ask(createConnection, { body: { identifier: 'branch' } })
    await stack.ask(createConnection, { body: { identifier: 'lab' } })
    const body = { name: 'GitLab', connections: ['lab', 'branch', 'hq'] }
    const { id, connections } = await stack.ask(createApplication, { body })

    await stack.ask(deleteConnection, { params: { id: 'branch' }, query: { confirm: 'branch' } })

    assert.deepEqual(connections, body.connections)
    assert.deepEqual((await stack.ask(getApplication, { params: { id } })).connections, ['lab', 'hq'])
  })

  testWithUrl('only an owner changes applications, an auditor sees them', async (url) => {
    await using stack = await startStack(url)
    const { id } = await stack.ask(createApplication, { body: { name: 'GitLab' } })
    const { token } = await stack.ask(createApiToken, { body: { name: 'runner', role: 'operator' } })
    const operator = createClient(stack.server.origin, token)

    for (const [method, path] of [
      ['POST', ''],
      ['PATCH', `/${id}`],
      ['DELETE', `/${id}`],
      ['POST', `/${id}/secrets`],
      ['DELETE', `/${id}/secrets/sec_x`],
    ] as const) {
      const answer = await operator.send(`/api/v1/applications${path}`, { method })

      assert.deepEqual([answer.status, answer.json['code']], [403, 'auth/forbidden'], `${method} ${path}`)
    }
    assert.equal((await operator.ask(listApplications, {})).total, 1)
    assert.equal((await operator.ask(listApplicationSecrets, { params: { id } })).total, 1)
  })
})
