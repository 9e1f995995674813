/**
 * A throw-away PostgreSQL for tests and benchmarks, made from the binaries installed on this machine.
 * Owns finding them, the cluster's directory, its life and its death. Called by `./muster test` and `./muster bench`.
 * Knows nothing of what is stored in it, and is not for data anybody wants to keep: fsync is off unless asked for. (A
 * test that kills *Muster* loses nothing by that: what a living PostgreSQL has acknowledged, the next connection sees.)
 */
import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  chownSync,
  existsSync,
  globSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'

import { freePort } from './free-port.ts'

/** Muster supports this version and newer; on an older one tests would fail for reasons that are not ours. */
const OLDEST_MAJOR = 15

const INITDB_TIMEOUT_MS = 60_000
const START_TIMEOUT_MS = 30_000
const STOP_TIMEOUT_MS = 20_000
const START_ATTEMPTS = 3

const HOW_TO_GET_ONE = `Install PostgreSQL ${OLDEST_MAJOR} or newer (Debian, Ubuntu: apt-get install postgresql) or point MUSTER_TEST_POSTGRES_URL at a server on which tests may create and drop databases.`

export type PostgresOutcome =
  | { kind: 'running'; cluster: PostgresCluster }
  /** `reason` says why there is none, `remedy` what to do about it; both are whole sentences. */
  | { kind: 'unavailable'; reason: string; remedy: string }

export type PostgresCluster = {
  /** `postgres://…` of a superuser on 127.0.0.1; tests create their own databases or schemas in it. */
  url: string
  stop: () => Promise<void>
}

/**
 * Starts an empty cluster on a free port of 127.0.0.1, with a random password, because other users of the machine can
 * reach that port too. It sorts text by ICU's English rules, as most installations do and as SQLite does not, so that a
 * query which relies on byte order is found here and not at a customer's.
 *
 * It dies with the calling process, however that ends, also by kill -9.
 */
export async function startPostgres({
  searchPath,
  isDurable = false,
  signal,
}: {
  /** The value of PATH. */
  searchPath: string
  /** Commits wait for the disk, as at a customer's: for benchmarks. Tests are several times faster without. */
  isDurable?: boolean
  signal?: AbortSignal
}): Promise<PostgresOutcome> {
  const installed = await findInstallation(searchPath)
  if (installed === undefined) {
    return {
      kind: 'unavailable',
      reason: `PostgreSQL ${OLDEST_MAJOR} or newer is not installed on this machine.`,
      remedy: HOW_TO_GET_ONE,
    }
  }

  const directory = mkdtempSync(join(tmpdir(), 'muster-postgres-'))
  try {
    const owner = await unprivilegedOwner()
    const password = randomBytes(16).toString('hex')
    await initialise({ installed, directory, owner, password, signal })

    for (let attempt = 1; ; attempt++) {
      const port = await freePort()
      const server = await launch({ installed, directory, owner, port, isDurable, signal })
      if (server.kind === 'ready') {
        const url = `postgres://muster:${password}@127.0.0.1:${port}/postgres`
        return { kind: 'running', cluster: { url, stop: server.stop } }
      }
      // Between finding the port and using it another process may have taken it; anything else fails again the same way.
      if (attempt === START_ATTEMPTS) throw new Error(server.log)
    }
  } catch (error) {
    rmSync(directory, { recursive: true, force: true })
    if (signal?.aborted) throw error
    return {
      kind: 'unavailable',
      reason: `The installed PostgreSQL ${installed.major} could not be started: ${explain(error)}`,
      remedy: HOW_TO_GET_ONE,
    }
  }
}

type Installation = { binaries: string; major: number }

/** The first of PATH, else the newest of the folders in which Debian and Red Hat keep theirs, which are not on PATH. */
async function findInstallation(searchPath: string): Promise<Installation | undefined> {
  const folders = [
    ...searchPath.split(delimiter).filter((folder) => folder !== ''),
    ...globSync(['/usr/lib/postgresql/*/bin', '/usr/pgsql-*/bin']).sort(newestFirst),
  ]
  for (const folder of folders) {
    if (!existsSync(join(folder, 'initdb')) || !existsSync(join(folder, 'postgres'))) continue

    // On PATH these may be links into the versioned folder, where also their share files are found.
    const binaries = join(realpathSync(join(folder, 'initdb')), '..')
    const { stdout } = await run(join(binaries, 'postgres'), ['--version'], { timeout: INITDB_TIMEOUT_MS })
    const major = Number(/(\d+)/.exec(stdout)?.[1])
    if (major >= OLDEST_MAJOR) return { binaries, major }
  }
  return undefined
}

function newestFirst(a: string, b: string): number {
  return b.localeCompare(a, 'en', { numeric: true })
}

type Owner = { uid: number; gid: number } | undefined

/** PostgreSQL refuses to run as root: then it runs as `postgres`, else as `nobody`. Otherwise as ourselves (undefined). */
async function unprivilegedOwner(): Promise<Owner> {
  if (process.getuid?.() !== 0) return undefined
  for (const name of ['postgres', 'nobody']) {
    const ids = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])]).catch(() => undefined)
    if (ids !== undefined) return { uid: Number(ids[0].stdout), gid: Number(ids[1].stdout) }
  }
  throw new Error('This is root, for whom PostgreSQL refuses to run, and there is neither a user postgres nor nobody.')
}

async function initialise(options: {
  installed: Installation
  directory: string
  owner: Owner
  password: string
  signal: AbortSignal | undefined
}): Promise<void> {
  const { installed, directory, owner, password, signal } = options
  const passwordFile = join(directory, 'password')
  writeFileSync(passwordFile, password, { mode: 0o600 })
  if (owner !== undefined) {
    chownSync(directory, owner.uid, owner.gid)
    chownSync(passwordFile, owner.uid, owner.gid)
  }
  const cluster = ['--pgdata', join(directory, 'data'), '--no-sync', '--no-instructions']
  const access = ['--username=muster', `--pwfile=${passwordFile}`, '--auth=scram-sha-256']
  const text = ['--encoding=UTF8', '--locale=C', '--locale-provider=icu', '--icu-locale=en-US']
  await run(join(installed.binaries, 'initdb'), [...cluster, ...access, ...text], {
    ...owner,
    cwd: directory,
    env: SERVER_ENVIRONMENT,
    timeout: INITDB_TIMEOUT_MS,
    signal,
  })
}

/** Nothing of ours: PGDATA, PGPORT and a user's locale would all change what the server does. */
const SERVER_ENVIRONMENT = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }

/**
 * Runs a command (PostgreSQL) until standard input ends, then stops it (SIGINT: cut connections, shut down) and removes
 * its directory. When the command ends by itself the directory stays, for another attempt.
 * A shell in between, because a child does not die with its parent, while a pipe is closed however the parent ends.
 * $1: the directory; the rest: the command.
 */
const LEASH = `
directory=$1; shift
exec 3<&0
"$@" </dev/null &
server=$!
( read -r _ <&3; trap '' TERM; kill -INT "$server" 2>/dev/null; exit 0 ) &
leash=$!
wait "$server"
kill "$leash" 2>/dev/null
wait "$leash" && rm -rf "$directory"
`

type Launch = { kind: 'ready'; stop: () => Promise<void> } | { kind: 'died'; log: string }

async function launch(options: {
  installed: Installation
  directory: string
  owner: Owner
  port: number
  isDurable: boolean
  signal: AbortSignal | undefined
}): Promise<Launch> {
  const { installed, directory, owner, port, isDurable, signal } = options
  const data = join(directory, 'data')
  const settings = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: directory,
    max_connections: 200,
    ...(isDurable ? {} : { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off' }),
  }
  const command = [join(installed.binaries, 'postgres'), '-D', data]
  for (const [name, value] of Object.entries(settings)) command.push('-c', `${name}=${value}`)

  const leash = spawn('/bin/sh', ['-c', LEASH, 'leash', directory, ...command], {
    ...owner,
    cwd: '/',
    env: SERVER_ENVIRONMENT,
    detached: true, // Ctrl-C reaches the whole terminal group; the server has to outlive the tests that are being stopped
    stdio: ['pipe', 'ignore', 'pipe'],
  })
  let log = ''
  leash.stderr.setEncoding('utf8').on('data', (text: string) => (log = (log + text).slice(-4000)))
  const exited = once(leash, 'exit')

  async function stop(): Promise<void> {
    leash.stdin.end()
    const stopped = await Promise.race([exited, delay(STOP_TIMEOUT_MS, 'late' as const, { ref: false })])
    if (stopped === 'late' && leash.pid !== undefined) process.kill(-leash.pid, 'SIGKILL')
    rmSync(directory, { recursive: true, force: true })
  }

  const deadline = Date.now() + START_TIMEOUT_MS
  while (leash.exitCode === null && leash.signalCode === null) {
    if (isReady(data)) return { kind: 'ready', stop }
    if (Date.now() > deadline || signal?.aborted) {
      await stop()
      signal?.throwIfAborted()
      throw new Error(`It was not ready after ${START_TIMEOUT_MS / 1000} seconds. ${log}`)
    }
    await delay(20)
  }
  leash.stdin.destroy()
  return { kind: 'died', log }
}

/** The server writes its state into line 8 of this file; pg_ctl looks there too. */
function isReady(data: string): boolean {
  const file = join(data, 'postmaster.pid')
  return existsSync(file) && readFileSync(file, 'utf8').split('\n')[7]?.startsWith('ready') === true
}

const run = promisify(execFile)

function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const said = 'stderr' in error && typeof error.stderr === 'string' ? error.stderr.trim() : ''
  return said === '' ? error.message : said
}
