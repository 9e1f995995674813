import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { test } from 'node:test'
import { connect } from 'node:tls'

import { selfSigned } from './certificate.ts'
import { stage } from '../test-client.ts'

test('the certificate is whole: its own signature, WeCom’s hosts, a year', () => {
  const nowMs = Date.UTC(2049, 5, 1)
  const { key, cert } = selfSigned(nowMs)
  const read = new X509Certificate(cert)

  assert.equal(read.verify(read.publicKey), true)
  assert.match(key, /^-----BEGIN PRIVATE KEY-----/)
  for (const host of ['login.work.weixin.qq.com', 'open.weixin.qq.com', 'open.work.weixin.qq.com', 'localhost']) {
    assert.equal(read.checkHost(host), host)
  }
  assert.equal(read.checkIP('127.0.0.1'), '127.0.0.1')
  assert.equal(read.checkHost('work.weixin.qq.com'), undefined)
  assert.equal(Date.parse(read.validFrom), nowMs - 86_400_000)
  // From 2050 on the year has four digits there.
  assert.equal(Date.parse(read.validTo), nowMs + 365 * 86_400_000)
})

test('a client that trusts this certificate is served under WeCom’s name', async (t) => {
  const identity = selfSigned(Date.now())
  const { emulator } = await stage(t, { tls: identity })

  const socket = connect({
    host: '127.0.0.1',
    port: Number(new URL(emulator.tlsUrl ?? '').port),
    servername: 'login.work.weixin.qq.com',
    ca: identity.cert,
  })
  await once(socket, 'secureConnect', { signal: AbortSignal.timeout(10_000) })
  socket.end('GET /wwlogin/sso/login HTTP/1.1\r\nHost: login.work.weixin.qq.com\r\nConnection: close\r\n\r\n')
  let answer = ''
  for await (const chunk of socket.setEncoding('utf8') as AsyncIterable<string>) answer += chunk

  assert.equal(socket.authorized, true)
  assert.match(answer, /^HTTP\/1\.1 400 [^]*login_type 参数错误/)
})
