/**
 * Tells people that they are not let in, and why. What admitting.ts has refused is only shown here; what is refused before
 * there is an attempt goes on record here, as fast as pace.ts allows.
 */
import type { SignInReason } from '@muster/contracts'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Connection, Connections } from '../connections/connections.ts'
import type { Database } from '../database/database.ts'
import type { Attempt } from './attempts.ts'
import type { Browsers } from './browser.ts'
import { clientOf, doorOfLink } from './doors.ts'
import type { Pace } from './pace.ts'
import type { Showing } from './showing.ts'
import type { SignInRequest } from './signin.ts'
import type { SignIns } from './sign-ins.ts'
import type { Wish } from './visits.ts'

export interface RefusalParts {
  readonly database: Database
  readonly connections: Connections
  readonly signIns: SignIns
  readonly browsers: Browsers
  readonly pace: Pace
  readonly showing: Showing
}

export type Refusals = ReturnType<typeof createRefusals>

/** What a callback that belongs to no request of this browser may say. */
const REASONS_WITHOUT_REQUEST = [
  'state-invalid',
  'declined',
  'sign-in-off',
  'connection-changed',
  'code-rejected',
  'wecom-unavailable',
  'wecom-problem',
  'not-a-member',
  'corp-not-authorised',
  'too-many-attempts',
  'expired',
] as const satisfies readonly SignInReason[]

export function createRefusals({ database, connections, signIns, browsers, pace, showing }: RefusalParts) {
  const { show } = showing

  return { showRefused, showRefusal, refuseWish, refuseHere, slowDown }

  /** For browsers that no request belongs to. Says nothing but a sentence for the word, whoever wrote the address. */
  async function showRefused(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const query = z
      .object({ reason: z.enum(REASONS_WITHOUT_REQUEST), reference: z.string().regex(/^[0-9A-Z-]{10,16}$/) })
      .safeParse(request.query)
    if (!query.success) return show(request, reply, null, { kind: 'expired' }, 404)
    const { reason, reference: referenceId } = query.data
    return show(request, reply, null, { kind: 'refused', reason, referenceId, againHref: null }, 403)
  }

  function showRefusal(request: FastifyRequest, reply: FastifyReply, asked: SignInRequest, attempt: Attempt) {
    const { reason, referenceId } = attempt
    const againHref = attempt.bindUserId === null ? `/signin/${asked.uid}?again=1` : null
    return show(
      request,
      reply,
      asked,
      { kind: 'refused', reason: reason ?? 'expired', referenceId: referenceId ?? '', againHref },
      403,
    )
  }

  /** Something was asked for that is not among what is offered. */
  async function refuseWish(request: FastifyRequest, reply: FastifyReply, asked: SignInRequest, wish: Wish | null) {
    const reference = wish?.connection ?? null
    const found = reference === null ? undefined : await connections.forSignIn(reference)
    const isTheirs = found !== undefined && found.connection.organizationId === asked.organizationId
    const connection = isTheirs ? found.connection : null
    return refuseHere(request, reply, asked, { connection, reason: reasonFor(asked, connection, wish) })
  }

  async function refuseHere(
    request: FastifyRequest,
    reply: FastifyReply,
    asked: SignInRequest,
    { connection, reason }: { connection: Connection | null; reason: SignInReason },
  ): Promise<FastifyReply> {
    const seconds = pace.take(browsers.placeOf(request).address)
    if (seconds !== undefined) return slowDown(request, reply, asked, seconds)
    const referenceId = await database.inTransaction((tx) =>
      signIns.refuse(
        tx,
        {
          connection,
          corpId: connection?.corpId ?? null,
          organizationId: asked.organizationId,
          applicationId: asked.application?.id ?? null,
          door: doorOfLink(clientOf(request.headers['user-agent'])),
          reason,
          problem: null,
        },
        browsers.placeOf(request),
      ),
    )
    return show(request, reply, asked, { kind: 'refused', reason, referenceId, againHref: null }, 403)
  }

  function slowDown(
    request: FastifyRequest,
    reply: FastifyReply,
    asked: SignInRequest,
    seconds: number,
  ): Promise<FastifyReply> {
    void reply.header('retry-after', String(seconds))
    // Not on record: a record of each would be the harm that the limit is against.
    return show(
      request,
      reply,
      asked,
      { kind: 'refused', reason: 'too-many-attempts', referenceId: '', againHref: null },
      429,
    )
  }
}

/** Its company has not authorised it, or none has, or there is nothing of that name for this request. */
function reasonFor({ connections }: SignInRequest, connection: Connection | null, wish: Wish | null): SignInReason {
  if (connection === null) {
    const isAboutCompany = wish !== null && wish.connection === null && wish.corp !== null
    return isAboutCompany ? 'corp-not-authorised' : 'connection-unknown'
  }
  if (!connection.signIn.enabled) return 'sign-in-off'
  if (!connections.includes(connection.id) || connection.kind === 'self_built') return 'connection-unknown'
  return 'corp-not-authorised'
}
