/**
 * Who is in the company and in which departments, by ids alone: what the 通讯录同步 secret may read from any address
 * (wecom-api.md §2.1, error 48009). Says whether that list was read whole. Called by reader.ts.
 */
import { WecomError, type Department, type DepartmentId, type Principal, type RejectedRow } from '@muster/wecom'
import { foldName } from '../../directory/names.ts'

/** One person of the list. */
export interface Place {
  /** As WeCom spells it there. */
  readonly userid: string
  /** WeCom's ids, in its order; null when one of them could not be understood. */
  readonly departments: readonly number[] | null
}

export interface MemberIds {
  /** By folded userid. */
  readonly places: ReadonlyMap<string, Place>
  /** Rows without a usable userid: people who exist and whom nobody can name. */
  readonly nameless: readonly RejectedRow[]
  /** What ended the reading before its end. Then a person may be in more departments than are known. */
  readonly failure: WecomError | null
  readonly pages: number
}

/** A page that cannot be read, and a cursor that comes back, end the list: what came before is kept. */
export async function readMemberIds(source: Principal, signal: AbortSignal): Promise<MemberIds> {
  const places = new Map<string, { userid: string; departments: number[] | null }>()
  const nameless: RejectedRow[] = []
  let failure: WecomError | null = null
  let pages = 0
  try {
    for await (const { rows, rejected } of source.members.ids({ signal })) {
      pages++
      for (const { userid, departmentId } of rows) {
        const place = placeOf(userid)
        if (place.departments?.includes(departmentId) === false) place.departments.push(departmentId)
      }
      for (const row of rejected) {
        if (row.userid === undefined) nameless.push(row)
        else placeOf(row.userid).departments = null
      }
    }
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof WecomError)) throw error
    failure = error
  }
  return { places, nameless, failure, pages }

  function placeOf(userid: string) {
    const key = foldName(userid)
    let place = places.get(key)
    if (place === undefined) places.set(key, (place = { userid, departments: [] }))
    return place
  }
}

/**
 * The departments of both answers, each once: the ids are all there are, and the app tells more of those it may see.
 * Both say where a department is; the app's answer is the later one.
 */
export function mergeDepartments(ids: readonly DepartmentId[], shown: readonly Department[]): Department[] {
  const merged = new Map<number, Department>(ids.map((department) => [department.id, department]))
  for (const department of shown) merged.set(department.id, { ...merged.get(department.id), ...told(department) })
  return [...merged.values()]
}

/** Without the fields that were not told, so that they do not hide what the other answer told. */
function told(department: Department): Department {
  return Object.fromEntries(Object.entries(department).filter(([, value]) => value !== undefined)) as Department
}
