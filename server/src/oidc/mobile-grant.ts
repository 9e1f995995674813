/**
 * `urn:muster:params:oauth:grant-type:wecom-code`: a native app has a code of WeCom's SDK and wants ordinary tokens
 * (product.md §6). Who the person is, and whether they may come in, is signin/'s to say. Every failure is `invalid_grant`,
 * whatever it was: an app has nobody to explain more to.
 */
import type Provider from 'oidc-provider'
import { errors, type AccountClaims } from 'oidc-provider'
import type { Application } from '../applications/applications.ts'
import type { Session } from '../sessions/sessions.ts'

export const MOBILE_GRANT = 'urn:muster:params:oauth:grant-type:wecom-code'

export type AdmitByCode = (asked: {
  /** Id or identifier. */
  readonly connection: string
  /** Which company of a connection with several. */
  readonly corp: string | null
  readonly code: string
  readonly application: Application
  readonly address: string | null
  readonly userAgent: string | null
  readonly requestId: string | null
}) => Promise<
  { readonly kind: 'admitted'; readonly userId: string; readonly session: Session } | { readonly kind: 'refused' }
>

const PARAMETERS = ['connection', 'corp', 'code', 'scope']
/** WeCom's codes have 512 bytes at most; see wecom-api.md. */
const LONGEST = 512

export function addMobileGrant(
  provider: Provider,
  {
    admitByCode,
    findApplication,
    caller,
    holdSession,
    scopesFor,
    claimsFor,
  }: {
    admitByCode: AdmitByCode
    findApplication: (clientId: string) => Promise<Application | undefined>
    /** Of the request under way. */
    caller: () => Pick<Parameters<AdmitByCode>[0], 'address' | 'userAgent' | 'requestId'>
    /** From here on, what is made in this request belongs to the session. */
    holdSession: (session: Session) => void
    scopesFor: (application: Application, asked: Iterable<string>) => string[]
    claimsFor: (userId: string, scope: string, clientId: string, grantId: string) => Promise<AccountClaims>
  },
): void {
  provider.registerGrantType(
    MOBILE_GRANT,
    async (ctx) => {
      const { oidc } = ctx
      const client = oidc.client
      const { connection, corp, code, scope } = oidc.params as Record<string, string | undefined>
      const application = await findApplication(client.clientId)
      if (application === undefined || !application.mobile) throw new errors.InvalidGrant('not for this application')
      if (!isShort(connection) || !isShort(code)) throw new errors.InvalidGrant('connection and code are needed')

      const admitted = await admitByCode({
        connection,
        // One that cannot be is not the same as none: whoever names a company gets nobody of another.
        corp: corp === undefined || corp === '' ? null : corp,
        code,
        application,
        ...caller(),
      })
      if (admitted.kind === 'refused') throw new errors.InvalidGrant('the code signs nobody in')
      const { userId, session } = admitted
      holdSession(session)

      const granted = scopesFor(application, (scope ?? 'openid').split(' '))
      const grant = new provider.Grant({ accountId: userId, clientId: client.clientId })
      grant.addOIDCScope(granted.join(' '))
      const grantId = await grant.save()
      oidc.entity('Grant', grant)
      const issued = { accountId: userId, client, grantId, gty: MOBILE_GRANT, scope: granted.join(' ') }

      const accessToken = new provider.AccessToken({ ...issued, expiresWithSession: false })
      oidc.entity('AccessToken', accessToken)
      const authTime = Math.floor(session.authenticatedAt / 1_000)
      const refreshToken = granted.includes('offline_access')
        ? new provider.RefreshToken({ ...issued, authTime, expiresWithSession: false, rotations: 0 })
        : undefined
      ctx.body = {
        access_token: await accessToken.save(),
        token_type: 'Bearer',
        expires_in: accessToken.expiration,
        scope: granted.join(' '),
        ...(refreshToken === undefined ? {} : { refresh_token: await refreshToken.save() }),
        ...(granted.includes('openid') ? { id_token: await idToken() } : {}),
      }

      async function idToken(): Promise<string> {
        const claims = await claimsFor(userId, granted.join(' '), client.clientId, grantId)
        const token = new provider.IdToken({ ...claims, auth_time: authTime }, { ctx })
        Object.assign(token, { scope: granted.join(' '), mask: { auth_time: null } })
        return token.issue({ use: 'idtoken' })
      }
    },
    PARAMETERS,
  )
}

function isShort(value: string | undefined): value is string {
  return value !== undefined && value !== '' && value.length <= LONGEST
}
