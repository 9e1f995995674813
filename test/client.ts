/** A client of the admin API over HTTP, for tests: typed by the contracts, with a deadline on every request. */
import { call, type Endpoint, type Result, type Sent } from '@muster/contracts'
import { request } from 'undici'

const REQUEST_TIMEOUT_MS = 30_000
const FORM = 'application/x-www-form-urlencoded;charset=UTF-8'

/** An answer as it came. */
export interface RawAnswer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The text as JSON; undefined when there is none. Whatever it is not fails the assertion that looks into it. */
  readonly json: Record<string, unknown>
}

export interface ApiClient {
  /** Calls an endpoint and checks the answer with its schema. @throws ApiProblem */
  ask<const E extends Endpoint>(endpoint: E, request: Sent<E>): Promise<Result<E>>
  /** Sends anything to any path, for what a typed client would never do. */
  send(path: string, init?: RequestInit): Promise<RawAnswer>
}

/** @param token null sends no credential */
export function createClient(origin: string, token: string | null, language = 'en'): ApiClient {
  async function send(path: string, init: RequestInit = {}): Promise<RawAnswer> {
    const headers = new Headers(init.headers)
    if (token !== null && !headers.has('authorization')) headers.set('authorization', `Bearer ${token}`)
    if (!headers.has('accept-language')) headers.set('accept-language', language)
    if (!headers.has('accept')) headers.set('accept', '*/*')
    const given = init.body ?? undefined
    const body = given instanceof URLSearchParams ? given.toString() : given
    if (body !== undefined && typeof body !== 'string') throw new Error('this client sends texts and forms')
    // What fetch would say that it sends.
    if (body !== undefined && !headers.has('content-type')) {
      headers.set('content-type', given === body ? 'text/plain;charset=UTF-8' : FORM)
    }
    // Not fetch, which takes three times as long: tests send tens of thousands of requests.
    const response = await request(`${origin}${path}`, {
      method: init.method ?? 'GET',
      headers: Object.fromEntries(headers),
      ...(body === undefined ? {} : { body }),
      headersTimeout: REQUEST_TIMEOUT_MS,
      bodyTimeout: REQUEST_TIMEOUT_MS,
    })
    const text = await response.body.text()
    const isJson = /json/.test(String(response.headers['content-type'] ?? ''))
    return {
      status: response.statusCode,
      headers: headersOf(response.headers),
      text,
      json: (isJson ? JSON.parse(text) : undefined) as RawAnswer['json'],
    }
  }

  return {
    send,
    ask: (endpoint, request) =>
      call(endpoint, request, async ({ method, path, query, body }) => {
        const search = new URLSearchParams(query).toString()
        const answer = await send(`/api/v1${path}${search === '' ? '' : `?${search}`}`, {
          method,
          ...(body === undefined
            ? {}
            : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
        })
        return { status: answer.status, body: answer.json }
      }),
  }
}

function headersOf(given: Readonly<Record<string, string | string[] | undefined>>): Headers {
  const headers = new Headers()
  for (const [name, values] of Object.entries(given)) {
    for (const value of [values ?? []].flat()) headers.append(name, value)
  }
  return headers
}

/** What is thrown when the other side is gone; an answer that refuses would be a finding. */
export function isGone(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { code, cause } = error as { code?: string; cause?: unknown }
  return ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'].includes(code ?? '') || isGone(cause)
}
