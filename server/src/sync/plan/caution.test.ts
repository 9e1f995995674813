/** Which changed settings end a run under way: those by which somebody is not removed, made or matched any more. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SyncSettings } from '@muster/contracts'
import { isMoreCautious } from './caution.ts'

type Sent = Parameters<typeof SyncSettings.parse>[0]

const cases: [what: string, before: Sent, after: Sent, isMoreCautious: boolean][] = [
  ['nothing', {}, {}, false],
  ['a schedule', {}, { schedule: { kind: 'daily', at: '02:00' } }, false],
  ['people deleted before are disabled', { users: { onlyHere: 'delete' } }, { users: { onlyHere: 'disable' } }, true],
  ['people disabled before stay', { users: { onlyHere: 'disable' } }, { users: { onlyHere: 'ignore' } }, true],
  ['people who stayed are disabled', { users: { onlyHere: 'ignore' } }, { users: { onlyHere: 'disable' } }, false],
  ['new people are left out', {}, { users: { onlyWecom: 'ignore' } }, true],
  ['new people are let in', { users: { onlyWecom: 'ignore' } }, {}, false],
  ['departments stay', { departments: { onlyHere: 'delete' } }, {}, true],
  ['new departments are left out', {}, { departments: { onlyWecom: 'ignore' } }, true],
  ['login names do not match any more', {}, { bindByUsername: false }, true],
  ['login names match again', { bindByUsername: false }, {}, false],
  ['phones do not match any more', { matchFields: ['phone'] }, { matchFields: [] }, true],
  ['one of two fields does not match', { matchFields: ['email', 'phone'] }, { matchFields: ['email'] }, true],
  ['one field takes the place of another', { matchFields: ['email'] }, { matchFields: ['phone'] }, true],
  ['another field matches as well', { matchFields: ['email'] }, { matchFields: ['phone', 'email'] }, false],
  ['fields match for the first time', {}, { matchFields: ['email', 'phone'] }, false],
  ['the same fields in another order', { matchFields: ['email', 'phone'] }, { matchFields: ['phone', 'email'] }, false],
  ['who never signed in is let in', {}, { notActivated: 'active' }, true],
  ['who never signed in is kept out', { notActivated: 'active' }, {}, true],
  ['the guard holds a smaller share', {}, { guard: { percent: 19 } }, true],
  ['the guard holds fewer people', {}, { guard: { minimum: 9 } }, true],
  ['the guard holds a smaller number', {}, { guard: { absolute: 499 } }, true],
  ['the guard is laxer', {}, { guard: { percent: 21, minimum: 11, absolute: 501 } }, false],
]

for (const [what, before, after, expected] of cases) {
  test(`${what}: ${expected ? 'the run ends' : 'the run goes on'}`, () => {
    assert.equal(isMoreCautious(SyncSettings.parse(before), SyncSettings.parse(after)), expected)
  })
}
