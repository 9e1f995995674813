/** What the tests of providers share: an emulator with two companies, one provider, a template and an app for any company. */

import type { TestContext } from 'node:test'

import { startEmulator } from '../index.ts'
import type { AuthorizationListing, Control, Emulator, SuiteListing } from '../index.ts'
import { fetchText, parse } from '../test-client.ts'
import type { Json } from '../test-client.ts'

export interface ProviderStage {
  emulator: Emulator
  control: Control
  corpId: string
  otherCorpId: string
  provider: { corpId: string; secret: string }
  /** A template 代开发模板. */
  template: SuiteListing
  /** An app for any company, with web login. */
  suite: SuiteListing
  get(endpoint: string, query?: Record<string, string>): Promise<Json>
  post(endpoint: string, body: unknown, query?: Record<string, string>): Promise<Json>
  suiteToken(suite: SuiteListing): Promise<string>
  providerToken(): Promise<string>
  /** GET and POST with a fresh token of this suite. */
  as(suite: SuiteListing): {
    get(endpoint: string, query?: Record<string, string>): Promise<Json>
    post(endpoint: string, body?: unknown): Promise<Json>
  }
  /** The first member of the company who is active. */
  activeMember(corpId: string): string
  /** Authorised from the provider's side and exchanged. */
  authorized(suite: SuiteListing, corpId: string): AuthorizationListing & { authCode: string }
}

export async function providerStage(t: TestContext, people = 12): Promise<ProviderStage> {
  const emulator = await startEmulator({
    companies: [
      { people, seed: 'first' },
      { people, seed: 'second' },
    ],
  })
  t.after(() => emulator.close())
  const { control } = emulator
  const [corpId = '', otherCorpId = ''] = control.companies().map((company) => company.corpId)
  const { corpId: providerCorpId, secret } = control.createProvider()
  const template = control.createSuite({ providerCorpId, kind: 'delegated' })
  const suite = control.createSuite({ providerCorpId, kind: 'third-party' })

  const url = (endpoint: string, query: Record<string, string>) =>
    `${emulator.apiUrl}/cgi-bin/${endpoint}?${new URLSearchParams(query).toString()}`
  const get = async (endpoint: string, query: Record<string, string> = {}) =>
    parse((await fetchText(url(endpoint, query))).body)
  const post = async (endpoint: string, body: unknown, query: Record<string, string> = {}) =>
    parse((await fetchText(url(endpoint, query), { method: 'POST', body: JSON.stringify(body) })).body)
  const suiteToken = async ({ suiteId, secret: suite_secret }: SuiteListing) => {
    const { ticket: suite_ticket } = control.pushTicket({ suiteId })
    const reply = await post('service/get_suite_token', { suite_id: suiteId, suite_secret, suite_ticket })
    return String(reply['suite_access_token'])
  }
  return {
    emulator,
    control,
    corpId,
    otherCorpId,
    provider: { corpId: providerCorpId, secret },
    template,
    suite,
    get,
    post,
    suiteToken,
    providerToken: async () => {
      const reply = await post('service/get_provider_token', { corpid: providerCorpId, provider_secret: secret })
      return String(reply['provider_access_token'])
    },
    as: (given) => ({
      get: async (endpoint, query = {}) => get(endpoint, { suite_access_token: await suiteToken(given), ...query }),
      post: async (endpoint, body = {}) => post(endpoint, body, { suite_access_token: await suiteToken(given) }),
    }),
    activeMember: (ofCorpId) =>
      control.truth({ corpId: ofCorpId }).members.find(({ status }) => status === 1)?.userid ?? '',
    authorized: ({ suiteId }, ofCorpId) => control.authorize({ suiteId, corpId: ofCorpId, from: 'provider' }),
  }
}
