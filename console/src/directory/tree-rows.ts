/**
 * The rows of the tree of departments that somebody sees: what is open, level by level, as one list of rows of the same
 * height, of which only those in sight are drawn. And which row a key leads to (WAI-ARIA, tree view). Pure.
 */
import type { Department } from '@muster/contracts'

/** Stands for the parent of roots, as in the API. */
export const ROOTS = 'none'

/** Not a department: everybody. */
export const EVERYBODY = 'everybody'

/** What is known of the children of one department. */
export interface Children {
  readonly items: readonly Department[]
  /** How many there are in all. */
  readonly total: number
  readonly isLoading: boolean
  readonly error: Error | null
}

export interface DepartmentRow {
  readonly kind: 'department'
  readonly id: string
  readonly department: Department
  /** 1 for a root. */
  readonly level: number
  readonly isOpen: boolean
  readonly hasChildren: boolean
  /** Place among its siblings, from 1. */
  readonly position: number
  readonly siblings: number
  readonly parentId: string | null
}

export type TreeRow =
  | { readonly kind: 'everybody'; readonly id: typeof EVERYBODY; readonly level: 1 }
  | DepartmentRow
  | { readonly kind: 'loading'; readonly id: string; readonly level: number }
  | { readonly kind: 'failed'; readonly id: string; readonly level: number; readonly error: Error }

export function treeRows(childrenOf: ReadonlyMap<string, Children>, open: ReadonlySet<string>): TreeRow[] {
  const rows: TreeRow[] = [{ kind: 'everybody', id: EVERYBODY, level: 1 }]
  // A stack and not recursion: nobody promises how deep a tree of another system is.
  const pending: { parentId: string; level: number; next: number }[] = [{ parentId: ROOTS, level: 1, next: 0 }]
  const seen = new Set<string>()
  for (;;) {
    const place = pending.at(-1)
    if (place === undefined) return rows
    const { parentId, level } = place
    const children = childrenOf.get(parentId)
    const department = children?.items[place.next]
    if (department === undefined) {
      pending.pop()
      if (children?.error) rows.push({ kind: 'failed', id: `failed ${parentId}`, level, error: children.error })
      else if (children === undefined || children.isLoading) {
        rows.push({ kind: 'loading', id: `loading ${parentId}`, level })
      }
      continue
    }
    place.next += 1
    if (seen.has(department.id)) continue // it moved between two pages of an answer
    seen.add(department.id)
    const hasChildren = department.childCount > 0
    const isOpen = hasChildren && open.has(department.id)
    rows.push({
      kind: 'department',
      id: department.id,
      department,
      level,
      isOpen,
      hasChildren,
      position: place.next,
      siblings: Math.max(children!.total, children!.items.length),
      parentId: parentId === ROOTS ? null : parentId,
    })
    if (isOpen) pending.push({ parentId: department.id, level: level + 1, next: 0 })
  }
}

/** What a key does: go to a row, open or close one, or take it. */
export type KeyDeed =
  | { readonly go: number }
  | { readonly open: string }
  | { readonly close: string }
  | { readonly take: string }

export function keyDeed(rows: readonly TreeRow[], at: number, key: string, pageSize: number): KeyDeed | undefined {
  const row = rows[at]
  const last = rows.length - 1
  if (row === undefined) return undefined
  switch (key) {
    case 'ArrowDown':
      return { go: Math.min(at + 1, last) }
    case 'ArrowUp':
      return { go: Math.max(at - 1, 0) }
    case 'PageDown':
      return { go: Math.min(at + pageSize, last) }
    case 'PageUp':
      return { go: Math.max(at - pageSize, 0) }
    case 'Home':
      return { go: 0 }
    case 'End':
      return { go: last }
    case 'ArrowRight':
      if (row.kind !== 'department' || !row.hasChildren) return undefined
      return row.isOpen ? { go: Math.min(at + 1, last) } : { open: row.id }
    case 'ArrowLeft': {
      if (row.kind === 'department' && row.isOpen) return { close: row.id }
      const parent = rows.findLastIndex((other, index) => index < at && other.level < row.level)
      return parent === -1 ? undefined : { go: parent }
    }
    case 'Enter':
    case ' ':
      return row.kind === 'department' || row.kind === 'everybody' ? { take: row.id } : undefined
    default:
      return undefined
  }
}

/** The next row after this one that begins with what was typed, around the end. */
export function typedRow(rows: readonly TreeRow[], at: number, typed: string): number | undefined {
  const wanted = typed.toLowerCase()
  for (let step = 1; step <= rows.length; step += 1) {
    const index = (at + step) % rows.length
    const row = rows[index]!
    if (row.kind === 'department' && row.department.name.toLowerCase().startsWith(wanted)) return index
  }
  return undefined
}
