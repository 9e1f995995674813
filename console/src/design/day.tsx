/** One end of a range of days that narrows a list. */
import { DatePicker } from 'antd'
import dayjs from 'dayjs'

export function Day({
  label,
  value,
  onChange,
}: {
  label: string
  /** As in addresses: `2026-07-31`. */
  value: string | undefined
  onChange: (day: string | undefined) => void
}) {
  return (
    <DatePicker
      aria-label={label}
      placeholder={label}
      value={value === undefined ? null : dayjs(value)}
      onChange={(day) => onChange(day === null ? undefined : day.format('YYYY-MM-DD'))}
    />
  )
}
