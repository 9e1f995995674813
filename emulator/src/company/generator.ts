/**
 * Makes a plausible Chinese company from a seed: the same options give the same company, byte for byte, on any machine.
 * Everything it makes is legal WeCom data (unique userids, mobiles and mail addresses ignoring case, no broken rows) and
 * as awkward as legal data gets. Illegal data is planted through the control API.
 */

import { createApp } from './apps.ts'
import type { App, PrincipalKind } from './apps.ts'
import { createCompany, foldUserid } from './company.ts'
import type { Company, Department, ExtensionAttribute, Member } from './company.ts'
import {
  companyNames,
  divisions,
  foreignNames,
  givenSyllables,
  nameDecorations,
  positions,
  rareSurnames,
  streets,
  surnames,
  units,
} from './names.ts'
import { createRandom } from '../random.ts'
import type { Random } from '../random.ts'

export interface CompanyShape {
  /** 1 to 1,000,000. */
  people: number
  seed: string
  /** 1 to 100,000; by `departmentCount` when left out. */
  departments?: number
  name?: string
  /** 3 to 15, which is the most WeCom allows; 8 by default. */
  levels?: number
}

/** 6 % of the people up to 60 departments, then one for every 20 people; never fewer than 4. */
export function departmentCount(people: number): number {
  return Math.max(4, Math.min(Math.ceil(people * 0.06), Math.max(60, Math.round(people / 20))))
}

/** The direct members of the one oversized department of companies of at least 14,000 people. */
const crowdSize = 5_000
const crowdFrom = 14_000

export function generateCompany(shape: CompanyShape): Company {
  const { people, seed, departments: count = departmentCount(people), levels = 8 } = shape
  checkRange('people', people, 1, 1_000_000)
  checkRange('departments', count, 1, 100_000)
  checkRange('levels', levels, 3, 15)
  // One stream per subject, so that more departments do not change anybody's name.
  const identity = createRandom(`${seed}/identity`)
  const [name, domain] = identity.pick(companyNames)
  const company = createCompany({ corpId: `ww${identity.hex(16)}`, name: shape.name ?? name, domain })
  for (const app of generateApps(identity)) company.apps.push(app)

  const departments = growTree(createRandom(`${seed}/departments`), {
    count,
    levels,
    rootName: company.name,
  })
  const members = hire(company, createRandom(`${seed}/members`), people, departments)
  appointLeaders(departments, members, createRandom(`${seed}/leaders`))

  for (const department of departments) company.putDepartment(department)
  for (const member of members) company.putMember(member)
  generateTags(company, createRandom(`${seed}/tags`), departments, members)
  return company
}

function checkRange(what: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return
  throw new RangeError(`a company has ${min} to ${max} ${what}, not ${value}`)
}

function generateApps(random: Random): App[] {
  const apps: [PrincipalKind, string][] = [
    ['self-built', '目录助手'],
    ['self-built-before-2022', '老版考勤'],
    ['system', '客户联系'],
    ['delegated', '代开发门户'],
    ['third-party', '第三方报销'],
    ['third-party-contacts', '第三方通讯录'],
    ['upstream', '上下游协作'],
  ]
  return [
    ...apps.map(([kind, name], index) => createApp({ agentId: 1_000_002 + index, kind, name, secret: random.hex(43) })),
    createApp({ agentId: 0, kind: 'contacts-sync', name: '通讯录同步', secret: random.hex(43) }),
  ]
}

function growTree(random: Random, plan: { count: number; levels: number; rootName: string }): Department[] {
  const root: Department = { id: 1, name: plan.rootName, parentid: 0, order: 100_000_000, department_leader: [] }
  const departments = [root]
  const depth = new Map([[1, 1]])
  const taken = new Set<string>()
  const firstLevel = Math.min(plan.count - 1, Math.max(3, Math.min(divisions.length, Math.round(plan.count / 8))))
  let id = 1

  while (departments.length < plan.count) {
    // Ids have gaps, as if departments had been deleted since.
    id += random.chance(0.1) ? 2 + random.integer(40) : 1
    const parent = departments.length <= firstLevel ? root : pickParent()
    const level = (depth.get(parent.id) ?? 1) + 1
    const name = uniqueAmongSiblings(parent.id, random.pick(level === 2 ? divisions : units))
    const department: Department = { id, name, parentid: parent.id, order: pickOrder(), department_leader: [] }
    if (random.chance(0.15)) department.name_en = `Unit ${id}`
    departments.push(department)
    depth.set(id, level)
  }
  return departments

  /** Favours recent departments, which grows branches to the last level instead of one wide shrub. */
  function pickParent(): Department {
    for (;;) {
      const reach = random.chance(0.5) ? Math.min(departments.length, 40) : departments.length
      const candidate = departments[departments.length - 1 - random.integer(reach)] ?? root
      if ((depth.get(candidate.id) ?? 1) < plan.levels && candidate !== root) return candidate
    }
  }

  function uniqueAmongSiblings(parentId: number, wanted: string): string {
    let name = wanted
    for (let n = 2; taken.has(`${parentId}/${name}`); n++) name = `${wanted}${n}`
    taken.add(`${parentId}/${name}`)
    return name
  }

  function pickOrder(): number {
    const style = random.next()
    if (style < 0.7) return 100_000_000 - departments.length * 1_000
    if (style < 0.9) return random.integer(1_000)
    // Above 2^31: orders are unsigned.
    return 4_294_967_295 - random.integer(1_000_000)
  }
}

function hire(company: Company, random: Random, people: number, departments: readonly Department[]): Member[] {
  const members: Member[] = []
  const ids = departments.map(({ id }) => id)
  const crowd = people >= crowdFrom && ids.length > 1 ? ids[Math.floor(ids.length / 2)] : undefined
  const nextUserid = createUseridMaker(random)
  for (let index = 0; index < people; index++) {
    const person = pickPerson(random)
    const { userid, isSystemMade } = nextUserid(person.stem, index)
    const isInCrowd = crowd !== undefined && index % 2 === 0 && index < crowdSize * 2
    const places = pickDepartments(random, ids, isInCrowd ? crowd : undefined, crowd)
    const member = describe(company, random, { index, userid, name: person.name, places })
    members.push(member)
    if (isSystemMade) company.renamable.add(foldUserid(userid))
    if (userid !== foldUserid(userid) && random.chance(0.2)) {
      company.spellings.set(foldUserid(userid), foldUserid(userid))
    }
  }
  return members
}

function pickPerson(random: Random): { name: string; stem: string } {
  if (random.chance(0.01)) {
    const [name, stem] = random.pick(foreignNames)
    return { name, stem }
  }
  const [surname, latinSurname] = random.pick(random.chance(0.01) ? rareSurnames : surnames)
  let name = surname
  let given = ''
  for (let syllables = random.chance(0.25) ? 1 : 2; syllables > 0; syllables--) {
    const [character, latin] = random.pick(givenSyllables)
    name += character
    given += latin
  }
  if (random.chance(0.004)) name = random.pick(nameDecorations).replace('?', name)
  return { name, stem: `${latinSurname}.${given}` }
}

/** Mixes the styles that companies really use; the result is unique ignoring case. */
function createUseridMaker(random: Random): (stem: string, index: number) => { userid: string; isSystemMade: boolean } {
  const used = new Map<string, number>()
  return (stem, index) => {
    const style = random.next()
    const [surname = stem, given = ''] = stem.split('.')
    let userid: string
    // WeCom itself makes ids like ZhangSan from the name; those may be renamed once.
    const isSystemMade = style >= 0.45 && style < 0.65
    if (style < 0.45) userid = flat(surname, given)
    else if (isSystemMade) userid = flat(capitalise(surname), capitalise(given))
    else if (style < 0.8) userid = flat(surname, '.', given)
    else if (style < 0.96) userid = `E${String(index + 1).padStart(6, '0')}`
    else if (style < 0.98) userid = `${surname}_${given}-${index % 97}`
    else userid = `${surname}@corp`
    const folded = foldUserid(userid)
    const namesakes = used.get(folded) ?? 0
    used.set(folded, namesakes + 1)
    if (namesakes === 0) return { userid, isSystemMade }
    for (let n = namesakes + 1; ; n++) {
      const numbered = `${userid}${n}`
      if (used.has(foldUserid(numbered))) continue
      used.set(foldUserid(numbered), 1)
      return { userid: numbered, isSystemMade }
    }
  }
}

function capitalise(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}

function pickDepartments(
  random: Random,
  ids: readonly number[],
  home: number | undefined,
  crowd: number | undefined,
): number[] {
  const main = home ?? pickQuiet()
  const luck = random.next()
  const count = luck < 0.002 ? 5 : luck < 0.02 ? 3 : luck < 0.1 ? 2 : 1
  if (count === 1 || ids.length <= count + 1) return [main]
  const places = new Set([main])
  while (places.size < count) places.add(pickQuiet())
  // The main department is not always the first, nor are ids sorted: only the parallel arrays tell what belongs together.
  const list = [...places]
  if (random.chance(0.5)) list.reverse()
  return list

  /** Any department but the crowded one, whose size is a promise; the root itself gets few people. */
  function pickQuiet(): number {
    for (;;) {
      const id = random.pick(ids)
      if (id === crowd || (id === 1 && !random.chance(0.2))) continue
      return id
    }
  }
}

/** Joined lists are one flat string; templates are chains of pieces, which took a third of the memory of a large company. */
function flat(...pieces: (string | number)[]): string {
  return pieces.join('')
}

/** Shared by everybody who has none, for the same reason. Records are replaced, never changed in place. */
const none: never[] = []
const noAttributes = { attrs: none }
const justZero = [0]

function describe(
  company: Company,
  random: Random,
  given: { index: number; userid: string; name: string; places: number[] },
): Member {
  const { index, userid, name, places } = given
  const luck = random.next()
  const status = luck < 0.9 ? 1 : luck < 0.97 ? 4 : luck < 0.99 ? 2 : 5
  const mobile = random.chance(0.02) ? '' : uniqueMobile(random, index)
  const localPart = foldUserid(userid).replace('@', '-at-')
  // WeCom refuses members with neither (60129), so whoever has no mobile has a mail address.
  const email = mobile !== '' && random.chance(0.3) ? '' : flat(localPart, '.', index, '@mail.example')
  const member: Member = {
    userid,
    name,
    department: places,
    order: places.map(() => pickOrder(random)),
    is_leader_in_dept: places.length === 1 ? justZero : places.map(() => 0),
    main_department: places[places.length === 1 ? 0 : random.integer(places.length)] ?? 1,
    direct_leader: none,
    position: random.chance(0.1) ? '' : random.pick(positions),
    status,
    alias: random.chance(0.1) ? capitalise(localPart.slice(0, 6)) : '',
    telephone: random.chance(0.1) ? `010-8888${String(index % 10_000).padStart(4, '0')}` : '',
    mobile,
    gender: random.pick(['1', '1', '2', '2', '2', '1', '0']),
    email,
    biz_mail: random.chance(0.85) ? flat(localPart, '@', company.domain) : '',
    avatar: pickAvatar(random),
    address: random.chance(0.05) ? `${random.pick(streets)}${1 + random.integer(300)}号` : '',
    extattr: pickAttributes(random, index),
    external_position: '',
  }
  if (random.chance(0.7)) member.enable = status === 2 ? 0 : 1
  if (random.chance(0.1)) member.english_name = capitalise(localPart.slice(0, 5))
  if (random.chance(0.03)) {
    member.external_position = '客户经理'
    member.external_profile = {
      external_corp_name: company.name,
      external_attr: [{ type: 1, name: '官网', web: { url: `https://www.${company.domain}`, title: '官网' } }],
    }
  }
  return member
}

function pickOrder(random: Random): number {
  const style = random.next()
  return style < 0.8 ? 0 : style < 0.95 ? random.integer(100_000) : 4_294_967_295 - random.integer(10_000)
}

/** Mainland numbers without +86, some foreign ones. Unique because the digits are a permutation of the index. */
function uniqueMobile(random: Random, index: number): string {
  const digits = String((index * 48_271 + 1_357_913) % 100_000_000).padStart(8, '0')
  const style = random.next()
  if (style < 0.97) return flat('1', random.pick(['30', '35', '38', '39', '50', '58', '77', '86', '99']), digits)
  return flat(random.pick(['+852', '+853', '+65', '+886', '+49', '+1']), digits)
}

function pickAvatar(random: Random): string {
  const style = random.next()
  if (style < 0.2) return ''
  // A host that does not exist: nobody's browser should ask WeCom's picture servers for invented faces.
  return flat(style < 0.3 ? 'http' : 'https', '://wework.qpic.example/wwpic/', random.hex(16), '/0')
}

/** Both shapes seen on the wire: only `text`, or a flat `value` beside it. */
function pickAttributes(random: Random, index: number): Member['extattr'] {
  if (!random.chance(0.3)) return noAttributes
  const value = `E${String(index + 1).padStart(6, '0')}`
  const number: ExtensionAttribute = random.chance(0.5)
    ? { type: 0, name: '工号', text: { value } }
    : { name: '工号', value, type: 0, text: { value } }
  if (!random.chance(0.1)) return { attrs: [number] }
  return { attrs: [number, { type: 1, name: '主页', web: { url: 'https://people.example/', title: '主页' } }] }
}

/** The first member of a department leads it and the others report to that person; leaders report one level up. */
function appointLeaders(departments: readonly Department[], members: readonly Member[], random: Random): void {
  const leaders = new Map<number, Member>()
  for (const member of members) {
    if (member.status === 1 && !leaders.has(member.main_department)) leaders.set(member.main_department, member)
  }
  const parents = new Map(departments.map(({ id, parentid }) => [id, parentid]))
  for (const department of departments) {
    const leader = leaders.get(department.id)
    if (!leader || random.chance(0.1)) continue
    department.department_leader = [leader.userid]
    leader.is_leader_in_dept = leader.department.map((id, place) =>
      id === department.id ? 1 : (leader.is_leader_in_dept[place] ?? 0),
    )
  }
  for (const member of members) {
    let id = member.main_department
    while (id !== 0 && (leaders.get(id) === undefined || leaders.get(id) === member)) id = parents.get(id) ?? 0
    const leader = leaders.get(id)
    if (leader && !random.chance(0.05)) member.direct_leader = [leader.userid]
  }
}

function generateTags(
  company: Company,
  random: Random,
  departments: readonly Department[],
  members: readonly Member[],
): void {
  for (const [index, tagname] of ['党员', '新员工', '班车', '值班'].entries()) {
    const tag = { tagid: index + 1, tagname, userids: new Set<string>(), departments: new Set<number>(), agentId: 0 }
    for (let n = 0; n < Math.min(10, members.length); n++) tag.userids.add(foldUserid(random.pick(members).userid))
    if (index >= 2) tag.departments.add(random.pick(departments).id)
    company.tags.set(tag.tagid, tag)
  }
  company.tagsChanged()
}
