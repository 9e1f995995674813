/** `./muster backup FILE`: everything in the database into one file, also while servers run. */
import { rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { call, takeSnapshot } from '@muster/contracts'
import { databaseUrl, type Config } from '../config.ts'
import { SNAPSHOT_NAME, writeBackup } from '../database/backup.ts'
import { AppError } from '../errors.ts'
import { answers, localDoorPath } from '../local-door.ts'
import { ownVersion } from '../version.ts'
import { throughDoor } from './local-api.ts'
import { printJson, readArguments, say } from './terminal.ts'
import { documentOf, rowsOf, sayTables, workOnDatabase } from './whole-database.ts'

export async function backup(args: string[]): Promise<number> {
  const { values, positionals } = readArguments(args, { force: { type: 'boolean' }, json: { type: 'boolean' } }, 1)
  const file = positionals[0]!
  return workOnDatabase(async (config, tools) => {
    const manifest = await withSource(config, (url) =>
      writeBackup({ ...tools, url, file, madeBy: ownVersion(), replaces: values.force === true }),
    )
    const { size } = statSync(file)
    return () => {
      if (values.json) {
        printJson({ file, bytes: size, masterKeyIncluded: false, ...documentOf(manifest) })
        return
      }
      const { createdAt, source, tables } = manifest
      say(`Wrote ${file}: ${rowsOf(tables).toLocaleString('en')} rows, ${megabytes(size)}.`)
      say(`The ${NAMES[source]} database as it was at ${new Date(createdAt).toISOString()}.`)
      sayTables(manifest)
      say(`It does not hold the master key (${placeOfKey(config)}), without which its secrets cannot be read.`)
      say('→ Keep the key, too, and not beside the backup.')
    }
  })
}

const NAMES = { sqlite: 'SQLite', postgres: 'PostgreSQL' } as const

/**
 * The file of a running SQLite server is locked, so the server makes a copy and we read that one. With PostgreSQL, and
 * when no server runs, we read the database itself.
 */
async function withSource<T>(config: Config, work: (url: string) => Promise<T>): Promise<T> {
  if (!(await answers(localDoorPath(config.dataDir)))) return work(databaseUrl(config))
  const { database, file } = await throughDoor(config.dataDir, (api) => call(takeSnapshot, {}, api))
  const copy = file !== null && SNAPSHOT_NAME.test(file) ? join(config.dataDir, file) : undefined
  try {
    if (database !== config.database.kind) {
      throw new AppError('backup/other-database', {
        detail: {
          en: `The server on ${config.dataDir} uses ${NAMES[database]}, and the settings here name ${NAMES[config.database.kind]}.`,
          zh: `${config.dataDir} 上的服务使用 ${NAMES[database]}，而此处的设置指定 ${NAMES[config.database.kind]}。`,
        },
      })
    }
    return await work(copy === undefined ? databaseUrl(config) : `sqlite:${copy}`)
  } finally {
    if (copy !== undefined) for (const end of ['', '-wal']) rmSync(`${copy}${end}`, { force: true })
  }
}

function placeOfKey({ masterKey, dataDir }: Config): string {
  return masterKey === undefined ? join(dataDir, 'master.key') : 'MUSTER_MASTER_KEY'
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
