/**
 * Finds out who everybody is, and which address they would like: asks the directory, and WeCom where somebody may have been
 * renamed; the decisions are in plan/matching.ts. Of each person only the outcome is kept. Called by reconcile.ts only.
 */
import type { Database } from '../database/database.ts'
import * as comparison from '../directory/comparison.ts'
import { foldName } from '../directory/names.ts'
import { isProtected } from '../directory/protection.ts'
import type { NewId } from '../ids.ts'
import { claimAddress, type AddressClaim } from './plan/addresses.ts'
import type { WantedUser } from './plan/mapping.ts'
import {
  contactsOf,
  contactsOfUser,
  isSomebodyElse,
  matchPeople,
  NO_SIGHTINGS,
  usernameCandidates,
  type Holder,
  type Identity,
  type KnownLink,
  type KnownLinks,
  type MatchField,
  type Sightings,
  type Standing,
} from './plan/matching.ts'
import { standingOf } from './plan/questions.ts'
import type { UserRemoval } from './plan/removals.ts'
import type { EmailRule } from './plan/rules.ts'
import type { Confirmation } from './read/confirmation.ts'
import type { Snapshot, Unread } from './read/snapshot.ts'
import { recordOf } from './reviews.ts'

export interface IdentificationOptions {
  readonly organizationId: string
  readonly connectionId: string
  readonly corpId: string
  readonly isComplete: boolean
  readonly isAbsenceKnown: boolean
  /** The removals that an administrator approved: then nobody else loses anything. */
  readonly approved: ReadonlySet<string> | null
  readonly links: KnownLinks
  readonly policy: {
    readonly bindByUsername: boolean
    readonly matchFields: readonly MatchField[]
    readonly onlyWecomUsers: 'create' | 'ignore'
    readonly syntheticEmailDomain: string
    readonly emails?: readonly EmailRule[]
  }
  /** Under which linked userid people were known before, by the folded one that they have now: WeCom said so. */
  readonly hinted?: { readonly renames: ReadonlyMap<string, string> } | undefined
  /** Asks WeCom about these userids by name. */
  readonly confirmGone: (userids: readonly string[], signal: AbortSignal) => Promise<Confirmation>
  readonly signal: AbortSignal
}

/** Who is linked and was not seen, now and in the last complete reading. */
export interface Absence {
  /** Folded userids. */
  readonly absent: readonly string[]
  /** Of the absent, about whom something newer is known than this reading says. */
  readonly overtaken: ReadonlySet<string>
  readonly wasAway: ReadonlySet<string>
}

export interface Identified {
  /** In the order of the people who changed. */
  readonly identities: readonly Identity[]
  readonly claims: readonly AddressClaim[]
  /** People who are active here and whom WeCom shows as disabled. */
  readonly disabled: readonly UserRemoval[]
  /** Users whose link moves to another userid. */
  readonly renamed: ReadonlySet<string>
  /** Users who may be somebody about whom a person has to decide. */
  readonly undecided: ReadonlySet<string>
  /** Users who give their place, and what came from WeCom, to a successor. */
  readonly succeeded: ReadonlySet<string>
  /** How many got a number after their username. */
  readonly numbered: number
  /** Who may have been renamed and could not be asked for. */
  readonly unread: readonly Unread[]
}

export async function identify(
  database: Database,
  snapshot: Snapshot,
  { wasAway, ...absence }: Absence,
  options: IdentificationOptions,
  newId: NewId,
): Promise<Identified> {
  const { policy, links } = options
  const identities: Identity[] = []
  const claims: AddressClaim[] = []
  const disabled: UserRemoval[] = []
  const renamed = new Set<string>()
  const undecided = new Set<string>()
  const succeeded = new Set<string>()
  const given = new Set<string>()
  const unread: Unread[] = []
  let numbered = 0
  const sightings = await findSightings(database, snapshot, { wasAway, ...absence }, options)
  for (const people of snapshot.changed.slices()) {
    const present = await comparison.presentUsers(
      database,
      people.flatMap(({ key }) => links.get(key)?.userId ?? []),
    )
    const unnamed = people.filter(({ key }) => !links.has(key) || wasAway.has(key))
    const namesakes = await comparison.namesakes(
      database,
      options,
      unnamed.map(({ key }) => key),
    )
    const isSomebodys = (name: string, key: string) => name !== key && snapshot.wasSeen(name)
    const takenUsernames = await takenNames(database, unnamed, { ...options, namesakes, given, isSomebodys })
    const told = await renamedUsers(database, people, present, options)
    const guessed = matchPeople(
      people,
      {
        links,
        present: new Map(Array.from(present, ([id, { isProtected, likeness }]) => [id, { isProtected, ...likeness }])),
        renamedFrom: (key) => told.get(key),
        wasAway: (key) => wasAway.has(key),
        namesakes,
        sightings,
        takenUsernames,
        isUserid: snapshot.wasSeen,
        isComplete: options.isComplete,
        maySucceed: options.isComplete && options.approved === null,
        bindByUsername: policy.bindByUsername,
        matchFields: policy.matchFields,
        syntheticEmailDomain: policy.syntheticEmailDomain,
        onlyWecom: policy.onlyWecomUsers,
        newId,
      },
      given,
    )
    const matched = await confirmRenamed(guessed, options, unread)
    const found = matched.flatMap((identity) => (identity.kind === 'linked' ? [] : (existingUserId(identity) ?? [])))
    for (const [id, user] of await comparison.presentUsers(database, found)) present.set(id, user)
    await noteUndecided(database, people, matched, options, undecided)

    for (const [index, identity] of matched.entries()) {
      identities.push(identity)
      const person = people[index]!
      claims.push(claimAddress(person, identity, present, policy.syntheticEmailDomain, policy.emails))
      if (isNumbered(identity, person)) numbered++
      if (identity.kind === 'renamed') renamed.add(identity.userId)
      if (identity.kind === 'successor') {
        if (present.get(identity.of)?.source !== 'manual') succeeded.add(identity.of)
        continue
      }
      const userId = existingUserId(identity)
      const user = userId === undefined ? undefined : present.get(userId)
      if (userId === undefined || person.isActive !== false) continue
      if (user?.status === 'active' && !user.isProtected) {
        disabled.push({ userId, userid: person.userid, action: 'disable', cause: 'disabled-in-wecom' })
      }
    }
    await database.breathe()
  }
  return { identities, claims, disabled, renamed, undecided, succeeded, numbered, unread }
}

/** Whom WeCom itself calls by another userid now, with whose link that is; looked up among the present. */
async function renamedUsers(
  database: Database,
  people: readonly WantedUser[],
  present: Map<string, comparison.Present>,
  { hinted, links }: IdentificationOptions,
): Promise<Map<string, { userid: string; link: KnownLink }>> {
  const renamed = new Map<string, { userid: string; link: KnownLink }>()
  for (const { key } of people) {
    const userid = hinted?.renames.get(key)
    const link = userid === undefined ? undefined : links.get(foldName(userid))
    if (link !== undefined) renamed.set(key, { userid: userid!, link })
  }
  const ids = Array.from(renamed.values(), ({ link }) => link.userId)
  for (const [id, user] of await comparison.presentUsers(database, ids)) present.set(id, user)
  return renamed
}

/** The user whom this identity is about and who is here already. */
export function existingUserId(identity: Identity): string | undefined {
  switch (identity.kind) {
    case 'linked':
    case 'matched':
    case 'renamed':
      return identity.userId
    case 'successor':
      return identity.of
    default:
      return undefined
  }
}

/** Which names are in use, of those that these people might get: first what they would be called, then its numbered forms. */
async function takenNames(
  database: Database,
  people: readonly WantedUser[],
  {
    organizationId,
    namesakes,
    given,
    isSomebodys,
  }: {
    organizationId: string
    namesakes: ReadonlyMap<string, unknown>
    given: ReadonlySet<string>
    /** Whether a name is the userid of another member. */
    isSomebodys: (name: string, key: string) => boolean
  },
): Promise<Set<string>> {
  const wished = people.flatMap(({ username }) => (username === undefined ? [] : [username]))
  const taken = await comparison.takenUsernames(database, organizationId, wished.map(foldName))
  const once = new Set<string>(given)
  const contested = people.flatMap(({ key, userid, username }) => {
    const name = foldName(username ?? userid)
    const isContested =
      username === undefined ? namesakes.has(key) : taken.has(name) || once.has(name) || isSomebodys(name, key)
    if (username !== undefined) once.add(name)
    return isContested ? usernameCandidates(username ?? userid).map(foldName) : []
  })
  return new Set([...taken, ...(await comparison.takenUsernames(database, organizationId, contested))])
}

function isNumbered(identity: Identity, { username, userid }: WantedUser): boolean {
  return 'username' in identity && identity.username !== (username ?? userid)
}

/** A link moves only away from a userid that WeCom does not know any more; else there are two members, and a question. */
async function confirmRenamed(
  identities: readonly Identity[],
  { confirmGone, signal }: IdentificationOptions,
  unread: Unread[],
): Promise<readonly Identity[]> {
  const moves = identities.flatMap((identity) => (identity.kind === 'renamed' ? [identity.from] : []))
  if (moves.length === 0) return identities
  const { gone, unread: unanswered } = await confirmGone(moves, signal)
  unread.push(...unanswered)
  return identities.map((identity) =>
    identity.kind !== 'renamed' || gone.has(identity.from)
      ? identity
      : { kind: 'unsure', reason: 'conflict', candidates: identity.candidates },
  )
}

/** Nobody is removed while a person has to decide whether somebody else is them. */
async function noteUndecided(
  database: Database,
  people: readonly WantedUser[],
  identities: readonly Identity[],
  options: IdentificationOptions,
  undecided: Set<string>,
): Promise<void> {
  const questions = identities.flatMap((identity, index) =>
    identity.kind === 'unsure' ? [{ ...identity, wanted: people[index]! }] : [],
  )
  if (questions.length === 0) return
  const record = await recordOf(
    database,
    options,
    questions.map(({ wanted }) => wanted.key),
  )
  for (const question of questions) {
    if (standingOf(question, record.get(question.wanted.key) ?? []).kind === 'ignored') continue
    for (const { userId } of question.candidates) undecided.add(userId)
  }
}

/** In one call; the values of two columns are asked for, so twice as many. */
const CONTACTS_PAGE = 10_000

/**
 * Which mobiles and addresses of members without a link belong to users here. Only asked when it can matter: somebody is
 * missing, a userid may show somebody else, or fields to match were chosen. So a first run usually asks nothing, and a
 * run without newcomers never does.
 */
async function findSightings(
  database: Database,
  snapshot: Snapshot,
  { absent, overtaken, wasAway }: Absence,
  options: IdentificationOptions,
): Promise<Sightings> {
  const { links, policy } = options
  const newcomers = snapshot.membersRead - (links.size - absent.length)
  const changedLinks = snapshot.changed.size - newcomers
  if (newcomers === 0 || (absent.length === 0 && changedLinks <= 0 && policy.matchFields.length === 0)) {
    return NO_SIGHTINGS
  }
  const contacts = new Set<string>()
  for (const people of snapshot.changed.slices()) {
    for (const person of people) {
      if (links.has(person.key)) continue
      for (const contact of contactsOf(person, policy.syntheticEmailDomain)) contacts.add(contact)
    }
    await database.breathe()
  }
  const standingOfLink = (key: string): Standing => {
    // Nobody has looked for whoever was linked since, or is no part of this.
    if (snapshot.wasSeen(key) || !links.has(key)) return 'there'
    if (wasAway.has(key) || !options.isAbsenceKnown) return 'away'
    return overtaken.has(key) ? 'there' : 'gone'
  }
  const holders = await holdersOf(database, contacts, standingOfLink, options)
  if (holders.size === 0) return NO_SIGHTINGS
  // By their other number or address they may be somebody else's, too.
  const others = [...holders.values()].flat().flatMap(({ likeness }) => contactsOfUser(likeness))
  const further = new Set(others.filter((contact) => !contacts.has(contact)))
  for (const [contact, found] of await holdersOf(database, further, standingOfLink, options))
    holders.set(contact, found)
  return compareWithReading(database, snapshot, holders, options)
}

async function holdersOf(
  database: Database,
  contacts: ReadonlySet<string>,
  standingOfLink: (key: string) => Standing,
  options: IdentificationOptions,
): Promise<Map<string, Holder[]>> {
  const holders = new Map<string, Holder[]>()
  const all = [...contacts]
  for (let start = 0; start < all.length; start += CONTACTS_PAGE) {
    const page = all.slice(start, start + CONTACTS_PAGE)
    const rows = await comparison.contactHolders(database, options, {
      phones: valuesOf(page, 'phone '),
      emailKeys: valuesOf(page, 'email '),
    })
    for (const row of rows) {
      const { id, username_key, role, break_glass, link_id, userid, userid_key, ...likeness } = row
      const link = link_id === null ? null : { id: link_id, userid: userid!, standing: standingOfLink(userid_key!) }
      const holder: Holder = {
        userId: id,
        usernameKey: username_key,
        isProtected: isProtected({ role, break_glass }),
        likeness,
        link,
      }
      for (const contact of contactsOfUser(likeness)) {
        if (!contacts.has(contact)) continue
        const others = holders.get(contact) ?? []
        if (!others.some(({ userId }) => userId === id)) holders.set(contact, [...others, holder])
      }
    }
    await database.breathe()
  }
  return holders
}

function valuesOf(contacts: readonly string[], prefix: string): string[] {
  return contacts.flatMap((contact) => (contact.startsWith(prefix) ? [contact.slice(prefix.length)] : []))
}

/** Of holders who are members, what they show now counts, and not what they showed when they were last applied. */
async function compareWithReading(
  database: Database,
  snapshot: Snapshot,
  holders: ReadonlyMap<string, readonly Holder[]>,
  { policy }: IdentificationOptions,
): Promise<Sightings> {
  const members = new Map(
    [...holders.values()].flat().flatMap((holder) => (holder.link ? [[keyOf(holder), holder]] : [])),
  )
  const shownBy = new Map<string, Set<string>>()
  const replaced = new Set<string>()
  const changed = new Set<string>()
  for (const people of snapshot.changed.slices()) {
    for (const person of people) {
      const holder = members.get(person.key)
      if (holder !== undefined) changed.add(person.key)
      if (holder !== undefined && isSomebodyElse(holder.likeness, person)) replaced.add(person.key)
      for (const contact of contactsOf(person, policy.syntheticEmailDomain)) {
        if (holders.has(contact)) addTo(shownBy, contact, person.key)
      }
    }
    await database.breathe()
  }
  const standing = new Map<string, Holder[]>()
  for (const [contact, all] of holders) {
    for (const holder of all) {
      const key = keyOf(holder)
      const isReplaced = replaced.has(key)
      if (holder.link?.standing === 'there' && !isReplaced) {
        if (!changed.has(key)) addTo(shownBy, contact, key)
        else if (shownBy.get(contact)?.has(key) !== true) continue
      }
      const link = isReplaced ? { ...holder.link!, standing: 'replaced' as const } : holder.link
      standing.set(contact, [...(standing.get(contact) ?? []), { ...holder, link }])
    }
  }
  return { holders: standing, shownBy }
}

function keyOf({ link }: Holder): string {
  return link === null ? '' : foldName(link.userid)
}

function addTo(sets: Map<string, Set<string>>, name: string, value: string): void {
  const set = sets.get(name)
  if (set === undefined) sets.set(name, new Set([value]))
  else set.add(value)
}
