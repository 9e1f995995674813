/** The ways to read a company: which one is taken, at what price, and that each shows the same people. */
import assert from 'node:assert/strict'
import { updateConnection, type User } from '@muster/contracts'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import { fold, pictureOf } from './directory.ts'
import { startStack, type Stack } from './stack.ts'

onEitherDatabase(({ testWithUrl }) => {
  testWithUrl('the run says how it reads, why, and how many calls that should take', async (url) => {
    await using stack = await startStack(url, { company: { departments: 20 } })

    const run = await stack.syncOnce()

    assert.deepEqual(
      [run.strategy, run.reading?.strategy, run.reading?.reason.code],
      ['departments', 'departments', 'app'],
    )
    assert.match(run.reading!.reason.detail, /one call a department/)
    assert.equal(run.reading!.expectedCalls, 22)
    assert.equal(run.apiCalls, 23, 'and the token')
    const chinese = await stack.send(`/api/v1/runs/${run.id}`, { headers: { 'accept-language': 'zh' } })
    assert.match(chinese.text, /每个部门一次调用/)
  })

  testWithUrl(
    'the secret of 通讯录同步 from a new address reads ids: everybody in their departments, named by userid',
    async (url) => {
      await using stack = await startStack(url, { kind: 'contacts-sync' })
      const { members, departments } = stack.control.truth(stack)

      const run = await stack.syncOnce()

      assert.deepEqual([run.state, run.strategy, run.complete], ['succeeded', 'ids', true])
      assert.equal(run.reading?.reason.code, 'contacts-secret-new-address')
      assert.deepEqual([run.reading?.expectedCalls, run.apiCalls], [3, 4])
      assert.deepEqual(codes(run), ['departments-unnamed', 'details-withheld'])
      const details = run.warnings.find(({ code }) => code === 'details-withheld')!.detail
      for (const field of ['name', 'status', 'mobile', 'biz_mail']) assert.match(details, new RegExp(`\\b${field}\\b`))
      const { people, departments: tree } = pictureOf(await stack.directory())
      assert.deepEqual([people.size, tree.size], [members.length, departments.length])
      for (const { userid, department } of members) {
        const person = people.get(fold(userid))!
        assert.equal(fold(person.displayName), fold(userid))
        assert.deepEqual(person.departments.map(({ id }) => Number(id)).sort(), [...department].sort())
        assert.ok(person.departments.every(({ isMain, isLeader }) => !isMain && !isLeader))
      }

      const again = await stack.syncOnce()
      assert.deepEqual([again.state, again.counts.users.unchanged], ['succeeded', members.length])
    },
  )

  testWithUrl('the secret of 通讯录同步 from an address it is used from reads everything', async (url) => {
    await using stack = await startStack(url, { kind: 'contacts-sync' })
    stack.control.patchApp({ ...contactsApp(stack), patch: { knownAddresses: 'any' } })

    const run = await stack.syncOnce()

    assert.deepEqual(
      [run.state, run.strategy, run.reading?.reason.code],
      ['succeeded', 'departments', 'contacts-secret'],
    )
    assert.deepEqual(run.warnings, [])
    assert.deepEqual(await stack.mistakes(), [])
  })

  testWithUrl(
    'an assistant that loses its address keeps what is known: names, leaders and main departments stay',
    async (url) => {
      await using stack = await startStack(url, { kind: 'contacts-sync', connection: deleting })
      stack.control.patchApp({ ...contactsApp(stack), patch: { knownAddresses: 'any' } })
      await stack.syncOnce()
      const before = await stack.directory()

      stack.control.patchApp({ ...contactsApp(stack), patch: { knownAddresses: [] } })
      const run = await stack.syncOnce()

      assert.deepEqual([run.state, run.strategy], ['succeeded', 'ids'])
      assert.deepEqual(await stack.directory(), before)
      stack.control.patchApp({ ...contactsApp(stack), patch: { knownAddresses: 'any' } })
      await stack.syncOnce()
      assert.deepEqual(await stack.mistakes(), [])
    },
  )

  testWithUrl(
    'with both secrets ids come from the assistant and details from the app, at the price of the walk',
    async (url) => {
      await using stack = await startBoth(url)

      const run = await stack.syncOnce()

      assert.deepEqual([run.state, run.strategy, run.complete], ['succeeded', 'ids', true])
      assert.equal(run.reading?.reason.code, 'ids-and-app')
      assert.deepEqual(run.warnings, [])
      assert.deepEqual(await stack.mistakes(), [])
      assert.ok(run.apiCalls <= run.reading.expectedCalls + 2, 'no more than expected, and the tokens')
      assert.equal(run.reading.expectedCalls, stack.control.truth(stack).departments.length + 4)

      const again = await stack.syncOnce()
      assert.equal(again.counts.users.unchanged, stack.control.truth(stack).members.length)
      assert.equal(again.counts.users.updated, 0)
    },
  )

  testWithUrl(
    'whom the app does not see is in the directory by id, and a narrower range removes and clears nothing',
    async (url) => {
      await using stack = await startBoth(url)
      await stack.syncOnce()
      const before = await stack.directory()
      const { departments, members } = stack.control.truth(stack)
      const seen = departments[1]!.id
      stack.control.patchApp({ ...appOf(stack), patch: { range: { departments: [seen], members: [], tags: [] } } })

      const narrowed = await stack.syncOnce()

      assert.deepEqual([narrowed.state, narrowed.counts.users.deleted, narrowed.counts.users.held], ['succeeded', 0, 0])
      assert.ok(codes(narrowed).includes('details-withheld'))
      const kept = await stack.directory()
      assert.deepEqual(kept.users.map(withoutMain), before.users.map(withoutMain))

      const outside = departments.at(-1)!.id
      stack.control.addMember({
        corpId: stack.corpId,
        member: { userid: 'Outside', name: '圈外', department: [seen, outside].slice(1), mobile: '13900000009' },
      })
      const joined = await stack.syncOnce()
      assert.equal(joined.counts.users.created, 1)
      const { people } = pictureOf(await stack.directory())
      assert.equal(people.size, members.length + 1)
      assert.equal(people.get('outside')?.displayName, 'Outside')
      assert.deepEqual(
        people.get('outside')?.departments.map(({ id }) => id),
        [String(outside)],
      )

      stack.control.patchApp({ ...appOf(stack), patch: { range: { departments: [1], members: [], tags: [] } } })
      await stack.syncOnce()
      assert.deepEqual(await stack.mistakes(), [])
    },
  )

  testWithUrl('with both secrets a leaver is gone when neither the ids nor the app know them', async (url) => {
    await using stack = await startBoth(url)
    await stack.syncOnce()
    const [leaver] = stack.control.truth(stack).members
    stack.control.removeMembers({ corpId: stack.corpId, userids: [leaver!.userid] })

    const run = await stack.syncOnce()

    assert.deepEqual([run.state, run.counts.users.deleted], ['succeeded', 1])
    assert.equal(stack.control.countCalls({ endpoint: 'user/list_id' }).count, 3, 'the ids were read once more')
    assert.deepEqual(await stack.mistakes(), [])
  })

  testWithUrl('with the ids alone a leaver is gone when they are missing twice', async (url) => {
    await using stack = await startStack(url, { kind: 'contacts-sync', connection: deleting })
    await stack.syncOnce()
    const [first, second] = stack.control.truth(stack).members
    stack.control.removeMembers({ corpId: stack.corpId, userids: [first!.userid] })
    assert.equal((await stack.syncOnce()).counts.users.deleted, 1)

    // The first reading of the next run lacks somebody who is still there.
    const rows = stack.control
      .truth(stack)
      .members.filter(({ userid }) => userid !== second!.userid)
      .flatMap(({ userid, department }) => department.map((id) => ({ userid, department: id })))
    const answer = { errcode: 0, errmsg: 'ok', next_cursor: '', dept_user: rows }
    stack.control.addFault({ endpoint: 'user/list_id', count: 1, effect: { kind: 'json', value: answer } })
    const run = await stack.syncOnce()

    assert.deepEqual([run.counts.users.deleted, run.counts.users.skipped], [0, 1])
  })

  testWithUrl('people who are visible through a tag are read by name', async (url) => {
    await using stack = await startStack(url)
    const tagged = stack.control.truth(stack).tags.find(({ userids }) => userids.length > 0)!
    const range = { departments: [], members: [], tags: [tagged.tagid] }
    stack.control.patchApp({ ...appOf(stack), patch: { range } })

    const run = await stack.syncOnce()

    assert.equal(run.state, 'succeeded')
    assert.deepEqual(await stack.mistakes(), [])
    assert.ok(run.counts.membersRead >= tagged.userids.length)
  })

  testWithUrl('fields that WeCom withholds are named on every run, also when nothing has changed', async (url) => {
    await using stack = await startStack(url, { kind: 'self-built' })

    const runs = [await stack.syncOnce(), await stack.syncOnce()]

    for (const { warnings } of runs) {
      const { detail } = warnings.find(({ code }) => code === 'fields-withheld')!
      assert.match(detail, /: mobile, gender, email, biz_mail, avatar\./)
    }
    assert.equal(runs[1]!.counts.users.unchanged, 60)
  })

  testWithUrl(
    'a company with more departments than a minute has calls is exported, in a handful of calls',
    async (url) => {
      await using stack = await startStack(url, { people: 500, company: { departments: 8_200 } })

      const run = await stack.syncOnce()

      assert.deepEqual([run.state, run.strategy, run.complete], ['succeeded', 'export', true])
      assert.ok(run.apiCalls < 20, `${run.apiCalls} calls`)
      assert.deepEqual(await stack.mistakes(), [])
    },
  )

  testWithUrl('an export that WeCom refuses is replaced by the walk', async (url) => {
    await using stack = await startStack(url, {
      people: 500,
      company: { departments: 8_200 },
      settings: { MUSTER_WECOM_CALLS_PER_MINUTE: '100000' },
    })
    stack.control.addFault({ endpoint: 'export/*', effect: { kind: 'errcode', errcode: 48002 } })
    stack.control.changeSettings({ limits: { perMinute: null, perHour: null } })

    const run = await stack.syncOnce()

    assert.deepEqual([run.state, run.strategy, run.complete], ['succeeded', 'departments', true])
    assert.deepEqual(await stack.mistakes(), [])
  })
})

/** The app that sees every field, and 通讯录同步 beside it; leavers are deleted. */
async function startBoth(url: string): Promise<Stack> {
  const stack = await startStack(url, { connection: deleting })
  const { contactsSecret } = stack.control.companies()[0]!
  await stack.ask(updateConnection, { params: { id: 'hq' }, body: { contactsSecret } })
  return stack
}

const deleting = {
  sync: { enabled: true, users: { onlyHere: 'delete' }, departments: { onlyHere: 'delete' } },
} as const

function contactsApp({ corpId }: Stack) {
  return { corpId, agentId: 0 }
}

function appOf({ corpId, app }: Stack) {
  return { corpId, agentId: app.agentId }
}

function codes(run: { warnings: readonly { code: string }[] }): string[] {
  return run.warnings
    .map(({ code }) => code)
    .filter((code) => code !== 'run-within-hour')
    .sort()
}

/**
 * As the directory shows somebody, but for which department is the main one: that is not shown when it is outside the
 * range, and then none is (http-api.md §5).
 */
function withoutMain({ departments, ...user }: User) {
  const places = departments.map((place) => ({ ...place, isMain: false }))
  return {
    ...user,
    updatedAt: '',
    directLeaderUserId: null,
    departments: places.sort((a, b) => (a.departmentId < b.departmentId ? -1 : 1)),
  }
}
