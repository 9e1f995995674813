/** What a command prints on standard error when it could not do its work: what, why, and what to do. */
import { ApiProblem } from '@muster/contracts'
import { ConfigError } from '../config.ts'
import { AppError, errorTable, type Text } from '../errors.ts'
import { VaultError } from '../vault.ts'
import { UsageError } from './terminal.ts'

/** @param usage of the command, as `sync CONNECTION [--preview]` */
export function whatWentWrong(error: unknown, usage: string): string {
  if (error instanceof UsageError) return `muster: ${error.message}\nUsage: ./muster ${usage}`
  if (error instanceof ConfigError) return error.message
  if (error instanceof VaultError) return inBoth(error.problem, error.remedy, error.code)
  if (error instanceof ApiProblem) {
    const fields = error.fields.map(({ path, message }) => `  ${path}: ${message}`)
    const remedy = error.remedy === undefined ? [] : [`→ ${error.remedy}`]
    return [`muster: ${error.message}`, ...fields, ...remedy, `(${error.code})`].join('\n')
  }
  if (error instanceof AppError) {
    const { title, remedy } = errorTable[error.code]
    // What the machine said, such as why a database did not answer.
    const cause = error.cause instanceof Error && error.cause.message !== '' ? `: ${error.cause.message}` : ''
    return inBoth(error.detail ?? title, error.remedy ?? remedy, `${error.code}${cause}`)
  }
  if (!(error instanceof Error)) return String(error)
  const refused = refusedBySystem(error)
  return refused ?? error.stack ?? error.message
}

function inBoth(problem: Text, remedy: Text, code: string): string {
  return `${problem.en}\n${problem.zh}\n→ ${remedy.en}\n→ ${remedy.zh}\n(${code})`
}

/** A file or folder that this user may not use, or that is none: nothing is broken, so a stack trace would only bury it. */
function refusedBySystem(error: Error): string | undefined {
  const { code, path, address } = error as Error & { code?: string; path?: string; address?: string }
  const place = path ?? address
  const reason = code === undefined ? undefined : REASONS[code]
  if (place === undefined || reason === undefined) return undefined
  return inBoth(
    { en: `${place}: ${reason.en}.`, zh: `${place}：${reason.zh}。` },
    {
      en: 'Check the path and its rights. Commands run as the user of the server, with its settings: ./muster config.',
      zh: '请检查该路径及其权限。命令须以运行服务的用户、使用同样的设置执行，可用 ./muster config 查看。',
    },
    error.message,
  )
}

const REASONS: Record<string, Text> = {
  EACCES: { en: 'this user may not use it', zh: '当前用户无权使用' },
  EPERM: { en: 'this user may not use it', zh: '当前用户无权使用' },
  EROFS: { en: 'it cannot be written, the file system is read-only', zh: '文件系统只读，无法写入' },
  ENOTDIR: { en: 'part of this path is a file and no folder', zh: '路径中有一段是文件而不是目录' },
  ENOSPC: { en: 'no space is left on the disk', zh: '磁盘空间不足' },
}
