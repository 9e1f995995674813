/**
 * Decides who a member is here (product.md §4.3): by link, then login name, then the chosen fields, else new. Pure.
 * Nobody gets in on a guess: where the signs contradict each other, or point to a protected account, a person decides.
 * What is known about everybody at once is gathered before, by identification.ts.
 */
import { foldName } from '../../directory/names.ts'
import type { Row } from '../../database/database.ts'
import type { Problem } from '../../errors.ts'
import type { WantedUser } from './mapping.ts'

/** What is known here about a member that was linked before. */
export interface KnownLink {
  readonly id: string
  readonly userId: string
  /** Digest of what was last applied, or null when it must be compared. */
  readonly hash: string | null
  /** From 0: where it stands among all links of the company. */
  readonly place: number
}

/** Everybody who is linked in this company, by folded userid. */
export type KnownLinks = Pick<ReadonlyMap<string, KnownLink>, 'size' | 'has' | 'get'> & { keys(): Iterable<string> }

/** A living user whose username equals the userid of a member without a link. */
export interface Namesake {
  readonly userId: string
  /** An administrator, or a break-glass account. */
  readonly isProtected: boolean
  /** Whether the user is already a member of this company under another userid. */
  readonly isLinked: boolean
}

export type MatchField = 'email' | 'phone'

/** A user who may be the member, and what says so. */
export interface Candidate {
  readonly userId: string
  readonly matchedOn: 'userid' | 'username' | MatchField
  /** The member who this user is at present, if any: linking somebody else takes the user away from them. */
  readonly userid: string | null
}

/**
 * Why a person has to decide.
 *
 * - `privileged`: the signs point to an administrator or a break-glass account, which are never linked automatically.
 * - `ambiguous`: they point to several users, several members point to one user, or a person came back with nothing
 *   visible to be recognised by.
 * - `conflict`: they point to a user who belongs to another member, or is about to: one who is shown, who still answers
 *   when asked for by name, or whose own userid is in question.
 * - `reused`: the userid shows somebody else than the user who is linked to it.
 */
export type ReviewReason = 'privileged' | 'ambiguous' | 'conflict' | 'reused'

export type Identity =
  | { readonly kind: 'linked'; readonly userId: string; readonly linkId: string }
  | { readonly kind: 'matched'; readonly userId: string }
  /** The link moves to another userid: same user, same subject. Also what an event with a NewUserID comes to. */
  | {
      readonly kind: 'renamed'
      readonly userId: string
      readonly linkId: string
      readonly from: string
      /** What to ask about, should the old userid not be gone. */
      readonly candidates: readonly Candidate[]
    }
  | { readonly kind: 'new'; readonly userId: string; readonly username: string }
  /** The userid vanished and came back with somebody else: a new user takes over the link. */
  | {
      readonly kind: 'successor'
      readonly of: string
      readonly linkId: string
      readonly userId: string
      readonly username: string
    }
  | { readonly kind: 'unsure'; readonly reason: ReviewReason; readonly candidates: readonly Candidate[] }
  | { readonly kind: 'skipped'; readonly reason: 'not-created-by-policy' | 'may-be-renamed' | 'left-to-the-next-run' }
  | { readonly kind: 'failed'; readonly problem: Problem }

/** The part of a user that tells them from another person. */
export type Likeness = Pick<Row<'users'>, 'display_name' | 'phone' | 'email_key' | 'email_source'>

/** A living user who has a mobile or an address that some member without a link shows. */
export interface Holder {
  readonly userId: string
  readonly usernameKey: string
  readonly isProtected: boolean
  readonly likeness: Likeness
  /** Their link to a member of this company. */
  readonly link: { readonly id: string; readonly userid: string; readonly standing: Standing } | null
}

/**
 * Where the member of a link is. `gone`: on the last complete reading and not on this one. `away`: missing for longer, so
 * that a number or address may have been given to somebody else since. `replaced`: the userid shows somebody else.
 */
export type Standing = 'there' | 'replaced' | 'gone' | 'away'

/** Who shares what. A contact is a mobile or an address in the form in which both sides are compared. */
export interface Sightings {
  readonly holders: ReadonlyMap<string, readonly Holder[]>
  /** The members who show a contact that somebody holds, by folded userid. */
  readonly shownBy: ReadonlyMap<string, ReadonlySet<string>>
}

export const NO_SIGHTINGS: Sightings = { holders: new Map(), shownBy: new Map() }

export interface MatchContext {
  readonly links: KnownLinks
  /** The living users behind the links of these people. */
  readonly present: ReadonlyMap<string, Likeness & { readonly isProtected: boolean }>
  /** Whether this linked member was missing from the last complete reading. */
  readonly wasAway: (key: string) => boolean
  readonly namesakes: ReadonlyMap<string, Namesake>
  /** Under which userid, whose link this is, WeCom says that a member was known before. */
  readonly renamedFrom?: (key: string) => { readonly userid: string; readonly link: KnownLink } | undefined
  readonly sightings: Sightings
  /** Folded usernames of living users, among what the mapping would call people and `usernameCandidates` of taken names. */
  readonly takenUsernames: ReadonlySet<string>
  /** Whether some member has this folded userid, so that nobody else may be given it as a username. */
  readonly isUserid: (key: string) => boolean
  readonly isComplete: boolean
  /** Whether a userid may pass on to somebody new: not in a run that may take nothing away from anybody. */
  readonly maySucceed: boolean
  readonly bindByUsername: boolean
  readonly matchFields: readonly MatchField[]
  readonly syntheticEmailDomain: string
  readonly onlyWecom: 'create' | 'ignore'
  readonly newId: (kind: 'usr') => string
}

/**
 * Who each of these members is. In the same order.
 * @param given folded usernames that this run has given away already; those of these people are added
 */
export function matchPeople(people: readonly WantedUser[], context: MatchContext, given: Set<string>): Identity[] {
  return people.map((person): Identity => {
    const link = context.links.get(person.key)
    if (link !== undefined) return identityOfLinked(person, link, context, given)

    const told = asToldRenamed(person, context)
    if (told !== undefined) return told

    const namesake = context.namesakes.get(person.key)
    const byName = namesake !== undefined && context.bindByUsername && !namesake.isLinked ? namesake : undefined
    const recognised = asRenamed(person, byName, context) ?? byLoginName(byName) ?? byFields(person, context)
    if (recognised !== undefined) return recognised

    if (context.onlyWecom === 'ignore') return { kind: 'skipped', reason: 'not-created-by-policy' }
    const username = freeUsername(person, context, given)
    if (username === undefined) return { kind: 'failed', problem: { code: 'directory/username-taken' } }
    return { kind: 'new', userId: context.newId('usr'), username }
  })
}

/**
 * WeCom itself says under which userid a member was known. That is no guess; a person looks all the same where the account
 * is protected, or where the member does not look like its user at all.
 */
function asToldRenamed(person: WantedUser, { renamedFrom, present }: MatchContext): Identity | undefined {
  const told = renamedFrom?.(person.key)
  const user = told && present.get(told.link.userId)
  if (told === undefined || user === undefined) return undefined
  const { userId, id } = told.link
  const candidates: Candidate[] = [{ userId, matchedOn: 'userid', userid: told.userid }]
  if (user.isProtected) return unsure('privileged', candidates)
  if (isSomebodyElse(user, person)) return unsure('conflict', candidates)
  return { kind: 'renamed', userId, linkId: id, from: told.userid, candidates }
}

/** Only a userid that was missing in between passes on to somebody new by itself; else a person looks first. */
function identityOfLinked(
  person: WantedUser,
  { id, userId }: KnownLink,
  context: MatchContext,
  given: Set<string>,
): Identity {
  const user = context.present.get(userId)
  const wasAway = context.wasAway(person.key)
  if (user === undefined || !(isSomebodyElse(user, person) || (wasAway && mayBeSomebodyElse(user, person)))) {
    return { kind: 'linked', userId, linkId: id }
  }
  if (!wasAway || user.isProtected || !isSomebodyElse(user, person) || isSamePerson(user, person)) {
    return { kind: 'unsure', reason: 'reused', candidates: [{ userId, matchedOn: 'userid', userid: person.userid }] }
  }
  if (!context.maySucceed) return { kind: 'skipped', reason: 'left-to-the-next-run' }
  const username = freeUsername(person, context, given)
  if (username === undefined) return { kind: 'failed', problem: { code: 'directory/username-taken' } }
  return { kind: 'successor', of: userId, linkId: id, userId: context.newId('usr'), username }
}

/** Invariant I3 of threats.md: nobody gets a privileged account by having the right name. */
function byLoginName(namesake: Namesake | undefined): Identity | undefined {
  if (namesake === undefined) return undefined
  if (!namesake.isProtected) return { kind: 'matched', userId: namesake.userId }
  return unsure('privileged', [{ userId: namesake.userId, matchedOn: 'username', userid: null }])
}

/**
 * Somebody who was a member under a userid that is gone: one vanished and one new member of one complete reading share a
 * mobile or an address that nobody else of either has. A user who differs in name and in another contact is somebody
 * else, such as the successor who got the number of the desk. Any real address counts here, also one that people set
 * themselves: WeCom lets no two members have the same, and the old userid has to be gone, which is asked by name.
 */
function asRenamed(
  person: WantedUser,
  byName: Namesake | undefined,
  { sightings, syntheticEmailDomain, isComplete }: MatchContext,
): Identity | undefined {
  if (sightings.holders.size === 0) return undefined
  const signs = signsOf(contactsOf(person, syntheticEmailDomain), sightings).filter(
    ({ contact, holder }) =>
      (holder.link?.standing === 'gone' || holder.link?.standing === 'replaced') &&
      !isSomebodyElse(holder.likeness, person) &&
      !sightings.holders.get(contact)!.some(({ link }) => link?.standing === 'there'),
  )
  const [first] = signs
  if (first === undefined) return undefined
  if (!isComplete) return { kind: 'skipped', reason: 'may-be-renamed' }
  const { userId, link, isProtected } = first.holder
  const candidates = candidatesOf(signs)
  if (byName !== undefined && byName.userId !== userId) {
    return unsure('ambiguous', [{ userId: byName.userId, matchedOn: 'username', userid: null }, ...candidates])
  }
  const isShared = membersWhoShow(first.holder, ['email', 'phone'], sightings).size > 1
  if (isShared || signs.some(({ holder }) => holder.userId !== userId)) return unsure('ambiguous', candidates)
  if (isProtected) return unsure('privileged', candidates)
  if (link!.standing === 'replaced') return unsure('conflict', candidates)
  return { kind: 'renamed', userId, linkId: link!.id, from: link!.userid, candidates }
}

/**
 * By the fields that the administrator chose, and only by what both sides can be trusted in. Of a member: the mobile,
 * which WeCom verifies, and the address that the company gave out (`biz_mail`); not the personal address, which members
 * set themselves (threats.md L-03). Of a user: what an administrator entered or what came from WeCom in the same way. No
 * user can change either here; once they can, theirs must be verified before it counts.
 */
function byFields(person: WantedUser, context: MatchContext): Identity | undefined {
  const { matchFields, sightings, syntheticEmailDomain } = context
  if (matchFields.length === 0 || sightings.holders.size === 0) return undefined
  const trusted = { ...person, email: undefined }
  const signs = signsOf(contactsOf(trusted, syntheticEmailDomain), sightings).filter(
    ({ field, holder }) => matchFields.includes(field) && (field === 'phone' || isTrusted(holder.likeness)),
  )
  const free = signs.filter(({ holder }) => holder.link === null && !isNamedAfterAnother(holder, person, context))
  const [first] = free
  if (first === undefined) {
    // A colleague's number. An address that a colleague keeps is refused anyway, for this person alone.
    const rivals = signs.filter(
      ({ field, contact, holder }) =>
        field === 'phone' &&
        (holder.link === null
          ? sightings.shownBy.get(contact)?.has(holder.usernameKey) === true
          : holder.link.standing === 'there'),
    )
    return rivals.length === 0 ? undefined : unsure('conflict', candidatesOf(rivals))
  }
  const { userId, isProtected } = first.holder
  const candidates = candidatesOf(free)
  const isShared =
    membersWhoShow(first.holder, matchFields, sightings).size > 1 ||
    free.some(({ contact }) =>
      sightings.holders
        .get(contact)!
        .some(
          (other) =>
            other.userId !== userId &&
            other.link?.standing !== 'away' &&
            !(other.link === null && isNamedAfterAnother(other, person, context)),
        ),
    )
  if (isShared || free.some(({ holder }) => holder.userId !== userId)) return unsure('ambiguous', candidates)
  return isProtected ? unsure('privileged', candidates) : { kind: 'matched', userId }
}

/** The login name comes first: a user who is named like another newcomer is that one's. */
function isNamedAfterAnother({ usernameKey }: Holder, { key }: WantedUser, context: MatchContext): boolean {
  const { bindByUsername, isUserid, links } = context
  return bindByUsername && usernameKey !== key && isUserid(usernameKey) && !links.has(usernameKey)
}

function unsure(reason: ReviewReason, candidates: readonly Candidate[]): Identity {
  return { kind: 'unsure', reason, candidates }
}

interface Sign {
  readonly contact: string
  readonly field: MatchField
  readonly holder: Holder
}

function signsOf(contacts: readonly string[], { holders }: Sightings): Sign[] {
  return contacts.flatMap((contact) =>
    (holders.get(contact) ?? []).map((holder) => ({ contact, field: fieldOf(contact), holder })),
  )
}

function candidatesOf(signs: readonly Sign[]): Candidate[] {
  const once = new Map<string, Candidate>()
  for (const { field, holder } of signs) {
    const { userId } = holder
    once.set(`${userId} ${field}`, { userId, matchedOn: field, userid: holder.link?.userid ?? null })
  }
  return [...once.values()]
}

/** Everybody who could say "this user is me" with one of these fields. */
function membersWhoShow({ likeness }: Holder, fields: readonly MatchField[], { shownBy }: Sightings): Set<string> {
  const contacts = contactsOfUser(likeness).filter((contact) => fields.includes(fieldOf(contact)))
  return new Set(contacts.flatMap((contact) => [...(shownBy.get(contact) ?? [])]))
}

/** Only a full international number is one: "-", "无" and "null" are seen in the field. */
const NUMBER = /^\+[1-9]\d{6,14}$/

/** The contacts of a member that can be compared: real, shown, and never the stand-in for an address. */
export function contactsOf(
  { phone, bizMail, email }: Pick<WantedUser, 'phone' | 'bizMail' | 'email'>,
  syntheticEmailDomain: string,
): string[] {
  const contacts = phone && NUMBER.test(phone) ? [`phone ${phone}`] : []
  for (const address of [bizMail, email]) {
    if (!address) continue
    const contact = `email ${foldName(address)}`
    if (!contact.endsWith(`@${syntheticEmailDomain.toLowerCase()}`) && !contacts.includes(contact)) {
      contacts.push(contact)
    }
  }
  return contacts
}

/** The contacts of a user in the same form. */
export function contactsOfUser({ phone, email_key, email_source }: Likeness): string[] {
  return [
    ...(phone !== null && NUMBER.test(phone) ? [`phone ${phone}`] : []),
    ...(email_key !== null && !isMadeUp(email_source) ? [`email ${email_key}`] : []),
  ]
}

function fieldOf(contact: string): MatchField {
  return contact.startsWith('phone ') ? 'phone' : 'email'
}

function isTrusted({ email_source }: Likeness): boolean {
  return email_source === 'manual' || email_source === 'biz_mail'
}

/** What the mapping calls them, else the userid; or the first free one of its numbered forms. */
function freeUsername(person: WantedUser, context: MatchContext, given: Set<string>): string | undefined {
  const isOwn = person.username === undefined
  if (isOwn && !context.namesakes.has(person.key)) return person.userid
  const isSomebodys = (key: string) => context.isUserid(key) && key !== person.key
  return chooseUsername(
    person.username ?? person.userid,
    (key) => context.takenUsernames.has(key) || isSomebodys(key),
    given,
    isOwn ? [] : [person.username],
  )
}

/**
 * @param given what was given away already; what is chosen is added
 * @param wishes what comes before the numbered forms
 */
export function chooseUsername(
  name: string,
  isTaken: (key: string) => boolean,
  given: Set<string>,
  wishes: readonly string[] = [],
): string | undefined {
  const username = [...wishes, ...usernameCandidates(name)].find((candidate) => {
    const key = foldName(candidate)
    return !isTaken(key) && !given.has(key)
  })
  if (username !== undefined) given.add(foldName(username))
  return username
}

const CANDIDATES = 50

/** `zhangsan-2`, `zhangsan-3` … */
export function usernameCandidates(userid: string): string[] {
  return Array.from({ length: CANDIDATES }, (_, index) => `${userid}-${index + 2}`)
}

/** Whether anything is visible by which a person can be told from another. */
export function showsAnything({ displayName, phone, bizMail, email }: WantedUser): boolean {
  return [displayName, phone, bizMail, email].some((field) => field !== undefined && field !== null)
}

/**
 * A userid whose name and whose visible mobile or address change at once may have been given to somebody else
 * (http-api.md §5): until a person has looked, nobody inherits an account.
 */
export function isSomebodyElse(user: Likeness, wanted: WantedUser): boolean {
  if (wanted.displayName === undefined || wanted.displayName === user.display_name) return false
  const phoneDiffers = Boolean(wanted.phone) && user.phone !== null && wanted.phone !== user.phone
  const address = wanted.bizMail ?? wanted.email
  const hasRealAddress = user.email_key !== null && !isMadeUp(user.email_source)
  return phoneDiffers || (Boolean(address) && hasRealAddress && foldName(address!) !== user.email_key)
}

/** By us or by a rule of the mapping: it says nothing about who somebody is. */
function isMadeUp(source: string | null): boolean {
  return source === 'synthetic' || source === 'mapped'
}

/** Whether a returning userid belongs to whom it belonged before: one of mobile, address and name says so. */
export function isSamePerson(user: Likeness, wanted: WantedUser): boolean {
  const addresses = [wanted.bizMail, wanted.email].flatMap((email) => (email ? [foldName(email)] : []))
  return (
    (wanted.phone !== null && wanted.phone !== undefined && wanted.phone === user.phone) ||
    (user.email_key !== null && !isMadeUp(user.email_source) && addresses.includes(user.email_key)) ||
    wanted.displayName === user.display_name
  )
}

/** Another name and nothing else to go by: enough for a doubt about somebody who was away, and for no more. */
function mayBeSomebodyElse(user: Likeness, wanted: WantedUser): boolean {
  return wanted.displayName !== undefined && !isSamePerson(user, wanted)
}
