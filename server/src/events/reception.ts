/**
 * What a request to a callback address is: an address to verify, a message, one that is too old, or nothing to be
 * believed. Pure, and the same for every connection; what an event means is meaning.ts, what is answered routes.ts.
 *
 * Whoever sends something else than WeCom learns nothing from it: all reasons end in the same refusal, and only our own
 * log says which one it was.
 */
import { createHash } from 'node:crypto'
import { createCallbackCrypto, readEnvelope, readEvent, WecomError, type CallbackEvent } from '@muster/wecom'
import type { CallbackKey, Connection } from '../connections/connections.ts'

/** The three kinds of addresses; the last two are those of a suite. */
export type Channel = 'contacts' | 'command' | 'data'

/** Nothing in it is to be believed. */
export interface CallbackRequest {
  readonly query: unknown
  readonly body: unknown
  readonly contentType: string | undefined
}

/** Whose address was called. */
export interface Callee {
  readonly connection: Connection
  readonly keys: readonly CallbackKey[]
}

export type Verification = { readonly kind: 'verified'; readonly text: string } | Refused

export type Message =
  | {
      readonly kind: 'message'
      readonly event: CallbackEvent
      /** Who it was encrypted for. */
      readonly receiveId: string
      /** The same for the same delivery and for no other. */
      readonly digest: string
      /** When it was sent, by WeCom's clock, in milliseconds. */
      readonly sentAt: number
    }
  /** WeCom signed it, and too long ago, or by a clock that is ahead. */
  | { readonly kind: 'stale' }
  | Refused

/** `why` is for our log alone. */
export interface Refused {
  readonly kind: 'refused'
  readonly why: string
}

const OLDEST_MS = 24 * 60 * 60 * 1_000
const MOST_AHEAD_MS = 10 * 60 * 1_000

/** `GET`: WeCom's console wants to see that we have token and key. It changes nothing, so its age does not matter. */
export function readVerification(
  { query }: Pick<CallbackRequest, 'query'>,
  { connection, keys }: Callee,
  channel: Channel,
): Verification {
  return refusing(() => {
    const signed = signedValues(query)
    const ciphertext = textOf(query, 'echostr')
    if (signed === undefined || ciphertext === undefined) return refused('a parameter is missing or is not one text')
    const { message } = open({ ...signed, ciphertext }, keys, (receiveId) => isVerifier(connection, channel, receiveId))
    // The signature of a delivery counts here, too. Whoever has caught one is not told what is in it.
    if (/^\s*[<{[]/.test(message)) return refused('a message was sent to be verified')
    return { kind: 'verified', text: message }
  })
}

/** `POST`. Of a suite, the company still has to be looked up: `companyOf`. */
export function readMessage(
  { query, body, contentType }: CallbackRequest,
  { connection, keys }: Callee,
  channel: Channel,
  at: number,
): Message {
  return refusing<Message>(() => {
    const signed = signedValues(query)
    if (signed === undefined) return refused('a parameter is missing or is not one text')
    if (!(body instanceof Uint8Array)) return refused('there is no body')
    if (!isKnownType(contentType)) return refused('the body is of another type')
    const { encrypt: ciphertext } = readEnvelope(body, contentType)
    const { message, receiveId } = open({ ...signed, ciphertext }, keys, (id) => mayReceive(connection, channel, id))
    const sentAt = Number(signed.timestamp) * 1_000
    if (sentAt < at - OLDEST_MS || sentAt > at + MOST_AHEAD_MS) return { kind: 'stale' }
    const event = readEvent(message)
    if (!isAbout(connection, receiveId, event)) return refused('the event is about somebody else than its receiver')
    const digest = createHash('sha256').update(ciphertext).digest('base64url')
    return { kind: 'message', event, receiveId, digest, sentAt }
  })
}

/** The company whose event it is; null for one of a suite that names none. */
export function companyOf(event: CallbackEvent): string | null {
  return ('corpId' in event ? event.corpId : undefined) ?? null
}

// ---- Who it is for --------------------------------------------------------------------------------------------------

/** As far as the connection says. Whether a company has authorised a suite is looked up afterwards. */
function mayReceive({ kind, corpId, suiteId }: Connection, channel: Channel, receiveId: string): boolean {
  if (kind === 'self_built') return channel === 'contacts' && receiveId === corpId
  if (suiteId === null || receiveId === '') return false
  return receiveId === suiteId || channel !== 'command'
}

/**
 * WeCom's documentation does not say for whom the text of a suite's verification is; practitioners saw the provider's own
 * id, which a template does without. So while nobody has entered it, every receiver counts: the signature says that whoever
 * asks has our token, and there is nothing to be had.
 */
function isVerifier(connection: Connection, channel: Channel, receiveId: string): boolean {
  const { kind, suiteId, providerCorpId } = connection
  if (kind === 'self_built') return mayReceive(connection, channel, receiveId)
  if (providerCorpId === null) return true
  return receiveId === suiteId || receiveId === providerCorpId || mayReceive(connection, channel, receiveId)
}

/** Whether what an event says about itself agrees with whom it was encrypted for. */
function isAbout({ kind, suiteId, corpId }: Connection, receiveId: string, event: CallbackEvent): boolean {
  const company = companyOf(event)
  if (kind === 'self_built') return event.suiteId === undefined && company === corpId
  if (event.suiteId !== undefined && event.suiteId !== suiteId) return false
  return receiveId === suiteId || company === receiveId
}

// ---- What is believed -----------------------------------------------------------------------------------------------

function open(
  request: { signature: string; timestamp: string; nonce: string; ciphertext: string },
  keys: readonly CallbackKey[],
  isReceiver: (receiveId: string) => boolean,
): { message: string; receiveId: string } {
  let rejection = new WecomError('WECOM_CALLBACK_REJECTED', { api: 'callback', message: 'no token and key are set' })
  for (const { token, aesKey } of keys) {
    const settings = { token: token.reveal(), encodingAesKey: aesKey.reveal(), receiveIds: isReceiver }
    try {
      return createCallbackCrypto(settings).open(request)
    } catch (error) {
      if (!isRejection(error)) throw error
      rejection = error
    }
  }
  throw rejection
}

/** Exactly ten digits, so that none can be moved between the nonce and the timestamp (threats.md CB-05). */
function signedValues(query: unknown): { signature: string; timestamp: string; nonce: string } | undefined {
  const [signature, timestamp, nonce] = ['msg_signature', 'timestamp', 'nonce'].map((name) => textOf(query, name))
  if (signature === undefined || timestamp === undefined || nonce === undefined) return undefined
  return /^\d{10}$/.test(timestamp) && nonce.length <= LONGEST_NONCE ? { signature, timestamp, nonce } : undefined
}

const LONGEST_NONCE = 128

/** A parameter that was sent once. */
function textOf(query: unknown, name: string): string | undefined {
  if (typeof query !== 'object' || query === null || !Object.hasOwn(query, name)) return undefined
  const value = (query as Readonly<Record<string, unknown>>)[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}

function isKnownType(contentType: string | undefined): boolean {
  return (
    contentType === undefined || /^\s*(?:text\/(?:xml|plain)|application\/(?:xml|json))\s*(?:;|$)/i.test(contentType)
  )
}

function refusing<T>(read: () => T): T | Refused {
  try {
    return read()
  } catch (error) {
    if (isRejection(error)) return refused(error.message)
    throw error
  }
}

function isRejection(error: unknown): error is WecomError {
  return error instanceof WecomError && error.code === 'WECOM_CALLBACK_REJECTED'
}

function refused(why: string): Refused {
  return { kind: 'refused', why }
}
