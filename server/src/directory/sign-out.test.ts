/**
 * Every path that takes access away has to go through sign-out.ts. The database itself is asked who lost access: triggers
 * note it, whoever wrote, and here that is held against who was signed out.
 */
import assert from 'node:assert/strict'
import type { Member } from '@muster/wecom'
import { sql } from 'kysely'
import { onEachDatabase } from '../../test-support/databases.ts'
import { ACTOR, OWNER, createDirectory, requester } from '../../test-support/directory.ts'
import { createWorld, type Company } from '../../test-support/sync-world.ts'
import { createConnections } from '../connections/connections.ts'
import type { Database } from '../database/database.ts'
import { createIds } from '../ids.ts'
import { Secret } from '../secret.ts'
import { createVault } from '../vault.ts'

const owner = requester('owner')

onEachDatabase(({ dialect, test }) => {
  test('whoever loses access is signed out in the same transaction, by whatever path', async (database) => {
    await watchLosses(database, dialect)
    const directory = await createDirectory(database)
    const { users, links, organization, addConnection, addLink } = directory
    const world = await createWorld(database)
    const site = await world.newSite({ onlyHereUsers: 'disable' })
    const strict = await world.newSite({ onlyHereUsers: 'delete' })
    const matched = await world.newSite()
    await matched.addBuiltIn('li', null)
    const make = async (username: string, password?: string) =>
      (await users.create(OWNER, organization.id, { username, displayName: username, password })).user.id
    const hq = await addConnection('hq')
    const all = company(['li', 'wang', 'zhao', 'qian', 'sun', 'zhou', 'wu'].map((userid) => member(userid)))
    const first = await site.runWhole(all)
    await strict.run(all)
    const match = await matched.runWhole(all)

    const paths: Record<string, () => Promise<unknown>> = {
      'an administrator disables': async () => users.update(owner, await make('a'), { status: 'disabled' }),
      'an administrator deletes': async () => users.remove(owner, await make('b')),
      'an administrator takes the only password': async () =>
        users.update(owner, await make('c', 'correct horse battery'), { password: null }),
      'an administrator takes the only link': async () => {
        const link = await links.create(owner, await make('d'), { connectionId: hq, userid: 'd' })
        await links.remove(owner, link.id)
      },
      'a connection is removed': async () => {
        const connectionId = await addConnection('gone')
        await addLink(connectionId, await make('e'), 'e')
        await connectionsOf(database, directory).remove(ACTOR, connectionId, 'gone')
      },
      'a run disables who is gone': () => site.run(without(all, 'li'), { approved: EVERYTHING }),
      'a run deletes who is gone': () => strict.run(without(all, 'li'), { approved: EVERYTHING }),
      'a run disables whom WeCom disabled': () => strict.run(changed(without(all, 'li'), 'wang', { status: 2 })),
      'a run gives a userid to somebody new': async () => {
        const lenient = await world.newSite()
        await lenient.run(changed(all, 'li', { mobile: '13800000001' }))
        await lenient.run(without(all, 'li'))
        await lenient.run(changed(all, 'li', { name: '另一位', mobile: '13800000002' }))
      },
      'a person decides that a userid is somebody new': async () => {
        const lenient = await world.newSite()
        await lenient.run(changed(all, 'li', { mobile: '13800000001' }))
        await lenient.run(changed(all, 'li', { name: '另一位', mobile: '13800000002' }))
        const [question] = await lenient.reviews('open')
        await lenient.resolve(question!.id, { action: 'create' })
      },
      'a person decides that a userid is a user of ours': async () => {
        const lenient = await world.newSite()
        const ours = await lenient.addBuiltIn('ours', null)
        await lenient.run(changed(all, 'li', { mobile: '13800000001' }))
        await lenient.run(changed(all, 'li', { name: '另一位', mobile: '13800000002' }))
        const [question] = await lenient.reviews('open')
        await lenient.resolve(question!.id, { action: 'link', userId: ours })
      },
      'a revert disables whom a run enabled': async () => {
        await strict.revert((await strict.runWhole(without(all, 'li'))).id)
      },
      'a revert deletes whom a run created': () => site.revert(first.id),
      'a revert unlinks whom a run linked': () => matched.revert(match.id),
    }

    for (const [path, take] of Object.entries(paths)) {
      await sql`delete from losses`.execute(database.kysely)
      await database.kysely.updateTable('users').set({ signed_out_at: null }).execute()
      await take()

      const { rows } = await sql<{ user_id: string }>`select distinct user_id from losses`.execute(database.kysely)
      const signedOut = await database.kysely
        .selectFrom('users')
        .select('id')
        .where('signed_out_at', 'is not', null)
        .execute()
      assert.ok(rows.length > 0, path)
      assert.deepEqual(rows.map(({ user_id }) => user_id).sort(), signedOut.map(({ id }) => id).sort(), path)
    }
  })
})

/** Notes everybody who was active and is not, and everybody whose last link or password goes. */
async function watchLosses({ kysely }: Database, dialect: 'sqlite' | 'postgres'): Promise<void> {
  const closed = `select new.id where old.status = 'active' and new.status <> 'active'`
  const noDoor = (id: string) =>
    `select id from users where id = ${id} and status = 'active' and password_hash is null
     and not exists (select 1 from links where links.user_id = users.id)`
  const lostPassword = `${noDoor('new.id')} and old.password_hash is not null`
  const watched = [
    ['users', 'update', closed],
    ['users', 'update', lostPassword],
    ['links', 'delete', noDoor('old.user_id')],
    ['links', 'update', `${noDoor('old.user_id')} and old.user_id <> new.user_id`],
  ] as const
  await sql`create table losses (user_id text not null)`.execute(kysely)
  for (const [index, [table, event, lost]] of watched.entries()) {
    const note = `insert into losses ${lost};`
    const statements =
      dialect === 'sqlite'
        ? [`create trigger watch${index} after ${event} on ${table} begin ${note} end`]
        : [
            `create function watch${index}() returns trigger as $$ begin ${note} return null; end $$ language plpgsql`,
            `create trigger watch${index} after ${event} on ${table} for each row execute function watch${index}()`,
          ]
    for (const statement of statements) await sql.raw(statement).execute(kysely)
  }
}

function connectionsOf(database: Database, { audit, clock }: Awaited<ReturnType<typeof createDirectory>>) {
  const now = () => clock.at
  const newId = createIds({ now, random: (bytes) => crypto.getRandomValues(bytes) })
  return createConnections({
    database,
    vault: createVault({ key: new Secret(Buffer.alloc(32, 7).toString('base64')) }),
    audit,
    newId,
    now,
  })
}

function company(members: Member[]): Company {
  return { departments: [{ id: 1, name: '公司', parentId: 0 }], members }
}

function member(userid: string): Member {
  return { userid, name: userid, departments: [{ id: 1, order: 0, isLeader: false }], status: 1 }
}

function without({ departments, members }: Company, gone: string): Company {
  return { departments, members: members.filter(({ userid }) => userid !== gone) }
}

function changed({ departments, members }: Company, who: string, fields: Partial<Member>): Company {
  return { departments, members: members.map((person) => (person.userid === who ? { ...person, ...fields } : person)) }
}

/** What an administrator approves who approves whatever there is. */
const EVERYTHING = { has: () => true } as unknown as ReadonlySet<string>
