/**
 * Decides who a member is here (product.md §4.3), and who may have which e-mail address. Pure. Both questions are about
 * everybody at once, so they are answered before any single person is planned.
 */
import { foldName, syntheticAddress } from '../../directory/names.ts'
import type { Problem } from '../../errors.ts'
import type { WantedUser } from './mapping.ts'
import { DEFAULT_MAPPING, type EmailRule, type Seen } from './rules.ts'

/** What is known here about a member that was linked before. */
export interface KnownLink {
  readonly id: string
  readonly userId: string
  /** Digest of what was last applied, or null when it must be compared. */
  readonly hash: string | null
  /** From 0: where it stands among all links of the company. */
  readonly place: number
}

/** A living user whose username equals the userid of a member without a link. */
export interface Namesake {
  readonly userId: string
  readonly isAdministrator: boolean
  /** Whether the user is already a member of this company under another userid. */
  readonly isLinked: boolean
}

export type Identity =
  | { readonly kind: 'linked'; readonly userId: string; readonly linkId: string }
  | { readonly kind: 'matched'; readonly userId: string }
  | { readonly kind: 'new'; readonly userId: string; readonly username: string }
  | { readonly kind: 'skipped'; readonly reason: 'administrator' | 'not-created-by-policy' }
  | { readonly kind: 'failed'; readonly problem: Problem }

export interface MatchContext {
  readonly links: ReadonlyMap<string, KnownLink>
  readonly namesakes: ReadonlyMap<string, Namesake>
  /** Folded usernames of living users, among what the mapping would call people and `usernameCandidates` of taken names. */
  readonly takenUsernames: ReadonlySet<string>
  /** Whether some member has this folded userid, so that nobody else may be given it as a username. */
  readonly isUserid: (key: string) => boolean
  readonly bindByUsername: boolean
  readonly onlyWecom: 'create' | 'ignore'
  readonly newId: (kind: 'usr') => string
}

/**
 * Who each of these members is: by link, then by login name, else somebody new. In the same order.
 * @param given folded usernames that this run has given away already; those of these people are added
 */
export function matchPeople(people: readonly WantedUser[], context: MatchContext, given: Set<string>): Identity[] {
  return people.map((person): Identity => {
    const link = context.links.get(person.key)
    if (link !== undefined) return { kind: 'linked', userId: link.userId, linkId: link.id }

    const namesake = context.namesakes.get(person.key)
    if (namesake !== undefined && context.bindByUsername && !namesake.isLinked) {
      // Invariant I3 of threats.md: nobody becomes an administrator by having the right name.
      if (namesake.isAdministrator) return { kind: 'skipped', reason: 'administrator' }
      return { kind: 'matched', userId: namesake.userId }
    }
    if (context.onlyWecom === 'ignore') return { kind: 'skipped', reason: 'not-created-by-policy' }
    const isOwn = person.username === undefined
    if (isOwn && namesake === undefined) return { kind: 'new', userId: context.newId('usr'), username: person.userid }

    const wishes = isOwn ? [] : [person.username]
    const username = [...wishes, ...usernameCandidates(person.username ?? person.userid)].find((candidate) => {
      const key = foldName(candidate)
      const isSomebodys = context.isUserid(key) && key !== person.key
      return !context.takenUsernames.has(key) && !isSomebodys && !given.has(key)
    })
    if (username === undefined) return { kind: 'failed', problem: { code: 'directory/username-taken' } }
    given.add(foldName(username))
    return { kind: 'new', userId: context.newId('usr'), username }
  })
}

const CANDIDATES = 50

/** `zhangsan-2`, `zhangsan-3` … */
export function usernameCandidates(userid: string): string[] {
  return Array.from({ length: CANDIDATES }, (_, index) => `${userid}-${index + 2}`)
}

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
  return {
    person: person.key,
    userId,
    currentKey: current?.key ?? null,
    wish: wishedAddress(person, current, syntheticDomain, emails),
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
