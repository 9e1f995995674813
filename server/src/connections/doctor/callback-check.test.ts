/** The round trip through our own address, with whoever may answer there instead of us. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { createCallbackCrypto } from '@muster/wecom'
import { Secret } from '../../secret.ts'
import { createCallbackCheck } from './callback-check.ts'
import type { Connection } from '../connections.ts'

const TOKEN = 'tok123'
const AES_KEY = 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG'

test('what comes back in the clear has made the whole trip, at every address of the connection', async () => {
  const paths: string[] = []
  const trips = await tripsTo((request, response) => {
    const url = new URL(request.url ?? '', 'http://localhost')
    paths.push(url.pathname)
    const value = (name: string) => url.searchParams.get(name) ?? ''
    const { message } = createCallbackCrypto({ token: TOKEN, encodingAesKey: AES_KEY, receiveIds: ['dk1'] }).open({
      signature: value('msg_signature'),
      timestamp: value('timestamp'),
      nonce: value('nonce'),
      ciphertext: value('echostr'),
    })
    response.end(message)
  })

  assert.deepEqual(paths.toSorted(), ['/callback/wecom/hq/command', '/callback/wecom/hq/data'])
  assert.deepEqual(
    trips.map(({ kind }) => kind),
    ['answered', 'answered'],
  )
})

test('a page, a redirect, a refusal and an endless answer are told apart', async () => {
  const kinds = async (listener: RequestListener) => {
    const [trip] = await tripsTo(listener)
    return trip?.kind === 'refused' ? trip.status : trip?.kind
  }

  assert.equal(await kinds((_request, response) => response.end('<html>')), 'changed')
  assert.equal(await kinds((_request, response) => response.writeHead(302, { location: '/login' }).end()), 302)
  assert.equal(await kinds((_request, response) => response.writeHead(403).end()), 403)
  const endless = await kinds((_request, response) => {
    response.on('error', () => {})
    response.write('x'.repeat(100_000))
  })
  assert.equal(endless, 'changed')
})

test('an address at which nobody listens is reported with the code of the system', async () => {
  const server = createServer()
  const origin = await listen(server)
  server.close()

  const facts = await checkWith(origin)

  assert.deepEqual(
    facts?.trips.map((trip) => trip.kind === 'unreachable' && trip.reason),
    ['ECONNREFUSED', 'ECONNREFUSED'],
  )
})

test('without a callback there is nothing to say, and with half of one nobody is asked', async () => {
  assert.equal(await checkWith('http://localhost', { callbackToken: false, callbackAesKey: false }), null)
  const half = await checkWith('http://localhost', { callbackToken: true, callbackAesKey: false })
  assert.deepEqual([half?.hasToken, half?.hasAesKey, half?.trips], [true, false, []])
})

async function tripsTo(listener: RequestListener) {
  const server = createServer(listener)
  try {
    return (await checkWith(await listen(server)))!.trips
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

async function listen(server: ReturnType<typeof createServer>): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function checkWith(publicUrl: string, has = { callbackToken: true, callbackAesKey: true }) {
  const keys =
    has.callbackToken && has.callbackAesKey
      ? [{ token: new Secret(TOKEN), aesKey: new Secret(AES_KEY), until: null }]
      : []
  // Nothing else of a connection is looked at.
  const connection = { identifier: 'hq', kind: 'delegated', suiteId: 'dk1', has } as unknown as Connection
  const check = createCallbackCheck({
    connections: { forCallback: () => Promise.resolve({ connection, keys }) },
    publicUrl,
    now: Date.now,
  })
  return check(connection, new AbortController().signal)
}
