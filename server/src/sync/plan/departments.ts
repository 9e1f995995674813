/**
 * Decides what happens to departments: which are created, moved and renamed, parents before children. Pure.
 * A department is known by its WeCom id and never by its name: two under different parents may share one.
 */
import type { Department } from '@muster/wecom'
import type { Row } from '../../database/database.ts'
import { foldName, storable } from '../../directory/names.ts'
import type { DepartmentWrite } from '../../directory/writes.ts'
import type { Problem } from '../../errors.ts'
import { change, difference, type Step } from './changes.ts'

export interface DepartmentPlan {
  readonly steps: readonly Step<DepartmentWrite>[]
  /** Our id for every WeCom department that exists here after the plan. */
  readonly idOf: ReadonlyMap<number, string>
  readonly unchanged: number
  readonly skipped: number
  /** WeCom ids of departments whose place had to be decided here, because WeCom's makes a circle. */
  readonly inCircles: readonly number[]
}

export interface DepartmentContext {
  readonly organizationId: string
  readonly connectionId: string
  readonly corpId: string
  readonly onlyWecom: 'create' | 'ignore'
  /** What WeCom said by name since this list was read is newer than the list. */
  readonly isNewer?: ((department: Row<'departments'>) => boolean) | undefined
  readonly now: number
  readonly newId: (kind: 'dep') => string
}

const LONGEST_NAME = 512

/**
 * @param known the departments that this connection owns here
 * @param wanted what WeCom shows, each id once
 */
export function planDepartments(
  known: readonly Row<'departments'>[],
  wanted: readonly Department[],
  context: DepartmentContext,
): DepartmentPlan {
  const knownByExternalId = new Map(known.map((department) => [Number(department.external_id), department]))
  const { ordered, inCircles } = parentsFirst(wanted)
  const idOf = new Map<number, string>()
  const steps: Step<DepartmentWrite>[] = []
  let unchanged = 0
  let skipped = 0

  for (const { department, parentId } of ordered) {
    const existing = knownByExternalId.get(department.id)
    if (existing !== undefined && context.isNewer?.(existing) === true) {
      idOf.set(department.id, existing.id)
      unchanged++
      continue
    }
    const problem = nameProblem(department)
    if (problem !== undefined) {
      if (existing !== undefined) idOf.set(department.id, existing.id)
      steps.push(failure(department, existing, problem))
      continue
    }
    if (existing === undefined && context.onlyWecom === 'ignore') {
      skipped++
      continue
    }
    const parent = parentId === undefined ? null : (idOf.get(parentId) ?? null)
    const step =
      existing === undefined ? create(department, parent, context) : update(existing, department, parent, context)
    idOf.set(department.id, existing?.id ?? idOfCreated(step))
    if (step === null) unchanged++
    else steps.push(step)
  }
  return { steps, idOf, unchanged, skipped, inCircles }
}

/** As it is when the list of departments was not read: those that WeCom showed last are there. */
export function keepDepartments(known: readonly Row<'departments'>[]): DepartmentPlan {
  const shown = known.filter(({ missing_since }) => missing_since === null)
  const idOf = new Map(shown.map(({ id, external_id }) => [Number(external_id), id]))
  return { steps: [], idOf, unchanged: 0, skipped: 0, inCircles: [] }
}

/** The tree as it is once these are written: what a preview goes on with, which writes nothing. */
export function asWritten<D extends Pick<Row<'departments'>, 'id'>>(
  tree: readonly D[],
  steps: readonly Step<DepartmentWrite>[],
): (D | Row<'departments'>)[] {
  const after = new Map<string, D | Row<'departments'>>(tree.map((department) => [department.id, department]))
  for (const { write } of steps) {
    if (write === null) continue
    if ('create' in write) after.set(write.create.id, write.create)
    else if ('delete' in write) after.delete(write.delete)
    else after.set(write.update.id, { ...after.get(write.update.id)!, ...write.update })
  }
  return [...after.values()]
}

function create(department: Department, parent: string | null, context: DepartmentContext): Step<DepartmentWrite> {
  const id = context.newId('dep')
  const columns = sourceColumns(department, undefined, parent)
  const after = shownDepartment(columns)
  return {
    changes: [change({ ...subject(department, id), action: 'create', after })],
    write: {
      create: {
        id,
        organization_id: context.organizationId,
        ...columns,
        origin: 'wecom',
        connection_id: context.connectionId,
        corp_id: context.corpId,
        external_id: String(department.id),
        missing_since: null,
        created_at: context.now,
        updated_at: context.now,
        search_text: null,
        asked_at: null,
      },
    },
  }
}

function idOfCreated(step: Step<DepartmentWrite> | null): string {
  if (step?.write == null || !('create' in step.write)) throw new Error('a new department without a row')
  return step.write.create.id
}

function update(
  existing: Row<'departments'>,
  department: Department,
  parent: string | null,
  context: DepartmentContext,
): Step<DepartmentWrite> | null {
  const columns = sourceColumns(department, existing, parent)
  const differs = difference(shownDepartment(existing), shownDepartment(columns))
  if (differs === null) return null
  return {
    changes: [change({ ...subject(department, existing.id), action: 'update', ...differs })],
    write: { update: { id: existing.id, ...columns, updated_at: context.now } },
  }
}

function failure(
  department: Department,
  existing: Row<'departments'> | undefined,
  problem: Problem,
): Step<DepartmentWrite> {
  const action = existing === undefined ? 'create' : 'update'
  return {
    changes: [change({ ...subject(department, existing?.id ?? null), action, state: 'failed', problem })],
    write: null,
  }
}

function subject(department: Department, id: string | null) {
  return {
    entity: 'department' as const,
    externalId: String(department.id),
    targetId: id,
    name: department.name === undefined ? null : storable(department.name),
  }
}

type SourceColumns = Pick<Row<'departments'>, 'parent_id' | 'name' | 'name_en' | 'position' | 'leaders'>

/** Withheld fields keep what is known; a name that was never seen is the id, as WeCom itself does for providers. */
function sourceColumns(
  department: Department,
  existing: Row<'departments'> | undefined,
  parent: string | null,
): SourceColumns {
  return {
    parent_id: parent,
    name: department.name === undefined ? (existing?.name ?? String(department.id)) : storable(department.name),
    name_en: department.nameEn === undefined ? (existing?.name_en ?? null) : storable(department.nameEn) || null,
    position: department.order ?? existing?.position ?? 0,
    leaders:
      department.leaders === undefined ? (existing?.leaders ?? '[]') : JSON.stringify(department.leaders.map(foldName)),
  }
}

/** A department by the names of the admin API. */
export function shownDepartment(columns: SourceColumns) {
  return {
    name: columns.name,
    nameEn: columns.name_en,
    parentId: columns.parent_id,
    order: columns.position,
    leaders: JSON.parse(columns.leaders) as unknown,
  }
}

function nameProblem(department: Department): Problem | undefined {
  if (department.name === undefined) return undefined
  const name = storable(department.name)
  if (name.trim() !== '' && name.length <= LONGEST_NAME) return undefined
  return {
    code: 'sync/name-unusable',
    detail: {
      en: `The name of department ${department.id} is empty after cleaning, or longer than ${LONGEST_NAME} characters.`,
      zh: `部门 ${department.id} 的名称清理后为空，或超过 ${LONGEST_NAME} 个字符。`,
    },
  }
}

interface Placed {
  department: Department
  /** The visible parent, if any. */
  parentId: number | undefined
}

/**
 * Parents before children, without recursion: trees from outside may be as deep as they like. A parent that is not
 * visible makes a root (wecom-api.md §2.2); a circle is opened at its smallest id.
 */
function parentsFirst(wanted: readonly Department[]): { ordered: Placed[]; inCircles: number[] } {
  const byId = new Map(wanted.map((department) => [department.id, department]))
  const parentOf = new Map<number, number | undefined>()
  for (const { id, parentId } of byId.values()) {
    parentOf.set(id, parentId !== undefined && byId.has(parentId) ? parentId : undefined)
  }
  const inCircles = openCircles(parentOf)

  const children = new Map<number | undefined, Department[]>()
  for (const department of byId.values()) {
    const parent = parentOf.get(department.id)
    const siblings = children.get(parent)
    if (siblings === undefined) children.set(parent, [department])
    else siblings.push(department)
  }
  const ordered: Placed[] = (children.get(undefined) ?? []).map((department) => ({ department, parentId: undefined }))
  for (let next = 0; next < ordered.length; next++) {
    const parentId = ordered[next]!.department.id
    for (const department of children.get(parentId) ?? []) ordered.push({ department, parentId })
  }
  return { ordered, inCircles }
}

/** Makes a root of the smallest id of every circle, in place. Returns those ids. */
function openCircles(parentOf: Map<number, number | undefined>): number[] {
  const opened: number[] = []
  const finished = new Set<number>()
  for (const start of parentOf.keys()) {
    const path: number[] = []
    const onPath = new Set<number>()
    let at: number | undefined = start
    while (at !== undefined && !finished.has(at) && !onPath.has(at)) {
      path.push(at)
      onPath.add(at)
      at = parentOf.get(at)
    }
    if (at !== undefined && onPath.has(at)) {
      const smallest = Math.min(...path.slice(path.indexOf(at)))
      parentOf.set(smallest, undefined)
      opened.push(smallest)
    }
    for (const id of path) finished.add(id)
  }
  return opened
}
