/** One value of a field, as people read it; what is personal only when somebody asks for it. */
import { getDepartment } from '@muster/contracts'
import { Tag, Typography } from 'antd'
import { useTranslation } from 'react-i18next'
import { useRead } from '../api.ts'
import { Masked } from '../design/masked.tsx'
import { Name } from '../design/name.tsx'
import { ValueWord } from './change-words.tsx'
import type { DepartmentPlace, FieldValue } from './fields.ts'

export function ValueText({ value }: { value: FieldValue }) {
  const { t } = useTranslation('runs')
  switch (value.kind) {
    case 'empty':
      return <Typography.Text type="secondary">{t('changes.empty')}</Typography.Text>
    case 'text':
      return value.isPersonal ? <Masked>{value.text}</Masked> : <Name>{value.text}</Name>
    case 'word':
      return <ValueWord word={value.word} />
    case 'list':
      return <Name>{value.texts.join(', ')}</Name>
    case 'pairs':
      return (
        <>
          {value.pairs.map(([name, text]) => (
            <div key={name}>
              <Name>{name}</Name>: <Masked>{text}</Masked>
            </div>
          ))}
        </>
      )
    default:
      return (
        <>
          {value.departments.map((place) => (
            <div key={place.departmentId}>
              <DepartmentText place={place} />
            </div>
          ))}
        </>
      )
  }
}

/** A department that a preview would create does not exist; then only its id is known. */
function DepartmentText({ place: { departmentId, isMain, isLeader } }: { place: DepartmentPlace }) {
  const { t } = useTranslation('runs')
  const { data } = useRead(getDepartment, { params: { id: departmentId } })
  return (
    <>
      {data === undefined ? <code>{departmentId}</code> : <Name>{data.name}</Name>}{' '}
      {isMain && <Tag>{t('changes.main')}</Tag>}
      {isLeader && <Tag>{t('changes.leader')}</Tag>}
    </>
  )
}
