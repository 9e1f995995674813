/**
 * `./muster demo`: an emulated company, a server on a fresh temporary database, one connection, and two full syncs: the
 * first brings everybody here, the second has nothing to do. Then a sample application, to sign in to, and changes of the
 * company arrive by themselves.
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
  listDepartments,
  listUsers,
  updateApplication,
  updateConnection,
  type Run,
  type Transport,
} from '@muster/contracts'
import { createApp } from '../app.ts'
import { createClock } from '../clock.ts'
import { loadConfig } from '../config.ts'
import { createLog } from '../log.ts'
import { newCallbackKeys } from './demo-callback.ts'
import { addProvider, PROVIDER_CONNECTIONS } from './demo-provider.ts'
import { startEmulatorProcess, type EmulatorProcess } from './emulator-process.ts'
import { listenAt } from './listen.ts'
import { throughDoor } from './local-api.ts'
import { describeRun, exitCodeOf, runAndWatch } from './run.ts'
import { startSampleApp, type SampleApp } from './sample-app-process.ts'
import { createProgress, printable, printJson, readArguments, readNumber, say } from './terminal.ts'

const MOST_PEOPLE = 500_000

export async function demo(args: string[]): Promise<number> {
  const { values } = readArguments(
    args,
    {
      people: { type: 'string', default: '1000' },
      port: { type: 'string', default: '8080' },
      once: { type: 'boolean' },
      provider: { type: 'boolean' },
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
    // Before the syncs: whoever has the port taken should not have to wait for them.
    const address = values.once ? undefined : await listenAt(app, config, OTHER_PORT)
    const outcome = await Promise.race([
      throughDoor(dataDir, (api) => syncTwice(api, emulator, values.json === true)),
      isInterrupted,
    ])
    if (outcome === 'interrupted') return 130
    if (address === undefined) return exitCodeOf(outcome.first) || exitCodeOf(outcome.second)

    const provider = values.provider
      ? await throughDoor(dataDir, (api) => addProvider(api, emulator, address))
      : undefined
    const connections = provider === undefined ? ['demo'] : ['demo', ...PROVIDER_CONNECTIONS]
    sample = await throughDoor(dataDir, (api) => connectSampleApp(api, config.publicUrl, connections))
    const owner = await throughDoor(dataDir, createOwner)
    const realTime = await throughDoor(dataDir, (api) => followChanges(api, emulator, address))
    if (!values.json) {
      explain({ address, publicUrl: config.publicUrl, token, owner, emulator, sample, realTime, provider })
    }
    await stopped
    return 0
  } finally {
    await sample?.stop()
    await app.close()
    await emulator.stop()
    rmSync(dataDir, { recursive: true, force: true })
  }
}

const OTHER_PORT = {
  en: 'Stop whatever uses it, or choose another port: ./muster demo --port 8081',
  zh: '请停止占用该端口的程序，或换一个端口：./muster demo --port 8081',
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
async function connectSampleApp(api: Transport, publicUrl: string, connections: string[]): Promise<SampleApp> {
  const { id, clientId, clientSecret } = await call(
    createApplication,
    { body: { name: 'Sample application', connections, claims: { groups: { form: 'path' } } } },
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

/**
 * Real time: token and key here, the address in WeCom, then the switch. Only once somebody listens, because WeCom verifies
 * the address when it is entered.
 */
async function followChanges(api: Transport, emulator: EmulatorProcess, address: string): Promise<RealTime> {
  const params = { id: 'demo' }
  const { token, aesKey } = newCallbackKeys()
  const { callback } = await call(updateConnection, { params, body: { callback: { token, aesKey } } }, api)
  // By its number: localhost may lead elsewhere first, and WeCom waits for a second only.
  const url = new URL(new URL(callback.url).pathname, address).href
  const refusal = await emulator.tellOfChanges({ url, token, encodingAesKey: aesKey })
  if (refusal !== undefined) return { refusal }
  await call(updateConnection, { params, body: { sync: { realTime: true } } }, api)
  return { move: await possibleMove(api) }
}

/** Somebody in one department, and another for them. */
async function possibleMove(api: Transport): Promise<Move | undefined> {
  const query = { connection: 'demo', limit: 100 }
  const [{ items: users }, { items: departments }] = await Promise.all([
    call(listUsers, { query: { ...query, status: 'active' } }, api),
    call(listDepartments, { query }, api),
  ])
  const user = users.find((candidate) => candidate.departments.length === 1) ?? users[0]
  const target = departments.find(
    ({ id, parentId }) => parentId !== null && user?.departments.every(({ departmentId }) => departmentId !== id),
  )
  const userid = user?.links[0]?.userid
  if (user === undefined || userid === undefined || target === undefined || target.externalId === null) return undefined
  return { user, userid, department: { name: target.name, id: Number(target.externalId) } }
}

type RealTime = { readonly move: Move | undefined } | { readonly refusal: string }

interface Move {
  readonly user: { readonly id: string; readonly displayName: string }
  readonly userid: string
  /** As WeCom numbers it. */
  readonly department: { readonly name: string; readonly id: number }
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
  realTime,
  provider,
}: {
  address: string
  publicUrl: string
  token: string
  owner: Owner
  emulator: EmulatorProcess
  sample: SampleApp
  realTime: RealTime
  provider: Awaited<ReturnType<typeof addProvider>> | undefined
}): void {
  say()
  say('The server is running, on a temporary database that goes when you stop it with Ctrl+C.')
  say()
  say(`  Console          ${publicUrl}/console/`)
  say(`                     sign in with a password: ${owner.username}, ${owner.password}`)
  say(`  Application      ${sample.url}`)
  say('                     a sample: sign in, choose who scans the code, see what it learns, sign out')
  for (const line of aboutRealTime(realTime, emulator, publicUrl)) say(line)
  if (provider !== undefined && 'refusal' in provider) {
    say(`  Provider         not connected: the emulated WeCom did not take our addresses (${provider.refusal})`)
  } else if (provider !== undefined) {
    say(`  Provider         ${provider.company} has authorised two apps of a provider, to sign in with:`)
    say(`                     see ${publicUrl}/console/connections, or open the application as one of its people`)
  }
  say()
  say(`  The whole API    ${address}/api/v1/openapi.json`)
  say(`                     curl -H 'Authorization: Bearer ${token}' '${address}/api/v1/users?limit=3'`)
  say(`  Emulated WeCom   ${emulator.apiUrl}, controlled at ${emulator.controlUrl}`)
}

function aboutRealTime(realTime: RealTime, { company, controlUrl }: EmulatorProcess, publicUrl: string): string[] {
  if ('refusal' in realTime)
    return [`  Real time        off: the emulated WeCom did not take our address (${realTime.refusal})`]
  const lines = [
    '  Real time        who joins, moves or leaves is here within seconds; other fields wait for the next run',
  ]
  if (realTime.move === undefined) return lines
  const { user, userid, department } = realTime.move
  const argument = JSON.stringify({ corpId: company.corpId, userid, patch: { department: [department.id] } })
  return [
    ...lines,
    `                     move ${printable(user.displayName)} to ${printable(department.name)}:`,
    `                     curl ${controlUrl}/patchMember -d '${argument}'`,
    `                     then see ${publicUrl}/console/people/${user.id}?tab=timeline`,
  ]
}
