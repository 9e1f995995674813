/**
 * Whom the pages offer as the one who scans, and how a choice is written in an address: `scan_as=<userid>`, or one of the
 * words below. Their colon cannot be in a userid.
 */

import { createHmac } from 'node:crypto'

import type { App } from '../company/apps.ts'
import type { SigninIdentity } from './codes.ts'
import { textOf } from '../company/company.ts'
import type { Company, Member } from '../company/company.ts'
import type { Suite } from '../providers/providers.ts'
import type { Scan } from './scanner.ts'
import type { World } from '../world.ts'

export const scanParameter = 'scan_as'
/** Whose member it is, on the pages of suites. */
export const corpParameter = 'scan_corp'
/** Somebody who is no member; the same with an external_userid, as a customer of a member has it; a refusal on the phone. */
export const refusal = ':refuses'
export const outsiders = [':stranger', ':customer', refusal] as const

export interface Choice {
  scanAs: string
  /** On the pages of suites: whose member it is. */
  corpId?: string
  companyName?: string
  name: string
  /** 1 active, 2 disabled, 4 not activated, 5 left the company. */
  status: number
  isInRange: boolean
}

const choicesMax = 20
const companiesMax = 10
const searchLengthMax = 64

/** At most twenty members whose name, alias or userid contains the words searched for. */
export function choicesOf(world: World, company: Company, app: App | undefined, search: string): Choice[] {
  const wanted = search.slice(0, searchLengthMax).trim().toLowerCase()
  const choices: Choice[] = []
  for (const member of company.members.values()) {
    if (choices.length === choicesMax) break
    if (!matches(member, wanted)) continue
    const { userid, name, status } = member
    const isInRange = app === undefined || world.lensOf(company, app).seesMember(member)
    choices.push({ scanAs: textOf(userid), name: textOf(name), status, isInRange })
  }
  return choices
}

/** The members of every company: a page of a suite is open to all of them. */
export function choicesEverywhere(world: World, suite: Suite | undefined, search: string): Choice[] {
  const companies = [...world.companies.values()].slice(0, companiesMax)
  return companies.flatMap((company) =>
    choicesOf(world, company, suite?.authorizations.get(company)?.app, search).map((choice) => ({
      ...choice,
      corpId: company.corpId,
      companyName: company.name,
    })),
  )
}

/** Somebody outside is known to the company that asks, or to the provider, by an openid of its own. */
export function scanOf(owner: { corpId: string }, scanAs: string): Scan {
  switch (scanAs) {
    case refusal:
      return { who: 'refuses' }
    case ':stranger':
      return { who: outsider(owner, 'stranger') }
    case ':customer':
      return { who: { ...outsider(owner, 'customer'), externalUserid: `wm${digest(owner, 'customer', 30)}` } }
    default:
      return { who: { userid: scanAs } }
  }
}

function matches({ userid, name, alias }: Member, wanted: string): boolean {
  return wanted === '' || [userid, name, alias].some((text) => textOf(text).toLowerCase().includes(wanted))
}

function outsider(owner: { corpId: string }, name: string): Extract<SigninIdentity, { openid: string }> {
  return { openid: `o${digest(owner, name, 27)}` }
}

function digest(owner: { corpId: string }, name: string, length: number): string {
  return createHmac('sha256', 'outsider').update(`${owner.corpId}/${name}`).digest('base64url').slice(0, length)
}
