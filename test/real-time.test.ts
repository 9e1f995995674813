/** From a change in WeCom to the directory, over HTTP: the emulator tells it, and nobody starts a run. */
import assert from 'node:assert/strict'
import {
  diagnoseConnection,
  getEvent,
  listChanges,
  listEvents,
  listUsers,
  replayEvent,
  startRun,
  updateConnection,
  type Event,
} from '@muster/contracts'
import { freePort } from '../tools/free-port.ts'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import { AES_KEY, contactEvent, createSender, TOKEN } from './callback-sender.ts'
import { eventually } from './eventually.ts'
import { LISTENING, tellOfChanges } from './listening.ts'
import { serveHere, temporaryFolder } from './server.ts'
import { addPerson } from './sign-in-stack.ts'
import { startStack, type Stack, type StackOptions } from './stack.ts'
import { startSuiteStack } from './suite-stack.ts'

onEitherDatabase(({ dialect, testWithUrl }) => {
  testWithUrl('what changes in WeCom is in the directory without a run that anybody starts', async (url) => {
    await using stack = await startHearing(url, { people: 30 })
    const { control, corpId } = stack
    await stack.syncOnce()
    const idOf = async (username: string) =>
      (await stack.ask(listUsers, { query: { q: username } })).items.find((user) => user.username === username)?.id

    control.addMember({ corpId, member: { userid: 'joiner', name: '新人', department: [1], mobile: '13900000001' } })
    const id = await eventually('the joiner is here', () => idOf('joiner'))
    control.patchMember({ corpId, userid: 'joiner', patch: { status: 1 }, unchecked: true })
    control.patchMember({ corpId, userid: 'joiner', patch: { department: [2] } })
    control.addDepartment({ corpId, department: { id: 900, name: '新部门', parentid: 1, order: 1 } })
    await told(stack)
    control.renameMember({ corpId, userid: 'joiner', newUserid: 'renamed' })
    await told(stack)
    assert.deepEqual(await stack.mistakes(), [])
    const [renamed] = (await stack.ask(listUsers, { query: { q: '新人' } })).items
    assert.deepEqual([renamed?.id, renamed?.links[0]?.userid], [id, 'renamed'])

    control.removeMembers({ corpId, userids: ['renamed'] })
    await eventually('the leaver is disabled', async () => {
      const { items } = await stack.ask(listUsers, { query: { q: '新人', status: 'disabled' } })
      return items.length === 1
    })
    const events = await settled(stack)
    assert.deepEqual(
      events.filter(({ state }) => state !== 'applied').map(({ type, object, note }) => [type, object, note]),
      [],
    )
    const removal = events.find(({ type }) => type === 'delete_user')!
    assert.notEqual(removal.runId, null)
    assert.match((await stack.send('/metrics')).text, /muster_event_lag_seconds_count [1-9]/)
  })

  testWithUrl(
    'CB-08, CB-15: during a full run and a storm of events addresses are verified, and no event is lost',
    async (url) => {
      await using stack = await startStack(url, {
        people: 400,
        connection: LISTENING,
      })
      const { control, corpId } = stack
      await stack.syncOnce()
      const sender = createSender({ origin: stack.server.origin, path: 'hq', receiveId: corpId })
      const members = control.truth({ corpId }).members.slice(0, 50)
      control.changeSettings({ latencyMs: 20 })
      for (const { userid } of members) control.patchMember({ corpId, userid, patch: { position: '主任' } })
      control.clearCalls()

      const run = await stack.startRun()
      const answers = await Promise.all(
        Array.from({ length: 500 }, (_, index) =>
          index % 10 === 0
            ? sender.verify(String(index))
            : sender.deliver(contactEvent(corpId, 'update_user', { UserID: members[index % 50]!.userid })),
        ),
      )
      await stack.finished(run.id)
      const events = await settled(stack)

      // More than 1.8 seconds would have been 503.
      assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]))
      assert.deepEqual([events.length, new Set(events.map(({ state }) => state))], [450, new Set(['applied'])])
      const asked = control.countCalls({ endpoint: 'user/get' }).count
      assert.ok(asked < 450, `asked ${asked} times about 45 people`)
      assert.deepEqual(await stack.mistakes(), [])
    },
  )

  testWithUrl(
    'an event that WeCom answers badly is tried again, and a person can have it done at once',
    async (url) => {
      await using stack = await startStack(url, {
        people: 12,
        connection: LISTENING,
      })
      const { control, corpId } = stack
      await stack.syncOnce()
      const sender = createSender({ origin: stack.server.origin, path: 'hq', receiveId: corpId })
      control.addMember({ corpId, member: { userid: 'joiner', name: '新人', department: [1], mobile: '13900000001' } })
      control.addFault({ endpoint: 'user/get', effect: { kind: 'errcode', errcode: -1 } })

      await sender.deliver(contactEvent(corpId, 'create_user', { UserID: 'joiner' }))
      const failed = await eventually('it has failed', async () => {
        const [event] = (await stack.ask(listEvents, { query: { state: 'failed' } })).items
        return event
      })
      assert.deepEqual([failed.attempts, failed.error?.code, failed.finishedAt], [1, 'wecom/busy', null])
      assert.notEqual(failed.nextAttemptAt, null)

      control.clearFaults()
      const replayed = await stack.ask(replayEvent, { params: { id: failed.id } })
      assert.deepEqual([replayed.state, replayed.attempts], ['pending', 0])
      const event = await eventually('it is applied', async () => {
        const now = await stack.ask(getEvent, { params: { id: failed.id } })
        return now.state === 'applied' && now
      })
      assert.deepEqual([event.note, event.nextAttemptAt, event.attempts], [null, null, 1])
      assert.deepEqual(await stack.mistakes(), [])
    },
  )

  testWithUrl(
    'real time needs token and key, and the doctor sends a message around through the public address',
    async (url) => {
      const port = await freePort()
      const origin = `http://127.0.0.1:${port}`
      await using stack = await startStack(url, {
        people: 3,
        settings: { MUSTER_LISTEN: `127.0.0.1:${port}`, MUSTER_PUBLIC_URL: origin },
      })
      const patch = (body: object) =>
        stack.send('/api/v1/connections/hq', {
          method: 'PATCH',
          headers: { 'content-type': 'application/merge-patch+json' },
          body: JSON.stringify(body),
        })
      const check = async () => {
        const { checks } = await stack.ask(diagnoseConnection, { params: { id: 'hq' } })
        const found = checks.find(({ name }) => name === 'callback')
        return found && [found.result, found.detail]
      }

      const refused = await patch({ sync: { realTime: true } })
      assert.deepEqual([refused.status, refused.json['code']], [409, 'connections/incomplete'])
      assert.match(JSON.stringify(refused.json['fields']), /callback/)
      assert.equal(await check(), undefined)
      await patch({ callback: { token: TOKEN } })
      assert.equal((await check())?.[0], 'fail')
      assert.equal((await patch({ callback: { aesKey: AES_KEY }, sync: { realTime: true } })).status, 200)

      const [result, detail] = (await check())!
      assert.equal(result, 'pass')
      assert.match(String(detail), /came back through http:\/\/127\.0\.0\.1:\d+\/callback\/wecom\/hq in \d+ ms/)
      assert.equal((await stack.ask(listEvents, { query: {} })).total, 0, 'nothing of it is kept')
      assert.equal((await patch({ callback: null })).status, 409, 'real time still needs it')
      const off = await stack.ask(updateConnection, {
        params: { id: 'hq' },
        body: { callback: null, sync: { realTime: false } },
      })
      assert.equal(off.callback.hasToken, false)
    },
  )

  testWithUrl('companies of a template are told of by its data address, each by itself', async (url) => {
    await using stack = await startSuiteStack(url, { kind: 'delegated', authorized: 2 })
    const { control, companies } = stack
    const sync = { enabled: true, realTime: true, users: { onlyHere: 'disable' } } as const
    await stack.ask(updateConnection, { params: { id: 'suite' }, body: { sync } })
    const { id } = await stack.ask(startRun, { params: { id: 'suite' }, body: { mode: 'apply' } })
    assert.equal((await stack.finished(id)).state, 'succeeded')
    const openIds = (await stack.corps()).map(({ corpId }) => corpId)
    const shown = async () => (await stack.ask(listUsers, { query: { q: '双胞胎', limit: 500 } })).items

    // The same userid in both companies is two people.
    for (const corpId of companies) addPerson({ ...stack, corpId }, 'twin', '双胞胎')
    await eventually('both are here', async () => (await shown()).length === 2)
    await told(stack)
    const corps = (await shown()).map(({ links }) => links[0]!.corpId)
    assert.deepEqual(corps.toSorted(), openIds.toSorted())

    control.removeMembers({ corpId: companies[0], userids: ['twin'] })
    await eventually('one of them is disabled', async () => (await shown()).some(({ status }) => status === 'disabled'))
    await told(stack)
    assert.deepEqual((await shown()).map(({ status }) => status).toSorted(), ['active', 'disabled'])

    await stack.cancel(companies[1])
    const before = await settled(stack)
    addPerson({ ...stack, corpId: companies[1] }, 'late', '后来者')
    await told(stack)
    assert.deepEqual(
      (await settled(stack)).filter(({ type }) => type === 'create_user').length,
      before.filter(({ type }) => type === 'create_user').length,
      'a company that cancelled is not told of any more',
    )
  })

  // SQLite serves one process.
  if (dialect === 'sqlite') return

  testWithUrl(
    'CB-11: what comes to two processes at once happens once, whichever of them works it off',
    async (url) => {
      await using stack = await startStack(url, {
        people: 12,
        connection: LISTENING,
      })
      const { control, corpId } = stack
      await stack.syncOnce()
      using folder = temporaryFolder()
      const second = await serveHere({ ...stack.settings, MUSTER_DATA_DIR: folder.path })
      try {
        const senders = [stack.server.origin, second.origin].map((origin) =>
          createSender({ origin, path: 'hq', receiveId: corpId }),
        )
        const userids = Array.from({ length: 20 }, (_, index) => `joiner-${index}`)
        for (const [index, userid] of userids.entries()) {
          const mobile = `139${String(index).padStart(8, '0')}`
          control.addMember({ corpId, member: { userid, name: userid, department: [1], mobile } })
        }

        const answers = await Promise.all(
          userids.flatMap((userid) => {
            const sealed = senders[0]!.seal(contactEvent(corpId, 'create_user', { UserID: userid }))
            return [...senders, ...senders].map((sender) => sender.post(sealed))
          }),
        )
        const events = await settled(stack)

        assert.deepEqual(new Set(answers.map(({ text }) => text)), new Set(['success']))
        assert.deepEqual([events.length, new Set(events.map(({ state }) => state))], [20, new Set(['applied'])])
        assert.deepEqual(await stack.mistakes(), [])
        const runIds = [...new Set(events.map(({ runId }) => runId!))]
        const created = await Promise.all(
          runIds.map((id) => stack.ask(listChanges, { params: { id }, query: { action: 'create', limit: 500 } })),
        )
        assert.deepEqual(
          created.flatMap(({ items }) => items.map(({ externalId }) => externalId!)).toSorted(),
          userids.toSorted(),
        )
      } finally {
        await second.stop()
      }
    },
  )
})

/** A company of which the connection is told by the contacts assistant, whose address is verified as in WeCom's console. */
async function startHearing(url: string, options: StackOptions): Promise<Stack> {
  const stack = await startStack(url, {
    ...options,
    connection: { ...LISTENING, sync: { ...LISTENING.sync, users: { onlyHere: 'disable' } } },
  })
  await tellOfChanges(stack.control, {
    corpId: stack.corpId,
    origin: stack.server.origin,
    connection: 'hq',
    form: 'reduced',
  })
  return stack
}

/** Waits until WeCom has said everything, and everything was done with. */
async function told(stack: Stack): Promise<void> {
  await stack.control.deliveriesSettled()
  await settled(stack)
}

/** All events, once none of them waits any more. */
function settled(stack: Stack): Promise<Event[]> {
  return eventually('every event was worked off', async () => {
    const { items } = await stack.ask(listEvents, { query: { limit: 500 } })
    return items.every(({ nextAttemptAt }) => nextAttemptAt === null) && items
  })
}
