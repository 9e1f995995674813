/** Calls an endpoint, for the console and the command line. How a request travels is the caller's business. */
import type { z } from 'zod'
import type { Endpoint, Result, Sent } from './endpoint.ts'
import { Problem } from './problem.ts'

/**
 * Sends one request and answers what came back, whatever the status. `path` is below `/api/v1` and already encoded,
 * `query` holds only what was given, `body` is to be sent as JSON unless undefined. An answer without content has the
 * body undefined. Owns credentials, timeout and cancellation; throws when there was no answer.
 */
export type Transport = (request: {
  method: Endpoint['method']
  path: string
  query: Record<string, string>
  body: unknown
}) => Promise<{ status: number; body: unknown }>

/** The server refused. `code` is permanent, `message` and `remedy` are for people, in the language that was asked for. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem'
  readonly status: number
  readonly code: string
  readonly remedy: string | undefined
  readonly fields: NonNullable<Problem['fields']>
  readonly requestId: string | undefined
  readonly problem: Problem

  constructor(problem: Problem) {
    super(problem.detail ?? problem.title)
    this.problem = problem
    this.status = problem.status
    this.code = problem.code
    this.remedy = problem.remedy
    this.fields = problem.fields ?? []
    this.requestId = problem.requestId
  }
}

/**
 * `await call(startRun, { params: { id: 'hq' }, body: { mode: 'preview' } }, transport)`
 *
 * JSON only: link to a CSV export, do not call it. What cannot be understood, such as the HTML page of a proxy, is an
 * `ApiProblem` too, with the code `client/unexpected-answer`, so that callers have one error to show.
 *
 * @throws ApiProblem
 */
export async function call<const E extends Endpoint>(
  endpoint: E,
  request: Sent<E>,
  transport: Transport,
): Promise<Result<E>> {
  const { params, query, body } = request as { params?: object; query?: object; body?: unknown }
  const answer = await transport({
    method: endpoint.method,
    path: fillPath(endpoint.path, new Map(Object.entries(params ?? {}))),
    query: queryTexts(query ?? {}),
    body,
  })

  const parsed = successSchema(endpoint, answer.status)?.safeParse(answer.body)
  if (parsed?.success) return parsed.data as Result<E> // the schema is that of E; an index by status hides it from the compiler
  throw new ApiProblem(Problem.safeParse(answer.body).data ?? unexpected(answer.status, parsed?.error))
}

function fillPath(path: string, params: ReadonlyMap<string, unknown>): string {
  return path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(String(params.get(name))))
}

function queryTexts(query: object): Record<string, string> {
  const given = Object.entries(query).filter(([, value]) => value !== undefined)
  return Object.fromEntries(given.map(([name, value]) => [name, String(value)]))
}

function successSchema(endpoint: Endpoint, status: number): z.ZodType | undefined {
  const response = endpoint.responses[status]
  return response && 'content' in response ? response.content['application/json'].schema : response
}

function unexpected(status: number, cause: z.ZodError | undefined): Problem {
  const where = cause?.issues[0]?.path.join('.')
  return {
    type: 'about:blank',
    title: 'The answer cannot be understood',
    status,
    detail: `Status ${status}${where ? `, at ${where}` : ''}.`,
    code: 'client/unexpected-answer',
    remedy: 'Check that the address is that of Muster and that nothing in between answers for it.',
  }
}
