/** What the tests need to talk to an emulator: a dozen lines over fetch, and on purpose no client library. */

import type { TestContext } from 'node:test'

import { startEmulator } from './index.ts'
import type { AppRef, CompanyListing, Emulator, EmulatorOptions, PrincipalKind } from './index.ts'

export type Json = Record<string, unknown>

export interface TestClient {
  get(endpoint: string, query?: Record<string, string | number>): Promise<Json>
  post(endpoint: string, body: unknown, query?: Record<string, string | number>): Promise<Json>
}

export interface Stage {
  emulator: Emulator
  control: Emulator['control']
  company: CompanyListing
  corpId: string
  /** The agentid of the generated app of this kind. */
  agentId: (kind: PrincipalKind) => number
  /** Calls as the app of this kind, with a token minted by the control API. */
  as: (kind: PrincipalKind) => TestClient
  /** `gettoken` with the real credentials of the app of this kind. */
  token: (kind: PrincipalKind) => Promise<Json>
}

/** A running emulator with one company, closed when the test ends. */
export async function stage(t: TestContext, options: EmulatorOptions & { people?: number } = {}): Promise<Stage> {
  const { people = 12, ...rest } = options
  const emulator = await startEmulator({ companies: [{ people, seed: '1' }], ...rest })
  t.after(() => emulator.close())
  const [company] = emulator.control.companies()
  if (!company) throw new Error('the emulator started without a company')
  const { corpId } = company
  const appOf = (kind: PrincipalKind) => {
    const app = emulator.control.companies()[0]?.apps.find((candidate) => candidate.kind === kind)
    if (!app) throw new Error(`no ${kind} app`)
    return app
  }
  return {
    emulator,
    control: emulator.control,
    company,
    corpId,
    agentId: (kind) => appOf(kind).agentId,
    as: (kind) => clientFor(emulator, { corpId, agentId: appOf(kind).agentId }),
    token: async (kind) => {
      const query = new URLSearchParams({ corpid: corpId, corpsecret: appOf(kind).secret })
      return parse((await fetchText(`${emulator.apiUrl}/cgi-bin/gettoken?${query.toString()}`)).body)
    },
  }
}

export function clientFor(emulator: Emulator, principal: AppRef): TestClient {
  const url = (endpoint: string, query: Record<string, string | number>) => {
    const { accessToken } = emulator.control.mintToken(principal)
    const pairs = new URLSearchParams({ access_token: accessToken })
    for (const [name, value] of Object.entries(query)) pairs.set(name, String(value))
    return `${emulator.apiUrl}/cgi-bin/${endpoint}?${pairs.toString()}`
  }
  return {
    get: async (endpoint, query = {}) => parse((await fetchText(url(endpoint, query))).body),
    post: async (endpoint, body, query = {}) =>
      parse((await fetchText(url(endpoint, query), { method: 'POST', body: JSON.stringify(body) })).body),
  }
}

export async function fetchText(url: string, init?: RequestInit): Promise<{ status: number; body: string }> {
  const response = await fetchRaw(url, init)
  return { status: response.status, body: await response.text() }
}

export function fetchRaw(url: string, init?: RequestInit): Promise<Response> {
  // oxlint-disable-next-line no-restricted-globals -- the rule is the product's; a test needs no pool of connections
  return fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(10_000), ...init })
}

export function parse(body: string): Json {
  return JSON.parse(body) as Json
}

export function rows(reply: Json, key: string): Json[] {
  return reply[key] as Json[]
}

/** Waits for a condition, and fails when it has not come true within five seconds. */
export async function until(holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 5_000
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`did not come true within five seconds: ${holds.toString()}`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}
