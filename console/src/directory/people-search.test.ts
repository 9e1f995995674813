import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { User } from '@muster/contracts'
import { isNarrowed, mainDepartment, peopleQuery } from './people-search.ts'

test('a department shows everybody below it unless somebody wants only its own people', () => {
  assert.deepEqual(peopleQuery('org', { department: 'dep' }), {
    organizationId: 'org',
    departmentId: 'dep',
    nested: 'true',
  })
  assert.equal(peopleQuery('org', { department: 'dep', direct: true }).nested, 'false')
})

test('what is not chosen is not asked for', () => {
  assert.deepEqual(peopleQuery('org', { q: '  ', direct: true }), { organizationId: 'org' })
  assert.deepEqual(peopleQuery('org', { q: ' zs ', status: 'deleted', origin: 'wecom', connection: 'hq' }), {
    organizationId: 'org',
    q: 'zs',
    status: 'deleted',
    origin: 'wecom',
    connection: 'hq',
  })
})

test('a department alone does not narrow the list', () => {
  assert.equal(isNarrowed({ department: 'dep', direct: true }), false)
  assert.equal(isNarrowed({ q: 'z' }), true)
})

test('somebody without a main department is named by the first', () => {
  const departments = [
    { name: 'a', isMain: false },
    { name: 'b', isMain: true },
  ] as User['departments']
  assert.equal(mainDepartment({ departments })?.name, 'b')
  assert.equal(mainDepartment({ departments: departments.slice(0, 1) })?.name, 'a')
  assert.equal(mainDepartment({ departments: [] }), undefined)
})
