/**
 * Shows people the pages of a sign-in, each in their language, and takes the forms on them. Of a form only what its schema
 * names is read, and only when it came from a page of ours. What the pages look like is pages/.
 */
import { randomBytes } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import type { ConnectionForSignIn } from '../connections/connections.ts'
import { AppError, type Language } from '../errors.ts'
import type { Browsers } from './browser.ts'
import { chooseLanguage } from './pages/texts.ts'
import type { Form, OtherView, RenderView, SignInView } from './pages/views.ts'
import type { SignInRequest } from './signin.ts'
import type { Visits } from './visits.ts'

export interface ShowingParts {
  readonly render: RenderView
  readonly browsers: Browsers
  readonly visits: Pick<Visits, 'offeredTo'>
}

export type Showing = ReturnType<typeof createShowing>

/** Where no request belongs to what is shown, `asked` is null. */
export function createShowing({ render, browsers, visits }: ShowingParts) {
  return { show, goOn, formFor, readForm, languageFor }

  async function show(
    request: FastifyRequest,
    reply: FastifyReply,
    asked: SignInRequest | null,
    view: SignInView | OtherView,
    status = reply.statusCode,
  ): Promise<FastifyReply> {
    const hasCookie = asked !== null && browsers.hashOf(request) !== undefined
    const language = languageFor(request, asked)
    if ((request.query as Record<string, unknown>)['lang'] === language) browsers.rememberLanguage(reply, language)
    const { html, headers } = render(view, {
      language,
      application: asked?.application ?? null,
      cancel: asked?.application != null && hasCookie ? formFor(request, asked, 'cancel') : null,
      embedOrigins: asked === null ? [] : embedOriginsOf(await visits.offeredTo(asked)),
      nonce: randomBytes(16).toString('base64url'),
      selfHref: request.method === 'GET' ? request.url : null,
    })
    return reply.code(status).headers(headers).send(html)
  }

  function goOn(request: FastifyRequest, reply: FastifyReply, asked: SignInRequest, href: string) {
    return show(request, reply, asked, { kind: 'going-on', href })
  }

  function formFor(request: FastifyRequest, asked: SignInRequest | null, step: string): Form {
    const subject = subjectOf(asked, step)
    return { action: `/signin/${subject}`, token: browsers.tokenFor(request, subject) }
  }

  /** What came from `formFor` of the same request and step. @throws AppError `http/validation`, `signin/foreign-form` */
  function readForm<S extends z.ZodType<{ token: string }>>(
    request: FastifyRequest,
    asked: SignInRequest | null,
    step: string,
    schema: S,
  ): z.output<S> {
    const given = readBody(schema, request)
    browsers.refuseForeign(request, subjectOf(asked, step), given.token)
    return given
  }

  function languageFor(request: FastifyRequest, asked?: Pick<SignInRequest, 'locales'> | null): Language {
    return chooseLanguage({
      chosen: browsers.wishedLanguage(request),
      locales: asked?.locales ?? [],
      acceptLanguage: request.headers['accept-language'],
    })
  }
}

/** Always to be fetched anew, and with GET. */
export function redirect(reply: FastifyReply, address: string): FastifyReply {
  return reply.code(303).header('location', address).send()
}

/** What a form is for, which is also where it goes below `/signin/`. */
function subjectOf(asked: SignInRequest | null, step: string): string {
  return asked === null ? step : `${asked.uid}/${step}`
}

function embedOriginsOf(offered: readonly ConnectionForSignIn[]): string[] {
  return [...new Set(offered.flatMap(({ connection: { signIn } }) => signIn.embedOrigins))]
}

/** What a form does not have to say is ignored: who somebody is comes from the server's own record. */
function readBody<S extends z.ZodType>(schema: S, { body }: FastifyRequest): z.output<S> {
  const result = schema.safeParse(body)
  if (result.success) return result.data
  const fields = result.error.issues.map(({ path, message }) => ({ path: path.join('.'), message }))
  throw new AppError('http/validation', { fields })
}
