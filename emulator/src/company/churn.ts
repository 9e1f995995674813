/**
 * A working day in the life of a company, from a seed: people join, leave, move and change titles, departments get new
 * names. Returns exactly what it did, so that a test can compare a sync against it.
 */

import { departmentsOf } from './company.ts'
import type { Company, Member } from './company.ts'
import { positions } from './names.ts'
import { createRandom } from '../random.ts'
import type { Random } from '../random.ts'

export interface ChurnSummary {
  joined: string[]
  left: string[]
  moved: string[]
  retitled: string[]
  renamedDepartments: number[]
}

/**
 * Touches `percent` of the members, each in one way: 20 % leave, 30 % move, 50 % get another title; as many join as leave.
 * The same percentage of departments is renamed. Never removes the last member and never renames the root.
 */
export function churn(company: Company, percent: number, seed: string): ChurnSummary {
  const random = createRandom(`${seed}/churn`)
  const summary: ChurnSummary = { joined: [], left: [], moved: [], retitled: [], renamedDepartments: [] }
  const departments = [...company.departments.values()]
  const chosen = sample(random, [...company.members.values()], percent)
  const leaving: string[] = []

  for (const member of chosen) {
    const luck = random.next()
    if (luck < 0.2 && leaving.length < company.members.size - 1) {
      leaving.push(member.userid)
      const userid = freeUserid(company, random)
      company.putMember(successor(company, member, userid, random))
      summary.joined.push(userid)
    } else if (luck < 0.5 && departments.length > 1) {
      const elsewhere = departments.filter(({ id }) => !departmentsOf(member).includes(id))
      if (elsewhere.length === 0) continue
      const { id } = random.pick(elsewhere)
      company.patchMember(member, { department: [id], order: [0], is_leader_in_dept: [0], main_department: id })
      summary.moved.push(member.userid)
    } else {
      const position = random.pick(positions.filter((title) => title !== member.position))
      company.patchMember(member, { position })
      summary.retitled.push(member.userid)
    }
  }
  company.removeMembers(leaving)
  summary.left.push(...leaving)

  for (const department of sample(random, departments, percent)) {
    if (department.parentid === 0) continue
    // The id makes it unique among siblings, whatever was renamed before.
    const base = department.name.replace(/（\d+-\d+）$/, '')
    company.putDepartment({ ...department, name: `${base}（${department.id}-${random.integer(1_000)}）` })
    summary.renamedDepartments.push(department.id)
  }
  return summary
}

/** A newcomer takes the leaver's place and title, with contacts of their own. */
function successor(company: Company, member: Member, userid: string, random: Random): Member {
  const { department, order, main_department, position, name } = member
  return {
    userid,
    name: `${Array.from(name)[0] ?? '王'}新${random.integer(10)}`,
    department: [...department],
    order: [...order],
    is_leader_in_dept: department.map(() => 0),
    main_department,
    direct_leader: [],
    position,
    status: 4,
    enable: 1,
    alias: '',
    telephone: '',
    mobile: '',
    gender: '0',
    email: `${userid}@mail.example`,
    biz_mail: `${userid}@${company.domain}`,
    avatar: '',
    address: '',
    extattr: { attrs: [] },
    external_position: '',
  }
}

function freeUserid(company: Company, random: Random): string {
  for (;;) {
    const userid = `new.${random.hex(10)}`
    if (!company.findMember(userid)) return userid
  }
}

/** `percent` of the list, at least one unless it is 0, in random order. */
function sample<T>(random: Random, list: T[], percent: number): T[] {
  const wanted = percent === 0 ? 0 : Math.max(1, Math.round((list.length * percent) / 100))
  for (let i = 0; i < wanted && i < list.length; i++) {
    const j = i + random.integer(list.length - i)
    const [a, b] = [list[i], list[j]]
    if (a !== undefined && b !== undefined) [list[i], list[j]] = [b, a]
  }
  return list.slice(0, wanted)
}
