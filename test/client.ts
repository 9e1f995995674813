/** A client of the admin API over HTTP, for tests: typed by the contracts, with a deadline on every request. */
import { call, type Endpoint, type Result, type Sent } from '@muster/contracts'

const REQUEST_TIMEOUT_MS = 30_000

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
    // oxlint-disable-next-line no-restricted-globals -- the rule is the product's; a test needs no pool of connections
    const response = await fetch(`${origin}${path}`, {
      redirect: 'manual',
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      ...init,
      headers,
    })
    const text = await response.text()
    const isJson = /json/.test(response.headers.get('content-type') ?? '')
    return {
      status: response.status,
      headers: response.headers,
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
