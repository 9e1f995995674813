/**
 * Works off what is in the inbox: contact events as hints for sync, events of a suite by whoever owns authorisations. One
 * connection at a time in one process, everything that is due of it together; what fails is tried again for some hours,
 * and then waits for a person. Decides when and how often; what is done with an event is the others' to say.
 */
import type { Logger } from 'pino'
import type { EventNote } from '@muster/contracts'
import type { SuiteEvent } from '@muster/wecom'
import type { SuiteEventOutcome } from '../connections/suites/authorisations.ts'
import { wecomProblem } from '../connections/wecom-problem.ts'
import { isOutage } from '../database/database.ts'
import { AppError, unreachable, type Problem } from '../errors.ts'
import type { EventOutcome } from '../metrics.ts'
import type { ApplyHints, HintOutcome } from '../sync/sync.ts'
import { WITH_CODE } from './event-log.ts'
import { HELD_FOR_MS, type ClaimedEvent, type Inbox, type Settlement } from './inbox.ts'
import { coalesce, type Question } from './meaning.ts'

/** Reads again what is authorised. What it throws counts as failed. */
export type ApplySuiteEvent = (given: {
  readonly connectionId: string
  readonly event: SuiteEvent
  /** From 1. */
  readonly attempt: number
  readonly signal: AbortSignal
}) => Promise<SuiteEventOutcome>

export interface WorkerParts {
  readonly inbox: Inbox
  readonly applyHints: ApplyHints
  readonly applySuiteEvent: ApplySuiteEvent
  /** Whether the company of a contact event still belongs to the connection. */
  readonly isKnownCompany: (connectionId: string, corpId: string) => Promise<boolean>
  readonly now: () => number
  readonly log: Logger
  readonly onEnded: (outcome: EventOutcome, lagMs: number | undefined) => void
  /** How long a connection is left alone after work that took so long. */
  readonly restMs?: (durationMs: number) => number
}

/** Waits after each attempt that failed, in seconds: an outage of WeCom is over by then, as a rule. The eighth is the last. */
const AGAIN_AFTER_S = [5, 15, 60, 300, 900, 3_600, 7_200] as const
/** Enough for hours behind a long run; whoever is put off for ever fails in the end. */
const MOST_LATER = 1_000
/** Finds a few among a thousand; were all of them to blame, they are not asked one by one. */
const MOST_HALVINGS = 60
/** After the database was away: nothing was tried. */
const AFTER_OUTAGE_MS = 2_000
const SHORTEST_REST_MS = 300
const LONGEST_REST_MS = 2_000
/** What is under way when the process stops has this long to end; afterwards it counts as left behind. */
const LONGEST_STOP_MS = 5_000

export type Worker = ReturnType<typeof createWorker>

export function createWorker({
  inbox,
  applyHints,
  applySuiteEvent,
  isKnownCompany,
  now,
  log,
  onEnded,
  restMs = restAfter,
}: WorkerParts) {
  /** By connection. */
  const busy = new Map<string, { readonly ids: readonly string[]; readonly ended: Promise<void> }>()
  /** Until when a connection is left alone, by the clock of `performance`. */
  const resting = new Map<string, number>()
  const stopping = new AbortController()
  let renewedAt = performance.now()
  let wake = () => {}

  return {
    wokenBy(call: () => void): void {
      wake = call
    },

    /** Something new is there. Of a connection that is busy or rests it is seen afterwards. */
    notice(connectionId: string): void {
      if (!busy.has(connectionId) && !resting.has(connectionId)) wake()
    },

    /** Begins with whatever is due, and returns at once. */
    async look(): Promise<void> {
      if (stopping.signal.aborted) return
      await renew()
      await inbox.measure()
      const at = performance.now()
      for (const [connectionId, until] of resting) if (until <= at) resting.delete(connectionId)
      for (const events of await inbox.claim([...busy.keys(), ...resting.keys()])) {
        const { connectionId } = events[0]!
        const begun = performance.now()
        const ended = workOff(events)
          // What is not settled is due again once nobody says any more that he is at work on it.
          .catch((error: unknown) => log.warn({ err: error, connectionId }, 'events could not be worked off'))
          .finally(() => {
            busy.delete(connectionId)
            const over = performance.now()
            const rest = restMs(over - begun)
            if (rest > 0) resting.set(connectionId, over + rest)
          })
        busy.set(connectionId, { ids: events.map(({ id }) => id), ended })
      }
    },

    /** Resolves when nothing is under way any more. */
    settled: () => allEnded(),

    /** Begins nothing any more, and waits a little for what is under way. Call it after those who do the work were stopped. */
    async stop(): Promise<void> {
      stopping.abort()
      let timer: NodeJS.Timeout | undefined
      const longest = new Promise<void>((resolve) => (timer = setTimeout(resolve, LONGEST_STOP_MS)))
      await Promise.race([allEnded(), longest])
      clearTimeout(timer)
    },
  }

  async function allEnded(): Promise<void> {
    await Promise.all([...busy.values()].map(({ ended }) => ended))
  }

  async function renew(): Promise<void> {
    if (busy.size === 0 || performance.now() - renewedAt < HELD_FOR_MS / 3) return
    renewedAt = performance.now()
    await inbox.renew([...busy.values()].flatMap(({ ids }) => ids))
  }

  /** @param events of one connection */
  async function workOff(events: readonly ClaimedEvent[]): Promise<void> {
    const inOrder = events.toSorted(
      (one, other) => one.happenedAt - other.happenedAt || (one.id < other.id ? -1 : one.id > other.id ? 1 : 0),
    )
    for (const event of inOrder) {
      if (event.payload.kind === 'suite') await settle([await suiteSettlement(event)])
    }
    await settle(
      inOrder
        .filter(
          ({ payload }) => payload.kind === 'other' || (payload.kind === 'contact' && payload.type === 'update_tag'),
        )
        .map((event) => ignored(event, event.payload.kind === 'other' ? 'unknown-type' : 'tag')),
    )
    const hints = inOrder.filter(({ payload }) => payload.kind === 'contact' && payload.type !== 'update_tag')
    for (const [corpId, waiting] of Map.groupBy(hints, (event) => event.corpId)) await workOffHints(corpId, waiting)
  }

  async function workOffHints(corpId: string | null, waiting: readonly ClaimedEvent[]): Promise<void> {
    const { connectionId } = waiting[0]!
    if (corpId === null || !(await isKnownCompany(connectionId, corpId))) {
      await settle(waiting.map((event) => ignored(event, 'corp-unknown')))
      return
    }
    const { questions, left } = coalesce(waiting)
    await settle(left.map(untouched))
    await ask(connectionId, corpId, questions)
  }

  /**
   * When they fail together and nobody knows why, halves are tried, so that one cannot stop the others.
   * @param tries how many further questions that may cost
   */
  async function ask(
    connectionId: string,
    corpId: string,
    questions: readonly Question<ClaimedEvent>[],
    tries = { left: MOST_HALVINGS },
  ): Promise<void> {
    const hints = questions.map(({ hint }) => hint)
    const answered = await applyHints(connectionId, corpId, hints).catch((error: unknown) => ({ error }))
    const isUnexplained =
      'error' in answered
        ? !(answered.error instanceof AppError) && !isOutage(answered.error) && !stopping.signal.aborted
        : answered.every((outcome) => outcome.kind === 'failed' && outcome.problem.code === 'sync/failed')
    if (isUnexplained && questions.length > 1 && tries.left > 0) {
      tries.left -= 2
      const middle = Math.ceil(questions.length / 2)
      await ask(connectionId, corpId, questions.slice(0, middle), tries)
      await ask(connectionId, corpId, questions.slice(middle), tries)
      return
    }
    if ('error' in answered) {
      const { error } = answered
      await settle(questions.flatMap(({ events }) => events.map((event) => settlementOfError(event, error))))
      return
    }
    const byKey = new Map(answered.map((outcome) => [outcome.key, outcome]))
    await settle(
      questions.flatMap(({ hint, events }) => {
        const outcome = byKey.get(hint.key)
        return events.map((event) =>
          outcome === undefined
            ? settlementOfError(event, new Error('sync said nothing about it'))
            : hintSettlement(event, outcome),
        )
      }),
    )
  }

  function hintSettlement(event: ClaimedEvent, outcome: HintOutcome): Settlement {
    switch (outcome.kind) {
      case 'applied':
        return applied(event, outcome.runId, null)
      case 'ignored':
        return ignored(event, outcome.note)
      case 'later':
        return later(event, outcome.afterMs)
      case 'failed':
        return failed(event, outcome.problem, { runId: outcome.runId })
      default:
        return unreachable(outcome)
    }
  }

  async function suiteSettlement(event: ClaimedEvent): Promise<Settlement> {
    const { connectionId, type, attempts, secret, payload } = event
    if (secret === null && WITH_CODE.has(type)) return failed(event, { code: 'events/secret-gone' }, { isFinal: true })
    try {
      const outcome = await applySuiteEvent({
        connectionId,
        // The code goes back to where it was taken from.
        event: { ...payload, ...(secret === null ? {} : { authCode: secret.reveal() }) } as SuiteEvent,
        attempt: attempts + 1,
        signal: stopping.signal,
      })
      switch (outcome.kind) {
        case 'applied':
          return applied(event, null, outcome.corpId)
        case 'ignored':
          return ignored(event, outcome.note)
        case 'later':
          return later(event, outcome.afterMs)
        case 'failed':
          return failed(event, outcome.problem, { isFinal: outcome.isFinal ?? false })
        default:
          return unreachable(outcome)
      }
    } catch (error) {
      return settlementOfError(event, error)
    }
  }

  function settlementOfError(event: ClaimedEvent, error: unknown): Settlement {
    // Nothing of it is the event's fault, and nothing was tried.
    if (isOutage(error) || stopping.signal.aborted) return { ...untouched(event), dueAt: now() + AFTER_OUTAGE_MS }
    const problem = error instanceof AppError ? error.problem : wecomProblem(error)
    if (problem === undefined) {
      log.error({ err: error, eventId: event.id, connectionId: event.connectionId }, 'an event could not be worked off')
    }
    return failed(event, problem ?? { code: 'events/failed' })
  }

  function failed(
    event: ClaimedEvent,
    problem: Problem,
    { isFinal = false, runId = null }: { isFinal?: boolean; runId?: string | null } = {},
  ): Settlement {
    // Whoever was only put off so far has all attempts before them.
    const before = event.state === 'failed' ? event.attempts : 0
    const againAfter = isFinal ? undefined : AGAIN_AFTER_S[before]
    return {
      ...unchanged(event),
      state: againAfter === undefined ? 'parked' : 'failed',
      isAttempt: true,
      attempts: before + 1,
      error: problem,
      runId: runId ?? event.runId,
      dueAt: againAfter === undefined ? null : now() + againAfter * 1_000,
    }
  }

  function later(event: ClaimedEvent, afterMs: number): Settlement {
    if (event.attempts >= MOST_LATER) return failed(event, { code: 'events/failed' })
    return { ...tried(event), dueAt: now() + afterMs }
  }

  /** Not tried, and due as before. */
  function untouched(event: ClaimedEvent): Settlement {
    return { ...unchanged(event), dueAt: event.dueAt }
  }

  async function settle(settlements: readonly Settlement[]): Promise<void> {
    if (settlements.length === 0) return
    await inbox.settle(settlements)
    for (const { event, state, isAttempt, error } of settlements) {
      if (!isAttempt) continue
      const { id, connectionId, type, attempts, receivedAt, dueAt } = event
      // The hours until a person had it done again say nothing about how fast we are.
      const isReplayed = attempts === 0 && dueAt !== receivedAt
      onEnded(state === 'pending' ? 'later' : state, isReplayed ? undefined : now() - receivedAt)
      if (state === 'parked') log.warn({ eventId: id, connectionId, type, code: error?.code }, 'an event was parked')
    }
  }
}

/**
 * As long as the work took: whoever signs in meanwhile needs the other half, and what comes in a storm is more often about
 * the same object, which is then asked for once. The first event after a while waits for nothing.
 */
function restAfter(durationMs: number): number {
  return Math.min(LONGEST_REST_MS, Math.max(SHORTEST_REST_MS, durationMs))
}

function applied(event: ClaimedEvent, runId: string | null, corpId: string | null): Settlement {
  return { ...tried(event), state: 'applied', runId, corpId, dueAt: null }
}

function ignored(event: ClaimedEvent, note: EventNote): Settlement {
  return { ...tried(event), state: 'ignored', note, dueAt: null }
}

function tried(event: ClaimedEvent): Settlement {
  return { ...unchanged(event), isAttempt: true, attempts: event.attempts + 1 }
}

function unchanged(event: ClaimedEvent): Settlement {
  const { state, note, attempts, error, runId } = event
  return { event, state, note, isAttempt: false, attempts, error, runId, corpId: null, dueAt: null }
}
