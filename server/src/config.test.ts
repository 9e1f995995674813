import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'

import { ConfigError, describeConfig, loadConfig } from './config.ts'
import type { Config, ConfigProblem } from './config.ts'

const KEY = Buffer.alloc(32, 3).toString('base64')
const TOKEN = 'bootstrap-token-0123456789abcdefghij'

test('without any setting the defaults are what the documentation promises', () => {
  const config = load({})

  assert.equal(config.publicUrl, 'http://localhost:8080')
  assert.deepEqual(config.listen, { host: '127.0.0.1', port: 8080 })
  assert.deepEqual(config.database, { kind: 'sqlite', file: './data/muster.db' })
  assert.deepEqual(config.wecom, {
    apiUrl: 'https://qyapi.weixin.qq.com',
    loginUrl: 'https://login.work.weixin.qq.com',
    oauthUrl: 'https://open.weixin.qq.com',
    openUrl: 'https://open.work.weixin.qq.com',
    backoffMs: 60_000,
    callsPerMinute: 8_000,
    callTimeoutMs: 15_000,
  })
  assert.equal(config.runTimeoutMinutes, 60)
  assert.equal(config.masterKey, undefined)
  assert.deepEqual(config.trustedProxies, [])
  assert.equal(config.environmentConnection, undefined)
  assert.equal(config.test, false)
})

test('the database lies in the data directory that was chosen', () => {
  assert.deepEqual(load({ MUSTER_DATA_DIR: '/srv/muster' }).database, { kind: 'sqlite', file: '/srv/muster/muster.db' })
})

test('values that are understood', () => {
  const table: [env: Record<string, string>, read: (config: Config) => unknown, expected: unknown][] = [
    [{ MUSTER_PUBLIC_URL: 'https://SSO.corp.example/' }, (c) => c.publicUrl, 'https://sso.corp.example'],
    [{ MUSTER_WECOM_API_URL: 'http://127.0.0.1:4000' }, (c) => c.wecom.apiUrl, 'http://127.0.0.1:4000'],
    [{ MUSTER_LISTEN: '[::1]:0' }, (c) => c.listen, { host: '::1', port: 0 }],
    [{ MUSTER_LISTEN: '0.0.0.0:65535' }, (c) => c.listen, { host: '0.0.0.0', port: 65_535 }],
    [{ MUSTER_LISTEN: 'localhost:80' }, (c) => c.listen, { host: 'localhost', port: 80 }],
    [{ MUSTER_DATABASE_URL: 'sqlite:a/b.db' }, (c) => c.database, { kind: 'sqlite', file: 'a/b.db' }],
    [{ MUSTER_DATABASE_URL: 'sqlite:///a/b.db' }, (c) => c.database, { kind: 'sqlite', file: '/a/b.db' }],
    [{ MUSTER_DATABASE_URL: 'postgresql://db/muster' }, (c) => c.database.kind, 'postgres'],
    [
      { MUSTER_TRUSTED_PROXIES: '127.0.0.1, 10.0.0.0/8,fd00::/8' },
      (c) => c.trustedProxies,
      ['127.0.0.1', '10.0.0.0/8', 'fd00::/8'],
    ],
    [{ MUSTER_LOG_LEVEL: 'DEBUG' }, (c) => c.logLevel, 'debug'],
    [{ MUSTER_WECOM_BACKOFF_MS: '0' }, (c) => c.wecom.backoffMs, 0],
    [{ MUSTER_BOOTSTRAP_TOKEN: TOKEN }, (c) => c.bootstrapToken?.reveal(), TOKEN],
    [{ MUSTER_BOOTSTRAP_TOKEN: '' }, (c) => c.bootstrapToken, undefined],
    [{ MUSTER_TEST: '1', MUSTER_TEST_CLOCK_FILE: 'clock' }, (c) => c.testClockFile, 'clock'],
    [{ MUSTER_TEST_POSTGRES_URL: 'postgres://x/y' }, (c) => c.test, false],
  ]

  for (const [env, read, expected] of table) assert.deepEqual(read(load(env)), expected, JSON.stringify(env))
})

test('values that are refused', () => {
  const table: [name: string, ...values: string[]][] = [
    [
      'MUSTER_PUBLIC_URL',
      'muster.example.com',
      'https://muster.example.com/sso',
      'ftp://muster',
      'https://u:p@muster',
      'https://m?x=1',
      'https://m#x',
    ],
    ['MUSTER_WECOM_API_URL', 'https://qyapi.weixin.qq.com/cgi-bin', 'qyapi.weixin.qq.com'],
    ['MUSTER_WECOM_LOGIN_URL', 'https://login.example/wwlogin'],
    ['MUSTER_WECOM_OAUTH_URL', '//open.example'],
    ['MUSTER_WECOM_OPEN_URL', 'javascript:alert(1)'],
    ['MUSTER_LISTEN', '8080', ':8080', '::1:8080', '[127.0.0.1]:80', '127.0.0.1:65536', '127.0.0.1:http', 'a b:80'],
    ['MUSTER_DATABASE_URL', 'sqlite:', 'sqlite://relative.db', 'mysql://host/db', 'muster.db', 'postgres'],
    [
      'MUSTER_MASTER_KEY',
      'short',
      KEY.slice(0, -1),
      `${KEY}\n`,
      Buffer.alloc(33).toString('base64'),
      KEY.replace('A', '*'),
    ],
    ['MUSTER_BOOTSTRAP_TOKEN', 'too-short', `${TOKEN} with a space`, '企'.repeat(40)],
    ['MUSTER_TRUSTED_PROXIES', 'proxy.example', '10.0.0.0/33', '10.0.0.0/8/8', '10.0.0.0/', '::1/129'],
    ['MUSTER_LOG_LEVEL', 'loud'],
    ['MUSTER_WECOM_CALL_TIMEOUT_MS', '0', '-1', '1.5', '15s', '1e3', '600001'],
    ['MUSTER_RUN_TIMEOUT_MINUTES', '0', '1441'],
    ['MUSTER_TEST', 'true', '0'],
  ]

  for (const [name, ...values] of table) {
    for (const value of values) {
      const problems = problemsOf({ [name]: value })
      assert.deepEqual(
        problems.map((problem) => problem.name),
        [name],
        `${name}=${value}`,
      )
    }
  }
})

test('every problem is reported at once, in English and Chinese, with a remedy', () => {
  const error = failureOf({
    MUSTER_LISTEN: 'x',
    MUSTER_PUBLIC_URL: 'y',
    MUSTER_LISTNE: '127.0.0.1:1',
    WECOM_CORP_ID: 'ww1',
  })

  assert.deepEqual(
    new Set(error.problems.map(({ name }) => name)),
    new Set(['MUSTER_LISTEN', 'MUSTER_PUBLIC_URL', 'MUSTER_LISTNE', 'WECOM_CORP_SECRET', 'WECOM_AGENT_ID']),
  )
  for (const { problem, remedy } of error.problems) {
    for (const text of [problem, remedy]) {
      assert.match(text.en, /^[\x20-\x7e…]+$/)
      assert.match(text.zh, /\p{Script=Han}/u)
      assert.ok(error.message.includes(text.en) && error.message.includes(text.zh))
    }
  }
})

test('a misspelt name is refused with the one that was probably meant', () => {
  const table = [
    ['MUSTER_LISTNE', /Did you mean MUSTER_LISTEN\?/],
    ['MUSTER_DATABASE_UR', /Did you mean MUSTER_DATABASE_URL\?/],
    ['MUSTER_MASTERKEY_FILE', /Did you mean MUSTER_MASTER_KEY_FILE\?/],
    ['MUSTER_PUBLIC_URL_FILE', /Only secrets .* set MUSTER_PUBLIC_URL\./],
    ['MUSTER_ENABLE_TELEPATHY', /configuration\.md/],
  ] as const

  for (const [name, remedy] of table) {
    const [problem, ...others] = problemsOf({ [name]: 'x' })
    assert.equal(problem?.name, name)
    assert.match(problem.remedy.en, remedy)
    assert.deepEqual(others, [])
  }
})

test("other programs' variables are left alone", () => {
  assert.doesNotThrow(() => load({ PATH: '/bin', WECOM_BOT_KEY: 'x', DATABASE_URL: 'y' }))
})

test('a secret may come from a file, whose last line break does not count', () => {
  const files = { '/run/secrets/key': `${KEY}\n`, '/run/secrets/token': `${TOKEN}\r\n` }

  const config = load(
    { MUSTER_MASTER_KEY_FILE: '/run/secrets/key', MUSTER_BOOTSTRAP_TOKEN_FILE: '/run/secrets/token' },
    files,
  )

  assert.equal(config.masterKey?.reveal(), KEY)
  assert.equal(config.bootstrapToken?.reveal(), TOKEN)
})

test('a secret given twice, or in a file that is missing or empty, is a problem', () => {
  const files = { key: KEY, empty: '\n' }

  const twice = problemsOf({ MUSTER_MASTER_KEY: KEY, MUSTER_MASTER_KEY_FILE: 'key' }, files)
  const missing = problemsOf({ MUSTER_MASTER_KEY_FILE: 'nowhere' }, files)
  const empty = problemsOf({ MUSTER_MASTER_KEY_FILE: 'empty' }, files)

  assert.match(twice[0]?.problem.en ?? '', /Both MUSTER_MASTER_KEY and MUSTER_MASTER_KEY_FILE/)
  assert.match(missing[0]?.problem.en ?? '', /nowhere/)
  assert.match(empty[0]?.problem.en ?? '', /empty/)
  assert.deepEqual([twice.length, missing.length, empty.length], [1, 1, 1])
})

test('the environment wins over the configuration file, and the file over the defaults', () => {
  const file = JSON.stringify({
    MUSTER_LISTEN: '0.0.0.0:1',
    MUSTER_LOG_LEVEL: 'warn',
    MUSTER_RUN_TIMEOUT_MINUTES: 5,
    MUSTER_TRUSTED_PROXIES: ['10.0.0.1', '10.0.0.2'],
    MUSTER_TEST: true,
  })

  const config = load({ MUSTER_CONFIG: 'muster.json', MUSTER_LISTEN: '0.0.0.0:2' }, { 'muster.json': file })

  assert.equal(config.listen.port, 2)
  assert.equal(config.logLevel, 'warn')
  assert.equal(config.runTimeoutMinutes, 5)
  assert.deepEqual(config.trustedProxies, ['10.0.0.1', '10.0.0.2'])
  assert.equal(config.test, true)
  assert.equal(config.publicUrl, 'http://localhost:8080')
})

test('a configuration file that cannot be used is a problem and none of its content is shown', () => {
  const table: [content: string | undefined, name: string][] = [
    [undefined, 'MUSTER_CONFIG'],
    [`{"MUSTER_MASTER_KEY": "${KEY}"`, 'MUSTER_CONFIG'],
    ['[]', 'MUSTER_CONFIG'],
    ['{"MUSTER_LISTEN": {}}', 'MUSTER_LISTEN'],
    ['{"MUSTER_LISTNE": "x"}', 'MUSTER_LISTNE'],
    ['{"PATH": "x"}', 'PATH'],
    ['{"MUSTER_CONFIG": "other.json"}', 'MUSTER_CONFIG'],
  ]

  for (const [content, name] of table) {
    const error = failureOf({ MUSTER_CONFIG: 'muster.json' }, content === undefined ? {} : { 'muster.json': content })
    assert.deepEqual(
      error.problems.map((problem) => problem.name),
      [name],
      content,
    )
    assert.doesNotMatch(error.message, new RegExp(KEY.slice(0, 12)))
  }
})

test('moving the clock is refused outside tests', () => {
  const problems = problemsOf({ MUSTER_TEST_CLOCK_FILE: 'clock' })

  assert.deepEqual(
    problems.map(({ name }) => name),
    ['MUSTER_TEST_CLOCK_FILE'],
  )
})

test('the connection of the environment is complete or reported', () => {
  const complete = { WECOM_CORP_ID: 'ww1', WECOM_CORP_SECRET: 's3cret', WECOM_AGENT_ID: '1000002' }

  const connection = load({ ...complete, ALLOWED_DOMAINS: 'Corp.Example, @corp.cn' }).environmentConnection
  const withoutAgent = problemsOf({ ...complete, WECOM_AGENT_ID: undefined })
  const domainsAlone = problemsOf({ ALLOWED_DOMAINS: 'corp.example' })

  assert.equal(connection?.corpId, 'ww1')
  assert.equal(connection.secret.reveal(), 's3cret')
  assert.equal(connection.agentId, 1_000_002)
  assert.equal(connection.redirectUrl, 'http://localhost:8080/auth/wecom/callback')
  assert.deepEqual(connection.allowedDomains, ['corp.example', 'corp.cn'])
  assert.deepEqual(
    withoutAgent.map(({ name }) => name),
    ['WECOM_AGENT_ID'],
  )
  assert.deepEqual(
    domainsAlone.map(({ name }) => name),
    ['WECOM_CORP_ID', 'WECOM_CORP_SECRET', 'WECOM_AGENT_ID'],
  )
})

test('the redirect address follows the public URL unless it is set', () => {
  const complete = {
    WECOM_CORP_ID: 'ww1',
    WECOM_CORP_SECRET: 's',
    WECOM_AGENT_ID: '1',
    MUSTER_PUBLIC_URL: 'https://sso.corp.example',
  }

  const derived = load(complete).environmentConnection
  const chosen = load({
    ...complete,
    WECOM_REDIRECT_URL: 'https://a.example/auth/wecom/callback',
  }).environmentConnection

  assert.equal(derived?.redirectUrl, 'https://sso.corp.example/auth/wecom/callback')
  assert.equal(chosen?.redirectUrl, 'https://a.example/auth/wecom/callback')
})

test('a secret that cannot be used is not repeated in the report', () => {
  const canaries = {
    MUSTER_MASTER_KEY: 'canary-key',
    MUSTER_BOOTSTRAP_TOKEN: 'canary-token',
    MUSTER_DATABASE_URL: 'mysql://u:canary-password@db/muster',
  }

  const error = failureOf(canaries)

  assert.equal(error.problems.length, 3)
  assert.doesNotMatch(inspect(error), /canary/)
})

test('secrets do not show in the printed configuration, nor in the configuration itself', () => {
  const config = load(
    {
      MUSTER_MASTER_KEY_FILE: 'key',
      MUSTER_BOOTSTRAP_TOKEN: TOKEN,
      MUSTER_DATABASE_URL: 'postgres://muster:canary1@db:5432/muster?sslpassword=canary2&sslmode=require',
      MUSTER_CONFIG: 'muster.json',
    },
    { key: KEY, 'muster.json': '{"MUSTER_LOG_LEVEL": "warn"}' },
  )

  const rows = new Map(describeConfig(config).map((row) => [row.name, row]))

  assert.deepEqual(rows.get('MUSTER_MASTER_KEY'), {
    name: 'MUSTER_MASTER_KEY',
    value: '[secret]',
    source: 'file MUSTER_MASTER_KEY_FILE',
  })
  assert.deepEqual(rows.get('MUSTER_BOOTSTRAP_TOKEN'), {
    name: 'MUSTER_BOOTSTRAP_TOKEN',
    value: '[secret]',
    source: 'environment',
  })
  assert.equal(
    rows.get('MUSTER_DATABASE_URL')?.value,
    'postgres://muster:[secret]@db:5432/muster?sslpassword=[secret]&sslmode=require',
  )
  assert.deepEqual(rows.get('MUSTER_LOG_LEVEL'), { name: 'MUSTER_LOG_LEVEL', value: 'warn', source: 'MUSTER_CONFIG' })
  assert.deepEqual(rows.get('MUSTER_LISTEN'), { name: 'MUSTER_LISTEN', value: '127.0.0.1:8080', source: 'default' })
  assert.deepEqual(rows.get('MUSTER_TRUSTED_PROXIES'), {
    name: 'MUSTER_TRUSTED_PROXIES',
    value: null,
    source: 'default',
  })
  for (const shown of [JSON.stringify(config), inspect(config, { depth: 9 }), JSON.stringify([...rows.values()])]) {
    assert.doesNotMatch(shown, /canary|bootstrap-token/)
    assert.ok(!shown.includes(KEY))
  }
})

test('the configuration cannot be changed afterwards', () => {
  const config = load({})

  for (const part of [config, config.wecom, config.listen, config.database, config.trustedProxies])
    assert.ok(Object.isFrozen(part))
})

function load(env: Record<string, string | undefined>, files: Record<string, string> = {}): Config {
  return loadConfig({
    env,
    readFile(path) {
      const content = files[path]
      if (content === undefined) throw new Error(`ENOENT: no such file or directory, open '${path}'`)
      return content
    },
  })
}

function failureOf(env: Record<string, string | undefined>, files: Record<string, string> = {}): ConfigError {
  try {
    load(env, files)
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return error
  }
  return assert.fail(`Accepted: ${JSON.stringify(env)}`)
}

function problemsOf(
  env: Record<string, string | undefined>,
  files: Record<string, string> = {},
): readonly ConfigProblem[] {
  return failureOf(env, files).problems
}
