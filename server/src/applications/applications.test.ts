/** Ids are branded for clients; here they come from the stores as plain texts. */
import assert from 'node:assert/strict'
import { NewApplication } from '@muster/contracts'
import type { Database } from '../database/database.ts'
import { onEachDatabase } from '../../test-support/databases.ts'
import { ACTOR, createDirectory, outcomes } from '../../test-support/directory.ts'
import { createIds } from '../ids.ts'
import { createApplications } from './applications.ts'

onEachDatabase(({ test }) => {
  test('a client is found by its id with everything the provider needs, also right after another process changed it', async (database) => {
    const { make, applications, addConnection, elsewhere } = await createWorld(database)
    const [second, first] = [await addConnection('b'), await addConnection('a')]
    const { application } = await make({ name: 'Git Lab 中文', connections: ['a', second] })

    const found = await applications.findByClientId(application.clientId)
    await elsewhere.update(ACTOR, application.id, { enabled: false, connections: [] })
    const changed = await applications.findByClientId(application.clientId)

    assert.deepEqual(found, application)
    assert.match(application.clientId, /^git-lab-[a-z0-9]{16}$/)
    assert.deepEqual(application.connections, [
      { id: first, identifier: 'a' },
      { id: second, identifier: 'b' },
    ])
    assert.deepEqual([changed!.enabled, changed!.connections], [false, []])
    assert.equal(await applications.findByClientId('nobody'), undefined)
    assert.equal(await applications.findByClientId(application.id), undefined)
  })

  test('a secret is replaced without a moment in which none works', async (database) => {
    const { make, applications, actions } = await createWorld(database)
    const { application, clientSecret } = await make({ name: 'GitLab' })
    const { id } = application
    const accepts = (...secrets: (string | null)[]) =>
      Promise.all(secrets.map((secret) => applications.isSecret(id, secret ?? '')))

    const [old] = await applications.secretsOf(id)
    const added = await applications.addSecret(ACTOR, id)
    const both = await accepts(clientSecret, added.clientSecret)
    await applications.removeSecret(ACTOR, id, old!.id)
    const after = await accepts(clientSecret, added.clientSecret, '', `${added.clientSecret} `)

    assert.deepEqual(both, [true, true])
    assert.deepEqual(after, [false, true, false, false])
    await assert.rejects(applications.removeSecret(ACTOR, id, old!.id), { code: 'applications/secret-not-found' })
    await assert.rejects(applications.removeSecret(ACTOR, id, added.id), { code: 'applications/last-secret' })
    assert.deepEqual((await actions()).slice(-3), [
      'application.create',
      'application.secret-create',
      'application.secret-delete',
    ])
  })

  test('there are at most two secrets and never none, whoever is faster', async (database) => {
    const { make, applications, elsewhere } = await createWorld(database)
    const { id } = (await make({ name: 'GitLab' })).application
    const stores = [applications, elsewhere, applications, elsewhere]

    const added = await outcomes(stores.map((store) => store.addSecret(ACTOR, id)))
    const secrets = await applications.secretsOf(id)
    const removed = await outcomes(secrets.map((secret, index) => stores[index]!.removeSecret(ACTOR, id, secret.id)))

    assert.deepEqual(added, { done: 1, codes: Array(3).fill('applications/too-many-secrets') })
    assert.deepEqual(removed, { done: 1, codes: ['applications/last-secret'] })
    assert.equal((await applications.secretsOf(id)).length, 1)
  })

  test('a secret opens its own application only, and is stored as a digest', async (database) => {
    const { make, applications } = await createWorld(database)
    const one = await make({ name: 'one' })
    const other = await make({ name: 'other' })
    const open = await make({ name: 'open', public: true })

    const crossed = await applications.isSecret(other.application.id, one.clientSecret!)
    const secrets = await database.kysely.selectFrom('application_secrets').selectAll().execute()

    assert.equal(crossed, false)
    assert.equal(await applications.isSecret(other.application.id, secrets[1]!.secret_hash), false)
    // 256 bits after the prefix
    assert.match(one.clientSecret!, /^mas_[A-Za-z0-9_-]{43}$/)
    assert.ok(!JSON.stringify(secrets).includes(one.clientSecret!.slice(4)))
    assert.deepEqual([open.clientSecret, open.application.pkceRequired], [null, true])
    assert.equal(await applications.isSecret(open.application.id, ''), false)
    await assert.rejects(applications.addSecret(ACTOR, open.application.id), { code: 'applications/public' })
  })

  test('when a secret was used last is noted about once an hour', async (database) => {
    const { make, applications, clock } = await createWorld(database)
    const { application, clientSecret } = await make({ name: 'GitLab' })
    const lastUsedAt = async () => (await applications.secretsOf(application.id))[0]!.lastUsedAt

    const unused = await lastUsedAt()
    await applications.isSecret(application.id, 'wrong')
    const guessed = await lastUsedAt()
    await applications.isSecret(application.id, clientSecret!)
    const first = clock.at
    clock.at += 59 * 60_000
    await applications.isSecret(application.id, clientSecret!)
    const soon = await lastUsedAt()
    clock.at += 60_000
    await applications.isSecret(application.id, clientSecret!)

    assert.deepEqual([unused, guessed, soon, await lastUsedAt()], [null, null, first, first + 60 * 60_000])
  })

  test('schemes of native apps are for public and mobile applications, also when that changes later', async (database) => {
    const { make, applications } = await createWorld(database)
    const native = ['com.example.app:/callback']
    const { application } = await make({ name: 'mobile', mobile: true, redirectUris: native })

    const message = 'Schemes of native apps are for public applications, or for those with mobile: true.'
    const refused = (path: string) => ({ code: 'http/validation', fields: [{ path, message }] })
    await assert.rejects(
      make({ name: 'web', redirectUris: ['https://a.example/', ...native] }),
      refused('redirectUris.1'),
    )
    await assert.rejects(make({ name: 'web', postLogoutRedirectUris: native }), refused('postLogoutRedirectUris.0'))
    await assert.rejects(applications.update(ACTOR, application.id, { mobile: false }), refused('redirectUris.0'))
    await make({ name: 'public', public: true, redirectUris: native, postLogoutRedirectUris: native })
    assert.equal((await applications.get(application.id)).mobile, true)
  })

  test('a public application cannot do without PKCE', async (database) => {
    const { make, applications } = await createWorld(database)
    const { application } = await make({ name: 'public', public: true })

    await assert.rejects(make({ name: 'careless', public: true, pkceRequired: false }), { code: 'http/validation' })
    await assert.rejects(applications.update(ACTOR, application.id, { pkceRequired: false }), {
      code: 'http/validation',
    })
    const confidential = (await make({ name: 'confidential', pkceRequired: true })).application
    const without = await applications.update(ACTOR, confidential.id, { pkceRequired: false })
    assert.deepEqual([confidential.pkceRequired, without.pkceRequired], [true, false])
  })

  test('groups are kept to departments that exist; one that goes later stays in the filter', async (database) => {
    const { make, applications, departments, organization } = await createWorld(database)
    const input = { name: '研发', order: 0, leaderUserIds: [] }
    const { department } = await departments.create(ACTOR, organization.id, input)
    const include = [department.id as never]
    const { application } = await make({ name: 'GitLab', claims: { groups: { include } } })

    await departments.remove(ACTOR, department.id)
    const changed = await applications.update(ACTOR, application.id, { claims: { groups: { include, form: 'id' } } })

    assert.deepEqual(changed.claims.groups, { form: 'id', prefix: '', include })
    await assert.rejects(make({ name: 'Grafana', claims: { groups: { include } } }), {
      code: 'departments/not-found',
      fields: [{ path: 'claims.groups.include.0', message: 'No such department in this organization.' }],
    })
    const reset = await applications.update(ACTOR, application.id, { claims: null })
    assert.deepEqual(reset.claims.groups, { form: 'name', prefix: '', include: [] })
  })

  test('connections of other organizations do not exist for an application', async (database) => {
    const { make, applications, organizations, addConnection } = await createWorld(database)
    const branch = await organizations.create(ACTOR, { slug: 'branch', name: '分公司', builtInUsersAllowed: true })
    const foreign = await addConnection('foreign', branch.id)
    await addConnection('hq')
    const { application } = await make({ name: 'GitLab', connections: ['hq', 'hq'] })

    for (const reference of ['foreign', foreign, 'nowhere']) {
      await assert.rejects(applications.update(ACTOR, application.id, { connections: ['hq', reference], name: 'x' }), {
        code: 'connections/not-found',
        fields: [{ path: 'connections.1', message: 'No such connection in this organization.' }],
      })
    }

    const kept = await applications.get(application.id)
    assert.deepEqual([kept.name, kept.connections.map(({ identifier }) => identifier)], ['GitLab', ['hq']])
  })

  test('an organization with an application stays', async (database) => {
    const { make, applications, organizations } = await createWorld(database)
    const { id } = await organizations.create(ACTOR, { slug: 'branch', name: '分公司', builtInUsersAllowed: true })
    const { application } = await make({ name: 'GitLab' }, id)

    await assert.rejects(organizations.remove(ACTOR, id), { code: 'organizations/not-empty' })
    await applications.remove(ACTOR, application.id)
    await organizations.remove(ACTOR, id)

    await assert.rejects(applications.get(application.id), { code: 'applications/not-found' })
    await assert.rejects(make({ name: 'GitLab' }, id), { code: 'organizations/not-found' })
    assert.deepEqual(await database.kysely.selectFrom('application_secrets').selectAll().execute(), [])
  })
})

async function createWorld(database: Database) {
  const directory = await createDirectory(database)
  const { clock, audit, organization } = directory
  const parts = {
    database,
    audit,
    now: () => clock.at,
    newId: createIds({ now: () => clock.at++, random: (bytes) => crypto.getRandomValues(bytes) }),
  }
  const applications = createApplications(parts)
  return {
    ...directory,
    applications,
    /** The same store in another process. */
    elsewhere: createApplications(parts),
    make: (input: object, organizationId: string = organization.id) => {
      const { organizationId: _, ...parsed } = NewApplication.parse(input)
      return applications.create(ACTOR, organizationId, parsed)
    },
  }
}
