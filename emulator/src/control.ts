/** The control functions: what a test or a person can do to the emulated world. control-server.ts offers the same over HTTP. */

import type { App } from './apps.ts'
import { generateCompany } from './generator.ts'
import type { CompanyShape } from './generator.ts'
import type { World } from './world.ts'

export interface CompanyListing {
  corpId: string
  name: string
  people: number
  departments: number
  contactsSecret: string
  apps: App[]
}

export interface Control {
  companies(): CompanyListing[]
  createCompany(shape: CompanyShape): CompanyListing
}

export function createControl(world: World): Control {
  const control: Control = {
    companies: () =>
      [...world.companies.values()].map((company) => ({
        corpId: company.corpId,
        name: company.name,
        people: company.members.size,
        departments: company.departments.size,
        contactsSecret: company.apps.find(({ kind }) => kind === 'contacts-sync')?.secret ?? '',
        apps: company.apps.filter(({ kind }) => kind !== 'contacts-sync'),
      })),
    createCompany(shape) {
      const company = generateCompany(shape)
      world.companies.set(company.corpId, company)
      return control.companies().find(({ corpId }) => corpId === company.corpId) as CompanyListing
    },
  }
  return control
}
