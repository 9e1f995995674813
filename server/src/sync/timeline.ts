/**
 * What happened to one person (product.md §4.6): the changes that runs recorded, what administrators did, and sign-ins,
 * put together by time. One query for each of them and page; the words for changes are plan/telling.ts.
 */
import { sql } from 'kysely'
import type { Database, Row } from '../database/database.ts'
import { departmentNames } from '../directory/comparison.ts'
import { contains } from '../directory/search.ts'
import type { Users } from '../directory/users.ts'
import type { Text } from '../errors.ts'
import { fromRow } from './history.ts'
import type { Change, Fields } from './plan/changes.ts'
import { departmentsIn, fieldNames, tellChange } from './plan/telling.ts'

export interface TimelineEntry {
  readonly id: string
  /** Milliseconds since 1970. What a run did carries the time at which the run began. */
  readonly at: number
  readonly kind: 'read' | 'match' | 'decide' | 'write' | 'sign_in' | 'administration'
  readonly summary: Text
  readonly connectionId: string | null
  readonly runId: string | null
  readonly actor: { readonly kind: string; readonly id: string | null; readonly name: string | null } | null
  readonly before: Fields | null
  readonly after: Fields | null
  readonly details: Readonly<Record<string, unknown>>
}

/** The place of an entry: of two at the same time, that of the higher source comes first. */
export interface Place {
  readonly at: number
  readonly source: number
  readonly id: string
}

export interface TimelinePage {
  readonly items: readonly TimelineEntry[]
  /** To go on after, or null when there is nothing older. */
  readonly next: Place | null
  readonly total: number
}

export type Timeline = ReturnType<typeof createTimeline>

interface Placed {
  readonly place: Place
  /** Departments are named once it is known which entries are shown. */
  readonly render: (nameOfDepartment: (id: string) => string | undefined) => TimelineEntry
  readonly departments: readonly string[]
}

interface Question {
  readonly userId: string
  readonly q: string | null
  readonly after: Place | null
  readonly limit: number
}

const LINKS = 0
const CHANGES = 1
const AUDIT = 2
const SIGN_INS = 3

export function createTimeline({ database, users }: { database: Database; users: Users }) {
  return {
    /** Newest first. @throws AppError `users/not-found` */
    async list(question: Question): Promise<TimelinePage> {
      await users.get(question.userId)
      const sources = [
        await fromLinks(question),
        await fromChanges(question),
        await fromAudit(question),
        await fromSignIns(question),
      ]
      const all = sources.flatMap(({ entries }) => entries).sort((a, b) => newestFirst(a.place, b.place))
      const shown = all.slice(0, question.limit)
      const names = await departmentNames(
        database,
        shown.flatMap(({ departments }) => departments),
      )
      return {
        items: shown.map(({ render }) => render((id) => names.get(id))),
        next: all.length > shown.length ? (shown.at(-1)?.place ?? null) : null,
        total: sources.reduce((sum, { total }) => sum + total, 0),
      }
    },
  }

  /** Nobody has many; what sync and administrators linked is told by their changes and by the audit record. */
  async function fromLinks({ userId, q, after }: Question) {
    const rows = await database.kysely.selectFrom('links').selectAll().where('user_id', '=', userId).execute()
    const matching = rows.filter(({ userid }) => q === null || userid.toLowerCase().includes(q.toLowerCase()))
    const entries = matching.flatMap((link) => (BY_THEMSELVES.has(link.created_by) ? [linkEntry(link)] : []))
    return {
      entries: entries.filter(({ place }) => after === null || newestFirst(after, place) < 0),
      total: entries.length,
    }
  }

  async function fromChanges({ userId, q, after, limit }: Question) {
    let all = database.kysely
      .selectFrom('changes')
      .innerJoin('runs', 'runs.id', 'changes.run_id')
      .where('changes.target_id', '=', userId)
      .where('runs.mode', '=', 'apply')
    if (q !== null) all = all.where(({ or }) => or(SEARCHED_CHANGES.map((column) => contains(column, q))))
    const { total } = await all.select((eb) => eb.fn.countAll<number>().as('total')).executeTakeFirstOrThrow()
    let page = all
      .selectAll('changes')
      .select(['runs.started_at', 'runs.connection_id'])
      .orderBy('runs.started_at', 'desc')
      .orderBy('changes.run_id', 'desc')
      .orderBy('changes.position', 'desc')
      .limit(limit + 1)
    if (after?.source === CHANGES) {
      const [runId = '', position = ''] = after.id.split(':')
      page = page.where(
        sql<boolean>`(runs.started_at, changes.run_id, changes.position) < (${after.at}, ${runId}, ${Number(position)})`,
      )
    } else if (after !== null) {
      page = page.where('runs.started_at', after.source > CHANGES ? '<=' : '<', after.at)
    }
    return { entries: (await page.execute()).map(changeEntry), total }
  }

  async function fromSignIns({ userId, q, after, limit }: Question) {
    let all = database.kysely.selectFrom('sign_ins').where('user_id', '=', userId)
    if (q !== null) all = all.where(({ or }) => or(SEARCHED_SIGN_INS.map((column) => contains(column, q))))
    const { total } = await all.select((eb) => eb.fn.countAll<number>().as('total')).executeTakeFirstOrThrow()
    let page = all
      .selectAll()
      .orderBy('id', 'desc')
      .limit(limit + 1)
    // Their ids begin with the time.
    if (after?.source === SIGN_INS) page = page.where('id', '<', after.id)
    else if (after !== null) page = page.where('at', '<', after.at)
    return { entries: (await page.execute()).map(signInEntry), total }
  }

  /** Without what runs have on record, and sign-ins: their changes and the log say the same, and more. */
  async function fromAudit({ userId, q, after, limit }: Question) {
    let all = database.kysely
      .selectFrom('audit')
      .where('target_id', '=', userId)
      .where(({ or, eb }) => or([eb('actor_kind', '<>', 'system'), eb('details', 'not like', '%"runId"%')]))
      .where('action', 'not like', 'sign-in.%')
    if (q !== null) all = all.where(({ or }) => or(SEARCHED_AUDIT.map((column) => contains(column, q))))
    const { total } = await all.select((eb) => eb.fn.countAll<number>().as('total')).executeTakeFirstOrThrow()
    let page = all
      .selectAll()
      .orderBy('at', 'desc')
      .orderBy('id', 'desc')
      .limit(limit + 1)
    if (after?.source === AUDIT) page = page.where(sql<boolean>`(at, id) < (${after.at}, ${after.id})`)
    else if (after !== null) page = page.where('at', after.source > AUDIT ? '<=' : '<', after.at)
    return { entries: (await page.execute()).map(auditEntry), total }
  }
}

const SEARCHED_CHANGES = [
  'changes.action',
  'changes.state',
  'changes.external_id',
  'changes.name',
  'changes.reason',
  'changes.before_fields',
  'changes.after_fields',
] as const

const SEARCHED_SIGN_INS = ['userid', 'reason', 'reference_id'] as const

const SEARCHED_AUDIT = ['action', 'actor_name', 'details'] as const

function newestFirst(a: Place, b: Place): number {
  return b.at - a.at || b.source - a.source || compareIds(a, b)
}

/** As the database orders them. */
function compareIds(a: Place, b: Place): number {
  if (a.source !== CHANGES) return a.id < b.id ? 1 : a.id > b.id ? -1 : 0
  const [[runA = '', positionA], [runB = '', positionB]] = [a.id.split(':'), b.id.split(':')]
  return runA < runB ? 1 : runA > runB ? -1 : Number(positionB) - Number(positionA)
}

// ---- Entries --------------------------------------------------------------------------------------------------------

/** Links that neither a run nor an administrator made. */
const BY_THEMSELVES: ReadonlySet<string> = new Set(['signin', 'bind'])

function linkEntry(link: Row<'links'>): Placed {
  const { id, userid, connection_id: connectionId, corp_id: corpId, created_by: createdBy, created_at: at } = link
  const summary: Text = { en: `Was linked to ${userid} while signing in.`, zh: `登录时关联到 ${userid}。` }
  return {
    place: { at, source: LINKS, id: `${id}:match` },
    departments: [],
    render: () => ({
      ...NOTHING,
      id,
      at,
      kind: 'match',
      summary,
      connectionId,
      details: { corpId, userid, createdBy },
    }),
  }
}

function signInEntry(row: Row<'sign_ins'>): Placed {
  const { id, at, userid, reason, door, outcome, connection_id: connectionId, application_id: applicationId } = row
  const as = userid === null ? { en: 'with the password', zh: '使用密码' } : { en: `as ${userid}`, zh: `以 ${userid} ` }
  const summary: Text =
    outcome === 'succeeded'
      ? { en: `Signed in ${as.en}.`, zh: `${as.zh}登录。` }
      : { en: `Was not let in ${as.en} (${reason}).`, zh: `${as.zh}登录被拒绝（${reason}）。` }
  const details = { outcome, reason, door, userid, applicationId, referenceId: row.reference_id, address: row.address }
  return {
    place: { at, source: SIGN_INS, id },
    departments: [],
    render: () => ({ ...NOTHING, id, at, kind: 'sign_in', summary, connectionId, details }),
  }
}

function changeEntry(row: Row<'changes'> & { started_at: number; connection_id: string }): Placed {
  const change = fromRow(row)
  const { runId, position, entity, action, state, externalId, before, after, reason, problem } = change
  const at = row.started_at
  return {
    place: { at, source: CHANGES, id: `${runId}:${position}` },
    departments: [...departmentsIn(before), ...departmentsIn(after)],
    render: (nameOfDepartment) => ({
      ...NOTHING,
      id: `chg_${runId.slice('run_'.length)}_${position}`,
      at,
      kind: kindOf(change),
      summary: tellChange(change, 'past', nameOfDepartment),
      connectionId: row.connection_id,
      runId,
      before,
      after,
      details: { entity, action, state, externalId, reason, ...(problem === null ? {} : { error: problem.code }) },
    }),
  }
}

const NOT_READ: ReadonlySet<string> = new Set(['incomplete-reading', 'not-confirmed'])

function kindOf({ entity, state, reason, problem }: Change): TimelineEntry['kind'] {
  if (problem?.code === 'sync/unusable-row' || NOT_READ.has(reason ?? '')) return 'read'
  if (state !== 'applied') return 'decide'
  return entity === 'link' ? 'match' : 'write'
}

function auditEntry(row: Row<'audit'>): Placed {
  const { id, at, action } = row
  const details = JSON.parse(row.details) as Record<string, unknown>
  const actor = { kind: row.actor_kind, id: row.actor_id, name: row.actor_name }
  return {
    place: { at, source: AUDIT, id },
    departments: [],
    render: () => ({
      ...NOTHING,
      id,
      at,
      kind: 'administration',
      summary: tellDeed(action, actor, details),
      connectionId: typeof details['connectionId'] === 'string' ? details['connectionId'] : null,
      actor,
      details: { action, ...details },
    }),
  }
}

const NOTHING = { connectionId: null, runId: null, actor: null, before: null, after: null } as const

function tellDeed(action: string, { kind, name }: NonNullable<TimelineEntry['actor']>, details: Fields): Text {
  const who = name === null ? (KINDS[kind] ?? KINDS['system']!) : { en: name, zh: name }
  const deed = DEEDS[action]
  if (deed === undefined) return { en: `${who.en}: ${action}.`, zh: `${who.zh}：${action}。` }
  const fields = action === 'user.update' ? fieldNames(details['fields']) : null
  return fields === null
    ? { en: `${who.en} ${deed.en}.`, zh: `${who.zh} ${deed.zh}。` }
    : { en: `${who.en} ${deed.en}: ${fields.en}.`, zh: `${who.zh} ${deed.zh}：${fields.zh}。` }
}

/** Somebody who has no name. */
const KINDS: Readonly<Record<string, Text>> = {
  token: { en: 'A program with an API token', zh: '使用 API 令牌的程序' },
  bootstrap: { en: 'A program with the bootstrap token', zh: '使用引导令牌的程序' },
  local: { en: 'Somebody with a shell on the server', zh: '服务器本机用户' },
  user: { en: 'An administrator', zh: '管理员' },
  system: { en: 'Muster', zh: 'Muster' },
}

const DEEDS: Readonly<Record<string, Text>> = {
  'user.create': { en: 'created the account', zh: '创建了账号' },
  'user.update': { en: 'changed the account', zh: '修改了账号' },
  'user.disable': { en: 'disabled the account', zh: '停用了账号' },
  'user.enable': { en: 'enabled the account', zh: '启用了账号' },
  'user.delete': { en: 'deleted the account', zh: '删除了账号' },
  'user.mark-break-glass': { en: 'marked the account as break-glass', zh: '将账号标记为应急账号' },
  'user.unmark-break-glass': { en: 'took the break-glass mark away', zh: '取消了应急账号标记' },
  'user.restore': { en: 'restored the account', zh: '恢复了账号' },
  'link.create': { en: 'linked the account to a member', zh: '将账号关联到成员' },
  'link.delete': { en: 'removed a link of the account', zh: '解除了账号的关联' },
  'link.link': { en: 'linked the account to a member', zh: '将账号关联到成员' },
  'link.unlink': { en: 'removed a link of the account', zh: '解除了账号的关联' },
  'link.update': { en: 'moved a link of the account', zh: '迁移了账号的关联' },
  'administrator.create': { en: 'made them an administrator', zh: '将其设为管理员' },
  'administrator.update': { en: 'changed their role', zh: '修改了其角色' },
  'administrator.delete': { en: 'took their role away', zh: '取消了其角色' },
}
