/**
 * WeCom's side of a callback, by hand: makes the requests that it would send, and all those that it would not. What the
 * emulator sends by itself is in its own package.
 */
import { createCallbackCrypto, signCallback, type SignedCiphertext } from '@muster/wecom'
import type { RawAnswer } from './client.ts'
import { createClient } from './client.ts'

export const TOKEN = 'tokenOfTheFlowTests'
export const AES_KEY = 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG'

export interface SenderSettings {
  readonly origin: string
  /** Below `/callback/wecom/`: an identifier, and for a suite `/command` or `/data`. */
  readonly path: string
  readonly receiveId: string
  readonly token?: string
  readonly aesKey?: string
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

export interface Sender {
  /** Encrypts and signs. @param seconds when it was sent, in Unix seconds */
  seal(message: string, seconds?: number): SignedCiphertext
  /** A message as WeCom delivers it. */
  deliver(message: string): Promise<RawAnswer>
  /** The address as WeCom's console verifies it. */
  verify(text: string): Promise<RawAnswer>
  post(sealed: SignedCiphertext, init?: { contentType?: string | null; body?: string }): Promise<RawAnswer>
  get(query: string): Promise<RawAnswer>
}

export function createSender({
  origin,
  path,
  receiveId,
  token = TOKEN,
  aesKey = AES_KEY,
  now = Date.now,
}: SenderSettings): Sender {
  const crypto = createCallbackCrypto({ token, encodingAesKey: aesKey, receiveIds: [receiveId] })
  const client = createClient(origin, null)
  const address = `/callback/wecom/${path}`
  let nonces = 0

  function seal(message: string, seconds = Math.floor(now() / 1000)): SignedCiphertext {
    return crypto.seal(message, { timestamp: String(seconds), nonce: `nonce${++nonces}` })
  }

  const get = (query: string) => client.send(`${address}?${query}`)

  async function post(
    sealed: SignedCiphertext,
    {
      contentType = 'text/xml',
      body = envelope(sealed.ciphertext, receiveId),
    }: { contentType?: string | null; body?: string } = {},
  ): Promise<RawAnswer> {
    return client.send(`${address}?${queryOf(sealed)}`, {
      method: 'POST',
      body,
      headers: contentType === null ? {} : { 'content-type': contentType },
    })
  }

  return {
    seal,
    get,
    post,
    deliver: (message) => post(seal(message)),
    verify(text) {
      const sealed = seal(text)
      return get(`${queryOf(sealed)}&echostr=${encodeURIComponent(sealed.ciphertext)}`)
    },
  }
}

/** The three parameters that every request has. */
export function queryOf({ signature, timestamp, nonce }: Omit<SignedCiphertext, 'ciphertext'>): string {
  return new URLSearchParams({ msg_signature: signature, timestamp, nonce }).toString()
}

export function envelope(ciphertext: string, toUserName: string): string {
  return `<xml><ToUserName><![CDATA[${toUserName}]]></ToUserName><Encrypt><![CDATA[${ciphertext}]]></Encrypt><AgentID><![CDATA[]]></AgentID></xml>`
}

/** Signs anything with the right token, for what only its owner could send. */
export function sign(given: Omit<SignedCiphertext, 'signature'>, token = TOKEN): SignedCiphertext {
  return { ...given, signature: signCallback(token, given) }
}

/** @param fields of the event, by WeCom's names */
export function contactEvent(
  corpId: string,
  changeType: string,
  fields: Readonly<Record<string, string | number>>,
  seconds = Math.floor(Date.now() / 1000),
): string {
  return xml({
    ToUserName: corpId,
    FromUserName: 'sys',
    CreateTime: seconds,
    MsgType: 'event',
    Event: 'change_contact',
    ChangeType: changeType,
    ...fields,
  })
}

/** @param fields of the event, by WeCom's names */
export function suiteEvent(
  suiteId: string,
  infoType: string,
  fields: Readonly<Record<string, string | number>>,
  seconds = Math.floor(Date.now() / 1000),
): string {
  return xml({ SuiteId: suiteId, InfoType: infoType, TimeStamp: seconds, ...fields })
}

function xml(fields: Readonly<Record<string, string | number>>): string {
  const elements = Object.entries(fields).map(([name, value]) =>
    typeof value === 'number' ? `<${name}>${value}</${name}>` : `<${name}><![CDATA[${value}]]></${name}>`,
  )
  return `<xml>${elements.join('')}</xml>`
}
