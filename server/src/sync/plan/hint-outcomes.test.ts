import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DepartmentHint, Hint, HintVerdict, MemberHint } from '../hints.ts'
import type { RecordedChange } from '../history.ts'
import { change } from './changes.ts'
import { outcomeOf, type HeardOfHints, type HintsEnded } from './hint-outcomes.ts'

const member: MemberHint = { key: 'h', kind: 'user', userid: 'WangWei', isDelete: false, attempt: 1 }
const department: DepartmentHint = { key: 'h', kind: 'department', id: 7, isDelete: false, attempt: 1 }
const gone = { isDelete: true }
const renamed = { newUserid: 'wang.wei' }

const problem = { code: 'wecom/timeout' } as const
const unanswered = (key: string) => ({ unanswered: new Map([[key, problem]]) })
const failed: HintVerdict = { kind: 'failed', problem, runId: null }
const outOfScope: HintVerdict = { kind: 'ignored', note: 'out-of-scope' }
const inLine: HintVerdict = { kind: 'applied', runId: null }
const changedBy = (runId: string): HintVerdict => ({ kind: 'applied', runId })
const later = (afterMs: number): HintVerdict => ({ kind: 'later', afterMs })

/** Folded userids and ids of departments that WeCom shows. */
interface Seen extends Partial<Omit<HeardOfHints, 'snapshot' | 'links'>> {
  readonly shows?: readonly (string | number)[]
  readonly linked?: readonly string[]
}

function heard({ shows = [], linked = [], ...rest }: Seen): HeardOfHints {
  return {
    snapshot: {
      wasSeen: (key) => shows.includes(key),
      departments: shows.flatMap((id) => (typeof id === 'number' ? [{ id }] : [])),
    },
    links: new Set(linked),
    isRunActive: false,
    waiting: new Set(),
    unanswered: new Map(),
    ...rest,
  }
}

function ended(rest: Partial<HintsEnded>): HintsEnded {
  return { leftOut: new Set(), changes: [], runId: 'run', heldRunId: 'held', ...rest }
}

function recorded(given: Partial<RecordedChange>): Partial<HintsEnded> {
  const one = change({ entity: 'user', action: 'update', externalId: 'WangWei', ...given })
  return { changes: [{ ...one, runId: 'run', position: 0 }] }
}

const cases: [what: string, hint: Hint, seen: Seen, end: Partial<HintsEnded>, verdict: HintVerdict][] = [
  ['somebody who is as they were', member, { shows: ['wangwei'] }, {}, inLine],
  ['somebody whom the run changed', member, { shows: ['wangwei'] }, recorded({ state: 'applied' }), changedBy('run')],
  ['somebody whose removal waits', member, { shows: ['wangwei'] }, recorded({ state: 'held' }), changedBy('held')],
  [
    'somebody else whom the run changed',
    member,
    { shows: ['wangwei'] },
    recorded({ state: 'applied', externalId: 'ZhangSan' }),
    inLine,
  ],
  [
    'a department with the id of the member',
    { ...member, userid: '7' },
    { shows: ['7'] },
    recorded({ state: 'applied', entity: 'department', externalId: '7' }),
    inLine,
  ],
  [
    'somebody who could not be written',
    member,
    { shows: ['wangwei'] },
    recorded({ state: 'failed', problem }),
    { kind: 'failed', problem, runId: 'run' },
  ],
  ['somebody deleted whom WeCom still shows', { ...member, ...gone }, { shows: ['wangwei'] }, {}, later(5_000)],
  [
    'somebody deleted and back, whom the run changed',
    { ...member, ...gone },
    { shows: ['wangwei'] },
    recorded({ state: 'applied' }),
    changedBy('run'),
  ],
  ['a deleted department that WeCom still shows', { ...department, ...gone }, { shows: [7] }, {}, later(5_000)],
  ['somebody about whom WeCom gave no answer', member, unanswered('wangwei'), {}, failed],
  ['somebody whom WeCom does not show', member, {}, {}, outOfScope],
  ['somebody who was renamed and is shown', { ...member, ...renamed }, { shows: ['wang.wei'] }, {}, inLine],
  [
    'a rename that another one may explain',
    { ...member, ...renamed },
    { shows: ['wang.wei'], waiting: new Set(['wang.wei']) },
    {},
    later(5_000),
  ],
  [
    'a rename that waits before one without an answer',
    { ...member, ...renamed },
    { waiting: new Set(['wang.wei']), ...unanswered('wangwei') },
    {},
    later(5_000),
  ],
  [
    'a leaver who is known here',
    { ...member, ...gone },
    { linked: ['wangwei'] },
    recorded({ state: 'applied' }),
    changedBy('run'),
  ],
  ['a leaver whom nobody knows here', { ...member, ...gone }, {}, {}, inLine],
  [
    'a leaver whom nobody knows here, while a run reads',
    { ...member, ...gone },
    { isRunActive: true },
    {},
    later(15_000),
  ],
  [
    'a leaver who is known here, while a run reads',
    { ...member, ...gone },
    { linked: ['wangwei'], isRunActive: true },
    {},
    inLine,
  ],
  [
    'somebody who came back before the delete was worked off',
    { ...member, ...gone, attempt: 2 },
    { shows: ['wangwei'] },
    {},
    inLine,
  ],
  [
    'somebody who changed while they were looked at',
    member,
    { shows: ['wangwei'] },
    { leftOut: new Set(['wangwei']) },
    later(1_000),
  ],
  [
    'somebody who changed again and again',
    { ...member, attempt: 5 },
    { shows: ['wangwei'] },
    { leftOut: new Set(['wangwei']) },
    later(5_000),
  ],
  ['a department that is shown', department, { shows: [7] }, {}, inLine],
  [
    'a department that the run moved',
    department,
    { shows: [7] },
    recorded({ state: 'applied', entity: 'department', externalId: '7' }),
    changedBy('run'),
  ],
  ['a department without an answer', department, unanswered('department 7'), {}, failed],
  [
    'a department beside a member with its id and no answer',
    department,
    { shows: [7], ...unanswered('7') },
    {},
    inLine,
  ],
  ['a department that is not shown', department, {}, {}, outOfScope],
  ['a department that was deleted', { ...department, ...gone }, {}, {}, inLine],
  [
    'a department that was deleted while a run reads',
    { ...department, ...gone },
    { isRunActive: true },
    {},
    later(15_000),
  ],
]

for (const [what, hint, seen, end, verdict] of cases) {
  test(`${what}: ${verdict.kind}`, () => {
    assert.deepEqual(outcomeOf(hint, heard(seen), ended(end)), { key: 'h', ...verdict })
  })
}

test('who changes every time that they are looked at is left to the next full run', () => {
  const left = ended({ leftOut: new Set(['wangwei']) })

  const outcome = outcomeOf({ ...member, attempt: 6 }, heard({ shows: ['wangwei'] }), left)

  assert.equal(outcome.kind === 'failed' && outcome.problem.code, 'sync/write-failed')
})
