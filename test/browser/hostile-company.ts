/**
 * A company where everything that has a name has a hostile one: people, departments, positions, attributes, connections,
 * applications, organizations, tokens, and what WeCom says when it refuses. The tests that attack pages look at it.
 */
import {
  createAdministrator,
  createApiToken,
  createApplication,
  createConnection,
  createDepartment,
  createOrganization,
  createUser,
  diagnoseConnection,
  listApplications,
  listUsers,
  updateUser,
  type Run,
} from '@muster/contracts'
import { PASSWORD, type ConsoleStage } from './console-stage.ts'
import { HOSTILE_NAMES, TYPED_NAMES } from './hostile-names.ts'

export interface HostileCompany {
  /** Ended in the ways that runs end: a first one, a broken one, one that lacks a part, one that is held. */
  readonly runs: readonly Run[]
  /** Whom the attributes of all names belong to. */
  readonly bearer: string
  readonly people: readonly string[]
  readonly departments: readonly string[]
  readonly applications: readonly string[]
  readonly clientIds: readonly string[]
  /** Who can sign in with the password of the stage. */
  readonly accounts: readonly { readonly name: string; readonly username: string }[]
}

export const REDIRECT_URI = 'http://localhost:9/callback'

/** How many of what is made one by one over our own API. */
const SOME = 24
const PEOPLE_LEFT = 60

/** @param name by its place, so that everything of one person is hostile in another way */
const name = (index: number): string => HOSTILE_NAMES[index % HOSTILE_NAMES.length]!
const typed = (index: number): string => TYPED_NAMES[index % TYPED_NAMES.length]!
const userid = (index: number): string => `h${String(index).padStart(3, '0')}`

/** Every so many of the typed names, so that few stand for all sorts. */
const some = Array.from({ length: SOME }, (_, index) => typed(Math.floor((index * TYPED_NAMES.length) / SOME)))

export async function fillWithHostileNames({ stack }: ConsoleStage): Promise<HostileCompany> {
  const { ask, control, corpId } = stack
  const plantPeople = (shift: number) => {
    for (const index of HOSTILE_NAMES.keys()) {
      const patch = {
        name: name(index + shift),
        position: name(index + shift + 1),
        alias: name(index + 2),
        english_name: name(index + 3),
        avatar: name(index + 4),
        address: name(index + 5),
        telephone: name(index + 6),
        extattr: { attrs: attributes(index, index === 0 ? HOSTILE_NAMES.length : 3) },
      }
      control.patchMember({ corpId, userid: userid(index), patch, unchecked: true })
    }
  }
  for (const index of HOSTILE_NAMES.keys()) {
    const department = { id: 1000 + index, name: name(index), name_en: name(index + 7), parentid: parentOf(index) }
    control.addDepartment({ corpId, department, unchecked: true })
    control.addMember({ corpId, member: person(index), unchecked: true })
  }
  plantPeople(0)

  // Somebody here has the login name of a member, and a role: sync asks a person.
  for (const index of [20, 21, 22, 23, 24]) {
    const { id } = await ask(createUser, { body: { username: userid(index), displayName: typed(index * 3) } })
    await ask(createAdministrator, { body: { userId: id, role: 'operator' } })
  }
  const first = await stack.syncOnce()

  for (const errmsg of [name(0), name(90)]) {
    control.addFault({ endpoint: 'department/*', effect: { kind: 'errcode', errcode: 60011, errmsg } })
  }
  const broken = await stack.syncOnce()
  control.clearFaults()

  control.addFault({
    endpoint: 'user/list',
    query: { department_id: '1003' },
    effect: { kind: 'errcode', errcode: 60011, errmsg: name(3) },
  })
  plantPeople(1)
  const partly = await stack.syncOnce()
  control.clearFaults()

  const organizations = await Promise.all(
    some.map((text, index) => ask(createOrganization, { body: { slug: `o${index}`, name: text } })),
  )
  const accounts: { name: string; username: string }[] = []
  for (const [index, text] of some.entries()) {
    await ask(createConnection, {
      body: {
        identifier: `c${index}`,
        displayName: clipped(text),
        ...(index % 3 === 0 ? { organizationId: organizations[index]!.id } : {}),
      },
    })
    await ask(createApplication, {
      body: {
        name: text,
        redirectUris: [REDIRECT_URI],
        connections: ['hq'],
        claims: { groups: { prefix: clipped(text), form: 'path' } },
      },
    })
    await ask(createApiToken, { body: { name: text, role: 'auditor' } })
    await ask(createDepartment, { body: { name: text } })
    const username = /^[^\s\p{C}]{1,64}$/u.test(text) ? text : `u${index}`
    const user = await ask(createUser, {
      body: { username, displayName: text, title: some.at(-index)!, password: PASSWORD },
    })
    accounts.push({ name: text, username })
    if (index % 2 === 0) await ask(createAdministrator, { body: { userId: user.id, role: 'auditor' } })
    else await ask(updateUser, { params: { id: user.id }, body: { title: typed(index + 1) } })
  }
  control.addFault({ endpoint: 'agent/get', effect: { kind: 'errcode', errcode: 60020, errmsg: name(41) } })
  await ask(diagnoseConnection, { params: { id: 'hq' } })
  control.clearFaults()

  control.removeMembers({
    corpId,
    userids: Array.from(HOSTILE_NAMES.keys(), userid).filter((_, index) => index > HOSTILE_NAMES.length - PEOPLE_LEFT),
  })
  const held = await stack.syncOnce()

  const people = await ask(listUsers, { query: { origin: 'wecom', limit: 500 } })
  const applications = await ask(listApplications, { query: { limit: 500 } })
  return {
    runs: [first, broken, partly, held],
    bearer: people.items.find(({ username }) => username === userid(0))!.id,
    people: people.items.map(({ id }) => id),
    departments: [...new Set(people.items.flatMap(({ departments }) => departments.map((one) => one.departmentId)))],
    applications: applications.items.map(({ id }) => id),
    clientIds: applications.items.map(({ clientId }) => clientId),
    accounts: accounts.filter((_, index) => index % 4 === 0),
  }
}

/** As much as shorter names may have. */
function clipped(text: string): string {
  return text.slice(0, 64).toWellFormed()
}

/** A tree that is wide at its top, and deep at one place. */
function parentOf(index: number): number {
  return index > 180 ? 1000 + index - 1 : 1
}

function person(index: number) {
  return {
    userid: userid(index),
    name: name(index),
    department: [1000 + index, 1],
    order: [0, 0],
    is_leader_in_dept: [1, 0],
    main_department: 1000 + index,
    mobile: `1390000${String(index).padStart(4, '0')}`,
    gender: '1',
    status: 1,
    direct_leader: index === 0 ? [] : [userid(index - 1)],
  }
}

function attributes(from: number, count: number) {
  return Array.from({ length: count }, (_, step) => {
    const at = from + step
    return at % 2 === 0
      ? { type: 0, name: name(at), value: name(at + 8), text: { value: name(at + 8) } }
      : { type: 1, name: name(at), web: { url: name(at + 9), title: name(at + 10) } }
  })
}
