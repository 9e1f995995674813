/**
 * What the addresses of these pages may hold: filters that somebody wants to link to. Pure. An address can be typed by
 * hand, so whatever is not known is left out.
 */
import type { Change, Run } from '@muster/contracts'

export const RUN_STATES = [
  'running',
  'succeeded',
  'partially_succeeded',
  'failed',
  'held',
  'rejected',
  'superseded',
  'cancelled',
  'previewed',
] as const satisfies readonly Run['state'][]

export const TRIGGERS = [
  'manual',
  'schedule',
  'event',
  'signin',
  'approval',
  'revert',
] as const satisfies readonly Run['trigger'][]

export const ENTITIES = ['user', 'department', 'membership', 'link'] as const satisfies readonly Change['entity'][]

export const ACTIONS = [
  'create',
  'update',
  'disable',
  'enable',
  'delete',
  'restore',
  'link',
  'unlink',
] as const satisfies readonly Change['action'][]

export const CHANGE_STATES = [
  'planned',
  'applied',
  'held',
  'failed',
  'skipped',
  'rejected',
] as const satisfies readonly Change['state'][]

export interface RunsSearch {
  /** Id or identifier. */
  readonly connection?: string
  readonly state?: Run['state']
  readonly trigger?: Run['trigger']
}

export interface ChangesSearch {
  readonly entity?: Change['entity']
  readonly action?: Change['action']
  readonly state?: Change['state']
  readonly q?: string
}

export function runsSearch(given: Record<string, unknown>): RunsSearch {
  return withoutAbsent({
    connection: text(given['connection'], 64),
    state: oneOf(RUN_STATES, given['state']),
    trigger: oneOf(TRIGGERS, given['trigger']),
  })
}

export function changesSearch(given: Record<string, unknown>): ChangesSearch {
  return withoutAbsent({
    entity: oneOf(ENTITIES, given['entity']),
    action: oneOf(ACTIONS, given['action']),
    state: oneOf(CHANGE_STATES, given['state']),
    q: text(given['q'], 200),
  })
}

export function oneOf<const Word extends string>(words: readonly Word[], given: unknown): Word | undefined {
  return words.find((word) => word === given)
}

/** The router takes digits alone in an address for a number. */
export function text(given: unknown, longest: number): string | undefined {
  const words = typeof given === 'number' ? String(given) : given
  return typeof words === 'string' && words !== '' && words.length <= longest ? words : undefined
}

type Present<T> = { [Name in keyof T]?: Exclude<T[Name], undefined> }

/** So that an address does not say `state=undefined`. */
export function withoutAbsent<T extends object>(given: T): Present<T> {
  const present = Object.entries(given).filter(([, value]) => value !== undefined)
  return Object.fromEntries(present) as Present<T> // the same members, without those that are undefined
}
