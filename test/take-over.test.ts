/**
 * What becomes of a run whose process dies, stops or is frozen (threats.md ). On SQLite the next start
 * goes on with it; on PostgreSQL another process does, and whoever owned it before writes nothing more. Tests wait side
 * by side, because a dead process is noticed only when its lease of 15 seconds has run out.
 */
import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { approveRun, getRun, listChanges, startRun, updateConnection } from '@muster/contracts'
import { openDatabase } from '../server/src/database/database.ts'
import { tables, type TableName } from '../server/src/database/schema.ts'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import { createClient, type ApiClient } from './client.ts'
import { eventually } from './eventually.ts'
import { BOOTSTRAP_TOKEN, spawnServer, temporaryFolder, type ServerProcess } from './server.ts'
import { startStackOfProcesses, type Stack } from './stack.ts'

const LARGE = { people: 60, company: { departments: 8 } }

void describe('a run without its process', { concurrency: true }, () => {
  onEitherDatabase(({ dialect, testWithUrl }) => {
    testWithUrl('a preview begins its record anew and writes nothing', async (url) => {
      await using stack = await startStackOfProcesses(url)
      const id = await slowRun(stack, () => stack.startRun('preview'))

      await stack.server.kill()
      stack.control.clearFaults()
      stack.replaceServer(await spawnServer(stack.settings))

      const ended = await stack.finished(id)
      assert.equal(ended.state, 'previewed')
      assert.ok(isTakenOver(ended))
      const { people } = LARGE
      assert.equal(ended.counts.users.created, people)
      const query = { entity: 'user' as const, state: 'planned' as const, limit: 1 }
      assert.equal((await stack.ask(listChanges, { params: { id }, query })).total, people)
      assert.equal((await stack.directory()).users.filter(({ origin }) => origin === 'wecom').length, 0)
    })

    testWithUrl('an approval goes on to remove exactly what was approved', async (url) => {
      await using stack = await startStackOfProcesses(url, LARGE)
      await stack.ask(updateConnection, { params: { id: 'hq' }, body: { sync: { users: { onlyHere: 'disable' } } } })
      await stack.syncOnce()
      const branch = stack.control.truth(stack).departments.at(-1)!
      const range = { departments: [branch.id], members: [], tags: [] }
      stack.control.patchApp({ ...stack.app, corpId: stack.corpId, patch: { range } })
      const held = await stack.syncOnce()
      assert.ok(held.counts.users.held > 0)
      const body = { planHash: held.held!.planHash }
      const id = await slowRun(stack, () => stack.ask(approveRun, { params: { id: held.id }, body }))

      await stack.server.kill()
      stack.control.clearFaults()
      stack.replaceServer(await spawnServer(stack.settings))

      const ended = await stack.finished(id)
      assert.deepEqual([ended.state, ended.trigger, ended.originRunId], ['succeeded', 'approval', held.id])
      assert.ok(isTakenOver(ended))
      assert.equal(ended.counts.users.disabled, held.counts.users.held)
      assert.equal((await stack.ask(getRun, { params: { id: held.id } })).state, 'succeeded')
    })

    if (dialect === 'sqlite') {
      testWithUrl('a run that outlived four processes is not tried again', async (url) => {
        await using stack = await startStackOfProcesses(url)
        const id = await slowRun(stack, () => stack.startRun())

        await stack.server.kill()
        await asIfTakenOver(url, id, 3)
        stack.replaceServer(await spawnServer(stack.settings))

        const closed = await stack.finished(id)
        assert.deepEqual([closed.state, closed.error?.code], ['failed', 'sync/interrupted'])
        assert.match(closed.error?.detail ?? '', /4 processes/)
        stack.control.clearFaults()
        assert.equal((await stack.syncOnce()).state, 'succeeded')
        assert.deepEqual(await stack.mistakes(), [])
      })
      return
    }

    testWithUrl('of two processes one runs at a time, and takes over what the other left when it was killed', (url) =>
      withTwo(url, async ({ stack, first, second, other }) => {
        const id = await slowRun(stack, () => stack.startRun())
        await assert.rejects(other.ask(startRun, { params: { id: 'hq' }, body: { mode: 'apply' } }), {
          code: 'sync/run-active',
        })

        stack.control.clearFaults()
        await first.kill()
        stack.replaceServer(second)

        const ended = await stack.finished(id)
        assert.equal(ended.state, 'succeeded')
        assert.ok(isTakenOver(ended))
        assert.match(second.log(), /"msg":"took over a run whose process is gone"/)
        assert.deepEqual(await stack.mistakes(), [])
      }),
    )

    testWithUrl('a process that stops hands its run over, and the other goes on with it', (url) =>
      withTwo(url, async ({ stack, first, second }) => {
        const id = await slowRun(stack, () => stack.startRun())

        stack.control.clearFaults()
        assert.equal(await first.terminate(), 0)
        stack.replaceServer(second)

        assert.equal((await stack.finished(id)).state, 'succeeded')
        // Not by waiting for a lease to run out: it was let go of.
        assert.match(second.log(), /"msg":"goes on with a run that its process let go of"/)
        assert.deepEqual(await stack.mistakes(), [])
      }),
    )

    testWithUrl('a process that was frozen and wakes up after the take-over writes nothing', (url) =>
      withTwo(url, async ({ stack, first, other }) => {
        stack.control.addFault({ endpoint: 'user/list', effect: { kind: 'latency', ms: 1_000 } })
        const { id } = await stack.startRun()
        await readingPeople(stack)
        first.freeze()
        try {
          stack.control.clearFaults()
          const carriedOut = await eventually('the other process carried the run out', async () => {
            const run = await other.ask(getRun, { params: { id } })
            return run.state !== 'running' && run
          })
          assert.equal(carriedOut.state, 'succeeded')
          const before = await everything(url)
          stack.control.clearCalls()

          first.thaw()
          await eventually('the first process noticed', () => first.log().includes('the run is not ours any more'))
          await eventually('it left WeCom alone', () => stack.control.countCalls().inFlight === 0)

          assert.deepEqual(await everything(url), before)
        } finally {
          first.thaw()
        }
        const ended = await stack.finished(id) // asks the first process, which serves again
        assert.ok(isTakenOver(ended))
        assert.deepEqual(await stack.mistakes(), [])
        assert.equal((await stack.syncOnce()).state, 'succeeded')
      }),
    )

    testWithUrl('switching sync off in one process cancels the run of the other, and nobody takes it over', (url) =>
      withTwo(url, async ({ stack, first, second, other }) => {
        const id = await slowRun(stack, () => stack.startRun())

        await other.ask(updateConnection, { params: { id: 'hq' }, body: { sync: { enabled: false } } })

        assert.equal((await stack.finished(id)).state, 'cancelled')
        await eventually('its process noticed', () => first.log().includes('the run is not ours any more'))
        await eventually('WeCom was left alone', () => stack.control.countCalls().inFlight === 0)

        stack.control.clearFaults()
        await first.kill()
        stack.replaceServer(second)
        await stack.ask(updateConnection, { params: { id: 'hq' }, body: { sync: { enabled: true } } })
        assert.equal((await stack.syncOnce()).state, 'succeeded')
        assert.equal((await stack.ask(getRun, { params: { id } })).state, 'cancelled')
      }),
    )
  })
})

/** Two processes on one database; the stack talks to the first. */
async function withTwo(
  url: string,
  body: (two: {
    stack: Stack<ServerProcess>
    first: ServerProcess
    second: ServerProcess
    other: ApiClient
  }) => Promise<void>,
): Promise<void> {
  await using stack = await startStackOfProcesses(url)
  const folder = temporaryFolder()
  const first = stack.server
  const second = await spawnServer({ ...stack.settings, MUSTER_DATA_DIR: folder.path })
  try {
    await body({ stack, first, second, other: createClient(second.origin, BOOTSTRAP_TOKEN) })
  } finally {
    await second.stop()
    folder.remove()
  }
}

/** Starts a run that reads people and does not get on with it. @returns its id */
async function slowRun(stack: Stack, start: () => Promise<{ id: string }>): Promise<string> {
  stack.control.clearCalls()
  stack.control.addFault({ endpoint: 'user/list', effect: { kind: 'latency', ms: 60_000 } })
  const { id } = await start()
  await readingPeople(stack)
  return id
}

async function readingPeople(stack: Stack): Promise<void> {
  // As soon as one has been asked, and not when it was answered: then all are, and the run is nearly over.
  const isAsking = () => {
    const { count, inFlight } = stack.control.countCalls({ endpoint: 'user/list' })
    return count + inFlight > 0
  }
  await eventually('the run reads people', isAsking, { pauseMs: 5 })
}

function isTakenOver({ warnings }: { readonly warnings: readonly { readonly code: string }[] }): boolean {
  return warnings.filter(({ code }) => code === 'taken-over').length === 1
}

/** Writes into the record what three deaths would have written, in a tenth of their time. */
async function asIfTakenOver(url: string, id: string, takeovers: number): Promise<void> {
  const database = await openDatabase(url)
  try {
    await database.kysely.updateTable('runs').set({ takeovers }).where('id', '=', id).execute()
  } finally {
    await database.close()
  }
}

/** Every row of every table. */
async function everything(url: string): Promise<Record<string, unknown[]>> {
  const database = await openDatabase(url)
  try {
    const found: Record<string, unknown[]> = {}
    for (const table of Object.keys(tables) as TableName[]) {
      // Not of the run: what each process may ask of WeCom just now, which it gives back when it wakes up.
      if (table === 'wecom_budgets') continue
      const rows = await database.kysely.selectFrom(table).selectAll().execute()
      // What search looks at is made in the background, whenever there is time.
      found[table] = rows.map((row) => JSON.stringify({ ...row, search_text: null })).sort()
    }
    return found
  } finally {
    await database.close()
  }
}
