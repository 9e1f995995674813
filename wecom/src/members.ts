/** Members as WeCom shows them, and the calls that read them (pages 90196, 90200, 90201, 96067, 95402, 95895). */

import { WecomError, invalidArgument } from './errors.ts'
import type { ApiRequest, Caller, CallOptions } from './request.ts'
import {
  IncompleteAnswer,
  isObject,
  requireList,
  requireText,
  toFlag,
  toInteger,
  toIntegerList,
  toNonEmptyText,
  toText,
  toTextList,
} from './wire.ts'
import type { RejectedRow, WireObject } from './wire.ts'

export type MemberDepartment = {
  readonly id: number
  /** Position of the member inside the department; larger sorts first. */
  readonly order?: number
  readonly isLeader?: boolean
}

/** A custom field of the company, in the order of the console. Names may repeat and may be any text. */
export type MemberAttribute =
  | { readonly name: string; readonly kind: 'text'; readonly value: string }
  | { readonly name: string; readonly kind: 'web'; readonly value: { readonly title: string; readonly url: string } }

/**
 * `undefined` means that WeCom did not send the field: withheld, or unknown to this principal. It is never "empty".
 * `''` and `[]` mean that WeCom sent it and it is empty. Texts are as sent, lone surrogates and U+0000 included.
 */
export type Member = {
  /** As spelled by WeCom; compare ignoring case. */
  readonly userid: string
  readonly name?: string
  /**
   * The visible ones, in WeCom's order. `order` and `is_leader_in_dept` run parallel to `department`; when one of them has
   * another length it cannot be assigned to departments and is left out for all. Of a repeated department the first counts.
   */
  readonly departments: readonly MemberDepartment[] | undefined
  /** Only when that department is visible. */
  readonly mainDepartment?: number
  readonly directLeaders?: readonly string[]
  readonly position?: string
  /** 1 active, 2 disabled, 4 not activated, 5 left. */
  readonly status?: number
  /** Only from an explicit `enable`, which most principals do not get. */
  readonly isEnabled?: boolean
  /** Mainland numbers without country code, others with `+`; may contain spaces. */
  readonly mobile?: string
  readonly gender?: 'male' | 'female' | 'unknown'
  /** Personal mailbox. */
  readonly email?: string
  readonly bizMail?: string
  /** URL, http or https. */
  readonly avatar?: string
  readonly thumbAvatar?: string
  readonly alias?: string
  readonly telephone?: string
  readonly address?: string
  readonly englishName?: string
  /** For service providers: the same for all apps of one provider. */
  readonly openUserid?: string
  readonly attributes?: readonly MemberAttribute[]
}

/** One page. Every row is in one of the two lists; a rejected one is a person who exists but could not be read. */
export type MemberList = { readonly members: readonly Member[]; readonly rejected: readonly RejectedRow[] }

/** One row of `user/list_id`: a member in one department. Providers get an open_userid here. */
export type MemberDepartmentId = { readonly userid: string; readonly departmentId: number }

export type MemberIdPage = {
  readonly rows: readonly MemberDepartmentId[]
  readonly rejected: readonly RejectedRow[]
}

export type EmailType = 'corporate' | 'personal'

export interface Members {
  /** The direct members of one department. There is no paging: an over-large department is WECOM_REPLY_TOO_LARGE. */
  list(departmentId: number, options?: CallOptions): Promise<MemberList>
  /**
   * Like `list`, for callers who keep a digest of what they read: `isKnown` gets the bytes of every answer and says whether
   * the very same ones were read with success before. Then nothing is parsed and the result is `known`.
   */
  listUnlessKnown(
    departmentId: number,
    isKnown: (body: Uint8Array) => boolean,
    options?: CallOptions,
  ): Promise<MemberList | 'known'>
  /** Like `list` with userid, name and departments only. */
  simpleList(departmentId: number, options?: CallOptions): Promise<MemberList>
  /** Throws WECOM_NOT_VISIBLE or WECOM_MEMBER_NOT_FOUND. */
  get(userid: string, options?: CallOptions): Promise<Member>
  /**
   * All (member, department) pairs, page by page, 10,000 rows each; contacts-sync secret only. Complete when the loop ends
   * without an error. A cursor that comes back or more than 1,000 pages are WECOM_CURSOR_ENDLESS.
   */
  ids(options?: CallOptions): AsyncGenerator<MemberIdPage, void, undefined>
  /** userid, or undefined when there is none or it is not visible. Too many misses block this API for a day (page 95402). */
  findByMobile(mobile: string, options?: CallOptions): Promise<string | undefined>
  findByEmail(email: string, options?: CallOptions & { emailType?: EmailType }): Promise<string | undefined>
}

const IDS_PAGE_ROWS = 10_000
const MAX_IDS_PAGES = 1000

export function createMembers(caller: Caller): Members {
  const { call } = caller
  return {
    list: (departmentId, options) => listOf('user/list', departmentId, options),
    async listUnlessKnown(departmentId, isKnown, options) {
      const recognise = (bytes: Buffer) => (isKnown(bytes) ? ('known' as const) : undefined)
      return await call<MemberList | 'known'>({ ...listRequest('user/list', departmentId), recognise }, options)
    },
    simpleList: (departmentId, options) => listOf('user/simplelist', departmentId, options),

    async get(userid, options) {
      if (userid === '') throw invalidArgument('user/get', 'the userid is empty')
      return await call(
        {
          api: 'user/get',
          method: 'GET',
          query: { userid },
          repeat: 'always',
          read: (answer) => {
            const member = readMember(answer)
            if ('reason' in member) throw new IncompleteAnswer(member.reason)
            return member
          },
        },
        options,
      )
    },

    async *ids(options) {
      const seen = new Set<string>()
      let cursor: string | undefined
      for (let page = 0; page < MAX_IDS_PAGES; page++) {
        const { nextCursor, ...rows } = await idsPage(cursor, options)
        yield rows
        if (nextCursor === '') return
        if (seen.has(nextCursor)) break
        seen.add(nextCursor)
        cursor = nextCursor
      }
      throw new WecomError('WECOM_CURSOR_ENDLESS', {
        api: 'user/list_id',
        message: `the pages do not end (${seen.size} cursors seen)`,
      })
    },

    async findByMobile(mobile, options) {
      return await find('user/getuserid', { mobile }, options)
    },

    async findByEmail(email, options) {
      const body = { email, email_type: options?.emailType === 'personal' ? 2 : 1 }
      return await find('user/get_userid_by_email', body, options)
    },
  }

  /** fetch_child is never sent: it is gone from the documentation and returns members several times (45029). */
  async function listOf(api: string, departmentId: number, options: CallOptions | undefined): Promise<MemberList> {
    return await call(listRequest(api, departmentId), options)
  }

  function listRequest(api: string, departmentId: number): ApiRequest<MemberList> {
    if (!(Number.isSafeInteger(departmentId) && departmentId > 0)) {
      throw invalidArgument(api, 'the department id is not a positive whole number')
    }
    const read = (answer: WireObject) => readMembers(requireList(answer, 'userlist'))
    return { api, method: 'GET', query: { department_id: departmentId }, repeat: 'always', read }
  }

  async function idsPage(cursor: string | undefined, options: CallOptions | undefined) {
    const body = cursor === undefined ? { limit: IDS_PAGE_ROWS } : { cursor, limit: IDS_PAGE_ROWS }
    return await call({ api: 'user/list_id', method: 'POST', body, repeat: 'always', read: readIdsPage }, options)
  }

  async function find(api: string, body: Record<string, unknown>, options: CallOptions | undefined) {
    const read = (answer: WireObject) => requireText(answer, 'userid')
    try {
      return await call({ api, method: 'POST', body, repeat: 'always', read }, options)
    } catch (error) {
      if (error instanceof WecomError && error.code === 'WECOM_MEMBER_NOT_FOUND') return undefined
      throw error
    }
  }
}

/** Rows of `user/list`, `user/simplelist` or an export. One bad row never fails the page. */
export function readMembers(rows: readonly unknown[]): MemberList {
  const members: Member[] = []
  const rejected: RejectedRow[] = []
  for (const row of rows) {
    const member = readMember(row)
    if ('reason' in member) rejected.push(member)
    else members.push(member)
  }
  return { members, rejected }
}

/**
 * One wire object. Numbers stand for their digits where text is expected and digits in quotes for numbers; `null` is the
 * same as absent; a field that is none of this counts as not sent. Only what a wrong guess would do harm with rejects the
 * row: the userid, the departments (a lost one would look like a removal) and the status (a lost one could let somebody in).
 *
 * Always the same keys in the same order, so that V8 keeps one shape for a hundred thousand of them.
 */
export function readMember(row: unknown): Member | RejectedRow {
  if (!isObject(row)) return { reason: 'not an object' }
  const userid = toNonEmptyText(row['userid'])
  if (userid === undefined) return { reason: 'no usable userid' }
  const departments = readDepartments(row)
  if (departments === 'unusable') return { userid, reason: 'department is not a list of numbers' }
  const status = toInteger(row['status'])
  if (status === undefined && isSent(row['status'])) return { userid, reason: 'status is not a number' }
  const isEnabled = toFlag(row['enable'])
  if (isEnabled === undefined && isSent(row['enable'])) return { userid, reason: 'enable is neither 0 nor 1' }

  return {
    userid,
    name: toText(row['name']),
    departments,
    mainDepartment: toInteger(row['main_department']),
    directLeaders: isSent(row['direct_leader']) ? toTextList(row['direct_leader']) : undefined,
    position: toText(row['position']),
    status,
    isEnabled,
    mobile: toText(row['mobile']),
    gender: toGender(row['gender']),
    email: toText(row['email']),
    bizMail: toText(row['biz_mail']),
    avatar: toText(row['avatar']),
    thumbAvatar: toText(row['thumb_avatar']),
    alias: toText(row['alias']),
    telephone: toText(row['telephone']),
    address: toText(row['address']),
    englishName: toText(row['english_name']),
    openUserid: toText(row['open_userid']),
    attributes: readAttributes(row['extattr']),
  }
}

/** `"0"` and every other value that is not 1 or 2 is unknown (page 96260 types it as text, recordings as number). */
export function toGender(value: unknown): Member['gender'] {
  if (!isSent(value)) return undefined
  if (value === 1 || value === '1') return 'male'
  if (value === 2 || value === '2') return 'female'
  return 'unknown'
}

function isSent(value: unknown): boolean {
  return value !== undefined && value !== null
}

function readDepartments(row: WireObject): MemberDepartment[] | undefined | 'unusable' {
  if (!isSent(row['department'])) return undefined
  const ids = toIntegerList(row['department'])
  if (ids === undefined) return 'unusable'
  const orders = parallelTo(ids, row['order'])
  const leaders = parallelTo(ids, row['is_leader_in_dept'])
  // Before 2018 one flag stood for all departments; private deployments still send it (wecom-api.md 8, trap 31).
  const onlyLeader = leaders === undefined && ids.length === 1 ? toFlag(row['isleader']) : undefined

  const departments: MemberDepartment[] = []
  for (let index = 0; index < ids.length; index++) {
    const id = ids[index] as number // below length
    if (index > 0 && ids.indexOf(id) < index) continue
    departments.push({
      id,
      order: orders === undefined ? undefined : toInteger(orders[index]),
      isLeader: leaders === undefined ? onlyLeader : toFlag(leaders[index]),
    })
  }
  return departments
}

function parallelTo(ids: readonly number[], value: unknown): readonly unknown[] | undefined {
  return Array.isArray(value) && value.length === ids.length ? value : undefined
}

/** Both shapes of page 90196: `{type, name, text: {value}}` and the older flat `{name, value}`. */
function readAttributes(extattr: unknown): MemberAttribute[] | undefined {
  const rows = isObject(extattr) ? extattr['attrs'] : undefined
  if (!Array.isArray(rows)) return undefined
  const attributes: MemberAttribute[] = []
  for (const row of rows) {
    if (!isObject(row)) continue
    const name = toNonEmptyText(row['name'])
    if (name === undefined) continue
    const { web, text } = row
    const type = toInteger(row['type']) ?? (isObject(web) ? 1 : 0)
    if (type === 0) {
      const value = toText(isObject(text) ? text['value'] : undefined) ?? toText(row['value']) ?? ''
      attributes.push({ name, kind: 'text', value })
    } else if (type === 1) {
      const page = isObject(web) ? web : {}
      const value = { title: toText(page['title']) ?? '', url: toText(page['url']) ?? toText(row['value']) ?? '' }
      attributes.push({ name, kind: 'web', value })
    }
  }
  return attributes
}

/**
 * `next_cursor` empty ends the list. When it is missing altogether a full page would end it on a guess, so only a page
 * with room left is believed to be the last.
 */
function readIdsPage(answer: WireObject): MemberIdPage & { nextCursor: string } {
  const list = requireList(answer, 'dept_user')
  const nextCursor = toText(answer['next_cursor'])
  if (nextCursor === undefined && list.length >= IDS_PAGE_ROWS) throw new IncompleteAnswer('"next_cursor" is missing')
  const rows: MemberDepartmentId[] = []
  const rejected: RejectedRow[] = []
  for (const row of list) {
    const userid = isObject(row) ? (toNonEmptyText(row['userid']) ?? toNonEmptyText(row['open_userid'])) : undefined
    const departmentId = isObject(row) ? toInteger(row['department']) : undefined
    if (userid === undefined) rejected.push({ reason: 'no usable userid' })
    else if (departmentId === undefined) rejected.push({ userid, reason: 'department is not a number' })
    else rows.push({ userid, departmentId })
  }
  return { rows, rejected, nextCursor: nextCursor ?? '' }
}
