/**
 * One HTTP request and its answer, or a WecomError that says how it failed. Knows TLS, status codes, sizes, encodings
 * and deadlines; knows nothing of tokens, errcodes or retries (request.ts). Redirects are never followed and nothing is
 * decompressed, so the size bound is the memory bound. No error carries a URL or a piece of a body.
 */

import type { Dispatcher } from 'undici'

import { WecomError } from './errors.ts'
import type { WecomErrorCode } from './errors.ts'
import { errorCodeOf } from './redact.ts'
import { whenAborted } from './waiting.ts'
import { isObject } from './wire.ts'
import type { WireObject } from './wire.ts'

export type ExchangeRequest = {
  /** For errors only. */
  api: string
  /** An address, or its parts, where the caller has them: parsing it is work for each of thousands of calls. */
  target: string | Target
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

/** `path` with the query. */
export type Target = { readonly origin: string; readonly path: string }

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

const UTF8 = new TextDecoder('utf-8', { fatal: true })

function parseJson({ bytes, contentType }: Answer, request: ExchangeRequest): WireObject {
  const fail = (code: WecomErrorCode, message: string) => failure(request, code, message, { httpStatus: 200 })

  const charset = /charset\s*=\s*"?([\w-]+)/i.exec(contentType)?.[1]?.toLowerCase() ?? 'utf-8'
  if (charset !== 'utf-8' && charset !== 'utf8' && charset !== 'us-ascii') {
    throw fail('WECOM_ANSWER_UNREADABLE', 'the answer is not in UTF-8')
  }
  let text: string
  try {
    text = UTF8.decode(bytes)
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

const HEADERS = ['accept', 'application/json', 'user-agent', '@muster/wecom']
const HEADERS_WITH_BODY = [...HEADERS, 'content-type', 'application/json; charset=utf-8']

/**
 * The request as undici's dispatcher tells of it, without the streams and signals of its friendlier interface, which were
 * half of what a call costs here. Comes back when the deadline, the caller or the budget ends it, even if undici does not
 * react: it takes an abort only once a connection exists, and a DNS look-up cannot be cancelled at all.
 */
function fetchAnswer(dispatcher: Dispatcher, request: ExchangeRequest): Promise<Answer> {
  const { signal, recalled, timeoutMs, maxBytes } = request
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(givenUp(request))
    if (recalled?.aborted) return reject(new Recalled())
    let controller: Dispatcher.DispatchController | undefined
    let isOver = false
    const chunks: Buffer[] = []
    let size = 0
    let contentType = ''

    const onAbort = () => breakOff(givenUp(request))
    const onRecall = () => breakOff(new Recalled())
    const onDeadline = () => breakOff(failure(request, 'WECOM_TIMEOUT', `no whole answer within ${timeoutMs} ms`))
    const timer = setTimeout(onDeadline, timeoutMs)
    const ignoreSignal = signal && whenAborted(signal, onAbort)
    recalled?.addEventListener('abort', onRecall, { once: true })

    function end(): void {
      isOver = true
      clearTimeout(timer)
      ignoreSignal?.()
      recalled?.removeEventListener('abort', onRecall)
    }

    function breakOff(error: Error): void {
      if (isOver) return
      end()
      reject(error)
      controller?.abort(error)
    }

    const handler: Dispatcher.DispatchHandler = {
      onRequestStart(started) {
        controller = started
        if (isOver) controller.abort(new Error('nobody waits for the answer any more'))
      },
      onResponseStart(_, status, headers) {
        if (isOver || status < 200) return
        const serverTime = Date.parse(String(headers['date'] ?? ''))
        if (!Number.isNaN(serverTime)) request.onServerTime?.(serverTime)
        const refusal = refusalOf(request, status, headers)
        if (refusal !== undefined) return breakOff(refusal)
        contentType = String(headers['content-type'] ?? '')
      },
      onResponseData(_, chunk) {
        if (isOver) return
        size += chunk.length
        if (size > maxBytes) return breakOff(tooLarge(request))
        chunks.push(chunk)
      },
      onResponseEnd() {
        if (isOver) return
        end()
        resolve({ bytes: chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size), contentType })
      },
      onResponseError(_, error) {
        if (isOver) return
        end()
        reject(transportError(error, request))
      },
    }
    try {
      dispatcher.dispatch(
        {
          ...(typeof request.target === 'string' ? targetOf(request.target) : request.target),
          method: request.method,
          headers: request.body === undefined ? HEADERS : HEADERS_WITH_BODY,
          body: request.body ?? null,
          // Our own deadline covers connection, headers and body together; undici's would start again with every byte.
          headersTimeout: 0,
          bodyTimeout: 0,
        },
        handler,
      )
    } catch (error) {
      breakOff(transportError(error, request))
    }
  })
}

function targetOf(url: string): Target {
  const { origin, pathname, search } = new URL(url)
  return { origin, path: pathname + search }
}

/** Why an answer with this head is not read. */
function refusalOf(
  request: ExchangeRequest,
  status: number,
  headers: Readonly<Record<string, string | string[] | undefined>>,
): WecomError | undefined {
  const refuse = (code: WecomErrorCode, message: string) => failure(request, code, message, { httpStatus: status })
  if (status >= 300 && status < 400) return refuse('WECOM_REDIRECTED', `HTTP ${status} instead of an answer`)
  if (status >= 500 || status === 429) return refuse('WECOM_SERVER_FAILED', `HTTP ${status}`)
  if (status !== 200) return refuse('WECOM_UNEXPECTED_STATUS', `HTTP ${status} instead of an answer`)
  const encoding = headers['content-encoding'] ?? 'identity'
  if (encoding !== 'identity') return refuse('WECOM_ANSWER_UNREADABLE', 'the answer is compressed, unasked')
  return Number(headers['content-length'] ?? 0) > request.maxBytes ? tooLarge(request) : undefined
}

function tooLarge(request: ExchangeRequest): WecomError {
  const message = `the answer is larger than ${request.maxBytes} bytes`
  return failure(request, 'WECOM_ANSWER_TOO_LARGE', message, { httpStatus: 200 })
}

function givenUp({ api }: ExchangeRequest): WecomError {
  return new WecomError('WECOM_ABORTED', { api, message: 'the caller gave up' })
}

function failure(
  { api, sensitive }: ExchangeRequest,
  code: WecomErrorCode,
  message: string,
  rest: { httpStatus?: number; cause?: unknown; isUnsent?: boolean } = {},
): WecomError {
  return new WecomError(code, { api, message, sensitive, ...rest })
}

function transportError(error: unknown, request: ExchangeRequest): WecomError {
  const fail = (code: WecomErrorCode, message: string, isUnsent = false) =>
    failure(request, code, message, { cause: error, isUnsent })

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
