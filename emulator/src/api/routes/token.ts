/** Chapter 1.1: `gettoken`. */

import { kindsOfGettoken } from '../../company/apps.ts'
import { appsBehind, findCompany } from '../../company/corp-ids.ts'
import { ApiError } from '../../errors.ts'
import type { OpenCall, Reply, Route } from '../route.ts'
import { checkAddress } from '../gate.ts'

export const tokenRoutes: readonly Route[] = [{ path: 'gettoken', needsToken: false, handle: getToken }]

/** The order of the checks is WeCom's: the secret is asked for before the company (live probe, §1.1). */
function getToken({ world, query, address }: OpenCall): Reply {
  const secret = query.get('corpsecret')
  if (!secret) throw new ApiError(41004)
  const corpId = query.get('corpid')
  if (!corpId) throw new ApiError(41002)
  if (world.meters.isBanned(address)) throw new ApiError(45009)
  const found = findCompany(world, corpId)
  if (!found) throw new ApiError(40013)
  const { company } = found
  if (!company.isAvailable) throw new ApiError(301007)

  const app = appsBehind(world, found).find(
    (candidate) => candidate.secret === secret && kindsOfGettoken.includes(candidate.kind),
  )
  if (!app) {
    world.meters.countWrongSecret(address)
    const belongsElsewhere = [...world.companies.values()].some(({ apps }) =>
      apps.some((other) => other.secret === secret),
    )
    throw new ApiError(belongsElsewhere ? 40091 : 40001)
  }
  if (!app.isEnabled) throw new ApiError(50003)
  const { readings } = world.settings
  if (readings.gettokenChecksAddress) checkAddress(app, address)

  const token = world.tokens.issue(company, app, { rotate: readings.repeatedGettoken === 'rotate' })
  return {
    access_token: token.value,
    expires_in: Math.ceil((token.expiresAtMs - world.now()) / 1000),
  }
}
