/**
 * Decides how the recorded changes of a run are taken back, given what is there now. Pure. Only what still is as that run
 * left it is taken back; whatever somebody changed since, by hand or by another run, is left and said to be so.
 */
import type { Row } from '../../database/database.ts'
import { foldName } from '../../directory/names.ts'
import { protectionOf } from '../../directory/protection.ts'
import type { DepartmentWrite, UserWrite } from '../../directory/writes.ts'
import type { Problem } from '../../errors.ts'
import { change, type Change, type Fields, type Step } from './changes.ts'
import { shownDepartment } from './departments.ts'
import { shown, shownPlacement, withoutEmpty, type KnownUser } from './people.ts'
import type { DeletedDepartment, DepartmentRemoval } from './removals.ts'

// ---- One person -----------------------------------------------------------------------------------------------------

/** Somebody as they are now. */
export interface PersonNow extends KnownUser {
  readonly isLinkedElsewhere: boolean
  /** Whether somebody put them into a department by hand. */
  readonly hasManualMembership: boolean
  /** Whether anybody, after the run, decided that they may sign in or may not. */
  readonly isAccessDecided: boolean
}

export interface RevertContext {
  readonly now: number
  readonly newLinkId: () => string
  readonly connectionId: string
  /** Departments that exist, or will when the people are written. */
  readonly hasDepartment: (id: string) => boolean
  /** Other people whom a change gave a link to or took one from, by id. */
  readonly others: ReadonlyMap<string, KnownUser>
}

/** What one person is to be, before anybody asked whether their name and address are free. */
export interface PersonDraft {
  readonly changes: readonly Change[]
  readonly write: UserWrite | null
  readonly before: Row<'users'> | null
  readonly after: Row<'users'> | null
}

/** @param recorded what the run did to this person, the last first */
export function planPersonRevert(
  recorded: readonly Change[],
  person: PersonNow | undefined,
  context: RevertContext,
): PersonDraft {
  if (person === undefined) {
    return { changes: recorded.map((entry) => left(entry, 'changed-since')), write: null, before: null, after: null }
  }
  const state: State = {
    user: person.user,
    link: person.link === null ? null : { ...person.link, source_hash: null },
    linkWrite: null,
    memberships: null,
  }
  const changes = recorded.flatMap((entry) => undo(entry, state, person, context))
  if (!changes.some(({ state: outcome }) => outcome === 'planned')) {
    return { changes, write: null, before: person.user, after: null }
  }
  const after = { ...state.user, updated_at: context.now }
  const write: UserWrite = {
    userId: after.id,
    user: { update: after },
    link: state.linkWrite ?? (state.link === null ? null : { update: state.link }),
    memberships: state.memberships,
  }
  return { changes, write, before: person.user, after }
}

/** The same, when somebody else has the name or the address by now: nothing of it is done. */
export function refused({ changes }: PersonDraft, problem: Problem): Step<UserWrite> {
  return {
    changes: changes.map((entry) => (entry.state === 'planned' ? { ...entry, state: 'failed', problem } : entry)),
    write: null,
  }
}

/** An audited decision about somebody's access. */
export interface AccessEntry {
  readonly runId: string | undefined
  /** The run whose decision this one took back. */
  readonly reverts: string | undefined
}

/**
 * Whether somebody decided about a person's access after the run did. What was decided and taken back again does not
 * count. @param entries the newest first
 */
export function isDecidedSince(entries: readonly AccessEntry[], runId: string): boolean {
  const undone = new Set<string>()
  for (const entry of entries) {
    if (entry.runId === runId) return false
    if (entry.runId !== undefined && undone.has(entry.runId)) continue
    if (entry.reverts === undefined) return true
    undone.add(entry.reverts)
  }
  return false
}

interface State {
  user: Row<'users'>
  link: Row<'links'> | null
  linkWrite: UserWrite['link']
  memberships: Row<'memberships'>[] | null
}

function undo(entry: Change, state: State, person: PersonNow, context: RevertContext): Change[] {
  switch (`${entry.entity} ${entry.action}`) {
    case 'user update':
      return undoUpdate(entry, state, person, context)
    case 'user disable':
      return undoDisable(entry, state, person)
    case 'user enable':
      return undoEnable(entry, state, person)
    case 'user delete':
      return undoDelete(entry, state, person, context)
    case 'user restore':
    case 'user create':
      return undoArrival(entry, state, person, context)
    case 'link link':
      return undoLink(entry, state, context)
    case 'link unlink':
      return undoUnlink(entry, state, context)
    default:
      return [left(entry, 'not-revertible')]
  }
}

function undoDisable(entry: Change, state: State, person: PersonNow): Change[] {
  const { status, disabled_by } = state.user
  if (person.isAccessDecided || status !== 'disabled' || disabled_by !== 'source') return [left(entry, 'changed-since')]
  state.user = { ...state.user, status: 'active', disabled_by: null }
  return [done(entry, 'enable', { before: { status }, after: { status: 'active' } })]
}

function undoEnable(entry: Change, state: State, person: PersonNow): Change[] {
  const { status } = state.user
  const protection = protectionOf(state.user)
  if (person.isAccessDecided || status !== 'active') return [left(entry, 'changed-since')]
  if (protection !== null) return [left(entry, protection)]
  state.user = { ...state.user, status: 'disabled', disabled_by: 'source' }
  return [done(entry, 'disable', { before: { status }, after: { status: 'disabled' } })]
}

function undoDelete(entry: Change, state: State, person: PersonNow, context: RevertContext): Change[] {
  const { status, deleted_by, disabled_by } = state.user
  if (person.isAccessDecided || status !== 'deleted' || deleted_by !== 'source') return [left(entry, 'changed-since')]
  const restored = entry.before?.status === 'disabled' ? 'disabled' : 'active'
  state.user = {
    ...state.user,
    status: restored,
    disabled_by: restored === 'active' ? null : (disabled_by ?? 'source'),
    deleted_by: null,
    deleted_at: null,
  }
  const inverse = moveLink(entry, state, context)
  return [done(entry, 'restore', { before: { status }, after: { status: restored }, inverse })]
}

/** Somebody who came with the run, or came back with it: a tombstone, as it was before or in its place. */
function undoArrival(entry: Change, state: State, person: PersonNow, context: RevertContext): Change[] {
  const { user } = state
  const protection = protectionOf(user)
  if (protection !== null) return [left(entry, protection)]
  if (person.isLinkedElsewhere) return [left(entry, 'linked-elsewhere')]
  if (person.isAccessDecided || user.status !== entry.after?.status) return [left(entry, 'changed-since')]
  if (entry.action === 'create' && !isAsCreated(entry, state, person)) return [left(entry, 'changed-since')]
  const inverse = moveLink(entry, state, context)
  // As if WeCom had removed them: should it still show them, the next run brings back the same user.
  state.user = { ...user, status: 'deleted', deleted_by: 'source', deleted_at: context.now }
  return [done(entry, 'delete', { before: { status: user.status }, after: { status: 'deleted' }, inverse })]
}

function isAsCreated(entry: Change, { user, link }: State, person: PersonNow): boolean {
  if (user.password_hash !== null || person.hasManualMembership || link === null) return false
  const leaders = JSON.parse(link.leader_keys) as string[]
  const current = { ...shown(user), ...shownPlacement(person.memberships, leaders), username: user.username }
  return isSame(withoutEmpty(current), entry.after)
}

/** A userid that was given to somebody else: its link goes back to whom it came from, when they have none. */
function moveLink(entry: Change, state: State, { others }: RevertContext): Fields | null {
  const from = entry.inverse?.linkFrom
  const to = entry.inverse?.linkTo
  if (typeof from !== 'string' || typeof to !== 'string') return null
  const isOurs = to === state.user.id
  const link = isOurs ? state.link : (others.get(to)?.link ?? null)
  const isFree = isOurs ? others.has(from) && others.get(from)!.link === null : state.link === null
  if (link === null || !isFree) return null
  state.link = null
  state.linkWrite = { update: { ...link, user_id: from, source_hash: null } }
  return { linkFrom: to, linkTo: from }
}

function undoLink(entry: Change, state: State, { now }: RevertContext): Change[] {
  const { user, link } = state
  if (link === null || link.created_by !== 'sync' || foldName(link.userid) !== foldName(entry.externalId ?? '')) {
    return [left(entry, 'changed-since')]
  }
  const protection = protectionOf(user)
  if (protection !== null) return [left(entry, protection)]
  state.link = null
  state.linkWrite = { delete: { id: link.id, userId: user.id, at: now } }
  return [done(entry, 'unlink', { inverse: { link } })]
}

function undoUnlink(entry: Change, state: State, { newLinkId, connectionId }: RevertContext): Change[] {
  const link = entry.inverse?.link as Row<'links'> | undefined
  // To a successor: the link comes back when what made them is taken back.
  if (entry.reason === 'userid-reused') return [left(entry, 'userid-reused')]
  if (link === undefined) return [left(entry, 'not-revertible')]
  if (state.user.status === 'deleted' || state.link !== null) return [left(entry, 'changed-since')]
  state.linkWrite = {
    create: { ...link, id: newLinkId(), connection_id: connectionId, user_id: state.user.id, source_hash: null },
  }
  return [done(entry, 'link', {})]
}

const COLUMNS = {
  displayName: 'display_name',
  phone: 'phone',
  avatarUrl: 'avatar_url',
  title: 'title',
  gender: 'gender',
} as const satisfies Record<string, keyof Row<'users'>>

/** Each field by itself, except the address, which goes with where it came from. */
function undoUpdate(entry: Change, state: State, person: PersonNow, context: RevertContext): Change[] {
  const [before, after] = [entry.before ?? {}, entry.after ?? {}]
  if (state.user.status === 'deleted') return [left(entry, 'changed-since')]
  const current = shownNow(state, person)
  const isUntouched = (field: string) => isSame(current[field], after[field])
  const fields = Object.keys(after)
  const address: readonly string[] = fields.filter((field) => field === 'email' || field === 'emailSource')
  const takenBack = fields.filter((field) => {
    if (address.includes(field)) return address.every(isUntouched)
    return isUntouched(field) && canSet(field, before[field], state, context)
  })
  for (const field of takenBack) set(field, before[field], state, context)

  const changes: Change[] = []
  const about = (names: readonly string[]) => ({ before: pick(current, names), after: pick(before, names) })
  if (takenBack.length > 0) changes.push(done(entry, 'update', about(takenBack)))
  const kept = fields.filter((field) => !takenBack.includes(field))
  if (kept.length > 0) changes.push({ ...left(entry, 'changed-since'), ...about(kept) })
  return changes
}

function shownNow({ user, link, memberships }: State, person: PersonNow): Fields {
  const leaders = link === null ? [] : (JSON.parse(link.leader_keys) as string[])
  return { ...shown(user), ...shownPlacement(memberships ?? person.memberships, leaders) }
}

function canSet(field: string, value: unknown, { link }: State, { hasDepartment }: RevertContext): boolean {
  if (field === 'departments') return (value as Placement[]).every(({ departmentId }) => hasDepartment(departmentId))
  if (field === 'directLeaders') return link !== null
  return field === 'attributes' || field in COLUMNS
}

interface Placement {
  readonly departmentId: string
  readonly isMain: boolean
  readonly order: number
  readonly isLeader: boolean
}

function set(field: string, value: unknown, state: State, { connectionId }: RevertContext): void {
  const { user } = state
  if (field === 'departments') {
    state.memberships = (value as Placement[]).map(({ departmentId, isMain, order, isLeader }) => ({
      user_id: user.id,
      department_id: departmentId,
      origin: 'wecom',
      connection_id: connectionId,
      is_main: isMain ? 1 : 0,
      position: order,
      is_leader: isLeader ? 1 : 0,
    }))
  } else if (field === 'directLeaders') state.link = { ...state.link!, leader_keys: JSON.stringify(value) }
  else if (field === 'attributes') state.user = { ...user, attributes: JSON.stringify(value) }
  else if (field === 'email') {
    const email = value as string | null
    state.user = { ...user, email, email_key: email === null ? null : foldName(email), email_verified: 0 }
  } else if (field === 'emailSource') state.user = { ...user, email_source: value as string | null }
  else state.user = { ...user, [COLUMNS[field as keyof typeof COLUMNS]]: value }
}

// ---- Departments ----------------------------------------------------------------------------------------------------

export interface DepartmentsRevert {
  /** What was deleted and what was changed, in an order in which it can be written. */
  readonly steps: readonly Step<DepartmentWrite>[]
  /** What was created, to be deleted once the people are out of it. */
  readonly removals: readonly CreatedDepartment[]
}

export interface CreatedDepartment extends DepartmentRemoval {
  /** Why it stays, whoever is in it. */
  readonly obstacle: string | null
  /** People who came with it when it was itself given back, and who go with it. */
  readonly members: ReadonlySet<string>
}

/**
 * @param recorded what the run did to departments, the last first
 * @param tree every department of the organization as it is now
 */
export function planDepartmentsRevert(
  recorded: readonly Change[],
  tree: readonly Row<'departments'>[],
  context: { readonly organizationId: string; readonly connectionId: string; readonly now: number },
): DepartmentsRevert {
  const rows = new Map(tree.map((row) => [row.id, row]))
  const steps: Step<DepartmentWrite>[] = []
  const removals: CreatedDepartment[] = []
  for (const entry of recorded) {
    const row = rows.get(entry.targetId!)
    if (entry.action === 'create') {
      removals.push({
        departmentId: entry.targetId!,
        externalId: entry.externalId!,
        name: entry.name ?? entry.externalId!,
        cause: 'reverted',
        obstacle: row !== undefined && isSame(shownDepartment(row), entry.after) ? null : 'changed-since',
        members: new Set((entry.inverse?.members ?? []) as string[]),
      })
      continue
    }
    const step =
      entry.action === 'delete' ? recreate(entry, rows, context) : undoDepartmentUpdate(entry, row, rows, context)
    steps.push(step)
    if (step.write !== null && 'create' in step.write) rows.set(step.write.create.id, step.write.create)
    if (step.write !== null && 'update' in step.write) rows.set(row!.id, { ...row!, ...step.write.update })
  }
  return { steps, removals }
}

function recreate(
  entry: Change,
  rows: ReadonlyMap<string, Row<'departments'>>,
  { organizationId, connectionId, now }: { organizationId: string; connectionId: string; now: number },
): Step<DepartmentWrite> {
  const inverse = entry.inverse as DeletedDepartment | null
  const before = entry.before as unknown as ReturnType<typeof shownDepartment> | null
  if (inverse === null || before === null) return kept(entry, 'not-revertible')
  const isBack = [...rows.values()].some(
    ({ id, connection_id, external_id }) =>
      id === entry.targetId || (connection_id === connectionId && external_id === entry.externalId),
  )
  if (isBack) return kept(entry, 'changed-since')
  if (before.parentId !== null && !rows.has(before.parentId)) return kept(entry, 'parent-gone')
  const id = entry.targetId!
  return {
    changes: [
      done(entry, 'create', { after: before, inverse: { members: inverse.members.map(([userId]) => userId) } }),
    ],
    write: {
      create: {
        id,
        organization_id: organizationId,
        parent_id: before.parentId,
        name: before.name,
        name_en: before.nameEn,
        position: before.order,
        leaders: JSON.stringify(before.leaders),
        origin: 'wecom',
        connection_id: connectionId,
        corp_id: inverse.corpId,
        external_id: entry.externalId,
        // WeCom did not show it when it was deleted: that it is missing is nothing new.
        missing_since: now,
        created_at: inverse.createdAt,
        updated_at: now,
        search_text: null,
        asked_at: null,
      },
      members: inverse.members.map(([userId, isMain, order, isLeader]) => ({
        user_id: userId,
        department_id: id,
        origin: 'wecom',
        connection_id: connectionId,
        is_main: isMain,
        position: order,
        is_leader: isLeader,
      })),
    },
  }
}

function undoDepartmentUpdate(
  entry: Change,
  row: Row<'departments'> | undefined,
  rows: ReadonlyMap<string, Row<'departments'>>,
  { now }: { now: number },
): Step<DepartmentWrite> {
  if (row === undefined || entry.action !== 'update') return kept(entry, 'changed-since')
  const current: Fields = shownDepartment(row)
  const [before, after] = [entry.before ?? {}, entry.after ?? {}]
  const fields = Object.keys(after)
  const takenBack = fields.filter(
    (field) =>
      isSame(current[field], after[field]) &&
      (field !== 'parentId' || isPlaceFor(row.id, before[field] as string | null, rows)),
  )
  const about = (names: readonly string[]) => ({ before: pick(current, names), after: pick(before, names) })
  const others = fields.filter((field) => !takenBack.includes(field))
  const rest = others.length === 0 ? [] : [{ ...left(entry, 'changed-since'), ...about(others) }]
  if (takenBack.length === 0) return { changes: rest, write: null }
  const next = { ...current, ...pick(before, takenBack) } as ReturnType<typeof shownDepartment>
  return {
    changes: [done(entry, 'update', about(takenBack)), ...rest],
    write: {
      update: {
        id: row.id,
        parent_id: next.parentId,
        name: next.name,
        name_en: next.nameEn,
        position: next.order,
        leaders: JSON.stringify(next.leaders),
        updated_at: now,
      },
    },
  }
}

/** Whether the parent exists and is not below the department itself. */
function isPlaceFor(id: string, parentId: string | null, rows: ReadonlyMap<string, Row<'departments'>>): boolean {
  const passed = new Set<string>()
  for (let at = parentId; at !== null; at = rows.get(at)!.parent_id) {
    if (at === id || !rows.has(at) || passed.has(at)) return false
    passed.add(at)
  }
  return true
}

// ---- Parts of both --------------------------------------------------------------------------------------------------

function done(entry: Change, action: Change['action'], rest: Partial<Change>): Change {
  const { entity, externalId, targetId, name } = entry
  return change({ entity, action, externalId, targetId, name, reason: 'reverted', ...rest })
}

const OPPOSITE = {
  create: 'delete',
  update: 'update',
  disable: 'enable',
  enable: 'disable',
  delete: 'restore',
  restore: 'delete',
  link: 'unlink',
  unlink: 'link',
} as const satisfies Record<Change['action'], Change['action']>

/** What would have been done and is not. */
function left(entry: Change, reason: string): Change {
  const action = entry.entity === 'department' && entry.action === 'delete' ? 'create' : OPPOSITE[entry.action]
  return done(entry, action, { state: 'skipped', reason })
}

function kept(entry: Change, reason: string): Step<DepartmentWrite> {
  return { changes: [left(entry, reason)], write: null }
}

function pick(fields: Fields, names: readonly string[]): Fields {
  return Object.fromEntries(names.map((name) => [name, fields[name]]))
}

/** Whether two values are the same when written as JSON, in whatever order their keys are. */
function isSame(a: unknown, b: unknown): boolean {
  return stable(a) === stable(b)
}

function stable(value: unknown): string {
  return JSON.stringify(value ?? null, (_, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}
