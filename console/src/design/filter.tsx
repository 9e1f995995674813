/** One choice that narrows a list. Nothing chosen shows everything. */
import { Select } from 'antd'

export function Filter<Value extends string>({
  label,
  all,
  value,
  options,
  onChange,
  width = 180,
}: {
  /** What it narrows by, for who cannot see it. */
  label: string
  /** The words for "no matter which". */
  all: string
  value: Value | undefined
  options: readonly { readonly value: Value; readonly label: string }[]
  onChange: (value: Value | undefined) => void
  /** In pixels. */
  width?: number
}) {
  return (
    <Select<Value | ''>
      aria-label={label}
      style={{ width }}
      popupMatchSelectWidth={false}
      // Nobody has to scroll for the last of ten.
      listHeight={400}
      value={value ?? ''}
      options={[{ value: '', label: all }, ...options]}
      onChange={(chosen) => onChange(chosen === '' ? undefined : chosen)}
    />
  )
}
