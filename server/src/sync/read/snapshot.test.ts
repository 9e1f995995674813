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

/** Two departments, of which only the first one is shown with its people. */
function readWithIds(
  ids: Record<string, number[]>,
  shown: Member[],
  {
    before,
    isComplete = true,
  }: { before?: { snapshot: Snapshot; links: Map<string, KnownLink> }; isComplete?: boolean } = {},
) {
  const builder = createSnapshot(before?.links ?? new Map(), settings, before?.snapshot.pages)
  builder.addDepartments(departments, [])
  const places = new Map(Object.entries(ids).map(([userid, places]) => [userid, { userid, departments: places }]))
  builder.addIds({ places, isComplete, shown: new Set([1]) })
  const isKnown = builder.recognise(1, Buffer.from(JSON.stringify(shown)))
  if (!isKnown) builder.addMembers(shown, [], 1)
  builder.addWithoutDetails(true)
  const snapshot = builder.finish()
  const people = Object.fromEntries([...snapshot.changed.slices()].flat().map((person) => [person.key, person]))
  const placesOf = (key: string) => people[key]?.memberships?.map(({ department }) => department)
  return { isKnown, snapshot, people, places: placesOf }
}

test('ids add the departments that details do not show, and people of whom nothing else is shown', () => {
  const { people, places, snapshot } = readWithIds({ li: [1, 2], wang: [2], zhao: [1] }, [member('li'), member('zhao')])

  assert.deepEqual([places('li'), places('wang'), places('zhao')], [[1, 2], [2], [1]])
  assert.deepEqual([people['wang']?.displayName, people['wang']?.isActive, snapshot.idsOnly], [undefined, undefined, 1])
  assert.deepEqual([snapshot.membersRead, snapshot.wasSeen('wang'), snapshot.wasSeen('sun')], [3, true, false])
})

test('what details show of a department counts more than the ids, which were read before', () => {
  const moved = member('li', { departments: [{ id: 2 }] })

  assert.deepEqual(readWithIds({ li: [1] }, [moved]).places('li'), [2])
})

test('with an incomplete list of ids nothing is said about the departments of people who are here', () => {
  const first = readWithIds({ li: [1, 2], wang: [2] }, [member('li')]).snapshot

  const again = readWithIds({ li: [1] }, [member('li')], {
    before: { snapshot: first, links: applied(first) },
    isComplete: false,
  })

  assert.deepEqual([again.isKnown, again.places('li'), again.snapshot.pages.size], [false, undefined, 0])
  assert.deepEqual(readWithIds({ sun: [2] }, [], { isComplete: false }).places('sun'), [2], 'new people are placed')
})

test('a list stays known while the ids say the same about everybody, and not longer', () => {
  const ids = { li: [1, 2], wang: [2] }
  const first = readWithIds(ids, [member('li')]).snapshot
  const before = { snapshot: first, links: applied(first) }

  assert.equal(readWithIds(ids, [member('li')], { before }).isKnown, true)
  assert.equal(readWithIds({ ...ids, li: [1] }, [member('li')], { before }).isKnown, false)
  assert.equal(readWithIds({ wang: [2] }, [member('li')], { before }).isKnown, false)
})

test('nobody is made of an id whose details may be missing because of a failure', () => {
  const builder = createSnapshot(new Map(), settings)
  builder.addDepartments(departments, [])
  builder.addIds({
    places: new Map([['li', { userid: 'Li', departments: [1] }]]),
    isComplete: true,
    shown: new Set([1]),
  })

  builder.addWithoutDetails(false)

  const snapshot = builder.finish()
  assert.deepEqual([snapshot.changed.size, snapshot.wasSeen('li')], [0, true])
})

test('fields that nobody shows are named, also when the lists are known', () => {
  const first = read(lists).snapshot
  const again = read(lists, { snapshot: first, links: applied(first) }).snapshot

  for (const { withheld } of [first, again]) {
    assert.ok(withheld.includes('mobile') && !withheld.includes('name'))
  }
  assert.deepEqual(read({ 1: [] }).snapshot.withheld, [])
})

test('what was withheld is still withheld after packing, and what is empty is still empty', () => {
  const { snapshot } = read({ 1: [member('li', { position: '', mobile: undefined })] })

  const [person] = [...snapshot.changed.slices()].flat()
  assert.deepEqual([person?.title, person?.phone, person?.problem], [null, undefined, undefined])
})
