/** `./muster copy-database --to URL`: moving to another database, as from SQLite to PostgreSQL. */
import { databaseUrl } from '../config.ts'
import { copyDatabase as copy } from '../database/backup.ts'
import { settings } from '../settings.ts'
import { ownVersion } from '../version.ts'
import { printJson, readArguments, say, UsageError } from './terminal.ts'
import { documentOf, refuseRunningServer, rowsOf, sayTables, workOnDatabase } from './whole-database.ts'

export async function copyDatabase(args: string[]): Promise<number> {
  const { values } = readArguments(args, { to: { type: 'string' }, json: { type: 'boolean' } }, 0)
  const target = readTarget(values.to)
  return workOnDatabase(async (config, tools) => {
    await refuseRunningServer(config)
    const manifest = await copy({
      ...tools,
      from: databaseUrl(config),
      to: databaseUrl({ database: target }),
      workFolder: config.dataDir,
      madeBy: ownVersion(),
    })
    const to = settings.database.mask(values.to!)
    return () => {
      if (values.json) {
        printJson({ to, ...documentOf(manifest) })
        return
      }
      say(`Copied ${rowsOf(manifest.tables).toLocaleString('en')} rows to ${to}, and compared every one of them.`)
      sayTables(manifest)
      say('The old database is as it was. The master key is still needed, and was not copied.')
      say(
        `→ Set MUSTER_DATABASE_URL to the new database, keep ${keyAdvice(config.masterKey !== undefined)}, and start.`,
      )
    }
  })
}

function keyAdvice(isConfigured: boolean): string {
  return isConfigured ? 'MUSTER_MASTER_KEY' : 'master.key in the data directory'
}

/** @throws UsageError */
function readTarget(text: string | undefined) {
  if (text === undefined) throw new UsageError('--to is missing.')
  const parsed = settings.database.kind.parse(text)
  if ('problem' in parsed) throw new UsageError(`--to: ${parsed.problem.en} ${parsed.remedy.en}`)
  return parsed.value
}
