/**
 * Every boot setting: its name, what its value looks like, its default and what it is for. This table is the whole
 * truth: config.ts reads the environment by it, docs/reference/configuration.md is printed from it. Names are promises.
 * Knows nothing of where values come from.
 */
import { isIP, isIPv6 } from 'node:net'
import { domainToASCII } from 'node:url'

import type { Text } from './errors.ts'
import { Secret } from './secret.ts'

export type Parsed<T> = { value: T } | Complaint

/** Why a value cannot be used and what to write instead. Never contains the value of a secret. */
export interface Complaint {
  readonly problem: Text
  readonly remedy: Text
}

export interface Kind<T> {
  readonly form: Text
  parse(text: string): Parsed<T>
}

export interface Setting<T = unknown> {
  readonly name: string
  readonly kind: Kind<T>
  /** As one would write it. `{NAME}` stands for the value of a setting further up. */
  readonly default?: string
  /** What happens without a value, where that is not obvious. */
  readonly without?: Text
  readonly about: Text
  /** May also be given as NAME_FILE, the path of a file that holds it, and is masked when printed. */
  readonly secret?: true
  /** For a secret of which a part may be shown. */
  readonly mask?: (text: string) => string
  readonly testOnly?: true
}

export type Database =
  | { readonly kind: 'sqlite'; readonly file: string }
  | { readonly kind: 'postgres'; readonly url: Secret }

export type LogLevel = (typeof logLevels)[number]

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const

// ---- What values look like ------------------------------------------------------------------------------------------

const origin: Kind<string> = {
  form: { en: 'origin', zh: '源（协议、主机、端口）' },
  parse(text) {
    const url = httpUrl(text)
    if (url === undefined || url.pathname !== '/' || url.search !== '' || url.hash !== '') {
      return {
        problem: { en: `"${text}" is not an origin.`, zh: `“${text}”不是有效的源。` },
        remedy: {
          en: 'Write scheme, host and port only, as in https://muster.example.com, without a path.',
          zh: '只写协议、主机和端口，例如 https://muster.example.com，不带路径。',
        },
      }
    }
    return { value: url.origin }
  },
}

const webAddress: Kind<string> = {
  form: { en: 'URL', zh: '网址' },
  parse(text) {
    const url = httpUrl(text)
    if (url === undefined || url.search !== '' || url.hash !== '') {
      return {
        problem: { en: `"${text}" is not a web address.`, zh: `“${text}”不是有效的网址。` },
        remedy: {
          en: 'Write an address like https://muster.example.com/auth/wecom/callback, without ? and #.',
          zh: '请填写形如 https://muster.example.com/auth/wecom/callback 的地址，不带 ? 和 #。',
        },
      }
    }
    return { value: url.href }
  },
}

/** Addresses with a user name or password are refused everywhere: they would end up in logs and pages. */
function httpUrl(text: string): URL | undefined {
  const url = URL.parse(text)
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) return undefined
  return url.username === '' && url.password === '' ? url : undefined
}

const listenAddress: Kind<{ readonly host: string; readonly port: number }> = {
  form: { en: 'host:port', zh: '主机:端口' },
  parse(text) {
    const parts = /^(?:\[(?<six>[^\]]+)\]|(?<host>[A-Za-z0-9.-]+)):(?<port>\d{1,5})$/.exec(text)?.groups
    const port = Number(parts?.['port'])
    const six = parts?.['six']
    if (parts === undefined || port > 65_535 || (six !== undefined && !isIPv6(six))) {
      return {
        problem: { en: `"${text}" is not host:port.`, zh: `“${text}”不是“主机:端口”的格式。` },
        remedy: {
          en: 'Write an address and a port, as in 127.0.0.1:8080, 0.0.0.0:8080 or [::1]:8080; port 0 takes a free one.',
          zh: '请填写地址和端口，例如 127.0.0.1:8080、0.0.0.0:8080 或 [::1]:8080；端口 0 表示自动选择空闲端口。',
        },
      }
    }
    return { value: Object.freeze({ host: six ?? parts['host'] ?? '', port }) }
  },
}

const path: Kind<string> = {
  form: { en: 'path', zh: '路径' },
  parse(text) {
    if (text.includes('\0')) {
      return {
        problem: { en: 'The path contains a NUL character.', zh: '路径中含有 NUL 字符。' },
        remedy: { en: 'Write the path of a file or folder.', zh: '请填写文件或文件夹的路径。' },
      }
    }
    return { value: text }
  },
}

const database: Kind<Database> = {
  form: { en: '`sqlite:` and a path, or a `postgres://` URL', zh: '`sqlite:` 加路径，或 `postgres://` 网址' },
  parse(text) {
    const file = /^sqlite:(.+)$/.exec(text)?.[1]
    if (file !== undefined && !/^\/\/[^/]/.test(file)) {
      // sqlite:///srv/muster.db is what people write who know such addresses from elsewhere.
      return { value: Object.freeze({ kind: 'sqlite', file: file.replace(/^\/\/\//, '/') }) }
    }
    const url = URL.parse(text)
    if (url !== null && (url.protocol === 'postgres:' || url.protocol === 'postgresql:')) {
      return { value: Object.freeze({ kind: 'postgres', url: new Secret(text) }) }
    }
    return {
      problem: {
        en: 'The value is not a database address (it is not shown, because it may hold a password).',
        zh: '该值不是有效的数据库地址（其中可能含有密码，故不显示）。',
      },
      remedy: {
        en: 'Write sqlite: and a path, as in sqlite:/var/lib/muster/muster.db, or postgres://user:password@host:5432/database; special characters of the password are percent-encoded.',
        zh: '请填写 sqlite: 加路径，例如 sqlite:/var/lib/muster/muster.db，或 postgres://用户:密码@主机:5432/数据库；密码中的特殊字符须做百分号编码。',
      },
    }
  },
}

/** Keeps user, host and database readable: they are what one looks for when the wrong database is open. */
function maskDatabasePassword(text: string): string {
  const url = URL.parse(text)
  if (url === null || url.protocol === 'sqlite:') return text
  if (url.password !== '') url.password = 'MASKED'
  for (const name of ['password', 'sslpassword']) {
    if (url.searchParams.has(name)) url.searchParams.set(name, 'MASKED')
  }
  return url.href.replaceAll('MASKED', '[secret]') // an URL object would write the brackets as %5B and %5D
}

const masterKey: Kind<Secret> = {
  form: { en: '32 bytes in base64', zh: '32 字节，base64 编码' },
  parse(text) {
    if (!isMasterKey(text)) {
      return {
        problem: { en: 'The value is not 32 bytes in base64.', zh: '该值不是 32 字节的 base64 编码。' },
        remedy: {
          en: 'If secrets are stored already, give back the key they were stored with. For a new installation make one with: openssl rand -base64 32',
          zh: '如果已经存有密文，请填回当时使用的密钥。新安装可用以下命令生成：openssl rand -base64 32',
        },
      }
    }
    return { value: new Secret(text) }
  },
}

/** True for the standard base64 text of exactly 32 bytes, with padding and without anything else. */
export function isMasterKey(text: string): boolean {
  const bytes = Buffer.from(text, 'base64')
  return bytes.length === 32 && bytes.toString('base64') === text
}

const bearerToken: Kind<Secret> = {
  form: { en: 'at least 32 characters', zh: '至少 32 个字符' },
  parse(text) {
    if (!/^[\x21-\x7e]{32,}$/.test(text)) {
      return {
        problem: {
          en: 'The token is shorter than 32 characters, or has characters that an HTTP header cannot carry.',
          zh: '令牌不足 32 个字符，或含有 HTTP 请求头无法携带的字符。',
        },
        remedy: { en: 'Make one with: openssl rand -hex 32', zh: '可用以下命令生成：openssl rand -hex 32' },
      }
    }
    return { value: new Secret(text) }
  },
}

const secretText: Kind<Secret> = {
  form: { en: 'text', zh: '文本' },
  parse: (text) => ({ value: new Secret(text) }),
}

const identifier: Kind<string> = {
  form: { en: 'letters, digits, `_` and `-`', zh: '字母、数字、`_` 和 `-`' },
  parse(text) {
    if (!/^[\w-]{1,64}$/.test(text)) {
      return {
        problem: { en: `"${text}" is not an id as WeCom issues them.`, zh: `“${text}”不是企业微信签发的 ID 格式。` },
        remedy: {
          en: 'Copy the id from the WeCom console (My company, at the bottom).',
          zh: '请从企业微信管理后台复制（“我的企业”页面底部的企业 ID）。',
        },
      }
    }
    return { value: text }
  },
}

const addressRanges: Kind<readonly string[]> = {
  form: { en: 'addresses and CIDR ranges, separated by commas', zh: 'IP 地址或 CIDR 网段，用逗号分隔' },
  parse(text) {
    const ranges = listed(text)
    const wrong = ranges.filter((range) => !isAddressRange(range))
    if (wrong.length > 0) {
      return {
        problem: {
          en: `Neither an address nor a CIDR range: ${wrong.join(', ')}.`,
          zh: `既不是 IP 地址也不是 CIDR 网段：${wrong.join('、')}。`,
        },
        remedy: {
          en: 'List the addresses of your reverse proxies, as in 127.0.0.1,10.0.0.0/8,fd00::/8. Names are not resolved.',
          zh: '请列出反向代理的地址，例如 127.0.0.1,10.0.0.0/8,fd00::/8；不解析主机名。',
        },
      }
    }
    return { value: Object.freeze(ranges) }
  },
}

function isAddressRange(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/')
  const family = isIP(address)
  if (family === 0 || rest.length > 0) return false
  if (prefix === undefined) return true
  if (!/^\d{1,3}$/.test(prefix)) return false
  return Number(prefix) <= (family === 6 ? 128 : 32)
}

const mailDomains: Kind<readonly string[]> = {
  form: { en: 'domains, separated by commas', zh: '域名，用逗号分隔' },
  parse(text) {
    const domains = listed(text).map((domain) => domainToASCII(domain.replace(/^@/, '')) || domain)
    const wrong = domains.filter((domain) => !/^(?!-)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})*$/.test(domain))
    if (wrong.length > 0 || domains.length === 0) {
      return {
        problem: { en: `Not a list of domains: ${text}`, zh: `不是域名列表：${text}` },
        remedy: {
          en: 'Write domains without wildcards, as in corp.example,corp.cn.',
          zh: '请填写域名，不支持通配符，例如 corp.example,corp.cn。',
        },
      }
    }
    return { value: Object.freeze(domains) }
  },
}

function listed(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
}

const logLevel: Kind<LogLevel> = {
  form: {
    en: logLevels.map((level) => `\`${level}\``).join(', '),
    zh: logLevels.map((level) => `\`${level}\``).join('、'),
  },
  parse(text) {
    const level = logLevels.find((known) => known === text.toLowerCase())
    if (level === undefined) {
      return {
        problem: { en: `"${text}" is not a log level.`, zh: `“${text}”不是日志级别。` },
        remedy: { en: `Write one of ${logLevels.join(', ')}.`, zh: `请填写 ${logLevels.join('、')} 之一。` },
      }
    }
    return { value: level }
  },
}

function wholeNumber(minimum: number, maximum: number): Kind<number> {
  return {
    form: { en: `whole number, ${minimum} to ${maximum}`, zh: `整数，${minimum} 至 ${maximum}` },
    parse(text) {
      const value = Number(text)
      if (!/^\d{1,15}$/.test(text) || value < minimum || value > maximum) {
        return {
          problem: {
            en: `"${text}" is not a whole number from ${minimum} to ${maximum}.`,
            zh: `“${text}”不是 ${minimum} 至 ${maximum} 的整数。`,
          },
          remedy: { en: 'Write digits only, without a unit.', zh: '只写数字，不带单位。' },
        }
      }
      return { value }
    },
  }
}

const onlyOne: Kind<boolean> = {
  form: { en: '`1`', zh: '`1`' },
  parse(text) {
    if (text !== '1') {
      return {
        problem: { en: `"${text}" is not 1.`, zh: `该值“${text}”不是 1。` },
        remedy: { en: 'Write 1, or remove the setting.', zh: '请填写 1，或删除该设置。' },
      }
    }
    return { value: true }
  },
}

// ---- The table ------------------------------------------------------------------------------------------------------

export const settings = {
  configFile: {
    name: 'MUSTER_CONFIG',
    kind: path,
    about: {
      en: 'JSON file with settings of these names, for whoever prefers a file. The environment wins.',
      zh: 'JSON 文件，内含同名设置，供偏好配置文件者使用；环境变量优先。',
    },
  },
  publicUrl: {
    name: 'MUSTER_PUBLIC_URL',
    kind: origin,
    default: 'http://localhost:8080',
    about: {
      en: 'Origin of everything Muster prints or signs: links, redirect addresses, the OIDC issuer. Never taken from request headers.',
      zh: 'Muster 输出或签名的一切地址的源：链接、回调地址、OIDC issuer。从不取自请求头。',
    },
  },
  listen: {
    name: 'MUSTER_LISTEN',
    kind: listenAddress,
    default: '127.0.0.1:8080',
    about: { en: 'Where the HTTP server listens.', zh: 'HTTP 服务的监听地址。' },
  },
  dataDir: {
    name: 'MUSTER_DATA_DIR',
    kind: path,
    default: './data',
    about: {
      en: 'Folder for the database, the generated master key and the control socket.',
      zh: '存放数据库、自动生成的主密钥和控制套接字的文件夹。',
    },
  },
  database: {
    name: 'MUSTER_DATABASE_URL',
    kind: database,
    default: 'sqlite:{MUSTER_DATA_DIR}/muster.db',
    secret: true,
    mask: maskDatabasePassword,
    about: {
      en: 'SQLite for one process, PostgreSQL 15 or newer for several.',
      zh: '单进程用 SQLite，多进程用 PostgreSQL 15 或更高版本。',
    },
  },
  masterKey: {
    name: 'MUSTER_MASTER_KEY',
    kind: masterKey,
    without: {
      en: 'generated into `master.key` in the data directory',
      zh: '自动生成到数据目录的 `master.key`',
    },
    secret: true,
    about: {
      en: 'Seals the secrets in the database. Several processes on one PostgreSQL need the same one. Without it a backup cannot be used: keep a copy apart.',
      zh: '用于加密数据库中的机密。多个进程共用一个 PostgreSQL 时必须相同。没有它备份无法使用，请另行保存一份。',
    },
  },
  bootstrapToken: {
    name: 'MUSTER_BOOTSTRAP_TOKEN',
    kind: bearerToken,
    secret: true,
    about: {
      en: "Accepted as an owner's API token, for automation. Remove it when it is no longer needed.",
      zh: '可作为所有者的 API 令牌使用，供自动化初始化；不再需要时请移除。',
    },
  },
  trustedProxies: {
    name: 'MUSTER_TRUSTED_PROXIES',
    kind: addressRanges,
    about: {
      en: 'Reverse proxies whose forwarded headers are believed. Without it nobody is.',
      zh: '信任其转发请求头的反向代理。不设置则一律不信任。',
    },
  },
  logLevel: {
    name: 'MUSTER_LOG_LEVEL',
    kind: logLevel,
    default: 'info',
    about: { en: 'Least important level that is logged.', zh: '记录日志的最低级别。' },
  },
  wecomApiUrl: {
    name: 'MUSTER_WECOM_API_URL',
    kind: origin,
    default: 'https://qyapi.weixin.qq.com',
    about: {
      en: 'Host of `/cgi-bin/…`. These four exist for private deployments, proxies and the emulator; no API can change them.',
      zh: '`/cgi-bin/…` 所在主机。这四项用于私有化部署、代理和模拟器，任何 API 都不能修改。',
    },
  },
  wecomLoginUrl: {
    name: 'MUSTER_WECOM_LOGIN_URL',
    kind: origin,
    default: 'https://login.work.weixin.qq.com',
    about: { en: 'Host of `/wwlogin/sso/login`.', zh: '`/wwlogin/sso/login` 所在主机。' },
  },
  wecomOauthUrl: {
    name: 'MUSTER_WECOM_OAUTH_URL',
    kind: origin,
    default: 'https://open.weixin.qq.com',
    about: { en: 'Host of `/connect/oauth2/authorize`.', zh: '`/connect/oauth2/authorize` 所在主机。' },
  },
  wecomOpenUrl: {
    name: 'MUSTER_WECOM_OPEN_URL',
    kind: origin,
    default: 'https://open.work.weixin.qq.com',
    about: {
      en: 'Host of `/wwopen/sso/…` and `/3rdapp/install`.',
      zh: '`/wwopen/sso/…` 与 `/3rdapp/install` 所在主机。',
    },
  },
  wecomBackoffMs: {
    name: 'MUSTER_WECOM_BACKOFF_MS',
    kind: wholeNumber(0, 3_600_000),
    default: '60000',
    about: {
      en: 'Longest first wait, in milliseconds, after WeCom answered 45009 (too many calls).',
      zh: '企业微信返回 45009（调用过频）后首次等待的最长毫秒数。',
    },
  },
  wecomCallsPerMinute: {
    name: 'MUSTER_WECOM_CALLS_PER_MINUTE',
    kind: wholeNumber(1, 1_000_000),
    default: '8000',
    about: {
      en: 'Calls to one WeCom interface of one company per minute, of all processes on one database together. The default is 80 % of what WeCom allows.',
      zh: '每个企业每个企业微信接口每分钟的最多调用次数，共用一个数据库的所有进程合计。默认为企业微信上限的 80%。',
    },
  },
  wecomCallTimeoutMs: {
    name: 'MUSTER_WECOM_CALL_TIMEOUT_MS',
    kind: wholeNumber(1, 600_000),
    default: '15000',
    about: { en: 'Longest time for one call to WeCom, in milliseconds.', zh: '单次调用企业微信的最长毫秒数。' },
  },
  runTimeoutMinutes: {
    name: 'MUSTER_RUN_TIMEOUT_MINUTES',
    kind: wholeNumber(1, 1_440),
    default: '60',
    about: { en: 'Longest time for one sync run, in minutes.', zh: '单次同步运行的最长分钟数。' },
  },
  wecomCorpId: {
    name: 'WECOM_CORP_ID',
    kind: identifier,
    about: {
      en: 'Together with the next two, creates and owns the self-built connection `wecom` in the default organization; its values are then read-only in the console.',
      zh: '与下面两项一起，在默认组织中创建并管理自建应用连接 `wecom`；其值在控制台中只读。',
    },
  },
  wecomCorpSecret: {
    name: 'WECOM_CORP_SECRET',
    kind: secretText,
    secret: true,
    about: { en: 'Secret of the app.', zh: '应用的 Secret。' },
  },
  wecomAgentId: {
    name: 'WECOM_AGENT_ID',
    kind: wholeNumber(1, 9_999_999_999),
    about: { en: 'AgentId of the app.', zh: '应用的 AgentId。' },
  },
  wecomRedirectUrl: {
    name: 'WECOM_REDIRECT_URL',
    kind: webAddress,
    default: '{MUSTER_PUBLIC_URL}/auth/wecom/callback',
    about: { en: 'Where WeCom sends people back after signing in.', zh: '登录后企业微信跳转回来的地址。' },
  },
  allowedDomains: {
    name: 'ALLOWED_DOMAINS',
    kind: mailDomains,
    about: {
      en: 'E-mail domains that new users of the connection `wecom` may have. Without it, any.',
      zh: '连接 `wecom` 的新用户允许使用的邮箱域名；不设置则不限制。',
    },
  },
  test: {
    name: 'MUSTER_TEST',
    kind: onlyOne,
    testOnly: true,
    about: { en: 'Allows the settings that only tests may use.', zh: '允许使用仅供测试的设置。' },
  },
  testClockFile: {
    name: 'MUSTER_TEST_CLOCK_FILE',
    kind: path,
    testOnly: true,
    about: {
      en: 'File with an offset in milliseconds that is added to the clock everywhere. Only with `MUSTER_TEST=1`.',
      zh: '内容为毫秒偏移量的文件，叠加到所有时钟。仅在 `MUSTER_TEST=1` 时可用。',
    },
  },
  testPostgresUrl: {
    name: 'MUSTER_TEST_POSTGRES_URL',
    kind: secretText,
    secret: true,
    mask: maskDatabasePassword,
    testOnly: true,
    about: {
      en: 'PostgreSQL in which `./muster test` and `./muster bench` may create and drop databases. The server ignores it.',
      zh: '供 `./muster test` 与 `./muster bench` 创建和删除数据库的 PostgreSQL。服务器忽略该设置。',
    },
  },
} satisfies Record<string, Setting>

export type SettingKey = keyof typeof settings

/** The parsed values, as the table types them: undefined where there is neither a value nor a default. */
export type Values = {
  [K in SettingKey]: (typeof settings)[K] extends { kind: Kind<infer T>; default: string }
    ? T
    : (typeof settings)[K] extends { kind: Kind<infer T> }
      ? T | undefined
      : never
}
