/** All connections of an organization, each with the state of its two services in words. */
import { listConnections, listOrganizations, type Connection } from '@muster/contracts'
import { PlusOutlined } from '@ant-design/icons'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { Button, Card, Empty, Flex, Input, Select, Tag, Typography } from 'antd'
import type { TableProps } from 'antd'
import { useTranslation } from 'react-i18next'
import { useRead } from '../api.ts'
import { ListTable } from '../design/list-table.tsx'
import { Name, nameText } from '../design/name.tsx'
import { Page } from '../design/page.tsx'
import { StatusTag } from '../design/status.tsx'
import { numberText, When } from '../design/when.tsx'
import { May, useMay } from '../shell/session.tsx'
import { IconPicture } from './icon-picture.tsx'
import { OnOff } from './on-off.tsx'
import { isDraft, resumeAt } from './wizard/wizard-steps.ts'

export function Connections() {
  const { t } = useTranslation('connections')
  const { q, organization } = useSearch({ from: '/inside/connections' })
  const navigate = useNavigate()
  const mayChange = useMay('operator')
  const organizations = useRead(listOrganizations, { query: { limit: 500 } })
  const filter = organization === undefined ? {} : { organizationId: organization as Connection['organizationId'] }
  const all = useRead(listConnections, { query: { ...filter, limit: 1 } })
  const isEmpty = all.data?.total === 0

  const columns: NonNullable<TableProps<Connection>['columns']> = [
    { title: t('column.name'), key: 'name', width: 320, render: (_, connection) => <Title connection={connection} /> },
    {
      title: t('column.sync'),
      key: 'sync',
      width: 200,
      render: (_, { sync, status }) => (
        <Flex gap={4} wrap>
          <OnOff isOn={sync.enabled} />
          {(sync.enabled || status.sync !== 'never') && <StatusTag status={status.sync} />}
        </Flex>
      ),
    },
    {
      title: t('column.signIn'),
      key: 'signIn',
      width: 120,
      render: (_, { signIn }) => <OnOff isOn={signIn.enabled} />,
    },
    {
      title: t('column.people'),
      key: 'people',
      width: 120,
      align: 'end',
      render: (_, { status }) => numberText(status.linkedUsers),
    },
    {
      title: t('column.last'),
      key: 'last',
      width: 170,
      render: (_, { status }) =>
        status.lastRunId === null ? (
          <When at={null} />
        ) : (
          <Link to="/runs/$id" params={{ id: status.lastRunId }}>
            <When at={status.lastRunAt} />
          </Link>
        ),
    },
    {
      title: t('column.next'),
      key: 'next',
      width: 170,
      render: (_, { status }) =>
        status.nextRunAt === null ? (
          <Typography.Text type="secondary">{t('notPlanned')}</Typography.Text>
        ) : (
          <When at={status.nextRunAt} />
        ),
    },
  ]

  return (
    <Page
      title={t('title')}
      actions={
        !isEmpty && (
          <May role="operator">
            <AddButton />
          </May>
        )
      }
    >
      {isEmpty && organizations.data !== undefined && organizations.data.total < 2 ? (
        <Card>
          <Empty
            image={Empty.PRESENTED_IMAGE_SIMPLE}
            description={
              <div style={{ maxWidth: 520, marginInline: 'auto' }}>
                <Typography.Title level={2} style={{ fontSize: 18 }}>
                  {t('first.title')}
                </Typography.Title>
                <Typography.Paragraph type="secondary">{t('first.why')}</Typography.Paragraph>
                {!mayChange && <Typography.Paragraph type="secondary">{t('first.auditor')}</Typography.Paragraph>}
              </div>
            }
          >
            <May role="operator">
              <AddButton />
            </May>
          </Empty>
        </Card>
      ) : (
        <>
          <Flex gap={12} wrap style={{ marginBlockEnd: 16 }}>
            <Input.Search
              aria-label={t('search')}
              placeholder={t('search')}
              allowClear
              defaultValue={q}
              style={{ width: 320, maxWidth: '100%' }}
              onSearch={(text) =>
                void navigate({
                  to: '/connections',
                  search: (before) => ({ ...before, q: text === '' ? undefined : text }),
                  replace: true,
                })
              }
            />
            {organizations.data !== undefined && organizations.data.total > 1 && (
              <Select
                aria-label={t('organization')}
                style={{ minWidth: 220 }}
                value={organization ?? organizations.data.items.find(({ slug }) => slug === 'default')?.id}
                options={organizations.data.items.map(({ id, name }) => ({ value: id, label: nameText(name) }))}
                onChange={(id) =>
                  void navigate({
                    to: '/connections',
                    search: (before) => ({ ...before, organization: id }),
                    replace: true,
                  })
                }
              />
            )}
          </Flex>
          <ListTable
            endpoint={listConnections}
            request={{ query: { ...filter, ...(q === undefined ? {} : { q }) } }}
            label={t('title')}
            columns={columns}
            width={1100}
            empty={t('empty')}
          />
        </>
      )}
    </Page>
  )
}

function Title({ connection }: { connection: Connection }) {
  const { t } = useTranslation('connections')
  const { identifier, displayName, icon, kind, managedByEnvironment } = connection
  return (
    <Flex gap={12} align="center">
      <IconPicture icon={icon} name={displayName} />
      <div>
        <Flex gap={8} align="center" wrap>
          <Link to="/connections/$id" params={{ id: identifier }}>
            <strong>
              <Name>{displayName}</Name>
            </strong>
          </Link>
          {isDraft(connection) && <Tag>{t('draft')}</Tag>}
          {managedByEnvironment && <Tag color="blue">{t('environment.tag')}</Tag>}
        </Flex>
        <Typography.Text type="secondary">
          <code>{identifier}</code> · {t(`kind.${kind}`)}
        </Typography.Text>
        <May role="operator">
          <Resume row={connection} />
        </May>
      </div>
    </Flex>
  )
}

function Resume({ row }: { row: Connection }) {
  const { t } = useTranslation('connections')
  if (!isDraft(row)) return null
  return (
    <div>
      <Link to="/connections/new" search={{ connection: row.identifier, step: resumeAt(row) }}>
        {t('resume')}
      </Link>
    </div>
  )
}

function AddButton() {
  const { t } = useTranslation('connections')
  const navigate = useNavigate()
  return (
    <Button
      type="primary"
      icon={<PlusOutlined aria-hidden />}
      onClick={() => void navigate({ to: '/connections/new', search: { step: 'kind' } })}
    >
      {t('add')}
    </Button>
  )
}
