/**
 * How the admin API is mounted: an endpoint of the contracts and the function that answers it. Checks who calls and
 * whether the role is enough, before anything is read. Registers nothing by itself; admin.ts holds the list.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Endpoint, Received, Reply, Role } from '@muster/contracts'
import { SYSTEM, type Actor } from '../audit/audit.ts'
import { AppError, type Language } from '../errors.ts'
import type { Session } from '../sessions/sessions.ts'

/** Somebody who was recognised, and what they may do. */
export interface Caller {
  readonly actor: Actor
  /** Null for somebody who is signed in and may do nothing here. */
  readonly role: Role | null
  /** Of the browser; null for a program. */
  readonly session: Session | null
}

/** @returns who sent the request, or undefined when it carries no valid credential */
export type Authenticate = (request: FastifyRequest) => Promise<Caller | undefined>

/** What a handler gets: the checked parts of the request and who sent it. */
export interface Call<E extends Endpoint> {
  readonly params: Received<E, 'params'>
  readonly query: Received<E, 'query'>
  readonly body: Received<E, 'body'>
  readonly actor: Actor
  /** Known where the endpoint needs one. */
  readonly role: E['role'] extends Role ? Role : Role | null
  readonly session: Session | null
  /** For texts that are stored in both languages. */
  readonly language: Language
  readonly reply: FastifyReply
}

export type Handler<E extends Endpoint> = (call: Call<E>) => Promise<Reply<E>>

/** An endpoint together with its handler, as a value for the list in admin.ts. */
export interface Route {
  readonly endpoint: Endpoint
  readonly handle: (call: Call<Endpoint>) => Promise<unknown>
}

export function route<const E extends Endpoint>(endpoint: E, handle: Handler<E>): Route {
  // The pair was checked here; a list of many endpoints cannot keep each one's types.
  return { endpoint, handle }
}

const RANK: Record<Role, number> = { auditor: 1, operator: 2, owner: 3 }

/** Whoever calls what needs no role. */
const NOBODY: Caller = { actor: SYSTEM, role: null, session: null }

export function mountRoutes(
  api: FastifyInstance,
  routes: readonly Route[],
  {
    authenticate,
    isConfirmed,
    languageOf,
  }: {
    authenticate: Authenticate
    /** Whether the person is known to sit in front of the browser. */
    isConfirmed: (session: Session) => boolean
    languageOf: (request: FastifyRequest) => Language
  },
): void {
  const callers = new WeakMap<FastifyRequest, Caller>()
  for (const { endpoint, handle } of routes) {
    const status = Number(Object.keys(endpoint.responses)[0])
    api.route({
      method: endpoint.method,
      url: endpoint.path,
      schema: {
        operationId: endpoint.operationId,
        summary: endpoint.summary,
        ...describe(endpoint),
        tags: [endpoint.tag],
        ...(endpoint.role === null ? { security: [] } : {}),
        ...(endpoint.params === undefined ? {} : { params: endpoint.params }),
        ...(endpoint.query === undefined ? {} : { querystring: endpoint.query }),
        ...(endpoint.body === undefined ? {} : { body: endpoint.body }),
        ...(endpoint.consumes === undefined ? {} : { consumes: [...endpoint.consumes] }),
        response: endpoint.responses,
      },
      // Before the body is parsed: whoever may not call learns nothing about what would be valid.
      onRequest: async (request) => {
        if (endpoint.role === null) return
        const caller = await authenticate(request)
        if (caller === undefined) throw new AppError('auth/required')
        if (endpoint.role !== 'any' && !isEnough(caller.role, endpoint.role)) throw new AppError('auth/forbidden')
        if (endpoint.confirm && caller.session !== null && !isConfirmed(caller.session)) {
          throw new AppError('auth/confirm-first')
        }
        callers.set(request, caller)
      },
      handler: async (request, reply) => {
        const caller = callers.get(request) ?? NOBODY
        void reply.code(status).header('cache-control', 'no-store')
        const answer = await handle({
          params: request.params as never,
          query: request.query as never,
          body: request.body as never,
          actor: { ...caller.actor, address: addressOf(request), requestId: request.id },
          role: caller.role, // compared above
          session: caller.session,
          language: languageOf(request),
          reply,
        })
        return reply.sent ? reply : reply.send(answer)
      },
    })
  }
}

function isEnough(role: Role | null, least: Role): boolean {
  return role !== null && RANK[role] >= RANK[least]
}

function describe({ description, confirm }: Endpoint): { description?: string } {
  const texts = [...(description === undefined ? [] : [description]), ...(confirm ? [CONFIRMED] : [])]
  return texts.length === 0 ? {} : { description: texts.join(' ') }
}

const CONFIRMED =
  'With a session: refused with auth/confirm-first unless the person signed in or confirmed in the last ten minutes.'

/** A socket of this machine has no address, whatever the type says. */
function addressOf({ ip }: { ip?: string | undefined }): string | null {
  return ip ?? null
}
