/** Questions about members that a person decides, in the admin API (http-api.md §4.1). */
import {
  getReview,
  listReviews,
  resolveReview,
  type Review as ReviewAnswer,
  type ReviewDecision,
} from '@muster/contracts'
import type { z } from 'zod'
import type { Connections } from '../connections/connections.ts'
import type { Organizations } from '../directory/organizations.ts'
import type { Decision, Decisions } from '../sync/decisions.ts'
import type { Review, Reviews } from '../sync/reviews.ts'
import { page, readCursor, readSearch } from './pages.ts'
import { route, type Route } from './routes.ts'

export function reviewRoutes({
  reviews,
  decisions,
  connections,
  organizations,
}: {
  reviews: Reviews
  decisions: Decisions
  connections: Connections
  organizations: Organizations
}): Route[] {
  return [
    route(listReviews, async ({ query }) => {
      const organization = await organizations.resolve(query.organizationId)
      const connection = query.connection === undefined ? null : await connections.get(query.connection)
      const { items, hasMore, total } = await reviews.list({
        organizationId: organization.id,
        connectionId: connection?.id ?? null,
        state: query.state,
        reason: query.reason,
        q: readSearch(query.q),
        limit: query.limit,
        cursor: readCursor(query.cursor),
      })
      return page(items.map(renderReview), hasMore, total, ({ id }) => id)
    }),
    route(getReview, async ({ params }) => renderReview(await reviews.load(params.id))),
    route(resolveReview, async ({ actor, role, params, body }) =>
      renderReview(await decisions.resolve({ actor, role }, params.id, asDecision(body))),
    ),
  ]
}

/** The schema lets through exactly these three. */
function asDecision({ action, userId }: ReviewDecision): Decision {
  return action === 'link' ? { action, userId: userId! } : { action }
}

function renderReview(review: Review): z.input<typeof ReviewAnswer> {
  return {
    id: review.id,
    organizationId: review.organizationId,
    connectionId: review.connectionId,
    corpId: review.corpId,
    userid: review.userid,
    memberName: review.memberName,
    member: renderMember(review.member),
    reason: review.reason,
    candidates: [...review.candidates],
    state: review.state,
    userId: review.userId,
    formerUserId: review.formerUserId,
    resolvedBy: review.resolvedBy,
    resolvedAt: review.resolvedAt === null ? null : new Date(review.resolvedAt).toISOString(),
    createdAt: new Date(review.createdAt).toISOString(),
  }
}

const SHOWN = ['displayName', 'bizMail', 'email', 'phone', 'title', 'gender', 'isActive'] as const

/** Stored as JSON, where what was withheld is absent. */
function renderMember(member: Review['member']): z.input<typeof ReviewAnswer>['member'] {
  const { displayName, bizMail, email, phone, title, gender, isActive } = member
  return {
    displayName: displayName ?? null,
    bizMail: bizMail ?? null,
    email: email ?? null,
    phone: phone ?? null,
    title: title ?? null,
    gender: gender ?? null,
    isActive: isActive ?? null,
    withheld: SHOWN.filter((field) => member[field] === undefined),
  }
}
