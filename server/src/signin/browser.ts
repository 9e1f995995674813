/**
 * What ties a browser to its attempts: a cookie of chance that no script reads, and for every form a token made from it.
 * Of the cookie only the digest is stored. Also says whether a form came from a page of ours (threats.md L-08).
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { AppError, type Language } from '../errors.ts'
import type { Browser } from './admitting.ts'
import { digestOf } from './attempts.ts'

/** What of a reply takes the cookie; ages are seconds. */
export interface CookieReply {
  setCookie(name: string, value: string, options: CookieOptions): unknown
}

export interface CookieOptions {
  readonly path: string
  readonly httpOnly: boolean
  readonly sameSite: 'lax'
  readonly secure: boolean
  readonly maxAge: number
}

export type Browsers = ReturnType<typeof createBrowsers>

const COOKIE_BYTES = 32
const COOKIE = /^[A-Za-z0-9_-]{43}$/
/** Longer than any attempt; a browser that comes back later gets another one. */
const COOKIE_SECONDS = 3_600

const LANGUAGE_COOKIE = 'muster_language'
const LANGUAGE_SECONDS = 365 * 24 * 3_600

/** @param random fills the array with unpredictable bytes */
export function createBrowsers({ publicUrl, random }: { publicUrl: string; random: (bytes: Uint8Array) => void }) {
  const isSecure = publicUrl.startsWith('https:')
  const { origin } = new URL(publicUrl)
  // With the prefix browsers take the cookie from this very origin only: nobody can plant one from a subdomain.
  const name = isSecure ? '__Host-muster_attempt' : 'muster_attempt'
  const known = new WeakMap<FastifyRequest, string>()

  /** What the browser brought along, or was just given. */
  function secretOf(request: FastifyRequest): string | undefined {
    const given = known.get(request) ?? request.cookies[name]
    return given !== undefined && COOKIE.test(given) ? given : undefined
  }

  return {
    hashOf(request: FastifyRequest): string | undefined {
      const secret = secretOf(request)
      return secret === undefined ? undefined : digestOf(secret)
    },

    /** The digest, after the browser got a cookie where it had none. */
    ensure(request: FastifyRequest, reply: CookieReply): string {
      let secret = secretOf(request)
      if (secret === undefined) {
        const bytes = new Uint8Array(COOKIE_BYTES)
        random(bytes)
        secret = Buffer.from(bytes).toString('base64url')
        known.set(request, secret)
      }
      // Lax, because WeCom sends people back with a navigation from its own site.
      void reply.setCookie(name, secret, {
        path: '/',
        httpOnly: true,
        sameSite: 'lax',
        secure: isSecure,
        maxAge: COOKIE_SECONDS,
      })
      return digestOf(secret)
    },

    /** The language that the person chose on this page, or on one before: `zh`, `en`, or anything that is neither. */
    wishedLanguage({ query, cookies }: FastifyRequest): unknown {
      return (query as Record<string, unknown>)['lang'] ?? cookies[LANGUAGE_COOKIE]
    },

    /** So that the choice outlasts the page. It says nothing about anybody. */
    rememberLanguage(reply: FastifyReply, language: Language): void {
      void reply.setCookie(LANGUAGE_COOKIE, language, {
        path: '/',
        httpOnly: true,
        sameSite: 'lax',
        secure: isSecure,
        maxAge: LANGUAGE_SECONDS,
      })
    },

    /** For a form on the page of one request: only a page in this browser can have it. */
    tokenFor(request: FastifyRequest, subject: string): string {
      return tokenOf(secretOf(request) ?? '', subject)
    },

    /**
     * What a form changes, it changes only when it came from a page of ours.
     * @throws AppError `signin/foreign-form`
     */
    refuseForeign(request: FastifyRequest, subject: string, token: unknown): void {
      const site = request.headers['sec-fetch-site']
      const from = request.headers.origin
      // Our pages say no-referrer, and then Chromium sends `null` with their forms: it says nothing, the token does.
      const isNamed = from !== undefined && from !== 'null'
      const isElsewhere = (site !== undefined && site !== 'same-origin') || (isNamed && from !== origin)
      const secret = secretOf(request)
      const isOurs = secret !== undefined && typeof token === 'string' && isSame(token, tokenOf(secret, subject))
      if (isElsewhere || !isOurs) throw new AppError('signin/foreign-form')
    },

    placeOf(request: FastifyRequest): Browser {
      return {
        address: addressOf(request),
        userAgent: request.headers['user-agent'] ?? null,
        requestId: request.id,
      }
    },
  }
}

function tokenOf(secret: string, subject: string): string {
  return createHash('sha256').update(`form\n${secret}\n${subject}`).digest('base64url')
}

function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}

/** A socket of this machine has no address, whatever the type says. */
function addressOf({ ip }: { ip?: string | undefined }): string | null {
  return ip ?? null
}
