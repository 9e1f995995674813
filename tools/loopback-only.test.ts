import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'

import './loopback-only.ts'

test('connecting to another machine fails at once, however it is asked for', () => {
  assert.throws(() => connect(443, 'example.org'), /this machine only/)
  assert.throws(() => connect({ host: '192.0.2.1', port: 443 }), /this machine only/)
  assert.throws(() => connect({ host: '2001:db8::1', port: 443 }), /this machine only/)
  assert.throws(() => connect(443, '127.0.0.1.example.org'), /this machine only/)
})

test('connecting to this machine works', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // a TCP server's address is never a string

  for (const host of ['127.0.0.1', 'localhost']) {
    const socket = connect({ host, port, family: 4 })
    await once(socket, 'connect')
    socket.destroy()
  }
})
