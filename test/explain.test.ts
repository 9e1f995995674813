/** Explaining one person: what is said is what the next run does, and saying it writes nothing. */
import assert from 'node:assert/strict'
import {
  createAdministrator,
  createApiToken,
  createUser,
  deleteUser,
  explainMember,
  listChanges,
  listUsers,
  updateConnection,
  updateUser,
  type Change,
  type Explanation,
  type User,
} from '@muster/contracts'
import { openDatabase } from '../server/src/database/database.ts'
import { tables, type TableName } from '../server/src/database/schema.ts'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import { createClient } from './client.ts'
import { fold } from './directory.ts'
import { serveHere } from './server.ts'
import { startStack, type Stack } from './stack.ts'

onEitherDatabase(({ testWithUrl }) => {
  testWithUrl('what explain says of each person is what the next run does, and it writes nothing', async (url) => {
    await using stack = await startStack(url, { people: 40 })
    const people = await preparePeople(stack)
    const before = await everyRow(stack, url)

    const said = new Map<string, Explanation>()
    for (const userid of people) said.set(userid, await explain(stack, userid))

    const log = stack.server.log()
    assert.deepEqual(await everyRow(stack, url), before)
    const { members } = stack.control.truth(stack)
    const personal = members.flatMap(({ userid, name, mobile, biz_mail }) => [userid, name, mobile, biz_mail])
    assert.deepEqual(
      personal.filter((text) => text !== '' && log.includes(text)),
      [],
    )

    const run = await stack.syncOnce()
    assert.equal(run.state, 'partially_succeeded', 'one address is taken')
    const { items } = await stack.ask(listChanges, { params: { id: run.id }, query: { limit: 500 } })
    for (const [userid, { changes }] of said) {
      const done = items.filter(
        ({ entity, externalId }) => entity !== 'department' && fold(externalId ?? '') === fold(userid),
      )
      assert.deepEqual(changes.map(withoutFate), done.map(withoutFate), userid)
    }
    assert.deepEqual(
      items.filter(({ externalId }) => !people.some((userid) => fold(userid) === fold(externalId ?? ''))),
      [],
      'nobody else was touched',
    )

    const [changed] = people
    const again = await explain(stack, changed!)
    assert.deepEqual(again.changes, [])
    assert.match(detail(again, 'write'), /written already/)
  })

  testWithUrl('whoever WeCom does not show, and whatever stands in the way, is named', async (url) => {
    await using stack = await startStack(url, { people: 30, company: { departments: 6 } })
    const { control, corpId, app } = stack
    await stack.syncOnce()
    const nobody = await explain(stack, 'nobody.of.that.name')
    assert.deepEqual(results(nobody), ['fail', 'fail', 'fail', 'skipped', 'skipped'])
    assert.match(detail(nobody, 'read'), /60111/)
    assert.deepEqual([nobody.userId, nobody.changes, nobody.access], [null, [], null])

    // Outside the visible range: linked people stay by policy, new ones are not found.
    const { departments, members } = control.truth({ corpId })
    const parents = new Set(departments.map(({ parentid }) => parentid))
    const leaf = departments.find(({ id }) => !parents.has(id))!
    control.patchApp({ ...app, corpId, patch: { range: { departments: [leaf.id], members: [], tags: [] } } })
    const hidden = members.find(({ department }) => !department.includes(leaf.id))!
    const outside = await explain(stack, hidden.userid)
    assert.deepEqual(results(outside), ['fail', 'fail', 'pass', 'pass', 'skipped'])
    assert.match(detail(outside, 'read'), /60011/)
    assert.match(detail(outside, 'decide'), /users\.onlyHere\) is ignore/)

    await setSync(stack, { users: { onlyHere: 'delete' } })
    const leaver = await explain(stack, hidden.userid)
    assert.deepEqual(
      leaver.changes.map(({ action, reason, before, after }) => [action, reason, before, after]),
      [['delete', 'not-in-wecom', { status: 'active' }, { status: 'deleted' }]],
    )
    assert.match(detail(leaver, 'decide'), /up to the guard/)

    await setSync(stack, { users: { onlyHere: 'ignore', onlyWecom: 'ignore' } })
    control.addMember({
      corpId,
      member: { userid: 'newcomer', name: '新人', department: [leaf.id], mobile: '13800000001' },
    })
    const ignored = await explain(stack, 'NewComer')
    assert.deepEqual(results(ignored), ['pass', 'pass', 'fail', 'skipped', 'skipped'])
    assert.match(detail(ignored, 'match'), /users\.onlyWecom\) is ignore/)

    // Switched off: said first, and still what would be done.
    await setSync(stack, { enabled: false, users: { onlyWecom: 'create' } })
    const off = await explain(stack, 'newcomer')
    assert.deepEqual(results(off), ['pass', 'fail', 'pass', 'pass', 'skipped'])
    assert.match(detail(off, 'scope'), /switched off/)
    assert.deepEqual([off.userId, off.changes[0]?.action, off.changes[0]?.userId], [null, 'create', null])
    await setSync(stack, { enabled: true })

    control.addFault({ endpoint: 'department/list', effect: { kind: 'errcode', errcode: 60003 } })
    assert.deepEqual(results(await explain(stack, 'newcomer')), ['pass', 'fail', 'skipped', 'skipped', 'skipped'])
    control.clearFaults()

    await assert.rejects(
      stack.ask(updateConnection, { params: { id: 'hq' }, body: { secret: '' } }),
      { status: 400 },
      'an empty secret is none',
    )
    await stack.ask(updateConnection, { params: { id: 'hq' }, body: { secret: 'wrong'.repeat(8) } })
    control.clearCalls()
    const chinese = createClient(stack.server.origin, await tokenFor(stack, 'operator'), 'zh')
    const refused = await chinese.ask(explainMember, { params: { id: 'hq' }, body: { userid: 'newcomer' } })
    assert.deepEqual(results(refused), ['fail', 'skipped', 'skipped', 'skipped', 'skipped'])
    assert.match(detail(refused, 'read'), /企业微信拒绝了凭证。.*Secret/)
    assert.equal(control.countCalls({}).count, 1)

    const auditor = createClient(stack.server.origin, await tokenFor(stack, 'auditor'))
    await assert.rejects(auditor.ask(explainMember, { params: { id: 'hq' }, body: { userid: 'newcomer' } }), {
      status: 403,
    })
  })

  testWithUrl('with ids only, and to whoever is on no list, it tells no more than it knows', async (url) => {
    await using stack = await startStack(url, { people: 20, kind: 'contacts-sync' })
    await stack.syncOnce()
    const member = { userid: 'joins.later', name: '新人', mobile: '13800000001', department: [2] }
    stack.control.addMember({ corpId: stack.corpId, member })

    const byId = await explain(stack, member.userid)
    assert.deepEqual(results(byId), ['pass', 'pass', 'pass', 'pass', 'pass'])
    assert.match(detail(byId, 'read'), /but not whether they are active\. It withholds name, status, position/)
    const run = await stack.syncOnce()
    assert.equal(run.strategy, 'ids')
    const { items } = await stack.ask(listChanges, { params: { id: run.id }, query: { q: member.userid } })
    assert.deepEqual(byId.changes.map(withoutFate), items.map(withoutFate))
    const nobody = await explain(stack, 'nobody.of.that.name')
    assert.deepEqual(results(nobody), ['fail', 'fail', 'fail', 'skipped', 'skipped'])
    assert.match(detail(await explain(stack, member.userid), 'write'), /written already/)
  })
})

/** One of each kind, ready for the next run. @returns their userids; the first is somebody who changes */
async function preparePeople(stack: Stack): Promise<string[]> {
  const { control, corpId } = stack
  // Whoever leads others would change them, too, by leaving.
  const { members } = control.truth({ corpId })
  const leaders = new Set(members.flatMap(({ direct_leader }) => direct_leader.map(fold)))
  const active = members.filter(({ status, userid }) => status === 1 && !leaders.has(fold(userid)))
  const [changed, moved, disabled, byAdministrator, both, gone, returns, reused, deletedHere, address, unchanged, old] =
    active.map(({ userid }) => userid) as [string, ...string[]]
  const patch = (userid: string, fields: Record<string, unknown>) =>
    control.patchMember({ corpId, userid, patch: fields, unchecked: true })
  const boss = await stack.ask(createUser, {
    body: { username: 'boss', displayName: '老板', password: 'correct horse battery staple' },
  })
  await stack.ask(createAdministrator, { body: { userId: boss.id, role: 'owner' } })
  await stack.ask(createUser, { body: { username: 'namesake', displayName: '同名' } })
  await stack.ask(createUser, { body: { username: 'desk', displayName: '前台', phone: '13900000009' } })
  await setSync(stack, { users: { onlyHere: 'delete' }, matchFields: ['phone'] })
  await stack.syncOnce()
  const originals = [returns!, reused!].map((userid) => active.find((member) => member.userid === userid)!)
  control.removeMembers({ corpId, userids: [returns!, reused!] })
  assert.equal((await stack.syncOnce()).counts.users.deleted, 2)
  await setSync(stack, { users: { onlyHere: 'disable' } })

  patch(changed, { position: '首席工程师' })
  patch(moved!, { department: [3], order: [0], is_leader_in_dept: [0], main_department: 3 })
  patch(disabled!, { status: 2, enable: 0 })
  await stack.ask(updateUser, { params: { id: await idOf(stack, byAdministrator!) }, body: { status: 'disabled' } })
  await stack.ask(updateUser, { params: { id: await idOf(stack, both!) }, body: { status: 'disabled' } })
  patch(both!, { position: '顾问' })
  control.removeMembers({ corpId, userids: [gone!] })
  const [first, second] = originals
  control.addMember({ corpId, member: { ...first! }, unchecked: true })
  const other = { name: '另一个人', mobile: '13911112222', biz_mail: 'other.person@company.example', email: '' }
  control.addMember({ corpId, member: { ...second!, ...other }, unchecked: true })
  await stack.ask(deleteUser, { params: { id: await idOf(stack, deletedHere!) } })
  control.renameMember({ corpId, userid: old!, newUserid: 'new.userid' })
  const taken = (await userOf(stack, unchanged!)).email
  patch(address!, { biz_mail: taken })
  const joins = { department: [2], order: [0], is_leader_in_dept: [0], main_department: 2, status: 1 }
  control.addMember({
    corpId,
    member: { userid: 'Joiner', name: '新同事', mobile: '13900000001', ...joins },
    unchecked: true,
  })
  control.addMember({
    corpId,
    member: { userid: 'boss', name: '张三', mobile: '13900000002', ...joins },
    unchecked: true,
  })
  control.addMember({
    corpId,
    member: { userid: 'NameSake', name: '李四', mobile: '13900000003', ...joins },
    unchecked: true,
  })

  control.addMember({
    corpId,
    member: { userid: 'by.number', name: '王五', mobile: '13900000009', ...joins },
    unchecked: true,
  })

  const people = [
    changed,
    moved,
    disabled,
    byAdministrator,
    both,
    gone,
    returns,
    reused,
    deletedHere,
    address,
    unchanged,
  ]
  const all = [...(people as string[]), 'Joiner', 'boss', 'NameSake', 'new.userid', 'by.number']
  await checkWords(stack, Object.fromEntries(all.map((userid, index) => [NAMES[index]!, userid])) as Cast)
  return all
}

const NAMES = [
  'changed',
  'moved',
  'disabled',
  'byAdministrator',
  'both',
  'gone',
  'returns',
  'reused',
  'deletedHere',
  'address',
  'unchanged',
  'joiner',
  'boss',
  'namesake',
  'renamed',
  'byNumber',
] as const

type Cast = Record<(typeof NAMES)[number], string>

/** The sentences an administrator reads about each of them. */
async function checkWords(stack: Stack, cast: Cast): Promise<void> {
  const expected: Record<keyof Cast, [decide: RegExp, access: RegExp]> = {
    changed: [/^The next run will change title from “.*” to “首席工程师”\.$/, /active since/],
    moved: [/^The next run will change departments from “.+” to “.+”\.$/, /active since/],
    disabled: [/disable the account: WeCom shows them as not active\. Whether that happens at once/, /active since/],
    byAdministrator: [
      /^Nothing changes: .* an administrator disabled it/,
      /disabled since .* by .*only an administrator/,
    ],
    both: [/will change title .* stays disabled/, /only an administrator/],
    gone: [/disable the account: WeCom does not show them any more/, /active since/],
    returns: [/restore the deleted account\./, /was deleted on .* by the run run_.*: WeCom does not show them/],
    reused: [/create the account: the userid shows another person/, /was deleted on/],
    deletedHere: [/will not restore the deleted account: an administrator deleted/, /was deleted on .* by /],
    address: [/will fail to change: Another user has this e-mail address\./, /active since/],
    unchanged: [/^Nothing changes: the account is as WeCom shows them\.$/, /active since/],
    joiner: [/^The next run will create the account\.$/, /^$/],
    boss: [/^Nothing is decided before it is clear who they are/, /^$/],
    byNumber: [/^The next run will link the account to this member\. .*name from “前台” to “王五”/, /active since/],
    renamed: [/^The next run will move the link: userid from “.*” to “new\.userid”\.$/, /active since/],
    namesake: [/^The next run will link the account to this member\./, /active since/],
  }
  for (const [name, [decide, access]] of Object.entries(expected)) {
    const explanation = await explain(stack, cast[name as keyof Cast])
    assert.match(detail(explanation, 'decide'), decide, name)
    assert.match(explanation.access?.detail ?? '', access, name)
  }
  const joiner = await explain(stack, 'JOINER')
  assert.match(detail(joiner, 'read'), /^WeCom shows 新同事 \(JOINER\) as active\./)
  assert.match(detail(joiner, 'match'), /somebody new/)
  assert.match(detail(await explain(stack, cast.namesake), 'match'), /the same login name/)
  assert.match(detail(await explain(stack, cast.renamed), 'match'), /the userid was renamed/)
  assert.match(detail(await explain(stack, cast.byNumber), 'match'), /account desk, by what the two have in common/)
  assert.match(detail(await explain(stack, cast.byNumber), 'match'), /account desk, by what the two have in common/)
  const boss = await explain(stack, cast.boss)
  assert.deepEqual([results(boss)[2], boss.userId], ['fail', null])
  assert.match(
    detail(boss, 'match'),
    /will not link the account to this member: an administrator or a break-glass account has this login name/,
  )
}

function explain(stack: Stack, userid: string): Promise<Explanation> {
  return stack.ask(explainMember, { params: { id: stack.connection }, body: { userid } })
}

function results({ steps }: Explanation): string[] {
  return steps.map(({ result }) => result)
}

function detail({ steps }: Explanation, name: string): string {
  return steps.find(({ step }) => step === name)!.detail
}

function setSync(stack: Stack, sync: Record<string, unknown>) {
  return stack.ask(updateConnection, { params: { id: stack.connection }, body: { sync } })
}

async function tokenFor(stack: Stack, role: 'operator' | 'auditor'): Promise<string> {
  return (await stack.ask(createApiToken, { body: { name: role, role } })).token
}

async function userOf(stack: Stack, userid: string): Promise<User> {
  const { items } = await stack.ask(listUsers, { query: { q: userid, limit: 500 } })
  return items.find(({ links }) => links.some((link) => fold(link.userid) === fold(userid)))!
}

async function idOf(stack: Stack, userid: string): Promise<string> {
  return (await userOf(stack, userid)).id
}

type Fate = Omit<Change, 'id' | 'runId'>

/** What was foreseen and what was done differ in nothing but this; ids of what was new could not be known before. */
function withoutFate({ entity, action, state, externalId, name, before, after, reason, error }: Fate) {
  const isDone = state === 'planned' || state === 'applied'
  return { entity, action, state: isDone ? 'done' : state, externalId, name, before, after, reason, error: error?.code }
}

/** What counts the calls to WeCom of all processes: asking is a call. */
const NOT_DATA: ReadonlySet<string> = new Set(['wecom_budgets'])

/** The whole database, read while nobody has it open. */
async function everyRow(stack: Stack, url: string): Promise<Record<string, unknown[]>> {
  await stack.server.stop()
  const database = await openDatabase(url)
  const rows: Record<string, unknown[]> = {}
  for (const table of Object.keys(tables) as TableName[]) {
    if (NOT_DATA.has(table)) continue
    const found = await database.kysely.selectFrom(table).selectAll().execute()
    // What search looks at is made in the background, whenever there is time.
    rows[table] = found.map((row) => JSON.stringify({ ...row, search_text: null })).sort()
  }
  await database.close()
  stack.replaceServer(await serveHere(stack.settings))
  return rows
}
