/**
 * What comes next for a browser at `/signin/{uid}`: decided anew each time, from the request, the attempt of this browser
 * and its session. Steps end by sending the browser back here, or by showing one of the pages that are made here.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ConnectionForSignIn, Connections } from '../connections/connections.ts'
import { isEnough } from '../sessions/sessions.ts'
import type { Admitting, Claim } from './admitting.ts'
import type { Attempt } from './attempts.ts'
import type { Browsers } from './browser.ts'
import type { Departures } from './departures.ts'
import { clientOf, wayFor } from './doors.ts'
import { iconHref } from './icons.ts'
import type { PasswordProblem, Way } from './pages/views.ts'
import type { Refusals } from './refusals.ts'
import { redirect, type Showing } from './showing.ts'
import type { SignInRequest } from './signin.ts'
import { queryOf, wishOf, type Visits, type Wish } from './visits.ts'

export interface DispatcherParts {
  readonly connections: Connections
  readonly admitting: Admitting
  readonly browsers: Browsers
  readonly visits: Visits
  readonly showing: Showing
  readonly refusals: Refusals
  readonly departures: Departures
  readonly now: () => number
}

export type Dispatcher = ReturnType<typeof createDispatcher>

/** What somebody has typed into a password form, and what was wrong with it. */
interface GivenPassword {
  readonly username: string
  readonly problem: PasswordProblem | null
}

/** A callback takes as long as WeCom may take; after that its process is dead. */
const TAKEN_FOR_MS = 15_000
const REFRESH_SECONDS = 2

export function createDispatcher({
  connections,
  admitting,
  browsers,
  visits,
  showing,
  refusals,
  departures,
  now,
}: DispatcherParts) {
  const { show, goOn, formFor } = showing

  return { dispatch, tellStatus, settleHere, showSignIn, showBinding }

  async function dispatch(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const asked = await visits.loadRequest(request, reply)
    if (asked === undefined) return show(request, reply, null, { kind: 'expired' }, 404)
    const session = await visits.sessionOf(request)
    const attempt = await visits.attemptOf(request, asked)
    if (session !== undefined && isEnough(session, asked) && !isBinding(attempt)) {
      return redirect(reply, await visits.requestsOf(asked.uid)!.complete(request, reply, asked.uid))
    }
    switch (attempt?.phase) {
      case 'taken':
        if (now() - (attempt.takenAt ?? 0) < TAKEN_FOR_MS) {
          return show(request, reply, asked, { kind: 'waiting', refreshSeconds: REFRESH_SECONDS })
        }
        return showSignIn(request, reply, asked)
      case 'carried':
        return show(request, reply, asked, {
          kind: 'number-shown',
          number: attempt.number!,
          refreshSeconds: REFRESH_SECONDS,
        })
      case 'matched':
        return settleHere(request, reply, asked, attempt, await visits.claimOf(request, attempt))
      case 'asking':
        return showBinding(request, reply, asked, attempt, { username: '', problem: null })
      case 'refused':
        return isAgain(request)
          ? showSignIn(request, reply, asked)
          : refusals.showRefusal(request, reply, asked, attempt)
      default:
        return showSignIn(request, reply, asked)
    }
  }

  /** For the script of the sign-in page: whether the person has gone on in another tab or browser. */
  async function tellStatus(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const asked = await visits.loadRequest(request, reply)
    const attempt = asked === undefined ? undefined : await visits.attemptOf(request, asked)
    const isHere = asked !== undefined && (attempt === undefined || attempt.phase === 'started')
    return reply.type('application/json').send(JSON.stringify({ state: isHere ? 'here' : 'elsewhere' }))
  }

  /** What the first browser does with what the second one, or the person, has added. */
  async function settleHere(
    request: FastifyRequest,
    reply: FastifyReply,
    asked: SignInRequest,
    attempt: Attempt,
    claim: Claim | null,
  ): Promise<FastifyReply> {
    if (attempt.asked === null) return showSignIn(request, reply, asked)
    const settled = await admitting.settle({ ...attempt, attempt }, attempt.asked, claim, browsers.placeOf(request))
    if (settled.kind === 'admitted') await visits.enter(request, reply, settled)
    const path = `/signin/${asked.uid}`
    return request.method === 'POST' ? goOn(request, reply, asked, path) : redirect(reply, path)
  }

  async function showSignIn(
    request: FastifyRequest,
    reply: FastifyReply,
    asked: SignInRequest,
    given: GivenPassword = { username: asked.loginHint ?? '', problem: null },
  ): Promise<FastifyReply> {
    const offered = await visits.offeredTo(asked)
    const picked = wishOf(request)
    const choice = await visits.choiceOf(asked, offered, picked)
    const wish = asked.wish ?? picked
    if (wish !== null && choice.length === 0) return refusals.refuseWish(request, reply, asked, wish)
    if (offered.length === 0 && !asked.passwordSignIn) {
      return refusals.refuseHere(request, reply, asked, { connection: null, reason: 'sign-in-off' })
    }
    const chosen = choice.length === 1 ? choice[0] : undefined
    const client = clientOf(request.headers['user-agent'])
    const browserHash = browsers.ensure(request, reply)
    const path = `/signin/${asked.uid}`
    let way: Way | null = null
    if (chosen !== undefined && given.problem === null) {
      const next = wayFor(client, asked)
      if (next.kind === 'go' && !isAgain(request)) return departures.startAt(request, reply, asked, chosen, next.door)
      const linkHref = `${path}/go?${queryOf(chosen)}`
      if (next.kind === 'open-app') way = { kind: 'open-app', href: linkHref }
      else {
        const seconds = departures.takePlace(request)
        if (seconds !== undefined) return refusals.slowDown(request, reply, asked, seconds)
        way =
          next.kind === 'open-in-wecom'
            ? { kind: next.kind, link: await departures.addressFor(request, asked, chosen, 'phone', browserHash) }
            : await departures.panelFor(request, asked, chosen, browserHash, linkHref)
      }
    }
    return show(request, reply, asked, {
      kind: 'sign-in',
      connections: shownOf(offered, choice, asked.wish).map((door) => ({
        displayName: door.connection.displayName,
        company: isOneOfMany(door, offered) ? (door.corp?.name ?? null) : null,
        iconHref: iconHref(door.connection),
        href: `${path}?${queryOf(door)}`,
        isChosen: chosen !== undefined && isSameDoor(door, chosen),
      })),
      way,
      password: asked.passwordSignIn ? { ...formFor(request, asked, 'password'), ...given } : null,
      statusHref: `${path}/status`,
    })
  }

  async function showBinding(
    request: FastifyRequest,
    reply: FastifyReply,
    asked: SignInRequest,
    attempt: Attempt,
    given: GivenPassword,
  ): Promise<FastifyReply> {
    const member = attempt.asked?.kind === 'member' ? attempt.asked : null
    const found = await connections.forSignIn(attempt.connectionId, member?.corpId ?? null)
    const company = found?.connection.kind === 'self_built' ? null : (found?.corp?.name ?? null)
    return show(request, reply, asked, {
      kind: 'bind',
      memberName: member?.member?.name ?? member?.userid ?? '',
      connectionName: company ?? found?.connection.displayName ?? '',
      form: { ...formFor(request, asked, 'bind'), ...given },
      create: attempt.mayCreate ? formFor(request, asked, 'create') : null,
    })
  }
}

/**
 * What the page lists: all that is offered; of what an application asks for only what is left to choose from, and where it
 * asks for one company, nobody is told which others there are.
 */
function shownOf(
  offered: readonly ConnectionForSignIn[],
  choice: readonly ConnectionForSignIn[],
  wish: Wish | null,
): ConnectionForSignIn[] {
  if (wish === null) return [...offered]
  if (choice.length > 1) return [...choice]
  const isHidden = (door: ConnectionForSignIn) =>
    wish.corp !== null && choice.some((one) => one.connection.id === door.connection.id && !isSameDoor(one, door))
  return offered.filter((door) => !isHidden(door))
}

function isOneOfMany({ connection }: ConnectionForSignIn, offered: readonly ConnectionForSignIn[]): boolean {
  return offered.filter((one) => one.connection.id === connection.id).length > 1
}

/** A provider's has one door, whichever company was asked for. */
function isSameDoor(one: ConnectionForSignIn, other: ConnectionForSignIn): boolean {
  if (one.connection.id !== other.connection.id) return false
  return one.connection.kind === 'service_provider' || one.corp?.corpId === other.corp?.corpId
}

/** Somebody who is signed in and adds a way in has a session all along; what came of the attempt goes first. */
function isBinding(attempt: Attempt | undefined): boolean {
  if (attempt === undefined || attempt.bindUserId === null) return false
  return attempt.phase !== 'admitted' && attempt.phase !== 'started' && attempt.phase !== 'restarted'
}

function isAgain({ query }: FastifyRequest): boolean {
  return (query as Record<string, unknown>)['again'] !== undefined
}
