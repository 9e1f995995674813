/**
 * The addresses that WeCom calls. A delivery is acknowledged when it is on the disk, and not later than WeCom waits for;
 * everything else happens afterwards. Whatever is not from WeCom gets the same empty refusal for every reason.
 */
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Connection, Connections } from '../connections/connections.ts'
import { isOutage, type Transaction } from '../database/database.ts'
import { AppError, unreachable } from '../errors.ts'
import type { CallbackOutcome } from '../metrics.ts'
import type { Inbox } from './inbox.ts'
import { readArrival, type Arrival } from './meaning.ts'
import { companyOf, readMessage, readVerification, type Callee, type Channel, type Message } from './reception.ts'

export interface CallbackParts {
  readonly connections: Connections
  readonly inbox: Inbox
  /** Whether a company has authorised the suite of a connection: now, once, or never. */
  readonly corpState: (connectionId: string, corpId: string) => Promise<'authorized' | 'cancelled' | undefined>
  readonly saveTicket: (
    tx: Transaction,
    connectionId: string,
    ticket: { readonly ticket: string; readonly sentAt: number },
  ) => Promise<void>
  readonly onKept: (connectionId: string) => void
  readonly onAnswered: (outcome: CallbackOutcome, durationMs: number) => void
  readonly now: () => number
}

/** More than any message has, and what a proxy may add. */
const BODY_LIMIT_BYTES = 256 * 1024
/** WeCom waits five seconds for an event and one for the verification of an address. */
const LONGEST_MS = 1_800
const RETRY_AFTER_S = 5
/** One refusal of a connection in so much time is worth a line; whoever sends thousands fills no log. */
const LOGGED_EVERY_MS = 60_000

const ADDRESSES = {
  '/callback/wecom/:identifier': 'contacts',
  '/callback/wecom/:identifier/command': 'command',
  '/callback/wecom/:identifier/data': 'data',
} as const satisfies Record<string, Channel>

interface Answer {
  readonly outcome: CallbackOutcome
  readonly status: 200 | 403 | 404 | 413 | 500 | 503
  readonly text?: string
}

type CallbackRoute = FastifyRequest<{ Params: { identifier: string } }>

/** In a scope of its own: what it does to bodies and errors is for these addresses only. */
export function mountCallbacks(scope: FastifyInstance, parts: CallbackParts): void {
  const { connections, inbox, corpState, saveTicket, onKept, onAnswered, now } = parts
  /** By connection, when a refusal was logged last. */
  const logged = new Map<string, number>()

  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: BODY_LIMIT_BYTES }, (_request, body, done) =>
    done(null, body),
  )
  scope.setErrorHandler((error: FastifyError | Error, request, reply) => send(reply, ofError(error, request)))
  for (const [url, channel] of Object.entries(ADDRESSES)) {
    scope.get(url, async (request: CallbackRoute, reply) =>
      send(reply, await inTime(verify(request, channel), request)),
    )
    scope.post(url, { bodyLimit: BODY_LIMIT_BYTES }, async (request: CallbackRoute, reply) =>
      send(reply, await inTime(receive(request, channel), request)),
    )
  }

  async function verify(request: CallbackRoute, channel: Channel): Promise<Answer> {
    const callee = await connections.forCallback(request.params.identifier)
    if (callee === undefined) return NO_CONNECTION
    const verification = readVerification(request, callee, channel)
    if (verification.kind === 'refused') return refuse(request, callee, channel, verification.why)
    // Exactly the text: no quotes, no line end, no byte order mark.
    return { outcome: 'verified', status: 200, text: verification.text }
  }

  async function receive(request: CallbackRoute, channel: Channel): Promise<Answer> {
    const callee = await connections.forCallback(request.params.identifier)
    if (callee === undefined) return NO_CONNECTION
    const { query, body, headers } = request
    const message = readMessage({ query, body, contentType: headers['content-type'] }, callee, channel, now())
    switch (message.kind) {
      case 'refused':
        return refuse(request, callee, channel, message.why)
      case 'stale':
        request.log.debug({ connectionId: callee.connection.id, channel }, 'a callback was too old or from the future')
        return { outcome: 'stale', ...ACKNOWLEDGED }
      case 'message':
        return keep(request, callee, channel, message)
      default:
        return unreachable(message)
    }
  }

  async function keep(
    request: CallbackRoute,
    callee: Callee,
    channel: Channel,
    message: Extract<Message, { kind: 'message' }>,
  ): Promise<Answer> {
    const { connection } = callee
    const state = await companyState(connection, message)
    if (state === 'stranger') return refuse(request, callee, channel, 'it is for a company that never authorised us')
    const arrival = readArrival(message.event, connection, state === 'known')
    // Of a suite there are few, and without a ticket nobody comes in; a company that cancels is to be heard at once.
    if (message.event.kind !== 'suite' && inbox.isFull()) return UNAVAILABLE
    const to = { connectionId: connection.id, organizationId: connection.organizationId, channel }
    const kept = await inbox.keep(to, arrival, message, ticketKeeper(connection, arrival, message))
    if (kept === 'no-connection') return NO_CONNECTION
    if (kept === 'duplicate') return { outcome: 'duplicate', ...ACKNOWLEDGED }
    if (arrival.verdict === null) onKept(connection.id)
    return { outcome: arrival.verdict?.state === 'ignored' ? 'ignored' : 'received', ...ACKNOWLEDGED }
  }

  function ticketKeeper(
    { id }: Connection,
    { ticket, payload }: Arrival,
    { sentAt }: { sentAt: number },
  ): ((tx: Transaction) => Promise<void>) | undefined {
    if (ticket === null) return undefined
    return (tx) => saveTicket(tx, id, { ticket, sentAt: payload.happenedAt ?? sentAt })
  }

  /** `known`: its events count. `former`: they did. A receiver that never authorised us cannot be meant by WeCom. */
  async function companyState(
    { id, kind, suiteId }: Connection,
    { event, receiveId }: { event: Parameters<typeof companyOf>[0]; receiveId: string },
  ): Promise<'known' | 'former' | 'stranger'> {
    const corpId = companyOf(event)
    if (kind === 'self_built' || corpId === null) return 'known'
    const state = await corpState(id, corpId)
    if (state === 'authorized') return 'known'
    return state === undefined && receiveId !== suiteId ? 'stranger' : 'former'
  }

  function refuse(request: FastifyRequest, { connection }: Callee, channel: Channel, why: string): Answer {
    const facts = { connectionId: connection.id, channel, method: request.method, why }
    const at = now()
    if (at - (logged.get(connection.id) ?? Number.NEGATIVE_INFINITY) >= LOGGED_EVERY_MS) {
      logged.set(connection.id, at)
      request.log.info(facts, 'a callback was refused; further ones within a minute are not logged')
    } else request.log.debug(facts, 'a callback was refused')
    return REFUSED
  }

  function ofError(error: FastifyError | Error, request: FastifyRequest): Answer {
    if (isOutage(error) || (error instanceof AppError && error.status === 503)) {
      request.log.warn({ err: error }, 'a callback could not be kept')
      return UNAVAILABLE
    }
    const { statusCode } = error as FastifyError
    if (statusCode === 413) return { outcome: 'too-large', status: 413 }
    // Whatever cannot even be read as a request, in the words of everything else that is not from WeCom.
    if (error instanceof AppError ? error.status < 500 : statusCode !== undefined && statusCode < 500) return REFUSED
    request.log.error({ err: error, route: request.routeOptions.url }, 'a request failed')
    return { outcome: 'unavailable', status: 500 }
  }

  function send(reply: FastifyReply, { outcome, status, text }: Answer): FastifyReply {
    onAnswered(outcome, reply.elapsedTime)
    void reply.code(status).header('cache-control', 'no-store')
    if (status === 503) void reply.header('retry-after', String(RETRY_AFTER_S))
    return text === undefined ? reply.send() : reply.type('text/plain; charset=utf-8').send(text)
  }
}

const NO_CONNECTION: Answer = { outcome: 'no-connection', status: 404 }
const REFUSED: Answer = { outcome: 'refused', status: 403 }
const UNAVAILABLE: Answer = { outcome: 'unavailable', status: 503 }
/** What the command address of a suite must say; the others may. */
const ACKNOWLEDGED = { status: 200, text: 'success' } as const

/** What takes longer goes on, and may still be kept: then WeCom sends it again, and it is a duplicate. */
async function inTime(answer: Promise<Answer>, request: FastifyRequest): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>((resolve) => (timer = setTimeout(resolve, LONGEST_MS, 'late')))
  try {
    const first = await Promise.race([answer, late])
    if (first !== 'late') return first
    answer.catch((error: unknown) => request.log.warn({ err: error }, 'a callback could not be kept'))
    return UNAVAILABLE
  } finally {
    clearTimeout(timer)
  }
}
