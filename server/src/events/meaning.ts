/**
 * What an event is kept as: what it is about, under which key it is worked off together with others, and whether there is
 * anything to do at all; and what a batch of events asks of sync. Pure.
 *
 * Of what WeCom says about people only their ids are kept: an event is a hint, and everything else is read again.
 */
import type { EventNote } from '@muster/contracts'
import type { CallbackEvent, ContactEvent, OtherEvent, SuiteEvent } from '@muster/wecom'
import type { Connection } from '../connections/connections.ts'
import { foldName } from '../directory/names.ts'
import { unreachable } from '../errors.ts'
import type { Hint } from '../sync/sync.ts'
import { companyOf } from './reception.ts'

/** An event without its secret. Kept as JSON, so that it can be worked off again later. */
export type KeptEvent = ContactEvent | KeptSuiteEvent | OtherEvent

type WithoutSecret<E> = E extends unknown ? Omit<E, 'authCode' | 'ticket'> : never
type KeptSuiteEvent = WithoutSecret<SuiteEvent>

export interface Arrival {
  readonly type: string
  readonly corpId: string | null
  /** For people. */
  readonly object: string | null
  /** Events with the same key are worked off together; null for one that is worked off alone. */
  readonly objectKey: string | null
  readonly payload: KeptEvent
  /** A code that works once. */
  readonly secret: string | null
  /** null: there is something to do. */
  readonly verdict: { readonly state: 'applied' | 'ignored'; readonly note: EventNote | null } | null
  /** To be kept in its own place. */
  readonly ticket: string | null
}

/**
 * @param isKnownCompany whether the company it is about is the connection's own, or has authorised it
 */
export function readArrival(event: CallbackEvent, connection: Connection, isKnownCompany: boolean): Arrival {
  const { payload, secret, ticket } = withoutSecret(event)
  return {
    type: event.type,
    corpId: companyOf(event),
    object: objectOf(event),
    objectKey: objectKeyOf(event),
    payload,
    secret,
    verdict: verdictOf(event, connection, isKnownCompany),
    ticket,
  }
}

function withoutSecret(event: CallbackEvent): Pick<Arrival, 'payload' | 'secret' | 'ticket'> {
  if (event.kind !== 'suite') return { payload: event, secret: null, ticket: null }
  if (event.type === 'suite_ticket') {
    const { ticket, ...payload } = event
    return { payload, secret: null, ticket }
  }
  if ('authCode' in event) {
    const { authCode, ...payload } = event
    return { payload, secret: authCode, ticket: null }
  }
  return { payload: event, secret: null, ticket: null }
}

function verdictOf(event: CallbackEvent, connection: Connection, isKnownCompany: boolean): Arrival['verdict'] {
  switch (event.kind) {
    case 'suite':
      // What a company does with a suite is no matter of sync.
      return event.type === 'suite_ticket' ? { state: 'applied', note: null } : null
    case 'other':
      return ignored('unknown-type')
    case 'contact':
      if (!isKnownCompany) return ignored('corp-unknown')
      if (event.type === 'update_tag') return ignored('tag')
      if (connection.kind === 'service_provider' || !connection.sync.enabled) return ignored('sync-off')
      return connection.sync.realTime ? null : ignored('real-time-off')
    default:
      return unreachable(event)
  }
}

function ignored(note: EventNote): Arrival['verdict'] {
  return { state: 'ignored', note }
}

function objectOf(event: CallbackEvent): string | null {
  if (event.kind !== 'contact') return event.kind === 'suite' && 'corpId' in event ? `company ${event.corpId}` : null
  switch (event.type) {
    case 'create_user':
    case 'delete_user':
      return `user ${event.userid}`
    case 'update_user':
      return event.newUserid === undefined ? `user ${event.userid}` : `user ${event.userid} → ${event.newUserid}`
    case 'create_party':
    case 'update_party':
    case 'delete_party':
      return `department ${event.departmentId}`
    case 'update_tag':
      return `tag ${event.tagId}`
    default:
      return unreachable(event)
  }
}

function objectKeyOf(event: CallbackEvent): string | null {
  if (event.kind !== 'contact' || event.type === 'update_tag') return null
  return 'userid' in event ? `user:${foldName(event.userid)}` : `department:${event.departmentId}`
}

// ---- Working off ----------------------------------------------------------------------------------------------------

/** An event of one company that waits, as far as it is needed to ask for something. */
export interface Waiting {
  readonly id: string
  readonly payload: KeptEvent
  readonly attempts: number
}

export interface Question<E extends Waiting> {
  readonly hint: Hint
  /** The events that are answered with it. */
  readonly events: readonly E[]
}

/**
 * One question for each object, however many events are about it.
 * @param waiting contact events of one company, oldest first
 * @returns `left`: events that contradict an earlier one about the same object, for the next time
 */
export function coalesce<E extends Waiting>(waiting: readonly E[]): { questions: Question<E>[]; left: E[] } {
  const found = new Map<string, { hint: Hint; events: E[] }>()
  const left: E[] = []
  for (const event of waiting) {
    const { payload, attempts } = event
    const key = payload.kind === 'contact' ? objectKeyOf(payload) : null
    if (payload.kind !== 'contact' || key === null) throw new Error(`${event.id} is about nothing that can be read`)
    const before = found.get(key)
    const hint = hintOf(payload, key, attempts + 1)
    const together = before === undefined ? hint : joined(before.hint, hint)
    if (together === undefined) left.push(event)
    else found.set(key, { hint: together, events: [...(before?.events ?? []), event] })
  }
  return { questions: [...found.values()], left }
}

function hintOf(event: ContactEvent, key: string, attempt: number): Hint {
  switch (event.type) {
    case 'create_user':
    case 'update_user':
    case 'delete_user': {
      const newUserid = event.type === 'update_user' ? event.newUserid : undefined
      const isDelete = event.type === 'delete_user'
      const { userid } = event
      return { key, kind: 'user', userid, ...(newUserid === undefined ? {} : { newUserid }), isDelete, attempt }
    }
    case 'create_party':
    case 'update_party':
    case 'delete_party':
      return { key, kind: 'department', id: event.departmentId, isDelete: event.type === 'delete_party', attempt }
    default:
      throw new Error(`${event.type} is no hint`)
  }
}

/** undefined: the same userid was given to two people one after the other, who must not be taken for one. */
function joined(one: Hint, other: Hint): Hint | undefined {
  const isDelete = one.isDelete || other.isDelete
  const attempt = Math.max(one.attempt, other.attempt)
  if (one.kind === 'department' || other.kind === 'department') return { ...one, isDelete, attempt }
  const { newUserid } = one
  const isAnother = other.newUserid !== undefined && newUserid !== undefined
  if (isAnother && foldName(other.newUserid) !== foldName(newUserid)) return undefined
  const renamed = newUserid ?? other.newUserid
  return { ...one, ...(renamed === undefined ? {} : { newUserid: renamed }), isDelete, attempt }
}
