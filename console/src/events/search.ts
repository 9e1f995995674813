/** What the address of the event list may hold. Pure. */
import { EventState } from '@muster/contracts'
import { oneOf, text, withoutAbsent } from '../search-parameters.ts'

export interface EventsSearch {
  /** Id or identifier. */
  readonly connection?: string
  readonly state?: EventState
  /** WeCom's word for what happened. */
  readonly type?: string
  readonly q?: string
  /** Days in the time zone of the browser. */
  readonly from?: string
  readonly to?: string
  /** The one that is shown beside the list. */
  readonly event?: string
}

const DAY = /^\d{4}-\d{2}-\d{2}$/

export function eventsSearch(given: Record<string, unknown>): EventsSearch {
  return withoutAbsent({
    connection: text(given['connection'], 64),
    state: oneOf(EventState.options, given['state']),
    type: text(given['type'], 64),
    q: text(given['q'], 200),
    from: day(given['from']),
    to: day(given['to']),
    event: text(given['event'], 64),
  })
}

function day(given: unknown): string | undefined {
  return typeof given === 'string' && DAY.test(given) && !Number.isNaN(Date.parse(given)) ? given : undefined
}
