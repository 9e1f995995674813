/**
 * An application that is called back: verifies and decrypts with WeCom's own library, which shares nothing with us, and
 * remembers what came. How it answers can be changed while it runs.
 */

import { decrypt, getSignature } from '@wecom/crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'

export const token = 'QDG6eK'
export const encodingAesKey = 'jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C'

/** One POST as it came. */
export interface Received {
  path: string
  contentType: string | undefined
  body: string
  query: URLSearchParams
  isSigned: boolean
  /** Empty when it cannot be decrypted. */
  message: string
  receiveId: string
}

export interface TestReceiver {
  url: string
  received: Received[]
  /** The plain texts of what came and was signed, oldest first. */
  messages(): string[]
  /** Instead of `success`. */
  answer: (response: ServerResponse, received: Received) => void
  /** Instead of the decrypted text. */
  verifiesBy: (response: ServerResponse, echo: string, receiveId: string) => void
  /** Stops listening and drops connections. */
  close(): Promise<void>
}

export async function startReceiver(t: TestContext): Promise<TestReceiver> {
  const server = createServer((request, response) => void take(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = async () => {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }
  t.after(close)
  const receiver: TestReceiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/callback`,
    received: [],
    messages: () => receiver.received.filter(({ isSigned }) => isSigned).map(({ message }) => message),
    answer: (response) => response.end('success'),
    verifiesBy: (response, echo) => response.end(echo),
    close,
  }
  return receiver

  async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams: query } = new URL(request.url ?? '/', receiver.url)
    if (request.method === 'GET') {
      const echo = query.get('echostr') ?? ''
      const { message, receiveId } = open(echo)
      if (isSigned(query, echo)) receiver.verifiesBy(response, message, receiveId)
      else response.writeHead(403).end()
      return
    }
    let body = ''
    for await (const chunk of request.setEncoding('utf8') as AsyncIterable<string>) body += chunk
    const encrypted = /<Encrypt><!\[CDATA\[(.*?)\]\]><\/Encrypt>|"encrypt":"(.*?)"/.exec(body)
    const ciphertext = encrypted?.[1] ?? encrypted?.[2] ?? ''
    const received = {
      path: pathname,
      contentType: request.headers['content-type'],
      body,
      query,
      isSigned: isSigned(query, ciphertext),
      ...open(ciphertext),
    }
    receiver.received.push(received)
    receiver.answer(response, received)
  }
}

function isSigned(query: URLSearchParams, encrypted: string): boolean {
  const [timestamp, nonce] = [query.get('timestamp') ?? '', query.get('nonce') ?? '']
  const signatures = query.getAll('msg_signature')
  return signatures.length === 1 && signatures[0] === getSignature(token, timestamp, nonce, encrypted)
}

function open(ciphertext: string): { message: string; receiveId: string } {
  try {
    const { message, id } = decrypt(encodingAesKey, ciphertext)
    return { message, receiveId: id }
  } catch {
    return { message: '', receiveId: '' }
  }
}

/** The text of the first element of this name, CDATA or not; undefined when there is none. */
export function element(xml: string, name: string): string | undefined {
  const content = new RegExp(`<${name}>(.*?)</${name}>`, 's').exec(xml)?.[1]
  return content?.replace(/^<!\[CDATA\[(.*)\]\]>$/s, '$1')
}

/** Every element below the heading, by name: enough for messages that repeat and nest nothing. */
export function elements(xml: string): Record<string, string> {
  const heading = ['ToUserName', 'FromUserName', 'CreateTime', 'MsgType', 'Event']
  const found = [...xml.matchAll(/<(\w+)>((?:<!\[CDATA\[.*?\]\]>|[^<])*)<\/\1>/gs)]
  const pairs = found.map(([whole, name = '']) => [name, element(whole, name) ?? ''] as const)
  return Object.fromEntries(pairs.filter(([name]) => !heading.includes(name)))
}
