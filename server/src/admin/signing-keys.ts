/** Rotation of the signing keys, for `./muster rotate-signing-keys` and for programs. */
import { rotateSigningKeys } from '@muster/contracts'
import type { Oidc } from '../oidc/oidc.ts'
import { route, type Route } from './routes.ts'

export function signingKeyRoutes({ oidc }: { oidc: Pick<Oidc, 'rotateKeys'> }): Route[] {
  return [
    route(rotateSigningKeys, async ({ actor, body }) => {
      const rows = await oidc.rotateKeys(actor, { isUrgent: body.urgent, isWithdrawal: body.withdraw })
      return {
        keys: rows.map(({ kid, state, created_at, activated_at, retired_at }) => ({
          kid,
          state: state as 'current' | 'next' | 'retired',
          createdAt: new Date(created_at).toISOString(),
          activatedAt: activated_at === null ? null : new Date(activated_at).toISOString(),
          retiredAt: retired_at === null ? null : new Date(retired_at).toISOString(),
        })),
      }
    }),
  ]
}
