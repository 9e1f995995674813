/** Translation between userids and the open_userids that service providers see (page 95327). */

import type { Caller, CallOptions } from './request.ts'
import { IncompleteAnswer, isObject, requireList, toNonEmptyText, toTextList } from './wire.ts'
import type { WireObject } from './wire.ts'

export type IdPair = { readonly userid: string; readonly openUserid: string }

/** Every id that was asked for is in one of the two lists. */
export type IdTranslation = { readonly pairs: readonly IdPair[]; readonly invalid: readonly string[] }

export interface Ids {
  /** With the token of a self-built app. `sourceAgentId` is the provider's app the ids come from. */
  toUserid(openUserids: readonly string[], options: CallOptions & { sourceAgentId: number }): Promise<IdTranslation>
  /** With the token of a provider's app. */
  toOpenUserid(userids: readonly string[], options?: CallOptions): Promise<IdTranslation>
}

/** Not confirmed by a page; secondary sources agree on it. Longer lists are sent in several calls. */
const MAX_IDS_PER_CALL = 1000

export function createIds({ call }: Caller): Ids {
  return {
    async toUserid(openUserids, { sourceAgentId, ...options }) {
      return await inSlices(openUserids, (slice) =>
        call(
          {
            api: 'batch/openuserid_to_userid',
            method: 'POST',
            body: { open_userid_list: slice, source_agentid: sourceAgentId },
            repeat: 'always',
            read: (answer) => readPairs(answer, 'userid_list', 'invalid_open_userid_list'),
          },
          options,
        ),
      )
    },

    async toOpenUserid(userids, options) {
      return await inSlices(userids, (slice) =>
        call(
          {
            api: 'batch/userid_to_openuserid',
            method: 'POST',
            body: { userid_list: slice },
            repeat: 'always',
            read: (answer) => readPairs(answer, 'open_userid_list', 'invalid_userid_list'),
          },
          options,
        ),
      )
    },
  }
}

async function inSlices(
  ids: readonly string[],
  translate: (slice: readonly string[]) => Promise<IdTranslation>,
): Promise<IdTranslation> {
  const pairs: IdPair[] = []
  const invalid: string[] = []
  for (let start = 0; start < ids.length; start += MAX_IDS_PER_CALL) {
    const slice = await translate(ids.slice(start, start + MAX_IDS_PER_CALL))
    pairs.push(...slice.pairs)
    invalid.push(...slice.invalid)
  }
  return { pairs, invalid }
}

function readPairs(answer: WireObject, listKey: string, invalidKey: string): IdTranslation {
  const pairs = requireList(answer, listKey).map((row) => {
    const userid = isObject(row) ? toNonEmptyText(row['userid']) : undefined
    const openUserid = isObject(row) ? toNonEmptyText(row['open_userid']) : undefined
    if (userid === undefined || openUserid === undefined) throw new IncompleteAnswer('a pair lacks one of its ids')
    return { userid, openUserid }
  })
  const invalid = answer[invalidKey]
  return { pairs, invalid: invalid === undefined || invalid === null ? [] : (toTextList(invalid) ?? []) }
}
