/**
 * What a change of a company says to whom (wecom-api.md §4.3): which apps have a callback address, what each may learn of the
 * change, and in which form. Watches companies, gathers what one operation changed, and hands the messages to sender.ts.
 */

import type { App } from '../company/apps.ts'
import { cdata } from './request.ts'
import type { Envelope, Receiver } from './request.ts'
import type { Order, Sender } from './sender.ts'
import type { Change, Company, Department, Member } from '../company/company.ts'
import { departmentsOf, textOf } from '../company/company.ts'
import type { Lens } from '../company/lens.ts'
import type { Readings } from '../settings.ts'

/** Which member fields the contacts-sync assistant is told: all, or ids and departments only. */
export type EventForm = 'full' | 'reduced'

/** Where one app of a company wants to be called. */
export interface CallbackTarget extends Receiver {
  toUserName: string
  agentId: number | null
  envelope?: Envelope
  /**
   * Contacts-sync only. `full` is an address entered before 2022-08-15 and never saved again; every other one is `reduced`,
   * the default.
   */
  form?: EventForm
  /** For apps of suites: the message is a command of the suite about one authorised company. */
  suite?: { suiteId: string; authCorpId: string }
}

export interface Callbacks {
  /** Replaces the address that the app had. Verifies nothing. */
  put(corpId: string, agentId: number, target: CallbackTarget): void
  remove(corpId: string, agentId: number): boolean
  find(corpId: string, agentId: number): CallbackTarget | undefined
  list(): { corpId: string; agentId: number; target: CallbackTarget }[]
  clear(): void
  /** From now on changes of this company are gathered. */
  watch(company: Company): void
  /**
   * The operation is over: what it changed is told to everybody but `author`, the assistant itself if it was its own API
   * call. To be called after everything that may have changed a company.
   */
  flush(author?: App): void
  /** The message that the app gets in this form, or any other that a test wants: fields in front of which the usual ones go. */
  compose(corpId: string, target: CallbackTarget, fields: Fields): string
}

/** Elements in order: text becomes CDATA, a number stays bare, a list repeats the element, an object nests. */
export type Fields = Record<string, unknown>

/** What the callbacks need of the world. */
export interface CallbacksWorld {
  readonly sender: Sender
  readings(): Readings
  lensOf(company: Company, app: App): Lens
}

/** One record and everything that an operation did to it. */
interface Gathered {
  company: Company
  change: Change
  /** The apps that saw a member who is gone: afterwards nobody can tell any more, as tags have forgotten the member. */
  seenBy?: ReadonlySet<App>
}

export function createCallbacks(world: CallbacksWorld): Callbacks {
  /** By CorpId, then by agentId. */
  const targets = new Map<string, Map<number, CallbackTarget>>()
  let gathered: Gathered[] = []
  /** The entry of a member or department of the running operation, by the record as it is. */
  let entries = new Map<object, Gathered>()

  return {
    put(corpId, agentId, target) {
      const own = targets.get(corpId) ?? new Map<number, CallbackTarget>()
      targets.set(corpId, own.set(agentId, target))
    },
    remove: (corpId, agentId) => targets.get(corpId)?.delete(agentId) ?? false,
    find: (corpId, agentId) => targets.get(corpId)?.get(agentId),
    list: () =>
      [...targets].flatMap(([corpId, own]) => [...own].map(([agentId, target]) => ({ corpId, agentId, target }))),
    clear: () => targets.clear(),
    watch: (company) => company.observe((change) => gather(company, change)),
    flush,
    compose: (corpId, target, fields) => renderXml({ ...heading(corpId, target), ...fields }),
  }

  function gather(company: Company, change: Change): void {
    if (!targets.get(company.corpId)?.size) return
    if (change.kind === 'tag') {
      gathered.push({ company, change })
      return
    }
    const { before, after } = change
    const known = entries.get(after ?? {}) ?? entries.get(before ?? {})
    const entry = known ?? { company, change: { ...change } }
    if (!known) gathered.push(entry)
    // Of several changes the first `before` and the last `after` count.
    else
      entry.change = { ...change, before: known.change.kind === change.kind ? known.change.before : before } as Change
    if (change.kind === 'member' && before && !after) entry.seenBy = seenBy(company, change.before)
    entries.set(after ?? before ?? {}, entry)
  }

  function seenBy(company: Company, member: Member | undefined): ReadonlySet<App> {
    const apps = receivers(company).map(({ app }) => app)
    return new Set(apps.filter((app) => member && world.lensOf(company, app).seesMember(member)))
  }

  function receivers(company: Company): { app: App; target: CallbackTarget }[] {
    const own = targets.get(company.corpId)
    if (!own || !company.isAvailable) return []
    return company.apps.flatMap((app) => {
      const target = own.get(app.agentId)
      return target && app.isEnabled && isTold(app, target) ? [{ app, target }] : []
    })
  }

  function isTold(app: App, target: CallbackTarget): boolean {
    switch (app.kind) {
      case 'contacts-sync':
      case 'delegated':
      case 'upstream':
        return true
      case 'third-party':
      case 'third-party-contacts':
        return target.suite !== undefined
      case 'self-built':
      case 'self-built-before-2022':
      case 'system':
        return world.readings().eventsToSelfBuilt
      default:
        return unreachable(app.kind)
    }
  }

  function flush(author?: App): void {
    if (gathered.length === 0) return
    const operation = gathered
    gathered = []
    entries = new Map()
    for (const { company, change, seenBy: seers } of operation) {
      for (const { app, target } of receivers(company)) {
        if (app === author && app.kind === 'contacts-sync') continue
        const viewer = { app, lens: world.lensOf(company, app), readings: world.readings(), form: target.form }
        const news = newsOf(change, viewer, seers?.has(app) ?? false)
        if (news) world.sender.deliver(orderOf(company, app, target, news))
      }
    }
  }

  function orderOf(company: Company, app: App, target: CallbackTarget, { object, fields }: News): Order {
    const { corpId } = company
    const event = textOf(fields['ChangeType'])
    return {
      ...target,
      message: renderXml({ ...heading(corpId, target), ...fields }),
      expects: target.suite ? 'success' : 'any',
      about: { corpId, agentId: app.agentId, event, object },
    }
  }

  function heading(corpId: string, { toUserName, suite }: CallbackTarget): Fields {
    const seconds = Math.floor(world.sender.clock() / 1000)
    if (suite) {
      const { suiteId, authCorpId } = suite
      return { SuiteId: suiteId, AuthCorpId: authCorpId, InfoType: 'change_contact', TimeStamp: seconds }
    }
    return {
      ToUserName: toUserName || corpId,
      FromUserName: 'sys',
      CreateTime: seconds,
      MsgType: 'event',
      Event: 'change_contact',
    }
  }
}

/** Who is told, and through which eyes. */
interface Viewer {
  app: App
  lens: Lens
  readings: Readings
  form: EventForm | undefined
}

interface News {
  /** For the record: in our words and with true ids. */
  object: string
  fields: Fields
}

/** What this viewer learns of the change; nothing when it concerns what it cannot see. */
function newsOf(change: Change, viewer: Viewer, sawMember: boolean): News | undefined {
  switch (change.kind) {
    case 'member':
      return memberNews(change.before, change.after, viewer, sawMember)
    case 'department':
      return departmentNews(change.before, change.after, viewer)
    case 'tag':
      return tagNews(change, viewer)
    default:
      return unreachable(change)
  }
}

function memberNews(
  before: Member | undefined,
  after: Member | undefined,
  viewer: Viewer,
  sawMember: boolean,
): News | undefined {
  const { lens, readings, app } = viewer
  const object = `user ${textOf((before ?? after)?.userid)}`
  const id = idFields(viewer, before ?? after)
  const gone = { object, fields: { ChangeType: 'delete_user', ...id } }
  if (!after) return before && sawMember ? gone : undefined

  const isSeen = lens.seesMember(after)
  const wasSeen = before !== undefined && lens.seesMember(before)
  const isReduced = app.kind === 'contacts-sync' && viewer.form !== 'full'
  const now = isReduced ? reducedFields(after) : memberFields(lens.member(after, 'get'))
  const comes = { object, fields: { ChangeType: 'create_user', ...id, ...now } }
  if (!before) return isSeen ? comes : undefined
  if (readings.movesAcrossRange === 'create-and-delete' && isSeen !== wasSeen) return isSeen ? comes : gone
  if (!isSeen) return undefined

  const then = isReduced ? reducedFields(before) : memberFields(lens.member(before, 'get'))
  const changed = Object.entries(now).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(then[name]))
  const [oldId, newId] = [lens.idOf(before.userid), lens.idOf(after.userid)]
  const rename = oldId === newId ? {} : { NewUserID: newId }
  if (changed.length === 0 && oldId === newId) return undefined
  return { object, fields: { ChangeType: 'update_user', ...id, ...rename, ...Object.fromEntries(changed) } }
}

function idFields({ app, lens }: Viewer, member: Member | undefined): Fields {
  const id = lens.idOf(member?.userid ?? '')
  return app.kind.startsWith('third-party')
    ? { UserID: id, OpenUserID: lens.openIdOf(member?.userid ?? '') }
    : { UserID: id }
}

/** Order and positions within departments do not count, so only the set of them is compared, and told. */
function reducedFields(member: Member): Fields {
  return { Department: [...departmentsOf(member)].sort((a, b) => a - b).join(',') }
}

/** What the API would show, in the names and the order of the event (pages 90970 and 96302). */
function memberFields(shown: Record<string, unknown>): Fields {
  const fields: Fields = {
    Name: shown['name'],
    Department: joined(shown['department']),
    MainDepartment: shown['main_department'],
    IsLeaderInDept: joined(shown['is_leader_in_dept']),
    DirectLeader: joined(shown['direct_leader']),
    Position: shown['position'],
    Mobile: shown['mobile'],
    Gender: bare(shown['gender']),
    Email: shown['email'],
    BizMail: shown['biz_mail'],
    Status: shown['status'],
    Avatar: shown['avatar'],
    Alias: shown['alias'],
    Telephone: shown['telephone'],
    Address: shown['address'],
    ExtAttr: extensionFields(shown['extattr']),
  }
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

function joined(list: unknown): unknown {
  return Array.isArray(list) ? list.map(textOf).join(',') : list
}

/** Digits without CDATA, as in the samples. */
function bare(value: unknown): unknown {
  return typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value
}

function extensionFields(extattr: unknown): unknown {
  const attrs: unknown =
    typeof extattr === 'object' && extattr !== null && 'attrs' in extattr ? extattr.attrs : undefined
  if (!Array.isArray(attrs)) return undefined
  const items = attrs.filter((attribute): attribute is Record<string, unknown> => typeof attribute === 'object')
  return {
    Item: items.map(({ name, type = 0, text, value, web }) => {
      const link = typeof web === 'object' && web !== null ? (web as { title?: unknown; url?: unknown }) : undefined
      if (link) return { Name: name, Type: type, Web: { Title: link.title, Url: link.url } }
      const words: unknown = typeof text === 'object' && text !== null && 'value' in text ? text.value : value
      return { Name: name, Type: type, Text: { Value: words } }
    }),
  }
}

function departmentNews(
  before: Department | undefined,
  after: Department | undefined,
  { app, lens, readings, form }: Viewer,
): News | undefined {
  const id = (after ?? before)?.id ?? 0
  const object = `department ${id}`
  if (!after) {
    if (!before) return undefined
    // Out of the tree already, so its parent tells whether it was in range.
    const wasSeen = lens.isFull || app.range.departments.includes(id) || lens.seesDepartment(before.parentid)
    return wasSeen ? { object, fields: { ChangeType: 'delete_party', Id: id } } : undefined
  }
  if (!lens.seesDepartment(id)) return undefined
  const hidesName = app.kind === 'contacts-sync' && form !== 'full' && !readings.namesInReducedEvents
  const fieldsOf = (department: Department): Fields => {
    const { name, parentid } = lens.department(department)
    return { ...(name === undefined || hidesName ? {} : { Name: name }), ParentId: parentid }
  }
  const now = fieldsOf(after)
  if (!before) return { object, fields: { ChangeType: 'create_party', Id: id, ...now, Order: after.order } }
  // An event for another order alone does not exist.
  const then = fieldsOf(before)
  const changed = Object.entries(now).filter(([name, value]) => value !== then[name])
  if (changed.length === 0) return undefined
  return { object, fields: { ChangeType: 'update_party', Id: id, ...Object.fromEntries(changed) } }
}

function tagNews(change: Change & { kind: 'tag' }, { lens }: Viewer): News | undefined {
  const membersOf = (userids: string[]) =>
    userids.filter((userid) => {
      const member = lens.memberOf(lens.idOf(userid))
      return member !== undefined && lens.seesMember(member)
    })
  const lists = {
    AddUserItems: membersOf(change.addedMembers).map((userid) => lens.idOf(userid)),
    DelUserItems: membersOf(change.removedMembers).map((userid) => lens.idOf(userid)),
    AddPartyItems: change.addedDepartments.filter((id) => lens.seesDepartment(id)),
    DelPartyItems: change.removedDepartments.filter((id) => lens.seesDepartment(id)),
  }
  if (Object.values(lists).every((list) => list.length === 0)) return undefined
  const items = Object.fromEntries(Object.entries(lists).map(([name, list]) => [name, list.join(',')]))
  return { object: `tag ${change.tagid}`, fields: { ChangeType: 'update_tag', TagId: change.tagid, ...items } }
}

/** A message as WeCom writes it, before encryption. */
export function renderXml(fields: Fields): string {
  return `<xml>${elements(fields)}</xml>`
}

function elements(fields: Fields): string {
  let text = ''
  for (const [name, value] of Object.entries(fields)) {
    for (const one of Array.isArray(value) ? (value as unknown[]) : [value])
      text += `<${name}>${content(one)}</${name}>`
  }
  return text
}

function content(value: unknown): string {
  if (value === undefined || value === null) return ''
  if (typeof value === 'number') return String(value)
  if (typeof value === 'object') return elements(value as Fields)
  return cdata(textOf(value))
}

function unreachable(value: never): never {
  throw new Error(`unhandled case ${String(value)}`)
}
