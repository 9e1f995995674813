/** Some departments, found while somebody types. Takes `value` and `onChange` from the form around it. */
import { getDepartment, listDepartments, type DepartmentId } from '@muster/contracts'
import { useQueries } from '@tanstack/react-query'
import { Select } from 'antd'
import { useDeferredValue, useState } from 'react'
import { read, useRead } from '../api.ts'
import { nameText } from '../design/name.tsx'
import { TabLeaves } from '../design/tab-leaves.tsx'

export function DepartmentChoice({
  id,
  value = [],
  onChange,
  disabled = false,
}: {
  id?: string
  value?: DepartmentId[]
  onChange?: (departmentIds: DepartmentId[]) => void
  disabled?: boolean
}) {
  const [typed, setTyped] = useState('')
  const q = useDeferredValue(typed.trim())
  const found = useRead(listDepartments, { query: { limit: 20, ...(q === '' ? {} : { q }) } })
  const chosen = useQueries({
    queries: value.map((departmentId) => read(getDepartment, { params: { id: departmentId } })),
  })
  const known = new Map(
    [...chosen.flatMap(({ data }) => data ?? []), ...(found.data?.items ?? [])].map((one) => [one.id, one.name]),
  )
  return (
    <TabLeaves>
      <Select<DepartmentId[]>
        {...(id === undefined ? {} : { id })}
        {...(onChange === undefined ? {} : { onChange })}
        mode="multiple"
        disabled={disabled}
        value={value}
        showSearch={{ filterOption: false, onSearch: setTyped }}
        loading={found.isFetching}
        style={{ width: '100%' }}
        options={[...known].map(([departmentId, name]) => ({ value: departmentId, label: nameText(name) }))}
      />
    </TabLeaves>
  )
}
