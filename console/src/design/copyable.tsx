/** A value to paste somewhere else, with its button. */
import { Input, Space } from 'antd'
import { CopyButton } from './copy-button.tsx'

export function Copyable({ label, value }: { label: string; value: string }) {
  return (
    <Space.Compact block>
      <Input readOnly value={value} aria-label={label} onFocus={(event) => event.target.select()} />
      <span style={{ alignSelf: 'center', paddingInline: 8 }}>
        <CopyButton text={value} label={label} />
      </span>
    </Space.Compact>
  )
}
