/** A field mapping as rows of an editor, and back. Pure; what is wrong with a row, `readMapping` of the contracts says. */
import { defaultMapping, type MappingEntry } from '@muster/contracts'

/** A row keeps both forms, so that looking at the other one forgets nothing. */
export interface MappingRow {
  /** Of the row on the page. */
  readonly key: number
  readonly to: string
  readonly form: 'fields' | 'template'
  readonly fields: readonly string[]
  readonly template: string
  readonly use: string | null
}

export function rowsOf(mapping: readonly MappingEntry[]): MappingRow[] {
  return mapping.map(({ to, from, template, use }, key) => ({
    key,
    to,
    form: template === undefined ? 'fields' : 'template',
    fields: from === undefined ? [] : typeof from === 'string' ? [from] : from,
    template: template ?? '',
    use: use ?? null,
  }))
}

export function entriesOf(rows: readonly MappingRow[]): MappingEntry[] {
  return rows.map(({ to, form, fields, template, use }) => ({
    to,
    ...(form === 'template' ? { template } : { from: fields.length === 1 ? fields[0]! : [...fields] }),
    ...(use === null ? {} : { use }),
  }))
}

/** Whether these are the rules that a new connection begins with. */
export function isUsual(rows: readonly MappingRow[]): boolean {
  return JSON.stringify(entriesOf(rows)) === JSON.stringify(entriesOf(rowsOf(defaultMapping)))
}

export function withRow(rows: readonly MappingRow[], to: string): MappingRow[] {
  const key = Math.max(-1, ...rows.map((row) => row.key)) + 1
  return [...rows, { key, to, form: 'fields', fields: [], template: '', use: null }]
}

/** Of several rules for one field the first that gives something counts, so the order is a setting. */
export function movedUp(rows: readonly MappingRow[], index: number): MappingRow[] {
  return rows.toSpliced(index, 1).toSpliced(index - 1, 0, rows[index]!)
}

export function changed(rows: readonly MappingRow[], index: number, change: Partial<MappingRow>): MappingRow[] {
  return rows.with(index, { ...rows[index]!, ...change })
}

/** As one line of text, lists and attributes as people write them; nothing for what is not there. */
export function valueText(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'string') return value
  if (Array.isArray(value)) return value.map(valueText).join(', ')
  if (typeof value === 'object' && Object.values(value).every((one) => typeof one === 'string')) {
    return Object.entries(value)
      .map(([name, one]) => `${name}: ${one}`)
      .join(', ')
  }
  return JSON.stringify(value)
}

/** Fields by which somebody can be reached, which nobody needs at a glance. */
const PERSONAL: ReadonlySet<string> = new Set(['mobile', 'telephone', 'email', 'biz_mail', 'address', 'phone'])

export function isPersonal(field: string): boolean {
  return PERSONAL.has(field)
}
