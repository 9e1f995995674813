/**
 * Sends browsers to WeCom: begins an attempt and makes the address that it is for, wherever somebody leaves from. That is
 * our page with its panel and links, the account page, the provider (at once, without a page of ours), and a callback whose
 * code WeCom no longer takes. Which door fits a browser is doors.ts; who comes back is callback.ts.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Connection, ConnectionForSignIn, Connections } from '../connections/connections.ts'
import type { Database, Transaction } from '../database/database.ts'
import { AppError } from '../errors.ts'
import type { Session } from '../sessions/sessions.ts'
import type { Attempt, Attempts } from './attempts.ts'
import type { Browsers, CookieReply } from './browser.ts'
import {
  clientOf,
  doorAppOf,
  doorOfLink,
  redirectUrlOf,
  wayFor,
  wecomAddress,
  type WecomDoor,
  type WecomHosts,
} from './doors.ts'
import type { OwnRequests } from './own-requests.ts'
import type { Pace } from './pace.ts'
import type { Way } from './pages/views.ts'
import type { Refusals } from './refusals.ts'
import { safeReturnTo } from './return-to.ts'
import { redirect, type Showing } from './showing.ts'
import type { SignInRequest } from './signin.ts'
import { isCorpId, wishOf, type Visits } from './visits.ts'

/** A browser that goes to WeCom at once: nothing is to be shown or asked on the way. */
export interface Departure {
  readonly address: string
  /** To be done before the browser is told; without it the address leads to nothing. */
  readonly write: (tx: Transaction) => Promise<void>
}

/** undefined: the person has to be shown something first, by the dispatcher. */
export type LeaveAtOnce = (
  request: FastifyRequest,
  reply: CookieReply,
  asked: SignInRequest,
) => Promise<Departure | undefined>

export interface DepartureParts {
  readonly database: Database
  readonly connections: Connections
  readonly hosts: WecomHosts
  readonly publicUrl: string
  readonly environmentRedirectUrl: string | undefined
  readonly attempts: Attempts
  readonly browsers: Browsers
  readonly pace: Pace
  readonly own: OwnRequests
  readonly visits: Visits
  readonly showing: Showing
  readonly refusals: Refusals
}

export type Departures = ReturnType<typeof createDepartures>

export function createDepartures(parts: DepartureParts) {
  const { database, connections, hosts, publicUrl, attempts, browsers, pace, own, visits, showing, refusals } = parts
  const redirectUrl = (connection: Connection) => redirectUrlOf(connection, parts)

  return { takePlace, leaveAtOnce, startAt, go, panelFor, addressFor, startBinding, startAgain }

  /** Before an attempt is begun, which is a row. @returns how many seconds to wait instead */
  function takePlace(request: FastifyRequest): number | undefined {
    return pace.take(browsers.placeOf(request).address)
  }

  /**
   * For oidc/: the first step of the dispatcher, where a request asks nothing of the person, without the way there. It
   * was a tenth of what a sign-in costs.
   */
  async function leaveAtOnce(
    request: FastifyRequest,
    reply: CookieReply,
    asked: SignInRequest,
  ): Promise<Departure | undefined> {
    const next = wayFor(clientOf(request.headers['user-agent']), asked)
    if (next.kind !== 'go') return undefined
    const [chosen, another] = await visits.choiceOf(asked, await visits.offeredTo(asked), null)
    if (chosen === undefined || another !== undefined || doorAppOf(chosen) === undefined) return undefined
    if (takePlace(request) !== undefined) return undefined
    const { uid: requestUid, application } = asked
    const browserHash = browsers.ensure(request, reply)
    const rest = { door: next.door, restarts: 0, bindUserId: null }
    return prepare(request, chosen, { requestUid, application, browserHash, ...rest }, asked)
  }

  async function startAt(
    request: FastifyRequest,
    reply: FastifyReply,
    asked: SignInRequest,
    found: ConnectionForSignIn,
    door: WecomDoor,
  ): Promise<FastifyReply> {
    const seconds = takePlace(request)
    if (seconds !== undefined) return refusals.slowDown(request, reply, asked, seconds)
    return redirect(reply, await addressFor(request, asked, found, door, browsers.ensure(request, reply)))
  }

  /** The plain link beside the panel, and the buttons on phones. */
  async function go(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const asked = await visits.loadRequest(request, reply)
    if (asked === undefined) return showing.show(request, reply, null, { kind: 'expired' }, 404)
    const wish = wishOf(request)
    const fitting = wish === null ? [] : await visits.doorsFor(await visits.offeredTo(asked), wish)
    const [found, another] = fitting
    if (found === undefined) return refusals.refuseWish(request, reply, asked, wish)
    // One company of several has to be picked first, or the address was made up.
    if (another !== undefined) return redirect(reply, `/signin/${asked.uid}`)
    return startAt(request, reply, asked, found, doorOfLink(clientOf(request.headers['user-agent'])))
  }

  async function panelFor(
    request: FastifyRequest,
    asked: SignInRequest,
    found: ConnectionForSignIn,
    browserHash: string,
    linkHref: string,
  ): Promise<Way> {
    const address = await addressFor(request, asked, found, 'panel', browserHash)
    const given = new URL(address).searchParams
    return {
      kind: 'panel',
      loginUrl: hosts.loginUrl,
      linkHref,
      parameters: {
        login_type: given.get('login_type') === 'ServiceApp' ? 'ServiceApp' : 'CorpApp',
        appid: given.get('appid')!,
        agentid: given.get('agentid'),
        redirect_uri: given.get('redirect_uri')!,
        state: given.get('state')!,
        lang: showing.languageFor(request, asked),
      },
    }
  }

  /** Begins an attempt. @returns the address of WeCom that it is for */
  async function addressFor(
    request: FastifyRequest,
    asked: SignInRequest,
    found: ConnectionForSignIn,
    door: WecomDoor,
    browserHash: string,
  ): Promise<string> {
    const { application, uid } = asked
    return begin(
      request,
      found,
      { requestUid: uid, application, door, browserHash, restarts: 0, bindUserId: null },
      asked,
    )
  }

  /**
   * Begins to bind a member of a connection to somebody who is signed in. For the account page, after its own check of
   * the form. @returns where the browser goes @throws AppError `connections/not-found`, `connections/sign-in-off`
   */
  async function startBinding(
    request: FastifyRequest,
    reply: FastifyReply,
    session: Session,
    { connection: reference, corp, returnTo }: { connection: string; corp: string | null; returnTo: string },
  ): Promise<string> {
    if (corp !== null && !isCorpId(corp)) throw new AppError('connections/not-found')
    const found = await connections.forSignIn(reference, corp)
    if (found === undefined || found.connection.organizationId !== session.organizationId)
      throw new AppError('connections/not-found')
    if (!found.connection.signIn.enabled) throw new AppError('connections/sign-in-off')
    const client = clientOf(request.headers['user-agent'])
    const { organizationId } = session
    const errand = { organizationId, returnTo: safeReturnTo(returnTo, publicUrl), authenticatedSince: null }
    const requestUid = own.begin(reply, errand)
    return begin(request, found, {
      requestUid,
      application: null,
      door: doorOfLink(client),
      browserHash: browsers.ensure(request, reply),
      restarts: 0,
      bindUserId: session.userId,
    })
  }

  /** The same once more, after a code that WeCom did not take. @returns the address of WeCom */
  async function startAgain(
    request: FastifyRequest,
    found: ConnectionForSignIn,
    attempt: Attempt,
    browserHash: string,
  ): Promise<string> {
    return begin(request, found, {
      requestUid: attempt.requestUid,
      application:
        attempt.applicationId === null ? null : { id: attempt.applicationId, name: attempt.applicationName ?? '' },
      door: attempt.door === 'panel' ? 'qr' : attempt.door,
      browserHash,
      restarts: attempt.restarts + 1,
      bindUserId: attempt.bindUserId,
    })
  }

  async function begin(...about: Parameters<typeof prepare>): Promise<string> {
    const { address, write } = prepare(...about)
    await database.inSharedTransaction(write)
    return address
  }

  function prepare(
    request: FastifyRequest,
    found: ConnectionForSignIn,
    given: {
      requestUid: string
      application: { id: string; name: string } | null
      door: WecomDoor
      browserHash: string
      restarts: number
      bindUserId: string | null
    },
    asked?: SignInRequest,
  ): Departure {
    const { connection, corp, credential } = found
    const app = doorAppOf(found)
    if (app === undefined) throw new AppError('connections/incomplete')
    const { application, ...rest } = given
    const { state, write } = attempts.prepare({
      ...rest,
      organizationId: connection.organizationId,
      connectionId: connection.id,
      corpId: corp?.corpId ?? null,
      credential,
      applicationId: application?.id ?? null,
      applicationName: application?.name ?? null,
    })
    const { requestPrivateFields } = connection.signIn
    const door = { app, requestPrivateFields, redirectUrl: redirectUrl(connection) }
    const client = clientOf(request.headers['user-agent'])
    return { address: wecomAddress(given.door, client, door, state, hosts, showing.languageFor(request, asked)), write }
  }
}
