/**
 * Sends callbacks (wecom-api.md §4.1): verifies addresses within a second as WeCom's console does, and delivers messages with
 * a deadline of five seconds and three attempts. Loses, doubles, delays, reorders and forges them when it is told to, by dice
 * of its own, and keeps a record of each. What an event says is decided in events.ts and, for suites, by whoever knows them.
 */

import { createCallbackExchange } from './exchange.ts'
import { writeRequest, writeVerification } from './request.ts'
import type { CallbackRequest, Letter, Receiver, Tampering } from './request.ts'
import { createRandom } from '../random.ts'
import type { Random } from '../random.ts'

export interface DeliverySettings {
  /** Attempts in total; WeCom says three. */
  attempts: number
  /** For the whole answer to a delivery. */
  deadlineMs: number
  /** For the whole answer to a URL verification. */
  verificationDeadlineMs: number
  /** Between two attempts. WeCom publishes no number; this one is ours. */
  retryPauseMs: number
  /** Requests at the same time to one host. WeCom publishes no number; this one is ours. */
  parallel: number
  /** Before the first attempt, for all alike. */
  delayMs: number
  /** Each delivery waits up to so long besides, by dice: later ones overtake it. */
  reorderWindowMs: number
  /** Never sent at all. */
  dropPercent: number
  /** Delivered a second time. */
  duplicatePercent: number
  /** Duplicates carry the same bytes, as a repeated attempt does, or the same message encrypted afresh. */
  duplicates: 'same-bytes' | 'encrypted-afresh'
  /** Followed by a copy with a mistake in signature, receiver, key or ciphertext, which nobody should accept. */
  forgedPercent: number
  /**
   * Whose time the requests carry. The machine's by default, because the receiver goes by it: after `advanceClock` it would
   * have to refuse everything as coming from the future.
   */
  timestamps: 'machine' | 'emulated'
  /** Of the dice. */
  seed: string
}

export interface Order extends Letter {
  /** Suite command callbacks must be answered by exactly `success`; elsewhere any 200 will do. */
  expects: 'success' | 'any'
  tampering?: Tampering
  /** In place of the setting. */
  attempts?: number
  /** For the record only. */
  about?: About
}

/** What a delivery is about, to find it by. */
export interface About {
  corpId?: string
  agentId?: number
  /** ChangeType or InfoType. */
  event?: string
  /** `user ZhangSan`, `department 7`, `tag 3`. */
  object?: string
}

export interface Attempt {
  /** By the clock that stands in the request. */
  atMs: number
  tookMs: number
  /** 0 without an answer. */
  status: number
  /** The beginning of the body of the answer. */
  answer: string
  /** Why it does not count as delivered. */
  reason?: string
}

export type Outcome = 'waiting' | 'delivered' | 'failed' | 'dropped' | 'cancelled'

export interface DeliveryRecord extends About {
  id: number
  /** `duplicate` and `forged` are copies that the dice added, `repeat` those of `replayDelivery`. */
  kind: 'original' | 'duplicate' | 'forged' | 'repeat'
  /** The delivery that this is a copy of. */
  copyOf?: number
  url: string
  message: string
  outcome: Outcome
  attempts: Attempt[]
  /** The request, from the first attempt on: enough to send it again by hand. */
  sent?: CallbackRequest
}

export interface DeliveryFilter extends About {
  kind?: DeliveryRecord['kind']
  outcome?: Outcome
}

/** Exact since the start or the last `clear`. */
export interface DeliveryTotals {
  waiting: number
  delivered: number
  failed: number
  dropped: number
  cancelled: number
  /** Requests that were made, URL verifications not among them. */
  attempts: number
}

export interface Verification {
  ok: boolean
  /** 0 without an answer. */
  status: number
  ms: number
  /** What the console would complain about. */
  reason?: string
}

export interface Delivery {
  /** Changes until the delivery has ended. */
  readonly record: DeliveryRecord
  /** Never rejects. */
  readonly ended: Promise<DeliveryRecord>
}

export interface Sender {
  /** The time that requests carry; what an event says about its time should agree. */
  clock(): number
  /** Queues at once and never throws. */
  deliver(order: Order): Delivery
  /** Sends the bytes of an earlier delivery again, in one attempt. Undefined when it is forgotten or was never sent. */
  repeat(id: number, change?: (sent: CallbackRequest) => CallbackRequest): Delivery | undefined
  verify(receiver: Receiver): Promise<Verification>
  /** The last 10,000, oldest first. */
  records(filter: DeliveryFilter & { last?: number; afterId?: number }): DeliveryRecord[]
  totals(): DeliveryTotals
  /** When nothing waits any more. Rejects while deliveries are paused and some wait, because that would never come. */
  settled(): Promise<DeliveryTotals>
  isPaused(): boolean
  pause(): void
  /** In the order in which they were made, the other way round, or by the dice. */
  resume(order?: 'as-made' | 'reversed' | 'shuffled'): void
  settings(): DeliverySettings
  /** A seed, the same one too, starts the dice again. */
  change(patch: Partial<DeliverySettings>): void
  /** Forgets the records, and what does not count as waiting in the totals. */
  clear(): void
  /** Gives up everything that waits or is under way, for all or for one company. */
  cancel(corpId?: string): void
  /** Back to the start: nothing waits, nothing is recorded, default settings. */
  reset(): void
  /** Lets go of sockets and timers. */
  close(): void
}

const recordsKept = 10_000
const answerShown = 200

export function defaultDeliverySettings(seed: string): DeliverySettings {
  return {
    attempts: 3,
    deadlineMs: 5_000,
    verificationDeadlineMs: 1_000,
    retryPauseMs: 1_000,
    parallel: 16,
    delayMs: 0,
    reorderWindowMs: 0,
    dropPercent: 0,
    duplicatePercent: 0,
    duplicates: 'same-bytes',
    forgedPercent: 0,
    timestamps: 'machine',
    seed,
  }
}

/** A delivery that has not ended. */
interface Pending {
  readonly order: Order
  readonly record: DeliveryRecord
  /** The bytes of an earlier request, in place of fresh ones. */
  readonly bytes: (() => CallbackRequest) | undefined
  readonly end: (record: DeliveryRecord) => void
  readonly abort: AbortController
  timer?: NodeJS.Timeout
}

/** What waits for one host. */
interface Queue {
  waiting: Pending[]
  active: number
}

/** `realNow`: the machine's clock, which no control function moves. */
export function createSender({
  seed,
  now,
  realNow,
}: {
  seed: string
  now: () => number
  realNow: () => number
}): Sender {
  // Apart from the dice, so that what is dropped does not depend on how many bytes were drawn for encryption.
  const random = createRandom(`${seed}/callbacks`)
  let settings = defaultDeliverySettings(seed)
  let dice = createRandom(`${seed}/deliveries`)
  const { exchange, close } = createCallbackExchange()
  const queues = new Map<string, Queue>()
  const open = new Set<Pending>()
  let records: DeliveryRecord[] = []
  let lastId = 0
  let isPaused = false
  let totals = noTotals()
  let settling: { resolve: (totals: DeliveryTotals) => void; reject: (error: Error) => void }[] = []

  return {
    clock,
    deliver,
    repeat,
    verify,
    records: ({ last = recordsKept, afterId = 0, ...filter }) =>
      records
        .filter((record) => record.id > afterId && matches(record, filter))
        .sort((a, b) => a.id - b.id)
        .slice(-last),
    totals: () => ({ ...totals, waiting: open.size }),
    settled,
    isPaused: () => isPaused,
    pause() {
      isPaused = true
      for (const { reject } of settling.splice(0)) reject(new Error(waitsForEver()))
    },
    resume,
    settings: () => settings,
    change(patch) {
      settings = { ...settings, ...patch }
      if (patch.seed !== undefined) dice = createRandom(`${patch.seed}/deliveries`)
      for (const queue of queues.values()) pump(queue)
    },
    clear() {
      records = []
      totals = noTotals()
    },
    cancel,
    reset() {
      cancel()
      records = []
      totals = noTotals()
      isPaused = false
      settings = defaultDeliverySettings(seed)
      dice = createRandom(`${seed}/deliveries`)
    },
    close() {
      cancel()
      close()
    },
  }

  // ---- What is to be sent, and when --------------------------------------------------------------------------------

  function deliver(order: Order): Delivery {
    // Always drawn, so that one setting does not change what another one strikes.
    const luck = { drop: dice.next(), duplicate: dice.next(), forge: dice.next(), form: dice.next() }
    const [delayMs, copyDelayMs] = [delayOf(dice), delayOf(dice)]
    const strikes = (drawn: number, percent: number) => drawn * 100 < percent

    const original = makeRecord(order, 'original')
    if (strikes(luck.drop, settings.dropPercent)) {
      original.outcome = 'dropped'
      totals.dropped++
      return { record: original, ended: Promise.resolve(original) }
    }
    const delivery = enqueue(order, original, delayMs)
    if (strikes(luck.duplicate, settings.duplicatePercent)) {
      const isSame = settings.duplicates === 'same-bytes'
      const bytes = isSame ? () => (original.sent ??= write(order)) : undefined
      enqueue(order, makeRecord(order, 'duplicate', original.id), copyDelayMs, bytes)
    }
    if (strikes(luck.forge, settings.forgedPercent)) {
      const tampering = { ...order.tampering, ...forgeries[Math.floor(luck.form * forgeries.length)] }
      // A receiver that refuses it is right, so there is nothing to try again.
      enqueue({ ...order, tampering, attempts: 1 }, makeRecord(order, 'forged', original.id), copyDelayMs)
    }
    return delivery
  }

  function repeat(id: number, change = (sent: CallbackRequest) => sent): Delivery | undefined {
    const earlier = records[(id - 1) % recordsKept]
    const sent = earlier?.sent
    if (earlier?.id !== id || !sent) return undefined
    const { url, message, corpId, agentId, event, object } = earlier
    const about = { corpId, agentId, event, object }
    const nobody = { token: '', encodingAesKey: '', receiveId: '', toUserName: '', agentId: null }
    const order: Order = { ...nobody, url, message, about: defined(about), attempts: 1, expects: 'any' }
    const changed = change(sent)
    return enqueue(order, makeRecord(order, 'repeat', id), 0, () => changed)
  }

  function makeRecord(order: Order, kind: DeliveryRecord['kind'], copyOf?: number): DeliveryRecord {
    const { url, message, about } = order
    const copy = copyOf === undefined ? {} : { copyOf }
    const record: DeliveryRecord = {
      id: ++lastId,
      kind,
      ...copy,
      ...about,
      url,
      message,
      outcome: 'waiting',
      attempts: [],
    }
    records[(lastId - 1) % recordsKept] = record
    return record
  }

  function delayOf(from: Random): number {
    return settings.delayMs + from.next() * settings.reorderWindowMs
  }

  function enqueue(order: Order, record: DeliveryRecord, delayMs: number, bytes?: () => CallbackRequest): Delivery {
    let pending: Pending | undefined
    const ended = new Promise<DeliveryRecord>((resolve) => {
      pending = { order, record, bytes, end: resolve, abort: new AbortController() }
    })
    if (!pending) throw new Error('a promise calls its executor at once')
    open.add(pending)
    joinAfter(pending, delayMs)
    return { record, ended }
  }

  function joinAfter(pending: Pending, delayMs: number): void {
    if (delayMs <= 0) return join(pending)
    pending.timer = setTimeout(() => join(pending), delayMs)
  }

  function join(pending: Pending): void {
    const host = hostOf(pending.order.url)
    const queue = queues.get(host) ?? { waiting: [], active: 0 }
    queues.set(host, queue)
    queue.waiting.push(pending)
    pump(queue)
  }

  function pump(queue: Queue): void {
    if (isPaused) return
    while (queue.active < settings.parallel) {
      const pending = queue.waiting.shift()
      if (!pending) return
      void occupy(queue, pending)
    }
  }

  async function occupy(queue: Queue, pending: Pending): Promise<void> {
    queue.active++
    await attempt(pending)
    queue.active--
    pump(queue)
  }

  function resume(order: 'as-made' | 'reversed' | 'shuffled' = 'as-made'): void {
    isPaused = false
    for (const queue of queues.values()) {
      if (order === 'reversed') queue.waiting.reverse()
      if (order === 'shuffled') shuffle(queue.waiting, dice)
      pump(queue)
    }
  }

  function cancel(corpId?: string): void {
    const given = new Set([...open].filter(({ record }) => corpId === undefined || record.corpId === corpId))
    for (const queue of queues.values()) queue.waiting = queue.waiting.filter((pending) => !given.has(pending))
    for (const pending of given) {
      clearTimeout(pending.timer)
      pending.abort.abort()
      finish(pending, 'cancelled')
    }
  }

  // ---- One attempt -------------------------------------------------------------------------------------------------

  /** Never throws: whatever goes wrong is a reason in the record. */
  async function attempt(pending: Pending): Promise<void> {
    const { order, record } = pending
    const sent = (record.sent ??= pending.bytes?.() ?? write(order))
    const atMs = clock()
    totals.attempts++
    const answer = await exchange({
      method: 'POST',
      url: order.url,
      request: sent,
      deadlineMs: settings.deadlineMs,
      signal: pending.abort.signal,
    })
    if (!open.has(pending)) return
    const { status, body, tookMs } = answer
    const reason = answer.reason ?? complaint(order, status, body)
    record.attempts.push({
      atMs,
      tookMs,
      status,
      answer: body.slice(0, answerShown),
      ...(reason === undefined ? {} : { reason }),
    })
    if (reason === undefined) finish(pending, 'delivered')
    else if (record.attempts.length >= (order.attempts ?? settings.attempts)) finish(pending, 'failed')
    else joinAfter(pending, settings.retryPauseMs)
  }

  function finish(pending: Pending, outcome: 'delivered' | 'failed' | 'cancelled'): void {
    open.delete(pending)
    pending.record.outcome = outcome
    totals[outcome]++
    pending.end(pending.record)
    if (open.size > 0) return
    for (const { resolve } of settling.splice(0)) resolve({ ...totals, waiting: 0 })
  }

  function settled(): Promise<DeliveryTotals> {
    if (open.size === 0) return Promise.resolve({ ...totals, waiting: 0 })
    if (isPaused) return Promise.reject(new Error(waitsForEver()))
    return new Promise((resolve, reject) => settling.push({ resolve, reject }))
  }

  function waitsForEver(): string {
    return `deliveries are paused and ${open.size} wait: call resumeDeliveries first`
  }

  function write(order: Order): CallbackRequest {
    return writeRequest(order, order.tampering ?? {}, { random, seconds: Math.floor(clock() / 1000) })
  }

  function clock(): number {
    return settings.timestamps === 'machine' ? realNow() : now()
  }

  async function verify(receiver: Receiver): Promise<Verification> {
    const mistake = mistakeIn(receiver)
    if (mistake !== undefined) return { ok: false, status: 0, ms: 0, reason: mistake }
    const { query, echo } = writeVerification(receiver, { random, seconds: Math.floor(clock() / 1000) })
    const { status, body, tookMs, reason } = await exchange({
      method: 'GET',
      url: receiver.url,
      request: { query },
      deadlineMs: settings.verificationDeadlineMs,
    })
    const why = reason ?? (status === 200 ? echoComplaint(echo, body) : `HTTP ${status}`)
    return { ok: why === undefined, status, ms: tookMs, ...(why === undefined ? {} : { reason: why }) }
  }
}

/** The mistakes of forged copies: each must be refused, and none may be told from another by the answer. */
const forgeries: readonly Tampering[] = [
  { signature: 'wrong' },
  { signature: 'missing' },
  { signature: 'twice' },
  { token: 'aTokenOfSomebodyElse' },
  { encodingAesKey: 'aKeyOfSomebodyElse0123456789ABCDEFGHIJKLMNO' },
  { receiveId: 'ww00000000000000ff' },
  { flipBit: 200 },
  { padByte: 0 },
  { claimedLength: 0x7fff_ffff },
  { encrypted: 'this is not base64!' },
]

function noTotals(): Omit<DeliveryTotals, 'waiting'> {
  return { delivered: 0, failed: 0, dropped: 0, cancelled: 0, attempts: 0 }
}

function matches(record: DeliveryRecord, filter: DeliveryFilter): boolean {
  return Object.entries(filter).every(
    ([key, wanted]) => wanted === undefined || record[key as keyof DeliveryFilter] === wanted,
  )
}

function defined(about: { [K in keyof About]: About[K] | undefined }): About {
  return Object.fromEntries(Object.entries(about).filter(([, value]) => value !== undefined))
}

function shuffle(list: unknown[], dice: Random): void {
  for (let i = list.length - 1; i > 0; i--) {
    const j = dice.integer(i + 1)
    ;[list[i], list[j]] = [list[j], list[i]]
  }
}

/** What the console would not even try. */
function mistakeIn({ url, token, encodingAesKey }: Receiver): string | undefined {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    return 'the URL must begin with http:// or https://'
  if (!/^[A-Za-z0-9]{1,32}$/.test(token)) return 'the Token must be 1 to 32 letters and digits'
  if (!/^[A-Za-z0-9]{43}$/.test(encodingAesKey)) return 'the EncodingAESKey must be 43 letters and digits'
  return undefined
}

/** Why a body is not the text that was encrypted; names the mistakes people make (§4.1). */
function echoComplaint(echo: string, body: string): string | undefined {
  if (body === echo) return undefined
  if (body.startsWith('\uFEFF')) return 'the answer begins with a byte order mark'
  if (body.trim() === echo) return 'the answer has white space or a line end around the text'
  if (body.replaceAll('"', '').trim() === echo) return 'the answer has quotes around the text'
  return 'the answer is not the decrypted text'
}

function complaint({ expects }: Order, status: number, body: string): string | undefined {
  if (status !== 200) return `HTTP ${status}`
  return expects === 'success' && body !== 'success' ? 'the answer is not exactly "success"' : undefined
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url
}
