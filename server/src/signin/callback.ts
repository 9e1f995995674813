/**
 * What WeCom's redirect brings back (`/auth/wecom/{identifier}/callback`). Answers with a redirect and nothing else, so
 * that a page never carries a code in its address. The state is used up before the code is looked at: without a state
 * that this browser, this connection and this moment belong to, WeCom is not asked (threats.md SI-01 to SI-07).
 */
import { randomInt } from 'node:crypto'
import type { SignInReason } from '@muster/contracts'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import type { Connection, ConnectionForSignIn, ConnectionKind, Connections } from '../connections/connections.ts'
import { ENVIRONMENT_IDENTIFIER } from '../connections/environment.ts'
import type { Database } from '../database/database.ts'
import { unreachable } from '../errors.ts'
import type { Session } from '../sessions/sessions.ts'
import type { Admitting, Claim } from './admitting.ts'
import { isCode, type Asked } from './asking.ts'
import type { Attempt, Attempts } from './attempts.ts'
import type { Browsers } from './browser.ts'
import { clientOf, doorOfLink } from './doors.ts'
import type { Pace } from './pace.ts'
import type { Code, Redeem } from './redeeming.ts'
import { redirect } from './showing.ts'
import type { SignIns } from './sign-ins.ts'

export interface CallbackParts {
  readonly database: Database
  readonly connections: Connections
  readonly redeem: Redeem
  readonly attempts: Attempts
  readonly signIns: SignIns
  readonly admitting: Admitting
  readonly browsers: Browsers
  readonly pace: Pace
  readonly publicUrl: string
  readonly environmentRedirectUrl: string | undefined
  readonly log: Logger
  /** @returns the address of WeCom */
  readonly startAgain: (
    request: FastifyRequest,
    found: ConnectionForSignIn,
    attempt: Attempt,
    browserHash: string,
  ) => Promise<string>
  /** Who this browser has proved to be, for an attempt that binds. */
  readonly claimOf: (request: FastifyRequest, attempt: Attempt) => Promise<Claim | null>
  /** Gives the browser its session. */
  readonly enter: (
    request: FastifyRequest,
    reply: FastifyReply,
    begun: { session: Session; cookie: string },
  ) => Promise<void>
  /** Where a browser goes that was let in: nothing is left for the dispatcher to decide. */
  readonly wayOn: (uid: string) => Promise<string>
}

/** A second time it is not chance any more. */
const MOST_RESTARTS = 1

export function callbackRoutes(scope: FastifyInstance, parts: CallbackParts): void {
  const { attempts, admitting, browsers, connections } = parts

  scope.get('/auth/wecom/callback', (request, reply) => receive(request, reply, undefined))
  scope.get('/auth/wecom/:identifier/callback', (request, reply) =>
    receive(request, reply, (request.params as { identifier: string }).identifier),
  )
  const further = furtherPath(parts)
  if (further !== undefined) scope.get(further, (request, reply) => receive(request, reply, undefined))

  async function receive(
    request: FastifyRequest,
    reply: FastifyReply,
    identifier: string | undefined,
  ): Promise<FastifyReply> {
    const first = await connections.forSignIn(identifier ?? ENVIRONMENT_IDENTIFIER)
    const isRightDoor = first !== undefined && (identifier !== undefined || first.connection.managedByEnvironment)
    const given = readQuery(request.query as Record<string, unknown>, first?.connection.kind)
    if (!isRightDoor || given === undefined) return refuseStranger(request, reply, first?.connection)

    const { connection } = first
    const browserHash = browsers.hashOf(request)
    const attempt = await attempts.take(given.state, connection.id)
    if (attempt === undefined) return refuseUsed(request, reply, connection, given.state, browserHash)

    const isHere = attempt.browserHash === browserHash
    const refuse = (reason: SignInReason, problem: string | null = null) =>
      refuseAttempt(request, reply, attempt, { isHere, reason, problem })
    if (given.code === undefined) return refuse('declined')
    if (!connection.signIn.enabled) return refuse('sign-in-off')
    const found = attempt.corpId === null ? first : await connections.forSignIn(connection.id, attempt.corpId)
    if (found === undefined) return refuse('connection-changed')
    if (connection.kind !== 'self_built' && attempt.corpId !== null && found.corp === null) {
      return refuse('corp-not-authorised')
    }
    if (attempt.credential !== found.credential) return refuse('connection-changed')

    const outcome = await parts.redeem(found, given.code)
    switch (outcome.kind) {
      case 'code-rejected': {
        if (!isHere || attempt.restarts >= MOST_RESTARTS) return refuse('code-rejected')
        if (!(await attempts.move(parts.database, attempt.id, 'taken', 'restarted'))) return refuse('expired')
        return redirect(reply, await parts.startAgain(request, found, attempt, browserHash))
      }
      case 'code-of-another-door':
        return refuse('code-rejected')
      case 'failed':
        parts.log.warn(
          {
            connectionId: connection.id,
            code: outcome.problem,
            errcode: outcome.error.errcode,
            api: outcome.error.api,
          },
          'WeCom could not say who is signing in',
        )
        return refuse(outcome.reason, outcome.problem)
      case 'outsider':
      case 'member':
        return isHere ? settle(request, reply, attempt, outcome) : carry(request, reply, attempt, outcome)
      default:
        return unreachable(outcome)
    }
  }

  async function settle(
    request: FastifyRequest,
    reply: FastifyReply,
    attempt: Attempt,
    asked: Asked,
  ): Promise<FastifyReply> {
    const errand = { ...attempt, attempt }
    const settled = await admitting.settle(
      errand,
      asked,
      await parts.claimOf(request, attempt),
      browsers.placeOf(request),
    )
    if (settled.kind !== 'admitted') return redirect(reply, `/signin/${attempt.requestUid}`)
    await parts.enter(request, reply, settled)
    return redirect(reply, await parts.wayOn(attempt.requestUid))
  }

  /** WeCom's desktop client opened another browser: nothing is granted to it. It may show that it belongs to the first. */
  async function carry(
    request: FastifyRequest,
    reply: FastifyReply,
    attempt: Attempt,
    asked: Asked,
  ): Promise<FastifyReply> {
    const carrierHash = browsers.ensure(request, reply)
    const number = String(randomInt(10, 100))
    const isCarried = await attempts.move(parts.database, attempt.id, 'taken', 'carried', {
      asked,
      number,
      carrierHash,
    })
    if (!isCarried) return refuseAttempt(request, reply, attempt, { isHere: false, reason: 'expired', problem: null })
    return redirect(reply, '/signin/number')
  }

  async function refuseAttempt(
    request: FastifyRequest,
    reply: FastifyReply,
    attempt: Attempt,
    { isHere, reason, problem }: { isHere: boolean; reason: SignInReason; problem: string | null },
  ): Promise<FastifyReply> {
    const settled = await admitting.refuse(attempt, 'taken', { reason, problem }, browsers.placeOf(request))
    if (isHere || settled.kind !== 'refused') return redirect(reply, `/signin/${attempt.requestUid}`)
    return redirect(reply, refusedPage(settled))
  }

  /** The same callback once more finds the page of its request, which knows what became of it. */
  async function refuseUsed(
    request: FastifyRequest,
    reply: FastifyReply,
    connection: Connection,
    state: string,
    browserHash: string | undefined,
  ): Promise<FastifyReply> {
    const theirs = browserHash === undefined ? undefined : await attempts.ofBrowser(state, browserHash)
    if (theirs?.connectionId === connection.id && theirs.phase !== 'started') {
      return redirect(reply, `/signin/${theirs.requestUid}`)
    }
    return refuseStranger(request, reply, connection)
  }

  async function refuseStranger(
    request: FastifyRequest,
    reply: FastifyReply,
    connection: Connection | undefined,
  ): Promise<FastifyReply> {
    const browser = browsers.placeOf(request)
    const seconds = parts.pace.take(browser.address)
    if (seconds !== undefined) {
      // Not on record: a record of each would be the harm that the limit is against.
      return reply.code(429).header('retry-after', String(seconds)).send()
    }
    const referenceId = await parts.database.inTransaction((tx) =>
      parts.signIns.refuse(
        tx,
        {
          connection: connection ?? null,
          corpId: connection?.corpId ?? null,
          applicationId: null,
          door: doorOfLink(clientOf(request.headers['user-agent'])),
          reason: 'state-invalid',
          problem: null,
        },
        browser,
      ),
    )
    return redirect(reply, refusedPage({ reason: 'state-invalid', referenceId }))
  }
}

/** WECOM_REDIRECT_URL may name another path of this server, for whoever registered one with WeCom long ago. */
function furtherPath({ environmentRedirectUrl, publicUrl }: CallbackParts): string | undefined {
  const url = environmentRedirectUrl === undefined ? undefined : new URL(environmentRedirectUrl)
  if (url === undefined || url.origin !== new URL(publicUrl).origin) return undefined
  const isOurs = /^\/auth\/wecom\/(?:[^/]+\/)?callback$/.test(url.pathname)
  return isOurs || url.pathname === '/' ? undefined : url.pathname
}

/**
 * Each once, or it is nothing that WeCom sends. A provider may be sent an `auth_code` instead: the login page before the
 * present one does so (wecom-api.md §3.4). We send nobody there, and take who comes from it with a state of ours.
 */
function readQuery(
  { state, code, auth_code: authCode }: Record<string, unknown>,
  kind: ConnectionKind | undefined,
): { state: string; code: Code | undefined } | undefined {
  if (typeof state !== 'string') return undefined
  if (kind === 'service_provider' && authCode !== undefined) {
    const isOne = code === undefined && typeof authCode === 'string' && isCode(authCode)
    return isOne ? { state, code: { text: authCode, from: 'older-page' } } : undefined
  }
  if (code === undefined) return { state, code }
  return typeof code === 'string' && isCode(code) ? { state, code: { text: code, from: 'browser' } } : undefined
}

function refusedPage({ reason, referenceId }: { reason: SignInReason; referenceId: string }): string {
  return `/signin/refused?reason=${reason}&reference=${referenceId}`
}
