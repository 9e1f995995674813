/**
 * Backup, restore and moving to another database, with the real commands: while the server writes, against the wrong
 * key, killed half-way, and there and back again. What is wrong with a file is tested beside database/backup.ts.
 */
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { call, createDepartment, getRun, listAudit, takeSnapshot, type Run, type Transport } from '@muster/contracts'
import { throughDoor } from '../server/src/cli/local-api.ts'
import { writeBackup } from '../server/src/database/backup.ts'
import { noCounts } from '../server/src/sync/runs.ts'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import { extent } from '../server/test-support/extent.ts'
import { createRandom } from '../server/test-support/random.ts'
import { killCommand, runCommand, spawnServer, temporaryFolder, type Settings } from './server.ts'
import { startStackOfProcesses, type Stack } from './stack.ts'

const SEED = Number(process.env.MUSTER_TEST_SEED ?? randomInt(2 ** 31))
const KILLS = extent('killed restores on each database', { everyday: 1, thorough: 2 })
const MOST_ATTEMPTS = 6

onEitherDatabase(({ dialect, testWithUrl, testWithBareUrl }) => {
  testWithUrl(
    'a backup made in the middle of a run is whole, and the run goes on after the restore',
    async (url, t) => {
      await using stack = await startStackOfProcesses(url, { people: 2_400 })

      const { id } = await stack.startRun()
      const byCommand = makeBackup(stack, 'by-command')
      const files: string[] = []
      do files.push(await backUpFromHere(stack, `from-here-${files.length}`))
      while ((await stack.ask(getRun, { params: { id } })).state === 'running')
      files.push((await byCommand).file)

      assert.equal((await stack.finished(id)).state, 'succeeded')
      const backups = files.map((file) => ({ file, ...lookInside(file, id) }))
      t.diagnostic(`people written by then: ${backups.map(({ users }) => users).join(', ')}`)
      for (const { users, created, changes, orphans } of backups) {
        assert.deepEqual({ created, changes, orphans }, { created: users, changes: users, orphans: 0 })
      }
      const halfWay = backups.findLast(({ state }) => state === 'running')
      assert.ok(halfWay !== undefined)

      await stack.server.stop()
      await command(stack.settings, 'restore', halfWay.file, '--replace')
      stack.replaceServer(await spawnServer(stack.settings))
      const goneOnWith = await stack.finished(id)
      assert.equal(goneOnWith.state, 'succeeded')
      assert.deepEqual(await stack.mistakes(), [])
    },
  )

  testWithUrl('after a restore everybody is who they were, and a sync changes nothing', async (url) => {
    await using stack = await startStackOfProcesses(url)
    await stack.syncOnce()
    const before = await stack.directory()
    const { file, masterKeyIncluded } = await makeBackup(stack, 'kept')
    await stack.ask(createDepartment, { body: { name: 'made after the backup' } })

    const busy = await runCommand(['restore', file, '--replace'], stack.settings)
    await stack.server.stop()
    const otherKey = { ...stack.settings, MUSTER_MASTER_KEY: Buffer.alloc(32, 1).toString('base64') }
    const locked = await runCommand(['restore', file, '--replace'], otherKey)
    const restored = await command(stack.settings, 'restore', file, '--replace')

    assert.deepEqual([busy.code, /database\/in-use/.test(busy.stderr)], [1, true])
    assert.equal(locked.code, 1)
    assert.match(locked.stderr, /sealed with the master key .*Give back the key/s)
    assert.equal((restored['tables'] as Record<string, number>)['users'], before.users.length)
    stack.replaceServer(await spawnServer(stack.settings))
    assert.deepEqual(await stack.directory(), before)
    const { counts } = await stack.syncOnce()
    assert.deepEqual(counts.users, { ...noCounts().users, unchanged: before.users.length })
    assert.deepEqual(counts.departments, { ...noCounts().departments, unchanged: before.departments.length })
    assert.equal((await stack.ask(listAudit, { query: { action: 'database.restore' } })).total, 1)

    assert.deepEqual([statSync(file).mode & 0o777, masterKeyIncluded], [0o600, false])
    const texts = JSON.stringify(everyRow(file, 'connections'))
    assert.ok(texts.includes('v1.') && !texts.includes(stack.app.secret))
  })

  testWithUrl('killed in the middle of a restore, the database is the old one or the new one', async (url, t) => {
    await using stack = await startStackOfProcesses(url, { people: 600 })
    await stack.syncOnce()
    const kept = await backUpFromHere(stack, 'kept')
    await stack.ask(createDepartment, { body: { name: 'made after the backup' } })
    await stack.server.stop()
    const old = await backUp(stack, url, 'old')
    const startedAt = performance.now()
    await runCommand(['restore', kept], stack.settings) // refused, as soon as it would begin
    const beginsAfterMs = performance.now() - startedAt
    const random = createRandom(SEED + (dialect === 'sqlite' ? 0 : 1))

    let longestMs = beginsAfterMs
    for (let kills = 0, attempt = 0; kills < KILLS && attempt < MOST_ATTEMPTS; attempt++) {
      const before = contentOf(await backUp(stack, url, `before-${attempt}`))
      const file = before === contentOf(kept) ? old : kept
      const afterMs = beginsAfterMs * 0.8 + random() * longestMs
      const wasKilled = await killCommand(['restore', file, '--replace'], stack.settings, afterMs)
      const after = contentOf(await backUp(stack, url, `after-${attempt}`))
      const is = after === before ? 'the old one' : after === contentOf(file) ? 'the new one' : 'neither'
      t.diagnostic(`seed ${SEED}: ${wasKilled ? 'killed' : 'ended'} within ${Math.round(afterMs)} ms, it is ${is}`)
      assert.notEqual(is, 'neither')
      if (wasKilled) kills++
      else longestMs /= 2
    }

    await command(stack.settings, 'restore', kept, '--replace')
    assert.equal(contentOf(await backUp(stack, url, 'restored')), contentOf(kept))
  })

  if (dialect === 'sqlite') {
    testWithUrl('a server gives its database to nobody else, and to no command that means another', async (url) => {
      await using stack = await startStackOfProcesses(url)
      await assert.rejects(stack.ask(takeSnapshot, {}), { code: 'backup/local-only' })

      const mistaken = { ...stack.settings, MUSTER_DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' }
      const { code, stderr } = await runCommand(['backup', join(dataDirOf(stack), 'never')], mistaken)

      assert.deepEqual([code, /backup\/other-database/.test(stderr)], [1, true])
      assert.deepEqual(readdirSync(dataDirOf(stack)), ['muster.sock'])
    })
  }

  if (dialect === 'postgres') {
    testWithBareUrl('from SQLite to PostgreSQL and back nothing is lost, and the server goes on', async (url) => {
      const folder = temporaryFolder()
      const [first, second] = [join(folder.path, 'first.db'), join(folder.path, 'second.db')]
      await using stack = await startStackOfProcesses(`sqlite:${first}`)
      await stack.syncOnce()
      const before = await stack.directory()
      const onPostgres = { ...stack.settings, MUSTER_DATABASE_URL: url }

      await stack.server.stop()
      const there = await command(stack.settings, 'copy-database', '--to', url)
      const back = await command(onPostgres, 'copy-database', '--to', `sqlite:${second}`)

      assert.deepEqual(back['tables'], there['tables'])
      for (const table of Object.keys(there['tables'] as object).filter((name) => name !== 'wecom_tokens')) {
        assert.deepEqual(everyRow(second, table), everyRow(first, table), table)
      }
      stack.replaceServer(await spawnServer(onPostgres))
      assert.deepEqual(await stack.directory(), before)
      assert.equal((await stack.syncOnce()).counts.users.unchanged, before.users.length)
      folder.remove()
    })
  }
})

async function makeBackup(stack: Stack, name: string) {
  const file = join(dataDirOf(stack), `${name}.backup`)
  const { masterKeyIncluded } = await command(stack.settings, 'backup', file)
  return { file, masterKeyIncluded }
}

/** What the command does, without waiting for a process to start: quick enough to catch a run at its work. */
async function backUpFromHere(stack: Stack, name: string): Promise<string> {
  const { file } = await throughDoor(dataDirOf(stack), (api: Transport) => call(takeSnapshot, {}, api))
  const url = file === null ? stack.settings['MUSTER_DATABASE_URL']! : `sqlite:${join(dataDirOf(stack), file)}`
  return backUp(stack, url, name)
}

async function backUp(stack: Stack, url: string, name: string): Promise<string> {
  const file = join(dataDirOf(stack), `${name}.backup`)
  const { signal } = new AbortController()
  await writeBackup({ url, file, now: 0, madeBy: 'test', replaces: false, signal, onProgress() {} })
  return file
}

function dataDirOf({ settings }: Stack): string {
  return settings['MUSTER_DATA_DIR']!
}

/** What a command prints with --json: one document and nothing else. */
async function command(settings: Settings, ...args: string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await runCommand([...args, '--json'], settings)
  assert.equal(code, 0, stderr)
  return JSON.parse(stdout) as Record<string, unknown>
}

/** A run, and what it had written, as a backup has them. */
function lookInside(file: string, runId: string) {
  const database = new DatabaseSync(file, { readOnly: true })
  const one = (statement: string, ...parameters: string[]) => database.prepare(statement).get(...parameters)!
  const run = one('select state, counts from runs where id = ?', runId)
  const counts = JSON.parse(String(run['counts'])) as Run['counts']
  const changes = one(
    `select count(*) as n from changes where run_id = ? and entity = 'user' and action = 'create' and state = 'applied'`,
    runId,
  )
  const orphans = one(
    `select count(*) as n from memberships where user_id not in (select id from users)
     or department_id not in (select id from departments)`,
  )
  const users = one('select count(*) as n from users')
  database.close()
  return {
    state: run['state'],
    users: users['n'],
    created: counts.users.created,
    changes: changes['n'],
    orphans: orphans['n'],
  }
}

/** How many rows a backup has of each table, and their digests; without the audit record, which a restore adds to. */
function contentOf(file: string): string {
  const database = new DatabaseSync(file, { readOnly: true })
  const { value } = database.prepare("select value from backup_manifest where name = 'tables'").get()!
  database.close()
  const { audit: _, ...tables } = JSON.parse(String(value)) as Record<string, unknown>
  return JSON.stringify(tables)
}

function everyRow(file: string, table: string): object[] {
  const database = new DatabaseSync(file, { readOnly: true })
  const rows = database.prepare(`select * from ${table} order by 1, 2`).all()
  database.close()
  return rows
}
