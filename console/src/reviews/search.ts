/** What the address of the review list may hold. Pure. */
import type { Review } from '@muster/contracts'
import { oneOf, text, withoutAbsent } from '../runs/search.ts'

export const REVIEW_STATES = [
  'open',
  'linked',
  'created',
  'ignored',
  'outdated',
] as const satisfies readonly Review['state'][]

export const REVIEW_REASONS = [
  'privileged',
  'ambiguous',
  'conflict',
  'reused',
] as const satisfies readonly Review['reason'][]

export interface ReviewsSearch {
  readonly connection?: string
  /** Open ones when nothing is said. */
  readonly state?: Review['state'] | 'all'
  readonly reason?: Review['reason']
  readonly q?: string
  /** The one that is unfolded. */
  readonly review?: string
}

export function reviewsSearch(given: Record<string, unknown>): ReviewsSearch {
  return withoutAbsent({
    connection: text(given['connection'], 64),
    state: oneOf([...REVIEW_STATES, 'all'], given['state']),
    reason: oneOf(REVIEW_REASONS, given['reason']),
    q: text(given['q'], 200),
    review: text(given['review'], 64),
  })
}
