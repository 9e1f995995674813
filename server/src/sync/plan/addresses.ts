/**
 * Decides who may have which e-mail address (product.md §4.2, http-api.md §5). Pure. The question is about everybody at
 * once, so it is answered before any single person is planned.
 */
import { foldName, syntheticAddress } from '../../directory/names.ts'
import type { WantedUser } from './mapping.ts'
import { usernameCandidates, type Identity } from './matching.ts'
import { DEFAULT_MAPPING, type EmailRule, type Seen } from './rules.ts'

export type EmailSource = 'biz_mail' | 'email' | 'mapped' | 'synthetic' | 'manual'

/** An address as it is stored. */
export interface Address {
  readonly email: string
  readonly key: string
  readonly source: EmailSource
}

/** The address somebody has now. */
export interface KnownAddress {
  readonly key: string | null
  readonly source: string | null
}

/** What one person asks of the addresses, small enough to keep for everybody at once. */
export interface AddressClaim {
  /** Folded userid; the smaller one wins where two are equal. */
  readonly person: string
  /** Ours; undefined for somebody who will not be written, and who therefore keeps what they have. */
  readonly userId: string | undefined
  readonly currentKey: string | null
  /** Undefined to keep the present one. */
  readonly wish: Address | undefined
}

export type AddressVerdict =
  | { readonly kind: 'keep' }
  | { readonly kind: 'set'; readonly address: Address }
  | { readonly kind: 'taken'; readonly email: string; readonly owner: string | undefined }

/** @param known the present address of everybody who exists already, by user id */
export function claimAddress(
  person: WantedUser,
  identity: Identity,
  known: ReadonlyMap<string, KnownAddress>,
  syntheticDomain: string,
  emails?: readonly EmailRule[],
): AddressClaim {
  const userId = 'userId' in identity && person.problem === undefined ? identity.userId : undefined
  if (userId === undefined) return { person: person.key, userId, currentKey: null, wish: undefined }
  const current = known.get(userId)
  // The stand-in is made of the userid, so it follows a new one.
  const isOutlived = identity.kind === 'renamed' && current?.source === 'synthetic'
  return {
    person: person.key,
    userId,
    currentKey: current?.key ?? null,
    wish: wishedAddress(person, isOutlived ? undefined : current, syntheticDomain, emails),
  }
}

/**
 * What the mapping says, else the synthetic one. An address stays as it is while the field that it came from is withheld.
 * @param emails in the order in which they are tried; by default biz_mail, then email
 */
export function wishedAddress(
  person: WantedUser,
  known: KnownAddress | undefined,
  domain: string,
  emails: readonly EmailRule[] = DEFAULT_MAPPING.emails,
): Address | undefined {
  let made = 0
  for (const rule of emails) {
    const [source, seen] = addressOf(rule, person, () => made++)
    if (seen) return address(seen, source)
    if (seen === undefined && known?.source === source) return undefined
  }
  if (known !== undefined && (known.source === 'manual' || known.source === 'synthetic')) return undefined
  return address(syntheticAddress(person.userid, domain), 'synthetic')
}

function addressOf(rule: EmailRule, person: WantedUser, nextMade: () => number): [EmailSource, Seen] {
  if (rule === 'biz_mail') return [rule, person.bizMail]
  if (rule === 'email') return [rule, person.email]
  const seen = person.madeAddresses?.[nextMade()]
  return ['mapped', seen === false ? undefined : seen]
}

function address(email: string, source: EmailSource): Address {
  return { email, key: foldName(email), source }
}

const KEEP: AddressVerdict = { kind: 'keep' }

/**
 * Who gets which address, and who has to move together.
 *
 * An address is free when nobody has it, or when its owner gives it up in this very plan. The owner of an address comes
 * first, then the smaller userid. Whoever fails keeps the old address, which may in turn take it from somebody who
 * counted on it; the loop ends because every round fails at least one more person.
 *
 * @param owners the living owner of every address that somebody claims, and of the numbered forms of contested ones
 * @returns verdicts in the order of the claims, and the indices of those who take an address from one another: their
 * writes belong into one transaction.
 */
export function settleAddresses(
  claims: readonly AddressClaim[],
  owners: ReadonlyMap<string, string>,
): { verdicts: AddressVerdict[]; movers: number[] } {
  const verdicts = claims.map(({ wish }): AddressVerdict => (wish ? { kind: 'set', address: wish } : KEEP))
  chooseClaimants(claims, verdicts, owners)

  const contested = [...verdicts.keys()].filter((index) => isOwnedByAnother(claims[index]!, verdicts[index]!, owners))
  const indexOf = indexOfOwners(claims, contested, verdicts, owners)
  const movers = new Set<number>()
  for (let settled = false; !settled;) {
    settled = true
    movers.clear()
    for (const index of contested) {
      const verdict = verdicts[index]!
      if (verdict.kind !== 'set') continue
      const { key, email } = verdict.address
      const owner = owners.get(key)
      const ownerIndex = indexOf.get(owner ?? '')
      const ownerVerdict = ownerIndex === undefined ? undefined : verdicts[ownerIndex]
      if (ownerIndex !== undefined && ownerVerdict?.kind === 'set' && ownerVerdict.address.key !== key) {
        movers.add(index).add(ownerIndex)
      } else {
        verdicts[index] = { kind: 'taken', email, owner }
        settled = false
      }
    }
  }
  return { verdicts, movers: [...movers] }
}

function isOwnedByAnother(claim: AddressClaim, verdict: AddressVerdict, owners: ReadonlyMap<string, string>): boolean {
  if (verdict.kind !== 'set') return false
  const owner = owners.get(verdict.address.key)
  return owner !== undefined && owner !== claim.userId
}

/** Where the present owners of contested addresses stand among the claims, if they do. */
function indexOfOwners(
  claims: readonly AddressClaim[],
  contested: readonly number[],
  verdicts: readonly AddressVerdict[],
  owners: ReadonlyMap<string, string>,
): Map<string, number> {
  const wanted = new Set<string | undefined>()
  for (const index of contested) {
    const verdict = verdicts[index]!
    if (verdict.kind === 'set') wanted.add(owners.get(verdict.address.key))
  }
  const indexOf = new Map<string, number>()
  if (wanted.size === 0) return indexOf
  claims.forEach(({ userId }, index) => {
    if (userId !== undefined && wanted.has(userId)) indexOf.set(userId, index)
  })
  return indexOf
}

/** Of several people who wish for one address, one may try; a synthetic address just takes the next number. */
function chooseClaimants(
  claims: readonly AddressClaim[],
  verdicts: AddressVerdict[],
  owners: ReadonlyMap<string, string>,
): void {
  const claimants = new Map<string, number>()
  const isFree = (key: string) => !claimants.has(key) && !owners.has(key)
  claims.forEach(({ person, currentKey, wish }, index) => {
    if (wish === undefined) return
    const { key, email, source } = wish
    if (source === 'synthetic' && currentKey !== key && !isFree(key)) {
      const numbered = numberedAddresses(key).find(isFree)
      if (numbered !== undefined) {
        verdicts[index] = { kind: 'set', address: { email: numbered, key: numbered, source } }
        claimants.set(numbered, index)
        return
      }
    }
    const rival = claimants.get(key)
    if (rival === undefined) {
      claimants.set(key, index)
      return
    }
    const other = claims[rival]!
    const isFirst = currentKey === key || (other.currentKey !== key && person < other.person)
    verdicts[isFirst ? rival : index] = { kind: 'taken', email, owner: undefined }
    if (isFirst) claimants.set(key, index)
  })
}

/** The synthetic addresses that will need a number, given who owns what. */
export function contestedSynthetics(claims: readonly AddressClaim[], owners: ReadonlyMap<string, string>): string[] {
  const once = new Set<string>()
  const contested = new Set<string>()
  for (const { wish } of claims) {
    if (wish?.source !== 'synthetic') continue
    if (owners.has(wish.key) || once.has(wish.key)) contested.add(wish.key)
    once.add(wish.key)
  }
  return [...contested]
}

/** What a synthetic address becomes when it is taken: `zhangsan-2@…`, `zhangsan-3@…`; their owners must be known, too. */
export function numberedAddresses(key: string): string[] {
  const at = key.lastIndexOf('@')
  return usernameCandidates(key.slice(0, at)).map((name) => `${name}${key.slice(at)}`)
}
