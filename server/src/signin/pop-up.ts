/**
 * Signing in within a pop-up that a page of another site opened: begins an ordinary sign-in of ours, and at its end tells
 * the opener how it went. Only origins that a connection lists (`signIn.embedOrigins`) are told anything, and nothing about
 * the person. The other side is pages/browser/embed.js; docs/embedding.md says how to use it.
 */
import { randomBytes } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Connection, Connections } from '../connections/connections.ts'
import type { Organizations } from '../directory/organizations.ts'
import { errorTable } from '../errors.ts'
import type { Session, Sessions } from '../sessions/sessions.ts'
import { chooseLanguage } from './pages/texts.ts'
import type { OtherView, RenderView } from './pages/views.ts'

export interface PopUpParts {
  readonly connections: Pick<Connections, 'openForSignIn'>
  readonly organizations: Pick<Organizations, 'resolve'>
  readonly sessions: Pick<Sessions, 'find' | 'cookieOf'>
  readonly render: RenderView
}

/** The scope parses cookies. */
export function mountPopUp(scope: FastifyInstance, { connections, organizations, sessions, render }: PopUpParts): void {
  scope.route({ method: 'GET', url: '/signin/popup', handler: begin })
  scope.route({ method: 'GET', url: '/signin/popup/done', handler: finish })

  async function begin(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { origin: given, organization: reference } = request.query as Record<string, unknown>
    const isNamed = typeof reference === 'string' && reference.length <= 64
    const organization = await organizations.resolve(isNamed ? reference : undefined)
    const origin = originOf(given)
    if (origin === undefined || !isListed(origin, await connections.openForSignIn(organization.id))) {
      return refuse(request, reply)
    }
    // In letters and digits, because a page to come back to has no colons and no encoded slashes.
    const done = `/signin/popup/done?for=${Buffer.from(origin).toString('base64url')}`
    const start = new URLSearchParams({ return_to: done, ...(isNamed && { organization: reference }) })
    return reply.code(303).header('location', `/signin/start?${start.toString()}`).send()
  }

  async function finish(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { for: encoded } = request.query as Record<string, unknown>
    const origin = typeof encoded === 'string' ? originOf(Buffer.from(encoded, 'base64url').toString()) : undefined
    const session = await sessions.find(sessions.cookieOf(request))
    // Without a session nobody's connections are known; whoever is listed anywhere may hear that nobody came in.
    const organizationId = session?.organizationId ?? (await organizations.resolve(undefined)).id
    const open = await connections.openForSignIn(organizationId)
    if (origin === undefined || !isListed(origin, connectionsOf(session, open))) return refuse(request, reply)
    const outcome = session === undefined ? 'refused' : 'signed-in'
    return show(request, reply, { kind: 'pop-up-done', origin, outcome }, [origin])
  }

  function refuse(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const { status, title, remedy } = errorTable['signin/origin-not-listed']
    void reply.code(status)
    const code = 'signin/origin-not-listed'
    return show(request, reply, { kind: 'error', code, title, remedy, requestId: request.id })
  }

  /** @param embedOrigins a page that somebody may show also keeps its opener */
  function show(
    request: FastifyRequest,
    reply: FastifyReply,
    view: OtherView,
    embedOrigins: readonly string[] = [],
  ): FastifyReply {
    const acceptLanguage = request.headers['accept-language']
    const { html, headers } = render(view, {
      language: chooseLanguage({ chosen: undefined, locales: [], acceptLanguage }),
      application: null,
      cancel: null,
      embedOrigins,
      nonce: randomBytes(16).toString('base64url'),
    })
    return reply.headers(headers).send(html)
  }
}

/** A session through one connection tells the sites of that one; with a password, those of all. */
function connectionsOf(session: Session | undefined, open: readonly Connection[]): readonly Connection[] {
  if (session === undefined || session.connectionId === null) return open
  return open.filter(({ id }) => id === session.connectionId)
}

function isListed(origin: string, open: readonly Connection[]): boolean {
  return open.some(({ signIn }) => signIn.embedOrigins.includes(origin))
}

/** An origin as browsers write it, and nothing that only begins with one. */
function originOf(given: unknown): string | undefined {
  if (typeof given !== 'string' || given.length > 512) return undefined
  const url = URL.parse(given)
  return url !== null && /^https?:$/.test(url.protocol) && url.origin === given ? given : undefined
}
