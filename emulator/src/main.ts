/** The command: starts an emulator, says how to use it, runs until it is told to stop. */

import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'

import { startEmulator } from './index.ts'
import type { PrincipalKind } from './company/apps.ts'
import type { Emulator, SuiteKind, TlsIdentity } from './index.ts'

const help = `Usage: node emulator/src/main.ts [options]

Starts an emulator of WeCom's server API and sign-in pages with generated companies and keeps running until it gets
SIGINT or SIGTERM.

  --people N         size of the company, 1 to 1000000 (default 1000)
  --companies N      that many companies, 1 to 20 (default 1)
  --seed S           another seed, another company (default 1)
  --provider         a service provider with a template (代开发) and an app for any company, too
  --port P           port of the emulated API, 0 for any (default 0)
  --control-port P   port of the control API, 0 for any (default 0)
  --sign-in-port P   port of the sign-in pages, 0 for any (default 0)
  --tls-port P       serve the sign-in pages over TLS too, 0 for any; self-signed unless both of these are given:
  --tls-key FILE     private key, PEM
  --tls-cert FILE    certificate, PEM
  --json             print one JSON document instead of text, after the ports are open
  --help             print this
`

async function main(): Promise<void> {
  const options = readOptions()
  if (!options) return
  const emulator = await startEmulator({
    companies: Array.from({ length: options.companies }, (_, index) => ({
      people: options.people,
      seed: index === 0 ? options.seed : `${options.seed} ${index + 1}`,
    })),
    providers: options.hasProvider
      ? [{ seed: options.seed, suites: [{ kind: 'delegated' }, { kind: 'third-party' }] }]
      : [],
    seed: options.seed,
    port: options.port,
    controlPort: options.controlPort,
    signInPort: options.signInPort,
    ...(options.tls ? { tls: options.tls.identity, tlsPort: options.tls.port } : {}),
  })
  process.stdout.write(options.asJson ? `${JSON.stringify(summary(emulator))}\n` : describe(emulator))

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      emulator.close().catch((error: unknown) => {
        console.error('could not close the ports', error)
        process.exitCode = 1
      })
    })
  }
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        people: { type: 'string', default: '1000' },
        companies: { type: 'string', default: '1' },
        provider: { type: 'boolean', default: false },
        seed: { type: 'string', default: '1' },
        port: { type: 'string', default: '0' },
        'control-port': { type: 'string', default: '0' },
        'sign-in-port': { type: 'string', default: '0' },
        'tls-port': { type: 'string' },
        'tls-key': { type: 'string' },
        'tls-cert': { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
    if (values.help) {
      process.stdout.write(help)
      return undefined
    }
    return {
      people: readNumber('--people', values.people, 1, 1_000_000),
      companies: readNumber('--companies', values.companies, 1, 20),
      hasProvider: values.provider,
      seed: values.seed,
      port: readNumber('--port', values.port, 0, 65_535),
      controlPort: readNumber('--control-port', values['control-port'], 0, 65_535),
      signInPort: readNumber('--sign-in-port', values['sign-in-port'], 0, 65_535),
      tls: readTls(values['tls-port'], values['tls-key'], values['tls-cert']),
      asJson: values.json,
    }
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${help}`)
    process.exitCode = 2
    return undefined
  }
}

function readTls(port: string | undefined, keyFile: string | undefined, certFile: string | undefined) {
  if ((keyFile === undefined) !== (certFile === undefined)) throw new Error('--tls-key and --tls-cert belong together')
  if (port === undefined) {
    if (keyFile !== undefined) throw new Error('--tls-key and --tls-cert need --tls-port')
    return undefined
  }
  const identity: TlsIdentity | 'self-signed' =
    keyFile === undefined || certFile === undefined
      ? 'self-signed'
      : { key: readFileSync(keyFile, 'utf8'), cert: readFileSync(certFile, 'utf8') }
  return { identity, port: readNumber('--tls-port', port, 0, 65_535) }
}

function readNumber(option: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isInteger(value) && value >= min && value <= max) return value
  throw new Error(`${option} takes a whole number from ${min} to ${max}, not "${text}"`)
}

function summary({ apiUrl, controlUrl, loginUrl, oauthUrl, openUrl, tlsUrl, control }: Emulator) {
  return {
    apiUrl,
    controlUrl,
    loginUrl,
    oauthUrl,
    openUrl,
    ...(tlsUrl === undefined ? {} : { tlsUrl }),
    companies: control.companies().map(({ corpId, name, people, departments, contactsSecret, apps }) => ({
      corpId,
      name,
      people,
      departments,
      contactsSecret,
      // The assistant has no agentid, and its secret is above.
      apps: apps
        .filter(({ kind }) => kind !== 'contacts-sync')
        .map(({ name, kind, agentId, secret }) => ({ name, kind, agentId, secret })),
    })),
    providers: control.providers().map(({ corpId, name, secret, suites }) => ({
      corpId,
      name,
      secret,
      suites: suites.map(({ suiteId, kind, name, secret }) => ({ suiteId, kind, name, secret })),
    })),
  }
}

/** For whoever starts it by hand: what to enter where, in the words of WeCom's admin console. */
function describe(emulator: Emulator): string {
  const { apiUrl, controlUrl, loginUrl, oauthUrl, openUrl, tlsUrl, companies, providers } = summary(emulator)
  const places = [
    ['https://qyapi.weixin.qq.com', apiUrl],
    ['https://login.work.weixin.qq.com', loginUrl],
    ['https://open.weixin.qq.com', oauthUrl],
    ['https://open.work.weixin.qq.com', openUrl],
  ] as const
  const lines = [
    `WeCom is emulated at ${apiUrl} until you stop it with Ctrl+C.`,
    '',
    `  ${'In place of'.padEnd(34)}use`,
    ...places.map(([real, here]) => `  ${real.padEnd(34)}${here}`),
    ...(tlsUrl === undefined ? [] : [`  ${'the same over TLS at'.padEnd(34)}${tlsUrl}`]),
    '',
    `  Its people, apps and answers are changed at ${controlUrl}`,
  ]
  for (const company of companies) {
    lines.push('', `${company.name}: ${company.people} people in ${company.departments} departments`)
    lines.push(`  CorpId   ${company.corpId}`)
    for (const { name, kind, agentId, secret } of company.apps) {
      lines.push('', `  ${name}: ${KINDS[kind]}`, `  AgentId  ${agentId}`, `  Secret   ${secret}`)
    }
    lines.push(
      '',
      '  通讯录同步: the secret of contacts sync, without an AgentId',
      `  Secret   ${company.contactsSecret}`,
    )
  }
  for (const { corpId, name, secret, suites } of providers) {
    lines.push('', `${name}: a service provider`, `  CorpId          ${corpId}`, `  ProviderSecret  ${secret}`)
    for (const suite of suites) {
      lines.push('', `  ${suite.name}: ${SUITE_KINDS[suite.kind]}`)
      lines.push(`  SuiteId         ${suite.suiteId}`, `  SuiteSecret     ${suite.secret}`)
    }
  }
  const [first] = companies
  const app = first?.apps[0]
  if (first && app) {
    lines.push('', 'Try:', `  curl '${apiUrl}/cgi-bin/gettoken?corpid=${first.corpId}&corpsecret=${app.secret}'`)
    // AgentId 0 is the assistant: the one that is told of every change.
    const entry = {
      corpId: first.corpId,
      agentId: 0,
      url: '<URL>',
      token: '<Token>',
      encodingAesKey: '<EncodingAESKey>',
    }
    lines.push(
      '',
      'To be called back about changes, as 通讯录同步 does, with what your application shows in place of <…>:',
      `  curl ${controlUrl}/setCallback -d '${JSON.stringify(entry)}'`,
    )
  }
  const suite = providers[0]?.suites[0]
  if (first && suite) {
    const addresses = { token: '<Token>', encodingAesKey: '<EncodingAESKey>', commandUrl: '<URL>', dataUrl: '<URL>' }
    const authorization = { suiteId: suite.suiteId, corpId: first.corpId, from: 'wecom' }
    lines.push(
      '',
      'To send tickets to the template and let the company authorise it:',
      `  curl ${controlUrl}/setSuiteCallback -d '${JSON.stringify({ suiteId: suite.suiteId, ...addresses })}'`,
      `  curl ${controlUrl}/authorize -d '${JSON.stringify(authorization)}'`,
    )
  }
  return `${lines.join('\n')}\n`
}

const SUITE_KINDS: Readonly<Record<SuiteKind, string>> = {
  delegated: 'a template (代开发), from which each company gets an app of its own',
  'third-party': 'an app for any company, which signs people in',
  'third-party-contacts': 'an app for any company that may write contacts',
}

/** What somebody has to know to choose one of them. */
const KINDS: Readonly<Record<PrincipalKind, string>> = {
  'self-built': 'a self-built app as companies make them today; mobiles, mail addresses and avatars are withheld',
  'self-built-before-2022': 'a self-built app from before 20 June 2022; it sees every field',
  'contacts-sync': 'the assistant of contacts sync',
  system: 'a built-in app with a secret of its own',
  delegated: 'an app that a service provider develops for the company (代开发)',
  'third-party': 'an app of a service provider',
  'third-party-contacts': 'an app of a service provider that may write contacts',
  upstream: 'an upstream company (上下游)',
}

try {
  await main()
} catch (error) {
  // Mostly a port that is taken; a stack would not help whoever typed the command.
  process.stderr.write(`could not start: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
