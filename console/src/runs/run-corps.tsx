/** The companies of a delegated connection: each is read, guarded and told about by itself, and one that fails stops no other. */
import type { Run } from '@muster/contracts'
import { Table, Tag, Typography } from 'antd'
import { useTranslation } from 'react-i18next'
import { CopyButton } from '../design/copy-button.tsx'
import { Name } from '../design/name.tsx'
import { Section } from '../design/section.tsx'
import { numberText } from '../design/when.tsx'

type RunCorp = Run['corps'][number]

export function RunCorps({ run: { corps, mode } }: { run: Run }) {
  const { t } = useTranslation('runs')
  if (corps.length === 0) return null
  return (
    <Section title={t('corps.title')}>
      <Table<RunCorp>
        size="small"
        pagination={false}
        rowKey="corpId"
        aria-label={t('corps.title')}
        scroll={{ x: 720 }}
        dataSource={[...corps]}
        columns={[
          {
            title: t('corps.company'),
            key: 'company',
            render: (_, { name, corpId }) => (
              <>
                <Name>{name}</Name>
                <div>
                  <Typography.Text type="secondary">
                    <code style={{ overflowWrap: 'anywhere' }}>{corpId}</code>
                  </Typography.Text>{' '}
                  <CopyButton text={corpId} label={`CorpId ${corpId}`} />
                </div>
              </>
            ),
          },
          { title: t('corps.reading'), key: 'reading', render: (_, corp) => <Reading corp={corp} mode={mode} /> },
          {
            title: t('corps.members'),
            key: 'members',
            align: 'end',
            width: 120,
            render: (_, { membersRead }) => numberText(membersRead),
          },
          {
            title: t('corps.departments'),
            key: 'departments',
            align: 'end',
            width: 130,
            render: (_, { departmentsRead }) => numberText(departmentsRead),
          },
        ]}
      />
    </Section>
  )
}

function Reading({ corp: { complete, isHeld, error }, mode }: { corp: RunCorp; mode: Run['mode'] }) {
  const { t } = useTranslation('runs')
  if (error !== null) {
    return (
      <>
        <Tag color="error">{t('corps.failed')}</Tag>
        <Name>{error.title}</Name>
        {error.remedy !== null && <div>{error.remedy}</div>}
      </>
    )
  }
  return (
    <>
      <Tag color={complete ? 'success' : 'warning'}>{t(complete ? 'corps.complete' : 'corps.incomplete')}</Tag>
      {isHeld && <Tag color="warning">{t(mode === 'preview' ? 'corps.wouldBeHeld' : 'corps.held')}</Tag>}
    </>
  )
}
