/** Group commit: each piece is alone in success and failure, and nothing is acknowledged that a crash could take back. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { Kysely, sql } from 'kysely'
import { onEachDatabase } from '../../test-support/databases.ts'
import { openDatabase, type Database } from './database.ts'
import { openSqliteFile } from './sqlite.ts'

const add = (database: Database, name: string, value = 'x') =>
  database.inSharedTransaction(async (tx) => {
    await tx.kysely.insertInto('installation').values({ name, value }).execute()
    return name
  })

const names = async (database: Database) =>
  (await database.kysely.selectFrom('installation').select('name').orderBy('name').execute()).map(({ name }) => name)

onEachDatabase(({ dialect, test, testWithUrl }) => {
  test('of many at once, those that fail fail alone', async (database) => {
    const wanted = Array.from({ length: 100 }, (_, index) => `n${String(index).padStart(3, '0')}`)
    const settled = await Promise.allSettled(
      wanted.map((name, index) =>
        index % 10 === 5
          ? database.inSharedTransaction(async (tx) => {
              await tx.kysely.insertInto('installation').values({ name, value: 'undone' }).execute()
              if (index % 20 === 5) throw new Error('changed its mind')
              await tx.kysely.insertInto('installation').values({ name, value: 'twice' }).execute()
            })
          : add(database, name),
      ),
    )

    const kept = wanted.filter((_, index) => index % 10 !== 5)
    assert.deepEqual(
      settled.flatMap(({ status }, index) => (status === 'rejected' ? [index] : [])),
      wanted.flatMap((_, index) => (index % 10 === 5 ? [index] : [])),
    )
    assert.deepEqual(await names(database), kept)
  })

  test('transactions and shared ones keep out of each other', async (database) => {
    await Promise.all([
      ...Array.from({ length: 20 }, (_, index) => add(database, `shared${index}`)),
      database.inTransaction(async (tx) => {
        await tx.kysely.insertInto('installation').values({ name: 'own', value: 'x' }).execute()
        await sql`select 1`.execute(tx.kysely)
      }),
      ...Array.from({ length: 5 }, () =>
        assert.rejects(
          database.inTransaction(async (tx) => {
            await tx.kysely.insertInto('installation').values({ name: 'lost', value: 'x' }).execute()
            throw new Error('no')
          }),
        ),
      ),
    ])

    assert.equal((await names(database)).length, 21)
    assert.ok(!(await names(database)).includes('lost'))
  })

  test('one of many is seen at once and fails alone', async (database) => {
    const addOne = (name: string, fails = false) =>
      database.inTransactionOfMany(async (tx) => {
        await tx.kysely.insertInto('installation').values({ name, value: 'x' }).execute()
        if (fails) throw new Error('changed its mind')
        return name
      })

    assert.equal(await addOne('first'), 'first')
    await assert.rejects(addOne('undone', true), /changed its mind/)
    await Promise.all([addOne('second'), add(database, 'shared'), addOne('third')])

    assert.deepEqual(await names(database), ['first', 'second', 'shared', 'third'])
  })

  testWithUrl('what was one of many when the process let go of the database is kept', async (url) => {
    const before = await openDatabase(url)
    for (const name of ['first', 'second']) {
      await before.inTransactionOfMany((tx) =>
        tx.kysely.insertInto('installation').values({ name, value: 'x' }).execute(),
      )
    }
    await before.close()

    const after = await openDatabase(url)
    const kept = await names(after)
    await after.close()

    assert.deepEqual(kept, ['first', 'second'])
  })

  if (dialect === 'sqlite') {
    test('what is waiting at the same moment shares one commit, and none is told before it', async (database) => {
      const seen: number[] = []
      const pieces = Array.from({ length: 40 }, (_, index) =>
        database
          .inSharedTransaction(async (tx) => {
            await tx.kysely
              .insertInto('installation')
              .values({ name: `n${index}`, value: 'x' })
              .execute()
            const { rows } = await sql<{ count: number }>`select count(*) as count from installation`.execute(tx.kysely)
            return rows[0]!.count
          })
          // Whoever was told before the commit would not see them all told at once.
          .then((count) => void seen.push(count)),
      )
      await pieces[0]
      const toldTogether = seen.length
      await Promise.all(pieces)

      assert.equal(toldTogether, 40)
      assert.deepEqual(
        seen.toSorted((one, other) => one - other),
        Array.from({ length: 40 }, (_, index) => index + 1),
      )
    })

    test('when the whole transaction is lost, everybody in it hears so, and those after it go on', async (database) => {
      const full = await Promise.allSettled([
        add(database, 'before'),
        database.inSharedTransaction(async (tx) => {
          // As SQLite does by itself when the disk is full.
          await sql`rollback`.execute(tx.kysely)
          throw new Error('database or disk is full')
        }),
        add(database, 'after'),
      ])

      assert.deepEqual(
        full.map(({ status }) => status),
        ['rejected', 'rejected', 'rejected'],
      )
      assert.deepEqual(await names(database), [])
      assert.equal(await add(database, 'later'), 'later')
    })

    testWithUrl('what a disk may not have taken is moved into the file before anything else happens', async (url) => {
      let isBroken = false
      const opened = openSqliteFile(url.slice('sqlite:'.length), async () => {
        if (isBroken) throw new Error('EIO')
      })
      const kysely = new Kysely<object>({ dialect: opened.dialect })
      const run = async (statement: string) =>
        (await sql<Record<string, number>>`${sql.raw(statement)}`.execute(kysely)).rows
      const write = () => opened.withoutFlush(async () => void (await run('insert into t values (1)')))
      await run('create table t (n integer not null)')
      await write()
      await opened.flush()
      const [before] = await run('pragma wal_checkpoint(passive)')

      isBroken = true
      await write()
      await assert.rejects(opened.flush(), { code: 'database/unavailable' })
      isBroken = false
      await write()
      await opened.flush()

      const [after] = await run('pragma wal_checkpoint(passive)')
      assert.ok(before!['log']! > 1)
      // The log began anew: it holds the last write and nothing of the one in doubt.
      assert.equal(after!['log'], 1)
      assert.equal((await run('select * from t')).length, 3)
      assert.equal((await run('pragma synchronous'))[0]!['synchronous'], 2)
      await kysely.destroy()
    })

    testWithUrl('kill -9 takes nothing back that was acknowledged', async (url) => {
      await (await openDatabase(url)).close()
      const child = spawn(process.execPath, ['--input-type=module', '--eval', WRITER], {
        env: { URL: url, MODULE: join(import.meta.dirname, 'database.ts') },
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      let output = ''
      child.stdout.setEncoding('utf8')
      for await (const chunk of child.stdout) {
        output += chunk
        if (output.split('\n').length > 500) child.kill('SIGKILL')
      }
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      const acknowledged = output.slice(0, output.lastIndexOf('\n')).split('\n')

      const database = await openDatabase(url)
      const kept = new Set(await names(database))
      await database.close()

      assert.ok(acknowledged.length > 400)
      assert.deepEqual(
        acknowledged.filter((name) => !kept.has(name)),
        [],
      )
    })
  }
})

/** Writes without end, thirty pieces at a time, and says which are acknowledged. */
const WRITER = `
  import { writeSync } from 'node:fs'
  const { openDatabase } = await import(process.env.MODULE)
  const database = await openDatabase(process.env.URL)
  await Promise.all(Array.from({ length: 30 }, async (_, writer) => {
    for (let count = 0; ; count++) {
      const name = writer + '-' + count
      await database.inSharedTransaction((tx) =>
        tx.kysely.insertInto('installation').values({ name, value: 'x' }).execute())
      writeSync(1, name + '\\n')
    }
  }))
`
