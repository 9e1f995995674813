/** The steps of connecting WeCom, which of them can be opened, and what counts as a draft. The step stands in the address. */
import type { Connection } from '@muster/contracts'

export const STEPS = ['kind', 'identity', 'credentials', 'domain', 'mapping', 'services', 'check'] as const

export type Step = (typeof STEPS)[number]

/** The draft is the connection itself: before there is one, only the steps that lead to it can be opened. */
export function canOpen(step: Step, hasDraft: boolean): boolean {
  return hasDraft || step === 'kind' || step === 'identity'
}

export function neighbour(step: Step, by: 1 | -1): Step | undefined {
  return STEPS[STEPS.indexOf(step) + by]
}

type Draftable = Pick<Connection, 'signIn' | 'sync' | 'status'>

/** Nothing of it was ever switched on: whoever made it has not come to the end. */
export function isDraft({ signIn, sync, status }: Draftable): boolean {
  return !signIn.enabled && !sync.enabled && status.sync === 'never' && status.linkedUsers === 0
}

type Credentialed = Pick<Connection, 'corpId' | 'agentId' | 'hasSecret' | 'hasContactsSecret'>

/** Where somebody who comes back goes on: the first step that is known to lack something, else the one after it. */
export function resumeAt({ corpId, agentId, hasSecret, hasContactsSecret }: Credentialed): Step {
  const hasApp = agentId !== null && hasSecret
  return corpId !== null && (hasApp || hasContactsSecret) ? 'domain' : 'credentials'
}
