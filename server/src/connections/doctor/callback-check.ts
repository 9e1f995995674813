/**
 * Asks our own public address as WeCom's console does when somebody saves it there: an encrypted text goes out, and has
 * to come back in the clear. Nothing of it is stored. Called by the doctor, which says what the outcome means.
 */
import { randomBytes, randomInt } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { createCallbackCrypto } from '@muster/wecom'
import type { CallbackFacts, CallbackTrip } from './diagnosis/callback-diagnosis.ts'
import type { Connection, Connections } from '../connections.ts'

/** WeCom gives up after one second; whoever reads the diagnosis wants to know how long it would have taken. */
const TIMEOUT_MS = 5_000
/** An answer of ours is shorter. */
const MOST_CHARACTERS = 4_096

export function createCallbackCheck({
  connections,
  publicUrl,
  now,
}: {
  connections: Pick<Connections, 'forCallback'>
  publicUrl: string
  now: () => number
}) {
  /** @returns null when the connection has no callback */
  return async function checkCallback(connection: Connection, signal: AbortSignal): Promise<CallbackFacts | null> {
    const { callbackToken: hasToken, callbackAesKey: hasAesKey } = connection.has
    if (!hasToken && !hasAesKey) return null
    const facts = { hasToken, hasAesKey, publicUrl: new URL(publicUrl) }
    const callee = await connections.forCallback(connection.identifier)
    const key = callee?.keys.find(({ until }) => until === null)
    const receiver =
      connection.kind === 'self_built' ? connection.corpId : (connection.suiteId ?? connection.providerCorpId)
    if (key === undefined || receiver === null) return { ...facts, trips: [] }
    const crypto = createCallbackCrypto({
      token: key.token.reveal(),
      encodingAesKey: key.aesKey.reveal(),
      receiveIds: [receiver],
    })
    const doors = connection.kind === 'self_built' ? [''] : ['/command', '/data']
    const trips = doors.map((door) => {
      const text = String(randomInt(2 ** 47))
      const stamp = { timestamp: String(Math.floor(now() / 1_000)), nonce: randomBytes(8).toString('hex') }
      const sealed = crypto.seal(text, stamp)
      const address = `${publicUrl}/callback/wecom/${connection.identifier}${door}`
      const query = new URLSearchParams({ msg_signature: sealed.signature, ...stamp, echostr: sealed.ciphertext })
      return ask(address, `${address}?${query.toString()}`, text, signal)
    })
    return { ...facts, trips: await Promise.all(trips) }
  }
}

function ask(address: string, url: string, expected: string, signal: AbortSignal): Promise<CallbackTrip> {
  const begun = performance.now()
  return new Promise((resolve) => {
    const unreachable = (error: unknown) => resolve({ address, kind: 'unreachable', reason: reasonOf(error) })
    const send = url.startsWith('https:') ? httpsRequest : httpRequest
    const request = send(url, {
      agent: false,
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    })
    request.on('error', unreachable)
    request.on('response', (response) => {
      if (response.statusCode !== 200) {
        response.destroy()
        resolve({ address, kind: 'refused', status: response.statusCode ?? 0 })
        return
      }
      let text = ''
      const settle = () => {
        const durationMs = performance.now() - begun
        resolve(text === expected ? { address, kind: 'answered', durationMs } : { address, kind: 'changed' })
      }
      response.setEncoding('utf8')
      response.on('data', (part: string) => {
        text += part
        // Whoever answers there may not be us, and may have much to say.
        if (text.length <= MOST_CHARACTERS) return
        response.destroy()
        settle()
      })
      response.on('end', settle)
      response.on('error', unreachable)
    })
    request.end()
  })
}

/** The code of the system or of TLS, which people can search for. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  if (error.name === 'AbortError' || error.name === 'TimeoutError') return 'timeout'
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0])
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}
