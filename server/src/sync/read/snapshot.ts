/**
 * What one reading of WeCom saw, and what it covers. Members that are as they were last applied are only ticked off;
 * the others are kept, mapped. So memory grows with what changed and not with the company.
 */
import { hash as digest } from 'node:crypto'
import type { Department, Member, RejectedRow } from '@muster/wecom'
import { foldName, storable } from '../../directory/names.ts'
import type { Problem } from '../../errors.ts'
import { bodyDigest, pageDigest, type KnownPage } from './pages.ts'
import {
  ALL_FIELDS,
  fieldsMissing,
  mapId,
  mapMember,
  shownFields,
  type MappedMember,
  type MappingSettings,
  type Sight,
  type WantedUser,
} from '../plan/mapping.ts'
import type { KnownLinks } from '../plan/matching.ts'
import type { Place } from './ids.ts'

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
  /** Whether this person is one of them. */
  readonly isAsApplied: (key: string) => boolean
  /** Rows that WeCom sent and that cannot be used; their people are known to exist. */
  readonly rejected: readonly RejectedRow[]
  /** People of whom nothing but the id was shown, and who are here already or will be. */
  readonly idsOnly: number
  /** Fields that were shown of nobody, by WeCom's names; empty when nobody was shown at all. */
  readonly withheld: readonly string[]
  /** Whether this person was seen, in whatever state. */
  readonly wasSeen: (key: string) => boolean
  /** Lists that were read whole and are worth remembering once this snapshot is applied. */
  readonly pages: ReadonlyMap<string, KnownPage>
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
  /**
   * Whether the list of a department is, byte for byte, what was read and applied before. Then everybody on it is ticked
   * off. Otherwise its bytes are noted for the `addMembers` that follows.
   */
  recognise(department: number, body: Uint8Array): boolean
  /**
   * The same person may come many times, in any spelling; the first one counts.
   * @param department of the list, when it is the whole list of one
   */
  addMembers(members: readonly Member[], rejected: readonly RejectedRow[], department?: number): void
  /** Who exists and in which departments, whatever is shown of them. Before any member. */
  addIds(ids: KnownIds): void
  /** People of `addIds` of whom no details were shown so far. */
  withoutDetails(): Generator<Place, void, undefined>
  /**
   * After all members: whoever has no details exists, too, and is what the ids say.
   * @param mayCreate false when their details may be missing only because of a failure: then nobody is made of them
   */
  addWithoutDetails(mayCreate: boolean): void
  wasSeen(userid: string): boolean
  readonly membersRead: number
  finish(): Snapshot
}

export interface KnownIds {
  /** By folded userid. */
  readonly places: ReadonlyMap<string, Place>
  /** Otherwise people may be missing, and so may departments of those who are there. */
  readonly isComplete: boolean
  /** The departments whose people are shown with their details: what these say about them counts, and is newer. */
  readonly shown: ReadonlySet<number>
}

/**
 * @param links everybody who is linked already
 * @param knownPages the lists as they were last read, by department
 */
export function createSnapshot(
  links: KnownLinks,
  settings: MappingSettings,
  knownPages: ReadonlyMap<string, KnownPage> = new Map(),
): SnapshotBuilder {
  const departments = new Map<number, Department>()
  /** Who was seen exactly as they were last applied, by the place of their link: usually everybody, so it is kept small. */
  const asApplied = new Uint8Array(links.size)
  /** Everybody else who was seen, with the digest of what they looked like; null where that could not be told. */
  const otherwise = new Map<string, string | null>()
  const digests = new Map<number, string>()
  const pages = new Map<string, KnownPage>()
  const changed = createPacker()
  const rejected: RejectedRow[] = []
  let ids: KnownIds | undefined
  let idsOnly = 0
  let shown = 0
  let unchanged = 0
  let seed = ''
  const unreadable = new Set<number>()
  const sightOf = (department: number): Sight =>
    departments.has(department) ? 'visible' : unreadable.has(department) ? 'unreadable' : 'invisible'

  return {
    addDepartments(list, bad) {
      for (const department of list) if (!departments.has(department.id)) departments.set(department.id, department)
      for (const { departmentId } of bad) if (departmentId !== undefined) unreadable.add(departmentId)
      rejected.push(...bad)
      seed = seedOf(settings, departments.keys(), unreadable)
    },
    addIds(list) {
      ids = list
      seed += outsideOf(list)
    },
    recognise(department, body) {
      // Who is in which departments besides is not known then, so a list is not known either.
      if (ids?.isComplete === false) return false
      const bytes = bodyDigest(body)
      const known = knownPages.get(String(department))
      if (known?.digest.startsWith(bytes) === true && tickOff(known, bytes)) return true
      digests.set(department, bytes)
      return false
    },
    addMembers(members, bad, department) {
      let isConsistent = bad.length === 0
      const keys: string[] = []
      const hashes: string[] = []
      const unstorable: RejectedRow[] = []
      let shownHere = 0
      for (const member of members) {
        if (shownHere !== ALL_FIELDS) shownHere |= shownFields(member)
        if (storable(member.userid) !== member.userid) {
          unstorable.push({
            userid: storable(member.userid),
            reason: 'the userid has characters that cannot be stored',
          })
          isConsistent = false
          continue
        }
        const key = foldName(member.userid)
        const wanted = mapMember(ids === undefined ? member : placed(member, key, ids), sightOf, settings)
        keys.push(key)
        hashes.push(wanted.hash)
        const before = seenAs(key)
        if (before !== undefined) {
          // Changed between two lists: remembering the later one would hide that the earlier one was applied.
          if (before !== wanted.hash) isConsistent = false
          continue
        }
        note(wanted)
      }
      shown |= shownHere
      for (const row of [...bad, ...unstorable]) {
        if (row.userid !== undefined && wasSeen(row.userid)) continue
        if (row.userid !== undefined) otherwise.set(foldName(row.userid), null)
        rejected.push(row)
      }
      const bytes = department === undefined ? undefined : digests.get(department)
      if (bytes === undefined || !isConsistent) return
      const digest = pageDigest(seed, bytes, hashes)
      pages.set(String(department), { digest, userids: JSON.stringify(keys), shown: shownHere })
    },
    withoutDetails,
    addWithoutDetails(mayCreate) {
      for (const place of withoutDetails()) {
        const key = foldName(place.userid)
        const isLinked = links.has(key)
        const departments = isLinked && ids?.isComplete !== true ? undefined : (place.departments ?? undefined)
        if (storable(place.userid) !== place.userid || (!isLinked && !mayCreate)) {
          otherwise.set(key, null)
          continue
        }
        idsOnly++
        note(mapId(place.userid, departments, sightOf, settings))
      }
    },
    wasSeen,
    get membersRead() {
      return unchanged + otherwise.size
    },
    finish: () => ({
      departments: [...departments.values()],
      changed: changed.finish(),
      membersRead: unchanged + otherwise.size,
      unchanged,
      isAsApplied,
      rejected,
      idsOnly,
      withheld: shown === 0 ? [] : fieldsMissing(shown, settings.mapping),
      wasSeen: (key) => seenAs(key) !== undefined,
      pages,
    }),
  }

  function seenAs(key: string): string | null | undefined {
    return isAsApplied(key) ? links.get(key)!.hash : otherwise.get(key)
  }

  function isAsApplied(key: string): boolean {
    const link = links.get(key)
    return link !== undefined && asApplied[link.place] === 1
  }

  function wasSeen(userid: string): boolean {
    return seenAs(foldName(userid)) !== undefined
  }

  function note(wanted: MappedMember): void {
    const link = links.get(wanted.key)
    if (link?.hash === wanted.hash) return tick(link.place)
    otherwise.set(wanted.key, wanted.hash)
    changed.add(wanted)
  }

  function* withoutDetails(): Generator<Place, void, undefined> {
    for (const [key, place] of ids?.places ?? []) if (seenAs(key) === undefined) yield place
  }

  /**
   * The details of a member, with the departments that only the ids tell. Where those may lack some, nothing is said
   * about the departments of somebody who is here already: taking somebody out of one needs to know all of them.
   */
  function placed(member: Member, key: string, { places, isComplete, shown }: KnownIds): Member {
    const place = places.get(key)
    if ((place === undefined || !isComplete) && links.has(key)) return { ...member, departments: undefined }
    if (place === undefined) return member
    if (place.departments === null) return { ...member, departments: undefined }
    const hidden =
      member.departments === undefined ? place.departments : place.departments.filter((id) => !shown.has(id))
    if (hidden.length === 0) return member
    const seen = member.departments ?? []
    const further = hidden.filter((id) => !seen.some((department) => department.id === id))
    return { ...member, departments: [...seen, ...further.map((id) => ({ id }))] }
  }

  function tick(place: number): void {
    if (asApplied[place] === 1) return
    asApplied[place] = 1
    unchanged++
  }

  /** Only when everybody on the list was applied as it shows them, and nobody looked different on another list. */
  function tickOff(known: KnownPage, bytes: string): boolean {
    const places: number[] = []
    const hashes: string[] = []
    for (const key of JSON.parse(known.userids) as string[]) {
      const link = links.get(key)
      if (link === undefined || link.hash === null || otherwise.has(key)) return false
      if (ids !== undefined && !ids.places.has(key)) return false
      places.push(link.place)
      hashes.push(link.hash)
    }
    if (pageDigest(seed, bytes, hashes) !== known.digest) return false
    for (const place of places) tick(place)
    shown |= known.shown
    return true
  }
}

/** Who is visible decides what a member's departments mean, so another set of departments is another meaning. */
function seedOf({ version }: MappingSettings, departments: Iterable<number>, unreadable: Iterable<number>): string {
  const visible = [...departments].sort((a, b) => a - b).join()
  return digest('sha256', `${version} ${visible} ${[...unreadable].join()}`, 'base64url').slice(0, 12)
}

/** What the ids say beyond the lists: who is in a department that no list shows. Usually nobody. */
function outsideOf({ places, shown }: KnownIds): string {
  const outside: string[] = []
  for (const [key, { departments }] of places) {
    const hidden = departments?.filter((id) => !shown.has(id)).join()
    if (hidden !== '') outside.push(`${key}:${hidden ?? '?'}`)
  }
  if (outside.length === 0) return ''
  return digest('sha256', outside.sort().join(' '), 'base64url').slice(0, 12)
}

/** People in one pack, and where nobody is waiting in one transaction: some tenths of a second (reconcile.ts). */
const PACK = 2_000

/**
 * As UTF-8 outside the heap a person takes a third of the space, and the garbage collector never looks at it. Written
 * there at once: kept as texts until a pack is full, people would be copied by the collector meanwhile.
 */
function createPacker() {
  const packs: Buffer[] = []
  let open = Buffer.allocUnsafe(FIRST_PACK_BYTES)
  let end = 0
  let people = 0
  let size = 0
  const write = (text: string) => {
    const most = end + MOST_BYTES_PER_UNIT * text.length
    if (most > open.length) open = Buffer.concat([open], 2 * most)
    end += open.write(text, end)
  }
  const close = () => {
    if (people > 0) {
      open[end - 1] = CLOSING_BRACKET
      packs.push(Buffer.from(open.subarray(0, end)))
    }
    end = 0
    people = 0
  }
  return {
    add({ userid, hash, problem, json }: MappedMember): void {
      if (people === 0) write('[')
      // The rest of the object goes on where the JSON of its fields ends.
      write(json)
      open[end - 1] = COMMA
      write(JSON.stringify({ userid, hash, problem }).slice(1))
      write(',')
      size++
      if (++people === PACK) close()
    },
    finish(): PackedPeople {
      close()
      open = Buffer.alloc(0)
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

/** Grows when that is not enough. */
const FIRST_PACK_BYTES = 1 << 16
/** A unit of UTF-16 is at most three bytes of UTF-8. */
const MOST_BYTES_PER_UNIT = 3
const COMMA = 0x2c
const CLOSING_BRACKET = 0x5d
