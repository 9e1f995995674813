/** Time passes on a running server: 30 days after a deletion there is nobody any more. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { deleteUser, getUser, restoreUser } from '@muster/contracts'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import { eventually } from './eventually.ts'
import { spawnServer, temporaryFolder } from './server.ts'
import { startStackOfProcesses } from './stack.ts'

const DAY_MS = 24 * 60 * 60 * 1_000

onEitherDatabase(({ testWithUrl }) => {
  testWithUrl('who was deleted 30 days ago is purged by the server itself, and who returns is new', async (url) => {
    const folder = temporaryFolder()
    const clock = join(folder.path, 'clock')
    await using stack = await startStackOfProcesses(url, {
      people: 12,
      settings: { MUSTER_TEST: '1', MUSTER_TEST_CLOCK_FILE: clock },
    })
    await stack.syncOnce()
    const [leaver, restored] = (await stack.directory()).users
    for (const { id } of [leaver!, restored!]) await stack.ask(deleteUser, { params: { id } })

    await stack.ask(restoreUser, { params: { id: restored!.id } })

    writeFileSync(clock, String(31 * DAY_MS))
    await stack.server.stop()
    stack.replaceServer(await spawnServer(stack.settings))

    await eventually('the leaver is purged', async () => {
      const answer = await stack.send(`/api/v1/users/${leaver!.id}`)
      return answer.status === 404 && answer.json?.code === 'users/not-found'
    })
    assert.equal((await stack.ask(getUser, { params: { id: restored!.id } })).status, 'active')
    const run = await stack.syncOnce()
    assert.equal(run.counts.users.created, 1)
    assert.deepEqual(await stack.mistakes(), [])
    folder.remove()
  })
})
