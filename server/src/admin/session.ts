/** The caller's own session in the admin API: who calls, proving it once more before a dangerous act, and signing out. */
import { confirmSession, getSession, signOutSession, type OwnSession as OwnSessionAnswer } from '@muster/contracts'
import type { z } from 'zod'
import type { Audit } from '../audit/audit.ts'
import type { Organizations } from '../directory/organizations.ts'
import type { PasswordProof, Proof } from '../directory/password-proof.ts'
import type { Users } from '../directory/users.ts'
import { AppError, unreachable, type Text } from '../errors.ts'
import type { Session, Sessions } from '../sessions/sessions.ts'
import { route, type Call, type Route } from './routes.ts'

export interface SessionParts {
  readonly audit: Audit
  readonly organizations: Organizations
  readonly passwords: PasswordProof
  readonly sessions: Sessions
  readonly users: Users
  readonly now: () => number
  readonly publicUrl: string
  readonly version: string
}

export function ownSessionRoutes(parts: SessionParts): Route[] {
  const { audit, passwords, sessions, users } = parts
  return [
    route(getSession, ({ actor, role, session }) => render(actor, role, session)),

    route(confirmSession, async ({ actor, role, session, body }) => {
      if (session === null) throw new AppError('sessions/not-found')
      // There is nothing that could be confirmed, and so no second place for guessing passwords.
      if (role === null) throw new AppError('auth/forbidden')
      const { user } = await users.get(session.userId)
      if (user.password_hash === null) throw new AppError('auth/confirm-first', { detail: NO_PASSWORD })
      const { address, requestId } = actor
      const guess = { organizationId: user.organization_id, username: user.username, password: body.password }
      const proof = await passwords.prove({ ...guess, address, requestId }, async (tx, proved) => {
        // Renamed in the same moment, and somebody else has the name.
        if (proved.id !== user.id) throw new AppError('passwords/wrong')
        const confirmed = await sessions.confirm(tx, session.id)
        if (confirmed === undefined) throw new AppError('auth/required')
        const target = { kind: 'user', id: user.id, name: user.username }
        const details = { sessionId: session.id }
        await audit.record(tx, actor, [
          { action: 'session.confirm', organizationId: user.organization_id, target, details },
        ])
        return confirmed
      })
      return render(actor, role, provedOf(proof))
    }),

    route(signOutSession, async ({ actor, session, reply }) => {
      if (session === null) return undefined
      await users.endOwnSessions(actor, session.userId, [session.id])
      sessions.clearCookie(reply)
      return undefined
    }),
  ]

  async function render(
    actor: Call<typeof getSession>['actor'],
    role: Call<typeof getSession>['role'],
    session: Session | null,
  ): Promise<z.input<typeof OwnSessionAnswer>> {
    const user = session === null ? null : (await users.get(session.userId)).user
    const organization = await parts.organizations.resolve(undefined)
    return {
      via: actor.kind === 'local' ? 'local' : session === null ? 'token' : 'session',
      role,
      user: user === null ? null : { id: user.id, username: user.username, displayName: user.display_name },
      hasPassword: user !== null && user.password_hash !== null,
      session: session === null ? null : renderSession(session),
      organizationId: organization.id,
      version: parts.version,
      publicUrl: parts.publicUrl,
      now: new Date(parts.now()).toISOString(),
    }
  }

  function renderSession(session: Session) {
    const { at, until } = sessions.confirmationOf(session)
    return {
      id: session.id,
      expiresAt: new Date(session.expiresAt).toISOString(),
      confirmedAt: new Date(at).toISOString(),
      confirmedUntil: until === null ? null : new Date(until).toISOString(),
    }
  }
}

function provedOf<T>(proof: Proof<T>): T {
  switch (proof.kind) {
    case 'proved':
      return proof.value
    case 'wrong':
    // Whoever is signed in with a password has set it; somebody has given out another one meanwhile.
    case 'must-change':
      throw new AppError('passwords/wrong')
    case 'locked':
      throw new AppError('passwords/too-many-guesses', { extra: { retryAfterSeconds: proof.retryAfterSeconds } })
    default:
      return unreachable(proof)
  }
}

const NO_PASSWORD: Text = {
  en: 'This account has no password. Signing in again confirms it.',
  zh: '该账号没有密码，请重新登录以确认身份。',
}
