/** One person of the directory, found while somebody types. Takes `value` and `onChange` from the form around it. */
import { listUsers, type UserId } from '@muster/contracts'
import { Select } from 'antd'
import { useDeferredValue, useState } from 'react'
import { useRead } from '../api.ts'
import { nameText } from './name.tsx'

export function PersonChoice({
  id,
  value,
  onChange,
  placeholder,
  nobody,
}: {
  id?: string
  value?: UserId
  onChange?: (userId: UserId) => void
  placeholder: string
  /** What it means that nothing is found. */
  nobody: string
}) {
  const [typed, setTyped] = useState('')
  const q = useDeferredValue(typed.trim())
  const found = useRead(listUsers, { query: { limit: 20, ...(q === '' ? {} : { q }) } })
  return (
    <Select<UserId>
      {...(id === undefined ? {} : { id })}
      {...(value === undefined ? {} : { value })}
      {...(onChange === undefined ? {} : { onChange })}
      showSearch={{ filterOption: false, onSearch: setTyped }}
      aria-label={placeholder}
      placeholder={placeholder}
      loading={found.isFetching}
      notFoundContent={found.isPending ? null : nobody}
      style={{ width: '100%' }}
      options={(found.data?.items ?? []).map(({ id: userId, displayName, username }) => ({
        value: userId,
        label: `${nameText(displayName)} (${nameText(username)})`,
      }))}
    />
  )
}
