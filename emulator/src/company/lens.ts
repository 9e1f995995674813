/**
 * What one principal sees of a company: which departments and members lie in its visible range, and which fields of a
 * member it gets (wecom-api.md §2.2 and §2.3.1). A withheld field is an absent key, never an empty one.
 * Renders to plain objects; bodies.ts turns them into cached bytes.
 */

import { createHmac } from 'node:crypto'

import { principalKinds, seesEncryptedIds } from './apps.ts'
import type { App, PrincipalKind } from './apps.ts'
import { departmentsOf, foldUserid } from './company.ts'
import type { Company, Department, Member } from './company.ts'
import type { Readings } from '../settings.ts'

/**
 * S shown · – absent · G if the administrator granted the field · C if granted and the member consented · N the id instead
 * of the value · Z always "0" · O only on members the app itself created · L with the leader grant ·
 * R absent or "0", by the reading `withheldGender` · E shown by the reading `enableForProviders`.
 * Columns in the order of `principalKinds`; rows in the order of the keys on the wire.
 */
// oxfmt-ignore
const fieldRules = {
  //                    CS   old  new  sys  del  3rd  3rdC up
  userid:              ['S', 'S', 'S', 'S', 'S', 'S', 'S', 'S'],
  name:                ['S', 'S', 'S', 'S', 'G', 'N', 'O', 'S'],
  department:          ['S', 'S', 'S', 'S', 'S', 'S', 'S', 'S'],
  order:               ['S', 'S', 'S', 'S', 'S', 'S', 'S', 'S'],
  position:            ['S', 'S', 'S', 'S', 'G', '–', 'S', '–'],
  mobile:              ['S', 'S', '–', '–', 'C', '–', 'O', '–'],
  gender:              ['S', 'S', 'R', 'R', 'C', 'Z', 'O', '–'],
  email:               ['S', 'S', '–', '–', 'C', '–', 'O', '–'],
  biz_mail:            ['S', 'S', '–', '–', 'C', '–', 'O', '–'],
  is_leader_in_dept:   ['S', 'S', 'S', 'S', 'S', 'L', 'S', '–'],
  direct_leader:       ['S', 'S', 'S', 'S', '–', 'L', 'S', '–'],
  avatar:              ['S', 'S', '–', '–', 'C', '–', 'O', '–'],
  thumb_avatar:        ['S', 'S', '–', '–', '–', '–', 'O', '–'],
  telephone:           ['S', 'S', 'S', 'S', 'G', '–', 'S', '–'],
  alias:               ['S', 'S', 'S', 'S', 'S', '–', 'S', '–'],
  english_name:        ['S', 'S', '–', '–', '–', '–', '–', '–'],
  status:              ['S', 'S', 'S', 'S', 'S', 'S', 'S', 'S'],
  enable:              ['S', 'S', 'S', 'S', 'E', 'E', 'E', 'E'],
  isleader:            ['S', 'S', 'S', 'S', '–', '–', '–', '–'],
  hide_mobile:         ['S', 'S', 'S', 'S', '–', '–', '–', '–'],
  extattr:             ['S', 'S', 'S', 'S', 'G', '–', 'S', '–'],
  qr_code:             ['S', 'S', '–', '–', 'C', '–', 'O', '–'],
  address:             ['S', 'S', '–', '–', 'C', '–', 'O', '–'],
  external_position:   ['S', 'S', 'S', 'S', 'G', '–', 'S', '–'],
  external_profile:    ['S', 'S', 'S', 'S', 'G', '–', 'S', '–'],
  main_department:     ['S', 'S', 'S', 'S', 'S', 'S', 'S', 'S'],
  open_userid:         ['–', '–', '–', '–', '–', 'S', 'S', '–'],
} as const satisfies Record<string, readonly FieldRule[]>

type FieldRule = 'S' | '–' | 'G' | 'C' | 'N' | 'Z' | 'O' | 'L' | 'R' | 'E'
export type MemberField = keyof typeof fieldRules

/** The fields a principal of this kind can get at all, with the rule that governs each. */
export function fieldsOf(kind: PrincipalKind): { field: MemberField; rule: FieldRule }[] {
  const column = principalKinds.indexOf(kind)
  return Object.entries(fieldRules)
    .map(([field, rules]) => ({ field: field as MemberField, rule: rules[column] ?? '–' }))
    .filter(({ rule }) => rule !== '–')
}

/** Fixed by WeCom. A second department without a parent can be planted, but does not stand for the company. */
const rootId = 1

export interface Lens {
  readonly app: App
  /** Equal for lenses that render every member alike, so that they can share cached bytes. */
  readonly cacheKey: string
  /** True when how a member looks depends on that member only, and not on who else is in range. */
  readonly isShared: boolean
  /** True when the range contains the root: then everything is visible, also members of no department. */
  readonly isFull: boolean
  /** Departments in range, in the order of the truth. */
  departmentsInRange(): Department[]
  seesDepartment(id: number): boolean
  /** Third-party and delegated apps may be granted all ids without names (组织架构信息). */
  seesDepartmentId(id: number): boolean
  seesMember(member: Member): boolean
  /** How this principal names a member: the userid, or the id encrypted for its provider. */
  idOf(userid: string): string
  /** The id that all apps of its provider see, whatever `idOf` says. */
  openIdOf(userid: string): string
  /** The member of an id as this principal would send it, visible or not. */
  memberOf(id: string): Member | undefined
  member(member: Member, page: 'list' | 'get'): Record<string, unknown>
  simpleMember(member: Member): Record<string, unknown>
  department(department: Department): Record<string, unknown>
}

export function createLens(company: Company, app: App, readings: Readings): Lens {
  const isFull = app.kind === 'contacts-sync' || app.kind === 'third-party-contacts' || rangeContainsRoot(app)
  const fields = fieldsOf(app.kind)
  /** Of a provider: what is shown depends on whose it is, whether or not ids are encrypted. */
  const isProviders = seesEncryptedIds(app)
  const encrypts = isProviders && readings.useridsForProviders === 'encrypted'
  const isShared = isFull && !isProviders
  const visible = isFull ? undefined : visibleDepartments(company, app)
  const individuals = new Set(isFull ? [] : individualMembers(company, app))
  const grants = new Set(app.grantedFields)
  const consents = new Set(app.consents.map(foldUserid))
  let byEncryptedId: { version: number; members: Map<string, Member> } | undefined

  const lens: Lens = {
    app,
    cacheKey: [
      isShared ? firstAlike(app.kind) : `${app.agentId}@${app.version}`,
      readings.withheldGender,
      readings.enableForProviders,
      readings.useridsForProviders,
    ].join('/'),
    isShared,
    isFull,
    departmentsInRange: () =>
      visible
        ? [...company.departments.values()].filter(({ id }) => visible.has(id))
        : [...company.departments.values()],
    seesDepartment: (id) => !visible || visible.has(id),
    seesDepartmentId: (id) => app.seesStructure || lens.seesDepartment(id),
    seesMember: (member) =>
      !visible || departmentsOf(member).some((id) => visible.has(id)) || individuals.has(foldUserid(member.userid)),
    idOf: (userid) => (encrypts ? encryptedId(app.providerId, company, userid) : userid),
    openIdOf: (userid) => encryptedId(app.providerId, company, userid),
    memberOf,
    member: renderMember,
    simpleMember: (member) => ({
      userid: lens.idOf(member.userid),
      ...pickName(member),
      department: ownDepartments(member).map(({ id }) => id),
      ...(app.kind.startsWith('third-party') ? { open_userid: lens.openIdOf(member.userid) } : {}),
    }),
    department: renderDepartment,
  }
  return lens

  function memberOf(id: string): Member | undefined {
    const plain = encrypts ? undefined : company.findMember(id)
    if (plain || !isProviders) return plain
    if (byEncryptedId?.version !== company.version()) {
      byEncryptedId = { version: company.version(), members: new Map() }
      for (const member of company.members.values()) byEncryptedId.members.set(lens.openIdOf(member.userid), member)
    }
    return byEncryptedId.members.get(id)
  }

  function ownDepartments(member: Member): { id: number; index: number }[] {
    return departmentsOf(member)
      .map((id, index) => ({ id, index }))
      .filter(({ id }) => lens.seesDepartmentId(id))
  }

  function pickName(member: Member): { name?: string } {
    const rule = fields.find(({ field }) => field === 'name')?.rule
    if (rule === 'N') return { name: lens.idOf(member.userid) }
    return rule && isShown(rule, 'name', member) ? { name: member.name } : {}
  }

  function isShown(rule: FieldRule, field: MemberField, member: Member): boolean {
    switch (rule) {
      case 'S':
      case 'N':
      case 'Z':
        return true
      case 'R':
        return readings.withheldGender === 'zero'
      case 'E':
        return readings.enableForProviders
      case 'G':
        return grants.has(field)
      case 'C':
        return grants.has(field) && consents.has(foldUserid(member.userid))
      case 'L':
        return grants.has('leaders')
      case 'O':
        return company.creators.get(foldUserid(member.userid)) === app.agentId
      case '–':
        return false
      default:
        return unreachable(rule)
    }
  }

  function renderMember(member: Member, page: 'list' | 'get'): Record<string, unknown> {
    const places = Array.isArray(member.department) && (visible || isProviders) ? ownDepartments(member) : undefined
    const rendered: Record<string, unknown> = {}
    for (const { field, rule } of fields) {
      if (rule !== 'S' && !isShown(rule, field, member)) continue
      // The page of user/list says that a delegated app never gets biz_mail there.
      if (field === 'biz_mail' && rule === 'C' && page === 'list') continue
      if (rule === 'Z' || rule === 'R') rendered[field] = '0'
      else if (rule === 'N') rendered[field] = lens.idOf(member.userid)
      else {
        const value = valueOf(member, field, places)
        if (value !== undefined) rendered[field] = value
      }
    }
    return rendered
  }

  function valueOf(member: Member, field: MemberField, places: { index: number }[] | undefined): unknown {
    switch (field) {
      case 'userid':
        return lens.idOf(member.userid)
      case 'open_userid':
        return lens.openIdOf(member.userid)
      case 'department':
      case 'order':
      case 'is_leader_in_dept': {
        const list: unknown = member[field]
        return places && Array.isArray(list) ? places.map(({ index }): unknown => list[index]) : list
      }
      case 'main_department':
        return lens.seesDepartmentId(member.main_department) ? member.main_department : undefined
      case 'direct_leader':
        return leadersInRange(member.direct_leader)
      case 'thumb_avatar':
        return typeof member.avatar === 'string' ? member.avatar.replace(/\/0$/, '/100') : member.avatar
      case 'qr_code':
        return qrCodeOf(app, company, member.userid)
      case 'isleader':
        return Array.isArray(member.is_leader_in_dept) && member.is_leader_in_dept.includes(1) ? 1 : 0
      case 'hide_mobile':
        return 0
      case 'name':
      case 'position':
      case 'mobile':
      case 'gender':
      case 'email':
      case 'biz_mail':
      case 'avatar':
      case 'telephone':
      case 'alias':
      case 'english_name':
      case 'status':
      case 'enable':
      case 'extattr':
      case 'address':
      case 'external_position':
      case 'external_profile':
        return member[field]
      default:
        return unreachable(field)
    }
  }

  function leadersInRange(leaders: string[]): unknown {
    if (!Array.isArray(leaders) || (isFull && !encrypts)) return leaders
    return leaders
      .map((userid) => company.findMember(userid))
      .filter((leader) => leader !== undefined)
      .filter((leader) => lens.seesMember(leader))
      .map((leader) => lens.idOf(leader.userid))
  }

  function renderDepartment(department: Department): Record<string, unknown> {
    const { id, name, name_en, parentid, order } = department
    const showsName = app.kind !== 'delegated' || grants.has('name')
    const rendered: Record<string, unknown> = { id }
    if (app.kind === 'third-party') rendered['name'] = String(id)
    else if (app.kind !== 'third-party-contacts' && showsName) {
      rendered['name'] = name
      if (name_en !== undefined) rendered['name_en'] = name_en
    }
    if (app.kind !== 'upstream' && (app.kind !== 'third-party' || grants.has('leaders'))) {
      rendered['department_leader'] = leadersInRange(department.department_leader)
    }
    return Object.assign(rendered, { parentid, order })
  }
}

/** The first kind that gets exactly the same fields, so that its cached bytes serve both. */
function firstAlike(kind: PrincipalKind): PrincipalKind {
  const signature = JSON.stringify(fieldsOf(kind))
  return principalKinds.find((other) => JSON.stringify(fieldsOf(other)) === signature) ?? kind
}

function rangeContainsRoot(app: App): boolean {
  return app.range.departments.includes(rootId)
}

function visibleDepartments(company: Company, app: App): Set<number> {
  const granted = [
    ...app.range.departments,
    ...app.range.tags.flatMap((id) => [...(company.tags.get(id)?.departments ?? [])]),
  ]
  return new Set(granted.filter((id) => company.departments.has(id)).flatMap((id) => company.subtreeOf(id)))
}

function individualMembers(company: Company, app: App): string[] {
  const tagged = app.range.tags.flatMap((id) => [...(company.tags.get(id)?.userids ?? [])])
  return [...app.range.members, ...tagged].map(foldUserid)
}

/**
 * The id a provider's apps see: the same for all apps of one provider, meaningless to any other. 32 characters that look
 * like WeCom's (`wo…`); real ones cannot be computed by anybody but WeCom.
 */
export function encryptedId(providerId: string, company: Company, userid: string): string {
  const digest = createHmac('sha256', providerId)
    .update(`${company.corpId}/${foldUserid(userid)}`)
    .digest('base64url')
  return `wo${digest.slice(0, 30)}`
}

/** The address of the picture that adds the member as a contact. */
export function qrCodeOf(app: App, company: Company, userid: string): string {
  return `https://open.work.weixin.qq.com/wwopen/userQRCode?vcode=vc${encryptedId(app.providerId, company, userid).slice(2, 18)}`
}

function unreachable(value: never): never {
  throw new Error(`unhandled case ${String(value)}`)
}
