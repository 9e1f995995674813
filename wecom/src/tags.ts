/** Tags of the company (pages 90213, 90214); members only as far as visible. */

import { invalidArgument } from './errors.ts'
import type { Caller, CallOptions } from './request.ts'
import { IncompleteAnswer, isObject, requireList, toInteger, toNonEmptyText, toText } from './wire.ts'
import type { RejectedRow, WireObject } from './wire.ts'

export type Tag = { readonly id: number; readonly name?: string }

export type TagContent = {
  readonly name?: string
  readonly members: readonly { readonly userid: string; readonly name?: string }[]
  readonly departmentIds: readonly number[]
  readonly rejected: readonly RejectedRow[]
}

export interface Tags {
  list(options?: CallOptions): Promise<readonly Tag[]>
  get(tagId: number, options?: CallOptions): Promise<TagContent>
}

export function createTags({ call }: Caller): Tags {
  return {
    async list(options) {
      return await call({ api: 'tag/list', method: 'GET', repeat: 'always', read: readTags }, options)
    },

    async get(tagId, options) {
      if (!Number.isSafeInteger(tagId)) throw invalidArgument('tag/get', 'the tag id is not a whole number')
      const query = { tagid: tagId }
      return await call({ api: 'tag/get', method: 'GET', query, repeat: 'always', read: readTagContent }, options)
    },
  }
}

/** An answer of `tag/get`, or a row of an export of tag members. */
export function readTagContent(answer: WireObject): TagContent {
  const members: { userid: string; name: string | undefined }[] = []
  const rejected: RejectedRow[] = []
  for (const row of requireList(answer, 'userlist')) {
    const userid = isObject(row) ? toNonEmptyText(row['userid']) : undefined
    if (userid === undefined) rejected.push({ reason: 'no usable userid' })
    else members.push({ userid, name: isObject(row) ? toText(row['name']) : undefined })
  }
  const departmentIds: number[] = []
  for (const row of requireList(answer, 'partylist')) {
    const id = toInteger(row)
    if (id === undefined) rejected.push({ reason: 'no usable department id' })
    else departmentIds.push(id)
  }
  return { name: toText(answer['tagname']), members, departmentIds, rejected }
}

function readTags(answer: WireObject): Tag[] {
  return requireList(answer, 'taglist').map((row) => {
    const id = isObject(row) ? toInteger(row['tagid']) : undefined
    if (!isObject(row) || id === undefined) throw new IncompleteAnswer('a tag has no usable id')
    return { id, name: toText(row['tagname']) }
  })
}
