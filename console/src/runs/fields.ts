/**
 * The fields of a change side by side: which differ, in which order, and how each is to be shown. Pure. What is personal is
 * shown only to who asks for it; departments are ids of ours, whose names are asked for when somebody looks.
 */
import type { Change } from '@muster/contracts'

export type FieldValue =
  /** Nothing there, or nothing known. */
  | { readonly kind: 'empty' }
  | { readonly kind: 'text'; readonly text: string; readonly isPersonal: boolean }
  /** A word of ours that has a translation, such as a status. */
  | { readonly kind: 'word'; readonly word: string }
  | { readonly kind: 'departments'; readonly departments: readonly DepartmentPlace[] }
  | { readonly kind: 'list'; readonly texts: readonly string[] }
  | { readonly kind: 'pairs'; readonly pairs: readonly (readonly [string, string])[] }

export interface DepartmentPlace {
  readonly departmentId: string
  readonly isMain: boolean
  readonly isLeader: boolean
}

export interface FieldDifference {
  readonly field: string
  readonly before: FieldValue
  readonly after: FieldValue
}

const ORDER = [
  'username',
  'userid',
  'status',
  'displayName',
  'name',
  'nameEn',
  'title',
  'departments',
  'parentId',
  'directLeaders',
  'leaders',
  'email',
  'emailSource',
  'phone',
  'gender',
  'attributes',
  'order',
  'avatarUrl',
]

const PERSONAL = new Set(['email', 'phone'])
const WORDS = new Set(['status', 'emailSource', 'gender'])

export function differencesOf({ before, after }: Pick<Change, 'before' | 'after'>): readonly FieldDifference[] {
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])]
  return names
    .sort((one, other) => place(one) - place(other))
    .map((field) => ({
      field,
      before: valueOf(field, before?.[field]),
      after: valueOf(field, after?.[field]),
    }))
}

/** A field that a later version invents comes last. */
function place(field: string): number {
  const index = ORDER.indexOf(field)
  return index === -1 ? ORDER.length : index
}

export function valueOf(field: string, value: unknown): FieldValue {
  if (value === null || value === undefined || value === '') return { kind: 'empty' }
  if (field === 'parentId') return { kind: 'departments', departments: [placeOf({ departmentId: value })] }
  if (field === 'departments' && Array.isArray(value)) {
    return value.length === 0 ? { kind: 'empty' } : { kind: 'departments', departments: value.map(placeOf) }
  }
  if (Array.isArray(value)) {
    return value.length === 0 ? { kind: 'empty' } : { kind: 'list', texts: value.map(plain) }
  }
  if (typeof value === 'object') {
    const pairs = Object.entries(value).map(([name, inner]) => [name, attributeText(inner)] as const)
    return pairs.length === 0 ? { kind: 'empty' } : { kind: 'pairs', pairs }
  }
  if (WORDS.has(field)) return { kind: 'word', word: plain(value) }
  return { kind: 'text', text: plain(value), isPersonal: PERSONAL.has(field) }
}

function placeOf(given: unknown): DepartmentPlace {
  const { departmentId, isMain, isLeader } = given as Record<string, unknown>
  return { departmentId: plain(departmentId), isMain: isMain === true, isLeader: isLeader === true }
}

/** A web attribute has a title and an address. */
function attributeText(value: unknown): string {
  if (typeof value === 'object' && value !== null && 'url' in value) {
    const { title, url } = value as { title?: unknown; url: unknown }
    return title === undefined || title === '' ? plain(url) : `${plain(title)} (${plain(url)})`
  }
  return plain(value)
}

function plain(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
