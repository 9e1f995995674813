/**
 * Collects the removals of a run and asks whether they may happen now: everything read, the guard content or an
 * administrator's approval, and WeCom asked once more by name. The questions by name go on while the run does what does
 * not depend on their answers. Called by reconcile.ts only.
 */
import type { Database, Executor, Row } from '../database/database.ts'
import * as comparison from '../directory/comparison.ts'
import { enoughToLose, guard, type GuardFacts, type GuardSettings, type Verdict } from './plan/guard.ts'
import type { HeldRemovals } from './plan/held-removals.ts'
import type { KnownLinks } from './plan/matching.ts'
import {
  removalKey,
  removalOfAbsent,
  type DepartmentRemoval,
  type Permission,
  type UserRemoval,
} from './plan/removals.ts'
import type { Warning } from './runs.ts'
import type { Confirmation } from './read/confirmation.ts'
import type { Snapshot, Unread } from './read/snapshot.ts'

export interface JudgementOptions {
  readonly organizationId: string
  readonly connectionId: string
  readonly corpId: string
  /** Whether the snapshot covers everything the credential may see. */
  readonly isComplete: boolean
  /** Not when people may be visible without being on any list that was read. */
  readonly isAbsenceKnown: boolean
  readonly policy: {
    readonly onlyHereUsers: 'ignore' | 'disable' | 'delete'
    readonly onlyHereDepartments: 'ignore' | 'delete'
    readonly onlyWecomDepartments: 'create' | 'ignore'
    readonly guard: GuardSettings
  }
  readonly links: KnownLinks
  /** In a run of events: nothing is concluded from the absence of anybody else. */
  readonly hinted?: Hinted | undefined
  /** When the reading began: what WeCom said by name since then is newer. */
  readonly readSince?: number | undefined
  /** The removals that an administrator approved; nothing else is removed then. Null asks the guard. */
  readonly approved: ReadonlySet<string> | null
  /** Null for whoever asks about one person: the guard judges the removals of a whole run, so it has nothing to say. */
  readonly inTurn: InTurn | null
  /**
   * Asks WeCom about people who were not on any list, because somebody may move from one list to another while they are
   * read.
   * @param signal ends it
   */
  readonly confirmGone: (userids: readonly string[], signal: AbortSignal) => Promise<Confirmation>
  readonly signal: AbortSignal
}

/** What WeCom said about some people and departments by their names, in events and when it was asked. */
export interface Hinted {
  /** When it was asked; our clock. */
  readonly askedAt: number
  /** Folded userids that it said were deleted, and that it does not know any more. */
  readonly deletedUsers: ReadonlySet<string>
  /** Folded userids that it said were deleted, and that it shows: whoever has them may be somebody else by now. */
  readonly returned: ReadonlySet<string>
  /** WeCom ids of departments that it said were deleted. */
  readonly deletedDepartments: ReadonlySet<string>
  /** WeCom ids of all departments that it named. */
  readonly departments: ReadonlySet<string>
  /** Whether the list of departments was read; else they are as they are known here. */
  readonly isTreeRead: boolean
  /** Under which linked userid people were known before, by the folded one that they have now. */
  readonly renames: ReadonlyMap<string, string>
  /** Told about everybody who is not as they were when this run looked at them, by folded userid. */
  readonly onLeftOut: (key: string) => void
}

/** Lets a run be judged while no other one of its connection is, and keeps what it was allowed; see claims.ts. */
export type InTurn = (judge: (on: Executor, besides: RemovalsBesides) => Promise<Judged>) => Promise<Verdict>

export interface Judged {
  readonly verdict: Verdict
  /** What it may remove now, as `removalKey` names it. */
  readonly allowed: readonly string[]
}

/** Removals that count for the guard besides those of the run. */
export interface RemovalsBesides {
  /** Of the last 24 hours, that nobody approved. */
  readonly users: number
  readonly departments: number
  /** What waits for a person already, and what another run is about to remove, as `removalKey` names it. */
  readonly planned: ReadonlySet<string>
}

const PAGE = 5_000

/** All removals of a run, and what becomes of each. */
export interface Removals {
  /** People whom WeCom shows no more. */
  readonly absent: readonly UserRemoval[]
  readonly departments: readonly DepartmentRemoval[]
  /** For departments, and for people whom WeCom shows as disabled. For the absent it is asked for by `confirmation`. */
  readonly permissionOf: (entity: 'user' | 'department', action: string, id: string) => Permission
  readonly held: HeldRemovals | null
  /** Whether others can be written first, while WeCom is asked: not when a removal may free an address they need. */
  readonly mayWait: boolean
  /** Everybody who would be removed is being asked for by name. Nobody absent is removed before it is there. */
  readonly confirmation: Promise<Confirmed>
  /** Asks no further, and resolves when nothing is being asked any more. Without effect once everything is answered. */
  readonly stopAsking: () => Promise<void>
}

/** What becomes of the absent, now that WeCom has answered. */
export interface Confirmed {
  readonly permissionOf: Removals['permissionOf']
  /** Users who are deleted by this run, so that their addresses are free. */
  readonly freed: ReadonlySet<string>
  /** Who seems gone and could not be asked for. */
  readonly unread: readonly Unread[]
}

/** Who may lose something in this run. */
export interface Candidates {
  /** Folded userids that are linked and were not seen. */
  readonly absent: readonly string[]
  readonly disabled: readonly UserRemoval[]
  /** Users who are seen under another userid. */
  readonly renamed: ReadonlySet<string>
  /** Users who stay as they are while a person decides whether they are somebody whom WeCom shows. */
  readonly undecided: ReadonlySet<string>
}

/** Nothing is concluded from absence unless everything was read; then the guard, or an approval, has its say. */
export async function judgeRemovals(
  database: Database,
  snapshot: Snapshot,
  knownDepartments: readonly Row<'departments'>[],
  { absent: missing, disabled, renamed, undecided }: Candidates,
  options: JudgementOptions,
  warnings: Warning[],
): Promise<Removals> {
  if (!options.isComplete) {
    const permission: Permission = { kind: 'skip', reason: 'incomplete-reading' }
    const permissionOf = () => permission
    return {
      absent: [],
      departments: [],
      permissionOf,
      held: null,
      mayWait: false,
      confirmation: Promise.resolve({ permissionOf, freed: new Set<string>(), unread: [] }),
      stopAsking: () => Promise.resolve(),
    }
  }
  const { policy } = options
  const { hinted, readSince = Infinity } = options
  const left = hinted === undefined ? missing : missing.filter((key) => hinted.deletedUsers.has(key))
  const { absent, exempt, stayActive } = await absentPeople(database, left, renamed, undecided, options)
  if (stayActive > 0) warnings.push(leaversStay(stayActive))
  const shown = new Set(snapshot.departments.map(({ id }) => String(id)))
  const lost = knownDepartments.filter(
    ({ external_id, asked_at }) =>
      !shown.has(external_id!) &&
      (hinted === undefined ? (asked_at ?? -1) < readSince : hinted.deletedDepartments.has(external_id!)),
  )
  const departments = policy.onlyHereDepartments === 'ignore' ? [] : lost.map(asDepartmentRemoval)

  // A root is lost once; what stays here after somebody has agreed to that is not lost again in every run.
  const lostRoots = lost
    .filter(({ parent_id, missing_since }) => parent_id === null && missing_since === null)
    .map(({ name }) => name)
  const planned = { users: absent.length + disabled.length - exempt.size, departments: departments.length }
  const leaving = absent.filter(({ userId }) => !exempt.has(userId))
  const keys = keysOf([...leaving, ...disabled], departments)
  const verdict =
    planned.users + planned.departments === 0 || options.inTurn === null
      ? NOTHING_TO_HOLD
      : await options.inTurn(async (on, besides) => {
          const known = { knownDepartments, lostRoots }
          const said = guard(
            await guardFacts(on, snapshot, { planned, keys, besides, ...known }, options),
            policy.guard,
          )
          const isAllowed = { user: said.users.length === 0, department: said.departments.length === 0 }
          return { verdict: said, allowed: keys.filter((key) => isAllowed[entityOf(key)]) }
        })
  const isHeld = {
    user: options.approved === null && verdict.users.length > 0,
    department: options.approved === null && verdict.departments.length > 0,
  }

  const mayGo = leaving.filter(({ action, userId }) => isWanted(options.approved, 'user', action, userId))
  const permissionOf: Removals['permissionOf'] = (entity, action, id) => {
    const exemption = exempt.get(id)
    if (exemption !== undefined) return { kind: 'skip', reason: exemption }
    if (!isWanted(options.approved, entity, action, id)) return { kind: 'skip', reason: 'not-approved' }
    return isHeld[entity] ? { kind: 'hold' } : { kind: 'apply' }
  }
  const stop = new AbortController()
  const asked = isHeld.user ? [] : mayGo
  const confirmation = confirm(absent, asked, permissionOf, {
    ...options,
    signal: AbortSignal.any([options.signal, stop.signal]),
  })
  // Whoever waits for it hears of a failure; until then there may be nobody who does.
  confirmation.catch(() => {})
  const held = keys.filter((key) => isHeld[entityOf(key)])
  return {
    absent,
    departments,
    permissionOf,
    held: held.length === 0 ? null : { keys: held, reasons: [...verdict.users, ...verdict.departments] },
    mayWait: asked.length > 0 && asked.every(({ action }) => action === 'disable'),
    confirmation,
    async stopAsking() {
      stop.abort(new Error('the run does not need the answers any more'))
      await confirmation.catch(() => {})
    },
  }
}

/** Asks for all of them by name; whoever is not called gone stays. */
async function confirm(
  absent: readonly UserRemoval[],
  asked: readonly UserRemoval[],
  permissionBefore: Removals['permissionOf'],
  { confirmGone, signal }: Pick<JudgementOptions, 'confirmGone' | 'signal'>,
): Promise<Confirmed> {
  const { gone, unread } =
    asked.length === 0
      ? NOBODY_ASKED_FOR
      : await confirmGone(
          asked.map(({ userid }) => userid),
          signal,
        )
  const unconfirmed = new Set(asked.filter(({ userid }) => !gone.has(userid)).map(({ userId }) => userId))
  const permissionOf: Removals['permissionOf'] = (entity, action, id) => {
    const permission = permissionBefore(entity, action, id)
    const isUnsure = permission.kind === 'apply' && unconfirmed.has(id)
    return isUnsure ? { kind: 'skip', reason: 'not-confirmed' } : permission
  }
  return {
    permissionOf,
    freed: new Set(
      absent.flatMap(({ action, userId }) =>
        action === 'delete' && permissionOf('user', action, userId).kind === 'apply' ? [userId] : [],
      ),
    ),
    unread,
  }
}

const NOBODY_ASKED_FOR: Confirmation = { gone: new Set(), unread: [] }

/** What the guard is asked about. */
interface Judging {
  readonly planned: { readonly users: number; readonly departments: number }
  readonly keys: readonly string[]
  readonly besides: RemovalsBesides
  readonly knownDepartments: readonly Row<'departments'>[]
  readonly lostRoots: readonly string[]
}

const NOTHING_TO_HOLD: Verdict = { users: [], departments: [] }

/** Counted only when there is something to judge: in a large company counting takes longer than an unchanged run. */
async function guardFacts(
  on: Executor,
  snapshot: Snapshot,
  { planned, keys, besides, knownDepartments, lostRoots }: Judging,
  options: JudgementOptions,
): Promise<GuardFacts> {
  const ours = new Set(keys)
  const others = [...besides.planned].filter((key) => !ours.has(key))
  const othersOf = (entity: string) => others.filter((key) => entityOf(key) === entity).length
  // Whoever looks at a few does not see how many there are: for an event, nothing is said about the rest.
  const isHinted = options.hinted !== undefined
  const users = { planned: planned.users === 0 ? 0 : planned.users + othersOf('user'), recent: besides.users }
  return {
    users: {
      ...users,
      present: await comparison.activeLinkedUsers(on, options, enoughToLose(users, options.policy.guard)),
      read: isHinted ? 1 : snapshot.membersRead,
    },
    departments: {
      planned: planned.departments === 0 ? 0 : planned.departments + othersOf('department'),
      present: planned.departments === 0 ? knownDepartments.length : await stillThere(on, knownDepartments, options),
      recent: besides.departments,
      read: isHinted ? 1 : snapshot.departments.length,
    },
    lostRoots,
    // With the policy to create them, every department that was ever shown is known.
    neverHadDepartments: knownDepartments.length === 0 && options.policy.onlyWecomDepartments === 'create',
  }
}

/** What another run has deleted since this one looked is among the removals of the day. */
async function stillThere(
  on: Executor,
  known: readonly Row<'departments'>[],
  { connectionId, corpId }: JudgementOptions,
): Promise<number> {
  const now = new Set((await comparison.sourceDepartments(on, connectionId, corpId)).map(({ id }) => id))
  return known.filter(({ id }) => now.has(id)).length
}

function keysOf(people: readonly UserRemoval[], departments: readonly DepartmentRemoval[]): string[] {
  return [
    ...people.map(({ action, userId }) => removalKey('user', action, userId)),
    ...departments.map(({ departmentId }) => removalKey('department', 'delete', departmentId)),
  ]
}

function entityOf(key: string): 'user' | 'department' {
  return key.startsWith('user ') ? 'user' : 'department'
}

function isWanted(
  approved: ReadonlySet<string> | null,
  entity: 'user' | 'department',
  action: string,
  id: string,
): boolean {
  return approved === null || approved.has(removalKey(entity, action, id))
}

async function absentPeople(
  database: Database,
  missing: readonly string[],
  renamed: ReadonlySet<string>,
  undecided: ReadonlySet<string>,
  options: JudgementOptions,
): Promise<{ absent: UserRemoval[]; exempt: ReadonlyMap<string, string>; stayActive: number }> {
  const policy = options.policy.onlyHereUsers
  const absent: UserRemoval[] = []
  const exempt = new Map<string, string>()
  let stayActive = 0
  for (let start = 0; options.isAbsenceKnown && start < missing.length; start += PAGE) {
    const page = missing.slice(start, start + PAGE)
    const ids = page.map((key) => options.links.get(key)!.userId)
    const present = await comparison.presentUsers(database, ids)
    for (const [index, key] of page.entries()) {
      const userId = ids[index]!
      const user = present.get(userId)
      if (user === undefined || renamed.has(userId)) continue
      if (policy === 'ignore' && user.status === 'active') stayActive++
      if (user.isProtected) continue
      const removal = removalOfAbsent({ id: userId, status: user.status }, key, policy)
      if (removal === null) continue
      absent.push(removal)
      if (undecided.has(userId)) exempt.set(userId, 'under-review')
    }
    for (const id of await comparison.linkedElsewhere(database, options, ids)) exempt.set(id, 'linked-elsewhere')
    await database.breathe()
  }
  const planned = new Set(absent.map(({ userId }) => userId))
  return { absent, exempt: new Map([...exempt].filter(([id]) => planned.has(id))), stayActive }
}

function asDepartmentRemoval({ id, external_id, name }: Row<'departments'>): DepartmentRemoval {
  return { departmentId: id, externalId: external_id!, name }
}

function leaversStay(count: number): Warning {
  return {
    code: 'leavers-stay-active',
    detail: {
      en: `${count} active people are not in WeCom any more and stay, because the policy for them is ignore.`,
      zh: `${count} 位在职用户已不在企业微信中；按当前策略（ignore）保留。`,
    },
  }
}
