/**
 * What one reading of WeCom saw, and what it covers. Members that are as they were last applied are only ticked off;
 * the others are kept, mapped. So memory grows with what changed and not with the company.
 */
import type { Department, Member, RejectedRow } from '@muster/wecom'
import { foldName } from '../directory/names.ts'
import type { Problem } from '../errors.ts'
import { mapMember, type MappingSettings, type WantedUser } from './mapping.ts'
import type { KnownLink } from './matching.ts'

/** Something that could not be read, so that nothing may be concluded about what is in it. */
export interface Unread {
  /** For a person: "department 17", "the people added one by one". */
  readonly what: string
  /** WeCom's errcode where there was one. */
  readonly code: number | null
  readonly problem: Problem
}

export interface Snapshot {
  readonly departments: readonly Department[]
  /** Members that differ from what was last applied, each once, in the order of their first appearance. */
  readonly changed: PackedPeople
  /** Different people read. */
  readonly membersRead: number
  /** People who are exactly as they were last applied. */
  readonly unchanged: number
  /** Rows that WeCom sent and that cannot be used; their people are known to exist. */
  readonly rejected: readonly RejectedRow[]
  /** Whether this person was seen, in whatever state. */
  readonly wasSeen: (key: string) => boolean
}

/** Many people, kept as text and unpacked some at a time: in a first sync that is everybody. */
export interface PackedPeople {
  readonly size: number
  /** In order, every time from the start. */
  slices(): Generator<WantedUser[], void, undefined>
}

export interface SnapshotBuilder {
  /** Before any member: memberships count only in departments that were seen. */
  addDepartments(departments: readonly Department[], rejected: readonly RejectedRow[]): void
  /** The same person may come many times, in any spelling; the first one counts. */
  addMembers(members: readonly Member[], rejected: readonly RejectedRow[]): void
  wasSeen(userid: string): boolean
  readonly membersRead: number
  finish(): Snapshot
}

/** @param links everybody who is linked already */
export function createSnapshot(links: ReadonlyMap<string, KnownLink>, settings: MappingSettings): SnapshotBuilder {
  const departments = new Map<number, Department>()
  const seen = new Set<string>()
  const changed = createPacker()
  const rejected: RejectedRow[] = []
  let unchanged = 0
  const isVisible = (department: number) => departments.has(department)

  return {
    addDepartments(list, bad) {
      for (const department of list) if (!departments.has(department.id)) departments.set(department.id, department)
      rejected.push(...bad)
    },
    addMembers(members, bad) {
      for (const member of members) {
        const key = foldName(member.userid)
        if (seen.has(key)) continue
        const wanted = mapMember(member, isVisible, settings)
        const link = links.get(key)
        seen.add(key)
        if (link?.hash === wanted.hash) unchanged++
        else changed.add(wanted)
      }
      for (const row of bad) {
        if (row.userid !== undefined && seen.has(foldName(row.userid))) continue
        if (row.userid !== undefined) seen.add(foldName(row.userid))
        rejected.push(row)
      }
    },
    wasSeen: (userid) => seen.has(foldName(userid)),
    get membersRead() {
      return seen.size
    },
    finish: () => ({
      departments: [...departments.values()],
      changed: changed.finish(),
      membersRead: seen.size,
      unchanged,
      rejected,
      wasSeen: (key) => seen.has(key),
    }),
  }
}

/** People in one pack, and so in one transaction: less than a tenth of a second in which nobody else can write. */
const PACK = 2_000

/** As UTF-8 outside the heap a person takes a third of the space, and the garbage collector never looks at it. */
function createPacker() {
  const packs: Buffer[] = []
  let open: WantedUser[] = []
  let size = 0
  const close = () => {
    if (open.length > 0) packs.push(Buffer.from(JSON.stringify(open)))
    open = []
  }
  return {
    add(person: WantedUser): void {
      size++
      open.push(person)
      if (open.length === PACK) close()
    },
    finish(): PackedPeople {
      close()
      return {
        size,
        *slices() {
          // JSON leaves undefined out, which reads as undefined again.
          for (const pack of packs) yield JSON.parse(pack.toString()) as WantedUser[]
        },
      }
    },
  }
}
