import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'

import { foldUserid } from './company.ts'
import type { Company } from './company.ts'
import { departmentCount, generateCompany } from './generator.ts'

test('departments are counted by the documented formula', () => {
  const counts = [12, 1_000, 14_000, 100_000, 500_000].map(departmentCount)

  assert.deepEqual(counts, [4, 60, 700, 5_000, 25_000])
})

test('one seed makes one company, byte for byte', () => {
  const first = digest(generateCompany({ people: 14_000, seed: 'muster' }))
  const second = digest(generateCompany({ people: 14_000, seed: 'muster' }))
  const other = digest(generateCompany({ people: 14_000, seed: 'another' }))

  assert.equal(first, second)
  assert.notEqual(first, other)
  // Changes only when the generator or its words change; then on purpose.
  assert.equal(first, '1b34967f7558f5a6f473829320156fd387fe1014d039f9fd1ea68382357cdf3c')
})

test('a generated company breaks no rule of WeCom', () => {
  const company = generateCompany({ people: 14_000, seed: '7' })
  const members = [...company.members.values()]

  assert.equal(members.length, 14_000)
  assert.equal(company.departments.size, 700)
  for (const field of ['userid', 'mobile', 'email', 'biz_mail'] as const) {
    const values = members.map((member) => foldUserid(member[field])).filter((value) => value !== '')
    assert.equal(new Set(values).size, values.length, `${field} must be unique ignoring case`)
  }
  for (const member of members) {
    const { userid, department, order, is_leader_in_dept, main_department, direct_leader } = member
    assert.match(userid, /^[A-Za-z0-9][A-Za-z0-9_\-@.]{0,63}$/)
    assert.ok(member.mobile !== '' || member.email !== '', `${userid} needs a mobile or a mail address`)
    assert.ok(member.name.length >= 1 && Array.from(member.name).length <= 64)
    assert.equal(new Set(department).size, department.length)
    assert.ok(department.every((id) => company.departments.has(id)))
    assert.ok(department.includes(main_department))
    assert.equal(order.length, department.length)
    assert.equal(is_leader_in_dept.length, department.length)
    assert.ok(direct_leader.every((leader) => company.findMember(leader) && leader !== userid))
  }
  for (const { id, name, parentid, order } of company.departments.values()) {
    assert.ok(id === 1 ? parentid === 0 : company.departments.has(parentid))
    assert.ok(order >= 0 && order < 2 ** 32)
    const siblings = company.childrenOf(parentid).filter((other) => company.departments.get(other)?.name === name)
    assert.deepEqual(siblings, [id], `${name} must be unique among its siblings`)
  }
})

test('a generated company is as awkward as real ones', () => {
  const company = generateCompany({ people: 14_000, seed: '7' })
  const members = [...company.members.values()]
  const departments = [...company.departments.values()]
  const some = (holds: (member: (typeof members)[number]) => boolean) => members.some(holds)

  const levels = departments.map(({ id }) => {
    let level = 1
    for (let at = company.departments.get(id); at && at.parentid !== 0; level++)
      at = company.departments.get(at.parentid)
    return level
  })
  assert.equal(Math.max(...levels), 8)
  assert.equal(Math.max(...departments.map(({ id }) => company.membersOf(id).size)), 5_000)
  assert.ok(
    new Set(departments.map(({ name }) => name)).size < departments.length,
    'same names under different parents',
  )
  assert.ok(Math.max(...departments.map(({ id }) => id)) > departments.length, 'gaps in the ids')
  assert.ok(departments.some(({ order }) => order > 2 ** 31))

  assert.deepEqual(new Set(members.map(({ status }) => status)), new Set([1, 2, 4, 5]))
  assert.ok(some(({ department }) => department.length === 5))
  assert.ok(
    some(({ department }) => department.some((id, i) => id < (department[i - 1] ?? 0))),
    'unsorted departments',
  )
  assert.ok(some(({ department, main_department }) => department[0] !== main_department))
  assert.ok(some(({ mobile }) => mobile.startsWith('+852')) && some(({ mobile }) => mobile === ''))
  assert.ok(!some(({ mobile }) => mobile.startsWith('+86')))
  assert.ok(some((member) => !('enable' in member)) && some(({ enable }) => enable === 0))
  assert.ok(some(({ email }) => email === '') && some(({ avatar }) => avatar.startsWith('http://')))
  assert.ok(some(({ name }) => /\u202e/u.test(name)) && some(({ name }) => /\u200b/u.test(name)))
  assert.ok(some(({ name }) => /\p{Extended_Pictographic}/u.test(name)) && some(({ name }) => name.startsWith('欧阳')))
  assert.ok(some(({ extattr }) => extattr.attrs.some((one) => 'value' in one)))
  assert.ok(some(({ extattr }) => extattr.attrs.some((one) => !('value' in one))))
  for (const style of [/^[a-z]+\d*$/, /^[A-Z][a-z]+[A-Z][a-z]+/, /^[a-z]+\.[a-z]+/, /^E\d{6}/, /@/]) {
    assert.ok(
      some(({ userid }) => style.test(userid)),
      `no userid like ${style.source}`,
    )
  }
  assert.ok(company.spellings.size > 0)
})

test('a company of one person is a company', () => {
  const company = generateCompany({ people: 1, seed: '1' })

  assert.equal(company.members.size, 1)
  assert.throws(() => generateCompany({ people: 0, seed: '1' }), /1 to 1000000 people, not 0/)
  assert.throws(() => generateCompany({ people: 5, seed: '1', levels: 2 }), /3 to 15 levels/)
})

test('odd shapes are made too', () => {
  const flat = generateCompany({ people: 14_000, seed: '1', departments: 1 })
  const pair = generateCompany({ people: 14_000, seed: '1', departments: 2 })
  const shallow = generateCompany({ people: 10, seed: '1', departments: 500, levels: 3 })

  assert.equal(flat.membersOf(1).size, 14_000)
  assert.equal(pair.departments.size, 2)
  assert.equal(shallow.departments.size, 500)
})

function digest(company: Company): string {
  const hash = createHash('sha256')
  hash.update(JSON.stringify([company.corpId, company.name, company.apps]))
  for (const department of company.departments.values()) hash.update(JSON.stringify(department))
  for (const member of company.members.values()) hash.update(JSON.stringify(member))
  hash.update(JSON.stringify([...company.spellings]))
  return hash.digest('hex')
}
