/**
 * By which id a company is called by whom: its own, or the one encrypted for a provider (§3.5.7). Whoever is given an id by
 * an app or a page asks here, so that the two can never be mixed up.
 */

import type { App } from './apps.ts'
import type { Company } from './company.ts'
import type { Provider } from '../providers/providers.ts'
import type { World } from '../world.ts'

export interface FoundCompany {
  readonly company: Company
  /** Whose encrypted id it was; undefined for the company's own. */
  readonly provider?: Provider | undefined
}

export function findCompany(world: World, corpId: string): FoundCompany | undefined {
  const own = world.companies.get(corpId)
  if (own) return { company: own }
  const found = world.providers.companyOf(corpId)
  // A company that was removed or replaced is not there any more under its other names either.
  return found && world.companies.get(found.company.corpId) === found.company ? found : undefined
}

/** The apps that go by this id: those of the provider under its encrypted id, the company's own under its own. */
export function appsBehind(world: World, { company, provider }: FoundCompany): App[] {
  if (provider) return company.apps.filter((app) => app.suiteId !== undefined && app.providerId === provider.corpId)
  if (world.settings.readings.corpIdsForProviders === 'plain') return company.apps
  return company.apps.filter((app) => app.suiteId === undefined)
}

/** How this app calls its company. */
export function corpIdFor(world: World, company: Company, app: App): string {
  const suite = app.suiteId === undefined ? undefined : world.providers.suiteOf(app)
  return suite ? world.providers.openCorpId(suite.provider, company) : company.corpId
}
