/**
 * The server and the commands as tests run them: in this process where that is quicker, as a process of its own where
 * it has to be killed or its output read. Either way on a free port, a data directory of its own, and everything it
 * logs kept at level debug.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApp } from '../server/src/app.ts'
import { createClock, type Clock } from '../server/src/clock.ts'
import { loadConfig } from '../server/src/config.ts'
import { createLog } from '../server/src/log.ts'
import { eventually } from './eventually.ts'

/** Accepted as the token of an owner. Tests look for it where it must never be. */
export const BOOTSTRAP_TOKEN = 'bootstrap-token-of-the-flow-tests-0123456789'

/** The same for all processes of a test, as processes that share a database need it. */
export const MASTER_KEY = Buffer.alloc(32, 7).toString('base64')

const MAIN = join(import.meta.dirname, '../server/src/main.ts')

/** Settings by their name in the environment. */
export type Settings = Readonly<Record<string, string>>

export interface RunningServer {
  /** Where it listens, without a slash at the end. */
  readonly origin: string
  /** Everything it has logged so far. */
  log(): string
  /** Ends it as an administrator would, and waits for it. */
  stop(): Promise<void>
}

export interface ServerProcess extends RunningServer {
  /** `kill -9`, and waits until it is dead. */
  kill(): Promise<void>
  /** As `stop`. @returns the exit code, null when it had to be killed */
  terminate(): Promise<number | null>
  /** Stops it in the middle of whatever it does, so that it does not notice time passing. */
  freeze(): void
  /** Lets it go on as if nothing had happened. */
  thaw(): void
}

/** What every server of a test needs. */
export function settingsFor(given: { databaseUrl: string; dataDir: string; wecomUrl: string }): Settings {
  return {
    MUSTER_DATABASE_URL: given.databaseUrl,
    MUSTER_DATA_DIR: given.dataDir,
    MUSTER_LISTEN: '127.0.0.1:0',
    MUSTER_MASTER_KEY: MASTER_KEY,
    MUSTER_BOOTSTRAP_TOKEN: BOOTSTRAP_TOKEN,
    MUSTER_LOG_LEVEL: 'debug',
    MUSTER_WECOM_API_URL: given.wecomUrl,
    MUSTER_WECOM_BACKOFF_MS: '20',
  }
}

/** A folder that is removed at the end. Short, because the path of a socket in it may have 107 bytes. */
export function temporaryFolder(): { readonly path: string; remove(): void } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'muster-flow-'))
  const remove = () => rmSync(path, { recursive: true, force: true })
  return { path, remove, [Symbol.dispose]: remove }
}

/** A clock that a test moves. Servers see it within a quarter of a second. */
export interface MovableClock {
  readonly settings: Settings
  now(): number
  /** Later than now; it goes on from there. */
  moveTo(time: number): void
}

/** @param folder where its file is kept */
export function movableClock(folder: string): MovableClock {
  const file = join(folder, 'clock-offset')
  let offset = 0
  return {
    settings: { MUSTER_TEST: '1', MUSTER_TEST_CLOCK_FILE: file },
    now: () => Date.now() + offset,
    moveTo(time) {
      offset = time - Date.now()
      // Whole or not at all: a reader that saw an empty file would fall back in time.
      writeFileSync(`${file}.new`, String(offset))
      renameSync(`${file}.new`, file)
    },
  }
}

/** The server in this process: starts in a tenth of the time of a process, and its clock can be the test's. */
export async function serveHere(settings: Settings, clock?: Clock): Promise<RunningServer> {
  let logged = ''
  const config = loadConfig({
    env: settings,
    readFile: () => {
      throw new Error('tests set no files')
    },
  })
  const log = createLog({ level: config.logLevel, destination: { write: (text) => (logged += text) } })
  const app = await createApp({ config, log, clock: clock ?? createClock({ offsetFile: config.testClockFile }) })
  try {
    const origin = await app.http.listen({ ...config.listen }) // a copy, because Fastify writes into it
    return { origin, log: () => logged, stop: () => app.close() }
  } catch (error) {
    await app.close()
    throw error
  }
}

/** `./muster serve` as a process of its own. @throws with what it printed when it does not get ready */
export async function spawnServer(settings: Settings): Promise<ServerProcess> {
  const child = start(['serve'], settings)
  const output = collect(child)
  const exited = once(child, 'exit') as Promise<[number | null]>
  const origin = await eventually('the server said that it is ready, or ended', () => {
    const end = child.exitCode ?? child.signalCode
    if (end !== null) throw new Error(`the server ended with ${end}:\n${output()}`)
    return readyLine.exec(output())?.[1]
  }).catch(async (error: unknown) => {
    // Left alone it may get ready later, and keep the tests from ending.
    child.kill('SIGKILL')
    await exited
    throw error
  })
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal)
    const [code] = await exited
    return code
  }
  return {
    origin,
    log: output,
    kill: async () => void (await end('SIGKILL')),
    terminate: () => end('SIGTERM'),
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    stop: async () => void (await end('SIGTERM')),
  }
}

const readyLine = /"address":"([^"]+)"[^\n]*"msg":"ready"/

export interface CommandOutcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

const COMMAND_TIMEOUT_MS = 60_000

/** One command of `./muster`, to its end. */
export async function runCommand(args: readonly string[], settings: Settings): Promise<CommandOutcome> {
  const child = start(args, settings)
  const timer = setTimeout(() => child.kill('SIGKILL'), COMMAND_TIMEOUT_MS)
  let stdout = ''
  let stderr = ''
  child.stdout!.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const [code] = (await once(child, 'close')) as [number | null]
  clearTimeout(timer)
  return { code, stdout, stderr }
}

export interface RunningCommand {
  /** Everything it has printed so far, wherever. */
  output(): string
  /** Ends it as Ctrl+C does. @returns the exit code, null when it had to be killed */
  interrupt(): Promise<number | null>
}

/** One command of `./muster` that goes on until it is stopped. */
export function startCommand(args: readonly string[], settings: Settings): RunningCommand {
  const child = start(args, settings)
  const output = collect(child)
  const closed = once(child, 'close') as Promise<[number | null]>
  return {
    output,
    async interrupt() {
      child.kill('SIGINT')
      const timer = setTimeout(() => child.kill('SIGKILL'), COMMAND_TIMEOUT_MS)
      const [code] = await closed
      clearTimeout(timer)
      return code
    },
  }
}

/**
 * One command of `./muster`, killed with `kill -9` unless it ends before.
 * @returns whether it was killed
 */
export async function killCommand(args: readonly string[], settings: Settings, afterMs: number): Promise<boolean> {
  const child = start(args, settings)
  const timer = setTimeout(() => child.kill('SIGKILL'), afterMs)
  const [, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
  clearTimeout(timer)
  return signal === 'SIGKILL'
}

function start(args: readonly string[], settings: Settings): ChildProcess {
  // Only the settings: whoever runs the tests may have some of their own, and unknown ones are refused.
  return spawn(process.execPath, [MAIN, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...settings, ...COMPILE_CACHE },
  })
}

/** As the launcher sets it: without it each of some hundred processes compiles a thousand modules anew. */
const COMPILE_CACHE: Settings =
  process.env.NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE }

function collect(child: ChildProcess): () => string {
  let text = ''
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  }
  return () => text
}
