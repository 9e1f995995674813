/**
 * A company, a server and an application that relies on it, for the benchmarks of what people and WeCom do with a server
 * that is running: each in a process of its own, on one machine, with an empty database of the kind that is measured.
 */
import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import {
  call,
  createApplication,
  createConnection,
  listUsers,
  type NewConnection,
  type Transport,
} from '@muster/contracts'
import { request } from 'undici'
import type { z } from 'zod'
import type { SettingsPatch } from '../../emulator/src/index.ts'
import { startEmulatorProcess } from '../../server/src/cli/emulator-process.ts'
import type { EmulatorProcess } from '../../server/src/cli/emulator-process.ts'
import { freePort } from '../free-port.ts'
import { createEmptyDatabase } from './databases.ts'
import { startServer, type ServerProcess } from './server.ts'
import type { Relying } from './signin-flow.ts'
import { NO_LIMITS, steer, type Place } from './surroundings.ts'

/** The identifier of the connection. */
export const CONNECTION = 'bench'
export const REDIRECT_URI = 'http://127.0.0.1:9/callback'

/** What a measurement stands on. */
export type Bench = Place & {
  readonly profileDirectory: string | undefined
  readonly signal: AbortSignal
  readonly onProgress: (line: string) => void
}

export type Site = {
  /** Where a browser finds it. */
  readonly origin: string
  readonly emulator: EmulatorProcess
  readonly api: Transport
  readonly relying: Relying
  /** Of the server. */
  readonly pid: number | undefined
  /** Of people who may sign in. */
  readonly userids: () => Promise<string[]>
}

/**
 * A server with one connection and one application, and the emulated company behind it.
 * @param options.name of the CPU profile, if there is to be one
 * @param options.connection what it has besides
 */
export async function withSite<T>(
  bench: Bench,
  {
    people,
    name,
    connection: further,
  }: { people: number; name: string; connection?: Partial<z.input<typeof NewConnection>> },
  work: (site: Site) => Promise<T>,
): Promise<T> {
  const { kind, home, folder, profileDirectory, signal } = bench
  const emulator = await startEmulatorProcess(people)
  const database = await createEmptyDatabase(kind, home)
  const dataDir = mkdtempSync(join(folder, 'data-'))
  const port = await freePort()
  let server: ServerProcess | undefined
  try {
    await steer(emulator, 'changeSettings', { limits: NO_LIMITS } satisfies SettingsPatch)
    const origin = `http://localhost:${port}`
    const settings = {
      MUSTER_DATABASE_URL: database.url,
      MUSTER_LISTEN: `127.0.0.1:${port}`,
      MUSTER_PUBLIC_URL: origin,
      MUSTER_TRUSTED_PROXIES: '127.0.0.1',
      MUSTER_WECOM_API_URL: emulator.apiUrl,
      MUSTER_WECOM_OAUTH_URL: emulator.oauthUrl,
      MUSTER_WECOM_CALLS_PER_MINUTE: '1000000',
    }
    const profile =
      profileDirectory === undefined ? undefined : { directory: profileDirectory, name: `${name}-${kind}-${people}` }
    server = await startServer({ dataDir, settings, profile, signal })
    const { api } = server
    const { corpId, app } = emulator.company
    const connection = {
      identifier: CONNECTION,
      displayName: 'Benchmark',
      corpId,
      agentId: app.agentId,
      secret: app.secret,
      sync: { enabled: true },
      signIn: { enabled: true },
      ...further,
    }
    await call(createConnection, { body: connection }, api)
    const application = await call(
      createApplication,
      {
        body: {
          name: 'Benchmark',
          redirectUris: [REDIRECT_URI],
          connections: [CONNECTION],
          skipSignInPage: true,
        },
      },
      api,
    )
    const relying = {
      issuer: `${origin}/oidc`,
      clientId: application.clientId,
      clientSecret: application.clientSecret!,
      redirectUri: REDIRECT_URI,
    }
    const userids = async () => {
      const { items } = await call(listUsers, { query: { status: 'active', limit: 500 } }, api)
      return items.flatMap(({ links }) => links.map(({ userid }) => userid))
    }
    return await work({ origin, emulator, api, relying, userids, pid: server.pid })
  } finally {
    await server?.stop()
    await emulator.stop()
    await database.remove()
  }
}

/** Everybody is somewhere else: nobody measures how fast one address is slowed down. */
export function addressOf(place: number): string {
  return `10.${(place >> 16) & 255}.${(place >> 8) & 255}.${place & 255}`
}

/** Some people who may sign in, before any sync has brought them here. */
export async function listMembers(emulator: EmulatorProcess): Promise<string[]> {
  const { corpId, app } = emulator.company
  const ask = async (path: string, query: Record<string, string>) => {
    const { body } = await request(`${emulator.apiUrl}/cgi-bin/${path}`, { query })
    return (await body.json()) as { access_token?: string; userlist?: { userid: string; status: number }[] }
  }
  const { access_token } = await ask('gettoken', { corpid: corpId, corpsecret: app.secret })
  const members: string[] = []
  for (let department = 1; members.length < 200 && department < 200; department++) {
    const { userlist = [] } = await ask('user/list', { access_token: access_token!, department_id: String(department) })
    members.push(...userlist.filter(({ status }) => status === 1).map(({ userid }) => userid))
  }
  return [...new Set(members)]
}
