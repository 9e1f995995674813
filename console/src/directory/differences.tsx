/** Before and after of the fields that differ; what is personal only when somebody asks for it. */
import { Table } from 'antd'
import { useTranslation } from 'react-i18next'
import { FieldName } from '../runs/change-words.tsx'
import { ValueText } from '../runs/field-values.tsx'
import { differencesOf } from '../runs/fields.ts'

type Fields = Readonly<Record<string, unknown>> | null

export function Differences({ before, after }: { before: Fields; after: Fields }) {
  const { t } = useTranslation('directory')
  return (
    <Table
      size="small"
      pagination={false}
      rowKey="field"
      aria-label={t('differences.label')}
      style={{ maxWidth: 800, marginBlock: 8 }}
      scroll={{ x: 420 }}
      dataSource={[...differencesOf({ before, after })]}
      columns={[
        { title: t('differences.field'), width: 140, render: (_, { field }) => <FieldName field={field} /> },
        { title: t('differences.before'), render: (_, row) => <ValueText value={row.before} /> },
        { title: t('differences.after'), render: (_, row) => <ValueText value={row.after} /> },
      ]}
    />
  )
}
