/**
 * Measures how fast callbacks are sent: changes every member of a company once, and waits until each event was delivered to
 * a receiver that accepts it without looking. `node emulator/bench-callbacks.ts [people]`.
 */

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import { startEmulator } from './src/index.ts'

// The receiver is this same file in a process of its own, so that its work does not count as the sender's.
if (process.send) await receive()
else await main()

async function main(): Promise<void> {
  const people = Number(process.argv[2] ?? 10_000)
  const receiver = fork(new URL(import.meta.url))
  const [port] = (await once(receiver, 'message', { signal: AbortSignal.timeout(30_000) })) as [number]
  const { control, close } = await startEmulator({ companies: [{ people, seed: 'bench' }] })
  const corpId = control.companies()[0]?.corpId ?? ''
  const userids = control.truth({ corpId }).members.map(({ userid }) => userid)
  const keys = { token: 'bench', encodingAesKey: 'b'.repeat(43) }
  const url = `http://127.0.0.1:${port}/`
  await control.setCallback({ corpId, agentId: 0, url, ...keys, form: 'full', unchecked: true })

  const startedAt = performance.now()
  for (const [index, userid] of userids.entries()) {
    control.patchMember({ corpId, userid, patch: { position: `职位 ${index}` }, unchecked: true })
  }
  const changedMs = performance.now() - startedAt
  const { delivered, failed } = await control.deliveriesSettled()
  const tookMs = performance.now() - startedAt

  await close()
  receiver.disconnect()
  console.log(`changes    ${userids.length} in ${Math.round(changedMs)} ms, each with its event`)
  console.log(`delivered  ${delivered} in ${Math.round(tookMs)} ms, ${failed} failed`)
  console.log(`rate       ${Math.round((delivered * 1000) / tookMs)} events/s`)
  console.log(`memory     ${Math.round(process.memoryUsage().rss / 1e6)} MB`)
}

async function receive(): Promise<void> {
  const server = createServer((request, response) => {
    request.resume().once('end', () => response.end('success'))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  process.send?.((server.address() as AddressInfo).port)
  process.once('disconnect', () => server.close().closeAllConnections())
}
