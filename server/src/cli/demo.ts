/**
 * `./muster demo`: an emulated company, a server on a fresh temporary database, one connection, and two full syncs: the
 * first brings everybody here, the second has nothing to do. Then a sample application, to sign in to.
 */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  call,
  createAdministrator,
  createApplication,
  createConnection,
  createUser,
  updateApplication,
  type Run,
  type Transport,
} from '@muster/contracts'
import { createApp } from '../app.ts'
import { createClock } from '../clock.ts'
import { loadConfig } from '../config.ts'
import { createLog } from '../log.ts'
import { startEmulatorProcess, type EmulatorProcess } from './emulator-process.ts'
import { throughDoor } from './local-api.ts'
import { describeRun, exitCodeOf, runAndWatch } from './run.ts'
import { startSampleApp, type SampleApp } from './sample-app-process.ts'
import { createProgress, printJson, readArguments, readNumber, say } from './terminal.ts'

const MOST_PEOPLE = 500_000

export async function demo(args: string[]): Promise<number> {
  const { values } = readArguments(
    args,
    {
      people: { type: 'string', default: '1000' },
      port: { type: 'string', default: '8080' },
      once: { type: 'boolean' },
      json: { type: 'boolean' },
    },
    0,
  )
  const people = readNumber(values.people, 'people', 1, MOST_PEOPLE)
  const port = readNumber(values.port, 'port', 0, 65_535)
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })
  const isInterrupted = stopped.then(() => 'interrupted' as const)

  createProgress().show(`Preparing an emulated company of ${people.toLocaleString('en')} people`, 0, 1)
  const emulator = await startEmulatorProcess(people)
  const dataDir = mkdtempSync(join(tmpdir(), 'muster-demo-'))
  const token = randomBytes(24).toString('base64url')
  const config = loadConfig({
    env: {
      MUSTER_DATA_DIR: dataDir,
      MUSTER_LISTEN: `127.0.0.1:${port}`,
      MUSTER_PUBLIC_URL: `http://localhost:${port}`,
      MUSTER_BOOTSTRAP_TOKEN: token,
      MUSTER_WECOM_API_URL: emulator.apiUrl,
      MUSTER_WECOM_LOGIN_URL: emulator.loginUrl,
      MUSTER_WECOM_OAUTH_URL: emulator.oauthUrl,
      MUSTER_WECOM_OPEN_URL: emulator.openUrl,
    },
    readFile: () => '',
  })
  const log = createLog({ level: 'warn', destination: process.stderr })
  const app = await createApp({ config, log, clock: createClock() })
  let sample: SampleApp | undefined
  try {
    await app.openLocalDoor()
    const outcome = await Promise.race([
      throughDoor(dataDir, (api) => syncTwice(api, emulator, values.json === true)),
      isInterrupted,
    ])
    if (outcome === 'interrupted') return 130
    if (values.once) return exitCodeOf(outcome.first) || exitCodeOf(outcome.second)

    const address = await app.http.listen({ ...config.listen })
    sample = await throughDoor(dataDir, (api) => connectSampleApp(api, config.publicUrl))
    const owner = await throughDoor(dataDir, createOwner)
    if (!values.json) explain({ address, publicUrl: config.publicUrl, token, owner, emulator, sample })
    await stopped
    return 0
  } finally {
    await sample?.stop()
    await app.close()
    await emulator.stop()
    rmSync(dataDir, { recursive: true, force: true })
  }
}

async function syncTwice(
  api: Transport,
  { company }: EmulatorProcess,
  asJson: boolean,
): Promise<{ first: Run; second: Run }> {
  const connection = await call(
    createConnection,
    {
      body: {
        identifier: 'demo',
        displayName: company.name.slice(0, 64),
        corpId: company.corpId,
        agentId: company.app.agentId,
        secret: company.app.secret,
        sync: { enabled: true },
        signIn: { enabled: true },
      },
    },
    api,
  )
  const first = await runAndWatch(api, connection.identifier, 'apply')
  if (!asJson) {
    say(`First sync of ${company.name}`)
    await describeRun(api, first)
  }
  const second = await runAndWatch(api, connection.identifier, 'apply')
  if (asJson) {
    printJson({ first, second, changes: changesOf(second) })
  } else {
    say('Second sync')
    await describeRun(api, second)
    say(`  ${changesOf(second)} changes`)
  }
  return { first, second }
}

/** Its addresses are known once it listens, and it needs its client id before: so it is registered in two steps. */
async function connectSampleApp(api: Transport, publicUrl: string): Promise<SampleApp> {
  const { id, clientId, clientSecret } = await call(
    createApplication,
    { body: { name: 'Sample application', connections: ['demo'], claims: { groups: { form: 'path' } } } },
    api,
  )
  const sample = await startSampleApp(0, { issuer: `${publicUrl}/oidc`, clientId, clientSecret: clientSecret! })
  const addresses = {
    redirectUris: [`${sample.url}/callback`],
    postLogoutRedirectUris: [`${sample.url}/`],
    backchannelLogoutUri: `${sample.url}/backchannel-logout`,
  }
  await call(updateApplication, { params: { id }, body: addresses }, api)
  return sample
}

/** Somebody for the console, whose password is good as long as this demo. */
async function createOwner(api: Transport): Promise<Owner> {
  const owner = { username: 'admin', password: `demo-${randomBytes(6).toString('hex')}` }
  const user = await call(createUser, { body: { ...owner, displayName: 'Administrator' } }, api)
  await call(createAdministrator, { body: { userId: user.id, role: 'owner' } }, api)
  return owner
}

interface Owner {
  readonly username: string
  readonly password: string
}

const NOT_A_CHANGE = new Set(['unchanged', 'skipped'])

function changesOf({ counts }: Run): number {
  const all = [...Object.entries(counts.users), ...Object.entries(counts.departments)]
  return all.filter(([name]) => !NOT_A_CHANGE.has(name)).reduce((sum, [, count]) => sum + count, 0)
}

function explain({
  address,
  publicUrl,
  token,
  owner,
  emulator,
  sample,
}: {
  address: string
  publicUrl: string
  token: string
  owner: Owner
  emulator: EmulatorProcess
  sample: SampleApp
}): void {
  say()
  say('The server is running, on a temporary database that goes when you stop it with Ctrl+C.')
  say()
  say(`  Console          ${publicUrl}/console/`)
  say(`                     sign in with a password: ${owner.username}, ${owner.password}`)
  say(`  Application      ${sample.url}`)
  say('                     a sample: sign in, choose who scans the code, see what it learns, sign out')
  say()
  say(`  The whole API    ${address}/api/v1/openapi.json`)
  say(`                     curl -H 'Authorization: Bearer ${token}' '${address}/api/v1/users?limit=3'`)
  say(`  Emulated WeCom   ${emulator.apiUrl}, controlled at ${emulator.controlUrl}`)
}
