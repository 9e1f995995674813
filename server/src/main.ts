/** The entry of `./muster`: finds the command, prints what went wrong in plain words, sets the exit code. */
import { ApiProblem } from '@muster/contracts'
import { AppError, errorTable } from './errors.ts'
import { ConfigError } from './config.ts'
import { VaultError } from './vault.ts'
import { UsageError } from './cli/terminal.ts'

interface Command {
  readonly usage: string
  readonly summary: string
  /** @returns the exit code */
  readonly run: (args: string[]) => Promise<number>
}

const commands: Record<string, Command> = {
  demo: {
    usage: 'demo [--people N] [--port P] [--provider] [--once] [--json]',
    summary: 'an emulated WeCom company, a server, a full sync: try it without WeCom',
    run: async (args) => (await import('./cli/demo.ts')).demo(args),
  },
  serve: {
    usage: 'serve',
    summary: 'the server',
    run: async (args) => (await import('./cli/serve.ts')).serve(args),
  },
  sync: {
    usage: 'sync CONNECTION [--preview] [--approve-held] [--json]',
    summary: 'run directory sync now; exit code 0 succeeded, 3 partially, 4 held, 1 failed',
    run: async (args) => (await import('./cli/sync.ts')).sync(args),
  },
  doctor: {
    usage: 'doctor CONNECTION [--json]',
    summary: 'test a connection to WeCom and say what to mend; exit code 1 when a check failed',
    run: async (args) => (await import('./cli/doctor.ts')).doctor(args),
  },
  explain: {
    usage: 'explain CONNECTION USERID [--json]',
    summary: 'what the next run does with one member of WeCom, and why; writes nothing',
    run: async (args) => (await import('./cli/explain.ts')).explain(args),
  },
  timeline: {
    usage: 'timeline USER [--limit N] [--json]',
    summary: 'what happened to one user, newest first; USER is a login name or an id (usr_…)',
    run: async (args) => (await import('./cli/timeline.ts')).timeline(args),
  },
  reviews: {
    usage: 'reviews [CONNECTION] [--all] [--json] | reviews --resolve ID (--link USER | --create | --ignore) [--json]',
    summary: 'the members about whom sync is not sure, and your decision about one of them',
    run: async (args) => (await import('./cli/reviews.ts')).reviews(args),
  },
  revert: {
    usage: 'revert RUN [--user USER] [--preview] [--json]',
    summary: 'take back what a run did, or what it did to one person; exit codes as of sync',
    run: async (args) => (await import('./cli/revert.ts')).revert(args),
  },
  admin: {
    usage: 'admin create | reset-password | token NAME [--role owner|operator|auditor] [--password-stdin] [--json]',
    summary: 'a local administrator, a new password for a user, or an API token',
    run: async (args) => (await import('./cli/admin.ts')).admin(args),
  },
  backup: {
    usage: 'backup FILE [--force] [--json]',
    summary: 'everything in the database, as it is at one moment, into one file; also while the server runs',
    run: async (args) => (await import('./cli/backup.ts')).backup(args),
  },
  restore: {
    usage: 'restore FILE [--replace] [--json]',
    summary: 'puts a backup in the place of the database; no server may be running',
    run: async (args) => (await import('./cli/restore.ts')).restore(args),
  },
  'copy-database': {
    usage: 'copy-database --to URL [--json]',
    summary: 'copies the database into an empty one, as from SQLite to PostgreSQL; no server may be running',
    run: async (args) => (await import('./cli/copy-database.ts')).copyDatabase(args),
  },
  'rotate-signing-keys': {
    usage: 'rotate-signing-keys [--now | --withdraw] [--json]',
    summary: 'the next key signs ID tokens from now on; by itself every 90 days',
    run: async (args) => (await import('./cli/rotate-signing-keys.ts')).rotateKeys(args),
  },
  config: {
    usage: 'config [--json]',
    summary: 'the effective configuration, secrets masked, and where each value came from',
    run: async (args) => (await import('./cli/config.ts')).config(args),
  },
}

/** Run by the launcher itself, from other packages. */
const elsewhere = [
  {
    usage: 'emulator [--people N] [--companies N] [--provider] [--port P] [--control-port P] …',
    summary: 'the WeCom emulator alone; --help has the rest',
  },
  {
    usage: 'sample-app',
    summary: 'a sample application to sign in to; examples/sample-app/README.md says what it needs',
  },
  { usage: 'test [PATTERN…]', summary: 'everything that can be tested on this machine' },
  { usage: 'bench [sync|signin|console|events]', summary: 'the benchmarks; --help says what each compares' },
]

async function main([name, ...args]: string[]): Promise<number> {
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    process.stdout.write(help())
    return 0
  }
  const command = commands[name]
  if (command === undefined) {
    process.stderr.write(`muster: there is no command "${name}".\n\n${help()}`)
    return 2
  }
  try {
    return await command.run(args)
  } catch (error) {
    process.stderr.write(`${explain(error, command)}\n`)
    return error instanceof UsageError ? 2 : 1
  }
}

function help(): string {
  const lines = [...Object.values(commands), ...elsewhere].map(
    ({ usage, summary }) => `  ./muster ${usage}\n      ${summary}`,
  )
  return `Muster keeps a company's user directory in step with WeCom (企业微信).\n\n${lines.join('\n')}\n`
}

function explain(error: unknown, command: Command): string {
  if (error instanceof UsageError) return `muster: ${error.message}\nUsage: ./muster ${command.usage}`
  if (error instanceof ConfigError || error instanceof VaultError) return error.message
  if (error instanceof ApiProblem) {
    const fields = error.fields.map(({ path, message }) => `  ${path}: ${message}`)
    const remedy = error.remedy === undefined ? [] : [`→ ${error.remedy}`]
    return [`muster: ${error.message}`, ...fields, ...remedy, `(${error.code})`].join('\n')
  }
  if (error instanceof AppError) {
    const { title, remedy } = errorTable[error.code]
    const detail = error.detail ?? title
    const advice = error.remedy ?? remedy
    // What the machine said, such as why a database did not answer.
    const cause = error.cause instanceof Error && error.cause.message !== '' ? `: ${error.cause.message}` : ''
    return `${detail.en}\n${detail.zh}\n→ ${advice.en}\n→ ${advice.zh}\n(${error.code}${cause})`
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

// What we write is for its owner: the database and its log, the master key, the socket.
process.umask(0o077)
// Whoever reads what we print may stop reading, as `head` does.
process.stdout.on('error', (error: Error & { code?: string }) => {
  if (error.code !== 'EPIPE') throw error
})
process.exitCode = await main(process.argv.slice(2))
