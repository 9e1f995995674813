/** The doctor against a real server and an emulated company: what it finds, what it asks, and what it keeps to itself. */
import assert from 'node:assert/strict'
import {
  createApiToken,
  createConnection,
  createOrganization,
  diagnoseConnection,
  getDiagnosis,
  updateConnection,
} from '@muster/contracts'
import type { Diagnosis, Sent } from '@muster/contracts'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import { createClient } from './client.ts'
import { runCommand, spawnServer } from './server.ts'
import { startStack, startStackOfProcesses, type Stack } from './stack.ts'

const DIRECTORY_CHECKS = [
  'settings',
  'token',
  'address',
  'clock',
  'app',
  'visible-range',
  'departments',
  'member',
  'sync-owner',
  'leavers',
  'organization',
]

onEitherDatabase(({ testWithUrl }) => {
  testWithUrl('a connection that works passes every check, and nothing is written or told', async (url) => {
    await using stack = await startStack(url, {
      connection: { sync: { enabled: true, users: { onlyHere: 'disable' } } },
    })

    const { checks, observedAddress, sample } = await examine(stack)

    assert.deepEqual(
      checks.map(({ name, result }) => [name, result]),
      DIRECTORY_CHECKS.map((name) => [name, 'pass']),
    )
    assert.equal(observedAddress, undefined)
    const { users, departments } = await stack.directory()
    assert.deepEqual([users.length, departments.length], [0, 0])
    const member = stack.control.truth(stack).members.find(({ userid }) => userid === sample?.userid)!
    assert.equal(sample?.name, member.name)
    assert.equal(sample.fields['mobile'], 'present')
    const told = JSON.stringify({ checks, sample })
    assert.ok(![member.mobile, member.biz_mail, stack.app.secret].some((text) => text !== '' && told.includes(text)))
    const log = stack.server.log()
    assert.ok(![member.name, member.userid, member.mobile, stack.app.secret].some((text) => log.includes(text)))
  })

  testWithUrl(
    'what was found last can be read again, in either language, without the person it looked at',
    async (url) => {
      await using stack = await startStack(url, { connection: { sync: { enabled: true } } })
      const params = { id: 'hq' }
      const auditor = createClient(
        stack.server.origin,
        (await stack.ask(createApiToken, { body: { name: 'reader', role: 'auditor' } })).token,
      )

      const never = await auditor.ask(getDiagnosis, { params })
      const { checks, sample } = await examine(stack)
      const { diagnosis } = await auditor.ask(getDiagnosis, { params })
      const chinese = await auditor.send('/api/v1/connections/hq/doctor', { headers: { 'accept-language': 'zh-CN' } })
      await stack.ask(updateConnection, { params, body: { displayName: '总部' } })
      const afterwards = await auditor.ask(getDiagnosis, { params })
      const missing = await auditor.send('/api/v1/connections/none/doctor')

      assert.equal(never.diagnosis, null)
      assert.deepEqual(diagnosis?.checks, checks)
      assert.match(chinese.text, /可信/)
      assert.ok(![sample!.userid, sample!.name!].some((text) => chinese.text.includes(text)))
      assert.deepEqual([diagnosis?.isOutdated, afterwards.diagnosis?.isOutdated], [false, true])
      assert.equal(missing.json['code'], 'connections/not-found')
    },
  )

  testWithUrl(
    'fields that WeCom withholds, leavers who stay, and a narrow range are things to look at',
    async (url) => {
      await using stack = await startStack(url, { kind: 'self-built' })

      const before = await examine(stack)
      setApp(stack, { range: { departments: [2, 3], members: ['E000001'], tags: [] } })
      const narrow = await examine(stack)
      setApp(stack, { range: { departments: [], members: [], tags: [] } })
      const empty = await examine(stack)

      assert.deepEqual(unusual(before), { member: 'warn', leavers: 'warn' })
      assert.match(textOf(before, 'member'), /mobile, gender, email, biz_mail, avatar/)
      assert.equal(before.sample?.fields['mobile'], 'withheld')
      assert.deepEqual(unusual(narrow), { 'visible-range': 'warn', member: 'warn', leavers: 'warn' })
      assert.match(textOf(narrow, 'visible-range'), /2 departments, 1 single person.*应用管理 → 自建/)
      assert.match(textOf(narrow, 'departments'), /2 roots/)
      assert.deepEqual(unusual(empty), {
        'visible-range': 'fail',
        departments: 'warn',
        member: 'warn',
        leavers: 'warn',
      })
    },
  )

  testWithUrl('an untrusted address is shown, and trusted as soon as WeCom trusts it', async (url) => {
    await using stack = await startStack(url)
    stack.control.changeSettings({ callerAddress: '203.0.113.7' })
    setApp(stack, { trustedAddresses: ['198.51.100.1'] })

    const untrusted = await examine(stack)
    setApp(stack, { trustedAddresses: ['203.0.113.7'] })
    const trusted = await examine(stack)

    assert.deepEqual(resultsOf(untrusted, ['token', 'address', 'app', 'departments', 'member']), [
      'pass',
      'fail',
      'skipped',
      'skipped',
      'skipped',
    ])
    assert.equal(untrusted.observedAddress, '203.0.113.7')
    assert.equal(checkOf(untrusted, 'address').wecomCode, 60020)
    assert.match(textOf(untrusted, 'address'), /Add 203\.0\.113\.7 under .*企业可信IP/)
    assert.deepEqual(unusual(trusted), { leavers: 'warn' })
  })

  testWithUrl('the app: disabled, another one’s id, departments that fail, people that fail', async (url) => {
    await using stack = await startStack(url)
    const fail = (endpoint: string, errcode: number) =>
      stack.control.addFault({ endpoint, effect: { kind: 'errcode', errcode } })

    await examine(stack) // there is a token from now on
    setApp(stack, { isEnabled: false })
    const disabled = await examine(stack)
    setApp(stack, { isEnabled: true })
    await stack.ask(updateConnection, { params: { id: 'hq' }, body: { agentId: stack.app.agentId + 500 } })
    const mistaken = await examine(stack)
    await stack.ask(updateConnection, { params: { id: 'hq' }, body: { agentId: null } })
    const unnamed = await examine(stack)
    fail('user/list', 60011)
    const hidden = await examine(stack)
    fail('department/list', 48002)
    const forbidden = await examine(stack)

    assert.deepEqual(resultsOf(disabled, ['app', 'visible-range', 'departments']), ['fail', 'skipped', 'skipped'])
    assert.equal(checkOf(disabled, 'app').wecomCode, 50003)
    assert.deepEqual(unusual(mistaken), { app: 'fail', 'visible-range': 'skipped', leavers: 'warn' })
    assert.deepEqual(unusual(unnamed), { settings: 'warn', leavers: 'warn' })
    assert.deepEqual(unusual(hidden), { settings: 'warn', member: 'fail', leavers: 'warn' })
    assert.deepEqual(resultsOf(forbidden, ['departments', 'member']), ['fail', 'skipped'])
    assert.equal(checkOf(forbidden, 'departments').wecomCode, 48002)
  })

  testWithUrl('a clock that disagrees with WeCom’s is noticed', async (url) => {
    await using stack = await startStack(url)

    stack.control.advanceClock({ ms: 90_000 })
    const late = await examine(stack)
    stack.control.advanceClock({ ms: 3_600_000 })
    const wrong = await examine(stack)

    assert.deepEqual(unusual(late), { clock: 'warn', leavers: 'warn' })
    assert.match(textOf(late, 'clock'), /behind WeCom/)
    assert.deepEqual(unusual(wrong), { clock: 'fail', leavers: 'warn' })
  })

  testWithUrl('a wrong secret is asked once, by requests and commands alike, and a saved one at once', async (url) => {
    await using stack = await startStackOfProcesses(url)
    const { control, corpId, app } = stack
    const asked = () => control.calls({ endpoint: 'gettoken' }).length

    const healthy = await runCommand(['doctor', 'hq', '--json'], stack.settings)
    const { secret } = control.resetSecret({ corpId, agentId: app.agentId })
    control.clearCalls()
    const refused = await Promise.all(Array.from({ length: 5 }, () => examine(stack)))
    await stack.server.stop()
    // A process of its own, which has no memory but the database.
    const alone = await runCommand(['doctor', 'hq'], { ...stack.settings, LANG: 'zh_CN.UTF-8' })
    const askedWithWrong = asked()
    stack.replaceServer(await spawnServer(stack.settings))
    await stack.ask(updateConnection, { params: { id: 'hq' }, body: { secret } })
    const mended = await examine(stack)

    assert.equal(healthy.code, 0, healthy.stderr)
    assert.deepEqual(unusual(JSON.parse(healthy.stdout) as Diagnosis), { leavers: 'warn' })
    for (const diagnosis of refused) {
      assert.deepEqual(resultsOf(diagnosis, ['token', 'departments', 'member']), ['fail', 'skipped', 'skipped'])
      assert.equal(checkOf(diagnosis, 'token').wecomCode, 40001)
    }
    assert.equal(alone.code, 1)
    assert.match(alone.stdout, /^ {2}✗ 应用 Secret {3}企业微信已于 .* 拒绝该 Secret（40001），本次未再尝试。$/m)
    assert.match(alone.stdout, /3 项通过，1 项需留意，1 项失败，6 项跳过。\n$/)
    assert.equal(askedWithWrong, 1)
    assert.deepEqual(unusual(mended), { leavers: 'warn' })
    assert.equal(asked(), 2)
  })

  testWithUrl('the secret of 通讯录同步: beside an app, alone, wrong, and in the wrong place', async (url) => {
    await using stack = await startStack(url)
    const [company] = stack.control.companies()
    const { contactsSecret } = company!
    const save = (body: Sent<typeof updateConnection>['body']) =>
      stack.ask(updateConnection, { params: { id: 'hq' }, body })

    await save({ contactsSecret })
    const beside = await examine(stack)
    await save({ contactsSecret: 'wrong-secret-of-the-assistant' })
    const wrong = await examine(stack)
    await save({ contactsSecret, secret: null })
    const alone = await examine(stack)
    stack.control.patchApp({ corpId: stack.corpId, agentId: 0, patch: { knownAddresses: 'any' } })
    const known = await examine(stack)
    stack.control.patchApp({ corpId: stack.corpId, agentId: 0, patch: { knownAddresses: [] } })
    await save({ contactsSecret: null, secret: contactsSecret })
    const misplaced = await examine(stack)

    assert.deepEqual(unusual(beside), { leavers: 'warn' })
    assert.deepEqual(resultsOf(beside, ['contacts-token', 'ids']), ['pass', 'pass'])
    assert.match(textOf(beside, 'ids'), /60 people in 4 departments.*48009.*as it should be/)
    assert.deepEqual(unusual(wrong), { 'contacts-token': 'fail', ids: 'skipped', leavers: 'warn' })
    assert.deepEqual(resultsOf(alone, ['settings', 'token', 'departments', 'ids']), [
      'warn',
      'skipped',
      'skipped',
      'warn',
    ])
    assert.equal(checkOf(alone, 'ids').wecomCode, 48009)
    assert.deepEqual(resultsOf(known, ['address', 'departments', 'member', 'ids']), ['pass', 'pass', 'pass', 'pass'])
    assert.equal(checkOf(misplaced, 'departments').result, 'fail')
    assert.match(textOf(misplaced, 'departments'), /not that of an app but of 通讯录同步/)
  })

  testWithUrl('a WeCom that hangs, breaks or stays away is a failed check and not a hanging request', async (url) => {
    await using stack = await startStack(url, { settings: { MUSTER_WECOM_CALL_TIMEOUT_MS: '150' } })
    const { control } = stack

    control.addFault({ endpoint: 'department/list', effect: { kind: 'hang' } })
    control.addFault({ endpoint: 'agent/get', effect: { kind: 'html' } })
    const broken = await examine(stack)
    await stack.emulator.close()
    await stack.ask(createConnection, { body: { identifier: 'new', corpId: 'ww2', secret: 'never-asked', agentId: 1 } })
    const away = await examine(stack, 'new')

    assert.deepEqual(resultsOf(broken, ['token', 'app', 'visible-range', 'departments', 'member']), [
      'pass',
      'fail',
      'skipped',
      'fail',
      'skipped',
    ])
    assert.match(textOf(broken, 'departments'), /no whole answer within 150 ms/)
    assert.deepEqual(resultsOf(away, ['token', 'address', 'clock', 'departments']), [
      'fail',
      'skipped',
      'skipped',
      'skipped',
    ])
    assert.equal(checkOf(away, 'token').wecomCode, undefined)
  })

  testWithUrl('drafts, other owners of sync, other languages and other callers', async (url) => {
    await using stack = await startStack(url)
    await stack.ask(createConnection, { body: { identifier: 'draft' } })
    const elsewhere = await stack.ask(createOrganization, { body: { slug: 'other', name: '分公司' } })
    await stack.ask(createConnection, { body: { identifier: 'free', organizationId: elsewhere.id } })

    const draft = await examine(stack, 'draft')
    const free = await examine(stack, 'free')
    const chinese = await stack.send('/api/v1/connections/draft/doctor', {
      method: 'POST',
      headers: { 'accept-language': 'zh-CN' },
    })
    const { token } = await stack.ask(createApiToken, { body: { name: 'auditor', role: 'auditor' } })
    const auditor = createClient(stack.server.origin, token)

    assert.deepEqual(resultsOf(draft, ['settings', 'token', 'departments', 'sync-owner']), [
      'fail',
      'skipped',
      'skipped',
      'warn',
    ])
    assert.match(textOf(draft, 'settings'), /Enter corpId .* and secret .* agentId/)
    assert.match(textOf(draft, 'sync-owner'), /belongs to “hq” \(hq\)/)
    assert.equal(checkOf(free, 'sync-owner').result, 'pass')
    assert.match(textOf(free, 'organization'), /分公司/)
    assert.match(chinese.text, /请填写 corpId（我的企业 → 企业信息 → 企业ID）/)
    await assert.rejects(examine(stack, 'nobody'), { code: 'connections/not-found' })
    await assert.rejects(auditor.ask(diagnoseConnection, { params: { id: 'hq' } }), { code: 'auth/forbidden' })
    assert.equal(stack.control.calls().length, 0)
  })
})

function examine(stack: Stack, id = 'hq'): Promise<Diagnosis> {
  return stack.ask(diagnoseConnection, { params: { id } })
}

function setApp(stack: Stack, patch: Parameters<Stack['control']['patchApp']>[0]['patch']): void {
  stack.control.patchApp({ corpId: stack.corpId, agentId: stack.app.agentId, patch })
}

function checkOf({ checks }: Diagnosis, name: string): Diagnosis['checks'][number] {
  return checks.find((check) => check.name === name)!
}

function resultsOf(diagnosis: Diagnosis, names: readonly string[]): string[] {
  return names.map((name) => checkOf(diagnosis, name).result)
}

/** What does not pass. */
function unusual({ checks }: Diagnosis): Record<string, string> {
  return Object.fromEntries(checks.flatMap(({ name, result }) => (result === 'pass' ? [] : [[name, result]])))
}

function textOf(diagnosis: Diagnosis, name: string): string {
  const { detail, remedy } = checkOf(diagnosis, name)
  return `${detail} ${remedy ?? ''}`
}
