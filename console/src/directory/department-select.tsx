/** One department, found by its name, pinyin or initials. */
import { listDepartments } from '@muster/contracts'
import { Select } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useRead } from '../api.ts'
import { nameText } from '../design/name.tsx'
import { DepartmentPath, PlacedDepartment } from './department-path.tsx'

const MOST_FOUND = 20

export function DepartmentSelect({
  organizationId,
  value,
  without = [],
  id,
  label,
  placeholder,
  onChange,
}: {
  organizationId: string
  value?: string | null
  /** Ids that cannot be chosen. */
  without?: readonly string[]
  /** Of the field, from the form. */
  id?: string
  label?: string
  placeholder?: string
  onChange?: (departmentId: string | null) => void
}) {
  const { t } = useTranslation('directory')
  const [q, setQ] = useState('')
  const found = useRead(listDepartments, {
    query: { organizationId, limit: MOST_FOUND, ...(q === '' ? { parentId: 'none' as const } : { q }) },
  })
  const items = found.data?.items ?? []
  return (
    <Select<string | null>
      {...(id === undefined ? {} : { id })}
      {...(label === undefined ? {} : { 'aria-label': label })}
      allowClear
      style={{ width: '100%' }}
      listItemHeight={44}
      placeholder={placeholder ?? t('pick.placeholder')}
      notFoundContent={t(found.isPending ? 'tree.loading' : 'pick.none')}
      showSearch={{ filterOption: false, onSearch: (text) => setQ(text.trim()) }}
      options={items.map((department) => ({
        value: department.id as string,
        label: nameText(department.name),
        id: department.id,
        name: department.name,
        disabled: without.includes(department.id),
        hasParent: department.parentId !== null,
      }))}
      optionRender={({ data }) => <PlacedDepartment id={data.id} name={data.name} hasParent={data.hasParent} />}
      labelRender={({ value: departmentId }) => <DepartmentPath id={String(departmentId)} isWhole />}
      value={value ?? null}
      onChange={(departmentId) => onChange?.(departmentId ?? null)}
    />
  )
}
