/**
 * The steps of connecting WeCom, by the kind of app: which of them can be opened, and what counts as a draft. The step stands
 * in the address. Each kind has the order in which WeCom lets an administrator do it: a suite is made in WeCom with our
 * callback address, so that address comes before the credentials; a company's own app is there before anything.
 */
import type { Connection } from '@muster/contracts'
import { hasSuiteCredentials } from '../suites/suite-credentials.ts'

export const STEPS = [
  'kind',
  'identity',
  'callback',
  'suite',
  'credentials',
  'corps',
  'domain',
  'mapping',
  'services',
  'check',
] as const

export type Step = (typeof STEPS)[number]

const STEPS_OF = {
  self_built: ['kind', 'identity', 'credentials', 'domain', 'mapping', 'services', 'check'],
  delegated: ['kind', 'identity', 'callback', 'suite', 'corps', 'domain', 'mapping', 'services', 'check'],
  service_provider: ['kind', 'identity', 'callback', 'suite', 'domain', 'corps', 'services', 'check'],
} as const satisfies Record<Connection['kind'], readonly Step[]>

export function stepsOf(kind: Connection['kind']): readonly Step[] {
  return STEPS_OF[kind]
}

/** The draft is the connection itself: before there is one, only the steps that lead to it can be opened. */
export function canOpen(step: Step, kind: Connection['kind'], hasDraft: boolean): boolean {
  return stepsOf(kind).includes(step) && (hasDraft || step === 'kind' || step === 'identity')
}

export function neighbour(step: Step, kind: Connection['kind'], by: 1 | -1): Step | undefined {
  const steps = stepsOf(kind)
  return steps[steps.indexOf(step) + by]
}

type Draftable = Pick<Connection, 'signIn' | 'sync' | 'status'>

/** Nothing of it was ever switched on: whoever made it has not come to the end. */
export function isDraft({ signIn, sync, status }: Draftable): boolean {
  return !signIn.enabled && !sync.enabled && status.sync === 'never' && status.linkedUsers === 0
}

type Credentialed = Pick<
  Connection,
  | 'kind'
  | 'corpId'
  | 'agentId'
  | 'hasSecret'
  | 'hasContactsSecret'
  | 'callback'
  | 'suiteId'
  | 'hasSuiteSecret'
  | 'providerCorpId'
  | 'hasProviderSecret'
  | 'suite'
>

/** Where somebody who comes back goes on: the first step that is known to lack something, else the one after it. */
export function resumeAt(draft: Credentialed): Step {
  const { kind, suite } = draft
  if (kind === 'self_built') {
    const hasApp = draft.agentId !== null && draft.hasSecret
    return draft.corpId !== null && (hasApp || draft.hasContactsSecret) ? 'domain' : 'credentials'
  }
  if (!hasCallback(draft)) return 'callback'
  if (!hasSuiteCredentials(draft)) return 'suite'
  if (kind === 'service_provider') return 'domain'
  return suite === null || suite.authorizedCorps === 0 ? 'corps' : 'domain'
}

/** Whether WeCom's callbacks can be read: without both, real time has nothing to follow. */
export function hasCallback({ callback }: Pick<Connection, 'callback'>): boolean {
  return callback.hasToken && callback.hasAesKey
}
