/**
 * One HTTP request of a callback and its whole answer within a deadline, over connections that are kept. Knows nothing of
 * what is sent, nor whether an answer is the right one. Called by sender.ts.
 */

import { Agent as PlainAgent, request as plainRequest } from 'node:http'
import { Agent as TlsAgent, request as tlsRequest } from 'node:https'

import type { CallbackRequest } from './request.ts'

export interface CallbackCall {
  method: 'GET' | 'POST'
  /** Its query goes in front of that of the request. */
  url: string
  /** A URL verification has a query and nothing else. */
  request: Pick<CallbackRequest, 'query'> & Partial<CallbackRequest>
  /** For the whole answer. */
  deadlineMs: number
  signal?: AbortSignal
}

export interface CallbackAnswer {
  /** 0 without an answer. */
  status: number
  body: string
  tookMs: number
  /** Why there is no whole answer. */
  reason?: string
}

export interface CallbackExchange {
  /** Never rejects. */
  exchange(call: CallbackCall): Promise<CallbackAnswer>
  /** Lets go of the connections. */
  close(): void
}

const answerBytesMax = 64 * 1024

interface Agents {
  readonly 'http:': PlainAgent
  readonly 'https:': TlsAgent
}

export function createCallbackExchange(): CallbackExchange {
  const agents: Agents = {
    'http:': new PlainAgent({ keepAlive: true }),
    'https:': new TlsAgent({ keepAlive: true }),
  }
  return {
    async exchange(call) {
      const startedAt = performance.now()
      const took = () => Math.round(performance.now() - startedAt)
      const deadline = AbortSignal.timeout(call.deadlineMs)
      const signal = call.signal ? AbortSignal.any([call.signal, deadline]) : deadline
      for (;;) {
        try {
          return { ...(await oneRequest(call, signal, agents)), tookMs: took() }
        } catch (error) {
          // The receiver closed a connection it thought idle at the very moment we took it up again: no fault of anybody.
          if (error instanceof StaleConnection && !signal.aborted) continue
          const reason = deadline.aborted ? `no whole answer within ${call.deadlineMs} ms` : reasonOf(error)
          return { status: 0, body: '', tookMs: took(), reason }
        }
      }
    },
    close() {
      agents['http:'].destroy()
      agents['https:'].destroy()
    },
  }
}

class StaleConnection extends Error {}

function oneRequest(
  { method, url, request }: CallbackCall,
  signal: AbortSignal,
  agents: Agents,
): Promise<{ status: number; body: string }> {
  const body = Buffer.from(request.body ?? '')
  const headers: Record<string, string> = { 'user-agent': 'Mozilla/4.0' }
  if (method === 'POST') headers['content-length'] = String(body.length)
  if (request.contentType != null) headers['content-type'] = request.contentType
  return new Promise((resolve, reject) => {
    const options = { method, headers, signal }
    // A redirect is an answer other than 200, and is not followed.
    const address = withQuery(url, request.query)
    const outgoing = url.startsWith('https:')
      ? tlsRequest(address, { ...options, agent: agents['https:'] })
      : plainRequest(address, { ...options, agent: agents['http:'] })
    outgoing.once('error', (error: NodeJS.ErrnoException) => {
      const isStale = outgoing.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE')
      reject(isStale ? new StaleConnection() : error)
    })
    outgoing.once('response', (response) => {
      let text = ''
      let size = 0
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        size += chunk.length
        if (size <= answerBytesMax) text += chunk
        else response.destroy(new Error('the answer is longer than 64 kB'))
      })
      response.once('error', reject)
      response.once('end', () => resolve({ status: response.statusCode ?? 0, body: text }))
    })
    if (request.bytesPerSecond === undefined) outgoing.end(body)
    else drip(outgoing, body, request.bytesPerSecond, signal)
  })
}

function drip(outgoing: NodeJS.WritableStream, body: Buffer, bytesPerSecond: number, signal: AbortSignal): void {
  let offset = 0
  const timer = setInterval(() => {
    if (signal.aborted || !outgoing.writable) return clearInterval(timer)
    outgoing.write(body.subarray(offset, offset + 1))
    offset++
    if (offset < body.length) return
    clearInterval(timer)
    outgoing.end()
  }, 1000 / bytesPerSecond)
}

/** Behind what the address has already. A fragment never goes over the wire. */
function withQuery(url: string, query: string): string {
  const [address = ''] = url.split('#')
  return `${address}${address.includes('?') ? '&' : '?'}${query}`
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code: unknown = 'code' in error ? error.code : undefined
  return typeof code === 'string' ? `no answer: ${code}` : `no answer: ${error.message}`
}
