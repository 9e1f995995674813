/** What the addresses of these pages may hold: filters that somebody wants to link to. Pure. */
import { ChangeAction, ChangeEntity, ChangeState, RunState, RunTrigger } from '@muster/contracts'
import { oneOf, text, withoutAbsent } from '../search-parameters.ts'

export interface RunsSearch {
  /** Id or identifier. */
  readonly connection?: string
  readonly state?: RunState
  readonly trigger?: RunTrigger
}

export interface ChangesSearch {
  readonly entity?: ChangeEntity
  readonly action?: ChangeAction
  readonly state?: ChangeState
  readonly q?: string
}

export function runsSearch(given: Record<string, unknown>): RunsSearch {
  return withoutAbsent({
    connection: text(given['connection'], 64),
    state: oneOf(RunState.options, given['state']),
    trigger: oneOf(RunTrigger.options, given['trigger']),
  })
}

export function changesSearch(given: Record<string, unknown>): ChangesSearch {
  return withoutAbsent({
    entity: oneOf(ChangeEntity.options, given['entity']),
    action: oneOf(ChangeAction.options, given['action']),
    state: oneOf(ChangeState.options, given['state']),
    q: text(given['q'], 200),
  })
}
