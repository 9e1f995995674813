/**
 * Writes the pages of docs/reference that are printed from tables in the code:
 *
 *     node tools/generate-reference.ts            writes them
 *     node tools/generate-reference.ts --check    exit code 1 when one is out of date
 *
 * A page is a row in `pages`: its path and the function that prints it.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { endpoints } from '../contracts/src/index.ts'
import type { Endpoint, Representations } from '../contracts/src/index.ts'
import { errorTable } from '../server/src/errors.ts'
import { claimTable } from '../server/src/oidc/claims.ts'
import { settings } from '../server/src/settings.ts'
import type { Setting } from '../server/src/settings.ts'

const ROOT = join(import.meta.dirname, '..')

export const pages: readonly { path: string; print: () => string }[] = [
  { path: 'docs/reference/configuration.md', print: printConfiguration },
  { path: 'docs/reference/admin-api.md', print: printAdminApi },
  { path: 'docs/reference/errors.md', print: printErrors },
  { path: 'docs/reference/claims.md', print: printClaims },
]

/** The paths of pages that do not say what the code says. */
export function findOutdatedPages(): string[] {
  return pages
    .filter(({ path, print }) => {
      const file = join(ROOT, path)
      return !existsSync(file) || readFileSync(file, 'utf8') !== print()
    })
    .map(({ path }) => path)
}

// ---- configuration.md -----------------------------------------------------------------------------------------------

function printConfiguration(): string {
  const all: Setting[] = Object.values(settings)
  return `<!-- Printed by tools/generate-reference.ts from server/src/settings.ts. Change it there. -->

# Configuration 配置

Muster reads its boot settings from, in this order:

1. environment variables,
2. for secrets, the file named by \`NAME_FILE\` (its last line break does not count),
3. the JSON file named by \`MUSTER_CONFIG\`, an object with the same names,
4. the default.

An empty value counts as not set. An unknown \`MUSTER_…\` name is an error, and all problems are reported at once.
\`./muster config\` prints what is in force and where each value came from, with secrets masked. Relative paths are
relative to the directory Muster is started in. In a default, \`{NAME}\` stands for the value of that setting.

Muster 依次从以下来源读取启动设置：环境变量；机密还可由 \`NAME_FILE\` 指定的文件提供（末尾换行不计）；\`MUSTER_CONFIG\` 指定的
JSON 文件（同名对象）；默认值。空值视为未设置。未知的 \`MUSTER_…\` 名称会报错，所有问题一次列出。\`./muster config\`
显示当前生效的配置及其来源，机密已隐去。相对路径以启动 Muster 时所在目录为准。默认值中的 \`{NAME}\` 表示该设置的值。

${all
  .filter((setting) => !setting.testOnly)
  .map(printSetting)
  .join('\n')}
## For tests only 仅供测试

${all
  .filter((setting) => setting.testOnly)
  .map(printSetting)
  .join('\n')}`
}

function printSetting(setting: Setting): string {
  const { name, kind, about, secret } = setting
  const withoutValue = setting.without ?? { en: 'none', zh: '无' }
  const fallback =
    setting.default === undefined ? withoutValue : { en: `\`${setting.default}\``, zh: `\`${setting.default}\`` }
  return `### \`${name}\`

${about.en}<br>
${about.zh}

- Value: ${kind.form.en}${secret ? `; secret, also as \`${name}_FILE\`` : ''}. Default: ${fallback.en}.
- 值：${kind.form.zh}${secret ? `；机密，也可用 \`${name}_FILE\`` : ''}。默认值：${fallback.zh}。
`
}

// ---- errors.md ------------------------------------------------------------------------------------------------------

function printErrors(): string {
  const areas = Map.groupBy(Object.entries(errorTable), ([code]) => code.split('/')[0] ?? '')
  return `<!-- Printed by tools/generate-reference.ts from server/src/errors.ts. Change it there. -->

# Errors 错误码

Every refusal of the admin API, and every failure that a run or one of its changes keeps, has a permanent code. Programs
decide by the code and never by a text. Over HTTP an error is a problem document (RFC 9457,
\`application/problem+json\`) in the language of \`Accept-Language\`: \`title\` and \`remedy\` are the texts below unless
more is known, \`detail\` says what happened this time, \`requestId\` finds the request in the log, \`fields\` names what
was not accepted. For \`wecom/…\` the remedy usually names the page of WeCom's console.

管理 API 的每一次拒绝、同步及其变更记录中的每一处失败，都带有永久不变的错误码。程序应依据错误码判断，不要解析文字。HTTP
错误以 RFC 9457 格式返回，语言取自 \`Accept-Language\`：\`title\` 与 \`remedy\` 默认为下表文字，\`detail\` 说明本次情况，
\`requestId\` 可在日志中定位该请求，\`fields\` 列出未被接受的字段。\`wecom/…\` 的处理办法通常会指明企业微信管理后台的具体页面。

${Array.from(areas, ([area, entries]) => printErrorArea(area, entries)).join('\n')}`
}

function printErrorArea(area: string, entries: readonly (readonly [string, (typeof errorTable)[ErrorName]])[]): string {
  const rows = entries.map(([code, { status, title, remedy }]) => [
    `\`${code}\``,
    String(status),
    `${title.en}<br>${title.zh}`,
    `${remedy.en}<br>${remedy.zh}`,
  ])
  return `## ${area}

${table(['Code 错误码', 'Status 状态', 'What happened 含义', 'What to do 处理'], rows)}`
}

type ErrorName = keyof typeof errorTable

// ---- claims.md ------------------------------------------------------------------------------------------------------

function printClaims(): string {
  const rows = Object.entries(claimTable).map(([name, { scopes, about }]) => [
    `\`${name}\``,
    scopes.map((scope) => `\`${scope}\``).join(', '),
    `${about.en}<br>${about.zh}`,
  ])
  return `<!-- Printed by tools/generate-reference.ts from server/src/oidc/claims.ts. Change it there. -->

# Claims 声明

What an application is told about a person, by the scopes that it asks for: any one of those named releases the claim. A
claim that is not known is absent. Of each application, \`claims.scopes\` says what it may ask for besides \`openid\`; of
the rest it is told nothing, whatever it asks for. Without \`wecom\` there, \`profile\` comes without the identifiers of
WeCom. \`claims.groups\` says how its groups are written.

应用按其请求的 scope 获得以下声明；列出的任一 scope 即可。未知的声明不提供。每个应用的 \`claims.scopes\` 规定除 \`openid\`
外可以请求的范围，其余一概不提供。若其中没有 \`wecom\`，\`profile\` 也不含企业微信标识。\`claims.groups\` 规定群组的写法。

${table(['Claim 声明', 'Scope', 'What it is 含义'], rows)}
A path is \`/总部/研发中心\`, from the highest department that Muster can see; a slash or backslash inside a name has a
backslash before it. \`include\` keeps to the departments that it names and to those below them, for \`groups\` and for
\`departments\`.

路径形如 \`/总部/研发中心\`，从 Muster 可见的最高部门开始；名称中的斜杠和反斜杠前加反斜杠。\`include\` 只保留所列部门及其下级，
对 \`groups\` 和 \`departments\` 均有效。
`
}

// ---- admin-api.md ---------------------------------------------------------------------------------------------------

/** The part of JSON Schema that our schemas become. */
interface JsonSchema {
  readonly $ref?: string
  readonly $defs?: Readonly<Record<string, JsonSchema>>
  readonly type?: string | readonly string[]
  readonly format?: string
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly anyOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
  readonly items?: JsonSchema
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly default?: unknown
  readonly description?: string
  readonly examples?: readonly unknown[]
}

type Schema = NonNullable<Endpoint['body']>

function printAdminApi(): string {
  const all: readonly Endpoint[] = endpoints
  const objects = new Map<string, JsonSchema>()
  for (const endpoint of all) {
    for (const [name, schema] of Object.entries(answerOf(endpoint).$defs ?? {})) objects.set(name, schema)
  }
  const groups = Map.groupBy(all, ({ tag }) => tag)
  return `<!-- Printed by tools/generate-reference.ts from contracts/src. Change it there. -->

# Admin API

Paths are below \`/api/v1\`. The same as OpenAPI 3.1, with every pattern and limit, is answered by a running server at
\`/api/v1/openapi.json\`.

- **Who calls**: \`Authorization: Bearer <API token>\`; \`./muster admin token NAME --role ROLE\` makes one. A role includes
  the ones before it: auditor, operator, owner. Or the cookie of a session whose user has a role, on requests that a page
  of Muster itself makes: by \`Sec-Fetch-Site\`, else by \`Origin\`.
- **Confirmed**: whoever calls with a session must have signed in or confirmed it in the last ten minutes, else the answer
  is \`auth/confirm-first\`. Tokens need no confirmation.
- **Requests** are JSON, at most one megabyte. An unknown member is refused. A PATCH is a merge patch (RFC 7396): absent
  keeps, \`null\` clears, and puts a setting of a connection back to its default.
- **Answers** may grow members. Times are RFC 3339 in UTC.
- **Lists** answer \`{items, nextCursor, total}\`. Send \`nextCursor\` as \`cursor\` for the next page; it is null on the last.
- **Errors** are problem documents with a permanent code: [errors.md](errors.md).
- A connection may be named by its id or by its identifier.

A **bold** field has to be sent.

${Array.from(groups, ([tag, members]) => `## ${tag}\n\n${members.map(printEndpoint).join('\n')}`).join('\n')}
## Objects

${Array.from(objects, ([name, schema]) => printObject(name, schema)).join('\n')}`
}

function printEndpoint(endpoint: Endpoint): string {
  const { method, path, summary, description, role, confirm } = endpoint
  const [status] = Object.keys(endpoint.responses)
  return `### ${summary}

\`${method} ${path}\` · ${callersOf(role)}${confirm ? ', confirmed' : ''} · answers ${status}${describeAnswer(answerOf(endpoint))}
${description === undefined ? '' : `\n${description}\n`}${printFields('Query', endpoint.query)}${printFields('Body', endpoint.body)}`
}

function callersOf(role: Endpoint['role']): string {
  return role === null ? 'anybody' : role === 'any' ? 'whoever is signed in' : role
}

function describeAnswer(answer: JsonSchema): string {
  if (answer.properties?.['nextCursor'] !== undefined)
    return ` with a list of ${typeOf(answer.properties['items']?.items)}`
  if (answer.$ref === undefined && answer.properties === undefined) return ''
  return ` with ${typeOf(answer)}`
}

function printFields(title: string, schema: Schema | undefined): string {
  if (schema === undefined) return ''
  const rows = listFields(unwrap(toJsonSchema(schema, 'input')))
  return rows.length === 0 ? '' : `\n${table([title, 'Type', 'Default', ''], rows)}`
}

/** One row for each member, members of members included, by their dotted path. */
function listFields(schema: JsonSchema, path = ''): string[][] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, member]) => {
    const value = unwrap(member)
    const full = `${path}${name}`
    const isRequired = path === '' && schema.required?.includes(name) === true && member.default === undefined
    const about = member.description ?? value.description ?? ''
    const row = [
      isRequired ? `**\`${full}\`**` : `\`${full}\``,
      typeOf(member),
      member.default === undefined ? '' : `\`${JSON.stringify(member.default)}\``,
      about,
    ]
    if (value.properties !== undefined) return [row, ...listFields(value, `${full}.`)]
    if (value.items?.properties !== undefined) return [row, ...listFields(value.items, `${full}[].`)]
    return [row]
  })
}

function printObject(name: string, schema: JsonSchema): string {
  const example = schema.examples?.[0]
  return `### ${name}

${schema.description ?? ''}
${example === undefined ? '' : `\n\`\`\`json\n${JSON.stringify(example, null, 2)}\n\`\`\`\n`}
${table(
  ['Field', 'Type', ''],
  listFields(schema).map(([field = '', type = '', , about = '']) => [field.replaceAll('**', ''), type, about]),
)}`
}

function typeOf(schema: JsonSchema | undefined): string {
  if (schema === undefined) return 'anything'
  if (schema.$ref !== undefined) {
    const name = schema.$ref.slice(schema.$ref.lastIndexOf('/') + 1)
    return `[${name}](#${name.toLowerCase()})`
  }
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${String(value)}\``).join(', ')
  const choices = schema.anyOf ?? schema.oneOf
  if (choices !== undefined) return [...new Set(choices.map(typeOf))].join(' or ')
  if (Array.isArray(schema.type)) return schema.type.join(' or ')
  if (schema.items !== undefined) return `list of ${typeOf(schema.items)}`
  if (schema.format === 'date-time') return 'time'
  const kind = schema.properties?.['kind']
  if (kind?.const !== undefined) return `{${Object.keys(schema.properties ?? {}).join(', ')}} with kind ${typeOf(kind)}`
  return typeof schema.type === 'string' ? schema.type : 'anything'
}

/** What may be null, without the null. */
function unwrap(schema: JsonSchema): JsonSchema {
  const values = (schema.anyOf ?? []).filter(({ type }) => type !== 'null')
  return values.length === 1 ? (values[0] ?? schema) : schema
}

function answerOf({ responses }: Endpoint): JsonSchema {
  const [response] = Object.values(responses)
  if (response === undefined) return {}
  return toJsonSchema(isRepresentations(response) ? response.content['application/json'].schema : response, 'output')
}

function isRepresentations(response: Schema | Representations): response is Representations {
  return 'content' in response
}

function toJsonSchema(schema: Schema, io: 'input' | 'output'): JsonSchema {
  // zod types it as all of JSON Schema, of which ours use only what the interface names.
  return schema.toJSONSchema({ io, unrepresentable: 'any' }) as JsonSchema
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |\n`
  return `${line(head)}${line(head.map(() => '---'))}${rows.map(line).join('')}`
}

// ---- Go -------------------------------------------------------------------------------------------------------------

function main(args: readonly string[]): number {
  const outdated = findOutdatedPages()
  if (args.includes('--check')) {
    for (const path of outdated) process.stderr.write(`${path} is out of date: run node tools/generate-reference.ts\n`)
    return outdated.length === 0 ? 0 : 1
  }
  for (const { path, print } of pages) {
    mkdirSync(dirname(join(ROOT, path)), { recursive: true })
    writeFileSync(join(ROOT, path), print())
  }
  process.stdout.write(outdated.length === 0 ? 'All pages were up to date.\n' : `Written: ${outdated.join(', ')}\n`)
  return 0
}

if (import.meta.main) process.exitCode = main(process.argv.slice(2))
