import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { onEachDatabase } from '../../test-support/databases.ts'
import { copyDatabase, restoreBackup, takeSnapshot, writeBackup, type Work } from './backup.ts'
import { connectDatabase, insertRows, migrateDatabase, openDatabase, type Row } from './database.ts'
import { migrationNames } from './migrations.ts'
import { countRows, NOT_CARRIED, tablesOf, type Table } from './rows.ts'
import type { TableName } from './schema.ts'

const work: Work = { now: Date.UTC(2026, 10, 21), signal: new AbortController().signal, onProgress() {} }

onEachDatabase(({ dialect, testWithBareUrl }) => {
  testWithBareUrl('every row of every table that migrations made comes through a backup and a copy', async (url) => {
    await using folder = temporaryFolder()
    const original = folder.file('original.db')
    const tables = await fillEveryTable(original)
    const [there, back] = [folder.file('there.backup'), folder.file('back.db')]

    const manifest = await writeBackup({
      ...work,
      url: `sqlite:${original}`,
      file: there,
      madeBy: 'test',
      replaces: false,
    })
    await restoreBackup({ ...restoring, file: there, url, workFolder: folder.path })
    await copyDatabase({ ...work, from: url, to: `sqlite:${back}`, workFolder: folder.path, madeBy: 'test' })

    for (const { name, columns } of tables) {
      const expected = NOT_CARRIED.has(name as TableName) ? [] : read(original, name).map(withoutLease)
      assert.deepEqual(read(back, name), expected, name)
      assert.equal(manifest.tables[name]?.rows, expected.length)
      assert.ok(Object.keys(columns).length > 0)
    }
    assert.deepEqual(folder.names(), ['back.db', 'original.db', 'there.backup'])
    for (const name of folder.names()) assert.equal(statSync(folder.file(name)).mode & 0o777, 0o600, name)
  })

  testWithBareUrl('a database with rows is replaced only when that was asked for', async (url) => {
    await using folder = temporaryFolder()
    const file = await makeBackup(folder, 'restored')
    await withRow(url, 'here before')

    const restore = (replaces: boolean) => restoreBackup({ ...restoring, file, url, replaces, workFolder: folder.path })
    await assert.rejects(restore(false), { code: 'backup/not-empty' })
    assert.deepEqual(await slugs(url), ['here before'])
    await restore(true)

    assert.deepEqual(await slugs(url), ['restored'])
  })

  testWithBareUrl('a restore that fails in the middle of the rows leaves the database as it was', async (url) => {
    await using folder = temporaryFolder()
    const file = await makeBackup(folder, 'restored')
    await withRow(url, 'here before')

    const failing = restoreBackup({
      ...restoring,
      file,
      url,
      replaces: true,
      workFolder: folder.path,
      onProgress(phase) {
        if (phase === (dialect === 'sqlite' ? 'check' : 'write')) throw new Error('pulled the plug')
      },
    })

    await assert.rejects(failing, /pulled the plug/)
    assert.deepEqual(await slugs(url), ['here before'])
    assert.deepEqual(folder.names(), ['restored.backup', 'restored.db'])
  })

  testWithBareUrl('a database that a server uses is neither filled nor moved', async (url) => {
    await using folder = temporaryFolder()
    const file = await makeBackup(folder, 'restored')
    await using server = await openDatabase(url).then((database) => ({
      database,
      [Symbol.asyncDispose]: () => database.close(),
    }))

    const restore = restoreBackup({ ...restoring, file, url, replaces: true, workFolder: folder.path })
    await assert.rejects(restore, { code: 'database/in-use' })
    const to = `sqlite:${folder.file('moved.db')}`
    const copy = copyDatabase({ ...work, from: url, to, workFolder: folder.path, madeBy: 'test' })
    await assert.rejects(copy, { code: 'database/in-use' })

    assert.deepEqual(await countRows(server.database), {})
    assert.ok(!existsSync(folder.file('moved.db')))
  })

  testWithBareUrl('a backup of an older version is brought up to date, one of a newer version refused', async (url) => {
    await using folder = temporaryFolder()
    const [old, older, newer] = [folder.file('old.db'), folder.file('older.backup'), folder.file('newer.backup')]
    const database = await connectDatabase(`sqlite:${old}`)
    await migrateDatabase(database, migrationNames()[0])
    await insertRows(database, 'organizations', [organization('long ago')])
    await database.close()
    await writeBackup({ ...work, url: `sqlite:${old}`, file: older, madeBy: 'test', replaces: false })
    copyFileSync(older, newer)
    edit(newer, `insert into kysely_migration (name, timestamp) values ('9999-from-the-future', '2030')`)

    const fromNewer = restoreBackup({ ...restoring, file: newer, url, workFolder: folder.path })
    await assert.rejects(fromNewer, { code: 'backup/too-new' })
    await restoreBackup({ ...restoring, file: older, url, workFolder: folder.path })

    assert.deepEqual(await slugs(url), ['long ago'])
  })
})

void test('a file that is not whole is refused, whatever happened to it', async () => {
  await using folder = temporaryFolder()
  const file = await makeBackup(folder, 'whole')
  const bytes = readFileSync(file)
  const at = bytes.indexOf('公司 whole')
  const flipped = Buffer.from(bytes)
  flipped[at + Buffer.byteLength('公司 ')]! ^= 1
  const swapped = folder.file('swapped.db')
  copyFileSync(file, swapped)
  edit(swapped, 'delete from organizations')
  const cases: [string, Buffer, string][] = [
    ['cut in the middle', bytes.subarray(0, bytes.length / 2), 'backup/damaged'],
    ['cut at a page', bytes.subarray(0, bytes.length - 4_096), 'backup/damaged'],
    ['one bit of a text', flipped, 'backup/damaged'],
    ['a row less', readFileSync(swapped), 'backup/damaged'],
    ['only its beginning', bytes.subarray(0, 90), 'backup/damaged'],
    ['empty', Buffer.alloc(0), 'backup/not-a-backup'],
    ['something else', randomBytes(10_000), 'backup/not-a-backup'],
    ['the database of a server', readFileSync(folder.file('whole.db')), 'backup/not-a-backup'],
  ]
  assert.notEqual(at, -1)

  for (const [name, content, code] of cases) {
    const broken = folder.file('broken.backup')
    writeFileSync(broken, content)
    const url = `sqlite:${folder.file('target.db')}`
    await assert.rejects(restoreBackup({ ...restoring, file: broken, url, workFolder: folder.path }), { code }, name)
    assert.ok(!existsSync(folder.file('target.db')), name)
  }
})

void test('a damaged database is replaced when that was asked for', async () => {
  await using folder = temporaryFolder()
  const file = await makeBackup(folder, 'healthy')
  const target = folder.file('damaged.db')
  writeFileSync(target, randomBytes(50_000))
  writeFileSync(`${target}-wal`, randomBytes(50_000))

  const restore = (replaces: boolean) =>
    restoreBackup({ ...restoring, file, url: `sqlite:${target}`, replaces, workFolder: folder.path })
  await assert.rejects(restore(false), { code: 'backup/not-empty' })
  await restore(true)

  assert.deepEqual(await slugs(`sqlite:${target}`), ['healthy'])
})

void test('a backup replaces an older backup and nothing else', async () => {
  await using folder = temporaryFolder()
  const file = await makeBackup(folder, 'first')
  const source = `sqlite:${folder.file('first.db')}`
  const write = (name: string, replaces: boolean) =>
    writeBackup({ ...work, url: source, file: folder.file(name), madeBy: 'test', replaces })
  writeFileSync(folder.file('master.key'), 'precious')

  await assert.rejects(write('first.backup', false), { code: 'backup/exists' })
  await assert.rejects(write('first.db', true), { code: 'backup/exists' })
  await assert.rejects(write('master.key', true), { code: 'backup/exists' })
  await assert.rejects(write('no-folder/x', false), { code: 'backup/file' })
  await withRow(source, 'second')
  await write('first.backup', true)

  await restoreBackup({ ...restoring, file, url: `sqlite:${folder.file('again.db')}`, workFolder: folder.path })
  assert.deepEqual(await slugs(`sqlite:${folder.file('again.db')}`), ['first', 'second'])
  assert.equal(readFileSync(folder.file('master.key'), 'utf8'), 'precious')
})

void test('there is no backup of a database that is not there, and none is made', async () => {
  await using folder = temporaryFolder()
  const file = folder.file('none.backup')

  const write = writeBackup({ ...work, url: `sqlite:${folder.file('none.db')}`, file, madeBy: 'test', replaces: false })

  await assert.rejects(write, { code: 'backup/no-database' })
  assert.deepEqual(folder.names(), [])
})

void test('a snapshot of a file is whole while transactions go on', async () => {
  await using folder = temporaryFolder()
  const database = await openDatabase(`sqlite:${folder.file('live.db')}`)
  const finished = new AbortController()
  const writing = (async () => {
    for (let writes = 0; !finished.signal.aborted; writes++) {
      // Two rows at a time: an odd number of them would be half a transaction.
      await database.inTransaction(async (tx) => {
        await insertRows(tx, 'organizations', [organization(`a${writes}`)])
        await database.breathe()
        await insertRows(tx, 'organizations', [organization(`b${writes}`)])
      })
    }
  })()

  const snapshots = []
  for (let turn = 0; turn < 20; turn++) snapshots.push(await takeSnapshot(database, folder.path, work.now))
  finished.abort()
  await writing
  await database.close()

  for (const { file } of snapshots) assert.equal(read(folder.file(file!), 'organizations').length % 2, 0)
  assert.ok(read(folder.file(snapshots.at(-1)!.file!), 'organizations').length > 0)
})

const restoring = { ...work, replaces: false, verify() {}, note: async () => {} }

// ---- Databases ------------------------------------------------------------------------------------------------------

/** Two rows in each table, whichever there are, that belong to each other as the foreign keys ask. */
async function fillEveryTable(file: string): Promise<Table[]> {
  const database = await openDatabase(`sqlite:${file}`)
  const tables = await tablesOf(database)
  await database.close()
  const raw = new DatabaseSync(file, { enableForeignKeyConstraints: false })
  for (const { name, columns } of tables) {
    const references = new Map(
      raw
        .prepare('select "from", "table", coalesce("to", \'id\') as "to" from pragma_foreign_key_list(?)')
        .all(name)
        .map((row) => [String(row['from']), [String(row['table']), String(row['to'])] as const]),
    )
    const names = Object.keys(columns)
    const insert = raw.prepare(`insert into ${name} (${names.join(', ')}) values (${names.map(() => '?').join(', ')})`)
    raw.exec(`delete from ${name}`)
    for (const number of [1, 2]) {
      insert.run(
        ...names.map((column) => {
          const [table, key] = references.get(column) ?? [name, column]
          // A row that belongs to another of its own table comes before that one.
          const of = table === name && key !== column ? 3 - number : number
          return columns[column]!.type === 'text' ? `${table}.${key}.${of} "值" '\\` : 2 ** 40 + of
        }),
      )
    }
  }
  raw.close()
  return tables
}

async function makeBackup(folder: Folder, slug: string): Promise<string> {
  const url = `sqlite:${folder.file(`${slug}.db`)}`
  await withRow(url, slug)
  const file = folder.file(`${slug}.backup`)
  await writeBackup({ ...work, url, file, madeBy: 'test', replaces: false })
  return file
}

async function withRow(url: string, slug: string): Promise<void> {
  const database = await openDatabase(url)
  await insertRows(database, 'organizations', [organization(slug)])
  await database.close()
}

async function slugs(url: string): Promise<string[]> {
  const database = await openDatabase(url)
  const rows = await database.kysely.selectFrom('organizations').select('slug').orderBy('id').execute()
  await database.close()
  return rows.map(({ slug }) => slug)
}

function organization(slug: string): Row<'organizations'> {
  return { id: `org_${slug}`, slug, name: `公司 ${slug}`, built_in_users_allowed: 1, created_at: 1, updated_at: 1 }
}

function read(file: string, table: string): Record<string, unknown>[] {
  const database = new DatabaseSync(file)
  const rows = database.prepare(`select * from ${table} order by 1, 2`).all()
  database.close()
  return rows.map((row) => ({ ...row }))
}

function edit(file: string, statement: string): void {
  const database = new DatabaseSync(file)
  database.exec(statement)
  database.close()
}

function withoutLease(row: Record<string, unknown>): Record<string, unknown> {
  return 'lease_until' in row ? { ...row, lease_until: 0 } : row
}

type Folder = ReturnType<typeof temporaryFolder>

function temporaryFolder() {
  const path = mkdtempSync(join(tmpdir(), 'muster-backup-'))
  return {
    path,
    file: (name: string) => join(path, name),
    names: () => readdirSync(path).sort(),
    [Symbol.asyncDispose]: async () => rmSync(path, { recursive: true, force: true }),
  }
}
