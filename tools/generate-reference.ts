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

import { settings } from '../server/src/settings.ts'
import type { Setting } from '../server/src/settings.ts'

const ROOT = join(import.meta.dirname, '..')

export const pages: readonly { path: string; print: () => string }[] = [
  { path: 'docs/reference/configuration.md', print: printConfiguration },
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
