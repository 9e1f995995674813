/**
 * What is sent to the callback address of a server in the events benchmark: genuine deliveries, in turns with the floor,
 * until they are acknowledged; and damaged ones, while the server says for how long it stood still.
 */
import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { createCallbackCrypto } from '@muster/wecom'
import { Pool, request } from 'undici'
import { createRandom } from '../../server/test-support/random.ts'
import { createMutations, type Genuine } from '../../test/callback-mutations.ts'
import { AES_KEY, contactEvent, envelope, queryOf, TOKEN } from '../../test/callback-sender.ts'
import type { EventsFloorOrder } from './events-floor.ts'
import { atOnce, callbackAddress, spreadOf, type Measure, type Scene, type Spread } from './events-scene.ts'
import type { Site } from './site.ts'

/** Between two deliveries, so that they do not become the load themselves. */
const PAUSE_MS = 20
const HOSTILE_AT_ONCE = 8
const DISK_BLOCK_BYTES = 8_192
const DISK_BLOCKS = 128
const DISK_PAUSE_MS = 10
/** At the 99th percentile, when idle. */
export const ACKNOWLEDGEMENT_LIMIT_MS = 50

export type Floor = {
  readonly url: string
  /** Brings a few kilobytes to the disk: nothing that is kept can be faster. */
  keep(): Promise<void>
  stop(): Promise<void>
}

/** @param folder on the disk on which the databases are */
export async function startFloor({ emulator }: Scene, folder: string, signal: AbortSignal): Promise<Floor> {
  const child = fork(new URL('events-floor.ts', import.meta.url), { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
  const order: EventsFloorOrder = { token: TOKEN, encodingAesKey: AES_KEY, receiveId: emulator.company.corpId }
  child.send(order)
  const [port] = (await once(child, 'message', { signal })) as [number]
  const disk = await openDisk(folder)
  return {
    url: `http://127.0.0.1:${port}/`,
    keep: disk.keep,
    async stop() {
      child.kill('SIGKILL') // it has nothing to tidy up
      await disk.close()
    },
  }
}

/** A file that is written over again and again, as a write-ahead log is: each time it is on the disk before it counts. */
async function openDisk(folder: string) {
  const file = await open(join(folder, 'disk'), 'w')
  await file.write(Buffer.alloc(DISK_BLOCKS * DISK_BLOCK_BYTES))
  await file.sync()
  const block = randomBytes(DISK_BLOCK_BYTES)
  let place = 0
  return {
    async keep(): Promise<void> {
      await file.write(block, 0, block.length, (place++ % DISK_BLOCKS) * DISK_BLOCK_BYTES)
      await file.datasync()
    },
    close: () => file.close(),
  }
}

export type Acknowledged = {
  readonly server: Spread
  readonly floor: Spread
  /** Of keeping a few kilobytes, again and again all the while: who takes turns with the server never meets its stalls. */
  readonly disk: Spread
  /** How many took longer than they may when idle, and during how many of them the disk had stalled at least half the time. */
  readonly slow: { readonly count: number; readonly ofDisk: number }
}

/** The same kind of delivery to the server and to the floor in turns, one at a time. */
export async function measureDeliveries(
  scene: Scene,
  floor: Floor,
  { wanted, isOver, signal }: Measure,
): Promise<Acknowledged> {
  const { corpId } = scene.emulator.company
  const crypto = createCallbackCrypto({ token: TOKEN, encodingAesKey: AES_KEY, receiveIds: [corpId] })
  const targets = { server: callbackAddress(scene), floor: floor.url } as const
  const pools = { server: new Pool(scene.origin), floor: new Pool(new URL(floor.url).origin) } as const
  const spans = { server: [] as Span[], floor: [] as Span[] }
  const disk = watchDisk(floor, signal)
  try {
    for (let place = 0; spans.server.length < wanted || !isOver(); place++) {
      signal.throwIfAborted()
      for (const target of ['server', 'floor'] as const) {
        const userid = scene.subjects[place % scene.subjects.length]!
        const message = contactEvent(corpId, 'update_user', { UserID: userid, Department: '1' })
        const sealed = crypto.seal(message, {
          timestamp: String(Math.floor(Date.now() / 1000)),
          nonce: `bench${place}`,
        })
        const body = envelope(sealed.ciphertext, corpId)
        const path = `${new URL(targets[target]).pathname}?${queryOf(sealed)}`
        const from = performance.now()
        await deliver(pools[target], { path, body }, signal)
        spans[target].push({ from, to: performance.now() })
      }
      await delay(PAUSE_MS, undefined, { signal })
    }
    const kept = await disk.stop()
    const slow = spans.server.filter((span) => lengthOf(span) > ACKNOWLEDGEMENT_LIMIT_MS)
    return {
      server: spreadOf(spans.server.map(lengthOf)),
      floor: spreadOf(spans.floor.map(lengthOf)),
      disk: spreadOf(kept.map(lengthOf)),
      slow: { count: slow.length, ofDisk: slow.filter((span) => isStalled(span, kept)).length },
    }
  } finally {
    await disk.stop()
    await Promise.all([pools.server.close(), pools.floor.close()])
  }
}

/** By the clock of `performance`. */
type Span = { readonly from: number; readonly to: number }

function lengthOf({ from, to }: Span): number {
  return to - from
}

/** Whether something else was waiting for the disk for at least half of it. */
function isStalled(span: Span, kept: readonly Span[]): boolean {
  const common = kept.map(({ from, to }) => Math.max(0, Math.min(span.to, to) - Math.max(span.from, from)))
  return common.some((ms) => ms >= lengthOf(span) / 2)
}

function watchDisk(floor: Floor, signal: AbortSignal) {
  const kept: Span[] = []
  const stopping = new AbortController()
  const ended = (async () => {
    while (!stopping.signal.aborted && !signal.aborted) {
      const from = performance.now()
      await floor.keep()
      kept.push({ from, to: performance.now() })
      await delay(DISK_PAUSE_MS)
    }
  })()
  return {
    /** @returns when it was waited for, each time */
    async stop(): Promise<readonly Span[]> {
      stopping.abort()
      await ended
      return kept
    },
  }
}

/** What the database was too slow for is sent again, as WeCom does it, and is acknowledged so much later. */
async function deliver(pool: Pool, { path, body }: { path: string; body: string }, signal: AbortSignal): Promise<void> {
  for (;;) {
    const headers = { 'content-type': 'text/xml' }
    const answer = await pool.request({ method: 'POST', path, headers, body, signal })
    const text = await answer.body.text()
    if (answer.statusCode === 200 && text === 'success') return
    if (answer.statusCode !== 503) throw new Error(`A delivery was answered with ${answer.statusCode}.`)
  }
}

/** For how many milliseconds the event loop stood still at most: the floor's tells what the machine has to do with it. */
export type Stall = { readonly server: number; readonly floor: number }

export type Hostile = {
  readonly sent: number
  readonly byStatus: Readonly<Record<string, number>>
  readonly stall: Stall
}

// ---- Damaged callbacks ----------------------------------------------------------------------------------------------

export async function measureHostile(scene: Scene, floor: Floor, count: number, signal: AbortSignal): Promise<Hostile> {
  const { corpId } = scene.emulator.company
  const crypto = createCallbackCrypto({ token: TOKEN, encodingAesKey: AES_KEY, receiveIds: [corpId] })
  const genuine = scene.subjects.slice(0, 50).map((userid, place): Genuine => {
    const stamp = { timestamp: String(Math.floor(Date.now() / 1000)), nonce: `genuine${place}` }
    return crypto.seal(contactEvent(corpId, 'update_user', { UserID: userid, Department: '1' }), stamp)
  })
  const mutate = createMutations({
    random: createRandom(1),
    corpId,
    userids: scene.subjects,
    departmentIds: [...scene.departments.keys()],
    genuine,
    now: Date.now,
  })
  const byStatus: Record<string, number> = {}
  const pool = new Pool(scene.origin, { connections: HOSTILE_AT_ONCE })
  const path = new URL(callbackAddress(scene)).pathname
  let sent = 0

  await readStall(scene, floor)
  await atOnce(HOSTILE_AT_ONCE, async () => {
    if (sent >= count) return false
    signal.throwIfAborted()
    const knows = (['nothing', 'nothing', 'token', 'key'] as const)[sent++ % 4]!
    const { method, query, body, contentType } = mutate(knows)
    const headers = contentType === null ? {} : { 'content-type': contentType }
    const answer = await pool.request({ method, path: path + query, body, headers })
    await answer.body.dump()
    byStatus[answer.statusCode] = (byStatus[answer.statusCode] ?? 0) + 1
    return true
  })
  await pool.close()
  return { sent: count, byStatus, stall: await readStall(scene, floor) }
}

/** Since the last time that it was asked. */
export async function readStall({ origin }: Site, floor: Floor): Promise<Stall> {
  const metrics = await (await request(`${origin}/metrics`)).body.text()
  const bare = await (await request(floor.url)).body.text()
  const seconds = /^nodejs_eventloop_lag_max_seconds (.+)$/m.exec(metrics)?.[1]
  return { server: Number(seconds) * 1_000, floor: Number(bare) }
}
