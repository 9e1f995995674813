/** What commands say and how: results on standard output, progress on standard error, one JSON document on request. */
import { parseArgs, type ParseArgsOptionsConfig } from 'node:util'

/** The command was called in a way it does not understand. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** Options and positional arguments of a command. @throws UsageError */
export function readArguments<O extends ParseArgsOptionsConfig>(
  args: string[],
  options: O,
  least: number,
  most: number = least,
) {
  try {
    const parsed = parseArgs({ args, options, allowPositionals: true, strict: true })
    const given = parsed.positionals.length
    if (given < least || given > most) {
      const wanted = least === most ? String(most) : `${least} to ${most}`
      throw new UsageError(`expected ${wanted} argument${most === 1 ? '' : 's'}, got ${given}.`)
    }
    return parsed
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(error instanceof Error ? plainly(error.message) : String(error))
  }
}

/** What Node says of arguments, without its advice about how to escape them. */
function plainly(message: string): string {
  const unknown = /^Unknown option '([^']*)'/.exec(message)?.[1]
  if (unknown !== undefined) return `there is no option ${printable(unknown)}.`
  const [first = ''] = message.split('\n')
  return `${first.charAt(0).toLowerCase()}${first.slice(1)}${first.endsWith('.') ? '' : '.'}`
}

/** A whole number between two bounds. @throws UsageError */
export function readNumber(text: string, name: string, least: number, most: number): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new UsageError(`--${name} takes a whole number from ${least} to ${most}, not "${text}".`)
}

/** The language of whoever sits at this terminal. */
export function terminalLanguage(): 'en' | 'zh' {
  return /^zh/i.test(process.env.LC_ALL || process.env.LC_MESSAGES || process.env.LANG || '') ? 'zh' : 'en'
}

export function say(line = ''): void {
  process.stdout.write(`${line}\n`)
}

/** Names come from outside: control and direction characters must not reach the terminal. */
export function printable(name: string): string {
  return name.replace(/[\p{Cc}\p{Cf}]/gu, '·')
}

/** Columns that a text takes on a terminal: Chinese characters and full-width signs take two. */
export function widthOf(text: string): number {
  let width = 0
  for (const character of text) width += isWide(character) ? 2 : 1
  return width
}

function isWide(character: string): boolean {
  return /[\p{Script=Han}\u3000-\u303f\uff00-\uff60\uffe0-\uffe6]/u.test(character)
}

const WIDEST = 110
const NARROWEST = 60

/** How wide our lines may be on a screen of so many columns. */
export function screenWidth(columns: number | undefined): number {
  return Math.min(Math.max(columns ?? WIDEST, NARROWEST), WIDEST)
}

/** Findings under each other: a mark, a title, and beside it what was found and what to do. */
export function aligned(
  rows: readonly { mark: string; title: string; detail: string; advice?: string | null }[],
  columns: number | undefined,
): string[] {
  const titleWidth = Math.max(0, ...rows.map(({ title }) => widthOf(title)))
  const indent = ' '.repeat(titleWidth + 6)
  const width = screenWidth(columns) - indent.length
  return rows.flatMap(({ mark, title, detail, advice }) => {
    const head = `  ${mark} ${title}${' '.repeat(titleWidth - widthOf(title))}  `
    const [first = '', ...more] = wrapped(printable(detail), width)
    const remedy = advice == null ? [] : wrapped(printable(advice), width - 2)
    return [
      `${head}${first}`,
      ...more.map((line) => `${indent}${line}`),
      ...remedy.map((line, index) => `${indent}${index === 0 ? '→ ' : '  '}${line}`),
    ]
  })
}

/** Breaks at spaces and between Chinese characters, so that no line is wider than `width` columns. */
export function wrapped(text: string, width: number): string[] {
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

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`)
}

const BAR_WIDTH = 30

/** A line that moves on a terminal and is a few plain lines elsewhere, always on standard error. */
export function createProgress(stream: NodeJS.WriteStream = process.stderr) {
  let shown = ''
  let tenth = -1
  return {
    show(label: string, done: number, total: number): void {
      const share = total === 0 ? 0 : Math.min(done / total, 1)
      if (!stream.isTTY) {
        const next = Math.floor(share * 10)
        const plain = `${label} ${Math.floor(share * 100)} %`
        if (total === 0 || (next === tenth && shown.startsWith(label))) return
        tenth = next
        shown = label
        stream.write(`${plain}\n`)
        return
      }
      const filled = Math.round(share * BAR_WIDTH)
      const numbers = total === 0 ? '' : ` ${done.toLocaleString('en')} / ${total.toLocaleString('en')}`
      const line = `${label.padEnd(22)} ${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)}${numbers}`
      if (line === shown) return
      shown = line
      stream.write(`\r\u001b[2K${line}`)
    },
    end(): void {
      if (stream.isTTY && shown !== '') stream.write('\r\u001b[2K')
      shown = ''
      tenth = -1
    },
  }
}
