/**
 * Faults on demand: which calls they strike (pattern, query, principal, dice, call numbers) and how they distort what is
 * sent. Each fault has dice of its own, seeded, so that the same calls meet the same faults in every run.
 * The api server asks `strike` once per call and passes the result through `interrupt` and `distort`.
 */

import { createRandom } from '../random.ts'
import type { Random } from '../random.ts'
import { anything, integer, mapOf, number, object, oneOf, optional, ShapeError, text } from '../shape.ts'
import type { Check } from '../shape.ts'
import type { Outgoing } from './transport.ts'

/**
 * Instead of an answer: `errcode`, `status`, `hang`, `reset`, `html`, `empty`, `json`, `redirect` (the handler does not run).
 * Before the answer: `latency`, `token-death` (the caller's token dies, then the call takes its course).
 * On the answer: `cut`, `drip`, `missing`, `charset`, `bom`, `huge`, `repeat-cursor` (the handler has run: a write happened).
 */
export type FaultEffect =
  | { kind: 'errcode'; errcode: number; errmsg?: string }
  | { kind: 'status'; status: number; body?: string; headers?: Record<string, string> }
  | { kind: 'latency'; ms: number }
  | { kind: 'hang' }
  | { kind: 'reset' }
  | { kind: 'html' }
  | { kind: 'empty' }
  | { kind: 'json'; value: unknown }
  | { kind: 'redirect'; location: string; status?: number }
  | { kind: 'token-death'; as: 40014 | 42001 }
  /** Sends so many bytes under the full Content-Length, then closes the connection, or leaves it open for ever. */
  | { kind: 'cut'; bytes: number; afterwards?: 'close' | 'hang' }
  | { kind: 'drip'; bytesPerSecond: number }
  /** Leaves out one key of the reply. */
  | { kind: 'missing'; key: string }
  /** Claims UTF-8 and sends bytes that are not. */
  | { kind: 'charset' }
  | { kind: 'bom' }
  /** Grows the reply to at least so many bytes by one long string. Streamed, so it costs no memory here. */
  | { kind: 'huge'; bytes: number }
  /** Answers `user/list_id` with the cursor that was sent, which turns a careless reader in circles. */
  | { kind: 'repeat-cursor' }

export interface FaultSpec {
  /** An endpoint below /cgi-bin/, or a beginning followed by `*`. Every endpoint by default. */
  endpoint?: string
  /** Query parameters that must all have these values. */
  query?: Record<string, string>
  corpId?: string
  agentId?: number
  suiteId?: string
  /** 0 to 1, default 1. */
  probability?: number
  /** Of the calls that match, counted from 1: the first and the last to strike. */
  from?: number
  to?: number
  /** Strikes at most so often. */
  count?: number
  /** For the dice; by default the fault's id. */
  seed?: string
  effect: FaultEffect
}

export interface FaultListing extends FaultSpec {
  id: string
  /** Calls that matched, and those of them that were struck. */
  seen: number
  struck: number
}

export interface Struck {
  id: string
  effect: FaultEffect
}

export interface Faults {
  add(spec: FaultSpec): FaultListing
  remove(id: string): boolean
  clear(): void
  list(): FaultListing[]
  /** Counts the call with every fault that matches and rolls the dice. In the order the faults were added. */
  strike(call: {
    endpoint: string
    query: URLSearchParams
    corpId?: string
    agentId?: number
    suiteId?: string
  }): Struck[]
}

export function createFaults(seed: string): Faults {
  const faults = new Map<string, { listing: FaultListing; dice: Random }>()
  let added = 0

  return {
    add(spec) {
      const id = `fault-${++added}`
      const listing: FaultListing = { ...spec, id, seen: 0, struck: 0 }
      faults.set(id, { listing, dice: createRandom(`${seed}/${spec.seed ?? id}`) })
      return { ...listing }
    },
    remove: (id) => faults.delete(id),
    clear: () => faults.clear(),
    list: () => [...faults.values()].map(({ listing }) => ({ ...listing })),
    strike(call) {
      if (faults.size === 0) return []
      const struck: Struck[] = []
      for (const { listing, dice } of faults.values()) {
        if (!concerns(listing, call)) continue
        listing.seen++
        const { from = 1, to = Infinity, count = Infinity, probability = 1 } = listing
        if (listing.seen < from || listing.seen > to || listing.struck >= count) continue
        if (!dice.chance(probability)) continue
        listing.struck++
        struck.push({ id: listing.id, effect: listing.effect })
      }
      return struck
    },
  }
}

function concerns(spec: FaultSpec, call: Parameters<Faults['strike']>[0]): boolean {
  const { endpoint = '*' } = spec
  const matchesEndpoint = endpoint.endsWith('*')
    ? call.endpoint.startsWith(endpoint.slice(0, -1))
    : call.endpoint === endpoint
  if (!matchesEndpoint) return false
  if (spec.corpId !== undefined && spec.corpId !== call.corpId) return false
  if (spec.agentId !== undefined && spec.agentId !== call.agentId) return false
  if (spec.suiteId !== undefined && spec.suiteId !== call.suiteId) return false
  return Object.entries(spec.query ?? {}).every(([name, value]) => call.query.get(name) === value)
}

/** What a fault sends in place of an answer, or undefined when the call takes its course. `errcode` is not decided here. */
export function interrupt(effect: FaultEffect): Outgoing | undefined {
  switch (effect.kind) {
    case 'status': {
      const headers = { 'content-type': 'text/html', ...effect.headers }
      return { status: effect.status, headers, bytes: Buffer.from(effect.body ?? '') }
    }
    case 'hang':
      return { ...json('{}'), delivery: { kind: 'cut', bytes: 0, afterwards: 'hang' } }
    case 'reset':
      return { ...json('{}'), delivery: { kind: 'reset' } }
    case 'html':
      // What a captive portal or a gateway in front of WeCom says.
      return {
        status: 200,
        headers: { 'content-type': 'text/html' },
        bytes: Buffer.from('<!doctype html><title>502</title>'),
      }
    case 'empty':
      return json('')
    case 'json':
      return json(JSON.stringify(effect.value))
    case 'redirect':
      return { status: effect.status ?? 302, headers: { location: effect.location }, bytes: Buffer.alloc(0) }
    case 'errcode':
    case 'latency':
    case 'token-death':
    case 'cut':
    case 'drip':
    case 'missing':
    case 'charset':
    case 'bom':
    case 'huge':
    case 'repeat-cursor':
      return undefined
    default:
      return unreachable(effect)
  }
}

/** What a fault makes of a finished answer. */
export function distort(answer: Outgoing, effect: FaultEffect, query: { cursor: string | undefined }): Outgoing {
  switch (effect.kind) {
    case 'cut':
    case 'drip':
    case 'huge':
      return { ...answer, delivery: effect }
    case 'missing':
      return rewrite(answer, (body) => {
        delete body[effect.key]
      })
    case 'repeat-cursor':
      return rewrite(answer, (body) => {
        if (query.cursor) body['next_cursor'] = query.cursor
      })
    case 'charset':
      return {
        ...answer,
        bytes: Buffer.from(answer.bytes.toString('utf8').replace(/[^\0-\x7f]/g, '\u00d6\u00d0'), 'latin1'),
      }
    case 'bom':
      return { ...answer, bytes: Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), answer.bytes]) }
    case 'errcode':
    case 'status':
    case 'latency':
    case 'hang':
    case 'reset':
    case 'html':
    case 'empty':
    case 'json':
    case 'redirect':
    case 'token-death':
      return answer
    default:
      return unreachable(effect)
  }
}

function json(body: string): Outgoing {
  return { status: 200, headers: { 'content-type': 'application/json; charset=UTF-8' }, bytes: Buffer.from(body) }
}

/** Only JSON objects can be rewritten; a file download, or what another fault made of the answer, is left alone. */
function rewrite(answer: Outgoing, change: (body: Record<string, unknown>) => void): Outgoing {
  const isJson = answer.headers['content-type']?.startsWith('application/json')
  if (!isJson || answer.bytes[0] !== 0x7b) return answer
  const body = JSON.parse(answer.bytes.toString('utf8')) as Record<string, unknown>
  change(body)
  return { ...answer, bytes: Buffer.from(JSON.stringify(body)) }
}

function unreachable(value: never): never {
  throw new Error(`unhandled fault ${JSON.stringify(value)}`)
}

/** One check per kind, so that a parameter forgotten or misspelt is named. */
const effectChecks: { [K in FaultEffect['kind']]: Check<Extract<FaultEffect, { kind: K }>> } = {
  errcode: object({ kind: oneOf('errcode'), errcode: integer(-1), errmsg: optional(text) }),
  status: object({
    kind: oneOf('status'),
    status: integer(200, 599),
    body: optional(text),
    headers: optional(mapOf(text)),
  }),
  latency: object({ kind: oneOf('latency'), ms: number(0) }),
  hang: object({ kind: oneOf('hang') }),
  reset: object({ kind: oneOf('reset') }),
  html: object({ kind: oneOf('html') }),
  empty: object({ kind: oneOf('empty') }),
  json: object({ kind: oneOf('json'), value: anything }),
  redirect: object({ kind: oneOf('redirect'), location: text, status: optional(integer(300, 399)) }),
  'token-death': object({ kind: oneOf('token-death'), as: oneOf(40014, 42001) }),
  cut: object({ kind: oneOf('cut'), bytes: integer(0), afterwards: optional(oneOf('close', 'hang')) }),
  drip: object({ kind: oneOf('drip'), bytesPerSecond: number(0.001, 1_000_000) }),
  missing: object({ kind: oneOf('missing'), key: text }),
  charset: object({ kind: oneOf('charset') }),
  bom: object({ kind: oneOf('bom') }),
  huge: object({ kind: oneOf('huge'), bytes: integer(0) }),
  'repeat-cursor': object({ kind: oneOf('repeat-cursor') }),
}

const checkEffect: Check<FaultEffect> = (value, path) => {
  const kinds = Object.keys(effectChecks)
  const kind = typeof value === 'object' && value !== null && 'kind' in value ? value.kind : undefined
  if (typeof kind !== 'string' || !kinds.includes(kind))
    throw new ShapeError(`${path}.kind`, `one of ${kinds.join(', ')}`)
  return effectChecks[kind as FaultEffect['kind']](value, path)
}

export const checkFault: Check<FaultSpec> = object({
  endpoint: optional(text),
  query: optional(mapOf(text)),
  corpId: optional(text),
  agentId: optional(integer(0)),
  suiteId: optional(text),
  probability: optional(number(0, 1)),
  from: optional(integer(1)),
  to: optional(integer(1)),
  count: optional(integer(1)),
  seed: optional(text),
  effect: checkEffect,
})
