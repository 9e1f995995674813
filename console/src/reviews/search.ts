/** What the address of the review list may hold. Pure. */
import { ReviewReason, ReviewState } from '@muster/contracts'
import { oneOf, text, withoutAbsent } from '../search-parameters.ts'

export interface ReviewsSearch {
  readonly connection?: string
  /** Open ones when nothing is said. */
  readonly state?: ReviewState | 'all'
  readonly reason?: ReviewReason
  readonly q?: string
  /** The one that is unfolded. */
  readonly review?: string
}

export function reviewsSearch(given: Record<string, unknown>): ReviewsSearch {
  return withoutAbsent({
    connection: text(given['connection'], 64),
    state: oneOf([...ReviewState.options, 'all'], given['state']),
    reason: oneOf(ReviewReason.options, given['reason']),
    q: text(given['q'], 200),
    review: text(given['review'], 64),
  })
}
