/**
 * The bytes of the big list replies, rendered once and kept until something in them changes. This is what makes the
 * emulator faster than the clients it is there to test. Bounded: the oldest bytes are dropped first.
 */

import type { Company, Member } from './company.ts'
import type { Lens } from './lens.ts'

export interface Bodies {
  /** The whole reply of `user/list` or `user/simplelist` for one department, without its sub-departments. */
  memberList(lens: Lens, departmentId: number, detail: 'full' | 'simple'): Buffer
  /** The whole reply of `department/list` or `department/simplelist` for everything in range. */
  departmentList(lens: Lens, detail: 'full' | 'ids', render: () => Record<string, unknown>): Buffer
}

interface Kept {
  bytes: Buffer
  /** Of the company when this was rendered. */
  version: number
}

export function createBodies(company: Company, bytesMax: number): Bodies {
  const kept = new Map<string, Kept>()
  let bytesKept = 0

  return {
    memberList(lens, departmentId, detail) {
      const key = `${lens.cacheKey}/${detail}/${departmentId}`
      const entry = kept.get(key)
      const oldest = lens.isShared ? company.departmentStamp(departmentId) : company.version()
      if (entry && entry.version >= oldest) return entry.bytes
      return keep(key, renderMembers(lens, company.membersOf(departmentId), detail))
    },
    departmentList(lens, detail, render) {
      const key = `${lens.cacheKey}/departments/${detail}`
      const entry = kept.get(key)
      if (entry && entry.version === company.version()) return entry.bytes
      return keep(key, Buffer.from(JSON.stringify(render())))
    },
  }

  function keep(key: string, bytes: Buffer): Buffer {
    bytesKept += bytes.length - (kept.get(key)?.bytes.length ?? 0)
    kept.delete(key)
    kept.set(key, { bytes, version: company.version() })
    for (const [oldKey, old] of kept) {
      if (bytesKept <= bytesMax || oldKey === key) break
      kept.delete(oldKey)
      bytesKept -= old.bytes.length
    }
    return bytes
  }
}

/** `{"errcode":0,"errmsg":"ok","userlist":[…]}` of the members in range. */
export function renderMembers(lens: Lens, members: Iterable<Member>, detail: 'full' | 'simple'): Buffer {
  const parts: string[] = []
  for (const member of members) {
    if (!lens.seesMember(member)) continue
    parts.push(JSON.stringify(detail === 'full' ? lens.member(member, 'list') : lens.simpleMember(member)))
  }
  // One string and one allocation: joining buffers left twice the bytes behind for the collector.
  return Buffer.from(`{"errcode":0,"errmsg":"ok","userlist":[${parts.join(',')}]}`)
}
