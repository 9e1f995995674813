/**
 * A Muster server as a process of its own, started as the launcher starts it and asked through the socket for local
 * commands, so that it needs no free port; and how much memory it took.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'

import type { Transport } from '@muster/contracts'
import { Client } from 'undici'

import { localDoorPath } from '../../server/src/local-door.ts'

export type ServerProcess = {
  readonly api: Transport
  /** The most memory it ever had, in bytes; undefined where the system does not tell (all but Linux). */
  peakBytes(): number | undefined
  readonly pid: number | undefined
  /** Asks it to end and waits for that. */
  stop(): Promise<void>
}

const ROOT = join(import.meta.dirname, '..', '..')
const START_TIMEOUT_MS = 30_000
/** Writing a CPU profile of a minute takes a while. */
const STOP_TIMEOUT_MS = 30_000
const CALL_TIMEOUT_MS = 60_000

/**
 * @param settings MUSTER_… settings besides folder and address
 * @param profile where to write a CPU profile when it ends
 * @throws when it is not ready in time; what it printed is in the message
 */
export async function startServer({
  dataDir,
  settings,
  profile,
  signal,
}: {
  dataDir: string
  settings: Readonly<Record<string, string>>
  profile: { readonly directory: string; readonly name: string } | undefined
  signal: AbortSignal
}): Promise<ServerProcess> {
  const profiling =
    profile === undefined
      ? []
      : ['--cpu-prof', `--cpu-prof-dir=${profile.directory}`, `--cpu-prof-name=${profile.name}.cpuprofile`]
  const child = spawn(process.execPath, [...launcherFlags(), ...profiling, join(ROOT, 'server/src/main.ts'), 'serve'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { MUSTER_LISTEN: '127.0.0.1:0', ...settings, MUSTER_DATA_DIR: dataDir, ...compileCache() },
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
  const ready = new Promise<'ready'>((resolve) => {
    lines.on('line', (line) => {
      printed = `${printed}${line}\n`.slice(-4_000)
      if (line.includes('"msg":"ready"')) resolve('ready')
    })
  })
  try {
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(START_TIMEOUT_MS)])
    const tooLate = once(bounded, 'abort')
    const outcome = await Promise.race([ready, exited, tooLate])
    signal.throwIfAborted()
    if (outcome !== 'ready') throw new Error(`The server did not start. ${printed}`)

    const client = new Client('http://muster.local', {
      socketPath: localDoorPath(dataDir),
      headersTimeout: CALL_TIMEOUT_MS,
      bodyTimeout: CALL_TIMEOUT_MS,
    })
    return {
      api: transportOf(client),
      peakBytes: () => peakBytes(child.pid),
      pid: child.pid,
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

/** Read from the launcher, so that what is measured stays what people run. */
function launcherFlags(): string[] {
  const flags = /exec "\$node" (.*)"\$root\/server\/src\/main\.ts"/.exec(
    readFileSync(join(ROOT, 'muster'), 'utf8'),
  )?.[1]
  if (flags === undefined) throw new Error('The launcher starts the server in a way that this benchmark does not know.')
  return flags.split(' ').filter((flag) => flag !== '')
}

/** The launcher sets it, for us and for what we start. */
function compileCache(): Readonly<Record<string, string>> {
  const { NODE_COMPILE_CACHE: folder } = process.env
  return folder === undefined ? {} : { NODE_COMPILE_CACHE: folder }
}

function transportOf(client: Client): Transport {
  return async ({ method, path, query, body }) => {
    const response = await client.request({
      method,
      path: `/api/v1${path}`,
      query,
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
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
