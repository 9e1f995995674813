import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import fc from 'fast-check'
import type { Department, Member } from '@muster/wecom'
import { onEachDatabase } from '../../test-support/databases.ts'
import { createAudit } from '../audit/audit.ts'
import { insertRows, type Database } from '../database/database.ts'
import { linkIndex } from '../directory/comparison.ts'
import { foldName } from '../directory/names.ts'
import { createIds } from '../ids.ts'
import { reconcile } from './reconcile.ts'
import { createRuns, noCounts, type RunCounts } from './runs.ts'
import { createSnapshot } from './snapshot.ts'

/** A company as a test sees it; the truth that the directory has to equal. */
interface Company {
  departments: Department[]
  members: Member[]
}

const CASES = 500
const SEED = Number(process.env.MUSTER_TEST_SEED ?? randomInt(2 ** 31))

onEachDatabase(({ test }) => {
  test(`what was applied equals the source and leaves nothing to do, ${CASES} cases`, async (database, t) => {
    t.diagnostic(`seed ${SEED} (repeat with MUSTER_TEST_SEED=${SEED})`)
    const world = await createWorld(database)

    await fc.assert(
      fc.asyncProperty(twoStates(), async ({ before, after }) => {
        const site = await world.newSite()

        await site.run(before)
        assert.deepEqual(await site.directory(), expected(before, { departments: [], members: [] }))

        await site.run(after)
        const directory = await site.directory()
        assert.deepEqual(directory, expected(after, before))

        const again = await site.run(after)
        assert.deepEqual(writes(again), {})
        assert.deepEqual(await site.directory(), directory)
      }),
      { numRuns: CASES, seed: SEED },
    )
  })

  test('two people who swap their addresses both get them', async (database) => {
    const site = await (await createWorld(database)).newSite()
    const people = (first: string, second: string) =>
      company([member('li', { bizMail: first }), member('wang', { bizMail: second })])
    await site.run(people('a@corp.example', 'b@corp.example'))

    const counts = await site.run(people('b@corp.example', 'a@corp.example'))

    assert.equal(counts.users.updated, 2)
    assert.equal(counts.users.failed, 0)
    assert.deepEqual(await site.emails(), { li: 'b@corp.example', wang: 'a@corp.example' })
  })

  test('an address that somebody else keeps fails alone, and is tried again', async (database) => {
    const site = await (await createWorld(database)).newSite()
    await site.run(company([member('li', { bizMail: 'a@corp.example' })]))
    const both = company([
      member('li', { bizMail: 'a@corp.example' }),
      member('wang', { bizMail: 'A@corp.example' }),
      member('zhao'),
    ])

    const first = await site.run(both)
    const second = await site.run(both)

    assert.deepEqual([first.users.created, first.users.failed], [1, 1])
    assert.deepEqual([second.users.created, second.users.failed, second.users.unchanged], [0, 1, 2])
    assert.deepEqual(await site.emails(), { li: 'a@corp.example', zhao: 'zhao@wecom.local' })
  })

  test('whoever counted on the address of somebody who fails fails too, and nobody is half written', async (database) => {
    const site = await (await createWorld(database)).newSite()
    await site.run(
      company([
        member('a', { bizMail: '1@corp.example' }),
        member('b', { bizMail: '2@corp.example' }),
        member('c', { bizMail: '3@corp.example' }),
      ]),
    )

    // a takes b's, b takes c's, c stays: so b keeps its own, and a keeps its own. b's new name is not written either.
    const counts = await site.run(
      company([
        member('a', { bizMail: '2@corp.example' }),
        member('b', { bizMail: '3@corp.example', name: '新名' }),
        member('c', { bizMail: '3@corp.example' }),
      ]),
    )

    assert.deepEqual([counts.users.failed, counts.users.updated], [2, 0])
    assert.deepEqual(await site.emails(), { a: '1@corp.example', b: '2@corp.example', c: '3@corp.example' })
    assert.equal((await site.user('b')).display_name, 'b')
  })

  test('what WeCom withholds keeps what we have, what is empty clears it', async (database) => {
    const site = await (await createWorld(database)).newSite()
    const full = {
      bizMail: 'li@corp.example',
      mobile: '13800000000',
      position: '工程师',
      gender: 'female' as const,
      avatar: 'https://a.example/0',
    }
    await site.run(company([member('li', full)]))

    const withheld = await site.run(company([member('li')]))
    const user = await site.user('li')
    assert.equal(withheld.users.updated, 0)
    assert.deepEqual(
      [user.email, user.phone, user.title, user.gender],
      ['li@corp.example', '+8613800000000', '工程师', 'female'],
    )

    await site.run(company([member('li', { bizMail: '', email: '', mobile: '', position: '' })]))
    const cleared = await site.user('li')
    assert.deepEqual(
      [cleared.email, cleared.phone, cleared.title, cleared.gender],
      ['li@wecom.local', null, null, 'female'],
    )
  })

  test('the same person in another spelling is the same user', async (database) => {
    const site = await (await createWorld(database)).newSite()
    await site.run(company([member('ZhangSan')]))

    const counts = await site.run(company([member('zhangsan')]))

    assert.equal(counts.users.created, 0)
    assert.equal((await site.user('zhangsan')).username, 'ZhangSan')
  })

  test('a user with the same login name is linked, an administrator is not', async (database) => {
    const site = await (await createWorld(database)).newSite()
    const li = await site.addBuiltIn('Li', null)
    await site.addBuiltIn('admin', 'owner')

    const counts = await site.run(company([member('li', { name: '李四' }), member('Admin')]))

    assert.deepEqual(
      [counts.users.linked, counts.users.updated, counts.users.created, counts.users.skipped],
      [1, 1, 0, 1],
    )
    assert.equal((await site.user('li')).id, li)
    assert.equal((await site.user('li')).display_name, '李四')
  })

  test('a taken name gets a number when binding by name is off', async (database) => {
    const site = await (await createWorld(database)).newSite({ bindByUsername: false })
    await site.addBuiltIn('li', null)

    await site.run(company([member('Li'), member('Li-2')]))

    assert.deepEqual(await site.usernames(), ['Li-2', 'Li-3', 'li'])
  })

  test('people follow their status, but nobody loses access on an incomplete reading or against an administrator', async (database) => {
    const site = await (await createWorld(database)).newSite()
    await site.run(company([member('a'), member('b'), member('new', { status: 4 })]))
    assert.deepEqual(await site.statuses(), { a: 'active', b: 'active', new: 'disabled' })
    await site.disable('b')

    const incomplete = await site.run(company([member('a', { status: 2 })]), { isComplete: false })
    assert.deepEqual([incomplete.users.disabled, incomplete.users.skipped], [0, 1])

    const complete = await site.run(company([member('a', { status: 2 }), member('b'), member('new')]))
    assert.deepEqual([complete.users.disabled, complete.users.enabled], [1, 1])
    assert.deepEqual(await site.statuses(), { a: 'disabled', b: 'disabled', new: 'active' })

    await site.run(company([member('a'), member('b'), member('new')]))
    assert.deepEqual(await site.statuses(), { a: 'active', b: 'disabled', new: 'active' })
  })

  test('departments in a circle become roots with a warning, and everybody in them is placed', async (database) => {
    const site = await (await createWorld(database)).newSite()
    const departments = [
      { id: 5, name: '五', parentId: 7 },
      { id: 7, name: '七', parentId: 6 },
      { id: 6, name: '六', parentId: 5 },
      { id: 9, name: '九', parentId: 9 },
      { id: 8, name: '八', parentId: 999 },
    ]

    const counts = await site.run({ departments, members: [member('li', { departments: [{ id: 6 }] })] })

    assert.equal(counts.departments.created, 5)
    const { departments: found, users } = await site.directory()
    assert.deepEqual(found, { 5: ['五', null], 6: ['六', '5'], 7: ['七', '6'], 8: ['八', null], 9: ['九', null] })
    assert.deepEqual(users.li!.departments, [[6, 0, false, false]])
  })

  test('a preview records the same changes and writes none of them', async (database) => {
    const site = await (await createWorld(database)).newSite()
    const target = company([member('li'), member('wang', { departments: [{ id: 1 }] })])

    const preview = await site.run(target, { isPreview: true })
    assert.deepEqual(await site.directory(), { departments: {}, users: {} })

    const applied = await site.run(target)
    assert.deepEqual(preview, applied)
  })
})

function company(members: Member[]): Company {
  return { departments: [{ id: 1, name: '公司', parentId: 0 }], members }
}

function member(userid: string, fields: Partial<Member> = {}): Member {
  return { userid, name: userid, departments: [], status: 1, ...fields } as Member
}

/** Two states of one company: people stay, change, exchange addresses and join; leavers stay here by default policy. */
function twoStates(): fc.Arbitrary<{ before: Company; after: Company }> {
  const people = fc.integer({ min: 0, max: 12 })
  return fc.record({ staying: people, leaving: people, joining: people }).chain(({ staying, leaving, joining }) => {
    const stay = names('stay', staying)
    return fc
      .record({
        before: state([...stay, ...names('leave', leaving)]),
        after: state([...stay.map((name) => name.toUpperCase()), ...names('join', joining)]),
        rotation: fc.integer({ min: 0, max: 5 }),
      })
      .map(({ before, after, rotation }) => ({ before, after: rotateAddresses(after, staying, rotation) }))
  })
}

function names(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index}`)
}

function state(userids: string[]): fc.Arbitrary<Company> {
  return fc
    .array(
      fc.record({
        name: fc.constantFrom('研发中心', '销售部', '财务部'),
        parent: fc.nat(9),
        order: fc.nat(2 ** 32 - 1),
      }),
      { maxLength: 8 },
    )
    .chain((drafts) => {
      const ids = drafts.map((_, index) => index + 2)
      const departments = drafts.map(({ name, parent, order }, index) => ({
        id: ids[index]!,
        name,
        // Any earlier department, or one that nobody can see.
        parentId: parent < index ? ids[parent]! : 1_000 + parent,
        order,
      }))
      return fc.record({
        departments: fc.constant(departments),
        members: fc.tuple(...userids.map((userid) => memberArbitrary(userid, ids))),
      })
    })
}

function memberArbitrary(userid: string, departments: number[]): fc.Arbitrary<Member> {
  return fc.record({
    userid: fc.constant(userid),
    name: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }).map((name) => `张${name}`),
    departments: fc.uniqueArray(
      fc.record({ id: fc.constantFrom(...departments, 777), order: fc.nat(2 ** 32 - 1), isLeader: fc.boolean() }),
      {
        maxLength: 4,
        selector: ({ id }) => id,
      },
    ),
    mainDepartment: fc.constantFrom(...departments, 777, undefined),
    bizMail: fc.boolean().map((has) => (has ? `${userid.toLowerCase()}@corp.example` : '')),
    mobile: fc.constantFrom('', '13800000000', '+85261234567'),
    position: fc.constantFrom('', '工程师', '经理'),
    gender: fc.constantFrom('male', 'female'),
    status: fc.constantFrom(1, 1, 1, 2, 4, 5),
    directLeaders: fc.subarray(['stay0', 'stay1', 'stay2'], { maxLength: 1 }),
  }) as fc.Arbitrary<Member>
}

/** The people who stay hand their addresses around. */
function rotateAddresses({ departments, members }: Company, staying: number, by: number): Company {
  const handed = members.slice(0, staying).map(({ bizMail }) => bizMail)
  return {
    departments,
    members: members.map((person, index) =>
      index < staying ? { ...person, bizMail: handed[(index + by) % staying]! } : person,
    ),
  }
}

type Shown = {
  departments: Record<string, [name: string, parent: string | null]>
  users: Record<string, Record<string, unknown>>
}

/** What the directory must show after `now` when it showed `earlier` before. */
function expected(now: Company, earlier: Company): Shown {
  const show = ({ departments, members }: Company): Shown => {
    const visible = new Set(departments.map(({ id }) => id))
    return {
      departments: Object.fromEntries(
        departments.map(({ id, name, parentId }) => [id, [name!, visible.has(parentId!) ? String(parentId) : null]]),
      ),
      users: Object.fromEntries(
        members.map((person) => [
          foldName(person.userid),
          {
            name: person.name,
            email: person.bizMail || `${person.userid.toLowerCase()}@wecom.local`,
            phone: person.mobile === '' ? null : person.mobile === '13800000000' ? '+8613800000000' : person.mobile,
            title: person.position || null,
            gender: person.gender,
            isActive: person.status === 1,
            leaders: person.directLeaders,
            departments: (person.departments ?? [])
              .filter(({ id }) => visible.has(id))
              .map(({ id, order, isLeader }) => [id, order, id === person.mainDepartment, isLeader])
              .sort(([a], [b]) => Number(a) - Number(b)),
          },
        ]),
      ),
    }
  }
  const [was, is] = [show(earlier), show(now)]
  return { departments: { ...was.departments, ...is.departments }, users: { ...was.users, ...is.users } }
}

/** The counts that say that something was written. */
function writes(counts: RunCounts): Record<string, number> {
  const quiet = new Set(['unchanged', 'skipped'])
  return Object.fromEntries(
    [...Object.entries(counts.users), ...Object.entries(counts.departments)].filter(
      ([name, count]) => count > 0 && !quiet.has(name),
    ),
  )
}

/** One database with any number of organizations in it, each with a connection that reads whatever a test gives it. */
async function createWorld(database: Database) {
  const now = () => 1_700_000_000_000
  const newId = createIds({ now, random: (bytes) => crypto.getRandomValues(bytes) })
  const audit = createAudit({ database, newId, now })
  const runs = createRuns({ database, newId, owner: 'test' })

  return {
    async newSite({ bindByUsername = true } = {}) {
      const organizationId = newId('org')
      const connectionId = newId('con')
      await database.inTransaction(async (tx) => {
        await insertRows(tx, 'organizations', [
          {
            id: organizationId,
            slug: organizationId,
            name: '公司',
            built_in_users_allowed: 1,
            created_at: 0,
            updated_at: 0,
          },
        ])
        await tx.kysely
          .insertInto('connections')
          .values({
            id: connectionId,
            organization_id: organizationId,
            identifier: connectionId,
            kind: 'self_built',
            display_name: '企业微信',
            mobile: '{}',
            sign_in_enabled: 0,
            sign_in: '{}',
            sync_enabled: 1,
            sync: '{}',
            managed_by_environment: 0,
            created_at: 0,
            updated_at: 0,
          })
          .execute()
      })
      const users = () =>
        database.kysely.selectFrom('users').selectAll().where('organization_id', '=', organizationId).execute()

      return {
        async run(source: Company, { isComplete = true, isPreview = false } = {}): Promise<RunCounts> {
          const links = await linkIndex(database, connectionId, 'ww1')
          const snapshot = createSnapshot(links, { notActivated: 'disable', version: '1' })
          snapshot.addDepartments(source.departments, [])
          snapshot.addMembers(source.members, [])
          const { id } = await runs.begin({
            organizationId,
            connectionId,
            mode: isPreview ? 'preview' : 'apply',
            trigger: 'manual',
            requestedBy: null,
            startedAt: now(),
            warnings: [],
          })
          const { counts } = await reconcile(
            { database, audit, newId, now },
            snapshot.finish(),
            {
              runId: id,
              organizationId,
              connectionId,
              corpId: 'ww1',
              isPreview,
              isComplete,
              policy: {
                bindByUsername,
                onlyWecomUsers: 'create',
                onlyWecomDepartments: 'create',
                syntheticEmailDomain: 'wecom.local',
              },
              links,
              signal: new AbortController().signal,
              fence: (tx, update) => runs.update(tx, id, update),
              onProgress: () => {},
            },
            noCounts(),
          )
          await runs.finish(database, id, isPreview ? 'previewed' : 'succeeded', now(), { counts })
          return counts
        },

        async directory(): Promise<Shown> {
          const departments = await database.kysely
            .selectFrom('departments')
            .selectAll()
            .where('organization_id', '=', organizationId)
            .execute()
          const externalId = new Map(departments.map(({ id, external_id }) => [id, external_id]))
          const links = await database.kysely
            .selectFrom('links')
            .selectAll()
            .where('connection_id', '=', connectionId)
            .execute()
          const linkOf = new Map(links.map((link) => [link.user_id, link]))
          const memberships = await database.kysely
            .selectFrom('memberships')
            .selectAll()
            .where('connection_id', '=', connectionId)
            .execute()
          return {
            departments: Object.fromEntries(
              departments.map(({ external_id, name, parent_id }) => [
                external_id,
                [name, parent_id === null ? null : (externalId.get(parent_id) ?? null)],
              ]),
            ),
            users: Object.fromEntries(
              (await users()).map((user) => [
                linkOf.get(user.id)!.userid_key,
                {
                  name: user.display_name,
                  email: user.email,
                  phone: user.phone,
                  title: user.title,
                  gender: user.gender,
                  isActive: user.status === 'active',
                  leaders: JSON.parse(linkOf.get(user.id)!.leader_keys) as unknown,
                  departments: memberships
                    .filter(({ user_id }) => user_id === user.id)
                    .map((row) => [
                      Number(externalId.get(row.department_id)),
                      row.position,
                      row.is_main === 1,
                      row.is_leader === 1,
                    ])
                    .sort(([a], [b]) => Number(a) - Number(b)),
                },
              ]),
            ),
          }
        },

        async addBuiltIn(username: string, role: string | null): Promise<string> {
          const id = newId('usr')
          await database.kysely
            .insertInto('users')
            .values({
              id,
              organization_id: organizationId,
              username,
              username_key: foldName(username),
              display_name: username,
              email_verified: 0,
              attributes: '{}',
              status: 'active',
              origin: 'built_in',
              role,
              created_at: 0,
              updated_at: 0,
            })
            .execute()
          return id
        },

        async disable(username: string): Promise<void> {
          await database.kysely
            .updateTable('users')
            .set({ status: 'disabled', disabled_by: 'administrator' })
            .where('organization_id', '=', organizationId)
            .where('username_key', '=', username)
            .execute()
        },

        async user(username: string) {
          return (await users()).find(({ username_key }) => username_key === username)!
        },
        emails: async () => Object.fromEntries((await users()).map(({ username_key, email }) => [username_key, email])),
        statuses: async () =>
          Object.fromEntries((await users()).map(({ username_key, status }) => [username_key, status])),
        usernames: async () => (await users()).map(({ username }) => username).sort(),
      }
    },
  }
}
