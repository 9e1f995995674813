/**
 * One person, planned and written outside of a run: what decisions about reviews and admissions share. What a run knows
 * about everybody at once is asked here for one, inside the transaction that writes them.
 */
import type { Transaction } from '../database/database.ts'
import * as comparison from '../directory/comparison.ts'
import { foldName } from '../directory/names.ts'
import type { UserWrite } from '../directory/writes.ts'
import {
  claimAddress,
  contestedSynthetics,
  numberedAddresses,
  settleAddresses,
  type AddressVerdict,
} from './plan/addresses.ts'
import type { WantedUser } from './plan/mapping.ts'
import { chooseUsername, usernameCandidates, type Identity } from './plan/matching.ts'
import type { PeopleContext } from './plan/people.ts'
import type { EmailRule } from './plan/rules.ts'

export interface CompanyOfOne {
  readonly organizationId: string
  readonly connectionId: string
  readonly corpId: string
}

/** Departments that do not exist here yet are for the next run. */
export async function contextOfOne(
  tx: Transaction,
  company: CompanyOfOne,
  { username, userid, memberships = [] }: Pick<WantedUser, 'username' | 'userid' | 'memberships'>,
  given: Pick<
    PeopleContext,
    'isExpectedDepartment' | 'permissionToDisable' | 'policyForLeaver' | 'isDecided' | 'now' | 'newId'
  >,
): Promise<PeopleContext> {
  const { organizationId, connectionId, corpId } = company
  const departments = await comparison.sourceDepartmentsOf(
    tx,
    company,
    memberships.map(({ department }) => String(department)),
  )
  const wished = username ?? userid
  const names = [wished, userid, ...usernameCandidates(wished), ...usernameCandidates(userid)].map(foldName)
  const taken = await comparison.takenUsernames(tx, organizationId, names)
  const members = await comparison.linkedMembers(tx, company, names)
  return {
    organizationId,
    connectionId,
    corpId,
    idOf: new Map(departments.map(({ id, external_id }) => [Number(external_id), id])),
    freeUsername(name, own) {
      const isSomebodys = (key: string) => members.has(key) && key !== own
      const key = foldName(name)
      const isFree = !taken.has(key) && !(own !== undefined && isSomebodys(key))
      return isFree ? name : chooseUsername(name, (other) => taken.has(other) || isSomebodys(other), new Set())
    },
    ...given,
  }
}

export async function addressOfOne(
  tx: Transaction,
  { organizationId }: Pick<CompanyOfOne, 'organizationId'>,
  member: WantedUser,
  identity: Identity,
  { syntheticEmailDomain, emails }: { readonly syntheticEmailDomain: string; readonly emails: readonly EmailRule[] },
): Promise<AddressVerdict> {
  const present = await comparison.presentUsers(tx, 'userId' in identity ? [identity.userId] : [])
  const claim = claimAddress(member, identity, present, syntheticEmailDomain, emails)
  const keys = claim.wish === undefined ? [] : [claim.wish.key]
  const owners = await comparison.addressOwners(tx, organizationId, keys)
  const numbered = contestedSynthetics([claim], owners).flatMap(numberedAddresses)
  for (const [key, owner] of await comparison.addressOwners(tx, organizationId, numbered)) owners.set(key, owner)
  return settleAddresses([claim], owners).verdicts[0]!
}

/** The same write, after which the next run looks at the person as if nothing were known. */
export function toBeCompared(write: UserWrite, createdBy: 'admin' | 'signin' | 'bind'): UserWrite {
  const { link } = write
  if (link === null) return write
  if ('create' in link) {
    return { ...write, link: { create: { ...link.create, source_hash: null, created_by: createdBy } } }
  }
  if ('move' in link) return { ...write, link: { move: { ...link.move, source_hash: null } } }
  if ('update' in link) return { ...write, link: { update: { ...link.update, source_hash: null } } }
  return write
}
