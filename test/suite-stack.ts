/** What flow tests of suites share: a provider, two companies that may authorise it, and a connection for its suite. */
import assert from 'node:assert/strict'
import { createConnection, listCorps, type Corp, type NewConnection } from '@muster/contracts'
import type { z } from 'zod'
import { eventually } from './eventually.ts'
import { addPerson, startSignInStack } from './sign-in-stack.ts'
import type { Stack } from './stack.ts'

export interface SuiteOptions {
  kind: 'delegated' | 'service_provider'
  signIn?: z.input<typeof NewConnection>['signIn']
  /** How many of the two companies have authorised it. */
  authorized?: 0 | 1 | 2
}

/** The suite, and its connection, whose identifier is `suite`. */
export interface SuiteScene {
  readonly providerCorpId: string
  readonly suiteId: string
  /** By their own ids. They are called 甲公司 and 乙公司, and both have somebody with the userid `admin`. */
  readonly companies: readonly [string, string]
  /** A company authorises, and is known here. @returns its id as the provider sees it */
  authorize(corpId: string): Promise<string>
  /** A company cancels, and that is known here. */
  cancel(corpId: string): Promise<void>
  corps(): Promise<readonly Corp[]>
}

const TOKEN = 'tokenOfTheSuite'
const AES_KEY = 'kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR'

/** With `hq`, too, which signs nobody in. */
export async function startSuiteStack(url: string, options: SuiteOptions): Promise<Stack & SuiteScene> {
  const stack = await startSignInStack(url, { connection: { signIn: { enabled: false } } })
  try {
    return Object.assign(stack, await addSuite(stack, options))
  } catch (error) {
    await stack[Symbol.asyncDispose]()
    throw error
  }
}

export async function addSuite(stack: Stack, { kind, signIn = {}, authorized = 2 }: SuiteOptions): Promise<SuiteScene> {
  const { control, ask } = stack
  const second = control.createCompany({ people: 12, seed: 'second' }).corpId
  const companies = [stack.corpId, second] as const
  for (const [index, corpId] of companies.entries()) {
    control.patchCompany({ corpId, name: ['甲公司', '乙公司'][index]! })
    addPerson({ ...stack, corpId }, 'admin', '管理员')
  }
  const provider = control.createProvider()
  const kindThere = kind === 'delegated' ? 'delegated' : 'third-party'
  const { suiteId, secret } = control.createSuite({ providerCorpId: provider.corpId, kind: kindThere })
  await ask(createConnection, {
    body: {
      identifier: 'suite',
      displayName: '伙伴企业微信',
      kind,
      providerCorpId: provider.corpId,
      providerSecret: provider.secret,
      suiteId,
      suiteSecret: secret,
      callback: { token: TOKEN, aesKey: AES_KEY },
      signIn: { enabled: true, ...signIn },
    },
  })
  const verified = await control.setSuiteCallback({
    suiteId,
    token: TOKEN,
    encodingAesKey: AES_KEY,
    commandUrl: `${stack.server.origin}/callback/wecom/suite/command`,
    dataUrl: `${stack.server.origin}/callback/wecom/suite/data`,
  })
  assert.ok(verified.ok, JSON.stringify(verified))

  const corps = async () => (await ask(listCorps, { params: { id: 'suite' }, query: {} })).items
  const became = (corpId: string, state: Corp['state']) =>
    eventually(`${corpId} is ${state}`, async () =>
      (await corps()).some((corp) => corp.corpId === corpId && corp.state === state && corp.agentId !== null),
    )
  const authorize = async (corpId: string) => {
    const { openCorpId } = control.authorize({ suiteId, corpId, from: 'wecom' })
    await became(openCorpId, 'authorized')
    return openCorpId
  }
  for (const corpId of companies.slice(0, authorized)) await authorize(corpId)

  return {
    providerCorpId: provider.corpId,
    suiteId,
    companies,
    authorize,
    corps,
    async cancel(corpId) {
      const suites = control.providers().flatMap((one) => one.suites)
      const { authorizations } = suites.find((one) => one.suiteId === suiteId)!
      const { openCorpId } = authorizations.find((one) => one.corpId === corpId)!
      control.cancelAuthorization({ suiteId, corpId })
      await became(openCorpId, 'cancelled')
    },
  }
}
