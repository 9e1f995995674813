/** The callback addresses when the database is slow, away or full of events: answered in time, and nothing half done. */
import assert from 'node:assert/strict'
import fastify, { type FastifyInstance } from 'fastify'
import { sql } from 'kysely'
import { createCallbackCrypto, type SignedCiphertext } from '@muster/wecom'
import { createAudit, SYSTEM } from '../audit/audit.ts'
import { createConnections } from '../connections/connections.ts'
import type { Database } from '../database/database.ts'
import { createOrganizations } from '../directory/organizations.ts'
import { createIds } from '../ids.ts'
import { Secret } from '../secret.ts'
import { createVault } from '../vault.ts'
import type { CallbackOutcome } from '../metrics.ts'
import { onEachDatabase } from '../../test-support/databases.ts'
import { createEventLog } from './event-log.ts'
import { createInbox } from './inbox.ts'
import { mountCallbacks } from './routes.ts'

const CORP = 'ww0000000000000001'
const SUITE = 'dk0000000000000001'
const TOKEN = 'tok123'
const AES_KEY = 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG'

onEachDatabase(({ test, dialect }) => {
  test('CB-10: while the database is slow WeCom is told to come back, and its second try counts once', async (database) => {
    await using site = await startSite(database)
    const sealed = site.seal('zhangsan')
    await site.post(site.seal('lisi')) // whoever calls is known by now
    const isHeld = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    const holding = database.inTransaction(async (tx) => {
      if (dialect === 'postgres') await sql`lock table events in access exclusive mode`.execute(tx.kysely)
      isHeld.resolve()
      await release.promise
    })
    await isHeld.promise

    const slow = await site.post(sealed)
    release.resolve()
    await holding
    const again = await site.post(sealed)

    assert.deepEqual([slow.statusCode, slow.body, slow.headers['retry-after']], [503, '', '5'])
    assert.deepEqual([again.statusCode, again.body], [200, 'success'])
    const objects = await database.kysely.selectFrom('events').select('object').orderBy('id').execute()
    assert.deepEqual(
      objects.map(({ object }) => object),
      ['user lisi', 'user zhangsan'],
    )
    assert.deepEqual(site.outcomes.slice(0, 2), ['received', 'unavailable'])
  })

  test('CB-15: when more wait than can be meant, further ones are left to WeCom and to the next run', async (database) => {
    await using site = await startSite(database)
    site.isFull = true
    assert.deepEqual([(await site.post(site.seal('zhangsan'))).statusCode, await site.count()], [503, 0])

    site.isFull = false
    assert.deepEqual([(await site.post(site.seal('zhangsan'))).statusCode, await site.count()], [200, 1])
  })

  test('a storm about people keeps no ticket and no cancellation of a company from being heard', async (database) => {
    await using site = await startSite(database)
    site.isFull = true

    const ticket = await site.post(site.sealSuite('suite_ticket', '<SuiteTicket>t1</SuiteTicket>'), 'partners/command')
    const cancelled = await site.post(site.sealSuite('cancel_auth', '<AuthCorpId>wp1</AuthCorpId>'), 'partners/command')

    assert.deepEqual([ticket.statusCode, cancelled.statusCode], [200, 200])
    assert.equal(site.tickets, 1)
    assert.equal(await site.count(), 1)
  })

  test('a refusal is worth one line a minute, so that nobody can fill the log', async (database) => {
    await using site = await startSite(database)

    for (let index = 0; index < 50; index++) {
      await site.post({ ...site.seal('zhangsan'), signature: String(index) })
    }

    const lines = site.lines.filter((line) => line.includes('a callback was refused'))
    assert.equal(lines.length, 1)
    assert.match(lines[0]!, /the signature does not match/)
    assert.equal(await site.count(), 0)
  })
})

async function startSite(database: Database) {
  const now = () => Date.now()
  const newId = createIds({ now, random: (bytes) => crypto.getRandomValues(bytes) })
  const audit = createAudit({ database, newId, now })
  const vault = createVault({ key: new Secret(Buffer.alloc(32, 7).toString('base64')) })
  const { id: organizationId } = await createOrganizations({ database, audit, newId, now }).ensureDefault()
  const connections = createConnections({ database, vault, audit, newId, now })
  await connections.create(SYSTEM, organizationId, {
    identifier: 'hq',
    kind: 'self_built',
    corpId: CORP,
    secret: 'secret',
    callback: { token: TOKEN, aesKey: AES_KEY },
    sync: { enabled: true, realTime: true },
  })
  await connections.create(SYSTEM, organizationId, {
    identifier: 'partners',
    kind: 'delegated',
    suiteId: SUITE,
    callback: { token: TOKEN, aesKey: AES_KEY },
  })
  const inbox = createInbox({ database, vault, newId, now, owner: 'this' })
  const outcomes: CallbackOutcome[] = []
  const lines: string[] = []
  const http: FastifyInstance = fastify({ logger: { level: 'info', stream: { write: (line) => lines.push(line) } } })
  const site = {
    outcomes,
    lines,
    isFull: false,
    tickets: 0,
    seal,
    sealSuite,
    post,
    count: async () => (await createEventLog({ database, audit, now }).count()).waiting,
    [Symbol.asyncDispose]: () => http.close(),
  }
  mountCallbacks(http, {
    connections,
    inbox: { ...inbox, isFull: () => site.isFull },
    corpState: () => Promise.resolve(undefined),
    saveTicket: () => Promise.resolve(void site.tickets++),
    onKept: () => {},
    onAnswered: (outcome) => void outcomes.push(outcome),
    now,
  })
  await http.ready()
  return site

  function seal(userid: string): SignedCiphertext {
    const crypto = createCallbackCrypto({ token: TOKEN, encodingAesKey: AES_KEY, receiveIds: [CORP] })
    const message = `<xml><ToUserName>${CORP}</ToUserName><CreateTime>1700000000</CreateTime><MsgType>event</MsgType><Event>change_contact</Event><ChangeType>update_user</ChangeType><UserID>${userid}</UserID></xml>`
    return crypto.seal(message, { timestamp: String(Math.floor(now() / 1_000)), nonce: userid })
  }

  function sealSuite(type: string, rest: string): SignedCiphertext {
    const crypto = createCallbackCrypto({ token: TOKEN, encodingAesKey: AES_KEY, receiveIds: [SUITE] })
    const seconds = String(Math.floor(now() / 1_000))
    const message = `<xml><SuiteId>${SUITE}</SuiteId><InfoType>${type}</InfoType><TimeStamp>${seconds}</TimeStamp>${rest}</xml>`
    return crypto.seal(message, { timestamp: seconds, nonce: type })
  }

  function post({ signature, timestamp, nonce, ciphertext }: SignedCiphertext, address = 'hq') {
    return http.inject({
      method: 'POST',
      url: `/callback/wecom/${address}`,
      query: { msg_signature: signature, timestamp, nonce },
      headers: { 'content-type': 'text/xml' },
      payload: `<xml><Encrypt>${ciphertext}</Encrypt></xml>`,
    })
  }
}
