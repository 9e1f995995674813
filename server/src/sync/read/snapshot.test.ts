import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Member } from '@muster/wecom'
import type { KnownLink } from '../plan/matching.ts'
import { createSnapshot, type Snapshot } from './snapshot.ts'

const settings = { notActivated: 'disable', version: '1' } as const
const departments = [
  { id: 1, name: '公司' },
  { id: 2, name: '二部', parentId: 1 },
]

/** The list of a department as WeCom would send it. */
type Lists = Record<number, Member[]>

function member(userid: string, fields: Partial<Member> = {}): Member {
  return { userid, name: userid.toLowerCase(), departments: [{ id: 1 }], status: 1, ...fields }
}

/** Reads lists as reader.ts does; says which of them were known. */
function read(lists: Lists, before?: { snapshot: Snapshot; links: Map<string, KnownLink> }, version = '1') {
  const builder = createSnapshot(before?.links ?? new Map(), { ...settings, version }, before?.snapshot.pages)
  builder.addDepartments(departments, [])
  const known: number[] = []
  for (const [department, members] of Object.entries(lists)) {
    const id = Number(department)
    if (builder.recognise(id, Buffer.from(JSON.stringify(members)))) known.push(id)
    else builder.addMembers(members, [], id)
  }
  return { known, snapshot: builder.finish() }
}

/** The links after everybody was applied, but for those who failed. */
function applied(snapshot: Snapshot, failed: string[] = []): Map<string, KnownLink> {
  const people = [...snapshot.changed.slices()].flat().filter(({ key }) => !failed.includes(key))
  return new Map(people.map(({ key, hash }, place) => [key, { id: `lnk_${key}`, userId: `usr_${key}`, hash, place }]))
}

const lists: Lists = { 1: [member('Li'), member('wang')], 2: [member('li'), member('zhao')] }

test('lists that come back unchanged are known, and everybody on them is seen', () => {
  const first = read(lists).snapshot

  const again = read(lists, { snapshot: first, links: applied(first) })

  assert.deepEqual(again.known, [1, 2])
  assert.deepEqual([again.snapshot.membersRead, again.snapshot.unchanged, again.snapshot.changed.size], [3, 3, 0])
  assert.ok(['li', 'wang', 'zhao'].every((key) => again.snapshot.wasSeen(key)))
})

test('a list with one changed byte is read again, and the others stay known', () => {
  const first = read(lists).snapshot
  const changed = { ...lists, 2: [member('li'), member('zhao', { position: '经理' })] }

  const again = read(changed, { snapshot: first, links: applied(first) })

  assert.deepEqual(again.known, [1])
  assert.deepEqual(
    [...again.snapshot.changed.slices()].flat().map(({ key }) => key),
    ['zhao'],
  )
})

test('a list with somebody who could not be applied is read again until they are', () => {
  const first = read(lists).snapshot

  const never = read(lists, { snapshot: first, links: applied(first, ['zhao']) })
  assert.deepEqual(never.known, [1])

  // Linked before, and what the list shows now was refused: the link still has the digest of what was applied last.
  const links = applied(first)
  const changed = { ...lists, 2: [member('li'), member('zhao', { bizMail: 'taken@corp.example' })] }
  const second = read(changed, { snapshot: first, links }).snapshot
  const third = read(changed, { snapshot: second, links })
  assert.ok(!third.known.includes(2))
  assert.deepEqual(
    [...third.snapshot.changed.slices()].flat().map(({ key }) => key),
    ['zhao'],
  )
})

test('a link that waits to be compared again makes its lists be read', () => {
  const first = read(lists).snapshot
  const links = applied(first)
  links.set('wang', { ...links.get('wang')!, hash: null })

  assert.deepEqual(read(lists, { snapshot: first, links }).known, [2])
})

test('other settings or other visible departments make every list be read', () => {
  const first = read(lists).snapshot
  const before = { snapshot: first, links: applied(first) }

  assert.deepEqual(read(lists, before, '2').known, [])

  const builder = createSnapshot(before.links, settings, first.pages)
  builder.addDepartments([...departments, { id: 3, name: '新' }], [])
  assert.equal(builder.recognise(1, Buffer.from(JSON.stringify(lists[1]))), false)
})

test('a list that contradicts an earlier one of the same reading is not remembered', () => {
  const torn = { 1: [member('li', { name: '旧' })], 2: [member('li', { name: '新' })] }

  const { snapshot } = read(torn)

  assert.deepEqual([...snapshot.pages.keys()], ['1'])
  assert.deepEqual(
    [...snapshot.changed.slices()].flat().map(({ displayName }) => displayName),
    ['旧'],
  )
})

test('a list with a row that cannot be used is not remembered', () => {
  const builder = createSnapshot(new Map(), settings)
  builder.addDepartments(departments, [])
  builder.recognise(1, Buffer.from('[]'))

  builder.addMembers([member('li')], [{ userid: 'odd', reason: 'the status is not a number' }], 1)

  assert.equal(builder.finish().pages.size, 0)
  assert.ok(builder.finish().wasSeen('odd'))
})

test('what was withheld is still withheld after packing, and what is empty is still empty', () => {
  const { snapshot } = read({ 1: [member('li', { position: '', mobile: undefined })] })

  const [person] = [...snapshot.changed.slices()].flat()
  assert.deepEqual([person?.title, person?.phone, person?.problem], [null, undefined, undefined])
})
