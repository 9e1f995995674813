/** A caller for the tests: a dozen lines over fetch, and on purpose no client library. */

import type { AppRef, Emulator } from './index.ts'

export type Json = Record<string, unknown>

export interface TestClient {
  get(endpoint: string, query?: Record<string, string | number>): Promise<Json>
  post(endpoint: string, body: unknown, query?: Record<string, string | number>): Promise<Json>
}

export async function fetchText(url: string, init?: RequestInit): Promise<{ status: number; body: string }> {
  // oxlint-disable-next-line no-restricted-globals -- the product's rule; a test needs no pool of connections
  const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(10_000), ...init })
  return { status: response.status, body: await response.text() }
}

/** Calls as one principal, with a token minted by the control API. */
export function clientFor(emulator: Emulator, principal: AppRef): TestClient {
  const url = (endpoint: string, query: Record<string, string | number>) => {
    const { accessToken } = emulator.control.mintToken(principal)
    const pairs = Object.entries({ access_token: accessToken, ...query }).map(([name, value]) => [name, String(value)])
    return `${emulator.apiUrl}/cgi-bin/${endpoint}?${String(new URLSearchParams(pairs as [string, string][]))}`
  }
  return {
    get: async (endpoint, query = {}) => parse((await fetchText(url(endpoint, query))).body),
    post: async (endpoint, body, query = {}) =>
      parse((await fetchText(url(endpoint, query), { method: 'POST', body: JSON.stringify(body) })).body),
  }
}

export function parse(body: string): Json {
  return JSON.parse(body) as Json
}
