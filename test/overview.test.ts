/** The first page of the console, and the files of the two logs: what the API says about what happened to a company. */
import assert from 'node:assert/strict'
import {
  createApiToken,
  createConnection,
  createUser,
  deleteUser,
  diagnoseConnection,
  getOverview,
  listAudit,
  listSignIns,
  listUsers,
  updateConnection,
  type Overview,
} from '@muster/contracts'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import { createClient } from './client.ts'
import { eventually } from './eventually.ts'
import { addPerson, open, startSignInStack } from './sign-in-stack.ts'
import { startStack } from './stack.ts'

onEitherDatabase(({ testWithUrl }) => {
  testWithUrl('a new installation has everything to do and nothing to show', async (url) => {
    await using stack = await startStack(url, { connection: { sync: { enabled: false } } })
    const auditor = createClient(
      stack.server.origin,
      (await stack.ask(createApiToken, { body: { name: 'reader', role: 'auditor' } })).token,
      'zh-CN',
    )

    const { attention, connections, users, departments, series } = await auditor.ask(getOverview, {})

    assert.deepEqual(
      attention.map(({ kind, detail }) => [kind, detail.includes('尚未启用')]),
      [['set-up', true]],
    )
    const [connection] = connections
    assert.deepEqual([connection!.syncStatus, connection!.doctor, connection!.heldRunId], ['never', null, null])
    assert.deepEqual(users, { active: 0, disabled: 0, deleted: 0, builtIn: 0, total: 0 })
    assert.equal(departments, 0)
    assert.equal(series.days.length, 30)
    for (const counts of [series.joiners, series.leavers, ...Object.values(series.signIns)]) {
      assert.deepEqual(counts, Array(30).fill(0))
    }
    assert.deepEqual([series.users[0], series.users.at(-1)], [null, { active: 0, disabled: 0 }])
    assert.deepEqual([series.refusals, series.runs], [[], []])
  })

  testWithUrl('runs, people and departments are counted, and what waits for a person is named', async (url) => {
    await using stack = await startStack(url, {
      people: 40,
      connection: { sync: { enabled: true, users: { onlyHere: 'disable' } } },
    })
    const first = await stack.syncOnce()
    const created = first.counts.users.created
    const guest = await stack.ask(createUser, { body: { username: 'guest', displayName: '来宾' } })
    await stack.ask(createUser, { body: { username: 'keeper', displayName: '值班' } })
    await stack.ask(deleteUser, { params: guest })
    await stack.ask(diagnoseConnection, { params: { id: 'hq' } })
    const { members } = stack.control.truth(stack)
    const userids = members.slice(0, 30).map(({ userid }) => userid)
    stack.control.removeMembers({ corpId: stack.corpId, userids })
    const held = await stack.syncOnce()
    assert.equal(held.state, 'held')

    const overview = await stack.ask(getOverview, { query: { days: 7 } })

    const [connection] = overview.connections
    const { id: connectionId, lastRunId, heldRunId, syncStatus, linkedUsers, doctor } = connection!
    assert.deepEqual([lastRunId, heldRunId, syncStatus, linkedUsers], [held.id, held.id, 'held', created])
    assert.equal(doctor?.failed, 0)
    const notice = overview.attention.find(({ kind }) => kind === 'held-run')!
    const waiting = Object.values(held.held!.counts).reduce((sum, count) => sum + count, 0)
    assert.deepEqual(
      [notice.connectionId, notice.runId, notice.count, notice.since],
      [connectionId, held.id, waiting, held.finishedAt],
    )
    assert.match(notice.detail, new RegExp(`^${waiting} removals of “.+” wait for a decision\\.$`))
    const { total: active } = await stack.ask(listUsers, { query: { status: 'active' } })
    const { total: disabled } = await stack.ask(listUsers, { query: { status: 'disabled' } })
    assert.equal(active + disabled, created + 1)
    assert.deepEqual(overview.users, { active, disabled, deleted: 1, builtIn: 1, total: created + 1 })
    assert.equal(overview.departments, first.counts.departments.created)
    assert.deepEqual(lastOf(overview), {
      joiners: created + 2,
      leavers: 1,
      users: { active, disabled },
    })
    assert.deepEqual(
      overview.series.runs.map(({ runId, state, apiCalls }) => [runId, state, apiCalls]),
      [held, first].map(({ id, state, apiCalls }) => [id, state, apiCalls]),
    )
  })

  testWithUrl('a run that failed and a test that found faults come before everything else', async (url) => {
    await using stack = await startStack(url, { connection: { sync: { enabled: true } } })
    await stack.ask(updateConnection, { params: { id: 'hq' }, body: { secret: 'wrong' } })

    const run = await stack.syncOnce()
    await stack.ask(diagnoseConnection, { params: { id: 'hq' } })
    const { attention } = await stack.ask(getOverview, {})

    assert.equal(run.state, 'failed')
    assert.deepEqual(
      attention.map(({ kind, runId }) => [kind, runId]),
      [
        ['run-failed', run.id],
        ['doctor', null],
      ],
    )
    assert.ok((attention[1]!.count ?? 0) > 0)
  })

  testWithUrl('a suite without its ticket and events that were given up are named', async (url) => {
    await using stack = await startStack(url, { connection: { sync: { enabled: false }, signIn: { enabled: true } } })
    const { ask, control } = stack
    const secrets = { token: 'TokenOfTheCompany', aesKey: 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG' }
    const provider = control.createProvider()
    const { suiteId, secret } = control.createSuite({ providerCorpId: provider.corpId, kind: 'delegated' })
    const { id: connectionId } = await ask(createConnection, {
      body: {
        identifier: 'oa',
        displayName: 'OA',
        kind: 'delegated',
        callback: secrets,
        suiteId,
        suiteSecret: secret,
        providerCorpId: provider.corpId,
        signIn: { enabled: true },
      },
    })
    const notices = async () =>
      (await ask(getOverview, {})).attention.filter(({ connectionId: about }) => about === connectionId)

    const [withoutTicket, ...others] = await notices()

    assert.deepEqual([withoutTicket?.kind, withoutTicket?.since, others], ['suite-ticket', null, []])

    await control.setSuiteCallback({
      suiteId,
      token: secrets.token,
      encodingAesKey: secrets.aesKey,
      commandUrl: `${stack.server.origin}/callback/wecom/oa/command`,
    })
    // A one-time code that nobody issued: another attempt cannot do better.
    control.sendSuiteEvent({ suiteId, message: { InfoType: 'create_auth', AuthCode: 'nobody-issued-this' } })
    const parked = await eventually('the event is given up', async () =>
      (await notices()).find(({ kind }) => kind === 'events-parked'),
    )

    assert.deepEqual([parked.count, (await notices()).length], [1, 1])
    assert.match(parked.detail, /^1 event of “OA” failed too often/)
  })

  testWithUrl('sign-ins are counted, found by why and when, and exported', async (url) => {
    await using stack = await startSignInStack(url)
    addPerson(stack, 'LiSi', '李四')
    await stack.ask(createUser, {
      body: { username: 'keeper', displayName: '=值班', password: 'correct horse battery' },
    })
    const before = new Date().toISOString()
    await open(stack).signIn('LiSi')
    const browser = open(stack)
    await browser.submit(await browser.start(), 'password', { username: 'keeper', password: 'correct horse battery' })
    await browser.submit(
      await open(stack)
        .start()
        .then(() => browser.follow('/signin/start?prompt=login')),
      'password',
      {
        username: 'keeper',
        password: 'wrong',
      },
    )

    const { series } = await stack.ask(getOverview, {})
    const refused = await stack.ask(listSignIns, { query: { reason: 'password-wrong' } })
    const past = await stack.ask(listSignIns, { query: { to: before } })
    const since = await stack.ask(listSignIns, { query: { from: before } })
    const file = await stack.send('/api/v1/sign-ins?format=csv&outcome=refused&limit=1')

    assert.deepEqual([series.signIns.succeeded.at(-1), series.signIns.refused.at(-1)], [2, 1])
    assert.deepEqual(series.refusals, [{ reason: 'password-wrong', count: 1 }])
    assert.deepEqual([refused.total, refused.items[0]?.reason], [1, 'password-wrong'])
    assert.deepEqual([past.total, since.total], [0, 3])
    assert.match(file.headers.get('content-type') ?? '', /^text\/csv/)
    assert.match(file.headers.get('content-disposition') ?? '', /^attachment; filename="sign-ins\.csv"$/)
    const lines = file.text.trimEnd().split('\r\n')
    assert.match(lines[0]!, /^id,at,outcome,reason/)
    assert.equal(lines.length, 2)
    assert.match(lines[1]!, /,refused,password-wrong,/)
  })

  testWithUrl('the audit record is found by when, and exported as a spreadsheet shows it', async (url) => {
    await using stack = await startStack(url, {})
    const before = new Date().toISOString()
    const made = await stack.ask(createUser, { body: { username: 'guest', displayName: '来宾' } })
    await stack.ask(createApiToken, { body: { name: '=1+1', role: 'auditor' } })

    const since = await stack.ask(listAudit, { query: { from: before } })
    const past = await stack.ask(listAudit, { query: { to: before, action: 'user.create' } })
    const about = await stack.ask(listAudit, { query: { targetId: made.id, from: before, q: 'create' } })
    const file = await stack.send(`/api/v1/audit?format=csv&from=${before}&limit=1`)
    const wrong = await stack.send('/api/v1/audit?from=yesterday')

    assert.deepEqual([since.total, past.total, about.total], [2, 0, 1])
    const [head, ...lines] = file.text.trimEnd().split('\r\n')
    assert.match(head!, /^id,at,action,/)
    assert.equal(lines.length, 2)
    assert.match(lines[0]!, /,api-token\.create,.*,'=1\+1,/)
    assert.equal(wrong.json['code'], 'http/validation')
  })
})

function lastOf({ series }: Overview) {
  return { joiners: series.joiners.at(-1), leavers: series.leavers.at(-1), users: series.users.at(-1) }
}
