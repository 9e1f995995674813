/**
 * `kill -9` in the middle of runs (threats.md X-01), at random moments: first imports, runs that remove people and
 * departments, approvals and reverts. What a dead process left is whole, the run goes on after a restart and ends as if
 * nothing had happened, nothing that was acknowledged is lost, nobody else is removed and nobody twice.
 *
 * Several companies are killed side by side, because on PostgreSQL a dead process is noticed only when its lease of 15
 * seconds has run out. The seed is printed; repeat its moments with MUSTER_TEST_SEED. CI kills fifty
 * runs on each database, of larger companies, besides the imports; MUSTER_TEST_KILLS says another number.
 */
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { describe } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import {
  approveRun,
  createDepartment,
  getRun,
  listAudit,
  listChanges,
  revertRun,
  updateConnection,
  type Run,
} from '@muster/contracts'
import type { Control } from '@muster/emulator'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import { extent } from '../server/test-support/extent.ts'
import { createRandom } from '../server/test-support/random.ts'
import { differences, fold, pictureOf, truth, type Directory } from './directory.ts'
import { isGone } from './client.ts'
import { eventually } from './eventually.ts'
import { contradictions, traceLeftBehind, traceOf, type RunTrace } from './run-trace.ts'
import { spawnServer, type ServerProcess } from './server.ts'
import { startStackOfProcesses, type Stack } from './stack.ts'

const SEED = Number(process.env.MUSTER_TEST_SEED ?? randomInt(2 ** 31))
/** One of each scenario. */
const FEW_KILLS = 3
const KILLS = extent(
  'killed runs on each database',
  { everyday: FEW_KILLS, thorough: 50 },
  process.env.MUSTER_TEST_KILLS,
)
const COMPANIES = Math.min(6, KILLS)
/** With more than a thousand, removals and reverts are written in several transactions. */
const PEOPLE = KILLS > FEW_KILLS ? 1_100 : 600
/** With those that came too late, because the run had ended. */
const MOST_ATTEMPTS = 8
/** Promised by http-api.md §4.3, from readiness on. */
const TAKEN_UP_WITHIN_MS = 30_000
/** One run, with those of all the other companies beside it. */
const CARRIED_OUT_WITHIN_MS = 30_000

void describe('killed in the middle of runs', { concurrency: 2 * COMPANIES }, () => {
  onEitherDatabase(({ testWithUrl }) => {
    for (let number = 1; number <= COMPANIES; number++) {
      testWithUrl(`company ${number} loses nothing, and its runs go on to their end`, async (url, t) => {
        const random = createRandom(SEED + number)
        const policy = random() < 0.5 ? 'delete' : 'disable'
        await using stack = await startStackOfProcesses(url, {
          people: PEOPLE,
          company: { seed: `kills ${number}` },
          connection: { sync: { enabled: true, users: { onlyHere: policy }, departments: { onlyHere: 'delete' } } },
        })
        stack.control.changeSettings({ latencyMs: 15 })
        // Every attempt removes some, all of them within the same day.
        const guard = { percent: 50, absolute: 100 * PEOPLE }
        await stack.ask(updateConnection, { params: { id: 'hq' }, body: { sync: { guard } } })
        const company: Company = { stack, random, policy, ...createCompany(stack, random) }

        const kills = sharesOf(KILLS, COMPANIES)[number - 1]!
        const scenarios: Scenario[] = [
          'import',
          ...Array.from({ length: kills }, (_, index) => TURNS[(number + index) % 3]!),
        ]
        for (const name of scenarios) await killedOnce(url, company, name, (line) => t.diagnostic(line))
      })
    }
  })
})

const TURNS = ['removals', 'approval', 'revert'] as const

type Scenario = 'import' | (typeof TURNS)[number]

interface Company extends ReturnType<typeof createCompany> {
  readonly stack: Stack<ServerProcess>
  readonly random: () => number
  /** What becomes of people whom WeCom shows no more. */
  readonly policy: 'disable' | 'delete'
}

/** A run to be killed, and what has to be true once it has ended nevertheless. */
interface Round {
  readonly start: () => Promise<{ readonly id: string }>
  /** How many people are asked for by name before anybody is removed; null when WeCom is not asked at all. */
  readonly asked: number | null
  readonly verify: (ended: Run, trace: RunTrace) => Promise<void>
}

// ---- Killing --------------------------------------------------------------------------------------------------------

/** Tries until a kill has come in time. */
async function killedOnce(
  url: string,
  company: Company,
  scenario: Scenario,
  tell: (line: string) => void,
): Promise<void> {
  const { stack, random } = company
  let longestWriteMs = 400
  for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt++) {
    const round = await ROUNDS[scenario](company)
    const moment = chooseMoment(round, random, longestWriteMs)
    const { runId, acknowledged } = await killDuring(stack, round, moment)
    const left = await traceLeftBehind(url, runId)
    const isInTime = left.state === 'running'
    const phase = phaseOf(stack, round, left)
    assert.deepEqual([contradictions(left), left.halfApplied], [[], []])

    stack.replaceServer(await spawnServer(stack.settings))
    const readyAt = performance.now()
    const ended = await stack.finished(runId)
    const endedAfterMs = performance.now() - readyAt

    const trace = await traceOf(stack.ask, runId)
    const reached = phase ?? (left.applied.length < trace.applied.length ? 'partly written' : 'all written')
    tell(
      `seed ${SEED}, ${scenario} ${JSON.stringify(moment)}: ` +
        `${isInTime ? `killed: ${reached}` : 'too late'}, ${ended.state} after ${Math.round(endedAfterMs)} ms`,
    )
    assert.ok(endedAfterMs < TAKEN_UP_WITHIN_MS + CARRIED_OUT_WITHIN_MS)
    assert.equal(ended.state, 'succeeded')
    assert.equal(stack.server.log().includes('"msg":"took over a run whose process is gone"'), isInTime)
    const isSaid = isInTime && round.asked !== null
    assert.equal(ended.warnings.filter(({ code }) => code === 'taken-over').length, isSaid ? 1 : 0)
    assert.deepEqual(contradictions(trace), [])
    await round.verify(ended, trace)
    await assertNothingIsLost(stack, acknowledged)
    if (isInTime) return
    longestWriteMs /= 2
  }
  assert.fail(`no kill came in time for ${scenario}`)
}

type Moment =
  /** After this share of the departments was read. */
  | { readonly read: number }
  /** After this share of the people who seem gone was asked for. */
  | { readonly asked: number }
  /** So long after the last answer of WeCom that is needed, or after the start. */
  | { readonly afterMs: number }
  /** So long after so many of its transactions were seen. */
  | { readonly commits: number; readonly afterMs: number }

function chooseMoment({ asked }: Round, random: () => number, longestWriteMs: number): Moment {
  const kind = random()
  if (asked !== null && kind < 0.15) return { read: random() }
  if (asked !== null && asked > 0 && kind < 0.3) return { asked: random() }
  if (kind < 0.6) return { afterMs: random() * longestWriteMs }
  return { commits: 1 + Math.floor(random() * 2), afterMs: random() * 10 }
}

/** Starts a run, writes beside it as an administrator would, and kills the server. */
async function killDuring(
  stack: Stack<ServerProcess>,
  round: Round,
  moment: Moment,
): Promise<{ runId: string; acknowledged: readonly string[] }> {
  stack.control.clearCalls()
  const { id } = await round.start()
  const writing = writeUntilItBreaks(stack, id)
  const lists = visible(stack).departments.length
  if ('commits' in moment) {
    // Nothing is written before every list was read.
    if (round.asked !== null) await called(stack, 'user/list', lists)
    await commitsSeen(stack, id, moment.commits)
  } else if (round.asked !== null) {
    const wanted = 'read' in moment ? Math.ceil(moment.read * lists) : lists
    await called(stack, 'user/list', wanted)
    if (!('read' in moment)) {
      await called(stack, 'user/get', 'asked' in moment ? Math.ceil(moment.asked * round.asked) : round.asked)
    }
  }
  if ('afterMs' in moment) await delay(moment.afterMs) // the moment itself, not a wait for anything
  await stack.server.kill()
  return { runId: id, acknowledged: await writing }
}

/** Looks often, because what follows is to happen at just this moment. */
async function called({ control }: Stack, endpoint: string, wanted: number): Promise<void> {
  const look = () => control.countCalls({ endpoint }).count >= wanted
  await eventually(`${endpoint} was called ${wanted} times`, look, { pauseMs: 5 })
}

/** Each transaction of a run writes its counts. */
async function commitsSeen({ ask }: Stack, id: string, wanted: number): Promise<void> {
  const seen = new Set<string>()
  for (;;) {
    const { state, counts } = await ask(getRun, { params: { id } })
    if (countedIn(counts).length > 0) seen.add(JSON.stringify(counts))
    if (state !== 'running' || seen.size >= wanted) return
    await delay(2)
  }
}

/** @returns the names of the departments whose creation was acknowledged */
async function writeUntilItBreaks(stack: Stack, mark: string): Promise<string[]> {
  const acknowledged: string[] = []
  for (let n = 0; ; n++) {
    const name = `${mark} ${n}`
    try {
      await stack.ask(createDepartment, { body: { name } })
    } catch (error) {
      if (isGone(error)) return acknowledged
      throw error
    }
    acknowledged.push(name)
    await delay(5)
  }
}

/** How far the run had come, in words; undefined when it had written something. */
function phaseOf(stack: Stack, { asked }: Round, { applied }: RunTrace): string | undefined {
  if (asked !== null) {
    const count = (endpoint: string) => stack.control.countCalls({ endpoint }).count
    if (count('user/list') < visible(stack).departments.length) return 'reading'
    if (count('user/get') < asked) return 'asking by name'
  }
  return applied.length === 0 ? 'before the first commit' : undefined
}

async function assertNothingIsLost(stack: Stack, acknowledged: readonly string[]): Promise<void> {
  const { users, departments } = await stack.directory()
  pictureOf({ users, departments }) // throws when a member or a department of WeCom is there twice
  const usernames = users.map(({ username }) => username.toLowerCase())
  assert.equal(new Set(usernames).size, usernames.length)
  const names = new Set(departments.map(({ name }) => name))
  assert.deepEqual(
    acknowledged.filter((name) => !names.has(name)),
    [],
  )
}

// ---- Scenarios ------------------------------------------------------------------------------------------------------

const ROUNDS: Record<Scenario, (company: Company) => Promise<Round>> = {
  import: ordinaryRun,
  removals: ordinaryRun,
  approval,
  revert: (company) => (company.random() < 0.5 ? revertOfRemovals(company) : revertOfApproval(company)),
}

/** Everybody differs, some leave, some come back, and departments are gone: told by a preview, and done exactly so. */
async function ordinaryRun(company: Company): Promise<Round> {
  const { stack } = company
  const { userids } = company.upset()
  const leavers = await removable(company, userids)
  const preview = await stack.syncOnce('preview')
  return {
    start: () => stack.startRun(),
    asked: leavers.length,
    async verify(ended, trace) {
      assert.deepEqual(ended.counts, preview.counts)
      assert.deepEqual(removedUsers(trace), leavers)
      await assertIsAsWecomShows(company)
    },
  }
}

/** The visible range is narrowed to one department, and an administrator agrees to remove everybody else. */
async function approval(company: Company): Promise<Round> {
  const { stack } = company
  const { held, users, departments } = await heldRun(company)
  return {
    start: () => approve(stack, held),
    asked: users.length,
    async verify(ended, trace) {
      assert.deepEqual([ended.trigger, ended.originRunId], ['approval', held.id])
      assert.deepEqual(removedUsers(trace), users)
      assert.deepEqual(removedDepartments(trace), departments)
      assert.equal(trace.applied.length, users.length + departments.length)
      assert.equal((await stack.ask(getRun, { params: { id: held.id } })).state, 'succeeded')
      await assertIsAskedForOnce(stack, 'run.approve', ended.id)
      await assertIsAsWecomShows(company)
      company.widen()
      await stack.syncOnce()
      await assertIsAsWecomShows(company)
    },
  }
}

async function revertOfRemovals(company: Company): Promise<Round> {
  const { stack } = company
  const before = await stack.directory()
  company.upset()
  const run = await stack.syncOnce()
  return revertTo(company, before, run, async () => {
    // As the warning says: WeCom has not changed, so the next run does the same again.
    await stack.syncOnce()
  })
}

async function revertOfApproval(company: Company): Promise<Round> {
  const { stack } = company
  const { held } = await heldRun(company)
  const before = await stack.directory()
  const run = await stack.finished((await approve(stack, held)).id)
  return revertTo(company, before, run, async () => {
    company.widen()
    // Everybody is here again; only places and leaders that were out of sight are put right.
    const did = countedIn((await stack.syncOnce()).counts).filter((line) => !line.includes('.updated: '))
    assert.deepEqual(did, [])
  })
}

async function revertTo(company: Company, before: Directory, run: Run, goOn: () => Promise<void>): Promise<Round> {
  const { stack } = company
  assert.equal(run.state, 'succeeded')
  const revert = (mode: 'apply' | 'preview') => stack.ask(revertRun, { params: { id: run.id }, body: { mode } })
  const preview = await stack.finished((await revert('preview')).id)
  return {
    start: () => revert('apply'),
    asked: null,
    async verify(ended) {
      assert.deepEqual([ended.trigger, ended.originRunId, ended.apiCalls], ['revert', run.id, 0])
      assert.deepEqual(ended.counts, preview.counts)
      assert.deepEqual(essence(await stack.directory()), essence(before))
      await assertIsAskedForOnce(stack, 'run.revert', ended.id)
      await goOn()
      await assertIsAsWecomShows(company)
    },
  }
}

interface HeldRun {
  readonly held: Run
  /** Ids of those whom approval will remove. */
  readonly users: readonly string[]
  readonly departments: readonly string[]
}

async function heldRun(company: Company): Promise<HeldRun> {
  const { stack } = company
  company.narrow()
  const held = await stack.syncOnce()
  assert.equal(held.state, 'held')
  const users: string[] = []
  const departments: string[] = []
  for (let cursor: string | undefined; ;) {
    const query = { state: 'held' as const, limit: 500, cursor }
    const { items, nextCursor } = await stack.ask(listChanges, { params: { id: held.id }, query })
    for (const { userId, departmentId } of items) {
      if (userId != null) users.push(userId)
      else departments.push(departmentId!)
    }
    if (nextCursor === null) return { held, users: users.sort(), departments: departments.sort() }
    cursor = nextCursor
  }
}

function approve({ ask }: Stack, { id, held }: Run): Promise<Run> {
  return ask(approveRun, { params: { id }, body: { planHash: held!.planHash } })
}

async function assertIsAskedForOnce({ ask }: Stack, action: string, runId: string): Promise<void> {
  const { items } = await ask(listAudit, { query: { targetId: runId } })
  assert.deepEqual(
    items.map((entry) => entry.action),
    [action],
  )
}

/** In truth, and by the word of a further run that finds nothing to do. */
async function assertIsAsWecomShows(company: Company): Promise<void> {
  const { stack } = company
  const next = await stack.syncOnce()
  assert.deepEqual([next.state, countedIn(next.counts)], ['succeeded', []])
  const { people, departments } = pictureOf(await stack.directory())
  const expected = truth(stack.control, { ...stack.app, corpId: stack.corpId })
  // Whom policy disabled is still here, and nobody whom WeCom does not show may sign in.
  const stays = [...people].filter(([userid]) => !expected.people.has(userid))
  assert.deepEqual(
    stays.filter(([, { status }]) => status !== 'disabled').map(([userid]) => userid),
    [],
  )
  for (const [userid] of stays) people.delete(userid)
  for (const portrait of people.values()) {
    if (!expected.people.has(portrait.directLeader ?? '')) portrait.directLeader = null
  }
  for (const portrait of departments.values()) {
    portrait.leaders = portrait.leaders.filter((leader) => expected.people.has(leader))
  }
  assert.deepEqual(differences({ people, departments }, expected), [])
}

/** What a run did, or has done: nothing but what was left as it is. */
function countedIn({ users, departments }: Run['counts']): string[] {
  return Object.entries({ users, departments }).flatMap(([entity, group]) =>
    Object.entries(group)
      .filter(([name, count]) => count !== 0 && name !== 'unchanged' && name !== 'skipped')
      .map(([name, count]) => `${entity}.${name}: ${count}`),
  )
}

function removedUsers({ applied }: RunTrace): string[] {
  return applied
    .filter(({ entity, action }) => entity === 'user' && (action === 'disable' || action === 'delete'))
    .map(({ targetId }) => targetId)
    .sort()
}

function removedDepartments({ applied }: RunTrace): string[] {
  return applied
    .filter(({ entity, action }) => entity === 'department' && action === 'delete')
    .map(({ targetId }) => targetId)
    .sort()
}

/** Users with these userids whom policy can take something from. */
async function removable({ stack, policy }: Company, userids: readonly string[]): Promise<string[]> {
  const wanted = new Set(userids.map(fold))
  const { users } = await stack.directory()
  return users
    .filter(({ status }) => policy === 'delete' || status === 'active')
    .filter(({ links }) => links.some(({ userid }) => wanted.has(fold(userid))))
    .map(({ id }) => id)
    .sort()
}

/** Everything that an undo gives back. Not when it was last touched, and nothing that administrators made beside it. */
function essence({ users, departments }: Directory): Map<string, unknown> {
  return new Map<string, unknown>([
    ...users.map(({ departments: places, links, ...user }) => {
      const bound = links.map(({ id, userid }) => ({ id, userid }))
      return [user.id, { ...user, updatedAt: null, places: places.toSorted(byDepartment), bound }] as const
    }),
    ...departments
      .filter(({ origin }) => origin === 'wecom')
      .map((department) => [department.id, { ...department, updatedAt: null }] as const),
  ])
}

function byDepartment(a: { departmentId: string }, b: { departmentId: string }): number {
  return a.departmentId < b.departmentId ? -1 : 1
}

// ---- The company ----------------------------------------------------------------------------------------------------

type Member = ReturnType<Control['truth']>['members'][number]

/** What happens in WeCom from round to round. Nobody but the people named leaves. */
function createCompany({ control, corpId, app }: Stack, random: () => number) {
  let round = 0
  let away: Member[] = []
  /** A department below another, which are replaced together. */
  let project = addProject()
  return { upset, narrow, widen }

  function upset(): { readonly userids: readonly string[] } {
    round++
    const leaving = control.truth({ corpId }).members.filter(() => random() < 0.03)
    const userids = leaving.map(({ userid }) => userid)
    control.removeMembers({ corpId, userids })
    for (const member of away) control.addMember({ corpId, member: { ...member, ...IN_THE_ROOT }, unchecked: true })
    away = leaving
    for (let index = 0; index < 5; index++) {
      const mobile = `139${String(round * 100 + index).padStart(8, '0')}`
      const member = { userid: `joiner-${round}-${index}`, name: `新人 ${index}`, mobile, status: 1, ...IN_THE_ROOT }
      control.addMember({ corpId, member, unchecked: true })
    }
    const before = project
    project = addProject()
    for (const { userid, department } of control.truth({ corpId }).members) {
      const isMoved = before.some((id) => department.includes(id))
      const place = isMoved ? inDepartment(project[1]) : random() < 0.01 ? inDepartment(project[0]) : {}
      control.patchMember({ corpId, userid, patch: { position: `职位 ${round}`, ...place }, unchecked: true })
    }
    for (const id of before.toReversed()) control.removeDepartment({ corpId, id, unchecked: true })
    return { userids }
  }

  function addProject(): [number, number] {
    const { id } = control.addDepartment({ corpId, department: { name: `项目 ${round}`, parentid: 1 } })
    const { id: below } = control.addDepartment({ corpId, department: { name: `小组 ${round}`, parentid: id } })
    return [id, below]
  }

  /** To one department of people, none of a project. */
  function narrow(): void {
    const { members } = control.truth({ corpId })
    const inhabited = new Set(members.flatMap(({ department }) => department))
    const { departments } = control.truth({ corpId })
    const parents = new Set(departments.map(({ parentid }) => parentid))
    const leaf = departments.find(({ id }) => !parents.has(id) && inhabited.has(id) && !project.includes(id))!
    control.patchApp({ ...app, corpId, patch: { range: { departments: [leaf.id], members: [], tags: [] } } })
  }

  function widen(): void {
    control.patchApp({ ...app, corpId, patch: { range: { departments: [1], members: [], tags: [] } } })
  }
}

const IN_THE_ROOT = inDepartment(1)

function inDepartment(id: number) {
  return { department: [id], order: [0], is_leader_in_dept: [0], main_department: id }
}

function visible({ control, corpId, app }: Stack) {
  return control.viewAs({ ...app, corpId })
}

/** As even as it can be. */
function sharesOf(total: number, parts: number): number[] {
  return Array.from({ length: parts }, (_, index) => Math.floor(total / parts) + (index < total % parts ? 1 : 0))
}
