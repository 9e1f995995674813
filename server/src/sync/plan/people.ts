/**
 * Decides what happens to each person: created, linked, updated, disabled, enabled, restored or left alone. Pure.
 * Who somebody is and which address they get has been decided before (matching.ts).
 */
import type { Row } from '../../database/database.ts'
import { foldName, storable } from '../../directory/names.ts'
import { isProtected, protectionOf } from '../../directory/protection.ts'
import type { SourceFields, UserWrite } from '../../directory/writes.ts'
import { unreachable, type Problem } from '../../errors.ts'
import { change, difference, type Change, type Fields, type Step } from './changes.ts'
import type { WantedMembership, WantedUser } from './mapping.ts'
import type { AddressVerdict } from './addresses.ts'
import { isSamePerson, isSomebodyElse, showsAnything, type Candidate, type Identity } from './matching.ts'
import type { Question } from './questions.ts'
import { planDeparture, type Permission } from './removals.ts'

/** Somebody who exists here, as far as the plan needs to know. */
export interface KnownUser {
  readonly user: Row<'users'>
  /** The link of this connection, if there is one. */
  readonly link: Row<'links'> | null
  /** The memberships that this connection gave. */
  readonly memberships: readonly Row<'memberships'>[]
}

export interface Person {
  readonly wanted: WantedUser
  readonly identity: Identity
  readonly address: AddressVerdict
  readonly known: KnownUser | undefined
}

export interface PeopleContext {
  readonly organizationId: string
  readonly connectionId: string
  readonly corpId: string
  /** Our id of every WeCom department that exists here. */
  readonly idOf: ReadonlyMap<number, string>
  /** Departments that WeCom shows and that policy or an error keeps from existing here. */
  readonly isExpectedDepartment: (department: number) => boolean
  /** Whether somebody whom WeCom shows as disabled may lose access here, by user id. */
  readonly permissionToDisable: (userId: string) => Permission
  /** What becomes of somebody whose userid is another's now, by user id. */
  readonly policyForLeaver: (userId: string) => 'ignore' | 'disable' | 'delete'
  /**
   * A username that is free now: this one, or a numbered form of it.
   * @param member the folded userid of whom it is for, when new here; another member's userid is not free then
   */
  readonly freeUsername: (username: string, member?: string) => string | undefined
  /** Whether an administrator has said that these are the right person and the right user. */
  readonly isDecided: boolean
  readonly now: number
  readonly newId: (kind: 'lnk' | 'usr') => string
}

export type PersonPlan =
  /** In this order, and together or not at all. */
  | { readonly kind: 'steps'; readonly steps: readonly Step<UserWrite>[] }
  /** A person has to decide. */
  | { readonly kind: 'question'; readonly question: Question; readonly change: Change }
  /** Nothing changes; when `settled` is given, its digest is to be remembered. */
  | { readonly kind: 'unchanged'; readonly settled: { id: string; source_hash: string } | null }
  /** Left out by policy, so often that a row for each would bury the rest. */
  | { readonly kind: 'left-out' }

export function planPerson(person: Person, context: PeopleContext): PersonPlan {
  const { wanted, identity, address } = person
  if (wanted.problem !== undefined) return failed(person, wanted.problem, context)
  if (address.kind === 'taken') return failed(person, addressTaken(wanted, address), context)
  switch (identity.kind) {
    case 'failed':
      return failed(person, identity.problem, context)
    case 'skipped':
      return identity.reason === 'not-created-by-policy'
        ? { kind: 'left-out' }
        : skipped(person, identity.reason === 'may-be-renamed' ? 'create' : 'update', identity.reason)
    case 'unsure':
      return question(person, identity.reason, identity.candidates)
    case 'new':
      return create(wanted, identity, address, context)
    case 'successor':
      return succeedLiving(person, identity, address, context)
    case 'matched':
    case 'linked':
    case 'renamed':
      return update(person, address, context)
    default:
      return unreachable(identity)
  }
}

function create(
  wanted: WantedUser,
  identity: { readonly userId: string; readonly username: string },
  address: AddressVerdict,
  context: PeopleContext,
): PersonPlan {
  const isDisabled = wanted.isActive === false
  const user: Row<'users'> = {
    id: identity.userId,
    organization_id: context.organizationId,
    username: identity.username,
    username_key: foldName(identity.username),
    display_name: wanted.displayName ?? wanted.userid,
    ...addressColumns(address, undefined),
    phone: phoneOf(wanted) ?? null,
    avatar_url: wanted.avatarUrl ?? null,
    title: wanted.title ?? null,
    gender: wanted.gender ?? null,
    locale: null,
    attributes: wanted.attributes ?? '{}',
    status: isDisabled ? 'disabled' : 'active',
    disabled_by: isDisabled ? 'source' : null,
    deleted_by: null,
    origin: 'wecom',
    role: null,
    break_glass: 0,
    password_hash: null,
    must_change_password: 0,
    last_sign_in_at: null,
    created_at: context.now,
    updated_at: context.now,
    deleted_at: null,
    signed_out_at: null,
    search_text: null,
  }
  const memberships = membershipRows(user.id, wanted.memberships ?? [], [], context)
  const after = { ...shown(user), ...shownPlacement(memberships, wanted.leaders ?? []), username: user.username }
  return asSteps([userChange(wanted, user.id, 'create', { after: withoutEmpty(after) })], {
    userId: user.id,
    user: { create: user },
    link: { create: newLink(wanted, user.id, context) },
    memberships,
  })
}

function update(person: Person, address: AddressVerdict, context: PeopleContext): PersonPlan {
  const { wanted, known, identity } = person
  if (known === undefined || !(context.isDecided || isStillWho(identity, known))) return { kind: 'left-out' }
  const { user, link } = known
  if (user.status === 'deleted' && user.deleted_by !== 'source') return skipped(person, 'restore', 'deleted-here')
  if (!context.isDecided) {
    const itself: Candidate = { userId: user.id, matchedOn: 'userid', userid: wanted.userid }
    if (user.status === 'deleted') {
      if (!showsAnything(wanted)) return question(person, 'ambiguous', [itself])
      if (!isSamePerson(user, wanted)) return succeed(person, link, address, context)
    } else if (identity.kind === 'linked' && isSomebodyElse(user, wanted)) {
      return question(person, 'reused', [itself])
    }
  }

  const status = nextStatus(user, wanted, context)
  const username = status.action === 'restore' ? context.freeUsername(user.username) : user.username
  if (username === undefined) return failed(person, { code: 'directory/username-taken' }, context)
  const fields = sourceFields(user, wanted, address, status, context)
  const memberships =
    wanted.memberships === undefined ? null : membershipRows(user.id, wanted.memberships, known.memberships, context)
  const leaders = wanted.leaders === undefined ? (link?.leader_keys ?? '[]') : JSON.stringify(wanted.leaders)
  const kept = known.memberships
  const before = { ...shown(user), ...shownPlacement(kept, parseLeaders(link)), username: user.username }
  const after = { ...shown(fields), ...shownPlacement(memberships ?? kept, JSON.parse(leaders) as string[]), username }

  const changes: Change[] = []
  if (link === null) changes.push(userChange(wanted, user.id, 'link', {}, 'link'))
  if (identity.kind === 'renamed') changes.push(move(wanted, user.id, identity.from))
  if (status.action !== null) {
    changes.push(
      userChange(wanted, user.id, status.action, {
        before: { status: user.status },
        after: { status: status.status },
        state: status.state,
        reason: status.reason,
      }),
    )
  }
  const differs = difference(withoutStatus(before), withoutStatus(after))
  if (differs !== null) changes.push(userChange(wanted, user.id, 'update', differs))

  // An open question must be asked again by the next run, so the digest of this member is not remembered.
  const isOpen =
    status.state !== 'planned' || (wanted.memberships ?? []).some(({ department }) => isMissing(department, context))
  const hash = isOpen ? null : wanted.hash
  if (changes.length === 0 && link !== null) {
    return { kind: 'unchanged', settled: hash === null ? null : { id: link.id, source_hash: hash } }
  }
  if (!changes.some(({ state }) => state === 'planned')) return asSteps(changes, null)
  const linkFields = { user_id: user.id, userid: wanted.userid, source_hash: hash, leader_keys: leaders }
  const isMoved = JSON.stringify(before.departments) !== JSON.stringify(after.departments)
  return asSteps(changes, {
    userId: user.id,
    user: {
      update: fields,
      username: username === user.username ? undefined : { username, username_key: foldName(username) },
    },
    link: linkWrite(person, link, linkFields, context),
    memberships: isMoved ? memberships : null,
  })
}

function linkWrite(
  { wanted, identity }: Person,
  link: Row<'links'> | null,
  fields: Pick<Row<'links'>, 'user_id' | 'userid' | 'source_hash' | 'leader_keys'>,
  context: PeopleContext,
): UserWrite['link'] {
  if (link === null) return { create: { ...newLink(wanted, fields.user_id, context), ...fields } }
  const update = { id: link.id, open_userid: wanted.openUserid ?? link.open_userid, ...fields }
  return identity.kind === 'renamed' ? { move: { ...update, userid_key: wanted.key } } : { update }
}

/** The same person under another userid. */
function move(wanted: WantedUser, userId: string, from: string): Change {
  const fields = { before: { userid: from }, after: { userid: wanted.userid } }
  return userChange(wanted, userId, 'update', fields, 'link')
}

function asSteps(changes: readonly Change[], write: UserWrite | null): PersonPlan {
  return { kind: 'steps', steps: [{ changes, write }] }
}

function question(person: Person, reason: Question['reason'], candidates: readonly Candidate[]): PersonPlan {
  const { wanted } = person
  const [user, ...others] = new Set(candidates.map(({ userId }) => userId))
  const rest = { state: 'skipped', reason } as const
  const target = user === undefined || others.length > 0 ? null : user
  const entry =
    reason === 'reused' ? userChange(wanted, target, 'update', rest) : userChange(wanted, target, 'link', rest, 'link')
  return { kind: 'question', question: { wanted, reason, candidates }, change: entry }
}

interface StatusDecision {
  readonly status: string
  readonly disabledBy: string | null
  readonly action: 'disable' | 'enable' | 'restore' | null
  /** `held` and `skipped`: the change is right and is still not made now. */
  readonly state: 'planned' | 'held' | 'skipped'
  readonly reason: string | null
}

/** What an administrator disabled stays disabled; what the source disabled follows the source. */
function nextStatus(user: Row<'users'>, wanted: WantedUser, context: PeopleContext): StatusDecision {
  const same: StatusDecision = {
    status: user.status,
    disabledBy: user.disabled_by,
    action: null,
    state: 'planned',
    reason: null,
  }
  if (user.status === 'deleted') {
    if (user.disabled_by === 'administrator') return { ...same, status: 'disabled', action: 'restore' }
    return wanted.isActive === false
      ? { ...same, status: 'disabled', disabledBy: 'source', action: 'restore' }
      : { ...same, status: 'active', disabledBy: null, action: 'restore' }
  }
  if (user.status === 'active' && wanted.isActive === false) {
    const reason = 'disabled-in-wecom'
    const protection = protectionOf(user)
    if (protection !== null) return { ...same, action: 'disable', state: 'skipped', reason: protection }
    const permission = context.permissionToDisable(user.id)
    if (permission.kind === 'hold') return { ...same, action: 'disable', state: 'held', reason }
    if (permission.kind === 'skip') return { ...same, action: 'disable', state: 'skipped', reason: permission.reason }
    return { ...same, status: 'disabled', disabledBy: 'source', action: 'disable', reason }
  }
  if (user.status === 'disabled' && user.disabled_by === 'source' && wanted.isActive === true) {
    return { ...same, status: 'active', disabledBy: null, action: 'enable' }
  }
  return same
}

/**
 * Whether the user is still who they were when the address book was compared. Linked, unlinked, promoted or marked by
 * an administrator since then, they are left to the next run, which sees them as they are.
 */
function isStillWho(identity: Identity, { user, link }: KnownUser): boolean {
  if (identity.kind === 'linked') return link?.id === identity.linkId
  if (identity.kind === 'renamed') {
    const isTheirs = link?.id === identity.linkId && link.userid_key === foldName(identity.from)
    return isTheirs && !isProtected(user) && user.status !== 'deleted'
  }
  return link === null && !isProtected(user) && user.status !== 'deleted'
}

/** A deleted user's userid that came back with somebody else: a new user takes over the link, and nothing of the old one. */
function succeed(
  person: Person,
  link: Row<'links'> | null,
  address: AddressVerdict,
  context: PeopleContext,
): PersonPlan {
  const { username: wished, userid, key } = person.wanted
  const username = context.freeUsername(wished ?? userid, key)
  if (username === undefined) return failed(person, { code: 'directory/username-taken' }, context)
  return takeOver(person.wanted, { userId: context.newId('usr'), username }, link, address, context)
}

/** As `succeed`, where the old user was only missing: they lose the link and go the way of every leaver. */
function succeedLiving(
  { wanted, known }: Person,
  identity: Identity & { kind: 'successor' },
  address: AddressVerdict,
  context: PeopleContext,
): PersonPlan {
  if (known?.link?.id !== identity.linkId || known.user.status === 'deleted') return { kind: 'left-out' }
  if (isProtected(known.user)) return { kind: 'left-out' }
  const plan = takeOver(wanted, identity, known.link, address, context)
  if (plan.kind !== 'steps') return plan
  return {
    kind: 'steps',
    steps: [planDeparture(known, context.policyForLeaver(known.user.id), context.now), ...plan.steps],
  }
}

function takeOver(
  wanted: WantedUser,
  identity: { readonly userId: string; readonly username: string },
  link: Row<'links'> | null,
  address: AddressVerdict,
  context: PeopleContext,
): PersonPlan {
  const plan = create(wanted, identity, address, context)
  const [step] = plan.kind === 'steps' ? plan.steps : []
  if (step?.write?.link == null || !('create' in step.write.link) || link === null) return plan
  const inverse = { linkFrom: link.user_id, linkTo: step.write.userId }
  const changes = step.changes.map((entry) => ({ ...entry, reason: 'userid-reused', inverse }))
  return asSteps(changes, { ...step.write, link: { update: { ...step.write.link.create, id: link.id } } })
}

function sourceFields(
  user: Row<'users'>,
  wanted: WantedUser,
  address: AddressVerdict,
  status: StatusDecision,
  context: PeopleContext,
): SourceFields {
  return {
    id: user.id,
    display_name: wanted.displayName ?? user.display_name,
    ...addressColumns(address, user),
    phone: seenOr(phoneOf(wanted), user.phone),
    avatar_url: seenOr(wanted.avatarUrl, user.avatar_url),
    title: seenOr(wanted.title, user.title),
    gender: wanted.gender ?? user.gender,
    attributes: wanted.attributes ?? user.attributes,
    status: status.status,
    disabled_by: status.disabledBy,
    deleted_by: status.action === 'restore' ? null : user.deleted_by,
    deleted_at: status.action === 'restore' ? null : user.deleted_at,
    updated_at: context.now,
  }
}

/** The mobile, unless the mapping takes the phone from elsewhere; then the mobile says nothing. */
function phoneOf({ phone, otherPhone }: WantedUser): string | null | undefined {
  return otherPhone === undefined ? phone : otherPhone
}

/** Absent is not empty: what was withheld keeps what we have. */
function seenOr<T>(seen: T | undefined, known: T): T {
  return seen === undefined ? known : seen
}

type AddressColumns = Pick<Row<'users'>, 'email' | 'email_key' | 'email_verified' | 'email_source'>

/** An address from WeCom is never called verified: nobody has shown that it is theirs. */
function addressColumns(verdict: AddressVerdict, user: Row<'users'> | undefined): AddressColumns {
  if (verdict.kind === 'set') {
    const { email, key, source } = verdict.address
    const isSame = user !== undefined && user.email_key === key
    return { email, email_key: key, email_verified: isSame ? user.email_verified : 0, email_source: source }
  }
  return {
    email: user?.email ?? null,
    email_key: user?.email_key ?? null,
    email_verified: user?.email_verified ?? 0,
    email_source: user?.email_source ?? null,
  }
}

function membershipRows(
  userId: string,
  wanted: readonly WantedMembership[],
  known: readonly Row<'memberships'>[],
  context: PeopleContext,
): Row<'memberships'>[] {
  const rows: Row<'memberships'>[] = []
  for (const { department, isMain, order, isLeader } of wanted) {
    const departmentId = context.idOf.get(department)
    if (departmentId === undefined) continue
    const before = known.find(({ department_id }) => department_id === departmentId)
    rows.push({
      user_id: userId,
      department_id: departmentId,
      origin: 'wecom',
      connection_id: context.connectionId,
      is_main: flag(isMain) ?? before?.is_main ?? 0,
      position: order ?? before?.position ?? 0,
      is_leader: flag(isLeader) ?? before?.is_leader ?? 0,
    })
  }
  return rows
}

function flag(value: boolean | undefined): number | undefined {
  return value === undefined ? undefined : Number(value)
}

function isMissing(department: number, context: PeopleContext): boolean {
  return !context.idOf.has(department) && context.isExpectedDepartment(department)
}

function newLink(wanted: WantedUser, userId: string, context: PeopleContext): Row<'links'> {
  const isOpen = (wanted.memberships ?? []).some(({ department }) => isMissing(department, context))
  return {
    id: context.newId('lnk'),
    connection_id: context.connectionId,
    corp_id: context.corpId,
    userid: wanted.userid,
    userid_key: wanted.key,
    open_userid: wanted.openUserid ?? null,
    user_id: userId,
    created_by: 'sync',
    source_hash: isOpen ? null : wanted.hash,
    leader_keys: JSON.stringify(wanted.leaders ?? []),
    created_at: context.now,
    last_sign_in_at: null,
    missing_since: null,
    asked_at: null,
  }
}

function parseLeaders(link: Row<'links'> | null): string[] {
  return link === null ? [] : (JSON.parse(link.leader_keys) as string[])
}

export function shown(user: Omit<SourceFields, 'id'>) {
  return {
    displayName: user.display_name,
    email: user.email,
    emailSource: user.email_source,
    phone: user.phone,
    avatarUrl: user.avatar_url,
    title: user.title,
    gender: user.gender,
    attributes: JSON.parse(user.attributes) as unknown,
    status: user.status,
  }
}

export function shownPlacement(memberships: readonly Row<'memberships'>[], leaders: readonly string[]) {
  const departments = memberships
    .map(({ department_id, is_main, position, is_leader }) => ({
      departmentId: department_id,
      isMain: is_main === 1,
      order: position,
      isLeader: is_leader === 1,
    }))
    .sort((a, b) => (a.departmentId < b.departmentId ? -1 : 1))
  return { departments, directLeaders: leaders }
}

/** The status has a change of its own. */
function withoutStatus(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => name !== 'status'))
}

/** Written as a loop: in a first sync it is asked about every field of everybody. */
export function withoutEmpty(fields: Fields): Fields {
  const kept: Record<string, unknown> = {}
  for (const name in fields) if (!isEmpty(fields[name])) kept[name] = fields[name]
  return kept
}

function isEmpty(value: unknown): boolean {
  if (value === null) return true
  if (typeof value !== 'object') return false
  for (const _ in value) return false
  return true
}

function userChange(
  wanted: WantedUser,
  userId: string | null,
  action: Change['action'],
  rest: Partial<Change>,
  entity: 'user' | 'link' = 'user',
): Change {
  return change({
    entity,
    action,
    externalId: storable(wanted.userid),
    targetId: userId,
    name: wanted.displayName ?? wanted.userid,
    ...rest,
  })
}

/** What is wrong with somebody's name or address does not keep an account open that WeCom has closed. */
function failed(person: Person, problem: Problem, context: PeopleContext): PersonPlan {
  const failure = decided(person, person.known === undefined ? 'create' : 'update', { state: 'failed', problem })
  const { wanted, identity, known } = person
  if (identity.kind !== 'linked' || known?.user.status !== 'active' || wanted.isActive !== false) {
    return asSteps([failure], null)
  }
  const plan = update({ ...person, wanted: onlyStatus(wanted) }, { kind: 'keep' }, context)
  const [step] = plan.kind === 'steps' ? plan.steps : []
  if (step === undefined) return asSteps([failure], null)
  const { changes, write } = step
  const link = write?.link && 'update' in write.link ? { update: { ...write.link.update, source_hash: null } } : null
  return asSteps([...changes, failure], write && { ...write, link })
}

/** What is left when nothing but access is to follow. */
export function onlyStatus(wanted: WantedUser): WantedUser {
  return {
    ...wanted,
    displayName: undefined,
    bizMail: undefined,
    email: undefined,
    phone: undefined,
    avatarUrl: undefined,
    title: undefined,
    gender: undefined,
    attributes: undefined,
    memberships: undefined,
    leaders: undefined,
    otherPhone: undefined,
  }
}

function skipped(person: Person, action: Change['action'], reason: string): PersonPlan {
  return asSteps([decided(person, action, { state: 'skipped', reason })], null)
}

function decided({ wanted, known }: Person, action: Change['action'], rest: Partial<Change>): Change {
  return userChange(wanted, known?.user.id ?? null, action, rest, action === 'link' ? 'link' : 'user')
}

function addressTaken(wanted: WantedUser, { email, owner }: AddressVerdict & { kind: 'taken' }): Problem {
  return {
    code: 'directory/email-taken',
    detail: {
      en: `The address ${email} of ${wanted.userid} belongs to ${owner ?? 'another member of this reading'}.`,
      zh: `成员 ${wanted.userid} 的邮箱 ${email} 已属于${owner === undefined ? '本次读取的另一成员' : `用户 ${owner}`}。`,
    },
  }
}
