import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { test } from 'node:test'
import type { TestContext } from 'node:test'

import { selfSigned } from './sign-in/certificate.ts'
import { fetchText, parse, rows } from './test-client.ts'

function run(t: TestContext, ...options: string[]) {
  const child = spawn(process.execPath, [fileURLToPath(new URL('main.ts', import.meta.url)), ...options])
  const exited = once(child, 'exit', { signal: AbortSignal.timeout(10_000) })
  t.after(() => child.kill('SIGKILL'))
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk
  })
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk
  })
  const firstLine = async () => {
    while (!stdout.includes('\n')) await once(child.stdout, 'data', { signal: AbortSignal.timeout(10_000) })
    return stdout
  }
  return { child, exited, firstLine, output: () => ({ stdout, stderr }) }
}

async function certificateAt(url: string): Promise<string | undefined> {
  const socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port), rejectUnauthorized: false })
  await once(socket, 'secureConnect', { signal: AbortSignal.timeout(10_000) })
  const { fingerprint256 } = socket.getPeerCertificate()
  socket.destroy()
  return fingerprint256
}

test('--json prints one document with working credentials, SIGTERM ends it', async (t) => {
  const { child, exited, firstLine, output } = run(t, '--people', '30', '--seed', '5', '--json')

  const { apiUrl, loginUrl, oauthUrl, openUrl, controlUrl, companies } = JSON.parse(await firstLine()) as {
    apiUrl: string
    loginUrl: string
    oauthUrl: string
    openUrl: string
    controlUrl: string
    companies: { corpId: string; people: number; contactsSecret: string; apps: { kind: string; secret: string }[] }[]
  }
  const [company] = companies
  const [app] = company?.apps ?? []
  const token = await fetchText(`${apiUrl}/cgi-bin/gettoken?corpid=${company?.corpId}&corpsecret=${app?.secret}`)
  const pages = [
    await fetchText(`${loginUrl}/wwlogin/sso/login`),
    await fetchText(`${oauthUrl}/connect/oauth2/authorize`),
    await fetchText(`${openUrl}/wwopen/sso/qrConnect`),
  ]
  const listed = parse((await fetchText(`${controlUrl}/countCalls`)).body)
  child.kill('SIGTERM')
  const [status] = (await exited) as [number | null]

  assert.equal(parse(token.body)['errcode'], 0)
  assert.deepEqual(
    pages.map(({ status }) => status),
    [400, 403, 400],
  )
  assert.equal(listed['count'], 4)
  assert.deepEqual([company?.people, app?.kind], [30, 'self-built'])
  assert.equal(
    company?.apps.some(({ kind }) => kind === 'contacts-sync'),
    false,
  )
  assert.deepEqual([status, output().stderr], [0, ''])
  assert.deepEqual(rows(parse(output().stdout), 'companies').length, 1)
})

test('the pages are served over TLS too, with files or without', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'emulator-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const { key, cert } = selfSigned(Date.now())
  const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  writeFileSync(keyFile, key)
  writeFileSync(certFile, cert)
  const given = run(t, '--people', '12', '--json', '--tls-port', '0', '--tls-key', keyFile, '--tls-cert', certFile)
  const made = run(t, '--people', '12', '--tls-port', '0')
  const halfGiven = run(t, '--tls-port', '0', '--tls-key', keyFile)

  const { tlsUrl } = JSON.parse(await given.firstLine()) as { tlsUrl: string }
  const presented = await certificateAt(tlsUrl)
  const text = await made.firstLine()
  await halfGiven.exited

  assert.equal(presented, new X509Certificate(cert).fingerprint256)
  assert.match(text, /the same over TLS at +https:\/\/127\.0\.0\.1:\d+/)
  assert.match(halfGiven.output().stderr, /^--tls-key and --tls-cert belong together/)
})

test('without --json it explains itself, --help too, and a bad option is 2', async (t) => {
  const running = run(t, '--people', '12')
  const text = await running.firstLine()
  running.child.kill('SIGINT')
  await running.exited
  const help = run(t, '--help')
  await help.exited
  const bad = run(t, '--people', 'many')
  const [status] = (await bad.exited) as [number]

  assert.match(text, /WeCom is emulated at http:\/\/127\.0\.0\.1:\d+/)
  assert.match(text, /https:\/\/login\.work\.weixin\.qq\.com +http:\/\/127\.0\.0\.1:\d+/)
  assert.match(text, /CorpId +ww[0-9a-f]{16}[^]*目录助手: a self-built app [^]*AgentId +1000002\n +Secret +\w{43}\n/)
  assert.match(
    text,
    /curl http:\/\/127\.0\.0\.1:\d+\/setCallback -d '\{"corpId":"ww[0-9a-f]{16}","agentId":0,"url":"<URL>"/,
  )
  assert.match(help.output().stdout, /^Usage: /)
  assert.equal(status, 2)
  assert.match(bad.output().stderr, /--people takes a whole number from 1 to 1000000, not "many"/)
})

test('with --provider and --companies there is somebody to authorise a suite', async (t) => {
  const plain = run(t, '--people', '12', '--companies', '2', '--provider')
  const text = await plain.firstLine()
  const running = run(t, '--people', '12', '--companies', '2', '--provider', '--json')
  const { companies, providers, controlUrl } = JSON.parse(await running.firstLine()) as {
    companies: { corpId: string }[]
    providers: { suites: { suiteId: string; kind: string }[] }[]
    controlUrl: string
  }
  const [template, suite] = providers[0]?.suites ?? []
  const body = JSON.stringify({ suiteId: template?.suiteId, corpId: companies[1]?.corpId, from: 'wecom' })
  const authorized = await fetchText(`${controlUrl}/authorize`, { method: 'POST', body })
  await fetchText(`${controlUrl}/reset`, { method: 'POST' })
  const after = await fetchText(`${controlUrl}/providers`)

  assert.match(text, /a service provider\n +CorpId +ww[0-9a-f]{16}\n +ProviderSecret +\w{64}\n/)
  assert.match(
    text,
    /SuiteId +dk[0-9a-f]{16}\n[^]*SuiteId +ww[0-9a-f]{16}\n[^]*\/setSuiteCallback -d[^]*\/authorize -d/,
  )
  assert.deepEqual([companies.length, template?.kind, suite?.kind], [2, 'delegated', 'third-party'])
  assert.match(String(parse(authorized.body)['openCorpId']), /^wpk/)
  const listed = JSON.parse(after.body) as { suites: { suiteId: string; authorizations: unknown[] }[] }[]
  assert.deepEqual(
    listed[0]?.suites.map(({ suiteId, authorizations }) => [suiteId, authorizations.length]),
    [
      [template?.suiteId, 0],
      [suite?.suiteId, 0],
    ],
  )
})

test('a port that is taken is one line and a failure', async (t) => {
  const running = run(t, '--json')
  const { apiUrl } = JSON.parse(await running.firstLine()) as { apiUrl: string }
  const second = run(t, '--port', new URL(apiUrl).port)
  const [status] = (await second.exited) as [number]

  assert.equal(status, 1)
  assert.match(second.output().stderr, /^could not start: .*EADDRINUSE.*\n$/)
})
