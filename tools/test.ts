/**
 * `./muster test [--thorough] [PATTERN…]`: everything that can be tested on this machine. Without a pattern: format, lint
 * and type checks, then every *.test.ts. With patterns: only the test files whose path contains one of them, and no checks.
 *
 * Some tests try fewer kills, seeds or pages than there could be, so that an everyday run takes minutes; with --thorough or
 * CI=true they try them all. Brings a PostgreSQL where one is installed. What tried less and what could not be tested is
 * listed just before Node's own summary; with CI=true an untested test is a failed one. Exit code 0 only if all that was
 * asked for ran and passed.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { availableParallelism, tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import type { TestEvent } from 'node:test/reporters'
import { pathToFileURL } from 'node:url'

import { isThorough, shorterIn } from '../server/test-support/extent.ts'
import { shareSchemas } from '../server/test-support/schemas.ts'
import { startPostgres } from './postgres.ts'
import type { PostgresOutcome } from './postgres.ts'

const ROOT = join(import.meta.dirname, '..')

/** For one file. Long, because some sync a large company; finite, so that a test that hangs does not hang CI. */
const FILE_TIMEOUT_MS = 10 * 60_000
/** The same where everything is tried. */
const THOROUGH_TIMEOUT_MS = 25 * 60_000

/**
 * What takes half a minute or more, about the longest first. Begun last, it would leave the other processors without work;
 * all begun at once, each would wait for the others and run out of patience, since many of them start a dozen servers. So
 * they are spread. A file that is missing here costs time and nothing else.
 */
const LONGEST = [
  'test/browser/console-hostile.test.ts',
  'test/kills.test.ts',
  'test/browser/console-directory.test.ts',
  'test/browser/console-admin.test.ts',
  'test/browser/console-access.test.ts',
  'test/browser/flows.test.ts',
  'test/browser/console-connections.test.ts',
  'test/browser/console-runs.test.ts',
  'test/browser/console-providers.test.ts',
  'test/browser/console-auditor.test.ts',
  'test/take-over.test.ts',
  'tools/bench/sync.test.ts',
  'test/backup.test.ts',
  'server/src/sync/reconcile.test.ts',
  'test/strategies.test.ts',
  'test/commands.test.ts',
]

/**
 * Files of these folders share processes, so many in each: loading the server takes as long as many of them. Not the long
 * ones, nor those that try more with CI=true: these are long then, and say by their file what they left out.
 */
const TOGETHER = [/^server\/src\//, /^test\/[^/]+$/]
const MOST_TOGETHER = 8
const EXTENT = "/extent.ts'"

const THOROUGH = '--thorough'

const MEMORY_FOLDER = '/dev/shm'
/** Far more than the files of tests come to, with room for the memory of the tests themselves. */
const ENOUGH_BYTES = 4 * 2 ** 30

const CHECKS = [
  { what: 'format', tool: 'oxfmt', args: ['--check', '.'], remedy: 'npm run format' },
  { what: 'lint', tool: 'oxlint', args: ['--type-aware', '--deny-warnings'], remedy: undefined },
  { what: 'types', tool: 'typescript', args: ['--noEmit'], remedy: undefined },
  { what: 'types of the console', tool: 'typescript', args: ['--noEmit', '-p', 'console'], remedy: undefined },
]

const USAGE = `Usage: ./muster test [--thorough] [PATTERN…]

Everything that can be tested on this machine: format, lint and type checks, then every test. With patterns only the test
files whose path contains one of them, and no checks.

  --thorough   every kill, seed, round and look at a page, as with CI=true; otherwise what was tried less is listed
  --help       print this
`

const interruption = new AbortController()
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(name, () => interruption.abort(new Error(`Stopped by ${name}.`)))
}

try {
  process.exitCode = await main(process.argv.slice(2), process.env, interruption.signal)
} catch (error) {
  if (!interruption.signal.aborted) throw error
  process.exitCode = 130
}

async function main(args: readonly string[], env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<number> {
  if (args.includes('--help')) {
    process.stdout.write(USAGE)
    return 0
  }
  const patterns = args.filter((arg) => arg !== THOROUGH)
  const unknown = patterns.find((pattern) => pattern.startsWith('-'))
  if (unknown !== undefined) {
    process.stderr.write(`There is no option ${unknown}.\n\n${USAGE}`)
    return 1
  }
  const files = findTestFiles(patterns)
  if (files.length === 0) {
    process.stderr.write(`No test file's path contains ${patterns.join(' or ')}.\n`)
    return 1
  }

  const failedChecks: string[] = []
  if (patterns.length === 0) {
    for (const check of CHECKS) {
      if (!(await passes(check, signal))) failedChecks.push(check.what)
    }
    await compileServer()
  }

  const postgres = await providePostgres(env, signal)
  try {
    const url = postgres.kind === 'running' ? postgres.cluster.url : undefined
    using scratch = makeScratch(env)
    const outcome = await runTests({
      files: spread(patterns.length > 0 ? files : [...files.filter(isAlone), ...putTogether(files, scratch.path)]),
      env: {
        ...env,
        TMPDIR: scratch.path,
        MUSTER_TEST_POSTGRES_URL: url,
        ...(args.includes(THOROUGH) && { MUSTER_TEST_THOROUGH: 'true' }),
      },
      postgres,
      signal,
    })
    signal.throwIfAborted()

    const refused = env['CI'] === 'true' && outcome.untested > 0
    if (refused) process.stdout.write(`✖ CI=true: ${outcome.untested} skipped or unfinished tests count as failed.\n`)
    if (failedChecks.length > 0)
      process.stdout.write(`✖ failed checks: ${failedChecks.join(', ')} (see the beginning)\n`)
    return outcome.passed && !refused && failedChecks.length === 0 ? 0 : 1
  } finally {
    if (postgres.kind === 'running') await postgres.cluster.stop()
  }
}

/**
 * Fills the compile cache that the launcher has named. In a fresh clone the first tests would else begin with a dozen
 * processes that compile the same thousand modules at the same time.
 */
async function compileServer(): Promise<void> {
  await import('../server/src/cli/serve.ts')
  flushCompileCache()
}

/** Paths relative to the repository, of every workspace and of the flow tests in test/. */
function findTestFiles(patterns: readonly string[]): string[] {
  const files = globSync('*/**/*.test.ts', { cwd: ROOT, exclude: ['**/node_modules/**', '**/dist/**'] }).sort()
  if (patterns.length === 0) return files
  return files.filter((file) => patterns.some((pattern) => file.includes(pattern.replace(/^\.\//, ''))))
}

function isAlone(file: string): boolean {
  if (LONGEST.includes(file) || !TOGETHER.some((folder) => folder.test(file))) return true
  return readFileSync(join(ROOT, file), 'utf8').includes(EXTENT)
}

/** @returns files, made in `folder`, that each stand for some of the others; named by the folder of those */
function putTogether(files: readonly string[], folder: string): string[] {
  return TOGETHER.flatMap((pattern) => {
    const members = files.filter((file) => pattern.test(file) && !isAlone(file))
    const count = Math.ceil(members.length / MOST_TOGETHER)
    return Array.from({ length: count }, (_, place) => {
      const path = join(folder, dirname(members[0]!), `together-${place + 1}.test.mjs`)
      // One after the other; neighbours, which are alike, do not come into the same process.
      const imports = members
        .filter((_, index) => index % count === place)
        .map((file) => `await import(${JSON.stringify(pathToFileURL(join(ROOT, file)).href)})\n`)
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, imports.join(''))
      return relative(ROOT, path)
    })
  })
}

/** The long ones, each with as many of the others after it; flows and what starts processes first, quick ones last. */
function spread(files: readonly string[]): string[] {
  const long = LONGEST.filter((file) => files.includes(file))
  const rank = (file: string) => (/(?:^|\/)(?:test|tools)\//.test(file) ? 0 : /(?:^|\/)server\//.test(file) ? 1 : 2)
  const others = files.filter((file) => !long.includes(file)).toSorted((one, other) => rank(one) - rank(other))
  // The last long one is not the last of all.
  const between = Math.ceil(others.length / (long.length + 2))
  return [...long.flatMap((file) => [file, ...others.splice(0, between)]), ...others]
}

/**
 * Where tests put their files: in memory where there is plenty of it, since every commit of SQLite waits for the disk and
 * what is written there is removed a second later. Killing a process is the same either way: what it has written, the
 * system keeps. Only a power cut would be another matter, and no test can cut the power.
 */
function makeScratch(env: NodeJS.ProcessEnv): { readonly path: string } & Disposable {
  const isChosen = env['TMPDIR'] !== undefined && env['TMPDIR'] !== ''
  const path = mkdtempSync(join(!isChosen && hasRoom(MEMORY_FOLDER) ? MEMORY_FOLDER : tmpdir(), 'muster-'))
  chmodSync(path, 0o711) // programs that give up being root, such as Apache, look for their files in it
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

/** Tests also start scripts that they have written, which some systems forbid there. */
function hasRoom(folder: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(folder)
    if (Math.min(bavail * bsize, process.availableMemory()) < ENOUGH_BYTES) return false
    const mount = readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .findLast((line) => line.split(' ')[1] === folder)
    return mount !== undefined && !mount.split(' ')[3]!.split(',').includes('noexec')
  } catch {
    return false
  }
}

/** Runs a check of the whole tree; its findings go straight to the terminal. */
async function passes({ what, tool, args, remedy }: (typeof CHECKS)[number], signal: AbortSignal): Promise<boolean> {
  const child = spawn(process.execPath, [commandOf(tool), ...args], { cwd: ROOT, stdio: 'inherit', signal })
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code === 0) process.stdout.write(`✔ ${what}\n`)
  else process.stdout.write(`✖ ${what}${remedy === undefined ? '' : `: mend it with ${remedy}`}\n`)
  return code === 0
}

/** The script behind a package's only command. Started by our Node, since `#!/usr/bin/env node` may find an older one. */
function commandOf(tool: string): string {
  const folder = join(ROOT, 'node_modules', tool)
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { bin: Record<string, string> }
  const [script] = Object.values(bin)
  if (script === undefined) throw new Error(`The package ${tool} has no command.`)
  return join(folder, script)
}

async function providePostgres(env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<PostgresOutcome> {
  const url = env['MUSTER_TEST_POSTGRES_URL']
  if (url !== undefined && url !== '') {
    return { kind: 'running', cluster: { url, stop: async () => {} } }
  }
  const outcome = await startPostgres({ searchPath: env['PATH'] ?? '', signal })
  if (outcome.kind === 'running') await shareSchemas(outcome.cluster.url)
  return outcome
}

type Outcome = { passed: boolean; untested: number }

async function runTests(options: {
  files: readonly string[]
  env: NodeJS.ProcessEnv
  postgres: PostgresOutcome
  signal: AbortSignal
}): Promise<Outcome> {
  const { files, env, postgres, signal } = options
  const outcome: Outcome = { passed: false, untested: 0 }
  const untested = new Map<string, number>()
  const printed = new Map<string, string>()

  /** Watches the tests go by, and says what was not tested, or tried less, in front of the summary. */
  async function* watch(events: AsyncIterable<TestEvent>): AsyncGenerator<TestEvent> {
    for await (const event of events) {
      if (event.type === 'test:pass' || event.type === 'test:fail') {
        const reason = event.data.skip ?? event.data.todo
        if (reason !== undefined && reason !== false) {
          const why = `${event.data.skip === undefined ? 'to do' : 'skipped'}${reason === true ? '' : `: ${reason}`}`
          untested.set(why, (untested.get(why) ?? 0) + 1)
          outcome.untested++
        }
      }
      if (event.type === 'test:diagnostic' && isFirstLineOfSummary(event.data)) {
        const notes = [...describeShorter(printed), ...describeUntested(untested), ...describePostgres(postgres)]
        for (const message of notes) {
          yield { type: 'test:diagnostic', data: { ...event.data, message } }
        }
      }
      if (event.type === 'test:stdout') {
        const { file, message } = event.data
        printed.set(file, (printed.get(file) ?? '') + message)
        // Said once, at the end.
        const others = message.split('\n').filter((line) => shorterIn(line).length === 0)
        if (others.every((line) => line === '')) continue
      }
      if (event.type === 'test:summary' && event.data.file === undefined) outcome.passed = event.data.success
      yield event
    }
  }

  const tests = run({
    cwd: ROOT,
    files: files.map((file) => join(ROOT, file)),
    // One more than there are cores: the longest tests mostly wait, for leases of the dead to run out.
    concurrency: Math.max(2, availableParallelism()) + 1,
    execArgv: ['--import', pathToFileURL(join(import.meta.dirname, 'loopback-only.ts')).href],
    timeout: isThorough(env) ? THOROUGH_TIMEOUT_MS : FILE_TIMEOUT_MS,
    env,
    signal,
  })
  await pipeline(tests, watch, new spec(), process.stdout, { end: false })
  return outcome
}

function isFirstLineOfSummary(diagnostic: { message: string; nesting: number; file?: string }): boolean {
  return diagnostic.nesting === 0 && diagnostic.file === undefined && /^tests \d+$/.test(diagnostic.message)
}

/** By file, and how to have everything tried. */
function describeShorter(printed: ReadonlyMap<string, string>): string[] {
  const shorter = Array.from(printed, ([file, output]) => ({ file: relative(ROOT, file), tried: shorterIn(output) }))
    .filter(({ tried }) => tried.length > 0)
    .toSorted((one, other) => one.file.localeCompare(other.file))
  if (shorter.length === 0) return []
  return [
    ...shorter.map(({ file, tried }) => `shorter than in CI: ${file}: ${tried.join('; ')}`),
    `test files that tried less than in CI: ${shorter.length}; ./muster test ${THOROUGH} tries everything`,
  ]
}

function describeUntested(untested: ReadonlyMap<string, number>): string[] {
  return Array.from(untested, ([why, count]) => `not tested: ${count} × ${why}`)
}

function describePostgres(postgres: PostgresOutcome): string[] {
  return postgres.kind === 'running' ? [] : [`no PostgreSQL: ${postgres.reason} ${postgres.remedy}`]
}
