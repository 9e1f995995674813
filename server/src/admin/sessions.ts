/** The sessions of a user in the admin API. */
import { deleteUserSession, listUserSessions, type Session as SessionAnswer } from '@muster/contracts'
import type { z } from 'zod'
import type { Users } from '../directory/users.ts'
import type { Session, Sessions } from '../sessions/sessions.ts'
import { page, readCursor, readSearch } from './pages.ts'
import { route, type Route } from './routes.ts'

export function sessionRoutes({ sessions, users }: { sessions: Sessions; users: Users }): Route[] {
  return [
    route(listUserSessions, async ({ params, query }) => {
      await users.get(params.id)
      const q = readSearch(query.q)?.toLowerCase()
      const cursor = readCursor(query.cursor)
      // A person has a handful; the list is one statement.
      const all = (await sessions.listOf(params.id)).filter(
        ({ address, userAgent }) => q === undefined || `${address} ${userAgent}`.toLowerCase().includes(q),
      )
      const rest = all.filter(({ id }) => cursor === null || id < cursor)
      return page(rest.slice(0, query.limit).map(render), rest.length > query.limit, all.length, ({ id }) => id)
    }),
    route(deleteUserSession, async ({ actor, role, params }) => {
      await users.endSession({ actor, role }, params.id, params.sessionId)
      return undefined
    }),
  ]
}

function render(session: Session): z.input<typeof SessionAnswer> {
  return {
    id: session.id,
    userId: session.userId,
    door: session.door,
    connectionId: session.connectionId,
    corpId: session.corpId,
    applicationId: session.applicationId,
    address: session.address,
    userAgent: session.userAgent,
    createdAt: new Date(session.createdAt).toISOString(),
    lastSeenAt: new Date(session.lastSeenAt).toISOString(),
    expiresAt: new Date(session.expiresAt).toISOString(),
  }
}
