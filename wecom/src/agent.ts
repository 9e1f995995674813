/** The app itself: the only documented way to learn its visible range (page 90363). */

import { invalidArgument } from './errors.ts'
import type { Caller, CallOptions } from './request.ts'
import { IncompleteAnswer, isObject, toFlag, toInteger, toNonEmptyText, toText } from './wire.ts'
import type { WireObject } from './wire.ts'

export type AgentInfo = {
  readonly agentId: number
  readonly name?: string
  readonly description?: string
  readonly squareLogoUrl?: string
  /** Members who are in the visible range one by one, whatever their departments. */
  readonly allowedUserids: readonly string[]
  /** Departments in the visible range, with everything beneath them. */
  readonly allowedDepartmentIds: readonly number[]
  readonly allowedTagIds: readonly number[]
  /** The app is disabled. */
  readonly isClosed?: boolean
  /** The trusted domain, `''` when none is set. */
  readonly redirectDomain?: string
  readonly homeUrl?: string
  /** Delegated apps: 0 pending, 1 in development, 2 online, 3 online with a newer draft. */
  readonly customizedPublishStatus?: number
}

export interface Agent {
  /** Without argument: the agent of the principal. */
  get(agentId?: number | string, options?: CallOptions): Promise<AgentInfo>
}

export function createAgent({ call }: Caller, ownAgentId: number | string | undefined): Agent {
  return {
    async get(agentId = ownAgentId, options) {
      const id = toInteger(agentId)
      if (id === undefined) throw invalidArgument('agent/get', 'the agent id is not a whole number')
      const read = (answer: WireObject) => readAgent(id, answer)
      return await call({ api: 'agent/get', method: 'GET', query: { agentid: id }, repeat: 'always', read }, options)
    },
  }
}

/**
 * WeCom leaves out the kinds of visibility that the app does not use; an answer without any of the three is not about a
 * visible range at all and must not be read as "sees nobody".
 */
function readAgent(agentId: number, answer: WireObject): AgentInfo {
  const { allow_userinfos: users, allow_partys: departments, allow_tags: tags } = answer
  if (!isObject(users) && !isObject(departments) && !isObject(tags)) {
    throw new IncompleteAnswer('the visible range is missing')
  }
  return {
    agentId: toInteger(answer['agentid']) ?? agentId,
    name: toText(answer['name']),
    description: toText(answer['description']),
    squareLogoUrl: toText(answer['square_logo_url']),
    allowedUserids: listIn(users, 'user', (row) => (isObject(row) ? toNonEmptyText(row['userid']) : undefined)),
    allowedDepartmentIds: listIn(departments, 'partyid', toInteger),
    allowedTagIds: listIn(tags, 'tagid', toInteger),
    isClosed: toFlag(answer['close']),
    redirectDomain: toText(answer['redirect_domain']),
    homeUrl: toText(answer['home_url']),
    customizedPublishStatus: toInteger(answer['customized_publish_status']),
  }
}

function listIn<T>(container: unknown, key: string, toEntry: (entry: unknown) => T | undefined): T[] {
  if (!isObject(container) || container[key] === undefined || container[key] === null) return []
  const rows = container[key]
  if (!Array.isArray(rows)) throw new IncompleteAnswer(`"${key}" is not a list`)
  return rows.map((row) => {
    const entry = toEntry(row)
    if (entry === undefined) throw new IncompleteAnswer(`"${key}" has an unreadable entry`)
    return entry
  })
}
