/**
 * Reads the boot settings (settings.ts) from the environment, secret files and the configuration file, checks them all
 * and reports every problem at once. Called once per command, by its entry; nothing else looks at the environment.
 */
import type { Text } from './errors.ts'
import { Secret } from './secret.ts'
import { settings } from './settings.ts'
import type { Complaint, Database, LogLevel, Setting, SettingKey, Values } from './settings.ts'

export type Config = {
  /** Origin, without a trailing slash. */
  readonly publicUrl: string
  /** Host without brackets; port 0 means a free one. */
  readonly listen: { readonly host: string; readonly port: number }
  readonly dataDir: string
  readonly database: Database
  /** 32 bytes in base64; undefined: see loadOrCreateMasterKey. */
  readonly masterKey: Secret | undefined
  readonly bootstrapToken: Secret | undefined
  /** Addresses and CIDR ranges. */
  readonly trustedProxies: readonly string[]
  readonly logLevel: LogLevel
  /** Origins of WeCom's hosts, and limits of calling them. */
  readonly wecom: {
    readonly apiUrl: string
    readonly loginUrl: string
    readonly oauthUrl: string
    readonly openUrl: string
    readonly backoffMs: number
    readonly callsPerMinute: number
    readonly callTimeoutMs: number
  }
  readonly runTimeoutMinutes: number
  readonly environmentConnection: EnvironmentConnection | undefined
  /** True with MUSTER_TEST=1; to be announced loudly. */
  readonly test: boolean
  readonly testClockFile: string | undefined
  readonly effective: readonly EffectiveSetting[]
}

/** The self-built connection `wecom` that the environment creates and owns (product.md §2.1). */
export type EnvironmentConnection = {
  readonly corpId: string
  readonly secret: Secret
  readonly agentId: number
  readonly redirectUrl: string
  /** Lower case, in ASCII; empty: any. */
  readonly allowedDomains: readonly string[]
}

export type EffectiveSetting = {
  readonly name: string
  /** As it was written; undefined: not set. Secret, because describeConfig alone decides what of it may be shown. */
  readonly text: Secret | undefined
  /** `environment`, `file NAME_FILE`, `MUSTER_CONFIG` or `default`. */
  readonly source: string
}

export type ConfigProblem = Complaint & { readonly name: string }

/** All problems of the configuration; the message is what to print, in English and Chinese. */
export class ConfigError extends Error {
  readonly problems: readonly ConfigProblem[]

  constructor(problems: readonly ConfigProblem[]) {
    const paragraphs = problems.map(
      ({ name, problem, remedy }) => `${name}\n  ${problem.en} ${remedy.en}\n  ${problem.zh}${remedy.zh}`,
    )
    const count = problems.length
    const title = `The configuration has ${count === 1 ? 'a problem' : `${count} problems`}. 配置有 ${count} 处问题。`
    super([title, ...paragraphs].join('\n\n'))
    this.name = 'ConfigError'
    this.problems = problems
  }
}

/**
 * @param env the environment; an empty value counts as not set, which is what `NAME=${NAME}` of a compose file yields
 * @param readFile reads a text file, throws when it cannot
 * @throws ConfigError with every problem there is
 */
export function loadConfig({
  env,
  readFile,
}: {
  env: Readonly<Record<string, string | undefined>>
  readFile: (path: string) => string
}): Config {
  const problems: ConfigProblem[] = []
  const report = (name: string, complaint: Complaint): void => void problems.push({ name, ...complaint })

  const configFile = env[settings.configFile.name]
  const file = configFile ? readConfigFile(configFile, readFile, report) : new Map<string, string>()
  refuseUnknownNames(
    Object.keys(env).filter((name) => env[name] !== ''),
    file,
    report,
  )

  const values: Partial<Record<SettingKey, unknown>> = {}
  const effective: EffectiveSetting[] = []
  const given = new Set<SettingKey>()
  const byName = new Map<string, unknown>()

  for (const [key, setting] of Object.entries(settings) as [SettingKey, Setting][]) {
    const found = find(setting, { env, file, readFile, report })
    if (found !== undefined) given.add(key)
    if (found === 'unusable') continue

    const text = found?.text ?? expand(setting.default, byName)
    effective.push({
      name: setting.name,
      text: text === undefined ? undefined : new Secret(text),
      source: found?.source ?? 'default',
    })
    if (text === undefined) continue

    const parsed = setting.kind.parse(text)
    if ('problem' in parsed) {
      report(setting.name, parsed)
    } else {
      values[key] = parsed.value
      byName.set(setting.name, parsed.value)
    }
  }
  for (const complaint of contradictions(given)) report(complaint.name, complaint)

  if (problems.length > 0) throw new ConfigError(problems)
  return assemble(values as Values, effective) // each setting was parsed by its own kind, or we have just thrown
}

/** What opens the database that is configured. */
export function databaseUrl({ database }: Pick<Config, 'database'>): string {
  return database.kind === 'sqlite' ? `sqlite:${database.file}` : database.url.reveal()
}

/** For `./muster config`: every setting, what it is and where it came from. Secrets, and passwords in addresses, are masked. */
export function describeConfig(config: Config): { name: string; value: string | null; source: string }[] {
  const byName = new Map<string, Setting>(Object.values(settings).map((setting) => [setting.name, setting]))
  return config.effective.map(({ name, text, source }) => {
    const setting = byName.get(name)
    if (text === undefined || setting === undefined) return { name, value: null, source }
    if (setting.mask !== undefined) return { name, value: setting.mask(text.reveal()), source }
    return { name, value: setting.secret ? String(text) : text.reveal(), source }
  })
}

type Report = (name: string, complaint: Complaint) => void

/** The text of a setting: from the environment, the file it names, the configuration file; or undefined. */
function find(
  setting: Setting,
  sources: {
    env: Readonly<Record<string, string | undefined>>
    file: ReadonlyMap<string, string>
    readFile: (path: string) => string
    report: Report
  },
): { text: string; source: string } | 'unusable' | undefined {
  const { env, file, readFile, report } = sources
  const text = env[setting.name] || undefined
  const fileName = `${setting.name}_FILE`
  const path = setting.secret ? env[fileName] || undefined : undefined

  if (text !== undefined && path !== undefined) {
    report(setting.name, {
      problem: {
        en: `Both ${setting.name} and ${fileName} are set.`,
        zh: `同时设置了 ${setting.name} 和 ${fileName}。`,
      },
      remedy: { en: 'Keep one of them.', zh: '请只保留其中一个。' },
    })
    return 'unusable'
  }
  if (text !== undefined) return { text, source: 'environment' }
  if (path !== undefined) {
    const content = attempt(() => readFile(path).replace(/\r?\n$/, ''))
    if (content.kind === 'done' && content.value !== '') return { text: content.value, source: `file ${fileName}` }
    report(fileName, unreadable(path, content.kind === 'done' ? 'it is empty' : content.reason))
    return 'unusable'
  }
  const configured = file.get(setting.name)
  return configured === undefined ? undefined : { text: configured, source: settings.configFile.name }
}

/** Puts the values of other settings into a default; undefined when one of them is not usable, which is reported already. */
function expand(template: string | undefined, byName: ReadonlyMap<string, unknown>): string | undefined {
  if (template === undefined) return undefined
  const needed = Array.from(template.matchAll(/\{(\w+)\}/g), ([, name = '']) => name)
  if (needed.some((name) => !byName.has(name))) return undefined
  return template.replaceAll(/\{(\w+)\}/g, (_, name: string) => String(byName.get(name)))
}

/** The configuration file as text by name. Numbers, true and lists of texts are taken as one would write them in the environment. */
function readConfigFile(path: string, readFile: (path: string) => string, report: Report): Map<string, string> {
  const name = settings.configFile.name
  const content = attempt(() => readFile(path))
  if (content.kind === 'failed') {
    report(name, unreadable(path, content.reason))
    return new Map()
  }
  const json = attempt((): unknown => JSON.parse(content.value))
  if (json.kind === 'failed' || typeof json.value !== 'object' || json.value === null || Array.isArray(json.value)) {
    report(name, {
      problem: { en: `The file ${path} is not a JSON object.`, zh: `文件 ${path} 不是 JSON 对象。` },
      remedy: {
        en: 'Write one object, as in {"MUSTER_LISTEN": "0.0.0.0:8080"}.',
        zh: '请写成一个对象，例如 {"MUSTER_LISTEN": "0.0.0.0:8080"}。',
      },
    })
    return new Map()
  }
  const texts = new Map<string, string>()
  for (const [key, value] of Object.entries(json.value) as [string, unknown][]) {
    const text = toText(value)
    if (text === undefined) {
      report(key, {
        problem: {
          en: `Its value in ${path} is neither text nor a number nor a list of texts.`,
          zh: `${path} 中该项的值不是文本、数字或文本列表。`,
        },
        remedy: { en: 'Write the value as text in quotation marks.', zh: '请用引号写成文本。' },
      })
    } else if (text !== '') {
      texts.set(key, text)
    }
  }
  return texts
}

function toText(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (typeof value === 'number') return String(value)
  if (value === true) return '1'
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value.join(',')
  return undefined
}

function unreadable(path: string, reason: string): Complaint {
  return {
    problem: { en: `The file ${path} cannot be used: ${reason}.`, zh: `无法使用文件 ${path}：${reason}。` },
    remedy: {
      en: 'Name a file that exists, has content and that this user may read.',
      zh: '请指定一个存在、非空且当前用户可读的文件。',
    },
  }
}

/** A misspelt name would otherwise be a setting that silently does nothing. Other programs' variables are not our business. */
function refuseUnknownNames(
  environmentNames: readonly string[],
  file: ReadonlyMap<string, string>,
  report: Report,
): void {
  const all: Setting[] = Object.values(settings)
  const names = new Set(all.map((setting) => setting.name))
  const fileNames = new Set(all.filter((setting) => setting.secret).map((setting) => `${setting.name}_FILE`))

  for (const name of environmentNames) {
    if (name.startsWith('MUSTER_') && !names.has(name) && !fileNames.has(name))
      report(name, unknownName(name, [...names, ...fileNames]))
  }
  for (const name of file.keys()) {
    if (!names.has(name) || name === settings.configFile.name) report(name, unknownName(name, [...names]))
  }
}

function unknownName(name: string, known: readonly string[]): Complaint {
  const problem: Text = { en: 'There is no setting of this name.', zh: '没有这个名称的设置。' }
  const plain = name.replace(/_FILE$/, '')
  if (plain !== name && known.includes(plain)) {
    return {
      problem,
      remedy: {
        en: `Only secrets can be read from a file: set ${plain}.`,
        zh: `只有机密可以从文件读取，请设置 ${plain}。`,
      },
    }
  }
  const closest = known.toSorted((a, b) => editDistance(name, a) - editDistance(name, b))[0] ?? ''
  if (editDistance(name, closest) <= 4) {
    return { problem, remedy: { en: `Did you mean ${closest}?`, zh: `您是否想写 ${closest}？` } }
  }
  return {
    problem,
    remedy: {
      en: 'Remove it, or see docs/reference/configuration.md.',
      zh: '请删除，或参阅 docs/reference/configuration.md。',
    },
  }
}

/** Levenshtein's: how many letters to insert, delete or replace. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (const [i, letter] of Array.from(a).entries()) {
    const next = [i + 1]
    for (let j = 0; j < b.length; j++) {
      const replaced = (row[j] ?? 0) + (letter === b[j] ? 0 : 1)
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}

const ENVIRONMENT_CONNECTION = ['wecomCorpId', 'wecomCorpSecret', 'wecomAgentId'] as const

/** What is wrong with settings that are fine one by one. */
function contradictions(given: ReadonlySet<SettingKey>): ConfigProblem[] {
  const found: ConfigProblem[] = []

  if (given.has('testClockFile') && !given.has('test')) {
    found.push({
      name: settings.testClockFile.name,
      problem: {
        en: 'It moves the clock, expiry included, and is for tests only.',
        zh: '它会改变时钟（包括有效期），仅供测试使用。',
      },
      remedy: { en: 'Remove it, or set MUSTER_TEST=1 in a test.', zh: '请删除；若是测试，请设置 MUSTER_TEST=1。' },
    })
  }

  // A lone ALLOWED_DOMAINS counts too: whoever sets it believes that sign-in is limited by it.
  const anyOfConnection = [...ENVIRONMENT_CONNECTION, 'wecomRedirectUrl', 'allowedDomains'] as const
  if (anyOfConnection.some((key) => given.has(key))) {
    for (const key of ENVIRONMENT_CONNECTION.filter((key) => !given.has(key))) {
      found.push({
        name: settings[key].name,
        problem: {
          en: 'It is missing, while others of the connection are set.',
          zh: '缺少该项，而同一连接的其他项已设置。',
        },
        remedy: {
          en: `Set ${ENVIRONMENT_CONNECTION.map((key) => settings[key].name).join(', ')} together, or remove all WECOM_… settings and ALLOWED_DOMAINS and configure the connection in the console.`,
          zh: `请同时设置 ${ENVIRONMENT_CONNECTION.map((key) => settings[key].name).join('、')}，或删除全部 WECOM_… 与 ALLOWED_DOMAINS 设置并在控制台中配置连接。`,
        },
      })
    }
  }
  return found
}

function assemble(values: Values, effective: readonly EffectiveSetting[]): Config {
  const { wecomCorpId: corpId, wecomCorpSecret: secret, wecomAgentId: agentId } = values
  const isConnected = corpId !== undefined && secret !== undefined && agentId !== undefined
  return Object.freeze({
    publicUrl: values.publicUrl,
    listen: values.listen,
    dataDir: values.dataDir,
    database: values.database,
    masterKey: values.masterKey,
    bootstrapToken: values.bootstrapToken,
    trustedProxies: values.trustedProxies ?? Object.freeze([]),
    logLevel: values.logLevel,
    wecom: Object.freeze({
      apiUrl: values.wecomApiUrl,
      loginUrl: values.wecomLoginUrl,
      oauthUrl: values.wecomOauthUrl,
      openUrl: values.wecomOpenUrl,
      backoffMs: values.wecomBackoffMs,
      callsPerMinute: values.wecomCallsPerMinute,
      callTimeoutMs: values.wecomCallTimeoutMs,
    }),
    runTimeoutMinutes: values.runTimeoutMinutes,
    environmentConnection: isConnected
      ? Object.freeze({
          corpId,
          secret,
          agentId,
          redirectUrl: values.wecomRedirectUrl,
          allowedDomains: values.allowedDomains ?? Object.freeze([]),
        })
      : undefined,
    test: values.test ?? false,
    testClockFile: values.testClockFile,
    effective: Object.freeze(effective),
  })
}

type Attempt<T> = { kind: 'done'; value: T } | { kind: 'failed'; reason: string }

function attempt<T>(action: () => T): Attempt<T> {
  try {
    return { kind: 'done', value: action() }
  } catch (error) {
    return { kind: 'failed', reason: error instanceof Error ? error.message : String(error) }
  }
}
