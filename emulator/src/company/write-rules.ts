/**
 * WeCom's rules for writing contacts (wecom-api.md §2.2, §2.3.2): each violation is the error code WeCom documents for it.
 * Used by the write endpoints and, unless told to skip them, by the control functions. Changes nothing but the company it
 * is given, and only after every check has passed.
 */

import { departmentsOf, foldUserid } from './company.ts'
import type { Company, Department, ExtensionAttribute, Member, Tag } from './company.ts'
import { ApiError } from '../errors.ts'
import type { Readings } from '../settings.ts'

const levelsMax = 15
const departmentsMax = 30_000
const childrenMax = 30_000
const departmentsPerMemberMax = 100
const orderMax = 2 ** 32
const pendingDepartment = '其他（待设置部门）'

type Draft = Record<string, unknown>

// ---- Departments ----------------------------------------------------------------------------------------------------

export function createDepartment(company: Company, draft: Draft, readings: Readings): Department {
  const parentid = integerOf(draft['parentid'], 60004)
  if (!company.departments.has(parentid)) throw new ApiError(60004)
  const id = draft['id'] === undefined ? nextDepartmentId(company) : integerOf(draft['id'], 60123)
  if (id <= 1 || id >= 2 ** 31) throw new ApiError(60123)
  if (company.departments.has(id)) throw new ApiError(60008)
  if (levelOf(company, parentid) >= levelsMax) throw new ApiError(81002)
  if (company.departments.size >= departmentsMax || company.childrenOf(parentid).length >= childrenMax)
    throw new ApiError(81001)

  const department: Department = {
    id,
    name: departmentName(company, draft['name'], parentid, id, readings),
    parentid,
    order: draft['order'] === undefined ? 100_000_000 : orderOf(draft['order']),
    department_leader: [],
  }
  if (typeof draft['name_en'] === 'string') department.name_en = draft['name_en']
  company.putDepartment(department)
  return department
}

export function updateDepartment(company: Company, id: number, draft: Draft, readings: Readings): void {
  const department = company.departments.get(id)
  if (!department) throw new ApiError(60003)
  const parentid = draft['parentid'] === undefined ? department.parentid : integerOf(draft['parentid'], 60004)
  if (parentid !== department.parentid) {
    if (!company.departments.has(parentid)) throw new ApiError(60004)
    const below = company.subtreeOf(id)
    if (below.includes(parentid)) throw new ApiError(60010)
    if (levelOf(company, parentid) + heightOf(company, id) > levelsMax) throw new ApiError(81002)
  }
  const changed: Department = { ...department, parentid }
  if (draft['name'] !== undefined || parentid !== department.parentid) {
    changed.name = departmentName(company, draft['name'] ?? department.name, parentid, id, readings)
  }
  if (typeof draft['name_en'] === 'string') changed.name_en = draft['name_en']
  if (draft['order'] !== undefined) changed.order = orderOf(draft['order'])
  company.putDepartment(changed)
}

export function deleteDepartment(company: Company, id: number): void {
  const department = company.departments.get(id)
  if (!department) throw new ApiError(60003)
  if (department.parentid === 0) throw new ApiError(60007)
  if (company.childrenOf(id).length > 0) throw new ApiError(60006)
  if (company.membersOf(id).size > 0) throw new ApiError(60005)
  company.removeDepartment(id)
}

function departmentName(company: Company, value: unknown, parentid: number, id: number, readings: Readings): string {
  if (typeof value !== 'string' || value === '') throw new ApiError(60001)
  if (characters(value) > readings.departmentNameMax) throw new ApiError(60001)
  if (/[\\:*?"<>|]/.test(value)) throw new ApiError(60009)
  for (const sibling of company.childrenOf(parentid)) {
    if (sibling !== id && company.departments.get(sibling)?.name === value) throw new ApiError(60008)
  }
  return value
}

function nextDepartmentId(company: Company): number {
  let id = 1
  for (const existing of company.departments.keys()) id = Math.max(id, existing)
  return id + 1
}

function levelOf(company: Company, id: number): number {
  let level = 0
  // Bounded by the number of departments, because a test may have planted a cycle.
  for (let current = id; current !== 0 && level <= company.departments.size; level++) {
    current = company.departments.get(current)?.parentid ?? 0
  }
  return level
}

function heightOf(company: Company, id: number): number {
  const base = levelOf(company, id)
  return Math.max(...company.subtreeOf(id).map((below) => levelOf(company, below) - base)) + 1
}

// ---- Members --------------------------------------------------------------------------------------------------------

export interface CreatedMember {
  member: Member
  /** Departments that had to be made for it. */
  createdDepartments: Department[]
}

export function createMember(company: Company, draft: Draft, readings: Readings): CreatedMember {
  const userid = useridOf(draft['userid'])
  if (company.findMember(userid)) throw new ApiError(60102)
  if (!draft['mobile'] && !draft['email']) throw new ApiError(60129)
  const checked = checkFields(company, draft, readings, undefined)
  const name = checked.name
  if (name === undefined) throw new ApiError(60112)

  const createdDepartments: Department[] = []
  if (checked.department === undefined) {
    const root = [...company.departments.values()].find(({ parentid }) => parentid === 0)
    if (!root) throw new ApiError(60123)
    let pending = company.childrenOf(root.id).find((id) => company.departments.get(id)?.name === pendingDepartment)
    if (pending === undefined) {
      const made = createDepartment(company, { name: pendingDepartment, parentid: root.id }, readings)
      createdDepartments.push(made)
      pending = made.id
    }
    checked.department = [pending]
  }
  const places = checked.department
  const member: Member = {
    order: places.map(() => 0),
    is_leader_in_dept: places.map(() => 0),
    main_department: places[0] ?? 0,
    direct_leader: [],
    position: '',
    // Nobody has opened WeCom yet; a member created as disabled is disabled.
    status: checked.enable === 0 ? 2 : 4,
    enable: 1,
    alias: '',
    telephone: '',
    mobile: '',
    gender: '0',
    email: '',
    biz_mail: '',
    avatar: '',
    address: '',
    extattr: { attrs: [] },
    external_position: '',
    ...checked,
    name,
    department: places,
    userid,
  }
  company.putMember(member)
  return { member, createdDepartments }
}

/** Changes the fields that are there. `new_userid` renames, once, and only ids that the system made up (301036). */
export function updateMember(company: Company, member: Member, draft: Draft, readings: Readings): void {
  const rename = draft['new_userid']
  let newUserid: string | undefined
  if (rename !== undefined) {
    newUserid = useridOf(rename)
    if (!company.renamable.has(foldUserid(member.userid))) throw new ApiError(301036)
    const holder = company.findMember(newUserid)
    if (holder && holder !== member) throw new ApiError(60102)
  }
  const checked = checkFields(company, draft, readings, member)
  if (checked.department) {
    // Positions in the old arrays mean nothing in the new ones.
    checked.order ??= checked.department.map(() => 0)
    checked.is_leader_in_dept ??= checked.department.map(() => 0)
    const main = checked.main_department ?? member.main_department
    checked.main_department = checked.department.includes(main) ? main : (checked.department[0] ?? 0)
  }
  // The mobile of somebody who has activated the account is theirs: the change is ignored without a word.
  if (member.status === 1) delete checked.mobile
  if (checked.enable === 0) checked.status = 2
  if (checked.enable === 1 && member.status === 2) checked.status = 1
  company.patchMember(member, checked)
  if (newUserid !== undefined) company.renameMember(member, newUserid)
}

// ---- Tags -----------------------------------------------------------------------------------------------------------

interface TagContents {
  members: readonly string[]
  departments: readonly number[]
}

/** Who is in the tag already, or not in it, stays so without being a change. */
export function changeTag(
  company: Company,
  tag: Tag,
  { add, remove }: { add?: TagContents; remove?: TagContents },
): void {
  const addedMembers = unique(add?.members ?? []).filter((userid) => !tag.userids.has(foldUserid(userid)))
  const removedMembers = unique(remove?.members ?? []).filter((userid) => tag.userids.has(foldUserid(userid)))
  const addedDepartments = unique(add?.departments ?? []).filter((id) => !tag.departments.has(id))
  const removedDepartments = unique(remove?.departments ?? []).filter((id) => tag.departments.has(id))
  for (const userid of addedMembers) tag.userids.add(foldUserid(userid))
  for (const userid of removedMembers) tag.userids.delete(foldUserid(userid))
  for (const id of addedDepartments) tag.departments.add(id)
  for (const id of removedDepartments) tag.departments.delete(id)
  const lists = { addedMembers, removedMembers, addedDepartments, removedDepartments }
  const isChanged = Object.values(lists).some((list) => list.length > 0)
  company.tagsChanged(isChanged ? { tagid: tag.tagid, ...lists } : undefined)
}

function unique<T>(list: readonly T[]): T[] {
  return [...new Set(list)]
}

// ---- Checks ---------------------------------------------------------------------------------------------------------

/** The known fields of a draft, each as WeCom would store it. `self` is the member being changed. */
function checkFields(company: Company, draft: Draft, readings: Readings, self: Member | undefined): Partial<Member> {
  const checked: Partial<Member> = {}
  if (draft['name'] !== undefined) checked.name = boundedText(draft['name'], 1, 64, 60112)
  if (draft['department'] !== undefined) checked.department = placesOf(company, draft['department'])
  const places = checked.department ?? (self ? departmentsOf(self) : [])
  if (draft['order'] !== undefined) checked.order = parallel(draft['order'], places).map(orderOf)
  if (draft['is_leader_in_dept'] !== undefined) {
    checked.is_leader_in_dept = parallel(draft['is_leader_in_dept'], places).map((value) => (value === 1 ? 1 : 0))
  }
  if (draft['main_department'] !== undefined) {
    checked.main_department = integerOf(draft['main_department'], 60123)
    if (!places.includes(checked.main_department)) throw new ApiError(60123)
  }
  if (draft['direct_leader'] !== undefined) checked.direct_leader = leadersOf(company, draft['direct_leader'], readings)
  if (draft['mobile'] !== undefined) checked.mobile = mobileOf(company, draft['mobile'], self)
  if (draft['email'] !== undefined) checked.email = addressOf(company, 'email', draft['email'], self)
  if (draft['biz_mail'] !== undefined) checked.biz_mail = addressOf(company, 'biz_mail', draft['biz_mail'], self)
  if (draft['position'] !== undefined) checked.position = boundedText(draft['position'], 0, 128, 40058)
  if (draft['alias'] !== undefined) checked.alias = boundedText(draft['alias'], 0, 64, 40058)
  if (draft['telephone'] !== undefined) checked.telephone = boundedText(draft['telephone'], 0, 32, 40058)
  if (draft['address'] !== undefined) checked.address = boundedText(draft['address'], 0, 128, 40058)
  if (draft['external_position'] !== undefined) {
    checked.external_position = boundedText(draft['external_position'], 0, 12, 40058)
  }
  // A string on the wire, but clients send numbers too and are not refused.
  if (draft['gender'] !== undefined) checked.gender = draft['gender'] === 1 || draft['gender'] === '1' ? '1' : '2'
  if (draft['enable'] !== undefined) checked.enable = draft['enable'] === 0 ? 0 : 1
  if (draft['extattr'] !== undefined) checked.extattr = { attrs: attributesOf(company, draft['extattr']) }
  return checked
}

/** 1 to 64 letters, digits and `_-@.`, the first a letter or digit. */
export function isUserid(value: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9_\-@.]{0,63}$/.test(value)
}

function useridOf(value: unknown): string {
  if (typeof value === 'string' && isUserid(value)) return value
  throw new ApiError(40003)
}

function placesOf(company: Company, value: unknown): number[] {
  if (!Array.isArray(value) || value.length === 0) throw new ApiError(40066)
  if (value.length > departmentsPerMemberMax) throw new ApiError(60110)
  const ids = value.map((id) => integerOf(id, 60123))
  if (!ids.every((id) => company.departments.has(id))) throw new ApiError(60123)
  return [...new Set(ids)]
}

function parallel(value: unknown, places: readonly number[]): unknown[] {
  if (!Array.isArray(value) || value.length !== places.length) throw new ApiError(60132)
  return value
}

function leadersOf(company: Company, value: unknown, readings: Readings): string[] {
  if (!Array.isArray(value)) throw new ApiError(40058)
  if (value.length > readings.directLeadersMax) throw new ApiError(60257)
  return value.map((userid: unknown) => {
    const leader = company.findMember(useridOf(userid))
    if (!leader) throw new ApiError(60111)
    return leader.userid
  })
}

function mobileOf(company: Company, value: unknown, self: Member | undefined): string {
  const mobile = boundedText(value, 0, 32, 60103)
  if (mobile === '') return mobile
  if (!/^\+?[0-9][0-9 -]{4,31}$/.test(mobile)) throw new ApiError(60103)
  const holder = company.findByMobile(mobile)
  if (holder && holder !== self) throw new ApiError(60104)
  // Mainland numbers are stored without the country code, others without the space.
  return mobile.replace(/[\s-]/g, '').replace(/^\+86/, '')
}

function addressOf(company: Company, field: 'email' | 'biz_mail', value: unknown, self: Member | undefined): string {
  const [bad, taken] = field === 'email' ? [60105, 60106] : [60141, 60142]
  const address = boundedText(value, 0, 64, bad)
  if (address === '') return address
  if (address.length < 6 || !/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(address)) throw new ApiError(bad)
  const holder = company.findByEmail(field, address)
  if (holder && holder !== self) throw new ApiError(taken)
  return address
}

function attributesOf(company: Company, value: unknown): ExtensionAttribute[] {
  const attrs: unknown = typeof value === 'object' && value !== null && 'attrs' in value ? value.attrs : undefined
  if (!Array.isArray(attrs)) throw new ApiError(40058)
  return attrs.filter(
    (attribute): attribute is ExtensionAttribute =>
      typeof attribute === 'object' &&
      attribute !== null &&
      'name' in attribute &&
      typeof attribute.name === 'string' &&
      company.attributes.has(attribute.name),
  )
}

function boundedText(value: unknown, min: number, max: number, errcode: number): string {
  if (typeof value !== 'string' || characters(value) < min || characters(value) > max) throw new ApiError(errcode)
  return value
}

/** Code points, so that a rare character outside the basic plane counts once. */
function characters(value: string): number {
  return Array.from(value).length
}

function integerOf(value: unknown, errcode: number): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw new ApiError(errcode)
  return value
}

function orderOf(value: unknown): number {
  const order = integerOf(value, 40058)
  if (order < 0 || order >= orderMax) throw new ApiError(40058)
  return order
}
