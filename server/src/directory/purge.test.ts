import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { Member } from '@muster/wecom'
import { sql } from 'kysely'
import { onEachDatabase } from '../../test-support/databases.ts'
import { outcomes, requester } from '../../test-support/directory.ts'
import { createWorld, type Company } from '../../test-support/sync-world.ts'
import type { Database, TableName } from '../database/database.ts'
import { tables } from '../database/schema.ts'
import { forgetPurged } from '../sync/forgetting.ts'
import { createPages } from '../sync/read/pages.ts'

const owner = requester('owner')
const always = new AbortController().signal

/** Found nowhere else in the world. */
const CANARY: Partial<Member> = {
  name: '金丝雀',
  bizMail: 'kanarie@corp.example',
  mobile: '13987654321',
  avatar: 'https://avatar.example/kanarie-face',
  position: 'Kanarienvogel',
}
const CANARIES = ['金丝雀', 'kanarie', '13987654321', 'Kanarienvogel', 'kanari-userid']

onEachDatabase(({ dialect, test }) => {
  test('30 days after the deletion nothing is left of a person but ids', async (database) => {
    const world = await createWorld(database)
    const site = await world.newSite({ onlyHereUsers: 'delete' })
    const others = ['li', 'wang', 'zhao', 'qian'].map((userid) => member(userid))
    const canary = member('kanari-userid', CANARY)
    await site.run(company([...others, canary]))
    await site.run(company([...others, { ...canary, position: 'Kanarienvogel II' }]), { isPreview: true })
    const changed = await site.runWhole(company([...others, { ...canary, position: 'Kanarienvogel III' }]))
    const { id } = await site.user('kanari-userid')
    await site.revert(changed.id, { userId: id })
    await world.users.update(owner, id, { locale: 'zh-CN' })
    await createPages({ database }).remember(tx(database), site.connectionId, 'ww1', listOf(['li', 'kanari-userid']))
    await site.run(company([...others, { ...canary, name: '金丝雀二号', mobile: '13912345678' }]))
    const [question] = await site.reviews('open')
    await site.resolve(question!.id, { action: 'ignore' })
    await site.run(company(others), { approved: EVERYTHING })
    assert.equal((await site.user('kanari-userid')).status, 'deleted')

    world.letDaysPass(29)
    assert.equal(await world.purge.run(always), 0)
    world.letDaysPass(2)
    assert.equal(await world.purge.run(always), 1)
    assert.equal(await forgetPurged(database, always), 1)

    await assert.rejects(world.users.get(id), { code: 'users/not-found' })
    await assert.rejects(world.users.restore(owner, id), { code: 'users/not-found' })
    const everything = await textOf(database)
    assert.deepEqual(
      CANARIES.filter((text) => everything.includes(text)),
      [],
    )
    assert.ok(everything.includes(id)) // the record goes on saying that there was somebody
    const { items } = await world.audit.list({ limit: 1, cursor: null, targetId: id })
    assert.deepEqual([items[0]?.action, items[0]?.target_name], ['user.purge', null])
    if (dialect === 'sqlite') {
      const bytes = await bytesOf(database)
      assert.deepEqual(
        CANARIES.filter((text) => bytes.includes(text)),
        [],
      )
    }

    // Whoever comes back after that is somebody new.
    const back = await site.run(company([...others, canary]))
    assert.deepEqual([back.users.created, back.users.restored], [1, 0])
    assert.notEqual((await site.user('kanari-userid')).id, id)
  })

  test('a question whose candidate was purged does not name them any more', async (database) => {
    const world = await createWorld(database)
    const site = await world.newSite({ matchFields: ['phone'] })
    const [li, gone] = [member('li'), member('gone', { mobile: '13987654321' })]
    await site.run(company([li, gone]))
    await site.run(company([li, gone, member('wu', { mobile: '13987654321' })]))
    const { id } = await site.user('gone')
    const [before] = await site.reviews('open')
    assert.deepEqual(
      before?.candidates.map(({ userId }) => userId),
      [id],
    )
    await world.users.remove(owner, id)

    world.letDaysPass(31)
    assert.equal(await world.purge.run(always), 1)
    assert.equal(await forgetPurged(database, always), 1)

    const [after] = await site.reviews('open')
    assert.deepEqual([after?.userid, after?.candidates], ['wu', []])
  })

  test('a purged person is nobody’s leader any more, and whoever has the userid by now is', async (database) => {
    const world = await createWorld(database)
    const site = await world.newSite({ onlyHereUsers: 'delete' })
    const led = (leader: string) => member(`of-${leader}`, { directLeaders: [leader, 'boss'] })
    const staff = [member('boss'), led('Gone'), led('back'), member('w1'), member('w2'), member('w3')]
    const shown = (members: Member[]): Company => ({
      departments: [{ id: 1, name: '公司', parentId: 0, leaders: ['gone', 'back', 'boss'] }],
      members,
    })
    await site.run(shown([...staff, member('Gone'), member('back')]))
    for (const userid of ['gone', 'back']) await world.users.remove(owner, (await site.user(userid)).id)
    world.letDaysPass(31)

    assert.equal(await world.purge.run(always), 2)
    // Before anything is forgotten, somebody new has the userid.
    await site.run(shown([...staff, member('back')]))
    assert.equal(await forgetPurged(database, always), 2)

    const links = await database.kysely.selectFrom('links').selectAll().execute()
    const leadersOf = (key: string) => {
      const { leader_keys, source_hash } = links.find(({ userid_key }) => userid_key === key)!
      return [leader_keys, source_hash === null]
    }
    assert.deepEqual(leadersOf('of-gone'), ['["boss"]', true])
    assert.deepEqual(leadersOf('of-back'), ['["back","boss"]', false])
    const { leaders } = await database.kysely.selectFrom('departments').select('leaders').executeTakeFirstOrThrow()
    assert.equal(leaders, '["back","boss"]')

    // WeCom has the last word: whom it still names is put back, and then nothing changes any more.
    const put = await site.run(shown([...staff, member('back')]))
    const again = await site.run(shown([...staff, member('back')]))
    assert.deepEqual([put.users.updated, put.departments.updated], [1, 1])
    assert.deepEqual([again.users.updated, again.departments.updated], [0, 0])
  })

  test('restored at the last moment or purged: one of the two, whole', async (database) => {
    const world = await createWorld(database)
    const site = await world.newSite({ onlyHereUsers: 'delete' })
    const people = Array.from({ length: 60 }, (_, index) => member(`p${index}`))
    await site.run(company(people))
    await site.run(company([]), { approved: EVERYTHING })
    const ids = (await site.all()).map(({ id }) => id)
    world.letDaysPass(31)

    const restoring = outcomes(ids.map((id) => world.users.restore(owner, id)))
    const [first, second] = await Promise.all([world.purge.run(always), world.purge.run(always)])
    const { done, codes } = await restoring

    const left = await site.all()
    assert.equal(first + second + done, ids.length)
    assert.ok(codes.every((code) => code === 'users/not-found'))
    assert.equal(left.length, done)
    assert.ok(left.every(({ status }) => status === 'active'))
    const counts = await Promise.all(
      (['links', 'memberships'] as const).map(async (table) => {
        const rows = await database.kysely.selectFrom(table).select('user_id').execute()
        return new Set(rows.map(({ user_id }) => user_id)).size
      }),
    )
    assert.deepEqual(counts, [done, done])
  })

  test('a run that was reading while somebody was purged leaves them out', async (database) => {
    const world = await createWorld(database)
    const site = await world.newSite({ onlyHereUsers: 'delete' })
    const [li, wang, zhao] = [member('li'), member('wang'), member('zhao')]
    await site.run(company([li, wang, zhao]))
    await site.run(company([wang, zhao]))
    world.letDaysPass(31)

    const counts = await site.run(company([li, zhao]), {
      beforeWriting: async () => void (await world.purge.run(always)),
    })

    assert.deepEqual([counts.users.failed, counts.users.created, counts.users.deleted], [0, 0, 1])
    const next = await site.run(company([li, zhao]))
    assert.equal(next.users.created, 1)
  })
})

function company(members: Member[]): Company {
  return { departments: [{ id: 1, name: '公司', parentId: 0 }], members }
}

function member(userid: string, fields: Partial<Member> = {}): Member {
  return { userid, name: userid, departments: [{ id: 1, order: 0, isLeader: false }], status: 1, ...fields }
}

function listOf(userids: string[]) {
  return new Map([['1', { digest: 'digest', userids: JSON.stringify(userids), shown: 0 }]])
}

function tx({ kysely, dialect }: Database) {
  return { kysely, dialect, isTransaction: true as const }
}

/** Every row of every table. */
async function textOf(database: Database): Promise<string> {
  const rows = await Promise.all(
    (Object.keys(tables) as TableName[]).map((table) => database.kysely.selectFrom(table).selectAll().execute()),
  )
  return JSON.stringify(rows)
}

/** The whole file, without what was deleted from it (threats.md D-07). */
async function bytesOf({ kysely }: Database): Promise<string> {
  await sql`vacuum`.execute(kysely)
  await sql`pragma wal_checkpoint(truncate)`.execute(kysely)
  const { rows } = await sql<{ file: string }>`pragma database_list`.execute(kysely)
  return readFileSync(rows[0]!.file, 'utf8')
}

/** What an administrator approves who approves whatever there is. */
const EVERYTHING = { has: () => true } as unknown as ReadonlySet<string>
