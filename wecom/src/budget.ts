/**
 * How fast one company may be called. WeCom allows 10,000 calls a minute per corp and interface (page 90454) and an
 * unpublished number at once (45033). This file owns who goes next: people at a screen first, and never kept waiting by
 * bulk work whose answers hang. How much there is to give out comes from an Allotment: by default the limits themselves,
 * kept in this process; a server with several processes passes its share of limits that are kept elsewhere.
 */

import { WecomError } from './errors.ts'
import type { SharedPauses } from './pauses.ts'
import { waitOnTimer } from './waiting.ts'
import type { Wait } from './waiting.ts'

/** `interactive`: somebody waits at a screen. `bulk`: synchronization; never keeps the last places for long. */
export type Priority = 'interactive' | 'bulk'

/** A call that is about to be sent. `api` is such as `user/list`; `gettoken` counts too. */
export type PlaceRequest = {
  readonly corpId: string
  readonly api: string
  readonly priority: Priority
  /** The request may be broken off and sent again. Only such bulk calls get one of the last places. */
  readonly isRecallable: boolean
}

export type Place = {
  /** To be called when the answer is in, or the request was broken off. */
  release(): void
  /** When it aborts, break the request off, give the place back and ask for another. */
  readonly recalled: AbortSignal | undefined
}

export interface Budget {
  /** Waits for a place. Must reject soon after `signal` aborts. */
  acquire(request: PlaceRequest, signal: AbortSignal | undefined): Promise<Place>
  /** Pauses after 45009 and 45033 that other processes are to respect as well; without it each process has its own. */
  readonly pauses?: SharedPauses
}

/** Places of one company in flight. */
export type Places = {
  /** At most. */
  readonly all: number
  /** Of these, bulk calls may keep so many. */
  readonly bulk: number
  /** Bulk calls may have so many more, as long as answers come quickly and nobody at a screen lacks one. */
  readonly loan: number
}

/** What the callers of one company have and lack. */
export type Standing = {
  readonly inFlight: Readonly<Record<Priority, number>>
  /** Callers for whom there was no place. */
  readonly withoutPlace: Readonly<Record<Priority, number>>
  /** Interfaces for which there was no call of the minute left, and the most urgent of those callers. */
  readonly withoutCall: ReadonlyMap<string, Priority>
}

/** What this process may do for one company. Asked before every call, so it answers at once and from memory. */
export interface Allotment {
  places(): Places
  /** Takes one call of the minute, unless there is none left. */
  takeCall(api: string, priority: Priority): boolean
  /** Told after every change. When there is more to give out than before, call `reconsider`. */
  note(standing: Standing): void
}

export type Allot = (corpId: string, queue: { reconsider(): void; fail(error: Error): void }) => Allotment

export type BudgetOptions = {
  /** Per corp and interface; default 8,000, 80 % of WeCom's limit. */
  callsPerMinute?: number
  /** Per corp; default 10. */
  maxInFlight?: number
  /** Replaces both limits. */
  allot?: Allot
  /** Callers that may wait per corp before WECOM_QUEUE_FULL; default 10,000. */
  maxWaiting?: number
  pauses?: SharedPauses
  /** Milliseconds since 1970. */
  now?: () => number
  wait?: Wait
}

/** A call is slow when it has no answer after this long. Nobody at a screen waits longer for a place that bulk has on loan. */
export const SLOW_MS = 500

/** Bulk callers keep a fifth of the places and a tenth of the minute free for people who wait at a screen. */
export const BULK_IN_FLIGHT_SHARE = 0.8
export const BULK_MINUTE_SHARE = 0.9

type Waiter = PlaceRequest & { readonly admit: (place: Place) => void; readonly refuse: (error: Error) => void }
type Call = { readonly priority: Priority; readonly startedAt: number; readonly recall: AbortController | undefined }
type Corp = {
  readonly allotment: Allotment
  /** Oldest first. */
  readonly calls: Set<Call>
  readonly inFlight: Record<Priority, number>
  readonly waiting: Record<Priority, Waiter[]>
  isAlarmSet: boolean
}

const NOTHING_LACKS: ReadonlyMap<string, Priority> = new Map()

export function createBudget(options: BudgetOptions = {}): Budget {
  const { maxWaiting = 10_000, now = Date.now, wait = waitOnTimer, allot = ownLimits(options) } = options
  const corps = new Map<string, Corp>()

  return {
    acquire(request, signal) {
      const corp = corpOf(request.corpId)
      if (corp.waiting.bulk.length + corp.waiting.interactive.length >= maxWaiting) {
        return Promise.reject(
          new WecomError('WECOM_QUEUE_FULL', {
            api: request.api,
            message: `${maxWaiting} calls are waiting already`,
            isUnsent: true,
          }),
        )
      }
      return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(reasonOf(signal))
        let isWaiting = true
        const queue = corp.waiting[request.priority]
        const onAbort = () => {
          queue.splice(queue.indexOf(waiter), 1)
          reject(reasonOf(signal))
          giveOut(corp)
        }
        const waiter: Waiter = {
          ...request,
          admit: (place) => {
            stopWaiting()
            resolve(place)
          },
          refuse: (error) => {
            stopWaiting()
            reject(error)
          },
        }
        const stopWaiting = () => {
          isWaiting = false
          signal?.removeEventListener('abort', onAbort)
        }
        queue.push(waiter)
        giveOut(corp)
        // Nearly everybody is admitted at once, and a listener costs more than that.
        if (isWaiting) signal?.addEventListener('abort', onAbort, { once: true })
      })
    },
    ...(options.pauses === undefined ? {} : { pauses: options.pauses }),
  }

  /** Admits whoever fits, calls places back for whoever should, and tells the allotment what is lacking. */
  function giveOut(corp: Corp): void {
    const { allotment, waiting, inFlight } = corp
    let withoutCall: Map<string, Priority> | undefined
    const withoutPlace = { interactive: 0, bulk: 0 }
    for (const priority of ['interactive', 'bulk'] as const) {
      const queue = waiting[priority]
      for (let index = 0; index < queue.length;) {
        const waiter = queue[index]
        if (waiter === undefined) break
        const room = roomFor(corp, priority)
        if (room === 'none') {
          withoutPlace[priority] += queue.length - index
          break
        }
        const isLacking = withoutCall?.has(waiter.api) === true
        if ((room === 'loan' && !waiter.isRecallable) || isLacking || !allotment.takeCall(waiter.api, priority)) {
          if (room === 'loan' && !waiter.isRecallable) withoutPlace[priority]++
          else if (!isLacking) (withoutCall ??= new Map()).set(waiter.api, priority)
          index++
          continue
        }
        queue.splice(index, 1)
        waiter.admit(newPlace(corp, waiter))
      }
    }
    recallLoans(corp, withoutPlace.interactive)
    allotment.note({ inFlight: { ...inFlight }, withoutPlace, withoutCall: withoutCall ?? NOTHING_LACKS })
  }

  function roomFor({ allotment, calls, inFlight }: Corp, priority: Priority): 'own' | 'loan' | 'none' {
    const places = allotment.places()
    if (calls.size >= places.all) return 'none'
    if (priority === 'interactive' || inFlight.bulk < places.bulk) return 'own'
    const [oldest] = calls
    const isQuick = oldest === undefined || now() - oldest.startedAt < SLOW_MS
    return isQuick && inFlight.bulk < places.bulk + places.loan ? 'loan' : 'none'
  }

  /**
   * Somebody at a screen waits for the next answer, but not for one that hangs: then the youngest slow bulk call beyond
   * those that bulk may keep is broken off. The same when there are fewer places than there were.
   */
  function recallLoans(corp: Corp, interactiveWithoutPlace: number): void {
    const places = corp.allotment.places()
    const lacking = Math.max(interactiveWithoutPlace, corp.calls.size - places.all)
    const due = Math.min(lacking, corp.inFlight.bulk - places.bulk)
    if (due <= 0) return
    const recallable = Array.from(corp.calls).filter(({ recall }) => recall !== undefined)
    let wanted = due - recallable.filter(({ recall }) => recall?.signal.aborted).length
    const candidates = recallable.filter(({ recall }) => !recall?.signal.aborted)
    for (const call of candidates.toReversed()) {
      if (wanted <= 0 || now() - call.startedAt < SLOW_MS) continue
      wanted--
      call.recall?.abort(new Error('somebody at a screen needs the place'))
    }
    const [oldest] = candidates.filter(({ recall }) => !recall?.signal.aborted)
    if (wanted > 0 && oldest !== undefined) void ring(corp, oldest.startedAt + SLOW_MS - now())
  }

  /** At most one alarm at a time: whatever is admitted later becomes slow later. */
  async function ring(corp: Corp, ms: number): Promise<void> {
    if (corp.isAlarmSet) return
    corp.isAlarmSet = true
    await wait(Math.max(0, ms))
    corp.isAlarmSet = false
    giveOut(corp)
  }

  function newPlace(corp: Corp, { priority, isRecallable }: PlaceRequest): Place {
    const recall = priority === 'bulk' && isRecallable ? new AbortController() : undefined
    const call: Call = { priority, startedAt: now(), recall }
    corp.calls.add(call)
    corp.inFlight[priority]++
    return {
      recalled: recall?.signal,
      release() {
        if (!corp.calls.delete(call)) return
        corp.inFlight[priority]--
        giveOut(corp)
      },
    }
  }

  function corpOf(corpId: string): Corp {
    const known = corps.get(corpId)
    if (known !== undefined) return known
    const corp: Corp = {
      allotment: allot(corpId, { reconsider: () => giveOut(corp), fail: (error) => refuseAll(corp, error) }),
      calls: new Set(),
      inFlight: { interactive: 0, bulk: 0 },
      waiting: { interactive: [], bulk: [] },
      isAlarmSet: false,
    }
    corps.set(corpId, corp)
    return corp
  }

  function refuseAll({ waiting }: Corp, error: Error): void {
    for (const queue of [waiting.interactive, waiting.bulk]) {
      for (const waiter of queue.splice(0)) waiter.refuse(error)
    }
  }
}

/** The limits of one process that has the company to itself. */
function ownLimits(options: BudgetOptions): Allot {
  const { callsPerMinute = 8000, maxInFlight = 10, now = Date.now, wait = waitOnTimer } = options
  const bulk = Math.max(1, Math.floor(maxInFlight * BULK_IN_FLIGHT_SHARE))
  const places = { all: maxInFlight, bulk, loan: maxInFlight - bulk }
  const limit = { interactive: callsPerMinute, bulk: Math.max(1, Math.floor(callsPerMinute * BULK_MINUTE_SHARE)) }

  return (_corpId, queue) => {
    const windows = new Map<string, MinuteWindow>()
    let isAlarmSet = false

    return {
      places: () => places,
      takeCall(api, priority) {
        let window = windows.get(api)
        if (window === undefined) windows.set(api, (window = createMinuteWindow()))
        if (window.count(now()) >= limit[priority]) return false
        window.add(now())
        return true
      },
      note({ withoutCall }) {
        // A release wakes those who lack a place; only those who lack a share of the minute need the clock.
        if (withoutCall.size > 0 && !isAlarmSet) void ringNextSecond()
      },
    }

    async function ringNextSecond(): Promise<void> {
      isAlarmSet = true
      await wait(1000 - (now() % 1000))
      isAlarmSet = false
      queue.reconsider()
    }
  }
}

const WINDOW_SECONDS = 60

type MinuteWindow = { add(now: number): void; count(now: number): number }

/**
 * Calls of the last 60 to 61 seconds, counted per second: never more than the budget in any 60 seconds, wherever WeCom's
 * own minute begins, at the price of at most one second of patience.
 */
function createMinuteWindow(): MinuteWindow {
  const slots = new Uint32Array(WINDOW_SECONDS + 1)
  let newest = 0
  let total = 0

  function advanceTo(now: number): void {
    const second = Math.floor(now / 1000)
    // A clock that was set back must not freeze the window: start again from what is known.
    if (second < newest - WINDOW_SECONDS || second > newest + WINDOW_SECONDS) {
      slots.fill(0)
      total = 0
      newest = second
    }
    while (newest < second) {
      newest++
      const slot = newest % slots.length
      total -= slots[slot] ?? 0
      slots[slot] = 0
    }
  }

  return {
    add(now) {
      advanceTo(now)
      const slot = newest % slots.length
      slots[slot] = (slots[slot] ?? 0) + 1
      total++
    },
    count(now) {
      advanceTo(now)
      return total
    },
  }
}

function reasonOf(signal: AbortSignal | undefined): Error {
  return signal?.reason instanceof Error ? signal.reason : new Error('aborted')
}
