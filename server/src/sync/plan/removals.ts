/**
 * Who loses what: people whom WeCom shows no more or shows as disabled, and departments that are gone. Pure. Nobody is a
 * candidate here unless the whole address book was read; whether a candidate is removed now is decided by the guard, by an
 * administrator's approval, or by asking WeCom once more.
 */
import { hash as digest } from 'node:crypto'
import type { Row } from '../../database/database.ts'
import { isProtected } from '../../directory/protection.ts'
import type { DepartmentWrite, SourceFields, UserWrite } from '../../directory/writes.ts'
import { change, type Change, type Fields, type Step } from './changes.ts'
import { shownDepartment } from './departments.ts'
import type { KnownUser } from './people.ts'

/** What becomes of one removal. */
export type Permission =
  | { readonly kind: 'apply' }
  /** The guard wants a person to look at it. */
  | { readonly kind: 'hold' }
  /** Right, and still not now; the reason is a permanent word. */
  | { readonly kind: 'skip'; readonly reason: string }

export interface UserRemoval {
  readonly userId: string
  /** In any spelling: WeCom ignores case. */
  readonly userid: string
  readonly action: 'disable' | 'delete'
  readonly cause: 'not-in-wecom' | 'disabled-in-wecom'
}

export interface DepartmentRemoval {
  readonly departmentId: string
  readonly externalId: string
  readonly name: string
  /** Why, when not because WeCom does not show it. */
  readonly cause?: string
}

/** One name for a removal, in approvals and in the hash of a plan. */
export function removalKey(entity: 'user' | 'department', action: string, id: string): string {
  return `${entity} ${action} ${id}`
}

/** That of a removal as it is on record. */
export function removalKeyOf({ entity, action, targetId }: Pick<Change, 'entity' | 'action' | 'targetId'>): string {
  return removalKey(entity === 'department' ? entity : 'user', action, targetId!)
}

/** Names exactly these removals, in any order. */
export function planHash(keys: readonly string[]): string {
  return digest('sha256', [...keys].sort().join('\n'), 'base64url')
}

/** What policy says about somebody who is linked and whom WeCom shows no more. */
export function removalOfAbsent(
  user: Pick<Row<'users'>, 'id' | 'status'>,
  userid: string,
  policy: 'ignore' | 'disable' | 'delete',
): UserRemoval | null {
  if (policy === 'ignore' || user.status === 'deleted') return null
  if (policy === 'disable' && user.status !== 'active') return null
  return { userId: user.id, userid, action: policy, cause: 'not-in-wecom' }
}

/** The step for one person whom WeCom shows no more. The link stays, so that whoever comes back is recognised. */
export function planUserRemoval(
  removal: UserRemoval,
  known: KnownUser,
  permission: Permission,
  now: number,
): Step<UserWrite> {
  const { user, link } = known
  const status = removal.action === 'delete' ? 'deleted' : 'disabled'
  const entry = change({
    entity: 'user',
    action: removal.action,
    externalId: link?.userid ?? removal.userid,
    targetId: user.id,
    name: user.display_name,
    before: { status: user.status },
    after: { status },
    reason: removal.cause,
  })
  if (permission.kind === 'hold') return { changes: [{ ...entry, state: 'held' }], write: null }
  if (permission.kind === 'skip') {
    return { changes: [{ ...entry, state: 'skipped', reason: permission.reason }], write: null }
  }
  const isDeleted = removal.action === 'delete'
  return {
    changes: [entry],
    write: {
      userId: user.id,
      user: {
        update: {
          ...user,
          status,
          disabled_by: isDeleted ? user.disabled_by : 'source',
          deleted_by: isDeleted ? 'source' : user.deleted_by,
          deleted_at: isDeleted ? now : user.deleted_at,
          updated_at: now,
        },
      },
      link: link === null ? null : { update: { ...link, source_hash: null } },
      memberships: null,
    },
  }
}

/**
 * The step for somebody whose userid belongs to another person now. Nothing is left of their access through WeCom, and
 * what came from there frees its address for the successor. What else becomes of them is policy.
 */
export function planDeparture(
  { user, link, memberships }: KnownUser,
  policy: 'ignore' | 'disable' | 'delete',
  now: number,
): Step<UserWrite> {
  const userid = link?.userid ?? ''
  const removal = removalOfAbsent(user, userid, isProtected(user) ? 'ignore' : policy)
  const left = removal && planUserRemoval(removal, { user, link: null, memberships }, { kind: 'apply' }, now)
  const write = left?.write?.user
  const fields: SourceFields = write && 'update' in write ? write.update : user
  const unlink = change({
    entity: 'link',
    action: 'unlink',
    externalId: userid,
    targetId: user.id,
    name: user.display_name,
    reason: 'userid-reused',
  })
  const isFromWecom = user.email_source !== 'manual'
  const address = isFromWecom ? { email: null, email_key: null, email_verified: 0, email_source: null } : {}
  return {
    changes: [unlink, ...(left?.changes ?? []).map((entry) => ({ ...entry, reason: 'userid-reused' }))],
    write: {
      userId: user.id,
      user: { update: { ...fields, ...address, updated_at: now } },
      link: { leave: now },
      memberships: null,
    },
  }
}

/** What stands in the way of deleting departments. */
export interface DepartmentObstacles {
  /** Departments with memberships that somebody made by hand. */
  readonly withManualMembers: ReadonlySet<string>
  /** Every department of the organization, to see who is below whom. */
  readonly all: readonly Row<'departments'>[]
  /** What WeCom gave people in these departments, to be given back if this is undone. */
  readonly memberships: readonly Row<'memberships'>[]
}

/**
 * The steps for departments that WeCom has no more, children first. One that holds something of ours, or has a child that
 * stays, stays itself and says so: nobody is moved silently.
 */
export function planDepartmentRemovals(
  removals: readonly DepartmentRemoval[],
  { withManualMembers, all, memberships }: DepartmentObstacles,
  permissionOf: (removal: DepartmentRemoval) => Permission,
): Step<DepartmentWrite>[] {
  const wanted = new Map(removals.map((removal) => [removal.departmentId, removal]))
  const children = Map.groupBy(all, ({ parent_id }) => parent_id)
  const rows = new Map(all.map((row) => [row.id, row]))
  const members = Map.groupBy(memberships, ({ department_id }) => department_id)
  const goes = new Map<string, boolean>()
  const steps: Step<DepartmentWrite>[] = []
  for (const removal of childrenFirst(removals, children, wanted)) {
    const id = removal.departmentId
    const isParent = (children.get(id) ?? []).some((child) => goes.get(child.id) !== true)
    const permission = permissionOf(removal)
    const row = rows.get(id)
    const obstacle = withManualMembers.has(id) ? 'has-manual-members' : isParent ? 'has-departments-that-stay' : null
    const entry = change({
      entity: 'department',
      action: 'delete',
      externalId: removal.externalId,
      targetId: id,
      name: removal.name,
      before: row === undefined ? null : shownDepartment(row),
      reason: removal.cause ?? 'not-in-wecom',
    })
    const isHeld = permission.kind === 'hold'
    goes.set(id, permission.kind === 'apply' && obstacle === null)
    if (isHeld) steps.push({ changes: [{ ...entry, state: 'held' }], write: null })
    else if (permission.kind === 'skip' || obstacle !== null) {
      const reason = permission.kind === 'skip' ? permission.reason : obstacle
      steps.push({ changes: [{ ...entry, state: 'skipped', reason }], write: null })
    } else {
      const inverse = row === undefined ? null : inverseOfDeletion(row, members.get(id) ?? [])
      steps.push({ changes: [{ ...entry, inverse }], write: { delete: id } })
    }
  }
  return steps
}

/** What is deleted with a department and not among its fields. */
export interface DeletedDepartment extends Fields {
  readonly corpId: string
  readonly createdAt: number
  readonly members: readonly (readonly [userId: string, isMain: number, order: number, isLeader: number])[]
}

function inverseOfDeletion(row: Row<'departments'>, memberships: readonly Row<'memberships'>[]): DeletedDepartment {
  return {
    corpId: row.corp_id!,
    createdAt: row.created_at,
    members: memberships.map(({ user_id, is_main, position, is_leader }) => [user_id, is_main, position, is_leader]),
  }
}

function childrenFirst(
  removals: readonly DepartmentRemoval[],
  children: ReadonlyMap<string | null, readonly Pick<Row<'departments'>, 'id'>[]>,
  wanted: ReadonlyMap<string, DepartmentRemoval>,
): DepartmentRemoval[] {
  const below = new Set(removals.flatMap(({ departmentId }) => (children.get(departmentId) ?? []).map(({ id }) => id)))
  const ordered = removals.filter(({ departmentId }) => !below.has(departmentId))
  for (let next = 0; next < ordered.length; next++) {
    for (const { id } of children.get(ordered[next]!.departmentId) ?? []) {
      const removal = wanted.get(id)
      if (removal !== undefined) ordered.push(removal)
    }
  }
  return ordered.reverse()
}
