/** The entry of `./muster`: finds the command, prints what went wrong in plain words, sets the exit code. */
import type { Text } from './errors.ts'
import { printable, terminalLanguage, UsageError } from './cli/terminal.ts'
import { whatWentWrong } from './cli/what-went-wrong.ts'

interface Described {
  readonly usage: string
  readonly summary: Text
}

interface Command extends Described {
  /** @returns the exit code */
  readonly run: (args: string[]) => Promise<number>
}

const commands: Record<string, Command> = {
  demo: {
    usage: 'demo [--people N] [--port P] [--provider] [--once] [--json]',
    summary: {
      en: 'an emulated WeCom company, a server, a full sync: try it without WeCom',
      zh: '一家模拟企业、一个服务、一次全量同步：没有企业微信也能试用',
    },
    run: async (args) => (await import('./cli/demo.ts')).demo(args),
  },
  serve: {
    usage: 'serve',
    summary: { en: 'the server', zh: '启动服务' },
    run: async (args) => (await import('./cli/serve.ts')).serve(args),
  },
  sync: {
    usage: 'sync CONNECTION [--preview] [--approve-held] [--json]',
    summary: {
      en: 'run directory sync now; exit code 0 succeeded, 3 partially, 4 held, 1 failed',
      zh: '立即同步通讯录；退出码 0 成功，3 部分成功，4 等待审批，1 失败',
    },
    run: async (args) => (await import('./cli/sync.ts')).sync(args),
  },
  doctor: {
    usage: 'doctor CONNECTION [--json]',
    summary: {
      en: 'test a connection to WeCom and say what to mend; exit code 1 when a check failed',
      zh: '检查与企业微信的连接，并说明怎么解决；有检查未通过时退出码为 1',
    },
    run: async (args) => (await import('./cli/doctor.ts')).doctor(args),
  },
  explain: {
    usage: 'explain CONNECTION USERID [--json]',
    summary: {
      en: 'what the next run does with one member of WeCom, and why; writes nothing',
      zh: '下一次同步会怎样处理一位成员，为什么；不写入任何内容',
    },
    run: async (args) => (await import('./cli/explain.ts')).explain(args),
  },
  timeline: {
    usage: 'timeline USER [--limit N] [--json]',
    summary: {
      en: 'what happened to one user, newest first; USER is a login name or an id (usr_…)',
      zh: '一位用户发生过什么，最新的在前；USER 是登录名或 id（usr_…）',
    },
    run: async (args) => (await import('./cli/timeline.ts')).timeline(args),
  },
  reviews: {
    usage: 'reviews [CONNECTION] [--all] [--json] | reviews --resolve ID (--link USER | --create | --ignore) [--json]',
    summary: {
      en: 'the members about whom sync is not sure, and your decision about one of them',
      zh: '同步拿不准的成员，以及您对其中一位的决定',
    },
    run: async (args) => (await import('./cli/reviews.ts')).reviews(args),
  },
  revert: {
    usage: 'revert RUN [--user USER] [--preview] [--json]',
    summary: {
      en: 'take back what a run did, or what it did to one person; exit codes as of sync',
      zh: '撤销一次同步所做的更改，或只撤销对某个人的更改；退出码与 sync 相同',
    },
    run: async (args) => (await import('./cli/revert.ts')).revert(args),
  },
  admin: {
    usage: 'admin create | reset-password | token NAME [--role owner|operator|auditor] [--password-stdin] [--json]',
    summary: {
      en: 'a local administrator, a new password for a user, or an API token',
      zh: '创建本地管理员、为用户设置新密码，或创建 API 令牌',
    },
    run: async (args) => (await import('./cli/admin.ts')).admin(args),
  },
  backup: {
    usage: 'backup FILE [--force] [--json]',
    summary: {
      en: 'everything in the database, as it is at one moment, into one file; also while the server runs',
      zh: '把数据库某一时刻的全部内容写入一个文件；服务运行时也可以',
    },
    run: async (args) => (await import('./cli/backup.ts')).backup(args),
  },
  restore: {
    usage: 'restore FILE [--replace] [--json]',
    summary: {
      en: 'puts a backup in the place of the database; no server may be running',
      zh: '用备份替换数据库；服务不能在运行',
    },
    run: async (args) => (await import('./cli/restore.ts')).restore(args),
  },
  'copy-database': {
    usage: 'copy-database --to URL [--json]',
    summary: {
      en: 'copies the database into an empty one, as from SQLite to PostgreSQL; no server may be running',
      zh: '把数据库复制到一个空库，例如从 SQLite 到 PostgreSQL；服务不能在运行',
    },
    run: async (args) => (await import('./cli/copy-database.ts')).copyDatabase(args),
  },
  'rotate-signing-keys': {
    usage: 'rotate-signing-keys [--now | --withdraw] [--json]',
    summary: {
      en: 'the next key signs ID tokens from now on; by itself every 90 days',
      zh: '从现在起用下一把密钥签发 ID 令牌；平时每 90 天自动轮换',
    },
    run: async (args) => (await import('./cli/rotate-signing-keys.ts')).rotateKeys(args),
  },
  config: {
    usage: 'config [--json]',
    summary: {
      en: 'the effective configuration, secrets masked, and where each value came from',
      zh: '当前生效的配置（机密已遮盖），以及每个值的来源',
    },
    run: async (args) => (await import('./cli/config.ts')).config(args),
  },
}

/** Run by the launcher itself, from other packages. */
const elsewhere: Record<string, Described> = {
  emulator: {
    usage: 'emulator [--people N] [--companies N] [--provider] [--port P] [--control-port P] …',
    summary: { en: 'the WeCom emulator alone; --help has the rest', zh: '单独运行企业微信模拟器；其余选项见 --help' },
  },
  'sample-app': {
    usage: 'sample-app',
    summary: {
      en: 'a sample application to sign in to; examples/sample-app/README.md says what it needs',
      zh: '用来试登录的示例应用；所需设置见 examples/sample-app/README.md',
    },
  },
  test: {
    usage: 'test [PATTERN…]',
    summary: { en: 'everything that can be tested on this machine', zh: '把本机能测的全部测一遍' },
  },
  bench: {
    usage: 'bench [sync|signin|console|events]',
    summary: { en: 'the benchmarks; --help says what each compares', zh: '性能基准；--help 说明每一项比较什么' },
  },
}

async function main([name, ...args]: string[]): Promise<number> {
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    const asked = args[0] === undefined ? undefined : (commands[args[0]] ?? elsewhere[args[0]])
    process.stdout.write(asked === undefined ? help() : aboutCommand(asked))
    return 0
  }
  const command = commands[name]
  if (command === undefined) {
    process.stderr.write(`${NO_COMMAND[terminalLanguage()](name)}\n\n${help()}`)
    return 2
  }
  if (asksForHelp(args)) {
    process.stdout.write(aboutCommand(command))
    return 0
  }
  try {
    return await command.run(args)
  } catch (error) {
    process.stderr.write(`${whatWentWrong(error, command.usage)}\n`)
    return error instanceof UsageError ? 2 : 1
  }
}

/** Behind `--` stand names that only look like options. */
function asksForHelp(args: string[]): boolean {
  const end = args.indexOf('--')
  return args.slice(0, end === -1 ? undefined : end).some((argument) => argument === '--help' || argument === '-h')
}

function help(): string {
  const language = terminalLanguage()
  const lines = [...Object.values(commands), ...Object.values(elsewhere)].map(
    ({ usage, summary }) => `  ./muster ${usage}\n      ${summary[language]}`,
  )
  return `${PURPOSE[language]}\n\n${lines.join('\n')}\n`
}

function aboutCommand({ usage, summary }: Described): string {
  return `Usage: ./muster ${usage}\n\n${summary[terminalLanguage()]}\n`
}

const PURPOSE = {
  en: "Muster keeps a company's user directory in step with WeCom (企业微信).",
  zh: 'Muster 让企业的用户目录与企业微信保持一致。',
}

const NO_COMMAND = {
  en: (name: string) => `muster: there is no command "${printable(name)}".`,
  zh: (name: string) => `muster：没有“${printable(name)}”这个命令。`,
}

// What we write is for its owner: the database and its log, the master key, the socket.
process.umask(0o077)
// Whoever reads what we print may stop reading, as `head` does.
process.stdout.on('error', (error: Error & { code?: string }) => {
  if (error.code !== 'EPIPE') throw error
})
process.exitCode = await main(process.argv.slice(2))
