/** Puts an answer on the wire, whole or in one of the broken ways a test asks for. Ends when the caller gives up. */

import type { ServerResponse } from 'node:http'

export interface Outgoing {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly bytes: Buffer
  /** How the bytes are handed over; whole and at once when absent. */
  readonly delivery?: Delivery
}

export type Delivery =
  | { kind: 'reset' }
  | { kind: 'cut'; bytes: number; afterwards?: 'close' | 'hang' }
  | { kind: 'drip'; bytesPerSecond: number }
  | { kind: 'huge'; bytes: number }

export async function send(response: ServerResponse, answer: Outgoing): Promise<void> {
  const { status, headers, bytes, delivery } = answer
  if (response.destroyed) return
  if (delivery?.kind === 'reset') {
    response.socket?.resetAndDestroy()
    return
  }
  if (delivery?.kind === 'huge') {
    response.writeHead(status, headers)
    await writeInflated(response, bytes, delivery.bytes)
    return
  }
  if (delivery?.kind === 'cut' && delivery.bytes === 0 && delivery.afterwards === 'hang') return

  response.writeHead(status, { ...headers, 'content-length': bytes.length })
  if (!delivery) {
    response.end(bytes)
  } else if (delivery.kind === 'cut') {
    response.write(bytes.subarray(0, delivery.bytes), () => {
      if (delivery.afterwards !== 'hang') response.destroy()
    })
    // An empty write does not send the headers.
    if (delivery.bytes === 0) response.flushHeaders()
  } else {
    for (let offset = 0; offset < bytes.length && !response.destroyed; offset++) {
      response.write(bytes.subarray(offset, offset + 1))
      await pause(1000 / delivery.bytesPerSecond, response)
    }
    response.end()
  }
}

/** Ends early when the caller gives up. */
export function pause(ms: number, response: ServerResponse): Promise<void> {
  if (response.destroyed) return Promise.resolve()
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      response.off('close', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    response.once('close', done)
  })
}

/** Puts one more key with a very long string into the JSON object. Waits for the reader, so nothing piles up here. */
async function writeInflated(response: ServerResponse, body: Buffer, bytesMin: number): Promise<void> {
  const filler = Buffer.alloc(64 * 1024, 'x')
  response.write(Buffer.concat([body.subarray(0, -1), Buffer.from(',"padding":"')]))
  for (let written = body.length; written < bytesMin && !response.destroyed; written += filler.length) {
    if (!response.write(filler)) await drained(response)
  }
  response.end('"}')
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done)
      response.off('close', done)
      resolve()
    }
    response.once('drain', done)
    response.once('close', done)
  })
}
