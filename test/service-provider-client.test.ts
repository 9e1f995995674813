/**
 * The client of WeCom against the emulator, as a service provider: tickets and events as they really arrive, suites,
 * templates, and people of two companies. The server does not take part.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import {
  createCallbackCrypto,
  createWecom,
  readEnvelope,
  readEvent,
  type CallbackEvent,
  type Suite,
  type Wecom,
} from '@muster/wecom'
import { startEmulator, type Emulator, type SuiteListing } from '@muster/emulator'
import { PATIENT } from './stack.ts'

const keys = { token: 'QDG6eK', encodingAesKey: 'jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C' }

interface Receiver {
  readonly url: string
  /** For whom messages are taken. */
  readonly receiveIds: string[]
  /** What came and was read, in the order of arrival. */
  readonly events: CallbackEvent[]
  /** What was refused. */
  readonly refused: unknown[]
}

/** Receives callbacks with the functions of the client and nothing else. */
async function startReceiver(t: TestContext): Promise<Receiver> {
  const events: CallbackEvent[] = []
  const refused: unknown[] = []
  const receiveIds: string[] = []
  const server = createServer((request, response) => {
    void (async () => {
      const { searchParams } = new URL(request.url ?? '/', 'http://localhost')
      const of = (name: string) => searchParams.get(name) ?? ''
      const stamp = { signature: of('msg_signature'), timestamp: of('timestamp'), nonce: of('nonce') }
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      try {
        const crypto = createCallbackCrypto({ ...keys, receiveIds })
        if (request.method === 'GET') {
          response.end(crypto.open({ ...stamp, ciphertext: of('echostr') }).message)
          return
        }
        const { encrypt } = readEnvelope(Buffer.concat(chunks), request.headers['content-type'])
        events.push(readEvent(crypto.open({ ...stamp, ciphertext: encrypt }).message))
        response.end('success')
      } catch (error) {
        refused.push(error)
        response.writeHead(403).end()
      }
    })()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, receiveIds, events, refused }
}

interface Stage {
  readonly emulator: Emulator
  readonly control: Emulator['control']
  readonly receiver: Receiver
  readonly wecom: Wecom
  readonly providerCorpId: string
  readonly providerSecret: string
  /** The companies, by their own ids. */
  readonly corpIds: readonly [string, string]
}

async function startStage(t: TestContext): Promise<Stage> {
  const emulator = await startEmulator({
    companies: [
      { people: 12, seed: '1' },
      { people: 12, seed: '2' },
    ],
  })
  t.after(() => emulator.close())
  const { control } = emulator
  control.changeDeliverySettings(PATIENT)
  const [first, second] = control.companies()
  assert.ok(first !== undefined && second !== undefined)
  const provider = control.createProvider()
  const wecom = createWecom({ apiUrl: emulator.apiUrl })
  t.after(() => wecom.close())
  return {
    emulator,
    control,
    receiver: await startReceiver(t),
    wecom,
    providerCorpId: provider.corpId,
    providerSecret: provider.secret,
    corpIds: [first.corpId, second.corpId],
  }
}

/** The suite as its provider runs it: callbacks verified, and the ticket that arrived last in use. */
async function runSuite(
  { control, receiver, wecom, providerCorpId }: Stage,
  { suiteId, secret }: SuiteListing,
): Promise<Suite> {
  receiver.receiveIds.push(suiteId, providerCorpId) // the latter when the addresses are verified
  const { command, data } = await control.setSuiteCallback({
    suiteId,
    ...keys,
    commandUrl: `${receiver.url}/command`,
    dataUrl: `${receiver.url}/data`,
  })
  assert.deepEqual([command.ok, data?.ok], [true, true])
  await control.deliveriesSettled()
  const ticket = () => {
    const tickets = receiver.events.flatMap((event) =>
      event.kind === 'suite' && event.type === 'suite_ticket' && event.suiteId === suiteId ? [event.ticket] : [],
    )
    return Promise.resolve(tickets.at(-1))
  }
  return wecom.suite({ suiteId, suiteSecret: secret, ticket })
}

/** The event of this type that arrived last. */
function lastOf<T extends CallbackEvent['type']>(
  events: readonly CallbackEvent[],
  type: T,
): CallbackEvent & { type: T } {
  const event = events.findLast((candidate) => candidate.type === type)
  assert.ok(event !== undefined, `no ${type} among ${events.map((candidate) => candidate.type).join(', ')}`)
  return event as CallbackEvent & { type: T }
}

test('a delegated app, from the ticket to the end of its authorisation', async (t) => {
  const stage = await startStage(t)
  const { control, receiver, wecom, corpIds } = stage
  const listing = control.createSuite({ providerCorpId: stage.providerCorpId, kind: 'delegated' })
  const suite = await runSuite(stage, listing)

  const authorized = control.authorize({
    suiteId: listing.suiteId,
    corpId: corpIds[0],
    from: 'wecom',
    state: 'abc',
    seats: 200,
    expiresAtMs: 2_000_000_000_000,
  })
  receiver.receiveIds.push(authorized.openCorpId)
  await control.deliveriesSettled()
  const creation = lastOf(receiver.events, 'create_auth')
  assert.equal(creation.kind === 'suite' && creation.state, 'abc')
  const { authCode } = creation as { authCode: string }
  const { permanentCode, corp } = await suite.permanentCode(authCode)
  assert.equal(corp.corpId, authorized.openCorpId)
  await assert.rejects(suite.permanentCode(authCode), { code: 'WECOM_CODE_REJECTED' })

  const { agents } = await suite.authInfo(corp.corpId, permanentCode)
  assert.equal(agents?.length, 1)
  assert.equal(agents[0]?.agentId, authorized.agentId)
  assert.equal(agents[0]?.isCustomizedApp, true)
  const app = wecom.principal({ corpId: corp.corpId, secret: permanentCode, agentId: authorized.agentId })
  const { departments } = await app.departments.list()
  const pages = await Promise.all(departments.map(({ id }) => app.members.list(id)))
  const userids = new Set(pages.flatMap(({ members }) => members.map(({ userid }) => userid)))
  assert.equal(userids.size, 12)
  await assert.rejects(suite.corpToken(corp.corpId, permanentCode), { code: 'WECOM_API_FORBIDDEN' })

  control.resetPermanentCode({ suiteId: listing.suiteId, corpId: corpIds[0] })
  await control.deliveriesSettled()
  const reset = lastOf(receiver.events, 'reset_permanent_code') as { authCode: string }
  const renewed = await suite.permanentCode(reset.authCode)
  assert.equal(renewed.corp.corpId, corp.corpId)
  assert.notEqual(renewed.permanentCode, permanentCode)
  await assert.rejects(suite.authInfo(corp.corpId, permanentCode), { code: 'WECOM_AUTHORIZATION_GONE' })

  control.changeAuthorization({ suiteId: listing.suiteId, corpId: corpIds[0], isEnabled: false })
  control.cancelAuthorization({ suiteId: listing.suiteId, corpId: corpIds[0] })
  await control.deliveriesSettled()
  for (const type of ['change_auth', 'cancel_auth'] as const) {
    const event = lastOf(receiver.events, type)
    assert.equal(event.kind === 'suite' && event.corpId, corp.corpId)
  }
  await assert.rejects(suite.authInfo(corp.corpId, renewed.permanentCode), { code: 'WECOM_AUTHORIZATION_GONE' })
  assert.deepEqual(receiver.refused, [])
})

test('an ordinary suite, authorised by two companies from the page of the provider', async (t) => {
  const stage = await startStage(t)
  const { control, receiver, wecom, corpIds, emulator } = stage
  const listing = control.createSuite({ providerCorpId: stage.providerCorpId, kind: 'third-party' })
  const redirectDomain = 'provider.example.com'
  control.patchSuite({
    suiteId: listing.suiteId,
    patch: {
      trustedDomains: [redirectDomain],
      callbackDomains: [redirectDomain],
      hasWebLogin: true,
      hasPrivateInfo: true,
    },
  })
  const suite = await runSuite(stage, listing)
  const provider = wecom.provider({ corpId: stage.providerCorpId, secret: stage.providerSecret })

  const corps: { corpId: string; agentId: number }[] = []
  for (const corpId of corpIds) {
    const { code } = await suite.preAuthCode()
    await suite.setSession(code, { authType: 'test' })
    const url = new URL('/3rdapp/install', emulator.openUrl)
    url.search = new URLSearchParams({
      suite_id: listing.suiteId,
      pre_auth_code: code,
      redirect_uri: `https://${redirectDomain}/installed`,
      state: 'abc',
    }).toString()
    const { authCode } = control.completeInstall({ url: url.href, corpId, seats: 50, expiresAtMs: 2_000_000_000_000 })
    const { permanentCode, corp } = await suite.permanentCode(authCode ?? '')
    assert.equal(await provider.openCorpId(corpId), corp.corpId)
    const { agents } = await suite.authInfo(corp.corpId, permanentCode)
    assert.equal(agents?.[0]?.edition?.maxUsers, 50)
    assert.equal(agents[0].edition.expiresAt, 2_000_000_000_000)
    assert.ok((await suite.corpToken(corp.corpId, permanentCode)).length > 0)
    assert.ok((await suite.adminList(corp.corpId, agents[0].agentId)).length > 0)
    corps.push({ corpId: corp.corpId, agentId: agents[0].agentId })
  }
  assert.notEqual(corps[0]?.corpId, corps[1]?.corpId)

  const userids = new Set<string>()
  for (const [index, corpId] of corpIds.entries()) {
    const who = { userid: control.truth({ corpId }).members.find(({ status }) => status === 1)?.userid ?? '' }
    const login = (path: string, parameters: Record<string, string>) => {
      const url = new URL(path, emulator.openUrl)
      url.search = new URLSearchParams({
        ...parameters,
        redirect_uri: `https://${redirectDomain}/`,
        state: 's',
      }).toString()
      return control.completeLogin({ url: url.href, who, corpId })
    }
    const current = login('/wwlogin/sso/login', { login_type: 'ServiceApp', appid: listing.suiteId })
    const identity = await suite.userInfo(current.code ?? '')
    assert.ok(identity.kind === 'member')
    assert.equal(identity.corpId, corps[index]?.corpId)
    await assert.rejects(suite.userInfo(current.code ?? ''), { code: 'WECOM_CODE_REJECTED' })

    const again = login('/wwlogin/sso/login', { login_type: 'ServiceApp', appid: listing.suiteId })
    const older = await suite.userInfo(again.code ?? '', { legacy: true })
    assert.ok(older.kind === 'member')
    assert.deepEqual([older.corpId, older.userid], [identity.corpId, identity.userid])

    const byProvider = login('/wwopen/sso/3rd_qrConnect', { appid: stage.providerCorpId, usertype: 'member' })
    const info = await provider.loginInfo(byProvider.authCode ?? '')
    assert.ok(info.identity.kind === 'member')
    assert.deepEqual([info.identity.corpId, info.identity.userid], [identity.corpId, identity.userid])
    userids.add(`${identity.corpId} ${identity.userid}`)
  }
  assert.equal(userids.size, 2)
  assert.deepEqual(receiver.refused, [])
})

test('without a ticket, and with that of another suite, calls are refused by name', async (t) => {
  const stage = await startStage(t)
  const listing = stage.control.createSuite({ providerCorpId: stage.providerCorpId, kind: 'third-party' })
  const suiteWith = (ticket: string | undefined) =>
    stage.wecom.suite({
      suiteId: listing.suiteId,
      suiteSecret: listing.secret,
      ticket: () => Promise.resolve(ticket),
    })

  await assert.rejects(suiteWith(undefined).preAuthCode(), { code: 'WECOM_NO_TICKET' })
  const { ticket } = stage.control.pushTicket(listing)
  await suiteWith(ticket).preAuthCode()

  const other = stage.control.createSuite({ providerCorpId: stage.providerCorpId, kind: 'third-party' })
  const mistaken = { suiteId: other.suiteId, suiteSecret: other.secret, ticket: () => Promise.resolve(ticket) }
  await assert.rejects(stage.wecom.suite(mistaken).preAuthCode(), { code: 'WECOM_SUITE_TICKET_REJECTED' })
})

for (const envelope of ['xml', 'json'] as const) {
  for (const form of ['full', 'reduced'] as const) {
    test(`every change of an address book is understood, in the ${form} form and an ${envelope} envelope`, async (t) => {
      const { control, receiver, corpIds } = await startStage(t)
      const corpId = corpIds[0]
      receiver.receiveIds.push(corpId)
      const verification = await control.setCallback({
        corpId,
        agentId: 0,
        url: `${receiver.url}/`,
        ...keys,
        form,
        envelope,
      })
      assert.equal(verification.ok, true)

      control.churn({ corpId, percent: 60, seed: '1' })
      const [member] = control.truth({ corpId }).members
      control.changeTag({ corpId, tagid: 77, add: { userids: [member?.userid ?? ''] } })
      await control.deliveriesSettled()

      assert.deepEqual(receiver.refused, [])
      assert.ok(receiver.events.length > 5)
      for (const event of receiver.events) {
        assert.equal(event.kind, 'contact')
        assert.equal(event.corpId, corpId)
      }
    })
  }
}
