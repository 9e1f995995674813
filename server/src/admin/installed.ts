/**
 * Where WeCom sends the administrator of a company back to who has authorised the app (`/auth/wecom/{identifier}/installed`).
 * They need no account here: what counts is the state of an invitation. Answers first with a redirect and nothing else, so
 * that no page has a code in its address; what came of it waits in a cookie, which only this server sets.
 */
import { randomBytes } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Installations } from '../connections/suites/installations.ts'
import { AppError, errorTable, type ErrorCode, type Language, type Text } from '../errors.ts'

type View =
  | { readonly kind: 'authorised' }
  | {
      readonly kind: 'error'
      readonly code: string
      readonly title: Text
      readonly remedy: Text
      readonly requestId: string | null
    }

export interface InstalledParts {
  readonly installations: Pick<Installations, 'complete'>
  readonly publicUrl: string
  readonly languageOf: (request: FastifyRequest) => Language
  readonly render: (
    view: View,
    context: {
      readonly language: Language
      readonly application: null
      readonly cancel: null
      readonly embedOrigins: readonly []
      readonly nonce: string
    },
  ) => { readonly html: string; readonly headers: Readonly<Record<string, string>> }
}

/** Long enough for one redirect. */
const COOKIE_SECONDS = 60
const DONE = 'authorised'

/** The scope parses cookies. */
export function mountInstalled(
  scope: FastifyInstance,
  { installations, publicUrl, languageOf, render }: InstalledParts,
) {
  const isSecure = publicUrl.startsWith('https:')
  // With the prefix browsers take the cookie from this very origin only: nobody can make the page say what is not so.
  const name = isSecure ? '__Host-muster_installed' : 'muster_installed'

  scope.get('/auth/wecom/:identifier/installed', async (request, reply) => {
    const { identifier } = request.params as { identifier: string }
    const { auth_code: authCode, state } = request.query as Record<string, unknown>
    const path = `/auth/wecom/${encodeURIComponent(identifier)}/installed`
    if (authCode === undefined && state === undefined) return show(request, reply)
    const outcome = await outcomeOf(request, identifier, { authCode, state })
    void reply.setCookie(name, outcome, {
      path: '/',
      httpOnly: true,
      sameSite: 'lax',
      secure: isSecure,
      maxAge: COOKIE_SECONDS,
    })
    return reply.code(303).header('cache-control', 'no-store').header('location', path).send()
  })

  async function outcomeOf(
    request: FastifyRequest,
    identifier: string,
    given: { authCode: unknown; state: unknown },
  ): Promise<string> {
    try {
      await installations.complete(identifier, given)
      return DONE
    } catch (error) {
      const code = error instanceof AppError ? error.code : 'http/internal'
      if (code === 'http/internal') request.log.error({ err: error }, 'an authorisation could not be taken in')
      else request.log.warn({ code }, 'an authorisation was not taken in')
      return `${code} ${request.id}`
    }
  }

  async function show(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const [outcome = '', requestId = null] = (request.cookies[name] ?? '').split(' ')
    const isDone = outcome === DONE
    const code: ErrorCode = Object.hasOwn(errorTable, outcome) ? (outcome as ErrorCode) : 'suites/invitation-unknown'
    const { title, remedy } = errorTable[code]
    const { html, headers } = render(
      isDone ? { kind: 'authorised' } : { kind: 'error', code, title, remedy, requestId },
      {
        language: languageOf(request),
        application: null,
        cancel: null,
        embedOrigins: [],
        nonce: randomBytes(16).toString('base64url'),
      },
    )
    return reply
      .code(isDone ? 200 : errorTable[code].status)
      .headers(headers)
      .send(html)
  }
}
