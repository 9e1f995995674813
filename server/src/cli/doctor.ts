/** `./muster doctor CONNECTION`: what works between us and WeCom, and what to do about what does not. */
import { readFileSync } from 'node:fs'
import { call, diagnoseConnection, type Diagnosis } from '@muster/contracts'
import { loadConfig } from '../config.ts'
import { withLocalApi } from './local-api.ts'
import { printable, printJson, readArguments, say, terminalLanguage, widthOf } from './terminal.ts'

type Check = Diagnosis['checks'][number]

export async function doctor(args: string[]): Promise<number> {
  const { values, positionals } = readArguments(args, { json: { type: 'boolean' } }, 1)
  const config = loadConfig({ env: process.env, readFile: (path) => readFileSync(path, 'utf8') })
  const diagnosis = await withLocalApi(config, (api) =>
    call(diagnoseConnection, { params: { id: positionals[0]! } }, api),
  )
  if (values.json) printJson(diagnosis)
  else for (const line of describe(diagnosis, process.stdout.columns)) say(line)
  return diagnosis.checks.some(({ result }) => result === 'fail') ? 1 : 0
}

const MARKS: Record<Check['result'], string> = { pass: '✓', warn: '!', fail: '✗', skipped: '·' }

const WIDEST = 110
const NARROWEST = 60

function describe({ checks, sample }: Diagnosis, columns: number | undefined): string[] {
  const titleWidth = Math.max(...checks.map(({ title }) => widthOf(title)))
  const indent = ' '.repeat(titleWidth + 6)
  const width = Math.min(Math.max(columns ?? WIDEST, NARROWEST), WIDEST) - indent.length
  const lines: string[] = []
  for (const { result, title, detail, remedy } of checks) {
    const head = `  ${MARKS[result]} ${title}${' '.repeat(titleWidth - widthOf(title))}  `
    const [first = '', ...more] = wrapped(printable(detail), width)
    lines.push(`${head}${first}`, ...more.map((line) => `${indent}${line}`))
    if (remedy === null) continue
    const advice = wrapped(printable(remedy), width - 2)
    lines.push(...advice.map((line, index) => `${indent}${index === 0 ? '→ ' : '  '}${line}`))
  }
  const words = WORDS[terminalLanguage()]
  if (sample !== undefined) {
    const shown = Object.keys(sample.fields).filter((field) => sample.fields[field] === 'present')
    const name = sample.name === null ? '' : ` (${printable(sample.name)})`
    lines.push('', ...wrapped(words.sample(`${printable(sample.userid)}${name}`, shown), width + indent.length))
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

/** Breaks at spaces and between Chinese characters, so that no line is wider than `width` columns. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const piece of text.split(/(?<=\s)|(?<=[\p{Script=Han}，。；、：”])(?![，。；、：”）])/u)) {
    if (line !== '' && widthOf(line) + widthOf(piece.trimEnd()) > width) {
      lines.push(line.trimEnd())
      line = ''
    }
    line += piece
  }
  return line === '' ? lines : [...lines, line.trimEnd()]
}
