/**
 * The directory as the API shows it, and as it has to be by what WeCom shows: two pictures in one form, so that a test
 * can hold them against each other. The second is written from product.md §4.2 and shares no code with the server.
 */
import {
  listDepartments,
  listUsers,
  type Department,
  type Endpoint,
  type Result,
  type Sent,
  type User,
} from '@muster/contracts'
import type { Control } from '@muster/emulator'

/** One person. Departments by their WeCom id, people by their folded userid. */
export interface Portrait {
  displayName: string
  email: string | null
  phone: string | null
  title: string | null
  gender: string | null
  status: string
  departments: { id: string; isMain: boolean; order: number; isLeader: boolean }[]
  directLeader: string | null
  attributes: Record<string, unknown>
}

export interface DepartmentPortrait {
  name: string
  nameEn: string | null
  parent: string | null
  order: number
  leaders: string[]
}

/** By folded userid, and by WeCom's department id. */
export interface Picture {
  people: Map<string, Portrait>
  departments: Map<string, DepartmentPortrait>
}

/** Everything the API shows, page by page. */
export interface Directory {
  readonly users: readonly User[]
  readonly departments: readonly Department[]
}

type Ask = <const E extends Endpoint>(endpoint: E, request: Sent<E>) => Promise<Result<E>>

const PAGE = 500

export async function readDirectory(ask: Ask): Promise<Directory> {
  const users = await allPages((cursor) => ask(listUsers, { query: { limit: PAGE, cursor } }))
  const departments = await allPages((cursor) => ask(listDepartments, { query: { limit: PAGE, cursor } }))
  return { users, departments }
}

async function allPages<Item>(
  page: (cursor: string | undefined) => Promise<{ items: Item[]; nextCursor: string | null }>,
): Promise<Item[]> {
  const all: Item[] = []
  let cursor: string | undefined
  do {
    const { items, nextCursor } = await page(cursor)
    all.push(...items)
    cursor = nextCursor ?? undefined
  } while (cursor !== undefined)
  return all
}

/** People who are linked, and departments that came from WeCom. Throws when a person or a department is there twice. */
export function pictureOf({ users, departments }: Directory): Picture {
  const userids = new Map(users.flatMap(({ id, links }) => links.map(({ userid }) => [id, fold(userid)] as const)))
  const externalIds = new Map(departments.map(({ id, externalId }) => [id, externalId ?? id] as const))
  const people = new Map<string, Portrait>()
  for (const user of users) {
    for (const { userid } of user.links) {
      if (people.has(fold(userid))) throw new Error(`${userid} is linked twice`)
      people.set(fold(userid), portraitOf(user, userids, externalIds))
    }
  }
  const tree = new Map<string, DepartmentPortrait>()
  for (const { externalId, name, nameEn, parentId, order, leaderUserIds, origin } of departments) {
    if (origin !== 'wecom') continue
    if (tree.has(externalId ?? '')) throw new Error(`department ${externalId} is there twice`)
    tree.set(externalId ?? '', {
      name,
      nameEn,
      parent: parentId === null ? null : (externalIds.get(parentId) ?? 'unknown'),
      order,
      leaders: leaderUserIds.map((id) => userids.get(id) ?? 'unknown').sort(),
    })
  }
  return { people, departments: tree }
}

function portraitOf(
  user: User,
  userids: ReadonlyMap<string, string>,
  externalIds: ReadonlyMap<string, string>,
): Portrait {
  return {
    displayName: user.displayName,
    email: user.email,
    phone: user.phone,
    title: user.title,
    gender: user.gender,
    status: user.status,
    departments: user.departments
      .map(({ departmentId, isMain, order, isLeader }) => ({
        id: externalIds.get(departmentId) ?? 'unknown',
        isMain,
        order,
        isLeader,
      }))
      .sort(byId),
    directLeader: user.directLeaderUserId === null ? null : (userids.get(user.directLeaderUserId) ?? 'unknown'),
    attributes: user.attributes,
  }
}

/**
 * What the emulator would tell this app, as a directory. For apps that get every field.
 * @param isExpected who has to be in the directory, by folded userid: a test that breaks something expects some not to be
 */
export function truth(
  control: Control,
  app: { corpId: string; agentId: number },
  isExpected: (userid: string) => boolean = () => true,
): Picture {
  const all = control.viewAs(app) as unknown as View
  const view = { ...all, members: all.members.filter(({ userid }) => isExpected(fold(userid))) }
  const visible = new Set(view.departments.map(({ id }) => id))
  const known = new Set(view.members.map(({ userid }) => fold(userid)))
  const departments = view.departments.map(
    ({ id, name, name_en, parentid, order, department_leader }) =>
      [
        String(id),
        {
          name,
          nameEn: name_en ?? null,
          parent: visible.has(parentid) ? String(parentid) : null,
          order,
          leaders: department_leader
            .map(fold)
            .filter((leader) => known.has(leader))
            .sort(),
        },
      ] as const,
  )
  const people = view.members.map(
    (member) =>
      [
        fold(member.userid),
        {
          displayName: member.name,
          email: member.biz_mail || member.email || `${member.userid.replaceAll('@', '.').toLowerCase()}@wecom.local`,
          phone: phoneOf(member.mobile),
          title: member.position || null,
          gender: member.gender === '1' ? 'male' : member.gender === '2' ? 'female' : null,
          status: member.status === 1 && member.enable !== 0 ? 'active' : 'disabled',
          departments: member.department
            .map((id, index) => ({
              id: String(id),
              isMain: id === member.main_department,
              order: member.order[index] ?? 0,
              isLeader: member.is_leader_in_dept[index] === 1,
            }))
            .filter(({ id }) => visible.has(Number(id)))
            .sort(byId),
          directLeader: member.direct_leader.map(fold).find((leader) => known.has(leader)) ?? null,
          attributes: Object.fromEntries(
            member.extattr.attrs.map(({ name, text, web }) => [
              name,
              web ? { title: web.title, url: web.url } : text?.value,
            ]),
          ),
        },
      ] as const,
  )
  return { people: new Map(people), departments: new Map(departments) }
}

/** The wire format of wecom-api.md §2.3, as far as a directory has a place for it. */
interface View {
  departments: {
    id: number
    name: string
    name_en?: string
    parentid: number
    order: number
    department_leader: string[]
  }[]
  members: {
    userid: string
    name: string
    biz_mail: string
    email: string
    mobile: string
    position: string
    gender: string
    status: number
    enable?: number
    department: number[]
    order: number[]
    is_leader_in_dept: number[]
    main_department: number
    direct_leader: string[]
    extattr: { attrs: { name: string; text?: { value: string }; web?: { title: string; url: string } }[] }
  }[]
}

function phoneOf(mobile: string): string | null {
  const digits = mobile.replaceAll(' ', '')
  if (digits === '') return null
  return /^1\d{10}$/.test(digits) ? `+86${digits}` : digits
}

/** As WeCom compares userids. */
export function fold(userid: string): string {
  return userid.toLowerCase()
}

function byId(a: { id: string }, b: { id: string }): number {
  return a.id < b.id ? -1 : 1
}

const SHOWN = 10

/** What is not as it should be, the first ten of it; empty when all is right. */
export function differences(actual: Picture, expected: Picture): string[] {
  const found = [
    ...compare('person', actual.people, expected.people),
    ...compare('department', actual.departments, expected.departments),
  ]
  return found.slice(0, SHOWN)
}

function compare<T extends object>(what: string, actual: Map<string, T>, expected: Map<string, T>): string[] {
  const missing = [...expected.keys()].filter((key) => !actual.has(key)).map((key) => `${what} ${key} is missing`)
  const strangers = [...actual.keys()].filter((key) => !expected.has(key)).map((key) => `${what} ${key} is too much`)
  const wrong = [...expected].flatMap(([key, right]) => {
    const is = actual.get(key)
    if (is === undefined) return []
    return (Object.keys(right) as (keyof T)[])
      .map((field) => [field, stable(is[field]), stable(right[field])] as const)
      .filter(([, now, wanted]) => now !== wanted)
      .map(([field, now, wanted]) => `${what} ${key}: ${String(field)} is ${now} and should be ${wanted}`)
  })
  return [...missing, ...strangers, ...wrong]
}

/** JSON that does not depend on the order in which keys were written. */
function stable(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}
