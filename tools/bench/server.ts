/** A Muster server as a process of its own, as everybody else runs it, and how much memory it took. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'

import type { Transport } from '@muster/contracts'
import { Client } from 'undici'

export type ServerProcess = {
  /** As an owner. */
  readonly api: Transport
  /** The most memory it ever had, in bytes; undefined where the system does not tell (all but Linux). */
  peakBytes(): number | undefined
  /** Asks it to end and waits for that. */
  stop(): Promise<void>
}

const MAIN = join(import.meta.dirname, '..', '..', 'server', 'src', 'main.ts')
const TOKEN = 'a-token-for-a-server-that-lives-for-one-benchmark'
const START_TIMEOUT_MS = 30_000
/** Writing a CPU profile of a minute takes a while. */
const STOP_TIMEOUT_MS = 30_000
const CALL_TIMEOUT_MS = 60_000

/**
 * @param settings MUSTER_… settings besides address and token
 * @param profile where to write a CPU profile when it ends
 * @throws when it is not ready in time; what it printed is in the message
 */
export async function startServer({
  settings,
  profile,
  signal,
}: {
  settings: Readonly<Record<string, string>>
  profile: { readonly directory: string; readonly name: string } | undefined
  signal: AbortSignal
}): Promise<ServerProcess> {
  const options =
    profile === undefined
      ? []
      : ['--cpu-prof', `--cpu-prof-dir=${profile.directory}`, `--cpu-prof-name=${profile.name}.cpuprofile`]
  const child = spawn(process.execPath, [...options, MAIN, 'serve'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...settings, MUSTER_LISTEN: '127.0.0.1:0', MUSTER_BOOTSTRAP_TOKEN: TOKEN },
  })
  const exited = once(child, 'exit')
  let printed = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (printed = (printed + text).slice(-4_000)))

  async function stop(): Promise<void> {
    child.kill('SIGTERM')
    const late = delay(STOP_TIMEOUT_MS, 'late' as const, { ref: false })
    if ((await Promise.race([exited, late])) === 'late') child.kill('SIGKILL')
    await exited
  }

  // The log is read to the end: a full pipe would stop the server.
  const lines = createInterface({ input: child.stdout })
  const listening = new Promise<string>((resolve) => {
    lines.on('line', (line) => {
      printed = `${printed}${line}\n`.slice(-4_000)
      const entry = parse(line)
      if (entry?.msg === 'ready' && entry.address !== undefined) resolve(entry.address)
    })
  })
  try {
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(START_TIMEOUT_MS)])
    const aborted = once(bounded, 'abort')
    const address = await Promise.race([listening, exited.then(() => undefined), aborted.then(() => undefined)])
    signal.throwIfAborted()
    if (address === undefined) throw new Error(`The server did not start. ${printed}`)

    const client = new Client(address, { headersTimeout: CALL_TIMEOUT_MS, bodyTimeout: CALL_TIMEOUT_MS })
    return {
      api: transportOf(client),
      peakBytes: () => peakBytes(child.pid),
      async stop() {
        await client.destroy()
        await stop()
      },
    }
  } catch (error) {
    await stop()
    throw error
  }
}

function parse(line: string): { msg?: string; address?: string } | undefined {
  try {
    return JSON.parse(line) as { msg?: string; address?: string }
  } catch {
    return undefined // a warning of Node's own
  }
}

function transportOf(client: Client): Transport {
  return async ({ method, path, query, body }) => {
    const response = await client.request({
      method,
      path: `/api/v1${path}`,
      query,
      headers: {
        authorization: `Bearer ${TOKEN}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.body.text()
    return { status: response.statusCode, body: text === '' ? undefined : (JSON.parse(text) as unknown) }
  }
}

/** VmHWM of proc(5), "peak resident set size", in KiB. */
function peakBytes(pid: number | undefined): number | undefined {
  const file = `/proc/${pid}/status`
  if (!existsSync(file)) return undefined
  const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(file, 'utf8'))?.[1]
  return kibibytes === undefined ? undefined : Number(kibibytes) * 1024
}
