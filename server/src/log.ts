/**
 * JSON logs of facts: ids, counts, durations. Never names, addresses, numbers or secrets: what libraries put into the
 * messages of their errors is not ours to print, so of an unknown error only its kind, its code and its frames are kept.
 */
import { pino, type DestinationStream, type Logger } from 'pino'
import { AppError } from './errors.ts'

export function createLog({ level, destination }: { level: string; destination?: DestinationStream }): Logger {
  const options = {
    level,
    base: undefined,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: describeError },
  }
  return destination === undefined ? pino(options) : pino(options, destination)
}

const DEEPEST_CAUSE = 5

/** An error without anything that it may quote. Our own errors and those of the WeCom client are written to be shown. */
export function describeError(error: unknown, depth = 0): Record<string, unknown> {
  if (!(error instanceof Error)) return { type: typeof error }
  // By name, because this layer does not know the WeCom client; its errors redact themselves when they are made.
  const isSafe = error instanceof AppError || error.name === 'WecomError'
  const described: Record<string, unknown> = { type: error.name }
  if ('code' in error) described.code = String(error.code)
  if ('errcode' in error) described.errcode = error.errcode
  if (isSafe) described.message = error.message
  described.stack = frames(error)
  if (error.cause !== undefined && depth < DEEPEST_CAUSE) described.cause = describeError(error.cause, depth + 1)
  return described
}

/** The stack without its first lines, which repeat the message. */
function frames(error: Error): string[] {
  return (error.stack ?? '').split('\n').flatMap((line) => (/^\s+at /.test(line) ? [line.trim()] : []))
}
