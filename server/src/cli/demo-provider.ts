/**
 * `./muster demo --provider`: a second company, and a service provider whose template (代开发) and login suite (登录授权) it has
 * authorised, each with a connection. Both sign people in; neither synchronises, because the directory is the first
 * company's.
 */
import { call, createConnection, type Transport } from '@muster/contracts'
import { z } from 'zod'
import { newCallbackKeys } from './demo-callback.ts'
import type { EmulatorProcess } from './emulator-process.ts'

/** Identifiers of the two connections. */
export const PROVIDER_CONNECTIONS = ['template', 'suite'] as const

const KINDS = {
  template: { kind: 'delegated', kindThere: 'delegated', displayName: '代开发应用' },
  suite: { kind: 'service_provider', kindThere: 'third-party', displayName: '服务商应用' },
} as const

const PARTNER = { people: 20, seed: 'partner', name: '海川贸易有限公司' } as const

const Company = z.object({ corpId: z.string() })
const Provider = z.object({ corpId: z.string(), secret: z.string() })
const Suite = z.object({ suiteId: z.string(), secret: z.string() })
const Verified = z.object({ ok: z.boolean() })

/** @returns the name of the company, or why WeCom took none of it */
export async function addProvider(
  api: Transport,
  emulator: EmulatorProcess,
  address: string,
): Promise<{ readonly company: string } | { readonly refusal: string }> {
  const { corpId } = Company.parse(await emulator.control('createCompany', PARTNER))
  const provider = Provider.parse(await emulator.control('createProvider', {}))
  for (const identifier of PROVIDER_CONNECTIONS) {
    const { kind, kindThere, displayName } = KINDS[identifier]
    const made = await emulator.control('createSuite', { providerCorpId: provider.corpId, kind: kindThere })
    const { suiteId, secret } = Suite.parse(made)
    const keys = newCallbackKeys()
    const body = {
      identifier,
      kind,
      displayName,
      providerCorpId: provider.corpId,
      providerSecret: provider.secret,
      suiteId,
      suiteSecret: secret,
      callback: keys,
      signIn: { enabled: true },
    }
    const { callback } = await call(createConnection, { body }, api)
    const here = (url: string) => new URL(new URL(url).pathname, address).href
    const answer = await emulator.control('setSuiteCallback', {
      suiteId,
      token: keys.token,
      encodingAesKey: keys.aesKey,
      commandUrl: here(callback.commandUrl),
      dataUrl: here(callback.dataUrl),
    })
    if (!Verified.parse(answer).ok) return { refusal: JSON.stringify(answer) }
    // The ticket of the suite first: without it nobody can exchange what an authorisation brings.
    await emulator.control('deliveriesSettled', {})
    await emulator.control('authorize', { suiteId, corpId, from: 'wecom' })
  }
  return { company: PARTNER.name }
}
