/**
 * One company as it really is: departments, members, tags, and the indices that make them quick to find.
 * Stores what it is told, legal or not: the rules of WeCom's write API live in write-rules.ts, what a credential may see
 * of this lives in lens.ts. Records are kept in WeCom's own field names, so that a test can plant anything JSON can carry.
 */

import type { App } from './apps.ts'

export interface Department {
  id: number
  name: string
  name_en?: string
  parentid: number
  /** 0 ≤ order < 2^32; the larger is shown first. */
  order: number
  department_leader: string[]
}

export interface ExtensionAttribute {
  type?: number
  name: string
  value?: string
  text?: { value: string }
  web?: { url: string; title: string }
}

/** A member in the field names of page 90196. Optional means that WeCom leaves the key out. */
export interface Member {
  userid: string
  name: string
  /** `department`, `order` and `is_leader_in_dept` are parallel and in no particular order. */
  department: number[]
  order: number[]
  is_leader_in_dept: number[]
  main_department: number
  direct_leader: string[]
  position: string
  /** 1 active, 2 disabled, 4 not activated, 5 left the company. */
  status: number
  /** Absent on part of the members: it vanished from the documentation but not from the wire. */
  enable?: number
  alias: string
  telephone: string
  mobile: string
  gender: string
  email: string
  biz_mail: string
  avatar: string
  address: string
  english_name?: string
  extattr: { attrs: ExtensionAttribute[] }
  external_position: string
  external_profile?: Record<string, unknown>
}

export interface Tag {
  tagid: number
  tagname: string
  userids: Set<string>
  departments: Set<number>
  /** The app that made the tag, 0 for the contacts-sync assistant and the administrator. */
  agentId: number
}

/** What happened to one record. `before` is a copy, `after` the record as it is; undefined where there is none. */
export type Change =
  | { kind: 'member'; before: Member | undefined; after: Member | undefined }
  | { kind: 'department'; before: Department | undefined; after: Department | undefined }
  | ({ kind: 'tag' } & TagChange)

/** Who and what came to a tag and left it. */
export interface TagChange {
  tagid: number
  addedMembers: string[]
  removedMembers: string[]
  addedDepartments: number[]
  removedDepartments: number[]
}

export interface Company {
  readonly corpId: string
  name: string
  /** The mail domain of generated corporate addresses. */
  readonly domain: string
  /** A company that is banned or dissolved answers 301007. */
  isAvailable: boolean
  readonly apps: App[]
  readonly tags: Map<number, Tag>
  readonly departments: ReadonlyMap<number, Department>
  /** By folded userid. */
  readonly members: ReadonlyMap<string, Member>
  /** How `user/list_id` and `auth/getuserinfo` spell a userid, where that differs from the stored spelling. By folded userid. */
  readonly spellings: Map<string, string>
  /** Folded userids that the system made up, which may be renamed once (301036 otherwise). */
  readonly renamable: Set<string>
  /** Which app created a member, by folded userid; a contacts app sees names only of those (page 90196). */
  readonly creators: Map<string, number>
  /** The custom attributes the administrator has defined; a write drops others without a word (§2.3.3). */
  readonly attributes: Set<string>

  /** Grows with every change of anything. */
  version(): number
  /** Grows with every change of departments or tags, which may move the edge of a visible range. */
  shapeVersion(): number
  /** The version at which a direct member of the department, or the set of them, last changed. */
  departmentStamp(id: number): number

  childrenOf(id: number): readonly number[]
  membersOf(id: number): ReadonlySet<Member>
  /** Breadth first, the department itself included. Ends even when a test has planted a cycle. */
  subtreeOf(id: number): number[]
  findMember(userid: string): Member | undefined
  findByMobile(mobile: string): Member | undefined
  findByEmail(field: 'email' | 'biz_mail', address: string): Member | undefined

  putDepartment(department: Department): void
  removeDepartment(id: number): void
  /** Adds a member, or replaces the one with the same userid ignoring case. */
  putMember(member: Member): void
  /** Adds a second member under a userid that is taken: legal nowhere, wanted by tests. */
  plantMember(member: Member): void
  patchMember(member: Member, patch: Partial<Member>): void
  /** Removes members and every mention of them. One sweep for all, so give them together. Returns how many existed. */
  removeMembers(userids: readonly string[]): number
  renameMember(member: Member, userid: string): void
  /** To be called after changing a tag in place. */
  tagsChanged(change?: TagChange): void
  /**
   * Is told each change of a member, a department or the contents of a tag. Not told that a leader or a tag now mentions
   * somebody by another id. Nobody watches at first.
   */
  observe(observer: (change: Change) => void): void
}

/** The key of a userid, whose uniqueness and look-up ignore case. A planted member may carry anything, hence `unknown`. */
export function foldUserid(userid: unknown): string {
  return textOf(userid).toLowerCase()
}

export function createCompany(identity: { corpId: string; name: string; domain: string }): Company {
  const departments = new Map<number, Department>()
  const children = new Map<number, number[]>()
  const members = new Map<string, Member>()
  /** The keys of planted duplicates, which their userid does not tell. */
  const oddKeys = new WeakMap<Member, string>()
  const direct = new Map<number, Set<Member>>()
  const stamps = new Map<number, number>()
  let version = 1
  let shapeVersion = 1
  /** Built at the first look-up, because most runs never look anybody up by mobile or mail address. */
  let contacts: Record<'mobile' | 'email' | 'biz_mail', Map<string, Member>> | undefined
  let observer: ((change: Change) => void) | undefined

  const company: Company = {
    ...identity,
    isAvailable: true,
    apps: [],
    tags: new Map(),
    departments,
    members,
    spellings: new Map(),
    renamable: new Set(),
    creators: new Map(),
    attributes: new Set(['工号', '主页']),
    version: () => version,
    shapeVersion: () => shapeVersion,
    departmentStamp: (id) => stamps.get(id) ?? 0,
    childrenOf: (id) => children.get(id) ?? [],
    membersOf: (id) => direct.get(id) ?? new Set(),
    subtreeOf,
    findMember: (userid) => members.get(foldUserid(userid)),
    findByMobile: (mobile) => contactIndex().mobile.get(mobileKey(mobile)),
    findByEmail: (field, address) => contactIndex()[field].get(address.toLowerCase()),
    putDepartment,
    removeDepartment,
    putMember,
    plantMember: (member) => {
      let key = foldUserid(member.userid)
      while (members.has(key)) key += '\u0000'
      if (key !== foldUserid(member.userid)) oddKeys.set(member, key)
      insert(key, member)
      observer?.({ kind: 'member', before: undefined, after: member })
    },
    patchMember,
    removeMembers,
    renameMember,
    tagsChanged: (change) => {
      version++
      shapeVersion++
      if (change) observer?.({ kind: 'tag', ...change })
    },
    observe: (watching) => {
      observer = watching
    },
  }
  return company

  function subtreeOf(id: number): number[] {
    const found = [id]
    const seen = new Set(found)
    for (const current of found) {
      for (const child of children.get(current) ?? []) {
        if (seen.has(child)) continue
        seen.add(child)
        found.push(child)
      }
    }
    return found
  }

  function putDepartment(department: Department): void {
    const previous = departments.get(department.id)
    if (previous) unlist(previous)
    departments.set(department.id, department)
    const siblings = children.get(department.parentid)
    if (siblings) siblings.push(department.id)
    else children.set(department.parentid, [department.id])
    version++
    shapeVersion++
    observer?.({ kind: 'department', before: previous, after: department })
  }

  function removeDepartment(id: number): void {
    const department = departments.get(id)
    if (!department) return
    unlist(department)
    departments.delete(id)
    for (const tag of company.tags.values()) tag.departments.delete(id)
    version++
    shapeVersion++
    observer?.({ kind: 'department', before: department, after: undefined })
  }

  function unlist(department: Department): void {
    const siblings = children.get(department.parentid)
    if (siblings) {
      children.set(
        department.parentid,
        siblings.filter((id) => id !== department.id),
      )
    }
  }

  function putMember(member: Member): void {
    const key = foldUserid(member.userid)
    const previous = members.get(key)
    if (previous) detach(previous)
    insert(key, member)
    observer?.({ kind: 'member', before: previous, after: member })
  }

  function insert(key: string, member: Member): void {
    members.set(key, member)
    attach(member)
  }

  function keyOf(member: Member): string {
    return oddKeys.get(member) ?? foldUserid(member.userid)
  }

  function attach(member: Member): void {
    version++
    for (const id of departmentsOf(member)) {
      const set = direct.get(id)
      if (set) set.add(member)
      else direct.set(id, new Set([member]))
      stamps.set(id, version)
    }
    if (contacts) indexContacts(contacts, member)
  }

  function detach(member: Member): void {
    version++
    for (const id of departmentsOf(member)) {
      direct.get(id)?.delete(member)
      stamps.set(id, version)
    }
    // A planted duplicate shares its address with somebody else, whose entry must not be lost: rebuild when next needed.
    contacts = undefined
  }

  function touch(member: Member): void {
    for (const id of departmentsOf(member)) stamps.set(id, version)
  }

  function patchMember(member: Member, patch: Partial<Member>): void {
    if ('userid' in patch && foldUserid(patch.userid) !== foldUserid(member.userid)) {
      throw new Error('a userid changes by renameMember, because other records mention it')
    }
    const before = observer && { ...member }
    applyPatch(member, patch)
    observer?.({ kind: 'member', before, after: member })
  }

  function applyPatch(member: Member, patch: Partial<Member>): void {
    const staysInPlace = !('department' in patch)
    const keepsContacts = !('mobile' in patch || 'email' in patch || 'biz_mail' in patch)
    if (staysInPlace && keepsContacts) {
      Object.assign(member, patch)
      version++
      touch(member)
      return
    }
    detach(member)
    Object.assign(member, patch)
    attach(member)
  }

  function removeMembers(userids: readonly string[]): number {
    const gone = new Set<string>()
    for (const userid of userids) {
      const key = foldUserid(userid)
      const member = members.get(key)
      if (!member) continue
      detach(member)
      members.delete(key)
      company.spellings.delete(key)
      company.renamable.delete(key)
      company.creators.delete(key)
      gone.add(key)
      observer?.({ kind: 'member', before: member, after: undefined })
    }
    if (gone.size > 0) replaceMentions((key) => (gone.has(key) ? undefined : key))
    return gone.size
  }

  function renameMember(member: Member, userid: string): void {
    const before = keyOf(member)
    const after = foldUserid(userid)
    if (before !== after && members.has(after)) throw new Error(`userid ${userid} is taken`)
    const old = observer && { ...member }
    detach(member)
    members.delete(before)
    oddKeys.delete(member)
    member.userid = userid
    insert(after, member)
    company.spellings.delete(before)
    company.renamable.delete(before)
    const creator = company.creators.get(before)
    company.creators.delete(before)
    if (creator !== undefined) company.creators.set(after, creator)
    replaceMentions((key) => (key === before ? userid : key))
    observer?.({ kind: 'member', before: old, after: member })
  }

  /** Rewrites leaders and tags. `replacement` gets a folded userid; it answers the same for "keep", undefined for "drop". */
  function replaceMentions(replacement: (key: string) => string | undefined): void {
    const rewrite = (list: string[]): string[] | undefined => {
      let changed: string[] | undefined
      for (let i = 0; i < list.length; i++) {
        const original = list[i] ?? ''
        const key = foldUserid(original)
        const wanted = replacement(key)
        if (wanted === key) changed?.push(original)
        else {
          changed ??= list.slice(0, i)
          if (wanted !== undefined) changed.push(wanted)
        }
      }
      return changed
    }
    for (const member of members.values()) {
      const leaders = Array.isArray(member.direct_leader) ? rewrite(member.direct_leader) : undefined
      if (!leaders) continue
      member.direct_leader = leaders
      touch(member)
    }
    for (const department of departments.values()) {
      // A planted department may have no list here.
      const leaders = Array.isArray(department.department_leader) ? rewrite(department.department_leader) : undefined
      if (leaders) department.department_leader = leaders
    }
    for (const tag of company.tags.values()) {
      const userids = rewrite([...tag.userids])
      if (!userids) continue
      tag.userids = new Set(userids.map(foldUserid))
      shapeVersion++
    }
  }

  function contactIndex(): NonNullable<typeof contacts> {
    if (contacts) return contacts
    contacts = { mobile: new Map(), email: new Map(), biz_mail: new Map() }
    for (const member of members.values()) indexContacts(contacts, member)
    return contacts
  }

  function indexContacts(index: NonNullable<typeof contacts>, member: Member): void {
    if (member.mobile) index.mobile.set(mobileKey(member.mobile), member)
    if (member.email) index.email.set(foldUserid(member.email), member)
    if (member.biz_mail) index.biz_mail.set(foldUserid(member.biz_mail), member)
  }
}

/** A planted member may carry anything here; only whole lists of numbers place a member in departments. */
export function departmentsOf(member: Member): readonly number[] {
  return Array.isArray(member.department) ? member.department : []
}

/** `+86 13800000000`, `+8613800000000` and `13800000000` are one number. */
export function mobileKey(mobile: unknown): string {
  return textOf(mobile).replace(/[\s-]/g, '').replace(/^\+86/, '')
}

/** Whatever was planted where WeCom has text, as text. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
}
