/** The launcher, in a miniature repository with a made-up npm that notes when it is called. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'

const DEADLINE_MS = 20_000

test('the first command installs, the second does not, and a changed lockfile installs again', async (t) => {
  const repository = createRepository(t)

  const first = await repository.run(['config'])
  const second = await repository.run(['config'])
  writeFileSync(join(repository.root, 'package-lock.json'), '{"changed": true}')
  const third = await repository.run(['config'])

  assert.deepEqual([first.code, second.code, third.code], [0, 0, 0])
  assert.match(first.stderr, /Installing the dependencies/)
  assert.equal(second.stderr, '')
  assert.equal(repository.installations(), 2)
})

test('standard output belongs to the command, also while installing', async (t) => {
  const repository = createRepository(t)

  const { stdout } = await repository.run(['config', '--json'])

  assert.deepEqual(JSON.parse(stdout).program, 'server/src/main.ts')
})

test('arguments arrive as they were given, and relative paths stay relative to the caller', async (t) => {
  const repository = createRepository(t)
  const folder = join(repository.root, 'some where')
  mkdirSync(folder)

  const { stdout } = await repository.run(['backup', 'a b', '', '*', '--json'], { cwd: folder })

  const seen = JSON.parse(stdout)
  assert.deepEqual(seen.args, ['backup', 'a b', '', '*', '--json'])
  assert.equal(seen.cwd, folder)
})

test('each command starts its program', async (t) => {
  const repository = createRepository(t)

  const table: [args: string[], program: string, passed: string[]][] = [
    [['test', 'vault'], 'tools/test.ts', ['vault']],
    [['bench'], 'tools/bench.ts', []],
    [['emulator', '--people', '12'], 'emulator/src/main.ts', ['--people', '12']],
    [['sample-app'], 'examples/sample-app/src/main.ts', []],
    [['--help'], 'server/src/main.ts', ['--help']],
    [[], 'server/src/main.ts', []],
  ]
  for (const [args, program, passed] of table) {
    const seen = JSON.parse((await repository.run(args)).stdout)
    assert.deepEqual([seen.program, seen.args], [program, passed])
  }
})

test('what serves the console does not start when it could not be built, and other commands do', async (t) => {
  const repository = createRepository(t)
  writeFileSync(join(repository.root, 'console/build.ts'), 'process.exit(1)')

  const served = await repository.run(['serve'])
  const synced = await repository.run(['sync', 'hq'])

  assert.deepEqual([served.code, served.stdout], [1, ''])
  assert.match(served.stderr, /The console could not be built/)
  assert.deepEqual(JSON.parse(synced.stdout).args, ['sync', 'hq'])
})

test('the repository is found through a symbolic link', async (t) => {
  const repository = createRepository(t)
  const link = join(repository.root, 'link')
  symlinkSync('muster', link)

  const { stdout } = await repository.run(['config'], { command: link, cwd: tmpdir() })

  assert.equal(JSON.parse(stdout).program, 'server/src/main.ts')
})

test(
  'an old Node on the PATH gives way to the one that the lockfile installs',
  { skip: process.platform === 'linux' ? false : 'the lockfile brings a Node for Linux only' },
  async (t) => {
    const repository = createRepository(t)
    repository.putOnPath('node', 'echo v20.20.2')

    const { stdout } = await repository.run(['config'])

    assert.match(JSON.parse(stdout).started, /node_modules\/node-linux-\w+\/bin\/node$/)
  },
)

test('a machine for which there is no Node is told what to install', async (t) => {
  const repository = createRepository(t)
  repository.putOnPath('node', 'echo v24.14.9')
  repository.putOnPath('uname', 'echo riscv64')

  const { code, stderr, stdout } = await repository.run(['config'])

  assert.equal(code, 1)
  assert.match(stderr, /needs Node\.js 24\.15 or newer/)
  assert.equal(stdout, '')
})

test('when npm fails nothing is started, and the next command tries again', async (t) => {
  const repository = createRepository(t)
  repository.putOnPath('npm', 'exit 7')

  const failed = await repository.run(['config'])
  repository.restoreNpm()
  const again = await repository.run(['config'])

  assert.equal(failed.code, 1)
  assert.match(failed.stderr, /npm ci failed/)
  assert.equal(failed.stdout, '')
  assert.equal(again.code, 0)
})

test('of two commands at once, one installs and the other waits for it', async (t) => {
  const repository = createRepository(t)
  repository.holdNpm()

  const first = repository.start(['config'])
  await until(() => repository.installations() === 1)
  const second = repository.start(['config'])
  await until(() => second.stderr.includes('Waiting for another ./muster'))
  repository.releaseNpm()

  assert.deepEqual([await first.exit, await second.exit], [0, 0])
  assert.equal(repository.installations(), 1)
})

test('a killed launcher leaves npm running: the next command waits for it, then installs by itself', async (t) => {
  const repository = createRepository(t)
  repository.holdNpm()
  const killed = repository.start(['config'])
  await until(() => repository.installations() === 1)
  killed.process.kill('SIGKILL')
  await once(killed.process, 'exit')

  const next = repository.start(['config'])
  await until(() => next.stderr.includes('Waiting for another ./muster'))
  repository.releaseNpm()

  assert.equal(await next.exit, 0)
  assert.equal(repository.installations(), 2)
  assert.equal(existsSync(join(repository.root, 'node_modules.lock')), false)
})

test('a signal during the installation ends it and leaves no lock', async (t) => {
  const repository = createRepository(t)
  repository.holdNpm()
  const stopped = repository.start(['config'])
  await until(() => repository.installations() === 1)

  stopped.process.kill('SIGTERM')

  assert.equal(await stopped.exit, 143)
  assert.equal(existsSync(join(repository.root, 'node_modules.lock')), false)
})

test('signals and exit codes are those of the command itself', async (t) => {
  const repository = createRepository(t)
  await repository.run(['config'])

  const serving = repository.start(['serve', '--until-sigterm'])
  await until(() => serving.stdout.includes('{'))
  const { pid } = JSON.parse(serving.stdout)
  serving.process.kill('SIGTERM')

  assert.equal(await serving.exit, 42)
  assert.equal(pid, serving.process.pid)
})

type Run = { process: ChildProcess; stdout: string; stderr: string; exit: Promise<number | null> }

const PROGRAMS = [
  'server/src/main.ts',
  'emulator/src/main.ts',
  'examples/sample-app/src/main.ts',
  'tools/test.ts',
  'tools/bench.ts',
]

/** Says how it was started; with --until-sigterm, ends on that signal with exit code 42. */
const PROGRAM = `
const [, file, ...args] = process.argv
const program = PROGRAMS.find((name) => file.endsWith(name))
if (args.includes('--until-sigterm')) {
  const alive = setInterval(() => {}, 1000)
  process.on('SIGTERM', () => { clearInterval(alive); process.exitCode = 42 })
}
// Last: whoever reads it may send the signal at once.
console.log(JSON.stringify({ program, args, cwd: process.cwd(), pid: process.pid, started: process.argv0 }))
`

function createRepository(t: TestContext) {
  const root = mkdtempSync(join(tmpdir(), 'muster-launcher-'))
  const bin = join(root, 'bin')
  const log = join(root, 'npm.log')
  const hold = join(root, 'hold')
  const started: ChildProcess[] = []
  t.after(() => {
    for (const child of started) child.kill('SIGKILL')
    rmSync(root, { recursive: true, force: true })
  })

  copyFileSync(join(import.meta.dirname, '../muster'), join(root, 'muster'))
  writeFileSync(join(root, 'package-lock.json'), '{}')
  for (const program of PROGRAMS) {
    mkdirSync(join(root, program, '..'), { recursive: true })
    writeFileSync(join(root, program), PROGRAM.replace('PROGRAMS', JSON.stringify(PROGRAMS)))
  }
  mkdirSync(join(root, 'console'))
  writeFileSync(join(root, 'console/build.ts'), '// Nothing to build.')
  mkdirSync(bin)
  symlinkSync(process.execPath, join(bin, 'node'))
  restoreNpm()

  function putOnPath(name: string, script: string): void {
    rmSync(join(bin, name), { force: true })
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  }

  /** Notes the call, waits while it is held, then does what npm ci does: empties the folder and fills it again. */
  function restoreNpm(): void {
    const folders = ['x64', 'arm64'].map((architecture) => `node_modules/node-linux-${architecture}/bin`)
    putOnPath(
      'npm',
      `echo "$@" >>'${log}'
while [ -e '${hold}' ]; do sleep 0.02; done
rm -rf node_modules
${folders.map((folder) => `mkdir -p ${folder} && ln -s '${process.execPath}' ${folder}/node`).join('\n')}
echo installed`,
    )
  }

  function start(args: readonly string[], options: { cwd?: string; command?: string } = {}): Run {
    const child = spawn(options.command ?? join(root, 'muster'), args, {
      cwd: options.cwd ?? root,
      env: { PATH: `${bin}:/usr/bin:/bin` },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    started.push(child)
    const exit = once(child, 'close').then(([code]) => code as number | null)
    const run: Run = { process: child, stdout: '', stderr: '', exit }
    child.stdout.setEncoding('utf8').on('data', (text: string) => (run.stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (run.stderr += text))
    return run
  }

  return {
    root,
    putOnPath,
    restoreNpm,
    start,
    installations: () => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n').length : 0),
    holdNpm: () => writeFileSync(hold, ''),
    releaseNpm: () => rmSync(hold),
    async run(args: readonly string[], options: { cwd?: string; command?: string } = {}) {
      const run = start(args, options)
      const code = await run.exit
      return { code, stdout: run.stdout, stderr: run.stderr }
    },
  }
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS
  while (!condition()) {
    assert.ok(performance.now() < deadline, `Waited ${DEADLINE_MS} ms for ${condition.toString()}`)
    await delay(10)
  }
}
