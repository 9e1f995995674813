/**
 * Tokens: one per (server, corp or suite, secret), fetched once for any number of callers, renewed a little early,
 * replaced once when WeCom rejects it. A secret that WeCom refused is not asked again for half a minute, because WeCom
 * blocks an address for an hour after many wrong ones (45009). Tokens live in a TokenStore that the caller may provide.
 */

import { createHash } from 'node:crypto'

import { WecomError } from './errors.ts'
import { abortable } from './waiting.ts'

/** Times in milliseconds since 1970. `token` may be longer than 512 characters. Secret: seal it before storing it. */
export type StoredToken = {
  readonly token: string
  readonly obtainedAt: number
  /** From here on the next caller fetches a new one; the old one still works until `expiresAt`. */
  readonly renewAt: number
  readonly expiresAt: number
}

/**
 * Where tokens are kept between calls. `key` is the id of the corp or suite and a digest of server and secret, at most 128
 * characters; it contains no secret. Share a store between processes to share tokens.
 */
export interface TokenStore {
  read(key: string): Promise<StoredToken | undefined>
  write(key: string, token: StoredToken): Promise<void>
  /**
   * Optional: runs `work` while no other process runs it for the same key, so that processes sharing the store fetch one
   * token between them. Without it each process may fetch its own.
   */
  exclusively?<T>(key: string, work: () => Promise<T>): Promise<T>
}

export function createMemoryTokenStore(): TokenStore {
  const tokens = new Map<string, StoredToken>()
  return {
    read: (key) => Promise.resolve(tokens.get(key)),
    write: (key, token) => {
      tokens.set(key, token)
      return Promise.resolve()
    },
  }
}

export type Credential = {
  /** Of the company, or of the suite. */
  readonly corpId: string
  readonly secret: string
  /** Which token it is for; without it, the one of an app. One secret may be good for several. */
  readonly use?: 'suite' | 'provider' | 'authorized-corp'
}

/** What WeCom answered. */
export type FreshToken = { token: string; expiresInSeconds: number }

/** Asks WeCom. The signal aborts only when no caller waits for the token any more. */
export type FetchToken = (signal: AbortSignal) => Promise<FreshToken>

export type Tokens = {
  /** The current token. */
  current(credential: Credential, signal: AbortSignal | undefined, fetch: FetchToken): Promise<StoredToken>
  /**
   * A later token than `rejected`. Several callers with the same rejected token cause one fetch.
   * @param api which such tokens come from, such as `gettoken`: an error names it
   */
  replace(
    credential: Credential,
    rejected: StoredToken,
    signal: AbortSignal | undefined,
    fetch: FetchToken,
    api: string,
  ): Promise<StoredToken>
  /** WeCom accepted this token in a call: should it be rejected later, a replacement is worth asking for. */
  accepted(credential: Credential, token: StoredToken): void
}

type Flight = { outcome: Promise<StoredToken>; waiting: number; controller: AbortController }

type Entry = {
  stored: StoredToken | undefined
  flight: Flight | undefined
  /** Set until `until`: WeCom's answer to this credential, repeated to callers without asking again. */
  refusal: { error: WecomError; until: number } | undefined
  /** The current token worked at least once. */
  isProven: boolean
  /** The current token replaced a rejected one. */
  isReplacement: boolean
}

const REFUSAL_MEMORY_MS = 30_000
/** Somebody who has just trusted our address or enabled the app looks again at once; asking that does no harm. */
const MENDABLE_REFUSAL_MEMORY_MS = 2_000
const EARLY_MS = 5 * 60_000
const EARLY_SHARE = 0.1
const MAX_LIFETIME_MS = 24 * 3_600_000
const MAX_ENTRIES = 10_000

export type TokensOptions = { apiUrl: string; store: TokenStore; now: () => number; random: () => number }

export function createTokens({ apiUrl, store, now, random }: TokensOptions): Tokens {
  const entries = new Map<string, Entry>()
  /** Asked for before and after every call. */
  const keys = new WeakMap<Credential, string>()
  const keyOf = (credential: Credential) => {
    let key = keys.get(credential)
    if (key === undefined) keys.set(credential, (key = tokenKey(apiUrl, credential)))
    return key
  }

  return {
    async current(credential, signal, fetch) {
      const key = keyOf(credential)
      const entry = entryOf(key)
      if (entry.stored === undefined) {
        const shared = await store.read(key)
        entry.stored ??= shared
      }
      if (isFresh(entry.stored)) return entry.stored
      return await joinFlight(key, entry, signal, fetch, isFresh)
    },

    async replace(credential, rejected, signal, fetch, api) {
      const key = keyOf(credential)
      const entry = entryOf(key)
      // By identity, not by text: WeCom may hand out the same text again, and then that is the answer to the rejection.
      if (entry.stored !== rejected && isFresh(entry.stored)) return entry.stored
      if (isHopeless(entry)) {
        throw new WecomError('WECOM_TOKEN_REJECTED', { api, message: 'a new token was rejected too' })
      }
      const isLater = (token: StoredToken | undefined): token is StoredToken =>
        isFresh(token) && (token.token !== rejected.token || token.obtainedAt > rejected.obtainedAt)
      const token = await joinFlight(key, entry, signal, fetch, isLater)
      entry.isReplacement = true
      return token
    },

    accepted(credential, token) {
      const entry = entryOf(keyOf(credential))
      if (entry.stored === token) entry.isProven = true
    },
  }

  /** Joins the fetch under way or starts one. A caller who gives up leaves it running for the others. */
  async function joinFlight(
    key: string,
    entry: Entry,
    signal: AbortSignal | undefined,
    fetch: FetchToken,
    isWanted: (token: StoredToken | undefined) => token is StoredToken,
  ): Promise<StoredToken> {
    if (entry.refusal !== undefined && now() < entry.refusal.until) throw entry.refusal.error
    const flight = (entry.flight ??= takeOff(key, entry, fetch, isWanted))
    flight.waiting++
    try {
      return await abortable(flight.outcome, signal)
    } finally {
      flight.waiting--
      if (flight.waiting === 0 && entry.flight === flight) {
        entry.flight = undefined
        flight.controller.abort(new Error('nobody waits for the token any more'))
      }
    }
  }

  function takeOff(
    key: string,
    entry: Entry,
    fetch: FetchToken,
    isWanted: (token: StoredToken | undefined) => token is StoredToken,
  ): Flight {
    const controller = new AbortController()
    const exclusively = store.exclusively?.bind(store) ?? ((_key: string, work: () => Promise<StoredToken>) => work())
    const outcome = exclusively(key, async () => {
      const shared = await store.read(key)
      if (isWanted(shared)) return keep(entry, shared)
      try {
        const token = withLifetime(await fetch(controller.signal))
        await store.write(key, token)
        return keep(entry, token)
      } catch (error) {
        return oldTokenDespite(error, entry, isWanted)
      }
    })
    outcome
      .catch(() => {})
      .finally(() => {
        if (entry.flight?.outcome === outcome) entry.flight = undefined
      })
    return { outcome, waiting: 0, controller }
  }

  /** An early renewal that fails for a passing reason must not fail callers while the old token still works. */
  function oldTokenDespite(
    error: unknown,
    entry: Entry,
    isWanted: (token: StoredToken | undefined) => token is StoredToken,
  ): StoredToken {
    if (!(error instanceof WecomError)) throw error
    const old = entry.stored
    if (error.retryable && old !== undefined && now() < old.expiresAt) {
      const postponed = { ...old, renewAt: Math.min(now() + REFUSAL_MEMORY_MS, old.expiresAt) }
      if (isWanted(postponed)) return (entry.stored = postponed)
    }
    if (error.errcode !== undefined && (!error.retryable || error.kind === 'credential')) {
      const memoryMs = isAboutSecret(error) ? REFUSAL_MEMORY_MS : MENDABLE_REFUSAL_MEMORY_MS
      entry.refusal = { error, until: now() + memoryMs }
    }
    throw error
  }

  /**
   * No change in WeCom's console makes this credential right; and wrong ones are counted against our address. A new ticket
   * may come at any moment.
   */
  function isAboutSecret({ kind, code }: WecomError): boolean {
    return kind === 'credential' && code !== 'WECOM_APP_DISABLED' && code !== 'WECOM_SUITE_TICKET_REJECTED'
  }

  function keep(entry: Entry, token: StoredToken): StoredToken {
    entry.stored = token
    entry.refusal = undefined
    entry.isProven = false
    entry.isReplacement = false
    return token
  }

  /** The replacement never worked either: another one would not, and asking on every call would be a loop. */
  function isHopeless(entry: Entry): boolean {
    const age = now() - (entry.stored?.obtainedAt ?? -Infinity)
    return entry.isReplacement && !entry.isProven && age < REFUSAL_MEMORY_MS
  }

  /** `obtainedAt` in the future means that the clock was set back: nothing is known about the token's age then. */
  function isFresh(token: StoredToken | undefined): token is StoredToken {
    return token !== undefined && token.obtainedAt <= now() && now() < token.renewAt
  }

  function withLifetime({ token, expiresInSeconds }: FreshToken): StoredToken {
    const obtainedAt = now()
    const lifetimeMs = Math.min(Math.max(expiresInSeconds, 1) * 1000, MAX_LIFETIME_MS)
    const earlyMs = Math.min(EARLY_MS, lifetimeMs * EARLY_SHARE)
    // Between once and twice the margin, so that processes sharing a corp do not renew in the same second.
    const renewAt = obtainedAt + lifetimeMs - earlyMs * (1 + random())
    return { token, obtainedAt, renewAt, expiresAt: obtainedAt + lifetimeMs }
  }

  function entryOf(key: string): Entry {
    let entry = entries.get(key)
    if (entry === undefined) {
      entry = { stored: undefined, flight: undefined, refusal: undefined, isProven: false, isReplacement: false }
      entries.set(key, entry)
      const oldest = entries.keys().next().value
      if (entries.size > MAX_ENTRIES && oldest !== undefined) entries.delete(oldest)
    }
    return entry
  }
}

/** A changed secret is another key, so nothing remembered about the old one hurts the new one. */
function tokenKey(apiUrl: string, { corpId, secret, use }: Credential): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([apiUrl, corpId, secret, ...(use === undefined ? [] : [use])]))
    .digest('base64url')
  return `${corpId}:${digest}`
}
