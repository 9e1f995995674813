/** Where a department stands, in the names of what is above it. Two departments may share a name; their paths differ. */
import { getDepartment } from '@muster/contracts'
import { Typography } from 'antd'
import { useRead } from '../api.ts'
import { Name } from '../design/name.tsx'

/** @param isWhole with the department itself at the end */
export function DepartmentPath({ id, isWhole = false }: { id: string; isWhole?: boolean }) {
  const { data } = useRead(getDepartment, { params: { id } })
  if (data === undefined) return <span>…</span>
  const names = [...data.path.map(({ name }) => name), ...(isWhole ? [data.name] : [])]
  return <Name>{names.join(' / ')}</Name>
}

/** A name with its path below it, on two lines. */
export function PlacedDepartment({ id, name, hasParent }: { id: string; name: string; hasParent: boolean }) {
  return (
    <span style={{ display: 'block', overflow: 'hidden', lineHeight: '18px' }}>
      <span style={{ display: 'block', overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap' }}>
        <Name>{name}</Name>
      </span>
      <Typography.Text type="secondary" ellipsis style={{ fontSize: 12, display: 'block', lineHeight: '16px' }}>
        {hasParent ? <DepartmentPath id={id} /> : ' '}
      </Typography.Text>
    </span>
  )
}
