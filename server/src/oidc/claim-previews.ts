/**
 * What an application would be told about a person, and whether they could sign in to it, without anybody signing in. The
 * claims come from the functions that make real ones; whether somebody comes in, WeCom decides with us, so what is said
 * here about that is what is written down here.
 */
import type { Application } from '../applications/applications.ts'
import type { Connection } from '../connections/connections.ts'
import type { Database } from '../database/database.ts'
import { findAccess, findSubject, type Access } from '../directory/subjects.ts'
import { AppError, type Text } from '../errors.ts'
import { claimsOf, needsDepartments, scopesFor } from './claims.ts'

export type ClaimPreviews = ReturnType<typeof createClaimPreviews>

export function createClaimPreviews({
  database,
  publicUrl,
  openForSignIn,
}: {
  database: Database
  publicUrl: string
  /** The connections of an organization that people may sign in through. */
  openForSignIn: (organizationId: string) => Promise<readonly Pick<Connection, 'id'>[]>
}) {
  return {
    /**
     * @param asked scopes; undefined for all that the application may use
     * @throws AppError `users/not-found`, also for somebody of another organization
     */
    async preview(application: Application, userId: string, asked: readonly string[] | undefined) {
      const access = await findAccess(database, userId)
      if (access?.organizationId !== application.organizationId) throw new AppError('users/not-found')
      const scopes = scopesFor(application, ['openid', ...(asked ?? application.claims.scopes)])
      const wanted = new Set(scopes)
      const subject = await findSubject(database, userId, {
        withDepartments: needsDepartments(wanted, application.claims),
      })
      // Which link somebody came through is known when they come; until then the first one counts, as with a password.
      const claims = subject === undefined ? null : claimsOf(subject, application, { scopes: wanted, linkId: null })
      const open = new Set((await openForSignIn(application.organizationId)).map(({ id }) => id))
      return {
        scopes,
        userinfo: claims,
        idToken: claims === null ? null : { iss: `${publicUrl}/oidc`, aud: application.clientId, ...claims },
        refusal: described(refusalOf(application, access, open)),
      }
    },
  }
}

/** Words of `SignInReason` where there is one. */
export type PreviewRefusal = 'application-disabled' | 'deleted' | 'disabled' | 'sign-in-off' | 'not-linked'

/** Pure. The first thing that stands in the way; null when nothing does that we know of. */
export function refusalOf(
  application: Pick<Application, 'enabled' | 'connections' | 'passwordSignIn'>,
  access: Access,
  open: ReadonlySet<string>,
): PreviewRefusal | null {
  if (!application.enabled) return 'application-disabled'
  if (access.status !== 'active') return access.status
  if (application.passwordSignIn && access.hasPassword) return null
  const usable = application.connections.filter(({ id }) => access.connectionIds.includes(id))
  if (usable.some(({ id }) => open.has(id))) return null
  return usable.length > 0 ? 'sign-in-off' : 'not-linked'
}

function described(code: PreviewRefusal | null) {
  return code === null ? null : { code, ...TEXTS[code] }
}

const TEXTS: Readonly<Record<PreviewRefusal, { readonly title: Text; readonly detail: Text }>> = {
  'application-disabled': {
    title: { en: 'The application is disabled', zh: '应用已停用' },
    detail: {
      en: 'Nobody can sign in to it until it is enabled.',
      zh: '启用之前，任何人都无法登录该应用。',
    },
  },
  deleted: {
    title: { en: 'The user is deleted', zh: '用户已删除' },
    detail: {
      en: 'Restore the user first. Whom sync deleted comes back when WeCom shows them as active again.',
      zh: '请先恢复该用户。由同步删除的用户，会在企业微信再次显示其为在职时恢复。',
    },
  },
  disabled: {
    title: { en: 'The user is disabled', zh: '用户已停用' },
    detail: {
      en: 'Enable the user first. Whom sync disabled comes in again when WeCom shows them as active.',
      zh: '请先启用该用户。由同步停用的用户，会在企业微信显示其为在职时恢复登录。',
    },
  },
  'sign-in-off': {
    title: { en: 'Sign-in is off for the connection', zh: '连接未开启登录' },
    detail: {
      en: 'The user is linked only through connections of the application that nobody may sign in through now.',
      zh: '该用户仅通过此应用中未开启登录的连接关联。',
    },
  },
  'not-linked': {
    title: { en: 'The user has no way in', zh: '用户没有登录方式' },
    detail: {
      en: 'No connection of the application links the user to a member of WeCom, and a password does not help here.',
      zh: '此应用的连接均未将该用户关联到企业微信成员，也无法使用密码登录。',
    },
  },
}
