/**
 * The faithful surface: answers as qyapi.weixin.qq.com would. Owns the order of a request — record, strike faults, admit,
 * delay, handle, envelope, send — and nothing of what the endpoints mean. The control surface never shares a port or a
 * path with it.
 */

import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'

import { ApiError, errmsg } from '../errors.ts'
import { exportPrefix, serveExport } from './exports.ts'
import { distort, interrupt } from './faults.ts'
import type { Struck } from './faults.ts'
import { findCompany } from '../company/corp-ids.ts'
import { admit, admitProvider, admitSuite } from './gate.ts'
import type { CallRecord } from './ledger.ts'
import type { OpenCall, Reply, Route } from './route.ts'
import { bodyOf } from './route.ts'
import { routes } from './routes/table.ts'
import { pause, send } from './transport.ts'
import type { Outgoing } from './transport.ts'
import type { World } from '../world.ts'

const prefix = '/cgi-bin/'
const bodyBytesMax = 4 * 1024 * 1024
/** Node's five seconds would close idle connections just when a client's pool takes them up again. */
export const keepAliveMs = 65_000
const jsonType = 'application/json; charset=UTF-8'

/** One request on its way through. */
interface Exchange {
  readonly world: World
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly path: string
  readonly route: Route | undefined
  readonly call: OpenCall
  readonly record: CallRecord
}

export function createApiServer(world: World): Server {
  const byPath = new Map(routes.map((route) => [prefix + route.path, route]))
  return createServer({ keepAliveTimeout: keepAliveMs }, (request, response) => {
    receive(world, byPath, request, response).catch((error: unknown) => {
      // A caller that hung up in the middle of its own request is no news.
      if (request.errored) return
      // Only a bug of the emulator comes here. A client under test must not mistake it for something WeCom does.
      console.error('the emulator failed to answer', error)
      if (response.headersSent) response.destroy()
      else
        response.writeHead(500, { 'content-type': 'text/plain' }).end('bug in the emulator, see its standard error\n')
    })
  })
}

async function receive(
  world: World,
  byPath: ReadonlyMap<string, Route>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = request.url ?? '/'
  const cut = url.indexOf('?')
  const path = cut < 0 ? url : url.slice(0, cut)
  const query = new URLSearchParams(cut < 0 ? '' : url.slice(cut + 1))
  const address = world.settings.callerAddress ?? (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '')
  const record = world.ledger.open({
    method: request.method ?? 'GET',
    endpoint: endpointOf(path),
    query: withoutSecrets(query),
    address,
    ...principalOf(world, query),
  })
  response.once('close', () => world.ledger.close(record))
  // By the emulator's clock, which a test can move; Node would say its own.
  response.setHeader('date', new Date(world.now()).toUTCString())

  const body = await readBody(request)
  if (!body) {
    record.status = 413
    return send(response, { status: 413, headers: { connection: 'close' }, bytes: Buffer.alloc(0) })
  }
  const origin = `http://${request.headers.host ?? 'localhost'}`
  const call: OpenCall = { world, query, body, address, origin }
  const exchange: Exchange = { world, request, response, path, route: byPath.get(path), call, record }
  const struck = world.faults.strike({ ...principalOf(world, query), endpoint: record.endpoint, query })
  record.faults = struck.map(({ id }) => id)

  const answer = await decide(exchange, struck)
  const cursor = struck.some(({ effect }) => effect.kind === 'repeat-cursor') ? sentCursor(call) : undefined
  const outgoing = struck.reduce((sent, { effect }) => distort(sent, effect, { cursor }), answer)
  record.status = outgoing.delivery?.kind === 'reset' ? 0 : outgoing.status
  await send(response, outgoing)
}

/** The answer before it is distorted: that of a fault, else that of the route. */
async function decide(exchange: Exchange, struck: readonly Struck[]): Promise<Outgoing> {
  const { world, response, call, route, path } = exchange
  let latencyMs = world.settings.latencyMs
  let interruption: Outgoing | undefined
  for (const { effect } of struck) {
    if (effect.kind === 'latency') latencyMs += effect.ms
    if (effect.kind === 'token-death') killToken(world, call.query, effect.as)
    if (effect.kind === 'errcode') interruption ??= refuse(exchange, new ApiError(effect.errcode, effect.errmsg))
    interruption ??= interrupt(effect)
  }
  let hasWaited = latencyMs <= 0
  // A refusal takes as long as an answer: one that hurried would make retry loops look better than they are.
  const delay = async () => {
    if (hasWaited) return
    hasWaited = true
    await pause(latencyMs, response)
  }
  if (interruption) {
    await delay()
    return interruption
  }
  if (path.startsWith(exportPrefix)) {
    await delay()
    return serveExport(world, path, call.query, exchange.request.headers.range)
  }
  if (!route || route.isThere?.(world) === false)
    return { status: 404, headers: { 'content-type': 'text/html' }, bytes: Buffer.from('<h1>404 Not Found</h1>') }
  try {
    const reply = await perform(exchange, route, delay)
    const omitsErrcode = route.mayOmitErrcode && world.settings.readings.serviceErrcode === 'on-failure'
    const bytes = omitsErrcode ? Buffer.from(JSON.stringify(reply)) : envelope(reply)
    if (bytes.length > world.settings.limits.replyBytesMax) throw new ApiError(45029)
    return { status: 200, headers: { 'content-type': jsonType }, bytes }
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    await delay()
    return refuse(exchange, error)
  }
}

async function perform({ world, response, call }: Exchange, route: Route, delay: () => Promise<void>): Promise<Reply> {
  const enter = (corpId: string) => {
    const leave = world.meters.enter({ corpId, path: route.path })
    // A caller that has gone already closes nothing any more.
    if (response.destroyed) leave()
    else response.once('close', leave)
    return delay()
  }
  switch (route.needsToken) {
    case false:
      await delay()
      return route.handle(call)
    case 'suite': {
      const admitted = admitSuite(call, route)
      await enter(admitted.suite.suiteId)
      return route.handle(admitted)
    }
    case 'provider': {
      const admitted = admitProvider(call, route)
      await enter(admitted.provider.corpId)
      return route.handle(admitted)
    }
    default: {
      const admitted = admit(call, route)
      await enter(admitted.company.corpId)
      try {
        return route.handle(admitted)
      } finally {
        world.callbacks.flush(admitted.app)
      }
    }
  }
}

function envelope(reply: Reply): Buffer {
  return Buffer.isBuffer(reply) ? reply : Buffer.from(JSON.stringify({ errcode: 0, errmsg: 'ok', ...reply }))
}

/** A failing call still carries the lists of its endpoint, empty: the trap of §0.2. */
function refuse({ world, route, call, record }: Exchange, error: ApiError): Outgoing {
  record.errcode = error.errcode
  const digits = String(world.random.integer(1e13)).padStart(13, '0')
  const body: Record<string, unknown> = {
    errcode: error.errcode,
    errmsg: errmsg(error, { nowMs: world.now(), address: call.address, digits }),
  }
  for (const list of route?.lists ?? []) body[list] = []
  return { status: 200, headers: { 'content-type': jsonType }, bytes: Buffer.from(JSON.stringify(body)) }
}

function endpointOf(path: string): string {
  if (path.startsWith(exportPrefix)) return 'export file'
  return path.startsWith(prefix) ? path.slice(prefix.length) : path
}

/** Whose token or secret is presented, alive or not. Nothing when it belongs to nobody. */
function principalOf(world: World, query: URLSearchParams): { corpId?: string; agentId?: number; suiteId?: string } {
  const token = query.get('access_token') ?? ''
  const holder = world.tokens.holderOf(token)
  if (holder) return { corpId: holder.company.corpId, agentId: holder.app.agentId }
  const { suiteTokens, providerTokens } = world.providers
  const suite = suiteTokens.holderOf(query.get('suite_access_token') ?? token)
  if (suite) return { corpId: suite.provider.corpId, suiteId: suite.suiteId }
  const provider = providerTokens.holderOf(query.get('provider_access_token') ?? token)
  if (provider) return { corpId: provider.corpId }
  const secret = query.get('corpsecret')
  const company = findCompany(world, query.get('corpid') ?? '')?.company
  if (!secret || !company) return {}
  const app = company.apps.find((candidate) => candidate.secret === secret)
  return app ? { corpId: company.corpId, agentId: app.agentId } : {}
}

function killToken(world: World, query: URLSearchParams, as: 40014 | 42001): void {
  const end = as === 40014 ? 'invalid' : 'expired'
  const token = query.get('access_token') ?? ''
  world.tokens.kill(token, as)
  world.providers.suiteTokens.kill(query.get('suite_access_token') ?? token, end)
  world.providers.providerTokens.kill(query.get('provider_access_token') ?? token, end)
}

/** Whose credential it was is in the record beside the query. A sign-in code is a credential too. */
function withoutSecrets(query: URLSearchParams): Record<string, string> {
  const shown: Record<string, string> = {}
  for (const [name, value] of query) shown[name] = /token|secret|^code$|^key$/.test(name) ? '[secret]' : value
  return shown
}

function sentCursor(call: OpenCall): string | undefined {
  try {
    const { cursor } = bodyOf(call)
    return typeof cursor === 'string' ? cursor : undefined
  } catch (error) {
    // A body that is no JSON has been refused by the handler and carries no cursor.
    if (error instanceof ApiError) return undefined
    throw error
  }
}

/** Undefined when it is longer than anything WeCom takes. */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  if (request.method !== 'POST') return Buffer.alloc(0)
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > bodyBytesMax) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
