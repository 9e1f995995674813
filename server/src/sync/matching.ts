/**
 * Decides who a member is here (product.md §4.3), and who may have which e-mail address. Pure. Both questions are about
 * everybody at once, so they are answered before any single person is planned.
 */
import { foldName, syntheticAddress } from '../directory/names.ts'
import type { Problem } from '../errors.ts'
import type { WantedUser } from './mapping.ts'

/** What is known here about a member that was linked before. */
export interface KnownLink {
  readonly id: string
  readonly userId: string
  /** Digest of what was last applied, or null when it must be compared. */
  readonly hash: string | null
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
  /** Folded usernames of living users, among `usernameCandidates` of everybody whose name is taken. */
  readonly takenUsernames: ReadonlySet<string>
  readonly bindByUsername: boolean
  readonly onlyWecom: 'create' | 'ignore'
  readonly newId: (kind: 'usr') => string
}

/** Who each of these members is: by link, then by login name, else somebody new. In the same order. */
export function matchPeople(people: readonly WantedUser[], context: MatchContext): Identity[] {
  const assigned = new Set(people.map(({ key }) => key))
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
    if (namesake === undefined) return { kind: 'new', userId: context.newId('usr'), username: person.userid }

    const username = usernameCandidates(person.userid).find((candidate) => {
      const key = foldName(candidate)
      return !context.takenUsernames.has(key) && !assigned.has(key)
    })
    if (username === undefined) return { kind: 'failed', problem: { code: 'directory/username-taken' } }
    assigned.add(foldName(username))
    return { kind: 'new', userId: context.newId('usr'), username }
  })
}

const CANDIDATES = 50

/** `zhangsan-2`, `zhangsan-3` … */
export function usernameCandidates(userid: string): string[] {
  return Array.from({ length: CANDIDATES }, (_, index) => `${userid}-${index + 2}`)
}

export type EmailSource = 'biz_mail' | 'email' | 'synthetic' | 'manual'

/** An address as it is stored. */
export interface Address {
  readonly email: string
  readonly key: string
  readonly source: EmailSource
}

/** The address somebody has now. */
export interface KnownAddress {
  readonly email: string | null
  readonly key: string | null
  readonly source: string | null
}

export interface AddressContext {
  /** The present address of everybody among the people who exists already. */
  readonly known: ReadonlyMap<string, KnownAddress>
  /** The living owner of every address that somebody among the people wants. */
  readonly owners: ReadonlyMap<string, string>
  readonly syntheticDomain: string
}

export type AddressVerdict =
  | { readonly kind: 'keep' }
  | { readonly kind: 'set'; readonly address: Address }
  | { readonly kind: 'taken'; readonly email: string; readonly owner: string | undefined }

/** The address each person would like, before anybody asks whether it is free. */
export function wishedAddresses(
  people: readonly WantedUser[],
  identities: readonly Identity[],
  context: Pick<AddressContext, 'known' | 'syntheticDomain'>,
): (Address | undefined)[] {
  return people.map((person, index) => {
    const identity = identities[index]!
    if (!('userId' in identity) || person.problem !== undefined) return undefined
    return wishedAddress(person, context.known.get(identity.userId), context.syntheticDomain)
  })
}

/** biz_mail, then email, then the synthetic one; an address whose field is withheld today stays as it is. */
function wishedAddress(person: WantedUser, known: KnownAddress | undefined, domain: string): Address | undefined {
  if (person.bizMail) return address(person.bizMail, 'biz_mail')
  if (person.bizMail === undefined && known?.source === 'biz_mail') return undefined
  if (person.email) return address(person.email, 'email')
  if (person.email === undefined && known?.source === 'email') return undefined
  if (known !== undefined && (known.source === 'manual' || known.source === 'synthetic')) return undefined
  return address(syntheticAddress(person.userid, domain), 'synthetic')
}

function address(email: string, source: EmailSource): Address {
  return { email, key: foldName(email), source }
}

/**
 * Who gets which address, and who has to move together.
 *
 * An address is free when nobody has it, or when its owner gives it up in this very plan. The owner of an address comes
 * first, then the smaller userid. Whoever fails keeps the old address, which may in turn take it from somebody who
 * counted on it; the loop ends because every round fails at least one more person.
 *
 * @returns verdicts in the order of the people, and the indices of those who take an address from one another: their
 * writes belong into one transaction.
 */
export function settleAddresses(
  people: readonly WantedUser[],
  identities: readonly Identity[],
  wishes: readonly (Address | undefined)[],
  context: AddressContext,
): { verdicts: AddressVerdict[]; movers: number[] } {
  const indexOf = new Map<string, number>()
  identities.forEach((identity, index) => {
    if ('userId' in identity && people[index]!.problem === undefined) indexOf.set(identity.userId, index)
  })
  const verdicts = wishes.map((wish): AddressVerdict => (wish ? { kind: 'set', address: wish } : { kind: 'keep' }))
  const userIdOf = (index: number) => {
    const identity = identities[index]!
    return 'userId' in identity ? identity.userId : undefined
  }

  chooseClaimants(people, verdicts, (index) => context.known.get(userIdOf(index) ?? '')?.key, context)

  const movers = new Set<number>()
  for (let settled = false; !settled;) {
    settled = true
    movers.clear()
    verdicts.forEach((verdict, index) => {
      if (verdict.kind !== 'set') return
      const owner = context.owners.get(verdict.address.key)
      if (owner === undefined || owner === userIdOf(index)) return
      const ownerIndex = indexOf.get(owner)
      const ownerVerdict = ownerIndex === undefined ? undefined : verdicts[ownerIndex]!
      if (
        ownerIndex !== undefined &&
        ownerVerdict?.kind === 'set' &&
        ownerVerdict.address.key !== verdict.address.key
      ) {
        movers.add(index).add(ownerIndex)
      } else {
        verdicts[index] = { kind: 'taken', email: verdict.address.email, owner }
        settled = false
      }
    })
  }
  return { verdicts, movers: [...movers] }
}

/** Of several people who wish for one address, one may try; a synthetic address just takes the next number. */
function chooseClaimants(
  people: readonly WantedUser[],
  verdicts: AddressVerdict[],
  currentKey: (index: number) => string | null | undefined,
  context: AddressContext,
): void {
  const claimants = new Map<string, number>()
  const isFree = (key: string) => !claimants.has(key) && !context.owners.has(key)
  verdicts.forEach((verdict, index) => {
    if (verdict.kind !== 'set') return
    const { key, email, source } = verdict.address
    if (source === 'synthetic' && currentKey(index) !== key && !isFree(key)) {
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
    const isFirst = currentKey(index) === key || (currentKey(rival) !== key && people[index]!.key < people[rival]!.key)
    const loser = isFirst ? rival : index
    verdicts[loser] = { kind: 'taken', email, owner: undefined }
    if (isFirst) claimants.set(key, index)
  })
}

/** What a synthetic address becomes when it is taken: `zhangsan-2@…`, `zhangsan-3@…`; their owners must be known, too. */
export function numberedAddresses(key: string): string[] {
  const at = key.lastIndexOf('@')
  return usernameCandidates(key.slice(0, at)).map((name) => `${name}${key.slice(at)}`)
}
