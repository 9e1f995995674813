import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import {
  createAdministrator,
  createApiToken,
  createDepartment,
  createLink,
  createOrganization,
  createUser,
  deleteAdministrator,
  deleteApiToken,
  deleteDepartment,
  deleteLink,
  deleteOrganization,
  deleteUser,
  getDepartment,
  getOrganization,
  getUser,
  listAdministrators,
  listApiTokens,
  listAudit,
  listDepartments,
  listLinks,
  listOrganizations,
  listUsers,
  restoreUser,
  updateAdministrator,
  updateDepartment,
  updateOrganization,
  updateUser,
  type Endpoint,
  type Result,
  type Role,
} from '@muster/contracts'
import { onEachDatabase } from '../../test-support/databases.ts'
import { ACTOR, createDirectory } from '../../test-support/directory.ts'
import { createConnections } from '../connections/connections.ts'
import type { Database } from '../database/database.ts'
import { createIds } from '../ids.ts'
import { Secret } from '../secret.ts'
import { createVault } from '../vault.ts'
import { administratorRoutes } from './administrators.ts'
import { apiTokenRoutes } from './api-tokens.ts'
import { auditRoutes } from './audit.ts'
import { departmentRoutes } from './departments.ts'
import { linkRoutes } from './links.ts'
import { organizationRoutes } from './organizations.ts'
import type { Route } from './routes.ts'
import { userRoutes } from './users.ts'

onEachDatabase(({ test }) => {
  test('every answer about the directory is as the contract says', async (database) => {
    const { ask, addConnection } = await createApi(database)
    await addConnection('hq')

    const organization = await ask(createOrganization, { body: { slug: 'branch', name: '分公司' } })
    await ask(updateOrganization, { params: organization, body: { name: '分部' } })
    assert.equal((await ask(getOrganization, { params: organization })).name, '分部')
    await ask(deleteOrganization, { params: organization })
    assert.equal((await ask(listOrganizations, {})).total, 1)

    const department = await ask(createDepartment, { body: { name: '组' } })
    const membership = { departmentId: department.id, isMain: true }
    const user = await ask(createUser, {
      body: { username: 'li', displayName: '李', password: 'correct horse', departments: [membership] },
    })
    assert.deepEqual(user.departments, [{ ...membership, name: '组', order: 0, isLeader: false, origin: 'manual' }])
    assert.deepEqual([user.hasPassword, user.createdAt.slice(0, 11)], [true, '2026-01-01T'])

    await ask(updateDepartment, { params: department, body: { leaderUserIds: [user.id] } })
    const { leaderUserIds, userCount } = await ask(getDepartment, { params: department })
    assert.deepEqual([leaderUserIds, userCount], [[user.id], 1])

    const link = await ask(createLink, { params: user, body: { connectionId: 'hq', userid: 'LiSi' } })
    assert.deepEqual((await ask(getUser, { params: user })).links, [link])
    assert.deepEqual((await ask(listLinks, { query: { connection: 'hq' } })).items, [link])
    await ask(deleteLink, { params: link })

    await ask(createAdministrator, { body: { userId: user.id, role: 'auditor' } })
    await ask(updateAdministrator, { params: user, body: { role: 'operator' } })
    assert.equal((await ask(listAdministrators, {})).items[0]!.role, 'operator')
    await ask(deleteAdministrator, { params: user })

    await ask(deleteUser, { params: user })
    assert.ok((await ask(getUser, { params: user })).deletedAt)
    await ask(restoreUser, { params: user })
    await ask(updateUser, { params: user, body: { departments: [], status: 'disabled' } })
    await ask(deleteDepartment, { params: department })
    assert.equal((await ask(listDepartments, {})).total, 0)

    const token = await ask(createApiToken, { body: { name: 'backup', role: 'auditor' } })
    assert.deepEqual(Object.keys((await ask(listApiTokens, {})).items[0]!).includes('token'), false)
    await ask(deleteApiToken, { params: token })

    const { items } = await ask(listAudit, {})
    assert.deepEqual(items[0]!.actor, { kind: 'token', id: ACTOR.id, name: ACTOR.name })
    assert.equal(items.at(-1)!.action, 'organization.create')
    assert.deepEqual(
      items.filter(({ address, requestId }) => address !== '192.0.2.1' || requestId !== 'req_test').length,
      1,
      'only the first start did anything without a request',
    )
  })

  test('the audit record names people who signed in as they are called now, though it keeps their ids alone', async (database) => {
    const { ask, audit } = await createApi(database)
    const user = await ask(createUser, { body: { username: 'zhangsan', displayName: '张三' } })
    const gone = 'usr_01jd3v0w6k9m2q4r8t0x5y7z1a'
    const signedIn = (id: string) =>
      database.inTransaction((tx) =>
        audit.record(tx, { kind: 'user', id, name: null, address: null, requestId: null }, [
          { action: 'sign-in.succeed', target: { kind: 'user', id, name: null }, organizationId: null, details: {} },
        ]),
      )
    await signedIn(user.id)
    await signedIn(gone)
    await ask(updateUser, { params: user, body: { username: 'zhang.san' } })

    const { items } = await ask(listAudit, { query: { action: 'sign-in.succeed' } })

    assert.deepEqual(
      items.map(({ actor, target }) => [actor.name, target?.name]),
      [
        [null, null],
        ['zhang.san', 'zhang.san'],
      ],
    )
  })

  test('a list is followed by its cursor to the end', async (database) => {
    const { ask } = await createApi(database)
    for (const username of ['a', 'b', 'c', 'd', 'e'])
      await ask(createUser, { body: { username, displayName: username } })

    const seen: string[] = []
    let cursor: string | undefined
    do {
      const page = await ask(listUsers, { query: { limit: 2, ...(cursor === undefined ? {} : { cursor }) } })
      seen.push(...page.items.map(({ username }) => username))
      cursor = page.nextCursor ?? undefined
    } while (cursor !== undefined)

    assert.deepEqual(seen, ['a', 'b', 'c', 'd', 'e'])
    await assert.rejects(ask(listUsers, { query: { cursor: 'made-up' } }), { code: 'http/validation' })
  })

  test('the role that may not change an administrator is the one of the caller', async (database) => {
    const { ask } = await createApi(database)
    const user = await ask(createUser, { body: { username: 'admin', displayName: '管理员' } })
    await ask(createAdministrator, { body: { userId: user.id, role: 'auditor' } })

    const attempts = [
      () => ask(updateUser, { params: user, body: { password: 'mine from now on' } }, 'operator'),
      () => ask(deleteUser, { params: user }, 'operator'),
    ]

    for (const attempt of attempts) await assert.rejects(attempt(), { code: 'auth/forbidden' })
  })

  test('what belongs to an organization or a connection that is not there is not found', async (database) => {
    const { ask } = await createApi(database)
    const organizationId = `org_${'0'.repeat(26)}`

    await assert.rejects(ask(listUsers, { query: { organizationId } }), { code: 'organizations/not-found' })
    await assert.rejects(ask(listUsers, { query: { connection: 'nowhere' } }), { code: 'connections/not-found' })
    await assert.rejects(ask(getUser, { params: { id: 'usr_x' } }), { code: 'users/not-found' })
    await assert.rejects(ask(getDepartment, { params: { id: 'usr_x' } }), { code: 'departments/not-found' })
  })
})

/** The routes of the directory, asked without HTTP: requests and answers go through the schemas of their contract. */
async function createApi(database: Database) {
  const directory = await createDirectory(database)
  const now = () => directory.clock.at
  const newId = createIds({ now, random: (bytes) => crypto.getRandomValues(bytes) })
  const vault = createVault({ key: new Secret(randomBytes(32).toString('base64')) })
  const connections = createConnections({ database, vault, audit: directory.audit, newId, now })
  const parts = { ...directory, connections }
  const routes: Route[] = [
    ...organizationRoutes(parts),
    ...userRoutes(parts),
    ...departmentRoutes(parts),
    ...linkRoutes(parts),
    ...apiTokenRoutes(parts),
    ...administratorRoutes(parts),
    ...auditRoutes(parts),
  ]

  async function ask<E extends Endpoint>(
    endpoint: E,
    { params, query = {}, body }: { params?: { id: string }; query?: object; body?: object },
    role: Role = 'owner',
  ): Promise<Result<E>> {
    const route = routes.find((candidate) => candidate.endpoint === endpoint)
    assert.ok(route, `no route for ${endpoint.operationId}`)
    const answer = await route.handle({
      params: endpoint.params?.parse({ id: params?.id }) as never,
      query: endpoint.query?.parse(query) as never,
      body: endpoint.body?.parse(body) as never,
      actor: ACTOR,
      role,
      session: null,
      language: 'en',
      reply: undefined as never, // for CSV exports, of which there are none here
    })
    const [response] = Object.values(endpoint.responses)
    assert.ok(response)
    const schema = 'content' in response ? response.content['application/json'].schema : response
    return schema.parse(answer) as Result<E>
  }
  return { ...directory, ask }
}
