/** Connections, in the order in which they are chosen. Takes `value` and `onChange` from the form around it. */
import type { Connection } from '@muster/contracts'
import { Select } from 'antd'
import { nameText } from '../design/name.tsx'
import { TabLeaves } from '../design/tab-leaves.tsx'

export function ConnectionChoice({
  id,
  value = [],
  onChange,
  connections,
}: {
  id?: string
  /** Identifiers. */
  value?: string[]
  onChange?: (identifiers: string[]) => void
  /** Undefined until they are known. */
  connections: readonly Connection[] | undefined
}) {
  return (
    <TabLeaves>
      <Select<string[]>
        {...(id === undefined ? {} : { id })}
        {...(onChange === undefined ? {} : { onChange })}
        value={value}
        mode="multiple"
        showSearch={{ optionFilterProp: 'label' }}
        loading={connections === undefined}
        style={{ width: '100%' }}
        options={(connections ?? []).map(({ identifier, displayName }) => ({
          value: identifier,
          label: `${nameText(displayName)} (${identifier})`,
        }))}
      />
    </TabLeaves>
  )
}
