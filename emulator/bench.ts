/**
 * Measures how fast the emulator answers `user/list`, beside the floor: a bare node:http server that sends one constant
 * body of the average size. `node emulator/bench.ts [people]`. The callers share the machine, so run it on two cores or more.
 */

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Agent, createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'

import { startEmulator } from './src/index.ts'

const callers = 16
const secondsPerRound = 4

interface Round {
  answers: number
  bytes: number
  tookMs: number
}

interface Order {
  urls: string[]
  ms: number
}

// The callers are this same file in a process of their own, so that the server has a core to itself and its memory is its own.
if (process.send) process.once('message', (order: Order) => void callAll(order).then((round) => process.send?.(round)))
else await main()

async function main(): Promise<void> {
  const people = Number(process.argv[2] ?? 100_000)
  const before = performance.now()
  const emulator = await startEmulator({ companies: [{ people, seed: 'bench' }] })
  const startMs = performance.now() - before
  const { control, apiUrl } = emulator
  const nothing = {
    perMinute: null,
    perHour: null,
    perAddressPerMinute: null,
    perAddressPerHour: null,
    concurrency: null,
  }
  control.changeSettings({ limits: nothing })
  const [company] = control.companies()
  const [app] = company?.apps ?? []
  if (!company || !app) throw new Error('no company to measure')
  const { accessToken } = control.mintToken({ corpId: company.corpId, agentId: app.agentId })
  const startRssMb = rssMb()
  const ids = departmentIds(await read(`${apiUrl}/cgi-bin/department/simplelist?access_token=${accessToken}`))
  const urls = ids.map((id) => `${apiUrl}/cgi-bin/user/list?access_token=${accessToken}&department_id=${id}`)

  const cold = await measure(urls, Math.min(secondsPerRound, 2) * 1000)
  const warm = await measure(urls, secondsPerRound * 1000)
  const averageBytes = Math.round(warm.bytes / warm.answers)
  const endRssMb = rssMb()

  const body = Buffer.alloc(averageBytes, 'x')
  const floorServer = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length })
    response.end(body)
  })
  floorServer.listen(0, '127.0.0.1')
  await once(floorServer, 'listening')
  const floor = await measure(
    [`http://127.0.0.1:${(floorServer.address() as AddressInfo).port}/`],
    secondsPerRound * 1000,
  )
  floorServer.close()
  floorServer.closeAllConnections()
  await emulator.close()

  console.log(`company             ${company.people} people, ${company.departments} departments`)
  console.log(`start               ${Math.round(startMs)} ms`)
  console.log(`memory              ${startRssMb} MB after the start, ${endRssMb} MB after the calls`)
  console.log(`user/list, first    ${perSecond(cold)} answers/s`)
  console.log(`user/list, again    ${perSecond(warm)} answers/s of ${averageBytes} bytes on average`)
  console.log(`floor               ${perSecond(floor)} answers/s`)
  console.log(`ratio to the floor  ${(perSecond(warm) / perSecond(floor)).toFixed(2)}`)
}

function rssMb(): number {
  return Math.round(process.memoryUsage().rss / 1e6)
}

function departmentIds(reply: string): number[] {
  return (JSON.parse(reply) as { department_id: { id: number }[] }).department_id.map(({ id }) => id)
}

function perSecond({ answers, tookMs }: Round): number {
  return Math.round((answers * 1000) / tookMs)
}

async function measure(urls: string[], ms: number): Promise<Round> {
  const callers = fork(new URL(import.meta.url))
  const order: Order = { urls, ms }
  callers.send(order)
  const [round] = (await once(callers, 'message', { signal: AbortSignal.timeout(ms + 30_000) })) as [Round]
  callers.disconnect()
  return round
}

async function callAll({ urls, ms }: Order): Promise<Round> {
  const agent = new Agent({ keepAlive: true, maxSockets: callers })
  const startedAt = performance.now()
  let next = 0
  let answers = 0
  let bytes = 0
  const caller = async () => {
    while (performance.now() - startedAt < ms) {
      const body = await read(urls[next++ % urls.length] ?? '', agent)
      bytes += body.length
      answers++
    }
  }
  await Promise.all(Array.from({ length: callers }, caller))
  agent.destroy()
  return { answers, bytes, tookMs: performance.now() - startedAt }
}

/** One character per byte: the callers only count. */
function read(url: string, agent?: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request(url, { agent, timeout: 10_000 }, (response) => {
      let body = ''
      response.setEncoding('latin1')
      response.on('data', (chunk: string) => {
        body += chunk
      })
      response.on('end', () => resolve(body))
      response.on('error', reject)
    })
    call.on('error', reject).end()
  })
}
