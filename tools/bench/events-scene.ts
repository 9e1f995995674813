/**
 * What the events benchmark is played on: a company that tells the server of every change, three groups of people for
 * three kinds of measurements, what the admin API shows of them, and how many measured times are put together.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { call, listDepartments, listEvents, listUsers, type Event, type Transport, type User } from '@muster/contracts'
import type { Truth, Verification } from '../../emulator/src/index.ts'
import { AES_KEY, TOKEN } from '../../test/callback-sender.ts'
import { CONNECTION, type Site } from './site.ts'
import { steer } from './surroundings.ts'

const POLL_MS = 10
const WAIT_TIMEOUT_MS = 120_000
const PAGE = 500
/** The contacts-sync assistant, the one whom WeCom tells of changes. */
const ASSISTANT = 0

export type Scene = Site & {
  readonly users: readonly User[]
  /** Our ids, by WeCom's. */
  readonly departments: ReadonlyMap<number, string>
  readonly verificationMs: number
  /** Userids; nobody is in two of them. */
  readonly movers: readonly string[]
  readonly visitors: readonly string[]
  readonly subjects: readonly string[]
}

export async function setTheScene(site: Site, signal: AbortSignal): Promise<Scene> {
  const { corpId } = site.emulator.company
  const users = await everyUser(site.api)
  const departments = await everyDepartment(site.api)
  const verified = (await control(site, 'setCallback', {
    corpId,
    agentId: ASSISTANT,
    url: callbackAddress(site),
    token: TOKEN,
    encodingAesKey: AES_KEY,
    form: 'reduced',
  })) as Verification
  if (!verified.ok) throw new Error(`The address was not accepted: ${verified.reason}`)
  signal.throwIfAborted()
  const active = users
    .filter(({ status }) => status === 'active')
    .flatMap(({ links }) => links.map(({ userid }) => userid))
  const third = Math.floor(active.length / 3)
  return {
    ...site,
    users,
    departments,
    verificationMs: verified.ms,
    movers: active.slice(0, third),
    visitors: active.slice(third, 2 * third),
    subjects: active.slice(2 * third),
  }
}

export function callbackAddress({ origin }: Site): string {
  return `${origin}/callback/wecom/${CONNECTION}`
}

export async function everyUser(api: Transport): Promise<User[]> {
  const all: User[] = []
  for (let cursor: string | undefined; ;) {
    const page = await call(listUsers, { query: { limit: PAGE, cursor } }, api)
    all.push(...page.items)
    if (page.nextCursor === null) return all
    cursor = page.nextCursor
  }
}

export async function everyDepartment(api: Transport): Promise<Map<number, string>> {
  const all = new Map<number, string>()
  for (let cursor: string | undefined; ;) {
    const page = await call(listDepartments, { query: { limit: PAGE, cursor } }, api)
    for (const { externalId, id } of page.items) if (externalId !== null) all.set(Number(externalId), id)
    if (page.nextCursor === null) return all
    cursor = page.nextCursor
  }
}

export function control({ emulator }: Site, name: string, argument: object): Promise<unknown> {
  return steer(emulator, name, argument)
}

/** Two below the root that are not below each other. */
export async function twoDepartments(scene: Scene): Promise<[number, number]> {
  const { departments } = (await control(scene, 'truth', { corpId: scene.emulator.company.corpId })) as Truth
  const root = departments.find(({ parentid }) => parentid === 0)!
  const [home, away] = departments.filter(({ parentid }) => parentid === root.id)
  return [home!.id, away!.id]
}

/** Who is in one department alone: moving them there again would be no change. */
export async function placesOf(scene: Scene): Promise<Map<string, number>> {
  const { members } = (await control(scene, 'truth', { corpId: scene.emulator.company.corpId })) as Truth
  return new Map(
    members.flatMap(({ userid, department }) => (department.length === 1 ? [[userid, department[0]!] as const] : [])),
  )
}

/** When to stop: with so many, and not before. */
export type Measure = { readonly wanted: number; readonly isOver: () => boolean; readonly signal: AbortSignal }

export async function appeared<T>(look: () => Promise<T | undefined>, signal: AbortSignal): Promise<T> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(WAIT_TIMEOUT_MS)])
  for (;;) {
    const seen = await look()
    if (seen !== undefined) return seen
    await delay(POLL_MS, undefined, { signal: deadline })
  }
}

export async function settled(api: Transport, signal: AbortSignal): Promise<void> {
  const count = async (state: 'pending' | 'failed') =>
    (await call(listEvents, { query: { connection: CONNECTION, state, limit: 1 } }, api)).total
  await appeared(async () => ((await count('pending')) === 0 && (await count('failed')) === 0) || undefined, signal)
}

export async function eventsSince(api: Transport, from: string): Promise<Event[]> {
  const all: Event[] = []
  for (let cursor: string | undefined; ;) {
    const query = { connection: CONNECTION, type: 'update_user', from, limit: PAGE, cursor }
    const page = await call(listEvents, { query }, api)
    all.push(...page.items)
    if (page.nextCursor === null) return all
    cursor = page.nextCursor
  }
}

// ---- Numbers --------------------------------------------------------------------------------------------------------

/** Goes on in so many places at once until one of them says that there is nothing left. */
export async function atOnce(places: number, work: () => Promise<boolean>): Promise<void> {
  const goOn = async () => {
    while (await work());
  }
  await Promise.all(Array.from({ length: places }, goOn))
}

/** Milliseconds. */
export type Spread = {
  readonly count: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
  readonly slowest: number
}

export function spreadOf(durations: readonly number[]): Spread {
  const sorted = durations.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
  return { count: sorted.length, p50: at(0.5), p95: at(0.95), p99: at(0.99), slowest: at(1) }
}

export function describe({ count, p50, p95, p99, slowest }: Spread): string {
  const ms = (value: number) => value.toFixed(value < 10 ? 1 : 0)
  return `p50 ${ms(p50)}, p95 ${ms(p95)}, p99 ${ms(p99)}, at most ${ms(slowest)} ms (${count})`
}
