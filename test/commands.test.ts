/** The commands and the life of the process: how they end, what they print, and who may have the database. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createConnection, createUser, getUser, listUsers, updateConnection } from '@muster/contracts'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import { createClient } from './client.ts'
import { eventually } from './eventually.ts'
import { runCommand, spawnServer, temporaryFolder, type CommandOutcome, type Settings } from './server.ts'
import { startStackOfProcesses } from './stack.ts'

onEitherDatabase(({ dialect, testWithUrl }) => {
  testWithUrl(
    'SIGTERM in the middle of a run ends the process with 0, and the next start goes on with the run',
    async (url) => {
      await using stack = await startStackOfProcesses(url)
      stack.control.addFault({ endpoint: 'user/list', effect: { kind: 'latency', ms: 60_000 } })
      const run = await stack.startRun()
      await eventually('the run reads people', () => stack.control.calls({ endpoint: 'user/list' }).length > 0)

      const code = await stack.server.terminate()

      assert.equal(code, 0)
      assert.match(stack.server.log(), /"msg":"stopped"/)
      assert.match(stack.server.log(), /"msg":"let go of a run/)
      stack.control.clearFaults()
      stack.replaceServer(await spawnServer(stack.settings))
      const ended = await stack.finished(run.id)
      assert.equal(ended.state, 'succeeded')
      assert.ok(ended.warnings.some(({ code }) => code === 'taken-over'))
      assert.ok(ended.apiCalls > run.apiCalls)
      assert.deepEqual(await stack.mistakes(), [])
    },
  )

  testWithUrl(
    'sync says by its exit code how a run ended, with a server and without one, and which connections there are',
    async (url) => {
      await using stack = await startStackOfProcesses(url)
      const mistyped = await runCommand(['sync', 'headquarters'], stack.settings)
      assert.equal(mistyped.code, 1)
      assert.match(mistyped.stderr, /→ Connections here: hq\.\n→ 现有连接：hq。/)
      const [, , dark] = stack.control.truth(stack).departments
      const sync = () => runCommand(['sync', 'hq', '--json'], stack.settings)
      const breakOne = () =>
        stack.control.addFault({
          endpoint: 'user/list',
          query: { department_id: String(dark!.id) },
          effect: { kind: 'errcode', errcode: 60123 },
        })
      const breakAll = () => stack.control.addFault({ endpoint: '*', effect: { kind: 'errcode', errcode: 48002 } })

      const through = [await sync()]
      breakOne()
      through.push(await sync())
      breakAll()
      through.push(await sync())
      await stack.server.stop()
      stack.control.clearFaults()
      const alone = [await sync()]
      breakOne()
      alone.push(await sync())
      breakAll()
      alone.push(await sync())

      const expected = [
        [0, 'succeeded'],
        [3, 'partially_succeeded'],
        [1, 'failed'],
      ]
      assert.deepEqual(through.map(codeAndState), expected)
      assert.deepEqual(alone.map(codeAndState), expected)
    },
  )

  testWithUrl(
    'reviews, explain, timeline and revert at a terminal: read, decide, look back, take back',
    async (url) => {
      await using stack = await startStackOfProcesses(url)
      const command = (...args: string[]) => runCommand(args, stack.settings)
      const [emergency, leaver] = stack.control.truth(stack).members.map(({ userid }) => userid) as [string, string]
      const body = { username: emergency, displayName: 'Emergency access', breakGlass: true }
      const { id } = await stack.ask(createUser, { body })
      const users = { onlyHere: 'delete' } as const
      await stack.ask(updateConnection, { params: { id: 'hq' }, body: { sync: { users } } })
      await stack.syncOnce()

      const waiting = await command('reviews', 'hq')
      const [, reviewId] = /^(rev_\S+) {2}hq {2}/m.exec(waiting.stdout) ?? []
      assert.match(waiting.stdout, /break-glass[\s\S]*\(Emergency access, usr_\S+\), by the login name/)
      const undecided = await command('reviews', '--resolve', reviewId!)
      assert.deepEqual([undecided.code, undecided.stdout], [2, ''])
      const decided = await command('reviews', '--resolve', reviewId!, '--link', emergency.toUpperCase(), '--json')
      assert.deepEqual(codeAndState(decided), [0, 'linked'])
      assert.equal((JSON.parse(decided.stdout) as { userId: string }).userId, id)

      stack.control.removeMembers({ corpId: stack.corpId, userids: [leaver] })
      const run = await stack.syncOnce()
      const { items: gone } = await stack.ask(listUsers, { query: { status: 'deleted' } })
      const explained = await command('explain', 'hq', leaver)
      assert.equal(explained.code, 0)
      assert.match(explained.stdout, /✗ In WeCom[\s\S]*deleted already[\s\S]*timeline usr_/)

      const preview = await command('revert', run.id, '--user', leaver, '--preview')
      assert.equal(preview.code, 0, preview.stderr)
      assert.match(preview.stdout, /- restore user [\s\S]*Nothing was changed/)
      assert.equal((await stack.ask(getUser, { params: { id: gone[0]!.id } })).status, 'deleted')
      assert.deepEqual(codeAndState(await command('revert', run.id, '--user', leaver, '--json')), [0, 'succeeded'])
      assert.equal((await stack.ask(getUser, { params: { id: gone[0]!.id } })).status, 'active')

      const told = await runCommand(['timeline', leaver], { ...stack.settings, LANG: 'zh_CN.UTF-8' })
      assert.equal(told.code, 0, told.stderr)
      assert.match(told.stdout, /已启用[\s\S]*恢复[\s\S]*删除账号[\s\S]*创建账号/)
    },
  )

  testWithUrl('an API token made by command works, and does so with its role', async (url) => {
    await using stack = await startStackOfProcesses(url)

    const made = await runCommand(['admin', 'token', 'backup', '--role', 'auditor', '--json'], stack.settings)

    assert.equal(made.code, 0, made.stderr)
    const { token } = JSON.parse(made.stdout) as { token: string }
    const client = createClient(stack.server.origin, token)
    assert.equal((await client.send('/api/v1/connections/hq')).status, 200)
    await assert.rejects(client.ask(createConnection, { body: { identifier: 'other' } }), { code: 'auth/forbidden' })
    assert.ok(!stack.server.log().includes(token))
  })

  if (dialect === 'sqlite') {
    testWithUrl('sync without a server does not wait for a run that was killed with one', async (url) => {
      await using stack = await startStackOfProcesses(url)
      stack.control.addFault({ endpoint: 'user/list', effect: { kind: 'latency', ms: 60_000 } })
      await stack.startRun()
      await stack.server.kill()
      stack.control.clearFaults()

      const outcome = await runCommand(['sync', 'hq', '--json'], stack.settings)

      assert.deepEqual(codeAndState(outcome), [0, 'succeeded'])
    })

    testWithUrl('a second process on the same file is refused, and told why', async (url) => {
      await using stack = await startStackOfProcesses(url)

      const second = await runCommand(['serve'], stack.settings)

      assert.equal(second.code, 1)
      assert.match(second.stderr, /Another process has the database file/)
      assert.match(second.stderr, /database\/in-use/)
      assert.equal((await stack.syncOnce()).state, 'succeeded')
    })
  }
})

test('config shows what is in force and masks every secret', async () => {
  const password = 'pass-word-of-the-database'
  const settings: Settings = {
    MUSTER_DATABASE_URL: `postgres://muster:${password}@127.0.0.1:1/muster`,
    MUSTER_BOOTSTRAP_TOKEN: 'a-bootstrap-token-that-stays-hidden-0123',
    MUSTER_MASTER_KEY: Buffer.alloc(32, 9).toString('base64'),
    WECOM_CORP_ID: 'ww0123456789abcdef',
    WECOM_CORP_SECRET: 'corp-secret-that-stays-hidden',
    WECOM_AGENT_ID: '1000002',
    MUSTER_LOG_LEVEL: 'warn',
  }

  const outcomes = [await runCommand(['config'], settings), await runCommand(['config', '--json'], settings)]

  for (const { code, stdout, stderr } of outcomes) {
    assert.equal(code, 0, stderr)
    for (const secret of [password, settings['MUSTER_BOOTSTRAP_TOKEN']!, settings['MUSTER_MASTER_KEY']!]) {
      assert.ok(!stdout.includes(secret))
    }
    assert.ok(!stdout.includes(settings['WECOM_CORP_SECRET']!))
    assert.match(stdout, /ww0123456789abcdef/)
  }
  const rows = JSON.parse(outcomes[1]!.stdout) as { name: string; value: string | null; source: string }[]
  assert.deepEqual(
    rows.find(({ name }) => name === 'MUSTER_LOG_LEVEL'),
    { name: 'MUSTER_LOG_LEVEL', value: 'warn', source: 'environment' },
  )
})

test('asked for help, a command says how it is called and does nothing', async () => {
  const outcomes = await Promise.all([
    runCommand(['sync', '--help'], {}),
    runCommand(['help', 'sync'], {}),
    runCommand(['restore', 'somewhere', '-h'], { LANG: 'zh_CN.UTF-8' }),
  ])

  assert.deepEqual(
    outcomes.map(({ code, stderr }) => [code, stderr]),
    [
      [0, ''],
      [0, ''],
      [0, ''],
    ],
  )
  assert.match(outcomes[0].stdout, /^Usage: \.\/muster sync CONNECTION .*\n\nrun directory sync now/)
  assert.equal(outcomes[1].stdout, outcomes[0].stdout)
  assert.match(outcomes[2].stdout, /^Usage: \.\/muster restore FILE .*\n\n用备份替换数据库/)
})

test('an option that a command does not have is named, and how the command is called', async () => {
  const { code, stderr } = await runCommand(['sync', 'hq', '--forse'], {})

  assert.equal(code, 2)
  assert.equal(
    stderr,
    'muster: there is no option --forse.\nUsage: ./muster sync CONNECTION [--preview] [--approve-held] [--json]\n',
  )
})

test('a connection that does not exist is answered with where it was looked for', async () => {
  using folder = temporaryFolder()
  const settings = { MUSTER_DATA_DIR: folder.path, MUSTER_LOG_LEVEL: 'error' }

  const none = await runCommand(['sync', 'hq'], settings)

  assert.equal(none.code, 1)
  assert.ok(none.stderr.includes(`There is no connection “hq” here (data directory ${folder.path}).`), none.stderr)
  assert.match(none.stderr, /没有名为“hq”的连接[\s\S]*none at all[\s\S]*connections\/not-found/)
})

test('a data directory that cannot be one is refused in words, not with a stack trace', async () => {
  using folder = temporaryFolder()
  const file = join(folder.path, 'file')
  writeFileSync(file, '')

  const { code, stderr } = await runCommand(['doctor', 'hq'], { MUSTER_DATA_DIR: join(file, 'data') })

  assert.equal(code, 1)
  assert.match(stderr, /part of this path is a file and no folder/)
  assert.match(stderr, /路径中有一段是文件而不是目录/)
  assert.doesNotMatch(stderr, /^\s+at /m)
})

/** The state is read from standard output, which has to be one JSON document and nothing else. */
function codeAndState({ code, stdout }: CommandOutcome): [number | null, unknown] {
  return [code, (JSON.parse(stdout) as { state?: unknown }).state]
}
