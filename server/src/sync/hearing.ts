/**
 * What WeCom says about everything that hints name: asks for everybody by name, for whoever they may have been renamed
 * from, and for others here who may be the same person, and reads the departments where that is needed. Called by
 * hint-work.ts.
 */
import { WecomError, type Department, type Member, type RejectedRow } from '@muster/wecom'
import { isFatal, wecomProblem } from '../connections/wecom-problem.ts'
import type { Database, Row } from '../database/database.ts'
import * as comparison from '../directory/comparison.ts'
import { foldName } from '../directory/names.ts'
import { AppError, type Problem } from '../errors.ts'
import { mappingSettings, type SyncSource } from './carrying-out.ts'
import type { DepartmentHint, Hint, MemberHint } from './hints.ts'
import type { Hinted } from './judgement.ts'
import { askByName, isIdsOnly, knownLinks, lookalikes, readScene, type Calls } from './named-people.ts'
import { departmentKey, useridsOf, type HeardOfHints } from './plan/hint-outcomes.ts'
import type { KnownLinks } from './plan/matching.ts'
import { followRenames, formerOf, isUnexplained, type Rename } from './plan/renames.ts'
import type { CompiledMapping } from './plan/rules.ts'
import { onceMoreIfGarbled } from './read/asking.ts'
import { createSnapshot, type Snapshot } from './read/snapshot.ts'
import type { Answer } from './read/some-people.ts'

/** Renames that belong together come within hours. Later, the name may be somebody else's, who must not inherit an account. */
const ALIAS_GOOD_FOR_MS = 24 * 60 * 60 * 1_000

/** What WeCom said about everything that the hints name, for the run and for what becomes of each hint. */
export interface Heard extends Omit<Hinted, 'askedAt' | 'onLeftOut'>, HeardOfHints {
  readonly snapshot: Snapshot
  readonly links: KnownLinks
  readonly isGone: (key: string) => boolean
  /** Under which name somebody may be known next who is gone under every name they had. */
  readonly nextNames: readonly { readonly link: Row<'links'>; readonly key: string }[]
}

/** @param askedAt now; what was noted about names long before does not count any more */
export async function hear(
  database: Database,
  source: SyncSource,
  mapping: CompiledMapping,
  hints: readonly Hint[],
  { askedAt, isRunActive }: { readonly askedAt: number; readonly isRunActive: boolean },
  calls: Calls,
): Promise<Heard> {
  const members = hints.filter((hint) => hint.kind === 'user')
  const departments = hints.filter((hint) => hint.kind === 'department')
  const userids = new Map(members.flatMap((hint) => useridsOf(hint).map((userid) => [foldName(userid), userid])))
  const links = byKey(await comparison.linksOf(database, source, [...userids.keys()]))
  const renames = members.flatMap(renameOf)
  const aliases = await comparison.linksByAlias(
    database,
    source,
    renames.flatMap(({ from }) => (links.has(from) ? [] : [from])),
    askedAt - ALIAS_GOOD_FOR_MS,
  )
  for (const link of aliases.values()) {
    links.set(link.userid_key, link)
    userids.set(link.userid_key, link.userid)
  }
  const known = {
    isLinked: (key: string) => links.has(key),
    formerlyKnownAs: (key: string) => aliases.get(key)?.userid_key,
  }
  const waiting = keysOfWaiting(members, renames, known)

  const answers = await askAll(source, [...userids.values()], calls)
  calls.signal.throwIfAborted()
  const unanswered = new Map<string, Problem>()
  takeOutUnanswered(answers, unanswered)
  for (const key of waiting) answers.delete(key)
  const newcomers = [...answers].flatMap(([key, answer]) =>
    answer instanceof WecomError || links.has(key) ? [] : [answer],
  )
  await addLookalikes(database, source, mapping, newcomers, { answers, links, unanswered }, calls)
  // About whom nothing is known now nothing is concluded either.
  for (const key of unanswered.keys()) links.delete(key)
  for (const key of waiting) links.delete(key)

  const entries = knownLinks([...links.values()])
  const isByIds =
    (source.hasVisibleRange && source.contacts !== null) ||
    [...answers.values()].some((answer) => answer instanceof WecomError && isIdsOnly(answer))
  const scene = isByIds
    ? await readByIds(source, mapping, answers, entries, calls)
    : await readByName(database, source, mapping, answers, entries, departments, calls)
  const isGone = (key: string) => scene.gone.has(key)
  // Refused by name and on no list that would tell: nobody knows.
  for (const [key, answer] of answers) {
    if (answer instanceof WecomError && !isGone(key) && !scene.snapshot.wasSeen(key)) {
      unanswered.set(key, wecomProblem(answer)!)
    }
  }
  return {
    ...scene,
    isGone,
    links: entries,
    isRunActive,
    waiting,
    unanswered: new Map([...unanswered, ...scene.unplaced]),
    renames: spelled(
      followRenames(renames, { ...known, isGone: (key) => !scene.snapshot.wasSeen(key) }),
      links,
      isGone,
    ),
    // Who is known under a name that nobody has may be known under the next one soon.
    nextNames: renames.flatMap(({ from, to }) => {
      const link = links.get(from) ?? aliases.get(from)
      return link !== undefined && isGone(link.userid_key) && isGone(to) && !links.has(to) ? [{ link, key: to }] : []
    }),
    deletedUsers: new Set(
      members
        .filter(({ isDelete }) => isDelete)
        .map(({ userid }) => foldName(userid))
        .filter(isGone)
        .flatMap((key) => formerOf(key, renames, { ...known, isGone }) ?? []),
    ),
    returned: new Set(
      members
        .filter(({ isDelete }) => isDelete)
        .map(({ userid }) => foldName(userid))
        .filter(scene.snapshot.wasSeen),
    ),
    departments: new Set(departments.map(({ id }) => String(id))),
    deletedDepartments: new Set(
      isRunActive
        ? []
        : departments.filter(({ id, isDelete }) => isDelete && !scene.isDoubtful(id)).map(({ id }) => String(id)),
    ),
  }
}

/** What a run would see of the people whom hints name. */
interface SceneOfHints {
  readonly snapshot: Snapshot
  readonly gone: ReadonlySet<string>
  readonly isTreeRead: boolean
  /** What the list of departments would have to tell, and could not be read. */
  readonly unplaced: ReadonlyMap<string, Problem>
  /** Whether a department may be among those that WeCom sent in a form that cannot be read. */
  readonly isDoubtful: (id: number) => boolean
}

type Links = Map<string, Row<'links'>>

/** Others here who may be one of the newcomers are part of the scene, and asked for as well. */
async function addLookalikes(
  database: Database,
  source: SyncSource,
  mapping: CompiledMapping,
  newcomers: readonly Member[],
  { answers, links, unanswered }: { answers: Map<string, Answer>; links: Links; unanswered: Map<string, Problem> },
  calls: Calls,
): Promise<void> {
  const keys = await lookalikes(database, source, mapping, newcomers)
  const others = await comparison.linksOf(
    database,
    source,
    keys.filter((key) => !links.has(key)),
  )
  const said = await askByName(
    source,
    others.map(({ userid }) => userid),
    calls,
  )
  const problems = new Map<string, Problem>()
  takeOutUnanswered(said, problems)
  for (const [key, answer] of said) answers.set(key, answer)
  for (const link of others) if (!problems.has(link.userid_key)) links.set(link.userid_key, link)
  const [problem] = problems.values()
  if (problem === undefined) return
  // Who the newcomers are may depend on whoever gave no answer.
  for (const { userid } of newcomers) {
    answers.delete(foldName(userid))
    unanswered.set(foldName(userid), problem)
  }
}

/** Where only ids tell who there is, everything is read that a run reads, without the people. */
async function readByIds(
  source: SyncSource,
  mapping: CompiledMapping,
  answers: ReadonlyMap<string, Answer>,
  links: KnownLinks,
  calls: Calls,
): Promise<SceneOfHints> {
  const { reading, snapshot, gone } = await readScene(source, mapping, answers, links, calls)
  const [unread] = reading.unread
  // What is missing may be in what was not read.
  if (unread !== undefined) throw new AppError(unread.problem.code, unread.problem)
  return { snapshot, gone, isTreeRead: true, unplaced: new Map(), isDoubtful: () => false }
}

/** A credential that shows people by name: all that is needed besides is where the departments are. */
async function readByName(
  database: Database,
  source: SyncSource,
  mapping: CompiledMapping,
  answers: ReadonlyMap<string, Answer>,
  links: KnownLinks,
  hinted: readonly DepartmentHint[],
  calls: Calls,
): Promise<SceneOfHints> {
  const shown = [...answers].flatMap(([key, answer]) => (answer instanceof WecomError ? [] : [{ key, member: answer }]))
  const here = await comparison.sourceDepartments(database, source.connectionId, source.corpId)
  const known = here.filter(({ missing_since }) => missing_since === null).map(asDepartment)
  const ids = new Set(known.map(({ id }) => id))
  const elsewhere = shown.filter(({ member }) => member.departments?.some(({ id }) => !ids.has(id)) === true)
  const isNeeded = hinted.length > 0 || elsewhere.length > 0
  const tree = isNeeded ? await departmentsOf(source, calls) : null
  const unplaced = new Map<string, Problem>()
  if (tree !== null && 'problem' in tree) {
    for (const { key } of elsewhere) unplaced.set(key, tree.problem)
    for (const { id } of hinted) unplaced.set(departmentKey(id), tree.problem)
  }
  const read = tree !== null && 'departments' in tree ? tree : null
  const builder = createSnapshot(links, mappingSettings(source.settings, mapping))
  builder.addDepartments(read?.departments ?? known, read?.rejected ?? [])
  builder.addMembers(
    shown.filter(({ key }) => !unplaced.has(key)).map(({ member }) => member),
    [],
  )
  const gone = [...answers].filter(([, answer]) => isUnknown(answer)).map(([key]) => key)
  const isDoubtful = (id: number) =>
    read?.rejected.some(({ departmentId }) => departmentId === undefined || departmentId === id) === true
  return { snapshot: builder.finish(), gone: new Set(gone), isTreeRead: read !== null, unplaced, isDoubtful }
}

function renameOf({ userid, newUserid }: MemberHint): Rename[] {
  const [from, to] = [foldName(userid), foldName(newUserid ?? userid)]
  return from === to ? [] : [{ from, to }]
}

/** Once: afterwards whoever has the new userid counts as somebody new. */
function keysOfWaiting(
  members: readonly MemberHint[],
  renames: readonly Rename[],
  known: { isLinked: (key: string) => boolean; formerlyKnownAs: (key: string) => string | undefined },
): Set<string> {
  const context = { ...known, isGone: () => false }
  return new Set(
    members
      .filter(({ attempt }) => attempt === 1)
      .flatMap(renameOf)
      .filter((rename) => isUnexplained(rename, renames, context))
      .map(({ to }) => to),
  )
}

function byKey(links: readonly Row<'links'>[]): Links {
  return new Map(links.map((link) => [link.userid_key, link]))
}

/** With the userids as they are written here. */
function spelled(
  renames: ReadonlyMap<string, string>,
  links: Links,
  isGone: (key: string) => boolean,
): Map<string, string> {
  return new Map(
    [...renames].flatMap(([to, from]) => {
      const link = links.get(from)
      return link === undefined || !isGone(from) ? [] : [[to, link.userid]]
    }),
  )
}

/** A credential that only reads ids says so to the first question; there is no use in putting the others. */
async function askAll(source: SyncSource, userids: readonly string[], calls: Calls): Promise<Map<string, Answer>> {
  if (source.hasVisibleRange || userids.length < 2) return askByName(source, userids, calls)
  const answers = await askByName(source, userids.slice(0, 1), calls)
  const [first] = answers.values()
  if (first instanceof WecomError && isIdsOnly(first)) {
    return new Map(userids.map((userid) => [foldName(userid), first]))
  }
  for (const [key, answer] of await askByName(source, userids.slice(1), calls)) answers.set(key, answer)
  return answers
}

/** Moves what is no answer about the person from the answers to the problems. @throws WecomError when asking on is pointless */
function takeOutUnanswered(answers: Map<string, Answer>, unanswered: Map<string, Problem>): void {
  for (const [key, answer] of answers) {
    if (!(answer instanceof WecomError)) continue
    if (isIdsOnly(answer) || isUnknown(answer)) continue
    if (isFatal(answer)) throw answer
    answers.delete(key)
    unanswered.set(key, wecomProblem(answer)!)
  }
}

/** By the exact code: an unknown agent is "not found" too, and says nothing about people. */
function isUnknown(answer: Answer): boolean {
  return (
    answer instanceof WecomError && (answer.code === 'WECOM_MEMBER_NOT_FOUND' || answer.code === 'WECOM_NOT_VISIBLE')
  )
}

type Tree = { departments: readonly Department[]; rejected: readonly RejectedRow[] } | { problem: Problem }

async function departmentsOf({ principal }: SyncSource, calls: Calls): Promise<Tree> {
  try {
    return await onceMoreIfGarbled(calls.signal, () => principal.departments.list(undefined, calls))
  } catch (error) {
    calls.signal.throwIfAborted()
    const problem = wecomProblem(error)
    if (problem === undefined || isFatal(error)) throw error
    return { problem }
  }
}

/** A department as WeCom last showed it; only that it is there counts here. */
function asDepartment({ external_id }: Row<'departments'>): Department {
  return { id: Number(external_id) }
}
