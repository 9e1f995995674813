/** No failure, however it comes about, may carry a secret or a person: searched in everything an error can print. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { inspect } from 'node:util'

import { createHurriedClock } from '../test/clock.ts'
import { startServer } from '../test/local-server.ts'
import type { Answerer } from '../test/local-server.ts'
import { WecomError, createExportKey, createWecom } from './index.ts'
import type { CallReport, Principal, Provider, Suite, WecomOptions } from './index.ts'

const cleanUps: (() => unknown)[] = []
after(() => Promise.all(cleanUps.map((cleanUp) => cleanUp())))

const exportKey = createExportKey()
const canaries = {
  secret: 'canary-secret-Zq8!+/=&',
  token: 'canary-token-77_Yx.+/=%26',
  userid: 'canary.Person-1@x',
  mobile: '+86 13812345678',
  email: 'canary.person@example.com',
  code: 'canary-code-5c/+=',
  ticket: 'canary-ticket-0a0b',
  openUserid: 'canary-open-userid',
  exportKey,
  suiteSecret: 'canary-suite-secret-9k!/+',
  suiteTicket: 'canary-suite-ticket-@1+/=',
  suiteToken: 'canary-suite-token-4d.+/=',
  permanentCode: 'canary-permanent-code-6f_/+',
  preAuthCode: 'canary-pre-auth-code-8b+/=',
  authCode: 'canary-auth-code-2c+/=&',
  providerSecret: 'canary-provider-secret-3e!',
  providerToken: 'canary-provider-token-1a+/',
}

type Clients = { principal: Principal; suite: Suite; provider: Provider }

/** All calls that carry something about a person or a credential. */
const calls: ((clients: Clients) => Promise<unknown>)[] = [
  ({ principal }) => principal.departments.list(),
  ({ principal }) => principal.members.get(canaries.userid),
  ({ principal }) => principal.members.findByMobile(canaries.mobile),
  ({ principal }) => principal.members.findByEmail(canaries.email),
  ({ principal }) => principal.auth.userInfo(canaries.code),
  ({ principal }) => principal.auth.userDetail(canaries.ticket),
  ({ principal }) => principal.ids.toOpenUserid([canaries.userid]),
  ({ principal }) => principal.ids.toUserid([canaries.openUserid], { sourceAgentId: 1 }),
  ({ principal }) => principal.exports.submit('user', { encodingAesKey: exportKey }),
  ({ suite }) => suite.preAuthCode(),
  // Needs nothing of its answer, so a second call fails where it does not.
  ({ suite }) => suite.setSession(canaries.preAuthCode, {}).then(() => suite.preAuthCode()),
  ({ suite }) => suite.permanentCode(canaries.authCode),
  ({ suite }) => suite.authInfo('wpk1', canaries.permanentCode),
  ({ suite }) => suite.corpToken('wpk1', canaries.permanentCode),
  ({ suite }) => suite.adminList('wpk1', 1),
  ({ suite }) => suite.userInfo(canaries.code),
  ({ suite }) => suite.userInfo(canaries.code, { legacy: true }),
  ({ suite }) => suite.userDetail(canaries.ticket),
  ({ provider }) => provider.loginInfo(canaries.authCode),
  ({ provider }) => provider.openCorpId('ww1'),
]

const tokenAnswers: Readonly<Record<string, Record<string, unknown>>> = {
  gettoken: { errcode: 0, access_token: canaries.token, expires_in: 7200 },
  'service/get_suite_token': { suite_access_token: canaries.suiteToken, expires_in: 7200 },
  'service/get_provider_token': { provider_access_token: canaries.providerToken, expires_in: 7200 },
}

/** Echoes all it was sent, encoded as it came and decoded. */
function echo({ query, body }: Parameters<Answerer>[0]): string {
  const values = [...query.values(), ...Object.values(body ?? {}).flat()]
  return `${values.join(' ')} ${query.toString()} ${JSON.stringify(body)} ${JSON.stringify(values)}`
}

const failures: [string, Answerer][] = [
  [
    'an error message that echoes',
    (asked) => ({ errcode: 40035, errmsg: `invalid: ${echo(asked)}, hint: [17], from ip: 1.2.3.4` }),
  ],
  ['a frequency error that echoes', (asked) => ({ errcode: 45009, errmsg: echo(asked) })],
  ['HTTP 500 that echoes', (asked, response) => void response.writeHead(500).end(echo(asked))],
  ['HTTP 404 that echoes', (asked, response) => void response.writeHead(404, 'Not Found').end(echo(asked))],
  ['broken JSON that echoes', (asked) => `{"errcode": ${echo(asked)}`],
  ['HTML that echoes', (asked) => `<html>${echo(asked)}`],
  ['JSON without what is needed', (asked) => ({ errcode: 0, echo: echo(asked) })],
  [
    'a redirect that echoes',
    (asked, response) =>
      void response.writeHead(302, { location: `http://localhost/?${asked.query.toString()}` }).end(),
  ],
  ['a reset connection', (_, response) => void response.socket?.destroy()],
  ['a silent server', () => new Promise(() => {})],
]

for (const [what, answer] of failures) {
  test(`${what} leaks nothing`, async () => {
    const reports: CallReport[] = []
    const server = await startServer((asked, response) => tokenAnswers[asked.api] ?? answer(asked, response))
    cleanUps.push(server.close)
    const clients = clientsAt({ apiUrl: server.url }, reports)

    const errors = await Promise.all(calls.map((call) => errorOf(call(clients))))

    for (const error of errors) assertClean(error)
    assertClean(reports)
  })

  test(`${what} while the token is fetched leaks nothing`, async () => {
    const server = await startServer(answer)
    cleanUps.push(server.close)

    const { principal, suite, provider } = clientsAt({ apiUrl: server.url })
    for (const client of [principal, suite, provider]) assertClean(await errorOf(client.token()))
  })
}

test('an answer to a ticket that was refused leaks neither it nor the next one', async () => {
  const tickets = [canaries.suiteTicket, canaries.suiteToken]
  const server = await startServer((asked) => ({ errcode: 40085, errmsg: `invalid: ${echo(asked)}` }))
  cleanUps.push(server.close)

  assertClean(await errorOf(clientsAt({ apiUrl: server.url }, [], () => tickets.shift()).suite.token()))

  assert.equal(server.count('service/get_suite_token'), 2)
})

test('a host that does not resolve leaks nothing', async () => {
  assertClean(await errorOf(clientsAt({ apiUrl: 'http://wecom.invalid' }).suite.token()))
})

test('a closed port leaks nothing', async () => {
  const server = await startServer(() => undefined)
  await server.close()

  assertClean(await errorOf(clientsAt({ apiUrl: server.url }).provider.token()))
})

test('a certificate that nobody vouches for is refused, not asked again, and leaks nothing', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'wecom-tls-'))
  cleanUps.push(() => rmSync(folder, { recursive: true }))
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  try {
    const subject = ['-subj', '/CN=localhost', '-keyout', key, '-out', cert]
    execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', ...subject], {
      stdio: 'ignore',
    })
  } catch {
    return context.skip('openssl is not installed')
  }
  let requests = 0
  const server = createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) }, () => requests++)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanUps.push(() => server.close())

  const apiUrl = `https://localhost:${(server.address() as AddressInfo).port}`
  const error = await errorOf(clientsAt({ apiUrl }).principal.token())

  assert.equal(error.code, 'WECOM_TLS_FAILED')
  assert.equal(requests, 0)
  assertClean(error)
})

test('a caller whose reason for giving up names people leaks nothing', async () => {
  const server = await startServer(() => new Promise(() => {}))
  cleanUps.push(server.close)
  const giveUp = new AbortController()
  const call = errorOf(
    clientsAt({ apiUrl: server.url }).principal.members.get(canaries.userid, { signal: giveUp.signal }),
  )

  giveUp.abort(new Error(`gave up on ${canaries.userid}`, { cause: new Error(`corpsecret=${canaries.secret}`) }))

  assertClean(await call)
})

test('the address that WeCom saw and its hint are kept', async () => {
  const errmsg =
    'not allow to access from your ip, hint: [1680743372339601936772701], from ip: 139.227.20.128, more info at https://open.work.weixin.qq.com/devtool/query?e=60020'
  const server = await startServer(() => ({ errcode: 60020, errmsg }))
  cleanUps.push(server.close)

  const error = await errorOf(clientsAt({ apiUrl: server.url }).principal.token())

  assert.equal(error.observedAddress, '139.227.20.128')
  assert.equal(error.hint, '1680743372339601936772701')
  assert.equal(error.documentation, 'https://open.work.weixin.qq.com/devtool/query?e=60020')
  assert.match(error.message, /not allow to access from your ip$/)
})

function clientsAt(
  options: WecomOptions,
  reports: CallReport[] = [],
  ticket: () => string | undefined = () => canaries.suiteTicket,
): Clients {
  const wecom = createWecom({ ...createHurriedClock(), callTimeoutMs: 150, maxPauses: 1, ...options })
  cleanUps.push(() => wecom.close())
  const onCall = (report: CallReport): void => void reports.push(report)
  return {
    principal: wecom.principal({ corpId: 'ww1', secret: canaries.secret, onCall }),
    suite: wecom.suite({
      suiteId: 'ww-suite',
      suiteSecret: canaries.suiteSecret,
      ticket: () => Promise.resolve(ticket()),
      onCall,
    }),
    provider: wecom.provider({ corpId: 'ww-provider', secret: canaries.providerSecret, onCall }),
  }
}

async function errorOf(call: Promise<unknown>): Promise<WecomError> {
  const error: unknown = await call.then(
    () => assert.fail('the call succeeded'),
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof WecomError, `not a WecomError: ${String(error)}`)
  return error
}

/** Looks for every canary, plain and encoded, in all an error or a report can turn into. */
function assertClean(thing: unknown): void {
  const printed = [inspect(thing, { depth: 20, showHidden: true }), JSON.stringify(thing), String(thing)]
  for (let error = thing; error instanceof Error; error = error.cause) printed.push(error.message, error.stack ?? '')
  const text = printed.join('\n')
  for (const [name, canary] of Object.entries(canaries)) {
    for (const spelling of [
      canary,
      encodeURIComponent(canary),
      new URLSearchParams({ v: canary }).toString().slice(2),
    ]) {
      assert.ok(!text.includes(spelling), `${name} leaked as ${spelling} in:\n${text}`)
    }
  }
}
