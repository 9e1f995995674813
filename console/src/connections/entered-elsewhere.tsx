/** Something to enter on a page of WeCom: what it is called there, the text to copy, and where that page is. */
import { Typography } from 'antd'
import { Copyable } from '../design/copyable.tsx'

export function EnteredElsewhere({ label, where, value }: { label: string; where: string; value: string }) {
  return (
    <div>
      <strong>{label}</strong>
      <div style={{ marginBlock: 4 }}>
        <Copyable label={label} value={value} />
      </div>
      <Typography.Text type="secondary">{where}</Typography.Text>
    </div>
  )
}
