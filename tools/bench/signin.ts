/**
 * `./muster bench signin`: whole sign-ins in a second (authorization request, WeCom, callback, code, tokens, userinfo)
 * beside the same flow on oidc-provider's in-memory adapter (signin-floor.ts), in the same minutes, against the same
 * emulator; and how long one takes while the whole company is synchronized beside it (product.md §10).
 *
 * What keeps it honest: the same driver goes to both and follows where it is sent (five requests with the server, seven with
 * the floor, which sends browsers through one page of its own twice); each flow begins with no cookie and ends with
 * somebody's claims; the database keeps its full fsync. All processes share the machine, the driver and the emulator too.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { Agent } from 'undici'
import type { EmulatorProcess } from '../../server/src/cli/emulator-process.ts'
import { freePort } from '../free-port.ts'
import type { DatabaseKind } from './databases.ts'
import { signInOnce, type Relying } from './signin-flow.ts'
import type { SignInFloorOrder } from './signin-floor.ts'
import { addressOf, CONNECTION, listMembers, REDIRECT_URI, withSite, type Bench } from './site.ts'
import { describeMachine, mainThreadMs, onEachDatabase, runToItsEnd, thisMachine } from './surroundings.ts'
import type { Machine } from './surroundings.ts'

export type SignInBenchmark = {
  readonly machine: Machine
  readonly results: readonly DatabaseResult[]
  readonly problems: readonly string[]
  readonly skipped: readonly string[]
}

export type DatabaseResult = {
  readonly database: DatabaseKind
  readonly flows: number
  readonly atOnce: number
  /** In the order they ran: floor, server, floor, server. */
  readonly floor: readonly Measured[]
  readonly server: readonly Measured[]
  /** While everybody is read and written for the first time, then while nothing has changed; one at a time. */
  readonly beside: readonly {
    readonly people: number
    readonly what: 'first' | 'unchanged'
    readonly flows: Measured
  }[]
}

export type Measured = {
  readonly flows: number
  readonly perSecond: number
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
  /** Milliseconds of the server's main thread for one of them; null where the system does not tell. */
  readonly threadMs: number | null
}

const WARM_UP = 100
const AT_ONCE = 8
/** Between two flows beside a sync, so that they do not become the load themselves. */
const PAUSE_MS = 50
const SYNC_TIMEOUT_MS = 5 * 60_000
/** Who signs in; enough that two flows at once are not the same person. */
const PEOPLE = 1_000

export async function benchSignIn({
  people,
  flows,
  databases,
  profileDirectory,
  searchPath,
  signal,
  onProgress,
}: {
  /** Of the company whose sync runs beside; 0 leaves that out. */
  people: number
  flows: number
  databases: readonly DatabaseKind[]
  /** Where to write CPU profiles of the server; undefined: none. */
  profileDirectory: string | undefined
  /** The value of PATH, to find PostgreSQL on. */
  searchPath: string
  signal: AbortSignal
  onProgress: (line: string) => void
}): Promise<SignInBenchmark> {
  const machine = thisMachine()
  const results: DatabaseResult[] = []
  const problems: string[] = []
  const skipped = await onEachDatabase({ databases, searchPath, signal }, async (place) => {
    const { kind } = place
    const bench = {
      ...place,
      profileDirectory,
      signal,
      onProgress: (line: string) => onProgress(`${kind}: ${line}`),
    }
    const alone = await measureAlone(bench, flows)
    const beside = people === 0 ? [] : await measureBeside(bench, people, problems)
    results.push({ database: kind, flows, atOnce: AT_ONCE, ...alone, beside })
  })
  return { machine, results, problems, skipped }
}

async function measureAlone(bench: Bench, flows: number): Promise<Pick<DatabaseResult, 'floor' | 'server'>> {
  return withSite(bench, { people: PEOPLE, name: 'signin' }, async ({ emulator, api, relying, userids, pid }) => {
    await runToItsEnd(api, CONNECTION, AbortSignal.any([bench.signal, AbortSignal.timeout(SYNC_TIMEOUT_MS)]))
    const members = await userids()
    const floor: Measured[] = []
    const server: Measured[] = []
    for (let round = 1; round <= 2; round++) {
      floor.push(await measureFloor(bench, emulator, members, flows))
      bench.onProgress(`floor ${describe(floor.at(-1)!)}`)
      server.push(await measureFlows(relying, members, flows, pid, bench.signal))
      bench.onProgress(`server ${describe(server.at(-1)!)}`)
    }
    return { floor, server }
  })
}

async function measureBeside(bench: Bench, people: number, problems: string[]): Promise<DatabaseResult['beside']> {
  return withSite(bench, { people, name: 'signin' }, async ({ api, relying, emulator }) => {
    const listed = await listMembers(emulator)
    const beside: DatabaseResult['beside'][number][] = []
    for (const what of ['first', 'unchanged'] as const) {
      const ended = new AbortController()
      const sync = runToItsEnd(
        api,
        CONNECTION,
        AbortSignal.any([bench.signal, AbortSignal.timeout(SYNC_TIMEOUT_MS)]),
      ).finally(() => ended.abort())
      const durations: number[] = []
      const startedAt = performance.now()
      const agent = new Agent()
      for (let place = 0; !ended.signal.aborted; place++) {
        durations.push(await timed(() => signInOnce(agent, relying, listed[place % listed.length]!, addressOf(place))))
        await delay(PAUSE_MS, undefined, { signal: ended.signal }).catch(() => {})
      }
      await agent.close()
      const run = await sync
      if (run.state !== 'succeeded') problems.push(`${bench.kind}: the ${what} sync beside ended ${run.state}`)
      const flows = summary(durations, performance.now() - startedAt)
      beside.push({ people, what, flows })
      bench.onProgress(`beside the ${what} sync of ${people.toLocaleString('en')} ${describe(flows)}`)
    }
    return beside
  })
}

async function measureFloor(
  { signal }: Bench,
  emulator: EmulatorProcess,
  userids: readonly string[],
  flows: number,
): Promise<Measured> {
  const port = await freePort()
  const { corpId, app } = emulator.company
  const order: SignInFloorOrder = {
    port,
    apiUrl: emulator.apiUrl,
    oauthUrl: emulator.oauthUrl,
    corpId,
    agentId: app.agentId,
    secret: app.secret,
    clientId: 'floor',
    clientSecret: 'floor-secret-that-is-long-enough',
    redirectUri: REDIRECT_URI,
  }
  const floor: ChildProcess = fork(new URL('signin-floor.ts', import.meta.url), {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  try {
    floor.send(order)
    await once(floor, 'message', { signal })
    const relying = { issuer: `http://localhost:${port}/oidc`, ...order }
    return await measureFlows(relying, userids, flows, floor.pid, signal)
  } finally {
    floor.kill('SIGKILL') // it has nothing to tidy up
  }
}

async function measureFlows(
  relying: Relying,
  userids: readonly string[],
  flows: number,
  pid: number | undefined,
  signal: AbortSignal,
): Promise<Measured> {
  const agent = new Agent()
  let next = 0
  const durations: number[] = []
  const work = async (until: number) => {
    while (next < until) {
      signal.throwIfAborted()
      const place = next++
      const userid = userids[place % userids.length]!
      durations.push(await timed(() => signInOnce(agent, relying, userid, addressOf(place))))
    }
  }
  const together = (until: number) => Promise.all(Array.from({ length: AT_ONCE }, () => work(until)))
  await together(WARM_UP)
  durations.length = 0
  const busyBefore = mainThreadMs(pid)
  const startedAt = performance.now()
  await together(WARM_UP + flows)
  const elapsedMs = performance.now() - startedAt
  const busyMs = mainThreadMs(pid) - busyBefore
  await agent.close()
  return summary(durations, elapsedMs, busyMs)
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return performance.now() - startedAt
}

function summary(durations: readonly number[], elapsedMs: number, busyMs = Number.NaN): Measured {
  const sorted = durations.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
  return {
    flows: sorted.length,
    perSecond: sorted.length / (elapsedMs / 1000),
    p50: at(0.5),
    p99: at(0.99),
    threadMs: Number.isNaN(busyMs) ? null : busyMs / sorted.length,
  }
}

function describe({ flows, perSecond, p50, p99, threadMs }: Measured): string {
  const busy = threadMs === null ? '' : `, ${threadMs.toFixed(2)} ms of the thread each`
  return `${flows} flows, ${perSecond.toFixed(0)} a second, p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms${busy}`
}

/** Markdown. Pure. */
export function describeSignInBenchmark({ machine, results, problems, skipped }: SignInBenchmark): string {
  const lines = [
    describeMachine(machine),
    '',
    'Whole sign-ins: authorization request, WeCom, callback, code, tokens, userinfo. Floor: oidc-provider in memory.',
    'Target: 60 % of the floor on SQLite; beside a sync p99 within 500 ms.',
    '',
    '| database | | flows | a second | of the floor | p50, ms | p99, ms | main thread, ms a flow |',
    '| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |',
  ]
  const row = (database: string, what: string, measured: Measured, share = '') =>
    `| ${database} | ${what} | ${measured.flows} | ${measured.perSecond.toFixed(0)} | ${share} | ${measured.p50.toFixed(0)} | ${measured.p99.toFixed(0)} | ${measured.threadMs?.toFixed(2) ?? ''} |`
  for (const { database, atOnce, floor, server, beside } of results) {
    const best = Math.max(...floor.map(({ perSecond }) => perSecond))
    for (const measured of floor) lines.push(row(database, `floor, ${atOnce} at once`, measured))
    for (const measured of server) {
      lines.push(
        row(database, `server, ${atOnce} at once`, measured, `${((100 * measured.perSecond) / best).toFixed(0)} %`),
      )
    }
    for (const { people, what, flows } of beside) {
      lines.push(row(database, `server, beside the ${what} sync of ${people.toLocaleString('en')}`, flows))
    }
  }
  if (skipped.length > 0) lines.push('', 'Not measured:', '', ...skipped.map((reason) => `- ${reason}`))
  if (problems.length > 0) lines.push('', 'Wrong, whatever the time:', '', ...problems.map((problem) => `- ${problem}`))
  return `${lines.join('\n')}\n`
}
