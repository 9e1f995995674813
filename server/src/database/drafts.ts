/**
 * Files that are made beside their place under another name, 0600 from the first byte on, and take their place at the
 * end, on the disk. What a killed process leaves behind has a name that says so, and is removed later.
 */
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { AppError, type Text } from '../errors.ts'

/** Drafts that nobody has touched for this long belong to somebody who was killed. */
const LEFTOVER_MS = 3_600_000

export async function withDraft<T>(file: string, now: number, work: (draft: string) => Promise<T>): Promise<T> {
  atFile(file, () => removeLeftovers(file, now))
  const draft = atFile(file, () => newDraft(file))
  try {
    return await work(draft)
  } finally {
    removeDraft(draft)
  }
}

/** Nobody else may read it, from its first byte on. */
export function newDraft(file: string): string {
  const draft = `${file}.${randomBytes(6).toString('hex')}.unfinished`
  closeSync(openSync(draft, 'wx', 0o600))
  return draft
}

export function removeDraft(draft: string): void {
  for (const end of ['', '-wal', '-shm', '-journal']) rmSync(`${draft}${end}`, { force: true })
}

export function removeLeftovers(file: string, now: number): void {
  const folder = dirname(file)
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(`${basename(file)}.`)) continue
    if (!/^\.[0-9a-f]{12}\.unfinished(?:-\w+)?$/.test(name.slice(basename(file).length))) continue
    const path = join(folder, name)
    if (now - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? now) > LEFTOVER_MS) rmSync(path, { force: true })
  }
}

/** Gives the draft its name, and both to the disk. */
export function put(draft: string, file: string, replaces: boolean): void {
  atFile(file, () => {
    sync(draft)
    if (replaces) renameSync(draft, file)
    else linkOrRename(draft, file)
    sync(dirname(file))
  })
}

/** A link never replaces anything, not even what appeared just now; some file systems have none. */
function linkOrRename(draft: string, file: string): void {
  try {
    linkSync(draft, file)
  } catch (error) {
    if (codeOf(error) === 'EEXIST') throw existing(file)
    if (existsSync(file)) throw existing(file)
    renameSync(draft, file)
  }
}

function sync(path: string): void {
  const descriptor = openSync(path, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

export function existing(file: string): AppError {
  return new AppError('backup/exists', { detail: { en: `${file} exists.`, zh: `${file} 已存在。` } })
}

/** Does something with a file or its folder. @throws AppError `backup/file` */
export function atFile<T>(file: string, action: () => T): T {
  try {
    return action()
  } catch (error) {
    throw fileProblem(file, error)
  }
}

/** What the operating system says about a file, in our words; anything else as it is. */
export function fileProblem(file: string, error: unknown): unknown {
  const code = codeOf(error)
  return code === undefined || error instanceof AppError ? error : unusable(file, code, error)
}

const REASONS: Record<string, Text> = {
  ENOENT: { en: 'there is no such file or folder', zh: '文件或目录不存在' },
  EACCES: { en: 'this user may not use it', zh: '当前用户无权使用' },
}

export function unusable(file: string, reason: string, cause: unknown): AppError {
  const { en, zh } = REASONS[reason] ?? { en: reason, zh: reason }
  return new AppError('backup/file', { detail: { en: `${file}: ${en}.`, zh: `${file}：${zh}。` }, cause })
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
