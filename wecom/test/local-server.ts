/** A real HTTP server on loopback that answers as a test says, and keeps a ledger of what it was asked. */

import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

export type Asked = {
  api: string
  query: URLSearchParams
  body: Record<string, unknown> | undefined
  headers: IncomingMessage['headers']
  /** How often this api was asked before. */
  earlier: number
}

/** An object or array is sent as JSON, a text or bytes as they are; undefined when the answerer replied itself. */
export type Answerer = (asked: Asked, response: ServerResponse) => unknown

export type LocalServer = {
  url: string
  asked: Asked[]
  /** Requests for one api. */
  count: (api: string) => number
  close: () => Promise<void>
}

/** gettoken answers T1, T2 … unless `answer` returns something for it. */
export async function startServer(answer: Answerer): Promise<LocalServer> {
  const asked: Asked[] = []
  const sockets = new Set<Socket>()
  const server = createServer((request, response) => {
    void (async () => {
      const url = new URL(request.url ?? '/', 'http://localhost')
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      const text = Buffer.concat(chunks).toString()
      const api = url.pathname.replace(/^\/cgi-bin\//, '')
      const one: Asked = {
        api,
        query: url.searchParams,
        body: text === '' ? undefined : (JSON.parse(text) as Record<string, unknown>),
        headers: request.headers,
        earlier: asked.filter((other) => other.api === api).length,
      }
      asked.push(one)
      const answered = await answer(one, response)
      if (response.writableEnded || response.destroyed) return
      const reply =
        answered ??
        (api === 'gettoken' ? { errcode: 0, access_token: `T${one.earlier + 1}`, expires_in: 7200 } : undefined)
      if (reply === undefined) return
      const isRaw = typeof reply === 'string' || reply instanceof Uint8Array
      response.end(isRaw ? reply : JSON.stringify(reply))
    })()
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    count: (api) => asked.filter((one) => one.api === api).length,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}
