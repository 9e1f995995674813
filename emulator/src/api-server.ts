/**
 * The faithful surface: answers as qyapi.weixin.qq.com would. Owns the order of a request — record, admit, delay, handle,
 * envelope — and nothing of what the endpoints mean. The control surface never shares a port or a path with it.
 */

import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'

import { ApiError, errmsg } from './errors.ts'
import { admit } from './gate.ts'
import type { CallRecord } from './ledger.ts'
import type { Call, OpenCall, Reply, Route } from './route.ts'
import { routes } from './routes/table.ts'
import type { World } from './world.ts'

const prefix = '/cgi-bin/'
const bodyBytesMax = 4 * 1024 * 1024

export function createApiServer(world: World): Server {
  const byPath = new Map(routes.map((route) => [prefix + route.path, route]))
  return createServer((request, response) => {
    answer(world, byPath, request, response).catch((error: unknown) => {
      // Only a bug of the emulator comes here. A client under test must not mistake it for something WeCom does.
      console.error('the emulator failed to answer', error)
      if (response.headersSent) response.destroy()
      else
        response.writeHead(500, { 'content-type': 'text/plain' }).end('bug in the emulator, see its standard error\n')
    })
  })
}

async function answer(
  world: World,
  byPath: ReadonlyMap<string, Route>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = request.url ?? '/'
  const cut = url.indexOf('?')
  const path = cut < 0 ? url : url.slice(0, cut)
  const query = new URLSearchParams(cut < 0 ? '' : url.slice(cut + 1))
  const route = byPath.get(path)
  const address = world.settings.callerAddress ?? (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '')
  const record = world.ledger.open({
    method: request.method ?? 'GET',
    endpoint: path.startsWith(prefix) ? path.slice(prefix.length) : path,
    query: withoutSecrets(query),
    address,
  })
  let leave = () => {}
  response.once('close', () => {
    leave()
    world.ledger.close(record)
  })

  const body = await readBody(request)
  if (!route) {
    record.status = 404
    response.writeHead(404, { 'content-type': 'text/html' }).end('<html><body><h1>404 Not Found</h1></body></html>')
    return
  }

  const open: OpenCall = { world, query, body, address, origin: `http://${request.headers.host ?? 'localhost'}` }
  let bytes: Buffer
  try {
    const call = admitted(open, route, record)
    if ('company' in call) leave = world.meters.enter({ corpId: call.company.corpId, path: route.path })
    if (world.settings.latencyMs > 0) await delay(world.settings.latencyMs, response)
    bytes = envelope(route.needsToken ? route.handle(call as Call) : route.handle(call))
    if (bytes.length > world.settings.limits.replyBytesMax) throw new ApiError(45029)
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    record.errcode = error.errcode
    bytes = refusal(world, route, error, address)
  }
  record.status = 200
  response.writeHead(200, { 'content-type': 'application/json; charset=UTF-8', 'content-length': bytes.length })
  response.end(bytes)
}

function admitted(open: OpenCall, route: Route, record: CallRecord): OpenCall | Call {
  if (!route.needsToken) return open
  return admit(open, route, (corpId, app) => {
    record.corpId = corpId
    record.agentId = app.agentId
  })
}

function envelope(reply: Reply): Buffer {
  return Buffer.isBuffer(reply) ? reply : Buffer.from(JSON.stringify({ errcode: 0, errmsg: 'ok', ...reply }))
}

/** A failing call still carries the lists of its endpoint, empty: the trap of §0.2. */
function refusal(world: World, route: Route, error: ApiError, address: string): Buffer {
  const digits = String(world.random.integer(1e13)).padStart(13, '0')
  const body: Record<string, unknown> = {
    errcode: error.errcode,
    errmsg: errmsg(error, { nowMs: world.now(), address, digits }),
  }
  for (const list of route.lists ?? []) body[list] = []
  return Buffer.from(JSON.stringify(body))
}

function withoutSecrets(query: URLSearchParams): Record<string, string> {
  const shown: Record<string, string> = {}
  for (const [name, value] of query) shown[name] = /token|secret|code$/.test(name) ? '[secret]' : value
  return shown
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  if (request.method !== 'POST') return Buffer.alloc(0)
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > bodyBytesMax) break
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** Ends early when the caller gives up. */
function delay(ms: number, response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      resolve()
    }
    const timer = setTimeout(done, ms)
    response.once('close', done)
  })
}
