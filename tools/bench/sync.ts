/**
 * `./muster bench sync`: how long directory sync takes beside a floor that downloads the same pages, parses them and
 * inserts the same rows (product.md §10), on an emulated company, with a real server in a process of its own.
 *
 * What keeps it honest: floor and sync run in the same minutes on the same machine, each in a fresh process; of a floor
 * the best run counts, of a sync the median, and all are printed. The floor inserts users, links, memberships and
 * departments only, so the history of changes that a run keeps counts against the server. What was written is what
 * differs between the rows before and after, not what the server says. The time of a sync is from the request until the
 * run is closed, by one clock.
 */
import { mkdirSync, mkdtempSync } from 'node:fs'
import { join } from 'node:path'

import { call, createConnection, updateConnection } from '@muster/contracts'
import type { Run } from '@muster/contracts'
import type { ChurnSummary, CompanyListing, SettingsPatch } from '../../emulator/src/index.ts'
import { startEmulatorProcess } from '../../server/src/cli/emulator-process.ts'
import type { EmulatorProcess } from '../../server/src/cli/emulator-process.ts'
import { compareContents, createEmptyDatabase, readContents, readRows } from './databases.ts'
import type { Contents, DatabaseKind, EmptyDatabase, RowChanges } from './databases.ts'
import { measureFloor } from './floors.ts'
import type { FloorResult } from './floors.ts'
import { startServer } from './server.ts'
import { NO_LIMITS, onEachDatabase, runToItsEnd, steer, thisMachine } from './surroundings.ts'
import type { Machine, Place } from './surroundings.ts'

export type SyncBenchmark = {
  readonly machine: Machine
  readonly companies: readonly CompanyResult[]
  /** What is wrong, whatever the time: runs that did not succeed, rows or calls too many. */
  readonly problems: readonly string[]
  /** What was asked for and not measured, and why. */
  readonly skipped: readonly string[]
}

/** One company on one database. */
export type CompanyResult = {
  readonly people: number
  readonly departments: number
  readonly database: DatabaseKind
  readonly floors: {
    readonly download: readonly FloorResult[]
    readonly slowDownload: readonly FloorResult[]
    readonly insert: readonly FloorResult[]
  }
  readonly phases: readonly Phase[]
}

export const PHASE_NAMES = ['first', 'unchanged', 'unchanged-slow', 'changed', 'removed', 'removed-slow'] as const

export type PhaseName = (typeof PHASE_NAMES)[number]

export type Phase = {
  readonly name: PhaseName
  readonly samples: readonly Sample[]
  /** Median of the samples. */
  readonly seconds: number
  /** Best of the floor; for removals the median of the unchanged runs. */
  readonly floorSeconds: number
  /** Calls that a run may make (product.md §10). */
  readonly callsAllowed: number
}

export type Sample = {
  readonly seconds: number
  readonly state: Run['state']
  readonly calls: number
  readonly rows: RowChanges
  /** Of the server's process since its start, which is just before the run. */
  readonly peakBytes: number | undefined
}

/** A call to WeCom over the internet, in milliseconds. */
export const SLOW_CALL_MS = 20
export const CHANGED_PERCENT = 1
export const REMOVED_PERCENT = 1

export async function benchSync({
  people,
  only = PHASE_NAMES,
  databases,
  profileDirectory,
  searchPath,
  signal,
  onProgress,
}: {
  /** Sizes of the companies. */
  people: readonly number[]
  /** The rows that are wanted; what another one is compared with is measured, too. */
  only?: readonly PhaseName[]
  databases: readonly DatabaseKind[]
  /** Where to put a CPU profile of every measured sync. */
  profileDirectory: string | undefined
  /** The value of PATH, to find PostgreSQL on. */
  searchPath: string
  signal: AbortSignal
  onProgress: (line: string) => void
}): Promise<SyncBenchmark> {
  if (profileDirectory !== undefined) mkdirSync(profileDirectory, { recursive: true })
  const machine = thisMachine()
  const companies: CompanyResult[] = []
  const problems: string[] = []
  const skipped = await onEachDatabase({ databases, searchPath, signal }, async (place) => {
    for (const count of people) {
      const result = await measureCompany(count, { ...place, profileDirectory }, neededFor(only), signal, (line) =>
        onProgress(`${count.toLocaleString('en')} people, ${place.kind}: ${line}`),
      )
      companies.push(result)
      problems.push(...judge(result))
    }
  })
  const order = (company: CompanyResult) => people.indexOf(company.people)
  companies.sort((one, other) => order(one) - order(other))
  return { machine, companies, problems, skipped }
}

type Where = Place & { readonly profileDirectory: string | undefined }

async function measureCompany(
  people: number,
  where: Where,
  wanted: ReadonlySet<PhaseName>,
  signal: AbortSignal,
  onProgress: (line: string) => void,
): Promise<CompanyResult> {
  signal.throwIfAborted()
  const emulator = await startEmulatorProcess(people)
  const databases: EmptyDatabase[] = []
  try {
    await steer(emulator, 'changeSettings', { limits: NO_LIMITS } satisfies SettingsPatch)
    const [company] = (await steer(emulator, 'companies', {})) as CompanyListing[]
    const bench = { emulator, where, signal, onProgress, departments: company!.departments }
    const newDatabase = async () => {
      const database = await createEmptyDatabase(where.kind, where.home)
      databases.push(database)
      return database
    }

    const download = [await measureDownload(bench), await measureDownload(bench)]
    const first: Measured[] = []
    for (const name of wanted.has('first') ? ['first-1', 'first-2'] : ['first-1']) {
      first.push(await measureSync(bench, name, await createSite(bench, await newDatabase())))
    }
    const { site } = first.at(-1)!

    const insert: FloorResult[] = []
    for (let round = 0; round < (wanted.has('first') ? 2 : 0); round++) {
      insert.push(await measureInsert(bench, site.url, (await newDatabase()).url))
    }

    /** What the newest run left; a row that is not wanted leaves it as it is. */
    let latest = site
    const measure = async (name: PhaseName, prepare?: Parameters<typeof measureAgain>[3]) => {
      if (!wanted.has(name)) return []
      const measured = await measureAgain(bench, name, latest, prepare)
      latest = measured.at(-1)!.site
      return measured
    }
    const setLatency = (latencyMs: number) => steer(emulator, 'changeSettings', { latencyMs } satisfies SettingsPatch)

    const unchanged = await measure('unchanged')
    download.push(await measureDownload(bench))

    await setLatency(SLOW_CALL_MS)
    const slowDownload = wanted.has('unchanged-slow')
      ? [await measureDownload(bench), await measureDownload(bench)]
      : []
    const slow = await measure('unchanged-slow')
    await setLatency(0)

    const changed = await measure('changed', async (seed) => {
      const change = { corpId: emulator.company.corpId, percent: CHANGED_PERCENT, seed }
      const { joined, left, moved, retitled } = (await steer(emulator, 'churn', change)) as ChurnSummary
      onProgress(`${joined.length} joined, ${left.length} left, ${moved.length} moved, ${retitled.length} retitled`)
    })

    // Back to what the company was before those changes, so that only removals are left to do.
    if (wanted.has('removed') || wanted.has('removed-slow')) {
      latest = (await measureSync(bench, 'settle', latest)).site
      await changePolicy(bench, latest)
      // The policy makes leavers of those whom the changes above left behind; they are none of the measured ones.
      latest = (await measureSync(bench, 'leavers of before', latest)).site
    }
    let offset = 0
    const removeSome = async (_: string, { url }: Site) => {
      const userids = await everyHundredth(url, offset++)
      await steer(emulator, 'removeMembers', { corpId: emulator.company.corpId, userids })
    }
    const removed = await measure('removed', removeSome)
    await setLatency(SLOW_CALL_MS)
    const slowlyRemoved = await measure('removed-slow', removeSome)

    const phase = (name: PhaseName, measured: readonly Measured[], floorSeconds: number, furtherCalls = 0): Phase[] => {
      if (!wanted.has(name)) return []
      const samples = measured.map(({ sample }) => sample)
      const seconds = median(samples.map((sample) => sample.seconds))
      return [{ name, samples, seconds, floorSeconds, callsAllowed: callsAllowed(bench.departments) + furtherCalls }]
    }
    const downloadSeconds = best(download)
    // Everybody who seems gone is asked for by name.
    const questions = Math.ceil(people / 100)
    const unchangedSeconds = (runs: readonly Measured[]) => median(runs.map(({ sample }) => sample.seconds))
    return {
      people,
      departments: bench.departments,
      database: where.kind,
      floors: { download, slowDownload, insert },
      phases: [
        ...phase('first', first, downloadSeconds + best(insert)),
        ...phase('unchanged', unchanged, downloadSeconds),
        ...phase('unchanged-slow', slow, best(slowDownload)),
        ...phase('changed', changed, downloadSeconds),
        ...phase('removed', removed, unchangedSeconds(unchanged), questions),
        ...phase('removed-slow', slowlyRemoved, unchangedSeconds(slow), questions),
      ],
    }
  } finally {
    await emulator.stop()
    for (const database of databases) await database.remove()
  }
}

/** With the rows that these are compared with. */
function neededFor(only: readonly PhaseName[]): ReadonlySet<PhaseName> {
  const needed = new Set(only)
  if (needed.has('removed')) needed.add('unchanged')
  if (needed.has('removed-slow')) needed.add('unchanged-slow')
  return needed
}

type Bench = {
  readonly emulator: EmulatorProcess
  readonly where: Where
  readonly signal: AbortSignal
  readonly onProgress: (line: string) => void
  readonly departments: number
}

/** Where a server lives: its database and its data directory, with one connection to the emulated company. */
type Site = { readonly url: string; readonly dataDir: string; readonly contents: Contents }

type Measured = { readonly sample: Sample; readonly site: Site }

const CONNECTION = 'bench'

/** A server that has been set up and stopped, as an administrator leaves it before the first sync. */
async function createSite(bench: Bench, { url }: EmptyDatabase): Promise<Site> {
  const { emulator, where, signal } = bench
  const dataDir = mkdtempSync(join(where.folder, 'data-'))
  const server = await startServer({ dataDir, settings: settingsOf(bench, url), profile: undefined, signal })
  try {
    const { corpId, app } = emulator.company
    const body = {
      identifier: CONNECTION,
      displayName: 'Benchmark',
      corpId,
      agentId: app.agentId,
      secret: app.secret,
      sync: { enabled: true },
    }
    await call(createConnection, { body }, server.api)
  } finally {
    await server.stop()
  }
  return { url, dataDir, contents: await readContents(url) }
}

/** Leavers are disabled, and so many at once are no accident. */
async function changePolicy(bench: Bench, { url, dataDir }: Site): Promise<void> {
  const server = await startServer({
    dataDir,
    settings: settingsOf(bench, url),
    profile: undefined,
    signal: bench.signal,
  })
  try {
    const sync = { users: { onlyHere: 'disable' as const }, guard: { absolute: 1_000_000 } }
    await call(updateConnection, { params: { id: CONNECTION }, body: { sync } }, server.api)
  } finally {
    await server.stop()
  }
}

/** Userids of one in a hundred of the people who are linked and active. */
async function everyHundredth(url: string, offset: number): Promise<string[]> {
  const users = await readRows(url, 'users')
  const active = new Set(users.filter(({ status }) => status === 'active').map(({ id }) => id))
  const links = (await readRows(url, 'links')).filter(({ user_id }) => active.has(user_id))
  const step = 100 / REMOVED_PERCENT
  return links.flatMap(({ userid }, place) => (place % step === offset ? [String(userid)] : []))
}

/** Two runs, each on what the one before it left. `prepare` comes before each, with another seed. */
async function measureAgain(
  bench: Bench,
  name: PhaseName,
  site: Site,
  prepare: (seed: string, site: Site) => Promise<void> = () => Promise.resolve(),
): Promise<Measured[]> {
  const measured: Measured[] = []
  for (const label of [`${name}-1`, `${name}-2`]) {
    const before = measured.at(-1)?.site ?? site
    await prepare(label, before)
    measured.push(await measureSync(bench, label, before))
  }
  return measured
}

/** One run in a fresh server process, so that its peak memory and its warm code are its own. */
async function measureSync(bench: Bench, label: string, site: Site): Promise<Measured> {
  const { where, signal, onProgress } = bench
  const profile =
    where.profileDirectory === undefined
      ? undefined
      : { directory: where.profileDirectory, name: `${where.kind}-${bench.departments}-departments-${label}` }
  const server = await startServer({ dataDir: site.dataDir, settings: settingsOf(bench, site.url), profile, signal })
  let run: Run
  let seconds: number
  let peakBytes: number | undefined
  try {
    const startedAt = Date.now() // the clock of `finishedAt`: same machine
    run = await runToItsEnd(server.api, CONNECTION, signal)
    seconds = (Date.parse(run.finishedAt ?? '') - startedAt) / 1000
    peakBytes = server.peakBytes()
  } finally {
    await server.stop()
  }
  const contents = await readContents(site.url)
  const sample = {
    seconds,
    state: run.state,
    calls: run.apiCalls,
    rows: compareContents(site.contents, contents),
    peakBytes,
  }
  onProgress(`${label} ${seconds.toFixed(2)} s`)
  return { sample, site: { ...site, contents } }
}

function settingsOf({ emulator }: Bench, url: string): Record<string, string> {
  return {
    MUSTER_DATABASE_URL: url,
    MUSTER_WECOM_API_URL: emulator.apiUrl,
    MUSTER_WECOM_CALLS_PER_MINUTE: '1000000',
  }
}

// ---- Floors ---------------------------------------------------------------------------------------------------------

async function measureDownload({ emulator, signal, onProgress }: Bench): Promise<FloorResult> {
  const { corpId, app } = emulator.company
  const order = { kind: 'download', apiUrl: emulator.apiUrl, corpId, secret: app.secret } as const
  const result = await measureFloor(order, signal)
  onProgress(`bare download ${result.seconds.toFixed(2)} s`)
  return result
}

async function measureInsert({ signal, onProgress }: Bench, from: string, into: string): Promise<FloorResult> {
  const result = await measureFloor({ kind: 'insert', from, into }, signal)
  onProgress(`bare insert ${result.seconds.toFixed(2)} s`)
  return result
}

function best(floor: readonly FloorResult[]): number {
  return Math.min(...floor.map(({ seconds }) => seconds))
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  return (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2
}

// ---- Judgement ------------------------------------------------------------------------------------------------------

/** The list of departments, a page for each, and 5 %; in a small company at least the token and the visible range. */
function callsAllowed(departments: number): number {
  const pages = 1 + departments
  return pages + Math.max(2, Math.floor(pages * 0.05))
}

/**
 * Where a run that finds nothing new may write one row: itself, WeCom's token when that ran out meanwhile, and the entry
 * that says who started it (invariant 7 of ARCHITECTURE.md). On PostgreSQL also the one row in which the processes share
 * their calls of the minute: rewritten about twice a second while calls are made, in an unlogged table, and worth nothing
 * two minutes later. Each run is measured in a server that was just started, and one without an owner notes the digest of
 * the set-up token that it prints.
 */
const WRITTEN_BY_ANY_RUN: ReadonlySet<string> = new Set([
  'runs',
  'wecom_tokens',
  'audit',
  'wecom_budgets',
  'installation',
])

function judge({ people, database, phases }: CompanyResult): string[] {
  return phases.flatMap(({ name, samples, callsAllowed }) =>
    samples.flatMap(({ state, calls, rows }) => {
      const found: string[] = []
      if (state !== 'succeeded') found.push(`ended ${state}`)
      if (calls > callsAllowed) found.push(`made ${calls} calls, ${callsAllowed} are allowed`)
      if (name.startsWith('unchanged')) found.push(...surplusOf(rows))
      return found.map((what) => `${people} people, ${database}, ${name}: ${what}`)
    }),
  )
}

function surplusOf(rows: RowChanges): string[] {
  return Object.entries(rows).flatMap(([table, { inserted, updated, deleted }]) => {
    const count = inserted + updated + deleted
    return WRITTEN_BY_ANY_RUN.has(table) && count === 1 ? [] : [`wrote ${count} rows of ${table}`]
  })
}
