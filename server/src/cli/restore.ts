/** `./muster restore FILE`: a backup in the place of the database. */
import { createAudit, type Actor } from '../audit/audit.ts'
import { databaseUrl, type Config } from '../config.ts'
import { restoreBackup } from '../database/backup.ts'
import { AppError } from '../errors.ts'
import { createIds } from '../ids.ts'
import { settings } from '../settings.ts'
import { createVault, findMasterKey, KEY_CHECK } from '../vault.ts'
import { printJson, readArguments, say } from './terminal.ts'
import { documentOf, refuseRunningServer, rowsOf, sayTables, workOnDatabase } from './whole-database.ts'

const LOCAL: Actor = { kind: 'local', id: null, name: 'local', address: null, requestId: null }

export async function restore(args: string[]): Promise<number> {
  const { values, positionals } = readArguments(args, { replace: { type: 'boolean' }, json: { type: 'boolean' } }, 1)
  const file = positionals[0]!
  return workOnDatabase(async (config, tools) => {
    await refuseRunningServer(config)
    const manifest = await restoreBackup({
      ...tools,
      file,
      url: databaseUrl(config),
      workFolder: config.dataDir,
      replaces: values.replace === true,
      verify: (installation) => verifyKey(config, installation.get(KEY_CHECK)),
      async note(database, tx, { createdAt }) {
        const now = () => tools.now
        const newId = createIds({ now, random: (bytes) => crypto.getRandomValues(bytes) })
        const details = { backupCreatedAt: new Date(createdAt).toISOString() }
        const entry = { action: 'database.restore', organizationId: null, target: null, details }
        await createAudit({ database, newId, now }).record(tx, LOCAL, [entry])
      },
    })
    const database = settings.database.mask(databaseUrl(config))
    return () => {
      if (values.json) {
        printJson({ file, database, ...documentOf(manifest) })
        return
      }
      const { createdAt, madeBy, tables } = manifest
      say(`Restored ${rowsOf(tables).toLocaleString('en')} rows from ${file} into ${database}.`)
      say(`Everything is as it was at ${new Date(createdAt).toISOString()} (backup by Muster ${madeBy}).`)
      sayTables(manifest)
      say('What happened since then is undone: whoever left is active again, API tokens and administrators that were')
      say('removed are back, and so is whoever was purged since, with everything that the backup knows about them.')
      say('→ Look through GET /api/v1/api-tokens and /api/v1/administrators, and run ./muster sync CONNECTION.')
    }
  })
}

/** Before anything is written: a database whose secrets do not open would not start. */
function verifyKey(config: Config, check: string | undefined): void {
  if (check === undefined) return
  const found = findMasterKey({ dataDir: config.dataDir, configured: config.masterKey })
  if (found === undefined) throw new AppError('backup/no-key')
  createVault({ key: found.key }).verifyCheck(check)
}
