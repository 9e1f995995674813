/**
 * Admits one member outside of a run, because they are signing in: who they are here, and what is written so that the
 * directory is as the next run would make it. The same matching, plan and writes as a run; whether somebody may come in is
 * signin/decision.ts. Passed to signin by app.ts, and used inside its transactions only.
 */
import type { Member } from '@muster/wecom'
import type { AuditEntry } from '../audit/audit.ts'
import { isUniqueViolation, type Row, type Transaction } from '../database/database.ts'
import * as comparison from '../directory/comparison.ts'
import { changeUserid, keepOpenUserid, linkByOpenUserid } from '../directory/link-aliases.ts'
import { foldName } from '../directory/names.ts'
import { isProtected } from '../directory/protection.ts'
import { settleLinks, writeUsers } from '../directory/writes.ts'
import type { NewId } from '../ids.ts'
import { mappingSettings } from './carrying-out.ts'
import { addressOfOne, contextOfOne, toBeCompared, type CompanyOfOne } from './one-person.ts'
import { compile } from './compiled-mapping.ts'
import type { AddressVerdict } from './plan/addresses.ts'
import type { Change } from './plan/changes.ts'
import { mapMember, type WantedUser } from './plan/mapping.ts'
import {
  contactsOf,
  contactsOfUser,
  isSamePerson,
  matchPeople,
  NO_SIGHTINGS,
  usernameCandidates,
  type Candidate,
  type Holder,
  type Identity,
  type MatchField,
  type ReviewReason,
  type Sightings,
} from './plan/matching.ts'
import { onlyStatus, planPerson, type KnownUser, type PeopleContext } from './plan/people.ts'
import { isHolderInQuestion, standingOf, type Question } from './plan/questions.ts'
import { recordOf, recordOfMember, writeQuestions } from './reviews.ts'
import type { SyncSettings } from './sync.ts'

export type { Change } from './plan/changes.ts'
export type { WantedUser } from './plan/mapping.ts'
export type { KnownUser } from './plan/people.ts'
export type { Question } from './plan/questions.ts'

/** A company and how its members become users. */
export interface AdmissionScene extends CompanyOfOne {
  readonly settings: SyncSettings
}

/** How somebody without a link may be recognised. Without any field, only doubts are found. */
export interface MatchingRule {
  readonly byUsername: boolean
  readonly fields: readonly MatchField[]
}

/** Who the member is here. */
export type Standing =
  | {
      readonly kind: 'linked'
      readonly known: KnownUser & { readonly link: Row<'links'> }
      readonly isRestorable: boolean
    }
  /** Linked, but the member is not plainly whom the user was made from. Null when that is being asked already. */
  | { readonly kind: 'doubtful'; readonly known: KnownUser; readonly question: Question | null }
  | { readonly kind: 'matched'; readonly known: KnownUser }
  | { readonly kind: 'new'; readonly identity: Identity & { kind: 'new' }; readonly address: AddressVerdict }
  /** Would be new, but another account is in the way: the address is its own, or the signs point to it. */
  | { readonly kind: 'email-taken' | 'unsure'; readonly question: Question }
  | { readonly kind: 'impossible'; readonly problem: string }

export interface Admitted {
  readonly userId: string
  readonly linkId: string
  /** What was written; empty when everything was as it should be. */
  readonly changes: readonly Change[]
}

export type Admission = ReturnType<typeof createAdmission>

export function createAdmission({ newId, now }: { newId: NewId; now: () => number }) {
  return {
    /** The member as a user, by the mapping of the connection. @throws AppError `connections/mapping` */
    async map({ settings }: AdmissionScene, member: Member): Promise<WantedUser> {
      const mapping = await compile(settings.mapping)
      const { json: _, ...wanted } = mapMember(member, () => 'visible', mappingSettings(settings, mapping))
      return wanted
    },

    /** The link and user of a member of whom nothing could be read, and whether that is who they are. */
    async linked(tx: Transaction, scene: AdmissionScene, userid: string) {
      const link = await comparison.memberLink(tx, scene, foldName(userid))
      if (link === undefined) return undefined
      const known = await holderOf(tx, scene, link)
      return { known, isInQuestion: await isInQuestion(tx, scene, known, undefined) }
    },

    /** Somebody who has proved to be this user, locked. undefined: there is no such user here. */
    async known(tx: Transaction, scene: AdmissionScene, userId: string): Promise<KnownUser | undefined> {
      const known = (await comparison.knownUsers(tx, scene, [userId])).get(userId)
      return known?.user.organization_id === scene.organizationId ? known : undefined
    },

    /** @param rule null when nobody without a link comes in anyway, so that nothing is looked for */
    async look(
      tx: Transaction,
      scene: AdmissionScene,
      wanted: WantedUser,
      rule: MatchingRule | null,
    ): Promise<Standing> {
      const link = (await comparison.memberLink(tx, scene, wanted.key)) ?? (await linkOfOtherId(tx, scene, wanted))
      if (link !== undefined) {
        const known = await holderOf(tx, scene, link)
        const standing = standingOfLinked(known, wanted, scene)
        const isDoubted = standing.kind === 'linked' && (await isInQuestion(tx, scene, known, wanted.displayName))
        return isDoubted ? { kind: 'doubtful', known, question: null } : standing
      }
      const standing = await standingOfUnlinked(tx, scene, wanted, rule)
      // On PostgreSQL another browser of theirs, or a run, may have made them since the link was looked for. Then who
      // stands in their way is they themselves. Where something is written, unique indexes say so.
      const isWritten = standing.kind === 'new' || standing.kind === 'matched'
      if (!isWritten && (await comparison.memberLink(tx, scene, wanted.key)) !== undefined) throw new SceneChanged()
      return standing
    },

    /** Brings the user behind a link up to date: the whole profile, or access only. */
    async refresh(
      tx: Transaction,
      scene: AdmissionScene,
      wanted: WantedUser,
      known: KnownUser & { readonly link: Row<'links'> },
      what: 'profile' | 'status',
    ): Promise<Admitted> {
      const { user, link } = known
      const admitted = { userId: user.id, linkId: link.id }
      await keepIds(tx, link.id, link.open_userid, wanted)
      if (what === 'profile' && user.status === 'active' && link.source_hash === wanted.hash) {
        return { ...admitted, changes: [] }
      }
      const isWhole = what === 'profile' && wanted.problem === undefined
      const identity: Identity = { kind: 'linked', ...admitted }
      const changes = await write(tx, scene, isWhole ? wanted : withoutProblem(onlyStatus(wanted)), identity, known, {
        isWhole,
        createdBy: 'signin',
      })
      return { ...admitted, changes }
    },

    /** Gives the member a user who has no link in this company: found by matching, or by proof. */
    async link(
      tx: Transaction,
      scene: AdmissionScene,
      wanted: WantedUser,
      known: KnownUser,
      createdBy: 'signin' | 'bind',
    ): Promise<Admitted> {
      if (known.link !== null) throw new SceneChanged()
      const isWhole = wanted.problem === undefined
      const person = isWhole ? wanted : withoutProblem(onlyStatus(wanted))
      const identity: Identity = { kind: 'matched', userId: known.user.id }
      const changes = await write(tx, scene, person, identity, known, { isWhole, createdBy })
      const link = await comparison.memberLink(tx, scene, wanted.key)
      await keepIds(tx, link!.id, null, wanted)
      return { userId: known.user.id, linkId: link!.id, changes }
    },

    async create(
      tx: Transaction,
      scene: AdmissionScene,
      wanted: WantedUser,
      { identity, address }: Standing & { kind: 'new' },
    ): Promise<Admitted> {
      const changes = await write(tx, scene, wanted, identity, undefined, {
        isWhole: true,
        createdBy: 'signin',
        address,
      })
      const link = await comparison.memberLink(tx, scene, wanted.key)
      await keepIds(tx, link!.id, null, wanted)
      return { userId: identity.userId, linkId: link!.id, changes }
    },

    /** Closes an account that WeCom says is closed, and nothing else about it. Administrators keep theirs, as in a run. */
    async close(
      tx: Transaction,
      scene: AdmissionScene,
      wanted: WantedUser,
      known: KnownUser & { readonly link: Row<'links'> },
    ): Promise<readonly Change[]> {
      const identity: Identity = { kind: 'linked', userId: known.user.id, linkId: known.link.id }
      return write(tx, scene, withoutProblem(onlyStatus(wanted)), identity, known, {
        isWhole: false,
        createdBy: 'signin',
      })
    },

    /** Puts a question on the review list, unless somebody said to leave it. @returns what is to be put on record */
    async ask(tx: Transaction, scene: AdmissionScene, question: Question): Promise<readonly AuditEntry[]> {
      const { key } = question.wanted
      const before = standingOf(question, (await recordOf(tx, scene, [key])).get(key) ?? [])
      if (before.kind === 'ignored') return []
      const isNew = before.kind === 'new'
      return writeQuestions(tx, scene, [{ id: isNew ? newId('rev') : before.id, isNew, question }], now())
    },
  }

  /** Whom the provider knew under another userid until now. */
  async function linkOfOtherId(
    tx: Transaction,
    scene: AdmissionScene,
    { userid, openUserid }: WantedUser,
  ): Promise<Row<'links'> | undefined> {
    if (openUserid === undefined) return undefined
    const link = await linkByOpenUserid(tx, scene, openUserid)
    return link === undefined ? undefined : changeUserid(tx, link, { userid, openUserid }, now())
  }

  /** @param before what is kept already */
  async function keepIds(
    tx: Transaction,
    linkId: string,
    before: string | null,
    { userid, openUserid }: WantedUser,
  ): Promise<void> {
    if (openUserid === undefined || openUserid === before) return
    await keepOpenUserid(tx, linkId, { userid, openUserid }, now())
  }

  async function write(
    tx: Transaction,
    scene: AdmissionScene,
    wanted: WantedUser,
    identity: Identity,
    known: KnownUser | undefined,
    given: { isWhole: boolean; createdBy: 'signin' | 'bind'; address?: AddressVerdict },
  ): Promise<readonly Change[]> {
    const context = await contextOf(tx, scene, wanted)
    const address = given.address ?? (given.isWhole ? await addressFor(tx, scene, wanted, identity) : KEEP)
    const plan = planPerson({ wanted, identity, address, known }, context)
    if (plan.kind === 'unchanged') {
      if (plan.settled !== null && given.isWhole) await settleLinks(tx, [plan.settled])
      return []
    }
    // Everything that could be left to somebody else was decided before.
    if (plan.kind !== 'steps') throw new SceneChanged()
    const writes = plan.steps.flatMap(({ write }) => (write === null ? [] : [write]))
    await writeUsers(
      tx,
      scene.connectionId,
      writes.map((one) =>
        given.isWhole && one.link !== null && 'create' in one.link
          ? { ...one, link: { create: { ...one.link.create, created_by: given.createdBy } } }
          : given.isWhole
            ? one
            : toBeCompared(one, given.createdBy),
      ),
    )
    return plan.steps.flatMap(({ changes }) => changes).filter(({ state }) => state === 'planned')
  }

  function contextOf(tx: Transaction, scene: AdmissionScene, wanted: WantedUser): Promise<PeopleContext> {
    return contextOfOne(tx, scene, wanted, {
      isExpectedDepartment: () => true,
      // One person, of whom WeCom has just said so by name: not the accident that the guard is for.
      permissionToDisable: () => ({ kind: 'apply' }),
      policyForLeaver: () => 'ignore',
      isDecided: true,
      now: now(),
      newId,
    })
  }

  async function standingOfUnlinked(
    tx: Transaction,
    scene: AdmissionScene,
    wanted: WantedUser,
    rule: MatchingRule | null,
  ): Promise<Standing> {
    const identity = await identify(tx, scene, wanted, rule)
    switch (identity.kind) {
      case 'matched': {
        const known = (await comparison.knownUsers(tx, scene, [identity.userId])).get(identity.userId)
        if (known === undefined || known.link !== null) throw new SceneChanged()
        if (isKept(known.user)) {
          const matchedOn = known.user.username_key === wanted.key ? 'username' : fieldInCommon(known.user, wanted)
          return unsure(wanted, 'privileged', [{ userId: known.user.id, matchedOn, userid: null }])
        }
        return { kind: 'matched', known }
      }
      case 'unsure':
        return unsure(wanted, identity.reason, identity.candidates)
      case 'new':
        return standingOfNew(tx, scene, wanted, identity)
      case 'failed':
        return { kind: 'impossible', problem: identity.problem.code }
      default:
        // Somebody without a link is one of the above, when nothing is left to a later run.
        return { kind: 'impossible', problem: 'sync/failed' }
    }
  }

  async function identify(
    tx: Transaction,
    scene: AdmissionScene,
    wanted: WantedUser,
    rule: MatchingRule | null,
  ): Promise<Identity> {
    const wished = wanted.username ?? wanted.userid
    const names = [wished, ...usernameCandidates(wished)].map(foldName)
    const taken = await comparison.takenUsernames(tx, scene.organizationId, names)
    const members = await comparison.linkedMembers(tx, scene, names)
    const sightings = rule === null ? NO_SIGHTINGS : await sightingsOf(tx, scene, wanted)
    const [identity] = matchPeople(
      [wanted],
      {
        links: new Map(),
        present: new Map(),
        wasAway: () => false,
        namesakes: await comparison.namesakes(tx, scene, [wanted.key]),
        sightings,
        takenUsernames: taken,
        isUserid: (key) => members.has(key) || key === wanted.key,
        isComplete: true,
        maySucceed: false,
        bindByUsername: rule?.byUsername === true,
        matchFields: rule?.fields ?? [],
        syntheticEmailDomain: scene.settings.syntheticEmailDomain,
        onlyWecom: 'create',
        newId,
      },
      new Set(),
    )
    if (identity!.kind !== 'new') return identity!
    const rivals = rivalsOf(sightings)
    return rivals.length === 0 ? identity! : { kind: 'unsure', reason: 'conflict', candidates: rivals }
  }

  async function standingOfNew(
    tx: Transaction,
    scene: AdmissionScene,
    wanted: WantedUser,
    identity: Identity & { kind: 'new' },
  ): Promise<Standing> {
    if (wanted.problem !== undefined) return { kind: 'impossible', problem: wanted.problem.code }
    const address = await addressOfOne(tx, scene, wanted, identity, await addressPolicy(scene))
    if (address.kind !== 'taken') return { kind: 'new', identity, address }
    const owner =
      address.owner === undefined
        ? undefined
        : (await comparison.knownUsers(tx, scene, [address.owner])).get(address.owner)
    if (owner === undefined) throw new SceneChanged()
    const { user, link } = owner
    const reason = isKept(user) ? 'privileged' : 'conflict'
    const candidates: Candidate[] = [{ userId: user.id, matchedOn: 'email', userid: link?.userid ?? null }]
    return { kind: 'email-taken', question: { wanted, reason, candidates } }
  }
}

/** What somebody did meanwhile, so that the transaction has to be run again. */
export class SceneChanged extends Error {}

/** Whether the same transaction, run again, would find another scene: two browsers of one person, or a run. */
export function isLostRace(error: unknown): boolean {
  return error instanceof SceneChanged || isUniqueViolation(error)
}

const KEEP: AddressVerdict = { kind: 'keep' }

/** Somebody else's address does not stand in the way of a person who is known; the next run says that it is taken. */
async function addressFor(
  tx: Transaction,
  scene: AdmissionScene,
  wanted: WantedUser,
  identity: Identity,
): Promise<AddressVerdict> {
  const verdict = await addressOfOne(tx, scene, wanted, identity, await addressPolicy(scene))
  return verdict.kind === 'taken' ? KEEP : verdict
}

async function addressPolicy({ settings }: AdmissionScene) {
  return { syntheticEmailDomain: settings.syntheticEmailDomain, emails: (await compile(settings.mapping)).emails }
}

async function holderOf(tx: Transaction, scene: CompanyOfOne, link: Row<'links'>) {
  const known = (await comparison.knownUsers(tx, scene, [link.user_id])).get(link.user_id)
  // The user is locked now; the link was read before that.
  if (known?.link?.id !== link.id || known.link.userid_key !== link.userid_key) throw new SceneChanged()
  return { ...known, link: known.link }
}

/** A deleted user comes back only as plainly the same person, whatever was asked about others of that userid. */
async function isInQuestion(
  tx: Transaction,
  scene: CompanyOfOne,
  { user, link }: KnownUser & { readonly link: Row<'links'> },
  shownName: string | undefined,
): Promise<boolean> {
  if (user.status === 'deleted') return false
  const record = await recordOfMember(tx, scene, link.userid_key)
  return record.length > 0 && isHolderInQuestion({ userId: user.id, displayName: user.display_name }, shownName, record)
}

function standingOfLinked(
  known: KnownUser & { readonly link: Row<'links'> },
  wanted: WantedUser,
  scene: AdmissionScene,
): Standing {
  const { user, link } = known
  const doubtful = (reason: ReviewReason): Standing => ({
    kind: 'doubtful',
    known,
    question: { wanted, reason, candidates: [{ userId: user.id, matchedOn: 'userid', userid: wanted.userid }] },
  })
  // The provider's own id says so: the userid was given to somebody else.
  if (wanted.openUserid !== undefined && ![null, wanted.openUserid].includes(link.open_userid))
    return doubtful('reused')
  if (user.status === 'deleted') {
    const isSame = isSamePerson(user, wanted)
    if (user.deleted_by === 'source' && !isSame) return doubtful('reused')
    return { kind: 'linked', known, isRestorable: user.deleted_by === 'source' }
  }
  const [identity] = matchPeople(
    [wanted],
    {
      ...NOBODY_ELSE,
      links: new Map([[wanted.key, { id: link.id, userId: user.id, hash: null, place: 0 }]]),
      present: new Map([[user.id, { ...user, isProtected: isProtected(user) }]]),
      wasAway: () => link.missing_since !== null,
      syntheticEmailDomain: scene.settings.syntheticEmailDomain,
    },
    new Set(),
  )
  return identity!.kind === 'linked' ? { kind: 'linked', known, isRestorable: false } : doubtful('reused')
}

const NOBODY_ELSE = {
  namesakes: new Map(),
  sightings: NO_SIGHTINGS,
  takenUsernames: new Set<string>(),
  isUserid: () => false,
  isComplete: true,
  maySucceed: false,
  bindByUsername: false,
  matchFields: [],
  onlyWecom: 'create',
  newId: () => '',
} as const

/** Whose mobile and addresses these are here, and whether those are members themselves. */
async function sightingsOf(tx: Transaction, scene: AdmissionScene, wanted: WantedUser): Promise<Sightings> {
  const domain = scene.settings.syntheticEmailDomain
  const shown = contactsOf(wanted, domain)
  if (shown.length === 0) return NO_SIGHTINGS
  const rows = await comparison.contactHolders(tx, scene, {
    phones: valuesOf(shown, 'phone '),
    emailKeys: valuesOf(shown, 'email '),
  })
  const links = await comparison.linksOf(
    tx,
    scene,
    rows.flatMap(({ userid_key }) => userid_key ?? []),
  )
  const away = new Set(links.filter(({ missing_since }) => missing_since !== null).map(({ id }) => id))
  const holders = new Map<string, Holder[]>()
  const shownBy = new Map(shown.map((contact) => [contact, new Set([wanted.key])]))
  for (const { id, username_key, role, break_glass, link_id, userid, userid_key, ...likeness } of rows) {
    const standing = link_id !== null && away.has(link_id) ? 'away' : 'there'
    const link = link_id === null ? null : ({ id: link_id, userid: userid!, standing } as const)
    const isGuarded = isProtected({ role, break_glass })
    const holder: Holder = { userId: id, usernameKey: username_key, isProtected: isGuarded, likeness, link }
    for (const contact of contactsOfUser(likeness)) {
      if (!shown.includes(contact)) continue
      holders.set(contact, [...(holders.get(contact) ?? []), holder])
      if (standing === 'there' && userid_key !== null) shownBy.get(contact)?.add(userid_key)
    }
  }
  return { holders, shownBy }
}

function valuesOf(contacts: readonly string[], prefix: string): string[] {
  return contacts.flatMap((contact) => (contact.startsWith(prefix) ? [contact.slice(prefix.length)] : []))
}

/**
 * Colleagues who have the newcomer's mobile or address. WeCom lets no two members have the same, so the newcomer may be
 * one of them under a new userid: the next complete reading tells, or a person.
 */
function rivalsOf({ holders }: Sightings): Candidate[] {
  const once = new Map<string, Candidate>()
  for (const [contact, all] of holders) {
    const matchedOn = contact.startsWith('phone ') ? 'phone' : 'email'
    for (const { userId, link } of all) {
      if (link?.standing === 'there') once.set(`${userId} ${matchedOn}`, { userId, matchedOn, userid: link.userid })
    }
  }
  return [...once.values()]
}

/**
 * Never given away by signs (threats.md I3): administrators and break-glass accounts, as in runs, and here also accounts
 * with a way in of their own. Whoever has a password can prove it.
 */
function isKept(user: Row<'users'>): boolean {
  return isProtected(user) || (user.origin === 'built_in' && user.password_hash !== null)
}

function fieldInCommon({ phone }: Row<'users'>, wanted: WantedUser): MatchField {
  return phone !== null && phone === wanted.phone ? 'phone' : 'email'
}

function unsure(wanted: WantedUser, reason: ReviewReason, candidates: readonly Candidate[]): Standing {
  return { kind: 'unsure', question: { wanted, reason, candidates } }
}

function withoutProblem(wanted: WantedUser): WantedUser {
  return { ...wanted, problem: undefined }
}
