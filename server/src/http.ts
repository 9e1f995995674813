/**
 * The HTTP shell: one Fastify that answers errors as problem documents, checks requests with the contracts' schemas, and
 * serves health, readiness and metrics. What it serves is mounted by app.ts. Decides nothing.
 */
import { randomUUID } from 'node:crypto'
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import cookie from '@fastify/cookie'
import fastify, {
  LogController,
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify'
import { hasZodFastifySchemaValidationErrors, serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod'
import helmet from 'helmet'
import type { Logger } from 'pino'
import type { Metrics } from './metrics.ts'
import { isOutage } from './database/database.ts'
import { AppError, errorTable, type ErrorCode, type FieldProblem, type Language } from './errors.ts'

const BODY_LIMIT_BYTES = 1024 * 1024
const HEADERS_TIMEOUT_MS = 20_000
const REQUEST_TIMEOUT_MS = 60_000

export interface HttpOptions {
  readonly publicUrl: string
  readonly trustedProxies: readonly string[]
  readonly log: Logger
  readonly metrics: Metrics
  /** Throws when the server cannot do its work now. */
  readonly checkReady: () => Promise<void>
}

export async function createHttp({
  publicUrl,
  trustedProxies,
  log,
  metrics,
  checkReady,
}: HttpOptions): Promise<FastifyInstance> {
  // Fastify's own type, not pino's, is the one that plugins are written for.
  const loggerInstance: FastifyBaseLogger = log
  const http = fastify({
    loggerInstance,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => `req_${randomUUID()}`,
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    trustProxy: trustedProxies.length === 0 ? false : [...trustedProxies],
    routerOptions: { ignoreTrailingSlash: false },
    // An address that cannot be read; Fastify's own answer repeats it, with whatever code or state is in it.
    frameworkErrors: (error, request, reply) => void answerError(error, request, reply),
  })
  http.server.headersTimeout = HEADERS_TIMEOUT_MS
  http.setValidatorCompiler((route: Parameters<typeof validatorCompiler>[0]) => {
    const validate = validatorCompiler(route)
    // Fastify says null where no body was sent, which is not what an optional one means.
    return (data: unknown) => validate(route.httpPart === 'body' ? (data ?? undefined) : data)
  })
  http.setSerializerCompiler(serializerCompiler)

  await http.register(cookie)
  const headers = protectiveHeaders(publicUrl)
  http.addHook('onRequest', (_request, { raw }, done) => {
    for (const [name, value] of headers) raw.setHeader(name, value)
    done()
  })

  http.setErrorHandler((error: FastifyError | Error, request, reply) => answerError(error, request, reply))
  http.setNotFoundHandler((request, reply) => answerError(new AppError('http/no-route'), request, reply))

  http.addContentTypeParser(
    'application/merge-patch+json',
    { parseAs: 'string' },
    http.getDefaultJsonParser('error', 'error'),
  )
  http.addHook('preValidation', ({ params, query }, _reply, done) => done(nulIn(params, query)))

  http.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'unknown'
    metrics.httpRequest(request.method, route, reply.statusCode, reply.elapsedTime)
    request.log.debug(
      { method: request.method, route, status: reply.statusCode, durationMs: Math.round(reply.elapsedTime) },
      'answered',
    )
    done()
  })

  http.get('/healthz', async (_request, reply) => reply.header('cache-control', 'no-store').send({ status: 'ok' }))
  http.get('/readyz', async (_request, reply) => {
    await checkReady()
    return reply.header('cache-control', 'no-store').send({ status: 'ready' })
  })
  http.get('/metrics', async (_request, reply) => reply.type(metrics.contentType).send(await metrics.text()))
  return http
}

/** What helmet puts into every answer, asked once: nothing of it depends on the request. */
function protectiveHeaders(publicUrl: string): ReadonlyMap<string, string> {
  const protect = helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"], baseUri: ["'none'"], formAction: ["'none'"] },
    },
    referrerPolicy: { policy: 'no-referrer' },
    // A sign-in in a pop-up reports to the page that opened it, and any answer on its way could cut the two apart. Pages
    // say for themselves who may keep them (html.ts).
    crossOriginOpenerPolicy: false,
    // Only a public https origin may promise https; on http://localhost the promise would lock other local servers out.
    strictTransportSecurity: publicUrl.startsWith('https:') ? undefined : false,
  })
  const request = new IncomingMessage(new Socket())
  const response = new ServerResponse(request)
  protect(request, response, (error) => {
    if (error !== undefined) throw error as Error
  })
  return new Map(Object.entries(response.getHeaders()).map(([name, value]) => [name, String(value)]))
}

/** `Accept-Language: zh…` first means Chinese; everything else is English. */
export function languageOf(request: FastifyRequest): Language {
  return /^\s*zh\b/i.test(request.headers['accept-language'] ?? '') ? 'zh' : 'en'
}

function answerError(error: FastifyError | Error, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const known = asAppError(error)
  if (known === undefined) request.log.error({ err: error, route: request.routeOptions.url }, 'a request failed')
  else if (known.code === 'database/unavailable') request.log.warn({ err: error }, 'the database did not answer')
  const answer = known ?? new AppError('http/internal')
  const language = languageOf(request)
  const { title, remedy } = errorTable[answer.code]
  const wait = answer.extra?.['retryAfterSeconds']
  return reply
    .code(answer.status)
    .headers({
      'cache-control': 'no-store',
      ...(answer.status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
      ...(answer.status === 503 ? { 'retry-after': '5' } : {}),
      ...(typeof wait === 'number' ? { 'retry-after': String(wait) } : {}),
    })
    .type('application/problem+json; charset=utf-8')
    .serializer((body: unknown) => JSON.stringify(body))
    .send({
      type: `urn:muster:error:${answer.code.replace('/', ':')}`,
      title: title[language],
      status: answer.status,
      detail: (answer.detail ?? title)[language],
      code: answer.code,
      remedy: (answer.remedy ?? remedy)[language],
      requestId: request.id,
      ...(answer.fields === undefined ? {} : { fields: answer.fields }),
      ...answer.extra,
    })
}

/** NUL names nothing, and PostgreSQL refuses it in any text: that is the caller's mistake and not a failure of ours. */
function nulIn(...parts: unknown[]): AppError | undefined {
  const fields: FieldProblem[] = []
  for (const part of parts) {
    const texts = part as Readonly<Record<string, unknown>>
    for (const path in texts) {
      const text = texts[path]
      if (typeof text === 'string' && text.includes('\0')) fields.push({ path, message: 'Must not contain NUL.' })
    }
  }
  return fields.length === 0 ? undefined : new AppError('http/validation', { fields })
}

/** What Fastify itself refuses, in our words. Undefined is a bug or a broken machine. */
function asAppError(error: FastifyError | Error): AppError | undefined {
  if (error instanceof AppError) return error
  if (isOutage(error)) return new AppError('database/unavailable', { cause: error })
  if (hasZodFastifySchemaValidationErrors(error)) {
    const fields = error.validation.map(({ instancePath, message, params }): FieldProblem => {
      const path = instancePath.split('/').filter(Boolean).join('.')
      const unknown = unknownKeys(params)
      return {
        path: unknown === undefined ? path : [path, unknown].filter(Boolean).join('.'),
        message: message ?? 'is not valid',
      }
    })
    return new AppError('http/validation', { fields, cause: error })
  }
  if (!('statusCode' in error) || error.statusCode === undefined || error.statusCode >= 500) return undefined
  if (error.code === 'FST_ERR_BAD_URL' || error.code === 'FST_ERR_MAX_PARAM_LENGTH')
    return new AppError('http/no-route')
  const code: ErrorCode =
    error.statusCode === 413 ? 'http/too-large' : error.statusCode === 415 ? 'http/media-type' : 'http/validation'
  return new AppError(code, { cause: error })
}

function unknownKeys(params: unknown): string | undefined {
  const keys = (params as { keys?: unknown } | undefined)?.keys
  return Array.isArray(keys) ? keys.join(',') : undefined
}
