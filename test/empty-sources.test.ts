/**
 * The ways in which a company can look empty, or emptier, without being so (threats.md S-01, S-02, S-04, S-15, S-30). With
 * leavers and departments set to be deleted, none of them removes anybody: the run fails, holds, or says what it missed.
 */
import assert from 'node:assert/strict'
import { updateConnection, type Run } from '@muster/contracts'
import type { FaultEffect } from '@muster/emulator'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import { startStack, type Stack } from './stack.ts'

/** How WeCom misleads. */
interface Deception {
  what: string
  mislead: (stack: Stack) => void | Promise<unknown>
  states: readonly Run['state'][]
  /** Of the run's error, of the reasons it holds for, or of what it could not read. */
  says: string
}

const empty = (list: string): FaultEffect => ({ kind: 'json', value: { errcode: 0, errmsg: 'ok', [list]: [] } })
const failing = (list: string): FaultEffect => ({ kind: 'json', value: { errcode: 50001, errmsg: 'no', [list]: [] } })

/** For a connection that reads through an app. */
const appDeceptions: readonly Deception[] = [
  always('an error with an empty list of departments', 'department/list', failing('department'), 'failed', 'wecom/'),
  always(
    'no list of departments',
    'department/list',
    { kind: 'missing', key: 'department' },
    'failed',
    'wecom/protocol',
  ),
  always('an empty object', 'department/list', { kind: 'json', value: {} }, 'failed', 'wecom/protocol'),
  always('a page of some gateway', 'department/list', { kind: 'html' }, 'failed', 'wecom/protocol'),
  always('an empty list of departments', 'department/list', empty('department'), 'held', 'empty-source'),
  always('an empty list of people everywhere', 'user/list', empty('userlist'), 'held', 'empty-source'),
  always(
    'an error with an empty list of people everywhere',
    'user/list',
    failing('userlist'),
    'failed',
    'sync/nothing-read',
  ),
  {
    what: 'a visible range with nobody in it',
    mislead: (stack) => narrow(stack, { departments: [], members: [], tags: [] }),
    states: ['held'],
    says: 'empty-source',
  },
  {
    what: 'a visible range of one person and no department',
    mislead: (stack) =>
      narrow(stack, { departments: [], members: [stack.control.truth(stack).members[0]!.userid], tags: [] }),
    states: ['held'],
    says: 'empty-source',
  },
  {
    what: 'a visible range of one department',
    mislead: (stack) =>
      narrow(stack, { departments: [stack.control.truth(stack).departments[2]!.id], members: [], tags: [] }),
    states: ['held'],
    says: 'lost-root',
  },
  {
    what: 'the token of another app of the company, which sees one department',
    async mislead(stack) {
      const other = stack.control.addApp({ corpId: stack.corpId, kind: 'self-built', name: '别的应用' })
      const range = { departments: [stack.control.truth(stack).departments[2]!.id], members: [], tags: [] }
      stack.control.patchApp({ corpId: stack.corpId, agentId: other.agentId, patch: { range } })
      const { accessToken } = stack.control.mintToken({ corpId: stack.corpId, agentId: other.agentId })
      stack.control.revokeTokens({ corpId: stack.corpId, agentId: stack.app.agentId })
      const value = { errcode: 0, errmsg: 'ok', access_token: accessToken, expires_in: 7200 }
      stack.control.addFault({ endpoint: 'gettoken', effect: { kind: 'json', value } })
    },
    states: ['failed'],
    says: 'wecom/credential',
  },
  {
    what: 'one department that cannot be read',
    mislead: (stack) => {
      const { id } = stack.control.truth(stack).departments[1]!
      const query = { department_id: String(id) }
      stack.control.addFault({ endpoint: 'user/list', query, effect: { kind: 'errcode', errcode: 60123 } })
    },
    states: ['partially_succeeded'],
    says: 'department ',
  },
  {
    what: 'a first list of people and no further one',
    mislead: (stack) =>
      void stack.control.addFault({ endpoint: 'user/list', from: 2, effect: { kind: 'errcode', errcode: 48002 } }),
    states: ['partially_succeeded'],
    says: 'department ',
  },
]

/** For a connection that knows who there is from 通讯录同步. */
const idDeceptions: readonly Deception[] = [
  always('an empty list of ids', 'user/list_id', empty('dept_user'), 'held', 'empty-source'),
  always('no list of ids', 'user/list_id', { kind: 'missing', key: 'dept_user' }, 'partially_succeeded', 'list of ids'),
  always(
    'an error with an empty list of ids',
    'user/list_id',
    failing('dept_user'),
    'partially_succeeded',
    'list of ids',
  ),
  always(
    'no list of department ids',
    'department/simplelist',
    { kind: 'missing', key: 'department_id' },
    'partially_succeeded',
    'department ids',
  ),
  {
    what: 'a first page of ids and no second one',
    mislead: (stack) => firstPage(stack, 'of no use'),
    states: ['partially_succeeded'],
    says: 'rest of the list of ids',
  },
  {
    what: 'a cursor that comes back',
    mislead: (stack) => firstPage(stack, 'again', true),
    states: ['partially_succeeded'],
    says: 'rest of the list of ids',
  },
  {
    what: 'a first page of ids that says it is all',
    mislead: (stack) => firstPage(stack, ''),
    states: ['held'],
    says: 'most',
  },
]

onEitherDatabase(({ testWithUrl }) => {
  testWithUrl('an app that looks empty removes nobody', (url) => deceive(url, 'app', appDeceptions))

  testWithUrl('ids that look empty remove nobody', (url) =>
    deceive(url, 'contacts', idDeceptions.filter(({ what }) => !/department ids/.test(what)).map(nothingElse)),
  )

  testWithUrl('ids that look empty beside an app, and an app that looks empty beside ids, remove nobody', (url) =>
    deceive(url, 'both', [
      ...idDeceptions.filter(({ says }) => says !== 'empty-source' && says !== 'most'),
      always('no details of anybody', 'user/list', failing('userlist'), 'partially_succeeded', 'department '),
      always(
        'no departments for the app',
        'department/list',
        failing('department'),
        'partially_succeeded',
        'the app may see',
      ),
      always('an empty list of people everywhere', 'user/list', empty('userlist'), 'succeeded', ''),
    ]),
  )
})

/** Syncs once, then again under each deception, and each time nobody and nothing is gone. */
async function deceive(url: string, secrets: 'app' | 'contacts' | 'both', deceptions: readonly Deception[]) {
  const kind = secrets === 'contacts' ? 'contacts-sync' : 'self-built-before-2022'
  await using stack = await startStack(url, { people: 24, company: { departments: 6 }, kind })
  const { contactsSecret } = stack.control.companies()[0]!
  const onlyHere = 'delete' as const
  await stack.ask(updateConnection, {
    params: { id: 'hq' },
    body: {
      ...(secrets === 'both' ? { contactsSecret } : {}),
      sync: { users: { onlyHere }, departments: { onlyHere } },
    },
  })
  assert.equal((await stack.syncOnce()).state, 'succeeded')
  const before = await portrait(stack)

  for (const { what, mislead, states, says } of deceptions) {
    await mislead(stack)
    const run = await stack.syncOnce()

    const told = JSON.stringify([run.error, run.unread, run.held?.reasons])
    assert.ok(states.includes(run.state), `${what}: ${run.state} ${told}`)
    assert.ok(told.includes(says), `${what}: ${told}`)
    assert.deepEqual(await portrait(stack), before, what)
    assert.deepEqual([run.counts.users.deleted, run.counts.departments.deleted], [0, 0], what)
    stack.control.clearFaults()
    stack.control.revokeTokens({})
    stack.control.patchApp({ corpId: stack.corpId, agentId: stack.app.agentId, patch: { range: wholeCompany } })
  }
}

const wholeCompany = { departments: [1], members: [], tags: [] }

/** Who may sign in and what departments there are. */
async function portrait(stack: Stack): Promise<unknown> {
  const { users, departments } = await stack.directory()
  return [
    users.map(({ id, status, displayName, email, phone }) => [id, status, displayName, email, phone]),
    departments.map(({ id, name }) => [id, name]),
  ]
}

function always(what: string, endpoint: string, effect: FaultEffect, state: Run['state'], says: string): Deception {
  return { what, mislead: (stack) => void stack.control.addFault({ endpoint, effect }), states: [state], says }
}

/** With nothing but ids, an incomplete list that has not named anybody has read nothing. */
function nothingElse(deception: Deception): Deception {
  const isNothing = /no list of ids|an error with an empty list of ids/.test(deception.what)
  return isNothing ? { ...deception, states: ['failed'], says: 'sync/nothing-read' } : deception
}

function narrow(stack: Stack, range: { departments: number[]; members: string[]; tags: number[] }): void {
  stack.control.patchApp({ corpId: stack.corpId, agentId: stack.app.agentId, patch: { range } })
}

/** One page of ids with three people, and what it says comes next. */
function firstPage(stack: Stack, next_cursor: string, isRepeated = next_cursor === ''): void {
  const dept_user = stack.control
    .truth(stack)
    .members.slice(0, 3)
    .map(({ userid, department }) => ({ userid, department: department[0] }))
  const value = { errcode: 0, errmsg: 'ok', next_cursor, dept_user }
  stack.control.addFault({
    endpoint: 'user/list_id',
    ...(isRepeated ? {} : { count: 1 }),
    effect: { kind: 'json', value },
  })
}
