/** A database that goes away: whoever asks meanwhile is told to come back, and afterwards everything goes on. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { sql } from 'kysely'
import { listUsers } from '@muster/contracts'
import { isOutage, openDatabase } from '../server/src/database/database.ts'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import { eventually } from './eventually.ts'
import { startStack } from './stack.ts'

onEitherDatabase(({ dialect, testWithUrl }) => {
  if (dialect === 'sqlite') return // is a file; what it answers when it fails is in database.test.ts

  testWithUrl('requests during an outage of the database answer 503, and 200 again after it', async (url) => {
    await using line = await openLine(url)
    await using stack = await startStack(line.url)

    line.cut()
    const [read, write] = [
      await stack.send('/api/v1/users'),
      await stack.send('/api/v1/departments', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ name: '研发中心' }),
      }),
    ]

    for (const answer of [read, write]) {
      assert.deepEqual([answer.status, answer.json?.code], [503, 'database/unavailable'])
      assert.ok(Number(answer.headers.get('retry-after')) > 0)
    }
    line.mend()
    await eventually('the server has a database again', async () => (await stack.send('/readyz')).status === 200)
    assert.deepEqual((await stack.ask(listUsers, { query: {} })).items, [])
  })

  testWithUrl('a connection that dies at work fails its work and nothing else', async (url) => {
    await using line = await openLine(url)
    const database = await openDatabase(line.url)
    const working = database.inTransaction(async (tx) => {
      await sql`select 1`.execute(tx.kysely)
      setImmediate(line.cut)
      await sql`select pg_sleep(30)`.execute(tx.kysely)
    })

    assert.ok(isOutage(await working.catch((error: unknown) => error)))
    line.mend()
    await database.ping()
    await database.close()
  })
})

/** A connection to PostgreSQL that can be cut like a cable. */
async function openLine(databaseUrl: string) {
  const target = new URL(databaseUrl)
  const sockets = new Set<Socket>()
  let isCut = false
  const server = createServer((client) => {
    if (isCut) {
      client.destroy()
      return
    }
    const onward = connect({ host: target.hostname, port: Number(target.port || 5432) })
    for (const socket of [client, onward]) {
      sockets.add(socket)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => sockets.delete(socket))
    }
    client.pipe(onward).pipe(client)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = new URL(databaseUrl)
  url.hostname = '127.0.0.1'
  url.port = String((server.address() as AddressInfo).port)
  const cut = () => {
    isCut = true
    for (const socket of sockets) socket.destroy()
  }
  return {
    url: url.href,
    cut,
    mend: () => void (isCut = false),
    async [Symbol.asyncDispose]() {
      cut()
      server.close()
      await once(server, 'close')
    },
  }
}
