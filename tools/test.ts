/**
 * `./muster test [PATTERN…]`: everything that can be tested on this machine. Without a pattern: format, lint and type
 * checks, then every *.test.ts. With patterns: only the test files whose path contains one of them, and no checks.
 *
 * Brings a PostgreSQL where one is installed. What could not be tested is listed just before Node's own summary; with
 * CI=true an untested test is a failed one. Exit code 0 only if all that was asked for ran and passed.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import type { TestEvent } from 'node:test/reporters'
import { pathToFileURL } from 'node:url'

import { startPostgres } from './postgres.ts'
import type { PostgresOutcome } from './postgres.ts'

const ROOT = join(import.meta.dirname, '..')

/** For one test. Long, because some sync a large company; finite, so that a test that hangs does not hang CI. */
const TEST_TIMEOUT_MS = 10 * 60_000

const CHECKS = [
  { what: 'format', tool: 'oxfmt', args: ['--check', '.'], remedy: 'npm run format' },
  { what: 'lint', tool: 'oxlint', args: ['--type-aware', '--deny-warnings'], remedy: undefined },
  { what: 'types', tool: 'typescript', args: ['--noEmit'], remedy: undefined },
]

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

async function main(patterns: readonly string[], env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<number> {
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
  }

  const postgres = await providePostgres(env, signal)
  try {
    const url = postgres.kind === 'running' ? postgres.cluster.url : undefined
    const outcome = await runTests({ files, env: { ...env, MUSTER_TEST_POSTGRES_URL: url }, postgres, signal })
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

/** Paths relative to the repository, of every workspace and of the flow tests in test/. */
function findTestFiles(patterns: readonly string[]): string[] {
  const files = globSync('*/**/*.test.ts', { cwd: ROOT, exclude: ['**/node_modules/**', '**/dist/**'] }).sort()
  if (patterns.length === 0) return files
  return files.filter((file) => patterns.some((pattern) => file.includes(pattern.replace(/^\.\//, ''))))
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
  return startPostgres({ searchPath: env['PATH'] ?? '', signal })
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

  /** Watches the tests go by, and says what was not tested in front of the summary. */
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
        for (const message of [...describeUntested(untested), ...describePostgres(postgres)]) {
          yield { type: 'test:diagnostic', data: { ...event.data, message } }
        }
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
    timeout: TEST_TIMEOUT_MS,
    env,
    signal,
  })
  await pipeline(tests, watch, new spec(), process.stdout, { end: false })
  return outcome
}

function isFirstLineOfSummary(diagnostic: { message: string; nesting: number; file?: string }): boolean {
  return diagnostic.nesting === 0 && diagnostic.file === undefined && /^tests \d+$/.test(diagnostic.message)
}

function describeUntested(untested: ReadonlyMap<string, number>): string[] {
  return Array.from(untested, ([why, count]) => `not tested: ${count} × ${why}`)
}

function describePostgres(postgres: PostgresOutcome): string[] {
  return postgres.kind === 'running' ? [] : [`no PostgreSQL: ${postgres.reason} ${postgres.remedy}`]
}
