/**
 * Everything that is checked before a handler runs, in WeCom's order: token, company, app, address, frequency, right to
 * call the endpoint. Handlers therefore check only what concerns their own parameters.
 */

import type { App } from './apps.ts'
import { ApiError } from './errors.ts'
import type { Call, OpenCall, TokenRoute } from './route.ts'

/** Returns the call with its principal, or throws what WeCom answers. */
export function admit(call: OpenCall, route: TokenRoute): Call {
  const { world, query, address } = call
  // Only the query string counts: a token in a header or the body is a missing token (§0.2).
  const value = query.get('access_token')
  if (!value) throw new ApiError(41001)
  const { company, app } = world.tokens.resolve(value)

  if (!company.isAvailable) throw new ApiError(301007)
  if (!app.isEnabled) throw new ApiError(50003)
  checkAddress(app, address)
  if (!route.isExempt?.(call)) {
    const isDebug = query.get('debug') === '1'
    world.meters.countCall({ corpId: company.corpId, address, path: route.path, isDebug })
  }
  if (!route.kinds.includes(app.kind)) throw new ApiError(48002)
  if (app.kind === 'contacts-sync') {
    if (route.isWrite && !app.canWrite) throw new ApiError(48002)
    if (!world.isKnownAddress(app, address) && route.isBlockedFromNewAddress) throw new ApiError(48009)
  }
  return { ...call, company, app, lens: world.lensOf(company, app) }
}

/** 60020 from an address the administrator has not entered as trusted (企业可信IP). */
export function checkAddress(app: App, address: string): void {
  if (app.trustedAddresses !== 'any' && !app.trustedAddresses.includes(address)) throw new ApiError(60020)
}
