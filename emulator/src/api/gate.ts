/**
 * Everything that is checked before a handler runs, in WeCom's order: token, company, app, address, frequency, right to
 * call the endpoint. Handlers therefore check only what concerns their own parameters.
 */

import type { App } from '../company/apps.ts'
import { ApiError } from '../errors.ts'
import type { Call, OpenCall, ProviderCall, ProviderRoute, SuiteCall, SuiteRoute, TokenRoute } from './route.ts'

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
  const suite = world.providers.suiteOf(app)
  if (suite) checkAddress(suite.provider, address)
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

/** The same for a call of a suite. The older calls name the parameter as those of apps do. */
export function admitSuite(call: OpenCall, route: SuiteRoute): SuiteCall {
  const { world, query, address } = call
  const value = query.get('suite_access_token') ?? (route.takesAccessToken ? query.get('access_token') : null)
  if (!value) throw new ApiError(41022)
  const suite = world.providers.suiteTokens.resolve(value).holder

  checkAddress(suite.provider, address)
  if (!route.isExempt?.(call, suite)) countService(call, suite.suiteId, route.path)
  if (!route.kinds.includes(suite.kind)) throw new ApiError(48002)
  return { ...call, suite }
}

/** And of a provider. */
export function admitProvider(call: OpenCall, route: ProviderRoute): ProviderCall {
  const { world, query, address } = call
  const value = query.get(route.parameter)
  if (!value) throw new ApiError(41001)
  const provider = world.providers.providerTokens.resolve(value).holder

  checkAddress(provider, address)
  countService(call, provider.corpId, route.path)
  return { ...call, provider }
}

function countService({ world, query, address }: OpenCall, corpId: string, path: string): void {
  world.meters.countCall({ corpId, address, path, isDebug: query.get('debug') === '1' })
}

/** 60020 from an address the administrator has not entered as trusted (企业可信IP), or the provider in its own console. */
export function checkAddress({ trustedAddresses }: Pick<App, 'trustedAddresses'>, address: string): void {
  if (trustedAddresses !== 'any' && !trustedAddresses.includes(address)) throw new ApiError(60020)
}
