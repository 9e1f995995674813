/** The emulator as a process of its own, as everybody else runs it: the server shares no code and no core with it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { request } from 'undici'
import { z } from 'zod'

export interface EmulatorProcess {
  readonly apiUrl: string
  readonly controlUrl: string
  /** Of the three hosts whose pages a person sees; one port serves all of them. */
  readonly loginUrl: string
  readonly oauthUrl: string
  readonly openUrl: string
  readonly company: {
    readonly corpId: string
    readonly name: string
    readonly app: { readonly agentId: number; readonly secret: string }
  }
  /**
   * Enters an address that is told of changes, as the company's administrator does for 通讯录同步.
   * @returns why it was not taken; undefined: it was
   */
  tellOfChanges(receiver: { url: string; token: string; encodingAesKey: string }): Promise<string | undefined>
  /** Steers it by one of its control functions. @throws when it refuses */
  control(name: string, argument: unknown): Promise<unknown>
  stop(): Promise<void>
}

const Verification = z.object({ ok: z.boolean(), reason: z.string().optional() })

/** The assistant 通讯录同步 has no AgentId in WeCom; the emulator calls it this. */
const CONTACTS_SYNC = 0

interface Announcement {
  apiUrl: string
  controlUrl: string
  loginUrl: string
  oauthUrl: string
  openUrl: string
  companies: { corpId: string; name: string; apps: { kind: string; agentId: number; secret: string }[] }[]
}

const MAIN = fileURLToPath(new URL('../../../emulator/src/main.ts', import.meta.url))
const START_TIMEOUT_MS = 120_000

/** @throws when the emulator does not start; what it printed is in the message */
export async function startEmulatorProcess(people: number): Promise<EmulatorProcess> {
  const child = spawn(
    process.execPath,
    [MAIN, '--people', String(people), '--port', '0', '--control-port', '0', '--json'],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {},
    },
  )
  const exited = once(child, 'exit')
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  const timer = setTimeout(() => child.kill('SIGKILL'), START_TIMEOUT_MS)
  const announcement = await Promise.race([readAnnouncement(child.stdout), exited.then(() => undefined)])
  clearTimeout(timer)
  if (announcement === undefined) throw new Error(`The emulator did not start. ${errors}`)

  // The app from before 2022 sees every field, which makes the better first impression.
  const { companies, apiUrl, controlUrl, loginUrl, oauthUrl, openUrl } = announcement
  const { corpId, name, apps } = companies[0]!
  const control = async (name: string, argument: unknown) => {
    const { statusCode, body } = await request(`${controlUrl}/${name}`, {
      method: 'POST',
      body: JSON.stringify(argument),
    })
    const result = await body.json()
    if (statusCode !== 200) throw new Error(`The emulator refused ${name}: ${JSON.stringify(result)}`)
    return result
  }
  const app = apps.find(({ kind }) => kind === 'self-built-before-2022') ?? apps[0]!
  return {
    apiUrl,
    controlUrl,
    loginUrl,
    oauthUrl,
    openUrl,
    company: { corpId, name, app },
    async tellOfChanges(receiver) {
      const { ok, reason } = Verification.parse(
        await control('setCallback', { corpId, agentId: CONTACTS_SYNC, ...receiver }),
      )
      return ok ? undefined : (reason ?? 'no reason was given')
    },
    control,
    async stop() {
      child.kill('SIGTERM')
      await exited
    },
  }
}

/** The one JSON document that the emulator prints once it listens. */
async function readAnnouncement(stdout: NodeJS.ReadableStream): Promise<Announcement | undefined> {
  let text = ''
  stdout.setEncoding('utf8')
  for await (const chunk of stdout) {
    text += String(chunk)
    if (!text.trimEnd().endsWith('}')) continue
    try {
      return JSON.parse(text) as Announcement
    } catch {
      // A brace inside the document; the rest is still to come.
    }
  }
  return undefined
}
