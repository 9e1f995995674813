/**
 * The floor of the events benchmark: the barest program that verifies a callback, decrypts it and answers. It looks nothing
 * up, writes nothing, believes every message that opens, and forgets it.
 */
import { createDecipheriv, createHash, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { monitorEventLoopDelay } from 'node:perf_hooks'

export type EventsFloorOrder = { readonly token: string; readonly encodingAesKey: string; readonly receiveId: string }

async function serveFloor({ token, encodingAesKey, receiveId }: EventsFloorOrder): Promise<void> {
  const key = Buffer.from(`${encodingAesKey}=`, 'base64')

  async function isGenuine(request: IncomingMessage): Promise<boolean> {
    const query = new URL(request.url ?? '/', 'http://floor').searchParams
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const ciphertext = /<Encrypt><!\[CDATA\[([^\]]*)\]\]>/.exec(Buffer.concat(chunks).toString())?.[1] ?? ''
    const signed = [token, query.get('timestamp') ?? '', query.get('nonce') ?? '', ciphertext].toSorted().join('')
    const expected = createHash('sha1').update(signed).digest()
    const given = Buffer.from(query.get('msg_signature') ?? '', 'hex')
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return false
    const decipher = createDecipheriv('aes-256-cbc', key, key.subarray(0, 16)).setAutoPadding(false)
    const padded = Buffer.concat([decipher.update(ciphertext, 'base64'), decipher.final()])
    const plain = padded.subarray(0, padded.length - padded.at(-1)!)
    return plain.subarray(20 + plain.readUInt32BE(16)).toString() === receiveId
  }

  const stalls = monitorEventLoopDelay()
  stalls.enable()

  const server = createServer((request, response) => {
    if (request.method === 'GET') {
      // For how many milliseconds it stood still since it was asked last: what the machine does to a program that does little.
      response.end(String(stalls.max / 1e6))
      stalls.reset()
      return
    }
    isGenuine(request).then(
      (is) => response.writeHead(is ? 200 : 403).end(is ? 'success' : ''),
      () => response.writeHead(403).end(),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  process.send?.((server.address() as AddressInfo).port)
}

process.once('message', (order: EventsFloorOrder) => void serveFloor(order))
process.once('disconnect', () => process.exit()) // whoever measures is gone
