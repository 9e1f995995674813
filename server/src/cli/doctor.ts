/** `./muster doctor CONNECTION`: what works between us and WeCom, and what to do about what does not. */
import { readFileSync } from 'node:fs'
import { call, diagnoseConnection, type Diagnosis } from '@muster/contracts'
import { loadConfig } from '../config.ts'
import { withLocalApi } from './local-api.ts'
import { atConnection } from './named-connection.ts'
import {
  aligned,
  printable,
  printJson,
  readArguments,
  say,
  screenWidth,
  terminalLanguage,
  wrapped,
} from './terminal.ts'

type Check = Diagnosis['checks'][number]

export async function doctor(args: string[]): Promise<number> {
  const { values, positionals } = readArguments(args, { json: { type: 'boolean' } }, 1)
  const name = positionals[0]!
  const config = loadConfig({ env: process.env, readFile: (path) => readFileSync(path, 'utf8') })
  const diagnosis = await withLocalApi(config, (api) =>
    atConnection(config, api, name, () => call(diagnoseConnection, { params: { id: name } }, api)),
  )
  if (values.json) printJson(diagnosis)
  else for (const line of describe(diagnosis, process.stdout.columns)) say(line)
  return diagnosis.checks.some(({ result }) => result === 'fail') ? 1 : 0
}

const MARKS: Record<Check['result'], string> = { pass: '✓', warn: '!', fail: '✗', skipped: '·' }

function describe({ checks, sample }: Diagnosis, columns: number | undefined): string[] {
  const lines = aligned(
    checks.map(({ result, title, detail, remedy }) => ({ mark: MARKS[result], title, detail, advice: remedy })),
    columns,
  )
  const words = WORDS[terminalLanguage()]
  if (sample !== undefined) {
    const shown = Object.keys(sample.fields).filter((field) => sample.fields[field] === 'present')
    const name = sample.name === null ? '' : ` (${printable(sample.name)})`
    lines.push('', ...wrapped(words.sample(`${printable(sample.userid)}${name}`, shown), screenWidth(columns)))
  }
  const counts = (['pass', 'warn', 'fail', 'skipped'] as const).flatMap((wanted) => {
    const count = checks.filter(({ result }) => result === wanted).length
    return count === 0 ? [] : [`${count} ${words[wanted]}`]
  })
  return [...lines, '', words.sentence(counts)]
}

const WORDS = {
  en: {
    pass: 'passed',
    warn: 'to look at',
    fail: 'failed',
    skipped: 'skipped',
    sample: (who: string, fields: readonly string[]) => `WeCom shows of ${who}: ${fields.join(', ')}.`,
    sentence: (counts: readonly string[]) => `${counts.join(', ')}.`,
  },
  zh: {
    pass: '项通过',
    warn: '项需留意',
    fail: '项失败',
    skipped: '项跳过',
    sample: (who: string, fields: readonly string[]) => `企业微信提供的 ${who} 的字段：${fields.join('、')}。`,
    sentence: (counts: readonly string[]) => `${counts.join('，')}。`,
  },
}
