/** What `backup`, `restore` and `copy-database` share: progress, being stopped, and saying what was copied. */
import { readFileSync } from 'node:fs'
import { createClock } from '../clock.ts'
import { loadConfig, type Config } from '../config.ts'
import type { Manifest, Work } from '../database/backup.ts'
import { AppError } from '../errors.ts'
import { answers, localDoorPath } from '../local-door.ts'
import { createProgress, say } from './terminal.ts'

const LABELS = { copy: 'Copying', check: 'Checking', write: 'Writing' } as const

/**
 * Does the work of a command on a whole database. Ctrl+C stops it between two pages, so that it can clean up.
 * @returns the exit code
 */
export async function workOnDatabase(work: (config: Config, tools: Work) => Promise<() => void>): Promise<number> {
  const config = loadConfig({ env: process.env, readFile: (path) => readFileSync(path, 'utf8') })
  const stopping = new AbortController()
  const stop = () => stopping.abort()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, stop)
  const progress = createProgress()
  try {
    const describe = await work(config, {
      now: createClock({ offsetFile: config.testClockFile }).now(),
      signal: stopping.signal,
      onProgress: (phase, done, total) => progress.show(LABELS[phase], done, total),
    })
    progress.end()
    describe()
    return 0
  } catch (error) {
    progress.end()
    if (!stopping.signal.aborted) throw error
    process.stderr.write('muster: stopped. Nothing was changed.\n')
    return 1
  } finally {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.off(signal, stop)
  }
}

/** Whoever fills or moves a database needs it alone. @throws AppError `database/in-use` */
export async function refuseRunningServer({ dataDir }: Config): Promise<void> {
  if (!(await answers(localDoorPath(dataDir)))) return
  throw new AppError('database/in-use', {
    detail: { en: `A server is running on ${dataDir}.`, zh: `${dataDir} 上有服务正在运行。` },
    remedy: { en: 'Stop it first.', zh: '请先停止该服务。' },
  })
}

/** For `--json`. */
export function documentOf({ createdAt, madeBy, source, tables }: Manifest) {
  return {
    createdAt: new Date(createdAt).toISOString(),
    madeBy,
    source,
    rows: rowsOf(tables),
    tables: Object.fromEntries(Object.entries(tables).map(([name, { rows }]) => [name, rows])),
  }
}

export function sayTables({ tables }: Manifest): void {
  const named = Object.entries(tables).filter(([, { rows }]) => rows > 0)
  say(`  ${named.map(([name, { rows }]) => `${rows.toLocaleString('en')} ${name.replaceAll('_', ' ')}`).join(', ')}`)
}

export function rowsOf(tables: Manifest['tables']): number {
  return Object.values(tables).reduce((total, { rows }) => total + rows, 0)
}
