/**
 * `./muster bench events`: how long it takes until a change in WeCom is in the directory and until a callback is
 * acknowledged, both when idle and during full syncs; what becomes of ten thousand changes in a minute; and whether
 * damaged callbacks make the server stand still (product.md §4.5). Printed by events-report.ts.
 *
 * What keeps it honest: changes are made in the emulator, which tells of them as WeCom does today, without the fields of
 * people; they count when the admin API shows them. Every call to WeCom takes CALL_MS. The acknowledgement has a floor
 * (events-floor.ts), called in turns with the server, so that what the machine does meanwhile hits both. The floor keeps
 * nothing, and an acknowledgement waits for the disk: what the disk takes for a few kilobytes is measured beside.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { call, getDepartment, getUser, listUsers, type Transport } from '@muster/contracts'
import { Agent } from 'undici'
import type { DeliveryTotals, SettingsPatch } from '../../emulator/src/index.ts'
import { createRandom } from '../../server/test-support/random.ts'
import { AES_KEY, TOKEN } from '../../test/callback-sender.ts'
import type { DatabaseKind } from './databases.ts'
import {
  measureDeliveries,
  measureHostile,
  readStall,
  startFloor,
  type Acknowledged,
  type Floor,
  type Hostile,
  type Stall,
} from './events-deliveries.ts'
import {
  appeared,
  atOnce,
  control,
  describe,
  everyDepartment,
  everyUser,
  eventsSince,
  placesOf,
  setTheScene,
  settled,
  spreadOf,
  twoDepartments,
  type Measure,
  type Scene,
  type Spread,
} from './events-scene.ts'
import { signInOnce } from './signin-flow.ts'
import { addressOf, CONNECTION, withSite, type Bench } from './site.ts'
import { onEachDatabase, runToItsEnd, thisMachine, type Machine } from './surroundings.ts'

export type EventsBenchmark = {
  readonly machine: Machine
  readonly results: readonly EventsResult[]
  readonly problems: readonly string[]
  readonly skipped: readonly string[]
}

/** What can be measured by itself, in this order. Idle is before anything else has happened to the server. */
export const EVENTS_PARTS = ['idle', 'syncs', 'burst', 'damaged'] as const
export type EventsPart = (typeof EVENTS_PARTS)[number]

export type Circumstances = 'idle' | 'during full syncs' | 'during the burst'

export type EventsResult = {
  readonly database: DatabaseKind
  readonly people: number
  readonly departments: number
  /** How long the server took to answer the verification of its address. */
  readonly verificationMs: number
  /** From the change to the directory. */
  readonly lags: readonly { readonly when: Circumstances; readonly spread: Spread }[]
  readonly acknowledgements: readonly ({ readonly when: Circumstances } & Acknowledged)[]
  readonly fullSyncs: readonly number[]
  readonly signIns: readonly { readonly when: Circumstances; readonly spread: Spread }[]
  /** Undefined: not asked for. */
  readonly burst: Burst | undefined
  readonly hostile: Hostile | undefined
}

export type Burst = {
  readonly changes: number
  readonly seconds: number
  /** Who are changed, each several times, in no order. */
  readonly people: number
  readonly stall: Stall
  /** Acknowledged, by the emulator's record. */
  readonly delivered: number
  readonly kept: number
  readonly applied: number
  /** Whose directory entry is not what was changed last. */
  readonly wrong: number
  /** Those of the deliveries that were measured beside among them. */
  readonly events: number
  readonly objects: number
  /** Calls of `user/get` because of them: those of the sign-ins beside are left out. */
  readonly questions: number
  /** From the last change to the end of the last event. */
  readonly settledAfterMs: number
  /** From the reception of an event to the end of the work on it, by the server's clock. */
  readonly lag: Spread
}

/** As over the internet. */
export const CALL_MS = 20
/** How often something is measured when idle, and at least during full syncs. */
export type Samples = { readonly changes: number; readonly deliveries: number; readonly signIns: number }
const SAMPLES: Samples = { changes: 60, deliveries: 300, signIns: 75 }
const LONGEST_PAUSE_MS = 800
const HOSTILE = 10_000
export const STALL_LIMIT_MS = 200
/** A server that stands still no longer than so many times what the bare program does is at the mercy of the machine. */
const MACHINE_SHARE = 3
export const BURST_MS = 60_000
/** So many are changed ten times each by ten thousand events. */
const CHANGES_EACH = 10
const TICK_MS = 50
/** Between two sign-ins, so that they do not become the load themselves. */
const PAUSE_MS = 20
/** Of everybody, without a word, before every full sync: so that there is something to write. */
const SILENT_SHARE = 0.1
const CONTROLS_AT_ONCE = 16
const FEWEST_SYNCS = 2
const SYNC_TIMEOUT_MS = 5 * 60_000
const PAGE = 500
const BURST = 10_000

export async function benchEvents({
  people,
  events,
  parts = EVENTS_PARTS,
  samples = SAMPLES,
  databases,
  profileDirectory,
  searchPath,
  signal,
  onProgress,
}: {
  people: number
  /** Of the burst, at the pace of ten thousand in a minute. */
  events: number
  parts?: readonly EventsPart[]
  samples?: Samples
  databases: readonly DatabaseKind[]
  /** Where to write CPU profiles of the server; undefined: none. */
  profileDirectory: string | undefined
  /** The value of PATH, to find PostgreSQL on. */
  searchPath: string
  signal: AbortSignal
  onProgress: (line: string) => void
}): Promise<EventsBenchmark> {
  const machine = thisMachine()
  const results: EventsResult[] = []
  const skipped = await onEachDatabase({ databases, searchPath, signal }, async (place) => {
    const bench = {
      ...place,
      profileDirectory,
      signal,
      onProgress: (line: string) => onProgress(`${place.kind}: ${line}`),
    }
    results.push(await measure(bench, { people, events, parts, samples }))
  })
  return { machine, results, problems: results.flatMap(judge), skipped }
}

/** What is wrong however slow the machine is. How long things took stands beside its target. */
function judge({ database, burst, hostile, departments, people }: EventsResult): string[] {
  const found: string[] = []
  if (people === 0 || departments === 0) found.push('nobody was synchronized')
  if (burst !== undefined) found.push(...judgeBurst(burst))
  if (hostile !== undefined) found.push(...judgeHostile(hostile))
  return found.map((what) => `${database}: ${what}`)
}

function judgeBurst({ changes, delivered, kept, applied, wrong }: Burst): string[] {
  const found: string[] = []
  if (delivered !== changes) found.push(`${changes - delivered} of ${changes} events were not acknowledged`)
  if (kept !== delivered) found.push(`${delivered} events were acknowledged and ${kept} kept`)
  if (applied !== kept) found.push(`${kept - applied} of ${kept} events were not applied`)
  if (wrong > 0) found.push(`${wrong} people are not where they were moved to`)
  return found
}

function judgeHostile({ byStatus, stall }: Hostile): string[] {
  const found: string[] = []
  const strange = Object.keys(byStatus).filter((status) => !['200', '403', '413'].includes(status))
  if (strange.length > 0) found.push(`damaged callbacks were answered with ${strange.join(', ')}`)
  if (stall.server > STALL_LIMIT_MS && stall.server > MACHINE_SHARE * stall.floor) {
    found.push(`over damaged callbacks the server stood still for ${stall.server.toFixed(0)} ms`)
  }
  return found
}

type Order = {
  readonly people: number
  readonly events: number
  readonly parts: readonly EventsPart[]
  readonly samples: Samples
}

async function measure(bench: Bench, { people, events, parts, samples }: Order): Promise<EventsResult> {
  const connection = {
    callback: { token: TOKEN, aesKey: AES_KEY },
    sync: { enabled: true, realTime: true, users: { onlyHere: 'disable' } },
  } as const
  return withSite(bench, { people, name: 'events', connection }, async (site) => {
    const { signal, onProgress } = bench
    await runToItsEnd(site.api, CONNECTION, AbortSignal.any([signal, AbortSignal.timeout(SYNC_TIMEOUT_MS)]))
    await control(site, 'changeSettings', { latencyMs: CALL_MS } satisfies SettingsPatch)
    const scene = await setTheScene(site, signal)
    const floor = await startFloor(scene, bench.folder, signal)
    try {
      onProgress(`${scene.users.length} people in ${scene.departments.size} departments`)
      const [lags, acknowledgements, signIns] = [
        [] as EventsResult['lags'][number][],
        [] as EventsResult['acknowledgements'][number][],
        [] as EventsResult['signIns'][number][],
      ]
      let fullSyncs: readonly number[] = []
      let burst: Burst | undefined
      let hostile: Hostile | undefined

      if (parts.includes('idle')) {
        const isOver = () => true
        lags.push({ when: 'idle', spread: await measureLag(scene, { wanted: samples.changes, isOver, signal }) })
        onProgress(`idle, in the directory after ${describe(lags.at(-1)!.spread)}`)
        const delivered = await measureDeliveries(scene, floor, { wanted: samples.deliveries, isOver, signal })
        acknowledgements.push({ when: 'idle', ...delivered })
        onProgress(`idle, acknowledged after ${describe(delivered.server)}`)
        signIns.push({ when: 'idle', spread: await measureSignIns(scene, enough(samples.signIns), signal) })
        onProgress(`idle, signed in after ${describe(signIns.at(-1)!.spread)}`)
      }

      if (parts.includes('syncs')) {
        const syncs = keepSyncing(scene, signal)
        const isOver = () => syncs.done.length >= FEWEST_SYNCS
        const [lag, delivered] = await Promise.all([
          measureLag(scene, { wanted: samples.changes, isOver, signal }),
          measureDeliveries(scene, floor, { wanted: samples.deliveries, isOver, signal }),
        ])
        fullSyncs = await syncs.stop()
        lags.push({ when: 'during full syncs', spread: lag })
        acknowledgements.push({ when: 'during full syncs', ...delivered })
        onProgress(`during ${fullSyncs.length} full syncs, in the directory after ${describe(lag)}`)
        onProgress(`during full syncs, acknowledged after ${describe(delivered.server)}`)
      }

      if (parts.includes('burst')) {
        const beside = await measureBurst(scene, floor, events, signal)
        burst = beside.burst
        acknowledgements.push({ when: 'during the burst', ...beside.acknowledgements })
        signIns.push({ when: 'during the burst', spread: beside.signIns })
        onProgress(
          `${burst.changes} changes, ${burst.questions} questions for ${burst.events} events, lag ${describe(burst.lag)}`,
        )
        onProgress(`during the burst, signed in after ${describe(beside.signIns)}`)
      }

      if (parts.includes('damaged')) {
        hostile = await measureHostile(scene, floor, Math.min(HOSTILE, events), signal)
        onProgress(`${hostile.sent} damaged callbacks, stood still for ${hostile.stall.server.toFixed(0)} ms at most`)
      }
      return {
        database: bench.kind,
        people: scene.users.length,
        departments: scene.departments.size,
        verificationMs: scene.verificationMs,
        lags,
        acknowledgements,
        fullSyncs,
        signIns,
        burst,
        hostile,
      }
    } finally {
      await floor.stop()
    }
  })
}

// ---- From the change to the directory -------------------------------------------------------------------------------

/** One change after the other, each of another kind than the one before. */
async function measureLag(scene: Scene, { wanted, isOver, signal }: Measure): Promise<Spread> {
  const { api, emulator } = scene
  const { corpId } = emulator.company
  const durations: number[] = []
  const random = createRandom(wanted)
  const ids = new Map(scene.users.flatMap(({ id, links }) => links.map(({ userid }) => [userid, id] as const)))
  const [home, away] = await twoDepartments(scene)
  const child = (await control(scene, 'addDepartment', {
    corpId,
    department: { name: `moves ${Date.now()}`, parentid: home },
  })) as { id: number }
  const childId = await appeared(async () => (await everyDepartment(api)).get(child.id), signal)
  const movers = [...scene.movers].reverse()
  let parentid = home
  let newcomer: { userid: string; id: string } | undefined
  const placed = await placesOf(scene)

  const changes: (() => Promise<() => Promise<boolean>>)[] = [
    async () => {
      const userid = movers[durations.length % movers.length]!
      const to = placed.get(userid) === home ? away : home
      placed.set(userid, to)
      await control(scene, 'patchMember', { corpId, userid, patch: { department: [to] } })
      return () => isIn(api, ids.get(userid)!, scene.departments.get(to)!)
    },
    async () => {
      const userid = `newcomer${durations.length}.${Date.now()}`
      const total = await countUsers(api)
      await control(scene, 'addMember', {
        corpId,
        member: { userid, name: '新人', email: `${userid}@example.com`, department: [home] },
      })
      return async () => {
        if ((await countUsers(api)) <= total) return false
        const { items } = await call(
          listUsers,
          { query: { limit: PAGE, departmentId: scene.departments.get(home)! } },
          api,
        )
        const id = items.find(({ links }) => links.some((link) => link.userid === userid))?.id
        if (id !== undefined) newcomer = { userid, id }
        return id !== undefined
      }
    },
    async () => {
      parentid = parentid === home ? away : home
      await control(scene, 'patchDepartment', { corpId, id: child.id, patch: { parentid } })
      const parent = scene.departments.get(parentid)!
      return async () => (await call(getDepartment, { params: { id: childId } }, api)).parentId === parent
    },
    async () => {
      const { userid, id } = newcomer!
      await control(scene, 'removeMembers', { corpId, userids: [userid] })
      return async () => (await call(getUser, { params: { id } }, api)).status === 'disabled'
    },
  ]
  for (let place = 0; durations.length < wanted || !isOver(); place++) {
    signal.throwIfAborted()
    const startedAt = performance.now()
    const isThere = await changes[place % changes.length]!()
    await appeared(async () => (await isThere()) || undefined, signal)
    durations.push(performance.now() - startedAt)
    // A single change, and not the next of many: at any moment of the rest that the server takes after each.
    await delay(random() * LONGEST_PAUSE_MS, undefined, { signal })
  }
  return spreadOf(durations)
}

async function countUsers(api: Transport): Promise<number> {
  return (await call(listUsers, { query: { limit: 1 } }, api)).total ?? 0
}

async function isIn(api: Transport, id: string, departmentId: string): Promise<boolean> {
  const { departments } = await call(getUser, { params: { id } }, api)
  return departments.length === 1 && departments[0]!.departmentId === departmentId
}

/** One full sync after the other, each with something to write. */
function keepSyncing(scene: Scene, signal: AbortSignal) {
  const done: number[] = []
  const stopping = new AbortController()
  const ended = (async () => {
    for (let round = 1; !stopping.signal.aborted; round++) {
      await changeSilently(scene, round)
      const startedAt = performance.now()
      await runToItsEnd(scene.api, CONNECTION, AbortSignal.any([signal, AbortSignal.timeout(SYNC_TIMEOUT_MS)]))
      done.push((performance.now() - startedAt) / 1_000)
    }
  })()
  return {
    done,
    /** @returns how many seconds each of them took */
    async stop(): Promise<readonly number[]> {
      stopping.abort()
      await ended
      return done
    },
  }
}

/** Titles, of which events say nothing in the form of today. */
async function changeSilently(scene: Scene, round: number): Promise<void> {
  const { corpId } = scene.emulator.company
  const waiting = scene.subjects.slice(0, Math.ceil(scene.users.length * SILENT_SHARE))
  await atOnce(CONTROLS_AT_ONCE, async () => {
    const userid = waiting.pop()
    if (userid === undefined) return false
    await control(scene, 'patchMember', { corpId, userid, patch: { position: `round ${round}` } })
    return true
  })
}

async function measureSignIns(scene: Scene, isOver: (done: number) => boolean, signal: AbortSignal): Promise<Spread> {
  const agent = new Agent()
  const durations: number[] = []
  try {
    while (!isOver(durations.length)) {
      signal.throwIfAborted()
      const place = durations.length
      const userid = scene.visitors[place % scene.visitors.length]!
      const startedAt = performance.now()
      await signInOnce(agent, scene.relying, userid, addressOf(place))
      durations.push(performance.now() - startedAt)
      await delay(PAUSE_MS, undefined, { signal })
    }
    return spreadOf(durations)
  } finally {
    await agent.close()
  }
}

function enough(count: number): (done: number) => boolean {
  return (done) => done >= count
}

// ---- Ten thousand in a minute ---------------------------------------------------------------------------------------

async function measureBurst(
  scene: Scene,
  floor: Floor,
  events: number,
  signal: AbortSignal,
): Promise<{ burst: Burst; acknowledgements: Acknowledged; signIns: Spread }> {
  const { api, emulator } = scene
  const { corpId } = emulator.company
  await settled(api, signal)
  const [home, away] = await twoDepartments(scene)
  const people = scene.movers.slice(0, Math.max(1, Math.ceil(events / CHANGES_EACH)))
  const placed = await placesOf(scene)
  const random = createRandom(events)
  const inHand = new Set<string>()
  // Somebody is always free.
  const atMost = Math.min(CONTROLS_AT_ONCE, Math.ceil(people.length / 2))
  await control(scene, 'clearDeliveries', {})
  await control(scene, 'clearCalls', {})
  const beganAt = new Date().toISOString()

  await readStall(scene, floor)

  let isOver = false
  const beside = Promise.all([
    measureDeliveries(scene, floor, { wanted: 1, isOver: () => isOver, signal }),
    measureSignIns(scene, () => isOver, signal),
  ])
  const startedAt = performance.now()
  const spanMs = (events / BURST) * BURST_MS
  const progress = { sent: 0 }
  while (progress.sent < events) {
    const due = Math.min(events, Math.ceil(((performance.now() - startedAt) / spanMs) * events))
    await atOnce(atMost, async () => {
      if (progress.sent >= due) return false
      const userid = people[Math.floor(random() * people.length)]!
      // Two changes of somebody at once would come in any order.
      if (inHand.has(userid)) return true
      inHand.add(userid)
      progress.sent++
      const to = placed.get(userid) === home ? away : home
      placed.set(userid, to)
      await control(scene, 'patchMember', { corpId, userid, patch: { department: [to] } })
      inHand.delete(userid)
      return true
    })
    await delay(TICK_MS, undefined, { signal })
  }
  const seconds = (performance.now() - startedAt) / 1_000
  const lastAt = Date.now() // the clock of `finishedAt`: same machine
  const { delivered } = (await control(scene, 'deliveriesSettled', {})) as DeliveryTotals
  isOver = true
  const [acknowledgements, signIns] = await beside
  const stall = await readStall(scene, floor)
  await settled(api, signal)

  const { count } = (await control(scene, 'countCalls', { endpoint: 'user/get' })) as { count: number }
  const changed = new Set(people.map((userid) => `user ${userid}`))
  const all = await eventsSince(api, beganAt)
  const kept = all.filter(({ object }) => changed.has(object ?? ''))
  const places = new Map(
    (await everyUser(api)).flatMap((user) => user.links.map(({ userid }) => [userid, user] as const)),
  )
  const isWrong = (userid: string) => {
    const { departments = [] } = places.get(userid) ?? {}
    return departments.length !== 1 || departments[0]!.departmentId !== scene.departments.get(placed.get(userid)!)
  }
  return {
    burst: {
      changes: events,
      seconds,
      people: people.length,
      stall,
      delivered,
      kept: kept.length,
      applied: kept.filter(({ state }) => state === 'applied').length,
      wrong: people.filter((userid) => isWrong(userid)).length,
      questions: count - signIns.count,
      events: all.length,
      objects: new Set(all.map(({ object }) => object)).size,
      settledAfterMs: Math.max(...kept.map(({ finishedAt }) => Date.parse(finishedAt ?? ''))) - lastAt,
      lag: spreadOf(kept.map(({ receivedAt, finishedAt }) => Date.parse(finishedAt ?? '') - Date.parse(receivedAt))),
    },
    acknowledgements,
    signIns,
  }
}
