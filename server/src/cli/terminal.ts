/** What commands say and how: results on standard output, progress on standard error, one JSON document on request. */
import { parseArgs, type ParseArgsOptionsConfig } from 'node:util'

/** The command was called in a way it does not understand. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** Options and positional arguments of a command. @throws UsageError */
export function readArguments<O extends ParseArgsOptionsConfig>(args: string[], options: O, positionals: number) {
  try {
    const parsed = parseArgs({ args, options, allowPositionals: true, strict: true })
    if (parsed.positionals.length !== positionals) {
      throw new UsageError(
        `expected ${positionals} argument${positionals === 1 ? '' : 's'}, got ${parsed.positionals.length}.`,
      )
    }
    return parsed
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

/** A whole number between two bounds. @throws UsageError */
export function readNumber(text: string, name: string, least: number, most: number): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new UsageError(`--${name} takes a whole number from ${least} to ${most}, not "${text}".`)
}

export function say(line = ''): void {
  process.stdout.write(`${line}\n`)
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
