/** What became of an event, as one of the sentences of texts.ts. Pure. */
import type { Event } from '@muster/contracts'

const SUITE_EVENTS = ['suite_ticket', 'create_auth', 'change_auth', 'cancel_auth', 'reset_permanent_code'] as const

type SuiteEventType = (typeof SUITE_EVENTS)[number]

export type Outcome =
  /** Waits for its turn. */
  | 'waiting'
  /** The directory was changed, or something of it is held; the run says what. */
  | 'run'
  /** The object was read, and nothing differed. */
  | 'nothing'
  /** About a suite: what it said was taken in. */
  | SuiteEventType
  /** There was nothing to do; the note says why. */
  | 'ignored'
  /** Failed, and is due again. */
  | 'again'
  /** Failed too often. */
  | 'parked'

export function outcomeOf({ state, type, runId }: Pick<Event, 'state' | 'type' | 'runId'>): Outcome {
  switch (state) {
    case 'pending':
      return 'waiting'
    case 'applied':
      return runId === null ? (SUITE_EVENTS.find((about) => about === type) ?? 'nothing') : 'run'
    case 'ignored':
      return 'ignored'
    case 'failed':
      return 'again'
    case 'parked':
      return 'parked'
    default:
      return state satisfies never
  }
}

/** How long WeCom, the way and the line took, and then the work; undefined while it is not done. In milliseconds. */
export function tookMs({ happenedAt, finishedAt }: Pick<Event, 'happenedAt' | 'finishedAt'>): number | undefined {
  if (finishedAt === null) return undefined
  const took = Date.parse(finishedAt) - Date.parse(happenedAt)
  // WeCom names whole seconds, and its clock is not ours.
  return took < 0 ? undefined : took
}

/** Still on its way: worth looking again soon. */
export function isUnderWay({ state }: Pick<Event, 'state'>): boolean {
  return state === 'pending' || state === 'failed'
}
