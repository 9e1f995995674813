import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'

const DEADLINE_MS = 20_000

/** Starts a cluster, prints its address, and waits to be killed. */
const HOLDER = `
import { startPostgres } from ${JSON.stringify(join(import.meta.dirname, 'postgres.ts'))}
const outcome = await startPostgres({ searchPath: process.env.PATH })
console.log(JSON.stringify(outcome))
setInterval(() => {}, 1000)
`

test('the throw-away PostgreSQL listens on this machine only, and dies with a process that is killed', async (t) => {
  const holder = spawn(process.execPath, ['--input-type=module', '--eval', HOLDER], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => holder.kill('SIGKILL'))
  const [line] = (await once(holder.stdout.setEncoding('utf8'), 'data')) as [string]
  const outcome = JSON.parse(line)
  if (outcome.kind === 'unavailable') return t.skip(outcome.reason)
  const { hostname, port } = new URL(outcome.cluster.url)

  const before = await isListening(Number(port))
  holder.kill('SIGKILL')
  await once(holder, 'exit')

  assert.equal(hostname, '127.0.0.1')
  assert.equal(before, true)
  const deadline = performance.now() + DEADLINE_MS
  while (await isListening(Number(port))) {
    assert.ok(performance.now() < deadline, 'it is still running')
    await delay(20)
  }
})

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
