/**
 * Explains one person (product.md §4.6): asks WeCom for them by name and rehearses a run in which nobody else exists, with
 * the reader and the plan that runs use. Writes nothing, not even a record; what it found is put into words by
 * plan/telling.ts.
 */
import { WecomError, type Member } from '@muster/wecom'
import { sql } from 'kysely'
import type { Audit } from '../audit/audit.ts'
import { wecomProblem } from '../connections/wecom-problem.ts'
import type { Database, Row } from '../database/database.ts'
import * as comparison from '../directory/comparison.ts'
import { foldName, storable } from '../directory/names.ts'
import type { Users } from '../directory/users.ts'
import type { Problem, Text } from '../errors.ts'
import type { NewId } from '../ids.ts'
import type { Change } from './plan/changes.ts'
import { fieldsMissing, ID_FIELDS, shownFields, type WantedUser } from './plan/mapping.ts'
import { departmentsIn, tell, tellAccount, type Sight, type ToldStep } from './plan/telling.ts'
import { compile } from './compiled-mapping.ts'
import type { CompiledMapping } from './plan/rules.ts'
import { askByName, knownLinks, lookalikes, mayGoOn, readScene, type Calls, type Scene } from './named-people.ts'
import type { Snapshot } from './read/snapshot.ts'
import type { Answer } from './read/some-people.ts'
import { reconcile } from './reconcile.ts'
import { noCounts } from './runs.ts'
import type { SyncSource } from './carrying-out.ts'

/** Each costs a call; more than two of them make any match ambiguous. */
const MOST_LOOKALIKES = 5

/** What explaining needs to know about a connection. */
export interface ExplainSource {
  readonly source: SyncSource
  readonly displayName: string
  readonly isSyncOn: boolean
}

export interface Explanation {
  readonly steps: readonly ToldStep[]
  /** Whom the member is linked to, or would be linked to; null when that is nobody yet. */
  readonly userId: string | null
  /** What a run would record about this person. Ids of what does not exist yet are null. */
  readonly changes: readonly Change[]
  /** Null when there is no account. */
  readonly access: AccountState | null
}

/** Why an account can be used, or not. Times are milliseconds since 1970. */
export interface AccountState {
  readonly status: string
  readonly disabledBy: string | null
  readonly since: number
  /** The run that made it so; null when it was a person. */
  readonly runId: string | null
  readonly detail: Text
}

export interface ExplainParts {
  readonly database: Database
  readonly audit: Audit
  readonly users: Users
  readonly newId: NewId
  readonly now: () => number
  /** @throws AppError `connections/not-found`, `connections/incomplete` */
  readonly sourceOf: (connectionId: string, userid: string) => Promise<ExplainSource>
  /** Of one question as a whole; below the time after which clients and proxies give up. */
  readonly timeoutMs?: number
}

export type Explain = ReturnType<typeof createExplain>

export function createExplain(parts: ExplainParts) {
  const { database, timeoutMs = 20_000 } = parts

  /** @throws AppError `connections/not-found`, `connections/incomplete` */
  return async function explain(connectionId: string, userid: string): Promise<Explanation> {
    const { source, displayName, isSyncOn } = await parts.sourceOf(connectionId, userid)
    const key = foldName(userid)
    const [link = null] = await comparison.linksOf(database, source, [key])
    const mapping = await compile(source.settings.mapping)
    const heard = await ask(source, mapping, userid, link, {
      signal: AbortSignal.timeout(timeoutMs),
      priority: 'interactive',
    })
    const rehearsal = heard.kind === 'read' ? await rehearse(source, mapping, key, heard) : NOT_REHEARSED
    const { changes } = rehearsal
    const user = await userOf(link, rehearsal)
    const departments = await departmentNames(rehearsal)

    return {
      steps: tell({
        userid,
        connection: displayName,
        isSyncOn,
        policy: source.settings,
        sight: heard.kind === 'read' ? heard.sight : heard,
        isComplete: heard.kind === 'read' && heard.reading.isComplete,
        isAbsenceKnown: heard.kind === 'read' && !heard.reading.individualsUnknown,
        link,
        user,
        changes,
        isUnchanged: rehearsal.isUnchanged,
        isAsApplied: rehearsal.isAsApplied,
        nameOfDepartment: (id) => departments.get(id),
      }),
      userId: user?.id ?? null,
      changes: changes.map((change) => withoutMadeUp(change, rehearsal.madeUp)),
      access: user === null ? null : await accountState(user),
    }
  }

  async function ask(
    source: SyncSource,
    mapping: CompiledMapping,
    userid: string,
    link: Row<'links'> | null,
    calls: Calls,
  ): Promise<Heard> {
    const key = foldName(userid)
    const answers = await askByName(source, [userid], calls)
    const answer = answers.get(key)!
    if (answer instanceof WecomError && !mayGoOn(answer)) {
      return { kind: 'unanswered', problem: wecomProblem(answer)! }
    }
    const others =
      link === null && !(answer instanceof WecomError) ? await linkedLookalikes(source, mapping, answer) : []
    const userids = others.map(({ userid: other }) => other)
    for (const [other, said] of await askByName(source, userids, calls)) answers.set(other, said)
    try {
      const scene = await readScene(source, mapping, answers, knownLinks(link === null ? others : [link]), calls)
      const sight = sightOf(key, userid, answer, { ...scene, mapping })
      return sight.kind === 'unanswered' ? sight : { kind: 'read', sight, ...scene }
    } catch (error) {
      const problem: Problem | undefined = calls.signal.aborted ? { code: 'wecom/timeout' } : wecomProblem(error)
      if (problem === undefined) throw error
      return { kind: answer instanceof WecomError ? 'unanswered' : 'departments-unread', problem }
    }
  }

  async function linkedLookalikes(source: SyncSource, mapping: CompiledMapping, member: Member) {
    const keys = await lookalikes(database, source, mapping, [member])
    return comparison.linksOf(database, source, keys.slice(0, MOST_LOOKALIKES))
  }

  /** A run of one person, of which nothing is kept. The guard is left out: it is about everybody together. */
  async function rehearse(
    source: SyncSource,
    mapping: CompiledMapping,
    key: string,
    heard: HeardWhole,
  ): Promise<Rehearsal> {
    const { reading, snapshot, links, gone } = heard
    const madeUp = new Set<string>()
    const all: Change[] = []
    const newId: NewId = (kind) => {
      const id = parts.newId(kind)
      madeUp.add(id)
      return id
    }
    await reconcile(
      { ...parts, newId },
      snapshot,
      {
        runId: '',
        organizationId: source.organizationId,
        connectionId: source.connectionId,
        corpId: source.corpId,
        isPreview: true,
        isComplete: reading.isComplete,
        isAbsenceKnown: !reading.individualsUnknown,
        policy: { ...source.settings, emails: mapping.emails },
        approved: null,
        inTurn: null,
        confirmGone: (userids) =>
          Promise.resolve({ gone: new Set(userids.filter((userid) => gone.has(foldName(userid)))), unread: [] }),
        earlier: { nextPosition: 0, users: new Set(), departments: new Set() },
        links,
        signal: new AbortController().signal,
        fence: () => Promise.resolve(),
        onProgress: () => {},
        onDecided: (decided) => all.push(...decided),
      },
      noCounts(),
    )
    const changes = all.filter(
      ({ entity, externalId }) => entity !== 'department' && foldName(externalId ?? '') === key,
    )
    const isRight = changes.length === 0 && links.has(key) && snapshot.wasSeen(key)
    return {
      changes,
      departments: all.filter(({ entity }) => entity === 'department'),
      isUnchanged: isRight,
      isAsApplied: isRight && links.get(key)?.hash !== null && mapped(snapshot, key) === undefined,
      madeUp,
    }
  }

  /** Who is linked; else whom the plan is about, if that is somebody who exists. */
  async function userOf(link: Row<'links'> | null, { changes, madeUp }: Rehearsal): Promise<Row<'users'> | null> {
    const isSomebody = ({ state, targetId }: Change) =>
      state === 'planned' && targetId !== null && !madeUp.has(targetId)
    const id = link?.user_id ?? changes.find(isSomebody)?.targetId
    return id == null ? null : (await parts.users.get(id)).user
  }

  async function departmentNames({ changes, departments }: Rehearsal): Promise<Map<string, string>> {
    const ids = changes.flatMap(({ before, after }) => [...departmentsIn(before), ...departmentsIn(after)])
    const names = await comparison.departmentNames(database, ids)
    // As they are called once this run is over.
    for (const { targetId, name } of departments) if (targetId !== null && name !== null) names.set(targetId, name)
    return names
  }

  async function accountState(user: Row<'users'>): Promise<AccountState> {
    const { status, disabled_by: disabledBy } = user
    const deeds = DEEDS[status] ?? []
    const { items } = await parts.audit.list({
      limit: 1,
      cursor: null,
      targetId: user.id,
      matches: sql<boolean>`action in (${sql.join(deeds)})`,
    })
    const entry = items[0]
    const { runId, reason } = JSON.parse(entry?.details ?? '{}') as { runId?: string; reason?: string }
    const since = entry?.at ?? user.deleted_at ?? user.created_at
    return {
      status,
      disabledBy,
      since,
      runId: runId ?? null,
      detail: tellAccount({ status, disabledBy, since, runId, by: entry?.actor_name, reason }),
    }
  }
}

type Heard = Extract<Sight, { kind: 'unanswered' | 'departments-unread' }> | HeardWhole

/** WeCom answered, and so did its departments. */
interface HeardWhole extends Scene {
  readonly kind: 'read'
  readonly sight: Sight
}

interface Rehearsal {
  /** About the person. */
  readonly changes: readonly Change[]
  readonly departments: readonly Change[]
  readonly isUnchanged: boolean
  readonly isAsApplied: boolean
  /** Ids of what would be created. */
  readonly madeUp: ReadonlySet<string>
}

const NOT_REHEARSED: Rehearsal = {
  changes: [],
  departments: [],
  isUnchanged: false,
  isAsApplied: false,
  madeUp: new Set(),
}

function sightOf(
  key: string,
  userid: string,
  answer: Answer,
  { snapshot, mapping, gone }: { snapshot: Snapshot; mapping: CompiledMapping; gone: ReadonlySet<string> },
): Sight {
  const isMember = !(answer instanceof WecomError)
  const name = storable(isMember ? (answer.name ?? userid) : userid)
  if (snapshot.wasSeen(key)) {
    return {
      kind: 'listed',
      name,
      status: !isMember ? undefined : answer.isEnabled === false ? 2 : answer.status,
      withheld: isMember ? fieldsMissing(shownFields(answer), mapping) : fieldsMissing(ID_FIELDS, mapping),
      departments: placesOf(key, answer, snapshot),
    }
  }
  if (isMember) return { kind: 'unlisted', name }
  return gone.has(key) ? { kind: 'gone', code: answer.errcode } : { kind: 'unanswered', problem: wecomProblem(answer)! }
}

/** Names of the visible departments; null when it is not known which ones they are. */
function placesOf(key: string, answer: Answer, snapshot: Snapshot): string[] | null {
  const ids =
    mapped(snapshot, key)?.memberships?.map(({ department }) => department) ??
    (answer instanceof WecomError ? undefined : answer.departments?.map(({ id }) => id))
  if (ids === undefined) return null
  const places = new Set(ids)
  return snapshot.departments.filter(({ id }) => places.has(id)).map((one) => one.name ?? String(one.id))
}

/** The person as the plan sees them; undefined when they are as they were last applied. */
function mapped(snapshot: Snapshot, key: string): WantedUser | undefined {
  return [...snapshot.changed.slices()].flat().find((person) => person.key === key)
}

/** An id that was given only for the rehearsal would lead nowhere. */
function withoutMadeUp(change: Change, madeUp: ReadonlySet<string>): Change {
  const isMadeUp = (value: unknown) => typeof value === 'string' && madeUp.has(value)
  return JSON.parse(JSON.stringify(change, (_, value: unknown) => (isMadeUp(value) ? null : value))) as Change
}

/** The deeds that can have brought an account into its status. */
const DEEDS: Readonly<Record<string, readonly string[]>> = {
  active: ['user.enable', 'user.restore'],
  disabled: ['user.disable', 'user.restore'],
  deleted: ['user.delete'],
}
