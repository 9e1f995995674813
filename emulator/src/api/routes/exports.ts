/** Chapter 2.4: asynchronous exports. What a job contains is decided here, how it becomes files in ../exports.ts. */

import type { Member } from '../../company/company.ts'
import { decodeAesKey } from '../../crypto.ts'
import { ApiError } from '../../errors.ts'
import type { ExportPlan } from '../exports.ts'
import { bodyOf, idField, required, textField } from '../route.ts'
import type { Call, Reply, Route } from '../route.ts'
import { allButContactsApps, everyKind } from './kinds.ts'
import { tagContents, tagInReach } from './tags.ts'

const blockMax = 1_000_000

export const exportRoutes: readonly Route[] = [
  {
    path: 'export/simple_user',
    needsToken: true,
    kinds: allButContactsApps,
    isBlockedFromNewAddress: true,
    handle: (call) =>
      submit(call, {
        tables: () => [{ name: 'userlist', rows: rowsOf(call, (member) => call.lens.simpleMember(member)) }],
      }),
  },
  {
    path: 'export/user',
    needsToken: true,
    kinds: allButContactsApps,
    isBlockedFromNewAddress: true,
    handle: (call) =>
      submit(call, {
        tables: () => [{ name: 'userlist', rows: rowsOf(call, (member) => call.lens.member(member, 'list')) }],
      }),
  },
  {
    path: 'export/department',
    needsToken: true,
    kinds: allButContactsApps,
    isBlockedFromNewAddress: true,
    handle: (call) => submit(call, { tables: () => [{ name: 'department', rows: departmentRows(call) }] }),
  },
  { path: 'export/taguser', needsToken: true, kinds: everyKind, handle: submitTag },
  { path: 'export/get_result', needsToken: true, kinds: everyKind, lists: ['data_list'], handle: result },
]

function submit(call: Call, contents: Pick<ExportPlan, 'tables' | 'extra'>): Reply {
  const body = bodyOf(call)
  const encodingAesKey = textField(body, 'encoding_aeskey')
  const { block_size: blockSize = blockMax } = body
  const { exportBlockMin } = call.world.settings.limits
  if (typeof blockSize !== 'number' || !Number.isInteger(blockSize)) throw new ApiError(40058)
  if (blockSize < exportBlockMin || blockSize > blockMax) throw new ApiError(40058)
  let key: Buffer
  try {
    key = decodeAesKey(encodingAesKey)
  } catch {
    throw new ApiError(40058)
  }
  return { jobid: call.world.exports.submit(call.company, call.app, { key, blockSize, ...contents }) }
}

function submitTag(call: Call): Reply {
  const tag = tagInReach(call, idField(bodyOf(call), 'tagid', 40068))
  return submit(call, {
    extra: { tagname: tag.tagname },
    tables: () => {
      const { userlist, partylist } = tagContents(call, tag)
      return [
        { name: 'userlist', rows: userlist },
        { name: 'partylist', rows: partylist },
      ]
    },
  })
}

function result({ world, app, query, origin }: Call): Reply {
  return world.exports.result(required(query, 'jobid', 40063), app, origin)
}

function departmentRows({ lens }: Call): unknown[] {
  return lens.departmentsInRange().map((department) => lens.department(department))
}

function rowsOf({ company, lens }: Call, render: (member: Member) => unknown): unknown[] {
  return [...company.members.values()].filter((member) => lens.seesMember(member)).map((member) => render(member))
}
