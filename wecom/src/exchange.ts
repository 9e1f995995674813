/**
 * One HTTP request and its answer, or a WecomError that says how it failed. Knows TLS, status codes, sizes, encodings
 * and deadlines; knows nothing of tokens, errcodes or retries (request.ts). Redirects are never followed and nothing is
 * decompressed, so the size bound is the memory bound. No error carries a URL or a piece of a body.
 */

import { request as httpRequest } from 'undici'
import type { Dispatcher } from 'undici'

import { WecomError } from './errors.ts'
import type { WecomErrorCode } from './errors.ts'
import { errorCodeOf } from './redact.ts'
import { DeadlineExceeded, withDeadline } from './waiting.ts'
import { isObject } from './wire.ts'
import type { WireObject } from './wire.ts'

export type ExchangeRequest = {
  /** For errors only. */
  api: string
  url: string
  method: 'GET' | 'POST'
  body?: string
  timeoutMs: number
  maxBytes: number
  signal: AbortSignal | undefined
  /** Breaks the request off with `Recalled`. */
  recalled?: AbortSignal | undefined
  sensitive: readonly string[]
  /** Told the time that the server names in its answer, whatever else is in it. Milliseconds since 1970. */
  onServerTime?: (ms: number) => void
}

/** The place of this request is needed by somebody else (budget.ts). Never leaves this package. */
export class Recalled extends Error {
  override readonly name = 'Recalled'
}

type Answer = { bytes: Buffer; contentType: string }

/** A request that is known not to have left: repeating it cannot do anything twice. */
const UNSENT_CODES = new Set([
  'ENOTFOUND',
  'EAI_AGAIN',
  'EAI_FAIL',
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
])

/** Node's and OpenSSL's names for a certificate or a handshake that is not acceptable. */
const TLS_CODE = /^(ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_|INVALID_CA|EPROTO$)/

/** Bytes of the body of an HTTP 200, whole and unencoded. */
export async function fetchBytes(dispatcher: Dispatcher, request: ExchangeRequest): Promise<Buffer> {
  return (await fetchAnswer(dispatcher, request)).bytes
}

/** The JSON object of an HTTP 200. A byte order mark is tolerated; another charset, invalid UTF-8 and HTML are not. */
export async function fetchJson(dispatcher: Dispatcher, request: ExchangeRequest): Promise<WireObject> {
  return parseJson(await fetchAnswer(dispatcher, request), request)
}

/** Like `fetchJson`, but an answer whose bytes the caller knows already is not parsed. */
export async function fetchJsonUnlessKnown<T>(
  dispatcher: Dispatcher,
  request: ExchangeRequest,
  recognise: (bytes: Buffer) => T | undefined,
): Promise<{ known: T } | { answer: WireObject }> {
  const fetched = await fetchAnswer(dispatcher, request)
  const known = recognise(fetched.bytes)
  return known === undefined ? { answer: parseJson(fetched, request) } : { known }
}

function parseJson({ bytes, contentType }: Answer, request: ExchangeRequest): WireObject {
  const fail = (code: WecomErrorCode, message: string) =>
    new WecomError(code, { api: request.api, message, httpStatus: 200, sensitive: request.sensitive })

  const charset = /charset\s*=\s*"?([\w-]+)/i.exec(contentType)?.[1]?.toLowerCase() ?? 'utf-8'
  if (charset !== 'utf-8' && charset !== 'utf8' && charset !== 'us-ascii') {
    throw fail('WECOM_ANSWER_UNREADABLE', 'the answer is not in UTF-8')
  }
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw fail('WECOM_ANSWER_UNREADABLE', 'the answer is not valid UTF-8')
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // The SyntaxError is dropped on purpose: its message quotes the body.
    throw /^\s*\{/.test(text)
      ? fail('WECOM_ANSWER_TRUNCATED', 'the JSON of the answer is broken')
      : fail('WECOM_ANSWER_UNREADABLE', 'the answer is not JSON')
  }
  if (!isObject(value)) throw fail('WECOM_ANSWER_UNREADABLE', 'the answer is not a JSON object')
  return value
}

async function fetchAnswer(dispatcher: Dispatcher, request: ExchangeRequest): Promise<Answer> {
  try {
    const signals = [request.signal, request.recalled]
    return await withDeadline(request.timeoutMs, signals, (signal) => readAnswer(dispatcher, request, signal))
  } catch (error) {
    if (request.recalled?.aborted && !request.signal?.aborted) throw new Recalled()
    throw error instanceof WecomError ? error : transportError(error, request)
  }
}

async function readAnswer(dispatcher: Dispatcher, request: ExchangeRequest, signal: AbortSignal): Promise<Answer> {
  const fail = (code: WecomErrorCode, message: string, httpStatus?: number) =>
    new WecomError(code, { api: request.api, message, httpStatus, sensitive: request.sensitive })

  const response = await httpRequest(request.url, {
    dispatcher,
    method: request.method,
    headers: {
      accept: 'application/json',
      'user-agent': '@muster/wecom',
      ...(request.body === undefined ? {} : { 'content-type': 'application/json; charset=utf-8' }),
    },
    body: request.body,
    signal,
    // Our own deadline covers connection, headers and body together; undici's would start again with every byte.
    headersTimeout: 0,
    bodyTimeout: 0,
  })
  const refuse = (error: WecomError) => {
    response.body.on('error', () => {}).destroy()
    return error
  }

  const serverTime = Date.parse(String(response.headers['date'] ?? ''))
  if (!Number.isNaN(serverTime)) request.onServerTime?.(serverTime)
  const status = response.statusCode
  if (status >= 300 && status < 400)
    throw refuse(fail('WECOM_REDIRECTED', `HTTP ${status} instead of an answer`, status))
  if (status >= 500 || status === 429) throw refuse(fail('WECOM_SERVER_FAILED', `HTTP ${status}`, status))
  if (status !== 200) throw refuse(fail('WECOM_UNEXPECTED_STATUS', `HTTP ${status} instead of an answer`, status))
  const encoding = response.headers['content-encoding'] ?? 'identity'
  if (encoding !== 'identity')
    throw refuse(fail('WECOM_ANSWER_UNREADABLE', 'the answer is compressed, unasked', status))

  const tooLarge = () => fail('WECOM_ANSWER_TOO_LARGE', `the answer is larger than ${request.maxBytes} bytes`, status)
  if (Number(response.headers['content-length'] ?? 0) > request.maxBytes) throw refuse(tooLarge())
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response.body as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > request.maxBytes) throw refuse(tooLarge())
    chunks.push(chunk)
  }
  return { bytes: Buffer.concat(chunks, size), contentType: String(response.headers['content-type'] ?? '') }
}

function transportError(error: unknown, request: ExchangeRequest): WecomError {
  const fail = (code: WecomErrorCode, message: string, isUnsent = false) =>
    new WecomError(code, { api: request.api, message, cause: error, isUnsent, sensitive: request.sensitive })

  if (request.signal?.aborted)
    return new WecomError('WECOM_ABORTED', { api: request.api, message: 'the caller gave up' })
  if (error instanceof DeadlineExceeded) return fail('WECOM_TIMEOUT', `no whole answer within ${request.timeoutMs} ms`)
  const code = errorCodeOf(error) ?? ''
  const isUnsent = UNSENT_CODES.has(code)
  if (code === 'ENOTFOUND' || code.startsWith('EAI_'))
    return fail('WECOM_DNS_FAILED', `${code} while resolving`, isUnsent)
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return fail('WECOM_TIMEOUT', 'no connection in time', isUnsent)
  if (TLS_CODE.test(code)) return fail('WECOM_TLS_FAILED', `${code} in the TLS handshake`, true)
  if (code.startsWith('HPE_') || code === 'UND_ERR_HEADERS_OVERFLOW') {
    return fail('WECOM_ANSWER_UNREADABLE', 'the answer is not HTTP')
  }
  if (code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH') return fail('WECOM_ANSWER_TRUNCATED', 'the answer was cut off')
  return fail('WECOM_CONNECTION_FAILED', `${code || 'connection error'} while calling`, isUnsent)
}
